"""What other slices may ask about stations."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, Table, select

from alliance.calendar import Day
from alliance.errors import Missing
from alliance.fleet import Station, StationType
from alliance.identity import Address, Digest, MemberId, StationId
from api.members import queries as members
from api.stations.repository import agreements, changes, requests, stations


@dataclass(kw_only=True, eq=False)
class StationUnknown(Missing):
    """No station has this number."""

    station: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StationRow:
    """A station with its owner's present account, its safety agreement and the block that registered it."""

    station: Station
    owner_address: Address
    agreement: Digest | None
    """SHA-256 of the safety agreement that its owner signed; without one it neither offers nor measures."""
    change_asked: bool
    """Whether its owner asked for another rating that nobody has confirmed yet."""
    block: int


def listed(
    connection: Connection, *, after: int = 0, limit: int | None = None, day: Day | None = None
) -> list[StationRow]:
    """Stations by number, those behind `after`, `limit` at most; rated as on a day, else as rated last."""
    query = select(stations).where(stations.c.station > after).order_by(stations.c.station).limit(limit)
    return [_row(connection, row, day) for row in connection.execute(query)]


def one(connection: Connection, station: int) -> StationRow:
    """A station. Raises StationUnknown."""
    row = connection.execute(select(stations).where(stations.c.station == station)).one_or_none()
    if row is None:
        raise StationUnknown(station=station)
    return _row(connection, row, None)


def all_stations(connection: Connection, day: Day | None = None) -> tuple[Station, ...]:
    """Every station, by number; rated as on a day, else as rated last."""
    return tuple(row.station for row in listed(connection, day=day))


def owner_of(connection: Connection, station: int) -> MemberId:
    """The member that owns a station. Raises StationUnknown."""
    return one(connection, station).station.owner


def _row(connection: Connection, row: Row[tuple[object, ...]], day: Day | None) -> StationRow:
    owner = members.ever_number_of(connection, Address(row.owner)) or MemberId(0)
    rated = _latest(connection, changes, row.station, day) or row
    agreed = _latest(connection, agreements, row.station)
    asked, changed = (_latest(connection, table, row.station) for table in (requests, changes))
    station = Station(
        number=StationId(row.station),
        owner=owner,
        station_type=StationType(rated.station_type),
        region=rated.region,
        charge_power_w=rated.charge_power_w,
        discharge_power_w=rated.discharge_power_w,
        capacity_wh=rated.capacity_wh,
        pcc_import_w=rated.pcc_import_w,
        pcc_export_w=rated.pcc_export_w,
    )
    return StationRow(
        station=station,
        owner_address=members.address_of(connection, owner) or Address(row.owner),
        agreement=None if agreed is None else Digest(agreed.agreement),
        change_asked=asked is not None and (changed is None or _place(asked) > _place(changed)),
        block=row.block,
    )


def _latest(
    connection: Connection, table: Table, station: int, day: Day | None = None
) -> Row[tuple[object, ...]] | None:
    query = select(table).where(table.c.station == station).order_by(table.c.block.desc(), table.c.log_index.desc())
    if day is not None:
        query = query.where(table.c.from_day <= day.number)
    return connection.execute(query.limit(1)).one_or_none()


def _place(row: Row[tuple[object, ...]]) -> tuple[int, int]:
    return row.block, row.log_index
