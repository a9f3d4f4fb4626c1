"""Readers of encrypted evidence (protocol 4.8.3): `/v1/readers`, their trail and its export, and erasure."""

import csv
import io
from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlalchemy import Connection

from alliance.calendar import iso_utc
from alliance.identity import Address, MemberId
from api.idempotency import OnceDep
from api.paging import PagingDep
from api.platform import PlatformDep
from api.privacy import erasure, queries, repository, service
from api.privacy.queries import ReaderKind, Scope, Viewer
from api.privacy.repository import ReaderRow, TrailRow
from api.privacy.schemas import ActAnswer, ErasureAnswer, ErasureBody, ReaderAnswer, ReaderBody, SubjectBody
from api.privacy.service import NewReader
from api.session.access import SignedIn
from api.session.principal import NotYours, Principal
from api.wire import Page, StationNumber

router = APIRouter(prefix="/v1/readers", tags=["privacy"])
subjects_router = APIRouter(prefix="/v1/stations", tags=["privacy"])
_CSV = "text/csv; charset=utf-8"
Fingerprint = Annotated[str, Path(pattern="^[0-9a-f]{20}$")]


@router.get("")
def readers(platform: PlatformDep, principal: SignedIn) -> tuple[ReaderAnswer, ...]:
    """The readers that can read something of the asker's, and regulators; operator and regulators see all."""
    viewer = _viewer(principal)
    with platform.database.reading() as connection:
        return tuple(_answer(row, scope) for row, scope in queries.visible(connection, viewer))


@router.post("", status_code=201, response_model=ReaderAnswer)
def register(body: ReaderBody, platform: PlatformDep, principal: SignedIn, once: OnceDep) -> Response:
    """Register a reader: a member for itself, an auditor by any member, a regulator by the operator."""
    new = NewReader(
        public_key=body.public_key,
        kind=ReaderKind(body.kind),
        name=body.name,
        member=None if body.member is None else MemberId(body.member),
        account=None if body.account is None else Address(body.account),
    )

    def work(connection: Connection) -> ReaderAnswer:
        row = service.register(platform, connection, new, by=principal)
        return _answer(row, queries.scope_of(connection, row))

    return once.run(work)


@router.delete("/{fingerprint}", status_code=204)
def remove(fingerprint: Fingerprint, platform: PlatformDep, principal: SignedIn) -> None:
    """Remove a reader: nothing more is granted and its grants are deleted. What it copied cannot be recalled."""
    with platform.database.writing() as connection:
        service.remove(platform, connection, fingerprint, by=principal)
    service.drop_files(platform, fingerprint)


@router.post("/{fingerprint}/subjects", status_code=201, response_model=ReaderAnswer)
def give(
    fingerprint: Fingerprint, body: SubjectBody, platform: PlatformDep, principal: SignedIn, once: OnceDep
) -> Response:
    """Give an auditor a station's evidence (its owner) or the alliance's documents (the operator), past and future."""

    def work(connection: Connection) -> ReaderAnswer:
        row = service.give(platform, connection, fingerprint, body.subject, by=principal)
        return _answer(row, queries.scope_of(connection, row))

    return once.run(work)


@router.delete("/{fingerprint}/subjects/{subject}", status_code=204)
def take_back(
    fingerprint: Fingerprint, subject: Annotated[int, Path(ge=0, le=(1 << 31) - 1)], platform: PlatformDep,
    principal: SignedIn,
) -> None:  # fmt: skip
    """Take a subject from an auditor: future grants end, old ones are deleted. Copies cannot be recalled."""
    with platform.database.writing() as connection:
        service.take_back(platform, connection, fingerprint, subject, by=principal)
        held = repository.epochs_of_subject(connection, subject)
    service.drop_files(platform, fingerprint, held)


@router.get("/trail")
def trail(platform: PlatformDep, principal: SignedIn, paging: PagingDep) -> Page[ActAnswer]:
    """Who was granted what, when and by whom; removals and erasures too. In order."""
    after, viewer = paging.after(int), _viewer(principal)
    with platform.database.reading() as connection:
        found = queries.trail(connection, viewer, after=int(after[0]) if after else 0)
    page, following = paging.cut(found[: paging.limit + 1], lambda row: (row.number,))
    return Page(items=tuple(_act(row) for row in page), next=following)


@router.get("/trail.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def export(platform: PlatformDep, principal: SignedIn) -> Response:
    """The trail as a table, for a regulator's files."""
    with platform.database.reading() as connection:
        found = queries.trail(connection, _viewer(principal))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(("number", "at", "what", "by", "reader", "kind", "subject"))
    for r in found:
        table.writerow((r.number, iso_utc(r.t_ms), r.what, r.by, r.fingerprint or "", r.kind or "", _text(r.subject)))
    headers = {"Content-Disposition": 'attachment; filename="readers.csv"', "Cache-Control": "no-store"}
    return Response(out.getvalue(), media_type=_CSV, headers=headers)


@subjects_router.post("/{station}/erasure", status_code=201, response_model=ErasureAnswer)
def erase(
    station: StationNumber, body: ErasureBody, platform: PlatformDep, principal: SignedIn, once: OnceDep
) -> Response:
    """Erase a station's evidence for good: its owner once its days are final, the operator with `force` at any time."""

    def work(connection: Connection) -> ErasureAnswer:
        erasure.ask(platform, connection, station, by=principal, confirm=body.confirm, force=body.force)
        asked = repository.erasures_of(connection, open_only=False)[-1]
        return ErasureAnswer(
            subject=asked.subject, through_epoch=asked.through_epoch, asked_at=asked.asked_ms, done_at=asked.done_ms
        )

    answer = once.run(work)
    erasure.finish_files(platform, [station])
    return answer


def _viewer(principal: Principal) -> Viewer:
    """Whose eyes: members and regulators may look, a wallet that is neither may not. Raises NotYours."""
    if principal.member is None and not principal.sees_everything:
        raise NotYours(what="the alliance's readers")
    return Viewer(name=principal.name, member=principal.member, everything=principal.sees_everything)


def _answer(row: ReaderRow, scope: Scope) -> ReaderAnswer:
    return ReaderAnswer(
        fingerprint=row.fingerprint, public_key=row.public_key, kind=row.kind, name=row.name, member=row.member,
        everything=scope.subjects is None, subjects=tuple(sorted(scope.subjects or ())), added_by=row.added_by,
        added_at=row.added_ms, granted_through=row.cursor,
    )  # fmt: skip


def _act(row: TrailRow) -> ActAnswer:
    return ActAnswer(
        number=row.number, at=row.t_ms, what=row.what, by=row.by, reader=row.fingerprint, kind=row.kind,
        subject=row.subject,
    )  # fmt: skip


def _text(subject: int | None) -> str:
    return "" if subject is None else str(subject)
