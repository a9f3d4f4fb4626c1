"""A SunSpec station: models 1, 203, 701, 702, 704, 713, 715 in one chain at 40000.

Laid out by the SunSpec Alliance's own definitions (pysunspec2). The billing meter (203) counts power into the station
as positive, as such meters do; the inverter (701) and the order (704) are positive discharging.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sunspec2.device import Model

from simulation.devices.server import HOLDING, Bank, DeviceServer, RegisterReadOnly, RegisterValueRefused
from simulation.plant import Alarm, Plant, PlantParameters, Snapshot, State

BASE = 40_000
_MARK = (0x5375, 0x6E53)
_END = (0xFFFF, 0)
_MODELS = (1, 203, 701, 702, 704, 713, 715)
_ACC32 = 1 << 32
_INVERTER_STATE = {State.OFF: 0, State.STANDBY: 7, State.CHARGING: 3, State.DISCHARGING: 3, State.FAULT: 6}
_THROTTLED = 4
_ALARM_BITS = {Alarm.TRIPPED: 1 << 6, Alarm.CONTACTOR_OPEN: 1 << 3}
"""Model 701 Alrm: MANUAL_SHUTDOWN stands for a trip, DC_DISCONNECT for the contactor."""
_LINE_VOLTAGE_V = 690
_WRITABLE = {
    704: ("WSetEna", "WSetMod", "WSet", "WSetRvrt", "WSetEnaRvrt", "WSetRvrtTms"),
    715: ("ControllerHb", "AlarmReset", "OpCtl"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a point lies in the bank."""

    address: int
    registers: int
    signed: bool

    def words(self, value: int) -> list[int]:
        data = value.to_bytes(2 * self.registers, "big", signed=self.signed)
        return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]

    def value(self, words: Sequence[int]) -> int:
        data = b"".join(word.to_bytes(2, "big") for word in words)
        return int.from_bytes(data, "big", signed=self.signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scales:
    """Powers of ten by which 16-bit registers count: the meter's and the inverter's watts, the battery's Wh."""

    meter: int
    inverter: int
    energy: int


class SunSpecDevice:
    """The register map of one plant."""

    def __init__(self, *, plant: Plant, name: str, serial: str, host: str, port: int, unit_id: int = 1) -> None:
        self._plant = plant
        self._scales = _scales_of(plant.parameters)
        self._spots: dict[tuple[int, str], _Spot] = {}
        words = self._lay_out(_fixed_values(plant, self._scales, name=name, serial=serial))
        self._bank = Bank(first=BASE, words=words)
        self._writable = {
            address
            for model, names in _WRITABLE.items()
            for name in names
            for address in _range(self._spots[model, name])
        }
        self.server = DeviceServer(host=host, port=port, unit_id=unit_id, banks={HOLDING: self._bank}, writer=self)
        self.publish(plant.snapshot())

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        scales, put = self._scales, self._put
        power_w = now.battery_power_w
        put(203, "W", _scaled(-now.meter_power_w, scales.meter))
        put(203, "VAR", _scaled(-now.meter_reactive_var, scales.meter))
        put(203, "Hz", now.frequency_mhz // 10)
        put(203, "TotWhImp", now.import_wh % _ACC32)
        put(203, "TotWhExp", now.export_wh % _ACC32)
        put(701, "W", _scaled(power_w, scales.inverter))
        put(701, "Hz", now.frequency_mhz)
        put(701, "TotWhInj", now.discharge_wh)
        put(701, "TotWhAbs", now.charge_wh)
        put(701, "TmpCab", now.cell_temperature_dc)
        put(701, "ConnSt", int(Alarm.CONTACTOR_OPEN not in now.alarms))
        put(701, "Alrm", sum(bit for alarm, bit in _ALARM_BITS.items() if alarm in now.alarms))
        running = now.state in (State.CHARGING, State.DISCHARGING)
        throttled = running and abs(now.set_power_w) > abs(power_w) + 10**scales.inverter
        put(701, "InvSt", _THROTTLED if throttled else _INVERTER_STATE[now.state])
        put(702, "WChaRteMax", now.charge_limit_w // 10**scales.inverter)
        put(702, "WDisChaRteMax", now.discharge_limit_w // 10**scales.inverter)
        put(713, "WHAvail", now.stored_wh // 10**scales.energy)
        put(713, "SoC", now.soc_bp)
        put(713, "SoH", now.soh_bp)
        put(713, "Sta", 2 if now.state is State.FAULT else 0)
        put(715, "DERHb", now.t_ms // 1_000 & 0x7FFFFFFF)

    def written(self, address: int, words: Sequence[int]) -> None:
        """Obey an order, a heartbeat, a reset. Raises RegisterReadOnly, RegisterValueRefused."""
        touched = range(address, address + len(words))
        for register in touched:
            if register not in self._writable:
                raise RegisterReadOnly(address=register)
        image = Bank(first=BASE, words=self._bank.words)
        image.put(address, words)
        self._check_power(image)
        if any(spot.address in touched for spot in self._order_spots()):
            self._order(image)
        if self._spots[715, "ControllerHb"].address in touched:
            self._plant.hear_heartbeat()
        if self._spots[715, "AlarmReset"].address in touched and self._value(image, 715, "AlarmReset") == 1:
            self._plant.reset()

    def _order_spots(self) -> list[_Spot]:
        return [self._spots[704, name] for name in ("WSetEna", "WSet", "WSetEnaRvrt", "WSetRvrtTms")]

    def _check_power(self, image: Bank) -> None:
        rating = self._plant.parameters.battery
        power_w = self._value(image, 704, "WSet")
        if not -rating.charge_power_w * 11 // 10 <= power_w <= rating.discharge_power_w * 11 // 10:
            raise RegisterValueRefused(address=self._spots[704, "WSet"].address, value=power_w)
        if self._value(image, 704, "WSetMod") != 1:
            raise RegisterValueRefused(
                address=self._spots[704, "WSetMod"].address, value=self._value(image, 704, "WSetMod")
            )

    def _order(self, image: Bank) -> None:
        self._plant.command(
            self._value(image, 704, "WSet"),
            enabled=self._value(image, 704, "WSetEna") == 1,
            revert_s=self._value(image, 704, "WSetRvrtTms") if self._value(image, 704, "WSetEnaRvrt") == 1 else 0,
        )

    def _value(self, image: Bank, model: int, name: str) -> int:
        spot = self._spots[model, name]
        return spot.value(image.get(spot.address, spot.registers))

    def _put(self, model: int, name: str, value: int) -> None:
        spot = self._spots[model, name]
        self._bank.put(spot.address, spot.words(value))

    def _lay_out(self, values: Mapping[int, Mapping[str, int | str]]) -> list[int]:
        words = list(_MARK)
        for number in _MODELS:
            model = Model(number)
            for name, value in values.get(number, {}).items():
                model.points[name].value = value
            for name, point in model.points.items():
                kind = str(point.pdef["type"])
                self._spots[number, name] = _Spot(
                    address=BASE + len(words) + point.offset, registers=point.len, signed=kind.startswith("int")
                )
            data = bytes(model.get_mb())
            words += [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
        return [*words, *_END]


def _fixed_values(plant: Plant, scales: _Scales, *, name: str, serial: str) -> Mapping[int, Mapping[str, int | str]]:
    """What does not change while the station lives, and the scale factors."""
    rating = plant.parameters.battery
    unit_w = 10**scales.inverter
    charge, discharge = rating.charge_power_w // unit_w, rating.discharge_power_w // unit_w
    return {
        1: {"Mn": "Alliance Simulation", "Md": name[:16], "Vr": "1", "SN": serial[:16], "DA": 1},
        203: {
            "A": 0,
            "AphA": 0,
            "AphB": 0,
            "AphC": 0,
            "A_SF": 0,
            **{f"PhV{suffix}": _LINE_VOLTAGE_V for suffix in ("", "phA", "phB", "phC", "phAB", "phBC", "phCA")},
            "PPV": _LINE_VOLTAGE_V,
            "V_SF": 0,
            "Hz_SF": -2,
            "W_SF": scales.meter,
            "VAR_SF": scales.meter,
            "TotWh_SF": 0,
            "Evt": 0,
        },
        701: {
            "ACType": 2,
            "St": 1,
            "DERMode": 1,
            "LLV": _LINE_VOLTAGE_V,
            "V_SF": 0,
            "Hz_SF": -3,
            "W_SF": scales.inverter,
            "TotWh_SF": 0,
            "Tmp_SF": -1,
        },
        702: {
            "WMaxRtg": discharge,
            "WChaRteMaxRtg": charge,
            "WDisChaRteMaxRtg": discharge,
            "WMax": discharge,
            "W_SF": scales.inverter,
        },
        704: {
            "WSetEna": 0,
            "WSetMod": 1,
            "WSet": 0,
            "WSetRvrt": 0,
            "WSetEnaRvrt": 0,
            "WSetRvrtTms": 0,
            "WSet_SF": 0,
        },
        713: {"WHRtg": rating.capacity_wh // 10**scales.energy, "WH_SF": scales.energy, "Pct_SF": -2},
        715: {"LocRemCtl": 0, "ControllerHb": 0, "AlarmReset": 0, "OpCtl": 1},
    }


def _scales_of(site: PlantParameters) -> _Scales:
    rating = site.battery
    return _Scales(
        meter=_fitting(max(site.pcc_import_w, site.pcc_export_w) * 6 // 5, 0x7FFF),
        inverter=_fitting(max(rating.charge_power_w, rating.discharge_power_w) * 6 // 5, 0x7FFF),
        energy=_fitting(rating.capacity_wh, 0xFFFE),
    )


def _fitting(highest: int, register: int) -> int:
    """The smallest power of ten by which a quantity fits its register."""
    exponent = 0
    while highest // 10**exponent > register:
        exponent += 1
    return exponent


def _scaled(value: int, exponent: int) -> int:
    """Divide by a power of ten, rounding halves away from zero."""
    unit = int(10**exponent)
    size = (2 * abs(value) + unit) // (2 * unit)
    return size if value >= 0 else -size


def _range(spot: _Spot) -> range:
    return range(spot.address, spot.address + spot.registers)
