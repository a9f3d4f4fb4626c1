"""The kernel's cost is the optimum of the station's linear programme, its flows are a plan, its worths a proof."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

from optimizer.fleet.kernel import Stations, cheapest_days, figures_of, group_answers, held_costs, worths

RELATIVE = 1e-9
COUNT = 300


def _station(seed: int) -> tuple[Stations, np.ndarray, np.ndarray]:
    """A random station with its prices: tight rights, negative prices, curtailment, losses and none, floors, steps."""
    rng = np.random.default_rng(seed)
    periods = int(rng.integers(1, 25))
    charge, discharge = (float(rng.choice([0, 100 * rng.random(), 50], p=[0.1, 0.45, 0.45])) for _ in range(2))
    keep = float(rng.choice([1, 0.999, 0.95]))
    most = rng.random() * 400
    start = rng.uniform(0, most)
    wear = float(rng.choice([0, 5, 50]))
    rights = [float(rng.choice([1e6, 120, 60])) for _ in range(2)]
    net = np.clip(rng.normal(0, 60, periods) + rng.choice([-50, 0, 50]), -rights[1], rights[0])
    low = np.where(rng.random(periods) < 0.3, start * keep**periods * rng.random(periods), 0.0)
    curtailable = np.maximum(0, rng.normal(0, 60, periods)) * rng.choice([0, 1])
    buy = rng.normal(50, 60, periods)
    sell = buy - rng.choice([0, rng.random() * 40])
    if rng.random() < 0.3:
        buy, sell = np.round(buy, -1), np.round(sell, -1)
    given = [charge, discharge, rng.choice([1, 0.95, 0.8]), rng.choice([1, 0.9, 0.97]), keep, start, wear, *rights]
    return (
        Stations(
            figures=figures_of(np.array([given])),
            low=low[None],
            high=np.full((1, periods), most),
            net_load=net[None],
            curtailable=curtailable[None],
            holding=_steps(seed, most)[None],
        ),
        buy,
        np.minimum(buy, sell),
    )


def _steps(seed: int, most: float) -> np.ndarray:
    """None to four steps, some at the window's ends, some below or above alone, some dearer than any price."""
    rng = np.random.default_rng([seed, 1])
    count = int(rng.choice([0, 1, 2, 4]))
    content = np.sort(rng.choice([0.0, most, most / 2, *(rng.random(5) * most)], count, replace=False))
    prices = rng.choice([0.0, 1.0, 5.0, 20.0, 300.0], (count, 2)) * rng.random((count, 1)).round(1)
    return np.column_stack([content, prices])


def _highs(stations: Stations, buy: np.ndarray, sell: np.ndarray) -> float:
    """The same day as a linear programme, columns c, d, u, e, import, export a period, then below, above a step."""
    import highspy

    charge, discharge, eta_c, eta_d, keep, start, wear, most_import, most_export = stations.figures[0, :9]
    periods = len(buy)
    costs, low, high = (np.zeros(6 * periods) for _ in range(3))
    rows, row_low, row_high = [], [], []
    for t in range(periods):
        c, d, u, e, i, x = range(6 * t, 6 * t + 6)
        high[[c, d, u, e, i, x]] = [
            charge, discharge, stations.curtailable[0, t], stations.high[0, t], most_import, most_export,
        ]  # fmt: skip
        low[e] = stations.low[0, t]
        costs[[d, i, x]] = wear, buy[t], -sell[t]
        rows.append({e: 1.0, c: -eta_c, d: 1 / eta_d} | ({e - 6: -keep} if t else {}))
        rows.append({c: discharge, d: charge})
        rows.append({c: 1.0, d: -1.0, u: 1.0, i: -1.0, x: 1.0})
        before = 0.0 if t else keep * start
        row_low += [before, -np.inf, -stations.net_load[0, t]]
        row_high += [before, charge * discharge, -stations.net_load[0, t]]
    for content, below, above in stations.holding[0]:
        for t in range(periods):
            first = len(costs)
            costs, low, high = (np.append(x, more) for x, more in ((costs, (below, above)), (low, (0, 0)),
                                                                  (high, (np.inf, np.inf))))  # fmt: skip
            rows.append({6 * t + 3: 1.0, first: 1.0, first + 1: -1.0})
            row_low.append(content)
            row_high.append(content)
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("primal_feasibility_tolerance", 1e-10)):
        solver.setOptionValue(option, value)
    solver.setOptionValue("dual_feasibility_tolerance", 1e-10)
    starts = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    index = np.array([j for row in rows for j in row], dtype=np.int32)
    values = np.array([a for row in rows for a in row.values()])
    solver.passModel(
        len(costs), len(rows), len(index), 2, 1, 0.0, costs, low, high, np.array(row_low), np.array(row_high), starts,
        index, values, np.zeros(len(costs), dtype=np.int32),
    )  # fmt: skip
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return np.inf
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(solver.getInfo().objective_function_value)


def _turnover(stations: Stations, buy: np.ndarray) -> float:
    power = stations.figures[0, 0] + stations.figures[0, 1]
    return max(1.0, float((np.abs(buy) * (np.abs(stations.net_load[0]) + power)).sum()))


def test_cost_equals_the_linear_programmes_when_stations_are_random():
    possible = 0
    for seed in range(COUNT):
        stations, buy, sell = _station(seed)
        found, expected = cheapest_days(stations, buy=buy, sell=sell).cost[0], _highs(stations, buy, sell)
        if np.isinf(expected):
            assert np.isinf(found), seed
            continue
        possible += 1
        assert abs(found - expected) <= RELATIVE * _turnover(stations, buy), seed
    assert possible > COUNT // 2


def test_flows_keep_every_limit_and_cost_what_is_claimed_when_stations_are_random():
    for seed in range(COUNT):
        stations, buy, sell = _station(seed)
        days = cheapest_days(stations, buy=buy, sell=sell)
        if np.isinf(days.cost[0]):
            continue
        charge, discharge, eta_c, eta_d, keep, content, wear, most_import, most_export = stations.figures[0, :9]
        c, d, u = days.charge[0], days.discharge[0], days.curtailed[0]
        taken = stations.net_load[0] + c - d + u
        noise = 1e-9 * (stations.high.max() + charge + discharge + np.abs(stations.net_load).max())
        assert min(c.min(), d.min(), u.min()) >= -noise
        assert (c * discharge + d * charge <= charge * discharge + noise * max(charge, discharge)).all()
        assert (c <= charge + noise).all()
        assert (d <= discharge + noise).all()
        assert (u <= stations.curtailable[0] + noise).all()
        assert (taken <= most_import + noise).all()
        assert (-taken <= most_export + noise).all()
        for t in range(len(buy)):
            content = keep * content + eta_c * c[t] - d[t] / eta_d
            assert stations.low[0, t] - noise <= content <= stations.high[0, t] + noise, (seed, t)
        cost = np.where(taken > 0, buy, sell) @ taken + wear * d.sum() + held_costs(stations, days)[0]
        assert abs(cost - days.cost[0]) <= RELATIVE * _turnover(stations, buy), seed


def test_worths_prove_the_least_cost_when_prices_are_one():
    for seed in range(COUNT):
        stations, prices, _ = _station(seed)
        cost = cheapest_days(stations, buy=prices, sell=prices).cost[0]
        if np.isfinite(cost):
            assert abs(_proved(stations, prices) - cost) <= RELATIVE * _turnover(stations, prices), seed


def _proved(stations: Stations, prices: np.ndarray) -> float:
    """The bound that a station's duals prove, by weak duality alone."""
    charge, discharge, eta_c, eta_d, keep, start, wear, most_import, most_export = stations.figures[0, :9]
    found = worths(stations, prices=prices)
    content, right = found.content[0], found.right[0]
    total = -content[0] * keep * start
    for t, node in enumerate(prices + right):
        rest = content[t] - (keep * content[t + 1] if t + 1 < len(prices) else 0.0)
        ends = [stations.low[0, t], stations.high[0, t]]
        kinks = [e for e in stations.holding[0, :, 0] if ends[0] < e < ends[1]]
        total += min(rest * e + _held(stations, e) for e in ends + kinks)
        battery = min(0, (node - content[t] * eta_c) * charge, (wear + content[t] / eta_d - node) * discharge)
        total += node * stations.net_load[0, t] + min(0, node) * stations.curtailable[0, t] + battery
        total -= max(right[t], 0) * most_import + max(-right[t], 0) * most_export
    return float(total)


def _held(stations: Stations, content: float) -> float:
    return sum(b * max(0, e - content) + a * max(0, content - e) for e, b, a in stations.holding[0])


def test_cost_equals_the_best_of_all_plans_when_flows_are_few_and_whole():
    rng = np.random.default_rng(7)
    for _ in range(40):
        periods, most = int(rng.integers(1, 5)), int(rng.integers(1, 5))
        charge, discharge, start, wear = (int(x) for x in (*rng.integers(0, 4, 2), rng.integers(0, most + 1), 3))
        net, curtailable = rng.integers(-3, 4, periods), rng.integers(0, 2, periods)
        buy = rng.integers(-5, 20, periods)
        sell = buy - rng.integers(0, 5)
        rights = 4, 4
        holding = np.array([[1, rng.integers(0, 6), 0], [2, rng.integers(0, 3), rng.integers(0, 6)]], dtype=float)
        figures = figures_of(np.array([[charge, discharge, 1, 1, 1, start, wear, *rights]], dtype=float))
        stations = Stations(
            figures=figures,
            low=np.zeros((1, periods)),
            high=np.full((1, periods), float(most)),
            net_load=net[None].astype(float),
            curtailable=curtailable[None].astype(float),
            holding=holding[None],
        )
        best = np.inf
        ways = [[(f, u) for f in range(-charge, discharge + 1) for u in range(int(w) + 1)] for w in curtailable]
        for plan in itertools.product(*ways):
            content = start - np.cumsum([f for f, _ in plan])
            taken = net - [f for f, _ in plan] + [u for _, u in plan]
            if content.min() >= 0 and content.max() <= most and np.abs(taken).max() <= rights[0]:
                cost = np.where(taken > 0, buy, sell) @ taken + wear * sum(max(0, f) for f, _ in plan)
                cost += sum(_held(stations, e) for e in content)
                best = min(best, float(cost))
        found = cheapest_days(stations, buy=buy.astype(float), sell=sell.astype(float)).cost[0]
        assert found == pytest.approx(best, abs=1e-9)


def test_group_answers_are_the_sums_of_the_days_when_stations_share_a_group():
    stations, prices, _ = _station(3)
    twice = Stations(**{name: np.repeat(getattr(stations, name), 2, axis=0) for name in Stations.__dataclass_fields__})
    days = cheapest_days(stations, buy=prices, sell=prices)
    cost, wear, taken = group_answers(twice, prices=prices, group=np.zeros(2, dtype=np.int64), groups=1)
    assert np.isfinite(days.cost[0])
    assert cost[0] == pytest.approx(2 * days.cost[0])
    held = held_costs(stations, days)[0]
    assert held > 0
    assert wear[0] == pytest.approx(2 * (stations.figures[0, 6] * days.discharge.sum() + held))
    assert taken[0] == pytest.approx(2 * (stations.net_load + days.charge - days.discharge + days.curtailed)[0])


def test_plain_python_gives_the_same_costs_when_numba_is_missing():
    seeds = range(25)
    script = (
        "import sys, json; sys.modules['numba'] = None\n"
        "from optimizer.fleet import kernel\n"
        "assert not kernel.COMPILED\n"
        "exec(open(sys.argv[1]).read())\n"
        f"cases = [_station(seed) for seed in {list(seeds)}]\n"
        "print(json.dumps([float(kernel.cheapest_days(s, buy=b, sell=x).cost[0]) for s, b, x in cases]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, __file__], capture_output=True, text=True, check=True)
    cases = [_station(seed) for seed in seeds]
    ours = [float(cheapest_days(stations, buy=buy, sell=sell).cost[0]) for stations, buy, sell in cases]
    assert json.loads(done.stdout) == pytest.approx(ours, rel=1e-12)
