"""Ingest (protocol 10.2): who signed, may that key sign, does it continue its stream, is what it covers what it signed.

Each segment is judged alone: a refused one is kept with its reason and disturbs no other.
"""

import json
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from alliance.errors import AllianceError, Malformed, Refused
from alliance.identity import Address, Digest, to_hex
from alliance.reading import check_follows
from alliance.segment import START, Head, SegmentConflicts, SignedSegment, check_continues, conflict
from api.devices import queries as devices
from api.devices.queries import KeyRow
from api.epochs import queries as epochs
from api.platform import Platform
from api.segments import repository
from api.segments.repository import RefusedRow, Stored, Tail
from oracle import cbor
from oracle import reading as reading_bytes
from oracle.hashing import sha256
from oracle.plain import Fields
from oracle.segment import SealedSegment, check_contents, sealed_from_plain

VERSION = 1
_MAX_STORED = (1 << 53) - 1
_LOG = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class UploadTooLong(Refused):
    """An upload holds more segments than the service takes at once."""

    limit: int
    got: int


@dataclass(kw_only=True, eq=False)
class UploadVersionUnknown(Refused):
    """An upload of a version that this service does not read."""

    version: int


@dataclass(kw_only=True, eq=False)
class ChannelUnknown(Refused):
    """No attestor bound this channel of this device to a station."""

    device: Address
    channel: int


@dataclass(kw_only=True, eq=False)
class SignerUnknown(Refused):
    """The signature is not by a key that was confirmed for the device: a wrong signature, or a stranger's."""

    device: Address
    signer: Address


@dataclass(kw_only=True, eq=False)
class SignerLapsed(Refused):
    """The key was confirmed for the device once, but it was revoked, frozen, or its time is over."""

    device: Address
    signer: Address
    valid_to_s: int
    why: str


@dataclass(kw_only=True, eq=False)
class NumberTooLarge(Malformed):
    """A number in a segment is larger than any real one."""

    field: str
    value: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A segment that is stored; `epoch` is the last one by which it will stand in a manifest."""

    segment: Digest
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A segment that is not stored, and why; `segment` is None when its digest could not be made out."""

    segment: Digest | None
    error: AllianceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an upload, segment by segment in its order."""

    accepted: tuple[Accepted, ...]
    rejected: tuple[Rejected, ...]


@dataclass(slots=True)
class _Stream:
    """A stream while an upload is judged: where it ends, and the keys of its device."""

    tail: Tail
    keys: dict[Address, KeyRow]
    registered: bool


def read_upload(body: bytes, *, limit: int) -> list[object]:
    """The items of an upload, not judged. Raises NotCanonical, PlainMalformed, UploadVersionUnknown, UploadTooLong."""
    fields = Fields(cbor.decode(body), where="upload")
    version = fields.int("v")
    if version != VERSION:
        raise UploadVersionUnknown(version=version)
    items = fields.list("segments")
    fields.finish()
    if len(items) > limit:
        raise UploadTooLong(limit=limit, got=len(items))
    return items


def ingest(platform: Platform, connection: Connection, items: list[object]) -> Outcome:
    """Judge and store an upload's segments, in its order, in the caller's transaction."""
    now_ms = platform.clock.now_ms()
    batch = _Batch(platform, connection, now_ms=now_ms)
    for item in items:
        batch.take(item)
    return batch.finish()


class _Batch:
    """One upload under judgement: everything it needs is read once, everything it decides is written at the end."""

    def __init__(self, platform: Platform, connection: Connection, *, now_ms: int) -> None:
        self._domain, self._connection, self._now_ms = platform.deployment.domain, connection, now_ms
        self._epoch = epochs.open_epoch(connection, platform.deployment, now_ms=now_ms)
        self._streams: dict[tuple[Address, int], _Stream] = {}
        self._new: dict[Digest, Stored] = {}
        self._accepted: list[Accepted] = []
        self._rejected: list[Rejected] = []
        self._evidence: list[RefusedRow] = []

    def take(self, item: object) -> None:
        """Judge one segment."""
        sealed: SealedSegment | None = None
        try:
            sealed = sealed_from_plain(item, self._domain)
            self._accepted.append(self._judge(sealed))
        except AllianceError as error:
            self._refuse(item, sealed, error)

    def finish(self) -> Outcome:
        """Write what was decided."""
        repository.add(self._connection, self._new.values())
        repository.refuse(self._connection, self._evidence)
        return Outcome(accepted=tuple(self._accepted), rejected=tuple(self._rejected))

    def _judge(self, sealed: SealedSegment) -> Accepted:
        signed, segment = sealed.signed, sealed.signed.segment
        _check_numbers(signed)
        stream = self._stream(segment.device, segment.channel)
        if (segment.first_seq, segment.prev) != (stream.tail.head.next_seq, stream.tail.head.digest):
            kept = self._kept(signed)  # one that continues its stream can be neither a retry nor a conflict
            if kept is not None:
                return Accepted(segment=signed.digest, epoch=kept.epoch)
            self._check_conflicts(signed)
        _check_signer(stream, signed, now_s=self._now_ms // 1000)
        check_continues(stream.tail.head, segment)
        _check_readings(stream.tail, sealed)
        self._store(stream, sealed)
        return Accepted(segment=signed.digest, epoch=self._epoch)

    def _store(self, stream: _Stream, sealed: SealedSegment) -> None:
        signed = sealed.signed
        self._new[signed.digest] = Stored(
            sealed=sealed, position=stream.tail.position, epoch=self._epoch, received_ms=self._now_ms
        )
        stream.tail = Tail(
            head=Head(next_seq=signed.segment.next_seq, digest=signed.digest),
            position=stream.tail.position + 1,
            last_reading=sealed.readings[-reading_bytes.SIZE :] or stream.tail.last_reading,
        )

    def _kept(self, signed: SignedSegment) -> Stored | None:
        """The same segment by the same key, if it is stored already: a retry."""
        kept = self._new.get(signed.digest)
        if kept is None:
            kept = repository.by_digests(self._connection, [signed.digest]).get(signed.digest)
        return kept if kept is not None and kept.sealed.signed.signer == signed.signer else None

    def _check_conflicts(self, signed: SignedSegment) -> None:
        fresh = [stored.sealed.signed for stored in self._new.values()]
        for rival in [*repository.rivals(self._connection, signed), *fresh]:
            if conflict(rival, signed):
                s = signed.segment
                raise SegmentConflicts(device=s.device, channel=s.channel, kept=rival.digest, refused=signed.digest)

    def _stream(self, device: Address, channel: int) -> _Stream:
        known = self._streams.get((device, channel))
        if known is None:
            known = _Stream(
                tail=repository.tail(self._connection, device, channel)
                or Tail(head=START, position=0, last_reading=b""),
                keys={key.key: key for key in devices.keys_of(self._connection, device)},
                registered=devices.is_registered(self._connection, device, channel),
            )
            self._streams[(device, channel)] = known
        return known

    def _refuse(self, item: object, sealed: SealedSegment | None, error: AllianceError) -> None:
        raw = cbor.encode(item)
        signed = None if sealed is None else sealed.signed
        digest = None if signed is None else signed.digest
        self._rejected.append(Rejected(segment=digest, error=error))
        self._evidence.append(
            RefusedRow(
                raw_hash=sha256(raw),
                code=error.code,
                facts=json.dumps(
                    {name: to_hex(v) if isinstance(v, bytes) else str(v) for name, v in error.facts.items()}
                ),
                segment=digest,
                device=None if signed is None else signed.segment.device,
                channel=None if signed is None else signed.segment.channel,
                signer=None if signed is None else signed.signer,
                stranger=signed is None or not self._is_confirmed(signed),
                raw=raw,
                received_ms=self._now_ms,
            )
        )
        if isinstance(error, SegmentConflicts):
            self._report(error, raw)

    def _is_confirmed(self, signed: SignedSegment) -> bool:
        stream = self._streams.get((signed.segment.device, signed.segment.channel))
        return stream is not None and signed.signer in stream.keys

    def _report(self, error: SegmentConflicts, raw: bytes) -> None:
        new = repository.add_conflict(
            self._connection, kept=error.kept, refused=error.refused, raw=raw, t_ms=self._now_ms
        )
        if new:
            _LOG.warning("segments.conflict", kept=to_hex(error.kept), refused=to_hex(error.refused))


def _check_numbers(signed: SignedSegment) -> None:
    s = signed.segment
    for field in ("first_seq", "t_first_ms", "t_last_ms", "beacon_block"):
        value = getattr(s, field)
        if value > _MAX_STORED:
            raise NumberTooLarge(field=field, value=value, limit=_MAX_STORED)


def _check_signer(stream: _Stream, signed: SignedSegment, *, now_s: int) -> None:
    device, signer = signed.segment.device, signed.signer
    key = stream.keys.get(signer)
    if key is None:
        raise SignerUnknown(device=device, signer=signer)
    if not key.valid_at(now_s):
        why = "frozen" if key.frozen else "revoked" if key.revoked else "expired"
        raise SignerLapsed(device=device, signer=signer, valid_to_s=key.valid_to_s, why=why)
    if not stream.registered:
        raise ChannelUnknown(device=device, channel=signed.segment.channel)


def _check_readings(tail: Tail, sealed: SealedSegment) -> None:
    readings = check_contents(sealed)
    if readings and tail.last_reading:
        check_follows(reading_bytes.decode(tail.last_reading), readings[0])
