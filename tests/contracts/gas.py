"""Gas as the repository records it: `python -m tests.contracts.gas` measures all and writes contracts/gas.json.

What forge measures (the log's steps, proofs, everyday calls) and, from tests/chain/test_court.py on a real chain, the most
that each of the court's calls used. Tests compare by `differing`: the figures hang on nothing but the contracts and fixed
keys, so a part in a hundred is already a change; run `make gas` where it is wanted. The last line is JSON.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.contracts import mutation
from tests.contracts.mutation import CONTRACTS, ROOT

SNAPSHOT = CONTRACTS / "gas.json"
TOLERANCE = 0.01
COURT_LIMIT = 300_000


def recorded() -> dict[str, dict[str, int]]:
    """The snapshot: {"calls": {name: gas}, "court": {"Bench.call": most gas}}."""
    found: dict[str, dict[str, int]] = json.loads(SNAPSHOT.read_text())
    return found


def told(report: Mapping[str, Any]) -> dict[str, int]:
    """What the gas tests said in forge's report: "name: figure" a line."""
    lines = [
        line
        for suite, content in report.items()
        if suite.rpartition(":")[2] in ("GasTest", "ActionGasTest")
        for result in content["test_results"].values()
        for line in result["decoded_logs"]
    ]
    return {name: int(figure.split()[0]) for name, _, figure in (line.rpartition(": ") for line in lines)}


def differing(wanted: Mapping[str, int], found: Mapping[str, int]) -> dict[str, tuple[int | None, int | None]]:
    """Names whose figures differ by more than the tolerance, or that only one side has: (recorded, measured)."""
    return {
        name: (wanted.get(name), found.get(name))
        for name in sorted({*wanted, *found})
        if name not in wanted or name not in found or abs(found[name] - wanted[name]) > TOLERANCE * wanted[name]
    }


def of_calls() -> dict[str, int]:
    """Measure by forge."""
    done = subprocess.run(
        [str(mutation.forge()), "test", "--json", "-vv", "--match-contract", "GasTest$"],
        cwd=CONTRACTS, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return told(json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1]))


def of_court() -> dict[str, int]:
    """Measure by the court's own tests."""
    code = pytest.main(["-q", "-n0", "-p", "no:cacheprovider", str(ROOT / "tests" / "chain" / "test_court.py")])
    if code != pytest.ExitCode.OK:
        raise SystemExit("the court's tests fail")
    from tests.chain.courtroom import MOST_GAS  # as the tests left it

    if not MOST_GAS:
        raise SystemExit("no development chain: the court was not measured")
    return dict(MOST_GAS)


def main() -> int:
    """Measure everything and write it down; 1 when the court costs more than it may."""
    measured = {"calls": of_calls(), "court": of_court()}
    SNAPSHOT.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
    worst = max(measured["court"].values())
    print(json.dumps({"calls": len(measured["calls"]), "court": measured["court"], "court_worst": worst}))
    return 0 if worst < COURT_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
