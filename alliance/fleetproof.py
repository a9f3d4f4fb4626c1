"""The certificate of a fleet's plan: every limit kept, and how far from the best possible at most (protocol 9.7).

Anyone checks it without a solver. Prices λ of the regions' balances take the fleet apart (weak duality): whatever whole
numbers they and the rows' duals y are, no plan costs less than

    Σ λ·load + Σ_regions min(q p − λ) i + (λ − q s) x + (q p_k − λ) k + Σ_ties min(…)
    + Σ_reserves min(ρ, its price) wanted + Σ_stations [ y·b + Σ_j min over the box r_j ],

k the load cut at p_k, r the reduced costs, a y of the wrong sign counted as 0, charge and discharge together in their
hull, a content with what holding it costs, q the cases' weights, which must be among those that the risk rule allows.
Money is in microcents: 1 Wh at 1 cent per MWh.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, groupby

from alliance.errors import Malformed, Refused
from alliance.fleetexchange import bill_of, exchange_of, most_taken_wh
from alliance.fleetholding import HOUR_S, best_held, held_microcents
from alliance.fleetlease import Leased, account_path, account_unit, account_window, leased
from alliance.fleetplan import (
    MILLION,
    Direction,
    FleetLease,
    FleetPlan,
    FleetProblem,
    FleetStation,
    Reserve,
    content_window,
    problem_to_plain,
    require_within,
    unheld_wh,
)
from alliance.fleettie import arrived_microwh, tie_bound
from alliance.schedule import PlainWrong, from_plain, to_plain, unwrap

MICRO = 1_000_000
Series = tuple[int, ...]
Column = tuple[str, int, int]
"""Kind (c, d, e, r, u; of a lease: charge lc, discharge ld, account a), the reserve, case or lease (0), the period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetDuals:
    """Whole numbers over `denominator` that prove a lower bound, cents per MWh of their row."""

    denominator: int
    case_weights: Series
    """Of each case's bill; together the denominator."""
    balance: tuple[tuple[Series, ...], ...]
    """[case][region][period]: what 1 MWh more of load costs."""
    held: tuple[tuple[Series, ...], ...]
    """[reserve][region][period]: what a MWh more of requirement costs."""
    station_runs: tuple[Series, ...]
    """[station]: duals of `station_rows` in order, run by run: how many, their value, how many, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCertificate:
    """A problem, a plan of it, and the duals that prove how good it is."""

    problem: FleetProblem
    problem_digest: str
    """SHA-256 of the problem's canonical JSON, hex."""
    plan: FleetPlan
    duals: FleetDuals
    objective_microcents: int
    """Rounded up."""
    lower_bound_microcents: int
    """Rounded down."""
    gap_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProof:
    """What a checked certificate proves."""

    problem_digest: str
    objective_microcents: int
    lower_bound_microcents: int
    gap_ppm: int
    largest_violation_wh: int = 0
    """Always 0: a plan that breaks a limit is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Σ coefficient · column ⋛ right, both over `scale`; sense −1 at most, 0 equal."""

    name: tuple[str, int, int]
    terms: tuple[tuple[Column, int], ...]
    sense: int
    right: int
    scale: int


@dataclass(kw_only=True, eq=False)
class LimitBroken(Refused):
    """A plan breaks a limit of its problem."""

    limit: str
    place: str
    period: int
    value_wh: Fraction
    low_wh: int
    high_wh: int


@dataclass(kw_only=True, eq=False)
class ShapeWrong(Malformed):
    """A plan or certificate has another number of entries than its problem calls for."""

    field: str
    expected: int
    got: int


@dataclass(kw_only=True, eq=False)
class ClaimWrong(Refused):
    """A figure of a certificate is not what its data give."""

    figure: str
    expected: str
    got: str


@dataclass(kw_only=True, eq=False)
class WeightsWrong(Refused):
    """The cases' weights are none that the risk rule allows, so that the bound would prove nothing."""

    case: int
    weight: int
    denominator: int


def check(certificate: FleetCertificate) -> FleetProof:
    """Check a certificate whole. Raises LimitBroken, ShapeWrong, ClaimWrong, WeightsWrong or FieldWrong."""
    problem = certificate.problem
    objective = objective_microcents(certificate.plan, problem)
    bound = lower_bound_microcents(problem, certificate.duals)
    for figure, expected, got in (
        ("problem_digest", digest(problem), certificate.problem_digest),
        ("objective_microcents", objective, certificate.objective_microcents),
        ("lower_bound_microcents", bound, certificate.lower_bound_microcents),
        ("gap_ppm", gap_ppm(objective, bound), certificate.gap_ppm),
    ):
        if expected != got:
            raise ClaimWrong(figure=figure, expected=str(expected), got=str(got))
    return FleetProof(
        problem_digest=certificate.problem_digest,
        objective_microcents=objective,
        lower_bound_microcents=bound,
        gap_ppm=certificate.gap_ppm,
    )


def certificate_to_plain(certificate: FleetCertificate) -> dict[str, object]:
    """The plain form {"v": 1, "fleetCertificate": …}; the claims are decimal texts, for they may be long."""
    plain = {name: to_plain(getattr(certificate, name)) for name in ("problem", "plan", "duals")}
    claims = {name: str(getattr(certificate, field)) for name, field in _CLAIMS.items()}
    return {"v": 1, "fleetCertificate": plain | claims | {"problemDigest": certificate.problem_digest}}


def certificate_from_plain(plain: object) -> FleetCertificate:
    """Read `certificate_to_plain`'s form, strictly. Raises PlainWrong or FieldWrong."""
    inner = unwrap(plain, name="fleetCertificate")
    names = {"problem", "plan", "duals", "problemDigest", *_CLAIMS}
    if not isinstance(inner, dict) or set(inner) != names:
        got = ", ".join(sorted(map(str, inner))) if isinstance(inner, dict) else repr(inner)
        raise PlainWrong(where="fleetCertificate", want="fields " + ", ".join(sorted(names)), got=got[:200])
    return FleetCertificate(
        problem=from_plain(FleetProblem, inner["problem"], where="problem"),
        plan=from_plain(FleetPlan, inner["plan"], where="plan"),
        duals=from_plain(FleetDuals, inner["duals"], where="duals"),
        problem_digest=from_plain(str, inner["problemDigest"], where="problemDigest"),
        **{field: _claim(inner[name], name) for name, field in _CLAIMS.items()},
    )


_CLAIMS = {
    "objectiveMicrocents": "objective_microcents",
    "lowerBoundMicrocents": "lower_bound_microcents",
    "gapPpm": "gap_ppm",
}


def _claim(text: object, name: str) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"-?(0|[1-9][0-9]{0,59})", text, re.ASCII):
        raise PlainWrong(where=name, want="a decimal text", got=repr(text)[:80])
    return int(text)


def digest(problem: FleetProblem) -> str:
    """SHA-256 of the problem's plain form as JSON with sorted names and no spaces, hex."""
    text = json.dumps(problem_to_plain(problem), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def gap_ppm(objective: int, bound: int) -> int:
    """(objective − bound) / max(1 cent, |objective|) in ppm, rounded up. Raises ClaimWrong for a bound above."""
    if bound > objective:
        raise ClaimWrong(figure="lower_bound_microcents", expected=f"at most {objective}", got=str(bound))
    return -(-(objective - bound) * MILLION // max(MICRO, abs(objective)))


# The plan


def objective_microcents(plan: FleetPlan, problem: FleetProblem) -> int:
    """What a plan costs, rounded up, its limits checked exactly. Raises LimitBroken or ShapeWrong."""
    first = _checked_stations(plan, problem) + _unheld_cost(plan, problem)
    bills = list(zip(problem.case_ppm, _bills(plan, problem), strict=True))
    mean = Fraction(sum(ppm * bill for ppm, bill in bills), MILLION)
    weight = Fraction(problem.risk.cvar_weight_ppm, MILLION)
    total = first + ((1 - weight) * mean + weight * _dearest(bills, problem.risk.cvar_alpha_ppm)) / MILLION
    return -(-total.numerator // total.denominator)


def _dearest(bills: list[tuple[int, int]], alpha_ppm: int) -> Fraction:
    """Mean of the dearest 1 − alpha (CVaR), in the bills' unit."""
    left, total = MILLION - alpha_ppm, 0
    for ppm, bill in sorted(bills, key=lambda pair: -pair[1]):
        counted = min(left, ppm)
        total, left = total + counted * bill, left - counted
    return Fraction(total, MILLION - alpha_ppm)


def _checked_stations(plan: FleetPlan, problem: FleetProblem) -> int:
    """Wear and holding less what reserves are paid, microcents."""
    n, cases, periods = len(problem.stations), len(problem.case_ppm), problem.periods
    _shaped("battery_wh", plan.battery_wh, (n, periods))
    _shaped("reserve_wh", plan.reserve_wh, (len(problem.reserves), n, periods))
    _shaped("curtailed_wh", plan.curtailed_wh, (cases, n, periods))
    _shaped("tie_wh", plan.tie_wh, (cases, len(problem.ties), periods))
    _shaped("lease_wh", plan.lease_wh, (len(problem.leases), periods))
    total = 0
    for i, station in enumerate(problem.stations):
        reserve = [held[i] for held in plan.reserve_wh]
        calls = [_called(problem, reserve, t) for t in range(periods)]
        of = leased(problem, i)
        own, accounts = _check_leases(plan, problem, i, of) if of.numbers else (plan.battery_wh[i], None)
        _check_powers(f"stations[{i}]", station, own, reserve, calls, of)
        _check_content(f"stations[{i}]", station, plan.battery_wh[i], reserve, problem, of, accounts)
        for w, load in enumerate(problem.net_loads(i)):
            curtailed = plan.curtailed_wh[w][i]
            taken = [n + u - f for n, u, f in zip(load, curtailed, plan.battery_wh[i], strict=True)]
            _check_site(f"stations[{i}] in case {w}", station, curtailed, taken, calls)
        total += station.wear_price * sum(max(0, d) for d in plan.battery_wh[i])
        if station.holding:
            total += held_microcents(station.holding, contents(plan, problem, i), problem.period_s)
        for product, held in zip(problem.reserves, reserve, strict=True):
            total -= sum(p * r for p, r in zip(product.price, held, strict=True))
    return total


def _check_leases(plan: FleetPlan, problem: FleetProblem, i: int, of: Leased) -> tuple[Series, Series]:
    """Lessees within their shares; the owner's flow, and all accounts together at each period's end."""
    station, own, accounts = problem.stations[i], list(plan.battery_wh[i]), [0] * problem.periods
    unit = account_unit(station)
    for k in of.numbers:
        lease, name = problem.leases[k], f"leases[{k}]"
        (low, high), flows = account_window(lease, problem.periods), plan.lease_wh[k]
        for t, (flow, account) in enumerate(zip(flows, account_path(station, lease, flows), strict=True)):
            least, most = (
                (lease.nomination_wh[t],) * 2 if lease.nomination_wh else (-lease.charge_wh, lease.discharge_wh)
            )
            _require("nomination" if lease.nomination_wh else "share of power", name, t, flow, least, most)
            if not low[t] * unit <= account <= high * unit:
                value = Fraction(account, unit)
                raise LimitBroken(limit="account", place=name, period=t, value_wh=value, low_wh=low[t], high_wh=high)
            own[t] -= flow
            accounts[t] += account
    return tuple(own), tuple(accounts)


def _check_powers(
    name: str, station: FleetStation, own: Series, reserve: list[Series], calls: list[tuple[int, int]], of: Leased
) -> None:
    """(S2, S3) the owner's flow and reserves within the powers that leases leave it."""
    for t, (flow, (up, down)) in enumerate(zip(own, calls, strict=True)):
        for held in reserve:
            _require("reserve", name, t, held[t], 0, station.charge_wh + station.discharge_wh)
        most = station.discharge_wh - of.discharge_wh
        _require("discharge and reserve up", name, t, max(0, flow + up), 0, most)
        _require("charge and reserve down", name, t, max(0, down - flow), 0, station.charge_wh - of.charge_wh)


def _check_site(
    name: str, station: FleetStation, curtailed: Series, taken: list[int], calls: list[tuple[int, int]]
) -> None:
    """(S5) curtailment within the PV, and the flow at the PCC within its rights, reserves called or not."""
    for t, (up, down) in enumerate(calls):
        _require("curtailment", name, t, curtailed[t], 0, station.curtailable_wh[t])
        _require("PCC import", name, t, max(0, taken[t] + down), 0, station.pcc_import_wh)
        _require("PCC export", name, t, max(0, up - taken[t]), 0, station.pcc_export_wh)


def _called(problem: FleetProblem, reserve: list[Series], t: int) -> tuple[int, int]:
    """All reserves up and down of a station in a period."""
    found = {Direction.UP: 0, Direction.DOWN: 0}
    for q, held in zip(problem.reserves, reserve, strict=True):
        found[q.direction] += held[t]
    return found[Direction.UP], found[Direction.DOWN]


def _check_content(
    name: str, station: FleetStation, battery: Series, reserve: list[Series], problem: FleetProblem, of: Leased,
    accounts: Series | None,
) -> None:  # fmt: skip
    """(S1, S4) the owner's content, carried exactly, inside its window; calls borne at both ends of each period."""
    unit = station.eta_d_ppm * MILLION**2
    low, high = content_window(station)
    spare, free = start_room(station, of)
    before = spare * unit, free * unit, unit
    for t, (content, scale) in enumerate(_contents(station, battery, reserve, problem.reserves)):
        own, most = content, high[t] - of.energy_wh
        if accounts is not None:
            own -= accounts[t] * (scale // account_unit(station))
        if not low[t] * scale <= own <= most * scale:
            value = Fraction(own, scale)
            raise LimitBroken(limit="content", place=name, period=t, value_wh=value, low_wh=low[t], high_wh=most)
        if not problem.reserves:
            continue
        after = own - low[t] * scale, most * scale - own, scale
        for room in (before, after):
            _check_borne(name, station, t, problem, [held[t] for held in reserve], room)
        before = after


def contents(plan: FleetPlan, problem: FleetProblem, i: int) -> Iterator[tuple[int, int]]:
    """A station's content at each period's end, exactly: parts, and how many of them a Wh has."""
    reserve = [held[i] for held in plan.reserve_wh]
    return _contents(problem.stations[i], plan.battery_wh[i], reserve, problem.reserves)


def _contents(
    station: FleetStation, battery: Series, reserve: Sequence[Series], reserves: Sequence[Reserve]
) -> Iterator[tuple[int, int]]:
    unit = station.eta_d_ppm * MILLION**2
    content, scale = station.start_wh * unit, unit
    for t, flow in enumerate(battery):
        if station.keep_ppm != MILLION:
            content, scale = content * station.keep_ppm, scale * MILLION
        content += _step(station, flow, reserves, [held[t] for held in reserve]) * (scale // unit)
        yield content, scale


def start_room(station: FleetStation, of: Leased) -> tuple[int, int]:
    """What the owner has above its least content and below its most when the horizon begins, Wh, not below 0."""
    start = station.start_wh - of.start_wh
    return max(0, start - station.energy_min_wh), max(0, station.energy_max_wh - of.energy_wh - start)


def _step(station: FleetStation, flow: int, reserves: Sequence[Reserve], held: list[int]) -> int:
    """What a period adds to the content, times eta_d_ppm · 10¹²."""
    added = -flow * MILLION * station.eta_c_ppm * station.eta_d_ppm if flow < 0 else -flow * MILLION**3
    for q, r in zip(reserves, held, strict=True):
        if q.direction is Direction.UP:
            added -= q.activation_ppm * r * MILLION**2
        else:
            added += q.activation_ppm * r * station.eta_c_ppm * station.eta_d_ppm
    return added


def _check_borne(
    name: str, station: FleetStation, t: int, problem: FleetProblem, held: list[int], room: tuple[int, int, int]
) -> None:
    spare, free, scale = room
    up = sum(q.duration_s * r for q, r in zip(problem.reserves, held, strict=True) if q.direction is Direction.UP)
    down = sum(q.duration_s * r for q, r in zip(problem.reserves, held, strict=True)) - up
    given = Fraction(up * MILLION, problem.period_s * station.eta_d_ppm)
    taken = Fraction(down * station.eta_c_ppm, problem.period_s * MILLION)
    for limit, value, most in (("content for a call up", given, spare), ("room for a call down", taken, free)):
        if value and value * scale > most:
            raise LimitBroken(limit=limit, place=name, period=t, value_wh=value, low_wh=0, high_wh=most // scale)


def _bills(plan: FleetPlan, problem: FleetProblem) -> list[int]:
    """What each case's exchange with the grid and cut load cost, in millionths of a microcent, within all limits."""
    bills = []
    for w in range(len(problem.case_ppm)):
        bill = 0
        for r, (region, series) in enumerate(zip(problem.regions, exchange_microwh(plan, problem, w), strict=True)):
            for t, net in enumerate(series):
                low, high = -region.export_limit_wh[t] * MILLION, most_taken_wh(region, t) * MILLION
                if not low <= net <= high:
                    raise LimitBroken(
                        limit="exchange", place=f"regions[{r}] in case {w}", period=t, value_wh=Fraction(net, MILLION),
                        low_wh=low // MILLION, high_wh=high // MILLION,
                    )  # fmt: skip
                bill += bill_of(region, t, net)
        bills.append(bill)
    return bills


def exchange_microwh(plan: FleetPlan, problem: FleetProblem, w: int) -> list[list[int]]:
    """What each region takes in a case, [region][period], exactly, in millionths of a Wh: from the grid, load cut."""
    net = [[load * MILLION for load in region.base_load_wh] for region in problem.regions]
    for i, station in enumerate(problem.stations):
        series, load = net[station.region], problem.net_loads(i)[w]
        for t in range(problem.periods):
            series[t] += MILLION * (load[t] + plan.curtailed_wh[w][i][t] - plan.battery_wh[i][t])
    for k, tie in enumerate(problem.ties):
        for t, sent in enumerate(plan.tie_wh[w][k]):
            _require("tie", f"ties[{k}] in case {w}", t, sent, -tie.limit_wh, tie.limit_wh)
            left, reached = (tie.from_region, tie.to_region) if sent > 0 else (tie.to_region, tie.from_region)
            net[left][t] += MILLION * abs(sent)
            net[reached][t] -= arrived_microwh(tie, abs(sent))
    return net


def grid_microwh(plan: FleetPlan, problem: FleetProblem, w: int) -> list[list[int]]:
    """What each region takes from the grid in a case, import positive: what it takes less the load that it cuts."""
    return [
        [taken - exchange_of(region, t, taken).cut for t, taken in enumerate(row)]
        for region, row in zip(problem.regions, exchange_microwh(plan, problem, w), strict=True)
    ]


def _unheld_cost(plan: FleetPlan, problem: FleetProblem) -> int:
    """What requirements that may give way cost where they do, microcents; the others are kept."""
    total = 0
    for q, (reserve, lacking) in enumerate(zip(problem.reserves, unheld_wh(problem, plan), strict=True)):
        if reserve.short_price is not None:
            total += reserve.short_price * sum(map(sum, lacking))
            continue
        for r, t, short in ((r, t, short) for r, row in enumerate(lacking) for t, short in enumerate(row) if short):
            least = reserve.requirement_wh[r][t]
            raise LimitBroken(
                limit=f"reserves[{q}] held", place=f"regions[{r}]", period=t, value_wh=Fraction(least - short),
                low_wh=least, high_wh=least - short,
            )  # fmt: skip
    return total


def _require(limit: str, place: str, t: int, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise LimitBroken(limit=limit, place=place, period=t, value_wh=Fraction(value), low_wh=low, high_wh=high)


def _shaped(field: str, values: object, shape: tuple[int, ...]) -> None:
    if not isinstance(values, tuple) or len(values) != shape[0]:
        raise ShapeWrong(field=field, expected=shape[0], got=len(values) if isinstance(values, tuple) else -1)
    for k, value in enumerate(values):
        if len(shape) > 1:
            _shaped(f"{field}[{k}]", value, shape[1:])
        elif type(value) is not int:
            raise ShapeWrong(field=f"{field}[{k}]", expected=0, got=-1)


# The bound


def lower_bound_microcents(problem: FleetProblem, duals: FleetDuals) -> int:
    """The bound of this module's first lines, rounded down. Raises ShapeWrong, WeightsWrong or FieldWrong."""
    require_within("denominator", duals.denominator, 1, 10**18)
    cases, regions, periods = len(problem.case_ppm), len(problem.regions), problem.periods
    _shaped("case_weights", duals.case_weights, (cases,))
    _shaped("balance", duals.balance, (cases, regions, periods))
    _shaped("held", duals.held, (len(problem.reserves), regions, periods))
    if len(duals.station_runs) != len(problem.stations):
        raise ShapeWrong(field="station_runs", expected=len(problem.stations), got=len(duals.station_runs))
    _check_weights(problem, duals)
    total = Fraction(sum(_region_bound(problem, duals, r) for r in range(regions)))
    for k in range(len(problem.ties)):
        total += Fraction(_tie_bound(problem, duals, k), MILLION)
    for i in range(len(problem.stations)):
        total += station_bound(problem, duals, i)
    total /= duals.denominator
    return total.numerator // total.denominator


def _check_weights(problem: FleetProblem, duals: FleetDuals) -> None:
    """(1 − κ) π ≤ q ≤ (1 − κ) π + κ π / (1 − α), together 1: the weights over which CVaR is the largest mean."""
    kappa, rest = problem.risk.cvar_weight_ppm, MILLION - problem.risk.cvar_alpha_ppm
    if sum(duals.case_weights) != duals.denominator:
        raise WeightsWrong(case=-1, weight=sum(duals.case_weights), denominator=duals.denominator)
    for w, (ppm, weight) in enumerate(zip(problem.case_ppm, duals.case_weights, strict=True)):
        least = Fraction((MILLION - kappa) * ppm, MILLION**2)
        most = least + Fraction(kappa * ppm, MILLION * rest)
        if not least <= Fraction(weight, duals.denominator) <= most:
            raise WeightsWrong(case=w, weight=weight, denominator=duals.denominator)


def _region_bound(problem: FleetProblem, duals: FleetDuals, r: int) -> int:
    """Base load and requirements at their prices, import, export and cut load at their best."""
    region, total = problem.regions[r], 0
    for weight, prices in zip(duals.case_weights, duals.balance, strict=True):
        for t, price in enumerate(prices[r]):
            total += price * region.base_load_wh[t]
            total += min(0, weight * region.buy_price[t] - price) * region.import_limit_wh[t]
            total += min(0, price - weight * region.sell_price[t]) * region.export_limit_wh[t]
            if region.cut_most_wh:
                total += min(0, weight * region.cut_price[t] - price) * region.cut_most_wh[t]
    for reserve, held in zip(problem.reserves, duals.held, strict=True):
        worths = (held_worth(reserve, y, duals.denominator) for y in held[r])
        total += sum(y * least for y, least in zip(worths, reserve.requirement_wh[r], strict=True))
    return total


def held_worth(reserve: Reserve, y: int, denominator: int) -> int:
    """A requirement's dual as it counts: not below 0, and not above the price at which it gives way."""
    y = max(0, y)
    return y if reserve.short_price is None else min(y, reserve.short_price * denominator)


def _tie_bound(problem: FleetProblem, duals: FleetDuals, k: int) -> int:
    """A tie at its best, one way or the other, times 10⁶."""
    tie, total = problem.ties[k], 0
    for prices in duals.balance:
        for a, z in zip(prices[tie.from_region], prices[tie.to_region], strict=True):
            total += tie_bound(tie, a, z)
    return total


def station_bound(problem: FleetProblem, duals: FleetDuals, i: int) -> Fraction:
    """A station's part of the bound, in microcents times the denominator. Raises ShapeWrong."""
    station, rows = problem.stations[i], tuple(station_rows(problem, i))
    values = _expanded(duals.station_runs[i], len(rows), f"station_runs[{i}]")
    unit = station_unit(problem, station)
    reduced, total = _priced(problem, duals, i), 0
    reduced = {column: cost * unit for column, cost in reduced.items()}
    for load, prices in zip(problem.net_loads(i), duals.balance, strict=True):
        total += unit * sum(price * wh for price, wh in zip(prices[station.region], load, strict=True))
    for row, y in zip(rows, values, strict=True):
        if y * row.sense < 0 or y == 0:
            continue
        price = y * (unit // row.scale)
        total += price * row.right
        for column, coefficient in row.terms:
            reduced[column] -= price * coefficient
    low, high = content_window(station)
    for (kind, k, t), rest in reduced.items():
        if kind == "e" and station.holding:
            total += best_held(station.holding, rest, held_unit(problem, duals, unit), low[t], high[t])[0]
        elif kind == "e":
            total += rest * (low[t] if rest > 0 else high[t])
        elif kind == "u":
            total += min(0, rest) * station.curtailable_wh[t]
        elif kind == "r":
            total += min(0, rest) * (station.charge_wh + station.discharge_wh)
        elif kind == "c":
            total += min(0, rest * station.charge_wh, reduced["d", 0, t] * station.discharge_wh)
        elif kind == "lc":
            total += lease_flow_bound(problem.leases[k], t, rest, reduced["ld", k, t])
        elif kind == "a":
            least, most = account_window(problem.leases[k], problem.periods)
            total += rest * (least[t] if rest > 0 else most)
    return Fraction(total, unit)


def station_unit(problem: FleetProblem, station: FleetStation) -> int:
    """Parts of a microcent in which a station's part of the bound is exact, over the denominator."""
    return station.eta_d_ppm * MILLION**2 * problem.period_s * (HOUR_S if station.holding else 1)


def held_unit(problem: FleetProblem, duals: FleetDuals, unit: int) -> int:
    """What a microcent an hour of holding cost counts in those parts, each period."""
    return unit // HOUR_S * problem.period_s * duals.denominator


def lease_flow_bound(lease: FleetLease, t: int, charge: int, discharge: int) -> int:
    """A lessee's flows at their reduced costs: as nominated, or the best point of their hull."""
    if lease.nomination_wh:
        flow = lease.nomination_wh[t]
        return discharge * flow if flow > 0 else -charge * flow
    return min(0, charge * lease.charge_wh, discharge * lease.discharge_wh)


def _priced(problem: FleetProblem, duals: FleetDuals, i: int) -> dict[Column, int]:
    """Costs of a station's columns at the regions' prices, over the denominator."""
    station = problem.stations[i]
    costs: dict[Column, int] = {}
    for t in range(problem.periods):
        together = sum(prices[station.region][t] for prices in duals.balance)
        costs["c", 0, t] = together
        costs["d", 0, t] = station.wear_price * duals.denominator - together
        costs["e", 0, t] = 0
    for w, prices in enumerate(duals.balance):
        for t, price in enumerate(prices[station.region]):
            costs["u", w, t] = price
    for q, (reserve, held) in enumerate(zip(problem.reserves, duals.held, strict=True)):
        for t, y in enumerate(held[station.region]):
            costs["r", q, t] = -reserve.price[t] * duals.denominator - max(0, y)
    for k in leased(problem, i).numbers:
        costs |= {(kind, k, t): 0 for kind in ("lc", "ld", "a") for t in range(problem.periods)}
    return costs


def _expanded(runs: Series, rows: int, field: str) -> list[int]:
    counts, values = runs[::2], runs[1::2]
    if any(type(k) is not int for k in runs) or min(counts, default=0) < 0 or sum(counts) != rows:
        raise ShapeWrong(field=field, expected=rows, got=len(runs))
    if len(counts) != len(values):
        raise ShapeWrong(field=field, expected=len(counts), got=len(values))
    return list(chain.from_iterable([value] * count for count, value in zip(counts, values, strict=True)))


def in_runs(values: Sequence[int]) -> Series:
    """The form of `station_runs`."""
    return tuple(chain.from_iterable((len(list(run)), value) for value, run in groupby(values)))


# The rows of a station


def station_rows(problem: FleetProblem, i: int) -> Iterator[Row]:
    """A station's rows: store, import, export, those of its leases, of its reserves; each kind by case and period."""
    station, of = problem.stations[i], leased(problem, i)
    up = [(q, r) for q, r in enumerate(problem.reserves) if r.direction is Direction.UP]
    down = [(q, r) for q, r in enumerate(problem.reserves) if r.direction is Direction.DOWN]
    yield from _store_rows(station, problem.periods, up, down)
    for sign, kind, called in ((1, "import_right", down), (-1, "export_right", up)):
        right = station.pcc_import_wh if sign > 0 else station.pcc_export_wh
        for w, loads in enumerate(problem.net_loads(i)):
            for t, load in enumerate(loads):
                terms = _drawn(sign, w, t) + tuple((("r", q, t), 1) for q, _ in called)
                yield Row(name=(kind, w, t), terms=terms, sense=-1, right=right - sign * load, scale=1)
    for k in of.numbers:
        yield from _account_rows(station, problem.leases[k], k, problem.periods)
    if of.numbers:
        yield from _power_rows(station, of, problem.periods, "own_discharge", -1, [])
        yield from _power_rows(station, of, problem.periods, "own_charge", 1, [])
        yield from _bear_up_rows(station, of, problem, [], "own_least")
        yield from _bear_down_rows(station, of, problem, [], "own_most")
    if up:
        yield from _power_rows(station, of, problem.periods, "reserve_up", -1, up)
        yield from _bear_up_rows(station, of, problem, up, "bear_up")
        yield from _bear_up_rows(station, of, problem, up, "bear_up_before", before=1)
    if down:
        yield from _power_rows(station, of, problem.periods, "reserve_down", 1, down)
        yield from _bear_down_rows(station, of, problem, down, "bear_down")
        yield from _bear_down_rows(station, of, problem, down, "bear_down_before", before=1)


Called = list[tuple[int, Reserve]]


def _store_rows(station: FleetStation, periods: int, up: Called, down: Called) -> Iterator[Row]:
    """(S1) e_t − keep e_{t−1} − ηc (c + Σ α r↓) + (d + Σ α r↑)/ηd = 0, times ηd 10¹² in ppm."""
    both = station.eta_c_ppm * station.eta_d_ppm
    scale = station.eta_d_ppm * MILLION**2
    kept = station.keep_ppm * station.eta_d_ppm * MILLION
    for t in range(periods):
        terms = [(("e", 0, t), scale), (("c", 0, t), -both * MILLION), (("d", 0, t), MILLION**3)]
        terms += [(("e", 0, t - 1), -kept)] if t else []
        terms += [(("r", q, t), r.activation_ppm * MILLION**2) for q, r in up]
        terms += [(("r", q, t), -r.activation_ppm * both) for q, r in down]
        right = 0 if t else kept * station.start_wh
        yield Row(name=("store", 0, t), terms=tuple(terms), sense=0, right=right, scale=scale)


def _account_rows(station: FleetStation, lease: FleetLease, k: int, periods: int) -> Iterator[Row]:
    """(L1) a_t − a_{t−1} − ηc c + d/ηd = 0 of a lease, times ηd 10⁶ in ppm."""
    scale = account_unit(station)
    for t in range(periods):
        terms = [
            (("a", k, t), scale),
            (("lc", k, t), -station.eta_c_ppm * station.eta_d_ppm),
            (("ld", k, t), MILLION**2),
        ]
        terms += [(("a", k, t - 1), -scale)] if t else []
        right = 0 if t else scale * lease.start_wh
        yield Row(name=("account_store", k, t), terms=tuple(terms), sense=0, right=right, scale=scale)


def _drawn(sign: int, w: int, t: int) -> tuple[tuple[Column, int], ...]:
    """c − d + u, or its opposite."""
    return (("c", 0, t), sign), (("d", 0, t), -sign), (("u", w, t), sign)


def _power_rows(station: FleetStation, of: Leased, periods: int, kind: str, sign: int, called: Called) -> Iterator[Row]:
    """(S3, L2) what the owner discharges + Σ r↑ ≤ Pd less the lessees', and what it charges + Σ r↓ ≤ Pc less theirs."""
    right = station.charge_wh - of.charge_wh if sign > 0 else station.discharge_wh - of.discharge_wh
    for t in range(periods):
        theirs = tuple(pair for k in of.numbers for pair in ((("lc", k, t), -sign), (("ld", k, t), sign)))
        terms = ((("c", 0, t), sign), (("d", 0, t), -sign), *theirs, *((("r", q, t), 1) for q, _ in called))
        yield Row(name=(kind, 0, t), terms=terms, sense=-1, right=right, scale=1)


def _bear_up_rows(
    station: FleetStation, of: Leased, problem: FleetProblem, called: Called, kind: str, *, before: int = 0
) -> Iterator[Row]:
    """(S4, L3) Σ (τ/dt) r↑/ηd − e_t + Σ a_t ≤ −low_t, or of t − 1; of the start: ≤ what the owner has to spare."""
    low, _ = content_window(station)
    scale = station.eta_d_ppm * problem.period_s
    for t in range(problem.periods):
        borne = tuple((("r", q, t), r.duration_s * MILLION) for q, r in called)
        if before > t:
            right = start_room(station, of)[0] * scale
            yield Row(name=(kind, 0, t), terms=borne, sense=-1, right=right, scale=scale)
        else:
            at = t - before
            terms = ((("e", 0, at), -scale), *((("a", k, at), scale) for k in of.numbers), *borne)
            yield Row(name=(kind, 0, t), terms=terms, sense=-1, right=-low[at] * scale, scale=scale)


def _bear_down_rows(
    station: FleetStation, of: Leased, problem: FleetProblem, called: Called, kind: str, *, before: int = 0
) -> Iterator[Row]:
    """(S4, L3) e_t − Σ a_t + Σ (τ/dt) ηc r↓ ≤ high_t less what the accounts may hold, or of t − 1."""
    _, high = content_window(station)
    scale = MILLION * problem.period_s
    for t in range(problem.periods):
        borne = tuple((("r", q, t), r.duration_s * station.eta_c_ppm) for q, r in called)
        if before > t:
            right = start_room(station, of)[1] * scale
            yield Row(name=(kind, 0, t), terms=borne, sense=-1, right=right, scale=scale)
        else:
            at = t - before
            terms = ((("e", 0, at), scale), *((("a", k, at), -scale) for k in of.numbers), *borne)
            right = (high[at] - of.energy_wh) * scale
            yield Row(name=(kind, 0, t), terms=terms, sense=-1, right=right, scale=scale)
