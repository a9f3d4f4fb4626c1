"""One device behind its point table: where raw values come from and orders go to (protocol 2.1, 2.9)."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from edge.devices.link import BIT_FUNCTIONS, COILS, MAX_BITS, MAX_REGISTERS, ModbusLink
from edge.devices.patience import NowMs, Patience
from edge.devices.points import Point, Raw
from edge.devices.polling import periods_due
from edge.devices.station import DeviceError, DeviceForeign, DeviceRefused, Quality
from edge.devices.tables import Table
from edge.devices.vocabulary import ASKED_IN_PARTS, IDENTITY


class Source(Protocol):
    """A device that gives the points of one table."""

    @property
    def points(self) -> Table:
        """The points, without the identity."""
        ...

    @property
    def quality(self) -> Quality:
        """What is to be said of the last read."""
        ...

    @property
    def troubles(self) -> Mapping[str, str]:
        """The last error of each point that could not be had when it was last asked for, by key."""
        ...

    @property
    def asking(self) -> bool:
        """Whether the last read came as far as asking the device, past others on its line."""
        ...

    async def read(self) -> dict[str, Raw | None]:
        """Every point's newest raw value; None where the device has none. Raises DeviceError."""
        ...

    async def write(self, values: Mapping[str, int]) -> None:
        """Order values of ours by key, in the order given. Raises DeviceError."""
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Registers, coils or discrete inputs that one request reads."""

    unit_id: int
    function: int
    address: int
    count: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one request to a device may ask for."""

    registers: int = MAX_REGISTERS
    """At most so many; many devices take fewer than the protocol's 125."""
    bits: int = MAX_BITS
    gap: int = 0
    """So many registers or bits between two points are read along; 0: nothing, a device may refuse holes."""

    def most(self, function: int) -> int:
        """The limit of a function."""
        return self.bits if function in BIT_FUNCTIONS else self.registers


PLAIN_REACH = Reach()


class ModbusSource:
    """A device on a Modbus link, which it may share.

    Points on which readings or guard rest and those that tell alarms are read in each round, the others by their
    `poll_ms`; in between their last value stands. After a failure everything is read again.
    """

    def __init__(self, *, points: Table, link: ModbusLink, now_ms: NowMs, reach: Reach = PLAIN_REACH) -> None:
        self._points = {key: point for key, point in points.items() if key != IDENTITY}
        self._identity = points.get(IDENTITY)
        self._link, self._now_ms, self._reach = link, now_ms, reach
        self._periods = frozenset(map(period_ms, self._points.values()))
        self._blocks: dict[frozenset[int], tuple[Block, ...]] = {}
        self._read_ms: dict[int, int] = {}
        self._raw: dict[str, Raw | None] = {}
        self._refused: dict[str, str] = {}
        self._known = 0
        self.asking = False

    @property
    def points(self) -> Table:
        """The points, without the identity."""
        return self._points

    @property
    def quality(self) -> Quality:
        """A Modbus device tells no time of its own."""
        return Quality(0)

    @property
    def troubles(self) -> Mapping[str, str]:
        """Points that the device refuses."""
        return self._refused

    async def read(self) -> dict[str, Raw | None]:
        """Every point's newest raw value. Raises DeviceError."""
        self.asking = False
        try:
            async with self._link:
                self.asking = True
                await self._identify()
                due, t_ms = self._due()
                for block in self._blocks_of(due):
                    await self._take(block)
        except (DeviceError, asyncio.CancelledError):
            self._read_ms, self._raw = {}, {}
            raise
        self._read_ms.update(dict.fromkeys(due, t_ms))
        return dict(self._raw)

    async def write(self, values: Mapping[str, int]) -> None:
        """Order values of ours by key. Raises DeviceError."""
        async with self._link as link:
            await self._identify()
            for key, value in values.items():
                point = self._points[key]
                registers = point.registers_of(point.raw_for(value))
                if point.function == COILS:
                    await link.write_coil(unit_id=point.unit_id, address=point.address, value=registers[0])
                else:
                    await link.write(unit_id=point.unit_id, address=point.address, registers=registers)

    async def close(self) -> None:
        """Let the connection go."""
        self._link.close()

    def _due(self) -> tuple[frozenset[int], int]:
        t_ms = self._now_ms()
        return periods_due(self._read_ms, self._periods, t_ms=t_ms), t_ms

    def _blocks_of(self, due: frozenset[int]) -> tuple[Block, ...]:
        if due not in self._blocks:
            self._blocks[due] = blocks_of(
                (point for point in self._points.values() if period_ms(point) in due), reach=self._reach
            )
        return self._blocks[due]

    async def _take(self, block: Block) -> None:
        """Read a block; one that is refused leaves its points absent, unless something rests on them."""
        keys = [point.key for point in block.points]
        try:
            self._raw.update(await read_block(self._link, block))
        except DeviceRefused as refusal:
            if any(map(needed, block.points)):
                raise
            self._raw.update(dict.fromkeys(keys))
            self._refused.update(dict.fromkeys(keys, str(refusal)))
        else:
            for key in self._refused.keys() & set(keys):
                del self._refused[key]

    async def _identify(self) -> None:
        """Ask a new connection's device who it is. Raises DeviceForeign."""
        if self._identity is None or (self._link.connected and self._known == self._link.generation):
            return
        want = int(self._identity.lowest)
        (block,) = blocks_of([self._identity])
        got = (await read_block(self._link, block))[IDENTITY]
        if got != want:
            raise DeviceForeign(host=self._link.host, port=self._link.port, want=want, got=int(got or 0))
        self._known = self._link.generation


class PatientSource:
    """A source with which patience is had."""

    def __init__(self, source: Source, *, now_ms: NowMs) -> None:
        self._source, self._patience = source, Patience(now_ms)
        self.points = source.points
        self.needed = any(map(needed, source.points.values()))
        """Whether a station is none without this device: readings, guard or orders rest on a point of it."""

    @property
    def quality(self) -> Quality:
        """What is to be said of the last read."""
        return self._source.quality

    @property
    def troubles(self) -> Mapping[str, str]:
        """The last error of each point; of all of them where the device cannot be read."""
        told = self._patience.told
        return dict.fromkeys(self.points, told) if told else self._source.troubles

    async def read(self) -> dict[str, Raw | None]:
        """As the source does. Raises DeviceError."""
        return await self._patience.ask(self._source.read, asking=lambda: self._source.asking)

    async def write(self, values: Mapping[str, int]) -> None:
        """As the source does. Raises DeviceError."""
        await self._source.write(values)

    async def close(self) -> None:
        """Let the connection go."""
        await self._source.close()


def needed(point: Point) -> bool:
    """Whether readings, guard or orders rest on a point, so that it is read in each round and may not be lacking."""
    return "." not in point.key or point.kind == "YM" or point.key.rpartition(".")[2] in ASKED_IN_PARTS


def period_ms(point: Point) -> int:
    """How often a point is read; 0, in each round, where something rests on it or it tells an alarm."""
    return 0 if needed(point) or point.alarm_level or point.alarm_kinds else point.poll_ms


async def read_block(link: ModbusLink, block: Block) -> dict[str, Raw | None]:
    """The raw values of a block's points, by key. Raises DeviceError."""
    registers = await link.read(
        unit_id=block.unit_id, function=block.function, address=block.address, count=block.count
    )
    starts = ((point, point.address - block.address) for point in block.points)
    return {point.key: point.raw_of(registers[start : start + point.registers]) for point, start in starts}


def blocks_of(points: Iterable[Point], *, reach: Reach = PLAIN_REACH) -> tuple[Block, ...]:
    """Gather points into requests: registers of one unit and function that touch, overlap or lie within the gap."""
    gathered: list[list[Point]] = []
    end = 0
    for point in sorted(points, key=lambda p: (p.unit_id, p.function, p.address)):
        if gathered and _extends(gathered[-1][0], end, point, reach):
            gathered[-1].append(point)
            end = max(end, point.address + point.registers)
        else:
            gathered.append([point])
            end = point.address + point.registers
    return tuple(_block(together) for together in gathered)


def _extends(first: Point, end: int, point: Point, reach: Reach) -> bool:
    same = (first.unit_id, first.function) == (point.unit_id, point.function)
    last = max(end, point.address + point.registers)
    return same and point.address <= end + reach.gap and last - first.address <= reach.most(point.function)


def _block(points: list[Point]) -> Block:
    first, end = points[0], max(point.address + point.registers for point in points)
    return Block(
        unit_id=first.unit_id, function=first.function, address=first.address, count=end - first.address,
        points=tuple(points),
    )  # fmt: skip
