// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Where a proposal of the interim charter stands.
enum ProposalState {
    None,
    Proposed,
    Waiting,
    Executable,
    Executed,
    Cancelled,
    Lapsed
}

/// A call that two admitted members want the charter to make.
struct Proposal {
    address target;
    uint32 proposer; // member's number
    uint32 endorser; // member's number, 0 until endorsed
    uint32 objector; // first member who objected, 0 if none
    uint48 proposedAt; // unix seconds
    uint48 executableFrom; // unix seconds, 0 until endorsed
    bool executed;
    bool cancelled;
    bytes32 dataHash; // keccak256 of the call's data
}
