"""Profiles of a site, day by day: mean load and PV power of each slot, read from and written to CSV.

A file has one row a slot, local time of the alliance (UTC+8), and its units in the header:

    time,load_w,pv_w
    2026-03-02T00:00,412000,0
    2026-03-02T00:15,409500,0

`load_kw` and `pv_kw` are read too, with decimals; the PV column may be left out. Rows may stand in any order, but
every day that appears must be whole: 96 rows, 00:00 to 23:45. A folder holds one file a station: `station-1.csv` …
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

from alliance.calendar import SLOTS_A_DAY, Day, day_of
from alliance.errors import Malformed, Missing
from alliance.identity import StationId

_SLOT_HOURS_DIVISOR = 4
_HIGHEST_W = 10_000_000_000
_UNITS = {"w": 1, "kw": 1_000}
_FILE = re.compile(r"station-([1-9][0-9]*)\.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProfile:
    """A local day of a site: mean power of each of its 96 slots, magnitudes in watts."""

    day: Day
    load_w: tuple[int, ...]
    pv_w: tuple[int, ...]

    def net_load_wh(self, slot: int, *, standby_w: int = 0) -> int:
        """Load and standby less PV in a slot, Wh; positive consumes."""
        net_w = self.load_w[slot] + standby_w - self.pv_w[slot]
        return _half_away(net_w, _SLOT_HOURS_DIVISOR)


@dataclass(kw_only=True, eq=False)
class ProfileCellWrong(Malformed):
    """A cell of a profile file cannot be used; line 1 is the header."""

    file: str
    line: int
    column: str
    value: str
    problem: str


@dataclass(kw_only=True, eq=False)
class ProfileDayIncomplete(Malformed):
    """A day of a profile file has not all of its 96 rows."""

    file: str
    day: str
    first_missing: str
    rows: int


@dataclass(kw_only=True, eq=False)
class ProfilesMissing(Missing):
    """A profile folder or file is not there, or holds nothing."""

    path: str


def read_profiles(folder: Path) -> dict[StationId, dict[Day, DayProfile]]:
    """Read every `station-<number>.csv` of a folder. Raises ProfilesMissing, ProfileCellWrong, ProfileDayIncomplete."""
    found = {}
    for path in sorted(folder.glob("station-*.csv")) if folder.is_dir() else []:
        if name := _FILE.fullmatch(path.name):
            found[StationId(int(name[1]))] = read_profile(path)
    if not found:
        raise ProfilesMissing(path=str(folder / "station-<number>.csv"))
    return found


def read_profile(path: Path) -> dict[Day, DayProfile]:
    """Read the days of one file. Raises ProfilesMissing, ProfileCellWrong, ProfileDayIncomplete."""
    if not path.is_file():
        raise ProfilesMissing(path=str(path))
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = _slots(path.name, csv.reader(stream))
    if not rows:
        raise ProfilesMissing(path=str(path))
    return {day: _whole_day(path.name, day, slots) for day, slots in sorted(rows.items())}


def write_profile(path: Path, days: Iterable[DayProfile]) -> None:
    """Write days to one file, in watts, in order."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("time", "load_w", "pv_w"))
        for profile in sorted(days, key=lambda p: p.day):
            for slot in range(SLOTS_A_DAY):
                writer.writerow((_time_text(profile.day, slot), profile.load_w[slot], profile.pv_w[slot]))


def profile_for(days: Mapping[Day, DayProfile], day: Day) -> DayProfile:
    """The profile of a day; beyond the file, that of the last earlier day with the same weekday class, else any.

    So a station that outlives its file goes on behaving like itself. Raises ProfilesMissing for an empty file.
    """
    if day in days:
        return days[day]
    earlier = [d for d in days if d < day]
    alike = [d for d in earlier if day_class(d) == day_class(day)]
    if not days:
        raise ProfilesMissing(path=str(day))
    return days[max(alike or earlier or [min(days)])]


def day_class(day: Day) -> int:
    """0 a working day, 1 Saturday, 2 Sunday."""
    return max(0, day.date.weekday() - 4)


def previous_like_day(day: Day) -> Day:
    """The last earlier day of the same class: what a plan may know of the day that it is judged on."""
    candidate = day.plus(-1)
    while day_class(candidate) != day_class(day):
        candidate = candidate.plus(-1)
    return candidate


def _slots(file: str, rows: Iterable[list[str]]) -> dict[Day, dict[int, tuple[int, int]]]:
    found: dict[Day, dict[int, tuple[int, int]]] = {}
    header: _Header | None = None
    for line, row in enumerate(rows, start=1):
        if header is None:
            header = _header(file, row)
            continue
        if not any(cell.strip() for cell in row):
            continue
        day, slot = header.time(line, row)
        if slot in found.setdefault(day, {}):
            raise ProfileCellWrong(file=file, line=line, column="time", value=row[0], problem="written twice")
        found[day][slot] = (header.power(line, row, "load"), header.power(line, row, "pv"))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """Which column holds what, and its unit."""

    file: str
    columns: tuple[str, ...]
    time_at: int
    powers: Mapping[str, tuple[int, int]]

    def time(self, line: int, row: list[str]) -> tuple[Day, int]:
        text = self._cell(line, row, self.time_at)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(line, self.time_at, text, "not a local time YYYY-MM-DDTHH:MM") from None
        if moment.tzinfo is not None:
            raise self._wrong(line, self.time_at, text, "must be local time, without a zone")
        if moment.minute % 15 or moment.second or moment.microsecond:
            raise self._wrong(line, self.time_at, text, "not on a quarter of an hour")
        return day_of(moment.date().isoformat()), moment.hour * 4 + moment.minute // 15

    def power(self, line: int, row: list[str], name: str) -> int:
        if name not in self.powers:
            return 0
        at, factor = self.powers[name]
        text = self._cell(line, row, at)
        try:
            value = Decimal(text) * factor
        except InvalidOperation:
            raise self._wrong(line, at, text, "not a number") from None
        if not value.is_finite() or not 0 <= value <= _HIGHEST_W:
            raise self._wrong(line, at, text, f"outside 0…{_HIGHEST_W} W")
        return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))

    def _cell(self, line: int, row: list[str], at: int) -> str:
        if len(row) != len(self.columns):
            problem = f"{len(row)} cells where the header has {len(self.columns)}"
            raise self._wrong(line, min(len(row), len(self.columns) - 1), ",".join(row), problem)
        return row[at].strip()

    def _wrong(self, line: int, at: int, value: str, problem: str) -> ProfileCellWrong:
        return ProfileCellWrong(file=self.file, line=line, column=self.columns[at], value=value, problem=problem)


def _header(file: str, row: list[str]) -> _Header:
    columns = tuple(cell.strip().lower() for cell in row)
    time_at, powers = -1, {}
    for at, column in enumerate(columns):
        name, _, unit = column.rpartition("_")
        if column == "time" and time_at < 0:
            time_at = at
        elif name in {"load", "pv"} and unit in _UNITS and name not in powers:
            powers[name] = (at, _UNITS[unit])
        else:
            problem = "not one of time, load_w, load_kw, pv_w, pv_kw, each at most once"
            raise ProfileCellWrong(file=file, line=1, column=column, value=column, problem=problem)
    for needed, there in (("time", time_at >= 0), ("load_w", "load" in powers)):
        if not there:
            raise ProfileCellWrong(file=file, line=1, column=needed, value=",".join(row), problem="column missing")
    return _Header(file=file, columns=columns, time_at=time_at, powers=powers)


def _whole_day(file: str, day: Day, slots: Mapping[int, tuple[int, int]]) -> DayProfile:
    missing = next((slot for slot in range(SLOTS_A_DAY) if slot not in slots), None)
    if missing is not None:
        raise ProfileDayIncomplete(file=file, day=str(day), first_missing=_time_text(day, missing), rows=len(slots))
    pairs = [slots[slot] for slot in range(SLOTS_A_DAY)]
    return DayProfile(day=day, load_w=tuple(load for load, _ in pairs), pv_w=tuple(pv for _, pv in pairs))


def _time_text(day: Day, slot: int) -> str:
    return f"{day}T{slot // 4:02d}:{slot % 4 * 15:02d}"


def _half_away(numerator: int, divisor: int) -> int:
    size = (2 * abs(numerator) + divisor) // (2 * divisor)
    return size if numerator >= 0 else -size
