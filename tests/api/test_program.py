"""The program `alliance-service` as it is run: migrate, openapi, one clear line when something is wrong, lock-step rounds."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from simulation.anvil import free_port

T0 = 1_767_204_000_000
COMMAND = [sys.executable, "-W", "error", "-m", "api.main"]


def write_settings(folder: Path, settings, **changes) -> Path:
    lines = {
        "state": str(settings.state), "rpc_url": settings.rpc_url, "finality_blocks": 2, "port": free_port(),
        "page": str(folder / "no-page"), "log_level": "error",
    } | changes  # fmt: skip
    path = folder / "service.toml"
    path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items()))
    return path


def run(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


def test_openapi_is_printed_when_there_is_no_chain() -> None:
    done = run("openapi")
    assert done.returncode == 0, done.stderr
    assert "/v1/segments" in json.loads(done.stdout)["paths"]


def test_database_is_made_when_migrated_twice(tmp_path: Path, settings_of) -> None:
    path = write_settings(tmp_path, settings_of(tmp_path / "state"))
    for _ in range(2):
        done = run("migrate", "--settings", str(path))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "state" / "service.sqlite").exists()


@pytest.mark.parametrize("trouble", ["port", "deployment", "key", "setting", "same key"])
def test_one_clear_line_is_printed_when_something_is_wrong(tmp_path: Path, settings_of, trouble: str) -> None:
    settings, changes = settings_of(tmp_path / "state"), {}
    taken = socket.socket()
    if trouble == "port":
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        changes["port"] = taken.getsockname()[1]
    elif trouble == "deployment":
        settings.deployment_path.unlink()
    elif trouble == "key":
        settings.key_path("writer").chmod(0o644)
    elif trouble == "setting":
        changes["pacer"] = "sundial"
    else:
        changes["settler_key"] = str(settings.key_path("writer"))
    done = run("run", "--settings", str(write_settings(tmp_path, settings, **changes)))
    taken.close()
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    word = {"port": "cannot listen", "deployment": "deployment_missing", "key": "key_file_exposed"}
    assert word.get(trouble, {"setting": "pacer", "same key": "keys_not_separate"}.get(trouble, "")) in done.stderr


class Supervisor(threading.Thread):
    """Grants ticks over TCP and notes what is reported done."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.done: list[int] = []
        self.name_given = ""
        self.ready = threading.Event()

    def run(self) -> None:
        self.link, _ = self.listener.accept()
        self.file = self.link.makefile("rw")
        self.name_given = json.loads(self.file.readline())["name"]
        self.ready.set()

    def tick(self, t_ms: int) -> None:
        self.file.write(json.dumps({"tick": t_ms}) + "\n")
        self.file.flush()
        self.done.append(json.loads(self.file.readline())["done"])

    def close(self) -> None:
        self.file.close()
        self.link.close()
        self.listener.close()


def test_service_runs_its_jobs_in_lock_step_and_ends_cleanly_when_told(world, tmp_path: Path, settings_of) -> None:
    supervisor = Supervisor()
    supervisor.start()
    address = f"127.0.0.1:{supervisor.listener.getsockname()[1]}"
    port = free_port()
    settings = write_settings(
        tmp_path, settings_of(tmp_path / "state"), pacer="lockstep", pacer_address=address, port=port
    )
    process = subprocess.Popen([*COMMAND, "run", "--settings", str(settings)], stderr=subprocess.PIPE, text=True)
    try:
        assert supervisor.ready.wait(30)
        assert supervisor.name_given == "service"
        for minute in range(18):
            t_s = T0 // 1000 + 60 * minute
            supervisor.tick(t_s * 1000)
            world.mine_at(t_s)
        assert supervisor.done == [T0 + 60_000 * minute for minute in range(18)]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            assert client.get("/readyz").json()["ready"]
            (epoch,) = client.get("/v1/epochs").json()["items"]
            assert (epoch["epoch"], epoch["chainStatus"]) == (T0 // 900_000, "confirmed")
            assert client.get("/v1/service").json()["now"] == T0 + 17 * 60_000
    finally:
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
        supervisor.close()
    assert time.monotonic() - started < 10
    assert process.returncode in (0, -signal.SIGTERM), errors
    assert "Traceback" not in errors, errors


def test_settings_come_from_the_environment_when_no_file_says_otherwise(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "run"], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
        env={**os.environ, "ALLIANCE_SERVICE_PORT": "70000", "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 1
    assert "setting port" in done.stderr
