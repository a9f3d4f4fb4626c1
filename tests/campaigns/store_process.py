"""The real service at work, for the power-cut test: `python -m tests.campaigns.store_process CONFIG`.

Uploads arrive over its HTTP application, epochs close and are anchored on a real chain. After each answer and each
mined checkpoint a line goes to TOLD: from then on somebody relies on it. MODE `careless database` or `careless archive`
weakens the syncing: the known-bad controls.
"""

import json
import logging
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog
from sqlalchemy import event
from starlette.exceptions import StarletteDeprecationWarning

from api.app import create_app
from api.build import platform_of_settings
from api.jobs.anchor import CloseEpochs
from api.jobs.follow import Follow
from api.jobs.loop import run_tick
from api.jobs.send import Send
from api.platform import Platform
from api.settings import Settings
from chain import events
from oracle import archive

with warnings.catch_warnings():
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from fastapi.testclient import TestClient

DAG_CBOR = "application/vnd.ipld.dag-cbor"


class Clock:
    t_ms = 0

    def now_ms(self) -> int:
        return self.t_ms


def work(config: dict[str, Any]) -> None:
    told = os.open(config["told"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    clock = Clock()
    if config["mode"] == "careless archive":
        archive.os = SimpleNamespace(**{**vars(os), "fsync": lambda handle: None})  # type: ignore[attr-defined]
    state = Path(config["state"])
    settings = Settings(
        state=state, deployment=Path(config["deployment"]), rpc_url=config["rpc_url"], finality_blocks=2,
        writer_key=Path(config["keys"]["writer"]), settler_key=Path(config["keys"]["settler"]),
        randomness_seed="5e" * 32, hosts=("testserver",), public_url="http://testserver", page=state / "no-page",
    )  # fmt: skip
    platform = replace(platform_of_settings(settings), clock=clock)
    if config["mode"] == "careless database":
        _weaken(platform)
    jobs = (Follow(platform), Send(platform), CloseEpochs(platform))
    with TestClient(create_app(platform)) as client:
        for t_ms in range(config["begin_ms"], config["end_ms"] + 1, 60_000):
            clock.t_ms = t_ms
            for path in config["uploads"].get(str(t_ms), []):
                reply = client.post("/v1/segments", content=Path(path).read_bytes(), headers={"content-type": DAG_CBOR})
                assert reply.status_code == 200, reply.text
                assert reply.json()["refused"] == [], reply.text
                _tell(told, {"acked": [ack["segment"][2:] for ack in reply.json()["acks"]]})
            run_tick(jobs, t_ms, platform.health)
            errors = {name: job.error for name, job in platform.health.all().items() if job.error}
            assert not errors, errors
            platform.rpc.call("evm_setNextBlockTimestamp", [t_ms // 1000])
            platform.rpc.call("evm_mine")
            for mark in _mined(platform):
                _tell(told, {"anchored": [mark.epoch, mark.manifest.hex()]})
    os._exit(0)


def _weaken(platform: Platform) -> None:
    def careless(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA synchronous = NORMAL").close()

    event.listen(platform.database.engine, "connect", careless)
    platform.database.engine.dispose()


def _mined(platform: Platform) -> list[events.Checkpoint]:
    head = platform.rpc.block_number()
    found = platform.rpc.logs([platform.deployment["AnchorLog"].address], first=head, last=head)
    seen = [events.decode(one, timestamp_s=0) for one in found]
    return [one for one in seen if isinstance(one, events.Checkpoint)]


def _tell(handle: int, fact: dict[str, object]) -> None:
    os.write(handle, json.dumps(fact).encode() + b"\n")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    work(json.loads(Path(sys.argv[1]).read_text()))
