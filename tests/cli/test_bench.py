"""`alliance bench`: real work is measured, the last line is one JSON object, and a broken result is never timed as a good one."""

import json
from datetime import date
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from alliance.blackstart.paths import path_cost, reached
from alliance.blackstart.reasons import impossible
from cli import bench
from cli.benches import blackstart, coop, gas, segments, tree
from cli.benches.document import document
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Figures, Measured, best_of
from optimizer.planning import plan_day
from simulation.anvil import AnvilMissing, binary
from tests.optimizer.blackstarts import network
from tests.optimizer.cases import worked_example


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory):
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    with Ground(say=lambda _: None, played=tmp_path_factory.mktemp("none")) as made:
        yield made


def test_day_of_segments_is_stored_whole_when_it_is_measured(ground: Ground) -> None:
    (found,) = segments.run(ground)
    assert isinstance(found, Comparison)
    assert (found.facts["segments"], found.facts["readings"]) == (1_152, 17_280)
    assert found.ratio > 1
    print(f"segments: {found.facts['segments_per_s']} a second, ratio {found.ratio:.1f}, CPU {found.ratio_cpu:.1f}")


def test_gas_is_of_real_transactions_when_the_log_grows(ground: Ground) -> None:
    found = {one.name: one for one in gas.run(ground, exponents=(7, 10)) if isinstance(one, Figures)}
    small, large = (found[f"advance of the log around 2^{exponent} entries"] for exponent in (7, 10))
    statement = found["statement of a day, six members"]
    for one in (small, large):
        assert isinstance(one, Figures)
        least, mean, most = (int(one.facts[f"gas_per_epoch_{name}"]) for name in ("least", "mean", "most"))
        assert 21_000 < least <= mean <= most < 100_000
        assert one.facts["gas_per_reading"] == pytest.approx(mean / 180, abs=0.1)
    assert int(large.facts["gas_per_epoch_mean"]) > int(small.facts["gas_per_epoch_mean"])
    first, correction = statement.facts["gas_first_day"], statement.facts["gas_correction"]
    assert isinstance(first, int)
    assert isinstance(correction, int)
    assert 21_000 < correction < first < 1_000_000


def test_both_ways_to_the_root_are_compared_with_plain_hashing_when_a_tree_is_measured(ground: Ground) -> None:
    growing, root, singly = tree.run(ground, leaves=5_000)
    assert isinstance(growing, Comparison)
    assert growing.facts["hashes"] == 9_999
    assert growing.theirs == root.theirs != singly.theirs


def test_every_coalition_is_solved_both_ways_when_the_split_is_measured() -> None:
    walked, checked = coop.measure(plan_day(worked_example()).certificate)
    assert isinstance(walked, Comparison)
    assert isinstance(checked, Comparison)
    assert (walked.facts["members"], walked.facts["coalitions"]) == (3, 7)
    assert walked.theirs == checked.theirs


def test_black_start_is_planned_and_solved_bare_when_it_is_measured() -> None:
    planned, checked = blackstart.measure(network(Random(1)), "small")
    assert isinstance(planned, Comparison)
    assert isinstance(checked, Comparison)
    assert planned.theirs == checked.theirs
    assert checked.ours.cpu_s < planned.ours.cpu_s
    claimed, proved = (float(planned.facts[f"{who}_at_most_mwh"]) for who in ("solver_claims", "proved"))
    assert float(planned.facts["net_mwh"]) <= min(claimed, proved)


def test_network_is_the_new_england_systems_when_black_starts_are_drawn_for_it() -> None:
    for seed in range(1, blackstart.SEEDS + 1):
        problem = blackstart.instance(seed)
        assert (len(problem.buses), len(problem.lines), len(problem.units)) == (39, 46, 9)
        assert len(reached(problem, path_cost(problem))) == 39
        assert impossible(problem) == ()
    assert blackstart.instance(1) == blackstart.instance(1) != blackstart.instance(2)


def test_table_document_and_json_say_the_same_when_a_case_was_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "LEAVES", 2_000)
    out = tmp_path / "benchmarks.md"
    done = CliRunner().invoke(bench.app, ["--case", "tree", "--out", str(out)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told["cases"]) == ["tree"]
    assert told["versions"]["coincurve"]
    first = told["cases"]["tree"][0]
    assert first["ratio"] == pytest.approx(first["wall_s"] / first["against_wall_s"], rel=0.01)
    text = out.read_text()
    assert f"| tree | {first['name']} |" in text
    assert f"bytes {first['bytes']:,}" in text
    assert told["machine"]["processor"] in text


def _timed(name: str, wall_s: float) -> Comparison:
    one = Measured(wall_s=wall_s, cpu_s=wall_s)
    return Comparison(name=name, ours=one, against="y", theirs=Measured(wall_s=1.0, cpu_s=1.0), facts={"n": 7})


def test_other_rows_stay_with_their_day_when_a_run_of_some_cases_is_put_beside_them() -> None:
    order = ["tree", "fleet"]
    first = {
        "tree": [_timed("leaves", 2.0)],
        "fleet": [_timed("base", 3.0), _timed("base, seed 1", 4.0), _timed("mpc", 5.0)],
    }
    before = document(first, ground="here", day=date(2026, 1, 1), order=order)
    again = {"fleet": [_timed("base", 6.0)]}
    both = document(again, ground="here", day=date(2026, 2, 2), order=order, before=before)
    rows = [line.split(" | ") for line in both.splitlines() if line.startswith(("| tree", "| fleet"))]
    assert [(row[0], row[1], row[2], row[-1]) for row in rows if len(row) == 10] == [
        ("| tree", "leaves", "2.000", "2026-01-01 |"),
        ("| fleet", "base", "6.000", "2026-02-02 |"),
        ("| fleet", "mpc", "5.000", "2026-01-01 |"),
    ]
    assert [(row[1], row[-1]) for row in rows if len(row) == 4] == [
        ("leaves", "2026-01-01 |"), ("base", "2026-02-02 |"), ("mpc", "2026-01-01 |")
    ]  # fmt: skip


def test_no_row_stays_when_it_was_measured_on_another_machine() -> None:
    before = document({"tree": [_timed("leaves", 2.0)]}, ground="there", day=date(2026, 1, 1), order=["tree", "fleet"])
    again = {"fleet": [_timed("base", 6.0)]}
    both = document(again, ground="here", day=date(2026, 2, 2), order=["tree", "fleet"], before=before)
    assert "leaves" not in both
    assert both == document(again, ground="here", day=date(2026, 2, 2), order=["tree", "fleet"])


def test_case_is_refused_when_there_is_none_of_that_name() -> None:
    done = CliRunner().invoke(bench.app, ["--case", "luck"])
    assert done.exit_code == 2
    assert "segments" in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "limit"),
    [
        ("--size", "0", "greater than or equal to 1"),
        ("--size", "100001", "less than or equal to 100000"),
        ("--seeds", "0", "greater than or equal to 1"),
        ("--limit-s", "0", "greater than or equal to 1"),
    ],
)
def test_figure_is_refused_by_name_and_limit_when_it_lies_outside(option: str, value: str, limit: str) -> None:
    done = CliRunner().invoke(bench.app, ["--case", "fleet", option, value])
    assert done.exit_code == 2
    assert option in done.stderr
    assert limit in " ".join(done.stderr.split())


def test_best_run_counts_when_some_are_slow() -> None:
    waits = iter([200_000, 10, 100_000])
    readied: list[int] = []
    found = best_of(lambda: sum(range(next(waits))), before=lambda: readied.append(1))
    assert isinstance(found, Measured)
    assert 0 <= found.wall_s < 0.01
    assert len(readied) == 3


def test_comparison_has_a_ratio_when_theirs_took_no_measurable_processor_time() -> None:
    one = Comparison(
        name="x", ours=Measured(wall_s=2.0, cpu_s=1.0), against="y", theirs=Measured(wall_s=0.5, cpu_s=0.0)
    )
    assert one.ratio == 4.0
    assert one.ratio_cpu > 1
