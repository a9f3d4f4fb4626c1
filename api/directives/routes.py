"""Directives (protocol 9.15.6): dispatchers leave them, boxes fetch and answer them, whose they are see them.

A directive carries its dispatcher's signature and an answer its box's: neither needs a session. A box asks under its
device's signature, so that nobody reads what another member's station is told.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy import Connection

from alliance.identity import Address, Digest
from alliance.obedience import Outcome, Standing, standing
from api.devices.voice import AskedDep
from api.directives import queries, repository, service
from api.directives.queries import DirectiveRow, DirectiveUnknown
from api.directives.reasons import in_words
from api.directives.schemas import (
    DirectiveAnswer,
    DirectiveDetail,
    DirectivesTaken,
    HeardAnswer,
    SaidBodies,
    SignedAnswer,
)
from api.directives.service import Said
from api.paging import PagingDep
from api.platform import Platform, PlatformDep
from api.session.access import SignedIn
from api.session.principal import NotYours, Principal
from api.stations import queries as stations
from api.upload import DAG_CBOR, cbor_body
from api.wire import MOST_STATION, SAFE_INTEGER, Hex32, Page, StationNumber
from oracle import cbor
from oracle.directive import Envelope, Instruction

router = APIRouter(prefix="/v1", tags=["directives"])
_UPLOAD = {"requestBody": {"required": True, "content": {DAG_CBOR: {"schema": {"type": "string", "format": "binary"}}}}}
_DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {"content": {DAG_CBOR: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("/directives", openapi_extra=_UPLOAD)
def send(body: Annotated[bytes, Depends(cbor_body)], platform: PlatformDep) -> DirectivesTaken:
    """Leave signed directives for boxes, DAG-CBOR `{v: 1, directives: [bytes]}`; all or none, a repeated one once."""
    messages = service.read_messages(body)
    with platform.database.writing() as connection:
        found = service.take(platform, connection, messages)
    return DirectivesTaken(items=tuple(DirectiveAnswer(**_plain(platform, row)) for row in found))


@router.get("/stations/{station}/directives", responses=_DOWNLOAD, response_class=Response)
def for_box(
    station: StationNumber,
    platform: PlatformDep,
    asked: AskedDep,
    after: Annotated[int, Query(ge=0, le=SAFE_INTEGER)] = 0,
) -> Response:
    """What a station's box has to decide on, DAG-CBOR `{v: 1, directives: [bytes]}`; for its device alone."""
    with platform.database.reading() as connection:
        found = service.for_box(platform, connection, station, after=after, asked=asked)
    if found:
        with platform.database.writing() as connection:
            repository.fetched(connection, station, [one.number for one in found], t_ms=platform.clock.now_ms())
    messages = [one.message for one in found]
    return Response(cbor.encode({"v": 1, "directives": messages}), media_type=DAG_CBOR)


@router.post("/directives/answers")
def answer(body: SaidBodies, platform: PlatformDep) -> HeardAnswer:
    """Take a box's signed answers; a repeated one counts once."""
    said = [
        Said(
            directive=Digest(one.directive), outcome=Outcome(one.outcome), t_ms=one.t, reason=one.reason, alg=one.alg,
            signature=one.signature,
        )
        for one in body.answers
    ]  # fmt: skip
    with platform.database.writing() as connection:
        unknown = service.hear(platform, connection, Address(body.device), said)
    return HeardAnswer(taken=len(said) - len(unknown), unknown=tuple(unknown))


@router.get("/directives")
def directives(
    platform: PlatformDep,
    principal: SignedIn,
    paging: PagingDep,
    station: Annotated[int | None, Query(ge=1, le=MOST_STATION)] = None,
    state: Annotated[Standing | None, Query()] = None,
    call: Annotated[int | None, Query(ge=1, le=SAFE_INTEGER, description="of this instruction")] = None,
) -> Page[DirectiveAnswer]:
    """Directives, the newest first: a member's own stations', or all for operator, dispatchers and regulators."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(
            connection, stations=_seen(connection, principal, station), state=state, call=call,
            before=int(after[0]) if after else None, limit=paging.limit + 1, now_ms=platform.clock.now_ms(),
            answer_ms=_answer_ms(platform),
        )  # fmt: skip
    page, following = paging.cut(found, lambda row: (row.row,))
    return Page(items=tuple(DirectiveAnswer(**_plain(platform, row)) for row in page), next=following)


@router.get("/directives/{directive}")
def directive(directive: Annotated[Hex32, Path()], platform: PlatformDep, principal: SignedIn) -> DirectiveDetail:
    """One directive as it was signed, with every answer as its box signed it; another's is unknown."""
    with platform.database.reading() as connection:
        row = queries.one(connection, Digest(directive))
        if not _sees(connection, principal, row.station):
            raise DirectiveUnknown(directive=row.digest)
        heard = queries.answers(connection, row.digest)
    signed = tuple(
        SignedAnswer(
            outcome=a.outcome, t=a.t_ms, reason=a.reason, device=a.device, signer=a.signer, alg=a.alg,
            signature=a.signature, heard_at=a.heard_ms,
        )
        for a in heard
    )  # fmt: skip
    return DirectiveDetail(**_plain(platform, row), message=row.message, answers=signed)


def _seen(connection: Connection, principal: Principal, station: int | None) -> list[int] | None:
    """The stations whose directives are told; None is all. Raises StationUnknown or NotYours (P17)."""
    if station is not None:
        if not _sees(connection, principal, station):
            raise NotYours(what=f"the directives of station {station}")
        return [station]
    if principal.sees_everything or principal.dispatcher:
        return None
    if principal.member is None:
        raise NotYours(what="directives")
    return [one.number for one in stations.all_stations(connection) if one.owner == principal.member]


def _sees(connection: Connection, principal: Principal, station: int) -> bool:
    """Whether the directives of a station may be told. Raises StationUnknown."""
    if principal.sees_everything or principal.dispatcher:
        return True
    return principal.member is not None and principal.member == stations.owner_of(connection, station)


def _answer_ms(platform: Platform) -> int:
    return 1_000 * platform.settings.directive_answer_seconds


def _plain(platform: Platform, row: DirectiveRow) -> dict[str, Any]:
    body = row.body
    told: dict[str, Any] = dict.fromkeys(("service", "power_w", "droop", "reserve_up_w", "reserve_down_w"))
    match body:
        case Instruction():
            told |= {"kind": "instruction", "service": body.service, "power_w": body.power_w}
        case Envelope():
            told |= {
                "kind": "envelope", "droop": body.droop is not None, "reserve_up_w": body.reserve_up_w,
                "reserve_down_w": body.reserve_down_w,
            }  # fmt: skip
    return told | {
        "digest": row.digest, "station": row.station, "number": row.number, "issued_at": row.issued_ms,
        "from_": row.from_ms, "until": row.until_ms, "plan": row.plan, "call": row.call, "given_w": row.given_w,
        "dispatcher": row.dispatcher, "taken_at": row.taken_ms, "fetched_at": row.fetched_ms,
        "standing": standing(row.heard, now_ms=platform.clock.now_ms(), answer_ms=_answer_ms(platform)),
        "reasons": in_words(row.reason), "decided_at": row.decided_ms, "ended_at": row.ended_ms,
        "escalated_at": row.escalated_ms,
    }  # fmt: skip
