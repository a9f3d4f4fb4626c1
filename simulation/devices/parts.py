"""A station of five devices behind shipped tables: meter, converter, battery, air conditioning, fire panel.

They may share one serial line or serial server: a bus answers for the unit that is asked.
"""

from typing import Protocol

from simulation.devices.bms import BmsDevice
from simulation.devices.fire import FireDevice
from simulation.devices.grid import GridEvent, disturbed
from simulation.devices.hvac import HvacDevice
from simulation.devices.meter import MeterDevice
from simulation.devices.pcs import PcsDevice
from simulation.devices.registers import Registers
from simulation.plant import Plant, Snapshot


class PartDevice(Protocol):
    """One device's simulator."""

    registers: Registers

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        ...


class StationParts:
    """The devices of one plant, by the name of their table."""

    def __init__(self, plant: Plant, *, seed: str) -> None:
        self._plant = plant
        self.meter, self.pcs, self.bms = MeterDevice(), PcsDevice(plant), BmsDevice(plant, seed=seed)
        self.hvac, self.fire = HvacDevice(), FireDevice()
        self.by_table: dict[str, PartDevice] = {
            "meter": self.meter,
            "pcs": self.pcs,
            "bms": self.bms,
            "hvac": self.hvac,
            "fire": self.fire,
        }
        self.grid: list[GridEvent] = []
        """What disturbs the grid, and when."""
        self.publish(plant.snapshot())

    def publish(self, now: Snapshot) -> None:
        """Show an instant on every device."""
        now = disturbed(now, self.grid)
        for device in self.by_table.values():
            device.publish(now)

    def live(self, minutes: int) -> None:
        """Let the plant live so long, and show it."""
        self._plant.step(self._plant.t_ms + minutes * 60_000)
        self.publish(self._plant.snapshot())
