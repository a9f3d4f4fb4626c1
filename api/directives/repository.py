"""Rows of directives and of the boxes' answers to them: both kept for good, as they were signed (protocol 9.15.6).

A directive's own row carries the first decision and the first end that were heard; every answer stands in its table.
"""

from collections.abc import Collection, Mapping

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
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as insert_once

from alliance.identity import Digest
from api.database import stamped

directives = stamped(
    "directives",
    Column("row", Integer, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("station", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False, index=True),
    Column("plan", LargeBinary(32), nullable=False),
    Column("call", BigInteger, nullable=True, index=True),
    Column("given_w", BigInteger, nullable=True),
    Column("dispatcher", LargeBinary(20), nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("taken_ms", BigInteger, nullable=False),
    Column("fetched_ms", BigInteger, nullable=True),
    Column("decided", SmallInteger, nullable=True),
    Column("decided_ms", BigInteger, nullable=True),
    Column("reason", String, nullable=False),
    Column("ended_ms", BigInteger, nullable=True),
    Column("ended", String, nullable=True),
    Column("escalated_ms", BigInteger, nullable=True),
    UniqueConstraint("station", "number"),
    sqlite_autoincrement=True,
)
directive_answers = stamped(
    "directive_answers",
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
    """Keep a directive."""
    connection.execute(insert(directives), dict(row))


def add_answer(connection: Connection, row: Mapping[str, object]) -> bool:
    """Keep an answer; whether it was new."""
    done = connection.execute(insert_once(directive_answers).values(dict(row)).on_conflict_do_nothing())
    return done.rowcount > 0


def answers_to(connection: Connection, digest: Digest) -> int:
    """How many different answers to a directive are kept."""
    query = select(func.count()).select_from(directive_answers).where(directive_answers.c.digest == digest)
    return int(connection.execute(query).scalar_one())


def highest(connection: Connection, station: int) -> int:
    """The highest number that was taken for a station, 0 before the first."""
    query = select(func.coalesce(func.max(directives.c.number), 0)).where(directives.c.station == station)
    return int(connection.execute(query).scalar_one())


def decide(connection: Connection, digest: Digest, *, outcome: int, t_ms: int, reason: str) -> None:
    """The box's decision, unless one was heard before."""
    first = update(directives).where(directives.c.digest == digest, directives.c.decided.is_(None))
    connection.execute(first.values(decided=outcome, decided_ms=t_ms, reason=reason))


def end(connection: Connection, digest: Digest, *, t_ms: int, reason: str) -> None:
    """The box's word that a directive has ended, unless it was heard before."""
    first = update(directives).where(directives.c.digest == digest, directives.c.ended_ms.is_(None))
    connection.execute(first.values(ended_ms=t_ms, ended=reason))


def fetched(connection: Connection, station: int, numbers: Collection[int], *, t_ms: int) -> None:
    """A box is told these: note when it was so first."""
    mine = (directives.c.station == station, directives.c.number.in_(numbers), directives.c.fetched_ms.is_(None))
    connection.execute(update(directives).where(*mine).values(fetched_ms=t_ms))


def escalate(connection: Connection, rows: list[int], *, t_ms: int) -> None:
    """Mark directives whose next word is overdue, for good."""
    connection.execute(update(directives).where(directives.c.row.in_(rows)).values(escalated_ms=t_ms))
