"""A battery behind its converter, in exact integers: what goes in, times the efficiency, is what is stored.

It ages: what it can hold falls with every cycle, and a higher resistance, by age or cold, loses more on the way.
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
"""One way, converter and cells: (share of rated power, efficiency), both ppm; typical of a 1 kV LFP system.

Holds for new cells at `WARM_DC` and above.
"""
WARM_DC = 220
RESISTANCE_BY_DC = (
    (-100, 2_441_000),
    (0, 1_848_000),
    (100, 1_427_000),
    (220, 1_070_000),
    (250, ONE),
    (360, 788_000),
    (450, 656_000),
    (600, 494_000),
)
"""Resistance at a cell temperature (tenths of °C), ppm of that at 25 °C: Arrhenius with 2,000 K, straight between."""


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
    """Full cycles in which the reported state of health, and what the cells hold, fall by 2000 bp."""
    held_bp: int = FULL_BP
    """Share of `capacity_wh` that the cells really hold at first, whatever the battery management reports."""
    resistance_ppm: int = ONE
    """The cells' resistance, of that when new."""
    ohmic_ppm: int = 18_000
    """Share of rated power that the resistance of new cells at 25 °C loses at rated power, within `efficiency`."""


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
        held_bp = max(0, self.rating.held_bp - self._worn_bp)
        return self.rating.capacity_wh * WMS_PER_WH * held_bp // FULL_BP

    @property
    def soc_bp(self) -> int:
        """State of charge, basis points, rounded down."""
        return self.stored_wms * FULL_BP // self.capacity_wms

    @property
    def soh_bp(self) -> int:
        """State of health as the battery management reports it, basis points."""
        return max(0, self.rating.soh_bp - self._worn_bp)

    @property
    def _worn_bp(self) -> int:
        return self.cycled_wms * 2_000 // (self.rating.capacity_wh * WMS_PER_WH * self.rating.life_cycles)

    @property
    def charge_limit_w(self) -> int:
        """Highest charging power now, a magnitude."""
        room = FULL_BP - self.soc_bp
        return _tapered(self.rating.charge_power_w, room, FULL_BP - self.rating.charge_taper_bp)

    @property
    def discharge_limit_w(self) -> int:
        """Highest discharging power now, a magnitude."""
        return _tapered(self.rating.discharge_power_w, self.soc_bp, self.rating.discharge_taper_bp)

    def efficiency_ppm(self, power_w: int, *, cell_dc: int = 250) -> int:
        """One-way efficiency at a power of either sign and a cell temperature (tenths of °C), parts per million."""
        rated = self.rating.discharge_power_w if power_w > 0 else self.rating.charge_power_w
        share = min(ONE, abs(power_w) * ONE // rated)
        more = max(0, resistance_at(self.rating.resistance_ppm, cell_dc) - resistance_at(ONE, WARM_DC))
        return interpolate(self.rating.efficiency, share) - self.rating.ohmic_ppm * share // ONE * more // ONE

    def exchange(self, energy_wms: int, *, power_w: int, cell_dc: int = 250) -> int:
        """Move energy through the AC side at a power; return what really moved, never past full or empty."""
        efficiency = self.efficiency_ppm(power_w, cell_dc=cell_dc)
        if energy_wms < 0:
            return -self._charge(-energy_wms, efficiency)
        return self._discharge(energy_wms, efficiency)

    def rest(self, duration_ms: int) -> None:
        """Lose what a battery loses by standing."""
        lost = self.stored_wms * self.rating.self_discharge_ppm_day * duration_ms // (ONE * DAY_MS)
        self.stored_wms -= lost

    def _charge(self, energy_wms: int, efficiency_ppm: int) -> int:
        room = max(0, self.capacity_wms - self.stored_wms) * ONE // efficiency_ppm
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


def resistance_at(resistance_ppm: int, cell_dc: int) -> int:
    """A resistance stated for 25 °C at another cell temperature, tenths of °C."""
    return resistance_ppm * interpolate(RESISTANCE_BY_DC, max(RESISTANCE_BY_DC[0][0], cell_dc)) // ONE


def interpolate(curve: tuple[tuple[int, int], ...], x: int) -> int:
    """A curve of straight lines at a value, level beyond its last point; below the first its first line goes on."""
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) // (x1 - x0)
    return curve[-1][1]
