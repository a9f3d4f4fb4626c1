"""When a device is asked for what (protocol 2.9): points by their period, and less often once tries have failed.

Pure rules; the caller brings the time. Periods are those of a fixed grid, so that a late round delays no later one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TRIES = 5
"""So many failures in a row, each in its own round, before a device is asked less often."""
FIRST_PAUSE_MS = 2_000
LONGEST_PAUSE_MS = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How often a device has failed since it last answered, and from when on it is asked again."""

    failures: int = 0
    again_ms: int = 0


UNTRIED = Tries()


def periods_due(last_ms: Mapping[int, int], periods_ms: Iterable[int], *, t_ms: int) -> frozenset[int]:
    """The periods in which something is to be read now; 0 is due always, one never read at once.

    A period is due when its grid has moved on since it was last read; also when time ran backwards.
    """
    return frozenset(
        period for period in periods_ms
        if not period or period not in last_ms or t_ms // period != last_ms[period] // period
    )  # fmt: skip


def failed(before: Tries, *, t_ms: int) -> Tries:
    """One failure more: after `TRIES` of them a pause that doubles, from 2 s to at most 30 s."""
    failures = before.failures + 1
    if failures < TRIES:
        return Tries(failures=failures, again_ms=t_ms)
    doubled = min(failures - TRIES, LONGEST_PAUSE_MS.bit_length())
    return Tries(failures=failures, again_ms=t_ms + min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << doubled))


def may_ask(tries: Tries, *, t_ms: int) -> bool:
    """Whether a device is asked now; a clock that was set back makes no pause longer than the longest."""
    return not t_ms < tries.again_ms <= t_ms + LONGEST_PAUSE_MS
