"""The checked-in artifacts are what the sources compile to, and hold no token and no back door (protocol 7)."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from oracle.deployment import CONTRACTS as CONTRACTS_DEPLOYED
from oracle.hashing import keccak256

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
ARTIFACTS = CONTRACTS / "artifacts"
NAMES = sorted(path.stem for path in ARTIFACTS.glob("*.json"))
SOURCES = sorted((CONTRACTS / "src").rglob("*.sol"))

TOKEN_WORDS = re.compile(
    r"transfer|approve|approval|permit|allowance|mint|burn|withdraw(?!Offer|Application)", re.IGNORECASE
)
TOKEN_FUNCTIONS = (
    "transfer(address,uint256)", "transferFrom(address,address,uint256)", "approve(address,uint256)",
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", "safeTransferFrom(address,address,uint256)",
    "setApprovalForAll(address,bool)", "increaseAllowance(address,uint256)", "transferOwnership(address)",
    "upgradeTo(address)", "upgradeToAndCall(address,bytes)",
)  # fmt: skip
CALLCODE, DELEGATECALL, SELFDESTRUCT = 0xF2, 0xF4, 0xFF
PUSH1, PUSH32 = 0x60, 0x7F


@cache
def artifact(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ARTIFACTS / f"{name}.json").read_text())
    return loaded


def runtime(name: str) -> bytes:
    """Runtime code without the metadata that its last two bytes measure."""
    code = bytes.fromhex(artifact(name)["deployedBytecode"][2:])
    return code[: -2 - int.from_bytes(code[-2:], "big")]


def instructions(code: bytes) -> list[tuple[int, bytes]]:
    """Operations and their immediate bytes."""
    found, at = [], 0
    while at < len(code):
        width = code[at] - PUSH1 + 1 if PUSH1 <= code[at] <= PUSH32 else 0
        found.append((code[at], code[at + 1 : at + 1 + width]))
        at += 1 + width
    return found


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("artifacts")
    done = subprocess.run(
        ["node", "compile.mjs", "--out", str(folder)],
        cwd=CONTRACTS,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_artifacts_are_fresh_when_the_sources_are_compiled_again(compiled: Path) -> None:
    assert sorted(path.stem for path in compiled.glob("*.json")) == NAMES
    stale = [
        name for name in NAMES if (compiled / f"{name}.json").read_bytes() != (ARTIFACTS / f"{name}.json").read_bytes()
    ]
    assert stale == [], "run: node contracts/compile.mjs"


def test_check_fails_when_an_artifact_was_altered(tmp_path: Path, compiled: Path) -> None:
    for path in compiled.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    altered = tmp_path / f"{NAMES[0]}.json"
    altered.write_text(altered.read_text().replace("0x60", "0x61", 1))
    done = subprocess.run(
        ["node", "compile.mjs", "--check", "--out", str(tmp_path)], cwd=CONTRACTS, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (1, f"stale artifact: {NAMES[0]}.json")


def test_every_deployed_contract_is_compiled_and_no_other() -> None:
    assert sorted(CONTRACTS_DEPLOYED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_abi_names_a_token(name: str) -> None:
    functions = [entry["name"] for entry in artifact(name)["abi"] if entry["type"] == "function"]
    assert functions
    assert [f for f in functions if TOKEN_WORDS.search(f)] == []
    assert [
        e
        for e in artifact(name)["abi"]
        if e.get("stateMutability") == "payable" or e["type"] in ("receive", "fallback")
    ] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_code_answers_a_token_selector_or_runs_foreign_code(name: str) -> None:
    code = instructions(runtime(name))
    pushed = {immediate for _, immediate in code if len(immediate) == 4}
    assert {f for f in TOKEN_FUNCTIONS if keccak256(f.encode())[:4] in pushed} == set()
    assert {operation for operation, _ in code} & {CALLCODE, DELEGATECALL, SELFDESTRUCT} == set()


def test_the_scan_finds_what_it_looks_for() -> None:
    probe = bytes([0x63]) + keccak256(b"approve(address,uint256)")[:4] + bytes([DELEGATECALL])
    assert instructions(probe) == [(0x63, keccak256(b"approve(address,uint256)")[:4]), (DELEGATECALL, b"")]
    assert TOKEN_WORDS.search("transferFrom")
    name = next(e["name"] for e in artifact("AnchorLog")["abi"] if e.get("name") == "advance")
    signature = b"advance(uint48,uint48,uint48,bytes32,bytes32[],bytes32)"
    assert name == "advance"
    assert keccak256(signature)[:4] in {immediate for _, immediate in instructions(runtime("AnchorLog"))}


@pytest.mark.parametrize("name", NAMES)
def test_metadata_names_compiler_settings_and_no_machine(name: str) -> None:
    metadata = json.loads(artifact(name)["metadata"])
    assert metadata["compiler"]["version"].startswith("0.8.37+")
    assert metadata["settings"]["evmVersion"] == "cancun"
    runs = 200 if name == "CapacityLease" else 10_000  # made for its size: compiler.mjs says why
    assert metadata["settings"]["optimizer"] == {"enabled": True, "runs": runs}
    assert all(source.startswith(("src/", "@openzeppelin/contracts/")) for source in metadata["sources"])
    assert len(artifact(name)["deployedBytecode"]) // 2 - 1 <= 24_576


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_sources_hold_the_house_rules(source: Path) -> None:
    text = source.read_text()
    pinned = source.parent == CONTRACTS / "src"
    assert text.startswith("// SPDX-License-Identifier: Apache-2.0\n")
    assert f"pragma solidity {'0.8.37' if pinned else '^0.8.20'};" in text
    for word in (
        r"\bassembly\b",
        r"\bdelegatecall\b",
        r"\bselfdestruct\b",
        r"\brequire\(",
        r"\btx\.origin\b",
        r"\bTODO\b",
    ):
        allowed = source.name == "MerkleLog.sol" and "assembly" in word  # ADR 0010: one hash, measured
        assert allowed or not re.search(word, text), word
    assert not re.search(r'^import "', text, re.MULTILINE), "imports are named"


def test_foundry_builds_with_the_same_settings() -> None:
    settings = (CONTRACTS / "foundry.toml").read_text()
    for line in (
        'evm_version = "cancun"',
        "optimizer = true",
        "optimizer_runs = 10000",
        "via_ir = false",
        "fail_on_revert = true",
    ):
        assert line in settings
