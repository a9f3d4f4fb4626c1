// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Calendar} from "./Calendar.sol";

/// @title Recurring windows inside a term (protocol 7): which slots an offer holds in, found by arithmetic, never day by day
library Windows {
    uint256 private constant SLOTS_A_WEEK = 672;
    uint8 private constant ALL_DAYS = 0x7f;

    struct Window {
        uint256 first; // absolute slot
        uint256 end; // exclusive
        uint256 weekdayMask; // bit 0 Monday … bit 6 Sunday
        uint256 dayFirst; // 0 … 95
        uint256 dayEnd; // exclusive, at most 96
    }

    /// @notice Whether a mask and slot range name at least one slot and stay within a local day.
    function sound(uint8 weekdayMask, uint8 dayFirstSlot, uint8 daySlots) internal pure returns (bool) {
        return weekdayMask != 0 && weekdayMask <= ALL_DAYS && daySlots != 0
            && uint256(dayFirstSlot) + daySlots <= Calendar.SLOTS_A_DAY;
    }

    /// @notice Whether the window holds in a slot.
    function holds(Window memory self, uint256 slot) internal pure returns (bool) {
        if (slot < self.first || slot >= self.end) return false;
        (uint256 weekday, uint256 slotOfDay) = Calendar.placeOf(slot);
        return (self.weekdayMask >> weekday) & 1 == 1 && slotOfDay >= self.dayFirst && slotOfDay < self.dayEnd;
    }

    /// @notice First slot at or after `from` on whose weekday and time of day the window holds, its term left aside.
    function nextHeld(Window memory self, uint256 from) internal pure returns (uint256) {
        (uint256 weekday, uint256 slotOfDay) = Calendar.placeOf(from);
        bool today = (self.weekdayMask >> weekday) & 1 == 1;
        if (today && slotOfDay < self.dayEnd) {
            return slotOfDay >= self.dayFirst ? from : from + self.dayFirst - slotOfDay;
        }
        uint256 ahead = 1;
        while ((self.weekdayMask >> ((weekday + ahead) % 7)) & 1 == 0) ++ahead; // at most 7: the mask is not empty
        return from - slotOfDay + ahead * Calendar.SLOTS_A_DAY + self.dayFirst;
    }

    /// @notice How many slots of its term the window holds in: whole weeks by arithmetic, the rest by at most eight days.
    function count(Window memory self) internal pure returns (uint256 held) {
        uint256 weeks_ = (self.end - self.first) / SLOTS_A_WEEK;
        for (uint256 weekday = 0; weekday < 7; ++weekday) held += (self.weekdayMask >> weekday) & 1;
        held *= weeks_ * (self.dayEnd - self.dayFirst);
        uint256 slot = self.first + weeks_ * SLOTS_A_WEEK;
        while (slot < self.end) {
            (uint256 weekday, uint256 slotOfDay) = Calendar.placeOf(slot);
            uint256 dayStart = slot - slotOfDay;
            if ((self.weekdayMask >> weekday) & 1 == 1) {
                uint256 from = Math.max(slot, dayStart + self.dayFirst);
                uint256 to = Math.min(self.end, dayStart + self.dayEnd);
                if (to > from) held += to - from;
            }
            slot = dayStart + Calendar.SLOTS_A_DAY;
        }
    }

    /// @notice First slot at or after `from` that falls on a weekday and slot of the local day.
    function nextPlace(uint256 from, uint256 weekday, uint256 slotOfDay) internal pure returns (uint256) {
        (uint256 atWeekday, uint256 atSlot) = Calendar.placeOf(from);
        uint256 here = atWeekday * Calendar.SLOTS_A_DAY + atSlot;
        uint256 there = weekday * Calendar.SLOTS_A_DAY + slotOfDay;
        return from + (there + SLOTS_A_WEEK - here) % SLOTS_A_WEEK;
    }
}
