// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllianceRegistry} from "../src/interfaces/IAllianceRegistry.sol";
import {ICapacityLease} from "../src/interfaces/ICapacityLease.sol";
import {Calendar} from "../src/libraries/Calendar.sol";
import {LeaseTerms} from "../src/libraries/LeaseTerms.sol";
import {Lease, OfferTerms} from "../src/types/Lease.sol";
import {StationSpec} from "../src/types/Station.sol";
import {Alliance} from "./Alliance.sol";

contract CapacityLeaseTest is Alliance {
    address private owner;
    uint32 private station;
    uint32 private from;

    function setUp() public {
        deploy();
        admitMembers(4);
        vm.warp(block.timestamp + 1 days); // they are on the roster
        owner = member(1);
        station = registerStation(owner);
        from = Calendar.slotAt(block.timestamp) + 1;
    }

    function offer(OfferTerms memory terms) private returns (uint32) {
        vm.prank(owner);
        return leases.offer(terms);
    }

    function offerAll() private returns (uint32) {
        return offer(offerTerms(station));
    }

    function accept(uint256 who, uint32 offerId, uint64 powerW, uint64 energyWh, uint32 first, uint32 term)
        private
        returns (uint32)
    {
        vm.prank(member(who));
        return leases.accept(offerId, powerW, energyWh, first, term);
    }

    // ---- leases ----

    function test_leaseBegins_notBeforeBothPartiesAreOnTheRoster() external {
        uint32 offerId = offerAll();
        vm.prank(address(charter));
        registry.suspend(member(2));
        vm.prank(address(charter));
        registry.reinstate(member(2));
        uint256 tomorrow = Calendar.firstSlotOf(Calendar.dayAt(block.timestamp) + 1);
        vm.assertEq(registry.onRosterFrom(2), Calendar.dayAt(block.timestamp) + 1, "from tomorrow");
        vm.prank(member(2));
        vm.expectRevert(
            abi.encodeWithSelector(ICapacityLease.LeaseBeforeRoster.selector, 2, uint32(tomorrow - 1), tomorrow)
        );
        leases.accept(offerId, 1, 1, uint32(tomorrow - 1), 96);
        accept(2, offerId, 1, 1, uint32(tomorrow), 96);
        accept(3, offerId, 1, 1, from, 96);
    }

    function test_leaseRefuses_ofAnOwnerOnTheRosterFromTomorrow() external {
        vm.prank(address(charter));
        registry.suspend(owner);
        vm.prank(address(charter));
        registry.reinstate(owner);
        uint32 offerId = offerAll();
        vm.prank(member(2));
        vm.expectPartialRevert(ICapacityLease.LeaseBeforeRoster.selector);
        leases.accept(offerId, 1, 1, from, 96);
    }

    function test_offerRefuses_aStationWithoutASafetyAgreement() external {
        vm.prank(owner);
        uint32 other = registry.registerStation(specification());
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.OfferWithoutSafety.selector, other));
        leases.offer(offerTerms(other));
    }

    function test_leaseIsRecorded_withItsShareOfRentAndContent() external {
        uint32 offerId = offerAll();
        uint32 leaseId = accept(2, offerId, 200_000, 400_000, from, 672);
        Lease memory made = leases.lease(leaseId);
        vm.assertEq(made.ownerId, 1, "owner");
        vm.assertEq(made.lesseeId, 2, "lessee");
        vm.assertEq(made.version, 1, "version");
        vm.assertEq(made.handoverWh, 200_000, "a fifth of the content");
        vm.assertEq(made.rentCents, 76_712, "200 kW at 20,000 cents a year for a week: 76,712.33");
        vm.assertEq(leases.leaseEnd(leaseId), from + 672, "end");
        (uint256 powerW, uint256 energyWh) = leases.leasedAt(offerId, from);
        vm.assertEq(powerW, 200_000, "power");
        vm.assertEq(energyWh, 400_000, "energy");
    }

    function test_rentRoundsHalfUp() external pure {
        vm.assertEq(LeaseTerms.rentCents(1000, 35_040, 1), 1, "1.0");
        vm.assertEq(LeaseTerms.rentCents(1000, 17_520, 1), 1, "0.5");
        vm.assertEq(LeaseTerms.rentCents(1000, 17_519, 1), 0, "below 0.5");
        vm.assertEq(LeaseTerms.rentCents(200_000, 20_000, 35_040), 4_000_000, "the worked example's year");
    }

    function test_leaseRefuses_naming_theSlotWherePowerRunsOut() external {
        uint32 offerId = offerAll();
        accept(2, offerId, 600_000, 100_000, from + 10, 20);
        accept(3, offerId, 300_000, 100_000, from + 25, 20);
        vm.prank(member(4));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICapacityLease.LeasePowerOversold.selector, offerId, from + 25, 1e6, 900_000, 200_000
            )
        );
        leases.accept(offerId, 200_000, 100_000, from, 100);
        accept(4, offerId, 100_000, 100_000, from, 100);
    }

    function test_leaseRefuses_whereEnergyRunsOut_thoughPowerIsThere() external {
        uint32 offerId = offerAll();
        accept(2, offerId, 100_000, 1_900_000, from + 3, 5);
        vm.prank(member(3));
        vm.expectRevert(
            abi.encodeWithSelector(
                ICapacityLease.LeaseEnergyOversold.selector, offerId, from + 3, 2e6, 1_900_000, 100_001
            )
        );
        leases.accept(offerId, 100_000, 100_001, from, 20);
    }

    function test_leasesFollowEachOther_withoutOverlap() external {
        uint32 offerId = offerAll();
        accept(2, offerId, 1e6, 2e6, from, 10);
        accept(3, offerId, 1e6, 2e6, from + 10, 10);
        vm.prank(member(4));
        vm.expectPartialRevert(ICapacityLease.LeasePowerOversold.selector);
        leases.accept(offerId, 1, 1, from + 9, 2);
    }

    function test_leaseRefuses_outsideTheOffer_pastOrEmpty() external {
        uint32 offerId = offerAll();
        vm.startPrank(member(2));
        vm.expectPartialRevert(ICapacityLease.LeaseOutsideOffer.selector);
        leases.accept(offerId, 1, 1, from - 1, 10);
        vm.expectPartialRevert(ICapacityLease.LeaseOutsideOffer.selector);
        leases.accept(offerId, 1, 1, from, 28 * 96 + 1);
        vm.expectPartialRevert(ICapacityLease.LeaseNothing.selector);
        leases.accept(offerId, 0, 1, from, 1);
        vm.expectPartialRevert(ICapacityLease.LeaseNothing.selector);
        leases.accept(offerId, 1, 0, from, 1);
        vm.expectPartialRevert(ICapacityLease.LeaseWindowEmpty.selector);
        leases.accept(offerId, 1, 1, from, 0);
        vm.warp(block.timestamp + 1800);
        vm.expectPartialRevert(ICapacityLease.LeaseOutsideOffer.selector);
        leases.accept(offerId, 1, 1, from + 1, 1); // its slot has begun
        leases.accept(offerId, 1, 1, from + 2, 1);
        vm.stopPrank();
    }

    function test_leaseRefuses_forTheOwnerAndForStrangers() external {
        uint32 offerId = offerAll();
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseToSelf.selector, offerId, 1));
        leases.accept(offerId, 1, 1, from, 1);
        vm.prank(address(7));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseNotAdmitted.selector, address(7)));
        leases.accept(offerId, 1, 1, from, 1);
        vm.prank(address(charter));
        registry.suspend(owner);
        vm.prank(member(2));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseNotAdmitted.selector, owner));
        leases.accept(offerId, 1, 1, from, 1);
    }

    function test_offerTakes64LiveLeases_andMoreOnceSomeAreOver() external {
        OfferTerms memory terms = offerTerms(station);
        uint32 offerId = offer(terms);
        for (uint32 i = 0; i < 64; ++i) accept(2, offerId, 1000, 1000, from, 4 + i);
        vm.prank(member(3));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.OfferFull.selector, offerId, 64));
        leases.accept(offerId, 1000, 1000, from + 300, 1);
        vm.warp(uint256(from + 4) * 900);
        uint256 before = gasleft();
        accept(3, offerId, 1000, 1000, from + 6, 1);
        vm.assertLe(before - gasleft(), 8_000_000, "gas of the fullest offer");
        vm.assertEq(leases.liveLeases(offerId).length, 64, "one over, one new");
    }

    // ---- recurring windows ----

    function test_offersShareAStation_byHoursOfTheDay() external {
        OfferTerms memory terms = offerTerms(station);
        (terms.dayFirstSlot, terms.daySlots) = (0, 32);
        offer(terms);
        (terms.dayFirstSlot, terms.daySlots) = (32, 64);
        offer(terms);
        (terms.dayFirstSlot, terms.daySlots, terms.weekdayMask) = (31, 1, 0x20);
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICapacityLease.StationPowerOversold.selector, station, from - 1 + 2 * 96 + 31, 1e6, 1e6, 1e6
            )
        );
        leases.offer(terms); // Saturdays, the last quarter hour of the first
    }

    function test_leaseRefuses_whenNoSlotOfItsTermIsInTheWindow() external {
        OfferTerms memory terms = offerTerms(station);
        (terms.dayFirstSlot, terms.daySlots, terms.weekdayMask) = (40, 8, 0x1f);
        uint32 offerId = offer(terms);
        vm.prank(member(2));
        vm.expectPartialRevert(ICapacityLease.LeaseWindowEmpty.selector);
        leases.accept(offerId, 1, 1, from, 30);
        accept(2, offerId, 1e6, 2e6, from, 60);
        accept(3, offerId, 1e6, 2e6, from + 47, 96); // overlaps the first in the night alone
    }

    function test_offerRefuses_wrongWindowsTermsAndNumbers() external {
        vm.startPrank(owner);
        OfferTerms memory t = offerTerms(station);
        t.weekdayMask = 0;
        vm.expectPartialRevert(ICapacityLease.OfferWindowWrong.selector);
        leases.offer(t);
        t = offerTerms(station);
        (t.dayFirstSlot, t.daySlots) = (90, 7);
        vm.expectPartialRevert(ICapacityLease.OfferWindowWrong.selector);
        leases.offer(t);
        t = offerTerms(station);
        t.powerW = 0;
        vm.expectPartialRevert(ICapacityLease.OfferEmpty.selector);
        leases.offer(t);
        t = offerTerms(station);
        t.firstSlot -= 2;
        vm.expectPartialRevert(ICapacityLease.OfferInPast.selector);
        leases.offer(t);
        t = offerTerms(station);
        t.termSlots = 0;
        vm.expectPartialRevert(ICapacityLease.OfferTermEmpty.selector);
        leases.offer(t);
        t.termSlots = type(uint32).max;
        vm.expectPartialRevert(ICapacityLease.OfferTermTooLong.selector);
        leases.offer(t);
        t = offerTerms(station);
        t.etaDPpm = 1_000_001;
        vm.expectPartialRevert(ICapacityLease.OfferEfficiencyWrong.selector);
        leases.offer(t);
        t = offerTerms(station);
        t.handoverWh = t.energyWh + 1;
        vm.expectPartialRevert(ICapacityLease.OfferHandoverTooLarge.selector);
        leases.offer(t);
        t = offerTerms(station);
        t.slaBp = 10_001;
        vm.expectPartialRevert(ICapacityLease.OfferRateTooLarge.selector);
        leases.offer(t);
        vm.stopPrank();
    }

    // ---- the station's rating ----

    function test_offersTogetherStayWithinTheRating() external {
        OfferTerms memory terms = offerTerms(station);
        (terms.powerW, terms.energyWh, terms.handoverWh) = (600_000, 1e6, 0);
        offer(terms);
        terms.powerW = 400_001;
        vm.prank(owner);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICapacityLease.StationPowerOversold.selector, station, from, 1e6, 600_000, 400_001
            )
        );
        leases.offer(terms);
        (terms.powerW, terms.energyWh) = (400_000, 1e6 + 1);
        vm.prank(owner);
        vm.expectPartialRevert(ICapacityLease.StationEnergyOversold.selector);
        leases.offer(terms);
        terms.energyWh = 1e6;
        offer(terms);
        (uint256 powerW, uint256 energyWh) = leases.offeredAt(station, from);
        vm.assertEq(powerW, 1e6, "power");
        vm.assertEq(energyWh, 2e6, "energy");
    }

    function test_offerRefuses_beyondTheConnection() external {
        StationSpec memory spec = specification();
        spec.pccExportW = 300_000;
        vm.startPrank(owner);
        uint32 tight = registry.registerStation(spec);
        registry.signSafetyAgreement(tight, "agreement");
        vm.stopPrank();
        OfferTerms memory terms = offerTerms(tight);
        terms.powerW = 300_001;
        vm.prank(owner);
        vm.expectPartialRevert(ICapacityLease.StationPowerOversold.selector);
        leases.offer(terms);
    }

    function test_ownNeedComesFirst() external {
        vm.startPrank(owner);
        leases.setOwnNeed(station, 250_000, 500_000);
        OfferTerms memory terms = offerTerms(station);
        (terms.powerW, terms.energyWh) = (750_001, 1e6);
        vm.expectPartialRevert(ICapacityLease.StationPowerOversold.selector);
        leases.offer(terms);
        (terms.powerW, terms.energyWh) = (750_000, 1_500_001);
        vm.expectPartialRevert(ICapacityLease.StationEnergyOversold.selector);
        leases.offer(terms);
        terms.energyWh = 1_500_000;
        leases.offer(terms);
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.OwnNeedTooLate.selector, station, 1));
        leases.setOwnNeed(station, 250_001, 0);
        leases.setOwnNeed(station, 0, 0);
        vm.expectPartialRevert(ICapacityLease.OwnNeedTooLarge.selector);
        leases.setOwnNeed(station, 1e6 + 1, 0);
        vm.stopPrank();
    }

    function test_withdrawnOfferCounts_untilItsLeasesAreOver() external {
        uint32 offerId = offerAll();
        uint32 leaseId = accept(2, offerId, 1000, 1000, from, 10);
        vm.startPrank(owner);
        leases.withdrawOffer(offerId);
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.OfferAlreadyWithdrawn.selector, offerId));
        leases.withdrawOffer(offerId);
        OfferTerms memory terms = offerTerms(station);
        vm.expectPartialRevert(ICapacityLease.StationPowerOversold.selector);
        leases.offer(terms);
        vm.stopPrank();
        vm.prank(member(2));
        vm.expectPartialRevert(ICapacityLease.OfferAlreadyWithdrawn.selector);
        leases.accept(offerId, 1, 1, from, 1);
        vm.assertEq(leases.leaseEnd(leaseId), from + 10, "the lease keeps running");
        vm.warp(uint256(from + 10) * 900);
        offer(offerTerms(station));
    }

    function test_station_takes16LiveOffers() external {
        OfferTerms memory terms = offerTerms(station);
        (terms.powerW, terms.energyWh, terms.handoverWh, terms.daySlots) = (10, 10, 0, 1);
        uint256 used;
        for (uint8 i = 0; i < 16; ++i) {
            (terms.dayFirstSlot, terms.weekdayMask, terms.daySlots) = (i * 2, 0x7f - i, 50);
            terms.firstSlot = from + i;
            used = gasleft();
            offer(terms);
            used -= gasleft();
        }
        vm.assertLe(used, 12_000_000, "gas of the most entangled station");
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.StationOffersFull.selector, station, 16));
        leases.offer(terms);
    }

    function test_onlyTheOwnerOffersAndWithdraws() external {
        uint32 offerId = offerAll();
        OfferTerms memory terms = offerTerms(station);
        vm.startPrank(member(2));
        bytes memory denied =
            abi.encodeWithSelector(ICapacityLease.LeaseNotOwner.selector, station, owner, member(2));
        vm.expectRevert(denied);
        leases.offer(terms);
        vm.expectRevert(denied);
        leases.withdrawOffer(offerId);
        vm.expectRevert(denied);
        leases.setOwnNeed(station, 0, 0);
        vm.stopPrank();
    }

    // ---- ends ----

    function test_leaseEndsEarly_whenBothAskForTheSameSlot() external {
        uint32 offerId = offerAll();
        uint32 leaseId = accept(2, offerId, 1e6, 2e6, from, 100);
        vm.prank(member(2));
        leases.endEarly(leaseId, from + 50);
        vm.prank(owner);
        leases.endEarly(leaseId, from + 40);
        vm.assertEq(leases.leaseEnd(leaseId), from + 100, "they do not agree");
        vm.prank(member(2));
        leases.endEarly(leaseId, from + 40);
        vm.assertEq(leases.leaseEnd(leaseId), from + 40, "they do");
        accept(3, offerId, 1e6, 2e6, from + 40, 60);
        vm.assertEq(leases.lease(leaseId).termSlots, 100, "the terms stay as signed");
    }

    function test_endRefuses_forOthersAndOutsideTheTerm() external {
        uint32 leaseId = accept(2, offerAll(), 1, 1, from, 100);
        vm.prank(member(3));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseNotParty.selector, leaseId, member(3)));
        leases.endEarly(leaseId, from + 5);
        vm.startPrank(member(2));
        vm.expectPartialRevert(ICapacityLease.LeaseEndOutside.selector);
        leases.endEarly(leaseId, from + 100);
        vm.warp(uint256(from + 5) * 900);
        vm.expectPartialRevert(ICapacityLease.LeaseEndOutside.selector);
        leases.endEarly(leaseId, from + 5);
        vm.warp(uint256(from + 100) * 900);
        vm.expectPartialRevert(ICapacityLease.LeaseAlreadyEnded.selector);
        leases.endEarly(leaseId, from + 101);
        vm.expectPartialRevert(ICapacityLease.LeaseUnknown.selector);
        leases.endEarly(99, from);
        vm.stopPrank();
    }

    function test_pauseStopsNewOffersAndLeases_neverEndsOrWithdrawals() external {
        uint32 offerId = offerAll();
        uint32 leaseId = accept(2, offerId, 1, 1, from, 100);
        vm.prank(guardian);
        registry.pause();
        OfferTerms memory terms = offerTerms(station);
        vm.prank(owner);
        vm.expectPartialRevert(ICapacityLease.LeasesPaused.selector);
        leases.offer(terms);
        vm.prank(member(2));
        vm.expectPartialRevert(ICapacityLease.LeasesPaused.selector);
        leases.accept(offerId, 1, 1, from, 1);
        vm.prank(member(2));
        leases.endEarly(leaseId, from + 50);
        vm.startPrank(owner);
        leases.endEarly(leaseId, from + 50);
        leases.withdrawOffer(offerId);
        vm.warp(uint256(from + 50) * 900);
        registry.announceLeaving();
        vm.stopPrank();
        vm.expectPartialRevert(IAllianceRegistry.StationUnknown.selector);
        leases.leasable(77);
    }

    // ---- amendments ----

    function amend(uint256 who, uint32 leaseId, uint64 powerW, uint64 energyWh, uint32 first, uint32 term)
        private
        returns (uint32)
    {
        vm.prank(who == 1 ? owner : member(who));
        return leases.amend(leaseId, powerW, energyWh, first, term);
    }

    function test_leaseIsAmended_whenBothPartiesAskForTheSame() external {
        uint32 offerId = offerAll();
        uint32 leaseId = accept(2, offerId, 200_000, 400_000, from, 672);
        vm.assertEq(amend(2, leaseId, 300_000, 500_000, from + 96, 192), 0, "one alone");
        vm.assertEq(amend(1, leaseId, 300_000, 500_000, from + 96, 191), 0, "another thing");
        uint32 nextId = amend(1, leaseId, 300_000, 500_000, from + 96, 192);
        vm.assertEq(nextId, leaseId + 1, "next");
        vm.assertEq(leases.leaseEnd(leaseId), from + 96, "the first ends where the next begins");
        Lease memory next = leases.lease(nextId);
        vm.assertEq(next.version, 2, "version");
        vm.assertEq(next.powerW, 300_000, "power");
        vm.assertEq(next.rentCents, LeaseTerms.rentCents(300_000, 20_000, 192), "the offer's price");
        vm.assertEq(next.lesseeId, 2, "lessee");
        (uint256 powerW,) = leases.leasedAt(offerId, from + 95);
        vm.assertEq(powerW, 200_000, "before");
        (powerW,) = leases.leasedAt(offerId, from + 96);
        vm.assertEq(powerW, 300_000, "after");
        vm.assertEq(uint256(leases.endOf(leaseId).priceCents), 0, "no price between those who agree");
    }

    function test_amendmentRefuses_whatTheOfferDoesNotHold_orStrangersAsk() external {
        uint32 offerId = offerAll();
        uint32 leaseId = accept(2, offerId, 200_000, 400_000, from, 672);
        accept(3, offerId, 800_000, 800_000, from, 672);
        amend(2, leaseId, 200_001, 400_000, from + 96, 192);
        vm.prank(owner);
        vm.expectPartialRevert(ICapacityLease.LeasePowerOversold.selector);
        leases.amend(leaseId, 200_001, 400_000, from + 96, 192);
        vm.prank(member(3));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseNotParty.selector, leaseId, member(3)));
        leases.amend(leaseId, 1, 1, from + 96, 192);
        vm.prank(owner);
        vm.expectPartialRevert(ICapacityLease.LeaseEndOutside.selector);
        leases.amend(leaseId, 1, 1, from + 672, 192);
        amend(2, leaseId, 200_000, 500_000, from, 2000); // before it began, and longer
        amend(1, leaseId, 200_000, 500_000, from, 2000);
        vm.assertEq(leases.leaseEnd(leaseId), from, "it never began");
    }

    function test_withdrawnOffersLeaseIsAmendedAtItsPrices() external {
        uint32 offerId = offerAll();
        uint32 leaseId = accept(2, offerId, 200_000, 400_000, from, 672);
        vm.prank(owner);
        leases.withdrawOffer(offerId);
        amend(2, leaseId, 100_000, 400_000, from + 1, 10);
        vm.assertEq(amend(1, leaseId, 100_000, 400_000, from + 1, 10), leaseId + 1, "amended");
    }

    // ---- ending alone, at a price ----

    function endable(uint16 feeBp) private view returns (OfferTerms memory terms) {
        terms = offerTerms(station);
        (terms.endNoticeSlots, terms.endFeeBp) = (96, feeBp);
    }

    function test_partyEndsAlone_withNoticeAndAtTheAgreedPrice() external {
        uint32 leaseId = accept(2, offer(endable(2500)), 1e6, 2e6, from, 960);
        uint64 rent = leases.lease(leaseId).rentCents;
        vm.prank(member(2));
        vm.expectRevert(
            abi.encodeWithSelector(ICapacityLease.LeaseNoticeTooShort.selector, leaseId, from + 94, from + 95)
        );
        leases.endAlone(leaseId, from + 94);
        vm.prank(member(2));
        uint64 price = leases.endAlone(leaseId, from + 240);
        vm.assertEq(price, (uint256(rent) * 3 / 4 + 2) / 4, "a quarter of the rent of the three quarters left");
        vm.assertEq(leases.leaseEnd(leaseId), from + 240, "end");
        vm.assertEq(leases.endOf(leaseId).byMember, 2, "who pays");
        vm.assertEq(leases.endOf(leaseId).priceCents, price, "price");
        vm.prank(owner);
        vm.expectPartialRevert(ICapacityLease.LeaseEndOutside.selector);
        leases.endAlone(leaseId, from + 241);
    }

    function test_partyCannotEndAlone_whereTheOfferDidNotSaySo() external {
        uint32 leaseId = accept(2, offerAll(), 1e6, 2e6, from, 960);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseNotEndable.selector, leaseId));
        leases.endAlone(leaseId, from + 240);
        vm.prank(member(3));
        vm.expectPartialRevert(ICapacityLease.LeaseNotParty.selector);
        leases.endAlone(leaseId, from + 240);
        OfferTerms memory wrong = endable(10_001);
        vm.prank(owner);
        vm.expectPartialRevert(ICapacityLease.OfferEndWrong.selector);
        leases.offer(wrong);
    }

    function testFuzz_endPriceNeverExceedsTheRentLeft(uint256 seed) external {
        OfferTerms memory terms = endable(uint16(bound(seed, 0, 10_000)));
        terms.weekdayMask = uint8(bound(seed >> 16, 1, 0x7f)) | 1;
        terms.dayFirstSlot = uint8(bound(seed >> 24, 0, 40));
        terms.daySlots = uint8(bound(seed >> 32, 1, 96 - terms.dayFirstSlot));
        uint32 leaseId = accept(2, offer(terms), 1e6, 2e6, from, 28 * 96);
        Lease memory made = leases.lease(leaseId);
        uint32 end = uint32(bound(seed >> 40, from + 96, from + 28 * 96 - 1));
        vm.prank(owner);
        uint64 price = leases.endAlone(leaseId, end);
        (uint256 held, uint256 left) = (0, 0);
        for (uint32 slot = from; slot < from + 28 * 96; ++slot) {
            uint32 local = slot + 32;
            if ((terms.weekdayMask >> ((local / 96 + 3) % 7)) & 1 == 0) continue;
            if (local % 96 < terms.dayFirstSlot || local % 96 >= uint32(terms.dayFirstSlot) + terms.daySlots) continue;
            ++held;
            if (slot >= end) ++left;
        }
        vm.assertEq(made.rentCents, LeaseTerms.rentCents(1e6, 20_000, held), "rent counts the slots held");
        uint256 passed = (2 * uint256(made.rentCents) * (held - left) + held) / (2 * held);
        uint256 want = (2 * (made.rentCents - passed) * terms.endFeeBp + 10_000) / 20_000;
        vm.assertEq(price, want, "price");
        vm.assertEq(leases.rentUntil(leaseId, end), passed, "rent of the slots held before");
        vm.assertEq(leases.rentUntil(leaseId, from), 0, "none before it begins");
        vm.assertEq(leases.rentUntil(leaseId, from + 28 * 96), made.rentCents, "all of it at the end");
        vm.assertLe(price, made.rentCents - passed, "never more than what is left");
    }

    // ---- no sublet; members' leases ----

    function test_subletIsRefusedByName() external {
        uint32 leaseId = accept(2, offerAll(), 200_000, 400_000, from, 672);
        OfferTerms memory terms = offerTerms(station);
        vm.prank(member(2));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseSublet.selector, leaseId, 2));
        leases.offer(terms);
        vm.prank(member(3));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.LeaseNotOwner.selector, station, owner, member(3)));
        leases.offer(terms);
    }

    function test_liveLeaseIsNamed_forBothPartiesUntilItIsOver() external {
        uint32 offerId = offerAll();
        uint32 first = accept(2, offerId, 1, 1, from, 4);
        uint32 second = accept(3, offerId, 1, 1, from, 8);
        vm.assertEq(leases.liveLeaseOf(1), first, "owner");
        vm.assertEq(leases.liveLeaseOf(2), first, "lessee");
        vm.assertEq(leases.liveLeaseOf(4), 0, "neither");
        vm.warp(uint256(from + 4) * 900);
        vm.assertEq(leases.liveLeaseOf(1), second, "the other");
        vm.assertEq(leases.liveLeaseOf(2), 0, "over");
    }

    function test_memberHoldsAtMost128LiveLeases() external {
        uint32[3] memory offerIds;
        for (uint256 i = 0; i < 3; ++i) {
            OfferTerms memory terms = offerTerms(station);
            (terms.powerW, terms.energyWh, terms.handoverWh) = (300_000, 600_000, 0);
            offerIds[i] = offer(terms);
        }
        for (uint32 i = 0; i < 128; ++i) accept(2, offerIds[i / 64], 1000, 1000, from, 4 + i);
        vm.prank(member(3));
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.MemberLeasesFull.selector, 1, 128));
        leases.accept(offerIds[2], 1000, 1000, from, 4);
        vm.warp(uint256(from + 4) * 900);
        accept(3, offerIds[2], 1000, 1000, from + 5, 4);
    }

    function test_charterEndsALease_whereTheContractWouldHoldAMember() external {
        uint32 leaseId = accept(2, offerAll(), 1e6, 2e6, from, 960);
        vm.prank(address(charter));
        leases.endEarly(leaseId, from + 1);
        vm.assertEq(leases.leaseEnd(leaseId), from + 1, "ended");
        vm.assertEq(leases.endOf(leaseId).byMember, 0, "nobody pays");
    }
}
