"""State proved to a block's header (protocol 11.4): RLP, headers and Merkle-Patricia tries, in plain Python.

Ethereum's Yellow Paper, appendices B (RLP), C (hex-prefix) and D (tries), section 4.4 (headers). A node's answer to
`eth_getProof` counts only where its trie nodes hash down from the state root of a header that hashes to the block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alliance.errors import Conflicting, Malformed
from alliance.identity import Address, Digest, to_hex
from chain.rpc import AccountProof, Header, StorageProof
from chain.transaction import rlp
from oracle.eip712 import word
from oracle.hashing import keccak256

_EMPTY = b"\x80"
EMPTY_TRIE = keccak256(_EMPTY)
"""Root of a trie without entries: the hash of RLP's empty string, which some nodes give as its one node."""
EMPTY_CODE = keccak256()
"""Code hash of an account without code."""
_SHORT = 32
"""A node whose RLP is shorter stands inside its parent, not behind a hash."""

_ACCOUNT = ("nonce", "balance", "storage root", "code hash")

Item = bytes | list["Item"]


@dataclass(kw_only=True, eq=False)
class RlpMalformed(Malformed):
    """Bytes are not one RLP item in its one canonical form."""

    why: str
    offset: int


@dataclass(kw_only=True, eq=False)
class HeaderForged(Conflicting):
    """A header's fields do not hash to the block's hash."""

    block_number: int
    want_hash: Digest
    got_hash: Digest


@dataclass(kw_only=True, eq=False)
class ProofNodeForged(Conflicting):
    """A trie node does not hash to what its parent, or the root, names."""

    what: str
    depth: int
    want_hash: Digest
    got_hash: Digest


@dataclass(kw_only=True, eq=False)
class ProofIncomplete(Conflicting):
    """The nodes end before the trie says whether the key is there."""

    what: str
    depth: int
    want_hash: Digest


@dataclass(kw_only=True, eq=False)
class ProofOverlong(Conflicting):
    """More nodes were given than the path to the key has."""

    what: str
    want_nodes: int
    got_nodes: int


@dataclass(kw_only=True, eq=False)
class ProofNodeShapeless(Malformed):
    """A trie node is neither a branch, an extension nor a leaf."""

    what: str
    depth: int
    why: str


@dataclass(kw_only=True, eq=False)
class ProvedOtherwise(Conflicting):
    """The trie holds another value than the answer claims beside its proof."""

    what: str
    want: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedAccount:
    """An account as the state root has it, its proof checked."""

    address: Address
    code_hash: Digest
    storage: dict[int, int]
    """Proved slots; 0 where the trie proves that nothing stands."""


def check_header(header: Header) -> None:
    """Refuse a header whose fields do not hash to its block's hash. Raises HeaderForged."""
    got = keccak256(rlp(list(header.fields)))
    if got != header.hash:
        raise HeaderForged(block_number=header.number, want_hash=header.hash, got_hash=got)


def check_account(proof: AccountProof, *, account: Address, state_root: Digest) -> ProvedAccount:
    """An account and its slots as `state_root` has them.

    Raises ProvedOtherwise, ProofNodeForged, ProofIncomplete, ProofOverlong, ProofNodeShapeless or RlpMalformed.
    """
    name = to_hex(account)
    _same(f"account {name}", name, to_hex(proof.address))
    found = trie_value(state_root, keccak256(account), proof.nodes, what=f"account {name}")
    held = _account(found, name)
    claimed = (proof.nonce, proof.balance_wei, proof.storage_root, proof.code_hash)
    for field, want, got in zip(_ACCOUNT, map(_text, held), map(_text, claimed), strict=True):
        _same(f"{field} of {name}", want, got)
    storage = {slot.slot: _slot(slot, storage_root=held[2], name=name) for slot in proof.slots}
    return ProvedAccount(address=account, code_hash=held[3], storage=storage)


def mapping_slot(position: int, key: bytes) -> int:
    """Where Solidity stores `mapping[key]` of a mapping declared at `position`."""
    return int.from_bytes(keccak256(word(key), word(position)), "big")


def trie_value(root: Digest, key: bytes, nodes: Sequence[bytes], *, what: str) -> bytes | None:
    """What a trie holds under a key, None if the nodes prove that it holds nothing.

    `nodes` lead from the root to the key; each must hash to what names it, and none may be left over. Raises as
    `check_account`.
    """
    if root == EMPTY_TRIE and list(nodes) in ([], [_EMPTY]):
        return None
    walk = _Walk(nodes, what)
    value = walk.find(root, tuple(_nibbles(key)))
    if walk.used != len(nodes):
        raise ProofOverlong(what=what, want_nodes=walk.used, got_nodes=len(nodes))
    return value


def rlp_decode(raw: bytes) -> Item:
    """The one item that fills `raw`, strictly canonical. Raises RlpMalformed."""
    item, end = _item(raw, 0)
    if end != len(raw):
        raise RlpMalformed(why="trailing bytes", offset=end)
    return item


class _Walk:
    """One descent through a trie; counts the nodes that it was given and used."""

    def __init__(self, nodes: Sequence[bytes], what: str) -> None:
        self._nodes, self._what = nodes, what
        self.used = 0

    def find(self, root: Digest, path: tuple[int, ...]) -> bytes | None:
        """Follow the path from the root's node down."""
        reference: Item = root
        while reference != b"":
            node = self._node(reference)
            if len(node) == 17:
                if not path:
                    return self._bytes(node[16]) or None
                reference, path = node[path[0]], path[1:]
                continue
            is_leaf, part = self._hex_prefix(node[0])
            if path[: len(part)] != part or (is_leaf and path != part):
                return None
            if is_leaf:
                return self._bytes(node[1])
            reference, path = node[1], path[len(part) :]
        return None

    def _node(self, reference: Item) -> list[Item]:
        """The node that a parent names: inside it when short, else the next one given, whose hash must agree."""
        if isinstance(reference, list):
            return self._shaped(reference)
        if len(reference) != 32:
            raise ProofNodeShapeless(what=self._what, depth=self.used, why="a child is no hash")
        want = Digest(reference)
        if self.used == len(self._nodes):
            raise ProofIncomplete(what=self._what, depth=self.used, want_hash=want)
        raw = self._nodes[self.used]
        got = keccak256(raw)
        if got != want:
            raise ProofNodeForged(what=self._what, depth=self.used, want_hash=want, got_hash=got)
        self.used += 1
        if self.used > 1 and len(raw) < _SHORT:
            raise ProofNodeShapeless(what=self._what, depth=self.used, why="a short node stands behind a hash")
        return self._shaped(rlp_decode(raw))

    def _shaped(self, node: Item) -> list[Item]:
        if not isinstance(node, list) or len(node) not in (2, 17):
            raise ProofNodeShapeless(what=self._what, depth=self.used, why="neither 2 nor 17 items")
        return node

    def _hex_prefix(self, item: Item) -> tuple[bool, tuple[int, ...]]:
        """Whether a two-item node is a leaf, and the part of the path that it covers."""
        nibbles = tuple(_nibbles(self._bytes(item)))
        if not nibbles or nibbles[0] > 3 or (not nibbles[0] & 1 and nibbles[1] != 0):
            raise ProofNodeShapeless(what=self._what, depth=self.used, why="the path's prefix")
        return nibbles[0] >= 2, nibbles[1:] if nibbles[0] & 1 else nibbles[2:]

    def _bytes(self, item: Item) -> bytes:
        if not isinstance(item, bytes):
            raise ProofNodeShapeless(what=self._what, depth=self.used, why="a list where bytes belong")
        return item


def _account(found: bytes | None, name: str) -> tuple[int, int, Digest, Digest]:
    """Nonce, balance, storage root and code hash of an account's entry; of an absent one, what Ethereum gives it."""
    if found is None:
        return 0, 0, EMPTY_TRIE, EMPTY_CODE
    match rlp_decode(found):
        case [bytes(nonce), bytes(balance), bytes(storage), bytes(code)] if len(storage) == len(code) == 32:
            return _integer(nonce), _integer(balance), Digest(storage), Digest(code)
    raise ProofNodeShapeless(what=f"account {name}", depth=0, why="an account is nonce, balance, root and code hash")


def _slot(proof: StorageProof, *, storage_root: Digest, name: str) -> int:
    what = f"slot {proof.slot:#x} of {name}"
    found = trie_value(storage_root, keccak256(word(proof.slot)), proof.nodes, what=what)
    held = 0
    if found is not None:
        inner = rlp_decode(found)
        if not isinstance(inner, bytes) or not inner:
            raise ProofNodeShapeless(what=what, depth=0, why="a slot is a number above 0")
        held = _integer(inner)
    _same(what, hex(held), hex(proof.value))
    return held


def _integer(raw: bytes) -> int:
    if raw[:1] == b"\0":
        raise RlpMalformed(why="integer with a leading zero", offset=0)
    return int.from_bytes(raw, "big")


def _same(what: str, want: str, got: str) -> None:
    if want != got:
        raise ProvedOtherwise(what=what, want=want, got=got)


def _text(value: object) -> str:
    return to_hex(value) if isinstance(value, bytes) else str(value)


def _nibbles(raw: bytes) -> Iterator[int]:
    for byte in raw:
        yield byte >> 4
        yield byte & 15


def _item(raw: bytes, at: int) -> tuple[Item, int]:
    """The item at an offset and the offset behind it."""
    if at >= len(raw):
        raise RlpMalformed(why="ends early", offset=at)
    lead = raw[at]
    if lead < 0x80:
        return raw[at : at + 1], at + 1
    is_list = lead >= 0xC0
    body, size = _length(raw, at, lead - (0xC0 if is_list else 0x80))
    end = body + size
    if end > len(raw):
        raise RlpMalformed(why="ends early", offset=at)
    if is_list:
        return _items(raw, body, end), end
    if size == 1 and raw[body] < 0x80:
        raise RlpMalformed(why="a byte below 0x80 stands for itself", offset=at)
    return raw[body:end], end


def _items(raw: bytes, at: int, end: int) -> list[Item]:
    found: list[Item] = []
    while at < end:
        item, at = _item(raw, at)
        found.append(item)
    if at != end:
        raise RlpMalformed(why="an item leaves its list", offset=at)
    return found


def _length(raw: bytes, at: int, code: int) -> tuple[int, int]:
    """Where an item's body begins and how long it is."""
    if code <= 55:
        return at + 1, code
    width = code - 55
    body = at + 1 + width
    size = raw[at + 1 : body]
    if len(size) != width or size[0] == 0 or int.from_bytes(size, "big") <= 55:
        raise RlpMalformed(why="length not in its shortest form", offset=at)
    return body, int.from_bytes(size, "big")
