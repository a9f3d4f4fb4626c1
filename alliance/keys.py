"""What a device's key is worth at a place on the chain, and which segments count for it (protocol 6.3, 6.4).

A segment's key is judged at its first checkpoint: revocation and freezing by (block, log index), expiry by the block's
time. A segment whose key lapsed before counts once a validly signed segment of the same stream reaches it through
`prev`. A reported key disputes readings; it takes none away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """A place on the chain; what stands before it in the same block came first."""

    block: int
    log_index: int


class Standing(Enum):
    """What a key is worth at a place on the chain."""

    VALID = "valid"
    LAPSED = "lapsed"
    """Confirmed once; expired, revoked or frozen since."""
    OWNER = "owner"
    """The device's owner signed for its own meter."""
    STRANGER = "stranger"
    """Never confirmed for the device before that place."""


@dataclass(frozen=True, slots=True)
class Term:
    """From where on a key is confirmed, and until when (unix seconds, exclusive)."""

    at: Moment
    valid_to_s: int


@dataclass(frozen=True, slots=True)
class Report:
    """Where a key was reported, and the epoch from which its readings are disputed."""

    at: Moment
    epoch: int


@dataclass(slots=True, kw_only=True)
class KeyHistory:
    """What the chain says of one key of one device, each list in the order of the chain."""

    terms: list[Term] = field(default_factory=list)
    revoked: list[Moment] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    frozen: Moment | None = None


def standing(history: KeyHistory, *, at: Moment, time_s: int, is_owner: bool) -> Standing:
    """What a key is worth for a segment whose first checkpoint stands at `at`, in a block of that time.

    `is_owner`: whether the key was the device's owner there.
    """
    term = next((term for term in reversed(history.terms) if term.at < at), None)
    if term is None:
        return Standing.STRANGER
    if is_owner:
        return Standing.OWNER
    revoked = any(term.at < moment < at for moment in history.revoked)
    frozen = history.frozen is not None and history.frozen < at
    return Standing.LAPSED if revoked or frozen or term.valid_to_s <= time_s else Standing.VALID


def counted(standings: Sequence[Standing]) -> int:
    """How many of a stream's segments, from the first on, count: those up to the last one signed by a valid key."""
    return max((at for at, found in enumerate(standings, start=1) if found is Standing.VALID), default=0)


def disputed_since(history: KeyHistory, *, up_to_block: int) -> int | None:
    """The epoch from which a key's readings are disputed, as reported up to a block; None if nothing was."""
    return min((report.epoch for report in history.reports if report.at.block <= up_to_block), default=None)
