"""`alliance plan`: solve a file and check the certificate; every wrong field is named with its place, value and limit."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.plan import app
from optimizer.problem import problem_to_plain
from tests.optimizer import cases


def plan(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def problem(**changes: Any) -> dict[str, Any]:
    """The worked example as the JSON of a file."""
    plain: Any = problem_to_plain(cases.worked_example())
    plain["problem"]["alliance"] = "0x" + plain["problem"]["alliance"].hex()
    plain["problem"] |= changes
    return plain


def written(path: Path, value: object) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("plan")
    done = plan("solve", written(folder / "problem.json", problem()), "--out", folder / "plan.json", "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    assert json.loads(done.stdout.splitlines()[-1])["gap_ppm"] == found["certificate"]["gapPpm"]
    return found


def test_certificate_is_accepted_when_it_is_as_solved(certificate: dict[str, Any], tmp_path: Path) -> None:
    done = plan("check", written(tmp_path / "plan.json", certificate), "--json")
    assert done.exit_code == 0, done.output
    told, kept = json.loads(done.stdout), certificate["certificate"]
    assert told["objective_microcents"] == str(kept["objectiveMicrocents"])
    assert int(told["lower_bound_microcents"]) <= int(told["objective_microcents"])
    assert (told["stations"], told["slots"], told["day"]) == (3, 4, "2026-05-27")


def test_table_shows_each_station_each_lease_and_the_proof_when_it_is_not_asked_for_json(
    certificate: dict[str, Any], tmp_path: Path
) -> None:
    done = plan("check", written(tmp_path / "plan.json", certificate))
    assert done.exit_code == 0, done.output
    for shown in ("charged 充电", "lease 1 → member 2", "objective 目标", "lower bound 下界", "certified gap"):
        assert shown in done.stdout


def _cheaper(c: dict[str, Any]) -> None:
    c["objectiveMicrocents"] -= 1


def _bolder(c: dict[str, Any]) -> None:
    c["lowerBoundMicrocents"] += 1


def _impossible(c: dict[str, Any]) -> None:
    row = c["schedule"]["rows"][0]
    row[3], row[2] = row[3] + 10_000_000, row[2] + 10_000_000


def _shorter(c: dict[str, Any]) -> None:
    c["duals"] = c["duals"][:-1]


@pytest.mark.parametrize(
    ("spoil", "code", "named"),
    [
        (_cheaper, 1, "figure_differs: figure=objective_microcents"),
        (_bolder, 1, "figure_differs: figure=lower_bound_microcents"),
        (_impossible, 1, "pcc_exceeded: station=1, slot=0"),
        (_shorter, 2, "duals_miscounted: what=duals, expected="),
    ],
)
def test_certificate_is_refused_when_a_figure_was_changed(
    certificate: dict[str, Any], tmp_path: Path, spoil: Callable[[dict[str, Any]], None], code: int, named: str
) -> None:
    changed = copy.deepcopy(certificate)
    spoil(changed["certificate"])
    done = plan("check", written(tmp_path / "plan.json", changed))
    assert (done.exit_code, done.stderr.count("\n")) == (code, 1), done.output
    assert named in done.stderr


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("alliance", "ab", "json_wrong: file={file}, where=$.problem.alliance, got=ab, want=0x-prefixed hex"),
        ("alliance", "0xabc", "where=$.problem.alliance"),
        ("firstSlot", "1_0", "where=$.problem.firstSlot, got=1_0, want=integer"),
        ("firstSlot", 1.5, "plain_wrong: where=problem.firstSlot"),
        ("firstSlot", True, "plain_wrong: where=problem.firstSlot"),
        ("revision", None, "plain_wrong: where=problem.revision"),
        ("firstSlot", 95, "bad_input: field="),
        ("kind", "tomorrow", "plain_wrong: where=problem.kind, want=one of day_ahead"),
        ("extra", 1, "plain_wrong: where=problem, want=fields"),
        ("sites/0/energyMinWh", -1, "value=-1, limit="),
        ("sites/1/netLoadWh", [0, 0, 0], "bad_input"),
        ("groups/0/tariff/slots/2", [1, 2], "where=problem.groups[0].tariff.slots[2], want=3 values, got=2 values"),
    ],
)
def test_field_is_named_with_its_value_and_limit_when_it_is_wrong(
    tmp_path: Path, path: str, value: object, named: str
) -> None:
    plain: Any = problem()
    at, (*steps, last) = plain["problem"], path.split("/")
    for step in steps:
        at = at[int(step) if isinstance(at, list) else step]
    at[int(last) if isinstance(at, list) else last] = value
    file, out = written(tmp_path / "problem.json", plain), tmp_path / "plan.json"
    done = plan("solve", file, "--out", out)
    assert (done.exit_code, done.stderr.count("\n"), out.exists()) == (2, 1, False), done.output
    assert named.format(file=file) in done.stderr


@pytest.mark.parametrize("text", ["", "{", '{"v": 1, "v": 1}', '{"v": 1}', "[]", '"\ud800', "[" * 100_000])
def test_file_is_refused_in_one_line_when_it_is_no_problem(tmp_path: Path, text: str) -> None:
    file = tmp_path / "problem.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    done = plan("solve", file, "--out", tmp_path / "plan.json")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output


def test_large_integers_read_back_when_they_are_texts(tmp_path: Path) -> None:
    as_texts = problem(revision="1", firstSlot="0")
    assert plan("solve", written(tmp_path / "a.json", as_texts), "--out", tmp_path / "plan.json").exit_code == 0


def test_reason_is_named_when_there_is_no_such_plan(tmp_path: Path) -> None:
    plain: Any = problem()
    plain["problem"]["sites"][1]["netLoadWh"] = [400_000] * 4
    done = plan("solve", written(tmp_path / "problem.json", plain), "--out", tmp_path / "plan.json")
    assert done.exit_code == 1, done.output
    assert "plan_infeasible" in done.stderr
    assert not (tmp_path / "plan.json").exists()
