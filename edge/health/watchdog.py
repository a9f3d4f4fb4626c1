"""The word to the service manager (sd_notify(3)): ready, stopping, and alive only while rounds are really made on time.

The manager ends and restarts a box that has not said `WATCHDOG=1` for `WatchdogSec`. It is said only while the last
whole round is no older than `stale_ms` allows: neither a round that hangs nor a loop that is blocked says it.
"""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from alliance.errors import Refused

_ROUNDS = 2
"""So many rounds may be left out before the last one is stale."""


@dataclass(kw_only=True, eq=False)
class WatchdogTooShort(Refused):
    """The service manager wants to hear more often than rounds are made: lengthen WatchdogSec."""

    watchdog_ms: int
    least_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """What the service manager asked for in the environment."""

    address: str
    """Of its datagram socket; beginning with `@` in the abstract name space."""
    watchdog_ms: int
    """0: it wants no word of life."""


def supervision(environment: Mapping[str, str], *, pid: int) -> Supervision | None:
    """What the service manager asked of this process; None where there is no manager that listens."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return None
    usec, for_pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(pid))
    asked = usec.isdecimal() and for_pid == str(pid)
    return Supervision(address=address, watchdog_ms=int(usec) // 1_000 if asked else 0)


def stale_ms(*, tick_ms: int, device_ms: int) -> int:
    """How old the last whole round may be: the rounds that may be left out, and one's longest waiting for devices."""
    return (_ROUNDS + 1) * tick_ms + 2 * device_ms


def on_time(*, now_ms: int, ended_ms: int | None, tick_ms: int, device_ms: int) -> bool:
    """Whether rounds are made on time: the last whole one ended no longer ago than `stale_ms`. One monotonic clock."""
    return ended_ms is not None and 0 <= now_ms - ended_ms <= stale_ms(tick_ms=tick_ms, device_ms=device_ms)


class Watchdog:
    """Tells the manager; without one it does nothing."""

    def __init__(self, asked: Supervision | None, *, tick_ms: int, device_ms: int) -> None:
        """Refuse a manager that would end a healthy box. Raises WatchdogTooShort."""
        self._asked = asked
        self._ended_ms: int | None = None
        self._pinging: asyncio.Task[None] | None = None
        self._status = ""
        self.pings = 0
        self.expect(tick_ms=tick_ms, device_ms=device_ms)
        least_ms = stale_ms(tick_ms=tick_ms, device_ms=device_ms)
        if asked is not None and 0 < asked.watchdog_ms < least_ms:
            raise WatchdogTooShort(watchdog_ms=asked.watchdog_ms, least_ms=least_ms)

    def expect(self, *, tick_ms: int, device_ms: int) -> None:
        """Rounds of another rhythm from now on."""
        self._tick_ms, self._device_ms = tick_ms, device_ms

    def round_ended(self, status: str) -> None:
        """A whole round was made; the first one makes the box ready."""
        if self._asked is None:
            return
        first, self._ended_ms = self._ended_ms is None, time.monotonic_ns() // 1_000_000
        if first or status != self._status:
            self._say(("READY=1\n" if first else "") + f"STATUS={status}")
            self._status = status
        if first and self._asked.watchdog_ms:
            self._pinging = asyncio.create_task(self._ping(self._asked.watchdog_ms / 2_000))

    def stopping(self) -> None:
        """The box ends of its own will."""
        if self._pinging is not None:
            self._pinging.cancel()
            self._pinging = None
        self._say("STOPPING=1\nSTATUS=正在停止 stopping")

    async def _ping(self, every_s: float) -> None:
        while True:
            now_ms = time.monotonic_ns() // 1_000_000
            if on_time(now_ms=now_ms, ended_ms=self._ended_ms, tick_ms=self._tick_ms, device_ms=self._device_ms):
                self._say("WATCHDOG=1")
                self.pings += 1
            await asyncio.sleep(every_s)

    def _say(self, text: str) -> None:
        if self._asked is None:
            return
        address = self._asked.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            to.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)


def of_environment(*, tick_ms: int, device_ms: int) -> Watchdog:
    """The watchdog that this process's environment asks for. Raises WatchdogTooShort."""
    return Watchdog(supervision(os.environ, pid=os.getpid()), tick_ms=tick_ms, device_ms=device_ms)
