"""Reading point tables (点表): a CSV file with the columns of `vocabulary.COLUMNS`, one row a point (protocol 2.1).

A row whose key has a range in brackets is a run: `cell.[1-16].voltage` stands for 16 points whose registers follow each
other; `{}` in its names (and in an MQTT field) is the number. A row that cannot be used is named by file, line, column.
"""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from alliance.errors import Conflicting, Malformed
from edge.devices.link import BIT_FUNCTIONS, COILS, HOLDING, INPUT
from edge.devices.points import Point
from edge.devices.station import PcsState
from edge.devices.vocabulary import (
    CLASSES,
    COIL,
    COLUMNS,
    IDENTITY,
    INTEGERS,
    OPTIONAL,
    ORDERS,
    REQUIRED,
    UNITS,
    WORDS,
    types,
)

Table = Mapping[str, Point]
"""Points by key."""

_DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.([a-z0-9_]+|\[\d+-\d+\]))+")
_RANGE = re.compile(r"\[(\d+)-(\d+)\]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,12}|/[1-9][0-9]{0,9})?")
_ENUMERATED = {"pcs_state", "alarm_word"}
_COMMANDS = {"set_power", "remote_enable"}
_ALARM = re.compile(r"([a-z][a-z0-9_]*)(?:\.([1-3]))?")


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
    """Point tables lack rows that every station needs."""

    file: str
    keys: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class PointTwice(Conflicting):
    """Two devices of one station give the same point."""

    key: str
    files: tuple[str, str]


def read_table(path: Path) -> dict[str, Point]:
    """Read the one table of a whole station. Raises as `read_points`, and PointsIncomplete."""
    points = read_points(path)
    check_whole(points, file=path.name)
    return points


def read_points(path: Path) -> dict[str, Point]:
    """Read a device's table. Raises PointCellWrong, and OSError when the file cannot be opened."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.reader(stream, strict=True))
    except (UnicodeDecodeError, csv.Error) as failure:
        raise PointCellWrong(file=path.name, line=1, column="key", value="", problem=f"no CSV: {failure}") from None
    points: dict[str, Point] = {}
    _check_header(path.name, rows[0] if rows else [])
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        for point in _Row(path.name, line, row).points():
            if point.key in points:
                raise PointCellWrong(file=path.name, line=line, column="key", value=point.key, problem="written twice")
            points[point.key] = point
    return points


def check_whole(keys: Iterable[str], *, file: str) -> None:
    """Refuse tables that do not make a station. Raises PointsIncomplete."""
    held = set(keys)
    if lacking := tuple(key for key in REQUIRED if key not in held):
        raise PointsIncomplete(file=file, keys=lacking)


def prefixed(points: Table, prefix: str) -> dict[str, Point]:
    """The table with a device's name before every dotted key, so that two devices of a kind fit into one station."""
    if not prefix:
        return dict(points)
    renamed = (replace(p, key=f"{prefix}.{key}") if "." in key else p for key, p in points.items())
    return {point.key: point for point in renamed}


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

    def points(self) -> Iterator[Point]:
        """The points of the row, in order: one, or a run."""
        first, ranges = self._point(), self._ranges()
        numbers = list(itertools.product(*ranges))
        if first.address + len(numbers) * first.registers > 65_536:
            raise self._wrong("address", "runs past the last register")
        for n, place in enumerate(numbers):
            yield replace(
                first,
                key=_filled(_RANGE.sub("{}", first.key), place),
                name_zh=_filled(first.name_zh, place),
                name_en=_filled(first.name_en, place),
                field=_filled(first.field, place),
                address=first.address + n * first.registers,
            )

    def _point(self) -> Point:
        key, protocol = self._key(), self._one_of("protocol", ["modbus", "mqtt"])
        function = self._function(protocol)
        registers, signed = self._shape(protocol, function)
        access = self._one_of("access", ["R", "RW"])
        self._check_access(key, access, function if protocol == "modbus" else HOLDING)
        kind = self._one_of("class", CLASSES)
        return Point(
            key=key,
            name_zh=self._text("name_zh"),
            name_en=self._text("name_en"),
            protocol=protocol,
            unit_id=self._integer("unit_id", 0, 247),
            function=function,
            address=self._integer("address", 0, 65_535) if protocol == "modbus" else 0,
            field="" if protocol == "modbus" else self._text("address"),
            type=self._cells["type"],
            registers=registers,
            signed=signed,
            order=self._one_of("byte_word_order", ORDERS),
            scale=self._scale(),
            offset=self._number("offset"),
            sign=self._sign(),
            factor=self._factor(key),
            lowest=self._number("min"),
            highest=self._highest(key),
            unit=self._cells["unit"],
            writable=access == "RW",
            kind=kind,
            poll_ms=self._integer("poll_ms", 0, 86_400_000),
            deadband=self._deadband(),
            alarm_level=self._integer("alarm_level", 0, 9),
            enumeration=self._enumeration(key),
            alarm_kinds=self._alarm_kinds(),
        )

    def _key(self) -> str:
        key = self._cells["key"]
        if key in REQUIRED or key in OPTIONAL or key == IDENTITY:
            return key
        if not _DOTTED.fullmatch(key):
            known = ", ".join([*REQUIRED, *OPTIONAL, IDENTITY])
            raise self._wrong("key", f"neither a dotted name like hvac.mode nor one of {known}")
        if self._cells["class"] in ("YT", "YK") and "[" in key:
            raise self._wrong("key", "orders cannot be a run")
        return key

    def _ranges(self) -> list[range]:
        ranges = [range(int(low), int(high) + 1) for low, high in _RANGE.findall(self._cells["key"])]
        if any(not numbers or numbers.stop > 10_000 for numbers in ranges):
            raise self._wrong("key", "a range must rise and end below 10000")
        if ranges and re.fullmatch(r"BIT\d+", self._cells["type"]):
            raise self._wrong("type", "a run has one value a register")
        for column in ("name_zh", "name_en", *(("address",) if self._cells["protocol"] == "mqtt" else ())):
            if self._cells[column].count("{}") != len(ranges):
                raise self._wrong(column, f"needs {{}} {len(ranges)} times, once for each range of the key")
        return ranges

    def _shape(self, protocol: str, function: int) -> tuple[int, bool]:
        """Registers (of a coil, bits) and whether they are signed."""
        if protocol == "mqtt":
            self._one_of("type", ["NUMBER", *WORDS])
            return 0, True
        if function in BIT_FUNCTIONS:
            self._one_of("type", [COIL])
            if (self._cells["scale"], self._cells["offset"], self._cells["sign"].lstrip("+")) != ("1", "0", "1"):
                raise self._wrong("scale", "a coil or discrete input has scale 1, offset 0 and sign 1")
            return 1, False
        kind = self._one_of("type", types())
        if kind.startswith("BIT") and (self._cells["scale"], self._cells["offset"]) != ("1", "0"):
            raise self._wrong("scale", "bits have scale 1 and offset 0")
        if kind.startswith("BIT") and self._cells["access"] == "RW":
            raise self._wrong("access", "bits are read only: writing one would write its neighbours")
        return INTEGERS.get(kind) or (2 if kind == "FLOAT32" else WORDS.get(kind, 1), False)

    def _function(self, protocol: str) -> int:
        return self._integer("function", COILS, INPUT) if protocol == "modbus" else self._integer("function", 0, 0)

    def _check_access(self, key: str, access: str, function: int) -> None:
        if access == "RW" and function not in (COILS, HOLDING):
            raise self._wrong("access", "only coils (function 1) and holding registers (function 3) can be written")
        if key in _COMMANDS and access != "RW":
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
        if not _NUMBER.fullmatch(self._cells[column]):
            raise self._wrong(column, "not a number like 12, -0.5 or 1/3")
        return Fraction(self._cells[column])

    def _scale(self) -> Fraction:
        scale = self._number("scale")
        if scale <= 0:
            raise self._wrong("scale", "must be above 0; the direction belongs into sign")
        return scale

    def _highest(self, key: str) -> Fraction:
        highest, lowest = self._number("max"), self._number("min")
        if key == IDENTITY and highest != lowest:
            raise self._wrong("max", "an identity has one value: min = max")
        if key != IDENTITY and highest <= lowest:
            raise self._wrong("max", "not above min")
        return highest

    def _deadband(self) -> Fraction:
        deadband = self._number("deadband")
        if deadband < 0:
            raise self._wrong("deadband", "below 0")
        return deadband

    def _sign(self) -> int:
        return {"1": 1, "+1": 1, "-1": -1}[self._one_of("sign", ["1", "+1", "-1"])]

    def _factor(self, key: str) -> int:
        held = {**REQUIRED, **OPTIONAL, IDENTITY: ""}
        factors = UNITS[held[key]] if key in held else {u: f for units in UNITS.values() for u, f in units.items()}
        return factors[self._one_of("unit", factors)]

    def _enumeration(self, key: str) -> tuple[tuple[int, str], ...]:
        entries = []
        for entry in filter(None, self._cells["enumeration"].split(";")):
            number, _, name = entry.partition("#")[0].partition("=")
            if not number.strip().isdecimal() or not name.strip():
                raise self._wrong("enumeration", "not written number=name;number=name")
            entries.append((int(number), name.strip()))
        if (key in _ENUMERATED or self._cells["type"] in WORDS) and not entries:
            raise self._wrong("enumeration", "empty")
        if key == "pcs_state" and (strange := {name for _, name in entries} - set(PcsState)):
            raise self._wrong("enumeration", f"not states: {', '.join(sorted(strange))}")
        return tuple(entries)

    def _alarm_kinds(self) -> tuple[tuple[int, str, int], ...]:
        """The alarms that entries name behind `#`: `0=单体过压#cell_overvoltage.3`."""
        found = []
        for entry in filter(None, self._cells["enumeration"].split(";")):
            named, mark, told = entry.partition("#")
            if not mark:
                continue
            match = _ALARM.fullmatch(told.strip())
            if match is None:
                raise self._wrong("enumeration", "not written number=name#alarm or number=name#alarm.level, level 1…3")
            found.append((int(named.partition("=")[0]), match[1], int(match[2] or 0)))
        return tuple(found)

    def _wrong(self, column: str, problem: str) -> PointCellWrong:
        value = self._cells.get(column, "")
        return PointCellWrong(file=self._file, line=self._line, column=column, value=value, problem=problem)


def _filled(text: str, numbers: tuple[int, ...]) -> str:
    for number in numbers:
        text = text.replace("{}", str(number), 1)
    return text
