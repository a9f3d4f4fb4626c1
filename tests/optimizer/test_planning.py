"""The planner's sentences (protocol 9): what is planned, at which prices, who gains, and what is refused with a name."""

import shutil
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from alliance.certificate import (
    Sense,
    bill_microcents,
    check,
    planned_cost_cents,
    program,
    without_storage_cost_cents,
)
from alliance.infeasible.record import Kind
from alliance.schedule import BadInput, LeaseRow, ScheduleKind
from alliance.schedule import check as check_schedule
from alliance.why.record import What
from optimizer.infeasible import PlanInfeasible
from optimizer.linear import Job, Optimum, SolverFailed, SolverMissing, SolverTimedOut, compiled
from optimizer.model import build
from optimizer.plan import BOTH_WAYS_WH, drafts, reserved, settle_parts
from optimizer.planning import GapTooWide, nominated, plan_day
from optimizer.problem import parts
from optimizer.solver import Backend, SolverSettings, solve
from tests.optimizer.cases import (
    DAY,
    WORKED_TARIFF,
    problem,
    random_problem,
    share,
    site,
    six_stations,
    worked_example,
)

MICRO = 1_000_000


def best_cost(case, held=None):
    """The optimum in cents, straight from the Pyomo model expanded whole."""
    (answer,) = solve(
        [Job(linear=compiled(build(case, parts(case) if held is None else held)))], settings=SolverSettings()
    )
    assert isinstance(answer, Optimum)
    return answer.cost


def reference_cost(case):
    """The optimum in cents by another road: the checker's integer rows through scipy."""
    rows = program(case)
    sides = {sense: ([], []) for sense in Sense}
    for row in rows.rows:
        line = np.zeros(len(rows.names))
        for column, coefficient in row.terms:
            line[column] = coefficient / row.scale
        matrix, right = sides[row.sense]
        matrix.append(line)
        right.append(row.right / row.scale)
    upper = sides[Sense.AT_MOST][0] + [-line for line in sides[Sense.AT_LEAST][0]]
    limits = sides[Sense.AT_MOST][1] + [-right for right in sides[Sense.AT_LEAST][1]]
    found = linprog(
        rows.costs, A_ub=upper, b_ub=limits, A_eq=sides[Sense.EQUAL][0], b_eq=sides[Sense.EQUAL][1], bounds=rows.boxes
    )
    assert found.status == 0
    return found.fun / MICRO


def prices_of(schedule):
    return [row.pool_price for row in schedule.prices]


def nets_of(schedule, station):
    return [row.planned_net_wh for row in schedule.rows if row.station == station]


def both_ways(case):
    """The most by which the joint programme, left to itself, charges and discharges at once."""
    held, linear = parts(case), compiled(build(case, parts(case)))
    (answer,) = solve([Job(linear=linear)], settings=SolverSettings())
    return max(draft.both_ways for draft in drafts(linear, answer, held).values())


# The worked example


def test_prices_adders_and_gains_are_those_of_the_worked_example():
    planned = plan_day(worked_example()).schedule
    assert prices_of(planned) == [39_100, 70_422, 89_884, 89_884]
    assert [dict(row.adders) for row in planned.prices] == [
        {1: 2_927, 2: 2_927, 3: 0},
        {1: 3_478, 2: 3_478, 3: 0},
        {1: 0, 2: 4_156, 3: 0},
        {1: 0, 2: 4_156, 3: 0},
    ]
    assert [row.apart_cost_cents for row in planned.gains] == [0, 41_160, -19_159]
    for row, published in zip(planned.gains, (2_390, 3_588, 9_718), strict=True):
        assert abs(row.gain_cents - published) <= 1


def test_gains_are_the_published_cents_when_the_rows_are_the_published_rows():
    planned = plan_day(worked_example())
    nets = {1: [-125_000, -79_849, 65_000, 119_874], 2: [-80_000, -90_000, -150_000, -160_000]}
    nets[3] = [235_000, 125_000, 85_000, 40_124]
    leased = [-50_000, -50_000, 45_375, 44_874]
    rows = tuple(
        replace(
            row,
            planned_net_wh=nets[row.station][row.slot],
            battery_wh=nets[row.station][row.slot] + row.net_load_wh,
            lessees=(LeaseRow(lease=1, holder=2, planned_wh=leased[row.slot]),) if row.station == 1 else (),
        )
        for row in planned.schedule.rows
    )
    published = replace(planned.schedule, rows=rows)
    check_schedule(published, worked_example())
    gains = {g.member: g.apart_cost_cents for g in planned.schedule.gains}
    case = worked_example()
    assert [gains[m] - planned_cost_cents(published, case, m) for m in (1, 2, 3)] == [2_390, 3_588, 9_718]


def test_no_coalition_gains_by_leaving_when_flows_are_paid_at_the_dual_prices():
    lead = {pair: best_cost_of(worked_example(), pair) - paid for pair, paid in paid_by(worked_example(), 2).items()}
    assert {pair: round(cents) for pair, cents in lead.items()} == pytest.approx(
        {(1, 2): 2_047, (1, 3): 12_108, (2, 3): 1_304}, abs=1
    )


def best_cost_of(case, members):
    return best_cost(case, [p for p in parts(case) if p.member in members])


def paid_by(case, size):
    costs = {g.member: g.planned_cost_cents for g in plan_day(case).schedule.gains}
    return {group: sum(costs[m] for m in group) for group in combinations(sorted(costs), size)}


def test_a_coalition_gains_by_leaving_when_the_gain_is_split_by_power_instead():
    case = worked_example()
    gains = plan_day(case).schedule.gains
    total = sum(g.gain_cents for g in gains)
    power = {s.station.owner: s.station.discharge_power_w for s in case.sites}
    by_power = {g.member: g.apart_cost_cents - total * power[g.member] // sum(power.values()) for g in gains}
    assert best_cost_of(case, (2, 3)) < by_power[2] + by_power[3] - 5_000


@pytest.mark.parametrize("seed", [0, 7, 11, 16])
def test_no_coalition_gains_by_leaving_when_the_alliance_is_a_random_one(seed):
    case = random_problem(seed, slots=5)
    planned = plan_day(case)
    members = [g.member for g in planned.schedule.gains]
    assert len(members) > 1
    groups = [g for n in range(1, len(members)) for g in combinations(members, n)]
    held = parts(case)
    jobs = [Job(linear=compiled(build(case, [p for p in held if p.member in group]))) for group in groups]
    answers = solve(jobs, settings=SolverSettings())
    paid = {g.member: g.planned_cost_cents for g in planned.schedule.gains}
    gap = (planned.certificate.objective_microcents - planned.certificate.lower_bound_microcents) / MICRO
    lines = 2 * case.slots * len(held)
    for group, answer in zip(groups, answers, strict=True):
        assert sum(paid[m] for m in group) <= answer.cost + gap + lines


# Objective and bound


@settings(max_examples=45, deadline=None, derandomize=True)
@given(seed=st.integers(min_value=1_000, max_value=9_999))
def test_the_plan_is_certified_near_the_optimum_of_the_reference_when_the_problem_is_random(seed):
    case = random_problem(seed)
    certificate = plan_day(case, settings=SolverSettings(most_gap_ppm=1_000_000_000)).certificate
    optimum = reference_cost(case)
    assert certificate.lower_bound_microcents / MICRO <= optimum + 1e-6
    assert certificate.lower_bound_microcents / MICRO >= optimum - 0.01
    assert certificate.objective_microcents / MICRO >= optimum - 1e-6
    together = sum(g.planned_cost_cents for g in certificate.schedule.gains)
    assert together == pytest.approx(certificate.objective_microcents / MICRO, abs=1 + len(case.members))


@pytest.mark.parametrize("seed", range(200, 205))
def test_the_model_expanded_whole_costs_what_the_reference_costs(seed):
    case = random_problem(seed)
    assert best_cost(case) == pytest.approx(reference_cost(case), rel=1e-7, abs=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_the_plan_equals_brute_force_when_it_is_tiny_and_loses_nothing(seed):
    chance = np.random.default_rng(seed)
    unit, slots = 10_000, 3
    tariff = [(int(s + w + extra), int(s), int(w)) for s, w, extra in chance.integers(0, 40_000, (slots, 3))]
    loads = (chance.integers(-3, 4, (2, slots)) * unit).tolist()
    sites = [
        site(n, load, power_w=80_000, capacity_wh=4 * unit, energy_wh=unit, eta=(1_000_000, 1_000_000), wear=2_000)
        for n, load in enumerate(loads, start=1)
    ]
    case = problem(sites, tariff)
    steps = [
        flows
        for flows in product(range(-2 * unit, 2 * unit + 1, unit), repeat=slots)
        if all(0 <= unit - sum(flows[: k + 1]) <= 4 * unit for k in range(slots)) and sum(flows) <= 0
    ]
    best = min(
        sum(
            bill_microcents([a[k] - loads[0][k], b[k] - loads[1][k]], case.groups[0].tariff.slots[k])
            + 2_000 * (max(0, a[k]) + max(0, b[k]))
            for k in range(slots)
        )
        for a, b in product(steps, repeat=2)
    )
    assert plan_day(case).certificate.objective_microcents == best


# Cases


def test_six_stations_are_planned_within_a_few_parts_per_million_and_each_member_gains():
    planned = plan_day(six_stations())
    assert planned.certificate.gap_ppm <= 10
    assert len(planned.schedule.rows) == 6 * 96
    assert all(g.gain_cents > 0 for g in planned.schedule.gains)
    assert check(planned.certificate).objective_microcents == planned.certificate.objective_microcents


def test_the_same_problem_gives_the_same_bytes_when_it_is_planned_again():
    assert plan_day(six_stations(24)) == plan_day(six_stations(24))


def test_one_station_in_one_period_is_planned():
    planned = plan_day(problem([site(1, [50_000])], [(50_000, 40_000, 1_000)])).schedule
    assert nets_of(planned, 1) == [-50_000]
    assert prices_of(planned) == [49_000]
    assert planned.gains[0].gain_cents == 0


def test_a_battery_without_losses_or_wear_moves_all_it_can_to_the_dear_slot():
    battery = site(1, [0, 0], power_w=400_000, capacity_wh=90_000, energy_wh=0, eta=(1_000_000, 1_000_000), wear=0)
    planned = plan_day(problem([battery], [(30_000, 30_000, 0), (80_000, 80_000, 0)]))
    assert nets_of(planned.schedule, 1) == [-90_000, 90_000]
    assert planned.certificate.gap_ppm == 0


def test_flows_stay_inside_the_connection_when_it_is_tight():
    battery = site(1, [20_000, 60_000, 5_000], power_w=400_000, capacity_wh=200_000, pcc_w=240_000, export_w=40_000)
    planned = plan_day(problem([battery], [(30_000, 20_000, 0), (90_000, 88_000, 0), (40_000, 20_000, 0)])).schedule
    assert nets_of(planned, 1)[1] == 10_000
    assert min(nets_of(planned, 1)) >= -60_000


def test_pv_is_curtailed_when_the_connection_cannot_take_it():
    pv = site(1, [-50_000, 10_000], pcc_w=120_000, curtailable=[50_000, 0])
    planned = plan_day(problem([pv], [(30_000, 20_000, 0)] * 2)).schedule
    assert nets_of(planned, 1) == [30_000, -10_000]
    assert planned.rows[0].net_load_wh == -30_000


def test_a_battery_does_not_burn_energy_when_prices_are_negative():
    battery = site(1, [0, 0, 0], power_w=400_000, capacity_wh=200_000, eta=(900_000, 900_000), wear=0)
    case = problem([battery], [(-50_000, -60_000, 0), (-40_000, -60_000, 0), (30_000, 10_000, 0)])
    assert both_ways(case) > BOTH_WAYS_WH
    planned = plan_day(case, settings=SolverSettings(most_gap_ppm=10**9))
    check(planned.certificate)
    assert planned.certificate.objective_microcents < 0


def test_a_site_is_refused_by_name_when_only_burning_energy_would_keep_its_limits():
    """More PV than the connection takes and a full battery: the surplus could only be lost in the battery itself."""
    full = site(
        1,
        [-52_000, -52_000],
        power_w=400_000,
        capacity_wh=100_000,
        energy_wh=100_000,
        eta=(800_000, 800_000),
        pcc_w=200_000,
    )
    assert both_ways(problem([full], [(60_000, 30_000, 0)] * 2)) > BOTH_WAYS_WH
    with pytest.raises(PlanInfeasible) as refused:
        plan_day(problem([full], [(60_000, 30_000, 0)] * 2))
    (found,) = refused.value.record.holders
    assert (found.station, found.kind, found.missing_wh) == (1, Kind.OVER, 1_600)
    assert [m.what for m in found.members] == [What.PCC_EXPORT, What.MOST_CONTENT]


def test_own_need_is_kept_when_discharging_would_pay():
    battery = site(1, [0, 0], power_w=400_000, capacity_wh=100_000, end_wh=0, floor=[70_000, 60_000])
    planned = plan_day(problem([battery], [(90_000, 90_000, 0)] * 2)).schedule
    assert -sum(nets_of(planned, 1)) * 1_000_000 // 950_000 >= -(100_000 // 2 - 60_000)
    assert nets_of(planned, 1)[0] < 0


def test_a_firm_lessee_gets_exactly_its_nomination():
    case = worked_example()
    nomination = (-50_000, 10_000, 0, 20_001)
    firm = replace(case, shares=(replace(case.shares[0], nomination_wh=nomination),))
    planned = plan_day(firm).schedule
    assert tuple(r.lessees[0].planned_wh for r in planned.rows if r.station == 1) == nomination
    check_schedule(planned, firm)


def test_rows_name_a_lease_only_where_it_runs_when_it_begins_and_ends_within_the_day():
    host = site(1, [0] * 6, power_w=400_000, capacity_wh=400_000)
    load = site(2, [300_000] * 6)
    lease = share(1, 1, 2, power_w=100_000, energy_wh=100_000, account_wh=40_000, first=2, term=2)
    tariff = [(40_000, 30_000, 1_000), (90_000, 30_000, 1_000)] * 3
    planned = plan_day(problem([host, load], tariff, shares=[lease])).schedule
    assert [len(r.lessees) for r in planned.rows if r.station == 1] == [0, 0, 1, 1, 0, 0]
    assert any(r.lessees and r.lessees[0].planned_wh for r in planned.rows)


def test_rows_name_a_lease_in_its_hours_alone_when_it_recurs():
    """Its content passes back to the owner after its hours and stands again when they open."""
    slots, hours, today = 12, range(4, 8), 1 << DAY.date.weekday()
    sites = [site(1, [20_000] * slots, power_w=400_000, capacity_wh=400_000), site(2, [30_000] * slots)]
    daily = share(1, 1, 2, power_w=200_000, energy_wh=100_000, account_wh=40_000, first=-960, term=1_920)
    held = replace(daily.lease, weekday_mask=today, day_first_slot=hours.start, day_slots=len(hours))
    tariff = [(40_000 if k < 6 else 110_000, 30_000, 3_000) for k in range(slots)]
    case = problem(sites, tariff, shares=[replace(daily, lease=held)])
    plan = plan_day(case).schedule
    check_schedule(plan, case)
    assert {row.slot for row in plan.rows if row.lessees} == set(hours)
    assert any(row.lessees[0].planned_wh for row in plan.rows if row.lessees)
    with pytest.raises(BadInput, match="runs in the horizon"):  # on every other day of the week
        problem(sites, tariff, shares=[replace(daily, lease=replace(held, weekday_mask=0x7F ^ today))])


def test_an_intraday_plan_has_prices_and_no_gains():
    case = replace(six_stations(12), first_slot=84, kind=ScheduleKind.INTRADAY, revision=3)
    planned = plan_day(case).schedule
    assert (planned.rows[0].slot, planned.rows[11].slot, planned.gains) == (84, 95, ())
    assert len(planned.prices) == 12


def test_groups_are_priced_apart_when_there_are_two():
    loads = [site(1, [50_000]), site(2, [-50_000]), site(3, [-20_000])]
    planned = plan_day(problem(loads, [(60_000, 30_000, 2_000)], groups=[(1, 2), (3,)])).schedule
    assert prices_of(planned) == [44_000, 30_000]


def netting_case():
    """A full lessee discharges and recharges while the owner fills up: what netting saves does not fit the battery."""
    host = site(1, [0, 0, 0], power_w=400_000, capacity_wh=100_000, energy_wh=90_000, end_wh=90_000, wear=0)
    lease = share(
        1, 1, 2, power_w=200_000, energy_wh=50_000, account_wh=50_000, nomination=(10_000, -11_080, 0), wear=0
    )
    tariff = [(10_000, 9_000, 0), (60_000, 50_000, 0), (99_000, 98_000, 0)]
    return problem([host, site(2, [40_000] * 3)], tariff, shares=[lease])


def test_the_owner_keeps_room_when_netting_would_overfill_the_battery():
    case = netting_case()
    held, linear = parts(case), compiled(build(case, parts(case)))
    (answer,) = solve([Job(linear=linear)], settings=SolverSettings())
    settled = settle_parts(case, held, drafts(linear, answer, held))
    assert reserved(case, held, settled, rights=held) is not None
    check_schedule(plan_day(case, settings=SolverSettings(most_gap_ppm=50_000)).schedule, case)


def test_nominations_alone_stand_when_no_joint_plan_does():
    case = netting_case()
    rows = nominated(case).rows
    assert [r.battery_wh for r in rows if r.station == 1] == [10_000, -11_080, 0]
    assert nominated(case).prices == ()


# The tie rule


def test_the_pool_price_is_the_middle_when_load_and_pv_balance_without_storage():
    case = problem([site(1, [50_000]), site(2, [-50_000])], [(60_000, 30_000, 2_000)])
    assert prices_of(plan_day(case).schedule) == [44_000]


def test_tied_prices_are_nearest_to_the_middles_when_a_battery_links_them():
    eta = 0.95 * 0.95
    battery = site(1, [0, 0], power_w=400_000, capacity_wh=400_000, energy_wh=0)
    pv, load = site(2, [-40_000, 0]), site(3, [0, 36_100])
    case = problem([battery, pv, load], [(60_000, 30_000, 0), (90_000, 30_000, 0)])
    planned = plan_day(case).schedule
    assert nets_of(planned, 1) == [-40_000, 36_100]
    first = (45_000 + (60_000 - 8_000) * (1 / eta)) / (1 + 1 / eta**2)
    expected = [first, first / eta + 8_000]
    assert prices_of(planned) == pytest.approx(expected, abs=2)


# Refusals


def test_infeasible_names_the_connection_and_what_would_do_when_load_exceeds_it():
    case = problem([site(1, [10_000, 40_000], pcc_w=100_000)], [(60_000, 30_000, 0)] * 2)
    with pytest.raises(PlanInfeasible) as refused:
        plan_day(case)
    (found,) = refused.value.record.holders
    assert (found.station, found.kind, found.last, found.missing_wh) == (1, Kind.FLOW, 1, 15_000)
    assert [m.what for m in found.members] == [What.PCC_IMPORT, What.RATING]
    assert [(x.what, x.by_wh) for x in refused.value.record.relaxation] == [(What.PCC_IMPORT, 15_000)]
    assert "Station 1: 00:15–00:30 “import limit of the PCC” asks the battery to discharge 15 kWh" in str(refused.value)
    assert "higher by 60 kW" in str(refused.value)


def test_infeasible_names_own_need_when_it_cannot_be_charged_in_time():
    battery = site(1, [0, 0, 0], power_w=40_000, capacity_wh=100_000, energy_wh=20_000, floor=[0, 80_000, 0])
    with pytest.raises(PlanInfeasible) as refused:
        plan_day(problem([battery, site(2, [0, 0, 0])], [(60_000, 30_000, 0)] * 3))
    (found,) = refused.value.record.holders
    assert [(m.what, m.first, m.last) for m in found.members] == [(What.RATING, 0, 1), (What.OWN_NEED_FLOOR, 1, 1)]
    assert refused.value.record.relaxation[0].by_wh == found.missing_wh == 41_000


def test_infeasible_names_only_the_limits_that_contradict_each_other():
    battery = site(
        1, [30_000, 30_000, 0, 0], power_w=400_000, capacity_wh=100_000, energy_wh=0, end_wh=60_000, pcc_w=120_000
    )
    with pytest.raises(PlanInfeasible) as refused:
        plan_day(problem([battery], [(60_000, 30_000, 0)] * 4))
    (found,) = refused.value.record.holders
    named = [(m.what, m.first, m.last) for m in found.members]
    assert named == [(What.PCC_IMPORT, 0, 3), (What.END_ENERGY, 3, 3)]
    (change,) = refused.value.record.relaxation
    assert (change.what, change.by_wh <= 800) == (What.PCC_IMPORT, True)


def test_a_plan_is_refused_when_its_gap_is_wider_than_the_settings_allow():
    with pytest.raises(GapTooWide):
        plan_day(six_stations(24), settings=SolverSettings(most_gap_ppm=-1))


def test_the_solver_is_stopped_when_it_exceeds_its_time_limit():
    with pytest.raises(SolverTimedOut):
        plan_day(worked_example(), settings=SolverSettings(time_limit_s=0.01))


def test_glpk_is_missing_by_name_when_it_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SolverMissing):
        plan_day(worked_example(), settings=SolverSettings(backend=Backend.GLPK))


def test_a_crashing_solver_is_a_named_error(monkeypatch):
    monkeypatch.setattr("optimizer.solver.sys.executable", shutil.which("false"))
    with pytest.raises(SolverFailed):
        plan_day(worked_example())


@pytest.mark.skipif(shutil.which("glpsol") is None, reason="glpsol is not installed")
@pytest.mark.parametrize("case", [worked_example(), six_stations(12), random_problem(7)])
def test_glpk_finds_the_same_cost_when_it_is_chosen(case):
    ours = plan_day(case).certificate
    theirs = plan_day(case, settings=SolverSettings(backend=Backend.GLPK)).certificate
    slack = 200_000 * len(parts(case)) * case.slots
    assert theirs.objective_microcents == pytest.approx(ours.objective_microcents, abs=slack)
    assert prices_of(theirs.schedule) == pytest.approx(prices_of(ours.schedule), abs=2)
    with pytest.raises(PlanInfeasible):
        plan_day(
            problem([site(1, [40_000], pcc_w=100_000)], [(60_000, 30_000, 0)]),
            settings=SolverSettings(backend=Backend.GLPK),
        )


def test_without_storage_cost_is_the_tariff_on_the_forecast():
    loads = sum(p * t[0] for p, t in zip([80_000, 90_000, 150_000, 160_000], WORKED_TARIFF, strict=True))
    assert without_storage_cost_cents(worked_example(), 2) == round(loads / MICRO)
