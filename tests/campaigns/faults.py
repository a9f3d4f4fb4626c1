"""Every fault of the fault table through simulators, drivers and box: `python -m tests.campaigns.faults [--clean-days N]`.

Each is put into a real device server while a whole box reads it in virtual time; the alarm must stand within its
stated delay, at the part and level, as the one cause. Then the fault is taken out, and the alarm must go, a latched one
by hand alone. Each threshold taken away in turn, its fault must be missed. A month without faults, looked at each
minute twice, raises no alarm. The last line is JSON; exit code 0 if nothing was wrong.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from edge.health.faults.engine import Alarm
from edge.health.faults.grouping import roots
from edge.health.faults.kinds import Level
from edge.health.faults.thresholds import thresholds
from tests.edge.clean_month import clean
from tests.edge.fault_cases import Case, cases, values
from tests.edge.faulting import Stage, stage

CLEAN_DAYS = 31


@dataclass
class Found:
    """What the campaign saw."""

    faults: int = 0
    detected: int = 0
    named: int = 0
    late: int = 0
    worst_share: float = 0.0
    """Of its stated delay, what the slowest alarm took."""
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        return {
            "faults": self.faults, "detected": self.detected, "named": self.named, "late": self.late,
            "kinds": len(self.kinds), "slowest_of_stated": round(self.worst_share, 3),
        }  # fmt: skip


async def played(of: Iterable[Case], found: Found) -> None:
    """Each case on one stage of its kind."""
    chosen = list(of)
    for discharging in (False, True):
        these = [case for case in chosen if case.discharging == discharging]
        if not these:
            continue
        with tempfile.TemporaryDirectory() as folder:
            async with stage(Path(folder), wish_w=500_000 if discharging else None) as s:
                for _ in range(3):
                    await s.round()
                for case in these:
                    await _case(s, case, found)


async def _case(s: Stage, case: Case, found: Found) -> None:
    found.faults += 1
    found.kinds[case.kind] += 1
    if s.standing():
        found.wrong.append(f"{case}: began with {_told(s.standing())}")
    took_ms = await _detected(s, case)
    if took_ms is None:
        found.wrong.append(f"{case}: missed, {_told(s.standing())}")
    else:
        found.detected += 1
        found.late += took_ms > case.stated_ms
        found.worst_share = max(found.worst_share, took_ms / case.stated_ms)
        for _ in range(3 if not case.special and not case.lasts else 0):
            await s.round()
        if others := unexplained(s.standing(), case):
            found.wrong.append(f"{case}: also {_told(others)}")
        else:
            found.named += 1
    await s.calm()


async def _detected(s: Stage, case: Case) -> int | None:
    """How long after the fault the alarm stood; None if it did not in twice the stated delay."""
    if case.special:
        return await _of_the_box(s, case)
    injected = await s.inject(case.spec)
    if case.lasts:
        for _ in range(case.lasts):
            await s.round(case.tick_ms)
        await s.site.clear(injected)
    since_ms = s.clock.t_ms
    while s.clock.t_ms - since_ms <= 2 * case.stated_ms:
        await s.round(case.tick_ms)
        if any(_is(alarm, case) for alarm in s.standing()):
            return s.clock.t_ms - since_ms
    return None


async def _of_the_box(s: Stage, case: Case) -> int | None:
    """The box's own time: set back, or a restart within the second of its last reading."""
    while s.clock.t_ms % 60_000:
        await s.round()
    if case.special == "clock":
        s.clock.t_ms -= 90_000
    else:
        s.again()
        s.clock.t_ms -= 1_000
    since_ms = s.clock.t_ms
    for _ in range(62):
        await s.round()
        if any(_is(alarm, case) for alarm in s.standing()):
            return s.clock.t_ms - since_ms
    return None


def unexplained(standing: Sequence[Alarm], case: Case) -> list[Alarm]:
    """The alarms that neither are the fault's own nor follow from it; the fault's own follows from none."""
    follow = roots(standing)
    own = {alarm.key for alarm in standing if alarm.key.kind == case.kind and alarm.key.place == case.place}
    return [
        alarm for alarm in standing
        if (alarm.key in follow if alarm.key in own else follow.get(alarm.key) not in own) and not _same_event(alarm, case)
    ]  # fmt: skip


def _same_event(alarm: Alarm, case: Case) -> bool:
    """One fault of time or line that both channels' readings show."""
    return alarm.key.kind == case.kind and case.way.basis in ("reading", "frozen")


def _is(alarm: Alarm, case: Case) -> bool:
    key = alarm.key
    return (key.kind, key.place, key.detail, alarm.level) == (case.kind, case.place, case.detail, case.level)


def _told(alarms: Sequence[Alarm]) -> str:
    return "; ".join(f"{a.key.kind}.{a.level} {a.key.place.zh()} {a.key.detail}" for a in alarms) or "nothing"


async def missed_without(names: Sequence[str] | None = None) -> dict[str, bool]:
    """For each threshold, whether its fault at the level of a warning is missed once the threshold is gone."""
    missed: dict[str, bool] = {}
    for name, threshold in thresholds().items():
        if names is not None and name not in names:
            continue
        case = next(case for case in values({name: threshold}) if case.level is Level.WARN)
        left = {other: held for other, held in thresholds().items() if held.kind != threshold.kind}
        with tempfile.TemporaryDirectory() as folder:
            async with stage(Path(folder), limits=left, wish_w=500_000 if case.discharging else None) as s:
                for _ in range(3):
                    await s.round()
                await s.inject(case.spec)
                for _ in range(case.stated_ms // 1_000 + 1):
                    await s.round()
                missed[name] = not any(_is(alarm, case) for alarm in s.standing())
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean-days", type=int, default=CLEAN_DAYS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cases whose text holds this")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("pymodbus").addHandler(logging.NullHandler())
    logging.getLogger("pymodbus").propagate = False
    began, found = time.monotonic(), Found()
    asyncio.run(played([c for c in cases(thresholds()) if chosen.only in str(c)], found))
    for line in found.wrong:
        print(line, flush=True)
    controls = {} if chosen.only else asyncio.run(missed_without())
    quiet = clean(days=chosen.clean_days, seed=chosen.seed)
    for line in quiet.alarms[:20]:
        print(line, flush=True)
    told = {
        **found.told(), "false_alarms": len(quiet.alarms), "clean_days": quiet.days, "clean_looks": quiet.looks,
        "clean_mwh": quiet.energy_mwh, "clean_doubts": quiet.doubts, "removed": len(controls),
        "removed_missed": sum(controls.values()), "seed": chosen.seed, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    print(json.dumps(told))
    right = found.faults == found.detected == found.named and not found.late and all(controls.values())
    return 0 if right and len(quiet.alarms) <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
