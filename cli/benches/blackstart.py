"""A black start of the New England system, 39 buses and 24 periods, both stages, against HiGHS alone on their matrices.

The network's branches and its loads' and generators' buses are those of the 39-bus New England test system (T. Athay,
R. Podmore, S. Virmani: A practical method for the direct analysis of transient stability, IEEE Transactions PAS-98,
1979), charging as published with it on 100 MVA. Sizes of loads and units, times and weights are drawn by a seed.
"""

import random
from functools import partial

from alliance.blackstart.check import check
from alliance.blackstart.record import BlackStart, BlackStartProblem, Line, Load, Source, Unit, Weight
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Finding, best_of
from optimizer.blackstart.plan import GAP, matrices, plan_black_start
from optimizer.linear import Linear
from optimizer.solver import HighsEngine

BRANCHES = (
    (1, 2, 0.6987), (1, 39, 0.75), (2, 3, 0.2572), (2, 25, 0.146), (2, 30, 0), (3, 4, 0.2214), (3, 18, 0.2138),
    (4, 5, 0.1342), (4, 14, 0.1382), (5, 6, 0.0434), (5, 8, 0.1476), (6, 7, 0.113), (6, 11, 0.1389), (6, 31, 0),
    (7, 8, 0.078), (8, 9, 0.3804), (9, 39, 1.2), (10, 11, 0.0729), (10, 13, 0.0729), (10, 32, 0), (12, 11, 0),
    (12, 13, 0), (13, 14, 0.1723), (14, 15, 0.366), (15, 16, 0.171), (16, 17, 0.1342), (16, 19, 0.304),
    (16, 21, 0.2548), (16, 24, 0.068), (17, 18, 0.1319), (17, 27, 0.3216), (19, 20, 0), (19, 33, 0), (20, 34, 0),
    (21, 22, 0.2565), (22, 23, 0.1846), (22, 35, 0), (23, 24, 0.361), (23, 36, 0), (25, 26, 0.531), (25, 37, 0),
    (26, 27, 0.2396), (26, 28, 0.7802), (26, 29, 1.029), (28, 29, 0.249), (29, 38, 0),
)  # fmt: skip
"""From bus, to bus, charging susceptance per unit of 100 MVA; 34 lines, 12 transformers."""
UNIT_BUSES = (31, 32, 33, 34, 35, 36, 37, 38, 39)
"""The tenth generator's bus, 30, has the storage station that starts the network."""
LOAD_BUSES = (3, 4, 7, 8, 12, 15, 16, 18, 20, 21, 23, 24, 25, 26, 27, 28, 29, 31, 39)
SEEDS = 5
PERIODS = 24
PERIOD_S = 600
_MW = 1_000_000
_WS_PER_MWH = 3600 * _MW


def run(ground: Ground) -> list[Finding]:
    """Five networks of the full size, each planned and solved bare once: a second run would say the same."""
    del ground
    return [found for seed in range(1, SEEDS + 1) for found in measure(instance(seed), f"seed {seed}")]


def measure(problem: BlackStartProblem, name: str) -> list[Finding]:
    """A plan from problem to check, and the check alone, against HiGHS on the matrices of both stages."""
    kept: list[BlackStart] = []
    ours = best_of(lambda: kept.append(plan_black_start(problem)), runs=1)
    stages = matrices(kept[0])
    theirs = best_of(lambda: _bare(stages), runs=1)
    checked = best_of(partial(check, kept[0]))
    proof = check(kept[0])
    facts = {
        "buses": len(problem.buses), "lines": len(problem.lines), "periods": problem.periods,
        "rows": sum(len(one.rows) for one in stages), "columns": sum(len(one.columns) for one in stages),
        "binaries": sum(len(one.binaries) for one in stages),
        "net_mwh": round(proof.net_ws / _WS_PER_MWH, 3),
        "solver_claims_at_most_mwh": round(proof.claimed_most_ws / _WS_PER_MWH, 3),
        "proved_at_most_mwh": round(proof.proved_most_ws / _WS_PER_MWH, 3),
    }  # fmt: skip
    against = f"HiGHS alone on the matrices of both stages, gap {GAP:g}"
    planned = f"black start of the New England system, from problem to checked plan, {name}"
    return [
        Comparison(name=planned, ours=ours, against=against, theirs=theirs, facts=facts),
        Comparison(name=f"check of that plan, exact, {name}", ours=checked, against=against, theirs=theirs),
    ]


def _bare(stages: tuple[Linear, ...]) -> None:
    """Solve, and nothing else."""
    for linear in stages:
        engine = HighsEngine()
        engine.load(linear, gap=GAP if linear is stages[-1] else 1e-6)
        assert engine.run() is not None


def instance(seed: int) -> BlackStartProblem:
    """The network with sizes and times drawn by a seed."""
    chance = random.Random(seed)
    return BlackStartProblem(
        periods=PERIODS,
        period_s=PERIOD_S,
        crews=6,
        weight=Weight.SWITCHING,
        step_bp=500,
        buses=tuple(str(k) for k in range(1, 40)),
        lines=tuple(_line(chance, *branch) for branch in BRANCHES),
        source=Source(
            bus="30", discharge_w=120 * _MW, charge_w=120 * _MW, energy_max_wh=240 * _MW, start_wh=216 * _MW,
            reserve_wh=48 * _MW, eta_c_ppm=950_000, eta_d_ppm=950_000, absorb_var=900 * _MW, step_w=60 * _MW,
        ),
        units=tuple(_unit(chance, bus) for bus in UNIT_BUSES),
        loads=tuple(_load(chance, bus) for bus in LOAD_BUSES),
    )  # fmt: skip


def _line(chance: random.Random, one: int, other: int, charging: float) -> Line:
    minutes = chance.choice((5, 10, 10, 15))
    return Line(
        from_bus=str(one), to_bus=str(other), switch_s=minutes * 60, charging_var=round(charging * 100 * _MW),
        limit_w=900 * _MW,
    )  # fmt: skip


def _unit(chance: random.Random, bus: int) -> Unit:
    most = chance.randrange(200, 700, 50)
    return Unit(
        name=f"G{bus}", bus=str(bus), crank_w=most * _MW * chance.randrange(2, 5) // 100,
        crank_s=chance.randrange(10, 50, 10) * 60, min_w=most * _MW // 6, max_w=most * _MW,
        ramp_w_per_min=most * _MW // chance.randrange(60, 180, 20), start_least_s=0, start_most_s=150 * 60,
        absorb_var=most * _MW // 3,
    )  # fmt: skip


def _load(chance: random.Random, bus: int) -> Load:
    return Load(name=f"L{bus}", bus=str(bus), priority=chance.randrange(1, 4), power_w=chance.randrange(30, 150) * _MW)
