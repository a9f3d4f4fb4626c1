"""One station re-planned within the day: what its content can still reach, and how near it keeps old orders (9.12).

Content is carried in millionths of a Wh, rounded so that what is called reachable can be reached in whole Wh. Flows are
Wh a period, discharge positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alliance.fleetplan import MILLION, Direction, FleetStation, Reserve, content_window
from alliance.replan.leased import PARTS, Course, Theirs, least_flow, most_flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A station whose limits can be kept, and what had to give way for that. One entry a period."""

    station: FleetStation
    lowered_wh: tuple[int, ...]
    """By how much the least content (own need, end rule, window) was out of reach and gave way."""
    unserved_wh: tuple[int, ...]
    """Load behind the PCC that neither its right nor the battery can carry."""
    spilled_wh: tuple[int, ...]
    """Surplus behind the PCC that neither its right, nor curtailment, nor the battery can take."""
    short_wh: int = 0
    """By how much the owner's part would fall below 0 if lessees' accounts were not lowered by as much."""
    over_wh: int = 0
    """By how much the owner's part would fill more than the battery if lessees' room were not lowered by as much."""


def carried_wh(station: FleetStation, energy_wh: int, flows: Sequence[tuple[int, int]], *, period_ms: int) -> int:
    """Content after (flow of a period, ms of that period that are left) in turn, within the powers; rounded down."""
    content = energy_wh * MILLION
    for order, left_ms in flows:
        flow = min(max(order, -station.charge_wh), station.discharge_wh)
        gained = -flow * station.eta_c_ppm if flow < 0 else -(flow * PARTS) // station.eta_d_ppm
        content += gained * left_ms // period_ms
    return max(0, content // MILLION)


def reached(station: FleetStation, course: Course | None = None) -> Reached:
    """The station with each limit moved that its content cannot keep whatever it does, and no further.

    With leases (`course`) all limits of content are the owner's part's.
    """
    low, high = content_window(station)
    most = least = station.start_wh * MILLION
    loads: list[int] = []
    floors: list[int] = []
    tops: list[int] = []
    unserved: list[int] = []
    spilled: list[int] = []
    charge, discharge, away, leased = station.charge_wh, station.discharge_wh, station.start_wh, 0
    flow = above = below = short = excess = 0
    if course is not None:
        charge, discharge, leased = course.charge_wh, course.discharge_wh, course.energy_wh
        away -= course.start_wh
    bottom, top = min(station.energy_min_wh, max(0, away)), max(station.energy_max_wh, station.start_wh)
    for t, load in enumerate(station.net_load_wh):
        most, least = _kept(most, station), -_kept(-least, station)
        need, cap = load - station.pcc_import_wh, load + station.curtailable_wh[t] + station.pcc_export_wh
        spare, room = most - bottom * MILLION, top * MILLION - least
        if course is not None:
            flow, above, below = course.passed(t, need=need, cap=cap, spare=spare, room=room)
        cut = max(0, need - most_flow(station, flow, discharge, spare - above))
        spill = max(0, least_flow(station, flow, charge, room - leased * MILLION + below) - cap)
        load += spill - cut
        first, last = max(flow - charge, need + spill - cut), min(flow + discharge, cap + spill - cut)
        first, last = min(first, flow + discharge), max(last, flow - charge)
        most, least = most + _gain(first, station), least + _gain(last, station, back=True)
        floor = min(low[t], (most - above) // MILLION)
        short = max(short, -floor)
        floors.append(max(0, floor))
        tops.append(max(high[t], -((below - least) // MILLION) + leased))
        excess = max(excess, tops[t] - max(top, high[t]))
        over, under = (tops[t] - leased) * MILLION + below, floors[t] * MILLION + above
        most = max(min(most, over - MILLION), min(most, under))
        least = min(max(least, under + MILLION), max(least, over))
        for series, value in ((loads, load), (unserved, cut), (spilled, spill)):
            series.append(value)
    return Reached(
        station=replace(
            station,
            energy_min_wh=min(bottom, *floors),
            energy_max_wh=top,
            end_min_wh=min(station.end_min_wh, floors[-1]),
            net_load_wh=tuple(loads),
            own_need_floor_wh=tuple(floors),
            content_most_wh=tuple(tops),
        ),
        lowered_wh=tuple(a - b for a, b in zip(low, floors, strict=True)),
        unserved_wh=tuple(unserved),
        spilled_wh=tuple(spilled),
        short_wh=short,
        over_wh=excess,
    )


def kept_flows(
    station: FleetStation, orders: Sequence[int], theirs: Theirs | None = None
) -> tuple[tuple[int, ...], int]:
    """Orders moved no further than powers, PCC and each period's content make them; and the content at the end, Wh.

    With leases the orders are the owner's, the answers the battery's, the content at the end the owner's part.
    """
    low, high = content_window(station)
    least = most = station.start_wh * MILLION
    charge, discharge, leased, more, above, below = station.charge_wh, station.discharge_wh, 0, 0, 0, 0
    if theirs is not None:
        charge, discharge = charge - theirs.charge_wh, discharge - theirs.discharge_wh
        leased = theirs.energy_wh
    flows = []
    for t, order in enumerate(orders):
        if theirs is not None:
            more, above, below = theirs.flow[t], theirs.least[t], theirs.most[t]
        least, most = _kept(least, station), -_kept(-most, station)
        given, taken = least - low[t] * MILLION - above, (high[t] - leased) * MILLION + below - most
        upper = given * station.eta_d_ppm // PARTS if given >= 0 else given // station.eta_c_ppm
        lower = -(taken // station.eta_c_ppm) if taken >= 0 else -(taken * station.eta_d_ppm // PARTS)
        first, last = _flows(station, station.net_load_wh[t], t, (more - charge, more + discharge))
        flow = min(max(min(max(order + more, lower), upper), first), last)
        least, most = least + _gain(flow, station), most + _gain(flow, station, back=True)
        flows.append(flow)
    return tuple(flows), (least - above) // MILLION


def kept_reserves(
    station: FleetStation, flows: Sequence[int], curtailed: Sequence[int], planned: Sequence[Sequence[int]],
    reserves: Sequence[Reserve], *, period_s: int, theirs: Theirs | None = None,
) -> tuple[tuple[int, ...], ...]:  # fmt: skip
    """Reserves as planned, or as much of them as powers, PCC and content bear along kept flows, in their order.

    With leases the owner's part alone bears them.
    """
    low, high = content_window(station)
    least = most = station.start_wh * MILLION
    charge, discharge, more = station.charge_wh, station.discharge_wh, 0
    lower, upper = station.energy_min_wh * MILLION, station.energy_max_wh * MILLION
    if theirs is not None:
        charge, discharge = charge - theirs.charge_wh, discharge - theirs.discharge_wh
        lower, upper = lower + theirs.start_wh * MILLION, upper + (theirs.start_wh - theirs.energy_wh) * MILLION
    found: list[list[int]] = [[] for _ in reserves]
    for t, flow in enumerate(flows):
        wanted = [row[t] for row in planned]
        taken = station.net_load_wh[t] + curtailed[t] - flow
        spare, free = least - lower, upper - most
        least, most = _kept(least, station) + _gain(flow, station), -_kept(-most, station)
        most += _gain(flow, station, back=True)
        lower, upper = low[t] * MILLION, high[t] * MILLION
        if theirs is not None:
            more, lower = theirs.flow[t], lower + theirs.least[t]
            upper += theirs.most[t] - theirs.energy_wh * MILLION
        after = least - _given(wanted, reserves, station), most + _taken(wanted, reserves, station)
        spare, free = min(spare, after[0] - lower), min(free, upper - after[1])
        left = {
            Direction.UP: (
                min(discharge - flow + more, station.pcc_export_wh + taken),
                spare * period_s * station.eta_d_ppm // PARTS,
            ),
            Direction.DOWN: (
                min(charge + flow - more, station.pcc_import_wh - taken), free * period_s // station.eta_c_ppm
            ),
        }  # fmt: skip
        held = []
        for q, (reserve, wh) in enumerate(zip(reserves, wanted, strict=True)):
            power, energy = left[reserve.direction]
            wh = max(0, min(wh, power, energy // reserve.duration_s if reserve.duration_s else wh))
            left[reserve.direction] = power - wh, energy - wh * reserve.duration_s
            found[q].append(wh)
            held.append(wh)
        least -= _given(held, reserves, station)
        most += _taken(held, reserves, station)
    return tuple(map(tuple, found))


def _given(held: Sequence[int], reserves: Sequence[Reserve], station: FleetStation) -> int:
    """Content that calls up are expected to take, millionths of a Wh, rounded up."""
    called = sum(q.activation_ppm * wh for q, wh in zip(reserves, held, strict=True) if q.direction is Direction.UP)
    return -(-called * MILLION // station.eta_d_ppm)


def _taken(held: Sequence[int], reserves: Sequence[Reserve], station: FleetStation) -> int:
    """Content that calls down are expected to bring, likewise."""
    called = sum(q.activation_ppm * wh for q, wh in zip(reserves, held, strict=True) if q.direction is Direction.DOWN)
    return -(-called * station.eta_c_ppm // MILLION)


def _flows(station: FleetStation, load: int, t: int, powers: tuple[int, int]) -> tuple[int, int]:
    """Least and most flow by powers (least and most, too) and PCC."""
    first = max(powers[0], load - station.pcc_import_wh)
    last = min(powers[1], load + station.curtailable_wh[t] + station.pcc_export_wh)
    return min(first, powers[1]), max(last, powers[0])


def _kept(content: int, station: FleetStation) -> int:
    """A period's self-discharge, rounded down."""
    return content * station.keep_ppm // MILLION


def _gain(flow: int, station: FleetStation, *, back: bool = False) -> int:
    """What a flow adds to the content, rounded down; `back`: rounded up."""
    if flow <= 0:
        return -flow * station.eta_c_ppm
    return -(flow * PARTS // station.eta_d_ppm) if back else -(flow * PARTS) // station.eta_d_ppm
