// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IAllianceRegistry} from "../interfaces/IAllianceRegistry.sol";

/// @title A pause of at most 72 hours, after which 72 hours must pass before another (protocol 7)
library EmergencyPause {
    uint48 internal constant LENGTH = 72 hours;

    struct State {
        uint48 until; // running while block time is below it
        uint48 nextFrom; // no pause may begin below it
    }

    function start(State storage self) internal {
        uint48 time = uint48(block.timestamp);
        if (time < self.nextFrom) revert IAllianceRegistry.PauseTooSoon(self.nextFrom, time);
        (self.until, self.nextFrom) = (time + LENGTH, time + 2 * LENGTH);
        emit IAllianceRegistry.Paused(msg.sender, self.until, self.nextFrom);
    }

    function stop(State storage self) internal {
        uint48 time = uint48(block.timestamp);
        if (time >= self.until) revert IAllianceRegistry.PauseNotRunning(self.until, time);
        (self.until, self.nextFrom) = (time, time + LENGTH);
        emit IAllianceRegistry.Unpaused(msg.sender, self.nextFrom);
    }
}
