"""The terms of a settled plan's why, from its certificate's own rows and duals (protocol 9.9).

Flows: what each holder's energy costs at λ + ν, wear, and what the bill is beyond that. Limits: y·b row by row and the
box of each column at its reduced cost; together they are the certified lower bound, whatever the duals.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from alliance.certificate import Certificate, Program, bill_microcents, program
from alliance.schedule import Part, Problem, ScheduleRow, battery_window, parts
from alliance.why.record import Sums, Term, What

SLOT_S = 900
_ROWS = {"hull": What.RATING, "import": What.PCC_IMPORT, "export": What.PCC_EXPORT}
_BOXES = {"m": What.EXCHANGE, "i": What.EXCHANGE, "x": What.EXCHANGE, "u": What.CURTAILABLE}

Holder = tuple[int, int]
"""Station and lease (0: the owner)."""


def sums_of(certificate: Certificate) -> Sums:
    """All terms of a certificate that has been checked (`alliance.certificate.check`)."""
    problem = certificate.problem
    held = parts(problem)
    of = program(problem, all_parts=held)
    duals = tuple(0 if y * row.sense < 0 else y for row, y in zip(of.rows, certificate.duals, strict=True))
    unit = max(row.scale for row in of.rows)
    return Sums(
        slot_s=SLOT_S,
        objective_microcents=certificate.objective_microcents,
        lower_bound_microcents=certificate.lower_bound_microcents,
        flows=tuple(t for t in _flows(certificate, held, of, duals) if t.amount or t.energy_wh),
        limits=tuple(
            t for t in _limits(problem, held, of, duals, certificate.denominator, unit) if t.amount or t.worth
        ),
    )


def content_rule(problem: Problem, part: Part, k: int) -> What:
    """Which rule sets the least content of a holder at the end of the k-th slot."""
    low = part.low_wh[k]
    site = next(s for s in problem.sites if s.station.number == part.station)
    if part.owned and low == site.own_need_floor_wh[k] and low > battery_window(site)[0]:
        return What.OWN_NEED_FLOOR
    if part.owned:
        return What.END_ENERGY if k == problem.slots - 1 and low > battery_window(site)[0] else What.LEAST_CONTENT
    return What.END_ENERGY if low > 0 else What.LEAST_CONTENT


# What moves


def _flows(certificate: Certificate, held: Sequence[Part], of: Program, duals: Sequence[int]) -> Iterator[Term]:
    problem, unit = certificate.problem, certificate.denominator
    dual = {row.name: y for row, y in zip(of.rows, duals, strict=True)}
    rows = {(int(r.station), r.slot - problem.first_slot): r for r in certificate.schedule.rows}
    for g in problem.groups:
        group = int(g.group.number)
        for k, tariff in enumerate(g.tariff.slots):
            here = [rows[int(s), k] for s in g.group.stations]
            prices = [dual["split", int(r.station), 0, k] + dual["balance", group, 0, k] for r in here]
            bill = unit * bill_microcents([r.planned_net_wh for r in here], tariff)
            bill += sum(price * r.planned_net_wh for price, r in zip(prices, here, strict=True))
            yield Term(place=(What.TARIFF, group, 0), slot=k, unit=unit, amount=bill)
            for price, row in zip(prices, here, strict=True):
                yield from _moved(held, row, k, price, unit)


def _moved(held: Sequence[Part], row: ScheduleRow, k: int, price: int, unit: int) -> Iterator[Term]:
    lessees = {r.lease: r.planned_wh for r in row.lessees}
    for part in held:
        if part.station != row.station:
            continue
        s, h = int(part.station), int(part.lease)

        def term(what: What, amount: int, energy: int, holder: Holder = (s, h)) -> Term:
            return Term(place=(what, *holder), slot=k, unit=unit, amount=amount, energy_wh=energy)

        if part.owned:
            load = part.load_wh[k]
            yield term(What.LOAD, price * load, load)
            yield term(What.CURTAILED, price * (row.net_load_wh - load), row.net_load_wh - load)
        flow = row.battery_wh - sum(lessees.values()) if part.owned else lessees.get(part.lease, 0)
        yield term(What.CHARGE, price * max(0, -flow), max(0, -flow))
        yield term(What.DISCHARGE, -price * max(0, flow), max(0, flow))
        yield term(What.WEAR, unit * part.wear_price * max(0, flow), max(0, flow))


# What limits


def _limits(
    problem: Problem, held: Sequence[Part], of: Program, duals: Sequence[int], denominator: int, unit: int
) -> Iterator[Term]:
    by_holder = {(int(p.station), int(p.lease)): p for p in held}
    group_of = {int(s): int(g.group.number) for g in problem.groups for s in g.group.stations}
    reduced = [cost * denominator * unit for cost in of.costs]
    price_of: dict[tuple[str, int, int], int] = {}
    over = denominator * unit
    for row, y in zip(of.rows, duals, strict=True):
        kind, place, lease, k = row.name
        price = y * (unit // row.scale)
        for column, coefficient in row.terms:
            reduced[column] -= price * coefficient
        if kind in ("split", "balance"):
            price_of[kind, place, k] = price
        elif kind == "store":
            yield from _stored(by_holder[place, lease], k, price, over)
        else:
            yield _row_term(_ROWS[kind], by_holder[place, lease], k, price * row.right, price, over)
    for part in held:
        for k, load in enumerate(part.load_wh):
            price = price_of["split", int(part.station), k] + price_of["balance", group_of[int(part.station)], k]
            yield Term(
                place=(What.LOAD, int(part.station), 0), slot=k, unit=over, amount=price * load, energy_wh=load
            )  # fmt: skip
    for (kind, place, lease, k), rest, (low, high) in zip(of.names, reduced, of.boxes, strict=True):
        if kind in "mix":
            group = group_of[place] if kind == "m" else place
            end = rest * (low if rest > 0 else high)
            yield Term(place=(What.EXCHANGE, group, 0), slot=k, unit=over, amount=end)
        else:
            yield _box_term(problem, by_holder[place, lease], kind, k, rest, low if rest > 0 else high, over)


def _stored(part: Part, k: int, price: int, over: int) -> Iterator[Term]:
    """What a store row's right side is worth: content at the start, and what passes with a lease."""
    kept, s, h = part.eta_d_ppm * 10**6 * price, int(part.station), int(part.lease)
    for what, wh in ((What.START, part.start_wh if k == 0 else 0), (What.HANDOVER, part.transfer_wh[k])):
        if wh:
            yield Term(place=(what, s, h), slot=k, unit=over, amount=kept * wh, energy_wh=wh, worth=kept)


def _row_term(what: What, part: Part, k: int, amount: int, price: int, over: int) -> Term:
    rights = {What.PCC_IMPORT: part.import_wh, What.PCC_EXPORT: part.export_wh}
    limit = _rating(part, k) if what is What.RATING else rights[what][k]
    worth: int | Fraction = Fraction(amount, limit) if what is What.RATING else price
    place = (what, int(part.station), int(part.lease))
    return Term(place=place, slot=k, unit=over, amount=amount, energy_wh=limit, worth=worth)


def _box_term(problem: Problem, part: Part, kind: str, k: int, rest: int, end: int, over: int) -> Term:
    what, worth, limit = What.NOMINATION, Fraction(0), end
    if kind == "u":
        what, worth = What.CURTAILABLE, Fraction(min(0, rest))
    elif kind == "e":
        what, worth = content_rule(problem, part, k) if rest > 0 else What.MOST_CONTENT, Fraction(rest)
    elif part.nomination_wh is None:
        what, limit = What.RATING, _rating(part, k)
        worth = Fraction(rest * end, limit) if limit else Fraction(0)
    place = (what, int(part.station), int(part.lease))
    return Term(place=place, slot=k, unit=over, amount=rest * end, energy_wh=limit, worth=worth)


def _rating(part: Part, k: int) -> int:
    """What stands for the power both ways: discharge, or charge where there is none."""
    return part.discharge_wh[k] or part.charge_wh[k]
