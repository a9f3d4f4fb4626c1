"""The box's database (protocol 3.4): one SQLite file, write-ahead log, every commit synced before it counts.

What SQLite answers to each PRAGMA is checked: a file system that refuses the write-ahead log is refused by name.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Conflicting, Malformed, Missing, Refused
from alliance.identity import Digest
from edge.evidence.watermark import sync_folder

VERSION = 3
_FULL = 2
_CHECKPOINT_PAGES = 128
"""A log of half a megabyte is soon overwritten in place, which syncs faster than one that grows."""

_DIRECTIVES = """
CREATE TABLE directive (
    number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, until_ms INTEGER NOT NULL, accepted INTEGER NOT NULL,
    message BLOB NOT NULL
);
CREATE TABLE answer (
    row INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL, outcome INTEGER NOT NULL, t_ms INTEGER NOT NULL,
    reason TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0, UNIQUE (digest, outcome)
)
"""
_SCHEMA = (
    """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE stream (
    channel INTEGER PRIMARY KEY, next_seq INTEGER NOT NULL, head BLOB NOT NULL, signed INTEGER NOT NULL,
    epoch INTEGER, secret BLOB, beacon_block INTEGER, beacon_hash BLOB, readings BLOB, last BLOB
);
CREATE TABLE segment (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, channel INTEGER NOT NULL,
    first_seq INTEGER NOT NULL, readings INTEGER NOT NULL, t_last_ms INTEGER NOT NULL, payload BLOB NOT NULL,
    refusals INTEGER NOT NULL DEFAULT 0, code TEXT, detail TEXT, signer BLOB
);
CREATE INDEX segment_of_channel ON segment (channel, number);
CREATE TABLE ack (
    number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, channel INTEGER NOT NULL, first_seq INTEGER NOT NULL,
    readings INTEGER NOT NULL, epoch INTEGER NOT NULL, signature BLOB NOT NULL, received_ms INTEGER NOT NULL
);
CREATE TABLE schedule (
    day INTEGER PRIMARY KEY, revision INTEGER NOT NULL, digest BLOB NOT NULL, battery_wh TEXT NOT NULL,
    fetched_ms INTEGER NOT NULL
);
CREATE TABLE counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE alarm (name TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID;
"""
    + _DIRECTIVES
)


@dataclass(kw_only=True, eq=False)
class StoreUnsafe(Refused):
    """SQLite did not take a setting on which durability rests."""

    path: str
    pragma: str
    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class StoreCorrupt(Malformed):
    """The database file is damaged."""

    path: str
    problem: str


@dataclass(kw_only=True, eq=False)
class StoreVersionUnknown(Refused):
    """The database was written by another version of the program."""

    path: str
    version: int


@dataclass(kw_only=True, eq=False)
class StoreOfAnotherAlliance(Conflicting):
    """The database belongs to another chain or another `AllianceRegistry`."""

    path: str
    want: Digest
    got: Digest


@dataclass(kw_only=True, eq=False)
class StoreMissing(Missing):
    """There is no database at a path: the box was never enrolled or run with this state folder."""

    path: str


@dataclass(kw_only=True, eq=False)
class StorageFailed(Refused):
    """A change was not stored and was undone whole: the disk is full or broken."""

    path: str
    reason: str


class Store:
    """An open database. Its tables belong to `outbox` beside it, `edge.control` and `edge.health.alarms`."""

    def __init__(self, path: Path, db: sqlite3.Connection, *, quota_bytes: int, reserve_bytes: int) -> None:
        self._path, self._quota, self._reserve = path, quota_bytes, reserve_bytes
        self._db = db

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction: on leaving, its changes are on the disk, or none is. Raises StorageFailed."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            raise StorageFailed(path=str(self._path), reason=f"{_name(error)}: {error}") from error
        except BaseException:
            self._undo()
            raise

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What a query finds. Raises StorageFailed."""
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StorageFailed(path=str(self._path), reason=f"{_name(error)}: {error}") from error

    def meta(self, name: str) -> bytes | None:
        """A fact about the whole database."""
        found = self.rows("SELECT value FROM meta WHERE name = ?", name)
        return bytes(found[0][0]) if found and isinstance(found[0][0], bytes) else None

    def keep(self, name: str, value: bytes) -> None:
        """Write a fact about the whole database, durably, in place of what it was. Raises StorageFailed."""
        with self.change() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def has_room(self) -> bool:
        """Whether new telemetry may be stored: what is left beyond is reserved for signatures and acknowledgements."""
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail * disk.f_frsize < self._reserve:
            return False
        pages, free, size = (self._number(name) for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size <= self._quota - self._reserve

    def relieve(self) -> None:
        """Bring the write-ahead log into the database, so that its room can be used again."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def _number(self, pragma: str) -> int:
        return int(str(self.rows(f"PRAGMA {pragma}")[0][0]))

    def _undo(self) -> None:
        if self._db.in_transaction:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")


def open_store(path: Path, *, alliance: Digest, quota_bytes: int, reserve_bytes: int) -> Store:
    """Open the database, making it first if there is none.

    Raises StoreUnsafe, StoreCorrupt, StoreVersionUnknown, StoreOfAnotherAlliance or StorageFailed.
    """
    fresh = not path.exists()
    db = sqlite3.connect(path, isolation_level=None, timeout=5)
    try:
        _set(db, path, "journal_mode", "WAL", want="wal")
        _set(db, path, "synchronous", "FULL", want=str(_FULL))
        _set(db, path, "wal_autocheckpoint", str(_CHECKPOINT_PAGES), want=str(_CHECKPOINT_PAGES))
        _check_sound(db, path)
        store = Store(path, db, quota_bytes=quota_bytes, reserve_bytes=reserve_bytes)
        _check_version(store, path, alliance)
        if fresh:
            sync_folder(path.parent)
    except sqlite3.OperationalError as error:
        db.close()
        raise StorageFailed(path=str(path), reason=f"{_name(error)}: {error}") from error
    except sqlite3.DatabaseError as error:
        db.close()
        raise StoreCorrupt(path=str(path), problem=str(error)) from error
    except BaseException:
        db.close()
        raise
    return store


def open_to_look(path: Path) -> Store:
    """Open an existing database read-only, also while the box runs. Raises StoreMissing or StoreCorrupt."""
    if not path.exists():
        raise StoreMissing(path=str(path))
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        db.close()
        raise StoreCorrupt(path=str(path), problem=str(error)) from error
    if version != VERSION:
        db.close()
        raise StoreVersionUnknown(path=str(path), version=version)
    return Store(path, db, quota_bytes=0, reserve_bytes=0)


def _set(db: sqlite3.Connection, path: Path, pragma: str, value: str, *, want: str) -> None:
    db.execute(f"PRAGMA {pragma} = {value}")
    got = str(db.execute(f"PRAGMA {pragma}").fetchone()[0])
    if got != want:
        raise StoreUnsafe(path=str(path), pragma=pragma, want=want, got=got)


def _check_sound(db: sqlite3.Connection, path: Path) -> None:
    problem = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    if problem != "ok":
        raise StoreCorrupt(path=str(path), problem=problem.splitlines()[0])


def _check_version(store: Store, path: Path, alliance: Digest) -> None:
    version = int(str(store.rows("PRAGMA user_version")[0][0]))
    if version == 0:
        with store.change() as db:
            _execute(db, _SCHEMA)
            db.execute("INSERT INTO meta VALUES ('alliance', ?)", (alliance,))
            db.execute(f"PRAGMA user_version = {VERSION}")
    elif version in (1, 2):
        with store.change() as db:
            if version == 1:
                db.execute("ALTER TABLE segment ADD COLUMN signer BLOB")
                db.execute("UPDATE segment SET signer = (SELECT value FROM meta WHERE name = 'signer')")
            _execute(db, _DIRECTIVES)
            db.execute(f"PRAGMA user_version = {VERSION}")
    elif version != VERSION:
        raise StoreVersionUnknown(path=str(path), version=version)
    if version and (got := store.meta("alliance")) != alliance:
        raise StoreOfAnotherAlliance(path=str(path), want=alliance, got=Digest(got or b""))


def _execute(db: sqlite3.Connection, script: str) -> None:
    for statement in filter(str.strip, script.split(";")):
        db.execute(statement)


def _name(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", type(error).__name__))
