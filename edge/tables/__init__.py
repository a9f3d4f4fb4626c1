"""Point tables that ship with the station box."""

from pathlib import Path

CHINESE_EMS = Path(__file__).with_name("chinese_ems.csv")
"""A Chinese energy-management system: charge- and import-positive, words swapped, kW and kWh."""
