"""`alliance forecast`: from CSV to forecast, table, chart and back-test; what is wrong is named with its place."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from cli.forecast import app
from optimizer.forecasting.tables import local_text
from tests.optimizer.forecasting.synthetic import FIRST, HOUR_MS, after, load, weather

DAYS = 70
SVG = "{http://www.w3.org/2000/svg}"


def forecast(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [f"{local_text(FIRST.start_ms + i * HOUR_MS)},{round(v)}" for i, v in enumerate(load(DAYS))]
    file = tmp_path_factory.mktemp("forecast") / "history.csv"
    file.write_text("\n".join(["time,load_wh", *rows, ""]))
    return file


@pytest.fixture(scope="module")
def regressors(history: Path) -> Path:
    start, file = FIRST.start_ms, history.with_name("regressors.csv")
    rows = [
        f"{local_text(start + i * HOUR_MS)},{local_text(start + (i - 24) * HOUR_MS)},{round(v)}"
        for i, v in enumerate(weather(DAYS))
    ]
    file.write_text("\n".join(["time,issued,temperature_millidegrees_c", *rows, ""]))
    return file


def test_forecast_scenarios_chart_and_back_test_are_written_when_a_day_is_asked_for(
    history: Path, regressors: Path, tmp_path: Path
) -> None:
    out, chart = tmp_path / "f.json", tmp_path / "f.svg"
    done = forecast(
        "--history", history, "--regressors", regressors, "--day", after(68), "--quantiles", "5,25,50,75,95",
        "--scenarios", 4, "--backtest", 7, "--out", out, "--chart", chart,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    for shown in ("expected 期望", "back-test 回测: 7 forecasts", "naive week", "covers 覆盖", "data until 数据截止"):
        assert shown in done.stdout
    found: dict[str, Any] = json.loads(out.read_text())["forecast"]
    assert (len(found["expected"]), found["stepSeconds"], found["unit"]) == (24, 3600, "wh")
    assert [q["levelPpm"] for q in found["quantiles"]] == [50_000, 250_000, 500_000, 750_000, 950_000]
    assert sum(s["probabilityPpm"] for s in found["scenarios"]) == 1_000_000
    assert found["cutOff"] == found["issued"] == found["first"]
    drawn = ElementTree.parse(chart).getroot()
    assert len(drawn.findall(f"{SVG}polygon")) == 2
    assert [len((p.get("points") or "").split()) for p in drawn.findall(f"{SVG}polyline")] == [48, 24]


def test_later_rows_of_the_files_change_nothing_when_the_day_lies_before_them(history: Path, tmp_path: Path) -> None:
    told = forecast("--history", history, "--day", after(65), "--json")
    shorter = tmp_path / "history.csv"
    shorter.write_text("".join(history.read_text().splitlines(keepends=True)[: 1 + 65 * 24]))
    again = forecast("--history", shorter, "--day", after(65), "--json")
    assert told.exit_code == again.exit_code == 0, told.output
    assert json.loads(told.stdout) == json.loads(again.stdout)


def test_the_next_hours_are_forecast_when_asked_for_ahead(history: Path) -> None:
    done = forecast("--history", history, "--ahead", 3, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["forecast"]
    assert (len(found["expected"]), found["issued"]) == (3, found["first"])


def test_a_wrong_row_is_named_by_file_line_and_column(history: Path, tmp_path: Path) -> None:
    lines = history.read_text().splitlines()
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("\n".join([*lines[:40], lines[40] + "x", *lines[41:]]))
    done = forecast("--history", wrong, "--day", after(68))
    assert done.exit_code == 2
    assert f"cell_wrong: file={wrong}, line=41, column=load_wh" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["--day", "2025-5-9"],
            2,
            "bad_day: field=--day, value=2025-5-9, limit=a day that exists 存在的日期, YYYY-MM-DD",
        ),
        (["--day", "2025-05-09", "--issued", "noon"], 2, "option_wrong: option=--issued"),
        ([], 2, "option_wrong: option=--day, --ahead"),
        (["--day", "2025-05-09", "--quantiles", "ten"], 2, "option_wrong: option=--quantiles"),
        (["--day", "2025-05-09", "--quantiles", "90,10"], 2, "quantile_wrong"),
        (["--day", "2025-05-09", "--quantiles", "nan,50"], 2, "option_wrong: option=--quantiles"),
        (["--day", "2025-05-09", "--series", "pv_wh"], 2, "column=pv_wh"),
        (["--day", "2025-03-20"], 1, "history_too_short: series=load_wh, days=17, least_days=56"),
        (["--day", "2026-05-09"], 1, "too_far_ahead"),
    ],
)
def test_what_is_wrong_with_an_option_is_named(history: Path, arguments: list[str], code: int, said: str) -> None:
    done = forecast("--history", history, *arguments)
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr
