"""Exact money: one rounding rule and one splitting rule, in signed 64-bit integers (protocol 8.1.1, 8.1.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from alliance.errors import Refused

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)

WH_PER_MWH = 1_000_000

Key = TypeVar("Key", bound=int)


@dataclass(kw_only=True, eq=False)
class DivisorNotPositive(Refused):
    """A quotient was asked for with a divisor of zero or less."""

    divisor: int


@dataclass(kw_only=True, eq=False)
class BeyondInt64(Refused):
    """A result does not fit in a signed 64-bit integer."""

    value: int


@dataclass(kw_only=True, eq=False)
class NobodyToShare(Refused):
    """An amount was to be split among no accounts at all."""

    total: int


@dataclass(kw_only=True, eq=False)
class WeightNegative(Refused):
    """A weight of a split is below zero."""

    key: int
    weight: int


def mul_div(a: int, b: int, c: int) -> int:
    """a · b / c, rounded once, half away from zero (protocol 8.1.2).

    The product is exact; c > 0. Raises DivisorNotPositive, and BeyondInt64 if the result needs more than 64 bits.
    """
    if c <= 0:
        raise DivisorNotPositive(divisor=c)
    product = a * b
    magnitude = (2 * abs(product) + c) // (2 * c)
    return int64(magnitude if product >= 0 else -magnitude)


def energy_cents(energy_wh: int, price_cents_per_mwh: int) -> int:
    """What an energy costs at a price, cents; the sign is the product's."""
    return mul_div(energy_wh, price_cents_per_mwh, WH_PER_MWH)


def int64(value: int) -> int:
    """The value itself. Raises BeyondInt64 if it does not fit in a signed 64-bit integer."""
    if not INT64_MIN <= value <= INT64_MAX:
        raise BeyondInt64(value=value)
    return value


def largest_remainder(total: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """Split a total so that the parts sum to it exactly (protocol 8.1.2).

    Each identifier gets the floor of |total| · w / W; what is left goes out one by one by larger remainder, ties to the
    lower identifier; the sign is restored. All weights 0 = equal weights. The result is in order of identifier.
    Raises NobodyToShare and WeightNegative.
    """
    shares = _usable(total, weights)
    whole = sum(shares.values())
    floors = {key: abs(total) * weight // whole for key, weight in shares.items()}
    left = abs(total) - sum(floors.values())
    by_remainder = sorted(shares, key=lambda key: (-(abs(total) * shares[key] % whole), key))
    for key in by_remainder[:left]:
        floors[key] += 1
    return {key: part if total >= 0 else -part for key, part in floors.items()}


def _usable(total: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    if not weights:
        raise NobodyToShare(total=total)
    ordered = {key: weights[key] for key in sorted(weights)}
    for key, weight in ordered.items():
        if weight < 0:
            raise WeightNegative(key=key, weight=weight)
    return ordered if any(ordered.values()) else dict.fromkeys(ordered, 1)
