"""`alliance security`: a fleet holds what its area's largest loss needs, and the check follows what the plan holds."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alliance.fleetproof import certificate_from_plain
from cli.main import app
from tests.cli.test_replan import PERIODS, tables

LIMIT = 49_500


def alliance(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def terms(path: Path, **changed: Any) -> Path:
    """An island of 5 MW whose largest set gives 350 kW; its inertia halves in the last hour."""
    governor = {"deadbandMhz": 33, "droopBp": 400, "lagMs": 500, "riseMs": 12_000}
    stated = {
        "nominalMhz": 50_000, "nadirLimitMhz": LIMIT, "rocofLimitMhzPerS": None, "baseW": 5_000_000,
        "dampingPpmPerHz": 20_000, "inertiaMs": [3_000] * 4 + [1_500] * 4, "loadW": [3_000_000], "lossW": [350_000],
        "own": {"deadbandMhz": 33, "droopBp": 90, "lagMs": 150, "riseMs": 800},
        "others": [{"response": governor, "heldW": [600_000]}],
        "durationS": 900, "activationPpm": 0, "price": [0],
    } | changed  # fmt: skip
    path.write_text(json.dumps({"v": 1, "security": stated}))
    return path


def required(folder: Path, **changed: Any) -> Result:
    if not (folder / "tables").exists():
        tables(folder / "tables")
    return alliance("security", "require", folder / "tables", terms(folder / "terms.json", **changed), "--out",
                    folder / "fleet.json", "--record", folder / "record.json", "--json")  # fmt: skip


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("security")
    done = required(folder)
    assert done.exit_code == 0, done.output
    solved = alliance("plan", "solve", folder / "fleet.json", "--out", folder / "plan.json", "--solver", "stamped")
    assert solved.exit_code == 0, solved.output
    return folder


def test_plan_bears_the_largest_loss_when_its_fleet_holds_what_is_required(secured: Path) -> None:
    done = alliance("security", "check", secured / "record.json", secured / "plan.json", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["lowest_mhz"] >= LIMIT
    assert all(held >= needed > 0 for held, needed in zip(found["held_w"], found["needed_w"], strict=True))
    assert found["needed_w"][-1] > found["needed_w"][0], "less inertia needs more"
    verified = alliance("verify-plan", secured / "plan.json", "--problem-digest", found["problem_digest"])
    assert verified.exit_code == 0, verified.output
    shown = alliance("security", "check", secured / "record.json", secured / "plan.json")
    assert "最低点 nadir" in shown.stdout


def test_requirement_stands_in_the_plan_exactly_as_watts_became_watt_hours(secured: Path) -> None:
    plan = certificate_from_plain(json.loads((secured / "plan.json").read_text()))
    needed = json.loads((secured / "record.json").read_text())["securityRecord"]["neededW"]
    north, south = plan.problem.reserves[0].requirement_wh
    assert [a + b for a, b in zip(north, south, strict=True)] == [-(-w // 4) for w in needed]
    assert abs(north[0] - south[0]) <= 1, "two stations of one size share it"


def test_loss_is_refused_with_its_figures_when_no_reserve_bears_it(tmp_path: Path) -> None:
    done = required(tmp_path, lossW=[350_000] * (PERIODS - 1) + [2_500_000])
    assert done.exit_code == 1
    assert "loss_too_large: period=7, loss_w=2500000" in done.stderr
    assert "bearable_w=" in done.stderr
    assert "最大损失" in done.stderr


def test_fall_is_refused_when_it_is_too_steep_from_the_start(tmp_path: Path) -> None:
    done = required(tmp_path, rocofLimitMhzPerS=1_000)
    assert done.exit_code == 1
    assert "rocof_too_steep: period=4, rocof_mhz_per_s=1167, limit_mhz_per_s=1000" in done.stderr


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"inertiaMs": [3_000] * 3}, "inertia_ms (its length)"),
        ({"nadirLimitMhz": 50_000}, "nadir_limit_mhz"),
        ({"lossW": [0]}, "loss_w[0]"),
        ({"baseW": 5.0}, "baseW"),
        ({"speed": 1}, "speed"),
    ],
)
def test_terms_are_refused_by_field_when_they_cannot_be(changed: dict[str, Any], told: str, tmp_path: Path) -> None:
    done = required(tmp_path, **changed)
    assert done.exit_code == 2
    assert told in done.stderr


def test_plan_is_refused_by_the_planner_when_the_fleet_cannot_hold_so_much(tmp_path: Path) -> None:
    small = (tables(tmp_path / "tables") / "stations.csv").read_text().replace(",500,500,100,", ",100,100,100,")
    (tmp_path / "tables" / "stations.csv").write_text(small)
    assert required(tmp_path).exit_code == 0
    done = alliance("plan", "solve", tmp_path / "fleet.json", "--out", tmp_path / "plan.json", "--solver", "stamped")
    assert done.exit_code == 1
    assert "fleet_infeasible" in done.stderr


@pytest.mark.parametrize("change", ["needed", "less", "nadir", "terms", "digest"])
def test_record_is_refused_when_a_figure_is_altered(change: str, secured: Path, tmp_path: Path) -> None:
    plain = json.loads((secured / "record.json").read_text())
    inner = plain["securityRecord"]
    match change:
        case "needed":
            inner["neededW"][0] += 1_000
        case "less":
            inner["neededW"][0] -= 1_000
        case "nadir":
            inner["needed"][2]["nadirMhz"] += 1
        case "terms":
            inner["terms"]["inertiaMs"][0] -= 100
        case _:
            inner["problemDigest"] = "0" * 64
    (tmp_path / "record.json").write_text(json.dumps(plain))
    done = alliance("security", "check", tmp_path / "record.json", secured / "plan.json")
    assert done.exit_code == 1, done.output
    assert "claim_wrong" in done.stderr


def test_plan_for_another_loss_is_not_taken_for_one_for_this(secured: Path, tmp_path: Path) -> None:
    assert required(tmp_path, lossW=[351_000]).exit_code == 0
    done = alliance("security", "check", tmp_path / "record.json", secured / "plan.json")
    assert done.exit_code == 1
    assert "problemDigest" in done.stderr


def test_plan_is_refused_when_it_holds_so_much_more_that_the_area_never_comes_to_rest(tmp_path: Path) -> None:
    """Paid well for reserve, the fleet holds all it has: behind a lag of 0.45 s that is too steep a response."""
    slow = {"deadbandMhz": 33, "droopBp": 90, "lagMs": 450, "riseMs": 800}
    done = required(tmp_path, own=slow, others=[], inertiaMs=[3_000], price=[20_000], lossW=[250_000])
    assert done.exit_code == 0, done.output
    assert max(json.loads(done.stdout)["needed_w"]) < 500_000
    solved = alliance("plan", "solve", tmp_path / "fleet.json", "--out", tmp_path / "plan.json", "--solver", "stamped")
    assert solved.exit_code == 0, solved.output
    checked = alliance("security", "check", tmp_path / "record.json", tmp_path / "plan.json")
    assert checked.exit_code == 1
    assert "response_unstable: period=" in checked.stderr
    assert "响应过慢" in checked.stderr
