"""The planner's entry: a problem in, a certified schedule out, or a named reason why not (protocol 9).

Gather, solve, round, certify, check: nothing is returned that `alliance.certificate.check` does not accept.
"""

from dataclasses import dataclass

from alliance.certificate import Certificate, check
from alliance.errors import Refused
from alliance.schedule import Schedule, ScheduleKind
from optimizer.certificate import Solved, certificate_of
from optimizer.infeasible import explain
from optimizer.linear import Job, Linear, Optimum, Tie, compiled
from optimizer.model import build
from optimizer.plan import (
    BOTH_WAYS_WH,
    Key,
    Settled,
    drafts,
    one_way,
    reserved,
    schedule_of,
    settle_parts,
)
from optimizer.problem import Part, Problem, cents_per_kwh, parts
from optimizer.solver import SolverSettings, solve

MOST_ROUNDS = 8
"""How often the owners' windows are narrowed for what netting saves before a plan is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDay:
    """A schedule that may be published, and the certificate that proves it; the certificate holds the schedule too."""

    schedule: Schedule
    certificate: Certificate


@dataclass(kw_only=True, eq=False)
class GapTooWide(Refused):
    """A plan is feasible but not proved good enough to be published."""

    gap_ppm: int
    most_gap_ppm: int


@dataclass(kw_only=True, eq=False)
class OnlyByBurning(Refused):
    """These holders (station, lease) could keep their limits only by charging and discharging at once."""

    holders: tuple[Key, ...]


@dataclass(kw_only=True, eq=False)
class BatteryCannotNet(Refused):
    """No room could be found for what netting the holders' opposite orders saves or costs in the real battery."""

    rounds: int


def plan_day(problem: Problem, *, settings: SolverSettings | None = None) -> PlannedDay:
    """Plan all stations of all groups together and certify the plan.

    Raises PlanInfeasible, OnlyByBurning, GapTooWide, BatteryCannotNet, RoundingFailed, the solver's SolverMissing,
    SolverTimedOut and SolverFailed, and whatever the checks raise: NoJointGain means that the members run their own
    plans (protocol 8.7.3) and `nominated` gives the schedule that stands.
    """
    settings = settings or SolverSettings()
    held = parts(problem)
    members = problem.members if problem.kind is ScheduleKind.DAY_AHEAD else ()
    alone = [compiled(build(problem, [p for p in held if p.member == m])) for m in members]
    linear = compiled(build(problem, held))
    first, *apart = solve([_joint(problem, linear), *(Job(linear=one) for one in alone)], settings=settings)
    solved_apart = [(one, answer) for one, answer in zip(alone, apart, strict=True) if isinstance(answer, Optimum)]
    if not isinstance(first, Optimum) or len(solved_apart) < len(members):
        raise explain(problem, settings=settings) or BatteryCannotNet(rounds=0)
    whole, settled = _settled(problem, held, (linear, first), settings)
    schedule = schedule_of(problem, settled)
    certificate = certificate_of(problem, schedule, whole=whole, apart=zip(members, solved_apart, strict=True))
    proof = check(certificate)
    if proof.gap_ppm > settings.most_gap_ppm:
        raise GapTooWide(gap_ppm=proof.gap_ppm, most_gap_ppm=settings.most_gap_ppm)
    return PlannedDay(schedule=certificate.schedule, certificate=certificate)


def nominated(problem: Problem) -> Schedule:
    """The schedule that stands when no joint plan does: firm nominations alone, without prices (protocol 8.3.2)."""
    idle = (0,) * problem.slots
    return schedule_of(
        problem,
        {(int(p.station), int(p.lease)): Settled(flow=p.nomination_wh or idle, curtailed=idle) for p in parts(problem)},
    )


def _settled(
    problem: Problem, held: tuple[Part, ...], solved: Solved, settings: SolverSettings
) -> tuple[Solved, dict[Key, Settled]]:
    """Round the plan; solve again where a direction must be fixed or the real battery would leave its window."""
    rights = held
    for _ in range(MOST_ROUNDS):
        drafted = drafts(*solved, held)
        torn = frozenset(key for key, draft in drafted.items() if draft.both_ways > BOTH_WAYS_WH)
        if torn:
            held = _directed(problem, held, torn, settings)
        else:
            settled = settle_parts(problem, held, drafted)
            narrowed = reserved(problem, held, settled, rights=rights)
            if narrowed is None:
                return solved, settled
            held = narrowed
        solved = _solved(problem, held, settings)
    raise BatteryCannotNet(rounds=MOST_ROUNDS)


def _directed(
    problem: Problem, held: tuple[Part, ...], torn: frozenset[Key], settings: SolverSettings
) -> tuple[Part, ...]:
    """Fix in each slot the direction of the holders whom negative prices would make charge and discharge at once."""
    linear = compiled(build(problem, held, one_way=torn))
    (answer,) = solve([Job(linear=linear)], settings=settings)
    if not isinstance(answer, Optimum):
        raise explain(problem, settings=settings) or OnlyByBurning(holders=tuple(sorted(torn)))
    return one_way(held, linear, answer, torn)


def _solved(problem: Problem, held: tuple[Part, ...], settings: SolverSettings) -> Solved:
    linear = compiled(build(problem, held))
    (answer,) = solve([_joint(problem, linear)], settings=settings)
    if not isinstance(answer, Optimum):
        raise explain(problem, settings=settings) or BatteryCannotNet(rounds=MOST_ROUNDS)
    return linear, answer


def _joint(problem: Problem, linear: Linear) -> Job:
    """The joint programme, its balance prices chosen by the tie rule: nearest to (sell + buy − w)/2 (8.5.3)."""
    slots = {int(g.group.number): g.tariff.slots for g in problem.groups}
    ties = []
    for i, (kind, group, _, k) in enumerate(linear.rows):
        if kind == "balance":
            t = slots[group][k]
            ties.append(Tie(row=i, centre=cents_per_kwh(t.sell_price + t.buy_price - t.network_price) / 2))
    return Job(linear=linear, ties=tuple(ties))
