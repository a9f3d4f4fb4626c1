"""Subjects (protocol 4.8.3): a key for each station's evidence, one for the alliance's documents, made when needed."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.identity import Address, Digest
from api.chance import chance
from api.devices import queries as devices
from api.platform import Platform
from api.privacy import repository
from api.privacy.repository import SealedRow
from oracle import encryption
from oracle.segment import SealedSegment

ALLIANCE = 0
"""The subject of schedules, instructions and statements."""
UNBOUND = -1
"""The subject of evidence of a channel that is bound to no station: for regulators alone."""
_EVER_MS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKey:
    """A subject's present key."""

    subject: int
    generation: int
    key: bytes

    def sealed(self, digest: Digest, *, epoch: int, info: bytes) -> SealedRow:
        """What is remembered of a block that was encrypted under this key."""
        return SealedRow(digest=digest, subject=self.subject, generation=self.generation, epoch=epoch, info=info)


def key_for(platform: Platform, connection: Connection, subject: int) -> SubjectKey:
    """A subject's key; a new one, durable with the caller's transaction, when it has none. Raises MasterKeyWrong."""
    kept = repository.live_key(connection, subject)
    if kept is not None:
        generation, wrapped = kept
        key = platform.vault.unwrap(wrapped, subject=subject, generation=generation)
        return SubjectKey(subject=subject, generation=generation, key=key)
    generation = repository.next_generation(connection, subject)
    key = chance(platform, f"subject/{subject}/{generation}").token(encryption.KEY_BYTES)
    wrapped = platform.vault.wrap(key, subject=subject, generation=generation, randomness=platform.randomness)
    repository.add_key(
        connection, subject=subject, generation=generation, wrapped=wrapped, t_ms=platform.clock.now_ms()
    )
    return SubjectKey(subject=subject, generation=generation, key=key)


def keys_for(platform: Platform, subjects: Iterable[int]) -> dict[int, SubjectKey]:
    """The keys of subjects, durable when this returns. Raises MasterKeyWrong."""
    wanted = sorted(set(subjects))
    if not wanted:
        return {}
    with platform.database.writing() as connection:
        return {subject: key_for(platform, connection, subject) for subject in wanted}


def content_keys(platform: Platform, connection: Connection, rows: Iterable[SealedRow]) -> dict[Digest, bytes]:
    """The content keys of encrypted blocks; those whose subject's key was destroyed are left out."""
    kept: dict[tuple[int, int], bytes | None] = {}
    found: dict[Digest, bytes] = {}
    for row in rows:
        named = (row.subject, row.generation)
        if named not in kept:
            wrapped = repository.key_of(connection, *named)
            kept[named] = (
                None
                if wrapped is None
                else platform.vault.unwrap(wrapped, subject=row.subject, generation=row.generation)
            )
        key = kept[named]
        if key is not None:
            found[row.digest] = encryption.content_key(key, row.info)
    return found


def station_of(connection: Connection, device: Address, channel: int, sealed: Iterable[SealedSegment]) -> int:
    """Whose evidence a channel's block is: the station for which its first reading (or gap record) was measured."""
    t_ms = min((s.signed.segment.t_first_ms for s in sealed), default=0)
    return next((at for low, high, at in _terms(connection, device, channel) if low <= t_ms < high), UNBOUND)


def terms_of(connection: Connection, device: Address, channel: int, subject: int) -> list[tuple[int, int]]:
    """The spans (UTC ms, half-open) whose first readings are a station's evidence by `station_of`."""
    return [(low, high) for low, high, station in _terms(connection, device, channel) if station == subject]


def _terms(connection: Connection, device: Address, channel: int) -> list[tuple[int, int, int]]:
    """A channel's stations one after the other: each from its binding to the next one, the first one from ever on."""
    bound = [b for b in devices.channels_of(connection, device) if b.channel == channel]
    ends = [*(b.from_ms for b in bound[1:]), _EVER_MS]
    starts = [0, *ends[:-1]]
    return [(low, high, int(b.station)) for low, high, b in zip(starts, ends, bound, strict=False)]
