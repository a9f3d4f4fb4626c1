// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ICharter} from "../interfaces/ICharter.sol";
import {Proposal, VotingRules} from "../types/Proposal.sol";

/// @title Whether the votes on a proposal suffice (protocol 7.5): one member, one vote
library Tally {
    uint256 private constant FULL_BP = 10_000;
    uint48 private constant SHORTEST = 1 hours;
    uint48 private constant LONGEST = 30 days;
    uint16 private constant QUORUM_LEAST_BP = 2500;
    uint16 private constant MAJORITY_LEAST_BP = 5000;
    uint16 private constant MAJORITY_MOST_BP = 9000;
    uint256 private constant VOTES_LEAST = 2; // nobody decides alone, however few vote

    /// @notice Refuse rules under which nobody could decide, few could, or there were no time to see it coming.
    function requireSound(VotingRules memory rules) internal pure {
        _requireTime("voting", rules.votingSeconds);
        _requireTime("delay", rules.delaySeconds);
        _requireTime("grace", rules.graceSeconds);
        if (rules.quorumBp < QUORUM_LEAST_BP || rules.quorumBp > FULL_BP) {
            revert ICharter.CharterShareOutOfRange("quorum", rules.quorumBp, QUORUM_LEAST_BP, uint16(FULL_BP));
        }
        if (rules.majorityBp < MAJORITY_LEAST_BP || rules.majorityBp > MAJORITY_MOST_BP) {
            revert ICharter.CharterShareOutOfRange("majority", rules.majorityBp, MAJORITY_LEAST_BP, MAJORITY_MOST_BP);
        }
    }

    /// @notice Whether enough of the electorate voted, and more than the majority's part of them for it.
    function suffices(VotingRules memory rules, Proposal storage made) internal view returns (bool) {
        uint256 cast = uint256(made.votesFor) + made.votesAgainst;
        return made.votesFor >= VOTES_LEAST && cast * FULL_BP >= uint256(made.electorate) * rules.quorumBp
            && made.votesFor * FULL_BP > cast * rules.majorityBp;
    }

    /// @notice Whether it would still pass if everybody who has not voted voted against it.
    function isCertain(VotingRules memory rules, Proposal storage made) internal view returns (bool) {
        return made.votesFor * FULL_BP > uint256(made.electorate) * rules.majorityBp && suffices(rules, made);
    }

    function _requireTime(bytes32 what, uint48 time) private pure {
        if (time < SHORTEST || time > LONGEST) revert ICharter.CharterTimeOutOfRange(what, time, SHORTEST, LONGEST);
    }
}
