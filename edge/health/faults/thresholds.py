"""Thresholds (protocol 10.16.2): three levels, delays to raise and clear, hysteresis; shipped for LFP.

`lfp.csv` is shipped; a file of the same columns, or rows of the settings, replace single figures: an empty cell keeps
the shipped one, `-` takes a level away. A kind with two thresholds, `cell_temperature_high.charge` and `….discharge`,
is judged by the one of the battery's direction.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from alliance.errors import Malformed
from edge.health.faults.kinds import KindUnknown, Level, kind_of

SHIPPED = Path(__file__).with_name("lfp.csv")
_LEVELS = {"warn": Level.WARN, "derate": Level.DERATE, "trip": Level.TRIP}
_DELAYS = {"raise_warn_ms": 0, "raise_derate_ms": 1, "raise_trip_ms": 2}
_FIGURES = ("hysteresis", "clear_ms")
COLUMNS = ("threshold", "side", *_LEVELS, "hysteresis", *_DELAYS, "clear_ms", "unit")
_MOST = 1 << 40


@dataclass(kw_only=True, eq=False)
class ThresholdWrong(Malformed):
    """A threshold's figure cannot be used; `file` is the settings or a CSV file."""

    file: str
    threshold: str
    column: str
    value: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """How long a level must last until it is raised, by level; and how long it must be gone until it is cleared. ms."""

    raise_ms: tuple[int, int, int] = (6_000, 6_000, 2_000)
    clear_ms: int = 10_000

    def of(self, level: Level) -> int:
        """The raise delay of a level."""
        return self.raise_ms[level - 1]


DEFAULT = Delays()


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Where a value's levels begin; `hysteresis` is how far it must come back from a limit for the level to end."""

    name: str
    kind: str
    low: bool
    """Whether small values are the bad ones."""
    limits: Mapping[Level, int]
    hysteresis: int
    delays: Delays
    unit: str

    def level(self, value: int) -> int:
        """The level at which a value stands: 0…3."""
        return max((level for level, limit in self.limits.items() if self._beyond(value, limit)), default=0)

    def held(self, value: int, standing: int) -> int:
        """The level that a standing one falls to: it stays until the value has come back by the hysteresis."""
        back = value - self.hysteresis if self.low else value + self.hysteresis
        return max(self.level(value), min(standing, self.level(back)))

    @property
    def first(self) -> int:
        """Values on the good side of it are of no interest, even to a level that stands."""
        limits = self.limits.values()
        return max(limits) + self.hysteresis if self.low else min(limits) - self.hysteresis

    def interesting(self, value: int) -> bool:
        """Whether a value could stand at a level, or hold one."""
        return bool(self.limits) and self._beyond(value, self.first)

    def _beyond(self, value: int, limit: int) -> bool:
        return value <= limit if self.low else value >= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSettings:
    """What a station's settings say of its alarms."""

    file: Path | None = None
    """CSV of thresholds; see `COLUMNS`."""
    thresholds: tuple[Mapping[str, int | str], ...] = ()
    """Rows of the same columns; they go before the file's."""
    rated_current_ma: int = 0
    """Of one battery system; 0: over-current is judged by power."""
    heartbeat_ms: int = 3_000
    """For how long a device's counter may stand still; at least three rounds."""
    open_contactors: bool = True
    """Whether a trip opens the battery's contactors, once its power is gone."""


def of_settings(settings: AlarmSettings) -> dict[str, Threshold]:
    """The thresholds that settings make. Raises ThresholdWrong, KindUnknown or OSError."""
    rows = [] if settings.file is None else read_rows(settings.file)
    return thresholds([*rows, *settings.thresholds], file="settings" if settings.file is None else settings.file.name)


def shipped() -> dict[str, Threshold]:
    """The shipped thresholds by name."""
    with SHIPPED.open(newline="", encoding="utf-8") as stream:
        return {row["threshold"]: _first(row) for row in csv.DictReader(stream, strict=True)}


def thresholds(rows: Iterable[Mapping[str, object]] = (), *, file: str = "settings") -> dict[str, Threshold]:
    """The shipped thresholds with figures of `rows` in their place. Raises ThresholdWrong or KindUnknown."""
    held = shipped()
    for row in rows:
        name = str(row.get("threshold", ""))
        if name not in held:
            raise KindUnknown(where=file, kind=name)
        held[name] = _overridden(held[name], row, file)
    return held


def read_rows(path: Path) -> list[dict[str, object]]:
    """The rows of a file of thresholds. Raises ThresholdWrong, or OSError when it cannot be opened."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows: list[dict[str, object]] = [dict(row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as failure:
        raise ThresholdWrong(file=path.name, threshold="", column="", value="", problem=f"no CSV: {failure}") from None
    return rows


def _first(row: Mapping[str, str]) -> Threshold:
    name = row["threshold"]
    return Threshold(
        name=name, kind=kind_of(name.partition(".")[0], where=SHIPPED.name).name, low=row["side"] == "low",
        limits={level: int(row[column]) for column, level in _LEVELS.items()}, hysteresis=int(row["hysteresis"]),
        delays=Delays(
            raise_ms=(int(row["raise_warn_ms"]), int(row["raise_derate_ms"]), int(row["raise_trip_ms"])),
            clear_ms=int(row["clear_ms"]),
        ),
        unit=row["unit"],
    )  # fmt: skip


def _overridden(before: Threshold, row: Mapping[str, object], file: str) -> Threshold:
    limits, raise_ms = dict(before.limits), list(before.delays.raise_ms)
    figures = {"hysteresis": before.hysteresis, "clear_ms": before.delays.clear_ms}
    for column, value in row.items():
        text = str(value if value is not None else "").strip()
        if column in ("threshold", "side", "unit") or not text:
            continue
        if column in _LEVELS and text == "-":
            limits.pop(_LEVELS[column], None)
        elif column in _LEVELS:
            limits[_LEVELS[column]] = _figure(before.name, column, text, file, low=-_MOST)
        elif column in _DELAYS:
            raise_ms[_DELAYS[column]] = _figure(before.name, column, text, file)
        elif column in _FIGURES:
            figures[column] = _figure(before.name, column, text, file)
        else:
            raise _wrong(before.name, column, text, file, f"not one of {', '.join(COLUMNS)}")
    _check_order(before, limits, file)
    delays = Delays(raise_ms=(raise_ms[0], raise_ms[1], raise_ms[2]), clear_ms=figures["clear_ms"])
    return replace(before, limits=limits, hysteresis=figures["hysteresis"], delays=delays)


def _figure(name: str, column: str, text: str, file: str, *, low: int = 0) -> int:
    try:
        value = int(text)
    except ValueError:
        raise _wrong(name, column, text, file, "not an integer") from None
    if not low <= value <= _MOST:
        raise _wrong(name, column, text, file, f"outside {low}…{_MOST}")
    return value


def _check_order(before: Threshold, limits: Mapping[Level, int], file: str) -> None:
    worse = [limits[level] for level in sorted(limits)]
    if worse != sorted(worse, reverse=before.low):
        raise _wrong(before.name, "warn", str(worse), file, "warn, derate, trip must go one way")


def _wrong(name: str, column: str, text: str, file: str, problem: str) -> ThresholdWrong:
    return ThresholdWrong(file=file, threshold=name, column=column, value=text, problem=problem)
