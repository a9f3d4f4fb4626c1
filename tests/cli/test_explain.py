"""`alliance explain`: sentences, tables, record and chart of a certificate; a doctored record or file is refused."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from alliance.fleetplan import problem_to_plain as fleet_to_plain
from alliance.fleetproof import certificate_to_plain
from alliance.plain_json import to_json
from cli.explain import app
from cli.plan import app as plan_app
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetSettings, plan_fleet
from optimizer.problem import problem_to_plain
from tests.optimizer import cases
from tests.optimizer.fleet.instances import instance


def explain(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explain")
    problem, found = folder / "problem.json", folder / "plan.json"
    problem.write_text(json.dumps(to_json(problem_to_plain(cases.worked_example()))))
    done = CliRunner().invoke(plan_app, ["solve", str(problem), "--out", str(found)])
    assert done.exit_code == 0, done.output
    return found


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    problem = instance("tight_exchange", 0)
    made = plan_fleet(arrays_of(problem), settings=FleetSettings()).certificate(problem)
    found = tmp_path_factory.mktemp("fleet") / "fleet.json"
    found.write_text(json.dumps(certificate_to_plain(made)))
    return found


def test_a_plan_is_told_in_both_languages_with_sums_that_are_its_cost(certificate: Path) -> None:
    chinese, english = explain(certificate), explain(certificate, "--lang", "en")
    assert (chinese.exit_code, english.exit_code) == (0, 0), chinese.output + english.output
    cost = json.loads(certificate.read_text())["certificate"]["objectiveMicrocents"]
    shown = f"{round(int(cost) / 1e8, 2):,.2f}"
    for done, words in ((chinese, ("净赚", "充电", "证明间隙")), (english, ("earns", "charges", "gap (not proved)"))):
        assert done.stdout.count(shown) == 2
        for word in words:
            assert word in done.stdout
    assert "储能站 1 的租约 1" in chinese.stdout


def test_one_station_alone_is_told_when_it_is_asked_for_and_an_unknown_one_is_refused(certificate: Path) -> None:
    done = explain(certificate, "--station", 3, "--lang", "en")
    assert "Station 3" in done.stdout
    assert "Station 1" not in done.stdout
    assert explain(certificate, "--station", 99).exit_code == 2


def test_a_record_and_a_chart_are_written_and_the_record_holds_until_it_is_doctored(
    certificate: Path, tmp_path: Path
) -> None:
    record, chart = tmp_path / "why.json", tmp_path / "why.svg"
    done = explain(certificate, "--out", record, "--chart", chart, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads(record.read_text())
    assert ElementTree.parse(chart).getroot().tag.endswith("svg")
    assert explain(certificate, "--check", record).exit_code == 0
    plain = json.loads(record.read_text())
    plain["why"]["flows"][0][6] = str(int(plain["why"]["flows"][0][6]) - 3_000_000)
    record.write_text(json.dumps(plain))
    refused = explain(certificate, "--check", record)
    assert refused.exit_code == 1
    assert "flows amount" in refused.output


def test_a_fleet_is_told_with_the_limits_that_its_stations_share(fleet: Path, tmp_path: Path) -> None:
    done = explain(fleet, "--lang", "en", "--chart", tmp_path / "fleet.svg")
    assert done.exit_code == 0, done.output
    assert "limit of the region" in done.stdout
    assert explain(fleet, "--station", 0).exit_code == 0


def test_a_doctored_or_unreadable_certificate_is_refused(certificate: Path, tmp_path: Path) -> None:
    plain = json.loads(certificate.read_text())
    plain["certificate"]["objectiveMicrocents"] -= 1
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(plain))
    refused = explain(wrong)
    assert refused.exit_code == 1
    assert "objective_microcents" in refused.output
    wrong.write_text("{")
    assert explain(wrong).exit_code == 2
    assert explain("--day", "2026-07-15").exit_code == 2


def test_a_problem_without_a_plan_is_told_why_with_a_record_that_holds(tmp_path: Path) -> None:
    battery = cases.site(1, [0, 0], power_w=40_000, capacity_wh=100_000, energy_wh=20_000, floor=[0, 80_000])
    torn = cases.problem([battery], [(60_000, 30_000, 0)] * 2)
    file, record = tmp_path / "problem.json", tmp_path / "why.json"
    file.write_text(json.dumps(to_json(problem_to_plain(torn))))
    done = explain(file, "--out", record)
    assert done.exit_code == 0, done.output
    assert "储能站 1：00:30 至少要存 80 kWh（自用保底电量）" in done.stdout
    assert explain(file, "--check", record).exit_code == 0
    plain = json.loads(record.read_text())
    plain["infeasible"]["relaxation"][0]["byWh"] -= 1
    record.write_text(json.dumps(plain))
    assert explain(file, "--check", record).exit_code == 1
    file.write_text(json.dumps(to_json(problem_to_plain(cases.worked_example()))))
    assert "a plan keeps all limits" in explain(file).stdout


def test_a_fleet_without_a_plan_is_told_why(tmp_path: Path) -> None:
    problem = instance("base", 1)
    starved = replace(problem.stations[0], start_wh=0, energy_min_wh=0, charge_wh=0, end_min_wh=50)
    file, record = tmp_path / "fleet.json", tmp_path / "why.json"
    file.write_text(json.dumps(fleet_to_plain(replace(problem, stations=(starved, *problem.stations[1:])))))
    done = explain(file, "--lang", "en", "--out", record)
    assert done.exit_code == 0, done.output
    assert "Station 0: " in done.stdout
    assert "The least way out" in done.stdout
    assert explain(file, "--check", record).exit_code == 0


def test_station_is_refused_with_those_that_there_are_before_anything_is_written(fleet: Path, tmp_path: Path) -> None:
    done = explain(fleet, "--station", 99, "--out", tmp_path / "why.json")
    assert done.exit_code == 2
    assert "station=99, known=0 to " in done.stderr
    assert not (tmp_path / "why.json").exists()
