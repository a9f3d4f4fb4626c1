"""The watermark (protocol 3.4): how many segments a key has signed, kept beside the database to notice a lost head.

A database that was copied without its log, or put back from a backup, opens cleanly and knows too little; signing from
it would sign the same place twice. The mark is synced before a segment is first sent. Two slots are written in turn, in
place, so that neither a torn write nor a full disk can take the mark away.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from alliance.identity import Address
from oracle.hashing import sha256

_MAGIC = b"SAW1"
_SLOT = 512
_BODY = len(_MAGIC) + 20 + 8
_CHECK = 16


@dataclass(frozen=True, slots=True)
class Mark:
    """A key and the number of segments that it has signed."""

    signer: Address
    signed: int


class Watermark:
    """The file of the mark."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._slot = 0

    def read(self) -> Mark | None:
        """The highest mark that stands whole in the file; None without one."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return None
        marks = [(mark.signed, slot, mark) for slot in (0, 1) if (mark := _mark(raw[slot * _SLOT :][: _BODY + _CHECK]))]
        if not marks:
            return None
        _, self._slot, best = max(marks, key=lambda entry: entry[:2])
        return best

    def write(self, mark: Mark) -> None:
        """Write a mark into the slot that does not hold the last one, and sync it. Raises OSError."""
        body = _MAGIC + mark.signer + mark.signed.to_bytes(8, "big")
        handle = self._opened()
        try:
            os.pwrite(handle, body + sha256(body)[:_CHECK], (1 - self._slot) * _SLOT)
            os.fdatasync(handle)
        finally:
            os.close(handle)
        self._slot = 1 - self._slot

    def _opened(self) -> int:
        if self._path.exists():
            return os.open(self._path, os.O_RDWR)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(handle, bytes(2 * _SLOT), 0)
        os.fsync(handle)
        sync_folder(self._path.parent)
        return handle


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mark(raw: bytes) -> Mark | None:
    body, check = raw[:_BODY], raw[_BODY:]
    if len(raw) != _BODY + _CHECK or body[:4] != _MAGIC or sha256(body)[:_CHECK] != check:
        return None
    return Mark(signer=Address(body[4:24]), signed=int.from_bytes(body[24:], "big"))
