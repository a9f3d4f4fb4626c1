"""Lies about the log: segments withheld, reordered, replayed, altered, signed by others; rows, entries, manifests bent.

Each is told of one piece: hashed, rebuilt and anchored again, as an operator with all his keys would do it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.reading import Reading
from alliance.segment import Head, Segment
from audit.settlement import LOGGED_WITHIN
from oracle import block, cbor, log, segment
from oracle import reading as reading_bytes
from oracle.eip712 import Domain
from oracle.log import Entry, EntryType
from oracle.manifest import Manifest, Row, RowStatus
from oracle.segment import SealedSegment
from tests.audit.world import BATTERY, BOXES, DAY, FIRST_EPOCH, LAST_EPOCH, METER, OWNERS, STRANGER
from tests.campaigns.evidence_cases import Kind, Named, Teller, Told, at_epoch, at_stream
from tests.campaigns.evidence_story import Segments, Story, Stream
from tests.campaigns.evidence_story import Told as Epoch
from tests.campaigns.evidence_world import FROZEN_STREAM_LAST_EPOCH, SECOND_KEY, SILENT, SPARE, SPARE_STREAM

KINDS: list[Kind] = []
LAST_SPOKEN = LAST_EPOCH - 2
"""The last epoch in which a lie is told that only the stream's next segment gives away."""


def kind(name: str, weight: int = 1) -> Callable[[Teller], Teller]:
    """Registers a class of consistent lies."""

    def register(tell: Teller) -> Teller:
        KINDS.append(Kind(name=name, tell=tell, weight=weight, consistent=True))
        return tell

    return register


# ---- choosing ----


def an_epoch(story: Story, rng: Random, *, last: int = LAST_SPOKEN) -> int:
    """Some epoch of the log."""
    return rng.randint(FIRST_EPOCH + 2, last)


def a_spot(story: Story, rng: Random, *, last: int = LAST_SPOKEN, least: int = 1) -> tuple[int, Stream]:
    """Some epoch and a stream that closed exactly one segment in it, with so many readings."""
    while True:
        epoch = an_epoch(story, rng, last=last)
        streams = [
            stream
            for stream, listed in story.told[epoch].segments.items()
            if len(listed) == 1 and listed[0].signed.segment.count >= least
        ]
        if streams:
            return epoch, rng.choice(sorted(streams))


def next_spoken(story: Story, epoch: int, stream: Stream) -> int:
    """The next epoch after this one in which a stream brings a segment."""
    return next(e for e in range(epoch + 1, max(story.told) + 1) if story.told[e].segments.get(stream))


def first_seq(story: Story, epoch: int, stream: Stream) -> int:
    """The first seq of what a stream brings in an epoch."""
    return story.told[epoch].segments[stream][0].signed.segment.first_seq


def key_of(story: Story, one: SealedSegment):
    """The key that signed a segment of the world."""
    known = {key.address: key for key in (*BOXES, SPARE, SECOND_KEY)}
    return known[one.signed.signer]


# ---- telling ----


def with_segments(stream: Stream, listed: tuple[SealedSegment, ...]) -> Callable[[Epoch], Epoch]:
    """An epoch in which a stream brings other segments, or none."""
    return lambda told: replace(told, segments=_put(told.segments, stream, listed))


def with_evidence(stream: Stream, listed: tuple[SealedSegment, ...]) -> Callable[[Epoch], Epoch]:
    """An epoch whose log is as it was and whose evidence block holds other things."""
    return lambda told: replace(told, archived=_put(told.segments, stream, listed))


def _put(segments: Segments, stream: Stream, listed: tuple[SealedSegment, ...]) -> dict:
    rest = {s: found for s, found in segments.items() if s != stream}
    return rest | ({stream: listed} if listed else {})


def with_row(stream: Stream, change: Callable[[Row], Row | None]) -> Callable[[Epoch], Epoch]:
    """An epoch in which a stream's row says another thing, or is missing."""

    def rows(found: tuple[Row, ...]) -> tuple[Row, ...]:
        told = [change(row) if (row.device, row.channel) == stream else row for row in found]
        return tuple(row for row in told if row is not None)

    return lambda told: replace(told, rows=rows)


def signed_by(
    story: Story, one: SealedSegment, signer, *, domain: Domain | None = None, **changes: object
) -> SealedSegment:
    """The segment with changed fields, signed by a key."""
    bent = replace(one.signed.segment, **changes)
    return replace(one, signed=segment.sign(bent, domain=domain or story.deployment.domain, signer=signer))


def claimed(story: Story, one: SealedSegment, **changes: object) -> SealedSegment:
    """The segment with changed fields under its old signature."""
    bent = replace(one.signed.segment, **changes)
    signed = replace(one.signed, segment=bent, digest=segment.digest(bent, story.deployment.domain))
    return replace(one, signed=signed)


def measured_again(story: Story, one: SealedSegment, readings: list[Reading]) -> SealedSegment:
    """The segment over other readings, closed and signed as a box does it (with the box's own key)."""
    raw = b"".join(map(reading_bytes.encode, readings))
    signed = signed_by(
        story, one, key_of(story, one), root=segment.readings_root(raw), count=len(readings),
        t_first_ms=readings[0].t_ms, t_last_ms=readings[-1].t_ms,
    )  # fmt: skip
    return replace(signed, readings=raw)


# ---- withheld ----


@kind("withheld.mid-stream", 4)
def _(story: Story, rng: Random) -> Told:
    """A stream is called silent for an epoch though it spoke; its next segment does not go on from there."""
    epoch, stream = a_spot(story, rng)
    later, seq = next_spoken(story, epoch, stream), first_seq(story, epoch, stream)
    tale = story.retell({epoch: with_segments(stream, ())})
    after = story.told[later].segments[stream][0].signed.segment
    if not after.count:  # a gap record: its row tells no first reading, the segment itself does
        return tale, (Named(clause="3.3", says="withheld", where=at_stream(later, stream, after.first_seq)),)
    return tale, (Named(clause="4.3", says="goes on", where=at_stream(later, stream, seq)),)


@kind("withheld.gap-record", 1)
def _(story: Story, rng: Random) -> Told:
    """A signed gap record is left out: seq goes on, but prev does not."""
    gaps = [slot for slot in story.scene.plot.gaps if slot < 90]
    epoch, stream = DAY.first_slot + rng.choice(gaps), (BOXES[2].address, BATTERY)
    later = next_spoken(story, epoch, stream)
    tale = story.retell({epoch: with_segments(stream, ())})
    where = at_stream(later, stream, first_seq(story, later, stream))
    return tale, (Named(clause="3.3", where=where),)


@kind("withheld.second-of-two", 1)
def _(story: Story, rng: Random) -> Told:
    """Of two segments of an epoch only the first is logged."""
    epoch, stream = DAY.first_slot + rng.choice(sorted(story.scene.plot.doubles)), (BOXES[1].address, BATTERY)
    two = story.told[epoch].segments[stream]
    at, kept = rng.choice([(0, two[1:]), (1, two[:1])])
    tale = story.retell({epoch: with_segments(stream, kept)})
    if at:
        later = next_spoken(story, epoch, stream)
        return tale, (
            Named(clause="4.3", says="goes on", where=at_stream(later, stream, two[1].signed.segment.first_seq)),
        )
    return tale, (Named(clause="4.3", says="goes on", where=at_stream(epoch, stream, two[0].signed.segment.first_seq)),)


@kind("withheld.reading", 2)
def _(story: Story, rng: Random) -> Told:
    """One reading is cut out of the archived evidence; signature and log stay."""
    epoch, stream = a_spot(story, rng, least=2)
    one = story.told[epoch].segments[stream][0]
    pieces = segment.split_readings(one.readings)
    del pieces[rng.randrange(len(pieces))]
    tale = story.retell({epoch: with_evidence(stream, (replace(one, readings=b"".join(pieces)),))})
    return tale, (Named(clause="3.2", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


@kind("withheld.segment-of-evidence", 1)
def _(story: Story, rng: Random) -> Told:
    """The log has both segments of an epoch, the evidence block one."""
    epoch, stream = DAY.first_slot + rng.choice(sorted(story.scene.plot.doubles)), (BOXES[1].address, BATTERY)
    two = story.told[epoch].segments[stream]
    cut = rng.randrange(2)
    tale = story.retell({epoch: with_evidence(stream, (two[1 - cut],))})
    clause = "4.3" if cut else "3.3"
    at = two[0] if cut else two[1]
    return tale, (Named(clause=clause, where=at_stream(epoch, stream, at.signed.segment.first_seq)),)


# ---- reordered, replayed, back-dated, merged ----


@kind("reordered.entries", 4)
def _(story: Story, rng: Random) -> Told:
    """Two of an epoch's segment entries change places."""
    epoch = an_epoch(story, rng)
    count = sum(map(len, story.told[epoch].segments.values()))
    a, b = sorted(rng.sample(range(1, count + 1), 2))

    def swap(entries: list[Entry]) -> list[Entry]:
        entries[a], entries[b] = entries[b], entries[a]
        return entries

    tale = story.retell({epoch: lambda told: replace(told, entries=swap)})
    told = story.told[epoch]
    signed = [(s, one.signed) for s in sorted(told.segments) for one in told.segments[s]]
    stream, first = signed[a - 1]
    return tale, (Named(clause="4.2", says="in order", where=at_stream(epoch, stream, first.segment.first_seq)),)


@kind("reordered.epoch-entry", 1)
def _(story: Story, rng: Random) -> Told:
    """The epoch's own entry does not stand first, or is not there, or is another epoch's."""
    epoch = an_epoch(story, rng)
    change = rng.choice(
        [
            lambda e: [e[1], e[0], *e[2:]],
            lambda e: e[1:],
            lambda e: [log.epoch_entry(epoch + rng.choice([-1, 1])), *e[1:]],
        ]
    )
    tale = story.retell({epoch: lambda told: replace(told, entries=change)})
    return tale, (Named(clause="4.2", says="epoch's entries", where=at_epoch(epoch)),)


@kind("reordered.documents", 1)
def _(story: Story, rng: Random) -> Told:
    """The rule documents of an epoch change places."""
    epoch = FIRST_EPOCH
    tale = story.retell({epoch: lambda told: replace(told, entries=lambda e: [*e[:-2], e[-1], e[-2]])})
    return tale, (Named(clause="4.2", says="in order", where={"epoch": epoch}),)


@kind("reordered.segments", 1)
def _(story: Story, rng: Random) -> Told:
    """The two segments of an epoch are logged and archived the wrong way round."""
    epoch, stream = DAY.first_slot + rng.choice(sorted(story.scene.plot.doubles)), (BOXES[1].address, BATTERY)
    first, second = story.told[epoch].segments[stream]
    tale = story.retell({epoch: with_segments(stream, (second, first))})
    seqs = [one.signed.segment.first_seq for one in (first, second)]
    return tale, (Named(clause="4.3", where=at_stream(epoch, stream, seqs[0])),)


@kind("replayed.segment", 3)
def _(story: Story, rng: Random) -> Told:
    """A segment of an earlier epoch is logged once more in the place of the new one, or beside it."""
    epoch, stream = a_spot(story, rng)
    while story.first_epoch + 3 > epoch:
        epoch, stream = a_spot(story, rng)
    before = [e for e in range(story.first_epoch, epoch) if story.told[e].segments.get(stream)]
    old = story.told[rng.choice(before)].segments[stream]
    new = story.told[epoch].segments[stream]
    listed = rng.choice([old, (*old, *new), (*new, *old)])
    tale = story.retell({epoch: with_segments(stream, listed)})
    return tale, (Named(clause="4.2", says="once", where=at_epoch(epoch)),)


@kind("replayed.entry", 2)
def _(story: Story, rng: Random) -> Told:
    """An entry stands in the log again: an earlier epoch's, or this epoch's."""
    epoch = an_epoch(story, rng)
    source = rng.randint(story.first_epoch, epoch)
    entries = log.decode_entries(story.blocks[story.manifests[source].entries])
    again = rng.choice(entries[1:])
    place = rng.choice([lambda e: [*e, again], lambda e: [e[0], again, *e[1:]]])
    tale = story.retell({epoch: lambda told: replace(told, entries=place)})
    return tale, (Named(clause="4.2", says="once", where=at_epoch(epoch)),)


@kind("replayed.document", 1)
def _(story: Story, rng: Random) -> Told:
    """The plan or a rule pack is logged again, so that the older one would bind."""
    epoch = an_epoch(story, rng)
    known = [o for e, told in story.told.items() for o in told.others if e < epoch and e < FIRST_EPOCH + 3]
    again = rng.choice(known)
    tale = story.retell({epoch: lambda told: replace(told, others=(*told.others, again))})
    return tale, (Named(clause="4.2", says="once", where=at_epoch(epoch)),)


@kind("backdated.late-as-live", 1)
def _(story: Story, rng: Random) -> Told:
    """A row that brings an earlier epoch's reading is called live."""
    epoch, stream = DAY.first_slot + story.scene.plot.late + 1, (BOXES[1].address, METER)
    if rng.random() < 0.5:
        epoch, stream = LAST_EPOCH + 1, (BOXES[0].address, METER)
    tale = story.retell({epoch: with_row(stream, lambda row: replace(row, status=RowStatus.LIVE))})
    where = at_stream(epoch, stream, first_seq(story, epoch, stream))
    return tale, (Named(clause="4.3", says="status", where=where),)


@kind("backdated.shifted-epoch", 2)
def _(story: Story, rng: Random) -> Told:
    """What came late is put into the epoch before, or all of a stream's segments stand an epoch too late as live."""
    epoch, stream = a_spot(story, rng)
    later = next_spoken(story, epoch, stream)
    both = (*story.told[epoch].segments[stream], *story.told[later].segments[stream])
    changes = {
        epoch: with_segments(stream, ()),
        later: lambda told: with_row(stream, lambda row: replace(row, status=RowStatus.LIVE))(
            with_segments(stream, both)(told)
        ),
    }
    tale = story.retell(changes)
    where = at_stream(later, stream, both[0].signed.segment.first_seq)
    return tale, (Named(clause="4.3", says="status", where=where),)


@kind("backdated.times", 2)
def _(story: Story, rng: Random) -> Told:
    """tFirst or tLast of a segment is not that of its readings, though the box's key signed it."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    field = rng.choice(["t_first_ms", "t_last_ms"])
    value = getattr(one.signed.segment, field) - rng.choice([1, 1000, 900_000, 86_400_000])
    bent = signed_by(story, one, key_of(story, one), **{field: value})
    tale = story.retell({epoch: with_segments(stream, (bent,))})
    return tale, (Named(clause="3.2", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


@kind("merged.epochs", 2)
def _(story: Story, rng: Random) -> Told:
    """Two epochs' entries stand in one, epoch entries and all; in the other one entry only lets the log grow."""
    epoch = an_epoch(story, rng)
    into, other = rng.choice([(epoch, epoch + 1), (epoch + 1, epoch)])
    moved = log.decode_entries(story.blocks[story.manifests[other].entries])
    filler = Entry(EntryType.INSTRUCTION, rng.randbytes(64))
    changes = {
        into: lambda told: replace(told, entries=lambda e: [*e, *moved]),
        other: lambda told: replace(told, entries=lambda e: [filler]),
    }
    tale = story.retell(changes)
    right = Named(clause="4.2", says="epoch's entries", where=at_epoch(other))
    disorder = Named(clause="4.2", says="in order", where={"epoch": into})
    return tale, (right if other < into else disorder,)


@kind("missing.epoch-of-entries", 2)
def _(story: Story, rng: Random) -> Told:
    """An epoch is anchored with its own entry alone: every stream is called silent."""
    epoch = an_epoch(story, rng)
    silenced = story.told[epoch].segments
    tale = story.retell({epoch: lambda told: replace(told, segments={})})
    spoken = {s for s in silenced if story.told[epoch + 1].segments.get(s)}
    stream = min(spoken)
    seq = story.heads[epoch][stream].next_seq if stream in story.heads[epoch] else 0
    gap = not sum(one.signed.segment.count for one in silenced[stream])
    clause = "3.3" if gap else "4.3"
    return tale, (Named(clause=clause, where=at_stream(epoch + 1, stream, seq)),)


# ---- entries ----


@kind("entry.missing", 3)
def _(story: Story, rng: Random) -> Told:
    """A segment stands in its evidence block and not in the log."""
    epoch, stream = a_spot(story, rng)
    signed = story.told[epoch].segments[stream][0].signed
    entry = log.segment_entry(signed)
    tale = story.retell({epoch: lambda told: replace(told, entries=lambda e: [x for x in e if x != entry])})
    where = at_stream(epoch, stream, signed.segment.first_seq)
    return tale, (Named(clause="4.3", says="goes on", where=where),)


@kind("entry.signature", 2)
def _(story: Story, rng: Random) -> Told:
    """The log's entry of a segment has another signature than the archive's."""
    epoch, stream = a_spot(story, rng)
    signed = story.told[epoch].segments[stream][0].signed
    entry, at = log.segment_entry(signed), 33 + rng.randrange(64)
    body = bytearray(entry.body)
    body[at] ^= 1 << rng.randrange(8)
    bent = Entry(EntryType.SEGMENT, bytes(body))
    tale = story.retell({epoch: lambda told: replace(told, entries=lambda e: [bent if x == entry else x for x in e])})
    where = at_stream(epoch, stream, signed.segment.first_seq)
    return tale, (Named(clause="4.2", says="in order", where=where),)


@kind("entry.foreign-segment", 2)
def _(story: Story, rng: Random) -> Told:
    """The log has an entry of a segment that no evidence block holds."""
    epoch = an_epoch(story, rng)
    stray = Entry(EntryType.SEGMENT, b"\x01" + rng.randbytes(96))
    at = rng.randint(1, len(story.told[epoch].segments))
    tale = story.retell({epoch: lambda told: replace(told, entries=lambda e: [*e[:at], stray, *e[at:]])})
    return tale, (Named(clause="4.2", says="in order", where={"epoch": epoch}),)


@kind("entry.malformed", 2)
def _(story: Story, rng: Random) -> Told:
    """An entry of an unknown type, with another magic, too short or too long; or a block that is no list of bytes."""
    epoch = an_epoch(story, rng)
    entries = [e.raw for e in log.decode_entries(story.blocks[story.manifests[epoch].entries])]
    at = rng.randrange(1, len(entries))
    raw = entries[at]
    entries[at] = rng.choice(
        [raw[:4] + bytes([rng.randint(9, 255)]) + raw[5:], b"SAE2" + raw[4:], raw[:-1], raw + b"\0", raw[:4], b""]
    )
    listed: list[object] = list(entries)
    if rng.random() < 0.3:
        listed[at] = rng.choice([7, None, "text", [raw]])
    tale = story.retell({epoch: lambda told: replace(told, raw_entries=lambda _: cbor.encode(listed))})
    return tale, (Named(clause="4.2", says="epoch's entries", where=at_epoch(epoch)),)


@kind("entry.commitment", 1)
def _(story: Story, rng: Random) -> Told:
    """A document's entry commits to another document than the archive holds."""
    epoch = rng.choice([e for e, told in story.told.items() if told.others and e < LAST_EPOCH])
    at = rng.randrange(len(story.told[epoch].others))
    entry = story.told[epoch].others[at]
    if entry.type not in log.DOCUMENT_TYPES:
        at, entry = next((i, o) for i, o in enumerate(story.told[epoch].others) if o.type in log.DOCUMENT_TYPES)
    body = bytearray(entry.body)
    body[32 + rng.randrange(32)] ^= 1 << rng.randrange(8)
    others = [*story.told[epoch].others]
    others[at] = Entry(entry.type, bytes(body))
    tale = story.retell({epoch: lambda told: replace(told, others=tuple(others))})
    return tale, (Named(clause="4.5", where={"epoch": epoch}),)


@kind("entry.statement-commitment", 1)
def _(story: Story, rng: Random) -> Told:
    """The log's entry of a statement commits to another one, or is of another type, or is missing when it is due."""
    posted = rng.choice(story.postings)
    epoch = story.epoch_of_entry(posted.event.statement)
    entry = posted.document.entry
    body = bytearray(entry.body)
    body[32 + rng.randrange(32)] ^= 1 << rng.randrange(8)
    due = posted.event.at.timestamp_s // story.deployment.epoch_seconds + LOGGED_WITHIN
    missing = [None] if due <= max(story.told) else []
    bent = rng.choice([Entry(entry.type, bytes(body)), Entry(EntryType.INSTRUCTION, entry.body), *missing])
    others = tuple(o for o in (bent if o == entry else o for o in story.told[epoch].others) if o is not None)
    tale = story.retell({epoch: lambda told: replace(told, others=others)})
    return tale, (Named(clause="4.2", says="statement", where={"slot": 96}),)


# ---- manifests and rows ----


@kind("manifest.field", 4)
def _(story: Story, rng: Random) -> Told:
    """A manifest says another thing of its log, epoch, predecessor, size, root, asOf."""
    epoch = an_epoch(story, rng)
    other = Digest(rng.randbytes(32))
    step = rng.choice([-2, -1, 1, 2])
    change, says = rng.choice(
        [
            (lambda m: replace(m, log=other), ("4.3", "checkpoint names")),
            (lambda m: replace(m, epoch=m.epoch + step), ("4.3", "checkpoint names")),
            (lambda m: replace(m, prev=other), ("4.3", "the one before")),
            (lambda m: replace(m, prev=ZERO_DIGEST), ("4.3", "the one before")),
            (lambda m: replace(m, size=m.size + step), ("4.2", "rebuild")),
            (lambda m: replace(m, root=other), ("4.2", "rebuild")),
            (lambda m: replace(m, as_of_block=m.as_of_block + step), ("4.3", "asOf")),
            (lambda m: replace(m, as_of_hash=other), ("4.3", "asOf")),
            (lambda m: _as_of(story, m, -1), ("4.3", "asOf")),
            (lambda m: _as_of(story, m, 1), ("4.3", "asOf")),
        ]
    )
    tale = story.retell({epoch: lambda told: replace(told, manifest=change)})
    return tale, (Named(clause=says[0], says=says[1], where=at_epoch(epoch)),)


def _as_of(story: Story, made: Manifest, step: int) -> Manifest:
    """The manifest as of a block before or after the right one, with that block's hash."""
    number = made.as_of_block + step
    return replace(made, as_of_block=number, as_of_hash=Digest(bytes.fromhex(story.view.blocks[number]["hash"][2:])))


@kind("manifest.malformed", 2)
def _(story: Story, rng: Random) -> Told:
    """A manifest of an unknown version, with a field too many or too few, or not canonical."""
    epoch = an_epoch(story, rng)

    def bent(raw: bytes) -> bytes:
        plain = cbor.decode(raw)
        assert isinstance(plain, dict)
        match rng.randrange(5):
            case 0:
                plain["v"] = rng.randint(2, 99)
            case 1:
                plain["note"] = "x"
            case 2:
                del plain[rng.choice(sorted(plain))]
            case 3:
                return raw + b"\0"
            case 4:
                plain["rows"][0]["status"] = "asleep"
        return cbor.encode(plain)

    tale = story.retell({epoch: lambda told: replace(told, raw_manifest=bent)})
    return tale, (Named(clause="4.3", says="checkpoint names", where=at_epoch(epoch)),)


@kind("row.missing", 3)
def _(story: Story, rng: Random) -> Told:
    """A registered channel has no row: a silent one, a live one, a frozen one."""
    epoch = an_epoch(story, rng)
    stream = rng.choice(sorted(story.told[epoch].streams))
    gone = story.told[epoch].segments.get(stream) and rng.random() < 0.5

    def told(it: Epoch) -> Epoch:
        return with_row(stream, lambda row: None)(with_segments(stream, ())(it) if gone else it)

    tale = story.retell({epoch: told})
    return tale, (
        Named(
            clause="4.3", says="every registered channel", where=at_stream(epoch, stream, _seq(story, epoch, stream))
        ),
    )


@kind("row.doubled", 1)
def _(story: Story, rng: Random) -> Told:
    """A row stands twice."""
    epoch = an_epoch(story, rng)
    stream = rng.choice(sorted(story.told[epoch].streams))

    def twice(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(row for r in rows for row in ([r, r] if (r.device, r.channel) == stream else [r]))

    tale = story.retell({epoch: lambda told: replace(told, rows=twice)})
    return tale, (Named(clause="4.3", says="every registered channel", where=at_stream(epoch, stream)),)


@kind("row.order", 1)
def _(story: Story, rng: Random) -> Told:
    """Two rows stand the wrong way round."""
    epoch = an_epoch(story, rng)
    at = rng.randrange(len(story.told[epoch].streams) - 1)

    def swap(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return (*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :])

    tale = story.retell({epoch: lambda told: replace(told, rows=swap)})
    stream = sorted(story.told[epoch].streams)[at]
    return tale, (Named(clause="4.3", says="every registered channel", where=at_stream(epoch, stream)),)


@kind("row.stray", 1)
def _(story: Story, rng: Random) -> Told:
    """A silent row of a channel that nobody registered."""
    epoch = an_epoch(story, rng)
    device = Address(rng.choice([rng.randbytes(20), BOXES[0].address, BOXES[2].address]))
    channel = rng.randint(8, 65_535)
    stray = Row(
        device=device, channel=channel, first_seq=None, last_seq=None, head=ZERO_DIGEST, evidence=None,
        status=RowStatus.SILENT,
    )  # fmt: skip

    def more(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(sorted((*rows, stray), key=lambda r: (r.device, r.channel)))

    tale = story.retell({epoch: lambda told: replace(told, rows=more)})
    where = {"epoch": epoch, "device": f"0x{device.hex()}", "channel": channel}
    return tale, (Named(clause="4.3", says="every registered channel", where=where),)


@kind("row.status", 6)
def _(story: Story, rng: Random) -> Told:
    """A row is called another thing than it is: live, late, gap, silent, frozen."""
    epoch = rng.randint(FIRST_EPOCH + 2, LAST_EPOCH)
    stream = rng.choice(sorted(story.told[epoch].streams))
    right = story.manifests[epoch].row(*stream).status
    wrong = rng.choice([status for status in RowStatus if status is not right])
    tale = story.retell({epoch: with_row(stream, lambda row: replace(row, status=wrong))})
    return tale, (Named(clause="4.3", says="row", where=at_stream(epoch, stream, _seq(story, epoch, stream))),)


@kind("row.field", 5)
def _(story: Story, rng: Random) -> Told:
    """A row's head, first or last seq is another."""
    epoch = rng.randint(FIRST_EPOCH + 2, LAST_EPOCH)
    stream = rng.choice(sorted(story.told[epoch].streams))
    row = story.manifests[epoch].row(*stream)
    step = rng.choice([1, 2, 60, 10**6])
    bent = rng.choice(
        [
            replace(row, head=Digest(rng.randbytes(32))),
            replace(row, first_seq=(row.first_seq or 0) + step),
            replace(row, last_seq=(row.last_seq or 0) + step),
            replace(row, first_seq=None, last_seq=None)
            if row.first_seq is not None
            else replace(row, first_seq=0, last_seq=0),
        ]
    )
    tale = story.retell({epoch: with_row(stream, lambda _: bent)})
    return tale, (Named(clause="4.3", says="row", where=at_stream(epoch, stream, _seq(story, epoch, stream))),)


@kind("row.evidence", 3)
def _(story: Story, rng: Random) -> Told:
    """A row names another stream's or another epoch's evidence block."""
    epoch, stream = a_spot(story, rng)
    rows = [r for r in story.manifests[epoch].rows if r.evidence and (r.device, r.channel) != stream]
    before = story.manifests[epoch - 1].row(*stream)
    foreign = rng.choice([*rows, *([before] if before and before.evidence else [])])
    tale = story.retell({epoch: with_row(stream, lambda row: replace(row, evidence=foreign.evidence))})
    if (foreign.device, foreign.channel) == stream:
        old = story.told[epoch - 1].segments[stream][0].signed.segment.first_seq
        return tale, (Named(clause="3.3", where=at_stream(epoch, stream, old)),)
    return tale, (Named(clause="4.4", says="stream", where=at_stream(epoch, stream)),)


@kind("row.evidence-missing", 1)
def _(story: Story, rng: Random) -> Told:
    """A row of a stream that spoke names no evidence."""
    epoch, stream = a_spot(story, rng)
    tale = story.retell({epoch: with_row(stream, lambda row: replace(row, evidence=None))})
    return tale, (Named(clause="4.3", says="row", where=at_stream(epoch, stream, _seq(story, epoch, stream))),)


@kind("row.hidden", 2)
def _(story: Story, rng: Random) -> Told:
    """The log has a stream's segment and the row says silent, as if there were none."""
    epoch, stream = a_spot(story, rng)
    before = story.heads[epoch].get(stream)
    silent = Row(
        device=stream[0], channel=stream[1], first_seq=None, last_seq=None,
        head=before.digest if before else ZERO_DIGEST, evidence=None, status=RowStatus.SILENT,
    )  # fmt: skip
    tale = story.retell({epoch: with_row(stream, lambda _: silent)})
    return tale, (Named(clause="4.2", says="in order", where={"epoch": epoch}),)


def _seq(story: Story, epoch: int, stream: Stream) -> int:
    """The seq that a stream goes on with in an epoch."""
    before = story.heads[epoch].get(stream)
    return before.next_seq if before else 0


# ---- altered evidence ----


@kind("altered.reading-byte", 8)
def _(story: Story, rng: Random) -> Told:
    """A byte of a reading is another; the block is stored and anchored under its new address."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    raw = bytearray(one.readings)
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    tale = story.retell({epoch: with_evidence(stream, (replace(one, readings=bytes(raw)),))})
    return tale, (Named(clause="3.2", says="root_wrong", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


@kind("altered.secret", 2)
def _(story: Story, rng: Random) -> Told:
    """A segment's secret is another: the salts do not come from it."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    secret = bytearray(one.secret)
    secret[rng.randrange(32)] ^= 1 << rng.randrange(8)
    tale = story.retell({epoch: with_evidence(stream, (replace(one, secret=Digest(bytes(secret))),))})
    return tale, (Named(clause="3.2", says="salt_wrong", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


@kind("altered.gap-secret", 1)
def _(story: Story, rng: Random) -> Told:
    """A gap record comes with a secret."""
    epoch, stream = DAY.first_slot + rng.choice(sorted(story.scene.plot.gaps)), (BOXES[2].address, BATTERY)
    one = story.told[epoch].segments[stream][0]
    tale = story.retell({epoch: with_evidence(stream, (replace(one, secret=Digest(rng.randbytes(32))),))})
    return tale, (Named(clause="3.2", says="salt_wrong", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


_FIELDS: Mapping[str, Callable[[Segment, Random], object]] = {
    "device": lambda s, rng: Address(rng.randbytes(20)),
    "channel": lambda s, rng: s.channel ^ 1 << rng.randrange(3, 16),
    "first_seq": lambda s, rng: s.first_seq ^ 1 << rng.randrange(64),
    "count": lambda s, rng: s.count ^ 1 << rng.randrange(32),
    "t_first_ms": lambda s, rng: s.t_first_ms ^ 1 << rng.randrange(64),
    "t_last_ms": lambda s, rng: s.t_last_ms ^ 1 << rng.randrange(64),
    "root": lambda s, rng: Digest(rng.randbytes(32)),
    "prev": lambda s, rng: Digest(rng.randbytes(32)),
    "beacon_block": lambda s, rng: s.beacon_block ^ 1 << rng.randrange(64),
    "beacon_hash": lambda s, rng: Digest(rng.randbytes(32)),
}


@kind("altered.segment-field", 6)
def _(story: Story, rng: Random) -> Told:
    """A field of a segment is another under the old signature: a stranger's key seems to have signed."""
    epoch, stream = a_spot(story, rng)
    one, name = story.told[epoch].segments[stream][0], rng.choice(sorted(_FIELDS))
    bent = claimed(story, one, **{name: _FIELDS[name](one.signed.segment, rng)})
    changes = {epoch: with_segments(stream, (bent,))}
    seq = bent.signed.segment.first_seq
    tale = story.retell(changes)
    where = at_stream(epoch, stream)
    match name:
        case "device" | "channel":
            return tale, (Named(clause="4.4", says="stream", where=where),)
        case "first_seq":
            return tale, (Named(clause="4.3", says="goes on", where=where),)
        case "prev":
            return tale, (Named(clause="3.3", where=where),)
        case "count":
            return tale, (Named(clause="6.3", where=where), Named(clause="4.3", says="goes on", where=where))
        case _:
            return tale, (Named(clause="6.3", where=where | {"seq": seq}),)


@kind("altered.segment-resigned", 5)
def _(story: Story, rng: Random) -> Told:
    """A field of a segment is another, and the box's own key signed it: the stream or its contents give it away."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    name = rng.choice(["channel", "first_seq", "count", "t_first_ms", "t_last_ms", "root", "prev"])
    bent = signed_by(story, one, key_of(story, one), **{name: _FIELDS[name](one.signed.segment, rng)})
    tale = story.retell({epoch: with_segments(stream, (bent,))})
    clause, says = {
        "channel": ("4.4", "stream"), "first_seq": ("4.3", "goes on"), "prev": ("3.3", ""),
    }.get(name, ("3.2", ""))  # fmt: skip
    return tale, (Named(clause=clause, says=says, where=at_stream(epoch, stream)),)


@kind("altered.signature", 5)
def _(story: Story, rng: Random) -> Told:
    """A bit of a signature is another, in archive and log."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    raw = bytearray(one.signed.signature)
    raw[rng.randrange(64)] ^= 1 << rng.randrange(8)
    bent = replace(one, signed=replace(one.signed, signature=bytes(raw)))
    tale = story.retell({epoch: with_segments(stream, (bent,))})
    where = at_stream(epoch, stream, one.signed.segment.first_seq)
    return tale, (Named(clause="6.3", where=where), Named(clause="4.4", says="signature", where=where))


@kind("altered.algorithm", 1)
def _(story: Story, rng: Random) -> Told:
    """A segment names an algorithm that this protocol does not have, or not for such a signature."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    bent = replace(one, signed=replace(one.signed, alg=rng.choice([0, 2, 3, 4, 5, 77, 255])))
    tale = story.retell({epoch: with_segments(stream, (bent,))})
    where = at_stream(epoch, stream, one.signed.segment.first_seq)
    return tale, (Named(clause="4.4", where=where), Named(clause="6.3", where=where))


_BENT: Mapping[str, Callable[[list[Reading], int, Random], Reading]] = {
    "seq": lambda r, at, rng: replace(r[at], seq=r[at].seq + rng.choice([1, 2, 100])),
    "channel": lambda r, at, rng: replace(r[at], channel=r[at].channel + rng.randint(1, 9)),
    "salt": lambda r, at, rng: replace(r[at], salt=rng.randbytes(16)),
}


@kind("altered.reading-resigned", 3)
def _(story: Story, rng: Random) -> Told:
    """A box signs readings whose numbers, channel or salt are not what the protocol makes them."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    readings, name = list(one.decoded()), rng.choice(sorted(_BENT))
    at = rng.randrange(len(readings))
    readings[at] = _BENT[name](readings, at, rng)
    tale = story.retell({epoch: with_segments(stream, (measured_again(story, one, readings),))})
    return tale, (Named(clause="3.2", where={**at_stream(epoch, stream)}),)


@kind("altered.register-falls", 3)
def _(story: Story, rng: Random) -> Told:
    """A register falls without the reset flag, inside a segment or where it begins."""
    epoch, stream = a_spot(story, rng, least=2)
    one = story.told[epoch].segments[stream][0]
    readings, name = list(one.decoded()), rng.choice(["c", "d"])
    at = rng.randrange(len(readings))
    value = getattr(readings[at], name)
    lower = [replace(r, **{name: value - 500_000}, salt=r.salt) if i >= at else r for i, r in enumerate(readings)]
    tale = story.retell({epoch: with_segments(stream, (measured_again(story, one, lower),))})
    clause = "3.2" if at else "2.4"
    return tale, (Named(clause=clause, says="register", where=at_stream(epoch, stream, readings[at].seq)),)


@kind("altered.unknown-flag", 1)
def _(story: Story, rng: Random) -> Told:
    """A box signs a reading with another magic, version or an unknown flag."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    raw = bytearray(one.readings)
    at = 64 * rng.randrange(one.signed.segment.count)
    raw[at + 5 if rng.random() < 0.5 else at + rng.randrange(5)] ^= 1 << rng.randrange(3, 8)
    bent = signed_by(story, one, key_of(story, one), root=segment.readings_root(bytes(raw)))
    tale = story.retell({epoch: with_segments(stream, (replace(bent, readings=bytes(raw)),))})
    return tale, (Named(clause="3.2", says="reading", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


@kind("altered.evidence-form", 3)
def _(story: Story, rng: Random) -> Told:
    """An evidence block of another version, with a field too many, an item too few, or not canonical."""
    epoch, stream = a_spot(story, rng)
    listed = story.told[epoch].segments[stream]

    def bent(sealed) -> bytes:
        raw = block.encode(sealed)
        if sealed[0] is not listed[0]:
            return raw
        plain = cbor.decode(raw)
        assert isinstance(plain, dict)
        match rng.randrange(6):
            case 0:
                plain["v"] = rng.randint(2, 99)
            case 1:
                plain["alg"] = rng.randint(2, 99)
            case 2:
                plain["note"] = b"x"
            case 3:
                plain["payload"] = cbor.encode([])
            case 4:
                return raw + b"\0"
            case 5:
                del plain["segments"][0][rng.choice(sorted(plain["segments"][0]))]
        return cbor.encode(plain)

    tale = story.retell({epoch: lambda told: replace(told, encode=bent)})
    return tale, (Named(clause="4.4", where=at_stream(epoch, stream, listed[0].signed.segment.first_seq)),)


# ---- keys ----


@kind("key.stranger", 3)
def _(story: Story, rng: Random) -> Told:
    """A key that nobody confirmed signed: some key, the owner's, another box's, the spare box's."""
    epoch, stream = a_spot(story, rng, last=LAST_EPOCH)
    one = story.told[epoch].segments[stream][0]
    others = [STRANGER, *OWNERS, *(box for box in (*BOXES, SPARE) if box.address != stream[0])]
    bent = signed_by(story, one, rng.choice(others))
    tale = story.retell({epoch: with_segments(stream, (bent,))})
    return tale, (Named(clause="6.3", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


@kind("key.too-early", 1)
def _(story: Story, rng: Random) -> Told:
    """The second key signed before it was confirmed."""
    epoch = rng.randint(FIRST_EPOCH + 2, DAY.first_slot + story.scene.plot.rotated - 1)
    stream = (BOXES[2].address, rng.choice([METER, BATTERY]))
    one = story.told[epoch].segments[stream][0]
    tale = story.retell({epoch: with_segments(stream, (signed_by(story, one, SECOND_KEY),))})
    return tale, (Named(clause="6.3", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


@kind("key.revoked-to-the-end", 2)
def _(story: Story, rng: Random) -> Told:
    """The revoked key goes on signing until the end, and its readings are settled as if they counted."""
    first = DAY.first_slot + rng.randint(story.scene.plot.revoked, 93)
    stream = (BOXES[2].address, METER)
    changes = {
        epoch: with_segments(stream, tuple(signed_by(story, one, BOXES[2]) for one in told.segments[stream]))
        for epoch, told in story.told.items()
        if epoch >= first and told.segments.get(stream)
    }
    tale = story.retell(changes)
    where = {"station": 3, "slot": first - DAY.first_slot}
    return tale, (Named(clause="8.4.1", where=where),)


@kind("key.frozen-as-live", 1)
def _(story: Story, rng: Random) -> Told:
    """A frozen key's segment comes in, and its row does not say frozen."""
    epoch = rng.randint(FROZEN_STREAM_LAST_EPOCH + 3, LAST_EPOCH)
    head = story.heads[epoch][SPARE_STREAM]
    last = story.told[FROZEN_STREAM_LAST_EPOCH].segments[SPARE_STREAM][-1]
    more = signed_by(story, last, SPARE, first_seq=head.next_seq, prev=head.digest, t_first_ms=1, t_last_ms=1)
    wrong = rng.choice([RowStatus.GAP, RowStatus.LIVE, RowStatus.SILENT, RowStatus.LATE])
    bend = with_row(SPARE_STREAM, lambda row: replace(row, status=wrong))
    tale = story.retell({epoch: lambda told: bend(with_segments(SPARE_STREAM, (more,))(told))})
    return tale, (Named(clause="4.3", says="status", where=at_stream(epoch, SPARE_STREAM, head.next_seq)),)


@kind("foreign.domain", 3)
def _(story: Story, rng: Random) -> Told:
    """The box's own signature, given for another chain or another alliance."""
    epoch, stream = a_spot(story, rng, last=LAST_EPOCH)
    one, domain = story.told[epoch].segments[stream][0], story.deployment.domain
    other = rng.choice(
        [
            replace_domain(domain, chain_id=rng.choice([1, 31338, 11_155_111])),
            replace_domain(domain, registry=rng.randbytes(20)),
        ]
    )
    signed = segment.sign(one.signed.segment, domain=other, signer=key_of(story, one))
    bent = replace(one, signed=replace(signed, digest=one.signed.digest))
    tale = story.retell({epoch: with_segments(stream, (bent,))})
    return tale, (Named(clause="6.3", where=at_stream(epoch, stream, one.signed.segment.first_seq)),)


def replace_domain(domain: Domain, *, chain_id: int | None = None, registry: bytes | None = None) -> Domain:
    """Another chain's or registry's domain."""
    return Domain(chain_id or domain.chain_id, Address(registry or domain.registry))


@kind("foreign.device-in-row", 2)
def _(story: Story, rng: Random) -> Told:
    """Another box's segment is archived in a stream's place."""
    epoch, stream = a_spot(story, rng)
    others = [s for s, listed in story.told[epoch].segments.items() if s != stream and listed[0].signed.segment.count]
    foreign = story.told[epoch].segments[rng.choice(sorted(others))]
    tale = story.retell({epoch: with_evidence(stream, foreign)})
    return tale, (Named(clause="4.4", says="stream", where=at_stream(epoch, stream)),)


@kind("foreign.unregistered", 1)
def _(story: Story, rng: Random) -> Told:
    """A device that nobody enrolled has a stream in the log, with valid signatures of its own."""
    epoch, (device, channel) = a_spot(story, rng)
    one = story.told[epoch].segments[device, channel][0]
    stream = (STRANGER.address, channel)
    head = Head(next_seq=0, digest=ZERO_DIGEST)
    readings = [replace(r, seq=i) for i, r in enumerate(one.decoded())]
    readings = [segment.salted(r, one.secret) for r in readings]
    raw = b"".join(map(reading_bytes.encode, readings))
    bent = signed_by(
        story, one, STRANGER, device=STRANGER.address, first_seq=0, prev=head.digest, root=segment.readings_root(raw)
    )
    tale = story.retell({epoch: with_segments(stream, (replace(bent, readings=raw),))})
    where = {"epoch": epoch, "device": f"0x{STRANGER.address.hex()}", "channel": channel}
    return tale, (Named(clause="6.3", where=where),)


@kind("forked.stream", 2)
def _(story: Story, rng: Random) -> Told:
    """From an epoch on the box's key tells another history of a stream; it does not go on from the log's."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    other = signed_by(story, one, key_of(story, one), prev=Digest(rng.randbytes(32)))
    if rng.random() < 0.5:
        first = rng.randint(0, max(0, one.signed.segment.first_seq - 1))
        other = signed_by(story, one, key_of(story, one), first_seq=first)
        if one.signed.segment.first_seq:
            tale = story.retell({epoch: with_segments(stream, (other,))})
            return tale, (Named(clause="4.3", says="goes on", where=at_stream(epoch, stream)),)
    tale = story.retell({epoch: with_segments(stream, (other,))})
    return tale, (Named(clause="3.3", where=at_stream(epoch, stream)),)


@kind("forked.silent-channel", 1)
def _(story: Story, rng: Random) -> Told:
    """A channel that never spoke is given a history in the middle, as if it had begun before."""
    epoch = an_epoch(story, rng)
    one = story.told[epoch].segments[BOXES[0].address, BATTERY][0]
    seq = rng.randint(1, 999)
    readings = [
        segment.salted(replace(r, seq=seq + i, channel=SILENT[1]), one.secret) for i, r in enumerate(one.decoded())
    ]
    raw = b"".join(map(reading_bytes.encode, readings))
    bent = signed_by(
        story, one, BOXES[0], channel=SILENT[1], first_seq=seq, prev=Digest(rng.randbytes(32)),
        root=segment.readings_root(raw),
    )  # fmt: skip
    tale = story.retell({epoch: with_segments(SILENT, (replace(bent, readings=raw),))})
    return tale, (Named(clause="4.3", says="goes on", where=at_stream(epoch, SILENT, 0)),)
