"""A certificate proves its claims, whatever duals it holds; a doctored one is refused; a favouring plan is exposed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from alliance.fleetproof import (
    ClaimWrong,
    FleetCertificate,
    FleetProof,
    LimitBroken,
    ShapeWrong,
    WeightsWrong,
    certificate_from_plain,
    certificate_to_plain,
    check,
    digest,
    gap_ppm,
    in_runs,
    lower_bound_microcents,
    objective_microcents,
    station_rows,
)
from cli.main import app
from optimizer.fleet.arrays import arrays_of
from optimizer.solver import SolverProcess
from tests.optimizer.fleet.agreement import planned, reference_of
from tests.optimizer.fleet.doctored import doctored, still_true, verdict
from tests.optimizer.fleet.instances import instance

MUTATIONS = 300


Genuine = Callable[[str, int], FleetCertificate]


@pytest.fixture(scope="module")
def genuine_of(process: SolverProcess) -> Genuine:
    return cache(lambda kind, seed: planned(instance(kind, seed), process))


@pytest.mark.parametrize("kind", ["base", "reserves", "cvar", "leases", "short_reserves", "cuts", "steps", "holding"])
def test_certificate_is_refused_or_as_true_as_before_when_doctored(kind: str, genuine_of: Genuine) -> None:
    genuine, rng = genuine_of(kind, 2), random.Random(kind)
    refused = 0
    for _ in range(MUTATIONS // 3):
        where, plain = doctored(genuine, rng)
        said = verdict(plain)
        if isinstance(said, FleetProof):
            assert still_true(said, genuine), where
        else:
            refused += 1
    assert refused > MUTATIONS // 3 * 0.6


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bound_stays_below_the_optimum_when_duals_are_any_numbers(data: st.DataObject, process: SolverProcess) -> None:
    kinds = ["base", "reserves", "scenarios", "ties", "negative", "leases", "short_reserves", "holding", "everything"]
    kind = data.draw(st.sampled_from([*kinds, "cuts", "steps"]))
    problem = instance(kind, data.draw(st.sampled_from([0, 1, 3])))  # "everything" 2 has no plan
    optimum = _optimum(kind, problem, process)
    rng = random.Random(data.draw(st.integers(0, 10**9)))
    genuine = planned(problem, process).duals if data.draw(st.booleans()) else None
    size = data.draw(st.sampled_from([10, 10**5, 10**9]))

    def noise(old: int) -> int:
        return (old if genuine and rng.random() < 0.8 else 0) + rng.randint(-size, size) * (rng.random() < 0.5)

    base = genuine or planned(problem, process).duals
    duals = replace(
        base,
        balance=tuple(tuple(tuple(map(noise, t)) for t in r) for r in base.balance),
        held=tuple(tuple(tuple(map(noise, t)) for t in r) for r in base.held),
        station_runs=tuple(
            in_runs([rng.randint(-size, size) * (rng.random() < 0.3) for _ in station_rows(problem, i)])
            for i in range(len(problem.stations))
        ),
    )
    assert lower_bound_microcents(problem, duals) <= optimum * 1e6 + 1e-6 * abs(optimum * 1e6) + 1


_OPTIMA: dict[Any, float] = {}


def _optimum(kind: str, problem: Any, process: SolverProcess) -> float:
    if problem not in _OPTIMA:
        found = reference_of(arrays_of(problem), process)
        assert found is not None
        _OPTIMA[problem] = found.cost_cents
    return _OPTIMA[problem]


def test_gap_exposes_the_plan_when_a_stations_discharge_was_dropped(genuine_of: Genuine) -> None:
    genuine = genuine_of("several_days", 3)
    i = max(range(len(genuine.plan.battery_wh)), key=lambda i: sum(map(abs, genuine.plan.battery_wh[i])))
    battery = tuple((0,) * len(row) if k == i else row for k, row in enumerate(genuine.plan.battery_wh))
    plan = replace(genuine.plan, battery_wh=battery)
    start = replace(genuine.problem.stations[i], end_min_wh=0, keep_ppm=1_000_000)
    stations = tuple(start if k == i else s for k, s in enumerate(genuine.problem.stations))
    problem = replace(genuine.problem, stations=stations)
    dearer = objective_microcents(plan, problem)
    bound = lower_bound_microcents(problem, genuine.duals)
    assert gap_ppm(dearer, bound) > 20 * genuine.gap_ppm
    with pytest.raises(ClaimWrong, match="objective_microcents"):
        check(replace(genuine, plan=plan, problem=problem, problem_digest=digest(problem)))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"objective_microcents": -1}, "objective_microcents"),
        ({"lower_bound_microcents": 1}, "lower_bound_microcents"),
        ({"gap_ppm": -1}, "gap_ppm"),
    ],
)
def test_claim_is_refused_when_it_flatters_the_plan(change: dict[str, int], error: str, genuine_of: Genuine) -> None:
    genuine = genuine_of("base", 2)
    better = {name: getattr(genuine, name) + by for name, by in change.items()}
    with pytest.raises(ClaimWrong, match=error):
        check(replace(genuine, **better))


def test_weights_are_refused_when_the_risk_rule_does_not_allow_them(genuine_of: Genuine) -> None:
    genuine = genuine_of("cvar", 0)
    weights = genuine.duals.case_weights
    assert len(weights) > 1
    worse = (weights[0] + weights[1], 0, *weights[2:])
    shifted = (genuine.duals.denominator, *(0 for _ in weights[1:]))
    for chosen in (worse, shifted, (weights[0] + 1, *weights[1:])):
        if chosen != weights:
            with pytest.raises(WeightsWrong):
                lower_bound_microcents(genuine.problem, replace(genuine.duals, case_weights=chosen))


def test_plan_is_refused_when_a_limit_is_broken_by_one_watt_hour(genuine_of: Genuine) -> None:
    genuine = genuine_of("base", 2)
    station = genuine.problem.stations[0]
    battery = (station.discharge_wh + 1, *genuine.plan.battery_wh[0][1:])
    plan = replace(genuine.plan, battery_wh=(battery, *genuine.plan.battery_wh[1:]))
    with pytest.raises(LimitBroken, match=f"high_wh={station.discharge_wh}"):
        objective_microcents(plan, genuine.problem)


def test_plan_is_refused_when_a_row_is_missing(genuine_of: Genuine) -> None:
    genuine = genuine_of("base", 2)
    with pytest.raises(ShapeWrong, match="battery_wh"):
        objective_microcents(replace(genuine.plan, battery_wh=genuine.plan.battery_wh[1:]), genuine.problem)


@pytest.mark.parametrize(
    "kind", ["base", "reserves", "cvar", "extremes", "leases", "short_reserves", "cuts", "steps", "holding"]
)
def test_certificate_comes_back_whole_when_written_as_json(kind: str, genuine_of: Genuine) -> None:
    genuine = genuine_of(kind, 2)
    assert certificate_from_plain(json.loads(json.dumps(certificate_to_plain(genuine)))) == genuine


def test_certificate_written_before_load_could_be_cut_and_losses_grew_is_checked_and_written_as_it_was() -> None:
    text = (Path(__file__).parents[2] / "vectors" / "fleet-certificate-leases.json").read_text()
    found = certificate_from_plain(json.loads(text))
    assert check(found).gap_ppm == found.gap_ppm
    assert json.dumps(certificate_to_plain(found)) + "\n" == text


def test_verify_plan_tells_the_proof_when_the_certificate_isgenuine_of(tmp_path: Path, genuine_of: Genuine) -> None:
    genuine, file = genuine_of("everything", 1), tmp_path / "certificate.json"
    file.write_text(json.dumps(certificate_to_plain(genuine)))
    done = CliRunner().invoke(app, ["verify-plan", str(file), "--json", "--problem-digest", genuine.problem_digest])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["gap_ppm"] == genuine.gap_ppm


def test_verify_plan_ends_with_one_when_the_claim_is_false_and_two_when_unread(
    tmp_path: Path, genuine_of: Genuine
) -> None:
    genuine, file = genuine_of("everything", 1), tmp_path / "certificate.json"
    file.write_text(json.dumps(certificate_to_plain(replace(genuine, gap_ppm=0))))
    assert CliRunner().invoke(app, ["verify-plan", str(file)]).exit_code == 1
    file.write_text(json.dumps(certificate_to_plain(genuine)))
    assert CliRunner().invoke(app, ["verify-plan", str(file), "--problem-digest", "00"]).exit_code == 1
    for text in ("{", '{"v":1}', "NaN", '{"v":1,"v":1}'):
        file.write_text(text)
        assert CliRunner().invoke(app, ["verify-plan", str(file)]).exit_code == 2
