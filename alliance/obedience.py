"""What became of a directive (protocol 9.15.7, 9.15.8), from a box's own signed words and from its silence.

The first decision heard stands, and the first end. Silence is said: without a decision in time, or without an end in
time after the directive ran out, a directive is overdue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

SUPERSEDED = "superseded"
"""The reason with which a box ends what a newer directive replaced."""


class Outcome(IntEnum):
    """A box's word on a directive."""

    ACCEPTED = 1
    REFUSED = 2
    DONE = 3


class Standing(StrEnum):
    """Where a directive stands."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DONE = "done"
    SUPERSEDED = "superseded"
    UNANSWERED = "unanswered"


KEEPS = frozenset({Standing.ACCEPTED, Standing.DONE})
"""Whose power counts towards an instruction's target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard of a directive: the decision, and how it ended; None where nothing was heard yet."""

    until_ms: int
    taken_ms: int
    """When the service took it from the dispatcher."""
    decided: Outcome | None = None
    ended: str | None = None
    """The reason that came with the end; empty when it ran out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What a station was to give under an instruction, W in the target's sign, and where its directive stands."""

    given_w: int
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How an instruction is obeyed. `promised_w` + `missing_w` = the target, to the watt."""

    sent: int
    standings: dict[Standing, int]
    promised_w: int
    """Of boxes that accepted, done ones included; refused, replaced and silent ones give nothing."""
    done_w: int
    missing_w: int


def due_ms(heard: Heard, *, answer_ms: int) -> int | None:
    """When the next word is due: a decision `answer_ms` after taking but by the end, an end `answer_ms` after it."""
    if heard.ended is not None or heard.decided is Outcome.REFUSED:
        return None
    if heard.decided is Outcome.ACCEPTED:
        return heard.until_ms + answer_ms
    return min(heard.until_ms, heard.taken_ms + answer_ms)


def standing(heard: Heard, *, now_ms: int, answer_ms: int) -> Standing:
    """Where a directive stands at an instant."""
    if heard.decided is Outcome.REFUSED:
        return Standing.REFUSED
    if heard.ended is not None:
        return Standing.SUPERSEDED if heard.ended == SUPERSEDED else Standing.DONE
    if heard.decided is Outcome.ACCEPTED:
        return Standing.ACCEPTED
    due = due_ms(heard, answer_ms=answer_ms)
    return Standing.UNANSWERED if due is not None and now_ms >= due else Standing.WAITING


def tally(target_w: int, shares: Sequence[Share]) -> Tally:
    """How an instruction is obeyed; nothing is lost: what nobody promised is missing."""
    promised_w = sum(share.given_w for share in shares if share.standing in KEEPS)
    return Tally(
        sent=len(shares),
        standings={one: sum(share.standing is one for share in shares) for one in Standing},
        promised_w=promised_w,
        done_w=sum(share.given_w for share in shares if share.standing is Standing.DONE),
        missing_w=target_w - promised_w,
    )
