"""Entries of the alliance's log and their order inside an epoch (protocol 4.2): "SAE1" · type u8 · body."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from alliance.errors import Malformed, Refused
from alliance.identity import Digest
from alliance.segment import SignedSegment
from oracle import cbor

_MAGIC = b"SAE1"


class EntryType(IntEnum):
    """What an entry records."""

    EPOCH = 0
    SEGMENT = 1
    SCHEDULE = 2
    INSTRUCTION = 3
    RULE_PACK = 4
    STATEMENT = 5
    ACCEPTANCE = 6
    ROWS = 7


_BODY_SIZE = {
    EntryType.EPOCH: 8,
    EntryType.SEGMENT: 97,
    EntryType.SCHEDULE: 64,
    EntryType.INSTRUCTION: 64,
    EntryType.RULE_PACK: 64,
    EntryType.STATEMENT: 64,
    EntryType.ACCEPTANCE: 97,
    EntryType.ROWS: 64,
}
DOCUMENT_TYPES = (EntryType.SCHEDULE, EntryType.INSTRUCTION, EntryType.RULE_PACK, EntryType.STATEMENT)


@dataclass(kw_only=True, eq=False)
class EntryMalformed(Malformed):
    """Bytes are not a log entry of a known type."""

    why: str
    raw: bytes


@dataclass(kw_only=True, eq=False)
class EntriesDisordered(Refused):
    """An epoch's entries do not stand in the protocol's order."""

    epoch: int
    at: int
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its type and body."""

    type: EntryType
    body: bytes

    @property
    def raw(self) -> bytes:
        """The bytes that are a leaf of the log."""
        return _MAGIC + bytes([self.type]) + self.body

    @property
    def segment_digest(self) -> Digest:
        """Digest of the segment (or acceptance) that the entry records."""
        return Digest(self.body[1:33])

    @property
    def document(self) -> Digest:
        """SHA-256 of the document block that the entry records."""
        return Digest(self.body[:32])

    @property
    def commitment(self) -> Digest:
        """SHA-256(salt ‖ document) that the entry records."""
        return Digest(self.body[32:])

    @property
    def rows_root(self) -> Digest:
        """Root over the rows of the document that an entry of type ROWS names."""
        return Digest(self.body[32:])


def epoch_entry(epoch: int) -> Entry:
    """The first entry of every epoch."""
    return Entry(EntryType.EPOCH, epoch.to_bytes(8, "big"))


def segment_entry(signed: SignedSegment) -> Entry:
    """The entry of a device's segment."""
    return Entry(EntryType.SEGMENT, bytes([signed.alg]) + signed.digest + signed.signature)


def acceptance_entry(*, alg: int, digest: Digest, signature: bytes) -> Entry:
    """The entry of a station key's acceptance of a schedule."""
    return Entry(EntryType.ACCEPTANCE, bytes([alg]) + digest + signature)


def document_entry(kind: EntryType, *, block: Digest, commitment: Digest) -> Entry:
    """The entry of a schedule, instruction, rule pack or statement."""
    return Entry(kind, block + commitment)


def parse(raw: bytes) -> Entry:
    """Read an entry. Raises EntryMalformed."""
    if raw[:4] != _MAGIC or len(raw) < 5:
        raise EntryMalformed(why="magic is not SAE1", raw=raw[:8])
    if raw[4] not in EntryType._value2member_map_:
        raise EntryMalformed(why=f"type {raw[4]} unknown", raw=raw[:8])
    kind, body = EntryType(raw[4]), raw[5:]
    if len(body) != _BODY_SIZE[kind]:
        raise EntryMalformed(why=f"body of {kind.name} has {len(body)} bytes, want {_BODY_SIZE[kind]}", raw=raw[:8])
    return Entry(kind, body)


def arrange(epoch: int, segments: Sequence[SignedSegment], others: Iterable[Entry]) -> list[Entry]:
    """An epoch's entries in the protocol's order; `segments` of one channel are given in chain order.

    The epoch entry, the segments by (device, channel, chain order), the rest by type, then body.
    """
    ordered = sorted(segments, key=lambda s: (s.segment.device, s.segment.channel))
    rest = sorted(others, key=lambda e: (e.type, e.body))
    return [epoch_entry(epoch), *map(segment_entry, ordered), *rest]


def check_order(epoch: int, entries: Sequence[Entry], segments: Sequence[SignedSegment]) -> None:
    """Refuse entries that are not exactly `arrange` of themselves. Raises EntriesDisordered."""
    want = arrange(epoch, segments, [e for e in entries if e.type > EntryType.SEGMENT])
    for at, (have, should) in enumerate(zip(entries, want, strict=False)):
        if have != should:
            raise EntriesDisordered(epoch=epoch, at=at, why=f"{have.type.name} where {should.type.name} belongs")
    if len(entries) != len(want):
        raise EntriesDisordered(epoch=epoch, at=min(len(entries), len(want)), why="entries and evidence differ")
    if len(set(entries)) != len(entries):
        raise EntriesDisordered(epoch=epoch, at=0, why="an entry stands twice")


def encode_entries(entries: Iterable[Entry]) -> bytes:
    """The block that lists an epoch's entries."""
    return cbor.encode([entry.raw for entry in entries])


def decode_entries(block: bytes) -> list[Entry]:
    """Read an entries block. Raises NotCanonical or EntryMalformed."""
    items = cbor.decode(block)
    if not isinstance(items, list) or not all(isinstance(item, bytes) for item in items):
        raise EntryMalformed(why="entries block is not a list of bytes", raw=block[:8])
    return [parse(item) for item in items]
