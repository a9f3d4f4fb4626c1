"""Faults from outside: a killer that strikes when it sees a step happen, and a link that can be cut. No hooks inside."""

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.demo_day import LiveDemo

Sight = Callable[[], bool]
_POLL_S = 0.001


@dataclass
class Killer:
    """Kills a process (-9) as soon as it sees something; `disarm` tells whether it did."""

    pid: int
    sees: Sight
    _done: threading.Event = field(default_factory=threading.Event)
    _struck: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def disarm(self) -> bool:
        self._done.set()
        self._thread.join()
        return self._struck

    def _watch(self) -> None:
        while not self._done.is_set():
            if self.sees():
                os.kill(self.pid, signal.SIGKILL)
                self._struck = True
                return
            time.sleep(_POLL_S)


def after(seconds: float) -> Sight:
    """So long after now."""
    due = time.monotonic() + seconds
    return lambda: time.monotonic() >= due


def touched(path: Path) -> Sight:
    """A file is written: a transaction is being committed."""
    before = _written(path)
    return lambda: _written(path) != before


def said(log: Path, event: str) -> Sight:
    """A log has a line about an event."""
    begun, sought = log.stat().st_size, f'"event": "{event}"'.encode()

    def sees() -> bool:
        with log.open("rb") as file:
            file.seek(begun)
            return sought in file.read()

    return sees


def archived(folder: Path, blocks: int) -> Sight:
    """So many more blocks stand in the archive."""
    before = _blocks(folder)
    return lambda: _blocks(folder) >= before + blocks


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _blocks(folder: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return sum(len(os.listdir(place.path)) for place in os.scandir(folder))
    return 0


class Link:
    """A TCP link to the service that can be cut; what comes while it is cut is turned away, what runs is broken off."""

    def __init__(self, target_port: int) -> None:
        self._target, self._up = target_port, True
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.turned_away = 0

    async def start(self) -> int:
        """Listen on a free loopback port; return it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def cut(self) -> None:
        self._up = False
        for writer in list(self._open):
            writer.close()

    async def mend(self) -> None:
        self._up = True

    async def stop(self) -> None:
        await self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._up:
            self.turned_away += 1
            writer.close()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        ends = (writer, far_writer)
        self._open.update(ends)
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open.difference_update(ends)
            for end in ends:
                end.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def behind_link(live: LiveDemo, station: int) -> Iterator[Link]:
    """Let a box reach the service over a link of its own; the box is started again for it."""
    name = f"edge-{station}"
    link = Link(int(live.demo.service_url.rpartition(":")[2]))
    port = live.run(link.start())
    try:
        live.take_away(name)
        path = live.state / name / "edge.json"
        settings = json.loads(path.read_text())
        path.write_text(json.dumps(settings | {"service_url": f"http://127.0.0.1:{port}"}))
        live.run(live.demo.restart(name))
        yield link
    finally:
        live.run(link.stop())


def names_of_children(state: Path) -> Sequence[str]:
    """Command lines of all running processes that name a state folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = place.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(state) in line and int(place.parent.name) != os.getpid():
                found.append(line.strip())
    return found
