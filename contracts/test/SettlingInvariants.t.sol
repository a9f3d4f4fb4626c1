// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Calendar} from "../src/libraries/Calendar.sol";
import {GRID_ACCOUNT, PLATFORM_ACCOUNT, POOL_ACCOUNT} from "../src/types/Statement.sol";
import {Alliance} from "./Alliance.sol";

/// @title Days settled, corrected, disputed and voided by whoever may; the books are kept beside, by the definition
/// @notice The benches are driven at the ledger's own door, with any verdict: its rules hold whatever a court finds.
contract SettlingHandler is Alliance {
    uint256 private constant MEMBERS_MOST = 6;

    uint32[] private _on; // who is on the roster now
    uint32[] private _changes; // days from which the roster was another, ascending
    mapping(uint32 day => uint32[]) private _from; // the roster from such a day on
    mapping(uint32 day => uint32[]) private _rosters;
    mapping(uint32 day => mapping(uint32 account => int256)) private _expected;
    mapping(uint32 account => int256) private _sums;
    mapping(uint32 day => uint256) private _finalAt;
    mapping(uint32 day => uint16) private _versions;
    mapping(uint32 day => uint16) private _voided;
    uint32 public posted;
    uint32 public corrected;
    uint32 public replaced;
    uint32 public overturned;
    uint32 public judged;
    uint32 public voidedDays;
    uint32 public paid;
    uint32 public refused;
    uint32 public joined;
    uint32 public suspended;
    uint256 private _members = 3;

    constructor() {
        deploy();
        admitMembers(_members);
        for (uint32 i = 1; i <= 3; ++i) _on.push(i);
        _changed();
        vm.warp(Calendar.endOf(firstDay - 1));
    }

    // ---- what happens ----

    function post(uint256 seed) external {
        uint32 day = ledger.nextDay();
        _warpTo(Calendar.endOf(day) + bound(seed >> 200, 0, 20 hours));
        _rosters[day] = _rosterAt(day);
        _send(day, 1, seed);
        _finalAt[day] = block.timestamp + WINDOW;
        ++posted;
    }

    /// @dev A further version: of a day that stands its differences, of a void one the whole.
    function correct(uint256 seed) external {
        uint32 day = _someDay(seed);
        if (day == 0 || !(_open(day) || _isVoid(day)) || _versions[day] == 64) return;
        bool whole = _isVoid(day);
        _send(day, _versions[day] + 1, seed);
        _keepOpen(day, whole ? WINDOW : WINDOW / 7);
        if (whole) ++replaced;
        else ++corrected;
    }

    /// @dev A bench moves cents between two accounts of the day, the pool among them.
    function overturn(uint256 seed) external {
        uint32 day = _someDay(seed);
        if (day == 0 || !_open(day)) return;
        uint32 account = _accountOf(day, seed >> 16);
        uint32 counterparty = _accountOf(day, seed >> 32);
        int64 cents = int64(int256(bound(seed >> 48, 0, 2e6))) - 1e6;
        uint256 place = uint256(3) << 248 | uint256(account) << 64 | uint256(counterparty) << 32 | (seed >> 96 & 0xff);
        vm.prank(_bench(seed >> 104));
        ledger.overturn(day, place, _versions[day], uint32(seed >> 112 & 3), cents);
        _move(day, account, cents);
        _move(day, counterparty, -cents);
        _keepOpen(day, WINDOW / 7);
        ++overturned;
    }

    /// @dev A bench finds energy that was told wrongly: no money moves by that alone.
    function judge(uint256 seed) external {
        uint32 day = _someDay(seed);
        if (day == 0 || !_open(day)) return;
        vm.prank(_bench(seed >> 16));
        ledger.judge(day, seed >> 24, _versions[day], int64(uint64(seed)), int64(uint64(seed >> 64)));
        _keepOpen(day, WINDOW / 7);
        ++judged;
    }

    function voidDay(uint256 seed) external {
        uint32 day = _someDay(seed);
        if (day == 0 || seed >> 24 & 1 == 0 || !_open(day)) return;
        vm.prank(_bench(seed >> 16));
        ledger.voidDay(day);
        for (uint256 i = 0; i < _rosters[day].length + 3; ++i) {
            uint32 account = _accountAt(day, i);
            _move(day, account, -_expected[day][account]);
        }
        (_voided[day], _finalAt[day]) = (_versions[day], 0);
        ++voidedDays;
    }

    function pay(uint256 seed) external {
        uint32 day = _someDay(seed);
        if (day == 0 || _isVoid(day) || _open(day)) return;
        uint32 memberId = _rosters[day][(seed >> 16) % _rosters[day].length];
        vm.prank(settler);
        try ledger.recordPayment(day, memberId, keccak256(abi.encode(seed % 512))) {
            ++paid;
        } catch {
            ++refused; // the same receipt again
        }
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + bound(seed, 1 hours, 8 hours));
    }

    function join(uint256) external {
        if (_members == MEMBERS_MOST) return;
        ++_members;
        vm.prank(member(_members));
        registry.applyForMembership(keccak256(abi.encode(_members)));
        vm.prank(admitter);
        registry.admit(member(_members));
        _on.push(uint32(_members));
        _changed();
        ++joined;
    }

    /// @dev Suspended or reinstated: the roster of tomorrow changes, the one of today does not.
    function suspend(uint256 seed) external {
        uint32 memberId = uint32(bound(seed, 1, _members));
        uint32[] memory before = _on;
        bool was = _contains(before, memberId);
        if (was && before.length == 1) return;
        delete _on;
        for (uint32 id = 1; id <= _members; ++id) {
            if (id == memberId ? !was : _contains(before, id)) _on.push(id);
        }
        _changed();
        vm.prank(address(charter));
        if (was) registry.suspend(member(memberId));
        else registry.reinstate(member(memberId));
        ++suspended;
    }

    // ---- what must not happen ----

    /// @dev A statement of some of the roster alone, or of one more than it.
    function postPartial(uint256 seed) external {
        uint32 day = ledger.nextDay();
        uint32[] memory all = _rosterAt(day);
        uint256 length = all.length;
        _warpTo(Calendar.endOf(day));
        uint32[] memory ids = new uint32[](seed & 1 == 0 ? length - 1 : length + 1);
        for (uint256 i = 0; i < ids.length; ++i) ids[i] = i < length ? all[i] : uint32(_members + 1);
        if (seed & 1 == 0) {
            uint256 left = (seed >> 8) % length;
            for (uint256 i = left; i < ids.length; ++i) ids[i] = all[i + 1];
        }
        _refuse(settler, abi.encodeCall(ledger.post, (day, 1, ids, new int64[](ids.length + 3), "r", 1, "s")));
        _refuse(settler, abi.encodeCall(ledger.post, (day, 1, all, new int64[](length + 2), "r", 1, "s")));
    }

    /// @dev Money out of nothing, money left in the pool.
    function postUnbalanced(uint256 seed) external {
        uint32 day = ledger.nextDay();
        uint32[] memory all = _rosterAt(day);
        _warpTo(Calendar.endOf(day));
        int64[] memory cents = new int64[](all.length + 3);
        cents[(seed >> 8) % cents.length] = int64(int256(bound(seed >> 16, 1, 1e9))) * (seed & 1 == 0 ? int64(1) : -1);
        _refuse(settler, abi.encodeCall(ledger.post, (day, 1, all, cents, "r", 1, "s")));
        cents = new int64[](all.length + 3);
        (cents[cents.length - 1], cents[0]) = (7, -7);
        _refuse(settler, abi.encodeCall(ledger.post, (day, 1, all, cents, "r", 1, "s")));
    }

    /// @dev A day again, a day before its time, a version twice or too many, a final day's.
    function postTwice(uint256 seed) external {
        uint32 day = _someDay(seed);
        if (day == 0) return;
        uint16 version = seed >> 16 & 1 == 0 ? 1 : _versions[day];
        bytes memory data = abi.encodeCall(
            ledger.post, (day, version, _rosters[day], new int64[](_rosters[day].length + 3), "r", 1, "s")
        );
        _refuse(settler, data);
        uint32 next = ledger.nextDay();
        uint32[] memory all = _rosterAt(next + 1);
        if (seed >> 17 & 3 == 0) _warpTo(Calendar.endOf(next + 1));
        data = abi.encodeCall(ledger.post, (next + 1, 1, all, new int64[](all.length + 3), "r", 1, "s"));
        _refuse(settler, data);
        if (_open(day) || _isVoid(day)) return;
        _refuse(settler, abi.encodeCall(
            ledger.post,
            (day, _versions[day] + 1, _rosters[day], new int64[](_rosters[day].length + 3), "r", 1, "s")
        ));
    }

    /// @dev Everybody else, a member and the charter among them, at each door that moves money; the benches on a final day.
    function intrude(uint256 seed) external {
        address[8] memory others =
            [member(1), member(2), admitter, attestor, guardian, writer, address(charter), address(leases)];
        address who = others[(seed >> 16) % 8];
        uint32 day = _someDay(seed);
        if (day == 0) return;
        bool settles = seed >> 20 & 1 == 1;
        bytes memory data = abi.encodeCall(
            ledger.post,
            (day, _versions[day] + 1, _rosters[day], new int64[](_rosters[day].length + 3), "r", 1, "s")
        );
        if (settles) who = settler;
        else _refuse(who, data);
        if (!_open(day)) who = _bench(seed >> 24);
        _refuse(who, abi.encodeCall(ledger.overturn, (day, uint256(1) << 64 | uint256(2) << 32, 1, 0, int64(5))));
        _refuse(who, abi.encodeCall(ledger.judge, (day, seed, 1, int64(5), int64(5))));
        _refuse(who, abi.encodeCall(ledger.voidDay, (day)));
    }

    // ---- the books ----

    /// @dev Every account of every day, and their sums, are what the rules above make of them.
    function requireBooks() external view {
        int256 all = 0;
        for (uint32 day = firstDay; day < ledger.nextDay(); ++day) {
            int64[] memory cents = ledger.balances(day);
            vm.assertEq(cents.length, _rosters[day].length + 3, "accounts of a day");
            int256 sum = 0;
            for (uint256 i = 0; i < cents.length; ++i) {
                sum += cents[i];
                vm.assertEq(int256(cents[i]), _expected[day][_accountAt(day, i)], "a balance moved by itself");
            }
            vm.assertEq(sum, 0, "a day's balances");
            vm.assertEq(ledger.finalAt(day), _finalAt[day], "final");
            vm.assertEq(ledger.versionOf(day), _versions[day], "version");
            all += cents[cents.length - 1];
        }
        for (uint32 id = 1; id <= MEMBERS_MOST; ++id) {
            vm.assertEq(ledger.total(id), _sums[id], "total = sum of days");
            all += _sums[id];
        }
        vm.assertEq(ledger.total(PLATFORM_ACCOUNT), _sums[PLATFORM_ACCOUNT], "platform");
        vm.assertEq(ledger.total(GRID_ACCOUNT), _sums[GRID_ACCOUNT], "grid");
        vm.assertEq(ledger.total(POOL_ACCOUNT), 0, "the pool has no total");
        vm.assertEq(all + _sums[PLATFORM_ACCOUNT] + _sums[GRID_ACCOUNT], 0, "all totals and what pools hold");
    }

    // ---- verbs ----

    /// @dev Random differences; the pool gives back whatever disputes left in it.
    function _send(uint32 day, uint16 version, uint256 seed) private {
        uint32[] memory ids = _rosters[day];
        int64[] memory cents = new int64[](ids.length + 3);
        uint256 pool = cents.length - 1;
        cents[pool] = -int64(_expected[day][POOL_ACCOUNT]);
        int64 sum = cents[pool];
        for (uint256 i = 0; i < pool - 1; ++i) {
            cents[i] = int64(int256(uint256(keccak256(abi.encode(seed, i))) % 2e9)) - 1e9;
            sum += cents[i];
        }
        cents[pool - 1] = -sum;
        vm.prank(settler);
        ledger.post(day, version, ids, cents, keccak256("r"), 1, keccak256("s"));
        for (uint256 i = 0; i < cents.length; ++i) _move(day, _accountAt(day, i), cents[i]);
        _versions[day] = version;
    }

    function _refuse(address who, bytes memory data) private {
        vm.prank(who);
        (bool done,) = address(ledger).call(data);
        vm.assertFalse(done, "who may not, did");
        ++refused;
    }

    function _move(uint32 day, uint32 account, int256 cents) private {
        _expected[day][account] += cents;
        if (account != POOL_ACCOUNT) _sums[account] += cents;
    }

    function _keepOpen(uint32 day, uint256 seconds_) private {
        if (block.timestamp + seconds_ > _finalAt[day]) _finalAt[day] = block.timestamp + seconds_;
    }

    /// @dev Whoever comes or goes today does so from tomorrow on.
    function _changed() private {
        uint32 day = Calendar.dayAt(block.timestamp) + 1;
        if (_changes.length == 0 || _changes[_changes.length - 1] != day) _changes.push(day);
        _from[day] = _on;
    }

    function _rosterAt(uint32 day) private view returns (uint32[] memory) {
        uint256 i = _changes.length - 1;
        while (_changes[i] > day) --i;
        return _from[_changes[i]];
    }

    function _contains(uint32[] memory ids, uint32 wanted) private pure returns (bool) {
        for (uint256 i = 0; i < ids.length; ++i) {
            if (ids[i] == wanted) return true;
        }
        return false;
    }

    function _warpTo(uint256 time) private {
        if (time > block.timestamp) vm.warp(time);
    }

    function _someDay(uint256 seed) private view returns (uint32) {
        uint32 next = ledger.nextDay();
        uint256 back = 1 + seed % 10;
        return back > next - firstDay ? 0 : uint32(next - back);
    }

    function _isVoid(uint32 day) private view returns (bool) {
        return _versions[day] == _voided[day];
    }

    function _open(uint32 day) private view returns (bool) {
        return !_isVoid(day) && block.timestamp < _finalAt[day];
    }

    function _accountOf(uint32 day, uint256 seed) private view returns (uint32) {
        return _accountAt(day, (seed & 0xffff) % (_rosters[day].length + 3));
    }

    function _accountAt(uint32 day, uint256 i) private view returns (uint32) {
        uint256 length = _rosters[day].length;
        return i < length ? _rosters[day][i] : PLATFORM_ACCOUNT + uint32(i - length);
    }

    function _bench(uint256 seed) private view returns (address) {
        address[4] memory benches = [address(meterCourt), address(planCourt), address(marketCourt), address(bookCourt)];
        return benches[seed % 4];
    }
}

/// @title Balances sum to zero each day and are moved by the ledger's rules alone
contract SettlingInvariants {
    SettlingHandler private handler;

    function setUp() external {
        handler = new SettlingHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_sumsAreZeroAndMoveByTheRulesAlone() external view {
        handler.requireBooks();
    }

    function test_itDoesHappen() external {
        for (uint256 i = 0; i < 40; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            if (i % 3 == 0) handler.post(seed);
            handler.correct(seed >> 1);
            handler.overturn(seed >> 2);
            handler.judge(seed >> 3);
            if (i % 2 == 0) handler.voidDay(seed >> 4);
            handler.pay(seed >> 5);
            if (i % 5 == 0) handler.suspend(seed >> 6);
            if (i % 7 == 0) handler.join(seed);
            handler.pass(seed);
            handler.intrude(seed >> 7);
            handler.postTwice(seed >> 8);
            if (i % 3 == 2) handler.postPartial(seed);
            if (i % 3 == 2) handler.postUnbalanced(seed);
            handler.requireBooks();
        }
        require(handler.posted() == 14 && handler.corrected() > 3 && handler.replaced() > 0, "nothing was settled");
        require(handler.overturned() > 9 && handler.judged() > 9 && handler.voidedDays() > 2, "nothing was judged");
        require(handler.paid() > 0 && handler.refused() > 99, "nothing was paid or refused");
        require(handler.joined() == 3 && handler.suspended() > 3, "nobody came or went");
    }
}
