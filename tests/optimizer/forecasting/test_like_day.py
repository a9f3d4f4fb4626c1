"""A day is forecast by the last day like it (protocol 9.6)."""

import pytest

from alliance.calendar import day_of
from optimizer.forecasting.like_day import NoLikeDay, forecast


def history(*days):
    return {day_of(text): (n,) * 96 for n, text in enumerate(days)}


def test_a_workday_is_forecast_by_the_last_workday_when_a_weekend_lies_between():
    told = forecast(1, day_of("2026-03-09"), history=history("2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08"))
    assert (told.like_day, told.net_load_wh[0]) == (day_of("2026-03-06"), 1)


def test_a_saturday_is_forecast_by_the_last_sunday():
    told = forecast(1, day_of("2026-03-14"), history=history("2026-03-07", "2026-03-08", "2026-03-13"))
    assert told.like_day == day_of("2026-03-08")


def test_a_holiday_counts_as_a_day_off_and_a_moved_workday_as_a_workday():
    days = history("2026-04-30", "2026-05-01", "2026-05-08")
    assert forecast(1, day_of("2026-05-04"), history=days).like_day == day_of("2026-05-01")
    assert forecast(1, day_of("2026-05-09"), history=days).like_day == day_of("2026-05-08")


def test_the_day_itself_and_later_days_are_never_used():
    with pytest.raises(NoLikeDay):
        forecast(1, day_of("2026-03-10"), history=history("2026-03-10", "2026-03-11"))


def test_no_like_day_is_named_when_history_is_too_old_or_of_another_type():
    with pytest.raises(NoLikeDay) as missing:
        forecast(7, day_of("2026-03-10"), history=history("2026-01-20", "2026-03-08"))
    assert (missing.value.station, missing.value.day_type) == (7, "workday")
