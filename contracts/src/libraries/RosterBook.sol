// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IAllianceRegistry} from "../interfaces/IAllianceRegistry.sol";
import {Calendar} from "./Calendar.sol";

/// @title The roster of admitted members and its hash at the start of each day (protocol 7)
library RosterBook {
    using Checkpoints for Checkpoints.Trace256;

    uint256 internal constant LIMIT = 128;

    struct State {
        uint32[] ids; // ascending
        Checkpoints.Trace256 hashes; // by the first local day on which they hold
        uint32 version; // how often somebody was put on it
        mapping(uint32 memberId => Entry) entries; // how a member last came on it
    }

    struct Entry {
        uint32 version; // with which the member came
        uint32 fromDay; // its first local day on the roster
    }

    /// @notice Add a member at its place in the order of admission.
    function insert(State storage self, uint32 memberId) internal {
        uint256 length = self.ids.length;
        if (length == LIMIT) revert IAllianceRegistry.RosterFull(LIMIT);
        self.ids.push(memberId);
        uint256 i = length;
        for (; i > 0 && self.ids[i - 1] > memberId; --i) self.ids[i] = self.ids[i - 1];
        self.ids[i] = memberId;
        self.entries[memberId] = Entry({version: ++self.version, fromDay: _nextDay()});
        _checkpoint(self);
    }

    /// @notice Take a member out; the others keep their order.
    function remove(State storage self, uint32 memberId) internal {
        uint256 last = self.ids.length - 1;
        uint256 i = 0;
        while (self.ids[i] != memberId) ++i;
        for (; i < last; ++i) self.ids[i] = self.ids[i + 1];
        self.ids.pop();
        _checkpoint(self);
    }

    /// @notice Hash of the roster as it stood at 00:00 of a local day that has begun.
    function hashAt(State storage self, uint32 day) internal view returns (bytes32) {
        uint32 today = Calendar.dayAt(block.timestamp);
        if (day > today) revert IAllianceRegistry.RosterNotYetKnown(day, today);
        uint256 hash = self.hashes.upperLookupRecent(day);
        return hash == 0 ? keccak256(abi.encode(new uint32[](0))) : bytes32(hash);
    }

    function _checkpoint(State storage self) private {
        uint32 fromDay = _nextDay();
        uint32[] memory ids = self.ids;
        self.hashes.push(fromDay, uint256(keccak256(abi.encode(ids))));
        emit IAllianceRegistry.RosterChanged(fromDay, ids);
    }

    /// @dev A change counts from the next local day.
    function _nextDay() private view returns (uint32) {
        return Calendar.dayAt(block.timestamp) + 1;
    }
}
