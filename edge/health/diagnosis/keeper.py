"""The box's side of the diagnosis (protocol 9.22): it looks at every sample, keeps what counts, and drives a test.

What was gathered stands in the database under `diagnosis`, a test under `soh_test`, its rows in the folder `diagnosis`
beside it; a test goes on after a restart. Requests come as a file that only the state folder's owner can write.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from alliance.errors import AllianceError
from edge.control.guard import Order
from edge.control.limits import Limits
from edge.control.wish import Base, Source
from edge.devices.station import PcsState, StationSample
from edge.evidence.recorder import Recording
from edge.evidence.store import StorageFailed, Store
from edge.evidence.watermark import sync_folder
from edge.health.alarms import Alarms, Log
from edge.health.diagnosis import cycle
from edge.health.diagnosis.believable import Run
from edge.health.diagnosis.cell import CellData
from edge.health.diagnosis.cell_files import CellFiles
from edge.health.diagnosis.cycle import CycleTermsMalformed, Job, Stage, terms_of
from edge.health.diagnosis.observed import STEP_MS, Charge, Look, Observed, counted, look_of
from edge.health.diagnosis.reduction import TEMPERATURE, VOLTAGE, Reducer
from edge.health.diagnosis.report import Row, report_of, row_of, signed
from edge.health.diagnosis.score import Severity
from edge.health.diagnosis.soh import Rest, Step
from oracle.signature import KeySigner

FOLDER = "diagnosis"
REQUEST = "soh-test.request"
GATHERED, TEST = "diagnosis", "soh_test"
_KEEP_MS = 900_000
_JOB_MS = 60_000
_LOADED_MS = 1_500_000
"""Into the discharge: then the cells under load are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What the database keeps of `Observed`."""

    at_ms: int
    charge: Charge
    runs: tuple[Run, ...]
    rests: tuple[Rest, ...]
    steps: tuple[Step, ...]
    cells_mv: tuple[int, ...]
    soc_bp: int
    soh_bp: int
    hottest_ddegc: int | None
    severity: int
    cycles: int | None
    anomalies: int


SAVED: TypeAdapter[Saved] = TypeAdapter(Saved)
JOB: TypeAdapter[Job] = TypeAdapter(Job)


def severity_of(sample: StationSample, *, graded: int = 0) -> Severity:
    """The worst of what the alarms are graded (10.16) and what the sample complains of itself.

    A converter at fault has tripped; an alarm of a device that nothing grades warns.
    """
    own = Severity.TRIP if sample.pcs_state is PcsState.FAULT else Severity.WARN if sample.alarms else Severity.NONE
    return max(own, Severity(graded))


def saved(store: Store) -> Saved | None:
    """What a database holds of the diagnosis; what another version wrote is gathered anew."""
    raw = store.meta(GATHERED)
    with suppress(ValidationError):
        return None if raw is None else SAVED.validate_json(raw)
    return None


def job(store: Store) -> Job | None:
    """The test that a database holds, unless another version wrote it."""
    raw = store.meta(TEST)
    with suppress(ValidationError):
        return None if raw is None else JOB.validate_json(raw)
    return None


@dataclass(slots=True)
class _Test:
    """A running test's rows, on the disk and in memory."""

    folder: Path
    started_ms: int
    rows: list[Row] = field(default_factory=list)
    snapshots: dict[str, list[int]] = field(default_factory=dict)
    severity: int = 0
    charge: Charge = field(default_factory=Charge)
    moved_ms: int = 0
    """When the current last moved."""

    @property
    def path(self) -> Path:
        return self.folder / f"soh-test-{self.started_ms}.rows"

    def load(self) -> None:
        """Read what stood on the disk; a torn last line is no row, and nothing is written behind it."""
        text = ""
        with suppress(OSError):
            text = self.path.read_text(encoding="utf-8", errors="replace")
        for line in text.splitlines():
            with suppress(ValueError, AllianceError):
                self._take(json.loads(line))
        if text and not text.endswith("\n"):
            with suppress(OSError), self.path.open("a") as file:
                file.write("\n")
        if self.rows:
            self.charge = self.rows[-1].charge

    def _take(self, value: object) -> None:
        if isinstance(value, dict):
            self.snapshots |= value.get("snapshots", {})
            self.severity = max(self.severity, value.get("severity", 0))
        else:
            self.rows.append(row_of(value))

    def write(self, value: object) -> None:
        """Add a line. Raises OSError."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(value, separators=(",", ":")) + "\n")


class Diagnosis:
    """Of one station. Knows no clock: every call brings its instant."""

    def __init__(
        self, store: Store, state: Path, *, station: int, limits: Limits, cells: CellData | None,
        recording: Callable[[], Recording], alarms: Alarms, cell_bytes: int = 64 << 20,
        graded: Callable[[], int] = lambda: 0,
    ) -> None:  # fmt: skip
        """`graded`: the worst level of the station's standing alarms, 0…3 (protocol 10.16)."""
        self._store, self._state, self._station, self._limits = store, state, station, limits
        self._cells, self._recording, self._alarms = cells, recording, alarms
        self._graded = graded
        self._log: Log = structlog.get_logger()
        self._observed = Observed(limits=limits, cells=cells)
        before = saved(store)
        if before is not None:
            self._observed.runs, self._observed.rests = list(before.runs), list(before.rests)
            self._observed.steps, self._observed.charge = list(before.steps), before.charge
        self._files = CellFiles(state, most_bytes=cell_bytes)
        self._reducers = {VOLTAGE.name: Reducer(VOLTAGE), TEMPERATURE.name: Reducer(TEMPERATURE)}
        self._keys: dict[str, tuple[str, ...]] = {}
        self._points = 0
        self._anomalies = 0 if before is None else before.anomalies
        self._kept_ms = self._job_ms = 0
        self._sample: StationSample | None = None
        self._job = job(store)
        self._test: _Test | None = None
        if self._job is not None and not self._job.stage.over:
            self._test = _Test(state / FOLDER, self._job.started_ms)
            self._test.load()
            if self._test.rows:
                seen_ms = max(self._job.seen_ms, self._test.rows[-1].look.t_ms)
                self._job = replace(self._job, seen_ms=seen_ms)
        self._unsigned = self._job is not None and self._job.stage.over and not _report_path(state, self._job).exists()
        self._last: Look | None = None if self._test is None or not self._test.rows else self._test.rows[-1].look

    def see(self, sample: StationSample, *, t_ms: int) -> None:
        """Take a sample in."""
        self._sample = sample
        grown = self._observed.see(sample, t_ms=t_ms)
        self._reduce(sample, t_ms)
        if grown or t_ms - self._kept_ms >= _KEEP_MS:
            self._keep(t_ms)

    def base(self, t_ms: int, wanted: Base, *, least_w: int | None) -> Base:
        """What is wanted, a running test's power included where it goes before it."""
        self._requested(t_ms, wanted)
        if self._job is None or self._job.stage.over:
            if self._unsigned:
                self._finish()
            return wanted
        self._become(cycle.yielded(self._job, wanted, t_ms=t_ms, least_w=least_w))
        power_w = self._job.wanted_w(t_ms)
        return wanted if power_w is None else Base(power_w=power_w, source=Source.TEST)

    def ordered(self, order: Order, *, t_ms: int, seen: bool) -> None:
        """What the guard let through in this round; `seen`: the station answered in it."""
        if self._job is None or self._job.stage.over or self._test is None:
            return
        sample = self._sample if seen else None
        self._record(sample, t_ms)
        if t_ms - self._job_ms >= _JOB_MS:
            self._keep_job(t_ms)
        still = sample is None or abs(sample.battery_power_w) * 50 <= self._limits.discharge_power_w
        self._become(
            cycle.advanced(
                self._job, order, t_ms=t_ms, soc_bp=None if sample is None else sample.soc_bp,
                resting=still,
            )
        )  # fmt: skip

    def _requested(self, t_ms: int, wanted: Base) -> None:
        """Obey what was put into the state folder, once."""
        path = self._state / REQUEST
        if not path.exists():
            return
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            path.unlink()
            if not isinstance(value, dict):
                raise CycleTermsMalformed(field="request", got=f"{value!r:.40}", want="an object")
            self._obey(value, t_ms, wanted)
        except (OSError, ValueError, RecursionError, AllianceError) as wrong:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            self._log.warning("soh_test.refused", t_ms=t_ms, reason=str(wrong))
            self._alarms.count("soh_tests_refused")

    def _obey(self, value: Mapping[str, Any], t_ms: int, wanted: Base) -> None:
        running = self._job is not None and not self._job.stage.over
        if value.get("abort"):
            if running and self._job is not None:
                self._become(cycle.aborted(self._job, cycle.Ended.ASKED, t_ms=t_ms))
            return
        given = value.get("terms")
        terms = terms_of(given if isinstance(given, dict) else {})
        terms.check(self._limits, cells=self._cells)
        if running or self._sample is None:
            return
        begun = cycle.started(terms, t_ms=t_ms, soc_bp=self._sample.soc_bp)
        self._test, self._last = _Test(self._state / FOLDER, t_ms), None
        self._job = None
        self._become(cycle.yielded(begun, wanted, t_ms=t_ms, least_w=None))

    def _become(self, after: Job) -> None:
        """Go on; a change of stage is on the disk before it is acted on."""
        before, self._job = self._job, after
        if before is not None and before.stage is after.stage:
            return
        self._log.info("soh_test.stage", t_ms=after.stage_ms, stage=str(after.stage), reason=after.reason)
        self._snapshot(before, after)
        self._keep_job(after.seen_ms)
        if after.stage.over:
            self._unsigned = True
            self._finish()

    def _keep_job(self, t_ms: int) -> None:
        if self._job is not None:
            with suppress(StorageFailed):
                self._store.keep(TEST, JOB.dump_json(self._job))
                self._job_ms = t_ms

    def _snapshot(self, before: Job | None, after: Job) -> None:
        name = {Stage.REST_FULL: "full", Stage.REST_EMPTY: "empty"}.get(before.stage) if before else None
        if name is not None and not after.reason:
            self._keep_cells(name)
        if self._test is not None and self._test.path.exists():
            with suppress(OSError):
                with self._test.path.open("a") as file:
                    os.fsync(file.fileno())
                sync_folder(self._test.folder)

    def _keep_cells(self, name: str) -> None:
        if self._test is None or not (cells := self._cells_mv()):
            return
        self._test.snapshots[name] = cells
        with suppress(OSError):
            self._test.write({"snapshots": {name: cells}})

    def _record(self, sample: StationSample | None, t_ms: int) -> None:
        test, job_now = self._test, self._job
        if test is None or job_now is None or sample is None or self._cells is None:
            return
        look = look_of(sample, t_ms=t_ms, cells=self._cells)
        self._grade(test, sample)
        if look is None:
            return
        row = _next_row(test, job_now.stage, look, self._last, self._cells)
        self._last = look
        if row is not None:
            test.rows.append(row)
            with suppress(OSError):
                test.write(row.to_plain())
        if (
            job_now.stage is Stage.DISCHARGE
            and t_ms - job_now.stage_ms >= _LOADED_MS
            and "loaded" not in test.snapshots
        ):
            self._keep_cells("loaded")

    def _grade(self, test: _Test, sample: StationSample) -> None:
        if (severity := int(severity_of(sample, graded=self._graded()))) > test.severity:
            test.severity = severity
            with suppress(OSError):
                test.write({"severity": severity})

    def _finish(self) -> None:
        """Sign the report once there is a key; until then each round asks again."""
        recording, job_now = self._recording(), self._job
        if recording.signer is None or job_now is None:
            return
        test = self._test or _Test(self._state / FOLDER, job_now.started_ms)
        if not test.rows:
            test.load()
        report = report_of(
            job_now, test.rows, test.snapshots, cells=self._cells, severity=test.severity, cycles=self._cycles(),
            station=self._station, device=recording.device,
        )  # fmt: skip
        assert isinstance(recording.signer, KeySigner)
        told = signed(report, recording.signer, device=recording.device, domain=recording.domain)
        try:
            _write_whole(_report_path(self._state, job_now), json.dumps(told, ensure_ascii=False))
        except OSError as failure:
            self._alarms.raised("soh_test.report_failed", at_ms=job_now.seen_ms, reason=str(failure))
            return
        self._alarms.cleared("soh_test.report_failed", at_ms=job_now.seen_ms)
        self._unsigned, self._test = False, None
        with suppress(OSError):
            test.path.unlink(missing_ok=True)

    def _reduce(self, sample: StationSample, t_ms: int) -> None:
        if len(sample.points) != self._points:
            self._points = len(sample.points)
            for name, part, what in ((VOLTAGE.name, "cell", "voltage"), (TEMPERATURE.name, "probe", "temperature")):
                known = self._keys.get(name, ())
                self._keys[name] = tuple(dict.fromkeys((*known, *keys_of(sample.points, part=part, what=what))))
        for name, reducer in self._reducers.items():
            keys = self._keys.get(name, ())
            records = reducer.see(t_ms, [sample.points.get(key) for key in keys])
            odd = [record for record in records if record["kind"] == "odd"]
            self._anomalies += len(odd)
            try:
                self._files.write(name, records, t_ms=t_ms)
            except OSError as failure:
                self._log.warning("cells.lost", t_ms=t_ms, reason=str(failure))
                self._alarms.count("cell_records_lost", len(records))
            self._say(name, keys, reducer, odd, t_ms)

    def _say(self, name: str, keys: tuple[str, ...], reducer: Reducer, odd: list[dict[str, object]], t_ms: int) -> None:
        """Each anomaly is an event at once; while any stands, an alarm does."""
        for record in odd:
            self._log.warning("cell.anomaly", t_ms=t_ms, key=keys[int(str(record["cell"])) - 1], why=str(record["why"]))
            self._alarms.count("cell_anomalies")
        alarm = f"cells.anomalous.{name}"
        if reducer.standing:
            parts = sorted({keys[n] for n, _ in reducer.standing})[:16]
            self._alarms.raised(alarm, at_ms=t_ms, cells=len({n for n, _ in reducer.standing}), first=", ".join(parts))
        else:
            self._alarms.cleared(alarm, at_ms=t_ms)

    def _cells_mv(self) -> list[int]:
        points = self._sample.points if self._sample else {}
        values = [points.get(key) for key in self._keys.get(VOLTAGE.name, ())]
        return [value for value in values if value is not None] if None not in values else []

    def _cycles(self) -> int | None:
        """Full cycles by the battery meter."""
        if self._sample is None or not self._limits.capacity_wh:
            return None
        return self._sample.discharge_wh // self._limits.capacity_wh

    def _keep(self, t_ms: int) -> None:
        sample, seen = self._sample, self._observed
        assert sample is not None
        told = Saved(
            at_ms=t_ms, charge=seen.charge, runs=tuple(seen.runs), rests=tuple(seen.rests), steps=tuple(seen.steps),
            cells_mv=tuple(self._cells_mv()), soc_bp=sample.soc_bp, soh_bp=sample.soh_bp,
            hottest_ddegc=sample.cell_hottest_ddegc, severity=int(severity_of(sample, graded=self._graded())),
            cycles=self._cycles(), anomalies=self._anomalies,
        )  # fmt: skip
        with suppress(StorageFailed):
            self._store.keep(GATHERED, SAVED.dump_json(told))
            self._kept_ms = t_ms


def keys_of(points: Mapping[str, int], *, part: str, what: str) -> tuple[str, ...]:
    """Keys of single cells' or probes' values, in the order of the table."""
    ending = f".{what}"
    return tuple(key for key in points if key.endswith(ending) and f".{part}." in f".{key}")


def ask(state: Path, value: Mapping[str, object]) -> None:
    """Put a request where a running box finds it. Raises OSError."""
    _write_whole(state / REQUEST, json.dumps(value))


def reports(state: Path) -> list[Path]:
    """The reports of a state folder, oldest first."""
    return sorted((state / FOLDER).glob("soh-test-*.json"))


def _report_path(state: Path, of: Job) -> Path:
    return state / FOLDER / f"soh-test-{of.started_ms}.json"


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True, mode=0o700)
    beside = path.with_suffix(".part")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def _next_row(test: _Test, stage: Stage, look: Look, last: Look | None, cells: CellData) -> Row | None:
    """The row of a look, if it is one to keep: every tenth second, and each one within 10 s of a moving current."""
    if last is not None:
        test.charge = counted(test.charge, last, look)
        if abs(look.current_ma - last.current_ma) * 100 >= cells.rated_ma:
            test.moved_ms = look.t_ms
    kept = test.rows[-1] if test.rows else None
    due = (
        kept is None or kept.stage is not stage or look.t_ms - kept.look.t_ms >= STEP_MS
        or look.t_ms - test.moved_ms <= STEP_MS
    )  # fmt: skip
    return Row(stage=stage, look=look, charge=test.charge) if due else None
