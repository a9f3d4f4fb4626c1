"""Built-in profiles: BDEW standard load profiles, and PV from a measured weather year, for any day of the calendar.

Loads: the standard load profiles of BDEW (measured averages of German trade, industry and farms) that `demandlib`
ships, scaled to each site; its table is read directly, since its own code trips over pandas 3. PV: the weather year
TMY3 723170 (Greensboro, 36.1° N; NREL) that `pvlib` ships, by the PVWatts model; Lianyungang lies at 34.6° N. Weather
is taken by calendar date and local solar time. A day has its own seeded deviation from its standard profile, so that a
previous like day is a fair forecast and never the day itself.

Importing pandas and pvlib takes seconds: they are imported where needed, and results are kept as CSV in a cache folder.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alliance.calendar import SLOTS_A_DAY, Day
from alliance.errors import Missing
from alliance.identity import StationId
from simulation.cast import CastStation
from simulation.noise import ONE, Noise
from simulation.profiles import DayProfile, read_profile, write_profile

_RECIPE = "2"
"""Raise it when the computation below changes: older caches are then not read."""
_WEATHER_FILE = "723170TYA.CSV"
_TILT_DEG = 28
_SYSTEM_EFFICIENCY = 0.86
_TEMPERATURE_COEFFICIENT = -0.0035
_SOLAR_SHIFT_SLOTS = 1
"""The sun culminates some 17 minutes earlier by Lianyungang's clock than by Greensboro's."""
_DAY_SD_PPM = 25_000
_SLOT_SD_PPM = 15_000
_LOAD_PROFILES = ("h0", "g0", "g1", "g2", "g3", "g4", "g5", "g6", "l0", "l1", "l2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The standard shapes of a local calendar year."""

    load: Mapping[str, "LoadShape"]
    """By BDEW profile."""
    pv_ppm: tuple[int, ...]
    """AC power per rated DC power, ppm, all slots of a weather year of 365 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadShape:
    """A BDEW profile over a calendar year: the weight of each slot, and the sum of all weights."""

    weights: tuple[int, ...]
    total: int


@dataclass(kw_only=True, eq=False)
class PackageMissing(Missing):
    """A package whose measured series we need is not installed (extra `simulation`)."""

    package: str


def cast_profiles(
    stations: Iterable[CastStation], days: Sequence[Day], *, seed: str, cache: Path
) -> dict[StationId, dict[Day, DayProfile]]:
    """Profiles of the stations for some days; computed once, then read from `cache` as CSV."""
    folder = cache / _cache_key(days, seed)
    wanted = list(stations)
    files = {station.number: folder / f"station-{station.number}-{_site_key(station)}.csv" for station in wanted}
    lacking = [station for station in wanted if not files[station.number].is_file()]
    if lacking:
        folder.mkdir(parents=True, exist_ok=True)
        pv_ppm = pv_shape()
        years = sorted({day.date.year for day in days})
        standards = {year: Standard(load=load_shapes(year), pv_ppm=pv_ppm) for year in years}
        for station in lacking:
            made = [site_day(station, day, standard=standards[day.date.year], seed=seed) for day in sorted(set(days))]
            _write_whole(files[station.number], made)
    return {number: read_profile(file) for number, file in files.items()}


def site_day(station: CastStation, day: Day, *, standard: Standard, seed: str) -> DayProfile:
    """One site's day: standard shapes, scaled, with the day's own deviation."""
    name = f"{seed}/{station.number}"
    of_day, of_slot = Noise(seed=name, series="day"), Noise(seed=name, series="slot")
    level_ppm = ONE + of_day.at(day.number) * _DAY_SD_PPM // ONE
    first = (day.date.timetuple().tm_yday - 1) * SLOTS_A_DAY
    load_w = []
    for slot in range(SLOTS_A_DAY):
        shapes = [(part.annual_wh, standard.load[part.profile]) for part in station.load]
        mean_w = sum(4 * wh * shape.weights[first + slot] // shape.total for wh, shape in shapes)
        ppm = level_ppm + of_slot.at(day.number * SLOTS_A_DAY + slot) * _SLOT_SD_PPM // ONE
        load_w.append(mean_w * ppm // ONE)
    solar = _solar_day(day) * SLOTS_A_DAY
    pv_w = (station.pv_peak_w * ppm // ONE for ppm in standard.pv_ppm[solar : solar + SLOTS_A_DAY])
    return DayProfile(day=day, load_w=tuple(load_w), pv_w=tuple(pv_w))


def standard_year(year: int) -> Standard:
    """Compute the standard shapes of a local calendar year; takes some seconds."""
    return Standard(load=load_shapes(year), pv_ppm=pv_shape())


def load_shapes(year: int) -> dict[str, LoadShape]:
    """The eleven BDEW profiles over a calendar year, by season and weekday (BDEW 1999; holidays are not known)."""
    week: dict[tuple[str, int], list[dict[str, str]]] = {}
    with _package_file("demandlib", "bdew/bdew_data/selp_series.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            week.setdefault((row["period"], int(row["weekday"])), []).append(row)
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    rows = [row for day in days for row in week[_season(day), day.isoweekday()]]
    shapes = {}
    for name in _LOAD_PROFILES:
        weights = tuple(int(Decimal(row[name]).scaleb(6)) for row in rows)
        shapes[name] = LoadShape(weights=weights, total=sum(weights))
    return shapes


def _season(day: date) -> str:
    """BDEW: summer 15 May to 14 September, winter 1 November to 20 March, transition between."""
    place = (day.month, day.day)
    if (5, 15) <= place <= (9, 14):
        return "summer"
    return "winter" if place >= (11, 1) or place <= (3, 20) else "transition"


def pv_shape() -> tuple[int, ...]:
    """AC power per rated power, ppm, of each slot of the weather year: PVWatts on a fixed tilt facing south."""
    import numpy as np
    import pvlib

    weather, sun = _weather()
    up = sun["apparent_zenith"] < 89.5
    beam, diffuse = (weather[name].where(up, 0.0) for name in ("dni", "dhi"))
    level = beam * np.cos(np.radians(sun["apparent_zenith"].where(up, 90.0))) + diffuse
    plane = pvlib.irradiance.get_total_irradiance(
        _TILT_DEG, 180, sun["apparent_zenith"], sun["azimuth"], dni=beam, ghi=level, dhi=diffuse, albedo=0.2
    )["poa_global"]
    plane = plane.where(up, 0.0).fillna(0.0)
    cell = pvlib.temperature.faiman(plane, weather["temp_air"], weather["wind_speed"])
    power = plane / 1_000 * (1 + _TEMPERATURE_COEFFICIENT * (cell - 25)) * _SYSTEM_EFFICIENCY
    shares = np.roll(power.clip(0.0, 1.0).to_numpy(), -_SOLAR_SHIFT_SLOTS)
    return tuple(round(share * ONE) for share in shares.tolist())


def _weather() -> tuple[Any, Any]:
    """The weather year and the sun's place at the middle of each slot, as pandas frames of 35,040 rows.

    The hourly means belong to the middles of their hours and are joined by straight lines.
    """
    import numpy as np
    import pandas as pd
    import pvlib

    hourly, place = pvlib.iotools.read_tmy3(_package_file("pvlib", f"data/{_WEATHER_FILE}"), coerce_year=2001)
    start = pd.Timestamp(year=2001, month=1, day=1, tz=hourly.index.tz)
    slots = pd.date_range(start, periods=365 * SLOTS_A_DAY, freq="15min") + pd.Timedelta(minutes=7.5)
    at: Any = (slots - start).total_seconds()
    known: Any = (hourly.index - start).total_seconds() - 1_800
    names = ("dni", "dhi", "temp_air", "wind_speed")
    weather = pd.DataFrame({name: np.interp(at, known, hourly[name].to_numpy(float)) for name in names}, index=slots)
    sun = pvlib.solarposition.get_solarposition(slots, place["latitude"], place["longitude"], place["altitude"])
    return weather, sun


def _solar_day(day: Day) -> int:
    """Which day of the 365-day weather year: by calendar date; 29 February takes the 28th's."""
    number = day.date.timetuple().tm_yday - 1
    leap = day.date.replace(month=12, day=31).timetuple().tm_yday == 366
    return number - 1 if leap and (day.date.month, day.date.day) > (2, 28) else number


def _package_file(package: str, path: str) -> Path:
    """A data file of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise PackageMissing(package=package)
    return Path(spec.submodule_search_locations[0]) / path


def _cache_key(days: Sequence[Day], seed: str) -> str:
    libraries = ",".join(f"{name}={version(name)}" for name in ("demandlib", "pvlib"))
    text = f"{_RECIPE}|{libraries}|{seed}|{','.join(map(str, sorted(set(days))))}"
    return sha256(text.encode()).hexdigest()[:16]


def _site_key(station: CastStation) -> str:
    return sha256(repr((station.load, station.pv_peak_w)).encode()).hexdigest()[:8]


def _write_whole(path: Path, days: Iterable[DayProfile]) -> None:
    """Write beside, then rename: a cache is never half there."""
    beside = path.with_suffix(".part")
    write_profile(beside, days)
    beside.replace(path)
