"""A station alone in the dark (protocol 9.13 to 9.16): the real box and the frequency's cycle in virtual time.

The grid is an Ornstein–Uhlenbeck process with disturbances, seeded. Each order of the 100 ms cycle is held against F3,
D5, ramp and limits, worked out here anew in fractions and integers, with none of the box's code.
"""

import math
import random
from dataclasses import dataclass, field, replace
from fractions import Fraction

from alliance.droop import Droop
from edge.control.fast_link import Report
from edge.control.frequency import FrequencyCycle, Told
from edge.control.guard import Order
from edge.devices.station import PcsState, StationSample
from oracle.directive import Envelope
from tests.edge.rig import LIMITS, SAMPLE, START_MS, ScriptedStation

KW = 1_000
PERIOD_MS = 100
SECOND_MS = 1_000
HOUR_MS = 3_600_000
SIGMA_MHZ = 22.4
_TAU_S = 30.0
_WMS_PER_WH = HOUR_MS
NOMINAL_MHZ = 50_000
BOUNDS = replace(
    LIMITS, pcc_import_w=900 * KW, pcc_export_w=700 * KW, eta_charge_ppm=950_000, eta_discharge_ppm=950_000
)
_WMS_PER_BP = Fraction(BOUNDS.capacity_wh * HOUR_MS, 10_000)
_UP_WMS_PER_BP = _WMS_PER_BP * Fraction(BOUNDS.eta_discharge_ppm, 10**6)
_DOWN_WMS_PER_BP = _WMS_PER_BP / Fraction(BOUNDS.eta_charge_ppm, 10**6)
DROOP = Droop(
    rated_w=500 * KW, deadband_mhz=33, droop_bp=200, cap_w=300 * KW, sustain_ms=900_000, recover_w=20 * KW,
    recover_below_bp=4_500, recover_above_bp=5_500,
)  # fmt: skip
SAFE_WH = tuple(-5 * KW if slot < 24 else 7 * KW if 72 <= slot < 88 else 0 for slot in range(96))
ENVELOPE = Envelope(droop=DROOP, reserve_up_w=150 * KW, reserve_down_w=150 * KW, reserve_ms=900_000, safe_wh=SAFE_WH)


@dataclass
class Grid:
    """Frequency in steps of 100 ms: dx = −x/τ dt + σ√(2/τ) dW, exactly discretised, and disturbances on top."""

    chance: random.Random
    disturbances: tuple[tuple[int, int, int], ...] = ()
    """(from ms, to ms, mHz)."""
    _off_mhz: float = 0.0

    def step(self, t_ms: int) -> int:
        """The frequency at the next instant, mHz."""
        keep = math.exp(-PERIOD_MS / 1_000 / _TAU_S)
        self._off_mhz = keep * self._off_mhz + SIGMA_MHZ * math.sqrt(1 - keep * keep) * self.chance.gauss(0, 1)
        return (
            NOMINAL_MHZ + round(self._off_mhz) + sum(by for start, end, by in self.disturbances if start <= t_ms < end)
        )


def disturbances(chance: random.Random, *, from_ms: int, to_ms: int, count: int) -> tuple[tuple[int, int, int], ...]:
    """Losses of plant or load: 30 s to 10 minutes, 60 to 900 mHz either way."""
    found = []
    for _ in range(count):
        start = chance.randrange(from_ms, to_ms)
        size = chance.choice((60, 120, 200, 400, 900)) * chance.choice((1, -1))
        found.append((start, start + chance.randint(30, 600) * 1_000, size))
    return tuple(found)


class DarkStation(ScriptedStation):
    """A battery that does what it is told, at a site with a steady load, on a grid that moves."""

    def __init__(self, grid: Grid, *, soc_bp: int = 5_000, load_w: int = 300 * KW) -> None:
        super().__init__(sample=replace(SAMPLE, soc_bp=soc_bp, pcs_state=PcsState.STANDBY))
        self.grid, self.load_w, self.power_w, self.t_ms = grid, load_w, 0, START_MS
        self.stored_wms = BOUNDS.capacity_wh * _WMS_PER_WH * soc_bp // 10_000
        self.in_wms = [SAMPLE.import_wh * _WMS_PER_WH, SAMPLE.charge_wh * _WMS_PER_WH]
        self.out_wms = [SAMPLE.export_wh * _WMS_PER_WH, SAMPLE.discharge_wh * _WMS_PER_WH]

    def live(self, t_ms: int) -> StationSample:
        """One period on, at the power that was last ordered."""
        dt_ms, self.t_ms = t_ms - self.t_ms, t_ms
        inside_wms = -self.power_w * dt_ms * (19 if self.power_w < 0 else 20) // (20 if self.power_w < 0 else 19)
        self.stored_wms += inside_wms
        for n, power_w in enumerate((self.power_w - self.load_w, self.power_w)):
            self.in_wms[n] += max(0, -power_w) * dt_ms
            self.out_wms[n] += max(0, power_w) * dt_ms
        self.sample = replace(
            self.sample, meter_power_w=self.power_w - self.load_w, battery_power_w=self.power_w,
            frequency_mhz=self.grid.step(t_ms), soc_bp=self.stored_wms * 10_000 // (BOUNDS.capacity_wh * _WMS_PER_WH),
            import_wh=self.in_wms[0] // _WMS_PER_WH, export_wh=self.out_wms[0] // _WMS_PER_WH,
            charge_wh=self.in_wms[1] // _WMS_PER_WH, discharge_wh=self.out_wms[1] // _WMS_PER_WH,
        )  # fmt: skip
        return self.sample

    async def read(self) -> StationSample:
        self.reads += 1
        return self.sample

    async def write_power(self, power_w: int) -> None:
        self.orders.append(power_w)
        self.power_w = power_w


@dataclass
class Figures:
    """How the orders compare with what was worked out apart from the box."""

    orders: int = 0
    answering: int = 0
    """Of them with an answer to the frequency that is not 0."""
    outside: int = 0
    """Past rating, window, PCC or ramp."""
    off: int = 0
    """Other than F3 and the schedule give, by more than a watt."""
    after_end: int = 0
    """Orders after the envelope's end."""
    most_off_w: int = 0
    lowest_mhz: int = NOMINAL_MHZ
    highest_mhz: int = NOMINAL_MHZ
    wrong: list[tuple[int, int, int, str]] = field(default_factory=list)
    """(instant, order, due, why) of the first that were wrong."""

    def note(self, t_ms: int, order_w: int, due_w: int, why: str) -> None:
        """One that is wrong."""
        if len(self.wrong) < 10:
            self.wrong.append((t_ms, order_w, due_w, why))


class DarkFast:
    """The frequency's process in virtual time: its own cycle, ten periods behind each word of the main cycle."""

    def __init__(self, station: DarkStation, *, until_ms: int, droop: Droop | None = None) -> None:
        """`droop`: what the orders are held against, where it is other than the envelope's (controls)."""
        self._station, self._until_ms, self._droop = station, until_ms, droop or DROOP
        self._cycle = FrequencyCycle(BOUNDS, period_ms=PERIOD_MS)
        self._standing_w, self._report = 0, Report(order=Order(power_w=0), answer_w=0, failures=0, jitter={})
        self.figures = Figures()

    async def exchange(self, told: Told) -> Report:
        """What the main cycle says counts for the second to come; the report is that of its end."""
        self._cycle.tell(told)
        for t_ms in range(told.t_ms + PERIOD_MS, told.t_ms + SECOND_MS + 1, PERIOD_MS):
            sample = self._station.live(t_ms)
            order, answer_w = self._cycle.decide(sample, t_ms=t_ms)
            self._cycle.ordered(order, t_ms=t_ms)
            self._judge(sample, order, base_w=safe_w(told.t_ms), counts=t_ms < self._until_ms)
            self._station.power_w = self._standing_w = order.power_w
            self._report = replace(self._report, order=order, answer_w=answer_w)
        return self._report

    async def close(self) -> None:
        """Nothing to let go."""

    def _judge(self, sample: StationSample, order: Order, *, base_w: int, counts: bool) -> None:
        f, t_ms = self.figures, self._station.t_ms
        answer_w = due_answer_w(self._droop, sample) if counts else 0
        due_w = due_order_w(base_w + answer_w, sample, standing_w=self._standing_w)
        f.orders += 1
        f.answering += answer_w != 0
        f.after_end += not counts
        f.lowest_mhz, f.highest_mhz = min(f.lowest_mhz, sample.frequency_mhz), max(f.highest_mhz, sample.frequency_mhz)
        f.most_off_w = max(f.most_off_w, abs(order.power_w - due_w))
        if abs(order.power_w - due_w) > 1:
            f.off += 1
            f.note(t_ms, order.power_w, due_w, "other")
        if (why := outside(order.power_w, sample)) is not None:
            f.outside += 1
            f.note(t_ms, order.power_w, due_w, why)


def safe_w(t_ms: int) -> int:
    """The safe schedule's power, W. Local days begin at START_MS."""
    return SAFE_WH[(t_ms - START_MS) // 900_000 % 96] * 4


def due_answer_w(droop: Droop, sample: StationSample) -> int:
    """F3 with its cap, D5's bearing, and the drift inside the dead band."""
    off_mhz = sample.frequency_mhz - NOMINAL_MHZ
    if abs(off_mhz) <= droop.deadband_mhz:
        low, high = sample.soc_bp < droop.recover_below_bp, sample.soc_bp > droop.recover_above_bp
        return droop.recover_w * (high - low)
    per_mhz = Fraction(droop.rated_w, 1_000) / (50 * Fraction(droop.droop_bp, 10_000))
    rounded = math.floor(min((abs(off_mhz) - droop.deadband_mhz) * per_mhz, Fraction(droop.cap_w)) + Fraction(1, 2))
    up_w, down_w = bearable_w(sample, for_ms=droop.sustain_ms)
    return -min(rounded, down_w) if off_mhz > 0 else min(rounded, up_w)


def bearable_w(sample: StationSample, *, for_ms: int) -> tuple[int, int]:
    """Discharge and charge that rating and content bear for a time: (SOC − min)·E·η/T and (max − SOC)·E/(η·T)."""
    up = max(0, sample.soc_bp - BOUNDS.soc_min_bp) * _UP_WMS_PER_BP / for_ms
    down = max(0, BOUNDS.soc_max_bp - sample.soc_bp) * _DOWN_WMS_PER_BP / for_ms
    return min(BOUNDS.discharge_power_w, math.floor(up)), min(BOUNDS.charge_power_w, math.floor(down))


def due_order_w(wish_w: int, sample: StationSample, *, standing_w: int) -> int:
    """The wish by ramp, rating, content and connection."""
    reach_w = BOUNDS.ramp_w_per_s * PERIOD_MS // 1_000
    aim_w = max(standing_w - reach_w, min(standing_w + reach_w, wish_w))
    up_w, down_w = bearable_w(sample, for_ms=PERIOD_MS)
    load_w = sample.battery_power_w - sample.meter_power_w
    return max(-min(down_w, BOUNDS.pcc_import_w - load_w), min(up_w, BOUNDS.pcc_export_w + load_w, aim_w))


def outside(power_w: int, sample: StationSample) -> str | None:
    """The envelope that an order leaves, None where it is inside."""
    load_w = sample.battery_power_w - sample.meter_power_w
    if not -BOUNDS.charge_power_w <= power_w <= BOUNDS.discharge_power_w:
        return "rating"
    if not -BOUNDS.pcc_import_w <= power_w - load_w <= BOUNDS.pcc_export_w:
        return "connection"
    if (power_w > 0 and sample.soc_bp <= BOUNDS.soc_min_bp) or (power_w < 0 and sample.soc_bp >= BOUNDS.soc_max_bp):
        return "content"
    return None
