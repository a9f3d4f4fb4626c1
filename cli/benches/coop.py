"""What every coalition of the demo's members could do for itself, walked on one basis, against HiGHS on each anew."""

from collections.abc import Sequence

from alliance.certificate import Certificate
from alliance.gain import Coalition, Rule, all_coalitions, check, record
from alliance.schedule import Problem
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Finding, best_of
from cli.benches.planning import ARCHIVED_MS, bare, problem_in
from optimizer.coalitions import coalition_costs, solved_costs
from optimizer.linear import Linear, compiled
from optimizer.model import build
from optimizer.planning import plan_day
from optimizer.problem import parts
from simulation import readers

_AGAINST = "HiGHS alone on each coalition's matrix, from nothing"


def run(ground: Ground) -> list[Finding]:
    """The demo's day."""
    ground.demo(ARCHIVED_MS)
    state = ground.demo_state
    problem = problem_in(state / "service" / "archive", readers.key_file(state, readers.AUDITOR))
    return measure(plan_day(problem).certificate)


def measure(certificate: Certificate) -> list[Finding]:
    """All coalitions of a plan's members: their optima, and the proof that binds all of them without any."""
    problem = certificate.problem
    groups = all_coalitions(problem.members)
    matrices = _matrices(problem, groups)
    gain = record(certificate, coalition_costs(certificate, groups), rules=list(Rule)[:3])
    theirs = best_of(lambda: bare(matrices))
    walked = best_of(lambda: solved_costs(problem, groups))
    checked = best_of(lambda: check(gain, certificate))
    facts = {
        "members": len(problem.members),
        "slots": problem.slots,
        "coalitions": len(groups),
        "ms_each": round(walked.wall_s / len(groups) * 1000, 3),
        "from_nothing_ms_each": round(theirs.wall_s / len(groups) * 1000, 3),
    }
    return [
        Comparison(
            name="what each coalition could do for itself, model and solver's process included",
            ours=walked, against=_AGAINST, theirs=theirs, facts=facts,
        ),
        Comparison(
            name="check of the record: certificate, shares, no coalition gains a cent a member by leaving",
            ours=checked, against=_AGAINST, theirs=theirs, facts=facts,
        ),
    ]  # fmt: skip


def _matrices(problem: Problem, groups: Sequence[Coalition]) -> list[Linear]:
    held = parts(problem)
    return [compiled(build(problem, [p for p in held if p.member in group])) for group in groups]
