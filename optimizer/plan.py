"""From the solver's floats to a schedule in whole watt-hours, inside every limit (protocol 9.3).

Each holder's flow is rounded slot by slot towards the solver's content. Two envelopes, computed backwards in exact
integers, say from which content the rest of the day can still be kept: a rounded flow that would leave them is moved
to the nearest one that does not. So rounding never makes a plan that breaks a limit later.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from alliance.errors import Refused
from alliance.identity import LeaseId, StationId
from alliance.schedule import (
    LeaseRow,
    Schedule,
    ScheduleRow,
    account_after,
    battery_window,
    content_step,
)
from optimizer.linear import Linear, Optimum
from optimizer.problem import Part, Problem, Site, flow_wh, wh

WHOLE_WH = 0.01
"""A flow this near to a whole watt-hour is meant to be one: limits and balanced PCCs are whole."""
BOTH_WAYS_WH = 1.0
"""Charging and discharging at once that would move the PCC's flow by more than this is not repaired but forbidden."""

Key = tuple[int, int]
"""A holder: station and lease."""


@dataclass(kw_only=True, eq=False)
class RoundingFailed(Refused):
    """No flow in whole watt-hours keeps a holder's limits, although fractions would."""

    station: StationId
    lease: LeaseId
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A holder's part of the solver's plan, Wh a slot, not rounded."""

    flow: tuple[float, ...]
    """Discharge positive, what was charged and discharged at once taken out."""
    content: tuple[float, ...]
    curtailed: tuple[float, ...]
    both_ways: float
    """The most by which taking that out moves the flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A holder's part in whole watt-hours."""

    flow: tuple[int, ...]
    curtailed: tuple[int, ...]


def drafts(linear: Linear, optimum: Optimum, held: tuple[Part, ...]) -> dict[Key, Draft]:
    """Read each holder's part out of a solved programme."""
    values = dict(zip(linear.columns, optimum.columns, strict=True))
    return {_key(part): _draft(part, values) for part in held}


def settle_parts(problem: Problem, held: tuple[Part, ...], drafted: Mapping[Key, Draft]) -> dict[Key, Settled]:
    """Round each holder's part inside its limits. Raises RoundingFailed."""
    return {_key(part): _settle(problem, part, drafted[_key(part)]) for part in held}


def schedule_of(problem: Problem, settled: Mapping[Key, Settled]) -> Schedule:
    """The schedule of rounded parts; prices, gains and gap are still to be filled in."""
    rows = tuple(_row(problem, site, settled, k) for site in problem.sites for k in range(problem.slots))
    return Schedule(
        alliance=problem.alliance,
        day=problem.day,
        kind=problem.kind,
        revision=problem.revision,
        first_slot=problem.first_slot,
        groups=tuple((g.group.number, g.group.stations) for g in problem.groups),
        rows=rows,
        prices=(),
        gains=(),
        certified_gap_ppm=0,
    )


def reserved(
    problem: Problem, held: tuple[Part, ...], settled: Mapping[Key, Settled], *, rights: tuple[Part, ...]
) -> tuple[Part, ...] | None:
    """The parts with the owners' windows narrowed where the real battery would leave its window; None if none does.

    The battery runs the net of its holders' flows. What netting saves (or what a lease's better efficiency costs) makes
    its content differ from the sum of the accounts; the owner bears that (protocol 8.4.5) and keeps room for it.
    `rights` are the parts with the windows as they are by right.
    """
    whole = {p.station: p for p in rights if p.owned}
    narrowed = {}
    for site in problem.sites:
        here = [p for p in held if p.station == site.station.number]
        contents = _battery_contents(site, [sum(settled[_key(p)].flow[k] for p in here) for k in range(problem.slots)])
        if not _leaves_window(site, contents):
            continue
        booked = _booked_contents(problem, here, settled)
        surplus = [real - sum(accounts) for real, accounts in zip(contents, booked, strict=True)]
        narrowed[here[0].station] = _narrowed(here[0], whole[here[0].station], surplus)
    if not narrowed:
        return None
    return tuple(narrowed.get(p.station, p) if p.owned else p for p in held)


def _narrowed(own: Part, right: Part, surplus: list[Fraction]) -> Part:
    lows = zip(own.low_wh, right.low_wh, surplus, strict=True)
    highs = zip(own.high_wh, right.high_wh, surplus, strict=True)
    return replace(
        own,
        low_wh=tuple(max(now, least + math.ceil(-s)) for now, least, s in lows),
        high_wh=tuple(min(now, most - math.ceil(s)) for now, most, s in highs),
    )


def one_way(held: tuple[Part, ...], linear: Linear, optimum: Optimum, holders: frozenset[Key]) -> tuple[Part, ...]:
    """The parts with the direction of some holders' flow fixed in each slot as a solved programme has it."""
    values = dict(zip(linear.columns, optimum.columns, strict=True))
    return tuple(_one_way(p, values) if _key(p) in holders else p for p in held)


def _one_way(part: Part, values: Mapping[tuple[str, int, int, int], float]) -> Part:
    charging = [values["c", *_key(part), k] > values["d", *_key(part), k] for k in range(len(part.charge_wh))]
    return replace(
        part,
        charge_wh=tuple(w if c else 0 for w, c in zip(part.charge_wh, charging, strict=True)),
        discharge_wh=tuple(0 if c else w for w, c in zip(part.discharge_wh, charging, strict=True)),
    )


def _key(part: Part) -> Key:
    return int(part.station), int(part.lease)


def _draft(part: Part, values: Mapping[tuple[str, int, int, int], float]) -> Draft:
    """Replace (c, d) by (c − δ, d − ηδ), δ = min(c, d/η): the content stays, less is imported."""
    eta = part.eta_c_ppm * part.eta_d_ppm / 1e12
    flows, contents, curtailed, both_ways = [], [], [], 0.0
    for k in range(len(part.charge_wh)):
        c, d = values["c", *_key(part), k], values["d", *_key(part), k]
        saved = (1 - eta) * min(c, d / eta) if part.nomination_wh is None else 0.0
        flows.append(flow_wh(c, d) + wh(saved))
        both_ways = max(both_ways, wh(saved))
        contents.append(wh(values.get(("e", *_key(part), k), 0.0)))
        curtailed.append(wh(values.get(("u", *_key(part), k), 0.0)))
    return Draft(flow=tuple(flows), content=tuple(contents), curtailed=tuple(curtailed), both_ways=both_ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    """A content carried in exact integers, `unit` to the Wh, and how a flow moves it; never up as the flow rises."""

    unit: int
    step: Callable[[int], int]


def _settle(problem: Problem, part: Part, draft: Draft) -> Settled:
    if part.nomination_wh is not None:
        return Settled(flow=part.nomination_wh, curtailed=(0,) * problem.slots)
    exact = _exact(part)
    booked = exact if part.owned else _account(part)
    spans = [_flow_span(part, k) for k in range(problem.slots)]
    least = _least(part, booked, [low for low, _ in spans])
    most = _most(part, exact, [high for _, high in spans])
    content, account, flows = part.start_wh * exact.unit, part.start_wh * booked.unit, []
    for k, span in enumerate(spans):
        content += part.transfer_wh[k] * exact.unit
        account += part.transfer_wh[k] * booked.unit
        low = _lowest(span, exact, most[k] - content)
        high = _highest(span, booked, least[k] - account)
        if low is None or high is None or low > high:
            raise RoundingFailed(station=part.station, lease=part.lease, slot=problem.first_slot + k)
        flow = min(max(_wanted(draft.flow[k], draft.content[k] - content / exact.unit, exact), low), high)
        content, account = content + exact.step(flow), account + booked.step(flow)
        flows.append(flow)
    curtailed = tuple(_curtailed(part, k, flow, draft.curtailed[k]) for k, flow in enumerate(flows))
    return Settled(flow=tuple(flows), curtailed=curtailed)


def _exact(part: Part) -> _Track:
    """The content without any rounding."""
    return _Track(
        unit=10**6 * part.eta_d_ppm,
        step=lambda p: content_step(p, eta_c_ppm=part.eta_c_ppm, eta_d_ppm=part.eta_d_ppm),
    )


def _account(part: Part) -> _Track:
    """A lessee's account, which rounds against the lessee (protocol 8.4.4)."""
    return _Track(unit=1, step=lambda p: account_after(0, p, eta_c_ppm=part.eta_c_ppm, eta_d_ppm=part.eta_d_ppm))


def _flow_span(part: Part, k: int) -> tuple[int, int]:
    """The flows that power and PCC right allow, load first."""
    if not part.owned:
        return -part.charge_wh[k], part.discharge_wh[k]
    low = part.load_wh[k] - part.import_wh[k]
    high = part.load_wh[k] + part.curtailable_wh[k] + part.export_wh[k]
    return max(-part.charge_wh[k], low), min(part.discharge_wh[k], high)


def _least(part: Part, track: _Track, lowest_flows: list[int]) -> list[int]:
    """The least content after each slot from which charging all one can still keeps the later lower limits."""
    needed = [low * track.unit for low in part.low_wh]
    for k in range(len(needed) - 1, 0, -1):
        before = needed[k] - track.step(lowest_flows[k]) - part.transfer_wh[k] * track.unit
        needed[k - 1] = max(needed[k - 1], before)
    return needed


def _most(part: Part, track: _Track, highest_flows: list[int]) -> list[int]:
    """The most content after each slot from which discharging all one can still keeps the later upper limits."""
    allowed = [high * track.unit for high in part.high_wh]
    for k in range(len(allowed) - 1, 0, -1):
        before = allowed[k] - track.step(highest_flows[k]) - part.transfer_wh[k] * track.unit
        allowed[k - 1] = min(allowed[k - 1], before)
    return allowed


def _wanted(flow: float, change_wh: float, track: _Track) -> int:
    """The whole flow that the solver meant, or of the two beside it the one that changes the content as it meant."""
    nearest = round(flow)
    if abs(flow - nearest) < WHOLE_WH:
        return nearest
    beside = (math.floor(flow), math.ceil(flow))
    return min(beside, key=lambda p: abs(track.step(p) / track.unit - change_wh))


def _highest(span: tuple[int, int], track: _Track, least_change: int) -> int | None:
    """The largest flow of a span that changes the content by no less than so much."""
    low, high = span
    if low > high or track.step(low) < least_change:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if track.step(middle) >= least_change else (low, middle - 1)
    return low


def _lowest(span: tuple[int, int], track: _Track, most_change: int) -> int | None:
    """The smallest flow of a span that changes the content by no more than so much."""
    low, high = span
    if low > high or track.step(high) > most_change:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if track.step(middle) <= most_change else (middle + 1, high)
    return low


def _curtailed(part: Part, k: int, flow: int, wanted: float) -> int:
    """The curtailment nearest to the solver's that keeps the PCC right."""
    if not part.owned:
        return 0
    low = max(0, flow - part.load_wh[k] - part.export_wh[k])
    high = min(part.curtailable_wh[k], flow - part.load_wh[k] + part.import_wh[k])
    return min(max(round(wanted), low), high)


def _row(problem: Problem, site: Site, settled: Mapping[Key, Settled], k: int) -> ScheduleRow:
    station = site.station.number
    own = settled[int(station), 0]
    lessees = tuple(
        LeaseRow(
            lease=s.lease.number, holder=s.lease.lessee, planned_wh=settled[int(station), int(s.lease.number)].flow[k]
        )
        for s in problem.shares
        if s.lease.station == station and problem.active(s, k)
    )
    battery = own.flow[k] + sum(r.planned_wh for r in lessees)
    load = site.net_load_wh[k] + own.curtailed[k]
    return ScheduleRow(
        station=station,
        slot=problem.first_slot + k,
        planned_net_wh=battery - load,
        battery_wh=battery,
        net_load_wh=load,
        lessees=lessees,
    )


def _battery_contents(site: Site, flow: list[int]) -> list[Fraction]:
    unit = 10**6 * site.eta_d_ppm
    at, contents = site.energy_wh * unit, []
    for planned in flow:
        at += content_step(planned, eta_c_ppm=site.eta_c_ppm, eta_d_ppm=site.eta_d_ppm)
        contents.append(Fraction(at, unit))
    return contents


def _leaves_window(site: Site, contents: list[Fraction]) -> bool:
    bottom, top = battery_window(site)
    return any(not bottom <= content <= top for content in contents)


def _booked_contents(problem: Problem, here: list[Part], settled: Mapping[Key, Settled]) -> list[list[Fraction]]:
    """What the owner and each running lease have on their accounts at the end of each slot."""
    running = {s.lease.number: s for s in problem.shares}
    booked: list[list[Fraction]] = [[] for _ in range(problem.slots)]
    for part in here:
        track = _exact(part) if part.owned else _account(part)
        at = part.start_wh * track.unit
        for k, flow in enumerate(settled[_key(part)].flow):
            at += part.transfer_wh[k] * track.unit + track.step(flow)
            if part.owned or problem.active(running[part.lease], k):
                booked[k].append(Fraction(at, track.unit))
    return booked
