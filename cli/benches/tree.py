"""The log's hash tree over a million entries, against plain SHA-256 of the same bytes."""

from hashlib import sha256, shake_256

from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Finding, best_of
from oracle.merkle import HashTree, leaf_hash, root_of

LEAVES = 1_000_000
ENTRY_BYTES = 102
"""A segment's entry (protocol 4.2)."""


def run(ground: Ground, *, leaves: int | None = None) -> list[Finding]:
    """The growing tree, which keeps every node, and the root alone."""
    del ground
    leaves = leaves or LEAVES
    data = shake_256(b"bench entries").digest(leaves * ENTRY_BYTES)
    entries = [data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]
    whole = best_of(lambda: sha256(data).digest())
    singly = best_of(lambda: [sha256(entry).digest() for entry in entries])
    roots: set[bytes] = set()
    growing = best_of(lambda: roots.add(HashTree(map(leaf_hash, entries)).root()))
    root = best_of(lambda: roots.add(root_of([leaf_hash(entry) for entry in entries])))
    assert len(roots) == 1, "the two ways to the root differ"
    facts = {"leaves": leaves, "bytes": len(data), "hashes": 2 * leaves - 1}
    against = "plain SHA-256 of the same bytes, all at once"
    return [
        Comparison(
            name="growing hash tree (every node kept)",
            ours=growing,
            against=against,
            theirs=whole,
            facts=facts | {"leaves_per_s": round(leaves / growing.wall_s)},
        ),
        Comparison(name="root of a hash tree", ours=root, against=against, theirs=whole, facts=facts),
        Comparison(
            name="root of a hash tree",
            ours=root,
            against="plain SHA-256 of each entry singly",
            theirs=singly,
            facts=facts,
        ),
    ]
