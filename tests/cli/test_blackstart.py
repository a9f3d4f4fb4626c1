"""`alliance blackstart`: a network in, a checked plan out; without one the reasons, Chinese first; plans are checked."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alliance.blackstart.check import check
from alliance.blackstart.record import plan_from_plain
from cli.main import app

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "blackstart.json"


def blackstart(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["blackstart", *map(str, arguments)])


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("blackstart") / "plan.json"
    return out, blackstart(EXAMPLE, "--gap", 10_000, "--out", out)


def test_table_tells_paths_times_and_what_the_source_keeps_when_there_is_a_plan(planned: tuple[Path, Result]) -> None:
    _, done = planned
    assert done.exit_code == 0, done.output
    for text in ("A–B–C–D", "60 min", "A–B–C–D–E", "90 min", "hospital", "可用 usable 2.1 MWh", "备用 reserve 600 kWh (20.0 %)",
                 "求解器称至多 the solver claims at most", "已证明至多 proved at most"):  # fmt: skip
        assert text in done.stdout


def test_plan_is_checked_and_refused_when_a_watt_was_changed(planned: tuple[Path, Result], tmp_path: Path) -> None:
    out, _ = planned
    proof = check(plan_from_plain(json.loads(out.read_text())))
    done = blackstart(out, "--check", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["proof"]["netWs"] == proof.net_ws
    assert min(told["proof"]["contentWh"]) >= 600_000
    verified = CliRunner().invoke(app, ["verify-plan", str(out), "--json"])
    assert verified.exit_code == 0, verified.output
    assert json.loads(verified.stdout)["net_ws"] == proof.net_ws
    plain: dict[str, Any] = json.loads(out.read_text())
    plain["blackStartPlan"]["plan"]["batteryW"][-1] += 1
    doctored = tmp_path / "doctored.json"
    doctored.write_text(json.dumps(plain))
    for refused in (blackstart(doctored, "--check"), CliRunner().invoke(app, ["verify-plan", str(doctored)])):
        assert refused.exit_code == 1
        assert "rule=balance" in refused.stderr


def doctored(folder: Path, *places: tuple[tuple[str | int, ...], object]) -> Path:
    plain: Any = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    for place, value in places:
        at = plain["blackStart"]
        for name in place[:-1]:
            at = at[name]
        at[place[-1]] = value
    file = folder / "problem.json"
    file.write_text(json.dumps(plain), encoding="utf-8")
    return file


def test_reasons_come_in_chinese_first_when_no_unit_can_be_cranked(tmp_path: Path) -> None:
    weak = doctored(tmp_path, (("source", "dischargeW"), 1_500_000), (("source", "startWh"), 1_000_000))
    done = blackstart(weak)
    assert done.exit_code == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "没有机组能最先起动：起动功率最小的 G1 也要 2 MW，而电源只有 1.5 MW，差 500 kW。"
    assert "the source has 400 kWh above its reserve" in lines[3]
    told = json.loads(blackstart(weak, "--json").stdout)
    assert [one["kind"] for one in told["reasons"]] == ["first_power", "first_energy"]


def test_reason_says_how_much_more_would_do_when_only_a_solver_can_tell(tmp_path: Path) -> None:
    late = doctored(tmp_path, (("source", "absorbVar"), 1_800_000), (("units", 0, "startMostS"), 9_000))
    done = blackstart(late)
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "充电功率吸收不了：单独把电源的吸收能力由 1.8 Mvar 提高到 1.9 Mvar（多 100 kvar）即可。",
        "Charging power cannot be absorbed: 1.9 Mvar instead of 1.8 Mvar at the source (100 kvar more) alone would do.",
    ]
    hurried = doctored(
        tmp_path, (("crews",), 1), (("units", 0, "startMostS"), 3_600), (("units", 1, "startMostS"), 5_400)
    )
    assert blackstart(hurried, "--gap", 50_000).exit_code == 0


def test_file_is_refused_by_place_when_it_is_no_problem(tmp_path: Path) -> None:
    done = blackstart(doctored(tmp_path, (("lines", 0, "toBus"), "nowhere")))
    assert done.exit_code == 2
    assert "lines[0].to_bus" in done.stderr
    text = tmp_path / "text.json"
    text.write_text("{")
    assert blackstart(text).exit_code == 2
    assert blackstart(EXAMPLE, "--check").exit_code == 2
