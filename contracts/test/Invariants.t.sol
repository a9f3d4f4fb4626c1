// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Calendar} from "../src/libraries/Calendar.sol";
import {OfferTerms} from "../src/types/Lease.sol";
import {GRID_ACCOUNT, PLATFORM_ACCOUNT, POOL_ACCOUNT} from "../src/types/Statement.sol";
import {Alliance} from "./Alliance.sol";
import {Tree} from "./Tree.sol";

/// @title Leasing as members do it: every call is valid by construction or refused for want of room alone
contract LeasingHandler is Alliance {
    uint256 internal constant MEMBERS = 4;
    uint32 public station;
    uint32 public offersMade;
    uint32 public leasesMade;
    uint32 public refused;

    constructor() {
        deploy();
        admitMembers(MEMBERS);
        station = registerStation(member(1));
    }

    function offer(uint256 seed) external {
        if (leases.liveOffers(station).length == 16) return;
        OfferTerms memory terms = offerTerms(station);
        terms.powerW = uint64(bound(seed, 1, 1e6));
        terms.energyWh = uint64(bound(seed >> 24, 1, 2e6));
        terms.handoverWh = 0;
        terms.firstSlot += uint32(bound(seed >> 48, 0, 40));
        terms.termSlots = uint32(bound(seed >> 56, 96, 300));
        terms.weekdayMask = uint8(bound(seed >> 72, 1, 0x7f)) | (seed >> 79 & 1 == 1 ? 0x7f : 0);
        terms.dayFirstSlot = uint8(bound(seed >> 80, 0, 95));
        terms.daySlots = uint8(bound(seed >> 88, 1, 96 - terms.dayFirstSlot));
        vm.prank(member(1));
        try leases.offer(terms) {
            ++offersMade;
        } catch {
            ++refused;
        }
    }

    function accept(uint256 seed) external {
        if (leases.offerCount() == 0) return;
        uint32 offerId = uint32(bound(seed, 1, leases.offerCount()));
        (OfferTerms memory terms, bool withdrawn) = leases.offerTerms(offerId);
        uint32 first = terms.firstSlot + uint32(bound(seed >> 32, 0, terms.termSlots - 1));
        uint32 left = terms.firstSlot + terms.termSlots - first;
        if (withdrawn || first <= Calendar.slotAt(block.timestamp)) return;
        vm.prank(member(bound(seed >> 64, 2, MEMBERS)));
        try leases.accept(
            offerId,
            uint64(bound(seed >> 72, 1, terms.powerW)),
            uint64(bound(seed >> 96, 1, terms.energyWh)),
            first,
            uint32(bound(seed >> 120, 1, left))
        ) {
            ++leasesMade;
        } catch {
            ++refused;
        }
    }

    function withdraw(uint256 seed) external {
        if (leases.offerCount() == 0 || seed % 4 != 0) return;
        uint32 offerId = uint32(bound(seed >> 2, 1, leases.offerCount()));
        (, bool withdrawn) = leases.offerTerms(offerId);
        if (withdrawn) return;
        vm.prank(member(1));
        leases.withdrawOffer(offerId);
    }

    function endEarly(uint256 seed) external {
        if (leases.leaseCount() == 0) return;
        uint32 leaseId = uint32(bound(seed, 1, leases.leaseCount()));
        uint32 end = leases.leaseEnd(leaseId);
        uint32 first = leases.lease(leaseId).firstSlot;
        uint32 next = Calendar.slotAt(block.timestamp) + 1;
        if (first > next) next = first;
        if (end <= next) return;
        uint32 slot = uint32(bound(seed >> 32, next, end - 1));
        address lessee = registry.memberAddress(leases.lease(leaseId).lesseeId);
        vm.prank(lessee);
        leases.endEarly(leaseId, slot);
        vm.prank(member(1));
        leases.endEarly(leaseId, slot);
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + bound(seed, 1, 12) * 900);
    }

    /// @dev Sums straight from the terms, by the definition of an offer, in one slot.
    function requireRoom(uint32 slot) external view {
        (uint256 stationW, uint256 stationWh) = (0, 0);
        for (uint32 id = 1; id <= leases.offerCount(); ++id) {
            (OfferTerms memory terms, bool withdrawn) = leases.offerTerms(id);
            if (!holds(terms, slot, terms.firstSlot, terms.firstSlot + terms.termSlots)) continue;
            (uint256 powerW, uint256 energyWh) = leasedBy(id, terms, slot);
            vm.assertLe(powerW, terms.powerW, "an offer's power is oversold");
            vm.assertLe(energyWh, terms.energyWh, "an offer's energy is oversold");
            stationW += withdrawn ? powerW : terms.powerW;
            stationWh += withdrawn ? energyWh : terms.energyWh;
        }
        vm.assertLe(stationW, 1e6, "the station's power is oversold");
        vm.assertLe(stationWh, 2e6, "the station's energy is oversold");
    }

    function leasedBy(uint32 offerId, OfferTerms memory terms, uint32 slot)
        private
        view
        returns (uint256 powerW, uint256 energyWh)
    {
        for (uint32 id = 1; id <= leases.leaseCount(); ++id) {
            if (leases.lease(id).offerId != offerId) continue;
            if (!holds(terms, slot, leases.lease(id).firstSlot, leases.leaseEnd(id))) continue;
            powerW += leases.lease(id).powerW;
            energyWh += leases.lease(id).energyWh;
        }
    }

    function holds(OfferTerms memory terms, uint32 slot, uint32 first, uint32 end) private pure returns (bool) {
        uint32 local = slot + 32;
        bool weekday = (terms.weekdayMask >> ((local / 96 + 3) % 7)) & 1 == 1;
        uint32 ofDay = local % 96;
        return slot >= first && slot < end && weekday && ofDay >= terms.dayFirstSlot
            && ofDay < uint32(terms.dayFirstSlot) + terms.daySlots;
    }
}

/// @title Capacity is never oversold at any instant, whatever members do in whatever order
contract LeasingInvariants {
    LeasingHandler private handler;
    uint32 private start;

    function setUp() external {
        handler = new LeasingHandler();
        start = Calendar.slotAt(block.timestamp);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](5);
        selectors[0] = LeasingHandler.offer.selector;
        selectors[1] = LeasingHandler.accept.selector;
        selectors[2] = LeasingHandler.withdraw.selector;
        selectors[3] = LeasingHandler.endEarly.selector;
        selectors[4] = LeasingHandler.pass.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    /// forge-config: default.invariant.runs = 8
    /// forge-config: default.invariant.depth = 40
    function invariant_noInstantIsOversold() external view {
        uint32 current = Calendar.slotAt(block.timestamp);
        for (uint32 slot = current + 1; slot < current + 350; slot += 7) handler.requireRoom(slot);
    }

    function test_itDoesHappen() external {
        for (uint256 i = 0; i < 60; ++i) {
            handler.offer(uint256(keccak256(abi.encode(i, "offer"))));
            handler.accept(uint256(keccak256(abi.encode(i, "accept"))));
            handler.accept(uint256(keccak256(abi.encode(i, "again"))));
            if (i % 5 == 0) handler.endEarly(uint256(keccak256(abi.encode(i, "end"))));
            if (i % 7 == 0) handler.pass(i);
        }
        require(handler.offersMade() > 3 && handler.leasesMade() > 5 && handler.refused() > 3, "nothing happened");
        for (uint32 slot = start; slot < start + 300; ++slot) handler.requireRoom(slot);
    }
}

/// @title Days settled and corrected, with the sums kept beside
contract SettlingHandler is Alliance {
    uint32 public posted;
    uint32 public corrected;

    constructor() {
        deploy();
        admitMembers(3);
    }

    function balancesOf(uint256 seed) private pure returns (int64[] memory cents) {
        cents = new int64[](6);
        for (uint256 i = 0; i < 4; ++i) {
            cents[i] = int64(int256(bound(seed >> (i * 40), 0, 2e9)) - 1e9);
            cents[4] -= cents[i];
        }
    }

    function roster() private pure returns (uint32[] memory ids) {
        ids = new uint32[](3);
        (ids[0], ids[1], ids[2]) = (1, 2, 3);
    }

    function post(uint256 seed) external {
        uint32 day = ledger.nextDay();
        vm.warp(Calendar.endOf(day));
        vm.prank(settler);
        ledger.post(day, 1, roster(), balancesOf(seed), keccak256("r"), 1, keccak256("s"));
        ++posted;
    }

    function correct(uint256 seed) external {
        uint32 day = ledger.nextDay() - 1 - uint32(seed % 3);
        if (ledger.versionOf(day) == 0 || block.timestamp >= ledger.finalAt(day)) return;
        uint16 version = ledger.versionOf(day) + 1;
        vm.prank(settler);
        ledger.post(day, version, roster(), balancesOf(seed), keccak256("r"), 1, keccak256("s"));
        ++corrected;
    }

    function requireZeroSums() external view {
        int256[6] memory totals;
        for (uint32 day = firstDay; day < ledger.nextDay(); ++day) {
            int64[] memory cents = ledger.balances(day);
            int256 sum = 0;
            for (uint256 i = 0; i < 6; ++i) {
                sum += cents[i];
                totals[i] += cents[i];
            }
            vm.assertEq(sum, 0, "a day's balances");
            vm.assertEq(int256(cents[5]), 0, "the pool overnight");
        }
        uint32[6] memory accounts = [1, 2, 3, PLATFORM_ACCOUNT, GRID_ACCOUNT, POOL_ACCOUNT];
        for (uint256 i = 0; i < 6; ++i) vm.assertEq(ledger.total(accounts[i]), totals[i], "total = sum of days");
    }
}

/// @title Balances sum to zero each day and are moved by statements alone
contract SettlingInvariants {
    SettlingHandler private handler;

    function setUp() external {
        handler = new SettlingHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_sumsAreZero() external view {
        handler.requireZeroSums();
    }

    function test_itDoesHappen() external {
        for (uint256 i = 0; i < 9; ++i) {
            handler.post(uint256(keccak256(abi.encode(i))));
            handler.correct(uint256(keccak256(abi.encode(i, "c"))));
        }
        require(handler.posted() == 9 && handler.corrected() > 3, "nothing happened");
        handler.requireZeroSums();
    }
}

/// @title A writer that sometimes tries to rewind or fork
contract AnchoringHandler is Alliance {
    bytes32[] private leaves;
    uint48 public size;
    uint48 public epoch;
    uint32 public advanced;
    uint32 public refused;

    constructor() {
        deploy();
        epoch = startEpoch;
    }

    function advance(uint256 seed) external {
        if (leaves.length > 40) return;
        for (uint256 i = 0; i < bound(seed, 1, 6); ++i) leaves.push(keccak256(abi.encode(seed, i)));
        bytes32[] memory proof = size == 0 ? new bytes32[](0) : Tree.consistency(leaves, size, leaves.length);
        bytes32 root = Tree.root(leaves, 0, leaves.length);
        vm.warp((uint256(epoch) + 2) * EPOCH_SECONDS);
        vm.prank(writer);
        anchor.advance(epoch + 1, size, uint48(leaves.length), root, proof, 0);
        (size, epoch) = (uint48(leaves.length), epoch + 1);
        ++advanced;
    }

    function rewrite(uint256 seed) external {
        if (size < 2) return;
        bytes32[] memory forked = new bytes32[](size + 1 + seed % 5);
        uint256 changed = (seed >> 8) % size;
        for (uint256 i = 0; i < forked.length; ++i) {
            forked[i] = i < size && i != changed ? leaves[i] : keccak256(abi.encode(seed, "fork", i));
        }
        bytes32[] memory proof = Tree.consistency(forked, size, forked.length);
        bytes32 root = Tree.root(forked, 0, forked.length);
        vm.warp((uint256(epoch) + 2) * EPOCH_SECONDS);
        vm.prank(writer);
        try anchor.advance(epoch + 1, size, uint48(forked.length), root, proof, 0) {
            revert("a fork was accepted");
        } catch {
            ++refused;
        }
    }

    function requireHistory() external view {
        (bytes32 root,, uint48 liveSize, uint48 liveEpoch) = anchor.state();
        vm.assertEq(liveSize, size, "size");
        vm.assertEq(liveEpoch, epoch, "epoch");
        vm.assertEq(root, Tree.root(leaves, 0, size), "the root is that of all that was ever appended");
    }
}

/// @title The log never rewinds and never forks
contract AnchoringInvariants {
    AnchoringHandler private handler;

    function setUp() external {
        handler = new AnchoringHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_historyOnlyGrows() external view {
        handler.requireHistory();
    }

    function test_itDoesHappen() external {
        for (uint256 i = 0; i < 8; ++i) {
            handler.advance(uint256(keccak256(abi.encode(i))));
            handler.rewrite(uint256(keccak256(abi.encode(i, "fork"))));
        }
        require(handler.advanced() == 8 && handler.refused() == 8, "nothing happened");
        handler.requireHistory();
    }
}
