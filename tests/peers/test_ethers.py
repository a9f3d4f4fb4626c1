"""Protocol 1.5, 5.1: npm's ethers reads our signatures, call data, events and errors as we write them."""

import json
from typing import Any

import pytest

from alliance.identity import Digest, to_hex
from chain import abi, anchors, artifacts, reverts
from chain.anchors import Advance
from chain.events import signatures
from oracle.hashing import keccak256
from tests.peers.node import ROOT, ask
from tests.peers.test_typed_data import TYPES, VECTORS

ANCHOR_LOG = json.loads((ROOT / "contracts" / "artifacts" / "AnchorLog.json").read_text())["abi"]
STEP = Advance(
    epoch=1_982_272, old_size=7, new_size=2**40, root=Digest(b"\x05" * 32), proof=(Digest(b"\x06" * 32), Digest(b"\x07" * 32)),
    manifest=Digest(b"\x08" * 32),
)  # fmt: skip
FAILURE = keccak256(b"LogEpochWrong(uint48,uint48)")[:4] + abi.encode("(uint48,uint48)", (9, 11))


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    domain = {
        "name": "StorageAlliance", "version": "1", "chainId": VECTORS["domain"]["chainId"],
        "verifyingContract": VECTORS["domain"]["registry"],
    }  # fmt: skip
    names = [field["name"] for field in TYPES["Segment"]]
    arguments = [
        STEP.epoch, STEP.old_size, str(STEP.new_size), to_hex(STEP.root), [to_hex(node) for node in STEP.proof],
        to_hex(STEP.manifest),
    ]  # fmt: skip
    asked = {
        "domain": domain, "types": {"Segment": TYPES["Segment"]}, "abi": ANCHOR_LOG,
        "typed": [
            {"message": {name: one[name] for name in names}, "signature": one["signature65"]} for one in VECTORS["segments"]
        ],
        "calls": [{"name": "advance", "arguments": arguments}], "errors": [to_hex(FAILURE)],
    }  # fmt: skip
    found: dict[str, Any] = ask("ethers.mjs", asked, needs=("ethers",))
    return found


def test_digest_and_signer_are_the_same_when_ethers_reads_a_segment(theirs: dict[str, Any]) -> None:
    assert len(theirs["typed"]) == len(VECTORS["segments"])
    for ours, answer in zip(VECTORS["segments"], theirs["typed"], strict=True):
        assert answer["digest"] == ours["digest"]
        assert answer["signer"].lower() == VECTORS["device"]


def test_call_data_is_the_same_when_ethers_advances_the_log(theirs: dict[str, Any]) -> None:
    assert theirs["calls"] == [to_hex(anchors.advance(STEP))]


def test_topics_are_the_same_when_ethers_reads_the_interface(theirs: dict[str, Any]) -> None:
    ours = {name: "0x" + keccak256(form.encode()).hex() for name, form in signatures().items()}
    shared = {name: topic for name, topic in theirs["topics"].items() if name in ours}
    assert {"Checkpoint", "SignerFrozen", "DigestClaimed"} <= set(shared)
    assert shared == {name: ours[name] for name in shared}


def test_error_is_the_same_when_ethers_reads_a_refusal(theirs: dict[str, Any]) -> None:
    ours = reverts.decode(FAILURE)
    assert theirs["errors"] == [{"name": "LogEpochWrong", "values": ["9", "11"]}]
    assert "LogEpochWrong" in str(ours)
    assert artifacts.load("AnchorLog").creation_code
