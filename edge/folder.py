"""The state folder (protocol 6.1): one process at a time; the key and its head are born together and stay together."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Conflicting, Missing
from alliance.ports import Randomness, Signer
from edge.outbox import HeadLost, Outbox
from edge.store import Store, open_store
from edge.watermark import Watermark, sync_folder
from oracle import keys
from oracle.eip712 import Domain
from oracle.signature import SecpSigner

KEY = "device.key"
DATABASE = "outbox.sqlite"
MARK = "outbox.mark"
LOCK = "lock"


@dataclass(kw_only=True, eq=False)
class FolderInUse(Conflicting):
    """Another process works with this state folder."""

    path: str


@dataclass(kw_only=True, eq=False)
class KeyLost(Missing):
    """The state folder knows a key whose file is gone."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFolder:
    """An opened state folder: the device's key, its database and its outbox, held against other processes."""

    signer: Signer
    store: Store
    outbox: Outbox
    lock: int

    def close(self) -> None:
        """Let the folder go."""
        self.store.close()
        os.close(self.lock)


def open_folder(
    path: Path, *, domain: Domain, randomness: Randomness, quota_bytes: int, reserve_bytes: int
) -> StateFolder:  # fmt: skip
    """Open a state folder; an empty one gets a key.

    Raises FolderInUse, HeadLost when the key stands without its database, KeyLost, and what store and outbox raise.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _locked(path)
    try:
        _check_together(path)
        store = open_store(
            path / DATABASE, alliance=domain.alliance, quota_bytes=quota_bytes, reserve_bytes=reserve_bytes
        )
        try:
            signer = _key(path, store, randomness)
            outbox = Outbox(store, Watermark(path / MARK), signer=signer.address)
        except BaseException:
            store.close()
            raise
    except BaseException:
        os.close(lock)
        raise
    return StateFolder(signer=signer, store=store, outbox=outbox, lock=lock)


def _locked(path: Path) -> int:
    handle = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise FolderInUse(path=str(path)) from None
    return handle


def _check_together(path: Path) -> None:
    """A key without its database has lost its head: the database is made before the key, always."""
    if (path / KEY).exists() and not (path / DATABASE).exists():
        mark = Watermark(path / MARK).read()
        signer = keys.load(path / KEY).address
        raise HeadLost(signer=signer, marked_segments=mark.signed if mark else 0, found_segments=0)


def _key(path: Path, store: Store, randomness: Randomness) -> SecpSigner:
    if store.meta("signer") is not None and not (path / KEY).exists():
        raise KeyLost(path=str(path / KEY))
    signer = keys.load_or_create(path / KEY, randomness=randomness)
    sync_folder(path)
    return signer
