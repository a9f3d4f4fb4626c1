// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Statement} from "../types/Statement.sol";

/// @title Statements of the alliance's days (protocol 7 and 8.9)
/// @notice Balances are registry entries in cents: positive, the account receives. Money itself moves by bank; only the receipt's
/// hash comes back. Accounts: the members of the day's frozen roster by number, then `platform`, `grid`, `pool`
/// (0xfffffffd, 0xfffffffe, 0xffffffff).
interface ISettlementLedger {
    /// @notice Version 1 carries the day's balances, each later version differences; both sum to zero.
    event StatementPosted(
        uint32 indexed day,
        uint16 indexed version,
        bytes32 root,
        uint32 leafCount,
        bytes32 statement,
        uint32[] memberIds,
        int64[] balancesCents
    );
    event PaymentRecorded(uint32 indexed day, uint32 indexed memberId, bytes32 receiptHash, address by);

    error StatementsPaused(uint48 until);
    error StatementNotSettler(address account);
    error StatementDayWrong(uint32 want, uint32 got);
    error StatementDayNotOver(uint32 day, uint256 endsAt, uint256 time);
    error StatementVersionWrong(uint32 day, uint16 want, uint16 got);
    error StatementRosterWrong(uint32 day, bytes32 want, bytes32 got);
    error StatementLengthsDiffer(uint256 members, uint256 balances);
    error StatementNotZeroSum(uint32 day, int256 sumCents);
    error StatementPoolNotEmpty(uint32 day, int64 poolCents);
    error StatementEmpty(uint32 day);
    error StatementFinal(uint32 day, uint256 finalAt, uint256 time);
    error StatementNotFinal(uint32 day, uint256 finalAt, uint256 time);
    error StatementUnknown(uint32 day, uint16 version);
    error AccountUnknown(uint32 day, uint32 account);
    error PaymentNotByParty(uint32 memberId, address account);
    error PaymentAlreadyRecorded(uint32 day, uint32 memberId, bytes32 receiptHash);
    error PaymentReceiptMissing();
    error WindowOutOfRange(uint48 windowSeconds, uint48 limitSeconds);

    /// @notice Post a day's first statement (version 1, days in order, the day over) or a correction (version n + 1, before the
    /// day is final). SETTLER only.
    /// @param memberIds The day's frozen roster. @param balancesCents Members in its order, then platform, grid, pool (0).
    /// @param root Of the leaves' tree. @param leafCount Its leaves. @param statement SHA-256 of the statement's document block.
    function post(
        uint32 day,
        uint16 version,
        uint32[] calldata memberIds,
        int64[] calldata balancesCents,
        bytes32 root,
        uint32 leafCount,
        bytes32 statement
    ) external;

    /// @notice Record, once, the hash of a bank's receipt for a member's balance of a final day. SETTLER or that member.
    function recordPayment(uint32 day, uint32 memberId, bytes32 receiptHash) external;

    /// @notice An account's balance of a day over all its versions, cents.
    function balance(uint32 day, uint32 account) external view returns (int64 cents);

    /// @notice An account's balance over all days, cents.
    function total(uint32 account) external view returns (int256 cents);

    /// @notice Balances of a day over all its versions, in the order of `rosterOf` and then platform, grid, pool.
    function balances(uint32 day) external view returns (int64[] memory cents);

    function rosterOf(uint32 day) external view returns (uint32[] memory memberIds);

    function statementOf(uint32 day, uint16 version) external view returns (Statement memory posted);

    /// @notice The day's latest version, 0 if none was posted.
    function versionOf(uint32 day) external view returns (uint16 version);

    /// @notice Unix seconds from which the day is final; 0 if it has no statement.
    function finalAt(uint32 day) external view returns (uint256 time);

    /// @notice When a receipt was recorded, unix seconds; 0 if it was not.
    function paymentAt(uint32 day, uint32 memberId, bytes32 receiptHash) external view returns (uint48 time);

    /// @notice The next day whose first statement is due.
    function nextDay() external view returns (uint32 day);

    /// @notice Seconds between a first statement and its finality.
    function windowSeconds() external view returns (uint48 window);
}
