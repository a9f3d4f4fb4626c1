"""Whole days of forecast errors, and the worst that each does to a fleet's limits (protocol 9.19.1)."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from alliance.fleetplan import MOST_ENERGY_WH, FleetProblem, require_within
from alliance.schedule import to_plain

MOST_DAYS = 10_000
Table = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayErrors:
    """Measured less forecast, Wh a period; positive consumes more than was forecast."""

    net_load_wh: Table
    """[station][period]."""
    base_load_wh: Table
    """[region][period]; empty: the base loads come as forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A figure for each limit that errors may break, Wh."""

    station_import: tuple[int, ...]
    """[station]: of all periods, for a PCC's right is one number."""
    station_export: tuple[int, ...]
    region_import: Table
    """[region][period]."""
    region_export: Table

    def flat(self) -> tuple[int, ...]:
        """All figures, in the order of the fields."""
        return tuple(self._all())

    def _all(self) -> Iterator[int]:
        yield from self.station_import
        yield from self.station_export
        for table in (self.region_import, self.region_export):
            for row in table:
                yield from row


def sides_of(flat: Sequence[int], problem: FleetProblem) -> Sides:
    """The inverse of `Sides.flat`."""
    n, regions, periods = len(problem.stations), len(problem.regions), problem.periods
    rows = [tuple(flat[at : at + periods]) for at in range(2 * n, 2 * n + 2 * regions * periods, periods)]
    return Sides(
        station_import=tuple(flat[:n]), station_export=tuple(flat[n : 2 * n]),
        region_import=tuple(rows[:regions]), region_export=tuple(rows[regions:]),
    )  # fmt: skip


def worst_of(day: DayErrors, problem: FleetProblem) -> Sides:
    """How far a day's errors push each limit's flow towards it at most, Wh, never below 0."""
    together = region_errors(day, problem)
    return Sides(
        station_import=tuple(max(0, *row) for row in day.net_load_wh),
        station_export=tuple(max(0, -min(row)) for row in day.net_load_wh),
        region_import=tuple(tuple(max(0, wh) for wh in row) for row in together),
        region_export=tuple(tuple(max(0, -wh) for wh in row) for row in together),
    )


def region_errors(day: DayErrors, problem: FleetProblem) -> Table:
    """Error of each region's exchange, [region][period]: of its stations and its base load together, Wh."""
    together = [list(row) for row in day.base_load_wh] or [[0] * problem.periods for _ in problem.regions]
    for station, errors in zip(problem.stations, day.net_load_wh, strict=True):
        row = together[station.region]
        for t, wh in enumerate(errors):
            row[t] += wh
    return tuple(map(tuple, together))


def validate_days(days: Sequence[DayErrors], problem: FleetProblem) -> None:
    """Raises FieldWrong unless each day has an error for each station (or also region) and period."""
    require_within("days", len(days), 1, MOST_DAYS)
    for n, day in enumerate(days):
        _require_table(f"days[{n}].net_load_wh", day.net_load_wh, len(problem.stations), problem.periods)
        if day.base_load_wh:
            _require_table(f"days[{n}].base_load_wh", day.base_load_wh, len(problem.regions), problem.periods)


def days_digest(days: Sequence[DayErrors]) -> str:
    """SHA-256 of the list of days as JSON with sorted names and no spaces, hex."""
    text = json.dumps([to_plain(day) for day in days], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _require_table(name: str, table: Table, rows: int, periods: int) -> None:
    require_within(f"{name} (its length)", len(table), rows, rows)
    for k, row in enumerate(table):
        require_within(f"{name}[{k}] (its length)", len(row), periods, periods)
        for t, value in enumerate(row):
            require_within(f"{name}[{k}][{t}]", value, -MOST_ENERGY_WH, MOST_ENERGY_WH)
