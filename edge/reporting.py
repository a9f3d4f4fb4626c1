"""Reporting on change and periodically together (变化触发与周期触发结合上送), with a deadband: a pure rule.

A point is reported when it is seen first, when it has moved by more than its deadband since it was last reported, and
with the first look of each period of a fixed grid, whatever else was reported in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a value is reported."""

    FIRST = "first"
    CHANGE = "change"
    PERIOD = "period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The last report of a point, and the grid's period in which a periodic one was last due."""

    value: int
    period: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A value of ours that is to be sent."""

    key: str
    t_ms: int
    value: int
    cause: Cause


def due(
    last: Mapping[str, Reported], values: Mapping[str, int], *, t_ms: int, period_ms: int, deadbands: Mapping[str, int]
) -> tuple[dict[str, Reported], tuple[Report, ...]]:
    """What of a look is to be reported, and what to remember of it.

    Deadbands are in our units, a missing one is 0: every change. `period_ms` 0 reports on change alone. A point that a
    look lacks keeps its last report.
    """
    period = t_ms // period_ms if period_ms else 0
    remembered, reports = dict(last), []
    for key, value in values.items():
        before = last.get(key)
        cause = _cause(before, value, period=period, deadband=deadbands.get(key, 0))
        if cause is not None:
            reports.append(Report(key=key, t_ms=t_ms, value=value, cause=cause))
            remembered[key] = Reported(value=value, period=period)
    return remembered, tuple(reports)


def _cause(before: Reported | None, value: int, *, period: int, deadband: int) -> Cause | None:
    if before is None:
        return Cause.FIRST
    if period != before.period:
        return Cause.PERIOD
    return Cause.CHANGE if abs(value - before.value) > deadband else None
