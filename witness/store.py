"""What a witness must never forget (protocol 4.11): the last head that it signed of each log."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Refused
from alliance.identity import Digest
from oracle.note import Checkpoint
from oracle.witnessing import nothing_seen

_SCHEMA = """
CREATE TABLE IF NOT EXISTS heads (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL
) STRICT, WITHOUT ROWID
"""


@dataclass(kw_only=True, eq=False)
class StoreUnsafe(Refused):
    """SQLite did not take a setting on which durability rests."""

    pragma: str
    want: str
    got: str


class Heads:
    """The last signed heads, in a SQLite file that is synced at each commit; used under one lock by one process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._require("journal_mode", "WAL", "wal")
        self._require("synchronous", "FULL", "2")
        self._db.execute(_SCHEMA)

    def last(self, origin: str) -> Checkpoint:
        """The last head that was signed of a log; size 0 for none."""
        row = self._db.execute("SELECT size, root FROM heads WHERE origin = ?", (origin,)).fetchone()
        return nothing_seen(origin) if row is None else Checkpoint(origin=origin, size=row[0], root=Digest(row[1]))

    def note(self, origin: str) -> bytes | None:
        """The note that was signed last of a log, with the witness's own signature."""
        row = self._db.execute("SELECT note FROM heads WHERE origin = ?", (origin,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep(self, head: Checkpoint, note: bytes) -> None:
        """Remember a head; on disk before this returns."""
        self._db.execute(
            "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET size = excluded.size, "
            "root = excluded.root, note = excluded.note",
            (head.origin, head.size, bytes(head.root), note),
        )

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _require(self, pragma: str, value: str, want: str) -> None:
        self._db.execute(f"PRAGMA {pragma} = {value}")
        got = str(self._db.execute(f"PRAGMA {pragma}").fetchone()[0])
        if got != want:
            raise StoreUnsafe(pragma=pragma, want=want, got=got)
