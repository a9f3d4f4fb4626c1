"""The hash tree of RFC 9162, sections 2.1.1 to 2.1.4 (protocol 1.1): SHA-256, leaf 0x00‖bytes, node 0x01‖left‖right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from alliance.errors import Refused
from alliance.identity import Digest

EMPTY_ROOT = Digest(sha256(b"").digest())


@dataclass(kw_only=True, eq=False)
class InclusionFails(Refused):
    """An inclusion proof does not lead from the leaf to the root."""

    index: int
    size: int
    want_root: Digest
    got_root: Digest


@dataclass(kw_only=True, eq=False)
class ConsistencyFails(Refused):
    """A consistency proof does not join the old root and the new one."""

    old_size: int
    new_size: int
    want_root: Digest
    got_root: Digest


@dataclass(kw_only=True, eq=False)
class ProofShapeWrong(Refused):
    """A proof has the wrong length for its sizes, or its sizes are impossible."""

    what: str
    index_or_old_size: int
    size: int
    proof_length: int


def leaf_hash(entry: bytes) -> Digest:
    """Hash of a leaf's bytes."""
    return Digest(sha256(b"\x00" + entry).digest())


def node_hash(left: bytes, right: bytes) -> Digest:
    """Hash of two subtrees."""
    return Digest(sha256(b"\x01" + left + right).digest())


def root_of(leaves: Sequence[bytes]) -> Digest:
    """Root over leaf hashes, in order; the empty tree has SHA-256 of nothing."""
    level = list(leaves)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        odd = level.pop() if len(level) & 1 else None
        level = [sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=True)]
        if odd is not None:
            level.append(odd)
    return Digest(level[0])


class Frontier:
    """A growing tree that keeps only what its next root needs: a hash for each full subtree, the largest first."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ProofShapeWrong(what="frontier", index_or_old_size=size, size=size, proof_length=len(peaks))
        self.size = size
        """How many leaves stand in the tree."""
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash at the end."""
        left, node = self.size, leaf
        while left & 1:
            node = sha256(b"\x01" + self.peaks.pop() + node).digest()
            left >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> Digest:
        """Root of all leaves."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = sha256(b"\x01" + peak + node).digest()
        return Digest(node)


class HashTree:
    """A growing tree: 32 bytes a node, roots and proofs for every size that it ever had."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        for leaf in leaves:
            self.append(leaf)

    @property
    def size(self) -> int:
        """How many leaves stand in the tree."""
        return len(self._levels[0]) // 32

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash at the end."""
        index, node = self.size, leaf
        self._levels[0] += leaf
        for height in range(1, index.bit_length() + 2):
            if not index & 1:
                return
            node = node_hash(self._node(height - 1, index - 1), node)
            index >>= 1
            if height == len(self._levels):
                self._levels.append(bytearray())
            self._levels[height] += node

    def leaf(self, index: int) -> Digest:
        """The leaf hash at an index."""
        return self._node(0, index)

    def node(self, height: int, index: int) -> Digest:
        """Root of the `index`-th full subtree of 2^height leaves. Raises ProofShapeWrong when it is not full yet."""
        _check_bounds("node", (index + 1) << height, self.size)
        return self._node(height, index)

    def root(self, size: int | None = None) -> Digest:
        """Root of the first `size` leaves, all of them by default."""
        size = self.size if size is None else size
        _check_bounds("root", size, self.size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[Digest]:
        """Siblings from the leaf upward, for the tree of the first `size` leaves."""
        size = self.size if size is None else size
        _check_bounds("inclusion", index + 1, size)
        _check_bounds("inclusion", size, self.size)
        return self._path(index, 0, size)

    def consistency_proof(self, old: int, new: int | None = None) -> list[Digest]:
        """Proof that the first `old` leaves are unchanged in the first `new`; empty when old is 0 or equals new."""
        new = self.size if new is None else new
        _check_bounds("consistency", old, new)
        _check_bounds("consistency", new, self.size)
        return self._subproof(old, 0, new, known=True) if 0 < old < new else []

    def _node(self, height: int, index: int) -> Digest:
        return Digest(bytes(self._levels[height][32 * index : 32 * index + 32]))

    def _hash(self, low: int, high: int) -> Digest:
        count = high - low
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self._node(height, low >> height)
        middle = low + _split(count)
        return node_hash(self._hash(low, middle), self._hash(middle, high))

    def _path(self, index: int, low: int, high: int) -> list[Digest]:
        if high - low == 1:
            return []
        middle = low + _split(high - low)
        if index < middle:
            return [*self._path(index, low, middle), self._hash(middle, high)]
        return [*self._path(index, middle, high), self._hash(low, middle)]

    def _subproof(self, old: int, low: int, high: int, *, known: bool) -> list[Digest]:
        if old == high:
            return [] if known else [self._hash(low, high)]
        middle = low + _split(high - low)
        if old <= middle:
            return [*self._subproof(old, low, middle, known=known), self._hash(middle, high)]
        return [*self._subproof(old, middle, high, known=False), self._hash(low, middle)]


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 2.1.3.2. Raises ProofShapeWrong or InclusionFails."""
    if not 0 <= index < size:
        raise ProofShapeWrong(what="inclusion", index_or_old_size=index, size=size, proof_length=len(proof))
    node, f, s = Digest(leaf), index, size - 1
    for sibling in proof:
        if s == 0:
            raise ProofShapeWrong(what="inclusion", index_or_old_size=index, size=size, proof_length=len(proof))
        if f & 1 or f == s:
            node = node_hash(sibling, node)
            while not f & 1 and f:
                f, s = f >> 1, s >> 1
        else:
            node = node_hash(node, sibling)
        f, s = f >> 1, s >> 1
    if s:
        raise ProofShapeWrong(what="inclusion", index_or_old_size=index, size=size, proof_length=len(proof))
    if node != root:
        raise InclusionFails(index=index, size=size, want_root=Digest(bytes(root)), got_root=node)


def verify_consistency(
    *, old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """RFC 9162 2.1.4.2; an empty old tree is consistent with everything. Raises ProofShapeWrong or ConsistencyFails."""
    wrong = ProofShapeWrong(what="consistency", index_or_old_size=old_size, size=new_size, proof_length=len(proof))
    if not 0 <= old_size <= new_size:
        raise wrong
    if old_size in (0, new_size):
        want = EMPTY_ROOT if old_size == 0 else Digest(bytes(new_root))
        if proof:
            raise wrong
        _same_root(old_size, new_size, want=want, got=Digest(bytes(old_root)))
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    f, s = old_size - 1, new_size - 1
    while f & 1:
        f, s = f >> 1, s >> 1
    if not path:
        raise wrong
    old = new = Digest(bytes(path[0]))
    for sibling in path[1:]:
        if s == 0:
            raise wrong
        if f & 1 or f == s:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not f & 1 and f:
                f, s = f >> 1, s >> 1
        else:
            new = node_hash(new, sibling)
        f, s = f >> 1, s >> 1
    if s:
        raise wrong
    _same_root(old_size, new_size, want=Digest(bytes(old_root)), got=old)
    _same_root(old_size, new_size, want=Digest(bytes(new_root)), got=new)


def _same_root(old_size: int, new_size: int, *, want: Digest, got: Digest) -> None:
    if want != got:
        raise ConsistencyFails(old_size=old_size, new_size=new_size, want_root=want, got_root=got)


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_bounds(what: str, low: int, high: int) -> None:
    if not 0 <= low <= high:
        raise ProofShapeWrong(what=what, index_or_old_size=low, size=high, proof_length=0)
