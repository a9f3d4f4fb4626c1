"""Intervals cover what they promise, scenarios keep their course, weather helps, and a seed fixes all (protocol 9.6)."""

from dataclasses import replace

import numpy as np
import pytest

from alliance.calendar import day_of
from optimizer.forecasting.conformal import quantiles_of
from optimizer.forecasting.forecast import forecast_of, skill_ahead
from optimizer.forecasting.record import QuantileWrong, ScenariosWrong, ahead, day_ahead, forecast_to_plain
from optimizer.forecasting.ridge import points_of
from optimizer.forecasting.rows import HistoryTooShort, TooFarAhead, rows_of
from optimizer.forecasting.series import Quantity, RegressorMissing, ValueBelowZero, known_at
from optimizer.forecasting.skill import skill_of
from tests.optimizer.forecasting.synthetic import (
    HOUR_MS,
    after,
    issued_a_day_before,
    load,
    series_of,
    weather,
)

DAYS = 260
STEADY = series_of(load(DAYS))


def ask(day, **changes):
    return replace(day_ahead(after(day), step_ms=HOUR_MS), **changes)


@pytest.fixture(scope="module")
def steady():
    return forecast_of(STEADY, ask(DAYS, backtest_days=100, scenarios=150))


def test_eighty_per_cent_intervals_cover_what_they_promise_when_noise_is_steady(steady):
    assert steady.skill.forecasts == 100
    assert 770_000 <= steady.skill.coverage_ppm <= 830_000
    for one in steady.skill.calibration:
        assert abs(one.below_ppm - one.level_ppm) < 30_000


def test_intervals_cover_again_when_the_noise_has_doubled():
    doubled = series_of(load(DAYS, noise=lambda day: 300.0 if day < 130 else 700.0))
    skill = forecast_of(doubled, ask(DAYS, backtest_days=60)).skill
    assert 770_000 <= skill.coverage_ppm <= 830_000


def test_levels_adapt_when_errors_grow_faster_than_the_window_forgets():
    chance = np.random.default_rng(4)
    spread = np.where(np.arange(200) < 30, 3.0, 1.0)[:, None]
    outcomes = spread * chance.standard_normal((200, 24))
    found = quantiles_of(np.zeros((200, 24)), outcomes, delay=1, levels=[0.1, 0.9], near=0)
    inside = ((outcomes >= found[:, :, 0]) & (outcomes <= found[:, :, 1]))[:25].mean()
    frozen = np.quantile(outcomes[30:90], [0.1, 0.9], axis=0)
    stale = ((outcomes >= frozen[0]) & (outcomes <= frozen[1]))[:25].mean()
    assert stale < 0.5
    assert inside > 0.7


def test_a_forecast_is_better_than_every_baseline_when_the_series_has_a_course(steady):
    assert steady.skill.skill_ppm > 50_000
    assert {e.name for e in steady.skill.errors} == {"forecast", "naive day", "naive week", "7-day mean"}


def test_quantiles_never_cross_and_nothing_is_below_zero_when_values_cannot_be(steady):
    low, middle, high = (q.values for q in steady.quantiles)
    assert all(0 <= a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
    assert all(min(s.values) >= 0 for s in steady.scenarios)


def test_scenarios_have_the_forecasts_spread_and_probabilities_of_one(steady):
    assert sum(s.probability_ppm for s in steady.scenarios) == 1_000_000
    drawn = np.array([s.values for s in steady.scenarios])
    inside = (drawn >= steady.quantiles[0].values) & (drawn <= steady.quantiles[-1].values)
    assert 0.7 < inside.mean() < 0.9
    assert np.corrcoef(drawn[:, 3], drawn[:, 4])[0, 1] > 0.1


def test_scenarios_repeat_whole_past_days_so_that_two_series_draw_the_same_days():
    other = series_of(load(DAYS, seed=9))
    first, second = (forecast_of(s, ask(DAYS, scenarios=20, seed=3)) for s in (STEADY, other))
    assert [s.error_days_ago for s in first.scenarios] == [s.error_days_ago for s in second.scenarios]


def test_two_runs_are_equal_and_another_seed_draws_other_scenarios():
    one, two, other = (forecast_of(STEADY, ask(DAYS, scenarios=10, seed=seed)) for seed in (1, 1, 2))
    assert one == two
    assert forecast_to_plain(one) == forecast_to_plain(two)
    assert (one.expected, one.quantiles) == (other.expected, other.quantiles)
    assert one.scenarios != other.scenarios


def test_weather_lowers_the_error_when_it_drives_the_load():
    temperature = weather(DAYS)
    driven = series_of(load(DAYS, noise=lambda day: 150.0) + 0.12 * np.maximum(temperature - 18_000, 0))
    alone = forecast_of(driven, ask(DAYS - 1, backtest_days=60)).skill
    helped = forecast_of(driven, ask(DAYS - 1, backtest_days=60), regressors=[issued_a_day_before(temperature)]).skill
    assert helped.nmae_ppm("forecast") < 0.6 * alone.nmae_ppm("forecast")


def test_the_periods_regressor_is_named_when_it_was_issued_too_late():
    late = issued_a_day_before(weather(DAYS))
    with pytest.raises(RegressorMissing) as missing:
        forecast_of(STEADY, ask(DAYS - 1, issued_ms=after(DAYS - 1).start_ms - 5 * HOUR_MS), regressors=[late])
    assert missing.value.regressor == late.name
    assert missing.value.valid_ms == after(DAYS - 1).start_ms + 20 * HOUR_MS


def test_a_forecast_made_the_evening_before_covers_too_when_the_last_hours_are_unknown():
    asked = ask(DAYS, issued_ms=after(DAYS).start_ms - 6 * HOUR_MS, backtest_days=90)
    found = forecast_of(STEADY, asked)
    assert found.cut_off_ms == asked.issued_ms
    assert 770_000 <= found.skill.coverage_ppm <= 830_000


def test_pv_by_night_is_zero_for_certain_and_does_not_count_as_covered():
    sun = np.maximum(np.sin((np.arange(24) - 6) / 12 * np.pi), 0)
    cloud = 0.6 + 0.4 * np.random.default_rng(2).random(DAYS)
    pv = series_of((5_000 * cloud[:, None] * sun[None, :]).ravel(), quantity=Quantity.PV)
    found = forecast_of(pv, ask(DAYS, backtest_days=90))
    assert found.expected[0] == found.quantiles[-1].values[0] == 0
    assert found.skill.coverage_by_period_ppm[0] is None
    assert 740_000 <= found.skill.coverage_ppm <= 860_000


def test_ultra_short_forecasts_beat_persistence_every_quarter_hour():
    quarters = series_of(load(75, periods=96), step_ms=900_000)
    asked = replace(ahead(quarters.end_ms, step_ms=900_000, hours=4), backtest_days=2)
    found = forecast_of(quarters, replace(asked, backtest_days=0))
    assert len(found.expected) == 16
    skill = skill_ahead(quarters, replace(asked, first_ms=asked.first_ms, periods=4))
    assert skill.forecasts == 2 * 96
    assert skill.nmae_ppm("forecast") < skill.nmae_ppm("persistence")


def test_skill_is_the_share_of_the_best_baselines_error_when_worked_by_hand():
    outcomes = np.array([[10.0, 0.0], [20.0, 10.0]])
    found = skill_of(
        points=outcomes + 1,
        outcomes=outcomes,
        quantiles=np.stack([outcomes - 2, outcomes + np.array([[2.0, -1.0], [2.0, 2.0]])], axis=2),
        levels_ppm=(100_000, 900_000),
        naive={"good": outcomes + 2, "bad": outcomes - 5},
    )
    assert [(e.name, e.mae_milli, e.nmae_ppm) for e in found.errors] == [
        ("forecast", 1000, 100_000), ("good", 2000, 200_000), ("bad", 5000, 500_000)
    ]  # fmt: skip
    assert (found.best_baseline, found.skill_ppm, found.coverage_ppm, found.nominal_ppm) == (
        "good",
        500_000,
        750_000,
        800_000,
    )
    # 0.1 × 2 four times at the low quantile; at the high one 0.1 × 2 three times and 0.9 × 1: 2.3 over 8, over a mean of 10
    assert found.pinball_ppm == round(1_000_000 * 2.3 / 8 / 10)


@pytest.mark.parametrize("days", [1, 40, 55])
def test_the_days_there_were_are_named_when_history_is_too_short(days):
    with pytest.raises(HistoryTooShort) as short:
        forecast_of(series_of(load(days)), ask(days))
    assert (short.value.days, short.value.least_days) == (days, 56)


def test_eight_weeks_of_history_are_enough():
    assert forecast_of(series_of(load(56)), ask(56)).calibration_days == 14


@pytest.mark.parametrize("day", [DAYS - 1 + 8, DAYS + 30])
def test_a_day_too_far_ahead_is_refused(day):
    with pytest.raises(TooFarAhead):
        forecast_of(STEADY, ask(day))


def test_a_period_that_was_already_measured_is_not_forecast():
    with pytest.raises(TooFarAhead):
        forecast_of(STEADY, ask(200, issued_ms=after(201).start_ms))


def test_wrong_quantiles_scenarios_and_signs_are_named():
    for wrong in ((500_000,), (900_000, 100_000), (0, 500_000), (100_000, 1_000_000), (100_000, 100_000)):
        with pytest.raises(QuantileWrong):
            ask(DAYS, quantiles_ppm=wrong)
    with pytest.raises(ScenariosWrong):
        ask(DAYS, scenarios=10_001)
    with pytest.raises(ValueBelowZero) as below:
        series_of(np.array([5.0, -1.0]))
    assert (below.value.index, below.value.value) == (1, -1)


def test_a_constant_series_is_forecast_as_itself():
    found = forecast_of(series_of(np.full(60 * 24, 700.0)), ask(60, backtest_days=3))
    assert set(found.expected) == {700}
    assert found.skill.skill_ppm is None


def test_day_off_is_seen_when_a_holiday_falls_on_a_workday():
    day = day_of("2025-05-01")
    rows = rows_of(known_at(STEADY, issued_ms=day.start_ms), lead=0, periods=24)
    assert rows.features[:3, 0, -1].tolist() == [1.0, 0.0, 0.0]
    assert points_of(rows, count=1).ridge.shape == (1, 24)
