"""Rounding and splitting (protocol 8.1.2)."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.money import (
    INT64_MAX,
    BeyondInt64,
    DivisorNotPositive,
    NobodyToShare,
    WeightNegative,
    largest_remainder,
    mul_div,
)

INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("a", "b", "c", "want"),
    [(5, 1, 2, 3), (-5, 1, 2, -3), (5, -1, 2, -3), (1, 1, 3, 0), (2, 1, 3, 1), (-1, 1, 2, -1), (0, -7, 2, 0)],
)
def test_half_goes_away_from_zero_when_divided(a: int, b: int, c: int, want: int) -> None:
    assert mul_div(a, b, c) == want


@given(st.integers(-(10**12), 10**12), st.integers(-(10**6), 10**6), st.integers(1, 10**9))
def test_quotient_equals_decimal_rounding_when_divided(a: int, b: int, c: int) -> None:
    exact = Fraction(a * b, c)
    assert abs(mul_div(a, b, c) - exact) <= Fraction(1, 2)
    if (2 * exact).denominator == 1:
        assert mul_div(a, b, c) == (Decimal(a * b) / Decimal(c)).quantize(Decimal(1), ROUND_HALF_UP)


@given(INT64, INT64, st.integers(1, 2**63 - 1))
def test_quotient_is_odd_in_its_sign_when_it_fits(a: int, b: int, c: int) -> None:
    if abs(a * b) // c < INT64_MAX:
        assert mul_div(a, b, c) == -mul_div(-a, b, c)


def test_quotient_is_refused_when_it_needs_more_than_64_bits() -> None:
    assert mul_div(INT64_MAX, INT64_MAX, INT64_MAX) == INT64_MAX
    with pytest.raises(BeyondInt64):
        mul_div(INT64_MAX, 2, 1)


@pytest.mark.parametrize("divisor", [0, -1])
def test_quotient_is_refused_when_the_divisor_is_not_positive(divisor: int) -> None:
    with pytest.raises(DivisorNotPositive):
        mul_div(1, 1, divisor)


WEIGHTS = st.dictionaries(st.integers(1, 10**6), st.integers(0, 10**12), min_size=1, max_size=12)


@given(st.integers(-(10**12), 10**12), WEIGHTS)
def test_parts_sum_to_the_total_when_split(total: int, weights: dict[int, int]) -> None:
    parts = largest_remainder(total, weights)
    assert sum(parts.values()) == total
    assert list(parts) == sorted(weights)
    whole = sum(weights.values())
    if whole:
        assert all(abs(parts[k] - Fraction(total * w, whole)) < 1 for k, w in weights.items())
    assert largest_remainder(-total, weights) == {k: -v for k, v in parts.items()}


def test_ties_go_to_the_lower_identifier_when_split() -> None:
    assert largest_remainder(2, {7: 1, 3: 1, 5: 1}) == {3: 1, 5: 1, 7: 0}
    assert largest_remainder(-2, {7: 1, 3: 1, 5: 1}) == {3: -1, 5: -1, 7: 0}


def test_shares_are_equal_when_all_weights_are_zero() -> None:
    assert largest_remainder(7, {1: 0, 2: 0}) == {1: 4, 2: 3}


def test_split_is_refused_when_nobody_shares_or_a_weight_is_negative() -> None:
    with pytest.raises(NobodyToShare):
        largest_remainder(1, {})
    with pytest.raises(WeightNegative):
        largest_remainder(1, {1: 2, 2: -1})


def test_day_of_the_example_is_split_when_weights_are_energies() -> None:
    assert largest_remainder(131, {1: 379_700, 2: 487_650, 3: 420_301}) == {1: 39, 2: 49, 3: 43}
