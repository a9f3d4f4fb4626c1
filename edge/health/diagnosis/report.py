"""The signed report of a test (protocol 9.22.9): what was measured, and figures that anyone makes again from it.

A report is JSON `{"report": {…}, "key", "alg", "publicKey", "signature"}`. Signed is `Health(device, t, SHA-256 of the
report)`, the report written with sorted names, without spaces, in UTF-8, numbers as integers alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from alliance.errors import Malformed, Refused
from alliance.identity import Address, address, to_hex
from edge.health.diagnosis import score as scores
from edge.health.diagnosis import soh
from edge.health.diagnosis.cell import CellData
from edge.health.diagnosis.cycle import Job, Stage
from edge.health.diagnosis.observed import Charge, Look, rest_at, steps_of
from edge.health.diagnosis.soh import Estimate, Unknown
from edge.health.diagnosis.spread import causes, spread_of
from oracle import eip712, signature
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.signature import KeySigner

COLUMNS = (
    "t", "stage", "currentMa", "voltageMv", "powerW", "socBp", "temperatureDdegc", "chargeWh", "dischargeWh",
    "chargeMas", "doubtMas",
)  # fmt: skip
STAGES = tuple(Stage)
_ROWS_MOST = 200_000


@dataclass(kw_only=True, eq=False)
class ReportMalformed(Malformed):
    """A file is no report of a test."""

    problem: str


@dataclass(kw_only=True, eq=False)
class ReportSignatureWrong(Refused):
    """A report's signature is not its key's."""

    want: Address
    got: Address


@dataclass(kw_only=True, eq=False)
class ReportForeign(Refused):
    """A report is another device's, or signed by another key, than the one asked for."""

    field: str
    want: Address
    got: Address


@dataclass(kw_only=True, eq=False)
class ReportFiguresWrong(Refused):
    """A figure is not what the enclosed rows make."""

    figure: str
    want: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A look kept of a test, its stage, and the counters so far."""

    stage: Stage
    look: Look
    charge: Charge

    def to_plain(self) -> list[int]:
        """In the order of `COLUMNS`."""
        one, charge = self.look, self.charge
        return [
            one.t_ms, STAGES.index(self.stage), one.current_ma, one.voltage_mv, one.power_w, one.soc_bp,
            one.temperature_ddegc, one.charge_wh, one.discharge_wh, charge.charge_mas, charge.doubt_mas,
        ]  # fmt: skip


def row_of(value: object) -> Row:
    """Read what `Row.to_plain` wrote. Raises ReportMalformed."""
    if not isinstance(value, list) or len(value) != len(COLUMNS) or any(type(one) is not int for one in value):
        raise ReportMalformed(problem=f"row {value!r:.80}")
    t, stage, current, voltage, power, soc_bp, temperature, charge_wh, discharge_wh, charge, doubt = value
    if not 0 <= stage < len(STAGES):
        raise ReportMalformed(problem=f"stage {stage}")
    return Row(
        stage=STAGES[stage],
        look=Look(
            t_ms=t, current_ma=current, voltage_mv=voltage, power_w=power, soc_bp=soc_bp, temperature_ddegc=temperature,
            charge_wh=charge_wh, discharge_wh=discharge_wh,
        ),
        charge=Charge(charge_mas=charge, doubt_mas=doubt),
    )  # fmt: skip


Snapshots = Mapping[str, Sequence[int]]
"""Cell voltages, mV, under `full`, `loaded`, `empty`."""


def figures_of(
    rows: Sequence[Row], snapshots: Snapshots, *, cells: CellData | None, severity: int
) -> dict[str, object]:
    """Everything that a test says, from its rows alone; `severity` is the worst alarm that stood meanwhile."""
    capacity, resistance = _electric(rows, cells)
    soh_c = soh.soh_by_capacity(capacity, cells=cells) if cells else Unknown(why=soh.Why.NO_CELL_DATA)
    soh_r = soh.soh_by_resistance(resistance, cells=cells) if cells else Unknown(why=soh.Why.NO_CELL_DATA)
    full, empty, loaded = (list(snapshots.get(name, ())) for name in ("full", "empty", "loaded"))
    spreads = {name: spread_of(v) for name, v in (("full", full), ("loaded", loaded), ("empty", empty)) if v}
    at_rest = spreads.get("full")
    values = {
        "soh": _value(soh_c), "resistance": _value(soh_r), "spread": at_rest.delta_mv if at_rest else None,
        "temperature": max((row.look.temperature_ddegc for row in rows), default=None), "alarm": severity,
    }  # fmt: skip
    found = scores.findings(
        soh_capacity_bp=_value(soh_c), soh_resistance_bp=_value(soh_r), spread_mv=values["spread"],
        cells=causes(full, empty, loaded),
    )  # fmt: skip
    total = scores.score(values)
    return {
        "capacityMah": _told(capacity), "resistanceUohm": _told(resistance), "sohCapacityBp": _told(soh_c),
        "sohResistanceBp": _told(soh_r), "dischargedWh": _moved(rows, Stage.DISCHARGE),
        "returnedWh": -_moved(rows, Stage.RETURN),
        "spread": {
            name: {
                "deltaMv": one.delta_mv, "meanUv": one.mean_uv, "sigmaUv": one.sigma_uv, "lowestMv": one.lowest_mv,
                "lowestCell": one.lowest_at + 1, "highestMv": one.highest_mv, "highestCell": one.highest_at + 1,
                "zMilli": list(one.z_milli), "robustZMilli": list(one.robust_z_milli),
                "outstanding": [n + 1 for n in one.outstanding],
            }
            for name, one in spreads.items()
        },
        "scoreCenti": total.total, "scoreParts": dict(total.parts), "scoreCapped": total.capped,
        "findings": [
            {"name": one.name, "severity": int(one.severity), "value": one.value, "limit": one.limit} for one in found
        ],
    }  # fmt: skip


def _electric(rows: Sequence[Row], cells: CellData | None) -> tuple[Estimate | Unknown, Estimate | Unknown]:
    if cells is None:
        return Unknown(why=soh.Why.NO_CELL_DATA), Unknown(why=soh.Why.NO_CELL_DATA)
    if not rows:
        return Unknown(why=soh.Why.NO_CURRENT), Unknown(why=soh.Why.NO_CURRENT)
    ends = [
        rest_at(of_stage[-1].look, of_stage[-1].charge, cells)
        for stage in (Stage.REST_FULL, Stage.REST_EMPTY)
        if (of_stage := [row for row in rows if row.stage is stage]) and _left(rows, stage)
    ]
    steps = steps_of([row.look for row in rows], cells=cells)
    return soh.capacity_mah(ends, cells=cells), soh.resistance_uohm(steps, cells=cells)


def _left(rows: Sequence[Row], stage: Stage) -> bool:
    """Whether a stage was gone through to its end."""
    return any(STAGES.index(row.stage) == STAGES.index(stage) + 1 for row in rows)


def _moved(rows: Sequence[Row], stage: Stage) -> int:
    """AC energy of a stage by the battery meter's registers, Wh, positive out."""
    of_stage = [row.look for row in rows if row.stage is stage]
    if not of_stage:
        return 0
    first, last = of_stage[0], of_stage[-1]
    return (last.discharge_wh - first.discharge_wh) - (last.charge_wh - first.charge_wh)


def _value(figure: Estimate | Unknown) -> int | None:
    return figure.value if isinstance(figure, Estimate) else None


def _told(figure: Estimate | Unknown) -> dict[str, object]:
    if isinstance(figure, Unknown):
        return {"why": str(figure.why)}
    return {"value": figure.value, "u": figure.u, "n": figure.n}


def report_of(
    job: Job, rows: Sequence[Row], snapshots: Snapshots, *, cells: CellData | None, severity: int, cycles: int | None,
    station: int, device: Address,
) -> dict[str, object]:  # fmt: skip
    """The report of a test that is over, not yet signed."""
    return {
        "v": 1, "kind": "sohTest", "station": station, "device": to_hex(device), "started": job.started_ms,
        "ended": job.ended_ms, "outcome": str(job.stage), "reason": job.reason, "terms": job.terms.to_plain(),
        "cells": None if cells is None else asdict(cells), "severity": severity, "cycles": cycles,
        "columns": list(COLUMNS), "rows": [row.to_plain() for row in rows],
        "snapshots": {name: list(values) for name, values in snapshots.items()},
        "figures": figures_of(rows, snapshots, cells=cells, severity=severity),
    }  # fmt: skip


def signed(report: Mapping[str, object], signer: KeySigner, *, device: Address, domain: Domain) -> dict[str, object]:
    """The report as it is handed out."""
    named = eip712.health_digest(domain, device=device, t_ms=_ended(report), body=sha256(_bytes(report)))
    return {
        "report": report, "key": to_hex(signer.address), "alg": signer.alg, "publicKey": to_hex(signer.public_key),
        "signature": to_hex(signer.sign(named)),
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A report whose signature and figures hold. Whether its key was the device's, the device registry tells."""

    report: Mapping[str, Any]
    device: Address
    key: Address


def check(raw: bytes, *, domain: Domain, device: Address | None = None, key: Address | None = None) -> Checked:
    """Check a report's signature and make its figures again.

    Raises ReportMalformed, ReportSignatureWrong, ReportForeign, ReportFiguresWrong, and what signatures raise.
    """
    value = _parsed(raw)
    report = value["report"]
    said, signer = address(str(report.get("device")), field="device"), address(str(value.get("key")), field="key")
    named = eip712.health_digest(domain, device=said, t_ms=_ended(report), body=sha256(_bytes(report)))
    public_key = _hex(value.get("publicKey"))
    if type(value.get("alg")) is not int:
        raise ReportMalformed(problem="alg")
    got = signature.recover(
        named, alg=value["alg"], signature=_hex(value.get("signature")), public_keys=(public_key,)
    )  # fmt: skip
    if got != signer:
        raise ReportSignatureWrong(want=signer, got=got)
    for field, want, is_ in (("device", device, said), ("key", key, signer)):
        if want is not None and want != is_:
            raise ReportForeign(field=field, want=want, got=is_)
    _check_figures(report)
    return Checked(report=report, device=said, key=signer)


def _check_figures(report: Mapping[str, Any]) -> None:
    rows, snapshots, severity = report.get("rows"), report.get("snapshots"), report.get("severity")
    if not isinstance(rows, list) or len(rows) > _ROWS_MOST or not isinstance(snapshots, dict):
        raise ReportMalformed(problem="rows or snapshots")
    if type(severity) is not int or report.get("columns") != list(COLUMNS):
        raise ReportMalformed(problem="severity or columns")
    for name, values in snapshots.items():
        if not isinstance(values, list) or any(type(one) is not int for one in values):
            raise ReportMalformed(problem=f"snapshot {name}")
    try:
        made = figures_of(
            [row_of(row) for row in rows], snapshots, cells=_cells(report.get("cells")), severity=severity
        )
    except (ArithmeticError, TypeError, ValueError) as wrong:
        raise ReportMalformed(problem=f"figures cannot be made: {wrong}") from wrong
    told = report.get("figures")
    if not isinstance(told, dict):
        raise ReportMalformed(problem="figures")
    for name in sorted({*made, *told}):
        if made.get(name) != told.get(name):
            raise ReportFiguresWrong(figure=name, want=f"{made.get(name)!s:.120}", got=f"{told.get(name)!s:.120}")


def _cells(value: object) -> CellData | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {one.name for one in fields(CellData)}:
        raise ReportMalformed(problem="cells")
    curve = value["ocv"]
    if not isinstance(curve, list | tuple):
        raise ReportMalformed(problem="cells.ocv")
    return CellData(**{**value, "ocv": tuple(tuple(point) for point in curve)})


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=_no_float)
    except (ValueError, RecursionError) as wrong:
        raise ReportMalformed(problem=str(wrong)) from None
    if not isinstance(value, dict) or not isinstance(value.get("report"), dict):
        raise ReportMalformed(problem="not a report")
    if value["report"].get("v") != 1 or value["report"].get("kind") != "sohTest":
        raise ReportMalformed(problem="version or kind unknown")
    return value


def _no_float(text: str) -> float:
    raise ValueError(f"{text} is no integer")


def _ended(report: Mapping[str, object]) -> int:
    ended = report.get("ended")
    if type(ended) is not int or not 0 <= ended < 1 << 64:
        raise ReportMalformed(problem="ended")
    return ended


def _bytes(report: Mapping[str, object]) -> bytes:
    return json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _hex(value: object) -> bytes:
    try:
        return bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError:
        raise ReportMalformed(problem="not hexadecimal") from None
