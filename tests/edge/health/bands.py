"""Batteries that work for some days, are asked what they can still give and take, and then give and take it."""

import copy
import random
from dataclasses import dataclass, replace

from edge.control.limits import Limits
from edge.devices.station import StationSample
from edge.health.diagnosis.believable import Believable, believable
from edge.health.diagnosis.observed import Observed
from simulation.battery import WMS_PER_WH, Battery, BatteryRating
from simulation.counted_soc import CountedSoc, CountingErrors
from tests.edge.rig import SAMPLE

RATED_W, CAPACITY_WH = 1_000_000, 2_000_000
LIMITS = Limits(
    charge_power_w=RATED_W, discharge_power_w=RATED_W, capacity_wh=CAPACITY_WH, soc_min_bp=800, soc_max_bp=9_500,
    pcc_import_w=9 * RATED_W, pcc_export_w=9 * RATED_W, ramp_w_per_s=RATED_W, eta_charge_ppm=945_000,
    eta_discharge_ppm=945_000,
)  # fmt: skip
STEP_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was said and what came."""

    charging: bool
    said: Believable
    moved_wh: int
    runs: int

    @property
    def inside(self) -> bool:
        return self.said.low_wh <= self.moved_wh <= self.said.high_wh


class Working:
    """A battery with its counted state of charge, and what the box gathers of it."""

    def __init__(self, seed: int) -> None:
        self.chance = r = random.Random(seed)
        held_bp = r.randint(7_000, 10_000)
        curve = tuple(
            (share, eta + shift)
            for shift in [r.randint(-12_000, 8_000)]
            for share, eta in BatteryRating(capacity_wh=1, charge_power_w=1, discharge_power_w=1).efficiency
        )
        rating = BatteryRating(
            capacity_wh=CAPACITY_WH, charge_power_w=RATED_W, discharge_power_w=RATED_W, held_bp=held_bp, efficiency=curve,
            resistance_ppm=1_000_000 + (10_000 - held_bp) * r.randint(50, 300),
        )  # fmt: skip
        self.battery = Battery(rating=rating, stored_wms=0)
        self.battery.stored_wms = self.battery.capacity_wms * r.randint(2_000, 8_000) // 10_000
        self.cell_dc = r.randint(80, 320)
        self.soh_bp = held_bp + r.randint(-500, 500)
        errors = CountingErrors(
            gain_ppm=round(r.gauss(0, 5_000)), offset_bp_per_h=round(r.gauss(0, 150)),
            capacity_ppm=round(r.gauss(0, 15_000)), settle_bp=r.randint(20, 80),
        )  # fmt: skip
        self.soc = CountedSoc(self.battery, errors, seed=str(seed))
        self.observed = Observed(limits=LIMITS, cells=None)
        self.t_ms = 0

    def sample(self, power_w: int) -> StationSample:
        return replace(
            SAMPLE, battery_power_w=power_w, soc_bp=self.soc.soc_bp, soh_bp=self.soh_bp,
            charge_wh=self.battery.charge_wms // WMS_PER_WH, discharge_wh=self.battery.discharge_wms // WMS_PER_WH,
        )  # fmt: skip

    def step(self, power_w: int, *, seen: bool = True) -> int:
        """Run at a power, cut by the battery's own limits; returns the energy that moved, W·ms."""
        power_w = max(-self.battery.charge_limit_w, min(self.battery.discharge_limit_w, power_w))
        moved_wms = self.battery.exchange(power_w * STEP_MS, power_w=power_w, cell_dc=self.cell_dc) if power_w else 0
        self.battery.rest(STEP_MS)
        self.soc.follow(STEP_MS)
        self.t_ms += STEP_MS
        if seen:
            self.observed.see(self.sample(moved_wms // STEP_MS), t_ms=self.t_ms)
        return moved_wms

    def work(self, runs: int) -> None:
        """Go up and down between chance turning points at chance powers, with chance rests."""
        charging = self.chance.random() < 0.5
        for _ in range(runs):
            now = self.soc.soc_bp
            to_bp = (
                self.chance.randint(min(9_500, now + 300), 9_500)
                if charging
                else self.chance.randint(800, max(800, now - 300))
            )
            power_w = round(RATED_W * self.chance.uniform(0.15, 1.0)) * (-1 if charging else 1)
            self._until(to_bp, power_w)
            for _ in range(self.chance.randint(2, 90)):
                self.step(0)
            charging = not charging

    def _until(self, to_bp: int, power_w: int, *, seen: bool = True) -> int:
        moved = steps = 0
        while (self.soc.soc_bp < to_bp) if power_w < 0 else (self.soc.soc_bp > to_bp):
            came = self.step(power_w, seen=seen)
            moved, steps = moved + abs(came), steps + 1
            if abs(came) < RATED_W * STEP_MS // 200 or steps > 3_000:
                break  # the battery itself moves nothing more
        return moved // WMS_PER_WH

    def asked(self, *, charging: bool) -> Asked:
        """Ask now, then really do it, on a copy."""
        power_w = round(RATED_W * self.chance.uniform(0.2, 1.0))
        room = LIMITS.soc_max_bp - self.soc.soc_bp if charging else self.soc.soc_bp - LIMITS.soc_min_bp
        eta = LIMITS.eta_charge_ppm if charging else LIMITS.eta_discharge_ppm
        said = believable(
            self.observed.runs, charging=charging, room_bp=room, power_w=power_w, capacity_wh=CAPACITY_WH,
            rated_w=RATED_W, eta_ppm=eta, soh_bp=self.soh_bp,
        )  # fmt: skip
        other = copy.deepcopy(self)
        end = LIMITS.soc_max_bp if charging else LIMITS.soc_min_bp
        moved = other._until(end, -power_w if charging else power_w, seen=False)
        return Asked(charging=charging, said=said, moved_wh=moved, runs=said.runs)


def asked_of(seed: int) -> list[Asked]:
    """One battery: both questions, at a chance moment in the middle of a run."""
    working = Working(seed)
    working.work(working.chance.randint(0, 30))
    power_w = round(RATED_W * working.chance.uniform(-0.6, 0.6))
    for _ in range(working.chance.randint(5, 60)):
        room = LIMITS.soc_min_bp < working.soc.soc_bp < LIMITS.soc_max_bp
        working.step(power_w if room else 0)
    return [working.asked(charging=charging) for charging in (False, True)]
