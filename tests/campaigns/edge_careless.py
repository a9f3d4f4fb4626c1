"""Known-bad programs for the campaign's controls: `python -m tests.campaigns.edge_careless WHAT run …`.

`forgetful`: a box that deletes before the acknowledgement. `repeating`: a box that records a minute again while its
uplink is down. `deaf`: a platform that does not know a retry. The real programs, one method exchanged.
"""

import sys
from typing import Any

WHAT = ("forgetful", "repeating", "deaf")


def forgetful() -> None:
    from edge.evidence.sampling import CHANNELS
    from edge.link.uplink import BATCH, Uplink

    async def send(self: Any) -> int:
        batch = self._outbox.waiting(channels=list(CHANNELS), limit=BATCH)
        if batch:
            with self._outbox._store.change() as db:
                db.executemany("DELETE FROM segment WHERE digest = ?", [(one.digest,) for one in batch])
            await self._service.upload([one.payload for one in batch])
        return len(batch)

    Uplink.send = send  # type: ignore[method-assign]


def repeating() -> None:
    from dataclasses import replace

    from edge.evidence.recorder import Recorder

    once = Recorder.record

    def record(self: Recorder, sample: Any, *, moment: Any, beacon: Any) -> int:
        signed = once(self, sample, moment=moment, beacon=beacon)
        if sample is not None and "uplink.down" in self._alarms.names:
            again = replace(moment, t_ms=moment.t_ms + 1)
            signed += once(self, sample, moment=again, beacon=beacon)
        return signed

    Recorder.record = record  # type: ignore[method-assign]


def deaf() -> None:
    from api.segments.service import _Batch

    _Batch._kept = lambda self, signed: None  # type: ignore[method-assign]


if __name__ == "__main__":
    what = sys.argv.pop(1)
    {"forgetful": forgetful, "repeating": repeating, "deaf": deaf}[what]()
    if what == "deaf":
        from api.main import main as run
    else:
        from edge.main import main as run
    run()
