"""Documents for the log (protocol 4.5): other slices queue schedules, rule packs and statements here and find them."""

from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.errors import Conflicting
from alliance.identity import Digest
from api.chance import chance
from api.documents import repository
from api.documents.repository import DocumentRow as DocumentRow
from api.epochs import queries as epochs
from api.epochs.queries import CheckpointRow
from api.platform import Platform
from api.privacy import repository as privacy
from api.privacy.subjects import ALLIANCE, key_for
from oracle import cbor, document, rows
from oracle.document import Document, Opened
from oracle.hashing import sha256
from oracle.log import Entry, EntryType

_SALT_BYTES = 32


@dataclass(kw_only=True, eq=False)
class DocumentNameTaken(Conflicting):
    """Another content was already sealed under a document's name."""

    name: str
    kept: Digest
    refused_content: Digest


def queue(platform: Platform, connection: Connection, *, kind: EntryType, name: str, content: object) -> DocumentRow:
    """Seal a plain value under a lasting name, such as `schedule/2026-11-21/1`, for the open epoch.

    Durable with the caller's transaction. The same name and content again give the same document; a name with another
    content raises DocumentNameTaken, a schedule or rule pack without readable rows what `oracle.rows.rows_of` raises.
    """
    plain = sha256(bytes([kind]), cbor.encode(content))
    kept = repository.by_name(connection, name)
    if kept is not None:
        if kept.content != plain:
            raise DocumentNameTaken(name=name, kept=kept.document.digest, refused_content=plain)
        return kept
    salt = chance(platform, f"document/{name}").token(_SALT_BYTES)
    epoch = epochs.open_epoch(connection, platform.deployment, now_ms=platform.clock.now_ms())
    sealed = _sealed(platform, connection, kind, content, salt=salt, epoch=epoch)
    opened = Opened(salt=salt, raw=cbor.encode(content))
    _rows_entry(sealed, opened)  # what cannot be logged is refused before it is kept
    row = DocumentRow(name=name, content=plain, document=sealed, epoch=epoch, opened=opened)
    repository.add(connection, row)
    return row


def by_name(connection: Connection, name: str) -> DocumentRow | None:
    """The document sealed under a name, None if there is none."""
    return repository.by_name(connection, name)


def by_digest(connection: Connection, digest: Digest) -> DocumentRow | None:
    """The document of a block's SHA-256, None if this service did not seal it."""
    return repository.by_digest(connection, digest)


def content_of(row: DocumentRow) -> object:
    """The plain value that was sealed."""
    return row.opened.content


def checkpoint_of(connection: Connection, row: DocumentRow) -> CheckpointRow | None:
    """The first checkpoint that contains a document, None while the chain has none."""
    return epochs.checkpoint_of(connection, row.epoch)


def of_kind(connection: Connection, kind: EntryType) -> list[DocumentRow]:
    """Every document of a kind, in the order in which they were queued."""
    return repository.of_kind(connection, kind)


def of_epoch(connection: Connection, epoch: int) -> list[Document]:
    """The documents that an epoch logs."""
    return repository.of_epoch(connection, epoch)


def rows_of_epoch(connection: Connection, epoch: int) -> list[Entry]:
    """The entries that fix the rows of an epoch's schedules and rule packs (protocol 4.2)."""
    entries = (_rows_entry(row.document, row.opened) for row in repository.rows_in(connection, epoch))
    return [entry for entry in entries if entry is not None]


def _rows_entry(sealed: Document, opened: Opened) -> Entry | None:
    return rows.entry_of(sealed.kind, sealed.digest, opened.content, salt=opened.salt)


def _sealed(
    platform: Platform, connection: Connection, kind: EntryType, content: object, *, salt: bytes, epoch: int
) -> Document:
    """The sealed document: rule packs in clear, the rest for readers of the alliance's documents alone."""
    if kind is EntryType.RULE_PACK or not platform.vault.encrypts:
        return document.seal(kind, content, salt=salt)
    subject = key_for(platform, connection, ALLIANCE)
    sealed = document.seal(kind, content, salt=salt, subject_key=subject.key)
    privacy.add_sealed(connection, [subject.sealed(sealed.digest, epoch=epoch, info=sealed.info)])
    return sealed
