// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Days and slots (protocol 1.3): a day is local to Asia/Shanghai (UTC+8, no daylight saving), a slot is 15 minutes UTC
library Calendar {
    uint256 internal constant ZONE_OFFSET_SECONDS = 8 hours;
    uint256 internal constant SLOT_SECONDS = 15 minutes;
    uint256 internal constant SLOTS_A_DAY = 96;
    uint256 internal constant ZONE_OFFSET_SLOTS = 32;

    /// @notice Number of the local day (since 1970-01-01) in which an instant lies.
    function dayAt(uint256 time) internal pure returns (uint32) {
        return uint32((time + ZONE_OFFSET_SECONDS) / 1 days);
    }

    /// @notice Unix seconds at which a local day ends.
    function endOf(uint32 day) internal pure returns (uint256) {
        return (uint256(day) + 1) * 1 days - ZONE_OFFSET_SECONDS;
    }

    /// @notice Number of the slot (since 1970 UTC) in which an instant lies.
    function slotAt(uint256 time) internal pure returns (uint32) {
        return uint32(time / SLOT_SECONDS);
    }

    /// @notice Local weekday (0 Monday … 6 Sunday) and number in the local day (0 … 95) of an absolute slot.
    function placeOf(uint256 slot) internal pure returns (uint256 weekday, uint256 slotOfDay) {
        uint256 local = slot + ZONE_OFFSET_SLOTS;
        weekday = (local / SLOTS_A_DAY + 3) % 7; // 1970-01-01 was a Thursday
        slotOfDay = local % SLOTS_A_DAY;
    }

    /// @notice Month (1 … 12) in which a local day lies: the civil calendar in integers, counted from 1 March of a leap cycle.
    function monthOf(uint32 day) internal pure returns (uint256) {
        uint256 ofEra = (uint256(day) + 719_468) % 146_097; // 400 years; 719,468 days from 0000-03-01 to 1970-01-01
        uint256 year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365;
        uint256 ofYear = ofEra - (365 * year + year / 4 - year / 100);
        uint256 fromMarch = (5 * ofYear + 2) / 153;
        return fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
    }

    /// @notice Absolute number of a local day's slot 0.
    function firstSlotOf(uint32 day) internal pure returns (uint256) {
        return uint256(day) * SLOTS_A_DAY - ZONE_OFFSET_SLOTS;
    }
}
