"""A device's chain of SunSpec models: found, walked, checked, read and written through our own link."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alliance.errors import Malformed
from edge.devices.link import HOLDING, MAX_REGISTERS, ModbusLink
from edge.devices.station import DeviceError, DeviceRefused
from edge.devices.sunspec_models import HEADER, Field, layout_of, scaled, spans

BASES = (40_000, 0, 50_000)
_MARK = [0x5375, 0x6E53]
"""The text "SunS"."""
_END_OF_CHAIN = 0xFFFF
_LONGEST_CHAIN = 64


@dataclass(kw_only=True, eq=False)
class NotSunSpec(DeviceError, Malformed):
    """No SunSpec mark at any of the base addresses."""

    bases: tuple[int, ...]


@dataclass(kw_only=True, eq=False)
class ModelChainBroken(DeviceError, Malformed):
    """The chain of models does not end as it must."""

    address: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model lies: `address` of its ID register, `length` without the two header registers."""

    model: int
    address: int
    length: int


class ModelReader:
    """Reads and writes models of one unit. The caller holds the link's turn."""

    def __init__(self, *, link: ModbusLink, unit_id: int) -> None:
        self._link, self._unit = link, unit_id

    async def chain(self, *, needed: frozenset[int] = frozenset()) -> list[Place]:
        """Walk the chain. Raises NotSunSpec, or ModelChainBroken, also where a needed model is too short."""
        address = await self._base() + len(_MARK)
        chain: list[Place] = []
        while len(chain) < _LONGEST_CHAIN:
            (model,) = await self.registers(address, 1)
            if model == _END_OF_CHAIN:
                return chain
            (length,) = await self.registers(address + 1, 1)
            if model == 0 or length == 0 or address + HEADER + length > 0xFFFF:
                raise ModelChainBroken(address=address, problem=f"model {model} of length {length}")
            if model in needed:
                _check_length(model, length, address)
            chain.append(Place(model=model, address=address, length=length))
            address += HEADER + length
        raise ModelChainBroken(address=address, problem=f"no end after {_LONGEST_CHAIN} models")

    async def values(self, place: Place, names: Sequence[str]) -> dict[str, int | None]:
        """Points of a model by name in our units; None where not implemented; names that it lacks are left out."""
        layout = layout_of(place.model)
        held = [name for name in names if name in layout]
        needed = {*held, *(layout[name].scale for name in held if layout[name].scale)}
        registers = [0] * (place.length + HEADER)
        for start, end in spans([layout[name] for name in needed]):
            registers[start:end] = await self.registers(place.address + start, end - start)
        return {name: scaled(layout, layout[name], registers) for name in held}

    async def whole(self, place: Place) -> list[int]:
        """All registers of a model, header included."""
        found: list[int] = []
        end = place.length + HEADER
        while len(found) < end:
            count = min(MAX_REGISTERS, end - len(found))
            found += await self.registers(place.address + len(found), count)
        return found

    async def exponent(self, place: Place, name: str) -> int:
        """The power of ten by which a point counts."""
        layout = layout_of(place.model)
        scale = layout[layout[name].scale]
        raw = scale.raw_of([0] * scale.offset + await self.registers(place.address + scale.offset, scale.registers))
        return 0 if raw is None else raw

    async def write(self, place: Place, name: str, registers: list[int]) -> None:
        """Write registers from a point on, in one frame."""
        field: Field = layout_of(place.model)[name]
        await self._link.write(unit_id=self._unit, address=place.address + field.offset, registers=registers)

    async def registers(self, address: int, count: int) -> list[int]:
        """Holding registers."""
        return await self._link.read(unit_id=self._unit, function=HOLDING, address=address, count=count)

    async def _base(self) -> int:
        for base in BASES:
            try:
                if await self.registers(base, len(_MARK)) == _MARK:
                    return base
            except DeviceRefused:
                continue
        raise NotSunSpec(bases=BASES)


def text_of(registers: Sequence[int], field: Field) -> str:
    """A string point, without its padding."""
    data = b"".join(word.to_bytes(2, "big") for word in registers[field.offset : field.offset + field.registers])
    return data.rstrip(b"\x00 ").decode("utf-8", errors="replace")


def symbols_of(model: int, name: str) -> Mapping[int, str]:
    """What a point's bits or values are called."""
    return dict(layout_of(model)[name].symbols)


def _check_length(model: int, length: int, address: int) -> None:
    """A known model may be longer than its definition (a later revision), never shorter."""
    want = max(field.offset + field.registers for field in layout_of(model).values()) - HEADER
    if length < want:
        raise ModelChainBroken(address=address, problem=f"model {model} of length {length}, needs {want}")
