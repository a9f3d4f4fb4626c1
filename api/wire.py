"""How values look in JSON (protocol 10.3): camelCase, bytes as 0x-hex, cents and 64-bit integers as decimal texts."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from alliance.identity import address, digest, to_hex

T = TypeVar("T")

SAFE_INTEGER = (1 << 53) - 1
"""The largest integer that every JSON reader keeps exactly."""
MOST_STATION = (1 << 32) - 1
"""The largest number that a station may have (protocol 1.5)."""

StationNumber = Annotated[int, Field(ge=0, le=MOST_STATION)]
"""A station's number in a path or query."""


def _outside(name: str) -> str:
    return to_camel(name.rstrip("_"))


class Wire(BaseModel):
    """Base of every request and response body: strict, closed, camelCase outside (`from_` is `from`)."""

    model_config = ConfigDict(
        alias_generator=_outside,
        populate_by_name=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
    )


def _integer(value: object) -> object:
    if isinstance(value, str) and value.removeprefix("-").isdecimal() and value.isascii():
        return int(value)
    return value


def _address(value: object) -> object:
    return address(value) if isinstance(value, str) else value


def _digest(value: object) -> object:
    return digest(value) if isinstance(value, str) else value


def _bytes(value: object) -> object:
    return bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value


_DECIMAL = WithJsonSchema({"type": "string", "pattern": "^-?[0-9]+$"})

Cents = Annotated[int, BeforeValidator(_integer), PlainSerializer(str, return_type=str), _DECIMAL]
"""Money in CNY cents, a decimal text."""

BigInt = Annotated[int, BeforeValidator(_integer), PlainSerializer(str, return_type=str), _DECIMAL]
"""An integer that may exceed 2^53, a decimal text."""

Hex20 = Annotated[
    bytes, BeforeValidator(_address), PlainSerializer(to_hex, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-f]{40}$"}),
]  # fmt: skip
"""An address."""

Hex32 = Annotated[
    bytes, BeforeValidator(_digest), PlainSerializer(to_hex, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-f]{64}$"}),
]  # fmt: skip
"""A digest."""

HexBytes = Annotated[
    bytes, BeforeValidator(_bytes), PlainSerializer(to_hex, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^0x([0-9a-f]{2})*$"}),
]  # fmt: skip
"""Bytes of any length."""

Milliseconds = Annotated[int, Field(ge=0, le=SAFE_INTEGER)]
"""UTC milliseconds since 1970."""


class Page(Wire, Generic[T]):
    """One page of a list; `next` is the cursor of the following page, null on the last."""

    items: tuple[T, ...]
    next: str | None
