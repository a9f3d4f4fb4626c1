"""9.7.1: lessees have virtual storages inside a station, which executes the net; the owner has what they leave."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from alliance.fleetlease import account_path, account_unit, netted
from alliance.fleetplan import (
    MILLION,
    RISK_NEUTRAL,
    Direction,
    FieldWrong,
    FleetLease,
    FleetProblem,
    FleetStation,
    Region,
    Reserve,
    problem_from_plain,
    problem_to_plain,
)
from alliance.fleetproof import FleetCertificate, LimitBroken, check, digest, objective_microcents
from alliance.schedule import PlainWrong
from alliance.why.check import check_why, why_of
from alliance.why.record import What
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetInfeasible, FleetPath, FleetSettings, plan_fleet
from optimizer.solver import SolverProcess
from tests.optimizer.fleet.instances import instance

ETA = 900_000


def lease(**more: Any) -> FleetLease:
    """A pooled lease of two fifths of the station's powers and a quarter of its content."""
    usual = {"station": 0, "charge_wh": 2_000, "discharge_wh": 2_000, "energy_wh": 5_000, "start_wh": 2_000}
    return FleetLease(**(usual | {"end_min_wh": 0, "nomination_wh": ()} | more))


def fleet(*leases: FleetLease, **more: Any) -> FleetProblem:
    """A station of 5 kWh a period and 20 kWh with 900 000 ppm each way; cheap, cheap, dear, dear."""
    station = FleetStation(
        region=0, charge_wh=5_000, discharge_wh=5_000, eta_c_ppm=ETA, eta_d_ppm=ETA, keep_ppm=MILLION,
        energy_min_wh=0, energy_max_wh=20_000, start_wh=10_000, end_min_wh=6_000, wear_price=1_000,
        pcc_import_wh=20_000, pcc_export_wh=20_000, net_load_wh=(500,) * 4, own_need_floor_wh=(0,) * 4,
        content_most_wh=(), curtailable_wh=(0,) * 4,
    )  # fmt: skip
    region = Region(
        buy_price=(30_000, 30_000, 90_000, 90_000), sell_price=(20_000, 20_000, 80_000, 80_000),
        import_limit_wh=(50_000,) * 4, export_limit_wh=(50_000,) * 4, base_load_wh=(0,) * 4,
    )  # fmt: skip
    usual: dict[str, Any] = {"reserves": (), "scenarios": (), "risk": RISK_NEUTRAL, "ties": ()}
    usual |= {"periods": 4, "period_s": 3600, "regions": (region,), "stations": (station,), "leases": leases}
    return FleetProblem(**(usual | more))


def planned(problem: FleetProblem, process: SolverProcess, path: FleetPath = FleetPath.FAST) -> FleetCertificate:
    found = plan_fleet(arrays_of(problem), settings=FleetSettings(path=path), process=process).certificate(problem)
    check(found)
    return found


def test_opposite_orders_meet_inside_the_battery_when_lessees_nominate_them(process: SolverProcess) -> None:
    """The second charges with what the first discharges, and the owner, at equal prices, has no reason to move."""
    orders = (1_000, 0, 0, 0)
    problem = fleet(lease(nomination_wh=orders), lease(nomination_wh=tuple(-x for x in orders)))
    region, station = problem.regions[0], problem.stations[0]
    flat = replace(region, buy_price=(30_000,) * 4, sell_price=(0,) * 4)  # nothing to gain by moving
    problem = replace(problem, regions=(flat,), stations=(replace(station, net_load_wh=(0,) * 4),))
    found = planned(problem, process)
    assert found.plan.lease_wh == (orders, tuple(-x for x in orders))
    assert found.plan.battery_wh == ((0, 0, 0, 0),)
    assert found.objective_microcents == 0
    done = netted(problem, found.plan, 0)
    assert (done.met_wh, done.gain_wh) == (1_000, 211)  # 1 000/0.9 − 1 000·0.9, rounded down


def test_netting_never_loses_more_than_batteries_of_their_own_when_fleets_are_random(process: SolverProcess) -> None:
    met = 0
    for seed in range(12):
        problem = instance("leases", seed)
        try:
            plan = planned(problem, process, FleetPath.STAMPED).plan
        except FleetInfeasible:
            continue
        for i in range(len(problem.stations)):
            done = netted(problem, plan, i)
            assert done.gain_wh >= 0, (seed, i)
            met += done.met_wh
    assert met > 0


def test_firm_lease_is_executed_as_nominated_and_the_owner_plans_around_it(process: SolverProcess) -> None:
    orders = (2_000, -1_000, -1_000, 0)  # discharges when cheap: its own affair
    problem = fleet(lease(energy_wh=4_000, start_wh=4_000, nomination_wh=orders))
    found = planned(problem, process)
    assert found.plan.lease_wh == (orders,)
    own = [flow - order for flow, order in zip(found.plan.battery_wh[0], orders, strict=True)]
    assert all(-3_000 <= x <= 3_000 for x in own)
    assert own[3] > 0
    moved = replace(found.plan, lease_wh=((2_000, -1_000, -999, 0),))
    with pytest.raises(LimitBroken, match="nomination"):
        objective_microcents(moved, problem)


def test_pooled_account_serves_the_optimum_and_ends_as_agreed_when_the_lessee_leaves_it(process: SolverProcess) -> None:
    problem = fleet(lease(end_min_wh=4_500))
    found = planned(problem, process)
    station = problem.stations[0]
    path = account_path(station, problem.leases[0], found.plan.lease_wh[0])
    unit = account_unit(station)
    assert all(0 <= x <= 5_000 * unit for x in path)
    assert path[-1] >= 4_500 * unit
    assert found.gap_ppm < 1_000  # a whole watt-hour or two of a yuan and a half
    without = planned(replace(problem, leases=()), process)
    assert found.lower_bound_microcents >= without.lower_bound_microcents  # a lease only takes away


def test_leases_are_named_as_the_reason_when_the_fleet_has_a_plan_without_them(process: SolverProcess) -> None:
    """The PCC gives 1 500 Wh: a firm order to charge 2 000 is too much beside a load of 500."""
    problem = fleet(lease(nomination_wh=(-2_000, 0, 0, 0)))
    station = replace(problem.stations[0], pcc_import_wh=1_500, discharge_wh=2_000)
    with pytest.raises(FleetInfeasible) as found:
        planned(replace(problem, stations=(station,)), process)
    assert "租约" in str(found.value)
    assert "leases" in str(found.value)


@pytest.mark.parametrize("t", [0, 3])
def test_plan_is_refused_when_a_lessee_passes_its_share_by_one_watt_hour(t: int, process: SolverProcess) -> None:
    problem = fleet(lease())
    found = planned(problem, process)
    orders = list(found.plan.lease_wh[0])
    orders[t] = 2_001 if t else -2_001
    with pytest.raises(LimitBroken, match="share of power"):
        objective_microcents(replace(found.plan, lease_wh=(tuple(orders),)), problem)
    with pytest.raises(LimitBroken, match="account"):
        objective_microcents(replace(found.plan, lease_wh=((-2_000, -1_400, 0, 0),)), problem)


def test_plan_is_refused_when_the_owner_uses_what_is_leased(process: SolverProcess) -> None:
    problem = fleet(lease(nomination_wh=(0,) * 4))
    found = planned(replace(problem, leases=()), process)
    assert max(map(abs, found.plan.battery_wh[0])) > 3_000
    with pytest.raises(LimitBroken, match=r"(discharge|charge) and reserve"):
        objective_microcents(replace(found.plan, lease_wh=((0,) * 4,)), problem)


def test_owner_sells_reserve_only_of_what_leases_leave(process: SolverProcess) -> None:
    def asked(wanted: int) -> FleetProblem:
        up = Reserve(
            direction=Direction.UP, duration_s=0, activation_ppm=0, price=(0,) * 4, requirement_wh=((wanted,) * 4,)
        )
        idle = lease(nomination_wh=(0,) * 4)
        problem = fleet(idle, reserves=(up,))
        return replace(problem, stations=(replace(problem.stations[0], charge_wh=2_000),))

    held = planned(asked(3_000), process)
    assert min(held.plan.reserve_wh[0][0]) >= 3_000
    with pytest.raises(FleetInfeasible):
        planned(asked(5_001), process)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"station": 1}, "leases[0].station"),
        ({"charge_wh": 5_001}, "leases[0].charge_wh"),
        ({"discharge_wh": -1}, "leases[0].discharge_wh"),
        ({"energy_wh": 14_001}, "leases[0].energy_wh"),  # 20 000 less the owner's 6 000 at the end
        ({"start_wh": 5_001}, "leases[0].start_wh"),
        ({"end_min_wh": 5_001}, "leases[0].end_min_wh"),
        ({"charge_wh": 100, "end_min_wh": 2_361}, "leases[0].end_min_wh"),  # 2 000 + 4 · 100 · 0.9
        ({"nomination_wh": (0, 0)}, "leases[0].nomination_wh (its length)"),
        ({"nomination_wh": (2_001, 0, 0, 0)}, "leases[0].nomination_wh[0]"),
        ({"nomination_wh": (0, 1_801, 0, 0)}, "leases[0].nomination_wh[1]"),  # 2 000 · 0.9 is all there is
        ({"energy_wh": float("nan")}, "leases[0].energy_wh"),
    ],
)
def test_lease_is_refused_by_field_value_and_limit_when_it_is_wrong(more: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldWrong) as found:
        fleet(lease(**more))
    assert found.value.field == field
    assert found.value.limit


def test_leases_together_fit_the_station_or_are_refused(process: SolverProcess) -> None:
    with pytest.raises(FieldWrong, match=r"leases\[2\].charge_wh"):
        fleet(lease(), lease(), lease())
    small = lease(charge_wh=1, discharge_wh=1, energy_wh=2, start_wh=1)
    found = planned(fleet(*(small,) * 16), process)  # of a watt-hour each
    assert len(found.plan.lease_wh) == 16
    with pytest.raises(FieldWrong, match=r"leases\[16\].station \(its leases\)"):
        fleet(*(small,) * 17)


def test_form_without_leases_is_as_before_and_an_empty_list_is_refused() -> None:
    plain = json.loads(json.dumps(problem_to_plain(fleet())))
    assert "leases" not in plain["fleet"]
    assert problem_from_plain(plain) == fleet()
    plain["fleet"]["leases"] = []
    with pytest.raises(PlainWrong, match="leases"):
        problem_from_plain(plain)
    leased = fleet(lease(), lease(nomination_wh=(0,) * 4))
    assert problem_from_plain(json.loads(json.dumps(problem_to_plain(leased)))) == leased
    assert digest(leased) != digest(fleet())


def test_why_tells_each_holder_apart_and_adds_up_when_there_are_leases(process: SolverProcess) -> None:
    found = planned(fleet(lease(), lease(nomination_wh=(900, 0, -1_000, 0))), process)
    record = why_of(found)
    check_why(record, found)
    assert {x.lease for x in record.flows if x.what in (What.CHARGE, What.DISCHARGE)} == {0, 1, 2}
    assert sum(x.amount_microcents for x in record.limits) == found.objective_microcents
    firm = [x for x in record.flows if x.lease == 2]
    assert sum(x.energy_wh for x in firm if x.what is What.DISCHARGE) == 900


def test_paths_agree_when_a_fleet_has_leases(process: SolverProcess) -> None:
    problem = fleet(lease(end_min_wh=3_000), lease(nomination_wh=(900, 0, -1_000, 0)))
    costs = [
        plan_fleet(arrays_of(problem), settings=FleetSettings(path=path), process=process).relaxed_cost_cents
        for path in (FleetPath.FAST, FleetPath.STAMPED, FleetPath.HIGHS)
    ]
    assert costs == pytest.approx([costs[0]] * 3, rel=1e-6)


def test_plan_is_the_nominations_when_no_time_is_left(process: SolverProcess) -> None:
    orders = (900, 0, -1_000, 0)
    problem = fleet(lease(nomination_wh=orders))
    found = plan_fleet(arrays_of(problem), settings=FleetSettings(time_limit_s=0.0), process=process)
    assert not found.optimal
    assert found.certificate(problem).plan.lease_wh == (orders,)
