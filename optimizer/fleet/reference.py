"""The reference: the fleet's model expanded whole in Pyomo, for small fleets, with HiGHS or GLPK by setting.

It shares with the fast paths the equations of `model` and nothing of their stamping or prices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from optimizer.fleet.arrays import FleetArrays, leases_of, step_counts, steps_of
from optimizer.fleet.model import RELAXED, OneWay, whole
from optimizer.fleet.scaled import Floats, Scaled, scaled
from optimizer.linear import INFINITY, Job, Linear, Optimum
from optimizer.solver import SolverProcess, SolverSettings

Place = tuple[str, int, str, Any]
"""Kind of block (empty for shared rows), its number, the component's name, its index."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expanded:
    """The whole programme, and what each column and row is."""

    linear: Linear
    columns: tuple[Place, ...]
    rows: tuple[Place, ...]
    scaled: Scaled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """A solved reference: cost in cents, values and duals by place."""

    cost_cents: float
    values: dict[Place, float]
    duals: dict[Place, float]
    scaled: Scaled


def reference(
    arrays: FleetArrays, *, process: SolverProcess, settings: SolverSettings, one_way: OneWay = RELAXED
) -> Reference | None:
    """Solve a fleet whole; None if infeasible. Raises SolverMissing, SolverTimedOut or SolverFailed."""
    found = expanded(arrays, one_way=one_way)
    answer = process.solve([Job(linear=found.linear)], settings=settings)[0]
    if not isinstance(answer, Optimum):
        return None
    return Reference(
        cost_cents=answer.cost * found.scaled.unit_cents,
        values=dict(zip(found.columns, answer.columns, strict=True)),
        duals=dict(zip(found.rows, answer.duals, strict=True)),
        scaled=found.scaled,
    )


def expanded(arrays: FleetArrays, *, one_way: OneWay = RELAXED) -> Expanded:
    """The whole programme."""
    data = scaled(arrays)
    ends = zip(arrays.tie_from.tolist(), arrays.tie_to.tolist(), strict=True)
    model = whole(
        [
            (r, _station(data, i, theirs, steps))
            for i, (r, theirs, steps) in enumerate(
                zip(arrays.region.tolist(), leases_of(arrays), steps_of(arrays), strict=True)
            )
        ],
        [_of(data.region | _weights(data), r) for r in range(arrays.regions)],
        [
            (a, z, _tie(data, k, int(count)))
            for k, ((a, z), count) in enumerate(zip(ends, step_counts(arrays), strict=True))
        ],
        risk=SimpleNamespace(kappa=data.kappa, tail_weight=data.tail_weight.tolist()),
        requirement=data.requirement,
        shape=data.shape,
        one_way=one_way,
    )
    return _compiled(model, data)


def _of(data: Mapping[str, Floats], number: int) -> Any:
    """The data of one block: plain numbers, series and cases' series by index."""
    return SimpleNamespace(**{name: _numbers(values[..., number % values.shape[-1]]) for name, values in data.items()})


def _station(data: Scaled, i: int, theirs: Sequence[int], steps: int) -> Any:
    """A station's data, its leases' by their number in it."""
    found = _of(data.station | _prices(data), i)
    found.leases, found.steps = len(theirs), steps
    for name, values in data.lease.items():
        setattr(found, name, _numbers(np.moveaxis(values[..., list(theirs)], -1, 0)))
    return found


def _tie(data: Scaled, k: int, steps: int) -> Any:
    """A tie's data, with the number of its steps."""
    found = _of(data.tie, k)
    found.steps = steps
    return found


def _numbers(values: Floats) -> Any:
    if values.ndim == 0:
        return float(values)
    if values.ndim == 1:
        return dict(enumerate(values.tolist()))
    return {index: float(value) for index, value in np.ndenumerate(values)}


def _prices(data: Scaled) -> dict[str, Floats]:
    """The reserves' prices, the same for all stations."""
    return {"reserve_price": data.reserve_price[:, :, None]}


def _weights(data: Scaled) -> dict[str, Floats]:
    return {"weight": data.weight[:, None]}


def _compiled(model: Any, data: Scaled) -> Expanded:
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    matrix = form.A.tocsr()
    matrix.sort_indices()
    sides = [(row.bound_type, float(right)) for row, right in zip(form.rows, form.rhs, strict=True)]
    columns = tuple(_place(v) for v in form.columns)
    rows = tuple(_place(row.constraint) for row in form.rows)
    linear = Linear(
        columns=tuple(("column", 0, 0, j) for j in range(len(columns))),
        rows=tuple(("row", 0, 0, i) for i in range(len(rows))),
        costs=tuple(float(c) for c in form.c.toarray()[0]),
        low=tuple(-INFINITY if v.lb is None else float(v.lb) for v in form.columns),
        high=tuple(INFINITY if v.ub is None else float(v.ub) for v in form.columns),
        row_low=tuple(-INFINITY if side > 0 else right for side, right in sides),
        row_high=tuple(INFINITY if side < 0 else right for side, right in sides),
        starts=tuple(matrix.indptr.tolist()),
        index=tuple(matrix.indices.tolist()),
        values=tuple(matrix.data.tolist()),
        binaries=tuple(j for j, v in enumerate(form.columns) if v.is_binary()),
    )
    return Expanded(linear=linear, columns=columns, rows=rows, scaled=data)


def _place(component: Any) -> Place:
    """Block, component and index of a variable or constraint."""
    parent = component.parent_component()
    block = component.parent_block()
    if block.parent_block() is None:
        return "", 0, parent.local_name, component.index()
    return block.parent_component().local_name, int(block.index()), parent.local_name, component.index()
