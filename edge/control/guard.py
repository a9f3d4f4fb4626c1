"""The guard (protocol 9.13): no set point leaves the box past a limit; pure, and it says which limits cut.

Each limit says how much charging and how much discharging it allows now, both magnitudes of at least 0. The order is
what the ramp lets become of the wish, cut by the narrowest limits: a limit always cuts towards 0, never past it, and
cuts at once, whatever the ramp. A limit whose measurement is missing allows nothing, or stays unasked and is named,
as `Limits.may_miss` says. A device that was taken over by hand, or stands on local, gets no order at all. Powers in
watts at the battery's AC side, positive discharging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from alliance.calendar import SLOT_MS
from edge.control.limits import FULL_BP, PPM, Curve, Limits, Need, allowed_w
from edge.devices.station import PcsState, Quality, StationSample

_HOUR_MS = 3_600_000
_UNBOUNDED_W = 1 << 62


class Reason(StrEnum):
    """Why an order is not the wish."""

    NO_SCHEDULE = "no_schedule"
    NO_MEASUREMENT = "no_measurement"
    MANUAL = "manual"
    LOCAL = "local"
    CONTROL_MODE_UNKNOWN = "control_mode_unknown"
    MEASUREMENT_DOUBTFUL = "measurement_doubtful"
    PCS_NOT_READY = "pcs_not_ready"
    HEARTBEAT_STOPPED = "heartbeat_stopped"
    HEARTBEAT_UNKNOWN = "heartbeat_unknown"
    CONTACTOR_OPEN = "contactor_open"
    CONTACTOR_UNKNOWN = "contactor_unknown"
    BMS_FORBIDS = "bms_forbids"
    BMS_UNKNOWN = "bms_unknown"
    RATING = "rating"
    DEVICE_LIMIT = "device_limit"
    DEVICE_LIMIT_UNKNOWN = "device_limit_unknown"
    SOC_LOW = "soc_low"
    SOC_HIGH = "soc_high"
    CELL_VOLTAGE = "cell_voltage"
    CELL_VOLTAGE_UNKNOWN = "cell_voltage_unknown"
    CELL_TEMPERATURE = "cell_temperature"
    CELL_TEMPERATURE_UNKNOWN = "cell_temperature_unknown"
    PCC_IMPORT = "pcc_import"
    PCC_EXPORT = "pcc_export"
    DEMAND = "demand"
    DEMAND_UNKNOWN = "demand_unknown"
    ALARM = "alarm"
    RAMP = "ramp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Where the running quarter of an hour stands against the month's demand (需量)."""

    limit_w: int
    """The larger of the month's declared and already reached demand."""
    spent_w_ms: int
    """Imported in this quarter so far, watts times milliseconds."""
    left_ms: int
    """To the quarter's end, at least 1."""

    def rest_w(self, hold_ms: int) -> int:
        """The import that keeps the quarter's mean when held for its rest; no more than the limit beyond its end."""
        rest_w = max(0, self.limit_w * SLOT_MS - self.spent_w_ms) // self.left_ms
        return min(rest_w, self.limit_w) if hold_ms > self.left_ms else rest_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of a station when an order is made, and how long the order will stand."""

    sample: StationSample
    hold_ms: int
    """Until the next order, at least 1."""
    age_ms: int = 0
    """Since the sample was taken."""
    heartbeat_still_ms: int = 0
    """For how long the device's counter has shown the same number."""
    demand: Demand | None = None
    charge_share_bp: int = FULL_BP
    """What the standing alarms leave of the rated charging power (protocol 10.16.4)."""
    discharge_share_bp: int = FULL_BP

    @property
    def net_load_w(self) -> int:
        """What the connection takes beside the battery; below 0 where the site feeds out."""
        return self.sample.battery_power_w - self.sample.meter_power_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The order that stands, and for how long it has."""

    power_w: int
    elapsed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The set point that may be written, and the limits that cut it, in the order in which they were asked."""

    power_w: int
    reasons: tuple[Reason, ...] = ()
    unasked: tuple[Need, ...] = ()
    """Limits that were not asked, because the device does not measure what they need."""
    silent: bool = False
    """Nothing may be written: somebody else commands the device. `power_w` is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much a limit allows in each direction, and what it is called where it cuts."""

    charge_w: int
    discharge_w: int
    charge_reason: Reason
    discharge_reason: Reason
    unasked: Need | None = None


class Rule(Protocol):
    """A limit as a function of what is known."""

    def __call__(self, limits: Limits, now: Situation) -> Allowance:
        """What the limit allows for the next `now.hold_ms`."""
        ...


def answering(limits: Limits, now: Situation) -> Allowance:
    """Nothing when the sample is older than a station may be silent."""
    return _all_or_nothing(Reason.NO_MEASUREMENT, allowed=now.age_ms <= limits.silence_ms)


def heartbeat(limits: Limits, now: Situation) -> Allowance:
    """Nothing when the device's own counter stands still: what answers is then a gateway's memory."""
    if now.sample.heartbeat is None:
        return _missing(limits, Need.HEARTBEAT, Reason.HEARTBEAT_UNKNOWN)
    return _all_or_nothing(Reason.HEARTBEAT_STOPPED, allowed=now.heartbeat_still_ms <= limits.heartbeat_ms)


def readiness(limits: Limits, now: Situation) -> Allowance:
    """Nothing while the converter is off, faulty, or silent about its state though it has one."""
    state = now.sample.pcs_state
    if state is PcsState.UNKNOWN and now.sample.quality & Quality.NOT_IMPLEMENTED:
        return _missing(limits, Need.PCS_STATE, Reason.PCS_NOT_READY)
    ready = state not in (PcsState.UNKNOWN, PcsState.OFF, PcsState.FAULT)
    return _all_or_nothing(Reason.PCS_NOT_READY, allowed=ready)


def certainty(limits: Limits, now: Situation) -> Allowance:
    """Nothing while a measured value lies outside its stated range."""
    del limits
    return _all_or_nothing(Reason.MEASUREMENT_DOUBTFUL, allowed=not now.sample.quality & Quality.OUT_OF_RANGE)


def contactor(limits: Limits, now: Situation) -> Allowance:
    """Nothing while a main contactor of the battery is open."""
    if now.sample.contactor_closed is None:
        return _missing(limits, Need.CONTACTOR, Reason.CONTACTOR_UNKNOWN)
    return _all_or_nothing(Reason.CONTACTOR_OPEN, allowed=now.sample.contactor_closed)


def permission(limits: Limits, now: Situation) -> Allowance:
    """Each direction that the battery management allows."""
    charge, discharge = now.sample.bms_allows_charge, now.sample.bms_allows_discharge
    unknown = _missing(limits, Need.BMS_PERMISSION, Reason.BMS_UNKNOWN)
    return Allowance(
        charge_w=unknown.charge_w if charge is None else _UNBOUNDED_W if charge else 0,
        discharge_w=unknown.discharge_w if discharge is None else _UNBOUNDED_W if discharge else 0,
        charge_reason=Reason.BMS_UNKNOWN if charge is None else Reason.BMS_FORBIDS,
        discharge_reason=Reason.BMS_UNKNOWN if discharge is None else Reason.BMS_FORBIDS,
        unasked=unknown.unasked if charge is None or discharge is None else None,
    )


def rating(limits: Limits, now: Situation) -> Allowance:
    """The station's rated powers."""
    del now
    return Allowance(
        charge_w=limits.charge_power_w, discharge_w=limits.discharge_power_w,
        charge_reason=Reason.RATING, discharge_reason=Reason.RATING,
    )  # fmt: skip


def device(limits: Limits, now: Situation) -> Allowance:
    """What the device itself accepts now (battery management), where it states it."""
    sample = now.sample
    if not sample.states_limits:
        return _missing(limits, Need.DEVICE_LIMIT, Reason.DEVICE_LIMIT_UNKNOWN)
    return Allowance(
        charge_w=max(0, sample.charge_limit_w), discharge_w=max(0, sample.discharge_limit_w),
        charge_reason=Reason.DEVICE_LIMIT, discharge_reason=Reason.DEVICE_LIMIT,
    )  # fmt: skip


def soc_window(limits: Limits, now: Situation) -> Allowance:
    """As much as leaves the state of charge inside its window when the order is held until the next one.

    What the station can have moved at its rating since the sample was taken is counted against it.
    """
    charge_w_ms, discharge_w_ms = content_w_ms(limits, soc_bp=now.sample.soc_bp)
    return Allowance(
        discharge_w=max(0, discharge_w_ms - limits.discharge_power_w * now.age_ms) // now.hold_ms,
        charge_w=max(0, charge_w_ms - limits.charge_power_w * now.age_ms) // now.hold_ms,
        discharge_reason=Reason.SOC_LOW,
        charge_reason=Reason.SOC_HIGH,
    )


def cell_voltage(limits: Limits, now: Situation) -> Allowance:
    """The curves by cell voltage, at the lowest and the highest cell."""
    cells = (now.sample.cell_lowest_mv, now.sample.cell_highest_mv)
    return _tapered(
        limits, cells, charge=limits.charge_by_cell_mv, discharge=limits.discharge_by_cell_mv,
        need=Need.CELL_VOLTAGE, reason=Reason.CELL_VOLTAGE, unknown=Reason.CELL_VOLTAGE_UNKNOWN,
    )  # fmt: skip


def cell_temperature(limits: Limits, now: Situation) -> Allowance:
    """The curves by cell temperature, at the coldest and the hottest cell."""
    cells = (now.sample.cell_coldest_ddegc, now.sample.cell_hottest_ddegc)
    return _tapered(
        limits, cells, charge=limits.charge_by_cell_ddegc, discharge=limits.discharge_by_cell_ddegc,
        need=Need.CELL_TEMPERATURE, reason=Reason.CELL_TEMPERATURE, unknown=Reason.CELL_TEMPERATURE_UNKNOWN,
    )  # fmt: skip


def connection(limits: Limits, now: Situation) -> Allowance:
    """As much as keeps the connection inside its limits beside the load measured now (防逆流 included)."""
    return Allowance(
        charge_w=max(0, limits.pcc_import_w - now.net_load_w),
        discharge_w=max(0, limits.pcc_export_w + now.net_load_w),
        charge_reason=Reason.PCC_IMPORT,
        discharge_reason=Reason.PCC_EXPORT,
    )


def demand(limits: Limits, now: Situation) -> Allowance:
    """As much charging as keeps the quarter's mean import within the month's demand (需量) beside the load."""
    charge_w, reason = _UNBOUNDED_W, Reason.DEMAND
    if limits.demand_w is not None and now.demand is None:
        missing = _missing(limits, Need.DEMAND, Reason.DEMAND_UNKNOWN)
        return Allowance(
            charge_w=missing.charge_w, discharge_w=_UNBOUNDED_W, charge_reason=Reason.DEMAND_UNKNOWN,
            discharge_reason=Reason.DEMAND_UNKNOWN, unasked=missing.unasked,
        )  # fmt: skip
    if limits.demand_w is not None and now.demand is not None:
        charge_w = max(0, now.demand.rest_w(now.hold_ms) - now.net_load_w)
    return Allowance(charge_w=charge_w, discharge_w=_UNBOUNDED_W, charge_reason=reason, discharge_reason=reason)


def alarm(limits: Limits, now: Situation) -> Allowance:
    """What the standing alarms leave of the rated powers: half at a derate, nothing at a trip."""
    return Allowance(
        charge_w=_share_w(limits.charge_power_w, now.charge_share_bp),
        discharge_w=_share_w(limits.discharge_power_w, now.discharge_share_bp),
        charge_reason=Reason.ALARM, discharge_reason=Reason.ALARM,
    )  # fmt: skip


RULES: tuple[Rule, ...] = (
    answering, heartbeat, readiness, certainty, contactor, permission, rating, device, soc_window, cell_voltage,
    cell_temperature, connection, demand, alarm,
)  # fmt: skip
"""Every limit, asked in this order."""


OF_BATTERY: tuple[Rule, ...] = (
    answering, heartbeat, readiness, certainty, contactor, permission, soc_window, cell_voltage, cell_temperature,
    alarm,
)  # fmt: skip
"""The limits that are the battery's own, whatever a store beside it gives or takes."""


def battery_bound_w(limits: Limits, now: Situation | None) -> tuple[int, int]:
    """Charging and discharging power, magnitudes, that the battery's own limits leave it; nothing unseen. W."""
    if now is None:
        return 0, 0
    allowances = [rule(limits, now) for rule in OF_BATTERY]
    return min(one.charge_w for one in allowances), min(one.discharge_w for one in allowances)


def guard(
    wanted_w: int | None, *, limits: Limits, now: Situation | None, before: Before, rules: Sequence[Rule] = RULES
) -> Order:
    """The order that may be written; 0 W without a wish or a measurement, and none where others command."""
    if (taken := _taken_over(limits, now)) is not None:
        return Order(power_w=0, reasons=(taken,), silent=True)
    if now is None:
        return Order(power_w=0, reasons=(Reason.NO_MEASUREMENT,))
    reasons = [Reason.NO_SCHEDULE] if wanted_w is None else []
    aim_w = _ramped(wanted_w or 0, before, limits)
    if aim_w != (wanted_w or 0):
        reasons.append(Reason.RAMP)
    power_w, unasked = aim_w, [] if now.sample.remote is not None else [Need.CONTROL_MODE]
    for allowance in (rule(limits, now) for rule in rules):
        cut = max(-allowance.charge_w, min(allowance.discharge_w, aim_w))
        if cut != aim_w:
            reasons.append(allowance.discharge_reason if aim_w > 0 else allowance.charge_reason)
        if allowance.unasked is not None:
            unasked.append(allowance.unasked)
        power_w = max(-allowance.charge_w, min(allowance.discharge_w, power_w))
    return Order(power_w=power_w, reasons=tuple(dict.fromkeys(reasons)), unasked=tuple(unasked))


def content_w_ms(limits: Limits, *, soc_bp: int) -> tuple[int, int]:
    """How much charging and how much discharging, AC side, the SOC window still has room for. W·ms, at least 0."""
    above_wh_bp = max(0, soc_bp - limits.soc_min_bp) * limits.capacity_wh
    below_wh_bp = max(0, limits.soc_max_bp - soc_bp) * limits.capacity_wh
    return (
        below_wh_bp * PPM * _HOUR_MS // (FULL_BP * limits.eta_charge_ppm),
        above_wh_bp * limits.eta_discharge_ppm * _HOUR_MS // (FULL_BP * PPM),
    )


def sustained_w(limits: Limits, *, soc_bp: int, for_ms: int) -> tuple[int, int]:
    """Charging and discharging power, magnitudes, that rating and content bear for so long (F4, D5). W."""
    charge_w_ms, discharge_w_ms = content_w_ms(limits, soc_bp=soc_bp)
    return min(limits.charge_power_w, charge_w_ms // for_ms), min(limits.discharge_power_w, discharge_w_ms // for_ms)


def _taken_over(limits: Limits, now: Situation | None) -> Reason | None:
    """Who else commands the device: a hand, its switch on local, or, where it must tell, nobody knows who."""
    if now is not None and now.sample.manual:
        return Reason.MANUAL
    if now is not None and now.sample.remote is False:
        return Reason.LOCAL
    unknown = now is None or now.sample.remote is None
    return Reason.CONTROL_MODE_UNKNOWN if unknown and Need.CONTROL_MODE not in limits.may_miss else None


def _ramped(wanted_w: int, before: Before, limits: Limits) -> int:
    reach_w = limits.ramp_w_per_s * max(0, before.elapsed_ms) // 1_000
    return max(before.power_w - reach_w, min(before.power_w + reach_w, wanted_w))


def _tapered(
    limits: Limits, cells: tuple[int | None, int | None], *, charge: Curve, discharge: Curve, need: Need,
    reason: Reason, unknown: Reason,
) -> Allowance:  # fmt: skip
    known = [value for value in cells if value is not None]
    if not charge and not discharge:
        return _all_or_nothing(reason, allowed=True)
    if len(known) < len(cells) and need not in limits.may_miss:
        return _missing(limits, need, unknown)
    return Allowance(
        charge_w=_at_cells(charge, known, limits.charge_power_w),
        discharge_w=_at_cells(discharge, known, limits.discharge_power_w),
        charge_reason=reason,
        discharge_reason=reason,
        unasked=need if len(known) < len(cells) else None,
    )


def _at_cells(curve: Curve, cells: Sequence[int], rated_w: int) -> int:
    return min((allowed_w(curve, value, rated_w=rated_w) for value in cells if curve), default=_UNBOUNDED_W)


def _missing(limits: Limits, need: Need, reason: Reason) -> Allowance:
    """A limit that cannot be asked: unasked where the settings let it be, else nothing is allowed."""
    if need not in limits.may_miss:
        return _all_or_nothing(reason, allowed=False)
    return Allowance(
        charge_w=_UNBOUNDED_W, discharge_w=_UNBOUNDED_W, charge_reason=reason, discharge_reason=reason, unasked=need
    )


def _share_w(rated_w: int, share_bp: int) -> int:
    return _UNBOUNDED_W if share_bp >= FULL_BP else rated_w * share_bp // FULL_BP


def _all_or_nothing(reason: Reason, *, allowed: bool) -> Allowance:
    power_w = _UNBOUNDED_W if allowed else 0
    return Allowance(charge_w=power_w, discharge_w=power_w, charge_reason=reason, discharge_reason=reason)
