"""9.7.3: content is held at a price by depth and time; exactly costed, bounded, explained; no steps, nothing changes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from alliance.fleetholding import best_held, held_microcents, held_parts
from alliance.fleetplan import (
    RISK_NEUTRAL,
    FieldWrong,
    FleetPlan,
    FleetProblem,
    FleetStation,
    HoldingStep,
    Region,
    problem_to_plain,
)
from alliance.fleetproof import (
    ClaimWrong,
    FleetCertificate,
    certificate_from_plain,
    certificate_to_plain,
    check,
    contents,
    digest,
    lower_bound_microcents,
    objective_microcents,
)
from alliance.infeasible.chain import conflicts
from alliance.why.check import check_why, why_of
from alliance.why.record import What
from alliance.why.story import stories
from alliance.why.text import Language, told
from cli.benches.fleet_cases import fleet
from optimizer.fleet.arrays import arrays_of, problem_of
from optimizer.fleet.certify import fleet_duals
from optimizer.fleet.fast import relaxed_fast
from optimizer.fleet.plan import FleetPath, FleetSettings, plan_fleet
from optimizer.fleet.prices import by_prices, can_price
from optimizer.fleet.relaxed import relaxed_reference, relaxed_stamped
from optimizer.fleet.scaled import scaled
from optimizer.linear import SolverMissing
from optimizer.solver import Backend, SolverProcess, SolverSettings
from tests.optimizer.fleet.agreement import AGREED, planned
from tests.optimizer.fleet.brute import best_microcents
from tests.optimizer.fleet.instances import instance, tiny

VECTOR = Path(__file__).parents[2] / "vectors" / "fleet-certificate.json"
SETTINGS = SolverSettings()


def step(content_wh: int, below: int = 0, above: int = 0) -> HoldingStep:
    return HoldingStep(content_wh=content_wh, below_price=below, above_price=above)


def site(*steps: HoldingStep, periods: int = 24, period_s: int = 3600, **changes: int) -> FleetProblem:
    """A lossless battery of 1 MWh and 250 kW, half full at both ends; dear from 8 to 12, a little until 20."""
    hours = [t * 24 // periods for t in range(periods)]
    buy = tuple(30_000 + 100 * h + 60_000 * (8 <= h < 12) + 8_000 * (12 <= h < 20) for h in hours)
    figures = {"eta_c_ppm": 1_000_000, "eta_d_ppm": 1_000_000, "keep_ppm": 1_000_000} | changes
    power = 250_000 * period_s // 3600
    station = FleetStation(
        region=0, charge_wh=power, discharge_wh=power, energy_min_wh=0, energy_max_wh=1_000_000, start_wh=500_000,
        end_min_wh=500_000, wear_price=1_000, pcc_import_wh=10**6, pcc_export_wh=10**6, net_load_wh=(0,) * periods,
        own_need_floor_wh=(0,) * periods, content_most_wh=(), curtailable_wh=(0,) * periods, holding=steps, **figures,
    )  # fmt: skip
    region = Region(
        buy_price=buy, sell_price=tuple(p - 1_000 for p in buy), import_limit_wh=(10**7,) * periods,
        export_limit_wh=(10**7,) * periods, base_load_wh=(0,) * periods,
    )  # fmt: skip
    return FleetProblem(
        periods=periods, period_s=period_s, regions=(region,), ties=(), stations=(station,), reserves=(), scenarios=(),
        risk=RISK_NEUTRAL,
    )  # fmt: skip


def orders(problem: FleetProblem, flows: tuple[int, ...]) -> FleetPlan:
    still = ((0,) * problem.periods,)
    return FleetPlan(battery_wh=(flows,), reserve_wh=(), curtailed_wh=(still,), tie_wh=((),))


def path(certificate: FleetCertificate) -> list[float]:
    return [parts / scale for parts, scale in contents(certificate.plan, certificate.problem, 0)]


# What it costs


def test_cost_is_price_times_distance_times_hours_when_content_leaves_its_steps() -> None:
    bare = site(periods=4, period_s=900)
    flows = (50_000, -50_000, -40_000, 0)
    held = replace(bare.stations[0], holding=(step(480_000, below=4_000), step(510_000, above=8_000)))
    problem = replace(bare, stations=(held,))
    extra = objective_microcents(orders(problem, flows), problem) - objective_microcents(orders(bare, flows), bare)
    # after each quarter-hour: 450, 500, 540, 540 kWh; 30 below 480, 30 and 30 above 510
    assert extra == 30_000 * 4_000 // 4 + 2 * 30_000 * 8_000 // 4


def test_cost_is_rounded_up_once_when_the_content_is_a_fraction() -> None:
    problem = site(step(500_000, below=7), periods=3, eta_d_ppm=970_000, keep_ppm=999_999)
    problem = replace(problem, stations=(replace(problem.stations[0], end_min_wh=0, wear_price=0),))
    plan = orders(problem, (1, 1, 1))
    content, exact = Fraction(500_000), Fraction(0)
    for _ in range(3):
        content = content * Fraction(999_999, 10**6) - Fraction(10**6, 970_000)
        exact += 7 * (500_000 - content)
    bare = replace(problem, stations=(replace(problem.stations[0], holding=()),))
    extra = objective_microcents(plan, problem) - objective_microcents(plan, bare)
    assert extra - 1 < exact < extra
    assert held_microcents(problem.stations[0].holding, contents(plan, problem, 0), 3600) == extra


@pytest.mark.parametrize("seed", range(20))
def test_best_content_is_the_best_of_all_when_all_are_tried(seed: int) -> None:
    rng = random.Random(seed)
    steps = tuple(
        step(e, rng.randint(0, 9), rng.randint(1, 9)) for e in sorted(rng.sample(range(20), rng.randint(1, 4)))
    )
    low = rng.randint(0, 9)
    high, price, unit = rng.randint(low, 20), rng.randint(-60, 60), rng.randint(1, 5)
    tried = [price * e + unit * held_parts(steps, e, 1) for e in range(low, high + 1)]
    assert best_held(steps, price, unit, low, high)[0] == min(tried)


# What it does to a plan


def test_battery_cycles_shallower_when_deep_discharge_costs_more_than_the_spread(process: SolverProcess) -> None:
    bare = planned(site(), process)
    held = planned(site(step(300_000, below=60_000)), process)
    assert min(path(bare)) == 0
    assert min(path(held)) == 300_000
    worn = [sum(max(0, flow) for flow in c.plan.battery_wh[0]) for c in (bare, held)]
    assert worn[1] == worn[0] - 300_000
    assert check(held).gap_ppm == 0


def test_battery_is_full_for_shorter_when_standing_full_costs(process: SolverProcess) -> None:
    bare = planned(site(), process)
    held = planned(site(step(800_000, above=500)), process)
    hours = [sum(content > 800_000 for content in path(c)) for c in (bare, held)]
    assert max(path(held)) == 1_000_000, "the spread still pays for the last hour before it"
    assert hours == [7, 1], "it is filled as late as it can be"


# Every path


@pytest.mark.parametrize("seed", range(12))
def test_every_path_agrees_when_content_is_held_at_a_price(seed: int, process: SolverProcess) -> None:
    arrays = arrays_of(instance("holding", seed))
    assert problem_of(arrays).stations[0].holding == instance("holding", seed).stations[0].holding
    wanted = relaxed_reference(arrays, process=process, settings=SETTINGS)
    stamped = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    assert can_price(arrays)
    fast = relaxed_fast(arrays, process=process, settings=SETTINGS, seconds=60.0)
    assert wanted is not None
    assert stamped is not None
    assert fast is not None
    assert stamped.cost_cents == pytest.approx(wanted.cost_cents, rel=AGREED, abs=AGREED)
    assert fast.cost_cents == pytest.approx(wanted.cost_cents, rel=2e-5, abs=AGREED)
    assert fast.optimal


def test_prices_settle_and_prove_it_alone_when_content_is_held_at_a_price(process: SolverProcess) -> None:
    arrays = fleet("base", stations=40, seed=0)
    most, nothing = arrays.energy_max_wh, np.zeros(40, dtype=np.int64)
    deep = np.stack([most // 5, nothing + 3_000, nothing], axis=1)
    full = np.stack([most * 4 // 5, nothing, nothing + 300], axis=1)
    arrays = replace(arrays, holding=np.stack([deep, full], axis=1))
    parts = list(by_prices(arrays, seconds=60.0))
    wanted = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    assert wanted is not None
    assert all(part is not None and part.met for part in parts)
    bound, cost = (sum(getattr(part, name) for part in parts) / 1e6 for name in ("bound", "cost"))
    assert bound <= wanted.cost_cents * (1 + 1e-9)
    assert cost == pytest.approx(wanted.cost_cents, rel=2e-5)
    found = relaxed_fast(arrays, process=process, settings=SETTINGS, seconds=60.0)
    assert found is not None
    exact = lower_bound_microcents(problem_of(arrays), fleet_duals(arrays, scaled(arrays).shape, found.prices)) / 1e6
    assert exact == pytest.approx(bound, rel=1e-6), "the kernel's worths prove in whole numbers what the prices promise"


@pytest.mark.parametrize("path", list(FleetPath))
def test_certificate_holds_when_any_path_planned(path: FleetPath, process: SolverProcess) -> None:
    problem = instance("holding", 2)
    try:
        found = plan_fleet(arrays_of(problem), settings=FleetSettings(path=path), process=process)
    except SolverMissing:
        pytest.skip("glpsol is not installed")
    certificate = found.certificate(problem)
    check(certificate)
    backend = Backend.GLPK if path is FleetPath.GLPK else Backend.HIGHS
    wanted = relaxed_reference(arrays_of(problem), process=process, settings=SolverSettings(backend=backend))
    assert wanted is not None
    assert certificate.lower_bound_microcents <= wanted.cost_cents * 1e6 + 1
    assert certificate.lower_bound_microcents == pytest.approx(wanted.cost_cents * 1e6, rel=2e-5)


@pytest.mark.parametrize("seed", [0, 1, 2, 5, 6, 8])
def test_plan_and_bound_enclose_the_best_of_all_when_everything_is_tried(seed: int, process: SolverProcess) -> None:
    problem = tiny(seed, lossless=seed % 2 == 0, leased=seed % 4 > 1, held=True)
    certificate = planned(problem, process)
    best = best_microcents(problem)
    assert best is not None
    assert certificate.lower_bound_microcents <= best <= certificate.objective_microcents
    if seed % 2 == 0:
        assert best == certificate.objective_microcents


# Its proof


@pytest.fixture(scope="module")
def genuine(process: SolverProcess) -> FleetCertificate:
    return planned(site(step(300_000, below=12_000), step(800_000, above=500), eta_c_ppm=960_000), process)


def with_steps(problem: FleetProblem, *steps: HoldingStep) -> FleetProblem:
    return replace(problem, stations=(replace(problem.stations[0], holding=steps), *problem.stations[1:]))


@pytest.mark.parametrize(
    "steps",
    [(), (step(300_000, below=12_000),), (step(300_000, 12_001), step(800_000, above=500)),
     (step(300_000, 12_000), step(800_001, above=500)), (step(0, 0, 9), step(300_000, 12_000), step(800_000, above=500))],
)  # fmt: skip
def test_certificate_is_refused_when_its_steps_are_doctored(
    steps: tuple[HoldingStep, ...], genuine: FleetCertificate
) -> None:
    other = with_steps(genuine.problem, *steps)
    with pytest.raises(ClaimWrong, match=r"microcents|problem_digest"):
        check(replace(genuine, problem=other))
    with pytest.raises(ClaimWrong, match="microcents"):
        check(replace(genuine, problem=other, problem_digest=digest(other)))


def test_certificate_is_refused_when_its_cost_leaves_the_holding_out(genuine: FleetCertificate) -> None:
    bare = with_steps(genuine.problem)
    cheaper = objective_microcents(genuine.plan, bare)
    assert cheaper < genuine.objective_microcents
    with pytest.raises(ClaimWrong, match="objective_microcents"):
        check(replace(genuine, objective_microcents=cheaper))
    with pytest.raises(ClaimWrong, match="objective_microcents"):
        check(replace(genuine, objective_microcents=genuine.objective_microcents - 1))


def test_bound_falls_to_that_of_no_steps_when_the_content_is_left_to_them(genuine: FleetCertificate) -> None:
    bare = with_steps(genuine.problem)
    assert lower_bound_microcents(bare, genuine.duals) < genuine.lower_bound_microcents
    nothing = replace(genuine.duals, station_runs=((24 * 3, 0),))
    assert lower_bound_microcents(genuine.problem, nothing) == lower_bound_microcents(bare, nothing), (
        "h ≥ 0 at its least"
    )


# Its why


def test_both_sums_hold_it_as_a_line_when_content_is_held_at_a_price(genuine: FleetCertificate) -> None:
    record = why_of(genuine)
    check_why(record, genuine)
    bare = with_steps(genuine.problem)
    held = [line for line in record.flows if line.what is What.HOLDING]
    extra = genuine.objective_microcents - objective_microcents(genuine.plan, bare)
    assert abs(sum(line.amount_microcents for line in held) - extra) <= len(held)
    assert extra > 0
    limits = [line for line in record.limits if line.what is What.HOLDING]
    assert limits
    assert all(line.worth_microcents == 0 for line in limits)
    assert sum(line.amount_microcents for line in record.limits) == genuine.objective_microcents
    (story,) = stories(record)
    assert story.holding_microcents == sum(line.amount_microcents for line in held)
    assert "beside" in " ".join(told(story, Language.EN, first_slot=0, slot_s=3600))
    assert "电量持有费" in "".join(told(story, Language.ZH, first_slot=0, slot_s=3600))


def test_worth_of_more_room_is_what_the_bound_does_when_content_is_held_at_a_price(process: SolverProcess) -> None:
    certificate = planned(site(step(400_000, below=50), step(800_000, above=50)), process)
    station, was = certificate.problem.stations[0], certificate.lower_bound_microcents
    record = why_of(certificate)
    (full,) = [line for line in record.limits if line.what is What.MOST_CONTENT]
    wider = replace(certificate.problem, stations=(replace(station, energy_max_wh=station.energy_max_wh + 1_000),))
    by = lower_bound_microcents(wider, certificate.duals) - was
    assert by == full.worth_microcents
    assert by < 0


# What is refused, and what stays


@pytest.mark.parametrize(
    ("steps", "field", "value"),
    [
        ((step(1, 1),) * 5, "holding", "5"),
        ((step(-1, 1),), r"holding\[0\].content_wh", "-1"),
        ((step(1_000_001, 1),), r"holding\[0\].content_wh", "1000001"),
        ((step(5, 1), step(5, 1)), r"holding\[1\].content_wh", "5"),
        ((step(5, -1),), r"holding\[0\].below_price", "-1"),
        ((step(5, 0, 10**9 + 1),), r"holding\[0\].above_price", "1000000001"),
        ((step(5),), r"holding\[0\].above_price", "0"),
    ],
)
def test_steps_are_refused_by_field_value_and_limit(steps: tuple[HoldingStep, ...], field: str, value: str) -> None:
    with pytest.raises(FieldWrong, match=rf"field=stations\[0\].{field}, value={value}, limit="):
        site(*steps)


@pytest.mark.parametrize(
    ("last", "field"),
    [
        ((-1, 1, 1), r"holding\[0, 1, 0\]"),
        ((9, 1, 10**10), r"holding\[0, 1, 2\]"),
        ((2 * 10**6, 1, 1), "holding"),
        ((4, 1, 1), "holding"),
    ],
)
def test_arrays_are_refused_when_a_step_leaves_its_limit(last: tuple[int, int, int], field: str) -> None:
    arrays = arrays_of(site(step(5, 1), step(9, 1)))
    wrong = arrays.holding.copy()
    wrong[0, 1] = last
    with pytest.raises(FieldWrong, match=f"field={field},"):
        replace(arrays, holding=wrong)
    with pytest.raises(FieldWrong, match="field=holding, value=float64"):
        replace(arrays, holding=arrays.holding * 1.5)


def test_arrays_hold_the_steps_when_stations_have_different_numbers_of_them() -> None:
    one = site(step(5, 1), step(9, 0, 3)).stations[0]
    stations = (one, replace(one, holding=()), replace(one, holding=(step(0, 0, 1),)))
    problem = replace(site(), stations=stations)
    assert problem_of(arrays_of(problem)) == problem
    shared = replace(arrays_of(problem), holding=np.array([[[7, 1, 0]]]))
    assert {s.holding for s in problem_of(shared).stations} == {(step(7, 1),)}


def test_certificate_from_before_is_the_same_bytes_when_it_is_read_checked_and_written_again() -> None:
    text = VECTOR.read_text(encoding="utf-8")
    certificate = certificate_from_plain(json.loads(text))
    assert check(certificate).problem_digest == certificate.problem_digest
    assert json.dumps(certificate_to_plain(certificate)) + "\n" == text
    assert "holding" not in json.dumps(problem_to_plain(certificate.problem))


def test_conflict_is_the_same_when_content_is_held_at_a_price() -> None:
    steps = (step(300_000, below=10**9), step(800_000, above=10**9))
    tripped = replace(site().stations[0], discharge_wh=0, charge_wh=0, end_min_wh=600_000)
    found = [conflicts(replace(site(), stations=(replace(tripped, holding=h),))) for h in ((), steps)]
    assert found[0] == found[1] != ()
