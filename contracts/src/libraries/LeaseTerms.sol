// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ICapacityLease} from "../interfaces/ICapacityLease.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Lease, OfferTerms} from "../types/Lease.sol";
import {Windows} from "./Windows.sol";

/// @title What an offer must satisfy and what a lease takes from it (protocol 7)
library LeaseTerms {
    using Windows for Windows.Window;

    uint256 internal constant SLOTS_A_YEAR = 35_040;
    uint256 internal constant TERM_LIMIT = 20 * SLOTS_A_YEAR;
    uint256 private constant FULL_PPM = 1_000_000;
    uint256 private constant FULL_BP = 10_000;
    uint64 private constant RENT_LIMIT = 1e9; // cents per kW and year
    uint16 private constant FIRST_VERSION = 1;

    /// @notice Refuse an offer that is empty, past, endless or out of range.
    function requireSound(OfferTerms memory terms, uint32 currentSlot) internal pure {
        if (terms.powerW == 0 || terms.energyWh == 0) revert ICapacityLease.OfferEmpty(terms.powerW, terms.energyWh);
        if (terms.firstSlot < currentSlot) revert ICapacityLease.OfferInPast(terms.firstSlot, currentSlot);
        if (terms.termSlots == 0) revert ICapacityLease.OfferTermEmpty(terms.firstSlot, terms.termSlots);
        uint256 limit = uint256(currentSlot) + TERM_LIMIT;
        uint256 end = uint256(terms.firstSlot) + terms.termSlots;
        if (end > limit) revert ICapacityLease.OfferTermTooLong(end, limit);
        if (!Windows.sound(terms.weekdayMask, terms.dayFirstSlot, terms.daySlots)) {
            revert ICapacityLease.OfferWindowWrong(terms.weekdayMask, terms.dayFirstSlot, terms.daySlots);
        }
        if (terms.etaCPpm == 0 || terms.etaCPpm > FULL_PPM || terms.etaDPpm == 0 || terms.etaDPpm > FULL_PPM) {
            revert ICapacityLease.OfferEfficiencyWrong(terms.etaCPpm, terms.etaDPpm);
        }
        if (terms.handoverWh > terms.energyWh) {
            revert ICapacityLease.OfferHandoverTooLarge(terms.handoverWh, terms.energyWh);
        }
        if (terms.endFeeBp > FULL_BP || terms.endNoticeSlots > TERM_LIMIT) {
            revert ICapacityLease.OfferEndWrong(terms.endNoticeSlots, terms.endFeeBp);
        }
        if (terms.slaBp > FULL_BP || terms.slaFactorBp > 10 * FULL_BP || terms.rentCentsPerKwYear > RENT_LIMIT) {
            revert ICapacityLease.OfferRateTooLarge(terms.slaBp, terms.slaFactorBp, terms.rentCentsPerKwYear);
        }
    }

    /// @notice The window in which an offer holds.
    function windowOf(OfferTerms memory terms) internal pure returns (Windows.Window memory) {
        return windowOver(terms, terms.firstSlot, uint256(terms.firstSlot) + terms.termSlots);
    }

    /// @notice The window in which a lease of an offer holds: its own term, the offer's weekdays and hours.
    function windowOver(OfferTerms memory terms, uint256 first, uint256 end)
        internal
        pure
        returns (Windows.Window memory)
    {
        return Windows.Window({
            first: first,
            end: end,
            weekdayMask: terms.weekdayMask,
            dayFirst: terms.dayFirstSlot,
            dayEnd: uint256(terms.dayFirstSlot) + terms.daySlots
        });
    }

    /// @notice The lease of a part of an offer: rent by power and time, handed-over content by energy, each rounded once,
    /// half up (both are never negative).
    function leaseOf(
        OfferTerms memory terms,
        uint32 offerId,
        uint64 powerW,
        uint64 energyWh,
        uint32 firstSlot,
        uint32 termSlots
    ) internal pure returns (Lease memory lease) {
        lease.offerId = offerId;
        lease.version = FIRST_VERSION;
        lease.stationId = terms.stationId;
        lease.powerW = powerW;
        lease.energyWh = energyWh;
        lease.etaCPpm = terms.etaCPpm;
        lease.etaDPpm = terms.etaDPpm;
        uint256 held = Windows.count(windowOver(terms, firstSlot, uint256(firstSlot) + termSlots));
        lease.rentCents = rentCents(powerW, terms.rentCentsPerKwYear, held);
        lease.firstSlot = firstSlot;
        lease.termSlots = termSlots;
        lease.wearPrice = terms.wearPrice;
        lease.handoverWh = uint64(divHalfUp(uint256(terms.handoverWh) * energyWh, terms.energyWh));
        lease.handoverPrice = terms.handoverPrice;
        lease.slaBp = terms.slaBp;
        lease.slaFactorBp = terms.slaFactorBp;
        (lease.weekdayMask, lease.dayFirstSlot, lease.daySlots) = (terms.weekdayMask, terms.dayFirstSlot, terms.daySlots);
    }

    /// @notice R: the rent of a lease's held slots before a slot, rounded half up, so that the slots sum to the rent exactly.
    function rentUntil(Lease memory lease, uint256 slot) internal pure returns (uint64) {
        Windows.Window memory window = heldBy(lease, uint256(lease.firstSlot) + lease.termSlots);
        uint256 held = window.count();
        if (slot <= window.first) return 0;
        if (slot < window.end) window.end = slot;
        return uint64(divHalfUp(uint256(lease.rentCents) * window.count(), held));
    }

    /// @notice The window in which a lease holds that ends at a slot.
    function heldBy(Lease memory lease, uint256 end) internal pure returns (Windows.Window memory) {
        return Windows.Window({
            first: lease.firstSlot,
            end: end,
            weekdayMask: lease.weekdayMask,
            dayFirst: lease.dayFirstSlot,
            dayEnd: uint256(lease.dayFirstSlot) + lease.daySlots
        });
    }

    /// @notice What a party pays that ends a lease alone at a slot: the offer's part of the rent left, rounded half up.
    function endPriceCents(OfferTerms memory terms, Lease memory lease, uint32 endSlot) internal pure returns (uint64) {
        uint256 left = lease.rentCents - rentUntil(lease, endSlot);
        return uint64(divHalfUp(left * terms.endFeeBp, FULL_BP));
    }

    /// @notice Rent in cents: power_w · cents per kW and year · held slots / (1,000 · 35,040), rounded half up.
    function rentCents(uint64 powerW, uint64 rentCentsPerKwYear, uint256 heldSlots) internal pure returns (uint64) {
        uint256 product = uint256(powerW) * rentCentsPerKwYear * heldSlots;
        return SafeCast.toUint64(divHalfUp(product, 1000 * SLOTS_A_YEAR));
    }

    function divHalfUp(uint256 value, uint256 divisor) internal pure returns (uint256) {
        return (2 * value + divisor) / (2 * divisor);
    }
}
