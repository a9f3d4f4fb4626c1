"""A channel's stream on the box (protocol 3): the open segment, when it closes, and what its closing signs.

A segment covers (epoch start, epoch end]: the reading at an epoch's end is its last. Values only;
`edge.evidence.outbox` keeps them.
"""

from dataclasses import dataclass, replace

from alliance.identity import ZERO_ADDRESS, ZERO_DIGEST, Address, Digest
from alliance.ports import Signer
from alliance.reading import Reading
from alliance.segment import MAX_READINGS, START, Head, Segment, SignedSegment
from oracle import reading as reading_bytes
from oracle import segment as segments
from oracle.eip712 import Domain
from oracle.segment import SealedSegment

HELD = 0
"""Algorithm of a segment that no key has signed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """A block that the service reported; it bounds from below when a segment can have been made (protocol 3.7)."""

    block: int
    hash: Digest


NO_BEACON = Beacon(block=0, hash=ZERO_DIGEST)
"""What a segment carries that was opened before any block was reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A segment that is still being filled; its secret was stored when it was opened."""

    epoch: int
    secret: Digest
    beacon: Beacon
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One channel: the head of what was signed, the open segment if any, and the last reading ever taken."""

    channel: int
    head: Head = START
    signed: int = 0
    """How many segments this box signed for the channel, gap records included; it only grows."""
    opened: Opened | None = None
    last: Reading | None = None

    @property
    def next_seq(self) -> int:
        """The number that the next reading gets."""
        return self.head.next_seq + (len(self.opened.readings) if self.opened else 0)


def epoch_of(t_ms: int, *, epoch_seconds: int) -> int:
    """The epoch (start, end] in which a reading at an instant is signed."""
    return (t_ms - 1) // (epoch_seconds * 1_000)


def ends_ms(epoch: int, *, epoch_seconds: int) -> int:
    """UTC milliseconds of an epoch's end, which still belongs to it."""
    return (epoch + 1) * epoch_seconds * 1_000


def opened_at(stream: Stream, t_ms: int, *, secret: Digest, beacon: Beacon, epoch_seconds: int) -> Stream:
    """The stream with a new segment open for the epoch of an instant."""
    epoch = epoch_of(t_ms, epoch_seconds=epoch_seconds)
    return replace(stream, opened=Opened(epoch=epoch, secret=secret, beacon=beacon))


def appended(stream: Stream, reading: Reading) -> Stream:
    """The stream with one reading more in its open segment, salted. Raises ReadingMalformed."""
    assert stream.opened is not None
    salted = segments.salted(reading, stream.opened.secret)
    reading_bytes.encode(salted)
    opened = replace(stream.opened, readings=(*stream.opened.readings, salted))
    return replace(stream, opened=opened, last=salted)


def overdue(stream: Stream, t_ms: int, *, epoch_seconds: int) -> bool:
    """Whether the open segment's epoch ended before an instant, so that a reading of then belongs to another one."""
    return stream.opened is not None and ends_ms(stream.opened.epoch, epoch_seconds=epoch_seconds) < t_ms


def complete(stream: Stream, t_ms: int, *, epoch_seconds: int) -> bool:
    """Whether the open segment closes at an instant: it is full, or its epoch ends."""
    opened = stream.opened
    if opened is None:
        return False
    return len(opened.readings) >= MAX_READINGS or ends_ms(opened.epoch, epoch_seconds=epoch_seconds) <= t_ms


def held(segment: Segment, *, domain: Domain) -> SignedSegment:
    """A segment that waits for a key."""
    return SignedSegment(
        segment=segment, digest=segments.digest(segment, domain), alg=HELD, signature=b"", signer=ZERO_ADDRESS
    )


def closed(
    stream: Stream, *, device: Address, domain: Domain, signer: Signer | None, epoch_seconds: int
) -> tuple[SealedSegment, Stream]:
    """Sign the open segment, or a gap record if it is empty; closing twice from the same state signs the same bytes.

    Without a signer the segment is closed and held (algorithm 0, no signature): its digest, and so what continues it,
    is the same whoever signs it later.
    """
    opened = stream.opened
    assert opened is not None
    segment = segments.close(
        opened.readings, device=device, channel=stream.channel, head=stream.head,
        closed_at_ms=ends_ms(opened.epoch, epoch_seconds=epoch_seconds),
        beacon_block=opened.beacon.block, beacon_hash=opened.beacon.hash,
    )  # fmt: skip
    signed = held(segment, domain=domain) if signer is None else segments.sign(segment, domain=domain, signer=signer)
    sealed = SealedSegment(
        signed=signed,
        secret=opened.secret if opened.readings else ZERO_DIGEST,
        readings=b"".join(map(reading_bytes.encode, opened.readings)),
    )
    head = Head(next_seq=segment.next_seq, digest=signed.digest)
    return sealed, replace(stream, head=head, signed=stream.signed + 1, opened=None)
