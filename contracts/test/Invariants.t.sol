// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Calendar} from "../src/libraries/Calendar.sol";
import {OfferTerms} from "../src/types/Lease.sol";
import {StationSpec} from "../src/types/Station.sol";
import {Alliance} from "./Alliance.sol";
import {Tree} from "./Tree.sol";

/// @title Leasing as members do it: every call is valid by construction or refused for want of room alone
contract LeasingHandler is Alliance {
    uint256 internal constant MEMBERS = 4;
    uint32 public station;
    uint32 public offersMade;
    uint32 public leasesMade;
    uint32 public amended;
    uint32 public rerated;
    uint32 public refused;

    constructor() {
        deploy();
        admitMembers(MEMBERS);
        vm.warp(block.timestamp + 1 days); // they are on the roster
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

    /// @dev Both parties agree on other quantities and another term from a slot on.
    function amend(uint256 seed) external {
        if (leases.leaseCount() == 0) return;
        uint32 leaseId = uint32(bound(seed, 1, leases.leaseCount()));
        (uint32 first, uint32 end) = (leases.lease(leaseId).firstSlot, leases.leaseEnd(leaseId));
        uint32 next = Calendar.slotAt(block.timestamp) + 1;
        if (first > next) next = first;
        if (end <= next) return;
        uint64 powerW = uint64(bound(seed >> 32, 1, 2 * leases.lease(leaseId).powerW));
        uint64 energyWh = uint64(bound(seed >> 64, 1, 2 * leases.lease(leaseId).energyWh));
        uint32 from = uint32(bound(seed >> 96, next, end - 1));
        uint32 term = uint32(bound(seed >> 128, 1, 2 * uint256(end - from)));
        vm.prank(registry.memberAddress(leases.lease(leaseId).lesseeId));
        leases.amend(leaseId, powerW, energyWh, from, term);
        vm.prank(member(1));
        try leases.amend(leaseId, powerW, energyWh, from, term) {
            ++amended;
        } catch {
            ++refused;
        }
    }

    /// @dev The station is rebuilt, smaller or larger, where its live offers still fit.
    function rerate(uint256 seed) external {
        StationSpec memory spec = specification();
        spec.dischargePowerW = uint64(bound(seed, 5e5, 1e6));
        spec.capacityWh = uint64(bound(seed >> 32, 1e6, 2e6));
        vm.prank(member(1));
        registry.proposeStationChange(station, spec, "agreement");
        vm.prank(admitter);
        try registry.confirmStationChange(station, spec, "agreement") {
            ++rerated;
        } catch {
            ++refused;
        }
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
        (StationSpec memory spec,) = registry.station(station);
        vm.assertLe(stationW, spec.dischargePowerW, "the station's power is oversold");
        vm.assertLe(stationWh, spec.capacityWh, "the station's energy is oversold");
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
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = LeasingHandler.offer.selector;
        selectors[1] = LeasingHandler.accept.selector;
        selectors[2] = LeasingHandler.withdraw.selector;
        selectors[3] = LeasingHandler.endEarly.selector;
        selectors[4] = LeasingHandler.pass.selector;
        selectors[5] = LeasingHandler.amend.selector;
        selectors[6] = LeasingHandler.rerate.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    /// @dev Some slots after each call, others each time: what is oversold stays so for many calls.
    function invariant_noInstantIsOversold() external view {
        uint32 current = Calendar.slotAt(block.timestamp);
        uint32 from = 1 + (handler.offersMade() + handler.leasesMade() + handler.amended() + handler.refused()) % 29;
        for (uint32 slot = current + from; slot < current + 350; slot += 29) handler.requireRoom(slot);
    }

    function test_itDoesHappen() external {
        for (uint256 i = 0; i < 60; ++i) {
            handler.offer(uint256(keccak256(abi.encode(i, "offer"))));
            handler.accept(uint256(keccak256(abi.encode(i, "accept"))));
            handler.accept(uint256(keccak256(abi.encode(i, "again"))));
            if (i % 5 == 0) handler.endEarly(uint256(keccak256(abi.encode(i, "end"))));
            if (i % 7 == 0) handler.pass(i);
            handler.amend(uint256(keccak256(abi.encode(i, "amend"))));
            if (i % 3 == 0) handler.rerate(uint256(keccak256(abi.encode(i, "rerate"))));
        }
        require(handler.offersMade() > 3 && handler.leasesMade() > 5 && handler.refused() > 3, "nothing happened");
        require(handler.amended() > 3 && handler.rerated() > 0, "nothing was changed");
        for (uint32 slot = start; slot < start + 300; ++slot) handler.requireRoom(slot);
    }
}

/// @title A writer that sometimes tries to rewind or fork
contract AnchoringHandler is Alliance {
    bytes32[] private leaves;
    uint48 public size;
    uint48 public epoch;
    uint32 public advanced;
    uint32 public refused;
    uint32 public rotated;
    address public currentWriter;

    constructor() {
        deploy();
        (epoch, currentWriter) = (startEpoch, writer);
    }

    function advance(uint256 seed) external {
        if (leaves.length > 40) return;
        for (uint256 i = 0; i < bound(seed, 1, 6); ++i) leaves.push(keccak256(abi.encode(seed, i)));
        bytes32[] memory proof = size == 0 ? new bytes32[](0) : Tree.consistency(leaves, size, leaves.length);
        bytes32 root = Tree.root(leaves, 0, leaves.length);
        vm.warp((uint256(epoch) + 2) * EPOCH_SECONDS);
        vm.prank(currentWriter);
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
        vm.prank(currentWriter);
        try anchor.advance(epoch + 1, size, uint48(forked.length), root, proof, 0) {
            revert("a fork was accepted");
        } catch {
            ++refused;
        }
    }

    /// @dev What was anchored, anchored again, skipped, shrunk or begun elsewhere; also by a signature that anybody carries.
    function rewind(uint256 seed) external {
        if (size < 2) return;
        vm.warp((uint256(epoch) + 3) * EPOCH_SECONDS);
        bytes32 root = Tree.root(leaves, 0, size);
        bytes32[] memory none = new bytes32[](0);
        uint48 less = uint48(bound(seed, 0, size - 1));
        bytes32[] memory proof = less == 0 ? none : Tree.consistency(leaves, less, size);
        _refuse(currentWriter, abi.encodeCall(anchor.advance, (epoch, less, size, root, proof, 0)));
        _refuse(currentWriter, abi.encodeCall(anchor.advance, (epoch + 1, less, size, root, proof, 0)));
        _refuse(currentWriter, abi.encodeCall(anchor.advance, (epoch + 1, size, size, root, none, 0)));
        if (less != 0) {
            bytes32 before = Tree.root(leaves, 0, less);
            _refuse(currentWriter, abi.encodeCall(anchor.advance, (epoch + 1, size, less, before, proof, 0)));
        }
        (bytes32 next, bytes32[] memory path) = _extended(seed);
        _refuse(currentWriter, abi.encodeCall(anchor.advance, (epoch, size, size + 1, next, path, 0)));
        _refuse(currentWriter, abi.encodeCall(anchor.advance, (epoch + 2, size, size + 1, next, path, 0)));
    }

    /// @dev What would extend the log rightly, sent by others, and their attempts to become its writer or to end it.
    function intrude(uint256 seed) external {
        address[5] memory others = [member(1), guardian, settler, address(ledger), address(0xbeef)];
        address who = others[seed % 5];
        vm.warp((uint256(epoch) + 2) * EPOCH_SECONDS);
        if (size > 0) {
            (bytes32 next, bytes32[] memory path) = _extended(seed);
            _refuse(who, abi.encodeCall(anchor.advance, (epoch + 1, size, size + 1, next, path, 0)));
            bytes memory signature = signed64(0xBAD, keccak256("other"));
            _refuse(who, abi.encodeCall(anchor.advanceSigned, (epoch + 1, size, size + 1, next, path, 0, signature)));
        }
        _refuse(who, abi.encodeCall(anchor.rotateWriter, (who)));
        _refuse(who, abi.encodeCall(anchor.close, ()));
    }

    /// @dev The charter names another writer; the old one may nothing more.
    function rotate(uint256 seed) external {
        address before = currentWriter;
        currentWriter = address(uint160(bound(seed, 0x2000, 0x2fff)));
        vm.prank(address(charter));
        anchor.rotateWriter(currentWriter);
        ++rotated;
        if (size == 0 || before == currentWriter) return;
        vm.warp((uint256(epoch) + 2) * EPOCH_SECONDS);
        (bytes32 next, bytes32[] memory path) = _extended(seed);
        _refuse(before, abi.encodeCall(anchor.advance, (epoch + 1, size, size + 1, next, path, 0)));
    }

    /// @dev A true extension by one entry.
    function _extended(uint256 seed) private view returns (bytes32 root, bytes32[] memory proof) {
        bytes32[] memory longer = new bytes32[](size + 1);
        for (uint256 i = 0; i < size; ++i) longer[i] = leaves[i];
        longer[size] = keccak256(abi.encode(seed, "next"));
        return (Tree.root(longer, 0, size + 1), Tree.consistency(longer, size, size + 1));
    }

    function _refuse(address who, bytes memory data) private {
        vm.prank(who);
        (bool done,) = address(anchor).call(data);
        vm.assertFalse(done, "the log was moved");
        ++refused;
    }

    function requireHistory() external view {
        (bytes32 root, address liveWriter, uint48 liveSize, uint48 liveEpoch) = anchor.state();
        vm.assertEq(liveSize, size, "size");
        vm.assertEq(liveEpoch, epoch, "epoch");
        vm.assertEq(liveWriter, currentWriter, "writer");
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
            handler.rewind(uint256(keccak256(abi.encode(i, "rewind"))));
            handler.intrude(i);
            if (i % 3 == 0) handler.rotate(uint256(keccak256(abi.encode(i, "writer"))));
            handler.requireHistory();
        }
        require(handler.advanced() == 8 && handler.refused() > 70 && handler.rotated() == 3, "nothing happened");
        handler.requireHistory();
    }
}
