"""The converter (PCS) of a plant behind its shipped table: AC and DC side, registers at the AC side, orders.

It protects itself: a grid out of its bounds for too long trips it, and the alarm stays until the trip is acknowledged.
"""

from edge.devices.tables import read_points
from edge.tables import shipped
from simulation.devices.ems import STATES, PlantOrders
from simulation.devices.registers import Registers
from simulation.plant import Alarm, Plant, Snapshot, State

LINE_MV = 690_000
_ALARMS = {Alarm.TRIPPED: 1, Alarm.CONTACTOR_OPEN: 2, Alarm.COMMAND_EXPIRED: 4}
_OVERVOLTAGE, _UNDERVOLTAGE, _FREQUENCY = 1 << 4, 1 << 5, 1 << 6
_BOUNDS_PPM, _BOUNDS_MHZ = (850_000, 1_100_000), (47_500, 51_500)
_RIDES_THROUGH_MS = {_OVERVOLTAGE: 2_000, _UNDERVOLTAGE: 2_000, _FREQUENCY: 200}
"""Bounds and times of our own, typical of such devices and of no maker's or standard's."""
DC_MV = 1_331_200
"""Nominal: 416 cells of 3.2 V."""


class PcsDevice:
    """Registers of one plant's converter."""

    def __init__(self, plant: Plant) -> None:
        self._plant, self._rated_w = plant, plant.parameters.battery.discharge_power_w
        self._outside_ms: dict[int, int] = {}
        self._tripped_by = 0
        self.registers = Registers(read_points(shipped()["pcs"]), obey=PlantOrders(plant).obey)
        self.faults = 0
        """Bits of the alarm word that are forced."""
        self.emergency_stop, self.grid_present = False, True

    def publish(self, now: Snapshot) -> None:
        """Show an instant. Losses warm the power modules: 30 K above the cabinet at rated power."""
        self._protect(now)
        power_w = now.battery_power_w
        line_mv = LINE_MV * now.voltage_ppm // 1_000_000
        current_ma = round(power_w / 3**0.5 * 1_000_000 / max(LINE_MV // 10, line_mv))
        cabinet_dc = 300 + 50 * abs(power_w) // self._rated_w
        self.registers.put(
            {
                "pcs_state": STATES[now.state],
                "pcs.mode": 0,
                "pcs.remote": int(self.registers.seen("remote_enable") == 1),
                "pcs.grid_present": int(self.grid_present and now.voltage_ppm > 0),
                "pcs.emergency_stop": int(self.emergency_stop),
                "battery_power": power_w,
                "pcs.reactive_power": 0,
                **{f"pcs.voltage.{phase}": line_mv for phase in (1, 2, 3)},
                **{f"pcs.current.{phase}": current_ma for phase in (1, 2, 3)},
                "pcs.frequency": now.frequency_mhz,
                "pcs.dc_voltage": 0 if now.state is State.OFF else DC_MV,
                "pcs.dc_current": power_w * 1_000_000 // DC_MV,
                "pcs.igbt_temperature": cabinet_dc + 300 * abs(power_w) // self._rated_w,
                "pcs.cabinet_temperature": cabinet_dc,
                "battery_charge": now.charge_wh,
                "battery_discharge": now.discharge_wh,
                "pcs.alarm_word": self._word(now),
            }
        )

    def _word(self, now: Snapshot) -> int:
        """The alarm word: what is forced, what tripped it, what the plant complains of."""
        return self.faults | self._tripped_by | sum(bit for alarm, bit in _ALARMS.items() if alarm in now.alarms)

    def _protect(self, now: Snapshot) -> None:
        """Trip where voltage or frequency have been out of their bounds for longer than is ridden through."""
        if self._tripped_by and now.state is not State.FAULT:
            self._tripped_by = 0
        outside = {
            _OVERVOLTAGE: now.voltage_ppm > _BOUNDS_PPM[1],
            _UNDERVOLTAGE: now.voltage_ppm < _BOUNDS_PPM[0],
            _FREQUENCY: not _BOUNDS_MHZ[0] <= now.frequency_mhz <= _BOUNDS_MHZ[1],
        }
        for bit, out in outside.items():
            if not out:
                self._outside_ms.pop(bit, None)
            elif now.t_ms - self._outside_ms.setdefault(bit, now.t_ms) >= _RIDES_THROUGH_MS[bit]:
                self._tripped_by |= bit
                self._plant.trip()
