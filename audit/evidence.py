"""Step 4 (protocol 11.2, 2, 3, 4.4, 6): the readings behind a day, each signed, chained, logged, and by whose key.

Every channel is checked from a day before the day to a day after it; of later evidence, what a correction may have
seen, the meters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from alliance.calendar import SLOTS_A_DAY, Day, epoch_start_ms
from alliance.errors import AllianceError
from alliance.identity import Digest
from alliance.quantity import Bracket, bracket
from alliance.reading import ChannelKind, Reading, check_follows
from alliance.segment import START, Head, SignedSegment, check_continues
from audit.blocks import Blocks
from audit.facts import Facts
from audit.finding import Diverged, Where, diverged, expect, judged
from audit.keys import Keyring, Standing
from audit.manifests import Course, Stream, epoch_place, head_after, rows_with_evidence
from chain.events import Checkpoint
from oracle import block, log, manifest
from oracle.log import EntriesDisordered, Entry
from oracle.manifest import Manifest, Row
from oracle.segment import SealedSegment, check_contents

EPOCHS_BESIDE = 96
"""Evidence is read from so many epochs before the day on (protocol 8.4.1), and in full up to so many after it."""

_BLOCK = "protocol 4.4: the evidence block that the row names"
_STREAM = "protocol 3.3: a segment continues its stream"
_CONTENTS = "protocol 3.2: a segment's readings are what was signed"
_FOLLOWS = "protocol 2.4: readings follow each other"
_KEY = "protocol 6.3: a confirmed key of the device signed"
_ROW = "protocol 4.3: the row says what the segments are"
_ORDER = "protocol 4.2: the epoch's entries are its segments, in order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A checked segment: where it was logged, when it was made, and what its signer's key was worth."""

    checkpoint: Checkpoint
    sealed: SealedSegment
    readings: tuple[Reading, ...]
    limits: Bracket
    standing: Standing


@dataclass(slots=True, kw_only=True)
class Evidence:
    """The meters' segments behind a day, in the order of their streams, and how much was checked."""

    meters: dict[Stream, list[Measured]] = field(default_factory=dict)
    epochs: int = 0
    segments: int = 0
    readings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is read of the evidence, epoch by epoch."""

    day: Day
    meters: frozenset[Stream]
    first_epoch: int
    last_whole: int
    """The last epoch of which every channel is read; of later ones the meters are."""
    last_epoch: int

    def reads(self, row: Row, epoch: int) -> bool:
        """Whether a row's evidence is read."""
        return epoch <= self.last_whole or (row.device, row.channel) in self.meters


def scope_of(keyring: Keyring, *, day: Day, last_seen: int) -> Scope:
    """The scope of a day whose statements see the log up to an epoch."""
    meters = frozenset((c.device, c.channel) for c in keyring.channels if c.kind is ChannelKind.METER)
    whole = day.first_slot + SLOTS_A_DAY - 1 + EPOCHS_BESIDE
    return Scope(
        day=day,
        meters=meters,
        first_epoch=day.first_slot - EPOCHS_BESIDE,
        last_whole=whole,
        last_epoch=max(whole, last_seen),
    )


class EvidenceCheck:
    """The audited streams while they grow, epoch by epoch; `found` is what was read so far."""

    def __init__(self, facts: Facts, keyring: Keyring, blocks: Blocks, *, scope: Scope, course: Course) -> None:
        self._facts, self._keyring, self._blocks, self._scope = facts, keyring, blocks, scope
        self._heads: dict[Stream, Head] = dict(course.heads)
        self._last: dict[Stream, Reading] = {}
        self.found = Evidence()
        self._read_latest(course)

    def add(self, checkpoint: Checkpoint, made: Manifest, entries: list[Entry]) -> None:
        """Check the next epoch's evidence. Raises Diverged or Unread."""
        segments = [segment for row in rows_with_evidence(made) for segment in self._row(row, made, checkpoint)]
        self._check_entries(checkpoint, made, entries, segments)
        self.found.epochs += 1

    def _read_latest(self, course: Course) -> None:
        """Of each meter the last segment with readings before the audited epochs: it may bracket a gap."""
        for stream, (checkpoint, digest) in sorted(course.latest.items(), key=lambda item: item[0]):
            if stream not in self._scope.meters:
                continue
            where = self._place(checkpoint.epoch, stream, seq=None)
            sealed = self._open(digest, checkpoint, where, head=None)
            for measured in [m for one in sealed if (m := self._measured(one, checkpoint, where)).readings][-1:]:
                self._keep(stream, measured)

    def _row(self, row: Row, made: Manifest, checkpoint: Checkpoint) -> Iterator[SealedSegment]:
        """A row's segments, checked; one that is out of scope only moves its stream's head."""
        stream = (row.device, row.channel)
        before = self._heads.get(stream, START)
        if not self._scope.reads(row, checkpoint.epoch):
            self._heads[stream] = head_after(row, before)
            self._last.pop(stream, None)
            return
        assert row.evidence is not None
        where = self._place(checkpoint.epoch, stream, seq=before.next_seq)
        sealed = self._open(row.evidence, checkpoint, where, head=before)
        for one in sealed:
            self._continue(stream, one, where)
            measured = self._measured(one, checkpoint, where)
            self._check_registers(stream, measured, where)
            if stream in self._scope.meters:
                self._keep(stream, measured)
            self.found.segments += 1
            self.found.readings += len(measured.readings)
            yield one
        self._check_row(row, made, sealed, before, where)

    def _open(
        self, digest: Digest, checkpoint: Checkpoint, where: Where, *, head: Head | None
    ) -> tuple[SealedSegment, ...]:
        """A row's segments; an altered block is reported at the first one inside that does not hold."""
        try:
            raw = self._blocks.get(digest, rule=_BLOCK, where=where)
        except Diverged as refused:
            bent = self._blocks.altered(digest)
            seq = None if bent is None or head is None else self._first_broken(bent, checkpoint, where, head)
            place = where if seq is None else replace(where, seq=seq)
            raise Diverged(found=replace(refused.found, where=place)) from refused
        with judged(_BLOCK, where=where):
            return block.decode(raw, self._facts.deployment.domain)

    def _first_broken(self, raw: bytes, checkpoint: Checkpoint, where: Where, head: Head) -> int | None:
        """First seq of the first segment in altered bytes that does not hold; None if they cannot be read at all."""
        try:
            sealed = block.decode(raw, self._facts.deployment.domain)
        except AllianceError:
            return None
        for one in sealed:
            try:
                check_continues(head, one.signed.segment)
                self._measured(one, checkpoint, where)
            except AllianceError:
                return head.next_seq
            head = Head(next_seq=one.signed.segment.next_seq, digest=one.signed.digest)
        return None

    def _continue(self, stream: Stream, one: SealedSegment, where: Where) -> None:
        segment = one.signed.segment
        named = (segment.device, segment.channel)
        at = replace(where, seq=segment.first_seq)
        expect(f"{_BLOCK} (stream)", f"0x{stream[0].hex()}/{stream[1]}", f"0x{named[0].hex()}/{named[1]}", where=at)
        head = self._heads.get(stream, START)
        with judged(_STREAM, where=at):
            check_continues(head, segment)
        self._heads[stream] = Head(next_seq=segment.next_seq, digest=one.signed.digest)

    def _measured(self, one: SealedSegment, checkpoint: Checkpoint, where: Where) -> Measured:
        """A segment's readings, checked against what was signed, and the standing of the key that signed."""
        signed = one.signed
        segment, at = signed.segment, replace(where, seq=signed.segment.first_seq)
        standing = self._keyring.standing(segment.device, signed.signer, checkpoint.at)
        if standing in (Standing.STRANGER, Standing.OWNER):
            got = f"0x{signed.signer.hex()} ({standing.value})"
            raise diverged(_KEY, "a confirmed key of the device, not its owner's", got, where=at)
        with judged(_CONTENTS, where=at):
            readings = check_contents(one)
        limits = bracket(beacon_ms=self._beacon_ms(one), checkpoint_ms=checkpoint.at.timestamp_s * 1000)
        return Measured(checkpoint=checkpoint, sealed=one, readings=readings, limits=limits, standing=standing)

    def _beacon_ms(self, one: SealedSegment) -> int | None:
        """When the block that a segment names was mined; None when it names none, or one that the chain lacks."""
        segment = one.signed.segment
        if segment.beacon_block > self._facts.head.number:
            return None
        found = self._facts.headers(segment.beacon_block)
        return found.timestamp_s * 1000 if found is not None and found.hash == segment.beacon_hash else None

    def _check_registers(self, stream: Stream, measured: Measured, where: Where) -> None:
        """The first reading of a segment follows the last one of the segment before."""
        if not measured.readings:
            return
        first, before = measured.readings[0], self._last.get(stream)
        if before is not None:
            with judged(_FOLLOWS, where=replace(where, seq=first.seq)):
                check_follows(before, first)
        self._last[stream] = measured.readings[-1]

    def _check_row(self, row: Row, made: Manifest, sealed: Sequence[SealedSegment], before: Head, where: Where) -> None:
        signed = [one.signed for one in sealed]
        frozen = self._keyring.frozen(row.device, as_of_block=made.as_of_block)
        start = epoch_start_ms(made.epoch, epoch_seconds=self._facts.deployment.epoch_seconds)
        want = manifest.row_of(
            row.device, row.channel, segments=signed, head=before.digest, evidence=row.evidence, epoch_start_ms=start,
            frozen=any(one.signer in frozen for one in signed),
        )  # fmt: skip
        for name in ("first_seq", "last_seq", "head", "status"):
            expect(f"{_ROW} ({name})", getattr(want, name), getattr(row, name), where=where)

    def _check_entries(
        self, checkpoint: Checkpoint, made: Manifest, entries: list[Entry], segments: list[SealedSegment]
    ) -> None:
        """All of an epoch's segments are its entries in order; of those not all read, each is among them."""
        where = epoch_place(checkpoint.epoch, self._scope.day)
        signed = [one.signed for one in segments]
        if all(self._scope.reads(row, checkpoint.epoch) for row in rows_with_evidence(made)):
            try:
                log.check_order(checkpoint.epoch, entries, signed)
            except EntriesDisordered as disordered:
                beside = signed[disordered.at - 1 : disordered.at] if disordered.at else signed[:1]
                place = self._segment_place(checkpoint.epoch, beside[0]) if beside else where
                raise diverged(_ORDER, "exactly the epoch's segments", disordered.why, where=place) from disordered
            return
        known = set(entries)
        for one in signed:
            if log.segment_entry(one) not in known:
                raise diverged(_ORDER, "the segment's entry", "none", where=self._segment_place(checkpoint.epoch, one))

    def _keep(self, stream: Stream, measured: Measured) -> None:
        self.found.meters.setdefault(stream, []).append(measured)

    def _segment_place(self, epoch: int, signed: SignedSegment) -> Where:
        s = signed.segment
        return self._place(epoch, (s.device, s.channel), seq=s.first_seq)

    def _place(self, epoch: int, stream: Stream, seq: int | None) -> Where:
        device, channel = stream
        return replace(
            epoch_place(epoch, self._scope.day),
            station=self._keyring.station(device, channel),
            device=device,
            channel=channel,
            seq=seq,
        )
