"""The program `alliance-edge`: its commands, its errors in one line, and a whole run against real Modbus devices in lock-step."""

import asyncio
import json
import os
import signal
import stat
import statistics
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alliance.identity import address
from oracle import eip712, signature
from oracle.segment import check_contents
from simulation.battery import BatteryRating
from simulation.devices.ems import EmsDevice
from simulation.devices.sunspec import SunSpecDevice
from simulation.plant import Plant, PlantParameters
from simulation.profiles import DayProfile
from simulation.supervisor import Supervisor
from tests.edge.peer import DOMAIN, Peer
from tests.edge.program import edge, settings_at, started
from tests.edge.rig import DAY, MINUTE_MS, START_MS

OWNER = "0x" + "0a" * 20
SITE = PlantParameters(
    battery=BatteryRating(capacity_wh=2_000_000, charge_power_w=1_000_000, discharge_power_w=1_000_000),
    ramp_w_per_s=100_000, pcc_import_w=3_000_000, pcc_export_w=1_000_000, standby_w=5_000,
)  # fmt: skip


def test_enrol_makes_a_key_and_prints_the_devices_consent(tmp_path: Path) -> None:
    config = str(settings_at(tmp_path))
    arguments = (
        "enrol",
        "--config",
        config,
        "--owner",
        OWNER,
        "--station",
        "4",
        "--deadline",
        "1800000000",
        "--nonce",
        "3",
    )
    first, again = edge(*arguments), edge(*arguments)
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout, "the key is born once"
    given = json.loads(first.stdout)
    assert given.keys() == {"device", "station", "owner", "nonce", "deadline", "signature"}
    device = address(given["device"])
    named = eip712.enrol_digest(
        DOMAIN, device=device, owner=address(OWNER), station=4, nonce=int(given["nonce"]), deadline_s=given["deadline"]
    )
    assert signature.recover(named, alg=1, signature=bytes.fromhex(given["signature"][2:])) == device
    assert stat.S_IMODE((tmp_path / "state" / "device.key").stat().st_mode) == 0o600


def test_error_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    config = settings_at(tmp_path)
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    enrol = ("enrol", "--config", str(config), "--deadline", "1")
    for arguments, code, named in (
        (("run", "--config", str(tmp_path / "none.toml")), 4, "settings_missing"),
        (("run", "--config", str(bad)), 2, "settings_malformed"),
        (("status", "--config", str(config)), 4, "store_missing"),
        ((*enrol, "--owner", "0x12"), 2, "bad_hex"),
        (("enrol", "--config", str(settings_at(tmp_path, seed="00")), "--owner", OWNER, "--deadline", "1"), 0, ""),
    ):
        done = edge(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1 if code else 0), done.stderr
        assert named in done.stderr
        assert "Traceback" not in done.stderr


def test_run_refuses_a_folder_that_lost_its_head(tmp_path: Path) -> None:
    config = settings_at(tmp_path)
    assert edge("enrol", "--config", str(config), "--owner", OWNER, "--deadline", "1").returncode == 0
    (tmp_path / "state" / "outbox.sqlite").unlink()
    done = edge("run", "--config", str(config))
    assert (done.returncode, "head_lost" in done.stderr, done.stderr.count("\n")) == (3, True, 1)


def test_run_says_in_one_line_that_the_supervisor_is_not_there(tmp_path: Path) -> None:
    config = settings_at(tmp_path, pacer="lockstep", pacer_address="127.0.0.1:1", log_level="error")
    done = edge("run", "--config", str(config))
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr


@dataclass
class World:
    """A real plant behind real Modbus, a supervisor, a platform, and the real program between them."""

    folder: Path
    supervisor: Supervisor
    plant: Plant
    device: SunSpecDevice | EmsDevice
    config: Path
    process: subprocess.Popen[str]
    t_ms: int = START_MS
    wall_ms: list[float] = field(default_factory=list)

    async def play(self, minutes: int) -> None:
        for _ in range(minutes):
            self.t_ms += MINUTE_MS
            self.plant.step(self.t_ms)
            self.device.publish(self.plant.snapshot())
            before = time.perf_counter()
            await self.supervisor.round(self.t_ms, [["edge-4"]])
            self.wall_ms.append((time.perf_counter() - before) * 1_000)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
        self.supervisor.drop("edge-4")

    async def restart(self) -> None:
        self.process = started(self.config)
        await self.supervisor.expect(["edge-4"])

    def memory_mb(self, name: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024

    def cpu_s(self) -> float:
        values = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def world(folder: Path, peer: Peer, kind: str, port: int) -> AsyncIterator[World]:
    days = {DAY: DayProfile(day=DAY, load_w=(800_000,) * 96, pv_w=(100_000,) * 96)}
    plant = Plant(parameters=SITE, days=days, seed="program", start_ms=START_MS)
    device: SunSpecDevice | EmsDevice
    if kind == "sunspec":
        device = SunSpecDevice(plant=plant, name="bench", serial="1", host="127.0.0.1", port=port)
    else:
        device = EmsDevice(plant=plant, host="127.0.0.1", port=port)
    await device.server.start()
    supervisor = Supervisor(patience_s=60)
    pacer = await supervisor.start()
    folder.mkdir(parents=True, exist_ok=True)
    config = settings_at(
        folder, service_url=peer.url, seed="0102", live_ticks=1, pacer="lockstep", pacer_address=f"127.0.0.1:{pacer}",
        device={"kind": kind, "port": port}, log_level="error",
    )  # fmt: skip
    made = World(folder, supervisor, plant, device, config, started(config))
    try:
        await supervisor.expect(["edge-4"])
        yield made
    finally:
        made.process.kill()
        made.process.communicate()
        await supervisor.stop()
        await device.server.stop()


def scheduled(peer: Peer) -> None:
    rows = [
        {"slot": s, "batteryWh": 50_000 if s % 2 else -50_000, "plannedNetWh": 0, "netLoadWh": 0} for s in range(96)
    ]
    peer.schedules[str(DAY)] = {"schedule": "0x" + "05" * 32, "revision": 0, "rows": rows}


@pytest.mark.parametrize("kind", ["sunspec", "table"])
def test_station_is_metered_and_follows_its_schedule_in_lock_step(
    kind: str, tmp_path: Path, peer: Peer, free_port: int
) -> None:
    async def work() -> None:
        scheduled(peer)
        async with world(tmp_path, peer, kind, free_port) as w:
            await w.play(90)
            told = edge("status", "--config", str(w.config))
            cpu_s, memory_mb, peak_mb = w.cpu_s(), w.memory_mb("VmRSS"), w.memory_mb("VmHWM")
            w.process.send_signal(signal.SIGTERM)
            _, errors = w.process.communicate(timeout=20)
            assert (w.process.returncode, errors) == (0, "")
            await w.supervisor.stop()
        assert told.returncode == 0, told.stderr
        status = json.loads(told.stdout)
        assert status["outbox"]["segments"] == 0
        assert status["lastAck"]["kept"] == 12
        assert [head["nextSeq"] for head in status["heads"]] == [90, 90]
        powers = [r.power_w for r in peer.readings(2)]
        assert statistics.median(powers[20:29]) == pytest.approx(200_000, rel=0.02), "slot 1 discharges"
        assert statistics.median(powers[35:44]) == pytest.approx(-200_000, rel=0.02), "slot 2 charges"
        for sealed in peer.sealed:
            check_contents(sealed)
        assert len(peer.live) == 90
        print(json.dumps({
            "kind": kind, "ticks": len(w.wall_ms), "tick_wall_ms_median": round(statistics.median(w.wall_ms), 1),
            "tick_wall_ms_p95": round(statistics.quantiles(w.wall_ms, n=20)[18], 1), "process_cpu_s": cpu_s,
            "rss_mb": memory_mb, "rss_peak_mb": peak_mb,
        }))  # fmt: skip
        assert peak_mb < 100

    asyncio.run(work())


@pytest.mark.slow
def test_same_seed_gives_the_same_bytes_with_kills_and_an_hour_offline(
    tmp_path: Path, peer: Peer, free_port: int
) -> None:
    """Kills fall between rounds here; `test_kill` puts them into every step."""
    other = Peer().start()

    async def smooth() -> None:
        scheduled(peer)
        async with world(tmp_path / "a", peer, "sunspec", free_port) as w:
            await w.play(150)

    async def rough() -> None:
        scheduled(other)
        async with world(tmp_path / "b", other, "sunspec", free_port) as w:
            await w.play(20)
            w.kill()
            await w.restart()
            await w.play(30)
            other.stop()
            await w.play(70)
            other.start()
            await w.play(30)

    asyncio.run(smooth())
    asyncio.run(rough())
    other.stop()
    for channel in (1, 2):
        assert [r.seq for r in other.readings(channel)] == list(range(150))
        ours, theirs = ([s for s in p.sealed if s.signed.segment.channel == channel] for p in (peer, other))
        assert ours == theirs
    assert (other.conflicts, other.altered) == ([], [])
