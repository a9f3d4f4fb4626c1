"""Signed meter values in the Open Charge Metering Format (OCMF 1.x), taken in as evidence (protocol 2.8).

`OCMF|payload|signature`: both JSON, the signature ECDSA with SHA-256 over the payload's bytes as they are. The meter's
key comes by another way. What is taken in settles nothing: our rules settle readings of bound channels alone.

OcmfMalformed  (Malformed)    a record that cannot be read, named by line and field
OcmfForged     (Refused)      the signature is not that key's over these bytes
OcmfKeyUnfit   (Refused)      the record names another curve than the key's, or one too weak
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from alliance.errors import Malformed, Refused
from edge.devices.points import round_half_away

_CURVES = {
    "ECDSA-secp256r1-SHA256": "secp256r1",
    "ECDSA-secp256k1-SHA256": "secp256k1",
    "ECDSA-secp384r1-SHA256": "secp384r1",
    "ECDSA-brainpool256r1-SHA256": "brainpoolP256r1",
    "ECDSA-brainpool384r1-SHA256": "brainpoolP384r1",
}
_DEFAULT = "ECDSA-secp256r1-SHA256"
_WH = {"kWh": 1_000, "Wh": 1}
_DIRECTIONS = {"1.8.": "import", "2.8.": "export"}
_INHERITED = ("TM", "RI", "RU", "RT", "EF", "ST")
"""A later reading of a record that leaves these out means those of the one before."""
_GOOD = "G"
_SYNCHRONISED = "S"
_LONGEST = 1 << 16


@dataclass(kw_only=True, eq=False)
class OcmfMalformed(Malformed):
    """A record cannot be read."""

    line: int
    field: str
    problem: str


@dataclass(kw_only=True, eq=False)
class OcmfForged(Refused):
    """A record's signature is not that of the key over these bytes."""

    line: int


@dataclass(kw_only=True, eq=False)
class OcmfKeyUnfit(Refused):
    """A record is signed by an algorithm that the key is not for, or that is not taken: 192 bits are too few."""

    line: int
    algorithm: str
    curve: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterValue:
    """One reading of a record. `energy_wh` is None where the unit is no energy; a register, or a transaction's own."""

    t_ms: int
    synchronised: bool
    event: str
    """TX: B begin, C charging, E end, …; "" where not said."""
    obis: str
    direction: str
    """`import` for OBIS 1.8, `export` for 2.8, else `other`."""
    energy_wh: int | None
    status: str
    """ST: G is good; anything else is told and no value to rely on."""
    errors: str
    """EF: E energy, t time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A record whose signature holds."""

    text: str
    algorithm: str
    meter: str
    """Maker, model and serial number."""
    gateway: str
    page: str
    """PG: T or F and a number; the numbers of one kind follow each other without a gap."""
    values: tuple[MeterValue, ...]


def read_key(data: bytes) -> ec.EllipticCurvePublicKey:
    """A meter's public key: PEM, DER, or DER as hexadecimal. Raises OcmfMalformed."""
    try:
        if data.lstrip().startswith(b"-----"):
            key = load_pem_public_key(data)
        else:
            key = load_der_public_key(data if data[:1] == b"\x30" and data[1:2] > b"9" else _unhexed(data))
    except (ValueError, UnsupportedAlgorithm) as failure:
        raise OcmfMalformed(line=0, field="key", problem=str(failure)[:120]) from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise OcmfMalformed(line=0, field="key", problem="no key of an elliptic curve")
    return key


def read_records(text: str, *, key: ec.EllipticCurvePublicKey) -> tuple[Record, ...]:
    """Every record of a text, one a line, each checked. Raises OcmfMalformed, OcmfForged, OcmfKeyUnfit."""
    lines = [(n, line.strip()) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]
    return tuple(_record(n, line, key) for n, line in lines)


def evidence(records: Sequence[Record], *, key: ec.EllipticCurvePublicKey) -> dict[str, object]:
    """The document that is kept: records as they came, what they say, what is missing between them, the key's curve."""
    return {
        "format": "OCMF",
        "settles": False,
        "curve": key.curve.name,
        "records": [
            {
                "sha256": sha256(record.text.encode()).hexdigest(),
                "algorithm": record.algorithm,
                "meter": record.meter,
                "gateway": record.gateway,
                "page": record.page,
                "values": [
                    {
                        "t": value.t_ms, "synchronised": value.synchronised, "event": value.event, "obis": value.obis,
                        "direction": value.direction, "energyWh": value.energy_wh, "status": value.status,
                        "errors": value.errors,
                    }
                    for value in record.values
                ],
                "text": record.text,
            }
            for record in records
        ],
        "doubts": list(doubts(records)),
    }  # fmt: skip


def doubts(records: Sequence[Record]) -> tuple[str, ...]:
    """What is odd about a sequence: pages missing or twice, registers that fall, times that run back, bad states."""
    found: list[str] = []
    pages: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], MeterValue] = {}
    for n, record in enumerate(records, start=1):
        series, number = (record.meter, record.page[:1]), int(record.page[1:])
        if series in pages and number != pages[series] + 1:
            found.append(f"record {n}: page {record.page} after {record.page[:1]}{pages[series]}")
        pages[series] = number
        for value in record.values:
            where = (record.meter, value.obis)
            found += [f"record {n}: {problem}" for problem in _oddities(last.get(where), value)]
            last[where] = value
    return tuple(found)


def _oddities(before: MeterValue | None, value: MeterValue) -> list[str]:
    found = []
    if value.status != _GOOD or value.errors:
        found.append(f"{value.obis}: state {value.status}, errors {value.errors or 'none'}")
    if before is None:
        return found
    if value.t_ms < before.t_ms:
        found.append(f"{value.obis}: time runs back by {before.t_ms - value.t_ms} ms")
    if value.energy_wh is not None and before.energy_wh is not None and value.energy_wh < before.energy_wh:
        found.append(f"{value.obis}: falls from {before.energy_wh} to {value.energy_wh} Wh")
    return found


def _record(line: int, text: str, key: ec.EllipticCurvePublicKey) -> Record:
    head, _, rest = text.partition("|")
    payload, bar, signature = rest.rpartition("|")
    if head != "OCMF" or not bar or len(text) > _LONGEST:
        raise OcmfMalformed(line=line, field="", problem="want OCMF|payload|signature on one line")
    signed, body = _object(signature, line, "signature"), _object(payload, line, "payload")
    algorithm = str(signed.get("SA", _DEFAULT))
    if _CURVES.get(algorithm) != key.curve.name:
        raise OcmfKeyUnfit(line=line, algorithm=algorithm, curve=key.curve.name)
    if signed.get("SE", "hex") != "hex":
        raise OcmfMalformed(line=line, field="SE", problem="only hex is read")
    try:
        key.verify(_unhexed(_text(signed, "SD", line).encode()), payload.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise OcmfForged(line=line) from None
    except ValueError:
        raise OcmfMalformed(line=line, field="SD", problem="not hexadecimal") from None
    page = _text(body, "PG", line)
    if page[:1] not in ("T", "F") or not page[1:].isdecimal() or len(page) > 20:
        raise OcmfMalformed(line=line, field="PG", problem="want T or F and a number")
    return Record(
        text=text,
        algorithm=algorithm,
        meter=" ".join(str(body[name]) for name in ("MV", "MM", "MS") if body.get(name)),
        gateway=" ".join(str(body[name]) for name in ("GI", "GS") if body.get(name)),
        page=page,
        values=_values(body, line),
    )


def _values(body: Mapping[str, Any], line: int) -> tuple[MeterValue, ...]:
    readings = body.get("RD")
    if not isinstance(readings, list) or not readings or not all(isinstance(r, dict) for r in readings):
        raise OcmfMalformed(line=line, field="RD", problem="want a list of readings")
    values: list[MeterValue] = []
    held: dict[str, Any] = {}
    for reading in readings:
        held = {**{name: held[name] for name in _INHERITED if name in held}, **reading}
        values.append(_value(held, line))
    return tuple(values)


def _value(reading: Mapping[str, Any], line: int) -> MeterValue:
    obis, unit, number = str(reading.get("RI", "")), str(reading.get("RU", "")), reading.get("RV")
    if isinstance(number, bool) or not isinstance(number, int | Decimal) or not -(10**15) < number < 10**15:
        raise OcmfMalformed(line=line, field="RV", problem="want a number")
    t_ms, status = _time(_text(reading, "TM", line), line)
    group = obis.rpartition(":")[2]
    return MeterValue(
        t_ms=t_ms,
        synchronised=status == _SYNCHRONISED,
        event=str(reading.get("TX", "")),
        obis=obis,
        direction=next((way for start, way in _DIRECTIONS.items() if group.startswith(start)), "other"),
        energy_wh=round_half_away(Fraction(number) * _WH[unit]) if unit in _WH else None,
        status=_text(reading, "ST", line),
        errors=str(reading.get("EF", "")),
    )


def _time(text: str, line: int) -> tuple[int, str]:
    """`2026-07-24T13:22:04,000+0200 S` as UTC milliseconds and the clock's state."""
    moment, _, status = text.partition(" ")
    try:
        at = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S,%f%z")
    except ValueError:
        raise OcmfMalformed(line=line, field="TM", problem="want 2026-07-24T13:22:04,000+0200 S") from None
    if status not in ("U", "I", "S", "R"):
        raise OcmfMalformed(line=line, field="TM", problem="the clock's state is U, I, S or R")
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (at - epoch) // timedelta(milliseconds=1), status


def _object(text: str, line: int, field: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError):
        raise OcmfMalformed(line=line, field=field, problem="no JSON") from None
    if not isinstance(value, dict):
        raise OcmfMalformed(line=line, field=field, problem="not an object")
    return value


def _text(body: Mapping[str, Any], name: str, line: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise OcmfMalformed(line=line, field=name, problem="missing, or no text")
    return value


def _unhexed(data: bytes) -> bytes:
    return bytes.fromhex(data.decode("ascii", errors="replace").strip())
