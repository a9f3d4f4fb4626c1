"""A fire panel behind its shipped table: four zones with smoke, heat, hydrogen, carbon monoxide; it takes no orders.

Warning at 100 ppm of hydrogen or 50 ppm of carbon monoxide; alarm by smoke or 70 °C; smoke and heat together in one
zone release the agent, once.
"""

from dataclasses import dataclass

from edge.devices.tables import read_points
from edge.tables import shipped
from simulation.devices.meter import takes_no_orders
from simulation.devices.registers import Registers
from simulation.plant import Snapshot

ZONES = (1, 2, 3, 4)
_HOT_DC, _HYDROGEN_PPM, _CARBON_MONOXIDE_PPM = 700, 100, 50
_FULL_PA, _EMPTY_PA, _LOW_PA = 4_200_000, 0, 3_600_000


@dataclass(slots=True, kw_only=True)
class Zone:
    """What burns in a zone."""

    smoke: bool = False
    heat_dc: int = 0
    """Above the room's temperature."""
    hydrogen_ppm: int = 0
    carbon_monoxide_ppm: int = 2


class FireDevice:
    """Registers and zones of one panel."""

    def __init__(self) -> None:
        self.registers = Registers(read_points(shipped()["fire"]), obey=takes_no_orders)
        self.zones = {zone: Zone() for zone in ZONES}
        self._released = False
        self.faults = 0
        """Bits of the alarm word that are forced: 5 agent low, 6 mains, 7 loop."""
        self.emergency_stop = False

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        room_dc = now.cell_temperature_dc
        word = 0
        for zone in self.zones.values():
            hot = room_dc + zone.heat_dc >= _HOT_DC
            self._released |= zone.smoke and hot
            word |= zone.smoke | hot << 1
            word |= (zone.hydrogen_ppm >= _HYDROGEN_PPM) << 2 | (zone.carbon_monoxide_ppm >= _CARBON_MONOXIDE_PPM) << 3
        pressure_pa = _EMPTY_PA if self._released else _LOW_PA - 1 if self.faults & 1 << 5 else _FULL_PA
        word |= self.faults
        word |= self._released << 4 | (pressure_pa < _LOW_PA) << 5
        self.registers.put(
            {
                "fire.state": 3 if self._released else 2 if word & 0b11 else 1 if word else 0,
                "fire.automatic": 1,
                "fire.emergency_stop": int(self.emergency_stop),
                "fire.alarm_word": word,
                "fire.agent_pressure": pressure_pa,
                **{f"fire.smoke.{n}": int(zone.smoke) for n, zone in self.zones.items()},
                **{f"fire.temperature.{n}": room_dc + zone.heat_dc for n, zone in self.zones.items()},
                **{f"fire.hydrogen.{n}": zone.hydrogen_ppm for n, zone in self.zones.items()},
                **{f"fire.carbon_monoxide.{n}": zone.carbon_monoxide_ppm for n, zone in self.zones.items()},
            }
        )
