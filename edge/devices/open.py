"""From settings to a driver: which kind of register map a station speaks, and where (protocol 2.1)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

from alliance.errors import Malformed, Missing
from alliance.ports import Clock
from edge.devices.link import MAX_BITS, MAX_REGISTERS, ModbusLink, SerialLine, Transport
from edge.devices.source import ModbusSource, Reach, Source
from edge.devices.station import StationDevices
from edge.devices.table import TableStation
from edge.devices.tables import PointTwice, Table, check_whole, prefixed, read_points
from edge.devices.vocabulary import IDENTITY
from edge.tables import CHINESE_EMS, table_at
from oracle.adapters import SystemClock

_DAY_S = 86_400
_SUNSPEC_STEP_WH = 10_000
_ENERGIES = {"meter_import", "meter_export", "battery_charge", "battery_discharge"}


class DeviceKind(StrEnum):
    """The kinds of register map."""

    SUNSPEC = "sunspec"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSettings:
    """One device of a station that has several, each behind its own point table.

    A table of MQTT points is reached through the broker at `host` and `port`; `name` is the device's in the topics.
    """

    table: Path
    """A shipped table's name, or a path of a CSV file."""
    host: str = "127.0.0.1"
    """Or the device file of a serial line."""
    port: int = 502
    transport: Transport = Transport.TCP
    unit_id: int = 0
    """0: as the table says."""
    baud: int = 9_600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    name: str = ""
    """Stands before the dotted keys of the table; devices with the same table need different ones."""
    prefix: str = "ess"
    """MQTT: what topics begin with."""
    username: str = ""
    """MQTT: the box's account at the broker."""
    password_file: Path | None = None
    ca_file: Path | None = None
    """MQTT: who signed the broker's certificate; without it the connection is not encrypted."""
    stale_ms: int = 10_000
    """MQTT: a message older than this is no reading."""
    most_registers: int = MAX_REGISTERS
    """Modbus: the device answers at most so many registers to one question, 4…125."""
    most_bits: int = MAX_BITS
    """Modbus: and so many coils or discrete inputs, 1…2000."""
    gap: int = 0
    """Modbus: so many registers between two points are read along, where the device allows it; 0…120."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacitorSettings:
    """A capacitor beside the battery (protocol 9.14.5): its converter, what it may do, how a command is divided."""

    converter: PartSettings
    power_w: int
    """Rated power, a magnitude."""
    energy_wh: int
    """Between the lowest and the highest voltage."""
    dc_min_mv: int
    dc_max_mv: int
    battery_w: int
    """Rated power of the battery alone; the station's limits are of both together."""
    tau_ms: int = 10_000
    """Time constant of the battery's part."""
    hold_ms: int = 5_000
    """For so long the capacitor must bear an order."""

    def __post_init__(self) -> None:
        """Refuse what divides by nothing. Raises CapacitorWrong."""
        for name in ("power_w", "energy_wh", "dc_min_mv", "battery_w", "tau_ms", "hold_ms"):
            if getattr(self, name) < 1:
                raise CapacitorWrong(field=name, got=getattr(self, name), low=1)
        if self.dc_max_mv <= self.dc_min_mv:
            raise CapacitorWrong(field="dc_max_mv", got=self.dc_max_mv, low=self.dc_min_mv + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """How to reach a station's devices."""

    kind: DeviceKind
    host: str = "127.0.0.1"
    """Or the device file of a serial line."""
    port: int = 502
    transport: Transport = Transport.TCP
    baud: int = 9_600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    unit_id: int = 1
    """Modbus unit of a SunSpec device; a point table names its own."""
    table: Path = CHINESE_EMS
    """Point table (CSV) for the kind `table`."""
    parts: tuple[PartSettings, ...] = ()
    """For the kind `table`: the station's devices, in place of one device with one table."""
    capacitor: CapacitorSettings | None = None
    """A second store that takes the fast part of each order."""
    meter_sign: int = -1
    """SunSpec only: −1 where the billing meter counts power into the station as positive, 1 where negative."""
    timeout_ms: int = 2_000
    revert_s: int = 300
    """After so long without a new order the device itself falls back to 0; 0 leaves the last order standing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One table of a station with the way to its device."""

    file: str
    points: Table
    part: PartSettings


@dataclass(kw_only=True, eq=False)
class CapacitorWrong(Malformed):
    """A figure of a capacitor is below the lowest that makes sense."""

    field: str
    got: int
    low: int


@dataclass(kw_only=True, eq=False)
class DeviceUnnamed(Malformed):
    """An MQTT device without a name that topics can carry."""

    file: str
    name: str


@dataclass(kw_only=True, eq=False)
class ReachWrong(Malformed):
    """A limit of a device's answers that Modbus or the largest value (4 registers) does not allow."""

    setting: str
    low: int
    high: int
    got: int


@dataclass(kw_only=True, eq=False)
class TableAbsent(Missing):
    """A station without a point table: SunSpec devices describe themselves (`alliance-edge probe`)."""

    kind: str


def tables_of(settings: DeviceSettings) -> tuple[Device, ...]:
    """A station's tables as `devices_of` reads them. Raises TableAbsent for a SunSpec station."""
    if settings.kind is not DeviceKind.TABLE:
        raise TableAbsent(kind=settings.kind)
    return devices_of(settings)


def devices_of(settings: DeviceSettings) -> tuple[Device, ...]:
    """A station's tables, checked. Raises PointCellWrong, PointTwice, PointsIncomplete or OSError."""
    alone = PartSettings(
        table=settings.table, host=settings.host, port=settings.port, transport=settings.transport,
        baud=settings.baud, parity=settings.parity, stop_bits=settings.stop_bits,
    )  # fmt: skip
    devices = tuple(device_of(part) for part in settings.parts or (alone,))
    held: dict[str, str] = {}
    for device in devices:
        for key in device.points:
            if key == IDENTITY:
                continue
            if key in held:
                raise PointTwice(key=key, files=(held[key], device.file))
            held[key] = device.file
    check_whole(held, file=", ".join(device.file for device in devices))
    return devices


def open_devices(settings: DeviceSettings, *, clock: Clock | None = None) -> StationDevices:
    """Make the driver; it connects when first used. A bad table raises as `devices_of` does.

    The clock, the system's by default, is what devices' own clocks are compared with.
    """
    timeout_s = settings.timeout_ms / 1_000
    match settings.kind:
        case DeviceKind.SUNSPEC:
            from edge.devices.sunspec import SunSpecStation  # its library is large, and most stations need it not

            link = ModbusLink(
                host=settings.host, port=settings.port, timeout_s=timeout_s, transport=settings.transport,
                line=SerialLine(baud=settings.baud, parity=settings.parity, stop_bits=settings.stop_bits),
            )  # fmt: skip
            return SunSpecStation(
                link=link, unit_id=settings.unit_id, meter_sign=settings.meter_sign, revert_s=settings.revert_s,
                now_ms=(clock or SystemClock()).now_ms,
            )  # fmt: skip
        case DeviceKind.TABLE:
            watch = clock or SystemClock()
            sources = open_sources(
                devices_of(settings), timeout_s=timeout_s, clock=watch, revert_s=settings.revert_s
            )  # fmt: skip
            return TableStation(sources=sources, revert_s=settings.revert_s, now_ms=watch.now_ms)


def energy_step_wh(settings: DeviceSettings) -> int:
    """How coarse the energy registers count at most, Wh, rounded up; of SunSpec devices 10 kWh is assumed."""
    if settings.kind is not DeviceKind.TABLE:
        return _SUNSPEC_STEP_WH
    points = [p for device in devices_of(settings) for key, p in device.points.items() if key in _ENERGIES]
    return max(math.ceil(point.scale * point.factor) for point in points)


def open_sources(
    devices: Sequence[Device], *, timeout_s: float, clock: Clock, revert_s: int
) -> tuple[Source, ...]:  # fmt: skip
    """A source for each device; devices on one serial line or at one address share the connection."""
    links: dict[tuple[str, int], ModbusLink] = {}
    sources: list[Source] = []
    for device in devices:
        part = device.part
        if any(point.protocol == "mqtt" for point in device.points.values()):
            sources.append(_mqtt(device, timeout_s=timeout_s, clock=clock, revert_s=revert_s))
            continue
        serial = part.transport is Transport.RTU
        where = (part.host, 0 if serial else part.port)
        if where not in links:
            links[where] = ModbusLink(
                host=part.host, port=where[1], timeout_s=timeout_s, transport=part.transport,
                line=SerialLine(baud=part.baud, parity=part.parity, stop_bits=part.stop_bits),
            )  # fmt: skip
        sources.append(
            ModbusSource(points=device.points, link=links[where], now_ms=clock.now_ms, reach=_reach(part))
        )  # fmt: skip
    return tuple(sources)


def _reach(part: PartSettings) -> Reach:
    for setting, low, high in (("most_registers", 4, MAX_REGISTERS), ("most_bits", 1, MAX_BITS), ("gap", 0, 120)):
        got: int = getattr(part, setting)
        if not low <= got <= high:
            raise ReachWrong(setting=setting, low=low, high=high, got=got)
    return Reach(registers=part.most_registers, bits=part.most_bits, gap=part.gap)


def _mqtt(device: Device, *, timeout_s: float, clock: Clock, revert_s: int) -> Source:
    from edge.devices.mqtt import MqttAccess, MqttSource  # its library is not needed by other stations

    part = device.part
    if not part.name or set(part.name) & set("+#/"):
        raise DeviceUnnamed(file=device.file, name=part.name)
    access = MqttAccess(
        host=part.host, port=part.port, device=part.name, prefix=part.prefix, username=part.username,
        password_file=part.password_file, ca_file=part.ca_file, timeout_s=timeout_s, stale_ms=part.stale_ms,
    )  # fmt: skip
    return MqttSource(points=device.points, access=access, clock=clock, order_ms=1_000 * (revert_s or _DAY_S))


def device_of(part: PartSettings) -> Device:
    """A part's table. Raises PointCellWrong or OSError."""
    path = table_at(part.table)
    points = prefixed(read_points(path), part.name)
    if part.unit_id:
        points = {key: replace(point, unit_id=part.unit_id) for key, point in points.items()}
    return Device(file=path.name, points=points, part=part)
