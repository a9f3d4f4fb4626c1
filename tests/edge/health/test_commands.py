"""`alliance-edge diagnose` and `soh-test` beside the real program, on real Modbus devices, through a kill in mid-test."""

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from edge.control.wish import Base, Source
from edge.evidence.recorder import Recording
from edge.evidence.store import open_store
from edge.health.diagnosis.cycle import CycleRunning, CycleTermsMalformed
from edge.health.diagnosis.keeper import REQUEST, severity_of
from edge.health.diagnosis.report import ReportSignatureWrong
from edge.health.diagnosis.score import Severity
from edge.main import app
from simulation.devices.parts import StationParts
from simulation.plant import Plant
from simulation.profiles import DayProfile
from simulation.supervisor import Supervisor
from tests.edge.devices.conftest import SITE
from tests.edge.health.bench import diagnosis_at
from tests.edge.peer import DOMAIN, Peer
from tests.edge.program import settings_at, started
from tests.edge.rig import DAY, MINUTE_MS, SAMPLE, START_MS

CELLS = {"series": 416, "rated_mah": 1_460_000, "resistance_uohm": 34_600}


def command(*arguments: str) -> Result:
    """A command in this process: what it prints, or the error that it raises."""
    return CliRunner().invoke(app, arguments)


def _free() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Site:
    """A station of five devices, and the program that runs it in lock-step."""

    supervisor: Supervisor
    plant: Plant
    parts: StationParts
    config: Path
    process: subprocess.Popen[str]
    t_ms: int = START_MS

    async def play(self, minutes: int) -> None:
        for _ in range(minutes):
            self.t_ms += MINUTE_MS
            self.plant.step(self.t_ms)
            self.parts.publish(self.plant.snapshot())
            await self.supervisor.round(self.t_ms, [["edge-4"]])

    async def kill_and_restart(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.supervisor.drop("edge-4")
        self.process = started(self.config)
        await self.supervisor.expect(["edge-4"])

    def told(self, *arguments: str) -> dict[str, Any]:
        done = command(*arguments, "--config", str(self.config))
        assert done.exit_code == 0, done.exception
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    @property
    def battery_w(self) -> int:
        return self.plant.snapshot().battery_power_w


@asynccontextmanager
async def site(folder: Path, peer: Peer) -> AsyncIterator[Site]:
    days = {DAY: DayProfile(day=DAY, load_w=(800_000,) * 96, pv_w=(0,) * 96)}
    plant = Plant(parameters=SITE, days=days, seed="diagnosis", start_ms=START_MS)
    parts, supervisor = StationParts(plant, seed="diagnosis"), Supervisor(patience_s=240)
    servers, settings = [], []
    for table, part in parts.by_table.items():
        servers.append(part.registers.server(host="127.0.0.1", port=_free()))
        settings.append({"table": table, "port": servers[-1].port})
        await servers[-1].start()
    pacer = await supervisor.start()
    config = settings_at(
        folder, service_url=peer.url, seed="0102", pacer="lockstep", pacer_address=f"127.0.0.1:{pacer}", cells=CELLS,
        device={"kind": "table", "parts": settings}, log_level="error",
    )  # fmt: skip
    made = Site(supervisor, plant, parts, config, started(config))
    try:
        await supervisor.expect(["edge-4"])
        yield made
    finally:
        made.process.kill()
        made.process.communicate()
        await supervisor.stop()
        for server in servers:
            await server.stop()


def test_a_test_is_begun_outlives_a_kill_and_is_ended_by_command(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with site(tmp_path, peer) as s:
            await s.play(2)
            refused = command("soh-test", "start", "--power-w", "9000000", "--config", str(s.config))
            assert isinstance(refused.exception, CycleTermsMalformed)
            s.told("soh-test", "start", "--power-w", "800000", "--rest-s", "60")
            await s.play(4)
            assert s.told("soh-test", "status")["test"]["stage"] == "charge"
            assert s.battery_w == -800_000
            await s.kill_and_restart()
            await s.play(3)
            status = s.told("soh-test", "status")["test"]
            assert (status["stage"], status["started"]) == ("charge", START_MS + 3 * MINUTE_MS)
            assert s.battery_w == -800_000
            again = command("soh-test", "start", "--config", str(s.config))
            assert isinstance(again.exception, CycleRunning)
            s.told("soh-test", "abort")
            await s.play(3)
            assert s.battery_w == 0
            assert s.told("soh-test", "status")["test"]["reason"] == "asked"
            _check_told(s, tmp_path)

    asyncio.run(work())


def _check_told(s: Site, folder: Path) -> None:
    file = folder / "report.json"
    assert command("soh-test", "report", "--config", str(s.config), "--out", str(file)).exit_code == 0
    deployment = ("--deployment", str(folder / "deployment.json"))
    checked = command("soh-test", "check", str(file), *deployment)
    assert checked.exit_code == 0, checked.exception
    assert (json.loads(checked.stdout)["outcome"], json.loads(checked.stdout)["rows"] > 3) == ("aborted", True)
    file.write_text(file.read_text().replace('"aborted"', '"done"', 1))
    lied = command("soh-test", "check", str(file), *deployment)
    assert isinstance(lied.exception, ReportSignatureWrong)
    shown = s.told("diagnose", "--json")
    assert shown["sohCapacityBp"] == {"why": "few_rests"}
    assert shown["believable"]["give"]["lowWh"] < shown["believable"]["give"]["highWh"]
    assert shown["spread"]["deltaMv"] < 60
    zh = command("diagnose", "--config", str(s.config)).stdout
    en = command("diagnose", "--config", str(s.config), "--lang", "en").stdout
    assert "可信电量 可放" in zh
    assert "操作员中止" in zh
    assert "Believable energy can give" in en
    assert "cannot tell yet: no two rests" in en


def test_request_that_cannot_be_read_or_removed_leaves_the_wish_as_it_is(tmp_path: Path) -> None:
    store = open_store(tmp_path / "db", alliance=DOMAIN.alliance, quota_bytes=64 << 20, reserve_bytes=1 << 20)
    (tmp_path / REQUEST).mkdir()
    wanted = Base(power_w=5_000, source=Source.SCHEDULE)
    assert diagnosis_at(store, tmp_path, _no_recording).base(START_MS, wanted, least_w=None) == wanted


def test_severity_is_the_boards_where_it_grades_worse_than_the_sample_says() -> None:
    assert [severity_of(SAMPLE, graded=level) for level in range(4)] == list(Severity)
    complaining = replace(SAMPLE, alarms=("OTHER",))
    assert [severity_of(complaining, graded=level) for level in (0, 2)] == [Severity.WARN, Severity.DERATE]


def _no_recording() -> Recording:
    raise AssertionError("nothing is signed")
