"""Bad input is refused by field, value and limit; extremes that are allowed are planned and proved."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alliance.fleetplan import (
    MILLION,
    RISK_NEUTRAL,
    Direction,
    FieldWrong,
    FleetProblem,
    FleetStation,
    Region,
    Reserve,
    problem_from_plain,
    problem_to_plain,
)
from alliance.fleetproof import check
from alliance.schedule import PlainWrong
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.model import OneWay
from optimizer.fleet.plan import FleetInfeasible, FleetPath, FleetSettings, plan_fleet
from optimizer.fleet.relaxed import concerned
from optimizer.fleet.rounding import RoundingFailed
from optimizer.linear import SolverTimedOut
from optimizer.solver import ArrayProgramme, SolverProcess, SolverSettings
from tests.optimizer.fleet.agreement import planned, reference_of
from tests.optimizer.fleet.instances import instance, tiny


def _with_station(problem: FleetProblem, **change: Any) -> FleetProblem:
    return replace(problem, stations=(replace(problem.stations[0], **change), *problem.stations[1:]))


def _with_region(problem: FleetProblem, **change: Any) -> FleetProblem:
    return replace(problem, regions=(replace(problem.regions[0], **change), *problem.regions[1:]))


@pytest.mark.parametrize(
    ("change", "field", "value", "limit"),
    [
        ({"energy_max_wh": -1}, r"stations\[0\].energy_max_wh", "-1", "0 to 1000000000000"),
        ({"charge_wh": math.nan}, r"stations\[0\].charge_wh", "nan", "0 to 1000000000000"),
        ({"charge_wh": 1.5}, r"stations\[0\].charge_wh", "1.5", "whole number"),
        ({"discharge_wh": True}, r"stations\[0\].discharge_wh", "True", "whole number"),
        ({"eta_c_ppm": 0}, r"stations\[0\].eta_c_ppm", "0", "1 to 1000000"),
        ({"eta_d_ppm": 1_000_001}, r"stations\[0\].eta_d_ppm", "1000001", "1 to 1000000"),
        ({"wear_price": 10**9 + 1}, r"stations\[0\].wear_price", "1000000001", "0 to 1000000000"),
        ({"start_wh": 10**11}, r"stations\[0\].start_wh", "100000000000", "0 to "),
        ({"region": 9}, r"stations\[0\].region", "9", "0 to 1"),
        ({"net_load_wh": (0, math.nan)}, r"stations\[0\].net_load_wh\[1\]", "nan", "whole number"),
        ({"net_load_wh": (0,)}, r"stations\[0\].net_load_wh \(its length\)", "1", "2 to 2"),
        ({"own_need_floor_wh": (0, 9)}, r"stations\[0\].own_need_floor_wh\[1\]", "9", "the content's limit"),
    ],
)
def test_station_is_refused_by_field_value_and_limit(
    change: dict[str, Any], field: str, value: str, limit: str
) -> None:
    with pytest.raises(FieldWrong, match=f"field={field}, value={value}, limit=.*{limit}"):
        _with_station(tiny(1, lossless=True), **change)


@pytest.mark.parametrize(
    ("change", "field", "value", "limit"),
    [
        ({"buy_price": (10**9 + 1, 0)}, r"regions\[0\].buy_price\[0\]", "1000000001", "-1000000000 to 1000000000"),
        ({"buy_price": (math.inf, 0)}, r"regions\[0\].buy_price\[0\]", "inf", "whole number"),
        ({"sell_price": (10**9, 0)}, r"regions\[0\].sell_price\[0\]", "1000000000", "at most buy_price"),
        ({"import_limit_wh": (-1, 0)}, r"regions\[0\].import_limit_wh\[0\]", "-1", "0 to"),
    ],
)
def test_region_is_refused_by_field_value_and_limit(change: dict[str, Any], field: str, value: str, limit: str) -> None:
    with pytest.raises(FieldWrong, match=f"field={field}, value={value}, limit=.*{limit}"):
        _with_region(tiny(1, lossless=True), **change)


def test_arrays_are_refused_when_an_entry_leaves_its_limit() -> None:
    arrays = arrays_of(instance("base", 1))
    wrong = arrays.charge_wh.copy()
    wrong[0] = -5
    with pytest.raises(FieldWrong, match=r"field=charge_wh\[0\], value=-5"):
        replace(arrays, charge_wh=wrong)
    with pytest.raises(FieldWrong, match="field=net_load_wh, value=float64, limit=whole numbers"):
        replace(arrays, net_load_wh=arrays.net_load_wh * np.nan)
    with pytest.raises(FieldWrong, match="field=net_load_wh, value=shape"):
        replace(arrays, net_load_wh=arrays.net_load_wh[:, 1:])


def test_problem_comes_back_whole_when_written_as_json_and_refuses_nan() -> None:
    problem = instance("everything", 1)
    text = json.dumps(problem_to_plain(problem))
    assert problem_from_plain(json.loads(text)) == problem
    plain = json.loads(text)
    plain["fleet"]["stations"][0]["chargeWh"] = math.nan
    with pytest.raises(PlainWrong, match=r"chargeWh.*nan"):
        problem_from_plain(plain)


def test_plan_is_proved_when_one_watt_batteries_meet_ten_gigawatt_fleets(process: SolverProcess) -> None:
    problem = instance("base", 5)
    one_watt = {
        "charge_wh": 1,
        "discharge_wh": 1,
        "energy_min_wh": 0,
        "energy_max_wh": 1,
        "start_wh": 0,
        "end_min_wh": 0,
    }
    small = replace(problem.stations[0], **one_watt, keep_ppm=1_000_000, content_most_wh=())
    power = {"charge_wh": 10**10, "discharge_wh": 10**10, "pcc_import_wh": 10**11, "pcc_export_wh": 10**11}
    energy = {"energy_min_wh": 0, "energy_max_wh": 2 * 10**10, "start_wh": 10**10, "end_min_wh": 10**10}
    large = replace(problem.stations[0], **power, **energy, keep_ppm=1_000_000, content_most_wh=())
    regions = tuple(
        replace(r, import_limit_wh=(10**12,) * problem.periods, export_limit_wh=(10**12,) * problem.periods)
        for r in problem.regions
    )
    certificate = planned(replace(problem, stations=(small, large), regions=regions), process)
    assert check(certificate).gap_ppm < 100


def test_plan_is_proved_when_prices_are_a_thousand_million(process: SolverProcess) -> None:
    problem = instance("base", 6)
    periods = problem.periods
    prices = tuple((10**9, -(10**9), 5)[t % 3] for t in range(periods))
    regions = tuple(replace(r, buy_price=prices, sell_price=prices) for r in problem.regions)
    problem = replace(problem, regions=regions)
    certificate = planned(problem, process)
    wanted = reference_of(arrays_of(problem), process)
    assert wanted is not None
    assert certificate.lower_bound_microcents / 1e6 <= wanted.cost_cents * (
        1 + 1e-6 * math.copysign(1, wanted.cost_cents)
    )


def test_infeasible_is_said_when_no_plan_keeps_the_limits(process: SolverProcess) -> None:
    problem = instance("base", 1)
    station = replace(
        problem.stations[0], start_wh=0, energy_min_wh=0, charge_wh=0, end_min_wh=problem.stations[0].energy_max_wh
    )
    with pytest.raises(FleetInfeasible):
        plan_fleet(
            arrays_of(replace(problem, stations=(station, *problem.stations[1:]))),
            settings=FleetSettings(),
            process=process,
        )


def test_binaries_forbid_both_ways_when_prices_are_negative(process: SolverProcess) -> None:
    """Burning energy pays at −1 yuan a kWh: the relaxation charges and discharges at once, the plan may not."""
    problem = tiny(1, lossless=False)
    regions = tuple(replace(r, buy_price=(-100_000,) * 2, sell_price=(-100_000,) * 2) for r in problem.regions)
    large = {"charge_wh": 500, "discharge_wh": 500, "energy_max_wh": 600, "start_wh": 300, "end_min_wh": 300}
    stations = tuple(replace(s, **large, pcc_import_wh=2000, pcc_export_wh=2000) for s in problem.stations)
    regions = tuple(replace(r, import_limit_wh=(9000,) * 2, export_limit_wh=(9000,) * 2) for r in regions)
    problem = replace(problem, regions=regions, stations=stations)
    arrays = arrays_of(problem)
    relaxed = reference_of(arrays, process)
    assert relaxed is not None
    assert concerned(relaxed, arrays, relaxed.prices).stations == (0, 1)
    found = plan_fleet(arrays, settings=FleetSettings(), process=process)
    assert found.one_way.stations == (0, 1)
    exact = _exact_cents(arrays, found.one_way, process)
    assert found.certificate().objective_microcents / 1e6 == pytest.approx(exact, abs=3.0)
    assert exact > relaxed.cost_cents + 1


@pytest.mark.parametrize("path", [FleetPath.FAST, FleetPath.HIGHS])
def test_binaries_forbid_both_ways_when_a_dear_reserve_would_pay_for_burning(
    path: FleetPath, process: SolverProcess
) -> None:
    """Who charges holds more of an upward reserve: at 10,000 yuan a MW and hour the relaxation burns to go on charging."""
    station = FleetStation(
        region=0, charge_wh=5_000, discharge_wh=5_000, eta_c_ppm=950_000, eta_d_ppm=950_000, keep_ppm=MILLION,
        energy_min_wh=0, energy_max_wh=10_000, start_wh=5_000, end_min_wh=5_000, wear_price=1_000,
        pcc_import_wh=20_000, pcc_export_wh=20_000, net_load_wh=(500,) * 4, own_need_floor_wh=(0,) * 4,
        content_most_wh=(), curtailable_wh=(0,) * 4,
    )  # fmt: skip
    region = Region(
        buy_price=(50_000,) * 4, sell_price=(40_000,) * 4, import_limit_wh=(50_000,) * 4,
        export_limit_wh=(50_000,) * 4, base_load_wh=(0,) * 4,
    )  # fmt: skip
    dear = Reserve(
        direction=Direction.UP, duration_s=0, activation_ppm=0, price=(1_000_000,) * 4, requirement_wh=((0,) * 4,)
    )
    problem = FleetProblem(
        periods=4, period_s=3600, regions=(region,), ties=(), stations=(station,), reserves=(dear,), scenarios=(),
        risk=RISK_NEUTRAL,
    )  # fmt: skip
    found = plan_fleet(arrays_of(problem), settings=FleetSettings(path=path), process=process)
    certificate = found.certificate(problem)
    assert found.one_way.stations == (0,)
    assert check(certificate).objective_microcents == certificate.objective_microcents
    assert sum(certificate.plan.reserve_wh[0][0]) > 4 * station.discharge_wh


def _exact_cents(arrays: Any, one_way: OneWay, process: SolverProcess) -> float:
    from optimizer.fleet.relaxed import relaxed_reference

    found = relaxed_reference(arrays, process=process, settings=SolverSettings(), one_way=one_way)
    assert found is not None
    return found.cost_cents


def test_plan_stands_still_with_an_honest_gap_when_there_is_no_time() -> None:
    problem = instance("base", 2)
    found = plan_fleet(arrays_of(problem), settings=FleetSettings(time_limit_s=0.001))
    assert not found.optimal
    certificate = found.certificate()
    assert check(certificate).gap_ppm == certificate.gap_ppm > 0


def test_solver_process_is_ended_and_serves_again_when_a_request_takes_too_long(process: SolverProcess) -> None:
    empty, none = np.zeros(1), np.zeros(0)
    programme = ArrayProgramme(
        costs=empty, low=empty, high=empty, row_low=none, row_high=none, start=np.zeros(2, dtype=np.int32),
        index=np.zeros(0, dtype=np.int32), values=none, binaries=np.zeros(0, dtype=np.int64),
    )  # fmt: skip
    with SolverProcess() as own:
        with pytest.raises(SolverTimedOut):
            own.solve_arrays(programme, settings=SolverSettings(time_limit_s=0.001))
        answer = own.solve_arrays(programme, settings=SolverSettings())
    assert answer is not None
    assert answer.optimal


def test_reference_path_plans_the_same_when_chosen_by_setting(process: SolverProcess) -> None:
    arrays = arrays_of(instance("everything", 1))
    paths = (FleetPath.STAMPED, FleetPath.HIGHS)
    costs = [plan_fleet(arrays, settings=FleetSettings(path=p), process=process).relaxed_cost_cents for p in paths]
    assert costs[0] == pytest.approx(costs[1], rel=1e-6)


def test_no_plan_is_returned_when_whole_reserves_are_more_than_the_start_can_bear(process: SolverProcess) -> None:
    """Calls last two periods and each station has 3 Wh to spare: 1.5 Wh each in fractions, 1 Wh each in whole Wh."""
    problem = tiny(0, lossless=True)
    spare = {"region": 0, "energy_min_wh": 0, "energy_max_wh": 8, "start_wh": 3, "end_min_wh": 0}
    rights = {"charge_wh": 4, "discharge_wh": 4, "pcc_import_wh": 20, "pcc_export_wh": 20}
    stations = tuple(replace(s, **spare, **rights) for s in problem.stations)  # type: ignore[arg-type]  # all whole
    up = Reserve(
        direction=Direction.UP, duration_s=7200, activation_ppm=0, price=(0, 0), requirement_wh=((3, 0), (0, 0))
    )
    tight = replace(problem, stations=stations, reserves=(up,))
    with pytest.raises(RoundingFailed):
        plan_fleet(arrays_of(tight), settings=FleetSettings(path=FleetPath.STAMPED), process=process)
    eased = replace(tight, reserves=(replace(up, requirement_wh=((2, 0), (0, 0))),))
    found = plan_fleet(arrays_of(eased), settings=FleetSettings(path=FleetPath.STAMPED), process=process)
    assert check(found.certificate(eased)).largest_violation_wh == 0
