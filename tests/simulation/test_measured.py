"""Built-in profiles: the BDEW and weather-year shapes, scaled, differing from day to day."""

from pathlib import Path

import pytest

from alliance.calendar import Day, day_of
from alliance.identity import StationId
from simulation.cast import STATIONS
from simulation.measured import cast_profiles, load_shapes
from simulation.profiles import DayProfile

DAYS = [day_of("2026-07-14"), day_of("2026-07-15"), day_of("2028-02-29")]
Profiles = dict[StationId, dict[Day, DayProfile]]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles")


@pytest.fixture(scope="module")
def profiles(cache: Path) -> Profiles:
    return cast_profiles(STATIONS, DAYS, seed="s", cache=cache)


def test_load_shapes_sum_to_the_year_and_know_season_and_weekday() -> None:
    shape = load_shapes(2026)["g1"]
    assert len(shape.weights) == 365 * 96
    assert sum(shape.weights) == shape.total
    wednesday, sunday = (shape.weights[(n - 1) * 96 : n * 96] for n in (196, 200))
    assert sum(wednesday) > 3 * sum(sunday)
    assert len(load_shapes(2028)["g1"].weights) == 366 * 96


def test_a_sites_day_is_near_its_share_of_the_year(profiles: Profiles) -> None:
    silicon = next(s for s in STATIONS if s.number == 3)
    day_wh = sum(profiles[silicon.number][DAYS[1]].load_w) // 4
    assert day_wh == pytest.approx(sum(part.annual_wh for part in silicon.load) / 365, rel=0.25)


def test_pv_is_dark_at_night_and_below_its_rating_by_day(profiles: Profiles) -> None:
    solar = profiles[StationId(2)][DAYS[1]]
    assert set(solar.pv_w[:16] + solar.pv_w[84:]) == {0}
    assert 2_000_000 < max(solar.pv_w) < 4_000_000
    assert 44 <= solar.pv_w.index(max(solar.pv_w)) <= 52


def test_the_day_differs_from_the_previous_like_day(profiles: Profiles) -> None:
    for number in (2, 3, 4, 5):
        before, day = (profiles[StationId(number)][d] for d in DAYS[:2])
        assert (before.load_w, before.pv_w) != (day.load_w, day.pv_w)
        if sum(day.load_w):
            off = sum(abs(a - b) for a, b in zip(before.load_w, day.load_w, strict=True))
            assert 0.005 < off / sum(day.load_w) < 0.2


def test_sites_without_load_or_pv_have_none(profiles: Profiles) -> None:
    port = profiles[StationId(1)][DAYS[0]]
    assert set(port.load_w) | set(port.pv_w) == {0}


def test_the_cache_gives_the_same_and_is_not_computed_again(
    profiles: Profiles, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulation.measured.pv_shape", lambda: pytest.fail("computed again"))
    assert cast_profiles(STATIONS, DAYS, seed="s", cache=cache) == profiles
