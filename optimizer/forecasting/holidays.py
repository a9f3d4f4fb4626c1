"""Days on which people work and days off (protocol 9.6): weekends, public holidays, weekend days moved to work.

Days off are Saturdays, Sundays and public holidays, except where the State Council's yearly notice moves a workday onto
a weekend.
"""

from dataclasses import dataclass
from enum import StrEnum

from alliance.calendar import Day, day_of


class DayType(StrEnum):
    """Whether people work."""

    WORKDAY = "workday"
    DAY_OFF = "day_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """Days off beside weekends, and weekend days on which people work."""

    days_off: frozenset[Day]
    workdays: frozenset[Day]


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
