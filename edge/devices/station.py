"""What every driver gives and takes: positive out of the station, whatever the device's own sign (protocol 2.1).

DeviceError
 ├─ DeviceUnreachable   (Missing)    no connection
 ├─ DeviceSilent        (Missing)    connected, but no answer in time
 ├─ DeviceSlow          (Missing)    the round ended before the device had been read
 ├─ PointAbsent         (Missing)    the device says that it does not implement what we need
 ├─ DeviceRefused       (Refused)    a Modbus exception response
 ├─ DeviceForeign       (Refused)    another device stands where the table's one should
 ├─ SetPointOutOfRange  (Refused)    we were asked to write what the device does not take
 ├─ PointOutOfRange     (Malformed)  a billing register outside its stated range
 ├─ FrameDamaged        (Malformed)  bytes came in time, but no frame whose checks hold (CRC, length, transaction)
 └─ FrameMalformed      (Malformed)  an answer of the wrong shape
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from typing import Protocol, runtime_checkable

from alliance.errors import AllianceError, Malformed, Missing, Refused


class PcsState(StrEnum):
    """What the station's power conversion system is doing."""

    OFF = "off"
    STANDBY = "standby"
    CHARGING = "charging"
    DISCHARGING = "discharging"
    FAULT = "fault"
    UNKNOWN = "unknown"


class Quality(IntFlag):
    """Marks of a sample; 0 is good."""

    OUT_OF_RANGE = 1
    """A value of the reading outside the range that the point table states; passed on as it came, SOC, SOH clipped."""
    NOT_IMPLEMENTED = 2
    """The device does not give some value that can be done without; it reads 0, or unknown."""
    ALARM = 4
    """The device reports an alarm."""
    CLOCK_SKEWED = 8
    """A device's own clock is far from the box's; readings carry the box's time, so nothing else follows."""
    PART_SILENT = 16
    """A device on which neither readings nor guard rest (air conditioning, fire panel) gives nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSample:
    """One look at a station. Powers positive out of the station or battery; registers are cumulative."""

    meter_power_w: int
    reactive_var: int
    import_wh: int
    """Register of the billing meter, into the station."""
    export_wh: int
    """Register of the billing meter, out of the station."""
    battery_power_w: int
    """At the battery's AC side."""
    soc_bp: int
    """0…10000."""
    soh_bp: int
    """0…10000."""
    charge_wh: int
    discharge_wh: int
    pcs_state: PcsState
    charge_limit_w: int
    """Highest charging power that the device accepts now, a magnitude."""
    discharge_limit_w: int
    """Highest discharging power that the device accepts now, a magnitude."""
    set_power_w: int
    """The order that the device holds."""
    frequency_mhz: int
    """0 where the device does not measure it."""
    alarms: tuple[str, ...]
    quality: Quality
    cell_lowest_mv: int | None = None
    """Voltage of the lowest cell; None, here and below, where the device does not measure it."""
    cell_highest_mv: int | None = None
    cell_coldest_ddegc: int | None = None
    """Temperature of the coldest cell, tenths of a degree Celsius."""
    cell_hottest_ddegc: int | None = None
    bms_allows_charge: bool | None = None
    bms_allows_discharge: bool | None = None
    contactor_closed: bool | None = None
    """Whether every main contactor on the battery's way is closed."""
    heartbeat: int | None = None
    """A counter that the device itself moves while it works."""
    remote: bool | None = None
    """True: the device takes orders from afar; False: its switch stands on local (就地)."""
    manual: bool | None = None
    """Whether somebody has taken the device over by hand (人工接管)."""
    points: Mapping[str, int] = field(default_factory=dict)
    """Every point that the station's tables name, by key, in our unit and sign; what was not given is absent."""
    doubtful: frozenset[str] = frozenset()
    """Keys of `points` outside the range that their table states."""
    limits_stated: bool = False
    """Whether the device gives a charge or discharge limit, so that 0 means nothing rather than not known."""

    @property
    def states_limits(self) -> bool:
        """Whether `charge_limit_w` and `discharge_limit_w` are the device's word."""
        given = self.limits_stated or not self.quality & Quality.NOT_IMPLEMENTED
        return given or bool(self.charge_limit_w or self.discharge_limit_w)


class StationDevices(Protocol):
    """A station's devices. Connects by itself when first used, and again after an error; after several, less often."""

    @property
    def troubles(self) -> Mapping[str, str]:
        """The last error of each point that could not be had when it was last asked for, by key."""
        ...

    async def read(self) -> StationSample:
        """Take one sample. Raises DeviceError."""
        ...

    async def write_power(self, power_w: int) -> None:
        """Order a power at the battery's AC side, positive discharging, in remote mode. Raises DeviceError.

        The device falls back to 0 when it hears nothing for its `revert_s`: repeat the order well within it.
        """
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


@runtime_checkable
class Contactors(Protocol):
    """Devices whose contactors can be opened from afar; closing them again is a person's work on site."""

    async def open_contactors(self) -> bool:
        """Order every contactor open; False where the devices take no such order. Raises DeviceError."""
        ...


@runtime_checkable
class TwoStores(Protocol):
    """Devices that divide an order between the battery and a store beside it."""

    def bound(self, *, charge_w: int, discharge_w: int) -> None:
        """From the next order on the battery's own part stays within these magnitudes."""
        ...


class DeviceError(AllianceError):
    """A device could not be read or commanded."""


@dataclass(kw_only=True, eq=False)
class DeviceUnreachable(DeviceError, Missing):
    """No connection to the device."""

    host: str
    port: int


@dataclass(kw_only=True, eq=False)
class DeviceSilent(DeviceError, Missing):
    """The device did not answer in time."""

    host: str
    port: int
    function: int
    address: int
    reason: str


@dataclass(kw_only=True, eq=False)
class DeviceSlow(DeviceError, Missing):
    """The caller's patience ended while the device was being read."""

    asked_ms: int


@dataclass(kw_only=True, eq=False)
class DeviceRefused(DeviceError, Refused):
    """The device answered with a Modbus exception."""

    host: str
    port: int
    function: int
    address: int
    exception: int


@dataclass(kw_only=True, eq=False)
class FrameDamaged(DeviceError, Malformed):
    """Bytes came in time, but no frame whose checks hold: noise on the line, or another protocol."""

    host: str
    port: int
    function: int
    address: int
    heard_bytes: int


@dataclass(kw_only=True, eq=False)
class FrameMalformed(DeviceError, Malformed):
    """An answer has not the registers that were asked for."""

    host: str
    port: int
    function: int
    address: int
    want_registers: int
    got_registers: int


@dataclass(kw_only=True, eq=False)
class PointAbsent(DeviceError, Missing):
    """The device does not implement a point that cannot be done without."""

    point: str


@dataclass(kw_only=True, eq=False)
class DeviceForeign(DeviceError, Refused):
    """The identity register says that another kind of device answers: nothing of it is read or commanded."""

    host: str
    port: int
    want: int
    got: int


@dataclass(kw_only=True, eq=False)
class PointOutOfRange(DeviceError, Malformed):
    """A billing register reads outside its stated range: it must not be signed."""

    point: str
    raw: int
    lowest: str
    highest: str


@dataclass(kw_only=True, eq=False)
class SetPointOutOfRange(DeviceError, Refused):
    """An order that the device does not take."""

    point: str
    power_w: int
    lowest_w: int
    highest_w: int
