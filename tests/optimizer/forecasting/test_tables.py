"""History and regressors as CSV: what is wrong is named by file, line and column (protocol 9.6)."""

import pytest

from alliance.calendar import day_of
from optimizer.forecasting.series import InstantWrong, Quantity, VintageTwice
from optimizer.forecasting.tables import CellWrong, TableWrong, local_ms, local_text, read_history, read_regressors

HISTORY = (
    "time,load_wh,price_cents_per_mwh\n2026-03-01 00:00,100,-5\n2026-03-01T00:15:00,200,7\n2026-03-01 00:30,300,0\n"
)
REGRESSORS = (
    "time,issued,temperature_millidegrees_c,wind_mm_per_s\n2026-03-01 00:00,2026-02-28 06:00,-1500,\n"
    "2026-03-01 00:00,2026-02-28 12:00,-1400,3000\n"
)


def test_a_history_is_read_in_local_time_with_its_units_and_its_step():
    series = read_history("\ufeff" + HISTORY.replace("\n", "\r\n"), file="h.csv")
    assert (series.quantity, series.unit, series.step_ms, series.values) == (
        Quantity.LOAD,
        "wh",
        900_000,
        (100, 200, 300),
    )
    assert series.start_ms == day_of("2026-03-01").start_ms
    assert read_history(HISTORY, file="h.csv", column="price_cents_per_mwh").values == (-5, 7, 0)


def test_regressors_keep_each_issue_and_skip_empty_cells():
    wind, temperature = sorted(read_regressors(REGRESSORS, file="r.csv"), key=lambda r: len(r.vintages))
    assert [v.value for v in temperature.vintages] == [-1500, -1400]
    assert wind.vintages[0].issued_ms == day_of("2026-02-28").start_ms + 12 * 3_600_000


@pytest.mark.parametrize(
    ("old", "new", "line", "column"),
    [
        ("00:30,300", "00:30,3.5", 4, "load_wh"),
        ("00:30,300", "00:30,", 4, "load_wh"),
        ("00:30,300", "00:30,-1", 4, "load_wh"),
        ("00:30,300", "00:30,nan", 4, "load_wh"),
        ("00:30,300", "00:30,9999999999999999", 4, "load_wh"),
        ("00:30,300", "00:30,٣", 4, "load_wh"),
        ("00:30", "00:45", 4, "time"),
        ("00:30", "00:15", 4, "time"),
        ("2026-03-01 00:30", "yesterday", 4, "time"),
        ("2026-03-01 00:30", "2026-02-30 00:30", 4, "time"),
        ("T00:15:00", " 00:07", 3, "time"),
        ("T00:15:00,200,7", " 00:15,200", 3, ""),
        ("load_wh", "load_kwh", 1, "load_kwh"),
        ("load_wh,price_cents_per_mwh", "load_wh,load_wh", 1, ""),
        ("time,", "when,", 1, ""),
    ],
)
def test_a_wrong_cell_of_a_history_is_named_by_file_line_and_column(old, new, line, column):
    assert old in HISTORY
    with pytest.raises(CellWrong) as wrong:
        read_history(HISTORY.replace(old, new, 1), file="h.csv")
    assert (wrong.value.file, wrong.value.line, wrong.value.column) == ("h.csv", line, column)


@pytest.mark.parametrize(
    ("old", "new", "line", "column"),
    [
        ("3000", "3000.5", 3, "wind_mm_per_s"),
        ("2026-02-28 06:00", "", 2, "issued"),
        ("wind_mm_per_s", "wind", 1, "wind"),
        ("time,issued", "time,at", 1, ""),
    ],
)
def test_a_wrong_cell_of_regressors_is_named_by_file_line_and_column(old, new, line, column):
    with pytest.raises(CellWrong) as wrong:
        read_regressors(REGRESSORS.replace(old, new, 1), file="r.csv")
    assert (wrong.value.file, wrong.value.line, wrong.value.column) == ("r.csv", line, column)


def test_one_issue_with_two_values_is_refused():
    with pytest.raises(VintageTwice):
        read_regressors(REGRESSORS.replace("12:00", "06:00"), file="r.csv")
    with pytest.raises(InstantWrong):
        read_regressors(
            REGRESSORS.replace("2026-03-01 00:00,2026-02-28 06", "2026-03-01 00:00:30,2026-02-28 06"), file="r.csv"
        )


@pytest.mark.parametrize("text", ["", "time,load_wh\n", "time,load_wh\n2026-03-01 00:00,1\n", 'time,load_wh\n"x'])
def test_a_file_that_is_no_table_is_refused(text):
    with pytest.raises(TableWrong):
        read_history(text, file="h.csv")


def test_local_times_go_both_ways():
    assert local_text(local_ms("2026-03-01 08:15") or 0) == "2026-03-01 08:15"
    assert local_ms("2026-03-01 08:15") == day_of("2026-03-01").slot_start_ms(33)
    assert local_ms("2026-03-01 25:00") is None
