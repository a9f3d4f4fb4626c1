"""A day that the court has judged (protocol 8.9.4, 8.9.5): what stands is compared with what the rules say.

A void statement is no statement. A leaf that was wrong when it was posted and was set right is right: then not each
version but the day as it stands, with every cent that the court moved, must be what the evidence makes it.
"""

from collections.abc import Iterable, Sequence

from alliance.calendar import Day
from alliance.settlement import apply_decisions
from alliance.statement import Statement
from audit.facts import Facts
from chain.events import DisputeUpheld, StatementPosted, StatementVoided

Identity = tuple[int, int, int, int, int]


def void_up_to(facts: Facts, day: Day) -> int:
    """The last of a day's void versions, 0 if none is."""
    return max((event.up_to for event in facts.of(StatementVoided) if event.day == day.number), default=0)


def decided(facts: Facts, day: Day) -> list[DisputeUpheld]:
    """What the court decided of the versions that stand, in order."""
    void = void_up_to(facts, day)
    return [event for event in facts.of(DisputeUpheld) if event.day == day.number and event.version > void]


def moved_cents(decisions: Iterable[DisputeUpheld], versions: dict[int, Statement]) -> dict[Identity, int]:
    """What the decisions moved, by the lines' identities."""
    moved: dict[Identity, int] = {}
    for event in decisions:
        made = versions.get(event.version)
        line = made.line_at_leaf(event.index) if made is not None else None
        if line is not None:
            moved[line.identity] = moved.get(line.identity, 0) + event.moved_cents
    return moved


def before(decisions: Sequence[DisputeUpheld], posting: StatementPosted) -> list[DisputeUpheld]:
    """The decisions that stood on chain when a version was posted: the version starts from them."""
    at = (posting.at.block_number, posting.at.log_index)
    return [event for event in decisions if (event.at.block_number, event.at.log_index) < at]


def as_judged(whole: Statement, decisions: Sequence[DisputeUpheld], versions: dict[int, Statement]) -> Statement:
    """The day as it stands once decisions have moved cents on its lines."""
    moved = moved_cents(decisions, versions)
    return apply_decisions(whole, moved) if any(moved.values()) else whole
