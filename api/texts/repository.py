"""Rows of texts, by the SHA-256 of their UTF-8: one text, one row, for good."""

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, String, Text, select
from sqlalchemy.dialects.sqlite import insert

from alliance.identity import Digest
from api.database import stamped

texts = stamped(
    "texts",
    Column("hash", LargeBinary(32), primary_key=True),
    Column("text", Text, nullable=False),
    Column("by", String(42), nullable=False),
    Column("filed_ms", BigInteger, nullable=False),
)


def put(connection: Connection, *, hashed: Digest, text: str, by: str, filed_ms: int) -> None:
    """Keep a text; one that is kept already stays as it is."""
    row = {"hash": hashed, "text": text, "by": by, "filed_ms": filed_ms}
    connection.execute(insert(texts).values(row).on_conflict_do_nothing())


def by_hash(connection: Connection, hashed: Digest) -> str | None:
    """The text of a hash, None if none was filed."""
    found: str | None = connection.execute(select(texts.c.text).where(texts.c.hash == hashed)).scalar_one_or_none()
    return found
