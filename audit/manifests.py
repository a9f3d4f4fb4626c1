"""Step 3 (protocol 11.2, 4.2, 4.3): manifests alone rebuild the whole log, and every registered channel has its row.

One epoch is held at a time. What stays is the tree's frontier, each stream's head, the documents' entries, and the
entries of the last days: an older segment that is logged again breaks its stream (3.3).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from alliance.calendar import SLOTS_A_DAY, Day
from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.segment import START, Head
from audit.blocks import Blocks
from audit.facts import Facts, Instant
from audit.finding import Diverged, Findings, Where, diverged, expect, judged
from audit.keys import Keyring
from chain.events import Checkpoint
from oracle import log, manifest, scan
from oracle.log import DOCUMENT_TYPES, Entry, EntryType
from oracle.manifest import Manifest, Row, RowStatus
from oracle.merkle import Frontier

REMEMBERED_EPOCHS = 288
"""Segments' entries are remembered so long, to name one that is logged again."""

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
    """The entry of a document or of its rows: its number in the log and the checkpoint that first contains it."""

    number: int
    entry: Entry
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where the streams stand between two epochs."""

    heads: Mapping[Stream, Head] = field(default_factory=dict)
    latest: Mapping[Stream, tuple[Checkpoint, Digest]] = field(default_factory=dict)
    """The last epoch in which a stream brought readings, and the evidence block that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkState:
    """A walk between two epochs, as it can be kept and taken up again."""

    epoch: int
    """The last epoch that was checked."""
    size: int
    peaks: tuple[bytes, ...]
    prev: Digest
    course: Course
    documents: tuple[Logged, ...]
    watched: Mapping[Digest, int]


def slot_of(epoch: int, days: Sequence[Day]) -> int | None:
    """The slot of its local day that an epoch covers, if the day is one of these (ascending, without holes)."""
    slot = epoch - days[0].first_slot
    return slot % SLOTS_A_DAY if 0 <= slot < SLOTS_A_DAY * len(days) else None


def epoch_place(epoch: int, days: Sequence[Day]) -> Where:
    """An epoch as a place; with the slot where it is one of the days'."""
    return Where(epoch=epoch, slot=slot_of(epoch, days))


def head_after(row: Row, before: Head) -> Head:
    """A stream's head after a row."""
    next_seq = before.next_seq if row.last_seq is None else row.last_seq + 1
    return Head(next_seq=next_seq, digest=row.head)


class LogWalk:
    """The log while it grows, epoch by epoch; `documents` are those found so far, in the order of the log.

    `watched` are digests of segments that somebody asks about; `seen` tells in which epoch they were logged.
    """

    def __init__(
        self, facts: Facts, keyring: Keyring, blocks: Blocks, findings: Findings, *, days: Sequence[Day],
        watched: Iterable[Digest] = (),
    ) -> None:  # fmt: skip
        self._facts, self._keyring, self._blocks, self._findings = facts, keyring, blocks, findings
        self._days = days
        self._watched = frozenset(watched)
        self.seen: dict[Digest, int] = {}
        self.documents: list[Logged] = []
        self.quiet: dict[RowStatus, int] = {}
        self._tree = Frontier()
        self._broken = False
        self._prev = ZERO_DIGEST
        self._heads: dict[Stream, Head] = {}
        self._latest: dict[Stream, tuple[Checkpoint, Digest]] = {}
        self._recent: set[Digest] = set()
        self._epochs: deque[set[Digest]] = deque()
        self._documents: set[Digest] = set()
        self._registered: tuple[int, set[Stream]] = (-1, set())
        self._lost: set[Stream] = set()

    @property
    def sound(self) -> bool:
        """Whether the log's tree was rebuilt as anchored so far."""
        return not self._broken

    def course(self) -> Course:
        """Where the streams stand now."""
        return Course(heads=dict(self._heads), latest=dict(self._latest))

    def state(self, epoch: int) -> WalkState:
        """What is needed to take the walk up again behind an epoch."""
        return WalkState(
            epoch=epoch, size=self._tree.size, peaks=tuple(self._tree.peaks), prev=self._prev, course=self.course(),
            documents=tuple(self.documents), watched=dict(self.seen),
        )  # fmt: skip

    def resume(self, state: WalkState) -> None:
        """Stand where an earlier walk stood."""
        self._tree = Frontier(state.size, state.peaks)
        self._prev = state.prev
        self._heads, self._latest = dict(state.course.heads), dict(state.course.latest)
        self.documents = list(state.documents)
        self._documents = {Digest(sha256(b"\0" + item.entry.raw).digest()) for item in state.documents}
        self.seen = dict(state.watched)

    def lose(self, checkpoint: Checkpoint) -> None:
        """An epoch could not be read: the tree stays broken, and rows are trusted once about where streams stand."""
        self._broken = True
        self._lost |= set(self._heads)
        self._prev = checkpoint.manifest

    def add(self, checkpoint: Checkpoint) -> tuple[Manifest, list[Entry]]:
        """Check and append the next epoch; its manifest and entries. Raises Diverged or Unread."""
        made, entries = self._read(checkpoint)
        where = epoch_place(checkpoint.epoch, self._days)
        with self._findings.tried():
            expect(_MANIFEST, self._facts.deployment.log, made.log, where=where)
            expect(_MANIFEST, f"epoch {checkpoint.epoch}", f"epoch {made.epoch}", where=where)
            expect(_CHAIN, self._prev, made.prev, where=where)
        self._append(checkpoint, made, entries, where)
        with self._findings.tried():
            _check_as_of(self._facts, made, where)
        self._check_rows(checkpoint, made, entries)
        self._prev = checkpoint.manifest
        return made, entries

    def _read(self, checkpoint: Checkpoint) -> tuple[Manifest, list[Entry]]:
        where = epoch_place(checkpoint.epoch, self._days)
        raw = self._blocks.get(checkpoint.manifest, rule=_MANIFEST, where=where)
        with judged(_MANIFEST, where=where):
            made = scan.manifest(raw) or manifest.decode(raw)
        listed = self._blocks.get(made.entries, rule=_ENTRIES, where=where)
        with judged(_ENTRIES, where=where):
            return made, scan.entries(listed) or log.decode_entries(listed)

    def _append(self, checkpoint: Checkpoint, made: Manifest, entries: list[Entry], where: Where) -> None:
        first = entries[0] if entries else None
        with self._findings.tried():
            expect(_ENTRIES, log.epoch_entry(checkpoint.epoch), first, where=where)
        fresh: set[Digest] = set()
        for entry in entries:
            with_leaf = sha256(b"\0" + entry.raw).digest()
            self._enter(checkpoint, entry, Digest(with_leaf), fresh)
            self._tree.append(with_leaf)
        self._remember(fresh)
        if self._broken:
            return
        try:
            for what, size, root in (
                ("manifest", made.size, made.root),
                ("checkpoint", checkpoint.size, checkpoint.root),
            ):
                expect(f"{_TREE} ({what} size)", size, self._tree.size, where=where)
                expect(f"{_TREE} ({what} root)", root, self._tree.root(), where=where)
        except Diverged as error:
            self._broken = True
            self._findings.note(error)

    def _enter(self, checkpoint: Checkpoint, entry: Entry, leaf: Digest, fresh: set[Digest]) -> None:
        """Remember an entry; one that stands in the log already is refused."""
        named = entry.segment_digest if entry.type is EntryType.SEGMENT else leaf
        if named in self._recent or named in fresh or named in self._documents:
            where = epoch_place(checkpoint.epoch, self._days)
            again = f"{entry.type.name.lower()} 0x{named.hex()} again"
            self._findings.note(diverged(_ONCE, "a new entry", again, where=where))
        if entry.type is EntryType.SEGMENT:
            fresh.add(named)
            if named in self._watched:
                self.seen.setdefault(named, checkpoint.epoch)
            return
        self._documents.add(named)
        if entry.type in DOCUMENT_TYPES or entry.type is EntryType.ROWS:
            self.documents.append(Logged(number=self._tree.size, entry=entry, checkpoint=checkpoint))

    def _remember(self, fresh: set[Digest]) -> None:
        self._epochs.append(fresh)
        self._recent |= fresh
        if len(self._epochs) > REMEMBERED_EPOCHS:
            self._recent -= self._epochs.popleft()

    def _check_rows(self, checkpoint: Checkpoint, made: Manifest, entries: list[Entry]) -> None:
        registered = self._registered_at(made.as_of_block)
        try:
            manifest.check_rows(made, registered)
        except manifest.RowMissing as missing:
            where = self._place(made.epoch, (missing.device, missing.channel))
            self._findings.note(diverged(_ROWS, "a row", "none", where=where))
        except manifest.RowsDisordered as disordered:
            where = self._place(made.epoch, (disordered.device, disordered.channel))
            self._findings.note(diverged(_ROWS, "rows in order, each once", "disorder", where=where))
        logged = {entry.segment_digest for entry in entries if entry.type is EntryType.SEGMENT}
        for row in made.rows:
            try:
                self._check_row(checkpoint, row, registered=registered, logged=logged, as_of_block=made.as_of_block)
            except Diverged as error:
                self._findings.note(error)
                self._heads[row.device, row.channel] = head_after(
                    row, self._heads.get((row.device, row.channel), START)
                )

    def _registered_at(self, block: int) -> set[Stream]:
        """Every channel that was bound up to a block; most epochs change nothing."""
        known, found = self._registered
        if known != block:
            found = self._keyring.registered(as_of_block=block)
            self._registered = (block, found)
        return found

    def _check_row(
        self, checkpoint: Checkpoint, row: Row, *, registered: set[Stream], logged: set[Digest], as_of_block: int
    ) -> None:
        stream = (row.device, row.channel)
        before = self._heads.get(stream, START)
        if stream in self._lost:
            self._lost.discard(stream)
            before = Head(next_seq=before.next_seq if row.first_seq is None else row.first_seq, digest=row.head)
        if row.evidence is None:
            self._check_quiet(checkpoint.epoch, row, before, registered=registered, as_of_block=as_of_block)
            return
        if row.first_seq is not None:
            if row.first_seq != before.next_seq:
                got = f"first seq {row.first_seq}{_seq_kind(before.next_seq, row.first_seq)}"
                where = self._place(checkpoint.epoch, stream)
                raise diverged(_ROW, f"first seq {before.next_seq}", got, where=where)
            self._latest[stream] = (checkpoint, row.evidence)
        if row.head not in logged:
            where = self._place(checkpoint.epoch, stream)
            raise diverged(_ROW, "a head among the epoch's entries", shown_head(row.head), where=where)
        self._heads[stream] = head_after(row, before)

    def _check_quiet(self, epoch: int, row: Row, before: Head, *, registered: set[Stream], as_of_block: int) -> None:
        """A row without evidence: of a registered channel, standing still."""
        stream = (row.device, row.channel)
        if stream not in registered:
            where = self._place(epoch, stream)
            raise diverged(_ROWS, "no row", "a row of a channel that nobody registered", where=where)
        frozen = bool(self._keyring.frozen(row.device, as_of_block=as_of_block))
        quiet = RowStatus.FROZEN if frozen else RowStatus.SILENT
        want, got = (None, None, before.digest, quiet), (row.first_seq, row.last_seq, row.head, row.status)
        if want != got:
            raise diverged(_ROW, _row_text(want), _row_text(got), where=self._place(epoch, stream))

    def _place(self, epoch: int, stream: Stream) -> Where:
        device, channel = stream
        return replace(
            epoch_place(epoch, self._days),
            station=self._keyring.station(device, channel),
            device=device,
            channel=channel,
            seq=self._heads.get(stream, START).next_seq,
        )


def _seq_kind(want: int, got: int) -> str:
    """What a first seq that does not continue looks like."""
    return f" (withheld: seq {want}…{got - 1})" if got > want else " (a seq that stands in the log already)"


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
