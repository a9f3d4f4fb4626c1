"""The certificate of a plan: feasible, and within a stated gap of the best possible (protocol 9).

Anyone can check it without a solver. The rows of the linear programme are rebuilt from the problem, and any numbers y
taken as their prices bound its optimum from below (weak duality): for min c·x, A x ⋛ b, l ≤ x ≤ u,

    c·x  ≥  y·b + Σ_j min(r_j l_j, r_j u_j),   r = c − Aᵀy,   y ≥ 0 for ≥ rows, y ≤ 0 for ≤ rows.

A number of the wrong sign counts as 0, and every box is finite; so each rounded dual gives a valid bound, only a weaker
one. Money is in microcents here: 1 Wh at 1 cent/MWh.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from alliance.errors import Malformed, Refused
from alliance.identity import GroupId, LeaseId, MemberId, StationId
from alliance.schedule import (
    GainRow,
    Part,
    Problem,
    Schedule,
    ScheduleKind,
    ScheduleRow,
    from_plain,
    parts,
    to_plain,
    unwrap,
)
from alliance.schedule import (
    check as check_schedule,
)
from alliance.tariff import TariffSlot

MICRO = 1_000_000
BALANCED_WH = 1_000
"""A difference of so much or less comes from rounding and counts as balanced (protocol 8.5.1)."""

Name = tuple[str, int, int, int]
"""Of a column or row: its kind, the group or station, the lease (0: the owner, or none), the slot of the horizon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A problem, the schedule made from it, and the rounded duals that prove how good it is."""

    problem: Problem
    schedule: Schedule
    denominator: int
    """Duals are integers over this, cents per MWh of the row."""
    duals: tuple[int, ...]
    """One for each row of `program(problem)`, in its order."""
    apart: tuple[tuple[MemberId, tuple[int, ...]], ...]
    """For each member the duals of `program(problem, member=…)`; only of a day-ahead plan."""
    objective_microcents: int
    lower_bound_microcents: int
    gap_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a checked certificate proves: the plan keeps every limit, and no plan costs less than the lower bound."""

    objective_microcents: int
    lower_bound_microcents: int
    gap_ppm: int
    apart_cost_cents: tuple[tuple[MemberId, int], ...]
    rows: int
    columns: int


class Sense(IntEnum):
    """How a row's activity relates to its right-hand side."""

    AT_MOST = -1
    EQUAL = 0
    AT_LEAST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Σ coefficient · column  (≤, =, ≥)  right-hand side, both sides over `scale`, a power of ten."""

    name: Name
    terms: tuple[tuple[int, int], ...]
    """(column, coefficient)."""
    sense: Sense
    right: int
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A linear programme in integers: costs in microcents a Wh, boxes in Wh."""

    names: tuple[Name, ...]
    costs: tuple[int, ...]
    boxes: tuple[tuple[int, int], ...]
    rows: tuple[Row, ...]


@dataclass(kw_only=True, eq=False)
class DualsMiscounted(Malformed):
    """The certificate's duals do not match the programme's rows."""

    what: str
    expected: int
    got: int


@dataclass(kw_only=True, eq=False)
class FigureDiffers(Refused):
    """A figure that the certificate or schedule claims is not what its data give. `number` is a member, or 0."""

    figure: str
    number: int
    expected: int
    got: int


@dataclass(kw_only=True, eq=False)
class BoundAboveObjective(Refused):
    """The lower bound exceeds the plan's cost: problem, rows or plan do not belong together."""

    objective_microcents: int
    lower_bound_microcents: int


@dataclass(kw_only=True, eq=False)
class PriceInvalid(Refused):
    """A pool price (station 0) or a station's network adder contradicts tariff, plan or duals (protocol 8.5.1)."""

    group: GroupId
    station: StationId
    slot: int
    price: int
    low: int
    high: int


@dataclass(kw_only=True, eq=False)
class NoJointGain(Refused):
    """The members together would pay more than apart, beyond the gap (protocol 8.7.3)."""

    apart_cost_cents: int
    planned_cost_cents: int
    allowance_cents: int


def check(certificate: Certificate) -> Proof:
    """Check a certificate whole: limits, objective, bound, gap, prices and gains.

    Raises what `alliance.schedule.check` raises, DualsMiscounted, FigureDiffers, BoundAboveObjective, PriceInvalid or
    NoJointGain.
    """
    problem, schedule = certificate.problem, certificate.schedule
    check_schedule(schedule, problem)
    _same("denominator is positive", 1, int(certificate.denominator > 0))
    whole = program(problem)
    objective = objective_microcents(schedule, problem)
    bound = lower_bound_microcents(whole, certificate.duals, denominator=certificate.denominator)
    gap = gap_ppm(objective, bound)
    _same("objective_microcents", objective, certificate.objective_microcents)
    _same("lower_bound_microcents", bound, certificate.lower_bound_microcents)
    _same("gap_ppm", gap, certificate.gap_ppm)
    _same("certified_gap_ppm", gap, schedule.certified_gap_ppm)
    _check_prices(certificate, whole)
    apart = _check_gains(certificate, allowance_cents=-(-(objective - bound) // MICRO) + len(problem.members))
    return Proof(
        objective_microcents=objective,
        lower_bound_microcents=bound,
        gap_ppm=gap,
        apart_cost_cents=apart,
        rows=len(whole.rows),
        columns=len(whole.names),
    )


def program(problem: Problem, *, member: MemberId | None = None, all_parts: Sequence[Part] | None = None) -> Program:
    """The linear programme of the whole alliance, or of what one member holds alone (protocol 8.7.1).

    `all_parts`: `parts(problem)`, where it is known already.
    """
    builder = _Builder()
    held = [p for p in all_parts or parts(problem) if member is None or p.member == member]
    for part in held:
        _add_part(builder, part, problem.slots)
    stations = {p.station for p in held}
    for g in problem.groups:
        here = [s for s in g.group.stations if s in stations]
        if here:
            by_station = [[p for p in held if p.station == s] for s in here]
            _add_group(builder, int(g.group.number), by_station, g.tariff.slots)
    return builder.done()


def lower_bound_microcents(of: Program, duals: tuple[int, ...], *, denominator: int) -> int:
    """The bound of this module's first lines, rounded down. Raises DualsMiscounted."""
    if len(duals) != len(of.rows):
        raise DualsMiscounted(what="duals", expected=len(of.rows), got=len(duals))
    unit = max((row.scale for row in of.rows), default=1)
    reduced = [cost * denominator * unit for cost in of.costs]
    total = 0
    for row, dual in zip(of.rows, duals, strict=True):
        price = dual * (unit // row.scale)
        if price * row.sense < 0 or price == 0:
            continue
        total += price * row.right
        for column, coefficient in row.terms:
            reduced[column] -= price * coefficient
    for rest, (low, high) in zip(reduced, of.boxes, strict=True):
        total += rest * (low if rest > 0 else high)
    return total // (denominator * unit)


def gap_ppm(objective: int, bound: int) -> int:
    """(objective − bound) / max(1 cent, |objective|) in ppm, rounded up. Raises BoundAboveObjective."""
    if bound > objective:
        raise BoundAboveObjective(objective_microcents=objective, lower_bound_microcents=bound)
    return -(-(objective - bound) * 1_000_000 // max(MICRO, abs(objective)))


def objective_microcents(schedule: Schedule, problem: Problem) -> int:
    """What a schedule costs: the grid's bill of each group, wheeling and losses inside it, and wear."""
    wear = sum(_wear(row, problem_part) for row, problem_part in _held_rows(schedule, parts(problem)))
    nets = {(r.station, r.slot): r.planned_net_wh for r in schedule.rows}
    bill = 0
    for g in problem.groups:
        for k, tariff in enumerate(g.tariff.slots):
            bill += bill_microcents([nets[s, problem.first_slot + k] for s in g.group.stations], tariff)
    return bill + wear


def bill_microcents(nets_wh: list[int], tariff: TariffSlot) -> int:
    """C: what grid and network take for one group's slot; flows at the PCCs, export positive (protocol 8.4.6)."""
    imports = sum(max(0, -net) for net in nets_wh)
    pool = -sum(nets_wh)
    price = tariff.buy_price - tariff.network_price if pool > 0 else tariff.sell_price
    return tariff.network_price * imports + price * pool


def planned_cost_cents(schedule: Schedule, problem: Problem, member: MemberId) -> int:
    """What a member pays for its planned flows at λ + ν, and wear, rent excluded (protocol 8.7.1)."""
    return _planned_costs(schedule, parts(problem)).get(member, 0)


def _planned_costs(schedule: Schedule, all_parts: Sequence[Part]) -> dict[MemberId, int]:
    """The same of every member that holds anything, cents."""
    prices = {(s, p.slot): p.pool_price + adder for p in schedule.prices for s, adder in p.adders}
    totals: dict[MemberId, int] = {}
    for row, part in _held_rows(schedule, all_parts):
        flow = row.own_plan_wh if part.owned else _planned(row, part)
        cost = _wear(row, part) - flow * prices[row.station, row.slot]
        totals[part.member] = totals.get(part.member, 0) + cost
    return {member: _cents(total) for member, total in totals.items()}


def without_storage_cost_cents(problem: Problem, member: MemberId) -> int:
    """What a member's forecast costs at the tariff without any storage (protocol 8.7.6)."""
    owned = {s.station.number: s for s in problem.sites if s.station.owner == member}
    total = 0
    for g in problem.groups:
        here = [owned[s] for s in g.group.stations if s in owned]
        for k, tariff in enumerate(g.tariff.slots):
            total += bill_microcents([-site.net_load_wh[k] for site in here], tariff)
    return _cents(total)


def certificate_to_plain(certificate: Certificate) -> dict[str, object]:
    """The canonical plain form: maps, lists, integers, texts and bytes only."""
    return {"v": 1, "certificate": to_plain(certificate)}


def certificate_from_plain(plain: object) -> Certificate:
    """Read `certificate_to_plain`'s form, strictly. Raises PlainWrong, BadInput or NominationRefused."""
    return from_plain(Certificate, unwrap(plain, name="certificate"), where="certificate")


# The programme


class _Builder:
    """Columns and rows as they are added, each under its name."""

    def __init__(self) -> None:
        self._index: dict[Name, int] = {}
        self._costs: list[int] = []
        self._boxes: list[tuple[int, int]] = []
        self._rows: list[Row] = []

    def column(self, name: Name, *, cost: int = 0, low: int = 0, high: int) -> None:
        self._index[name] = len(self._costs)
        self._costs.append(cost)
        self._boxes.append((low, high))

    def row(self, name: Name, terms: list[tuple[Name, int]], sense: Sense, right: int, scale: int = 1) -> None:
        known = tuple((self._index[column], a) for column, a in terms if column in self._index)
        self._rows.append(Row(name=name, terms=known, sense=sense, right=right, scale=scale))

    def done(self) -> Program:
        return Program(
            names=tuple(self._index), costs=tuple(self._costs), boxes=tuple(self._boxes), rows=tuple(self._rows)
        )


def _add_part(builder: _Builder, part: Part, slots: int) -> None:
    """A holder's columns c, d (and e unless firm, u where PV may be curtailed) and the rows that are its own."""
    for k in range(slots):
        at = (int(part.station), int(part.lease), k)
        fixed = None if part.nomination_wh is None else part.nomination_wh[k]
        c = part.charge_wh[k] if fixed is None else max(0, -fixed)
        d = part.discharge_wh[k] if fixed is None else max(0, fixed)
        builder.column(("c", *at), low=0 if fixed is None else c, high=c)
        builder.column(("d", *at), cost=part.wear_price, low=0 if fixed is None else d, high=d)
        if fixed is None:
            builder.column(("e", *at), low=part.low_wh[k], high=part.high_wh[k])
            _add_store(builder, part, k)
            _add_hull(builder, part, k)
        if part.owned:
            builder.column(("u", *at), high=part.curtailable_wh[k])
            _add_pcc(builder, part, k)


def _add_store(builder: _Builder, part: Part, k: int) -> None:
    """(S1) e_k = e_{k−1} + ηc c − d/ηd + transfer, times ηd."""
    s, h = int(part.station), int(part.lease)
    kept = part.eta_d_ppm * 10**6
    terms = [
        (("e", s, h, k), kept),
        (("e", s, h, k - 1), -kept),
        (("c", s, h, k), -part.eta_c_ppm * part.eta_d_ppm),
        (("d", s, h, k), 10**12),
    ]
    right = kept * (part.transfer_wh[k] + (part.start_wh if k == 0 else 0))
    builder.row(("store", s, h, k), terms, Sense.EQUAL, right, scale=10**12)


def _add_hull(builder: _Builder, part: Part, k: int) -> None:
    """(S2) c/Pc + d/Pd ≤ 1, times Pc·Pd over a power of ten."""
    s, h = int(part.station), int(part.lease)
    charge, discharge = part.charge_wh[k], part.discharge_wh[k]
    if not (charge and discharge):
        return
    c, d, right, scale = discharge, charge, charge * discharge, 10 ** len(str(max(charge, discharge)))
    if charge == discharge:
        c, d, right, scale = 1, 1, charge, 1
    terms = [(("c", s, h, k), c), (("d", s, h, k), d)]
    builder.row(("hull", s, h, k), terms, Sense.AT_MOST, right, scale=scale)


def _add_pcc(builder: _Builder, part: Part, k: int) -> None:
    """(S5) load first: load + u + c − d ≤ import right; d − c − u − load ≤ export right."""
    at = (int(part.station), int(part.lease), k)
    into = [(("c", *at), 1), (("d", *at), -1), (("u", *at), 1)]
    out = [(name, -a) for name, a in into]
    builder.row(("import", *at), into, Sense.AT_MOST, part.import_wh[k] - part.load_wh[k])
    builder.row(("export", *at), out, Sense.AT_MOST, part.export_wh[k] + part.load_wh[k])


def _add_group(builder: _Builder, group: int, here: list[list[Part]], slots: tuple[TariffSlot, ...]) -> None:
    """Imports at each PCC, import and export of the whole, and the balance whose dual is λ.

    Their boxes are 1 Wh wider than the PCC rights, so that the rights bind and never the boxes: λ and ν are then always
    the tariff's subgradients.
    """
    for k, tariff in enumerate(slots):
        flows = [_station_flow(held, k) for held in here]
        loads = [sum(p.load_wh[k] for p in held) for held in here]
        rights = [sum(p.import_wh[k] for p in held) + 1 for held in here]
        for held, flow, load, right in zip(here, flows, loads, rights, strict=True):
            at = (int(held[0].station), 0, k)
            builder.column(("m", *at), cost=tariff.network_price, high=right)
            builder.row(("split", *at), [(("m", *at), 1), *flow], Sense.AT_LEAST, load)
        out = sum(p.export_wh[k] for held in here for p in held) + len(here)
        builder.column(("i", group, 0, k), cost=tariff.buy_price - tariff.network_price, high=sum(rights))
        builder.column(("x", group, 0, k), cost=-tariff.sell_price, high=out)
        ends = [(("i", group, 0, k), 1), (("x", group, 0, k), -1)]
        terms = [*ends, *(term for flow in flows for term in flow)]
        builder.row(("balance", group, 0, k), terms, Sense.EQUAL, sum(loads))


def _station_flow(held: list[Part], k: int) -> list[tuple[Name, int]]:
    """What the holders of a station send out of its PCC, the load apart: Σ (d − c) − u."""
    flow: list[tuple[Name, int]] = []
    for part in held:
        at = (int(part.station), int(part.lease), k)
        flow += [(("d", *at), 1), (("c", *at), -1)]
        if part.owned:
            flow.append((("u", *at), -1))
    return flow


# Figures


def _held_rows(schedule: Schedule, all_parts: Iterable[Part]) -> Iterator[tuple[ScheduleRow, Part]]:
    by_station: dict[StationId, list[Part]] = {}
    for part in all_parts:
        by_station.setdefault(part.station, []).append(part)
    return ((row, part) for row in schedule.rows for part in by_station[row.station])


def _planned(row: ScheduleRow, part: Part) -> int:
    """A holder's flow in or out of the battery, discharge positive."""
    if part.owned:
        return row.battery_wh - sum(r.planned_wh for r in row.lessees)
    return _lessee_flow(row, part.lease)


def _lessee_flow(row: ScheduleRow, lease: LeaseId) -> int:
    return next((r.planned_wh for r in row.lessees if r.lease == lease), 0)


def _wear(row: ScheduleRow, part: Part) -> int:
    return max(0, _planned(row, part)) * part.wear_price


def _cents(microcents: int) -> int:
    """Rounded once, half away from zero (protocol 8.1.2)."""
    size = (2 * abs(microcents) + MICRO) // (2 * MICRO)
    return size if microcents >= 0 else -size


# Prices and gains


def _check_prices(certificate: Certificate, whole: Program) -> None:
    problem, schedule = certificate.problem, certificate.schedule
    duals = {row.name: dual for row, dual in zip(whole.rows, certificate.duals, strict=True)}
    nets = {(r.station, r.slot): r.planned_net_wh for r in schedule.rows}
    tariffs = {g.group.number: g.tariff.slots for g in problem.groups}
    _same("price rows", len(tariffs) * problem.slots, len(schedule.prices))
    for row in schedule.prices:
        k = row.slot - problem.first_slot
        tariff = tariffs[row.group][k]
        found = [(StationId(0), row.pool_price, duals["balance", int(row.group), 0, k])]
        found += [(s, adder, duals["split", int(s), 0, k]) for s, adder in row.adders]
        for station, price, dual in found:
            if station == 0:
                span = allowed_prices(sum(nets[s, row.slot] for s, _ in row.adders), *pool_span(tariff))
            else:
                span = allowed_prices(nets[station, row.slot], 0, tariff.network_price)
            rounded = price if 2 * abs(price * certificate.denominator - dual) <= certificate.denominator else None
            if rounded is None or not span[0] <= price <= span[1]:
                low, high = span if rounded is not None else (dual // certificate.denominator,) * 2
                raise PriceInvalid(group=row.group, station=station, slot=row.slot, price=price, low=low, high=high)


def pool_span(tariff: TariffSlot) -> tuple[int, int]:
    """Between what the pool price lies: sell, and buy less network."""
    return tariff.sell_price, tariff.buy_price - tariff.network_price


def allowed_prices(net_wh: int, at_export: int, at_import: int) -> tuple[int, int]:
    """The prices that a planned flow leaves open: one end where it flows, all between where it is balanced."""
    return (
        at_import if net_wh < -BALANCED_WH else at_export,
        at_export if net_wh > BALANCED_WH else at_import,
    )


def _check_gains(certificate: Certificate, *, allowance_cents: int) -> tuple[tuple[MemberId, int], ...]:
    """Gain rows are what the data give, and together the members pay no more than apart (protocol 8.7.1, 8.7.3)."""
    problem, schedule = certificate.problem, certificate.schedule
    wanted = problem.members if problem.kind is ScheduleKind.DAY_AHEAD else ()
    _same("members with a gain", len(wanted), len(schedule.gains))
    _same("members with duals apart", len(wanted), len(certificate.apart))
    apart: list[tuple[MemberId, int]] = []
    held = parts(problem)
    planned = _planned_costs(schedule, held) if wanted else {}
    for member, gain, (named, duals) in zip(wanted, schedule.gains, certificate.apart, strict=True):
        _same("member of a gain", member, gain.member)
        _same("member of duals apart", member, named)
        alone = program(problem, member=member, all_parts=held)
        bound = lower_bound_microcents(alone, duals, denominator=certificate.denominator)
        _check_gain(gain, problem, apart_cents=bound // MICRO, planned_cents=planned.get(member, 0))
        apart.append((member, gain.apart_cost_cents))
    together = sum(g.planned_cost_cents for g in schedule.gains)
    alone_cents = sum(cents for _, cents in apart)
    if together > alone_cents + allowance_cents and wanted:
        raise NoJointGain(apart_cost_cents=alone_cents, planned_cost_cents=together, allowance_cents=allowance_cents)
    return tuple(apart)


def _check_gain(gain: GainRow, problem: Problem, *, apart_cents: int, planned_cents: int) -> None:
    member = gain.member
    _same("apart_cost_cents", apart_cents, gain.apart_cost_cents, number=member)
    _same("planned_cost_cents", planned_cents, gain.planned_cost_cents, number=member)
    _same("gain_cents", gain.apart_cost_cents - planned_cents, gain.gain_cents, number=member)
    without = without_storage_cost_cents(problem, member)
    _same("without_storage_cost_cents", without, gain.without_storage_cost_cents, number=member)


def _same(figure: str, expected: int, got: int, *, number: int = 0) -> None:
    if expected != got:
        raise FigureDiffers(figure=figure, number=number, expected=expected, got=got)
