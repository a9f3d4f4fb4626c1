"""What other slices may ask about settlements: each day's versions, and the whole day as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select

from alliance.calendar import Day
from alliance.errors import Missing
from alliance.identity import Digest
from alliance.settlement import apply_correction, apply_decisions
from alliance.statement import Statement
from api.documents import queries as documents
from api.documents.queries import DocumentRow
from api.settlements.repository import settlements
from api.statements import queries as statements
from oracle import statement_document

Identity = tuple[int, int, int, int, int]
"""A line's identity."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedLine:
    """A line in one version: its leaf's index, and its amount, in a correction the difference."""

    version: int
    leaf: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedLines:
    """The lines of a day as they were posted, by identity."""

    lines: Mapping[Identity, list[PostedLine]]
    moved_cents: Mapping[Identity, int]


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
    """The whole day as it stands: after void statements, with all corrections and the court's decisions.

    Raises SettlementUnknown.
    """
    return composed(connection, day, standing_statements(connection, day))


def standing_statements(connection: Connection, day: Day) -> dict[int, Statement]:
    """The statements of a day that stand, by version. Raises SettlementUnknown when none does."""
    found = standing_versions(connection, day)
    if not found:
        raise SettlementUnknown(day=str(day))
    return {version.version: statement(connection, version) for version in found}


def composed(connection: Connection, day: Day, made: Mapping[int, Statement]) -> Statement:
    """The whole day out of its standing statements: the first one, each correction, the court's decisions."""
    first, *corrections = sorted(made)
    standing = made[first]
    for version in corrections:
        standing = apply_correction(standing, made[version])
    moved = _moved_cents(connection, day, made)
    return apply_decisions(standing, moved) if any(moved.values()) else standing


def judged_lines(connection: Connection, day: Day) -> frozenset[Identity]:
    """The lines on which the court moved cents, by identity."""
    if not statements.decisions_of(connection, day):
        return frozenset()
    made = {version.version: statement(connection, version) for version in standing_versions(connection, day)}
    return frozenset(_moved_cents(connection, day, made))


def posted_lines(connection: Connection, day: Day, made: Mapping[int, Statement]) -> PostedLines:
    """Where each line of a day stands in its standing statements, and what the court moved on it."""
    found: dict[Identity, list[PostedLine]] = {}
    for version, posted in made.items():
        before = len(posted.quantities) + len(posted.slot_totals)
        for at, line in enumerate(posted.lines, start=before):
            entry = PostedLine(version=version, leaf=at, amount_cents=line.amount_cents)
            found.setdefault(line.identity, []).append(entry)
    return PostedLines(lines=found, moved_cents=_moved_cents(connection, day, made))


def _moved_cents(connection: Connection, day: Day, made: Mapping[int, Statement]) -> dict[Identity, int]:
    moved: dict[Identity, int] = {}
    for decision in statements.decisions_of(connection, day):
        line = made[decision.version].line_at_leaf(decision.leaf) if decision.version in made else None
        if line is not None:
            moved[line.identity] = moved.get(line.identity, 0) + decision.moved_cents
    return moved


def standing_versions(connection: Connection, day: Day) -> list[Version]:
    """A day's statements that no court has made void, the whole one first."""
    void = statements.voided_up_to(connection, day)
    return [version for version in versions(connection, day) if version.version > void]


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
