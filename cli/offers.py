"""Reading what stations offer from a table, CSV or JSON (protocol 9.8.2): every wrong cell by file, line and column.

Either caps that are stated: station, cap_up_kw, cap_down_kw; or what caps follow from: station, charge_kw,
discharge_kw, capacity_kwh, soc_pct (empty: no measured state), soc_min_pct, soc_max_pct, eta_c_pct, eta_d_pct, and
optionally pcc_import_kw, pcc_export_kw (none: no limit), battery_kw (discharging positive) and pcc_kw (export
positive) now, age_s of the measurement. Both take weight, price_yuan_per_kwh, last_turn. JSON is a list of objects of
these names.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from alliance.available import StationState, Terms, no_offer, offer_of
from alliance.errors import Malformed
from alliance.identity import StationId
from alliance.instruction import MOST_POWER_W, Bound, InstructionWrong, Offer

_TERMS = {"weight": "weight", "price_yuan_per_kwh": "price", "last_turn": "last_turn"}
_CAPS = {"cap_up_kw": "cap_up_w", "cap_down_kw": "cap_down_w"}
_STATE = {
    "charge_kw": "charge_power_w", "discharge_kw": "discharge_power_w", "capacity_kwh": "capacity_wh",
    "soc_pct": "soc_bp", "soc_min_pct": "soc_min_bp", "soc_max_pct": "soc_max_bp", "eta_c_pct": "eta_c_ppm",
    "eta_d_pct": "eta_d_ppm",
}  # fmt: skip
_NOW = {
    "pcc_import_kw": "pcc_import_w", "pcc_export_kw": "pcc_export_w", "battery_kw": "battery_power_w",
    "pcc_kw": "power_w", "age_s": "t_ms",
}  # fmt: skip
_COLUMN_OF = {field: column for fields in (_TERMS, _CAPS, _STATE, _NOW) for column, field in fields.items()}
_FACTOR = {"w": 1000, "wh": 1000, "bp": 100, "ppm": 10_000, "ms": 1000, "price": 100_000}
_MOST_DIGITS = 24
_ABSENT = {"pcc_import_w": MOST_POWER_W, "pcc_export_w": MOST_POWER_W, "battery_power_w": 0, "power_w": 0, "t_ms": 0}


@dataclass(kw_only=True, eq=False)
class TableWrong(Malformed):
    """A cell of a table is not what its column calls for; `line` counts from 1 (JSON: the entry)."""

    file: str
    line: int
    column: str
    got: str
    want: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table: its cells by column, as text, and where it stands."""

    file: str
    line: int
    cells: Mapping[str, str]

    def wrong(self, column: str, want: str) -> TableWrong:
        """The error that a cell is not what it must be."""
        return TableWrong(
            file=self.file, line=self.line, column=column, got=self.cells.get(column, "nothing")[:80], want=want
        )

    def number(self, column: str, field: str) -> int:
        """A cell in the field's whole unit."""
        factor = _FACTOR.get(field.rsplit("_", 1)[-1], 1)
        text = self.cells.get(column, "")
        try:
            value = Decimal(text if len(text) <= _MOST_DIGITS else "") * factor
        except ArithmeticError:
            raise self.wrong(column, f"a number of at most {_MOST_DIGITS} characters") from None
        if not value.is_finite() or abs(value) > 10**18:
            raise self.wrong(column, "a finite number")
        if value != value.to_integral_value():
            raise self.wrong(column, f"no finer than 1/{factor}" if factor > 1 else "a whole number")
        return int(value)


def offers_in(path: Path, *, duration_s: int, stale_after_ms: int) -> tuple[Offer, ...]:
    """The offers of a table, ascending by station. Raises TableWrong or OSError."""
    found: dict[int, Offer] = {}
    for row in _rows(path):
        try:
            offer = _offer(row, duration_s=duration_s, stale_after_ms=stale_after_ms)
        except InstructionWrong as error:
            raise row.wrong(_COLUMN_OF.get(error.field, error.field), f"within {error.limit}") from error
        if offer.station in found:
            raise row.wrong("station", "another station than those above")
        found[offer.station] = offer
    return tuple(found[station] for station in sorted(found))


def _offer(row: Row, *, duration_s: int, stale_after_ms: int) -> Offer:
    station = StationId(row.number("station", "station"))
    held = {field: row.number(column, field) for column, field in _TERMS.items() if row.cells.get(column)}
    terms = Terms(**held)
    if "cap_up_kw" in row.cells:
        up_w, down_w = (row.number(column, field) for column, field in _CAPS.items())
        return Offer(
            station=station,
            cap_up_w=up_w,
            cap_down_w=down_w,
            weight=terms.weight,
            price=terms.price,
            last_turn=terms.last_turn,
        )
    if not row.cells["soc_pct"]:
        return no_offer(station, Bound.UNAVAILABLE, terms)
    rated = {field: row.number(column, field) for column, field in _STATE.items()}
    now = {f: row.number(c, f) if row.cells.get(c) else _ABSENT[f] for c, f in _NOW.items()}
    age_ms = now.pop("t_ms")
    if age_ms < 0:
        raise row.wrong("age_s", "0 or more")
    state = StationState(station=station, t_ms=0, **rated, **now)
    return offer_of(state, issued_ms=age_ms, duration_s=duration_s, stale_after_ms=stale_after_ms, terms=terms)


def _rows(path: Path) -> Iterator[Row]:
    known = {"station", *_TERMS, *_CAPS, *_STATE, *_NOW}
    for row in _from_json(path) if path.suffix.lower() == ".json" else csv_rows(path):
        for column in row.cells:
            if column not in known:
                raise row.wrong(column, f"one of the columns {', '.join(sorted(known))}")
        stated, derived = row.cells.keys() & _CAPS.keys(), row.cells.keys() & (_STATE.keys() | _NOW.keys())
        if stated and derived:
            raise row.wrong(min(derived), "either caps or what they follow from, not both")
        for column in ("station", *(_CAPS if stated else _STATE)):
            if column not in row.cells:
                raise row.wrong(column, "a column of this name")
        yield row


def csv_rows(path: Path) -> Iterator[Row]:
    """Lines as a spreadsheet saves them: UTF-8 with or without its mark."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            table = csv.reader(file, strict=True)
            header = [name.strip() for name in next(table, [])]
            if len(set(header)) < len(header):
                doubled = next(name for name in header if header.count(name) > 1)
                raise TableWrong(file=path.name, line=1, column=doubled, got="twice", want="each column once")
            yield from _lines(path.name, header, table)
        except (csv.Error, UnicodeDecodeError) as error:
            raise TableWrong(file=path.name, line=0, column="", got=str(error), want="UTF-8 CSV") from error


def _lines(file: str, header: list[str], table: Iterator[list[str]]) -> Iterator[Row]:
    at = 1
    for at, cells in enumerate(table, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            got, want = f"{len(cells)} cells", f"{len(header)} cells, as the header has"
            raise TableWrong(file=file, line=at, column="", got=got, want=want)
        yield Row(file=file, line=at, cells=dict(zip(header, map(str.strip, cells), strict=True)))
    if at == 1:
        raise TableWrong(file=file, line=1, column="", got="nothing", want="a header and a line for each station")


def _from_json(path: Path) -> Iterator[Row]:
    try:
        listed = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise TableWrong(file=path.name, line=0, column="", got=str(error)[:200], want="JSON") from error
    if not isinstance(listed, list) or not listed:
        raise TableWrong(file=path.name, line=0, column="", got=type(listed).__name__, want="a list of objects")
    for at, entry in enumerate(listed, start=1):
        if not isinstance(entry, dict):
            raise TableWrong(file=path.name, line=at, column="", got=type(entry).__name__, want="an object")
        yield Row(file=path.name, line=at, cells={name: _text(value) for name, value in entry.items()})


def _text(value: object) -> str:
    """A JSON value as a cell; what is no number, text or null stays visibly wrong."""
    return "" if value is None else str(value)
