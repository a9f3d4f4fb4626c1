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
    held = parts(problem)
    check_schedule(schedule, problem, all_parts=held)
    _same("denominator is positive", 1, int(certificate.denominator > 0))
    whole = program(problem, all_parts=held)
    objective = objective_microcents(schedule, problem, all_parts=held)
    bound = lower_bound_microcents(whole, certificate.duals, denominator=certificate.denominator)
    gap = gap_ppm(objective, bound)
    _same("objective_microcents", objective, certificate.objective_microcents)
    _same("lower_bound_microcents", bound, certificate.lower_bound_microcents)
    _same("gap_ppm", gap, certificate.gap_ppm)
    _same("certified_gap_ppm", gap, schedule.certified_gap_ppm)
    _check_prices(certificate, whole)
    allowance = -(-(objective - bound) // MICRO) + len(problem.members)
    apart = _check_gains(certificate, held, allowance_cents=allowance)
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
    by_station: dict[StationId, list[tuple[Part, list[Flow]]]] = {}
    for part in all_parts or parts(problem):
        if member is None or part.member == member:
            flows = _add_part(builder, part, problem.slots)
            by_station.setdefault(part.station, []).append((part, flows))
    for g in problem.groups:
        here = [by_station[s] for s in g.group.stations if s in by_station]
        if here:
            _add_group(builder, int(g.group.number), here, g.tariff.slots)
    return builder.done()


def lower_bound_microcents(of: Program, duals: tuple[int, ...], *, denominator: int) -> int:
    """The bound of this module's first lines, rounded down. Raises DualsMiscounted."""
    if len(duals) != len(of.rows):
        raise DualsMiscounted(what="duals", expected=len(of.rows), got=len(duals))
    unit = max((row.scale for row in of.rows), default=1)
    reduced = [cost * denominator * unit for cost in of.costs]
    total = 0
    for row, dual in zip(of.rows, duals, strict=True):
        if dual == 0 or dual * row.sense < 0:
            continue
        price = dual * (unit // row.scale)
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


def objective_microcents(schedule: Schedule, problem: Problem, *, all_parts: Sequence[Part] | None = None) -> int:
    """What a schedule costs: the grid's bill of each group, wheeling and losses inside it, and wear."""
    wear = sum(_wear(row, part) for row, part in _held_rows(schedule, all_parts or parts(problem)))
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
    """Columns and rows as they are added, each under its name; a row's terms are (column, coefficient)."""

    def __init__(self) -> None:
        self._names: list[Name] = []
        self._costs: list[int] = []
        self._boxes: list[tuple[int, int]] = []
        self._rows: list[Row] = []

    def column(self, name: Name, *, cost: int = 0, low: int = 0, high: int) -> int:
        """Add a column; its number."""
        self._names.append(name)
        self._costs.append(cost)
        self._boxes.append((low, high))
        return len(self._names) - 1

    def row(self, name: Name, terms: tuple[tuple[int, int], ...], sense: Sense, right: int, scale: int = 1) -> None:
        self._rows.append(Row(name=name, terms=terms, sense=sense, right=right, scale=scale))

    def done(self) -> Program:
        return Program(
            names=tuple(self._names), costs=tuple(self._costs), boxes=tuple(self._boxes), rows=tuple(self._rows)
        )


Flow = tuple[tuple[int, int], ...]
"""What a holder sends out of its PCC in a slot, the load apart, as terms: d − c − u."""


def _add_part(builder: _Builder, part: Part, slots: int) -> list[Flow]:
    """A holder's columns c, d (and e unless firm, u where PV may be curtailed) and the rows that are its own.

    Its flow in each slot.
    """
    s, h, before = int(part.station), int(part.lease), -1
    flows: list[Flow] = []
    for k in range(slots):
        fixed = None if part.nomination_wh is None else part.nomination_wh[k]
        most_c = part.charge_wh[k] if fixed is None else max(0, -fixed)
        most_d = part.discharge_wh[k] if fixed is None else max(0, fixed)
        c = builder.column(("c", s, h, k), low=0 if fixed is None else most_c, high=most_c)
        d = builder.column(("d", s, h, k), cost=part.wear_price, low=0 if fixed is None else most_d, high=most_d)
        if fixed is None:
            e = builder.column(("e", s, h, k), low=part.low_wh[k], high=part.high_wh[k])
            _add_store(builder, part, k, (e, before, c, d))
            _add_hull(builder, part, k, c, d)
            before = e
        if part.owned:
            u = builder.column(("u", s, h, k), high=part.curtailable_wh[k])
            _add_pcc(builder, part, k, (c, d, u))
            flows.append(((d, 1), (c, -1), (u, -1)))
        else:
            flows.append(((d, 1), (c, -1)))
    return flows


def _add_store(builder: _Builder, part: Part, k: int, columns: tuple[int, int, int, int]) -> None:
    """(S1) e_k = e_{k−1} + ηc c − d/ηd + transfer, times ηd."""
    e, before, c, d = columns
    kept = part.eta_d_ppm * 10**6
    taken = (c, -part.eta_c_ppm * part.eta_d_ppm)
    terms = ((e, kept), (before, -kept), taken, (d, 10**12)) if k else ((e, kept), taken, (d, 10**12))
    right = kept * (part.transfer_wh[k] + (part.start_wh if k == 0 else 0))
    builder.row(("store", int(part.station), int(part.lease), k), terms, Sense.EQUAL, right, scale=10**12)


def _add_hull(builder: _Builder, part: Part, k: int, c: int, d: int) -> None:
    """(S2) c/Pc + d/Pd ≤ 1, times Pc·Pd over a power of ten."""
    charge, discharge = part.charge_wh[k], part.discharge_wh[k]
    if not (charge and discharge):
        return
    of_c, of_d, right, scale = discharge, charge, charge * discharge, 10 ** len(str(max(charge, discharge)))
    if charge == discharge:
        of_c, of_d, right, scale = 1, 1, charge, 1
    name = ("hull", int(part.station), int(part.lease), k)
    builder.row(name, ((c, of_c), (d, of_d)), Sense.AT_MOST, right, scale=scale)


def _add_pcc(builder: _Builder, part: Part, k: int, columns: tuple[int, int, int]) -> None:
    """(S5) load first: load + u + c − d ≤ import right; d − c − u − load ≤ export right."""
    c, d, u = columns
    s, h, load = int(part.station), int(part.lease), part.load_wh[k]
    builder.row(("import", s, h, k), ((c, 1), (d, -1), (u, 1)), Sense.AT_MOST, part.import_wh[k] - load)
    builder.row(("export", s, h, k), ((c, -1), (d, 1), (u, -1)), Sense.AT_MOST, part.export_wh[k] + load)


def _add_group(
    builder: _Builder, group: int, here: list[list[tuple[Part, list[Flow]]]], slots: tuple[TariffSlot, ...]
) -> None:
    """Imports at each PCC, import and export of the whole, and the balance whose dual is λ.

    Their boxes are 1 Wh wider than the PCC rights, so that the rights bind and never the boxes: λ and ν are then always
    the tariff's subgradients.
    """
    for k, tariff in enumerate(slots):
        everything: list[tuple[int, int]] = []
        into = out = load = 0
        for held in here:
            flow = [term for _, flows in held for term in flows[k]]
            own = sum([p.load_wh[k] for p, _ in held])
            right = sum([p.import_wh[k] for p, _ in held]) + 1
            number = int(held[0][0].station)
            m = builder.column(("m", number, 0, k), cost=tariff.network_price, high=right)
            builder.row(("split", number, 0, k), ((m, 1), *flow), Sense.AT_LEAST, own)
            everything += flow
            into, out, load = into + right, out + sum([p.export_wh[k] for p, _ in held]), load + own
        i = builder.column(("i", group, 0, k), cost=tariff.buy_price - tariff.network_price, high=into)
        x = builder.column(("x", group, 0, k), cost=-tariff.sell_price, high=out + len(here))
        builder.row(("balance", group, 0, k), ((i, 1), (x, -1), *everything), Sense.EQUAL, load)


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


def _check_gains(
    certificate: Certificate, held: Sequence[Part], *, allowance_cents: int
) -> tuple[tuple[MemberId, int], ...]:
    """Gain rows are what the data give, and together the members pay no more than apart (protocol 8.7.1, 8.7.3)."""
    problem, schedule = certificate.problem, certificate.schedule
    wanted = problem.members if problem.kind is ScheduleKind.DAY_AHEAD else ()
    _same("members with a gain", len(wanted), len(schedule.gains))
    _same("members with duals apart", len(wanted), len(certificate.apart))
    apart: list[tuple[MemberId, int]] = []
    planned = _planned_costs(schedule, held) if wanted else {}
    of_member: dict[MemberId, list[Part]] = {}
    for part in held:
        of_member.setdefault(part.member, []).append(part)
    for member, gain, (named, duals) in zip(wanted, schedule.gains, certificate.apart, strict=True):
        _same("member of a gain", member, gain.member)
        _same("member of duals apart", member, named)
        alone = program(problem, member=member, all_parts=of_member[member])
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
