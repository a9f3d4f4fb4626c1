"""A feed of thousands of cells, one look a second, with anomalies put in at known places (A15)."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge.health.diagnosis.reduction import Anomaly, Record

KINDS = ("spike", "offset", "drift", "frozen", "missing", "high", "low")
RULE_OF = {
    "spike": Anomaly.JUMP, "offset": Anomaly.APART, "drift": Anomaly.APART, "frozen": Anomaly.FROZEN,
    "missing": Anomaly.MISSING, "high": Anomaly.OUTSIDE, "low": Anomaly.OUTSIDE,
}  # fmt: skip
DRIFT_MV_PER_MIN = 4
_WITHIN_S = {"drift": 1_200, "frozen": 7_200}
"""How long a slow one may take to be told; a quick one two seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """An anomaly that was put in: `cell` from 0, times in seconds from the feed's beginning."""

    kind: str
    cell: int
    from_s: int
    to_s: int

    def arrived(self, records: list[Record], *, start_ms: int) -> bool:
        """Whether it was told in time, with its window where it is a quick one."""
        within = _WITHIN_S.get(self.kind, 2)
        return any(
            record["kind"] == "odd"
            and record["cell"] == self.cell + 1
            and 0 <= (int(str(record["t"])) - start_ms) // 1_000 - self.from_s <= within
            for record in records
        )


def injections(*, cells: int, seconds: int, each: int, seed: int) -> list[Injected]:
    """So many of each kind, every cell hit at most once, none in the first five minutes."""
    r = random.Random(seed)
    chosen = r.sample(range(cells), each * len(KINDS))
    lasts = {"spike": 1, "offset": 300, "drift": 1_800, "frozen": 7_200, "missing": 20, "high": 5, "low": 5}
    made = []
    for n, cell in enumerate(chosen):
        kind = KINDS[n % len(KINDS)]
        from_s = r.randint(300, max(301, seconds - lasts[kind] - 60))
        made.append(Injected(kind=kind, cell=cell, from_s=from_s, to_s=from_s + lasts[kind]))
    return made


def looks(*, cells: int, seconds: int, seed: int, injected: list[Injected]) -> Iterator[list[int | None]]:
    """Cell voltages, mV: a day's swing between 3,200 and 3,400, load steps, each cell its offset, resistance, noise."""
    r = np.random.default_rng(seed)
    offset, resistance = r.normal(0, 3, cells), 1 + r.normal(0, 0.03, cells)
    noise = r.normal(0, 0.6, (64, cells))
    starting: dict[int, list[Injected]] = {}
    for one in injected:
        starting.setdefault(one.from_s, []).append(one)
    active: list[Injected] = []
    held: dict[int, int] = {}
    load = 0.0
    for second in range(seconds):
        if second % 600 == 0:
            load = float(r.choice([-40, -20, 0, 20, 40]))
        level = 3_300 + 100 * np.sin(2 * np.pi * second / 14_400)
        values = np.rint(level + offset - load * resistance + noise[r.integers(64)]).astype(int).tolist()
        active = [one for one in active if second < one.to_s] + starting.get(second, [])
        for one in active:
            values[one.cell] = _spoilt(one, values[one.cell], second, held)
        yield values


def _spoilt(one: Injected, value: int, second: int, held: dict[int, int]) -> int | None:
    match one.kind:
        case "spike":
            return value + 20
        case "offset":
            return value - 45
        case "drift":
            return value - DRIFT_MV_PER_MIN * (second - one.from_s) // 60
        case "frozen":
            return held.setdefault(one.cell, value)
        case "missing":
            return None
        case "high":
            return 3_700
        case _:
            return 2_500
