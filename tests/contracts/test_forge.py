"""The contracts' own tests (protocol 5 to 7): unit, fuzz, invariants, vectors and gas, run by the native forge.

The wrapper that npm installs returns 0 even when tests fail, so the platform's binary is called and its report is read too.
"""

import json
import platform
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contracts import gas

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
SUITES = {
    "ActionGasTest", "AllianceRegistryTest", "AnchorLogTest", "CapacityLeaseTest", "DeviceRegistryTest", "GasTest", "CharterTest",
    "MerkleLogTest", "MoneyTest", "PeakTest", "SettlementLedgerTest", "VectorsTest", "AnchoringInvariants", "LeasingInvariants",
    "SettlingInvariants", "CharterInvariants", "KeyInvariants",
}  # fmt: skip


def forge() -> Path:
    name = f"forge-{platform.system().lower()}-{MACHINES[platform.machine()]}"
    return ROOT / "node_modules" / "@foundry-rs" / name / "bin" / "forge"


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and forge's report by suite."""
    done = subprocess.run(
        [str(forge()), "test", "--json", "-vv", *arguments],
        cwd=CONTRACTS,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(lines[-1])
    return done.returncode, report


@pytest.fixture(scope="module")
def outcome() -> tuple[int, dict[str, Any]]:
    return run()


def results(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every test's result by "Suite.test"."""
    return {
        f"{suite.rpartition(':')[2]}.{name}": result
        for suite, content in report.items()
        for name, result in content["test_results"].items()
    }


def test_every_forge_test_passes(outcome: tuple[int, dict[str, Any]]) -> None:
    code, report = outcome
    found = results(report)
    failed = {name: result["reason"] for name, result in found.items() if result["status"] != "Success"}
    assert failed == {}
    assert code == 0
    assert len(found) > 100


def test_every_suite_ran(outcome: tuple[int, dict[str, Any]]) -> None:
    counts = {suite.rpartition(":")[2]: len(content["test_results"]) for suite, content in outcome[1].items()}
    assert {suite for suite, count in counts.items() if count > 0} == SUITES


def test_invariants_were_called_and_never_reverted(outcome: tuple[int, dict[str, Any]]) -> None:
    kinds = {
        name: result["kind"]["Invariant"]
        for name, result in results(outcome[1]).items()
        if "Invariant" in result["kind"]
    }
    assert len(kinds) == 5
    for kind in kinds.values():
        assert kind["calls"] >= 300
        assert kind["reverts"] == 0


def test_gas_is_as_recorded_until_somebody_records_another(outcome: tuple[int, dict[str, Any]]) -> None:
    assert gas.differing(gas.recorded()["calls"], gas.told(outcome[1])) == {}, "wanted? then run `make gas`"


def test_snapshot_differs_when_a_call_costs_more_or_is_missing() -> None:
    wanted = {"a": 100_000, "b": 5}
    assert gas.differing(wanted, wanted | {"a": 100_999}) == {}
    assert gas.differing(wanted, {"a": 101_001}) == {"a": (100_000, 101_001), "b": (5, None)}


def test_court_costs_less_than_it_may_in_every_call() -> None:
    court = gas.recorded()["court"]
    assert len(court) > 4
    assert max(court.values()) < gas.COURT_LIMIT


def test_forge_reports_a_failure_when_there_is_one(tmp_path: Path) -> None:
    """The known-bad control: the same runner on a test that must fail."""
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "Bad.t.sol").write_text(
        "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\n"
        "contract BadTest { function test_fails() external pure { assert(false); } }\n"
    )
    solc = json.dumps(str(CONTRACTS / "solc.mjs"))
    (tmp_path / "foundry.toml").write_text(f"[profile.default]\nlibs = []\noffline = true\nsolc = {solc}\n")
    code, report = run("--root", str(tmp_path))
    assert code != 0
    assert results(report)["BadTest.test_fails()"]["status"] == "Failure"
