"""The stamped programme and the checker's rows are the expanded Pyomo model, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alliance.fleetplan import FleetProblem
from alliance.fleetproof import station_rows
from optimizer.fleet.arrays import FleetArrays, arrays_of
from optimizer.fleet.model import RELAXED, OneWay
from optimizer.fleet.reference import Expanded, expanded
from optimizer.fleet.scaled import scaled
from optimizer.fleet.stamp import REACHED, Stamped, stamped
from optimizer.linear import INFINITY
from tests.optimizer.fleet.instances import instance

Named = dict[Any, tuple[dict[Any, float], float, float]]
"""Row → (its entries by column, lower side, upper side)."""

KIND_OF = {"c": "charge", "d": "discharge", "e": "content", "r": "reserve", "u": "curtailed"}
KIND_OF |= {"lc": "lease_charge", "ld": "lease_discharge", "a": "account"}


def _expanded_rows(found: Expanded) -> Named:
    linear = found.linear
    rows = {}
    for i, place in enumerate(found.rows):
        entries = {found.columns[j]: a for j, a in linear.row(i)}
        rows[place] = entries, linear.row_low[i], linear.row_high[i]
    return rows


def _stamped_columns(found: Stamped) -> list[Any]:
    named: list[Any] = []
    for part, (template, blocks, _) in found.columns.items():
        kind = part.split(" ")[0]
        named += [(kind, int(k), name, index) for k in blocks for name, index in template.columns]
    return named


def _stamped_rows(found: Stamped) -> Named:
    matrix, columns = found.matrix, _stamped_columns(found)
    names: dict[int, Any] = {}
    for part, (template, blocks, numbers) in found.rows.items():
        kind = part.split(" ")[0]
        for k, own in zip(blocks, numbers, strict=True):
            names |= {int(row): (kind, int(k), *template.rows[at]) for at, row in enumerate(own) if row >= 0}
    for kind, (first, shape) in found.shared.items():
        for offset, index in enumerate(np.ndindex(*shape) if np.prod(shape) else ()):
            names[first + offset] = ("", 0, kind, index if len(index) > 1 else index[0])
    rows: Named = {names[i]: ({}, matrix.row_low[i], matrix.row_high[i]) for i in range(len(matrix.row_low))}
    for j, column in enumerate(columns):
        for k in range(matrix.start[j], matrix.start[j + 1]):
            rows[names[int(matrix.index[k])]][0][column] = matrix.values[k]
    return rows


def _programmes(kind: str, seed: int, one_way: OneWay = RELAXED) -> tuple[FleetArrays, Expanded, Stamped]:
    arrays = arrays_of(instance(kind, seed))
    whole = expanded(arrays, one_way=one_way)
    assert whole is not None
    return arrays, whole, stamped(arrays, scaled(arrays), one_way=one_way)


@pytest.mark.parametrize(
    "kind",
    [
        "base",
        "everything",
        "cvar",
        "ties",
        "tight_pcc",
        "reserves",
        "short_reserves",
        "leases",
        "cuts",
        "steps",
        "holding",
    ],
)
@pytest.mark.parametrize("one_way", [RELAXED, OneWay(stations=(0,), ties=()), OneWay(stations=(), ties=(0,))])
def test_stamped_rows_are_the_expanded_model_when_compared_by_name(kind: str, one_way: OneWay) -> None:
    _, whole, found = _programmes(kind, 3, one_way)
    wanted, got = _expanded_rows(whole), _stamped_rows(found)
    missing = [place for place in wanted if place not in got]
    for place in set(wanted) - set(missing):
        _same_row(place, wanted[place], got[place])
    assert all(len(wanted[place][0]) == 1 or place[2] in REACHED for place in missing)
    assert set(got) <= set(wanted) | {place for place in got if not any(got[place][0].values())}
    assert {"store", "hull", "balance"} <= {place[2] for place in set(wanted) - set(missing)}


def _same_row(place: Any, wanted: Any, got: Any) -> None:
    entries = {column: a for column, a in got[0].items() if a != 0}
    assert set(entries) == {column for column, a in wanted[0].items() if a != 0}, place
    for column, a in entries.items():
        assert a == pytest.approx(wanted[0][column], rel=1e-12), (place, column)
    assert got[1:] == pytest.approx(wanted[1:], rel=1e-12, abs=1e-9), place


@pytest.mark.parametrize("kind", ["base", "everything", "cvar", "extremes", "leases", "cuts", "steps", "holding"])
def test_stamped_bounds_are_the_single_rows_of_the_expanded_model(kind: str) -> None:
    _, whole, found = _programmes(kind, 3)
    names = _stamped_columns(found)
    boxes = dict(zip(names, zip(found.matrix.low, found.matrix.high, strict=True), strict=True))
    wanted: dict[Any, tuple[float, float]] = {
        place: (low, high) for place, low, high in zip(whole.columns, whole.linear.low, whole.linear.high, strict=True)
    }
    for i in range(len(whole.rows)):
        if len(whole.linear.row(i)) == 1 and whole.rows[i][2].endswith(
            ("_most", "_least", "import_limit", "export_limit")
        ):
            (j, a) = whole.linear.row(i)[0]
            low, high = wanted[whole.columns[j]]
            sides = whole.linear.row_low[i] / a, whole.linear.row_high[i] / a
            wanted[whole.columns[j]] = max(low, min(sides)), min(high, max(sides))
    for place, box in wanted.items():
        assert boxes[place] == pytest.approx(box, rel=1e-12), place
    costs = dict(zip(names, found.matrix.costs, strict=True))
    for place, cost in zip(whole.columns, whole.linear.costs, strict=True):
        assert costs[place] == pytest.approx(cost, rel=1e-12), place


@pytest.mark.parametrize("kind", ["base", "everything", "reserves", "scenarios", "flexible", "leases", "holding"])
def test_checkers_rows_are_the_compiled_rows_when_restated(kind: str) -> None:
    problem = instance(kind, 3)
    arrays, whole, _ = _programmes(kind, 3)
    rows, unit = _expanded_rows(whole), whole.scaled.unit_wh
    seen = 0
    for i in range(arrays.stations):
        for row in station_rows(problem, i):
            name, first, t = row.name
            if not any(a for _, a in row.terms):
                assert row.right >= 0
                continue
            index: Any = (first, t) if name in ("import_right", "export_right") else t
            if name == "account_store":
                index = (_place_in_station(problem, first), t)
            entries, low, high = rows["station", i, name, index]
            got = {_column(problem, i, column): a / row.scale for column, a in row.terms}
            got = {column: a for column, a in got.items() if a and (column[2] != "curtailed" or column in entries)}
            assert {c: a for c, a in entries.items() if a} == pytest.approx(got, rel=1e-12), row.name
            assert high == pytest.approx(row.right / row.scale / unit, rel=1e-12, abs=1e-12), row.name
            assert low == (high if row.sense == 0 else -INFINITY)
            seen += 1
    assert seen >= 3 * arrays.stations * arrays.periods


def _column(problem: FleetProblem, i: int, column: tuple[str, int, int]) -> Any:
    kind, first, t = column
    if kind in ("lc", "ld", "a"):
        return "station", i, KIND_OF[kind], (_place_in_station(problem, first), t)
    return "station", i, KIND_OF[kind], (first, t) if kind in ("r", "u") else t


def _place_in_station(problem: FleetProblem, k: int) -> int:
    return sum(lease.station == problem.leases[k].station for lease in problem.leases[:k])
