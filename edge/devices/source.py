"""One device behind its point table: where raw values come from and orders go to (protocol 2.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from edge.devices.link import MAX_REGISTERS, ModbusLink
from edge.devices.points import Point, Raw
from edge.devices.station import DeviceForeign, Quality
from edge.devices.tables import Table
from edge.devices.vocabulary import IDENTITY


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

    async def read(self) -> dict[str, Raw | None]:
        """Every point's raw value; None where the device has none. Raises DeviceError."""
        ...

    async def write(self, values: Mapping[str, int]) -> None:
        """Order values of ours by key, in the order given. Raises DeviceError."""
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Adjacent registers that one request reads."""

    unit_id: int
    function: int
    address: int
    count: int
    points: tuple[Point, ...]


class ModbusSource:
    """A device on a Modbus link, which it may share. Nothing between two points is read: a device may refuse holes."""

    def __init__(self, *, points: Table, link: ModbusLink) -> None:
        self._points = {key: point for key, point in points.items() if key != IDENTITY}
        self._identity = points.get(IDENTITY)
        self._link = link
        self._blocks = blocks_of(self._points.values())
        self._known = 0

    @property
    def points(self) -> Table:
        """The points, without the identity."""
        return self._points

    @property
    def quality(self) -> Quality:
        """A Modbus device tells no time of its own."""
        return Quality(0)

    async def read(self) -> dict[str, Raw | None]:
        """Every point's raw value. Raises DeviceError."""
        raw: dict[str, Raw | None] = {}
        async with self._link:
            await self._identify()
            for block in self._blocks:
                raw.update(await read_block(self._link, block))
        return raw

    async def write(self, values: Mapping[str, int]) -> None:
        """Order values of ours by key. Raises DeviceError."""
        async with self._link as link:
            await self._identify()
            for key, value in values.items():
                point = self._points[key]
                registers = point.registers_of(point.raw_for(value))
                await link.write(unit_id=point.unit_id, address=point.address, registers=registers)

    async def close(self) -> None:
        """Let the connection go."""
        self._link.close()

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


async def read_block(link: ModbusLink, block: Block) -> dict[str, Raw | None]:
    """The raw values of a block's points, by key. Raises DeviceError."""
    registers = await link.read(
        unit_id=block.unit_id, function=block.function, address=block.address, count=block.count
    )
    starts = ((point, point.address - block.address) for point in block.points)
    return {point.key: point.raw_of(registers[start : start + point.registers]) for point, start in starts}


def blocks_of(points: Iterable[Point]) -> tuple[Block, ...]:
    """Gather points into requests: adjacent or overlapping registers of one unit and function, at most 125."""
    gathered: list[list[Point]] = []
    end = 0
    for point in sorted(points, key=lambda p: (p.unit_id, p.function, p.address)):
        if gathered and _extends(gathered[-1][0], end, point):
            gathered[-1].append(point)
            end = max(end, point.address + point.registers)
        else:
            gathered.append([point])
            end = point.address + point.registers
    return tuple(_block(together) for together in gathered)


def _extends(first: Point, end: int, point: Point) -> bool:
    same = (first.unit_id, first.function) == (point.unit_id, point.function)
    return same and point.address <= end and point.address + point.registers - first.address <= MAX_REGISTERS


def _block(points: list[Point]) -> Block:
    first, end = points[0], max(point.address + point.registers for point in points)
    return Block(
        unit_id=first.unit_id, function=first.function, address=first.address, count=end - first.address,
        points=tuple(points),
    )  # fmt: skip
