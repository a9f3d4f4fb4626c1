"""Bodies of uploads' answers; the upload itself is DAG-CBOR (protocol 10.2)."""

from typing import Any

from api.wire import Hex20, Hex32, HexBytes, Wire


class AckAnswer(Wire):
    """An acknowledgement: the segment will stand in a manifest no later than that of `epoch`."""

    segment: Hex32
    epoch: int
    signature: HexBytes


class RefusalAnswer(Wire):
    """A segment that was not stored; it is kept as evidence under `code`."""

    segment: Hex32 | None
    code: str
    detail: str
    facts: dict[str, Any]


class UploadAnswer(Wire):
    """What became of an upload's segments."""

    acks: tuple[AckAnswer, ...]
    refused: tuple[RefusalAnswer, ...]


class SignedSegmentAnswer(Wire):
    """A signed segment without what it covers; times in UTC ms."""

    device: Hex20
    channel: int
    first_seq: int
    count: int
    t_first: int
    t_last: int
    root: Hex32
    prev: Hex32
    beacon_block: int
    beacon_hash: Hex32
    alg: int
    signature: HexBytes
    digest: Hex32
    signer: Hex20


class ConflictAnswer(Wire):
    """An equivocation: two segments that one key signed for one place; proof for `AnchorLog.equivocate`."""

    kept: SignedSegmentAnswer
    refused: SignedSegmentAnswer


class HeadAnswer(Wire):
    """Where a stream ends: the next reading's number and the last segment's digest; `anchored` once it is on chain."""

    channel: int
    next_seq: int
    digest: Hex32
    anchored: bool


class HeadsAnswer(Wire):
    """The ends of a device's streams, by channel."""

    items: tuple[HeadAnswer, ...]
