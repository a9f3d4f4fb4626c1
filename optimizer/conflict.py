"""Why a programme cannot be solved: limits that contradict each other, none needless, and the cheapest way out.

Each limit that users know gets a slack with a price of 1 a kWh. The least slack is the cheapest relaxation; the limits
with a dual there form a conflict (Farkas); those without which it persists are dropped one by one (deletion filter).
"""

from collections.abc import Sequence
from dataclasses import replace

from optimizer.linear import INFINITY, Conflict, Engine, Limit, Linear

LEAST_KWH = 1e-5


def explained(engine: Engine, linear: Linear, limits: Sequence[Limit]) -> Conflict | None:
    """The conflict among the limits of an infeasible programme; None if its other rows contradict each other alone."""
    elastic, rows = _elastic(linear, limits)
    first = len(linear.columns)
    engine.load(elastic)
    found = engine.run()
    if found is None:
        return None
    slack = found.columns[first:]
    kept = [n for n, row in enumerate(rows) if abs(found.duals[row]) > 1e-7]
    for n in list(kept):
        fewer = [k for k in kept if k != n]
        engine.change(costs=[0.0] * first + [float(k in fewer) for k in range(len(limits))])
        again = engine.run()
        if again is not None and again.cost > LEAST_KWH:
            kept = fewer
    return Conflict(
        limits=tuple(limits[n] for n in kept),
        relaxed=tuple((limits[n], by) for n, by in enumerate(slack) if by > LEAST_KWH),
    )


def _elastic(linear: Linear, limits: Sequence[Limit]) -> tuple[Linear, list[int]]:
    """The programme with a slack in each limit, and the row in which each limit stands now."""
    low, high = list(linear.low), list(linear.high)
    starts, index, values = [0], [], []
    slack_of = {limit.number: n for n, limit in enumerate(limits) if limit.kind == "row"}
    first = len(linear.columns)
    for i in range(len(linear.rows)):
        terms = linear.row(i)
        if i in slack_of:
            terms.append((first + slack_of[i], -1.0 if linear.row_high[i] < INFINITY else 1.0))
        index += [j for j, _ in terms]
        values += [a for _, a in terms]
        starts.append(len(index))
    row_low, row_high, where = list(linear.row_low), list(linear.row_high), []
    for n, limit in enumerate(limits):
        if limit.kind == "row":
            where.append(limit.number)
            continue
        where.append(len(row_low))
        j, lower = limit.number, limit.kind == "low"
        row_low.append(low[j] if lower else -INFINITY)
        row_high.append(INFINITY if lower else high[j])
        (low if lower else high)[j] = -INFINITY if lower else INFINITY
        index += [j, first + n]
        values += [1.0, 1.0 if lower else -1.0]
        starts.append(len(index))
    added = len(row_low) - len(linear.rows)
    return replace(
        linear,
        columns=linear.columns + (("slack", 0, 0, 0),) * len(limits),
        rows=linear.rows + (("limit", 0, 0, 0),) * added,
        costs=(0.0,) * first + (1.0,) * len(limits),
        low=(*low, *((0.0,) * len(limits))),
        high=(*high, *((INFINITY,) * len(limits))),
        row_low=tuple(row_low),
        row_high=tuple(row_high),
        starts=tuple(starts),
        index=tuple(index),
        values=tuple(values),
    ), where
