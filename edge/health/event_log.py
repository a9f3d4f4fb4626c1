"""The event log on the disk (protocol 10.20): appended at the end of a round, synced, rotated, its head signed.

Files `events-<number of the first entry>.log` of at most `FILE_BYTES` (one batch more), the newest `KEPT_FILES` of
them. Each but the very first begins with a signed head, so that what rotation let go leaves a chain that can be
checked. The newest head also stands in the database: a log that was cut off while the box was down is told at its next
start, and leaves a gap in the numbers for good.
"""

import json
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from alliance.errors import AllianceError
from alliance.identity import ZERO_DIGEST, Address, Digest
from edge.evidence.store import StorageFailed, Store
from edge.evidence.watermark import sync_folder
from edge.health.events import HEAD, Entry, EntryUnreadable, SignedHead, read_head, read_line, sign_head
from oracle.eip712 import Domain
from oracle.signature import KeySigner

FOLDER = "events"
FILE_BYTES = 1 << 20
KEPT_FILES = 8
HEAD_EVERY = 64
"""So many entries at most stand between two heads inside the log."""
MOST_PENDING = 1_000
"""Events that wait in memory while the disk takes none; later ones are counted as lost."""
_META = "events"
_PATTERN = "events-*.log"


class EventLog:
    """The log of one box; `note` only remembers, `flush` writes all of a round with one sync."""

    def __init__(
        self, folder: Path, store: Store, *, device: Address, domain: Domain, signer: Callable[[], KeySigner],
        file_bytes: int = FILE_BYTES, kept_files: int = KEPT_FILES,
    ) -> None:  # fmt: skip
        """Take up a folder's log where it ends. Raises OSError."""
        self._folder, self._store, self._device, self._domain, self._signer = folder, store, device, domain, signer
        self._file_bytes, self._kept_files = file_bytes, kept_files
        self._pending: deque[tuple[str, int, dict[str, object]]] = deque()
        self._lost = self._since_head = 0
        folder.mkdir(mode=0o700, exist_ok=True)
        torn = _mend(folder)
        self._number, self._prev, self.last_kind = _end_of(folder)
        self._adopt(torn)

    @property
    def number(self) -> int:
        """Of the last entry on the disk."""
        return self._number

    @property
    def waiting(self) -> int:
        """Events that are not on the disk yet."""
        return len(self._pending)

    def note(self, kind: str, *, t_ms: int, **facts: object) -> None:
        """Something happened; it is on the disk after the next `flush`."""
        if len(self._pending) >= MOST_PENDING:
            self._lost += 1
            return
        self._pending.append((kind, t_ms, json.loads(json.dumps(facts, ensure_ascii=False, default=str))))

    def flush(self, *, t_ms: int) -> bool:
        """Write what waits, durably, and sign the new end; False where the disk takes nothing now."""
        if not self._pending:
            return True
        signer = self._signer()
        try:
            entries = list(self._entries(signer, t_ms))
            self._write(b"".join(entry.line for entry in entries), fresh=entries[0])
        except OSError:
            return False
        self._pending.clear()
        self._lost, self._number, self._prev = 0, entries[-1].number, entries[-1].digest
        heads = [at for at, entry in enumerate(entries) if entry.kind == HEAD]
        self._since_head = len(entries) - 1 - heads[-1] if heads else self._since_head + len(entries)
        with suppress(StorageFailed):
            self._keep(self._head(signer))
        return True

    def _adopt(self, torn_bytes: int) -> None:
        """Compare with the head in the database; what was cut off or rewritten leaves a gap, and an event says so."""
        head = kept_head(self._store)
        if torn_bytes:
            self.note("log.torn", t_ms=0, bytes=torn_bytes)
        if head is None:
            return
        if not _reaches(self._folder, head):
            self.note("log.broken", t_ms=0, last=self._number, head=head.to_plain())
            self._number = max(head.number, self._number) + 1

    def _entries(self, signer: KeySigner, t_ms: int) -> Iterator[Entry]:
        """What waits as entries; before it a head, where a file begins or one is due, and after it what was lost."""
        number, prev = self._number, self._prev
        queued = list(self._pending)
        if number and (self._full() or self._since_head + len(queued) >= HEAD_EVERY):
            queued.insert(0, (HEAD, t_ms, self._head(signer).to_plain()))
        if self._lost:
            queued.append(("log.lost", t_ms, {"events": self._lost}))
        for kind, at_ms, facts in queued:
            entry = Entry(number=number + 1, t_ms=at_ms or t_ms, kind=kind, facts=facts, prev=prev)
            yield entry
            number, prev = entry.number, entry.digest

    def _head(self, signer: KeySigner) -> SignedHead:
        return sign_head(self._number, self._prev, device=self._device, domain=self._domain, signer=signer)

    def _full(self) -> bool:
        files = files_of(self._folder)
        return bool(files) and files[-1].stat().st_size >= self._file_bytes

    def _write(self, lines: bytes, *, fresh: Entry) -> None:
        """Append and sync; a write that fails half way is taken back."""
        files = files_of(self._folder)
        rotate = not files or (fresh.kind == HEAD and files[-1].stat().st_size >= self._file_bytes)
        path = self._folder / f"events-{fresh.number:012}.log" if rotate else files[-1]
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(handle).st_size
            try:
                if os.write(handle, lines) != len(lines):
                    raise OSError(f"{path}: no room")
                os.fdatasync(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        if rotate:
            with suppress(OSError):  # the entries are written: they must not be written again
                sync_folder(self._folder)
                for old in files_of(self._folder)[: -self._kept_files]:
                    old.unlink()

    def _keep(self, head: SignedHead) -> None:
        keys = {*kept_keys(self._store), head.signer}
        told = {"head": head.to_plain(), "keys": sorted("0x" + key.hex() for key in keys)}
        self._store.keep(_META, json.dumps(told).encode())


def files_of(folder: Path) -> list[Path]:
    """The log's files, the oldest first."""
    return sorted(folder.glob(_PATTERN))


def lines_of(folder: Path) -> Iterator[bytes]:
    """The log's lines, the oldest first. Raises OSError."""
    for path in files_of(folder):
        with path.open("rb") as file:
            yield from file


def begins_late(folder: Path, *, kept_files: int = KEPT_FILES) -> bool:
    """Whether rotation can have let older files go: as many stand as are kept."""
    return len(files_of(folder)) >= kept_files


def kept_head(store: Store) -> SignedHead | None:
    """The newest head in the database; None without one."""
    told = store.meta(_META)
    if told is None:
        return None
    try:
        return read_head(json.loads(told)["head"])
    except (AllianceError, ValueError, KeyError):
        return None


def kept_keys(store: Store) -> frozenset[Address]:
    """The keys that have signed heads of this database's log."""
    told = store.meta(_META)
    names = json.loads(told).get("keys", []) if told else []
    return frozenset(Address(bytes.fromhex(name.removeprefix("0x"))) for name in names)


def _end_of(folder: Path) -> tuple[int, Digest, str]:
    """Number, hash and kind of the last entry that can be read."""
    for path in reversed(files_of(folder)):
        for line in reversed(path.read_bytes().splitlines(keepends=True)):
            with suppress(EntryUnreadable):
                entry, _ = read_line(line)
                return entry.number, entry.digest, entry.kind
    return 0, ZERO_DIGEST, ""


def _reaches(folder: Path, head: SignedHead) -> bool:
    """Whether the entry that a head signs stands in the log."""
    for path in reversed(files_of(folder)):
        for line in path.read_bytes().splitlines():
            with suppress(EntryUnreadable):
                entry, _ = read_line(line)
                if entry.number == head.number:
                    return entry.digest == head.entry
    return False


def _mend(folder: Path) -> int:
    """Take back a line that a power cut left half written; returns its bytes."""
    files = files_of(folder)
    if not files:
        return 0
    raw = files[-1].read_bytes()
    torn = len(raw) - (raw.rfind(b"\n") + 1)
    if torn:
        with files[-1].open("r+b") as file:
            file.truncate(len(raw) - torn)
            os.fsync(file.fileno())
    if torn == len(raw):
        files[-1].unlink()  # else its next entry would begin a file without a head
    return torn
