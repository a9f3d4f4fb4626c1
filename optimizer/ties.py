"""The tie rule (protocol 8.5.3): where the duals of some rows are not unique, those nearest to their centres.

All optimal duals y form a face: they fit the optimal plan x* by complementary slackness. Its point nearest (least
squares over the named rows) to the centres is found by Wolfe's algorithm (Finding the nearest point in a polytope,
Mathematical Programming 11, 1976), which needs only the face's extreme points in given directions. Each of those is a
linear programme over the cone of feasible directions at x*, whose duals are exactly the face:

    max q·y over the face  =  min c·z,  A z ≥, ≤, = q where the row binds,  z ≥ 0, ≤ 0, free, 0 as x* leaves it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from optimizer.linear import INFINITY, Engine, Linear, Optimum, SolverFailed, Tie

AT_BOUND_KWH = 1e-5
NEAR_ENOUGH = 1e-7
"""Squared distance, in cents per kWh, by which the point found may miss the nearest one: a third of a cent per MWh."""
MOST_ROUNDS = 200

Floats = Any
"""A numpy array of floats."""


def nearest_duals(engine: Engine, linear: Linear, optimum: Optimum, ties: Sequence[Tie]) -> tuple[float, ...]:
    """The optimal duals nearest to the centres; `engine` holds the programme and is left with another."""
    rows = np.array([t.row for t in ties])
    centres = np.array([t.centre for t in ties])
    face = _Face(engine, linear, optimum, rows)
    points = np.array([optimum.duals])
    weights = np.array([1.0])
    for _ in range(MOST_ROUNDS):
        here = weights @ points
        gradient = here[rows] - centres
        found = face.extreme(gradient)
        if found is None or gradient @ (here[rows] - found[rows]) <= NEAR_ENOUGH:
            break
        points, weights = _nearer(np.vstack([points, found]), np.append(weights, 0.0), rows, centres)
    return tuple(float(y) for y in weights @ points)


class _Face:
    """The face of optimal duals, asked for its extreme points."""

    def __init__(self, engine: Engine, linear: Linear, optimum: Optimum, rows: Floats) -> None:
        self._engine, self._rows, self._linear = engine, rows, linear
        x = np.array(optimum.columns)
        low, high = np.array(linear.low), np.array(linear.high)
        at_low, at_high = x <= low + AT_BOUND_KWH, x >= high - AT_BOUND_KWH
        engine.change(boxes=(list(np.where(at_low, 0.0, -INFINITY)), list(np.where(at_high, 0.0, INFINITY))))
        activity = np.array([sum(a * x[j] for j, a in linear.row(i)) for i in range(len(linear.rows))])
        self._low = np.where(activity <= np.array(linear.row_low) + AT_BOUND_KWH, 0.0, -INFINITY)
        self._high = np.where(activity >= np.array(linear.row_high) - AT_BOUND_KWH, 0.0, INFINITY)

    def extreme(self, gradient: Floats) -> Floats | None:
        """The duals of the face that are least in a direction; None if the solver finds none."""
        size = float(np.linalg.norm(gradient))
        if size == 0.0:
            return None
        push = np.zeros(len(self._linear.rows))
        push[self._rows] = -gradient / size
        self._engine.change(sides=(list(self._low + push), list(self._high + push)))
        try:
            found = self._engine.run()
        except SolverFailed:
            return None
        return None if found is None else np.array(found.duals)


def _nearer(points: Floats, weights: Floats, rows: Floats, centres: Floats) -> tuple[Floats, Floats]:
    """Wolfe's minor cycle: the nearest point of the hull of some of the points, the needless ones dropped."""
    while True:
        ideal = _affine_weights(points[:, rows] - centres)
        if np.all(ideal > 1e-12):
            return points, ideal
        falling = ideal < weights
        reach = np.min(weights[falling] / (weights[falling] - ideal[falling]), initial=1.0)
        weights = (1 - reach) * weights + reach * ideal
        kept = weights > 1e-12
        if np.all(kept):
            kept[int(np.argmin(weights))] = False
        points, weights = points[kept], weights[kept] / weights[kept].sum()


def _affine_weights(points: Floats) -> Floats:
    """Weights (sum 1) of the point of the affine hull nearest to the origin."""
    n = len(points)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = points @ points.T
    system[n, n] = 0.0
    right = np.zeros(n + 1)
    right[n] = 1.0
    solved: Floats = np.linalg.lstsq(system, right, rcond=None)[0]
    return solved[:n]
