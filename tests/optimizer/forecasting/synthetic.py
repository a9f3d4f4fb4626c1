"""Seeded hourly series with a daily and a weekly course, and weather that drives them."""

from collections.abc import Callable

import numpy as np

from alliance.calendar import Day, day_of
from optimizer.forecasting.series import Quantity, Regressor, Series, Vintage

HOUR_MS = 3_600_000
FIRST = day_of("2025-03-03")


def after(days: int) -> Day:
    """The day so many days after the first."""
    return FIRST.plus(days)


def series_of(values: np.ndarray, *, quantity: Quantity = Quantity.LOAD, step_ms: int = HOUR_MS) -> Series:
    whole = tuple(int(v) for v in np.round(values))
    return Series(
        name=f"{quantity}_wh", quantity=quantity, unit="wh", start_ms=FIRST.start_ms, step_ms=step_ms, values=whole
    )


def load(
    days: int, *, seed: int = 1, noise: Callable[[int], float] = lambda day: 400.0, periods: int = 24
) -> np.ndarray:
    """A load with a daily shape, lower at weekends, with the noise's standard deviation by day."""
    chance, hours = np.random.default_rng(seed), np.arange(periods) * 24 / periods
    shape = 6_000 + 2_500 * np.sin((hours - 9) / 24 * 2 * np.pi) + 1_500 * np.exp(-((hours - 19) ** 2) / 6)
    rows = []
    for d in range(days):
        level = (0.8 if (FIRST.plus(d).date.weekday() >= 5) else 1.0) * shape
        rows.append(level + noise(d) * (0.5 * chance.standard_normal() + 0.8 * chance.standard_normal(periods)))
    return np.maximum(np.concatenate(rows), 0)


def weather(days: int, *, seed: int = 5) -> np.ndarray:
    """A temperature in thousandths of a degree that wanders from day to day."""
    chance = np.random.default_rng(seed)
    daily = 20_000 + 6_000 * chance.standard_normal(days)
    return np.repeat(daily, 24) + 4_000 * np.sin((np.arange(days * 24) % 24 - 9) / 24 * 2 * np.pi)


def issued_a_day_before(values: np.ndarray, name: str = "temperature_millidegrees_c") -> Regressor:
    """Each hour's value, issued 24 hours before the hour."""
    start = FIRST.start_ms
    return Regressor(
        name=name,
        vintages=tuple(
            Vintage(valid_ms=start + i * HOUR_MS, issued_ms=start + (i - 24) * HOUR_MS, value=round(float(v)))
            for i, v in enumerate(values)
        ),
    )
