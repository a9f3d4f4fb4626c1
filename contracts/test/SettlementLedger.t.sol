// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SettlementLedger} from "../src/SettlementLedger.sol";
import {ISettlementLedger} from "../src/interfaces/ISettlementLedger.sol";
import {Calendar} from "../src/libraries/Calendar.sol";
import {GRID_ACCOUNT, PLATFORM_ACCOUNT, POOL_ACCOUNT} from "../src/types/Statement.sol";
import {Alliance} from "./Alliance.sol";

contract SettlementLedgerTest is Alliance {
    function setUp() public {
        deploy();
        admitMembers(3);
        vm.warp(Calendar.endOf(firstDay));
    }

    function members() private pure returns (uint32[] memory ids) {
        ids = new uint32[](3);
        (ids[0], ids[1], ids[2]) = (1, 2, 3);
    }

    /// @dev The worked example's day.
    function amounts() private pure returns (int64[] memory cents) {
        cents = new int64[](6);
        (cents[0], cents[1], cents[2], cents[3], cents[4]) = (3192, -39_250, 26_597, 785, 8676);
    }

    function post(uint32 day, uint16 version, uint32[] memory ids, int64[] memory cents) private {
        vm.prank(settler);
        ledger.post(day, version, ids, cents, "root", 96, "statement");
    }

    function postFirst() private {
        post(firstDay, 1, members(), amounts());
    }

    function test_statementIsPosted_whenItBalances() external {
        postFirst();
        vm.assertEq(int256(ledger.balance(firstDay, 2)), -39_250, "member 2");
        vm.assertEq(int256(ledger.balance(firstDay, PLATFORM_ACCOUNT)), 785, "platform");
        vm.assertEq(int256(ledger.balance(firstDay, GRID_ACCOUNT)), 8676, "grid");
        vm.assertEq(int256(ledger.balance(firstDay, POOL_ACCOUNT)), 0, "pool");
        vm.assertEq(ledger.total(1), 3192, "total");
        vm.assertEq(ledger.versionOf(firstDay), 1, "version");
        vm.assertEq(ledger.nextDay(), firstDay + 1, "next day");
        vm.assertEq(ledger.finalAt(firstDay), block.timestamp + WINDOW, "window");
        vm.assertEq(ledger.statementOf(firstDay, 1).root, "root", "root");
        vm.assertEq(ledger.balances(firstDay).length, 6, "accounts");
        vm.assertEq(ledger.rosterOf(firstDay).length, 3, "roster");
    }

    function test_correctionAddsDifferences_andNamesThePreviousVersion() external {
        postFirst();
        int64[] memory deltas = new int64[](6);
        (deltas[0], deltas[2], deltas[4]) = (-1, -62, 63);
        vm.startPrank(settler);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementLedger.StatementVersionWrong.selector, firstDay, 2, 3)
        );
        ledger.post(firstDay, 3, members(), deltas, "r", 1, "s");
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementLedger.StatementVersionWrong.selector, firstDay, 2, 1)
        );
        ledger.post(firstDay, 1, members(), amounts(), "r", 1, "s");
        vm.stopPrank();
        post(firstDay, 2, members(), deltas);
        vm.assertEq(int256(ledger.balance(firstDay, 1)), 3191, "corrected");
        vm.assertEq(ledger.total(3), 26_535, "total");
        vm.assertEq(ledger.finalAt(firstDay), block.timestamp + WINDOW, "the window does not restart");
    }

    function test_correctionReverts_onceTheDayIsFinal() external {
        postFirst();
        vm.warp(block.timestamp + WINDOW);
        vm.prank(settler);
        vm.expectPartialRevert(ISettlementLedger.StatementFinal.selector);
        ledger.post(firstDay, 2, members(), amounts(), "r", 1, "s");
    }

    function test_postReverts_whenDaysAreNotInOrderOrNotOver() external {
        vm.startPrank(settler);
        vm.warp(block.timestamp + 5 days);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementLedger.StatementDayWrong.selector, firstDay, firstDay + 1)
        );
        ledger.post(firstDay + 1, 1, members(), amounts(), "r", 1, "s");
        vm.warp(Calendar.endOf(firstDay) - 1);
        vm.expectPartialRevert(ISettlementLedger.StatementDayNotOver.selector);
        ledger.post(firstDay, 1, members(), amounts(), "r", 1, "s");
        vm.stopPrank();
    }

    function test_postReverts_whenTheRosterIsNotTheFrozenOne() external {
        vm.prank(member(2));
        registry.leaveAlliance(); // counts from the next day
        uint32[] memory ids = new uint32[](2);
        (ids[0], ids[1]) = (1, 3);
        vm.prank(settler);
        vm.expectPartialRevert(ISettlementLedger.StatementRosterWrong.selector);
        ledger.post(firstDay, 1, ids, new int64[](5), "r", 1, "s");
        postFirst();
        vm.warp(Calendar.endOf(firstDay + 2));
        post(firstDay + 1, 1, members(), amounts()); // he left during that day
        vm.warp(Calendar.endOf(firstDay + 3));
        post(firstDay + 2, 1, ids, new int64[](5));
    }

    function testFuzz_postReverts_unlessTheSumIsZero(int64[5] calldata cents, uint256 where) external {
        int64[] memory list = new int64[](6);
        int256 sum = 0;
        for (uint256 i = 0; i < 5; ++i) {
            list[i] = cents[i] / 8;
            sum += list[i];
        }
        if (sum != 0) {
            vm.prank(settler);
            vm.expectRevert(abi.encodeWithSelector(ISettlementLedger.StatementNotZeroSum.selector, firstDay, sum));
            ledger.post(firstDay, 1, members(), list, "r", 1, "s");
        }
        list[where % 5] -= int64(sum);
        post(firstDay, 1, members(), list);
    }

    function test_postReverts_whenThePoolKeepsMoney() external {
        int64[] memory list = amounts();
        (list[5], list[0]) = (1, list[0] - 1);
        vm.prank(settler);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementLedger.StatementPoolNotEmpty.selector, firstDay, int64(1))
        );
        ledger.post(firstDay, 1, members(), list, "r", 1, "s");
    }

    function test_postReverts_whenLengthsDifferOrNothingIsNamed() external {
        vm.startPrank(settler);
        vm.expectRevert(abi.encodeWithSelector(ISettlementLedger.StatementLengthsDiffer.selector, 3, 5));
        ledger.post(firstDay, 1, members(), new int64[](5), "r", 1, "s");
        vm.expectPartialRevert(ISettlementLedger.StatementEmpty.selector);
        ledger.post(firstDay, 1, members(), amounts(), "", 1, "s");
        vm.expectPartialRevert(ISettlementLedger.StatementEmpty.selector);
        ledger.post(firstDay, 1, members(), amounts(), "r", 0, "s");
        vm.expectPartialRevert(ISettlementLedger.StatementEmpty.selector);
        ledger.post(firstDay, 1, members(), amounts(), "r", 1, "");
        vm.stopPrank();
    }

    function test_onlyTheSettlerPosts_andNotWhilePaused() external {
        address[4] memory others = [admitter, attestor, member(1), address(charter)];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(ISettlementLedger.StatementNotSettler.selector, others[i]));
            ledger.post(firstDay, 1, members(), amounts(), "r", 1, "s");
        }
        vm.prank(guardian);
        registry.pause();
        vm.prank(settler);
        vm.expectPartialRevert(ISettlementLedger.StatementsPaused.selector);
        ledger.post(firstDay, 1, members(), amounts(), "r", 1, "s");
        vm.warp(block.timestamp + 72 hours);
        postFirst();
    }

    function test_paymentIsRecorded_onceTheDayIsFinal() external {
        postFirst();
        vm.prank(member(1));
        vm.expectPartialRevert(ISettlementLedger.StatementNotFinal.selector);
        ledger.recordPayment(firstDay, 1, "receipt");
        vm.warp(block.timestamp + WINDOW);
        vm.startPrank(member(1));
        ledger.recordPayment(firstDay, 1, "receipt");
        vm.assertEq(ledger.paymentAt(firstDay, 1, "receipt"), block.timestamp, "time");
        vm.expectPartialRevert(ISettlementLedger.PaymentAlreadyRecorded.selector);
        ledger.recordPayment(firstDay, 1, "receipt");
        vm.expectRevert(abi.encodeWithSelector(ISettlementLedger.PaymentNotByParty.selector, 2, member(1)));
        ledger.recordPayment(firstDay, 2, "receipt");
        vm.expectPartialRevert(ISettlementLedger.PaymentReceiptMissing.selector);
        ledger.recordPayment(firstDay, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlementLedger.AccountUnknown.selector, firstDay, 9));
        ledger.recordPayment(firstDay, 9, "receipt");
        vm.stopPrank();
        vm.prank(settler);
        ledger.recordPayment(firstDay, 2, "receipt");
        vm.expectPartialRevert(ISettlementLedger.StatementUnknown.selector);
        ledger.recordPayment(firstDay + 1, 1, "receipt");
    }

    function test_deploymentRefuses_whenTheWindowIsOutOfRange() external {
        vm.expectPartialRevert(ISettlementLedger.WindowOutOfRange.selector);
        new SettlementLedger(registry, 0, 1);
        vm.expectPartialRevert(ISettlementLedger.WindowOutOfRange.selector);
        new SettlementLedger(registry, 91 days, 1);
    }
}
