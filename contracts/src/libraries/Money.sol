// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Exact money (protocol 8.1.2): one rounding rule and one splitting rule, as `alliance/money.py` has them
library Money {
    int256 private constant WH_PER_MWH = 1_000_000;

    error MoneyBeyondInt64(int256 value);
    error MoneyDivisorNotPositive(int256 divisor);
    error MoneyWeightsMissing();

    /// @notice a · b / c, rounded once, half away from zero. a and b need no more than 127 bits each.
    function mulDiv(int256 a, int256 b, int256 c) internal pure returns (int64) {
        if (c <= 0) revert MoneyDivisorNotPositive(c);
        int256 product = a * b;
        int256 magnitude = (2 * (product < 0 ? -product : product) + c) / (2 * c);
        return toInt64(product < 0 ? -magnitude : magnitude);
    }

    /// @notice What an energy costs at a price, cents.
    function energyCents(int256 energyWh, int256 priceCentsPerMwh) internal pure returns (int64) {
        return mulDiv(energyWh, priceCentsPerMwh, WH_PER_MWH);
    }

    /// @notice Part number `place` of `count` equal parts of a total: the first ones take what does not divide.
    function equalPart(int256 total, uint256 place, uint256 count) internal pure returns (int64) {
        uint256 magnitude = uint256(total < 0 ? -total : total);
        uint256 part = magnitude / count + (place < magnitude % count ? 1 : 0);
        return toInt64(total < 0 ? -int256(part) : int256(part));
    }

    /// @notice The share at `place` when a total is split by weights (largest remainder, ties to the lower place; all weights
    /// 0: equal weights).
    function share(int256 total, uint256 place, uint64[] memory weights) internal pure returns (int64) {
        uint256 magnitude = uint256(total < 0 ? -total : total);
        uint256 whole = _sum(weights);
        if (whole == 0) return equalPart(total, place, weights.length);
        (uint256 mine, uint256 myRemainder) = _floor(magnitude, weights[place], whole);
        uint256 left = magnitude;
        uint256 before = 0; // others that are served first when what is left goes out
        for (uint256 i = 0; i < weights.length; ++i) {
            (uint256 floor, uint256 remainder) = _floor(magnitude, weights[i], whole);
            left -= floor;
            if (remainder > myRemainder || (remainder == myRemainder && i < place)) ++before;
        }
        if (before < left) ++mine;
        return toInt64(total < 0 ? -int256(mine) : int256(mine));
    }

    function toInt64(int256 value) internal pure returns (int64) {
        if (value < type(int64).min || value > type(int64).max) revert MoneyBeyondInt64(value);
        return int64(value);
    }

    function _sum(uint64[] memory weights) private pure returns (uint256 sum) {
        if (weights.length == 0) revert MoneyWeightsMissing();
        for (uint256 i = 0; i < weights.length; ++i) sum += weights[i];
    }

    function _floor(uint256 magnitude, uint256 weight, uint256 whole) private pure returns (uint256, uint256) {
        uint256 product = magnitude * weight;
        return (product / whole, product % whole);
    }
}
