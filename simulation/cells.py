"""The cells of a battery in series: open-circuit voltage, resistance, relaxation; each cell differs a little, by seed.

A cell's content counts in charge, so the state of charge that the voltage follows is not the share of energy that the
plant counts: energy is charge times a voltage that rises with it. Currents are positive out of the cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.battery import FULL_BP, WMS_PER_WH, Battery, BatteryRating, interpolate, resistance_at
from simulation.noise import ONE, Noise
from simulation.plant import Snapshot

CELLS_IN_SERIES = 416
"""Of the real battery; devices show a part of them."""
OCV = ((0, 2_800), (500, 3_100), (1_000, 3_200), (3_000, 3_270), (7_000, 3_320), (9_500, 3_350), (10_000, 3_450))
"""(SOC bp, mV) of a resting LFP cell."""
SAG_MV = 60
"""A new cell's voltage moves so far at rated power, at once, at 25 °C."""
_SLOW_SHARE_PPM = 330_000
"""As much of that comes on top, slowly."""
_SLOW_MS = 120_000
_STEP_BP = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far cells differ: standard deviations; and how wrong the current is measured."""

    capacity_ppm: int = 3_000
    resistance_ppm: int = 30_000
    content_bp: int = 10
    current_gain_ppm: int = 0
    """The current is shown so much too large."""
    current_offset_ma: int = 0
    ocv_mv: int = 0
    """All cells rest so much above the curve: another make, hysteresis."""


class Cells:
    """`live` with each snapshot of the plant; then read voltages and current. What differs may be changed by hand."""

    def __init__(self, rating: BatteryRating, *, seed: str, count: int, spread: Spread | None = None) -> None:
        self._rating, self._spread = rating, spread or Spread()
        noise = [Noise(seed=seed, series=f"cells.{what}") for what in ("capacity", "resistance", "content")]
        self.capacity_ppm = [ONE + noise[0].at(n) * self._spread.capacity_ppm // ONE for n in range(count)]
        """Of the mean cell's."""
        self.resistance_ppm = [ONE + noise[1].at(n) * self._spread.resistance_ppm // ONE for n in range(count)]
        self.content_bp = [noise[2].at(n) * self._spread.content_bp // ONE for n in range(count)]
        """How much more a full battery's cell holds than the others."""
        self._by_energy = _charge_by_energy()
        self._t_ms: int | None = None
        self._slow_uv = 0
        self.millivolts: Sequence[int] = [OCV[0][1]] * count
        self.current_ma = 0
        """As the battery management measures it."""

    @property
    def mean_mv(self) -> int:
        """Of the cells."""
        return sum(self.millivolts) // len(self.millivolts)

    @property
    def capacity_mah(self) -> int:
        """Charge that the battery holds when it is as the rating says."""
        return self._rating.capacity_wh * self._rating.held_bp // FULL_BP * 1_000_000 // (_MEAN_MV * CELLS_IN_SERIES)

    def live(self, now: Snapshot) -> None:
        """Follow the plant to an instant."""
        capacity_wms = Battery(rating=self._rating, stored_wms=0).capacity_wms
        energy_bp = now.stored_wh * WMS_PER_WH * FULL_BP // max(1, capacity_wms)
        soc_bp = interpolate(self._by_energy, energy_bp)
        share_ppm = now.cell_power_w * ONE // self._rating.discharge_power_w
        at_once_uv = (
            resistance_at(self._rating.resistance_ppm, now.cell_temperature_dc) * SAG_MV // 1_000 * share_ppm // ONE
        )
        aim_uv = at_once_uv * _SLOW_SHARE_PPM // ONE
        passed_ms = 0 if self._t_ms is None else max(0, now.t_ms - self._t_ms)
        self._slow_uv += (aim_uv - self._slow_uv) * passed_ms // (_SLOW_MS + passed_ms)
        self._t_ms = now.t_ms
        self.millivolts = [
            _rest_uv(soc_bp, capacity, content, self._spread.ocv_mv) // 1_000
            - ((at_once_uv + self._slow_uv) * resistance // ONE + 500) // 1_000
            for capacity, resistance, content in zip(
                self.capacity_ppm, self.resistance_ppm, self.content_bp, strict=True
            )
        ]
        true_ma = now.cell_power_w * 1_000_000 // (interpolate(OCV, soc_bp) * CELLS_IN_SERIES)
        spread = self._spread
        self.current_ma = true_ma * (ONE + spread.current_gain_ppm) // ONE + spread.current_offset_ma


def _rest_uv(soc_bp: int, capacity_ppm: int, content_bp: int, ocv_mv: int) -> int:
    """A cell's resting voltage: balanced at full, so that a smaller one is empty first."""
    own_mbp = FULL_BP * 1_000 - (FULL_BP - soc_bp) * 1_000 * ONE // capacity_ppm + content_bp * 1_000
    return interpolate(_OCV_FINE, own_mbp) + ocv_mv * 1_000


def _charge_by_energy() -> tuple[tuple[int, int], ...]:
    """(share of the energy, state of charge), both bp: the energy below a state of charge is the curve's integral."""
    points, sum_ = [(0, 0)], 0
    for low in range(0, FULL_BP, _STEP_BP):
        sum_ += (interpolate(OCV, low) + interpolate(OCV, low + _STEP_BP)) * _STEP_BP // 2
        points.append((sum_, low + _STEP_BP))
    return tuple((part * FULL_BP // sum_, soc_bp) for part, soc_bp in points)


_OCV_FINE = tuple((soc_bp * 1_000, mv * 1_000) for soc_bp, mv in OCV)
_MEAN_MV = sum(
    (interpolate(OCV, low) + interpolate(OCV, low + _STEP_BP)) * _STEP_BP // 2 for low in range(0, FULL_BP, _STEP_BP)
) // FULL_BP  # fmt: skip
