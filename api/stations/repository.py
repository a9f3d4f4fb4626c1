"""Rows of stations, as `AllianceRegistry` told them."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, SmallInteger, Table, insert

from api.projection import projected


def _rating() -> tuple[Column[int], ...]:
    powers = ("charge_power_w", "discharge_power_w", "capacity_wh", "pcc_import_w", "pcc_export_w")
    return (
        Column("station_type", SmallInteger, nullable=False),
        Column("region", Integer, nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in powers),
    )


stations = projected(
    "stations",
    Column("station", Integer, nullable=False, unique=True),
    Column("owner", LargeBinary(20), nullable=False),
    *_rating(),
)
changes = projected(
    "station_changes",
    Column("station", Integer, nullable=False, index=True),
    Column("from_day", Integer, nullable=False),
    *_rating(),
)
requests = projected("station_requests", Column("station", Integer, nullable=False, index=True))
agreements = projected(
    "safety_agreements",
    Column("station", Integer, nullable=False, index=True),
    Column("owner", LargeBinary(20), nullable=False),
    Column("agreement", LargeBinary(32), nullable=False),
)


def add(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """An event told something; `row` carries its block and log index."""
    connection.execute(insert(table), dict(row))
