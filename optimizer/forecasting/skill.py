"""How good forecasts were: errors against the baselines, pinball loss, coverage, calibration (protocol 9.6).

Errors are normalised by the mean magnitude of what was measured, never value by value: PV by night and prices pass
through 0. Skill is the share of the best baseline's error that the forecast avoids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.forecasting.conformal import uncertain
from optimizer.forecasting.series import Floats, Mask

_MILLION = 1_000_000
FORECAST = "forecast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """The mean absolute error of a forecast or baseline, in thousandths of the series' unit, and normalised."""

    name: str
    mae_milli: int
    nmae_ppm: int | None
    """None where all that was measured is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A quantile, and the share of outcomes that lay at or below it."""

    level_ppm: int
    below_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """What a back-test found over some forecasts of equally many periods."""

    forecasts: int
    outcomes: int
    errors: tuple[Error, ...]
    """The forecast first, then the baselines."""
    best_baseline: str
    skill_ppm: int | None
    """1 − error ÷ error of the best baseline; None where that is 0."""
    pinball_ppm: int | None
    """The mean pinball loss over all quantiles, normalised like the error."""
    nominal_ppm: int
    coverage_ppm: int
    """Share of outcomes from the lowest to the highest quantile. Where all quantiles were one value and it came (PV by
    night), nothing was uncertain and nothing counts."""
    calibration: tuple[Calibration, ...]
    coverage_by_period_ppm: tuple[int | None, ...]
    """Of each period forecast, None where none counts."""

    def nmae_ppm(self, name: str) -> int | None:
        """The normalised error of the forecast or a baseline."""
        return next(e.nmae_ppm for e in self.errors if e.name == name)


def skill_of(
    *, points: Floats, outcomes: Floats, quantiles: Floats, levels_ppm: Sequence[int], naive: Mapping[str, Floats]
) -> Skill:
    """Judge (forecasts, K) points, their outcomes, (forecasts, K, levels) quantiles and baselines."""
    size = float(np.abs(outcomes).mean())
    maes = {FORECAST: _mae(points, outcomes)} | {name: _mae(f, outcomes) for name, f in naive.items()}
    best = min(naive, key=maes.__getitem__)
    counted = uncertain(outcomes, quantiles)
    below = outcomes[:, :, None] <= quantiles
    inside = below[:, :, -1] & (outcomes >= quantiles[:, :, 0])
    return Skill(
        forecasts=len(points),
        outcomes=outcomes.size,
        errors=tuple(Error(name=n, mae_milli=round(1000 * m), nmae_ppm=_share(m, size)) for n, m in maes.items()),
        best_baseline=best,
        skill_ppm=_share(maes[best] - maes[FORECAST], maes[best]),
        pinball_ppm=_share(_pinball(outcomes, quantiles, levels_ppm), size),
        nominal_ppm=levels_ppm[-1] - levels_ppm[0],
        coverage_ppm=_part(inside, counted) or 0,
        calibration=tuple(
            Calibration(level_ppm=level, below_ppm=_part(below[:, :, q], counted) or 0)
            for q, level in enumerate(levels_ppm)
        ),
        coverage_by_period_ppm=tuple(_part(inside[:, k], counted[:, k]) for k in range(inside.shape[1])),
    )


def _mae(forecast: Floats, outcomes: Floats) -> float:
    return float(np.abs(forecast - outcomes).mean())


def _pinball(outcomes: Floats, quantiles: Floats, levels_ppm: Sequence[int]) -> float:
    level, over = np.array(levels_ppm) / _MILLION, outcomes[:, :, None] - quantiles
    return float(np.maximum(level * over, (level - 1) * over).mean())


def _share(part: float, whole: float) -> int | None:
    return round(_MILLION * part / whole) if whole else None


def _part(hits: Mask, counted: Mask) -> int | None:
    return round(_MILLION * float(hits[counted].mean())) if counted.any() else None
