"""The statement's tree and document (protocol 8.9.1), against eth-abi and the npm package @openzeppelin/merkle-tree."""

import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi import decode, encode
from hypothesis import given, settings

from alliance.identity import Digest
from alliance.settlement import correct, settle
from alliance.statement import LeafKind, Statement
from oracle import cbor, statement_document
from oracle.plain import PlainMalformed
from oracle.settlement_tree import (
    Leaf,
    LeafNotProved,
    NoSuchLeaf,
    SettlementTree,
    leaves_of,
    root_of_proof,
    settlement_tree,
    statement_root,
    verify,
)
from oracle.statement_document import from_plain, to_plain
from tests.settlement import worked_example as ex
from tests.settlement.days import Recipe, recipes

ROOT = Path(__file__).parents[2]
BODIES = {
    LeafKind.QUANTITY: "uint32 uint8 int64 uint8 bool address uint16 uint64 uint64 uint32 uint32 bytes32",
    LeafKind.SLOT_TOTAL: "uint32 uint8 uint32 uint32 uint32 int64 int64",
    LeafKind.LINE: "uint32 uint8 uint8 uint32 uint32 uint32 uint32 int64 int64 int64 bytes32",
    LeafKind.ENTRY: "uint32 uint32 uint32 uint32 int64 int64",
    LeafKind.WEIGHTS: "uint32 uint32[] uint64[]",
}


@pytest.fixture(scope="module")
def statement() -> Statement:
    return settle(ex.inputs(complete=False))


@pytest.fixture(scope="module")
def correction(statement: Statement) -> Statement:
    root = settlement_tree(statement).root
    return correct(statement, settle(ex.inputs(complete=True)), previous_root=root)


def peer(tree: SettlementTree, **asked: Any) -> dict[str, Any]:
    """What the npm package makes of a tree's leaves."""
    leaves = [[leaf.kind, leaf.index, "0x" + leaf.body.hex()] for leaf in tree.leaves]
    run = subprocess.run(
        ["node", ROOT / "tests" / "peers" / "merkle_tree.mjs"],
        input=json.dumps({"leaves": leaves, **asked}),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


# Leaves


def test_bodies_decode_by_their_abi_when_encoded(statement: Statement) -> None:
    tree = settlement_tree(statement)
    assert len(tree.leaves) == statement.leaf_count
    assert [leaf.index for leaf in tree.leaves] == list(range(statement.leaf_count))
    for leaf in tree.leaves:
        types = BODIES[leaf.kind].split()
        assert encode(types, decode(types, leaf.body)) == leaf.body
        assert leaf.encoded == encode(["uint8", "uint32", "bytes"], [leaf.kind, leaf.index, leaf.body])


def test_fields_read_back_when_a_body_is_decoded(statement: Statement) -> None:
    by_kind: dict[LeafKind, list[Leaf]] = {}
    for leaf in leaves_of(statement):
        by_kind.setdefault(leaf.kind, []).append(leaf)

    def fields(kind: LeafKind, place: int) -> tuple[Any, ...]:
        return decode(BODIES[kind].split(), by_kind[kind][place].body)

    for place, line in enumerate(statement.lines):
        found = fields(LeafKind.LINE, place)
        assert found[0] == ex.DAY.number
        assert (found[1], found[2], *found[3:6]) == line.identity
        assert found[6:] == (
            line.group,
            line.quantity_wh,
            line.price_cents_per_mwh,
            line.amount_cents,
            line.evidence,
        )
    q = statement.quantities[5]
    assert q.edge_from is not None
    assert q.edge_to is not None
    assert fields(LeafKind.QUANTITY, 5)[2:5] == (q.net_wh, q.status, q.disputed)
    assert fields(LeafKind.QUANTITY, 5)[5] == "0x" + q.edge_from.device.hex()
    assert fields(LeafKind.QUANTITY, 5)[7:11] == (
        q.edge_from.seq,
        q.edge_to.seq,
        q.edge_from.boundary,
        q.edge_to.boundary,
    )
    entry = statement.entries[-1]
    line_leaf = by_kind[LeafKind.LINE][entry.line]
    assert fields(LeafKind.ENTRY, -1) == (
        entry.account,
        entry.group,
        entry.index,
        line_leaf.index,
        entry.amount_cents,
        entry.balance_cents,
    )
    w = statement.weights[0]
    assert fields(LeafKind.WEIGHTS, 0) == (w.group, *(tuple(x) for x in zip(*w.weights_wh, strict=True)))


# Tree


@pytest.mark.parametrize("which", ["statement", "correction"])
def test_root_and_proofs_equal_the_npm_packages_when_built(which: str, request: pytest.FixtureRequest) -> None:
    tree = settlement_tree(request.getfixturevalue(which))
    prove = random.Random(5).sample(range(len(tree.leaves)), min(40, len(tree.leaves)))
    asked = [
        {
            "root": "0x" + tree.root.hex(),
            "leaf": [tree.leaves[i].kind, i, "0x" + tree.leaves[i].body.hex()],
            "proof": ["0x" + d.hex() for d in tree.proof(i)],
        }
        for i in prove
    ]
    asked.append(asked[0] | {"root": "0x" + bytes(32).hex()})
    answer = peer(tree, prove=prove, verify=asked)
    assert answer["root"] == "0x" + tree.root.hex()
    for i in prove:
        assert answer["proofs"][str(i)] == ["0x" + d.hex() for d in tree.proof(i)]
    assert answer["verified"] == [True] * len(prove) + [False]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 33])
def test_small_trees_equal_the_npm_packages_when_built(count: int) -> None:
    tree = SettlementTree([Leaf(LeafKind.LINE, i, bytes([i]) * 64) for i in range(count)])
    answer = peer(tree, prove=list(range(count)))
    assert answer["root"] == "0x" + tree.root.hex()
    for i in range(count):
        assert answer["proofs"][str(i)] == ["0x" + d.hex() for d in tree.proof(i)]
        assert root_of_proof(tree.leaves[i], tree.proof(i)) == tree.root


def test_proof_is_refused_when_leaf_proof_or_root_is_altered(statement: Statement) -> None:
    tree = settlement_tree(statement)
    leaf, proof = tree.leaves[700], tree.proof(700)
    verify(leaf, proof, root=tree.root)
    flipped = bytes([leaf.body[0] ^ 1]) + leaf.body[1:]
    for bad_leaf, bad_proof, root in (
        (replace(leaf, body=flipped), proof, tree.root),
        (replace(leaf, index=701), proof, tree.root),
        (replace(leaf, kind=LeafKind.ENTRY), proof, tree.root),
        (leaf, proof[:-1], tree.root),
        (leaf, (*proof, proof[0]), tree.root),
        (leaf, proof, Digest(bytes(32))),
    ):
        with pytest.raises(LeafNotProved):
            verify(bad_leaf, bad_proof, root=root)


@pytest.mark.parametrize("index", [-1, 10**6])
def test_proof_is_refused_when_there_is_no_such_leaf(statement: Statement, index: int) -> None:
    with pytest.raises(NoSuchLeaf):
        settlement_tree(statement).proof(index)


# Document


@given(recipes(priced=False))
@settings(max_examples=10, deadline=None)
def test_statement_reads_back_when_written(recipe: Recipe) -> None:
    whole = settle(recipe.day())
    assert from_plain(cbor.decode(cbor.encode(to_plain(whole)))) == whole


def test_worked_example_reads_back_when_written(statement: Statement, correction: Statement) -> None:
    for one in (statement, correction):
        assert from_plain(cbor.decode(cbor.encode(to_plain(one)))) == one


@given(recipes())
@settings(max_examples=10, deadline=None)
def test_bytes_and_root_are_the_same_when_made_leaf_by_leaf(recipe: Recipe) -> None:
    whole = settle(recipe.day())
    assert statement_document.encode(whole) == cbor.encode(to_plain(whole))
    assert statement_document.log_size_in(statement_document.encode(whole)) == whole.heading.log_size
    assert statement_root(whole) == settlement_tree(whole).root


def test_bytes_and_root_are_the_same_when_made_leaf_by_leaf_of_edges_estimates_and_a_correction(
    statement: Statement, correction: Statement
) -> None:
    filed = replace(statement.quantities[0], document=Digest(b"\x07" * 32), disputed=True, net_wh=-(2**62))
    far = replace(statement.entries[-1], balance_cents=2**63 - 1, amount_cents=-(2**63))
    nothing = replace(statement, quantities=(), slot_totals=(), lines=(), entries=(), weights=())
    odd = replace(statement, quantities=(filed, *statement.quantities[1:]), entries=(*statement.entries[:-1], far))
    for one in (statement, correction, odd, nothing):
        assert statement_document.encode(one) == cbor.encode(to_plain(one))
        assert statement_root(one) == settlement_tree(one).root


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_bytes_are_refused_when_a_number_is_wider_than_a_reader_takes(statement: Statement, value: int) -> None:
    far = replace(statement, lines=(replace(statement.lines[0], amount_cents=value), *statement.lines[1:]))
    with pytest.raises(statement_document.NumberBeyondField):
        statement_document.encode(far)
    with pytest.raises(PlainMalformed):
        from_plain(to_plain(far))


def _changes() -> Iterator[tuple[str, Any, str]]:
    """Where, what, and the field that the refusal must name."""
    yield "v", 2, "v"
    yield "kind", "schedule", "kind"
    yield "alliance", bytes(31), "alliance"
    yield "day", -1, "day"
    yield "version", 0, "version"
    yield "previous", "0x", "previous"
    yield "deltas", 0, "deltas"
    yield "extra", 1, "extra"
    yield "roster/0", True, "0"
    yield "roster/0", 0, "0"
    yield "roster", {}, "roster"
    yield "groups/0/1/0", 0, "0"
    yield "schedules/0", bytes(20), "0"
    yield "logSize", -1, "logSize"
    yield "lines/4", [1, 2], "account"
    yield "lines/4/1", 99, "kind"
    yield "lines/4/0", 97, "slot"
    yield "lines/4/8", 1 << 63, "amountCents"
    yield "lines/4/8", 1.5, "amountCents"
    yield "lines/4/9", b"", "evidence"
    yield "entries/2/5", "7", "balanceCents"
    yield "quantities/0/3", 0, "status"
    yield "quantities/0/6", 1, "disputed"
    yield "quantities/0/4", None, "edgeTo"
    yield "quantities/0/4/0", bytes(19), "device"
    yield "quantities/0/4/1", 7, "edgeTo"
    yield "quantities/0/4/3", 2**32 - 1, "edgeTo"
    yield "slotTotals/0/5", -1, "importsWh"
    yield "weights/0/1/0/1", -1, "weightWh"
    yield "balances", [0], ""


@pytest.mark.parametrize(("path", "value", "field"), list(_changes()))
def test_field_is_named_when_a_document_is_wrong(statement: Statement, path: str, value: Any, field: str) -> None:
    plain: Any = to_plain(statement)
    at, (*steps, last) = plain, path.split("/")
    for step in steps:
        at = at[int(step) if isinstance(at, list) else step]
    at[int(last) if isinstance(at, list) else last] = value
    with pytest.raises(PlainMalformed) as caught:
        from_plain(plain)
    assert caught.value.field == field


@pytest.mark.parametrize("name", sorted(to_plain(settle(ex.inputs(complete=True)))))
def test_field_is_named_when_a_document_lacks_it(statement: Statement, name: str) -> None:
    plain = to_plain(statement)
    del plain[name]
    with pytest.raises(PlainMalformed) as caught:
        from_plain(plain)
    assert caught.value.field == name


def test_leaf_is_refused_when_it_has_a_value_too_many(statement: Statement) -> None:
    plain: Any = to_plain(statement)
    plain["lines"][7].append(1)
    with pytest.raises(PlainMalformed) as caught:
        from_plain(plain)
    assert caught.value.where == "statement.lines[7]"
