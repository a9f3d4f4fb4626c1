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
        registry.announceLeaving(); // counts from the next day
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

    // ---- the court ----

    uint256 private constant PLACE = uint256(3) << 248 | uint256(2) << 64 | uint256(POOL_ACCOUNT) << 32 | 7;

    function overturn(int64 cents) private {
        vm.prank(address(planCourt));
        ledger.overturn(firstDay, PLACE, 1, 1, cents);
    }

    function test_lineIsSetRight_andTheDifferenceIsHeldByItsTwoAccounts() external {
        postFirst();
        overturn(-40);
        vm.assertEq(int256(ledger.balance(firstDay, 2)), -39_290, "account");
        vm.assertEq(int256(ledger.balance(firstDay, POOL_ACCOUNT)), 40, "counterparty");
        vm.assertEq(ledger.poolMoves(firstDay, 1), 40, "pool of the group");
        (uint16 version, int64 moved,) = ledger.judgement(firstDay, PLACE);
        vm.assertEq(version, 1, "version");
        vm.assertEq(int256(moved), -40, "moved");
        vm.assertEq(ledger.total(2), -39_290, "total");
    }

    function test_correctionMustTakeOut_whatADecisionLeftInThePool() external {
        postFirst();
        overturn(-40);
        int64[] memory deltas = new int64[](6);
        vm.prank(settler);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlementLedger.StatementPoolNotEmpty.selector, firstDay, int64(40))
        );
        ledger.post(firstDay, 2, members(), deltas, "r", 1, "s");
        (deltas[0], deltas[5]) = (40, -40);
        post(firstDay, 2, members(), deltas);
        vm.assertEq(int256(ledger.balance(firstDay, POOL_ACCOUNT)), 0, "pool");
    }

    function test_dayStaysOpenForAnAnswer_afterALateDecisionOrCorrection() external {
        postFirst();
        uint256 final_ = ledger.finalAt(firstDay);
        vm.warp(final_ - 1);
        overturn(5);
        vm.assertEq(ledger.finalAt(firstDay), final_ - 1 + WINDOW / 7, "after a decision");
        vm.assertEq(ledger.answerSeconds(), 24 hours, "of seven days");
        vm.warp(final_ + 100);
        int64[] memory deltas = new int64[](6);
        (deltas[0], deltas[5]) = (-5, 5);
        post(firstDay, 2, members(), deltas);
        vm.assertEq(ledger.finalAt(firstDay), final_ + 100 + WINDOW / 7, "after a correction");
    }

    function test_pauseStopsNoDecision() external {
        postFirst();
        vm.prank(guardian);
        registry.pause();
        overturn(5);
        vm.prank(address(bookCourt));
        ledger.voidDay(firstDay);
    }

    function test_voidDayHoldsNothing_andIsReplacedByAWholeStatement() external {
        postFirst();
        overturn(5);
        vm.prank(address(bookCourt));
        ledger.voidDay(firstDay);
        for (uint32 id = 1; id <= 3; ++id) {
            vm.assertEq(int256(ledger.balance(firstDay, id)), 0, "balance");
            vm.assertEq(ledger.total(id), 0, "total");
        }
        (uint16 judged,,) = ledger.judgement(firstDay, PLACE);
        vm.assertEq(judged, 0, "what was judged is gone");
        vm.assertEq(ledger.finalAt(firstDay), 0, "not final");
        vm.prank(member(1));
        vm.expectRevert(abi.encodeWithSelector(ISettlementLedger.StatementVoid.selector, firstDay, uint16(1)));
        ledger.recordPayment(firstDay, 1, "receipt");
        vm.warp(block.timestamp + 30 days);
        post(firstDay, 2, members(), amounts());
        vm.assertEq(ledger.finalAt(firstDay), block.timestamp + WINDOW, "a new window");
        vm.assertEq(int256(ledger.balance(firstDay, 2)), -39_250, "whole again");
    }

    function testFuzz_nobodyButTheCourtDecides(address account) external {
        postFirst();
        vm.assume(!ledger.isCourt(account));
        vm.startPrank(account);
        bytes memory refusal = abi.encodeWithSelector(ISettlementLedger.StatementNotCourt.selector, account);
        vm.expectRevert(refusal);
        ledger.overturn(firstDay, PLACE, 1, 1, 5);
        vm.expectRevert(refusal);
        ledger.judge(firstDay, PLACE, 1, 5, 5);
        vm.expectRevert(refusal);
        ledger.voidDay(firstDay);
        vm.expectRevert(refusal);
        ledger.keepRows("key", 1);
        vm.stopPrank();
    }

    function test_courtIsRefused_onceTheDayIsFinal() external {
        postFirst();
        vm.warp(block.timestamp + WINDOW);
        vm.prank(address(planCourt));
        vm.expectPartialRevert(ISettlementLedger.StatementFinal.selector);
        ledger.overturn(firstDay, PLACE, 1, 1, 5);
        vm.prank(address(bookCourt));
        vm.expectPartialRevert(ISettlementLedger.StatementFinal.selector);
        ledger.voidDay(firstDay);
    }
}
