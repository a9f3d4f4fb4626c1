"""9.7: load outside the stations that may be cut at a price is a further source, used exactly in the order of prices."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.fleetexchange import Exchange, bill_of, exchange_of
from alliance.fleetplan import FieldWrong, FleetProblem, Region, problem_from_plain, problem_to_plain
from alliance.fleetproof import LimitBroken, check, digest, grid_microwh, objective_microcents
from alliance.replan.task import kept_cost, task, terms_of
from alliance.schedule import PlainWrong
from alliance.why.check import check_why, why_of
from alliance.why.record import What
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetInfeasible, FleetPath, FleetSettings, plan_fleet
from optimizer.solver import SolverProcess
from tests.optimizer.fleet.test_leases import fleet
from tests.optimizer.fleet.test_rolling import BEGINS, city, cycle, fresh, planned

M = 10**6


def one(**more: Any) -> Region:
    """A period: bought at 50 000, sold at 30 000, 5 Wh each way."""
    usual: dict[str, Any] = {"buy_price": (50_000,), "sell_price": (30_000,), "import_limit_wh": (5,)}
    return Region(**(usual | {"export_limit_wh": (5,), "base_load_wh": (0,)} | more))


@pytest.mark.parametrize(
    ("price", "taken", "wanted"),
    [
        (60_000, 7, Exchange(imported=5 * M, exported=0, cut=2 * M)),  # dearer than import: the last
        (60_000, 4, Exchange(imported=4 * M, exported=0, cut=0)),
        (50_000, 7, Exchange(imported=5 * M, exported=0, cut=2 * M)),  # as dear as import: still the last
        (40_000, 7, Exchange(imported=4 * M, exported=0, cut=3 * M)),  # cheaper than import, dearer than what is sold
        (40_000, -2, Exchange(imported=0, exported=2 * M, cut=0)),
        (20_000, 7, Exchange(imported=4 * M, exported=0, cut=3 * M)),  # cheaper than what is sold: cut to sell
        (20_000, -2, Exchange(imported=0, exported=5 * M, cut=3 * M)),
        (20_000, -4, Exchange(imported=0, exported=5 * M, cut=1 * M)),
    ],
)
def test_sources_serve_in_the_order_of_their_prices_when_load_may_be_cut(
    price: int, taken: int, wanted: Exchange
) -> None:
    assert exchange_of(one(cut_most_wh=(3,), cut_price=(price,)), 0, taken * M) == wanted


@given(data=st.data())
def test_bill_is_the_least_of_all_ways_to_serve_when_load_may_be_cut(data: st.DataObject) -> None:
    sell = data.draw(st.integers(-9, 9))
    buy, price = data.draw(st.integers(sell, 12)), data.draw(st.integers(0, 15))
    most_in, most_out, most_cut = (data.draw(st.integers(0, 4)) for _ in range(3))
    taken = data.draw(st.integers(-most_out, most_in + most_cut))
    region = Region(
        buy_price=(buy,), sell_price=(sell,), import_limit_wh=(most_in,), export_limit_wh=(most_out,),
        base_load_wh=(0,), cut_most_wh=(most_cut,), cut_price=(price,),
    )  # fmt: skip
    ways = [
        buy * max(0, taken - cut) - sell * max(0, cut - taken) + price * cut
        for cut in range(most_cut + 1)
        if -most_out <= taken - cut <= most_in
    ]
    assert bill_of(region, 0, taken * M) == min(ways) * M


def cutting(price: int, *, import_wh: int = 6_000, most_wh: int = 4_000) -> FleetProblem:
    """The station of `test_leases` beside a load of 9 kWh a period."""
    problem = fleet()
    region = replace(
        problem.regions[0], import_limit_wh=(import_wh,) * 4, base_load_wh=(9_000,) * 4, cut_most_wh=(most_wh,) * 4,
        cut_price=(price,) * 4,
    )  # fmt: skip
    return replace(problem, regions=(region,))


@pytest.mark.parametrize(("price", "import_wh"), [(200_000, 6_000), (60_000, 6_000), (10_000, 6_000), (60_000, 50_000)])
def test_paths_agree_when_load_may_be_cut(price: int, import_wh: int, process: SolverProcess) -> None:
    arrays = arrays_of(cutting(price, import_wh=import_wh))
    costs = [
        plan_fleet(arrays, settings=FleetSettings(path=path), process=process).relaxed_cost_cents for path in FleetPath
    ]
    assert costs == pytest.approx([costs[0]] * len(FleetPath), rel=2e-5)
    assert costs[1:] == pytest.approx([costs[1]] * (len(FleetPath) - 1), rel=1e-6)


def test_no_more_is_cut_than_the_grid_leaves_when_cutting_is_dearer(process: SolverProcess) -> None:
    problem = cutting(200_000)
    found = planned(problem, process)
    assert check(found).gap_ppm < 1_000
    with pytest.raises(FleetInfeasible):
        planned(cutting(200_000, most_wh=1_000), process)
    (grid,) = grid_microwh(found.plan, problem, 0)
    assert all(wh <= 6_000 * M for wh in grid)
    cheap = planned(cutting(10_000), process)
    (grid,) = grid_microwh(cheap.plan, cheap.problem, 0)
    assert sum(grid) < sum(grid_microwh(found.plan, problem, 0)[0])
    assert cheap.objective_microcents < found.objective_microcents


def test_plan_is_refused_when_a_region_takes_a_watt_hour_more_than_import_and_cut_give(process: SolverProcess) -> None:
    problem = cutting(200_000)
    found = planned(problem, process)
    load = (9_000 + 1_000, *(9_000,) * 3)
    flow = found.plan.battery_wh[0][0]
    rest = replace(problem.regions[0], base_load_wh=(load[0] + flow - 500, *load[1:]))
    objective_microcents(found.plan, replace(problem, regions=(rest,)))  # 10 000 in all
    more = replace(rest, base_load_wh=(rest.base_load_wh[0] + 1, *load[1:]))
    with pytest.raises(LimitBroken, match=r"exchange.*high_wh=10000"):
        objective_microcents(found.plan, replace(problem, regions=(more,)))


def test_why_tells_what_was_cut_and_adds_up(process: SolverProcess) -> None:
    problem = cutting(200_000)
    found = planned(problem, process)
    record = why_of(found)
    check_why(record, found)
    taken = sum(9_500 - flow for flow in found.plan.battery_wh[0])
    told = sum(line.energy_wh for line in record.flows if line.what is What.CUT)
    assert told == taken - sum(grid_microwh(found.plan, problem, 0)[0]) // M > 0
    assert sum(line.amount_microcents for line in record.flows) == found.objective_microcents
    narrow = planned(cutting(60_000, import_wh=6_000, most_wh=3_000), process)
    lines = [line for line in why_of(narrow).limits if line.what is What.CUT_MOST]
    assert any(line.worth_microcents < 0 for line in lines)


def test_form_without_cut_load_is_as_before_and_an_empty_list_is_refused() -> None:
    plain = json.loads(json.dumps(problem_to_plain(fleet())))
    assert "cutMostWh" not in plain["fleet"]["regions"][0]
    plain["fleet"]["regions"][0] |= {"cutMostWh": [], "cutPrice": []}
    with pytest.raises(PlainWrong, match="cut"):
        problem_from_plain(plain)
    problem = cutting(60_000)
    assert problem_from_plain(json.loads(json.dumps(problem_to_plain(problem)))) == problem
    assert digest(problem) != digest(replace(problem, regions=(replace(problem.regions[0], cut_price=(60_001,) * 4),)))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"cut_most_wh": (1,)}, "regions[0].cut_most_wh (its length)"),
        ({"cut_most_wh": ()}, "regions[0].cut_most_wh (its length)"),
        ({"cut_price": ()}, "regions[0].cut_price (its length)"),
        ({"cut_most_wh": (0, 0, -1, 0)}, "regions[0].cut_most_wh[2]"),
        ({"cut_most_wh": (0, 0, 0, 10**12 + 1)}, "regions[0].cut_most_wh[3]"),
        ({"cut_price": (-1, 0, 0, 0)}, "regions[0].cut_price[0]"),
        ({"cut_price": (0, float("nan"), 0, 0)}, "regions[0].cut_price[1]"),
    ],
)
def test_cut_load_is_refused_by_field_value_and_limit_when_it_is_wrong(more: dict[str, Any], field: str) -> None:
    problem = cutting(60_000)
    with pytest.raises(FieldWrong) as found:
        replace(problem, regions=(replace(problem.regions[0], **more),))
    assert found.value.field == field
    assert found.value.limit


@pytest.mark.parametrize("deviation", [None, 0, 20_000, 90_000])
@pytest.mark.parametrize("price", [10_000, 90_000, 500_000])
def test_cycle_is_no_dearer_than_the_kept_plan_when_load_may_be_cut(
    price: int, deviation: int | None, process: SolverProcess
) -> None:
    problem = city(12, import_wh=16_000)
    region = replace(problem.regions[0], cut_most_wh=(3_000,) * 12, cut_price=(price,) * 12)
    base = planned(replace(problem, regions=(region,)), process)
    states = fresh(base, 3)
    states[0] = replace(states[0], charge_w=0, discharge_w=0)
    made = cycle(base, 3, states, process, deviation_price=deviation)
    assert made.kept_cost_microcents is not None
    assert made.saved_microcents is not None
    assert made.saved_microcents >= 0
    assert made.certificate.problem.regions[0].cut_most_wh == (3_000,) * 9
    assert sum(map(sum, made.shortage.unserved_wh)) == 0


def test_position_is_what_came_from_the_grid_when_load_was_cut_the_day_before(process: SolverProcess) -> None:
    """12 000 + 3 · 1 000 Wh of load, 10 000 through the limit: what is cut is no part of the position."""
    problem = city(12, import_wh=10_000)
    region = replace(problem.regions[0], cut_most_wh=(9_000,) * 12, cut_price=(500_000,) * 12)
    base = planned(replace(problem, regions=(region,)), process)
    made = task(base, None, terms=terms_of(BEGINS, BEGINS, deviation_price=5_000), states=fresh(base, 0))
    assert max(made.cycle.position_wh[0]) == 10_000
    assert kept_cost(made)[0] is not None


@pytest.mark.parametrize(("price", "unserved"), [(160_000, 1_500), (20_000_000, 4_500)])
def test_load_is_cut_before_any_is_unserved_unless_that_is_cheaper_when_a_region_is_short(
    price: int, unserved: int, process: SolverProcess
) -> None:
    """12 000 Wh through the limit and 3 000 that may be cut, 16 500 needed; what is not served costs 10 000 000."""
    problem = city(6, import_wh=12_000)
    region = replace(problem.regions[0], cut_most_wh=(3_000,) * 6, cut_price=(price,) * 6)
    stations = tuple(replace(s, charge_wh=0, discharge_wh=0, end_min_wh=0) for s in problem.stations)
    base = planned(replace(problem, regions=(region,), stations=stations), process)
    made = cycle(base, 2, fresh(base, 2, net_load_wh=(1_500,) * 4), process)
    assert made.cycle.terms.relieved
    assert made.shortage.unserved_wh == ((unserved,) * 4,)
    (grid, _) = grid_microwh(made.certificate.plan, made.certificate.problem, 0)
    assert grid == [12_000 * M] * 4


def test_cut_goes_before_or_after_the_valve_by_its_price_when_a_region_leaves_its_position(
    process: SolverProcess,
) -> None:
    """At noon 2 000 Wh more are needed. Leaving the position costs 120 000 + 30 000 a MWh; cutting more, or less."""
    found = {}
    for price in (140_000, 160_000):
        problem = city(12)
        region = replace(problem.regions[0], cut_most_wh=(9_000,) * 12, cut_price=(price,) * 12)
        stations = tuple(replace(s, charge_wh=0, discharge_wh=0, end_min_wh=0) for s in problem.stations)
        base = planned(replace(problem, regions=(region,), stations=stations), process)
        states = fresh(base, 6, net_load_wh=(1_500,) * 6)
        found[price] = cycle(base, 6, states, process, deviation_price=30_000)
    assert sum(found[140_000].shortage.taken_more_wh[0]) == 0
    assert sum(found[160_000].shortage.taken_more_wh[0]) == 6 * 3 * 500
