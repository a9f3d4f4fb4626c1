"""Rows of epochs, the log's entries, and the checkpoints that the chain confirmed.

An epoch is first sealed (nothing more enters it), then closed (archived, its root and entries fixed).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, func, insert, select, update

from alliance.identity import Digest
from api.database import stamped
from api.projection import projected
from oracle.log import Entry, parse

epochs = stamped(
    "epochs",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("as_of_block", BigInteger, nullable=False),
    Column("as_of_hash", LargeBinary(32), nullable=False),
    Column("sealed_ms", BigInteger, nullable=False),
    Column("old_size", BigInteger, nullable=True),
    Column("size", BigInteger, nullable=True),
    Column("root", LargeBinary(32), nullable=True),
    Column("manifest", LargeBinary(32), nullable=True),
    Column("entries", LargeBinary(32), nullable=True),
)
entries = stamped(
    "entries",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False, index=True),
    Column("raw", LargeBinary, nullable=False, unique=True),
)
checkpoints = projected(
    "checkpoints",
    Column("epoch", BigInteger, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False, index=True),
    Column("root", LargeBinary(32), nullable=False),
    Column("manifest", LargeBinary(32), nullable=False),
    Column("block_hash", LargeBinary(32), nullable=False),
    Column("time_s", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An epoch that takes nothing more; `as_of` is the last block before it began."""

    number: int
    as_of_block: int
    as_of_hash: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """An epoch whose archive is durable: all that `advance` needs but the proof."""

    number: int
    old_size: int
    size: int
    root: Digest
    manifest: Digest
    entries: Digest


def last_sealed(connection: Connection) -> int | None:
    """The last epoch that takes nothing more."""
    number = connection.execute(select(func.max(epochs.c.number))).scalar_one()
    return None if number is None else int(number)


def seal(connection: Connection, sealed: Sealed, *, t_ms: int) -> None:
    """Let nothing more enter an epoch."""
    row = {
        "number": sealed.number, "as_of_block": sealed.as_of_block, "as_of_hash": sealed.as_of_hash, "sealed_ms": t_ms,
    }  # fmt: skip
    connection.execute(insert(epochs), row)


def unfinished(connection: Connection) -> Sealed | None:
    """The epoch that was sealed and not closed, if the service ended in between; there is at most one."""
    columns = (epochs.c.number, epochs.c.as_of_block, epochs.c.as_of_hash)
    row = connection.execute(select(*columns).where(epochs.c.root.is_(None))).one_or_none()
    if row is None:
        return None
    return Sealed(number=row.number, as_of_block=row.as_of_block, as_of_hash=Digest(row.as_of_hash))


def close(connection: Connection, closed: Closed, new_entries: Sequence[Entry]) -> None:
    """Fix an epoch's root, manifest and entries."""
    values = {name: getattr(closed, name) for name in ("old_size", "size", "root", "manifest", "entries")}
    connection.execute(update(epochs).where(epochs.c.number == closed.number).values(**values))
    rows = [
        {"number": closed.old_size + at, "epoch": closed.number, "raw": entry.raw}
        for at, entry in enumerate(new_entries)
    ]
    connection.execute(insert(entries), rows)


def closed_after(connection: Connection, epoch: int, *, limit: int | None = None) -> list[Closed]:
    """Closed epochs behind one, in order."""
    query = select(epochs).where(epochs.c.root.is_not(None), epochs.c.number > epoch)
    rows = connection.execute(query.order_by(epochs.c.number).limit(limit))
    return [
        Closed(
            number=row.number,
            old_size=row.old_size,
            size=row.size,
            root=Digest(row.root),
            manifest=Digest(row.manifest),
            entries=Digest(row.entries),
        )
        for row in rows
    ]


def last_closed(connection: Connection) -> Closed | None:
    """The last closed epoch."""
    number = connection.execute(select(func.max(epochs.c.number)).where(epochs.c.root.is_not(None))).scalar_one()
    return None if number is None else closed_after(connection, number - 1, limit=1)[0]


def entries_from(connection: Connection, number: int) -> list[Entry]:
    """The log's entries from a number on, in order."""
    query = select(entries.c.raw).where(entries.c.number >= number).order_by(entries.c.number)
    return [parse(raw) for raw in connection.execute(query).scalars()]


def entry_number(connection: Connection, raw: bytes) -> int | None:
    """Where an entry stands in the log, None if it does not."""
    found = connection.execute(select(entries.c.number).where(entries.c.raw == raw)).scalar_one_or_none()
    return None if found is None else int(found)
