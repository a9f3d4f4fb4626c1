"""The shared vectors of settlement are fresh, and hold together by themselves (invariant 8.10.13)."""

import json

from alliance.identity import Digest
from alliance.statement import LeafKind
from oracle.settlement_tree import Leaf, verify
from tests.settlement import vectors

HELD = json.loads(vectors.FILE.read_text(encoding="utf-8"))


def test_vectors_are_fresh_when_built_again() -> None:
    assert vectors.FILE.read_text(encoding="utf-8") == vectors.text(), "run python -m tests.settlement.vectors"


def test_leaves_and_proofs_lead_to_the_root_when_read_from_the_file() -> None:
    for part in (HELD["statement"], HELD["correction"]):
        root = Digest(bytes.fromhex(part["root"][2:]))
        leaves = {
            x["index"]: Leaf(LeafKind(x["kind"]), x["index"], bytes.fromhex(x["body"][2:])) for x in part["leaves"]
        }
        assert all("0x" + leaves[x["index"]].digest.hex() == x["digest"] for x in part["leaves"])
        assert part["proofs"]
        for x in part["proofs"]:
            verify(leaves[x["index"]], [Digest(bytes.fromhex(d[2:])) for d in x["proof"]], root=root)


def test_balances_sum_to_zero_when_read_from_the_file() -> None:
    for part in (HELD["statement"], HELD["correction"]):
        assert sum(int(cents) for _, cents in part["balances"]) == 0
    assert [int(c) for _, c in HELD["statement"]["balances"]] == [3192, -39250, 26597, 785, 8676, 0]
