// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {AllianceRegistry} from "../src/AllianceRegistry.sol";
import {IAllianceRegistry} from "../src/interfaces/IAllianceRegistry.sol";
import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {ISettlementLedger} from "../src/interfaces/ISettlementLedger.sol";
import {Calendar} from "../src/libraries/Calendar.sol";
import {DEVICE_REGISTRY, ContractEntry} from "../src/types/Contracts.sol";
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
        registry.leaveAlliance();
        vm.assertEq(keccak256(abi.encode(registry.roster())), keccak256(abi.encode(ids(2, 0))), "left");
        vm.prank(member(1));
        registry.applyForMembership(keccak256("again"));
        vm.prank(admitter);
        registry.admit(member(1));
        vm.assertEq(registry.memberNumber(member(1)), 1, "number");
        vm.assertEq(keccak256(abi.encode(registry.roster())), keccak256(abi.encode(ids(1, 2))), "order");
        vm.assertEq(registry.memberCount(), 2, "count");
    }

    function test_suspendedMemberIsOffTheRosterAndMayLeave() external {
        admitMembers(2);
        vm.prank(admitter);
        registry.suspend(member(1));
        vm.assertEq(keccak256(abi.encode(registry.roster())), keccak256(abi.encode(ids(2, 0))), "suspended");
        vm.prank(member(1));
        registry.leaveAlliance();
        vm.assertEq(uint256(registry.memberStatus(member(1))), uint256(MemberStatus.Left), "left");
        vm.prank(admitter);
        vm.expectRevert(
            abi.encodeWithSelector(IAllianceRegistry.MemberInWrongStatus.selector, member(1), MemberStatus.Left)
        );
        registry.reinstate(member(1));
    }

    function test_reinstatedMemberStandsInItsPlace() external {
        admitMembers(3);
        vm.startPrank(admitter);
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
        vm.prank(member(1));
        uint256 id = charter.propose(address(registry), call);
        vm.prank(member(2));
        charter.endorse(id);
        vm.warp(block.timestamp + CHARTER_DELAY);
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
}
