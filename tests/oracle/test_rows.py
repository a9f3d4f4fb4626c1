"""Protocol 4.2: rows of documents, byte for byte, and what is refused."""

import json
from dataclasses import replace

import pytest

from alliance.calendar import Day
from alliance.day import Grouping
from alliance.fleet import BillingGroup
from alliance.identity import GroupId, StationId
from oracle import merkle, rows
from oracle.log import EntryType, parse
from oracle.rows import RowKind
from tests.vectors import make_rows


def test_rows_are_those_of_the_shared_vectors() -> None:
    assert json.loads(make_rows.FILE.read_text()) == make_rows.vectors(), "run: python -m tests.vectors.make_rows"


def test_every_row_is_proved_under_the_root_that_its_entry_fixes() -> None:
    for case in json.loads(make_rows.FILE.read_text())["cases"]:
        entry = parse(bytes.fromhex(case["entry"][2:]))
        assert entry.type is EntryType.ROWS
        assert "0x" + entry.document.hex() == case["block"]
        proof = [bytes.fromhex(x[2:]) for x in case["proof"]["siblings"]]
        leaf = merkle.leaf_hash(bytes.fromhex(case["proof"]["row"][2:]))
        merkle.verify_inclusion(
            leaf, index=case["proof"]["index"], size=case["count"], proof=proof, root=entry.rows_root
        )


def test_siblings_tell_nothing_when_the_salt_is_another() -> None:
    one, other = (rows.schedule_rows(make_rows.schedule(), salt) for salt in (b"\1" * 32, b"\2" * 32))
    assert all(a != b and a[:-16] == b[:-16] for a, b in zip(one, other, strict=True))
    assert len({row[-16:] for row in one}) == len(one)


def test_row_is_found_by_its_place_and_missed_by_name() -> None:
    made = rows.schedule_rows(make_rows.schedule(), make_rows.SALT)
    assert made[rows.find_plan(made, slot=95, station=2)][0] == RowKind.PLAN
    assert made[rows.find_price(made, slot=95, group=1, station=2)][0] == RowKind.PRICE
    assert made[rows.find_gain(made, member=1)][0] == RowKind.GAIN
    for missing in (
        lambda: rows.find_plan(made, slot=3, station=2),
        lambda: rows.find_price(made, slot=95, group=2, station=2),
        lambda: rows.find_gain(made, member=2),
        lambda: rows.find_fee(made),
    ):
        with pytest.raises(rows.NoSuchRow):
            missing()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (EntryType.STATEMENT, {}),
        (EntryType.SCHEDULE, {"plan": 1}),
        (EntryType.SCHEDULE, []),
        (EntryType.INSTRUCTION, 1),
    ],
)
def test_document_without_rows_is_refused_by_name(kind: EntryType, content: object) -> None:
    with pytest.raises(rows.DocumentWithoutRows):
        rows.rows_of(kind, content, salt=bytes(32))


def test_number_that_does_not_fit_its_field_is_refused() -> None:
    schedule = replace(make_rows.schedule(), revision=2**40)
    with pytest.raises(rows.RowBeyondWidth, match="schedule"):
        rows.schedule_rows(schedule, bytes(32))
    group = BillingGroup(number=GroupId(2**33), stations=(StationId(1),))
    with pytest.raises(rows.RowBeyondWidth, match="station"):
        rows.grouping_rows(Grouping(from_day=Day(1), groups=(group,)))
