"""The lock-step clock's supervisor (protocol 10.9): it grants a tick and waits until everyone has reported it done."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from alliance.errors import Missing


@dataclass(kw_only=True, eq=False)
class ParticipantGone(Missing):
    """A participant left, or did not report a tick as done in time."""

    name: str
    tick_ms: int
    why: str


@dataclass
class _Participant:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass
class Supervisor:
    """A TCP server on loopback that programs join by name; `round` grants one tick, phase by phase."""

    patience_s: float = 120.0
    """How long one phase of one tick may take on the wall clock before it is an error."""
    _joined: dict[str, _Participant] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free loopback port; return it."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close every connection; participants see SupervisorGone."""
        for participant in self._joined.values():
            participant.writer.close()
            with contextlib.suppress(ConnectionError):
                await participant.writer.wait_closed()
        self._joined.clear()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def expect(self, names: Sequence[str], *, alive: Callable[[], None] | None = None) -> None:
        """Wait until all of these have joined; `alive` is asked now and then and may raise why it is hopeless."""
        async with asyncio.timeout(self.patience_s):
            while any(name not in self._joined for name in names):
                if alive is not None:
                    alive()
                self._changed.clear()
                try:
                    await asyncio.wait_for(self._changed.wait(), 0.2)
                except TimeoutError:
                    continue

    def joined(self, name: str) -> bool:
        """Whether a participant is connected."""
        return name in self._joined

    def drop(self, name: str) -> None:
        """Forget a participant that was stopped on purpose; it may join again."""
        if participant := self._joined.pop(name, None):
            participant.writer.close()

    async def round(self, tick_ms: int, phases: Sequence[Sequence[str] | Callable[[int], Awaitable[None]]]) -> None:
        """Grant a tick: each phase's participants work side by side, the phases one after another.

        A phase may also be a coroutine function of the tick. Raises ParticipantGone.
        """
        for phase in phases:
            if callable(phase):
                await phase(tick_ms)
            else:
                await self._phase(phase, tick_ms)

    async def _phase(self, names: Sequence[str], tick_ms: int) -> None:
        """Grant a tick to some side by side; who is gone is named once all others are done, so that none is left."""
        grants = (self._grant(name, tick_ms) for name in names)
        for outcome in await asyncio.gather(*grants, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _grant(self, name: str, tick_ms: int) -> None:
        participant = self._joined.get(name)
        if participant is None:
            raise ParticipantGone(name=name, tick_ms=tick_ms, why="has not joined")
        participant.writer.write(json.dumps({"tick": tick_ms}).encode() + b"\n")
        try:
            line = await asyncio.wait_for(participant.reader.readline(), self.patience_s)
        except (TimeoutError, ConnectionError) as error:
            raise ParticipantGone(name=name, tick_ms=tick_ms, why=type(error).__name__) from error
        if not line:
            self.drop(name)
            raise ParticipantGone(name=name, tick_ms=tick_ms, why="closed the connection")
        if json.loads(line) != {"done": tick_ms}:
            raise ParticipantGone(name=name, tick_ms=tick_ms, why=f"answered {line[:80]!r}")

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if line:
            self._joined[str(json.loads(line)["name"])] = _Participant(reader, writer)
            self._changed.set()
