"""One station re-planned within the day: what its content can still reach, and how near it keeps old orders (9.12).

Content is carried in millionths of a Wh, rounded so that what is called reachable can be reached in whole Wh. Flows are
Wh a period, discharge positive.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alliance.fleetplan import MILLION, Direction, FleetStation, Reserve, content_window

_PARTS = MILLION**2
"""A Wh in parts of a millionth of a ppm: d Wh discharged take d·_PARTS/eta_d_ppm millionths of a Wh."""


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


def carried_wh(station: FleetStation, energy_wh: int, flows: Sequence[tuple[int, int]], *, period_ms: int) -> int:
    """Content after (flow of a period, ms of that period that are left) in turn, within the powers; rounded down."""
    content = energy_wh * MILLION
    for order, left_ms in flows:
        flow = min(max(order, -station.charge_wh), station.discharge_wh)
        gained = -flow * station.eta_c_ppm if flow < 0 else -(flow * _PARTS) // station.eta_d_ppm
        content += gained * left_ms // period_ms
    return max(0, content // MILLION)


def reached(station: FleetStation) -> Reached:
    """The station with each limit moved that its content cannot keep whatever it does, and no further."""
    low, high = content_window(station)
    most = least = station.start_wh * MILLION
    loads: list[int] = []
    floors: list[int] = []
    tops: list[int] = []
    unserved: list[int] = []
    spilled: list[int] = []
    bottom, top = min(station.energy_min_wh, station.start_wh), max(station.energy_max_wh, station.start_wh)
    for t, load in enumerate(station.net_load_wh):
        most, least = _kept(most, station), -_kept(-least, station)
        able = min(station.discharge_wh, max(0, (most - bottom * MILLION) * station.eta_d_ppm // _PARTS))
        room = min(station.charge_wh, max(0, (top * MILLION - least) // station.eta_c_ppm))
        cut = max(0, load - station.pcc_import_wh - able)
        spill = max(0, -load - station.pcc_export_wh - station.curtailable_wh[t] - room)
        load += spill - cut
        first, last = _flows(station, load, t)
        most, least = most + _gain(first, station), least + _gain(last, station, back=True)
        floors.append(min(low[t], most // MILLION))
        tops.append(max(high[t], -(-least // MILLION)))
        most = max(min(most, (tops[t] - 1) * MILLION), min(most, floors[t] * MILLION))
        least = min(max(least, (floors[t] + 1) * MILLION), max(least, tops[t] * MILLION))
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
    )


def kept_flows(station: FleetStation, orders: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """Orders moved no further than powers, PCC and each period's content make them; and the content at the end, Wh."""
    low, high = content_window(station)
    least = most = station.start_wh * MILLION
    flows = []
    for t, order in enumerate(orders):
        least, most = _kept(least, station), -_kept(-most, station)
        given, taken = least - low[t] * MILLION, high[t] * MILLION - most
        above = given * station.eta_d_ppm // _PARTS if given >= 0 else given // station.eta_c_ppm
        below = -(taken // station.eta_c_ppm) if taken >= 0 else -(taken * station.eta_d_ppm // _PARTS)
        first, last = _flows(station, station.net_load_wh[t], t)
        flow = min(max(min(max(order, below), above), first), last)
        least, most = least + _gain(flow, station), most + _gain(flow, station, back=True)
        flows.append(flow)
    return tuple(flows), least // MILLION


def kept_reserves(
    station: FleetStation, flows: Sequence[int], curtailed: Sequence[int], planned: Sequence[Sequence[int]],
    reserves: Sequence[Reserve], *, period_s: int,
) -> tuple[tuple[int, ...], ...]:  # fmt: skip
    """Reserves as planned, or as much of them as powers, PCC and content bear along kept flows, in their order."""
    low, high = content_window(station)
    least = most = station.start_wh * MILLION
    bottom, top = station.energy_min_wh, station.energy_max_wh
    found: list[list[int]] = [[] for _ in reserves]
    for t, flow in enumerate(flows):
        wanted = [row[t] for row in planned]
        taken = station.net_load_wh[t] + curtailed[t] - flow
        spare, free = least - bottom * MILLION, top * MILLION - most
        least, most = _kept(least, station) + _gain(flow, station), -_kept(-most, station)
        most += _gain(flow, station, back=True)
        bottom, top = low[t], high[t]
        after = least - _given(wanted, reserves, station), most + _taken(wanted, reserves, station)
        spare, free = min(spare, after[0] - bottom * MILLION), min(free, top * MILLION - after[1])
        left = {
            Direction.UP: (
                min(station.discharge_wh - flow, station.pcc_export_wh + taken),
                spare * period_s * station.eta_d_ppm // _PARTS,
            ),
            Direction.DOWN: (
                min(station.charge_wh + flow, station.pcc_import_wh - taken), free * period_s // station.eta_c_ppm
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


def _flows(station: FleetStation, load: int, t: int) -> tuple[int, int]:
    """Least and most flow by powers and PCC."""
    first = max(-station.charge_wh, load - station.pcc_import_wh)
    last = min(station.discharge_wh, load + station.curtailable_wh[t] + station.pcc_export_wh)
    return min(first, station.discharge_wh), max(last, -station.charge_wh)


def _kept(content: int, station: FleetStation) -> int:
    """A period's self-discharge, rounded down."""
    return content * station.keep_ppm // MILLION


def _gain(flow: int, station: FleetStation, *, back: bool = False) -> int:
    """What a flow adds to the content, rounded down; `back`: rounded up."""
    if flow <= 0:
        return -flow * station.eta_c_ppm
    return -(flow * _PARTS // station.eta_d_ppm) if back else -(flow * _PARTS) // station.eta_d_ppm
