"""A SunSpec station of the newer generation: models 1, 203, 701, 702, 704, 713, 715 in one chain at 40000.

The billing meter (203) counts power into the station as positive, as such meters do; the inverter (701) and the order
(704) are positive discharging. With `detailed`, 703, 705, 707, 711, 714 and the battery's 802, 803, 804 stand in the
chain too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simulation.devices.server import HOLDING, Bank, DeviceServer, RegisterReadOnly, RegisterValueRefused
from simulation.devices.sunspec_chain import ModelChain, Stretch
from simulation.plant import Alarm, Plant, PlantParameters, Snapshot, State

_ACC32 = 1 << 32
_INVERTER_STATE = {State.OFF: 0, State.STANDBY: 7, State.CHARGING: 3, State.DISCHARGING: 3, State.FAULT: 6}
_THROTTLED = 4
_ALARM_BITS = {Alarm.TRIPPED: 1 << 6, Alarm.CONTACTOR_OPEN: 1 << 3}
"""Model 701 Alrm: MANUAL_SHUTDOWN stands for a trip, DC_DISCONNECT for the contactor."""
LINE_VOLTAGE_V = 690
_WRITABLE = {
    704: ("WSetEna", "WSetMod", "WSet", "WSetRvrt", "WSetEnaRvrt", "WSetRvrtTms"),
    715: ("ControllerHb", "AlarmReset", "OpCtl"),
}
STRINGS, MODULES = 2, 3
_STRING_V = 1_331
"""Nominal: 416 cells of 3.2 V."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """Powers of ten by which 16-bit registers count: the meter's and the inverter's watts, the battery's Wh."""

    meter: int
    inverter: int
    energy: int


class SunSpecDevice:
    """The register map of one plant."""

    def __init__(
        self, *, plant: Plant, name: str, serial: str, host: str, port: int, unit_id: int = 1, detailed: bool = False
    ) -> None:
        self._plant = plant
        self._scales = scales_of(plant.parameters)
        stretches = _stretches(plant, self._scales, name=name, serial=serial, detailed=detailed)
        self._chain = ModelChain(stretches)
        self._place = {stretch.model: n for n, stretch in enumerate(stretches)}
        self._bank = self._chain.bank
        self._writable = {a for m, names in _WRITABLE.items() for name in names for a in self._at(m, name)}
        self.server = DeviceServer(host=host, port=port, unit_id=unit_id, banks={HOLDING: self._bank}, writer=self)
        self.publish(plant.snapshot())

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        scales, power_w = self._scales, now.battery_power_w
        running = now.state in (State.CHARGING, State.DISCHARGING)
        throttled = running and abs(now.set_power_w) > abs(power_w) + 10**scales.inverter
        self._put(203, **meter_values(now, scales))
        self._put(
            701,
            W=scaled(power_w, scales.inverter),
            Hz=now.frequency_mhz,
            TotWhInj=now.discharge_wh,
            TotWhAbs=now.charge_wh,
            TmpCab=now.cell_temperature_dc,
            ConnSt=int(Alarm.CONTACTOR_OPEN not in now.alarms),
            Alrm=sum(bit for alarm, bit in _ALARM_BITS.items() if alarm in now.alarms),
            InvSt=_THROTTLED if throttled else _INVERTER_STATE[now.state],
        )
        self._put(
            702,
            WChaRteMax=now.charge_limit_w // 10**scales.inverter,
            WDisChaRteMax=now.discharge_limit_w // 10**scales.inverter,
        )
        self._put(
            713,
            WHAvail=now.stored_wh // 10**scales.energy,
            SoC=now.soc_bp,
            SoH=now.soh_bp,
            Sta=2 if now.state is State.FAULT else 0,
        )
        self._put(715, DERHb=now.t_ms // 1_000 & 0x7FFFFFFF)
        if 802 in self._place:
            self._publish_battery(now)

    def _publish_battery(self, now: Snapshot) -> None:
        """Models 714, 802, 803, 804: cells in tenths of a millivolt, temperatures in tenths of a degree."""
        cell_uv = 3_200_000 + 20 * now.soc_bp
        highest, lowest = cell_uv // 100 + 30, cell_uv // 100 - 30
        current_da = now.battery_power_w * 10 // _STRING_V // STRINGS
        hot = now.cell_temperature_dc
        self._put(714, DCW=scaled(now.battery_power_w, self._scales.inverter), DCWhInj=now.discharge_wh)
        self._put(802, SoC=now.soc_bp, SoH=now.soh_bp, CellVMax=highest, CellVMin=lowest, CellVMaxStr=2, CellVMaxMod=3)
        self._put(803, NStrCon=STRINGS, ModTmpMax=hot, ModTmpMin=hot - 9)
        strings = range(1, STRINGS + 1)
        for k in strings:
            place, at = self._place[803], f"string.{k}."
            self._chain.put(
                place,
                {
                    f"{at}StrSoC": now.soc_bp,
                    f"{at}StrA": current_da,
                    f"{at}StrCellVMax": highest if k == STRINGS else highest - 10,
                    f"{at}StrCellVMin": lowest,
                    f"{at}StrModTmpMax": hot,
                },
            )
            at = "lithium_ion_string_module."
            modules = {f"{at}{m}.ModCellVMax": highest - 10 * (MODULES - m) for m in range(1, MODULES + 1)}
            self._chain.put(self._place[804] - STRINGS + k, {"SoC": now.soc_bp, "A": current_da, **modules})

    def written(self, address: int, words: Sequence[int], space: int = HOLDING) -> None:
        """Obey an order, a heartbeat, a reset. Raises RegisterReadOnly, RegisterValueRefused."""
        touched = range(address, address + len(words))
        for register in touched:
            if register not in self._writable:
                raise RegisterReadOnly(address=register)
        image = Bank(first=self._bank.first, words=self._bank.words)
        image.put(address, words)
        self._check_power(image)
        if any(self._at(704, name).start in touched for name in ("WSetEna", "WSet", "WSetEnaRvrt", "WSetRvrtTms")):
            self._order(image)
        if self._at(715, "ControllerHb").start in touched:
            self._plant.hear_heartbeat()
        if self._at(715, "AlarmReset").start in touched and self._value(image, 715, "AlarmReset") == 1:
            self._plant.reset()

    def _check_power(self, image: Bank) -> None:
        rating = self._plant.parameters.battery
        power_w, mode = self._value(image, 704, "WSet"), self._value(image, 704, "WSetMod")
        if not -rating.charge_power_w * 11 // 10 <= power_w <= rating.discharge_power_w * 11 // 10:
            raise RegisterValueRefused(address=self._at(704, "WSet").start, value=power_w)
        if mode != 1:
            raise RegisterValueRefused(address=self._at(704, "WSetMod").start, value=mode)

    def _order(self, image: Bank) -> None:
        self._plant.command(
            self._value(image, 704, "WSet"),
            enabled=self._value(image, 704, "WSetEna") == 1,
            revert_s=self._value(image, 704, "WSetRvrtTms") if self._value(image, 704, "WSetEnaRvrt") == 1 else 0,
        )

    def _at(self, model: int, name: str) -> range:
        return self._chain.addresses(self._place[model], name)

    def _value(self, image: Bank, model: int, name: str) -> int:
        return self._chain.value(self._place[model], name, image=image)

    def _put(self, model: int, **values: int) -> None:
        self._chain.put(self._place[model], values)


def meter_values(now: Snapshot, scales: Scales) -> dict[str, int]:
    """The billing meter's registers, import positive."""
    return {
        "W": scaled(-now.meter_power_w, scales.meter),
        "VAR": scaled(-now.meter_reactive_var, scales.meter),
        "Hz": now.frequency_mhz // 10,
        "TotWhImp": now.import_wh % _ACC32,
        "TotWhExp": now.export_wh % _ACC32,
    }


def common(name: str, serial: str) -> Stretch:
    """Model 1: who the device is."""
    fixed: dict[str, int | str] = {"Mn": "Alliance Simulation", "Md": name[:16], "Vr": "1", "SN": serial[:16], "DA": 1}
    return Stretch(model=1, fixed=fixed)


def meter(scales: Scales) -> Stretch:
    """Model 203: a three-phase meter."""
    voltages = {f"PhV{suffix}": LINE_VOLTAGE_V for suffix in ("", "phA", "phB", "phC", "phAB", "phBC", "phCA")}
    currents = dict.fromkeys(("A", "AphA", "AphB", "AphC", "A_SF"), 0)
    counts: dict[str, int] = {
        "Hz_SF": -2,
        "W_SF": scales.meter,
        "VAR_SF": scales.meter,
        "TotWh_SF": 0,
        "V_SF": 0,
        "Evt": 0,
    }
    return Stretch(model=203, fixed={**currents, **voltages, "PPV": LINE_VOLTAGE_V, **counts})


def _stretches(plant: Plant, scales: Scales, *, name: str, serial: str, detailed: bool) -> list[Stretch]:
    """What does not change while the station lives, and the scale factors."""
    rating = plant.parameters.battery
    unit_w = 10**scales.inverter
    charge, discharge = rating.charge_power_w // unit_w, rating.discharge_power_w // unit_w
    inverter: dict[str, int | str] = {"ACType": 2, "St": 1, "DERMode": 1, "LLV": LINE_VOLTAGE_V, "V_SF": 0}
    inverter |= {"Hz_SF": -3, "W_SF": scales.inverter, "TotWh_SF": 0, "Tmp_SF": -1}
    capacity = {"WMaxRtg": discharge, "WChaRteMaxRtg": charge, "WDisChaRteMaxRtg": discharge, "WMax": discharge}
    order = {"WSetEna": 0, "WSetMod": 1, "WSet": 0, "WSetRvrt": 0, "WSetEnaRvrt": 0, "WSetRvrtTms": 0, "WSet_SF": 0}
    storage = {"WHRtg": rating.capacity_wh // 10**scales.energy, "WH_SF": scales.energy, "Pct_SF": -2}
    control = {"LocRemCtl": 0, "ControllerHb": 0, "AlarmReset": 0, "OpCtl": 1}
    chain = [
        common(name, serial),
        meter(scales),
        Stretch(model=701, fixed=inverter),
        Stretch(model=702, fixed={**capacity, "W_SF": scales.inverter}),
        Stretch(model=704, fixed=order),
        Stretch(model=713, fixed=storage),
        Stretch(model=715, fixed=control),
    ]
    return [*chain, *_details(scales)] if detailed else chain


def _details(scales: Scales) -> list[Stretch]:
    module = {"NMod": MODULES}
    string = {"SoC_SF": -2, "SoH_SF": -2, "A_SF": -1, "V_SF": 0, "CellV_SF": -4, "ModTmp_SF": -1, "DoD_SF": -2}
    return [
        Stretch(model=703),
        Stretch(model=705, counts={"NCrv": 1, "NPt": 1}),
        Stretch(model=707, counts={"NCrvSet": 1, "NPt": 1}),
        Stretch(model=711, counts={"NCtl": 1}),
        Stretch(model=714, counts={"NPrt": 1}, fixed={"DCW_SF": scales.inverter, "DCWH_SF": 0, "Prt.1.ID": 1}),
        Stretch(model=802, fixed={"SoC_SF": -2, "SoH_SF": -2, "CellV_SF": -4, "Hb": 0}),
        Stretch(
            model=803,
            counts={"NStr": STRINGS},
            fixed={"SoC_SF": -2, "SoH_SF": -2, "A_SF": -1, "V_SF": 0, "CellV_SF": -4, "ModTmp_SF": -1},
        ),
        *(Stretch(model=804, counts=module, fixed={**string, "Idx": k}) for k in range(1, STRINGS + 1)),
    ]


def scales_of(site: PlantParameters) -> Scales:
    """The smallest scale factors by which the station's powers and energy fit their registers."""
    rating = site.battery
    return Scales(
        meter=_fitting(max(site.pcc_import_w, site.pcc_export_w) * 6 // 5, 0x7FFF),
        inverter=_fitting(max(rating.charge_power_w, rating.discharge_power_w) * 6 // 5, 0x7FFF),
        energy=_fitting(rating.capacity_wh, 0xFFFE),
    )


def scaled(value: int, exponent: int) -> int:
    """Divide by a power of ten, rounding halves away from zero."""
    unit = int(10**exponent)
    size = (2 * abs(value) + unit) // (2 * unit)
    return size if value >= 0 else -size


def _fitting(highest: int, register: int) -> int:
    """The smallest power of ten by which a quantity fits its register."""
    exponent = 0
    while highest // 10**exponent > register:
        exponent += 1
    return exponent
