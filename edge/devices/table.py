"""The table-driven driver: a station of one device or several, as their point tables describe them (protocol 2.1).

All devices are asked at the same time; those on one line or connection wait for each other there.
"""

import asyncio
from collections.abc import Mapping, Sequence

from edge.devices.patience import NowMs
from edge.devices.points import Point, Raw
from edge.devices.source import PatientSource, Source
from edge.devices.station import (
    DeviceError,
    PcsState,
    PointAbsent,
    PointOutOfRange,
    Quality,
    SetPointOutOfRange,
    StationSample,
)
from edge.devices.vocabulary import REQUIRED

_FULL_BP = 10_000
_RECORDED = {"meter_power", "meter_reactive", "battery_power", "battery_soc", "battery_soh"}
_CONTACTOR_ORDER = ".contactor_order"
_WISHED = ("battery_soh", "charge_limit", "discharge_limit", "pcs_state")


class TableStation:
    """Drives a station by its point tables; no two devices give the same point."""

    def __init__(self, *, sources: Sequence[Source], revert_s: int, now_ms: NowMs) -> None:
        self._sources = [PatientSource(source, now_ms=now_ms) for source in sources]
        self._points = {key: point for source in sources for key, point in source.points.items()}
        self._revert_s = revert_s
        self._beats = 0

    async def read(self) -> StationSample:
        """Take one sample. A device on which nothing rests may be silent, then its points are absent.

        Raises DeviceError.
        """
        raw: dict[str, Raw | None] = {}
        said = Quality(0)
        answers = await asyncio.gather(*(source.read() for source in self._sources), return_exceptions=True)
        for source, answer in zip(self._sources, answers, strict=True):
            if isinstance(answer, DeviceError) and not source.needed:
                said |= Quality.PART_SILENT
            elif isinstance(answer, BaseException):
                raise answer
            else:
                raw.update(answer)
                said |= source.quality
        return sample_of(self._points, raw, said=said)

    @property
    def troubles(self) -> Mapping[str, str]:
        """The last error of each point that could not be had when it was last asked for, by key."""
        return {key: told for source in self._sources for key, told in source.troubles.items()}

    async def write_power(self, power_w: int) -> None:
        """Order a power, positive discharging: time-out and heartbeat first, then the power, then remote mode."""
        self._check_range(power_w)
        self._beats = (self._beats + 1) % 0x10000
        orders = {
            "command_timeout": self._revert_s,
            "heartbeat": self._beats,
            "bms_heartbeat": self._beats,
            "set_power": power_w,
            "remote_enable": 1,
        }
        for source in self._sources:
            held = {key: value for key, value in orders.items() if _writable(source.points.get(key))}
            if held:
                await source.write(held)

    async def open_contactors(self) -> bool:
        """Order every contactor open; False where no table has such an order. Raises DeviceError."""
        found = False
        for source in self._sources:
            held = {key: 0 for key, p in source.points.items() if p.writable and key.endswith(_CONTACTOR_ORDER)}
            if held:
                await source.write(held)
                found = True
        return found

    async def close(self) -> None:
        """Let the connections go."""
        for source in self._sources:
            await source.close()

    def _check_range(self, power_w: int) -> None:
        point = self._points["set_power"]
        if not point.in_range(point.raw_for(power_w)):
            bounds = sorted(int(limit * point.factor) * point.sign for limit in (point.lowest, point.highest))
            raise SetPointOutOfRange(point="set_power", power_w=power_w, lowest_w=bounds[0], highest_w=bounds[1])


def sample_of(
    points: Mapping[str, Point], raw: Mapping[str, Raw | None], *, said: Quality = Quality(0)
) -> StationSample:  # fmt: skip
    """Make a sample of raw values by key; `said` is what the sources say themselves.

    Raises PointOutOfRange for a metered energy outside its range, PointAbsent for a required point without a value.
    """
    given = {key: value for key, value in raw.items() if value is not None and key in points}
    quality = _quality(points, given) | said
    values = {key: points[key].value_of(value) for key, value in given.items()}
    alarms = tuple(alarm for key, value in given.items() for alarm in points[key].alarms_of(value))
    doubtful = frozenset(key for key, value in given.items() if not points[key].in_range(value))
    sure = {key: value for key, value in values.items() if key not in doubtful}
    return StationSample(
        meter_power_w=values["meter_power"],
        reactive_var=values.get("meter_reactive", 0),
        import_wh=values["meter_import"],
        export_wh=values["meter_export"],
        battery_power_w=values["battery_power"],
        soc_bp=_share(values["battery_soc"]),
        soh_bp=_share(values.get("battery_soh", 0)),
        charge_wh=values["battery_charge"],
        discharge_wh=values["battery_discharge"],
        pcs_state=_state(points, given),
        charge_limit_w=values.get("charge_limit", 0),
        discharge_limit_w=values.get("discharge_limit", 0),
        set_power_w=values["set_power"],
        frequency_mhz=values.get("frequency", 0),
        alarms=alarms,
        quality=quality | Quality.ALARM if alarms else quality,
        points=values,
        doubtful=doubtful,
        limits_stated="charge_limit" in given or "discharge_limit" in given,
        cell_lowest_mv=sure.get("cell_voltage_min"),
        cell_highest_mv=sure.get("cell_voltage_max"),
        cell_coldest_ddegc=sure.get("cell_temperature_min"),
        cell_hottest_ddegc=sure.get("cell_temperature_max"),
        bms_allows_charge=_all(points, sure, "charge_permitted"),
        bms_allows_discharge=_all(points, sure, "discharge_permitted"),
        contactor_closed=_all(points, sure, "contactor_closed"),
        heartbeat=sure.get("bms.heartbeat"),
        remote=_all(points, sure, "remote_switch"),
        manual=_any(sure, "manual_control"),
    )


def _writable(point: Point | None) -> bool:
    return point is not None and point.writable


def _all(points: Mapping[str, Point], values: Mapping[str, int], name: str) -> bool | None:
    """Whether a point and those of that name in parts of the station all say yes; one no is a no.

    None where there is none, and where one of them that says nothing, or nothing believable, keeps it unknown.
    """
    said = [values.get(key) for key in points if key == name or key.endswith(f".{name}")]
    if any(value == 0 for value in said):
        return False
    return None if not said or None in said else True


def _any(values: Mapping[str, int], name: str) -> bool | None:
    """Whether a point or one of that name in a part of the station says yes; None where there is none."""
    said = [value for key, value in values.items() if key == name or key.endswith(f".{name}")]
    return any(said) if said else None


def _share(value_bp: int) -> int:
    return min(_FULL_BP, max(0, value_bp))


def _quality(points: Mapping[str, Point], given: Mapping[str, Raw]) -> Quality:
    quality = Quality(0)
    for key, point in points.items():
        if key not in given:
            if key in REQUIRED or point.kind == "YM":
                raise PointAbsent(point=key)
        elif (point.kind == "YM" or key in _RECORDED) and not point.in_range(given[key]):
            if point.kind == "YM":
                raise PointOutOfRange(
                    point=key, raw=int(given[key]), lowest=f"{point.lowest} {point.unit}",
                    highest=f"{point.highest} {point.unit}",
                )  # fmt: skip
            quality |= Quality.OUT_OF_RANGE
    if any(key not in given for key in _WISHED):
        quality |= Quality.NOT_IMPLEMENTED
    return quality


def _state(points: Mapping[str, Point], given: Mapping[str, Raw]) -> PcsState:
    name = points["pcs_state"].name_of(given["pcs_state"]) if "pcs_state" in given else ""
    return PcsState(name) if name else PcsState.UNKNOWN
