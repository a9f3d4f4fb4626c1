"""The bench of fleets: wrong claims end it, missed aims are said, and others' planners agree on the same fleets."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import bench
from cli.benches import fleet
from cli.benches.fleet import BackendTooSlow, BoundWrong, FleetsDiffer, Run, require_true
from cli.benches.fleet_targets import Seed, over_seeds

AGREED = 1e-6
OURS = Run(
    backend="prices", wall_s=1.0, cpu_s=1.0, peak_mb=200.0, cost=1e9, bound=1e9 - 1e3, recomputed=1e9, violation_wh=0.0,
    notes="", digest="same",
)  # fmt: skip
THEIRS = replace(OURS, backend="direct", bound=None)
SEED = Seed(wall_s=2.0, cpu_s=1.0, peak_mb=200.0, gap=1e-5, highs_cpu_s=10.0)


def _judged(*, ours: Run = OURS, theirs: Run = THEIRS) -> None:
    require_true("base", 10, 0, ours, [theirs])


def test_bench_goes_on_when_every_claim_is_borne_out() -> None:
    _judged()
    _judged(theirs=replace(THEIRS, cost=1e9 - 500, recomputed=1e9 - 500))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        pytest.param(replace(OURS, bound=1e9), replace(THEIRS, cost=9e8, recomputed=9e8), id="bound above a plan"),
        pytest.param(OURS, replace(THEIRS, cost=1e9 - 1e5, recomputed=1e9 - 1e5), id="gap smaller than the error"),
        pytest.param(replace(OURS, violation_wh=1.0), THEIRS, id="limit broken"),
        pytest.param(replace(OURS, recomputed=1.1e9), THEIRS, id="cost that is not the flows'"),
        pytest.param(OURS, replace(THEIRS, cost=1.1e9, recomputed=1.1e9), id="theirs no optimum"),
    ],
)
def test_bench_ends_when_a_claim_is_wrong(ours: Run, theirs: Run) -> None:
    with pytest.raises(BoundWrong):
        _judged(ours=ours, theirs=theirs)


def test_bench_ends_when_backends_planned_different_fleets() -> None:
    with pytest.raises(FleetsDiffer):
        _judged(theirs=replace(THEIRS, digest="another"))


def test_least_median_and_most_are_said_when_there_are_several_seeds() -> None:
    (found,) = over_seeds("base", 1_000, [replace(SEED, cpu_s=cpu_s) for cpu_s in (1.5, 1.0, 4.0)])
    assert found.facts["seeds"] == 3
    assert found.facts["cpu_s"] == "1 / 1.5 / 4"
    assert found.facts["cpu_to_highs"] == "0.1 / 0.15 / 0.4"
    assert found.facts["aim cpu_to_highs"] == "at most 0.2: missed by 0.2 (2.00 times)"


def test_aims_of_time_and_memory_are_judged_by_the_worst_seed_when_a_fleet_is_large() -> None:
    (found,) = over_seeds("base", 50_000, [SEED, replace(SEED, wall_s=30.0, peak_mb=260.0, highs_cpu_s=None)])
    assert found.facts["aim wall_s"] == "at most 15: missed by 15 (2.00 times)"
    assert found.facts["aim peak_mb"] == "at most 250: missed by 10 (1.04 times)"
    assert found.facts["aim cpu_to_highs"] == "at most 1: met with 0.1"


def test_backend_is_ended_when_it_takes_too_long() -> None:
    with pytest.raises(BackendTooSlow) as late:
        fleet.backend("direct", "base", 20, 0, 1e-5, limit_s=0.01)
    assert late.value.limit_s == 0.01


def test_bench_says_how_to_install_them_when_peers_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fleet, "_PEERS", tmp_path / ".venv-peers" / "bin" / "python")
    done = CliRunner().invoke(bench.app, ["--case", "fleet", "--fleet-case", "site", "--peers"])
    assert done.exit_code == 1
    assert "make bench-peers" in done.stderr


def test_stamped_and_direct_risk_agree_when_a_fleet_has_scenarios() -> None:
    each = fleet.run_seed("cvar", 12, 1, peers=False, limit_s=fleet.MOST_SECONDS)
    (other,) = each.others
    assert each.ours.bound is not None
    assert each.ours.bound <= other.cost * (1 + AGREED)
    assert each.ours.cost == pytest.approx(other.cost, rel=AGREED)
    assert each.ours.recomputed == pytest.approx(each.ours.cost, rel=AGREED)


def test_planner_and_direct_builds_agree_when_a_fleet_holds_reserves() -> None:
    each = fleet.run_seed("reserve", 8, 1, peers=False, limit_s=fleet.MOST_SECONDS)
    simplex, inside = each.others
    assert simplex.cost == pytest.approx(inside.cost, rel=AGREED)
    assert each.ours.bound is not None
    assert each.ours.bound <= simplex.cost * (1 + AGREED)
    assert simplex.cost * (1 - AGREED) <= each.ours.cost <= simplex.cost * (1 + fleet.GAP_OF["reserve"])


@pytest.mark.campaign  # others' planners are 2 GB: `make bench-peers` installs them and runs this
@pytest.mark.parametrize(
    ("peer", "ours", "case", "size"),
    [("flexmeasures", "site", "site", 1), ("pypsa", "direct", "full", 12), ("pypsa", "direct", "tight", 12)],
)
def test_peer_agrees_when_it_plans_the_same_fleet(peer: str, ours: str, case: str, size: int) -> None:
    if not fleet._PEERS.exists():
        pytest.skip("others' planners are not installed: make bench-peers")
    wanted, found = (fleet.backend(name, case, size, 1, 1e-5) for name in (ours, peer))
    assert found.digest == wanted.digest
    assert found.violation_wh <= fleet.VIOLATION_WH
    assert found.cost == pytest.approx(wanted.cost, rel=AGREED)
    assert found.recomputed == pytest.approx(wanted.cost, rel=AGREED)
