"""Signed notes and checkpoints of the log (protocol 4.11; C2SP signed-note, tlog-checkpoint, tlog-cosignature).

A note is a text and signature lines `— <name> <base64(key id ‖ signature)>` below an empty line. The log signs its
checkpoint's text itself; a witness signs `cosignature/v1`, a time and that text, so that a cosignature says when.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from alliance.errors import Malformed, Refused
from alliance.identity import Address, Digest, to_hex
from oracle.hashing import sha256

_SIGNATURES_LIMIT = 64
_TEXT_LIMIT = 1 << 16
_DASH = "— "


class NoteAlgorithm(IntEnum):
    """What a note key signs: the text itself, or a witness's dated statement of it."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


@dataclass(kw_only=True, eq=False)
class NoteMalformed(Malformed):
    """Bytes are not a signed note, a checkpoint, or a verifier key."""

    what: str
    why: str


@dataclass(kw_only=True, eq=False)
class NoteUnsigned(Refused):
    """A note carries no signature by the key that was asked for."""

    name: str


@dataclass(kw_only=True, eq=False)
class NoteForged(Refused):
    """A signature line that names a known key does not verify."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log: who it is, how many entries, and their RFC 9162 root."""

    origin: str
    size: int
    root: Digest

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{_encoded(self.root)}\n"


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature of a note: whose it claims to be, the key's id, and the bytes behind it."""

    name: str
    key_id: bytes
    body: bytes

    @property
    def line(self) -> str:
        """As it stands in the note."""
        return f"{_DASH}{self.name} {_encoded(self.key_id + self.body)}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text and the signatures under it."""

    text: str
    signatures: tuple[SignatureLine, ...]

    @property
    def raw(self) -> bytes:
        """The note's bytes."""
        return (self.text + "\n" + "".join(s.line for s in self.signatures)).encode()

    def with_signatures(self, more: Iterable[SignatureLine]) -> "SignedNote":
        """The same text with further signatures below; one that stands already is not repeated."""
        known = list(self.signatures)
        known += [line for line in more if line not in known]
        return SignedNote(self.text, tuple(known))


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A public note key: `<name>+<key id>+<base64(algorithm ‖ key)>`."""

    name: str
    algorithm: NoteAlgorithm
    public_key: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read a verifier key. Raises NoteMalformed."""
        name, _, rest = vkey.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _decoded(encoded, what="verifier key")
        _require_name(name)
        if len(raw) != 33 or raw[0] not in NoteAlgorithm._value2member_map_:
            raise NoteMalformed(what="verifier key", why="not a note key of 32 bytes of a known algorithm")
        made = cls(name, NoteAlgorithm(raw[0]), raw[1:])
        if made.key_id.hex() != key_id.lower():
            raise NoteMalformed(what="verifier key", why=f"key id is {made.key_id.hex()}, the text says {key_id}")
        return made

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encoded(bytes([self.algorithm]) + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """The 4 bytes by which signature lines name the key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key)[:4]

    def verify(self, note: SignedNote) -> int | None:
        """Check this key's signature of a note; a cosignature's time in unix seconds, None for a plain one.

        Raises NoteUnsigned or NoteForged.
        """
        for line in note.signatures:
            if (line.name, line.key_id) == (self.name, self.key_id):
                return self._checked(note.text, line.body)
        raise NoteUnsigned(name=self.name)

    def _checked(self, text: str, body: bytes) -> int | None:
        time_s, signature = None, body
        if self.algorithm is NoteAlgorithm.COSIGNATURE_V1:
            time_s, signature = int.from_bytes(body[:8], "big"), body[8:]
            text = _cosigned_text(text, time_s)
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            raise NoteForged(name=self.name) from None
        return time_s


class NoteSigner:
    """A note key's private half; Ed25519 signatures are deterministic, so the same note is always the same bytes."""

    def __init__(self, name: str, secret: bytes, *, algorithm: NoteAlgorithm = NoteAlgorithm.ED25519) -> None:
        _require_name(name)
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.verifier = NoteVerifier(name, algorithm, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> SignatureLine:
        """The log's own signature of a text."""
        return SignatureLine(self.verifier.name, self.verifier.key_id, self._key.sign(text.encode()))

    def cosign(self, text: str, *, time_s: int) -> SignatureLine:
        """A witness's statement that it saw this text, consistent with all it saw before, at a unix time."""
        signature = self._key.sign(_cosigned_text(text, time_s).encode())
        return SignatureLine(self.verifier.name, self.verifier.key_id, time_s.to_bytes(8, "big") + signature)


def origin_of(chain_id: int, anchor_log: Address) -> str:
    """A log's name: `storage-alliance/<chain id>/<AnchorLog's address>`."""
    return f"storage-alliance/{chain_id}/{to_hex(anchor_log)}"


def parse_note(raw: bytes) -> SignedNote:
    """Read a signed note. Raises NoteMalformed."""
    if len(raw) > _TEXT_LIMIT:
        raise NoteMalformed(what="note", why=f"{len(raw)} bytes, the limit is {_TEXT_LIMIT}")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteMalformed(what="note", why="not UTF-8") from error
    if any(ord(letter) < 0x20 and letter != "\n" for letter in whole):
        raise NoteMalformed(what="note", why="a control character other than newline")
    head, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteMalformed(what="note", why="no signatures below an empty line")
    return SignedNote(head + "\n", parse_signatures(tail))


def parse_signatures(text: str) -> tuple[SignatureLine, ...]:
    """Read signature lines, as a witness answers them. Raises NoteMalformed."""
    lines = text.split("\n")[:-1]
    if not text.endswith("\n") or not 0 < len(lines) <= _SIGNATURES_LIMIT:
        raise NoteMalformed(what="note", why=f"{len(lines)} signature lines, 1…{_SIGNATURES_LIMIT} wanted")
    return tuple(_signature_line(line) for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text. Raises NoteMalformed."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NoteMalformed(what="checkpoint", why="not an origin, a size and a root, a line each")
    origin, size, root = lines[0], lines[1], _decoded(lines[2], what="checkpoint")
    if not size.isascii() or not size.isdigit() or (size != "0" and size.startswith("0")) or len(size) > 19:
        raise NoteMalformed(what="checkpoint", why=f"size is {size[:40]!r}")
    if len(root) != 32:
        raise NoteMalformed(what="checkpoint", why=f"root has {len(root)} bytes, want 32")
    return Checkpoint(origin=origin, size=int(size), root=Digest(root))


def signed_checkpoint(checkpoint: Checkpoint, signer: NoteSigner) -> SignedNote:
    """A checkpoint as its log signs it."""
    return SignedNote(checkpoint.text, (signer.sign(checkpoint.text),))


def proof_text(*, index: int, path: Sequence[Digest], note: SignedNote) -> str:
    """An entry's inclusion that can be verified offline (C2SP tlog-proof): index, path, and the checkpoint."""
    return "\n".join(["c2sp.org/tlog-proof@v1", f"index {index}", *map(_encoded, path), "", note.raw.decode()])


def _signature_line(line: str) -> SignatureLine:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise NoteMalformed(what="note", why=f"signature line begins {line[:20]!r}")
    _require_name(name)
    raw = _decoded(encoded, what="note")
    if len(raw) < 5:
        raise NoteMalformed(what="note", why="signature shorter than its key id")
    return SignatureLine(name, raw[:4], raw[4:])


def _require_name(name: str) -> None:
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise NoteMalformed(what="key name", why=f"{name[:40]!r} is empty or holds a space or a plus")


def _cosigned_text(text: str, time_s: int) -> str:
    return f"cosignature/v1\ntime {time_s}\n{text}"


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decoded(text: str, *, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteMalformed(what=what, why="not base64") from error
    if _encoded(raw) != text:
        raise NoteMalformed(what=what, why="base64 is not in its one form")
    return raw
