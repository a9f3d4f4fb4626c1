"""`alliance split`: shares, who would leave, and a record that a doctored cent does not pass."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alliance.gain import gain_from_plain
from alliance.plain_json import to_json
from cli.plain_json import read_plain
from cli.split import app
from optimizer.problem import problem_to_plain
from tests.optimizer import cases


def split(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example's problem, its certificate, and the record of all rules."""
    from cli.plan import app as plan

    here = tmp_path_factory.mktemp("split")
    (here / "problem.json").write_text(json.dumps(to_json(problem_to_plain(cases.worked_example()))))
    solved = CliRunner().invoke(plan, ["solve", str(here / "problem.json"), "--out", str(here / "plan.json")])
    assert solved.exit_code == 0, solved.output
    done = split(here / "plan.json", "--rule", "all", "--out", here / "gain.json")
    assert done.exit_code == 0, done.output
    for shown in ("成员 member", "核仁 nucleolus", "{2, 3}", "156.97 yuan", "已证明", "7 coalitions"):
        assert shown in done.stdout
    return here


def test_a_record_is_told_again_as_json_when_it_holds(folder: Path) -> None:
    done = split(folder / "plan.json", "--check", folder / "gain.json", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((folder / "gain.json").read_text())
    gain = gain_from_plain(read_plain(folder / "gain.json"))
    assert [s.rule.value for s in gain.splits] == ["prices", "kw", "shapley", "nucleolus", "settled"]


def test_a_problem_is_planned_first_and_only_the_asked_rule_shown(folder: Path) -> None:
    done = split(folder / "problem.json", "--rule", "kw", "--coalitions", "5", "--json")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)["gain"]
    assert [s["rule"] for s in told["splits"]] == ["prices", "kw", "settled"]
    assert (told["orders"], len(told["costs"])) == (1, 5)


def test_a_doctored_record_ends_with_1_and_an_unreadable_one_with_2(folder: Path, tmp_path: Path) -> None:
    plain = json.loads((folder / "gain.json").read_text())
    plain["gain"]["splits"][0]["sharesCents"][0] += 1
    (tmp_path / "moved.json").write_text(json.dumps(plain))
    refused = split(folder / "plan.json", "--check", tmp_path / "moved.json")
    assert (refused.exit_code, "figure_differs" in refused.output) == (1, True)
    del plain["gain"]["seed"]
    (tmp_path / "short.json").write_text(json.dumps(plain))
    assert split(folder / "plan.json", "--check", tmp_path / "short.json").exit_code == 2
    (tmp_path / "none.json").write_text("{")
    assert split(tmp_path / "none.json").exit_code == 2


@pytest.mark.parametrize(
    "options",
    [("--rule", "fair"), ("--rule", "settled"), ("--coalitions", "some"), ("--rule", "all", "--coalitions", "5")],
)
def test_an_option_that_cannot_be_is_named_and_ends_with_2(folder: Path, options: tuple[str, ...]) -> None:
    done = split(folder / "plan.json", *options)
    assert done.exit_code == 2
    assert options[0] in done.output or "--coalitions" in done.output
