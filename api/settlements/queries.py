"""What other slices may ask about settlements: each day's versions, and the whole day as it stands."""

from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select

from alliance.calendar import Day
from alliance.errors import Missing
from alliance.identity import Digest
from alliance.settlement import apply_correction
from alliance.statement import Statement
from api.documents import queries as documents
from api.documents.queries import DocumentRow
from api.settlements.repository import settlements
from oracle import statement_document


@dataclass(kw_only=True, eq=False)
class SettlementUnknown(Missing):
    """A day has not been settled."""

    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One statement of a day: version 1 is whole, each later one holds differences."""

    day: Day
    version: int
    document: Digest
    root: Digest
    leaf_count: int
    provisional: bool
    """Whether any slot of the whole day is not metered."""
    log_epoch: int
    """The last epoch of the log that it was computed from."""
    made_ms: int


def statement_name(day: Day, version: int) -> str:
    """The lasting name of a statement's document."""
    return f"statement/{day}/{version}"


def versions(connection: Connection, day: Day) -> list[Version]:
    """A day's statements, the first one first."""
    query = select(settlements).where(settlements.c.day == day.number).order_by(settlements.c.version)
    return [_version(row) for row in connection.execute(query)]


def last_day(connection: Connection) -> Day | None:
    """The last day that was settled."""
    number = connection.execute(select(func.max(settlements.c.day))).scalar_one()
    return None if number is None else Day(number)


def days(connection: Connection, *, before: int | None = None, limit: int) -> list[Day]:
    """Settled days, the newest first, those before one."""
    query = select(settlements.c.day).distinct().order_by(settlements.c.day.desc()).limit(limit)
    if before is not None:
        query = query.where(settlements.c.day < before)
    return [Day(number) for number in connection.execute(query).scalars()]


def statement(connection: Connection, version: Version) -> Statement:
    """One version as it was posted. Raises SettlementUnknown."""
    return statement_document.from_plain(documents.content_of(document(connection, version)))


def document(connection: Connection, version: Version) -> DocumentRow:
    """The sealed document of a version. Raises SettlementUnknown."""
    row = documents.by_name(connection, statement_name(version.day, version.version))
    if row is None:
        raise SettlementUnknown(day=str(version.day))
    return row


def whole(connection: Connection, day: Day) -> Statement:
    """The whole day as it stands after all corrections. Raises SettlementUnknown."""
    found = versions(connection, day)
    if not found:
        raise SettlementUnknown(day=str(day))
    standing = statement(connection, found[0])
    for version in found[1:]:
        standing = apply_correction(standing, statement(connection, version))
    return standing


def _version(row: Row[tuple[object, ...]]) -> Version:
    return Version(
        day=Day(row.day),
        version=row.version,
        document=Digest(row.document),
        root=Digest(row.root),
        leaf_count=row.leaf_count,
        provisional=bool(row.provisional),
        log_epoch=row.log_epoch,
        made_ms=row.made_ms,
    )
