"""One backend plans one fleet, alone: `python -m cli.benches.fleet_backend BACKEND CASE SIZE SEED GAP`.

Prints one line of JSON: wall and processor time (of the best run), peak memory, objective, proved bound, violations.
`direct` builds the whole matrix with numpy and hands it to HiGHS, `regions` does so region by region; both know
nothing of the planner. Imports and compilation are done before anything is measured.
"""

import hashlib
import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from cli.benches.fleet_cases import MILLION, fleet, rolled
from cli.benches.measure import own_peak_kb
from optimizer.fleet.arrays import FleetArrays, Ints
from optimizer.fleet.kernel import cheapest_days, stations_of
from optimizer.fleet.prices import by_prices, part_of, subfleet

Floats = Any
SMALL = 12
"""Stations of the fleet that warms a backend up."""
ONCE = ("reserve",)
"""Cases that take so long that they are run once, whatever their size."""
KWH, MICROCENTS_A_CENT = 1000.0, 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """A plan of the relaxation, Wh."""

    charge: Floats
    discharge: Floats
    curtailed: Floats
    forward: Floats
    backward: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a backend is asked."""

    arrays: FleetArrays
    gap: float
    guess: Floats | None = None
    """Prices to begin with, where an earlier plan found some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A plan's cost and a proved bound, microcents (None where the backend proves none), and how it was checked."""

    cost: float
    bound: float | None
    checked: "Checked"
    battery_wh: Ints = None
    """The plan that is kept, rounded."""
    prices: Floats = None
    notes: str = ""
    each_s: tuple[float, float] | None = None
    """Wall and processor time of one of many runs, where one alone is too short to be timed."""


class Checked:
    """Cost and largest violation of a plan, part by part as it comes; what that takes is nobody's time."""

    def __init__(self) -> None:
        self.cost = self.violation_wh = self.wall_s = self.cpu_s = 0.0

    def add(self, arrays: FleetArrays, flows: Flows) -> None:
        """Check a part."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.cost += _cost(arrays, flows)
        self.violation_wh = max(self.violation_wh, violation_wh(arrays, flows))
        self.wall_s += time.perf_counter() - wall
        self.cpu_s += time.process_time() - cpu


def main() -> None:
    """Measure as the arguments say."""
    backend, case, size, seed, gap = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
    solve = BACKENDS[backend]
    solve(Asked(arrays=fleet(case, stations=min(SMALL, size), seed=seed), gap=gap))
    asked = Asked(arrays=fleet(case, stations=size, seed=seed), gap=gap)
    if case == "mpc":
        asked = _next(asked)
    best, answer = (float("inf"), float("inf")), None
    for _ in range(1 if size > 1000 or case in ONCE else 3):
        answer = None
        wall, cpu = time.perf_counter(), time.process_time()
        answer = solve(asked)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        best = min(best, (wall - answer.checked.wall_s, cpu - answer.checked.cpu_s))
        if answer.each_s is not None:
            best = min(best, answer.each_s)
    peak_mb = own_peak_kb() / 1024
    assert answer is not None
    notes = answer.notes + ("" if asked.guess is None or backend != "prices" else _cold(asked))
    said: dict[str, object] = {"wall_s": best[0], "cpu_s": best[1], "peak_mb": round(peak_mb, 1), "cost": answer.cost}
    said |= {"bound": answer.bound, "recomputed": answer.checked.cost, "violation_wh": answer.checked.violation_wh}
    print(json.dumps(said | {"notes": notes, "digest": _digest(asked.arrays)}))


def _digest(arrays: FleetArrays) -> str:
    """SHA-256 of all that a fleet holds, the same on whatever numpy it was made."""
    found = hashlib.sha256()
    for name in FleetArrays.__dataclass_fields__:
        value = getattr(arrays, name)
        found.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return found.hexdigest()


def _next(asked: Asked) -> Asked:
    """The fleet five minutes later, and the prices that its last plan found, rolled on."""
    arrays, answer = asked.arrays, _prices(asked)
    eta_c, eta_d, keep = (getattr(arrays, name) / MILLION for name in ("eta_c_ppm", "eta_d_ppm", "keep_ppm"))
    flow = answer.battery_wh[:, 0]
    content = keep * arrays.start_wh + eta_c * np.maximum(-flow, 0) - np.maximum(flow, 0) / eta_d
    start = np.clip(np.rint(content).astype(np.int64), arrays.energy_min_wh, arrays.energy_max_wh)
    return Asked(arrays=rolled(arrays, start), gap=asked.gap, guess=np.roll(answer.prices, -1, axis=1))


def _cold(asked: Asked) -> str:
    """What the same fleet takes without prices of a cycle before, once."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = _prices(replace(asked, guess=None))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    spent = f"{wall - answer.checked.wall_s:.2f} s, {cpu - answer.checked.cpu_s:.2f} s of processor"
    return f"; begun without prices of the cycle before: {spent}, {answer.notes}"


# Backends


def _prices(asked: Asked) -> Answer:
    arrays, checked, parts = asked.arrays, Checked(), []
    battery = np.zeros(arrays.shape, dtype=np.int32)
    prices = np.zeros((arrays.regions, arrays.periods))
    for part in by_prices(arrays, gap=asked.gap, guess=asked.guess, seconds=3600.0):
        assert part is not None, "the fleet has no plan"
        battery[part.stations] = np.rint(part.discharge - part.charge)
        prices[part.regions] = part.prices
        checked.add(part_of(arrays, part), Flows(**{f.name: getattr(part, f.name) for f in fields(Flows)}))
        parts.append((part.cost, part.bound, part.sweeps, part.met))
    sweeps = f"{min(p[2] for p in parts)} to {max(p[2] for p in parts)} prices a part"
    return Answer(
        cost=sum(p[0] for p in parts),
        bound=sum(p[1] for p in parts),
        checked=checked,
        battery_wh=battery,
        prices=prices,
        notes=sweeps + ("" if all(p[3] for p in parts) else "; gap not met"),
    )


def _site(asked: Asked) -> Answer:
    """One site at its own prices: the kernel alone."""
    arrays, checked = asked.arrays, Checked()
    stations = stations_of(arrays, np.arange(1))
    buy, sell = arrays.buy_price[0].astype(np.float64), arrays.sell_price[0].astype(np.float64)
    days = cheapest_days(stations, buy=buy, sell=sell)
    wall, started, runs = time.perf_counter(), time.process_time(), 200
    for _ in range(runs):
        cheapest_days(stations, buy=buy, sell=sell)
    checked.cpu_s, checked.wall_s = time.process_time() - started, time.perf_counter() - wall
    each_s = checked.wall_s / runs, checked.cpu_s / runs
    none = np.zeros((0, arrays.periods))
    flows = Flows(charge=days.charge, discharge=days.discharge, curtailed=days.curtailed, forward=none, backward=none)
    checked.add(arrays, flows)
    cost = float(days.cost[0])
    return Answer(cost=cost, bound=cost, checked=checked, each_s=each_s, notes=f"mean of {runs} re-plans")


def _direct(asked: Asked) -> Answer:
    arrays, checked = asked.arrays, Checked()
    flows, cost = _highs(arrays, np.arange(arrays.stations), np.arange(arrays.regions))
    checked.add(arrays, flows)
    return Answer(cost=cost, bound=None, checked=checked)


def _by_region(asked: Asked) -> Answer:
    arrays, checked, cost = asked.arrays, Checked(), 0.0
    none = np.zeros(0, dtype=np.int64)
    for r in range(arrays.regions):
        chosen = np.flatnonzero(arrays.region == r)
        flows, part = _highs(arrays, chosen, np.array([r]))
        checked.add(subfleet(arrays, stations=chosen, regions=np.array([r]), ties=none), flows)
        cost += part
    return Answer(cost=cost, bound=None, checked=checked)


def _named(module: str, name: str, asked: Asked, **options: str) -> Answer:
    """A backend of a module that is not loaded for the others: its packages may not be there."""
    planned: Callable[..., Answer] = getattr(importlib.import_module(f"cli.benches.{module}"), name)
    return planned(asked, **options)


BACKENDS: dict[str, Callable[[Asked], Answer]] = {
    "prices": _prices,
    "site": _site,
    "direct": _direct,
    "regions": _by_region,
    "stamped-risk": partial(_named, "fleet_risk", "planned_stamped"),
    "direct-risk": partial(_named, "fleet_risk", "planned_direct"),
    "planned-reserve": partial(_named, "fleet_reserve", "planned"),
    "direct-reserve": partial(_named, "fleet_reserve", "planned_direct", method="simplex"),
    "direct-reserve-ipm": partial(_named, "fleet_reserve", "planned_direct", method="ipm"),
    "pypsa": partial(_named, "peers.pypsa_fleet", "planned"),
    "flexmeasures": partial(_named, "peers.flexmeasures_site", "planned"),
}


# The direct build


class Matrix:
    """A programme gathered in triplets, kWh and cents per kWh."""

    def __init__(self) -> None:
        self.costs: list[Floats] = []
        self.low: list[Floats] = []
        self.high: list[Floats] = []
        self.row_low: list[Floats] = []
        self.row_high: list[Floats] = []
        self.triplets: list[tuple[Ints, Ints, Floats]] = []
        self.columns = self.rows = 0

    def column(self, shape: tuple[int, int], low: Floats, high: Floats, cost: Floats) -> Ints:
        """Columns of a shape; their numbers."""
        for kept, value in ((self.low, low), (self.high, high), (self.costs, cost)):
            kept.append(np.broadcast_to(value, shape).ravel())
        found = self.columns + np.arange(shape[0] * shape[1]).reshape(shape)
        self.columns += found.size
        return found

    def row(self, shape: tuple[int, int], low: Floats, high: Floats) -> Ints:
        """Rows of a shape; their numbers."""
        self.row_low.append(np.broadcast_to(low, shape).ravel())
        self.row_high.append(np.broadcast_to(high, shape).ravel())
        found = self.rows + np.arange(shape[0] * shape[1]).reshape(shape)
        self.rows += found.size
        return found

    def put(self, rows: Ints, columns: Ints, values: Floats) -> None:
        """Entries, broadcast."""
        rows, columns, values = np.broadcast_arrays(rows, columns, values)
        self.triplets.append((rows.ravel(), columns.ravel(), values.ravel()))

    def solved(self, *, method: str = "choose") -> tuple[Floats, float]:
        """Columns' values and cost, by HiGHS with its own choice of method or the one that is named."""
        import highspy
        from scipy.sparse import csr_array  # type: ignore[import-untyped]  # scipy has no stubs

        rows, columns, values = (np.concatenate(x) for x in zip(*self.triplets, strict=True))
        a = csr_array((values, (rows, columns)), shape=(self.rows, self.columns))
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        solver.setOptionValue("solver", method)
        solver.passModel(
            self.columns, self.rows, a.nnz, 2, 1, 0.0, *map(np.concatenate, (self.costs, self.low, self.high)),
            np.concatenate(self.row_low), np.concatenate(self.row_high), a.indptr.astype(np.int32),
            a.indices.astype(np.int32), a.data, np.zeros(self.columns, dtype=np.int32),
        )  # fmt: skip
        solver.run()
        assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal, solver.getModelStatus()
        return np.array(solver.getSolution().col_value), solver.getInfo().objective_function_value


def _highs(arrays: FleetArrays, chosen: Ints, regions: Ints) -> tuple[Flows, float]:
    """HiGHS on some regions and their stations; ties only if all regions are asked for."""
    m, periods = Matrix(), arrays.periods
    n, shape = len(chosen), (len(chosen), periods)

    def of(name: str, share: float = KWH) -> Floats:
        values = getattr(arrays, name)
        if values.ndim == 1:
            return values[chosen, None] / share
        return np.broadcast_to(values, arrays.shape)[chosen] / share

    charge, discharge, net = of("charge_wh"), of("discharge_wh"), of("net_load_wh")
    low, high = arrays.low_wh[chosen] / KWH, arrays.high_wh[chosen] / KWH
    c = m.column(shape, 0.0, charge, 0.0)
    d = m.column(shape, 0.0, discharge, of("wear_price", 1000.0))
    e = m.column(shape, low, high, 0.0)
    curtails = bool((arrays.curtailable_wh > 0).any())
    u = m.column(shape, 0.0, of("curtailable_wh"), 0.0) if curtails else np.zeros((n, 0), dtype=np.int64)
    store_rows(m, arrays, chosen, (c, d, e))
    hull = m.row(shape, -np.inf, charge * discharge / np.maximum(np.maximum(charge, discharge), 1e-9))
    larger = np.maximum(np.maximum(charge, discharge), 1e-9)
    m.put(hull, c, discharge / larger)
    m.put(hull, d, charge / larger)
    right = m.row(shape, -of("pcc_export_wh") - net, of("pcc_import_wh") - net)
    place = np.zeros(arrays.regions, dtype=np.int64)
    place[regions] = np.arange(len(regions))
    base = arrays.base_load_wh[regions] / KWH
    np.add.at(base, place[arrays.region[chosen]], net)
    balance = m.row(base.shape, base, base)
    for row in (right, -1):
        at, sign = (row, 1.0) if isinstance(row, np.ndarray) else (balance[place[arrays.region[chosen]]], -1.0)
        m.put(at, c, sign)
        m.put(at, d, -sign)
        if curtails:
            m.put(at, u, sign)
    for kind, price, sign in (("import", "buy", 1.0), ("export", "sell", -1.0)):
        limit = getattr(arrays, f"{kind}_limit_wh")[regions] / KWH
        m.put(balance, m.column(base.shape, 0.0, limit, sign * getattr(arrays, f"{price}_price")[regions] / 1000), sign)
    ties = _tie_columns(m, arrays, balance) if len(regions) == arrays.regions else None
    values, cost = m.solved()
    flow = [values[at] * KWH for at in (c, d)]
    sent = [values[at] * KWH for at in ties] if ties else [np.zeros((0, periods))] * 2
    curtailed = values[u] * KWH if curtails else np.zeros(shape)
    found = Flows(charge=flow[0], discharge=flow[1], curtailed=curtailed, forward=sent[0], backward=sent[1])
    return found, cost * MICROCENTS_A_CENT


def store_rows(m: Matrix, arrays: FleetArrays, chosen: Ints, columns: tuple[Ints, Ints, Ints]) -> None:
    """Each content from the one before."""
    c, d, e = columns
    keep = arrays.keep_ppm[chosen, None] / MILLION
    before = np.zeros(c.shape)
    before[:, :1] = keep * arrays.start_wh[chosen, None] / KWH
    store = m.row(c.shape, before, before)
    m.put(store, e, 1.0)
    m.put(store, c, -arrays.eta_c_ppm[chosen, None] / MILLION)
    m.put(store, d, MILLION / arrays.eta_d_ppm[chosen, None])
    m.put(store[:, 1:], e[:, :-1], -keep)


def _tie_columns(m: Matrix, arrays: FleetArrays, balance: Ints) -> tuple[Ints, Ints] | None:
    if not arrays.ties:
        return None
    shape, limit = (arrays.ties, arrays.periods), arrays.tie_limit_wh[:, None] / KWH
    forward, backward = m.column(shape, 0.0, limit, 0.0), m.column(shape, 0.0, limit, 0.0)
    passed = 1 - arrays.tie_loss_ppm[:, None] / MILLION
    here, there = balance[arrays.tie_from], balance[arrays.tie_to]
    m.put(here, forward, -1.0)
    m.put(there, forward, passed)
    m.put(there, backward, -1.0)
    m.put(here, backward, passed)
    line = m.row(shape, -np.inf, limit)
    m.put(line, forward, 1.0)
    m.put(line, backward, 1.0)
    return forward, backward


# Checks


def _net(arrays: FleetArrays, flows: Flows) -> Floats:
    """What each region takes from the grid, Wh."""
    net = arrays.base_load_wh.astype(np.float64)
    for r in range(arrays.regions):
        here = np.flatnonzero(arrays.region == r)
        taken = arrays.net_load_wh[here].sum(axis=0, dtype=np.float64)
        net[r] += taken + (flows.charge[here] - flows.discharge[here] + flows.curtailed[here]).sum(axis=0, dtype=float)
    passed = 1 - arrays.tie_loss_ppm[:, None] / MILLION
    np.add.at(net, arrays.tie_from, flows.forward - passed * flows.backward)
    np.add.at(net, arrays.tie_to, flows.backward - passed * flows.forward)
    return net


def _cost(arrays: FleetArrays, flows: Flows) -> float:
    net = _net(arrays, flows)
    trade = float((np.where(net > 0, arrays.buy_price, arrays.sell_price) * net).sum())
    return trade + float(arrays.wear_price @ flows.discharge.sum(axis=1, dtype=np.float64))


def violation_wh(arrays: FleetArrays, flows: Flows) -> float:
    """The largest violation of any limit, Wh."""
    net = _net(arrays, flows)
    worst = max(float((net - arrays.import_limit_wh).max()), float((-net - arrays.export_limit_wh).max()), 0.0)
    low, high, content = arrays.low_wh, arrays.high_wh, arrays.start_wh.astype(np.float64)
    eta_c, eta_d, keep = (getattr(arrays, name) / MILLION for name in ("eta_c_ppm", "eta_d_ppm", "keep_ppm"))
    powers = np.maximum(arrays.charge_wh, 1), np.maximum(arrays.discharge_wh, 1)
    curtailable = np.broadcast_to(arrays.curtailable_wh, arrays.shape)
    for t in range(arrays.periods):
        c, d, u = (x[:, t].astype(np.float64) for x in (flows.charge, flows.discharge, flows.curtailed))
        content = keep * content + eta_c * c - d / eta_d
        taken = arrays.net_load_wh[:, t] + c - d + u
        hull = (c / powers[0] + d / powers[1] - 1) * np.minimum(*powers)
        broken = (
            low[:, t] - content, content - high[:, t], taken - arrays.pcc_import_wh, -arrays.pcc_export_wh - taken,
            -c, -d, -u, u - curtailable[:, t], c - arrays.charge_wh, d - arrays.discharge_wh, hull,
        )  # fmt: skip
        worst = max(worst, *(float(b.max()) for b in broken))
    return worst


if __name__ == "__main__":
    main()
