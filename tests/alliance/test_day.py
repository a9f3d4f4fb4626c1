"""Protocol 8.3: of what stands in the log, the last one anchored in time binds; what came too late binds nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from alliance.calendar import SLOT_MS, Day, day_of
from alliance.day import (
    Grouping,
    GroupingMalformed,
    Place,
    RuleDocumentUnknown,
    RulesMissing,
    binding_groups,
    binding_pack,
    day_ahead,
    effective_schedules,
    groups_document,
    rule_document,
    tariff_document,
)
from alliance.fleet import BillingGroup
from alliance.identity import Digest, GroupId, StationId
from alliance.rulepack import parse_json
from alliance.schedule import PlainWrong, Schedule, ScheduleKind, ScheduleRow

DAY = day_of("2026-07-15")
PACK = parse_json((Path(__file__).parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json").read_text())


def place(entry: int, anchored_ms: int) -> Place:
    return Place(digest=Digest(entry.to_bytes(32, "big")), entry=entry, anchored_ms=anchored_ms)


def schedule(
    kind: ScheduleKind = ScheduleKind.DAY_AHEAD, *, day: Day = DAY, first_slot: int = 0, slots: int = 96
) -> Schedule:
    rows = tuple(
        ScheduleRow(station=StationId(1), slot=slot, planned_net_wh=0, battery_wh=0, net_load_wh=0)
        for slot in range(first_slot, first_slot + slots)
    )
    return Schedule(
        alliance=bytes(32), day=day, kind=kind, revision=1, first_slot=first_slot,
        groups=((GroupId(1), (StationId(1),)),), rows=rows, prices=(), gains=(), certified_gap_ppm=0,
    )  # fmt: skip


def test_day_ahead_schedule_binds_every_slot_when_it_was_anchored_before_the_day() -> None:
    in_time = (place(1, DAY.start_ms - 1), schedule())
    assert {s.digest for s in effective_schedules([in_time], DAY).values()} == {in_time[0].digest}
    assert len(effective_schedules([in_time], DAY)) == 96
    found = day_ahead([in_time], DAY)
    assert found is not None
    assert found.digest == in_time[0].digest


def test_late_schedule_binds_only_slots_that_had_not_begun_and_no_fee() -> None:
    late = (place(2, DAY.start_ms + 10 * SLOT_MS), schedule())
    bound = effective_schedules([late], DAY)
    assert sorted(bound) == list(range(11, 96))
    assert day_ahead([late], DAY) is None


def test_later_entry_takes_the_place_of_an_earlier_one_whatever_the_order_of_reading() -> None:
    first = (place(1, DAY.start_ms - 2), schedule())
    revised = (place(5, DAY.start_ms + SLOT_MS - 1), schedule(ScheduleKind.INTRADAY, first_slot=1, slots=95))
    for read in ([first, revised], [revised, first]):
        bound = effective_schedules(read, DAY)
        assert bound[0].digest == first[0].digest
        assert {bound[slot].digest for slot in range(1, 96)} == {revised[0].digest}


def test_grid_order_replaces_its_slots_though_it_was_anchored_afterwards() -> None:
    plan = (place(1, DAY.start_ms - 1), schedule())
    order = (place(9, DAY.end_ms + 1), schedule(ScheduleKind.GRID_ORDER, first_slot=40, slots=4))
    bound = effective_schedules([plan, order], DAY)
    assert [slot for slot in range(96) if bound[slot].digest == order[0].digest] == [40, 41, 42, 43]


def test_schedule_of_another_day_binds_nothing() -> None:
    assert effective_schedules([(place(1, 0), schedule(day=DAY.plus(1)))], DAY) == {}


def test_last_grouping_anchored_before_the_day_binds_it() -> None:
    def grouping(station: int, from_day: Day) -> Grouping:
        return Grouping(from_day=from_day, groups=(BillingGroup(number=GroupId(1), stations=(StationId(station),)),))

    old = (place(1, DAY.start_ms - 9), grouping(1, DAY.plus(-3)))
    new = (place(2, DAY.start_ms - 8), grouping(2, DAY))
    future = (place(3, DAY.start_ms - 7), grouping(3, DAY.plus(1)))
    late = (place(4, DAY.start_ms), grouping(4, DAY))
    assert binding_groups([late, future, new, old], DAY)[0].stations == (StationId(2),)
    with pytest.raises(RulesMissing):
        binding_groups([late, future], DAY)


def test_rule_pack_binds_when_in_force_and_anchored_before_the_day() -> None:
    kept = (place(1, DAY.plus(-2).start_ms), PACK)
    newer = (place(2, DAY.start_ms - 1), replace(PACK, effective_from=DAY))
    assert binding_pack([newer, kept], DAY)[0].entry == 2
    assert binding_pack([newer, kept], DAY.plus(-1))[0].entry == 1
    with pytest.raises(RulesMissing):
        binding_pack([(place(3, DAY.start_ms), PACK)], DAY)


def test_rule_documents_come_back_and_others_are_refused() -> None:
    grouping = Grouping(from_day=DAY, groups=(BillingGroup(number=GroupId(1), stations=(StationId(1),)),))
    assert rule_document(groups_document(grouping)) == grouping
    assert rule_document(tariff_document(PACK)) == PACK
    for content in ({"kind": "weather"}, {"kind": "groups", "grouping": 1, "more": 2}, [], 7):
        with pytest.raises(RuleDocumentUnknown):
            rule_document(content)


def test_schedule_binds_the_slots_of_the_day_alone_when_it_claims_others() -> None:
    """A first slot of −2^60 would keep a reader busy for ever; an order for slot 500 orders nothing."""
    early = (place(1, DAY.start_ms - 1), replace(schedule(), first_slot=-(2**60)))
    assert sorted(effective_schedules([early], DAY)) == list(range(96))
    order = (place(2, DAY.end_ms), schedule(ScheduleKind.GRID_ORDER, first_slot=94, slots=500))
    assert sorted(effective_schedules([order], DAY)) == [94, 95]
    below = (place(3, DAY.end_ms), schedule(ScheduleKind.GRID_ORDER, first_slot=-3, slots=4))
    assert sorted(effective_schedules([below], DAY)) == [0]


@pytest.mark.parametrize(
    "groups",
    [
        (BillingGroup(number=GroupId(1), stations=()),),
        (BillingGroup(number=GroupId(0), stations=(StationId(1),)),),
        (BillingGroup(number=GroupId(2**32), stations=(StationId(1),)),),
        (BillingGroup(number=GroupId(2), stations=(StationId(1),)), BillingGroup(number=GroupId(2), stations=(StationId(2),))),
    ],
)  # fmt: skip
def test_grouping_is_refused_when_a_group_is_empty_or_cannot_be_numbered(groups: tuple[BillingGroup, ...]) -> None:
    with pytest.raises(GroupingMalformed):
        rule_document(groups_document(Grouping(from_day=DAY, groups=groups)))


@pytest.mark.parametrize("number", [-1, 2_932_897, 2**62])
def test_document_is_refused_when_its_day_has_no_date(number: int) -> None:
    group = BillingGroup(number=GroupId(1), stations=(StationId(1),))
    with pytest.raises(PlainWrong):
        rule_document(groups_document(Grouping(from_day=Day(number), groups=(group,))))
