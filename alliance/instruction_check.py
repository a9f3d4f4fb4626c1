"""Recompute every watt of an instruction's record, without the code that made it (protocol 9.8.6).

Takes the plain JSON values. A split is right if no watt could have gone to a station that comes before the one that got
it: there is one such split alone, so nothing needs to be searched.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from alliance.errors import Refused

_TOP = {"v", "id", "call", "issuedMs", "durationS", "staleAfterMs", "targetW", "method", "parent", "stations",
        "shortfallW", "digest", "seed"}  # fmt: skip
_OFFER = {"station", "capUpW", "capUpBy", "capDownW", "capDownBy", "weight", "price", "lastTurn"}
_RESULT = {"givenW", "boundBy", "turn"}
_METHODS = ("fair", "merit", "proportional")
_EXCLUDED = ("stale", "unavailable")
_LIMITS = {"power", "soc", "pcc", "declared", "stale", "unavailable"}
_HIGH = {"station": 2**32 - 1, "capUpW": 10**12, "capDownW": 10**12, "weight": 10**6, "price": 10**9, "lastTurn": 2**40}
_TOP_HIGH = {"call": 2**40, "issuedMs": 2**53 - 1, "durationS": 86_400, "staleAfterMs": 2**53 - 1}
_FROM_ONE = {"station", "weight", "call", "durationS"}

_HEX32 = re.compile("0x[0-9a-f]{64}")

_Row = Mapping[str, Any]
_Key = tuple[tuple[Any, ...], tuple[int, int]]
"""A station's next or last watt: its class, and its place among equals."""


@dataclass(kw_only=True, eq=False)
class RecordWrong(Refused):
    """A record does not say what its own figures make of it; `station` is 0 where it is no station's row."""

    station: int
    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a record that holds says."""

    target_w: int
    given_w: int
    shortfall_w: int
    stations: int
    excluded: int


def check(record: object) -> Checked:
    """Check a record: its form, digest and seed, caps, conservation, the method's order, reasons and turns.

    Raises RecordWrong with the first thing that is wrong.
    """
    top = _form(record)
    rows, target, method = top["stations"], top["targetW"], top["method"]
    _same("digest", _digest(top), top["digest"])
    _same("seed", _seed(top), top["seed"])
    sign, way = (1, "capUp") if target >= 0 else (-1, "capDown")
    caps, gives = [row[f"{way}W"] for row in rows], [sign * row["givenW"] for row in rows]
    _conserved(top, rows, caps, gives, sign)
    start = int(top["seed"], 16) % max(1, len(rows))
    ties = [(row["lastTurn"], (at - start) % len(rows)) for at, row in enumerate(rows)]
    turns = _turns(rows, caps, gives, ties, method)
    for row, cap, gives_w, turn in zip(rows, caps, gives, turns, strict=True):
        want = row[f"{way}By"] if gives_w == cap else "merit" if method == "merit" else "share"
        _same("boundBy", want, row["boundBy"], row["station"])
        _same("turn", turn, row["turn"], row["station"])
    return Checked(
        target_w=target,
        given_w=target - top["shortfallW"],
        shortfall_w=top["shortfallW"],
        stations=len(rows),
        excluded=sum(row["capUpBy"] in _EXCLUDED for row in rows),
    )


def _conserved(top: _Row, rows: Sequence[_Row], caps: Sequence[int], gives: Sequence[int], sign: int) -> None:
    """Nobody gives more than its cap, nothing is lost, and nothing is missing while somebody could give more."""
    for row, cap, gives_w in zip(rows, caps, gives, strict=True):
        _require(0 <= gives_w <= cap, "givenW", f"0…{cap} in the target's direction", gives_w, row["station"])
    short = top["shortfallW"]
    _same("shortfallW", top["targetW"] - sign * sum(gives), short)
    _require(sign * short >= 0, "shortfallW", "0 or of the target's sign", short)
    for row, cap, gives_w in zip(rows, caps, gives, strict=True):
        _require(short == 0 or gives_w == cap, "givenW", f"{cap}: something is missing", gives_w, row["station"])


def check_state(row: _Row, state: _Row, *, record: _Row) -> None:
    """Check a row's caps against the measured state that they are said to come from. Raises RecordWrong."""
    station = row["station"]
    _same("station", station, state["station"], station)
    b, p, hours = state["batteryPowerW"], state["powerW"], Fraction(record["durationS"], 3600)
    content, room = (
        Fraction(span * state["capacityWh"], 10_000) / hours
        for span in (state["socBp"] - state["socMinBp"], state["socMaxBp"] - state["socBp"])
    )
    up = {"power": state["dischargePowerW"] - b, "soc": content * state["etaDPpm"] // 10**6 - b,
          "pcc": state["pccExportW"] - p}  # fmt: skip
    down = {"power": state["chargePowerW"] + b, "soc": room * 10**6 // state["etaCPpm"] + b,
            "pcc": state["pccImportW"] + p}  # fmt: skip
    stale = abs(record["issuedMs"] - state["tMs"]) > record["staleAfterMs"]
    for name, limits in (("capUp", up), ("capDown", down)):
        by = "stale" if stale else min(limits, key=lambda one: limits[one])  # used at once
        _same(f"{name}By", by, row[f"{name}By"], station)
        _same(f"{name}W", 0 if stale else min(10**12, max(0, limits[by])), row[f"{name}W"], station)


def ordered_w(row: _Row, state: _Row) -> int:
    """The power that a row orders at the battery's AC side: what it did when it was measured, and what it now gives."""
    return int(state["batteryPowerW"]) + int(row["givenW"])


# ---- the order in which watts go out ----


def _turns(
    rows: Sequence[_Row], caps: Sequence[int], gives: Sequence[int], ties: Sequence[tuple[int, int]], method: str
) -> list[bool]:
    """Who went before an equal one. Raises RecordWrong where a watt went to one that comes later than another."""
    whole, total = sum(caps), sum(gives)
    took: dict[int, _Key] = {}
    waits: dict[int, _Key] = {}
    for at, (row, cap, gives_w) in enumerate(zip(rows, caps, gives, strict=True)):
        if method == "proportional":
            floor, rest = divmod(total * cap, max(1, whole))
            _require(gives_w in (floor, floor + 1), "givenW", f"{floor} or one more", gives_w, row["station"])
            (took if gives_w > floor else waits)[at] = ((-rest,), ties[at])
            continue
        if gives_w > 0:
            level = Fraction(gives_w - 1, row["weight"])
            took[at] = ((row["price"],) if method == "merit" else (level, row["weight"]), ties[at])
        if gives_w < cap:
            level = Fraction(gives_w, row["weight"])
            waits[at] = ((row["price"],) if method == "merit" else (level, row["weight"]), ties[at])
    if not took or not waits:
        return [False] * len(rows)
    latest, first = max(took, key=took.__getitem__), min(waits, key=waits.__getitem__)
    before = f"less: station {rows[first]['station']} comes before"
    _require(took[latest] <= waits[first], "givenW", before, gives[latest], rows[latest]["station"])
    marginal = waits[first][0]
    end = max(key for key in waits.values() if key[0] == marginal)
    return [at in took and took[at][0] == marginal and took[at] < end for at in range(len(rows))]


# ---- form ----


def _form(record: object) -> dict[str, Any]:
    _require(isinstance(record, dict) and set(record) == _TOP, "", f"the names {sorted(_TOP)}", type(record).__name__)
    assert isinstance(record, dict)
    _require(type(record["v"]) is int and record["v"] == 1, "v", "1", record["v"])
    _require(type(record["id"]) is str and 1 <= len(record["id"]) <= 80, "id", "1…80 characters", record["id"])
    for name, high in _TOP_HIGH.items():
        _integer(record, name, int(name in _FROM_ONE), high, 0)
    for name in ("targetW", "shortfallW"):
        _integer(record, name, -(10**15), 10**15, 0)
    _require(record["method"] in _METHODS, "method", ", ".join(_METHODS), record["method"])
    for name in ("digest", "seed", *(("parent",) if record["parent"] is not None else ())):
        _require(_is_hex32(record[name]), name, "0x and 64 lower-case hex digits", record[name])
    _require(type(record["stations"]) is list and len(record["stations"]) <= 10**6, "stations", "a list", "")
    before = 0
    for row in record["stations"]:
        _row(row)
        _require(row["station"] > before, "station", f"above {before}", row["station"], row["station"])
        before = row["station"]
    return record


def _row(row: object) -> None:
    names = _OFFER | _RESULT
    _require(isinstance(row, dict) and set(row) == names, "stations", f"the names {sorted(names)}", row)
    assert isinstance(row, dict)
    for name, high in _HIGH.items():
        _integer(row, name, -high if name == "price" else int(name in _FROM_ONE), high, row["station"])
    _integer(row, "givenW", -(10**12), 10**12, row["station"])
    _require(type(row["turn"]) is bool, "turn", "true or false", row["turn"], row["station"])
    for name in ("capUp", "capDown"):
        by = row[f"{name}By"]
        _require(type(by) is str and by in _LIMITS, f"{name}By", ", ".join(sorted(_LIMITS)), by, row["station"])
        _require(by not in _EXCLUDED or row[f"{name}W"] == 0, f"{name}W", f"0: {by}", row[f"{name}W"])


def _integer(values: _Row, name: str, low: int, high: int, station: object) -> None:
    value = values[name]
    _require(type(value) is int and low <= value <= high, name, f"{low}…{high}", value, station)


def _is_hex32(text: object) -> bool:
    return isinstance(text, str) and _HEX32.fullmatch(text) is not None


def _digest(top: _Row) -> str:
    inputs = {name: value for name, value in top.items() if name not in ("shortfallW", "digest", "seed")}
    inputs["stations"] = [{name: row[name] for name in _OFFER} for row in top["stations"]]
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "0x" + hashlib.sha256(text.encode()).hexdigest()


def _seed(top: _Row) -> str:
    named = bytes.fromhex(top["digest"][2:]) + top["call"].to_bytes(8, "big")
    return "0x" + hashlib.sha256(named).hexdigest()


def _same(field: str, expected: object, got: object, station: object = 0) -> None:
    _require(expected == got, field, expected, got, station)


def _require(holds: bool, field: str, expected: object, got: object, station: object = 0) -> None:
    if not holds:
        number = station if type(station) is int else 0
        raise RecordWrong(station=number, field=field, expected=str(expected), got=str(got)[:80])
