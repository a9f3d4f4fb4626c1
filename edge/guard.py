"""The guard (protocol 9): no set point leaves the box past a limit; pure, and it says which limits cut.

Each limit says how much charging and how much discharging it allows now, both magnitudes of at least 0. The order is
what the ramp lets become of the wish, cut by the narrowest limits: a limit always cuts towards 0, never past it, and
cuts at once, whatever the ramp. Powers in watts at the battery's AC side, positive discharging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from alliance.errors import Malformed
from edge.devices.station import PcsState, Quality, StationSample

_HOUR_MS = 3_600_000
_PPM = 1_000_000
_FULL_BP = 10_000
_UNBOUNDED_W = 1 << 62


class Reason(StrEnum):
    """Why an order is not the wish."""

    NO_SCHEDULE = "no_schedule"
    NO_MEASUREMENT = "no_measurement"
    MEASUREMENT_DOUBTFUL = "measurement_doubtful"
    PCS_NOT_READY = "pcs_not_ready"
    RATING = "rating"
    DEVICE_LIMIT = "device_limit"
    SOC_LOW = "soc_low"
    SOC_HIGH = "soc_high"
    PCC_IMPORT = "pcc_import"
    PCC_EXPORT = "pcc_export"
    RAMP = "ramp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a station may do. Powers and energy are magnitudes; efficiencies are of one way, AC to cells and back."""

    charge_power_w: int
    discharge_power_w: int
    capacity_wh: int
    soc_min_bp: int
    soc_max_bp: int
    pcc_import_w: int
    pcc_export_w: int
    ramp_w_per_s: int
    eta_charge_ppm: int = _PPM
    eta_discharge_ppm: int = _PPM

    def __post_init__(self) -> None:
        """Refuse limits that contradict themselves. Raises LimitsContradictory."""
        for name in ("charge_power_w", "discharge_power_w", "capacity_wh", "pcc_import_w", "pcc_export_w"):
            self._check(name, low=0)
        self._check("ramp_w_per_s", low=1)
        self._check("soc_min_bp", low=0, high=_FULL_BP)
        self._check("soc_max_bp", low=self.soc_min_bp, high=_FULL_BP)
        self._check("eta_charge_ppm", low=1, high=_PPM)
        self._check("eta_discharge_ppm", low=1, high=_PPM)

    def _check(self, field: str, *, low: int, high: int = 1 << 62) -> None:
        got: int = getattr(self, field)
        if not low <= got <= high:
            raise LimitsContradictory(field=field, low=low, high=high, got=got)


@dataclass(kw_only=True, eq=False)
class LimitsContradictory(Malformed):
    """A limit lies outside what it can be."""

    field: str
    low: int
    high: int
    got: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much a limit allows in each direction, and what it is called where it cuts."""

    charge_w: int
    discharge_w: int
    charge_reason: Reason
    discharge_reason: Reason


class Rule(Protocol):
    """A limit as a function of what is known."""

    def __call__(self, limits: Limits, sample: StationSample, hold_ms: int) -> Allowance:
        """What the limit allows for the next `hold_ms`."""
        ...


def readiness(limits: Limits, sample: StationSample, hold_ms: int) -> Allowance:
    """Nothing while the converter is off, faulty, or silent about its state though it has one."""
    del limits, hold_ms
    silent = sample.pcs_state is PcsState.UNKNOWN and not sample.quality & Quality.NOT_IMPLEMENTED
    ready = not silent and sample.pcs_state not in (PcsState.OFF, PcsState.FAULT)
    return _all_or_nothing(Reason.PCS_NOT_READY, allowed=ready)


def certainty(limits: Limits, sample: StationSample, hold_ms: int) -> Allowance:
    """Nothing while a measured value lies outside its stated range."""
    del limits, hold_ms
    return _all_or_nothing(Reason.MEASUREMENT_DOUBTFUL, allowed=not sample.quality & Quality.OUT_OF_RANGE)


def rating(limits: Limits, sample: StationSample, hold_ms: int) -> Allowance:
    """The station's rated powers."""
    del sample, hold_ms
    return Allowance(
        charge_w=limits.charge_power_w, discharge_w=limits.discharge_power_w,
        charge_reason=Reason.RATING, discharge_reason=Reason.RATING,
    )  # fmt: skip


def device(limits: Limits, sample: StationSample, hold_ms: int) -> Allowance:
    """What the device itself accepts now (battery management); a device that states nothing is not held to it."""
    del limits, hold_ms
    stated = bool(sample.charge_limit_w or sample.discharge_limit_w) or not sample.quality & Quality.NOT_IMPLEMENTED
    if not stated:
        return _all_or_nothing(Reason.DEVICE_LIMIT, allowed=True)
    return Allowance(
        charge_w=max(0, sample.charge_limit_w), discharge_w=max(0, sample.discharge_limit_w),
        charge_reason=Reason.DEVICE_LIMIT, discharge_reason=Reason.DEVICE_LIMIT,
    )  # fmt: skip


def soc_window(limits: Limits, sample: StationSample, hold_ms: int) -> Allowance:
    """As much as leaves the state of charge inside its window when the order is held until the next one."""
    above_wh_bp = max(0, sample.soc_bp - limits.soc_min_bp) * limits.capacity_wh
    below_wh_bp = max(0, limits.soc_max_bp - sample.soc_bp) * limits.capacity_wh
    return Allowance(
        discharge_w=above_wh_bp * limits.eta_discharge_ppm * _HOUR_MS // (_FULL_BP * _PPM * hold_ms),
        charge_w=below_wh_bp * _PPM * _HOUR_MS // (_FULL_BP * limits.eta_charge_ppm * hold_ms),
        discharge_reason=Reason.SOC_LOW,
        charge_reason=Reason.SOC_HIGH,
    )


def connection(limits: Limits, sample: StationSample, hold_ms: int) -> Allowance:
    """As much as keeps the connection inside its limits beside the load measured now (防逆流 included)."""
    del hold_ms
    net_load_w = sample.battery_power_w - sample.meter_power_w
    return Allowance(
        charge_w=max(0, limits.pcc_import_w - net_load_w),
        discharge_w=max(0, limits.pcc_export_w + net_load_w),
        charge_reason=Reason.PCC_IMPORT,
        discharge_reason=Reason.PCC_EXPORT,
    )


RULES: tuple[Rule, ...] = (readiness, certainty, rating, device, soc_window, connection)
"""Every limit, asked in this order."""


def guard(
    wanted_w: int | None, *, limits: Limits, sample: StationSample | None, before: Before, hold_ms: int,
    rules: Sequence[Rule] = RULES,
) -> Order:  # fmt: skip
    """The order that may be written for the next `hold_ms`; 0 W without a schedule or a measurement."""
    if sample is None:
        return Order(power_w=0, reasons=(Reason.NO_MEASUREMENT,))
    reasons = [Reason.NO_SCHEDULE] if wanted_w is None else []
    aim_w = _ramped(wanted_w or 0, before, limits)
    if aim_w != (wanted_w or 0):
        reasons.append(Reason.RAMP)
    power_w = aim_w
    for allowance in (rule(limits, sample, hold_ms) for rule in rules):
        cut = max(-allowance.charge_w, min(allowance.discharge_w, aim_w))
        if cut != aim_w:
            reasons.append(allowance.discharge_reason if aim_w > 0 else allowance.charge_reason)
        power_w = max(-allowance.charge_w, min(allowance.discharge_w, power_w))
    return Order(power_w=power_w, reasons=tuple(dict.fromkeys(reasons)))


def _ramped(wanted_w: int, before: Before, limits: Limits) -> int:
    reach_w = limits.ramp_w_per_s * max(0, before.elapsed_ms) // 1_000
    return max(before.power_w - reach_w, min(before.power_w + reach_w, wanted_w))


def _all_or_nothing(reason: Reason, *, allowed: bool) -> Allowance:
    power_w = _UNBOUNDED_W if allowed else 0
    return Allowance(charge_w=power_w, discharge_w=power_w, charge_reason=reason, discharge_reason=reason)
