"""The outside world behind the ports of `alliance.ports`: system clock and chance, and their lock-step stand-ins."""

import asyncio
import contextlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from alliance.errors import Missing


@dataclass(kw_only=True, eq=False)
class SupervisorGone(Missing):
    """The supervisor of the lock-step clock closed the connection."""

    address: str


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return time.time_ns() // 1_000_000


class SystemRandomness:
    """The operating system's random bytes."""

    def token(self, size: int) -> bytes:
        """`size` fresh random bytes."""
        return secrets.token_bytes(size)


class SeededRandomness:
    """Repeatable bytes for demos and tests: HMAC-SHA-256(seed, name ‖ counter). Never for a real key."""

    def __init__(self, seed: bytes, name: str) -> None:
        self._seed, self._name, self._count = seed, name.encode(), 0

    def token(self, size: int) -> bytes:
        """The next `size` bytes of the stream."""
        out = b""
        while len(out) < size:
            out += hmac.digest(self._seed, self._name + self._count.to_bytes(8, "big"), "sha256")
            self._count += 1
        return out[:size]


class SystemPacer:
    """Rounds at whole multiples of a period of the system clock; a late round is run once, not made up for."""

    def __init__(self, period_ms: int) -> None:
        self._period_ms, self._clock, self._last = period_ms, SystemClock(), 0

    def now_ms(self) -> int:
        """UTC milliseconds of the machine."""
        return self._clock.now_ms()

    async def next_tick(self) -> int:
        """Sleep until the next multiple of the period; return it."""
        now = self._clock.now_ms()
        tick = (now // self._period_ms + 1) * self._period_ms
        if tick == self._last:  # the sleep ended a moment early; a clock stepped back starts over from where it is
            tick += self._period_ms
        await asyncio.sleep((tick - now) / 1000)
        self._last = tick
        return tick

    async def close(self) -> None:
        """Nothing to leave."""


class LockstepPacer:
    """Rounds that a supervisor grants over TCP, and the clock that shows the granted time (protocol 10.9).

    Lines of JSON: `{"name": …}` once, then `{"tick": t_ms}` comes and `{"done": t_ms}` goes back.
    """

    def __init__(self, host: str, port: int, name: str, *, on_tick: Callable[[int], None] | None = None) -> None:
        self._host, self._port, self._name, self._on_tick = host, port, name, on_tick
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tick = 0

    def now_ms(self) -> int:
        """The last granted tick, UTC milliseconds; 0 before the first."""
        return self._tick

    async def next_tick(self) -> int:
        """Report the last round as done and wait for the next. Raises SupervisorGone."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
            self._send({"name": self._name})
        else:
            self._send({"done": self._tick})
        assert self._reader is not None
        line = await self._reader.readline()
        if not line:
            await self.close()
            raise SupervisorGone(address=f"{self._host}:{self._port}")
        self._tick = int(json.loads(line)["tick"])
        if self._on_tick:
            self._on_tick(self._tick)
        return self._tick

    async def close(self) -> None:
        """Leave the rounds."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(ConnectionError):
                await self._writer.wait_closed()
            self._writer = None

    def _send(self, message: dict[str, object]) -> None:
        assert self._writer is not None
        self._writer.write(json.dumps(message).encode() + b"\n")
