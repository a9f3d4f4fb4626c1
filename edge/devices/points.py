"""Points: which register or message field means what, in which unit and with which sign (protocol 2.1).

The value in `unit` is raw × scale + offset, as the device means it; `lowest` and `highest` bound it; `sign` −1 turns
it into ours, positive out of the station.
"""

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from edge.devices.vocabulary import COIL

Raw = int | Fraction
"""What a device spells, before scale and sign: an integer, or exactly what a FLOAT32 or a JSON number says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One row of a point table, or one of the points that a row of a run stands for."""

    key: str
    name_zh: str
    name_en: str
    protocol: str
    """`modbus` or `mqtt`."""
    unit_id: int
    function: int
    """1 coils, 2 discrete inputs, 3 holding or 4 input registers; 0 of MQTT."""
    address: int
    """Of the first register, counted from 0 as on the wire; 0 of MQTT."""
    field: str
    """Name in the message's `data`; "" of Modbus."""
    type: str
    registers: int
    signed: bool
    order: str
    """ABCD big-endian; CDAB words swapped; BADC bytes swapped; DCBA both."""
    scale: Fraction
    offset: Fraction
    sign: int
    factor: int
    """How many of our unit one of the table's is."""
    lowest: Fraction
    highest: Fraction
    unit: str
    writable: bool
    kind: str
    """YC measured, YM metered energy, YX status, YT set point, YK switch (遥测 电度 遥信 遥调 遥控)."""
    poll_ms: int
    deadband: Fraction
    """In `unit`; a move of more is reported at once."""
    alarm_level: int
    enumeration: tuple[tuple[int, str], ...]
    alarm_kinds: tuple[tuple[int, str, int], ...] = ()
    """(bit or value, kind of alarm, its level 1…3, or 0: as `alarm_level` says): the maker's alarms in our words."""

    def raw_of(self, registers: Sequence[int]) -> Raw | None:
        """What registers spell, or a coil; None where a FLOAT32 says "not a number"."""
        if self.is_coil:
            return registers[0]
        data = _reorder(registers, self.order)
        if self.type == "FLOAT32":
            (value,) = struct.unpack(">f", data)
            return Fraction(value) if math.isfinite(value) else None
        whole = int.from_bytes(data, "big", signed=self.signed)
        return whole >> int(self.type[3:]) & 1 if self.is_bit else whole

    def registers_of(self, raw: Raw) -> list[int]:
        """The registers that spell a raw value. Raises OverflowError when it does not fit."""
        if self.is_coil:
            return [int(bool(raw))]
        if self.type == "FLOAT32":
            data = struct.pack(">f", float(raw))
        else:
            data = int(raw).to_bytes(2 * self.registers, "big", signed=self.signed)
        words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
        swapped = _reorder(words, self.order)
        return [int.from_bytes(swapped[i : i + 2], "big") for i in range(0, len(swapped), 2)]

    @property
    def is_coil(self) -> bool:
        """Whether the point is a coil or a discrete input."""
        return self.type == COIL

    @property
    def is_bit(self) -> bool:
        """Whether the point is one bit of a register."""
        return self.type.startswith("BIT") and not self.is_word and not self.is_coil

    @property
    def is_word(self) -> bool:
        """Whether the point is a word of named bits."""
        return self.type.startswith("BITS") or self.key == "alarm_word"

    def in_range(self, raw: Raw) -> bool:
        """Whether the value lies in the range that the table states."""
        return self.lowest <= raw * self.scale + self.offset <= self.highest

    def value_of(self, raw: Raw) -> int:
        """Our value, in our unit and sign, rounded half away from zero."""
        return round_half_away((raw * self.scale + self.offset) * self.sign * self.factor)

    def exact_for(self, value: int) -> Fraction:
        """The raw value of a value of ours, unrounded."""
        return (Fraction(value * self.sign, self.factor) - self.offset) / self.scale

    def raw_for(self, value: int) -> Raw:
        """The raw value nearest to a value of ours that the type can spell."""
        exact = self.exact_for(value)
        return exact if self.type in ("FLOAT32", "NUMBER") else round_half_away(exact)

    @property
    def our_deadband(self) -> int:
        """The deadband in our unit, rounded down."""
        return int(self.deadband * self.factor)

    def name_of(self, raw: Raw) -> str:
        """What the enumeration calls a raw value; "" when it does not know it."""
        return dict(self.enumeration).get(int(raw), "")

    def alarms_of(self, raw: Raw) -> tuple[str, ...]:
        """The alarms that the point tells: names of set bits, or its own name where a bit alone is set."""
        if self.alarm_level == 0 or not raw:
            return ()
        if not self.is_word:
            return (self.name_zh,) if self.is_bit or self.is_coil else ()
        word, names = int(raw), dict(self.enumeration)
        told = (names.get(bit, f"bit {bit}") for bit in range(word.bit_length()) if word >> bit & 1)
        return tuple(told) if self.key == "alarm_word" else tuple(f"{self.name_zh}：{name}" for name in told)


def round_half_away(value: Fraction | int) -> int:
    """The nearest integer, halves away from zero."""
    exact = Fraction(value)
    size = int((2 * abs(exact) + 1) // 2)
    return size if exact >= 0 else -size


def _reorder(words: Sequence[int], order: str) -> bytes:
    """Bring words into big-endian order; each order undoes itself."""
    arranged = list(reversed(words)) if order in {"CDAB", "DCBA"} else list(words)
    data = b"".join(word.to_bytes(2, "big") for word in arranged)
    if order in {"BADC", "DCBA"}:
        data = b"".join(data[i : i + 2][::-1] for i in range(0, len(data), 2))
    return data
