"""Schedules in hand: read strictly, kept durably, never replaced by an older one."""

from pathlib import Path

import pytest

from alliance.errors import Malformed
from alliance.identity import Digest
from edge.control.following import ScheduleConflicts, ScheduleOlder, Schedules, StationSchedule, parse
from tests.edge.rig import DAY, folder_at

SLOT_MS = 900_000


def schedule(revision: int, name: int, **rows: int) -> StationSchedule:
    battery_wh = {int(slot[1:]): wh for slot, wh in rows.items()}
    return StationSchedule(day=DAY, digest=Digest(bytes([name]) * 32), revision=revision, battery_wh=battery_wh)


def test_wish_is_the_slots_energy_over_a_quarter_of_an_hour(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    schedules = Schedules(folder.store)
    assert schedules.keep(schedule(0, 1, s0=250, s95=-1_000), at_ms=DAY.start_ms)
    assert schedules.wanted_w(DAY.start_ms) == 1_000
    assert schedules.wanted_w(DAY.start_ms + SLOT_MS - 1) == 1_000
    assert schedules.wanted_w(DAY.start_ms + SLOT_MS) is None
    assert schedules.wanted_w(DAY.end_ms - 1) == -4_000
    assert schedules.wanted_w(DAY.end_ms) is None
    assert schedules.wanted_w(DAY.start_ms - 1) is None
    folder.close()


def test_repeated_reordered_or_conflicting_schedules_do_nothing(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    schedules = Schedules(folder.store)
    first, second = schedule(1, 1, s0=1), schedule(2, 2, s0=2)
    assert schedules.keep(first, at_ms=DAY.start_ms)
    assert not schedules.keep(first, at_ms=DAY.start_ms)
    assert schedules.keep(second, at_ms=DAY.start_ms)
    with pytest.raises(ScheduleOlder):
        schedules.keep(first, at_ms=DAY.start_ms)
    with pytest.raises(ScheduleConflicts):
        schedules.keep(schedule(2, 3, s0=3), at_ms=DAY.start_ms)
    assert schedules.wanted_w(DAY.start_ms) == 8
    assert Schedules(folder.store).wanted_w(DAY.start_ms) == 8
    folder.close()


def test_intraday_revision_rules_from_its_first_slot_on(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    schedules = Schedules(folder.store)
    schedules.keep(schedule(0, 1, s0=10, s1=11, s2=12), at_ms=DAY.start_ms)
    schedules.keep(schedule(1, 2, s1=21), at_ms=DAY.start_ms)
    for hand in (schedules, Schedules(folder.store)):
        assert [hand.wanted_w(DAY.slot_start_ms(slot)) for slot in range(3)] == [40, 84, None]
    folder.close()


def test_days_long_past_are_let_go(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    schedules = Schedules(folder.store)
    schedules.keep(schedule(0, 1, s0=1), at_ms=DAY.start_ms)
    later = DAY.plus(9)
    schedules.keep(
        StationSchedule(day=later, digest=Digest(bytes(32)), revision=0, battery_wh={0: 1}), at_ms=later.start_ms
    )
    assert not schedules.has(DAY)
    assert len(folder.store.rows("SELECT * FROM schedule")) == 1
    folder.close()


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, {"schedule": "0x" + "00" * 32, "revision": 0},
        {"schedule": "0x00", "revision": 0, "rows": []},
        {"schedule": "0x" + "00" * 32, "revision": -1, "rows": []},
        {"schedule": "0x" + "00" * 32, "revision": 0, "rows": [{"slot": 96, "batteryWh": 1}]},
        {"schedule": "0x" + "00" * 32, "revision": 0, "rows": [{"slot": 0, "batteryWh": 1.5}]},
        {"schedule": "0x" + "00" * 32, "revision": 0, "rows": [{"slot": 0, "batteryWh": True}]},
        {"schedule": "0x" + "00" * 32, "revision": 0, "rows": [{"slot": 0, "batteryWh": 10**13}]},
        {"schedule": "0x" + "00" * 32, "revision": 0, "rows": [{"slot": 0, "batteryWh": 1}, {"slot": 0, "batteryWh": 2}]},
    ],
)  # fmt: skip
def test_schedule_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(Malformed):
        parse(value, day=DAY)
