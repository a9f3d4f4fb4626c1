"""History and regressors as CSV (protocol 9.6): units in the header, local times, whole numbers.

History: `time,<column>[,…]`, a row a period, none left out; a column is `load_wh`, `load_w`, `net_load_…`, `pv_…`,
`wind_…` or `price_cents_per_mwh`. Regressors: `time,issued,<name>_<unit>[,…]`; an empty cell says that this issue had
no such value. `time` is when a period begins, `issued` when the value became known, both YYYY-MM-DD HH:MM local to
Asia/Shanghai. Whatever is wrong is named by file, line and column.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from alliance.calendar import ZONE_OFFSET_MS
from alliance.errors import Malformed
from optimizer.forecasting.series import (
    MOST_VALUE,
    STEPS_MS,
    Quantity,
    Regressor,
    Series,
    Vintage,
    regressors_of,
)

REGRESSOR_UNITS = ("wh", "w", "cents_per_mwh", "w_per_m2", "millidegrees_c", "mm_per_s", "bp")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_ENERGY_OR_POWER = ("wh", "w")
_COLUMNS = {f"{q}_{unit}": (q, unit) for q in Quantity if q is not Quantity.PRICE for unit in _ENERGY_OR_POWER} | {
    "price_cents_per_mwh": (Quantity.PRICE, "cents_per_mwh")
}
_REGRESSOR = re.compile(rf"[a-z][a-z0-9_]*_({'|'.join(REGRESSOR_UNITS)})")
_WANT_TIME = "YYYY-MM-DD HH:MM, local"


@dataclass(kw_only=True, eq=False)
class CellWrong(Malformed):
    """A cell of a file is not what its column promises. Lines count from 1, the header being the first."""

    file: str
    line: int
    column: str
    got: str
    want: str


@dataclass(kw_only=True, eq=False)
class TableWrong(Malformed):
    """A file is no such table at all."""

    file: str
    got: str
    want: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    line: int
    cells: tuple[str, ...]


def read_history(text: str, *, file: str, column: str | None = None) -> Series:
    """One column of a history, the first by default. Raises CellWrong, TableWrong and what Series raises."""
    header, rows = _rows(text, file=file)
    _require_header(header, ("time",), file=file)
    for name in header[1:]:
        if name not in _COLUMNS:
            raise CellWrong(file=file, line=1, column=name, got=name, want=f"one of {', '.join(_COLUMNS)}")
    chosen = header[1] if column is None else column
    if chosen not in header[1:]:
        raise CellWrong(file=file, line=1, column=chosen, got=",".join(header), want=f"a column {chosen}")
    if len(rows) < 2:
        raise TableWrong(file=file, got=f"{len(rows)} rows", want="at least two")
    times = [_time(row, 0, header, file=file) for row in rows]
    step_ms = _step_ms(times, rows, file=file)
    quantity, unit = _COLUMNS[chosen]
    at = header.index(chosen)
    values = tuple(_integer(row, at, header, file=file, signed=quantity.signed) for row in rows)
    return Series(name=chosen, quantity=quantity, unit=unit, start_ms=times[0], step_ms=step_ms, values=values)


def read_regressors(text: str, *, file: str) -> tuple[Regressor, ...]:
    """All columns of a file of regressors. Raises CellWrong, TableWrong, InstantWrong, VintageTwice."""
    header, rows = _rows(text, file=file)
    _require_header(header, ("time", "issued"), file=file)
    for name in header[2:]:
        if not _REGRESSOR.fullmatch(name):
            want = f"<name>_<unit>, the unit one of {', '.join(REGRESSOR_UNITS)}"
            raise CellWrong(file=file, line=1, column=name, got=name, want=want)
    found: dict[str, list[Vintage]] = {name: [] for name in header[2:]}
    for row in rows:
        valid, issued = _time(row, 0, header, file=file), _time(row, 1, header, file=file)
        for at in range(2, len(header)):
            if row.cells[at]:
                value = _integer(row, at, header, file=file, signed=True)
                found[header[at]].append(Vintage(valid_ms=valid, issued_ms=issued, value=value))
    return regressors_of(found)


def local_ms(text: str) -> int | None:
    """UTC milliseconds of a local time as in these files; None if it is none."""
    if not _TIME.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(found.timestamp() * 1000) - ZONE_OFFSET_MS


def local_text(t_ms: int) -> str:
    """A UTC instant as a local time of these files."""
    return f"{datetime.fromtimestamp((t_ms + ZONE_OFFSET_MS) // 1000, UTC):%Y-%m-%d %H:%M}"


def _rows(text: str, *, file: str) -> tuple[list[str], list[_Row]]:
    try:
        header, *rows = list(_lines(text))
    except csv.Error as error:
        raise TableWrong(file=file, got=str(error), want="CSV") from error
    except ValueError:
        raise TableWrong(file=file, got="nothing", want="a header and rows") from None
    names = list(header.cells)
    for row in rows:
        if len(row.cells) != len(names):
            want = f"{len(names)} cells: {','.join(names)}"
            raise CellWrong(file=file, line=row.line, column="", got=f"{len(row.cells)} cells", want=want)
    return names, rows


def _lines(text: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    for cells in reader:
        if cells:
            yield _Row(line=reader.line_num, cells=tuple(cell.strip() for cell in cells))


def _require_header(header: list[str], first: tuple[str, ...], *, file: str) -> None:
    count = len(first)
    if tuple(header[:count]) != first or len(header) == count or len(set(header)) < len(header):
        want = f"{','.join(first)} and at least one column of values, each name once"
        raise CellWrong(file=file, line=1, column="", got=",".join(header), want=want)


def _step_ms(times: list[int], rows: list[_Row], *, file: str) -> int:
    """The length of a period, from the first two rows; every further row must follow the one before it."""
    step = times[1] - times[0]
    if step not in STEPS_MS:
        want = f"{' or '.join(str(ms // 60_000) for ms in STEPS_MS)} minutes after the row before"
        raise CellWrong(file=file, line=rows[1].line, column="time", got=rows[1].cells[0], want=want)
    for place, (t_ms, row) in enumerate(zip(times, rows, strict=True)):
        if t_ms != times[0] + place * step:
            want = f"{local_text(times[0] + place * step)}, as no period is left out"
            raise CellWrong(file=file, line=row.line, column="time", got=row.cells[0], want=want)
    return step


def _time(row: _Row, at: int, header: list[str], *, file: str) -> int:
    found = local_ms(row.cells[at])
    if found is None:
        raise CellWrong(file=file, line=row.line, column=header[at], got=row.cells[at][:40], want=_WANT_TIME)
    return found


def _integer(row: _Row, at: int, header: list[str], *, file: str, signed: bool) -> int:
    text, least = row.cells[at], -MOST_VALUE if signed else 0
    if not _INTEGER.fullmatch(text) or not least <= int(text) <= MOST_VALUE:
        want = f"a whole number from {least} to {MOST_VALUE}"
        raise CellWrong(file=file, line=row.line, column=header[at], got=text[:40], want=want)
    return int(text)
