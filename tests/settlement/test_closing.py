"""Protocol 8.7.4, 8.7.5: what closes a month or a term follows from schedules and battery readings, seen a day later."""

from dataclasses import replace
from hashlib import sha256

import pytest

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, day_of
from alliance.closing import DayUse, DayUseMissing, closing, closing_days
from alliance.day import Meter, Place, day_use
from alliance.fleet import Channel
from alliance.identity import Address, Digest, LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd, Lease
from alliance.quantity import Bracket
from alliance.reading import ChannelKind, Reading
from alliance.schedule import LeaseRow, Schedule, ScheduleKind, ScheduleRow

LAST = day_of("2026-07-31")
FIRST = day_of("2026-07-01")
STATION, LEASE = StationId(2), LeaseId(1)
BOX = Address(b"\x07" * 20)


def lease(*, days: int = 60, **changed) -> Lease:
    made = Lease(
        number=LEASE, version=1, owner=MemberId(2), lessee=MemberId(1), station=STATION, power_w=40_000, energy_wh=80_000,
        eta_c_ppm=950_000, eta_d_ppm=950_000, rent_cents=1_000_000, first_slot=FIRST.first_slot,
        term_slots=days * SLOTS_A_DAY, wear_price=0, handover_wh=20_000, handover_price=30_000, sla_bp=9_900,
        sla_factor_bp=15_000,
    )  # fmt: skip
    return replace(made, **changed)


def used(**changed) -> DayUse:
    every = {(STATION, slot): 1_000 for slot in range(SLOTS_A_DAY)}
    return replace(DayUse(scheduled_wh=every, delivered_wh=every), **changed)


def month(**odd: DayUse) -> dict:
    return {FIRST.plus(n): used() for n in range(31)} | {day_of(f"2026-07-{d[1:]}"): use for d, use in odd.items()}


def bp(uses: dict, held: Lease | None = None) -> int:
    return closing([held or lease()], {}, LAST, uses).availability[LEASE].available_bp


def test_nothing_closes_when_neither_month_nor_term_ends() -> None:
    assert closing_days([lease()], {}, LAST.plus(-1)) == {}
    assert closing([lease()], {}, LAST.plus(-1), {}).availability == {}


def test_whole_month_is_gathered_when_it_ends_and_the_whole_term_for_its_orders() -> None:
    assert closing_days([lease()], {}, LAST) == {FIRST.plus(n): True for n in range(31)}
    begun = lease(first_slot=FIRST.plus(-20).first_slot, days=51)
    found = closing_days([begun], {}, LAST)
    assert list(found) == [FIRST.plus(n) for n in range(-20, 31)]
    assert [day for day, deliveries in found.items() if deliveries] == [FIRST.plus(n) for n in range(31)]


def test_early_end_closes_on_its_day() -> None:
    ends = {LEASE: EarlyEnd(end_slot=FIRST.plus(3).first_slot + 10)}
    assert list(closing_days([lease()], ends, FIRST.plus(3))) == [FIRST.plus(n) for n in range(4)]
    assert closing_days([lease()], ends, LAST) == {}


def test_slots_count_as_available_when_the_battery_followed_its_schedule() -> None:
    assert bp(month()) == 10_000
    silent = {place: wh for place, wh in used().delivered_wh.items() if place[1] >= 48}
    assert bp(month(d05=used(delivered_wh=silent))) == 10_000 - round(48 * 10_000 / (31 * 96))
    short = dict.fromkeys(used().delivered_wh, 899)
    just = dict.fromkeys(used().delivered_wh, 900)
    assert bp(month(d05=used(delivered_wh=short))) == 10_000 - round(96 * 10_000 / (31 * 96))
    assert bp(month(d05=used(delivered_wh=just))) == 10_000


def test_grid_order_excuses_and_an_idle_battery_must_only_be_heard() -> None:
    gone = used(delivered_wh={}, excused=frozenset(used().scheduled_wh))
    assert bp(month(d05=gone)) == 10_000
    idle = dict.fromkeys(used().delivered_wh, 5)
    assert bp(month(d05=used(scheduled_wh={}, delivered_wh=idle))) == 10_000
    assert bp(month(d05=used(scheduled_wh={}, delivered_wh={}))) < 10_000


def test_only_slots_in_which_the_lease_holds_count() -> None:
    office = lease(weekday_mask=0b11111, day_first_slot=40, day_slots=16)
    gone = {place: wh for place, wh in used().delivered_wh.items() if not 40 <= place[1] < 56}
    assert bp({day: used(delivered_wh=gone) for day in month()}, office) == 0
    kept = {place: wh for place, wh in used().delivered_wh.items() if 40 <= place[1] < 56}
    assert bp({day: used(delivered_wh=kept) for day in month()}, office) == 10_000


def test_digest_is_over_the_slots_a_byte_each() -> None:
    gone = used(delivered_wh={place: wh for place, wh in used().delivered_wh.items() if place[1]})
    found = closing([lease()], {}, LAST, month(d01=gone)).availability[LEASE]
    assert found.slots == sha256(b"\0" + b"\1" * (31 * 96 - 1)).digest()


def test_account_is_closed_over_every_order_of_the_term() -> None:
    term = lease(days=2)
    uses = {
        FIRST: used(orders_wh={(LEASE, 0): -1_000, (LEASE, 1): 950, (LeaseId(9), 2): 5_000}),
        FIRST.plus(1): used(orders_wh={(LEASE, 95): 95}),
    }
    assert closing([term], {}, FIRST.plus(1), uses).account_wh == {LEASE: 20_000 + 950 - 1_000 - 100}


def test_day_is_refused_when_one_that_it_closes_with_was_not_gathered() -> None:
    uses = month()
    del uses[FIRST.plus(7)]
    with pytest.raises(DayUseMissing) as caught:
        closing([lease()], {}, LAST, uses)
    assert caught.value.day == "2026-07-08"


# ---- one day's use ----


def schedule(kind: ScheduleKind = ScheduleKind.DAY_AHEAD, slots: range = range(SLOTS_A_DAY)) -> Schedule:
    rows = tuple(
        ScheduleRow(station=StationId(n), slot=slot, planned_net_wh=0, battery_wh=100 * n, net_load_wh=0,
                    lessees=(LeaseRow(holder=MemberId(1), lease=LEASE, planned_wh=7),) if n == 2 else ())
        for n in (1, 2) for slot in slots
    )  # fmt: skip
    return Schedule(alliance=bytes(32), day=FIRST, kind=kind, revision=1, first_slot=slots.start, rows=rows, prices=(), groups=(),
                    gains=(), certified_gap_ppm=0)  # fmt: skip


def place(n: int, *, late: bool = False) -> Place:
    return Place(digest=Digest(bytes([n]) * 32), entry=n, anchored_ms=FIRST.start_ms + (10**9 if late else -1))


def battery(missing: frozenset[int] = frozenset()) -> Meter:
    readings = tuple(
        (Reading(channel=2, seq=n, t_ms=FIRST.start_ms + n * SLOT_MS, a=0, b=0, c=0, d=190 * n, salt=b""), Bracket(0, 1 << 60))
        for n in range(97)
    )  # fmt: skip
    channel = Channel(device=BOX, channel=2, kind=ChannelKind.BATTERY, station=STATION, from_ms=0)
    return Meter(channel=channel, readings=tuple(r for r in readings if r[0].seq not in missing))


def test_day_tells_what_was_scheduled_delivered_and_ordered_of_leased_stations() -> None:
    found = day_use(FIRST, schedules=[(place(1), schedule())], leases=[lease()], batteries=[battery()])
    assert set(found.scheduled_wh) == {(STATION, slot) for slot in range(96)}
    assert (found.scheduled_wh[STATION, 5], found.delivered_wh[STATION, 5], found.orders_wh[LEASE, 5]) == (200, 190, 7)
    assert found.excused == frozenset()


def test_slot_is_silent_when_an_edge_is_missing() -> None:
    found = day_use(FIRST, schedules=[], leases=[lease()], batteries=[battery(frozenset({10}))])
    assert {slot for slot in range(96) if (STATION, slot) not in found.delivered_wh} == {9, 10}


def test_grid_order_excuses_its_slots_though_it_is_anchored_later() -> None:
    order = schedule(ScheduleKind.GRID_ORDER, range(20, 24))
    given = [(place(1), schedule()), (place(2, late=True), order)]
    found = day_use(FIRST, schedules=given, leases=[lease()], batteries=[])
    assert found.excused == frozenset((STATION, slot) for slot in range(20, 24))


def test_day_without_leases_tells_nothing() -> None:
    found = day_use(FIRST, schedules=[(place(1), schedule())], leases=[], batteries=[battery()])
    assert found == DayUse()
