"""Configurations of boxes (protocol 9.20.7): configurers leave them, boxes fetch and answer them, owners see them.

A configuration carries its configurer's signature and an answer its box's: neither needs a session. A box asks under
its device's signature, so that nobody reads how another member's station is set.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import Connection

from alliance.identity import Address, Digest
from api.configurations import queries, repository, service
from api.configurations.queries import ConfigurationRow
from api.configurations.schemas import ConfigurationAnswer, ConfigurationsTaken, ToldAnswer, ToldBodies
from api.configurations.service import Told
from api.devices import voice
from api.devices.voice import AskedDep
from api.paging import PagingDep
from api.platform import PlatformDep
from api.session.access import SignedIn
from api.session.principal import NotYours, Principal
from api.stations import queries as stations
from api.upload import DAG_CBOR, cbor_body
from api.wire import MOST_STATION, SAFE_INTEGER, Page, StationNumber
from oracle import cbor

router = APIRouter(prefix="/v1", tags=["configurations"])
_BINARY = {"content": {DAG_CBOR: {"schema": {"type": "string", "format": "binary"}}}}
_UPLOAD = {"requestBody": {"required": True, **_BINARY}}
_DOWNLOAD: dict[int | str, dict[str, Any]] = {200: _BINARY}


@router.post("/configurations", openapi_extra=_UPLOAD)
def configure(body: Annotated[bytes, Depends(cbor_body)], platform: PlatformDep) -> ConfigurationsTaken:
    """Leave signed configurations, DAG-CBOR `{v: 1, configurations: [bytes]}`; all or none, a repeated one once."""
    messages = service.read_messages(body)
    with platform.database.writing() as connection:
        found = service.take(platform, connection, messages)
    return ConfigurationsTaken(items=tuple(map(_plain, found)))


@router.get("/stations/{station}/configuration", responses=_DOWNLOAD, response_class=Response)
def configuration_for_box(
    station: StationNumber,
    platform: PlatformDep,
    asked: AskedDep,
    after: Annotated[int, Query(ge=0, le=SAFE_INTEGER)] = 0,
) -> Response:
    """What a station's box may take, DAG-CBOR `{v: 1, configuration: bytes or null}`; for its device alone."""
    now_ms = platform.clock.now_ms()
    with platform.database.reading() as connection:
        voice.check_asked(platform, connection, station, asked)
        found = queries.for_box(connection, station, after=after, now_ms=now_ms)
    if found is not None and found.fetched_ms is None:
        with platform.database.writing() as connection:
            repository.fetched(connection, found.digest, t_ms=now_ms)
    message = None if found is None else found.message
    return Response(cbor.encode({"v": 1, "configuration": message}), media_type=DAG_CBOR)


@router.post("/configurations/answers")
def configured(body: ToldBodies, platform: PlatformDep) -> ToldAnswer:
    """Take a box's signed answers; a repeated one counts once."""
    told = [
        Told(
            configuration=Digest(one.configuration), outcome=one.outcome, t_ms=one.t, reason=one.reason, alg=one.alg,
            signature=one.signature,
        )
        for one in body.answers
    ]  # fmt: skip
    with platform.database.writing() as connection:
        unknown = service.hear(platform, connection, Address(body.device), told)
    return ToldAnswer(taken=len(told) - len(unknown), unknown=tuple(unknown))


@router.get("/configurations")
def configurations(
    platform: PlatformDep,
    principal: SignedIn,
    paging: PagingDep,
    station: Annotated[int | None, Query(ge=1, le=MOST_STATION)] = None,
) -> Page[ConfigurationAnswer]:
    """Configurations, the newest first: a member's own stations', or all for operator and regulators."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(
            connection, stations=_seen(connection, principal, station), before=int(after[0]) if after else None,
            limit=paging.limit + 1,
        )  # fmt: skip
    page, following = paging.cut(found, lambda row: (row.row,))
    return Page(items=tuple(map(_plain, page)), next=following)


def _seen(connection: Connection, principal: Principal, station: int | None) -> list[int] | None:
    """The stations whose configurations are told; None is all. Raises StationUnknown or NotYours (P17)."""
    if station is not None:
        if not principal.sees_everything and principal.member != stations.owner_of(connection, station):
            raise NotYours(what=f"the configurations of station {station}")
        return [station]
    if principal.sees_everything:
        return None
    if principal.member is None:
        raise NotYours(what="configurations")
    return [one.number for one in stations.all_stations(connection) if one.owner == principal.member]


def _plain(row: ConfigurationRow) -> ConfigurationAnswer:
    body = row.body
    return ConfigurationAnswer(
        digest=row.digest, station=row.station, number=row.number, issued_at=row.issued_ms, until=row.until_ms,
        trial_s=body.trial_s, patience_s=body.patience_s, values=dict(body.values), configurer=row.configurer,
        message=row.message, taken_at=row.taken_ms, fetched_at=row.fetched_ms, outcome=row.outcome,
        answered_at=row.answered_ms, reason=row.reason,
    )  # fmt: skip
