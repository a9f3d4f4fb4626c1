"""The like-day rule: the net load of the last day like the one to plan (protocol 9.6).

A day is like another if both are workdays or both are days off. No later day than the one before the forecast day is
ever used.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from alliance.calendar import Day
from alliance.errors import Missing
from alliance.identity import StationId
from optimizer.forecasting.holidays import PUBLIC_HOLIDAYS, Holidays, day_type

MOST_DAYS_BACK = 35
"""Older days say too little about tomorrow: the season has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LikeDay:
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
) -> LikeDay:
    """The net load of the last day before `day` of its type; `history` holds complete days. Raises NoLikeDay."""
    known = PUBLIC_HOLIDAYS if holidays is None else holidays
    wanted = day_type(day, known)
    for back in range(1, MOST_DAYS_BACK + 1):
        candidate = day.plus(-back)
        if candidate in history and day_type(candidate, known) is wanted:
            return LikeDay(net_load_wh=history[candidate], like_day=candidate)
    raise NoLikeDay(station=station, day=day, day_type=wanted, days_back=MOST_DAYS_BACK)
