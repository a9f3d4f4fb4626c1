"""A chain as a node shows it, kept as a value: recorded from a real one, told differently by a liar, and answered again.

`ChainView.answer` speaks JSON-RPC. Its state is the real one's, whole: proofs are built from it, and after a change of
storage the last blocks get new state roots and hashes, as they would have had.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from alliance.identity import Address, Digest, to_hex
from chain.rpc import Rpc, RpcRefused
from oracle.hashing import keccak256
from tests.campaigns.evidence_trie import Account, State, rlp, rlp_int

STATE_BLOCKS = 4
"""So many of the newest blocks have a state that can be asked for."""
_HEADER = (
    ("parentHash", False), ("sha3Uncles", False), ("miner", False), ("stateRoot", False), ("transactionsRoot", False),
    ("receiptsRoot", False), ("logsBloom", False), ("difficulty", True), ("number", True), ("gasLimit", True),
    ("gasUsed", True), ("timestamp", True), ("extraData", False), ("mixHash", False), ("nonce", False),
    ("baseFeePerGas", True), ("withdrawalsRoot", False), ("blobGasUsed", True), ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False), ("requestsHash", False),
)  # fmt: skip
"""A header's fields in the order in which they are hashed; whether each is a number."""

Json = dict[str, Any]


def header_hash(block: Json) -> Digest:
    """The hash of a block's header."""
    raw = [
        rlp_int(int(block[name], 16)) if number else bytes.fromhex(block[name][2:])
        for name, number in _HEADER
        if name in block
    ]
    return keccak256(rlp(raw))


class NotAnswered(Exception):
    """A node's error reply: JSON-RPC code and message, and what a revert returned."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


@dataclass(frozen=True, kw_only=True)
class ChainView:
    """What a node shows."""

    chain_id: int
    blocks: tuple[Json, ...]
    """By number, from the genesis on; without transactions' bodies."""
    logs: tuple[Json, ...]
    """In order of (block, log index)."""
    state: State
    """At the newest block, and at the few empty ones before it."""
    calls: Mapping[tuple[str, str], Json]
    """Recorded answers of views: (address, data) → {"result"} or {"error"}."""

    def answer(self, method: str, params: Sequence[Any]) -> object:
        """The result of a call. Raises NotAnswered."""
        if method not in _ANSWERS:
            raise NotAnswered(-32601, f"{method} is not recorded")
        return _ANSWERS[method](self, *params)

    def block(self, tag: str) -> Json | None:
        """A block by number or name."""
        if tag in ("latest", "safe", "finalized", "pending"):
            return self.blocks[-1]
        number = 0 if tag == "earliest" else int(tag, 16)
        return self.blocks[number] if number < len(self.blocks) else None

    @cached_property
    def by_hash(self) -> dict[str, Json]:
        """The blocks by their hashes."""
        return {block["hash"]: block for block in self.blocks}

    @cached_property
    def by_block(self) -> dict[int, list[Json]]:
        """The logs by their blocks' numbers."""
        found: dict[int, list[Json]] = {}
        for log in self.logs:
            found.setdefault(int(log["blockNumber"], 16), []).append(log)
        return found

    def require_state(self, tag: Any) -> None:
        """Refuse a block whose state is not kept. Raises NotAnswered."""
        block = self.by_hash.get(tag["blockHash"]) if isinstance(tag, dict) else self.block(tag)
        if block is None or int(block["number"], 16) < len(self.blocks) - STATE_BLOCKS:
            raise NotAnswered(-32000, f"the state of block {tag} is not kept")

    def with_logs(self, change: Callable[[Json], Json | None]) -> "ChainView":
        """The view with some logs told differently, or left out."""
        return replace(self, logs=tuple(told for log in self.logs if (told := change(log)) is not None))

    def with_state(self, state: State, calls: Mapping[tuple[str, str], Json] | None = None) -> "ChainView":
        """The view with another state at its end; its last blocks are hashed anew."""
        root = to_hex(state.trie.root)
        rehashed = rehash(self.blocks, first=len(self.blocks) - STATE_BLOCKS, change=lambda b: {**b, "stateRoot": root})
        return replace(self, blocks=rehashed, state=state, calls={**self.calls, **(calls or {})})


def rehash(blocks: Sequence[Json], *, first: int, change: Callable[[Json], Json]) -> tuple[Json, ...]:
    """The blocks with those from `first` on changed, each naming the hash of the one before."""
    told = list(blocks)
    for number in range(first, len(told)):
        made = change(dict(told[number]))
        if number:
            made["parentHash"] = told[number - 1]["hash"]
        told[number] = made | {"hash": to_hex(header_hash(made))}
    return tuple(told)


def _block(view: ChainView, tag: str, _whole: bool = False) -> Json | None:
    return view.block(tag)


def _block_by_hash(view: ChainView, named: str, _whole: bool = False) -> Json | None:
    return view.by_hash.get(named)


def _logs(view: ChainView, asked: Json) -> list[Json]:
    addresses = asked.get("address")
    wanted = (
        None if addresses is None else {a.lower() for a in ([addresses] if isinstance(addresses, str) else addresses)}
    )
    return [
        log
        for number in _asked_blocks(view, asked)
        for log in view.by_block.get(number, [])
        if (wanted is None or log["address"] in wanted) and _topics_match(log["topics"], asked.get("topics") or [])
    ]


def _asked_blocks(view: ChainView, asked: Json) -> range:
    if "blockHash" in asked:
        block = view.by_hash.get(asked["blockHash"])
        if block is None:
            raise NotAnswered(-32000, "unknown block")
        return range(int(block["number"], 16), int(block["number"], 16) + 1)
    ends = [view.block(asked.get(name, "latest")) for name in ("fromBlock", "toBlock")]
    low, high = (len(view.blocks) - 1 if end is None else int(end["number"], 16) for end in ends)
    return range(low, high + 1)


def _topics_match(topics: Sequence[str], asked: Sequence[Any]) -> bool:
    return len(topics) >= len(asked) and all(
        want is None or have == want or (isinstance(want, list) and have in want)
        for have, want in zip(topics, asked, strict=False)
    )


def _code(view: ChainView, named: str, tag: Any = "latest") -> str:
    account = view.state.accounts.get(_address(named))
    return to_hex(account.code) if account else "0x"


def _call(view: ChainView, request: Json, tag: Any = "latest") -> object:
    view.require_state(tag)
    answer = view.calls.get((request["to"].lower(), request.get("data") or request.get("input", "0x")))
    if answer is None:
        raise NotAnswered(3, f"call of {request['to']} not recorded: {request.get('data', '')[:10]}")
    if "error" in answer:
        raise NotAnswered(**answer["error"])
    return answer["result"]


def _storage(view: ChainView, named: str, slot: str, tag: Any = "latest") -> str:
    view.require_state(tag)
    return f"0x{view.state.slot(_address(named), int(slot, 16)):064x}"


def _proof(view: ChainView, named: str, slots: Sequence[str], tag: Any = "latest") -> Json:
    view.require_state(tag)
    address = _address(named)
    account = view.state.accounts.get(address, Account(nonce=0, balance_wei=0, code=b""))
    return {
        "address": named, "balance": hex(account.balance_wei), "nonce": hex(account.nonce),
        "codeHash": to_hex(account.code_hash), "storageHash": to_hex(account.trie.root),
        "accountProof": [to_hex(node) for node in view.state.trie.proof(address)],
        "storageProof": [
            {
                "key": slot, "value": hex(account.storage.get(int(slot, 16), 0)),
                "proof": [to_hex(node) for node in account.trie.proof(int(slot, 16).to_bytes(32, "big"))],
            }
            for slot in slots
        ],
    }  # fmt: skip


def _address(named: str) -> Address:
    return Address(bytes.fromhex(named[2:]))


_ANSWERS: dict[str, Callable[..., object]] = {
    "eth_chainId": lambda view: hex(view.chain_id),
    "net_version": lambda view: str(view.chain_id),
    "eth_blockNumber": lambda view: view.blocks[-1]["number"],
    "eth_getBlockByNumber": _block,
    "eth_getBlockByHash": _block_by_hash,
    "eth_getLogs": _logs,
    "eth_getCode": _code,
    "eth_call": _call,
    "eth_getStorageAt": _storage,
    "eth_getProof": _proof,
}


def reply(view: ChainView, request: object) -> object:
    """The JSON-RPC reply to a request, or to a batch of them."""
    if isinstance(request, list):
        return [reply(view, one) for one in request]
    assert isinstance(request, dict)
    told: Json = {"jsonrpc": "2.0", "id": request.get("id")}
    try:
        return told | {"result": view.answer(request["method"], request.get("params") or [])}
    except NotAnswered as error:
        return told | {"error": {"code": error.code, "message": error.message, "data": error.data}}


# ---- recording ----


class Recorder(Rpc):
    """A connection that keeps every answer of a view."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.calls: dict[tuple[str, str], Json] = {}

    def call(self, method: str, params: Sequence[object] = ()) -> object:
        """As the node; the answers of views are kept, refusals too."""
        if method != "eth_call":
            return super().call(method, params)
        request: Any = params[0]
        key = (request["to"], request["data"])
        try:
            result = super().call(method, params)
        except RpcRefused as refused:
            self.calls[key] = {
                "error": {"code": refused.rpc_code, "message": refused.message, "data": to_hex(refused.data)}
            }
            raise
        self.calls[key] = {"result": result}
        return result


def record(rpc: Rpc, calls: Mapping[tuple[str, str], Json]) -> ChainView:
    """The whole of a development chain, and its state, checked against the newest block's state root."""
    newest = rpc.block_number()
    blocks = [rpc.call("eth_getBlockByNumber", [hex(number), False]) for number in range(newest + 1)]
    logs: Any = rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "latest"}])
    logs = sorted(logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    view = ChainView(
        chain_id=rpc.chain_id(), blocks=tuple(_json(b) for b in blocks), logs=tuple(logs), state=_state(rpc),
        calls=dict(calls),
    )  # fmt: skip
    head = view.blocks[-1]
    assert to_hex(view.state.trie.root) == head["stateRoot"], "the dumped state is not the newest block's"
    assert all(to_hex(header_hash(block)) == block["hash"] for block in view.blocks[1:])
    assert {block["stateRoot"] for block in view.blocks[-STATE_BLOCKS:]} == {head["stateRoot"]}, (
        "the last are not empty"
    )
    return view


def _json(value: object) -> Json:
    assert isinstance(value, dict)
    return value


def _state(rpc: Rpc) -> State:
    dumped: Any = rpc.call("anvil_dumpState")
    accounts = json.loads(gzip.decompress(bytes.fromhex(dumped[2:])))["accounts"]
    return State(accounts={_address(name): _account(told) for name, told in accounts.items()})


def _account(told: Json) -> Account:
    storage = {int(slot, 16): int(value, 16) for slot, value in told["storage"].items()}
    return Account(
        nonce=_number(told["nonce"]), balance_wei=_number(told["balance"]), code=bytes.fromhex(told["code"][2:]),
        storage=storage,
    )  # fmt: skip


def _number(value: int | str) -> int:
    return value if isinstance(value, int) else int(value, 16)


# ---- keeping ----


def save(view: ChainView, path: Path) -> None:
    """Write a view as JSON."""
    accounts = {
        to_hex(name): {
            "nonce": a.nonce, "balance": hex(a.balance_wei), "code": to_hex(a.code),
            "storage": {hex(slot): hex(value) for slot, value in a.storage.items()},
        }
        for name, a in view.state.accounts.items()
    }  # fmt: skip
    told = {
        "chainId": view.chain_id, "blocks": view.blocks, "logs": view.logs, "accounts": accounts,
        "calls": [[*key, answer] for key, answer in view.calls.items()],
    }  # fmt: skip
    path.write_text(json.dumps(told))


def load(path: Path) -> ChainView:
    """Read a view again."""
    told = json.loads(path.read_text())
    return ChainView(
        chain_id=told["chainId"], blocks=tuple(told["blocks"]), logs=tuple(told["logs"]),
        state=State(accounts={_address(name): _account(a) for name, a in told["accounts"].items()}),
        calls={(to, data): answer for to, data, answer in told["calls"]},
    )  # fmt: skip


class ReplayRpc(Rpc):
    """A connection to a view in this process."""

    def __init__(self, view: ChainView) -> None:
        self.url, self.view = "memory:", view

    def close(self) -> None:
        """Nothing is open."""

    def call(self, method: str, params: Sequence[object] = ()) -> object:
        """What the view answers. Raises RpcRefused."""
        try:
            return self.view.answer(method, json.loads(json.dumps(list(params))))
        except NotAnswered as error:
            data = bytes.fromhex(error.data[2:]) if error.data else b""
            raise RpcRefused(method=method, rpc_code=error.code, message=error.message, data=data) from error


def all_of(view: ChainView, topic: str) -> Iterator[tuple[int, Json]]:
    """The logs of one event, each with its place among all."""
    return ((at, log) for at, log in enumerate(view.logs) if log["topics"] and log["topics"][0] == topic)
