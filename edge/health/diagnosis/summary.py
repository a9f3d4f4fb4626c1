"""The diagnosis as a whole (protocol 9.22.5), from what the box gathered and the tests that it signed: JSON values.

Of capacity and resistance the surer of the newest finished test and ordinary work is told; work orders follow from the
tests alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from edge.control.limits import Limits
from edge.health.diagnosis import score as scores
from edge.health.diagnosis import soh
from edge.health.diagnosis.believable import Believable, believable
from edge.health.diagnosis.cell import CellData
from edge.health.diagnosis.keeper import Saved
from edge.health.diagnosis.soh import Estimate, Unknown
from edge.health.diagnosis.spread import spread_of

Report = Mapping[str, Any]


def diagnosed(
    gathered: Saved | None, tests: Sequence[Report], *, limits: Limits, cells: CellData | None,
    power_w: int | None = None,
) -> dict[str, object]:  # fmt: skip
    """What is known; `tests` are reports, oldest first, `power_w` that of the believable energy, rated by default."""
    finished = [test for test in tests if test["outcome"] == "done"]
    newest = finished[-1]["figures"] if finished else {}
    soh_c = _surer(newest.get("sohCapacityBp"), _by_work(gathered, cells, capacity=True))
    soh_r = _surer(newest.get("sohResistanceBp"), _by_work(gathered, cells, capacity=False))
    spread = spread_of(gathered.cells_mv) if gathered is not None and gathered.cells_mv else None
    values = {
        "soh": soh_c.get("value"), "resistance": soh_r.get("value"),
        "spread": None if spread is None else spread.delta_mv,
        "temperature": gathered.hottest_ddegc if gathered else None,
        "alarm": gathered.severity if gathered else None,
    }  # fmt: skip
    total = scores.score(values)
    return {
        "at": None if gathered is None else gathered.at_ms, "sohCapacityBp": soh_c, "sohResistanceBp": soh_r,
        "sohReportedBp": None if gathered is None else gathered.soh_bp,
        "spread": None if spread is None else {
            "deltaMv": spread.delta_mv, "sigmaUv": spread.sigma_uv, "lowestMv": spread.lowest_mv,
            "lowestCell": spread.lowest_at + 1, "highestMv": spread.highest_mv, "highestCell": spread.highest_at + 1,
            "zMilli": list(spread.z_milli), "robustZMilli": list(spread.robust_z_milli),
            "outstanding": [n + 1 for n in spread.outstanding],
        },
        "scoreCenti": total.total if total.parts else None, "scoreParts": dict(total.parts),
        "scoreCapped": total.capped, "scoreMissing": [name for name in scores.WEIGHTS if name not in total.parts],
        "remainingCycles": _life(finished, cells), "believable": _band(gathered, limits, power_w),
        "findings": newest.get("findings", []),
        "workOrders": [
            {"name": name, "opened": t_ms}
            for name, t_ms in scores.open_orders(
                [(test["ended"], [one["name"] for one in test["figures"]["findings"]]) for test in finished]
            ).items()
        ],
        "tests": [
            {"started": test["started"], "ended": test["ended"], "outcome": test["outcome"], "reason": test["reason"]}
            for test in tests
        ],
        "cellAnomalies": 0 if gathered is None else gathered.anomalies,
    }  # fmt: skip


def _by_work(gathered: Saved | None, cells: CellData | None, *, capacity: bool) -> dict[str, object]:
    if cells is None:
        return {"why": str(soh.Why.NO_CELL_DATA)}
    if gathered is None:
        return {"why": str(soh.Why.NO_CURRENT)}
    figure: Estimate | Unknown
    if capacity:
        figure = soh.soh_by_capacity(soh.capacity_mah(gathered.rests, cells=cells), cells=cells)
    else:
        figure = soh.soh_by_resistance(soh.resistance_uohm(gathered.steps, cells=cells), cells=cells)
    if isinstance(figure, Unknown):
        return {"why": str(figure.why)}
    return {"value": figure.value, "u": figure.u, "n": figure.n}


def _surer(test: Mapping[str, Any] | None, work: Mapping[str, Any]) -> dict[str, Any]:
    told = [
        {**one, "from": name} for name, one in (("test", test or {}), ("work", work)) if "value" in one
    ]  # fmt: skip
    return min(told, key=lambda one: int(one["u"])) if told else dict(test or work)


def _life(finished: Sequence[Report], cells: CellData | None) -> dict[str, object]:
    tested = [
        (test["cycles"], figure["value"], figure["u"])
        for test in finished
        if test["cycles"] is not None and "value" in (figure := test["figures"]["sohCapacityBp"])
    ]
    if cells is None:
        return {"why": str(soh.Why.NO_CELL_DATA)}
    left = soh.remaining_cycles(tested, end_of_life_bp=cells.end_of_life_bp)
    if isinstance(left, Unknown):
        return {"why": str(left.why)}
    return {"value": left.value, "u": left.u, "n": left.n}


def _band(gathered: Saved | None, limits: Limits, power_w: int | None) -> dict[str, object] | None:
    if gathered is None:
        return None
    told: dict[str, object] = {}
    for name, charging in (("give", False), ("take", True)):
        rated_w = limits.charge_power_w if charging else limits.discharge_power_w
        asked_w = min(rated_w, power_w or rated_w)
        room = limits.soc_max_bp - gathered.soc_bp if charging else gathered.soc_bp - limits.soc_min_bp
        one: Believable = believable(
            gathered.runs, charging=charging, room_bp=room, power_w=asked_w, capacity_wh=limits.capacity_wh,
            rated_w=max(1, rated_w), eta_ppm=limits.eta_charge_ppm if charging else limits.eta_discharge_ppm,
            soh_bp=gathered.soh_bp or 10_000,
        )  # fmt: skip
        told[name] = {
            "powerW": asked_w, "energyWh": one.energy_wh, "lowWh": one.low_wh, "highWh": one.high_wh, "runs": one.runs,
        }  # fmt: skip
    return told
