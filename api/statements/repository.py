"""Rows of posted statements and recorded payments, as `SettlementLedger` told them."""

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


def add(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """An event told something; `row` carries its block and log index."""
    connection.execute(insert(table), dict(row))
