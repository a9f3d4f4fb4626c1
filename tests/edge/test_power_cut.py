"""Power cuts (protocol 3.4): what the outbox said was stored is there after the cut, whatever of the rest survived.

The real process runs under strace; at sampled points the disk is rebuilt from what was synced, and the folder reopened.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from alliance.errors import AllianceError
from edge.folder import KEY
from oracle import cbor
from oracle.segment import sealed_from_plain, split_readings
from tests.edge.disk_trace import SYSCALLS, Disk, Event, events
from tests.edge.peer import DOMAIN
from tests.edge.rig import folder_at

ROOT = Path(__file__).parents[2]
MINUTES = 75
CUTS = int(os.environ.get("ALLIANCE_POWER_CUTS", "300"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed (apt-get install strace)"),
]


@dataclass
class Told:
    """What the process was told is safe."""

    readings: int = 0
    acked: set[str] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        for line in event.data.splitlines():
            value = json.loads(line)
            self.readings = value.get("readings", self.readings)
            self.acked |= set(value.get("acked", ()))


def traced(tmp_path: Path, mode: str) -> list[Event]:
    folder, told, trace = tmp_path / "box", tmp_path / "told", tmp_path / "trace"
    folder.mkdir()
    strace = ["strace", "-f", "-qq", "-y", "-xx", "-s", "100000", "-o", str(trace), "-e", f"trace={SYSCALLS}"]
    process = [sys.executable, "-m", "tests.edge.power_process", str(folder), str(told), str(MINUTES), mode]
    subprocess.run([*strace, *process], cwd=ROOT, check=True, timeout=120)
    return list(events(trace, folder, told))


def survey(history: list[Event], tmp_path: Path, *, cuts: int, seed: int) -> Counter[str]:
    """Cut the power at sampled points, without and with a random part of what was not synced, and count."""
    chance, counts, told, disk = random.Random(seed), Counter[str](), Told(), Disk()
    points = set(chance.sample(range(1, len(history)), min(cuts // 2, len(history) - 1)))
    for number, event in enumerate(history):
        if event.call == "told":
            told.hear(event)
        else:
            disk.apply(event)
        if number in points:
            for mode in (None, *[chance] * max(1, cuts // len(points) - 1)):
                image = tmp_path / "image"
                shutil.rmtree(image, ignore_errors=True)
                image.mkdir()
                disk.image(image, mode)
                counts["cuts"] += 1
                counts["told_readings"] += 2 * told.readings
                counts["told_acks"] += len(told.acked)
                counts.update(losses(image, told))
    return counts


def losses(image: Path, told: Told) -> Counter[str]:
    """How much of what was told is not there after the cut."""
    if not told.readings and not (image / KEY).exists():
        return Counter()
    try:
        folder = folder_at(image)
    except AllianceError as error:
        return Counter({"lost": 2 * told.readings, f"refused_{error.code}": 1})
    try:
        counts: Counter[str] = Counter()
        acks = {bytes(digest).hex(): (channel, first, n) for digest, channel, first, n in folder.store.rows(
            "SELECT digest, channel, first_seq, readings FROM ack")}  # type: ignore[call-overload]  # fmt: skip
        counts["lost"] += len(told.acked - set(acks))
        for channel in (1, 2):
            have = {seq for c, first, n in acks.values() if c == channel for seq in range(first, first + n)}
            for waiting in folder.outbox.waiting(channels=[channel], limit=1_000):
                sealed = sealed_from_plain(cbor.decode(waiting.payload), DOMAIN)
                assert sealed.signed.signer == folder.signer.address
                assert len(split_readings(sealed.readings)) == waiting.readings
                have |= {reading.seq for reading in sealed.decoded()}
            stream = folder.outbox.streams([channel])[channel]
            have |= {reading.seq for reading in stream.opened.readings} if stream.opened else set()
            counts["lost"] += len(set(range(told.readings)) - have)
        return counts
    finally:
        folder.close()


def test_nothing_told_to_be_stored_is_lost_when_the_power_is_cut(tmp_path: Path) -> None:
    history = traced(tmp_path, "sound")
    counts = survey(history, tmp_path, cuts=CUTS, seed=1)
    print(json.dumps({"events": len(history), "lost": 0, **counts}))
    assert counts["cuts"] >= min(CUTS, len(history)) - 1
    assert counts["told_acks"] > 0
    assert counts["lost"] == 0
    assert not [name for name in counts if name.startswith("refused_")]


def test_harness_catches_a_store_that_does_not_sync_its_commits(tmp_path: Path) -> None:
    """The known-bad control: write-ahead log with synchronous=NORMAL."""
    history = traced(tmp_path, "careless")
    counts = survey(history, tmp_path, cuts=max(60, CUTS // 5), seed=2)
    print(json.dumps({"events": len(history), **counts}))
    assert counts["lost"] > 0
