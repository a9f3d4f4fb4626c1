"""Key files (protocol 6.1): a device's or writer's secret, born where it is used, readable by its owner alone."""

import os
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Malformed, Refused
from alliance.ports import Randomness
from oracle.archive import sync_folder
from oracle.signature import SecpSigner


@dataclass(kw_only=True, eq=False)
class KeyFileMalformed(Malformed):
    """A key file does not hold 64 hex digits."""

    path: str


@dataclass(kw_only=True, eq=False)
class KeyFileExposed(Refused):
    """A key file may be read by others than its owner."""

    path: str
    mode: str


def load(path: Path) -> SecpSigner:
    """The key in a file. Raises FileNotFoundError, KeyFileExposed or KeyFileMalformed."""
    try:
        return SecpSigner(read_secret(path))
    except ValueError:
        raise KeyFileMalformed(path=str(path)) from None


def load_or_create(path: Path, *, randomness: Randomness) -> SecpSigner:
    """The key in a file; a new one, synced to disk before it is used, when there is none yet."""
    return SecpSigner(secret_of(path, randomness=randomness))


def read_secret(path: Path) -> bytes:
    """The 32 bytes in a file, as 64 hex digits. Raises FileNotFoundError, KeyFileExposed or KeyFileMalformed."""
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyFileExposed(path=str(path), mode=oct(mode))
    try:
        secret = bytes.fromhex(path.read_text().strip())
    except ValueError:
        raise KeyFileMalformed(path=str(path)) from None
    if len(secret) != 32:
        raise KeyFileMalformed(path=str(path))
    return secret


def secret_of(path: Path, *, randomness: Randomness) -> bytes:
    """The 32 bytes in a file; new ones, synced to disk before they are used, when there are none yet."""
    if path.exists():
        return read_secret(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = randomness.token(32)
    aside = path.with_suffix(".part")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)
    return secret
