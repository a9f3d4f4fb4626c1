"""Builds tests/vectors/settlement.json, which pins Python, Solidity and TypeScript to the same bytes and the same cent.

`python -m tests.settlement.vectors` writes the file anew. Cents and 64-bit integers are decimal strings.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from alliance.calendar import DAY_SLOT
from alliance.capacity import rent_accrued, sla_cents, term_rent_cents
from alliance.money import largest_remainder, mul_div
from alliance.settlement import correct, settle
from alliance.statement import InputKind, LeafKind, Line, Statement, account_name, evidence_of, input_id
from oracle.settlement_tree import Leaf, SettlementTree, settlement_tree
from tests.settlement import worked_example as ex

FILE = Path(__file__).parents[1] / "vectors" / "settlement.json"
SLOTS = 4

MUL_DIV = [
    (5, 1, 2),
    (-5, 1, 2),
    (1, 1, 3),
    (-75_000, 39_100, 1_000_000),
    (2**63 - 1, 2**62, 2**62),
    (-(2**63), 1, 1),
    (335_342_466, 80 * 15_000, 10**8),
]
SPLITS: list[tuple[int, dict[int, int]]] = [
    (131, {1: 379_700, 2: 487_650, 3: 420_301}),
    (-131, {1: 379_700, 2: 487_650, 3: 420_301}),
    (209_001, {1: 1, 2: 1}),
    (7, {1: 0, 2: 0}),
    (2, {3: 1, 5: 1, 7: 1}),
    (0, {1: 5}),
]


def build() -> dict[str, Any]:
    """The whole file."""
    first = settle(ex.inputs(complete=False))
    tree = settlement_tree(first)
    correction = correct(first, settle(ex.inputs(complete=True)), previous_root=tree.root)
    return {
        "v": 1,
        "mulDiv": [{"a": str(a), "b": str(b), "c": str(c), "want": str(mul_div(a, b, c))} for a, b, c in MUL_DIV],
        "largestRemainder": [_split(total, weights) for total, weights in SPLITS],
        "rent": _rent(),
        "evidence": _evidence(),
        "inputs": _inputs(),
        "statement": _statement(first, tree),
        "correction": _statement(correction, settlement_tree(correction)),
    }


def text() -> str:
    """The file's bytes as text."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def _split(total: int, weights: dict[int, int]) -> dict[str, Any]:
    parts = largest_remainder(total, weights)
    return {
        "total": str(total),
        "weights": [[key, str(weight)] for key, weight in weights.items()],
        "want": [[key, str(part)] for key, part in parts.items()],
    }


def _rent() -> dict[str, Any]:
    lease, slots = ex.LEASE_TERMS, (0, 1, 2, 3, 4, 5, 6, 35_039, 35_040)
    return {
        "term": [
            {
                "powerW": str(20_000_000),
                "rentCentsPerKwYear": str(20_000),
                "termSlots": 306 * 96,
                "want": str(term_rent_cents(power_w=20_000_000, rent_cents_per_kw_year=20_000, held_slots=306 * 96)),
            }
        ],
        "accrued": {
            "rentCents": str(lease.rent_cents),
            "termSlots": lease.term_slots,
            "want": [[k, str(rent_accrued(lease, k))] for k in slots],
        },
        "sla": {
            "rentCents": "335342466",
            "slaBp": 9_800,
            "slaFactorBp": 15_000,
            "availableBp": 9_720,
            "want": str(sla_cents(lease, rent_cents=335_342_466, available_bp=9_720)),
        },
    }


def _evidence() -> dict[str, Any]:
    ids = [
        input_id(InputKind.SCHEDULE_ROW, digest=ex.SCHEDULE, a=1, b=0),
        input_id(InputKind.PRICE_ROW, digest=ex.SCHEDULE, a=1, b=0),
    ]
    return {"inputs": ["0x" + i.hex() for i in ids], "want": "0x" + evidence_of(*ids).hex()}


def _inputs() -> dict[str, Any]:
    given = ex.inputs(complete=False)
    lease = {f.name: getattr(ex.LEASE_TERMS, f.name) for f in fields(ex.LEASE_TERMS)}
    return {
        "day": ex.DAY.number,
        "roster": list(given.roster),
        "stations": [[s.number, s.owner] for s in given.stations],
        "groups": [[g.number, list(g.stations)] for g in given.groups],
        "tariff": [
            {"buyPrice": t.buy_price, "sellPrice": t.sell_price, "networkPrice": t.network_price}
            for t in ex.tariff().slots[:SLOTS]
        ],
        "schedule": "0x" + ex.SCHEDULE.hex(),
        "pack": "0x" + ex.PACK.hex(),
        "rows": [
            {
                "station": row.station,
                "slot": row.slot,
                "plannedNetWh": str(row.planned_net_wh),
                "lessees": [[part.lease, part.holder, str(part.planned_wh)] for part in row.lessees],
            }
            for row in ex.schedule().rows
        ],
        "prices": [
            {"group": p.group, "slot": p.slot, "poolPrice": p.pool_price, "adders": [list(a) for a in p.adders]}
            for p in ex.schedule().prices
        ],
        "gains": [[g.member, str(g.gain_cents)] for g in ex.schedule().gains],
        "feeBp": given.fee_bp,
        "lease": {_camel(name): str(value) for name, value in lease.items()},
        "leaseEndSlot": given.early_ends[ex.LEASE].end_slot,
        "netWh": [[q.station, q.slot, str(q.net_wh), q.status] for q in given.quantities if q.slot < SLOTS],
    }


def _statement(statement: Statement, tree: SettlementTree) -> dict[str, Any]:
    chosen = [leaf for leaf in tree.leaves if _shown(statement, leaf)]
    return {
        "version": statement.heading.version,
        "previous": "0x" + statement.heading.previous.hex(),
        "lines": [_line(line) for line in statement.lines if line.amount_cents],
        "balances": [
            [account_name(a), str(cents)] for a, cents in zip(statement.accounts, statement.balances, strict=True)
        ],
        "leafCount": len(tree.leaves),
        "root": "0x" + tree.root.hex(),
        "leaves": [_leaf(leaf) for leaf in chosen],
        "proofs": [_proof(tree, leaf) for leaf in chosen[:: max(1, len(chosen) // 8)]],
    }


def _shown(statement: Statement, leaf: Leaf) -> bool:
    """The example's own slots, the day's lines, the weights, and each account's last entries."""
    at = leaf.index
    for kind, items in (
        (LeafKind.QUANTITY, statement.quantities),
        (LeafKind.SLOT_TOTAL, statement.slot_totals),
        (LeafKind.LINE, statement.lines),
    ):
        if leaf.kind is kind:
            slot = items[at].slot
            return slot < SLOTS or slot == DAY_SLOT
        at -= len(items)
    if leaf.kind is LeafKind.WEIGHTS:
        return True
    later = statement.entries[at + 2 : at + 3]
    return not later or later[0].account != statement.entries[at].account


def _line(line: Line) -> dict[str, Any]:
    return {
        "slot": line.slot,
        "kind": line.kind.label,
        "account": account_name(line.account),
        "counterparty": account_name(line.counterparty),
        "subject": line.subject,
        "quantityWh": str(line.quantity_wh),
        "priceCentsPerMwh": str(line.price_cents_per_mwh),
        "amountCents": str(line.amount_cents),
    }


def _leaf(leaf: Leaf) -> dict[str, Any]:
    return {"index": leaf.index, "kind": leaf.kind, "body": "0x" + leaf.body.hex(), "digest": "0x" + leaf.digest.hex()}


def _proof(tree: SettlementTree, leaf: Leaf) -> dict[str, Any]:
    return {"index": leaf.index, "proof": ["0x" + d.hex() for d in tree.proof(leaf.index)]}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
