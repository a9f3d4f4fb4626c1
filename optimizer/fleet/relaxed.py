"""A fleet's linear relaxation solved: flows in Wh and prices in cents per MWh, whichever path solved it (9.7).

Two paths are here: the stamped programme (HiGHS), and the reference, expanded in Pyomo (HiGHS or GLPK). Where a
solution charges and discharges at once, taking min(c, d/η) out of both keeps the content and lowers the import; only
where that would cost is a station (or tie) `concerned`, and gets binaries.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alliance.fleetplan import MILLION, Direction
from optimizer.fleet.arrays import FleetArrays, leased_of, leases_of
from optimizer.fleet.model import RELAXED, OneWay, Shape
from optimizer.fleet.reference import Place, reference
from optimizer.fleet.rounding import Draft
from optimizer.fleet.scaled import Floats, Scaled, scaled
from optimizer.fleet.stamp import Stamped, stamped
from optimizer.solver import ArrayProgramme, SolverProcess, SolverSettings

BOTH_WAYS_WH = 0.5
"""Less than this both ways at once is the solver's noise and is taken out for nothing."""

OWN_ROWS = ("store", "import_right", "export_right")
LEASED_ROWS = ("own_discharge", "own_charge", "own_least", "own_most")
"""Of stations with leases, behind their accounts' rows."""
UP_ROWS = ("reserve_up", "bear_up", "bear_up_before")
DOWN_ROWS = ("reserve_down", "bear_down", "bear_down_before")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Duals as floats, cents per MWh of their rows. Any numbers prove a bound; the optimal ones the best."""

    case_weights: Floats
    """W; together 1."""
    balance: Floats
    """W × R × T."""
    held: Floats
    """Q × R × T."""
    rows: dict[str, Floats]
    """Kind of a station's rows (`row_kinds`) → n × its entries, by case and period; `account_store`: leases × T."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxed:
    """A solved relaxation; with binaries its prices mean nothing."""

    cost_cents: float
    optimal: bool
    charge: Floats
    """n × T, Wh."""
    discharge: Floats
    reserve: Floats
    """Q × n × T."""
    curtailed: Floats
    """W × n × T."""
    forward: Floats
    """W × L × T."""
    backward: Floats
    prices: Prices
    lease_charge: Floats
    """L × T."""
    lease_discharge: Floats
    skipped: Floats
    """W × L × T: of a tie with steps, what is sent above one though there is room below, Wh."""


def relaxed_stamped(
    arrays: FleetArrays, *, process: SolverProcess, settings: SolverSettings, one_way: OneWay = RELAXED
) -> Relaxed | None:
    """Solve the stamped programme; None if infeasible. Raises SolverMissing, SolverTimedOut or SolverFailed."""
    data = scaled(arrays)
    found = stamped(arrays, data, one_way=one_way)
    matrix = found.matrix
    named = {name: getattr(matrix, name) for name in ArrayProgramme.__dataclass_fields__}
    answer = process.solve_arrays(ArrayProgramme(**named), settings=settings)
    if answer is None:
        return None
    values = answer.columns if len(answer.columns) else np.zeros(len(matrix.costs))
    duals = answer.duals if len(answer.duals) else np.zeros(len(matrix.row_low))
    return read_stamped(found, arrays, values, duals, cost=answer.cost, optimal=answer.optimal)


def read_stamped(
    found: Stamped, arrays: FleetArrays, values: Floats, duals: Floats, *, cost: float, optimal: bool
) -> Relaxed:
    """The solution of a stamped programme: values of its columns and duals of its rows, which may have more behind."""
    theirs, count = leases_of(arrays), len(arrays.leases)

    def lease(name: str) -> Floats:
        if name == "account_store":
            return found.by_lease(found.row_values("station", name, duals), theirs, count)
        return found.by_lease(found.column_values("station", name, values), theirs, count)

    return _read(
        found.scaled,
        lease=lease if count else None,
        column=lambda kind, name: found.column_values(kind, name, values),
        row=lambda kind, name: found.row_values(kind, name, duals),
        shared=lambda kind: found.shared_values(kind, duals),
        cost=cost,
        optimal=optimal,
    )


def relaxed_reference(
    arrays: FleetArrays, *, process: SolverProcess, settings: SolverSettings, one_way: OneWay = RELAXED
) -> Relaxed | None:
    """Solve the expanded reference; None if infeasible. Raises SolverMissing, SolverTimedOut or SolverFailed."""
    found = reference(arrays, process=process, settings=settings, one_way=one_way)
    if found is None:
        return None
    sizes, theirs = {"station": arrays.stations, "tie": arrays.ties}, leases_of(arrays)

    def lease(name: str) -> Floats:
        values = found.duals if name == "account_store" else found.values
        places = [(lease.station, theirs[lease.station].index(k)) for k, lease in enumerate(arrays.leases)]
        periods = range(arrays.periods)
        return np.array([[values.get(("station", i, name, (j, t)), 0.0) for t in periods] for i, j in places])

    return _read(
        found.scaled,
        lease=lease if arrays.leases else None,
        column=lambda kind, name: _listed(found.values, kind, name, sizes[kind], found.scaled),
        row=lambda kind, name: _listed(found.duals, kind, name, sizes[kind], found.scaled),
        shared=lambda kind: _shared(found.duals, kind, arrays.regions, found.scaled.shape),
        cost=found.cost_cents / found.scaled.unit_cents,
        optimal=True,
    )


def standing_still(arrays: FleetArrays) -> Relaxed:
    """No flow but what is nominated, at the prices of what the regions then lack: the answer if time is over."""
    cases, q = len(arrays.case_ppm), len(arrays.reserves)
    still = np.zeros((cases, *arrays.shape))
    ties = np.zeros((cases, arrays.ties, arrays.periods))
    load = np.zeros((cases, arrays.regions, arrays.periods)) + arrays.base_load_wh
    for into, loads in zip(load, arrays.case_net_load_wh, strict=True):
        np.add.at(into, arrays.region, loads)
    orders = np.array([x.nomination_wh or (0,) * arrays.periods for x in arrays.leases], dtype=float)
    orders = orders.reshape(len(arrays.leases), arrays.periods)
    flow = np.zeros(arrays.shape)
    np.add.at(flow, [x.station for x in arrays.leases], orders)
    weights = arrays.case_ppm / MILLION
    prices = weights[:, None, None] * np.where(load > 0, arrays.buy_price, arrays.sell_price)
    return Relaxed(
        cost_cents=float("nan"),
        optimal=False,
        charge=np.maximum(-flow, 0.0),
        discharge=np.maximum(flow, 0.0),
        reserve=np.zeros((q, *arrays.shape)),
        curtailed=still,
        forward=ties,
        backward=ties,
        prices=Prices(case_weights=weights, balance=prices, held=np.zeros((q, *load.shape[1:])), rows={}),
        lease_charge=np.maximum(-orders, 0.0),
        lease_discharge=np.maximum(orders, 0.0),
        skipped=ties,
    )


def row_kinds(shape: Shape) -> tuple[str, ...]:
    """The kinds of a station's rows, in the certificate's order (`alliance.fleetproof.station_rows`)."""
    up = UP_ROWS if shape.of(Direction.UP) else ()
    return OWN_ROWS + up + (DOWN_ROWS if shape.of(Direction.DOWN) else ())


def draft_of(found: Relaxed, arrays: FleetArrays) -> Draft:
    """What a rounding aims at: both ways at once taken out, the content left as it is."""
    eta = (arrays.eta_c_ppm * arrays.eta_d_ppm / 1e12)[:, None]
    both = np.minimum(found.charge, found.discharge / eta)
    return Draft(
        battery=(found.discharge - eta * both) - (found.charge - both),
        reserve=found.reserve,
        curtailed=found.curtailed,
        tie=_one_way_ties(found, arrays),
        lease=_lease_orders(found, arrays),
    )


def _lease_orders(found: Relaxed, arrays: FleetArrays) -> Floats:
    """What each lessee orders, both ways at once taken out; its account is left as it is."""
    at = np.array([x.station for x in arrays.leases], dtype=np.int64)
    eta = (arrays.eta_c_ppm * arrays.eta_d_ppm / 1e12)[at, None]
    both = np.minimum(found.lease_charge, found.lease_discharge / eta)
    orders: Floats = (found.lease_discharge - eta * both) - (found.lease_charge - both)
    return orders


def concerned(found: Relaxed, arrays: FleetArrays, prices: Prices) -> OneWay:
    """Stations and ties that go both ways at once where taking it out would cost (negative prices) or break a limit.

    So do ties that send above a step what they could send below it.
    """
    eta = (arrays.eta_c_ppm * arrays.eta_d_ppm / 1e12)[:, None]
    both = np.minimum(found.charge, found.discharge / eta) > BOTH_WAYS_WH
    price = prices.balance.sum(axis=0)[arrays.region]
    dearer = price * (1 - eta) + arrays.wear_price[:, None] * eta < 0
    draft = draft_of(found, arrays)
    twice = np.maximum(np.minimum(found.forward, found.backward), found.skipped).max(axis=0, initial=0.0)
    costly = both & (dearer | _oversent(draft, arrays)) if both.any() else both
    stations = costly.any(axis=1) | _overcharged(draft, arrays)
    return OneWay(stations=_numbers(stations), ties=_numbers((twice > BOTH_WAYS_WH).any(axis=1)))


def _oversent(draft: Draft, arrays: FleetArrays) -> Any:
    """Where a draft gives, with what may be called of its reserves, more than power or PCC let out (n × T)."""
    up = np.zeros(arrays.shape)
    for product, held in zip(arrays.reserves, draft.reserve, strict=True):
        if product.direction is Direction.UP:
            up += held
    own = _own_flow(draft, arrays) + up - (arrays.discharge_wh - leased_of(arrays, "discharge_wh"))[:, None]
    sent = (draft.battery + up - arrays.case_net_load_wh - draft.curtailed).max(axis=0)
    return (own > BOTH_WAYS_WH) | (sent > arrays.pcc_export_wh[:, None] + BOTH_WAYS_WH)


def _overcharged(draft: Draft, arrays: FleetArrays) -> Any:
    """Stations where taking out what lessees do both ways at once leaves the owner more to charge than it may."""
    if not arrays.leases:
        return np.zeros(arrays.stations, dtype=bool)
    least = leased_of(arrays, "charge_wh") - arrays.charge_wh
    return (_own_flow(draft, arrays) < least[:, None] - BOTH_WAYS_WH).any(axis=1)


def _own_flow(draft: Draft, arrays: FleetArrays) -> Any:
    """The battery's flow less the lessees', n × T."""
    own = draft.battery.copy()
    np.subtract.at(own, [x.station for x in arrays.leases], draft.lease)
    return own


def _numbers(chosen: Any) -> tuple[int, ...]:
    return tuple(np.flatnonzero(chosen).tolist())


def _one_way_ties(found: Relaxed, arrays: FleetArrays) -> Floats:
    """What is sent the stronger way, so that as much reaches the other end as on balance did."""
    passed = np.maximum(1 - arrays.tie_loss_ppm / MILLION, 1e-9)[:, None]
    forward, backward = found.forward, found.backward
    there, back = np.maximum(forward - backward / passed, 0.0), np.maximum(backward - forward / passed, 0.0)
    return np.where(forward >= backward, there, -back)


# Reading


def _read(data: Scaled, *, column: Any, row: Any, shared: Any, lease: Any, cost: float, optimal: bool) -> Relaxed:
    """`lease` reads a lease's columns or rows by name, leases × T; None if there are no leases."""
    shape, wh, price = data.shape, data.unit_wh, data.unit_price
    n, ties = len(data.station["charge"]), len(data.tie["limit"])
    cases, q, periods = shape.cases, len(shape.reserves), shape.periods

    def series(kind: str, name: str, first: int) -> Floats:
        blocks = n if kind == "station" else ties
        values = column(kind, name)
        if values.shape[1] == 0:
            return np.zeros((first, blocks, periods))
        return values.reshape(blocks, first, periods).transpose(1, 0, 2) * wh

    def sent(way: str) -> tuple[Floats, Floats]:
        """All that ties send one way, and what they skip."""
        most = data.tie.get("step_most", np.zeros((0, ties)))
        above = column("tie", f"{way}_step").reshape(ties, len(most), cases, periods).transpose(1, 2, 0, 3) * wh
        parts = np.concatenate([series("tie", way, cases)[None], above])
        room = most[:, None, :, None] * wh - parts[:-1]
        return parts.sum(axis=0), np.minimum(parts[1:], room).max(axis=0, initial=0.0)

    (forward, over), (backward, back) = sent("forward"), sent("backward")
    rows = {kind: row("station", kind) * price for kind in row_kinds(shape)}
    if lease is not None:
        rows |= {kind: row("station", kind) * price for kind in LEASED_ROWS}
        rows["account_store"] = lease("account_store") * price
    nothing = np.zeros((0, periods))
    return Relaxed(
        cost_cents=cost * data.unit_cents,
        optimal=optimal,
        charge=series("station", "charge", 1)[0],
        discharge=series("station", "discharge", 1)[0],
        reserve=series("station", "reserve", q),
        curtailed=series("station", "curtailed", cases),
        forward=forward,
        backward=backward,
        prices=Prices(
            case_weights=_weights(data, shared("tail")),
            balance=shared("balance") * price,
            held=shared("held") * price,
            rows=rows,
        ),
        lease_charge=nothing if lease is None else lease("lease_charge") * wh,
        lease_discharge=nothing if lease is None else lease("lease_discharge") * wh,
        skipped=np.maximum(over, back),
    )


def _weights(data: Scaled, tail: Floats) -> Floats:
    return data.weight + np.maximum(tail, 0.0) if data.shape.averse else data.weight


def _listed(values: dict[Place, float], kind: str, name: str, blocks: int, data: Scaled) -> Floats:
    """A variable's or constraint's values in all blocks, by its own order; 0 where it is left out."""
    index = _indices(name, data)
    found = [[values.get((kind, k, name, at), 0.0) for at in index] for k in range(blocks)]
    return np.array(found).reshape(blocks, len(index))


def _indices(name: str, data: Scaled) -> list[Any]:
    shape, periods = data.shape, range(data.shape.periods)
    if name in ("forward_step", "backward_step"):
        steps = range(len(data.tie.get("step_most", ())))
        return [(k, w, t) for k in steps for w in range(shape.cases) for t in periods]
    if name in ("curtailed", "forward", "backward", "import_right", "export_right"):
        return [(w, t) for w in range(shape.cases) for t in periods]
    return [(q, t) for q in range(len(shape.reserves)) for t in periods] if name == "reserve" else list(periods)


def _shared(values: dict[Place, float], kind: str, regions: int, shape: Shape) -> Floats:
    if kind == "tail":
        return np.array([values.get(("", 0, "tail", w), 0.0) for w in range(shape.cases)])
    first = shape.cases if kind == "balance" else len(shape.reserves)
    every = [("", 0, kind, index) for index in np.ndindex(first, regions, shape.periods)]
    return np.array([values.get(at, 0.0) for at in every]).reshape(first, regions, shape.periods)
