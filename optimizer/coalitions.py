"""What each coalition could do for itself: its linear optimum c(S), microcents (protocol 9.11).

Groups of PCCs share nothing, so c(S) is the sum over billing groups of what S's holders there need, and each group is
solved only for the different sets of holders. Within a group one programme is walked through those sets.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from alliance.certificate import MICRO, Certificate
from alliance.errors import Refused
from alliance.gain import Coalition, bounds_microcents, certified_costs, possible_microcents
from alliance.identity import MemberId, StationId
from optimizer.linear import Job, Linear, Optimum, Walk, compiled
from optimizer.model import build
from optimizer.plan import BOTH_WAYS_WH, Key, drafts
from optimizer.problem import GroupTariff, Part, Problem, kwh, parts
from optimizer.solver import SolverProcess, SolverSettings

A_CALL = 128
"""Sets of holders that one call of the solver's process walks through, within its time limit."""
TOLERANCE_MICROCENTS = 10_000
"""By so much, or by 10⁻⁷ of it, the solver's cost may miss what is possible; it is then moved there."""

Told = Callable[[int, int], None]
"""Told how many sets of holders are solved, of how many."""


@dataclass(kw_only=True, eq=False)
class CostImplausible(Refused):
    """The solver's cost of a coalition lies outside what plan and members alone make possible."""

    members: Coalition
    cost_microcents: int
    low_microcents: int
    high_microcents: int


@dataclass(kw_only=True, eq=False)
class CoalitionStuck(Refused):
    """A coalition has no plan at all, although each of its members has one."""

    members: Coalition


def coalition_costs(
    certificate: Certificate,
    coalitions: Iterable[Coalition],
    *,
    settings: SolverSettings | None = None,
    told: Told | None = None,
) -> dict[Coalition, int]:
    """c(S) of coalitions that hold all of their members' parts, in the order given, for `alliance.gain.record`.

    Each member alone and all together are as the certificate proves them; the others are the solver's optimum, moved
    by less than `TOLERANCE_MICROCENTS` into what those make possible.
    Raises CostImplausible, CoalitionStuck, PriceOutside, or the solver's errors.
    """
    problem, groups = certificate.problem, list(coalitions)
    bounds = bounds_microcents(certificate)
    certified, least = certified_costs(certificate, bounds), dict(zip(problem.members, bounds, strict=True))
    solved = solved_costs(problem, [g for g in groups if g not in certified], settings=settings, told=told)
    costs = dict(certified)
    for group in sorted(solved, key=len):
        costs[group] = _plausible(group, round(solved[group] * MICRO), *possible_microcents(group, costs, least))
    return {group: costs[group] for group in groups}


def solved_costs(
    problem: Problem,
    coalitions: Sequence[Coalition],
    *,
    settings: SolverSettings | None = None,
    told: Told | None = None,
) -> dict[Coalition, float]:
    """The same as the solver has it, in cents. Raises CoalitionStuck or the solver's errors."""
    held, total = parts(problem), dict.fromkeys(coalitions, 0.0)
    walks = [_walk(problem, [p for p in held if p.station in g.group.stations], coalitions) for g in problem.groups]
    sets, done = sum(len(players) for players, _ in walks), 0
    with SolverProcess() as process:
        for players, walk in walks:
            costs: list[float | None] = []
            for first in range(0, len(walk.groups), A_CALL):
                piece = replace(walk, groups=walk.groups[first : first + A_CALL])
                costs += process.solve_walk(piece, settings=settings or SolverSettings())
                if told is not None:
                    told(done + len(costs), sets)
            done += len(costs)
            of_set = dict(zip(walk.groups, costs, strict=True))
            for group in coalitions:
                cost = of_set.get(_present(group, players), 0.0)
                if cost is None:
                    raise CoalitionStuck(members=group)
                total[group] += cost
    return total


def costs_without_leases_outside(
    problem: Problem, coalitions: Sequence[Coalition], *, settings: SolverSettings | None = None
) -> dict[Coalition, float | None]:
    """c(S) in cents if leases between S and the rest ended: power, energy and content are their owners' again.

    None: S has no such plan.
    """
    settings = settings or SolverSettings()
    own = {group: _own_problem(problem, group) for group in coalitions}
    jobs = {g: Job(linear=compiled(build(p, parts(p)))) for g, p in own.items() if p is not None}
    with SolverProcess() as process:
        answers = process.solve(list(jobs.values()), settings=settings)
    found: dict[Coalition, float | None] = dict.fromkeys(coalitions, 0.0)
    for group, answer in zip(jobs, answers, strict=True):
        found[group] = answer.cost if isinstance(answer, Optimum) else None
    return found


def costs_one_way(
    problem: Problem, coalitions: Sequence[Coalition], *, settings: SolverSettings | None = None
) -> dict[Coalition, float]:
    """c(S) in cents if no battery may charge and discharge at once, by binaries where the linear optimum would.

    Raises CoalitionStuck or the solver's errors.
    """
    with SolverProcess() as process:
        return {group: _cost_one_way(process, problem, group, settings or SolverSettings()) for group in coalitions}


def _cost_one_way(process: SolverProcess, problem: Problem, group: Coalition, settings: SolverSettings) -> float:
    held, forbidden = tuple(p for p in parts(problem) if p.member in group), frozenset[Key]()
    while True:
        linear = compiled(build(problem, held, one_way=forbidden))
        (answer,) = process.solve([Job(linear=linear)], settings=settings)
        if not isinstance(answer, Optimum):
            raise CoalitionStuck(members=group)
        torn = {key for key, draft in drafts(linear, answer, held).items() if draft.both_ways > BOTH_WAYS_WH}
        if torn <= forbidden:
            return answer.cost
        forbidden |= torn


def burns(problem: Problem, *, settings: SolverSettings | None = None) -> bool:
    """Whether the linear optimum of all charges and discharges at once somewhere: the plan then needed binaries."""
    held = parts(problem)
    linear = compiled(build(problem, held))
    with SolverProcess() as process:
        (answer,) = process.solve([Job(linear=linear)], settings=settings or SolverSettings())
    if not isinstance(answer, Optimum):
        raise CoalitionStuck(members=problem.members)
    return any(draft.both_ways > BOTH_WAYS_WH for draft in drafts(linear, answer, held).values())


def _walk(problem: Problem, here: list[Part], coalitions: Sequence[Coalition]) -> tuple[list[MemberId], Walk]:
    """A group's holders, and its programme to be walked through their different sets, neighbours next to each other."""
    players = sorted({p.member for p in here})
    number = {member: i for i, member in enumerate(players)}
    holder = {(int(p.station), int(p.lease)): number[p.member] for p in here}
    linear = compiled(build(problem, here))
    column_of = [holder[s, h] if kind in _OWN_COLUMNS else -1 for kind, s, h, _ in linear.columns]
    row_of = [holder[s, h] if kind in _OWN_ROWS else -1 for kind, s, h, _ in linear.rows]
    sets = {_present(group, players) for group in coalitions} - {()}
    walk = Walk(
        linear=linear,
        column_of=tuple(column_of),
        row_of=tuple(row_of),
        right=_loads(linear, here, players),
        groups=tuple(sorted(sets, key=_gray_rank)),
    )
    return players, walk


_OWN_COLUMNS = frozenset("cdeu")
_OWN_ROWS = frozenset({"store", "hull", "import", "export"})


def _loads(linear: Linear, here: list[Part], players: list[MemberId]) -> tuple[tuple[tuple[int, float], ...], ...]:
    """Each holder's loads on the right of imports and balances, kWh."""
    at = {name: i for i, name in enumerate(linear.rows)}
    balance = {k: i for i, (kind, _, _, k) in enumerate(linear.rows) if kind == "balance"}
    found: dict[MemberId, list[tuple[int, float]]] = {member: [] for member in players}
    for part in here:
        for k, load in enumerate(part.load_wh):
            if load:
                found[part.member] += [(at["split", int(part.station), 0, k], kwh(load)), (balance[k], kwh(load))]
    return tuple(tuple(found[member]) for member in players)


def _present(group: Coalition, players: Sequence[MemberId]) -> tuple[int, ...]:
    inside = set(group)
    return tuple(i for i, member in enumerate(players) if member in inside)


def _gray_rank(present: tuple[int, ...]) -> int:
    """Where a set stands in the Gray code, in which neighbours differ by one player."""
    code, rank = sum(1 << i for i in present), 0
    while code:
        rank ^= code
        code >>= 1
    return rank


def _own_problem(problem: Problem, group: Coalition) -> Problem | None:
    """Stations that a coalition owns and leases among its members; None if it owns none."""
    sites = tuple(s for s in problem.sites if s.station.owner in group)
    if not sites:
        return None
    numbers = {s.station.number for s in sites}
    shares = tuple(s for s in problem.shares if s.lease.owner in group and s.lease.lessee in group)
    groups = [_kept(g, numbers) for g in problem.groups]
    return replace(problem, sites=sites, shares=shares, groups=tuple(g for g in groups if g.group.stations))


def _kept(grouped: GroupTariff, numbers: set[StationId]) -> GroupTariff:
    stations = tuple(s for s in grouped.group.stations if s in numbers)
    return replace(grouped, group=replace(grouped.group, stations=stations))


def _plausible(group: Coalition, cost: int, low: int, high: int) -> int:
    allowed = max(TOLERANCE_MICROCENTS, abs(cost) // 10_000_000)
    if not low - allowed <= cost <= high + allowed:
        raise CostImplausible(members=group, cost_microcents=cost, low_microcents=low, high_microcents=high)
    return min(max(cost, low), high)
