"""Protocol 11.4: state counts only as far as trie nodes and header hash together; every forgery is refused by name."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.identity import Address, address
from audit.auditor import audit_day, read_chain
from audit.blocks import FolderSource
from audit.verdict import Outcome, Verdict
from chain import proofs, rpc
from chain.anchors import AnchorLog
from chain.devices import DeviceRegistry
from chain.proofs import (
    HeaderForged,
    ProofIncomplete,
    ProofNodeForged,
    ProofNodeShapeless,
    ProofOverlong,
    ProvedOtherwise,
    RlpMalformed,
    check_account,
    check_header,
    mapping_slot,
    rlp_decode,
    trie_value,
)
from chain.rpc import AccountProof, Header, Rpc
from chain.transaction import rlp
from oracle.hashing import keccak256
from tests.audit.world import BOXES, DAY, World

VECTOR = json.loads((Path(__file__).parents[1] / "vectors" / "state-proof.json").read_text())
DEVICE, UNKNOWN = address(VECTOR["device"]), address(VECTOR["unknownDevice"])
SLOTS = {"log": [0, 1], "devices": [mapping_slot(2, DEVICE), mapping_slot(2, UNKNOWN)], "absent": [0]}


def header() -> Header:
    return rpc._header(VECTOR["block"])


def proof(name: str) -> AccountProof:
    return rpc._proof(VECTOR[name], SLOTS[name])


def checked(given: AccountProof) -> proofs.ProvedAccount:
    return check_account(given, account=given.address, state_root=header().state_root)


def test_recorded_state_is_proved_when_nothing_is_changed() -> None:
    check_header(header())
    log = checked(proof("log"))
    assert log.storage[0].to_bytes(32, "big")
    assert log.storage[1] >> 208 > 0
    devices = checked(proof("devices"))
    assert devices.storage[SLOTS["devices"][0]] == VECTOR["changed"] > 0


def test_absence_is_proved_when_a_slot_or_an_account_was_never_written() -> None:
    assert checked(proof("devices")).storage[SLOTS["devices"][1]] == 0
    nobody = checked(proof("absent"))
    assert (nobody.code_hash, nobody.storage) == (proofs.EMPTY_CODE, {0: 0})


@pytest.mark.parametrize("at", range(20))
def test_header_is_refused_when_any_field_differs(at: int) -> None:
    good = header()
    fields = list(good.fields)
    fields[at] = bytes([*fields[at][:-1], (fields[at][-1] ^ 1) if fields[at] else 1])
    with pytest.raises(HeaderForged) as caught:
        check_header(replace(good, fields=tuple(fields)))
    assert caught.value.want_hash == good.hash != caught.value.got_hash


def test_header_is_refused_when_a_field_is_left_out() -> None:
    with pytest.raises(HeaderForged):
        check_header(replace(header(), fields=header().fields[:-1]))


@pytest.mark.parametrize("name", ["log", "devices", "absent"])
def test_proof_is_refused_when_any_byte_of_any_node_is_changed(name: str) -> None:
    good = proof(name)
    for at, node in enumerate(good.nodes):
        for offset in range(0, len(node), 17):
            bent = bytes([*node[:offset], node[offset] ^ 0x40, *node[offset + 1 :]])
            with pytest.raises(ProofNodeForged) as caught:
                checked(replace(good, nodes=(*good.nodes[:at], bent, *good.nodes[at + 1 :])))
            assert caught.value.depth == at


def test_proof_is_refused_when_nodes_are_missing_or_left_over() -> None:
    good = proof("log")
    with pytest.raises(ProofIncomplete):
        checked(replace(good, nodes=good.nodes[:-1]))
    with pytest.raises(ProofOverlong) as caught:
        checked(replace(good, nodes=(*good.nodes, good.nodes[-1])))
    assert (caught.value.want_nodes, caught.value.got_nodes) == (len(good.nodes), len(good.nodes) + 1)
    slot = good.slots[0]
    with pytest.raises(ProofIncomplete):
        checked(replace(good, slots=(replace(slot, nodes=slot.nodes[:-1]),)))
    with pytest.raises(ProofOverlong):
        checked(replace(good, slots=(replace(slot, nodes=(*slot.nodes, b"\xc0")),)))


@pytest.mark.parametrize(
    "bend",
    [
        lambda p: replace(p, nonce=p.nonce + 1),
        lambda p: replace(p, balance_wei=p.balance_wei + 1),
        lambda p: replace(p, code_hash=keccak256(b"other code")),
        lambda p: replace(p, storage_root=keccak256(b"other storage")),
        lambda p: replace(p, slots=(replace(p.slots[0], value=p.slots[0].value ^ 1), p.slots[1])),
        lambda p: replace(p, slots=(replace(p.slots[0], value=0), p.slots[1])),
        lambda p: replace(p, address=Address(bytes(20))),
    ],
)
def test_claim_is_refused_when_the_trie_holds_another_value(bend: Callable[[AccountProof], AccountProof]) -> None:
    good = proof("log")
    with pytest.raises(ProvedOtherwise):
        check_account(bend(good), account=good.address, state_root=header().state_root)


def test_proof_of_one_slot_is_refused_when_it_is_shown_for_another() -> None:
    good = proof("log")
    swapped = (replace(good.slots[1], slot=0), good.slots[0])
    with pytest.raises((ProvedOtherwise, ProofNodeForged, ProofOverlong, ProofIncomplete)):
        checked(replace(good, slots=swapped))


def test_proof_is_refused_when_the_state_root_is_another() -> None:
    good = proof("log")
    with pytest.raises(ProofNodeForged) as caught:
        check_account(good, account=good.address, state_root=keccak256(b"another state"))
    assert caught.value.depth == 0


@pytest.mark.parametrize(
    "raw",
    ["", "81", "8100", "817f", "b800", "b838", "c1", "c28100", "8180ff", "f800", "bfffffffffffffffff", "c180c0"],
)
def test_rlp_is_refused_when_it_is_not_canonical(raw: str) -> None:
    with pytest.raises(RlpMalformed):
        rlp_decode(bytes.fromhex(raw))


@given(st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=6), max_leaves=20))
def test_rlp_decodes_to_what_was_encoded(item) -> None:
    assert rlp_decode(rlp(item)) == item


@given(st.binary(max_size=60))
def test_rlp_that_decodes_encodes_to_the_same_bytes(raw: bytes) -> None:
    try:
        found = rlp_decode(raw)
    except RlpMalformed:
        return
    assert rlp(found) == raw


@pytest.mark.parametrize(
    "node",
    [["\x00"], [b"\x40", b"x"], [b"\x01", b"x"], [[b"a"], b"x"], [b"", b"x"], [b"x"] * 16, [b"\x00", b"short"]],
)
def test_node_is_refused_when_it_is_no_branch_extension_or_leaf(node: list) -> None:
    raw = rlp([part.encode() if isinstance(part, str) else part for part in node])
    with pytest.raises(ProofNodeShapeless):
        trie_value(keccak256(raw), bytes(32), [raw], what="bad")


# ---- on a living chain ----


def test_state_that_an_audit_reads_is_proved_and_equals_what_the_contracts_answer(honest: World) -> None:
    facts = read_chain(honest.rpc, honest.deployment, DAY)
    assert facts.proved
    assert facts.log == AnchorLog(honest.rpc, honest.deployment["AnchorLog"].address).state()
    devices = DeviceRegistry(honest.rpc, honest.deployment["DeviceRegistry"].address)
    assert dict(facts.changed) == {box.address: devices.changed(box.address) for box in BOXES}


def test_older_state_is_proved_when_blocks_must_stand_above_it(honest: World) -> None:
    facts = read_chain(honest.rpc, honest.deployment, DAY, depth=2)
    assert facts.proved
    assert facts.head.number == honest.rpc.block_number() - 2


class Bent(httpx.BaseTransport):
    """A node that answers one method otherwise."""

    def __init__(self, url: str, method: str, bend: Callable[[dict], object]) -> None:
        self._through, self._method, self._bend = httpx.HTTPTransport(), method, bend

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.read())
        response = self._through.handle_request(request)
        answer = json.loads(response.read())
        response.close()
        if asked["method"] == self._method:
            answer = self._bend(answer)
        return httpx.Response(200, json=answer)

    def close(self) -> None:
        self._through.close()


def bent_audit(world: World, method: str, bend: Callable[[dict], object]) -> Verdict:
    with Rpc(world.anvil.url, transport=Bent(world.anvil.url, method, bend)) as node:
        return audit_day(node, lambda: FolderSource(world.archive.folder), world.deployment, DAY)


def _other_root(answer: dict) -> dict:
    for slot in answer["result"]["storageProof"]:
        slot["value"] = hex(int(slot["value"], 16) ^ 1)
    return answer


def _other_node(answer: dict) -> dict:
    answer["result"]["accountProof"][-1] = answer["result"]["accountProof"][-1][:-2] + "00"
    return answer


@pytest.mark.parametrize(
    ("method", "bend", "named"),
    [
        ("eth_getProof", _other_root, "proved_otherwise"),
        ("eth_getProof", _other_node, "proof_node_forged"),
    ],
)
def test_audit_fails_and_names_it_when_a_node_bends_its_proof(honest: World, method: str, bend, named: str) -> None:
    verdict = bent_audit(honest, method, bend)
    assert verdict.outcome is Outcome.FAIL, verdict.line
    assert verdict.divergence.rule == f"protocol 11.4: the state is proved to the block's header ({named})"


def test_audit_is_unread_when_a_node_has_no_proofs(honest: World) -> None:
    refused = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "method not found"}}
    verdict = bent_audit(honest, "eth_getProof", lambda answer: refused)
    assert verdict.outcome is Outcome.UNREAD
    assert verdict.unread.what == "state proof"


@pytest.mark.parametrize(("head", "outcome"), [(True, Outcome.FAIL), (False, Outcome.UNREAD)])
def test_header_that_does_not_hash_to_its_block_is_named(honest: World, head: bool, outcome: Outcome) -> None:
    number = honest.rpc.block_number() if head else 60

    def bend(answer: dict) -> dict:
        if answer.get("result") and int(answer["result"]["number"], 16) == number:
            answer["result"]["stateRoot"] = "0x" + "11" * 32
        return answer

    verdict = bent_audit(honest, "eth_getBlockByNumber", bend)
    assert verdict.outcome is outcome, verdict.line
    assert "header_forged" in verdict.line


def test_event_that_is_told_twice_was_not_read(honest: World) -> None:
    verdict = bent_audit(honest, "eth_getLogs", lambda answer: {**answer, "result": answer["result"] * 2})
    assert verdict.outcome is Outcome.UNREAD
    assert "told twice" in verdict.line
