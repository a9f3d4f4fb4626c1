"""The commanded test (protocol 9.22.8, 9.22.9): a job that the guard, a hand and a dispatcher go before, and its report."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from edge.commands.diagnosing import Words, lines
from edge.control.guard import Order, Reason
from edge.control.wish import Base, Source
from edge.devices.station import StationSample
from edge.evidence.recorder import Recording
from edge.folder import StateFolder
from edge.health.alarms import counted
from edge.health.diagnosis import cycle, keeper, report
from edge.health.diagnosis.cycle import CycleTermsMalformed, Ended, Job, Stage, Terms
from edge.health.diagnosis.keeper import Diagnosis
from edge.health.diagnosis.report import ReportFiguresWrong, ReportForeign, ReportMalformed, ReportSignatureWrong
from edge.health.diagnosis.summary import diagnosed
from oracle.directive import Envelope
from tests.edge.health.bench import CELLS, LIMITS, NOTHING, Bench, Character, diagnosis_at, scheduled
from tests.edge.peer import DOMAIN, STRANGER
from tests.edge.rig import folder_at, seeded

TERMS = Terms(power_w=1_000_000, rest_ms=600_000)
SOUND = Order(power_w=-1_000_000)
HOUR_MS = 3_600_000
WHO = Character(held_bp=8_200, resistance_ppm=1_300_000, start_soc_bp=9_000)


def running(stage: Stage = Stage.CHARGE, terms: Terms = TERMS) -> Job:
    return replace(cycle.started(terms, t_ms=0, soc_bp=5_000), stage=stage)


ENVELOPE = Envelope(droop=None, reserve_up_w=0, reserve_down_w=0, reserve_ms=1_000, safe_wh=())


@pytest.mark.parametrize(
    ("wanted", "least_w", "t_ms", "ended"),
    [
        (NOTHING, None, 1_000, ""),
        (scheduled(0), None, 1_000, ""),
        (Base(power_w=5, source=Source.INSTRUCTION), None, 1_000, Ended.INSTRUCTION),
        (Base(power_w=0, source=Source.INSTRUCTION), None, 1_000, Ended.INSTRUCTION),
        (Base(power_w=0, source=Source.SCHEDULE, envelope=ENVELOPE), None, 1_000, Ended.ENVELOPE),
        (Base(power_w=0, source=Source.SAFE), None, 1_000, Ended.SAFE_SCHEDULE),
        (scheduled(-5_000), None, 1_000, Ended.SCHEDULE),
        (NOTHING, 1_000, 1_000, Ended.DEMAND),
        (NOTHING, None, 15 * 60_000 + 1, Ended.INTERRUPTED),
    ],
)
def test_a_test_ends_by_name_when_somebody_goes_before_it(
    wanted: Base, least_w: int | None, t_ms: int, ended: str
) -> None:
    after = cycle.yielded(running(), wanted, t_ms=t_ms, least_w=least_w)
    assert (after.stage is Stage.ABORTED, after.reason) == (bool(ended), ended)


def test_a_schedule_does_not_end_a_test_that_was_told_to_go_before_it() -> None:
    job = running(terms=replace(TERMS, over_schedule=True))
    assert cycle.yielded(job, scheduled(-5_000), t_ms=1_000, least_w=None) == job
    assert cycle.yielded(job, Base(power_w=5, source=Source.INSTRUCTION), t_ms=1_000, least_w=None).reason


def test_a_test_ends_when_it_takes_longer_than_a_day() -> None:
    job = replace(running(), seen_ms=25 * HOUR_MS)
    assert cycle.yielded(job, NOTHING, t_ms=25 * HOUR_MS, least_w=None).reason == Ended.TOO_LONG


@pytest.mark.parametrize("reason", [Reason.MANUAL, Reason.LOCAL, Reason.CONTROL_MODE_UNKNOWN])
def test_a_hand_ends_a_test_at_once(reason: Reason) -> None:
    order = Order(power_w=0, reasons=(reason,), silent=True)
    after = cycle.advanced(running(), order, t_ms=1_000, soc_bp=5_000, resting=False)
    assert (after.stage, after.reason) == (Stage.ABORTED, reason)


def let_through(job: Job, order: Order, *, seconds: int, soc_bp: int = 5_000) -> Job:
    for second in range(1, seconds + 1):
        job = cycle.advanced(job, order, t_ms=1_000 * second, soc_bp=soc_bp, resting=True)
    return job


@pytest.mark.parametrize("reason", [Reason.CONTACTOR_OPEN, Reason.NO_MEASUREMENT, Reason.HEARTBEAT_STOPPED])
def test_a_test_ends_by_the_guards_reason_when_nothing_may_flow_for_a_minute(reason: Reason) -> None:
    order = Order(power_w=0, reasons=(reason,))
    assert let_through(running(), order, seconds=55).stage is Stage.CHARGE
    assert let_through(running(), order, seconds=70).reason == reason


def test_a_test_ends_when_a_limit_starves_it_for_ten_minutes() -> None:
    order = Order(power_w=-200_000, reasons=(Reason.PCC_IMPORT,))
    assert let_through(running(), order, seconds=590).stage is Stage.CHARGE
    assert let_through(running(), order, seconds=610).reason == Reason.PCC_IMPORT


def test_full_and_empty_end_a_stage_and_not_the_test() -> None:
    full = Order(power_w=0, reasons=(Reason.SOC_HIGH,))
    assert let_through(running(), full, seconds=20).stage is Stage.REST_FULL
    empty = Order(power_w=0, reasons=(Reason.SOC_LOW,))
    assert let_through(running(Stage.DISCHARGE), empty, seconds=20).stage is Stage.REST_EMPTY
    tapering = Order(power_w=-300_000, reasons=(Reason.DEVICE_LIMIT,))
    assert let_through(running(), tapering, seconds=3_000).stage is Stage.CHARGE, "tapering is not full yet"


def test_a_rest_begins_when_the_current_has_gone() -> None:
    job = running(Stage.REST_FULL)
    job = cycle.advanced(job, Order(power_w=0), t_ms=300_000, soc_bp=9_000, resting=False)
    assert cycle.advanced(job, Order(power_w=0), t_ms=600_000, soc_bp=9_000, resting=True).stage is Stage.REST_FULL
    assert cycle.advanced(job, Order(power_w=0), t_ms=900_000, soc_bp=9_000, resting=True).stage is Stage.DISCHARGE


@pytest.mark.parametrize(
    "terms", [replace(TERMS, power_w=0), replace(TERMS, power_w=2_000_000), replace(TERMS, rest_ms=1)]
)
def test_terms_outside_the_stations_limits_are_refused(terms: Terms) -> None:
    with pytest.raises(CycleTermsMalformed):
        terms.check(LIMITS, cells=CELLS)
    with pytest.raises(CycleTermsMalformed, match="cells"):
        TERMS.check(LIMITS, cells=None)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StateFolder]:
    held = folder_at(tmp_path)
    yield held
    held.close()


def diagnosis(folder: StateFolder) -> Diagnosis:
    recording = Recording(
        domain=DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=900, chance=seeded
    )  # fmt: skip
    return diagnosis_at(folder.store, folder.path, lambda: recording)


def begun(folder: StateFolder, terms: Terms = TERMS) -> Bench:
    bench = Bench(WHO, diagnosis(folder), visible=16)
    bench.round(NOTHING, step_ms=1_000)
    keeper.ask(folder.path, {"terms": terms.to_plain()})
    bench.round(NOTHING, step_ms=1_000)
    return bench


def held_job(folder: StateFolder) -> Job:
    found = keeper.job(folder.store)
    assert found is not None
    return found


def play(bench: Bench, folder: StateFolder, *, until: Stage | None = None) -> list[int]:
    """Rounds of 10 s, of 1 s where the order moves, until a stage or the end; returns the orders."""
    orders, moved_ms = [0], 0
    while not (job := held_job(folder)).stage.over and job.stage is not until:
        orders.append(bench.round(NOTHING, step_ms=1_000 if bench.t_ms - moved_ms < 20_000 else 10_000).power_w)
        if abs(orders[-1] - orders[-2]) > 100_000:
            moved_ms = bench.t_ms
        assert LIMITS.soc_min_bp - 20 <= bench.plant.snapshot().soc_bp <= LIMITS.soc_max_bp + 20, (
            "the guard's last word"
        )
    return orders


def test_a_test_goes_on_after_a_restart_and_its_report_tells_the_capacity(folder: StateFolder) -> None:
    bench = begun(folder)
    bench.cells.capacity_ppm[5] = 950_000
    play(bench, folder, until=Stage.DISCHARGE)
    for _ in range(250):
        bench.round(NOTHING)
    assert held_job(folder).stage is Stage.DISCHARGE
    bench.plant.command(0, enabled=True)  # the device falls back while nobody speaks to it
    bench.t_ms += 300_000
    (rows,) = (folder.path / "diagnosis").glob("*.rows")
    rows.write_bytes(rows.read_bytes()[:-20])  # the power went in mid-line
    bench.diagnosis = diagnosis(folder)
    orders = play(bench, folder)
    assert (held_job(folder).stage, held_job(folder).reason) == (Stage.DONE, "")
    assert min(orders) == -1_000_000
    assert max(orders) == 1_000_000
    (path,) = keeper.reports(folder.path)
    found = report.check(path.read_bytes(), domain=DOMAIN, device=folder.device, key=folder.signer.address)
    capacity, resistance = found.report["figures"]["sohCapacityBp"], found.report["figures"]["sohResistanceBp"]
    assert abs(capacity["value"] - WHO.held_bp) <= 3 * capacity["u"] <= 450
    assert abs(resistance["value"] - 7_000) <= 3 * resistance["u"]
    assert set(found.report["snapshots"]) == {"full", "loaded", "empty"}
    assert "cell:6:capacity" in [one["name"] for one in found.report["figures"]["findings"]], "the weak cell, by number"
    _check_shown(folder, found.report)
    assert found.report["rows"][-1][-1] > 0, "what flowed while the box was away is unsure, and said to be"
    assert not list((folder.path / "diagnosis").glob("*.rows"))
    _check_lies(path.read_bytes(), folder)


def _check_shown(folder: StateFolder, told: Mapping[str, object]) -> None:
    """A person reads the same figures, and the work order with its cause."""
    gathered = keeper.saved(folder.store)
    shown = {"station": 4, "test": None, **diagnosed(gathered, [told], limits=LIMITS, cells=CELLS)}
    assert "cell:6:capacity" in [one["name"] for one in shown["workOrders"]]  # type: ignore[attr-defined]
    zh, en = ("\n".join(lines(shown, Words(language))) for language in ("zh", "en"))  # type: ignore[arg-type]
    print(zh, en, sep="\n")
    assert "检修单 单体容量不足 #6" in zh
    assert "放空时偏离，满充时正常" in zh
    assert "Work order cell holds less than the others #6" in en
    assert "95 %; test" in en


def _check_lies(raw: bytes, folder: StateFolder) -> None:
    """Any change of a signed report is found, the signer's own too."""
    value = json.loads(raw)
    with pytest.raises(ReportForeign):
        report.check(raw, domain=DOMAIN, key=STRANGER.address)
    lie = json.loads(raw)
    lie["report"]["figures"]["sohCapacityBp"]["value"] += 100
    with pytest.raises(ReportSignatureWrong):
        report.check(json.dumps(lie).encode(), domain=DOMAIN)
    with pytest.raises(ReportFiguresWrong, match="sohCapacityBp"):
        report.check(_resigned(lie, folder), domain=DOMAIN)
    lie = json.loads(raw)
    lie["report"]["rows"][100][6] += 900
    with pytest.raises(ReportFiguresWrong, match="score"):
        report.check(_resigned(lie, folder), domain=DOMAIN)
    for broken in (b"{", b"[]", raw[:-9], json.dumps({**value, "report": {**value["report"], "v": 2}}).encode()):
        with pytest.raises(ReportMalformed):
            report.check(broken, domain=DOMAIN)


def _resigned(value: dict[str, object], folder: StateFolder) -> bytes:
    told = value["report"]
    assert isinstance(told, dict)
    return json.dumps(report.signed(told, folder.signer, device=folder.device, domain=DOMAIN)).encode()


def test_an_instruction_ends_a_running_test_and_the_report_says_so_without_figures(folder: StateFolder) -> None:
    bench = begun(folder)
    assert bench.round(NOTHING, step_ms=1_000).power_w < 0
    order = bench.round(Base(power_w=300_000, source=Source.INSTRUCTION), step_ms=5_000)
    assert order.power_w > 0
    assert held_job(folder).reason == Ended.INSTRUCTION
    (path,) = keeper.reports(folder.path)
    told = report.check(path.read_bytes(), domain=DOMAIN).report
    assert (told["outcome"], told["reason"]) == ("aborted", "instruction")
    assert told["figures"]["sohCapacityBp"] == {"why": "few_rests"}


def test_a_hand_ends_a_running_test_and_no_order_is_written(folder: StateFolder) -> None:
    bench = begun(folder)

    def taken(sample: StationSample) -> StationSample:
        return replace(sample, manual=True)

    bench.doctor = taken
    assert bench.round(NOTHING).silent
    assert held_job(folder).reason == Reason.MANUAL


def test_a_test_is_ended_when_asked_and_a_second_one_is_not_begun_beside_it(folder: StateFolder) -> None:
    bench = begun(folder)
    first = held_job(folder)
    keeper.ask(folder.path, {"terms": TERMS.to_plain()})
    bench.round(NOTHING)
    assert held_job(folder).started_ms == first.started_ms
    keeper.ask(folder.path, {"abort": True})
    bench.round(NOTHING)
    assert held_job(folder).reason == Ended.ASKED


@pytest.mark.parametrize(
    "asked", ["{", '{"terms": {"powerW": 9000000, "restMs": 600000, "overSchedule": false}}', "[1]"]
)
def test_a_request_that_cannot_be_obeyed_is_counted_and_begins_nothing(folder: StateFolder, asked: str) -> None:
    bench = Bench(WHO, diagnosis(folder), visible=16)
    bench.round(NOTHING)
    (folder.path / keeper.REQUEST).write_text(asked)
    bench.round(NOTHING)
    assert keeper.job(folder.store) is None
    assert counted(folder.store)["soh_tests_refused"] == 1
    assert not (folder.path / keeper.REQUEST).exists()


def test_what_another_version_wrote_is_gathered_anew(folder: StateFolder) -> None:
    for name in (keeper.GATHERED, keeper.TEST):
        folder.store.keep(name, b'{"v": 99}')
    assert (keeper.saved(folder.store), keeper.job(folder.store)) == (None, None)
    assert Bench(WHO, diagnosis(folder), visible=16).round(NOTHING).power_w == 0


def test_a_report_waits_for_a_key(folder: StateFolder) -> None:
    recording = Recording(domain=DOMAIN, device=folder.device, signer=None, epoch_seconds=900, chance=seeded)
    bench = Bench(WHO, diagnosis_at(folder.store, folder.path, lambda: recording, cells=CELLS), visible=16)
    bench.round(NOTHING)
    keeper.ask(folder.path, {"terms": TERMS.to_plain()})
    bench.round(NOTHING)
    bench.round(scheduled(7_000))
    assert held_job(folder).reason == Ended.SCHEDULE
    assert keeper.reports(folder.path) == []
    recording.signer = folder.signer
    bench.round(NOTHING)
    assert len(keeper.reports(folder.path)) == 1
