"""Measured series that lie beside the repository, and a wind series from a measured weather year."""

import csv
import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from alliance.calendar import Day, day_of
from optimizer.forecasting.series import Quantity, Series

HOUR_MS = 3_600_000
DATA = Path(os.environ.get("ALLIANCE_MEASURED_DATA") or Path(__file__).resolve().parents[4] / "shared" / "data")
HOMES = (1, 3, 5, 7, 10, 14)
_HOMES_START_MS = day_of("2016-07-31").start_ms + 23 * HOUR_MS


def column(file: str, name: str) -> np.ndarray:
    """A column of a measured file; the test is skipped, and says so, where the file is not there."""
    path = DATA / file
    if not path.exists():
        print(reason := f"measured series {path} not there: set ALLIANCE_MEASURED_DATA")
        pytest.skip(reason)
    with path.open(newline="") as rows:
        return np.array([float(row[name]) for row in csv.DictReader(rows)])


def hourly(name: str, quantity: Quantity, values: Iterable[float], start_ms: int, unit: str = "wh") -> Series:
    whole = tuple(round(float(v)) for v in values)
    return Series(name=name, quantity=quantity, unit=unit, start_ms=start_ms, step_ms=HOUR_MS, values=whole)


def homes_load() -> Series:
    """The sum of six Californian homes, Wh an hour, for a year."""
    total = sum(column(f"citylearn/building_{b}.csv", "non_shiftable_load") for b in HOMES)
    return hourly("homes' load", Quantity.LOAD, total * 1000, _HOMES_START_MS)


def homes_pv() -> Series:
    """Generation of a kW installed on each of the six homes, Wh an hour."""
    total = sum(column(f"citylearn/building_{b}.csv", "solar_generation") for b in HOMES)
    return hourly("homes' PV", Quantity.PV, total, _HOMES_START_MS)


def homes_tariff() -> Series:
    """The homes' published tariff: $/kWh as hundredths of a dollar a MWh."""
    price = column("citylearn/pricing.csv", "electricity_pricing")
    return hourly("homes' tariff", Quantity.PRICE, price * 100_000, _HOMES_START_MS, "cents_per_mwh")


def grid_carbon() -> Series:
    """Carbon intensity of the homes' grid, mg/kWh: follows the market as a price does."""
    found = column("citylearn/carbon_intensity.csv", "carbon_intensity")
    return hourly("grid's carbon", Quantity.PRICE, found * 1_000_000, _HOMES_START_MS, "mg_per_kwh")


def transformer(name: str = "HUFL") -> Series:
    """A feeder of a Chinese transformer; it turns, so it is a net load. In thousandths of the file's unit."""
    values = column("etth/ETTh1.csv", name) * 1000
    return hourly(f"transformer {name}", Quantity.NET_LOAD, values, day_of("2016-07-01").start_ms)


def wind_turbine() -> Series:
    """2 MW by the cube of the wind speed from 3 to 12 m/s, out of the weather year that pvlib ships, Wh an hour."""
    found = importlib.util.find_spec("pvlib")
    if found is None or not found.submodule_search_locations:
        pytest.skip("pvlib, which ships the weather year, is not installed")
    path = Path(found.submodule_search_locations[0]) / "data" / "723170TYA.CSV"
    _, *rows = path.read_text().splitlines()
    speeds = np.array([float(row["Wspd (m/s)"]) for row in csv.DictReader(rows)])
    power = 2_000_000 * np.clip((speeds**3 - 27) / (12**3 - 27), 0, 1) * (speeds < 25)
    return hourly("wind turbine", Quantity.WIND, power, day_of("2023-01-01").start_ms)


def last_day(series: Series) -> Day:
    """The day after the last whole one."""
    return Day((series.end_ms + 8 * HOUR_MS) // (24 * HOUR_MS))
