"""What a station can give for a while, from its last measured state (protocol 9.8.2): power, state of charge, PCC.

up = min(P, (SOC − min)·E·ηd/T), down = min(P, (max − SOC)·E/(ηc·T)), each from where the battery and the PCC stand now.
"""

from dataclasses import dataclass

from alliance.identity import StationId
from alliance.instruction import MOST_POWER_W, Bound, InstructionWrong, Offer

FULL_BP = 10_000
PPM = 1_000_000
SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class StationState:
    """A station's ratings and what was measured last; powers are magnitudes but where a sign is said."""

    station: StationId
    charge_power_w: int
    discharge_power_w: int
    capacity_wh: int
    soc_min_bp: int
    """Window or own need, whichever is higher."""
    soc_max_bp: int
    eta_c_ppm: int
    eta_d_ppm: int
    pcc_import_w: int
    pcc_export_w: int
    t_ms: int
    """When it was measured, UTC milliseconds."""
    soc_bp: int
    battery_power_w: int
    """Discharging is positive."""
    power_w: int
    """At the PCC, export positive."""

    def __post_init__(self) -> None:
        for field, high in (
            ("charge_power_w", MOST_POWER_W), ("discharge_power_w", MOST_POWER_W), ("capacity_wh", MOST_POWER_W),
            ("pcc_import_w", MOST_POWER_W), ("pcc_export_w", MOST_POWER_W), ("soc_min_bp", FULL_BP),
            ("soc_max_bp", FULL_BP), ("soc_bp", FULL_BP),
        ):  # fmt: skip
            self._within(field, 0, high)
        self._within("eta_c_ppm", 1, PPM)
        self._within("eta_d_ppm", 1, PPM)
        self._within("battery_power_w", -MOST_POWER_W, MOST_POWER_W)
        self._within("power_w", -MOST_POWER_W, MOST_POWER_W)

    def _within(self, field: str, low: int, high: int) -> None:
        value = getattr(self, field)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InstructionWrong(station=self.station, field=field, got=str(value)[:40], limit=f"{low}…{high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an offer takes from its station's owner and from history."""

    weight: int = 1
    price: int = 0
    last_turn: int = 0


def offer_of(
    state: StationState, *, issued_ms: int, duration_s: int, stale_after_ms: int, terms: Terms | None = None
) -> Offer:
    """What a station offers for `duration_s`; nothing where its state is further from now than the limit."""
    terms = terms or Terms()
    if abs(issued_ms - state.t_ms) > stale_after_ms:
        return no_offer(state.station, Bound.STALE, terms)
    up_w, up_by = _least(_up(state, duration_s))
    down_w, down_by = _least(_down(state, duration_s))
    return Offer(
        station=state.station, cap_up_w=up_w, cap_up_by=up_by, cap_down_w=down_w, cap_down_by=down_by,
        weight=terms.weight, price=terms.price, last_turn=terms.last_turn,
    )  # fmt: skip


def no_offer(station: StationId, why: Bound, terms: Terms | None = None) -> Offer:
    """The row of a station that is excluded, so that everybody sees it and why."""
    terms = terms or Terms()
    return Offer(
        station=station, cap_up_w=0, cap_up_by=why, cap_down_w=0, cap_down_by=why,
        weight=terms.weight, price=terms.price, last_turn=terms.last_turn,
    )  # fmt: skip


def _up(state: StationState, duration_s: int) -> dict[Bound, int]:
    content = (state.soc_bp - state.soc_min_bp) * state.capacity_wh * state.eta_d_ppm * SECONDS_AN_HOUR
    return {
        Bound.POWER: state.discharge_power_w - state.battery_power_w,
        Bound.SOC: content // (FULL_BP * PPM * duration_s) - state.battery_power_w,
        Bound.PCC: state.pcc_export_w - state.power_w,
    }


def _down(state: StationState, duration_s: int) -> dict[Bound, int]:
    room = (state.soc_max_bp - state.soc_bp) * state.capacity_wh * PPM * SECONDS_AN_HOUR
    return {
        Bound.POWER: state.charge_power_w + state.battery_power_w,
        Bound.SOC: room // (FULL_BP * state.eta_c_ppm * duration_s) + state.battery_power_w,
        Bound.PCC: state.pcc_import_w + state.power_w,
    }


def _least(limits: dict[Bound, int]) -> tuple[int, Bound]:
    """The tightest limit, not below 0 nor above what a cap may be; of equal ones the first."""
    by = min(limits, key=lambda bound: limits[bound])
    return min(MOST_POWER_W, max(0, limits[by])), by
