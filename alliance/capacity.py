"""A lessee's right in use: energy account, netting gain, availability, rent (protocol 8.4.4, 8.4.5, 8.6, 8.7.4)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alliance.calendar import SLOTS_A_DAY, Day
from alliance.errors import Refused
from alliance.identity import LeaseId
from alliance.lease import EarlyEnd, Lease
from alliance.money import mul_div
from alliance.schedule import account_after

PPM = 1_000_000
SLOTS_AN_HOUR = 4
SLOTS_A_YEAR = 365 * SLOTS_A_DAY
DELIVERED_PERCENT = 90
"""A slot that delivers less than this of its scheduled flow counts as unavailable."""
FULL_BP = 10_000


@dataclass(kw_only=True, eq=False)
class LeaseRowRepeated(Refused):
    """A lease has two rows in one slot: it would charge and discharge at once, or be counted twice."""

    lease: LeaseId
    slot: int
    first_wh: int
    second_wh: int


@dataclass(kw_only=True, eq=False)
class LeaseNotInForce(Refused):
    """A row uses a lease outside its term or hours. `slot` counts 15-minute slots since 1970 UTC, as in all errors."""

    lease: LeaseId
    slot: int
    first_slot: int
    end_slot: int


@dataclass(kw_only=True, eq=False)
class LeaseRowOverPower(Refused):
    """A row asks for more than the leased power in a quarter of an hour."""

    lease: LeaseId
    slot: int
    planned_wh: int
    power_w: int


@dataclass(kw_only=True, eq=False)
class AccountOutOfBounds(Refused):
    """A row would take more energy than the lessee's account holds, or fill it beyond what is leased."""

    lease: LeaseId
    slot: int
    account_wh: int
    energy_wh: int


def rows_by_slot(lease: LeaseId, rows: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Index (absolute slot, planned_wh) rows of one lease, ascending. Raises LeaseRowRepeated."""
    found: dict[int, int] = {}
    for slot, planned_wh in rows:
        if slot in found:
            raise LeaseRowRepeated(lease=lease, slot=slot, first_wh=found[slot], second_wh=planned_wh)
        found[slot] = planned_wh
    return dict(sorted(found.items()))


def account_course(
    lease: Lease, rows: Mapping[int, int], *, account_wh: int, end_slot: int | None = None
) -> dict[int, int]:
    """The account after each slot that has a row, Wh; every schedule passes this before it is anchored.

    A charge adds ⌊c·η_c⌋, a discharge takes ⌈d/η_d⌉ (protocol 8.4.4).

    `rows` maps absolute slots to planned_wh (discharge positive); `account_wh` is the content before the first of them;
    `end_slot` is an early end. Raises LeaseNotInForce, LeaseRowOverPower and AccountOutOfBounds, naming the slot.
    """
    course: dict[int, int] = {}
    for slot, planned_wh in sorted(rows.items()):
        _check_row(lease, slot, planned_wh, end_slot=term_end(lease, end_slot))
        account_wh = account_after(account_wh, planned_wh, eta_c_ppm=lease.eta_c_ppm, eta_d_ppm=lease.eta_d_ppm)
        _check_bounds(lease, slot, account_wh)
        course[slot] = account_wh
    return course


def term_end(lease: Lease, early_end: int | None = None) -> int:
    """The first absolute slot in which a lease no longer runs."""
    end = lease.first_slot + lease.term_slots
    return end if early_end is None else min(end, early_end)


def netting_gain_wh(orders_wh: Iterable[int], *, eta_c_ppm: int, eta_d_ppm: int) -> int:
    """What a station saves because opposite orders of its holders never reach the battery, Wh (protocol 8.4.5).

    `orders_wh` holds each holder's order in one slot, discharge positive. Shown, never paid: it stays with the owner.
    """
    orders = tuple(orders_wh)
    charged, discharged = -sum(min(0, x) for x in orders), sum(max(0, x) for x in orders)
    met = min(charged, discharged)
    return met * PPM // eta_d_ppm - met * eta_c_ppm // PPM


def slot_available(*, scheduled_wh: int, delivered_wh: int | None, excused: bool) -> bool:
    """Whether a lessee had its capacity in a slot (protocol 8.7.4).

    `delivered_wh` comes from the battery's own meter, None if it is silent. A grid order or agreed maintenance excuses.
    """
    if excused:
        return True
    if delivered_wh is None:
        return False
    along = delivered_wh if scheduled_wh > 0 else -delivered_wh
    return scheduled_wh == 0 or along * 100 >= abs(scheduled_wh) * DELIVERED_PERCENT


def available_bp(slots: Iterable[bool]) -> int:
    """The share of slots that were available, basis points; 10000 when there were none."""
    results = tuple(slots)
    return mul_div(sum(results), FULL_BP, len(results)) if results else FULL_BP


def term_rent_cents(*, power_w: int, rent_cents_per_kw_year: int, held_slots: int) -> int:
    """The rent of a lease's held slots, cents: `CapacityLease` computes the same (a year is 35,040 slots)."""
    return mul_div(power_w * rent_cents_per_kw_year, held_slots, 1_000 * SLOTS_A_YEAR)


def rent_accrued(lease: Lease, slots: int) -> int:
    """R(k) = rent · k / held_slots: the rent of the first k slots held, so that the slots sum to the rent exactly."""
    return mul_div(lease.rent_cents, slots, lease.held_slots)


def rent_between(lease: Lease, first_slot: int, end_slot: int) -> int:
    """The rent of the held slots in [first_slot, end_slot), absolute slots; cents, positive."""
    return rent_accrued(lease, lease.slots_passed(end_slot)) - rent_accrued(lease, lease.slots_passed(first_slot))


def sla_cents(lease: Lease, *, rent_cents: int, available_bp: int) -> int:
    """What the owner returns of a month's rent for missing availability, cents, positive (protocol 8.7.4)."""
    short_bp = max(0, lease.sla_bp - available_bp)
    return mul_div(rent_cents, short_bp * lease.sla_factor_bp, FULL_BP * FULL_BP)


def sla_due(lease: Lease, day: Day, early_end: int | None = None) -> bool:
    """Whether a lease's availability is paid on a day: it ran in that day, and the month or the term ends with it."""
    first, end = ran_in(lease, day.first_slot, day.first_slot + SLOTS_A_DAY, early_end)
    return first < end and (day.plus(1).date.day == 1 or ends_in(lease, day, early_end))


def ran_in(lease: Lease, first: int, end: int, early_end: int | None) -> tuple[int, int]:
    """The part of [first, end) in which a lease ran, absolute slots."""
    return max(first, lease.first_slot), min(end, term_end(lease, early_end))


def ends_in(lease: Lease, day: Day, early_end: int | None) -> bool:
    """Whether a lease's last slot lies in a day."""
    end = term_end(lease, early_end)
    return end > lease.first_slot and day.first_slot < end <= day.first_slot + SLOTS_A_DAY


def end_due(day: Day, ended: EarlyEnd | None) -> bool:
    """Whether a day pays for a lease's early end: a party ended it alone, in a slot of this day (protocol 8.7.7)."""
    if ended is None or ended.by is None:
        return False
    return day.first_slot <= ended.end_slot < day.first_slot + SLOTS_A_DAY


def concerns(lease: Lease, day: Day, ended: EarlyEnd | None = None) -> bool:
    """Whether a day may have a line of a lease: it runs in the day, or the day pays for its early end."""
    end = term_end(lease, ended.end_slot if ended else None)
    runs = lease.first_slot < day.first_slot + SLOTS_A_DAY and day.first_slot < end
    return runs or end_due(day, ended)


def month_start(day: Day) -> Day:
    """The first day of a day's month."""
    return day.plus(1 - day.date.day)


def _check_row(lease: Lease, slot: int, planned_wh: int, *, end_slot: int) -> None:
    if not lease.holds(slot) or slot >= end_slot:
        raise LeaseNotInForce(lease=lease.number, slot=slot, first_slot=lease.first_slot, end_slot=end_slot)
    if abs(planned_wh) * SLOTS_AN_HOUR > lease.power_w:
        raise LeaseRowOverPower(lease=lease.number, slot=slot, planned_wh=planned_wh, power_w=lease.power_w)


def _check_bounds(lease: Lease, slot: int, account_wh: int) -> None:
    if not 0 <= account_wh <= lease.energy_wh:
        raise AccountOutOfBounds(lease=lease.number, slot=slot, account_wh=account_wh, energy_wh=lease.energy_wh)
