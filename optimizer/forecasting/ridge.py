"""The point forecast: a ridge model a period of the day, blended with the baselines by past errors (protocol 9.6).

Every row is forecast by a model that learnt from rows whose outcomes were known at that row's own cut-off, so that
its error is the error that would really have been made; the blend of a row is chosen from such errors alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from optimizer.forecasting.rows import Rows
from optimizer.forecasting.series import Floats, Mask

Progress = Callable[[int, int], None]
"""Told how many rows of how many are forecast."""

_PENALTY = 30.0
"""Of a squared coefficient of standardised features, in days."""
_HALF_LIFE_DAYS = 120.0
_MOST_DAYS = 365
_LEAST_ROWS = 14
_ROUNDS = 3
"""Of reweighting, by which large errors count by their size, not by its square (Huber)."""
_FIFTHS = 5
"""A blend's shares are fifths."""
_BLEND_DAYS = 56
_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Forecasts of rows 0, 1, …, newest first, (rows, K); NaN where too little was known."""

    blended: Floats
    ridge: Floats


def silent(done: int, total: int) -> None:
    """Tells nobody."""


def points_of(rows: Rows, *, count: int, progress: Progress = silent) -> Points:
    """Forecast rows 0 … count − 1, each from what was known at its own cut-off."""
    ridge = _ridge(rows, count=count, progress=progress)
    return Points(blended=_blended(rows, ridge), ridge=ridge)


# ---- ridge ----


def _ridge(rows: Rows, *, count: int, progress: Progress) -> Floats:
    features, outcomes = rows.features.transpose(1, 0, 2), rows.outcomes.T
    usable: Mask = np.logical_and.reduce(np.isfinite(features), axis=2)
    learnable: Mask = usable & np.isfinite(outcomes)
    features, outcomes = np.where(usable[:, :, None], features, 0.0), np.where(learnable, outcomes, 0.0)
    found = np.full((min(count, features.shape[1]), features.shape[0]), np.nan)
    for i in range(len(found)):
        span = slice(i + 1, i + 1 + _MOST_DAYS)
        known = learnable[:, span] & _old_enough(rows, learnable[:, span].shape[1])
        enough = (known.sum(axis=1) >= _LEAST_ROWS) & usable[:, i]
        if enough.any():
            forecast = _fit(features[:, span], outcomes[:, span], known, features[:, i])
            found[i] = np.where(enough, forecast, np.nan)
        progress(i + 1, len(found))
    return found


def _old_enough(rows: Rows, count: int) -> Mask:
    """Which of the next older rows had their outcome by a row's cut-off, (K, count)."""
    return np.arange(1, count + 1)[None, :] > rows.blocks[:, None]


def _fit(features: Floats, outcomes: Floats, known: Mask, asked: Floats) -> Floats:
    """The forecast of each period by its own model: (K, rows, F), (K, rows), (K, F) to (K,)."""
    weights = known * 0.5 ** (np.arange(known.shape[1]) / _HALF_LIFE_DAYS)
    shares = weights / np.maximum(weights.sum(axis=1, keepdims=True), _TINY)
    centre = np.einsum("kn,knf->kf", shares, features)
    spread = np.sqrt(np.einsum("kn,knf->kf", shares, (features - centre[:, None]) ** 2))
    scale = np.where(spread > _TINY * (1 + np.abs(centre)), spread, np.inf)
    level = (shares * outcomes).sum(axis=1)
    x, y = (features - centre[:, None]) / scale[:, None], outcomes - level[:, None]
    counts = known.sum(axis=1, keepdims=True)
    used, solved = shares * counts, np.zeros(x.shape[::2])
    for _ in range(_ROUNDS):
        solved = _solve(x, y, used)
        error = np.abs(y - (x @ solved[:, :, None])[:, :, 0])
        middle = _middle(error, known)
        used = weights * np.minimum(1.0, middle / np.maximum(error, _TINY))
        used *= counts / np.maximum(used.sum(axis=1, keepdims=True), _TINY)
    forecast: Floats = level + ((asked - centre) / scale * solved).sum(axis=1)
    return forecast


def _middle(error: Floats, known: Mask) -> Floats:
    """The lower median of what is known in each row, (K, rows) to (K, 1); numpy's own for gaps is slow and warns."""
    place = np.maximum(known.sum(axis=1, keepdims=True) - 1, 0) // 2
    return np.take_along_axis(np.sort(np.where(known, error, np.inf), axis=1), place, axis=1)


def _solve(x: Floats, y: Floats, weights: Floats) -> Floats:
    weighted = (x * weights[:, :, None]).transpose(0, 2, 1)
    gram = weighted @ x + _PENALTY * np.eye(x.shape[2])
    return np.linalg.solve(gram, weighted @ y[:, :, None])[:, :, 0].astype(np.float64)


# ---- blend ----


def _blended(rows: Rows, ridge: Floats) -> Floats:
    """Of each row the blend of ridge and baselines whose errors were least over the weeks before its cut-off."""
    parts = np.stack([ridge, *(naive[: len(ridge)] for naive in rows.naive.values())])
    shares = _shares(len(parts))
    losses = np.stack([_day_errors(np.tensordot(s, parts, 1), rows.outcomes[: len(ridge)]) for s in shares])
    found = np.full_like(ridge, np.nan)
    for i in range(len(ridge)):
        past = losses[:, i + rows.delay : i + rows.delay + _BLEND_DAYS]
        past = past[:, np.isfinite(past).all(axis=0)]
        best = int(past.mean(axis=1).argmin()) if past.shape[1] >= _LEAST_ROWS else 0
        found[i] = np.tensordot(shares[best], parts[:, i], 1)
    return found


def _shares(parts: int) -> Floats:
    """All blends in fifths; the ridge alone comes first, so that it wins a tie."""
    whole = [s for s in product(range(_FIFTHS, -1, -1), repeat=parts) if sum(s) == _FIFTHS]
    return np.array(whole, dtype=np.float64) / _FIFTHS


def _day_errors(forecast: Floats, outcomes: Floats) -> Floats:
    """The mean absolute error of each row, NaN where one period of it is unknown."""
    errors: Floats = np.abs(forecast - outcomes).mean(axis=1)
    return errors
