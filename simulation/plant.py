"""A station as physics: battery, converter, site and meters advance together in exact integers (protocol 2).

The billing meter stands at the point of common coupling (PCC), the battery meter at the converter's AC side. Power and
energy are positive out of the station or battery. The same seed and the same commands at the same instants give the
same registers; nothing here reads a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day, day_at
from alliance.errors import Malformed, Refused
from simulation.battery import WMS_PER_WH, Battery, BatteryRating
from simulation.noise import ONE, Noise
from simulation.profiles import DayProfile, profile_for

SUBSTEP_MS = 10_000
_LOAD_KNOT_MS = 300_000
_CLOUD_KNOT_MS = 120_000
_LOAD_KNOT_SD_PPM = 15_000
_LOAD_JITTER_SD_PPM = 5_000
_CLOUD_SD_PPM = 60_000
_FREQUENCY_SD_UHZ = 22_400
_COOLING_PPM = 4_000
"""Cooling draws this share of the battery's power, beside the standby load."""


class State(IntEnum):
    """What the converter is doing."""

    OFF = 0
    STANDBY = 1
    CHARGING = 2
    DISCHARGING = 3
    FAULT = 4


class Alarm(IntFlag):
    """What the station complains of."""

    TRIPPED = 1
    CONTACTOR_OPEN = 2
    COMMAND_EXPIRED = 4
    SOC_LOW = 8
    SOC_HIGH = 16
    PCC_LIMITED = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantParameters:
    """What a station is; powers are magnitudes in watts."""

    battery: BatteryRating
    ramp_w_per_s: int
    """How fast the converter changes its power."""
    pcc_import_w: int
    pcc_export_w: int
    standby_w: int
    """Control, heating and lights of the storage, drawn at the PCC at all times."""
    reactive_ppm: int = 0
    """Reactive power that the load draws, per watt of load."""
    start_soc_bp: int = 4_000
    start_import_wh: int = 1_000_000
    start_export_wh: int = 1_000_000
    start_charge_wh: int = 1_000_000
    start_discharge_wh: int = 950_000
    ambient_dc: int = 220
    """What the cells cool down to, tenths of °C."""
    lag_ms: int = 0
    """How long the converter does what it did before it begins to follow another order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the instruments of a station show at an instant; powers are means of the last sub-step."""

    t_ms: int
    meter_power_w: int
    meter_reactive_var: int
    import_wh: int
    export_wh: int
    battery_power_w: int
    soc_bp: int
    soh_bp: int
    stored_wh: int
    charge_wh: int
    discharge_wh: int
    state: State
    alarms: Alarm
    charge_limit_w: int
    discharge_limit_w: int
    set_power_w: int
    frequency_mhz: int
    cell_temperature_dc: int
    """Hottest cell, tenths of a degree Celsius."""
    load_w: int
    pv_w: int
    cell_power_w: int
    """Between converter and cells: what leaves their store, losses included, positive when they discharge."""
    voltage_ppm: int = ONE
    """Of the grid, in parts of the nominal one; a plant knows no other, `simulation.devices.grid` disturbs it."""


@dataclass(kw_only=True, eq=False)
class TimeWentBackwards(Refused):
    """A plant was asked to step to an instant that it has passed."""

    at_ms: int
    asked_ms: int


@dataclass(kw_only=True, eq=False)
class PlantStateUnreadable(Malformed):
    """A saved state lacks a field or holds something that is no integer."""

    problem: str


@dataclass(slots=True)
class _Live:
    """Everything that changes and is saved; all integers."""

    t_ms: int
    stored_wms: int
    charge_wms: int
    discharge_wms: int
    cycled_wms: int
    import_wms: int
    export_wms: int
    power_w: int = 0
    set_power_w: int = 0
    enabled: int = 0
    revert_ms: int = 0
    expires_ms: int = 0
    tripped: int = 0
    contactor: int = 1
    alarms: int = 0
    last_meter_w: int = 0
    last_battery_w: int = 0
    last_load_w: int = 0
    last_pv_w: int = 0
    last_cell_w: int = 0
    cell_temperature_mc: int = 22_000
    before_w: int = 0
    acts_ms: int = 0


class Plant:
    """One station. Command it between steps; read `snapshot()` after a step."""

    def __init__(
        self, *, parameters: PlantParameters, days: Mapping[Day, DayProfile], seed: str, start_ms: int
    ) -> None:
        self.parameters = parameters
        self._days = days
        self._day = profile_for(days, day_at(start_ms))
        self._noise = _Noises(seed)
        rating, start = parameters.battery, parameters
        self._live = _Live(
            t_ms=start_ms,
            stored_wms=rating.capacity_wh * WMS_PER_WH * rating.held_bp // 10_000 * start.start_soc_bp // 10_000,
            charge_wms=start.start_charge_wh * WMS_PER_WH,
            discharge_wms=start.start_discharge_wh * WMS_PER_WH,
            cycled_wms=0,
            import_wms=start.start_import_wh * WMS_PER_WH,
            export_wms=start.start_export_wh * WMS_PER_WH,
            cell_temperature_mc=start.ambient_dc * 100,
        )
        self._battery = self._battery_of(self._live)

    @property
    def t_ms(self) -> int:
        """The instant up to which the plant has lived, UTC milliseconds."""
        return self._live.t_ms

    @property
    def stored_wms(self) -> int:
        """Energy in the cells, watt-milliseconds."""
        return self._battery.stored_wms

    def command(self, power_w: int, *, enabled: bool, revert_s: int = 0) -> None:
        """Follow a power (positive discharges) from now on; after `revert_s` without a new command, 0; 0 = forever.

        With a lag it is followed so much later; an order that comes meanwhile takes its place at the same instant.
        """
        live = self._live
        if (live.set_power_w, live.enabled) != (power_w, int(enabled)) and live.t_ms >= live.acts_ms:
            live.before_w, live.acts_ms = self._followed(), live.t_ms + self.parameters.lag_ms
        live.set_power_w = power_w
        live.enabled = int(enabled)
        live.revert_ms = revert_s * 1_000
        self.hear_heartbeat()

    def hear_heartbeat(self) -> None:
        """Let the present command run its full time again."""
        live = self._live
        live.expires_ms = live.t_ms + live.revert_ms if live.revert_ms else 0
        live.alarms &= ~Alarm.COMMAND_EXPIRED

    def trip(self) -> None:
        """Fall out at once and stay out until `reset`."""
        self._live.tripped = 1
        self._live.power_w = 0

    def reset(self) -> None:
        """Acknowledge a trip."""
        self._live.tripped = 0

    def set_contactor(self, *, closed: bool) -> None:
        """Close or open the battery's contactor; an open one carries nothing."""
        self._live.contactor = int(closed)
        if not closed:
            self._live.power_w = 0

    def step(self, to_ms: int) -> None:
        """Live until an instant, in sub-steps on a fixed grid. Raises TimeWentBackwards."""
        if to_ms < self._live.t_ms:
            raise TimeWentBackwards(at_ms=self._live.t_ms, asked_ms=to_ms)
        while self._live.t_ms < to_ms:
            t_ms, acts_ms = self._live.t_ms, self._live.acts_ms
            until_ms = min(to_ms, acts_ms) if acts_ms > t_ms else to_ms
            self._substep(min(SUBSTEP_MS - t_ms % SUBSTEP_MS, until_ms - t_ms))

    def snapshot(self) -> Snapshot:
        """What the instruments show now."""
        live, battery = self._live, self._battery
        return Snapshot(
            t_ms=live.t_ms,
            meter_power_w=live.last_meter_w,
            meter_reactive_var=-(live.last_load_w * self.parameters.reactive_ppm // ONE),
            import_wh=live.import_wms // WMS_PER_WH,
            export_wh=live.export_wms // WMS_PER_WH,
            battery_power_w=live.last_battery_w,
            soc_bp=battery.soc_bp,
            soh_bp=battery.soh_bp,
            stored_wh=battery.stored_wms // WMS_PER_WH,
            charge_wh=battery.charge_wms // WMS_PER_WH,
            discharge_wh=battery.discharge_wms // WMS_PER_WH,
            state=self._state(),
            alarms=self._alarms(),
            charge_limit_w=self._limit(battery.charge_limit_w),
            discharge_limit_w=self._limit(battery.discharge_limit_w),
            set_power_w=self._wanted(),
            frequency_mhz=self._noise.frequency_mhz(live.t_ms),
            cell_temperature_dc=live.cell_temperature_mc // 100,
            load_w=live.last_load_w,
            pv_w=live.last_pv_w,
            cell_power_w=live.last_cell_w,
        )

    def save(self) -> dict[str, int]:
        """The whole state, as integers by name."""
        self._write_back()
        return {name: int(getattr(self._live, name)) for name in _Live.__slots__}

    def restore(self, saved: Mapping[str, object]) -> None:
        """Continue from a saved state. Raises PlantStateUnreadable."""
        wrong = [name for name in _Live.__slots__ if type(saved.get(name)) is not int]
        if wrong or len(saved) != len(_Live.__slots__):
            raise PlantStateUnreadable(problem=f"fields {wrong or sorted(set(saved) - set(_Live.__slots__))}")
        self._live = _Live(**{name: int(str(saved[name])) for name in _Live.__slots__})
        self._battery = self._battery_of(self._live)

    def _battery_of(self, live: _Live) -> Battery:
        return Battery(
            rating=self.parameters.battery,
            stored_wms=live.stored_wms,
            charge_wms=live.charge_wms,
            discharge_wms=live.discharge_wms,
            cycled_wms=live.cycled_wms,
        )

    def _write_back(self) -> None:
        live, battery = self._live, self._battery
        live.stored_wms, live.cycled_wms = battery.stored_wms, battery.cycled_wms
        live.charge_wms, live.discharge_wms = battery.charge_wms, battery.discharge_wms

    def _substep(self, dt_ms: int) -> None:
        live, battery = self._live, self._battery
        self._expire()
        load_w, pv_w = self._site(live.t_ms)
        base_w = pv_w - load_w - self.parameters.standby_w
        target_w = self._within_pcc(self._within_battery(self._followed()), base_w)
        asked_wms, live.power_w = self._ramp(target_w, dt_ms)
        stored_wms, cell_dc = battery.stored_wms, live.cell_temperature_mc // 100
        moved_wms = battery.exchange(asked_wms, power_w=asked_wms // dt_ms, cell_dc=cell_dc) if asked_wms else 0
        live.last_cell_w = _rounded(stored_wms - battery.stored_wms, dt_ms)
        battery.rest(dt_ms)
        cooling_wms = abs(moved_wms) * _COOLING_PPM // ONE
        self._meter(base_w * dt_ms + moved_wms - cooling_wms, dt_ms)
        live.last_battery_w = _rounded(moved_wms, dt_ms)
        live.last_load_w, live.last_pv_w = load_w, pv_w
        if moved_wms != asked_wms:
            live.power_w = live.last_battery_w
        self._warm(dt_ms)
        live.t_ms += dt_ms

    def _expire(self) -> None:
        live = self._live
        if live.expires_ms and live.t_ms >= live.expires_ms:
            live.set_power_w, live.expires_ms = 0, 0
            live.alarms |= Alarm.COMMAND_EXPIRED

    def _wanted(self) -> int:
        """The power asked for, or 0 when the converter may not run."""
        live = self._live
        return live.set_power_w if live.enabled and live.contactor and not live.tripped else 0

    def _followed(self) -> int:
        """What the converter does of it: an order changes it after the lag; what stops it does so at once."""
        live = self._live
        if live.t_ms >= live.acts_ms:
            return self._wanted()
        return live.before_w if live.contactor and not live.tripped else 0

    def _within_battery(self, power_w: int) -> int:
        return max(-self._battery.charge_limit_w, min(self._battery.discharge_limit_w, power_w))

    def _within_pcc(self, power_w: int, base_w: int) -> int:
        """Curb towards 0, never past it, so that the connection's limits hold whatever was ordered."""
        lowest = min(0, -self.parameters.pcc_import_w - base_w)
        highest = max(0, self.parameters.pcc_export_w - base_w)
        curbed = max(lowest, min(highest, power_w))
        self._mark(Alarm.PCC_LIMITED, on=curbed != power_w)
        return curbed

    def _ramp(self, target_w: int, dt_ms: int) -> tuple[int, int]:
        """Energy of a sub-step and the power at its end; a change of direction rests at 0 until the next one."""
        power_w, rate = self._live.power_w, self.parameters.ramp_w_per_s
        if power_w * target_w < 0:
            target_w = 0
        reachable = rate * dt_ms // 1_000
        if abs(target_w - power_w) <= reachable:
            ramp_ms = abs(target_w - power_w) * 1_000 // rate
            return target_w * dt_ms + (power_w - target_w) * ramp_ms // 2, target_w
        end_w = power_w + reachable if target_w > power_w else power_w - reachable
        return (power_w + end_w) * dt_ms // 2, end_w

    def _meter(self, net_wms: int, dt_ms: int) -> None:
        live = self._live
        if net_wms >= 0:
            live.export_wms += net_wms
        else:
            live.import_wms -= net_wms
        live.last_meter_w = _rounded(net_wms, dt_ms)

    def _warm(self, dt_ms: int) -> None:
        """Cells drift to what is around them plus up to 14 °C at full power, with a time constant of half an hour."""
        live, rated = self._live, self.parameters.battery.discharge_power_w
        aim_mc = self.parameters.ambient_dc * 100 + 14_000 * live.last_battery_w**2 // rated**2
        live.cell_temperature_mc += (aim_mc - live.cell_temperature_mc) * dt_ms // 1_800_000

    def _limit(self, limit_w: int) -> int:
        return limit_w if self._live.contactor and not self._live.tripped else 0

    def _state(self) -> State:
        live = self._live
        if live.tripped:
            return State.FAULT
        if not live.contactor:
            return State.OFF
        if live.last_battery_w == 0:
            return State.STANDBY
        return State.DISCHARGING if live.last_battery_w > 0 else State.CHARGING

    def _alarms(self) -> Alarm:
        alarms, soc_bp = Alarm(self._live.alarms), self._battery.soc_bp
        for alarm, on in (
            (Alarm.TRIPPED, self._live.tripped),
            (Alarm.CONTACTOR_OPEN, not self._live.contactor),
            (Alarm.SOC_LOW, soc_bp < 500),
            (Alarm.SOC_HIGH, soc_bp > 9_900),
        ):
            if on:
                alarms |= alarm
        return alarms

    def _mark(self, alarm: Alarm, *, on: bool) -> None:
        self._live.alarms = self._live.alarms | alarm if on else self._live.alarms & ~alarm

    def _site(self, t_ms: int) -> tuple[int, int]:
        """Load and PV power at an instant, watts."""
        day = day_at(t_ms)
        if day != self._day.day:
            profile = profile_for(self._days, day)
            self._day = DayProfile(day=day, load_w=profile.load_w, pv_w=profile.pv_w)
        slot, passed_ms = divmod(t_ms - day.start_ms, SLOT_MS)
        load_w = _within_slot(self._day.load_w, slot, passed_ms)
        pv_w = _within_slot(self._day.pv_w, slot, passed_ms)
        return self._noise.load(load_w, t_ms), self._noise.pv(pv_w, t_ms)


@dataclass(slots=True)
class _Noises:
    """The seeded disturbances of one plant."""

    seed: str
    _frequency: Noise = field(init=False)
    _load: Noise = field(init=False)
    _jitter: Noise = field(init=False)
    _cloud: Noise = field(init=False)

    def __post_init__(self) -> None:
        self._frequency = Noise(seed=self.seed, series="frequency")
        self._load = Noise(seed=self.seed, series="load")
        self._jitter = Noise(seed=self.seed, series="jitter")
        self._cloud = Noise(seed=self.seed, series="cloud")

    def frequency_mhz(self, t_ms: int) -> int:
        return 50_000 + self._frequency.at(t_ms // SUBSTEP_MS) * _FREQUENCY_SD_UHZ // ONE // 1_000

    def load(self, mean_w: int, t_ms: int) -> int:
        if not mean_w:
            return 0
        slow = self._load.between(t_ms, knot_ms=_LOAD_KNOT_MS) * _LOAD_KNOT_SD_PPM // ONE
        fast = self._jitter.at(t_ms // SUBSTEP_MS) * _LOAD_JITTER_SD_PPM // ONE
        return max(0, mean_w * (ONE + slow + fast) // ONE)

    def pv(self, mean_w: int, t_ms: int) -> int:
        if not mean_w:
            return 0
        cloud = self._cloud.between(t_ms, knot_ms=_CLOUD_KNOT_MS) * _CLOUD_SD_PPM // ONE
        return max(0, mean_w * (ONE + cloud) // ONE)


def _within_slot(means_w: tuple[int, ...], slot: int, passed_ms: int) -> int:
    """A straight line through a slot, towards its neighbours, that keeps the slot's mean and never goes below 0."""
    mean = means_w[slot]
    before, after = means_w[max(0, slot - 1)], means_w[min(SLOTS_A_DAY - 1, slot + 1)]
    rise = max(-2 * mean, min(2 * mean, (after - before) // 2))
    return mean + rise * (2 * passed_ms + SUBSTEP_MS - SLOT_MS) // (2 * SLOT_MS)


def _rounded(energy_wms: int, dt_ms: int) -> int:
    size = (2 * abs(energy_wms) + dt_ms) // (2 * dt_ms)
    return size if energy_wms >= 0 else -size
