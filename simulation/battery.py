"""A battery behind its converter, in exact integers: what goes in, times the efficiency, is what is stored.

Energy is counted in watt-milliseconds (1 Wh = 3,600,000 W·ms), so that power in watts times time in milliseconds needs
no rounding. Energy and power are positive out of the battery.
"""

from dataclasses import dataclass
from itertools import pairwise

from simulation.noise import ONE

WMS_PER_WH = 3_600_000
DAY_MS = 86_400_000
FULL_BP = 10_000

LFP_EFFICIENCY = (
    (0, 880_000),
    (50_000, 925_000),
    (100_000, 945_000),
    (250_000, 956_000),
    (500_000, 958_000),
    (1_000_000, 949_000),
)
"""One way, converter and cells: (share of rated power, efficiency), both ppm; typical of a 1 kV LFP system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryRating:
    """What a battery can do; powers at its AC side, watts; energy is what is usable between 0 and 100 % SOC."""

    capacity_wh: int
    charge_power_w: int
    discharge_power_w: int
    efficiency: tuple[tuple[int, int], ...] = LFP_EFFICIENCY
    self_discharge_ppm_day: int = 600
    """Stored energy that is lost in a day, ppm (2 % a month)."""
    charge_taper_bp: int = 9_700
    """Above this SOC the charging limit falls in a straight line, to a twentieth at 100 %."""
    discharge_taper_bp: int = 300
    """Below this SOC the discharging limit falls in a straight line, to a twentieth at 0."""
    soh_bp: int = 9_900
    """State of health when new to the simulation."""
    life_cycles: int = 6_000
    """Full cycles in which the reported state of health falls by 2000 bp."""


@dataclass(slots=True, kw_only=True)
class Battery:
    """The state of a battery; `stored_wms` is inside the cells, the two registers are at its AC side."""

    rating: BatteryRating
    stored_wms: int
    charge_wms: int = 0
    discharge_wms: int = 0
    cycled_wms: int = 0
    """Energy discharged since the simulation began; wear follows it."""

    @property
    def capacity_wms(self) -> int:
        """Usable energy."""
        return self.rating.capacity_wh * WMS_PER_WH

    @property
    def soc_bp(self) -> int:
        """State of charge, basis points, rounded down."""
        return self.stored_wms * FULL_BP // self.capacity_wms

    @property
    def soh_bp(self) -> int:
        """State of health as the battery management reports it, basis points."""
        worn = self.cycled_wms * 2_000 // (self.capacity_wms * self.rating.life_cycles)
        return max(0, self.rating.soh_bp - worn)

    @property
    def charge_limit_w(self) -> int:
        """Highest charging power now, a magnitude."""
        room = FULL_BP - self.soc_bp
        return _tapered(self.rating.charge_power_w, room, FULL_BP - self.rating.charge_taper_bp)

    @property
    def discharge_limit_w(self) -> int:
        """Highest discharging power now, a magnitude."""
        return _tapered(self.rating.discharge_power_w, self.soc_bp, self.rating.discharge_taper_bp)

    def efficiency_ppm(self, power_w: int) -> int:
        """One-way efficiency at a power of either sign, parts per million."""
        rated = self.rating.discharge_power_w if power_w > 0 else self.rating.charge_power_w
        return _interpolate(self.rating.efficiency, min(ONE, abs(power_w) * ONE // rated))

    def exchange(self, energy_wms: int, *, power_w: int) -> int:
        """Move energy through the AC side at a power; return what really moved, never past full or empty."""
        efficiency = self.efficiency_ppm(power_w)
        if energy_wms < 0:
            return -self._charge(-energy_wms, efficiency)
        return self._discharge(energy_wms, efficiency)

    def rest(self, duration_ms: int) -> None:
        """Lose what a battery loses by standing."""
        lost = self.stored_wms * self.rating.self_discharge_ppm_day * duration_ms // (ONE * DAY_MS)
        self.stored_wms -= lost

    def _charge(self, energy_wms: int, efficiency_ppm: int) -> int:
        room = (self.capacity_wms - self.stored_wms) * ONE // efficiency_ppm
        taken = min(energy_wms, room)
        self.stored_wms += taken * efficiency_ppm // ONE
        self.charge_wms += taken
        return taken

    def _discharge(self, energy_wms: int, efficiency_ppm: int) -> int:
        given = min(energy_wms, self.stored_wms * efficiency_ppm // ONE)
        self.stored_wms -= -(-given * ONE // efficiency_ppm)
        self.discharge_wms += given
        self.cycled_wms += given
        return given


def _tapered(power_w: int, room_bp: int, taper_bp: int) -> int:
    """Full power while there is more room than the taper, then down in a straight line; 0 without room."""
    if room_bp <= 0:
        return 0
    if room_bp >= taper_bp:
        return power_w
    return max(power_w // 20, power_w * room_bp // taper_bp)


def _interpolate(curve: tuple[tuple[int, int], ...], x: int) -> int:
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) // (x1 - x0)
    return curve[-1][1]
