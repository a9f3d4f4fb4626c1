"""9.12.8: accounts are carried, the owner bears what was measured otherwise, what of a lease gives way is told."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alliance.errors import AllianceError
from alliance.fleetlease import account_path, account_unit
from alliance.fleetplan import FleetLease, FleetProblem
from alliance.fleetproof import FleetCertificate, ShapeWrong
from alliance.replan.check import check_replan
from alliance.replan.record import LeaseLowered, Replan, Stale, replan_from_plain, replan_to_plain
from alliance.replan.task import in_force, task, terms_of
from optimizer.fleet.rolling import replan
from optimizer.solver import SolverProcess
from tests.optimizer.fleet.test_rolling import BEGINS, _changed, city, cycle, fresh, planned, random_cycle

FIRM = (-1_000,) * 6 + (0,) * 6 + (500,) * 6 + (0,) * 6
"""What lease 0 nominates: 5 700 Wh into its account, 3 158 Wh out."""


def leased(*, keep_ppm: int = 1_000_000) -> FleetProblem:
    """The city of `test_rolling`, at station 0 a firm and a pooled lease, at station 1 a pooled one."""
    one = FleetLease(
        station=0, charge_wh=1_500, discharge_wh=1_500, energy_wh=8_000, start_wh=2_000, end_min_wh=0,
        nomination_wh=FIRM,
    )  # fmt: skip
    two = replace(one, energy_wh=6_000, start_wh=3_000, end_min_wh=3_000, nomination_wh=())
    problem = city()
    stations = tuple(replace(s, energy_max_wh=60_000, keep_ppm=keep_ppm) for s in problem.stations)
    return replace(problem, stations=stations, leases=(one, two, replace(two, station=1)))


@pytest.fixture(scope="module")
def base(process: SolverProcess) -> FleetCertificate:
    return planned(leased(), process)


def lowered(made: Replan, k: int) -> LeaseLowered | None:
    return next((gone for gone in made.cycle.leases_lowered if gone.lease == k), None)


def account_at(base: FleetCertificate, k: int, t: int) -> int:
    """By the day-ahead plan's orders, whole Wh."""
    lease = base.problem.leases[k]
    station = base.problem.stations[lease.station]
    begun = lease.start_wh * account_unit(station)
    return ([begun, *account_path(station, lease, base.plan.lease_wh[k])][t]) // account_unit(station)


# ---- all as planned ----


def test_leases_roll_on_and_nothing_gives_way_when_all_went_as_planned(
    base: FleetCertificate, process: SolverProcess
) -> None:
    made = cycle(base, 4, fresh(base, 4), process)
    assert made.cycle.leases_lowered == ()
    assert made.certificate.plan.lease_wh[0] == FIRM[4:] == made.certificate.problem.leases[0].nomination_wh
    assert [told.account_wh for told in made.cycle.leases] == [account_at(base, k, 4) for k in range(3)]
    assert made.cycle.leases[0].account_wh == 2_000 + 4 * 950
    assert made.kept_cost_microcents is not None
    assert made.saved_microcents is not None
    assert made.saved_microcents >= 0


def test_accounts_are_exact_over_cycles_when_each_starts_from_the_one_before(
    base: FleetCertificate, process: SolverProcess
) -> None:
    """No Wh is lost though each cycle's problem counts accounts in whole Wh."""
    after, orders = None, [list(row[:12]) for row in base.plan.lease_wh]
    for t in range(12, 20):
        made = cycle(base, t, fresh(base, t), process, after=after)
        for k in range(3):
            station, lease = base.problem.stations[base.problem.leases[k].station], base.problem.leases[k]
            begun = lease.start_wh * account_unit(station)
            exact = account_path(station, lease, orders[k])[-1] if orders[k] else begun
            told = made.cycle.leases[k]
            assert told.account_wh * account_unit(station) + told.account_parts == exact
            orders[k].append(made.certificate.plan.lease_wh[k][0])
        after = made
    assert tuple(orders[0]) == FIRM[:20]


# ---- who bears what ----


def test_owner_bears_it_when_the_station_holds_less_or_more_than_planned(
    base: FleetCertificate, process: SolverProcess
) -> None:
    for by in (-4_000, 4_000):
        states = fresh(base, 4)
        states[0] = replace(states[0], energy_wh=states[0].energy_wh + by)
        made = cycle(base, 4, states, process)
        assert made.cycle.leases_lowered == ()
        assert [x.start_wh for x in made.certificate.problem.leases] == [account_at(base, k, 4) for k in range(3)]
        assert made.certificate.plan.lease_wh[0] == FIRM[4:]


def test_accounts_give_way_in_proportion_and_come_back_when_the_battery_is_nearly_empty(
    base: FleetCertificate, process: SolverProcess
) -> None:
    one, two = (account_at(base, k, 6) for k in (0, 1))
    states = fresh(base, 6)
    states[0] = replace(states[0], energy_wh=2_000 + 3_000)  # 3 000 Wh above its least
    made = cycle(base, 6, states, process)
    leases = made.certificate.problem.leases
    assert leases[0].start_wh == one * 3_000 // (one + two)
    assert leases[1].start_wh == two * 3_000 // (one + two)
    gone = lowered(made, 0)
    assert gone is not None
    assert gone.account_wh == one - leases[0].start_wh
    assert leases[0].energy_wh == 8_000 - gone.account_wh  # the account holds it still, so that there is as little room
    assert made.cycle.leases[0].account_wh == one
    again = cycle(base, 7, fresh(base, 7), process, after=made)
    assert again.certificate.problem.leases[0].start_wh == one
    assert lowered(again, 0) is None


def test_owner_gives_its_power_first_when_a_station_is_derated(base: FleetCertificate, process: SolverProcess) -> None:
    states = fresh(base, 2)
    states[0] = replace(states[0], charge_w=36_000, discharge_w=36_000)  # 3 000 Wh a period: all of it leased
    made = cycle(base, 2, states, process)
    assert made.cycle.leases_lowered == ()
    own = [f - a - b for f, a, b in zip(made.certificate.plan.battery_wh[0], *made.certificate.plan.lease_wh[:2], strict=True)]  # fmt: skip
    assert set(own) == {0}
    states[0] = replace(states[0], charge_w=18_000)
    made = cycle(base, 2, states, process)
    assert [x.charge_wh for x in made.certificate.problem.leases] == [750, 750, 1_500]
    gone = lowered(made, 0)
    assert gone is not None
    assert (gone.charge_wh, gone.period, gone.order_wh) == (750, 0, 250)
    assert made.certificate.plan.lease_wh[0][:4] == (-750,) * 4


def test_lessees_of_a_tripped_station_order_nothing_and_are_told(
    base: FleetCertificate, process: SolverProcess
) -> None:
    states = fresh(base, 2)
    states[0] = replace(states[0], charge_w=0, discharge_w=0)
    made = cycle(base, 2, states, process)
    assert set(made.certificate.plan.lease_wh[0] + made.certificate.plan.lease_wh[1]) == {0}
    gone = lowered(made, 0)
    assert gone is not None
    assert (gone.charge_wh, gone.discharge_wh, gone.order_wh, gone.account_wh) == (1_500, 1_500, 1_000, 0)
    assert lowered(made, 2) is None
    after = cycle(base, 3, fresh(base, 3), process, after=made)
    assert after.cycle.leases[0].account_wh == made.cycle.leases[0].account_wh  # nothing was ordered meanwhile


def test_orders_to_charge_give_way_before_load_behind_the_pcc_is_unserved(
    base: FleetCertificate, process: SolverProcess
) -> None:
    states = fresh(base, 2)
    load = (24_500,) + (1_000,) * 21  # 20 000 through the PCC, 2 000 the owner's own
    states[0] = replace(states[0], net_load_wh=load, energy_wh=20_000)
    made = cycle(base, 2, states, process)
    gone = lowered(made, 0)
    assert gone is not None
    assert (gone.period, gone.order_wh) == (0, 1_000)
    assert made.shortage.unserved_wh[0][0] == 24_500 - 20_000 - 2_000
    mild = replace(states[0], net_load_wh=(21_400,) + (1_000,) * 21)
    made = cycle(base, 2, [mild, *states[1:]], process)
    gone = lowered(made, 0)
    assert gone is not None
    assert 0 < gone.order_wh < 1_000
    theirs = sum(made.cycle.kept.lease_wh[k][0] for k in (0, 1))
    assert -601 <= theirs <= -598  # 2 000 of the owner's less 600 are the 1 400 that the PCC cannot bring
    assert sum(made.shortage.unserved_wh[0]) == 0


def test_room_in_accounts_gives_way_when_a_full_tripped_station_holds_more_of_the_owners(
    base: FleetCertificate, process: SolverProcess
) -> None:
    states = fresh(base, 2)
    states[0] = replace(states[0], energy_wh=59_000, charge_w=0, discharge_w=0)
    made = cycle(base, 2, states, process)
    rooms = [gone.room_wh for gone in made.cycle.leases_lowered[:2]]
    assert min(rooms) > 0
    assert sum(x.energy_wh - x.start_wh for x in made.certificate.problem.leases[:2]) <= 1_000


def test_accounts_are_lowered_when_losses_of_a_tripped_station_would_use_up_the_owners_part(
    process: SolverProcess,
) -> None:
    problem = leased(keep_ppm=990_000)
    stations = tuple(replace(s, energy_min_wh=0) for s in problem.stations)
    lossy = planned(replace(problem, stations=stations), process)
    states = fresh(lossy, 6)
    states[0] = replace(states[0], energy_wh=6_000, charge_w=0, discharge_w=0)
    made = cycle(lossy, 6, states, process)
    held = sum(x.start_wh for x in made.certificate.problem.leases[:2])
    assert held <= 6_000 * 0.99**18 < held + 20


# ---- stale stations ----


@pytest.mark.parametrize("stale", [Stale.HOLD, Stale.ZERO])
def test_lessees_of_a_stale_station_order_as_in_force_or_nothing(
    stale: Stale, base: FleetCertificate, process: SolverProcess
) -> None:
    made = cycle(base, 2, fresh(base, 2)[1:], process, stale=stale)
    assert set(made.certificate.plan.lease_wh[0]) == {0}
    held = FIRM[2:] if stale is Stale.HOLD else ()
    assert made.cycle.leases[0].held_wh == held
    again = cycle(base, 3, fresh(base, 3), process, after=made)
    begun, step = 2_000 + 2 * 950, 950 if stale is Stale.HOLD else 0
    assert made.cycle.leases[0].account_wh == begun
    assert again.cycle.leases[0].account_wh == begun + step
    assert in_force(base, made).lease_wh[0][2] == (FIRM[2] if stale is Stale.HOLD else 0)


# ---- any cycle ----


@given(seed=st.integers(0, 10_000), by=st.integers(0, 3), price=st.sampled_from([None, 0, 5_000]))
@settings(max_examples=5, deadline=None, phases=[Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_any_cycle_with_leases_is_checked_and_no_dearer_than_the_old_plan(
    seed: int, by: int, price: int | None, base: FleetCertificate, process: SolverProcess
) -> None:
    rng = random.Random(seed)
    first = rng.randint(0, 22)
    periods = rng.choice([0, 1, 24 - first])
    states = [
        replace(
            s, energy_wh=rng.randint(0, 60_000) if rng.random() < by / 3 else s.energy_wh,
            charge_w=rng.choice([None, None, 0, rng.randint(0, 60_000)]),
            discharge_w=rng.choice([None, None, 0, rng.randint(0, 60_000)]),
            net_load_wh=rng.choice([(), tuple(rng.randint(-30_000, 30_000) for _ in range(periods or 24 - first))]),
        )
        for s in fresh(base, first)
    ]  # fmt: skip
    if rng.random() < 0.3:
        del states[rng.randint(0, 2)]
    chosen: dict[str, Any] = {"stale": rng.choice([Stale.HOLD, Stale.ZERO]), "deviation_price": price}
    made = cycle(base, first, states, process, periods=periods, **chosen)
    assert made.kept_cost_microcents is None or made.kept_cost_microcents >= made.new_cost_microcents
    assert replan_from_plain(json.loads(json.dumps(replan_to_plain(made)))) == made
    for lease, was in zip(made.certificate.problem.leases, base.problem.leases, strict=True):
        assert lease.energy_wh <= was.energy_wh
        assert lease.charge_wh <= was.charge_wh


@pytest.mark.slow
def test_every_cycle_holds_when_leased_fleets_are_random(process: SolverProcess) -> None:
    seen = 0
    for seed in (1, 3, 5, 10, 23, 25, 27, 47, 52, 55, 57):
        begun, terms, states = random_cycle("leases", seed, process)
        made = replan(begun, terms=terms, states=states, process=process)
        check_replan(made, base=begun)
        again = replan(begun, made, terms=terms, states=states, process=process)
        check_replan(again, base=begun, after=made)
        seen += bool(made.cycle.leases_lowered)
    assert seen >= 8


# ---- the checker ----


def test_record_with_leases_is_refused_when_any_part_of_it_was_changed(
    base: FleetCertificate, process: SolverProcess
) -> None:
    states = fresh(base, 6)[1:]
    states[0] = replace(states[0], charge_w=6_000)
    made = cycle(base, 6, states, process, stale=Stale.HOLD)
    genuine: Any = replan_to_plain(made)
    rng = random.Random(5)
    for at in ("leases", "leasesLowered", "kept", "problem", "plan"):
        for _ in range(25):
            plain = copy.deepcopy(json.loads(json.dumps(genuine)))
            holder = plain["replan"]["certificate" if at in ("problem", "plan") else "cycle"][at]
            _changed(holder["leases" if at == "problem" else "leaseWh"] if isinstance(holder, dict) else holder, rng)
            with pytest.raises(AllianceError):
                check_replan(replan_from_plain(plain), base=base)


def test_cycle_before_is_refused_when_it_tells_nothing_of_the_leases(
    base: FleetCertificate, process: SolverProcess
) -> None:
    made = cycle(base, 2, fresh(base, 2), process)
    silent = replace(made, cycle=replace(made.cycle, leases=()))
    with pytest.raises(ShapeWrong):
        task(base, silent, terms=terms_of(BEGINS, BEGINS + 900_000), states=fresh(base, 3))


def test_record_without_leases_says_nothing_of_them(process: SolverProcess) -> None:
    bare = planned(city(), process)
    plain: Any = replan_to_plain(cycle(bare, 2, fresh(bare, 2), process))
    assert not {"leases", "leasesLowered"} & set(plain["replan"]["cycle"])
    assert "leaseWh" not in plain["replan"]["cycle"]["kept"]
