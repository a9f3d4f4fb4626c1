"""Who gets what of the gain of planning together, and a proof that nobody does better by leaving (protocol 9.11).

A coalition S of members keeps what each of them holds: its stations' own parts and the leases that it has taken. c(S)
is the linear optimum of S's programme, `program` with the parts of S alone; v(S) = Σ c({i}) − c(S) is what S gains
by planning together. A split pays each member i its share x_i, so that i bears p_i = c({i}) − x_i; what S would gain by
leaving is its excess e(S) = v(S) − Σ x_i = Σ p_i − c(S).

The prices y of the whole plan's rows, taken for the rows of S, bound c(S) from below. Each row and column is one
member's, but for imports, the pool's flows and their balances, which have nothing on the right but members' loads and,
as 0 ≤ ν ≤ w and sell ≤ λ ≤ buy − w, add nothing; so the bound is Σ d_i over S, d_i that of {i}'s programme at y, and

    e(S)  ≤  Σ (p_i − d_i)  over S,  for every coalition at once.

If no member's slack p_i − d_i is above a cent, no coalition gains more than a cent a member by leaving. Costs here are
microcents, shares cents.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations, zip_longest
from math import factorial

from alliance.certificate import MICRO, Certificate, FigureDiffers, Name, lower_bound_microcents, pool_span, program
from alliance.certificate import check as check_certificate
from alliance.errors import Malformed, Refused
from alliance.identity import Digest, MemberId
from alliance.money import largest_remainder
from alliance.schedule import Problem, from_plain, to_plain, unwrap

MOST_MEMBERS = 12
"""An alliance of so many members has all its coalitions in a record; a larger one those met in seeded orders."""
MOST_ORDERS = 10_000

Coalition = tuple[MemberId, ...]
"""Members, ascending."""
Costs = Mapping[Coalition, int]
"""Of coalitions: c(S), microcents."""


class Rule(StrEnum):
    """How the gain is split."""

    PRICES = "prices"
    """Owen: each member bears the worth of what it holds and needs at the plan's dual prices, d_i."""
    KW = "kw"
    """By the rated discharge power of the stations that a member owns."""
    SHAPLEY = "shapley"
    """What a member adds on joining, in the mean over all orders, or over the record's."""
    NUCLEOLUS = "nucleolus"
    """The largest excess least, then the next."""
    SETTLED = "settled"
    """As paid: the schedule's gain rows, whole watt-hours at whole prices (protocol 8.7.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoalitionCost:
    """c(S) of a coalition: of one member and of all as the certificate proves it, else as the solver has it."""

    members: Coalition
    cost_microcents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The gain split by one rule; tuples run along the record's members."""

    rule: Rule
    shares_cents: tuple[int, ...]
    slack_microcents: tuple[int, ...]
    """p_i − d_i of each member."""
    worst_excess_microcents: int
    """e(S) of the coalition whose members would gain most each, of those that the record holds, all members apart."""
    worst_coalition: Coalition


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The record of a split: the game, as far as it was solved, and what each rule makes of it."""

    problem_digest: Digest
    members: tuple[MemberId, ...]
    bounds_microcents: tuple[int, ...]
    """d_i of each member, rounded down."""
    orders: int
    """In how many seeded orders members joined; 0: every coalition is in the record."""
    seed: int
    costs: tuple[CoalitionCost, ...]
    """By size, then members; each member alone and all together are always there."""
    gain_cents: int
    """v of all members, rounded once; every rule but `settled` splits exactly this."""
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainProof:
    """What a checked record proves without a solver. A figure is of every coalition, in the record or not."""

    gain_cents: int
    linear: bool
    """Whether what is split is the linear optimum's gain; else the plan's own, which is less."""
    gap_microcents: int
    """By so much the plan in whole watt-hours may cost more than the linear optimum of all members."""
    most_excess_microcents: tuple[tuple[Rule, int], ...]
    """For each rule: no coalition gains more than this a member by leaving."""


@dataclass(kw_only=True, eq=False)
class PriceOutside(Refused):
    """A dual price of the certificate lies outside its span by a fraction, and the bounds would not add up."""

    row: str
    place: int
    slot: int


@dataclass(kw_only=True, eq=False)
class DigestDiffers(Refused):
    """The record is of another problem than the certificate."""

    expected: bytes
    got: bytes


@dataclass(kw_only=True, eq=False)
class CoalitionsDiffer(Refused):
    """The record's members or coalitions are not those that it should hold."""

    position: int
    expected: Coalition | None
    got: Coalition | None


@dataclass(kw_only=True, eq=False)
class CostImpossible(Refused):
    """A coalition cannot cost so little (the plan's prices bound it) or so much (its members alone pay less)."""

    members: Coalition
    cost_microcents: int
    low_microcents: int
    high_microcents: int


@dataclass(kw_only=True, eq=False)
class TooManyMembers(Malformed):
    """All coalitions of so many members are too many."""

    members: int
    limit: int


# Coalitions


def all_coalitions(members: Sequence[MemberId]) -> list[Coalition]:
    """Every coalition but the empty one, by size, then members. Raises TooManyMembers."""
    if len(members) > MOST_MEMBERS:
        raise TooManyMembers(members=len(members), limit=MOST_MEMBERS)
    return [group for size in range(1, len(members) + 1) for group in combinations(sorted(members), size)]


def order(members: Iterable[MemberId], *, seed: int, k: int) -> list[MemberId]:
    """The k-th order of joining: by SHA-256(seed u64 ‖ k u32 ‖ member u64), big-endian."""
    head = seed.to_bytes(8, "big") + k.to_bytes(4, "big")
    return sorted(members, key=lambda m: hashlib.sha256(head + m.to_bytes(8, "big", signed=True)).digest())


def met_coalitions(members: Sequence[MemberId], *, seed: int, orders: int) -> list[Coalition]:
    """Each member alone and every coalition met when members join in the first seeded orders, by size, then members."""
    found: set[Coalition] = {(m,) for m in members}
    for k in range(orders):
        found |= _met(members, seed, k)
    return sorted(found, key=lambda group: (len(group), group))


def orders_within(members: Sequence[MemberId], most: int, *, seed: int) -> int:
    """How many first seeded orders meet no more coalitions than that, one at least."""
    found, orders = {(m,) for m in members} | _met(members, seed, 0), 1
    while orders < MOST_ORDERS and len(found := found | _met(members, seed, orders)) <= most:
        orders += 1
    return orders


def _met(members: Iterable[MemberId], seed: int, k: int) -> set[Coalition]:
    joined = order(members, seed=seed, k=k)
    return {tuple(sorted(joined[:n])) for n in range(1, len(joined) + 1)}


# The bound


def bounds_microcents(certificate: Certificate) -> tuple[int, ...]:
    """d_i of each member: the bound of its own programme at the whole plan's prices, rounded down. Raises PriceOutside.

    Their sum is the plan's lower bound, or less by a microcent a member at most.
    """
    problem = certificate.problem
    of_row = {row.name: y for row, y in zip(program(problem).rows, certificate.duals, strict=True)}
    _require_prices_inside(certificate, of_row)
    found = []
    for member in problem.members:
        alone = program(problem, member=member)
        duals = tuple(of_row[row.name] for row in alone.rows)
        found.append(lower_bound_microcents(alone, duals, denominator=certificate.denominator))
    return tuple(found)


def certified_costs(certificate: Certificate, bounds: Sequence[int]) -> dict[Coalition, int]:
    """c of each member alone and of all together, as the certificate has them: no solver's word.

    A day-ahead certificate holds each member's duals apart; a bound that falls under d_i counts as d_i. All together
    cost the plan's lower bound, or the plan's own cost where it is not `linear`.
    """
    problem = certificate.problem
    _same("members with duals apart", len(problem.members), len(certificate.apart))
    found: dict[Coalition, int] = {}
    for (member, duals), d in zip(certificate.apart, bounds, strict=True):
        alone = program(problem, member=member)
        found[(member,)] = max(d, lower_bound_microcents(alone, duals, denominator=certificate.denominator))
    whole = certificate.lower_bound_microcents if linear(certificate) else certificate.objective_microcents
    return found | {problem.members: whole}


def linear(certificate: Certificate) -> bool:
    """Whether the plan costs more than its bound by no more than whole watt-hours may.

    That is 1 Wh a holder and slot at the dearest price. If it costs more, a battery may not do what the linear optimum
    would have it do, charge and discharge at once, or needs room for netting; then there is only the plan's own gain.
    """
    problem = certificate.problem
    dearest = [max(abs(t.buy_price), abs(t.sell_price)) for g in problem.groups for t in g.tariff.slots]
    wear = [site.wear_price for site in problem.sites] + [share.lease.wear_price for share in problem.shares]
    holders = len(problem.sites) + len(problem.shares)
    gap = certificate.objective_microcents - certificate.lower_bound_microcents
    return gap <= holders * problem.slots * (max(dearest) + max(wear))


def _require_prices_inside(certificate: Certificate, of_row: Mapping[Name, int]) -> None:
    """sell ≤ λ ≤ buy − w and 0 ≤ ν ≤ w, to the fraction: then flows that members share add nothing to a bound."""
    spans: dict[tuple[str, int, int], tuple[int, int]] = {}
    for g in certificate.problem.groups:
        for k, tariff in enumerate(g.tariff.slots):
            spans["balance", int(g.group.number), k] = pool_span(tariff)
            spans |= {("split", int(station), k): (0, tariff.network_price) for station in g.group.stations}
    for (kind, place, _, k), y in of_row.items():
        low, high = spans.get((kind, place, k), (None, None))
        if low is None or high is None:
            continue
        if not low * certificate.denominator <= y <= high * certificate.denominator:
            raise PriceOutside(row=kind, place=place, slot=certificate.problem.first_slot + k)


# Rules


def gain_microcents(costs: Costs, coalition: Coalition) -> int:
    """v(S) = Σ c({i}) − c(S)."""
    return sum(costs[(m,)] for m in coalition) - costs[coalition]


def by_prices(certificate: Certificate, costs: Costs, bounds: Sequence[int]) -> dict[MemberId, Fraction]:
    """What each member gains when it bears d_i, microcents; where the plan is not `linear`, its planned cost."""
    borne = bounds if linear(certificate) else _settled(certificate)[1]
    return {m: Fraction(costs[(m,)] - cost) for m, cost in zip(certificate.problem.members, borne, strict=True)}


def by_power(problem: Problem, gain_cents: int) -> dict[MemberId, int]:
    """The gain by rated discharge power of owned stations, cents; equal parts where nobody has any."""
    watts = dict.fromkeys(problem.members, 0)
    for site in problem.sites:
        watts[site.station.owner] += site.station.discharge_power_w
    return largest_remainder(gain_cents, watts)


def shapley(costs: Costs, members: Coalition) -> dict[MemberId, Fraction]:
    """φ_i = Σ over S without i of |S|! (n − |S| − 1)! / n! · (v(S ∪ i) − v(S)), microcents; wants every coalition."""
    n = len(members)
    weight = [Fraction(factorial(size) * factorial(n - size - 1), factorial(n)) for size in range(n)]
    value = {(): 0} | {group: gain_microcents(costs, group) for group in all_coalitions(members)}
    found = dict.fromkeys(members, Fraction(0))
    for group, v in value.items():
        for at, member in enumerate(group):
            found[member] += weight[len(group) - 1] * (v - value[group[:at] + group[at + 1 :]])
    return found


def sampled_shapley(costs: Costs, members: Coalition, *, seed: int, orders: int) -> dict[MemberId, Fraction]:
    """The mean of what each member adds over the first seeded orders, microcents."""
    found = dict.fromkeys(members, Fraction(0))
    for k in range(orders):
        before, joined = 0, order(members, seed=seed, k=k)
        for n, member in enumerate(joined, start=1):
            after = gain_microcents(costs, tuple(sorted(joined[:n])))
            found[member] += Fraction(after - before, orders)
            before = after
    return found


def whole_cents(exact: Mapping[MemberId, Fraction], total_cents: int) -> dict[MemberId, int]:
    """Shares in microcents as whole cents that sum to the total: floors, the rest one by one by larger remainder."""
    floors = {m: share // MICRO for m, share in exact.items()}
    base, extra = divmod(total_cents - sum(floors.values()), len(floors))
    by_remainder = sorted(exact, key=lambda m: (-(exact[m] % MICRO), m))
    return {m: floors[m] + base + (m in by_remainder[:extra]) for m in exact}


def split_of(
    rule: Rule, shares_cents: Sequence[int], *, costs: Costs, members: Coalition, bounds: Sequence[int],
    payments: Sequence[int] | None = None,
) -> Split:  # fmt: skip
    """A rule's shares with their slack and worst coalition. `payments`: p_i, where it is not c({i}) − x_i."""
    paid = payments or [costs[(m,)] - x * MICRO for m, x in zip(members, shares_cents, strict=True)]
    of_member = dict(zip(members, paid, strict=True))
    apart = {group: sum(of_member[m] for m in group) - cost for group, cost in costs.items() if group != members}
    worst = max(apart, key=lambda group: Fraction(apart[group], len(group)), default=())
    return Split(
        rule=rule,
        shares_cents=tuple(shares_cents),
        slack_microcents=tuple(p - d for p, d in zip(paid, bounds, strict=True)),
        worst_excess_microcents=apart.get(worst, 0),
        worst_coalition=worst,
    )


def record(
    certificate: Certificate, costs: Costs, *, rules: Iterable[Rule], seed: int = 0, orders: int = 0,
    nucleolus: Mapping[MemberId, Fraction] | None = None,
) -> Gain:  # fmt: skip
    """The record of some rules over solved coalitions, in the order of `all_coalitions` or `met_coalitions`.

    Raises PriceOutside, or what `Rule.SETTLED` wants of a schedule: FigureDiffers without gain rows.
    """
    members, bounds = certificate.problem.members, bounds_microcents(certificate)
    total = _cents(gain_microcents(costs, members))
    splits = []
    for rule in Rule:
        if rule not in rules:
            continue
        payments = None
        if rule is Rule.SETTLED:
            shares, payments = _settled(certificate)
        elif rule is Rule.NUCLEOLUS:
            shares = _in_order(whole_cents(nucleolus or {}, total), members)
        else:
            exact = _by_rule(rule, certificate, costs, bounds, total, seed=seed, orders=orders)
            shares = _in_order(exact, members)
        splits.append(split_of(rule, shares, costs=costs, members=members, bounds=bounds, payments=payments))
    return Gain(
        problem_digest=problem_digest(certificate.problem),
        members=members,
        bounds_microcents=bounds,
        orders=orders,
        seed=seed,
        costs=tuple(CoalitionCost(members=group, cost_microcents=cost) for group, cost in costs.items()),
        gain_cents=total,
        splits=tuple(splits),
    )


def _by_rule(
    rule: Rule, certificate: Certificate, costs: Costs, bounds: Sequence[int], total: int, *, seed: int, orders: int
) -> dict[MemberId, int]:
    """Shares, cents, of a rule that needs no solver."""
    members = certificate.problem.members
    if rule is Rule.KW:
        return by_power(certificate.problem, total)
    if rule is Rule.PRICES:
        return whole_cents(by_prices(certificate, costs, bounds), total)
    exact = sampled_shapley(costs, members, seed=seed, orders=orders) if orders else shapley(costs, members)
    return whole_cents(exact, total)


def _settled(certificate: Certificate) -> tuple[list[int], list[int]]:
    """Gains and payments of the schedule's gain rows."""
    rows = certificate.schedule.gains
    _same("members with a gain", len(certificate.problem.members), len(rows))
    return [row.gain_cents for row in rows], [row.planned_cost_cents * MICRO for row in rows]


def _in_order(shares: Mapping[MemberId, int], members: Coalition) -> list[int]:
    return [shares[m] for m in members]


def _cents(microcents: int) -> int:
    """Rounded once, half up; a gain is not negative."""
    return (2 * microcents + MICRO) // (2 * MICRO)


# The record


def check(gain: Gain, certificate: Certificate) -> GainProof:
    """Recompute a record from the certificate of its plan; what the proof says rests on no solver.

    Coalitions' costs are the solver's: they are held against what bounds them, and every share and excess that follows
    from them is recomputed, the nucleolus apart, whose shares only have to sum to the gain.
    Raises what `alliance.certificate.check` raises, PriceOutside, DigestDiffers, CoalitionsDiffer, CostImpossible,
    FigureDiffers or TooManyMembers.
    """
    check_certificate(certificate)
    expected = problem_digest(certificate.problem)
    if gain.problem_digest != expected:
        raise DigestDiffers(expected=expected, got=gain.problem_digest)
    if gain.members != certificate.problem.members:
        raise CoalitionsDiffer(position=-1, expected=certificate.problem.members, got=gain.members)
    bounds = bounds_microcents(certificate)
    _same_each("bounds_microcents", bounds, gain.bounds_microcents, members=gain.members)
    costs = _checked_costs(gain, certificate, bounds)
    rules = [split.rule for split in gain.splits]
    _same("rules, each once and in order", 1, int(rules == [rule for rule in Rule if rule in rules]))
    wanted = record(
        certificate, costs, rules=rules, seed=gain.seed, orders=gain.orders, nucleolus=_claimed_nucleolus(gain)
    )
    _same("gain_cents", wanted.gain_cents, gain.gain_cents)
    for ours, theirs in zip(wanted.splits, gain.splits, strict=True):
        _check_split(ours, theirs, gain.members)
    return GainProof(
        gain_cents=gain.gain_cents,
        linear=linear(certificate),
        gap_microcents=certificate.objective_microcents - certificate.lower_bound_microcents,
        most_excess_microcents=tuple((split.rule, max(split.slack_microcents)) for split in gain.splits),
    )


def problem_digest(problem: Problem) -> Digest:
    """SHA-256 over the problem's plain form as JSON: sorted names, no spaces, bytes as 0x-hex."""
    plain = json.dumps(to_plain(problem), sort_keys=True, separators=(",", ":"), default=lambda raw: "0x" + raw.hex())
    return Digest(hashlib.sha256(plain.encode()).digest())


def gain_to_plain(gain: Gain) -> dict[str, object]:
    """The canonical plain form: maps, lists, integers, texts and bytes only."""
    return {"v": 1, "gain": to_plain(gain)}


def gain_from_plain(plain: object) -> Gain:
    """Read `gain_to_plain`'s form, strictly. Raises PlainWrong."""
    return from_plain(Gain, unwrap(plain, name="gain"), where="gain")


def _checked_costs(gain: Gain, certificate: Certificate, bounds: Sequence[int]) -> dict[Coalition, int]:
    """The coalitions that should be there, each with a cost that is possible."""
    members = certificate.problem.members
    if not 0 <= gain.orders <= MOST_ORDERS or gain.seed < 0:
        raise TooManyMembers(members=gain.orders, limit=MOST_ORDERS)
    wanted = met_coalitions(members, seed=gain.seed, orders=gain.orders) if gain.orders else all_coalitions(members)
    costs: dict[Coalition, int] = {}
    for at, (group, one) in enumerate(zip_longest(wanted, gain.costs)):
        if one is None or one.members != group:
            raise CoalitionsDiffer(position=at, expected=group, got=None if one is None else one.members)
        costs[group] = one.cost_microcents
    least, certified = dict(zip(members, bounds, strict=True)), certified_costs(certificate, bounds)
    for group, cost in costs.items():
        exact = certified.get(group)
        low, high = possible_microcents(group, costs, least) if exact is None else (exact, exact)
        if not low <= cost <= high:
            raise CostImpossible(members=group, cost_microcents=cost, low_microcents=low, high_microcents=high)
    return costs


def possible_microcents(coalition: Coalition, costs: Costs, bounds: Mapping[MemberId, int]) -> tuple[int, int]:
    """Between what c(S) lies: its members' bounds, and what it would cost if one or all of them went alone."""
    low = sum(bounds[m] for m in coalition)
    high = sum(costs[(m,)] for m in coalition)
    for at, member in enumerate(coalition):
        rest = costs.get(coalition[:at] + coalition[at + 1 :])
        high = high if rest is None else min(high, rest + costs[(member,)])
    return low, max(low, high)


def _claimed_nucleolus(gain: Gain) -> dict[MemberId, Fraction] | None:
    for split in gain.splits:
        if split.rule is Rule.NUCLEOLUS:
            _same("shares", len(gain.members), len(split.shares_cents))
            return {m: Fraction(x * MICRO) for m, x in zip(gain.members, split.shares_cents, strict=True)}
    return None


def _check_split(ours: Split, theirs: Split, members: Coalition) -> None:
    for figure in ("shares_cents", "slack_microcents"):
        _same_each(f"{ours.rule} {figure}", getattr(ours, figure), getattr(theirs, figure), members=members)
    _same(f"{ours.rule} worst excess", ours.worst_excess_microcents, theirs.worst_excess_microcents)
    if ours.worst_coalition != theirs.worst_coalition:
        raise CoalitionsDiffer(position=-1, expected=ours.worst_coalition, got=theirs.worst_coalition)


def _same_each(figure: str, expected: Sequence[int], got: Sequence[int], *, members: Coalition) -> None:
    _same(f"{figure}, count", len(expected), len(got))
    for member, a, b in zip(members, expected, got, strict=True):
        _same(figure, a, b, number=member)


def _same(figure: str, expected: int, got: int, *, number: int = 0) -> None:
    if expected != got:
        raise FigureDiffers(figure=figure, number=number, expected=expected, got=got)
