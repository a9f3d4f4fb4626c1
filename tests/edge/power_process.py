"""The real outbox at work, for the power-cut test: `python -m tests.edge.power_process FOLDER TOLD MINUTES MODE`.

After each commit a line goes to TOLD: from then on the caller was told that the data is safe. MODE `careless` weakens
the store's syncing: the known-bad control.
"""

import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path

import structlog

from edge.evidence.outbox import Acknowledged
from edge.evidence.recorder import Recorder, Recording
from edge.evidence.sampling import Moment
from edge.evidence.stream import NO_BEACON
from edge.health.alarms import Alarms
from oracle import eip712
from tests.edge.peer import DOMAIN, WRITER
from tests.edge.rig import BOUNDS, MINUTE_MS, SAMPLE, START_MS, folder_at, seeded


def work(path: Path, told: Path, minutes: int, mode: str) -> None:
    log = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    folder = folder_at(path)
    if mode == "careless":
        folder.store._db.execute("PRAGMA synchronous = NORMAL")
    recording = Recording(domain=DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=900, chance=seeded)
    recorder = Recorder(
        recording=recording, store=folder.store, outbox=folder.outbox, alarms=Alarms(folder.store), bounds=BOUNDS
    )
    for minute in range(1, minutes + 1):
        sample = replace(SAMPLE, import_wh=SAMPLE.import_wh + minute)
        recorder.record(sample, moment=Moment(t_ms=START_MS + minute * MINUTE_MS), beacon=NO_BEACON)
        os.write(log, json.dumps({"readings": minute}).encode() + b"\n")
        if minute % 20 == 0:
            sent = folder.outbox.waiting(channels=[1, 2], limit=3)
            acks = [Acknowledged(segment=w.digest, epoch=1, signature=signed(w.digest)) for w in sent]
            folder.outbox.settle(acks, [], at_ms=minute)
            os.write(log, json.dumps({"acked": [w.digest.hex() for w in sent]}).encode() + b"\n")
    os._exit(0)


def signed(digest: bytes) -> bytes:
    return WRITER.sign(eip712.ack_digest(DOMAIN, segment=digest, epoch=1))  # type: ignore[arg-type]


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    work(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
