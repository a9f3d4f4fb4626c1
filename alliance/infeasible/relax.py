"""Problems with some limits changed: by a relaxation, or lifted altogether (protocol 9.10)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from alliance.errors import Malformed
from alliance.fleetplan import MOST_ENERGY_WH, RISK_NEUTRAL, FleetProblem, FleetStation
from alliance.infeasible.record import Change, SharedMember
from alliance.schedule import Problem, Share, Site
from alliance.why.record import What

_T = TypeVar("_T")


class ChangeUnknown(Malformed):
    """A change names no limit of its problem."""


def relaxed(problem: Problem, changes: Sequence[Change]) -> Problem:
    """A settled problem whose limits have given way. Raises ChangeUnknown, or BadInput for limits out of range."""
    for change in changes:
        problem = _relaxed_day(problem, change)
    return problem


def relaxed_fleet(problem: FleetProblem, changes: Sequence[Change]) -> FleetProblem:
    """A fleet's problem whose limits have given way. Raises ChangeUnknown, or FieldWrong for limits out of range."""
    for change in changes:
        problem = _relaxed_fleet(problem, change)
    return problem


def costless(problem: FleetProblem) -> FleetProblem:
    """The problem in which nothing costs or brings anything: then a bound above 0 proves that it has no plan."""
    zeros = (0,) * problem.periods
    return replace(
        problem,
        regions=tuple(
            replace(r, buy_price=zeros, sell_price=zeros, cut_price=zeros if r.cut_price else ())
            for r in problem.regions
        ),
        stations=tuple(replace(s, wear_price=0, holding=()) for s in problem.stations),
        reserves=tuple(
            replace(q, price=zeros, short_price=None if q.short_price is None else 0) for q in problem.reserves
        ),
        risk=RISK_NEUTRAL,
    )


def lifted(problem: FleetProblem, kept: Sequence[SharedMember]) -> FleetProblem:
    """The problem with all shared limits lifted but some: no requirement, and more room than energy could fill."""
    room = lifted_wh(problem)
    held = {(m.what, m.place, m.reserve, t) for m in kept for t in m.periods}

    def series(what: What, place: int, reserve: int, values: tuple[int, ...], free: int) -> tuple[int, ...]:
        return tuple(v if (what, place, reserve, t) in held else free for t, v in enumerate(values))

    ties = {m.place for m in kept if m.what is What.TIE_LIMIT}
    return replace(
        problem,
        regions=tuple(
            replace(
                region,
                import_limit_wh=series(What.IMPORT_LIMIT, r, 0, region.import_limit_wh, room),
                export_limit_wh=series(What.EXPORT_LIMIT, r, 0, region.export_limit_wh, room),
            )
            for r, region in enumerate(problem.regions)
        ),
        ties=tuple(t if k in ties else replace(t, limit_wh=max(room, t.limit_wh)) for k, t in enumerate(problem.ties)),
        reserves=tuple(
            replace(
                reserve,
                requirement_wh=tuple(
                    series(What.REQUIREMENT, r, q, wanted, 0) for r, wanted in enumerate(reserve.requirement_wh)
                ),
            )
            for q, reserve in enumerate(problem.reserves)
        ),
    )  # fmt: skip


def lifted_wh(problem: FleetProblem) -> int:
    """What all loads, batteries and PV of a fleet together cannot exceed in a period: a limit that does not bind."""
    total = sum(max(map(abs, region.base_load_wh)) for region in problem.regions)
    for i, station in enumerate(problem.stations):
        total += max(abs(wh) for load in problem.net_loads(i) for wh in load)
        total += station.charge_wh + station.discharge_wh + max(station.curtailable_wh)
    given = [wh for r in problem.regions for wh in (*r.import_limit_wh, *r.export_limit_wh)]
    return min(MOST_ENERGY_WH, max(total, *given, 1))


def _relaxed_day(problem: Problem, change: Change) -> Problem:
    if change.lease:
        shares = tuple(
            replace(s, end_min_wh=max(0, s.end_min_wh - change.by_wh)) if _is_share(s, change) else s
            for s in problem.shares
        )
        if change.what is not What.END_ENERGY or shares == problem.shares:
            raise ChangeUnknown
        return replace(problem, shares=shares)
    if change.place not in [s.station.number for s in problem.sites]:
        raise ChangeUnknown
    sites = (_relaxed_site(s, change) if s.station.number == change.place else s for s in problem.sites)
    return replace(problem, sites=tuple(sites))


def _is_share(share: Share, change: Change) -> bool:
    return (share.lease.station, share.lease.number) == (change.place, change.lease)


def _relaxed_site(site: Site, change: Change) -> Site:
    by, station = change.by_wh, site.station
    match change.what:
        case What.PCC_IMPORT:
            return replace(site, station=replace(station, pcc_import_w=station.pcc_import_w + 4 * by))
        case What.PCC_EXPORT:
            return replace(site, station=replace(station, pcc_export_w=station.pcc_export_w + 4 * by))
        case What.OWN_NEED_FLOOR:
            return replace(site, own_need_floor_wh=_lower(site.own_need_floor_wh, change))
        case What.END_ENERGY:
            return replace(site, end_min_wh=max(0, site.end_min_wh - by))
        case What.LEAST_CONTENT:
            return replace(site, energy_min_wh=max(0, site.energy_min_wh - by))
        case What.MOST_CONTENT:
            return replace(site, energy_max_wh=min(station.capacity_wh, site.energy_max_wh + by))
        case _:
            raise ChangeUnknown


def _relaxed_fleet(problem: FleetProblem, change: Change) -> FleetProblem:
    by, place = change.by_wh, change.place
    shared = (What.IMPORT_LIMIT, What.EXPORT_LIMIT, What.REQUIREMENT, What.TIE_LIMIT)
    many = (
        problem.ties
        if change.what is What.TIE_LIMIT
        else problem.regions
        if change.what in shared
        else problem.stations
    )
    if not 0 <= place < len(many):
        raise ChangeUnknown
    match change.what:
        case What.IMPORT_LIMIT:
            region = problem.regions[place]
            region = replace(region, import_limit_wh=_higher(region.import_limit_wh, change))
            return replace(problem, regions=_put(problem.regions, place, region))
        case What.EXPORT_LIMIT:
            region = problem.regions[place]
            region = replace(region, export_limit_wh=_higher(region.export_limit_wh, change))
            return replace(problem, regions=_put(problem.regions, place, region))
        case What.TIE_LIMIT:
            tie = problem.ties[place]
            return replace(problem, ties=_put(problem.ties, place, replace(tie, limit_wh=tie.limit_wh + by)))
        case What.REQUIREMENT:
            if not 0 <= change.lease < len(problem.reserves):
                raise ChangeUnknown
            reserve = problem.reserves[change.lease]
            wanted = _put(reserve.requirement_wh, place, _lower(reserve.requirement_wh[place], change))
            reserve = replace(reserve, requirement_wh=wanted)
            return replace(problem, reserves=_put(problem.reserves, change.lease, reserve))
        case _:
            station = _relaxed_station(problem.stations[place], change)
            return replace(problem, stations=_put(problem.stations, place, station))


def _relaxed_station(station: FleetStation, change: Change) -> FleetStation:
    by = change.by_wh
    match change.what:
        case What.PCC_IMPORT:
            return replace(station, pcc_import_wh=station.pcc_import_wh + by)
        case What.PCC_EXPORT:
            return replace(station, pcc_export_wh=station.pcc_export_wh + by)
        case What.OWN_NEED_FLOOR:
            return replace(station, own_need_floor_wh=_lower(station.own_need_floor_wh, change))
        case What.END_ENERGY:
            return replace(station, end_min_wh=max(0, station.end_min_wh - by))
        case What.LEAST_CONTENT:
            return replace(station, energy_min_wh=max(0, station.energy_min_wh - by))
        case What.MOST_CONTENT if station.content_most_wh:
            most = tuple(min(station.energy_max_wh, wh) for wh in _higher(station.content_most_wh, change))
            return replace(station, content_most_wh=most)
        case _:
            raise ChangeUnknown


def _put(values: tuple[_T, ...], at: int, value: _T) -> tuple[_T, ...]:
    return (*values[:at], value, *values[at + 1 :])


def _lower(values: tuple[int, ...], change: Change) -> tuple[int, ...]:
    return tuple(max(0, v - change.by_wh) if change.first <= t <= change.last else v for t, v in enumerate(values))


def _higher(values: tuple[int, ...], change: Change) -> tuple[int, ...]:
    return tuple(v + change.by_wh if change.first <= t <= change.last else v for t, v in enumerate(values))
