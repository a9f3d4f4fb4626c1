"""Days of forecast errors from files (protocol 9.19.1): every wrong cell by file, line and column.

CSV, oldest day first: day (any name, its lines together), station or region (from 0; the other one empty or left out),
period (from 0), error_kw: measured less forecast, positive consumes more, rounded to Wh away from 0. Each day has every
station and period; regions' base loads come as forecast, or every day has each of them, too. Or a folder of forecasts
that `alliance forecast --scenarios` wrote, one a station, 0.json, 1.json, …: each day whose errors they repeat is one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alliance.chance.days import DayErrors, Table
from alliance.fleetplan import FleetProblem
from alliance.plain_json import JsonWrong
from cli.offers import Row, TableWrong, csv_rows
from cli.plain_json import read_json

_HOUR_S = 3600
_UNITS = ("wh", "w")
_COLUMNS = ("day", "station", "region", "period", "error_kw")
Cells = dict[tuple[str, int, int], int]
"""Column that names the place, its index, period → Wh."""


def days_in(path: Path, problem: FleetProblem) -> tuple[DayErrors, ...]:
    """The days of a table or a folder of forecasts, oldest first. Raises TableWrong, JsonWrong or OSError."""
    if path.is_dir():
        return _from_forecasts(path, problem)
    named: dict[str, Cells] = {}
    last = ""
    for row in csv_rows(path):
        _require_columns(row)
        day = row.cells["day"]
        if not day or (day in named and day != last):
            raise row.wrong("day", "a name, the lines of a day together")
        place, index, period = _place(row, problem)
        cells, last = named.setdefault(day, {}), day
        if (place, index, period) in cells:
            raise row.wrong("period", f"each period of {place} {index} once in day {day}")
        cells[place, index, period] = _wh(row.number("error_kw", "error_w"), problem.period_s)
    with_regions = any(place == "region" for cells in named.values() for place, _, _ in cells)
    return tuple(_day(path.name, day, cells, problem, with_regions=with_regions) for day, cells in named.items())


def _require_columns(row: Row) -> None:
    for column in row.cells:
        if column not in _COLUMNS:
            raise row.wrong(column, f"one of the columns {', '.join(_COLUMNS)}")
    for column in ("day", "station", "period", "error_kw"):
        if column not in row.cells:
            raise row.wrong(column, "a column of this name")


def _place(row: Row, problem: FleetProblem) -> tuple[str, int, int]:
    if bool(row.cells["station"]) == bool(row.cells.get("region")):
        raise row.wrong("station", "either a station or a region")
    place = "station" if row.cells["station"] else "region"
    most = len(problem.stations if place == "station" else problem.regions) - 1
    index, period = row.number(place, place), row.number("period", "period")
    if not 0 <= index <= most:
        raise row.wrong(place, f"a {place} from 0 to {most}")
    if not 0 <= period < problem.periods:
        raise row.wrong("period", f"a period from 0 to {problem.periods - 1}")
    return place, index, period


def _day(file: str, day: str, cells: Cells, problem: FleetProblem, *, with_regions: bool) -> DayErrors:
    def table(place: str, rows: int) -> Table:
        for index in range(rows):
            for t in range(problem.periods):
                if (place, index, t) not in cells:
                    got, want = f"none for {place} {index}, period {t}", f"day {day} whole"
                    raise TableWrong(file=file, line=0, column="error_kw", got=got, want=want)
        return tuple(tuple(cells[place, index, t] for t in range(problem.periods)) for index in range(rows))

    regions = table("region", len(problem.regions)) if with_regions else ()
    return DayErrors(net_load_wh=table("station", len(problem.stations)), base_load_wh=regions)


def _wh(watts: int, period_s: int) -> int:
    size = -(-abs(watts) * period_s // _HOUR_S)
    return size if watts > 0 else -size


# ---- forecasts ----


def _from_forecasts(folder: Path, problem: FleetProblem) -> tuple[DayErrors, ...]:
    stations = [dict(_errors(folder / f"{i}.json", problem)) for i in range(len(problem.stations))]
    ago = sorted(stations[0] if stations else (), reverse=True)
    for i, found in enumerate(stations):
        if sorted(found, reverse=True) != ago:
            got, want = (
                f"days {sorted(found)}"[:120],
                "the days of 0.json: the same issue, seed and number of scenarios",
            )
            raise JsonWrong(file=f"{i}.json", where="$.forecast.scenarios", got=got, want=want)
    return tuple(DayErrors(net_load_wh=tuple(s[day] for s in stations), base_load_wh=()) for day in ago)


def _errors(path: Path, problem: FleetProblem) -> Iterator[tuple[int, tuple[int, ...]]]:
    """How many days ago, and that day's errors, Wh a period."""
    told: Any = read_json(path)
    try:
        unit, step_s, expected = (told["forecast"][name] for name in ("unit", "stepSeconds", "expected"))
        if unit not in _UNITS or step_s != problem.period_s or len(expected) != problem.periods:
            got = f"{len(expected)} periods of {step_s} s in {unit}"
            want = f"{problem.periods} periods of {problem.period_s} s in wh or w"
            raise JsonWrong(file=path.name, where="$.forecast", got=got, want=want)
        for scenario in told["forecast"]["scenarios"]:
            off = [int(a) - int(b) for a, b in zip(scenario["values"], expected, strict=True)]
            yield int(scenario["errorDaysAgo"]), tuple(_wh(x, problem.period_s) if unit == "w" else x for x in off)
    except (KeyError, TypeError, ValueError) as error:
        raise JsonWrong(file=path.name, where="$.forecast", got=repr(error)[:120], want="a forecast") from error
