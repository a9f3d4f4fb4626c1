"""What other slices may ask about readers (protocol 4.8.3): who may read which subjects, and what was done when."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, select

from alliance.errors import Missing
from alliance.identity import Address, MemberId
from api.members import queries as members
from api.privacy import repository
from api.privacy.repository import ReaderRow, TrailRow, readers
from api.privacy.subjects import ALLIANCE
from api.stations import queries as stations


class ReaderKind(StrEnum):
    """What a reader is, and hence what it may read."""

    MEMBER = "member"
    """The evidence of its member's stations, and the alliance's documents."""
    AUDITOR = "auditor"
    """What it is given, subject by subject."""
    REGULATOR = "regulator"
    """Everything."""


class Act(StrEnum):
    """What the trail records."""

    ADDED = "reader_added"
    REMOVED = "reader_removed"
    GIVEN = "given"
    TAKEN_BACK = "taken_back"
    ERASURE_ASKED = "erasure_asked"
    ERASED = "erased"


@dataclass(kw_only=True, eq=False)
class ReaderUnknown(Missing):
    """No reader of this fingerprint is registered."""

    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a reader may read; `subjects` is None for everything."""

    subjects: frozenset[int] | None

    def __contains__(self, subject: int) -> bool:
        return self.subjects is None or subject in self.subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks at readers and trail: everything, or what touches a member's stations and the alliance."""

    name: str
    member: MemberId | None
    everything: bool


def scope_of(connection: Connection, reader: ReaderRow) -> Scope:
    """What a reader may read, as things stand."""
    match ReaderKind(reader.kind):
        case ReaderKind.REGULATOR:
            return Scope(subjects=None)
        case ReaderKind.AUDITOR:
            return Scope(subjects=frozenset(repository.given_to(connection, reader.number)))
        case ReaderKind.MEMBER:
            return Scope(subjects=frozenset({ALLIANCE, *_stations_of(connection, reader.member)}))


def reader(connection: Connection, fingerprint: str) -> ReaderRow:
    """A registered reader. Raises ReaderUnknown."""
    found = repository.active_reader(connection, fingerprint)
    if found is None:
        raise ReaderUnknown(fingerprint=fingerprint)
    return found


def visible(connection: Connection, viewer: Viewer) -> list[tuple[ReaderRow, Scope]]:
    """The registered readers that a viewer may know of: those that can read something of his, and regulators."""
    mine = _subjects_of(connection, viewer)
    found = [(row, scope_of(connection, row)) for row in repository.active_readers(connection)]
    if viewer.everything:
        return found
    return [(row, scope) for row, scope in found if _concerns(row, scope, viewer, mine)]


def trail(connection: Connection, viewer: Viewer, *, after: int = 0) -> list[TrailRow]:
    """What was done, as far as it concerns a viewer's stations, the alliance or everybody."""
    rows = repository.trail_after(connection, after)
    if viewer.everything:
        return rows
    mine, known = _subjects_of(connection, viewer), {row.fingerprint for row, _ in visible(connection, viewer)}
    return [row for row in rows if row.subject in mine or (row.subject is None and row.fingerprint in known)]


def is_regulator(connection: Connection, account: Address) -> bool:
    """Whether a wallet is a registered regulator's."""
    query = select(readers.c.number).where(
        readers.c.account == account, readers.c.kind == ReaderKind.REGULATOR.value, readers.c.removed_ms.is_(None)
    )
    return connection.execute(query.limit(1)).one_or_none() is not None


def _concerns(row: ReaderRow, scope: Scope, viewer: Viewer, mine: set[int]) -> bool:
    if scope.subjects is None or row.added_by == viewer.name:
        return True
    if row.member is not None:
        return row.member == viewer.member
    return bool(mine & scope.subjects)


def _subjects_of(connection: Connection, viewer: Viewer) -> set[int]:
    return {ALLIANCE, *_stations_of(connection, viewer.member)}


def _stations_of(connection: Connection, member: MemberId | None) -> list[int]:
    if member is None or members.address_of(connection, member) is None:
        return []
    return [station.number for station in stations.all_stations(connection) if station.owner == member]
