"""The best plan in whole Wh of a tiny fleet, by trying all of them with the exact check."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from alliance.fleetplan import FleetPlan, FleetProblem, Region
from alliance.fleetproof import LimitBroken, objective_microcents


def best_microcents(problem: FleetProblem) -> int | None:
    """Cost of the cheapest plan of all; None if none keeps the limits. One case, no reserves."""
    own = [list(_own_plans(problem, i)) for i in range(len(problem.stations))]
    sent = list(itertools.product(*(range(-t.limit_wh, t.limit_wh + 1) for t in problem.ties for _ in _t(problem))))
    costs = [_cost(problem, stations, ties) for stations in itertools.product(*own) for ties in sent]
    return min((cost for cost in costs if cost is not None), default=None)


Own = tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, ...], ...]]
"""A station's battery flow, curtailment, and its lessees' orders."""


def _own_plans(problem: FleetProblem, i: int) -> Iterator[Own]:
    """All plans of one station that keep its own limits."""
    station = problem.stations[i]
    wide = tuple(
        replace(r, import_limit_wh=_wide(r), export_limit_wh=_wide(r), cut_most_wh=(), cut_price=())
        for r in problem.regions
    )
    theirs = tuple(replace(lease, station=0) for lease in problem.leases if lease.station == i)
    alone = replace(problem, stations=(station,), ties=(), regions=wide, leases=theirs)
    ordered = [
        itertools.product(range(-lease.charge_wh, lease.discharge_wh + 1), repeat=problem.periods) for lease in theirs
    ]
    leased = list(itertools.product(*ordered))
    flows = itertools.product(range(-station.charge_wh, station.discharge_wh + 1), repeat=problem.periods)
    for flow in flows:
        for curtailed in itertools.product(*(range(most + 1) for most in station.curtailable_wh)):
            for orders in leased:
                if _cost(alone, ((flow, curtailed, orders),), ()) is not None:
                    yield flow, curtailed, orders


def _cost(problem: FleetProblem, stations: tuple[Own, ...], sent: tuple[int, ...]) -> int | None:
    ties = tuple(sent[k : k + problem.periods] for k in range(0, len(sent), problem.periods))
    plan = FleetPlan(
        battery_wh=tuple(flow for flow, _, _ in stations),
        reserve_wh=(),
        curtailed_wh=(tuple(curtailed for _, curtailed, _ in stations),),
        tie_wh=(ties,),
        lease_wh=tuple(orders for _, _, each in stations for orders in each),
    )
    try:
        return objective_microcents(plan, problem)
    except LimitBroken:
        return None


def _t(problem: FleetProblem) -> range:
    return range(problem.periods)


def _wide(region: Region) -> tuple[int, ...]:
    return (10**6,) * len(region.buy_price)
