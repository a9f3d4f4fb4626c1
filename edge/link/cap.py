"""The bandwidth cap of the uplink (protocol 10.23): a token bucket that fills by the round's time; a pure rule.

So many bytes a second may leave in the long run, and what a minute saves up at once. What is to be sent goes while the
bucket is not empty, whole: a message larger than what is left leaves a debt, which later rounds pay first. Over any
span no more leaves than rate × span + a minute's saving + one message.
"""

from dataclasses import dataclass, replace

SAVED_S = 60
"""So many seconds' worth may be saved up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What may be sent. Without a rate (0) anything may."""

    bytes_per_s: int
    level_milli: int = 0
    """Thousandths of a byte that may be sent now; below 0 a debt."""
    t_ms: int | None = None
    """When it was last filled."""

    @property
    def open(self) -> bool:
        """Whether something may be sent now."""
        return not self.bytes_per_s or self.level_milli > 0

    @property
    def room_bytes(self) -> int | None:
        """How much may be sent now without a debt; None: any amount."""
        return max(0, self.level_milli // 1_000) if self.bytes_per_s else None


def filled(bucket: Bucket, *, t_ms: int) -> Bucket:
    """The bucket at an instant: full at the first one; a clock that steps back fills nothing."""
    most = bucket.bytes_per_s * SAVED_S * 1_000
    if bucket.t_ms is None:
        return replace(bucket, level_milli=most, t_ms=t_ms)
    gained = bucket.bytes_per_s * max(0, t_ms - bucket.t_ms)
    return replace(bucket, level_milli=min(most, bucket.level_milli + gained), t_ms=t_ms)


def spent(bucket: Bucket, *, sent_bytes: int) -> Bucket:
    """The bucket after something was sent."""
    return replace(bucket, level_milli=bucket.level_milli - sent_bytes * 1_000) if bucket.bytes_per_s else bucket


def fitting(sizes: list[int], *, bucket: Bucket) -> int:
    """How many of the first messages may go together now: as many as fit, one where even that leaves a debt."""
    if not bucket.open:
        return 0
    room, count = bucket.room_bytes, 0
    if room is None:
        return len(sizes)
    for size in sizes:
        room -= size
        if room < 0 and count:
            break
        count += 1
    return count
