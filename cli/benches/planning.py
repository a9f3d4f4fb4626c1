"""The demo's day-ahead plan, certified, against the bare solver on the same matrix."""

from collections.abc import Sequence
from pathlib import Path

from alliance.certificate import check
from alliance.schedule import Problem
from cli.archived import NoPlanArchived, archived_plans
from cli.benches.ground import DAY, Ground
from cli.benches.measure import Comparison, Finding, best_of
from optimizer.linear import Linear, compiled
from optimizer.model import build
from optimizer.planning import plan_day
from optimizer.problem import parts
from optimizer.solver import HighsEngine
from simulation import readers

ARCHIVED_MS = DAY.start_ms + 5 * 60_000
"""By now the epoch in which the plan was made is archived."""


def run(ground: Ground) -> list[Finding]:
    """Gather nothing, plan everything: model, solve, round, certify, check; the bare solver only solves."""
    ground.demo(ARCHIVED_MS)
    state = ground.demo_state
    problem = problem_in(state / "service" / "archive", readers.key_file(state, readers.AUDITOR))
    planned = plan_day(problem)
    ours = best_of(lambda: plan_day(problem))
    checked = best_of(lambda: check(planned.certificate))
    held = parts(problem)
    linear = compiled(build(problem, held))
    alone = [compiled(build(problem, [p for p in held if p.member == m])) for m in problem.members]
    theirs = best_of(lambda: bare([linear]))
    all_theirs = best_of(lambda: bare([linear, *alone]))
    facts = {
        "stations": len(problem.sites),
        "slots": problem.slots,
        "rows": len(linear.rows),
        "columns": len(linear.columns),
        "programmes": 1 + len(problem.members),
        "gap_ppm": planned.certificate.gap_ppm,
    }
    against, name = "HiGHS alone on the joint matrix", "day-ahead plan of six stations, from problem to certificate"
    return [
        Comparison(name=name, ours=ours, against=against, theirs=theirs, facts=facts),
        Comparison(
            name=name,
            ours=ours,
            against="HiGHS alone on the joint matrix and each member's",
            theirs=all_theirs,
            facts=facts,
        ),
        Comparison(name="check of its certificate, exact", ours=checked, against=against, theirs=theirs, facts=facts),
    ]


def bare(programmes: Sequence[Linear]) -> None:
    """Solve, and nothing else."""
    for linear in programmes:
        engine = HighsEngine()
        engine.load(linear)
        assert engine.run() is not None


def problem_in(archive: Path, key: Path) -> Problem:
    """The problem of the first certified plan in an archive that a reader may open. Raises NoPlanArchived."""
    for certificate in archived_plans(archive, key):
        return certificate.problem
    raise NoPlanArchived
