"""What a month's or a term's end rests on (protocol 8.7.4, 8.7.5): availability of leased capacity, and the account.

A slot's delivery is what the battery's own meter shows between two edges one slot apart (8.4.1); without them it was
silent. Each day is seen as the log stood a day after it, or at the statement's own view if that is earlier: what a
service hands in later earns nothing, and nobody has to keep a month of readings.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from alliance.calendar import DAY_MS, SLOT_MS, Day, day_at
from alliance.capacity import available_bp, ends_in, month_start, ran_in, sla_due, slot_available, term_end
from alliance.errors import Missing
from alliance.identity import Digest, LeaseId, StationId
from alliance.lease import EarlyEnd, Lease
from alliance.schedule import account_after

SEEN_EPOCHS = DAY_MS // SLOT_MS
"""A day is seen up to so many epochs after its last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """A lease's availability over a month, basis points."""

    available_bp: int
    slots: Digest
    """SHA-256 over the slots of the month that the lease held in order, a byte each: 1 available, 0 not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUse:
    """What a day showed of its stations' batteries and of the leases' use; slots 0…95, energies Wh, discharge > 0."""

    scheduled_wh: Mapping[tuple[StationId, int], int] = field(default_factory=dict)
    """The battery's flow by the effective schedule."""
    excused: frozenset[tuple[StationId, int]] = frozenset()
    """Where the grid ordered otherwise."""
    delivered_wh: Mapping[tuple[StationId, int], int] = field(default_factory=dict)
    """What the battery's meter measured; a slot that is not here was silent."""
    orders_wh: Mapping[tuple[LeaseId, int], int] = field(default_factory=dict)
    """What each lease used by the effective schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The facts by which a day closes months and terms of leases."""

    availability: Mapping[LeaseId, Availability]
    account_wh: Mapping[LeaseId, int]
    """The energy account of each lease that ends."""


@dataclass(kw_only=True, eq=False)
class DayUseMissing(Missing):
    """A lease's month or term closes, and one of its days was not gathered."""

    lease: LeaseId
    day: str


def closing_days(leases: Iterable[Lease], early_ends: Mapping[LeaseId, EarlyEnd], day: Day) -> dict[Day, bool]:
    """The days whose use a day's closing rests on, ascending; whether deliveries count, or the orders alone."""
    needed: dict[Day, bool] = {}
    for lease in leases:
        early = _early(early_ends, lease)
        if sla_due(lease, day, early):
            first, _ = ran_in(lease, month_start(day).first_slot, day.first_slot, early)
            needed |= dict.fromkeys(_days(first, day), True)
        if ends_in(lease, day, early):
            needed = dict.fromkeys(_days(lease.first_slot, day), False) | needed
    return dict(sorted(needed.items()))


def closing(
    leases: Iterable[Lease], early_ends: Mapping[LeaseId, EarlyEnd], day: Day, uses: Mapping[Day, DayUse]
) -> Closing:
    """What closes with a day. Raises DayUseMissing for a day of `closing_days` that is not given."""
    availability: dict[LeaseId, Availability] = {}
    accounts: dict[LeaseId, int] = {}
    for lease in leases:
        early = _early(early_ends, lease)
        if sla_due(lease, day, early):
            availability[lease.number] = _availability(lease, day, early, uses)
        if ends_in(lease, day, early):
            accounts[lease.number] = _account_wh(lease, early, uses)
    return Closing(availability=availability, account_wh=accounts)


def _early(early_ends: Mapping[LeaseId, EarlyEnd], lease: Lease) -> int | None:
    ended = early_ends.get(lease.number)
    return ended.end_slot if ended else None


def _availability(lease: Lease, day: Day, early: int | None, uses: Mapping[Day, DayUse]) -> Availability:
    first, end = ran_in(lease, month_start(day).first_slot, day.plus(1).first_slot, early)
    slots = bytes(_available(lease, slot, uses) for slot in range(first, end) if lease.holds(slot))
    return Availability(available_bp=available_bp(map(bool, slots)), slots=Digest(hashlib.sha256(slots).digest()))


def _available(lease: Lease, absolute: int, uses: Mapping[Day, DayUse]) -> bool:
    use, slot = _use_of(lease, absolute, uses)
    place = (lease.station, slot)
    return slot_available(
        scheduled_wh=use.scheduled_wh.get(place, 0),
        delivered_wh=use.delivered_wh.get(place),
        excused=place in use.excused,
    )


def _account_wh(lease: Lease, early: int | None, uses: Mapping[Day, DayUse]) -> int:
    """The account after the last slot: every order of a slot it held, from the beginning on (protocol 8.4.4)."""
    account_wh = lease.handover_wh
    for absolute in filter(lease.holds, range(lease.first_slot, term_end(lease, early))):
        use, slot = _use_of(lease, absolute, uses)
        ordered = use.orders_wh.get((lease.number, slot), 0)
        if ordered:
            account_wh = account_after(account_wh, ordered, eta_c_ppm=lease.eta_c_ppm, eta_d_ppm=lease.eta_d_ppm)
    return account_wh


def _use_of(lease: Lease, absolute: int, uses: Mapping[Day, DayUse]) -> tuple[DayUse, int]:
    day = day_at(absolute * SLOT_MS)
    use = uses.get(day)
    if use is None:
        raise DayUseMissing(lease=lease.number, day=str(day))
    return use, absolute - day.first_slot


def _days(first_slot: int, last: Day) -> Iterable[Day]:
    first = day_at(first_slot * SLOT_MS)
    return map(Day, range(first.number, last.number + 1))
