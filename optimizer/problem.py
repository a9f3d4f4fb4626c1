"""What the planner is given, and the one place where its signs and units change (protocol 9.1).

A `Problem` holds integers in watt-hours a slot, discharge and export positive, load positive where it consumes. The
model holds kilowatt-hours as floats, with charge and discharge, import and export apart and never negative.
"""

from alliance.schedule import (
    BadInput,
    GroupTariff,
    NominationRefused,
    Part,
    Problem,
    Share,
    Site,
    from_plain,
    parts,
    unwrap,
)
from alliance.schedule import to_plain as _plain_of

__all__ = [
    "BadInput",
    "GroupTariff",
    "NominationRefused",
    "Part",
    "Problem",
    "Share",
    "Site",
    "cents_per_kwh",
    "charge_wh",
    "discharge_wh",
    "flow_wh",
    "kwh",
    "parts",
    "problem_from_plain",
    "problem_to_plain",
    "wh",
]

WH_PER_KWH = 1000


def problem_to_plain(problem: Problem) -> dict[str, object]:
    """The canonical plain form: maps, lists, integers, texts and bytes only."""
    return {"v": 1, "problem": _plain_of(problem)}


def problem_from_plain(plain: object) -> Problem:
    """Read `problem_to_plain`'s form, strictly. Raises PlainWrong, BadInput or NominationRefused."""
    return from_plain(Problem, unwrap(plain, name="problem"), where="problem")


def charge_wh(flow_wh: int) -> int:
    """What a flow (discharge positive) charges."""
    return max(0, -flow_wh)


def discharge_wh(flow_wh: int) -> int:
    """What a flow (discharge positive) discharges."""
    return max(0, flow_wh)


def flow_wh(charge_kwh: float, discharge_kwh: float) -> float:
    """The flow in Wh, discharge positive, of a model's charge and discharge."""
    return (discharge_kwh - charge_kwh) * WH_PER_KWH


def kwh(energy_wh: int) -> float:
    """Watt-hours of a problem in the model's unit."""
    return energy_wh / WH_PER_KWH


def wh(energy_kwh: float) -> float:
    """The model's kilowatt-hours in watt-hours, not rounded."""
    return energy_kwh * WH_PER_KWH


def cents_per_kwh(price_cents_per_mwh: int) -> float:
    """A price in the model's unit."""
    return price_cents_per_mwh / 1000
