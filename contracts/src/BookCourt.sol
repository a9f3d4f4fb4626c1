// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bench} from "./base/Bench.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {IBookCourt} from "./interfaces/IBookCourt.sol";
import {Booking} from "./libraries/Booking.sol";
import {Leaves} from "./libraries/Leaves.sol";
import {Rows} from "./libraries/Rows.sol";
import {Standing} from "./libraries/Standing.sol";
import {ANCHOR_LOG} from "./types/Contracts.sol";
import {ENTRY, EntryLeaf, Leaf, LINE, LineLeaf, RowProof} from "./types/Leaf.sol";
import {PLATFORM_ACCOUNT, POOL_ACCOUNT} from "./types/Statement.sol";

/// @title The court's bench for the books: statements that contradict themselves, and leaves that nobody shows (protocol 8.9.5)
contract BookCourt is Bench, IBookCourt {
    using Leaves for Leaf;
    using Standing for Standing.Day;

    // Why a day became void.
    uint8 private constant DOUBLED = 1;
    uint8 private constant DISORDERED = 2;
    uint8 private constant MISBOOKED = 3;
    uint8 private constant UNBOOKED = 4;
    uint8 private constant BALANCE_WRONG = 5;
    uint8 private constant NOT_PRODUCED = 6;

    struct Demand {
        uint16 version; // 0: none open
        uint32 index;
        uint48 until; // unix seconds
    }

    mapping(bytes32 key => Demand) private _demands;

    constructor(IAllianceRegistry registry_) Bench(registry_) {}

    /// @inheritdoc IBookCourt
    function voidDoubled(uint32 number, Leaf calldata one, Leaf calldata other) external {
        Standing.Day memory day = _open(number);
        Standing.Posted memory posted = day.version(one.version);
        one.requireIn(posted.root, posted.leafCount);
        other.requireIn(posted.root, posted.leafCount);
        if (one.version != other.version || one.index != other.index || one.hash() == other.hash()) {
            revert StatementHolds(number);
        }
        _void(number, one, DOUBLED);
    }

    /// @inheritdoc IBookCourt
    function voidNeighbours(uint32 number, Leaf[] calldata neighbours) external {
        Standing.Day memory day = _open(number);
        if (neighbours.length == 1) {
            day.prove(neighbours[0]);
            if (neighbours[0].index != 0 || Booking.begins(neighbours[0])) revert StatementHolds(number);
        } else {
            _requireNeighbours(day, neighbours);
            if (Booking.follows(neighbours[0], neighbours[1])) revert StatementHolds(number);
        }
        _void(number, neighbours[neighbours.length - 1], DISORDERED);
    }

    /// @inheritdoc IBookCourt
    function voidEntry(uint32 number, Leaf calldata entry, Leaf[] calldata line) external {
        Standing.Day memory day = _open(number);
        day.prove(entry);
        EntryLeaf memory x = entry.entry();
        if (line.length == 0) {
            if (x.lineLeaf < day.version(entry.version).leafCount) revert StatementHolds(number);
        } else {
            day.prove(line[0]);
            _requireSame(entry.version, line[0].version, x.lineLeaf, line[0].index);
            if (line[0].kind == LINE && Booking.books(x, line[0].line())) revert StatementHolds(number);
        }
        _void(number, entry, MISBOOKED);
    }

    /// @inheritdoc IBookCourt
    function voidUnbooked(uint32 number, uint32 account, Leaf calldata line, Leaf[] calldata neighbours) external {
        Standing.Day memory day = _open(number);
        day.prove(line);
        LineLeaf memory x = line.line();
        if (account != x.account && account != x.counterparty) revert StatementHolds(number);
        uint32 group = Booking.bookOf(x, account);
        bool right = _requireAround(day, neighbours, account, group);
        if (neighbours[0].version != line.version) revert VersionNotStanding(number, neighbours[0].version);
        if (Booking.inBook(neighbours[0], account, group) && neighbours[0].entry().lineLeaf >= line.index) {
            revert StatementHolds(number);
        }
        if (right && Booking.inBook(neighbours[1], account, group) && neighbours[1].entry().lineLeaf <= line.index) {
            revert StatementHolds(number);
        }
        _void(number, line, UNBOOKED);
    }

    /// @inheritdoc IBookCourt
    function voidBalance(uint32 number, uint32 account, int64[] calldata balancesCents, Leaf[] calldata neighbours)
        external
    {
        Standing.Day memory day = _open(number);
        if (account == POOL_ACCOUNT) revert LeafNotJudged(ENTRY, 0);
        bool right = _requireAround(day, neighbours, account, 0);
        if (right && Booking.inBook(neighbours[1], account, 0)) revert AccountHasEntries(account);
        int64 last = Booking.inBook(neighbours[0], account, 0) ? neighbours[0].entry().balanceCents : int64(0);
        if (last == _postedBalance(day, neighbours[0].version, account, balancesCents)) revert StatementHolds(number);
        _void(number, neighbours[0], BALANCE_WRONG);
    }

    /// @inheritdoc IBookCourt
    function demand(uint32 number, uint16 version, uint32 index) external {
        Standing.Day memory day = _open(number);
        uint32 memberId = registry.memberNumber(msg.sender);
        if (!_onRoster(number, memberId)) revert DemandNotByRoster(number, msg.sender);
        uint256 answer = ledger.answerSeconds();
        uint256 latest = ledger.finalAt(number) - 2 * answer;
        if (block.timestamp > latest) revert DemandTooLate(number, latest, block.timestamp);
        uint32 leafCount = day.version(version).leafCount;
        if (index >= leafCount) revert LeafIndexOutside(index, leafCount);
        Demand storage open = _demands[_key(number, day.first, memberId)];
        if (open.version != 0) revert DemandOpen(number, memberId, open.index);
        uint48 until = uint48(block.timestamp + answer);
        (open.version, open.index, open.until) = (version, index, until);
        emit LeafDemanded(number, memberId, version, index, until);
    }

    /// @inheritdoc IBookCourt
    function produce(uint32 number, uint32 memberId, Leaf calldata leaf) external {
        Standing.Day memory day = _open(number);
        bytes32 key = _key(number, day.first, memberId);
        Demand memory open = _demands[key];
        if (open.version == 0) revert DemandNotOpen(number, memberId);
        _requireSame(open.version, leaf.version, open.index, leaf.index);
        day.prove(leaf);
        delete _demands[key];
        emit LeafProduced(number, memberId, leaf.version, leaf.index);
    }

    /// @inheritdoc IBookCourt
    function voidUnproduced(uint32 number, uint32 memberId) external {
        Demand memory open = _demands[_key(number, _open(number).first, memberId)];
        if (open.version == 0) revert DemandNotOpen(number, memberId);
        if (block.timestamp <= open.until) revert DemandStillRunning(open.until, block.timestamp);
        ledger.voidDay(number);
        emit StatementBroken(number, open.version, open.index, NOT_PRODUCED, msg.sender);
    }

    /// @inheritdoc IBookCourt
    function keepRows(RowProof calldata row) external {
        Log memory log;
        (log.root,, log.size,) = IAnchorLog(registry.newestContract(ANCHOR_LOG)).state();
        log.limit = log.size;
        bytes32 root = Rows.root(row);
        _requireEntry(log, Rows.entry(row.document, root), row.entryIndex, row.entryProof);
        ledger.keepRows(Rows.key(row.document, root), row.entryIndex);
        emit RowsKept(row.document, root, row.entryIndex);
    }

    /// @inheritdoc IBookCourt
    function demandOf(uint32 day, uint32 memberId) external view returns (uint16, uint32, uint48) {
        Demand storage open = _demands[_key(day, ledger.voidedUpTo(day) + 1, memberId)];
        return (open.version, open.index, open.until);
    }

    function _void(uint32 number, Leaf calldata leaf, uint8 fault) private {
        emit StatementBroken(number, leaf.version, leaf.index, fault, msg.sender);
        ledger.voidDay(number);
    }

    function _requireNeighbours(Standing.Day memory day, Leaf[] calldata leaves) private pure {
        if (leaves.length != 2) revert LeavesWrongCount(2, leaves.length);
        day.prove(leaves[0]);
        day.prove(leaves[1]);
        _requireSame(leaves[0].version, leaves[1].version, leaves[0].index + 1, leaves[1].index);
    }

    /// @dev Two neighbours (one, at the statement's end) that lie around a book, or inside it. @return right Whether there are two.
    function _requireAround(Standing.Day memory day, Leaf[] calldata leaves, uint32 account, uint32 group)
        private
        pure
        returns (bool right)
    {
        right = leaves.length == 2;
        if (right) _requireNeighbours(day, leaves);
        else if (leaves.length != 1) revert LeavesWrongCount(2, leaves.length);
        uint256 low = Leaves.entryPlace(account, group, 0);
        uint256 high = Leaves.entryPlace(account, group, type(uint32).max);
        uint256 leftPlace = day.prove(leaves[0]);
        if (leftPlace > high) revert LeafOfAnotherPlace(low, leftPlace);
        if (right) {
            if (leaves[1].place() < low) revert LeafOfAnotherPlace(low, leaves[1].place());
        } else if (leaves[0].index + 1 != day.version(leaves[0].version).leafCount) {
            revert LeavesNotNeighbours(leaves[0].index, leaves[0].index);
        }
    }

    function _requireSame(uint16 wantVersion, uint16 gotVersion, uint32 wantIndex, uint32 gotIndex) private pure {
        if (wantVersion != gotVersion || wantIndex != gotIndex) revert LeavesNotNeighbours(wantIndex, gotIndex);
    }

    function _postedBalance(Standing.Day memory day, uint16 version, uint32 account, int64[] calldata cents)
        private
        view
        returns (int64)
    {
        bytes32 want = ledger.statementOf(day.number, version).balancesHash;
        bytes32 got = keccak256(abi.encode(cents));
        if (want != got) revert BalancesWrong(want, got);
        uint32[] memory members = ledger.rosterOf(day.number);
        if (account >= PLATFORM_ACCOUNT) return cents[members.length + (account - PLATFORM_ACCOUNT)];
        for (uint256 i = 0; i < members.length; ++i) if (members[i] == account) return cents[i];
        return 0;
    }

    function _onRoster(uint32 number, uint32 memberId) private view returns (bool) {
        uint32[] memory members = ledger.rosterOf(number);
        for (uint256 i = 0; i < members.length; ++i) if (members[i] == memberId) return true;
        return false;
    }

    /// @dev A demand belongs to the statements that stand: it ends with them.
    function _key(uint32 number, uint16 first, uint32 memberId) private pure returns (bytes32) {
        return keccak256(abi.encode(number, first, memberId));
    }
}
