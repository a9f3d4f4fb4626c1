"""A station behind a Chinese energy-management system: one register map, as the shipped point table (点表) says.

Input registers from 100, orders in holding registers from 1000; charge- and import-positive, kW and kWh, words swapped.
"""

from collections.abc import Mapping, Sequence

from edge.devices.points import Point, read_table
from edge.tables import CHINESE_EMS
from simulation.devices.server import (
    HOLDING,
    INPUT,
    Bank,
    DeviceServer,
    RegisterReadOnly,
    RegisterValueRefused,
)
from simulation.plant import Plant, Snapshot, State

_STATE = {State.OFF: 0, State.STANDBY: 1, State.CHARGING: 2, State.DISCHARGING: 3, State.FAULT: 5}
_ORDER = ("set_power", "remote_enable", "command_timeout")


class EmsDevice:
    """The register map of one plant."""

    def __init__(self, *, plant: Plant, host: str, port: int) -> None:
        self._plant = plant
        self._points = read_table(CHINESE_EMS)
        self._banks = _banks(self._points)
        unit_id = self._points["set_power"].unit_id
        self.server = DeviceServer(host=host, port=port, unit_id=unit_id, banks=self._banks, writer=self)
        self.publish(plant.snapshot())

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        for key, value in (
            ("meter_power", now.meter_power_w),
            ("meter_reactive", now.meter_reactive_var),
            ("meter_import", now.import_wh),
            ("meter_export", now.export_wh),
            ("frequency", now.frequency_mhz),
            ("battery_power", now.battery_power_w),
            ("battery_soc", now.soc_bp),
            ("battery_soh", now.soh_bp),
            ("battery_charge", now.charge_wh),
            ("battery_discharge", now.discharge_wh),
            ("charge_limit", now.charge_limit_w),
            ("discharge_limit", now.discharge_limit_w),
            ("pcs_state", _STATE[now.state]),
            ("alarm_word", int(now.alarms)),
        ):
            point = self._points[key]
            self._banks[point.function].put(point.address, point.registers_of(point.raw_for(value)))

    def written(self, address: int, words: Sequence[int]) -> None:
        """Obey an order or a heartbeat. Raises RegisterReadOnly, RegisterValueRefused."""
        touched = range(address, address + len(words))
        holders = {key for key, p in self._points.items() if p.writable and _overlap(p, touched)}
        if sum(self._points[key].registers for key in holders) < len(words):
            raise RegisterReadOnly(address=address)
        image = Bank(first=self._banks[HOLDING].first, words=self._banks[HOLDING].words)
        image.put(address, words)
        self._check(image, holders)
        if holders.intersection(_ORDER):
            self._plant.command(
                self._value(image, "set_power"),
                enabled=self._value(image, "remote_enable") == 1,
                revert_s=self._value(image, "command_timeout"),
            )
        if "heartbeat" in holders:
            self._plant.hear_heartbeat()

    def _check(self, image: Bank, keys: set[str]) -> None:
        for key in keys:
            point = self._points[key]
            if not point.in_range(self._raw(image, point)):
                raise RegisterValueRefused(address=point.address, value=self._raw(image, point))
        rating, power_w = self._plant.parameters.battery, self._value(image, "set_power")
        if not -rating.charge_power_w * 11 // 10 <= power_w <= rating.discharge_power_w * 11 // 10:
            raise RegisterValueRefused(address=self._points["set_power"].address, value=power_w)

    def _raw(self, image: Bank, point: Point) -> int:
        return point.raw_of(image.get(point.address, point.registers))

    def _value(self, image: Bank, key: str) -> int:
        point = self._points[key]
        return point.value_of(self._raw(image, point))


def _banks(points: Mapping[str, Point]) -> dict[int, Bank]:
    banks = {}
    for function in (HOLDING, INPUT):
        held = [p for p in points.values() if p.function == function]
        first = min(p.address for p in held)
        banks[function] = Bank(first=first, words=[0] * (max(p.address + p.registers for p in held) - first))
    return banks


def _overlap(point: Point, touched: range) -> bool:
    return point.address < touched.stop and touched.start < point.address + point.registers
