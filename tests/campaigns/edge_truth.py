"""What the boxes read, written down beside them, and what the platform made of it: lost, doubled, refused, altered.

After each tick the last reading of each stream is taken out of the box's own database by plain SQL, and the plants'
process notes what its instruments showed. Neither the uplink nor the platform has a hand in this. At the end every
reading stands exactly once in the archive that the chain names, to the byte as the box stored it.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from alliance.reading import Flag, Reading
from oracle import reading as reading_bytes
from tests.journeys.traces import Traces

STEP_WH = 10
"""So coarse are the energy registers of the simulated devices at most."""
CHANNELS = (1, 2)
_SHOWN = {1: ("import_wh", "export_wh"), 2: ("charge_wh", "discharge_wh")}
Place = tuple[int, int]
"""Station and channel."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A reading as the box stored it, and the true instant at which it was taken."""

    true_ms: int
    raw: bytes


@dataclass
class Ledger:
    """Every reading that some boxes ever recorded."""

    state: Path
    stations: tuple[int, ...]
    readings: dict[Place, dict[int, Noted]] = field(default_factory=lambda: defaultdict(dict))
    next_seq: Counter[Place] = field(default_factory=Counter)
    crowded: int = 0
    """Readings of a device's minute beyond the first."""
    idle: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """True instants at which a box recorded nothing, and why."""

    def observe(self, true_ms: int, why: Mapping[int, str]) -> None:
        """Look into each box's database after a tick; `why` tells which boxes had a reason to record nothing."""
        for station in self.stations:
            before = Counter({place: n for place, n in self.next_seq.items() if place[0] == station})
            self._look(station, true_ms)
            if any(self.next_seq[station, channel] == before[station, channel] for channel in CHANNELS):
                self.idle[station].append((true_ms, why.get(station, "")))

    def unexplained(self) -> list[tuple[int, int]]:
        """Station and instant of each reading that is missing without a reason."""
        return [(station, t_ms) for station, idle in self.idle.items() for t_ms, why in idle if not why]

    def reasons(self) -> dict[str, int]:
        """How many minutes without a reading, by reason."""
        return dict(Counter(why for idle in self.idle.values() for _, why in idle))

    def _look(self, station: int, true_ms: int) -> None:
        for channel, raw in last_readings(self.state / f"edge-{station}").items():
            place, seq = (station, channel), reading_bytes.decode(raw).seq
            fresh = seq + 1 - self.next_seq[place]
            self.crowded += max(0, fresh - 1)
            if fresh > 0:
                self.readings[place][seq] = Noted(true_ms, raw)
                self.next_seq[place] = seq + 1


def last_readings(box: Path) -> dict[int, bytes]:
    """The newest reading of each channel in a box's database, by SQL alone."""
    path = box / "state" / "outbox.sqlite"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        return {int(channel): bytes(raw) for channel, raw in db.execute("SELECT channel, last FROM stream") if raw}


def ends_of(box: Path) -> dict[int, int]:
    """The number behind each channel's last signed reading, by SQL alone: what comes after stands in an open segment."""
    path = box / "state" / "outbox.sqlite"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        return {int(channel): int(seq) for channel, seq in db.execute("SELECT channel, next_seq FROM stream")}


def refusals(service: Path, devices: Mapping[bytes, int]) -> list[tuple[int, str, str]]:
    """(station, code, facts) of the boxes' segments that the platform refused."""
    path = service / "service.sqlite"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        rows = db.execute("SELECT device, code, facts FROM refused_segments").fetchall()
    return [(devices.get(bytes(device or b""), 0), code, facts) for device, code, facts in rows]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What became of the readings."""

    readings: int
    """Signed ones."""
    open: int
    """Recorded and not signed yet, because their epoch goes on."""
    lost: int
    doubled: int
    altered: int
    invented: int
    misread: int
    """Registers other than the instrument's at the true instant."""
    doubted: int
    """Readings flagged as substituted."""
    clock_flagged: int
    gap_records: int

    @property
    def clean(self) -> bool:
        """Whether each reading is there once, as it was."""
        return not (self.lost or self.doubled or self.altered or self.invented or self.misread)


def judge(ledger: Ledger, found: Traces, devices: Mapping[bytes, int], journal: Path) -> Judgement:
    """Hold the archive against the ledger, and the ledger against the instruments."""
    archived: dict[Place, dict[int, list[Reading]]] = defaultdict(lambda: defaultdict(list))
    gaps = 0
    for _, sealed in found.segments:
        segment = sealed.signed.segment
        gaps += segment.count == 0
        for reading in sealed.decoded():
            archived[devices[segment.device], segment.channel][reading.seq].append(reading)
    ends = {
        (station, channel): end
        for station in ledger.stations
        for channel, end in ends_of(ledger.state / f"edge-{station}").items()
    }
    recorded = {(place, seq): one for place, by_seq in ledger.readings.items() for seq, one in by_seq.items()}
    noted = {key: one for key, one in recorded.items() if key[1] < ends[key[0]]}
    kept = {(place, seq): copies for place, by_seq in archived.items() for seq, copies in by_seq.items()}
    decoded = {key: reading_bytes.decode(one.raw) for key, one in noted.items()}
    shown = _journal(journal)
    counts = found.counts()
    repeated = sum(len(copies) - 1 for copies in kept.values())
    return Judgement(
        readings=len(noted),
        open=len(recorded) - len(noted),
        lost=sum(key not in kept for key in noted) + counts["lost"] + counts["readings_missing"],
        doubled=repeated + ledger.crowded + counts["logged_twice"] + counts["anchored_twice"],
        altered=sum(any(reading_bytes.encode(one) != noted[key].raw for one in kept[key]) for key in noted if key in kept),
        invented=sum(key not in noted for key in kept) - ledger.crowded,
        misread=sum(_misread(key[0], one, shown[noted[key].true_ms]) for key, one in decoded.items()),
        doubted=sum(bool(one.flags & Flag.SUBSTITUTED) for one in decoded.values()),
        clock_flagged=sum(bool(one.flags & Flag.CLOCK_UNSYNCHRONISED) for one in decoded.values()),
        gap_records=gaps,
    )  # fmt: skip


def _journal(path: Path) -> dict[int, dict[str, dict[str, int]]]:
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return {line["t"]: line["stations"] for line in lines}


def _misread(place: Place, reading: Reading, shown: dict[str, dict[str, int]]) -> bool:
    instruments, (took, gave) = shown[str(place[0])], _SHOWN[place[1]]
    return abs(instruments[took] - reading.c) >= STEP_WH or abs(instruments[gave] - reading.d) >= STEP_WH
