"""SunSpec models as registers: layouts from the SunSpec Alliance's definitions, values scaled into our units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from sunspec2.device import get_model_def

from edge.devices.link import MAX_REGISTERS
from edge.devices.points import round_half_away

HEADER = 2
"""Registers of a model's ID and length."""
_SIGNED = {"int16", "int32", "int64", "sunssf"}
_OURS = {"V": 1_000, "A": 1_000, "Hz": 1_000, "C": 10}
_OURS |= dict.fromkeys(("%", "Pct", "%WHRtg", "% AhrRtg", "% WDisChaMax", " % WChaMax"), 100)
"""How many of our unit (mV, mA, mHz, tenths of °C, basis points) one of SunSpec's is; 1 for all others (W, Wh, var)."""
_NUMBERS = ("int", "uint", "acc", "enum", "bitfield", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A point of a model: register offset from the model's ID, and how its registers are read."""

    name: str
    offset: int
    registers: int
    kind: str
    scale: str
    """Name of the scale-factor point, "" for none."""
    factor: int
    symbols: tuple[tuple[int, str], ...]

    def raw_of(self, registers: Sequence[int]) -> int | None:
        """The integer, or None where the device says "not implemented". An accumulator of 0 is 0."""
        words = registers[self.offset : self.offset + self.registers]
        raw = int.from_bytes(b"".join(word.to_bytes(2, "big") for word in words), "big", signed=self.kind in _SIGNED)
        return None if raw == _absent(self) else raw


@cache
def layout_of(model: int) -> Mapping[str, Field]:
    """The fixed points of a model by name. Raises KeyError for a model that the definitions lack."""
    return {field.name: field for field in _fields(_group(model)["points"], start=0)}


@cache
def repeated_in(model: int) -> tuple[str, str, tuple[Field, ...], int] | None:
    """The model's repeated group: its name, the point that counts it, fields of the first one, registers of each."""
    for group in _group(model).get("groups", ()):
        if isinstance(count := group.get("count"), str):
            start = sum(point["size"] for point in _group(model)["points"])
            return group["name"], count, _fields(group["points"], start=start), sum(p["size"] for p in group["points"])
    return None


def scaled(layout: Mapping[str, Field], field: Field, registers: Sequence[int]) -> int | None:
    """A field's value in our unit, rounded half away from zero; None where it or its scale is not implemented."""
    raw = field.raw_of(registers)
    exponent = layout[field.scale].raw_of(registers) if field.scale else 0
    if raw is None or exponent is None:
        return None
    return round_half_away(raw * Fraction(10) ** exponent * field.factor)


def everything_in(model: int, registers: Sequence[int]) -> dict[str, int]:
    """Every number of a model and of its repeated groups that is implemented, by name, in our unit."""
    layout = layout_of(model)
    found = {name: scaled(layout, field, registers) for name, field in layout.items() if _tells(field)}
    if repeats := repeated_in(model):
        name, counter, fields, each = repeats
        held = (len(registers) - fields[0].offset) // each
        for n in range(min(layout[counter].raw_of(registers) or 0, held)):
            for field in fields:
                there = replace(field, offset=field.offset + n * each)
                if _tells(field):
                    found[f"{name}.{n + 1}.{field.name}"] = scaled(layout, there, registers)
    return {name: value for name, value in found.items() if value is not None}


def spans(fields: Sequence[Field]) -> list[tuple[int, int]]:
    """Register ranges that cover the fields, each at most 125 long; no range cuts a field in two."""
    ranges: list[tuple[int, int]] = []
    for field in sorted(fields, key=lambda f: f.offset):
        end = field.offset + field.registers
        if ranges and end - ranges[-1][0] <= MAX_REGISTERS:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((field.offset, end))
    return ranges


def words(value: int, count: int) -> list[int]:
    """A number as registers, big-endian, two's complement."""
    data = value.to_bytes(2 * count, "big", signed=value < 0)
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def _group(model: int) -> Mapping[str, Any]:
    definition = get_model_def(model)
    assert isinstance(definition, dict)
    group: Mapping[str, Any] = definition["group"]
    return group


def _fields(points: Sequence[Mapping[str, Any]], *, start: int) -> tuple[Field, ...]:
    fields = []
    for point in points:
        scale = point.get("sf")
        fields.append(
            Field(
                name=point["name"],
                offset=start,
                registers=point["size"],
                kind=point["type"],
                scale=scale if isinstance(scale, str) else "",
                factor=_OURS.get(point.get("units", ""), 1),
                symbols=tuple((s["value"], s["name"]) for s in point.get("symbols", ())),
            )
        )
        start += point["size"]
    return tuple(fields)


def _tells(field: Field) -> bool:
    return field.kind.startswith(_NUMBERS) and field.name not in ("ID", "L")


def _absent(field: Field) -> int | None:
    """The bit pattern by which a type says "not implemented"; accumulators have none that differs from 0."""
    bits = 16 * field.registers
    if field.kind in _SIGNED:
        return -(1 << (bits - 1))
    if field.kind.startswith(("uint", "enum", "bitfield", "count")):
        return (1 << bits) - 1
    return None
