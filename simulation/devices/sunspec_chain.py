"""A chain of SunSpec models in one bank of registers, laid out by the SunSpec Alliance's definitions (pysunspec2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sunspec2.device import Model

from simulation.devices.server import Bank

BASE = 40_000
_MARK = (0x5375, 0x6E53)
_END = (0xFFFF, 0)

Fixed = Mapping[str, int | str]
"""Values by point; `string.2.StrNMod` for a point of a repeated group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One model of a chain: its number, how often its groups repeat, and what does not change while it lives."""

    model: int
    counts: Mapping[str, int] = field(default_factory=dict)
    fixed: Fixed = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a point lies in the bank."""

    address: int
    registers: int
    signed: bool

    def words(self, value: int) -> list[int]:
        data = value.to_bytes(2 * self.registers, "big", signed=self.signed)
        return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]

    def value(self, words: Sequence[int]) -> int:
        data = b"".join(word.to_bytes(2, "big") for word in words)
        return int.from_bytes(data, "big", signed=self.signed)


class ModelChain:
    """Registers of a chain; a point is named by the place of its model in the chain's list and its own name."""

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        self._spots: dict[tuple[int, str], _Spot] = {}
        words = list(_MARK)
        for n, stretch in enumerate(stretches):
            words += self._lay_out(n, stretch, BASE + len(words))
        self.bank = Bank(first=BASE, words=[*words, *_END])

    def put(self, n: int, values: Mapping[str, int]) -> None:
        """Show values of the nth model, as its registers count them."""
        for name, value in values.items():
            spot = self._spots[n, name]
            self.bank.put(spot.address, spot.words(value))

    def value(self, n: int, name: str, *, image: Bank | None = None) -> int:
        """What the nth model shows, or would show in an image of the bank."""
        spot = self._spots[n, name]
        return spot.value((image or self.bank).get(spot.address, spot.registers))

    def addresses(self, n: int, name: str) -> range:
        """The registers of a point."""
        spot = self._spots[n, name]
        return range(spot.address, spot.address + spot.registers)

    def _lay_out(self, n: int, stretch: Stretch, address: int) -> list[int]:
        model = Model(stretch.model, data=dict(stretch.counts)) if stretch.counts else Model(stretch.model)
        points = {name: (point, point.offset) for name, point in model.points.items()}
        end = sum(point.len for point in model.points.values())
        for group, repeats in model.groups.items():
            for k, repeat in enumerate(repeats if isinstance(repeats, list) else [repeats], start=1):
                for name, point in repeat.points.items():
                    points[f"{group}.{k}.{name}"] = (point, end)
                    end += point.len
        for name, value in stretch.fixed.items():
            points[name][0].value = value
        for name, (point, offset) in points.items():
            signed = str(point.pdef["type"]).startswith(("int", "sunssf"))
            self._spots[n, name] = _Spot(address=address + offset, registers=point.len, signed=signed)
        data = bytes(model.get_mb())
        return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
