"""JSON point messages of MQTT devices, as common Chinese energy-management systems send them (docs/devices.md).

`<prefix>/<device>/data`  {"sn": "EMS-1", "time": 1789000000000, "data": {"P_AC": -400.0, "SOC": 55.2, "ALM": 0}}
`<prefix>/<device>/set`   {"id": "…", "time": …, "expires": …, "data": {"P_SET": -400.0}}
`<prefix>/<device>/reply` {"id": "…", "code": 0, "message": ""}; any other code refuses
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from alliance.errors import Malformed
from edge.devices.station import DeviceError

LONGEST_BYTES = 1 << 18
_LATEST_MS = 1 << 52
_SHOWN = 80


@dataclass(kw_only=True, eq=False)
class MessageMalformed(DeviceError, Malformed):
    """A device's message is not what it must be; what was known before stays."""

    topic: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMessage:
    """A device's points: raw values by field; None where it says null."""

    serial: str
    t_ms: int
    fields: Mapping[str, int | Fraction | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A device's answer to an order."""

    id: str
    code: int
    message: str


def data_message(payload: bytes, *, topic: str) -> DataMessage:
    """Read a data message. Raises MessageMalformed."""
    value = _object(payload, topic)
    serial, t_ms, data = value.get("sn", ""), value.get("time"), value.get("data")
    if not isinstance(serial, str) or not _is_integer(t_ms) or not isinstance(data, dict):
        raise MessageMalformed(topic=topic, problem='want {"sn": text, "time": ms, "data": {…}}')
    return DataMessage(
        serial=serial, t_ms=int(str(t_ms)), fields={name: _number(name, held, topic) for name, held in data.items()}
    )


def reply(payload: bytes, *, topic: str) -> Reply:
    """Read an answer. Raises MessageMalformed."""
    value = _object(payload, topic)
    number, code, message = value.get("id"), value.get("code"), value.get("message", "")
    if not isinstance(number, str) or not _is_integer(code) or not isinstance(message, str):
        raise MessageMalformed(topic=topic, problem='want {"id": text, "code": integer, "message": text}')
    return Reply(id=number, code=int(str(code)), message=message[:_SHOWN])


def order(*, id: str, t_ms: int, expires_ms: int, values: Mapping[str, int | Fraction]) -> bytes:
    """Write an order; numbers that no decimal ends are cut at twelve digits."""
    data = {name: int(value) if value.denominator == 1 else float(value) for name, value in values.items()}
    return json.dumps({"id": id, "time": t_ms, "expires": expires_ms, "data": data}, separators=(",", ":")).encode()


def _object(payload: bytes, topic: str) -> dict[str, object]:
    if len(payload) > LONGEST_BYTES:
        raise MessageMalformed(topic=topic, problem=f"{len(payload)} bytes, at most {LONGEST_BYTES}")
    try:
        value = json.loads(payload, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, ArithmeticError) as failure:
        raise MessageMalformed(topic=topic, problem=f"no JSON: {str(failure)[:_SHOWN]}") from None
    if not isinstance(value, dict):
        raise MessageMalformed(topic=topic, problem="not an object")
    return value


def _number(name: str, value: object, topic: str) -> int | Fraction | None:
    match value:
        case None:
            return None
        case bool():
            return int(value)
        case int() if abs(value) < 1 << 64:
            return value
        case Decimal() if -18 <= value.adjusted() <= 18 or value == 0:
            return Fraction(value)
    raise MessageMalformed(topic=topic, problem=f"{name[:_SHOWN]}: no number of at most 19 digits")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LATEST_MS < value < _LATEST_MS


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")
