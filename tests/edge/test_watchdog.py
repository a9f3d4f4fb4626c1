"""The watchdog (protocol 10.22) against a real datagram socket: alive only while rounds are really made on time."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.health.watchdog import Supervision, Watchdog, WatchdogTooShort, on_time, stale_ms, supervision
from edge.main import app
from tests.edge.peer import Peer
from tests.edge.program import ROOT, edge, settings_at
from tests.edge.rig import ScriptedStation, rig


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager's end of the conversation."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def heard(manager: socket.socket) -> list[str]:
    told = []
    while True:
        try:
            told += manager.recv(4_096).decode().split("\n")
        except BlockingIOError:
            return told


async def heard_until(manager: socket.socket, word: str, *, seconds: float = 20) -> list[str]:
    told: list[str] = []
    ends = time.monotonic() + seconds
    while word not in told:
        assert time.monotonic() < ends, told
        await asyncio.sleep(0.05)
        told += heard(manager)
    return told


def test_environment_says_what_the_manager_wants() -> None:
    assert supervision({}, pid=7) is None
    assert supervision({"NOTIFY_SOCKET": "relative"}, pid=7) is None
    asked = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "30000000"}
    assert supervision(asked, pid=7) == Supervision(address="/run/n", watchdog_ms=30_000)
    assert supervision({**asked, "WATCHDOG_PID": "7"}, pid=7) == Supervision(address="/run/n", watchdog_ms=30_000)
    assert supervision({**asked, "WATCHDOG_PID": "8"}, pid=7) == Supervision(address="/run/n", watchdog_ms=0)
    assert supervision({**asked, "WATCHDOG_USEC": "x"}, pid=7) == Supervision(address="/run/n", watchdog_ms=0)


def test_rounds_are_on_time_until_the_last_one_is_stale() -> None:
    limit_ms = stale_ms(tick_ms=1_000, device_ms=4_000)
    assert limit_ms == 11_000
    for now_ms, ended_ms, fine in (
        (5_000, None, False), (5_000, 5_000, True), (limit_ms, 0, True), (limit_ms + 1, 0, False), (0, 1, False),
    ):  # fmt: skip
        assert on_time(now_ms=now_ms, ended_ms=ended_ms, tick_ms=1_000, device_ms=4_000) is fine


def test_manager_that_would_end_a_healthy_box_is_refused(tmp_path: Path) -> None:
    asked = Supervision(address=str(tmp_path / "notify"), watchdog_ms=10_000)
    with pytest.raises(WatchdogTooShort):
        Watchdog(asked, tick_ms=1_000, device_ms=4_000)


class HangingStation(ScriptedStation):
    """A station whose next read never ends, whatever patience the box has."""

    hang = False

    async def read(self):  # type: ignore[no-untyped-def]
        while self.hang:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                if not self.hang:
                    raise
        return await super().read()


@asynccontextmanager
async def driven(
    watchdog: Watchdog, folder: Path, peer: Peer, station: HangingStation
) -> AsyncIterator[asyncio.Task[None]]:
    """The real box makes a round each tenth of a second, and the watchdog hears of each whole one."""
    async with rig(folder, peer, station=station) as box:

        async def rounds() -> None:
            while True:
                await box.play(1)
                watchdog.round_ended("x")
                await asyncio.sleep(0.1)

        task = asyncio.create_task(rounds())
        try:
            yield task
        finally:
            station.hang = False
            task.cancel()
            await asyncio.wait({task})


def test_hung_round_stops_the_pings_and_a_round_brings_them_back(
    tmp_path: Path, peer: Peer, manager: socket.socket
) -> None:
    async def work() -> None:
        asked = Supervision(address=str(tmp_path / "notify"), watchdog_ms=1_000)
        watchdog, station = Watchdog(asked, tick_ms=100, device_ms=100), HangingStation()
        assert heard(manager) == [], "nothing is said before the first whole round"
        async with driven(watchdog, tmp_path / "box", peer, station) as task:
            told = await heard_until(manager, "WATCHDOG=1")
            assert told[0] == "READY=1"
            station.hang = True
            await asyncio.sleep(1.2)  # a round under way ends, its word grows stale
            heard(manager)
            await asyncio.sleep(1.6)
            assert "WATCHDOG=1" not in heard(manager), "three periods without a whole round"
            station.hang = False
            task.cancel()
            await asyncio.wait({task})
            watchdog.round_ended("again")
            told = await heard_until(manager, "WATCHDOG=1")
            assert "READY=1" not in told, "ready is said once"
        watchdog.stopping()
        assert "STOPPING=1" in heard(manager)
        await asyncio.sleep(1.2)
        assert heard(manager) == []

    asyncio.run(work())


def test_loop_that_is_blocked_says_nothing(tmp_path: Path, manager: socket.socket) -> None:
    async def work() -> None:
        watchdog = Watchdog(
            Supervision(address=str(tmp_path / "notify"), watchdog_ms=500), tick_ms=100, device_ms=10
        )  # fmt: skip
        watchdog.round_ended("x")
        await heard_until(manager, "WATCHDOG=1")
        time.sleep(1)
        assert heard(manager) == []
        watchdog.stopping()

    asyncio.run(work())


def test_program_says_ready_alive_and_stopping_to_its_manager(
    tmp_path: Path, peer: Peer, manager: socket.socket
) -> None:
    config = settings_at(tmp_path, service_url=peer.url, tick_s=1, sample_s=60, log_level="error")
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "15000000"}
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.main", "run", "--config", str(config)], cwd=ROOT, env=environment
    )
    try:
        told = asyncio.run(heard_until(manager, "WATCHDOG=1", seconds=60))
        assert told[0] == "READY=1"
        assert told[1].startswith("STATUS=指令 order 0 W")
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
    assert "STOPPING=1" in heard(manager)


def test_unit_is_valid_and_asks_for_no_rights(tmp_path: Path) -> None:
    config = settings_at(tmp_path, tick_s=1, sample_s=60)
    told = edge("unit", "--config", str(config))
    assert told.returncode == 0, told.stderr
    for line in (
        "Type=notify", "User=alliance-edge", "ProtectSystem=strict", "NoNewPrivileges=yes", "Restart=always",
        "StateDirectory=alliance-edge", "WatchdogSec=30", "CapabilityBoundingSet=",
        "LoadCredential=alliance-edge-passphrase:/etc/alliance-edge/passphrase",
    ):  # fmt: skip
        assert line in told.stdout.splitlines()
    if shutil.which("systemd-analyze"):
        unit = tmp_path / "alliance-edge.service"
        unit.write_text(told.stdout)
        verified = subprocess.run(
            ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
        )
        assert (verified.returncode, verified.stderr) == (0, "")


def test_units_watchdog_follows_a_slow_rhythm(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["unit", "--config", str(settings_at(tmp_path, tick_s=60))])
    assert f"WatchdogSec={2 * -(-stale_ms(tick_ms=60_000, device_ms=4_000) // 1_000)}" in told.stdout.splitlines()
