"""Rows of past net load, a station's day each: imported by its owner, or measured by its own meters."""

from sqlalchemy import Column, Connection, Integer, LargeBinary, String
from sqlalchemy.dialects.sqlite import insert

from api.database import stamped

net_loads = stamped(
    "net_loads",
    Column("station", Integer, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("source", String(10), nullable=False),
    Column("net_load_wh", LargeBinary, nullable=False),
)


def put(connection: Connection, *, station: int, day: int, source: str, net_load_wh: tuple[int, ...]) -> None:
    """Keep a day; what was measured takes the place of what was imported, never the other way round."""
    raw = b"".join(value.to_bytes(8, "big", signed=True) for value in net_load_wh)
    statement = insert(net_loads).values(station=station, day=day, source=source, net_load_wh=raw)
    same_or_better = (net_loads.c.source == "imported") | (statement.excluded.source == "measured")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["station", "day"], set_={"source": source, "net_load_wh": raw}, where=same_or_better
        )
    )
