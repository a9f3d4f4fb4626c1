"""Rows of profiles: what members say of themselves and of their stations beside the chain."""

from collections.abc import Mapping

from sqlalchemy import Column, Connection, Integer, String
from sqlalchemy.dialects.sqlite import insert

from api.database import stamped

member_profiles = stamped(
    "member_profiles",
    Column("member", Integer, primary_key=True, autoincrement=False),
    Column("name_zh", String(100), nullable=False),
    Column("name_en", String(100), nullable=False),
)
station_profiles = stamped(
    "station_profiles",
    Column("station", Integer, primary_key=True, autoincrement=False),
    Column("name_zh", String(100), nullable=False),
    Column("name_en", String(100), nullable=False),
    Column("longitude_e5", Integer, nullable=False),
    Column("latitude_e5", Integer, nullable=False),
    Column("eta_c_ppm", Integer, nullable=False),
    Column("eta_d_ppm", Integer, nullable=False),
    Column("soc_min_bp", Integer, nullable=False),
    Column("soc_max_bp", Integer, nullable=False),
    Column("own_need_bp", Integer, nullable=False),
    Column("wear_price", Integer, nullable=False),
)


def put_member(connection: Connection, row: Mapping[str, object]) -> None:
    """Keep a member's profile in place of the one before."""
    statement = insert(member_profiles).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=["member"], set_=dict(row)))


def put_station(connection: Connection, row: Mapping[str, object]) -> None:
    """Keep a station's profile in place of the one before."""
    statement = insert(station_profiles).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=["station"], set_=dict(row)))
