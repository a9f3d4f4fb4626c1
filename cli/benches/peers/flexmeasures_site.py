"""FlexMeasures re-plans the bench's sites: its scheduling core, `device_scheduler`, as its StorageScheduler calls it.

The core reads its solver's name from a Flask application's settings and nothing else of a server or database; it is
given just that, with the package's own default. The site's load is an inflexible device and its battery a storage, the
tariff a commitment to take nothing, wear a commitment of the battery alone. MW, stock in MW times the resolution.
Runs in `.venv-peers`.
"""

import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from flask import Flask
from flexmeasures.data.models.planning import FlowCommitment
from flexmeasures.data.models.planning.linear_optimization import device_scheduler
from flexmeasures.utils.config_defaults import Config

from cli.benches.fleet_backend import Answer, Asked, Checked, Flows
from optimizer.fleet.arrays import FleetArrays

MILLION, WH_A_MWH, MICROCENTS_A_CENT = 1e6, 1e6, 1e6
BATTERY, LOAD = 0, 1
COLUMNS = (
    "equals", "max", "min", "efficiency", "derivative equals", "derivative max", "derivative min",
    "derivative down efficiency", "derivative up efficiency", "stock delta",
)  # fmt: skip

Floats = Any


def planned(asked: Asked) -> Answer:
    """Re-plan one site; its frames are made beforehand, so that only the scheduler is measured."""
    arrays, checked = asked.arrays, Checked()
    assert arrays.stations == 1, "a site is one station"
    wall, cpu = time.perf_counter(), time.process_time()
    question = _question(arrays)
    app = Flask("peer")
    app.config.update(
        FLEXMEASURES_LP_SOLVER=Config.FLEXMEASURES_LP_SOLVER, LOGGING_LEVEL="INFO"
    )  # this level keeps HiGHS silent
    checked.wall_s, checked.cpu_s = time.perf_counter() - wall, time.process_time() - cpu
    with app.app_context():
        power, cost, results, _ = device_scheduler(**question)
    assert results.solver.termination_condition == "optimal", results.solver.termination_condition
    wh = power[BATTERY].to_numpy()[: arrays.periods] * arrays.period_s / 3600 * WH_A_MWH
    none = np.zeros((0, arrays.periods))
    flows = Flows(
        charge=np.maximum(wh, 0.0)[None],
        discharge=np.maximum(-wh, 0.0)[None],
        curtailed=np.zeros((1, arrays.periods)),
        forward=none,
        backward=none,
    )
    checked.add(arrays, flows)
    notes = f"FlexMeasures {version('flexmeasures')}, solver {Config.FLEXMEASURES_LP_SOLVER}"
    return Answer(cost=float(cost) * MICROCENTS_A_CENT, bound=None, checked=checked, notes=notes)


def _question(arrays: FleetArrays) -> dict[str, Any]:
    step = pd.Timedelta(seconds=arrays.period_s)
    index = pd.date_range("2026-01-01", periods=arrays.periods, freq=step, tz="UTC", name="datetime")
    rights = pd.DataFrame(index=index, columns=["derivative max", "derivative min"], dtype=float)
    rights["derivative max"] = _mw(arrays, arrays.pcc_import_wh[0])
    rights["derivative min"] = -_mw(arrays, arrays.pcc_export_wh[0])
    hours = arrays.period_s / 3600
    tariff = FlowCommitment(
        name="energy",
        index=index,
        quantity=0,
        upwards_deviation_price=pd.Series(arrays.buy_price[0] * hours, index=index),
        downwards_deviation_price=pd.Series(arrays.sell_price[0] * hours, index=index),
    )
    wear = FlowCommitment(
        name="wear",
        index=index,
        quantity=0,
        upwards_deviation_price=0,
        downwards_deviation_price=-float(arrays.wear_price[0]) * hours,
        device=pd.Series(BATTERY, index=index),
    )
    return {
        "device_constraints": [_battery(arrays, index), _load(arrays, index)],
        "ems_constraints": rights,
        "commitments": [tariff, wear],
        "initial_stock": [_stock(arrays, arrays.start_wh[0]), 0.0],
    }


def _battery(arrays: FleetArrays, index: Any) -> Any:
    """The battery. FlexMeasures lets self-discharge act within the step; its efficiencies are set against that."""
    frame = pd.DataFrame(index=index, columns=list(COLUMNS), dtype=float)
    keep = float(arrays.keep_ppm[0]) / MILLION
    within = 1.0 if keep == 1.0 else (keep - 1) / np.log(keep)
    start = _stock(arrays, arrays.start_wh[0])
    frame["min"], frame["max"] = _stock(arrays, arrays.low_wh[0]) - start, _stock(arrays, arrays.high_wh[0]) - start
    frame["efficiency"] = keep
    frame["derivative max"] = _mw(arrays, arrays.charge_wh[0])
    frame["derivative min"] = -_mw(arrays, arrays.discharge_wh[0])
    frame["derivative up efficiency"] = arrays.eta_c_ppm[0] / MILLION / within
    frame["derivative down efficiency"] = arrays.eta_d_ppm[0] / MILLION * within
    frame["stock delta"] = 0.0
    return frame


def _load(arrays: FleetArrays, index: Any) -> Any:
    frame = pd.DataFrame(index=index, columns=list(COLUMNS), dtype=float)
    frame["derivative equals"] = _mw(arrays, arrays.net_load_wh[0])
    frame["stock delta"] = 0.0
    return frame


def _mw(arrays: FleetArrays, wh: Floats) -> Floats:
    return wh / WH_A_MWH * 3600 / arrays.period_s


def _stock(arrays: FleetArrays, wh: Floats) -> Floats:
    """Stock as the scheduler counts it: MW times the resolution."""
    return wh / WH_A_MWH * 3600 / arrays.period_s
