"""Forecasts of measured series against baselines and a plain ridge with conformal intervals (protocol 9.6).

Day-ahead from midnight over the last third of the series; error = mean |forecast − measured| ÷ mean |measured|.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from optimizer.forecasting.forecast import forecast_of, skill_ahead
from optimizer.forecasting.record import ahead, day_ahead
from optimizer.forecasting.series import Series
from optimizer.forecasting.skill import Skill
from tests.demo_day import Tell
from tests.optimizer.forecasting import measured, reference

HOUR_MS = measured.HOUR_MS


def per_cent(ppm: int | None) -> float | None:
    return None if ppm is None else round(ppm / 10_000, 1)


def table(series: Series, skill: Skill) -> dict[str, object]:
    errors = {e.name: per_cent(e.nmae_ppm) for e in skill.errors}
    return {"series": series.name, "forecasts": skill.forecasts} | errors | {
        "skill": per_cent(skill.skill_ppm), "pinball": per_cent(skill.pinball_ppm),
        "80 % covers": per_cent(skill.coverage_ppm),
        "below": {c.level_ppm // 10_000: per_cent(c.below_ppm) for c in skill.calibration},
    }  # fmt: skip


def last_third(series: Series) -> tuple[Skill, int]:
    tested = len(series.values) // 24 // 3
    ask = replace(day_ahead(measured.last_day(series), step_ms=HOUR_MS), backtest_days=tested)
    skill = forecast_of(series, ask).skill
    assert skill is not None
    assert skill.forecasts == tested
    return skill, tested


def plain_ridge(series: Series, tested: int) -> tuple[float, float]:
    end = measured.last_day(series)
    first = -(series.start_ms - end.start_ms) // (24 * HOUR_MS)
    stop = series.day_index(end)
    return reference.judged(
        np.array(series.values[stop - first * 24 : stop], dtype=float).reshape(-1, 24), tested=tested
    )


@pytest.mark.parametrize(
    ("series_of", "most_per_cent", "least_skill_per_cent"),
    [(measured.homes_load, None, 6), (measured.transformer, 31.9, 6)],
    ids=["homes", "transformer"],
)
def test_day_ahead_load_is_at_or_under_a_plain_ridge_and_covers_when_measured(
    series_of: Callable[[], Series], most_per_cent: float | None, least_skill_per_cent: float, tell: Tell
) -> None:
    series = series_of()
    skill, tested = last_third(series)
    error, covers = plain_ridge(series, tested)
    tell(table(series, skill) | {"plain ridge": round(100 * error, 1), "its 80 % covers": round(100 * covers, 1)})
    assert (skill.nmae_ppm("forecast") or 0) <= 1_000_000 * error
    assert most_per_cent is None or (skill.nmae_ppm("forecast") or 0) <= most_per_cent * 10_000
    assert (skill.skill_ppm or 0) >= least_skill_per_cent * 10_000
    assert 770_000 <= skill.coverage_ppm <= 830_000


@pytest.mark.parametrize("feeder", ["HULL", "MUFL", "LUFL"])
def test_the_transformers_other_feeders_have_skill_and_cover(feeder: str, tell: Tell) -> None:
    series = measured.transformer(feeder)
    skill, _ = last_third(series)
    tell(table(series, skill))
    assert (skill.skill_ppm or 0) > 30_000
    assert 770_000 <= skill.coverage_ppm <= 830_000


@pytest.mark.parametrize(
    "series_of", [measured.homes_pv, measured.wind_turbine, measured.grid_carbon], ids=["pv", "wind", "carbon"]
)
def test_pv_wind_and_a_market_series_have_skill_and_cover(series_of: Callable[[], Series], tell: Tell) -> None:
    series = series_of()
    skill, _ = last_third(series)
    tell(table(series, skill))
    assert (skill.skill_ppm or 0) > 0
    assert 770_000 <= skill.coverage_ppm <= 830_000


def test_a_published_tariff_is_forecast_within_a_per_cent(tell: Tell) -> None:
    series = measured.homes_tariff()
    skill, _ = last_third(series)
    tell(table(series, skill))
    assert (skill.nmae_ppm("forecast") or 0) < 10_000


@pytest.mark.campaign
@pytest.mark.parametrize(
    "series_of", [measured.homes_load, measured.transformer, measured.homes_pv], ids=["homes", "transformer", "pv"]
)
def test_four_hours_rolling_hourly_beat_persistence_in_the_last_week_and_are_calibrated_over_two_months(
    series_of: Callable[[], Series], tell: Tell
) -> None:
    series = series_of()
    ask = ahead(series.end_ms, step_ms=HOUR_MS, hours=4)
    week, months = (skill_ahead(series, replace(ask, backtest_days=days)) for days in (7, 60))
    tell({"last week": table(series, week), "last 60 days": table(series, months)})
    for skill in (week, months):
        assert (skill.nmae_ppm("forecast") or 0) < 0.8 * (skill.nmae_ppm("persistence") or 0)
        assert (skill.skill_ppm or 0) > 0
    for one in months.calibration:
        assert abs(one.below_ppm - one.level_ppm) < 30_000
