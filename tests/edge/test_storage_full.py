"""Full disks (protocol 3.4): no new telemetry, an alarm, and nothing signed or acknowledged is lost."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from edge.evidence.store import open_to_look
from edge.folder import DATABASE
from edge.health.alarms import counted, standing
from tests.edge.peer import Peer
from tests.edge.rig import MINUTE_MS, SAMPLE, START_MS, ScriptedStation, folder_at, rig

_LIMITED = """
import asyncio, resource, signal, sys
from pathlib import Path
from tests.edge.peer import Peer
from tests.edge.rig import rig

async def work():
    peer = Peer(); peer.port = 1
    async with rig(Path(sys.argv[1]), peer) as r:
        await r.play(100)
        r.folder.store.relieve()
        size = (Path(sys.argv[1]) / "outbox.sqlite").stat().st_size
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        await r.play(400)
        print(r.waiting(), sorted(r.alarms.names))

asyncio.run(work())
"""

_SPEAKING = """
import asyncio, resource, sys
from pathlib import Path
from edge.health.log import speak
from tests.edge.peer import Peer
from tests.edge.rig import rig

async def work():
    peer = Peer(); peer.port = 1
    async with rig(Path(sys.argv[1]), peer) as r:
        speak("info")
        await r.play(20)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        await r.play(30)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await r.play(10)

asyncio.run(work())
"""


def test_full_outbox_refuses_telemetry_alarms_and_recovers_when_the_link_returns(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        small = folder_at(tmp_path, quota_bytes=(1 << 20), reserve_bytes=(1 << 20) - 130_000)
        peer.stop()
        async with rig(tmp_path, peer, folder=small) as r:
            while "outbox.full" not in r.alarms.names:
                await r.play(15)
            stored = r.waiting()
            await r.play(60)
            assert r.waiting() == stored + 8, "gap records are still signed from the reserve"
            assert counted(small.store)["telemetry_refused"] >= 60
            peer.start()
            await r.play(40)
            assert r.waiting() == 0
            assert "outbox.full" not in r.alarms.names
        assert (peer.conflicts, peer.altered) == ([], [])
        counts = [s.signed.segment.count for s in peer.sealed if s.signed.segment.channel == 1]
        assert 0 in counts
        assert counts[-1] > 0
        seqs = [reading.seq for reading in peer.readings(1)]
        assert seqs == list(range(len(seqs)))

    asyncio.run(work())


def test_disk_that_takes_no_more_bytes_loses_nothing_that_was_stored(tmp_path: Path, peer: Peer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "outbox.failed" in done.stdout
    folder = folder_at(tmp_path)
    streams = folder.outbox.streams([1, 2])
    kept = streams[1].next_seq
    assert kept >= 100, "what was read before the disk was full"
    assert streams[2].next_seq == kept
    last = streams[1].last
    assert last is not None

    async def work() -> None:
        station = ScriptedStation(sample=replace(SAMPLE, import_wh=last.import_wh))  # the meter went on counting
        async with rig(tmp_path, peer, folder=folder, station=station, t_ms=START_MS + 500 * MINUTE_MS) as r:
            await r.play(15)
            assert r.waiting() == 0
            assert "outbox.failed" not in r.alarms.names

    asyncio.run(work())
    assert [reading.seq for reading in peer.readings(1)] == list(range(kept + 15 - 5))
    assert (peer.conflicts, peer.altered) == ([], [])
    print(json.dumps({"stored": kept, "refused": 500 - kept, "lost": 0}))


def test_box_goes_on_and_tells_how_much_it_refused_when_its_log_stands_on_the_full_disk_too(tmp_path: Path) -> None:
    log = tmp_path / "edge.log"
    with log.open("w") as stderr:
        done = subprocess.run(
            [sys.executable, "-c", _SPEAKING, str(tmp_path / "state")], stderr=stderr, timeout=120, check=False
        )
    assert done.returncode == 0, log.read_text()
    assert '"event": "uplink.down"' in log.read_text()
    seen = open_to_look(tmp_path / "state" / DATABASE)
    assert counted(seen)["telemetry_refused"] == 30
    seen.close()
    folder = folder_at(tmp_path / "state")
    assert [stream.next_seq for stream in folder.outbox.streams([1, 2]).values()] == [30, 30]
    folder.close()


def test_alarms_and_counters_are_seen_from_outside_while_the_box_runs(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            r.station.silent = True
            await r.play(3)
            seen = open_to_look(tmp_path / DATABASE)
            assert dict(standing(seen)).keys() == {"device.unreadable", "device.order_failed", "schedule.missing"}
            assert counted(seen) == {"bad_reads": 3, "orders_failed": 3, "readings_missed": 3}
            seen.close()

    asyncio.run(work())
