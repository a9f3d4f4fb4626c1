"""The fairness report (protocol 9.8.7): how often and how much each station was called, per megawatt that it had."""

from collections.abc import Iterable
from dataclasses import dataclass

from alliance.identity import StationId

FULL_BP = 10_000
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A station's row of one instruction: what it could give in the direction asked, and what it was told to give."""

    station: StationId
    available_w: int
    """Magnitude; 0 where it was excluded or had nothing to give."""
    given_w: int
    """Magnitude."""
    duration_s: int
    turn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessRow:
    """What a station's calls come to."""

    station: StationId
    asked: int
    """Instructions that named it."""
    able: int
    """Of these, those in which it had something to give."""
    called: int
    """Of these, those in which it was told to give something."""
    turns: int
    """In which it went before an equal one."""
    available_wh: int
    given_wh: int
    given_bp: int
    """Given of available energy, 1/10,000; 0 where it never had any."""
    millicalls_per_mw: int
    """Calls per available megawatt, thousandths: called / (mean power available when able, MW)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """All stations' rows by number, and how far apart they are."""

    rows: tuple[FairnessRow, ...]
    spread_bp: int
    """Highest − lowest `given_bp` of those that ever had something to give."""


def fairness(calls: Iterable[Call]) -> Fairness:
    """The report over some calls, whatever their order."""
    by_station: dict[StationId, list[Call]] = {}
    for call in calls:
        by_station.setdefault(call.station, []).append(call)
    rows = tuple(_row(station, by_station[station]) for station in sorted(by_station))
    shares = [row.given_bp for row in rows if row.able]
    return Fairness(rows=rows, spread_bp=max(shares) - min(shares) if shares else 0)


def _row(station: StationId, calls: list[Call]) -> FairnessRow:
    able = [call for call in calls if call.available_w]
    called = sum(call.given_w > 0 for call in able)
    available, given = (sum(w * s for w, s in pairs) for pairs in (
        [(call.available_w, call.duration_s) for call in able], [(call.given_w, call.duration_s) for call in able],
    ))  # fmt: skip
    power_w = sum(call.available_w for call in able)
    return FairnessRow(
        station=station,
        asked=len(calls),
        able=len(able),
        called=called,
        turns=sum(call.turn for call in able),
        available_wh=available // SECONDS_AN_HOUR,
        given_wh=given // SECONDS_AN_HOUR,
        given_bp=_rounded(given * FULL_BP, available),
        millicalls_per_mw=_rounded(called * len(able) * 10**9, power_w),
    )


def _rounded(a: int, b: int) -> int:
    """a/b, half up; 0 where b is 0."""
    return (2 * a + b) // (2 * b) if b else 0
