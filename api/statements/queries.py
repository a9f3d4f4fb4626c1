"""What other slices may ask about statements on chain (protocol 7)."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from alliance.calendar import Day
from alliance.identity import Address, Digest, MemberId
from api.statements.repository import decisions, finalities, payments, statements_posted, voided


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """A leaf that the court recomputed otherwise; of a line, `moved_cents` went to its account (protocol 8.9.4)."""

    day: Day
    version: int
    leaf: int
    kind: int
    expected: int
    got: int
    moved_cents: int
    by: Address
    block: int


def decisions_of(connection: Connection, day: Day) -> list[DecisionRow]:
    """What the court decided of the statements that stand, in the order of the chain."""
    table = decisions
    query = select(table).where(table.c.day == day.number, table.c.version > voided_up_to(connection, day))
    return [
        DecisionRow(
            day=day,
            version=row.version,
            leaf=row.leaf,
            kind=row.kind,
            expected=row.expected,
            got=row.got,
            moved_cents=row.moved_cents,
            by=Address(row.by),
            block=row.block,
        )
        for row in connection.execute(query.order_by(table.c.block, table.c.log_index))
    ]


def voided_up_to(connection: Connection, day: Day) -> int:
    """The last of a day's void versions, 0 if none is."""
    query = select(func.max(voided.c.up_to)).where(voided.c.day == day.number)
    return connection.execute(query).scalar_one() or 0


def final_at_s(connection: Connection, day: Day) -> int | None:
    """Unix seconds from which a day is final; None while no statement of it stands."""
    standing = [row for row in posted(connection, day) if row.version > voided_up_to(connection, day)]
    if not standing:
        return None
    query = select(func.max(finalities.c.final_at_s)).where(
        finalities.c.day == day.number, finalities.c.block >= standing[0].block
    )
    found: int | None = connection.execute(query).scalar_one()
    return found


def posted(connection: Connection, day: Day) -> list[PostedRow]:
    """A day's statements by version, void ones among them."""
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
