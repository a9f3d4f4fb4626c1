"""Health score and findings (protocol 9.22.5, F12, A5, A6): what is wrong, how badly, by which limit.

Score = 100·(0.35·SOH' + 0.20·ΔV' + 0.15·T' + 0.15·R' + 0.15·alarm'), each scaled to 0…1 between the limit at which a
battery trips and a sound one; a trip alarm caps it at 40. What cannot be told is left out and its weight with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from edge.health.diagnosis.spread import Cause

CAP = 4_000
_FULL = 10_000
WEIGHTS = {"soh": 35, "spread": 20, "temperature": 15, "resistance": 15, "alarm": 15}
SCALES: Mapping[str, tuple[int, int]] = {
    "soh": (7_000, _FULL),
    "spread": (500, 0),
    "temperature": (600, 250),
    "resistance": (0, _FULL),
    "alarm": (3, 0),
}
"""(worth 0, worth 1): SOH by capacity bp, spread mV, hottest cell tenths of °C, SOH by resistance bp, severity."""


class Severity(IntEnum):
    """As alarms are graded (F13)."""

    NONE = 0
    WARN = 1
    DERATE = 2
    TRIP = 3


class Kind(StrEnum):
    """What a finding is about."""

    CAPACITY_LOW = "capacity_low"
    RESISTANCE_HIGH = "resistance_high"
    SPREAD_WIDE = "spread_wide"
    CELL = "cell"


LIMITS: Mapping[Kind, tuple[int, int, int]] = {
    Kind.CAPACITY_LOW: (8_000, 7_500, 7_000),
    Kind.RESISTANCE_HIGH: (7_000, 5_000, 3_000),
    Kind.SPREAD_WIDE: (150, 300, 500),
}
"""Warn, derate, trip: SOH by capacity and by resistance at most, bp; spread at least, mV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """0…10,000 for 0…100; each part 0…10,000; what could not be told is absent from `parts`."""

    total: int
    parts: Mapping[str, int]
    capped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to be mended. `cell` counts from 1 in the order of the table; 0: the whole battery."""

    kind: Kind
    severity: Severity
    value: int
    limit: int
    cell: int = 0
    cause: Cause | None = None

    @property
    def name(self) -> str:
        """What a later test must not find again."""
        return self.kind if self.cause is None else f"{self.kind}:{self.cell}:{self.cause}"


def score(values: Mapping[str, int | None]) -> Score:
    """The score of what is known under the names of `WEIGHTS`; 0 where nothing is."""
    parts = {name: _part(name, value) for name in WEIGHTS if (value := values.get(name)) is not None}
    weight = sum(WEIGHTS[name] for name in parts)
    total = (2 * sum(WEIGHTS[name] * part for name, part in parts.items()) + weight) // (2 * weight) if weight else 0
    tripped = values.get("alarm") == Severity.TRIP
    return Score(total=min(total, CAP) if tripped else total, parts=parts, capped=tripped and total > CAP)


def findings(
    *, soh_capacity_bp: int | None, soh_resistance_bp: int | None, spread_mv: int | None, cells: Mapping[int, Cause]
) -> tuple[Finding, ...]:  # fmt: skip
    """What is wrong, the battery's first; `cells` by number from 0."""
    whole = (
        (Kind.CAPACITY_LOW, soh_capacity_bp, -1),
        (Kind.RESISTANCE_HIGH, soh_resistance_bp, -1),
        (Kind.SPREAD_WIDE, spread_mv, 1),
    )
    found = [one for kind, value, sign in whole if value is not None and (one := _finding(kind, value, sign))]
    return (
        *found,
        *(
            Finding(kind=Kind.CELL, severity=Severity.WARN, value=0, limit=0, cell=n + 1, cause=cause)
            for n, cause in cells.items()
        ),
    )


def open_orders(tests: Sequence[tuple[int, Sequence[str]]]) -> dict[str, int]:
    """Work orders that stand after (instant, names of findings) of finished tests, oldest first: name to its opening.

    A test opens one for what it finds; only a later test that does not find it again closes it.
    """
    standing: dict[str, int] = {}
    for t_ms, names in tests:
        standing = {name: standing.get(name, t_ms) for name in names}
    return standing


def _part(name: str, value: int) -> int:
    none, all_ = SCALES[name]
    return max(0, min(_FULL, (value - none) * _FULL // (all_ - none)))


def _finding(kind: Kind, value: int, sign: int) -> Finding | None:
    """The gravest limit that a value has reached; sign −1: lower is worse."""
    reached = [n for n, limit in enumerate(LIMITS[kind]) if (value >= limit if sign > 0 else value < limit)]
    if not reached:
        return None
    return Finding(kind=kind, severity=Severity(reached[-1] + 1), value=value, limit=LIMITS[kind][reached[-1]])
