"""A lessee's energy account, netting gain, availability and rent (protocol 8.4.4, 8.4.5, 8.7.4, 8.7.5)."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.calendar import day_of
from alliance.capacity import (
    AccountOutOfBounds,
    LeaseNotInForce,
    LeaseRowOverPower,
    LeaseRowRepeated,
    account_course,
    available_bp,
    netting_gain_wh,
    rent_between,
    rows_by_slot,
    sla_cents,
    sla_due,
    slot_available,
    term_rent_cents,
)
from alliance.lease import Lease
from tests.settlement.worked_example import DAY, LEASE, LEASE_TERMS

FIRST = LEASE_TERMS.first_slot


def test_row_is_refused_when_it_asks_for_more_than_the_leased_power() -> None:
    assert account_course(LEASE_TERMS, {FIRST: -50_000}, account_wh=0) == {FIRST: 47_500}
    with pytest.raises(LeaseRowOverPower) as caught:
        account_course(LEASE_TERMS, {FIRST: -50_001}, account_wh=0)
    assert caught.value.slot == FIRST


def test_row_is_refused_when_the_account_does_not_hold_it() -> None:
    assert account_course(LEASE_TERMS, {FIRST: 950}, account_wh=1_000) == {FIRST: 0}
    with pytest.raises(AccountOutOfBounds) as caught:
        account_course(LEASE_TERMS, {FIRST: 951}, account_wh=1_000)
    assert caught.value.account_wh == -2


def test_row_is_refused_when_the_account_would_overflow() -> None:
    with pytest.raises(AccountOutOfBounds) as caught:
        account_course(LEASE_TERMS, {FIRST: -2}, account_wh=400_000)
    assert caught.value.account_wh == 400_001


@pytest.mark.parametrize("slot", [FIRST - 1, FIRST + 10])
def test_row_is_refused_when_the_lease_is_not_in_force(slot: int) -> None:
    with pytest.raises(LeaseNotInForce):
        account_course(LEASE_TERMS, {slot: 0}, account_wh=0, end_slot=FIRST + 10)


def test_rows_are_refused_when_a_lease_charges_and_discharges_at_once() -> None:
    with pytest.raises(LeaseRowRepeated) as caught:
        rows_by_slot(LEASE, [(5, 10), (4, 3), (5, -10)])
    assert (caught.value.first_wh, caught.value.second_wh) == (10, -10)
    assert rows_by_slot(LEASE, [(5, 10), (4, 3)]) == {4: 3, 5: 10}


def test_netting_gain_is_what_the_battery_did_not_convert() -> None:
    assert netting_gain_wh([-1_000, 400, 500], eta_c_ppm=950_000, eta_d_ppm=950_000) == 947 - 855
    assert netting_gain_wh([1_000, 400], eta_c_ppm=950_000, eta_d_ppm=950_000) == 0
    assert netting_gain_wh([], eta_c_ppm=950_000, eta_d_ppm=950_000) == 0


@pytest.mark.parametrize(
    ("scheduled", "delivered", "excused", "want"),
    [
        (1_000, 900, False, True),
        (1_000, 899, False, False),
        (-1_000, -900, False, True),
        (-1_000, 900, False, False),
        (1_000, None, False, False),
        (0, None, False, False),
        (0, 0, False, True),
        (1_000, None, True, True),
    ],
)
def test_slot_is_available_when_nine_tenths_were_delivered(
    scheduled: int, delivered: int | None, excused: bool, want: bool
) -> None:
    assert slot_available(scheduled_wh=scheduled, delivered_wh=delivered, excused=excused) is want


def test_availability_is_a_share_of_all_slots() -> None:
    assert available_bp([True] * 972 + [False] * 28) == 9_720
    assert available_bp([]) == 10_000


def test_rent_and_penalty_equal_the_published_case_when_computed() -> None:
    rent = term_rent_cents(power_w=20_000_000, rent_cents_per_kw_year=20_000, held_slots=306 * 96)
    assert rent == 335_342_466
    lease = replace(LEASE_TERMS, rent_cents=rent, sla_bp=9_800, sla_factor_bp=15_000)
    penalty = sla_cents(lease, rent_cents=rent, available_bp=9_720)
    assert penalty == 4_024_110
    assert rent - penalty == 331_318_356
    assert sla_cents(lease, rent_cents=rent, available_bp=9_800) == 0


def test_rent_of_parts_sums_to_the_whole_when_a_term_is_cut_anywhere() -> None:
    lease = replace(LEASE_TERMS, rent_cents=1_000_003, term_slots=977)
    cuts = [FIRST - 5, FIRST, FIRST + 1, FIRST + 400, FIRST + 977, FIRST + 2_000]
    parts = [rent_between(lease, a, b) for a, b in pairwise(cuts)]
    assert sum(parts) == 1_000_003
    assert parts[0] == parts[-1] == 0


def test_availability_is_due_when_a_month_or_the_term_ends() -> None:
    assert not sla_due(LEASE_TERMS, DAY)
    assert sla_due(LEASE_TERMS, day_of("2026-07-31"))
    assert sla_due(LEASE_TERMS, DAY, DAY.first_slot + 4)
    assert not sla_due(LEASE_TERMS, day_of("2026-07-31"), DAY.first_slot + 4)
    assert not sla_due(LEASE_TERMS, day_of("2026-05-31"))


WORKDAYS_AT_NOON = replace(LEASE_TERMS, weekday_mask=0b0011111, day_first_slot=40, day_slots=16, rent_cents=1_000_003)
"""10:00–14:00 on workdays."""


def _held_by_definition(lease: Lease, absolute_slot: int) -> bool:
    """From the local date and time itself."""
    local = datetime.fromtimestamp(900 * absolute_slot, tz=timezone(timedelta(hours=8)))
    minute = local.hour * 60 + local.minute
    inside = lease.day_first_slot * 15 <= minute < (lease.day_first_slot + lease.day_slots) * 15
    return bool(lease.weekday_mask >> local.weekday() & 1) and inside


@given(
    mask=st.integers(1, 127), day_first=st.integers(0, 95), length=st.integers(1, 96), first=st.integers(0, 2_000_000),
    term=st.integers(1, 3_000), cut=st.integers(-10, 3_010),
)  # fmt: skip
def test_lease_holds_in_its_hours_alone_when_it_recurs(
    mask: int, day_first: int, length: int, first: int, term: int, cut: int
) -> None:
    lease = replace(
        LEASE_TERMS, weekday_mask=mask, day_first_slot=day_first, day_slots=min(length, 96 - day_first), first_slot=first,
        term_slots=term,
    )  # fmt: skip
    held = [slot for slot in range(first, first + term) if _held_by_definition(lease, slot)]
    assert lease.held_slots == len(held)
    assert lease.slots_passed(first + cut) == sum(slot < first + cut for slot in held)
    assert lease.holds(first + cut) == (first + cut in held)


def test_rent_falls_on_held_slots_alone_when_a_lease_recurs() -> None:
    lease = WORKDAYS_AT_NOON
    span = range(FIRST, FIRST + lease.term_slots)
    rents = {slot: rent_between(lease, slot, slot + 1) for slot in span}
    assert sum(rents.values()) == lease.rent_cents
    assert {slot for slot, cents in rents.items() if cents} <= {slot for slot in span if lease.holds(slot)}
    assert sum(map(lease.holds, span)) == lease.held_slots


def test_row_is_refused_when_it_lies_outside_a_leases_hours() -> None:
    day = day_of("2026-07-20")  # a Monday
    inside, outside = day.first_slot + 40, day.first_slot + 56
    lease = replace(WORKDAYS_AT_NOON, first_slot=day.first_slot, term_slots=7 * 96)
    assert account_course(lease, {inside: 0}, account_wh=0) == {inside: 0}
    for slot in (outside, inside + 5 * 96):  # after hours, and on a Saturday
        with pytest.raises(LeaseNotInForce):
            account_course(lease, {slot: 0}, account_wh=0)
