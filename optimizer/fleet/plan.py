"""A fleet's plan: relaxation solved by the chosen path, binaries only where it is not exact, rounded, certified (9.7).

It ends in time: a path that is stopped leaves what it has, and in the worst case the plan is to stand still, with an
honest gap. The bound is always the relaxation's, so that it holds whatever came after.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from alliance.errors import Refused
from alliance.fleetplan import MILLION, FleetProblem
from alliance.fleetproof import FleetCertificate, FleetDuals
from alliance.infeasible.record import Infeasibility
from alliance.infeasible.text import in_both
from optimizer.fleet.arrays import FleetArrays, Ints, problem_of
from optimizer.fleet.certify import certificate_of, fleet_duals
from optimizer.fleet.fast import relaxed_fast
from optimizer.fleet.infeasible import MOST_EXPLAINED, explained
from optimizer.fleet.model import RELAXED, OneWay
from optimizer.fleet.relaxed import Prices, Relaxed, concerned, draft_of, relaxed_reference, relaxed_stamped
from optimizer.fleet.rounding import Draft, Rounded, RoundingFailed, rounded
from optimizer.fleet.scaled import scaled
from optimizer.linear import SolverFailed, SolverMissing, SolverTimedOut
from optimizer.solver import Backend, SolverProcess, SolverSettings

MOST_ROUNDS = 4
"""How often stations may join those with binaries."""
NARROWED_WH = (2, 20)
"""Where rounding finds no way, the limits are narrowed by so much and the fleet is solved again."""


class FleetPath(StrEnum):
    """How the relaxation is solved."""

    FAST = "fast"
    """Prices take the fleet apart; what they do not settle HiGHS does on the stamped model."""
    STAMPED = "stamped"
    """HiGHS on the stamped model."""
    HIGHS = "highs"
    """HiGHS on the expanded Pyomo model: the reference, for small fleets."""
    GLPK = "glpk"
    """GLPK on the expanded Pyomo model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """How a fleet is planned."""

    path: FleetPath = FleetPath.FAST
    time_limit_s: float = 60.0
    """For all solving together, wall time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetResult:
    """A plan in whole Wh, and what proves how good it is."""

    arrays: FleetArrays
    rounded: Rounded
    duals: FleetDuals
    relaxed_cost_cents: float
    optimal: bool
    """Whether the relaxation was solved to the end."""
    one_way: OneWay
    """Stations and ties that needed binaries."""

    def certificate(self, problem: FleetProblem | None = None) -> FleetCertificate:
        """The certificate, with the problem as it was written if given; limits are checked here. Raises LimitBroken."""
        return certificate_of(problem or problem_of(self.arrays), self.rounded.plan, self.duals)


@dataclass(kw_only=True, eq=False)
class FleetInfeasible(Refused):
    """No plan keeps all limits of a fleet's problem together; the reason, unless it could not be found in time."""

    stations: int
    periods: int
    record: Infeasibility | None = None
    sentences: tuple[str, ...] = ()
    """In English, then in Chinese."""

    def __str__(self) -> str:
        said = " ".join(self.sentences) or "no reason was found in time"
        return f"fleet_infeasible: stations={self.stations}, periods={self.periods}: {said}"


def plan_fleet(arrays: FleetArrays, *, settings: FleetSettings, process: SolverProcess | None = None) -> FleetResult:
    """Plan a fleet; with a process of the solver that runs already, if there is one.

    Raises FleetInfeasible with the reason, RoundingFailed, SolverMissing or SolverFailed.
    """
    if process is None:
        with SolverProcess() as own:
            return plan_fleet(arrays, settings=settings, process=own)
    try:
        return _planned(arrays, settings, process)
    except FleetInfeasible:
        raise _with_reason(arrays, settings, process) from None


def _with_reason(arrays: FleetArrays, settings: FleetSettings, process: SolverProcess) -> FleetInfeasible:
    """The error with what can be said of it; each programme that is solved for it has the time limit of a plan."""
    bare = FleetInfeasible(stations=arrays.stations, periods=arrays.periods)
    if arrays.stations * arrays.periods > MOST_EXPLAINED:
        return bare
    problem = problem_of(arrays)
    stamped = replace(settings, path=FleetPath.STAMPED)
    try:
        record = explained(
            problem,
            lambda other: _planned(other, stamped, process).rounded.plan,
            process=process,
            settings=SolverSettings(time_limit_s=settings.time_limit_s),
        )
    except (SolverTimedOut, SolverMissing, SolverFailed):
        return bare
    if record is None:
        return bare
    return replace(bare, record=record, sentences=in_both(record, problem))


def _planned(arrays: FleetArrays, settings: FleetSettings, process: SolverProcess) -> FleetResult:
    clock = _Clock(settings, process)
    found = clock.relaxed(arrays, RELAXED)
    if found is None:
        raise FleetInfeasible(stations=arrays.stations, periods=arrays.periods)
    drafts, one_way = _drafts(arrays, found, clock)
    return FleetResult(
        arrays=arrays,
        rounded=_rounded(arrays, drafts, one_way, clock),
        duals=fleet_duals(arrays, scaled(arrays).shape, found.prices),
        relaxed_cost_cents=found.cost_cents,
        optimal=found.optimal,
        one_way=one_way,
    )


_SOLVED_BY: dict[FleetPath, Callable[..., Relaxed | None]] = {
    FleetPath.FAST: relaxed_fast,
    FleetPath.STAMPED: relaxed_stamped,
}


class _Clock:
    """Solves within what is left of the time."""

    def __init__(self, settings: FleetSettings, process: SolverProcess) -> None:
        self._process = process
        self._settings, self._end = settings, time.monotonic() + settings.time_limit_s

    def relaxed(self, arrays: FleetArrays, one_way: OneWay) -> Relaxed | None:
        """Solve; None if infeasible; standing still if there was no time."""
        left = self._end - time.monotonic()
        if left <= 0:
            return standing_still(arrays)
        backend = Backend.GLPK if self._settings.path is FleetPath.GLPK else Backend.HIGHS
        settings = SolverSettings(backend=backend, time_limit_s=left)
        solve = _SOLVED_BY.get(self._settings.path, relaxed_reference)
        try:
            return solve(arrays, process=self._process, settings=settings, one_way=one_way)
        except SolverTimedOut:
            return standing_still(arrays)


def standing_still(arrays: FleetArrays) -> Relaxed:
    """No flow at all, at the prices of what the regions then lack: the answer if there is no time for a better one."""
    cases, q = len(arrays.case_ppm), len(arrays.reserves)
    still = np.zeros((cases, *arrays.shape))
    ties = np.zeros((cases, arrays.ties, arrays.periods))
    load = np.zeros((cases, arrays.regions, arrays.periods)) + arrays.base_load_wh
    for into, loads in zip(load, arrays.case_net_load_wh, strict=True):
        np.add.at(into, arrays.region, loads)
    weights = arrays.case_ppm / MILLION
    prices = weights[:, None, None] * np.where(load > 0, arrays.buy_price, arrays.sell_price)
    return Relaxed(
        cost_cents=float("nan"),
        optimal=False,
        charge=still[0],
        discharge=still[0],
        reserve=np.zeros((q, *arrays.shape)),
        curtailed=still,
        forward=ties,
        backward=ties,
        prices=Prices(case_weights=weights, balance=prices, held=np.zeros((q, *load.shape[1:])), rows={}),
    )


def _drafts(arrays: FleetArrays, found: Relaxed, clock: _Clock) -> tuple[list[Draft], OneWay]:
    """What to round, the best first: with binaries where the relaxation is not exact, then the relaxation repaired."""
    repaired = draft_of(found, arrays)
    one_way, last = RELAXED, found
    for _ in range(MOST_ROUNDS):
        more = concerned(last, arrays, found.prices)
        joined = OneWay(
            stations=tuple(sorted({*one_way.stations, *more.stations})), ties=tuple(sorted({*one_way.ties, *more.ties}))
        )
        if joined == one_way:
            break
        answer = clock.relaxed(arrays, joined)
        one_way = joined
        if answer is None or not answer.optimal:
            return [repaired], one_way
        last = answer
    return ([draft_of(last, arrays), repaired] if one_way != RELAXED else [repaired]), one_way


def _rounded(arrays: FleetArrays, drafts: list[Draft], one_way: OneWay, clock: _Clock) -> Rounded:
    """Round the first draft that can be; else what the fleet with narrower limits does."""
    for draft in drafts:
        try:
            return rounded(arrays, draft)
        except RoundingFailed as error:
            failed = error
    for wh in NARROWED_WH:
        found = clock.relaxed(narrowed(arrays, wh), one_way)
        if found is not None:
            try:
                return rounded(arrays, draft_of(found, arrays))
            except RoundingFailed as error:
                failed = error
    raise failed


def narrowed(arrays: FleetArrays, wh: int) -> FleetArrays:
    """The fleet with its limits narrowed where they leave room for it, so that its plans survive rounding."""

    def less(values: Ints, by: int = wh) -> Ints:
        return np.where(values > 4 * by, values - by, values)

    low, high = arrays.low_wh, arrays.high_wh
    wide = high - low > 4 * wh
    floor = np.where(wide, low + wh, low)
    lines = wh * (2 + arrays.ties)
    return replace(
        arrays,
        own_need_floor_wh=floor,
        content_most_wh=np.where(wide, high - wh, high),
        end_min_wh=np.minimum(arrays.end_min_wh, floor[:, -1]),
        charge_wh=less(arrays.charge_wh),
        discharge_wh=less(arrays.discharge_wh),
        pcc_import_wh=less(arrays.pcc_import_wh),
        pcc_export_wh=less(arrays.pcc_export_wh),
        import_limit_wh=less(arrays.import_limit_wh, lines),
        export_limit_wh=less(arrays.export_limit_wh, lines),
    )
