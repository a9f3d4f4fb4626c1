"""Step 3 (protocol 11.2, 4.2, 4.3): manifests alone rebuild the whole log, and every registered channel has its row.

One epoch is held at a time; what stays is a small record an epoch and the tree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from alliance.calendar import Day
from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.segment import START, Head
from audit.blocks import Blocks
from audit.facts import Facts, Instant
from audit.finding import Where, diverged, expect, judged
from audit.keys import Keyring
from chain.events import Checkpoint
from oracle import log, manifest
from oracle.log import DOCUMENT_TYPES, Entry, EntryType
from oracle.manifest import Manifest, Row, RowStatus
from oracle.merkle import HashTree, leaf_hash

_MANIFEST = "protocol 4.3: the manifest that the checkpoint names"
_ENTRIES = "protocol 4.2: the epoch's entries"
_TREE = "protocol 4.2: manifests rebuild the log"
_CHAIN = "protocol 4.3: each manifest names the one before"
_AS_OF = "protocol 4.3: asOf is the last block before the epoch"
_ROWS = "protocol 4.3: a row for every registered channel"
_ROW = "protocol 4.3: a row goes on from the stream's head"
_ONCE = "protocol 4.2: an entry stands once in the log"

Stream = tuple[Address, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A document's entry: its number in the log and the checkpoint that first contains it."""

    number: int
    entry: Entry
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where the streams stand between two epochs."""

    heads: dict[Stream, Head] = field(default_factory=dict)
    latest: dict[Stream, tuple[Checkpoint, Digest]] = field(default_factory=dict)
    """The last epoch in which a stream brought readings, and the evidence block that holds them."""


def epoch_place(epoch: int, day: Day) -> Where:
    """An epoch as a place; with the slot where it is one of the day's."""
    slot = epoch - day.first_slot
    return Where(epoch=epoch, slot=slot if 0 <= slot < 96 else None)


def head_after(row: Row, before: Head) -> Head:
    """A stream's head after a row."""
    next_seq = before.next_seq if row.last_seq is None else row.last_seq + 1
    return Head(next_seq=next_seq, digest=row.head)


class LogWalk:
    """The log while it grows, epoch by epoch; `documents` are those found so far, in the order of the log."""

    def __init__(self, facts: Facts, keyring: Keyring, blocks: Blocks, day: Day) -> None:
        self._facts, self._keyring, self._blocks, self._day = facts, keyring, blocks, day
        self._tree = HashTree()
        self._prev = ZERO_DIGEST
        self._heads: dict[Stream, Head] = {}
        self._latest: dict[Stream, tuple[Checkpoint, Digest]] = {}
        self._seen: set[Digest] = set()
        self.documents: list[Logged] = []

    def course(self) -> Course:
        """Where the streams stand now."""
        return Course(heads=dict(self._heads), latest=dict(self._latest))

    def add(self, checkpoint: Checkpoint) -> tuple[Manifest, list[Entry]]:
        """Check and append the next epoch; its manifest and entries. Raises Diverged or Unread."""
        made, entries = self._read(checkpoint)
        where = epoch_place(checkpoint.epoch, self._day)
        expect(_MANIFEST, self._facts.deployment.log, made.log, where=where)
        expect(_MANIFEST, f"epoch {checkpoint.epoch}", f"epoch {made.epoch}", where=where)
        expect(_CHAIN, self._prev, made.prev, where=where)
        self._append(checkpoint, made, entries, where)
        _check_as_of(self._facts, made, where)
        self._check_rows(checkpoint, made, entries)
        self._prev = checkpoint.manifest
        return made, entries

    def _read(self, checkpoint: Checkpoint) -> tuple[Manifest, list[Entry]]:
        where = epoch_place(checkpoint.epoch, self._day)
        raw = self._blocks.get(checkpoint.manifest, rule=_MANIFEST, where=where)
        with judged(_MANIFEST, where=where):
            made = manifest.decode(raw)
        listed = self._blocks.get(made.entries, rule=_ENTRIES, where=where)
        with judged(_ENTRIES, where=where):
            return made, log.decode_entries(listed)

    def _append(self, checkpoint: Checkpoint, made: Manifest, entries: list[Entry], where: Where) -> None:
        first = entries[0] if entries else None
        expect(_ENTRIES, log.epoch_entry(checkpoint.epoch), first, where=where)
        for entry in entries:
            self._enter(checkpoint, entry, where)
        for what, size, root in (("manifest", made.size, made.root), ("checkpoint", checkpoint.size, checkpoint.root)):
            expect(f"{_TREE} ({what} size)", size, self._tree.size, where=where)
            expect(f"{_TREE} ({what} root)", root, self._tree.root(), where=where)

    def _enter(self, checkpoint: Checkpoint, entry: Entry, where: Where) -> None:
        leaf = leaf_hash(entry.raw)
        named = entry.segment_digest if entry.type is EntryType.SEGMENT else leaf
        if named in self._seen:
            raise diverged(_ONCE, "a new entry", f"{entry.type.name.lower()} 0x{named.hex()} again", where=where)
        self._seen.add(named)
        if entry.type in DOCUMENT_TYPES:
            self.documents.append(Logged(number=self._tree.size, entry=entry, checkpoint=checkpoint))
        self._tree.append(leaf)

    def _check_rows(self, checkpoint: Checkpoint, made: Manifest, entries: list[Entry]) -> None:
        registered = self._keyring.registered(as_of_block=made.as_of_block)
        try:
            manifest.check_rows(made, registered)
        except manifest.RowMissing as missing:
            where = self._place(made.epoch, (missing.device, missing.channel))
            raise diverged(_ROWS, "a row", "none", where=where) from missing
        except manifest.RowsDisordered as disordered:
            where = self._place(made.epoch, (disordered.device, disordered.channel))
            raise diverged(_ROWS, "rows in order, each once", "disorder", where=where) from disordered
        logged = {entry.segment_digest for entry in entries if entry.type is EntryType.SEGMENT}
        for row in made.rows:
            self._check_row(checkpoint, row, registered=registered, logged=logged, as_of_block=made.as_of_block)

    def _check_row(
        self, checkpoint: Checkpoint, row: Row, *, registered: set[Stream], logged: set[Digest], as_of_block: int
    ) -> None:
        stream = (row.device, row.channel)
        where = self._place(checkpoint.epoch, stream)
        before = self._heads.get(stream, START)
        if row.evidence is None:
            if stream not in registered:
                raise diverged(_ROWS, "no row", "a row of a channel that nobody registered", where=where)
            frozen = bool(self._keyring.frozen(row.device, as_of_block=as_of_block))
            quiet = RowStatus.FROZEN if frozen else RowStatus.SILENT
            want = (None, None, before.digest, quiet)
            expect(_ROW, _row_text(want), _row_text((row.first_seq, row.last_seq, row.head, row.status)), where=where)
            return
        if row.first_seq is not None:
            expect(_ROW, f"first seq {before.next_seq}", f"first seq {row.first_seq}", where=where)
            self._latest[stream] = (checkpoint, row.evidence)
        if row.head not in logged:
            raise diverged(_ROW, "a head among the epoch's entries", shown_head(row.head), where=where)
        self._heads[stream] = head_after(row, before)

    def _place(self, epoch: int, stream: Stream) -> Where:
        device, channel = stream
        return replace(
            epoch_place(epoch, self._day),
            station=self._keyring.station(device, channel),
            device=device,
            channel=channel,
            seq=self._heads.get(stream, START).next_seq,
        )


def shown_head(head: Digest) -> str:
    """A head's digest as text."""
    return f"0x{head.hex()}"


def _row_text(row: tuple[int | None, int | None, Digest, RowStatus]) -> str:
    first, last, head, status = row
    return f"{status.value} seq {first}…{last} head {shown_head(head)}"


def _check_as_of(facts: Facts, made: Manifest, where: Where) -> None:
    """The named block is the last one before the epoch began; the genesis block if the chain is younger."""
    start_s = made.epoch * facts.deployment.epoch_seconds
    block, after = (_header(facts, number) for number in (made.as_of_block, made.as_of_block + 1))
    expect(_AS_OF, block.hash if block else None, made.as_of_hash, where=where)
    assert block is not None
    if block.timestamp_s >= start_s and made.as_of_block:
        raise diverged(_AS_OF, f"a block before {start_s} s", f"block at {block.timestamp_s} s", where=where)
    if after is not None and after.timestamp_s < start_s:
        raise diverged(_AS_OF, "the last such block", f"block {made.as_of_block}, another follows", where=where)


def _header(facts: Facts, number: int) -> Instant | None:
    return facts.headers(number) if number <= facts.head.number else None


def rows_with_evidence(made: Manifest) -> Iterator[Row]:
    """The rows that brought segments."""
    return (row for row in made.rows if row.evidence is not None)
