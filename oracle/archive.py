"""Archives of blocks by content address (protocol 4.6): a folder, or a trustless gateway over HTTP."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from alliance.errors import Missing, Refused
from alliance.identity import Digest
from oracle.cbor import Cid, cid_of, parse_cid
from oracle.hashing import sha256

RAW_BLOCK = "application/vnd.ipld.raw"


@dataclass(kw_only=True, eq=False)
class BlockMissing(Missing):
    """The archive has no such block."""

    cid: Cid
    where: str


@dataclass(kw_only=True, eq=False)
class BlockAltered(Refused):
    """A block's bytes do not hash to its address."""

    cid: Cid
    got: Cid
    where: str


class FolderArchive:
    """Blocks as files `<two characters>/<cid>.block`; a block is on disk (synced) before `put` returns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._sure: set[Path] = set()
        """Folders whose own names were synced since this object was made."""

    def path(self, digest: Digest) -> Path:
        """Where a block stands or would stand."""
        name = str(Cid(digest))
        return self.folder / name[-3:-1] / f"{name}.block"

    def put(self, block: bytes) -> Digest:
        """Store a block durably: written aside, synced, renamed, the folders synced up to the archive's own name.

        Storing it again writes nothing; names are synced again, because who stored it may have died before that.
        """
        digest = sha256(block)
        path = self.path(digest)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            write_aside(path, block)
        sync_folder(path.parent)
        if path.parent not in self._sure:
            sync_folder(self.folder)
            sync_folder(self.folder.parent)
            self._sure.add(path.parent)
        return digest

    def mend(self, block: bytes) -> Digest:
        """Put a block in place of whatever stands under its address, durably."""
        path = self.path(sha256(block))
        path.parent.mkdir(exist_ok=True)
        write_aside(path, block)
        return self.put(block)

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing or BlockAltered."""
        try:
            block = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise BlockMissing(cid=Cid(digest), where=str(self.folder)) from None
        return checked(block, digest, where=str(self.folder))

    def has(self, digest: Digest) -> bool:
        """Whether the block is there."""
        return self.path(digest).exists()

    def digests(self) -> Iterator[Digest]:
        """All blocks' digests, in ascending order."""
        yield from sorted(parse_cid(path.stem).digest for path in self.folder.glob("*/*.block"))


class GatewayArchive:
    """Blocks from a trustless gateway: `GET <url>/ipfs/<cid>?format=raw`; what comes back is hashed, never trusted."""

    def __init__(self, url: str, *, client: httpx.Client | None = None) -> None:
        self.url = url.rstrip("/")
        self._client = client or httpx.Client(timeout=30)

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing or BlockAltered."""
        cid = Cid(digest)
        try:
            reply = self._client.get(f"{self.url}/ipfs/{cid}", params={"format": "raw"}, headers={"Accept": RAW_BLOCK})
        except httpx.HTTPError as error:
            raise BlockMissing(cid=cid, where=f"{self.url} ({type(error).__name__})") from error
        if reply.status_code != httpx.codes.OK:
            raise BlockMissing(cid=cid, where=f"{self.url} (HTTP {reply.status_code})")
        return checked(reply.content, digest, where=self.url)


def checked(block: bytes, digest: Digest, *, where: str) -> bytes:
    """The block, if it is the one of that SHA-256. Raises BlockAltered."""
    got = cid_of(block)
    if got.digest != digest:
        raise BlockAltered(cid=Cid(digest), got=got, where=where)
    return block


def write_aside(path: Path, content: bytes) -> None:
    """Put a file in place whole: written beside it, synced, renamed. The folder's own entry is the caller's to sync."""
    aside = path.with_suffix(f".{os.getpid()}.part")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def sync_folder(folder: Path) -> None:
    """Make a folder's own entries durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
