"""The two stages of a black start in Pyomo, one function a constraint, its equation in the docstring (protocol 9.23).

Stage 1, for each line l of the restoration paths and period t: x = 1 where a crew begins; D its switching, P the line
before, Σ≤t the sum over all periods to t. Stage 2, powers in MW, energies in MWh: y = 1 where unit u begins to crank, Y
from then on (C periods at K), p its output; w = 1 where load i is picked up, W from then on; d, c, e the source's
discharge, charge and content; z = 1 where it charges.

A `Relaxed` limit gets a slack, which is then all that is minimised: how much more of it would do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyomo.environ as pyo

from alliance.blackstart.paths import path_to, reached
from alliance.blackstart.record import BlackStartProblem, Line, Unit

MW = 1_000_000


class Relaxed(StrEnum):
    """A limit that may give way, to say by how much it is too tight."""

    CREWS = "crews"
    ABSORB = "absorb"
    POWER = "power"
    ENERGY = "energy"
    STEP = "step"
    LOAD = "load"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The restoration paths as a tree: for each line that is needed the one before (None: it begins at the source)."""

    before: dict[int, int | None]
    behind: dict[int, frozenset[str]]
    """For each line the buses that it feeds."""
    line_to: dict[str, int]
    """The last line to each bus with a unit or load; not the source's own."""


def tree(problem: BlackStartProblem, cost: Any) -> Tree:
    """The least paths to all units and loads that can be reached."""
    found = reached(problem, cost)
    wanted = {unit.bus for unit in problem.units} | {load.bus for load in problem.loads}
    paths = {bus: path_to(found, bus) for bus in sorted(wanted & set(found))}
    before = {k: path[at - 1] if at else None for path in paths.values() for at, k in enumerate(path)}
    behind = {k: frozenset(bus for bus, path in paths.items() if k in path) for k in before}
    return Tree(before=dict(sorted(before.items())), behind=behind, line_to={b: p[-1] for b, p in paths.items() if p})


# ---- stage 1 ----


def switching(problem: BlackStartProblem, paths: Tree, *, relaxed: Relaxed | None = None) -> pyo.Model:
    """Stage 1: units live earliest, then loads; a load's line may be left out, at the cost of the whole horizon."""
    m = pyo.ConcreteModel()
    m.problem, m.paths = problem, paths
    m.T = pyo.RangeSet(0, problem.periods - 1)
    m.L = pyo.Set(initialize=list(paths.before), ordered=True)
    m.begun = pyo.Var(m.L, m.T, domain=pyo.Binary, bounds=_begin_box)
    m.slack = pyo.Var(bounds=(0, None if relaxed else 0))
    m.zero = pyo.Var(bounds=(0, 0))
    m.relaxed = relaxed
    m.once = pyo.Constraint(m.L, rule=once)
    m.neighbour = pyo.Constraint(m.L, m.T, rule=neighbour)
    m.crews = pyo.Constraint(m.T, rule=crews)
    m.charging = pyo.Constraint(m.T, rule=charging)
    m.in_time = pyo.Constraint(range(len(problem.units)), rule=in_time)
    m.cost = pyo.Objective(expr=m.slack if relaxed else lateness(m), sense=pyo.minimize)
    return m


def once(m: pyo.Model, k: int) -> Any:
    """Σt x ≤ 1"""
    return sum(m.begun[k, t] for t in m.T) <= 1


def neighbour(m: pyo.Model, k: int, t: int) -> Any:
    """Σ≤t x_l ≤ Σ≤t−D x_P: a line begins at a live bus"""
    before = m.paths.before[k]
    if before is None:
        return pyo.Constraint.Skip
    return _so_far(m, k, t) <= _live(m, before, t)


def crews(m: pyo.Model, t: int) -> Any:
    """Σl Σ(t−D<s≤t) x ≤ crews"""
    spans = {k: range(max(0, t - m.problem.switch_periods(m.problem.lines[k]) + 1), t + 1) for k in m.L}
    busy = sum(m.begun[k, s] for k, span in spans.items() for s in span)
    return busy <= m.problem.crews + _slack(m, Relaxed.CREWS)


def charging(m: pyo.Model, t: int) -> Any:
    """Σl Q_l Σ≤t−D x ≤ what source and those units absorb which are surely on, in Mvar"""
    var = _sum(m, (m.problem.lines[k].charging_var / MW * _live(m, k, t) for k in m.L))
    able = m.problem.source.absorb_var + sum(u.absorb_var for u in m.problem.units if surely_on(m.problem, u) <= t)
    return var <= able / MW + _slack(m, Relaxed.ABSORB)


def in_time(m: pyo.Model, u: int) -> Any:
    """Σ x over periods after which the bus is live by the unit's last start = 1"""
    unit: Unit = m.problem.units[u]
    if unit.bus not in m.paths.line_to:
        return pyo.Constraint.Skip
    return _live(m, m.paths.line_to[unit.bus], last_start(m.problem, unit)) == 1


def lateness(m: pyo.Model) -> Any:
    """Σ units' (periods until live), times more than all loads' together can be, + Σ loads'"""
    periods, line_to = m.problem.periods, m.paths.line_to
    units = _sum(m, (_waiting(m, line_to[unit.bus]) for unit in m.problem.units if unit.bus in line_to))
    loads = sum(_waiting(m, line_to[load.bus]) for load in m.problem.loads if load.bus in line_to)
    return (len(m.problem.loads) * periods + 1) * units + loads


def surely_on(problem: BlackStartProblem, unit: Unit) -> int:
    """The period from which a unit is on in every plan."""
    return last_start(problem, unit) + problem.crank_periods(unit)


def last_start(problem: BlackStartProblem, unit: Unit) -> int:
    """The last period in which a unit can begin to crank, and be on within the horizon."""
    return min(unit.start_most_s // problem.period_s, problem.periods - problem.crank_periods(unit))


def _so_far(m: pyo.Model, k: int, t: int) -> Any:
    return _sum(m, (m.begun[k, s] for s in range(t + 1)))


def _live(m: pyo.Model, k: int, t: int) -> Any:
    """Whether a line's far bus is live in a period."""
    return _so_far(m, k, min(t, m.problem.periods) - m.problem.switch_periods(m.problem.lines[k]))


def _waiting(m: pyo.Model, k: int) -> Any:
    """Periods until a line's far bus is live; the whole horizon if it never is."""
    line: Line = m.problem.lines[k]
    left = {t: m.problem.periods - t - m.problem.switch_periods(line) for t in m.T}
    return m.problem.periods - sum(max(0, periods) * m.begun[k, t] for t, periods in left.items())


def _begin_box(m: pyo.Model, k: int, t: int) -> tuple[int, int]:
    """Only if its far bus is then live within the horizon."""
    return 0, int(t + m.problem.switch_periods(m.problem.lines[k]) < m.problem.periods)


def _sum(m: pyo.Model, terms: Iterable[Any]) -> Any:
    """A sum that is an expression even without terms."""
    return sum(terms, m.zero)


def _slack(m: pyo.Model, limit: Relaxed) -> Any:
    return m.slack if m.relaxed is limit else 0


# ---- stage 2 ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """How far inside its limits the continuous part stays, so that whole watts keep them."""

    power_w: int = 0
    energy_wh: int = 0


def pick_up(
    problem: BlackStartProblem, paths: Tree, live: dict[str, int], *,
    relaxed: Relaxed | None = None, margin: Margin | None = None,
) -> pyo.Model:  # fmt: skip
    """Stage 2: when units crank and loads are picked up, given from when each bus is live."""
    m = pyo.ConcreteModel()
    m.problem, m.paths, m.live, m.relaxed, m.margin = problem, paths, live, relaxed, margin or Margin()
    m.T = pyo.RangeSet(0, problem.periods - 1)
    m.U, m.I = pyo.RangeSet(0, len(problem.units) - 1), pyo.RangeSet(0, len(problem.loads) - 1)
    m.cranks = pyo.Var(m.U, m.T, domain=pyo.Binary, bounds=_crank_box)
    m.picks = pyo.Var(m.I, m.T, domain=pyo.Binary, bounds=_pick_box)
    m.cranked = pyo.Var(m.U, m.T, bounds=_cranked_box)
    m.picked = pyo.Var(m.I, m.T, bounds=(0, 1))
    m.charges = pyo.Var(m.T, domain=pyo.Binary)
    m.output = pyo.Var(m.U, m.T, bounds=lambda m, u, _: (0, m.problem.units[u].max_w / MW))
    m.discharge = pyo.Var(m.T, bounds=(0, None))
    m.charge = pyo.Var(m.T, bounds=(0, None))
    m.content = pyo.Var(m.T, bounds=_content_box(m))
    m.slack = pyo.Var(bounds=_slack_box(problem, relaxed))
    m.zero = pyo.Var(bounds=(0, 0))
    m.dump = pyo.Var(m.T, bounds=(0, None if relaxed is Relaxed.LOAD else 0))
    for rule in (started, ramped_most, ramped_least, ramp_up, ramp_down, balance, store, gives, takes, one_way, step):
        places = (m.U, m.T) if rule in (started, ramped_most, ramped_least, ramp_up, ramp_down) else (m.T,)
        setattr(m, rule.__name__, pyo.Constraint(*places, rule=rule))
    m.kept = pyo.Constraint(m.I, m.T, rule=kept)
    m.priority = pyo.Constraint(m.I, m.I, m.T, rule=priority)
    m.over = pyo.Constraint(sorted(paths.before), m.T, rule=over)
    m.back = pyo.Constraint(sorted(paths.before), m.T, rule=back)
    m.dumped = pyo.Constraint(m.T, rule=lambda m, t: m.dump[t] <= m.slack)
    m.cost = pyo.Objective(expr=m.slack if relaxed else -generated(m), sense=pyo.minimize)
    return m


def started(m: pyo.Model, u: int, t: int) -> Any:
    """Y_t = Y_t−1 + y_t; Y is 1 from the unit's last time on"""
    return m.cranked[u, t] == _began(m, u, t - 1) + m.cranks[u, t]


def kept(m: pyo.Model, i: int, t: int) -> Any:
    """W_t = W_t−1 + w_t: what is picked up stays"""
    return m.picked[i, t] == (m.picked[i, t - 1] if t else 0) + m.picks[i, t]


def ramped_most(m: pyo.Model, u: int, t: int) -> Any:
    """p_t ≤ min(Pmax, R · periods since it came on): the ramp curve"""
    return m.output[u, t] <= _curve(m, u, t, m.problem.units[u].max_w)


def ramped_least(m: pyo.Model, u: int, t: int) -> Any:
    """p_t ≥ min(Pmin, R · periods since it came on)"""
    return m.output[u, t] >= _curve(m, u, t, m.problem.units[u].min_w)


def ramp_up(m: pyo.Model, u: int, t: int) -> Any:
    """p_t − p_t−1 ≤ R"""
    return pyo.Constraint.Skip if t == 0 else m.output[u, t] - m.output[u, t - 1] <= _ramp(m, u)


def ramp_down(m: pyo.Model, u: int, t: int) -> Any:
    """p_t−1 − p_t ≤ R"""
    return pyo.Constraint.Skip if t == 0 else m.output[u, t - 1] - m.output[u, t] <= _ramp(m, u)


def balance(m: pyo.Model, t: int) -> Any:
    """Σ p + d − c = Σ K (Y_t − Y_t−C) + Σ P W_t: cranking power comes from the source and units that are on"""
    given = sum(m.output[u, t] for u in m.U) + m.discharge[t] - m.charge[t]
    wanted = sum(_cranking(m, u, t) for u in m.U) + sum(_supplied(m, i, t) for i in m.I)
    return given == wanted + m.dump[t]


def store(m: pyo.Model, t: int) -> Any:
    """e_t = e_t−1 + ηc c dt − d dt/ηd"""
    source, hours = m.problem.source, m.problem.period_s / 3600
    before = m.content[t - 1] if t else source.start_wh / MW + _slack(m, Relaxed.ENERGY)
    gained = source.eta_c_ppm / 1e6 * m.charge[t] - 1e6 / source.eta_d_ppm * m.discharge[t]
    return m.content[t] == before + hours * gained


def gives(m: pyo.Model, t: int) -> Any:
    """d ≤ Pd (1 − z)"""
    most = max(0, m.problem.source.discharge_w - m.margin.power_w) / MW
    return m.discharge[t] <= most * (1 - m.charges[t]) + _slack(m, Relaxed.POWER)


def takes(m: pyo.Model, t: int) -> Any:
    """c ≤ Pc z"""
    return m.charge[t] <= max(0, m.problem.source.charge_w - m.margin.power_w) / MW * m.charges[t]


def one_way(m: pyo.Model, t: int) -> Any:
    """d ≤ (all there is) (1 − z), where more than Pd may be given"""
    if m.relaxed is not Relaxed.POWER:
        return pyo.Constraint.Skip
    most = sum(unit.crank_w for unit in m.problem.units) + sum(one.power_w for one in m.problem.loads)
    return m.discharge[t] <= most / MW * (1 - m.charges[t])


def step(m: pyo.Model, t: int) -> Any:
    """Σ K y_t + Σ P w_t ≤ step + share · Σ Pmax Y_t−C: frequency and voltage keep their band"""
    units, loads = m.problem.units, m.problem.loads
    added = _sum(m, (units[u].crank_w / MW * m.cranks[u, t] for u in m.U))
    added += sum(loads[i].power_w / MW * m.picks[i, t] for i in m.I)
    running = sum(unit.max_w / MW * _began(m, u, t - m.problem.crank_periods(unit)) for u, unit in enumerate(units))
    return added <= m.problem.source.step_w / MW + m.problem.step_bp / 10_000 * running + _slack(m, Relaxed.STEP)


def priority(m: pyo.Model, i: int, j: int, t: int) -> Any:
    """w_i,t ≤ W_j,t where j comes before i and is live"""
    mine, other = m.problem.loads[i], m.problem.loads[j]
    if other.priority >= mine.priority or max(m.live.get(one.bus, t + 1) for one in (mine, other)) > t:
        return pyo.Constraint.Skip
    return m.picks[i, t] <= m.picked[j, t]


def over(m: pyo.Model, k: int, t: int) -> Any:
    """What the buses behind a line need is at most its limit"""
    return _passed(m, k, t) <= max(0, m.problem.lines[k].limit_w - m.margin.power_w) / MW


def back(m: pyo.Model, k: int, t: int) -> Any:
    """What the buses behind a line give is at most its limit"""
    return -_passed(m, k, t) <= max(0, m.problem.lines[k].limit_w - m.margin.power_w) / MW


def generated(m: pyo.Model) -> Any:
    """Σt Σu p, MW · periods; Σ (p − cranking) is this less a constant, for each unit cranks once"""
    return _sum(m, (m.output[u, t] for u in m.U for t in m.T))


def _passed(m: pyo.Model, k: int, t: int) -> Any:
    """Power over a line towards the buses behind it."""
    behind: frozenset[str] = m.paths.behind[k]
    units = [u for u in m.U if m.problem.units[u].bus in behind]
    loads = [i for i in m.I if m.problem.loads[i].bus in behind]
    drawn = _sum(m, (_cranking(m, u, t) - m.output[u, t] for u in units))
    return drawn + sum(_supplied(m, i, t) for i in loads)


def _curve(m: pyo.Model, u: int, t: int, most_w: int) -> Any:
    """What the ramp reaches of some output: each period since it came on adds its part."""
    unit: Unit = m.problem.units[u]
    ramp, on = m.problem.ramp_w(unit), t - m.problem.crank_periods(unit)
    parts = ((s, min(most_w, ramp * (on - s + 1)) - min(most_w, ramp * (on - s))) for s in range(on + 1))
    return _sum(m, (watts / MW * m.cranked[u, s] for s, watts in parts if watts))


def _began(m: pyo.Model, u: int, t: int) -> Any:
    return m.cranked[u, t] if t >= 0 else 0


def _cranking(m: pyo.Model, u: int, t: int) -> Any:
    unit: Unit = m.problem.units[u]
    return unit.crank_w / MW * (_began(m, u, t) - _began(m, u, t - m.problem.crank_periods(unit)))


def _supplied(m: pyo.Model, i: int, t: int) -> Any:
    return m.problem.loads[i].power_w / MW * m.picked[i, t]


def _ramp(m: pyo.Model, u: int) -> float:
    problem: BlackStartProblem = m.problem
    return problem.ramp_w(problem.units[u]) / MW


def _crank_box(m: pyo.Model, u: int, t: int) -> tuple[int, int]:
    """Only once its bus is live and its time has come, and by its last time."""
    unit: Unit = m.problem.units[u]
    first = max(m.live.get(unit.bus, m.problem.periods), m.problem.rounded_up(unit.start_least_s))
    return 0, int(first <= t <= last_start(m.problem, unit))


def _cranked_box(m: pyo.Model, u: int, t: int) -> tuple[int, int]:
    return int(t >= last_start(m.problem, m.problem.units[u])), 1


def _pick_box(m: pyo.Model, i: int, t: int) -> tuple[int, int]:
    return 0, int(m.live.get(m.problem.loads[i].bus, m.problem.periods) <= t)


def _content_box(m: pyo.Model) -> tuple[float, float]:
    """Never into the reserve, never above the most"""
    source, inside = m.problem.source, m.margin.energy_wh
    most = max(source.reserve_wh, source.energy_max_wh - inside)
    return min(source.energy_max_wh, source.reserve_wh + inside) / MW, most / MW


def _slack_box(problem: BlackStartProblem, relaxed: Relaxed | None) -> tuple[float, float | None]:
    """Nothing where no limit gives way; energy only as far as the battery holds it."""
    room = (problem.source.energy_max_wh - problem.source.start_wh) / MW
    return 0.0, None if relaxed not in (None, Relaxed.ENERGY) else room if relaxed else 0.0
