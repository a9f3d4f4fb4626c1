"""Plan a black start: paths, stage 1, stage 2, whole watts, exact check; or the reasons why there is none (9.23).

The stages follow each other: stage 2 takes from stage 1 when each bus is live. Its optimum is the best for these
switchings, by the word of the solver; that no other switching could do better is not claimed.
"""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Any

from alliance.blackstart.check import BlackStartPlanWrong, check
from alliance.blackstart.paths import path_cost
from alliance.blackstart.reasons import Kind, Reason, impossible, refusal
from alliance.blackstart.record import NEVER, BlackStart, BlackStartPlan, BlackStartProblem, Unit
from optimizer.blackstart.model import MW, Margin, Relaxed, Tree, pick_up, switching, tree
from optimizer.linear import Job, Linear, Optimum, placed
from optimizer.solver import SolverProcess, SolverSettings

GAP = 1e-3
"""Relative gap of stage 2's generated energy at which the solver may stop, unless it is said otherwise."""
_NEAR = 0.01
"""Watts below a whole one that still count as it: what solvers leave of exact figures."""
_STAGE_1 = {Relaxed.CREWS: Kind.MORE_CREWS, Relaxed.ABSORB: Kind.MORE_ABSORB}
_STAGE_2 = {
    Relaxed.POWER: Kind.MORE_POWER, Relaxed.ENERGY: Kind.MORE_ENERGY, Relaxed.STEP: Kind.MORE_STEP,
    Relaxed.LOAD: Kind.MORE_LOAD,
}  # fmt: skip

_Solve = Callable[..., Optimum | None]
"""Of a `Linear`, to a `gap`."""
_Place = tuple[str, Any]
"""A variable's name and index."""
_Places = dict[_Place, int]
_Found = dict[_Place, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switchings:
    """Stage 1's answer: when each line is begun with, and when each bus with a unit or load is live."""

    switch_period: tuple[int, ...]
    live: dict[str, int]


def plan_black_start(
    problem: BlackStartProblem,
    *,
    settings: SolverSettings | None = None,
    gap: float = GAP,
    process: SolverProcess | None = None,
) -> BlackStart:
    """A checked plan, by a solver's process of its own unless one is given.

    Raises NoBlackStart with reasons, SolverMissing, SolverTimedOut or SolverFailed; BlackStartPlanWrong where the
    solver's plan cannot be kept in whole watts.
    """
    reasons = impossible(problem)
    if reasons:
        raise refusal(problem, reasons)
    asked = settings or SolverSettings()
    with nullcontext(process) if process else SolverProcess() as asks:

        def solve(linear: Linear, *, gap: float = 1e-6) -> Optimum | None:
            return asks.solve([Job(linear=linear, gap=gap)], settings=asked)[0]

        paths = tree(problem, path_cost(problem))
        switched = _switched(problem, paths, solve)
        return _picked_up(problem, paths, switched, solve, asked.backend, gap)


def matrices(found: BlackStart) -> tuple[Linear, Linear]:
    """The programmes of both stages of a plan, stage 2 after the plan's switchings."""
    problem, paths = found.problem, tree(found.problem, path_cost(found.problem))
    ends = {k: t + problem.switch_periods(problem.lines[k]) for k, t in enumerate(found.plan.switch_period) if t >= 0}
    live = _live(problem, paths, ends)
    return placed(switching(problem, paths))[0], placed(pick_up(problem, paths, live))[0]


# ---- stage 1 ----


def _switched(problem: BlackStartProblem, paths: Tree, solve: _Solve) -> Switchings:
    if not paths.before:
        return Switchings(switch_period=(NEVER,) * len(problem.lines), live={problem.source.bus: 0})
    found = _solved(switching(problem, paths), solve)
    if found is None:
        raise refusal(problem, _relaxed(problem, _STAGE_1, lambda one: switching(problem, paths, relaxed=one), solve))
    begun = {k: _first(found, "begun", k, problem.periods) for k in paths.before}
    ends = {k: t + problem.switch_periods(problem.lines[k]) for k, t in begun.items() if t != NEVER}
    live = _live(problem, paths, ends)
    used = {k for k in ends if any(bus in live for bus in paths.behind[k])}
    switch_period = tuple(begun[k] if k in used else NEVER for k in range(len(problem.lines)))
    return Switchings(switch_period=switch_period, live=live)


def _live(problem: BlackStartProblem, paths: Tree, ends: dict[int, int]) -> dict[str, int]:
    return {problem.source.bus: 0} | {bus: ends[k] for bus, k in paths.line_to.items() if k in ends}


# ---- stage 2 ----


def _picked_up(
    problem: BlackStartProblem, paths: Tree, switched: Switchings, solve: _Solve, solver: str, gap: float
) -> BlackStart:
    model = pick_up(problem, paths, switched.live)
    linear, places = placed(model)
    optimum = solve(linear, gap=gap)
    if optimum is None:
        raise refusal(
            problem,
            _relaxed(problem, _STAGE_2, lambda one: pick_up(problem, paths, switched.live, relaxed=one), solve),
        )
    cranked_w = sum(unit.crank_w * problem.crank_periods(unit) for unit in problem.units)
    claimed = (ceil(-optimum.cost * (1 + gap) * MW) - cranked_w) * problem.period_s
    whole = set(linear.binaries)
    chosen = {place: round(optimum.columns[j]) for place, j in places.items() if j in whole}
    exact = solve(_fixed(linear, places, chosen)) or optimum
    found = BlackStart(
        problem=problem, solver=solver, claimed_most_ws=claimed, plan=_whole(problem, switched, _values(places, exact))
    )
    try:
        check(found)
    except BlackStartPlanWrong as wrong:
        inside = placed(pick_up(problem, paths, switched.live, margin=_margin(problem)))
        again = solve(_fixed(*inside, chosen))
        if again is None:
            raise wrong
        found = replace(found, plan=_whole(problem, switched, _values(inside[1], again)))
        check(found)
    return found


def _margin(problem: BlackStartProblem) -> Margin:
    """What rounding each unit down can move at most, in power and over the horizon in content."""
    watts = len(problem.units) + 1
    drawn = watts * problem.periods * problem.period_s / 3600 * 1e6 / problem.source.eta_d_ppm
    return Margin(power_w=watts, energy_wh=ceil(drawn) + 1)


def _fixed(linear: Linear, places: _Places, chosen: dict[_Place, int]) -> Linear:
    """The programme that is left when all binaries are chosen."""
    low, high = list(linear.low), list(linear.high)
    for place, value in chosen.items():
        low[places[place]] = high[places[place]] = float(value)
    return replace(linear, low=tuple(low), high=tuple(high), binaries=())


def _whole(problem: BlackStartProblem, switched: Switchings, found: _Found) -> BlackStartPlan:
    """Units' outputs rounded down, which keeps whole ramps and limits; the battery gives what is then lacking."""
    cranks = tuple(_first(found, "cranks", u, problem.periods) for u in range(len(problem.units)))
    picks = tuple(_first(found, "picks", i, problem.periods) for i in range(len(problem.loads)))
    outputs = tuple(
        _output_w(problem, unit, t, [found["output", (u, k)] for k in range(problem.periods)])
        for u, (unit, t) in enumerate(zip(problem.units, cranks, strict=True))
    )
    wanted = [0] * problem.periods
    for unit, first in zip(problem.units, cranks, strict=True):
        _add(wanted, unit.crank_w, range(first, first + problem.crank_periods(unit)))
    for load, first in zip(problem.loads, picks, strict=True):
        _add(wanted, load.power_w, range(first, problem.periods) if first != NEVER else ())
    battery = tuple(watts - sum(row[t] for row in outputs) for t, watts in enumerate(wanted))
    return BlackStartPlan(
        switch_period=switched.switch_period, crank_period=cranks, pick_up_period=picks, unit_w=outputs,
        battery_w=battery,
    )  # fmt: skip


def _output_w(problem: BlackStartProblem, unit: Unit, first: int, outputs_mw: Iterable[float]) -> tuple[int, ...]:
    ramp, on = problem.ramp_w(unit), first + problem.crank_periods(unit)
    rows: list[int] = []
    for t, power in enumerate(outputs_mw):
        reach, before = max(0, t - on + 1) * ramp, rows[-1] if rows else 0
        low, high = max(min(unit.min_w, reach), before - ramp), min(unit.max_w, reach, before + ramp)
        rows.append(max(low, min(high, floor(power * MW + _NEAR))))
    return tuple(rows)


def _add(series: list[int], watts: int, periods: Iterable[int]) -> None:
    for t in periods:
        series[t] += watts


# ---- what a solver says ----


def _relaxed(
    problem: BlackStartProblem, limits: dict[Relaxed, Kind], build: Callable[[Relaxed], Any], solve: _Solve
) -> tuple[Reason, ...]:
    """Each limit that alone would let a plan be if there were enough more of it, and how much."""
    reasons: list[Reason] = []
    for limit, kind in limits.items():
        found = _solved(build(limit), solve)
        if found is not None:
            unit = 1 if limit is Relaxed.CREWS else MW
            has = _has(problem, limit)
            reasons.append(
                Reason(kind=kind, name="", needs=has + max(1, ceil(found["slack", None] * unit - _NEAR)), has=has)
            )
    return tuple(reasons) or (Reason(kind=Kind.NOTHING_ALONE, name="", needs=0, has=0),)


def _has(problem: BlackStartProblem, limit: Relaxed) -> int:
    source = problem.source
    return {
        Relaxed.CREWS: problem.crews, Relaxed.ABSORB: source.absorb_var, Relaxed.POWER: source.discharge_w,
        Relaxed.ENERGY: source.start_wh, Relaxed.STEP: source.step_w, Relaxed.LOAD: 0,
    }[limit]  # fmt: skip


def _solved(model: Any, solve: _Solve) -> _Found | None:
    linear, places = placed(model)
    found = solve(linear)
    return None if found is None else _values(places, found)


def _values(places: _Places, found: Optimum) -> _Found:
    return {place: found.columns[j] for place, j in places.items()}


def _first(found: _Found, name: str, of: int, periods: int) -> int:
    """The period whose binary is 1, or NEVER. A column that no row and no cost names is not there."""
    return next((t for t in range(periods) if found.get((name, (of, t)), 0.0) > 0.5), NEVER)
