"""Fleets with reserves from the inside: costs agree with the reference, bounds hold at every step, HiGHS takes over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alliance.fleetplan import RISK_NEUTRAL, FleetProblem
from alliance.fleetproof import check, lower_bound_microcents
from cli.benches.fleet_cases import fleet
from optimizer.fleet import interior, reserved
from optimizer.fleet.arrays import FleetArrays, arrays_of, problem_of
from optimizer.fleet.certify import fleet_duals
from optimizer.fleet.fast import GAP, relaxed_fast
from optimizer.fleet.interior import from_inside
from optimizer.fleet.newton import factorised
from optimizer.fleet.plan import FleetInfeasible, FleetSettings, plan_fleet
from optimizer.fleet.prices import can_price
from optimizer.fleet.relaxed import Prices, relaxed_stamped
from optimizer.fleet.scaled import scaled
from optimizer.solver import SolverProcess, SolverSettings
from tests.optimizer.fleet.agreement import AGREED, reference_of
from tests.optimizer.fleet.instances import instance

SETTINGS = SolverSettings()


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reserved, "LEAST_STATION_PERIODS", 0)


def _holding(kind: str, seed: int) -> FleetProblem:
    """A random fleet with reserves, without what the method leaves to others."""
    problem = instance(kind, seed)
    stations = tuple(replace(s, holding=()) for s in problem.stations)
    regions = tuple(replace(r, cut_most_wh=(), cut_price=()) for r in problem.regions)
    ties = tuple(replace(tie, steps=()) for tie in problem.ties)
    plain = {"leases": (), "scenarios": (), "risk": RISK_NEUTRAL}
    return replace(problem, stations=stations, regions=regions, ties=ties, **plain)


def test_stamped_programme_is_asked_when_a_fleet_has_what_the_method_does_not_know() -> None:
    plain = _holding("reserves", 1)
    large = replace(plain, stations=plain.stations * 200)
    cut = {"cut_most_wh": (5,) * plain.periods, "cut_price": (90_000,) * plain.periods}
    assert reserved.can_enter_any(arrays_of(large))
    assert not reserved.can_enter_any(
        arrays_of(replace(large, regions=tuple(replace(r, **cut) for r in plain.regions)))
    )


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize("kind", ["reserves", "short_reserves", "everything"])
def test_plans_are_proved_and_agree_with_the_reference_when_fleets_hold_reserves(
    kind: str, process: SolverProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = _counting_inside(monkeypatch)
    for seed in range(7):
        problem = _holding(kind, seed)
        wanted = reference_of(arrays_of(problem), process)
        if wanted is None:
            with pytest.raises(FleetInfeasible):
                plan_fleet(arrays_of(problem), settings=FleetSettings(), process=process, why=False)
            continue
        found = plan_fleet(arrays_of(problem), settings=FleetSettings(), process=process)
        proof, size = check(found.certificate(problem)), max(1.0, abs(wanted.cost_cents))
        assert abs(found.relaxed_cost_cents - wanted.cost_cents) <= (GAP + AGREED) * size, seed
        assert proof.lower_bound_microcents / 1e6 <= wanted.cost_cents + AGREED * size, seed
        assert proof.objective_microcents / 1e6 >= wanted.cost_cents - AGREED * size, seed
        true_gap_ppm = (proof.objective_microcents / 1e6 - wanted.cost_cents) / (proof.objective_microcents / 1e6) * 1e6
        assert proof.gap_ppm >= true_gap_ppm - 1, seed
    assert met.count(True) >= 4


def _counting_inside(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each part met its gap from the inside."""
    met: list[bool] = []
    read = reserved._inside

    def kept(reply: dict[str, object]) -> interior.Inside:
        met.append(read(reply).met)
        return read(reply)

    monkeypatch.setattr(reserved, "_inside", kept)
    return met


@pytest.mark.parametrize("steps", [2, 12])
def test_bound_is_below_the_optimum_when_the_method_is_stopped_on_its_way(
    steps: int, process: SolverProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = fleet("reserve", stations=4, seed=1)
    wanted = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    monkeypatch.setattr(interior, "MOST_STEPS", steps)
    found = from_inside(arrays, gap=1e-5)
    assert wanted is not None
    assert not found.met
    assert found.bound_cents <= wanted.cost_cents


def test_bound_in_floats_is_the_certificates_when_its_prices_are_rounded() -> None:
    for arrays in (fleet("reserve", stations=6, seed=2), arrays_of(_holding("everything", 5))):
        found = from_inside(arrays, gap=1e-4)
        prices = Prices(case_weights=np.ones(1), balance=found.balance[None], held=found.held, rows=dict(found.rows))
        proved = lower_bound_microcents(problem_of(arrays), fleet_duals(arrays, scaled(arrays).shape, prices)) / 1e6
        assert proved == pytest.approx(found.bound_cents, rel=1e-6)


def test_matrix_of_the_prices_is_the_dense_one_when_stations_are_taken_apart() -> None:
    """B H⁻¹ Bᵀ, each station's H = Gᵀ(z/s)G written out and inverted whole."""
    search = interior._Search(fleet("reserve", stations=3, seed=1))
    for _ in range(5):
        search._look()
        assert search._step()
    own, (regions, periods, links) = search._own, search._prices.shape
    matrix = np.zeros((regions, periods * links, periods * links))
    factorised(
        own.rows, own.limits, own.coupling, own.region, search._s, search._z, search._root, search._bond,
        search._pivot, search._off, matrix,
    )  # fmt: skip
    dense = sum(_dense(search, i) for i in range(3))
    assert np.triu(matrix[0]) == pytest.approx(np.triu(dense), rel=1e-6, abs=1e-6 * np.abs(dense).max())


def _dense(search: interior._Search, i: int) -> interior.Floats:
    own, (_, periods, links) = search._own, search._prices.shape
    width = own.costs.shape[2] + 1
    inner, outer = np.zeros((periods * width,) * 2), np.zeros((periods * links, periods * width))
    for t in range(periods):
        at = [*range(t * width, (t + 1) * width), *([t * width - 1] if t else [])]
        weights = np.where(np.isfinite(own.limits[i, t]), search._z[i, t] / search._s[i, t], 0.0)
        rows = own.rows[i][:, : len(at)]
        inner[np.ix_(at, at)] += rows.T @ (weights[:, None] * rows)
        outer[t * links : (t + 1) * links, at] += own.coupling[i][:, : len(at)]
    return outer @ np.linalg.solve(inner, outer.T)


def test_stamped_programme_answers_when_a_gap_is_out_of_reach(process: SolverProcess) -> None:
    arrays = fleet("reserve", stations=6, seed=0)
    assert not can_price(arrays)
    expected = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    found = relaxed_fast(arrays, process=process, settings=SETTINGS, gap=0.0)
    assert expected is not None
    assert found is not None
    assert found.optimal
    assert found.cost_cents == pytest.approx(expected.cost_cents, rel=1e-7)


def test_stamped_programme_is_asked_at_once_when_a_matrix_would_be_dearer_than_its_stations() -> None:
    """Nine tied regions of a station each: their prices are many, their stations few."""
    assert interior.can_enter(fleet("reserve", stations=8, seed=1))
    assert not interior.can_enter(_tied(fleet("reserve", stations=8, seed=1), 9))


def test_stamped_programme_is_asked_at_once_when_content_is_held_at_a_price() -> None:
    arrays = fleet("reserve", stations=8, seed=1)
    assert reserved.can_enter_any(arrays)
    assert not reserved.can_enter_any(replace(arrays, holding=np.array([[[1000, 0, 50]]])))


def _tied(arrays: FleetArrays, count: int) -> FleetArrays:
    """The same stations in many regions that a line of ties connects."""
    of_regions = ("buy_price", "sell_price", "import_limit_wh", "export_limit_wh", "base_load_wh")
    held = tuple(replace(q, requirement_wh=q.requirement_wh * count) for q in arrays.reserves)
    ends, more = np.arange(count - 1), {name: np.repeat(getattr(arrays, name), count, axis=0) for name in of_regions}
    return replace(
        arrays,
        region=np.arange(arrays.stations) % count,
        reserves=held,
        tie_from=ends,
        tie_to=ends + 1,
        tie_limit_wh=np.full(count - 1, 1000),
        tie_loss_ppm=np.full(count - 1, 20_000),
        **more,
    )


def test_tied_regions_agree_with_the_stamped_model_when_both_hold_reserves(process: SolverProcess) -> None:
    arrays = _tied(fleet("reserve", stations=10, seed=3), 2)
    short = tuple(
        replace(q, requirement_wh=tuple(tuple(x // 3 for x in row) for row in q.requirement_wh))
        for q in arrays.reserves
    )
    found = from_inside(replace(arrays, reserves=short), gap=1e-4)
    expected = relaxed_stamped(replace(arrays, reserves=short), process=process, settings=SETTINGS)
    assert expected is not None
    assert found.met
    assert found.bound_cents <= expected.cost_cents * (1 + 1e-9)
    assert found.cost_cents == pytest.approx(expected.cost_cents, rel=1.1e-4)


def test_rounding_gives_up_few_reserves_when_they_leave_some_stations_no_whole_flow(process: SolverProcess) -> None:
    """In this fleet 23 station-periods find no whole flow at first; to spare every station cost 200 ppm."""
    arrays = fleet("reserve", stations=10, seed=0)
    found = plan_fleet(arrays, settings=FleetSettings(), process=process)
    proof = check(found.certificate())
    assert found.optimal
    assert proof.gap_ppm <= 50
