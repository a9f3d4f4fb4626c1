"""Two archives that keep each other whole (protocol 4.12): what one lacks or holds altered, the other gives back.

A block proves itself by its address, so that no archive has to be trusted: whatever bytes hash right are the block.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from alliance.errors import Missing
from alliance.identity import Digest
from oracle import cbor, log, manifest
from oracle.archive import BlockAltered, BlockMissing, FolderArchive
from oracle.hashing import sha256
from oracle.log import DOCUMENT_TYPES


class Source(Protocol):
    """An archive that blocks are read from."""

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing or BlockAltered."""
        ...


class Copy(Protocol):
    """An archive that blocks are copied to and fetched back from."""

    def put(self, block: bytes) -> Digest:
        """Store a block durably."""
        ...

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing or BlockAltered."""
        ...

    def digests(self) -> Iterable[Digest]:
        """All blocks' digests, in ascending order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What bringing two archives together did: block counts."""

    checked: int
    mended: int
    """Blocks of the first that were missing or altered and came back from the second."""
    copied: int
    """Blocks that the second lacked, or held altered, and was given."""
    lost: tuple[Digest, ...]
    """Blocks that neither holds whole."""


class MendingArchive:
    """A folder that heals itself from a copy when a block is missing or altered; the copy may be away."""

    def __init__(self, folder: FolderArchive, copy: Copy) -> None:
        self.folder, self._copy = folder, copy

    def put(self, block: bytes) -> Digest:
        """Store a block durably in the folder; copying it is the replication job's."""
        return self.folder.put(block)

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing or BlockAltered as the folder does when the copy cannot help."""
        try:
            return self.folder.get(digest)
        except (BlockMissing, BlockAltered) as error:
            block = _fetched(self._copy, digest)
            if block is None:
                raise error from None
            self.folder.mend(block)
            return block

    def has(self, digest: Digest) -> bool:
        """Whether the folder has the block."""
        return self.folder.has(digest)

    def digests(self) -> Iterator[Digest]:
        """The folder's blocks' digests, in ascending order."""
        return self.folder.digests()


def repair(folder: FolderArchive, copy: Copy) -> Repair:
    """Bring a folder and its copy together: every block that one of them holds whole ends in both."""
    theirs = set(copy.digests())
    mended = copied = 0
    lost: list[Digest] = []
    every = sorted(theirs | set(folder.digests()))
    for digest in every:
        ours = _fetched(folder, digest)
        if ours is None:
            ours = _fetched(copy, digest)
            if ours is None:
                lost.append(digest)
                continue
            folder.mend(ours)
            mended += 1
        elif digest not in theirs or _fetched(copy, digest) is None:
            _given(copy, ours)
            copied += 1
    return Repair(checked=len(every), mended=mended, copied=copied, lost=tuple(lost))


def epoch_blocks(archive: Source, manifest_digest: Digest) -> Iterator[bytes]:
    """The blocks of one epoch: evidence, documents, entries, and the manifest last, so that it vouches for the rest."""
    head = archive.get(manifest_digest)
    made = manifest.decode(head)
    for row in made.rows:
        if row.evidence is not None:
            yield archive.get(row.evidence)
    entries = archive.get(made.entries)
    for entry in log.decode_entries(entries):
        if entry.type in DOCUMENT_TYPES:
            yield archive.get(entry.document)
    yield entries
    yield head


def linked(block: bytes) -> list[Digest]:
    """The blocks that a block links to, in order."""
    found: list[Digest] = []
    _collect_links(cbor.decode(block), found)
    return found


def named(block: bytes) -> list[Digest]:
    """The blocks that a block links to, or, for an epoch's entries, the documents that they record."""
    if isinstance(cbor.decode(block), list):
        return [entry.document for entry in log.decode_entries(block) if entry.type in DOCUMENT_TYPES]
    return linked(block)


def _collect_links(value: object, found: list[Digest]) -> None:
    """Add every link inside a value, in order."""
    match value:
        case cbor.Cid():
            found.append(value.digest)
        case list():
            for item in value:
                _collect_links(item, found)
        case dict():
            for item in value.values():
                _collect_links(item, found)
        case _:
            return


def _fetched(archive: Copy, digest: Digest) -> bytes | None:
    """The block, if an archive holds it whole and answers."""
    try:
        return archive.get(digest)
    except (Missing, BlockAltered):
        return None


def _given(copy: Copy, block: bytes) -> None:
    """Put a block into the copy, in place of whatever it holds there."""
    if isinstance(copy, FolderArchive) and copy.has(sha256(block)):
        copy.mend(block)
    else:
        copy.put(block)
