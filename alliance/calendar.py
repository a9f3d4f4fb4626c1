"""Days, slots and epochs (protocol 1.3): a day is local to the alliance's zone, an epoch is UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from alliance.errors import Malformed

SLOT_MS = 900_000
SLOTS_A_DAY = 96
DAY_MS = 86_400_000
DAY_SLOT = 96
"""The pseudo-slot "the day", which carries the lines that belong to no single slot."""
ZONE_OFFSET_MS = 8 * 3_600_000
"""Asia/Shanghai: UTC+8, no daylight saving."""

_UNIX_DAY = date(1970, 1, 1)
LAST_DAY = (date.max - _UNIX_DAY).days
"""Number of the last day that has a date."""


@dataclass(kw_only=True, eq=False)
class BadDay(Malformed):
    """A day is not written YYYY-MM-DD, or there is none such."""

    field: str
    value: str
    limit: str = "a day that exists 存在的日期, YYYY-MM-DD"


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """A local day of the alliance: `number` counts days since 1970-01-01 in local time."""

    number: int

    @property
    def start_ms(self) -> int:
        """UTC milliseconds at which the day begins (local midnight)."""
        return self.number * DAY_MS - ZONE_OFFSET_MS

    @property
    def end_ms(self) -> int:
        """UTC milliseconds at which the day ends; the next day begins here."""
        return self.start_ms + DAY_MS

    @property
    def first_slot(self) -> int:
        """Absolute number (since 1970, UTC) of the day's slot 0."""
        return self.start_ms // SLOT_MS

    @property
    def date(self) -> date:
        """The calendar date."""
        return _UNIX_DAY + timedelta(days=self.number)

    def slot_start_ms(self, slot: int) -> int:
        """UTC milliseconds at which slot 0…95 begins; slot 96 gives the day's end."""
        return self.start_ms + slot * SLOT_MS

    def plus(self, days: int) -> "Day":
        """The day so many days later."""
        return Day(self.number + days)

    def __str__(self) -> str:
        return self.date.isoformat()


def day_of(text: str, *, field: str = "day") -> Day:
    """Read YYYY-MM-DD. Raises BadDay."""
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        raise BadDay(field=field, value=text) from None
    if parsed.isoformat() != text:
        raise BadDay(field=field, value=text)
    return Day((parsed - _UNIX_DAY).days)


def day_at(t_ms: int) -> Day:
    """The local day in which a UTC instant lies."""
    return Day((t_ms + ZONE_OFFSET_MS) // DAY_MS)


def epoch_at(t_ms: int, *, epoch_seconds: int = 900) -> int:
    """The number of the epoch in which a UTC instant lies."""
    return t_ms // (epoch_seconds * 1000)


def epoch_start_ms(epoch: int, *, epoch_seconds: int = 900) -> int:
    """UTC milliseconds at which an epoch begins."""
    return epoch * epoch_seconds * 1000


def iso_utc(t_ms: int) -> str:
    """A UTC instant as ISO 8601 with milliseconds and Z."""
    seconds, ms = divmod(t_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
