"""Whether a configuration on trial stays (protocol 9.20.5): a pure rule over what was seen since it began.

It stays when its trial is over and all through it rounds were made and the devices answered, and when the platform, if
it was reached before, was reached again. What fails is rolled back at once, not at the trial's end.
"""

from dataclasses import dataclass
from enum import StrEnum

LEAST_ROUNDS = 3


class Verdict(StrEnum):
    """What becomes of a configuration on trial."""

    GOES_ON = "goes_on"
    STAYS = "stays"
    ROUNDS_STOPPED = "rounds_stopped"
    DEVICE_SILENT = "device_silent"
    PLATFORM_UNREACHED = "platform_unreached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What was seen since a trial began, by one monotonic clock."""

    elapsed_ms: int
    rounds: int
    round_age_ms: int
    """Since the last whole round ended, or since the trial began."""
    answer_age_ms: int
    """Since the devices last answered, or since the trial began."""
    platform_before: bool
    """Whether the platform was reached before the trial."""
    platform_since: bool


def judged(course: Course, *, trial_ms: int, patience_ms: int) -> Verdict:
    """What becomes of it now."""
    if course.round_age_ms >= patience_ms:
        return Verdict.ROUNDS_STOPPED
    if course.answer_age_ms >= patience_ms:
        return Verdict.DEVICE_SILENT
    if course.elapsed_ms < trial_ms:
        return Verdict.GOES_ON
    if course.rounds < LEAST_ROUNDS:
        return Verdict.ROUNDS_STOPPED
    if course.platform_before and not course.platform_since:
        return Verdict.PLATFORM_UNREACHED
    return Verdict.STAYS
