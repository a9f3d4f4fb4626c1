"""What other slices may ask about members."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from alliance.calendar import Day
from alliance.fleet import Member
from alliance.identity import Address, Digest, MemberId
from api.members.repository import application_events as made
from api.members.repository import member_events as events
from api.members.repository import rosters


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member and where it stands: admitted, suspended, leaving or left; `block` is the last change's."""

    member: Member
    status: str
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """An application: applied, withdrawn, rejected or admitted; `hash` is the papers', when rejected the reason's."""

    applicant: Address
    status: str
    hash: Digest
    block: int


def number_of(connection: Connection, address: Address) -> MemberId | None:
    """The number of the member that goes by an account now, None if none does: an account that was left is nobody's."""
    number = ever_number_of(connection, address)
    return number if number is not None and address_of(connection, number) == address else None


def ever_number_of(connection: Connection, address: Address) -> MemberId | None:
    """The number of the member that goes or once went by an account, None if there was none."""
    query = select(func.max(events.c.member)).where(events.c.address == address)
    number = connection.execute(query).scalar_one()
    return None if number is None else MemberId(number)


def address_of(connection: Connection, member: MemberId) -> Address | None:
    """The account by which a member goes now."""
    found = _latest(connection, member)
    return None if found is None else found[0]


def status_of(connection: Connection, member: MemberId) -> str | None:
    """Where a member stands; None if there is no such member."""
    found = _latest(connection, member)
    return None if found is None else found[1]


def applications(connection: Connection, *, after: bytes = b"", limit: int | None = None) -> list[ApplicationRow]:
    """The latest application of each account that applied, by account, those behind `after`, `limit` at most."""
    place = made.c.block * 1_000_000 + made.c.log_index
    last = (
        select(made.c.address, func.max(place).label("place"))
        .where(made.c.address > after)
        .group_by(made.c.address)
        .subquery()
    )
    query = (
        select(made)
        .join(last, (made.c.address == last.c.address) & (place == last.c.place))
        .order_by(made.c.address)
        .limit(limit)
    )
    return [
        ApplicationRow(
            applicant=Address(row.address), status=_decided(connection, row), hash=Digest(row.hash), block=row.block
        )
        for row in connection.execute(query)
    ]


def listed(connection: Connection, *, after: int = 0, limit: int | None = None) -> list[MemberRow]:
    """Members by number, those behind `after`, `limit` at most."""
    place = events.c.block * 1_000_000 + events.c.log_index
    last = (
        select(events.c.member, func.max(place).label("place"))
        .where(events.c.member > after)
        .group_by(events.c.member)
        .subquery()
    )
    query = (
        select(events.c.member, events.c.address, events.c.status, events.c.block)
        .join(last, (events.c.member == last.c.member) & (place == last.c.place))
        .order_by(events.c.member)
        .limit(limit)
    )
    return [
        MemberRow(
            member=Member(number=MemberId(row.member), address=Address(row.address)), status=row.status, block=row.block
        )
        for row in connection.execute(query)
    ]


def _latest(connection: Connection, member: MemberId) -> tuple[Address, str] | None:
    order = (events.c.block.desc(), events.c.log_index.desc())
    query = select(events.c.address, events.c.status).where(events.c.member == member).order_by(*order).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else (Address(row.address), str(row.status))


def _decided(connection: Connection, row: Row[Any]) -> str:
    """`admitted` where the account was admitted after it applied."""
    later = (events.c.block > row.block) | ((events.c.block == row.block) & (events.c.log_index > row.log_index))
    query = select(events.c.block).where((events.c.address == row.address) & later).limit(1)
    admitted = row.what == "applied" and connection.execute(query).one_or_none() is not None
    return "admitted" if admitted else str(row.what)


def roster_of(connection: Connection, day: Day) -> tuple[MemberId, ...]:
    """The members whose accounts a day settles: the roster as it stood at its 00:00, in order of admission."""
    query = (
        select(rosters.c.members)
        .where(rosters.c.from_day <= day.number)
        .order_by(rosters.c.from_day.desc(), rosters.c.block.desc(), rosters.c.log_index.desc())
        .limit(1)
    )
    raw = connection.execute(query).scalar_one_or_none() or b""
    return tuple(MemberId(int.from_bytes(raw[at : at + 4], "big")) for at in range(0, len(raw), 4))
