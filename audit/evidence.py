"""Step 4 (protocol 11.2, 2, 3, 4.4, 6): the readings behind the days, each signed, chained, logged, and by whose key.

Every channel is checked from a day before the first day to a day after the last; of later evidence, what a correction
may have seen, the meters; of earlier, the batteries of leased capacity when a month or a term closes. What a settlement
may still ask for stays; the rest is forgotten as the days pass.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from alliance.calendar import SLOTS_A_DAY, Day, epoch_start_ms
from alliance.errors import AllianceError
from alliance.identity import Address, Digest
from alliance.quantity import Bracket, boundary_places, bracket
from alliance.reading import ChannelKind, Reading, check_follows
from alliance.segment import START, Head, Segment, SignedSegment, StreamBroken, check_continues, conflict
from audit.blocks import Blocks
from audit.facts import Facts
from audit.finding import Diverged, Findings, Where, diverged, judged, judgement
from audit.keys import Keyring, Standing
from audit.manifests import Course, Stream, epoch_place, head_after, slot_of
from audit.opening import Opening
from chain.events import Checkpoint, Place
from oracle import block, contents, log, manifest, scan
from oracle.block import EvidenceBlock
from oracle.contents import Contents
from oracle.log import EntriesDisordered, Entry
from oracle.manifest import Manifest, Row, RowStatus
from oracle.segment import SealedSegment
from oracle.signers import Signers

EPOCHS_BESIDE = 96
"""Evidence is read from so many epochs before a day on (protocol 8.4.1), and in full up to so many after it."""

_BLOCK = "protocol 4.4: the evidence block that the row names"
_STREAM = "protocol 3.3: a segment continues its stream"
_CONTENTS = "protocol 3.2: a segment's readings are what was signed"
_FOLLOWS = "protocol 2.4: readings follow each other"
_KEY = "protocol 6.3: a confirmed key of the device signed"
_ROW = "protocol 4.3: the row says what the segments are"
_ORDER = "protocol 4.2: the epoch's entries are its segments, in order"


@dataclass(frozen=True, slots=True)
class Measured:
    """A checked segment: where it was logged, what its signer's key was worth, and the readings that may be edges."""

    checkpoint: Checkpoint
    signer: Address
    count: int
    readings: tuple[Reading, ...]
    limits: Bracket
    standing: Standing


@dataclass(slots=True, kw_only=True)
class Evidence:
    """The kept segments in the order of their streams, and how much was checked."""

    streams: dict[Stream, list[Measured]] = field(default_factory=dict)
    unread: dict[Stream, list[int]] = field(default_factory=dict)
    """Epochs of which a stream's readings stayed unread."""
    history: dict[Stream, list[tuple[int, SignedSegment]]] = field(default_factory=dict)
    """All segments of the streams that somebody holds segments of."""
    segments: int = 0
    readings: int = 0
    gaps: int = 0
    """Segments without readings: signed gap records."""
    outside: int = 0
    """Readings whose own time lies outside what the chain proves (3.8): no edges, and no divergence."""

    def seen(self, stream: Stream, *, day: Day, last_epoch: int) -> list[Measured]:
        """A stream's segments behind a day as the log stood at an epoch, and the last with readings before them."""
        first = day.first_slot - EPOCHS_BESIDE
        kept = self.streams.get(stream, [])
        before = [m for m in kept if m.checkpoint.epoch < first and m.count][-1:]
        return before + [m for m in kept if first <= m.checkpoint.epoch <= last_epoch]

    def is_unread(self, stream: Stream, *, day: Day, last_epoch: int) -> bool:
        """Whether readings of a stream that a day may rest on stayed unread."""
        return any(day.first_slot - EPOCHS_BESIDE <= epoch <= last_epoch for epoch in self.unread.get(stream, ()))

    def forget(self, before_epoch: int) -> None:
        """Drop what was logged before an epoch, but for each stream's last segment with readings there."""
        for kept in self.streams.values():
            old = sum(1 for m in kept if m.checkpoint.epoch < before_epoch)
            last = [m for m in kept[:old] if m.count][-1:]
            kept[:old] = last


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is read of the evidence, epoch by epoch."""

    days: Sequence[Day]
    meters: frozenset[Stream]
    """Kept for the settlement of energy."""
    batteries: frozenset[Stream]
    """Kept for availability."""
    only: frozenset[Stream] | None
    """Nothing else is read; None: everything."""
    first_epoch: int
    first_whole: int
    last_whole: int
    """Every channel is read from `first_whole` to here; of later epochs the meters are, of earlier the batteries."""
    last_epoch: int

    def reads(self, row: Row, epoch: int) -> bool:
        """Whether a row's evidence is read."""
        stream = (row.device, row.channel)
        if self.only is not None and stream not in self.only:
            return False
        if epoch < self.first_whole:
            return stream in self.batteries
        return epoch <= self.last_whole or stream in self.meters


def scope_of(
    keyring: Keyring, days: Sequence[Day], *, last_seen: int, leased: frozenset[int], battery_from: Day | None,
    only: frozenset[int] | None = None,
) -> Scope:  # fmt: skip
    """The scope of some days, ascending, whose statements see the log up to an epoch.

    `leased` and `battery_from`: the stations whose batteries a closing needs, and from which day on. `only`: the
    stations whose evidence is asked for; what closes a month is read of all.
    """
    channels = [c for c in keyring.channels if only is None or c.station in only]
    asked = frozenset((c.device, c.channel) for c in channels)
    meters = frozenset((c.device, c.channel) for c in channels if c.kind is ChannelKind.METER)
    kept = frozenset(
        (c.device, c.channel) for c in keyring.channels if c.kind is ChannelKind.BATTERY and c.station in leased
    )
    kept = kept if battery_from is not None else frozenset()
    first_whole = days[0].first_slot - EPOCHS_BESIDE
    last_whole = days[-1].first_slot + SLOTS_A_DAY - 1 + EPOCHS_BESIDE
    return Scope(
        days=days,
        meters=meters,
        batteries=kept,
        only=None if only is None else asked | kept,
        first_epoch=min(first_whole, (battery_from or days[0]).first_slot - EPOCHS_BESIDE),
        first_whole=first_whole,
        last_whole=last_whole,
        last_epoch=max(last_whole, last_seen),
    )


class EvidenceCheck:
    """The audited streams while they grow, epoch by epoch; `found` is what was read so far."""

    def __init__(
        self, facts: Facts, keyring: Keyring, blocks: Blocks, *, scope: Scope, course: Course, findings: Findings,
        opening: Opening, history: Iterable[Stream] = (), signers: Signers | None = None,
    ) -> None:  # fmt: skip
        self._facts, self._keyring, self._blocks, self._scope = facts, keyring, blocks, scope
        self._findings, self._opening, self._signers = findings, opening, signers
        self._domain, self._epoch_s = facts.deployment.domain, facts.deployment.epoch_seconds
        self._heads: dict[Stream, Head] = dict(course.heads)
        self._last: dict[Stream, Contents] = {}
        """Of each stream the last segment that brought readings."""
        self._latest_ms: dict[Stream, int] = {}
        self._past: dict[Stream, deque[SignedSegment]] = {}
        self._lost: set[Stream] = set()
        self._history = frozenset(history)
        self._standings: dict[tuple[Address, Address], Standing] = {}
        self._at: Place | None = None
        self.found = Evidence()

    def begin(self, course: Course, streams: frozenset[Stream]) -> None:
        """Of each stream the last segment with readings before the audited epochs: it may bracket a gap."""
        for stream, (checkpoint, digest) in sorted(course.latest.items(), key=lambda item: item[0]):
            if stream not in streams or stream in self.found.streams:
                continue
            where = self._placed(checkpoint.epoch, stream, None)
            with self._findings.tried():
                _, sealed = self._open(digest, checkpoint, where, head=None)
                if sealed is None:
                    self.found.unread.setdefault(stream, []).append(checkpoint.epoch)
                    continue
                measured = [self._measured(one, *self._judged(one, checkpoint, where)) for one in sealed]
                for one in [m for m in measured if m.count][-1:]:
                    self._keep(stream, one)

    def lose(self) -> None:
        """An epoch could not be read: where the streams stand is known again from their next segments on."""
        self._lost |= set(self._heads)
        self._last.clear()

    def add(self, checkpoint: Checkpoint, made: Manifest, entries: list[Entry]) -> None:
        """Check the next epoch's evidence. Raises Diverged or Unread."""
        signed: list[SignedSegment] = []
        whole, sound = True, True
        for row in made.rows:
            if row.evidence is None:
                continue
            stream = (row.device, row.channel)
            before = self._heads.get(stream, START)
            if not self._scope.reads(row, checkpoint.epoch):
                self._heads[stream] = head_after(row, before)
                self._last.pop(stream, None)
                whole = False
                continue
            try:
                signed += self._row(row, row.evidence, made, checkpoint, stream, before)
            except Diverged as error:
                self._findings.note(error)
                self._heads[stream] = head_after(row, before)
                self._last.pop(stream, None)
                sound = False
        if sound:
            with self._findings.tried():
                self._check_entries(checkpoint, entries, signed, whole=whole)

    def _row(
        self, row: Row, digest: Digest, made: Manifest, checkpoint: Checkpoint, stream: Stream, before: Head
    ) -> list[SignedSegment]:
        """A row's segments, checked; what is in clear of those whose payload stays unread."""
        where = self._placed(checkpoint.epoch, stream, before.next_seq)
        clear, sealed = self._open(digest, checkpoint, where, head=before)
        if sealed is None:
            self.found.unread.setdefault(stream, []).append(checkpoint.epoch)
            self._last.pop(stream, None)
        kept = stream in self._scope.meters or stream in self._scope.batteries
        for at, signed in enumerate(clear.signed):
            self._continue(stream, signed, checkpoint, where)
            self.found.segments += 1
            self.found.gaps += not signed.segment.count
            if sealed is None:
                self._standing(signed, checkpoint, where)
                continue
            standing = self._standing(signed, checkpoint, where)
            found = self._read(sealed[at], where)
            self._check_registers(stream, found, where)
            self.found.readings += len(found.times_ms)
            if kept:
                self._keep(stream, self._measured(sealed[at], found, checkpoint, standing))
        self._check_row(row, made, clear.signed, before, where)
        return list(clear.signed)

    # ---- opening ----

    def _open(
        self, digest: Digest, checkpoint: Checkpoint, where: Callable[[], Where], *, head: Head | None
    ) -> tuple[EvidenceBlock, tuple[SealedSegment, ...] | None]:
        """What stands in clear, and the segments if they are readable; an altered block is named where it breaks."""
        try:
            raw = self._blocks.get(digest, rule=_BLOCK, where=where)
        except Diverged as refused:
            bent = self._blocks.altered(digest)
            seq = None if bent is None or head is None else self._first_broken(bent, digest, checkpoint, where, head)
            place = where() if seq is None else replace(where(), seq=seq)
            raise Diverged(found=replace(refused.found, where=place)) from refused
        try:
            return self._opened(raw, digest, checkpoint.epoch)
        except AllianceError as error:
            found = judgement(error, _BLOCK, where())
            if found is error:
                raise
            raise found from error

    def _opened(self, raw: bytes, digest: Digest, epoch: int) -> tuple[EvidenceBlock, tuple[SealedSegment, ...] | None]:
        domain, keys = self._domain, self._keyring.public_keys
        clear = scan.evidence(raw, domain, keys=keys, signers=self._signers) or block.read(raw, domain, keys=keys)
        if clear.alg == block.PLAIN:
            return clear, _sealed(clear) or block.unlock(clear)
        sealed = self._opening.tried(lambda key: block.unlock(clear, content_key=key), digest, [epoch])
        return clear, sealed

    def _first_broken(
        self, raw: bytes, digest: Digest, checkpoint: Checkpoint, where: Callable[[], Where], head: Head
    ) -> int | None:
        """First seq of the first segment in altered bytes that does not hold; None if they cannot be read at all."""
        try:
            clear, sealed = self._opened(raw, digest, checkpoint.epoch)
        except AllianceError:
            return None
        for at, signed in enumerate(clear.signed):
            try:
                check_continues(head, signed.segment)
                self._standing(signed, checkpoint, where)
                if sealed is not None:
                    contents.checked(sealed[at])
            except AllianceError:
                return head.next_seq
            head = Head(next_seq=signed.segment.next_seq, digest=signed.digest)
        return None

    # ---- one segment ----

    def _continue(
        self, stream: Stream, signed: SignedSegment, checkpoint: Checkpoint, where: Callable[[], Where]
    ) -> None:
        segment = signed.segment
        if stream != (segment.device, segment.channel):
            at = replace(where(), seq=segment.first_seq)
            named = f"0x{segment.device.hex()}/{segment.channel}"
            raise diverged(f"{_BLOCK} (stream)", f"0x{stream[0].hex()}/{stream[1]}", named, where=at)
        head = self._heads.get(stream, START)
        past = self._past.get(stream)
        if past is None:
            past = self._past[stream] = deque(maxlen=EPOCHS_BESIDE)
        if stream in self._lost:
            self._lost.discard(stream)
        elif (segment.first_seq, segment.prev) != (head.next_seq, head.digest):
            try:
                check_continues(head, segment)
            except StreamBroken as broken:
                at = replace(where(), seq=segment.first_seq)
                raise _broken(broken, breach(head, signed, past), at) from broken
        past.append(signed)
        if stream in self._history:
            self.found.history.setdefault(stream, []).append((checkpoint.epoch, signed))
        self._heads[stream] = Head(next_seq=segment.next_seq, digest=signed.digest)

    def _standing(self, signed: SignedSegment, checkpoint: Checkpoint, where: Callable[[], Where]) -> Standing:
        """What the signer's key was worth; a key that never counted for the device is refused."""
        at, device = checkpoint.at, signed.segment.device
        if self._at is not at:
            self._at, self._standings = at, {}
        known = (device, signed.signer)
        standing = self._standings.get(known)
        if standing is None:
            standing = self._standings[known] = self._keyring.standing(device, signed.signer, at)
        if standing in (Standing.STRANGER, Standing.OWNER):
            got = f"0x{signed.signer.hex()} ({standing.value})"
            place = replace(where(), seq=signed.segment.first_seq)
            raise diverged(_KEY, "a confirmed key of the device, not its owner's", got, where=place)
        return standing

    def _judged(
        self, one: SealedSegment, checkpoint: Checkpoint, where: Callable[[], Where]
    ) -> tuple[Contents, Checkpoint, Standing]:
        """A segment's readings and what its key was worth."""
        standing = self._standing(one.signed, checkpoint, where)
        return self._read(one, where), checkpoint, standing

    def _read(self, one: SealedSegment, where: Callable[[], Where]) -> Contents:
        """A segment's readings, checked against what was signed."""
        try:
            return contents.checked(one)
        except AllianceError:
            with judged(_CONTENTS, where=replace(where(), seq=one.signed.segment.first_seq)):
                return contents.checked(one)

    def _measured(self, one: SealedSegment, found: Contents, checkpoint: Checkpoint, standing: Standing) -> Measured:
        """What a settlement needs of a segment."""
        segment, signer = one.signed.segment, one.signed.signer
        limits = bracket(beacon_ms=self._beacon_ms(segment), checkpoint_ms=checkpoint.at.timestamp_s * 1000)
        return Measured(
            checkpoint, signer, segment.count, found.readings(self._places(segment, found, limits)), limits, standing
        )

    def _places(self, segment: Segment, found: Contents, limits: Bracket) -> Sequence[int]:
        """The readings that may be edges; those outside their bracket are counted on the way."""
        stream, times = (segment.device, segment.channel), found.times_ms
        if not times:
            return ()
        since = self._latest_ms.get(stream, 0)
        low, high = min(times), max(times)
        if low < limits.earliest_ms or high > limits.latest_ms:
            self.found.outside += sum(1 for t in times if not limits.earliest_ms <= t <= limits.latest_ms)
        self._latest_ms[stream] = max(since, min(max(high, limits.earliest_ms), limits.latest_ms))
        if not found.plain:
            return range(len(times))
        return boundary_places(times, limits=limits, since_ms=since)

    def _beacon_ms(self, segment: Segment) -> int | None:
        """When the block that a segment names was mined; None when it names none, or one that the chain lacks."""
        if segment.beacon_block > self._facts.head.number:
            return None
        found = self._facts.headers(segment.beacon_block)
        return found.timestamp_s * 1000 if found is not None and found.hash == segment.beacon_hash else None

    def _check_registers(self, stream: Stream, found: Contents, where: Callable[[], Where]) -> None:
        """The first reading of a segment follows the last one of the segment before."""
        if not found.times_ms:
            return
        before = self._last.get(stream)
        if before is not None and not before.precedes(found):
            last, first = before.reading(len(before.times_ms) - 1), found.reading(0)
            with judged(_FOLLOWS, where=replace(where(), seq=first.seq)):
                check_follows(last, first)
        self._last[stream] = found

    # ---- one epoch ----

    def _check_row(
        self, row: Row, made: Manifest, signed: Sequence[SignedSegment], before: Head, where: Callable[[], Where]
    ) -> None:
        frozen = self._keyring.frozen(row.device, as_of_block=made.as_of_block)
        start = epoch_start_ms(made.epoch, epoch_seconds=self._epoch_s)
        if len(signed) == 1 and not frozen and _is_live(row, signed[0], start):
            return
        want = manifest.row_of(
            row.device, row.channel, segments=signed, head=before.digest, evidence=row.evidence, epoch_start_ms=start,
            frozen=any(one.signer in frozen for one in signed),
        )  # fmt: skip
        if want == row:
            return
        for name in ("first_seq", "last_seq", "head", "status"):
            expected, got = getattr(want, name), getattr(row, name)
            if expected != got:
                raise diverged(f"{_ROW} ({name})", _shown(expected), _shown(got), where=where())

    def _check_entries(
        self, checkpoint: Checkpoint, entries: list[Entry], signed: list[SignedSegment], *, whole: bool
    ) -> None:
        """All of an epoch's segments are its entries in order; of those not all read, each is among them."""
        if whole:
            try:
                log.check_order(checkpoint.epoch, entries, signed)
            except EntriesDisordered as disordered:
                where = epoch_place(checkpoint.epoch, self._scope.days)
                beside = signed[disordered.at - 1 : disordered.at] if disordered.at else signed[:1]
                place = self._segment_place(checkpoint.epoch, beside[0]) if beside else where
                raise diverged(_ORDER, "exactly the epoch's segments", disordered.why, where=place) from disordered
            return
        known = set(entries)
        for one in signed:
            if log.segment_entry(one) not in known:
                raise diverged(_ORDER, "the segment's entry", "none", where=self._segment_place(checkpoint.epoch, one))

    def _keep(self, stream: Stream, measured: Measured) -> None:
        self.found.streams.setdefault(stream, []).append(measured)

    def _segment_place(self, epoch: int, signed: SignedSegment) -> Where:
        s = signed.segment
        return self._place(epoch, (s.device, s.channel), seq=s.first_seq)

    def _placed(self, epoch: int, stream: Stream, seq: int | None) -> Callable[[], Where]:
        """A stream's place, made when it is asked for: hardly any is."""
        return partial(self._place, epoch, stream, seq)

    def _place(self, epoch: int, stream: Stream, seq: int | None) -> Where:
        device, channel = stream
        return Where(
            epoch=epoch, slot=slot_of(epoch, self._scope.days), device=device, channel=channel, seq=seq,
            station=self._keyring.station(device, channel),
        )  # fmt: skip


def _sealed(clear: EvidenceBlock) -> tuple[SealedSegment, ...] | None:
    """A plain block's segments with what they cover, None when its payload is not read by pattern."""
    hidden = scan.payload(clear.payload)
    if hidden is None or len(hidden) != len(clear.signed):
        return None
    return tuple(
        [
            SealedSegment(signed=signed, secret=secret, readings=readings)
            for signed, (secret, readings) in zip(clear.signed, hidden, strict=True)
        ]
    )


def _is_live(row: Row, one: SignedSegment, epoch_start_ms: int) -> bool:
    """Whether a row is that of one segment with readings of its epoch: what `manifest.row_of` makes of most rows."""
    s = one.segment
    return (
        row.status is RowStatus.LIVE
        and s.count > 0
        and row.first_seq == s.first_seq
        and row.last_seq == s.next_seq - 1
        and row.head == one.digest
        and s.t_first_ms >= epoch_start_ms
    )


def breach(head: Head, signed: SignedSegment, past: Iterable[SignedSegment]) -> str:
    """What a segment that does not continue its stream looks like, in one word (protocol 3.3, 3.5).

    `replayed`: it stands earlier in the stream. `equivocated`: its key signed another one for the same place. `forked`:
    it goes on from another segment than the last. `withheld`: readings before it are not there.
    """
    known = tuple(past)
    if any(one.digest == signed.digest for one in known):
        return "replayed"
    if any(conflict(one, signed) for one in known):
        return "equivocated"
    return "withheld" if signed.segment.first_seq > head.next_seq else "forked"


def _broken(error: StreamBroken, kind: str, where: Where) -> Diverged:
    want = f"first_seq={error.want_first_seq} prev={_shown(error.want_prev)}"
    got = f"first_seq={error.got_first_seq} prev={_shown(error.got_prev)}"
    return diverged(f"{_STREAM} ({kind})", want, got, where=where)


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return "none" if value is None else str(value)


def counted(segments: Sequence[Measured]) -> Iterator[Measured]:
    """The segments that count: those up to the last one that a valid key signed (protocol 6.4)."""
    last = max((at for at, m in enumerate(segments) if m.standing is Standing.VALID), default=-1)
    return (m for at, m in enumerate(segments) if at <= last)
