"""A station behind a Chinese energy-management system: one register map, as the shipped point table (点表) says.

Input registers from 100, orders in holding registers from 1000; charge- and import-positive, kW and kWh, words swapped.
"""

from collections.abc import Mapping

from edge.devices.tables import read_table
from edge.tables import CHINESE_EMS
from simulation.devices.registers import Registers
from simulation.devices.server import RegisterValueRefused
from simulation.plant import Plant, Snapshot, State

STATES = {State.OFF: 0, State.STANDBY: 1, State.CHARGING: 2, State.DISCHARGING: 3, State.FAULT: 5}
_ORDER = {"set_power", "remote_enable", "command_timeout"}


class PlantOrders:
    """A converter's order registers, and what they make the plant do."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def obey(self, values: Mapping[str, int], hit: frozenset[str]) -> None:
        """Take an order or a heartbeat. Raises RegisterValueRefused for a power beyond 110 % of the rating."""
        rating, power_w = self._plant.parameters.battery, values["set_power"]
        if not -rating.charge_power_w * 11 // 10 <= power_w <= rating.discharge_power_w * 11 // 10:
            raise RegisterValueRefused(address=0, value=power_w)
        if hit & _ORDER:
            self._plant.command(
                power_w, enabled=values["remote_enable"] == 1, revert_s=values.get("command_timeout", 0)
            )
        if "heartbeat" in hit:
            self._plant.hear_heartbeat()


class EmsDevice:
    """The register map of one plant."""

    def __init__(self, *, plant: Plant, host: str, port: int) -> None:
        self.faults = 0
        """Bits of the alarm word that are forced."""
        self.registers = Registers(read_table(CHINESE_EMS), obey=PlantOrders(plant).obey)
        self.server = self.registers.server(host=host, port=port)
        self.publish(plant.snapshot())

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        values = station_values(now)
        self.registers.put({**values, "alarm_word": values["alarm_word"] | self.faults})


def station_values(now: Snapshot) -> dict[str, int]:
    """A whole station's measured points by key, in our units and signs."""
    return {
        "meter_power": now.meter_power_w,
        "meter_reactive": now.meter_reactive_var,
        "meter_import": now.import_wh,
        "meter_export": now.export_wh,
        "frequency": now.frequency_mhz,
        "battery_power": now.battery_power_w,
        "battery_soc": now.soc_bp,
        "battery_soh": now.soh_bp,
        "battery_charge": now.charge_wh,
        "battery_discharge": now.discharge_wh,
        "charge_limit": now.charge_limit_w,
        "discharge_limit": now.discharge_limit_w,
        "pcs_state": STATES[now.state],
        "alarm_word": int(now.alarms),
    }
