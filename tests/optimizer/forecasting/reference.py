"""The reference that a forecast is held against: 24 plain ridge regressions with split-conformal intervals.

Lags of 1, 2, 3, 7, 14 days, the 7-day mean, the last value of the day before, the weekday; fitted anew each week on all
days before; an interval is the 10 % and 90 % quantile of the errors of the last 60 days at that hour.
"""

import numpy as np

_LAGS = (1, 2, 3, 7, 14)
_PENALTY = 1.0


def ridge(days: np.ndarray, *, first: int) -> np.ndarray:
    """(days, 24) to forecasts from the day `first` on, NaN before it."""
    found = np.full(days.shape, np.nan)
    features = np.zeros((*days.shape, len(_LAGS) + 9))
    for d in range(max(_LAGS), len(days)):
        features[d, :, : len(_LAGS)] = np.stack([days[d - lag] for lag in _LAGS], axis=-1)
        features[d, :, len(_LAGS)] = days[d - 7 : d].mean(axis=0)
        features[d, :, len(_LAGS) + 1] = days[d - 1, -1]
        features[d, :, len(_LAGS) + 2 + d % 7] = 1
    for start in range(first, len(days), 7):
        known = slice(max(_LAGS), start)
        for hour in range(days.shape[1]):
            x, y = features[known, hour], days[known, hour]
            centre, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
            z = (x - centre) / scale
            solved = np.linalg.solve(z.T @ z + _PENALTY * np.eye(z.shape[1]), z.T @ (y - y.mean()))
            found[start : start + 7, hour] = (features[start : start + 7, hour] - centre) / scale @ solved + y.mean()
    return found


def judged(days: np.ndarray, *, tested: int) -> tuple[float, float]:
    """Normalised error of the last `tested` days, and what share of them the 80 % intervals cover."""
    first = len(days) - tested
    forecast = ridge(days, first=first - 60)
    errors = days - forecast
    inside = [
        ((errors[d] >= low) & (errors[d] <= high)).mean()
        for d in range(first, len(days))
        for low, high in [np.quantile(errors[d - 60 : d], [0.1, 0.9], axis=0)]
    ]
    return float(np.abs(errors[first:]).mean() / np.abs(days[first:]).mean()), float(np.mean(inside))
