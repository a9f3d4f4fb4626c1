"""Readings recorded durably by a box's own recorder and outbox, against bare SQLite syncing as often."""

import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from alliance.identity import Address, Digest
from alliance.reading import Reading
from cli.benches.ground import DAY, SEED, Ground
from cli.benches.measure import Comparison, Finding, Measured, best_of
from edge.devices.station import PcsState, Quality, StationSample
from edge.evidence import stream as streams
from edge.evidence.recorder import Recorder, Recording
from edge.evidence.sampling import CHANNELS, METER_CHANNEL, Moment, reading_of
from edge.evidence.screening import bounds_of
from edge.evidence.stream import NO_BEACON, Stream
from edge.folder import StateFolder, open_folder
from edge.health.alarms import Alarms
from oracle import reading as reading_bytes
from oracle.adapters import SeededRandomness
from oracle.eip712 import Domain
from oracle.keyfile import Lock
from oracle.segment import SealedSegment

SAMPLES = 300
WIDE_CHANNELS = 1_000
WIDE_ROUNDS = 30
AIM_PER_S = 10_000
_EPOCH_S = 900
_MINUTE_MS = 60_000
_DOMAIN = Domain(31337, Address(b"\x11" * 20))
_SAMPLE = StationSample(
    meter_power_w=-300_000, reactive_var=-20_000, import_wh=1_000_000, export_wh=2_000, battery_power_w=0,
    soc_bp=5_000, soh_bp=9_900, charge_wh=500_000, discharge_wh=450_000, pcs_state=PcsState.STANDBY,
    charge_limit_w=1_000_000, discharge_limit_w=1_000_000, set_power_w=0, frequency_mhz=50_000, alarms=(),
    quality=Quality(0),
)  # fmt: skip


class _Box:
    """A state folder that is born anew for each run."""

    def __init__(self, ground: Ground) -> None:
        self._root, self._runs = ground.folder(), 0
        self.folder: StateFolder | None = None

    def fresh(self) -> None:
        """A new folder, the one before closed."""
        self.close()
        self._runs += 1
        self.folder = open_folder(
            self._root / str(self._runs), domain=_DOMAIN, randomness=_chance("key"), key_lock=Lock(plain_allowed=True),
            quota_bytes=1 << 30, reserve_bytes=1 << 20,
        )  # fmt: skip

    def opened(self) -> StateFolder:
        """The folder of this run."""
        assert self.folder is not None
        return self.folder

    def close(self) -> None:
        """Let the files go."""
        if self.folder is not None:
            self.folder.close()
            self.folder = None


def run(ground: Ground) -> list[Finding]:
    """A sample a transaction, as the box records; and a thousand channels' readings in one."""
    box = _Box(ground)
    raw = _Raw(ground.folder())
    try:
        return [_as_the_box_does(box, raw, SAMPLES), _many_at_once(box, raw, WIDE_CHANNELS, WIDE_ROUNDS)]
    finally:
        box.close()


def _as_the_box_does(box: _Box, raw: "_Raw", samples: int) -> Comparison:
    ours = best_of(lambda: _recorded(box.opened(), samples), before=box.fresh)
    kept = _kept(box.opened())
    assert kept == samples * len(CHANNELS), f"{kept} readings of {samples} samples were kept"
    theirs = best_of(lambda: raw.insert(samples, len(CHANNELS)), before=raw.fresh)
    return Comparison(
        name="readings screened, recorded and signed, one sample a transaction (synchronous=FULL)",
        ours=ours, against="as many rows of 64 bytes in bare SQLite, as many transactions (synchronous=FULL)",
        theirs=theirs, facts=_rates(ours, theirs, readings=kept, transactions=samples),
    )  # fmt: skip


def _many_at_once(box: _Box, raw: "_Raw", channels: int, rounds: int) -> Comparison:
    ours = best_of(lambda: _saved(box.opened(), channels, rounds), before=box.fresh)
    kept = _kept(box.opened())
    assert kept == channels * rounds, f"{kept} of {channels * rounds} readings were kept"
    theirs = best_of(lambda: raw.insert(rounds, channels), before=raw.fresh)
    return Comparison(
        name=f"readings of {channels:,} channels salted, stored and signed, one transaction a round (synchronous=FULL)",
        ours=ours, against="as many rows of 64 bytes in bare SQLite, as many transactions (synchronous=FULL)",
        theirs=theirs, facts=_rates(ours, theirs, readings=kept, transactions=rounds),
    )  # fmt: skip


def _rates(ours: Measured, theirs: Measured, *, readings: int, transactions: int) -> dict[str, int | float]:
    per_s = readings / ours.wall_s
    return {
        "readings": readings, "transactions": transactions, "readings_per_s": round(per_s),
        "readings_per_cpu_s": round(readings / max(ours.cpu_s, 1e-6)),
        "bare_readings_per_s": round(readings / theirs.wall_s), "aim_readings_per_s": AIM_PER_S,
        "of_the_aim": round(per_s / AIM_PER_S, 3),
    }  # fmt: skip


def _recorded(folder: StateFolder, samples: int) -> None:
    recording = Recording(
        domain=_DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=_EPOCH_S, chance=_chance
    )  # fmt: skip
    bounds = dict.fromkeys(CHANNELS, bounds_of(sample_ms=_MINUTE_MS, rated_w=1_000_000, step_wh=1))
    recorder = Recorder(
        recording=recording, store=folder.store, outbox=folder.outbox, alarms=Alarms(folder.store), bounds=bounds
    )
    for minute in range(1, samples + 1):
        sample = replace(_SAMPLE, import_wh=_SAMPLE.import_wh + 5_000 * minute)
        recorder.record(sample, moment=Moment(t_ms=DAY.start_ms + minute * _MINUTE_MS), beacon=NO_BEACON)


def _saved(folder: StateFolder, channels: int, rounds: int) -> None:
    """What the recorder does with each channel, for more of them than a station has."""
    held = [Stream(channel=channel) for channel in range(1, channels + 1)]
    for minute in range(1, rounds + 1):
        moment = Moment(t_ms=DAY.start_ms + minute * _MINUTE_MS)
        sealed: list[SealedSegment] = []
        held = [_moved(stream, folder, moment, sealed) for stream in held]
        folder.outbox.save(held, sealed)
        if sealed:
            folder.outbox.mark()


def _moved(stream: Stream, folder: StateFolder, moment: Moment, sealed: list[SealedSegment]) -> Stream:
    if stream.opened is None:
        secret = Digest(_chance(f"secret-{stream.channel}-{stream.next_seq}").token(32))
        stream = streams.opened_at(stream, moment.t_ms, secret=secret, beacon=NO_BEACON, epoch_seconds=_EPOCH_S)
    stream = streams.appended(stream, _reading(stream, moment))
    if streams.complete(stream, moment.t_ms, epoch_seconds=_EPOCH_S):
        segment, stream = streams.closed(
            stream, device=folder.device, domain=_DOMAIN, signer=folder.signer, epoch_seconds=_EPOCH_S
        )
        sealed.append(segment)
    return stream


def _reading(stream: Stream, moment: Moment) -> Reading:
    one = reading_of(_SAMPLE, channel=METER_CHANNEL, seq=stream.next_seq, moment=moment, previous=stream.last)
    return replace(one, channel=stream.channel)


def _kept(folder: StateFolder) -> int:
    """How many readings the database holds, in open and in signed segments."""
    return sum(stream.next_seq for stream in _streams(folder))


def _streams(folder: StateFolder) -> Iterable[Stream]:
    rows = folder.store.rows("SELECT channel FROM stream")
    return folder.outbox.streams(int(str(channel)) for (channel,) in rows).values()


class _Raw:
    """Bare SQLite with the box's settings: one table, a row a reading."""

    def __init__(self, root: Path) -> None:
        self._root, self._runs = root, 0

    def fresh(self) -> None:
        """Another file."""
        self._runs += 1
        db = self._open()
        db.execute("CREATE TABLE reading (channel INTEGER, seq INTEGER, body BLOB, PRIMARY KEY (channel, seq))")
        db.close()

    def insert(self, transactions: int, channels: int) -> None:
        """So many transactions of so many rows."""
        db, body = self._open(), bytes(reading_bytes.SIZE)
        for seq in range(transactions):
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO reading VALUES (?, ?, ?)", [(c, seq, body) for c in range(channels)])
            db.execute("COMMIT")
        db.close()

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._root / f"{self._runs}.sqlite", isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 128"):
            db.execute(f"PRAGMA {pragma}")
        return db


def _chance(purpose: str) -> SeededRandomness:
    return SeededRandomness(SEED.encode(), purpose)
