"""A SunSpec station of the older generation: models 1, 103, 120–124, and two meters 203 in one chain at 40000.

The first meter is the billing meter and counts power into the station as positive; the second stands at the battery's
AC side and counts its charge as import. Orders come by model 124, as shares of the highest powers; what the battery can
take at the moment is not told.
"""

from collections.abc import Sequence

from simulation.devices.server import HOLDING, Bank, DeviceServer, RegisterReadOnly, RegisterValueRefused
from simulation.devices.sunspec import Scales, common, meter, meter_values, scaled, scales_of
from simulation.devices.sunspec_chain import ModelChain, Stretch
from simulation.plant import Alarm, Plant, Snapshot, State

_INVERTER, _STATUS, _STORAGE, _METER, _BATTERY = 1, 4, 6, 7, 8
"""Places in the chain."""
_STATE = {State.OFF: 1, State.STANDBY: 8, State.CHARGING: 4, State.DISCHARGING: 4, State.FAULT: 7}
_ALARM_BITS = {Alarm.TRIPPED: 1 << 6, Alarm.CONTACTOR_OPEN: 1 << 2}
"""Model 103 Evt1: MANUAL_SHUTDOWN stands for a trip, DC_DISCONNECT for the contactor."""
_WRITABLE = ("StorCtl_Mod", "OutWRte", "InWRte", "InOutWRte_RvrtTms")
_BOTH, _FULL_RATE = 3, 10_000
_ACC32 = 1 << 32


class OlderSunSpecDevice:
    """The register map of one plant."""

    def __init__(self, *, plant: Plant, name: str, serial: str, host: str, port: int, unit_id: int = 1) -> None:
        self._plant = plant
        self._scales = scales_of(plant.parameters)
        self._chain = ModelChain(_stretches(plant, self._scales, name=name, serial=serial))
        self._bank = self._chain.bank
        self.server = DeviceServer(host=host, port=port, unit_id=unit_id, banks={HOLDING: self._bank}, writer=self)
        self.publish(plant.snapshot())

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        power = scaled(now.battery_power_w, self._scales.inverter)
        self._chain.put(
            _INVERTER,
            {
                "W": power,
                "Hz": now.frequency_mhz // 10,
                "WH": now.discharge_wh % _ACC32,
                "TmpCab": now.cell_temperature_dc,
                "St": _STATE[now.state],
                "Evt1": sum(bit for alarm, bit in _ALARM_BITS.items() if alarm in now.alarms),
            },
        )
        self._chain.put(_STATUS, {"StorConn": 0b111 if now.state is not State.OFF else 0})
        self._chain.put(_STORAGE, {"ChaState": now.soc_bp})
        self._chain.put(_METER, meter_values(now, self._scales))
        battery = {"W": -scaled(now.battery_power_w, self._scales.meter), "Hz": now.frequency_mhz // 10}
        energy = {"TotWhImp": now.charge_wh % _ACC32, "TotWhExp": now.discharge_wh % _ACC32}
        self._chain.put(_BATTERY, {**battery, **energy})

    def written(self, address: int, words: Sequence[int], space: int = HOLDING) -> None:
        """Obey an order. Raises RegisterReadOnly, RegisterValueRefused."""
        touched = range(address, address + len(words))
        writable = {a for name in _WRITABLE for a in self._chain.addresses(_STORAGE, name)}
        for register in touched:
            if register not in writable:
                raise RegisterReadOnly(address=register)
        image = Bank(first=self._bank.first, words=self._bank.words)
        image.put(address, words)
        mode, out_rate, in_rate, revert_s = (
            self._chain.value(_STORAGE, name, image=image)
            for name in ("StorCtl_Mod", "OutWRte", "InWRte", "InOutWRte_RvrtTms")
        )
        for name, rate in (("OutWRte", out_rate), ("InWRte", in_rate)):
            if abs(rate) > _FULL_RATE * 11 // 10:
                raise RegisterValueRefused(address=self._chain.addresses(_STORAGE, name).start, value=rate)
        self._plant.command(self._asked_w(out_rate, in_rate), enabled=mode == _BOTH, revert_s=revert_s)

    def _asked_w(self, out_rate: int, in_rate: int) -> int:
        """The power that lies between the floor of charging and the cap of discharging."""
        rating = self._plant.parameters.battery
        if out_rate >= 0:
            return out_rate * rating.discharge_power_w // _FULL_RATE
        return -(in_rate * rating.charge_power_w // _FULL_RATE)


def _stretches(plant: Plant, scales: Scales, *, name: str, serial: str) -> list[Stretch]:
    rating = plant.parameters.battery
    unit_w = 10**scales.inverter
    charge, discharge = rating.charge_power_w // unit_w, rating.discharge_power_w // unit_w
    inverter = {"A": 0, "AphA": 0, "A_SF": 0, "PhVphA": 400, "PhVphB": 400, "PhVphC": 400, "V_SF": 0, "Evt2": 0}
    inverter |= {"W_SF": scales.inverter, "Hz_SF": -2, "WH_SF": 0, "Tmp_SF": -1}
    ratings = {"DERTyp": 82, "WRtg": discharge, "WRtg_SF": scales.inverter}
    ratings |= {"MaxChaRte": charge, "MaxChaRte_SF": scales.inverter}
    ratings |= {"MaxDisChaRte": discharge, "MaxDisChaRte_SF": scales.inverter}
    storage = {"WChaMax": charge, "WChaMax_SF": scales.inverter, "StorCtl_Mod": 0, "OutWRte": 0, "InWRte": 0}
    storage |= {"WChaGra": 100, "WDisChaGra": 100, "WChaDisChaGra_SF": 0, "InOutWRte_SF": -2, "ChaState_SF": -2}
    return [
        common(name, serial),
        Stretch(model=103, fixed=inverter),
        Stretch(model=120, fixed=ratings),
        Stretch(model=121, fixed={"WMax": discharge, "WMax_SF": scales.inverter, "VRef": 400, "VRefOfs": 0}),
        Stretch(model=122, fixed={"PVConn": 0, "ECPConn": 1}),
        Stretch(model=123, fixed={"Conn": 1, "WMaxLimPct": 100, "WMaxLim_Ena": 0, "WMaxLimPct_SF": 0}),
        Stretch(model=124, fixed={**storage, "InOutWRte_RvrtTms": 0}),
        meter(scales),
        meter(scales),
    ]
