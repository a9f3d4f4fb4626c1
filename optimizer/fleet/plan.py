"""A fleet's plan: relaxation solved by the chosen path, binaries only where it is not exact, rounded, certified (9.7).

It ends in time: a path that is stopped leaves what it has, and in the worst case the plan is to stand still, with an
honest gap. The bound is always the relaxation's, so that it holds whatever came after.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np

from alliance.errors import AllianceError, Refused
from alliance.fleetplan import FleetPlan, FleetProblem
from alliance.fleetproof import FleetCertificate, FleetDuals
from alliance.infeasible.record import Infeasibility
from alliance.infeasible.text import in_both
from optimizer.fleet.arrays import FleetArrays, Ints, problem_of
from optimizer.fleet.certify import certificate_of, fleet_duals
from optimizer.fleet.fast import GAP, relaxed_fast
from optimizer.fleet.infeasible import MOST_EXPLAINED, explained
from optimizer.fleet.model import RELAXED, OneWay
from optimizer.fleet.relaxed import (
    Relaxed,
    concerned,
    draft_of,
    relaxed_reference,
    relaxed_stamped,
    standing_still,
)
from optimizer.fleet.rounding import Draft, Rounded, RoundingFailed, rounded
from optimizer.fleet.scaled import Floats, scaled
from optimizer.linear import SolverFailed, SolverMissing, SolverTimedOut
from optimizer.solver import Backend, SolverProcess, SolverSettings

MOST_ROUNDS = 4
"""How often stations may join those with binaries."""
NARROWED_WH = (2, 20)
"""Where rounding finds no way, the limits are narrowed by so much and the fleet is solved again."""


class Stage(StrEnum):
    """What a planning run is at, in this order."""

    RELAXATION = "relaxation"
    ONE_WAY = "one_way"
    ROUNDING = "rounding"
    CERTIFICATE = "certificate"


Told = Callable[[Stage], None]
"""Is told what a run is at now."""


def quiet(_: Stage) -> None:
    """Nobody listens."""


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
    gap: float = GAP
    """Proved relative gap at which the fast path's prices are good enough."""
    workers: int = 1
    """Processes in which the fast path solves regions side by side; the answer does not depend on it."""


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


def plan_fleet(
    arrays: FleetArrays,
    *,
    settings: FleetSettings,
    process: SolverProcess | None = None,
    guess: Floats | None = None,
    loosened: FleetArrays | None = None,
    orders: Sequence[Sequence[int]] = (),
    why: bool = True,
    told: Told = quiet,
) -> FleetResult:
    """Plan a fleet; with a process of the solver that runs already, if there is one.

    `guess` holds prices near which the regions' may be (regions × T, cents per MWh): where the fast path begins.
    `loosened` is what the plan is rounded in, where the caller sees to the limits that it leaves out; `orders` are
    lessees' orders in whole Wh with which there is a plan, for where rounding finds no others. Raises FleetInfeasible
    (`why`: with the reason), RoundingFailed, SolverMissing, SolverFailed, or SolverTimedOut if no plan at all was found
    in time.
    """
    with ExitStack() as opened:
        process = process or opened.enter_context(SolverProcess())
        others = tuple(opened.enter_context(SolverProcess()) for _ in range(settings.workers - 1))
        clock = _Clock(settings, process, others=others, guess=guess)
        try:
            return _planned(arrays, clock, rounded_in=loosened or arrays, orders=orders, told=told)
        except FleetInfeasible:
            if not why:
                raise
            raise _with_reason(arrays, settings, process) from None


def _with_reason(arrays: FleetArrays, settings: FleetSettings, process: SolverProcess) -> FleetInfeasible:
    """The error with what can be said of it; each programme that is solved for it has the time limit of a plan."""
    bare = FleetInfeasible(stations=arrays.stations, periods=arrays.periods)
    if arrays.stations * arrays.periods > MOST_EXPLAINED:
        return bare
    problem = problem_of(arrays)
    stamped = replace(settings, path=FleetPath.STAMPED)

    def planned(other: FleetArrays) -> FleetPlan:
        return _planned(other, _Clock(stamped, process), rounded_in=other, told=quiet).rounded.plan

    try:
        record = explained(
            problem, planned, process=process, settings=SolverSettings(time_limit_s=settings.time_limit_s)
        )
    except (SolverTimedOut, SolverMissing, SolverFailed):
        return bare
    if record is None:
        return replace(bare, sentences=_LEASES_IN_THE_WAY) if _plannable(arrays, planned) else bare
    return replace(bare, record=record, sentences=in_both(record, problem))


_LEASES_IN_THE_WAY = (
    "Without its leases the fleet has a plan: what they leave the owners is less than the other limits ask.",
    "没有租约时有计划可行：租约之外留给业主的功率或电量，不足以满足其他限值。",
)


def _plannable(arrays: FleetArrays, planned: Callable[[FleetArrays], FleetPlan]) -> bool:
    """Whether there are leases, and a plan without them."""
    if not arrays.leases:
        return False
    try:
        planned(replace(arrays, leases=()))
    except AllianceError:
        return False
    return True


def _planned(
    arrays: FleetArrays, clock: "_Clock", *, rounded_in: FleetArrays, told: Told, orders: Sequence[Sequence[int]] = ()
) -> FleetResult:
    told(Stage.RELAXATION)
    found = clock.relaxed(arrays, RELAXED)
    if found is None:
        raise FleetInfeasible(stations=arrays.stations, periods=arrays.periods)
    told(Stage.ONE_WAY)
    drafts, one_way = _drafts(arrays, found, clock)
    told(Stage.ROUNDING)
    whole = _rounded(rounded_in, drafts, one_way, clock, orders)
    told(Stage.CERTIFICATE)
    return FleetResult(
        arrays=arrays,
        rounded=whole,
        duals=fleet_duals(arrays, scaled(arrays).shape, found.prices),
        relaxed_cost_cents=found.cost_cents,
        optimal=found.optimal,
        one_way=one_way,
    )


class _Clock:
    """Solves within what is left of the time."""

    def __init__(
        self,
        settings: FleetSettings,
        process: SolverProcess,
        *,
        others: Sequence[SolverProcess] = (),
        guess: Floats | None = None,
    ) -> None:
        self._process, self._others, self._guess = process, others, guess
        self._settings, self._end = settings, time.monotonic() + settings.time_limit_s

    def relaxed(self, arrays: FleetArrays, one_way: OneWay) -> Relaxed | None:
        """Solve; None if infeasible; standing still if there was no time."""
        if self.over:
            return standing_still(arrays)
        backend = Backend.GLPK if self._settings.path is FleetPath.GLPK else Backend.HIGHS
        settings = SolverSettings(backend=backend, time_limit_s=self._end - time.monotonic())
        try:
            return self._solver()(arrays, process=self._process, settings=settings, one_way=one_way)
        except SolverTimedOut:
            return standing_still(arrays)

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._end

    def timed_out(self) -> SolverTimedOut:
        """The error of a run that found nothing in its time."""
        return SolverTimedOut(backend=self._settings.path, time_limit_s=self._settings.time_limit_s)

    def _solver(self) -> Callable[..., Relaxed | None]:
        match self._settings.path:
            case FleetPath.FAST:
                return partial(relaxed_fast, others=self._others, guess=self._guess, gap=self._settings.gap)
            case FleetPath.STAMPED:
                return relaxed_stamped
            case FleetPath.HIGHS | FleetPath.GLPK:
                return relaxed_reference


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


def _rounded(
    arrays: FleetArrays, drafts: list[Draft], one_way: OneWay, clock: _Clock, orders: Sequence[Sequence[int]]
) -> Rounded:
    """Round the first draft that can be; else what the fleet with narrower limits does, or with lessees' orders set."""
    for draft in drafts:
        try:
            return rounded(arrays, draft)
        except RoundingFailed as error:
            failed = error
    for other in _easier(arrays, orders):
        found = clock.relaxed(other, one_way)
        if found is not None:
            try:
                return rounded(replace(arrays, leases=other.leases), draft_of(found, arrays))
            except RoundingFailed as error:
                failed = error
    if clock.over:
        raise clock.timed_out() from failed
    raise failed


def _easier(arrays: FleetArrays, orders: Sequence[Sequence[int]]) -> Iterator[FleetArrays]:
    """The fleet as it is more easily rounded; a plan of it is one of the fleet."""
    for wh in NARROWED_WH:
        yield narrowed(arrays, wh)
    if orders:
        rows = zip(arrays.leases, orders, strict=True)
        yield replace(arrays, leases=tuple(replace(lease, nomination_wh=tuple(row)) for lease, row in rows))


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
        cut_most_wh=np.maximum(arrays.cut_most_wh - lines, 0),
        export_limit_wh=less(arrays.export_limit_wh, lines),
    )
