"""Content keys of encrypted blocks (protocol 4.8.1): derived from a subject's key and the content itself.

Sealing the same content again therefore makes the same bytes, hence the same address.

A key seals one plaintext only (its hash enters the key), which is why AES-256-GCM may have the nonce zero.
"""

import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alliance.errors import Malformed, Missing, Refused
from alliance.identity import Address
from oracle.hashing import sha256

KEY_BYTES = 32
TAG_BYTES = 16
_NONCE = bytes(12)
_NO_SALT = bytes(32)
_EVIDENCE = b"storage-alliance/evidence/1"
_DOCUMENT = b"storage-alliance/document/1"


@dataclass(kw_only=True, eq=False)
class KeyLengthWrong(Malformed):
    """A symmetric key has 32 bytes."""

    want: int
    got: int


@dataclass(kw_only=True, eq=False)
class KeyMissing(Missing):
    """A block is encrypted, and no key was given that opens it."""

    what: str


@dataclass(kw_only=True, eq=False)
class ContentKeyWrong(Refused):
    """A ciphertext does not authenticate under a key: the key is another block's, or the bytes were altered."""

    what: str
    key: str
    """First 8 hex digits of the key's SHA-256, to tell keys apart without showing one."""


def hkdf(secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869) with an empty salt: 32 bytes for one purpose."""
    return hmac.digest(hmac.digest(_NO_SALT, secret, "sha256"), info + b"\x01", "sha256")


def content_key(subject_key: bytes, info: bytes) -> bytes:
    """The key of one block. Raises KeyLengthWrong."""
    _check_key(subject_key)
    return hkdf(subject_key, info)


def evidence_info(plaintext: bytes, *, device: Address, channel: int, epoch: int) -> bytes:
    """What an evidence block's content key is derived for."""
    return _EVIDENCE + device + channel.to_bytes(2, "big") + epoch.to_bytes(8, "big") + sha256(plaintext)


def document_info(plaintext: bytes) -> bytes:
    """What a document block's content key is derived for."""
    return _DOCUMENT + sha256(plaintext)


def seal(plaintext: bytes, key: bytes) -> bytes:
    """AES-256-GCM under a key that seals nothing else: ciphertext ‖ 16-byte tag. Raises KeyLengthWrong."""
    _check_key(key)
    return AESGCM(key).encrypt(_NONCE, plaintext, None)


def unseal(sealed: bytes, key: bytes, *, what: str) -> bytes:
    """The plaintext. Raises KeyLengthWrong or ContentKeyWrong."""
    _check_key(key)
    try:
        return AESGCM(key).decrypt(_NONCE, sealed, None)
    except InvalidTag:
        raise ContentKeyWrong(what=what, key=sha256(key).hex()[:8]) from None


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise KeyLengthWrong(want=KEY_BYTES, got=len(key))
