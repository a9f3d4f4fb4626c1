"""From settings to a driver: which kind of register map a station speaks, and where (protocol 2.1)."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edge.devices.link import ModbusLink
from edge.devices.points import read_table
from edge.devices.station import StationDevices
from edge.devices.sunspec import SunSpecStation
from edge.devices.table import TableStation
from edge.tables import CHINESE_EMS


class DeviceKind(StrEnum):
    """The kinds of register map."""

    SUNSPEC = "sunspec"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """How to reach a station's devices."""

    kind: DeviceKind
    host: str = "127.0.0.1"
    port: int = 502
    unit_id: int = 1
    """Modbus unit of a SunSpec device; a point table names its own."""
    table: Path = CHINESE_EMS
    """Point table (CSV) for the kind `table`."""
    meter_sign: int = -1
    """SunSpec only: −1 where the billing meter counts power into the station as positive, 1 where negative."""
    timeout_ms: int = 2_000
    revert_s: int = 300
    """After so long without a new order the device itself falls back to 0; 0 leaves the last order standing."""


def open_devices(settings: DeviceSettings) -> StationDevices:
    """Make the driver; it connects when first used. A bad table raises PointCellWrong, PointsIncomplete or OSError."""
    link = ModbusLink(host=settings.host, port=settings.port, timeout_s=settings.timeout_ms / 1_000)
    match settings.kind:
        case DeviceKind.SUNSPEC:
            return SunSpecStation(
                link=link, unit_id=settings.unit_id, meter_sign=settings.meter_sign, revert_s=settings.revert_s
            )
        case DeviceKind.TABLE:
            return TableStation(points=read_table(settings.table), link=link, revert_s=settings.revert_s)
