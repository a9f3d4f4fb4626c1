"""The one place where a fleet's integers become the model's floats: units in which solvers' tolerances make sense.

Energy counts in `unit_wh`, a power of ten that keeps stations' figures at a million or less; prices in `unit_price`, so
that they stay at a thousand or less. An ordinary fleet counts in kWh and cents per kWh.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alliance.fleetholding import HOUR_S
from alliance.fleetplan import MILLION
from optimizer.fleet.arrays import FleetArrays, leased_of, step_counts
from optimizer.fleet.model import Shape

Floats = Any
"""A numpy array of float64."""

MOST_SCALED_ENERGY = 1e6
MOST_SCALED_PRICE = 1e3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaled:
    """The model's data: by field, arrays whose last index is the station, region or tie."""

    shape: Shape
    unit_wh: float
    unit_price: float
    station: dict[str, Floats]
    """Figures (n), series (T × n) and cases' series (W × T × n), by the names of `model`'s data."""
    lease: dict[str, Floats]
    """Figures (L) and series (T × L), by the names of `model`'s data."""
    region: dict[str, Floats]
    tie: dict[str, Floats]
    reserve_price: Floats
    """Q × T."""
    requirement: Floats
    """Q × R × T."""
    weight: Floats
    """Of each case's bill in the objective, W."""
    kappa: float
    tail_weight: Floats
    """Of each case's excess in the objective, W."""

    @property
    def unit_cents(self) -> float:
        """Cents in a unit of the model's cost."""
        return self.unit_wh * self.unit_price / MILLION


def scaled(arrays: FleetArrays) -> Scaled:
    """The data of the model of a fleet."""
    unit_wh, unit_price = _energy_unit(arrays), _price_unit(arrays)
    kappa = arrays.risk.cvar_weight_ppm / MILLION
    likely = arrays.case_ppm / MILLION
    reserves = arrays.reserves
    held = (len(reserves), arrays.regions, arrays.periods)
    requirement = np.array([q.requirement_wh for q in reserves], dtype=float).reshape(held) / unit_wh
    gives_way = np.array([q.short_price is not None for q in reserves], dtype=bool)
    short_price = np.array([q.short_price or 0 for q in reserves], dtype=float) / unit_price
    return Scaled(
        shape=Shape(
            periods=arrays.periods,
            period_s=arrays.period_s,
            cases=len(arrays.case_ppm),
            curtails=bool((arrays.curtailable_wh > 0).any()),
            reserves=reserves,
            averse=len(arrays.scenario_ppm) > 0 and kappa > 0,
            cuts=arrays.cuts,
        ),
        unit_wh=unit_wh,
        unit_price=unit_price,
        station=_station_data(arrays, unit_wh, unit_price),
        lease=_lease_data(arrays, unit_wh),
        region={
            "buy": arrays.buy_price.T / unit_price,
            "sell": arrays.sell_price.T / unit_price,
            "import_limit": arrays.import_limit_wh.T / unit_wh,
            "export_limit": arrays.export_limit_wh.T / unit_wh,
            "base_load": arrays.base_load_wh.T / unit_wh,
            **_cut_data(arrays, unit_wh, unit_price),
            "short_most": requirement.transpose(0, 2, 1) * gives_way[:, None, None],
            "short_price": np.repeat(short_price[:, None], arrays.regions, axis=1),
        },
        tie={"limit": arrays.tie_limit_wh / unit_wh, "passed": 1 - arrays.tie_loss_ppm / MILLION}
        | _step_data(arrays, unit_wh),
        reserve_price=np.array([q.price for q in reserves], dtype=float).reshape(len(reserves), arrays.periods)
        / unit_price,
        requirement=requirement,
        weight=likely * (1 - kappa) if len(arrays.scenario_ppm) else likely,
        kappa=kappa,
        tail_weight=likely * kappa / (1 - arrays.risk.cvar_alpha_ppm / MILLION),
    )


def _cut_data(arrays: FleetArrays, unit_wh: float, unit_price: float) -> dict[str, Floats]:
    """What may be cut and its price, T × R; nothing where no region has such load."""
    if not arrays.cuts:
        return {}
    most, price = np.broadcast_arrays(arrays.cut_most_wh, arrays.cut_price, arrays.buy_price)[:2]
    return {"cut_most": most.T / unit_wh, "cut_price": price.T / unit_price}


def _step_data(arrays: FleetArrays, unit_wh: float) -> dict[str, Floats]:
    """Of ties' steps, most steps × L: the distance to the one before, and what arrives of what is sent above."""
    if not len(arrays.tie_steps):
        return {}
    counts = step_counts(arrays)
    most, passed = np.zeros((2, int(counts.max()), arrays.ties))
    tie, above, loss = arrays.tie_steps.T
    place = np.arange(len(tie)) - np.repeat(np.cumsum(counts) - counts, counts)
    most[place, tie] = np.where(place > 0, above - np.roll(above, 1), above) / unit_wh
    passed[place, tie] = 1 - loss / MILLION
    return {"step_most": most, "step_passed": passed}


def _station_data(arrays: FleetArrays, unit_wh: float, unit_price: float) -> dict[str, Floats]:
    charge, discharge = arrays.charge_wh / unit_wh, arrays.discharge_wh / unit_wh
    larger = np.maximum(np.maximum(charge, discharge), 1e-300)
    load = arrays.case_net_load_wh.transpose(0, 2, 1) / unit_wh
    start = arrays.start_wh / unit_wh
    shape = arrays.shape
    theirs = {
        name: leased_of(arrays, name) / unit_wh for name in ("charge_wh", "discharge_wh", "energy_wh", "start_wh")
    }
    own_start = start - theirs["start_wh"]
    return {
        "charge": charge,
        "discharge": discharge,
        "hull_charge": discharge / larger,
        "hull_discharge": charge / larger,
        "hull_most": charge * discharge / larger,
        "eta_c": arrays.eta_c_ppm / MILLION,
        "eta_d": arrays.eta_d_ppm / MILLION,
        "keep": arrays.keep_ppm / MILLION,
        "start": start,
        "start_spare": np.maximum(own_start - arrays.energy_min_wh / unit_wh, 0.0),
        "start_room": np.maximum(arrays.energy_max_wh / unit_wh - theirs["energy_wh"] - own_start, 0.0),
        "own_charge": charge - theirs["charge_wh"],
        "own_discharge": discharge - theirs["discharge_wh"],
        "own_high": arrays.high_wh.T / unit_wh - theirs["energy_wh"],
        "wear": arrays.wear_price / unit_price,
        **_holding_data(arrays, unit_wh, unit_price),
        "low": arrays.low_wh.T / unit_wh,
        "high": arrays.high_wh.T / unit_wh,
        "curtailable": np.broadcast_to(arrays.curtailable_wh, shape).T / unit_wh,
        "net_load": load,
        "import_room": arrays.pcc_import_wh / unit_wh - load,
        "export_room": arrays.pcc_export_wh / unit_wh + load,
    }


def _holding_data(arrays: FleetArrays, unit_wh: float, unit_price: float) -> dict[str, Floats]:
    """Steps × n; prices for a whole period."""
    steps = np.broadcast_to(arrays.holding, (arrays.stations, *arrays.holding.shape[1:]))
    content, below, above = steps.transpose(2, 1, 0)
    price = arrays.period_s / HOUR_S / unit_price
    return {"step_content": content / unit_wh, "below_price": below * price, "above_price": above * price}


def _lease_data(arrays: FleetArrays, unit_wh: float) -> dict[str, Floats]:
    def of(values: list[Any]) -> Floats:
        return np.array(values, dtype=float).reshape(len(arrays.leases)) / unit_wh

    charge, discharge = of([x.charge_wh for x in arrays.leases]), of([x.discharge_wh for x in arrays.leases])
    larger = np.maximum(np.maximum(charge, discharge), 1e-300)
    shape = (arrays.periods, len(arrays.leases))
    low = np.zeros(shape)
    low[-1] = of([x.end_min_wh for x in arrays.leases])
    firm = np.array([bool(x.nomination_wh) for x in arrays.leases], dtype=bool)
    orders = np.array([x.nomination_wh or (0,) * arrays.periods for x in arrays.leases], dtype=float)
    orders = orders.reshape(shape[::-1]).T / unit_wh
    charged, discharged = np.maximum(-orders, 0), np.maximum(orders, 0)
    return {
        "lease_energy": of([x.energy_wh for x in arrays.leases]),
        "lease_start": of([x.start_wh for x in arrays.leases]),
        "account_low": low,
        "lease_charge_low": charged,
        "lease_charge_high": np.where(firm, charged, charge),
        "lease_discharge_low": discharged,
        "lease_discharge_high": np.where(firm, discharged, discharge),
        "lease_hull_charge": discharge / larger,
        "lease_hull_discharge": charge / larger,
        "lease_hull_most": charge * discharge / larger,
    }


def _energy_unit(arrays: FleetArrays) -> float:
    figures = (arrays.energy_max_wh, arrays.charge_wh, arrays.discharge_wh, arrays.net_load_wh, arrays.base_load_wh)
    return max(1000.0, _ten_above(max(float(np.abs(x).max(initial=0)) for x in figures) / MOST_SCALED_ENERGY))


def _price_unit(arrays: FleetArrays) -> float:
    figures = [
        arrays.buy_price,
        arrays.sell_price,
        arrays.cut_price,
        arrays.wear_price,
        *(np.array(q.price) for q in arrays.reserves),
    ]
    figures += [np.array([q.short_price or 0 for q in arrays.reserves])]
    figures += [arrays.holding[:, :, 1:] * (arrays.period_s / HOUR_S)]
    return max(1000.0, _ten_above(max(float(np.abs(x).max(initial=0)) for x in figures) / MOST_SCALED_PRICE))


def _ten_above(x: float) -> float:
    return float(10.0 ** np.ceil(np.log10(x))) if x > 1 else 1.0
