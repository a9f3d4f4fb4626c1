"""The registers of one device as its point table lays them out: values of ours in, words out, orders back."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from edge.devices.link import SerialLine, Transport
from edge.devices.points import Point, Raw
from edge.devices.tables import Table
from edge.devices.vocabulary import IDENTITY
from simulation.devices.server import (
    COILS,
    DISCRETE,
    HOLDING,
    INPUT,
    Bank,
    DeviceServer,
    RegisterReadOnly,
    RegisterValueRefused,
)

Obey = Callable[[Mapping[str, int], frozenset[str]], None]
"""Called with every writable point's value of ours after a write, and the keys that it wrote.

Raises RegisterValueRefused, and then nothing has changed.
"""


class Registers:
    """What a device shows, by a point table of one unit; holes between points are illegal addresses no client needs."""

    def __init__(self, points: Table, *, obey: Obey, unit_id: int = 0) -> None:
        self.points = points
        self.unit_id = unit_id or next(iter(points.values())).unit_id
        self._obey = obey
        self._banks = _banks(points)
        if identity := points.get(IDENTITY):
            self._spell(identity, int(identity.lowest))

    def put(self, values: Mapping[str, int]) -> None:
        """Show values of ours by key; a bit field's value is its word."""
        for key, value in values.items():
            point = self.points[key]
            self._spell(point, point.raw_for(value))

    def seen(self, key: str) -> int:
        """The value of ours that a point shows."""
        point = self.points[key]
        return point.value_of(_raw(self._banks[point.function], point))

    def spoil(self, key: str, words: Sequence[int]) -> None:
        """Show words that no value of ours stands for: for faults."""
        point = self.points[key]
        self._banks[point.function].put(point.address, words)

    def server(
        self, *, host: str, port: int, transport: Transport = Transport.TCP, line: SerialLine | None = None
    ) -> DeviceServer:
        """A server of these registers; several may serve the same."""
        return DeviceServer(
            host=host, port=port, unit_id=self.unit_id, banks=self._banks, writer=self, transport=transport, line=line
        )

    def written(self, address: int, words: Sequence[int], space: int = HOLDING) -> None:
        """Judge a write and obey it. Raises RegisterReadOnly, RegisterValueRefused."""
        touched = range(address, address + len(words))
        held = {key: p for key, p in self.points.items() if p.writable}
        hit = {key: p for key, p in held.items() if p.function == space and _overlap(p, touched)}
        if sum(point.registers for point in hit.values()) < len(words):
            raise RegisterReadOnly(address=address)
        images = {
            f: Bank(first=bank.first, words=bank.words) for f, bank in self._banks.items() if f in (COILS, HOLDING)
        }
        images[space].put(address, words)
        for point in hit.values():
            raw = _raw(images[space], point)
            if not point.in_range(raw):
                raise RegisterValueRefused(address=point.address, value=int(raw))
        self._obey({key: p.value_of(_raw(images[p.function], p)) for key, p in held.items()}, frozenset(hit))

    def _spell(self, point: Point, raw: Raw) -> None:
        bank = self._banks[point.function]
        if not point.is_bit:
            bank.put(point.address, point.registers_of(raw))
            return
        (word,) = bank.get(point.address, 1)
        bit = 1 << int(point.type[3:])
        bank.put(point.address, [word | bit if raw else word & ~bit])


def _banks(points: Table) -> dict[int, Bank]:
    banks = {}
    for function in (COILS, DISCRETE, HOLDING, INPUT):
        held = [p for p in points.values() if p.function == function]
        if held:
            first, end = min(p.address for p in held), max(p.address + p.registers for p in held)
            banks[function] = Bank(first=first, words=[0] * (end - first))
    return banks


def _raw(bank: Bank, point: Point) -> Raw:
    raw = point.raw_of(bank.get(point.address, point.registers))
    return Fraction(0) if raw is None else raw


def _overlap(point: Point, touched: range) -> bool:
    return point.address < touched.stop and touched.start < point.address + point.registers
