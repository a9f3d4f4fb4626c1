"""What passed a station's PCC in each slot, from its meter's readings (protocol 8.4.1, 8.8; effective time 3.7).

The register at a slot's boundary ends one slot and begins the next, so that energy telescopes. Never a negative energy,
never a silent zero: what no two edges bracket is the plan, and says so.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day
from alliance.errors import Conflicting
from alliance.identity import Address, Digest, StationId
from alliance.money import largest_remainder
from alliance.reading import Flag, Reading
from alliance.statement import Edge, Quantity, QuantityStatus

CLOCK_SLACK_MS = 5_000
"""How far a device's clock may stand outside what the chain has seen."""
EDGE_WINDOW_MS = 60_000
"""How long before a boundary a reading may lie to stand for it: (boundary − 60 s, boundary]."""
ALARM_SLOTS = 8
"""More slots of one meter and day than these without a measurement raise an alarm (protocol 8.8.4)."""

_UNMEASURED = frozenset({QuantityStatus.ESTIMATED, QuantityStatus.ASSUMED})


@dataclass(frozen=True, slots=True)
class Bracket:
    """Between which two instants a reading was made, as the chain proves it; UTC milliseconds, both inclusive."""

    earliest_ms: int
    latest_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedReading:
    """A reading with its effective time, UTC milliseconds, and whether it may stand for a boundary."""

    reading: Reading
    effective_ms: int
    valid: bool = True
    disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """The readings of one channel of one device, ascending by seq: registers are never differenced across streams."""

    device: Address
    channel: int
    readings: Sequence[TimedReading]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledEnergy:
    """A slot's energy by the grid's own meter, Wh, export positive, with the digest of the document that files it."""

    net_wh: int
    document: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class GapAlarm:
    """A meter that left more of a day's slots without a measurement than an honest one does."""

    station: StationId
    slots: int


@dataclass(kw_only=True, eq=False)
class ReadingConflicts(Conflicting):
    """Two different readings claim the same place in a stream."""

    channel: int
    seq: int


@dataclass(kw_only=True, eq=False)
class FilingContradictsRegisters(Conflicting):
    """The grid's data fill a whole gap and do not add up to what the signed registers advanced: a dispute."""

    station: StationId
    slot: int
    signed_wh: int
    filed_wh: int


def bracket(*, beacon_ms: int | None, checkpoint_ms: int) -> Bracket:
    """The bracket of a segment's readings (protocol 3.7).

    `beacon_ms` is the time of the block that the segment names (None: none, foreign or reorganised), `checkpoint_ms`
    that of the block of its first checkpoint.
    """
    earliest = 0 if beacon_ms is None else beacon_ms - CLOCK_SLACK_MS
    return Bracket(earliest, checkpoint_ms + CLOCK_SLACK_MS)


def boundary_places(times_ms: Sequence[int], *, limits: Bracket, since_ms: int) -> Sequence[int]:
    """Which of a segment's readings may stand for a boundary or move another's time, by their places.

    `times_ms` are the readings' own times along seq, `since_ms` the latest clipped time before them. Where the times
    rise inside their bracket, a reading more than 60 s before a boundary can be no edge, and the next one outlives it;
    the last one is kept for the registers. Anything else is kept whole. For readings without flags only: a flag breaks
    or excludes.
    """
    everything = range(len(times_ms))
    if not times_ms or times_ms[0] < max(limits.earliest_ms, since_ms) or times_ms[-1] > limits.latest_ms:
        return everything
    if list(times_ms) != sorted(times_ms):
        return everything
    last = len(times_ms) - 1
    return [at for at in everything if at == last or -times_ms[at] % SLOT_MS < EDGE_WINDOW_MS]


def timed(
    readings: Iterable[tuple[Reading, Bracket]],
    *,
    since_ms: int = 0,
    invalid: Collection[int] = (),
    disputed: Collection[int] = (),
) -> tuple[TimedReading, ...]:
    """Give one channel's readings their effective times: clipped to the bracket, then the running maximum along seq.

    Readings may come in any order; `since_ms` is the effective time of the reading before the first. `invalid` and
    `disputed` are seqs: an invalid one moves no other's time and is no edge. A reading outside its bracket, or one
    whose value the device substituted, keeps its place and is no edge. Raises ReadingConflicts.
    """
    result: list[TimedReading] = []
    for reading, limits in _along_seq(readings):
        sound = reading.seq not in invalid
        clipped = min(max(reading.t_ms, limits.earliest_ms), limits.latest_ms)
        effective = max(clipped, since_ms)
        since_ms = effective if sound else since_ms
        measured = clipped == reading.t_ms and not reading.flags & Flag.SUBSTITUTED
        result.append(
            TimedReading(
                reading=reading,
                effective_ms=effective,
                valid=sound and measured,
                disputed=reading.seq in disputed,
            )
        )
    return tuple(result)


def station_quantities(
    station: StationId,
    *,
    day: Day,
    streams: Iterable[Stream],
    planned_net_wh: Sequence[int],
    filed: Mapping[int, FiledEnergy] | None = None,
) -> tuple[Quantity, ...]:
    """The 96 quantities of a station's day.

    Give readings from before the day's start and after its end too: a gap is bracketed by the nearest edges, whichever
    day they lie in. `planned_net_wh` holds the 96 planned energies that stand in where nothing is known; `filed` maps
    slots to the grid's data (give a gap's slots outside the day too, below 0 or above 95): they outrank an estimate,
    never a signed register. Raises FilingContradictsRegisters.
    """
    filings = filed or {}
    known: dict[int, Quantity] = {}
    for before, after in _brackets_of_day(streams, day):
        for quantity in _between(station, day, before, after, filings):
            _keep_better(known, quantity)
    return tuple(
        known.get(slot) or _unbracketed(station, slot, planned_net_wh[slot], filings.get(slot))
        for slot in range(SLOTS_A_DAY)
    )


def gap_alarms(quantities: Iterable[Quantity]) -> tuple[GapAlarm, ...]:
    """The meters with more than eight estimated or assumed slots in a day, by station (protocol 8.8.4)."""
    counts: dict[StationId, int] = {}
    for quantity in quantities:
        if quantity.status in _UNMEASURED:
            counts[quantity.station] = counts.get(quantity.station, 0) + 1
    return tuple(GapAlarm(station=s, slots=n) for s, n in sorted(counts.items()) if n > ALARM_SLOTS)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A boundary's register: the edge, and what it stood at."""

    edge: Edge
    register_wh: int
    disputed: bool


def _along_seq(readings: Iterable[tuple[Reading, Bracket]]) -> list[tuple[Reading, Bracket]]:
    ordered: list[tuple[Reading, Bracket]] = []
    for reading, limits in sorted(readings, key=lambda pair: pair[0].seq):
        if ordered and ordered[-1][0].seq == reading.seq:
            if ordered[-1] != (reading, limits):
                raise ReadingConflicts(channel=reading.channel, seq=reading.seq)
            continue
        ordered.append((reading, limits))
    return ordered


def _brackets_of_day(streams: Iterable[Stream], day: Day) -> Iterator[tuple[_Mark, _Mark]]:
    """Neighbouring edges of one series with a slot of the day between them."""
    first, end = day.first_slot, day.first_slot + SLOTS_A_DAY
    for stream in sorted(streams, key=lambda s: (s.device, s.channel)):
        for series in _series(stream):
            for before, after in pairwise(series):
                if before.edge.boundary < end and after.edge.boundary > first:
                    yield before, after


def _series(stream: Stream) -> Iterator[list[_Mark]]:
    """The edges of a stream, broken where a register was reset or ran backward (protocol 8.8.2)."""
    marks: dict[int, _Mark] = {}
    last: Reading | None = None
    for item in stream.readings:
        reading = item.reading
        if _breaks(last, item):
            yield list(marks.values())
            marks, last = {}, None
        if not item.valid:
            continue
        last = reading
        boundary = -(-item.effective_ms // SLOT_MS)
        if boundary * SLOT_MS - item.effective_ms < EDGE_WINDOW_MS:
            edge = Edge(device=stream.device, channel=stream.channel, seq=reading.seq, boundary=boundary)
            marks[boundary] = _Mark(edge, reading.export_wh - reading.import_wh, item.disputed)
    yield list(marks.values())


def _breaks(last: Reading | None, item: TimedReading) -> bool:
    reading = item.reading
    if reading.flags & Flag.REGISTER_RESET:
        return True
    if last is None or not item.valid:
        return False
    return reading.import_wh < last.import_wh or reading.export_wh < last.export_wh


def _between(
    station: StationId, day: Day, before: _Mark, after: _Mark, filed: Mapping[int, FiledEnergy]
) -> Iterator[Quantity]:
    """The day's slots between two neighbouring edges: one is metered, several are estimated."""
    total = after.register_wh - before.register_wh
    first = before.edge.boundary - day.first_slot
    slots = range(first, after.edge.boundary - day.first_slot)
    metered = len(slots) == 1
    filings = {} if metered else {slot: filed[slot] for slot in slots if slot in filed}
    parts = _split(station, total, slots, filings)
    for slot in slots:
        if not 0 <= slot < SLOTS_A_DAY:
            continue
        filing = filings.get(slot)
        status = QuantityStatus.METERED if metered else QuantityStatus.ESTIMATED
        yield (
            _filed(station, slot, filing)
            if filing
            else Quantity(
                station=station,
                slot=slot,
                net_wh=parts[slot],
                status=status,
                edge_from=before.edge,
                edge_to=after.edge,
                disputed=before.disputed or after.disputed,
            )
        )


def _split(station: StationId, total: int, slots: range, filed: Mapping[int, FiledEnergy]) -> dict[int, int]:
    """What the registers advanced and the grid has not filed, over the slots that are left (protocol 8.8.1)."""
    rest = total - sum(filing.net_wh for filing in filed.values())
    open_slots = dict.fromkeys((slot for slot in slots if slot not in filed), 1)
    if open_slots:
        return largest_remainder(rest, open_slots)
    if rest:
        raise FilingContradictsRegisters(station=station, slot=slots.start, signed_wh=total, filed_wh=total - rest)
    return {}


def _keep_better(known: dict[int, Quantity], quantity: Quantity) -> None:
    """Of two streams over the same slot a measurement goes before an estimate, else the first stays."""
    held = known.get(quantity.slot)
    if held is None or quantity.status < held.status:
        known[quantity.slot] = quantity


def _unbracketed(station: StationId, slot: int, planned_wh: int, filing: FiledEnergy | None) -> Quantity:
    if filing:
        return _filed(station, slot, filing)
    return Quantity(station=station, slot=slot, net_wh=planned_wh, status=QuantityStatus.ASSUMED)


def _filed(station: StationId, slot: int, filing: FiledEnergy) -> Quantity:
    return Quantity(
        station=station,
        slot=slot,
        net_wh=filing.net_wh,
        status=QuantityStatus.FILED,
        document=filing.document,
    )
