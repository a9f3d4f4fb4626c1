// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ENTRY, EntryLeaf, Leaf, LINE, LineLeaf} from "../types/Leaf.sol";
import {POOL_ACCOUNT} from "../types/Statement.sol";
import {Leaves} from "./Leaves.sol";

/// @title Whether a statement's leaves are in order and its books follow from its lines (protocol 8.9.1)
library Booking {
    using Leaves for Leaf;

    /// @notice Whether a leaf may stand right after another: order ascends, and a book's balance runs on.
    function follows(Leaf calldata left, Leaf calldata right) internal pure returns (bool) {
        if (left.place() >= right.place()) return false;
        return right.kind != ENTRY || _runsOn(left, right.entry());
    }

    /// @notice Whether a statement may begin with a leaf.
    function begins(Leaf calldata leaf) internal pure returns (bool) {
        return leaf.kind != ENTRY || _isFirst(leaf.entry());
    }

    /// @notice Whether a leaf belongs to an account's book (the pool keeps one per group).
    function inBook(Leaf calldata leaf, uint32 account, uint32 group) internal pure returns (bool) {
        if (leaf.kind != ENTRY) return false;
        EntryLeaf memory x = leaf.entry();
        return x.account == account && x.group == group;
    }

    /// @notice Whether an entry books a line: the line's own account and amount, or its counterparty and the opposite.
    function books(EntryLeaf memory entry, LineLeaf memory line) internal pure returns (bool) {
        if (entry.group != bookOf(line, entry.account)) return false;
        if (entry.account == line.account) return entry.amountCents == line.amountCents;
        return entry.account == line.counterparty && int256(entry.amountCents) == -int256(line.amountCents);
    }

    /// @notice In which of an account's books a line is entered.
    function bookOf(LineLeaf memory line, uint32 account) internal pure returns (uint32) {
        return account == POOL_ACCOUNT ? line.group : 0;
    }

    function _runsOn(Leaf calldata left, EntryLeaf memory next) private pure returns (bool) {
        if (!inBook(left, next.account, next.group)) return _isFirst(next);
        EntryLeaf memory x = left.entry();
        return next.index == uint256(x.index) + 1 && next.lineLeaf > x.lineLeaf
            && int256(next.balanceCents) == int256(x.balanceCents) + next.amountCents;
    }

    function _isFirst(EntryLeaf memory x) private pure returns (bool) {
        return x.index == 0 && x.balanceCents == x.amountCents;
    }
}
