"""The state of charge as a battery management counts it: off by current sensor, believed capacity, and drift.

Near full and near empty it sets itself right, but for an error of its own. What the plant itself knows is the truth.
"""

from dataclasses import dataclass

from simulation.battery import FULL_BP, Battery
from simulation.noise import ONE, Noise

_HOUR_MS = 3_600_000
_NEAR_FULL_BP, _NEAR_EMPTY_BP = 9_600, 400


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingErrors:
    """How wrong the counting is."""

    gain_ppm: int = 0
    """Of the measured current."""
    offset_bp_per_h: int = 0
    """What the sensor's zero adds or takes in an hour, hundredths of a basis point."""
    capacity_ppm: int = 0
    """How much more the battery management believes the cells to hold than they do."""
    settle_bp: int = 60
    """Standard deviation of what it sets itself to near full and empty."""


class CountedSoc:
    """`follow` the battery after every exchange; `soc_bp` is what is reported, in steps of 0.1 %."""

    def __init__(self, battery: Battery, errors: CountingErrors, *, seed: str) -> None:
        self._battery, self._errors = battery, errors
        self._noise = Noise(seed=seed, series="soc")
        self._stored_wms = battery.stored_wms
        self._micro_bp = battery.soc_bp * ONE + self._noise.at(0) * 2 * errors.settle_bp
        self._settled = 0
        self._free = True

    @property
    def soc_bp(self) -> int:
        """0…10,000."""
        return max(0, min(FULL_BP, self._micro_bp // ONE)) // 10 * 10

    def follow(self, passed_ms: int) -> None:
        """Count what has flowed since the last call."""
        errors, battery = self._errors, self._battery
        moved_wms = battery.stored_wms - self._stored_wms
        self._stored_wms = battery.stored_wms
        believed_wms = battery.capacity_wms * (ONE + errors.capacity_ppm) // ONE
        counted = moved_wms * (ONE + errors.gain_ppm) // ONE
        self._micro_bp += counted * FULL_BP * ONE // believed_wms
        self._micro_bp += errors.offset_bp_per_h * ONE // 100 * passed_ms // _HOUR_MS
        at_end = not _NEAR_EMPTY_BP < battery.soc_bp < _NEAR_FULL_BP
        if at_end and self._free:
            self._settled += 1
            self._micro_bp = battery.soc_bp * ONE + self._noise.at(self._settled) * errors.settle_bp
        self._free = not at_end
