"""Following the schedule (protocol 9): the platform's plan is cached on the box, and followed with the platform dead.

The wish for an instant is the slot's battery energy over a quarter of an hour. Without a row for the instant there is
no wish, and the guard lets nothing but 0 W out. A revision older than the one in hand does nothing; a newer one rules
from its first slot on, and what went before it stands.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day, day_at
from alliance.errors import Conflicting, Malformed, Refused
from alliance.identity import Digest, digest
from edge.evidence.store import Store
from oracle.plain import Fields

SLOTS_AN_HOUR = 4
_LARGEST_WH = 10**12
_KEPT_DAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSchedule:
    """What one station shall do on one day; `battery_wh` by slot 0…95, discharge positive."""

    day: Day
    digest: Digest
    """SHA-256 of the schedule's document block."""
    revision: int
    battery_wh: Mapping[int, int] = field(default_factory=dict)


@dataclass(kw_only=True, eq=False)
class ScheduleMalformed(Malformed):
    """A schedule names a slot twice."""

    day: Day
    slot: int


@dataclass(kw_only=True, eq=False)
class ScheduleOlder(Refused):
    """A schedule of an earlier revision than the one in hand."""

    day: Day
    have_revision: int
    got_revision: int


@dataclass(kw_only=True, eq=False)
class ScheduleConflicts(Conflicting):
    """Two schedules of one revision say different things; the first stands."""

    day: Day
    revision: int
    have: Digest
    got: Digest


def parse(value: object, *, day: Day) -> StationSchedule:
    """Read what the platform hands out. Raises PlainMalformed, BadHex or ScheduleMalformed."""
    fields = Fields(value, where="schedule")
    battery_wh: dict[int, int] = {}
    for item in fields.list("rows"):
        row = Fields(item, where="schedule.rows")
        slot = row.int("slot", high=SLOTS_A_DAY - 1)
        if slot in battery_wh:
            raise ScheduleMalformed(day=day, slot=slot)
        battery_wh[slot] = row.int("batteryWh", low=-_LARGEST_WH, high=_LARGEST_WH)
    return StationSchedule(
        day=day,
        digest=digest(fields.str("schedule"), field="schedule"),
        revision=fields.int("revision"),
        battery_wh=battery_wh,
    )


class Schedules:
    """The schedules in hand, on the disk and in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._days = {schedule.day: schedule for schedule in _stored(store)}

    def covers(self, t_ms: int) -> bool:
        """Whether there is a wish for an instant."""
        return self.wanted_w(t_ms) is not None

    def has(self, day: Day) -> bool:
        """Whether there is a schedule for a day."""
        return day in self._days

    def wanted_w(self, t_ms: int) -> int | None:
        """The power that the schedule wants at an instant, positive discharging; None where it says nothing."""
        schedule = self._days.get(day_at(t_ms))
        if schedule is None:
            return None
        energy_wh = schedule.battery_wh.get((t_ms - schedule.day.start_ms) // SLOT_MS)
        return None if energy_wh is None else energy_wh * SLOTS_AN_HOUR

    def keep(self, schedule: StationSchedule, *, at_ms: int) -> bool:
        """Take a schedule in hand, durably; returns whether it was new.

        Raises ScheduleOlder, ScheduleConflicts and StorageFailed.
        """
        have = self._days.get(schedule.day)
        if have is not None and have.digest == schedule.digest:
            return False
        if have is not None and schedule.revision < have.revision:
            raise ScheduleOlder(day=have.day, have_revision=have.revision, got_revision=schedule.revision)
        if have is not None and schedule.revision == have.revision:
            raise ScheduleConflicts(
                day=have.day, revision=have.revision, have=have.digest, got=schedule.digest
            )  # fmt: skip
        schedule = _continuing(have, schedule)
        self._write(schedule, at_ms)
        oldest = day_at(at_ms).plus(-_KEPT_DAYS)
        self._days = {day: kept for day, kept in self._days.items() if day >= oldest} | {schedule.day: schedule}
        return True

    def _write(self, schedule: StationSchedule, at_ms: int) -> None:
        rows = json.dumps({str(slot): wh for slot, wh in sorted(schedule.battery_wh.items())})
        with self._store.change() as db:
            db.execute(
                "INSERT OR REPLACE INTO schedule VALUES (?, ?, ?, ?, ?)",
                (schedule.day.number, schedule.revision, schedule.digest, rows, at_ms),
            )
            db.execute("DELETE FROM schedule WHERE day < ?", (day_at(at_ms).number - _KEPT_DAYS,))


def _continuing(have: StationSchedule | None, schedule: StationSchedule) -> StationSchedule:
    """An intraday revision holds the slots from its first on; the slots before keep what they had."""
    if have is None:
        return schedule
    first = min(schedule.battery_wh, default=SLOTS_A_DAY)
    before = {slot: wh for slot, wh in have.battery_wh.items() if slot < first}
    return replace(schedule, battery_wh=before | dict(schedule.battery_wh))


def _stored(store: Store) -> list[StationSchedule]:
    return [_row(*row) for row in store.rows("SELECT day, revision, digest, battery_wh FROM schedule ORDER BY day")]


def _row(*row: object) -> StationSchedule:
    day, revision, name, text = row
    assert isinstance(name, bytes)
    return StationSchedule(
        day=Day(int(str(day))),
        revision=int(str(revision)),
        digest=Digest(name),
        battery_wh={int(slot): int(wh) for slot, wh in json.loads(str(text)).items()},
    )
