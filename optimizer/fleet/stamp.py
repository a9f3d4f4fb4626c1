"""Stamping: each block of `model` is compiled once, its data left as variables, and filled in for n blocks with numpy.

There is no second hand-written model, so nothing to keep in step. A row of one column with coefficient ±1 becomes a
bound; a row that a block shares with others (`balance`, `held`, `tail`) is addressed by the caller; a row of the PCC
that no flow inside the bounds can reach is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.repn.plugins.parameterized_standard_form import ParameterizedLinearStandardFormCompiler

from optimizer.fleet.arrays import FleetArrays, Ints, leases_of, step_counts, steps_of
from optimizer.fleet.model import RELAXED, OneWay, Shape, region_block, risk_block, station_block, tie_block
from optimizer.fleet.scaled import Floats, Scaled
from optimizer.linear import INFINITY

LEASE_FIGURES = ("lease_energy", "lease_start", "lease_hull_charge", "lease_hull_discharge", "lease_hull_most")
STEP_FIGURES = ("step_content", "below_price", "above_price")
LEASE_SERIES = ("account_low", "lease_charge_low", "lease_charge_high", "lease_discharge_low", "lease_discharge_high")
REACHED = ("import_right", "export_right")
"""Rows that are left out where nothing can reach them."""


_NUMBERS = (int, float, np.number)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """A compiled block: its columns and rows by name and index; coefficients are numbers or expressions of its data."""

    columns: tuple[tuple[str, Any], ...]
    rows: tuple[tuple[str, Any], ...]
    """Own rows of more than one column, then shared ones."""
    own: int
    """Number of own rows."""
    start: Ints
    """Column by column, as `index` and `values`."""
    index: Ints
    values: tuple[Any, ...]
    costs: tuple[Any, ...]
    floors: tuple[float, ...]
    """Bounds by domain."""
    tops: tuple[float, ...]
    binaries: tuple[int, ...]
    """Columns that are 0 or 1."""
    sense: tuple[int, ...]
    """Of each row: 0 =, 1 ≤, −1 ≥."""
    right: tuple[Any, ...]
    bounds: tuple[tuple[int, int, Any], ...]
    """(column, 1 upper or −1 lower, side)."""
    symbols: dict[int, tuple[str, Any]]
    """id of a variable that stands for data → (field, index)."""
    model: Any
    """Keeps the variables alive."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """A programme as the solver takes it, column by column."""

    costs: Floats
    low: Floats
    high: Floats
    row_low: Floats
    row_high: Floats
    start: Ints
    index: Ints
    values: Floats
    binaries: Ints
    """Numbers of the columns that are 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stamped:
    """The programme of a whole fleet, and where its blocks and rows lie in it."""

    matrix: Matrix
    scaled: Scaled
    columns: dict[str, tuple[Template, Ints, int]]
    """Kind of block → (template, numbers of its blocks, first column)."""
    rows: dict[str, tuple[Template, Ints, Ints]]
    """Kind of block → (template, numbers of its blocks, blocks × own rows: the row's number, −1 if left out)."""
    shared: dict[str, tuple[int, tuple[int, ...]]]
    """Kind of shared row → (first row, shape)."""

    def column_values(self, kind: str, name: str, values: Floats) -> Floats:
        """A variable's values: blocks × its entries in order of declaration."""
        found = []
        for part in _parts(kind, self.columns):
            template, blocks, first = self.columns[part]
            at = [j for j, (column, _) in enumerate(template.columns) if column == name]
            size = len(blocks) * len(template.columns)
            found.append((blocks, values[first : first + size].reshape(len(blocks), len(template.columns))[:, at]))
        return _merged(found)

    def row_values(self, kind: str, name: str, values: Floats) -> Floats:
        """A constraint's values (duals): blocks × its entries in order of declaration; 0 where left out."""
        found = []
        for part in _parts(kind, self.rows):
            template, blocks, numbers = self.rows[part]
            chosen = numbers[:, [i for i, (row, _) in enumerate(template.rows[: template.own]) if row == name]]
            found.append((blocks, np.where(chosen >= 0, values[chosen], 0.0)))
        return _merged(found)

    def by_lease(self, entries: Floats, theirs: Sequence[Sequence[int]], count: int) -> Floats:
        """Stations × their leases' entries (of `column_values`, `row_values`) as leases × T."""
        periods = self.scaled.shape.periods
        found = np.zeros((count, periods))
        for row, numbers in zip(entries, theirs, strict=True):
            if numbers:
                found[list(numbers)] = row[: len(numbers) * periods].reshape(len(numbers), periods)
        return found

    def shared_values(self, kind: str, values: Floats) -> Floats:
        """A shared row's values, in its shape; zeros if there is none."""
        first, shape = self.shared[kind]
        return values[first : first + int(np.prod(shape))].reshape(shape)


def stamped(arrays: FleetArrays, data: Scaled, *, one_way: OneWay = RELAXED) -> Stamped:
    """The programme of a fleet."""
    ids, total = _shared_ids(data.shape, arrays.regions)
    parts = []
    theirs, steps = leases_of(arrays), steps_of(arrays)
    for count, held in sorted({(0, 0), *zip(map(len, theirs), steps, strict=True)}):
        alike = [i for i, x in enumerate(theirs) if len(x) == count and steps[i] == held]
        for modes, chosen in _split(np.array(alike, dtype=np.int64), one_way.stations):
            template = station_template(data.shape, leases=count, steps=held, one_way=modes)
            given = _chosen(data.station, chosen) | _prices(data, len(chosen))
            given |= _leases(data, [theirs[i] for i in chosen], count)
            address = _addresses(ids, arrays.region[chosen])
            kind = _kind("station", modes=modes, leases=count, steps=held)
            parts.append(_filled(template, given, address, kind=kind, blocks=chosen))
    template, regions = region_template(data.shape), np.arange(arrays.regions)
    given = data.region | _weights(data)
    parts.append(_filled(template, given, _addresses(ids, regions), kind="region", blocks=regions))
    counts = step_counts(arrays)
    for count in sorted({0, *counts.tolist()}):
        for modes, chosen in _split(np.flatnonzero(counts == count), one_way.ties):
            template = tie_template(data.shape, steps=count, one_way=modes)
            given = {name: values[:count] if values.ndim > 1 else values for name, values in data.tie.items()}
            address = _tie_addresses(ids, arrays.tie_from[chosen], arrays.tie_to[chosen])
            kind = _kind("tie", modes=modes, steps=count)
            parts.append(_filled(template, _chosen(given, chosen), address, kind=kind, blocks=chosen))
    if data.shape.averse:
        only = np.zeros(1, dtype=np.int64)
        template, given = risk_template(data.shape), _risk_data(data)
        parts.append(_filled(template, given, _addresses(ids, only), kind="risk", blocks=only))
    return _joined(parts, data, ids, _shared_sides(data, ids, total))


def _split(blocks: Ints, one_way: tuple[int, ...]) -> list[tuple[bool, Ints]]:
    """Blocks without and, where there are any, with binaries."""
    chosen = np.intersect1d(blocks, np.array(one_way, dtype=np.int64))
    found = [(False, np.setdiff1d(blocks, chosen))]
    return [*found, (True, chosen)] if len(chosen) else found


def _kind(block: str, *, modes: bool, leases: int = 0, steps: int = 0) -> str:
    kind = block + (" one way" if modes else "") + (f" with {leases} leases" if leases else "")
    return kind + (f" in {steps} steps" if steps else "")


def _leases(data: Scaled, theirs: Sequence[Sequence[int]], count: int) -> dict[str, Floats]:
    """Leases' data by their number in their station: L × n, or L × T × n."""
    at = np.array(theirs, dtype=np.int64).reshape(len(theirs), count).T
    return {name: np.moveaxis(values[..., at], -2, 0) for name, values in data.lease.items()}


def _chosen(data: Mapping[str, Floats], blocks: Ints) -> dict[str, Floats]:
    return {name: values[..., blocks] for name, values in data.items()}


def _shared_ids(shape: Shape, regions: int) -> tuple[dict[str, Ints], int]:
    """Numbers of the shared rows, by kind, in their shapes; and how many there are."""
    w, q, periods = shape.cases, len(shape.reserves), shape.periods
    sizes = {"balance": (w, regions, periods), "held": (q, regions, periods), "tail": (w if shape.averse else 0,)}
    ids, total = {}, 0
    for name, size in sizes.items():
        ids[name] = total + np.arange(int(np.prod(size))).reshape(size)
        total += int(np.prod(size))
    return ids, total


def _parts(kind: str, known: Mapping[str, Any]) -> list[str]:
    return [part for part in known if part == kind or part.startswith(f"{kind} ")]


def _merged(parts: list[tuple[Ints, Floats]]) -> Floats:
    """Blocks × entries in the blocks' own order; zeros where a part has none."""
    width = max(values.shape[1] for _, values in parts)
    found = np.zeros((sum(len(blocks) for blocks, _ in parts), width))
    for blocks, values in parts:
        found[blocks, : values.shape[1]] = values
    return found


# Templates


@lru_cache(maxsize=16)
def station_template(shape: Shape, *, leases: int = 0, steps: int = 0, one_way: bool) -> Template:
    """The station block, compiled for stations with so many leases and holding steps."""
    figures = ("charge", "discharge", "hull_charge", "hull_discharge", "hull_most", "eta_c", "eta_d", "keep", "start",
               "start_spare", "start_room", "wear", "own_charge", "own_discharge")  # fmt: skip
    fields: dict[str, tuple[str, ...]] = dict.fromkeys(figures, ())
    fields |= dict.fromkeys(("low", "high", "own_high", "curtailable"), ("T",))
    fields |= dict.fromkeys(LEASE_FIGURES, ("L",)) | dict.fromkeys(LEASE_SERIES, ("L", "T"))
    fields |= dict.fromkeys(("net_load", "import_room", "export_room"), ("W", "T"))
    fields["reserve_price"] = ("Q", "T")
    fields |= dict.fromkeys(STEP_FIGURES, ("K",))
    block = partial(station_block, leases=leases, steps=steps, one_way=one_way)
    return _compiled(block, shape, fields, {"balance": "balance", "held": "held"}, leases=leases, steps=steps)


@lru_cache(maxsize=16)
def region_template(shape: Shape) -> Template:
    """The region block, compiled."""
    fields: dict[str, tuple[str, ...]] = dict.fromkeys(("buy", "sell", "import_limit", "export_limit"), ("T",))
    fields |= dict.fromkeys(("base_load", *(("cut_most", "cut_price") if shape.cuts else ())), ("T",))
    shares = {"balance": "balance", "held": "held"} | ({"tail": "tail"} if shape.averse else {})
    fields |= {"weight": ("W",), "short_most": ("Q", "T"), "short_price": ("Q",)}
    return _compiled(region_block, shape, fields, shares)


@lru_cache(maxsize=16)
def tie_template(shape: Shape, *, steps: int, one_way: bool) -> Template:
    """The tie block, compiled for ties with so many steps."""
    block = partial(tie_block, steps=steps, one_way=one_way)
    fields: dict[str, tuple[str, ...]] = {"limit": (), "passed": ()}
    fields |= dict.fromkeys(("step_most", "step_passed") if steps else (), ("K",))
    return _compiled(block, shape, fields, {"left": "left", "reached": "reached"}, steps=steps)


@lru_cache(maxsize=16)
def risk_template(shape: Shape) -> Template:
    """The risk block, compiled."""
    return _compiled(risk_block, shape, {"kappa": (), "tail_weight": ("W",)}, {"tail": "tail"})


def _compiled(
    block: Callable[..., None], shape: Shape, fields: Mapping[str, tuple[str, ...]], shares: Mapping[str, str],
    *, leases: int = 0, steps: int = 0,
) -> Template:  # fmt: skip
    m = pyo.ConcreteModel()
    sets = {"T": range(shape.periods), "W": range(shape.cases), "Q": range(len(shape.reserves)), "L": range(leases)}
    sets["K"] = range(steps)
    m.given = pyo.Block()
    for name, over in fields.items():
        m.given.add_component(name, pyo.Var(*(list(sets[s]) for s in over)))
    block(m, SimpleNamespace(**{name: m.given.component(name) for name in fields}), shape)
    for name, expression in shares.items():
        share = m.component(expression)
        m.add_component(f"shared_{name}", pyo.Constraint(list(share), rule=_share_rule(share)))
    cost = m.component("cost")
    m.objective = pyo.Objective(expr=0.0 if cost is None else cost)
    given = list(m.given.component_objects(pyo.Var))
    form = ParameterizedLinearStandardFormCompiler().write(m, wrt=given, mixed_form=True)
    symbols = {id(v): (c.local_name, v.index()) for c in given for v in c.values()}
    return _template(form, symbols, m)


def _share_rule(share: Any) -> Callable[..., Any]:
    return lambda _, *index: share[index if len(index) > 1 else index[0]] == 0


def _template(form: Any, symbols: dict[int, tuple[str, Any]], model: Any) -> Template:
    """Singleton rows made bounds, own rows first."""
    names = [(row.constraint.parent_component().local_name, row.constraint.index()) for row in form.rows]
    rows_of = np.array(form.A.indices)
    columns_of = np.repeat(np.arange(len(form.columns)), np.diff(form.A.indptr))
    counts = np.bincount(rows_of, minlength=len(names))
    single = {int(r): (int(j), v) for r, j, v in zip(rows_of, columns_of, form.A.data, strict=True) if counts[r] == 1}
    bounding = {r: (j, v) for r, (j, v) in single.items() if isinstance(v, _NUMBERS) and abs(v) == 1}
    bounding = {r: at for r, at in bounding.items() if not names[r][0].startswith("shared_")}
    kept = [r for r in range(len(names)) if r not in bounding]
    kept.sort(key=lambda r: names[r][0].startswith("shared_"))
    number = {r: k for k, r in enumerate(kept)}
    inside = np.array([int(r) in number for r in rows_of], dtype=bool)
    costs: list[Any] = [0.0] * len(form.columns)
    for j in range(len(form.columns)):
        for k in range(form.c.indptr[j], form.c.indptr[j + 1]):
            costs[j] = form.c.data[k]
    return Template(
        columns=tuple((v.parent_component().local_name, v.index()) for v in form.columns),
        rows=tuple((names[r][0].removeprefix("shared_"), names[r][1]) for r in kept),
        own=sum(not names[r][0].startswith("shared_") for r in kept),
        start=np.concatenate([[0], np.cumsum(np.bincount(columns_of[inside], minlength=len(form.columns)))]),
        index=np.array([number[int(r)] for r in rows_of[inside]], dtype=np.int64),
        values=tuple(form.A.data[inside]),
        costs=tuple(costs),
        floors=tuple(-INFINITY if v.lb is None else float(v.lb) for v in form.columns),
        tops=tuple(INFINITY if v.ub is None else float(v.ub) for v in form.columns),
        binaries=tuple(j for j, v in enumerate(form.columns) if v.is_binary()),
        sense=tuple(form.rows[r].bound_type for r in kept),
        right=tuple(form.rhs[r] for r in kept),
        bounds=tuple((j, form.rows[r].bound_type * int(v), _signed(form.rhs[r], v)) for r, (j, v) in bounding.items()),
        symbols=symbols,
        model=model,
    )


def _signed(side: Any, coefficient: Any) -> Any:
    return side if coefficient > 0 else -side


# Filling in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Filled:
    """n blocks of a template with their data: blocks × template's columns, rows or entries."""

    kind: str
    blocks: Ints
    """Their numbers in the problem."""
    template: Template
    costs: Floats
    low: Floats
    high: Floats
    values: Floats
    row_low: Floats
    row_high: Floats
    kept: Ints
    """Blocks × own rows."""
    shared: Ints
    """Blocks × shared rows: the shared row's number."""
    right: Floats
    """Blocks × shared rows: what goes to the shared row's right side."""


def _filled(
    template: Template, data: Mapping[str, Floats], address: Callable[[Template], Ints], *, kind: str, blocks: Ints
) -> _Filled:
    n = len(blocks)
    worth = _Worth(template.symbols, data, n)
    low = np.tile(np.array(template.floors), (n, 1))
    high = np.tile(np.array(template.tops), (n, 1))
    for j, way, side in template.bounds:
        if way > 0:
            high[:, j] = np.minimum(high[:, j], worth(side))
        else:
            low[:, j] = np.maximum(low[:, j], worth(side))
    right, sense = worth.all(template.right), np.array(template.sense)
    own = template.own
    row_low = np.where(sense[:own] > 0, -INFINITY, right[:, :own])
    row_high = np.where(sense[:own] < 0, INFINITY, right[:, :own])
    values = worth.all(template.values)
    return _Filled(
        kind=kind,
        blocks=blocks,
        template=template,
        costs=worth.all(template.costs),
        low=low,
        high=high,
        values=values,
        row_low=row_low,
        row_high=row_high,
        kept=_reachable(template, values, low, high, row_high),
        shared=address(template),
        right=right[:, own:],
    )


def _reachable(template: Template, values: Floats, low: Floats, high: Floats, row_high: Floats) -> Ints:
    """Which own rows some point of the box breaks; asked for the PCC's rows only."""
    kept = np.ones(row_high.shape, dtype=bool)
    asked = [i for i, (name, _) in enumerate(template.rows[: template.own]) if name in REACHED]
    if not asked:
        return kept
    column_of = np.repeat(np.arange(len(template.columns)), np.diff(template.start))
    order = np.argsort(template.index, kind="stable")
    bounds = np.searchsorted(template.index[order], np.arange(len(template.rows) + 1))
    for i in asked:
        entries = order[bounds[i] : bounds[i + 1]]
        a, j = values[:, entries], column_of[entries]
        kept[:, i] = np.maximum(a * low[:, j], a * high[:, j]).sum(axis=1) > row_high[:, i]
    return kept


class _Worth:
    """What expressions of data are worth for every block."""

    def __init__(self, symbols: Mapping[int, tuple[str, Any]], data: Mapping[str, Floats], n: int) -> None:
        self._symbols, self._data, self._n = symbols, data, n

    def all(self, expressions: Sequence[Any]) -> Floats:
        """Blocks × expressions."""
        found = np.empty((len(expressions), self._n))
        for k, expression in enumerate(expressions):
            found[k] = expression if isinstance(expression, _NUMBERS) else self(expression)
        return found.T

    def __call__(self, expression: Any) -> Any:
        """One expression, for every block; a number is the same for all."""
        if isinstance(expression, _NUMBERS):
            return expression
        if id(expression) in self._symbols:
            name, index = self._symbols[id(expression)]
            values = self._data[name]
            return values if index is None else values[index]
        if not expression.is_potentially_variable() or not expression.is_expression_type():
            return pyo.value(expression)
        return expression._apply_operation([self(argument) for argument in expression.args])


# Joining


def _joined(parts: Sequence[_Filled], data: Scaled, ids: Mapping[str, Ints], sides: tuple[Floats, Floats]) -> Stamped:
    own = sum(int(part.kept.sum()) for part in parts)
    columns, rows, entries, binaries = {}, {}, [], []
    first_column = first_row = 0
    for part in parts:
        numbers = np.where(part.kept, first_row + np.cumsum(part.kept).reshape(part.kept.shape) - 1, -1)
        for side in sides:
            np.add.at(side, part.shared, part.right)
        entries.append(_entries(part, np.hstack([numbers, own + part.shared])))
        width, n = len(part.template.columns), len(part.blocks)
        firsts = first_column + width * np.arange(n)
        binaries.append((firsts[:, None] + np.array(part.template.binaries, dtype=np.int64)).ravel())
        columns[part.kind] = part.template, part.blocks, first_column
        rows[part.kind] = part.template, part.blocks, numbers
        first_column += n * width
        first_row += int(part.kept.sum())
    return Stamped(
        matrix=_matrix(parts, entries, sides, np.concatenate(binaries)),
        scaled=data,
        columns=columns,
        rows=rows,
        shared={name: (own + int(at.ravel()[0]) if at.size else 0, at.shape) for name, at in ids.items()},
    )


def _matrix(
    parts: Sequence[_Filled], entries: Sequence[tuple[Ints, Ints, Floats]], sides: tuple[Floats, Floats], binaries: Ints
) -> Matrix:
    lengths, index, values = (np.concatenate(column) for column in zip(*entries, strict=True))
    return Matrix(
        costs=np.concatenate([p.costs.ravel() for p in parts]),
        low=np.concatenate([p.low.ravel() for p in parts]),
        high=np.concatenate([p.high.ravel() for p in parts]),
        row_low=np.concatenate([*(p.row_low[p.kept] for p in parts), sides[0]]),
        row_high=np.concatenate([*(p.row_high[p.kept] for p in parts), sides[1]]),
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
        index=index.astype(np.int32),
        values=values,
        binaries=binaries,
    )


def _entries(part: _Filled, numbers: Ints) -> tuple[Ints, Ints, Floats]:
    """Entries a column, their rows and values, those of rows left out dropped."""
    template = part.template
    index = numbers[:, template.index]
    per_column = np.diff(template.start)
    if part.kept.all():
        return np.tile(per_column, len(part.blocks)), index.ravel(), part.values.ravel()
    inside = index >= 0
    column_of = np.repeat(np.arange(len(per_column)), per_column)
    flat = (column_of[None] + len(per_column) * np.arange(len(part.blocks))[:, None])[inside]
    return np.bincount(flat, minlength=len(part.blocks) * len(per_column)), index[inside], part.values[inside]


def _addresses(ids: Mapping[str, Ints], regions_of: Ints) -> Callable[[Template], Ints]:
    """Where the shared rows of blocks in regions are."""

    def address(template: Template) -> Ints:
        found = np.empty((len(regions_of), len(template.rows) - template.own), dtype=np.int64)
        for k, (name, index) in enumerate(template.rows[template.own :]):
            if name == "tail":
                found[:, k] = ids["tail"][index]
            else:
                first, t = index
                found[:, k] = ids[name][first, regions_of, t]
        return found

    return address


def _regions(ids: Mapping[str, Ints], arrays: FleetArrays) -> Callable[[Template], Ints]:
    return _addresses(ids, np.arange(arrays.regions))


def _tie_addresses(ids: Mapping[str, Ints], left: Ints, reached: Ints) -> Callable[[Template], Ints]:
    def address(template: Template) -> Ints:
        found = np.empty((len(left), len(template.rows) - template.own), dtype=np.int64)
        for k, (name, (w, t)) in enumerate(template.rows[template.own :]):
            found[:, k] = ids["balance"][w, left if name == "left" else reached, t]
        return found

    return address


def _shared_sides(data: Scaled, ids: Mapping[str, Ints], total: int) -> tuple[Floats, Floats]:
    """Right sides before the blocks' constants: 0 = balance, held ≥ requirement, tail ≥ 0."""
    low, high = np.zeros(total), np.zeros(total)
    low[ids["held"].ravel()] = data.requirement.ravel()
    high[ids["held"].ravel()] = INFINITY
    high[ids["tail"].ravel()] = INFINITY
    return low, high


def _prices(data: Scaled, n: int) -> dict[str, Floats]:
    return {"reserve_price": np.repeat(data.reserve_price[:, :, None], n, axis=2)}


def _weights(data: Scaled) -> dict[str, Floats]:
    return {"weight": np.repeat(data.weight[:, None], data.region["buy"].shape[-1], axis=1)}


def _risk_data(data: Scaled) -> dict[str, Floats]:
    return {"kappa": np.array([data.kappa]), "tail_weight": data.tail_weight[:, None]}
