// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {
    INPUT_FEE,
    INPUT_GAIN,
    INPUT_LEASE,
    INPUT_PRICE_ROW,
    INPUT_QUANTITY,
    INPUT_SCHEDULE_ROW,
    INPUT_SLOT_TOTAL,
    INPUT_TARIFF_ROW
} from "../types/Leaf.sol";
import {Money} from "./Money.sol";

/// @title What a line amounts to, and the identifiers of what it was computed from (protocol 8.5, 8.6, 8.9.1)
library LineRules {
    int256 private constant FULL_BP = 10_000;

    // ---- amounts ----

    /// @notice What the last Wh cost the group, cents per MWh, where it bought or sold (protocol 8.5.2).
    function actualPrice(int256 poolNetWh, int256 buy, int256 sell, int256 network) internal pure returns (int256) {
        return poolNetWh > 0 ? buy - network : sell;
    }

    /// @notice The price of a balanced group without a planned price: the middle of what is possible.
    function middlePrice(int256 buy, int256 sell, int256 network) internal pure returns (int256) {
        return Money.mulDiv(sell + buy - network, 1, 2);
    }

    /// @notice What the network takes for a PCC's last Wh (protocol 8.5.2).
    function actualAdder(int256 netWh, int256 network) internal pure returns (int256) {
        return netWh < 0 ? network : int256(0);
    }

    /// @notice Wear of discharged energy, as the lessee receives it.
    function wear(int256 plannedWh, int64 wearPrice) internal pure returns (int256) {
        return Money.energyCents(plannedWh > 0 ? -plannedWh : int256(0), wearPrice);
    }

    /// @notice The platform's part of a certified gain, as the member receives it.
    function fee(int64 gainCents, uint32 feeBp) internal pure returns (int256) {
        return -int256(Money.mulDiv(gainCents > 0 ? gainCents : int64(0), int256(uint256(feeBp)), FULL_BP));
    }

    // ---- identifiers of inputs: kind u8 ‖ digest 32 ‖ a u32 ‖ b u32 ----

    function scheduleRow(bytes32 schedule, uint32 station, uint8 slot) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_SCHEDULE_ROW, schedule, station, uint32(slot));
    }

    function priceRow(bytes32 schedule, uint32 group, uint8 slot) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_PRICE_ROW, schedule, group, uint32(slot));
    }

    function gainRow(bytes32 schedule, uint32 member) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_GAIN, schedule, member, uint32(0));
    }

    function tariffRow(bytes32 pack, uint8 slot) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_TARIFF_ROW, pack, uint32(0), uint32(slot));
    }

    function leaseRow(uint32 lease, uint16 version) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_LEASE, bytes32(0), lease, uint32(version));
    }

    function feeRow(bytes32 pack) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_FEE, pack, uint32(0), uint32(0));
    }

    function quantity(uint32 station, uint8 slot) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_QUANTITY, bytes32(0), station, uint32(slot));
    }

    function slotTotal(uint32 group, uint8 slot) internal pure returns (bytes memory) {
        return abi.encodePacked(INPUT_SLOT_TOTAL, bytes32(0), group, uint32(slot));
    }
}
