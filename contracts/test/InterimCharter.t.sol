// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {InterimCharter} from "../src/InterimCharter.sol";
import {IInterimCharter} from "../src/interfaces/IInterimCharter.sol";
import {ProposalState} from "../src/types/Proposal.sol";
import {GUARDIAN} from "../src/types/Roles.sol";
import {Alliance} from "./Alliance.sol";

contract InterimCharterTest is Alliance {
    bytes private call;
    uint256 private id;

    function setUp() public {
        deploy();
        admitMembers(4);
        call = abi.encodeCall(IAccessControl.grantRole, (GUARDIAN, address(9)));
        vm.prank(member(1));
        id = charter.propose(address(registry), call);
    }

    function endorseAndWait() private {
        vm.prank(member(2));
        charter.endorse(id);
        vm.warp(block.timestamp + CHARTER_DELAY);
    }

    function requireState(ProposalState want) private view {
        vm.assertEq(uint256(charter.stateOf(id)), uint256(want), "state");
    }

    function test_callIsMade_whenTwoMembersAgreeAndTheDelayPassed() external {
        endorseAndWait();
        charter.execute(id, call);
        vm.assertTrue(registry.hasRole(GUARDIAN, address(9)), "granted");
        requireState(ProposalState.Executed);
        vm.expectPartialRevert(IInterimCharter.CharterWrongState.selector);
        charter.execute(id, call);
    }

    function test_executeReverts_whenTooEarly() external {
        vm.prank(member(2));
        charter.endorse(id);
        vm.warp(block.timestamp + CHARTER_DELAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IInterimCharter.CharterTooEarly.selector, id, block.timestamp + 1, block.timestamp)
        );
        charter.execute(id, call);
    }

    function test_executeReverts_whenOnlyOneMemberAgreed() external {
        vm.prank(member(1));
        vm.expectRevert(abi.encodeWithSelector(IInterimCharter.CharterNeedsAnother.selector, id, 1));
        charter.endorse(id);
        vm.warp(block.timestamp + 2 days);
        vm.expectPartialRevert(IInterimCharter.CharterWrongState.selector);
        charter.execute(id, call);
    }

    function test_executeReverts_whenDataDiffers() external {
        endorseAndWait();
        vm.expectPartialRevert(IInterimCharter.CharterDataDiffers.selector);
        charter.execute(id, abi.encodeCall(IAccessControl.grantRole, (GUARDIAN, address(10))));
    }

    function test_executeReverts_whenASupporterLeftMeanwhile() external {
        endorseAndWait();
        vm.prank(member(2));
        registry.leaveAlliance();
        vm.expectRevert(abi.encodeWithSelector(IInterimCharter.CharterSupporterGone.selector, id, 2));
        charter.execute(id, call);
    }

    function test_executeReverts_whenLapsed() external {
        endorseAndWait();
        vm.warp(block.timestamp + 14 days);
        requireState(ProposalState.Lapsed);
        vm.expectPartialRevert(IInterimCharter.CharterWrongState.selector);
        charter.execute(id, call);
    }

    function test_executeReverts_whenTheCallFails() external {
        bytes memory forbidden = abi.encodeWithSignature("suspend(address)", member(3));
        vm.prank(member(1));
        id = charter.propose(address(registry), forbidden);
        endorseAndWait();
        vm.expectPartialRevert(IInterimCharter.CharterCallFailed.selector);
        charter.execute(id, forbidden);
        requireState(ProposalState.Executable);
    }

    function test_supporterAloneCancels() external {
        vm.prank(member(2));
        charter.endorse(id);
        vm.prank(member(2));
        charter.cancel(id);
        requireState(ProposalState.Cancelled);
    }

    function test_twoOthersCancel_oneDoesNot() external {
        vm.startPrank(member(3));
        charter.cancel(id);
        requireState(ProposalState.Proposed);
        vm.expectRevert(abi.encodeWithSelector(IInterimCharter.CharterNeedsAnother.selector, id, 3));
        charter.cancel(id);
        vm.stopPrank();
        vm.prank(member(4));
        charter.cancel(id);
        requireState(ProposalState.Cancelled);
        vm.prank(member(2));
        vm.expectPartialRevert(IInterimCharter.CharterWrongState.selector);
        charter.endorse(id);
    }

    function test_outsidersDoNothing() external {
        vm.startPrank(deployer);
        bytes memory denied = abi.encodeWithSelector(IInterimCharter.CharterNotAdmitted.selector, deployer);
        vm.expectRevert(denied);
        charter.propose(address(registry), call);
        vm.expectRevert(denied);
        charter.endorse(id);
        vm.expectRevert(denied);
        charter.cancel(id);
        vm.stopPrank();
    }

    function test_deploymentRefuses_whenTheDelayIsOutOfRange() external {
        vm.expectPartialRevert(IInterimCharter.CharterDelayOutOfRange.selector);
        new InterimCharter(registry, 0);
        vm.expectPartialRevert(IInterimCharter.CharterDelayOutOfRange.selector);
        new InterimCharter(registry, 31 days);
    }
}
