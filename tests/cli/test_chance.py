"""`alliance chance`: from days of errors to a certified plan that keeps the real limits on all but a share ε of days."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alliance.fleetplan import problem_to_plain
from cli.chance_days import days_in
from cli.main import app
from optimizer.forecasting.tables import local_text
from tests.alliance.test_chance import fleet
from tests.cli.test_replan import PERIODS, tables
from tests.cli.test_security import terms
from tests.optimizer.forecasting.synthetic import FIRST, HOUR_MS, after, load

HEADER = "day,station,period,error_kw"


def alliance(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def days(path: Path, count: int, *, seed: int, size_kw: float = 8.0) -> Path:
    """A table of days: one shock a day for both stations, one for each, a course in between."""
    rng, rows = random.Random(seed), [HEADER]
    for n in range(count):
        common = rng.gauss(0, 1)
        for station in (0, 1):
            own = rng.gauss(0, 1)
            rows += [f"d{n},{station},{t},{size_kw * (common + own + rng.gauss(0, 0.3)):.3f}" for t in range(PERIODS)]
    path.write_text("\n".join(rows) + "\n")
    return path


def tightened(folder: Path, sample: Path, *more: object) -> Result:
    return alliance("chance", "tighten", folder / "tables", sample, "--out", folder / "fleet.json", "--record",
                    folder / "record.json", "--epsilon-pct", 10, *more)  # fmt: skip


def narrow(folder: Path) -> Path:
    """Imports of the tables' regions bind while energy is cheap."""
    made = tables(folder)
    (made / "prices.csv").write_text((made / "prices.csv").read_text().replace(",5000,5000,1000", ",1500,5000,1000"))
    return made


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chance")
    narrow(folder / "tables")
    done = tightened(folder, days(folder / "days.csv", 120, seed=1))
    assert done.exit_code == 0, done.output
    assert "probability 90 % at least" in done.stdout
    for made, plan in (("fleet.json", "plan.json"), ("tables", "bare.json")):
        solved = alliance("plan", "solve", folder / made, "--out", folder / plan, "--solver", "stamped")
        assert solved.exit_code == 0, solved.output
    return folder


def test_record_and_plan_hold_when_they_are_made_again(guarded: Path) -> None:
    done = alliance("chance", "check", guarded / "record.json", guarded / "tables", guarded / "days.csv", "--plan",
                    guarded / "plan.json", "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert (record["days"], record["terms"]["shapeDays"], record["terms"]["epsilonPpm"]) == (120, 30, 100_000)
    other = alliance("chance", "check", guarded / "record.json", guarded / "tables", guarded / "days.csv", "--plan",
                     guarded / "bare.json")  # fmt: skip
    assert other.exit_code == 1
    assert "problemDigest" in other.stderr


def test_plan_within_margins_breaks_real_limits_on_few_days_and_one_to_the_limit_on_many(guarded: Path) -> None:
    later = days(guarded / "later.csv", 200, seed=2)
    done = alliance("chance", "judge", guarded / "plan.json", guarded / "tables", later, "--record",
                    guarded / "record.json", "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["lowest_ppm"] <= found["frequency_ppm"] <= found["highest_ppm"]
    assert found["lowest_ppm"] <= 100_000
    bare = alliance("chance", "judge", guarded / "bare.json", guarded / "tables", later)
    assert bare.exit_code == 0
    assert "import regions[" in bare.stdout
    assert json.loads(
        alliance("chance", "judge", guarded / "bare.json", guarded / "tables", later, "--json").stdout
    )["lowest_ppm"] > 400_000  # fmt: skip


def test_plan_of_another_fleet_is_not_judged(guarded: Path, tmp_path: Path) -> None:
    loads = (narrow(tmp_path / "tables") / "loads.csv").read_text().replace("a,0,200,0", "a,0,201,0")
    (tmp_path / "tables" / "loads.csv").write_text(loads)
    done = alliance("chance", "judge", guarded / "plan.json", tmp_path / "tables", guarded / "days.csv")
    assert done.exit_code == 1
    assert "claim_wrong: figure=fleet" in done.stderr


def test_both_checks_hold_when_a_fleet_within_margins_must_bear_a_loss_too(guarded: Path, tmp_path: Path) -> None:
    terms(tmp_path / "terms.json")
    done = alliance("security", "require", guarded / "fleet.json", tmp_path / "terms.json", "--out",
                    tmp_path / "both.json", "--record", tmp_path / "security.json")  # fmt: skip
    assert done.exit_code == 0, done.output
    solved = alliance("plan", "solve", tmp_path / "both.json", "--out", tmp_path / "plan.json", "--solver", "stamped")
    assert solved.exit_code == 0, solved.output
    for checked in (
        ("security", "check", tmp_path / "security.json", tmp_path / "plan.json"),
        ("chance", "check", guarded / "record.json", guarded / "tables", guarded / "days.csv", "--plan", tmp_path / "plan.json"),
        ("chance", "judge", tmp_path / "plan.json", guarded / "tables", guarded / "days.csv", "--record", guarded / "record.json"),
    ):  # fmt: skip
        done = alliance(*checked)
        assert done.exit_code == 0, done.output


def test_judgement_ends_with_1_when_days_break_more_than_epsilon_beyond_chance(guarded: Path) -> None:
    wild = days(guarded / "wild.csv", 60, seed=3, size_kw=60)
    done = alliance("chance", "judge", guarded / "plan.json", guarded / "tables", wild, "--record",
                    guarded / "record.json")  # fmt: skip
    assert done.exit_code == 1
    assert "越限频率 violation frequency" in done.stdout


def test_long_run_is_promised_instead_when_the_level_follows_a_drift(guarded: Path, tmp_path: Path) -> None:
    narrow(tmp_path / "tables")
    done = tightened(tmp_path, guarded / "days.csv", "--window-days", 80, "--pace-pct", 2)
    assert done.exit_code == 0, done.output
    assert "in the long run, on 90 % of days" in done.stdout
    assert "回放 replayed 40 天 days" in done.stdout
    without = tightened(tmp_path, guarded / "days.csv", "--pace-pct", 2)
    assert without.exit_code == 2
    assert "window_days" in without.stderr


@pytest.fixture(scope="module")
def forecasts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `alliance forecast` expects of two sites tomorrow, with the errors of every day that it was judged on."""
    folder = tmp_path_factory.mktemp("forecasts")
    for station in (0, 1):
        values = load(130, seed=1 + station)
        rows = [f"{local_text(FIRST.start_ms + i * HOUR_MS)},{round(v)}" for i, v in enumerate(values)]
        (folder / "history.csv").write_text("\n".join(["time,net_load_wh", *rows, ""]))
        done = alliance("forecast", "--history", folder / "history.csv", "--day", after(130), "--scenarios", 60,
                        "--out", folder / f"{station}.json", "--json")  # fmt: skip
        assert done.exit_code == 0, done.output
    return folder


def test_days_of_forecasts_are_the_errors_that_their_scenarios_repeat(forecasts: Path, tmp_path: Path) -> None:
    problem = replace(fleet(periods=24, stations=2), period_s=3600)
    (tmp_path / "tables").write_text(json.dumps(problem_to_plain(problem)))
    done = tightened(tmp_path, forecasts, "--shape-days", 20, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads((forecasts / "1.json").read_text())["forecast"]
    repeated = {s["errorDaysAgo"]: s["values"] for s in told["scenarios"]}
    assert json.loads(done.stdout)["days"] == len(repeated) > 50
    read = days_in(forecasts, problem)
    oldest = max(repeated)
    assert read[0].net_load_wh[1] == tuple(a - b for a, b in zip(repeated[oldest], told["expected"], strict=True))
    other = tmp_path / "other"
    other.mkdir()
    (other / "0.json").write_text((forecasts / "0.json").read_text())
    told["scenarios"] = told["scenarios"][:-1]
    (other / "1.json").write_text(json.dumps({"v": 1, "forecast": told}))
    refused = tightened(tmp_path, other)
    assert refused.exit_code == 2
    assert "1.json" in refused.stderr


def test_base_loads_err_too_when_the_table_has_rows_of_regions(tmp_path: Path) -> None:
    narrow(tmp_path / "tables")
    sample, rows = tmp_path / "days.csv", ["day,station,region,period,error_kw"]
    for n in range(40):
        rows += [f"d{n},{station},,{t},0" for station in (0, 1) for t in range(PERIODS)]
        rows += [f"d{n},,{region},{t},{4 * (n + 1) * region}" for region in (0, 1) for t in range(PERIODS)]
    sample.write_text("\n".join(rows) + "\n")
    done = tightened(tmp_path, sample, "--shape-days", 20, "--json")
    assert done.exit_code == 0, done.output
    margins = json.loads(done.stdout)["margins"]
    assert margins["regionImport"][1] == [39_000] * PERIODS, "156 kW, the 19th of days 21 to 40"
    assert max(margins["regionImport"][0]) <= 2, "no error, but a shape of 1 Wh"
    sample.write_text("\n".join(rows[:-1]) + "\n")
    assert "none for region 1, period 7" in tightened(tmp_path, sample).stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows[:-1], "day d29 whole"),
        (lambda rows: [*rows, rows[-1]], "once in day d29"),
        (lambda rows: [*rows, rows[1]], "lines of a day together"),
        (lambda rows: [rows[0], "d0,2,0,1", *rows[1:]], "a station from 0 to 1"),
        (lambda rows: [rows[0], "d0,0,0,x", *rows[2:]], "error_kw"),
        (lambda rows: [rows[0].replace("error_kw", "error_mw"), *rows[1:]], "one of the columns"),
    ],
)
def test_cell_is_named_when_a_table_of_days_is_wrong(
    change: Callable[[list[str]], list[str]], told: str, tmp_path: Path
) -> None:
    narrow(tmp_path / "tables")
    sample = days(tmp_path / "days.csv", 30, seed=5)
    sample.write_text("\n".join(change(sample.read_text().splitlines())) + "\n")
    done = tightened(tmp_path, sample)
    assert done.exit_code == 2
    assert told in done.stderr


def test_too_few_days_and_margins_without_room_are_refused_with_the_number(tmp_path: Path) -> None:
    narrow(tmp_path / "tables")
    few = tightened(tmp_path, days(tmp_path / "few.csv", 10, seed=6))
    assert few.exit_code == 1
    assert "样本天数太少" in few.stderr
    assert "too_few_days: days=8, needed=9, epsilon_ppm=100000" in few.stderr
    wide = tightened(tmp_path, days(tmp_path / "wide.csv", 60, seed=7, size_kw=2_000))
    assert wide.exit_code == 1
    assert "margin_leaves_no_room: limit=" in wide.stderr
    assert "裕度过大" in wide.stderr
