"""Every path gives the reference's cost, every plan passes the exact check, no claimed gap is smaller than the true one."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.relaxed import relaxed_reference
from optimizer.linear import SolverMissing
from optimizer.solver import Backend, SolverProcess, SolverSettings
from tests.optimizer.fleet.agreement import AGREED, compared, planned, reference_of
from tests.optimizer.fleet.brute import best_microcents
from tests.optimizer.fleet.instances import KINDS, instance, tiny

SEEDS_A_KIND = 9


@pytest.mark.parametrize("kind", KINDS)
def test_stamped_path_agrees_with_the_reference_when_fleets_are_random(kind: str, process: SolverProcess) -> None:
    found = Counter(compared(kind, seed, process).result for seed in range(SEEDS_A_KIND))
    assert found["planned"] >= SEEDS_A_KIND // 2, found
    assert found["unrounded"] == 0, found


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), seed=st.integers(min_value=1_000, max_value=10**9))
def test_paths_agree_when_hypothesis_chooses_the_fleet(kind: str, seed: int, process: SolverProcess) -> None:
    outcome = compared(kind, seed, process)
    assert outcome.relative_difference <= AGREED
    assert outcome.bound_lost <= 1e-5


def test_glpk_agrees_with_highs_when_both_solve_the_reference(process: SolverProcess) -> None:
    arrays = arrays_of(instance("everything", 1))
    highs = reference_of(arrays, process)
    try:
        glpk = relaxed_reference(arrays, process=process, settings=SolverSettings(backend=Backend.GLPK))
    except SolverMissing:
        pytest.skip("glpsol is not installed")
    assert highs is not None
    assert glpk is not None
    assert glpk.cost_cents == pytest.approx(highs.cost_cents, rel=AGREED)


@pytest.mark.parametrize("seed", range(6))
def test_plan_is_the_best_of_all_when_everything_is_tried(seed: int, process: SolverProcess) -> None:
    problem = tiny(seed, lossless=True, leased=seed % 2 == 1, cut=seed % 3 == 2)
    certificate = planned(problem, process)
    assert certificate.objective_microcents == best_microcents(problem)


@pytest.mark.parametrize("seed", range(6))
def test_gap_covers_the_best_whole_plan_when_losses_forbid_the_optimum(seed: int, process: SolverProcess) -> None:
    problem = tiny(seed, lossless=False, leased=seed % 2 == 1, cut=seed % 3 == 1, stepped=seed % 2 == 0)
    certificate = planned(problem, process)
    best = best_microcents(problem)
    assert best is not None
    assert certificate.lower_bound_microcents <= best <= certificate.objective_microcents
