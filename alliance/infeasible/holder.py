"""One holder's battery with its limits by name, whichever kind of problem it is from (protocol 9.10).

f is the flow out of the battery in a slot, Wh, discharge positive; the content after it is keep·before + transfer +
step(f), step(f) = −ηc f where f < 0, else −f/ηd.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from alliance.fleetplan import MILLION, FleetProblem, FleetStation
from alliance.schedule import Part, Problem, parts
from alliance.why.day import content_rule
from alliance.why.record import What

Bound = tuple[What, int, int]
"""A limit, the case that it holds in (0 if all), its value in Wh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A battery, or a lessee's part of one. One entry a slot in each tuple; where two limits are equal the first."""

    station: int
    lease: int
    keep_ppm: int
    eta_c_ppm: int
    eta_d_ppm: int
    start_wh: int
    transfer_wh: tuple[int, ...]
    least_flow: tuple[tuple[Bound, ...], ...]
    """f ≥ each."""
    most_flow: tuple[tuple[Bound, ...], ...]
    """f ≤ each."""
    least_content: tuple[tuple[Bound, ...], ...]
    most_content: tuple[tuple[Bound, ...], ...]
    room_wh: tuple[int, ...]
    """By how much `most_content` may rise: it then meets what the battery can hold."""

    def step(self, flow_wh: int) -> Fraction:
        """What a flow adds to the content."""
        if flow_wh < 0:
            return Fraction(-flow_wh * self.eta_c_ppm, MILLION)
        return Fraction(-flow_wh * MILLION, self.eta_d_ppm)

    def after(self, content: Fraction, k: int, flow_wh: int) -> Fraction:
        """The content after the k-th slot."""
        return content * Fraction(self.keep_ppm, MILLION) + self.transfer_wh[k] + self.step(flow_wh)


def holders(problem: Problem | FleetProblem) -> Iterator[Holder]:
    """All holders of a problem whose flow is not fixed by a nomination, in order."""
    if isinstance(problem, FleetProblem):
        for i, station in enumerate(problem.stations):
            yield _of_fleet(problem, i, station)
    else:
        for part in parts(problem):
            if part.nomination_wh is None:
                yield _of_part(problem, part)


def _of_part(problem: Problem, part: Part) -> Holder:
    slots = range(problem.slots)
    least = [[(What.RATING, 0, -part.charge_wh[k])] for k in slots]
    most = [[(What.RATING, 0, part.discharge_wh[k])] for k in slots]
    if part.owned:
        for k in slots:
            least[k].append((What.PCC_IMPORT, 0, part.load_wh[k] - part.import_wh[k]))
            most[k].append((What.PCC_EXPORT, 0, part.load_wh[k] + part.curtailable_wh[k] + part.export_wh[k]))
    return Holder(
        station=int(part.station),
        lease=int(part.lease),
        keep_ppm=MILLION,
        eta_c_ppm=part.eta_c_ppm,
        eta_d_ppm=part.eta_d_ppm,
        start_wh=part.start_wh,
        transfer_wh=part.transfer_wh,
        least_flow=tuple(map(tuple, least)),
        most_flow=tuple(map(tuple, most)),
        least_content=tuple(((content_rule(problem, part, k), 0, part.low_wh[k]),) for k in slots),
        most_content=tuple(((What.MOST_CONTENT, 0, part.high_wh[k]),) for k in slots),
        room_wh=(_room(problem, part),) * problem.slots,
    )


def _room(problem: Problem, part: Part) -> int:
    if not part.owned:
        return 0
    site = next(s for s in problem.sites if s.station.number == part.station)
    return site.station.capacity_wh - site.energy_max_wh


def _of_fleet(problem: FleetProblem, i: int, station: FleetStation) -> Holder:
    slots, cases = range(problem.periods), list(enumerate(problem.net_loads(i)))
    into, out = station.pcc_import_wh, station.pcc_export_wh
    most = station.content_most_wh or (station.energy_max_wh,) * problem.periods
    floors = [
        [(What.LEAST_CONTENT, 0, station.energy_min_wh), (What.OWN_NEED_FLOOR, 0, floor)]
        for floor in station.own_need_floor_wh
    ]
    floors[-1].append((What.END_ENERGY, 0, station.end_min_wh))
    return Holder(
        station=i,
        lease=0,
        keep_ppm=station.keep_ppm,
        eta_c_ppm=station.eta_c_ppm,
        eta_d_ppm=station.eta_d_ppm,
        start_wh=station.start_wh,
        transfer_wh=(0,) * problem.periods,
        least_flow=tuple(
            ((What.RATING, 0, -station.charge_wh), *((What.PCC_IMPORT, w, load[t] - into) for w, load in cases))
            for t in slots
        ),
        most_flow=tuple(
            (
                (What.RATING, 0, station.discharge_wh),
                *((What.PCC_EXPORT, w, load[t] + station.curtailable_wh[t] + out) for w, load in cases),
            )
            for t in slots
        ),
        least_content=tuple(map(tuple, floors)),
        most_content=tuple(((What.MOST_CONTENT, 0, min(station.energy_max_wh, high)),) for high in most),
        room_wh=tuple(max(0, station.energy_max_wh - high) for high in most),
    )
