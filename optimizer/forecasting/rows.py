"""The rows that models learn from: row i is the forecast as it would have been asked i days ago (protocol 9.6).

Row 0 is the forecast asked for. Row i has the same periods i days earlier, and its features are read through a cut-off
i days earlier: `_Past` answers NaN for whatever that row could not have known.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from alliance.calendar import DAY_MS, Day, day_at
from alliance.errors import Missing, Refused
from optimizer.forecasting.holidays import PUBLIC_HOLIDAYS, DayType, Holidays, day_type
from optimizer.forecasting.series import Floats, Integers, Known, RegressorMissing

LEAST_DAYS = 56
"""Four weeks that means look back to, two to learn from, two to calibrate on."""
MOST_DAYS_AHEAD = 7
_WEEK = 7
_MONTH = 28
_RECENT = 3
"""Last measured values that a row sees."""
NAIVE_DAY, NAIVE_WEEK, WEEK_MEAN, PERSISTENCE = "naive day", "naive week", "7-day mean", "persistence"


@dataclass(kw_only=True, eq=False)
class HistoryTooShort(Missing):
    """Fewer days were known than a model and its calibration need."""

    series: str
    days: int
    least_days: int


@dataclass(kw_only=True, eq=False)
class TooFarAhead(Refused):
    """The periods asked for begin before the data's cut-off, or end too long after it."""

    series: str
    lead_periods: int
    periods: int
    most_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """All rows of a series before a cut-off, K periods each, newest first."""

    features: Floats
    """(rows, K, features); NaN where a row could not have known it."""
    outcomes: Floats
    """(rows, K); NaN where it was not yet measured at the cut-off of row 0."""
    blocks: Integers
    """(K,): whole days from a row's cut-off to the day in which its period lies. Row i + block + 1 has its outcome by
    the cut-off of row i, and so has every older row."""
    naive: dict[str, Floats]
    """The baselines by name, (rows, K)."""

    @property
    def delay(self) -> int:
        """How many rows older a row must be for all its outcomes to be known at a row's cut-off."""
        return int(self.blocks.max()) + 1


def rows_of(
    known: Known, *, lead: int, periods: int, persistence: bool = False, holidays: Holidays = PUBLIC_HOLIDAYS
) -> Rows:
    """The rows for `periods` periods from `lead` periods after the cut-off on.

    Raises HistoryTooShort, TooFarAhead, RegressorMissing.
    """
    day = known.periods_a_day
    days = len(known.values) // day
    if days < LEAST_DAYS:
        raise HistoryTooShort(series=known.series, days=days, least_days=LEAST_DAYS)
    if lead < 0 or periods < 1 or lead + periods > MOST_DAYS_AHEAD * day:
        raise TooFarAhead(series=known.series, lead_periods=lead, periods=periods, most_days=MOST_DAYS_AHEAD)
    past = _Past(known, lead=lead, periods=periods, rows=days)
    naive = _naive(past, persistence=persistence)
    features = np.stack(
        [*_lags(past), *naive.values(), *_recent(past), *_calendar(past, holidays), *_outside(past)], axis=-1
    )
    return Rows(features=features, outcomes=past.outcomes(), blocks=past.blocks, naive=naive)


class _Past:
    """Reads a series through each row's own cut-off."""

    def __init__(self, known: Known, *, lead: int, periods: int, rows: int) -> None:
        self.known, self.day = known, known.periods_a_day
        cut_off, back = len(known.values), np.arange(rows)[:, None] * self.day
        self.index = cut_off + lead + np.arange(periods)[None, :] - back
        self.before = np.broadcast_to(cut_off - back, self.index.shape)
        self.blocks = (lead + np.arange(periods)) // self.day
        self.issued_ms = np.broadcast_to(known.issued_ms - np.arange(rows)[:, None] * DAY_MS, self.index.shape)

    def at(self, index: Integers) -> Floats:
        """Values at places, NaN where a row's cut-off or the series' beginning forbids it."""
        seen = (index >= 0) & (index < self.before)
        return np.where(seen, self.known.values[np.where(seen, index, 0)], np.nan)

    def days_ago(self, days: Integers) -> Floats:
        """The same period so many days ago, a number for each period."""
        return self.at(self.index - days * self.day)

    def outcomes(self) -> Floats:
        """What was measured of each row, as far as the cut-off of row 0."""
        seen = (self.index >= 0) & (self.index < len(self.known.values))
        return np.where(seen, self.known.values[np.where(seen, self.index, 0)], np.nan)

    def valid_ms(self, *, days_ago: Integers) -> Integers:
        """When each period begins, UTC."""
        found: Integers = self.known.start_ms + (self.index - days_ago * self.day) * self.known.step_ms
        return found


def _lags(past: _Past) -> Iterator[Floats]:
    """One, two, three days and one, two weeks ago, or the first of their kind that are known; the month's mean."""
    first = past.blocks + 1
    week = -(-first // _WEEK) * _WEEK
    for days in (first + 1, first + 2, week + _WEEK):
        yield past.days_ago(days)
    yield _mean(past.days_ago(first + k) for k in range(_MONTH))
    yesterday = past.index - first * past.day
    last = past.before - 1
    yield _mean(past.at(np.minimum(yesterday + near, last)) for near in (-1, 0, 1))


def _naive(past: _Past, *, persistence: bool) -> dict[str, Floats]:
    first = past.blocks + 1
    found = {
        NAIVE_DAY: past.days_ago(first),
        NAIVE_WEEK: past.days_ago(-(-first // _WEEK) * _WEEK),
        WEEK_MEAN: _mean(past.days_ago(first + k) for k in range(_WEEK)),
    }
    return found | ({PERSISTENCE: past.at(past.before - 1)} if persistence else {})


def _recent(past: _Past) -> Iterator[Floats]:
    """The last values, how the same periods stood a day before, and the last day's mean."""
    last = past.before - 1
    for back in range(_RECENT):
        yield past.at(last - back)
        yield past.at(last - back - past.day)
    yield _mean(past.at(last - back) for back in range(past.day))


def _calendar(past: _Past, holidays: Holidays) -> Iterator[Floats]:
    """The weekday, and whether people work."""
    day = _each(lambda t: day_at(t).number, past.valid_ms(days_ago=np.zeros_like(past.blocks)))
    weekdays = _each(lambda n: Day(n).date.weekday(), day)
    for weekday in range(_WEEK):
        yield (weekdays == weekday).astype(np.float64)
    yield _each(lambda n: int(day_type(Day(n), holidays) is DayType.DAY_OFF), day).astype(np.float64)


def _outside(past: _Past) -> Iterator[Floats]:
    """Each regressor as last issued by a row's issue: its value, its square, and the same of the last known day."""
    none, first = np.zeros_like(past.blocks), past.blocks + 1
    for one in past.known.regressors:
        now, _ = one.at(past.valid_ms(days_ago=none), past.issued_ms)
        if np.isnan(now[0]).any():
            at = int(past.valid_ms(days_ago=none)[0][np.isnan(now[0])][0])
            raise RegressorMissing(regressor=one.name, valid_ms=at, issued_by_ms=past.known.issued_ms)
        before, _ = one.at(past.valid_ms(days_ago=first), past.issued_ms)
        yield from (now, now * now, before)


def _each(rule: Callable[[int], int], values: Integers) -> Integers:
    """A rule applied to every value, each different one once."""
    found, place = np.unique(values, return_inverse=True)
    return np.array([rule(int(v)) for v in found], dtype=np.int64)[place].reshape(values.shape)


def _mean(values: Iterator[Floats]) -> Floats:
    """The mean, NaN where one of them is."""
    first, *others = values
    return sum(others, first) / (len(others) + 1)
