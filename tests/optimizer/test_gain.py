"""The gain and its split (protocol 9.11): nobody leaves a split by dual prices, and anyone can see that nobody does."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.certificate import MICRO, lower_bound_microcents, pool_span, program
from alliance.errors import AllianceError
from alliance.gain import (
    CoalitionsDiffer,
    CostImpossible,
    DigestDiffers,
    PriceOutside,
    Rule,
    TooManyMembers,
    all_coalitions,
    bounds_microcents,
    by_power,
    check,
    gain_from_plain,
    gain_microcents,
    gain_to_plain,
    linear,
    met_coalitions,
    order,
    orders_within,
    record,
    sampled_shapley,
    shapley,
    whole_cents,
)
from alliance.schedule import parts
from optimizer.coalitions import burns, coalition_costs, costs_without_leases_outside, solved_costs
from optimizer.linear import Job, compiled
from optimizer.model import build
from optimizer.nucleolus import least_excess, nucleolus
from optimizer.planning import plan_day
from optimizer.solver import SolverSettings, solve
from tests.campaigns.coalitions import doctored_records
from tests.optimizer.alliances import alliance
from tests.optimizer.cases import problem, random_problem, share, site, worked_example

RULES = (Rule.PRICES, Rule.KW, Rule.SHAPLEY, Rule.SETTLED)
ANY_GAP = SolverSettings(most_gap_ppm=10**12)


@cache
def worked():
    certificate = plan_day(worked_example()).certificate
    return certificate, coalition_costs(certificate, all_coalitions((1, 2, 3)))


def split(gain, rule):
    return next(s for s in gain.splits if s.rule is rule)


def excess_cents(gain, rule, group):
    """What a coalition would gain by leaving, from a record's figures."""
    costs = {one.members: one.cost_microcents for one in gain.costs}
    shares = dict(zip(gain.members, split(gain, rule).shares_cents, strict=True))
    return gain_microcents(costs, group) / MICRO - sum(shares[m] for m in group)


# The worked example


def test_shares_by_prices_and_pairs_excesses_are_those_of_the_worked_example():
    certificate, costs = worked()
    gain = record(certificate, costs, rules=RULES)
    for share_cents, published in zip(split(gain, Rule.PRICES).shares_cents, (2_390.5, 3_588.9, 9_717.9), strict=True):
        assert abs(share_cents - published) < 1
    pairs = {(1, 2): -2_047, (1, 3): -12_108, (2, 3): -1_304}
    for pair, published in pairs.items():
        assert excess_cents(gain, Rule.PRICES, pair) == pytest.approx(published, abs=1)
    assert (
        sum(split(gain, Rule.PRICES).shares_cents)
        == gain.gain_cents
        == round(gain_microcents(costs, (1, 2, 3)) / MICRO)
    )


def test_a_split_by_power_is_caught_when_a_pair_does_better_alone():
    certificate, costs = worked()
    by_kw = split(record(certificate, costs, rules=RULES), Rule.KW)
    assert by_kw.worst_coalition == (2, 3)
    assert by_kw.worst_excess_microcents > 9_000 * MICRO
    proof = check(record(certificate, costs, rules=RULES), certificate)
    assert dict(proof.most_excess_microcents)[Rule.PRICES] < MICRO < dict(proof.most_excess_microcents)[Rule.KW]


# The bound


def restricted(certificate, group):
    """The bound of a coalition's programme at the prices of the whole plan."""
    of_row = {row.name: y for row, y in zip(program(certificate.problem).rows, certificate.duals, strict=True)}
    rows = program(certificate.problem, all_parts=[p for p in parts(certificate.problem) if p.member in group])
    return lower_bound_microcents(rows, tuple(of_row[r.name] for r in rows.rows), denominator=certificate.denominator)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 300), data=st.data())
def test_a_coalitions_bound_is_the_sum_of_its_members_whatever_the_prices_are(seed, data):
    """Not only at the optimal duals: at any that keep sell ≤ λ ≤ buy − w and 0 ≤ ν ≤ w."""
    certificate = plan_day(random_problem(seed, slots=3), settings=ANY_GAP).certificate
    duals = list(certificate.duals)
    chance = data.draw(st.randoms(use_true_random=False))
    spans = {}
    for g in certificate.problem.groups:
        for k, t in enumerate(g.tariff.slots):
            spans["balance", int(g.group.number), k] = pool_span(t)
            spans |= {("split", int(s), k): (0, t.network_price) for s in g.group.stations}
    for at, row in enumerate(program(certificate.problem).rows):
        low, high = spans.get((row.name[0], row.name[1], row.name[3]), (-200_000, 200_000))
        if chance.random() < 0.3:
            duals[at] = chance.randint(low * certificate.denominator, high * certificate.denominator)
    other = replace(certificate, duals=tuple(duals))
    members = other.problem.members
    of_member = dict(zip(members, bounds_microcents(other), strict=True))
    groups = all_coalitions(members)
    solved = solved_costs(other.problem, groups)
    for group in groups:
        bound = sum(of_member[m] for m in group)
        assert 0 <= restricted(other, group) - bound <= len(group)
        assert bound <= solved[group] * MICRO + 1_000


def test_bounds_are_refused_when_a_price_leaves_its_span_by_a_thousandth():
    certificate, _ = worked()
    at = next(i for i, row in enumerate(program(certificate.problem).rows) if row.name[0] == "balance")
    duals = list(certificate.duals)
    duals[at] -= 1
    with pytest.raises(PriceOutside) as refused:
        bounds_microcents(replace(certificate, duals=tuple(duals)))
    assert (refused.value.row, refused.value.place, refused.value.slot) == ("balance", 1, 0)


@pytest.mark.parametrize("seed", [3, 7, 11, 16])
def test_the_walk_finds_what_each_coalition_costs_solved_from_nothing(seed):
    case = random_problem(seed, slots=5)
    held, groups = parts(case), all_coalitions(case.members)
    jobs = [Job(linear=compiled(build(case, [p for p in held if p.member in group]))) for group in groups]
    ours = solved_costs(case, groups)
    for group, answer in zip(groups, solve(jobs, settings=SolverSettings()), strict=True):
        assert ours[group] == pytest.approx(answer.cost, abs=1e-6)


# Binaries


def test_the_plans_own_gain_is_split_when_the_linear_optimum_would_burn_energy():
    case = alliance(2, members=4, slots=8, negative=True)
    certificate = plan_day(case, settings=ANY_GAP).certificate
    assert burns(case)
    assert not linear(certificate)
    gain = record(certificate, coalition_costs(certificate, all_coalitions(case.members)), rules=RULES)
    proof = check(gain, certificate)
    alone = {one.members: one.cost_microcents for one in gain.costs if len(one.members) == 1}
    assert gain.gain_cents == round((sum(alone.values()) - certificate.objective_microcents) / MICRO)
    slack = split(gain, Rule.PRICES).slack_microcents
    assert sum(slack) == pytest.approx(proof.gap_microcents, abs=MICRO)
    assert min(slack) > -MICRO * len(slack)


# Leases


def lost_lease():
    """A firm lessee that makes little of what it leased."""
    host = site(1, [0] * 4, power_w=400_000, capacity_wh=400_000, energy_wh=0, end_wh=0)
    lease = share(1, 1, 2, power_w=200_000, energy_wh=200_000, nomination=(-1_000, 0, 0, 500))
    tariff = [(30_000, 20_000, 0), (30_000, 20_000, 0), (90_000, 80_000, 0), (90_000, 80_000, 0)]
    return problem([host, site(2, [40_000] * 4)], tariff, shares=[lease])


def test_a_coalition_keeps_its_leases_and_could_end_them_only_by_a_breach_that_no_split_forestalls():
    case = lost_lease()
    kept, ended = solved_costs(case, [(1,), (1, 2)]), costs_without_leases_outside(case, all_coalitions((1, 2)))
    assert ended[1, 2] == pytest.approx(kept[1, 2], abs=1e-6)
    assert ended[1,] < kept[1,] - 1_000
    known = {group: round(cost * MICRO) for group, cost in ended.items()}
    values = {group: gain_microcents(known, group) / MICRO for group in known}
    assert least_excess(values, (1, 2)) > 100


# Rules


def test_shapley_is_the_mean_over_all_orders():
    _, costs = worked()
    added = dict.fromkeys((1, 2, 3), 0)
    for joined in permutations((1, 2, 3)):
        for n, member in enumerate(joined):
            before = tuple(sorted(joined[:n]))
            added[member] += gain_microcents(costs, tuple(sorted((*before, member))))
            added[member] -= gain_microcents(costs, before) if before else 0
    assert {m: x * 6 for m, x in shapley(costs, (1, 2, 3)).items()} == added


def test_sampled_shapley_sums_to_the_gain_and_nears_the_exact_one():
    _, costs = worked()
    exact = shapley(costs, (1, 2, 3))
    sampled = sampled_shapley(costs, (1, 2, 3), seed=5, orders=600)
    assert sum(sampled.values()) == sum(exact.values())
    for member, x in exact.items():
        assert abs(sampled[member] - x) < sum(exact.values()) / 20


def test_orders_are_the_seeds_and_turn_with_it():
    members = tuple(range(1, 31))
    assert order(members, seed=1, k=0) == order(reversed(members), seed=1, k=0)
    assert len({tuple(order(members, seed=s, k=k)) for s in range(3) for k in range(3)}) == 9
    met = met_coalitions(members, seed=1, orders=3)
    assert met[0] == (1,)
    assert met[-1] == members
    assert len(met) <= 30 + 3 * 28 + 1
    assert orders_within(members, len(met), seed=1) == 3
    assert orders_within(members, len(met) - 1, seed=1) == 2
    with pytest.raises(TooManyMembers):
        all_coalitions(members)


@given(
    st.dictionaries(st.integers(1, 20), st.fractions(0, 10**12), min_size=1, max_size=12),
    st.integers(-(10**6), 10**6),
)
def test_whole_cents_sum_to_the_total_and_miss_each_share_by_less_than_a_cent_when_it_is_theirs(exact, other):
    total = int(sum(exact.values()) // MICRO)
    shares = whole_cents(exact, total)
    assert sum(shares.values()) == total
    assert all(abs(shares[m] * MICRO - x) < MICRO for m, x in exact.items())
    assert sum(whole_cents(exact, other).values()) == other


def test_power_splits_by_rated_watts_and_equally_where_nobody_has_any():
    assert by_power(worked_example(), 600) == {1: 500, 2: 0, 3: 100}
    idle = problem([site(1, [0]), site(2, [0]), site(3, [0])], [(60_000, 30_000, 0)])
    assert by_power(idle, 10) == {1: 4, 2: 3, 3: 3}


@pytest.mark.parametrize(("estate", "shares"), [(100, (100 / 3,) * 3), (200, (50, 75, 75)), (300, (50, 100, 150))])
def test_the_nucleolus_divides_an_estate_as_the_talmud_does(estate, shares):
    """Aumann and Maschler 1985: claims of 100, 200 and 300."""
    claims = {1: 100, 2: 200, 3: 300}
    worth = {g: max(0, estate - sum(c for m, c in claims.items() if m not in g)) for g in all_coalitions((1, 2, 3))}
    costs = {group: -value * MICRO for group, value in worth.items()} | {(m,): 0 for m in claims}
    assert all(worth[(m,)] == 0 for m in claims)
    found = nucleolus(costs, (1, 2, 3))
    assert [float(x) / MICRO for x in found.values()] == pytest.approx(shares, abs=1e-6)


def test_no_split_is_stable_when_any_two_of_three_get_everything():
    values = {group: float(len(group) > 1) for group in all_coalitions((1, 2, 3))}
    assert least_excess(values, (1, 2, 3)) == pytest.approx(1 / 3)
    assert least_excess({**values, (1, 2, 3): 2.0}, (1, 2, 3)) == pytest.approx(-1 / 3)


def test_the_nucleolus_leaves_no_coalition_a_larger_excess_than_prices_do():
    certificate, costs = worked()
    found = nucleolus(costs, (1, 2, 3))
    gain = record(certificate, costs, rules=[*RULES, Rule.NUCLEOLUS], nucleolus=found)
    check(gain, certificate)
    pairs = [group for group in all_coalitions((1, 2, 3)) if len(group) < 3]
    worst = {rule: max(excess_cents(gain, rule, group) for group in pairs) for rule in (Rule.PRICES, Rule.NUCLEOLUS)}
    assert worst[Rule.NUCLEOLUS] < worst[Rule.PRICES]


# The record


def test_a_record_survives_its_plain_form_and_proves_the_promise():
    certificate, costs = worked()
    gain = record(certificate, costs, rules=RULES)
    assert gain_from_plain(gain_to_plain(gain)) == gain
    proof = check(gain, certificate)
    assert proof.linear
    assert proof.gap_microcents == certificate.objective_microcents - certificate.lower_bound_microcents


def test_a_record_is_refused_when_any_of_its_lies_is_told():
    certificate, costs = worked()
    lies = doctored_records(record(certificate, costs, rules=RULES))
    assert len(lies) >= 12
    for what, doctored in lies:
        with pytest.raises(AllianceError):
            check(doctored, certificate)
            pytest.fail(f"accepted though {what}")


def test_a_record_is_refused_when_it_is_of_another_problem_or_says_too_much_of_a_coalition():
    certificate, costs = worked()
    gain = record(certificate, costs, rules=RULES)
    with pytest.raises(DigestDiffers):
        check(replace(gain, problem_digest=bytes(32)), certificate)
    dear = [
        replace(one, cost_microcents=one.cost_microcents + 10**12) if len(one.members) == 2 else one
        for one in gain.costs
    ]
    with pytest.raises(CostImpossible):
        check(replace(gain, costs=tuple(dear)), certificate)
    with pytest.raises(CoalitionsDiffer):
        check(replace(gain, members=(1, 2)), certificate)


def test_the_checker_knows_neither_planner_nor_solver():
    code = (
        "import sys, alliance.gain; print([m for m in ('optimizer', 'pyomo', 'numpy', 'highspy') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_member_alone_gains_nothing_and_nobody_can_leave():
    certificate = plan_day(problem([site(1, [50_000])], [(60_000, 30_000, 0)])).certificate
    costs = coalition_costs(certificate, [(1,)])
    gain = record(certificate, costs, rules=list(Rule), nucleolus=nucleolus(costs, (1,)))
    check(gain, certificate)
    assert [s.shares_cents for s in gain.splits] == [(0,)] * 5
    assert {s.worst_coalition for s in gain.splits} == {()}
