// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ICharter} from "../interfaces/ICharter.sol";
import {OfferTerms} from "../types/Lease.sol";
import {Mechanism} from "../types/Rule.sol";

/// @title The sharing mechanism of a type of station (protocol 7.6): grid side, source side, user side and third party differ
library Mechanisms {
    uint16 private constant FULL_BP = 10_000;
    uint8 private constant LAST_TYPE = 4;
    uint8 private constant RENT_ALONE = 1;
    uint8 private constant RENT_AND_WEAR = 2;
    uint8 private constant BATTERY_METER = 2;

    /// @notice Refuse a mechanism of an unknown type of station, or one with an unknown or empty part.
    function requireSound(Mechanism calldata self, uint8 stationType) internal pure {
        bool sound = stationType != 0 && stationType <= LAST_TYPE && self.priority != 0 && self.metering != 0
            && self.metering <= BATTERY_METER && self.priceRule != 0 && self.priceRule <= RENT_AND_WEAR
            && self.offerableBp <= FULL_BP && self.minSlaBp <= FULL_BP && self.maxTermSlots != 0;
        if (!sound) revert ICharter.MechanismWrong(stationType, self);
    }

    /// @notice Refuse an offer outside the mechanism, naming what exceeds it; without a mechanism the whole may be offered.
    function requireOffer(Mechanism memory self, uint8 stationType, OfferTerms calldata terms)
        internal
        pure
        returns (uint16)
    {
        if (self.priority == 0) return FULL_BP;
        if (terms.rentCentsPerKwYear > self.maxRentCentsPerKwYear) {
            _refuse(stationType, "rent", terms.rentCentsPerKwYear, self.maxRentCentsPerKwYear);
        }
        if (terms.slaBp < self.minSlaBp) _refuse(stationType, "sla", terms.slaBp, self.minSlaBp);
        if (terms.termSlots > self.maxTermSlots) _refuse(stationType, "term", terms.termSlots, self.maxTermSlots);
        if (self.priceRule == RENT_ALONE && terms.wearPrice != 0) _refuse(stationType, "wear", 1, 0);
        return self.offerableBp;
    }

    /// @notice Refuse an offer of a station that the mechanism's meters do not measure.
    function requireMetered(Mechanism memory self, uint8 stationType, uint32 meters) internal pure {
        if (meters == 0) _refuse(stationType, "metering", 0, self.metering);
    }

    function _refuse(uint8 stationType, bytes32 what, uint256 asked, uint256 limit) private pure {
        revert ICharter.OfferOutsideMechanism(stationType, what, asked, limit);
    }
}
