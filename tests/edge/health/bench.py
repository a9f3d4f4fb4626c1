"""A battery of the simulation, driven by the real guard, with the diagnosis beside it.

What the box reads is rounded as the shipped table `bms` rounds it; the registers themselves are left out for speed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from alliance.calendar import day_of
from edge.control import wish
from edge.control.guard import Before, Order, Situation, guard
from edge.control.limits import Limits
from edge.control.wish import Base, Source
from edge.devices.station import PcsState, Quality, StationSample
from edge.evidence.recorder import Recording
from edge.evidence.store import Store
from edge.health.alarms import Alarms
from edge.health.diagnosis.cell import CellData
from edge.health.diagnosis.keeper import Diagnosis
from simulation.battery import BatteryRating
from simulation.cells import CELLS_IN_SERIES, Cells, Spread
from simulation.devices.bms import CELLS as CELLS_OF_A_PACK
from simulation.devices.bms import CLUSTERS, PACKS
from simulation.plant import Plant, PlantParameters, Snapshot
from simulation.profiles import DayProfile

DAY = day_of("2026-07-15")
START_MS = DAY.start_ms
RATED_W, CAPACITY_WH = 1_000_000, 2_000_000
AS_NEW = Cells(
    BatteryRating(capacity_wh=CAPACITY_WH, charge_power_w=RATED_W, discharge_power_w=RATED_W), seed="", count=1
)
CELLS = CellData(series=CELLS_IN_SERIES, rated_mah=AS_NEW.capacity_mah, resistance_uohm=34_600)
"""As a data sheet would say it of a new battery."""
LIMITS = Limits(
    charge_power_w=RATED_W, discharge_power_w=RATED_W, capacity_wh=CAPACITY_WH, soc_min_bp=300, soc_max_bp=9_900,
    pcc_import_w=3_000_000, pcc_export_w=3_000_000, ramp_w_per_s=200_000, eta_charge_ppm=940_000,
    eta_discharge_ppm=940_000,
)  # fmt: skip


VISIBLE = CLUSTERS * PACKS * CELLS_OF_A_PACK
KEYS = tuple(f"cluster.{n // 64 + 1}.pack.{n // 16 % 4 + 1}.cell.{n % 16 + 1}.voltage" for n in range(VISIBLE))
PROBES = tuple(f"cluster.{n // 16 + 1}.pack.{n // 4 % 4 + 1}.probe.{n % 4 + 1}.temperature" for n in range(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """What a battery really is."""

    held_bp: int = 10_000
    resistance_ppm: int = 1_000_000
    ambient_dc: int = 220
    start_soc_bp: int = 5_000
    spread: Spread = field(default_factory=Spread)
    seed: str = "bench"


def character(seed: int) -> Character:
    """A battery drawn by chance: age, resistance, climate, errors of its sensors and of the curve."""
    r = random.Random(seed)
    held_bp = r.randint(6_800, 10_000)
    return Character(
        held_bp=held_bp,
        resistance_ppm=round(1_000_000 * (1 + (10_000 - held_bp) / 5_000 * r.uniform(0.5, 1.5))),
        ambient_dc=r.randint(50, 350),
        start_soc_bp=r.randint(2_000, 8_000),
        seed=str(seed),
        spread=Spread(
            current_gain_ppm=round(r.gauss(0, CELLS.u_gain_ppm)),
            current_offset_ma=round(r.gauss(0, CELLS.u_offset_ppm) * CELLS.rated_ma / 1_000_000),
            ocv_mv=round(r.gauss(0, CELLS.u_ocv_mv)),
        ),
    )  # fmt: skip


class Bench:
    """A battery that lives by `round`."""

    def __init__(
        self, who: Character, diagnosis: Diagnosis | None = None, *, limits: Limits = LIMITS, visible: int = VISIBLE
    ) -> None:  # fmt: skip
        rating = BatteryRating(
            capacity_wh=CAPACITY_WH, charge_power_w=RATED_W, discharge_power_w=RATED_W, held_bp=who.held_bp,
            resistance_ppm=who.resistance_ppm, charge_taper_bp=9_850, discharge_taper_bp=200,
        )  # fmt: skip
        site = PlantParameters(
            battery=rating, ramp_w_per_s=200_000, pcc_import_w=3_000_000, pcc_export_w=3_000_000, standby_w=0,
            start_soc_bp=who.start_soc_bp, ambient_dc=who.ambient_dc,
        )  # fmt: skip
        days = {DAY.plus(n): DayProfile(day=DAY.plus(n), load_w=(0,) * 96, pv_w=(0,) * 96) for n in range(4)}
        self.plant = Plant(parameters=site, days=days, seed=who.seed, start_ms=START_MS)
        self.cells = Cells(rating, seed=who.seed, count=visible, spread=who.spread)
        self.diagnosis, self.limits = diagnosis, limits
        self.t_ms = START_MS
        self.order = Order(power_w=0)
        self._last_ms = START_MS
        self.doctor: Callable[[StationSample], StationSample] = lambda sample: sample
        self.silent = False

    def sample(self) -> StationSample:
        """What the box reads now."""
        now = self.plant.snapshot()
        self.cells.live(now)
        return self.doctor(sample_of(now, self.cells))

    def round(self, wanted: Base, *, step_ms: int = 10_000, least_w: int | None = None) -> Order:
        """Let time pass, look, decide, order."""
        self.t_ms += step_ms
        self.plant.step(self.t_ms)
        sample = None if self.silent else self.sample()
        if sample is not None and self.diagnosis is not None:
            self.diagnosis.see(sample, t_ms=self.t_ms)
        if self.diagnosis is not None:
            wanted = self.diagnosis.base(self.t_ms, wanted, least_w=least_w)
        now = None if sample is None else Situation(sample=sample, hold_ms=step_ms)
        made = wish.wish(wanted, now=now, limits=self.limits, least_w=least_w)
        before = Before(power_w=self.order.power_w, elapsed_ms=step_ms)
        self.order = guard(made.power_w, limits=self.limits, now=now, before=before)
        if not self.order.silent:
            self.plant.command(self.order.power_w, enabled=True)
        if self.diagnosis is not None:
            self.diagnosis.ordered(self.order, t_ms=self.t_ms, seen=sample is not None)
        return self.order


NOTHING = Base(power_w=None, source=Source.NOTHING)


def scheduled(power_w: int) -> Base:
    """What a schedule wants."""
    return Base(power_w=power_w, source=Source.SCHEDULE)


def sample_of(now: Snapshot, cells: Cells) -> StationSample:
    """A whole station's sample of an instant, as its tables would give it."""
    millivolts, hottest = cells.millivolts, now.cell_temperature_dc
    voltage_mv = sum(millivolts) * CELLS_IN_SERIES // len(millivolts)
    points = dict(zip(KEYS, millivolts, strict=False))
    points |= {"bms.current": _rounded(cells.current_ma), "bms.voltage": _rounded(voltage_mv)}
    points |= {key: hottest - n % 7 for n, key in enumerate(PROBES)}
    return StationSample(
        meter_power_w=now.meter_power_w, reactive_var=0, import_wh=now.import_wh, export_wh=now.export_wh,
        battery_power_w=now.battery_power_w, soc_bp=now.soc_bp // 10 * 10, soh_bp=now.soh_bp // 10 * 10,
        charge_wh=now.charge_wh, discharge_wh=now.discharge_wh, pcs_state=PcsState.STANDBY,
        charge_limit_w=now.charge_limit_w, discharge_limit_w=now.discharge_limit_w, set_power_w=now.set_power_w,
        frequency_mhz=50_000, alarms=(), quality=Quality(0), cell_lowest_mv=min(millivolts),
        cell_highest_mv=max(millivolts), cell_coldest_ddegc=hottest - 6, cell_hottest_ddegc=hottest,
        bms_allows_charge=max(millivolts) < 3_650, bms_allows_discharge=min(millivolts) > 2_600, contactor_closed=True,
        heartbeat=None, points=points,
    )  # fmt: skip


def _rounded(value: int) -> int:
    return (value + 50) // 100 * 100


def diagnosis_at(
    store: Store, state: Path, recording: Callable[[], Recording], *, cells: CellData | None = CELLS,
    limits: Limits = LIMITS,
) -> Diagnosis:  # fmt: skip
    return Diagnosis(
        store, state, station=4, limits=limits, cells=cells, recording=recording, alarms=Alarms(store)
    )  # fmt: skip


def play_test(bench: Bench, *, done: Callable[[], bool], most_h: int = 20) -> None:
    """Rounds of 10 s, of 1 s for a minute after each change of the order, until a test is over."""
    changed_ms, before = bench.t_ms, 0
    while not done() and bench.t_ms - START_MS < most_h * 3_600_000:
        fine = bench.t_ms - changed_ms < 30_000
        order = bench.round(NOTHING, step_ms=1_000 if fine else 10_000)
        if abs(order.power_w - before) * 10 > RATED_W:
            changed_ms = bench.t_ms
        before = order.power_w
