"""A device that fails again and again is asked less often (protocol 2.9), and what it failed of stays known."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from edge.devices.polling import UNTRIED, failed, may_ask
from edge.devices.station import DeviceError, DeviceSlow

NowMs = Callable[[], int]
Answer = TypeVar("Answer")


class Patience:
    """With one device; orders are not its matter, they are always tried."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms = now_ms
        self._tries = UNTRIED
        self._failure: DeviceError | None = None

    @property
    def told(self) -> str:
        """Why the device cannot be read, and whether it is being left alone; "" while it answers."""
        if self._failure is None:
            return ""
        pausing = not may_ask(self._tries, t_ms=self._now_ms())
        return f"{self._failure}" + (f"; asked less often after {self._tries.failures} tries" if pausing else "")

    async def ask(self, read: Callable[[], Awaitable[Answer]], *, asking: Callable[[], bool]) -> Answer:
        """What `read` gives. Within a pause its last failure is raised again, and the device left alone.

        A caller that waits no longer counts as a failure too, if the device was being asked (`asking`) and the line
        not used by others.
        """
        t_ms = self._now_ms()
        if self._failure is not None and not may_ask(self._tries, t_ms=t_ms):
            raise self._failure.with_traceback(None)
        try:
            answer = await read()
        except DeviceError as failure:
            self._tries, self._failure = failed(self._tries, t_ms=t_ms), failure
            raise
        except asyncio.CancelledError:
            if asking():
                self._tries = failed(self._tries, t_ms=t_ms)
                self._failure = DeviceSlow(asked_ms=self._now_ms() - t_ms)
            raise
        self._tries, self._failure = UNTRIED, None
        return answer
