"""A station box in a process of its own, for tests that kill it: `python -m tests.edge.box_process FOLDER PORT MINUTES`.

Virtual time goes on where the stored streams end, so that every minute is read again until it was stored.
"""

import asyncio
import logging
import sys
from dataclasses import replace
from pathlib import Path

import structlog

from edge.devices.station import StationSample
from edge.evidence.sampling import CHANNELS
from tests.edge.peer import Peer
from tests.edge.rig import MINUTE_MS, SAMPLE, START_MS, ScriptedStation, Tock, folder_at, rig


class TimedStation(ScriptedStation):
    """A station whose registers follow from the instant alone."""

    clock: Tock

    async def read(self) -> StationSample:
        minute = (self.clock.t_ms - START_MS) // MINUTE_MS
        return replace(SAMPLE, import_wh=1_000_000 + 5_000 * minute, soc_bp=minute)


async def play(path: Path, port: int, minutes: int) -> None:
    folder, peer, station = folder_at(path), Peer(), TimedStation()
    peer.port = port
    streams = folder.outbox.streams(CHANNELS).values()
    t_ms = max([START_MS, *(stream.last.t_ms for stream in streams if stream.last)])
    async with rig(path, peer, folder=folder, station=station, t_ms=t_ms, backoff_ticks=1) as r:
        station.clock = r.clock
        while r.clock.t_ms < START_MS + minutes * MINUTE_MS:
            await r.play(1)
        for _ in range(5):
            if r.waiting():
                await r.box.tick(r.clock.t_ms)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(play(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
