"""What other slices may ask about past net load, and how a measured day is filed (protocol 9.4)."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from alliance.calendar import Day
from alliance.identity import StationId
from api.history import repository
from api.history.repository import net_loads

_DAYS_BACK = 40


def before(connection: Connection, station: StationId, day: Day) -> dict[Day, tuple[int, ...]]:
    """A station's complete days of the last weeks before a day: net load by slot, Wh, positive consumes."""
    query = select(net_loads.c.day, net_loads.c.net_load_wh).where(
        net_loads.c.station == station, net_loads.c.day < day.number, net_loads.c.day >= day.number - _DAYS_BACK
    )
    return {Day(row.day): _values(row.net_load_wh) for row in connection.execute(query)}


def file_measured(connection: Connection, day: Day, loads: Mapping[StationId, tuple[int, ...]]) -> None:
    """Keep what the stations' own meters showed of a day."""
    for station, values in sorted(loads.items()):
        repository.put(connection, station=station, day=day.number, source="measured", net_load_wh=values)


def _values(raw: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(raw[at : at + 8], "big", signed=True) for at in range(0, len(raw), 8))
