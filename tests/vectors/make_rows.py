"""Writes tests/vectors/rows.json: documents, their rows and the entry that fixes them (protocol 4.2)."""

import json
from pathlib import Path
from typing import Any

from alliance.calendar import day_of
from alliance.day import Grouping, groups_document, tariff_document
from alliance.fleet import BillingGroup
from alliance.identity import GroupId, LeaseId, MemberId, StationId
from alliance.rulepack import parse_json
from alliance.schedule import GainRow, LeaseRow, PriceRow, Schedule, ScheduleKind, ScheduleRow, schedule_to_plain
from oracle import cbor, rows
from oracle.document import Document, seal
from oracle.hashing import sha256
from oracle.log import EntryType

FILE = Path(__file__).with_name("rows.json")
PACK = Path(__file__).resolve().parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json"
SALT = sha256(b"rows salt")
DAY = day_of("2026-07-01")


def schedule() -> Schedule:
    """Two stations, two slots, negative numbers, a lessee twice in a row."""
    part = LeaseRow(lease=LeaseId(1), holder=MemberId(2), planned_wh=-50_000)
    plans = [(1, 0, -125_000, (part, part)), (1, 95, 65_000, ()), (2, 0, -80_000, ()), (2, 95, -2, ())]
    return Schedule(
        alliance=bytes(range(32)),
        day=DAY,
        kind=ScheduleKind.DAY_AHEAD,
        revision=7,
        first_slot=0,
        groups=((GroupId(1), (StationId(1), StationId(2))),),
        rows=tuple(
            ScheduleRow(
                station=StationId(s), slot=slot, planned_net_wh=wh, battery_wh=wh, net_load_wh=0, lessees=lessees
            )
            for s, slot, wh, lessees in plans
        ),
        prices=tuple(
            PriceRow(group=GroupId(1), slot=slot, pool_price=price, adders=((StationId(1), 2_927), (StationId(2), 0)))
            for slot, price in ((0, 39_100), (95, -17))
        ),
        gains=(
            GainRow(
                member=MemberId(1), apart_cost_cents=9, planned_cost_cents=-2_381, gain_cents=2_390,
                without_storage_cost_cents=11,
            ),
        ),
        certified_gap_ppm=3,
    )  # fmt: skip


def vectors() -> dict[str, Any]:
    """One document of each kind that has rows."""
    pack = parse_json(PACK.read_text())
    groups = (
        BillingGroup(number=GroupId(1), stations=(StationId(3), StationId(1))),
        BillingGroup(number=GroupId(4), stations=(StationId(2),)),
    )
    cases: list[tuple[EntryType, object]] = [
        (EntryType.SCHEDULE, {"schedule": schedule_to_plain(schedule()), "certificate": None}),
        (EntryType.RULE_PACK, tariff_document(pack)),
        (EntryType.RULE_PACK, groups_document(Grouping(from_day=DAY, groups=groups))),
    ]
    return {"v": 1, "cases": [_case(seal(kind, content, salt=SALT), content) for kind, content in cases]}


def _case(paper: Document, content: object) -> dict[str, Any]:
    made = rows.rows_of(paper.kind, content, salt=SALT)
    entry = rows.entry_of(paper.kind, paper.digest, content, salt=SALT)
    assert entry is not None
    middle = len(made) // 2
    proof = rows.prove(made, middle)
    return {
        "kind": paper.kind.name.lower(), "salt": _hex(SALT), "document": _hex(cbor.encode(content)),
        "block": _hex(paper.digest), "count": len(made), "rows": [_hex(row) for row in (*made[:12], made[-1])],
        "root": _hex(entry.rows_root), "entry": _hex(entry.raw),
        "proof": {"index": middle, "row": _hex(proof.row), "siblings": [_hex(x) for x in proof.proof]},
    }  # fmt: skip


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")
