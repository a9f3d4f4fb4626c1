"""Which readings are to be believed (protocol 2.7): pure detectors, one channel at a time, before anything is signed.

duplicate        the same instant again: not recorded
jump             a register fell, or rose by more than the highest power could move: not recorded until `CONFIRM`
                 readings in a row agree; the last of them is recorded as a register reset
spike            a power beyond the highest believable one: recorded as substituted
frozen           registers stand still while the power since they moved amounts to `frozen_wh`: as substituted
gap              more than one and a half sampling periods since the last reading: how many are missing is counted
clock_backwards  earlier than the last reading: recorded with the clock's flag (2.3)

Substituted readings settle nothing (8.4.1). What stands still at no power, and a value wrong by less than the bounds,
cannot be told from truth here.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

CONFIRM = 3
"""So many readings in a row must agree before a register's jump is taken for a new meter."""
_WMS_PER_WH = 3_600_000


class Doubt(StrEnum):
    """Why a reading is doubted; the name of its counter."""

    DUPLICATE = "duplicates"
    JUMP = "register_jumps"
    SPIKE = "spikes"
    FROZEN = "frozen"
    GAP = "gaps"
    CLOCK_BACKWARDS = "clock_backwards"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What is believable of a channel."""

    sample_ms: int
    highest_w: int
    """No power is larger, either way."""
    step_wh: int
    """The registers' resolution: they may stand still for so much, and then move by it at once."""
    frozen_wh: int

    def most_wh(self, elapsed_ms: int) -> int:
        """The most by which a register may rise in a time."""
        return self.highest_w * elapsed_ms // _WMS_PER_WH + 2 * self.step_wh + 1


def bounds_of(*, sample_ms: int, rated_w: int, step_wh: int) -> Bounds:
    """The bounds that the box uses: thrice the rated power; five minutes of it, or four steps, tell a frozen register.

    A register may be as coarse as `step_wh`.
    """
    return Bounds(
        sample_ms=sample_ms, highest_w=3 * rated_w, step_wh=step_wh, frozen_wh=max(4 * step_wh, rated_w // 12)
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A channel's numbers at an instant; registers are cumulative."""

    t_ms: int
    power_w: int
    in_wh: int
    out_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is remembered of a channel between readings."""

    last: Seen
    still_wms: int = 0
    """Watt-milliseconds since a register last moved."""
    suspect: Seen | None = None
    """The newest of the readings after a jump."""
    suspects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a reading."""

    doubts: tuple[Doubt, ...] = ()
    recorded: bool = True
    substituted: bool = False
    reset: bool = False
    """The registers begin anew here."""
    missing: int = 0
    """Readings that should have come since the last one."""


def screened(watched: Watched | None, now: Seen, *, bounds: Bounds) -> tuple[Watched, Verdict]:
    """Judge a reading by what came before it; a channel's first reading is believed."""
    if watched is None:
        return Watched(last=now), _power(now, bounds)
    if now.t_ms == watched.last.t_ms:
        return watched, Verdict(doubts=(Doubt.DUPLICATE,), recorded=False)
    if not _plausible(watched.last, now, bounds):
        return _jumped(watched, now, bounds)
    verdict = _power(now, bounds)
    doubts, elapsed_ms = verdict.doubts, now.t_ms - watched.last.t_ms
    missing = max(0, (elapsed_ms + bounds.sample_ms // 2) // bounds.sample_ms - 1)
    doubts += (Doubt.GAP,) * (missing > 0) + (Doubt.CLOCK_BACKWARDS,) * (elapsed_ms < 0)
    still_wms = _still(watched, now)
    frozen = still_wms >= bounds.frozen_wh * _WMS_PER_WH
    return Watched(last=now, still_wms=still_wms), replace(
        verdict,
        doubts=doubts + (Doubt.FROZEN,) * frozen,
        substituted=verdict.substituted or frozen,
        missing=missing,
    )


def _power(now: Seen, bounds: Bounds) -> Verdict:
    if abs(now.power_w) <= bounds.highest_w:
        return Verdict()
    return Verdict(doubts=(Doubt.SPIKE,), substituted=True)


def _plausible(before: Seen, now: Seen, bounds: Bounds) -> bool:
    """Whether the registers may have moved so; a clock that was set back allows what one period allows."""
    most_wh = bounds.most_wh(max(bounds.sample_ms, now.t_ms - before.t_ms))
    return 0 <= now.in_wh - before.in_wh <= most_wh and 0 <= now.out_wh - before.out_wh <= most_wh


def _jumped(watched: Watched, now: Seen, bounds: Bounds) -> tuple[Watched, Verdict]:
    agrees = watched.suspect is not None and _plausible(watched.suspect, now, bounds)
    suspects = watched.suspects + 1 if agrees else 1
    if suspects >= CONFIRM:
        return Watched(last=now), Verdict(doubts=(Doubt.JUMP,), reset=True)
    return replace(watched, suspect=now, suspects=suspects), Verdict(doubts=(Doubt.JUMP,), recorded=False)


def _still(watched: Watched, now: Seen) -> int:
    last = watched.last
    if (now.in_wh, now.out_wh) != (last.in_wh, last.out_wh):
        return 0
    return watched.still_wms + abs(now.power_w) * max(0, now.t_ms - last.t_ms)
