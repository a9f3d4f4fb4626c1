"""Kills the service (-9) at its n-th step, starts it again, and tells what it then holds: one line of JSON a case.

Run as `python crash_driver.py CONFIG`. Steps are counted from the first upload on: each archive write (before and after), each
grant and commit (before and after), each call to the node (before and after).
"""

import json
import os
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
from sqlalchemy import event, select
from starlette.exceptions import StarletteDeprecationWarning

from alliance.errors import AllianceError
from alliance.identity import Digest
from api.app import create_app
from api.build import platform_of_settings
from api.epochs.repository import entries
from api.jobs.anchor import CloseEpochs
from api.jobs.follow import Follow
from api.jobs.grant import GrantReaders
from api.jobs.loop import run_tick
from api.jobs.send import Send
from api.platform import Platform
from api.privacy import repository, service
from api.privacy.queries import ReaderKind
from api.privacy.service import NewReader
from api.segments import service as ingest_service
from api.session.principal import Principal
from api.settings import Settings
from chain import events
from chain.rpc import Rpc
from oracle import block, log
from oracle.grant import Opener, ReaderKey

READER = ReaderKey(b"\x5a" * 32)

with warnings.catch_warnings():
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from fastapi.testclient import TestClient


class Clock:
    t_ms = 0

    def now_ms(self) -> int:
        return self.t_ms


class Fuse:
    """Counts steps; at the chosen one the process is gone."""

    def __init__(self, at: int | None) -> None:
        self.at, self.count, self.armed, self.named = at, 0, False, []

    def step(self, name: str) -> None:
        if not self.armed:
            return
        self.count += 1
        self.named.append(name)
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedTransport(httpx.HTTPTransport):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        method = json.loads(request.content)["method"]
        self._fuse.step(f"before {method}")
        reply = super().handle_request(request)
        reply.read()
        self._fuse.step(f"after {method}")
        return reply


def settings_of(folder: Path, config: dict) -> Settings:
    return Settings(
        state=folder, rpc_url=config["url"], finality_blocks=2, randomness_seed="5e" * 32, hosts=("testserver",),
        public_url="http://testserver", page=folder / "no-page",
    )  # fmt: skip


def build(folder: Path, config: dict, fuse: Fuse, clock: Clock) -> Platform:
    platform = platform_of_settings(settings_of(folder, config))
    platform.rpc._http.close()
    platform.rpc._http = httpx.Client(timeout=20, transport=FusedTransport(fuse), trust_env=False)
    put = platform.archive.put

    def fused_put(raw: bytes) -> Digest:
        fuse.step("before archive")
        digest = put(raw)
        fuse.step("after archive")
        return digest

    platform.archive.put = fused_put  # type: ignore[method-assign]
    give = platform.grants.put

    def fused_grant(made) -> None:
        fuse.step("before grant")
        give(made)
        fuse.step("after grant")

    platform.grants.put = fused_grant  # type: ignore[method-assign]
    event.listen(platform.database.engine, "commit", lambda _connection: fuse.step("before commit"))
    writing = platform.database.writing

    def fused_writing():
        return _After(writing(), lambda: fuse.step("after commit"))

    platform.database.writing = fused_writing  # type: ignore[method-assign]
    return replace(platform, clock=clock)


class _After:
    def __init__(self, manager, after: Callable[[], None]) -> None:
        self._manager, self._after = manager, after

    def __enter__(self):
        return self._manager.__enter__()

    def __exit__(self, *error) -> bool | None:
        done = self._manager.__exit__(*error)
        self._after()
        return done


def live(folder: Path, config: dict, *, kill_at: int | None, control: bool) -> None:
    """One life of the service: take the uploads that are not acknowledged yet, then run ticks to the end."""
    fuse, clock = Fuse(kill_at), Clock()
    platform = build(folder, config, fuse, clock)
    if control:
        _acknowledge_before_commit(folder, clock)
    jobs = (Follow(platform), Send(platform), CloseEpochs(platform), GrantReaders(platform))
    clock.t_ms = (platform.rpc.head().timestamp_s + 60) * 1000
    jobs[0].run(clock.t_ms)
    _register(platform)
    fuse.armed = True
    with TestClient(create_app(platform)) as client:
        for upload in config["uploads"]:
            if set(upload["segments"]) <= _acknowledged(folder):
                continue  # a box deletes what is acknowledged
            body = Path(upload["path"]).read_bytes()
            reply = client.post("/v1/segments", content=body, headers={"content-type": "application/vnd.ipld.dag-cbor"})
            assert reply.status_code == 200, reply.text
            assert reply.json()["refused"] == [], reply.text
            _remember(folder, reply.json()["acks"])
    while True:
        t_s = platform.rpc.head().timestamp_s + 60
        if t_s > config["end_s"]:
            break
        clock.t_ms = t_s * 1000
        run_tick(jobs, clock.t_ms, platform.health)
        errors = {name: state.error for name, state in platform.health.all().items() if state.error}
        assert not errors, errors
        platform.rpc.call("evm_setNextBlockTimestamp", [t_s])
        platform.rpc.call("evm_mine")
    (folder / "steps.json").write_text(json.dumps(fuse.named))
    platform.close()


def _register(platform: Platform) -> None:
    """A regulator who reads all."""
    new = NewReader(public_key=READER.public, kind=ReaderKind.REGULATOR, name="regulator")
    with platform.database.writing() as connection:
        if repository.active_reader(connection, READER.fingerprint) is None:
            service.register(platform, connection, new, by=Principal(address=None, member=None, operator=True))


def _unread(platform: Platform) -> int:
    """Encrypted blocks that the reader's grants do not open."""
    opener, unread = Opener(READER, platform.grants), 0
    with platform.database.reading() as connection:
        rows = connection.execute(select(repository.sealed_blocks)).all()
    for row in rows:
        raw, key = platform.archive.get(Digest(row.digest)), opener.key_of(Digest(row.digest), row.epoch)
        try:
            block.decode(raw, platform.deployment.domain, content_key=key)
        except AllianceError:
            unread += 1
    return unread if rows else -1


def _acknowledge_before_commit(folder: Path, clock: Clock) -> None:
    """The known-bad control: the acknowledgement leaves before the transaction is committed."""
    judge = ingest_service.ingest

    def hasty(platform, connection, items):
        outcome = judge(platform, connection, items)
        _remember(folder, [{"segment": "0x" + a.segment.hex(), "epoch": a.epoch} for a in outcome.accepted])
        return outcome

    ingest_service.ingest = hasty


def _acknowledged(folder: Path) -> set[str]:
    path = folder / "acks.jsonl"
    return {json.loads(line)["segment"] for line in path.read_text().splitlines()} if path.exists() else set()


def _remember(folder: Path, acks: list[dict]) -> None:
    with (folder / "acks.jsonl").open("a") as file:
        for ack in acks:
            file.write(json.dumps(ack) + "\n")
        file.flush()
        os.fsync(file.fileno())


def in_child(work: Callable[[], None]) -> int:
    """Run in a process of its own; its exit code, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def report(folder: Path, config: dict, *, died: int) -> dict:
    """What stands after the second life, read from the files and the chain alone."""
    platform = platform_of_settings(settings_of(folder, config))
    with platform.database.reading() as connection:
        raw = list(connection.execute(select(entries.c.raw).order_by(entries.c.number)).scalars())
    logged = [log.parse(one).segment_digest.hex() for one in raw if log.parse(one).type is log.EntryType.SEGMENT]
    acks = [json.loads(line) for line in (folder / "acks.jsonl").read_text().splitlines()]
    address = platform.deployment["AnchorLog"].address
    found = platform.rpc.logs([address], first=0, last=platform.rpc.block_number())
    seen = [events.decode(one, timestamp_s=0) for one in found]
    marks = [(e.epoch, e.size, e.root.hex(), e.manifest.hex()) for e in seen if isinstance(e, events.Checkpoint)]
    result = {
        "died": died,
        "lost": len({ack["segment"][2:] for ack in acks} - set(logged)),
        "doubled": len(logged) - len(set(logged)) + len(marks) - len({mark[0] for mark in marks}),
        "acks_differ": len({json.dumps(ack, sort_keys=True) for ack in acks}) - len({ack["segment"] for ack in acks}),
        "log_differs": int(_size_and_root(platform) != [list(mark[1:3]) for mark in marks][-1]),
        "missing_blocks": sum(not platform.archive.has(Digest(bytes.fromhex(mark[3]))) for mark in marks),
        "unread": _unread(platform),
        "checkpoints": marks,
        "archive": [digest.hex() for digest in platform.archive.digests()],
    }
    platform.close()
    return result


def _size_and_root(platform: Platform) -> list[object]:
    return [platform.log.tree.size, platform.log.tree.root().hex()]


def main() -> None:
    config = json.loads(Path(sys.argv[1]).read_text())
    rpc = Rpc(config["url"])
    control = bool(config["control"])
    for kill_at in config["kill_at"]:
        snapshot = rpc.call("evm_snapshot")
        rpc.call("anvil_setNextBlockBaseFeePerGas", ["0x3b9aca00"])  # reverting leaves the last case's fee behind
        folder = Path(config["base"]) / f"{'control' if control else 'case'}-{kill_at}"
        shutil.copytree(config["template"], folder)
        died = in_child(lambda f=folder, k=kill_at: live(f, config, kill_at=k or None, control=control))
        if died == -signal.SIGKILL:
            assert in_child(lambda f=folder: live(f, config, kill_at=None, control=False)) == 0
        told = report(folder, config, died=died)
        if kill_at == 0:
            told["steps"] = json.loads((folder / "steps.json").read_text())
        print(json.dumps(told), flush=True)
        shutil.rmtree(folder)
        rpc.call("evm_revert", [snapshot])


if __name__ == "__main__":
    main()
