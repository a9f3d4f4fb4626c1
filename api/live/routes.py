"""Live values (protocol 10.4): signed by the device, shown at once, kept in memory only; they settle nothing."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from pydantic import ValidationError

from alliance.errors import Malformed, Refused
from alliance.identity import Address, StationId
from api.devices import queries as devices
from api.live.board import LiveValues
from api.live.schemas import LiveAnswer, LiveBody, LiveStation
from api.platform import PlatformDep
from api.session import access
from api.session.access import Anyone
from api.stations import queries as stations
from oracle import signature
from oracle.eip712 import live_digest

router = APIRouter(prefix="/v1/live", tags=["live"])
_MAX_AGE_MS = 300_000


@dataclass(kw_only=True, eq=False)
class LiveMalformed(Malformed):
    """Live values, or their signature header `<alg>:<hex>`, cannot be read."""

    field: str
    problem: str


@dataclass(kw_only=True, eq=False)
class LiveNotByDevice(Refused):
    """Live values are not signed by a key of the device at its station, or are too old to show."""

    device: Address
    signer: Address
    why: str


async def _raw(request: Request) -> bytes:
    return await request.body()


@router.get("")
def live(platform: PlatformDep, principal: Anyone) -> LiveAnswer:
    """The last live values of the stations that the asker may see."""
    with platform.database.reading() as connection:
        owners = {station.number: station.owner for station in stations.all_stations(connection)}
    values = [v for v in platform.live.all() if access.may_see(platform, principal, owners.get(v.station))]
    return LiveAnswer(
        t=platform.clock.now_ms(),
        stations=tuple(
            LiveStation(
                station=v.station, device=v.device, t=v.t_ms, power_w=v.power_w, battery_power_w=v.battery_power_w,
                soc_bp=v.soc_bp, set_power_w=v.set_power_w, status=v.status, alarms=v.alarms,
            )
            for v in values
        ),
    )  # fmt: skip


@router.post("", status_code=204, openapi_extra={"requestBody": {"required": True, "content": {
    "application/json": {"schema": LiveBody.model_json_schema()}}}})  # fmt: skip
def show(
    platform: PlatformDep,
    raw: Annotated[bytes, Depends(_raw)],
    alliance_signature: Annotated[str, Header(description="<alg>:<hex> over Live(device, t, keccak256(body))")],
) -> Response:
    """Show a station's live values until newer ones come."""
    body = _body(raw)
    alg, signed = _signature(alliance_signature)
    device = Address(body.device)
    named = live_digest(platform.deployment.domain, device=device, t_ms=body.t, body=raw)
    with platform.database.reading() as connection:
        known = devices.public_keys_of(connection)(device, alg)
    signer = signature.recover(named, alg=alg, signature=signed, public_keys=known)
    _check(platform, body, signer)
    platform.live.put(
        LiveValues(
            station=StationId(body.station_id), device=device, t_ms=body.t, power_w=body.power_w,
            battery_power_w=body.battery_power_w, soc_bp=body.soc_bp, set_power_w=body.set_power_w,
            status=body.status, alarms=body.alarms,
        )
    )  # fmt: skip
    return Response(status_code=204)


def _body(raw: bytes) -> LiveBody:
    try:
        return LiveBody.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise LiveMalformed(field=".".join(map(str, first["loc"])), problem=first["msg"]) from None


def _signature(header: str) -> tuple[int, bytes]:
    alg, _, text = header.partition(":")
    try:
        return int(alg), bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise LiveMalformed(field="Alliance-Signature", problem="want <alg>:<hex>") from None


def _check(platform: PlatformDep, body: LiveBody, signer: Address) -> None:
    now_ms, device = platform.clock.now_ms(), Address(body.device)
    with platform.database.reading() as connection:
        keys = {key.key for key in devices.keys_of(connection, device) if key.valid_at(now_ms // 1000)}
        stations = {channel.station for channel in devices.channels_of(connection, device)}
    if signer not in keys:
        raise LiveNotByDevice(device=device, signer=signer, why="the key may not sign for the device")
    if body.station_id not in stations:
        raise LiveNotByDevice(device=device, signer=signer, why="the device does not measure this station")
    if abs(now_ms - body.t) > _MAX_AGE_MS:
        raise LiveNotByDevice(device=device, signer=signer, why="the values are not of now")
