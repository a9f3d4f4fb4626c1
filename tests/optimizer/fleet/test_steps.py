"""9.7: losses of a tie that grow with its flow, in steps: exact where it arrives, bounded, planned and told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.fleetplan import (
    MILLION,
    FieldWrong,
    FleetProblem,
    Tie,
    TieStep,
    problem_from_plain,
    problem_to_plain,
)
from alliance.fleetproof import LimitBroken, check, digest, lower_bound_microcents, objective_microcents
from alliance.fleettie import arrived_microwh, tie_bound, tie_worths
from alliance.schedule import PlainWrong
from alliance.why.check import check_why, why_of
from alliance.why.record import What
from optimizer.fleet.arrays import arrays_of, problem_of
from optimizer.fleet.fast import relaxed_fast
from optimizer.fleet.plan import FleetPath, FleetSettings, plan_fleet
from optimizer.fleet.relaxed import concerned, relaxed_stamped
from optimizer.solver import SolverProcess, SolverSettings
from tests.optimizer.fleet.test_leases import fleet
from tests.optimizer.fleet.test_rolling import city, cycle, fresh, planned

STEPS = (TieStep(above_wh=1_000, loss_ppm=60_000), TieStep(above_wh=2_000, loss_ppm=100_000))


@st.composite
def stepped(draw: st.DrawFn) -> Tie:
    """A tie of a few Wh with up to three steps."""
    limit = draw(st.integers(0, 8))
    begins = sorted(draw(st.sets(st.integers(1, max(1, limit)), max_size=3))) if limit else []
    losses = sorted(draw(st.sets(st.integers(0, 1000), min_size=len(begins) + 1, max_size=len(begins) + 1)))
    first, *more = (1000 * loss for loss in losses)
    steps = tuple(TieStep(above_wh=a, loss_ppm=p) for a, p in zip(begins, more, strict=True))
    return Tie(from_region=0, to_region=1, limit_wh=limit, loss_ppm=first, steps=steps)


@given(tie=stepped())
def test_each_watt_hour_loses_what_its_step_says_when_losses_grow(tie: Tie) -> None:
    passed = []
    for sent in range(tie.limit_wh):
        loss = [tie.loss_ppm, *(s.loss_ppm for s in tie.steps if s.above_wh <= sent)][-1]
        passed.append(MILLION - loss)
    arrived = [arrived_microwh(tie, sent) for sent in range(tie.limit_wh + 1)]
    assert arrived == [sum(passed[:sent]) for sent in range(tie.limit_wh + 1)]


@given(tie=stepped(), a=st.integers(-50, 50), z=st.integers(-50, 50))
def test_bound_of_a_tie_is_below_all_flows_and_touches_the_best_when_prices_are_not_negative(
    tie: Tie, a: int, z: int
) -> None:
    costs = [MILLION * a * sent - z * arrived_microwh(tie, sent) for sent in range(tie.limit_wh + 1)]
    costs += [MILLION * z * sent - a * arrived_microwh(tie, sent) for sent in range(tie.limit_wh + 1)]
    assert tie_bound(tie, a, z) <= min(costs)
    if a >= 0 and z >= 0:
        assert tie_bound(tie, a, z) == min(costs)
    limit, steps = tie_worths(tie, a, z)
    assert limit <= 0
    assert len(steps) == len(tie.steps)


def tied(*steps: TieStep, loss_ppm: int = 20_000, dear: int = 90_000) -> FleetProblem:
    """The station of `test_leases` beside a region without a station, which is dear and takes 4 kWh a period."""
    problem = fleet()
    there = replace(
        problem.regions[0], buy_price=(2 * dear,) * 4, sell_price=(dear // 9,) * 4, base_load_wh=(4_000,) * 4
    )
    tie = Tie(from_region=0, to_region=1, limit_wh=3_000, loss_ppm=loss_ppm, steps=steps)
    return replace(problem, regions=(*problem.regions, there), ties=(tie,))


def test_paths_agree_when_losses_grow_with_the_flow(process: SolverProcess) -> None:
    arrays = arrays_of(tied(*STEPS))
    costs = [
        plan_fleet(arrays, settings=FleetSettings(path=path), process=process).relaxed_cost_cents for path in FleetPath
    ]
    assert costs == pytest.approx([costs[0]] * len(FleetPath), rel=2e-5)
    assert costs[1:] == pytest.approx([costs[1]] * (len(FleetPath) - 1), rel=1e-6)


def test_cost_lies_between_the_least_and_the_largest_loss_when_losses_grow(process: SolverProcess) -> None:
    least, grown, most = (
        planned(problem, process) for problem in (tied(), tied(*STEPS), tied(loss_ppm=STEPS[-1].loss_ppm))
    )
    assert least.objective_microcents < grown.lower_bound_microcents
    assert grown.objective_microcents < most.lower_bound_microcents
    for found in (least, grown, most):
        assert check(found).gap_ppm < 200


def test_flow_stops_at_a_step_when_what_is_above_it_does_not_pay(process: SolverProcess) -> None:
    """Bought at 30 000 or 90 000 and worth 95 000 there: 5 % may be lost when it is dear, any share when it is cheap."""
    problem = tied(*STEPS)
    here, there = problem.regions
    problem = replace(problem, regions=(here, replace(there, buy_price=(95_000,) * 4)))
    found = planned(replace(problem, stations=(replace(problem.stations[0], charge_wh=0, discharge_wh=0),)), process)
    assert found.plan.tie_wh == (((3_000, 3_000, 1_000, 1_000),),)


def test_plan_is_refused_when_a_watt_hour_more_is_sent_than_the_limit(process: SolverProcess) -> None:
    problem = tied(*STEPS)
    found = planned(problem, process)
    with pytest.raises(LimitBroken, match="tie"):
        objective_microcents(replace(found.plan, tie_wh=(((3_001, 0, 0, 0),),)), problem)


def test_binaries_fill_a_tie_from_below_when_losing_energy_pays(process: SolverProcess) -> None:
    """Taking energy is paid for in both regions: the relaxation sends where most is lost, a plan may not."""
    problem = tied(*STEPS)
    negative = tuple(
        replace(r, buy_price=(-50_000,) * 4, sell_price=(-60_000,) * 4, base_load_wh=(-9_000,) * 4)
        for r in problem.regions
    )
    negative = (negative[0], replace(negative[1], sell_price=(-60_000,) * 4, base_load_wh=(0,) * 4))
    arrays = arrays_of(replace(problem, regions=negative))
    found = relaxed_stamped(arrays, process=process, settings=SolverSettings())
    assert found is not None
    assert found.skipped.max() > 1
    assert concerned(found, arrays, found.prices).ties == (0,)
    again = relaxed_fast(arrays, process=process, settings=SolverSettings())
    assert again is not None
    assert again.cost_cents == pytest.approx(found.cost_cents, rel=1e-5)
    planned_ = plan_fleet(arrays, settings=FleetSettings(), process=process)
    assert planned_.one_way.ties == (0,)
    certificate = planned_.certificate()
    assert check(certificate).gap_ppm == certificate.gap_ppm


def test_why_tells_where_losses_rise_and_adds_up(process: SolverProcess) -> None:
    problem = tied(*STEPS)
    found = planned(problem, process)
    record = why_of(found)
    check_why(record, found)
    assert {line.lease for line in record.limits if line.what is What.TIE_STEP} <= {0, 1}
    assert sum(line.amount_microcents for line in record.limits) == found.objective_microcents
    lines = [line for line in record.limits if line.what is What.TIE_STEP]
    assert lines
    moved = tuple(replace(step, above_wh=step.above_wh + (s == lines[0].lease)) for s, step in enumerate(STEPS))
    bound = lower_bound_microcents(replace(problem, ties=(replace(problem.ties[0], steps=moved),)), found.duals)
    worth = sum(line.worth_microcents for line in lines if line.lease == lines[0].lease)
    assert bound - found.lower_bound_microcents == pytest.approx(worth / 1000, abs=2)


def test_cycle_holds_when_a_tie_has_steps(process: SolverProcess) -> None:
    problem = city(12)
    quiet = replace(problem.regions[0], buy_price=(90_000,) * 12, sell_price=(10_000,) * 12)
    tie = Tie(from_region=0, to_region=1, limit_wh=4_000, loss_ppm=10_000, steps=STEPS)
    base = planned(replace(problem, regions=(problem.regions[0], quiet), ties=(tie,)), process)
    for deviation in (None, 20_000):
        made = cycle(base, 3, fresh(base, 3), process, deviation_price=deviation)
        assert made.certificate.problem.ties[0].steps == STEPS
        assert made.saved_microcents is not None
        assert made.saved_microcents >= 0


def test_form_without_steps_is_as_before_and_an_empty_list_is_refused() -> None:
    plain = json.loads(json.dumps(problem_to_plain(tied())))
    assert "steps" not in plain["fleet"]["ties"][0]
    plain["fleet"]["ties"][0]["steps"] = []
    with pytest.raises(PlainWrong, match="steps"):
        problem_from_plain(plain)
    problem = tied(*STEPS)
    assert problem_from_plain(json.loads(json.dumps(problem_to_plain(problem)))) == problem
    assert problem_of(arrays_of(problem)) == problem
    assert digest(problem) != digest(tied(*STEPS[:1]))


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ((TieStep(above_wh=0, loss_ppm=30_000),), "ties[0].steps[0].above_wh"),
        ((TieStep(above_wh=3_001, loss_ppm=30_000),), "ties[0].steps[0].above_wh"),
        ((TieStep(above_wh=9, loss_ppm=20_000),), "ties[0].steps[0].loss_ppm"),
        ((TieStep(above_wh=9, loss_ppm=1_000_001),), "ties[0].steps[0].loss_ppm"),
        ((STEPS[1], STEPS[0]), "ties[0].steps[1].above_wh"),
        ((STEPS[0], replace(STEPS[1], loss_ppm=50_000)), "ties[0].steps[1].loss_ppm"),
        ((replace(STEPS[0], loss_ppm=float("nan")),), "ties[0].steps[0].loss_ppm"),
        (tuple(TieStep(above_wh=k, loss_ppm=20_000 + k) for k in range(1, 18)), "ties[0].steps"),
    ],
)
def test_step_is_refused_by_field_value_and_limit_when_it_is_wrong(steps: Any, field: str) -> None:
    with pytest.raises(FieldWrong) as found:
        tied(*steps)
    assert found.value.field == field
    assert found.value.limit


def test_arrays_are_refused_when_a_step_is_none() -> None:
    arrays = arrays_of(tied(*STEPS))
    for steps, field in (
        ([[1, 1_000, 60_000]], r"tie_steps\[0, 0\]"),
        ([[0, 4_000, 60_000]], r"ties\[0\].steps\[0\].above_wh"),
    ):
        with pytest.raises(FieldWrong, match=field):
            replace(arrays, tie_steps=np.array(steps))
