"""Fleets at the command line: tables in, certificate out, rolled on from states; every wrong cell by its place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from alliance.fleetplan import problem_to_plain
from alliance.fleetproof import certificate_from_plain, check
from cli.main import app
from tests.optimizer import cases
from tests.optimizer.fleet.instances import instance

BEGINS = 1_800_000_000_000
PERIODS = 8


def alliance(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def tables(folder: Path, **changed: str) -> Path:
    """Two regions with a tie, a station each, two hours of quarters."""
    folder.mkdir()
    station = "{name},{region},500,500,100,1000,500,500,95,95,0.03,2000,1000"
    prices = [
        f"{region},{t},{'0.30' if t < 4 else '1.20'},{'0.20' if t < 4 else '0.90'},5000,5000,1000"
        for region in ("north", "south")
        for t in range(PERIODS)
    ]
    loads = [f"{name},{t},200,0" for t in range(PERIODS) for name in ("a", "b")]
    files = {
        "stations": "\n".join([
            "station,region,charge_kw,discharge_kw,energy_min_kwh,energy_max_kwh,start_kwh,end_min_kwh,eta_c_pct,"
            "eta_d_pct,wear_yuan_per_kwh,pcc_import_kw,pcc_export_kw",
            station.format(name="a", region="north"), station.format(name="b", region="south"),
        ]),
        "prices": "\n".join([
            "region,period,buy_yuan_per_kwh,sell_yuan_per_kwh,import_limit_kw,export_limit_kw,base_load_kw", *prices,
        ]),
        "loads": "\n".join(["station,period,net_load_kw,curtailable_kw", *loads]),
        "ties": "from_region,to_region,limit_kw,loss_pct\nnorth,south,100,2",
    } | changed  # fmt: skip
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text + "\n")
    return folder


def states(path: Path, *rows: str, header: str = "station,energy_kwh,age_s,charge_kw,discharge_kw") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    done = alliance("plan", "solve", tables(folder / "tables"), "--out", folder / "plan.json", "--json",
                    "--chart", folder / "plan.svg")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "<polyline" in (folder / "plan.svg").read_text()
    return folder / "plan.json"


def rolled(plan: Path, measured: Path, out: Path, *more: object, at_s: int = 3600) -> Result:
    return alliance("replan", plan, "--states", measured, "--begins-ms", BEGINS, "--issued-ms", BEGINS + at_s * 1000,
                    "--out", out, *more)  # fmt: skip


LEASES = "lease,station,charge_kw,discharge_kw,energy_kwh,start_kwh,end_min_kwh\n"


def nominated(last: str) -> str:
    rows = [f"x,{t},{kw}" for t, kw in enumerate(["-100"] * 4 + ["80"] * 3 + [last])]
    return "\n".join(["lease,period,nominated_kw", *rows])


def test_leases_are_planned_and_shown_when_their_tables_are_there(tmp_path: Path) -> None:
    leases = LEASES + "x,a,100,100,200,20,0\ny,b,200,200,300,100,50"
    folder = tables(tmp_path / "tables", leases=leases, nominations=nominated("0"))
    done = alliance("plan", "solve", folder, "--out", tmp_path / "plan.json")
    assert done.exit_code == 0, done.output
    assert "固定 firm" in done.stdout
    assert "对冲节省 netting gain" in done.stdout
    made = certificate_from_plain(json.loads((tmp_path / "plan.json").read_text()))
    assert check(made).gap_ppm == made.gap_ppm
    assert made.plan.lease_wh[0] == (-25_000,) * 4 + (20_000,) * 3 + (0,)
    assert made.problem.leases[1].station == 1
    rolled = alliance("replan", tmp_path / "plan.json", "--states", states(tmp_path / "s.csv", "0,500,0,0,0"),
                      "--begins-ms", BEGINS, "--issued-ms", BEGINS, "--stale", "zero", "--out", tmp_path / "r.json")  # fmt: skip
    assert rolled.exit_code == 0, rolled.output
    assert "让步 gave way" in rolled.stdout
    assert "充电份额 share of charge 100.000 kW" in rolled.stdout
    record = alliance("verify-plan", tmp_path / "r.json", "--base", tmp_path / "plan.json")
    assert record.exit_code == 0, record.output


def test_load_cut_is_shown_and_a_ties_steps_count_when_their_columns_are_there(tmp_path: Path) -> None:
    folder = tables(tmp_path / "tables", tie_steps="tie,above_kw,loss_pct\n0,40,10")
    header, *rows = (folder / "prices.csv").read_text().splitlines()
    cut = ["3000,2.5" if row.startswith("south") else "," for row in rows]
    short = [row.replace("5000,5000", "800,5000") if row.startswith("south") else row for row in rows]
    lines = [f"{row},{more}" for row, more in zip(short, cut, strict=True)]
    (folder / "prices.csv").write_text("\n".join([f"{header},cut_most_kw,cut_yuan_per_kwh", *lines]) + "\n")
    done = alliance("plan", "solve", folder, "--out", tmp_path / "plan.json")
    assert done.exit_code == 0, done.output
    assert "cut 切负荷" in done.stdout
    made = certificate_from_plain(json.loads((tmp_path / "plan.json").read_text()))
    assert check(made).gap_ppm == made.gap_ppm
    north, south = made.problem.regions
    assert (north.cut_most_wh, south.cut_most_wh[0], south.cut_price[0]) == ((), 750_000, 250_000)
    assert [(s.above_wh, s.loss_ppm) for s in made.problem.ties[0].steps] == [(10_000, 100_000)]
    told = alliance("explain", tmp_path / "plan.json")
    assert told.exit_code == 0, told.output
    assert "切负荷" in told.stdout


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"leases": LEASES + "x,c,100,100,200,20,0"}, "leases.csv"),
        ({"leases": LEASES + "x,a,501,100,200,20,0"}, "charge_kw"),
        ({"leases": LEASES + "x,a,100,100,nan,20,0"}, "energy_kwh"),
        ({"leases": LEASES + "x,a,100,100,200,20,0", "nominations": nominated("101")}, "nominated_kw"),
        ({"leases": LEASES + "x,a,100,100,40,20,0", "nominations": nominated("0")}, "nominated_kw"),
    ],
)
def test_cell_is_named_when_a_lease_is_wrong(changed: dict[str, str], told: str, tmp_path: Path) -> None:
    done = alliance("plan", "solve", tables(tmp_path / "tables", **changed), "--out", tmp_path / "plan.json")
    assert done.exit_code == 2
    assert told in done.stderr


HOLDING = "station,content_kwh,below_yuan_per_kwh_h,above_yuan_per_kwh_h\n"


def test_content_is_held_at_a_price_when_its_table_is_there(tmp_path: Path) -> None:
    folder = tables(tmp_path / "tables", holding=HOLDING + "b,200,0.05,0\nb,900,0,0.01\na,900.5,0,0.02")
    done = alliance("plan", "solve", folder, "--out", tmp_path / "plan.json", "--json")
    assert done.exit_code == 0, done.output
    made = certificate_from_plain(json.loads((tmp_path / "plan.json").read_text()))
    assert check(made).gap_ppm == made.gap_ppm
    steps = [[(s.content_wh, s.below_price, s.above_price) for s in x.holding] for x in made.problem.stations]
    assert steps == [[(900_500, 0, 2_000)], [(200_000, 5_000, 0), (900_000, 0, 1_000)]]
    explained = alliance("explain", tmp_path / "plan.json")
    assert explained.exit_code == 0, explained.output
    assert "电量持有费" in explained.stdout


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("c,200,0.05,0", "file=holding.csv, line=2, column=station, got=c"),
        ("a,2000,0.05,0", "file=holding.csv, line=2, column=content_kwh, got=2000"),
        ("b,5,0.05,0\na,200,0.05,0\na,100,0.05,0", "file=holding.csv, line=4, column=content_kwh, got=100"),
        ("a,200,-1,0", "file=holding.csv, line=2, column=below_yuan_per_kwh_h, got=-1"),
        ("a,200,0,0", "file=holding.csv, line=2, column=above_yuan_per_kwh_h, got=0"),
        ("a,200,x,0", "file=holding.csv, line=2, column=below_yuan_per_kwh_h, got=x"),
        ("\n".join(f"a,{k},1,0" for k in range(5)), "file=holding.csv, line=6, column=station, got=a"),
    ],
)
def test_cell_is_named_when_a_holding_step_is_wrong(rows: str, told: str, tmp_path: Path) -> None:
    done = alliance("plan", "solve", tables(tmp_path / "tables", holding=HOLDING + rows), "--out", tmp_path / "p.json")
    assert done.exit_code == 2
    assert told in done.stderr


def test_units_are_those_of_the_headers_when_tables_are_read(plan: Path) -> None:
    problem = certificate_from_plain(json.loads(plan.read_text())).problem
    station, region, tie = problem.stations[1], problem.regions[0], problem.ties[0]
    assert (problem.periods, problem.period_s, station.region) == (PERIODS, 900, 1)
    assert (station.charge_wh, station.energy_max_wh, station.eta_c_ppm) == (125_000, 1_000_000, 950_000)
    assert (station.wear_price, station.net_load_wh[0], station.keep_ppm) == (3_000, 50_000, 1_000_000)
    assert (region.buy_price[0], region.sell_price[7], region.import_limit_wh[0]) == (30_000, 90_000, 1_250_000)
    assert (tie.limit_wh, tie.loss_ppm) == (25_000, 20_000)


@pytest.mark.parametrize(
    ("table", "old", "new", "named"),
    [
        ("stations", "500,500,100", "500,x,100", "file=stations.csv, line=2, column=discharge_kw, got=x"),
        ("stations", "95,95", "950,95", "file=stations.csv, line=2, column=eta_c_pct, got=950"),
        ("stations", "1000,500,500", "1000,1500,500", "file=stations.csv, line=2, column=start_kwh, got=1500"),
        ("stations", "b,south", "b,west", "file=stations.csv, line=3, column=region, got=west"),
        ("stations", "b,south", "a,south", "file=stations.csv, line=3, column=station, got=a"),
        ("prices", "north,1,", "north,2,", "file=prices.csv, line=3, column=period, got=2"),
        ("prices", "0.30,0.20", "0.30,0.40", "file=prices.csv, line=2, column=sell_yuan_per_kwh, got=0.40"),
        ("prices", "base_load_kw", "load", "file=prices.csv, line=2, column=load"),
        ("loads", "a,0,200,0", "a,0,,0", "file=loads.csv, line=2, column=net_load_kw"),
        ("loads", "b,7,200,0", "", "file=loads.csv, line=0, column=period, got=7 periods of station b, want=8"),
        ("loads", "a,0,200,0", "c,0,200,0", "file=loads.csv, line=2, column=station, got=c"),
        ("ties", "100,2", "-1,2", "file=ties.csv, line=2, column=limit_kw, got=-1"),
    ],
)
def test_wrong_cell_is_named_by_file_line_and_column_when_tables_are_read(
    tmp_path: Path, table: str, old: str, new: str, named: str
) -> None:
    good = tables(tmp_path / "good")
    text = (good / f"{table}.csv").read_text()
    assert old in text
    folder = tables(tmp_path / "wrong", **{table: text.replace(old, new, 1).rstrip()})
    done = alliance("plan", "solve", folder, "--out", tmp_path / "plan.json")
    assert done.exit_code == 2, done.output
    assert named in done.stderr
    assert not (tmp_path / "plan.json").exists()


def test_table_is_by_region_when_a_fleet_is_solved(tmp_path: Path) -> None:
    done = alliance("plan", "solve", tables(tmp_path / "tables"), "--out", tmp_path / "plan.json", "--workers", 2)
    assert done.exit_code == 0, done.output
    for shown in ("region 区域", "discharged 放电", "Σ", "lower bound", "certified gap"):
        assert shown in done.stdout


@pytest.mark.parametrize("solver", ["fast", "stamped", "highs", "glpk"])
def test_solvers_agree_when_a_fleet_is_solved_from_json(tmp_path: Path, solver: str) -> None:
    problem = tmp_path / "fleet.json"
    problem.write_text(json.dumps(problem_to_plain(instance("reserves", 3))))
    done = alliance("plan", "solve", problem, "--out", tmp_path / "plan.json", "--solver", solver, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    proof = check(certificate_from_plain(json.loads((tmp_path / "plan.json").read_text())))
    assert (str(proof.objective_microcents), proof.gap_ppm) == (told["objective_microcents"], told["gap_ppm"])
    assert told["optimal"]


def test_best_plan_so_far_is_written_with_its_gap_when_time_is_tiny(tmp_path: Path) -> None:
    done = alliance("plan", "solve", tables(tmp_path / "tables"), "--out", tmp_path / "plan.json", "--time-limit", 0.01)
    assert done.exit_code == 0, done.output
    assert "best plan so far" in done.stdout
    assert check(certificate_from_plain(json.loads((tmp_path / "plan.json").read_text()))).gap_ppm > 10
    refused = alliance("plan", "solve", tmp_path / "tables", "--out", tmp_path / "no.json", "--time-limit", 0.01,
                       "--most-gap-ppm", 10)  # fmt: skip
    assert refused.exit_code == 1
    assert "fleet_gap_too_wide" in refused.stderr


def test_option_is_refused_when_the_problem_has_no_use_for_it(tmp_path: Path) -> None:
    done = alliance(
        "plan", "solve", tables(tmp_path / "t"), "--out", tmp_path / "p.json", "--chart", tmp_path / "p.png"
    )
    assert (done.exit_code, "chart_kind_unknown" in done.stderr) == (2, True)


# ---- rolling ----


def test_record_is_checked_with_and_without_the_old_plan_when_it_was_rolled(plan: Path, tmp_path: Path) -> None:
    measured = states(tmp_path / "states.csv", "0,800,60,,", "1,700,60,0,0")
    done = rolled(plan, measured, tmp_path / "one.json", "--chart", tmp_path / "one.svg")
    assert done.exit_code == 0, done.output
    for shown in ("keeping the old plan", "saved", "certified gap", "imbalance"):
        assert shown in done.stdout
    alone = alliance("verify-plan", tmp_path / "one.json")
    whole = alliance("verify-plan", tmp_path / "one.json", "--base", plan, "--json")
    assert (alone.exit_code, whole.exit_code) == (0, 0), alone.output + whole.output
    assert "not made again" in alone.stdout
    assert json.loads(whole.stdout)["remade"]
    two = rolled(plan, states(tmp_path / "s2.csv", "0,700,1,,", "1,690,1,,"), tmp_path / "two.json", "--after",
                 tmp_path / "one.json", "--json", at_s=4500)  # fmt: skip
    assert two.exit_code == 0, two.output
    third = alliance("verify-plan", tmp_path / "two.json", "--base", plan, "--after", tmp_path / "one.json")
    assert third.exit_code == 0, third.output
    wrong = alliance("verify-plan", tmp_path / "two.json", "--base", plan)
    assert (wrong.exit_code, "claim_wrong" in wrong.stderr) == (1, True)


def test_kinds_are_told_apart_when_a_file_is_verified(plan: Path, tmp_path: Path) -> None:
    assert alliance("verify-plan", plan).exit_code == 0
    plain: Any = json.loads(plan.read_text())
    both = tmp_path / "both.json"
    both.write_text(json.dumps(plain | {"certificate": {}}))
    done = alliance("verify-plan", both)
    assert (done.exit_code, "json_wrong" in done.stderr) == (2, True)


def test_stale_station_is_refused_or_held_and_said_when_it_is_rolled(plan: Path, tmp_path: Path) -> None:
    measured = states(tmp_path / "states.csv", "0,800,60,,", "1,700,301,,")
    done = rolled(plan, measured, tmp_path / "no.json")
    assert done.exit_code == 1
    assert "state_stale: station=1, age_ms=301000, most_age_ms=300000" in done.stderr
    held = rolled(plan, measured, tmp_path / "held.json", "--stale", "hold")
    assert held.exit_code == 0, held.output
    assert "stale (301 s) → 按计划 at its plan" in held.stdout
    assert rolled(plan, measured, tmp_path / "old.json", "--most-age-s", 301).exit_code == 0


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda p: states(p, "0,x,60,,"), "line=2, column=energy_kwh, got=x"),
        (lambda p: states(p, "0,1,,,"), "column=age_s"),
        (lambda p: states(p, "0,1", header="station,energy"), "column=energy"),
        (lambda p: states(p, "9,1,0,,"), "field=states[0].station, value=9"),
        (lambda p: states(p, "0,1,0,-5,"), "field=states[0].charge_w, value=-5000"),
    ],
)
def test_state_is_refused_by_place_when_it_is_wrong(
    plan: Path, tmp_path: Path, spoil: Callable[[Path], Path], named: str
) -> None:
    done = rolled(plan, spoil(tmp_path / "states.csv"), tmp_path / "no.json")
    assert done.exit_code == 2, done.output
    assert named in done.stderr


def test_new_forecast_counts_when_states_are_json(plan: Path, tmp_path: Path) -> None:
    measured = tmp_path / "states.json"
    entry = {"station": 0, "energy_kwh": 800, "age_s": 0, "charge_kw": None, "net_load_wh": [90_000] * 4}
    measured.write_text(json.dumps([entry, {"station": 1, "energy_kwh": 700, "age_s": 0}]))
    done = rolled(plan, measured, tmp_path / "new.json")
    assert done.exit_code == 0, done.output
    record = json.loads((tmp_path / "new.json").read_text())["replan"]
    assert record["certificate"]["problem"]["stations"][0]["netLoadWh"] == [90_000] * 4


def test_settled_day_is_verified_by_the_same_command_when_it_is_one(tmp_path: Path) -> None:
    from optimizer.problem import problem_to_plain as day_to_plain

    plain: Any = day_to_plain(cases.worked_example())
    plain["problem"]["alliance"] = "0x" + plain["problem"]["alliance"].hex()
    (tmp_path / "day.json").write_text(json.dumps(plain))
    done = alliance("plan", "solve", tmp_path / "day.json", "--out", tmp_path / "plan.json")
    assert done.exit_code == 0, done.output
    assert "gap" in alliance("verify-plan", tmp_path / "plan.json").stdout
    refused = alliance("plan", "solve", tmp_path / "day.json", "--out", tmp_path / "plan.json", "--solver", "fast")
    assert refused.exit_code == 2
