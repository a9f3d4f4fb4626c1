"""What other slices may ask about members."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from alliance.calendar import Day
from alliance.fleet import Member
from alliance.identity import Address, MemberId
from api.members.repository import member_events as events
from api.members.repository import rosters


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member and where it stands: admitted, suspended or left; `block` is the last change's."""

    member: Member
    status: str
    block: int


def number_of(connection: Connection, address: Address) -> MemberId | None:
    """An account's member number, None if it was never admitted."""
    query = select(func.max(events.c.member)).where(events.c.address == address)
    number = connection.execute(query).scalar_one()
    return None if number is None else MemberId(number)


def address_of(connection: Connection, member: MemberId) -> Address | None:
    """A member's account."""
    query = select(events.c.address).where(events.c.member == member).limit(1)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else Address(found)


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
