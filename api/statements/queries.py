"""What other slices may ask about statements on chain (protocol 7)."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from alliance.calendar import Day
from alliance.identity import Digest, MemberId
from api.statements.repository import payments, statements_posted


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedRow:
    """A posted statement: balances in cents, members in order of admission, then platform, grid, pool."""

    day: Day
    version: int
    root: Digest
    leaf_count: int
    statement: Digest
    members: tuple[MemberId, ...]
    balances_cents: tuple[int, ...]
    time_s: int
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """A bank's receipt for a member's balance of a day, by its hash."""

    day: Day
    member: MemberId
    receipt: Digest
    block: int


def posted(connection: Connection, day: Day) -> list[PostedRow]:
    """A day's statements by version."""
    table = statements_posted
    query = select(table).where(table.c.day == day.number).order_by(table.c.version)
    return [
        PostedRow(
            day=Day(row.day),
            version=row.version,
            root=Digest(row.root),
            leaf_count=row.leaf_count,
            statement=Digest(row.statement),
            members=tuple(MemberId(number) for number in _numbers(row.members, 4)),
            balances_cents=tuple(_numbers(row.balances, 8, signed=True)),
            time_s=row.time_s,
            block=row.block,
        )
        for row in connection.execute(query)
    ]


def last_posted_day(connection: Connection) -> Day | None:
    """The latest day that has a statement on chain."""
    number = connection.execute(select(func.max(statements_posted.c.day))).scalar_one()
    return None if number is None else Day(number)


def payments_of(connection: Connection, day: Day) -> list[PaymentRow]:
    """The payments recorded for a day, in the order of the chain."""
    query = select(payments).where(payments.c.day == day.number).order_by(payments.c.block, payments.c.log_index)
    return [
        PaymentRow(day=Day(row.day), member=MemberId(row.member), receipt=Digest(row.receipt), block=row.block)
        for row in connection.execute(query)
    ]


def _numbers(raw: bytes, size: int, *, signed: bool = False) -> list[int]:
    return [int.from_bytes(raw[at : at + size], "big", signed=signed) for at in range(0, len(raw), size)]
