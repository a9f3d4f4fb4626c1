"""How soon each fault is told (protocol 10.16.2): the stated delays of the fault table.

A value beyond a limit: its raise delay and two rounds, one to be seen and one for the delay to have passed. A device's
own bit, and what the box sees at once: two rounds. Silence: three rounds and one more. A reading that screening doubts:
one sampling period and two rounds; a frozen register only once the power since it moved amounts to `frozen_wh` (2.7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from edge.devices.tables import read_points
from edge.health.faults.kinds import SUNSPEC, Level
from edge.health.faults.looking import DOUBTS
from edge.health.faults.thresholds import Delays, Threshold
from edge.tables import shipped as shipped_tables


class Basis(StrEnum):
    """What a delay counts from."""

    VALUE = "value"
    AT_ONCE = "at_once"
    BEATS = "beats"
    READING = "reading"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way for a kind to come to a level."""

    kind: str
    level: Level
    basis: Basis
    delays: Delays = Delays(raise_ms=(0, 0, 0))  # noqa: RUF009  # frozen
    threshold: Threshold | None = None

    def stated_ms(self, *, tick_ms: int, sample_ms: int, frozen_ms: int = 0) -> int:
        """At the latest so long after the fault is there, the alarm stands."""
        match self.basis:
            case Basis.VALUE:
                return self.delays.of(self.level) + 2 * tick_ms
            case Basis.AT_ONCE:
                return self.delays.of(self.level) + 2 * tick_ms
            case Basis.BEATS:
                return max(4 * tick_ms, self.delays.of(self.level) + 2 * tick_ms)
            case Basis.READING:
                return sample_ms + 2 * tick_ms
            case Basis.FROZEN:
                return frozen_ms + sample_ms + 2 * tick_ms


_BOX: Mapping[str, tuple[tuple[Level, Basis, int], ...]] = {
    "heartbeat_stopped": ((Level.DERATE, Basis.BEATS, 3_000),),
    "comms_lost": ((Level.DERATE, Basis.BEATS, 0),),
    "device_refuses": ((Level.DERATE, Basis.BEATS, 0),),
    "bad_frames": ((Level.WARN, Basis.AT_ONCE, 0), (Level.DERATE, Basis.BEATS, 0)),
    "order_failed": ((Level.WARN, Basis.AT_ONCE, 0), (Level.DERATE, Basis.BEATS, 0)),
    "device_foreign": ((Level.TRIP, Basis.AT_ONCE, 0),),
    "value_out_of_range": ((Level.WARN, Basis.AT_ONCE, 2_000), (Level.DERATE, Basis.AT_ONCE, 0)),
    "contactor_fault": ((Level.TRIP, Basis.AT_ONCE, 5_000),),
    "clock_skewed": ((Level.WARN, Basis.AT_ONCE, 0),),
    "vendor": ((Level.DERATE, Basis.AT_ONCE, 0), (Level.TRIP, Basis.AT_ONCE, 0)),
    **{
        kind: ((level, Basis.FROZEN if kind == "register_frozen" else Basis.READING, 0),)
        for kind, level in DOUBTS.values()
    },
}
"""What the box sees without a limit: level, what its delay counts from, and the raise delay, ms."""


def ways(kind: str, thresholds: Mapping[str, Threshold]) -> list[Way]:
    """Every way in which a kind can come to a level: by limit, by the box's eyes, by a device's bit."""
    found = [
        Way(kind=kind, level=level, basis=Basis.VALUE, delays=threshold.delays, threshold=threshold)
        for threshold in thresholds.values() if threshold.kind == kind
        for level in Level if level in threshold.limits
    ]  # fmt: skip
    found += [
        Way(kind=kind, level=level, basis=basis, delays=Delays(raise_ms=(delay_ms,) * 3))
        for level, basis, delay_ms in _BOX.get(kind, ())
    ]
    by_limit = {way.level for way in found}
    found += [
        Way(kind=kind, level=level, basis=Basis.AT_ONCE)
        for level in sorted(device_levels().get(kind, ()))
        if level not in by_limit
    ]
    return found


@cache
def device_levels() -> Mapping[str, frozenset[Level]]:
    """The levels at which the shipped tables' bits, and SunSpec's, tell each kind."""
    found: dict[str, set[Level]] = {}
    for path in shipped_tables().values():
        for point in read_points(path).values():
            for _, kind, level in point.alarm_kinds:
                found.setdefault(kind, set()).add(Level(level or max(1, min(3, point.alarm_level))))
    for kind, level in SUNSPEC.values():
        found.setdefault(kind, set()).add(level)
    return {kind: frozenset(levels) for kind, levels in found.items()}
