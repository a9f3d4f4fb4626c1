"""An Ethereum node over JSON-RPC (protocol 5.1): one synchronous call, and typed readers of what it answers.

Every answer is parsed before it is trusted; what a node says is still only that node's word.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import httpx

from alliance.errors import Malformed, Missing, Refused
from alliance.identity import Address, Digest, to_hex

T = TypeVar("T")

BlockTag = int | str
"""A block's number, or `latest`, `pending`, `earliest`, `finalized`."""


@dataclass(kw_only=True, eq=False)
class RpcUnavailable(Missing):
    """The node does not answer, or not in HTTP 200 and JSON."""

    url: str
    method: str
    why: str


@dataclass(kw_only=True, eq=False)
class RpcRefused(Refused):
    """The node answered with an error; `data` is the revert data of a failed call, empty otherwise."""

    method: str
    rpc_code: int
    message: str
    data: bytes


@dataclass(kw_only=True, eq=False)
class RpcMalformed(Malformed):
    """A field of the node's answer is not what the method promises."""

    what: str
    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block's header, as far as it is used here."""

    number: int
    hash: Digest
    parent: Digest
    timestamp_s: int
    base_fee_wei: int
    """0 on chains without EIP-1559."""
    gas_used: int
    state_root: Digest
    transactions: tuple[Digest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A whole header: its fields as the RLP items whose hash is the block's (`chain.proofs.check_header`)."""

    number: int
    hash: Digest
    timestamp_s: int
    state_root: Digest
    fields: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """An event as the node reports it, not decoded."""

    address: Address
    topics: tuple[Digest, ...]
    data: bytes
    block_number: int
    block_hash: Digest
    tx_hash: Digest
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a mined transaction."""

    tx_hash: Digest
    succeeded: bool
    block_number: int
    block_hash: Digest
    gas_used: int
    gas_price_wei: int
    """Price that was paid for each gas."""
    contract: Address | None
    """Address of the contract that the transaction created."""
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageProof:
    """One storage slot and the trie nodes from the account's storage root down to it."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProof:
    """An account and the trie nodes from the state root down to it (`eth_getProof`); nothing is verified yet."""

    address: Address
    nonce: int
    balance_wei: int
    code_hash: Digest
    storage_root: Digest
    nodes: tuple[bytes, ...]
    slots: tuple[StorageProof, ...]


class Rpc:
    """A node's JSON-RPC endpoint; `transport` is the seam where tests put faults."""

    def __init__(self, url: str, *, timeout_s: float = 20.0, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        local = httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
        self._http = httpx.Client(timeout=timeout_s, transport=transport, trust_env=not local)
        self._ids = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, method: str, params: Sequence[object] = ()) -> object:
        """The result of one JSON-RPC call. Raises RpcUnavailable, RpcRefused or RpcMalformed."""
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(params)}
        try:
            response = self._http.post(self.url, json=request)
            response.raise_for_status()
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise RpcUnavailable(url=self.url, method=method, why=str(error) or type(error).__name__) from error
        return _result(method, answer)

    def chain_id(self) -> int:
        """Number of the chain."""
        return _quantity("chainId", "result", self.call("eth_chainId"))

    def block_number(self) -> int:
        """Number of the newest block."""
        return _quantity("blockNumber", "result", self.call("eth_blockNumber"))

    def block(self, tag: BlockTag = "latest") -> Block | None:
        """A block by number or tag; None when the node does not have it."""
        return _maybe(_block, self.call("eth_getBlockByNumber", [_tag(tag), False]))

    def head(self) -> Block:
        """The newest block. Raises RpcMalformed when the node has none."""
        block = self.block()
        if block is None:
            raise RpcMalformed(what="block", field="latest", value="null")
        return block

    def block_by_hash(self, block_hash: Digest) -> Block | None:
        """A block by its hash; None when the node does not have it."""
        return _maybe(_block, self.call("eth_getBlockByHash", [to_hex(block_hash), False]))

    def header(self, tag: BlockTag = "latest") -> Header | None:
        """A block's whole header; None when the node does not have the block."""
        return _maybe(_header, self.call("eth_getBlockByNumber", [_tag(tag), False]))

    def logs(self, addresses: Sequence[Address], *, first: int, last: int) -> list[Log]:
        """Events of some contracts in the blocks first…last, in order of (block, log index)."""
        asked = {"address": [to_hex(a) for a in addresses], "fromBlock": hex(first), "toBlock": hex(last)}
        return _logs(self.call("eth_getLogs", [asked]))

    def logs_of_block(self, addresses: Sequence[Address], block_hash: Digest) -> list[Log]:
        """Events of some contracts in exactly this block, whatever the canonical chain is meanwhile."""
        asked = {"address": [to_hex(a) for a in addresses], "blockHash": to_hex(block_hash)}
        return _logs(self.call("eth_getLogs", [asked]))

    def receipt(self, tx_hash: Digest) -> Receipt | None:
        """Receipt of a mined transaction; None while it is not mined."""
        return _maybe(_receipt, self.call("eth_getTransactionReceipt", [to_hex(tx_hash)]))

    def knows(self, tx_hash: Digest) -> bool:
        """Whether the node has the transaction, pending or mined."""
        return self.call("eth_getTransactionByHash", [to_hex(tx_hash)]) is not None

    def code(self, account: Address, tag: BlockTag = "latest") -> bytes:
        """Runtime code of an account, empty when it has none."""
        return _data("code", "result", self.call("eth_getCode", [to_hex(account), _tag(tag)]))

    def storage(self, account: Address, slot: int, tag: BlockTag = "latest") -> int:
        """One storage slot of an account."""
        raw = self.call("eth_getStorageAt", [to_hex(account), hex(slot), _tag(tag)])
        return int.from_bytes(_data("storage", "result", raw), "big")

    def proof(self, account: Address, slots: Sequence[int], tag: BlockTag = "latest") -> AccountProof:
        """An account and some of its storage slots with their trie nodes, unverified."""
        params = [to_hex(account), [f"0x{slot:064x}" for slot in slots], _tag(tag)]
        return _proof(_map("proof", self.call("eth_getProof", params)), slots)

    def balance_wei(self, account: Address, tag: BlockTag = "latest") -> int:
        """Balance of an account, wei."""
        return _quantity("balance", "result", self.call("eth_getBalance", [to_hex(account), _tag(tag)]))

    def nonce(self, account: Address, tag: BlockTag = "latest") -> int:
        """How many transactions of an account are mined (with `pending`: or wait to be)."""
        return _quantity("nonce", "result", self.call("eth_getTransactionCount", [to_hex(account), _tag(tag)]))

    def eth_call(self, to: Address, data: bytes, *, tag: BlockTag = "latest", sender: Address | None = None) -> bytes:
        """What a contract would answer. Raises RpcRefused with the revert data when it reverts."""
        request = {"to": to_hex(to), "data": to_hex(data)} | ({"from": to_hex(sender)} if sender else {})
        return _data("call", "result", self.call("eth_call", [request, _tag(tag)]))

    def estimate_gas(self, sender: Address, to: Address | None, data: bytes) -> int:
        """Gas that a transaction would use on the newest block. Raises RpcRefused when it would revert."""
        request = {"from": to_hex(sender), "data": to_hex(data)} | ({"to": to_hex(to)} if to else {})
        return _quantity("gas", "result", self.call("eth_estimateGas", [request, "latest"]))

    def send_raw(self, raw: bytes) -> Digest:
        """Broadcast a signed transaction; its hash. Raises RpcRefused when the node does not take it."""
        return Digest(_data("sent", "result", self.call("eth_sendRawTransaction", [to_hex(raw)]), size=32))


def _result(method: str, answer: object) -> object:
    reply = _map(method, answer)
    if "error" not in reply or reply["error"] is None:
        if "result" not in reply:
            raise RpcMalformed(what=method, field="result", value="nothing")
        return reply["result"]
    error = _map(method, reply["error"])
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if not isinstance(code, int) or not isinstance(message, str):
        raise RpcMalformed(what=method, field="error", value=str(error)[:80])
    raise RpcRefused(method=method, rpc_code=code, message=message, data=_revert_data(data))


def _revert_data(data: object) -> bytes:
    if isinstance(data, Mapping):
        data = data.get("data")
    try:
        return bytes.fromhex(data[2:]) if isinstance(data, str) and data[:2] == "0x" else b""
    except ValueError:
        return b""


def _tag(tag: BlockTag) -> str:
    return tag if isinstance(tag, str) else hex(tag)


def _maybe(read: Callable[[Mapping[str, object]], T], value: object) -> T | None:
    return None if value is None else read(_map("result", value))


def _block(value: Mapping[str, object]) -> Block:
    listed = value.get("transactions")
    if not isinstance(listed, list):
        raise RpcMalformed(what="block", field="transactions", value=str(listed)[:80])
    return Block(
        number=_quantity("block", "number", value.get("number")),
        hash=_digest("block", "hash", value.get("hash")),
        parent=_digest("block", "parentHash", value.get("parentHash")),
        timestamp_s=_quantity("block", "timestamp", value.get("timestamp")),
        base_fee_wei=_quantity("block", "baseFeePerGas", value.get("baseFeePerGas", "0x0")),
        gas_used=_quantity("block", "gasUsed", value.get("gasUsed")),
        state_root=_digest("block", "stateRoot", value.get("stateRoot")),
        transactions=tuple(_digest("block", "transactions", one) for one in listed),
    )


_HEADER = (
    ("parentHash", 32), ("sha3Uncles", 32), ("miner", 20), ("stateRoot", 32), ("transactionsRoot", 32),
    ("receiptsRoot", 32), ("logsBloom", 256), ("difficulty", None), ("number", None), ("gasLimit", None),
    ("gasUsed", None), ("timestamp", None), ("extraData", -1), ("mixHash", 32), ("nonce", 8),
)  # fmt: skip
"""Fields of a header in their order and their sizes: bytes so long, bytes of any length (-1), or a number (None)."""
_FORKS = (
    ("baseFeePerGas", None), ("withdrawalsRoot", 32), ("blobGasUsed", None), ("excessBlobGas", None),
    ("parentBeaconBlockRoot", 32), ("requestsHash", 32),
)  # fmt: skip
"""What forks appended, in that order: London, Shanghai, Cancun, Prague."""


def _header(value: Mapping[str, object]) -> Header:
    named = (*_HEADER, *((name, size) for name, size in _FORKS if value.get(name) is not None))
    return Header(
        number=_quantity("header", "number", value.get("number")),
        hash=_digest("header", "hash", value.get("hash")),
        timestamp_s=_quantity("header", "timestamp", value.get("timestamp")),
        state_root=_digest("header", "stateRoot", value.get("stateRoot")),
        fields=tuple(_header_field(name, size, value.get(name)) for name, size in named),
    )


def _header_field(name: str, size: int | None, value: object) -> bytes:
    if size is None:
        number = _quantity("header", name, value)
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
    return _data("header", name, value, size=None if size < 0 else size)


def _logs(value: object) -> list[Log]:
    if not isinstance(value, list):
        raise RpcMalformed(what="logs", field="result", value=str(value)[:80])
    found = [_log(_map("log", one)) for one in value]
    return sorted(found, key=lambda log: (log.block_number, log.log_index))


def _log(value: Mapping[str, object]) -> Log:
    topics = value.get("topics")
    if not isinstance(topics, list):
        raise RpcMalformed(what="log", field="topics", value=str(topics)[:80])
    return Log(
        address=Address(_data("log", "address", value.get("address"), size=20)),
        topics=tuple(_digest("log", "topics", topic) for topic in topics),
        data=_data("log", "data", value.get("data")),
        block_number=_quantity("log", "blockNumber", value.get("blockNumber")),
        block_hash=_digest("log", "blockHash", value.get("blockHash")),
        tx_hash=_digest("log", "transactionHash", value.get("transactionHash")),
        log_index=_quantity("log", "logIndex", value.get("logIndex")),
    )


def _receipt(value: Mapping[str, object]) -> Receipt:
    created = value.get("contractAddress")
    return Receipt(
        tx_hash=_digest("receipt", "transactionHash", value.get("transactionHash")),
        succeeded=_quantity("receipt", "status", value.get("status")) == 1,
        block_number=_quantity("receipt", "blockNumber", value.get("blockNumber")),
        block_hash=_digest("receipt", "blockHash", value.get("blockHash")),
        gas_used=_quantity("receipt", "gasUsed", value.get("gasUsed")),
        gas_price_wei=_quantity("receipt", "effectiveGasPrice", value.get("effectiveGasPrice", "0x0")),
        contract=None if created is None else Address(_data("receipt", "contractAddress", created, size=20)),
        logs=tuple(_logs(value.get("logs"))),
    )


def _proof(value: Mapping[str, object], slots: Sequence[int]) -> AccountProof:
    listed = value.get("storageProof")
    if not isinstance(listed, list) or len(listed) != len(slots):
        raise RpcMalformed(what="proof", field="storageProof", value=str(listed)[:80])
    rows = [_map("storageProof", one) for one in listed]
    return AccountProof(
        address=Address(_data("proof", "address", value.get("address"), size=20)),
        nonce=_quantity("proof", "nonce", value.get("nonce")),
        balance_wei=_quantity("proof", "balance", value.get("balance")),
        code_hash=_digest("proof", "codeHash", value.get("codeHash")),
        storage_root=_digest("proof", "storageHash", value.get("storageHash")),
        nodes=_nodes(value.get("accountProof")),
        slots=tuple(
            StorageProof(slot=slot, value=_quantity("proof", "value", row.get("value")), nodes=_nodes(row.get("proof")))
            for slot, row in zip(slots, rows, strict=True)
        ),
    )


def _nodes(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise RpcMalformed(what="proof", field="nodes", value=str(value)[:80])
    return tuple(_data("proof", "nodes", one) for one in value)


def _map(what: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise RpcMalformed(what=what, field="", value=str(value)[:80])
    return value


def _quantity(what: str, field: str, value: object) -> int:
    if isinstance(value, str) and value[:2] == "0x" and len(value) > 2:
        try:
            return int(value[2:], 16)
        except ValueError:
            pass
    raise RpcMalformed(what=what, field=field, value=str(value)[:80])


def _data(what: str, field: str, value: object, *, size: int | None = None) -> bytes:
    if isinstance(value, str) and value[:2] == "0x":
        try:
            raw = bytes.fromhex(value[2:])
        except ValueError:
            raw = None
        if raw is not None and size in (None, len(raw)):
            return raw
    raise RpcMalformed(what=what, field=field, value=str(value)[:80])


def _digest(what: str, field: str, value: object) -> Digest:
    return Digest(_data(what, field, value, size=32))
