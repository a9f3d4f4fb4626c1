// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ICourt} from "../interfaces/ICourt.sol";
import {Leaf} from "../types/Leaf.sol";
import {Leaves} from "./Leaves.sol";

/// @title A day as it stands after all its statements (protocol 8.9.3): for each version a leaf, or the gap where it is not
library Standing {
    using Leaves for Leaf;

    /// @dev What a version's leaves are proved against.
    struct Posted {
        bytes32 root;
        uint32 leafCount;
        uint48 logSize; // entries of the log when it was posted
    }

    /// @dev The versions that count, `first` to `last`, as posted.
    struct Day {
        uint32 number;
        uint16 first;
        uint16 last;
        Posted[] posted;
    }

    /// @notice What a version posted.
    function version(Day memory day, uint16 number) internal pure returns (Posted memory) {
        if (number < day.first || number > day.last) revert ICourt.VersionNotStanding(day.number, number);
        return day.posted[number - day.first];
    }

    /// @notice Refuse a leaf that no standing statement has; where it belongs.
    function prove(Day memory day, Leaf calldata leaf) internal pure returns (uint256 place) {
        Posted memory posted = version(day, leaf.version);
        leaf.requireIn(posted.root, posted.leafCount);
        return leaf.place();
    }

    /// @notice Positions in `leaves` of all that stand at a place, oldest first. Of each version there is the leaf itself, or the
    /// two neighbours between which it would stand, or the one at that end of the statement.
    function find(Day memory day, uint256 place, Leaf[] calldata leaves) internal pure returns (uint256[] memory hits) {
        hits = new uint256[](day.posted.length);
        uint256 count = 0;
        uint256 cursor = 0;
        for (uint16 number = day.first; number <= day.last; ++number) {
            uint256 got = _next(day, number, leaves, cursor);
            if (got == place) hits[count++] = cursor;
            else if (got < place) cursor += _gapAbove(day, number, place, leaves, cursor);
            else if (leaves[cursor].index != 0) revert ICourt.LeavesNotNeighbours(0, leaves[cursor].index);
            ++cursor;
        }
        if (cursor != leaves.length) revert ICourt.LeavesWrongCount(cursor, leaves.length);
        if (count == 0) revert ICourt.LeafMissing(day.number, place);
        return _cut(hits, count);
    }

    /// @notice Position in `leaves` of the newest leaf at a place: the one that stands.
    function newest(Day memory day, uint256 place, Leaf[] calldata leaves) internal pure returns (Leaf calldata) {
        uint256[] memory hits = find(day, place, leaves);
        return leaves[hits[hits.length - 1]];
    }

    /// @dev How many further leaves show that a version ends below the place, or goes on above it: 0 or 1.
    function _gapAbove(Day memory day, uint16 number, uint256 place, Leaf[] calldata leaves, uint256 cursor)
        private
        pure
        returns (uint256)
    {
        uint32 index = leaves[cursor].index;
        if (index + 1 == version(day, number).leafCount) return 0;
        uint256 above = _next(day, number, leaves, cursor + 1);
        if (leaves[cursor + 1].index != index + 1 || above <= place) {
            revert ICourt.LeavesNotNeighbours(index, leaves[cursor + 1].index);
        }
        return 1;
    }

    function _next(Day memory day, uint16 number, Leaf[] calldata leaves, uint256 cursor) private pure returns (uint256) {
        if (cursor >= leaves.length) revert ICourt.LeavesWrongCount(cursor + 1, leaves.length);
        if (leaves[cursor].version != number) revert ICourt.VersionNotStanding(day.number, leaves[cursor].version);
        return prove(day, leaves[cursor]);
    }

    function _cut(uint256[] memory list, uint256 count) private pure returns (uint256[] memory cut) {
        if (count == list.length) return list;
        cut = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) cut[i] = list[i];
    }
}
