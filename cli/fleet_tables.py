"""A fleet's problem from a folder of CSV tables (protocol 9.7): every wrong cell by file, line and column.

stations.csv: station, region, charge_kw, discharge_kw, energy_min_kwh, energy_max_kwh, start_kwh, end_min_kwh,
eta_c_pct, eta_d_pct, wear_yuan_per_kwh, pcc_import_kw, pcc_export_kw; optional keep_pct (content that is left after a
period, 100). prices.csv, a line a region and period: region, period (from 0), buy_yuan_per_kwh, sell_yuan_per_kwh,
import_limit_kw, export_limit_kw; optional base_load_kw (0), cut_most_kw and cut_yuan_per_kwh (both empty: no load may
be cut). loads.csv, a line a station and period: station, period, net_load_kw; optional curtailable_kw, own_need_kwh
(0), content_most_kwh (empty: the capacity).

All others only if they are there. ties.csv: from_region, to_region, limit_kw, loss_pct; where losses grow with the
flow, tie_steps.csv: tie (its place in ties.csv, from 0), above_kw, loss_pct (of what is sent above). leases.csv: lease,
station, charge_kw, discharge_kw, energy_kwh, start_kwh, end_min_kwh; a lease is firm if nominations.csv has its
periods: lease, period, nominated_kw (discharge positive). reserves.csv: reserve, direction (up, down), duration_s,
activation_pct; optional short_yuan_per_kw_h (empty: never gives way). reserve_prices.csv (0): reserve, period,
price_yuan_per_kw_h. requirements.csv, a line a reserve, region and period (0): reserve, region, period, required_kw.
holding.csv, a line a step, at most four a station, ascending: station, content_kwh, below_yuan_per_kwh_h,
above_yuan_per_kwh_h: what each kWh below or above that content costs an hour.
scenarios.csv: scenario, probability_pct; then scenario_loads.csv has every scenario, station and period: scenario,
station, period, net_load_kw. risk.csv, one line: cvar_alpha_pct, cvar_weight_pct.

Names of stations, regions, leases, reserves and scenarios are free; their order is that of stations.csv, prices.csv and
the table of the others' own name. Powers become whole Wh a period: loads and orders to the nearest, limits rounded
down, requirements up.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from alliance.fleetplan import (
    MILLION,
    MOST_ENERGY_WH,
    MOST_STEPS,
    RISK_NEUTRAL,
    Direction,
    FieldWrong,
    FleetLease,
    FleetProblem,
    FleetStation,
    HoldingStep,
    Region,
    Reserve,
    Risk,
    Scenario,
    Tie,
    TieStep,
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
    "export_limit_kw": "export_limit_w", "base_load_kw": "base_load_w", "cut_most_kw": "cut_most_w",
    "cut_yuan_per_kwh": "cut_price",
}  # fmt: skip
_LOADS = {
    "net_load_kw": "net_load_w", "curtailable_kw": "curtailable_w", "own_need_kwh": "own_need_floor_wh",
    "content_most_kwh": "content_most_wh",
}  # fmt: skip
_TIE = {"limit_kw": "limit_w", "loss_pct": "loss_ppm"}
_TIE_STEP = {"above_kw": "above_w", "loss_pct": "loss_ppm"}
_LEASE = {
    "charge_kw": "charge_w", "discharge_kw": "discharge_w", "energy_kwh": "energy_wh", "start_kwh": "start_wh",
    "end_min_kwh": "end_min_wh",
}  # fmt: skip
_NOMINATION = {"nominated_kw": "nomination_w"}
_HOLDING = {
    "content_kwh": "content_wh", "below_yuan_per_kwh_h": "below_price", "above_yuan_per_kwh_h": "above_price",
}  # fmt: skip
_RESERVE = {"duration_s": "duration_s", "activation_pct": "activation_ppm"}
_SHORT = {"short_yuan_per_kw_h": "short_price"}
_RESERVE_PRICE = {"price_yuan_per_kw_h": "price"}
_REQUIREMENT = {"required_kw": "requirement_w"}
_SCENARIO = {"probability_pct": "probability_ppm"}
_SCENARIO_LOAD = {"net_load_kw": "net_load_w"}
_RISK = {"cvar_alpha_pct": "cvar_alpha_ppm", "cvar_weight_pct": "cvar_weight_ppm"}
_ABSENT = {
    "keep_ppm": MILLION, "base_load_w": 0, "curtailable_w": 0, "own_need_floor_wh": 0,
    "content_most_wh": MOST_ENERGY_WH, "cut_most_w": 0, "cut_price": 0,
}  # fmt: skip
_TOGETHER = {"cut_most_kw": "cut_yuan_per_kwh", "cut_yuan_per_kwh": "cut_most_kw"}
"""Cells of which neither may be empty alone."""
_HOUR_S = 3600
_ROUNDED_BY = dict.fromkeys(("base_load_w", "net_load_w", "nomination_w"), _HOUR_S // 2)
_ROUNDED_BY |= {"requirement_w": _HOUR_S - 1}
"""What is added before a power is rounded down to Wh a period: half, or all but 1, of a part."""
_WHERE = re.compile(
    r"(\w+)(?:\[(\d+)\])?(?:\.(?:steps|holding)\[(?P<step>\d+)\])?(?:\.(\w+))?"
    r"(?:\[(\d+)\])?(?:\[(\d+)\])?(?: \(.*\)| together)?"
)
_FILES = {name: f"{name}.csv" for name in ("stations", "ties", "leases", "reserves", "scenarios", "risk")}
_FILES |= {"regions": "prices.csv"}

Places = dict[tuple[str | int, ...], Row]
"""Table, index and period (−1: none), or table, index, field and its indices → the row that it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that a table gave, and where each stands."""

    file: str
    order: Mapping[str, int]


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
    sites = Names(file="stations.csv", order={name: k for k, name in enumerate(rows)})
    areas = Names(file="prices.csv", order=order)
    for i, row in enumerate(rows.values()):
        places["stations", i, -1] = row
    holding = _holding(folder / "holding.csv", list(rows), places, period_s)
    try:
        return FleetProblem(
            periods=periods,
            period_s=period_s,
            regions=tuple(Region(**_without_cut(_columns(values))) for values in regions.values()),
            ties=tuple(_ties(folder / "ties.csv", order, places, period_s)),
            stations=tuple(
                FleetStation(
                    region=_known(row, "region", order),
                    holding=tuple(holding.get(name, ())),
                    **_numbers(row, _STATION, period_s),  # type: ignore[arg-type]  # single numbers alone
                    **_without_limit(_columns(loads[name])),  # type: ignore[arg-type]  # series alone
                )
                for name, row in rows.items()
            ),
            reserves=tuple(_reserves(folder, areas, periods, places, period_s)),
            scenarios=tuple(_scenarios(folder, sites, periods, places, period_s)),
            risk=_risk(folder / "risk.csv", places),
            leases=tuple(_leases(folder, sites.order, places, period_s)),
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
    rows = list(csv_rows(path)) if path.exists() else []
    steps = _tie_steps(path.with_name("tie_steps.csv"), len(rows), places, period_s)
    for k, row in enumerate(rows):
        _require_columns(row, ("from_region", "to_region", *_TIE), optional=())
        places["ties", k, -1] = row
        ends = {name: _known(row, name, order) for name in ("from_region", "to_region")}
        yield Tie(**ends, **_numbers(row, _TIE, period_s), steps=tuple(steps.get(k, ())))


def _tie_steps(path: Path, ties: int, places: Places, period_s: int) -> dict[int, list[TieStep]]:
    """The steps of each tie, in the order of their lines."""
    found: dict[int, list[TieStep]] = {}
    for row in csv_rows(path) if path.exists() else ():
        _require_columns(row, ("tie", *_TIE_STEP), optional=())
        k = row.number("tie", "tie")
        if not 0 <= k < ties:
            raise row.wrong("tie", f"the place of a tie in ties.csv, from 0 and below {ties}")
        steps = found.setdefault(k, [])
        places["ties", k, "step", len(steps)] = row
        steps.append(TieStep(**_numbers(row, _TIE_STEP, period_s)))
    return found


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
        places["stations", stations.index(name), "step", len(steps)] = row
        steps.append(HoldingStep(**_numbers(row, _HOLDING, period_s)))
    return found


def _reserves(folder: Path, areas: Names, periods: int, places: Places, period_s: int) -> Iterable[Reserve]:
    path = folder / "reserves.csv"
    rows = _named(path, "reserve", ("direction", *_RESERVE, *_SHORT), optional=_SHORT) if path.exists() else {}
    known = {"reserve": Names(file=path.name, order={name: q for q, name in enumerate(rows)})}
    paid = _indexed(folder / "reserve_prices.csv", known, _RESERVE_PRICE, "reserves", periods, places, period_s)
    wanted = _indexed(
        folder / "requirements.csv", known | {"region": areas}, _REQUIREMENT, "reserves", periods, places, period_s
    )
    nothing = (0,) * periods
    for q, row in enumerate(rows.values()):
        places["reserves", q, -1] = row
        if row.cells["direction"] not in list(Direction):
            raise row.wrong("direction", "up or down")
        short = _numbers(row, _SHORT, period_s) if row.cells.get("short_yuan_per_kw_h") else {}
        yield Reserve(
            direction=Direction(row.cells["direction"]),
            price=paid.get((q,), nothing),
            requirement_wh=tuple(wanted.get((q, r), nothing) for r in areas.order.values()),
            **_numbers(row, _RESERVE, period_s),
            **short,
        )


def _scenarios(folder: Path, sites: Names, periods: int, places: Places, period_s: int) -> Iterable[Scenario]:
    path, loads = folder / "scenarios.csv", folder / "scenario_loads.csv"
    rows = _named(path, "scenario", _SCENARIO, optional=()) if path.exists() else {}
    known = {"scenario": Names(file=path.name, order={name: w for w, name in enumerate(rows)}), "station": sites}
    found = _indexed(loads, known, _SCENARIO_LOAD, "scenarios", periods, places, period_s)
    for (scenario, row), (station, i) in ((a, b) for a in rows.items() for b in sites.order.items()):
        w = known["scenario"].order[scenario]
        places["scenarios", w, -1] = row
        if (w, i) not in found:
            got = f"no periods of scenario {scenario}, station {station}"
            raise TableWrong(file=loads.name, line=0, column="period", got=got, want=f"{periods}")
    for w, row in enumerate(rows.values()):
        yield Scenario(
            net_load_wh=tuple(found[w, i] for i in sites.order.values()), **_numbers(row, _SCENARIO, period_s)
        )


def _risk(path: Path, places: Places) -> Risk:
    found = RISK_NEUTRAL
    for row in csv_rows(path) if path.exists() else ():
        _require_columns(row, _RISK, optional=())
        if ("risk", -1) in places:
            raise row.wrong("cvar_alpha_pct", "one line alone")
        places["risk", -1] = row
        found = Risk(**_numbers(row, _RISK, _HOUR_S))
    return found


def _indexed(
    path: Path, known: Mapping[str, Names], columns: Mapping[str, str], table: str, periods: int, places: Places,
    period_s: int,
) -> dict[tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """The one figure of a table by the places of its names, in order of period; nothing if there is no such table."""
    found: dict[tuple[int, ...], list[int]] = {}
    (field,) = ("_wh".join(name.rsplit("_w", 1)) if name.endswith("_w") else name for name in columns.values())
    for row in csv_rows(path) if path.exists() else ():
        _require_columns(row, (*known, "period", *columns), optional=())
        for column, names in known.items():
            if row.cells[column] not in names.order:
                raise row.wrong(column, f"a {column} of {names.file}")
        key = tuple(names.order[row.cells[column]] for column, names in known.items())
        values = found.setdefault(key, [])
        if row.number("period", "period") != len(values) or len(values) == periods:
            want = f"{len(values)}, the next one" if len(values) < periods else f"none above {periods - 1}"
            raise row.wrong("period", want)
        places[table, key[0], field, *key[1:], len(values)] = row
        values.append(_numbers(row, columns, period_s)[field])
    for key, values in found.items():
        if len(values) < periods:
            names_ = ", ".join(f"{c} {list(n.order)[k]}" for (c, n), k in zip(known.items(), key, strict=True))
            got = f"{len(values)} periods of {names_}"
            raise TableWrong(file=path.name, line=0, column="period", got=got, want=f"{periods}")
    return {key: tuple(values) for key, values in found.items()}


def _numbers(row: Row, columns: Mapping[str, str], period_s: int) -> dict[str, int]:
    """A row's cells under the problem's names: powers as Wh a period."""
    found = {}
    for column, field in columns.items():
        value = row.number(column, field) if row.cells.get(column) else _ABSENT.get(field)
        if value is None or (not row.cells.get(column) and row.cells.get(_TOGETHER.get(column, ""))):
            raise row.wrong(column, "a number")
        if field.endswith("_w"):
            found[field.removesuffix("_w") + "_wh"] = (value * period_s + _ROUNDED_BY.get(field, 0)) // _HOUR_S
        else:
            found[field] = value
    return found


def _columns(values: list[dict[str, int]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(v[name] for v in values) for name in values[0]}


def _without_limit(series: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """No series of content limits where no line has one."""
    unlimited = set(series["content_most_wh"]) == {_ABSENT["content_most_wh"]}
    return series | ({"content_most_wh": ()} if unlimited else {})


def _without_cut(series: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """No series of cut load where no line has one."""
    cut = ("cut_most_wh", "cut_price")
    return series | (dict.fromkeys(cut, ()) if not any(any(series[name]) for name in cut) else {})


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
    """A field outside its limit as the cell that it came from; as its file, where no one cell is wrong."""
    at = _WHERE.fullmatch(error.field)
    if at is None or at[1] not in _FILES:
        return error
    table, index, field = at[1], () if at[2] is None else (int(at[2]),), at[4] or ""
    more = tuple(int(k) for k in (at[5], at[6]) if k is not None)
    keys: list[tuple[str | int, ...]] = [(table, *index, field, *more), (table, *index, *more), (table, *index, -1)]
    keys = keys if at["step"] is None else [(table, *index, "step", int(at["step"]))]
    column = _COLUMN_OF.get(field.removesuffix("_wh"), field or table.removesuffix("s"))
    row = next((places[key] for key in keys if key in places), None)
    if row is None:
        return TableWrong(file=_FILES[table], line=0, column=column, got=error.value, want=error.limit)
    return row.wrong(column, f"as {field} {error.value}, {error.limit}")


_COLUMN_OF = {
    field.removesuffix("_w").removesuffix("_wh"): column
    for table in (_STATION, _PRICES, _LOADS, _TIE, _TIE_STEP, _LEASE, _NOMINATION, _RESERVE, _SHORT, _RESERVE_PRICE,
                  _REQUIREMENT, _SCENARIO, _RISK, _HOLDING)
    for column, field in table.items()
}  # fmt: skip
"""Of each field of a problem, the column that says it."""
