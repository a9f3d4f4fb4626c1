"""9.12: a cycle uses fresh states alone, is never dearer than keeping the old plan, says what is short, and is checked."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from alliance.errors import AllianceError
from alliance.fleetplan import (
    RISK_NEUTRAL,
    Direction,
    FieldWrong,
    FleetProblem,
    FleetStation,
    HoldingStep,
    Region,
    Reserve,
)
from alliance.fleetproof import ClaimWrong, FleetCertificate, check, objective_microcents
from alliance.replan.check import DearerThanKept, StaleUsed, check_replan
from alliance.replan.record import MeasuredState, Replan, Stale, Use, replan_from_plain, replan_to_plain
from alliance.replan.task import NothingLeft, NotThePlan, ScenariosFixed, StateStale, task, terms_of
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.certify import certificate_of
from optimizer.fleet.plan import FleetPath, FleetSettings, plan_fleet
from optimizer.fleet.rolling import replan
from optimizer.solver import SolverProcess
from tests.optimizer.fleet.instances import instance, instances

BEGINS = 1_800_000_000_000
COUNT = 96
T5 = 288


def planned(problem: FleetProblem, process: SolverProcess, **settings: Any) -> FleetCertificate:
    return plan_fleet(arrays_of(problem), settings=FleetSettings(**settings), process=process).certificate(problem)


def state(i: int, energy_wh: int, at_ms: int, **more: Any) -> MeasuredState:
    now = {"charge_w": None, "discharge_w": None, "net_load_wh": ()} | more
    return MeasuredState(station=i, energy_wh=energy_wh, measured_ms=at_ms, **now)


def content_at(base: FleetCertificate, i: int, t: int) -> int:
    station, content = base.problem.stations[i], float(base.problem.stations[i].start_wh)
    for flow in base.plan.battery_wh[i][:t]:
        content -= flow * station.eta_c_ppm / 1e6 if flow < 0 else flow * 1e6 / station.eta_d_ppm
    return int(content)


def city(periods: int = 24, *, import_wh: int = 100_000, period_s: int = 300) -> FleetProblem:
    """Three stations in one region; dear in the second half, so that all discharge there."""
    dear = [40_000 if t < periods // 2 else 120_000 for t in range(periods)]
    station = FleetStation(
        region=0, charge_wh=5_000, discharge_wh=5_000, eta_c_ppm=950_000, eta_d_ppm=950_000, keep_ppm=1_000_000,
        energy_min_wh=2_000, energy_max_wh=40_000, start_wh=20_000, end_min_wh=20_000, wear_price=3_000,
        pcc_import_wh=20_000, pcc_export_wh=20_000, net_load_wh=(1_000,) * periods, own_need_floor_wh=(0,) * periods,
        content_most_wh=(), curtailable_wh=(0,) * periods,
    )  # fmt: skip
    region = Region(
        buy_price=tuple(dear), sell_price=tuple(p // 2 for p in dear), import_limit_wh=(import_wh,) * periods,
        export_limit_wh=(100_000,) * periods, base_load_wh=(12_000,) * periods,
    )  # fmt: skip
    return FleetProblem(
        periods=periods, period_s=period_s, regions=(region,), ties=(), stations=(station,) * 3, reserves=(),
        scenarios=(), risk=RISK_NEUTRAL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def base(process: SolverProcess) -> FleetCertificate:
    return planned(city(), process)


def fresh(base: FleetCertificate, t: int, **more: Any) -> list[MeasuredState]:
    at = BEGINS + t * base.problem.period_s * 1000
    return [state(i, content_at(base, i, t), at, **more) for i in range(len(base.problem.stations))]


def cycle(base: FleetCertificate, t: int, states: list[MeasuredState], process: SolverProcess, **chosen: Any) -> Replan:
    after = chosen.pop("after", None)
    terms = terms_of(BEGINS, BEGINS + t * base.problem.period_s * 1000, **chosen)
    made = replan(base, after, terms=terms, states=states, process=process)
    check_replan(made, base=base, after=after)
    return made


# ---- a cycle ----


def test_old_plan_is_kept_or_bettered_when_all_went_as_planned(base: FleetCertificate, process: SolverProcess) -> None:
    made = cycle(base, 6, fresh(base, 6), process)
    assert made.certificate.problem.periods == 18
    assert made.kept_cost_microcents is not None
    assert made.saved_microcents is not None
    assert made.saved_microcents >= 0
    assert sum(map(sum, made.shortage.unserved_wh)) == 0
    assert [used.age_ms for used in made.cycle.used] == [0, 0, 0]


def test_holding_counts_in_both_plans_when_content_is_held_at_a_price(process: SolverProcess) -> None:
    step = HoldingStep(content_wh=12_000, below_price=9_000, above_price=500)
    problem = city()
    problem = replace(problem, stations=tuple(replace(s, holding=(step,)) for s in problem.stations))
    held = planned(problem, process)
    made = cycle(held, 6, fresh(held, 6)[:2], process, stale=Stale.HOLD)
    new = made.certificate.problem
    assert [s.holding for s in new.stations] == [(step,), (step,), ()], "the last has no battery in this cycle"
    bare = replace(new, stations=tuple(replace(s, holding=()) for s in new.stations))
    assert made.kept_cost_microcents == objective_microcents(made.cycle.kept, new)
    assert made.kept_cost_microcents > objective_microcents(made.cycle.kept, bare)
    assert made.saved_microcents is not None
    assert made.saved_microcents >= 0


def test_others_stand_in_and_imbalance_is_said_when_a_station_trips(
    base: FleetCertificate, process: SolverProcess
) -> None:
    states = fresh(base, 12)
    states[1] = replace(states[1], charge_w=0, discharge_w=0)
    made = cycle(base, 12, states, process)
    plan = made.certificate.plan
    assert set(plan.battery_wh[1]) == {0}
    missing = sum(max(0, f) for f in base.plan.battery_wh[1][12:])
    assert missing > 0
    assert sum(made.shortage.taken_more_wh[0]) > 0
    assert sum(made.shortage.unserved_wh[0]) == 0
    assert made.cycle.lowered == () or made.cycle.lowered[0].station == 1


def test_shortage_is_said_in_wh_when_the_grid_cannot_make_up_for_a_trip(process: SolverProcess) -> None:
    tight = planned(city(import_wh=16_000), process)
    states = fresh(tight, 0, charge_w=0, discharge_w=0, net_load_wh=(2_000,) * 24)
    made = cycle(tight, 0, states, process)
    assert made.cycle.terms.relieved
    assert made.kept_cost_microcents is not None
    assert made.shortage.unserved_wh == ((2_000,) * 24,)  # 12 000 + 3 · 2 000 of load, 16 000 through the limit


def with_reserves(problem: FleetProblem, *, wanted: int, short_price: int | None = None) -> FleetProblem:
    """The city, asked to hold so much up in each period for a quarter of an hour."""
    up = Reserve(
        direction=Direction.UP, duration_s=900, activation_ppm=0, price=(0,) * problem.periods,
        requirement_wh=((wanted,) * problem.periods,), short_price=short_price,
    )  # fmt: skip
    return replace(problem, reserves=(up,))


def test_reserve_not_held_is_said_by_region_period_and_product_when_a_station_trips(process: SolverProcess) -> None:
    problem = with_reserves(city(), wanted=9_000)
    tight = planned(problem, process)  # three stations of 5 000 Wh a period each: two hold 10 000 at rest, one 5 000
    states = fresh(tight, 2)
    for k in (0, 1):
        states[k] = replace(states[k], charge_w=0, discharge_w=0)
    made = cycle(tight, 2, states, process)
    assert made.cycle.terms.relieved
    plan = made.certificate.plan
    assert set(plan.reserve_wh[0][0]) == {0} == set(plan.reserve_wh[0][1])
    lacking = tuple(9_000 - held for held in plan.reserve_wh[0][2])
    assert made.shortage.unheld_wh == ((lacking,),)
    assert min(lacking) >= 4_000 - 5_000  # a charging station gives what it charges, too
    assert check_replan(made, base=tight).unheld_wh == sum(lacking) > 0
    assert made.shortage.unserved_wh == ((0,) * 22,)  # load comes before reserves
    assert made.certificate.problem.reserves[0].short_price == made.cycle.terms.unheld_price


def test_load_is_served_before_reserves_when_both_cannot_be(process: SolverProcess) -> None:
    """What the battery discharges for load behind the limit it cannot hold as a reserve: by price, load goes first."""
    tight = planned(with_reserves(city(import_wh=18_000), wanted=9_000), process)
    states = fresh(tight, 12, net_load_wh=(3_000,) * 8 + (1_000,) * 4)
    made = cycle(tight, 12, states, process)
    assert max(made.shortage.unserved_wh[0]) <= 1  # the last whole Wh of rounding
    assert made.cycle.terms.relieved
    assert sum(made.shortage.unheld_wh[0][0]) > 0


def test_record_is_refused_when_a_missing_reserve_is_not_said(process: SolverProcess) -> None:
    tight = planned(with_reserves(city(), wanted=9_000), process)
    states = [replace(s, charge_w=0, discharge_w=0) for s in fresh(tight, 2)]
    made = cycle(tight, 2, states, process)
    silent = replace(made, shortage=replace(made.shortage, unheld_wh=(((0,) * 22,),)))
    with pytest.raises(ClaimWrong) as found:
        check_replan(silent, base=tight)
    assert found.value.figure == "shortage"


def test_old_reserves_are_kept_as_far_as_content_bears_when_it_is_lower_than_planned(process: SolverProcess) -> None:
    soft = planned(with_reserves(city(), wanted=9_000, short_price=50_000), process)
    states = [replace(s, energy_wh=s.energy_wh * 9 // 10) for s in fresh(soft, 18)]
    made = cycle(soft, 18, states, process)
    kept = made.cycle.kept
    assert made.kept_cost_microcents is not None
    assert made.saved_microcents is not None
    assert made.saved_microcents >= 0
    assert all(a <= b for new, old in zip(kept.reserve_wh[0], soft.plan.reserve_wh[0], strict=True)
               for a, b in zip(new, old[18:], strict=True))  # fmt: skip


def test_load_behind_the_pcc_is_said_when_its_right_is_too_small_without_the_battery(
    base: FleetCertificate, process: SolverProcess
) -> None:
    states = fresh(base, 20)
    states[0] = replace(states[0], charge_w=0, discharge_w=0, net_load_wh=(21_500, 1_000, 1_000, 25_000))
    made = cycle(base, 20, states, process)
    assert made.shortage.unserved_wh == ((1_500, 0, 0, 5_000),)


def test_five_minute_cycles_of_a_day_work_when_the_horizon_recedes(process: SolverProcess) -> None:
    day = planned(city(T5), process)
    after = None
    for t in (0, 1, 2):
        made = cycle(day, t, fresh(day, t), process, periods=48, after=after)
        assert made.certificate.problem.periods == 48
        assert made.kept_cost_microcents is not None, made.kept_breaks
        after = made
    assert cycle(day, 3, fresh(day, 3), process, after=after).certificate.problem.periods == T5 - 3
    end = made.certificate.problem.stations[0].end_min_wh
    assert abs(end - content_at(day, 0, 50)) <= 401  # 1 % of the capacity may give way


def test_leaving_the_position_is_weighed_when_it_has_a_price(base: FleetCertificate, process: SolverProcess) -> None:
    idle = certificate_of(base.problem, replace(base.plan, battery_wh=((0,) * 24,) * 3), base.duals)
    free, bound = (cycle(idle, 0, fresh(idle, 0), process, deviation_price=p) for p in (0, 10**8))
    assert free.cycle.position_wh == free.cycle.promised_wh == ((15_000,) * 24,)
    assert free.saved_microcents is not None
    assert free.saved_microcents > 0
    assert set(sum(bound.certificate.plan.battery_wh, ())) == {0}
    assert bound.saved_microcents == 0


def test_deviation_price_is_what_the_objective_counts_when_checked_by_hand(
    base: FleetCertificate, process: SolverProcess
) -> None:
    states = [replace(s, energy_wh=s.energy_wh + 5_000) for s in fresh(base, 2)]
    price = 7_000
    made = cycle(base, 2, states, process, deviation_price=price)
    problem, plan, position = made.certificate.problem, made.certificate.plan, made.cycle.position_wh[0]
    buy, sell = (base.problem.regions[0].__getattribute__(n)[2:] for n in ("buy_price", "sell_price"))
    wear = sum(3_000 * max(0, f) for row in plan.battery_wh for f in row)
    total = wear
    for t in range(problem.periods):
        x = 15_000 - sum(row[t] for row in plan.battery_wh)
        cost = [v * (buy[t] if v > 0 else sell[t]) for v in (x, position[t])]
        total += cost[0] - cost[1] + price * abs(x - position[t])
    assert made.new_cost_microcents == total


# ---- stale data ----


def test_station_is_named_with_age_and_limit_when_its_measurement_is_old_future_or_missing(
    base: FleetCertificate, process: SolverProcess
) -> None:
    for at, age in ((-300_001, 300_001), (300_001, -300_001)):
        states = fresh(base, 6)
        states[2] = replace(states[2], measured_ms=states[2].measured_ms + at)
        with pytest.raises(StateStale) as found:
            cycle(base, 6, states, process)
        assert found.value.facts == {"station": 2, "age_ms": age, "most_age_ms": 300_000}
    with pytest.raises(StateStale) as found:
        cycle(base, 6, fresh(base, 6)[:2], process)
    assert found.value.facts == {"station": 2, "age_ms": -1, "most_age_ms": 300_000}
    states = fresh(base, 6)
    states[2] = replace(states[2], measured_ms=states[2].measured_ms - 300_000)
    assert cycle(base, 6, states, process).cycle.used[2].use is Use.MEASURED


def test_stale_station_is_held_at_its_plan_or_at_zero_when_that_is_asked(
    base: FleetCertificate, process: SolverProcess
) -> None:
    held = cycle(base, 6, fresh(base, 6)[:2], process, stale=Stale.HOLD)
    zero = cycle(base, 6, fresh(base, 6)[:2], process, stale=Stale.ZERO)
    assert (held.cycle.used[2].use, zero.cycle.used[2].use) == (Use.HELD, Use.ZERO)
    assert held.cycle.used[2].held_wh == base.plan.battery_wh[2][6:]
    assert held.certificate.plan.battery_wh[2] == zero.certificate.plan.battery_wh[2] == (0,) * 18
    loads = [made.certificate.problem.stations[2].net_load_wh for made in (held, zero)]
    assert loads[0] == tuple(1_000 - f for f in base.plan.battery_wh[2][6:])
    assert loads[1] == (1_000,) * 18
    again = cycle(base, 7, fresh(base, 7)[:2], process, stale=Stale.HOLD, after=held)
    assert again.cycle.used[2].held_wh == base.plan.battery_wh[2][7:]


def test_content_is_carried_along_the_plan_when_it_was_measured_before_the_period(base: FleetCertificate) -> None:
    t = next(t for t, flow in enumerate(base.plan.battery_wh[0]) if flow > 0 and t)
    at = BEGINS + t * 300_000 + 60_000  # 240 s of that period are left
    states = [state(i, 20_000, at) for i in range(3)]
    made = task(base, None, terms=terms_of(BEGINS, at + 1_000), states=states)
    assert made.cycle.first == t + 1
    lost = base.plan.battery_wh[0][t] * 240 / 300 / 0.95
    assert 0 <= 20_000 - lost - made.cycle.used[0].start_wh < 2


# ---- refusals ----


def test_terms_and_states_are_refused_by_field_when_they_are_wrong(base: FleetCertificate) -> None:
    good = fresh(base, 6)
    wrong: list[tuple[list[MeasuredState], dict[str, Any], str]] = [
        ([*good, good[0]], {}, "states[3].station (again)"),
        ([replace(good[0], station=3)], {}, "states[0].station"),
        ([replace(good[0], energy_wh=-1)], {}, "states[0].energy_wh"),
        ([replace(good[0], charge_w=-1)], {}, "states[0].charge_w"),
        ([replace(good[0], net_load_wh=(1,))], {}, "states[0].net_load_wh (its length)"),
        (good, {"deviation_price": -1}, "deviation_price"),
        (good, {"periods": 25}, "periods"),
        (good, {"end_slack_ppm": 1_000_001}, "end_slack_ppm"),
        (good, {"unserved_price": 0}, "unserved_price"),
        (good, {"unheld_price": 0}, "unheld_price"),
    ]
    for states, chosen, field in wrong:
        with pytest.raises(FieldWrong) as found:
            task(base, None, terms=terms_of(BEGINS, BEGINS + 1_800_000, **chosen), states=states)
        assert found.value.field == field
    for issued in (BEGINS - 300_000, BEGINS + 24 * 300_000):
        with pytest.raises(NothingLeft):
            task(base, None, terms=terms_of(BEGINS, issued), states=good)


def test_scenarios_and_strange_cycles_are_refused_when_given(base: FleetCertificate, process: SolverProcess) -> None:
    with pytest.raises(ScenariosFixed):
        many = planned(instance("scenarios", 1), process)
        task(many, None, terms=terms_of(BEGINS, BEGINS), states=())
    other = planned(city(import_wh=90_000), process)
    after = cycle(other, 2, fresh(other, 2), process)
    with pytest.raises(NotThePlan):
        task(base, after, terms=terms_of(BEGINS, BEGINS + 900_000), states=fresh(base, 3))


# ---- the old plan stands in ----


def test_old_plan_is_certified_when_the_solver_has_no_time(base: FleetCertificate, process: SolverProcess) -> None:
    terms = terms_of(BEGINS, BEGINS + 6 * 300_000)
    made = replan(base, terms=terms, states=fresh(base, 6), settings=FleetSettings(time_limit_s=0.0), process=process)
    proof = check_replan(made, base=base)
    assert proof.saved_microcents == 0
    assert made.certificate.plan == made.cycle.kept
    assert proof.proof.gap_ppm > 0


# ---- random fleets ----


def random_cycle(kind: str, seed: int, process: SolverProcess) -> tuple[FleetCertificate, Any, list[MeasuredState]]:
    problem, rng = instance(kind, seed), random.Random(f"roll {kind} {seed}")
    base = planned(problem, process)
    period_ms = problem.period_s * 1000
    first = rng.randint(0, problem.periods - 1)
    issued = BEGINS + first * period_ms - (rng.randint(0, min(period_ms - 1, 200_000)) if first else 0)
    states = []
    for i, station in enumerate(problem.stations):
        tripped = {"charge_w": 0, "discharge_w": 0} if rng.random() < 0.3 else {}
        energy = station.start_wh if rng.random() < 0.3 else rng.randint(0, station.energy_max_wh)
        more = [x + rng.randint(0, 9) * station.energy_max_wh // 3 for x in station.net_load_wh[first:]]
        load = {"net_load_wh": tuple(more)} if rng.random() < 0.2 else {}
        states.append(state(i, energy, issued - rng.randint(0, 300_000), **tripped, **load))
    if rng.random() < 0.3:
        del states[-1:]
    price, stale = rng.choice([None, 0, 5_000]), rng.choice([Stale.HOLD, Stale.ZERO])
    return base, terms_of(BEGINS, issued, stale=stale, deviation_price=price), states


@pytest.mark.slow
def test_every_cycle_holds_and_is_no_dearer_when_fleets_are_random(process: SolverProcess) -> None:
    seen: Counter[str] = Counter()
    for kind, seed in instances(COUNT):
        if kind in ("scenarios", "cvar", "everything"):
            continue
        base, terms, states = random_cycle(kind, seed, process)
        made = replan(base, terms=terms, states=states, process=process)
        proof = check_replan(made, base=base)
        assert replan_from_plain(json.loads(json.dumps(replan_to_plain(made)))) == made
        again = replan(base, made, terms=terms, states=states, process=process)
        check_replan(again, base=base, after=made)
        seen["kept"] += made.kept_cost_microcents is not None
        seen["saved"] += bool(made.saved_microcents)
        seen["short"] += proof.unserved_wh > 0
        seen["relieved"] += made.cycle.terms.relieved
        seen["unheld"] += proof.unheld_wh > 0
        seen["kept with reserves"] += made.kept_cost_microcents is not None and bool(base.problem.reserves)
        seen["cycles"] += 1
    counted = ("kept", "saved", "short", "relieved", "unheld", "kept with reserves")
    assert min(seen[k] for k in counted) > 0, seen
    assert seen["cycles"] >= 60, seen


def test_kept_cost_is_never_below_the_proved_bound_when_fleets_are_random(process: SolverProcess) -> None:
    for kind, seed in instances(32):
        if kind in ("scenarios", "cvar", "everything", "leases"):
            continue
        base, terms, states = random_cycle(kind, seed, process)
        made = replan(base, terms=terms, states=states, process=process)
        if made.kept_cost_microcents is not None:
            cost = objective_microcents(made.cycle.kept, made.certificate.problem)
            assert cost == made.kept_cost_microcents >= check(made.certificate).lower_bound_microcents


# ---- the checker ----


def test_record_is_refused_when_any_part_of_it_was_changed(base: FleetCertificate, process: SolverProcess) -> None:
    made = cycle(base, 6, fresh(base, 6)[:2], process, stale=Stale.HOLD, deviation_price=1_000)
    genuine: Any = replan_to_plain(made)
    rng, refused = random.Random(12), 0
    for _ in range(200):
        plain = copy.deepcopy(json.loads(json.dumps(genuine)))
        where = _changed(plain["replan"], rng)
        try:
            check_replan(replan_from_plain(plain), base=base)
        except AllianceError:
            refused += 1
        else:
            assert "duals" in where, where  # other duals prove another bound, unless it is the same
    assert refused > 150


def _changed(holder: Any, rng: random.Random) -> str:
    where = []
    while True:
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        where.append(str(key))
        if not isinstance(holder[key], dict | list) or not holder[key]:
            break
        holder = holder[key]
    value = holder[key]
    if type(value) is int:
        holder[key] = value + rng.choice([-1, 1, 1000])
    elif isinstance(value, str):
        holder[key] = str(int(value) + 1) if value.lstrip("-").isdigit() else value + "x"
    else:
        holder[key] = 7
    return ".".join(where)


def test_dearer_plan_is_refused_when_the_old_one_could_be_kept(base: FleetCertificate, process: SolverProcess) -> None:
    made = cycle(base, 6, fresh(base, 6), process)
    assert made.kept_cost_microcents is not None
    idle = replace(made.cycle.kept, battery_wh=((0,) * 18,) * 3)
    states = [replace(s, energy_wh=20_000) for s in fresh(base, 6)]
    problem = task(base, None, terms=made.cycle.terms, states=states).problem
    cost = objective_microcents(idle, problem)
    dear = replace(made.certificate, problem=problem, plan=idle, objective_microcents=cost)
    with pytest.raises((DearerThanKept, ClaimWrong)):
        check_replan(replace(made, certificate=dear, new_cost_microcents=cost))


def test_stale_state_is_refused_when_a_record_claims_to_have_used_it(
    base: FleetCertificate, process: SolverProcess
) -> None:
    made = cycle(base, 6, fresh(base, 6), process)
    terms = replace(made.cycle.terms, issued_ms=made.cycle.terms.issued_ms + 300_001)
    used = tuple(replace(u, age_ms=300_001) for u in made.cycle.used)
    with pytest.raises(StaleUsed):
        check_replan(replace(made, cycle=replace(made.cycle, terms=terms, used=used)))


# ---- the fast path in time, and side by side ----


def test_best_certified_plan_is_returned_with_its_gap_when_time_is_short(process: SolverProcess) -> None:
    problem = instance("several_days", 3)
    for path in FleetPath:
        settings = FleetSettings(path=path, time_limit_s=0.01)
        proof = check(plan_fleet(arrays_of(problem), settings=settings).certificate(problem))
        assert proof.gap_ppm > 10, path


@pytest.mark.slow
def test_answer_is_the_same_when_there_are_more_workers(process: SolverProcess) -> None:
    problem = instance("base", 4)
    parts = [instance("several_days", k) for k in (1, 2, 5)]
    wide = replace(
        parts[0],
        regions=tuple(r for p in parts for r in p.regions),
        ties=(),
        stations=tuple(
            replace(s, region=s.region + sum(len(q.regions) for q in parts[:k]))
            for k, p in enumerate(parts)
            for s in p.stations
        ),
    )
    for fleet in (problem, wide):
        one, three = (
            plan_fleet(arrays_of(fleet), settings=FleetSettings(workers=n)).certificate(fleet) for n in (1, 3)
        )
        assert one == three
