"""P5, P13, P15, P18: the contracts' invariants at length, and mutants of the contracts: `python -m tests.campaigns.invariants`.

Each invariant suite makes its share of at least 500,000 calls (`--scale` cuts or stretches them), none of which may revert
outside a handler. Then each guard of tests/contracts/test_mutants.py is left out, and `--mutants` further changes, drawn by
`--seed`, are made one by one in copies of the contracts: tests must notice. The last line is JSON: {"calls", "suites",
"reverts", "failed", "mutants", "killed", "survivors", …}. Exit code 0: no invariant failed and no guard was left out unnoticed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.contracts import mutation
from tests.contracts.mutation import CONTRACTS, Change
from tests.contracts.test_mutants import MUTANTS

DEPTH = 50
CALLS = {
    "SettlingInvariants": 200_000,
    "CharterInvariants": 150_000,
    "LeasingInvariants": 60_000,
    "KeyInvariants": 50_000,
    "AnchoringInvariants": 40_000,
}
"""More where a call is cheaper: trees and periods take longer than books."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a suite's invariants did."""

    suite: str
    calls: int
    reverts: int
    failed: tuple[str, ...]


def hold(suite: str, calls: int, seed: int) -> Held:
    """Run a suite's invariants for about so many calls."""
    runs = max(1, -(-calls // DEPTH))
    length = {"FOUNDRY_INVARIANT_RUNS": str(runs), "FOUNDRY_INVARIANT_DEPTH": str(DEPTH)}
    command = [str(mutation.forge()), "test", "--json", "--match-contract", f"^{suite}$", "--fuzz-seed", hex(seed)]
    done = subprocess.run(command, cwd=CONTRACTS, capture_output=True, text=True, check=False, env=os.environ | length)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(done.stdout + done.stderr)
    results = {name: one for found in json.loads(lines[-1]).values() for name, one in found["test_results"].items()}
    kinds = [one["kind"]["Invariant"] for one in results.values() if "Invariant" in one["kind"]]
    assert kinds, f"{suite} has no invariant"
    return Held(
        suite=suite, calls=sum(kind["calls"] for kind in kinds), reverts=sum(kind["reverts"] for kind in kinds),
        failed=tuple(f"{suite}.{name}: {one['reason']}" for name, one in results.items() if one["status"] != "Success"),
    )  # fmt: skip


def survives(change: Change) -> bool | None:
    """Whether no test notices a change; None when it is no program."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            outcome = mutation.noticed(Path(folder), change)
        except subprocess.TimeoutExpired:
            return False  # a loop without an end is noticed
    return None if not outcome.compiled else not outcome.failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Hold the invariants, then mutate."""
    parser = argparse.ArgumentParser(
        prog="tests.campaigns.invariants", description="Invariants at length, and mutants."
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1: at least 500,000 calls")
    parser.add_argument("--mutants", type=int, default=60, help="changes drawn, beside every named guard")
    parser.add_argument("--guards", type=int, default=len(MUTANTS), help="how many of the named guards are left out")
    parser.add_argument("--minutes", type=float, default=1e9, help="after which no further mutant is tried")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    subprocess.run(
        [str(mutation.forge()), "build", "--quiet"], cwd=CONTRACTS, check=True
    )  # once, before two suites at a time
    with ThreadPoolExecutor(2) as pool:
        wanted = {suite: int(calls * chosen.scale) for suite, calls in CALLS.items() if calls * chosen.scale >= 1}
        held = list(pool.map(lambda one: hold(*one, chosen.seed), wanted.items()))
    for failure in (text for one in held for text in one.failed):
        print(failure)
    tried = [(change, True) for change in (mutant.change() for mutant in [*MUTANTS.values()][: chosen.guards])]
    tried += [(change, False) for change in mutation.sample(chosen.seed, chosen.mutants)]
    killed, no_program, survivors = 0, 0, list[tuple[Change, bool]]()
    with ThreadPoolExecutor(2) as pool:
        until = begun + 60 * chosen.minutes
        found = pool.map(lambda one: survives(one[0]) if time.monotonic() < until else None, tried)
        for (change, guard), survived in zip(tried, found, strict=True):
            killed, no_program = killed + (survived is False), no_program + (survived is None)
            if survived:
                survivors.append((change, guard))
                print("survived:", change, flush=True)
    told = {
        "calls": sum(one.calls for one in held), "suites": {one.suite: one.calls for one in held},
        "reverts": sum(one.reverts for one in held), "failed": sum(len(one.failed) for one in held),
        "mutants": killed + len(survivors), "killed": killed, "no_program_or_no_time": no_program,
        "guards_survived": sum(guard for _, guard in survivors), "survivors": [str(change) for change, _ in survivors],
        "seed": chosen.seed, "wall_s": round(time.monotonic() - begun, 1),
    }  # fmt: skip
    print(json.dumps(told))
    return 1 if told["failed"] or told["reverts"] or told["guards_survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
