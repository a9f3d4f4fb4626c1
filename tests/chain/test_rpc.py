"""The node's answers are parsed before they are trusted, and its failures have names."""

import httpx
import pytest

from alliance.identity import Address, Digest
from chain import reverts
from chain.rpc import Rpc, RpcMalformed, RpcRefused, RpcUnavailable


def _node(answer: object, *, status: int = 200) -> Rpc:
    return Rpc("http://127.0.0.1:1", transport=httpx.MockTransport(lambda _: httpx.Response(status, json=answer)))


def test_node_is_unavailable_when_nobody_listens() -> None:
    with Rpc("http://127.0.0.1:1") as rpc, pytest.raises(RpcUnavailable, match="eth_chainId"):
        rpc.chain_id()


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_node_is_unavailable_when_http_says_so(status: int) -> None:
    with _node({}, status=status) as rpc, pytest.raises(RpcUnavailable):
        rpc.chain_id()


def test_node_is_unavailable_when_it_does_not_speak_json() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text="<html>"))
    with Rpc("http://127.0.0.1:1", transport=transport) as rpc, pytest.raises(RpcUnavailable):
        rpc.chain_id()


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"result": None}, {"result": 5}, {"result": "5"}, {"result": "0x"}, {"result": "0xg"}, {"error": {}},
     {"error": {"code": "x", "message": "y"}}, {"error": "no"}],
)  # fmt: skip
def test_answer_is_malformed_when_it_is_not_a_quantity(answer: object) -> None:
    with _node(answer) as rpc, pytest.raises(RpcMalformed):
        rpc.chain_id()


@pytest.mark.parametrize("field", ["number", "hash", "parentHash", "timestamp", "gasUsed", "stateRoot", "transactions"])
def test_block_is_malformed_when_a_field_is_missing(field: str) -> None:
    whole = {
        "number": "0x1", "hash": "0x" + "11" * 32, "parentHash": "0x" + "22" * 32, "timestamp": "0x5", "gasUsed": "0x0",
        "stateRoot": "0x" + "33" * 32, "transactions": [],
    }  # fmt: skip
    with _node({"result": whole}) as rpc:
        assert rpc.head().number == 1
    with _node({"result": {k: v for k, v in whole.items() if k != field}}) as rpc, pytest.raises(RpcMalformed):
        rpc.head()


def test_refusal_carries_the_revert_data_when_a_call_reverts() -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x4e487b71" + "00" * 31 + "11"}
    with _node({"error": error}) as rpc, pytest.raises(RpcRefused) as caught:
        rpc.eth_call(Address(bytes(20)), b"")
    reverted = reverts.from_refusal(caught.value)
    assert reverted is not None
    assert reverts.described(reverted) == "Panic(17)"


def test_unknown_errors_keep_their_selector_when_they_are_decoded() -> None:
    assert reverts.decode(b"\xde\xad\xbe\xef\x01").error == "0xdeadbeef"
    text = reverts.abi.selector("Error(string)") + reverts.abi.encode("(bytes)", (b"no",))
    assert reverts.described(reverts.decode(text)) == "Error(no)"


def test_readers_agree_with_each_other_when_they_ask_a_real_chain(chain, keys) -> None:
    rpc, counter = chain.rpc, chain.counter(keys[0])
    receipt = chain.wallet(keys[0]).send(counter, b"\x05" * 32)
    head = rpc.head()
    assert rpc.chain_id() == 31337
    assert rpc.block_by_hash(head.hash) == rpc.block(head.number) == head
    assert rpc.block(99) is None
    assert rpc.block_by_hash(Digest(bytes(32))) is None
    assert receipt.logs == tuple(rpc.logs_of_block([counter], head.hash)) == tuple(rpc.logs([counter], first=0, last=9))
    assert rpc.receipt(Digest(bytes(32))) is None
    assert rpc.knows(receipt.tx_hash)
    assert not rpc.knows(Digest(bytes(32)))
    assert rpc.nonce(keys[0].address) == 2
    assert rpc.nonce(keys[0].address, head.number - 1) == 1
    assert len(rpc.code(counter)) == 6
    assert rpc.storage(counter, 0) == 0
    proof = rpc.proof(counter, [0, 1])
    assert proof.address == counter
    assert [slot.slot for slot in proof.slots] == [0, 1]
    assert proof.nodes
