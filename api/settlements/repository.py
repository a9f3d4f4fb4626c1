"""Rows of settlements: each version of each day as this service computed it; statements are documents of the log."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, SmallInteger, insert, update

from api.database import stamped

settlements = stamped(
    "settlements",
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", LargeBinary(32), nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("leaf_count", Integer, nullable=False),
    Column("provisional", SmallInteger, nullable=False),
    Column("log_epoch", BigInteger, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
)


def add(connection: Connection, row: Mapping[str, object]) -> None:
    """Keep a version of a day."""
    connection.execute(insert(settlements), dict(row))


def seen(connection: Connection, *, day: int, version: int, log_epoch: int) -> None:
    """Note up to which epoch a version was compared with the evidence."""
    mine = (settlements.c.day == day, settlements.c.version == version)
    connection.execute(update(settlements).where(*mine).values(log_epoch=log_epoch))
