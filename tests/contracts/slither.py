"""`make slither`: Slither over the contracts; every finding is explained in slither.json, or the command fails.

Slither needs an older web3 than the tests, so that it lives in an environment of its own (requirements/slither.txt). The last
line is a JSON object: findings by impact, those explained, those not, and explanations that no longer explain anything.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = Path(__file__).with_suffix(".json")
FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin"


def findings() -> list[dict[str, str]]:
    """What Slither says of our sources: check, impact, the first thing that it names, and its own words."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            str(ROOT / ".venv-slither" / "bin" / "slither"), ".", "--compile-force-framework", "foundry",
            "--exclude-informational", "--exclude-optimization", "--filter-paths", "node_modules|test/", "--json", str(report),
        ]  # fmt: skip
        env = {**os.environ, "PATH": f"{FORGE}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=ROOT / "contracts", env=env, capture_output=True, text=True, check=False)
        if not report.is_file():
            raise SystemExit(f"slither did not finish:\n{done.stderr[-2000:]}")
        plain = json.loads(report.read_text())
    if not plain["success"]:
        raise SystemExit(f"slither failed: {plain['error']}")
    return [
        {
            "check": one["check"],
            "impact": one["impact"],
            "where": _where(one),
            "says": " ".join(one["description"].split()),
        }
        for one in plain["results"].get("detectors", [])
    ]


def main() -> int:
    """Print what is not explained; 0 when all of it is."""
    explained: dict[str, dict[str, str]] = json.loads(EXPLAINED.read_text())
    found = findings()
    unexplained = [one for one in found if _reason(explained, one) is None]
    used = {
        (one["check"], key) for one in found for key in ("*", one["where"]) if key in explained.get(one["check"], {})
    }
    stale = [
        f"{check}: {where}" for check, reasons in explained.items() for where in reasons if (check, where) not in used
    ]
    for one in unexplained:
        print(f"{one['impact']} {one['check']} {one['where']}: {one['says']}")
    print(
        json.dumps(
            {
                "findings": len(found), "by_impact": dict(Counter(one["impact"] for one in found)),
                "unexplained": len(unexplained), "stale_explanations": stale,
            }
        )
    )  # fmt: skip
    return 1 if unexplained or stale else 0


def _reason(explained: dict[str, dict[str, str]], one: dict[str, str]) -> str | None:
    """Why a finding is none: for the very place, or for every place of a check."""
    reasons = explained.get(one["check"], {})
    return reasons.get(one["where"], reasons.get("*"))


def _where(one: dict[str, object]) -> str:
    """`Contract.name` of the first function or variable that a finding names."""
    elements = one["elements"]
    assert isinstance(elements, list)
    first = elements[0]
    parent = first.get("type_specific_fields", {}).get("parent", {}).get("name", "")
    return f"{parent}.{first['name']}" if parent else str(first["name"])


if __name__ == "__main__":
    sys.exit(main())
