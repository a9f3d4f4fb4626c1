"""A forecast with quantiles and scenarios, and the record of what was known when it was made (protocol 9.6).

`make` sees a `Known` alone; `forecast_of` is the door at which history is cut off.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.forecasting.conformal import (
    ADAPTATION_DAYS,
    CALIBRATION_DAYS,
    LEAST_CALIBRATION_DAYS,
    known_errors,
    quantiles_of,
)
from optimizer.forecasting.holidays import PUBLIC_HOLIDAYS, Holidays
from optimizer.forecasting.record import Ask, Course, Forecast, Quantile, UsedVintages
from optimizer.forecasting.ridge import Progress, points_of, silent
from optimizer.forecasting.rows import LEAST_DAYS, HistoryTooShort, Rows, rows_of
from optimizer.forecasting.scenarios import scenarios_of
from optimizer.forecasting.series import Floats, Known, Regressor, Series, known_at, rounded
from optimizer.forecasting.skill import Skill, skill_of

METHOD = "ridge-conformal/1"
SHORT_MS = 4 * 3_600_000
"""Forecasts of no more than 4 hours are ultra-short-term: they lean on the last values and are compared with them."""
_MILLION = 1_000_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """Row by row, newest first, what was forecast and what came of it."""

    rows: Rows
    points: Floats
    quantiles: Floats

    def tested(self, days: int) -> "Tested":
        """The newest `days` rows whose outcomes were known at the cut-off of row 0 and that could be calibrated."""
        measured = np.isfinite(self.rows.outcomes[: len(self.points)]).all(axis=1)
        whole = measured & np.isfinite(self.quantiles).all(axis=(1, 2))
        chosen = [i for i in np.flatnonzero(whole) if i >= self.rows.delay][:days]
        return Tested(
            points=self.points[chosen],
            outcomes=self.rows.outcomes[chosen],
            quantiles=self.quantiles[chosen],
            naive={name: naive[chosen] for name, naive in self.rows.naive.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """Forecasts of a back-test with their outcomes."""

    points: Floats
    outcomes: Floats
    quantiles: Floats
    naive: dict[str, Floats]


def forecast_of(
    series: Series, ask: Ask, *, regressors: Sequence[Regressor] = (), holidays: Holidays = PUBLIC_HOLIDAYS,
    progress: Progress = silent,
) -> Forecast:  # fmt: skip
    """Forecast from what was known at the issue. Raises HistoryTooShort, TooFarAhead, RegressorMissing."""
    known = known_at(series, issued_ms=ask.issued_ms, regressors=regressors)
    return make(known, ask, holidays=holidays, progress=progress)


def make(known: Known, ask: Ask, *, holidays: Holidays = PUBLIC_HOLIDAYS, progress: Progress = silent) -> Forecast:
    """Forecast from what is known. Raises HistoryTooShort, TooFarAhead, RegressorMissing."""
    rolled = roll(known, ask, holidays=holidays, progress=progress)
    point, delay = rolled.points[0], rolled.rows.delay
    errors = known_errors(rolled.rows.outcomes[: len(rolled.points)] - rolled.points, row=0, delay=delay)
    if len(errors) < LEAST_CALIBRATION_DAYS or not np.isfinite(rolled.quantiles[0]).all():
        raise HistoryTooShort(
            series=known.series, days=len(known.values) // known.periods_a_day, least_days=LEAST_DAYS + delay - 1
        )
    drawn = scenarios_of(point, errors, first_days_ago=delay, count=ask.scenarios, seed=ask.seed)
    return Forecast(
        series=known.series,
        unit=known.unit,
        method=METHOD,
        issued_ms=ask.issued_ms,
        cut_off_ms=known.cut_off_ms,
        known_digest=known.digest(),
        regressors=tuple(_used(known, ask)),
        first_ms=ask.first_ms,
        step_ms=known.step_ms,
        expected=rounded(point),
        quantiles=tuple(
            Quantile(level_ppm=level, values=rounded(rolled.quantiles[0, :, q]))
            for q, level in enumerate(ask.quantiles_ppm)
        ),
        scenarios=tuple(
            Course(probability_ppm=s.probability_ppm, error_days_ago=s.error_days_ago,
                   values=rounded(_inside(known, s.values)))
            for s in drawn
        ),
        calibration_days=len(errors),
        skill=_skill(rolled, ask),
    )  # fmt: skip


def roll(known: Known, ask: Ask, *, holidays: Holidays = PUBLIC_HOLIDAYS, progress: Progress = silent) -> Rolled:
    """The forecast asked for as row 0, and the same forecast as it would have been made on each of the days before."""
    lead = (ask.first_ms - known.cut_off_ms) // known.step_ms
    short = ask.periods * known.step_ms <= SHORT_MS
    rows = rows_of(known, lead=lead, periods=ask.periods, persistence=short, holidays=holidays)
    count = rows.delay + CALIBRATION_DAYS + ADAPTATION_DAYS + ask.backtest_days
    points = _inside(known, points_of(rows, count=count, progress=progress).blended)
    quantiles = quantiles_of(
        points,
        rows.outcomes,
        delay=rows.delay,
        levels=[level / _MILLION for level in ask.quantiles_ppm],
        near=0 if short else _HOUR_MS // known.step_ms,
    )
    return Rolled(rows=rows, points=points, quantiles=_inside(known, quantiles))


def _skill(rolled: Rolled, ask: Ask) -> Skill | None:
    if not ask.backtest_days:
        return None
    tested = rolled.tested(ask.backtest_days)
    return judged([tested], ask) if len(tested.points) else None


def judged(tests: Sequence[Tested], ask: Ask) -> Skill:
    """The skill of all forecasts of several back-tests together."""
    return skill_of(
        points=np.concatenate([t.points for t in tests]),
        outcomes=np.concatenate([t.outcomes for t in tests]),
        quantiles=np.concatenate([t.quantiles for t in tests]),
        levels_ppm=ask.quantiles_ppm,
        naive={name: np.concatenate([t.naive[name] for t in tests]) for name in tests[0].naive},
    )


def skill_ahead(
    series: Series, ask: Ask, *, regressors: Sequence[Regressor] = (), holidays: Holidays = PUBLIC_HOLIDAYS,
    progress: Progress = silent,
) -> Skill:  # fmt: skip
    """Judge a short forecast made anew at every period of the back-test's days, ending at the issue."""
    tests, day = [], series.periods_a_day
    for late in range(day):
        back = late * series.step_ms
        then = replace(ask, issued_ms=ask.issued_ms - back, first_ms=ask.first_ms - back)
        known = known_at(series, issued_ms=then.issued_ms, regressors=regressors)
        tests.append(roll(known, then, holidays=holidays).tested(ask.backtest_days))
        progress(late + 1, day)
    return judged(tests, ask)


def _used(known: Known, ask: Ask) -> Iterator[UsedVintages]:
    valid = ask.first_ms + np.arange(ask.periods, dtype=np.int64) * known.step_ms
    for one in known.regressors:
        _, issued = one.at(valid, np.full_like(valid, known.issued_ms))
        yield UsedVintages(name=one.name, oldest_issued_ms=int(issued.min()), newest_issued_ms=int(issued.max()))


def _inside(known: Known, values: Floats) -> Floats:
    """Nobody generates or uses less than nothing."""
    return values if known.quantity.signed else np.maximum(values, 0.0)
