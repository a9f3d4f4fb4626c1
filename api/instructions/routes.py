"""Instructions: the dispatcher's targets, split over stations; members see every record, and their own states."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from alliance.fairness import fairness as report
from alliance.identity import Digest, StationId
from alliance.instruction import cost_cents_per_hour, instruction_from_plain
from api.directives import queries as directives
from api.idempotency import OnceDep
from api.instructions import queries, service
from api.instructions.queries import InstructionRow
from api.instructions.schemas import (
    FairnessAnswer,
    FairnessRowAnswer,
    InstructionAnswer,
    InstructionBody,
    InstructionDetail,
    InstructionHeading,
    ObeyedAnswer,
    RecordAnswer,
    StateAnswer,
)
from api.instructions.service import Wanted
from api.paging import PagingDep, WindowDep
from api.platform import Platform, PlatformDep
from api.session.access import Dispatcher, SignedIn
from api.session.principal import NotYours, Principal
from api.stations import queries as stations
from api.wire import SAFE_INTEGER, Page

router = APIRouter(prefix="/v1/instructions", tags=["instructions"])
CallNumber = Annotated[int, Path(ge=1, le=SAFE_INTEGER)]


@router.post("", status_code=201, response_model=InstructionAnswer)
def instruct(body: InstructionBody, platform: PlatformDep, principal: Dispatcher, once: OnceDep) -> Response:
    """Split a target over stations by their last measured states.

    A shortfall is part of the answer. Boxes obey what a dispatcher signs of it (`POST /v1/directives`).
    """
    wanted = Wanted(
        target_w=body.target_w,
        method=body.method,
        duration_s=body.duration_s,
        region=body.region,
        stations=body.stations,
        terms=[(one.station, one.weight, one.price) for one in body.terms or ()],
        parent=None if body.parent is None else Digest(body.parent),
    )
    return once.run(lambda connection: _answer(service.instruct(platform, connection, wanted, by=principal.name)))


@router.get("")
def instructions(platform: PlatformDep, principal: SignedIn, paging: PagingDep) -> Page[InstructionHeading]:
    """Instructions, the newest first."""
    _check_may_look(principal)
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(connection, before=int(after[0]) if after else None, limit=paging.limit + 1)
    page, following = paging.cut(found, lambda row: (row.call,))
    return Page(items=tuple(map(_heading, page)), next=following)


@router.get("/fairness")
def fairness(platform: PlatformDep, principal: SignedIn, window: WindowDep) -> FairnessAnswer:
    """How often and how much each station was called per megawatt that it had, over the instructions of a span."""
    _check_may_look(principal)
    with platform.database.reading() as connection:
        found = report(queries.calls(connection, window))
    rows = (FairnessRowAnswer(**{name: getattr(row, name) for name in row.__slots__}) for row in found.rows)
    return FairnessAnswer(from_=window.from_ms, to=window.to_ms, spread_bp=found.spread_bp, rows=tuple(rows))


@router.get("/{instruction}")
def instruction(instruction: CallNumber, platform: PlatformDep, principal: SignedIn) -> InstructionDetail:
    """One instruction: the record, and of the states behind its caps those that the asker may see."""
    _check_may_look(principal)
    with platform.database.reading() as connection:
        row = queries.one(connection, instruction)
        states = tuple(
            StateAnswer.model_validate(state)
            for station, state in queries.states(connection, row.call).items()
            if _may_see(connection, principal, station)
        )
        obeyed = _obeyed(platform, connection, row)
    answer = _answer(row)
    return InstructionDetail(
        call=answer.call, region=answer.region, cost_cents_per_hour=answer.cost_cents_per_hour, record=answer.record,
        states=states, obeyed=obeyed,
    )  # fmt: skip


def _check_may_look(principal: Principal) -> None:
    """Instructions concern all members: each may recompute every selection. Raises NotYours for other wallets."""
    if principal.member is None and not principal.sees_everything and not principal.dispatcher:
        raise NotYours(what="the alliance's instructions")


def _may_see(connection: Connection, principal: Principal, station: StationId) -> bool:
    everything = principal.sees_everything or principal.dispatcher
    return everything or principal.member == stations.owner_of(connection, station)


def _obeyed(platform: Platform, connection: Connection, row: InstructionRow) -> ObeyedAnswer:
    found = directives.obeyed(
        connection, row.call, row.record["targetW"], now_ms=platform.clock.now_ms(),
        answer_ms=1_000 * platform.settings.directive_answer_seconds,
    )  # fmt: skip
    return ObeyedAnswer(
        sent=found.sent, promised_w=found.promised_w, done_w=found.done_w, missing_w=found.missing_w,
        **{str(standing): count for standing, count in found.standings.items()},
    )  # fmt: skip


def _answer(row: InstructionRow) -> InstructionAnswer:
    order = instruction_from_plain(row.record)
    given = [one["givenW"] for one in row.record["stations"]]
    return InstructionAnswer(
        call=row.call,
        region=row.region,
        cost_cents_per_hour=cost_cents_per_hour(order.offers, given),
        record=RecordAnswer.model_validate(row.record, strict=False),
    )


def _heading(row: queries.InstructionHeading) -> InstructionHeading:
    return InstructionHeading(
        call=row.call, issued_at=row.issued_ms, region=row.region, method=row.method, target_w=row.target_w,
        shortfall_w=row.shortfall_w, stations=row.stations, excluded=row.excluded, digest=row.digest,
        parent=row.parent,
    )  # fmt: skip
