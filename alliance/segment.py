"""Segments of readings, their chain, and what makes two of them conflict (protocol 3)."""

from dataclasses import dataclass

from alliance.errors import Conflicting, Refused
from alliance.identity import ZERO_DIGEST, Address, Digest

MAX_READINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What a device signs: up to 60 contiguous readings of one channel under one Merkle root."""

    device: Address
    channel: int
    first_seq: int
    count: int
    t_first_ms: int
    t_last_ms: int
    root: Digest
    prev: Digest
    beacon_block: int
    beacon_hash: Digest

    @property
    def next_seq(self) -> int:
        """The sequence number that the stream's next reading must carry."""
        return self.first_seq + self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedSegment:
    """A segment with its digest (EIP-712), the algorithm and signature over it, and the key that signed."""

    segment: Segment
    digest: Digest
    alg: int
    signature: bytes
    signer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a (device, channel) stream: where the next segment must continue."""

    next_seq: int
    digest: Digest


START = Head(next_seq=0, digest=ZERO_DIGEST)
"""The head of a stream that has no segment yet."""


@dataclass(kw_only=True, eq=False)
class StreamBroken(Refused):
    """A segment does not continue its stream."""

    device: Address
    channel: int
    want_first_seq: int
    got_first_seq: int
    want_prev: Digest
    got_prev: Digest


@dataclass(kw_only=True, eq=False)
class SegmentShapeWrong(Refused):
    """A segment's own fields contradict each other or its readings."""

    device: Address
    channel: int
    field: str
    want: int
    got: int


@dataclass(kw_only=True, eq=False)
class SegmentConflicts(Conflicting):
    """The same key signed two different segments for the same place in a stream."""

    device: Address
    channel: int
    kept: Digest
    refused: Digest


def check_continues(head: Head, segment: Segment) -> None:
    """Refuse a segment that does not continue the stream at `head`. Raises StreamBroken (protocol 3.3)."""
    if (segment.first_seq, segment.prev) != (head.next_seq, head.digest):
        raise StreamBroken(
            device=segment.device,
            channel=segment.channel,
            want_first_seq=head.next_seq,
            got_first_seq=segment.first_seq,
            want_prev=head.digest,
            got_prev=segment.prev,
        )


def conflict(a: SignedSegment, b: SignedSegment) -> bool:
    """Whether two signed segments are an equivocation (protocol 3.5): the rule that `AnchorLog.equivocate` enforces."""
    x, y = a.segment, b.segment
    same_stream = (a.signer, x.device, x.channel) == (b.signer, y.device, y.channel)
    overlap = max(x.first_seq, y.first_seq) < min(x.next_seq, y.next_seq)
    return same_stream and a.digest != b.digest and (x.prev == y.prev or overlap)
