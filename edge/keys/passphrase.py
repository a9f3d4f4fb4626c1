"""Where the passphrase of the box's key file comes from (protocol 6.1): never from the settings themselves.

The file that the settings name; else the credential `alliance-edge-passphrase` that systemd hands over; else the
environment variable ALLIANCE_EDGE_PASSPHRASE.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Malformed
from edge.settings import Settings
from oracle.keyfile import Lock
from oracle.keys import KeyFileExposed

CREDENTIAL = "alliance-edge-passphrase"
VARIABLE = "ALLIANCE_EDGE_PASSPHRASE"


@dataclass(kw_only=True, eq=False)
class PassphraseEmpty(Malformed):
    """A passphrase was given and is empty."""

    source: str


def lock_of(settings: Settings) -> Lock:
    """What opens the box's key file. Raises PassphraseEmpty, KeyFileExposed or OSError."""
    return Lock(passphrase=_passphrase(settings), plain_allowed=settings.plain_key_allowed)


def _passphrase(settings: Settings) -> bytes | None:
    if settings.passphrase_file is not None:
        mode = settings.passphrase_file.stat().st_mode & 0o777
        if mode & 0o077:
            raise KeyFileExposed(path=str(settings.passphrase_file), mode=oct(mode))
        return _filled(settings.passphrase_file.read_bytes(), str(settings.passphrase_file))
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (given := Path(folder) / CREDENTIAL).exists():
        return _filled(given.read_bytes(), str(given))
    text = os.environ.get(VARIABLE)
    return None if text is None else _filled(text.encode(), VARIABLE)


def _filled(raw: bytes, source: str) -> bytes:
    passphrase = raw.rstrip(b"\r\n")
    if not passphrase:
        raise PassphraseEmpty(source=source)
    return passphrase
