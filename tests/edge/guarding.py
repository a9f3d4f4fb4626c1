"""Random situations for the guard, and what no order may break in any of them, written apart from the guard's rules.

A case is drawn through `Pick`, so that hypothesis and a fast seeded generator draw the same kinds of cases.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Protocol, TypeVar

from alliance.calendar import SLOT_MS
from edge.control.guard import RULES, Before, Demand, Order, Rule, Situation, guard
from edge.control.limits import Curve, Limits, Need
from edge.devices.station import PcsState, Quality, StationSample
from tests.edge.rig import SAMPLE

MW = 2_000_000
STATES = tuple(PcsState)
NEEDS = tuple(Need)
T = TypeVar("T")


class Pick(Protocol):
    """Where a case's numbers come from."""

    def whole(self, low: int, high: int) -> int: ...

    def one(self, of: Sequence[T]) -> T: ...


class Seeded:
    """Numbers of a seed; a fifth of them stand at an end of their range or beside it."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def whole(self, low: int, high: int) -> int:
        r = self._random.random()
        if r < 0.2:
            return (low, high, min(low + 1, high), max(high - 1, low))[int(r * 20)]
        return low + int(self._random.random() * (high - low + 1))

    def one(self, of: Sequence[T]) -> T:
        return of[int(self._random.random() * len(of))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A wish in a situation; `now` is None before the first sample."""

    wanted_w: int | None
    limits: Limits
    now: Situation | None
    before: Before

    def order(self, rules: Sequence[Rule] = RULES) -> Order:
        return guard(self.wanted_w, limits=self.limits, now=self.now, before=self.before, rules=rules)


def case_of(pick: Pick) -> Case:
    """A case; a good part of them has nothing wrong but what one limit forbids, so that each limit is the narrowest."""
    sound = pick.one((True, True, True, False))
    wanted = None if pick.one((False,) * 9 + (True,)) else pick.whole(-2 * MW, 2 * MW)
    return Case(
        wanted_w=wanted,
        limits=_limits(pick),
        now=None if pick.one((False,) * 40 + (True,)) else _situation(pick, sound=sound),
        before=Before(power_w=pick.whole(-MW, MW), elapsed_ms=pick.whole(0, 120_000)),
    )


def _limits(pick: Pick) -> Limits:
    soc_min = pick.one((0, 1_000, pick.whole(0, 10_000)))
    wide = pick.one((True, True, False))
    return Limits(
        charge_power_w=MW if wide else pick.whole(0, MW),
        discharge_power_w=MW if wide else pick.whole(0, MW),
        capacity_wh=4 * MW if wide else pick.whole(0, 4 * MW),
        soc_min_bp=soc_min,
        soc_max_bp=pick.one((10_000, pick.whole(soc_min, 10_000))),
        pcc_import_w=2 * MW if wide else pick.whole(0, MW),
        pcc_export_w=2 * MW if wide else pick.whole(0, MW),
        ramp_w_per_s=pick.one((MW, pick.whole(1, 100_000))),
        eta_charge_ppm=pick.whole(800_000, 1_000_000),
        eta_discharge_ppm=pick.whole(800_000, 1_000_000),
        charge_by_cell_mv=_curve(pick, 2_500, 3_700),
        discharge_by_cell_mv=_curve(pick, 2_500, 3_700),
        charge_by_cell_ddegc=_curve(pick, -300, 700),
        discharge_by_cell_ddegc=_curve(pick, -300, 700),
        demand_w=pick.one((None, pick.whole(0, MW))),
        silence_ms=pick.one((0, 3_000)),
        heartbeat_ms=30_000,
        may_miss=tuple(need for need in NEEDS if pick.one((True, True, True, False))),
    )


def _curve(pick: Pick, low: int, high: int) -> Curve:
    """No curve, or one that rises from 0 to all and falls to 0."""
    if pick.one((True, False)):
        return ()
    a = pick.whole(low, high - 3)
    b = pick.whole(a + 1, high - 2)
    c = pick.whole(b + 1, high - 1)
    return ((a, 0), (b, 10_000), (c, 10_000), (pick.whole(c + 1, high), 0))


def _situation(pick: Pick, *, sound: bool) -> Situation:
    sample, hold_ms = _sample(pick, sound=sound), pick.one((100, 1_000, pick.whole(1, 900_000)))
    left_ms = pick.whole(1, SLOT_MS)
    demand = Demand(
        limit_w=pick.whole(0, MW), spent_w_ms=pick.whole(0, 2 * MW) * (SLOT_MS - left_ms), left_ms=left_ms
    )  # fmt: skip
    return Situation(
        sample=sample,
        hold_ms=hold_ms,
        age_ms=0 if sound else pick.one((0, 1, 2_000, 3_001, pick.whole(0, 100_000))),
        heartbeat_still_ms=0 if sound else pick.one((0, 30_000, 30_001, pick.whole(0, 100_000))),
        demand=pick.one((None, demand, demand)),
        charge_share_bp=pick.one((*[10_000] * 8, 5_000, 0)),
        discharge_share_bp=pick.one((*[10_000] * 8, 5_000, 0)),
    )


def _sample(pick: Pick, *, sound: bool) -> StationSample:
    truths = (True,) if sound else (True, True, False, None)
    low_mv, low_ddegc = pick.whole(2_500, 3_700), pick.whole(-300, 700)
    measured = sound or pick.one((True, True, False))
    most_w = pick.one((2 * MW, 2 * MW, MW, MW, 0))
    return replace(
        SAMPLE,
        meter_power_w=pick.whole(-MW, MW),
        battery_power_w=pick.whole(-MW, MW),
        soc_bp=pick.whole(0, 10_000),
        charge_limit_w=pick.whole(0, most_w),
        discharge_limit_w=pick.whole(0, most_w),
        pcs_state=PcsState.STANDBY if sound else pick.one(STATES),
        quality=Quality(0) if sound else Quality(pick.whole(0, 7)),
        cell_lowest_mv=low_mv if measured else None,
        cell_highest_mv=pick.whole(low_mv, 3_700) if measured or pick.one(truths) else None,
        cell_coldest_ddegc=low_ddegc if measured else None,
        cell_hottest_ddegc=pick.whole(low_ddegc, 700) if measured or pick.one(truths) else None,
        bms_allows_charge=pick.one(truths),
        bms_allows_discharge=pick.one(truths),
        contactor_closed=pick.one(truths),
        heartbeat=7 if sound else pick.one((7, None)),
        remote=pick.one(truths),
        manual=pick.one((False, None)) if sound else pick.one((False, False, None, True)),
    )


Promise = Callable[[Limits, Situation, Before, int], bool]
"""Whether an order in W keeps a limit."""


def rated(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    return -c.charge_power_w <= power_w <= c.discharge_power_w


def accepted_by_device(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    s = now.sample
    if s.quality & Quality.NOT_IMPLEMENTED and not s.charge_limit_w and not s.discharge_limit_w:
        return power_w == 0 or Need.DEVICE_LIMIT in c.may_miss
    return -s.charge_limit_w <= power_w <= s.discharge_limit_w


def soc_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    """In cells, exactly: inside the window after full power since the sample and the order's hold."""
    scale = 3_600_000 * 1_000_000
    cells = now.sample.soc_bp * c.capacity_wh * scale
    if power_w > 0:
        moved = (power_w * now.hold_ms + c.discharge_power_w * now.age_ms) * 10_000
        return (cells - c.soc_min_bp * c.capacity_wh * scale) * c.eta_discharge_ppm >= moved * 10**12
    if power_w < 0:
        moved = (-power_w * now.hold_ms + c.charge_power_w * now.age_ms) * 10_000
        return c.soc_max_bp * c.capacity_wh * scale - cells >= moved * c.eta_charge_ppm
    return True


def connection_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    """The connection inside its limits, or at least not worse for the battery."""
    flow = power_w - (now.sample.battery_power_w - now.sample.meter_power_w)
    return not (power_w > 0 and flow > c.pcc_export_w) and not (power_w < 0 and -flow > c.pcc_import_w)


def demand_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    """Charging never makes the quarter's mean exceed the demand, nor begins the next one above it."""
    if c.demand_w is None or power_w >= 0:
        return True
    d = now.demand
    if d is None:
        return Need.DEMAND in c.may_miss
    import_w = now.sample.battery_power_w - now.sample.meter_power_w - power_w
    if import_w <= 0:
        return True
    if now.hold_ms > d.left_ms and import_w > d.limit_w:
        return False
    return d.spent_w_ms + import_w * d.left_ms <= d.limit_w * SLOT_MS


def cells_kept(
    power_w: int, values: tuple[int | None, int | None], curves: tuple[Curve, Curve], rated_w: tuple[int, int], *,
    may_miss: bool,
) -> bool:  # fmt: skip
    """At neither end of the cells more than the straight line allows, in fractions."""
    charge, discharge = curves
    if (charge or discharge) and None in values and not may_miss:
        return power_w == 0
    curve, most_w = (charge, rated_w[0]) if power_w < 0 else (discharge, rated_w[1])
    known = [value for value in values if value is not None]
    return not curve or all(abs(power_w) <= most_w * _share(curve, value) for value in known)


def _share(curve: Curve, value: int) -> Fraction:
    if not curve[0][0] < value < curve[-1][0]:
        return Fraction(0)  # the curves that are drawn here end at 0
    for (a, share_a), (b, share_b) in pairwise(curve):
        if a <= value <= b:
            return (share_a + Fraction(share_b - share_a) * Fraction(value - a, b - a)) / 10_000
    raise AssertionError(value)


def voltage_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    values = (now.sample.cell_lowest_mv, now.sample.cell_highest_mv)
    curves = (c.charge_by_cell_mv, c.discharge_by_cell_mv)
    may_miss = Need.CELL_VOLTAGE in c.may_miss
    return cells_kept(power_w, values, curves, (c.charge_power_w, c.discharge_power_w), may_miss=may_miss)


def temperature_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    values = (now.sample.cell_coldest_ddegc, now.sample.cell_hottest_ddegc)
    curves = (c.charge_by_cell_ddegc, c.discharge_by_cell_ddegc)
    may_miss = Need.CELL_TEMPERATURE in c.may_miss
    return cells_kept(power_w, values, curves, (c.charge_power_w, c.discharge_power_w), may_miss=may_miss)


def permission_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    allowed = now.sample.bms_allows_charge if power_w < 0 else now.sample.bms_allows_discharge
    return power_w == 0 or allowed is True or (allowed is None and Need.BMS_PERMISSION in c.may_miss)


def contactor_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    closed = now.sample.contactor_closed
    return power_w == 0 or closed is True or (closed is None and Need.CONTACTOR in c.may_miss)


def heartbeat_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    if now.sample.heartbeat is None:
        return power_w == 0 or Need.HEARTBEAT in c.may_miss
    return power_w == 0 or now.heartbeat_still_ms <= c.heartbeat_ms


def idle_if_silent(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    return power_w == 0 or now.age_ms <= c.silence_ms


def idle_unless_ready(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    s = now.sample
    if s.pcs_state is PcsState.UNKNOWN:
        untold = bool(s.quality & Quality.NOT_IMPLEMENTED) and Need.PCS_STATE in c.may_miss
        return power_w == 0 or untold
    return power_w == 0 or s.pcs_state not in (PcsState.OFF, PcsState.FAULT)


def idle_if_doubtful(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    return power_w == 0 or not now.sample.quality & Quality.OUT_OF_RANGE


def alarm_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    """A derate leaves half of the rating in its direction, a trip nothing."""
    share_bp, rated_w = (
        (now.charge_share_bp, c.charge_power_w) if power_w < 0 else (now.discharge_share_bp, c.discharge_power_w)
    )  # fmt: skip
    return abs(power_w) * 10_000 <= rated_w * share_bp


def ramp_kept(c: Limits, now: Situation, before: Before, power_w: int) -> bool:
    """No faster away from zero than the ramp; towards zero a limit may cut at once."""
    reach = c.ramp_w_per_s * before.elapsed_ms // 1_000
    return min(0, before.power_w - reach) <= power_w <= max(0, before.power_w + reach)


PROMISES: dict[str, tuple[Promise, str | None]] = {
    "rated": (rated, "rating"),
    "accepted_by_device": (accepted_by_device, "device"),
    "soc_kept": (soc_kept, "soc_window"),
    "connection_kept": (connection_kept, "connection"),
    "demand_kept": (demand_kept, "demand"),
    "voltage_kept": (voltage_kept, "cell_voltage"),
    "temperature_kept": (temperature_kept, "cell_temperature"),
    "permission_kept": (permission_kept, "permission"),
    "contactor_kept": (contactor_kept, "contactor"),
    "heartbeat_kept": (heartbeat_kept, "heartbeat"),
    "idle_if_silent": (idle_if_silent, "answering"),
    "idle_unless_ready": (idle_unless_ready, "readiness"),
    "idle_if_doubtful": (idle_if_doubtful, "certainty"),
    "alarm_kept": (alarm_kept, "alarm"),
    "ramp_kept": (ramp_kept, None),
}
"""Each promise, and the rule without which it breaks; the ramp stands outside the rules."""


def without(rule: str) -> tuple[Rule, ...]:
    """All rules but one."""
    return tuple(one for one in RULES if one.__name__ != rule)  # type: ignore[attr-defined]


def others_command(case: Case) -> bool:
    """Whether the device is somebody else's now, or must tell and does not."""
    sample = None if case.now is None else case.now.sample
    if sample is not None and (sample.manual is True or sample.remote is False):
        return True
    return (sample is None or sample.remote is None) and Need.CONTROL_MODE not in case.limits.may_miss


def broken(case: Case, order: Order, promises: Sequence[str] = tuple(PROMISES)) -> list[str]:
    """The names of what an order breaks."""
    if order.silent != others_command(case):
        return ["taken_over"]
    if order.silent or case.now is None:
        return [] if order.power_w == 0 else ["idle"]
    return [p for p in promises if not PROMISES[p][0](case.limits, case.now, case.before, order.power_w)]
