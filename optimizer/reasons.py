"""Why a problem of either kind has no plan: the planner is asked, and what it refuses with is the record (9.10)."""

from alliance.fleetplan import FleetProblem
from alliance.infeasible.record import Infeasibility
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetInfeasible, FleetPath, FleetSettings, plan_fleet
from optimizer.infeasible import PlanInfeasible
from optimizer.planning import plan_day
from optimizer.problem import Problem


def reason_of(problem: Problem | FleetProblem) -> Infeasibility | None:
    """The checked record; None if there is a plan. Raises what planning raises for any other reason."""
    try:
        if isinstance(problem, FleetProblem):
            plan_fleet(arrays_of(problem), settings=FleetSettings(path=FleetPath.STAMPED))
        else:
            plan_day(problem)
    except PlanInfeasible as refused:
        return refused.record
    except FleetInfeasible as refused:
        if refused.record is None:
            raise
        return refused.record
    return None
