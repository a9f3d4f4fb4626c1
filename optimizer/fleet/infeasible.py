"""Why a fleet has no plan, and the cheapest way out (protocol 9.10): records that `alliance.infeasible.check` accepts.

Stations whose own limits contradict each other are found exactly, one by one. Where there are none, what stations share
is the reason: an elastic programme, in which nothing costs but room in the shared limits, gives prices that prove it;
limits without which it stays proved are dropped one by one, and for each that is left a plan is found that keeps the
rest. Relaxations are least for each station alone, then for what is shared.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alliance.errors import AllianceError
from alliance.fleetplan import FleetPlan, FleetProblem
from alliance.fleetproof import FleetDuals, lower_bound_microcents, objective_microcents
from alliance.infeasible.chain import conflicts
from alliance.infeasible.check import check_infeasible
from alliance.infeasible.record import Change, Infeasibility, SharedConflict, SharedMember
from alliance.infeasible.relax import costless, lifted, relaxed_fleet
from alliance.why.record import What
from optimizer.fleet.arrays import FleetArrays, arrays_of
from optimizer.fleet.certify import fleet_duals
from optimizer.fleet.relaxed import Prices, read_stamped
from optimizer.fleet.scaled import Floats, scaled
from optimizer.fleet.stamp import Stamped, stamped
from optimizer.infeasible import MARGINS_WH, with_margin
from optimizer.linear import Job, Optimum, SolverFailed, SolverTimedOut
from optimizer.relaxation import holder_changes
from optimizer.solver import ArrayProgramme, SolverProcess, SolverSettings

MOST_EXPLAINED = 500_000
"""Stations times periods of the largest fleet that is explained: a record holds it in Python integers."""
FINER = 1e4
"""Prices of a proof count so many times as much, so that rounding them costs less than 1 Wh that is missing."""
LEAST_WH = 1e-3
"""Room of less than this is the solver's noise."""

Plan = Callable[[FleetArrays], FleetPlan]
"""Plans a fleet; raises an AllianceError where there is no plan in whole Wh."""


def explained(
    problem: FleetProblem, plan: Plan, *, process: SolverProcess, settings: SolverSettings
) -> Infeasibility | None:  # fmt: skip
    """The checked record of a problem that has no plan; None where no proof in whole numbers was found.

    Raises SolverMissing, SolverTimedOut or SolverFailed.
    """
    asked = _Asked(plan=plan, process=process, settings=settings)
    held = conflicts(problem)
    shared = None if held else _shared(problem, asked)
    if not held and shared is None:
        return None
    try:
        changes, found = _relaxation(problem, asked)
    except (SolverTimedOut, SolverFailed):
        changes, found = (), None  # the conflict stands without it
    record = Infeasibility(
        holders=held, shared=shared, relaxation=changes if found else (), schedule=None, plan=found
    )  # fmt: skip
    check_infeasible(record, problem)
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    plan: Plan
    process: SolverProcess
    settings: SolverSettings

    def solved(self, job: Job) -> Optimum | None:
        (answer,) = self.process.solve([job], settings=self.settings)
        return answer

    def planned(self, problem: FleetProblem) -> FleetPlan | None:
        """A plan that passes the exact check, or None."""
        try:
            found = self.plan(arrays_of(problem))
            objective_microcents(found, problem)
        except AllianceError:
            return None
        return found


# What stations share


def _shared(problem: FleetProblem, asked: _Asked) -> SharedConflict | None:
    """The conflict of the shared limits; None where it cannot be shown in whole numbers."""
    members = _members(problem)
    room = _elastic(problem, members, asked)
    if room.total_wh <= LEAST_WH:
        return None
    members = _priced(members, room.prices)
    for member in members:
        fewer = [m for m in members if m != member]
        if _elastic(problem, fewer, asked).total_wh > LEAST_WH:
            members = fewer
    room = _elastic(problem, members, asked)
    members = _priced(members, room.prices)
    if lower_bound_microcents(costless(lifted(problem, members)), room.proof) <= 0:
        return None
    witnesses = []
    for member in members:
        witness = asked.planned(lifted(problem, [m for m in members if m != member]))
        if witness is None:
            return None
        witnesses.append(witness)
    return SharedConflict(members=tuple(members), proof=room.proof, witnesses=tuple(witnesses))


def _members(problem: FleetProblem) -> list[SharedMember]:
    """All shared limits, each in all periods."""
    periods, regions = tuple(range(problem.periods)), range(len(problem.regions))
    found = [
        SharedMember(what=what, place=r, reserve=0, periods=periods)
        for r in regions
        for what in (What.IMPORT_LIMIT, What.EXPORT_LIMIT)
    ]
    found += [
        SharedMember(what=What.REQUIREMENT, place=r, reserve=q, periods=periods)
        for q, reserve in enumerate(problem.reserves)
        for r in regions
        if reserve.short_price is None
    ]
    ties = (SharedMember(what=What.TIE_LIMIT, place=k, reserve=0, periods=periods) for k in range(len(problem.ties)))
    return [*found, *ties]


def _priced(members: Sequence[SharedMember], prices: dict[What, Floats]) -> list[SharedMember]:
    """The limits that have a price, in the periods in which they have it; a tie always in all."""
    found = []
    for member in members:
        series = prices[member.what][member.reserve, member.place]
        periods = tuple(t for t in member.periods if series[t] > 1e-9)
        if periods:
            found.append(member if member.what is What.TIE_LIMIT else replace(member, periods=periods))
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Room:
    """The least room that shared limits lack."""

    total_wh: float
    lacking: dict[What, Floats]
    """[reserve or 0][region or tie][period], Wh."""
    prices: dict[What, Floats]
    """What 1 Wh more of each limit is worth, in the same shape."""
    proof: FleetDuals


def _elastic(problem: FleetProblem, members: Sequence[SharedMember], asked: _Asked) -> _Room:
    """Solve the fleet, nothing costing but room in the shared limits, at 1 a Wh and case; others are lifted."""
    arrays = arrays_of(costless(lifted(problem, members)))
    data = scaled(arrays)
    found = stamped(arrays, data)
    rows = _shared_rows(found, arrays)
    programme = _with_slacks(found, rows)
    answer = asked.process.solve_arrays(programme, settings=asked.settings)
    if answer is None or not len(answer.columns) or not len(answer.duals):
        return _Room(total_wh=0.0, lacking={}, prices={}, proof=_no_proof())
    read = read_stamped(found, arrays, answer.columns, answer.duals, cost=answer.cost, optimal=answer.optimal)
    lacking, first = {}, len(found.matrix.costs)
    for what, numbers, _ in rows:
        values = answer.columns[first : first + numbers.size].reshape(numbers.shape) * data.unit_wh
        first += numbers.size
        lacking[what] = values.max(axis=0)[None] if what is not What.REQUIREMENT else values
    prices = read.prices
    finer = Prices(
        case_weights=prices.case_weights,
        balance=prices.balance * FINER,
        held=prices.held * FINER,
        rows={kind: values * FINER for kind, values in prices.rows.items()},
    )
    return _Room(
        total_wh=answer.cost * data.unit_wh,
        lacking=lacking,
        prices=_worths(problem, prices, data.unit_price),
        proof=fleet_duals(arrays, data.shape, finer),
    )


def _shared_rows(found: Stamped, arrays: FleetArrays) -> list[tuple[What, Any, float]]:
    """Of each kind of slack: the numbers of its rows, case (or reserve) by region (or tie) by period, and its sign."""
    numbers = np.arange(len(found.matrix.row_low))
    balance = found.shared_values("balance", numbers)
    rows: list[tuple[What, Any, float]] = [(What.IMPORT_LIMIT, balance, 1.0), (What.EXPORT_LIMIT, balance, -1.0)]
    if arrays.reserves:
        rows.append((What.REQUIREMENT, found.shared_values("held", numbers), 1.0))
    if arrays.ties:
        cases, periods = len(arrays.case_ppm), arrays.periods
        ties = found.row_values("tie", "tie_limit", numbers).astype(np.int64)
        rows.append((What.TIE_LIMIT, ties.reshape(arrays.ties, cases, periods).transpose(1, 0, 2), -1.0))
    return rows


def _with_slacks(found: Stamped, rows: Sequence[tuple[What, Any, float]]) -> ArrayProgramme:
    """The programme with nothing but slacks in its cost."""
    matrix = found.matrix
    at = np.concatenate([numbers.ravel() for _, numbers, _ in rows]).astype(matrix.index.dtype)
    signs = np.concatenate([np.full(numbers.size, sign) for _, numbers, sign in rows])
    entries = len(matrix.values)
    return ArrayProgramme(
        costs=np.concatenate([np.zeros(len(matrix.costs)), np.ones(len(at))]),
        low=np.concatenate([matrix.low, np.zeros(len(at))]),
        high=np.concatenate([matrix.high, np.full(len(at), np.inf)]),
        row_low=matrix.row_low,
        row_high=matrix.row_high,
        start=np.concatenate([matrix.start, entries + 1 + np.arange(len(at))]).astype(matrix.start.dtype),
        index=np.concatenate([matrix.index, at]),
        values=np.concatenate([matrix.values, signs]),
        binaries=matrix.binaries,
    )


def _worths(problem: FleetProblem, prices: Prices, unit: float) -> dict[What, Floats]:
    """What a Wh more of each shared limit saves, all cases together, by reserve (or 0), place and period."""
    balance = prices.balance / unit
    found = {
        What.IMPORT_LIMIT: np.maximum(balance, 0).sum(axis=0)[None],
        What.EXPORT_LIMIT: np.maximum(-balance, 0).sum(axis=0)[None],
        What.REQUIREMENT: np.maximum(prices.held / unit, 0),
    }
    ties = []
    for tie in problem.ties:
        a, z, passed = balance[:, tie.from_region], balance[:, tie.to_region], 1 - tie.loss_ppm / 1e6
        ties.append(np.maximum(np.maximum(passed * z - a, passed * a - z), 0).sum(axis=0))
    return found | {What.TIE_LIMIT: np.array(ties).reshape(len(ties), problem.periods)[None]}


def _no_proof() -> FleetDuals:
    return FleetDuals(denominator=1, case_weights=(), balance=(), held=(), station_runs=())


# The way out


def _relaxation(problem: FleetProblem, asked: _Asked) -> tuple[tuple[Change, ...], FleetPlan | None]:
    """The least changes, stations first, then what they share; and a plan that keeps all limits then."""
    own = holder_changes(problem, relaxed_fleet, asked.solved)
    for margin in MARGINS_WH:
        changes = with_margin(own, margin)
        try:
            room = _elastic(relaxed_fleet(problem, changes), _members(problem), asked)
        except AllianceError:
            continue
        changes += with_margin(_changes(problem, room), margin)
        plan = asked.planned(relaxed_fleet(problem, changes)) if changes else None
        if plan is not None:
            return changes, plan
    return (), None


def _changes(problem: FleetProblem, room: _Room) -> list[Change]:
    found = []
    for what, lacking in room.lacking.items():
        for q, place in np.ndindex(lacking.shape[:2]):
            series = lacking[q, place]
            if what is What.TIE_LIMIT:
                series, spans = series.max(keepdims=True), [(0, problem.periods - 1)]
            else:
                spans = [(t, t) for t in range(problem.periods)]
            for wh, (first, last) in zip(series.tolist(), spans, strict=True):
                if wh > LEAST_WH:
                    by = math.ceil(wh - LEAST_WH)
                    found.append(Change(what=what, place=place, lease=q, first=first, last=last, by_wh=by))
    return found
