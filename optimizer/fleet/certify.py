"""Makes a fleet's certificates; `alliance.fleetproof` checks them and knows nothing of this package (protocol 9.7).

Duals are rounded to a stated denominator. Whole prices are whole there too, so that a price that rests at a region's
buy or sell price still does, and its exchange's wide box costs the bound nothing.
"""

from typing import Any

import numpy as np

from alliance.fleetplan import MILLION, FleetPlan, FleetProblem
from alliance.fleetproof import (
    FleetCertificate,
    FleetDuals,
    digest,
    gap_ppm,
    in_runs,
    lower_bound_microcents,
    objective_microcents,
)
from optimizer.fleet.arrays import FleetArrays, Ints, leases_of
from optimizer.fleet.model import Shape
from optimizer.fleet.relaxed import LEASED_ROWS, OWN_ROWS, Prices, row_kinds
from optimizer.fleet.scaled import Floats

DENOMINATOR = 10_000
"""Of duals without scenarios: ten thousandths of a cent per MWh."""
CASES_DENOMINATOR = 10**9
"""With scenarios it is that of the cases' weights as well."""
AT_PRICE = 1e-6
"""A price so near to a region's buy or sell price (share of it) rests there."""


def certificate_of(problem: FleetProblem, plan: FleetPlan, duals: FleetDuals) -> FleetCertificate:
    """The certificate of a whole plan. Raises LimitBroken where the plan breaks a limit."""
    objective = objective_microcents(plan, problem)
    bound = lower_bound_microcents(problem, duals)
    return FleetCertificate(
        problem=problem,
        problem_digest=digest(problem),
        plan=plan,
        duals=duals,
        objective_microcents=objective,
        lower_bound_microcents=bound,
        gap_ppm=gap_ppm(objective, bound),
    )


def fleet_duals(arrays: FleetArrays, shape: Shape, prices: Prices) -> FleetDuals:
    """Prices of any path, rounded to whole numbers."""
    denominator = CASES_DENOMINATOR if len(arrays.scenario_ppm) else DENOMINATOR
    weights = _case_weights(arrays, prices.case_weights, denominator)
    kinds = row_kinds(shape)
    rows = np.hstack([_row_prices(arrays, shape, prices, kind) for kind in kinds])
    runs = [tuple(in_runs(row)) for row in _whole(rows * denominator).tolist()]
    if arrays.leases:
        own = len(OWN_ROWS[:1]) * shape.periods + 2 * shape.cases * shape.periods
        for i, theirs in enumerate(leases_of(arrays)):
            if theirs:
                whole = np.concatenate([rows[i, :own], _leased_prices(arrays, prices, i, theirs), rows[i, own:]])
                runs[i] = tuple(in_runs(_whole(whole * denominator).tolist()))
    return FleetDuals(
        denominator=denominator,
        case_weights=tuple(weights.tolist()),
        balance=_nested(_rested(arrays, prices, weights, denominator)),
        held=_nested(_whole(np.maximum(prices.held, 0.0) * denominator)),
        station_runs=tuple(runs),
    )


def _leased_prices(arrays: FleetArrays, prices: Prices, i: int, theirs: list[int]) -> Floats:
    """Prices of a station's rows that its leases bring, in the certificate's order; zeros where a path has none."""
    periods = arrays.periods
    accounts = prices.rows.get("account_store", np.zeros((len(arrays.leases), periods)))[theirs].ravel()
    return np.concatenate([accounts, *(prices.rows.get(k, np.zeros((i + 1, periods)))[i] for k in LEASED_ROWS)])


def _row_prices(arrays: FleetArrays, shape: Shape, prices: Prices, kind: str) -> Floats:
    """Prices of one kind of row; zeros where a path has none."""
    found = prices.rows.get(kind)
    cases = shape.cases if kind in ("import_right", "export_right") else 1
    return np.zeros((arrays.stations, cases * shape.periods)) if found is None else found


def _rested(arrays: FleetArrays, prices: Prices, weights: Ints, denominator: int) -> Ints:
    """The regions' prices, those that rest at a buy or sell price, or at that of cut load, made exactly that."""
    found = prices.balance * denominator
    used = prices.case_weights * denominator
    found = found * np.where(used > 0, weights / np.where(used > 0, used, 1.0), 1.0)[:, None, None]
    whole = _whole(found)
    for side, there in (
        (arrays.buy_price, True),
        (arrays.sell_price, True),
        (arrays.cut_price, arrays.cut_most_wh > 0),
    ):
        at = weights[:, None, None] * side[None]
        whole = np.where(there & (np.abs(found - at) <= 1.0 + AT_PRICE * np.abs(at)), at, whole)
    return whole


def _case_weights(arrays: FleetArrays, weights: Floats, denominator: int) -> Ints:
    """Whole weights that the risk rule allows, together the denominator."""
    kappa, rest = arrays.risk.cvar_weight_ppm, MILLION - arrays.risk.cvar_alpha_ppm
    if not len(arrays.scenario_ppm):
        return np.array([denominator], dtype=np.int64)
    low, high = [], []
    for ppm in arrays.case_ppm.tolist():
        least = (MILLION - kappa) * ppm * denominator
        low.append(-(-least // MILLION**2))
        high.append((least * rest + kappa * ppm * denominator * MILLION) // (MILLION**2 * rest))
    found = np.clip(_whole(weights * denominator), low, high)
    for w in range(len(found)):
        missing = denominator - int(found.sum())
        found[w] = min(max(int(found[w]) + missing, low[w]), high[w])
    return found


def _whole(values: Floats) -> Ints:
    return np.rint(np.clip(np.nan_to_num(values), -9e18, 9e18)).astype(np.int64)


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if values.ndim > 1 else tuple(values.tolist())
