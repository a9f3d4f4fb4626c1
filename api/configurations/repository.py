"""Rows of configurations and of the boxes' answers to them: both kept for good, as they were signed (protocol 9.20.7).

A configuration's own row carries the box's last word by the box's clock; every answer stands in its table.
"""

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_once

from alliance.identity import Digest
from api.database import stamped

configurations = stamped(
    "configurations",
    Column("row", Integer, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("station", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("configurer", LargeBinary(20), nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("taken_ms", BigInteger, nullable=False),
    Column("fetched_ms", BigInteger, nullable=True),
    Column("outcome", SmallInteger, nullable=True),
    Column("answered_ms", BigInteger, nullable=True),
    Column("reason", String, nullable=False),
    UniqueConstraint("station", "number"),
    sqlite_autoincrement=True,
)
configuration_answers = stamped(
    "configuration_answers",
    Column("row", Integer, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary(32), nullable=False, index=True),
    Column("outcome", SmallInteger, nullable=False),
    Column("t_ms", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("device", LargeBinary(20), nullable=False),
    Column("signer", LargeBinary(20), nullable=False),
    Column("alg", SmallInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("heard_ms", BigInteger, nullable=False),
    UniqueConstraint("digest", "outcome", "t_ms", "reason"),
    sqlite_autoincrement=True,
)


def add(connection: Connection, row: Mapping[str, object]) -> None:
    """Keep a configuration."""
    connection.execute(insert(configurations), dict(row))


def add_answer(connection: Connection, row: Mapping[str, object]) -> bool:
    """Keep an answer; whether it was new."""
    done = connection.execute(insert_once(configuration_answers).values(dict(row)).on_conflict_do_nothing())
    return done.rowcount > 0


def answers_to(connection: Connection, digest: Digest) -> int:
    """How many different answers to a configuration are kept."""
    mine = configuration_answers.c.digest == digest
    return int(connection.execute(select(func.count()).select_from(configuration_answers).where(mine)).scalar_one())


def highest(connection: Connection, station: int) -> int:
    """The highest number that was taken for a station, 0 before the first."""
    c = configurations.c
    return int(
        connection.execute(select(func.coalesce(func.max(c.number), 0)).where(c.station == station)).scalar_one()
    )


def settle(connection: Connection, digest: Digest, *, outcome: int, t_ms: int, reason: str) -> None:
    """The box's word on a configuration, unless a later one was heard before."""
    c = configurations.c
    latest = update(configurations).where(c.digest == digest, or_(c.answered_ms.is_(None), c.answered_ms <= t_ms))
    connection.execute(latest.values(outcome=outcome, answered_ms=t_ms, reason=reason))


def fetched(connection: Connection, digest: Digest, *, t_ms: int) -> None:
    """The box is told it: note when it was so first."""
    mine = (configurations.c.digest == digest, configurations.c.fetched_ms.is_(None))
    connection.execute(update(configurations).where(*mine).values(fetched_ms=t_ms))
