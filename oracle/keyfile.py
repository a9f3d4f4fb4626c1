"""Key files at rest (protocol 6.1): AES-256-GCM under a passphrase through scrypt, mode 0600, written whole or not.

JSON `{"v", "alg", "address", "kdf": {"name", "n", "r", "p", "salt"}, "cipher": {"name", "nonce"}, "sealed"}`, bytes in
hex; everything but `sealed` is authenticated with it. A plain file (64 hex digits, for algorithm 2 and 3 behind
`<alg>:`) is read and written only where the caller allows it by name.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from alliance.errors import AllianceError, Malformed, Missing, Refused
from alliance.identity import address, to_hex
from alliance.ports import Randomness
from oracle.archive import sync_folder
from oracle.keys import KeyFileExposed, KeyFileMalformed
from oracle.plain import Fields
from oracle.signature import SECP256K1, KeySigner, signer_of

VERSION = 1
_COST, _BLOCK, _LANES = 1 << 14, 8, 5
"""scrypt's n, r, p: five passes of 16 MB instead of one of 80, so that a box of 100 MB can open its own key."""
_MOST_COST = 1 << 20
_MODE = 0o600


@dataclass(kw_only=True, eq=False)
class PassphraseMissing(Missing):
    """A key file is encrypted, or is to be, and no passphrase was given."""

    path: str


@dataclass(kw_only=True, eq=False)
class PassphraseWrong(Refused):
    """The passphrase does not open the key file, or the file was altered."""

    path: str


@dataclass(kw_only=True, eq=False)
class KeyFilePlain(Refused):
    """A key file is not encrypted, and plain ones are not allowed here."""

    path: str


@dataclass(kw_only=True, eq=False)
class KeyFileExists(Refused):
    """There is a key file already; a key is never overwritten."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What opens and closes key files: a passphrase, or the word that they may stand plain."""

    passphrase: bytes | None = field(default=None, repr=False)
    plain_allowed: bool = False


def load(path: Path, lock: Lock) -> KeySigner:
    """The key in a file.

    Raises FileNotFoundError, KeyFileExposed, KeyFileMalformed, KeyFilePlain, PassphraseMissing or PassphraseWrong.
    """
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyFileExposed(path=str(path), mode=oct(mode))
    text = path.read_bytes()
    if not text.lstrip().startswith(b"{"):
        return _plain(path, text, lock)
    if lock.passphrase is None:
        raise PassphraseMissing(path=str(path))
    return _opened(path, text, lock.passphrase)


def create(path: Path, *, alg: int, lock: Lock, randomness: Randomness) -> KeySigner:
    """Make a key and its file, synced to disk before the key is used. Raises KeyFileExists or PassphraseMissing."""
    if path.exists():
        raise KeyFileExists(path=str(path))
    secret = randomness.token(32)
    signer = signer_of(alg, secret)
    save(path, signer, secret, lock=lock, randomness=randomness)
    return signer


def encrypt(path: Path, passphrase: bytes, *, randomness: Randomness) -> KeySigner:
    """Put an encrypted file in the place of a plain one. Raises what `load` raises."""
    signer = load(path, Lock(plain_allowed=True, passphrase=passphrase))
    text = path.read_bytes()
    if not text.lstrip().startswith(b"{"):
        alg, secret = _plain_secret(path, text)
        save(path, signer_of(alg, secret), secret, lock=Lock(passphrase=passphrase), randomness=randomness)
    return signer


def save(path: Path, signer: KeySigner, secret: bytes, *, lock: Lock, randomness: Randomness) -> None:
    """Write a key's file aside, sync it, and put it in its place. Raises PassphraseMissing or OSError."""
    if lock.passphrase is not None:
        text = _sealed(signer, secret, lock.passphrase, randomness)
    elif lock.plain_allowed:
        text = (secret.hex() if signer.alg == SECP256K1 else f"{signer.alg}:{secret.hex()}") + "\n"
    else:
        raise PassphraseMissing(path=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    aside.unlink(missing_ok=True)
    with open(aside, "x", opener=_private) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _MODE)


def _plain(path: Path, text: bytes, lock: Lock) -> KeySigner:
    if not lock.plain_allowed:
        raise KeyFilePlain(path=str(path))
    alg, secret = _plain_secret(path, text)
    try:
        return signer_of(alg, secret)
    except AllianceError:
        raise KeyFileMalformed(path=str(path)) from None


def _plain_secret(path: Path, text: bytes) -> tuple[int, bytes]:
    try:
        head, _, tail = text.decode("ascii").strip().rpartition(":")
        return (int(head) if head else SECP256K1), bytes.fromhex(tail)
    except ValueError:
        raise KeyFileMalformed(path=str(path)) from None


def _sealed(signer: KeySigner, secret: bytes, passphrase: bytes, randomness: Randomness) -> str:
    salt, nonce = randomness.token(16), randomness.token(12)
    head: dict[str, object] = {
        "v": VERSION, "alg": signer.alg, "address": to_hex(signer.address),
        "kdf": {"name": "scrypt", "n": _COST, "r": _BLOCK, "p": _LANES, "salt": salt.hex()},
        "cipher": {"name": "AES-256-GCM", "nonce": nonce.hex()},
    }  # fmt: skip
    key = Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=_LANES).derive(passphrase)
    sealed = AESGCM(key).encrypt(nonce, secret, _bound(head))
    return json.dumps({**head, "sealed": sealed.hex()}, indent=1) + "\n"


def _opened(path: Path, text: bytes, passphrase: bytes) -> KeySigner:
    try:
        plain = json.loads(text)
        fields = Fields(plain, where="key")
        fields.int("v", low=VERSION, high=VERSION)
        alg, named = fields.int("alg", high=255), address(fields.str("address"))
        kdf, cipher = fields.map("kdf"), fields.map("cipher")
        kdf.choice("name", ("scrypt",))
        cipher.choice("name", ("AES-256-GCM",))
        scrypt = Scrypt(
            salt=bytes.fromhex(kdf.str("salt")), length=32, n=kdf.int("n", low=2, high=_MOST_COST),
            r=kdf.int("r", low=1, high=32), p=kdf.int("p", low=1, high=16),
        )  # fmt: skip
        nonce, sealed = bytes.fromhex(cipher.str("nonce")), bytes.fromhex(fields.str("sealed"))
        for read in (kdf, cipher, fields):
            read.finish()
    except (ValueError, Malformed):
        raise KeyFileMalformed(path=str(path)) from None
    head = {name: value for name, value in plain.items() if name != "sealed"}
    try:
        signer = signer_of(alg, AESGCM(scrypt.derive(passphrase)).decrypt(nonce, sealed, _bound(head)))
    except (InvalidTag, ValueError):
        raise PassphraseWrong(path=str(path)) from None
    if signer.address != named:
        raise KeyFileMalformed(path=str(path))
    return signer


def _bound(head: dict[str, object]) -> bytes:
    """What is authenticated beside the secret: the rest of the file, in one form."""
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
