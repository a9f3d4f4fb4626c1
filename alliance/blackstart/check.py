"""Check a black-start plan in exact integers, without a solver and without the code that made it (protocol 9.23.5).

Every limit is recomputed from problem and plan alone, period by period, and so are the net energy and a bound that no
plan whatsoever exceeds. What the solver claims beyond that stays its claim.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from alliance.blackstart.record import MILLION, NEVER, BlackStart, BlackStartPlan, BlackStartProblem, Line, Unit, Weight
from alliance.errors import Refused

_Live = dict[str, int]
"""The period from whose begin on a bus is live."""


@dataclass(kw_only=True, eq=False)
class BlackStartPlanWrong(Refused):
    """A plan breaks a rule: what of which thing, in which period (−1: none), what it is and what the limit is."""

    rule: str
    thing: str
    period: int
    got: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackStartProof:
    """What a checked plan proves; what the solver claims of it is set beside, and is not proved."""

    net_ws: int
    """Energy that the units gave less what cranking drew."""
    proved_most_ws: int
    """No plan gives more, by any path and with any number of crews."""
    claimed_most_ws: int
    """The solver's claim for these switchings."""
    picked_up_w: int
    """Load supplied at the end."""
    live_period: tuple[int, ...]
    """For each bus, from when on it is live."""
    content_wh: tuple[Fraction, ...]
    """Of the source, at the blackout and at each period's end."""

    @property
    def least_content_wh(self) -> Fraction:
        """Never below the reserve."""
        return min(self.content_wh)


def check(found: BlackStart) -> BlackStartProof:
    """Check a plan whole. Raises BlackStartPlanWrong with the first rule that is broken."""
    problem, plan = found.problem, found.plan
    _shape(problem, plan)
    live = _switched(problem, plan)
    _charging(problem, plan)
    _units(problem, plan, live)
    _loads(problem, plan, live)
    _steps(problem, plan)
    contents = _battery(problem, plan)
    _flows(problem, plan, live)
    net = sum(map(sum, plan.unit_w)) - sum(_cranked_w(problem, plan, t) for t in range(problem.periods))
    proved = proved_most_ws(problem)
    _keep("claimed", "", NEVER, found.claimed_most_ws, net * problem.period_s, None)
    return BlackStartProof(
        net_ws=net * problem.period_s,
        proved_most_ws=proved,
        claimed_most_ws=found.claimed_most_ws,
        picked_up_w=_supplied_w(problem, plan, problem.periods - 1),
        live_period=tuple(live.get(bus, NEVER) for bus in problem.buses),
        content_wh=tuple(contents),
    )


def proved_most_ws(problem: BlackStartProblem) -> int:
    """A bound on every plan's net energy, whatever path, crews and step limits: the least of two.

    Each unit cranks as soon as its bus can be live and its time has come, then ramps to its most. In each
    period net energy is also no more than all loads whose buses can be live, and the battery's power to charge.
    """
    first, periods = _distances(problem, problem.switch_periods), range(problem.periods)
    able = [0] * problem.periods
    for unit in problem.units:
        begin = max(first.get(unit.bus, problem.periods), problem.rounded_up(unit.start_least_s))
        on = begin + problem.crank_periods(unit)
        for t in range(on, problem.periods):
            able[t] += min(unit.max_w, problem.ramp_w(unit) * (t - on + 1))
    taken = [sum(load.power_w for load in problem.loads if first.get(load.bus, t + 1) <= t) for t in periods]
    used = sum(min(a, b + problem.source.charge_w) for a, b in zip(able, taken, strict=True))
    cranking = sum(unit.crank_w * problem.crank_periods(unit) for unit in problem.units)
    return min(used, sum(able) - cranking) * problem.period_s


# ---- form ----


def _shape(problem: BlackStartProblem, plan: BlackStartPlan) -> None:
    for name, got, want in (
        ("switch_period", plan.switch_period, len(problem.lines)),
        ("crank_period", plan.crank_period, len(problem.units)),
        ("pick_up_period", plan.pick_up_period, len(problem.loads)),
        ("unit_w", plan.unit_w, len(problem.units)),
        ("battery_w", plan.battery_w, problem.periods),
        *(("unit_w", row, problem.periods) for row in plan.unit_w),
    ):
        _keep("form", name, NEVER, len(got), want, want)
    for name, chosen in (("switch_period", plan.switch_period), ("pick_up_period", plan.pick_up_period)):
        for t in chosen:
            _keep("form", name, NEVER, t, NEVER, problem.periods - 1)


# ---- lines ----


def _switched(problem: BlackStartProblem, plan: BlackStartPlan) -> _Live:
    """When each bus is live: lines begin at a live bus, reach a dead one by least weight, and crews suffice."""
    live: _Live = {problem.source.bus: 0}
    least = _distances(problem, lambda line: _weight(problem, line))
    begun = sorted((t, k) for k, t in enumerate(plan.switch_period) if t != NEVER)
    ends = sorted((t + problem.switch_periods(problem.lines[k]), t, k) for t, k in begun)
    for end, t, k in ends:
        line = problem.lines[k]
        near, far = (line.from_bus, line.to_bus) if line.from_bus in live else (line.to_bus, line.from_bus)
        _keep("neighbour", _name(line), t, live.get(near, problem.periods), None, t)
        _keep("radial", _name(line), t, int(far in live), None, 0)
        _keep("path", _name(line), t, least[near] + _weight(problem, line), None, least[far])
        live[far] = end
    for t in range(problem.periods):
        busy = sum(s <= t < end for end, s, _ in ends)
        _keep("crews", "", t, busy, None, problem.crews)
    return live


def _charging(problem: BlackStartProblem, plan: BlackStartPlan) -> None:
    for t in range(problem.periods):
        var = sum(
            line.charging_var
            for line, s in zip(problem.lines, plan.switch_period, strict=True)
            if s != NEVER and s + problem.switch_periods(line) <= t
        )
        able = problem.source.absorb_var + sum(unit.absorb_var for unit, _ in _on(problem, plan, t))
        _keep("charging", "", t, var, None, able)


def _weight(problem: BlackStartProblem, line: Line) -> int:
    return line.switch_s if problem.weight is Weight.SWITCHING else line.charging_var


def _distances(problem: BlackStartProblem, cost: Callable[[Line], int]) -> dict[str, int]:
    """Least cost of a path from the source to each bus that has one (Bellman and Ford)."""
    found, changed = {problem.source.bus: 0}, True
    while changed:
        changed = False
        for line in problem.lines:
            for a, b in ((line.from_bus, line.to_bus), (line.to_bus, line.from_bus)):
                if a in found and found[a] + cost(line) < found.get(b, found[a] + cost(line) + 1):
                    found[b], changed = found[a] + cost(line), True
    return found


# ---- units and loads ----


def _units(problem: BlackStartProblem, plan: BlackStartPlan, live: _Live) -> None:
    for unit, begin, output in zip(problem.units, plan.crank_period, plan.unit_w, strict=True):
        _keep("live", unit.name, begin, begin, live.get(unit.bus, problem.periods), None)
        _keep("start", unit.name, begin, begin * problem.period_s, unit.start_least_s, unit.start_most_s)
        on = begin + problem.crank_periods(unit)
        _keep("horizon", unit.name, begin, on, None, problem.periods)
        ramp = problem.ramp_w(unit)
        for t, watts in enumerate(output):
            reach = max(0, t - on + 1) * ramp
            _keep("output", unit.name, t, watts, min(unit.min_w, reach), min(unit.max_w, reach))
        for t, (before, after) in enumerate(pairwise(output), start=1):
            _keep("ramp", unit.name, t, after - before, -ramp, ramp)


def _loads(problem: BlackStartProblem, plan: BlackStartPlan, live: _Live) -> None:
    """A load's bus is live, and no load that comes before and is live waits behind it."""
    both = list(zip(problem.loads, plan.pick_up_period, strict=True))
    for load, t in both:
        if t == NEVER:
            continue
        _keep("live", load.name, t, t, live.get(load.bus, problem.periods), None)
        for other, s in both:
            if other.priority < load.priority and live.get(other.bus, problem.periods) <= t:
                _keep("priority", f"{load.name} < {other.name}", t, problem.periods if s == NEVER else s, None, t)


def _steps(problem: BlackStartProblem, plan: BlackStartPlan) -> None:
    """What is added to the load at once stays within what source and running units bear, in 1/10,000 W."""
    for t in range(problem.periods):
        added = sum(load.power_w for load, s in zip(problem.loads, plan.pick_up_period, strict=True) if s == t)
        added += sum(unit.crank_w for unit, s in _cranking(problem, plan, t) if s == t)
        running = sum(unit.max_w for unit, _ in _on(problem, plan, t))
        _keep("step", "", t, added * 10_000, None, problem.source.step_w * 10_000 + problem.step_bp * running)


def _cranking(problem: BlackStartProblem, plan: BlackStartPlan, t: int) -> list[tuple[Unit, int]]:
    both = zip(problem.units, plan.crank_period, strict=True)
    return [(unit, s) for unit, s in both if s <= t < s + problem.crank_periods(unit)]


def _on(problem: BlackStartProblem, plan: BlackStartPlan, t: int) -> list[tuple[Unit, int]]:
    both = zip(problem.units, plan.crank_period, strict=True)
    return [(unit, s) for unit, s in both if s + problem.crank_periods(unit) <= t]


def _cranked_w(problem: BlackStartProblem, plan: BlackStartPlan, t: int) -> int:
    return sum(unit.crank_w for unit, _ in _cranking(problem, plan, t))


# ---- battery and flows ----


def _battery(problem: BlackStartProblem, plan: BlackStartPlan) -> list[Fraction]:
    """The content from the blackout on: the source gives what units do not, within power, window and reserve."""
    source = problem.source
    contents = [Fraction(source.start_wh)]
    for t, watts in enumerate(plan.battery_w):
        wanted = _cranked_w(problem, plan, t) + _supplied_w(problem, plan, t)
        _keep("balance", "", t, watts + sum(row[t] for row in plan.unit_w), wanted, wanted)
        _keep("power", "", t, watts, -source.charge_w, source.discharge_w)
        rate = Fraction(MILLION, source.eta_d_ppm) if watts > 0 else Fraction(source.eta_c_ppm, MILLION)
        contents.append(contents[-1] - watts * rate * problem.period_s / 3600)
        _keep("content", "", t, contents[-1], source.reserve_wh, source.energy_max_wh)
    return contents


def _supplied_w(problem: BlackStartProblem, plan: BlackStartPlan, t: int) -> int:
    both = zip(problem.loads, plan.pick_up_period, strict=True)
    return sum(load.power_w for load, s in both if s != NEVER and s <= t)


def _flows(problem: BlackStartProblem, plan: BlackStartPlan, live: _Live) -> None:
    """What is behind a line passes over it: the live network is a tree, losses neglected."""
    lines = [line for line, s in zip(problem.lines, plan.switch_period, strict=True) if s != NEVER]
    lines.sort(key=lambda line: max(live[line.from_bus], live[line.to_bus]), reverse=True)
    for t in range(problem.periods):
        need = dict.fromkeys(problem.buses, 0)
        for load, s in zip(problem.loads, plan.pick_up_period, strict=True):
            need[load.bus] += load.power_w if NEVER < s <= t else 0
        for unit, _ in _cranking(problem, plan, t):
            need[unit.bus] += unit.crank_w
        for unit, output in zip(problem.units, plan.unit_w, strict=True):
            need[unit.bus] -= output[t]
        for line in lines:
            near, far = sorted((line.from_bus, line.to_bus), key=live.__getitem__)
            _keep("line", _name(line), t, need[far], -line.limit_w, line.limit_w)
            need[near] += need[far]


def _name(line: Line) -> str:
    return f"{line.from_bus}–{line.to_bus}"


def _keep(
    rule: str, thing: str, period: int, got: Fraction | int, low: Fraction | int | None, high: Fraction | int | None
) -> None:
    if (low is None or low <= got) and (high is None or got <= high):
        return
    limit = f"{'' if low is None else low}…{'' if high is None else high}"
    raise BlackStartPlanWrong(rule=rule, thing=thing, period=period, got=str(got), limit=limit)
