"""A capacitor behind a converter of its own: the converter's registers, and a DC voltage that follows the content."""

from math import isqrt

from simulation.devices.pcs import PcsDevice
from simulation.plant import Plant, Snapshot

_FULL_BP = 10_000


class CapacitorDevice(PcsDevice):
    """Registers of a plant that is a capacitor: U² runs from the lowest to the highest voltage's with its content."""

    def __init__(self, plant: Plant, *, dc_min_mv: int, dc_max_mv: int) -> None:
        self._low, self._high = dc_min_mv**2, dc_max_mv**2
        super().__init__(plant)

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        super().publish(now)
        self.registers.put({"pcs.dc_voltage": isqrt(self._low + (self._high - self._low) * now.soc_bp // _FULL_BP)})
