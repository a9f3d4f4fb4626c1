"""A fleet's problem with limits drawn in so that errors break the real ones on a share ε of days at most (9.19).

The result is an ordinary problem, planned and certified as any other; the record says from what it was made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alliance.chance.adapt import Adapted, Worst, adapted, clipped_score
from alliance.chance.days import DayErrors, Sides, days_digest, sides_of, validate_days, worst_of
from alliance.chance.scale import conformal_ppm, robust_ppm, score_ppm
from alliance.errors import Refused
from alliance.fleetplan import MILLION, FleetProblem, FleetStation, require_within
from alliance.fleetproof import ClaimWrong, FleetCertificate, check, digest
from alliance.schedule import from_plain, to_plain, unwrap

_LEAST_SHARE = 10
"""A region's shape in a period is at least this part of its largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceTerms:
    """How surely limits are to be kept."""

    epsilon_ppm: int
    """Share of days on which any of them may be broken."""
    radius_ppm: int
    """θ, in the scores' unit, a millionth of the shape; 0: the days' own law alone."""
    shape_days: int
    """So many of the oldest days give the shape; the others are scored against it."""
    window_days: int
    """So many of the newest days are used; 0: all."""
    pace_ppm: int
    """γ: how fast the level follows how often margins were too narrow; 0: it is ε. Wants a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChanceRecord:
    """From what margins were made."""

    terms: ChanceTerms
    days: int
    days_digest: str
    base_digest: str
    """Of the problem with the real limits."""
    problem_digest: str
    """Of the problem with the limits drawn in."""
    conformal_ppm: int
    robust_ppm: int
    """0 without a radius."""
    adapted: Adapted | None
    """Null without a pace."""
    margins: Sides
    """The larger of both times the shape, Wh, rounded down."""


@dataclass(kw_only=True, eq=False)
class MarginLeavesNoRoom(Refused):
    """A margin is so large that what must flow does not fit into the limit that is left."""

    limit: str
    place: str
    period: int
    limit_wh: int
    margin_wh: int
    flow_wh: int
    """The least that must flow in this direction; negative: the other way."""


@dataclass(kw_only=True, eq=False)
class ScenariosBesideMargins(Refused):
    """Margins guard the forecast; a problem with scenarios guards each of them already."""

    scenarios: int


def tightened(
    problem: FleetProblem, days: Sequence[DayErrors], terms: ChanceTerms
) -> tuple[FleetProblem, ChanceRecord]:
    """The problem with its limits drawn in by margins, and the record; `days` oldest first.

    Raises FieldWrong, TooFewDays, MarginLeavesNoRoom or ScenariosBesideMargins.
    """
    _validate(problem, days, terms)
    worst = [worst_of(day, problem).flat() for day in days]
    used = worst[-terms.window_days :]
    shape = _shape(used[: terms.shape_days], problem, terms.epsilon_ppm)
    scores = [score_ppm(row, shape) for row in used[terms.shape_days :]]
    conformal = conformal_ppm(scores, epsilon_ppm=terms.epsilon_ppm)
    replayed = _adapted(worst, problem, terms) if terms.pace_ppm else None
    if replayed is not None:
        conformal = clipped_score(scores, replayed.level_ppm)
    robust = robust_ppm(scores, epsilon_ppm=terms.epsilon_ppm, radius_ppm=terms.radius_ppm)
    scale = max(conformal, robust)
    margins = sides_of([scale * unit // MILLION for unit in shape], problem)
    drawn_in = _drawn_in(problem, margins)
    return drawn_in, ChanceRecord(
        terms=terms, days=len(days), days_digest=days_digest(days), base_digest=digest(problem),
        problem_digest=digest(drawn_in), conformal_ppm=conformal, robust_ppm=robust, adapted=replayed,
        margins=margins,
    )  # fmt: skip


def check_chance(record: ChanceRecord, problem: FleetProblem, days: Sequence[DayErrors]) -> FleetProblem:
    """Make record and problem again from real limits and days. Raises ClaimWrong and what `tightened` raises."""
    made, again = tightened(problem, days, record.terms)
    for name in ChanceRecord.__slots__:
        expected, got = getattr(again, name), getattr(record, name)
        if expected != got:
            raise ClaimWrong(figure=name, expected=str(expected)[:200], got=str(got)[:200])
    return made


def require_planned(record: ChanceRecord, certificate: FleetCertificate, problem: FleetProblem) -> None:
    """A plan must be for the limits drawn in; it may hold reserves that the problem with the real limits has not.

    Raises ClaimWrong and what `fleetproof.check` raises.
    """
    check(certificate)
    planned = certificate.problem
    found = digest(replace(planned, reserves=planned.reserves[: len(problem.reserves)]))
    if found != record.problem_digest:
        raise ClaimWrong(figure="problemDigest", expected=record.problem_digest, got=found)


def record_to_plain(record: ChanceRecord) -> dict[str, object]:
    """The plain form {"v": 1, "chance": …}."""
    return {"v": 1, "chance": to_plain(record)}


def record_from_plain(plain: object) -> ChanceRecord:
    """Read `record_to_plain`'s form, strictly. Raises PlainWrong."""
    return from_plain(ChanceRecord, unwrap(plain, name="chance"), where="chance")


# The level and the shape


def _adapted(worst: Worst, problem: FleetProblem, terms: ChanceTerms) -> Adapted:
    return adapted(
        worst, lambda rows: _shape(rows, problem, terms.epsilon_ppm), epsilon_ppm=terms.epsilon_ppm,
        pace_ppm=terms.pace_ppm, window_days=terms.window_days, shape_days=terms.shape_days,
    )  # fmt: skip


def _shape(worst: Sequence[Sequence[int]], problem: FleetProblem, epsilon_ppm: int) -> tuple[int, ...]:
    """Of each limit the (1 − ε) quantile of its errors, at least 1 Wh; a region's, a tenth of its largest."""
    rank = max(1, -(-(MILLION - epsilon_ppm) * len(worst) // MILLION))
    found = sides_of([max(1, sorted(column)[rank - 1]) for column in zip(*worst, strict=True)], problem)
    return Sides(
        station_import=found.station_import, station_export=found.station_export,
        region_import=tuple(map(_raised, found.region_import)), region_export=tuple(map(_raised, found.region_export)),
    ).flat()  # fmt: skip


def _raised(row: tuple[int, ...]) -> tuple[int, ...]:
    least = -(-max(row) // _LEAST_SHARE)
    return tuple(max(least, wh) for wh in row)


# The limits


def _drawn_in(problem: FleetProblem, margins: Sides) -> FleetProblem:
    stations = tuple(
        replace(
            station,
            pcc_import_wh=_least_of(
                "PCC import", f"stations[{i}]", [station.pcc_import_wh] * problem.periods,
                [margins.station_import[i]] * problem.periods, _drawn(station),
            ),
            pcc_export_wh=_least_of(
                "PCC export", f"stations[{i}]", [station.pcc_export_wh] * problem.periods,
                [margins.station_export[i]] * problem.periods, _turned(_drawn(station)),
            ),
        )
        for i, station in enumerate(problem.stations)
    )  # fmt: skip
    regions = []
    for r, region in enumerate(problem.regions):
        flows, name = _taken(problem, r), f"regions[{r}]"
        taken = _limits("import", name, region.import_limit_wh, margins.region_import[r], flows)
        given = _limits("export", name, region.export_limit_wh, margins.region_export[r], _turned(flows))
        regions.append(replace(region, import_limit_wh=taken, export_limit_wh=given))
    return replace(problem, stations=stations, regions=tuple(regions))


Flows = list[tuple[int, int]]
"""Least and most that can flow in each period, towards the limit positive, Wh."""


def _least_of(limit: str, place: str, limits_wh: Sequence[int], margins_wh: Sequence[int], flows: Flows) -> int:
    return min(_limits(limit, place, limits_wh, margins_wh, flows))


def _limits(
    limit: str, place: str, limits_wh: Sequence[int], margins_wh: Sequence[int], flows: Flows
) -> tuple[int, ...]:
    """Limits less margins; where that is below 0, the limit if no plan comes near it. Raises MarginLeavesNoRoom."""
    found = []
    for t, (limit_wh, margin, (least, most)) in enumerate(zip(limits_wh, margins_wh, flows, strict=True)):
        left = limit_wh - margin
        if least > left or (left < 0 and most > left):
            raise MarginLeavesNoRoom(
                limit=limit, place=place, period=t, limit_wh=limit_wh, margin_wh=margin, flow_wh=least
            )
        found.append(left if left >= 0 else limit_wh)
    return tuple(found)


def _drawn(station: FleetStation) -> Flows:
    """What a station can take from its region."""
    return [
        (load - station.discharge_wh, load + curtailable + station.charge_wh)
        for load, curtailable in zip(station.net_load_wh, station.curtailable_wh, strict=True)
    ]


def _taken(problem: FleetProblem, r: int) -> Flows:
    """What a region can take from the grid, ties at their limits, all cut that may be or nothing."""
    ties, region = (
        sum(tie.limit_wh for tie in problem.ties if r in (tie.from_region, tie.to_region)),
        problem.regions[r],
    )
    cuts = region.cut_most_wh or (0,) * problem.periods
    together = [(base - ties - cut, base + ties) for base, cut in zip(region.base_load_wh, cuts, strict=True)]
    for station in problem.stations:
        if station.region == r:
            pairs = zip(together, _drawn(station), strict=True)
            together = [(a + low, b + high) for (a, b), (low, high) in pairs]
    return together


def _turned(flows: Flows) -> Flows:
    return [(-most, -least) for least, most in flows]


def _validate(problem: FleetProblem, days: Sequence[DayErrors], terms: ChanceTerms) -> None:
    require_within("epsilon_ppm", terms.epsilon_ppm, 1, MILLION - 1)
    require_within("radius_ppm", terms.radius_ppm, 0, 1000 * MILLION)
    validate_days(days, problem)
    require_within("pace_ppm", terms.pace_ppm, 0, MILLION)
    require_within("window_days", terms.window_days, 2 if terms.pace_ppm else 0, len(days))
    require_within("shape_days", terms.shape_days, 1, (terms.window_days or len(days)) - 1)
    if problem.scenarios:
        raise ScenariosBesideMargins(scenarios=len(problem.scenarios))
