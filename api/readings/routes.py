"""Readings and receipts (protocol 10.3): a member's own, for the signed-in owner; who has a receipt may check it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection

from alliance.reading import ChannelKind
from api import projection
from api.epochs import queries as epochs
from api.paging import PagingDep, WindowDep
from api.platform import Platform, PlatformDep
from api.projection import ChainStatus
from api.readings import queries, service
from api.readings.queries import ReadingName, ReadingRow
from api.readings.schemas import ReadingAnswer
from api.session import access
from api.session.access import Anyone, SignedIn
from api.session.principal import NotYours
from api.stations import queries as stations
from api.wire import Page, StationNumber
from oracle import receipt

router = APIRouter(prefix="/v1/readings", tags=["readings"])
Channel = Annotated[int, Query(ge=0, le=0xFFFF, description="1 the meter, 2 the battery")]


@router.get("")
def readings(
    station: StationNumber,
    platform: PlatformDep,
    principal: SignedIn,
    window: WindowDep,
    paging: PagingDep,
    channel: Channel = 1,
) -> Page[ReadingAnswer]:
    """A station's readings of one channel, by device and number; its owner's alone."""
    after = paging.after(bytes, int)
    with platform.database.reading() as connection:
        principal.check_reads(stations.owner_of(connection, station), what=f"readings of station {station}")
        found = queries.at_station(
            connection,
            station=station,
            channel=channel,
            window=window,
            after=None if after is None else (bytes(after[0]), int(after[1])),  # type: ignore[arg-type]  # checked by `after`
            limit=paging.limit + 1,
        )
        page, following = paging.cut(found, lambda row: (row.device, row.reading.seq))
        statuses = _statuses(platform, connection, {row.epoch for row in page})
    alliance = platform.deployment.domain.alliance
    return Page(items=tuple(_answer(row, alliance, statuses[row.epoch]) for row in page), next=following)


@router.get("/{name}/receipt")
def receipt_of(name: str, request: Request, platform: PlatformDep, principal: Anyone) -> dict[str, Any]:
    """The proof of one reading, named `{alliance}:{device}:{channel}:{seq}`, once final; for its owner."""
    wanted = queries.parse_name(name, alliance=platform.deployment.domain.alliance)
    access.check_sees(request, platform, principal)
    with platform.database.reading() as connection:
        owner = queries.owner_of(connection, wanted)
        if not access.may_see(platform, principal, owner):
            raise NotYours(what=f"reading {name}")
        return receipt.to_plain(service.receipt_of(platform, connection, wanted))


def _statuses(platform: Platform, connection: Connection, wanted: set[int]) -> dict[int, ChainStatus]:
    head, depth = projection.head_number(connection), platform.settings.finality_blocks
    statuses = {}
    for epoch in wanted:
        checkpoint = epochs.checkpoint_of(connection, epoch)
        block = None if checkpoint is None else checkpoint.block
        statuses[epoch] = projection.status_of(block, head_block=head, finality_blocks=depth)
    return statuses


def _answer(row: ReadingRow, alliance: bytes, status: ChainStatus) -> ReadingAnswer:
    r, battery = row.reading, row.kind is ChannelKind.BATTERY
    return ReadingAnswer(
        id=ReadingName(device=row.device, channel=r.channel, seq=r.seq).text(alliance),
        device=row.device,
        channel=r.channel,
        kind=row.kind.name.lower(),
        seq=r.seq,
        t=r.t_ms,
        flags=r.flags,
        power_w=r.power_w,
        reactive_var=None if battery else r.b,
        soc_bp=r.soc_bp if battery else None,
        soh_bp=r.soh_bp if battery else None,
        import_wh=r.import_wh,
        export_wh=r.export_wh,
        epoch=row.epoch,
        chain_status=status,
    )
