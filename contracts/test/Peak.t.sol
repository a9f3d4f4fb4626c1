// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Calendar} from "../src/libraries/Calendar.sol";
import {Peak} from "../src/libraries/Peak.sol";
import {Windows} from "../src/libraries/Windows.sol";
import {Vm} from "./Vm.sol";

/// @title The peak found by arithmetic against the peak found by walking every slot
contract PeakTest {
    using Windows for Windows.Window;

    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant BASE = 1_982_272; // 2026-07-15 00:00 in Shanghai, a Wednesday
    uint256 private constant HORIZON = 800; // slots: more than a week

    uint256 private state;

    function draw(uint256 below) private returns (uint256) {
        state = uint256(keccak256(abi.encode(state)));
        return state % below;
    }

    function window() private returns (Windows.Window memory made) {
        made.first = BASE + draw(HORIZON - 1);
        made.end = made.first + 1 + draw(BASE + HORIZON - made.first);
        bool always = draw(3) == 0;
        made.weekdayMask = always ? 0x7f : 1 + draw(0x7f);
        made.dayFirst = always ? 0 : draw(96);
        made.dayEnd = always ? 96 : made.dayFirst + 1 + draw(96 - made.dayFirst);
    }

    function part() private returns (Peak.Part memory made) {
        made.window = window();
        (made.powerW, made.energyWh) = (1 + draw(5), 1 + draw(5));
    }

    /// @dev The largest sums of the others over all slots in which `asked` holds.
    function walked(Peak.Part memory asked, Peak.Part[] memory others) private pure returns (uint256 w, uint256 wh) {
        for (uint256 slot = asked.window.first; slot < asked.window.end; ++slot) {
            if (!asked.window.holds(slot)) continue;
            (uint256 powerW, uint256 energyWh) = Peak.taken(others, slot);
            if (powerW > w) w = powerW;
            if (energyWh > wh) wh = energyWh;
        }
    }

    function exceeds(Peak.Part memory asked, Peak.Part[] memory others, uint256 powerW, uint256 energyWh)
        private
        pure
        returns (Peak.Excess memory)
    {
        Peak.Part memory room;
        (room.powerW, room.energyWh) = (powerW, energyWh);
        return Peak.find(asked, others, room);
    }

    /// forge-config: default.fuzz.runs = 48
    function testFuzz_peakIsExact_forAnyWindows(uint256 seed) external {
        state = seed;
        Peak.Part memory asked = part();
        Peak.Part[] memory others = new Peak.Part[](1 + draw(4));
        for (uint256 i = 0; i < others.length; ++i) others[i] = part();
        (uint256 w, uint256 wh) = walked(asked, others);
        bool holds = asked.window.nextHeld(asked.window.first) < asked.window.end;
        Peak.Excess memory at_ = exceeds(asked, others, w + asked.powerW, wh + asked.energyWh);
        vm.assertFalse(at_.inPower || at_.inEnergy, "refused though there is room");
        if (!holds) return;
        at_ = exceeds(asked, others, w + asked.powerW - 1, type(uint64).max);
        vm.assertTrue(at_.inPower && !at_.inEnergy, "power oversold");
        vm.assertTrue(asked.window.holds(at_.slot), "a slot of the asked window");
        (uint256 there,) = Peak.taken(others, at_.slot);
        vm.assertEq(there, w, "the named slot is one of the peak");
        at_ = exceeds(asked, others, type(uint64).max, wh + asked.energyWh - 1);
        vm.assertTrue(at_.inEnergy && !at_.inPower, "energy oversold");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_nextHeldIsTheFirst_walkingSlotBySlot(uint256 seed) external {
        state = seed;
        Windows.Window memory made = window();
        (made.first, made.end) = (0, type(uint64).max);
        uint256 from = BASE + draw(HORIZON);
        uint256 slot = from;
        while (!made.holds(slot)) ++slot;
        vm.assertEq(made.nextHeld(from), slot, "next held");
        (uint256 weekday, uint256 slotOfDay) = (draw(7), draw(96));
        uint256 place = Windows.nextPlace(from, weekday, slotOfDay);
        (uint256 gotWeekday, uint256 gotSlot) = Calendar.placeOf(place);
        vm.assertTrue(gotWeekday == weekday && gotSlot == slotOfDay && place - from < 672, "next place");
    }

    function test_peakIsFound_whereAShorterWindowOpensTheNextDay() external pure {
        Peak.Part[] memory others = new Peak.Part[](1);
        others[0] = Peak.Part(Windows.Window(BASE, BASE + 960, 0x7f, 0, 10), 1, 1);
        Peak.Part memory asked = Peak.Part(Windows.Window(BASE + 50, BASE + 960, 0x7f, 0, 96), 1, 1);
        Peak.Excess memory at_ = exceeds(asked, others, 1, 9);
        vm.assertTrue(at_.inPower, "found");
        vm.assertEq(at_.slot, BASE + 96, "at the next midnight");
    }

    function test_calendarKnowsWeekdays() external pure {
        (uint256 weekday, uint256 slot) = Calendar.placeOf(BASE);
        vm.assertEq(weekday, 2, "2026-07-15 is a Wednesday");
        vm.assertEq(slot, 0, "local midnight");
        vm.assertEq(Calendar.dayAt(BASE * 900), 20_649, "local day");
        vm.assertEq(Calendar.dayAt(BASE * 900 - 1), 20_648, "the second before");
        vm.assertEq(Calendar.endOf(20_648), BASE * 900, "end of the day before");
    }
}
