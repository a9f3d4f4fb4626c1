"""Documents for the log (protocol 4.5): other slices queue schedules, rule packs and statements here and find them."""

from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.errors import Conflicting
from alliance.identity import Digest
from alliance.ports import Randomness
from api.documents import repository
from api.documents.repository import DocumentRow as DocumentRow
from api.epochs import queries as epochs
from api.epochs.queries import CheckpointRow
from api.platform import Platform
from oracle import cbor, document
from oracle.adapters import SeededRandomness
from oracle.document import Document
from oracle.hashing import sha256
from oracle.log import EntryType

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
    content raises DocumentNameTaken.
    """
    plain = sha256(bytes([kind]), cbor.encode(content))
    kept = repository.by_name(connection, name)
    if kept is not None:
        if kept.content != plain:
            raise DocumentNameTaken(name=name, kept=kept.document.digest, refused_content=plain)
        return kept
    salt = _salts(platform, name).token(_SALT_BYTES)
    sealed = document.seal(kind, content, salt=salt)
    epoch = epochs.open_epoch(connection, platform.deployment, now_ms=platform.clock.now_ms())
    row = DocumentRow(name=name, content=plain, document=sealed, epoch=epoch)
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
    return document.open_block(row.document.block, commitment=row.document.entry.commitment)


def checkpoint_of(connection: Connection, row: DocumentRow) -> CheckpointRow | None:
    """The first checkpoint that contains a document, None while the chain has none."""
    return epochs.checkpoint_of(connection, row.epoch)


def of_kind(connection: Connection, kind: EntryType) -> list[DocumentRow]:
    """Every document of a kind, in the order in which they were queued."""
    return repository.of_kind(connection, kind)


def of_epoch(connection: Connection, epoch: int) -> list[Document]:
    """The documents that an epoch logs."""
    return repository.of_epoch(connection, epoch)


def _salts(platform: Platform, name: str) -> Randomness:
    """Fresh chance; in a demo, chance that hangs on the seed and the name alone, so that a restart changes nothing."""
    seed = platform.settings.randomness_seed
    if seed is None:
        return platform.randomness
    return SeededRandomness(bytes.fromhex(seed.get_secret_value()), f"document/{name}")
