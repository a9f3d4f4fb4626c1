"""A lessee's energy account, netting gain, availability and rent (protocol 8.4.4, 8.4.5, 8.7.4, 8.7.5)."""

from dataclasses import replace
from itertools import pairwise

import pytest

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
    rent = term_rent_cents(power_w=20_000_000, rent_cents_per_kw_year=20_000, term_slots=306 * 96)
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
