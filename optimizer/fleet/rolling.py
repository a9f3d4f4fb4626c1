"""Rolling on within the day: one cycle from measured states to a certified re-plan, never dearer than the old (9.12).

`alliance.replan.task` says what is planned; here it is solved, held against keeping the old plan, and recorded. Only
where no plan serves all and holds every reserve is the task made again with relief, so that the shortage costs as
little as can be, and is said.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alliance.fleetplan import MOST_ENERGY_WH
from alliance.fleetproof import FleetCertificate, FleetDuals, gap_ppm
from alliance.replan.record import MeasuredState, Replan, ReplanTerms
from alliance.replan.task import Task, kept_cost, record_of, relieved, task
from optimizer.fleet.arrays import FleetArrays, arrays_of
from optimizer.fleet.certify import certificate_of, fleet_duals
from optimizer.fleet.plan import FleetInfeasible, FleetSettings, Stage, Told, plan_fleet, quiet
from optimizer.fleet.relaxed import standing_still
from optimizer.fleet.rounding import RoundingFailed
from optimizer.fleet.scaled import Floats, scaled
from optimizer.linear import SolverFailed, SolverTimedOut
from optimizer.solver import SolverProcess


def replan(
    base: FleetCertificate,
    after: Replan | None = None,
    *,
    terms: ReplanTerms,
    states: Sequence[MeasuredState],
    settings: FleetSettings | None = None,
    process: SolverProcess | None = None,
    told: Told = quiet,
) -> Replan:
    """One cycle: `base` is the day-ahead plan, `after` the cycle before, if there was one.

    Raises what `alliance.replan.task.task` raises for terms and states; RoundingFailed, SolverTimedOut or SolverFailed
    only if the old plan cannot be kept either.
    """
    settings = settings or FleetSettings()
    made = task(base, after, terms=terms, states=states)
    kept = kept_cost(made)
    try:
        certificate = _certified(made, kept[0], base, after, settings, process, told)
    except (FleetInfeasible, RoundingFailed):
        if terms.relieved:
            raise
        made = task(base, after, terms=replace(terms, relieved=True), states=states)
        kept = kept_cost(made)
        certificate = _certified(made, kept[0], base, after, settings, process, told)
    return record_of(made, certificate, kept)


def _certified(
    made: Task,
    kept: int | None,
    base: FleetCertificate,
    after: Replan | None,
    settings: FleetSettings,
    process: SolverProcess | None,
    told: Told,
) -> FleetCertificate:
    """The cheaper of the solver's plan and the old one, certified; `kept` is what keeping the old one costs."""
    arrays = arrays_of(made.problem)
    try:
        found = plan_fleet(
            arrays, settings=settings, process=process, guess=_guess(made, base, after),
            loosened=_loosened(made, arrays), orders=made.cycle.kept.lease_wh, why=made.cycle.terms.relieved, told=told,
        )  # fmt: skip
    except (RoundingFailed, SolverTimedOut, SolverFailed):
        if kept is None:
            raise
        told(Stage.CERTIFICATE)
        return certificate_of(made.problem, made.cycle.kept, _plain_duals(arrays))
    plan = relieved(found.rounded.plan, made.problem, made.cycle.regions)
    new = certificate_of(made.problem, plan, found.duals)
    if kept is None or new.objective_microcents <= kept:
        return new
    gap = gap_ppm(kept, new.lower_bound_microcents)
    return replace(new, plan=made.cycle.kept, objective_microcents=kept, gap_ppm=gap)


def _plain_duals(arrays: FleetArrays) -> FleetDuals:
    """A bound that needs no solver: at the prices of what the regions lack."""
    return fleet_duals(arrays, scaled(arrays).shape, standing_still(arrays).prices)


def _loosened(made: Task, arrays: FleetArrays) -> FleetArrays | None:
    """Regions with valves without limits of their own: once the flows are whole, the valves take the rest exactly."""
    regions = made.cycle.regions
    if arrays.regions == regions:
        return None
    wide = {}
    for name in ("import_limit_wh", "export_limit_wh"):
        limits = getattr(arrays, name).copy()
        limits[:regions] += sum(limits[k : k + regions] for k in range(regions, arrays.regions, regions))
        wide[name] = np.minimum(limits, MOST_ENERGY_WH)
    return replace(arrays, **wide)


def _guess(made: Task, base: FleetCertificate, after: Replan | None) -> Floats:
    """Prices that the plan in force was proved with, where it reaches; a valve's are its region's."""
    cycle, periods = made.cycle, made.problem.periods
    found = _balance(base.duals)[:, cycle.first : cycle.first + periods]
    if after is not None:
        begun = cycle.first - after.cycle.first
        late = _balance(after.certificate.duals)[: cycle.regions, max(0, begun) :][:, :periods]
        found[:, : late.shape[1]] = late
    valves = [tie.to_region for tie in made.problem.ties if tie.from_region >= cycle.regions]
    return np.vstack([found, found[valves]])


def _balance(duals: FleetDuals) -> Floats:
    """Regions × T, cents per MWh, all cases together."""
    return np.array(duals.balance, dtype=float).sum(axis=0) / duals.denominator
