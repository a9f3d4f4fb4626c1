"""The nucleolus of a game: the largest excess as small as it can be, then the next, and so on (Schmeidler 1969).

One linear programme a stage: min ε with x(S) + ε ≥ v(S) for every coalition whose excess may still move, and those
that are settled held at x(S) = v(S) − ε of their stage. Rows are generated: only coalitions that a solution breaks are
added. Rows whose dual is positive are tight in every optimum (complementary slackness), so they are settled; a
coalition that settled ones span cannot move any more. A stage settles a dimension or more: there are n at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from alliance.certificate import MICRO
from alliance.gain import Coalition, Costs, all_coalitions, gain_microcents
from alliance.identity import MemberId
from optimizer.linear import INFINITY, Job, Linear, Optimum, SolverFailed
from optimizer.solver import SolverProcess, SolverSettings

SCALE = 1000.0
"""The largest value is this in the solver's units, whatever the money."""
NEAR = 1e-7
A_ROUND = 30
"""Broken rows that are added at once."""

Floats = Any
"""A numpy array of floats."""


def nucleolus(costs: Costs, members: Coalition, *, settings: SolverSettings | None = None) -> dict[MemberId, Fraction]:
    """Shares of v(N) in microcents; wants the costs of every coalition. Raises the solver's errors."""
    values = {group: gain_microcents(costs, group) / MICRO for group in all_coalitions(members)}
    stages = _Stages(values, members, settings or SolverSettings())
    with SolverProcess() as process:
        while len(stages.settled) < len(members):
            stages.settle(process)
    return {m: Fraction(x) * MICRO for m, x in zip(members, stages.shares, strict=True)}


def least_excess(
    values: Mapping[Coalition, float], members: Coalition, *, settings: SolverSettings | None = None
) -> float:
    """The largest excess of a coalition under the split of v(N) that makes it least; above 0: no split is stable.

    In the unit of the values, which every coalition but the empty one has. Raises the solver's errors.
    """
    stages = _Stages(values, members, settings or SolverSettings())
    with SolverProcess() as process:
        return stages.settle(process) if len(members) > 1 else 0.0


@dataclass(slots=True)
class _Row:
    """A coalition whose excess is settled: x(S) is fixed."""

    members: Floats
    amount: float


@dataclass(slots=True)
class _Stages:
    """What is settled so far, and the solution of the last stage."""

    values: Mapping[Coalition, float]
    members: Coalition
    settings: SolverSettings
    settled: list[_Row] = field(default_factory=list)
    shares: tuple[float, ...] = ()
    _unit: float = 1.0
    _inside: Floats = None
    """Coalitions but N, a row each, 1.0 where a member is in it."""
    _worth: Floats = None

    def __post_init__(self) -> None:
        import numpy as np

        groups = [group for group in self.values if group != self.members]
        self._unit = max(map(abs, self.values.values())) / SCALE or 1.0
        self._inside = np.array([[float(m in group) for m in self.members] for group in groups])
        self._inside = self._inside.reshape(len(groups), len(self.members))
        self._worth = np.array([self.values[group] for group in groups]) / self._unit
        self.settled = [_Row(members=np.ones(len(self.members)), amount=self.values[self.members] / self._unit)]
        if len(self.members) == 1:
            self.shares = (self.values[self.members],)

    def settle(self, process: SolverProcess) -> float:
        """Find the least ε, and hold the coalitions that are tight in every solution; ε in the values' unit."""
        import numpy as np

        moving = np.flatnonzero(self._distance(self._inside) > NEAR)
        chosen = self._first(moving)
        while True:
            x, epsilon, duals = self._solved(process, chosen)
            excess = self._worth - self._inside @ x - epsilon
            broken = [int(i) for i in moving[np.argsort(-excess[moving])][:A_ROUND] if excess[i] > NEAR]
            if not (new := [i for i in broken if i not in set(chosen)]):
                break
            chosen += new
        for at in np.argsort(-duals):
            row = self._inside[chosen[at]]
            if duals[at] > NEAR and self._distance(row[None])[0] > NEAR:
                self.settled.append(_Row(members=row, amount=float(self._worth[chosen[at]] - epsilon)))
        self.shares = tuple(float(share) * self._unit for share in x)
        return float(epsilon) * self._unit

    def _first(self, moving: Floats) -> list[int]:
        """The smallest coalitions that may still move, and the rest of each: together they bound ε."""
        sizes = self._inside[moving].sum(axis=1)
        small = self._inside[moving[sizes == sizes.min()]]
        wanted = {tuple(row) for row in small} | {tuple(1.0 - row) for row in small}
        return [int(i) for i in moving if tuple(self._inside[i]) in wanted]

    def _distance(self, rows: Floats) -> Floats:
        """How far rows lie from what the settled ones span."""
        import numpy as np

        basis, _ = np.linalg.qr(np.array([s.members for s in self.settled]).T)
        return np.linalg.norm(rows - rows @ basis @ basis.T, axis=1)

    def _solved(self, process: SolverProcess, chosen: Sequence[int]) -> tuple[Floats, float, Floats]:
        """Shares, ε and the duals of the chosen rows."""
        import numpy as np

        fixed = [(s.members, 0.0, s.amount, s.amount) for s in self.settled]
        bent = [(self._inside[i], 1.0, float(self._worth[i]), INFINITY) for i in chosen]
        (answer,) = process.solve([Job(linear=_programme([*fixed, *bent], len(self.members)))], settings=self.settings)
        if not isinstance(answer, Optimum):
            raise SolverFailed(backend=self.settings.backend, status="no least excess")
        return np.array(answer.columns[:-1]), answer.columns[-1], np.array(answer.duals[len(fixed) :])


def _programme(rows: Sequence[tuple[Floats, float, float, float]], n: int) -> Linear:
    """min ε over (x, ε), each row Σ x(S) + a·ε within its sides."""
    terms = [[(j, 1.0) for j in range(n) if inside[j]] + ([(n, a)] if a else []) for inside, a, _, _ in rows]
    starts = [0]
    for row in terms:
        starts.append(starts[-1] + len(row))
    return Linear(
        columns=tuple(("x", j, 0, 0) for j in range(n + 1)),
        rows=tuple(("excess", i, 0, 0) for i in range(len(rows))),
        costs=(0.0,) * n + (1.0,),
        low=(-INFINITY,) * (n + 1),
        high=(INFINITY,) * (n + 1),
        row_low=tuple(low for _, _, low, _ in rows),
        row_high=tuple(high for _, _, _, high in rows),
        starts=tuple(starts),
        index=tuple(j for row in terms for j, _ in row),
        values=tuple(a for row in terms for _, a in row),
        binaries=(),
    )
