"""A fleet's problem from a folder of CSV tables (protocol 9.7): every wrong cell by file, line and column.

stations.csv: station, region, charge_kw, discharge_kw, energy_min_kwh, energy_max_kwh, start_kwh, end_min_kwh,
eta_c_pct, eta_d_pct, wear_yuan_per_kwh, pcc_import_kw, pcc_export_kw; optional keep_pct (content that is left after a
period, 100). prices.csv, a line a region and period: region, period (from 0), buy_yuan_per_kwh, sell_yuan_per_kwh,
import_limit_kw, export_limit_kw; optional base_load_kw (0). loads.csv, a line a station and period: station, period,
net_load_kw; optional curtailable_kw, own_need_kwh (0). ties.csv, if there is one: from_region, to_region, limit_kw,
loss_pct. leases.csv, if there is one: lease, station, charge_kw, discharge_kw, energy_kwh, start_kwh, end_min_kwh; a
lease is firm if nominations.csv has its periods: lease, period, nominated_kw (discharge positive). holding.csv, if
there is one, a line a step, at most four a station, ascending: station, content_kwh, below_yuan_per_kwh_h,
above_yuan_per_kwh_h: what each kWh below or above that content costs an hour. Names of stations,
regions and leases are free; their order is that of stations.csv, prices.csv and leases.csv.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from alliance.fleetplan import (
    MILLION,
    MOST_STEPS,
    RISK_NEUTRAL,
    FieldWrong,
    FleetLease,
    FleetProblem,
    FleetStation,
    HoldingStep,
    Region,
    Tie,
)
from cli.offers import Row, TableWrong, csv_rows

_STATION = {
    "charge_kw": "charge_w", "discharge_kw": "discharge_w", "energy_min_kwh": "energy_min_wh",
    "energy_max_kwh": "energy_max_wh", "start_kwh": "start_wh", "end_min_kwh": "end_min_wh", "eta_c_pct": "eta_c_ppm",
    "eta_d_pct": "eta_d_ppm", "wear_yuan_per_kwh": "wear_price", "pcc_import_kw": "pcc_import_w",
    "pcc_export_kw": "pcc_export_w", "keep_pct": "keep_ppm",
}  # fmt: skip
_PRICES = {
    "buy_yuan_per_kwh": "buy_price", "sell_yuan_per_kwh": "sell_price", "import_limit_kw": "import_limit_w",
    "export_limit_kw": "export_limit_w", "base_load_kw": "base_load_w",
}  # fmt: skip
_LOADS = {"net_load_kw": "net_load_w", "curtailable_kw": "curtailable_w", "own_need_kwh": "own_need_floor_wh"}
_TIE = {"limit_kw": "limit_w", "loss_pct": "loss_ppm"}
_LEASE = {
    "charge_kw": "charge_w", "discharge_kw": "discharge_w", "energy_kwh": "energy_wh", "start_kwh": "start_wh",
    "end_min_kwh": "end_min_wh",
}  # fmt: skip
_NOMINATION = {"nominated_kw": "nomination_w"}
_HOLDING = {
    "content_kwh": "content_wh", "below_yuan_per_kwh_h": "below_price", "above_yuan_per_kwh_h": "above_price",
}  # fmt: skip
_ABSENT = {"keep_ppm": MILLION, "base_load_w": 0, "curtailable_w": 0, "own_need_floor_wh": 0}
_LOADS_ROUND = ("base_load_w", "net_load_w", "nomination_w")
"""To the nearest Wh a period; limits are rounded down."""
_HOUR_S = 3600
_WHERE = re.compile(r"(stations|regions|ties|leases)\[(\d+)\]\.(\w+?)(?: \(its length\))?(?:\[(\d+)\])?")
_STEP_WHERE = re.compile(r"stations\[(\d+)\]\.holding\[(\d+)\]\.(\w+)")

Places = dict[tuple[str, int, int], Row]
"""Table, index and period (−1: none) → the row that it came from."""


def fleet_in(folder: Path, *, period_s: int) -> FleetProblem:
    """The fleet of a folder's tables. Raises TableWrong, FieldWrong or OSError."""
    places: Places = {}
    regions = _series(folder / "prices.csv", "region", _PRICES, None, places, period_s)
    rows = _named(folder / "stations.csv", "station", ("region", *_STATION), optional=("keep_pct",))
    loads = _series(folder / "loads.csv", "station", _LOADS, rows, places, period_s)
    periods = max(map(len, regions.values()))
    _require_whole(folder / "prices.csv", "region", regions, periods)
    _require_whole(folder / "loads.csv", "station", {name: loads.get(name, []) for name in rows}, periods)
    order = {name: k for k, name in enumerate(regions)}
    for i, row in enumerate(rows.values()):
        places["stations", i, -1] = row
    holding = _holding(folder / "holding.csv", list(rows), places, period_s)
    try:
        return FleetProblem(
            periods=periods,
            period_s=period_s,
            regions=tuple(Region(**_columns(values)) for values in regions.values()),
            ties=tuple(_ties(folder / "ties.csv", order, places, period_s)),
            stations=tuple(
                FleetStation(
                    region=_known(row, "region", order),
                    content_most_wh=(),
                    holding=tuple(holding.get(name, ())),
                    **_numbers(row, _STATION, period_s),  # type: ignore[arg-type]  # single numbers alone
                    **_columns(loads[name]),  # type: ignore[arg-type]  # series alone
                )
                for name, row in rows.items()
            ),
            reserves=(),
            scenarios=(),
            risk=RISK_NEUTRAL,
            leases=tuple(_leases(folder, {name: k for k, name in enumerate(rows)}, places, period_s)),
        )
    except FieldWrong as error:
        raise _placed(error, places) from error


def _series(
    path: Path, key: str, columns: Mapping[str, str], known: Iterable[str] | None, places: Places, period_s: int,
    *, table: str = "stations",
) -> dict[str, list[dict[str, int]]]:  # fmt: skip
    """Lines by name, in order of period; each period once, from 0, none left out. With `known` names of a table."""
    found: dict[str, list[dict[str, int]]] = {}
    names = None if known is None else list(known)
    for row in csv_rows(path):
        _require_columns(row, (key, "period", *columns), optional=_optional(columns))
        name = row.cells[key]
        if not name or (names is not None and name not in names):
            raise row.wrong(key, "a name" if names is None else f"a {key} of {table}.csv")
        values = found.setdefault(name, [])
        if row.number("period", "period") != len(values):
            raise row.wrong("period", f"{len(values)}, the next one of {key} {name}")
        index = len(found) - 1 if names is None else names.index(name)
        places["regions" if names is None else table, index, len(values)] = row
        values.append(_numbers(row, columns, period_s))
    return found


def _named(path: Path, key: str, columns: Iterable[str], *, optional: Iterable[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in csv_rows(path):
        _require_columns(row, (key, *columns), optional=optional)
        if not row.cells[key] or row.cells[key] in found:
            raise row.wrong(key, "a name that does not stand above")
        found[row.cells[key]] = row
    return found


def _ties(path: Path, order: Mapping[str, int], places: Places, period_s: int) -> Iterable[Tie]:
    if not path.exists():
        return
    for k, row in enumerate(csv_rows(path)):
        _require_columns(row, ("from_region", "to_region", *_TIE), optional=())
        places["ties", k, -1] = row
        ends = {name: _known(row, name, order) for name in ("from_region", "to_region")}
        yield Tie(**ends, **_numbers(row, _TIE, period_s))


def _leases(folder: Path, order: Mapping[str, int], places: Places, period_s: int) -> Iterable[FleetLease]:
    if not (folder / "leases.csv").exists():
        return
    leases = _named(folder / "leases.csv", "lease", ("station", *_LEASE), optional=())
    nominated: dict[str, list[dict[str, int]]] = {}
    if (folder / "nominations.csv").exists():
        path = folder / "nominations.csv"
        nominated = _series(path, "lease", _NOMINATION, leases, places, period_s, table="leases")
    for k, (name, row) in enumerate(leases.items()):
        places["leases", k, -1] = row
        if row.cells["station"] not in order:
            raise row.wrong("station", "a station of stations.csv")
        orders = tuple(values["nomination_wh"] for values in nominated.get(name, []))
        yield FleetLease(station=order[row.cells["station"]], nomination_wh=orders, **_numbers(row, _LEASE, period_s))


def _holding(path: Path, stations: list[str], places: Places, period_s: int) -> dict[str, list[HoldingStep]]:
    """Steps by station, in order."""
    found: dict[str, list[HoldingStep]] = {}
    for row in csv_rows(path) if path.exists() else ():
        _require_columns(row, ("station", *_HOLDING), optional=())
        name = row.cells["station"]
        if name not in stations:
            raise row.wrong("station", "a station of stations.csv")
        steps = found.setdefault(name, [])
        if len(steps) == MOST_STEPS:
            raise row.wrong("station", f"at most {MOST_STEPS} steps a station")
        places["holding", stations.index(name), len(steps)] = row
        steps.append(HoldingStep(**_numbers(row, _HOLDING, period_s)))
    return found


def _numbers(row: Row, columns: Mapping[str, str], period_s: int) -> dict[str, int]:
    """A row's cells under the problem's names: powers as Wh a period."""
    found = {}
    for column, field in columns.items():
        value = row.number(column, field) if row.cells.get(column) else _ABSENT.get(field)
        if value is None:
            raise row.wrong(column, "a number")
        if field.endswith("_w"):
            half = _HOUR_S // 2 if field in _LOADS_ROUND else 0
            found[field.removesuffix("_w") + "_wh"] = (value * period_s + half) // _HOUR_S
        else:
            found[field] = value
    return found


def _columns(values: list[dict[str, int]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(v[name] for v in values) for name in values[0]}


def _known(row: Row, column: str, order: Mapping[str, int]) -> int:
    if row.cells[column] not in order:
        raise row.wrong(column, "a region of prices.csv")
    return order[row.cells[column]]


def _optional(columns: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(column for column, field in columns.items() if field in _ABSENT)


def _require_columns(row: Row, columns: Iterable[str], *, optional: Iterable[str]) -> None:
    wanted = list(columns)
    for column in wanted:
        if column not in row.cells and column not in optional:
            raise row.wrong(column, "a column of this name")
    for column in row.cells:
        if column not in wanted:
            raise row.wrong(column, f"one of the columns {', '.join(wanted)}")


def _require_whole(path: Path, key: str, found: Mapping[str, list[dict[str, int]]], periods: int) -> None:
    for name, values in found.items():
        if len(values) != periods:
            got = f"{len(values)} periods of {key} {name}"
            raise TableWrong(file=path.name, line=0, column="period", got=got, want=f"{periods}")


def _placed(error: FieldWrong, places: Places) -> FieldWrong | TableWrong:
    """A field outside its limit as the cell that it came from."""
    at, step = _WHERE.fullmatch(error.field), _STEP_WHERE.fullmatch(error.field)
    if step is not None:
        table, index, field, period = "holding", int(step[1]), step[3], int(step[2])
    elif at is not None:
        table, index, field, period = at[1], int(at[2]), at[3], -1 if at[4] is None else int(at[4])
    else:
        return error
    row = places.get((table, index, period)) or places.get((table, index, -1))
    columns = {
        f.removesuffix("_w").removesuffix("_wh"): c
        for t in (_STATION, _PRICES, _LOADS, _TIE, _LEASE, _NOMINATION, _HOLDING)
        for c, f in t.items()
    }
    if row is None:
        return error
    column = columns.get(field.removesuffix("_wh"), field)
    return row.wrong(column, f"as {field} {error.value}, {error.limit}")
