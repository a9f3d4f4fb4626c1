"""A hostile link between a station box and the platform: a real TCP proxy that loses, cuts, stalls, doubles, reorders.

It knows where a request ends and nothing more. What it does to each is drawn from a seed; the platform and the box on
its two sides are the real programs, which cannot tell it from a bad line.
"""

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

Speaker = Callable[[str], bytes | None]
"""The body with which a path is answered on the way, None where the platform answers."""
_PIECE = 97
_MOST_LATE = 6
"""A request that is kept back comes after so many later ones at most."""


class Fate(StrEnum):
    """What becomes of one request."""

    PASSED = "passed"
    DELAYED = "delayed"
    THROTTLED = "throttled"
    TURNED_AWAY = "turned away"
    REQUEST_CUT = "cut in the request"
    ANSWER_LOST = "answer lost"
    ANSWER_CUT = "cut in the answer"
    REQUEST_STALLED = "stalled before the platform"
    ANSWER_STALLED = "stalled behind the platform"
    DOUBLED = "doubled"
    KEPT_BACK = "kept back"


CUTS = (Fate.TURNED_AWAY, Fate.REQUEST_CUT, Fate.ANSWER_LOST, Fate.ANSWER_CUT, Fate.KEPT_BACK)
"""Fates in which the box sees its connection break."""
CLEAR: dict[Fate, int] = {Fate.PASSED: 1}
STORM: dict[Fate, int] = {
    Fate.PASSED: 500, Fate.DELAYED: 100, Fate.THROTTLED: 40, Fate.TURNED_AWAY: 40, Fate.REQUEST_CUT: 60,
    Fate.ANSWER_LOST: 80, Fate.ANSWER_CUT: 60, Fate.REQUEST_STALLED: 8, Fate.ANSWER_STALLED: 12, Fate.DOUBLED: 60,
    Fate.KEPT_BACK: 60,
}  # fmt: skip
"""How often each fate is drawn, out of their sum."""


@dataclass
class HostileLink:
    """One link. `cut` and `mend` take it away for longer; `fates` counts what was done."""

    target: Callable[[], int]
    """The platform's port, asked for each time."""
    chance: random.Random
    weather: dict[Fate, int] = field(default_factory=lambda: dict(CLEAR))
    patience_s: float = 2.5
    """How long a stalled request is held; longer than the box waits."""
    speaks: Speaker | None = None
    up: bool = True
    fates: Counter[Fate] = field(default_factory=Counter)
    turned_away: int = 0
    """Connections that came while the link was cut."""
    unreachable: int = 0
    """Requests for which no platform was there."""
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _late: list[tuple[int, bytes]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> int:
        """Listen on a free loopback port; return it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def cut(self) -> None:
        """Break off what runs and turn away what comes."""
        self.up = False
        for writer in list(self._open):
            writer.transport.abort()

    async def mend(self) -> None:
        """Let requests through again."""
        self.up = True

    async def flush(self) -> None:
        """Deliver whatever was kept back."""
        late, self._late = self._late, []
        for _, request in late:
            await self._forgotten(request)

    async def stop(self) -> None:
        """Cut, listen no more, and wait until nothing runs."""
        await self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not self.up:
            self.turned_away += 1
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                request = await _message(reader)
                fate = self._drawn()
                self.fates[fate] += 1
                await self._meet(fate, request, reader, writer)
                self._deliver_late()
        finally:
            self._open.discard(writer)
            await _closed(writer)

    def _drawn(self) -> Fate:
        return self.chance.choices(list(self.weather), list(self.weather.values()))[0]

    async def _meet(
        self, fate: Fate, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:  # fmt: skip
        match fate:
            case Fate.PASSED | Fate.DELAYED:
                await asyncio.sleep(self.chance.uniform(0, 0.03) if fate is Fate.DELAYED else 0)
                await _said(writer, await self._asked(request))
            case Fate.THROTTLED:
                await _trickled(writer, await self._asked(request))
            case Fate.TURNED_AWAY:
                writer.transport.abort()
            case Fate.REQUEST_CUT:
                await self._begun(request[: self.chance.randrange(1, len(request))])
                writer.transport.abort()
            case Fate.ANSWER_LOST:
                await self._asked(request)
                writer.transport.abort()
            case Fate.ANSWER_CUT:
                answer = await self._asked(request)
                await _said(writer, answer[: self.chance.randrange(1, len(answer))])
                writer.transport.abort()
            case Fate.REQUEST_STALLED:
                await self._held(reader)
            case Fate.ANSWER_STALLED:
                await self._asked(request)
                await self._held(reader)
            case Fate.DOUBLED:
                one, other = await asyncio.gather(self._asked(request), self._asked(request))
                await _said(writer, self.chance.choice((one, other)))
            case Fate.KEPT_BACK:
                self._late.append((self.chance.randint(1, _MOST_LATE), request))
                writer.transport.abort()

    async def _held(self, reader: asyncio.StreamReader) -> None:
        """Until the box gives up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.read(1), self.patience_s)

    def _deliver_late(self) -> None:
        """Requests that were kept back come now, behind later ones; nobody waits for their answers."""
        self._late = [(left - 1, request) for left, request in self._late]
        due = [request for left, request in self._late if left <= 0]
        self._late = [(left, request) for left, request in self._late if left > 0]
        for request in due:
            task = asyncio.create_task(self._forgotten(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forgotten(self, request: bytes) -> None:
        with contextlib.suppress(OSError):
            await self._asked(request)

    async def _asked(self, request: bytes) -> bytes:
        """The whole answer to a whole request. Raises OSError."""
        path = request.split(b" ", 2)[1].decode()
        if self.speaks is not None and (spoken := self.speaks(path)) is not None:
            return b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(spoken) + spoken
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.target())
        except OSError:
            self.unreachable += 1
            raise
        self._open.add(writer)
        try:
            writer.write(_once(request))
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            self._open.discard(writer)
            await _closed(writer)
        if not answer:
            raise ConnectionResetError("the platform went away")
        return answer

    async def _begun(self, part: bytes) -> None:
        """Send the beginning of a request, and break off."""
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.target())
            writer.write(part)
            await writer.drain()
            writer.transport.abort()
            await _closed(writer)


@dataclass
class WrongClock:
    """The lock-step clock as a box sees it whose own clock is wrong by `off_ms`: grants and reports pass through here."""

    target: Callable[[], int]
    off_ms: int = 0
    _server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free loopback port; return it."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target())
            try:
                await self._through(reader, writer, far_reader, far_writer)
            finally:
                await _closed(writer)
                await _closed(far_writer)

    async def _through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        """The name; then a tick in, a tick out, one after another."""
        far_writer.write(await reader.readline())
        while line := await far_reader.readline():
            tick_ms = _number(line, "tick")
            off_ms = self.off_ms
            writer.write(b'{"tick": %d}\n' % (tick_ms + off_ms))
            answer = await reader.readline()
            if not answer:
                return
            far_writer.write(b'{"done": %d}\n' % (_number(answer, "done") - off_ms))


def _number(line: bytes, name: str) -> int:
    value: int = json.loads(line)[name]
    return value


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body. Raises IncompleteReadError."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + await reader.readexactly(length)


def _once(request: bytes) -> bytes:
    """The request with the wish that the connection ends behind its answer."""
    head, _, body = request.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"connection: close"]) + b"\r\n\r\n" + body


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close, and wait until it is."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _said(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(answer)
    await writer.drain()


async def _trickled(writer: asyncio.StreamWriter, answer: bytes) -> None:
    for at in range(0, len(answer), _PIECE):
        await _said(writer, answer[at : at + _PIECE])
        await asyncio.sleep(0.002)
