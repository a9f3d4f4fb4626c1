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
    /// @notice The court found a line wrong: `account` received `cents` more from `counterparty`.
    event BalanceMoved(uint32 indexed day, uint32 indexed account, uint32 indexed counterparty, int64 cents);
    /// @notice Every statement of the day up to `upTo` counts nothing: its balances are 0 until a whole one is posted.
    event StatementVoided(uint32 indexed day, uint16 upTo);
    /// @notice The day is final from then on: after its first statement, or later because of something that came after it.
    event FinalityMoved(uint32 indexed day, uint48 finalAt);
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
    error StatementVoid(uint32 day, uint16 upTo);
    error StatementVersionsFull(uint32 day, uint16 limit);
    error StatementNotCourt(address account);
    error AccountUnknown(uint32 day, uint32 account);
    error PaymentNotByParty(uint32 memberId, address account);
    error PaymentAlreadyRecorded(uint32 day, uint32 memberId, bytes32 receiptHash);
    error PaymentReceiptMissing();
    error WindowOutOfRange(uint48 windowSeconds, uint48 limitSeconds);

    /// @notice Post a day's first statement (version 1, days in order, the day over), a correction (version n + 1, before the day
    /// is final), or a whole statement in place of void ones (version n + 1). SETTLER only. After it the day's pool holds 0:
    /// a correction also takes back what the court's decisions left in it.
    /// @param memberIds The day's frozen roster. @param balancesCents Members in its order, then platform, grid, pool.
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

    /// @notice Keep what was judged of an energy: a quantity, or a slot total's imports and exports. The court only.
    /// @param place Where the leaf belongs: kind and identity, packed as `Leaves.place` has it.
    function judge(uint32 day, uint256 place, uint16 version, int64 value, int64 exports) external;

    /// @notice Move a difference between the two accounts of a line of a day that is not final. The court only.
    /// @param place The line's: it says which accounts. @param group The group whose pool the line moves before the shares, or 0.
    function overturn(uint32 day, uint256 place, uint16 version, uint32 group, int64 cents) external;

    /// @notice Keep that a document's rows stand in the log, so that no dispute has to prove it again. The court only.
    /// @param key keccak256(document ‖ rows root). @param entryIndex Of the rows entry.
    function keepRows(bytes32 key, uint48 entryIndex) external;

    /// @notice Make all of a day's statements void, and take their balances and the court's moves back. The court only.
    function voidDay(uint32 day) external;

    /// @notice Record, once, the hash of a bank's receipt for a member's balance of a final day. SETTLER or that member.
    function recordPayment(uint32 day, uint32 memberId, bytes32 receiptHash) external;

    /// @notice An account's balance of a day over all its versions, cents.
    function balance(uint32 day, uint32 account) external view returns (int64 cents);

    /// @notice An account's balance over all days, cents. Of the pool 0: what decisions leave in it stands in its days until a
    /// correction takes it out.
    function total(uint32 account) external view returns (int256 cents);

    /// @notice Balances of a day over all its versions, in the order of `rosterOf` and then platform, grid, pool.
    function balances(uint32 day) external view returns (int64[] memory cents);

    function rosterOf(uint32 day) external view returns (uint32[] memory memberIds);

    function statementOf(uint32 day, uint16 version) external view returns (Statement memory posted);

    /// @notice The day's latest version, 0 if none was posted.
    function versionOf(uint32 day) external view returns (uint16 version);

    /// @notice The versions that stand and may be disputed. Reverts if the day has none, or is final.
    function openDay(uint32 day) external view returns (uint16 first, uint16 last);

    /// @notice What a leaf of a version is proved against, and the log's size when it was posted.
    function leavesOf(uint32 day, uint16 version) external view returns (bytes32 root, uint32 leafCount, uint48 logSize);

    /// @notice The day's versions up to this one are void; 0 if none is.
    function voidedUpTo(uint32 day) external view returns (uint16 version);

    /// @notice Unix seconds from which the day is final; 0 if no statement of it stands.
    function finalAt(uint32 day) external view returns (uint256 time);

    /// @notice When a receipt was recorded, unix seconds; 0 if it was not.
    function paymentAt(uint32 day, uint32 memberId, bytes32 receiptHash) external view returns (uint48 time);

    /// @notice The next day whose first statement is due.
    function nextDay() external view returns (uint32 day);

    /// @notice Seconds between a first statement and its finality.
    function windowSeconds() external view returns (uint48 window);

    /// @notice Seconds for which a day stays open at least after each correction and decision, and within which a demanded leaf
    /// must be shown: a seventh of the window (24 hours of seven days).
    function answerSeconds() external view returns (uint48 answer);

    /// @notice What the court made of the leaf at a place, as long as the day's statements stand; version 0: nothing.
    function judgement(uint32 day, uint256 place) external view returns (uint16 version, int64 value, int64 exports);

    /// @notice What the court's decisions on lines of slots have put into a group's pool, cents.
    function poolMoves(uint32 day, uint32 group) external view returns (int256 cents);

    /// @notice Whether a document's rows are known to stand in the log, and as which entry.
    function rowsLogged(bytes32 key) external view returns (bool known, uint48 entryIndex);

    /// @notice Whether an account is a bench of the court: the first contracts that the registry lists as `MeterCourt`,
    /// `PlanCourt`, `MarketCourt` and `BookCourt`, for good.
    function isCourt(address account) external view returns (bool bench);
}
