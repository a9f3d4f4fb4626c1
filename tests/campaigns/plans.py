"""Fleets planned at random, by the stamped path and the reference: `python -m tests.campaigns.plans [--instances N]`.

Both must agree within 1e-6; every plan passes the exact integer check; no claimed gap is smaller than the true one; tiny
fleets are tried out whole; doctored certificates are refused, or claim nothing that is not true. The last line is JSON;
exit code 0 if nothing was wrong.
"""

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from alliance.errors import AllianceError
from alliance.fleetproof import FleetCertificate, FleetProof
from optimizer.fleet.rounding import RoundingFailed
from optimizer.solver import SolverProcess
from tests.optimizer.fleet.agreement import Outcome, compared, planned
from tests.optimizer.fleet.brute import best_microcents
from tests.optimizer.fleet.doctored import doctored, still_true, verdict
from tests.optimizer.fleet.instances import instance, instances, tiny

GENUINE = (
    ("base", 2),
    ("reserves", 2),
    ("cvar", 0),
    ("ties", 1),
    ("everything", 1),
    ("short_reserves", 1),
    ("leases", 2),
    ("cuts", 2),
    ("steps", 1),
    ("holding", 2),
)


@dataclass(slots=True)
class Found:
    """What a campaign has seen so far."""

    results: Counter[str] = field(default_factory=Counter)
    outcomes: list[Outcome] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, wrong: str) -> None:
        """Remember and tell what is wrong."""
        self.wrong.append(wrong)
        print(wrong, flush=True)


def compare(found: Found, chosen: argparse.Namespace, process: SolverProcess, until: float) -> None:
    """Random fleets, by both paths."""
    for kind, seed in instances(chosen.instances, first=chosen.seed * 1_000_000):
        try:
            outcome = compared(kind, seed, process)
        except (AssertionError, AllianceError, ValueError, ArithmeticError) as error:
            found.note(f"{kind} {seed}: {type(error).__name__} {error}")
            continue
        found.results[outcome.result] += 1
        if outcome.result == "planned":
            found.outcomes.append(outcome)
        if outcome.result == "unrounded":
            print(f"{kind} {seed}: no plan in whole Wh found", flush=True)
        if time.monotonic() > until:
            break


def try_out(found: Found, chosen: argparse.Namespace, process: SolverProcess, until: float) -> None:
    """Tiny fleets, all plans tried."""
    for seed in range(chosen.tiny):
        problem = tiny(
            chosen.seed * 1_000 + seed,
            lossless=seed % 2 == 0,
            leased=seed % 3 == 0,
            cut=seed % 5 == 1,
            stepped=seed % 4 == 1,
            held=seed % 4 > 1,
        )
        best = best_microcents(problem)
        try:
            certificate = planned(problem, process)
        except RoundingFailed:
            found.results["unrounded"] += 1
            print(f"tiny {seed}: no plan in whole Wh found", flush=True)
            continue
        found.results["tried out"] += 1
        if best is None or not certificate.lower_bound_microcents <= best <= certificate.objective_microcents:
            found.note(f"tiny {seed}: {certificate.lower_bound_microcents} ≤ {best}")
        found.results["best of all"] += certificate.objective_microcents == best
        if time.monotonic() > until:
            break


def doctor(found: Found, chosen: argparse.Namespace, process: SolverProcess, until: float) -> None:
    """Certificates with one thing changed."""
    genuine = [planned(instance(kind, seed), process) for kind, seed in GENUINE]
    rng = random.Random(chosen.seed)
    for k in range(chosen.mutations):
        _doctor_one(found, genuine[k % len(genuine)], rng)
        if time.monotonic() > until:
            break


def _doctor_one(found: Found, genuine: FleetCertificate, rng: random.Random) -> None:
    where, plain = doctored(genuine, rng)
    said = verdict(plain)
    if not isinstance(said, FleetProof):
        found.results["refused"] += 1
    elif still_true(said, genuine):
        found.results["changed and still true"] += 1
    else:
        found.note(f"doctored {where}: accepted with other claims")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.plans", description="Plan random fleets by two paths.")
    for name, count in (("instances", 2_000), ("tiny", 60), ("mutations", 10_000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--minutes", type=float, default=math.inf, help="of each part, at most")
    chosen = parser.parse_args(arguments)
    begun, found = time.monotonic(), Found()
    with SolverProcess() as process:
        for part in (compare, try_out, doctor):
            part(found, chosen, process, time.monotonic() + 60 * chosen.minutes)
    print(json.dumps(_told(found) | {"seed": chosen.seed, "wall_s": round(time.monotonic() - begun, 1)}))
    return 1 if found.wrong else 0


def _told(found: Found) -> dict[str, object]:
    gaps = sorted(o.gap_ppm for o in found.outcomes) or [0]
    return {
        "instances": sum(found.results[k] for k in ("planned", "infeasible", "unrounded")),
        "planned": found.results["planned"],
        "infeasible_for_both": found.results["infeasible"],
        "no_whole_plan_found": found.results["unrounded"],
        "with_binaries": sum(o.binaries for o in found.outcomes),
        "largest_difference": max((o.relative_difference for o in found.outcomes), default=0.0),
        "largest_bound_lost": max((o.bound_lost for o in found.outcomes), default=0.0),
        "median_gap_ppm": gaps[len(gaps) // 2],
        "tried_out": found.results["tried out"],
        "best_of_all": found.results["best of all"],
        "mutations_refused": found.results["refused"],
        "mutations_still_true": found.results["changed and still true"],
        "wrong": len(found.wrong),
    }


if __name__ == "__main__":
    sys.exit(main())
