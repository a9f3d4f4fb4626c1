"""Prices take a fleet apart: the bound is proved, the mixture is a plan, and the stamped model answers for the rest."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alliance.fleetexchange import exchange_of
from alliance.fleetplan import Region
from alliance.fleetproof import FleetCertificate, check, exchange_microwh, lower_bound_microcents
from alliance.fleettie import arrived_microwh
from cli.benches.fleet_cases import fleet, rolled
from optimizer.fleet.arrays import FleetArrays, arrays_of, problem_of, ties_of
from optimizer.fleet.certify import fleet_duals
from optimizer.fleet.fast import GAP, relaxed_fast
from optimizer.fleet.plan import FleetSettings, plan_fleet
from optimizer.fleet.prices import NOISE, Priced, by_prices, can_price
from optimizer.fleet.relaxed import Relaxed, relaxed_stamped
from optimizer.fleet.scaled import scaled
from optimizer.solver import SolverProcess, SolverSettings
from tests.optimizer.fleet.instances import instance, instances

SETTINGS = SolverSettings()
COUNT = 96


@pytest.fixture(scope="module")
def process() -> Iterator[SolverProcess]:
    with SolverProcess() as running:
        yield running


def _priced(arrays: FleetArrays, **options: float) -> list[Priced]:
    parts = list(by_prices(arrays, **options))
    assert all(part is not None for part in parts)
    return [part for part in parts if part is not None]


def _violation_wh(arrays: FleetArrays, found: Relaxed) -> float:
    """The largest violation of any limit of a relaxation without reserves or scenarios."""
    c, d, u = found.charge, found.discharge, found.curtailed[0]
    taken = arrays.net_load_wh + c - d + u
    net = arrays.base_load_wh.astype(float)
    np.add.at(net, arrays.region, taken)
    forward, backward = found.forward[0], found.backward[0]
    np.add.at(net, arrays.tie_from, forward - _arrived(arrays, backward))
    np.add.at(net, arrays.tie_to, backward - _arrived(arrays, forward))
    content, broken = arrays.start_wh.astype(float), [0.0]
    for t in range(arrays.periods):
        stored = arrays.eta_c_ppm / 1e6 * c[:, t] - d[:, t] * 1e6 / arrays.eta_d_ppm
        content = arrays.keep_ppm / 1e6 * content + stored
        broken += [(arrays.low_wh[:, t] - content).max(initial=0), (content - arrays.high_wh[:, t]).max(initial=0)]
    broken += [x.max(initial=0) for x in (
        -c, -d, -u, c - arrays.charge_wh[:, None], d - arrays.discharge_wh[:, None], u - arrays.curtailable_wh,
        taken - arrays.pcc_import_wh[:, None], -taken - arrays.pcc_export_wh[:, None], forward + backward - arrays.tie_limit_wh[:, None],
    )]  # fmt: skip
    if found.skipped.max(initial=0.0) < 1e-6 * arrays.tie_limit_wh.max(initial=1):
        broken += [(net - arrays.most_taken_wh).max(), (-net - arrays.export_limit_wh).max()]
    return float(max(broken))


def _arrived(arrays: FleetArrays, sent: Any) -> Any:
    """What arrives of what ties send, their steps filled from below."""
    found = np.zeros_like(sent)
    for k, tie in enumerate(ties_of(arrays)):
        at = [0, *(step.above_wh for step in tie.steps), tie.limit_wh]
        found[k] = np.interp(sent[k], at, [arrived_microwh(tie, wh) / 1e6 for wh in at])
    return found


@pytest.mark.slow
def test_costs_agree_with_the_stamped_model_when_fleets_are_random(process: SolverProcess) -> None:
    priced = 0
    for kind, seed in instances(COUNT):
        arrays = arrays_of(instance(kind, seed))
        expected = relaxed_stamped(arrays, process=process, settings=SETTINGS)
        found = relaxed_fast(arrays, process=process, settings=SETTINGS)
        assert (found is None) == (expected is None), (kind, seed)
        if found is None or expected is None:
            continue
        allowed = 1e-6 * max(1.0, abs(expected.cost_cents))
        if can_price(arrays):
            priced += 1
            allowed += GAP * abs(expected.cost_cents)
            scale = max(arrays.energy_max_wh.max(initial=1), np.abs(arrays.base_load_wh).max(), 1)
            assert _violation_wh(arrays, found) <= 1e-7 * scale, (kind, seed)
        assert abs(found.cost_cents - expected.cost_cents) <= allowed, (kind, seed)
    assert priced > COUNT // 2


@pytest.mark.slow
def test_bound_is_proved_and_meets_the_cost_when_the_gap_is_small(process: SolverProcess) -> None:
    for kind, seed in instances(COUNT, first=COUNT):
        arrays = arrays_of(instance(kind, seed))
        if not can_price(arrays):
            continue
        optimum = relaxed_stamped(arrays, process=process, settings=SETTINGS)
        assert optimum is not None
        parts = _priced(arrays, gap=1e-9)
        bound, cost = sum(p.bound for p in parts) / 1e6, sum(p.cost for p in parts) / 1e6
        noise = 1e-6 * max(1.0, abs(optimum.cost_cents))
        assert bound <= optimum.cost_cents + noise, (kind, seed)
        assert cost >= optimum.cost_cents - noise, (kind, seed)


@pytest.mark.parametrize("case", ["base", "tight", "negative", "spiky", "one-region", "full", "site"])
def test_gap_is_met_and_the_duals_prove_it_when_fleets_are_as_in_the_bench(case: str, process: SolverProcess) -> None:
    arrays = fleet(case, stations=30, seed=1)
    (part,) = _priced(arrays, seconds=300.0)
    assert part.met
    assert 0 <= part.cost - part.bound <= GAP * abs(part.cost) + NOISE * abs(part.cost)
    optimum = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    assert optimum is not None
    assert part.bound / 1e6 <= optimum.cost_cents * (1 + 1e-9)
    assert part.cost / 1e6 == pytest.approx(optimum.cost_cents, rel=2 * GAP)


@pytest.mark.parametrize("cut_price", [20_000, 200_000])
def test_gap_is_met_when_load_may_be_cut_and_losses_grow_with_the_flow(cut_price: int, process: SolverProcess) -> None:
    arrays = _halved(fleet("base", stations=30, seed=1))
    most = np.full_like(arrays.base_load_wh, int(arrays.base_load_wh.max()) * 7 // 8)
    limit = int(arrays.base_load_wh.mean()) // 4
    arrays = replace(
        arrays, import_limit_wh=most, cut_most_wh=most, cut_price=np.full((1, 1), cut_price),
        tie_from=np.array([0]), tie_to=np.array([1]), tie_limit_wh=np.array([limit]), tie_loss_ppm=np.array([10_000]),
        tie_steps=np.array([(0, limit * part // 4, 10_000 + 20_000 * part) for part in (1, 2, 3)]),
    )  # fmt: skip
    (part,) = _priced(arrays, seconds=300.0)
    assert part.met
    assert part.skipped.max() < 1.0
    optimum = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    assert optimum is not None
    assert part.bound / 1e6 <= optimum.cost_cents * (1 + 1e-9)
    assert part.cost / 1e6 == pytest.approx(optimum.cost_cents, rel=2 * GAP)
    assert optimum.forward.max() + optimum.backward.max() > limit / 4
    found = plan_fleet(arrays, settings=FleetSettings(), process=process).certificate()
    assert check(found).gap_ppm <= 200
    assert any(exchange_of(region, t, row[t]).cut for region, row in _taken(found) for t in range(arrays.periods))


def _halved(arrays: FleetArrays) -> FleetArrays:
    """A region's stations in two, of which the second pays three fifths of the first's prices."""
    names = ("buy_price", "sell_price", "import_limit_wh", "export_limit_wh", "base_load_wh")
    both = {name: np.repeat(getattr(arrays, name), 2, axis=0) for name in names}
    for name in ("buy_price", "sell_price"):
        both[name][1] = both[name][1] * 3 // 5
    return replace(arrays, region=np.arange(arrays.stations) % 2, **both)


def _taken(found: FleetCertificate) -> list[tuple[Region, list[int]]]:
    taken = exchange_microwh(found.plan, found.problem, 0)
    return list(zip(found.problem.regions, taken, strict=True))


def test_regions_are_planned_together_when_ties_connect_them() -> None:
    arrays = fleet("full", stations=500, seed=0)
    assert arrays.ties
    (part,) = _priced(arrays, seconds=0.0)
    assert sorted(part.regions.tolist()) == list(range(arrays.regions))
    assert part.bound <= part.cost


def test_stamped_model_answers_when_prices_have_no_time(process: SolverProcess) -> None:
    arrays = fleet("spiky", stations=20, seed=2)
    (part,) = _priced(arrays, seconds=0.0)
    assert not part.met
    assert part.bound <= part.cost
    expected = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    found = relaxed_fast(arrays, process=process, settings=SETTINGS, seconds=0.0)
    assert expected is not None
    assert found is not None
    assert found.cost_cents == pytest.approx(expected.cost_cents, rel=1e-9)
    bound = lower_bound_microcents(problem_of(arrays), fleet_duals(arrays, scaled(arrays).shape, found.prices)) / 1e6
    assert found.optimal
    assert bound <= found.cost_cents * (1 + 1e-9)
    assert bound == pytest.approx(found.cost_cents, rel=1e-6), "its prices prove it as those of the fast path do"


def test_stamped_model_answers_when_a_small_fleet_holds_reserves(process: SolverProcess) -> None:
    arrays = arrays_of(instance("reserves", 0))
    assert not can_price(arrays)
    expected = relaxed_stamped(arrays, process=process, settings=SETTINGS)
    found = relaxed_fast(arrays, process=process, settings=SETTINGS)
    assert expected is not None
    assert found is not None
    assert found.cost_cents == pytest.approx(expected.cost_cents, rel=1e-9)


def test_fewer_prices_are_asked_when_earlier_ones_are_known() -> None:
    arrays = fleet("base", stations=60, seed=0)
    (first,) = _priced(arrays, seconds=300.0)
    (again,) = _priced(arrays, seconds=300.0, guess=first.prices)  # type: ignore[arg-type]
    assert again.met
    assert again.sweeps < first.sweeps


def test_no_plan_is_given_when_a_station_cannot_keep_its_floor() -> None:
    arrays = fleet("base", stations=5, seed=0)
    named = {name: getattr(arrays, name) for name in FleetArrays.__dataclass_fields__}
    floor = arrays.energy_max_wh[:, None]
    assert list(by_prices(FleetArrays(**(named | {"own_need_floor_wh": floor})))) == [None]


def test_exact_certificate_confirms_the_gap_when_a_fleet_is_priced(process: SolverProcess) -> None:
    arrays = fleet("negative", stations=12, seed=3)
    found = relaxed_fast(arrays, process=process, settings=SETTINGS)
    assert found is not None
    result = plan_fleet(arrays, settings=FleetSettings(), process=process)
    certificate = result.certificate()
    bound = lower_bound_microcents(certificate.problem, fleet_duals(arrays, scaled(arrays).shape, found.prices))
    assert bound <= found.cost_cents * 1e6 + 1
    assert bound >= found.cost_cents * 1e6 - 2 * GAP * abs(found.cost_cents) * 1e6
    assert check(certificate).gap_ppm <= 100


def test_a_cycle_needs_half_the_prices_at_most_when_those_of_the_one_before_are_known() -> None:
    """288 periods of five minutes, rolled on by one; a guess that is wrong costs time, never the proof."""
    arrays = fleet("mpc", stations=12, seed=3)
    (before,) = _priced(arrays, seconds=300.0)
    flow = before.discharge[:, 0] - before.charge[:, 0]
    lost = np.where(flow > 0, flow * 1e6 / arrays.eta_d_ppm, flow * arrays.eta_c_ppm / 1e6)
    content = arrays.keep_ppm / 1e6 * arrays.start_wh - lost
    start = np.clip(np.rint(content).astype(np.int64), arrays.energy_min_wh, arrays.energy_max_wh)
    now = rolled(arrays, start)
    (cold,) = _priced(now, seconds=300.0)
    (warm,) = _priced(now, seconds=300.0, guess=np.roll(before.prices, -1, axis=1))  # type: ignore[arg-type]
    (misled,) = _priced(now, seconds=300.0, guess=before.prices[:, ::-1].copy())  # type: ignore[arg-type]
    assert 2 * warm.sweeps <= cold.sweeps
    for found in (cold, warm, misled):
        assert found.met
        assert found.bound <= min(cold.cost, warm.cost, misled.cost) * (1 + 1e-9)
        assert found.cost - found.bound <= GAP * abs(found.cost)
