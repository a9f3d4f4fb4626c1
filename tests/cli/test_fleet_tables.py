"""A folder of tables says what the JSON says, to the digest; every wrong cell is named by its place (9.7)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alliance.errors import AllianceError
from alliance.fleetplan import FleetProblem, Tie, TieStep
from alliance.fleetproof import digest
from cli.fleet_tables import fleet_in
from tests.cli.fleet_folder import written
from tests.optimizer.fleet.instances import KINDS, instance


def said(kind: str, seed: int) -> FleetProblem:
    """A random fleet, its content limits left out where they say no more than the capacity."""
    problem = instance(kind, seed)
    stations = tuple(
        replace(s, content_most_wh=()) if all(most >= s.energy_max_wh for most in s.content_most_wh) else s
        for s in problem.stations
    )
    return replace(problem, stations=stations)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "no_stations"])
def test_digest_is_the_same_when_a_fleet_comes_as_json_and_as_tables(kind: str, tmp_path: Path) -> None:
    for seed in range(4):
        problem = said(kind, seed)
        folder = written(tmp_path / str(seed), problem)
        assert digest(fleet_in(folder, period_s=problem.period_s)) == digest(problem), (kind, seed)


@pytest.mark.parametrize(
    ("table", "column", "value", "named"),
    [
        ("reserves", "direction", "sideways", "got=sideways, want=up or down"),
        ("reserves", "duration_s", "-1", "want=as duration_s -1, a whole number from 0"),
        ("reserves", "activation_pct", "101", "want=as activation_ppm 1010000, a whole number from 0 to 1000000"),
        ("reserves", "short_yuan_per_kw_h", "nan", "want=a finite number"),
        ("reserves", "short_yuan_per_kw_h", "10001", "want=as short_price 1000100000, a whole number from 0 to"),
        ("reserves", "reserve", "", "want=a name that does not stand above"),
        ("reserve_prices", "price_yuan_per_kw_h", "-0.5", "want=as price -50000, a whole number from 0"),
        ("reserve_prices", "reserve", "q9", "want=a reserve of reserves.csv"),
        ("reserve_prices", "period", "1", "want=0, the next one"),
        ("requirements", "required_kw", "-1", "want=as requirement_wh -1000, a whole number from 0"),
        ("requirements", "region", "r9", "want=a region of prices.csv"),
        ("requirements", "required_kw", "", "want=a number"),
        ("scenarios", "probability_pct", "x", "want=a number of at most 24 characters"),
        ("scenario_loads", "scenario", "w9", "want=a scenario of scenarios.csv"),
        ("scenario_loads", "station", "s9", "want=a station of stations.csv"),
        ("scenario_loads", "net_load_kw", "2000000000", "want=as net_load_wh 2000000000000, a whole number from"),
        ("ties", "loss_pct", "101", "want=as loss_ppm 1010000, a whole number from 0 to 1000000"),
        ("tie_steps", "tie", "1", "want=the place of a tie in ties.csv, from 0 and below 1"),
        ("tie_steps", "above_kw", "101", "want=as above_wh 101000, a whole number from 1 to 100000"),
        ("tie_steps", "loss_pct", "2", "want=as loss_ppm 20000, a whole number from 20001 to 1000000"),
        ("prices", "cut_most_kw", "-1", "want=as cut_most_wh -1000, a whole number from 0"),
        ("prices", "cut_yuan_per_kwh", "", "want=a number"),
        ("risk", "cvar_alpha_pct", "100", "want=as cvar_alpha_ppm 1000000, a whole number from 0 to 999999"),
        ("risk", "cvar_weight_pct", "0.00001", "want=no finer than 1/10000"),
        ("leases", "energy_kwh", "1e9", "want=as energy_wh 1000000000000, a whole number from 0 to"),
        ("loads", "content_most_kwh", "-1", "want=as content_most_wh -1000, a whole number from 0"),
    ],
)
def test_cell_is_named_by_file_line_column_value_and_limit_when_it_is_wrong(
    table: str, column: str, value: str, named: str, tmp_path: Path
) -> None:
    file = _folder(tmp_path) / f"{table}.csv"
    header, first, *rest = file.read_text().splitlines()
    cells = first.split(",")
    cells[header.split(",").index(column)] = value
    file.write_text("\n".join([header, ",".join(cells), *rest]) + "\n")
    assert _error(file.parent).startswith(f"table_wrong: file={table}.csv, line=2, column={column}, got={value[:9]}")
    assert named in _error(file.parent)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (
            "requirements",
            "file=requirements.csv, line=0, column=period, got=2 periods of reserve q1, region r1, want=3",
        ),
        ("scenario_loads", "got=2 periods of scenario w1, station s0, want=3"),
        ("scenarios", "file=scenario_loads.csv, line=5, column=scenario, got=w1, want=a scenario of scenarios.csv"),
    ],
)
def test_missing_line_is_named_when_a_table_ends_early(table: str, named: str, tmp_path: Path) -> None:
    file = _folder(tmp_path) / f"{table}.csv"
    file.write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")
    assert named in _error(file.parent)


def test_missing_loads_are_named_when_a_scenario_has_none(tmp_path: Path) -> None:
    file = _folder(tmp_path) / "scenario_loads.csv"
    file.write_text("\n".join(file.read_text().splitlines()[:4]) + "\n")
    assert "line=0, column=period, got=no periods of scenario w1, station s0, want=3" in _error(file.parent)


def test_whole_table_is_named_when_no_single_cell_is_wrong(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "scenarios.csv").write_text("scenario,probability_pct\nw0,40\nw1,50\n")
    assert "file=scenarios.csv, line=0, column=probability_pct, got=900000, want=a whole number" in _error(folder)
    (folder / "scenarios.csv").write_text("scenario,probability_pct\nw0,40\nw1,60\n")
    (folder / "risk.csv").write_text("cvar_alpha_pct,cvar_weight_pct\n90,50\n95,50\n")
    assert "file=risk.csv, line=3, column=cvar_alpha_pct, got=95, want=one line alone" in _error(folder)
    (folder / "risk.csv").unlink()
    more = [f"x{k},up,0,0," for k in range(17)]
    (folder / "reserves.csv").write_text("\n".join([(folder / "reserves.csv").read_text().rstrip(), *more]) + "\n")
    assert "file=reserves.csv, line=0, column=reserve, got=19, want=a whole number from 0 to 16" in _error(folder)


def test_step_is_refused_when_there_are_no_ties(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "ties.csv").unlink()
    assert "file=tie_steps.csv, line=2, column=tie, got=0" in _error(folder)


def test_requirement_is_rounded_up_and_a_limit_down_when_watts_make_no_whole_watt_hours(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    file = folder / "requirements.csv"
    header, first, *rest = file.read_text().splitlines()
    file.write_text("\n".join([header, first.rsplit(",", 1)[0] + ",0.001", *rest]) + "\n")
    found = fleet_in(folder, period_s=900)
    assert found.reserves[0].requirement_wh[0][0] == 1  # a quarter of a Wh
    assert found.regions[0].import_limit_wh[0] == 10_000_001 // 4


def _folder(tmp_path: Path) -> Path:
    """Three hours, two regions, two stations, two reserves, two scenarios, a firm lease, risk."""
    problem = instance("everything", 0)
    first = problem.stations[0]
    periods = 3
    station = replace(
        first, region=0, net_load_wh=(1_000,) * 3, own_need_floor_wh=(0,) * 3, content_most_wh=(first.energy_max_wh,) * 3,
        curtailable_wh=(0,) * 3,
    )  # fmt: skip
    region = replace(
        problem.regions[0], buy_price=(5,) * 3, sell_price=(4,) * 3, import_limit_wh=(10_000_001,) * 3,
        export_limit_wh=(10,) * 3, base_load_wh=(0,) * 3, cut_most_wh=(5,) * 3, cut_price=(9,) * 3,
    )  # fmt: skip
    tie = Tie(
        from_region=0, to_region=1, limit_wh=100_000, loss_ppm=20_000,
        steps=(TieStep(above_wh=60_000, loss_ppm=50_000),),
    )  # fmt: skip
    reserve = replace(
        problem.reserves[0], price=(7,) * 3, requirement_wh=((10,) * 3,) * 2, short_price=90_000, duration_s=900
    )
    scenario = replace(problem.scenarios[0], net_load_wh=((1_000,) * 3,))
    lease = replace(
        problem.leases[0], station=0, charge_wh=0, discharge_wh=0, energy_wh=0, start_wh=0, end_min_wh=0,
        nomination_wh=(0,) * 3,
    )  # fmt: skip
    return written(
        tmp_path / "fleet",
        replace(
            problem, periods=periods, period_s=3600, regions=(region, region), ties=(tie,), stations=(station,),
            reserves=(reserve, reserve), leases=(lease,),
            scenarios=(replace(scenario, probability_ppm=400_000), replace(scenario, probability_ppm=600_000)),
        ),
    )  # fmt: skip


def _error(folder: Path) -> str:
    with pytest.raises(AllianceError) as found:
        fleet_in(folder, period_s=3600)
    return str(found.value)
