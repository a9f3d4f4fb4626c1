"""The record of a plan's why: its cost once by what moves and once by what limits, each exact to the microcent (9.9).

A `Term` is one slot's part of a sum, exactly; a `Line` is a run of slots, in whole microcents. Amounts are costs: what
brings money in is negative. Settled plans and fleets have the same record.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from fractions import Fraction
from typing import Any

from alliance.schedule import PlainWrong, unwrap


class What(StrEnum):
    """What moves energy or money, or what limits a plan."""

    LOAD = "load"
    """Net load behind a PCC, at the certified price there."""
    BASE_LOAD = "base_load"
    """Load of a region outside its stations."""
    CHARGE = "charge"
    DISCHARGE = "discharge"
    CURTAILED = "curtailed"
    WEAR = "wear"
    HOLDING = "holding"
    """What content costs by how far and how long it is from its holding steps."""
    RESERVE_PAID = "reserve_paid"
    RESERVE_SHORT = "reserve_short"
    """What a region's reserve lacks, at the price at which its requirement gives way."""
    TIE_FLOW = "tie_flow"
    CUT = "cut"
    """Load that a region cuts: its price less what serving it would have cost at the certified price."""
    TARIFF = "tariff"
    """The bill beyond the flows at the certified prices: 0 where those are the tariff's own."""
    START = "start"
    """What is stored when the horizon begins."""
    HANDOVER = "handover"
    """What passes between owner and lessee when a lease begins or ends."""
    RATING = "rating"
    NOMINATION = "nomination"
    LEASED_POWER = "leased_power"
    """Power that leases leave the owner."""
    LEASED_CONTENT = "leased_content"
    """Content, or room for it, that leases leave the owner."""
    PCC_IMPORT = "pcc_import"
    PCC_EXPORT = "pcc_export"
    LEAST_CONTENT = "least_content"
    OWN_NEED_FLOOR = "own_need_floor"
    END_ENERGY = "end_energy"
    MOST_CONTENT = "most_content"
    CURTAILABLE = "curtailable"
    RESERVE_POWER = "reserve_power"
    RESERVE_ENERGY = "reserve_energy"
    RESERVE_MOST = "reserve_most"
    REQUIREMENT = "requirement"
    IMPORT_LIMIT = "import_limit"
    EXPORT_LIMIT = "export_limit"
    CUT_MOST = "cut_most"
    """Load that a region may cut."""
    TIE_LIMIT = "tie_limit"
    TIE_STEP = "tie_step"
    """Where the losses of a tie rise; its number stands where a lease's does."""
    EXCHANGE = "exchange"
    """Boxes of a billing group's flows, which only coarse duals touch."""
    GAP = "gap"
    """What the plan costs above its lower bound."""


POWERS = frozenset({What.RATING, What.PCC_IMPORT, What.PCC_EXPORT, What.IMPORT_LIMIT, What.EXPORT_LIMIT,
                    What.CUT_MOST, What.TIE_LIMIT, What.TIE_STEP, What.REQUIREMENT, What.RESERVE_POWER,
                    What.RESERVE_MOST, What.LEASED_POWER})  # fmt: skip
"""Limits of a power: their worth is told for 1 kW more; that of the others, for 1 kWh more in each slot."""
FACTS = frozenset({What.LOAD, What.BASE_LOAD, What.START, What.HANDOVER, What.NOMINATION, What.GAP, What.EXCHANGE,
                   What.HOLDING})  # fmt: skip
"""Lines of the second sum that are no limits."""

Place = tuple[What, int, int]
"""What; the station, group, region or tie (a fleet's by index); the lease or reserve (0 if none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One slot's part of a sum: amount and worth over `unit`."""

    place: Place
    slot: int
    unit: int
    amount: int
    """Microcents."""
    energy_wh: int = 0
    """What moved, or the limit."""
    worth: int | Fraction = 0
    """Microcents that the bound rises by for each Wh more of the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A run of slots without a hole in which something moves or limits."""

    what: What
    place: int
    lease: int
    first: int
    """Slot of the horizon, from 0."""
    last: int
    energy_wh: int
    """Moved in the run; of a limit, its mean, rounded down."""
    amount_microcents: int
    """Cost; what brings money in is negative."""
    worth_microcents: int
    """What the plan's bound rises by if the limit were 1 kW (or 1 kWh, see POWERS) higher throughout the run, rounded
    half away from zero. No such plan can save more than that and the gap. 0 for what is no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Two sums of the same cost. The limits' includes the gap; without it they are the lower bound."""

    objective_microcents: int
    lower_bound_microcents: int
    flows: tuple[Line, ...]
    limits: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """All terms of a certificate: what both of a record's sums must be made of."""

    slot_s: int
    objective_microcents: int
    lower_bound_microcents: int
    flows: tuple[Term, ...]
    """Those that move something or cost something."""
    limits: tuple[Term, ...]
    """Those with an amount or a worth."""


def why(sums: Sums) -> Why:
    """The record of a certificate's terms (`day.sums_of`, `fleet.sums_of`)."""
    gap = Line(
        what=What.GAP, place=0, lease=0, first=0, last=0, energy_wh=0, worth_microcents=0,
        amount_microcents=sums.objective_microcents - sums.lower_bound_microcents,
    )  # fmt: skip
    return Why(
        objective_microcents=sums.objective_microcents,
        lower_bound_microcents=sums.lower_bound_microcents,
        flows=tuple(_lines(sums.flows, sums.objective_microcents, sums.slot_s)),
        limits=(*_lines(sums.limits, sums.lower_bound_microcents, sums.slot_s), gap),
    )


def runs_of(terms: Iterable[Term]) -> list[list[Term]]:
    """Terms of each place in runs of slots, by place and slot; terms of one place and slot side by side."""
    by_place: dict[Place, list[Term]] = defaultdict(list)
    for term in terms:
        by_place[term.place].append(term)
    runs: list[list[Term]] = []
    for place in sorted(by_place):
        run: list[Term] = []
        for term in sorted(by_place[place], key=lambda t: t.slot):
            if run and term.slot > run[-1].slot + 1:
                runs.append(run)
                run = []
            run.append(term)
        runs.append(run)
    return runs


def split(exact: Sequence[Fraction], total: int) -> list[int]:
    """Whole parts that sum to a total: each rounded down, what is left one each by larger remainder, then by order."""
    found = [value.numerator // value.denominator for value in exact]
    left = total - sum(found)
    rests = [whole - value for whole, value in zip(found, exact, strict=True)]
    for i in sorted(range(len(exact)), key=lambda i: (rests[i], i))[:left]:
        found[i] += 1
    return found


def in_cents(lines: Sequence[Line], total_microcents: int) -> list[int]:
    """The lines' amounts in cents, which sum to the total's cents (rounded half away from zero)."""
    exact = [Fraction(line.amount_microcents, 10**6) for line in lines]
    return split(exact, _half_away(Fraction(total_microcents, 10**6)))


def worth_for(what: What, worth: Fraction, slot_s: int) -> int:
    """Microcents for 1 kW or 1 kWh more of a limit that is worth so many microcents a Wh and slot."""
    return _half_away(worth * (Fraction(1000 * slot_s, 3600) if what in POWERS else 1000))


def limit_wh(run: Sequence[Term]) -> int:
    """What stands as a run's energy: the sum of what moved, or of a limit the mean over its slots, rounded down."""
    of_slots = {t.slot: t.energy_wh for t in run}
    total = sum(of_slots.values())
    return total // len(of_slots) if any(t.worth for t in run) else total


def _lines(terms: Sequence[Term], total: int, slot_s: int) -> list[Line]:
    runs = runs_of(terms)
    exact = [Fraction(sum(t.amount for t in run), run[0].unit) for run in runs]
    return [
        Line(
            what=run[0].place[0], place=run[0].place[1], lease=run[0].place[2],
            first=run[0].slot, last=run[-1].slot,
            energy_wh=limit_wh(run), amount_microcents=amount,
            worth_microcents=worth_for(run[0].place[0], Fraction(sum(t.worth for t in run)) / run[0].unit, slot_s),
        )
        for run, amount in zip(runs, split(exact, total), strict=True)
    ]  # fmt: skip


def _half_away(value: Fraction) -> int:
    size = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return size if value >= 0 else -size


# Plain form

_MONEY = ("amount_microcents", "worth_microcents")
_NUMBERS = ("place", "lease", "first", "last", "energy_wh")


def why_to_plain(record: Why) -> dict[str, object]:
    """The plain form {"v": 1, "why": …}; money is decimal texts, a line is a list in `Line`'s order."""
    inner = {
        "objectiveMicrocents": str(record.objective_microcents),
        "lowerBoundMicrocents": str(record.lower_bound_microcents),
        "flows": [_line_to_plain(line) for line in record.flows],
        "limits": [_line_to_plain(line) for line in record.limits],
    }
    return {"v": 1, "why": inner}


def why_from_plain(plain: object) -> Why:
    """Read `why_to_plain`'s form, strictly. Raises PlainWrong."""
    inner = unwrap(plain, name="why")
    names = {"objectiveMicrocents", "lowerBoundMicrocents", "flows", "limits"}
    if not isinstance(inner, dict) or set(inner) != names:
        raise PlainWrong(where="why", want="fields " + ", ".join(sorted(names)), got=repr(inner)[:80])
    return Why(
        objective_microcents=_money(inner["objectiveMicrocents"], "objectiveMicrocents"),
        lower_bound_microcents=_money(inner["lowerBoundMicrocents"], "lowerBoundMicrocents"),
        flows=_lines_from_plain(inner["flows"], "flows"),
        limits=_lines_from_plain(inner["limits"], "limits"),
    )


def _line_to_plain(line: Line) -> list[object]:
    values = {f.name: getattr(line, f.name) for f in fields(Line)}
    return [value if name in _NUMBERS else str(value) for name, value in values.items()]


def _lines_from_plain(plain: object, where: str) -> tuple[Line, ...]:
    if not isinstance(plain, list):
        raise PlainWrong(where=where, want="list", got=repr(plain)[:80])
    return tuple(_line_from_plain(line, f"{where}[{i}]") for i, line in enumerate(plain))


def _line_from_plain(plain: object, where: str) -> Line:
    names = [f.name for f in fields(Line)]
    if not isinstance(plain, list) or len(plain) != len(names):
        raise PlainWrong(where=where, want=f"{len(names)} values", got=repr(plain)[:80])
    values: dict[str, Any] = dict(zip(names, plain, strict=True))
    if values["what"] not in [w.value for w in What]:
        raise PlainWrong(where=where, want="one of " + ", ".join(What), got=repr(values["what"])[:80])
    for name in _NUMBERS:
        if type(values[name]) is not int:
            raise PlainWrong(where=f"{where}.{name}", want="int", got=repr(values[name])[:80])
    money = {name: _money(values[name], f"{where}.{name}") for name in _MONEY}
    return Line(**values | money | {"what": What(values["what"])})


def _money(text: object, where: str) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"-?(0|[1-9][0-9]{0,59})", text, re.ASCII):
        raise PlainWrong(where=where, want="a decimal text", got=repr(text)[:80])
    return int(text)
