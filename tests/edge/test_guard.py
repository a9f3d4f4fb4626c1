"""The guard: no order past any limit, reasons for every cut, and each limit's removal is caught."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from edge import guard as guards
from edge.devices.station import PcsState, Quality, StationSample
from edge.guard import RULES, Before, Limits, LimitsContradictory, Order, Reason, Rule, guard
from tests.edge.rig import LIMITS, SAMPLE

HOLD_MS = 60_000
MW = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Case:
    """A wish in a situation."""

    wanted_w: int | None
    limits: Limits
    sample: StationSample
    before: Before
    hold_ms: int = HOLD_MS

    def order(self, rules: tuple[Rule, ...] = RULES) -> Order:
        return guard(
            self.wanted_w, limits=self.limits, sample=self.sample, before=self.before, hold_ms=self.hold_ms, rules=rules
        )


powers = st.integers(0, MW)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    soc_min = draw(st.integers(0, 10_000))
    limits = Limits(
        charge_power_w=draw(powers), discharge_power_w=draw(powers), capacity_wh=draw(st.integers(0, 4 * MW)),
        soc_min_bp=soc_min, soc_max_bp=draw(st.integers(soc_min, 10_000)), pcc_import_w=draw(powers),
        pcc_export_w=draw(powers), ramp_w_per_s=draw(st.integers(1, 100_000)),
        eta_charge_ppm=draw(st.integers(800_000, 1_000_000)), eta_discharge_ppm=draw(st.integers(800_000, 1_000_000)),
    )  # fmt: skip
    sample = replace(
        SAMPLE, meter_power_w=draw(st.integers(-MW, MW)), battery_power_w=draw(st.integers(-MW, MW)),
        soc_bp=draw(st.integers(0, 10_000)), charge_limit_w=draw(powers), discharge_limit_w=draw(powers),
        pcs_state=draw(st.sampled_from(PcsState)), quality=Quality(draw(st.integers(0, 7))),
    )  # fmt: skip
    before = Before(power_w=draw(st.integers(-MW, MW)), elapsed_ms=draw(st.integers(0, 120_000)))
    wanted = draw(st.none() | st.integers(-2 * MW, 2 * MW))
    return Case(wanted_w=wanted, limits=limits, sample=sample, before=before, hold_ms=draw(st.integers(1_000, 900_000)))


def rated(case: Case, power_w: int) -> bool:
    return -case.limits.charge_power_w <= power_w <= case.limits.discharge_power_w


def accepted_by_device(case: Case, power_w: int) -> bool:
    s = case.sample
    if s.quality & Quality.NOT_IMPLEMENTED and not s.charge_limit_w and not s.discharge_limit_w:
        return True
    return -s.charge_limit_w <= power_w <= s.discharge_limit_w


def soc_kept(case: Case, power_w: int) -> bool:
    """After the order was held, in cells, exactly: inside the window, or not moving further out of it."""
    c, s = case.limits, case.sample
    # everything × 10⁶ × 3.6e6 × 10⁴, so that only integers appear
    cells = s.soc_bp * c.capacity_wh * 3_600_000 * 1_000_000
    moved = abs(power_w) * case.hold_ms * 10_000
    if power_w > 0:
        floor = c.soc_min_bp * c.capacity_wh * 3_600_000 * 1_000_000
        return (cells - floor) * c.eta_discharge_ppm >= moved * 1_000_000 * 1_000_000
    if power_w < 0:
        ceiling = c.soc_max_bp * c.capacity_wh * 3_600_000 * 1_000_000
        return ceiling - cells >= moved * c.eta_charge_ppm
    return True


def connection_kept(case: Case, power_w: int) -> bool:
    """The connection inside its limits, or at least not worse for the battery."""
    load = case.sample.battery_power_w - case.sample.meter_power_w
    flow = power_w - load
    if power_w > 0:
        return flow <= case.limits.pcc_export_w
    if power_w < 0:
        return -flow <= case.limits.pcc_import_w
    return True


def idle_unless_ready(case: Case, power_w: int) -> bool:
    return power_w == 0 or case.sample.pcs_state not in (PcsState.OFF, PcsState.FAULT)


def idle_if_silent(case: Case, power_w: int) -> bool:
    told = bool(case.sample.quality & Quality.NOT_IMPLEMENTED) or case.sample.pcs_state is not PcsState.UNKNOWN
    return power_w == 0 or told


def idle_if_doubtful(case: Case, power_w: int) -> bool:
    return power_w == 0 or not case.sample.quality & Quality.OUT_OF_RANGE


def ramp_kept(case: Case, power_w: int) -> bool:
    """No faster away from zero than the ramp; towards zero a limit may cut at once."""
    reach = case.limits.ramp_w_per_s * case.before.elapsed_ms // 1_000
    return min(0, case.before.power_w - reach) <= power_w <= max(0, case.before.power_w + reach)


PROMISES: dict[str, tuple[Callable[[Case, int], bool], str | None]] = {
    "rated": (rated, "rating"),
    "accepted_by_device": (accepted_by_device, "device"),
    "soc_kept": (soc_kept, "soc_window"),
    "connection_kept": (connection_kept, "connection"),
    "idle_unless_ready": (idle_unless_ready, "readiness"),
    "idle_if_silent": (idle_if_silent, "readiness"),
    "idle_if_doubtful": (idle_if_doubtful, "certainty"),
    "ramp_kept": (ramp_kept, None),
}


@settings(max_examples=1_500, deadline=None)
@given(cases())
def test_no_order_leaves_past_any_limit(case: Case) -> None:
    order = case.order()
    for name, (kept, _) in PROMISES.items():
        assert kept(case, order.power_w), name


@settings(max_examples=500, deadline=None)
@given(cases())
def test_order_differs_from_the_wish_only_with_a_reason(case: Case) -> None:
    order = case.order()
    if case.wanted_w is None:
        assert Reason.NO_SCHEDULE in order.reasons
    elif order.power_w != case.wanted_w:
        assert order.reasons
    elif case.order(rules=()).power_w == case.wanted_w:  # else the ramp led away and a limit led back: both are named
        assert order.reasons == ()


@settings(max_examples=500, deadline=None)
@given(cases())
def test_limits_never_turn_an_order_round(case: Case) -> None:
    """Cut is towards zero: the order lies between zero and what the ramp makes of the wish."""
    aim, power = case.order(rules=()).power_w, case.order().power_w
    assert min(0, aim) <= power <= max(0, aim)


@pytest.mark.parametrize("promise", [name for name, (_, rule) in PROMISES.items() if rule])
def test_harness_catches_the_removal_of_a_limit(promise: str) -> None:
    kept, removed = PROMISES[promise]
    rules = tuple(rule for rule in RULES if rule.__name__ != removed)  # type: ignore[attr-defined]
    assert len(rules) == len(RULES) - 1
    broken = find(
        cases(), lambda case: not kept(case, case.order(rules).power_w),
        settings=settings(max_examples=20_000, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
    assert not kept(broken, broken.order(rules).power_w)


def test_harness_catches_the_removal_of_the_ramp(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = settings(
        max_examples=2_000, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )

    def broken(case: Case) -> bool:
        return not ramp_kept(case, case.order().power_w)

    with pytest.raises(NoSuchExample):
        find(cases(), broken, settings=quick)
    monkeypatch.setattr(guards, "_ramped", lambda wanted_w, before, limits: wanted_w)
    find(cases(), broken, settings=quick)


def order(wanted_w: int | None, *, before_w: int = 0, elapsed_ms: int = 60_000, **changes: object) -> Order:
    sample = replace(SAMPLE, **changes)  # type: ignore[arg-type]
    before = Before(power_w=before_w, elapsed_ms=elapsed_ms)
    return guard(wanted_w, limits=LIMITS, sample=sample, before=before, hold_ms=HOLD_MS)


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
    ],
)
def test_limit_cuts_and_says_so(made: Order, power_w: int, reasons: tuple[str, ...]) -> None:
    assert (made.power_w, made.reasons) == (power_w, reasons)


def test_nothing_is_ordered_without_a_measurement() -> None:
    made = guard(100_000, limits=LIMITS, sample=None, before=Before(power_w=0, elapsed_ms=0), hold_ms=HOLD_MS)
    assert made == Order(power_w=0, reasons=(Reason.NO_MEASUREMENT,))


@pytest.mark.parametrize(
    ("field", "value"),
    [("charge_power_w", -1), ("soc_min_bp", 9_500), ("soc_max_bp", 10_001), ("ramp_w_per_s", 0), ("eta_charge_ppm", 0)],
)
def test_limits_that_contradict_themselves_are_refused(field: str, value: int) -> None:
    with pytest.raises(LimitsContradictory):
        replace(LIMITS, **{field: value})  # type: ignore[arg-type]
