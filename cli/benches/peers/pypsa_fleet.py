"""PyPSA plans the bench's fleets: each region and each station's connection a bus, each battery a storage unit.

What PyPSA has no component for is said in its own model before it is solved, as its users do: the content's window
that changes with time, and that charge and discharge share one inverter (c/Pc + d/Pd ≤ 1), as do a tie's directions.
Runs in `.venv-peers`; kW, kWh and cents per kWh, so that tolerances are small.
"""

import logging
import time
from typing import Any

import numpy as np
import pandas as pd
import pypsa
import xarray

from cli.benches.fleet_backend import Answer, Asked, Checked, Flows
from optimizer.fleet.arrays import FleetArrays
from optimizer.fleet.kernel import Floats

MILLION, WH_A_KWH, MICROCENTS_A_CENT = 1e6, 1e3, 1e6
SOLVER = {"output_flag": False, "threads": 1}
BATTERY, CURTAILED, FORWARD, BACKWARD = "battery ", "curtailed ", "forward ", "backward "


def planned(asked: Asked) -> Answer:
    """Build the network, hand it to HiGHS, read the flows."""
    _quiet()
    arrays, checked = asked.arrays, Checked()
    wall = time.perf_counter()
    network = _network(arrays)
    network.optimize.create_model()
    _own_rows(network, arrays)
    built = time.perf_counter() - wall
    status, condition = network.optimize.solve_model(solver_name="highs", assign_all_duals=False, **SOLVER)
    assert (status, condition) == ("ok", "optimal"), (status, condition)
    checked.add(arrays, _flows(network, arrays))
    cost = float(network.objective) * MICROCENTS_A_CENT
    return Answer(cost=cost, bound=None, checked=checked, notes=f"PyPSA {pypsa.__version__}, {built:.2f} s to build")


def _quiet() -> None:
    for name in ("pypsa", "linopy"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _network(arrays: FleetArrays) -> Any:
    network = pypsa.Network()
    network.set_snapshots(range(arrays.periods))
    network.snapshot_weightings.loc[:, :] = arrays.period_s / 3600
    _exchange(network, arrays)
    _stations(network, arrays)
    _ties(network, arrays)
    return network


def _exchange(network: Any, arrays: FleetArrays) -> None:
    regions = _names("region ", arrays.regions)
    network.add("Bus", regions)
    network.add(
        "Load", _names("base ", arrays.regions), bus=regions, p_set=_series(arrays, arrays.base_load_wh, "base ")
    )
    for kind, price, sign in (("import", "buy_price", 1.0), ("export", "sell_price", -1.0)):
        limit = _kw(arrays, getattr(arrays, f"{kind}_limit_wh"))
        most = np.maximum(limit.max(axis=1), 1e-9)
        share = sign * limit / most[:, None]
        network.add(
            "Generator",
            _names(f"{kind} ", arrays.regions),
            bus=regions,
            p_nom=most,
            p_max_pu=_frame(np.maximum(share, 0.0), f"{kind} "),
            p_min_pu=_frame(np.minimum(share, 0.0), f"{kind} "),
            marginal_cost=_frame(getattr(arrays, price) / 1000, f"{kind} "),
        )


def _stations(network: Any, arrays: FleetArrays) -> None:
    """A bus a station, a lossless link to its region within its rights, its load, its battery, what it may curtail."""
    n, hours = arrays.stations, arrays.period_s / 3600
    buses, charge, discharge = _names("station ", n), _kw(arrays, arrays.charge_wh), _kw(arrays, arrays.discharge_wh)
    network.add("Bus", buses)
    network.add("Load", _names("load ", n), bus=buses, p_set=_series(arrays, arrays.net_load_wh, "load "))
    drawn, given = _kw(arrays, arrays.pcc_import_wh), _kw(arrays, arrays.pcc_export_wh)
    most = np.maximum(np.maximum(drawn, given), 1e-9)
    network.add(
        "Link",
        _names("pcc ", n),
        bus0=_names("region ", arrays.regions)[arrays.region],
        bus1=buses,
        p_nom=most,
        p_max_pu=drawn / most,
        p_min_pu=-given / most,
    )
    most = np.maximum(np.maximum(charge, discharge), 1e-9)
    network.add(
        "StorageUnit",
        _names(BATTERY, n),
        bus=buses,
        p_nom=most,
        p_max_pu=discharge / most,
        p_min_pu=-charge / most,
        efficiency_store=arrays.eta_c_ppm / MILLION,
        efficiency_dispatch=arrays.eta_d_ppm / MILLION,
        standing_loss=1 - (arrays.keep_ppm / MILLION) ** (1 / hours),
        max_hours=arrays.energy_max_wh / WH_A_KWH / most,
        state_of_charge_initial=arrays.keep_ppm
        / MILLION
        * arrays.start_wh
        / WH_A_KWH,  # its first period loses nothing
        marginal_cost=arrays.wear_price / 1000,
    )
    able = np.flatnonzero((np.broadcast_to(arrays.curtailable_wh, arrays.shape) > 0).any(axis=1))
    if len(able):
        rows = _kw(arrays, np.broadcast_to(arrays.curtailable_wh, arrays.shape)[able])
        names = pd.Index([f"{CURTAILED}{i}" for i in able])
        share = pd.DataFrame(-rows.T / rows.max(axis=1), columns=names)
        network.add("Generator", names, bus=buses[able], p_nom=rows.max(axis=1), p_min_pu=share, p_max_pu=0.0)


def _ties(network: Any, arrays: FleetArrays) -> None:
    regions = _names("region ", arrays.regions)
    for way, start, end in ((FORWARD, "tie_from", "tie_to"), (BACKWARD, "tie_to", "tie_from")):
        if arrays.ties:
            network.add(
                "Link",
                _names(way, arrays.ties),
                bus0=regions[getattr(arrays, start)],
                bus1=regions[getattr(arrays, end)],
                p_nom=_kw(arrays, arrays.tie_limit_wh),
                efficiency=1 - arrays.tie_loss_ppm / MILLION,
            )


def _own_rows(network: Any, arrays: FleetArrays) -> None:
    """The content's window, one inverter for both directions, one line for both ways."""
    model = network.model
    content = model.variables["StorageUnit-state_of_charge"]
    content.lower, content.upper = (_window(content, values) for values in (arrays.low_wh, arrays.high_wh))
    charge, discharge = (model.variables[f"StorageUnit-p_{kind}"] for kind in ("store", "dispatch"))
    powers = [np.maximum(_kw(arrays, rows), 0.0) for rows in (arrays.charge_wh, arrays.discharge_wh)]
    larger = np.maximum(np.maximum(*powers), 1e-9)
    share = [_along(content, values / larger) for values in powers]
    model.add_constraints(share[1] * charge + share[0] * discharge <= share[0] * share[1] * _along(content, larger))
    if arrays.ties:
        flow = model.variables["Link-p"]
        there, back = flow.sel(name=_names(FORWARD, arrays.ties)), flow.sel(name=_names(BACKWARD, arrays.ties))
        back = back.assign_coords(name=there.indexes["name"])
        model.add_constraints(there + back <= _along(there, _kw(arrays, arrays.tie_limit_wh)))


def _window(content: Any, wh: Floats) -> Any:
    """Limits of every battery's content, by the model's own axes."""
    axes = {axis: content.indexes[axis] for axis in ("snapshot", "name")}
    return xarray.DataArray(wh.T / WH_A_KWH, dims=list(axes), coords=axes)


def _along(variable: Any, values: Floats) -> Any:
    """A value a battery, along the model's own axis."""
    return xarray.DataArray(values, dims=["name"], coords={"name": variable.indexes["name"]})


def _flows(network: Any, arrays: FleetArrays) -> Flows:
    wh = WH_A_KWH * arrays.period_s / 3600
    names = _names(BATTERY, arrays.stations)

    def of(frame: Any, kind: Any) -> Floats:
        return np.ascontiguousarray(frame.reindex(columns=kind, fill_value=0.0).to_numpy().T) * wh

    units, links = network.storage_units_t, network.links_t
    ties = [of(links.p0, _names(way, arrays.ties)) for way in (FORWARD, BACKWARD)]
    curtailed = -of(network.generators_t.p, _names(CURTAILED, arrays.stations))
    return Flows(
        charge=of(units.p_store, names),
        discharge=of(units.p_dispatch, names),
        curtailed=curtailed,
        forward=ties[0],
        backward=ties[1],
    )


def _kw(arrays: FleetArrays, wh: Floats) -> Floats:
    return wh / WH_A_KWH * 3600 / arrays.period_s


def _names(kind: str, count: int) -> Any:
    return pd.Index([f"{kind}{k}" for k in range(count)])


def _series(arrays: FleetArrays, wh: Floats, kind: str) -> Any:
    return _frame(_kw(arrays, wh), kind)


def _frame(rows: Floats, kind: str) -> Any:
    """Rows × T as PyPSA wants them: a snapshot a row."""
    return pd.DataFrame(rows.T, columns=_names(kind, len(rows)))
