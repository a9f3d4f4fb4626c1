// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Lease, LeaseEnd, OfferTerms} from "../types/Lease.sol";
import {StationSpec} from "../types/Station.sol";

/// @title Offers and leases of shared capacity (protocol 7)
/// @notice Power and energy are counted separately. At no instant do an offer's leases exceed it, nor do a station's offers
/// together exceed what its rating and connection leave beyond its own need. Terms never change after the offer.
interface ICapacityLease {
    event OwnNeedSet(uint32 indexed stationId, uint64 powerW, uint64 energyWh);
    event Offered(uint32 indexed offerId, uint32 indexed stationId, OfferTerms terms);
    event OfferWithdrawn(uint32 indexed offerId);
    event Leased(uint32 indexed leaseId, uint32 indexed offerId, Lease lease);
    event LeaseEndAsked(uint32 indexed leaseId, uint32 indexed memberId, uint32 endSlot);
    /// @notice The lease ends at the start of `endSlot`, before its term does; `byMember`, if not 0, ended it alone and pays the
    /// other party `priceCents`.
    event LeaseEnded(uint32 indexed leaseId, uint32 endSlot, uint32 byMember, uint64 priceCents);
    /// @notice A party asks for other quantities or another term from a slot on.
    event AmendmentAsked(
        uint32 indexed leaseId, uint32 indexed memberId, uint64 powerW, uint64 energyWh, uint32 firstSlot, uint32 termSlots
    );
    /// @notice `leaseId` ended where `nextId` begins, at the same prices.
    event LeaseAmended(uint32 indexed leaseId, uint32 indexed nextId);

    error LeasesPaused(uint48 until);
    error LeaseNotAdmitted(address account);
    error LeaseNotOwner(uint32 stationId, address owner, address account);
    error LeaseNotParty(uint32 leaseId, address account);
    error LeaseSublet(uint32 leaseId, uint32 lesseeId);
    error LeaseNotEndable(uint32 leaseId);
    error LeaseNoticeTooShort(uint32 leaseId, uint32 asked, uint256 earliest);
    error MemberLeasesFull(uint32 memberId, uint256 limit);
    error LeaseToSelf(uint32 offerId, uint32 memberId);
    error LeaseUnknown(uint32 leaseId);
    error LeaseAlreadyEnded(uint32 leaseId, uint32 endSlot);
    error LeaseEndOutside(uint32 leaseId, uint32 asked, uint32 earliest, uint32 latest);
    error LeaseOutsideOffer(uint32 offerId, uint32 firstSlot, uint256 endSlot, uint32 offerFirst, uint32 offerEnd);
    error LeaseBeforeRoster(uint32 memberId, uint32 firstSlot, uint256 earliest);
    error LeaseNothing(uint64 powerW, uint64 energyWh);
    error LeaseWindowEmpty(uint32 offerId, uint32 firstSlot, uint32 termSlots);
    error LeasePowerOversold(uint32 offerId, uint32 slot, uint64 offeredW, uint256 leasedW, uint64 askedW);
    error LeaseEnergyOversold(uint32 offerId, uint32 slot, uint64 offeredWh, uint256 leasedWh, uint64 askedWh);
    error OfferUnknown(uint32 offerId);
    error OfferAlreadyWithdrawn(uint32 offerId);
    error OfferFull(uint32 offerId, uint256 limit);
    error OfferEmpty(uint64 powerW, uint64 energyWh);
    error OfferTermEmpty(uint32 firstSlot, uint32 termSlots);
    error OfferInPast(uint32 firstSlot, uint32 currentSlot);
    error OfferTermTooLong(uint256 endSlot, uint256 limit);
    error OfferWindowWrong(uint8 weekdayMask, uint8 dayFirstSlot, uint8 daySlots);
    error OfferEndWrong(uint32 endNoticeSlots, uint16 endFeeBp);
    error OfferWithoutSafety(uint32 stationId);
    error OfferEfficiencyWrong(uint32 etaCPpm, uint32 etaDPpm);
    error OfferHandoverTooLarge(uint64 handoverWh, uint64 energyWh);
    error OfferRateTooLarge(uint32 slaBp, uint32 slaFactorBp, uint64 rentCentsPerKwYear);
    error StationPowerOversold(uint32 stationId, uint32 slot, uint64 leasableW, uint256 offeredW, uint64 askedW);
    error StationEnergyOversold(uint32 stationId, uint32 slot, uint64 leasableWh, uint256 offeredWh, uint64 askedWh);
    error StationOffersFull(uint32 stationId, uint256 limit);
    error OwnNeedTooLarge(uint32 stationId, uint64 powerW, uint64 energyWh);
    error OwnNeedTooLate(uint32 stationId, uint32 liveOffers);

    /// @notice Keep a part of a station for its owner, out of reach of later offers. Station's owner only; while offers of the
    /// station are live it may only be lowered.
    function setOwnNeed(uint32 stationId, uint64 powerW, uint64 energyWh) external;

    /// @notice Offer a part of a station. Its owner only, as an admitted member that signed its safety agreement, within today's
    /// mechanism for its type. A lessee cannot: what is leased is not sublet. @return offerId 1, 2, …
    function offer(OfferTerms calldata terms) external returns (uint32 offerId);

    /// @notice Take no more leases on an offer; those that run keep running. Its owner only; a pause does not touch it.
    function withdrawOffer(uint32 offerId) external;

    /// @notice Lease a part of an offer. Admitted members only, never the owner. Starts after the current slot.
    /// @return leaseId 1, 2, …
    function accept(uint32 offerId, uint64 powerW, uint64 energyWh, uint32 firstSlot, uint32 termSlots)
        external
        returns (uint32 leaseId);

    /// @notice End a lease early at no price: once both parties asked for the same slot, or when the charter does. A pause does
    /// not touch it.
    function endEarly(uint32 leaseId, uint32 endSlot) external;

    /// @notice End a lease alone, with the notice and at the price that the offer named. A pause does not touch it.
    /// @return priceCents What the caller owes the other party.
    function endAlone(uint32 leaseId, uint32 endSlot) external returns (uint64 priceCents);

    /// @notice Change quantities or term from `firstSlot` on, once both parties asked for the same; prices stay the offer's.
    /// @return nextId The lease that goes on from there; 0 while the other party has not asked.
    function amend(uint32 leaseId, uint64 powerW, uint64 energyWh, uint32 firstSlot, uint32 termSlots)
        external
        returns (uint32 nextId);

    function lease(uint32 leaseId) external view returns (Lease memory terms);

    /// @notice First slot in which the lease does not run any more.
    function leaseEnd(uint32 leaseId) external view returns (uint32 endSlot);

    /// @notice R(k) of protocol 8.6: the rent of a lease's held slots before an absolute slot, cents; a slot's rent is the
    /// difference of two neighbours, whatever early end there is.
    function rentUntil(uint32 leaseId, uint32 slot) external view returns (uint64 cents);

    /// @notice Whether a lease holds in an absolute slot: within its span, on its weekdays, in its hours.
    function holdsIn(uint32 leaseId, uint32 slot) external view returns (bool holds);

    /// @notice How a lease ended or will end.
    function endOf(uint32 leaseId) external view returns (LeaseEnd memory end);

    /// @notice A lease that is not over in which the member is owner or lessee; 0 if there is none.
    function liveLeaseOf(uint32 memberId) external view returns (uint32 leaseId);

    /// @notice Refuse a rating under which the station's live offers or its owner's need would not fit.
    function requireFits(uint32 stationId, StationSpec calldata spec) external view;

    function offerTerms(uint32 offerId) external view returns (OfferTerms memory terms, bool withdrawn);

    /// @notice Leases of an offer that are not over, in order of acceptance.
    function liveLeases(uint32 offerId) external view returns (uint32[] memory leaseIds);

    /// @notice Offers of a station that still count against it.
    function liveOffers(uint32 stationId) external view returns (uint32[] memory offerIds);

    /// @notice Power and energy that an offer's leases take in a slot.
    function leasedAt(uint32 offerId, uint32 slot) external view returns (uint256 powerW, uint256 energyWh);

    /// @notice Power and energy that a station's live offers take in a slot.
    function offeredAt(uint32 stationId, uint32 slot) external view returns (uint256 powerW, uint256 energyWh);

    /// @notice What a station's offers may reach together: the least of its charging, discharging and connection powers, and
    /// its capacity, each less the owner's need.
    function leasable(uint32 stationId) external view returns (uint64 powerW, uint64 energyWh);

    function ownNeed(uint32 stationId) external view returns (uint64 powerW, uint64 energyWh);

    function leaseCount() external view returns (uint32 count);

    function offerCount() external view returns (uint32 count);
}
