"""A why holds or is refused (protocol 9.9): both sums are the cost, each worth is what the bound does, no line is made up."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance import certificate as settled
from alliance.certificate import Certificate
from alliance.fleetproof import ClaimWrong, FleetCertificate
from alliance.fleetproof import lower_bound_microcents as fleet_bound
from alliance.schedule import PlainWrong
from alliance.why.check import WhyWrong, check_why, why_of
from alliance.why.day import sums_of
from alliance.why.record import Line, What, Why, in_cents, why, why_from_plain, why_to_plain
from alliance.why.story import shared_stops, stories
from alliance.why.text import Language, fine_yuan, mwh, told, yuan
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetInfeasible, FleetPath, FleetSettings, plan_fleet
from optimizer.fleet.rounding import RoundingFailed
from optimizer.planning import plan_day
from optimizer.solver import SolverProcess
from tests.optimizer import cases
from tests.optimizer.fleet.instances import KINDS, instance

CENT = 10**6


@cache
def worked() -> tuple[Certificate, Why]:
    certificate = plan_day(cases.worked_example()).certificate
    return certificate, why_of(certificate)


@cache
def day(seed: int) -> Certificate | None:
    """A random small day's plan, some of one slot, some with negative prices; None where there is none."""
    try:
        return plan_day(cases.random_problem(seed)).certificate
    except settled.Refused:
        return None


@pytest.fixture(scope="module")
def fleet() -> object:
    """Plans of random fleets by kind and seed; None where there is none."""
    with SolverProcess() as process:

        @cache
        def plan(kind: str, seed: int) -> FleetCertificate | None:
            problem = instance(kind, seed)
            try:
                found = plan_fleet(arrays_of(problem), settings=FleetSettings(path=FleetPath.STAMPED), process=process)
            except (FleetInfeasible, RoundingFailed):
                return None
            return found.certificate(problem)

        yield plan


def assert_sums(record: Why, objective: int, bound: int) -> None:
    assert sum(line.amount_microcents for line in record.flows) == objective
    assert sum(line.amount_microcents for line in record.limits) == objective
    assert record.limits[-1] == Line(
        what=What.GAP, place=0, lease=0, first=0, last=0, energy_wh=0, worth_microcents=0,
        amount_microcents=objective - bound,
    )  # fmt: skip
    for lines in (record.flows, record.limits):
        cents = in_cents(lines, objective)
        assert sum(cents) == (abs(objective) * 2 + CENT) // (2 * CENT) * (1 if objective >= 0 else -1)
        assert all(abs(c * CENT - line.amount_microcents) <= CENT for c, line in zip(cents, lines, strict=True))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 60))
def test_both_sums_are_the_cost_to_the_cent_when_a_random_day_is_planned(seed: int) -> None:
    certificate = day(seed)
    if certificate is not None:
        record = why_of(certificate)
        check_why(record, certificate)
        assert_sums(record, certificate.objective_microcents, certificate.lower_bound_microcents)


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 6))
def test_both_sums_are_the_cost_to_the_cent_when_a_random_fleet_is_planned(fleet, kind: str, seed: int) -> None:
    certificate = fleet(kind, seed)
    if certificate is not None:
        record = why_of(certificate)
        check_why(record, certificate)
        assert_sums(record, certificate.objective_microcents, certificate.lower_bound_microcents)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_both_sums_are_exact_when_the_duals_are_any_numbers_at_all(data: st.DataObject) -> None:
    certificate, _ = worked()
    duals = tuple(y + data.draw(st.integers(-30_000_000, 30_000_000)) for y in certificate.duals)
    # coarse duals still bound the cost; the prices of the schedule are then not theirs, so that only the why is asked
    of = settled.program(certificate.problem)
    bound = settled.lower_bound_microcents(of, duals, denominator=certificate.denominator)
    coarse = replace(certificate, duals=duals, lower_bound_microcents=bound)
    assert_sums(why(sums_of(coarse)), certificate.objective_microcents, bound)


def bound_of(certificate: Certificate, **changes: object) -> int:
    """The bound of the first station's problem with something changed, by the same duals."""
    first, *rest = certificate.problem.sites
    station = {k: v for k, v in changes.items() if k.endswith("_w") or k == "capacity_wh"}
    site = {k: v for k, v in changes.items() if k not in station}
    altered = replace(first, station=replace(first.station, **station), **site)
    of = settled.program(replace(certificate.problem, sites=(altered, *rest)))
    return settled.lower_bound_microcents(of, certificate.duals, denominator=certificate.denominator)


@pytest.mark.parametrize("seed", range(12))
def test_a_worth_is_what_the_bound_does_when_the_limit_is_one_kilowatt_or_kilowatt_hour_higher(seed: int) -> None:
    load = [(50_000 + 7_000 * k * (seed % 5 - 2)) for k in range(6)]
    site = cases.site(
        1, load, power_w=80_000 + 9_000 * seed, capacity_wh=200_000, window=(100_000, 900_000), wear=seed * 500,
        pcc_w=300_000 + 20_000 * seed, export_w=60_000, energy_wh=60_000 + 1_000 * seed,
    )  # fmt: skip
    prices = [(b, 10_000 - 3_000 * seed, 1_000) for b in (30_000, 90_000, 15_000, 120_000, 60_000, 110_000)]
    certificate = plan_day(cases.problem([site], prices)).certificate
    record = why_of(certificate)
    was = bound_of(certificate)
    first = certificate.problem.sites[0]
    grown = {
        What.MOST_CONTENT: {"energy_max_wh": first.energy_max_wh + 1_000},
        What.END_ENERGY: {"end_min_wh": first.end_min_wh + 1_000},
        What.LEAST_CONTENT: {"energy_min_wh": first.energy_min_wh + 1_000},
        What.PCC_EXPORT: {"pcc_export_w": first.station.pcc_export_w + 4_000},
        What.PCC_IMPORT: {"pcc_import_w": first.station.pcc_import_w + 4_000},
        What.RATING: {"charge_power_w": first.station.charge_power_w + 4_000,
                      "discharge_power_w": first.station.discharge_power_w + 4_000},
    }  # fmt: skip
    told_any = False
    for what, change in grown.items():
        worth = [line.worth_microcents for line in record.limits if line.what is what]
        by = sum(worth) * (4 if any(name.endswith("_w") for name in change) else 1)
        assert abs(bound_of(certificate, **change) - was - by) <= 2 * len(worth) * 4 + 2, what
        told_any |= bool(worth)
    assert told_any


def test_a_fleets_worth_is_what_its_bound_does_when_regions_and_ties_have_more_room(fleet) -> None:
    seen = set()
    for seed in range(9):
        certificate = fleet(("tight_exchange", "ties", "reserves")[seed % 3], seed // 3)
        if certificate is None:
            continue
        problem, duals = certificate.problem, certificate.duals
        record, was = why_of(certificate), fleet_bound(problem, duals)
        step = 1000 * problem.period_s // 3600
        wider = {
            What.IMPORT_LIMIT: {"import_limit_wh": tuple(x + step for x in problem.regions[0].import_limit_wh)},
            What.EXPORT_LIMIT: {"export_limit_wh": tuple(x + step for x in problem.regions[0].export_limit_wh)},
        }
        changed = {
            what: replace(problem, regions=(replace(problem.regions[0], **new), *problem.regions[1:]))
            for what, new in wider.items()
        }
        if problem.ties:
            tie = replace(problem.ties[0], limit_wh=problem.ties[0].limit_wh + step)
            changed[What.TIE_LIMIT] = replace(problem, ties=(tie, *problem.ties[1:]))
        for what, other in changed.items():
            worth = [x.worth_microcents for x in record.limits if x.what is what and x.place == 0]
            exact = sum(worth) * step * 3600 / (1000 * problem.period_s)
            assert abs(fleet_bound(other, duals) - was - exact) <= len(worth) + 2 + abs(exact) / 100
            seen |= {what} if any(worth) else set()
    assert {What.IMPORT_LIMIT, What.TIE_LIMIT} & seen


# Known-bad records


def altered(record: Why, name: str, at: int, **changes: object) -> Why:
    lines = list(getattr(record, name))
    lines[at] = replace(lines[at], **changes)
    return replace(record, **{name: tuple(lines)})


def spoiled() -> list[tuple[str, Why]]:
    _, record = worked()
    last = len(record.limits) - 1
    moved = 10**6
    return [
        ("objective_microcents", replace(record, objective_microcents=record.objective_microcents + 1)),
        ("lower_bound_microcents", replace(record, lower_bound_microcents=record.lower_bound_microcents - 1)),
        ("flows amount", altered(record, "flows", 0, amount_microcents=record.flows[0].amount_microcents + 2 * moved)),
        ("limits amount", altered(record, "limits", 0, amount_microcents=record.limits[0].amount_microcents - moved)),
        ("limits worth", altered(record, "limits", 0, worth_microcents=record.limits[0].worth_microcents + 1)),
        ("flows energy_wh", altered(record, "flows", 0, energy_wh=record.flows[0].energy_wh + 1)),
        ("flows span", altered(record, "flows", 0, place=9)),
        ("flows span", replace(record, flows=(*record.flows, record.flows[0]))),
        ("flows left out", replace(record, flows=record.flows[1:])),
        ("limits left out", replace(record, limits=record.limits[1:])),
        ("gap", replace(record, limits=record.limits[:-1])),
        ("gap", altered(record, "limits", last, amount_microcents=record.limits[last].amount_microcents + 1)),
        ("limits amount", altered(altered(record, "limits", 0, amount_microcents=record.limits[0].amount_microcents + 5),
                                  "limits", 1, amount_microcents=record.limits[1].amount_microcents - 5)),
    ]  # fmt: skip


@pytest.mark.parametrize("n", range(13))
def test_a_record_is_refused_by_name_when_one_of_its_figures_is_doctored(n: int) -> None:
    certificate, record = worked()
    check_why(record, certificate)
    figure, wrong = spoiled()[n]
    with pytest.raises(WhyWrong) as refused:
        check_why(wrong, certificate)
    assert refused.value.figure == figure


def test_a_record_is_refused_when_rounding_alone_hides_a_missing_microcent() -> None:
    certificate, record = worked()
    lines = [replace(record.flows[0], amount_microcents=record.flows[0].amount_microcents + 1), *record.flows[1:]]
    with pytest.raises(WhyWrong, match=r"sum of flows|flows amount"):
        check_why(replace(record, flows=tuple(lines)), certificate)


def test_nothing_is_explained_when_the_certificate_itself_is_doctored(fleet) -> None:
    certificate, _ = worked()
    with pytest.raises(settled.FigureDiffers):
        why_of(replace(certificate, objective_microcents=certificate.objective_microcents - 1))
    other = fleet("base", 0)
    with pytest.raises(ClaimWrong):
        why_of(replace(other, lower_bound_microcents=other.lower_bound_microcents + 1))


def test_a_record_survives_its_plain_form_and_is_malformed_when_a_value_is_of_another_type() -> None:
    _, record = worked()
    plain = why_to_plain(record)
    assert why_from_plain(plain) == record
    inner = plain["why"]
    assert isinstance(inner, dict)
    for spoil in (
        {"flows": 3},
        {"flows": [["charge", 1]]},
        {"flows": [["theft", 1, 0, 0, 0, 1, "1", "0"]]},
        {"flows": [["charge", 1, 0, 0, 0, 1, 1, "0"]]},
        {"flows": [["charge", True, 0, 0, 0, 1, "1", "0"]]},
        {"objectiveMicrocents": "1e3"},
        {"more": 1},
    ):
        with pytest.raises(PlainWrong):
            why_from_plain({"v": 1, "why": inner | spoil})


# What owners read


def test_a_story_says_when_at_which_price_what_is_earned_and_what_more_room_saves() -> None:
    site = cases.site(7, [0] * 4, power_w=1_000_000, capacity_wh=400_000, energy_wh=0, eta=(1_000_000,) * 2, wear=0)
    tariff = [(30_000, 20_000, 0), (30_000, 20_000, 0), (100_000, 90_000, 0), (100_000, 90_000, 0)]
    record = why_of(plan_day(cases.problem([site], tariff, first_slot=40)).certificate)
    (story,) = stories(record, station=7)
    assert (story.charged_wh, story.discharged_wh) == (400_000, 400_000)
    assert story.earned_microcents == 400_000 * (90_000 - 30_000)
    english = told(story, Language.EN, first_slot=40, slot_s=900)
    assert english[0].startswith("10:")
    assert "charges 0.400 MWh at 0.3000 yuan/kWh" in english[0]
    assert "discharges 0.400 MWh at 0.9000 yuan/kWh" in english[1]
    assert "earns 240.00 yuan" in english[2]
    assert "the battery is full (0.400 MWh)" in english[3]
    assert "saves the whole plan at most 0.6000 yuan" in english[3]
    chinese = told(story, Language.ZH, first_slot=40, slot_s=900)
    assert len(chinese) == len(english)
    assert "净赚 240.00 元" in chinese[2]
    assert "容量每多 1 kWh，整个计划当日最多再省 0.6000 元" in chinese[3]


def test_a_story_of_a_site_without_a_battery_says_that_nothing_moves() -> None:
    record = why_of(plan_day(cases.problem([cases.site(1, [900, 900])], [(50_000, 30_000, 0)] * 2)).certificate)
    (story,) = stories(record)
    assert story.spells == ()
    assert "neither charges nor discharges" in told(story, Language.EN, first_slot=0, slot_s=900)[0]


def test_shared_limits_are_told_when_a_region_is_short(fleet) -> None:
    told_of = {
        shared.stop.what
        for seed in range(4)
        for certificate in [fleet("tight_exchange", seed)]
        if certificate
        for shared in shared_stops(why_of(certificate))
    }
    assert told_of <= {What.IMPORT_LIMIT, What.EXPORT_LIMIT, What.TIE_LIMIT, What.REQUIREMENT}
    assert told_of


@pytest.mark.parametrize(
    ("shown", "want"),
    [
        (yuan(123_456_789_999), "1,234.57"), (yuan(-499_999), "0.00"), (yuan(-500_000), "-0.01"),
        (fine_yuan(46_340_000), "0.4634"), (fine_yuan(-5_000), "-0.0001"), (mwh(1_234_500), "1.235"), (mwh(-499), "0.000"),
    ],
)  # fmt: skip
def test_figures_are_rounded_once_when_they_are_shown(shown: str, want: str) -> None:
    assert shown == want
