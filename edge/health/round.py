"""What one round of the box saw and did (protocol 10.2), and which changes from the round before are events (10.20)."""

from collections.abc import Iterator
from dataclasses import dataclass

from edge.control.guard import Order
from edge.control.wish import Wish
from edge.devices.station import StationSample


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a station was not read."""

    place: str
    """host:port of the device that failed, where the error says it."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A whole round, as the page and the event log need it."""

    t_ms: int
    """The tick."""
    late_ms: int
    """How much later than its tick it began."""
    sample: StationSample | None
    failure: Failure | None
    order: Order
    wish: Wish
    reached: bool
    """Whether the platform answered when it was last asked."""
    key: str
    """The key that signs; empty while none does."""
    envelope: bool
    """Whether an envelope counts."""
    instruction: int | None
    """Number of the instruction that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An event."""

    kind: str
    before: str
    after: str


def mode_of(sample: StationSample | None) -> str | None:
    """Who commands the station: manual, local, remote; `unknown` where devices do not say it; None without a sample."""
    if sample is None:
        return None
    if sample.manual:
        return "manual"
    return {None: "unknown", True: "remote", False: "local"}[sample.remote]


def changes(before: Round | None, now: Round) -> Iterator[Change]:
    """What is different now. A round without a sample says nothing of who commands."""
    was = before.wish.source.value if before else ""
    if now.wish.source.value != was:
        yield Change(kind="order.source", before=was, after=now.wish.source.value)
    if before is not None and now.key != before.key:
        yield Change(kind="key.changed", before=before.key, after=now.key)


def mode_change(before: str | None, sample: StationSample | None) -> Change | None:
    """A switch between local, remote and manual; the first sample says where it stands."""
    now = mode_of(sample)
    if now is None or now == before:
        return None
    return Change(kind="control.mode", before=before or "", after=now)
