"""Rows of stations, as `AllianceRegistry` told them."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, SmallInteger, insert

from api.projection import projected

stations = projected(
    "stations",
    Column("station", Integer, nullable=False, unique=True),
    Column("owner", LargeBinary(20), nullable=False),
    Column("station_type", SmallInteger, nullable=False),
    Column("region", Integer, nullable=False),
    Column("charge_power_w", BigInteger, nullable=False),
    Column("discharge_power_w", BigInteger, nullable=False),
    Column("capacity_wh", BigInteger, nullable=False),
    Column("pcc_import_w", BigInteger, nullable=False),
    Column("pcc_export_w", BigInteger, nullable=False),
)


def add(connection: Connection, row: Mapping[str, object]) -> None:
    """A station was registered."""
    connection.execute(insert(stations), dict(row))
