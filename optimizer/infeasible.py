"""Infeasible is never bare: the conflicting limits by name, and the cheapest relaxation (protocol 9.5)."""

from dataclasses import dataclass

from alliance.errors import Refused
from alliance.identity import LeaseId, StationId
from alliance.schedule import battery_window
from optimizer.linear import Conflict, Job, Limit, Linear, compiled
from optimizer.model import build_apart
from optimizer.problem import Part, Problem, wh
from optimizer.solver import SolverSettings, solve

_WORDS = {
    "import_right": "import through the PCC at most {limit} Wh",
    "export_right": "export through the PCC at most {limit} Wh",
    "own_need_floor": "own need keeps at least {limit} Wh stored",
    "end_energy": "at the end at least {limit} Wh stored",
    "least_content": "the battery's window keeps at least {limit} Wh stored",
    "most_content": "the battery's window and leases leave room for at most {limit} Wh stored",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitNamed:
    """A limit of a holder (lease 0: the owner) in a slot, Wh, and by how much it must give way (0: not at all)."""

    station: StationId
    lease: LeaseId
    slot: int
    what: str
    limit_wh: int
    give_wh: int

    def __str__(self) -> str:
        holder = f"station {self.station}" + (f" lease {self.lease}" if self.lease else "")
        said = f"{holder}, slot {self.slot}: " + _WORDS[self.what].format(limit=self.limit_wh)
        return said + (f" (must give way by {self.give_wh} Wh)" if self.give_wh else "")


@dataclass(kw_only=True, eq=False)
class PlanInfeasible(Refused):
    """No plan keeps all limits: some contradict each other, none of them needless, and some would have to give way."""

    conflict: tuple[LimitNamed, ...]
    relaxation: tuple[LimitNamed, ...]

    def __str__(self) -> str:
        limits = "; ".join(map(str, self.conflict))
        return f"plan_infeasible: {limits}. Cheapest way out: " + "; ".join(map(str, self.relaxation))


def explain(problem: Problem, held: tuple[Part, ...], *, settings: SolverSettings) -> PlanInfeasible:
    """Name the conflict of each holder whose own limits contradict each other (no holder needs another)."""
    free = [p for p in held if p.nomination_wh is None]
    programmes = [compiled(build_apart(problem, part)) for part in free]
    jobs = [Job(linear=linear, limits=_limits(linear)) for linear in programmes]
    answers = solve(jobs, settings=settings)
    conflict: list[LimitNamed] = []
    relaxation: list[LimitNamed] = []
    for part, linear, answer in zip(free, programmes, answers, strict=True):
        if isinstance(answer, Conflict):
            conflict += [_named(problem, part, linear, limit, 0.0) for limit in answer.limits]
            relaxation += [_named(problem, part, linear, limit, by) for limit, by in answer.relaxed]
    return PlanInfeasible(conflict=tuple(conflict), relaxation=tuple(relaxation))


def _limits(linear: Linear) -> tuple[Limit, ...]:
    rights = [Limit(kind="row", number=i) for i, name in enumerate(linear.rows) if name[0] in ("import", "export")]
    contents = [j for j, name in enumerate(linear.columns) if name[0] == "e"]
    bounds = [Limit(kind=kind, number=j) for j in contents for kind in ("low", "high")]
    return (*rights, *bounds)


def _named(problem: Problem, part: Part, linear: Linear, limit: Limit, by_kwh: float) -> LimitNamed:
    kind, _, _, k = linear.rows[limit.number] if limit.kind == "row" else linear.columns[limit.number]
    what, value = {
        "import": ("import_right", part.import_wh[k]),
        "export": ("export_right", part.export_wh[k]),
        "e": _content_limit(problem, part, k, lower=limit.kind == "low"),
    }[kind]
    return LimitNamed(
        station=part.station,
        lease=part.lease,
        slot=problem.first_slot + k,
        what=what,
        limit_wh=value,
        give_wh=-(-round(wh(by_kwh) * 1000) // 1000),
    )


def _content_limit(problem: Problem, part: Part, k: int, *, lower: bool) -> tuple[str, int]:
    """Which rule sets a bound of the content."""
    if not lower:
        return "most_content", part.high_wh[k]
    low = part.low_wh[k]
    site = next(s for s in problem.sites if s.station.number == part.station)
    if part.owned and low == site.own_need_floor_wh[k] and low > battery_window(site)[0]:
        return "own_need_floor", low
    if k == problem.slots - 1 or (not part.owned and low > 0):
        return "end_energy", low
    return "least_content", low
