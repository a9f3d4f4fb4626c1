"""Point tables (点表): which register means what, in which unit and with which sign (protocol 2.1).

A table is a CSV file with the columns of COLUMNS, one row a point. The value in `unit` is raw × scale + offset, as the
device means it; `min` and `max` bound it; `sign` −1 turns it into ours, positive out of the station. Keys are those of
REQUIRED and OPTIONAL. A row that cannot be used is named by file, line and column.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from alliance.errors import Malformed
from edge.devices.link import HOLDING, INPUT
from edge.devices.station import PcsState

COLUMNS = (
    "key",
    "name_zh",
    "name_en",
    "protocol",
    "unit_id",
    "function",
    "address",
    "type",
    "byte_word_order",
    "scale",
    "offset",
    "sign",
    "unit",
    "min",
    "max",
    "access",
    "class",
    "poll_ms",
    "deadband",
    "alarm_level",
    "enumeration",
)

REQUIRED = {
    "meter_power": "W",
    "meter_import": "Wh",
    "meter_export": "Wh",
    "battery_power": "W",
    "battery_soc": "bp",
    "battery_charge": "Wh",
    "battery_discharge": "Wh",
    "set_power": "W",
}
"""Points that a table must have, with the unit in which we hold them."""

OPTIONAL = {
    "meter_reactive": "var",
    "battery_soh": "bp",
    "charge_limit": "W",
    "discharge_limit": "W",
    "frequency": "mHz",
    "pcs_state": "",
    "alarm_word": "",
    "remote_enable": "",
    "command_timeout": "s",
    "heartbeat": "",
}
"""Points that a table may have."""

_UNITS = {
    "W": {"W": 1, "kW": 1_000, "MW": 1_000_000},
    "var": {"var": 1, "kvar": 1_000, "Mvar": 1_000_000},
    "Wh": {"Wh": 1, "kWh": 1_000, "MWh": 1_000_000},
    "bp": {"bp": 1, "%": 100},
    "mHz": {"mHz": 1, "Hz": 1_000},
    "s": {"s": 1, "min": 60},
    "": {"": 1},
}
_TYPES = {"INT16": (1, True), "UINT16": (1, False), "INT32": (2, True), "UINT32": (2, False), "INT64": (4, True)}
_TYPES["UINT64"] = (4, False)
_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
_CLASSES = ("YC", "YX", "YK", "YT", "YM")
_ENUMERATED = {"pcs_state", "alarm_word"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One row of a point table."""

    key: str
    name_zh: str
    name_en: str
    unit_id: int
    function: int
    """3 holding or 4 input registers."""
    address: int
    """Of the first register, counted from 0 as on the wire."""
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
    alarm_level: int
    enumeration: tuple[tuple[int, str], ...]

    def raw_of(self, registers: Sequence[int]) -> int:
        """The integer that registers spell."""
        return int.from_bytes(_reorder(registers, self.order), "big", signed=self.signed)

    def registers_of(self, raw: int) -> list[int]:
        """The registers that spell an integer. Raises OverflowError when it does not fit."""
        data = raw.to_bytes(2 * self.registers, "big", signed=self.signed)
        words = [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
        swapped = _reorder(words, self.order)
        return [int.from_bytes(swapped[i : i + 2], "big") for i in range(0, len(swapped), 2)]

    def in_range(self, raw: int) -> bool:
        """Whether the value lies in the range that the table states."""
        return self.lowest <= raw * self.scale + self.offset <= self.highest

    def value_of(self, raw: int) -> int:
        """Our value, in our unit and sign, rounded half away from zero."""
        return round_half_away((raw * self.scale + self.offset) * self.sign * self.factor)

    def raw_for(self, value: int) -> int:
        """The raw integer nearest to a value of ours."""
        return round_half_away((Fraction(value * self.sign, self.factor) - self.offset) / self.scale)

    def name_of(self, raw: int) -> str:
        """What the enumeration calls a raw value; "" when it does not know it."""
        return dict(self.enumeration).get(raw, "")


@dataclass(kw_only=True, eq=False)
class PointCellWrong(Malformed):
    """A cell of a point table cannot be used; line 1 is the header."""

    file: str
    line: int
    column: str
    value: str
    problem: str


@dataclass(kw_only=True, eq=False)
class PointsIncomplete(Malformed):
    """A point table lacks rows that every station needs."""

    file: str
    keys: tuple[str, ...]


def read_table(path: Path) -> dict[str, Point]:
    """Read a point table. Raises PointCellWrong, PointsIncomplete, and OSError when the file cannot be opened."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.reader(stream))
    points: dict[str, Point] = {}
    _check_header(path.name, rows[0] if rows else [])
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        point = _Row(path.name, line, row).point()
        if point.key in points:
            raise PointCellWrong(file=path.name, line=line, column="key", value=point.key, problem="written twice")
        points[point.key] = point
    if lacking := tuple(key for key in REQUIRED if key not in points):
        raise PointsIncomplete(file=path.name, keys=lacking)
    return points


def round_half_away(value: Fraction) -> int:
    """The nearest integer, halves away from zero."""
    size = (2 * abs(value) + 1) // 2
    return int(size) if value >= 0 else -int(size)


def _check_header(file: str, header: list[str]) -> None:
    names = [cell.strip() for cell in header]
    for column in COLUMNS:
        if column not in names:
            raise PointCellWrong(file=file, line=1, column=column, value=",".join(names), problem="column missing")
    if names != list(COLUMNS):
        raise PointCellWrong(file=file, line=1, column="key", value=",".join(names), problem="columns out of order")


class _Row:
    """The cells of one row, and their faults."""

    def __init__(self, file: str, line: int, cells: list[str]) -> None:
        self._file, self._line = file, line
        self._cells = dict(zip(COLUMNS, (cell.strip() for cell in cells), strict=False))
        if len(cells) != len(COLUMNS):
            column = COLUMNS[min(len(cells), len(COLUMNS) - 1)]
            raise self._wrong(column, f"{len(cells)} cells where the header has {len(COLUMNS)}")

    def point(self) -> Point:
        key = self._one_of("key", [*REQUIRED, *OPTIONAL])
        self._one_of("protocol", ["modbus"])
        registers, signed = _TYPES[self._one_of("type", _TYPES)]
        access = self._one_of("access", ["R", "RW"])
        address = self._integer("address", 0, 65_535)
        function = self._integer("function", HOLDING, INPUT)
        self._check_access(key, access, function)
        if address + registers > 65_536:
            raise self._wrong("address", "runs past the last register")
        return Point(
            key=key,
            name_zh=self._text("name_zh"),
            name_en=self._text("name_en"),
            unit_id=self._integer("unit_id", 0, 247),
            function=function,
            address=address,
            registers=registers,
            signed=signed,
            order=self._one_of("byte_word_order", _ORDERS),
            scale=self._scale(),
            offset=self._number("offset"),
            sign=self._sign(),
            factor=self._factor(key),
            lowest=self._number("min"),
            highest=self._highest(),
            unit=self._cells["unit"],
            writable=access == "RW",
            kind=self._one_of("class", _CLASSES),
            poll_ms=self._integer("poll_ms", 0, 86_400_000),
            deadband=self._number("deadband"),
            alarm_level=self._integer("alarm_level", 0, 9),
            enumeration=self._enumeration(key),
        )

    def _check_access(self, key: str, access: str, function: int) -> None:
        if access == "RW" and function != HOLDING:
            raise self._wrong("access", "only holding registers (function 3) can be written")
        if key in {"set_power", "remote_enable"} and access != "RW":
            raise self._wrong("access", "must be RW")

    def _text(self, column: str) -> str:
        if not self._cells[column]:
            raise self._wrong(column, "empty")
        return self._cells[column]

    def _one_of(self, column: str, choices: Iterable[str]) -> str:
        known = list(choices)
        if self._cells[column] not in known:
            raise self._wrong(column, f"not one of {', '.join(known)}")
        return self._cells[column]

    def _integer(self, column: str, lowest: int, highest: int) -> int:
        text = self._cells[column]
        try:
            value = int(text)
        except ValueError:
            raise self._wrong(column, "not an integer") from None
        if not lowest <= value <= highest:
            raise self._wrong(column, f"outside {lowest}…{highest}")
        return value

    def _number(self, column: str) -> Fraction:
        try:
            return Fraction(self._cells[column])
        except (ValueError, ZeroDivisionError):
            raise self._wrong(column, "not a number") from None

    def _scale(self) -> Fraction:
        scale = self._number("scale")
        if scale <= 0:
            raise self._wrong("scale", "must be above 0; the direction belongs into sign")
        return scale

    def _highest(self) -> Fraction:
        highest = self._number("max")
        if highest <= self._number("min"):
            raise self._wrong("max", "not above min")
        return highest

    def _sign(self) -> int:
        return {"1": 1, "+1": 1, "-1": -1}[self._one_of("sign", ["1", "+1", "-1"])]

    def _factor(self, key: str) -> int:
        factors = _UNITS[{**REQUIRED, **OPTIONAL}[key]]
        return factors[self._one_of("unit", factors)]

    def _enumeration(self, key: str) -> tuple[tuple[int, str], ...]:
        entries = []
        for entry in filter(None, self._cells["enumeration"].split(";")):
            number, _, name = entry.partition("=")
            if not number.strip().isdecimal() or not name.strip():
                raise self._wrong("enumeration", "not written number=name;number=name")
            entries.append((int(number), name.strip()))
        if key in _ENUMERATED and not entries:
            raise self._wrong("enumeration", "empty")
        if key == "pcs_state" and (strange := {name for _, name in entries} - set(PcsState)):
            raise self._wrong("enumeration", f"not states: {', '.join(sorted(strange))}")
        return tuple(entries)

    def _wrong(self, column: str, problem: str) -> PointCellWrong:
        value = self._cells.get(column, "")
        return PointCellWrong(file=self._file, line=self._line, column=column, value=value, problem=problem)


def _reorder(words: Sequence[int], order: str) -> bytes:
    """Bring words into big-endian order; each order undoes itself."""
    arranged = list(reversed(words)) if order in {"CDAB", "DCBA"} else list(words)
    data = b"".join(word.to_bytes(2, "big") for word in arranged)
    if order in {"BADC", "DCBA"}:
        data = b"".join(data[i : i + 2][::-1] for i in range(0, len(data), 2))
    return data
