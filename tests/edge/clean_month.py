"""A month of a healthy, working station in virtual time: point values through screening, looks and engine."""

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from alliance.calendar import SLOTS_A_DAY, Day
from edge.devices.open import devices_of
from edge.devices.points import Point
from edge.devices.source import ModbusSource
from edge.devices.table import sample_of
from edge.evidence.sampling import CHANNELS, Moment, seen
from edge.evidence.screening import Doubt, Watched, screened
from edge.health.faults import engine
from edge.health.faults.looking import Memory, Round, look, ratings_of
from edge.health.faults.plan import plan_of
from edge.health.faults.thresholds import thresholds
from edge.health.faults.words import title_zh
from simulation.devices.parts import StationParts
from simulation.plant import Plant
from simulation.profiles import DayProfile
from tests.edge.faulting import BOUNDS, LIMITS, SITE, TABLES, settings_of
from tests.edge.rig import DAY

STEP_MS = 60_000
AGAIN_MS = 9_000
"""Each instant is looked at twice, as if it lasted nine of the ten seconds of the plant's own step."""
NOISE_MV = 2
LOW_BP, HIGH_BP = 1_800, 8_800
"""The battery works between these, inside the shipped limits of warnings (15 % and 90 %)."""


@dataclass
class Quiet:
    """What a month without faults brought."""

    days: int
    looks: int = 0
    energy_mwh: float = 0.0
    doubts: int = 0
    alarms: list[str] = field(default_factory=list)


class _Direct:
    """A link that reads a device's registers without a wire between: the driver's blocks and decoding stay."""

    host, port, generation, connected = "127.0.0.1", 0, 1, True

    def __init__(self, registers: Any) -> None:
        self._registers = registers

    async def __aenter__(self) -> "_Direct":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to let go."""

    async def read(self, *, unit_id: int, function: int, address: int, count: int) -> list[int]:
        return list(self._registers._banks[function].get(address, count))


def clean(*, days: int, seed: int, limits: Mapping[str, Any] | None = None, minutes: int = 1_440) -> Quiet:
    """Live through the days; every alarm that is raised is false. What a point spells is worked out once a value."""
    with ExitStack() as stack:
        for name in ("value_of", "in_range", "raw_for", "registers_of"):
            stack.enter_context(patch.object(Point, name, _remembered(getattr(Point, name))))
        return _lived(days, seed, limits, minutes)


def _remembered(method: Callable[[Point, Any], Any]) -> Callable[[Point, Any], Any]:
    known: dict[tuple[str, Any], Any] = {}

    def remembering(self: Point, given: Any) -> Any:
        asked = (self.key, given)
        if asked not in known:
            known[asked] = method(self, given)
        return known[asked]

    return remembering


def _lived(days: int, seed: int, limits: Mapping[str, Any] | None, minutes: int) -> Quiet:
    plant = Plant(parameters=SITE, days=_days(days, seed), seed=f"clean-{seed}", start_ms=DAY.start_ms)
    parts = StationParts(plant, seed=f"clean-{seed}")
    parts.bms.noise_mv = NOISE_MV
    devices = devices_of(settings_of({table: n + 1 for n, table in enumerate(TABLES)}))
    sources = [
        ModbusSource(points=device.points, link=_Direct(parts.by_table[table].registers), now_ms=lambda: plant.t_ms)  # type: ignore[arg-type]
        for table, device in zip(TABLES, devices, strict=True)
    ]
    points = {key: point for source in sources for key, point in source.points.items()}
    plan, ratings = plan_of(devices), ratings_of(LIMITS)
    held = thresholds() if limits is None else limits
    watched: dict[int, Watched | None] = dict.fromkeys(CHANNELS)
    memory, state, quiet = Memory(), engine.NOTHING, Quiet(days=days)
    moved_wh = plant.snapshot().discharge_wh
    for t_ms in range(DAY.start_ms + STEP_MS, DAY.start_ms + (days - 1) * 86_400_000 + minutes * 60_000 + 1, STEP_MS):
        _drive(plant, t_ms)
        plant.step(t_ms)
        parts.publish(plant.snapshot())
        raw: dict[str, Any] = {}
        for source in sources:
            raw.update(_at_once(source.read()))
        sample, doubts = sample_of(points, raw), dict[int, tuple[Doubt, ...]]()
        for channel in CHANNELS:
            now = seen(sample, channel=channel, moment=Moment(t_ms=t_ms))
            watched[channel], verdict = screened(watched[channel], now, bounds=BOUNDS)
            doubts[channel] = verdict.doubts
            quiet.doubts += len(verdict.doubts)
        for late_ms in (0, AGAIN_MS):
            judged = Round(sample=sample, doubts=doubts, tick_ms=1_000)
            view, memory = look(
                plan, judged, memory if not late_ms else Memory(doubts=doubts), thresholds=held, ratings=ratings
            )
            state, events = engine.step(state, view, t_ms=t_ms + late_ms)
            quiet.alarms += [
                f"{event.t_ms}: {title_zh(event.alarm.key)} {event.alarm.level} {event.alarm.value}"
                for event in events if event.change in (engine.Change.RAISED, engine.Change.WORSENED)
            ]  # fmt: skip
            quiet.looks += 1
    quiet.energy_mwh = round((plant.snapshot().discharge_wh - moved_wh) / 1e6, 1)
    return quiet


def _drive(plant: Plant, t_ms: int) -> None:
    """Charge at night and at noon, discharge in the morning and the evening, at full power, inside the window."""
    hour, soc_bp = (t_ms - DAY.start_ms) // 3_600_000 % 24, plant.snapshot().soc_bp
    wanted_w = 0
    if hour in (0, 1, 2, 3, 4, 5, 11, 12, 13) and soc_bp < HIGH_BP:
        wanted_w = -SITE.battery.charge_power_w
    elif hour in (8, 9, 10, 18, 19, 20, 21) and soc_bp > LOW_BP:
        wanted_w = SITE.battery.discharge_power_w
    plant.command(wanted_w, enabled=True, revert_s=300)


def _days(days: int, seed: int) -> dict[Day, DayProfile]:
    """Load with two peaks, weekends lower; sun of changing strength."""
    found = {}
    for n in range(days + 1):
        day, strength = DAY.plus(n), 0.4 + 0.6 * (((n + seed) * 37) % 11) / 10
        share = 0.7 if n % 7 in (5, 6) else 1.0
        load = tuple(
            int(
                share
                * (350_000 + 250_000 * math.exp(-(((s - 40) / 10) ** 2)) + 300_000 * math.exp(-(((s - 78) / 8) ** 2)))
            )
            for s in range(SLOTS_A_DAY)
        )
        pv = tuple(
            int(400_000 * strength * max(0.0, math.sin(math.pi * (s - 24) / 48))) if 24 <= s <= 72 else 0
            for s in range(SLOTS_A_DAY)
        )
        found[day] = DayProfile(day=day, load_w=load, pv_w=pv)
    return found


def _at_once(coroutine: Any) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waited")
