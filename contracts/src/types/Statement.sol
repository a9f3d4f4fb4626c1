// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A posted statement (protocol 7): a day's first is whole, and so is the first after a void one; each later one carries
/// differences only.
struct Statement {
    bytes32 root; // of the leaves' OpenZeppelin (double-hashed keccak) tree
    bytes32 statement; // SHA-256 of the statement's document block
    bytes32 balancesHash; // keccak256(abi.encode(int64[] balancesCents)) as posted
    uint32 leafCount;
    uint48 postedAt; // unix seconds
    uint48 logSize; // entries of the alliance's log when it was posted: it can have seen no other
}

/// What the court made of the leaf at a place. Of a line: the cents moved to its account so far; of a quantity: its energy, Wh;
/// of a slot total: imports and exports, Wh.
struct Judgement {
    uint16 version; // the newest version whose leaf was judged; 0: none
    int64 value;
    int64 exports;
}

// Accounts that are no members, in the order in which balances list them after the roster.
uint32 constant PLATFORM_ACCOUNT = type(uint32).max - 2;
uint32 constant GRID_ACCOUNT = type(uint32).max - 1;
uint32 constant POOL_ACCOUNT = type(uint32).max;
