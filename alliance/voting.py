"""How an alliance decides (protocol 7.5): one member one vote, quorum, majority, a delay in which objections count."""

from dataclasses import dataclass, replace
from enum import IntEnum

from alliance.errors import Refused

FULL_BP = 10_000
VOTES_LEAST = 2
"""Nobody decides alone, however few vote."""
_TIMES = (3_600, 30 * 86_400)
_BOUNDS = {
    "voting_seconds": _TIMES, "delay_seconds": _TIMES, "grace_seconds": _TIMES, "quorum_bp": (2_500, FULL_BP),
    "majority_bp": (5_000, 9_000),
}  # fmt: skip


class ProposalState(IntEnum):
    """Where a proposal stands."""

    NONE = 0
    VOTING = 1
    REJECTED = 2
    WAITING = 3
    EXECUTABLE = 4
    EXECUTED = 5
    CANCELLED = 6
    LAPSED = 7


class Ballot(IntEnum):
    """What a member did about a proposal."""

    NONE = 0
    FOR = 1
    AGAINST = 2
    OBJECTED = 3


@dataclass(kw_only=True, eq=False)
class VotingRulesRefused(Refused):
    """Rules under which nobody could decide, few could, or there were no time to see it coming."""

    field: str
    value: int
    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VotingRules:
    """How a charter decides, for good. Times in seconds, shares in basis points. Raises VotingRulesRefused."""

    voting_seconds: int = 604_800
    delay_seconds: int = 172_800
    """From acceptance to execution."""
    grace_seconds: int = 1_209_600
    """How long after that it may be executed."""
    quorum_bp: int = 5_000
    """Part of the electorate that must have voted."""
    majority_bp: int = 5_000
    """Part of the votes cast that those for must exceed."""

    def __post_init__(self) -> None:
        for field, (least, most) in _BOUNDS.items():
            value = getattr(self, field)
            if not least <= value <= most:
                raise VotingRulesRefused(field=field, value=value, least=least, most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A proposal as far as its votes go; times in unix seconds."""

    electorate: int
    """Members admitted when it was made."""
    voting_ends_s: int
    votes_for: int = 0
    votes_against: int = 0
    accepted_at_s: int | None = None
    """When the votes left could not change the result any more; None while they can."""
    executed: bool = False
    cancelled: bool = False


def suffices(poll: Poll, rules: VotingRules) -> bool:
    """Whether its votes accept it: two at least, a quorum, and more than the majority's part of those cast."""
    cast = poll.votes_for + poll.votes_against
    quorum = cast * FULL_BP >= poll.electorate * rules.quorum_bp
    return poll.votes_for >= VOTES_LEAST and quorum and poll.votes_for * FULL_BP > cast * rules.majority_bp


def executable_from_s(poll: Poll, rules: VotingRules, now_s: int) -> int | None:
    """When an accepted proposal may be executed; None if it is not accepted (yet)."""
    if poll.accepted_at_s is not None:
        return poll.accepted_at_s + rules.delay_seconds
    accepted = now_s >= poll.voting_ends_s and suffices(poll, rules)
    return poll.voting_ends_s + rules.delay_seconds if accepted else None


def state_at(poll: Poll, rules: VotingRules, now_s: int) -> ProposalState:
    """Where a proposal stands at an instant."""
    if poll.executed:
        return ProposalState.EXECUTED
    if poll.cancelled:
        return ProposalState.CANCELLED
    from_s = executable_from_s(poll, rules, now_s)
    if from_s is None:
        return ProposalState.VOTING if now_s < poll.voting_ends_s else ProposalState.REJECTED
    if now_s < from_s:
        return ProposalState.WAITING
    return ProposalState.EXECUTABLE if now_s < from_s + rules.grace_seconds else ProposalState.LAPSED


def voted(poll: Poll, rules: VotingRules, *, in_favour: bool, now_s: int) -> Poll:
    """The poll after a vote, accepted at once where it would pass if all who have not voted were against."""
    after = replace(poll, votes_for=poll.votes_for + in_favour, votes_against=poll.votes_against + (not in_favour))
    certain = after.votes_for * FULL_BP > after.electorate * rules.majority_bp and suffices(after, rules)
    return replace(after, accepted_at_s=now_s) if certain else after


def objected(poll: Poll, rules: VotingRules, *, before: Ballot) -> Poll:
    """An accepted poll after an objection, cancelled where the votes so counted do not suffice any more."""
    after = replace(
        poll, votes_for=poll.votes_for - (before is Ballot.FOR),
        votes_against=poll.votes_against + (before is not Ballot.AGAINST),
        accepted_at_s=poll.voting_ends_s if poll.accepted_at_s is None else poll.accepted_at_s,
    )  # fmt: skip
    return after if suffices(after, rules) else replace(after, cancelled=True)
