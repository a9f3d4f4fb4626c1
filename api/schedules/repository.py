"""Rows of the planner's runs: what came of each, and why; the schedules themselves are documents of the log."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, String, UniqueConstraint, insert

from api.database import stamped

plan_runs = stamped(
    "plan_runs",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("day", Integer, nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("t_ms", BigInteger, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("code", String(80), nullable=False),
    Column("detail", String, nullable=False),
    Column("schedule", LargeBinary(32), nullable=True),
    UniqueConstraint("day", "revision", "t_ms"),
    sqlite_autoincrement=True,
)


def add_run(connection: Connection, row: Mapping[str, object]) -> None:
    """Keep what came of a run of the planner."""
    connection.execute(insert(plan_runs), dict(row))
