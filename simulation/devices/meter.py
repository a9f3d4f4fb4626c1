"""The billing meter (关口表) of a plant behind its shipped table; it takes no orders."""

from collections.abc import Mapping

from edge.devices.tables import read_points
from edge.tables import shipped
from simulation.devices.registers import Registers
from simulation.plant import Snapshot

_PHASE_MV = 5_774_000
"""10 kV between phases."""
_FULL_BP = 10_000


class MeterDevice:
    """Registers of the meter at the point of common coupling."""

    def __init__(self) -> None:
        self.registers = Registers(read_points(shipped()["meter"]), obey=takes_no_orders)
        self.faults = 0
        """Bits of the status word that are forced."""

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        power_w, reactive_var = now.meter_power_w, now.meter_reactive_var
        apparent_va = max(1, round((power_w**2 + reactive_var**2) ** 0.5))
        phase_mv = _PHASE_MV * now.voltage_ppm // 1_000_000
        current_ma = power_w * 1_000_000 // (3 * max(_PHASE_MV // 10, phase_mv))
        self.registers.put(
            {
                **{f"meter.voltage.{phase}": phase_mv for phase in (1, 2, 3)},
                **{f"meter.current.{phase}": current_ma for phase in (1, 2, 3)},
                "meter_power": power_w,
                "meter_reactive": reactive_var,
                "frequency": now.frequency_mhz,
                "meter.power_factor": -power_w * _FULL_BP // apparent_va,
                "meter_import": now.import_wh,
                "meter_export": now.export_wh,
                "meter.status": self.faults,
                "meter.ratio": 20_000,
            }
        )


def takes_no_orders(values: Mapping[str, int], hit: frozenset[str]) -> None:
    """A device without writable points never hears one."""
    del values
    raise AssertionError(f"nothing is writable: {sorted(hit)}")
