"""A serial line of this machine: two pseudo-terminal pairs, and what carries bytes between them."""

import asyncio
import os
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def line(*, spoil: bool = False) -> AsyncIterator[tuple[str, str, dict[str, bool]]]:
    """A serial line: two pty pairs joined by a task that carries bytes, and flips a bit in each answer when told."""
    masters, names = [], []
    for _ in range(2):
        master, slave = os.openpty()
        tty.setraw(master)
        tty.setraw(slave)
        names.append(os.ttyname(slave))
        masters.append((master, slave))
    noise = {"on": spoil}
    loop = asyncio.get_running_loop()

    def carry(source: int, sink: int, *, answers: bool) -> None:
        with suppress(BlockingIOError):
            data = os.read(source, 4096)
            os.write(sink, bytes([data[0], *(byte ^ 0x10 for byte in data[1:])]) if answers and noise["on"] else data)

    (box, _), (device, _) = masters
    for fd in (box, device):
        os.set_blocking(fd, False)
    loop.add_reader(box, lambda: carry(box, device, answers=False))
    loop.add_reader(device, lambda: carry(device, box, answers=True))
    try:
        yield names[0], names[1], noise
    finally:
        loop.remove_reader(box)
        loop.remove_reader(device)
        for master, slave in masters:
            os.close(master)
            os.close(slave)
