"""Small black starts for tests, and what is best in them by trying everything: written apart from the planner."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from random import Random

from alliance.blackstart.record import BlackStartProblem, Line, Load, Source, Unit, Weight

QUANTUM_W = 60_000
"""Over a period of 60 s it is 1,000 Wh: in tiny problems all powers and energies are multiples of these."""
PERIOD_S = 60
QUANTUM_WH = 1_000
FAR_W = 10**9

Live = dict[str, int]


def line(one: str, other: str, *, periods: int = 1, var: int = 0, limit_w: int = FAR_W) -> Line:
    return Line(from_bus=one, to_bus=other, switch_s=periods * PERIOD_S, charging_var=var, limit_w=limit_w)


def tiny(seed: int, *, fast: bool) -> BlackStartProblem:
    """At most four lines, two units, two loads, without losses; `fast` units reach their most in one period."""
    chance = Random(seed)
    q, buses = QUANTUM_W, ("S", "A", "B", "C")
    pairs = [*[("S", "A"), ("A", "B"), ("S", "B"), ("B", "C")][: chance.randint(2, 4)], ("A", "C")]
    lines = tuple(
        line(a, b, periods=chance.randint(1, 2), var=chance.randint(0, 3) * q, limit_w=chance.choice((3 * q, FAR_W)))
        for a, b in pairs
    )
    units = tuple(_tiny_unit(chance, k, fast) for k in range(chance.randint(1, 2)))
    loads = tuple(
        Load(
            name=f"L{k}", bus=chance.choice(buses[1:]), priority=chance.randint(1, 2), power_w=chance.randint(1, 3) * q
        )
        for k in range(2)
    )
    source = Source(
        bus="S", discharge_w=chance.randint(1, 3) * q, charge_w=chance.randint(0, 2) * q, energy_max_wh=9 * QUANTUM_WH,
        start_wh=chance.randint(3, 8) * QUANTUM_WH, reserve_wh=chance.randint(0, 3) * QUANTUM_WH, eta_c_ppm=1_000_000,
        eta_d_ppm=1_000_000, absorb_var=chance.randint(2, 9) * q, step_w=chance.randint(1, 4) * q,
    )  # fmt: skip
    return BlackStartProblem(
        periods=7, period_s=PERIOD_S, crews=chance.randint(1, 2), weight=chance.choice(tuple(Weight)), step_bp=5_000,
        buses=buses, lines=lines, source=source, units=units, loads=loads,
    )  # fmt: skip


def _tiny_unit(chance: Random, k: int, fast: bool) -> Unit:
    most, q = chance.randint(2, 4), QUANTUM_W
    return Unit(
        name=f"G{k}", bus=chance.choice("AC" if k else "BC"), crank_w=chance.randint(1, 2) * q,
        crank_s=chance.randint(1, 2) * PERIOD_S, min_w=chance.randint(0, 1) * q, max_w=most * q,
        ramp_w_per_min=(most if fast else 1) * q, start_least_s=chance.randint(0, 1) * PERIOD_S,
        start_most_s=chance.randint(3, 6) * PERIOD_S, absorb_var=chance.randint(0, 3) * q,
    )  # fmt: skip


def network(chance: Random, *, buses: int = 7, units: int = 2, loads: int = 4) -> BlackStartProblem:
    """A random network with losses and figures of all kinds, larger than what can be tried out."""
    names = tuple(f"b{k}" for k in range(buses))
    trunk = [(names[chance.randrange(k)], names[k]) for k in range(1, buses)]
    more = [tuple(chance.sample(names, 2)) for _ in range(3)]
    lines = tuple(
        Line(from_bus=a, to_bus=b, switch_s=chance.randrange(1, 1_500), charging_var=chance.randrange(2_000_000),
             limit_w=chance.randrange(15_000_000, 60_000_000))
        for a, b in (*trunk, *more)
    )  # fmt: skip
    capacity = chance.randrange(2_000_000, 6_000_000)
    reserve = chance.randrange(capacity // 3)
    start = chance.randrange(reserve, capacity + 1)
    power = chance.randrange(1_000_000, 6_000_000)
    source = Source(
        bus=names[0], discharge_w=power, charge_w=power, energy_max_wh=capacity, start_wh=start,
        reserve_wh=reserve, eta_c_ppm=chance.randrange(900_000, 1_000_001),
        eta_d_ppm=chance.randrange(900_000, 1_000_001), absorb_var=chance.randrange(4_000_000, 12_000_000),
        step_w=chance.randrange(1_000_000, 5_000_000),
    )  # fmt: skip
    return BlackStartProblem(
        periods=12, period_s=600, crews=chance.randint(1, 3), weight=chance.choice(tuple(Weight)), step_bp=500,
        buses=names, lines=lines, source=source,
        units=tuple(_unit(chance, k, names) for k in range(units)),
        loads=tuple(
            Load(name=f"L{k}", bus=chance.choice(names), priority=chance.randint(1, 3),
                 power_w=chance.randrange(500_000, 4_000_000))
            for k in range(loads)
        ),
    )  # fmt: skip


def _unit(chance: Random, k: int, buses: tuple[str, ...]) -> Unit:
    most = chance.randrange(6_000_000, 30_000_000)
    return Unit(
        name=f"G{k}", bus=chance.choice(buses), crank_w=chance.randrange(300_000, 2_500_000),
        crank_s=chance.randrange(300, 1_800), min_w=most // chance.randrange(3, 12), max_w=most,
        ramp_w_per_min=chance.randrange(100_000, 900_000), start_least_s=chance.randrange(0, 1_200),
        start_most_s=chance.randrange(3_600, 7_200), absorb_var=chance.randrange(5_000_000),
    )  # fmt: skip


# ---- by trying everything ----


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """The lines of the restoration paths, each with the one before and its far bus."""

    before: dict[int, int | None]
    far: dict[int, str]


def simple_paths(problem: BlackStartProblem, bus: str) -> Iterator[tuple[int, ...]]:
    """Every path without a circle from the source."""

    def onward(here: str, seen: frozenset[str], lines: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if here == bus:
            yield lines
            return
        for k, one in enumerate(problem.lines):
            if here in (one.from_bus, one.to_bus):
                other = one.to_bus if one.from_bus == here else one.from_bus
                if other not in seen:
                    yield from onward(other, seen | {other}, (*lines, k))

    yield from onward(problem.source.bus, frozenset({problem.source.bus}), ())


def best_switchings(problem: BlackStartProblem, fed: Fed) -> list[Live]:
    """When buses are live in each schedule that has units, then loads, live earliest; none if no schedule does."""
    found: list[tuple[tuple[int, int], Live]] = []
    lines = sorted(fed.before)
    for begun in product((None, *range(problem.periods)), repeat=len(lines)):
        live = _live(problem, fed, dict(zip(lines, begun, strict=True)))
        if live is None:
            continue
        periods = problem.periods
        units = sum(live.get(unit.bus, periods) for unit in problem.units)
        loads = sum(live.get(load.bus, periods) for load in problem.loads)
        found.append(((units, loads), live))
    least = min((rank for rank, _ in found), default=None)
    return [live for rank, live in found if rank == least]


def _live(problem: BlackStartProblem, fed: Fed, begun: dict[int, int | None]) -> Live | None:
    ends = {k: t + problem.lines[k].switch_s // problem.period_s for k, t in begun.items() if t is not None}
    for k in ends:
        t, before = begun[k], fed.before[k]
        if ends[k] >= problem.periods or (before is not None and ends.get(before, problem.periods) > t):
            return None
    live = {problem.source.bus: 0} | {fed.far[k]: end for k, end in ends.items()}
    last = {
        unit.name: min(unit.start_most_s, problem.period_s * problem.periods - unit.crank_s) // problem.period_s
        for unit in problem.units
    }
    if any(live.get(unit.bus, problem.periods) > last[unit.name] for unit in problem.units):
        return None
    for t in range(problem.periods):
        sure = [unit for unit in problem.units if last[unit.name] + unit.crank_s // problem.period_s <= t]
        absorb = problem.source.absorb_var + sum(unit.absorb_var for unit in sure)
        if sum(problem.lines[k].charging_var for k, end in ends.items() if end <= t) > absorb:
            return None
        if sum(begun[k] <= t < end for k, end in ends.items()) > problem.crews:
            return None
    return live


def most_generated(problem: BlackStartProblem, live: Live, fed: Fed, *, quantum_w: int = QUANTUM_W) -> int | None:
    """Most of Σ output in quanta · periods, outputs in whole quanta, over all decisions; None if there is no plan."""
    q, units, loads, source = quantum_w, problem.units, problem.loads, problem.source
    period_s, quantum_wh = problem.period_s, quantum_w * problem.period_s // 3600

    def behind(k: int) -> set[str]:
        inner = [n for n, before in fed.before.items() if before == k]
        return {fed.far[k]}.union(*(behind(n) for n in inner))

    limited = [(behind(k), problem.lines[k].limit_w // q) for k in fed.before if problem.lines[k].limit_w < FAR_W]

    @cache
    def best(
        t: int, begun: tuple[int, ...], before: tuple[int, ...], picked: tuple[bool, ...], content: int
    ) -> int | None:
        if t == problem.periods:
            return 0
        most: int | None = None
        for starts, picks in product(_starts(t, begun), _picks(t, picked)):
            now = tuple(t if start else s for start, s in zip(starts, begun, strict=True))
            have = tuple(a or b for a, b in zip(picked, picks, strict=True))
            on = [s >= 0 and s + u.crank_s // period_s <= t for u, s in zip(units, now, strict=True)]
            added = sum(u.crank_w for u, start in zip(units, starts, strict=True) if start)
            added += sum(one.power_w for one, pick in zip(loads, picks, strict=True) if pick)
            running = sum(u.max_w for u, is_on in zip(units, on, strict=True) if is_on)
            if 10_000 * added > 10_000 * source.step_w + problem.step_bp * running:
                continue
            wanted = sum(one.power_w // q for one, there in zip(loads, have, strict=True) if there)
            cranking = [(s >= 0 and not is_on) * (u.crank_w // q) for u, s, is_on in zip(units, now, on, strict=True)]
            wanted += sum(cranking)
            for outputs in product(*(_outputs(u, s, p, t) for u, s, p in zip(units, now, before, strict=True))):
                battery = wanted - sum(outputs)
                left = content - battery
                if not -(source.charge_w // q) <= battery <= source.discharge_w // q:
                    continue
                if not source.reserve_wh // quantum_wh <= left <= source.energy_max_wh // quantum_wh:
                    continue
                if limited:
                    need = dict.fromkeys(problem.buses, 0)
                    for one, there in zip(loads, have, strict=True):
                        need[one.bus] += there * (one.power_w // q)
                    for u, drawn, p in zip(units, cranking, outputs, strict=True):
                        need[u.bus] += drawn - p
                    if any(abs(sum(need[bus] for bus in inner)) > limit for inner, limit in limited):
                        continue
                after = best(t + 1, now, outputs, have, left)
                if after is not None:
                    most = max(sum(outputs) + after, -1 if most is None else most)
        return most

    def _starts(t: int, begun: tuple[int, ...]) -> Iterator[tuple[bool, ...]]:
        options = []
        for u, s in zip(units, begun, strict=True):
            first = max(live.get(u.bus, problem.periods), u.start_least_s // period_s)
            last = min(u.start_most_s // period_s, problem.periods - u.crank_s // period_s)
            may = s < 0 and first <= t <= last
            options.append(((True,) if t == last else (False, True)) if may else (False,))
            if s < 0 and t > last:
                return
        yield from product(*options)

    def _picks(t: int, picked: tuple[bool, ...]) -> Iterator[tuple[bool, ...]]:
        for picks in product((False, True), repeat=len(loads)):
            if any(
                p and (h or live.get(one.bus, problem.periods) > t)
                for p, h, one in zip(picks, picked, loads, strict=True)
            ):
                continue
            waiting = [
                other.priority for other, h, p in zip(loads, picked, picks, strict=True)
                if not h and not p and live.get(other.bus, problem.periods) <= t
            ]  # fmt: skip
            if all(
                min(waiting, default=one.priority) >= one.priority for one, p in zip(loads, picks, strict=True) if p
            ):
                yield picks

    def _outputs(u: Unit, s: int, before: int, t: int) -> range:
        ramp, on = u.ramp_w_per_min * period_s // 60 // q, s + u.crank_s // period_s
        if s < 0 or t < on:
            return range(1)
        reach = ramp * (t - on + 1)
        low, high = min(u.min_w // q, reach), min(u.max_w // q, reach)
        return range(max(low, before - ramp), min(high, before + ramp) + 1)

    begun = tuple(-1 for _ in units)
    return best(0, begun, tuple(0 for _ in units), tuple(False for _ in loads), source.start_wh // quantum_wh)
