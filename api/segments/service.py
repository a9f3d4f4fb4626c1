"""Ingest (protocol 10.2): who signed, may that key sign, does it continue its stream, is what it covers what it signed.

A refused segment is kept with its reason and disturbs no other. One whose key has lapsed is taken when the same upload
brings a segment of the same stream, signed by a valid key, that reaches it through `prev` (protocol 6.4).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import structlog
from sqlalchemy import Connection

from alliance.errors import AllianceError, Conflicting, Malformed, Refused
from alliance.identity import Address, Digest, to_hex
from alliance.reading import check_follows
from alliance.segment import START, Head, SegmentConflicts, SignedSegment, check_continues, conflict
from api.devices import queries as devices
from api.devices.queries import KeyRow
from api.epochs import queries as epochs
from api.platform import Platform
from api.segments import repository
from api.segments.repository import RefusedRow, Stored, Tail
from oracle import cbor, contents
from oracle import reading as reading_bytes
from oracle.contents import Contents
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.plain import Fields
from oracle.segment import SealedSegment, sealed_from_plain
from oracle.signature import PublicKeys

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
class SegmentSuperseded(Conflicting):
    """Another key of the device continued the stream here first; this continuation is kept and counts nothing."""

    device: Address
    channel: int
    kept: Digest
    refused: Digest


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


@dataclass(frozen=True, slots=True)
class Read:
    """One item of an upload, read: the segment and what it covers, or why it is none, or covers something else."""

    item: object
    sealed: SealedSegment | None
    covered: Contents | AllianceError


def read(platform: Platform, connection: Connection, items: Sequence[object]) -> list[Read]:
    """Read, hash and find the signer of each item: all of the work that needs no place in the log, hence no lock."""
    keys, domain = cache(devices.public_keys_of(connection)), platform.deployment.domain
    return [_read(item, domain, keys) for item in items]


def ingest(platform: Platform, connection: Connection, found: Sequence[Read]) -> Outcome:
    """Judge and store an upload's segments, in its order, in the caller's transaction."""
    now_ms = platform.clock.now_ms()
    batch = _Batch(platform, connection, now_ms=now_ms)
    batch.take(found)
    return batch.finish()


class _Batch:
    """One upload under judgement: everything it needs is read once, everything it decides is written at the end."""

    def __init__(self, platform: Platform, connection: Connection, *, now_ms: int) -> None:
        self._connection, self._now_ms = connection, now_ms
        self._signed: list[SignedSegment] = []
        self._epoch = epochs.open_epoch(connection, platform.deployment, now_ms=now_ms)
        self._streams: dict[tuple[Address, int], _Stream] = {}
        self._new: dict[Digest, Stored] = {}
        self._accepted: list[Accepted] = []
        self._rejected: list[Rejected] = []
        self._evidence: list[RefusedRow] = []

    def take(self, found: Sequence[Read]) -> None:
        """Judge segments, each alone but for those of lapsed keys, which a later one may reach."""
        self._signed = [one.sealed.signed for one in found if one.sealed is not None]
        for one in found:
            try:
                self._accepted.append(self._judge(one))
            except AllianceError as error:
                self._refuse(one.item, one.sealed, error)

    def finish(self) -> Outcome:
        """Write what was decided."""
        repository.add(self._connection, self._new.values())
        repository.refuse(self._connection, self._evidence)
        return Outcome(accepted=tuple(self._accepted), rejected=tuple(self._rejected))

    def _judge(self, one: Read) -> Accepted:
        if one.sealed is None:
            assert isinstance(one.covered, AllianceError), "what is no segment has its reason"
            raise one.covered
        sealed, signed, segment = one.sealed, one.sealed.signed, one.sealed.signed.segment
        _check_numbers(signed)
        stream = self._stream(segment.device, segment.channel)
        if (segment.first_seq, segment.prev) != (stream.tail.head.next_seq, stream.tail.head.digest):
            kept = self._kept(signed)  # one that continues its stream can be neither a retry nor a conflict
            if kept is not None:
                return Accepted(segment=signed.digest, epoch=kept.epoch)
            self._check_conflicts(signed)
            self._check_superseded(stream, signed)
        self._check_signer(stream, signed)
        check_continues(stream.tail.head, segment)
        _check_readings(stream.tail, one)
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

    def _check_superseded(self, stream: _Stream, signed: SignedSegment) -> None:
        """Refuse by name what a confirmed key made where another key's segment already stands."""
        s = signed.segment
        held = repository.behind(self._connection, s.device, s.channel, s.prev) or next(
            (one.sealed.signed for one in self._new.values() if _place(one.sealed.signed) == _place(signed)), None
        )
        if held is not None and signed.signer in stream.keys:
            raise SegmentSuperseded(device=s.device, channel=s.channel, kept=held.digest, refused=signed.digest)

    def _check_signer(self, stream: _Stream, signed: SignedSegment) -> None:
        device, now_s = signed.segment.device, self._now_ms // 1000
        key = stream.keys.get(signed.signer)
        if key is None:
            raise SignerUnknown(device=device, signer=signed.signer)
        if not key.valid_at(now_s) and signed.digest not in self._reached(stream, signed):
            why = "frozen" if key.frozen else "revoked" if key.revoked else "expired"
            raise SignerLapsed(device=device, signer=signed.signer, valid_to_s=key.valid_to_s, why=why)
        if not stream.registered:
            raise ChannelUnknown(device=device, channel=signed.segment.channel)

    def _reached(self, stream: _Stream, lapsed: SignedSegment) -> set[Digest]:
        """What of the lapsed segment's stream a validly signed segment of this upload reaches through `prev`."""
        now_s, reached = self._now_ms // 1000, set[Digest]()
        for signed in reversed(self._signed):
            if _stream_of(signed) != _stream_of(lapsed):
                continue
            key = stream.keys.get(signed.signer)
            if signed.digest in reached or (key is not None and key.valid_at(now_s)):
                reached.add(signed.segment.prev)
        return reached

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


def _stream_of(signed: SignedSegment) -> tuple[Address, int]:
    return (signed.segment.device, signed.segment.channel)


def _place(signed: SignedSegment) -> tuple[Address, int, Digest]:
    return (*_stream_of(signed), signed.segment.prev)


def _check_readings(tail: Tail, one: Read) -> None:
    """Refuse what does not cover what it signed, or does not follow the stream's last reading."""
    if isinstance(one.covered, AllianceError):
        raise one.covered
    if one.covered.rows and tail.last_reading:
        check_follows(reading_bytes.decode(tail.last_reading), one.covered.reading(0))


def _read(item: object, domain: Domain, keys: PublicKeys) -> Read:
    try:
        sealed = sealed_from_plain(item, domain, keys)
    except AllianceError as error:
        return Read(item, None, error)
    try:
        return Read(item, sealed, contents.checked(sealed))
    except AllianceError as error:
        return Read(item, sealed, error)
