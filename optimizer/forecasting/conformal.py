"""Intervals from past errors, adapted until they cover what they promise (protocol 9.6).

Split-conformal: a quantile is the point forecast plus that quantile of the errors of the last weeks at the same time of
day and its neighbours. Adaptive (Gibbs and Candès, 2021): what share of the outcomes lay below a quantile, day by day,
moves the level at which the next day's quantile is read. Only errors known at a row's own cut-off are used.
"""

from collections.abc import Sequence

import numpy as np

from optimizer.forecasting.series import Floats, Mask

CALIBRATION_DAYS = 60
ADAPTATION_DAYS = 60
"""Days over which the level moves before the first row that counts."""
LEAST_CALIBRATION_DAYS = 14
_PACE = 0.05
_LAST_LEVEL = 0.999


def quantiles_of(points: Floats, outcomes: Floats, *, delay: int, levels: Sequence[float], near: int) -> Floats:
    """The quantiles of each row, newest first: (rows, K) and (rows, K) to (rows, K, levels), NaN where not calibrated.

    A row's errors are known to rows at least `delay` newer. `near` periods on both sides lend their errors.
    """
    errors, wanted = outcomes[: len(points)] - points, np.array(levels)
    found = np.full((*points.shape, len(wanted)), np.nan)
    read_at = wanted.copy()
    for i in range(len(points) - 1, -1, -1):
        if i + delay < len(points) and np.isfinite(found[i + delay]).all():
            below = outcomes[i + delay][:, None] <= found[i + delay]
            open_ = uncertain(outcomes[i + delay], found[i + delay])
            read_at = read_at + _PACE * (wanted - below)[open_].sum(axis=0) / len(open_)
        past = known_errors(errors, row=i, delay=delay)
        if len(past) >= LEAST_CALIBRATION_DAYS and np.isfinite(points[i]).all():
            at = np.clip(read_at, 1 - _LAST_LEVEL, _LAST_LEVEL)
            spread = np.quantile(_with_neighbours(past, near), at, axis=0).T
            found[i] = points[i][:, None] + np.sort(spread, axis=1)
    return found


def uncertain(outcomes: Floats, quantiles: Floats) -> Mask:
    """Where calibration means something: not where all quantiles are one value and it came, as with PV by night."""
    sure: Mask = (np.ptp(quantiles, axis=-1) == 0) & (outcomes == quantiles[..., 0])
    return ~sure


def known_errors(errors: Floats, *, row: int, delay: int) -> Floats:
    """Whole days of errors, newest first, that were known at the cut-off of a row."""
    past = errors[row + delay : row + delay + CALIBRATION_DAYS]
    return past[np.isfinite(past).all(axis=1)]


def _with_neighbours(errors: Floats, near: int) -> Floats:
    """(rows, K) to (rows × (2 near + 1), K): each period's errors and those beside it."""
    periods = np.arange(errors.shape[1])
    return np.concatenate([errors[:, np.clip(periods + k, 0, len(periods) - 1)] for k in range(-near, near + 1)])
