// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {ISettlementLedger} from "./interfaces/ISettlementLedger.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {SETTLER} from "./types/Roles.sol";
import {PLATFORM_ACCOUNT, Statement} from "./types/Statement.sol";

/// @title Statements of the alliance's days (protocol 7 and 8.9)
contract SettlementLedger is ISettlementLedger {
    uint256 private constant OTHER_ACCOUNTS = 3; // platform, grid, pool
    uint48 private constant WINDOW_LIMIT = 90 days;

    struct DayBook {
        uint16 version;
        uint48 finalAt; // unix seconds
        uint32[] memberIds;
        int64[] balancesCents; // members, then platform, grid, pool
    }

    IAllianceRegistry public immutable registry;
    /// @inheritdoc ISettlementLedger
    uint48 public immutable windowSeconds;
    /// @inheritdoc ISettlementLedger
    uint32 public nextDay;
    mapping(uint32 day => DayBook) private _days;
    mapping(uint32 day => mapping(uint16 version => Statement)) private _statements;
    mapping(uint32 account => int256) private _totals;
    mapping(bytes32 key => uint48 time) private _payments;

    /// @param firstDay Local day of the first statement; from then on no day is left out.
    constructor(IAllianceRegistry registry_, uint48 windowSeconds_, uint32 firstDay) {
        if (windowSeconds_ == 0 || windowSeconds_ > WINDOW_LIMIT) revert WindowOutOfRange(windowSeconds_, WINDOW_LIMIT);
        registry = registry_;
        windowSeconds = windowSeconds_;
        nextDay = firstDay;
    }

    // ---- statements ----

    /// @inheritdoc ISettlementLedger
    function post(
        uint32 day,
        uint16 version,
        uint32[] calldata memberIds,
        int64[] calldata balancesCents,
        bytes32 root,
        uint32 leafCount,
        bytes32 statement
    ) external {
        _requireSettler();
        _requireRunning();
        _requireBalanced(day, memberIds, balancesCents);
        if (root == 0 || leafCount == 0 || statement == 0) revert StatementEmpty(day);
        DayBook storage book = _days[day];
        if (book.version == 0) _openDay(book, day, memberIds);
        else _requireOpen(book, day);
        if (version != book.version + 1) revert StatementVersionWrong(day, book.version + 1, version);
        book.version = version;
        _statements[day][version] = Statement({
            root: root,
            statement: statement,
            leafCount: leafCount,
            postedAt: uint48(block.timestamp)
        });
        _add(book, memberIds, balancesCents);
        emit StatementPosted(day, version, root, leafCount, statement, memberIds, balancesCents);
    }

    /// @inheritdoc ISettlementLedger
    function recordPayment(uint32 day, uint32 memberId, bytes32 receiptHash) external {
        DayBook storage book = _requireDay(day);
        _indexOf(book, day, memberId);
        if (msg.sender != registry.memberAddress(memberId) && !registry.hasRole(SETTLER, msg.sender)) {
            revert PaymentNotByParty(memberId, msg.sender);
        }
        if (block.timestamp < book.finalAt) revert StatementNotFinal(day, book.finalAt, block.timestamp);
        if (receiptHash == 0) revert PaymentReceiptMissing();
        bytes32 key = _paymentKey(day, memberId, receiptHash);
        if (_payments[key] != 0) revert PaymentAlreadyRecorded(day, memberId, receiptHash);
        _payments[key] = uint48(block.timestamp);
        emit PaymentRecorded(day, memberId, receiptHash, msg.sender);
    }

    // ---- views ----

    /// @inheritdoc ISettlementLedger
    function balance(uint32 day, uint32 account) external view returns (int64) {
        DayBook storage book = _requireDay(day);
        return book.balancesCents[_indexOf(book, day, account)];
    }

    /// @inheritdoc ISettlementLedger
    function total(uint32 account) external view returns (int256) {
        return _totals[account];
    }

    /// @inheritdoc ISettlementLedger
    function balances(uint32 day) external view returns (int64[] memory) {
        return _requireDay(day).balancesCents;
    }

    /// @inheritdoc ISettlementLedger
    function rosterOf(uint32 day) external view returns (uint32[] memory) {
        return _requireDay(day).memberIds;
    }

    /// @inheritdoc ISettlementLedger
    function statementOf(uint32 day, uint16 version) external view returns (Statement memory) {
        if (version == 0 || version > _days[day].version) revert StatementUnknown(day, version);
        return _statements[day][version];
    }

    /// @inheritdoc ISettlementLedger
    function versionOf(uint32 day) external view returns (uint16) {
        return _days[day].version;
    }

    /// @inheritdoc ISettlementLedger
    function finalAt(uint32 day) external view returns (uint256) {
        return _days[day].finalAt;
    }

    /// @inheritdoc ISettlementLedger
    function paymentAt(uint32 day, uint32 memberId, bytes32 receiptHash) external view returns (uint48) {
        return _payments[_paymentKey(day, memberId, receiptHash)];
    }

    // ---- rules ----

    /// @dev Lengths agree, the roster is the day's frozen one, the sum is zero and the pool holds nothing overnight.
    function _requireBalanced(uint32 day, uint32[] calldata memberIds, int64[] calldata balancesCents) private view {
        uint256 count = balancesCents.length;
        if (count != memberIds.length + OTHER_ACCOUNTS) revert StatementLengthsDiffer(memberIds.length, count);
        bytes32 want = registry.rosterHashAt(day);
        bytes32 got = keccak256(abi.encode(memberIds));
        if (want != got) revert StatementRosterWrong(day, want, got);
        int256 sum = 0;
        for (uint256 i = 0; i < count; ++i) sum += balancesCents[i];
        if (sum != 0) revert StatementNotZeroSum(day, sum);
        if (balancesCents[count - 1] != 0) revert StatementPoolNotEmpty(day, balancesCents[count - 1]);
    }

    function _openDay(DayBook storage book, uint32 day, uint32[] calldata memberIds) private {
        if (day != nextDay) revert StatementDayWrong(nextDay, day);
        uint256 endsAt = Calendar.endOf(day);
        if (block.timestamp < endsAt) revert StatementDayNotOver(day, endsAt, block.timestamp);
        nextDay = day + 1;
        book.finalAt = uint48(block.timestamp) + windowSeconds;
        book.memberIds = memberIds;
        book.balancesCents = new int64[](memberIds.length + OTHER_ACCOUNTS);
    }

    function _requireOpen(DayBook storage book, uint32 day) private view {
        if (block.timestamp >= book.finalAt) revert StatementFinal(day, book.finalAt, block.timestamp);
    }

    function _add(DayBook storage book, uint32[] calldata memberIds, int64[] calldata balancesCents) private {
        for (uint256 i = 0; i < balancesCents.length; ++i) {
            if (balancesCents[i] == 0) continue;
            book.balancesCents[i] += balancesCents[i];
            _totals[_accountAt(memberIds, i)] += balancesCents[i];
        }
    }

    function _accountAt(uint32[] calldata memberIds, uint256 index) private pure returns (uint32) {
        if (index < memberIds.length) return memberIds[index];
        return PLATFORM_ACCOUNT + uint32(index - memberIds.length);
    }

    function _indexOf(DayBook storage book, uint32 day, uint32 account) private view returns (uint256 index) {
        uint32[] memory memberIds = book.memberIds;
        if (account >= PLATFORM_ACCOUNT) return memberIds.length + (account - PLATFORM_ACCOUNT);
        while (index < memberIds.length && memberIds[index] != account) ++index;
        if (index == memberIds.length) revert AccountUnknown(day, account);
    }

    function _requireDay(uint32 day) private view returns (DayBook storage book) {
        book = _days[day];
        if (book.version == 0) revert StatementUnknown(day, 1);
    }

    function _requireSettler() private view {
        if (!registry.hasRole(SETTLER, msg.sender)) revert StatementNotSettler(msg.sender);
    }

    function _requireRunning() private view {
        uint48 until = registry.pausedUntil();
        if (block.timestamp < until) revert StatementsPaused(until);
    }

    function _paymentKey(uint32 day, uint32 memberId, bytes32 receiptHash) private pure returns (bytes32) {
        return keccak256(abi.encode(day, memberId, receiptHash));
    }
}
