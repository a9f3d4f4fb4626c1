"""A certificate holds or is refused (protocol 9): its rows are the model's, any duals bound, no number may be changed."""

import sys
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.certificate import (
    BoundAboveObjective,
    DualsMiscounted,
    FigureDiffers,
    NoJointGain,
    PriceInvalid,
    Sense,
    certificate_from_plain,
    certificate_to_plain,
    check,
    gap_ppm,
    lower_bound_microcents,
    program,
)
from alliance.errors import AllianceError
from alliance.schedule import PlainWrong, parts, schedule_from_plain, schedule_to_plain
from optimizer.linear import Job, Optimum, compiled
from optimizer.model import build
from optimizer.planning import plan_day
from optimizer.solver import SolverSettings, solve
from oracle import cbor
from tests.optimizer.cases import random_problem, six_stations, worked_example

MICRO = 1_000_000


@cache
def worked():
    return plan_day(worked_example()).certificate


def best_costs(cases):
    """The optimum of each problem, cents; None if it has none."""
    jobs = [Job(linear=compiled(build(case, parts(case)))) for case in cases]
    return [a.cost if isinstance(a, Optimum) else None for a in solve(jobs, settings=SolverSettings())]


# Rows


def assert_same_programme(ours, linear):
    """Columns, boxes, costs and rows agree; a row may be a positive multiple of the other."""
    columns = {name: j for j, name in enumerate(linear.columns)}
    assert set(columns) == set(ours.names)
    for name, cost, (low, high) in zip(ours.names, ours.costs, ours.boxes, strict=True):
        j = columns[name]
        assert linear.costs[j] == pytest.approx(cost / 1000, rel=1e-12, abs=1e-12)
        assert (linear.low[j], linear.high[j]) == (low / 1000, high / 1000)
    assert sorted(linear.rows) == sorted(row.name for row in ours.rows)
    theirs = {name: i for i, name in enumerate(linear.rows)}
    for row in ours.rows:
        i = theirs[row.name]
        terms = {linear.columns[j]: a for j, a in linear.row(i)}
        factor = row.terms[0][1] / row.scale / terms[ours.names[row.terms[0][0]]]
        assert factor > 0
        assert {ours.names[j] for j, _ in row.terms} == set(terms)
        for j, a in row.terms:
            assert a / row.scale == pytest.approx(terms[ours.names[j]] * factor, rel=1e-9)
        sides = {Sense.EQUAL: (True, True), Sense.AT_MOST: (False, True), Sense.AT_LEAST: (True, False)}[row.sense]
        for bound, present in zip((linear.row_low[i], linear.row_high[i]), sides, strict=True):
            assert (abs(bound) != float("inf")) is present
            if present:
                assert row.right / row.scale == pytest.approx(bound * 1000 * factor, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("case", [worked_example(), six_stations(8), *(random_problem(n) for n in range(25))])
def test_the_checkers_rows_are_those_of_the_compiled_model(case):
    held = parts(case)
    assert_same_programme(program(case), compiled(build(case, held)))
    for member in case.members:
        alone = [p for p in held if p.member == member]
        assert_same_programme(program(case, member=member), compiled(build(case, alone)))


def test_a_firm_lessee_has_no_content_in_either_programme():
    case = worked_example()
    firm = replace(case, shares=(replace(case.shares[0], nomination_wh=(-50_000, 0, 0, 40_000)),))
    assert_same_programme(program(firm), compiled(build(firm, parts(firm))))
    assert ("e", 1, 1, 0) not in program(firm).names


# Bounds


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_duals_give_a_bound_that_is_not_above_the_optimum(data):
    certificate = worked()
    size = len(certificate.duals)
    changes = data.draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(-(10**9), 10**9)), max_size=30))
    duals = list(certificate.duals)
    for at, value in changes:
        duals[at] = value
    bound = lower_bound_microcents(program(certificate.problem), tuple(duals), denominator=certificate.denominator)
    assert bound <= certificate.lower_bound_microcents + MICRO // 100


def test_the_bound_is_an_integer_rounded_down_when_duals_are_coarse():
    certificate = worked()
    rows = program(certificate.problem)
    coarse = tuple(round(y / certificate.denominator) for y in certificate.duals)
    bound = lower_bound_microcents(rows, coarse, denominator=1)
    assert bound <= certificate.objective_microcents
    assert gap_ppm(certificate.objective_microcents, bound) < 5_000


def test_the_gap_is_rounded_up_and_counts_a_cent_at_least():
    assert gap_ppm(3_000_001, 3_000_000) == 1
    assert gap_ppm(10, 0) == 10
    with pytest.raises(BoundAboveObjective):
        gap_ppm(0, 1)


# Plain form


def test_a_certificate_survives_its_plain_form_through_dag_cbor():
    for certificate in (worked(), plan_day(six_stations(12)).certificate):
        block = cbor.encode(certificate_to_plain(certificate))
        assert certificate_from_plain(cbor.decode(block)) == certificate
        schedule = cbor.encode(schedule_to_plain(certificate.schedule))
        assert schedule_from_plain(cbor.decode(schedule)) == certificate.schedule


def leaves(plain, path=()):
    """Every leaf's path in a plain value."""
    if isinstance(plain, dict):
        return [leaf for key in plain for leaf in leaves(plain[key], (*path, key))]
    if isinstance(plain, list):
        return [leaf for i, value in enumerate(plain) for leaf in leaves(value, (*path, i))]
    return [path]


def at(plain, path):
    for key in path:
        plain = plain[key]
    return plain


def altered(plain, path, value):
    """A copy with one value in another's place."""
    if not path:
        return value
    copy = dict(plain) if isinstance(plain, dict) else list(plain)
    copy[path[0]] = altered(plain[path[0]], path[1:], value)
    return copy


@pytest.mark.parametrize("change", [lambda v: v + 1, lambda v: v - 1, lambda v: 2 * v + 7, lambda v: -v])
def test_a_certificate_with_one_number_changed_is_refused_or_still_true(change):
    plain = certificate_to_plain(worked())
    still = []
    numbers = [path for path in leaves(plain) if type(at(plain, path)) is int]
    assert len(numbers) > 400
    for path in numbers:
        value = change(at(plain, path))
        if value == at(plain, path):
            continue
        try:
            read = certificate_from_plain(altered(plain, path, value))
            check(read)
        except AllianceError:
            continue
        still.append(read)
    assert len(still) < len(numbers) // 2
    for certificate, cost in zip(still, best_costs([c.problem for c in still]), strict=True):
        assert cost is None or certificate.lower_bound_microcents <= cost * MICRO + 1
        assert certificate.objective_microcents == worked().objective_microcents
        assert certificate.schedule.rows == worked().schedule.rows
        assert certificate.schedule.prices == worked().schedule.prices
        assert certificate.schedule.gains == worked().schedule.gains


def test_a_certificate_is_malformed_when_a_field_is_missing_unknown_or_of_another_type():
    plain = certificate_to_plain(worked())
    fewer = {k: v for k, v in plain["certificate"].items() if k != "gapPpm"}
    more = {**plain["certificate"], "extra": 0}
    for bad in (
        {"v": 2, "certificate": plain["certificate"]},
        {"v": True, "certificate": plain["certificate"]},
        {"v": 1, "certificate": fewer},
        {"v": 1, "certificate": more},
        altered(plain, ("certificate", "gapPpm"), True),
        altered(plain, ("certificate", "gapPpm"), 1.0),
        altered(plain, ("certificate", "gapPpm"), 1 << 63),
        altered(plain, ("certificate", "schedule", "kind"), "tomorrow"),
        altered(plain, ("certificate", "schedule", "rows", 0), [1, 2]),
        altered(plain, ("certificate", "duals"), {}),
        [],
    ):
        with pytest.raises(PlainWrong):
            certificate_from_plain(bad)


# Figures, prices, gains


@pytest.mark.parametrize("field", ["objective_microcents", "lower_bound_microcents", "gap_ppm"])
def test_a_certificate_is_refused_when_a_claimed_figure_is_off_by_one(field):
    with pytest.raises(FigureDiffers) as refused:
        check(replace(worked(), **{field: getattr(worked(), field) + 1}))
    assert refused.value.figure == field


def test_a_certificate_is_refused_when_duals_are_missing():
    with pytest.raises(DualsMiscounted):
        check(replace(worked(), duals=worked().duals[:-1]))


@pytest.mark.parametrize(("slot", "price", "low", "high"), [(0, 39_101, 39_100, 39_100), (2, 89_885, 89_883, 89_884)])
def test_a_pool_price_is_refused_when_it_is_not_the_rounded_dual_inside_its_span(slot, price, low, high):
    prices = list(worked().schedule.prices)
    prices[slot] = replace(prices[slot], pool_price=price)
    with pytest.raises(PriceInvalid) as refused:
        check(replace(worked(), schedule=replace(worked().schedule, prices=tuple(prices))))
    assert (refused.value.station, refused.value.slot, refused.value.price) == (0, slot, price)
    assert low - 1 <= refused.value.low <= refused.value.high <= high + 1


def test_an_adder_is_refused_when_it_is_not_the_networks_price_at_an_importing_station():
    prices = list(worked().schedule.prices)
    prices[0] = replace(prices[0], adders=((1, 2_927), (2, 2_926), (3, 0)))
    with pytest.raises(PriceInvalid) as refused:
        check(replace(worked(), schedule=replace(worked().schedule, prices=tuple(prices))))
    assert (refused.value.station, refused.value.price) == (2, 2_926)


@pytest.mark.parametrize(
    "field", ["apart_cost_cents", "planned_cost_cents", "gain_cents", "without_storage_cost_cents", "member"]
)
def test_a_gain_row_is_refused_when_one_of_its_figures_is_off(field):
    gains = list(worked().schedule.gains)
    gains[1] = replace(gains[1], **{field: getattr(gains[1], field) + 1})
    with pytest.raises(FigureDiffers) as refused:
        check(replace(worked(), schedule=replace(worked().schedule, gains=tuple(gains))))
    assert refused.value.expected + 1 == refused.value.got


def test_a_plan_is_refused_when_the_certified_costs_apart_are_below_what_is_planned_together():
    """A weak bound understates what the members would pay apart; so it can only cost the operator the plan."""
    certificate = worked()
    apart, gains = [], []
    for (member, duals), gain in zip(certificate.apart, certificate.schedule.gains, strict=True):
        nothing = (0,) * len(duals)
        alone = program(certificate.problem, member=member)
        bound = lower_bound_microcents(alone, nothing, denominator=certificate.denominator) // MICRO
        apart.append((member, nothing))
        gains.append(replace(gain, apart_cost_cents=bound, gain_cents=bound - gain.planned_cost_cents))
    schedule = replace(certificate.schedule, gains=tuple(gains))
    with pytest.raises(NoJointGain):
        check(replace(certificate, schedule=schedule, apart=tuple(apart)))


def test_the_checker_knows_neither_planner_nor_solver():
    import subprocess

    code = (
        "import sys, alliance.certificate; "
        "print([m for m in ('optimizer', 'pyomo', 'numpy', 'highspy') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
