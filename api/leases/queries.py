"""What other slices may ask about offers and leases (protocol 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from alliance.identity import LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd, Lease
from api.leases.repository import amendments, lease_asks, lease_ends, leases, offers, withdrawals


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """A lease as accepted; `end_slot` is the first slot in which it does not run any more, early end included."""

    lease: Lease
    offer: int
    end_slot: int
    ended_by: MemberId | None
    """Who ended it alone and owes the other party `end_price_cents`."""
    end_price_cents: int
    following: LeaseId | None
    """The lease that goes on where this one was amended."""
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """An offer's terms (units as in `OfferTerms`), and whether it still takes leases."""

    offer: int
    station: StationId
    power_w: int
    energy_wh: int
    first_slot: int
    term_slots: int
    eta_c_ppm: int
    eta_d_ppm: int
    rent_cents_per_kw_year: int
    wear_price: int
    handover_wh: int
    handover_price: int
    sla_bp: int
    sla_factor_bp: int
    price_version: int
    weekday_mask: int
    day_first_slot: int
    day_slots: int
    end_notice_slots: int
    end_fee_bp: int
    withdrawn: bool
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRow:
    """What a party asked for last: an end at a slot or, with quantities and a term, an amendment from it on."""

    lease: LeaseId
    member: MemberId
    from_slot: int
    power_w: int | None
    energy_wh: int | None
    term_slots: int | None


def asked(connection: Connection) -> list[AskRow]:
    """What the parties of leases asked for, each party's last wish of a lease."""
    order = (lease_asks.c.block, lease_asks.c.log_index)
    last = {(row.lease, row.member): row for row in connection.execute(select(lease_asks).order_by(*order))}
    return [
        AskRow(
            lease=LeaseId(row.lease), member=MemberId(row.member), from_slot=row.from_slot, power_w=row.power_w,
            energy_wh=row.energy_wh, term_slots=row.term_slots,
        )
        for _, row in sorted(last.items())
    ]  # fmt: skip


def listed(connection: Connection, *, after: int = 0, limit: int | None = None) -> list[LeaseRow]:
    """Leases by number, those behind `after`, `limit` at most."""
    query = _with_end().where(leases.c.lease > after).order_by(leases.c.lease).limit(limit)
    return [_lease(row) for row in connection.execute(query)]


def all_leases(connection: Connection) -> list[LeaseRow]:
    """Every lease, by number."""
    return listed(connection)


def early_ends(rows: Iterable[LeaseRow]) -> dict[LeaseId, EarlyEnd]:
    """How those leases ended that did so before their term."""
    return {
        row.lease.number: EarlyEnd(end_slot=row.end_slot, by=row.ended_by, price_cents=row.end_price_cents)
        for row in rows
        if row.end_slot < row.lease.first_slot + row.lease.term_slots
    }


def offers_listed(connection: Connection, *, after: int = 0, limit: int | None = None) -> list[OfferRow]:
    """Offers by number, those behind `after`, `limit` at most."""
    gone = select(withdrawals.c.offer).where(withdrawals.c.offer == offers.c.offer).exists()
    query = select(offers, gone.label("withdrawn")).where(offers.c.offer > after).order_by(offers.c.offer).limit(limit)
    return [
        OfferRow(
            **{name: getattr(row, name) for name in OfferRow.__slots__ if name != "withdrawn"},
            withdrawn=bool(row.withdrawn),
        )
        for row in connection.execute(query)
    ]


def _with_end() -> Select[Any]:
    first = select(lease_ends.c.lease, func.min(lease_ends.c.end_slot).label("end_slot")).group_by(lease_ends.c.lease)
    early, ends = first.subquery(), lease_ends
    return (
        select(leases, early.c.end_slot, ends.c.by_member, ends.c.price_cents, amendments.c.following)
        .outerjoin(early, early.c.lease == leases.c.lease)
        .outerjoin(ends, (ends.c.lease == leases.c.lease) & (ends.c.end_slot == early.c.end_slot))
        .outerjoin(amendments, amendments.c.lease == leases.c.lease)
    )


def _lease(row: Row[tuple[object, ...]]) -> LeaseRow:
    lease = Lease(
        number=LeaseId(row.lease),
        version=row.version,
        owner=MemberId(row.owner),
        lessee=MemberId(row.lessee),
        station=StationId(row.station),
        power_w=row.power_w,
        energy_wh=row.energy_wh,
        eta_c_ppm=row.eta_c_ppm,
        eta_d_ppm=row.eta_d_ppm,
        rent_cents=row.rent_cents,
        first_slot=row.first_slot,
        term_slots=row.term_slots,
        wear_price=row.wear_price,
        handover_wh=row.handover_wh,
        handover_price=row.handover_price,
        sla_bp=row.sla_bp,
        sla_factor_bp=row.sla_factor_bp,
        weekday_mask=row.weekday_mask,
        day_first_slot=row.day_first_slot,
        day_slots=row.day_slots,
    )
    end = lease.first_slot + lease.term_slots
    return LeaseRow(
        lease=lease,
        offer=row.offer,
        end_slot=min(end, row.end_slot or end),
        ended_by=MemberId(row.by_member) if row.by_member else None,
        end_price_cents=row.price_cents or 0,
        following=LeaseId(row.following) if row.following else None,
        block=row.block,
    )
