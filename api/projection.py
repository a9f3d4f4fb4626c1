"""Tables that mirror the chain (protocol 10.8): append-only rows by (block, log index), so that undoing is forgetting.

A row is `confirmed` once its block is known and `final` once that block is F deep; what only this service has sent is
`pending`.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, delete, func, select
from sqlalchemy.schema import SchemaItem

from alliance.errors import Missing
from alliance.identity import Digest
from api.database import stamped

_PROJECTED: list[Table] = []


class ChainStatus(StrEnum):
    """How firmly something stands on chain."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    FINAL = "final"


@dataclass(kw_only=True, eq=False)
class ChainNotFollowedYet(Missing):
    """The service has not read enough blocks of the chain yet."""

    want_blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRow:
    """A block that was followed; `time_s` is its timestamp, unix seconds."""

    number: int
    hash: Digest
    time_s: int


def projected(name: str, *items: SchemaItem) -> Table:
    """A table of things that events said; rows of undone blocks vanish."""
    place = (Column("block", Integer, primary_key=True), Column("log_index", Integer, primary_key=True))
    table = stamped(name, *place, *items)
    _PROJECTED.append(table)
    return table


blocks = stamped(
    "blocks",
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("time_s", BigInteger, nullable=False),
)


def undo_after(connection: Connection, block: int) -> None:
    """Forget everything that blocks above this one said."""
    for table in _PROJECTED:
        connection.execute(delete(table).where(table.c.block > block))
    connection.execute(delete(blocks).where(blocks.c.number > block))


def head(connection: Connection) -> BlockRow | None:
    """The newest followed block."""
    return _block(connection, select(func.max(blocks.c.number)).scalar_subquery())


def final_block(connection: Connection, finality_blocks: int) -> BlockRow | None:
    """The newest followed block that is F deep."""
    top = head(connection)
    return None if top is None else _newest(connection, top.number - finality_blocks)


def block_at(connection: Connection, number: int) -> BlockRow | None:
    """A followed block by its number."""
    return _block(connection, number)


def block_before(connection: Connection, t_ms: int) -> BlockRow | None:
    """The newest followed block whose timestamp lies before an instant, UTC ms."""
    number = select(func.max(blocks.c.number)).where(blocks.c.time_s * 1000 < t_ms).scalar_subquery()
    return _block(connection, number)


def block_from(connection: Connection, t_ms: int) -> BlockRow | None:
    """The oldest followed block whose timestamp is not before an instant, UTC ms."""
    number = select(func.min(blocks.c.number)).where(blocks.c.time_s * 1000 >= t_ms).scalar_subquery()
    return _block(connection, number)


def status_of(block: int | None, *, head_block: int, finality_blocks: int) -> ChainStatus:
    """How firmly a row stands; None is a row that no block has yet."""
    if block is None:
        return ChainStatus.PENDING
    return ChainStatus.FINAL if head_block - block >= finality_blocks else ChainStatus.CONFIRMED


def head_number(connection: Connection) -> int:
    """Number of the newest followed block, -1 before the first."""
    number = connection.execute(select(func.max(blocks.c.number))).scalar_one()
    return -1 if number is None else int(number)


def _newest(connection: Connection, limit: int) -> BlockRow | None:
    return _block(connection, select(func.max(blocks.c.number)).where(blocks.c.number <= limit).scalar_subquery())


def _block(connection: Connection, number: object) -> BlockRow | None:
    columns = (blocks.c.number, blocks.c.hash, blocks.c.time_s)
    row = connection.execute(select(*columns).where(blocks.c.number == number)).one_or_none()
    return None if row is None else BlockRow(number=row.number, hash=Digest(row.hash), time_s=row.time_s)
