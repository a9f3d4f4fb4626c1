"""kill -9 at any step (protocol 3.4): after restarts every reading has arrived once, unaltered, and nothing conflicts.

strace ends the real process at its n-th write, sync or send. Without strace, it is ended after a random while.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.folder import DATABASE
from tests.edge.peer import Peer
from tests.edge.rig import MINUTE_MS, START_MS, folder_at

ROOT = Path(__file__).parents[2]
MINUTES = 90
KILLS = int(os.environ.get("ALLIANCE_KILLS", "14"))
SYSCALLS = ("pwrite64", "fdatasync", "sendto")


def command(path: Path, peer: Peer) -> list[str]:
    return [sys.executable, "-m", "tests.edge.box_process", str(path), str(peer.port), str(MINUTES)]


def killed_at(syscall: str, number: int, path: Path, peer: Peer) -> int:
    traced = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={syscall}"]
    traced += ["-e", f"inject={syscall}:signal=SIGKILL:when={number}"]
    return subprocess.run([*traced, *command(path, peer)], cwd=ROOT, timeout=60, check=False).returncode


def killed_after(seconds: float, path: Path, peer: Peer) -> int:
    process = subprocess.Popen(command(path, peer), cwd=ROOT)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait()


@pytest.mark.slow
def test_every_reading_arrives_once_when_the_box_is_killed_at_any_step(tmp_path: Path, peer: Peer) -> None:
    chance, kills = random.Random(7), 0
    folder_at(tmp_path).close()
    for turn in range(KILLS):
        if shutil.which("strace"):
            syscall = SYSCALLS[turn % len(SYSCALLS)]
            code = killed_at(syscall, chance.randint(1, {"sendto": 4}.get(syscall, 24)), tmp_path, peer)
        else:
            code = killed_after(chance.uniform(0.6, 1.2), tmp_path, peer)
        kills += code in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert kills > KILLS // 2, "the harness must have killed"
    subprocess.run(command(tmp_path, peer), cwd=ROOT, timeout=120, check=True)
    counts = {"kills": kills, "repeats": peer.repeats, "conflicts": len(peer.conflicts), "altered": len(peer.altered)}
    for channel in (1, 2):
        minutes = [(reading.t_ms - START_MS) // MINUTE_MS for reading in peer.readings(channel)]
        counts[f"lost_{channel}"] = len(set(range(1, MINUTES + 1)) - set(minutes))
        counts[f"doubled_{channel}"] = len(minutes) - len(set(minutes))
        assert [reading.seq for reading in peer.readings(channel)] == list(range(MINUTES))
    print(json.dumps(counts))
    assert (peer.conflicts, peer.altered) == ([], [])
    assert counts["lost_1"] == counts["lost_2"] == counts["doubled_1"] == counts["doubled_2"] == 0
    folder = folder_at(tmp_path)
    assert folder.outbox.waiting(channels=[1, 2], limit=9) == []
    assert len(folder.store.rows("SELECT * FROM ack")) == len(peer.sealed)
    folder.close()


@pytest.mark.slow
def test_harness_catches_a_box_that_forgets_its_head(tmp_path: Path, peer: Peer) -> None:
    """The known-bad control: without database and mark between two runs, the platform sees conflicts."""
    subprocess.run(command(tmp_path, peer), cwd=ROOT, timeout=120, check=True)
    key = (tmp_path / "device.key").read_text()
    shutil.rmtree(tmp_path)
    folder_at(tmp_path).close()
    assert (tmp_path / "device.key").read_text() == key, "the same seed makes the same key again"
    assert (tmp_path / DATABASE).exists()
    peer.heads.clear()
    peer.beacon = {"block": 8, "hash": "0x" + "ee" * 32, "timestamp": 2}
    subprocess.run(command(tmp_path, peer), cwd=ROOT, timeout=120, check=True)
    assert peer.conflicts
