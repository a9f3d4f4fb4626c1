"""The station box installed as docs/station-box.md says, driven as a new user would: `python -m tests.campaigns.install`.

A copy of the sources without anything that is not checked in, an empty virtual environment, `pip install '.[edge]'`;
then init, check, enrol, run before a simulated station, page, metrics, status, events, a configuration by hand, an
update to a second environment and the way back. The control: an event log that was altered must be refused. The last
line is JSON: {"environment_bytes", "limit_bytes", "install_s", "peak_rss_mb", "steps", "failed", …}.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from alliance.identity import to_hex
from oracle.adapters import SystemRandomness
from oracle.keys import load_or_create
from tests.edge.peer import Peer
from tests.edge.program import DEPLOYMENT, ROOT
from tests.edge.standing import scheduled_now, standing

LIMIT_BYTES = 120 * 1_000_000
OWNER = "0x" + "0a" * 20


@dataclass
class Machine:
    """A machine that has Python and nothing of ours."""

    folder: Path
    steps: dict[str, bool] = field(default_factory=dict)
    figures: dict[str, object] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "etc" / "box.toml"

    @property
    def program(self) -> Path:
        return self.folder / "opt" / "current" / "bin" / "alliance-edge"

    def step(self, name: str, done: bool, told: object = "") -> None:
        self.steps[name] = bool(done)
        print(f"{'ok ' if done else 'BAD'} {name}  {str(told).strip()[:160]}", flush=True)

    def edge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), *arguments], cwd=self.folder, env=self.environment(), capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return {**kept, "COLUMNS": "100", "NOTIFY_SOCKET": str(self.folder / "notify"), "WATCHDOG_USEC": "30000000"}


def sources(folder: Path) -> Path:
    """What is checked in, or would be: nothing built, no environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def installed(machine: Machine, source: Path, name: str) -> float:
    """A fresh environment with the box in it; seconds."""
    began, place = time.monotonic(), machine.folder / "opt" / name
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    subprocess.run(
        [str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", ".[edge]"], cwd=source,
        env={**machine.environment()}, check=True,
    )  # fmt: skip
    switched(machine, name)
    return time.monotonic() - began


def switched(machine: Machine, name: str) -> None:
    """`current` names another environment from now on, at once."""
    aside = machine.folder / "opt" / "current.next"
    aside.symlink_to(name)
    aside.replace(machine.folder / "opt" / "current")


def taken_bytes(place: Path) -> int:
    """What the environment takes on the disk, as du counts: whole blocks."""
    return sum(os.lstat(path).st_blocks * 512 for path in place.rglob("*"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def filled_in(text: str, *, device: int, page: int, state: Path, configurer: str) -> str:
    """What a new user changes in the settings that `init` wrote."""
    for was, now in (
        (r'^host = "192\.168\.1\.20"', 'host = "127.0.0.1"'),
        (r"^port = 502", f"port = {device}"),
        (r"^page_port = 8090", f"page_port = {page}"),
        (r"^# configurers = .*$", f'configurers = ["{configurer}"]\npassphrase_file = "passphrase"'),
        (r"^charge_power_w = 0", "charge_power_w = 1_000_000"),
        (r"^discharge_power_w = 0", "discharge_power_w = 1_000_000"),
        (r"^capacity_wh = 0", "capacity_wh = 2_000_000"),
        (r"^pcc_import_w = 0", "pcc_import_w = 3_000_000"),
        (r"^pcc_export_w = 0", "pcc_export_w = 1_000_000"),
        (r"^ramp_w_per_s = 10000", "ramp_w_per_s = 100000"),
    ):
        text, count = re.subn(was, now, text, flags=re.MULTILINE)
        assert count == 1, was
    assert str(state) in text
    return text


async def until(seen: Callable[[], bool], *, seconds: float = 90) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if await asyncio.to_thread(seen):
            return True
        await asyncio.sleep(0.3)
    return False


def first_run(machine: Machine, peer: Peer, *, device: int, page: int) -> None:
    """Before anything runs: help, settings, what is missing, the consent to enrolment."""
    told = machine.edge("--help")
    machine.step("help", all(name in told.stdout for name in ("init", "check", "unit", "events", "run")), told.stderr)
    state = machine.folder / "state"
    wanted = [
        "init",
        "--config",
        str(machine.config),
        "--station",
        "4",
        "--state",
        str(state),
        "--service-url",
        peer.url,
    ]
    acknowledger = to_hex(load_or_create(machine.folder / "w.key", randomness=SystemRandomness()).address)
    told = machine.edge(*wanted, "--acknowledger", acknowledger)
    machine.step("init", told.returncode == 0 and machine.config.exists(), told.stderr)
    told = machine.edge("check", "--config", str(machine.config))
    machine.step("check names what is missing", told.returncode == 3 and "✗ 部署" in told.stdout, told.stdout)
    (machine.config.parent / "deployment.json").write_text(json.dumps(DEPLOYMENT))
    configurer = to_hex(load_or_create(machine.folder / "configurer.key", randomness=SystemRandomness()).address)
    filled = filled_in(machine.config.read_text(), device=device, page=page, state=state, configurer=configurer)
    machine.config.write_text(filled)
    told = machine.edge("check", "--config", str(machine.config))
    machine.step("check finds all well", told.returncode == 0, told.stdout + told.stderr)
    told = machine.edge("enrol", "--config", str(machine.config), "--owner", OWNER, "--deadline", "1900000000")
    machine.step("enrol", told.returncode == 0 and json.loads(told.stdout)["station"] == 4, told.stderr)
    told = machine.edge("unit", "--config", str(machine.config), "--program", str(machine.program))
    machine.step("unit", told.returncode == 0 and "WatchdogSec=30" in told.stdout, told.stderr)
    if shutil.which("systemd-analyze"):
        unit = machine.folder / "alliance-edge.service"
        unit.write_text(told.stdout)
        verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
        machine.step(
            "unit verified by systemd-analyze", verified.returncode == 0 and not verified.stderr, verified.stderr
        )


async def lived(machine: Machine, page: int) -> None:
    """The box runs: its manager, its page, its figures; a configuration is brought and confirmed; it stops cleanly."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        (machine.folder / "notify").unlink(missing_ok=True)
        manager.bind(str(machine.folder / "notify"))
        manager.setblocking(False)
        heard: list[bytes] = []
        hearing = asyncio.create_task(_hear(manager, heard))
        process = subprocess.Popen(
            [str(machine.program), "run", "--config", str(machine.config)], cwd=machine.folder,
            env=machine.environment(), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            machine.step("box follows its schedule", await until(lambda: _page(page).get("powerW") == 200_000))
            await asyncio.to_thread(looked, machine, page)
            await configured(machine)
            peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            machine.figures["peak_rss_mb"] = int(peak[1]) // 1_024 if peak else None
        finally:
            process.terminate()
            code = await asyncio.to_thread(process.wait, 60)
            hearing.cancel()
        told = b"\n".join([*heard, *_datagrams(manager)]).decode()
        machine.step("manager heard ready, alive and stopping", all(
            word in told for word in ("READY=1", "WATCHDOG=1", "STOPPING=1", "STATUS=")
        ))  # fmt: skip
        machine.step("box stops cleanly", code == 0, code)


def looked(machine: Machine, page: int) -> None:
    """Page in both languages, metrics, status, events."""
    url = f"http://127.0.0.1:{page}"
    zh, en = (httpx.get(url, params={"lang": language}, trust_env=False).text for language in ("zh", "en"))
    machine.step("page", "储能站 4" in zh and "200.0 kW" in zh and "Order and why" in en)
    metrics = httpx.get(f"{url}/metrics", trust_env=False).text
    machine.step("metrics", "alliance_edge_order_power_watts 200000" in metrics)
    told = machine.edge("status", "--config", str(machine.config))
    machine.step("status beside the running box", told.returncode == 0 and json.loads(told.stdout)["station"] == 4)
    told = machine.edge("events", "--config", str(machine.config))
    machine.step("events", "启动" in told.stdout, told.stdout)


async def configured(machine: Machine) -> None:
    """A configuration signed elsewhere, brought by hand, tried and confirmed."""
    out = machine.folder / "configuration.cbor"
    signed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", "from cli.main import main; main()", "configure", "--station", "4", "--number", "1", "--deployment",
         str(machine.config.parent / "deployment.json"), "--key", str(machine.folder / "configurer.key"), "--out",
         str(out), "--trial-s", "10", "--patience-s", "8", "limits.discharge_power_w=90000"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    machine.step("configuration signed", signed.returncode == 0 and out.exists(), signed.stderr)
    told = await asyncio.to_thread(machine.edge, "configure", str(out), "--config", str(machine.config))
    machine.step("configuration brought", told.returncode == 0, told.stdout + told.stderr)

    def confirmed() -> bool:
        return "远程参数已确认" in machine.edge("events", "--config", str(machine.config)).stdout

    machine.step("configuration confirmed after its trial", await until(confirmed))


def checked(machine: Machine, name: str) -> None:
    """The event log is whole; the control: altered, it is refused."""
    told = machine.edge("events", "--config", str(machine.config), "--verify", "--json")
    machine.step(f"events hold together {name}", told.returncode == 0, told.stdout)
    copy = machine.folder / f"altered {name}"
    shutil.copytree(machine.folder / "state" / "events", copy)
    [file] = copy.iterdir()
    file.write_bytes(file.read_bytes().replace(b'"after":"schedule"', b'"after":"nothing!"', 1))
    told = machine.edge("events", "--config", str(machine.config), "--verify", "--json", "--folder", str(copy))
    machine.step(f"altered events are refused {name}", told.returncode == 3 and '"changed"' in told.stdout, told.stdout)


async def played(machine: Machine, source: Path, *, update: bool) -> None:
    """The whole story."""
    peer, device, page = Peer().start(), free_port(), free_port()
    scheduled_now(peer)
    try:
        async with standing(device):
            await asyncio.to_thread(first_run, machine, peer, device=device, page=page)
            await lived(machine, page)
            checked(machine, "")
            if update:
                await asyncio.to_thread(installed, machine, source, "2")
                machine.step("updated box follows its schedule", await _again(machine, page))
                switched(machine, "1")
                machine.step("box that went back follows its schedule", await _again(machine, page))
                checked(machine, "after update and way back")
    finally:
        peer.stop()


async def _again(machine: Machine, page: int) -> bool:
    process = subprocess.Popen(
        [str(machine.program), "run", "--config", str(machine.config)], cwd=machine.folder,
        env=machine.environment(), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return await until(lambda: _page(page).get("powerW") == 90_000)
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)


def _page(port: int) -> dict[str, object]:
    try:
        told = httpx.get(f"http://127.0.0.1:{port}/status.json", trust_env=False, timeout=10).json()
    except httpx.HTTPError:
        return {}
    return told["round"] or {}


async def _hear(manager: socket.socket, heard: list[bytes]) -> None:
    """A manager reads what it is told: the kernel holds ten datagrams for it."""
    while True:
        heard += _datagrams(manager)
        await asyncio.sleep(0.2)


def _datagrams(manager: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(manager.recv(4_096))
        except BlockingIOError:
            return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 when every step succeeded within the limit."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.install", description="Install and drive the station box.")
    parser.add_argument("--no-update", action="store_true", help="install once, without update and way back")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder))
        source = sources(Path(folder) / "source")
        machine.figures["install_s"] = round(installed(machine, source, "1"), 1)
        size = taken_bytes(machine.folder / "opt" / "1")
        machine.step("environment under the limit", size < LIMIT_BYTES, f"{size / 1e6:.1f} MB")
        asyncio.run(played(machine, source, update=not chosen.no_update))
        failed = [name for name, done in machine.steps.items() if not done]
        told = {
            "environment_bytes": size, "limit_bytes": LIMIT_BYTES, "python": sys.version.split()[0], **machine.figures,
            "steps": len(machine.steps), "failed": failed,
        }  # fmt: skip
    print(json.dumps(told, ensure_ascii=False))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
