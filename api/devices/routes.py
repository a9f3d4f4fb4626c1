"""Devices of the alliance: `/v1/devices`, public as on the chain."""

from fastapi import APIRouter
from sqlalchemy import Connection

from alliance.identity import Address, to_hex
from api import projection
from api.devices import queries
from api.devices.queries import DeviceRow
from api.devices.schemas import ChannelAnswer, DeviceAnswer, KeyAnswer
from api.members import queries as members
from api.paging import PagingDep
from api.platform import Platform, PlatformDep
from api.wire import SAFE_INTEGER, Page

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@router.get("")
def devices(platform: PlatformDep, paging: PagingDep) -> Page[DeviceAnswer]:
    """Devices by address, with their channels and keys."""
    after = paging.after(bytes)
    with platform.database.reading() as connection:
        found = queries.listed(connection, after=bytes(after[0]) if after else b"", limit=paging.limit + 1)  # type: ignore[arg-type]  # checked by `after`
        page, following = paging.cut(found, lambda row: (row.device,))
        return Page(items=tuple(_answer(platform, connection, row) for row in page), next=following)


def did(chain_id: int, device: Address) -> str:
    """A device's decentralised identifier (did:ethr with the chain's number in hex)."""
    return f"did:ethr:{chain_id:#x}:{to_hex(device)}"


def _answer(platform: Platform, connection: Connection, row: DeviceRow) -> DeviceAnswer:
    bindings = {binding.channel: binding for binding in queries.channels_of(connection, row.device)}
    return DeviceAnswer(
        device=row.device,
        did=did(platform.deployment.chain_id, row.device),
        owner=row.owner,
        owner_member=members.number_of(connection, row.owner),
        station=row.station,
        attested=row.attested,
        channels=tuple(
            ChannelAnswer(
                channel=number,
                kind=bound.kind.name.lower(),
                station=bound.station,
                from_=min(bound.from_ms, SAFE_INTEGER),
                to=min(bound.to_ms, SAFE_INTEGER),
            )
            for number, bound in sorted(bindings.items())
        ),
        keys=tuple(
            KeyAnswer(
                key=key.key,
                valid_to=key.valid_to_s,
                revoked=key.revoked,
                frozen=key.frozen,
                compromised_since_epoch=key.compromised_since_epoch,
            )
            for key in queries.keys_of(connection, row.device)
        ),
        chain_status=projection.status_of(
            row.block,
            head_block=projection.head_number(connection),
            finality_blocks=platform.settings.finality_blocks,
        ),
    )
