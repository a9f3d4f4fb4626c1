"""Rows of instructions: the record as it was made, and a row a station for history; nothing is ever changed.

The measured state that a station's caps follow from stands in its row alone: erasing it leaves the record whole.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, LargeBinary, String, func, insert, select

from api.database import stamped

instructions = stamped(
    "instructions",
    Column("call", BigInteger, primary_key=True, autoincrement=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("issued_by", String(42), nullable=False),
    Column("region", Integer, nullable=True),
    Column("method", String(12), nullable=False),
    Column("target_w", BigInteger, nullable=False),
    Column("shortfall_w", BigInteger, nullable=False),
    Column("stations", Integer, nullable=False),
    Column("excluded", Integer, nullable=False),
    Column("parent", LargeBinary(32), nullable=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("record", String, nullable=False),
)
instruction_rows = stamped(
    "instruction_rows",
    Column("call", BigInteger, primary_key=True, autoincrement=False),
    Column("station", Integer, primary_key=True, autoincrement=False, index=True),
    Column("issued_ms", BigInteger, nullable=False, index=True),
    Column("available_w", BigInteger, nullable=False),
    Column("given_w", BigInteger, nullable=False),
    Column("duration_s", Integer, nullable=False),
    Column("turn", Boolean, nullable=False),
    Column("state", String, nullable=True),
)


def add(connection: Connection, row: Mapping[str, object], rows: Sequence[Mapping[str, object]]) -> None:
    """Keep an instruction and its stations' rows."""
    connection.execute(insert(instructions), dict(row))
    if rows:
        connection.execute(insert(instruction_rows), [dict(one) for one in rows])


def last_call(connection: Connection) -> int:
    """Number of the newest instruction, 0 before the first."""
    return int(connection.execute(select(func.coalesce(func.max(instructions.c.call), 0))).scalar_one())
