"""The state folder (protocol 6.1): one process at a time; the keys and their head are born together and stay together.

`device.key` names the device. It signs too, until `signing.key` stands beside it: a key of another algorithm, or the
one that a rotation put in its place. `next.key` waits for its predecessor to lapse.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Conflicting, Missing
from alliance.identity import Address
from alliance.ports import Randomness
from edge.evidence.outbox import HeadLost, Outbox
from edge.evidence.store import Store, open_store
from edge.evidence.watermark import Watermark, sync_folder
from oracle import keyfile
from oracle.eip712 import Domain
from oracle.keyfile import Lock
from oracle.signature import SECP256K1, KeySigner

KEY = "device.key"
SIGNING = "signing.key"
NEXT = "next.key"
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
    """An opened state folder: the device's keys, its database and its outbox, held against other processes."""

    path: Path
    identity: KeySigner
    """The key whose address is the device's name; it signs the consent to enrolment."""
    device: Address
    signer: KeySigner
    """The key that signs readings."""
    key_lock: Lock
    store: Store
    outbox: Outbox
    lock: int

    def hand_over(self) -> KeySigner | None:
        """Take the key that waits into use, if there is one. Raises what key files and the store raise."""
        if not (self.path / NEXT).exists():
            return None
        signer = keyfile.load(self.path / NEXT, self.key_lock)
        self.outbox.hand_over(signer)
        _settle_next(self.path)
        return signer

    def close(self) -> None:
        """Let the folder go."""
        self.store.close()
        os.close(self.lock)


def open_folder(
    path: Path, *, domain: Domain, randomness: Randomness, key_lock: Lock, quota_bytes: int, reserve_bytes: int,
    alg: int = SECP256K1,
) -> StateFolder:  # fmt: skip
    """Open a state folder; an empty one gets its keys, the signing one of algorithm `alg`.

    Raises FolderInUse, HeadLost when the key stands without its database, KeyLost, and what key files, store and outbox
    raise.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _locked(path)
    try:
        _check_together(path, key_lock)
        store = open_store(
            path / DATABASE, alliance=domain.alliance, quota_bytes=quota_bytes, reserve_bytes=reserve_bytes
        )
        try:
            identity, signer = _keys(path, store, key_lock, randomness, alg)
            before = store.meta("before")
            outbox = Outbox(
                store, Watermark(path / MARK), signer=signer.address, before=Address(before) if before else None
            )
            device = _device(store, identity)
        except BaseException:
            store.close()
            raise
    except BaseException:
        os.close(lock)
        raise
    return StateFolder(
        path=path, identity=identity, device=device, signer=signer, key_lock=key_lock, store=store, outbox=outbox,
        lock=lock,
    )  # fmt: skip


def next_key(path: Path, *, alg: int, key_lock: Lock, randomness: Randomness) -> tuple[KeySigner, KeySigner]:
    """The key that signs now, and the one that waits to follow it, born here when there is none yet.

    Beside a running box too: nothing of the database is touched. Raises KeyLost and what key files raise.
    """
    now = path / (SIGNING if (path / SIGNING).exists() else KEY)
    if not now.exists():
        raise KeyLost(path=str(now))
    if (path / NEXT).exists():
        waiting = keyfile.load(path / NEXT, key_lock)
    else:
        waiting = keyfile.create(path / NEXT, alg=alg, lock=key_lock, randomness=randomness)
    return keyfile.load(now, key_lock), waiting


def begin_again(path: Path, *, alg: int, key_lock: Lock, randomness: Randomness) -> KeySigner:
    """A new signing key for a device that lost its head: what signed before never signs a reading again.

    The device keeps its name; the caller stores where the streams continue. Raises what key files raise.
    """
    (path / SIGNING).unlink(missing_ok=True)
    for name in (DATABASE, DATABASE + "-wal", DATABASE + "-shm", MARK):
        (path / name).unlink(missing_ok=True)
    if (path / NEXT).exists():
        signer = keyfile.load(path / NEXT, key_lock)
        _settle_next(path)
        return signer
    return keyfile.create(path / SIGNING, alg=alg, lock=key_lock, randomness=randomness)


def _settle_next(path: Path) -> None:
    (path / NEXT).replace(path / SIGNING)
    sync_folder(path)


def _locked(path: Path) -> int:
    handle = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise FolderInUse(path=str(path)) from None
    return handle


def _check_together(path: Path, key_lock: Lock) -> None:
    """A key without its database has lost its head: the database is made before the key, always."""
    if (path / KEY).exists() and not (path / DATABASE).exists():
        mark = Watermark(path / MARK).read()
        held = path / (SIGNING if (path / SIGNING).exists() else KEY)
        signer = keyfile.load(held, key_lock).address
        raise HeadLost(signer=signer, marked_segments=mark.signed if mark else 0, found_segments=0)


def _keys(
    path: Path, store: Store, key_lock: Lock, randomness: Randomness, alg: int
) -> tuple[KeySigner, KeySigner]:  # fmt: skip
    """The device's identity and the key that signs, born when the folder is new."""
    known = store.meta("signer")
    if known is None:
        identity = _born(path / KEY, SECP256K1, key_lock, randomness)
        signer = identity if alg == SECP256K1 else _born(path / SIGNING, alg, key_lock, randomness)
        sync_folder(path)
        return identity, signer
    if not (path / KEY).exists():
        raise KeyLost(path=str(path / KEY))
    identity = keyfile.load(path / KEY, key_lock)
    signer = keyfile.load(path / SIGNING, key_lock) if (path / SIGNING).exists() else identity
    if signer.address != known and (path / NEXT).exists():
        waiting = keyfile.load(path / NEXT, key_lock)
        if waiting.address == known:  # the hand-over was stored and its file not yet moved
            _settle_next(path)
            signer = waiting
    return identity, signer


def _born(path: Path, alg: int, key_lock: Lock, randomness: Randomness) -> KeySigner:
    if path.exists():
        return keyfile.load(path, key_lock)
    return keyfile.create(path, alg=alg, lock=key_lock, randomness=randomness)


def _device(store: Store, identity: KeySigner) -> Address:
    """The device's name: the address of its first key, kept when it signs with another."""
    known = store.meta("device")
    if known is None:
        with store.change() as db:
            db.execute("INSERT INTO meta VALUES ('device', ?)", (identity.address,))
        return identity.address
    return Address(known)
