"""The converter (PCS) of a plant behind its shipped table: AC and DC side, registers at the AC side, orders."""

from edge.devices.tables import read_points
from edge.tables import shipped
from simulation.devices.ems import STATES, PlantOrders
from simulation.devices.registers import Registers
from simulation.plant import Alarm, Plant, Snapshot, State

LINE_MV = 690_000
_ALARMS = {Alarm.TRIPPED: 1, Alarm.CONTACTOR_OPEN: 2, Alarm.COMMAND_EXPIRED: 4}
DC_MV = 1_331_200
"""Nominal: 416 cells of 3.2 V."""


class PcsDevice:
    """Registers of one plant's converter."""

    def __init__(self, plant: Plant) -> None:
        self._rated_w = plant.parameters.battery.discharge_power_w
        self.registers = Registers(read_points(shipped()["pcs"]), obey=PlantOrders(plant).obey)

    def publish(self, now: Snapshot) -> None:
        """Show an instant. Losses warm the power modules: 30 K above the cabinet at rated power."""
        power_w = now.battery_power_w
        cabinet_dc = 300 + 50 * abs(power_w) // self._rated_w
        self.registers.put(
            {
                "pcs_state": STATES[now.state],
                "pcs.mode": 0,
                "pcs.remote": int(self.registers.seen("remote_enable") == 1),
                "pcs.grid_present": 1,
                "pcs.emergency_stop": 0,
                "battery_power": power_w,
                "pcs.reactive_power": 0,
                **{f"pcs.voltage.{phase}": LINE_MV for phase in (1, 2, 3)},
                **{f"pcs.current.{phase}": round(power_w / 3**0.5 * 1_000_000 / LINE_MV) for phase in (1, 2, 3)},
                "pcs.frequency": now.frequency_mhz,
                "pcs.dc_voltage": 0 if now.state is State.OFF else DC_MV,
                "pcs.dc_current": power_w * 1_000_000 // DC_MV,
                "pcs.igbt_temperature": cabinet_dc + 300 * abs(power_w) // self._rated_w,
                "pcs.cabinet_temperature": cabinet_dc,
                "battery_charge": now.charge_wh,
                "battery_discharge": now.discharge_wh,
                "pcs.alarm_word": sum(bit for alarm, bit in _ALARMS.items() if alarm in now.alarms),
            }
        )
