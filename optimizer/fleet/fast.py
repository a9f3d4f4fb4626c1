"""The fast path: prices take the fleet apart, in the solver's process; what they do not settle the stamped model does.

Each part whose regions are tied is planned by prices within a budget of processor time. A part that has not met its gap
by then, or has what the kernel does not know, is solved by HiGHS on its stamped programme; the answers are joined.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from alliance.fleetplan import RISK_NEUTRAL
from optimizer.fleet.arrays import FleetArrays
from optimizer.fleet.kernel import COMPILED, Floats
from optimizer.fleet.model import RELAXED, OneWay
from optimizer.fleet.prices import Priced, by_prices, can_price, part_of
from optimizer.fleet.relaxed import Prices, Relaxed, relaxed_stamped
from optimizer.solver import SolverProcess, SolverSettings

GAP = 1e-5
"""Proved relative gap at which prices are good enough."""
_UNSENT = ("reserves", "risk")


def relaxed_fast(
    arrays: FleetArrays,
    *,
    process: SolverProcess,
    settings: SolverSettings,
    one_way: OneWay = RELAXED,
    seconds: float | None = None,
) -> Relaxed | None:
    """Solve by prices where that is possible; None if infeasible. Raises what `relaxed_stamped` raises.

    `seconds` is the processor time that prices may take for a part, by default about what HiGHS would take.
    """
    if not COMPILED or one_way != RELAXED or not can_price(arrays) or not arrays.stations:
        return relaxed_stamped(arrays, process=process, settings=settings, one_way=one_way)
    asked = _sent(arrays) | {"gap": np.array(GAP), "seconds": np.array(np.nan if seconds is None else seconds)}
    parts = _parts(process.by_prices(asked, settings=settings))
    if parts is None:
        return None
    joined = _Joined(arrays)
    for part in parts:
        if part.met:
            joined.take(part)
            continue
        alone = relaxed_stamped(part_of(arrays, part), process=process, settings=settings)
        if alone is None:
            return None
        joined.take_stamped(part, alone)
    return joined.relaxed()


def answered(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the solver's process does with a request: the parts as named arrays, `parts` −1 if there is no plan."""
    sent = {f.name: request[f.name] for f in fields(FleetArrays) if f.name not in _UNSENT}
    whole = {name: int(sent.pop(name)) for name in ("periods", "period_s")}
    arrays = FleetArrays(**whole, **sent, reserves=(), risk=RISK_NEUTRAL)
    reply: dict[str, Any] = {}
    count = 0
    seconds = float(request["seconds"])
    for part in by_prices(arrays, gap=float(request["gap"]), seconds=None if np.isnan(seconds) else seconds):
        if part is None:
            return {"parts": np.array(-1)}
        reply |= {f"{f.name} {count}": np.asarray(getattr(part, f.name)) for f in fields(Priced)}
        count += 1
    return reply | {"parts": np.array(count)}


def _sent(arrays: FleetArrays) -> dict[str, Any]:
    return {f.name: np.asarray(getattr(arrays, f.name)) for f in fields(FleetArrays) if f.name not in _UNSENT}


def _parts(reply: Mapping[str, Any]) -> list[Priced] | None:
    count = int(reply["parts"])
    if count < 0:
        return None
    return [Priced(**{f.name: _value(reply[f"{f.name} {k}"]) for f in fields(Priced)}) for k in range(count)]


def _value(array: Any) -> Any:
    return array if array.ndim else array.item()


class _Joined:
    """A fleet's relaxation, put together from its parts'."""

    def __init__(self, arrays: FleetArrays) -> None:
        self._cents, self._optimal = 0.0, True
        station, regions, ties = arrays.shape, (arrays.regions, arrays.periods), (arrays.ties, arrays.periods)
        self._charge, self._discharge, self._curtailed = (np.zeros(station) for _ in range(3))
        self._rows = {kind: np.zeros(station) for kind in ("store", "import_right", "export_right")}
        self._balance = np.zeros(regions)
        self._forward, self._backward = np.zeros(ties), np.zeros(ties)

    def take(self, part: Priced) -> None:
        """A part that prices settled."""
        rows = {
            "store": -part.content,
            "import_right": -np.maximum(part.right, 0.0),
            "export_right": -np.maximum(-part.right, 0.0),
        }
        flows = part.charge, part.discharge, part.curtailed
        self._put(part, part.cost / 1e6, flows, (part.forward, part.backward), part.prices, rows)

    def take_stamped(self, part: Priced, alone: Relaxed) -> None:
        """A part that the stamped programme settled."""
        self._optimal = self._optimal and alone.optimal
        flows = alone.charge, alone.discharge, alone.curtailed[0]
        ties, prices = (alone.forward[0], alone.backward[0]), alone.prices
        self._put(part, alone.cost_cents, flows, ties, prices.balance[0], prices.rows)

    def relaxed(self) -> Relaxed:
        """The whole."""
        return Relaxed(
            cost_cents=self._cents,
            optimal=self._optimal,
            charge=self._charge,
            discharge=self._discharge,
            reserve=np.zeros((0, *self._charge.shape)),
            curtailed=self._curtailed[None],
            forward=self._forward[None],
            backward=self._backward[None],
            prices=Prices(
                case_weights=np.ones(1),
                balance=self._balance[None],
                held=np.zeros((0, *self._balance.shape)),
                rows=self._rows,
            ),
        )

    def _put(
        self,
        part: Priced,
        cents: float,
        flows: tuple[Floats, Floats, Floats],
        ties: tuple[Floats, Floats],
        prices: Floats,
        rows: Mapping[str, Floats],
    ) -> None:
        self._cents += cents
        self._charge[part.stations], self._discharge[part.stations], self._curtailed[part.stations] = flows
        self._forward[part.ties], self._backward[part.ties] = ties
        self._balance[part.regions] = prices
        for kind, values in self._rows.items():
            values[part.stations] = rows[kind]
