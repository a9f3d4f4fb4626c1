// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {ISettlementLedger} from "./interfaces/ISettlementLedger.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {ANCHOR_LOG, BOOK_COURT, MARKET_COURT, METER_COURT, PLAN_COURT} from "./types/Contracts.sol";
import {SETTLER} from "./types/Roles.sol";
import {Judgement, PLATFORM_ACCOUNT, POOL_ACCOUNT, Statement} from "./types/Statement.sol";

/// @title Statements of the alliance's days (protocol 7 and 8.9)
contract SettlementLedger is ISettlementLedger {
    uint256 private constant OTHER_ACCOUNTS = 3; // platform, grid, pool
    uint48 private constant WINDOW_LIMIT = 90 days;
    uint48 private constant ANSWERS_A_WINDOW = 7;
    uint16 private constant VERSIONS_LIMIT = 64; // each may move finality by an answer's time: it ends

    struct DayBook {
        uint16 version;
        uint16 voidedUpTo;
        uint48 finalAt; // unix seconds; 0 while no statement stands
        uint32[] memberIds;
        int64[] balancesCents; // members, then platform, grid, pool
    }

    IAllianceRegistry public immutable registry;
    /// @inheritdoc ISettlementLedger
    uint48 public immutable windowSeconds;
    /// @inheritdoc ISettlementLedger
    uint48 public immutable answerSeconds;
    address private immutable _meterCourt;
    address private immutable _planCourt;
    address private immutable _marketCourt;
    address private immutable _bookCourt;
    /// @inheritdoc ISettlementLedger
    uint32 public nextDay;
    mapping(uint32 day => DayBook) private _days;
    mapping(uint32 day => mapping(uint16 version => Statement)) private _statements;
    mapping(uint32 account => int256) private _totals;
    mapping(bytes32 key => uint48 time) private _payments;
    mapping(bytes32 key => Judgement) private _judgements;
    mapping(bytes32 key => uint48) private _rowsEntries; // entry's index and 1
    mapping(bytes32 key => int256 cents) private _poolMoves;

    /// @param firstDay Local day of the first statement; from then on no day is left out.
    constructor(IAllianceRegistry registry_, uint48 windowSeconds_, uint32 firstDay) {
        if (windowSeconds_ == 0 || windowSeconds_ > WINDOW_LIMIT) revert WindowOutOfRange(windowSeconds_, WINDOW_LIMIT);
        registry = registry_;
        windowSeconds = windowSeconds_;
        answerSeconds = windowSeconds_ / ANSWERS_A_WINDOW;
        (_meterCourt,) = registry_.contractAt(METER_COURT, 1);
        (_planCourt,) = registry_.contractAt(PLAN_COURT, 1);
        (_marketCourt,) = registry_.contractAt(MARKET_COURT, 1);
        (_bookCourt,) = registry_.contractAt(BOOK_COURT, 1);
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
        _requireNext(book, day, version, memberIds);
        book.version = version;
        _statements[day][version] = Statement({
            root: root,
            statement: statement,
            balancesHash: keccak256(abi.encode(balancesCents)),
            leafCount: leafCount,
            postedAt: uint48(block.timestamp),
            logSize: _logSize()
        });
        _add(book, memberIds, balancesCents);
        _requirePoolEmpty(book, day);
        emit StatementPosted(day, version, root, leafCount, statement, memberIds, balancesCents);
        _keepOpen(book, day, version == book.voidedUpTo + 1 ? windowSeconds : answerSeconds);
    }

    // ---- the court ----

    /// @inheritdoc ISettlementLedger
    function judge(uint32 day, uint256 place, uint16 version, int64 value, int64 exports) external {
        DayBook storage book = _requireJudged(day);
        _judgements[_judgedKey(book, day, place)] = Judgement(version, value, exports);
        _keepOpen(book, day, answerSeconds);
    }

    /// @inheritdoc ISettlementLedger
    function overturn(uint32 day, uint256 place, uint16 version, uint32 group, int64 cents) external {
        DayBook storage book = _requireJudged(day);
        Judgement storage made = _judgements[_judgedKey(book, day, place)];
        (made.version, made.value) = (version, made.value + cents);
        if (group != 0) _poolMoves[_judgedKey(book, day, group)] -= cents;
        (uint32 account, uint32 counterparty) = (uint32(place >> 64), uint32(place >> 32));
        _move(book, day, account, cents);
        _move(book, day, counterparty, -cents);
        emit BalanceMoved(day, account, counterparty, cents);
        _keepOpen(book, day, answerSeconds);
    }

    /// @inheritdoc ISettlementLedger
    function keepRows(bytes32 key, uint48 entryIndex) external {
        if (!isCourt(msg.sender)) revert StatementNotCourt(msg.sender);
        _rowsEntries[key] = entryIndex + 1;
    }

    /// @inheritdoc ISettlementLedger
    function voidDay(uint32 day) external {
        DayBook storage book = _requireJudged(day);
        uint32[] memory memberIds = book.memberIds;
        for (uint256 i = 0; i < book.balancesCents.length; ++i) {
            int64 cents = book.balancesCents[i];
            if (cents == 0) continue;
            book.balancesCents[i] = 0;
            uint32 account = _accountAt(memberIds, i);
            if (account != POOL_ACCOUNT) _totals[account] -= cents;
        }
        (book.voidedUpTo, book.finalAt) = (book.version, 0);
        emit StatementVoided(day, book.version);
    }

    // ---- payments ----

    /// @inheritdoc ISettlementLedger
    function recordPayment(uint32 day, uint32 memberId, bytes32 receiptHash) external {
        DayBook storage book = _requireStanding(day);
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
    function openDay(uint32 day) external view returns (uint16 first, uint16 last) {
        DayBook storage book = _requireStanding(day);
        _requireOpen(book, day);
        return (book.voidedUpTo + 1, book.version);
    }

    /// @inheritdoc ISettlementLedger
    function leavesOf(uint32 day, uint16 version) external view returns (bytes32, uint32, uint48) {
        Statement storage posted = _statements[day][version];
        return (posted.root, posted.leafCount, posted.logSize);
    }

    /// @inheritdoc ISettlementLedger
    function voidedUpTo(uint32 day) external view returns (uint16) {
        return _days[day].voidedUpTo;
    }

    /// @inheritdoc ISettlementLedger
    function judgement(uint32 day, uint256 place) external view returns (uint16, int64, int64) {
        Judgement storage made = _judgements[_judgedKey(_days[day], day, place)];
        return (made.version, made.value, made.exports);
    }

    /// @inheritdoc ISettlementLedger
    function poolMoves(uint32 day, uint32 group) external view returns (int256) {
        return _poolMoves[_judgedKey(_days[day], day, group)];
    }

    /// @inheritdoc ISettlementLedger
    function rowsLogged(bytes32 key) external view returns (bool known, uint48 entryIndex) {
        uint48 kept = _rowsEntries[key];
        return kept == 0 ? (false, 0) : (true, kept - 1);
    }

    /// @inheritdoc ISettlementLedger
    function isCourt(address account) public view returns (bool) {
        return account == _meterCourt || account == _planCourt || account == _marketCourt || account == _bookCourt;
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

    /// @dev Lengths agree, the roster is the day's frozen one and the sum is zero.
    function _requireBalanced(uint32 day, uint32[] calldata memberIds, int64[] calldata balancesCents) private view {
        uint256 count = balancesCents.length;
        if (count != memberIds.length + OTHER_ACCOUNTS) revert StatementLengthsDiffer(memberIds.length, count);
        bytes32 want = registry.rosterHashAt(day);
        bytes32 got = keccak256(abi.encode(memberIds));
        if (want != got) revert StatementRosterWrong(day, want, got);
        int256 sum = 0;
        for (uint256 i = 0; i < count; ++i) sum += balancesCents[i];
        if (sum != 0) revert StatementNotZeroSum(day, sum);
    }

    /// @dev The first statement opens the day; a void one is replaced; any other corrects it while it is open.
    function _requireNext(DayBook storage book, uint32 day, uint16 version, uint32[] calldata memberIds) private {
        if (book.version == 0) _openDay(book, day, memberIds);
        else if (book.version != book.voidedUpTo) _requireOpen(book, day);
        if (version != book.version + 1) revert StatementVersionWrong(day, book.version + 1, version);
        if (version > VERSIONS_LIMIT) revert StatementVersionsFull(day, VERSIONS_LIMIT);
    }

    /// @dev The pool holds nothing overnight.
    function _requirePoolEmpty(DayBook storage book, uint32 day) private view {
        int64 left = book.balancesCents[book.balancesCents.length - 1];
        if (left != 0) revert StatementPoolNotEmpty(day, left);
    }

    function _keepOpen(DayBook storage book, uint32 day, uint48 seconds_) private {
        uint48 until = uint48(block.timestamp) + seconds_;
        if (until <= book.finalAt) return;
        book.finalAt = until;
        emit FinalityMoved(day, until);
    }

    function _move(DayBook storage book, uint32 day, uint32 account, int64 cents) private {
        book.balancesCents[_indexOf(book, day, account)] += cents;
        if (account != POOL_ACCOUNT) _totals[account] += cents;
    }

    function _requireJudged(uint32 day) private view returns (DayBook storage book) {
        if (!isCourt(msg.sender)) revert StatementNotCourt(msg.sender);
        book = _requireStanding(day);
        _requireOpen(book, day);
    }

    function _requireStanding(uint32 day) private view returns (DayBook storage book) {
        book = _requireDay(day);
        if (book.version == book.voidedUpTo) revert StatementVoid(day, book.voidedUpTo);
    }

    /// @dev What was judged belongs to the statements that stand: it ends with them.
    function _judgedKey(DayBook storage book, uint32 day, uint256 place) private view returns (bytes32) {
        return keccak256(abi.encode(day, book.voidedUpTo, place));
    }

    function _logSize() private view returns (uint48 size) {
        (,, size,) = IAnchorLog(registry.newestContract(ANCHOR_LOG)).state();
    }

    function _openDay(DayBook storage book, uint32 day, uint32[] calldata memberIds) private {
        if (day != nextDay) revert StatementDayWrong(nextDay, day);
        uint256 endsAt = Calendar.endOf(day);
        if (block.timestamp < endsAt) revert StatementDayNotOver(day, endsAt, block.timestamp);
        nextDay = day + 1;
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
            uint32 account = _accountAt(memberIds, i);
            if (account != POOL_ACCOUNT) _totals[account] += balancesCents[i];
        }
    }

    function _accountAt(uint32[] memory memberIds, uint256 index) private pure returns (uint32) {
        if (index < memberIds.length) return memberIds[index];
        return PLATFORM_ACCOUNT + uint32(index - memberIds.length);
    }

    /// @dev The roster ascends: a member is found by halving.
    function _indexOf(DayBook storage book, uint32 day, uint32 account) private view returns (uint256 low) {
        uint256 high = book.memberIds.length;
        if (account >= PLATFORM_ACCOUNT) return high + (account - PLATFORM_ACCOUNT);
        uint256 count = high;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (book.memberIds[middle] < account) low = middle + 1;
            else high = middle;
        }
        if (low == count || book.memberIds[low] != account) revert AccountUnknown(day, account);
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
