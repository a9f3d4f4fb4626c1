"""What other slices may ask about schedules: documents of the log, decoded once and kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from alliance.calendar import SLOTS_A_DAY, Day
from alliance.certificate import Certificate, certificate_from_plain, certificate_to_plain
from alliance.errors import Missing
from alliance.identity import Digest
from alliance.money import mul_div
from alliance.schedule import Schedule, schedule_from_plain, schedule_to_plain
from api.documents import queries as documents
from api.documents.repository import DocumentRow
from api.schedules.repository import plan_runs
from oracle.log import EntryType


class Outcome(StrEnum):
    """What came of a run of the planner."""

    PLANNED = "planned"
    """A certified schedule was published."""
    NOMINATED = "nominated"
    """No joint plan could be published; nominations alone stand (protocol 8.3.2)."""
    FAILED = "failed"
    """Nothing was published; it is tried again."""


@dataclass(kw_only=True, eq=False)
class ScheduleUnknown(Missing):
    """There is no such schedule."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the planner."""

    day: Day
    revision: int
    t_ms: int
    outcome: Outcome
    code: str
    detail: str
    schedule: Digest | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """A schedule with its certificate (None: nominations alone) and the document that holds both."""

    row: DocumentRow
    schedule: Schedule
    certificate: Certificate | None


def schedule_name(day: Day, revision: int) -> str:
    """The lasting name of a schedule's document."""
    return f"schedule/{day}/{revision}"


def document_of(schedule: Schedule, certificate: Certificate | None) -> dict[str, object]:
    """The plain content of a schedule's document: nothing else is needed to check it."""
    proof = None if certificate is None else certificate_to_plain(certificate)
    return {"schedule": schedule_to_plain(schedule), "certificate": proof}


def of_day(connection: Connection, day: Day) -> list[ScheduleRecord]:
    """A day's schedules in the order in which they were made."""
    found = []
    for revision in range(1, SLOTS_A_DAY + 1):
        row = documents.by_name(connection, schedule_name(day, revision))
        if row is None:
            break
        found.append(_record(row))
    return found


def by_digest(connection: Connection, digest: Digest) -> ScheduleRecord:
    """The schedule of a document. Raises ScheduleUnknown."""
    row = documents.by_digest(connection, digest)
    if row is None or row.document.kind is not EntryType.SCHEDULE:
        raise ScheduleUnknown(what="0x" + digest.hex())
    return _record(row)


def objective_cents(proof: Certificate) -> int:
    """What the plan costs all members together, cents, rounded."""
    return mul_div(proof.objective_microcents, 1, 1_000_000)


def bound_cents(proof: Certificate) -> int:
    """What no plan can cost less than, cents, rounded."""
    return mul_div(proof.lower_bound_microcents, 1, 1_000_000)


def runs(connection: Connection, day: Day) -> list[Run]:
    """The planner's runs for a day, the oldest first."""
    rows = connection.execute(select(plan_runs).where(plan_runs.c.day == day.number).order_by(plan_runs.c.number))
    return [
        Run(
            day=Day(r.day), revision=r.revision, t_ms=r.t_ms, outcome=Outcome(r.outcome), code=r.code, detail=r.detail,
            schedule=None if r.schedule is None else Digest(r.schedule),
        )
        for r in rows
    ]  # fmt: skip


_CACHE: dict[Digest, ScheduleRecord] = {}
_CACHE_SIZE = 16


def _record(row: DocumentRow) -> ScheduleRecord:
    """Decode a document once; its digest names its content, so a kept copy cannot go stale."""
    digest = row.document.digest
    held = _CACHE.get(digest)
    if held is None:
        held = _decoded(row)
        while len(_CACHE) >= _CACHE_SIZE:
            _CACHE.pop(next(iter(_CACHE)), None)
        _CACHE[digest] = held
    return held


def _decoded(row: DocumentRow) -> ScheduleRecord:
    content = documents.content_of(row)
    if not isinstance(content, Mapping) or set(content) != {"schedule", "certificate"}:
        raise ScheduleUnknown(what=row.name)
    proof = content["certificate"]
    return ScheduleRecord(
        row=row,
        schedule=schedule_from_plain(content["schedule"]),
        certificate=None if proof is None else certificate_from_plain(proof),
    )
