"""The bound of a fleet's prices in floats: `alliance.fleetproof.lower_bound_microcents`, fast enough to be asked often.

It decides when a search may end; what is claimed is computed anew in whole numbers. No leases and one case only.
"""

import numpy as np

from alliance.fleetplan import MILLION, Direction
from optimizer.fleet.arrays import FleetArrays
from optimizer.fleet.newton import Floats


def flow_worth(rows: dict[str, Floats]) -> Floats:
    """What a station's rows add to the price of what it takes: rows with + c − d less rows with − c + d."""
    found = rows["export_right"] - rows["import_right"]
    for kind, sign in (("reserve_up", 1.0), ("reserve_down", -1.0)):
        if kind in rows:
            found = found + sign * rows[kind]
    return found


def bound_cents(arrays: FleetArrays, balance: Floats, held: Floats, rows: dict[str, Floats]) -> float:
    """What no plan costs less than, cents: `alliance.fleetproof.lower_bound_microcents` in floats."""
    total = float((balance * arrays.base_load_wh).sum())
    total += float((np.minimum(0.0, arrays.buy_price - balance) * arrays.import_limit_wh).sum())
    total += float((np.minimum(0.0, balance - arrays.sell_price) * arrays.export_limit_wh).sum())
    total += sum(float((y * np.array(r.requirement_wh)).sum()) for y, r in zip(held, arrays.reserves, strict=True))
    passed = 1 - arrays.tie_loss_ppm[:, None] / MILLION
    here, there = balance[arrays.tie_from], balance[arrays.tie_to]
    best = np.minimum(0.0, np.minimum(here - passed * there, there - passed * here))
    return (
        total + float((arrays.tie_limit_wh[:, None] * best).sum()) + _stations_bound(arrays, balance, held, rows)
    ) / 1e6


def _stations_bound(arrays: FleetArrays, balance: Floats, held: Floats, rows: dict[str, Floats]) -> float:
    """The stations' part: their rows at their prices, and the best of the boxes at what is left of the costs."""
    eta_c, eta_d, keep = (getattr(arrays, name)[:, None] / MILLION for name in ("eta_c_ppm", "eta_d_ppm", "keep_ppm"))
    price, store, nothing = balance[arrays.region], rows["store"], np.zeros(arrays.shape)
    flow, low, high = flow_worth(rows), arrays.low_wh, arrays.high_wh
    most_charge, most_discharge = arrays.charge_wh[:, None], arrays.discharge_wh[:, None]
    total = float((price * arrays.net_load_wh).sum() + store[:, 0] @ (keep[:, 0] * arrays.start_wh))
    total += float((rows["import_right"] * (arrays.pcc_import_wh[:, None] - arrays.net_load_wh)).sum())
    total += float((rows["export_right"] * (arrays.pcc_export_wh[:, None] + arrays.net_load_wh)).sum())
    charge = price + store * eta_c + flow
    discharge = arrays.wear_price[:, None] - price - store / eta_d - flow
    content = -store
    content[:, :-1] += keep * store[:, 1:]
    spare = np.maximum(0, arrays.start_wh - arrays.energy_min_wh)
    room = np.maximum(0, arrays.energy_max_wh - arrays.start_wh)
    borne = {}
    for kind, power, side, sign, first in (
        ("up", most_discharge, low, -1.0, spare), ("down", most_charge, high, 1.0, room),
    ):  # fmt: skip
        own, after, before = (
            rows.get(name, nothing) for name in (f"reserve_{kind}", f"bear_{kind}", f"bear_{kind}_before")
        )
        total += float((own * power).sum() + sign * (after * side).sum() + before[:, 0] @ first)
        total += sign * float((before[:, 1:] * side[:, :-1]).sum())
        content -= sign * after
        content[:, :-1] -= sign * before[:, 1:]
        borne[kind] = after + before
    total += float(np.where(content > 0, content * low, content * high).sum())
    total += float(np.minimum(0.0, np.minimum(charge * most_charge, discharge * most_discharge)).sum())
    curtailment = price - rows["import_right"] + rows["export_right"]
    total += float((np.minimum(0.0, curtailment) * arrays.curtailable_wh).sum())
    for y, product in zip(held, arrays.reserves, strict=True):
        left = -np.array(product.price) - y[arrays.region]
        time_share, called = product.duration_s / arrays.period_s, product.activation_ppm / MILLION
        if product.direction is Direction.UP:
            left = left - called * store / eta_d - rows["export_right"] - rows["reserve_up"]
            left = left - time_share / eta_d * borne["up"]
        else:
            left = left + called * eta_c * store - rows["import_right"] - rows["reserve_down"]
            left = left - time_share * eta_c * borne["down"]
        total += float((np.minimum(0.0, left) * (most_charge + most_discharge)).sum())
    return total
