"""What a station may do, as its owner states it (protocol 9.13): ratings, windows, curves, and what may go unmeasured.

A curve is a list of (value, share) in ascending values: the share of the rated power, in basis points, that is allowed
at that value, straight lines between, level beyond its ends. It rises, then falls: so its least share over a battery's
cells is that of the lowest or of the highest cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from alliance.errors import Malformed

PPM = 1_000_000
FULL_BP = 10_000
MOST = 1 << 62

Curve = tuple[tuple[int, int], ...]
"""(value, share_bp) in ascending values; empty: no such limit."""


class Need(StrEnum):
    """Measurements without which a limit cannot be asked."""

    CELL_VOLTAGE = "cell_voltage"
    CELL_TEMPERATURE = "cell_temperature"
    BMS_PERMISSION = "bms_permission"
    CONTACTOR = "contactor"
    HEARTBEAT = "heartbeat"
    CONTROL_MODE = "control_mode"
    DEVICE_LIMIT = "device_limit"
    PCS_STATE = "pcs_state"
    DEMAND = "demand"


@dataclass(kw_only=True, eq=False)
class LimitsContradictory(Malformed):
    """A limit lies outside what it can be."""

    field: str
    low: int
    high: int
    got: int


@dataclass(kw_only=True, eq=False)
class CurveMalformed(Malformed):
    """A curve's values do not ascend, a share is none, or its shares fall and rise again."""

    field: str
    at: int
    """Number of the point, from 0."""
    problem: str


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
    eta_charge_ppm: int = PPM
    eta_discharge_ppm: int = PPM
    charge_by_cell_mv: Curve = ()
    """Share of the rated charging power by cell voltage; asked of the lowest and of the highest cell."""
    discharge_by_cell_mv: Curve = ()
    charge_by_cell_ddegc: Curve = ()
    """Share of the rated charging power by cell temperature, tenths of a degree Celsius."""
    discharge_by_cell_ddegc: Curve = ()
    demand_w: int | None = None
    """The month's declared demand (申报需量) of the connection; None: not billed by demand."""
    silence_ms: int = 0
    """For how long a station that no longer answers is driven by its last sample."""
    heartbeat_ms: int = 30_000
    """For how long the device's own counter may stand still."""
    may_miss: tuple[Need, ...] = (
        Need.BMS_PERMISSION, Need.CONTACTOR, Need.HEARTBEAT, Need.CONTROL_MODE, Need.DEVICE_LIMIT,
        Need.PCS_STATE,
    )  # fmt: skip
    """Limits that stay unasked where their measurement is missing; without any other one nothing is allowed."""

    def __post_init__(self) -> None:
        """Refuse limits that contradict themselves. Raises LimitsContradictory or CurveMalformed."""
        for name in ("charge_power_w", "discharge_power_w", "capacity_wh", "pcc_import_w", "pcc_export_w"):
            self._check(name, low=0)
        self._check("ramp_w_per_s", low=1)
        self._check("soc_min_bp", low=0, high=FULL_BP)
        self._check("soc_max_bp", low=self.soc_min_bp, high=FULL_BP)
        self._check("eta_charge_ppm", low=1, high=PPM)
        self._check("eta_discharge_ppm", low=1, high=PPM)
        self._check("silence_ms", low=0)
        self._check("heartbeat_ms", low=1)
        if self.demand_w is not None:
            self._check("demand_w", low=0)
        for name in CURVES:
            check_curve(getattr(self, name), field=name)

    def _check(self, field: str, *, low: int, high: int = MOST) -> None:
        got: int = getattr(self, field)
        if not low <= got <= high:
            raise LimitsContradictory(field=field, low=low, high=high, got=got)


CURVES = ("charge_by_cell_mv", "discharge_by_cell_mv", "charge_by_cell_ddegc", "discharge_by_cell_ddegc")


def check_curve(curve: Curve, *, field: str) -> None:
    """Refuse what is no curve. Raises CurveMalformed."""
    falling = False
    for at, (value, share_bp) in enumerate(curve):
        if not 0 <= share_bp <= FULL_BP:
            raise CurveMalformed(field=field, at=at, problem=f"share {share_bp} is not in 0…{FULL_BP}")
        if at == 0:
            continue
        before, share_before_bp = curve[at - 1]
        if value <= before:
            raise CurveMalformed(field=field, at=at, problem=f"value {value} does not exceed {before}")
        if share_bp > share_before_bp and falling:
            raise CurveMalformed(field=field, at=at, problem="shares fall and rise again")
        falling = falling or share_bp < share_before_bp


def allowed_w(curve: Curve, value: int, *, rated_w: int) -> int:
    """What a curve allows of a rated power at a value, rounded down. W."""
    low = _last_at_most(curve, value)
    if low is None:
        return rated_w * curve[0][1] // FULL_BP
    if low == len(curve) - 1:
        return rated_w * curve[-1][1] // FULL_BP
    (a, share_a), (b, share_b) = curve[low], curve[low + 1]
    return rated_w * (share_a * (b - value) + share_b * (value - a)) // ((b - a) * FULL_BP)


def _last_at_most(curve: Sequence[tuple[int, int]], value: int) -> int | None:
    found = [number for number, (at, _) in enumerate(curve) if at <= value]
    return found[-1] if found else None
