// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Leaf, RowProof} from "../types/Leaf.sol";
import {ICourt} from "./ICourt.sol";

/// @title The court's bench for the books: statements that contradict themselves, and leaves that nobody shows (protocol 8.9.5)
interface IBookCourt is ICourt {
    /// @notice A member of the day's roster wants to see a leaf; unless it is produced by `until`, the day is void.
    event LeafDemanded(
        uint32 indexed day, uint32 indexed memberId, uint16 version, uint32 index, uint48 until
    );
    event LeafProduced(uint32 indexed day, uint32 indexed memberId, uint16 version, uint32 index);
    /// @notice Why a day's statements became void: the leaf at `index` of `version`.
    event StatementBroken(uint32 indexed day, uint16 indexed version, uint32 indexed index, uint8 fault, address by);


    error StatementHolds(uint32 day);
    error BalancesWrong(bytes32 want, bytes32 got);
    error AccountHasEntries(uint32 account);
    /// @notice The rows of a document are known to stand in the log: disputes may leave that proof out.
    event RowsKept(bytes32 indexed document, bytes32 root, uint48 entryIndex);

    error DemandNotByRoster(uint32 day, address account);
    error DemandTooLate(uint32 day, uint256 latest, uint256 time);
    error DemandOpen(uint32 day, uint32 memberId, uint32 index);
    error DemandNotOpen(uint32 day, uint32 memberId);
    error DemandStillRunning(uint48 until, uint256 time);

    /// @notice Void: two different leaves have one index.
    function voidDoubled(uint32 day, Leaf calldata one, Leaf calldata other) external;

    /// @notice Void: two neighbouring leaves whose order or running balance breaks, or a first leaf that cannot be one.
    function voidNeighbours(uint32 day, Leaf[] calldata neighbours) external;

    /// @notice Void: an entry that does not book the line that it names (none given: it names no leaf of the statement).
    function voidEntry(uint32 day, Leaf calldata entry, Leaf[] calldata line) external;

    /// @notice Void: a line that one of its accounts' books leaves out, between two neighbours (one, at the statement's end).
    function voidUnbooked(uint32 day, uint32 account, Leaf calldata line, Leaf[] calldata neighbours) external;

    /// @notice Void: an account's last balance is not the posted one. @param neighbours Its last entry and the next leaf; or the
    /// neighbours between which its book would stand, if it has none. @param balancesCents As posted in that version.
    function voidBalance(uint32 day, uint32 account, int64[] calldata balancesCents, Leaf[] calldata neighbours) external;

    /// @notice Demand to see a leaf. Members of the day's roster, one open demand each, not in the last two answer times.
    function demand(uint32 day, uint16 version, uint32 index) external;

    /// @notice Answer a member's demand. Anyone.
    function produce(uint32 day, uint32 memberId, Leaf calldata leaf) external;

    /// @notice Void: a demanded leaf was not produced in time. Anyone.
    function voidUnproduced(uint32 day, uint32 memberId) external;

    /// @notice Prove once, for all disputes to come, that a document's rows stand in the log. Anyone.
    function keepRows(RowProof calldata row) external;

    function demandOf(uint32 day, uint32 memberId) external view returns (uint16 version, uint32 index, uint48 until);
}
