"""Protocol 1.1: the verifier of PyPI's pymerkle accepts the log's own proofs, and no altered one."""

import pymerkle
import pytest

from oracle import merkle
from oracle.merkle import HashTree

ENTRIES = [b"SAE1" + bytes([1, i]) * 40 for i in range(37)]


@pytest.fixture(scope="module")
def log() -> HashTree:
    return HashTree(map(merkle.leaf_hash, ENTRIES))


@pytest.fixture(scope="module")
def theirs() -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in ENTRIES:
        tree.append_entry(entry)
    return tree


def test_pymerkle_accepts_our_inclusion_proof_when_the_entry_is_in_the_log(
    log: HashTree, theirs: pymerkle.InmemoryTree
) -> None:
    for size in (1, 2, 5, 16, 37):
        for index in range(size):
            proof = theirs.prove_inclusion(index + 1, size)
            leaf = merkle.leaf_hash(ENTRIES[index])
            proof.path = [leaf, *log.inclusion_proof(index, size)]
            pymerkle.verify_inclusion(leaf, log.root(size), proof, index=index + 1, size=size, algorithm="sha256")
            with pytest.raises(pymerkle.InvalidProof):
                pymerkle.verify_inclusion(merkle.leaf_hash(b"another"), log.root(size), proof)
            with pytest.raises(pymerkle.InvalidProof):
                pymerkle.verify_inclusion(leaf, merkle.leaf_hash(b"another"), proof)


def test_pymerkle_accepts_our_consistency_proof_when_the_log_only_grew(
    log: HashTree, theirs: pymerkle.InmemoryTree
) -> None:
    """Its proofs name two hashes more than RFC 9162 where the old tree ends in a full subtree: odd sizes compare whole."""
    for old in range(3, 37, 2):
        path = log.consistency_proof(old)
        proof = theirs.prove_consistency(old, len(ENTRIES))
        proof.path = [path[1], path[0], *path[2:]]
        pymerkle.verify_consistency(
            log.root(old), log.root(), proof, prior_size=old, later_size=len(ENTRIES), algorithm="sha256"
        )
        with pytest.raises(pymerkle.InvalidProof):
            pymerkle.verify_consistency(log.root(old - 1), log.root(), proof)


def test_we_accept_exactly_the_growth_that_pymerkle_accepts(log: HashTree, theirs: pymerkle.InmemoryTree) -> None:
    for old in range(1, len(ENTRIES)):
        assert theirs.get_root(old) == log.root(old)
        merkle.verify_consistency(
            old_size=old, new_size=len(ENTRIES), proof=log.consistency_proof(old), old_root=theirs.get_root(old),
            new_root=theirs.get_root(),
        )  # fmt: skip
        with pytest.raises(merkle.ConsistencyFails):
            merkle.verify_consistency(
                old_size=old, new_size=len(ENTRIES), proof=log.consistency_proof(old),
                old_root=merkle.leaf_hash(bytes([old])), new_root=theirs.get_root(),
            )  # fmt: skip
