"""RLP and the state trie of Ethereum (yellow paper, appendices B and D): roots and proofs of a state we made ourselves.

A campaign's liar rebuilds the state that its chain would have, so that every proof in it is a real one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from alliance.identity import Address, Digest
from oracle.hashing import keccak256

Item = bytes | Sequence["Item"]
EMPTY_TRIE_ROOT = keccak256(b"\x80")


def rlp(item: Item) -> bytes:
    """Recursive length prefix of bytes or nested lists of bytes."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _prefixed(0x80, item)
    return _prefixed(0xC0, b"".join(map(rlp, item)))


def rlp_int(value: int) -> bytes:
    """An integer as RLP's shortest bytes; 0 is empty."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _prefixed(offset: int, body: bytes) -> bytes:
    if len(body) < 56:
        return bytes([offset + len(body)]) + body
    size = rlp_int(len(body))
    return bytes([offset + 55 + len(size)]) + size + body


@dataclass(frozen=True, slots=True)
class _Node:
    """One node: what is encoded, its children by nibble (or the one below an extension), and its path."""

    encoded: bytes
    path: tuple[int, ...]
    children: Mapping[int, "_Node"]
    below: "_Node | None" = None

    @property
    def reference(self) -> Item:
        """How the parent names it: its hash, or the node itself when it is short."""
        return keccak256(self.encoded) if len(self.encoded) >= 32 else _Raw(self.encoded)


class _Raw(bytes):
    """Bytes that are RLP already."""


def _rlp(item: Item) -> bytes:
    if isinstance(item, _Raw):
        return bytes(item)
    if isinstance(item, bytes):
        return rlp(item)
    return _prefixed(0xC0, b"".join(map(_rlp, item)))


class Trie:
    """A secure trie (keys hashed) over given pairs."""

    def __init__(self, pairs: Mapping[bytes, bytes]) -> None:
        items = sorted((_nibbles(keccak256(key)), value) for key, value in pairs.items())
        self._top = _build(items, 0) if items else None

    @property
    def root(self) -> Digest:
        """The trie's root hash."""
        return EMPTY_TRIE_ROOT if self._top is None else keccak256(self._top.encoded)

    def proof(self, key: bytes) -> list[bytes]:
        """The nodes from the root towards a key, those that stand inside their parent left out."""
        path, node, found = _nibbles(keccak256(key)), self._top, []
        while node is not None:
            if not found or len(node.encoded) >= 32:
                found.append(node.encoded)
            if tuple(path[: len(node.path)]) != node.path:
                break
            path = path[len(node.path) :]
            if node.below is not None:
                node = node.below
            elif path and node.children:
                node, path = node.children.get(path[0]), path[1:]
            else:
                break
        return found


def _nibbles(key: bytes) -> tuple[int, ...]:
    return tuple(half for byte in key for half in (byte >> 4, byte & 15))


def _compact(path: Sequence[int], *, leaf: bool) -> bytes:
    flag = 2 * leaf + len(path) % 2
    nibbles = [flag, *path] if len(path) % 2 else [flag, 0, *path]
    return bytes(a << 4 | b for a, b in zip(nibbles[::2], nibbles[1::2], strict=True))


def _build(items: list[tuple[tuple[int, ...], bytes]], depth: int) -> _Node:
    if len(items) == 1:
        path = items[0][0][depth:]
        return _Node(_rlp([_compact(path, leaf=True), items[0][1]]), path, {})
    first, last, shared = items[0][0], items[-1][0], depth
    while first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        below, path = _build(items, shared), first[depth:shared]
        return _Node(_rlp([_compact(path, leaf=False), below.reference]), path, {}, below)
    children = {}
    for nibble in range(16):
        part = [item for item in items if item[0][depth] == nibble]
        if part:
            children[nibble] = _build(part, depth + 1)
    named: list[Item] = [children[n].reference if n in children else b"" for n in range(16)]
    return _Node(_rlp([*named, b""]), (), children)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account of the state."""

    nonce: int
    balance_wei: int
    code: bytes
    storage: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def code_hash(self) -> Digest:
        """Keccak-256 of the code."""
        return keccak256(self.code)

    @cached_property
    def trie(self) -> Trie:
        """The storage trie. Slots that were set to zero stay in it, as they do in the development chain's."""
        return Trie({slot.to_bytes(32, "big"): rlp(rlp_int(value)) for slot, value in self.storage.items()})

    @cached_property
    def encoded(self) -> bytes:
        """The account's value in the state trie."""
        return rlp([rlp_int(self.nonce), rlp_int(self.balance_wei), self.trie.root, self.code_hash])


@dataclass(frozen=True, kw_only=True)
class State:
    """All accounts at one block."""

    accounts: Mapping[Address, Account]

    @cached_property
    def trie(self) -> Trie:
        """The state trie."""
        return Trie({bytes(address): account.encoded for address, account in self.accounts.items()})

    def stored(self, address: Address, slots: Mapping[int, int]) -> "State":
        """The state with other values in some of an account's slots."""
        account = self.accounts[address]
        changed = replace(account, storage={**account.storage, **slots})
        return State(accounts={**self.accounts, address: changed})

    def slot(self, address: Address, slot: int) -> int:
        """A storage slot."""
        account = self.accounts.get(address)
        return account.storage.get(slot, 0) if account else 0
