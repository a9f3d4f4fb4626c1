"""The service's own check of protocol 7.6: it neither logs nor settles by rules that members have not agreed for a day.

Where they agreed on nothing, nothing is compared. An auditor compares the same out of the chain's events.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.calendar import Day
from alliance.day import DayFacts, Grouping, binding_grouping, binding_pack, groups_document, tariff_document
from alliance.errors import Conflicting
from alliance.identity import Digest, to_hex
from alliance.rulepack import RulePack
from api.charter import queries as charter
from chain.charter import rule_hash


@dataclass(kw_only=True, eq=False)
class RulesNotAgreed(Conflicting):
    """For a day, members agreed on another pack, grouping or value than the one at hand."""

    day: str
    what: str
    agreed: str
    got: str


def check_pack(connection: Connection, pack: RulePack, day: Day) -> None:
    """Refuse a rule pack whose bytes, fee or loss factor are not those agreed for a day. Raises RulesNotAgreed."""
    found = charter.agreed(connection, day)
    _check_hash(day, "tariff", found.tariff_pack, tariff_document(pack))
    for what, want, got in (
        ("fee_bp", found.fee_bp, pack.fee_bp.value),
        ("loss_ppm", found.loss_ppm, pack.loss_ppm.value),
    ):
        if want is not None and want != got:
            raise RulesNotAgreed(day=str(day), what=what, agreed=str(want), got=str(got))


def check_grouping(connection: Connection, grouping: Grouping, day: Day) -> None:
    """Refuse a grouping that is not the one agreed for a day. Raises RulesNotAgreed."""
    _check_hash(day, "groups", charter.agreed(connection, day).groups_pack, groups_document(grouping))


def check_day(connection: Connection, facts: DayFacts) -> None:
    """Refuse to settle a day by a pack or grouping that members did not agree. Raises RulesNotAgreed, RulesMissing."""
    check_pack(connection, binding_pack(facts.packs, facts.day)[1], facts.day)
    check_grouping(connection, binding_grouping(facts.groupings, facts.day), facts.day)


def _check_hash(day: Day, what: str, want: Digest | None, document: dict[str, object]) -> None:
    got = rule_hash(document)
    if want is not None and want != got:
        raise RulesNotAgreed(day=str(day), what=what, agreed=to_hex(want), got=to_hex(got))
