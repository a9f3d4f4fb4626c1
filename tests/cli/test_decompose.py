"""`alliance decompose`: a table in, each station's watts and reason out; every wrong cell by file, line and column."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alliance.instruction_check import check
from cli.decompose import app

CAPS = """station,cap_up_kw,cap_down_kw,price_yuan_per_kwh
1,4000,100,0.10
2,2500,100,0.12
3,1500,100,0.30
4,3000,100,0.45
"""
STATES = """station,charge_kw,discharge_kw,capacity_kwh,soc_pct,soc_min_pct,soc_max_pct,eta_c_pct,eta_d_pct,age_s
1,10000,10000,20000,18,10,90,95,95,0
2,10000,10000,20000,50,10,90,95,95,301
3,10000,10000,20000,,10,90,95,95,0
"""


def decompose(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def table(folder: Path, text: str, name: str = "fleet.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def record(*arguments: object) -> dict[str, Any]:
    done = decompose(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    check(found)
    return found


def given(found: dict[str, Any]) -> list[int]:
    return [row["givenW"] for row in found["stations"]]


def test_worked_example_comes_out_when_methods_are_asked(tmp_path: Path) -> None:
    file = table(tmp_path, CAPS)
    assert given(record(file, "--target-kw", 7200, "--method", "merit")) == [4_000_000, 2_500_000, 700_000, 0]
    parts = given(record(file, "--target-kw", 7200, "--method", "proportional"))
    assert [round(w / 1000) for w in parts] == [2618, 1636, 982, 1964]
    assert given(record(file, "--target-kw", 7200)) == [1_900_000, 1_900_000, 1_500_000, 1_900_000]


def test_five_watts_go_to_four_stations_when_the_target_is_not_divisible(tmp_path: Path) -> None:
    parts = given(record(table(tmp_path, CAPS), "--target-kw", "-0.005"))
    assert sorted(parts) == [-2, -1, -1, -1]


def test_table_says_cost_and_shortfall_when_too_much_is_asked(tmp_path: Path) -> None:
    done = decompose(table(tmp_path, CAPS), "--target-kw", 15_000, "--method", "merit")
    assert done.exit_code == 0
    assert "short 4,000.000 kW" in done.stdout
    assert "cost 2,500.00 yuan/h" in done.stdout
    assert "short by 4,000.000 kW" in done.stderr
    done = decompose(table(tmp_path, CAPS), "--target-kw", 7200, "--method", "merit")
    assert "cost 910.00 yuan/h" in done.stdout
    assert "short by" not in done.stderr


def test_caps_follow_from_states_when_the_table_gives_these(tmp_path: Path) -> None:
    found = record(table(tmp_path, STATES), "--target-kw", 100_000, "--duration-min", 15)
    rows = [(r["capUpW"], r["capUpBy"], r["capDownW"], r["capDownBy"], r["boundBy"]) for r in found["stations"]]
    assert rows == [
        (6_080_000, "soc", 10_000_000, "power", "soc"), (0, "stale", 0, "stale", "stale"),
        (0, "unavailable", 0, "unavailable", "unavailable"),
    ]  # fmt: skip
    assert found["shortfallW"] == 93_920_000
    fresh = record(table(tmp_path, STATES), "--target-kw", 1, "--stale-after-s", 301)
    assert fresh["stations"][1]["capUpBy"] == "power"


def test_json_says_the_same_as_csv_when_it_has_the_same_cells(tmp_path: Path) -> None:
    entries = [
        {"station": 1, "cap_up_kw": 4000, "cap_down_kw": 100, "price_yuan_per_kwh": 0.1},
        {"station": 2, "cap_up_kw": "2500", "cap_down_kw": 100, "price_yuan_per_kwh": "0.12"},
        {"station": 3, "cap_up_kw": 1500.0, "cap_down_kw": 100, "price_yuan_per_kwh": 0.3},
        {"station": 4, "cap_up_kw": 3000, "cap_down_kw": 100, "price_yuan_per_kwh": 0.45},
    ]
    ask = ("--target-kw", 7200, "--issued-ms", 5, "--id", "x")
    as_json = record(table(tmp_path, json.dumps(entries), "fleet.json"), *ask)
    assert as_json == record(table(tmp_path, CAPS), *ask)


def test_spreadsheets_file_is_read_when_it_has_a_mark_and_blank_lines(tmp_path: Path) -> None:
    marked = "\ufeff" + CAPS.replace("\n", "\r\n") + "\r\n,,,\r\n"
    assert len(record(table(tmp_path, marked), "--target-kw", 1)["stations"]) == 4


def test_record_is_written_and_checked_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "record.json"
    parent = "0x" + "ab" * 32
    done = decompose(table(tmp_path, CAPS), "--target-kw", 7200, "--parent", parent, "--call", 7, "--out", out)
    assert done.exit_code == 0, done.output
    kept = json.loads(out.read_text())
    assert (kept["parent"], kept["call"], kept["id"]) == (parent, 7, "fleet")
    assert "the record holds: 4 stations" in decompose(out, "--check").stdout
    assert json.loads(decompose(out, "--check", "--json").stdout)["given_w"] == 7_200_000
    kept["stations"][0]["givenW"] -= 1
    kept["stations"][1]["givenW"] += 1
    out.write_text(json.dumps(kept))
    refused = decompose(out, "--check")
    assert refused.exit_code == 1
    assert "record_wrong: station=2, field=givenW" in refused.stderr


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "want"),
    [
        ("2,2500", "2,-5", 3, "cap_up_kw", "within 0…"),
        ("2,2500", "2,nan", 3, "cap_up_kw", "a finite number"),
        ("2,2500", "2,1e400", 3, "cap_up_kw", "a finite number"),
        ("2,2500", "2,1e999999999", 3, "cap_up_kw", "a number"),
        ("2,2500", "2,", 3, "cap_up_kw", "a number"),
        ("2,2500", "2,2500.0005", 3, "cap_up_kw", "no finer than 1/1000"),
        ("2,2500", "two,2500", 3, "station", "a number"),
        ("2,2500", "1,2500", 3, "station", "another station"),
        ("2,2500", "0,2500", 3, "station", "within 1…"),
        ("2,2500", "1.5,2500", 3, "station", "a whole number"),
        ("0.30", "99999999", 4, "price_yuan_per_kwh", "within -1000000000…"),
        ("0.30", "0.30,7", 4, "", "4 cells"),
        ("price_yuan_per_kwh", "price", 2, "price", "one of the columns"),
        ("cap_down_kw", "cap_down_w", 2, "cap_down_w", "one of the columns"),
        (",cap_down_kw", "", 2, "", "3 cells"),
        ("price_yuan_per_kwh", "cap_up_kw", 1, "cap_up_kw", "each column once"),
        ("price_yuan_per_kwh", "soc_pct", 2, "soc_pct", "not both"),
        (CAPS, "", 1, "", "a header"),
        (CAPS, "station,cap_up_kw\n1,1\n", 2, "cap_down_kw", "a column of this name"),
        (CAPS, "station\n1\n", 2, "charge_kw", "a column of this name"),
    ],
)  # fmt: skip
def test_cell_is_named_by_file_line_and_column_when_it_is_wrong(
    tmp_path: Path, old: str, new: str, line: int, column: str, want: str
) -> None:
    assert old in CAPS
    done = decompose(table(tmp_path, CAPS.replace(old, new)), "--target-kw", 1)
    assert done.exit_code == 2, done.output
    assert f"file=fleet.csv, line={line}, column={column}," in done.stderr
    assert want in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("20000,18", "20000,101", "soc_pct"), ("20000,18", "20000,18.123", "soc_pct"), ("95,95,0", "95,0,0", "eta_d_pct"),
        ("95,95,0", "95,95,-1", "age_s"), ("1,10000,10000", "1,10000,", "discharge_kw"),
    ],
)  # fmt: skip
def test_cell_of_a_state_is_named_when_it_is_wrong(tmp_path: Path, old: str, new: str, column: str) -> None:
    done = decompose(table(tmp_path, STATES.replace(old, new, 1)), "--target-kw", 1)
    assert done.exit_code == 2, done.output
    assert f"line=2, column={column}," in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", "{}", "[7]", '[{"station": true, "cap_up_kw": 1, "cap_down_kw": 1}]'])
def test_json_is_refused_when_it_is_no_list_of_stations(tmp_path: Path, text: str) -> None:
    done = decompose(table(tmp_path, text, "fleet.json"), "--target-kw", 1)
    assert done.exit_code == 2
    assert "file=fleet.json" in done.stderr


@pytest.mark.parametrize("options", [(), ("--target-kw", "x"), ("--target-kw", "nan"), ("--target-kw", "0.0001"),
                                     ("--target-kw", "1", "--parent", "0x12"), ("--target-kw", "1e18"),
                                     ("--target-kw", "1e999999999")])  # fmt: skip
def test_option_is_refused_when_it_is_no_target(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert decompose(table(tmp_path, CAPS), *options).exit_code == 2
