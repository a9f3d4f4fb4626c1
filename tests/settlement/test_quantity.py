"""Effective time, edges, estimates and alarms (protocol 3.7, 8.4.1, 8.8), and invariant 8.10.5 with its controls."""

import random
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance import quantity
from alliance.calendar import DAY_MS, SLOT_MS, SLOTS_A_DAY, Day, day_of
from alliance.identity import Address, Digest, StationId
from alliance.quantity import (
    Bracket,
    FiledEnergy,
    FilingContradictsRegisters,
    GapAlarm,
    Quantity,
    QuantityStatus,
    ReadingConflicts,
    Stream,
    TimedReading,
    bracket,
    gap_alarms,
    station_quantities,
    timed,
)
from alliance.reading import Flag, Reading

DAY: Day = day_of("2026-07-01")
STATION = StationId(4)
DEVICE = Address(bytes([9]) * 20)
PLAN = tuple(range(-48, 48))
METERED, ESTIMATED, ASSUMED = QuantityStatus.METERED, QuantityStatus.ESTIMATED, QuantityStatus.ASSUMED


def reading(seq: int, t_ms: int, *, imported: int = 0, exported: int = 0, flags: int = 0) -> Reading:
    return Reading(flags=flags, channel=1, seq=seq, t_ms=t_ms, a=0, b=0, c=imported, d=exported, salt=bytes(16))


def stream(*items: TimedReading, device: Address = DEVICE) -> Stream:
    return Stream(device=device, channel=1, readings=items)


def at(minute: float, seq: int, exported: int, *, imported: int = 0, flags: int = 0, **marks: bool) -> TimedReading:
    t_ms = DAY.start_ms + round(minute * 60_000)
    return TimedReading(
        reading=reading(seq, t_ms, imported=imported, exported=exported, flags=flags), effective_ms=t_ms, **marks
    )


def quantities(*streams: Stream, filed: dict[int, FiledEnergy] | None = None) -> tuple[Quantity, ...]:
    found = station_quantities(STATION, day=DAY, streams=streams, planned_net_wh=PLAN, filed=filed)
    assert [q.slot for q in found] == list(range(SLOTS_A_DAY))
    return found


# Effective time


def test_bracket_reaches_five_seconds_either_way_when_made() -> None:
    assert bracket(beacon_ms=100_000, checkpoint_ms=900_000) == Bracket(95_000, 905_000)
    assert bracket(beacon_ms=None, checkpoint_ms=900_000) == Bracket(0, 905_000)


def test_time_is_clipped_and_never_falls_when_clocks_are_wrong() -> None:
    limits = Bracket(1_000, 5_000)
    raw = [reading(0, 500), reading(1, 3_000), reading(2, 2_000), reading(3, 9_000), reading(4, 4_000)]
    result = timed([(r, limits) for r in raw])
    assert [t.effective_ms for t in result] == [1_000, 3_000, 3_000, 5_000, 5_000]
    assert [t.valid for t in result] == [False, True, True, False, True]


def test_time_goes_on_from_the_reading_before_when_given() -> None:
    assert timed([(reading(7, 2_000), Bracket(0, 9_000))], since_ms=4_000)[0].effective_ms == 4_000


def test_order_of_arrival_changes_nothing_when_readings_are_timed() -> None:
    items = [(reading(n, n * 1_000), Bracket(0, 10**9)) for n in range(50)]
    mixed = random.Random(3).sample(items, len(items)) + items[:5]
    assert timed(mixed) == timed(items)


def test_reading_is_refused_when_its_place_is_taken() -> None:
    limits = Bracket(0, 10**9)
    with pytest.raises(ReadingConflicts) as caught:
        timed([(reading(3, 1), limits), (reading(3, 2), limits)])
    assert caught.value.seq == 3


def test_reading_moves_no_time_and_is_no_edge_when_invalid() -> None:
    limits = Bracket(0, 10**9)
    result = timed([(reading(0, 1_000), limits), (reading(1, 9_000), limits), (reading(2, 2_000), limits)], invalid={1})
    assert [(t.effective_ms, t.valid) for t in result] == [(1_000, True), (9_000, False), (2_000, True)]


def test_reading_is_no_edge_when_the_device_substituted_its_value() -> None:
    assert not timed([(reading(0, 5, flags=Flag.SUBSTITUTED), Bracket(0, 10))])[0].valid
    assert timed([(reading(0, 5, flags=Flag.CLOCK_UNSYNCHRONISED), Bracket(0, 10))])[0].valid
    assert timed([(reading(0, 5), Bracket(0, 10))], disputed={0})[0].disputed


# Edges


def test_slot_is_metered_when_both_edges_stand() -> None:
    found = quantities(stream(at(0, 0, 100, imported=50), at(15, 1, 130, imported=57)))
    assert (found[0].net_wh, found[0].status) == (23, METERED)
    assert (found[0].edge_from.seq, found[0].edge_to.seq) == (0, 1)
    assert found[0].edge_from.boundary == DAY.first_slot
    assert all(q.status is ASSUMED and q.net_wh == PLAN[q.slot] for q in found[1:])


@pytest.mark.parametrize(("minute", "status"), [(14 + 0.1 / 60, METERED), (14, ASSUMED), (15, METERED)])
def test_edge_stands_when_it_lies_in_the_last_minute(minute: float, status: QuantityStatus) -> None:
    assert quantities(stream(at(0, 0, 0), at(minute, 1, 5)))[0].status is status


def test_last_reading_by_seq_is_the_edge_when_several_lie_in_the_minute() -> None:
    found = quantities(stream(at(0, 0, 0), at(14.2, 1, 5), at(14.8, 2, 7), at(15.1, 3, 9)))
    assert (found[0].net_wh, found[0].edge_to.seq) == (7, 2)


def test_reading_on_the_boundary_counts_for_the_slot_that_ends() -> None:
    found = quantities(stream(at(0, 0, 0), at(15, 1, 5), at(30, 2, 11)))
    assert [q.net_wh for q in found[:2]] == [5, 6]


def test_gap_is_split_equally_when_edges_are_missing() -> None:
    found = quantities(stream(at(0, 0, 0), at(60, 1, 10)))
    assert [q.net_wh for q in found[:4]] == [3, 3, 2, 2]
    assert {q.status for q in found[:4]} == {ESTIMATED}


def test_gap_is_split_the_same_when_it_spans_midnight() -> None:
    items = [at(-45, 0, 1_000), at(30, 1, 1_007)]
    today = quantities(stream(*items))
    yesterday = station_quantities(STATION, day=DAY.plus(-1), streams=[stream(*items)], planned_net_wh=PLAN)
    assert [q.net_wh for q in (*yesterday[93:], *today[:2])] == [2, 2, 1, 1, 1]


def test_flagged_reading_is_skipped_when_edges_are_sought() -> None:
    found = quantities(stream(at(0, 0, 0), at(15, 1, 99_999, valid=False), at(30, 2, 8)))
    assert [(q.net_wh, q.status) for q in found[:2]] == [(4, ESTIMATED), (4, ESTIMATED)]


def test_disputed_reading_stands_marked_when_it_is_an_edge() -> None:
    found = quantities(stream(at(0, 0, 0), at(15, 1, 3, disputed=True), at(30, 2, 8), at(45, 3, 9)))
    assert [(q.net_wh, q.disputed) for q in found[:3]] == [(3, True), (5, True), (1, False)]


@pytest.mark.parametrize("flags", [0, Flag.REGISTER_RESET])
def test_series_ends_when_a_register_falls_or_is_reset(flags: int) -> None:
    found = quantities(stream(at(0, 0, 500), at(15, 1, 520), at(30, 2, 3, flags=flags), at(45, 3, 9), at(60, 4, 19)))
    assert [(q.net_wh, q.status) for q in found[:4]] == [(20, METERED), (PLAN[1], ASSUMED), (6, METERED), (10, METERED)]


def test_series_ends_when_a_reset_leads_above_the_old_register() -> None:
    found = quantities(stream(at(0, 0, 5), at(15, 1, 9), at(30, 2, 4_000, flags=Flag.REGISTER_RESET), at(45, 3, 4_001)))
    assert [(q.net_wh, q.status) for q in found[:3]] == [(4, METERED), (PLAN[1], ASSUMED), (1, METERED)]


def test_registers_are_not_differenced_when_the_device_is_replaced() -> None:
    other = Address(bytes([2]) * 20)
    found = quantities(stream(at(0, 0, 100), at(15, 1, 110)), stream(at(30, 0, 7), at(45, 1, 8), device=other))
    assert [(q.net_wh, q.status) for q in found[:3]] == [(10, METERED), (PLAN[1], ASSUMED), (1, METERED)]
    assert found[2].edge_from.device == other


def test_plan_stands_in_when_nothing_was_read() -> None:
    assert all(q.status is ASSUMED and q.net_wh == PLAN[q.slot] for q in quantities())


def test_filed_energy_outranks_an_estimate_when_the_sum_still_holds() -> None:
    document = Digest(bytes([7]) * 32)
    found = quantities(stream(at(0, 0, 0), at(60, 1, 100)), filed={1: FiledEnergy(net_wh=70, document=document)})
    assert [q.net_wh for q in found[:4]] == [10, 70, 10, 10]
    assert (found[1].status, found[1].document, found[1].edge_from) == (QuantityStatus.FILED, document, None)


def test_filed_energy_replaces_an_assumption_and_never_a_measurement() -> None:
    filing = FiledEnergy(net_wh=70, document=Digest(bytes([7]) * 32))
    found = quantities(stream(at(0, 0, 0), at(15, 1, 5)), filed={0: filing, 9: filing})
    assert (found[0].net_wh, found[0].status) == (5, METERED)
    assert (found[9].net_wh, found[9].status) == (70, QuantityStatus.FILED)


def test_filing_is_refused_when_it_contradicts_the_registers() -> None:
    filings = {n: FiledEnergy(net_wh=4, document=Digest(bytes([7]) * 32)) for n in range(2)}
    with pytest.raises(FilingContradictsRegisters) as caught:
        quantities(stream(at(0, 0, 0), at(30, 1, 9)), filed=filings)
    assert (caught.value.signed_wh, caught.value.filed_wh) == (9, 8)


def test_alarm_is_raised_when_more_than_eight_slots_are_unmeasured() -> None:
    readings = [at(15 * n, n, n) for n in range(SLOTS_A_DAY + 1)]
    eight = [r for r in readings if not 20 <= r.reading.seq < 27]
    nine = [r for r in readings if not 20 <= r.reading.seq < 28]
    assert gap_alarms(quantities(stream(*eight))) == ()
    assert gap_alarms(quantities(stream(*nine))) == (GapAlarm(station=STATION, slots=9),)


# 8.10.5: registers never decrease; the sum of slots is last register − first


def telescopes(items: Sequence[TimedReading]) -> None:
    """Between two edges of a series without reset, the slots add up to exactly what the registers advanced."""
    found = quantities(stream(*items))
    known = [q for q in found if q.edge_from]
    register = {t.reading.seq: t.reading.export_wh - t.reading.import_wh for t in items}
    resets = [t.reading.seq for t in items if t.reading.flags & Flag.REGISTER_RESET]
    for q in known:
        assert not any(q.edge_from.seq < seq <= q.edge_to.seq for seq in resets)
        if q.status is METERED:
            assert q.net_wh == register[q.edge_to.seq] - register[q.edge_from.seq]
    for first in {q.edge_from.seq for q in known}:
        part = [q for q in known if q.edge_from.seq == first]
        assert sum(q.net_wh for q in part) == register[part[0].edge_to.seq] - register[first]


def telescopes_without_import(items: Sequence[TimedReading]) -> None:
    """Nothing was imported: so no slot's energy may be negative."""
    telescopes(items)
    assert all(q.net_wh >= 0 for q in quantities(stream(*items)) if q.edge_from)


@st.composite
def meters(draw: st.DrawFn) -> tuple[TimedReading, ...]:
    return day_of_readings(random.Random(draw(st.integers(0, 2**32))), resets=draw(st.integers(0, 3)))


def day_of_readings(rng: random.Random, *, resets: int) -> tuple[TimedReading, ...]:
    """A meter that only exports, read each minute, with losses and resets; exactly the edges of one day."""
    lost = set(rng.sample(range(1, 1440), 1000))
    reset = set(rng.sample(range(1, 1440), resets)) - lost
    exported, items = 0, []
    for minute in range(1441):
        exported = rng.randrange(9) if minute in reset else exported + rng.randrange(50)
        if minute not in lost:
            flags = Flag.REGISTER_RESET if minute in reset else 0
            items.append(at(minute, minute, exported, flags=flags))
    return tuple(items)


@given(meters())
@settings(max_examples=25, deadline=None)
def test_slots_add_up_to_the_registers_when_a_day_is_read(items: tuple[TimedReading, ...]) -> None:
    telescopes_without_import(items)


def test_energy_turns_negative_when_resets_do_not_end_a_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantity, "_breaks", lambda *_: False)
    with pytest.raises(AssertionError):
        telescopes_without_import(day_of_readings(random.Random(1), resets=3))


def test_slots_do_not_add_up_when_remainders_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantity, "largest_remainder", lambda total, w: {k: total // len(w) for k in w})
    with pytest.raises(AssertionError):
        telescopes_without_import(day_of_readings(random.Random(1), resets=0))


def test_days_join_without_a_hole_when_they_share_their_edges() -> None:
    items = [at(15 * n, n, 7 * n * n) for n in range(2 * SLOTS_A_DAY + 1)]
    days = [
        station_quantities(STATION, day=DAY.plus(n), streams=[stream(*items)], planned_net_wh=PLAN) for n in range(2)
    ]
    assert sum(q.net_wh for day in days for q in day) == 7 * (2 * SLOTS_A_DAY) ** 2


def test_time_grows_linearly_when_readings_do() -> None:
    """Ten days of minutes cost about ten times one day: a quadratic rule would cost a hundred times."""

    def cost(days: int) -> float:
        raw = [
            (reading(n, DAY.start_ms + n * 60_000, exported=n), Bracket(0, DAY.start_ms + days * DAY_MS + SLOT_MS))
            for n in range(days * 1440 + 1)
        ]
        start = time.perf_counter()
        found = station_quantities(STATION, day=DAY, streams=[stream(*timed(raw))], planned_net_wh=PLAN)
        assert found[95].status is METERED
        return time.perf_counter() - start

    cost(1)
    assert min(cost(10) for _ in range(3)) < 40 * min(cost(1) for _ in range(3))


def test_quantity_is_the_same_when_readings_come_from_two_streams() -> None:
    whole = [at(15 * n, n, n) for n in range(5)]
    other = replace(stream(*whole[::4]), device=Address(bytes([1]) * 20))
    found = quantities(other, stream(*whole))
    assert [q.status for q in found[:4]] == [METERED] * 4
