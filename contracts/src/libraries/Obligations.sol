// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IAllianceRegistry} from "../interfaces/IAllianceRegistry.sol";
import {ICapacityLease} from "../interfaces/ICapacityLease.sol";
import {ISettlementLedger} from "../interfaces/ISettlementLedger.sol";
import {Calendar} from "./Calendar.sol";

/// @title What binds a member to the alliance, and when it no longer does (protocol 7.1)
library Obligations {
    uint256 internal constant SILENCE_LIMIT = 90 days;

    struct State {
        mapping(uint32 memberId => uint32) clearedTo; // first local day on the roster that is not cleared
        mapping(uint32 memberId => uint32) lastDay; // last local day on the roster of one who leaves
    }

    /// @notice Refuse a member who owes or enjoys capacity in any of the lease books.
    function requireNoLease(address[] memory books, uint32 memberId) internal view {
        for (uint256 i = 0; i < books.length; ++i) {
            uint32 leaseId = ICapacityLease(books[i]).liveLeaseOf(memberId);
            if (leaseId != 0) revert IAllianceRegistry.MemberHasLease(memberId, leaseId);
        }
    }

    /// @notice Clear days in order, as many as there are receipts (0 where none is needed).
    function clear(State storage self, address[] memory ledgers, uint32 memberId, bytes32[] calldata receipts)
        internal
        returns (uint32 day)
    {
        day = self.clearedTo[memberId];
        for (uint256 i = 0; i < receipts.length; ++i) _requireClear(ledgers, memberId, day++, receipts[i]);
        self.clearedTo[memberId] = day;
        emit IAllianceRegistry.DaysCleared(memberId, day);
    }

    /// @notice Refuse to let go a member with a day that is not cleared.
    function requireCleared(State storage self, uint32 memberId) internal view {
        (uint32 to, uint32 lastDay) = (self.clearedTo[memberId], self.lastDay[memberId]);
        if (to <= lastDay) revert IAllianceRegistry.MemberDaysNotCleared(memberId, to, lastDay);
    }

    function _requireClear(address[] memory ledgers, uint32 memberId, uint32 day, bytes32 receipt) private view {
        uint256 next = 0;
        for (uint256 i = 0; i < ledgers.length; ++i) {
            ISettlementLedger ledger = ISettlementLedger(ledgers[i]);
            if (ledger.versionOf(day) != 0) return _requirePaid(ledger, memberId, day, receipt);
            if (ledger.nextDay() > next) next = ledger.nextDay();
        }
        if (day < next) return; // older than the first ledger's first day: nothing was ever owed for it
        uint256 from = Calendar.endOf(day) + SILENCE_LIMIT;
        if (block.timestamp < from) revert IAllianceRegistry.MemberDayNotFinal(memberId, day, from);
    }

    function _requirePaid(ISettlementLedger ledger, uint32 memberId, uint32 day, bytes32 receipt) private view {
        uint256 finalAt = ledger.finalAt(day);
        if (finalAt == 0 || block.timestamp < finalAt) revert IAllianceRegistry.MemberDayNotFinal(memberId, day, finalAt);
        int64 cents = 0;
        try ledger.balance(day, memberId) returns (int64 found) {
            cents = found;
        } catch {} // not on that day's roster
        if (cents == 0 || ledger.paymentAt(day, memberId, receipt) != 0) return;
        revert IAllianceRegistry.MemberDayNotPaid(memberId, day, cents);
    }
}
