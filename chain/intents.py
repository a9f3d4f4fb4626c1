"""What a sender means to do, kept in SQLite (protocol 5.5): each method is one durable step, and none is done twice.

An intent has a key that is used once. Each change names the version that it starts from, so that of two senders on one
file the second finds its picture stale and changes nothing.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from alliance.errors import Conflicting, Missing, Refused
from alliance.identity import Address, Digest
from chain.fees import Fees
from chain.rpc import Receipt

_SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), chain_id INTEGER NOT NULL,
  genesis BLOB NOT NULL, account BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS intents (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 0,
  recipient BLOB NOT NULL, data BLOB NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL,
  nonce INTEGER, tx_hash BLOB, block_number INTEGER, block_hash BLOB, succeeded INTEGER, gas_used INTEGER,
  gas_price_wei TEXT, failures INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS intents_live ON intents (id) WHERE state NOT IN ('final', 'refused');
CREATE TABLE IF NOT EXISTS attempts (
  hash BLOB PRIMARY KEY, intent INTEGER NOT NULL REFERENCES intents (id), nonce INTEGER NOT NULL, raw BLOB NOT NULL,
  gas INTEGER NOT NULL, max_fee_wei TEXT NOT NULL, tip_wei TEXT NOT NULL, signed_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_by_intent ON attempts (intent);
CREATE INDEX IF NOT EXISTS attempts_by_nonce ON attempts (nonce);
"""
_COLUMNS = (
    "id, key, version, recipient, data, state, created_ms, nonce, tx_hash, block_number, block_hash, succeeded,"
    " gas_used, gas_price_wei, failures, note"
)
_ATTEMPT = "hash, nonce, raw, gas, max_fee_wei, tip_wei, signed_ms"
_FULL = 2


class IntentState(StrEnum):
    """How far an intent is."""

    QUEUED = "queued"
    """Nothing is signed that could still be mined under a nonce of its own."""
    SIGNED = "signed"
    """The newest signed transaction is stored and perhaps broadcast."""
    SENT = "sent"
    """A node took the newest signed transaction."""
    MINED = "mined"
    """One of its transactions is in a block that is not final yet."""
    ELSEWHERE = "elsewhere"
    """Its effect came by a transaction that is not its own, in a block that is not final yet."""
    FINAL = "final"
    """Its effect is final; `tx_hash` is None when it came by another's transaction."""
    REFUSED = "refused"
    """Given up: the contract refused it each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A call that shall take effect exactly once, and what became of it so far."""

    number: int
    key: str
    version: int
    to: Address
    data: bytes
    state: IntentState
    created_ms: int
    nonce: int | None
    tx_hash: Digest | None
    """The transaction that is mined."""
    block_number: int | None
    """Block of that transaction, or (elsewhere) the block in which its effect was first seen."""
    block_hash: Digest | None
    succeeded: bool | None
    gas_used: int | None
    gas_price_wei: int | None
    failures: int
    """How many of its transactions were mined, failed and became final."""
    note: str
    """Why it does not get further, for people; empty when nothing is wrong."""

    @property
    def settled(self) -> bool:
        """Whether later intents may go ahead of its finality."""
        return self.state in (IntentState.FINAL, IntentState.REFUSED, IntentState.ELSEWHERE) or (
            self.state is IntentState.MINED and bool(self.succeeded)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One signed transaction of an intent; attempts of one nonce exclude each other on chain."""

    hash: Digest
    nonce: int
    raw: bytes
    gas: int
    fees: Fees
    signed_ms: int


@dataclass(kw_only=True, eq=False)
class IntentConflicts(Conflicting):
    """A key was used before for another call."""

    key: str


@dataclass(kw_only=True, eq=False)
class IntentUnknown(Missing):
    """No intent has this key."""

    key: str


@dataclass(kw_only=True, eq=False)
class IntentStale(Conflicting):
    """Another sender changed the intent meanwhile; nothing was changed here."""

    key: str
    version: int


@dataclass(kw_only=True, eq=False)
class StoreUnsafe(Refused):
    """SQLite did not take a setting without which a power cut could lose what was stored."""

    setting: str
    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class StoreOfAnother(Conflicting):
    """The file belongs to another account or another chain."""

    path: str
    what: str


class IntentStore:
    """The file of one account's intents. Use it from one thread; several processes may open it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self._require("journal_mode", "wal", self._db.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        self._db.execute("PRAGMA synchronous=FULL")
        self._require("synchronous", str(_FULL), str(self._db.execute("PRAGMA synchronous").fetchone()[0]))
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def bind(self, *, chain_id: int, genesis: Digest, account: Address) -> None:
        """Tie the file to a chain and an account for good. Raises StoreOfAnother."""
        self._db.execute("INSERT OR IGNORE INTO identity VALUES (1, ?, ?, ?)", (chain_id, genesis, account))
        row = self._db.execute("SELECT chain_id, genesis, account FROM identity").fetchone()
        for what, want, got in zip(("chain id", "genesis", "account"), (chain_id, genesis, account), row, strict=True):
            if want != got:
                raise StoreOfAnother(path=str(self._path), what=what)

    def add(self, key: str, *, to: Address, data: bytes, now_ms: int) -> Intent:
        """Queue a call under its key; the same call again changes nothing. Raises IntentConflicts."""
        self._db.execute(
            "INSERT OR IGNORE INTO intents (key, recipient, data, state, created_ms) VALUES (?, ?, ?, ?, ?)",
            (key, to, data, IntentState.QUEUED, now_ms),
        )
        intent = self.get(key)
        if (intent.to, intent.data) != (to, data):
            raise IntentConflicts(key=key)
        return intent

    def find(self, key: str) -> Intent | None:
        """The intent of a key."""
        row = self._db.execute(f"SELECT {_COLUMNS} FROM intents WHERE key = ?", (key,)).fetchone()
        return None if row is None else _intent(row)

    def get(self, key: str) -> Intent:
        """The intent of a key. Raises IntentUnknown."""
        intent = self.find(key)
        if intent is None:
            raise IntentUnknown(key=key)
        return intent

    def live(self) -> list[Intent]:
        """Intents that are neither final nor given up, in the order in which they were queued."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM intents WHERE state NOT IN ('final', 'refused') ORDER BY id")
        return [_intent(row) for row in rows]

    def all(self) -> list[Intent]:
        """Every intent, in the order in which they were queued."""
        return [_intent(row) for row in self._db.execute(f"SELECT {_COLUMNS} FROM intents ORDER BY id")]

    def attempts(self, intent: Intent) -> list[Attempt]:
        """Every transaction ever signed for an intent, the newest first."""
        rows = self._db.execute(
            f"SELECT {_ATTEMPT} FROM attempts WHERE intent = ? ORDER BY rowid DESC", (intent.number,)
        )
        return [_attempt(row) for row in rows]

    def next_nonce(self) -> int:
        """One more than the highest nonce that an intent's own transaction has or may still take; 0 when none does."""
        highest = self._db.execute("SELECT MAX(nonce) FROM intents").fetchone()[0]
        return 0 if highest is None else int(highest) + 1

    def highest_bid(self, nonce: int) -> Fees | None:
        """The most that any transaction signed for a nonce bids, whichever intent it was for."""
        rows = self._db.execute("SELECT max_fee_wei, tip_wei FROM attempts WHERE nonce = ?", (nonce,)).fetchall()
        if not rows:
            return None
        return Fees(max(int(max_fee) for max_fee, _ in rows), max(int(tip) for _, tip in rows))

    def store_signed(self, intent: Intent, attempt: Attempt) -> Intent:
        """Store a signed transaction before anybody sees it. Raises IntentStale."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._change(intent, "state = ?, nonce = ?, note = ''", IntentState.SIGNED, attempt.nonce)
            self._db.execute(
                "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    attempt.hash, intent.number, attempt.nonce, attempt.raw, attempt.gas,
                    str(attempt.fees.max_fee_wei), str(attempt.fees.tip_wei), attempt.signed_ms,
                ),
            )  # fmt: skip
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return self.get(intent.key)

    def mark_sent(self, intent: Intent) -> Intent:
        """A node has the newest transaction. Raises IntentStale."""
        return self._changed(
            intent,
            "state = ?, tx_hash = NULL, block_number = NULL, block_hash = NULL, succeeded = NULL, gas_used = NULL,"
            " gas_price_wei = NULL, note = ''",
            IntentState.SENT,
        )

    def mark_mined(self, intent: Intent, attempt: Attempt, receipt: Receipt, *, note: str = "") -> Intent:
        """One of its transactions is in a block; `note` says why it failed there. Raises IntentStale."""
        return self._changed(
            intent,
            "state = ?, nonce = ?, tx_hash = ?, block_number = ?, block_hash = ?, succeeded = ?, gas_used = ?,"
            " gas_price_wei = ?, note = ?",
            IntentState.MINED, attempt.nonce, receipt.tx_hash, receipt.block_number, receipt.block_hash,
            int(receipt.succeeded), receipt.gas_used, str(receipt.gas_price_wei), note,
        )  # fmt: skip

    def mark_elsewhere(self, intent: Intent, *, block_number: int) -> Intent:
        """Its effect came by another's transaction, first seen at a block. Raises IntentStale."""
        return self._changed(
            intent,
            "state = ?, nonce = NULL, tx_hash = NULL, block_number = ?, block_hash = NULL, succeeded = NULL,"
            " gas_used = NULL, gas_price_wei = NULL, note = ''",
            IntentState.ELSEWHERE, block_number,
        )  # fmt: skip

    def mark_final(self, intent: Intent) -> Intent:
        """Its effect is final. Raises IntentStale."""
        return self._changed(intent, "state = ?, note = ''", IntentState.FINAL)

    def requeue(self, intent: Intent, *, note: str, failed: bool = False) -> Intent:
        """None of its transactions can take effect any more: begin again under a new nonce. Raises IntentStale."""
        return self._changed(
            intent,
            "state = ?, nonce = NULL, tx_hash = NULL, block_number = NULL, block_hash = NULL, succeeded = NULL,"
            " failures = failures + ?, note = ?",
            IntentState.QUEUED, int(failed), note,
        )  # fmt: skip

    def refuse(self, intent: Intent, *, note: str) -> Intent:
        """Give it up. Raises IntentStale."""
        return self._changed(intent, "state = ?, failures = failures + 1, note = ?", IntentState.REFUSED, note)

    def annotate(self, intent: Intent, note: str) -> Intent:
        """Say why it does not get further. Raises IntentStale."""
        return intent if note == intent.note else self._changed(intent, "note = ?", note)

    def withdraw(self, intent: Intent) -> bool:
        """Forget an intent of which nothing was ever signed; whether it could be."""
        cursor = self._db.execute(
            "DELETE FROM intents WHERE id = ? AND version = ? AND state = 'queued'"
            " AND NOT EXISTS (SELECT 1 FROM attempts WHERE intent = intents.id)",
            (intent.number, intent.version),
        )
        return cursor.rowcount == 1

    def gas_used(self) -> int:
        """Gas that all mined transactions of the account's intents used."""
        return int(self._db.execute("SELECT COALESCE(SUM(gas_used), 0) FROM intents").fetchone()[0])

    def _changed(self, intent: Intent, assignments: str, *values: object) -> Intent:
        self._change(intent, assignments, *values)
        return self.get(intent.key)

    def _change(self, intent: Intent, assignments: str, *values: object) -> None:
        cursor = self._db.execute(
            f"UPDATE intents SET {assignments}, version = version + 1 WHERE id = ? AND version = ?",
            (*values, intent.number, intent.version),
        )
        if cursor.rowcount != 1:
            raise IntentStale(key=intent.key, version=intent.version)

    def _require(self, setting: str, want: str, got: str) -> None:
        if want != got:
            raise StoreUnsafe(setting=setting, want=want, got=got)


def _intent(row: Sequence[Any]) -> Intent:
    (
        number, key, version, to, data, state, created_ms, nonce, tx_hash, block, block_hash, succeeded, gas_used,
        gas_price, failures, note,
    ) = row  # fmt: skip
    return Intent(
        number=number, key=key, version=version, to=to, data=data, state=IntentState(state), created_ms=created_ms,
        nonce=nonce, tx_hash=tx_hash, block_number=block, block_hash=block_hash,
        succeeded=None if succeeded is None else bool(succeeded), gas_used=gas_used,
        gas_price_wei=None if gas_price is None else int(gas_price), failures=failures, note=note,
    )  # fmt: skip


def _attempt(row: Sequence[Any]) -> Attempt:
    tx_hash, nonce, raw, gas, max_fee, tip, signed_ms = row
    return Attempt(hash=tx_hash, nonce=nonce, raw=raw, gas=gas, fees=Fees(int(max_fee), int(tip)), signed_ms=signed_ms)
