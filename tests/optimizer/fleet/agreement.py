"""Asks the stamped path and the expanded reference the same, and checks what is claimed against the reference."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alliance.fleetplan import FleetProblem
from alliance.fleetproof import FleetCertificate, check
from optimizer.fleet.arrays import FleetArrays, arrays_of, problem_of
from optimizer.fleet.model import RELAXED
from optimizer.fleet.plan import FleetInfeasible, FleetPath, FleetResult, FleetSettings, plan_fleet
from optimizer.fleet.relaxed import Relaxed, relaxed_reference
from optimizer.fleet.rounding import RoundingFailed
from optimizer.solver import SolverProcess, SolverSettings
from tests.optimizer.fleet.instances import instance

AGREED = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a compared instance came to."""

    result: str
    """planned, infeasible (both say so), or unrounded (no whole-Wh plan found, and said)."""
    relative_difference: float = 0.0
    gap_ppm: int = 0
    binaries: bool = False
    bound_lost: float = 0.0
    """Reference optimum less the certified bound, relative: what rounding the duals cost."""


class Disagreement(AssertionError):
    """The paths, or a claim and the reference, do not agree."""


def reference_of(arrays: FleetArrays, process: SolverProcess) -> Relaxed | None:
    return relaxed_reference(arrays, process=process, settings=SolverSettings())


def compared(kind: str, seed: int, process: SolverProcess) -> Outcome:
    """Plan one random instance and hold it against the reference. Raises Disagreement, or what the check raises."""
    problem = instance(kind, seed)
    arrays = arrays_of(problem)
    _agree(_plainly(problem) == problem_of(arrays), "arrays hold the problem whole", kind, seed)
    wanted = reference_of(arrays, process)
    try:
        found = plan_fleet(arrays, settings=FleetSettings(path=FleetPath.STAMPED), process=process)
    except FleetInfeasible:
        _agree(wanted is None, "infeasible for both", kind, seed)
        return Outcome(result="infeasible")
    except RoundingFailed:
        return Outcome(result="unrounded")
    _agree(wanted is not None, "feasible for both", kind, seed)
    assert wanted is not None
    return _judged(found, found.certificate(problem), wanted.cost_cents, f"{kind} {seed}")


def _plainly(problem: FleetProblem) -> FleetProblem:
    """The problem without content limits that say no more than the capacity, and without cut load that is none."""
    stations = tuple(
        replace(s, content_most_wh=()) if all(most >= s.energy_max_wh for most in s.content_most_wh) else s
        for s in problem.stations
    )
    regions = tuple(
        region if any(region.cut_most_wh) else replace(region, cut_most_wh=(), cut_price=())
        for region in problem.regions
    )
    return replace(problem, stations=stations, regions=regions)


def _judged(found: FleetResult, certificate: FleetCertificate, wanted_cents: float, name: str) -> Outcome:
    check(certificate)
    size = max(1.0, abs(wanted_cents))
    difference = abs(found.relaxed_cost_cents - wanted_cents) / size
    _agree(difference <= AGREED, f"costs {found.relaxed_cost_cents} and {wanted_cents}", name)
    bound, objective = certificate.lower_bound_microcents / 1e6, certificate.objective_microcents / 1e6
    _agree(bound <= wanted_cents + AGREED * size, f"bound {bound} above the optimum {wanted_cents}", name)
    _agree(objective >= wanted_cents - AGREED * size, f"plan {objective} below the optimum {wanted_cents}", name)
    true_gap_ppm = (objective - wanted_cents) / max(1.0, abs(objective)) * 1e6
    _agree(certificate.gap_ppm >= true_gap_ppm - 1, f"gap {certificate.gap_ppm} < {true_gap_ppm}", name)
    return Outcome(
        result="planned",
        relative_difference=difference,
        gap_ppm=certificate.gap_ppm,
        binaries=found.one_way != RELAXED,
        bound_lost=(wanted_cents - bound) / size,
    )


def _agree(kept: bool, what: str, *name: object) -> None:
    if not kept:
        raise Disagreement(f"{' '.join(map(str, name))}: {what}")


def planned(problem: FleetProblem, process: SolverProcess) -> FleetCertificate:
    """A certificate of a problem's plan."""
    return plan_fleet(arrays_of(problem), settings=FleetSettings(), process=process).certificate(problem)
