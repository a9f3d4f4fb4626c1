"""A statement's leaves in bytes and their Merkle tree, as OpenZeppelin's `StandardMerkleTree` (protocol 8.9.1).

Every leaf is `(uint8 kind, uint32 index, bytes body)`: `index` counts all leaves of the statement from 0 in the order
quantities, slot totals, lines, entries, weights, so that a missing or doubled index can be shown. The leaf's hash is
keccak256(bytes.concat(keccak256(abi.encode(kind, index, body)))); hashes ascend in the tree, pairs are hashed in
ascending order. `body` is `abi.encode` of, by kind:

1 quantity    (uint32 station, uint8 slot, int64 netWh, uint8 status, bool disputed, address device, uint16 channel,
              uint64 seqFrom, uint64 seqTo, uint32 boundaryFrom, uint32 boundaryTo, bytes32 document)
              boundaries are absolute slots between which an estimate was split; all 0 from `device` on without edges
2 slot total  (uint32 group, uint8 slot, uint32 position, uint32 count, uint32 station, int64 importsWh,
              int64 exportsWh)
3 line        (uint32 day, uint8 slot, uint8 kind, uint32 account, uint32 counterparty, uint32 subject, uint32 group,
              int64 quantityWh, int64 priceCentsPerMwh, int64 amountCents, bytes32 evidence)
4 entry       (uint32 account, uint32 group, uint32 index, uint32 lineLeaf, int64 amountCents, int64 balanceCents)
              `lineLeaf` is the leaf index of its line
5 weights     (uint32 group, uint32[] members, uint64[] weightsWh)

Accounts are member numbers; platform 0xFFFFFFFD, grid 0xFFFFFFFE, pool 0xFFFFFFFF.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sha3 import keccak_256 as _keccak

from alliance.calendar import Day
from alliance.errors import Missing, Refused
from alliance.identity import Digest
from alliance.statement import Entry, LeafKind, Line, Quantity, SlotTotal, Statement, Weights
from oracle.hashing import keccak256

_WORD = 32
_MASK = (1 << 256) - 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf: its kind, its place in the statement, and its ABI-encoded body."""

    kind: LeafKind
    index: int
    body: bytes

    @property
    def encoded(self) -> bytes:
        """`abi.encode(uint8, uint32, bytes)`."""
        return _words(self.kind, self.index, 3 * _WORD, len(self.body)) + self.body

    @property
    def digest(self) -> Digest:
        """The leaf's double hash."""
        return keccak256(keccak256(self.encoded))


@dataclass(kw_only=True, eq=False)
class NoSuchLeaf(Missing):
    """A proof was asked for a leaf that the statement does not have."""

    index: int
    leaves: int


@dataclass(kw_only=True, eq=False)
class LeafNotProved(Refused):
    """A leaf and its proof lead to another root."""

    index: int
    want: Digest
    got: Digest


class SettlementTree:
    """The Merkle tree over a statement's leaves."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self.leaves = tuple(leaves)

    @property
    def root(self) -> Digest:
        """The root that is posted; 32 zero bytes for no leaves."""
        return self._nodes[0] if self._nodes else Digest(bytes(_WORD))

    def proof(self, index: int) -> tuple[Digest, ...]:
        """The siblings from a leaf up to the root. Raises NoSuchLeaf."""
        if not 0 <= index < len(self.leaves):
            raise NoSuchLeaf(index=index, leaves=len(self.leaves))
        return tuple(self._siblings(self._places[index]))

    @cached_property
    def _ranked(self) -> list[tuple[Digest, int]]:
        return sorted((leaf.digest, place) for place, leaf in enumerate(self.leaves))

    @cached_property
    def _places(self) -> dict[int, int]:
        """Leaf → its node: the lowest hash stands last."""
        last = 2 * len(self.leaves) - 2
        return {place: last - rank for rank, (_, place) in enumerate(self._ranked)}

    @cached_property
    def _nodes(self) -> list[Digest]:
        count = len(self.leaves)
        nodes = [Digest(b"")] * max(0, count - 1) + [digest for digest, _ in reversed(self._ranked)]
        for at in range(count - 2, -1, -1):
            nodes[at] = node_hash(nodes[2 * at + 1], nodes[2 * at + 2])
        return nodes

    def _siblings(self, at: int) -> Iterator[Digest]:
        while at:
            yield self._nodes[at + 1 if at % 2 else at - 1]
            at = (at - 1) // 2


def settlement_tree(statement: Statement) -> SettlementTree:
    """The tree of a whole statement or of a correction."""
    return SettlementTree(tuple(leaves_of(statement)))


def statement_root(statement: Statement) -> Digest:
    """`settlement_tree(statement).root`, leaf by leaf in bytes, for who needs no proofs."""
    queue = sorted(_leaf_digests(statement))
    pairs = iter(queue)
    for a, b in zip(pairs, pairs, strict=False):
        queue.append(_keccak(a + b if a < b else b + a).digest())
    return Digest(queue[-1] if queue else bytes(_WORD))


def _leaf_digests(statement: Statement) -> list[bytes]:
    """The digests of all leaves, in order: `Leaf.digest` of `leaves_of`."""
    word = _Words()
    day = word[statement.heading.day.number]
    first_line = len(statement.quantities) + len(statement.slot_totals)
    bodies: tuple[tuple[LeafKind, list[bytes]], ...] = (
        (LeafKind.QUANTITY, [_quantity_body(q, word) for q in statement.quantities]),
        (LeafKind.SLOT_TOTAL, [_slot_total_body(t, word) for t in statement.slot_totals]),
        (LeafKind.LINE, [_line_body(day, x, word) for x in statement.lines]),
        (LeafKind.ENTRY, [_entry_body(e, first_line, word) for e in statement.entries]),
        (LeafKind.WEIGHTS, list(map(_weights, statement.weights))),
    )
    offset, found = word[3 * _WORD], list[bytes]()
    for kind, encoded in bodies:
        head = word[kind]
        for index, body in enumerate(encoded, start=len(found)):
            leaf = b"".join((head, index.to_bytes(_WORD, "big"), offset, word[len(body)], body))
            found.append(_keccak(_keccak(leaf).digest()).digest())
    return found


def _quantity_body(q: Quantity, word: "_Words") -> bytes:
    """`_quantity` out of words that were made before; so are the next three."""
    head = (word[q.station], word[q.slot], word[q.net_wh], word[q.status], word[int(q.disputed)])
    first, last = q.edge_from, q.edge_to
    if first is None or last is None:
        return b"".join((*head, bytes(6 * _WORD), q.document))
    places = (word[first.channel], word[first.seq], word[last.seq], word[first.boundary], word[last.boundary])
    return b"".join((*head, bytes(_WORD - 20), first.device, *places, q.document))


def _slot_total_body(t: SlotTotal, word: "_Words") -> bytes:
    place = word[t.group] + word[t.slot] + word[t.position] + word[t.count] + word[t.station]
    return place + word[t.imports_wh] + word[t.exports_wh]


def _line_body(day: bytes, x: Line, word: "_Words") -> bytes:
    return b"".join(
        (
            day, word[x.slot], word[x.kind], word[x.account], word[x.counterparty], word[x.subject], word[x.group],
            word[x.quantity_wh], word[x.price_cents_per_mwh], word[x.amount_cents], x.evidence,
        )
    )  # fmt: skip


def _entry_body(e: Entry, first_line: int, word: "_Words") -> bytes:
    """The line's leaf and the balance are others in each entry."""
    line, balance = (first_line + e.line).to_bytes(_WORD, "big"), (e.balance_cents & _MASK).to_bytes(_WORD, "big")
    return word[e.account] + word[e.group] + word[e.index] + line + word[e.amount_cents] + balance


class _Words(dict[int, bytes]):
    """Numbers as 32-byte words, each made once."""

    def __missing__(self, value: int) -> bytes:
        made = self[value] = (value & _MASK).to_bytes(_WORD, "big")
        return made


def leaves_of(statement: Statement) -> Iterator[Leaf]:
    """All leaves in order, each with its index."""
    index = 0
    first_line = len(statement.quantities) + len(statement.slot_totals)
    bodies: tuple[tuple[LeafKind, Iterator[bytes]], ...] = (
        (LeafKind.QUANTITY, map(_quantity, statement.quantities)),
        (LeafKind.SLOT_TOTAL, map(_slot_total, statement.slot_totals)),
        (LeafKind.LINE, (_line(statement.heading.day, line) for line in statement.lines)),
        (LeafKind.ENTRY, (_entry(entry, first_line) for entry in statement.entries)),
        (LeafKind.WEIGHTS, map(_weights, statement.weights)),
    )
    for kind, encoded in bodies:
        for body in encoded:
            yield Leaf(kind, index, body)
            index += 1


def root_of_proof(leaf: Leaf, proof: Sequence[Digest]) -> Digest:
    """The root to which a leaf and its siblings lead."""
    digest = leaf.digest
    for sibling in proof:
        digest = node_hash(digest, sibling)
    return digest


def verify(leaf: Leaf, proof: Sequence[Digest], *, root: Digest) -> None:
    """Refuse a leaf that its proof does not tie to a root. Raises LeafNotProved."""
    got = root_of_proof(leaf, proof)
    if got != root:
        raise LeafNotProved(index=leaf.index, want=root, got=got)


def node_hash(a: Digest, b: Digest) -> Digest:
    """A parent of two nodes, whichever side they stand on."""
    return keccak256(a, b) if a < b else keccak256(b, a)


def _quantity(q: Quantity) -> bytes:
    head = _words(q.station, q.slot, q.net_wh, q.status, q.disputed)
    if q.edge_from is None or q.edge_to is None:
        return head + _words(0, 0, 0, 0, 0, 0) + q.document
    first, last = q.edge_from, q.edge_to
    device = first.device.rjust(_WORD, b"\0")
    rest = _words(first.channel, first.seq, last.seq, first.boundary, last.boundary)
    return head + device + rest + q.document


def _slot_total(t: SlotTotal) -> bytes:
    return _words(t.group, t.slot, t.position, t.count, t.station, t.imports_wh, t.exports_wh)


def _line(day: Day, x: Line) -> bytes:
    place = (day.number, x.slot, x.kind, x.account, x.counterparty, x.subject, x.group)
    return _words(*place, x.quantity_wh, x.price_cents_per_mwh, x.amount_cents) + x.evidence


def _entry(e: Entry, first_line: int) -> bytes:
    return _words(e.account, e.group, e.index, first_line + e.line, e.amount_cents, e.balance_cents)


def _weights(w: Weights) -> bytes:
    members = _array([member for member, _ in w.weights_wh])
    weights = _array([weight for _, weight in w.weights_wh])
    return _words(w.group, 3 * _WORD, 3 * _WORD + len(members)) + members + weights


def _array(values: Sequence[int]) -> bytes:
    return _words(len(values), *values)


def _words(*values: int) -> bytes:
    return b"".join([(value & _MASK).to_bytes(_WORD, "big") for value in values])
