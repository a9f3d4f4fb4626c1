"""The day-ahead forecast: the net load of the last like day (protocol 9.6).

A day is like another if both are workdays or both are days off. Days off are Saturdays, Sundays and public holidays,
except where the State Council's yearly notice moves a workday onto a weekend. No later day than the one before the
forecast day is ever used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from alliance.calendar import Day, day_of
from alliance.errors import Missing
from alliance.identity import StationId

MOST_DAYS_BACK = 35
"""Older days say too little about tomorrow: the season has changed."""


class DayType(StrEnum):
    """Whether people work."""

    WORKDAY = "workday"
    DAY_OFF = "day_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """Days off beside weekends, and weekend days on which people work."""

    days_off: frozenset[Day]
    workdays: frozenset[Day]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A forecast of net load (load − PV, positive consumes), Wh a slot, and the day that it was taken from."""

    net_load_wh: tuple[int, ...]
    like_day: Day


@dataclass(kw_only=True, eq=False)
class NoLikeDay(Missing):
    """A station has no measured or imported day of the wanted type in the days before."""

    station: StationId
    day: Day
    day_type: str
    days_back: int


def forecast(
    station: StationId, day: Day, *, history: Mapping[Day, tuple[int, ...]], holidays: Holidays | None = None
) -> Forecast:
    """The net load of the last day before `day` of its type; `history` holds complete days. Raises NoLikeDay."""
    known = PUBLIC_HOLIDAYS if holidays is None else holidays
    wanted = day_type(day, known)
    for back in range(1, MOST_DAYS_BACK + 1):
        candidate = day.plus(-back)
        if candidate in history and day_type(candidate, known) is wanted:
            return Forecast(net_load_wh=history[candidate], like_day=candidate)
    raise NoLikeDay(station=station, day=day, day_type=wanted, days_back=MOST_DAYS_BACK)


def day_type(day: Day, holidays: Holidays) -> DayType:
    """Workday or day off."""
    if day in holidays.workdays:
        return DayType.WORKDAY
    if day in holidays.days_off or day.date.weekday() >= 5:
        return DayType.DAY_OFF
    return DayType.WORKDAY


def _span(first: str, last: str) -> frozenset[Day]:
    start, end = day_of(first), day_of(last)
    return frozenset(start.plus(i) for i in range(end.number - start.number + 1))


def _days(*texts: str) -> frozenset[Day]:
    return frozenset(map(day_of, texts))


PUBLIC_HOLIDAYS = Holidays(
    days_off=frozenset().union(
        _span("2025-01-01", "2025-01-01"),
        _span("2025-01-28", "2025-02-04"),
        _span("2025-04-04", "2025-04-06"),
        _span("2025-05-01", "2025-05-05"),
        _span("2025-05-31", "2025-06-02"),
        _span("2025-10-01", "2025-10-08"),
        _span("2026-01-01", "2026-01-03"),
        _span("2026-02-15", "2026-02-23"),
        _span("2026-04-04", "2026-04-06"),
        _span("2026-05-01", "2026-05-05"),
        _span("2026-06-19", "2026-06-21"),
        _span("2026-09-25", "2026-09-27"),
        _span("2026-10-01", "2026-10-07"),
    ),
    workdays=_days(
        "2025-01-26",
        "2025-02-08",
        "2025-04-27",
        "2025-09-28",
        "2025-10-11",
        "2026-01-04",
        "2026-02-14",
        "2026-02-28",
        "2026-05-09",
        "2026-09-20",
        "2026-10-10",
    ),
)
"""Mainland China, 2025 and 2026, by the State Council's notices; other years have weekends alone."""
