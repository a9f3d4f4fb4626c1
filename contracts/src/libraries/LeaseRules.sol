// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ICapacityLease} from "../interfaces/ICapacityLease.sol";
import {Lease, OfferTerms} from "../types/Lease.sol";
import {LeaseTerms} from "./LeaseTerms.sol";
import {Peak} from "./Peak.sol";
import {Windows} from "./Windows.sol";

/// @title When a lease may begin, and that nothing is sold twice (protocol 7.2)
library LeaseRules {
    using LeaseTerms for OfferTerms;
    using Windows for Windows.Window;

    /// @notice Refuse an offer that is unsound or holds in no slot.
    function requireOffer(OfferTerms memory terms, uint32 currentSlot) internal pure {
        terms.requireSound(currentSlot);
        if (isEmpty(terms.windowOf())) revert ICapacityLease.OfferTermEmpty(terms.firstSlot, terms.termSlots);
    }

    /// @notice Refuse a lease of nothing, outside its offer, begun, or in none of the offer's slots.
    function requireTerm(Lease memory made, OfferTerms memory terms, uint32 currentSlot) internal pure {
        if (made.powerW == 0 || made.energyWh == 0) revert ICapacityLease.LeaseNothing(made.powerW, made.energyWh);
        uint256 end = uint256(made.firstSlot) + made.termSlots;
        uint32 offerEnd = terms.firstSlot + terms.termSlots;
        uint32 earliest = terms.firstSlot > currentSlot ? terms.firstSlot : currentSlot + 1;
        if (made.firstSlot < earliest || end > offerEnd) {
            revert ICapacityLease.LeaseOutsideOffer(made.offerId, made.firstSlot, end, earliest, offerEnd);
        }
        if (isEmpty(terms.windowOver(made.firstSlot, end))) {
            revert ICapacityLease.LeaseWindowEmpty(made.offerId, made.firstSlot, made.termSlots);
        }
    }

    /// @notice Refuse, naming the slot, a lease that does not fit beside the other leases of its offer.
    function requireRoomInOffer(
        uint32 offerId,
        Peak.Part memory asked,
        Peak.Part[] memory others,
        Peak.Part memory room
    ) internal pure {
        Peak.Excess memory worst = Peak.find(asked, others, room);
        (uint64 powerW, uint64 energyWh, uint32 slot) = (uint64(room.powerW), uint64(room.energyWh), uint32(worst.slot));
        if (worst.inPower) {
            revert ICapacityLease.LeasePowerOversold(offerId, slot, powerW, worst.takenW, uint64(asked.powerW));
        }
        if (worst.inEnergy) {
            revert ICapacityLease.LeaseEnergyOversold(offerId, slot, energyWh, worst.takenWh, uint64(asked.energyWh));
        }
    }

    /// @notice Refuse, naming the slot, an offer that does not fit beside the other offers of its station.
    function requireRoomInStation(
        uint32 stationId,
        Peak.Part memory asked,
        Peak.Part[] memory others,
        Peak.Part memory room
    ) internal pure {
        Peak.Excess memory worst = Peak.find(asked, others, room);
        (uint64 powerW, uint64 energyWh, uint32 slot) = (uint64(room.powerW), uint64(room.energyWh), uint32(worst.slot));
        if (worst.inPower) {
            revert ICapacityLease.StationPowerOversold(stationId, slot, powerW, worst.takenW, uint64(asked.powerW));
        }
        if (worst.inEnergy) {
            revert ICapacityLease.StationEnergyOversold(
                stationId, slot, energyWh, worst.takenWh, uint64(asked.energyWh)
            );
        }
    }

    /// @notice Refuse, naming the slot, offers that together do not fit their station.
    function requireFits(uint32 stationId, Peak.Part[] memory parts, Peak.Part memory room) internal pure {
        for (uint256 i = 0; i < parts.length; ++i) {
            Peak.Part memory asked = parts[i];
            parts[i] = Peak.Part({window: asked.window, powerW: 0, energyWh: 0}); // not counted beside itself
            requireRoomInStation(stationId, asked, parts, room);
            parts[i] = asked;
        }
    }

    function isEmpty(Windows.Window memory window) private pure returns (bool) {
        return window.nextHeld(window.first) >= window.end;
    }
}
