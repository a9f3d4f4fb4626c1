"""What other slices may ask about the rules in force: rule packs and billing groups, as documents of the log."""

from sqlalchemy import Connection

from alliance.calendar import Day
from alliance.day import Grouping, RulesMissing, rule_document
from alliance.identity import Digest
from alliance.rulepack import RulePack
from api.documents import queries as documents
from api.documents.repository import DocumentRow
from oracle.log import EntryType


def packs(connection: Connection) -> list[tuple[DocumentRow, RulePack]]:
    """All rule packs in the order in which they were filed."""
    return [(row, rule) for row, rule in _rules(connection) if isinstance(rule, RulePack)]


def groupings(connection: Connection) -> list[tuple[DocumentRow, Grouping]]:
    """All groupings in the order in which they were filed."""
    return [(row, rule) for row, rule in _rules(connection) if isinstance(rule, Grouping)]


def pack_of(connection: Connection, day: Day) -> tuple[Digest, RulePack]:
    """The newest pack in force on a day, anchored or not: what a plan reckons with. Raises RulesMissing."""
    found = [(row.document.digest, pack) for row, pack in packs(connection) if pack.in_force(day)]
    if not found:
        raise RulesMissing(day=str(day), what="tariff")
    return max(found, key=lambda item: item[1].effective_from)


def grouping_of(connection: Connection, day: Day) -> Grouping:
    """The newest grouping for a day, anchored or not. Raises RulesMissing."""
    found = [grouping for _, grouping in groupings(connection) if grouping.from_day <= day]
    if not found:
        raise RulesMissing(day=str(day), what="groups")
    return max(found, key=lambda grouping: grouping.from_day)


def first_day(connection: Connection) -> Day | None:
    """The first day that can be settled: the first for which there is a grouping."""
    return min((grouping.from_day for _, grouping in groupings(connection)), default=None)


def _rules(connection: Connection) -> list[tuple[DocumentRow, RulePack | Grouping]]:
    rows = documents.of_kind(connection, EntryType.RULE_PACK)
    return [(row, rule_document(documents.content_of(row))) for row in rows]
