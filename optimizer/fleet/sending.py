"""A fleet on its way to the solver's process: named arrays there, and dataclasses of arrays and numbers back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from alliance.fleetplan import RISK_NEUTRAL, Direction, Reserve
from optimizer.fleet.arrays import FleetArrays

_APART = ("reserves", "risk", "leases")
"""Reserves have arrays of their own; a fleet with risk or leases is not sent."""
_RESERVE = ("up", "figures", "short_price", "price", "requirement_wh")


def sent(arrays: FleetArrays) -> dict[str, Any]:
    """A fleet without scenarios' risk and leases, as named arrays."""
    return named(arrays, but=_APART) | (_reserves_sent(arrays) if arrays.reserves else {})


def received(request: Mapping[str, Any]) -> FleetArrays:
    """The fleet that `sent` sent."""
    of_fleet = {f.name: value_of(request[f.name]) for f in fields(FleetArrays) if f.name not in _APART}
    return FleetArrays(**of_fleet, reserves=_reserves(request), risk=RISK_NEUTRAL)


def named(values: Any, *, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """A dataclass's fields as arrays, by name."""
    return {f.name: np.asarray(getattr(values, f.name)) for f in fields(values) if f.name not in but}


def value_of(array: Any) -> Any:
    """An array, or the number that it is."""
    return array if array.ndim else array.item()


def _reserves_sent(arrays: FleetArrays) -> dict[str, Any]:
    short = [-1 if q.short_price is None else q.short_price for q in arrays.reserves]
    columns = (
        [q.direction is Direction.UP for q in arrays.reserves],
        [(q.duration_s, q.activation_ppm) for q in arrays.reserves],
        short,
        [q.price for q in arrays.reserves],
        [q.requirement_wh for q in arrays.reserves],
    )
    return {f"reserve {name}": np.array(column) for name, column in zip(_RESERVE, columns, strict=True)}


def _reserves(request: Mapping[str, Any]) -> tuple[Reserve, ...]:
    if "reserve up" not in request:
        return ()
    columns = [request[f"reserve {name}"].tolist() for name in _RESERVE]
    return tuple(
        Reserve(
            direction=Direction.UP if up else Direction.DOWN,
            duration_s=figures[0],
            activation_ppm=figures[1],
            price=tuple(price),
            requirement_wh=tuple(map(tuple, wanted)),
            short_price=None if short < 0 else short,
        )
        for up, figures, short, price, wanted in zip(*columns, strict=True)
    )
