"""What other slices may ask about stations."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, select

from alliance.errors import Missing
from alliance.fleet import Station, StationType
from alliance.identity import Address, MemberId, StationId
from api.members import queries as members
from api.stations.repository import stations


@dataclass(kw_only=True, eq=False)
class StationUnknown(Missing):
    """No station has this number."""

    station: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRow:
    """A station with its owner's account and the block that registered it."""

    station: Station
    owner_address: Address
    block: int


def listed(connection: Connection, *, after: int = 0, limit: int | None = None) -> list[StationRow]:
    """Stations by number, those behind `after`, `limit` at most."""
    query = select(stations).where(stations.c.station > after).order_by(stations.c.station).limit(limit)
    return [_row(connection, row) for row in connection.execute(query)]


def one(connection: Connection, station: int) -> StationRow:
    """A station. Raises StationUnknown."""
    row = connection.execute(select(stations).where(stations.c.station == station)).one_or_none()
    if row is None:
        raise StationUnknown(station=station)
    return _row(connection, row)


def all_stations(connection: Connection) -> tuple[Station, ...]:
    """Every station, by number."""
    return tuple(row.station for row in listed(connection))


def owner_of(connection: Connection, station: int) -> MemberId:
    """The member that owns a station. Raises StationUnknown."""
    return one(connection, station).station.owner


def _row(connection: Connection, row: Row[tuple[object, ...]]) -> StationRow:
    owner = Address(row.owner)
    station = Station(
        number=StationId(row.station),
        owner=members.number_of(connection, owner) or MemberId(0),
        station_type=StationType(row.station_type),
        region=row.region,
        charge_power_w=row.charge_power_w,
        discharge_power_w=row.discharge_power_w,
        capacity_wh=row.capacity_wh,
        pcc_import_w=row.pcc_import_w,
        pcc_export_w=row.pcc_export_w,
    )
    return StationRow(station=station, owner_address=owner, block=row.block)
