// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A posted statement (protocol 7): version 1 is the day's first, n + 1 corrects n and carries differences only.
struct Statement {
    bytes32 root; // of the leaves' OpenZeppelin (double-hashed keccak) tree
    bytes32 statement; // SHA-256 of the statement's document block
    uint32 leafCount;
    uint48 postedAt; // unix seconds
}

// Accounts that are no members, in the order in which balances list them after the roster.
uint32 constant PLATFORM_ACCOUNT = type(uint32).max - 2;
uint32 constant GRID_ACCOUNT = type(uint32).max - 1;
uint32 constant POOL_ACCOUNT = type(uint32).max;
