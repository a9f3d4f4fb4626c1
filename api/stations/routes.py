"""Stations of the alliance: `/v1/stations`, public as on the chain."""

from fastapi import APIRouter

from api import projection
from api.paging import PagingDep
from api.platform import Platform, PlatformDep
from api.stations import queries
from api.stations.queries import StationRow
from api.stations.schemas import StationAnswer
from api.wire import Page, StationNumber

router = APIRouter(prefix="/v1/stations", tags=["stations"])


@router.get("")
def stations(platform: PlatformDep, paging: PagingDep) -> Page[StationAnswer]:
    """Stations by number."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(connection, after=int(after[0]) if after else 0, limit=paging.limit + 1)
        head = projection.head_number(connection)
    page, following = paging.cut(found, lambda row: (row.station.number,))
    return Page(items=tuple(_answer(platform, row, head) for row in page), next=following)


@router.get("/{station}")
def station(station: StationNumber, platform: PlatformDep) -> StationAnswer:
    """One station."""
    with platform.database.reading() as connection:
        return _answer(platform, queries.one(connection, station), projection.head_number(connection))


def _answer(platform: Platform, row: StationRow, head: int) -> StationAnswer:
    rated = row.station
    return StationAnswer(
        station=rated.number,
        owner=rated.owner,
        owner_address=row.owner_address,
        station_type=rated.station_type.name.lower(),
        region=rated.region,
        charge_power_w=rated.charge_power_w,
        discharge_power_w=rated.discharge_power_w,
        capacity_wh=rated.capacity_wh,
        pcc_import_w=rated.pcc_import_w,
        pcc_export_w=rated.pcc_export_w,
        safety_agreement=row.agreement,
        change_asked=row.change_asked,
        chain_status=projection.status_of(
            row.block, head_block=head, finality_blocks=platform.settings.finality_blocks
        ),
    )
