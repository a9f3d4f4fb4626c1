"""An IPFS node's RPC as an archive (protocol 4.12): Kubo's `/api/v0/block/…`; what comes back is hashed, never trusted.

A node that is not Kubo (js-ipfs) names the codec otherwise; its version answer tells which it is. The RPC is powerful
and has no password of its own: it belongs on loopback.
"""

import json
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import httpx

from alliance.errors import Missing
from alliance.identity import Digest
from oracle.archive import BlockMissing, checked
from oracle.cbor import Cid
from oracle.hashing import sha256


@dataclass(kw_only=True, eq=False)
class NodeUnreachable(Missing):
    """An IPFS node's RPC does not answer, or answers with an error."""

    url: str
    why: str


class NodeArchive:
    """Blocks in an IPFS node, pinned there so that its garbage collector leaves them."""

    def __init__(self, url: str, *, client: httpx.Client | None = None, search_s: int = 10) -> None:
        """`search_s`: how long the node may look for a block that it does not hold, seconds."""
        self.url, self._search_s = url.rstrip("/"), search_s
        self._client = client or httpx.Client(timeout=30)

    def put(self, block: bytes) -> Digest:
        """Store a block and pin it, itself alone: a recursive pin would look for all that it links to.

        Raises NodeUnreachable, also when the node gives it another address.
        """
        digest = sha256(block)
        codec = {"cid-codec": "dag-cbor"} if self._is_kubo else {"format": "dag-cbor", "version": "1"}
        params = {**codec, "mhtype": "sha2-256", "pin": "false"}
        reply = self._call("block/put", params=params, files={"data": ("block", block)})
        key = reply.json().get("Key")
        if key != str(Cid(digest)):
            raise NodeUnreachable(url=self.url, why=f"it stored {Cid(digest)} as {key}")
        self._call("pin/add", params={"arg": key, "recursive": "false"})
        return digest

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing, BlockAltered or NodeUnreachable."""
        cid = Cid(digest)
        reply = self._asked("block/get", params={"arg": str(cid), "timeout": f"{self._search_s}s"})
        if reply.status_code != httpx.codes.OK:
            raise BlockMissing(cid=cid, where=f"{self.url} (HTTP {reply.status_code}: {reply.text[:120]})")
        return checked(reply.content, digest, where=self.url)

    def has(self, digest: Digest) -> bool:
        """Whether the node has the block itself."""
        return digest in set(self.digests())

    def digests(self) -> Iterator[Digest]:
        """Digests of all DAG-CBOR and raw blocks that the node has, in ascending order."""
        reply = self._call("refs/local", params={})
        refs = [json.loads(line)["Ref"] for line in reply.text.splitlines() if line.strip()]
        found = {digest for digest in map(_digest, refs) if digest is not None}
        yield from sorted(found)

    @cached_property
    def _is_kubo(self) -> bool:
        return "Golang" in self._call("version", params={}).json()

    def _call(
        self, command: str, *, params: dict[str, str], files: dict[str, tuple[str, bytes]] | None = None
    ) -> httpx.Response:
        reply = self._asked(command, params=params, files=files)
        if reply.status_code != httpx.codes.OK:
            raise NodeUnreachable(url=self.url, why=f"HTTP {reply.status_code}: {reply.text[:160]}")
        return reply

    def _asked(
        self, command: str, *, params: dict[str, str], files: dict[str, tuple[str, bytes]] | None = None
    ) -> httpx.Response:
        try:
            return self._client.post(f"{self.url}/api/v0/{command}", params=params, files=files)
        except httpx.HTTPError as error:
            raise NodeUnreachable(url=self.url, why=type(error).__name__) from error


def _digest(ref: str) -> Digest | None:
    """The SHA-256 inside a CID of version 1 in base32; None for others."""
    if not ref.startswith("b"):
        return None
    text = ref[1:].upper()
    raw = b32decode(text + "=" * (-len(text) % 8))
    return Digest(raw[-32:]) if len(raw) == 36 and raw[2:4] == b"\x12\x20" else None
