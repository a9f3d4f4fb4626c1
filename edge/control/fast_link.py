"""The main process's side of the frequency's process: it starts it, tells it, hears it, and starts it again.

While reports come, that process writes the orders; when none has come for `SILENT_S`, it is ended, and the main cycle
writes its own until the next one reports.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from edge.control.fast import Setup
from edge.control.frequency import Told
from edge.control.guard import Order, Reason
from edge.control.limits import Need

SILENT_S = 5
_AGAIN_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the frequency's process last said."""

    order: Order
    answer_w: int
    failures: int
    jitter: dict[str, int]


class FastLink:
    """One process at a time."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._last: Report | None = None
        self._heard_s = self._started_s = float("-inf")

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        return None if self._process is None else self._process.pid

    async def exchange(self, told: Told) -> Report | None:
        """Say what is wanted; returns what the process does, or None while none drives the station."""
        now_s = time.monotonic()
        if self._process is not None and (
            self._process.returncode is not None or now_s - max(self._heard_s, self._started_s) > SILENT_S
        ):
            await self._end(kill=True)
        if self._process is None:
            if now_s - self._started_s < _AGAIN_S:
                return None
            try:
                await self._start()
            except OSError:  # no room for another process: the main cycle drives
                return None
        self._say(json.dumps(told.to_plain()))
        return self._last

    async def close(self) -> None:
        """End the process; it orders 0 W before it goes."""
        await self._end(kill=False)

    async def _start(self) -> None:
        self._started_s, self._last = time.monotonic(), None
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge.control.fast", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._hearing = asyncio.create_task(self._hear(self._process))
        self._say(json.dumps(TypeAdapter(Setup).dump_python(self._setup, mode="json")))

    def _say(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(ConnectionError, RuntimeError):
                self._process.stdin.write(line.encode() + b"\n")

    async def _hear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            value: dict[str, Any] = json.loads(line)
            self._heard_s = time.monotonic()
            if not value["written"] and not value["silent"]:
                self._last = None  # it does not reach the device: the main cycle drives
                continue
            self._last = Report(
                order=Order(
                    power_w=value["powerW"], reasons=tuple(map(Reason, value["reasons"])),
                    unasked=tuple(map(Need, value["unasked"])), silent=value["silent"],
                ),
                answer_w=value["answerW"], failures=value["failures"], jitter=value["jitter"],
            )  # fmt: skip

    async def _end(self, *, kill: bool) -> None:
        process, self._process, self._last = self._process, None, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if kill and process.returncode is None:
            process.kill()
        try:
            await asyncio.wait_for(process.wait(), SILENT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._hearing is not None:
            self._hearing.cancel()
