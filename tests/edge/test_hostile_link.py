"""A box behind a hostile link (protocol 3.4, 4.1, 10.2): five hours of losses, doubles and reorders; all is there once."""

import asyncio
import gc
import json
import random
from pathlib import Path

import pytest

from tests.campaigns.edge_link import STORM, Fate, HostileLink, WrongClock
from tests.edge.peer import Peer
from tests.edge.rig import rig

HOURS = 5
QUICK = {fate: often for fate, often in STORM.items() if "stalled" not in fate} | {Fate.PASSED: 150}
"""A storm in which nobody has to wait for anybody's patience."""


@pytest.mark.filterwarnings("ignore::ResourceWarning")
# A connection that the link resets while it opens may leave its socket to the garbage collector.
def test_every_reading_arrives_once_when_the_link_loses_cuts_doubles_and_reorders(tmp_path: Path, peer: Peer) -> None:
    link = HostileLink(target=lambda: peer.port, chance=random.Random(5), weather=QUICK)

    async def work() -> int:
        url = f"http://127.0.0.1:{await link.start()}"
        async with rig(tmp_path, peer, url=url, backoff_ticks=2) as r:
            await r.play(2 * 60)
            await link.cut()
            await r.play(60)
            held = r.waiting()
            await link.mend()
            await r.play((HOURS - 3) * 60)
            await link.flush()
            link.weather = {Fate.PASSED: 1}
            await r.play(15)
            assert r.waiting() == 0
        await link.stop()
        return held

    held = asyncio.run(work())
    gc.collect()
    print(json.dumps({"held": held, "repeats": peer.repeats, **link.fates}))
    assert set(QUICK) == set(link.fates), "the harness must have done everything"
    assert held >= 2 * 4
    assert peer.repeats > 0, "acknowledgements must have been lost behind the commit"
    assert link.turned_away > 0
    assert (peer.conflicts, peer.altered) == ([], [])
    for channel in (1, 2):
        assert [reading.seq for reading in peer.readings(channel)] == list(range(HOURS * 60 + 15))


def test_box_sees_its_own_wrong_clock_and_the_supervisor_the_true_one() -> None:
    async def work() -> tuple[list[bytes], list[bytes]]:
        reported: list[bytes] = []

        async def supervise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            reported.append(await reader.readline())
            for tick in (60_000, 120_000, 180_000):
                writer.write(b'{"tick": %d}\n' % tick)
                reported.append(await reader.readline())
            writer.close()

        server = await asyncio.start_server(supervise, "127.0.0.1", 0)
        clock = WrongClock(target=lambda: server.sockets[0].getsockname()[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", await clock.start())
        writer.write(b'{"name": "edge-1"}\n')
        told = []
        for off_ms in (0, 5_000, -90_000):
            clock.off_ms = off_ms
            told.append(await reader.readline())
            clock.off_ms = 999
            writer.write(told[-1].replace(b"tick", b"done"))
        assert await reader.readline() == b""
        writer.close()
        await clock.stop()
        server.close()
        return told, reported

    told, reported = asyncio.run(work())
    ticks = [json.loads(line)["tick"] for line in told]
    assert ticks == [60_000, 125_000, 90_000]
    assert [json.loads(line)["done"] for line in reported[1:]] == [60_000, 120_000, 180_000]
