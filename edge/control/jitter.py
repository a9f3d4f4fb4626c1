"""How punctual a cycle is: lateness of its rounds against their own grid, over the last minutes; without a clock."""

from collections import deque
from collections.abc import Mapping

_KEPT = 6_000


class Jitter:
    """Lateness of the last rounds in microseconds, and how many were left out because one took too long."""

    def __init__(self, period_ms: int) -> None:
        self._period_ms, self._late_us, self._rounds, self._missed = period_ms, deque[int](maxlen=_KEPT), 0, 0

    def note(self, late_us: int, *, missed: int = 0) -> None:
        """A round that began so late; `missed` rounds before it were left out."""
        self._late_us.append(max(0, late_us))
        self._rounds += 1
        self._missed += missed

    def told(self) -> Mapping[str, int]:
        """Period, rounds and missed rounds since the start; median, 99th percentile, maximum of the last 6,000. µs."""
        late = sorted(self._late_us) or [0]
        return {
            "periodMs": self._period_ms, "rounds": self._rounds, "missed": self._missed,
            "medianUs": late[len(late) // 2], "p99Us": late[(len(late) - 1) * 99 // 100], "maxUs": late[-1],
        }  # fmt: skip
