"""Rows of cosignatures: which witness saw which head of the log."""

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, String, func, select
from sqlalchemy.dialects.sqlite import insert

from alliance.identity import Digest
from api.database import stamped

cosignatures = stamped(
    "cosignatures",
    Column("witness", String, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary(32), primary_key=True),
    Column("line", String, nullable=False),
)


def keep(connection: Connection, *, witness: str, size: int, root: Digest, line: str) -> None:
    """Keep a witness's signature line for a head; the first one stays."""
    row = {"witness": witness, "size": size, "root": root, "line": line}
    connection.execute(insert(cosignatures).on_conflict_do_nothing(), row)


def cosignatures_of(connection: Connection, *, size: int, root: Digest) -> list[str]:
    """The signature lines for a head, by witness."""
    c = cosignatures.c
    query = select(c.line).where(c.size == size, c.root == root).order_by(c.witness)
    return list(connection.execute(query).scalars())


def last_size(connection: Connection, *, witness: str) -> int:
    """Size of the newest head that a witness signed, 0 for none."""
    query = select(func.max(cosignatures.c.size)).where(cosignatures.c.witness == witness)
    return int(connection.execute(query).scalar_one() or 0)
