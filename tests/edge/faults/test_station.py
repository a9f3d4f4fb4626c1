"""Faults in real device servers, a whole box over them in virtual time; the long form is `make campaign-faults`."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.commands import listing
from edge.commands.listing import ByUnnamed
from edge.devices.open import DeviceKind, DeviceSettings, PartSettings, device_of, open_devices
from edge.folder import StateFolder
from edge.health.alarms import Alarms
from edge.health.faults import looking
from edge.health.faults.asks import Ask, Verb, ask
from edge.health.faults.board import Board, cut_of, kept
from edge.health.faults.engine import Alarm, AlarmAbsent, CauseStands, Key, State
from edge.health.faults.kinds import Level, kinds
from edge.health.faults.looking import ratings_of
from edge.health.faults.places import Place, place_of
from edge.health.faults.plan import Plan, plan_of
from edge.health.faults.stated import ways
from edge.health.faults.thresholds import shipped, thresholds
from edge.health.status import status
from simulation.fault_list import FAULTS
from simulation.faults import FaultMalformed, FaultUnknown, parsed
from tests.campaigns.faults import Found, missed_without, played
from tests.edge.clean_month import clean
from tests.edge.fault_cases import cases
from tests.edge.faulting import Stage, stage
from tests.edge.peer import Peer
from tests.edge.program import ROOT, edge, settings_at
from tests.edge.rig import LIMITS, SAMPLE, START_MS, folder_at

CELL = "bms.cell_overvoltage:container=5,cluster=2,pack=3,cell=7"
SHORT = (
    f"{CELL.replace('container=5,', '')},level=1", "bms.insulation_low:level=2", "pcs.alarm_bit:bit=3 ",
    "bms.heartbeat_stopped", "hvac.silent",
)  # fmt: skip
FOREIGN = {("pcs_dc_overvoltage", 3), ("cabinet_open", 1), ("pcc_limited", 1), ("clock_skewed", 1)}
"""Rows that only SunSpec devices, energy-management systems and MQTT devices can tell: this station has none of them."""


def staged(path: Path, play: Callable[[Stage], Any], **options: Any) -> None:
    async def run() -> None:
        async with stage(path, **options) as s:
            await play(s)

    asyncio.run(run())


def test_every_row_of_the_fault_table_can_be_injected() -> None:
    table = {(way.kind, int(way.level)) for kind in kinds() for way in ways(kind, thresholds())}
    injected = {(case.kind, int(case.level)) for case in cases(thresholds())}
    assert injected <= table
    assert table - injected == FOREIGN


def test_the_fault_table_in_the_docs_is_the_codes() -> None:
    text = (ROOT / "docs/alarms.md").read_text(encoding="utf-8")
    assert listing.fault_table(thresholds()) in text


@pytest.mark.slow
def test_faults_are_detected_in_their_stated_delay_and_named_as_the_one_cause() -> None:
    found = Found()
    chosen = [case for case in cases(thresholds()) if any(str(case).startswith(spec) for spec in SHORT)]
    asyncio.run(played(chosen, found))
    assert found.wrong == []
    assert found.faults == found.detected == found.named == len(SHORT)
    assert found.late == 0


def test_a_fault_is_missed_once_its_threshold_is_gone() -> None:
    assert asyncio.run(missed_without(["insulation_low"])) == {"insulation_low": True}


def test_a_clean_morning_raises_nothing() -> None:
    quiet = clean(days=1, seed=3, minutes=60)
    assert (quiet.alarms, quiet.looks) == ([], 120)


def test_a_cell_in_over_voltage_is_named_stops_the_station_opens_it_and_waits_for_a_person(tmp_path: Path) -> None:
    async def play(s: Stage) -> None:
        for _ in range(3):
            await s.round()
        assert s.plant.snapshot().battery_power_w == 500_000
        injected = await s.inject(CELL)
        for _ in range(6):
            await s.round()
        assert s.board.told == ("5号集装箱/2簇/3包/7号电芯过压（跳闸）",)
        assert (s.plant.snapshot().battery_power_w, s.site.parts.bms.registers.seen("contactor_closed")) == (0, 0)
        (row,) = [one for one in status(tmp_path, station=4)["faults"] if one["cause"] is None]  # type: ignore[attr-defined]
        assert (row["code"], row["part"]) == ("0x1033", {"container": 5, "cluster": 2, "pack": 3, "cell": 7})
        with pytest.raises(CauseStands):
            listing.asked(tmp_path, Ask(verb=Verb.RESET, number=row["number"], by="李工"), language="zh")
        listing.asked(tmp_path, Ask(verb=Verb.ACK, number=row["number"], by="李工"), language="zh")
        await s.site.clear(injected)
        for _ in range(3):
            await s.round(11_000)
        s.again()
        assert (s.board.cut.charge_bp, s.board.cut.discharge_bp, s.board.cut.opens) == (0, 0, True), "over a restart"
        assert "已确认" in listing.as_text(listing.standing_at(tmp_path), "zh")
        listing.asked(tmp_path, Ask(verb=Verb.RESET, number=row["number"], by="李工"), language="zh")
        await s.round()
        assert (s.board.cut.charge_bp, s.board.cut.opens) == (10_000, False)
        assert {alarm.key.kind for alarm in s.standing()} == {"contactor_open", "pcs_dc_open"}, (
            "a person closes it on site"
        )

    staged(tmp_path, play, wish_w=500_000)


def test_a_derate_halves_the_order_and_the_guard_names_the_alarm(tmp_path: Path) -> None:
    async def play(s: Stage) -> None:
        await s.inject("bms.insulation_low:level=2")
        for _ in range(12):
            await s.round()
        assert s.plant.snapshot().battery_power_w == 500_000
        assert s.box._order.reasons == ("alarm",)

    staged(tmp_path, play, wish_w=900_000)


def test_the_owners_screen_hears_of_an_alarm_in_the_round_that_raised_it(tmp_path: Path, peer: Peer) -> None:
    async def play(s: Stage) -> None:
        shown = len(peer.live)
        await s.inject("pcs.alarm_bit:bit=3")
        await s.round()
        assert len(peer.live) == shown + 1
        assert peer.live[-1]["alarms"] == ["变流器 功率模块过温（降额）"]
        await s.inject("bms.silent")
        for _ in range(3):
            await s.round()
        assert (peer.live[-1]["powerW"], peer.live[-1]["alarms"][0]) == (None, "变流器 功率模块过温（降额）")
        assert "5号集装箱/电池系统 通信中断（重要）" in peer.live[-1]["alarms"]

    staged(tmp_path, play, service_url=peer.url, live_ticks=1_000)


def test_asks_that_are_none_are_counted_and_change_nothing(tmp_path: Path) -> None:
    async def play(s: Stage) -> None:
        (tmp_path / "alarm-asks").mkdir()
        (tmp_path / "alarm-asks" / "a.json").write_text("[")
        ask(tmp_path, Ask(verb=Verb.RESET, number=99, by="x"))
        await s.round()
        assert list((tmp_path / "alarm-asks").iterdir()) == []
        counters = status(tmp_path, station=4)["counters"]
        assert (counters["alarm_asks_malformed"], counters["alarm_asks_refused"]) == (1, 1)  # type: ignore[index]
        with pytest.raises(AlarmAbsent):
            listing.asked(tmp_path, Ask(verb=Verb.ACK, number=99, by="x"), language="zh")
        with pytest.raises(ByUnnamed):
            listing.asked(tmp_path, Ask(verb=Verb.ACK, number=1, by=" "), language="zh")

    staged(tmp_path, play)


def test_the_command_lists_acknowledges_and_tells_the_table(tmp_path: Path) -> None:
    async def play(s: Stage) -> None:
        await s.inject("bms.soh_low:level=1")
        for _ in range(9):
            await s.round()
        assert [a.key.kind for a in kept(s.folder.store).standing] == ["soh_low"]

    (tmp_path / "state").mkdir(mode=0o700)
    staged(tmp_path / "state", play)
    config = str(settings_at(tmp_path))
    shown = edge("alarms", "--config", config)
    assert "[告警] 5号集装箱/电池系统 健康度过低 79 % (限值 80 %)  0x2031" in shown.stdout
    assert "处理: 安排容量复测与更换" in shown.stdout
    assert json.loads(edge("alarms", "--config", config, "--json").stdout)[0]["kind"] == "soh_low"
    assert edge("alarms", "--config", config, "--ack", "1", "--by", "李工").stdout == "已请求确认 1\n"
    refused = edge("alarms", "--config", config, "--reset", "1", "--by", "李工")
    assert (refused.returncode, "alarm_not_latched" in refused.stderr) == (3, True)


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ("bms.cell_overvolt", FaultUnknown),
        ("bms.cell_overvoltage:cell=17", FaultMalformed),
        ("bms.cell_overvoltage:container=4", FaultMalformed),
        ("bms.cell_overvoltage:cell=x", FaultMalformed),
        ("pcs.trip:zone=1", FaultMalformed),
    ],
)
def test_a_fault_that_is_none_is_refused_by_name(spec: str, wrong: type[Exception]) -> None:
    with pytest.raises(wrong):
        parsed(spec, faults=FAULTS, container=5)


@contextmanager
def station(*arguments: str) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """The program `simulation.station`; its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simulation.station", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline()), process
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]


def test_faults_come_and_go_by_command_while_the_simulator_runs() -> None:
    base, control = _free_run(6)
    with station("--port", str(base), "--control", str(control), "--container", "5", "--fault", "fire.smoke:zone=2") as (
        told, _,
    ):  # fmt: skip
        parts = tuple(
            PartSettings(table=Path(p["table"]), port=p["port"], name=p.get("name", ""))
            for p in told["device"]["parts"]
        )
        settings = DeviceSettings(kind=DeviceKind.TABLE, parts=parts, timeout_ms=2_000)
        cell = "container.5.cluster.2.pack.3.cell.7.voltage"
        assert _until(settings, lambda points: points["fire.smoke.2"] == 1)
        said = [sys.executable, "-m", "simulation.station", "--control", str(control)]
        subprocess.run([*said, "--inject", f"{CELL},value=3701"], cwd=ROOT, check=True, capture_output=True)
        assert _until(settings, lambda points: points[cell] == 3_701)
        subprocess.run([*said, "--clear", "all"], cwd=ROOT, check=True, capture_output=True)
        assert _until(settings, lambda points: points[cell] < 3_500 and points["fire.smoke.2"] == 0)
        wrong = subprocess.run([*said, "--inject", "bms.none"], cwd=ROOT, check=False, capture_output=True, text=True)
        assert (wrong.returncode, "fault_unknown" in wrong.stdout) == (2, True)


def _until(settings: DeviceSettings, holds: Callable[[Any], bool]) -> bool:
    async def read() -> bool:
        driver = open_devices(settings)
        try:
            return holds((await driver.read()).points)
        finally:
            await driver.close()

    for _ in range(40):
        try:
            if asyncio.run(read()):
                return True
        except OSError:
            pass
        except Exception as failure:
            if type(failure).__name__ != "DeviceUnreachable":
                raise
        time.sleep(0.25)
    return False


def _free_run(count: int) -> tuple[int, int]:
    """A base of `count` free ports in a row; the last is for control."""
    for base in range(30_000, 60_000, 37):
        probes = [socket.socket() for _ in range(count)]
        try:
            for n, probe in enumerate(probes):
                probe.bind(("127.0.0.1", base + n))
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
        return base, base + count - 1
    raise AssertionError("no free ports")


def test_levels_of_the_catalogue_have_codes_of_their_own() -> None:
    codes = [kind.code(level) for kind in kinds().values() for level in Level]
    assert len(set(codes)) == len(codes)


def board_at(folder: StateFolder, *, plan: Plan | None = None) -> Board:
    return Board(
        store=folder.store, alarms=Alarms(folder.store), plan=plan or Plan(), thresholds=shipped(),
        ratings=ratings_of(LIMITS), state=folder.path,
    )  # fmt: skip


def test_a_latched_trip_outlives_a_restart_though_the_disk_was_full_when_it_came(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    board, grounded = board_at(folder), replace(SAMPLE, alarms=("GROUND_FAULT",))
    folder.store._db.execute("PRAGMA query_only = ON")
    board.round(looking.Round(sample=grounded), t_ms=START_MS)
    folder.store._db.execute("PRAGMA query_only = OFF")
    assert [alarm.latched for alarm in board.state.standing] == [True]
    board.round(looking.Round(sample=grounded), t_ms=START_MS + 1_000)
    assert [alarm.latched for alarm in board_at(folder).state.standing] == [True]
    assert (board.worst, board_at(folder).cut.opens) == (3, True)
    folder.close()


def test_an_ask_that_cannot_be_read_or_removed_stops_no_round(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    board = board_at(folder)
    (tmp_path / "alarm-asks" / "held.json").mkdir(parents=True)
    ask(tmp_path, Ask(verb=Verb.RESET, number=1, by="tester"))
    board.round(looking.Round(sample=replace(SAMPLE, alarms=("GROUND_FAULT",))), t_ms=START_MS)
    assert [alarm.latched for alarm in board.state.standing] == [True]
    assert [path.name for path in (tmp_path / "alarm-asks").iterdir()] == ["held.json"]
    folder.close()


def test_the_highest_cell_trips_though_it_is_another_one_each_second(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    keys = ("cell_voltage_max", "bms.cell_voltage_max_at")
    points = {key: place_of(key) for key in keys}
    plan = Plan(places=points, feeds={"cell_voltage_max": frozenset({("cell_overvoltage", Place("bms"))})})
    board = board_at(folder, plan=plan)
    for second in range(4):
        values = {"cell_voltage_max": 3_900, "bms.cell_voltage_max_at": 7 + second % 2}
        sample = replace(SAMPLE, cell_highest_mv=3_900, points=values)
        board.round(looking.Round(sample=sample), t_ms=START_MS + 1_000 * second)
    assert [(alarm.key.kind, alarm.level) for alarm in board.state.standing] == [("cell_overvoltage", 3)]
    doubted = replace(sample, cell_highest_mv=None, doubtful=frozenset({"cell_voltage_max"}))
    for second in range(4, 60):
        board.round(looking.Round(sample=doubted), t_ms=START_MS + 1_000 * second)
    (over,) = [alarm for alarm in board.state.standing if alarm.key.kind == "cell_overvoltage"]
    assert over.gone_ms is None, "a doubtful value changes nothing"
    folder.close()


def test_a_battery_without_single_cells_is_blind_while_its_highest_cell_is_doubtful() -> None:
    bms = device_of(PartSettings(table=Path("bms")))
    few = replace(bms, points={key: bms.points[key] for key in ("cell_voltage_max", "cell_voltage_min")})
    assert ("cell_overvoltage", Place("bms")) in plan_of([few]).feeds["cell_voltage_max"]
    assert ("cell_overvoltage", Place("bms")) not in plan_of([bms]).feeds.get("cell_voltage_max", ())


def test_contactors_open_once_for_each_trip_that_asks_for_it() -> None:
    first = Alarm(key=Key("smoke", Place("fire")), number=4, level=3)
    second = Alarm(key=Key("insulation_low", Place("bms")), number=9, level=3)
    one = cut_of(State(alarms={first.key: first}))
    both = cut_of(State(alarms={first.key: first, second.key: second}))
    assert (one.opening, both.opening) == ({4}, {4, 9})


def test_a_second_trip_opens_contactors_that_were_closed_again_under_the_first(tmp_path: Path) -> None:
    async def play(s: Stage) -> None:
        first = await s.inject(CELL)
        for _ in range(6):
            await s.round()
        assert s.site.parts.bms.registers.seen("contactor_closed") == 0
        await s.site.clear(first)
        await s.round(11_000)
        s.site.put("bms", {"bms.contactor_order": 1})
        s.plant.set_contactor(closed=True)
        await s.round()
        assert s.site.parts.bms.registers.seen("contactor_closed") == 1, "the first trip opened them once"
        await s.inject(CELL.replace("cell=7", "cell=9"))
        for _ in range(6):
            await s.round()
        assert s.site.parts.bms.registers.seen("contactor_closed") == 0

    staged(tmp_path, play)
