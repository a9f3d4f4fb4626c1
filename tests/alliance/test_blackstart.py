"""Black starts (9.23): least paths, a check that lets no doctored plan through, reasons that name what is missing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest

from alliance.blackstart.check import BlackStartPlanWrong, check, proved_most_ws
from alliance.blackstart.paths import buses_to, path_cost, path_to, reached
from alliance.blackstart.reasons import Kind, impossible, told
from alliance.blackstart.record import (
    NEVER,
    BlackStart,
    BlackStartFieldWrong,
    BlackStartPlan,
    BlackStartProblem,
    Line,
    Load,
    Source,
    Unit,
    Weight,
    plan_from_plain,
    plan_to_plain,
    problem_from_plain,
    problem_to_plain,
)
from alliance.schedule import PlainWrong
from alliance.why.text import Language
from tests.optimizer.blackstarts import network, simple_paths

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "blackstart.json"
MW = 10**6


def example() -> BlackStartProblem:
    return problem_from_plain(json.loads(EXAMPLE.read_text(encoding="utf-8")))


def small() -> BlackStartProblem:
    """A source at S, a unit at B behind A, loads at A and C; B–S is the longer way. Periods of ten minutes."""
    lines = (("S", "A", 600), ("A", "B", 600), ("S", "B", 1_800), ("A", "C", 600))
    source = Source(
        bus="S", discharge_w=5 * MW, charge_w=2 * MW, energy_max_wh=4 * MW, start_wh=3 * MW, reserve_wh=MW,
        eta_c_ppm=900_000, eta_d_ppm=900_000, absorb_var=4 * MW, step_w=3 * MW,
    )  # fmt: skip
    unit = Unit(
        name="G", bus="B", crank_w=2 * MW, crank_s=1_200, min_w=3 * MW, max_w=12 * MW, ramp_w_per_min=500_000,
        start_least_s=600, start_most_s=3_000, absorb_var=2 * MW,
    )  # fmt: skip
    return BlackStartProblem(
        periods=9, period_s=600, crews=1, weight=Weight.SWITCHING, step_bp=1_000, buses=("S", "A", "B", "C"),
        lines=tuple(Line(from_bus=a, to_bus=b, switch_s=s, charging_var=MW, limit_w=20 * MW) for a, b, s in lines),
        source=source, units=(unit,),
        loads=(Load(name="water", bus="C", priority=1, power_w=MW), Load(name="town", bus="A", priority=2, power_w=3 * MW),
               Load(name="yard", bus="B", priority=3, power_w=4 * MW)),
    )  # fmt: skip


def by_hand() -> BlackStart:
    """Written down without the planner: the unit cranks at 20 min, is on at 40 min."""
    plan = BlackStartPlan(
        switch_period=(0, 1, NEVER, 2),
        crank_period=(2,),
        pick_up_period=(3, 4, 5),
        unit_w=((0, 0, 0, 0, 5 * MW, 8 * MW, 9 * MW, 10 * MW, 9 * MW),),
        battery_w=(0, 0, 2 * MW, 3 * MW, -1 * MW, 0, -1 * MW, -2 * MW, -1 * MW),
    )
    return BlackStart(problem=small(), plan=plan, solver="highs", claimed_most_ws=23_000 * MW)


# ---- paths ----


def test_paths_are_those_of_the_worked_example_when_weights_are_minutes() -> None:
    problem = example()
    found = reached(problem, path_cost(problem))
    assert (buses_to(found, "D"), found["D"].cost) == (("A", "B", "C", "D"), 60 * 60)
    assert (buses_to(found, "E"), found["E"].cost) == (("A", "B", "C", "D", "E"), 90 * 60)


def test_paths_weigh_six_and_nine_when_the_worked_examples_weights_are_1_2_3_3() -> None:
    weights = {"A–B": 1, "B–C": 2, "C–D": 3, "D–E": 3, "A–D": 7, "B–E": 9}
    lines = tuple(
        Line(from_bus=name[0], to_bus=name[2], switch_s=w, charging_var=0, limit_w=0) for name, w in weights.items()
    )
    problem = replace(small(), buses=tuple("ABCDE"), lines=lines, source=replace(small().source, bus="A"), units=(),
                      loads=())  # fmt: skip
    found = reached(problem, path_cost(problem))
    assert ("".join(buses_to(found, "D")), found["D"].cost) == ("ABCD", 6)
    assert ("".join(buses_to(found, "E")), found["E"].cost) == ("ABCDE", 9)


def test_no_path_is_shorter_when_all_paths_are_tried() -> None:
    for seed in range(40):
        problem = network(Random(seed))
        cost = path_cost(problem)
        found = reached(problem, cost)
        for bus in problem.buses:
            every = [sum(cost(problem.lines[k]) for k in path) for path in simple_paths(problem, bus)]
            assert found[bus].cost == min(every)
            assert found[bus].cost == sum(cost(problem.lines[k]) for k in path_to(found, bus))


# ---- check ----


def test_plan_holds_when_every_limit_is_kept() -> None:
    proof = check(by_hand())
    assert proof.net_ws == (41 - 4) * MW * 600
    assert proof.picked_up_w == 8 * MW
    assert proof.live_period == (0, 1, 2, 3)
    spent = Fraction(5 * MW, 6) / Fraction(9, 10)
    assert proof.least_content_wh == 3 * MW - spent
    assert proof.proved_most_ws >= proof.net_ws
    assert plan_from_plain(json.loads(json.dumps(plan_to_plain(by_hand())))) == by_hand()


def changed(field: str, at: int, value: Any) -> Callable[[BlackStart], BlackStart]:
    def change(found: BlackStart) -> BlackStart:
        series = list(getattr(found.plan, field))
        series[at] = value
        return replace(found, plan=replace(found.plan, **{field: tuple(series)}))

    return change


def outputs(*megawatts: float) -> Callable[[BlackStart], BlackStart]:
    """Another output, the battery giving what is then lacking."""

    def change(found: BlackStart) -> BlackStart:
        watts = tuple(round(x * MW) for x in megawatts)
        wanted = [a + b for a, b in zip(found.plan.unit_w[0], found.plan.battery_w, strict=True)]
        battery = tuple(a - b for a, b in zip(wanted, watts, strict=True))
        return replace(found, plan=replace(found.plan, unit_w=(watts,), battery_w=battery))

    return change


def limits(**fields: Any) -> Callable[[BlackStart], BlackStart]:
    return lambda found: replace(found, problem=replace(found.problem, **fields))


def source(**fields: Any) -> Callable[[BlackStart], BlackStart]:
    return lambda found: limits(source=replace(found.problem.source, **fields))(found)


def unit(**fields: Any) -> Callable[[BlackStart], BlackStart]:
    return lambda found: limits(units=(replace(found.problem.units[0], **fields),))(found)


def a_line(at: int, **fields: Any) -> Callable[[BlackStart], BlackStart]:
    def change(found: BlackStart) -> BlackStart:
        lines = list(found.problem.lines)
        lines[at] = replace(lines[at], **fields)
        return limits(lines=tuple(lines))(found)

    return change


FULL = source(energy_max_wh=3 * MW, eta_c_ppm=1_000_000, eta_d_ppm=1_000_000)
"""At the end as full as at first."""
LEAST_WH = 3 * MW - 5 * MW * 10 // 54 - 1
DOCTORED = {
    "a line begins at a dead bus": (changed("switch_period", 1, 0), "neighbour"),
    "a bus is fed twice": (changed("switch_period", 2, 3), "radial"),
    "a longer path": (lambda found: changed("switch_period", 1, NEVER)(changed("switch_period", 2, 1)(found)), "path"),
    "two lines, one crew": (changed("switch_period", 3, 1), "crews"),
    "a line that leads past the end": (changed("switch_period", 3, 9), "form"),
    "charging power one var above": (source(absorb_var=3 * MW - 1), "charging"),
    "cranking before the bus is live": (changed("crank_period", 0, 1), "live"),
    "never cranked": (changed("crank_period", 0, NEVER), "live"),
    "cranking before its time": (unit(start_least_s=1_201), "start"),
    "cranking after its time": (unit(start_most_s=1_199), "start"),
    "on after the end": (unit(crank_s=4_201), "horizon"),
    "one watt above the most": (unit(max_w=10 * MW - 1), "output"),
    "one watt above the ramp's curve": (outputs(0, 0, 0, 0, 5.000001, 8, 9, 10, 9), "output"),
    "below the least output": (outputs(0, 0, 0, 0, 5, 8, 9, 10, 2.999999), "output"),
    "output before it is on": (outputs(0, 0, 0, 1, 5, 8, 9, 10, 9), "output"),
    "one watt a minute too quick": (outputs(0, 0, 0, 0, 3, 8.000001, 9, 10, 9), "ramp"),
    "too quick downward": (outputs(0, 0, 0, 0, 5, 8, 9, 10, 4.999999), "ramp"),
    "a load before its bus is live": (changed("pick_up_period", 0, 2), "live"),
    "a load before one that comes first": (lambda found: changed("pick_up_period", 1, 3)(changed("pick_up_period", 0, 4)(found)),
                                            "priority"),
    "a load that comes first left out": (changed("pick_up_period", 0, NEVER), "priority"),
    "one watt too much at once": (source(step_w=4 * MW - 12 * MW // 10 - 1), "step"),
    "a watt from nowhere": (changed("battery_w", 3, 3 * MW - 1), "balance"),
    "another load than was picked up": (changed("pick_up_period", 2, 6), "balance"),
    "source one watt too weak": (source(discharge_w=3 * MW - 1), "power"),
    "charged one watt too hard": (source(charge_w=2 * MW - 1), "power"),
    "reserve touched": (source(reserve_wh=LEAST_WH + 1), "content"),
    "filled one watt beyond the most": (lambda found: outputs(0, 0, 0, 0, 5, 8, 9, 10, 9.000001)(FULL(found)), "content"),
    "line one watt too weak": (a_line(3, limit_w=MW - 1), "line"),
    "line back one watt too weak": (a_line(1, limit_w=6 * MW - 1), "line"),
    "a claim below what was done": (lambda found: replace(found, claimed_most_ws=37 * 600 * MW - 1), "claimed"),
    "a period forgotten": (lambda found: replace(found, plan=replace(found.plan, battery_w=found.plan.battery_w[:-1])),
                           "form"),
    "a unit forgotten": (lambda found: replace(found, plan=replace(found.plan, unit_w=())), "form"),
}  # fmt: skip
AT_THE_LIMIT = {
    "charging": source(absorb_var=3 * MW), "start_least": unit(start_least_s=1_200), "most": unit(max_w=10 * MW),
    "start_most": unit(start_most_s=1_200), "step": source(step_w=4 * MW - 12 * MW // 10),
    "discharge": source(discharge_w=3 * MW), "charge": source(charge_w=2 * MW), "reserve": source(reserve_wh=LEAST_WH),
    "full": FULL,
    "line": a_line(3, limit_w=MW), "back": a_line(1, limit_w=6 * MW),
    "claim": lambda found: replace(found, claimed_most_ws=37 * 600 * MW),
}  # fmt: skip


@pytest.mark.parametrize("lie", DOCTORED)
def test_plan_is_refused_by_its_rule_when_it_is_doctored(lie: str) -> None:
    doctor, rule = DOCTORED[lie]
    with pytest.raises(BlackStartPlanWrong) as refused:
        check(doctor(by_hand()))
    assert refused.value.rule == rule


@pytest.mark.parametrize("limit", AT_THE_LIMIT)
def test_plan_holds_when_a_limit_is_just_met(limit: str) -> None:
    check(AT_THE_LIMIT[limit](by_hand()))


def test_bound_holds_for_no_less_than_the_plan_when_paths_are_free() -> None:
    problem = small()
    assert proved_most_ws(replace(problem, crews=99)) == proved_most_ws(problem)
    assert (
        proved_most_ws(replace(problem, loads=())) < 0 or proved_most_ws(replace(problem, loads=())) <= 9 * 2 * MW * 600
    )
    assert proved_most_ws(replace(problem, units=())) == 0


# ---- reasons ----


def reasons_of(problem: BlackStartProblem) -> dict[Kind, tuple[str, int]]:
    return {one.kind: (one.name, one.needs - one.has) for one in impossible(problem)}


def impossible_cases() -> Iterator[tuple[str, BlackStartProblem, Kind, str, int]]:
    problem = small()
    yield "cut off", replace(problem, lines=problem.lines[:1]), Kind.UNREACHABLE, "G", 0
    yield "too late", unit(start_most_s=1_000)(by_hand()).problem, Kind.LATE, "G", 200
    yield "too short", replace(problem, periods=3), Kind.HORIZON, "G", 600
    yield "a line too weak", a_line(1, limit_w=MW)(by_hand()).problem, Kind.LINE, "G / A–B", MW
    yield "too much charging", source(absorb_var=MW)(by_hand()).problem, Kind.CHARGING, "G", MW
    yield "source too weak", source(discharge_w=1_999_999)(by_hand()).problem, Kind.FIRST_POWER, "G", 1
    yield "too little at once", source(step_w=1_500_000)(by_hand()).problem, Kind.CRANK_STEP, "G", 500_000
    yield "too little energy", source(start_wh=1_740_740)(by_hand()).problem, Kind.FIRST_ENERGY, "G", 1
    large = replace(problem.units[0], name="H", crank_w=20 * MW)
    yield "never enough power", replace(problem, units=(problem.units[0], large)), Kind.CRANK_POWER, "H", 3 * MW


@pytest.mark.parametrize(("case", "problem", "kind", "name", "missing"), list(impossible_cases()))
def test_reason_names_the_thing_and_by_how_much_when_no_plan_can_be(
    case: str, problem: BlackStartProblem, kind: Kind, name: str, missing: int
) -> None:
    assert reasons_of(problem)[kind] == (name, missing), case
    for one in impossible(problem):
        zh, en = told(one, problem, Language.ZH), told(one, problem, Language.EN)
        assert any("\u4e00" <= c <= "\u9fff" for c in zh)
        assert one.name in zh
        assert one.name in en


def test_nothing_is_impossible_when_there_is_a_plan() -> None:
    assert impossible(small()) == ()
    assert impossible(example()) == ()
    assert impossible(source(start_wh=1_740_741)(by_hand()).problem) == ()


# ---- form ----


def test_problem_is_the_same_when_it_went_through_json() -> None:
    plain = json.loads(json.dumps(problem_to_plain(example())))
    assert problem_from_plain(plain) == example()


@pytest.mark.parametrize(
    ("field", "value"),
    [("crews", 0), ("periods", 289), ("periodS", 0), ("stepBp", 10_001), ("buses", ["A", "A"]), ("buses", ["A"])],
)
def test_problem_is_refused_by_field_when_a_value_is_outside_its_limit(field: str, value: object) -> None:
    plain: Any = problem_to_plain(example())
    plain["blackStart"][field] = value
    with pytest.raises(BlackStartFieldWrong):
        problem_from_plain(plain)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [("lines", "toBus", "Z"), ("lines", "toBus", "A"), ("units", "minW", 10**9), ("units", "name", ""),
     ("loads", "priority", 0), ("units", "startLeastS", 10**6), ("lines", "limitW", -1), ("units", "name", "G2")],
)  # fmt: skip
def test_problem_is_refused_by_place_when_a_record_is_odd(part: str, field: str, value: object) -> None:
    plain: Any = problem_to_plain(example())
    plain["blackStart"][part][0][field] = value
    with pytest.raises(BlackStartFieldWrong) as refused:
        problem_from_plain(plain)
    assert refused.value.field.startswith(part)


def test_problem_is_refused_when_a_number_is_no_whole_one() -> None:
    plain: Any = problem_to_plain(example())
    plain["blackStart"]["source"]["dischargeW"] = 5.0e6
    with pytest.raises(PlainWrong):
        problem_from_plain(plain)
