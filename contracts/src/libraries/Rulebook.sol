// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ICharter} from "../interfaces/ICharter.sol";
import {Calendar} from "./Calendar.sol";

/// @title Values that hold from a local day on (protocol 7.6): what is past or present never changes
/// @notice The newest decision holds from its day on: it replaces whatever was decided before for that day and later ones.
library Rulebook {
    struct Entry {
        uint32 fromDay;
        bytes32 value;
    }

    struct State {
        Entry[] entries; // ascending by day
    }

    /// @notice Decide a value from a day that has not begun. Reverts RuleNotInFuture.
    function set(State storage self, uint32 fromDay, bytes32 value) internal {
        uint32 today = Calendar.dayAt(block.timestamp);
        if (fromDay <= today) revert ICharter.RuleNotInFuture(fromDay, today);
        Entry[] storage entries = self.entries;
        // each turn undoes a decision that was voted and has not come into force: there are few
        while (entries.length > 0 && entries[entries.length - 1].fromDay >= fromDay) entries.pop();
        entries.push(Entry({fromDay: fromDay, value: value}));
    }

    /// @notice The value that holds on a day, and whether any does.
    function valueAt(State storage self, uint32 day) internal view returns (bool known, bytes32 value) {
        (uint256 low, uint256 high) = (0, self.entries.length);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (self.entries[middle].fromDay > day) high = middle;
            else low = middle + 1;
        }
        return low == 0 ? (false, bytes32(0)) : (true, self.entries[low - 1].value);
    }
}
