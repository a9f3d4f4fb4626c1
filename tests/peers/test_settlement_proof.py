"""Protocol 8.9: npm's @openzeppelin/merkle-tree verifies each line of a statement, and refuses one whose cent was changed."""

from dataclasses import replace

from alliance.settlement import settle
from alliance.statement import LeafKind
from oracle.settlement_tree import Leaf, leaves_of, settlement_tree
from tests.peers.node import ask
from tests.settlement import worked_example as ex


def as_values(leaf: Leaf) -> list[object]:
    return [int(leaf.kind), leaf.index, "0x" + leaf.body.hex()]


def test_every_line_is_proved_when_the_npm_package_checks_our_proof() -> None:
    statement = settle(ex.inputs(complete=True))
    tree = settlement_tree(statement)
    lines = [leaf for leaf in tree.leaves if leaf.kind is LeafKind.LINE]
    assert len(lines) == len(statement.lines)
    cheaper = replace(statement, lines=(replace(statement.lines[0], amount_cents=statement.lines[0].amount_cents + 1), *statement.lines[1:]))  # fmt: skip
    (forged,) = (leaf for leaf in leaves_of(cheaper) if leaf.index == lines[0].index)
    assert forged.body != lines[0].body
    asked = [
        {
            "root": "0x" + tree.root.hex(),
            "leaf": as_values(shown),
            "proof": ["0x" + d.hex() for d in tree.proof(shown.index)],
        }
        for shown in (*lines, forged)
    ]
    answer = ask(
        "merkle_tree.mjs", {"leaves": [as_values(leaf) for leaf in tree.leaves], "verify": asked},
        needs=("@openzeppelin/merkle-tree",),
    )  # fmt: skip
    assert answer["root"] == "0x" + tree.root.hex()
    assert answer["verified"] == [True] * len(lines) + [False]
