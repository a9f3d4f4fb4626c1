// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {AllianceRegistry} from "../src/AllianceRegistry.sol";
import {IAllianceRegistry} from "../src/interfaces/IAllianceRegistry.sol";
import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {ICapacityLease} from "../src/interfaces/ICapacityLease.sol";
import {ISettlementLedger} from "../src/interfaces/ISettlementLedger.sol";
import {Calendar} from "../src/libraries/Calendar.sol";
import {DEVICE_REGISTRY, ContractEntry} from "../src/types/Contracts.sol";
import {OfferTerms} from "../src/types/Lease.sol";
import {ADMIN, ADMITTER, ATTESTOR, GUARDIAN, SETTLER} from "../src/types/Roles.sol";
import {MemberStatus, StationSpec} from "../src/types/Station.sol";
import {Alliance} from "./Alliance.sol";

contract AllianceRegistryTest is Alliance {
    function setUp() public {
        deploy();
    }

    function ids(uint32 a, uint32 b) private pure returns (uint32[] memory list) {
        list = new uint32[](b == 0 ? 1 : 2);
        list[0] = a;
        if (b != 0) list[1] = b;
    }

    function test_rosterCountsFromTheNextDay_whenAMemberIsAdmitted() external {
        uint32 today = Calendar.dayAt(block.timestamp);
        admitMembers(2);
        bytes32 none = keccak256(abi.encode(new uint32[](0)));
        vm.assertEq(registry.rosterHashAt(today), none, "today's roster was frozen at 00:00");
        vm.warp(block.timestamp + 1 days);
        vm.assertEq(registry.rosterHashAt(today + 1), keccak256(abi.encode(ids(1, 2))), "tomorrow");
        vm.assertEq(registry.rosterHashAt(today), none, "yesterday stays");
    }

    function test_rosterRefuses_whenTheDayHasNotBegun() external {
        uint32 today = Calendar.dayAt(block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.RosterNotYetKnown.selector, today + 1, today));
        registry.rosterHashAt(today + 1);
    }

    function test_memberKeepsNumberAndPlace_whenReturning() external {
        admitMembers(2);
        vm.prank(member(1));
        registry.announceLeaving();
        vm.assertEq(keccak256(abi.encode(registry.roster())), keccak256(abi.encode(ids(2, 0))), "left");
        vm.prank(member(1));
        vm.expectPartialRevert(IAllianceRegistry.MemberInWrongStatus.selector);
        registry.applyForMembership(keccak256("again"));
        finish(1);
        vm.prank(member(1));
        registry.applyForMembership(keccak256("again"));
        vm.prank(admitter);
        registry.admit(member(1));
        vm.assertEq(registry.memberNumber(member(1)), 1, "number");
        vm.assertEq(keccak256(abi.encode(registry.roster())), keccak256(abi.encode(ids(1, 2))), "order");
        vm.assertEq(registry.memberCount(), 2, "count");
    }

    /// @dev Out of the alliance, 90 days of silence having passed.
    function finish(uint256 who) private {
        vm.warp(block.timestamp + 92 days);
        uint32 id = registry.memberNumber(member(who));
        registry.clearDays(id, new bytes32[](1));
        vm.prank(member(who));
        registry.completeLeaving();
    }

    function test_suspendedMemberIsOffTheRosterAndMayLeave() external {
        admitMembers(2);
        vm.prank(address(charter));
        registry.suspend(member(1));
        vm.assertEq(keccak256(abi.encode(registry.roster())), keccak256(abi.encode(ids(2, 0))), "suspended");
        vm.prank(member(1));
        registry.announceLeaving();
        finish(1);
        vm.assertEq(uint256(registry.memberStatus(member(1))), uint256(MemberStatus.Left), "left");
        vm.prank(address(charter));
        vm.expectRevert(
            abi.encodeWithSelector(IAllianceRegistry.MemberInWrongStatus.selector, member(1), MemberStatus.Left)
        );
        registry.reinstate(member(1));
    }

    function test_reinstatedMemberStandsInItsPlace() external {
        admitMembers(3);
        vm.startPrank(address(charter));
        registry.suspend(member(2));
        registry.reinstate(member(2));
        vm.stopPrank();
        uint32[] memory roster = registry.roster();
        for (uint32 i = 0; i < 3; ++i) vm.assertEq(roster[i], i + 1, "ascending");
    }

    function test_rosterRefuses_whenFull() external {
        admitMembers(128);
        vm.prank(member(129));
        registry.applyForMembership("x");
        vm.prank(admitter);
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.RosterFull.selector, 128));
        registry.admit(member(129));
    }

    function test_applicationEnds_whenWithdrawnOrRejected() external {
        vm.startPrank(member(1));
        registry.applyForMembership("papers");
        registry.withdrawApplication();
        registry.applyForMembership("papers");
        vm.stopPrank();
        vm.prank(admitter);
        registry.reject(member(1), "reason");
        vm.assertEq(uint256(registry.memberStatus(member(1))), uint256(MemberStatus.None), "none");
        vm.prank(admitter);
        vm.expectPartialRevert(IAllianceRegistry.MemberInWrongStatus.selector);
        registry.admit(member(1));
    }

    function test_admitReverts_whenCallerIsNotAdmitter() external {
        vm.prank(member(1));
        registry.applyForMembership("papers");
        vm.prank(settler);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, settler, ADMITTER)
        );
        registry.admit(member(1));
    }

    function test_stationIsKeptAsGiven() external {
        admitMembers(1);
        uint32 id = registerStation(member(1));
        (StationSpec memory spec, address owner) = registry.station(id);
        vm.assertEq(owner, member(1), "owner");
        vm.assertEq(keccak256(abi.encode(spec)), keccak256(abi.encode(specification())), "spec");
    }

    function test_stationRefuses_whenBatteryLacksANumber() external {
        admitMembers(1);
        StationSpec memory spec = specification();
        spec.capacityWh = 0;
        vm.prank(member(1));
        vm.expectRevert(
            abi.encodeWithSelector(IAllianceRegistry.StationRatingInconsistent.selector, uint64(1e6), uint64(1e6), 0)
        );
        registry.registerStation(spec);
        (spec.chargePowerW, spec.dischargePowerW) = (0, 0);
        vm.prank(member(1));
        registry.registerStation(spec); // a site without storage
    }

    function test_stationRefuses_whenOwnerIsNotAdmitted() external {
        vm.prank(member(1));
        vm.expectPartialRevert(IAllianceRegistry.MemberInWrongStatus.selector);
        registry.registerStation(specification());
    }

    function test_contractsAreListedAtDeployment_andOnlyAppended() external {
        (address deployed, uint64 fromBlock) = registry.contractAt(DEVICE_REGISTRY, 1);
        vm.assertEq(deployed, address(devices), "device registry");
        vm.assertEq(fromBlock, 100, "block");
        vm.prank(deployer);
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        registry.addContract(DEVICE_REGISTRY, address(1));
        admitMembers(2);
        decide(address(registry), abi.encodeCall(IAllianceRegistry.addContract, (DEVICE_REGISTRY, address(7))));
        (deployed,) = registry.contractAt(DEVICE_REGISTRY, 2);
        vm.assertEq(deployed, address(7), "second version");
        (deployed,) = registry.contractAt(DEVICE_REGISTRY, 1);
        vm.assertEq(deployed, address(devices), "first version stays");
        vm.expectPartialRevert(IAllianceRegistry.ContractVersionUnknown.selector);
        registry.contractAt(DEVICE_REGISTRY, 3);
    }

    function test_deployerIsPowerless() external {
        bytes32[5] memory roles = [ADMIN, ADMITTER, ATTESTOR, SETTLER, GUARDIAN];
        for (uint256 i = 0; i < roles.length; ++i) {
            vm.assertFalse(registry.hasRole(roles[i], deployer), "deployer holds a role");
            vm.assertEq(registry.getRoleAdmin(roles[i]), ADMIN, "the charter administers every role");
        }
        vm.assertTrue(registry.hasRole(ADMIN, address(charter)), "charter");
        admitMembers(1);
        bytes4 denied = IAccessControl.AccessControlUnauthorizedAccount.selector;
        vm.startPrank(deployer);
        for (uint256 i = 0; i < roles.length; ++i) {
            vm.expectPartialRevert(denied);
            registry.grantRole(roles[i], deployer);
        }
        vm.expectPartialRevert(denied);
        registry.suspend(member(1));
        vm.expectPartialRevert(denied);
        registry.moveMember(1, deployer);
        vm.expectPartialRevert(denied);
        registry.admit(deployer);
        vm.expectPartialRevert(denied);
        registry.pause();
        vm.expectPartialRevert(denied);
        registry.unpause();
        vm.expectPartialRevert(IAnchorLog.LogNotAdmin.selector);
        anchor.rotateWriter(deployer);
        vm.expectPartialRevert(IAnchorLog.LogNotAdmin.selector);
        anchor.close();
        vm.expectPartialRevert(IAnchorLog.LogNotWriter.selector);
        anchor.advance(startEpoch + 1, 0, 1, bytes32(0), new bytes32[](0), bytes32(0));
        vm.expectPartialRevert(ISettlementLedger.StatementNotSettler.selector);
        ledger.post(firstDay, 1, new uint32[](0), new int64[](3), "r", 1, "s");
        vm.stopPrank();
    }

    function test_rolesStaySeparate_whenGranted() external {
        admitMembers(2);
        bytes memory call = abi.encodeCall(IAccessControl.grantRole, (SETTLER, attestor));
        uint256 id = accepted(address(registry), call);
        vm.expectPartialRevert(bytes4(keccak256("CharterCallFailed(uint256,bytes)")));
        charter.execute(id, call);
    }

    function test_deploymentRefuses_whenTwoRolesShareAKey() external {
        ContractEntry[] memory none = new ContractEntry[](0);
        vm.expectPartialRevert(IAllianceRegistry.RolesNotSeparate.selector);
        new AllianceRegistry(AllianceRegistry.RoleHolders(address(1), admitter, admitter, settler, guardian), none);
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.RoleHolderMissing.selector, ADMIN));
        new AllianceRegistry(AllianceRegistry.RoleHolders(address(0), admitter, attestor, settler, guardian), none);
    }

    function test_pauseLasts72Hours_andThenNotFor72Hours() external {
        vm.prank(guardian);
        registry.pause();
        vm.assertEq(registry.pausedUntil(), block.timestamp + 72 hours, "72 hours");
        vm.warp(block.timestamp + 144 hours - 1);
        vm.prank(guardian);
        vm.expectRevert(
            abi.encodeWithSelector(IAllianceRegistry.PauseTooSoon.selector, block.timestamp + 1, block.timestamp)
        );
        registry.pause();
        vm.warp(block.timestamp + 1);
        vm.prank(guardian);
        registry.pause();
    }

    function test_pauseMayEndEarly_andThe72HoursBeginThen() external {
        vm.startPrank(guardian);
        registry.pause();
        vm.warp(block.timestamp + 1 hours);
        registry.unpause();
        vm.expectPartialRevert(IAllianceRegistry.PauseNotRunning.selector);
        registry.unpause();
        vm.warp(block.timestamp + 72 hours - 1);
        vm.expectPartialRevert(IAllianceRegistry.PauseTooSoon.selector);
        registry.pause();
        vm.stopPrank();
    }

    function testFuzz_pausesNeverExceed72HoursIn144(uint32[12] calldata waits) external {
        uint256 lastEnd = 0;
        for (uint256 i = 0; i < waits.length; ++i) {
            vm.warp(block.timestamp + waits[i] % 100 hours);
            vm.prank(guardian);
            try registry.pause() {
                vm.assertTrue(lastEnd == 0 || block.timestamp >= lastEnd + 72 hours, "no pause within 72 hours");
                lastEnd = registry.pausedUntil();
                vm.assertEq(lastEnd, block.timestamp + 72 hours, "72 hours");
            } catch {}
        }
        vm.assertGt(lastEnd, 0, "it does happen");
    }

    function test_allianceIdNamesChainAndRegistry() external view {
        vm.assertEq(registry.allianceId(), keccak256(abi.encode(block.chainid, address(registry))), "id");
    }

    // ---- admission ----

    function test_charterAdmitsAndRefusesToo() external {
        admitMembers(2);
        vm.prank(member(3));
        registry.applyForMembership("papers");
        decide(address(registry), abi.encodeCall(IAllianceRegistry.admit, (member(3))));
        vm.assertEq(registry.memberNumber(member(3)), 3, "by vote");
        vm.prank(member(4));
        registry.applyForMembership("papers");
        vm.prank(admitter);
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.ReasonMissing.selector, member(4)));
        registry.reject(member(4), 0);
        decide(address(registry), abi.encodeCall(IAllianceRegistry.reject, (member(4), "reason")));
        vm.assertEq(uint256(registry.memberStatus(member(4))), uint256(MemberStatus.None), "refused");
    }

    function test_admitterCannotSuspend_norGrantItself() external {
        admitMembers(1);
        vm.startPrank(admitter);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, admitter, ADMIN)
        );
        registry.suspend(member(1));
        vm.expectPartialRevert(IAccessControl.AccessControlUnauthorizedAccount.selector);
        registry.moveMember(1, admitter);
        vm.stopPrank();
        bytes32[5] memory roles = [ADMIN, ADMITTER, ATTESTOR, SETTLER, GUARDIAN];
        address[4] memory holders = [admitter, attestor, settler, guardian];
        for (uint256 i = 0; i < holders.length; ++i) {
            for (uint256 j = 0; j < roles.length; ++j) {
                vm.prank(holders[i]);
                vm.expectRevert(
                    abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, holders[i], ADMIN)
                );
                registry.grantRole(roles[j], holders[i]);
            }
        }
    }

    function test_lastAdministratorOnlyHandsOver() external {
        admitMembers(2);
        vm.startPrank(address(charter));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.LastAdministrator.selector, address(charter)));
        registry.renounceRole(ADMIN, address(charter));
        registry.grantRole(ADMIN, address(0xC2));
        registry.revokeRole(ADMIN, address(charter));
        vm.stopPrank();
        vm.assertFalse(registry.hasRole(ADMIN, address(charter)), "handed over");
        vm.prank(address(0xC2));
        vm.expectPartialRevert(IAllianceRegistry.LastAdministrator.selector);
        registry.revokeRole(ADMIN, address(0xC2));
    }

    // ---- leaving ----

    /// @dev Post the next day's statement: member 1 gets what the second pays.
    function settle(uint32 day, int64 cents, uint32 a, uint32 b) private {
        if (block.timestamp < Calendar.endOf(day)) vm.warp(Calendar.endOf(day));
        int64[] memory balances = new int64[](b == 0 ? 4 : 5);
        (balances[0], balances[balances.length - 3]) = (cents, -cents);
        vm.prank(settler);
        ledger.post(day, 1, ids(a, b), balances, keccak256("r"), 1, keccak256("s"));
    }

    function test_memberLeaves_onceItsDaysAreFinalAndPaid() external {
        admitMembers(2);
        uint32 first = firstDay; // the roster of both
        vm.warp(Calendar.endOf(first) - 1);
        vm.prank(member(1));
        registry.announceLeaving();
        vm.assertEq(registry.clearedTo(1), first, "its first day on the roster");
        settle(first, 700, 1, 2);
        bytes32[] memory receipts = new bytes32[](1);
        vm.expectRevert(
            abi.encodeWithSelector(IAllianceRegistry.MemberDayNotFinal.selector, 1, first, ledger.finalAt(first))
        );
        registry.clearDays(1, receipts);
        vm.warp(ledger.finalAt(first));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.MemberDayNotPaid.selector, 1, first, int64(700)));
        registry.clearDays(1, receipts);
        vm.startPrank(member(1));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.MemberDaysNotCleared.selector, 1, first, first));
        registry.completeLeaving();
        ledger.recordPayment(first, 1, keccak256("bank"));
        receipts[0] = keccak256("bank");
        registry.clearDays(1, receipts);
        registry.completeLeaving();
        vm.stopPrank();
        vm.assertEq(uint256(registry.memberStatus(member(1))), uint256(MemberStatus.Left), "left");
    }

    function test_dayWithNothingOwedNeedsNoReceipt_andDaysClearInBatches() external {
        admitMembers(2);
        settle(firstDay, 0, 1, 2);
        settle(firstDay + 1, 0, 1, 2);
        vm.warp(ledger.finalAt(firstDay + 1));
        vm.assertEq(registry.clearDays(2, new bytes32[](2)), firstDay + 2, "cleared");
    }

    function test_daysOfWhichTheMemberIsNotOnTheRosterOweNothing() external {
        admitMembers(2);
        vm.prank(address(charter));
        registry.suspend(member(2));
        settle(firstDay, 500, 1, 0);
        vm.warp(ledger.finalAt(firstDay));
        registry.clearDays(2, new bytes32[](1));
        vm.assertEq(registry.clearedTo(2), firstDay + 1, "cleared");
    }

    function test_nobodyIsHeldByAnOperatorsSilence() external {
        admitMembers(1);
        vm.warp(block.timestamp + 1 days);
        vm.prank(member(1));
        registry.announceLeaving();
        bytes32[] memory none = new bytes32[](1);
        uint256 from = Calendar.endOf(firstDay) + 90 days;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.MemberDayNotFinal.selector, 1, firstDay, from));
        registry.clearDays(1, none);
        vm.warp(from);
        registry.clearDays(1, none);
        vm.prank(member(1));
        registry.completeLeaving();
    }

    function test_leavingAndSuspendingRefuse_whileALeaseRuns() external {
        admitMembers(2);
        uint32 station = registerStation(member(1));
        vm.prank(member(1));
        uint32 offerId = leases.offer(offerTerms(station));
        uint32 slot = uint32(Calendar.firstSlotOf(firstDay)); // both are on the roster
        vm.prank(member(2));
        uint32 leaseId = leases.accept(offerId, 1, 1, slot, 96);
        for (uint32 who = 1; who <= 2; ++who) {
            vm.prank(member(who));
            vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.MemberHasLease.selector, who, leaseId));
            registry.announceLeaving();
            vm.prank(address(charter));
            vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.MemberHasLease.selector, who, leaseId));
            registry.suspend(member(who));
        }
        vm.prank(address(charter)); // who is held by a lease asks the others: the charter may end any lease
        leases.endEarly(leaseId, slot);
        vm.prank(member(2));
        vm.expectPartialRevert(IAllianceRegistry.MemberHasLease.selector);
        registry.announceLeaving();
        vm.warp(uint256(slot) * 900);
        vm.prank(member(2));
        registry.announceLeaving();
    }

    // ---- another account ----

    function test_memberMoves_withNumberStationsAndStanding() external {
        admitMembers(2);
        uint32 station = registerStation(member(1));
        decide(address(registry), abi.encodeCall(IAllianceRegistry.moveMember, (1, address(0x99))));
        vm.assertEq(registry.memberAddress(1), address(0x99), "account");
        vm.assertEq(registry.memberNumber(address(0x99)), 1, "number");
        vm.assertEq(registry.memberNumber(member(1)), 0, "the old account is nobody");
        vm.assertEq(registry.formerMember(member(1)), 1, "but it was");
        vm.assertEq(registry.movedTo(member(1)), address(0x99), "and became");
        vm.assertEq(registry.movedTo(member(2)), address(0), "never moved");
        vm.assertEq(uint256(registry.memberStatus(member(1))), uint256(MemberStatus.Moved), "moved");
        (, address owner) = registry.station(station);
        vm.assertEq(owner, address(0x99), "stations follow");
        OfferTerms memory terms = offerTerms(station);
        vm.prank(member(1));
        vm.expectPartialRevert(ICapacityLease.LeaseNotAdmitted.selector);
        leases.offer(terms);
        vm.prank(address(0x99));
        leases.offer(terms);
        vm.prank(member(1));
        vm.expectPartialRevert(IAllianceRegistry.MemberInWrongStatus.selector);
        registry.applyForMembership("again");
    }

    function test_moveRefuses_toAnAccountWithAHistory() external {
        admitMembers(2);
        vm.startPrank(address(charter));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.AccountTaken.selector, member(2)));
        registry.moveMember(1, member(2));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.AccountTaken.selector, address(0)));
        registry.moveMember(1, address(0));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.MemberUnknown.selector, 7));
        registry.moveMember(7, address(0x99));
        registry.moveMember(1, address(0x99));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.AccountTaken.selector, member(1)));
        registry.moveMember(2, member(1));
        vm.stopPrank();
    }

    // ---- stations ----

    function test_stationChanges_whenTheOwnerAskedAndTheAdmitterConfirmedTheSame() external {
        admitMembers(2);
        uint32 station = registerStation(member(1));
        StationSpec memory larger = specification();
        (larger.chargePowerW, larger.pccImportW) = (2e6, 2e6);
        vm.prank(member(2));
        vm.expectPartialRevert(IAllianceRegistry.StationNotOwner.selector);
        registry.proposeStationChange(station, larger, "agreement");
        vm.prank(member(1));
        registry.proposeStationChange(station, larger, "agreement");
        (StationSpec memory spec,) = registry.station(station);
        vm.assertEq(spec.chargePowerW, 1e6, "asked alone changes nothing");
        vm.startPrank(admitter);
        vm.expectPartialRevert(IAllianceRegistry.StationChangeDiffers.selector);
        registry.confirmStationChange(station, larger, "another");
        registry.confirmStationChange(station, larger, "agreement");
        (spec,) = registry.station(station);
        vm.assertEq(spec.chargePowerW, 2e6, "changed");
        vm.assertEq(registry.safetyAgreement(station), "agreement", "under its new agreement");
        vm.expectPartialRevert(IAllianceRegistry.StationChangeDiffers.selector);
        registry.confirmStationChange(station, larger, "agreement"); // once
        vm.stopPrank();
    }

    function test_stationChangeRefuses_whatLiveOffersNeed_andTheOwnersOwnHand() external {
        admitMembers(2);
        uint32 station = registerStation(member(1));
        OfferTerms memory terms = offerTerms(station);
        (terms.powerW, terms.energyWh, terms.handoverWh) = (400_000, 900_000, 0);
        vm.startPrank(member(1));
        leases.offer(terms);
        leases.offer(terms);
        StationSpec memory smaller = specification();
        smaller.dischargePowerW = 799_999;
        registry.proposeStationChange(station, smaller, "agreement");
        vm.stopPrank();
        vm.startPrank(admitter);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICapacityLease.StationPowerOversold.selector, station, terms.firstSlot, 799_999, 400_000, 400_000
            )
        );
        registry.confirmStationChange(station, smaller, "agreement");
        vm.stopPrank();
        smaller.dischargePowerW = 800_000;
        vm.prank(member(1));
        registry.proposeStationChange(station, smaller, "agreement");
        vm.prank(address(charter));
        registry.grantRole(ADMITTER, member(1));
        vm.prank(member(1));
        vm.expectRevert(
            abi.encodeWithSelector(IAllianceRegistry.StationConfirmedByOwner.selector, station, member(1))
        );
        registry.confirmStationChange(station, smaller, "agreement");
        vm.prank(admitter);
        registry.confirmStationChange(station, smaller, "agreement");
    }

    function test_stationChangeRefuses_lessThanTheOwnersNeed() external {
        admitMembers(1);
        uint32 station = registerStation(member(1));
        StationSpec memory smaller = specification();
        smaller.capacityWh = 500_000;
        vm.startPrank(member(1));
        leases.setOwnNeed(station, 100_000, 600_000);
        registry.proposeStationChange(station, smaller, "agreement");
        vm.stopPrank();
        vm.prank(admitter);
        vm.expectRevert(
            abi.encodeWithSelector(ICapacityLease.OwnNeedTooLarge.selector, station, 100_000, 600_000)
        );
        registry.confirmStationChange(station, smaller, "agreement");
    }

    function test_safetyAgreementIsSignedByTheOwnerAlone() external {
        admitMembers(2);
        vm.prank(member(1));
        uint32 station = registry.registerStation(specification());
        vm.assertEq(registry.safetyAgreement(station), 0, "none yet");
        vm.prank(member(2));
        vm.expectRevert(
            abi.encodeWithSelector(IAllianceRegistry.StationNotOwner.selector, station, member(1), member(2))
        );
        registry.signSafetyAgreement(station, "agreement");
        vm.startPrank(member(1));
        vm.expectRevert(abi.encodeWithSelector(IAllianceRegistry.SafetyAgreementMissing.selector, station));
        registry.signSafetyAgreement(station, 0);
        OfferTerms memory terms = offerTerms(station);
        vm.expectRevert(abi.encodeWithSelector(ICapacityLease.OfferWithoutSafety.selector, station));
        leases.offer(terms);
        registry.signSafetyAgreement(station, "agreement");
        leases.offer(terms);
        vm.stopPrank();
    }
}
