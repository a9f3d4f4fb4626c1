"""Profile files: what is written is read, and what is wrong is named by file, line and column."""

from pathlib import Path

import pytest

from alliance.calendar import day_of
from simulation.profiles import (
    DayProfile,
    ProfileCellWrong,
    ProfileDayIncomplete,
    ProfilesMissing,
    previous_like_day,
    profile_for,
    read_profile,
    read_profiles,
    write_profile,
)

DAY = day_of("2026-03-02")
PROFILE = DayProfile(day=DAY, load_w=tuple(range(96)), pv_w=tuple(range(96, 192)))


def written(folder: Path, name: str = "station-3.csv") -> Path:
    write_profile(folder / name, [PROFILE])
    return folder / name


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_profile(written(tmp_path)) == {DAY: PROFILE}
    assert read_profiles(tmp_path) == {3: {DAY: PROFILE}}


def test_kilowatts_are_read_exactly_and_pv_may_be_left_out(tmp_path: Path) -> None:
    lines = ["time,load_kw"] + [f"2026-03-02T{n // 4:02d}:{n % 4 * 15:02d},{n}.0015" for n in range(96)]
    path = tmp_path / "station-1.csv"
    path.write_text("\n".join(lines))
    day = read_profile(path)[DAY]
    assert day.load_w[:3] == (2, 1_002, 2_002)  # half away from zero
    assert set(day.pv_w) == {0}


@pytest.mark.parametrize(
    ("old", "new", "line", "column"),
    [
        ("time,load_w,pv_w", "time,load_mw,pv_w", 1, "load_mw"),
        ("time,load_w,pv_w", "time,pv_w,pv_kw", 1, "pv_kw"),
        ("2026-03-02T00:15,1,97", "2026-03-02T00:15,x,97", 3, "load_w"),
        ("2026-03-02T00:15,1,97", "2026-03-02T00:15,1,-5", 3, "pv_w"),
        ("2026-03-02T00:15,1,97", "2026-03-02T00:15,1,NaN", 3, "pv_w"),
        ("2026-03-02T00:15,1,97", "2026-03-02T00:15,1", 3, "pv_w"),
        ("2026-03-02T00:15,1,97", "2026-03-02T00:16,1,97", 3, "time"),
        ("2026-03-02T00:15,1,97", "2026-03-02T00:15+08:00,1,97", 3, "time"),
        ("2026-03-02T00:15,1,97", "yesterday,1,97", 3, "time"),
        ("2026-03-02T00:15,1,97", "2026-03-02T00:00,1,97", 3, "time"),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_and_column(
    tmp_path: Path, old: str, new: str, line: int, column: str
) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ProfileCellWrong) as refusal:
        read_profile(path)
    assert (refusal.value.file, refusal.value.line, refusal.value.column) == ("station-3.csv", line, column)


def test_an_incomplete_day_is_refused_with_the_first_missing_slot(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("2026-03-02T05:30,22,118\n", ""))
    with pytest.raises(ProfileDayIncomplete) as refusal:
        read_profile(path)
    assert (refusal.value.first_missing, refusal.value.rows) == ("2026-03-02T05:30", 95)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfilesMissing):
        read_profiles(tmp_path)
    (tmp_path / "station-1.csv").write_text("")
    with pytest.raises(ProfilesMissing):
        read_profiles(tmp_path)


def test_the_previous_like_day_is_of_the_same_class_and_never_the_day_itself() -> None:
    assert str(previous_like_day(day_of("2026-03-02"))) == "2026-02-27"  # Monday: Friday
    assert str(previous_like_day(day_of("2026-03-04"))) == "2026-03-03"
    assert str(previous_like_day(day_of("2026-03-07"))) == "2026-02-28"  # Saturday
    assert str(previous_like_day(day_of("2026-03-08"))) == "2026-03-01"


def test_a_day_beyond_the_file_takes_the_last_like_day() -> None:
    days = {
        day_of(text): DayProfile(day=day_of(text), load_w=(1,) * 96, pv_w=(0,) * 96)
        for text in ("2026-03-06", "2026-03-07", "2026-03-08")
    }
    assert str(profile_for(days, day_of("2026-03-10")).day) == "2026-03-06"
    assert str(profile_for(days, day_of("2026-03-14")).day) == "2026-03-07"
    assert str(profile_for(days, day_of("2026-03-01")).day) == "2026-03-06"


def test_net_load_is_load_and_standby_less_pv_rounded_half_away() -> None:
    day = DayProfile(day=DAY, load_w=(10,) * 96, pv_w=(20,) * 96)
    assert day.net_load_wh(0) == -3
    assert day.net_load_wh(0, standby_w=12) == 1
