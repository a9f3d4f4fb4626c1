"""Rows of posted statements, recorded payments, and what the court decided, as ledger and court told them."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, insert

from api.projection import projected

statements_posted = projected(
    "statements_posted",
    Column("day", Integer, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("leaf_count", Integer, nullable=False),
    Column("statement", LargeBinary(32), nullable=False),
    Column("members", LargeBinary, nullable=False),
    Column("balances", LargeBinary, nullable=False),
    Column("time_s", BigInteger, nullable=False),
)
payments = projected(
    "payments",
    Column("day", Integer, nullable=False, index=True),
    Column("member", Integer, nullable=False),
    Column("receipt", LargeBinary(32), nullable=False),
    Column("by", LargeBinary(20), nullable=False),
)

decisions = projected(
    "decisions",
    Column("day", Integer, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("leaf", BigInteger, nullable=False),
    Column("kind", Integer, nullable=False),
    Column("expected", BigInteger, nullable=False),
    Column("got", BigInteger, nullable=False),
    Column("moved_cents", BigInteger, nullable=False),
    Column("by", LargeBinary(20), nullable=False),
)
voided = projected(
    "voided_statements",
    Column("day", Integer, nullable=False, index=True),
    Column("up_to", Integer, nullable=False),
)
finalities = projected(
    "finalities",
    Column("day", Integer, nullable=False, index=True),
    Column("final_at_s", BigInteger, nullable=False),
)


def add(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """An event told something; `row` carries its block and log index."""
    connection.execute(insert(table), dict(row))
