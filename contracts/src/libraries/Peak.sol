// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Windows} from "./Windows.sol";

/// @title Where what is taken would exceed what is there (protocol 7): exact, for power and energy separately
/// @notice A sum of windows can only rise where a term starts or where a window of the day opens; those slots are all that is
/// looked at, so that no instant is missed and no calendar is walked.
library Peak {
    using Windows for Windows.Window;

    struct Part {
        Windows.Window window;
        uint256 powerW;
        uint256 energyWh;
    }

    /// @notice The earliest slot found in which the parts exceed a limit; `slot` is meaningless unless one is exceeded.
    struct Excess {
        bool inPower;
        bool inEnergy;
        uint256 slot;
        uint256 takenW;
        uint256 takenWh;
    }

    /// @notice Look at every slot of `asked` in which the sum of `others` may peak.
    /// @param room Power and energy that may be taken by the others together with `asked`.
    function find(Part memory asked, Part[] memory others, Part memory room) internal pure returns (Excess memory worst) {
        _look(worst, asked, others, room, asked.window.nextHeld(asked.window.first));
        for (uint256 i = 0; i < others.length; ++i) {
            uint256 start = others[i].window.first;
            if (start > asked.window.first && start < asked.window.end) {
                _look(worst, asked, others, room, asked.window.nextHeld(start));
            }
        }
        bool differ = false;
        for (uint256 j = 0; j < others.length; ++j) {
            differ = differ || !_sameRhythm(asked.window, others[j].window);
            if (_opensInside(asked, others, j)) _lookWeekly(worst, asked, others, room, others[j].window.dayFirst);
        }
        if (differ) _lookWeekly(worst, asked, others, room, asked.window.dayFirst);
    }

    /// @dev Whether the j-th window opens later in the day than the asked one, as no earlier one did.
    function _opensInside(Part memory asked, Part[] memory others, uint256 j) private pure returns (bool) {
        uint256 slotOfDay = others[j].window.dayFirst;
        if (slotOfDay <= asked.window.dayFirst || slotOfDay >= asked.window.dayEnd) return false;
        for (uint256 k = 0; k < j; ++k) if (others[k].window.dayFirst == slotOfDay) return false;
        return true;
    }

    function _sameRhythm(Windows.Window memory a, Windows.Window memory b) private pure returns (bool) {
        return a.weekdayMask == b.weekdayMask && a.dayFirst == b.dayFirst && a.dayEnd == b.dayEnd;
    }

    /// @dev One slot of the day, on each weekday, at its first occurrence after each start.
    function _lookWeekly(
        Excess memory worst,
        Part memory asked,
        Part[] memory others,
        Part memory room,
        uint256 slotOfDay
    ) private pure {
        for (uint256 weekday = 0; weekday < 7; ++weekday) {
            if ((asked.window.weekdayMask >> weekday) & 1 == 0) continue;
            _look(worst, asked, others, room, Windows.nextPlace(asked.window.first, weekday, slotOfDay));
            for (uint256 i = 0; i < others.length; ++i) {
                uint256 start = others[i].window.first;
                if (start <= asked.window.first || start >= asked.window.end) continue;
                _look(worst, asked, others, room, Windows.nextPlace(start, weekday, slotOfDay));
            }
        }
    }

    function _look(Excess memory worst, Part memory asked, Part[] memory others, Part memory room, uint256 slot)
        private
        pure
    {
        if (!asked.window.holds(slot) || ((worst.inPower || worst.inEnergy) && slot >= worst.slot)) return;
        (uint256 powerW, uint256 energyWh) = taken(others, slot);
        bool inPower = powerW + asked.powerW > room.powerW;
        bool inEnergy = energyWh + asked.energyWh > room.energyWh;
        if (!inPower && !inEnergy) return;
        (worst.inPower, worst.inEnergy, worst.slot) = (inPower, inEnergy, slot);
        (worst.takenW, worst.takenWh) = (powerW, energyWh);
    }

    /// @notice Sum of the parts that hold in a slot.
    function taken(Part[] memory parts, uint256 slot) internal pure returns (uint256 powerW, uint256 energyWh) {
        for (uint256 i = 0; i < parts.length; ++i) {
            if (!parts[i].window.holds(slot)) continue;
            powerW += parts[i].powerW;
            energyWh += parts[i].energyWh;
        }
    }
}
