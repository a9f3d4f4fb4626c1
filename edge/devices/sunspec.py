"""The SunSpec driver: walks the model chain, then reads meter, inverter and battery models (protocol 2.1).

Layouts come from the SunSpec Alliance's model definitions (pysunspec2); registers travel through our own link. Read
are 201–204 (billing meter), 701 (AC side of the battery's inverter), 713 (storage), 702 (limits) and 704 (order).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from sunspec2.device import Model

from alliance.errors import Malformed, Missing
from edge.devices.link import HOLDING, MAX_REGISTERS, ModbusLink
from edge.devices.points import round_half_away
from edge.devices.station import (
    DeviceError,
    DeviceRefused,
    PcsState,
    PointAbsent,
    Quality,
    SetPointOutOfRange,
    StationSample,
)

_BASES = (40_000, 0, 50_000)
_MARK = [0x5375, 0x6E53]
"""The text "SunS"."""
_END_OF_CHAIN = 0xFFFF
_HEADER = 2
_LONGEST_CHAIN = 64
_METERS = (203, 201, 202, 204)
_FULL_BP = 10_000
_HIGHEST_ORDER = 2**31 - 1
_STATES = {
    0: PcsState.OFF,
    1: PcsState.STANDBY,
    2: PcsState.STANDBY,
    3: PcsState.STANDBY,
    4: PcsState.STANDBY,
    5: PcsState.STANDBY,
    6: PcsState.FAULT,
    7: PcsState.STANDBY,
}
"""701 InvSt; RUNNING and THROTTLED become charging or discharging by the sign of the power."""

_WANTED = {
    "meter": ("W", "VAR", "Hz", "TotWhExp", "TotWhImp"),
    "inverter": ("W", "InvSt", "ConnSt", "Alrm", "TotWhInj", "TotWhAbs"),
    "capacity": ("WMaxRtg", "WChaRteMax", "WDisChaRteMax"),
    "storage": ("SoC", "SoH"),
    "order": ("WSetEna", "WSet"),
}
_REQUIRED = {"W", "TotWhExp", "TotWhImp", "TotWhInj", "TotWhAbs", "SoC"}


@dataclass(kw_only=True, eq=False)
class NotSunSpec(DeviceError, Malformed):
    """No SunSpec mark at any of the base addresses."""

    bases: tuple[int, ...]


@dataclass(kw_only=True, eq=False)
class ModelChainBroken(DeviceError, Malformed):
    """The chain of models does not end as it must."""

    address: int
    problem: str


@dataclass(kw_only=True, eq=False)
class ModelMissing(DeviceError, Missing):
    """The device does not carry a model that we need."""

    want: tuple[int, ...]
    found: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model lies: `address` of its ID register, `length` without the two header registers."""

    model: int
    address: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A point of a model: register offset from the model's ID, and how its registers are read."""

    name: str
    offset: int
    registers: int
    kind: str
    scale: str
    """Name of the scale-factor point, "" for none."""
    symbols: tuple[tuple[int, str], ...]

    def raw_of(self, registers: Sequence[int]) -> int | None:
        """The integer, or None where the device says "not implemented". An accumulator of 0 is 0."""
        words = registers[self.offset : self.offset + self.registers]
        signed = self.kind in {"int16", "int32", "int64", "sunssf"}
        raw = int.from_bytes(b"".join(word.to_bytes(2, "big") for word in words), "big", signed=signed)
        return None if raw == _absent(self) else raw


class SunSpecStation:
    """Drives a SunSpec station. `meter_sign` −1: the billing meter counts power into the station as positive."""

    def __init__(self, *, link: ModbusLink, unit_id: int, meter_sign: int, revert_s: int) -> None:
        self._link, self._unit = link, unit_id
        self._meter_sign, self._revert_s = meter_sign, revert_s
        self._places: dict[str, Place] = {}
        self._revert_written = False

    async def read(self) -> StationSample:
        """Take one sample. Raises DeviceError."""
        async with self._link:
            await self._discover()
            values = {role: await self._values(role, place) for role, place in self._places.items()}
        return sample_of(values, meter_sign=self._meter_sign)

    async def write_power(self, power_w: int) -> None:
        """Order a power in watts through model 704 (WSet, discharge positive), with a reversion to 0."""
        async with self._link:
            await self._discover()
            place = self._places["order"]
            layout = layout_of(place.model)
            scale = await self._scale_of(place, layout["WSet"])
            raw = round_half_away(Fraction(power_w) / Fraction(10) ** scale)
            if abs(raw) > _HIGHEST_ORDER:
                highest = int(_HIGHEST_ORDER * Fraction(10) ** scale)
                raise SetPointOutOfRange(point="WSet", power_w=power_w, lowest_w=-highest, highest_w=highest)
            if not self._revert_written:
                await self._write(place, layout["WSetRvrt"], _words(0, 2))
                await self._write(place, layout["WSetEnaRvrt"], [int(self._revert_s > 0), *_words(self._revert_s, 2)])
                self._revert_written = True
            await self._write(place, layout["WSetEna"], [1, 1, *_words(raw, 2)])

    async def close(self) -> None:
        """Let the connection go."""
        self._link.close()
        self._forget()

    async def _discover(self) -> None:
        """Walk the model chain when the connection is new: behind it may stand another device."""
        if self._places and self._link.connected:
            return
        self._forget()
        chain = await self._chain()
        found = tuple(place.model for place in chain)
        roles = {"meter": _METERS, "inverter": (701,), "capacity": (702,), "storage": (713,), "order": (704,)}
        places: dict[str, Place] = {}
        for role, models in roles.items():
            place = next((p for model in models for p in chain if p.model == model), None)
            if place is not None:
                places[role] = place
            elif role != "capacity":
                raise ModelMissing(want=models, found=found)
        self._places = places

    async def _chain(self) -> list[Place]:
        address = await self._base() + len(_MARK)
        chain: list[Place] = []
        while len(chain) < _LONGEST_CHAIN:
            (model,) = await self._registers(address, 1)
            if model == _END_OF_CHAIN:
                return chain
            (length,) = await self._registers(address + 1, 1)
            if model == 0 or length == 0 or address + _HEADER + length > 0xFFFF:
                raise ModelChainBroken(address=address, problem=f"model {model} of length {length}")
            _check_length(model, length, address)
            chain.append(Place(model=model, address=address, length=length))
            address += _HEADER + length
        raise ModelChainBroken(address=address, problem=f"no end after {_LONGEST_CHAIN} models")

    async def _base(self) -> int:
        for base in _BASES:
            try:
                if await self._registers(base, len(_MARK)) == _MARK:
                    return base
            except DeviceRefused:
                continue
        raise NotSunSpec(bases=_BASES)

    async def _values(self, role: str, place: Place) -> dict[str, int | None]:
        """The wanted points of a model, in our units, exact; None where not implemented."""
        layout = layout_of(place.model)
        names = [name for name in _WANTED[role] if name in layout]
        needed = {*names, *(layout[name].scale for name in names if layout[name].scale)}
        registers = await self._model(place, [layout[name] for name in needed])
        return {name: _scaled(layout, layout[name], registers) for name in names}

    async def _model(self, place: Place, fields: Sequence[Field]) -> list[int]:
        """The registers of a model as far as the fields need them; no request cuts a field in two."""
        registers = [0] * (place.length + _HEADER)
        for start, end in _spans(fields):
            registers[start:end] = await self._registers(place.address + start, end - start)
        return registers

    async def _scale_of(self, place: Place, field: Field) -> int:
        scale = layout_of(place.model)[field.scale]
        raw = scale.raw_of([0] * scale.offset + await self._registers(place.address + scale.offset, 1))
        return 0 if raw is None else raw

    async def _registers(self, address: int, count: int) -> list[int]:
        return await self._link.read(unit_id=self._unit, function=HOLDING, address=address, count=count)

    async def _write(self, place: Place, field: Field, registers: list[int]) -> None:
        await self._link.write(unit_id=self._unit, address=place.address + field.offset, registers=registers)

    def _forget(self) -> None:
        self._places = {}
        self._revert_written = False


def sample_of(values: Mapping[str, Mapping[str, int | None]], *, meter_sign: int) -> StationSample:
    """Make a sample of the models' points. Raises PointAbsent where one that we need is not implemented."""
    for role in values.values():
        for name, value in role.items():
            if name in _REQUIRED and value is None:
                raise PointAbsent(point=name)
    meter, inverter, storage = values["meter"], values["inverter"], values["storage"]
    limits, order = values.get("capacity", {}), values["order"]
    alarms = _alarms(inverter.get("Alrm"))
    soc_bp, soh_bp = (_or_zero(storage.get(name)) for name in ("SoC", "SoH"))
    return StationSample(
        meter_power_w=_or_zero(meter["W"]) * meter_sign,
        reactive_var=_or_zero(meter.get("VAR")) * meter_sign,
        import_wh=_or_zero(meter["TotWhImp"]),
        export_wh=_or_zero(meter["TotWhExp"]),
        battery_power_w=_or_zero(inverter["W"]),
        soc_bp=min(_FULL_BP, soc_bp),
        soh_bp=min(_FULL_BP, soh_bp),
        charge_wh=_or_zero(inverter["TotWhAbs"]),
        discharge_wh=_or_zero(inverter["TotWhInj"]),
        pcs_state=_state(inverter),
        charge_limit_w=_or_zero(limits.get("WChaRteMax")),
        discharge_limit_w=_or_zero(limits.get("WDisChaRteMax")),
        set_power_w=_or_zero(order.get("WSet")) if order.get("WSetEna") == 1 else 0,
        frequency_mhz=_or_zero(meter.get("Hz")),
        alarms=alarms,
        quality=_quality(values, alarms, out_of_range=max(soc_bp, soh_bp) > _FULL_BP),
    )


@cache
def layout_of(model: int) -> Mapping[str, Field]:
    """The fixed points of a model by name, from the SunSpec Alliance's definitions."""
    return {
        name: Field(
            name=name,
            offset=point.offset,
            registers=point.len,
            kind=point.pdef["type"],
            scale=point.pdef["sf"] if isinstance(point.pdef.get("sf"), str) else "",
            symbols=tuple((s["value"], s["name"]) for s in point.pdef.get("symbols", ())),
        )
        for name, point in Model(model).points.items()
    }


def _check_length(model: int, length: int, address: int) -> None:
    """A known model may be longer than its definition (a later revision), never shorter."""
    if model not in {*_METERS, 701, 702, 704, 713}:
        return
    fields = layout_of(model).values()
    want = max(field.offset + field.registers for field in fields) - _HEADER
    if length < want:
        raise ModelChainBroken(address=address, problem=f"model {model} of length {length}, needs {want}")


def _spans(fields: Sequence[Field]) -> list[tuple[int, int]]:
    """Register ranges that cover the fields, each at most 125 long."""
    spans: list[tuple[int, int]] = []
    for field in sorted(fields, key=lambda f: f.offset):
        end = field.offset + field.registers
        if spans and end - spans[-1][0] <= MAX_REGISTERS:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((field.offset, end))
    return spans


_FINER = {"Hz": 1_000, "SoC": 100, "SoH": 100}
"""Hz become mHz, per cent become basis points; all else is in the unit that we hold."""


def _scaled(layout: Mapping[str, Field], field: Field, registers: Sequence[int]) -> int | None:
    raw = field.raw_of(registers)
    if raw is None:
        return None
    exponent = layout[field.scale].raw_of(registers) if field.scale else 0
    if exponent is None:
        return None
    return round_half_away(raw * Fraction(10) ** exponent * _FINER.get(field.name, 1))


def _absent(field: Field) -> int | None:
    """The bit pattern by which a type says "not implemented"; accumulators have none that differs from 0."""
    bits = 16 * field.registers
    if field.kind in {"int16", "int32", "int64", "sunssf"}:
        return -(1 << (bits - 1))
    if field.kind.startswith(("uint", "enum", "bitfield", "count")):
        return (1 << bits) - 1
    return None


def _words(value: int, count: int) -> list[int]:
    data = value.to_bytes(2 * count, "big", signed=value < 0)
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def _or_zero(value: int | None) -> int:
    return 0 if value is None else value


def _state(inverter: Mapping[str, int | None]) -> PcsState:
    status = inverter.get("InvSt")
    if status is None:
        return PcsState.UNKNOWN
    if inverter.get("ConnSt") == 0 and status != 6:
        return PcsState.OFF
    power_w = _or_zero(inverter["W"])
    if status in {3, 4} and power_w:
        return PcsState.DISCHARGING if power_w > 0 else PcsState.CHARGING
    return _STATES.get(status, PcsState.UNKNOWN)


def _alarms(word: int | None) -> tuple[str, ...]:
    if not word:
        return ()
    names = dict(layout_of(701)["Alrm"].symbols)
    return tuple(names.get(bit, f"bit {bit}").lower() for bit in range(word.bit_length()) if word >> bit & 1)


def _quality(values: Mapping[str, Mapping[str, int | None]], alarms: tuple[str, ...], *, out_of_range: bool) -> Quality:
    quality = Quality(0)
    if "capacity" not in values or any(v is None for role in values.values() for v in role.values()):
        quality |= Quality.NOT_IMPLEMENTED
    if out_of_range:
        quality |= Quality.OUT_OF_RANGE
    return quality | Quality.ALARM if alarms else quality
