"""The SunSpec driver: walks the model chain, tells its generation, reads and orders by roles (protocol 2.1).

What the models 714, 802, 803 and 804 tell of ports, strings and modules stands in the sample's points under SunSpec's
names: `sunspec.803.string.2.StrCellVMax`, and of the kth model 804 `sunspec.804.k.…`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from alliance.errors import Missing
from edge.devices.link import ModbusLink
from edge.devices.patience import NowMs, Patience
from edge.devices.station import DeviceError, PcsState, PointAbsent, Quality, StationSample
from edge.devices.sunspec_chain import ModelReader, Place, symbols_of
from edge.devices.sunspec_models import everything_in
from edge.devices.sunspec_profiles import (
    METERS,
    NEWER,
    OLDER,
    Role,
    Values,
    as_newer,
    is_older,
    order_newer,
    order_older,
)

_FULL_BP = 10_000
_TELLING = (714, 802, 803, 804)
_STATES = {
    0: PcsState.OFF,
    1: PcsState.STANDBY,
    2: PcsState.STANDBY,
    3: PcsState.STANDBY,
    4: PcsState.STANDBY,
    5: PcsState.STANDBY,
    6: PcsState.FAULT,
    7: PcsState.STANDBY,
}
"""701 InvSt; RUNNING and THROTTLED become charging or discharging by the sign of the power."""
_REQUIRED = {"W", "TotWhExp", "TotWhImp", "TotWhInj", "TotWhAbs", "SoC"}
_EXTREMES = {
    "sunspec.802.CellVMax": "cell_voltage_max",
    "sunspec.802.CellVMin": "cell_voltage_min",
    "sunspec.803.ModTmpMax": "cell_temperature_max",
    "sunspec.803.ModTmpMin": "cell_temperature_min",
}
_CHECKED = frozenset({*METERS, 701, 702, 704, 713, *_TELLING, 101, 102, 103, 120, 122, 124})


@dataclass(kw_only=True, eq=False)
class ModelMissing(DeviceError, Missing):
    """The device does not carry a model that we need."""

    want: tuple[int, ...]
    found: tuple[int, ...]


class SunSpecStation:
    """Drives a SunSpec station. `meter_sign` −1: the billing meter counts power into the station as positive."""

    def __init__(
        self, *, link: ModbusLink, unit_id: int, meter_sign: int, revert_s: int, now_ms: NowMs
    ) -> None:  # fmt: skip
        self._link = link
        self._patience = Patience(now_ms)
        self._models = ModelReader(link=link, unit_id=unit_id)
        self._meter_sign, self._revert_s = meter_sign, revert_s
        self._generation = -1
        self._roles: Mapping[str, Role] = NEWER
        self._places: dict[str, Place] = {}
        self._telling: list[tuple[str, Place]] = []
        self._revert_written = False

    @property
    def troubles(self) -> Mapping[str, str]:
        """The last error of the device, under the name `sunspec`."""
        told = self._patience.told
        return {"sunspec": told} if told else {}

    async def read(self) -> StationSample:
        """Take one sample. Raises DeviceError."""
        return await self._patience.ask(self._read, asking=lambda: True)

    async def _read(self) -> StationSample:
        async with self._link:
            await self._discover()
            values: Values = {
                role: await self._models.values(place, self._roles[role].points) for role, place in self._places.items()
            }
            points: dict[str, int] = {}
            for name, place in self._telling:
                told = everything_in(place.model, await self._models.whole(place))
                points.update({f"{name}.{key}": value for key, value in told.items()})
        points |= {ours: points[theirs] for theirs, ours in _EXTREMES.items() if theirs in points}
        if self._roles is OLDER:
            names = symbols_of(self._places["inverter"].model, "Evt1")
            return sample_of(as_newer(values), meter_sign=self._meter_sign, alarm_names=names, points=points)
        return sample_of(values, meter_sign=self._meter_sign, alarm_names=symbols_of(701, "Alrm"), points=points)

    async def write_power(self, power_w: int) -> None:
        """Order a power in watts, discharge positive, with a reversion to 0. Raises DeviceError."""
        async with self._link:
            await self._discover()
            order = order_older if self._roles is OLDER else order_newer
            await order(self._models, self._places, power_w, None if self._revert_written else self._revert_s)
            self._revert_written = True

    async def close(self) -> None:
        """Let the connection go."""
        self._link.close()
        self._places = {}

    async def _discover(self) -> None:
        """Walk the model chain when the connection is new: behind it may stand another device."""
        if self._places and self._link.connected and self._generation == self._link.generation:
            return
        self._places, self._telling, self._revert_written = {}, [], False
        chain = await self._models.chain(needed=_CHECKED)
        self._roles = OLDER if is_older({place.model for place in chain}) else NEWER
        self._telling = _telling(chain)
        self._places = _places(self._roles, chain)
        self._generation = self._link.generation


_FINER_HZ = ("inverter", "Hz")
"""701 counts the frequency in mHz, a meter mostly in 10 mHz, too coarse for a droop; its own is taken without 701's."""


def sample_of(
    values: Values, *, meter_sign: int, alarm_names: Mapping[int, str], points: Mapping[str, int]
) -> StationSample:  # fmt: skip
    """Make a sample of the models' points. Raises PointAbsent where one that we need is not implemented."""
    for role in values.values():
        for name, value in role.items():
            if name in _REQUIRED and value is None:
                raise PointAbsent(point=name)
    meter, inverter, storage = values["meter"], values["inverter"], values["storage"]
    limits, order = values.get("capacity", {}), values["order"]
    alarms = _alarms(inverter.get("Alrm"), alarm_names)
    soc_bp, soh_bp = (_or_zero(storage.get(name)) for name in ("SoC", "SoH"))
    return StationSample(
        meter_power_w=_or_zero(meter["W"]) * meter_sign,
        reactive_var=_or_zero(meter.get("VAR")) * meter_sign,
        import_wh=_or_zero(meter["TotWhImp"]),
        export_wh=_or_zero(meter["TotWhExp"]),
        battery_power_w=_or_zero(inverter["W"]),
        soc_bp=min(_FULL_BP, soc_bp),
        soh_bp=min(_FULL_BP, soh_bp),
        charge_wh=_or_zero(inverter["TotWhAbs"]),
        discharge_wh=_or_zero(inverter["TotWhInj"]),
        pcs_state=_state(inverter),
        charge_limit_w=_or_zero(limits.get("WChaRteMax")),
        discharge_limit_w=_or_zero(limits.get("WDisChaRteMax")),
        set_power_w=_or_zero(order.get("WSet")) if order.get("WSetEna") == 1 else 0,
        frequency_mhz=_or_zero(inverter.get("Hz") or meter.get("Hz")),
        alarms=alarms,
        quality=_quality(values, alarms, out_of_range=max(soc_bp, soh_bp) > _FULL_BP),
        points=points,
        limits_stated=limits.get("WChaRteMax") is not None or limits.get("WDisChaRteMax") is not None,
    )


def _places(roles: Mapping[str, Role], chain: list[Place]) -> dict[str, Place]:
    """The model of each role. Raises ModelMissing."""
    places: dict[str, Place] = {}
    for name, role in roles.items():
        held = sorted((p for p in chain if p.model in role.models), key=lambda p: role.models.index(p.model))
        in_chain = [p for p in chain if p.model in role.models] if role.models == METERS else held
        if len(in_chain) > role.nth:
            places[name] = in_chain[role.nth]
        elif not role.optional:
            raise ModelMissing(want=role.models, found=tuple(place.model for place in chain))
    return places


def _telling(chain: list[Place]) -> list[tuple[str, Place]]:
    named: list[tuple[str, Place]] = []
    strings = 0
    for place in chain:
        if place.model == 804:
            strings += 1
            named.append((f"sunspec.804.{strings}", place))
        elif place.model in _TELLING:
            named.append((f"sunspec.{place.model}", place))
    return named


def _or_zero(value: int | None) -> int:
    return 0 if value is None else value


def _state(inverter: Mapping[str, int | None]) -> PcsState:
    status = inverter.get("InvSt")
    if status is None:
        return PcsState.UNKNOWN
    if inverter.get("ConnSt") == 0 and status != 6:
        return PcsState.OFF
    power_w = _or_zero(inverter["W"])
    if status in {3, 4} and power_w:
        return PcsState.DISCHARGING if power_w > 0 else PcsState.CHARGING
    return _STATES.get(status, PcsState.UNKNOWN)


def _alarms(word: int | None, names: Mapping[int, str]) -> tuple[str, ...]:
    if not word:
        return ()
    return tuple(names.get(bit, f"bit {bit}").lower() for bit in range(word.bit_length()) if word >> bit & 1)


def _quality(values: Values, alarms: tuple[str, ...], *, out_of_range: bool) -> Quality:
    quality = Quality(0)
    untold = {(role, name) for role, points in values.items() for name, value in points.items() if value is None}
    if "capacity" not in values or untold - {_FINER_HZ}:
        quality |= Quality.NOT_IMPLEMENTED
    if out_of_range:
        quality |= Quality.OUT_OF_RANGE
    return quality | Quality.ALARM if alarms else quality
