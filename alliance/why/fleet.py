"""The terms of a fleet plan's why, from its certificate's own rows and duals (protocol 9.9).

Flows are priced at the regions' certified prices, all cases together; the bill beyond that is the tariff's line. Limits
are the bound of 9.7 taken apart: rows at their duals, boxes at their reduced costs. A place is an index; a lease's
lines stand under its station and its own index from 1; the owner's order is the battery's flow less the lessees'.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain

from alliance.fleetexchange import Exchange, bill_of, exchange_of
from alliance.fleetholding import best_held, held_by_period, slopes_at
from alliance.fleetlease import account_window, leased
from alliance.fleetplan import MILLION, FleetLease, FleetProblem, FleetStation, content_window, unheld_wh
from alliance.fleetproof import (
    Column,
    FleetCertificate,
    FleetDuals,
    contents,
    exchange_microwh,
    held_unit,
    held_worth,
    lease_flow_bound,
    station_rows,
    station_unit,
)
from alliance.fleettie import arrived_microwh, tie_worths
from alliance.why.record import Sums, Term, What

_ROWS = {
    "store": What.START, "import_right": What.PCC_IMPORT, "export_right": What.PCC_EXPORT,
    "reserve_up": What.RESERVE_POWER, "reserve_down": What.RESERVE_POWER,
    "bear_up": What.RESERVE_ENERGY, "bear_up_before": What.RESERVE_ENERGY,
    "bear_down": What.RESERVE_ENERGY, "bear_down_before": What.RESERVE_ENERGY, "account_store": What.START,
    "own_discharge": What.LEASED_POWER, "own_charge": What.LEASED_POWER,
    "own_least": What.LEASED_CONTENT, "own_most": What.LEASED_CONTENT,
}  # fmt: skip


def sums_of(certificate: FleetCertificate) -> Sums:
    """All terms of a certificate that has been checked (`alliance.fleetproof.check`)."""
    return Sums(
        slot_s=certificate.problem.period_s,
        objective_microcents=certificate.objective_microcents,
        lower_bound_microcents=certificate.lower_bound_microcents,
        flows=tuple(t for t in _flows(certificate) if t.amount or t.energy_wh),
        limits=tuple(t for t in limits_of(certificate.problem, certificate.duals) if t.amount or t.worth),
    )


def limits_of(problem: FleetProblem, duals: FleetDuals) -> Iterator[Term]:
    """The lower bound, term by term, for any duals of the right shape."""
    for r in range(len(problem.regions)):
        yield from _region_limits(problem, duals, r)
    for k in range(len(problem.ties)):
        yield from _tie_limits(problem, duals, k)
    for i in range(len(problem.stations)):
        yield from _station_limits(problem, duals, i)


# What moves


def _flows(certificate: FleetCertificate) -> Iterator[Term]:
    problem, plan, duals = certificate.problem, certificate.plan, certificate.duals
    unit, cases = duals.denominator, range(len(problem.case_ppm))

    def term(what: What, number: int, q: int, t: int, amount: int, energy: int) -> Term:
        return Term(place=(what, number, q), slot=t, unit=unit, amount=amount, energy_wh=energy)

    for i, station in enumerate(problem.stations):
        loads, theirs = problem.net_loads(i), leased(problem, i).numbers
        for t, flow in enumerate(plan.battery_wh[i]):
            prices = [duals.balance[w][station.region][t] for w in cases]
            price, cut = sum(prices), [plan.curtailed_wh[w][i][t] for w in cases]
            yield term(What.LOAD, i, 0, t, _dot(prices, [x[t] for x in loads]), _mean(problem, [x[t] for x in loads]))
            yield term(What.CURTAILED, i, 0, t, _dot(prices, cut), _mean(problem, cut))
            orders = {k + 1: plan.lease_wh[k][t] for k in theirs}
            for holder, order in {0: flow - sum(orders.values()), **orders}.items():
                yield term(What.CHARGE, i, holder, t, price * max(0, -order), max(0, -order))
                yield term(What.DISCHARGE, i, holder, t, -price * max(0, order), max(0, order))
            yield term(What.WEAR, i, 0, t, unit * station.wear_price * max(0, flow), max(0, flow))
            for q, reserve in enumerate(problem.reserves):
                held = plan.reserve_wh[q][i][t]
                yield term(What.RESERVE_PAID, i, q, t, -unit * reserve.price[t] * held, held)
        if station.holding:
            parts, over = held_by_period(station.holding, contents(plan, problem, i), problem.period_s)
            yield from (Term(place=(What.HOLDING, i, 0), slot=t, unit=over, amount=x) for t, x in enumerate(parts))
    for q, rows in enumerate(unheld_wh(problem, plan)):
        price = problem.reserves[q].short_price or 0
        for r, lacking in enumerate(rows):
            for t, short in enumerate(lacking):
                yield term(What.RESERVE_SHORT, r, q, t, unit * price * short, short)
    yield from _region_flows(certificate)
    for k, tie in enumerate(problem.ties):
        for t in range(problem.periods):
            amount = Fraction(0)
            sent = [plan.tie_wh[w][k][t] for w in cases]
            for w, wh in enumerate(sent):
                a, z = (tie.from_region, tie.to_region) if wh > 0 else (tie.to_region, tie.from_region)
                reached = Fraction(arrived_microwh(tie, abs(wh)), MILLION)
                amount += duals.balance[w][a][t] * abs(wh) - duals.balance[w][z][t] * reached
            yield Term(
                place=(What.TIE_FLOW, k, 0), slot=t, unit=unit * MILLION, amount=int(amount * MILLION),
                energy_wh=_mean(problem, [abs(wh) for wh in sent]),
            )  # fmt: skip


def _region_flows(certificate: FleetCertificate) -> Iterator[Term]:
    """Base load at its prices; what the bill of a plan's cases is beyond all flows at their prices; load cut, apart."""
    problem, duals = certificate.problem, certificate.duals
    nets = [exchange_microwh(certificate.plan, problem, w) for w in range(len(problem.case_ppm))]
    weights = _case_weights(problem, nets)
    common = (MILLION - problem.risk.cvar_alpha_ppm) * MILLION**3
    for r, region in enumerate(problem.regions):
        for t, load in enumerate(region.base_load_wh):
            beyond = spared = Fraction(0)
            found = [exchange_of(region, t, net[r][t]) for net in nets]
            for weight, each, prices in zip(weights, found, duals.balance, strict=True):
                bill = region.buy_price[t] * each.imported - region.sell_price[t] * each.exported
                price = prices[r][t]
                beyond += weight * bill * duals.denominator - price * (each.imported - each.exported)
                if each.cut:
                    spared += weight * region.cut_price[t] * each.cut * duals.denominator - price * each.cut
            unit = common * duals.denominator
            yield Term(place=(What.TARIFF, r, 0), slot=t, unit=unit, amount=int(beyond * common / MILLION))
            yield Term(
                place=(What.CUT, r, 0), slot=t, unit=unit, amount=int(spared * common / MILLION),
                energy_wh=_cut_wh(problem, found),
            )  # fmt: skip
            amount = load * sum(prices[r][t] for prices in duals.balance)
            yield Term(
                place=(What.BASE_LOAD, r, 0), slot=t, unit=duals.denominator, amount=amount, energy_wh=load
            )  # fmt: skip


def _case_weights(problem: FleetProblem, nets: list[list[list[int]]]) -> list[Fraction]:
    """By which the plan's cases count: (1 − κ) π + κ times the part among the dearest 1 − alpha."""
    kappa, left = Fraction(problem.risk.cvar_weight_ppm, MILLION), MILLION - problem.risk.cvar_alpha_ppm
    bills = [
        sum(
            bill_of(region, t, wh)
            for region, series in zip(problem.regions, net, strict=True)
            for t, wh in enumerate(series)
        )
        for net in nets
    ]
    found, most = [(1 - kappa) * Fraction(ppm, MILLION) for ppm in problem.case_ppm], left
    for w in sorted(range(len(bills)), key=lambda w: -bills[w]):
        counted = min(left, problem.case_ppm[w])
        found[w] += kappa * Fraction(counted, most)
        left -= counted
    return found


def _cut_wh(problem: FleetProblem, found: list[Exchange]) -> int:
    """Load cut in the mean of the cases, rounded down."""
    return _dot(list(problem.case_ppm), [each.cut for each in found]) // MILLION**2


def _dot(prices: list[int], values: list[int]) -> int:
    return sum(price * value for price, value in zip(prices, values, strict=True))


def _mean(problem: FleetProblem, values: list[int]) -> int:
    """Over the cases, rounded down."""
    return _dot(list(problem.case_ppm), values) // MILLION


# What limits


def _region_limits(problem: FleetProblem, duals: FleetDuals, r: int) -> Iterator[Term]:
    region, unit = problem.regions[r], duals.denominator

    def term(what: What, q: int, t: int, worth: int, limit: int) -> Term:
        return Term(place=(what, r, q), slot=t, unit=unit, amount=worth * limit, energy_wh=limit, worth=worth)

    for t, load in enumerate(region.base_load_wh):
        prices = [of_case[r][t] for of_case in duals.balance]
        pairs = list(zip(duals.case_weights, prices, strict=True))
        into = sum(min(0, q * region.buy_price[t] - price) for q, price in pairs)
        out = sum(min(0, price - q * region.sell_price[t]) for q, price in pairs)
        yield Term(
            place=(What.BASE_LOAD, r, 0), slot=t, unit=unit, amount=sum(prices) * load, energy_wh=load
        )  # fmt: skip
        yield term(What.IMPORT_LIMIT, 0, t, into, region.import_limit_wh[t])
        yield term(What.EXPORT_LIMIT, 0, t, out, region.export_limit_wh[t])
        if region.cut_most_wh:
            cut = sum(min(0, q * region.cut_price[t] - price) for q, price in pairs)
            yield term(What.CUT_MOST, 0, t, cut, region.cut_most_wh[t])
        for q, reserve in enumerate(problem.reserves):
            worth = held_worth(reserve, duals.held[q][r][t], unit)
            yield term(What.REQUIREMENT, q, t, worth, reserve.requirement_wh[r][t])


def _tie_limits(problem: FleetProblem, duals: FleetDuals, k: int) -> Iterator[Term]:
    tie, unit = problem.ties[k], duals.denominator * MILLION
    for t in range(problem.periods):
        ends = [(of_case[tie.from_region][t], of_case[tie.to_region][t]) for of_case in duals.balance]
        worths = [tie_worths(tie, a, z) for a, z in ends]
        limits = [(What.TIE_LIMIT, 0, tie.limit_wh, sum(worth for worth, _ in worths))]
        limits += [
            (What.TIE_STEP, s, step.above_wh, sum(steps[s] for _, steps in worths)) for s, step in enumerate(tie.steps)
        ]
        for what, s, limit, worth in limits:
            yield Term(place=(what, k, s), slot=t, unit=unit, amount=worth * limit, energy_wh=limit, worth=worth)


def _station_limits(problem: FleetProblem, duals: FleetDuals, i: int) -> Iterator[Term]:
    station = problem.stations[i]
    unit = station_unit(problem, station)
    over = unit * duals.denominator
    for t in range(problem.periods):
        loads = [load[t] for load in problem.net_loads(i)]
        amount = unit * _dot([of_case[station.region][t] for of_case in duals.balance], loads)
        yield Term(
            place=(What.LOAD, i, 0), slot=t, unit=over, amount=amount, energy_wh=_mean(problem, loads)
        )  # fmt: skip
    reduced = {column: cost * unit for column, cost in _costs(problem, duals, i).items()}
    runs = duals.station_runs[i]
    values = chain.from_iterable([y] * count for count, y in zip(runs[::2], runs[1::2], strict=True))
    for row, y in zip(station_rows(problem, i), values, strict=True):
        if y == 0 or y * row.sense < 0:
            continue
        price = y * (unit // row.scale)
        for column, coefficient in row.terms:
            reduced[column] -= price * coefficient
        kind, k, t = row.name
        what = _ROWS[kind]
        if kind == "account_store":
            if row.right:
                yield _account_term(problem.leases[k], i, k, t, price, row.right, over)
        elif row.right or what is not What.START:
            yield _row_term(station, i, what, t, price, row.right, row.scale, over)
    yield from _boxes(station, i, reduced, over, held_unit(problem, duals, unit) if station.holding else 0)
    for k in leased(problem, i).numbers:
        yield from _lease_boxes(problem.leases[k], i, k, reduced, over, problem.periods)


def _account_term(lease: FleetLease, i: int, k: int, t: int, price: int, right: int, over: int) -> Term:
    worth = Fraction(price * right, lease.start_wh)
    return Term(
        place=(What.START, i, k + 1), slot=t, unit=over, amount=price * right, energy_wh=lease.start_wh, worth=worth
    )


def _lease_boxes(
    lease: FleetLease, i: int, k: int, reduced: dict[Column, int], over: int, periods: int
) -> Iterator[Term]:
    low, most = account_window(lease, periods)
    rating = lease.discharge_wh or lease.charge_wh
    for t in range(periods):
        amount = lease_flow_bound(lease, t, reduced["lc", k, t], reduced["ld", k, t])
        if amount and lease.nomination_wh:
            wh = abs(lease.nomination_wh[t])
            place = (What.NOMINATION, i, k + 1)
            yield Term(place=place, slot=t, unit=over, amount=amount, energy_wh=wh, worth=Fraction(amount, wh))
        elif amount:
            worth = Fraction(amount, rating)
            place = (What.RATING, i, k + 1)
            yield Term(place=place, slot=t, unit=over, amount=amount, energy_wh=rating, worth=worth)
        rest = reduced["a", k, t]
        if rest and (wh := low[t] if rest > 0 else most):
            what = What.END_ENERGY if rest > 0 else What.MOST_CONTENT
            yield Term(place=(what, i, k + 1), slot=t, unit=over, amount=rest * wh, energy_wh=wh, worth=rest)


def _row_term(
    station: FleetStation, i: int, what: What, t: int, price: int, right: int, scale: int, over: int
) -> Term:  # fmt: skip
    limit = {
        What.PCC_IMPORT: station.pcc_import_wh, What.PCC_EXPORT: station.pcc_export_wh, What.START: station.start_wh,
    }.get(what, abs(right) // scale)  # fmt: skip
    worth: int | Fraction = price * scale
    if what is What.START:
        worth = Fraction(price * right, station.start_wh)
    return Term(place=(what, i, 0), slot=t, unit=over, amount=price * right, energy_wh=limit, worth=worth)


def _boxes(station: FleetStation, i: int, reduced: dict[Column, int], over: int, held: int) -> Iterator[Term]:
    low, high = content_window(station)
    rating, powers = station.discharge_wh or station.charge_wh, station.charge_wh + station.discharge_wh
    for (kind, q, t), rest in reduced.items():
        worth: int | Fraction = min(0, rest)
        if kind == "e" and held:
            yield from _content_terms(station, i, t, rest, held, (low, high), over)
        elif kind == "e" and rest:
            what, limit = (_floor(station, t, low), low[t]) if rest > 0 else (What.MOST_CONTENT, high[t])
            yield Term(place=(what, i, 0), slot=t, unit=over, amount=rest * limit, energy_wh=limit, worth=rest)
        elif kind == "c":
            amount = min(0, rest * station.charge_wh, reduced["d", 0, t] * station.discharge_wh)
            worth = Fraction(amount, rating) if amount else 0
            yield Term(place=(What.RATING, i, 0), slot=t, unit=over, amount=amount, energy_wh=rating, worth=worth)
        elif kind in ("u", "r") and rest < 0:
            what, limit = (What.CURTAILABLE, station.curtailable_wh[t]) if kind == "u" else (What.RESERVE_MOST, powers)
            place = (what, i, q if kind == "r" else 0)
            yield Term(place=place, slot=t, unit=over, amount=rest * limit, energy_wh=limit, worth=worth)


def _content_terms(
    station: FleetStation, i: int, t: int, rest: int, held: int, window: tuple[tuple[int, ...], tuple[int, ...]],
    over: int,
) -> Iterator[Term]:  # fmt: skip
    """The best content at its reduced cost with what holding it costs: at an end of its window that end's, at the slope
    on the side of more room; what is left of it is the holding's own.
    """
    low, high = window
    least, at = best_held(station.holding, rest, held, low[t], high[t])
    left, right = (rest + held * slope for slope in slopes_at(station.holding, at))
    what, slope = What.HOLDING, 0
    if at == low[t] and left > 0:
        what, slope = _floor(station, t, low), left
    elif at == high[t] and right < 0:
        what, slope = What.MOST_CONTENT, right
    if slope:
        yield Term(place=(what, i, 0), slot=t, unit=over, amount=slope * at, energy_wh=at, worth=slope)
    yield Term(place=(What.HOLDING, i, 0), slot=t, unit=over, amount=least - slope * at)


def _floor(station: FleetStation, t: int, low: tuple[int, ...]) -> What:
    """Which rule sets the least content at the end of a period."""
    if low[t] > max(station.energy_min_wh, station.own_need_floor_wh[t]):
        return What.END_ENERGY
    return What.OWN_NEED_FLOOR if station.own_need_floor_wh[t] > station.energy_min_wh else What.LEAST_CONTENT


def _costs(problem: FleetProblem, duals: FleetDuals, i: int) -> dict[Column, int]:
    """Costs of a station's columns at the regions' prices, over the denominator."""
    station, costs = problem.stations[i], dict[Column, int]()
    for t in range(problem.periods):
        prices = [of_case[station.region][t] for of_case in duals.balance]
        costs["c", 0, t], costs["d", 0, t] = sum(prices), station.wear_price * duals.denominator - sum(prices)
        costs["e", 0, t] = 0
        costs |= {("u", w, t): price for w, price in enumerate(prices)}
        for q, (reserve, held) in enumerate(zip(problem.reserves, duals.held, strict=True)):
            costs["r", q, t] = -reserve.price[t] * duals.denominator - max(0, held[station.region][t])
    for k in leased(problem, i).numbers:
        costs |= {(kind, k, t): 0 for kind in ("lc", "ld", "a") for t in range(problem.periods)}
    return costs
