// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Where a proposal of the charter stands.
enum ProposalState {
    None,
    Voting,
    Rejected,
    Waiting, // accepted; its delay runs
    Executable,
    Executed,
    Cancelled,
    Lapsed
}

/// How a charter decides, fixed at deployment.
struct VotingRules {
    uint48 votingSeconds; // how long a proposal is open for votes
    uint48 delaySeconds; // from acceptance to execution
    uint48 graceSeconds; // from then on, how long it may be executed
    uint16 quorumBp; // part of the electorate that must have voted
    uint16 majorityBp; // part of the votes cast that those for must exceed
}

/// A call that admitted members want the charter to make.
struct Proposal {
    address target;
    uint32 proposer; // member's number
    uint32 electorate; // members admitted when it was made
    uint32 votesFor;
    uint32 votesAgainst;
    uint32 rosterVersion; // of the registry when it was made; who joined later has no vote
    uint48 votingEnds; // unix seconds
    uint48 acceptedAt; // unix seconds, set when the votes left could not change the result; 0 before
    bool executed;
    bool cancelled;
    bytes32 dataHash; // keccak256 of the call's data
    bytes32 descriptionHash; // SHA-256 of the text that members read
}

/// What a member did about a proposal.
enum Ballot {
    None,
    For,
    Against,
    Objected // after acceptance: a vote against, whatever was voted before
}
