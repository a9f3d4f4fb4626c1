"""Fleets with reserves: the planner against a direct build of the same programme, by HiGHS in either of its ways.

The planner is measured whole, from the arrays to a plan in whole Wh. What it claims is then proved in whole numbers, as
a certificate does it: every limit of the plan checked, the bound from its rounded duals. That is nobody's time, though
its memory counts.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from alliance.fleetplan import MILLION, Direction
from alliance.fleetproof import lower_bound_microcents, objective_microcents
from cli.benches.fleet_backend import KWH, MICROCENTS_A_CENT, Answer, Asked, Checked, Matrix
from optimizer.fleet.arrays import FleetArrays, Ints, problem_of
from optimizer.fleet.kernel import Floats
from optimizer.fleet.plan import FleetSettings, plan_fleet
from optimizer.fleet.reserved import answered
from optimizer.solver import SolverProcess, SolverSettings

SECONDS = 600.0
"""Of the planner; it is asked for a gap, not for a time."""


class _Here(SolverProcess):
    """What the solver's process does, done in this one, so that its time and memory are counted."""

    stamped = 0

    def from_inside(self, named: Mapping[str, Any], *, settings: SolverSettings) -> dict[str, Any]:
        """As the process answers."""
        return answered(named)

    def solve_arrays(self, *given: Any, **settings: Any) -> Any:
        """What HiGHS is asked after all is not hidden."""
        self.stamped += 1
        return super().solve_arrays(*given, **settings)


def planned(asked: Asked) -> Answer:
    """The planner, as everyone calls it."""
    arrays, checked = asked.arrays, Checked()
    with _Here() as process:
        found = plan_fleet(arrays, settings=FleetSettings(gap=asked.gap, time_limit_s=SECONDS), process=process)
        stamped = process.stamped
    wall, cpu = time.perf_counter(), time.process_time()
    problem = problem_of(arrays)
    objective = objective_microcents(found.rounded.plan, problem)
    bound = lower_bound_microcents(problem, found.duals)
    checked.cost = float(objective)
    checked.wall_s, checked.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    notes = f"in whole Wh; before rounding {found.relaxed_cost_cents:.0f} cents"
    return Answer(
        cost=float(objective),
        bound=float(bound),
        checked=checked,
        notes=notes + (f"; HiGHS asked for {stamped} parts, in a process that is not counted" if stamped else ""),
    )


def planned_direct(asked: Asked, *, method: str) -> Answer:
    """The whole matrix with numpy; `method` is HiGHS's `simplex` or `ipm` (with its crossover)."""
    arrays, checked, m = asked.arrays, Checked(), Matrix()
    columns = _station_columns(m, arrays)
    _exchange_columns(m, arrays, columns)
    values, cost = m.solved(method=method)
    wall, cpu = time.perf_counter(), time.process_time()
    flows = {name: values[at] * KWH for name, at in columns.items()}
    checked.cost, checked.violation_wh = _cost(arrays, flows), _violation_wh(arrays, flows)
    checked.wall_s, checked.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    return Answer(cost=cost * MICROCENTS_A_CENT, bound=None, checked=checked)


def _station_columns(m: Matrix, arrays: FleetArrays) -> dict[str, Ints]:
    """c, d, e and a reserve r0, r1, … each, with the stations' own rows."""
    shape = arrays.shape
    charge, discharge = arrays.charge_wh[:, None] / KWH, arrays.discharge_wh[:, None] / KWH
    low, high = arrays.low_wh / KWH, arrays.high_wh / KWH
    eta_c, eta_d, keep = (getattr(arrays, name)[:, None] / MILLION for name in ("eta_c_ppm", "eta_d_ppm", "keep_ppm"))
    c = m.column(shape, 0.0, charge, 0.0)
    d = m.column(shape, 0.0, discharge, arrays.wear_price[:, None] / 1000)
    e = m.column(shape, low, high, 0.0)
    before = np.zeros(shape)
    before[:, :1] = keep * arrays.start_wh[:, None] / KWH
    store = m.row(shape, before, before)
    for columns, share in ((e, 1.0), (c, -eta_c), (d, 1 / eta_d)):
        m.put(store, columns, share)
    m.put(store[:, 1:], e[:, :-1], -keep)
    larger = np.maximum(np.maximum(charge, discharge), 1e-9)
    hull = m.row(shape, -np.inf, charge * discharge / larger)
    m.put(hull, c, discharge / larger)
    m.put(hull, d, charge / larger)
    found = {"c": c, "d": d, "e": e}
    sides = {
        Direction.UP: (discharge, arrays.pcc_export_wh[:, None] + arrays.net_load_wh, -low, arrays.energy_min_wh),
        Direction.DOWN: (charge, arrays.pcc_import_wh[:, None] - arrays.net_load_wh, high, arrays.energy_max_wh),
    }
    for direction, (power, right, side, first) in sides.items():
        sign = 1.0 if direction is Direction.UP else -1.0
        called = [q for q, r in enumerate(arrays.reserves) if r.direction is direction]
        power_row, right_row = m.row(shape, -np.inf, power), m.row(shape, -np.inf, right / KWH)
        spare = np.maximum(sign * (arrays.start_wh - first), 0)[:, None] / KWH
        after_row, before_row = m.row(shape, -np.inf, side), m.row(shape, -np.inf, np.hstack([spare, side[:, :-1]]))
        for row in (power_row, right_row):
            m.put(row, d, sign)
            m.put(row, c, -sign)
        m.put(after_row, e, -sign)
        m.put(before_row[:, 1:], e[:, :-1], -sign)
        eta = 1 / eta_d if direction is Direction.UP else eta_c
        for q in called:
            product = arrays.reserves[q]
            found[f"r{q}"] = r = m.column(shape, 0.0, np.inf, -np.array(product.price)[None] / 1000)
            for row, share in (
                (power_row, 1.0),
                (right_row, 1.0),
                (store, sign * product.activation_ppm / MILLION * eta),
            ):
                m.put(row, r, share)
            for row in (after_row, before_row):
                m.put(row, r, product.duration_s / arrays.period_s * eta)
    return found


def _exchange_columns(m: Matrix, arrays: FleetArrays, columns: Mapping[str, Ints]) -> None:
    """Each region's balance, import and export, and what it must hold; no ties and no curtailment in this case."""
    load = arrays.base_load_wh / KWH
    np.add.at(load, arrays.region, arrays.net_load_wh / KWH)
    balance = m.row(load.shape, load, load)
    m.put(balance[arrays.region], columns["d"], 1.0)
    m.put(balance[arrays.region], columns["c"], -1.0)
    for kind, prices, sign in (("import", arrays.buy_price, 1.0), ("export", arrays.sell_price, -1.0)):
        limit = getattr(arrays, f"{kind}_limit_wh") / KWH
        m.put(balance, m.column(load.shape, 0.0, limit, sign * prices / 1000), sign)
    for q, product in enumerate(arrays.reserves):
        wanted = np.array(product.requirement_wh) / KWH
        held = m.row(load.shape, wanted, np.inf)
        m.put(held[arrays.region], columns[f"r{q}"], 1.0)
        if product.short_price is not None:
            m.put(held, m.column(load.shape, 0.0, wanted, product.short_price / 1000), 1.0)


def _cost(arrays: FleetArrays, flows: Mapping[str, Floats]) -> float:
    """What the flows cost in themselves, microcents."""
    net = arrays.base_load_wh.astype(np.float64)
    np.add.at(net, arrays.region, arrays.net_load_wh + flows["c"] - flows["d"])
    total = float((np.where(net > 0, arrays.buy_price, arrays.sell_price) * net).sum())
    total += float(arrays.wear_price @ flows["d"].sum(axis=1))
    for q, product in enumerate(arrays.reserves):
        held = np.zeros(net.shape)
        np.add.at(held, arrays.region, flows[f"r{q}"])
        total -= float(flows[f"r{q}"].sum(axis=0) @ np.array(product.price))
        total += (product.short_price or 0) * float(np.maximum(np.array(product.requirement_wh) - held, 0.0).sum())
    return total


def _violation_wh(arrays: FleetArrays, flows: Mapping[str, Floats]) -> float:
    """The largest violation of any limit, Wh, content carried anew from the flows."""
    c, d = flows["c"], flows["d"]
    eta_c, eta_d, keep = (getattr(arrays, name) / MILLION for name in ("eta_c_ppm", "eta_d_ppm", "keep_ppm"))
    up, down, give, take, called = (np.zeros(arrays.shape) for _ in range(5))
    for q, product in enumerate(arrays.reserves):
        r, borne, share = flows[f"r{q}"], product.duration_s / arrays.period_s, product.activation_ppm / MILLION
        if product.direction is Direction.UP:
            up, give, called = up + r, give + borne * r / eta_d[:, None], called - share * r / eta_d[:, None]
        else:
            down, take, called = down + r, take + borne * r * eta_c[:, None], called + share * r * eta_c[:, None]
    low, high, content = arrays.low_wh, arrays.high_wh, arrays.start_wh.astype(np.float64)
    floor, ceiling = np.minimum(arrays.energy_min_wh, content), np.maximum(arrays.energy_max_wh, content)
    taken = arrays.net_load_wh + c - d
    powers = np.maximum(arrays.charge_wh, 1)[:, None], np.maximum(arrays.discharge_wh, 1)[:, None]
    broken = [
        -c, -d, (c / powers[0] + d / powers[1] - 1) * np.minimum(*powers), d - c + up - arrays.discharge_wh[:, None],
        c - d + down - arrays.charge_wh[:, None], taken + down - arrays.pcc_import_wh[:, None],
        up - taken - arrays.pcc_export_wh[:, None], *(-flows[f"r{q}"] for q in range(len(arrays.reserves))),
    ]  # fmt: skip
    worst = max(0.0, *(float(b.max()) for b in broken))
    for t in range(arrays.periods):
        ends = [(content, floor, ceiling)]
        content = keep * content + eta_c * c[:, t] - d[:, t] / eta_d + called[:, t]
        floor, ceiling = low[:, t], high[:, t]
        ends.append((content, floor, ceiling))
        for at, least, most in ends:
            worst = max(worst, float((least + give[:, t] - at).max()), float((at + take[:, t] - most).max()))
    return worst
