// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Calendar} from "../src/libraries/Calendar.sol";
import {Money} from "../src/libraries/Money.sol";
import {Vm} from "./Vm.sol";

/// @title Rounding, splitting and months, against their definitions (protocol 8.1.2, 1.3)
contract MoneyTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    function testFuzz_quotientIsTheNearest_halvesAwayFromZero(int64 a, int64 b, uint32 divisor) external pure {
        int256 c = int256(uint256(divisor)) + 1;
        a /= 1 << 32;
        b /= 1 << 32;
        int256 got = Money.mulDiv(a, b, c);
        int256 rest = 2 * (int256(a) * b - got * c);
        vm.assertTrue(rest <= c && rest >= -c, "nearest");
        if (rest == c) vm.assertTrue(got < 0, "a half goes away from zero, below");
        if (rest == -c) vm.assertTrue(got > 0, "a half goes away from zero, above");
    }

    function test_quotientsOfTheSharedVectors() external view {
        string memory json = vm.readFile("../tests/vectors/settlement.json");
        uint256 compared = 0;
        for (uint256 i = 0; i < 6; ++i) {
            string memory place = string.concat(".mulDiv[", vm.toString(i), "]");
            int256 got = Money.mulDiv(
                _int(json, string.concat(place, ".a")),
                _int(json, string.concat(place, ".b")),
                _int(json, string.concat(place, ".c"))
            );
            vm.assertEq(got, _int(json, string.concat(place, ".want")), "to the cent");
            ++compared;
        }
        vm.assertEq(compared, 6, "compared");
    }

    function testFuzz_sharesSumToTheWhole_andEachIsAFloorOrOneMore(int64 total, uint64[] memory weights) external pure {
        if (weights.length == 0 || weights.length > 24) return;
        int256 sum = 0;
        uint256 whole = 0;
        for (uint256 i = 0; i < weights.length; ++i) whole += weights[i];
        uint256 magnitude = uint256(total < 0 ? -int256(total) : int256(total));
        for (uint256 i = 0; i < weights.length; ++i) {
            int256 part = Money.share(total, i, weights);
            sum += part;
            uint256 floor = whole == 0 ? magnitude / weights.length : magnitude * weights[i] / whole;
            int256 over = (total < 0 ? -part : part) - int256(floor);
            vm.assertTrue(over == 0 || over == 1, "a floor or one more");
        }
        vm.assertEq(sum, int256(total), "the whole");
    }

    function test_tiesGoToTheLowerPlace() external pure {
        uint64[] memory weights = new uint64[](3);
        (weights[0], weights[1], weights[2]) = (1, 1, 1);
        vm.assertEq(int256(Money.share(-5, 0, weights)), -2, "first");
        vm.assertEq(int256(Money.share(-5, 1, weights)), -2, "second");
        vm.assertEq(int256(Money.share(-5, 2, weights)), -1, "third");
        vm.assertEq(int256(Money.equalPart(209_001, 0, 2)), 104_501, "a split of the worked example");
        vm.assertEq(int256(Money.equalPart(209_001, 1, 2)), 104_500, "and its rest");
    }

    function test_sharesOfTheWorkedExample() external pure {
        uint64[] memory weights = new uint64[](3);
        (weights[0], weights[1], weights[2]) = (379_700, 487_650, 420_301);
        for (int256 sign = -1; sign < 2; sign += 2) {
            vm.assertEq(int256(Money.share(sign * 131, 0, weights)), sign * 39, "A");
            vm.assertEq(int256(Money.share(sign * 131, 1, weights)), sign * 49, "B");
            vm.assertEq(int256(Money.share(sign * 131, 2, weights)), sign * 43, "C");
        }
    }

    function test_monthsAreThoseOfTheCivilCalendar() external pure {
        uint8[12] memory length = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        uint32 day = 0; // 1970-01-01
        for (uint256 year = 1970; year < 2110; ++year) {
            bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (uint256 month = 1; month <= 12; ++month) {
                vm.assertEq(Calendar.monthOf(day), month, "first");
                day += uint32(uint256(length[month - 1]) + (leap && month == 2 ? 1 : 0));
                vm.assertEq(Calendar.monthOf(day - 1), month, "last");
            }
        }
    }

    function _int(string memory json, string memory key) private pure returns (int256 value) {
        bytes memory text = bytes(vm.parseJsonString(json, key));
        bool negative = text[0] == "-";
        for (uint256 i = negative ? 1 : 0; i < text.length; ++i) value = value * 10 + int256(uint256(uint8(text[i]) - 48));
        if (negative) value = -value;
    }
}
