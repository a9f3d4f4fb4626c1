"""Infeasible is never bare: conflicting limits by name, and the cheapest relaxation with its plan (protocol 9.10)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alliance.errors import AllianceError, Refused
from alliance.infeasible.chain import conflicts
from alliance.infeasible.check import check_infeasible
from alliance.infeasible.record import Change, Infeasibility
from alliance.infeasible.relax import relaxed
from alliance.infeasible.text import in_both
from alliance.schedule import Schedule
from alliance.schedule import check as check_schedule
from optimizer.linear import Job, Optimum, SolverFailed, SolverMissing, SolverTimedOut
from optimizer.plan import Draft, schedule_of, settle_parts
from optimizer.problem import Problem, parts
from optimizer.relaxation import holder_changes
from optimizer.solver import SolverSettings, solve

MARGINS_WH = (0, 1, 3, 10, 100)
"""By so much more than the least the limits give way, tried in order: whole Wh want a little room."""


@dataclass(kw_only=True, eq=False)
class PlanInfeasible(Refused):
    """No plan keeps all limits: some contradict each other, none of them needless, and some would have to give way."""

    record: Infeasibility
    sentences: tuple[str, ...]
    """In English, then in Chinese."""

    def __str__(self) -> str:
        return "plan_infeasible: " + " ".join(self.sentences)


def explain(problem: Problem, *, settings: SolverSettings) -> PlanInfeasible | None:
    """The checked reason why a problem has no plan; None if no holder's own limits contradict each other."""
    found = conflicts(problem)
    if not found:
        return None
    changes, schedule = _relaxation(problem, settings)
    record = Infeasibility(
        holders=found, shared=None, relaxation=changes if schedule else (), schedule=schedule, plan=None
    )
    check_infeasible(record, problem)
    return PlanInfeasible(record=record, sentences=in_both(record, problem))


def with_margin(changes: Sequence[Change], margin_wh: int) -> tuple[Change, ...]:
    """Changes that give a little more room."""
    return tuple(replace(change, by_wh=change.by_wh + margin_wh) for change in changes)


def _relaxation(problem: Problem, settings: SolverSettings) -> tuple[tuple[Change, ...], Schedule | None]:
    """The least changes, and the plan in which everything rests as far as the changed limits let it."""

    def solved(job: Job) -> Optimum | None:
        (answer,) = solve([job], settings=settings)
        return answer

    try:
        least = holder_changes(problem, relaxed, solved)
    except (SolverMissing, SolverTimedOut, SolverFailed):
        return (), None  # the conflict stands without it
    for margin in MARGINS_WH if least else ():
        changes = with_margin(least, margin)
        try:
            return changes, _resting(relaxed(problem, changes))
        except AllianceError:
            continue  # no whole Wh in so narrow a room, or a limit that may not move so far
    return (), None


def _resting(problem: Problem) -> Schedule:
    held, idle = parts(problem), (0.0,) * problem.slots
    draft = Draft(flow=idle, content=idle, curtailed=idle, both_ways=0.0)
    schedule = schedule_of(problem, settle_parts(problem, held, {(int(p.station), int(p.lease)): draft for p in held}))
    check_schedule(schedule, problem)
    return schedule
