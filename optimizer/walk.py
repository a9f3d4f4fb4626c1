"""One programme for many groups of its players: only bounds change from one to the next, and the basis stays."""

from typing import Any

from optimizer.linear import INFINITY, Engine, SolverFailed, Walk

Floats = Any
"""A numpy array of floats."""


def walked(engine: Engine, walk: Walk) -> list[float | None]:
    """The cost for each group, in cents; None if infeasible. Raises SolverFailed.

    Where the solver is lost on a kept basis it is given the group anew.
    """
    import numpy as np

    linear, costs = walk.linear, []
    low, high, row_low, row_high = (np.array(x) for x in (linear.low, linear.high, linear.row_low, linear.row_high))
    column_of, row_of = np.array(walk.column_of, dtype=int), np.array(walk.row_of, dtype=int)
    parts = np.zeros((len(walk.right), len(linear.rows)))
    for player, of_player in enumerate(walk.right):
        for row, amount in of_player:
            parts[player, row] += amount
    engine.load(linear)
    for group in walk.groups:
        away = np.setdiff1d(np.arange(len(walk.right)), group)
        gone, freed, left = np.isin(column_of, away), np.isin(row_of, away), parts[away].sum(axis=0)
        boxes = _pair(np.where(gone, 0.0, low), np.where(gone, 0.0, high))
        sides = _pair(np.where(freed, -INFINITY, row_low - left), np.where(freed, INFINITY, row_high - left))
        engine.change(boxes=boxes, sides=sides)
        try:
            found = engine.run()
        except SolverFailed:
            engine.load(linear)
            engine.change(boxes=boxes, sides=sides)
            found = engine.run()
        costs.append(None if found is None else found.cost)
    return costs


def _pair(low: Floats, high: Floats) -> tuple[list[float], list[float]]:
    return low.tolist(), high.tolist()
