"""No forecast sees its future: neither later measurements nor later issues change a digit of it (protocol 9.6)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.forecasting.forecast import forecast_of, roll, skill_ahead
from optimizer.forecasting.record import Ask, ahead, day_ahead
from optimizer.forecasting.rows import rows_of
from optimizer.forecasting.series import Regressor, Vintage, known_at
from tests.optimizer.forecasting.synthetic import FIRST, HOUR_MS, after, issued_a_day_before, load, series_of, weather

DAYS = 70
SERIES = series_of(load(DAYS))
WEATHER = issued_a_day_before(weather(DAYS))


def ask(day: int, **changes: object) -> Ask:
    return replace(day_ahead(after(day), step_ms=HOUR_MS), **{"scenarios": 3, "backtest_days": 5} | changes)


def with_future(cut: int, seed: int):
    """The series with every value from a place on replaced by others."""
    chance = np.random.default_rng(seed)
    later = tuple(int(v) for v in chance.integers(0, 10**9, len(SERIES.values) - cut))
    return replace(SERIES, values=SERIES.values[:cut] + later)


@settings(max_examples=10, deadline=None)
@given(day=st.integers(62, DAYS - 1), late_hours=st.integers(0, 30), seed=st.integers(0, 10**6))
def test_a_forecast_stays_to_the_digit_when_everything_after_its_issue_changes(day, late_hours, seed):
    issued_ms = after(day).start_ms - late_hours * HOUR_MS
    asked = ask(day, issued_ms=issued_ms)
    cut = (issued_ms - FIRST.start_ms) // HOUR_MS
    chance = np.random.default_rng(seed)
    revised = [replace(v, issued_ms=issued_ms + 1000, value=int(chance.integers(10**6))) for v in WEATHER.vintages]
    later = [v if v.issued_ms <= issued_ms else replace(v, value=int(chance.integers(10**6))) for v in WEATHER.vintages]
    changed = Regressor(name=WEATHER.name, vintages=(*later, *revised))
    in_time = late_hours == 0
    plain = forecast_of(SERIES, asked, regressors=[WEATHER] if in_time else [])
    again = forecast_of(with_future(cut, seed), asked, regressors=[changed] if in_time else [])
    assert again == plain


@settings(max_examples=150, deadline=None)
@given(row=st.integers(0, 30), lead=st.integers(0, 40), periods=st.integers(1, 30), seed=st.integers(0, 10**6))
def test_a_rows_features_and_baselines_stay_when_everything_after_its_own_cut_off_changes(row, lead, periods, seed):
    cut = (DAYS - 1) * 24 - row * 24
    issued_ms = after(DAYS - 1).start_ms
    asked = {"lead": lead, "periods": periods, "persistence": True}
    plain = rows_of(known_at(SERIES, issued_ms=issued_ms), **asked)
    again = rows_of(known_at(with_future(cut, seed), issued_ms=issued_ms), **asked)
    np.testing.assert_array_equal(again.features[row:], plain.features[row:])
    for name in plain.naive:
        np.testing.assert_array_equal(again.naive[name][row:], plain.naive[name][row:])
    assert row == 0 or not np.array_equal(again.features[:row], plain.features[:row], equal_nan=True)


@pytest.mark.parametrize("issued_hours_before", [0, 9])
def test_a_back_tests_forecast_is_the_one_that_would_have_been_made_when_its_day_is_asked_for_alone(
    issued_hours_before,
):
    issued_ms = after(69).start_ms - issued_hours_before * HOUR_MS
    asked = ask(69, issued_ms=issued_ms)
    rolled = roll(known_at(SERIES, issued_ms=issued_ms), asked)
    for days in (1, 3):
        back = days * 24 * HOUR_MS
        then = replace(asked, issued_ms=issued_ms - back, first_ms=asked.first_ms - back)
        alone = roll(known_at(SERIES, issued_ms=then.issued_ms), then)
        np.testing.assert_allclose(rolled.points[days], alone.points[0], rtol=1e-9)


def test_the_record_names_issue_cut_off_and_vintages_and_its_digest_changes_with_any_known_value():
    issued_ms = after(69).start_ms - 30 * 60_000
    plain = forecast_of(SERIES, ask(69, issued_ms=issued_ms))
    assert (plain.issued_ms, plain.cut_off_ms) == (issued_ms, after(69).start_ms - HOUR_MS)
    other = replace(SERIES, values=(SERIES.values[0] + 1, *SERIES.values[1:]))
    assert forecast_of(other, ask(69, issued_ms=issued_ms)).known_digest != plain.known_digest
    (told,) = forecast_of(SERIES, ask(69), regressors=[WEATHER]).regressors
    assert (told.oldest_issued_ms, told.newest_issued_ms) == (after(68).start_ms, after(69).start_ms - HOUR_MS)


def test_of_two_vintages_the_last_one_issued_in_time_is_used():
    valid, issued = after(60).start_ms, after(60).start_ms - HOUR_MS
    twice = Regressor(
        name="temperature_millidegrees_c",
        vintages=tuple(
            Vintage(valid_ms=valid, issued_ms=issued + k * HOUR_MS, value=value) for k, value in enumerate((1, 2, 3))
        ),
    )
    known = known_at(SERIES, issued_ms=issued + HOUR_MS, regressors=[twice]).regressors[0]
    values, when = known.at(np.array([valid, valid]), np.array([issued, issued + 9 * HOUR_MS]))
    assert (values.tolist(), when.tolist()) == ([1.0, 2.0], [issued, issued + HOUR_MS])
    assert np.isnan(known.at(np.array([valid]), np.array([issued - 1000]))[0]).all()


def test_an_ultra_short_back_test_stays_when_what_came_after_its_issue_changes():
    cut = 60 * 24 + 7
    asked = replace(ahead(FIRST.start_ms + cut * HOUR_MS, step_ms=HOUR_MS, hours=2), backtest_days=2)
    assert skill_ahead(with_future(cut, 3), asked) == skill_ahead(SERIES, asked)
