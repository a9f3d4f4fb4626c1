// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// Names of the contracts that `AllianceRegistry` lists (protocol 7): keccak256 of the contract's name.
bytes32 constant CHARTER = keccak256("Charter");
bytes32 constant DEVICE_REGISTRY = keccak256("DeviceRegistry");
bytes32 constant CAPACITY_LEASE = keccak256("CapacityLease");
bytes32 constant ANCHOR_LOG = keccak256("AnchorLog");
bytes32 constant SETTLEMENT_LEDGER = keccak256("SettlementLedger");
bytes32 constant METER_COURT = keccak256("MeterCourt");
bytes32 constant PLAN_COURT = keccak256("PlanCourt");
bytes32 constant MARKET_COURT = keccak256("MarketCourt");
bytes32 constant BOOK_COURT = keccak256("BookCourt");

/// A contract and the role in which the registry first lists it.
struct ContractEntry {
    bytes32 role;
    address deployed;
}
