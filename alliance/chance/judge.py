"""How often a plan would have broken the real limits on other days, and how sure that is (protocol 9.19.5)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import comb

from alliance.chance.days import DayErrors, region_errors, validate_days
from alliance.fleetplan import MILLION, Direction, FleetPlan, FleetProblem
from alliance.fleetproof import ClaimWrong, FleetCertificate, grid_microwh

_TAIL_PPM = 25_000
"""On each side of a 95 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first limit that a day broke."""

    day: int
    limit: str
    place: str
    period: int
    over_microwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A plan on days that it was not made from."""

    days: int
    broken: tuple[Broken, ...]
    """One entry a day on which any limit was broken."""
    frequency_ppm: int
    """Rounded up."""
    lowest_ppm: int
    """95 % interval of the probability (Clopper and Pearson, 1934), rounded outwards; of days that are independent."""
    highest_ppm: int


def judged(certificate: FleetCertificate, problem: FleetProblem, days: Sequence[DayErrors]) -> Judged:
    """Hold a plan, its batteries, curtailment, ties and cut load as planned, against the real limits of `problem`.

    The plan's problem may differ from it in limits and reserves alone. Raises FieldWrong or ClaimWrong.
    """
    validate_days(days, problem)
    grid = grid_microwh(certificate.plan, certificate.problem, 0)
    flows = list(_flows(certificate.plan, _with_limits_of(certificate.problem, problem), grid))
    found = (_first(n, day, problem, flows) for n, day in enumerate(days))
    broken = tuple(b for b in found if b is not None)
    lowest, highest = interval_ppm(len(broken), len(days))
    return Judged(
        days=len(days), broken=broken, frequency_ppm=-(-len(broken) * MILLION // len(days)),
        lowest_ppm=lowest, highest_ppm=highest,
    )  # fmt: skip


def _with_limits_of(planned: FleetProblem, real: FleetProblem) -> FleetProblem:
    shape = len(planned.regions), len(planned.stations), len(planned.scenarios)
    if shape != (len(real.regions), len(real.stations), 0):
        raise ClaimWrong(figure="fleet", expected=f"{len(real.regions)} regions, {len(real.stations)} stations, "
                         "no scenarios", got=str(shape))  # fmt: skip
    found = replace(
        planned,
        regions=tuple(
            replace(a, import_limit_wh=b.import_limit_wh, export_limit_wh=b.export_limit_wh)
            for a, b in zip(planned.regions, real.regions, strict=True)
        ),
        stations=tuple(
            replace(a, pcc_import_wh=b.pcc_import_wh, pcc_export_wh=b.pcc_export_wh)
            for a, b in zip(planned.stations, real.stations, strict=True)
        ),
    )
    if replace(found, reserves=real.reserves) != real:
        raise ClaimWrong(figure="fleet", expected="the plan's but for limits and reserves", got="another")
    return found


def interval_ppm(hits: int, of: int) -> tuple[int, int]:
    """The exact 95 % interval of a probability from hits, ppm, rounded outwards."""
    lowest = 0 if hits == 0 else _turn(lambda p: _at_least(hits, of, p) * MILLION <= _TAIL_PPM * MILLION**of)
    highest = MILLION
    if hits < of:
        highest = _turn(lambda p: (MILLION**of - _at_least(hits + 1, of, p)) * MILLION > _TAIL_PPM * MILLION**of) + 1
    return lowest, highest


def _turn(holds: Callable[[int], bool]) -> int:
    """The largest ppm at which something that turns from true to false holds."""
    low, high = 0, MILLION
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _at_least(hits: int, of: int, ppm: int) -> int:
    """Probability of so many hits or more, times 10⁶ to the power `of`."""
    return sum(comb(of, k) * ppm**k * (MILLION - ppm) ** (of - k) for k in range(hits, of + 1))


Flow = tuple[str, str, int, int, int, int, bool]
"""Limit, place, index, period, what is planned towards it and the limit itself (millionths of a Wh), whether export."""


def _flows(plan: FleetPlan, problem: FleetProblem, grid: Sequence[Sequence[int]]) -> Iterator[Flow]:
    """All limits; from the grid as it was planned, [region][period], import positive."""
    for i, station in enumerate(problem.stations):
        held = {way: [0] * problem.periods for way in Direction}
        for reserve, table in zip(problem.reserves, plan.reserve_wh, strict=True):
            held[reserve.direction] = [a + b for a, b in zip(held[reserve.direction], table[i], strict=True)]
        for t, load in enumerate(station.net_load_wh):
            taken = load + plan.curtailed_wh[0][i][t] - plan.battery_wh[i][t]
            called = taken + held[Direction.DOWN][t], held[Direction.UP][t] - taken
            place = f"stations[{i}]"
            yield "PCC import", place, i, t, called[0] * MILLION, station.pcc_import_wh * MILLION, False
            yield "PCC export", place, i, t, called[1] * MILLION, station.pcc_export_wh * MILLION, True
    for r, net in enumerate(grid):
        region, place = problem.regions[r], f"regions[{r}]"
        for t, taken in enumerate(net):
            yield "import", place, r, t, taken, region.import_limit_wh[t] * MILLION, False
            yield "export", place, r, t, -taken, region.export_limit_wh[t] * MILLION, True


def _first(n: int, day: DayErrors, problem: FleetProblem, flows: Sequence[Flow]) -> Broken | None:
    together = region_errors(day, problem)
    for limit, place, index, t, planned, most, export in flows:
        errors = day.net_load_wh if limit.startswith("PCC") else together
        over = planned + errors[index][t] * MILLION * (-1 if export else 1) - most
        if over > 0:
            return Broken(day=n, limit=limit, place=place, period=t, over_microwh=over)
    return None
