"""Grants (protocol 4.8.2): content keys wrapped for one reader's X25519 key, a mutable file for each reader and epoch.

Grants stand beside the archive, never in it: adding or removing a reader changes no address. Nobody signs a grant, so
that one which does not open accuses nobody: the block it speaks of is unread.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import httpx
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from alliance.errors import Malformed, Missing, Refused
from alliance.identity import Digest
from alliance.ports import Randomness
from oracle import cbor, encryption, keys
from oracle.archive import sync_folder, write_aside
from oracle.hashing import sha256
from oracle.plain import Fields, PlainMalformed

VERSION = 1
WRAPPED_BYTES = encryption.KEY_BYTES + encryption.TAG_BYTES
_PURPOSE = b"storage-alliance/grant/1"
_FOLDER = "grants"
MEDIA_TYPE = "application/vnd.ipld.dag-cbor"
_REMEMBERED = 512
"""So many epochs' keys are held at a time."""


@dataclass(kw_only=True, eq=False)
class ReaderKeyUnusable(Malformed):
    """32 bytes are no X25519 key that a secret can be shared with."""

    public: bytes


@dataclass(kw_only=True, eq=False)
class GrantVersionUnknown(Refused):
    """A grant of another version."""

    version: int


@dataclass(kw_only=True, eq=False)
class GrantDisordered(Malformed):
    """A grant's keys are not sorted by block, or one stands twice."""

    block: Digest


@dataclass(kw_only=True, eq=False)
class GrantForeign(Refused):
    """A grant file was made for another reader or epoch than its place says."""

    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class GrantsUnreachable(Missing):
    """The place of the grants does not answer: whether there is a grant is not known."""

    where: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one reader may open of one epoch."""

    reader: bytes
    """The reader's X25519 public key."""
    epoch: int
    ephemeral: bytes
    """A public key of this grant alone; its secret half is thrown away."""
    wrapped: Mapping[Digest, bytes]
    """Block → its content key, 48 bytes that only the reader unwraps."""


def fingerprint(reader: bytes) -> str:
    """How a reader is named in addresses: the first 20 hex digits of its public key's SHA-256."""
    return sha256(reader).hex()[:20]


def check_public(reader: bytes) -> None:
    """Refuse a public key that no secret can be shared with. Raises ReaderKeyUnusable."""
    _shared(X25519PrivateKey.from_private_bytes(sha256(b"any")), reader)


def make(content_keys: Mapping[Digest, bytes], *, reader: bytes, epoch: int, randomness: Randomness) -> Grant:
    """Wrap content keys for a reader under a fresh ephemeral key. Raises ReaderKeyUnusable."""
    secret = X25519PrivateKey.from_private_bytes(randomness.token(32))
    ephemeral = secret.public_key().public_bytes_raw()
    shared = _shared(secret, reader)
    wrapped = {
        block: encryption.seal(key, _wrapping_key(shared, ephemeral, reader, block))
        for block, key in sorted(content_keys.items())
    }
    return Grant(reader=reader, epoch=epoch, ephemeral=ephemeral, wrapped=wrapped)


def encode(grant: Grant) -> bytes:
    """The grant's file."""
    keys_ = [{"block": block, "wrapped": grant.wrapped[block]} for block in sorted(grant.wrapped)]
    return cbor.encode(
        {"v": VERSION, "reader": grant.reader, "epoch": grant.epoch, "ephemeral": grant.ephemeral, "keys": keys_}
    )


def decode(raw: bytes) -> Grant:
    """Read a grant's file. Raises NotCanonical, PlainMalformed, GrantVersionUnknown or GrantDisordered."""
    fields = Fields(cbor.decode(raw), where="grant")
    version = fields.int("v")
    if version != VERSION:
        raise GrantVersionUnknown(version=version)
    grant = Grant(
        reader=fields.bytes("reader", size=32),
        epoch=fields.int("epoch", high=(1 << 64) - 1),
        ephemeral=fields.bytes("ephemeral", size=32),
        wrapped=_wrapped(fields.list("keys")),
    )
    fields.finish()
    return grant


class ReaderKey:
    """A reader's X25519 key pair."""

    def __init__(self, secret: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(secret)

    @cached_property
    def public(self) -> bytes:
        """The 32 bytes that are registered with the alliance."""
        return self._key.public_key().public_bytes_raw()

    @cached_property
    def fingerprint(self) -> str:
        """How the reader is named in addresses."""
        return fingerprint(self.public)

    def unwrap(self, grant: Grant) -> dict[Digest, bytes]:
        """All content keys of a grant. Raises ReaderKeyUnusable, ContentKeyWrong."""
        shared = _shared(self._key, grant.ephemeral)
        return {
            block: encryption.unseal(
                wrapped, _wrapping_key(shared, grant.ephemeral, self.public, block), what="content key in a grant"
            )
            for block, wrapped in grant.wrapped.items()
        }


def load_reader(path: Path) -> ReaderKey:
    """A reader's key from a file of one line, 64 hex digits. Raises OSError, KeyFileExposed or KeyFileMalformed."""
    return ReaderKey(keys.read_secret(path))


class GrantSource(Protocol):
    """Where grants are read."""

    def get(self, reader: str, epoch: int) -> bytes | None:
        """The grant of a reader's fingerprint for an epoch, None when there is none. Raises GrantsUnreachable."""
        ...


class FolderGrants:
    """Grants as files `grants/<fingerprint>/<epoch>.grant` in an archive's folder."""

    def __init__(self, archive: Path) -> None:
        self._folder = archive / _FOLDER

    def path(self, reader: str, epoch: int) -> Path:
        """Where a grant stands or would stand."""
        return self._folder / reader / f"{epoch}.grant"

    def get(self, reader: str, epoch: int) -> bytes | None:
        """The grant's bytes. Raises GrantsUnreachable."""
        try:
            return self.path(reader, epoch).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise GrantsUnreachable(where=str(self._folder), why=str(error)) from error

    def put(self, grant: Grant) -> None:
        """Store a grant durably in the place of an earlier one."""
        path = self.path(fingerprint(grant.reader), grant.epoch)
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            for folder in (self._folder, self._folder.parent):
                sync_folder(folder)
        write_aside(path, encode(grant))
        sync_folder(path.parent)

    def drop(self, reader: str, epoch: int) -> None:
        """Delete a grant durably; no error when there is none."""
        path = self.path(reader, epoch)
        if path.exists():
            path.unlink()
            sync_folder(path.parent)

    def epochs(self, reader: str) -> list[int]:
        """The epochs for which a reader has a grant, ascending."""
        return sorted(int(path.stem) for path in (self._folder / reader).glob("*.grant"))

    def readers(self) -> list[str]:
        """The fingerprints that have a folder, ascending."""
        return sorted(path.name for path in self._folder.glob("*") if path.is_dir())


class GatewayGrants:
    """Grants from a gateway: `GET <url>/grants/<fingerprint>/<epoch>`."""

    def __init__(self, url: str, *, client: httpx.Client | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = client or httpx.Client(timeout=30)

    def get(self, reader: str, epoch: int) -> bytes | None:
        """The grant's bytes; only a plain `not found` means that there is none. Raises GrantsUnreachable."""
        try:
            reply = self._client.get(f"{self._url}/{_FOLDER}/{reader}/{epoch}", headers={"Accept": MEDIA_TYPE})
        except httpx.HTTPError as error:
            raise GrantsUnreachable(where=self._url, why=type(error).__name__) from error
        if reply.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            return None
        if reply.status_code != httpx.codes.OK:
            raise GrantsUnreachable(where=self._url, why=f"HTTP {reply.status_code}")
        return reply.content


def open_grants(place: str) -> GrantSource:
    """The grants of an archive at a folder or an http(s) address."""
    return GatewayGrants(place) if place.startswith(("http://", "https://")) else FolderGrants(Path(place))


class Opener:
    """Finds the content keys that were granted to one reader; each epoch's grant is read once."""

    def __init__(self, reader: ReaderKey, grants: GrantSource) -> None:
        self._reader, self._grants = reader, grants
        self._epochs: dict[int, Mapping[Digest, bytes]] = {}

    @property
    def fingerprint(self) -> str:
        """Whose keys these are."""
        return self._reader.fingerprint

    def key_of(self, block: Digest, epoch: int) -> bytes | None:
        """A block's content key, None when the epoch's grant lacks it or there is none.

        Raises GrantsUnreachable, GrantForeign, ContentKeyWrong, and what `decode` raises.
        """
        if epoch not in self._epochs:
            if len(self._epochs) >= _REMEMBERED:
                self._epochs.pop(next(iter(self._epochs)))
            self._epochs[epoch] = self._read(epoch)
        return self._epochs[epoch].get(block)

    def key_in(self, block: Digest, epochs: Iterable[int]) -> bytes | None:
        """A block's content key out of the first of some epochs' grants that has it. Raises as `key_of`."""
        return next((key for epoch in epochs if (key := self.key_of(block, epoch)) is not None), None)

    def _read(self, epoch: int) -> Mapping[Digest, bytes]:
        raw = self._grants.get(self.fingerprint, epoch)
        if raw is None:
            return {}
        grant = decode(raw)
        want, got = f"{self.fingerprint}/{epoch}", f"{fingerprint(grant.reader)}/{grant.epoch}"
        if (grant.reader, grant.epoch) != (self._reader.public, epoch):
            raise GrantForeign(want=want, got=got)
        return self._reader.unwrap(grant)


def _wrapped(items: list[object]) -> dict[Digest, bytes]:
    """The keys of a grant, of which there may be thousands: well-formed ones take the short way."""
    found: dict[Digest, bytes] = {}
    last = b""
    for item in items:
        match item:
            case {"block": bytes(block), "wrapped": bytes(wrapped), **rest} if (
                not rest and len(block) == 32 and len(wrapped) == WRAPPED_BYTES
            ):
                pass
            case _:
                raise _refused(item)
        if block <= last:
            raise GrantDisordered(block=Digest(block))
        found[Digest(block)] = wrapped
        last = block
    return found


def _refused(item: object) -> PlainMalformed:
    """What is wrong with a key of a grant."""
    fields = Fields(item, where="grant.key")
    fields.bytes("block", size=32)
    fields.bytes("wrapped", size=WRAPPED_BYTES)
    fields.finish()
    return PlainMalformed(where="grant.key", field="key", want="block and wrapped", got=str(item)[:80])


def _wrapping_key(shared: bytes, ephemeral: bytes, reader: bytes, block: Digest) -> bytes:
    return encryption.hkdf(shared, _PURPOSE + ephemeral + reader + block)


def _shared(secret: X25519PrivateKey, public: bytes) -> bytes:
    try:
        return secret.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise ReaderKeyUnusable(public=public) from None
