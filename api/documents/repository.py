"""Rows of documents (protocol 4.5): sealed once under a name, waiting for their epoch."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, Row, SmallInteger, String, insert, select

from alliance.identity import Digest
from api.database import stamped
from oracle.document import Document, Opened, check_commitment, open_salted
from oracle.log import EntryType, parse

_SALT_BYTES = 32

documents = stamped(
    "documents",
    Column("digest", LargeBinary(32), primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("kind", SmallInteger, nullable=False),
    Column("content", LargeBinary(32), nullable=False),
    Column("block", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("epoch", BigInteger, nullable=False, index=True),
    Column("opened", LargeBinary, nullable=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A sealed document; `content` is the SHA-256 of its plain CBOR, `epoch` the one in which it is logged.

    `opened` is its salt and its plain CBOR, which the service keeps for itself.
    """

    name: str
    content: Digest
    document: Document
    epoch: int
    opened: Opened


def by_name(connection: Connection, name: str) -> DocumentRow | None:
    """The document of a name."""
    return _one(connection, documents.c.name == name)


def by_digest(connection: Connection, digest: Digest) -> DocumentRow | None:
    """The document of a block's SHA-256."""
    return _one(connection, documents.c.digest == digest)


def of_epoch(connection: Connection, epoch: int) -> list[Document]:
    """The documents that an epoch logs."""
    rows = connection.execute(select(documents).where(documents.c.epoch == epoch).order_by(documents.c.entry))
    return [Document(kind=EntryType(row.kind), block=row.block, entry=parse(row.entry)) for row in rows]


def rows_in(connection: Connection, epoch: int) -> list[DocumentRow]:
    """The documents that an epoch logs, as they were queued."""
    query = select(documents).where(documents.c.epoch == epoch).order_by(documents.c.entry)
    return [_row(row) for row in connection.execute(query)]


def of_kind(connection: Connection, kind: EntryType) -> list[DocumentRow]:
    """All documents of a type, in the order of their epochs and entries."""
    query = select(documents).where(documents.c.kind == int(kind)).order_by(documents.c.epoch, documents.c.entry)
    return [_row(row) for row in connection.execute(query)]


def add(connection: Connection, row: DocumentRow) -> None:
    """Queue a document."""
    values = {
        "digest": row.document.digest, "name": row.name, "kind": int(row.document.kind), "content": row.content,
        "block": row.document.block, "entry": row.document.entry.raw, "epoch": row.epoch,
        "opened": row.opened.salt + row.opened.raw,
    }  # fmt: skip
    connection.execute(insert(documents), values)


def _one(connection: Connection, condition: object) -> DocumentRow | None:
    row = connection.execute(select(documents).where(condition)).one_or_none()  # type: ignore[arg-type]  # a column comparison
    return None if row is None else _row(row)


def _row(row: Row[tuple[object, ...]]) -> DocumentRow:
    document = Document(kind=EntryType(row.kind), block=row.block, entry=parse(row.entry))
    opened = _opened(row.opened, document)
    return DocumentRow(name=row.name, content=Digest(row.content), document=document, epoch=row.epoch, opened=opened)


def _opened(kept: bytes | None, document: Document) -> Opened:
    """What was kept of a document in clear, checked against its entry; of an older row, what its plain block holds."""
    if kept is None:
        return open_salted(document.block, commitment=document.entry.commitment)
    opened = Opened(salt=kept[:_SALT_BYTES], raw=kept[_SALT_BYTES:])
    check_commitment(opened, document.entry.commitment, block=document.digest)
    return opened
