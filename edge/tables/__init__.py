"""Point tables that ship with the station box; settings name them without an ending (docs/devices.md)."""

from pathlib import Path

CHINESE_EMS = Path(__file__).with_name("chinese_ems.csv")
"""A Chinese energy-management system: charge- and import-positive, words swapped, kW and kWh."""


def shipped() -> dict[str, Path]:
    """The shipped tables by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.csv"))}


def table_at(table: Path) -> Path:
    """The file of a table: a shipped one by its bare name, any other by its path."""
    return shipped().get(str(table), table)
