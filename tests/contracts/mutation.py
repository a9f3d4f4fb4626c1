"""Mutants of the contracts (protocol 5 to 8): a copy with one change, and whether the tests that stand for the file notice.

A copy holds the sources, the tests asked for and no cache: forge must compile it anew. It is compiled without the optimizer,
which takes a third of the time; tests of gas are left out for that reason.
"""

import json
import os
import platform
import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
SHARED = ("Alliance.sol", "ContractWallet.sol", "Tree.sol", "Vm.sol")
"""Files of contracts/test that are no tests."""
LIGHT = {"FOUNDRY_OPTIMIZER": "false", "FOUNDRY_INVARIANT_RUNS": "12", "FOUNDRY_INVARIANT_DEPTH": "40"}
LEDGER = ("SettlementLedgerTest", "SettlingInvariants")
LEASING = ("CapacityLeaseTest", "PeakTest", "LeasingInvariants")
CHARTER = ("CharterTest", "CharterInvariants")
REGISTRY = ("AllianceRegistryTest", "SettlingInvariants")
DEVICES = ("DeviceRegistryTest", "KeyInvariants")
ANCHOR = ("AnchorLogTest", "MerkleLogTest", "AnchoringInvariants", "KeyInvariants")
NOTICED: Mapping[str, Sequence[str]] = {
    "SettlementLedger.sol": LEDGER,
    "CapacityLease.sol": LEASING, "libraries/Peak.sol": LEASING, "libraries/Windows.sol": LEASING,
    "libraries/LeaseRules.sol": LEASING, "libraries/LeaseTerms.sol": LEASING,
    "Charter.sol": CHARTER, "libraries/Tally.sol": CHARTER, "libraries/Rulebook.sol": CHARTER,
    "AllianceRegistry.sol": REGISTRY, "libraries/Obligations.sol": REGISTRY, "libraries/RosterBook.sol": REGISTRY,
    "libraries/EmergencyPause.sol": REGISTRY,
    "DeviceRegistry.sol": DEVICES, "libraries/DeviceKeys.sol": DEVICES,
    "AnchorLog.sol": ANCHOR, "libraries/MerkleLog.sol": ANCHOR, "libraries/Segments.sol": ANCHOR,
    "libraries/Readings.sol": ANCHOR, "libraries/Signature.sol": (*ANCHOR, "DeviceRegistryTest"),
}  # fmt: skip
"""Test contracts that stand for a source file. The court's benches are judged by tests/chain/test_court.py on a real chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a source file: what stands at an offset, and what is put in its place."""

    source: str
    at: int
    before: str
    after: str

    def __str__(self) -> str:
        line = (CONTRACTS / "src" / self.source).read_text().count("\n", 0, self.at) + 1
        return f"{self.source}:{line}: {self.before.strip()!r} -> {self.after.strip()!r}"

    def applied(self, text: str) -> str:
        """The file's text with the change."""
        assert text.startswith(self.before, self.at), "the source moved"
        return text[: self.at] + self.after + text[self.at + len(self.before) :]


_SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&"}
_OPERATOR = re.compile(r" (<=|>=|==|!=|<|>|&&|\|\|) ")
_NUMBER = re.compile(r"(?<=[=+\-*/<>(, ])(\d[\d_]*)(?= (?:days|hours)|[;),\s])(?!\s*=>)")
_GUARD = re.compile(r"^ +(?:if \(.*\) revert .*;|_require\w+\(.*\);|_only\w+\(.*\);)$", re.MULTILINE)
_CONDITION = re.compile(r"\bif \((.+)\) (?=revert|return|continue|_|\{)")


def changes(source: str) -> Iterator[Change]:
    """Every change that the operators make of a file: swapped comparison, negated condition, guard left out, number ± 1."""
    text = (CONTRACTS / "src" / source).read_text()
    for found in _GUARD.finditer(text):
        yield Change(source=source, at=found.start(), before=found.group(), after="")
    for found in _CONDITION.finditer(text):
        yield Change(source=source, at=found.start(1), before=found.group(1), after=f"!({found.group(1)})")
    for found in _OPERATOR.finditer(text):
        if _is_code(text, found.start()):
            yield Change(source=source, at=found.start(1), before=found.group(1), after=_SWAPS[found.group(1)])
    for found in _NUMBER.finditer(text):
        if _is_code(text, found.start()):
            value = int(found.group().replace("_", ""))
            yield Change(source=source, at=found.start(), before=found.group(), after=str(value + 1))
            if value > 0:
                yield Change(source=source, at=found.start(), before=found.group(), after=str(value - 1))


def _is_code(text: str, at: int) -> bool:
    """Not within a comment, a pragma or an import."""
    line = text[text.rfind("\n", 0, at) + 1 : text.find("\n", at)]
    before = text[text.rfind("\n", 0, at) + 1 : at]
    return "//" not in before and not re.match(r"\s*(/|\*|pragma|import|error|event)", line)


def sample(seed: int, count: int) -> list[Change]:
    """Changes drawn without repetition, the files in turn so that each has its part."""
    rng = random.Random(seed)
    left = {source: list(dict.fromkeys(changes(source))) for source in sorted(NOTICED)}
    for all_of_one in left.values():
        rng.shuffle(all_of_one)
    drawn: list[Change] = []
    while len(drawn) < count and any(left.values()):
        drawn += [all_of_one.pop() for all_of_one in left.values() if all_of_one][: count - len(drawn)]
    return drawn


def forge() -> Path:
    """The platform's own binary: the wrapper that npm installs returns 0 even when tests fail."""
    name = f"forge-{platform.system().lower()}-{MACHINES[platform.machine()]}"
    return ROOT / "node_modules" / "@foundry-rs" / name / "bin" / "forge"


def copied(folder: Path, tests: Sequence[str]) -> Path:
    """The contracts in a folder of their own, with the test files that hold the named test contracts."""
    place = folder / "contracts"
    shutil.copytree(CONTRACTS, place, ignore=shutil.ignore_patterns("out", "cache", "artifacts", "deployments"))
    for name in ("node_modules", "tests"):
        (folder / name).symlink_to(ROOT / name)
    for file in (place / "test").iterdir():
        if file.name not in SHARED and not re.search(rf"contract ({'|'.join(tests)})\b", file.read_text()):
            file.unlink()
    return place


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What tests said of a copy."""

    compiled: bool
    passed: int
    failed: tuple[str, ...]


def run_tests(place: Path, tests: Sequence[str], *, timeout_s: float = 900) -> Outcome:
    """Run the named test contracts in a copy, as quickly as forge can, up to the first failure."""
    command = [
        str(forge()), "test", "--json", "--fail-fast", "--match-contract", f"^({'|'.join(tests)})$",
        "--no-match-test", "[gG]as|Entangled|fullest",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=place, capture_output=True, text=True, check=False, timeout=timeout_s, env=os.environ | LIGHT
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        return Outcome(compiled=False, passed=0, failed=())
    results = {name: one for suite in json.loads(lines[-1]).values() for name, one in suite["test_results"].items()}
    failed = tuple(sorted(name for name, one in results.items() if one["status"] == "Failure"))
    assert (done.returncode != 0) == bool(failed), done.stdout[-2000:] + done.stderr[-2000:]
    return Outcome(compiled=True, passed=len(results) - len(failed), failed=failed)


def noticed(folder: Path, change: Change) -> Outcome:
    """What the tests that stand for a file say of it with one change."""
    tests = NOTICED[change.source]
    place = copied(folder, tests)
    file = place / "src" / change.source
    file.write_text(change.applied(file.read_text()))
    return run_tests(place, tests)
