"""A linear programme as a solver takes it, compiled from the Pyomo model, and what comes back (protocol 9.2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alliance.certificate import Name
from alliance.errors import Missing, Refused

INFINITY = float("inf")

COLUMNS = {
    "charge": "c",
    "discharge": "d",
    "content": "e",
    "curtailed": "u",
    "taken": "m",
    "pool_import": "i",
    "pool_export": "x",
    "charging": "z",
}
"""Name of each variable of the model in the certificate's programme."""

ROWS = {
    "store": "store",
    "hull": "hull",
    "import_right": "import",
    "export_right": "export",
    "split": "split",
    "balance": "balance",
    "charge_mode": "charge_mode",
    "discharge_mode": "discharge_mode",
}
"""Name of each constraint of the model in the certificate's programme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """min cost·x, row_low ≤ A x ≤ row_high, low ≤ x ≤ high; A row by row. Energies in kWh, money in cents."""

    columns: tuple[Name, ...]
    rows: tuple[Name, ...]
    costs: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    row_low: tuple[float, ...]
    row_high: tuple[float, ...]
    starts: tuple[int, ...]
    index: tuple[int, ...]
    values: tuple[float, ...]
    binaries: tuple[int, ...]
    """Columns that are 0 or 1."""

    def row(self, i: int) -> list[tuple[int, float]]:
        """(column, coefficient) of the i-th row."""
        span = slice(self.starts[i], self.starts[i + 1])
        return list(zip(self.index[span], self.values[span], strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A row whose dual is chosen nearest to a centre where duals are not unique (protocol 8.5.3)."""

    row: int
    centre: float
    """Cents per kWh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One programme to solve; with `ties`, its duals by the tie rule."""

    linear: Linear
    ties: tuple[Tie, ...] = ()
    gap: float = 1e-6
    """Relative gap at which a programme with binaries counts as solved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A programme to be solved for one group of its players after the other, each from the basis of the one before.

    A player who is not in the group leaves: its columns are 0, its rows hold nothing, its part of the right sides goes.
    """

    linear: Linear
    column_of: tuple[int, ...]
    """Whose each column is; −1: nobody's own."""
    row_of: tuple[int, ...]
    right: tuple[tuple[tuple[int, float], ...], ...]
    """For each player its part of the right sides of nobody's rows: (row, amount)."""
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimum:
    """A solved programme: columns in kWh, a dual a row in cents per unit of the row, cost in cents."""

    columns: tuple[float, ...]
    duals: tuple[float, ...]
    cost: float


Answer = Optimum | None
"""None: it cannot be solved."""


class Engine(Protocol):
    """A solver holding one programme, whose bounds and costs may change between runs."""

    def load(self, linear: Linear, *, gap: float = 1e-6) -> None:
        """Take a programme; with binaries it is solved to a relative gap."""
        ...

    def change(
        self,
        *,
        costs: Sequence[float] | None = None,
        boxes: tuple[Sequence[float], Sequence[float]] | None = None,
        sides: tuple[Sequence[float], Sequence[float]] | None = None,
    ) -> None:
        """Replace costs, column bounds or row bounds."""
        ...

    def run(self) -> Optimum | None:
        """Solve; None if infeasible. Raises SolverFailed."""
        ...


@dataclass(kw_only=True, eq=False)
class SolverMissing(Missing):
    """The solver that the settings name is not installed."""

    backend: str


@dataclass(kw_only=True, eq=False)
class SolverTimedOut(Refused):
    """The solver did not answer within its time limit and was stopped."""

    backend: str
    time_limit_s: float


@dataclass(kw_only=True, eq=False)
class SolverFailed(Refused):
    """The solver ended without an optimum and without showing that there is none."""

    backend: str
    status: str


def compiled(model: Any) -> Linear:
    """Compile a Pyomo model of `optimizer.model`, in Pyomo's own order of declaration."""
    form = _standard(model)
    columns = tuple(_name(COLUMNS, v) for v in form.columns)
    return _linear(form, columns, tuple(_name(ROWS, row.constraint) for row in form.rows))


def placed(model: Any) -> tuple[Linear, dict[tuple[str, Any], int]]:
    """Compile any Pyomo model: its columns bear numbers, and are found by variable's name and index."""
    form = _standard(model)
    columns: tuple[Name, ...] = tuple(("column", 0, 0, j) for j in range(len(form.columns)))
    places = {(v.parent_component().local_name, v.index()): j for j, v in enumerate(form.columns)}
    return _linear(form, columns, tuple(("row", 0, 0, i) for i in range(len(form.rows)))), places


def _standard(model: Any) -> Any:
    from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

    return LinearStandardFormCompiler().write(model, mixed_form=True)


def _linear(form: Any, columns: tuple[Name, ...], rows: tuple[Name, ...]) -> Linear:
    matrix = form.A.tocsr()
    matrix.sort_indices()
    sides = [(row.bound_type, float(right)) for row, right in zip(form.rows, form.rhs, strict=True)]
    boxes = [v.bounds for v in form.columns]
    return Linear(
        columns=columns,
        rows=rows,
        costs=tuple(float(c) for c in form.c.toarray()[0]),
        low=tuple(-INFINITY if low is None else float(low) for low, _ in boxes),
        high=tuple(INFINITY if high is None else float(high) for _, high in boxes),
        row_low=tuple(-INFINITY if side > 0 else right for side, right in sides),
        row_high=tuple(INFINITY if side < 0 else right for side, right in sides),
        starts=tuple(int(i) for i in matrix.indptr),
        index=tuple(int(i) for i in matrix.indices),
        values=tuple(float(a) for a in matrix.data),
        binaries=tuple(j for j, v in enumerate(form.columns) if v.is_binary()),
    )


def _name(kinds: dict[str, str], component: Any) -> Name:
    """The certificate's name of a variable or constraint: kind, place, lease (0 if none), slot."""
    place, *lease, k = component.index()
    return kinds[component.parent_component().local_name], place, lease[0] if lease else 0, k
