"""The guard: no order past any limit, reasons for every cut, and each limit's removal is caught."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alliance.calendar import SLOT_MS
from edge.control.guard import RULES, Before, Demand, Order, Reason, Situation, guard
from edge.control.limits import CurveMalformed, Limits, LimitsContradictory, Need, allowed_w, check_curve
from edge.devices.station import PcsState, Quality
from tests.campaigns import guard as campaign
from tests.edge.guarding import PROMISES, Case, broken, case_of, others_command
from tests.edge.rig import LIMITS, SAMPLE

HOLD_MS = 60_000
T = TypeVar("T")


class Drawn:
    """Hypothesis's numbers."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def whole(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))

    def one(self, of: Sequence[T]) -> T:
        return self._draw(st.sampled_from(of))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    return case_of(Drawn(draw))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_no_order_leaves_past_any_limit(case: Case) -> None:
    assert broken(case, case.order()) == []


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_order_differs_from_the_wish_only_with_a_reason(case: Case) -> None:
    order = case.order()
    if others_command(case):
        assert len(order.reasons) == 1
    elif case.now is None:
        assert order.reasons == (Reason.NO_MEASUREMENT,)
    elif case.wanted_w is None:
        assert Reason.NO_SCHEDULE in order.reasons
    elif order.power_w != case.wanted_w:
        assert order.reasons
    elif case.order(rules=()).power_w == case.wanted_w:  # else the ramp led away and a limit led back: both are named
        assert order.reasons == ()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_limits_never_turn_an_order_round(case: Case) -> None:
    """Cut is towards zero: the order lies between zero and what the ramp makes of the wish."""
    aim, power = case.order(rules=()).power_w, case.order().power_w
    assert min(0, aim) <= power <= max(0, aim)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_limit_that_was_not_asked_is_named(case: Case) -> None:
    """What is missing either stops the station or is named, in each case."""
    order, now, limits = case.order(), case.now, case.limits
    if now is None or order.silent:
        return
    missing = {
        Need.CONTROL_MODE: now.sample.remote is None,
        Need.HEARTBEAT: now.sample.heartbeat is None,
        Need.CONTACTOR: now.sample.contactor_closed is None,
        Need.BMS_PERMISSION: None in (now.sample.bms_allows_charge, now.sample.bms_allows_discharge),
        Need.CELL_VOLTAGE: bool(limits.charge_by_cell_mv or limits.discharge_by_cell_mv)
        and None in (now.sample.cell_lowest_mv, now.sample.cell_highest_mv),
        Need.CELL_TEMPERATURE: bool(limits.charge_by_cell_ddegc or limits.discharge_by_cell_ddegc)
        and None in (now.sample.cell_coldest_ddegc, now.sample.cell_hottest_ddegc),
        Need.DEMAND: limits.demand_w is not None and now.demand is None,
    }
    for need, absent in missing.items():
        assert (need in order.unasked) == (absent and need in limits.may_miss), need


def test_every_limit_has_a_promise_that_breaks_without_it() -> None:
    assert {rule.__name__ for rule in RULES} == {rule for _, rule in PROMISES.values() if rule}  # type: ignore[attr-defined]


def test_thousands_of_orders_keep_every_limit_and_each_limits_removal_is_caught() -> None:
    told = campaign.run(states=5_000, processes=1, seed=1)
    assert told["states"] == 5_000
    assert told["outside"] == 0
    assert told["removed_caught"] == told["rules"] == len(RULES) + 2
    assert told["alive"]  # orders other than 0 W went out


CURVED = replace(
    LIMITS, charge_by_cell_mv=((3_500, 10_000), (3_600, 5_000), (3_650, 0)),
    discharge_by_cell_mv=((2_600, 0), (2_900, 10_000)),
    charge_by_cell_ddegc=((0, 0), (50, 10_000), (450, 10_000), (550, 0)), demand_w=600_000,
)  # fmt: skip
CELLS: dict[str, Any] = {
    "cell_lowest_mv": 3_300,
    "cell_highest_mv": 3_350,
    "cell_coldest_ddegc": 200,
    "cell_hottest_ddegc": 300,
}


def order(
    wanted_w: int | None, *, before_w: int = 0, elapsed_ms: int = 60_000, limits: Limits = LIMITS, age_ms: int = 0,
    still_ms: int = 0, demand: Demand | None = None, **changes: object,
) -> Order:  # fmt: skip
    sample = replace(SAMPLE, **changes)  # type: ignore[arg-type]
    now = Situation(sample=sample, hold_ms=HOLD_MS, age_ms=age_ms, heartbeat_still_ms=still_ms, demand=demand)
    return guard(wanted_w, limits=limits, now=now, before=Before(power_w=before_w, elapsed_ms=elapsed_ms))


def curved(wanted_w: int, *, spent_s: int = 0, left_s: int = 900, **changes: object) -> Order:
    """An order of the station with curves and a demand, of which so many seconds at 600 kW are spent."""
    demand = Demand(limit_w=600_000, spent_w_ms=spent_s * 600_000_000, left_ms=left_s * 1_000)
    return order(wanted_w, limits=CURVED, demand=demand, **{**CELLS, **changes})


@pytest.mark.parametrize(
    ("made", "power_w", "reasons"),
    [
        (order(100_000), 100_000, ()),
        (order(900_000), 500_000, ("rating", "pcc_export")),
        (order(-900_000), -500_000, ("rating", "pcc_import")),
        (order(None), 0, ("no_schedule",)),
        (order(100_000, pcs_state=PcsState.FAULT), 0, ("pcs_not_ready",)),
        (order(100_000, pcs_state=PcsState.OFF), 0, ("pcs_not_ready",)),
        (order(100_000, pcs_state=PcsState.UNKNOWN), 0, ("pcs_not_ready",)),
        (order(100_000, pcs_state=PcsState.UNKNOWN, quality=Quality.NOT_IMPLEMENTED), 100_000, ()),
        (order(100_000, quality=Quality.OUT_OF_RANGE), 0, ("measurement_doubtful",)),
        (order(100_000, quality=Quality.ALARM), 100_000, ()),
        (order(300_000, discharge_limit_w=50_000), 50_000, ("device_limit",)),
        (order(-300_000, charge_limit_w=0), 0, ("device_limit",)),
        (order(300_000, soc_bp=1_000), 0, ("soc_low",)),
        (order(300_000, soc_bp=1_010), 60_000, ("soc_low",)),
        (order(-300_000, soc_bp=9_000), 0, ("soc_high",)),
        (order(-300_000, soc_bp=1_000), -300_000, ()),
        (order(400_000, meter_power_w=0), 200_000, ("pcc_export",)),
        (order(400_000, meter_power_w=300_000), 0, ("pcc_export",)),
        (order(-400_000, meter_power_w=-700_000), -300_000, ("pcc_import",)),
        (order(-400_000, meter_power_w=-1_200_000), 0, ("pcc_import",)),
        (order(300_000, elapsed_ms=1_000), 100_000, ("ramp",)),
        (order(-300_000, before_w=100_000, elapsed_ms=1_000), 0, ("ramp",)),
        (order(0, before_w=300_000, elapsed_ms=1_000, pcs_state=PcsState.FAULT), 0, ("ramp", "pcs_not_ready")),
        (order(100_000, age_ms=1), 0, ("no_measurement",)),
        (order(100_000, heartbeat=5, still_ms=30_000), 100_000, ()),
        (order(100_000, heartbeat=5, still_ms=30_001), 0, ("heartbeat_stopped",)),
        (order(100_000, contactor_closed=False), 0, ("contactor_open",)),
        (order(100_000, bms_allows_discharge=False), 0, ("bms_forbids",)),
        (order(-100_000, bms_allows_discharge=False), -100_000, ()),
        (order(-100_000, bms_allows_charge=False), 0, ("bms_forbids",)),
        (curved(-300_000), -300_000, ()),
        (curved(-300_000, cell_highest_mv=3_600), -250_000, ("cell_voltage",)),
        (curved(-300_000, cell_highest_mv=3_625), -125_000, ("cell_voltage",)),
        (curved(-300_000, cell_highest_mv=3_650), 0, ("cell_voltage",)),
        (curved(200_000, cell_highest_mv=3_650), 200_000, ()),
        (curved(300_000, cell_lowest_mv=2_750), 250_000, ("cell_voltage",)),
        (curved(-300_000, cell_coldest_ddegc=20), -200_000, ("cell_temperature",)),
        (curved(-300_000, cell_hottest_ddegc=549), -5_000, ("cell_temperature",)),
        (curved(-300_000, cell_hottest_ddegc=None), 0, ("cell_temperature_unknown",)),
        (curved(-300_000, cell_lowest_mv=None), 0, ("cell_voltage_unknown",)),
        (order(-300_000, limits=CURVED, **CELLS), 0, ("demand_unknown",)),
        (order(300_000, limits=CURVED, **CELLS), 300_000, ()),
        (curved(-400_000), -300_000, ("demand",)),  # 600 kW beside a load of 300 kW
        (curved(-400_000, spent_s=450, left_s=300), -400_000, ()),  # (900 − 450)/300 of it is left: 900 kW
        (curved(-400_000, spent_s=750, left_s=300), 0, ("demand",)),
        (curved(-400_000, spent_s=300, left_s=30), -300_000, ("demand",)),  # the order outlasts the quarter
        (order(100_000, manual=True), 0, ("manual",)),
        (order(100_000, remote=False), 0, ("local",)),
        (order(100_000, manual=True, age_ms=90_000), 0, ("manual",)),
    ],
)
def test_limit_cuts_and_says_so(made: Order, power_w: int, reasons: tuple[str, ...]) -> None:
    assert (made.power_w, made.reasons) == (power_w, reasons)


@pytest.mark.parametrize("changes", [{"manual": True}, {"remote": False}, {"manual": True, "remote": True}])
def test_nothing_at_all_is_written_to_a_device_that_others_command(changes: dict[str, object]) -> None:
    assert order(100_000, **changes).silent  # type: ignore[arg-type]
    assert not order(100_000, remote=True, manual=False).silent


def test_device_that_must_tell_who_commands_it_gets_nothing_until_it_does() -> None:
    strict = replace(LIMITS, may_miss=())
    assert guard(1, limits=strict, now=None, before=Before(power_w=0, elapsed_ms=0)).silent
    assert order(1, limits=strict).reasons == ("control_mode_unknown",)


def test_stale_sample_counts_what_the_station_can_have_moved_since() -> None:
    """10 bp of 1 MWh are 1 kWh; a second at 500 kW takes 139 Wh of them, the rest is held for a minute."""
    patient = replace(LIMITS, silence_ms=5_000)
    assert order(300_000, limits=patient, soc_bp=1_010).power_w == 60_000
    assert order(300_000, limits=patient, soc_bp=1_010, age_ms=1_000).power_w == 51_666


def test_curve_is_level_beyond_its_ends_and_straight_between() -> None:
    curve = ((0, 2_000), (100, 10_000), (200, 0))
    assert [allowed_w(curve, v, rated_w=1_000) for v in (-5, 0, 50, 100, 150, 199, 200, 999)] == [
        200, 200, 600, 1_000, 500, 10, 0, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "curve", [((1, 0), (1, 1)), ((1, 10_001),), ((1, -1),), ((0, 5), (1, 3), (2, 4)), ((2, 0), (1, 5))]
)
def test_curve_that_is_none_is_refused(curve: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(CurveMalformed):
        check_curve(curve, field="charge_by_cell_mv")
    with pytest.raises(CurveMalformed):
        replace(LIMITS, discharge_by_cell_ddegc=curve)


def test_demand_of_a_quarter_that_began_idle_may_be_used_up_in_its_rest() -> None:
    demand = Demand(limit_w=600_000, spent_w_ms=0, left_ms=SLOT_MS // 3)
    assert demand.rest_w(HOLD_MS) == 1_800_000
    assert demand.rest_w(SLOT_MS // 3 + 1) == 600_000


def test_nothing_is_ordered_without_a_measurement() -> None:
    made = guard(100_000, limits=LIMITS, now=None, before=Before(power_w=0, elapsed_ms=0))
    assert made == Order(power_w=0, reasons=(Reason.NO_MEASUREMENT,))


@pytest.mark.parametrize(
    ("field", "value"),
    [("charge_power_w", -1), ("soc_min_bp", 9_500), ("soc_max_bp", 10_001), ("ramp_w_per_s", 0), ("eta_charge_ppm", 0)],
)
def test_limits_that_contradict_themselves_are_refused(field: str, value: int) -> None:
    with pytest.raises(LimitsContradictory):
        replace(LIMITS, **{field: value})  # type: ignore[arg-type]


def test_limits_of_zero_stop_the_battery_when_the_device_states_them_and_lacks_something_else() -> None:
    stated = replace(SAMPLE, charge_limit_w=0, discharge_limit_w=0, quality=Quality.NOT_IMPLEMENTED, limits_stated=True)
    for wanted_w in (-100_000, 100_000):
        case = Case(
            wanted_w=wanted_w, limits=LIMITS, now=Situation(sample=stated, hold_ms=1_000),
            before=Before(power_w=wanted_w, elapsed_ms=1_000),
        )  # fmt: skip
        assert (case.order().power_w, Reason.DEVICE_LIMIT in case.order().reasons) == (0, True)
