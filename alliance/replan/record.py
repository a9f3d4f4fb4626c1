"""The record of a re-plan within the day: its values, its plain form, its digest (protocol 9.12)."""

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum

from alliance.fleetplan import FleetPlan
from alliance.fleetproof import FleetCertificate, certificate_from_plain, certificate_to_plain
from alliance.schedule import PlainWrong, from_plain, later, to_plain, unwrap

Series = tuple[int, ...]
Table = tuple[Series, ...]
UNHELD_PRICE = 1_000_000
"""Usual price of a reserve not held: 10 yuan a kW and hour, a tenth of what load not served costs."""


class Stale(StrEnum):
    """What is done with a station whose measurement is too old or missing."""

    REFUSE = "refuse"
    HOLD = "hold"
    """It is counted on for what the plan in force orders, no more and no less."""
    ZERO = "zero"
    """Its battery is counted on for nothing."""


class Use(StrEnum):
    """How a station entered a re-plan."""

    MEASURED = "measured"
    HELD = "held"
    ZERO = "zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredState:
    """What was measured at a station."""

    station: int
    """Its place in the problem, from 0."""
    measured_ms: int
    """UTC milliseconds."""
    energy_wh: int
    charge_w: int | None
    """Power that it can charge with now, at most; null as rated, 0 if it tripped."""
    discharge_w: int | None
    net_load_wh: Series
    """New forecast of load − PV for each period of the new horizon; empty: as planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanTerms:
    """How a cycle is planned."""

    begins_ms: int
    """When the horizon of the plan in force begins, UTC milliseconds."""
    issued_ms: int
    """Now. The new horizon begins with the first period that begins no earlier."""
    most_age_ms: int
    """A measurement further than this from now, to either side, is stale."""
    stale: Stale
    periods: int
    """Length of a receding horizon; 0: all that remains."""
    deviation_price: int | None
    """Cents for each MWh that a region's exchange leaves the plan's; null: the plan binds nobody."""
    end_slack_ppm: int
    """Share of the capacity by which the end rule may give way so that the old plan can be kept."""
    unserved_price: int
    """Cents for each MWh not served or not taken, where `relieved`."""
    relieved: bool
    """Whether regions may fail to serve load, to take surplus or to hold reserves: only where there is no other way."""
    unheld_price: int = later(UNHELD_PRICE)
    """Cents for each MW and hour of a reserve not held, where `relieved` and the reserve has no such price itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedState:
    """How a station's state was used."""

    station: int
    use: Use
    age_ms: int | None
    """Of its measurement when the cycle was issued; null if there is none."""
    start_wh: int
    """Content when the new horizon begins: measured, then carried along the plan in force."""
    held_wh: Series
    """What a held station is counted on for, discharge positive; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A station's least content that is out of reach: its worst period, from 0 in the new horizon."""

    station: int
    period: int
    missing_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedLease:
    """How a lease entered a re-plan."""

    lease: int
    account_wh: int
    """What its orders in force made of its account when the new horizon begins: whole Wh, …"""
    account_parts: int
    """… and parts of 1 / (10⁶·eta_d_ppm) Wh."""
    held_wh: Series
    """What it orders where its station is held, as part of the station's flow; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseLowered:
    """By how much a lease gave way in a re-plan; 0 where it did not."""

    lease: int
    account_wh: int
    """Of its account, what the station does not hold: out of use in this cycle."""
    room_wh: int
    """Of the room in its account, what the owner's content takes: the station holds more than was planned."""
    charge_wh: int
    """Of its share of power, a period, as `discharge_wh`."""
    discharge_wh: int
    end_min_wh: int
    """Of its end rule, which its orders cannot reach."""
    period: int
    """Of a firm lease, where its order gave way most, from 0 in the new horizon; …"""
    order_wh: int
    """… and by how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """All that a re-plan was made from; [region][period] in tables, periods of the new horizon."""

    base_digest: str
    """Of the day-ahead plan's certificate (`plan_digest`)."""
    after_digest: str | None
    """Of the cycle before, if there was one (`replan_digest`)."""
    terms: ReplanTerms
    states: tuple[MeasuredState, ...]
    first: int
    """The day-ahead plan's period with which the new horizon begins."""
    regions: int
    """How many regions the day-ahead problem has; those behind them are valves."""
    used: tuple[UsedState, ...]
    lowered: tuple[Lowered, ...]
    position_wh: Table
    """What the day-ahead plan takes from the grid; zeros if leaving it has no price."""
    promised_wh: Table
    """What the plan in force takes from the grid."""
    site_unserved_wh: Table
    """Load behind stations' PCCs that their rights and batteries cannot carry."""
    site_spilled_wh: Table
    kept: FleetPlan
    """The old plan on the new problem: its orders moved no further than each period's limits make them."""
    leases: tuple[UsedLease, ...] = later(())
    """All leases, in the problem's order."""
    leases_lowered: tuple[LeaseLowered, ...] = later(())
    """Those that gave way."""

    @property
    def relief_from(self) -> int:
        """The first region that is a relief; those before it, behind the plan's own, are positions' valves."""
        return self.regions * (1 if self.terms.deviation_price is None else 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What a re-plan leaves open, Wh, [region][period]."""

    taken_more_wh: Table
    """More from the grid (or less to it) than the plan in force said: imbalance."""
    unserved_wh: Table
    """Load that is not served."""
    spilled_wh: Table
    """Surplus that nothing can take."""
    unheld_wh: tuple[Table, ...] = later(())
    """[reserve][region][period]: what is missing of each requirement; empty if the fleet has no reserves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replan:
    """The record of one cycle."""

    cycle: Cycle
    kept_cost_microcents: int | None
    """What keeping the old plan would cost; null where it cannot be kept."""
    kept_breaks: str
    """The first limit that keeping the old plan would break, or empty."""
    new_cost_microcents: int
    saved_microcents: int | None
    """Kept less new, never below 0; null where the old plan cannot be kept."""
    shortage: Shortage
    certificate: FleetCertificate


def replan_to_plain(record: Replan) -> dict[str, object]:
    """The plain form {"v": 1, "replan": …}; costs are decimal texts, the certificate is as in 9.7."""
    costs = {key: _text(getattr(record, name)) for name, key in _COSTS.items()}
    return {
        "v": 1,
        "replan": costs
        | {
            "cycle": to_plain(record.cycle),
            "keptBreaks": record.kept_breaks,
            "shortage": to_plain(record.shortage),
            "certificate": certificate_to_plain(record.certificate)["fleetCertificate"],
        },
    }


def replan_from_plain(plain: object) -> Replan:
    """Read `replan_to_plain`'s form, strictly. Raises PlainWrong or FieldWrong."""
    inner = unwrap(plain, name="replan")
    names = {"cycle", "keptBreaks", "shortage", "certificate", *_COSTS.values()}
    if not isinstance(inner, dict) or set(inner) != names:
        got = ", ".join(sorted(map(str, inner))) if isinstance(inner, dict) else repr(inner)
        raise PlainWrong(where="replan", want="fields " + ", ".join(sorted(names)), got=got[:200])
    kept, new, saved = (_cost(inner[key], key) for key in _COSTS.values())
    if new is None:
        raise PlainWrong(where="newCostMicrocents", want="a decimal text", got="null")
    return Replan(
        cycle=from_plain(Cycle, inner["cycle"], where="cycle"),
        kept_cost_microcents=kept,
        kept_breaks=from_plain(str, inner["keptBreaks"], where="keptBreaks"),
        new_cost_microcents=new,
        saved_microcents=saved,
        shortage=from_plain(Shortage, inner["shortage"], where="shortage"),
        certificate=certificate_from_plain({"v": 1, "fleetCertificate": inner["certificate"]}),
    )


def replan_digest(record: Replan) -> str:
    """SHA-256 of a record's plain form as JSON with sorted names and no spaces, hex."""
    return _digest(replan_to_plain(record))


def plan_digest(certificate: FleetCertificate) -> str:
    """SHA-256 of a certificate's plain form, likewise."""
    return _digest(certificate_to_plain(certificate))


_COSTS = {
    "kept_cost_microcents": "keptCostMicrocents",
    "new_cost_microcents": "newCostMicrocents",
    "saved_microcents": "savedMicrocents",
}


def _digest(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _text(cost: int | None) -> str | None:
    return None if cost is None else str(cost)


def _cost(text: object, name: str) -> int | None:
    if text is None:
        return None
    if not isinstance(text, str) or not re.fullmatch(r"-?(0|[1-9][0-9]{0,59})", text, re.ASCII):
        raise PlainWrong(where=name, want="a decimal text or null", got=repr(text)[:80])
    return int(text)
