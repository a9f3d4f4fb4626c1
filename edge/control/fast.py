"""The process of the frequency's cycle (protocol 9.16.4): reads, decides, writes on its own connection to the devices.

Lines of JSON: first the setup comes in, then the main cycle's words; a report goes out each second. At the end of its
input the process orders 0 W and ends.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from edge.control.frequency import WRONG_WORDS, FrequencyCycle, told_of
from edge.control.guard import Order
from edge.control.jitter import Jitter
from edge.control.limits import Limits
from edge.control.stores import open_stores
from edge.devices.open import DeviceSettings
from edge.devices.station import DeviceError, StationDevices, StationSample, TwoStores
from oracle.adapters import SystemClock

_REPORT_MS = 1_000
_REPEAT_MS = 1_000
"""An order that stays the same is repeated so often, which devices need that fall back to 0 by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the process is started with."""

    device: DeviceSettings
    limits: Limits
    period_ms: int
    month: int
    reached_w: int


class FastProcess:
    """The cycle with its devices and its clock."""

    def __init__(self, setup: Setup, devices: StationDevices) -> None:
        self._period_ms, self._devices, self._clock = setup.period_ms, devices, SystemClock()
        self._device_s = 2 * setup.device.timeout_ms / 1_000
        self._cycle = FrequencyCycle(
            setup.limits, period_ms=setup.period_ms, month=setup.month, reached_w=setup.reached_w
        )
        self._jitter = Jitter(setup.period_ms)
        self._order, self._answer_w, self._failures, self._written_ms = Order(power_w=0), 0, 0, 0

    async def run(self, words: asyncio.StreamReader) -> None:
        """Until the input ends; then 0 W, unless somebody else commands."""
        hearing, reporting = asyncio.create_task(self._hear(words)), asyncio.create_task(self._report())
        try:
            await on_grid(
                lambda: self._round(self._clock.now_ms()), period_ms=self._period_ms, jitter=self._jitter,
                ended=hearing.done,
            )  # fmt: skip
        finally:
            reporting.cancel()
            if not self._order.silent:
                self._confine(0, 0)
                with suppress(DeviceError, OSError):  # TimeoutError is an OSError
                    async with asyncio.timeout(self._device_s):
                        await self._devices.write_power(0)
            await self._devices.close()

    async def _round(self, t_ms: int) -> None:
        order, self._answer_w = self._cycle.decide(await self._read(), t_ms=t_ms)
        repeated = order == self._order and t_ms - self._written_ms < _REPEAT_MS
        self._order = order
        if order.silent or repeated:
            self._cycle.ordered(order, t_ms=t_ms)
            return
        self._confine(*self._cycle.bound_w(t_ms=t_ms))
        try:
            async with asyncio.timeout(self._device_s):
                await self._devices.write_power(order.power_w)
        except (DeviceError, OSError):
            self._failures += 1
            self._written_ms = 0
            return
        self._cycle.ordered(order, t_ms=t_ms)
        self._written_ms = t_ms

    def _confine(self, charge_w: int, discharge_w: int) -> None:
        if isinstance(self._devices, TwoStores):
            self._devices.bound(charge_w=charge_w, discharge_w=discharge_w)

    async def _read(self) -> StationSample | None:
        try:
            async with asyncio.timeout(self._device_s):
                return await self._devices.read()
        except (DeviceError, OSError):
            self._failures += 1
            return None

    async def _hear(self, words: asyncio.StreamReader) -> None:
        while line := await words.readline():
            try:
                self._cycle.tell(told_of(json.loads(line)))
            except WRONG_WORDS as wrong:
                sys.stderr.write(f"alliance-edge: frequency: {wrong}\n")

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_MS / 1_000)
            order = self._order
            told: Mapping[str, Any] = {
                "powerW": order.power_w, "reasons": order.reasons, "unasked": order.unasked, "silent": order.silent,
                "answerW": self._answer_w, "failures": self._failures, "written": bool(self._written_ms),
                "jitter": self._jitter.told(),
            }  # fmt: skip
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


async def on_grid(
    work: Callable[[], Awaitable[object]], *, period_ms: int, jitter: Jitter, ended: Callable[[], bool]
) -> None:  # fmt: skip
    """Work on a fixed grid of the monotonic clock; a round that would begin a whole period late is left out."""
    period_ns = period_ms * 1_000_000
    due_ns = time.monotonic_ns() + period_ns
    while not ended():
        await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        late_ns = max(0, time.monotonic_ns() - due_ns)
        missed = late_ns // period_ns
        jitter.note(late_ns % period_ns // 1_000, missed=missed)
        await work()
        due_ns += (missed + 1) * period_ns


async def _main() -> None:
    """The end of the input alone ends the process: signals to the group are the main process's to answer."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)
    words = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    setup = TypeAdapter(Setup).validate_json(await words.readline())
    await FastProcess(setup, open_stores(setup.device)).run(words)


if __name__ == "__main__":
    asyncio.run(_main())
