"""Known-bad controls (protocol 5 to 8): with a guard removed from a contract, the tests that stand for it must fail."""

import json
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

pytestmark = pytest.mark.campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A guard (text of a source file, found exactly once), what replaces it, and a test that must notice."""

    source: str
    guard: str
    without: str
    noticed_by: str


MUTANTS = {
    "an offer is oversold": Mutant(
        source="CapacityLease.sol", guard="_requireRoomInOffer(made, terms, record.live);", without="",
        noticed_by="LeasingInvariants",
    ),
    "a station is oversold": Mutant(
        source="CapacityLease.sol", guard="_requireRoomInStation(terms, spec);", without="",
        noticed_by="LeasingInvariants",
    ),
    "the peak of a day's later window is not looked at": Mutant(
        source="libraries/Peak.sol", guard="if (differ) _lookWeekly(worst, asked, others, room, asked.window.dayFirst);",
        without="differ;", noticed_by="PeakTest",
    ),
    "the log forks": Mutant(
        source="AnchorLog.sol", guard="_requireConsistent(live.root, oldSize, newSize, root, proof);", without="",
        noticed_by="AnchoringInvariants",
    ),
    "money appears": Mutant(
        source="SettlementLedger.sol", guard="if (sum != 0) revert StatementNotZeroSum(day, sum);", without="",
        noticed_by="SettlementLedgerTest",
    ),
    "a frozen signer proves": Mutant(
        source="AnchorLog.sol", guard="entryIndex >= freeze.size", without="entryIndex > type(uint48).max - 1",
        noticed_by="AnchorLogTest",
    ),
    "an owner attests": Mutant(
        source="DeviceRegistry.sol",
        guard="if (msg.sender == identityOwner(device_)) revert OwnerIsAttestor(device_, msg.sender);", without="",
        noticed_by="DeviceRegistryTest",
    ),
}  # fmt: skip


def forge() -> Path:
    name = f"forge-{platform.system().lower()}-{MACHINES[platform.machine()]}"
    return ROOT / "node_modules" / "@foundry-rs" / name / "bin" / "forge"


def copied(folder: Path, mutant: Mutant) -> Path:
    """The contracts in a folder of their own, with the guard removed."""
    place = folder / "contracts"
    shutil.copytree(CONTRACTS, place, ignore=shutil.ignore_patterns("out", "cache", "artifacts", "deployments"))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    source = place / "src" / mutant.source
    text = source.read_text()
    assert text.count(mutant.guard) == 1, "the guard moved"
    source.write_text(text.replace(mutant.guard, mutant.without))
    return place


@pytest.mark.parametrize("name", MUTANTS)
def test_tests_fail_when_a_guard_is_removed(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    place = copied(tmp_path, mutant)
    done = subprocess.run(
        [str(forge()), "test", "--json", "--match-contract", mutant.noticed_by], cwd=place, capture_output=True, text=True,
        check=False, timeout=900,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stdout + done.stderr
    statuses = [
        result["status"] for suite in json.loads(lines[-1]).values() for result in suite["test_results"].values()
    ]
    assert done.returncode != 0
    assert "Failure" in statuses
