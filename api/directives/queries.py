"""What other slices and jobs may ask about directives (protocol 9.15.7, 9.15.8)."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, and_, false, func, or_, select

from alliance.errors import Missing
from alliance.identity import Address, Digest, StationId
from alliance.obedience import SUPERSEDED, Heard, Outcome, Share, Standing, Tally, due_ms, standing, tally
from api.directives.repository import directive_answers, directives
from oracle import directive as directive_bytes
from oracle.directive import Body

MOST_AT_ONCE = 100
"""So many directives go out in one answer to a box, the lowest numbers first."""
MOST_OVERDUE = 1_000
"""So many are told to be overdue at once; the next are told when these are marked."""


@dataclass(kw_only=True, eq=False)
class DirectiveUnknown(Missing):
    """There is no directive of this digest."""

    directive: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectiveRow:
    """A directive as it was taken, and what its box said. Times in UTC milliseconds."""

    row: int
    digest: Digest
    station: StationId
    number: int
    issued_ms: int
    from_ms: int
    until_ms: int
    plan: Digest
    call: int | None
    given_w: int | None
    """What it gives of its instruction's target."""
    dispatcher: Address
    message: bytes
    taken_ms: int
    fetched_ms: int | None
    """When the box first asked so that it was told."""
    decided: Outcome | None
    decided_ms: int | None
    reason: str
    ended_ms: int | None
    ended: str | None
    escalated_ms: int | None

    @property
    def heard(self) -> Heard:
        """What was heard of it."""
        return Heard(until_ms=self.until_ms, taken_ms=self.taken_ms, decided=self.decided, ended=self.ended)

    @property
    def body(self) -> Body:
        """What it tells the station to do."""
        return directive_bytes.body_of(directive_bytes.read(self.message).directive.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A directive that its box has to decide on, as it was signed."""

    number: int
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """A box's signed word, as it came."""

    outcome: Outcome
    t_ms: int
    reason: str
    device: Address
    signer: Address
    alg: int
    signature: bytes
    heard_ms: int


def one(connection: Connection, digest: Digest) -> DirectiveRow:
    """A directive. Raises DirectiveUnknown."""
    found = by_digest(connection, digest)
    if found is None:
        raise DirectiveUnknown(directive=digest)
    return found


def by_digest(connection: Connection, digest: Digest) -> DirectiveRow | None:
    """A directive, None where it was never taken."""
    row = connection.execute(select(directives).where(directives.c.digest == digest)).one_or_none()
    return None if row is None else _row(row)


def for_box(connection: Connection, station: int, *, after: int, now_ms: int) -> list[Waiting]:
    """What a station's box has to decide on: numbered above `after` and not run out, ascending, MOST_AT_ONCE of it."""
    mine = (directives.c.station == station, directives.c.number > after, directives.c.until_ms > now_ms)
    columns = (directives.c.number, directives.c.message)
    query = select(*columns).where(*mine).order_by(directives.c.number).limit(MOST_AT_ONCE)
    return [Waiting(number=row.number, message=row.message) for row in connection.execute(query)]


def listed(
    connection: Connection, *, stations: Collection[int] | None = None, state: Standing | None = None,
    call: int | None = None, before: int | None = None, limit: int, now_ms: int, answer_ms: int,
) -> list[DirectiveRow]:  # fmt: skip
    """Directives, the newest first: of some stations (None: of all), in a state, of an instruction, before a row."""
    query = select(directives).order_by(directives.c.row.desc()).limit(limit)
    if stations is not None:
        query = query.where(directives.c.station.in_(stations))
    if state is not None:
        query = query.where(_stands(state, now_ms=now_ms, answer_ms=answer_ms))
    if call is not None:
        query = query.where(directives.c.call == call)
    if before is not None:
        query = query.where(directives.c.row < before)
    return [_row(row) for row in connection.execute(query)]


def answers(connection: Connection, digest: Digest) -> list[AnswerRow]:
    """Every answer that was heard to a directive, oldest first."""
    query = select(directive_answers).where(directive_answers.c.digest == digest).order_by(directive_answers.c.row)
    return [
        AnswerRow(
            outcome=Outcome(r.outcome), t_ms=r.t_ms, reason=r.reason, device=Address(r.device),
            signer=Address(r.signer), alg=r.alg, signature=r.signature, heard_ms=r.heard_ms,
        )
        for r in connection.execute(query)
    ]  # fmt: skip


def obeyed(connection: Connection, call: int, target_w: int, *, now_ms: int, answer_ms: int) -> Tally:
    """How an instruction is obeyed; of several directives to a station under it the newest counts."""
    parts = (directives.c.call == call, directives.c.given_w.is_not(None))  # what else names it as its plan is no part
    query = select(directives).where(*parts).order_by(directives.c.row)
    latest = {row.station: _row(row) for row in connection.execute(query)}
    shares = [
        Share(given_w=row.given_w or 0, standing=standing(row.heard, now_ms=now_ms, answer_ms=answer_ms))
        for row in latest.values()
    ]
    return tally(target_w, shares)


def overdue(connection: Connection, *, now_ms: int, answer_ms: int) -> list[DirectiveRow]:
    """Directives whose next word is overdue and was not yet marked so (G14), the oldest MOST_OVERDUE of them."""
    c = directives.c
    silent = and_(c.decided.is_(None), c.ended_ms.is_(None), func.min(c.until_ms, c.taken_ms + answer_ms) <= now_ms)
    endless = and_(c.decided == int(Outcome.ACCEPTED), c.ended_ms.is_(None), c.until_ms + answer_ms <= now_ms)
    query = select(directives).where(c.escalated_ms.is_(None), or_(silent, endless))
    rows = [_row(row) for row in connection.execute(query.order_by(c.row).limit(MOST_OVERDUE))]
    return [r for r in rows if (due := due_ms(r.heard, answer_ms=answer_ms)) is not None and now_ms >= due]


def _stands(state: Standing, *, now_ms: int, answer_ms: int) -> ColumnElement[bool]:
    """The rows for which `alliance.obedience.standing` gives a state."""
    c = directives.c
    refused, ended = c.decided == int(Outcome.REFUSED), c.ended.is_not(None)
    open_, due = and_(c.decided.is_(None), ~ended), func.min(c.until_ms, c.taken_ms + answer_ms)
    match state:
        case Standing.REFUSED:
            return refused
        case Standing.SUPERSEDED:
            return and_(c.ended == SUPERSEDED, func.coalesce(~refused, ~false()))
        case Standing.DONE:
            return and_(ended, c.ended != SUPERSEDED, func.coalesce(~refused, ~false()))
        case Standing.ACCEPTED:
            return and_(c.decided == int(Outcome.ACCEPTED), ~ended)
        case Standing.UNANSWERED:
            return and_(open_, due <= now_ms)
        case Standing.WAITING:
            return and_(open_, due > now_ms)


def _row(row: Row[tuple[object, ...]]) -> DirectiveRow:
    return DirectiveRow(
        row=row.row, digest=Digest(row.digest), station=StationId(row.station), number=row.number,
        issued_ms=row.issued_ms, from_ms=row.from_ms, until_ms=row.until_ms, plan=Digest(row.plan), call=row.call,
        given_w=row.given_w, dispatcher=Address(row.dispatcher), message=row.message, taken_ms=row.taken_ms,
        fetched_ms=row.fetched_ms, decided=None if row.decided is None else Outcome(row.decided),
        decided_ms=row.decided_ms, reason=row.reason, ended_ms=row.ended_ms, ended=row.ended,
        escalated_ms=row.escalated_ms,
    )  # fmt: skip
