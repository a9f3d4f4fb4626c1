"""Protocol 1.5 and 3.3: npm's viem hashes and verifies what our devices sign."""

import json
from typing import Any

import pytest

from oracle import eip712
from tests.peers.node import ROOT, ask
from tests.vectors.make_evidence import DOMAIN

VECTORS = json.loads((ROOT / "tests" / "vectors" / "evidence.json").read_text())
FIELDS = {
    "Segment": "address device,uint16 channel,uint64 firstSeq,uint32 count,uint64 tFirst,uint64 tLast,bytes32 root,"
    "bytes32 prev,uint64 beaconBlock,bytes32 beaconHash",
    "Ack": "bytes32 segment,uint64 epoch",
    "Enrol": "address device,address owner,uint32 station,uint256 nonce,uint64 deadline",
    "Accept": "bytes32 schedule,uint64 firstPeriod,uint64 beaconBlock,bytes32 beaconHash",
    "Live": "address device,uint64 t,bytes32 body",
}
TYPES = {
    name: [dict(zip(("type", "name"), field.split(), strict=True)) for field in fields.split(",")]
    for name, fields in FIELDS.items()
}


def viem(*items: dict[str, Any], **domain: Any) -> list[dict[str, Any]]:
    given = {
        "name": "StorageAlliance", "version": "1", "chainId": VECTORS["domain"]["chainId"],
        "verifyingContract": VECTORS["domain"]["registry"],
    }  # fmt: skip
    found: list[dict[str, Any]] = ask(
        "typed_data.mjs", {"domain": given | domain, "types": TYPES, "items": items}, needs=("viem",)
    )
    return found


def signed(segment: dict[str, Any], **changes: Any) -> dict[str, Any]:
    message = {field["name"]: segment[field["name"]] for field in TYPES["Segment"]} | changes
    return {
        "primaryType": "Segment", "message": message, "signature": segment["signature"], "address": VECTORS["device"],
    }  # fmt: skip


def test_digest_and_signer_are_the_same_when_viem_reads_a_segment() -> None:
    answers = viem(*map(signed, VECTORS["segments"]))
    for segment, answer in zip(VECTORS["segments"], answers, strict=True):
        assert answer["digest"] == segment["digest"]
        assert answer["signature65"] == segment["signature65"]
        assert answer["signer"].lower() == VECTORS["device"]
        assert answer["verified"] is True


@pytest.mark.parametrize("field", [f["name"] for f in TYPES["Segment"]])
def test_viem_refuses_when_a_field_of_the_segment_is_altered(field: str) -> None:
    segment = VECTORS["segments"][0]
    value = segment[field]
    other = value + 1 if isinstance(value, int) else value[:-1] + ("0" if value[-1] != "0" else "1")
    (answer,) = viem(signed(segment, **{field: other}))
    assert answer["digest"] != segment["digest"]
    assert answer["verified"] is False


def test_viem_refuses_when_the_segment_is_shown_on_another_chain_or_registry() -> None:
    asked = signed(VECTORS["segments"][0])
    for domain in ({"chainId": 1}, {"verifyingContract": "0x" + "22" * 20}):
        (answer,) = viem(asked, **domain)
        assert answer["verified"] is False


def test_digests_are_the_same_when_viem_hashes_our_other_messages() -> None:
    device, hash_of = VECTORS["device"], eip712.keccak256
    enrol = {"device": device, "owner": "0x" + "22" * 20, "station": 3, "nonce": 0, "deadline": 1_800_000_000}
    accept = {
        "schedule": "0x" + eip712.word(5).hex(), "firstPeriod": 7, "beaconBlock": 12, "beaconHash": "0x" + "0c" * 32,
    }  # fmt: skip
    live = {"device": device, "t": 1_784_044_800_000, "body": "0x" + hash_of(b"{}").hex()}
    answers = viem(
        {"primaryType": "Ack", "message": {"segment": VECTORS["segments"][0]["digest"], "epoch": 7}},
        {"primaryType": "Enrol", "message": enrol},
        {"primaryType": "Accept", "message": accept},
        {"primaryType": "Live", "message": live},
    )
    ours = [
        eip712.accept_digest(
            DOMAIN, schedule=eip712.Digest(eip712.word(5)), first_period=7, beacon_block=12,
            beacon_hash=eip712.Digest(b"\x0c" * 32),
        ),
        eip712.live_digest(DOMAIN, device=eip712.Address(bytes.fromhex(device[2:])), t_ms=1_784_044_800_000, body=b"{}"),
    ]  # fmt: skip
    assert [a["digest"] for a in answers] == [VECTORS["ack"], VECTORS["enrol"], *("0x" + d.hex() for d in ours)]
