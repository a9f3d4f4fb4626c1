// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// Roles held in `AllianceRegistry` (protocol 7). WRITER is not among them: it lives in `AnchorLog`'s own slot.
bytes32 constant SETTLER = keccak256("SETTLER"); // posts statements
bytes32 constant ATTESTOR = keccak256("ATTESTOR"); // confirms devices, keys and channels, never its own
bytes32 constant ADMITTER = keccak256("ADMITTER"); // admits, rejects, suspends members
bytes32 constant GUARDIAN = keccak256("GUARDIAN"); // pauses new offers, leases and statements for at most 72 hours

// The administrator of every role (OpenZeppelin's DEFAULT_ADMIN_ROLE): the charter.
bytes32 constant ADMIN = bytes32(0);
