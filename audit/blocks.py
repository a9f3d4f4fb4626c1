"""Reading blocks for an audit (protocol 11.3): a block that something names and the archive lacks was withheld.

An archive that is not there at all, or does not answer, was not read: that accuses nobody. `altered` hands out bytes
that do not hash to their address, so that the audit can say which reading or line inside them was changed.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import httpx

from alliance.errors import Missing
from alliance.identity import Digest
from audit.finding import Unread, Where, diverged
from oracle.archive import RAW_BLOCK, BlockAltered, BlockMissing, FolderArchive, GatewayArchive
from oracle.cbor import Cid

_GONE = (httpx.codes.NOT_FOUND, httpx.codes.GONE)


class Source(Protocol):
    """An archive that may be asked for blocks and for bytes that nobody has checked."""

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing, BlockAltered or Unread."""
        ...

    def unchecked(self, digest: Digest) -> bytes | None:
        """What stands under a block's address, whatever it hashes to; None if nothing does."""
        ...


class FolderSource:
    """An archive in a folder that exists and holds blocks; nothing is ever written. Raises Unread."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise Unread(what="archive", why=f"no folder {folder}")
        if not any(folder.glob("*/*.block")):
            raise Unread(what="archive", why=f"no blocks in {folder}")
        self._archive = FolderArchive(folder)

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing, BlockAltered or Unread."""
        try:
            return self._archive.get(digest)
        except OSError as error:
            raise Unread(what=f"block {Cid(digest)}", why=str(error)) from error

    def unchecked(self, digest: Digest) -> bytes | None:
        """The file's bytes."""
        try:
            return self._archive.path(digest).read_bytes()
        except OSError:
            return None


class GatewaySource:
    """An archive behind a trustless gateway; only a plain `not found` means that it lacks a block."""

    def __init__(self, url: str, *, client: httpx.Client | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = client or httpx.Client(timeout=30)
        self._archive = GatewayArchive(url, client=self._client)

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing, BlockAltered or Unread."""
        try:
            return self._archive.get(digest)
        except BlockMissing as missing:
            reply = self._ask(digest)
            if reply.status_code in _GONE:
                raise
            raise Unread(what=f"block {Cid(digest)}", why=missing.where) from missing

    def unchecked(self, digest: Digest) -> bytes | None:
        """The reply's bytes."""
        reply = self._ask(digest)
        return reply.content if reply.status_code == httpx.codes.OK else None

    def _ask(self, digest: Digest) -> httpx.Response:
        url = f"{self._url}/ipfs/{Cid(digest)}"
        try:
            return self._client.get(url, params={"format": "raw"}, headers={"Accept": RAW_BLOCK})
        except httpx.HTTPError as error:
            raise Unread(what=f"block {Cid(digest)}", why=f"{type(error).__name__} at {self._url}") from error


def open_archive(place: str) -> Source:
    """The archive at a folder or an http(s) address. Raises Unread for a folder that is not there or holds nothing."""
    if place.startswith(("http://", "https://")):
        return GatewaySource(place)
    return FolderSource(Path(place))


class Blocks:
    """Blocks by digest, each with the place and rule that a missing or altered one is reported under."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.count = 0
        self.bytes = 0

    def get(self, digest: Digest, *, rule: str, where: Where | Callable[[], Where]) -> bytes:
        """The block. Raises Diverged when it was withheld or altered, Unread when the archive does not answer."""
        try:
            block = self._source.get(digest)
        except BlockMissing as missing:
            place = where if isinstance(where, Where) else where()
            raise diverged(f"{rule}: withheld", str(Cid(digest)), "no such block", where=place) from missing
        except BlockAltered as altered:
            place = where if isinstance(where, Where) else where()
            raise diverged(f"{rule}: altered", str(altered.cid), str(altered.got), where=place) from altered
        self.count += 1
        self.bytes += len(block)
        return block

    def altered(self, digest: Digest) -> bytes | None:
        """The bytes of a block that is there and does not hash to its address; None otherwise."""
        try:
            self._source.get(digest)
        except BlockAltered:
            return self._source.unchecked(digest)
        except Missing:
            return None
        return None

    def require_any(self, digests: Iterable[Digest]) -> None:
        """Refuse to judge an archive that holds none of these blocks: it is not this log's. Raises Unread."""
        for digest in digests:
            try:
                self._source.get(digest)
            except BlockMissing:
                continue
            except BlockAltered:
                return
            return
        raise Unread(what="archive", why="it holds no manifest of this log")
