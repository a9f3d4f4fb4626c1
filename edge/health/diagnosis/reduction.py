"""Cell data reduced a hundredfold (protocol 9.22.7, A15): summaries, snapshots, every anomaly with its surroundings.

Of a feed of one look a second there stay: a summary a minute (lowest and highest value with the cell, mean, sigma), all
values once in 15 minutes, and at once each anomaly with the cell's own values of the 30 looks before and after it.
Anomalies, each told when it begins and when it has been gone for a minute:

outside   beyond the series' bounds
missing   the device gives no value
jump      moved otherwise than the mean since the last look
apart     away from the mean by more than is usual for this cell, and by six robust sigmas of all cells
frozen    the same value, minute by minute, while the mean went away from it
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from operator import mul, sub
from statistics import median

SUMMARY_MS = 60_000
SNAPSHOT_MS = 900_000
WINDOW = 30
"""Looks before and after an anomaly that are kept."""
MOST_WINDOWS = 64
"""So many anomalies of one look come with their window; more come without."""
_GONE_MS = 60_000
_SIGMAS = 6 * 1.4826

Record = dict[str, object]


class Anomaly(StrEnum):
    """Why a cell is told."""

    OUTSIDE = "outside"
    MISSING = "missing"
    JUMP = "jump"
    APART = "apart"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A kind of values and what is odd of it, in its own unit."""

    name: str
    low: int
    high: int
    jump: int
    apart: int
    moved: int


VOLTAGE = Series(name="cellVoltageMv", low=2_600, high=3_650, jump=15, apart=25, moved=15)
TEMPERATURE = Series(name="cellTemperatureDc", low=0, high=550, jump=20, apart=50, moved=50)


class Reducer:
    """Of one series. `see` each look; what it returns is all that need be kept."""

    def __init__(self, series: Series, *, rules: frozenset[Anomaly] = frozenset(Anomaly)) -> None:
        self._series, self._rules = series, rules
        self._before: list[int] = []
        self._mean = 0.0
        self._usual: list[int] = []
        self._held: list[tuple[int, float]] = []
        self._ring: deque[list[int]] = deque(maxlen=WINDOW)
        self._standing: dict[tuple[int, Anomaly], int] = {}
        self._after: dict[int, list[int]] = {}
        self._minute: _Minute | None = None
        self._snapped = -1

    @property
    def standing(self) -> dict[tuple[int, Anomaly], int]:
        """(Cell from 0, why) of what is odd now, with the instant at which it was last seen so."""
        return self._standing

    def see(self, t_ms: int, given: Sequence[int | None]) -> list[Record]:
        """Take a look in, always of the same cells in the same order; returns records for good."""
        values, odd = self._filled(given)
        if not values:
            return []
        mean = sum(values) / len(values)
        records = self._surrounded(t_ms, values)
        for rule, cells in self._odd(values, mean, odd, t_ms).items():
            records += self._begun(t_ms, rule, cells, values, mean)
        records += self._ended(t_ms)
        records += self._regular(t_ms, values, mean)
        self._ring.append(values)
        self._before, self._mean = values, mean
        return records

    def _filled(self, given: Sequence[int | None]) -> tuple[list[int], list[int]]:
        """The look with its last value in place of each missing one, and which were missing."""
        missing = [n for n, value in enumerate(given) if value is None] if None in given else []
        if len(given) != len(self._before):
            if len(missing) == len(given):
                return [], []
            known = round(median(value for value in given if value is not None))
            self._before = [known if value is None else value for value in given]
            self._usual, self._held = [0] * len(given), [(value, 0.0) for value in self._before]
            self._mean = sum(self._before) / len(given)
            self._held = [(value, self._mean) for value in self._before]
            self._ring.clear()
        return [before if value is None else value for value, before in zip(given, self._before, strict=True)], missing

    def _odd(self, values: list[int], mean: float, missing: list[int], t_ms: int) -> dict[Anomaly, list[int]]:
        series, found = self._series, {Anomaly.MISSING: missing}
        if min(values) < series.low or max(values) > series.high:
            found[Anomaly.OUTSIDE] = [n for n, v in enumerate(values) if not series.low <= v <= series.high]
        moves, step = list(map(sub, values, self._before)), mean - self._mean
        if max(moves) - step > series.jump or step - min(moves) > series.jump:
            found[Anomaly.JUMP] = [n for n, move in enumerate(moves) if abs(move - step) > series.jump]
        away = list(map(sub, values, self._usual))
        middle = sum(away) / len(away)
        if max(away) - middle > series.apart or middle - min(away) > series.apart:
            found[Anomaly.APART] = self._apart(away)
        if self._minute is not None and t_ms // SUMMARY_MS != self._minute.number:
            found[Anomaly.FROZEN] = self._frozen(values, mean)
        return {rule: cells for rule, cells in found.items() if cells and rule in self._rules}

    def _apart(self, away: list[int]) -> list[int]:
        middle = median(away)
        least = max(self._series.apart, _SIGMAS * median(abs(one - middle) for one in away))
        return [n for n, one in enumerate(away) if abs(one - middle) > least]

    def _frozen(self, values: list[int], mean: float) -> list[int]:
        found = []
        for n, value in enumerate(values):
            held, mean_then = self._held[n]
            if value != held:
                self._held[n] = (value, mean)
            elif abs(mean - mean_then) >= self._series.moved:
                found.append(n)
        return found

    def _begun(self, t_ms: int, rule: Anomaly, cells: list[int], values: list[int], mean: float) -> list[Record]:
        records: list[Record] = []
        for n in cells:
            new = (n, rule) not in self._standing
            self._standing[(n, rule)] = t_ms
            if not new:
                continue
            told: Record = {
                "kind": "odd",
                "t": t_ms,
                "cell": n + 1,
                "why": rule,
                "value": values[n],
                "mean": round(mean),
            }
            if n not in self._after and len(self._after) < MOST_WINDOWS:
                told["before"] = [look[n] for look in self._ring]
                self._after[n] = []
            records.append(told)
        return records

    def _ended(self, t_ms: int) -> list[Record]:
        gone = [
            key
            for key, seen_ms in self._standing.items()
            if t_ms - seen_ms > _GONE_MS + SUMMARY_MS * (key[1] is Anomaly.FROZEN)
        ]
        for key in gone:
            del self._standing[key]
        return [{"kind": "even", "t": t_ms, "cell": n + 1, "why": rule} for n, rule in gone]

    def _surrounded(self, t_ms: int, values: list[int]) -> list[Record]:
        """The looks after an anomaly, once they are complete."""
        records: list[Record] = []
        for n, after in list(self._after.items()):
            after.append(values[n])
            if len(after) == WINDOW:
                records.append({"kind": "after", "t": t_ms, "cell": n + 1, "values": after})
                del self._after[n]
        return records

    def _regular(self, t_ms: int, values: list[int], mean: float) -> list[Record]:
        records: list[Record] = []
        if self._minute is None or t_ms // SUMMARY_MS != self._minute.number:
            if self._minute is not None:
                records.append(self._minute.told(self._before))
            self._minute = _Minute(t_ms // SUMMARY_MS)
        self._minute.see(values, mean)
        if t_ms // SNAPSHOT_MS != self._snapped:
            self._snapped = t_ms // SNAPSHOT_MS
            records.append({"kind": "snapshot", "t": t_ms, "values": values})
            self._learn(values)
        return records

    def _learn(self, values: list[int]) -> None:
        """What is usual of each cell: a quarter of the way to what it shows, unless it is odd now."""
        middle = median(values)
        odd = {n for n, _ in self._standing}
        self._usual = [
            usual if n in odd else usual + round((value - middle - usual) / 4)
            for n, (usual, value) in enumerate(zip(self._usual, values, strict=True))
        ]


def _gone_ms(why: Anomaly) -> int:
    """A frozen cell is looked at once a minute alone."""
    return _GONE_MS + (SUMMARY_MS if why is Anomaly.FROZEN else 0)


class _Minute:
    """The summary of a minute in the making."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._lowest = self._highest = (0, -1)
        self._means: list[float] = []

    def see(self, values: list[int], mean: float) -> None:
        low, high = min(values), max(values)
        if not self._means or low < self._lowest[0]:
            self._lowest = (low, values.index(low) + 1)
        if not self._means or high > self._highest[0]:
            self._highest = (high, values.index(high) + 1)
        self._means.append(mean)

    def told(self, values: list[int]) -> Record:
        mean = sum(values) / len(values)
        sigma = sqrt(max(0.0, sum(map(mul, values, values)) / len(values) - mean * mean))
        return {
            "kind": "minute", "t": self.number * SUMMARY_MS, "looks": len(self._means), "low": self._lowest,
            "high": self._highest, "meanMilli": round(1_000 * sum(self._means) / len(self._means)),
            "sigmaMilli": round(1_000 * sigma),
        }  # fmt: skip
