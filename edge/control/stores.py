"""A capacitor and a battery behind one set point (D6; protocol 9.14.5): both are written at each step and sum to it.

Each store has a guard of its own: what the capacitor may not give now is the battery's, and the reverse. The battery's
devices are the station's; the capacitor has a converter of its own, whose DC voltage tells its content, E = ½·C·U².
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from alliance.money import mul_div
from alliance.ports import Clock
from edge.control.hybrid import START, Hybrid, Share, Span, share_within
from edge.devices.open import CapacitorSettings, DeviceSettings, device_of, open_devices, open_sources
from edge.devices.source import Source
from edge.devices.station import Contactors, PcsState, PointAbsent, StationDevices, StationSample
from oracle.adapters import SystemClock

_FULL_BP = 10_000
_HOUR_MS = 3_600_000
_NOTHING = Span(charge_w=0, discharge_w=0)
_NEEDED = ("battery_power", "battery_charge", "battery_discharge", "pcs.dc_voltage", "pcs_state")
_READY = (PcsState.STANDBY, PcsState.CHARGING, PcsState.DISCHARGING)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacitorSample:
    """One look at the capacitor's converter, in our units and signs."""

    power_w: int
    charge_wh: int
    discharge_wh: int
    dc_mv: int
    ready: bool


def open_stores(settings: DeviceSettings, *, clock: Clock | None = None) -> StationDevices:
    """A station's devices; with a capacitor named, both stores as one. Raises what `open_devices` raises."""
    clock = clock or SystemClock()
    battery = open_devices(settings, clock=clock)
    if settings.capacitor is None:
        return battery
    device = device_of(settings.capacitor.converter)
    (source,) = open_sources(
        [device], timeout_s=settings.timeout_ms / 1_000, clock=clock, revert_s=settings.revert_s
    )  # fmt: skip
    return HybridStation(battery, source, settings.capacitor, revert_s=settings.revert_s, clock=clock)


class HybridStation:
    """Two stores as one station: powers and energies are sums, the state of charge is the battery's."""

    def __init__(
        self, battery: StationDevices, capacitor: Source, settings: CapacitorSettings, *, revert_s: int, clock: Clock
    ) -> None:  # fmt: skip
        self._battery, self._capacitor, self._settings = battery, capacitor, settings
        self._revert_s, self._clock = revert_s, clock
        self._hybrid = Hybrid(tau_ms=settings.tau_ms, capacitor_w=settings.power_w)
        self._spans = (_NOTHING, _NOTHING)
        self._bound: Span | None = None
        self._before, self._written_ms, self._beats = START, 0, 0

    @property
    def troubles(self) -> Mapping[str, str]:
        """The last error of each point of both that could not be had when it was last asked for, by key."""
        beside = {f"capacitor.{key}": told for key, told in self._capacitor.troubles.items()}
        return {**self._battery.troubles, **beside}

    @property
    def written(self) -> Share:
        """The last step's two set points."""
        return self._before

    async def read(self) -> StationSample:
        """Take one sample of both. Raises DeviceError."""
        main, beside = await self._battery.read(), await self._look()
        self._spans = (battery_span(main, self._settings), capacitor_span(beside, self._settings))
        allowed = self._spans[1]
        return replace(
            main,
            battery_power_w=main.battery_power_w + beside.power_w,
            charge_wh=main.charge_wh + beside.charge_wh,
            discharge_wh=main.discharge_wh + beside.discharge_wh,
            charge_limit_w=self._spans[0].charge_w + allowed.charge_w,
            discharge_limit_w=self._spans[0].discharge_w + allowed.discharge_w,
            limits_stated=True,
            set_power_w=main.set_power_w + self._before.capacitor_w,
            points={**main.points, "capacitor.power": beside.power_w, "capacitor.dc_voltage": beside.dc_mv},
        )

    async def write_power(self, power_w: int) -> None:
        """Divide an order and write both parts, the battery's first. Raises DeviceError."""
        now_ms = self._clock.now_ms()
        dt_ms = max(1, now_ms - self._written_ms) if self._written_ms else self._settings.tau_ms
        battery, capacitor = self._spans
        if self._bound is not None:
            battery = Span(
                charge_w=min(battery.charge_w, self._bound.charge_w),
                discharge_w=min(battery.discharge_w, self._bound.discharge_w),
            )
        made = share_within(self._hybrid, self._before, power_w, dt_ms=dt_ms, battery=battery, capacitor=capacitor)
        if made.battery_w + made.capacitor_w != power_w:
            structlog.get_logger().warning("stores.unmet", wanted_w=power_w, power_w=made.battery_w + made.capacitor_w)
        await self._battery.write_power(made.battery_w)
        self._beats = (self._beats + 1) % 0x10000
        orders = {
            "command_timeout": self._revert_s, "heartbeat": self._beats, "set_power": made.capacitor_w,
            "remote_enable": 1,
        }  # fmt: skip
        points = self._capacitor.points
        await self._capacitor.write({key: v for key, v in orders.items() if key in points and points[key].writable})
        self._before, self._written_ms = made, now_ms

    def bound(self, *, charge_w: int, discharge_w: int) -> None:
        """From the next order on the battery's own part stays within these magnitudes, whatever the filter holds."""
        self._bound = Span(charge_w=charge_w, discharge_w=discharge_w)

    async def open_contactors(self) -> bool:
        """Order the battery's contactors open; False where it takes no such order. Raises DeviceError."""
        return isinstance(self._battery, Contactors) and await self._battery.open_contactors()

    async def close(self) -> None:
        """Let both connections go."""
        await self._battery.close()
        await self._capacitor.close()

    async def _look(self) -> CapacitorSample:
        raw, points = await self._capacitor.read(), self._capacitor.points
        values: Mapping[str, int] = {
            key: points[key].value_of(value) for key, value in raw.items() if value is not None and key in points
        }
        for key in _NEEDED:
            if key not in values:
                raise PointAbsent(point=f"capacitor.{key}")
        state = raw["pcs_state"]
        named = "" if state is None else points["pcs_state"].name_of(state)
        return CapacitorSample(
            power_w=values["battery_power"], charge_wh=values["battery_charge"],
            discharge_wh=values["battery_discharge"], dc_mv=values["pcs.dc_voltage"], ready=named in _READY,
        )  # fmt: skip


def battery_span(seen: StationSample, settings: CapacitorSettings) -> Span:
    """What the battery may give now: its rating, less what its device states; nothing while it is not ready."""
    if seen.pcs_state not in _READY:
        return _NOTHING
    stated, rated_w = seen.states_limits, settings.battery_w
    return Span(
        charge_w=min(rated_w, max(0, seen.charge_limit_w)) if stated else rated_w,
        discharge_w=min(rated_w, max(0, seen.discharge_limit_w)) if stated else rated_w,
    )


def capacitor_span(seen: CapacitorSample, settings: CapacitorSettings) -> Span:
    """What the capacitor may give for `hold_ms`: its rating, and what its voltage leaves within the window."""
    if not seen.ready:
        return _NOTHING
    low, high = settings.dc_min_mv**2, settings.dc_max_mv**2
    above = mul_div(min(max(0, seen.dc_mv**2 - low), high - low), _FULL_BP, high - low)
    full_w = mul_div(settings.energy_wh, _HOUR_MS, settings.hold_ms)
    return Span(
        charge_w=min(settings.power_w, full_w * (_FULL_BP - above) // _FULL_BP),
        discharge_w=min(settings.power_w, full_w * above // _FULL_BP),
    )
