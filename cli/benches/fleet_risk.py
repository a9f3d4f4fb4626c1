"""Fleets with scenarios and CVaR: the stamped model against a direct build of the same risk, both solved by HiGHS.

The direct build needs one PCC row a station and period for all scenarios together, for the battery's flow is the same
in each. The stamped model's bound is proved from its duals in whole numbers, which is nobody's time.
"""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from alliance.fleetplan import MILLION, RISK_NEUTRAL
from alliance.fleetproof import lower_bound_microcents
from cli.benches.fleet_backend import (
    KWH,
    MICROCENTS_A_CENT,
    Answer,
    Asked,
    Checked,
    Flows,
    Matrix,
    store_rows,
    violation_wh,
)
from optimizer.fleet.arrays import FleetArrays, Ints, problem_of
from optimizer.fleet.certify import fleet_duals
from optimizer.fleet.kernel import Floats
from optimizer.fleet.relaxed import read_stamped
from optimizer.fleet.scaled import scaled
from optimizer.fleet.stamp import stamped


def planned_stamped(asked: Asked) -> Answer:
    """The planner's own programme for fleets with scenarios, in this process."""
    import highspy

    arrays, checked = asked.arrays, Checked()
    found = stamped(arrays, scaled(arrays))
    m = found.matrix
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(
        len(m.costs), len(m.row_low), len(m.values), 1, 1, 0.0, m.costs, m.low, m.high, m.row_low, m.row_high, m.start,
        m.index, m.values, np.zeros(len(m.costs), dtype=np.int32),
    )  # fmt: skip
    solver.run()
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal, solver.getModelStatus()
    solution, cost = solver.getSolution(), solver.getInfo().objective_function_value
    relaxed = read_stamped(
        found, arrays, np.array(solution.col_value), np.array(solution.row_dual), cost=cost, optimal=True
    )
    wall, cpu = time.perf_counter(), time.process_time()
    duals = fleet_duals(arrays, found.scaled.shape, relaxed.prices)
    bound = lower_bound_microcents(problem_of(arrays), duals)
    checked.wall_s, checked.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    _check(checked, arrays, relaxed.charge, relaxed.discharge)
    return Answer(
        cost=relaxed.cost_cents * MICROCENTS_A_CENT,
        bound=float(bound),
        checked=checked,
        notes=f"{len(arrays.scenario_ppm)} scenarios",
    )


def planned_direct(asked: Asked) -> Answer:
    """The whole matrix with numpy: min wear + (1 − κ) Σ π bill + κ (z + Σ π s / (1 − α)), s ≥ bill − z."""
    arrays, checked, m = asked.arrays, Checked(), Matrix()
    every, shape = np.arange(arrays.stations), arrays.shape
    charge, discharge = (x[:, None] / KWH for x in (arrays.charge_wh, arrays.discharge_wh))
    c = m.column(shape, 0.0, charge, 0.0)
    d = m.column(shape, 0.0, discharge, arrays.wear_price[:, None] / 1000)
    e = m.column(shape, arrays.low_wh / KWH, arrays.high_wh / KWH, 0.0)
    store_rows(m, arrays, every, (c, d, e))
    larger = np.maximum(np.maximum(charge, discharge), 1e-9)
    hull = m.row(shape, -np.inf, charge * discharge / larger)
    m.put(hull, c, discharge / larger)
    m.put(hull, d, charge / larger)
    loads = arrays.scenario_net_load_wh
    least, most = -arrays.pcc_export_wh[:, None] - loads.min(axis=0), arrays.pcc_import_wh[:, None] - loads.max(axis=0)
    right = m.row(shape, least / KWH, most / KWH)
    m.put(right, c, 1.0)
    m.put(right, d, -1.0)
    _risk(m, arrays, (c, d))
    values, cost = m.solved()
    _check(checked, arrays, *(values[at] * KWH for at in (c, d)))
    return Answer(cost=cost * MICROCENTS_A_CENT, bound=None, checked=checked)


def _risk(m: Matrix, arrays: FleetArrays, flows: tuple[Ints, Ints]) -> None:
    """Each scenario's balances, exchange and bill, and what the dearest of them cost."""
    kappa, rest = arrays.risk.cvar_weight_ppm / MILLION, 1 - arrays.risk.cvar_alpha_ppm / MILLION
    threshold = m.column((1, 1), -np.inf, np.inf, kappa)
    prices = {"import": arrays.buy_price / 1000, "export": arrays.sell_price / 1000}
    for ppm, loads in zip(arrays.scenario_ppm.tolist(), arrays.scenario_net_load_wh, strict=True):
        likely = ppm / MILLION
        base = arrays.base_load_wh / KWH
        np.add.at(base, arrays.region, loads / KWH)
        balance = m.row(base.shape, base, base)
        m.put(balance[arrays.region], flows[0], -1.0)
        m.put(balance[arrays.region], flows[1], 1.0)
        tail = m.row((1, 1), 0.0, np.inf)
        m.put(tail, threshold, 1.0)
        m.put(tail, m.column((1, 1), 0.0, np.inf, kappa * likely / rest), 1.0)
        for kind, sign in (("import", 1.0), ("export", -1.0)):
            limit, price = getattr(arrays, f"{kind}_limit_wh") / KWH, sign * prices[kind]
            traded = m.column(base.shape, 0.0, limit, (1 - kappa) * likely * price)
            m.put(balance, traded, sign)
            m.put(tail, traded, -price)


def _check(checked: Checked, arrays: FleetArrays, charge: Floats, discharge: Floats) -> None:
    """Cost with its risk, and the largest violation in any scenario."""
    wall, cpu = time.perf_counter(), time.process_time()
    bills, still = [], np.zeros(arrays.shape)
    none = np.zeros((0, arrays.periods))
    flows = Flows(charge=charge, discharge=discharge, curtailed=still, forward=none, backward=none)
    for loads in arrays.scenario_net_load_wh:
        alone = replace(
            arrays,
            net_load_wh=loads,
            scenario_ppm=np.zeros(0, dtype=np.int64),
            scenario_net_load_wh=np.zeros((0, *arrays.shape), dtype=np.int64),
            risk=RISK_NEUTRAL,
        )
        checked.violation_wh = max(checked.violation_wh, violation_wh(alone, flows))
        net = arrays.base_load_wh.astype(np.float64)
        np.add.at(net, arrays.region, loads + charge - discharge)
        bills.append(float((np.where(net > 0, arrays.buy_price, arrays.sell_price) * net).sum()))
    wear = float(arrays.wear_price @ discharge.sum(axis=1))
    checked.cost = wear + with_risk(bills, arrays)
    checked.wall_s += time.perf_counter() - wall
    checked.cpu_s += time.process_time() - cpu


def with_risk(bills: Any, arrays: FleetArrays) -> float:
    """(1 − κ) mean + κ mean of the dearest (1 − α) of the bills."""
    found, likely = np.array(bills), arrays.scenario_ppm / MILLION
    kappa, rest = arrays.risk.cvar_weight_ppm / MILLION, 1 - arrays.risk.cvar_alpha_ppm / MILLION
    dearest = min(float(z + likely @ np.maximum(found - z, 0.0) / rest) for z in found)
    return (1 - kappa) * float(likely @ found) + kappa * dearest
