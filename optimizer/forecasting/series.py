"""What is measured and what is foretold from outside; and what of both was known at an instant (protocol 9.6).

A `Known` holds no value that was measured or issued later: everything that makes a forecast takes a `Known` and nothing
else, so that no forecast can see its future.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from alliance.calendar import DAY_MS, ZONE_OFFSET_MS, Day
from alliance.errors import Conflicting, Malformed, Missing

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

STEPS_MS = (300_000, 900_000, 1_800_000, 3_600_000)
"""Lengths that a period may have: 5, 15, 30 and 60 minutes."""
MOST_VALUE = 10**15
"""Larger magnitudes are not energies, powers or prices that anyone measures; floats are exact to there."""


_MINUTE_MS, _SECOND_MS = 60_000, 1_000


class Quantity(StrEnum):
    """What a series measures."""

    LOAD = "load"
    NET_LOAD = "net_load"
    PV = "pv"
    WIND = "wind"
    PRICE = "price"

    @property
    def signed(self) -> bool:
        """Whether values below 0 have a meaning: of a load or a generation they have none."""
        return self in (Quantity.NET_LOAD, Quantity.PRICE)


@dataclass(kw_only=True, eq=False)
class StepWrong(Malformed):
    """The length of a series' periods is none that a day can be made of."""

    series: str
    step_ms: int
    allowed_ms: tuple[int, ...]


@dataclass(kw_only=True, eq=False)
class StartWrong(Malformed):
    """A series does not begin at a whole period of its local day."""

    series: str
    start_ms: int
    step_ms: int


@dataclass(kw_only=True, eq=False)
class ValueTooLarge(Malformed):
    """A value beyond what is measured."""

    series: str
    index: int
    value: int
    most: int


@dataclass(kw_only=True, eq=False)
class ValueBelowZero(Malformed):
    """A load, PV or wind series goes below 0; a load that may turn is a net load."""

    series: str
    index: int
    value: int


@dataclass(kw_only=True, eq=False)
class VintageTwice(Conflicting):
    """A regressor has two values for one instant issued at one instant."""

    regressor: str
    valid_ms: int
    issued_ms: int


@dataclass(kw_only=True, eq=False)
class InstantWrong(Malformed):
    """A vintage holds from no whole minute, or was issued at no whole second."""

    regressor: str
    valid_ms: int
    issued_ms: int


@dataclass(kw_only=True, eq=False)
class RegressorMissing(Missing):
    """A regressor had no value issued in time for a period that is to be forecast."""

    regressor: str
    valid_ms: int
    issued_by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Measured values of consecutive periods: Wh or W a period, or cents/MWh. `unit` is as in the column's name."""

    name: str
    quantity: Quantity
    unit: str
    start_ms: int
    """UTC; a whole number of periods after local midnight."""
    step_ms: int
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raises StepWrong, StartWrong, ValueTooLarge, ValueBelowZero."""
        if self.step_ms not in STEPS_MS:
            raise StepWrong(series=self.name, step_ms=self.step_ms, allowed_ms=STEPS_MS)
        if (self.start_ms + ZONE_OFFSET_MS) % self.step_ms:
            raise StartWrong(series=self.name, start_ms=self.start_ms, step_ms=self.step_ms)
        for index, value in enumerate(self.values):
            if abs(value) > MOST_VALUE:
                raise ValueTooLarge(series=self.name, index=index, value=value, most=MOST_VALUE)
            if value < 0 and not self.quantity.signed:
                raise ValueBelowZero(series=self.name, index=index, value=value)

    @property
    def end_ms(self) -> int:
        """UTC at which the last period ends."""
        return self.start_ms + len(self.values) * self.step_ms

    @property
    def periods_a_day(self) -> int:
        """24 for hours, 96 for quarter-hours."""
        return DAY_MS // self.step_ms

    def index_of(self, t_ms: int) -> int:
        """The place of the period in which an instant lies; it may lie before or behind the series."""
        return (t_ms - self.start_ms) // self.step_ms

    def day_index(self, day: Day) -> int:
        """The place of a local day's first period."""
        return self.index_of(day.start_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """A value of a regressor for the period that begins at `valid_ms`, as issued at `issued_ms` (UTC)."""

    valid_ms: int
    issued_ms: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressor:
    """Values from outside, such as weather forecasts and published prices, each with the instant of its issue."""

    name: str
    vintages: tuple[Vintage, ...]

    def __post_init__(self) -> None:
        """Raises InstantWrong, VintageTwice, ValueTooLarge."""
        seen: set[tuple[int, int]] = set()
        for index, one in enumerate(self.vintages):
            if one.valid_ms % _MINUTE_MS or one.issued_ms % _SECOND_MS:
                raise InstantWrong(regressor=self.name, valid_ms=one.valid_ms, issued_ms=one.issued_ms)
            if abs(one.value) > MOST_VALUE:
                raise ValueTooLarge(series=self.name, index=index, value=one.value, most=MOST_VALUE)
            if (key := (one.valid_ms, one.issued_ms)) in seen:
                raise VintageTwice(regressor=self.name, valid_ms=one.valid_ms, issued_ms=one.issued_ms)
            seen.add(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRegressor:
    """The vintages of a regressor that had been issued at an instant, by validity, then issue."""

    name: str
    valid_ms: Integers
    issued_ms: Integers
    values: Floats
    step_ms: int

    def at(self, valid_ms: Integers, issued_by_ms: Integers) -> tuple[Floats, Integers]:
        """For each period the value last issued by then, and when; NaN and −1 where there was none."""
        if not len(self.valid_ms):
            return np.full(valid_ms.shape, np.nan), np.full(valid_ms.shape, -1)
        first = self.valid_ms[0]
        held = first + (valid_ms - first) // self.step_ms * self.step_ms
        order = _key(self.valid_ms - first, self.issued_ms)
        place = np.searchsorted(order, _key(held - first, issued_by_ms), side="right") - 1
        found = (place >= 0) & (self.valid_ms[np.maximum(place, 0)] == held)
        place = np.where(found, place, 0)
        return np.where(found, self.values[place], np.nan), np.where(found, self.issued_ms[place], -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that was known of a series at an instant: measured periods that had ended, and what had been issued."""

    series: str
    quantity: Quantity
    unit: str
    start_ms: int
    step_ms: int
    issued_ms: int
    values: Floats
    """Of the periods before the cut-off alone."""
    regressors: tuple[KnownRegressor, ...]

    @property
    def cut_off_ms(self) -> int:
        """UTC at which the last known period ended."""
        return self.start_ms + len(self.values) * self.step_ms

    @property
    def periods_a_day(self) -> int:
        """24 for hours, 96 for quarter-hours."""
        return DAY_MS // self.step_ms

    def digest(self) -> bytes:
        """SHA-256 of everything that is held, so that a kept forecast shows what it was made from."""
        head = f"{self.series}|{self.quantity}|{self.unit}|{self.start_ms}|{self.step_ms}|{self.issued_ms}"
        found = sha256(head.encode())
        found.update(self.values.astype(">i8").tobytes())
        for one in self.regressors:
            found.update(one.name.encode())
            found.update(np.stack([one.valid_ms, one.issued_ms, one.values.astype(np.int64)]).astype(">i8").tobytes())
        return found.digest()


def known_at(series: Series, *, issued_ms: int, regressors: Sequence[Regressor] = ()) -> Known:
    """Cut history and regressors off at an instant: what ended or was issued by then, and nothing later."""
    count = min(max(series.index_of(issued_ms), 0), len(series.values))
    values = np.array(series.values[:count], dtype=np.float64)
    values.setflags(write=False)
    return Known(
        series=series.name,
        quantity=series.quantity,
        unit=series.unit,
        start_ms=series.start_ms,
        step_ms=series.step_ms,
        issued_ms=issued_ms,
        values=values,
        regressors=tuple(_known_of(r, issued_ms) for r in sorted(regressors, key=lambda r: r.name)),
    )


def rounded(values: Floats) -> tuple[int, ...]:
    """Floats to integers, half away from zero: the way out of this package."""
    whole = np.sign(values) * np.floor(np.abs(values) + 0.5)
    return tuple(int(v) for v in whole)


def regressors_of(columns: Mapping[str, Iterable[Vintage]]) -> tuple[Regressor, ...]:
    """Regressors by name."""
    return tuple(Regressor(name=name, vintages=tuple(vintages)) for name, vintages in sorted(columns.items()))


def _known_of(regressor: Regressor, issued_ms: int) -> KnownRegressor:
    rows = sorted((v.valid_ms, v.issued_ms, v.value) for v in regressor.vintages if v.issued_ms <= issued_ms)
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    gaps = np.diff(np.unique(table[:, 0]))
    return KnownRegressor(
        name=regressor.name,
        valid_ms=table[:, 0],
        issued_ms=table[:, 1],
        values=table[:, 2].astype(np.float64),
        step_ms=int(gaps.min()) if len(gaps) else DAY_MS,
    )


def _key(since_ms: Integers, issued_ms: Integers) -> Integers:
    """Order by validity, then issue, in one integer: minutes and seconds keep it below 2^63."""
    return (since_ms // _MINUTE_MS) * (1 << 36) + issued_ms // _SECOND_MS
