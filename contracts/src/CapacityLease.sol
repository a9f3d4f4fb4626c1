// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {ICapacityLease} from "./interfaces/ICapacityLease.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {LeaseTerms} from "./libraries/LeaseTerms.sol";
import {Peak} from "./libraries/Peak.sol";
import {Ratings} from "./libraries/Ratings.sol";
import {Windows} from "./libraries/Windows.sol";
import {Lease, OfferTerms} from "./types/Lease.sol";
import {MemberStatus, StationSpec} from "./types/Station.sol";

/// @title Offers and leases of shared capacity (protocol 7)
contract CapacityLease is ICapacityLease {
    using LeaseTerms for OfferTerms;
    using Windows for Windows.Window;

    uint256 public constant LIVE_LEASES_LIMIT = 64; // an offer
    uint256 public constant LIVE_OFFERS_LIMIT = 16; // a station

    struct OfferRecord {
        OfferTerms terms;
        bool withdrawn;
        uint32[] live; // leases that may not be over, in order of acceptance
    }

    /// @dev What the sums need of a lease, in one slot.
    struct Span {
        uint32 first;
        uint32 end;
        uint64 powerW;
        uint64 energyWh;
    }

    struct Need {
        uint64 powerW;
        uint64 energyWh;
    }

    IAllianceRegistry public immutable registry;
    /// @inheritdoc ICapacityLease
    uint32 public offerCount;
    /// @inheritdoc ICapacityLease
    uint32 public leaseCount;
    mapping(uint32 offerId => OfferRecord) private _offers;
    mapping(uint32 leaseId => Lease) private _leases;
    mapping(uint32 leaseId => Span) private _spans;
    mapping(uint32 leaseId => mapping(uint32 memberId => uint32 endSlot)) private _endAsked;
    mapping(uint32 stationId => uint32[]) private _liveOffers;
    mapping(uint32 stationId => Need) private _ownNeeds;

    constructor(IAllianceRegistry registry_) {
        registry = registry_;
    }

    // ---- offers ----

    /// @inheritdoc ICapacityLease
    function setOwnNeed(uint32 stationId, uint64 powerW, uint64 energyWh) external {
        StationSpec memory spec = _requireOwner(stationId);
        if (powerW > Ratings.leasablePowerW(spec) || energyWh > spec.capacityWh) {
            revert OwnNeedTooLarge(stationId, powerW, energyWh);
        }
        Need memory before = _ownNeeds[stationId];
        if (powerW > before.powerW || energyWh > before.energyWh) {
            uint256 live = liveOffers(stationId).length;
            if (live > 0) revert OwnNeedTooLate(stationId, uint32(live));
        }
        _ownNeeds[stationId] = Need({powerW: powerW, energyWh: energyWh});
        emit OwnNeedSet(stationId, powerW, energyWh);
    }

    /// @inheritdoc ICapacityLease
    function offer(OfferTerms calldata terms) external returns (uint32 offerId) {
        _requireRunning();
        _requireAdmitted(msg.sender);
        StationSpec memory spec = _requireOwner(terms.stationId);
        terms.requireSound(Calendar.slotAt(block.timestamp));
        _liveOffers[terms.stationId] = liveOffers(terms.stationId);
        _requireRoomInStation(terms, spec);
        offerId = ++offerCount;
        _offers[offerId].terms = terms;
        _liveOffers[terms.stationId].push(offerId);
        emit Offered(offerId, terms.stationId, terms);
    }

    /// @inheritdoc ICapacityLease
    function withdrawOffer(uint32 offerId) external {
        OfferRecord storage record = _requireOffer(offerId);
        _requireOwner(record.terms.stationId);
        if (record.withdrawn) revert OfferAlreadyWithdrawn(offerId);
        record.withdrawn = true;
        emit OfferWithdrawn(offerId);
    }

    // ---- leases ----

    /// @inheritdoc ICapacityLease
    function accept(uint32 offerId, uint64 powerW, uint64 energyWh, uint32 firstSlot, uint32 termSlots)
        external
        returns (uint32 leaseId)
    {
        _requireRunning();
        OfferRecord storage record = _requireOffer(offerId);
        if (record.withdrawn) revert OfferAlreadyWithdrawn(offerId);
        OfferTerms memory terms = record.terms;
        Lease memory made = terms.leaseOf(offerId, powerW, energyWh, firstSlot, termSlots);
        (made.ownerId, made.lesseeId) = _parties(offerId, terms.stationId);
        _requireTerm(made, terms);
        record.live = liveLeases(offerId);
        if (record.live.length == LIVE_LEASES_LIMIT) revert OfferFull(offerId, LIVE_LEASES_LIMIT);
        _requireRoomInOffer(made, terms, record.live);
        leaseId = ++leaseCount;
        _leases[leaseId] = made;
        _spans[leaseId] =
            Span({first: firstSlot, end: firstSlot + termSlots, powerW: powerW, energyWh: energyWh});
        record.live.push(leaseId);
        emit Leased(leaseId, offerId, made);
    }

    /// @inheritdoc ICapacityLease
    function endEarly(uint32 leaseId, uint32 endSlot) external {
        (uint32 party, uint32 other) = _requireParty(leaseId);
        Span storage span = _spans[leaseId];
        uint32 current = Calendar.slotAt(block.timestamp);
        if (span.end <= current) revert LeaseAlreadyEnded(leaseId, span.end);
        uint32 earliest = span.first > current ? span.first : current + 1;
        if (endSlot < earliest || endSlot >= span.end) revert LeaseEndOutside(leaseId, endSlot, earliest, span.end);
        if (_endAsked[leaseId][other] == endSlot) {
            span.end = endSlot;
            emit LeaseEnded(leaseId, endSlot);
        } else {
            _endAsked[leaseId][party] = endSlot;
            emit LeaseEndAsked(leaseId, party, endSlot);
        }
    }

    // ---- views ----

    /// @inheritdoc ICapacityLease
    function lease(uint32 leaseId) external view returns (Lease memory) {
        if (leaseId == 0 || leaseId > leaseCount) revert LeaseUnknown(leaseId);
        return _leases[leaseId];
    }

    /// @inheritdoc ICapacityLease
    function leaseEnd(uint32 leaseId) external view returns (uint32) {
        if (leaseId == 0 || leaseId > leaseCount) revert LeaseUnknown(leaseId);
        return _spans[leaseId].end;
    }

    /// @inheritdoc ICapacityLease
    function offerTerms(uint32 offerId) external view returns (OfferTerms memory, bool) {
        OfferRecord storage record = _requireOffer(offerId);
        return (record.terms, record.withdrawn);
    }

    /// @inheritdoc ICapacityLease
    function liveLeases(uint32 offerId) public view returns (uint32[] memory) {
        uint32[] memory ids = _offers[offerId].live;
        uint256 current = Calendar.slotAt(block.timestamp);
        bool[] memory keep = new bool[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) keep[i] = _spans[ids[i]].end > current;
        return _kept(ids, keep);
    }

    /// @inheritdoc ICapacityLease
    function liveOffers(uint32 stationId) public view returns (uint32[] memory) {
        uint32[] memory ids = _liveOffers[stationId];
        bool[] memory keep = new bool[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) keep[i] = _counts(ids[i]);
        return _kept(ids, keep);
    }

    /// @inheritdoc ICapacityLease
    function leasedAt(uint32 offerId, uint32 slot) external view returns (uint256, uint256) {
        OfferRecord storage record = _requireOffer(offerId);
        return Peak.taken(_leaseParts(record.terms, record.live, slot, uint256(slot) + 1), slot);
    }

    /// @inheritdoc ICapacityLease
    function offeredAt(uint32 stationId, uint32 slot) external view returns (uint256, uint256) {
        return Peak.taken(_offerParts(liveOffers(stationId), slot, uint256(slot) + 1), slot);
    }

    /// @inheritdoc ICapacityLease
    function leasable(uint32 stationId) external view returns (uint64 powerW, uint64 energyWh) {
        (StationSpec memory spec,) = registry.station(stationId);
        return _leasable(stationId, spec);
    }

    /// @inheritdoc ICapacityLease
    function ownNeed(uint32 stationId) external view returns (uint64, uint64) {
        Need storage need = _ownNeeds[stationId];
        return (need.powerW, need.energyWh);
    }

    // ---- rules: never more than there is ----

    function _requireRoomInStation(OfferTerms calldata terms, StationSpec memory spec) private view {
        uint32 stationId = terms.stationId;
        uint32[] memory live = _liveOffers[stationId];
        if (live.length == LIVE_OFFERS_LIMIT) revert StationOffersFull(stationId, LIVE_OFFERS_LIMIT);
        Peak.Part memory asked =
            Peak.Part({window: terms.windowOf(), powerW: terms.powerW, energyWh: terms.energyWh});
        if (asked.window.nextHeld(asked.window.first) >= asked.window.end) {
            revert OfferTermEmpty(terms.firstSlot, terms.termSlots);
        }
        Peak.Part memory room;
        (uint64 powerW, uint64 energyWh) = _leasable(stationId, spec);
        (room.powerW, room.energyWh) = (powerW, energyWh);
        Peak.Excess memory worst =
            Peak.find(asked, _offerParts(live, asked.window.first, asked.window.end), room);
        uint32 slot = uint32(worst.slot);
        if (worst.inPower) revert StationPowerOversold(stationId, slot, powerW, worst.takenW, terms.powerW);
        if (worst.inEnergy) revert StationEnergyOversold(stationId, slot, energyWh, worst.takenWh, terms.energyWh);
    }

    function _requireRoomInOffer(Lease memory made, OfferTerms memory terms, uint32[] memory live) private view {
        Peak.Part memory asked;
        asked.window = terms.windowOver(made.firstSlot, uint256(made.firstSlot) + made.termSlots);
        (asked.powerW, asked.energyWh) = (made.powerW, made.energyWh);
        Peak.Part memory room;
        (room.powerW, room.energyWh) = (terms.powerW, terms.energyWh);
        Peak.Excess memory worst =
            Peak.find(asked, _leaseParts(terms, live, asked.window.first, asked.window.end), room);
        uint32 slot = uint32(worst.slot);
        if (worst.inPower) revert LeasePowerOversold(made.offerId, slot, terms.powerW, worst.takenW, made.powerW);
        if (worst.inEnergy) {
            revert LeaseEnergyOversold(made.offerId, slot, terms.energyWh, worst.takenWh, made.energyWh);
        }
    }

    /// @dev The leases whose term meets [first, end), as parts.
    function _leaseParts(OfferTerms memory terms, uint32[] memory ids, uint256 first, uint256 end)
        private
        view
        returns (Peak.Part[] memory parts)
    {
        bool[] memory meets = new bool[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) meets[i] = _spans[ids[i]].end > first && _spans[ids[i]].first < end;
        ids = _kept(ids, meets);
        parts = new Peak.Part[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            Span memory span = _spans[ids[i]];
            parts[i].window = terms.windowOver(span.first, span.end);
            (parts[i].powerW, parts[i].energyWh) = (span.powerW, span.energyWh);
        }
    }

    /// @dev The offers whose term meets [first, end), as parts.
    function _offerParts(uint32[] memory ids, uint256 first, uint256 end)
        private
        view
        returns (Peak.Part[] memory parts)
    {
        bool[] memory meets = new bool[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            OfferTerms storage terms = _offers[ids[i]].terms;
            meets[i] = uint256(terms.firstSlot) + terms.termSlots > first && terms.firstSlot < end;
        }
        ids = _kept(ids, meets);
        parts = new Peak.Part[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            OfferTerms memory terms = _offers[ids[i]].terms;
            parts[i] = Peak.Part({window: terms.windowOf(), powerW: terms.powerW, energyWh: terms.energyWh});
        }
    }

    /// @dev An offer counts until its term is over or, withdrawn, until its last lease is over.
    function _counts(uint32 offerId) private view returns (bool) {
        OfferRecord storage record = _offers[offerId];
        uint256 end = uint256(record.terms.firstSlot) + record.terms.termSlots;
        if (end <= Calendar.slotAt(block.timestamp)) return false;
        return !record.withdrawn || liveLeases(offerId).length > 0;
    }

    function _leasable(uint32 stationId, StationSpec memory spec) private view returns (uint64, uint64) {
        Need memory need = _ownNeeds[stationId];
        return (Ratings.leasablePowerW(spec) - need.powerW, spec.capacityWh - need.energyWh);
    }

    function _kept(uint32[] memory ids, bool[] memory keep) private pure returns (uint32[] memory kept) {
        uint256 count = 0;
        for (uint256 i = 0; i < ids.length; ++i) if (keep[i]) ++count;
        if (count == ids.length) return ids;
        kept = new uint32[](count);
        count = 0;
        for (uint256 i = 0; i < ids.length; ++i) if (keep[i]) kept[count++] = ids[i];
    }

    // ---- rules: who and when ----

    function _requireTerm(Lease memory made, OfferTerms memory terms) private view {
        if (made.powerW == 0 || made.energyWh == 0) revert LeaseNothing(made.powerW, made.energyWh);
        uint256 end = uint256(made.firstSlot) + made.termSlots;
        uint32 offerEnd = terms.firstSlot + terms.termSlots;
        uint32 current = Calendar.slotAt(block.timestamp);
        uint32 earliest = terms.firstSlot > current ? terms.firstSlot : current + 1;
        if (made.firstSlot < earliest || end > offerEnd) {
            revert LeaseOutsideOffer(made.offerId, made.firstSlot, end, earliest, offerEnd);
        }
        Windows.Window memory window = terms.windowOver(made.firstSlot, end);
        if (window.nextHeld(window.first) >= window.end) {
            revert LeaseWindowEmpty(made.offerId, made.firstSlot, made.termSlots);
        }
    }

    function _parties(uint32 offerId, uint32 stationId) private view returns (uint32 ownerId, uint32 lesseeId) {
        (, address owner) = registry.station(stationId);
        _requireAdmitted(owner);
        _requireAdmitted(msg.sender);
        (ownerId, lesseeId) = (registry.memberNumber(owner), registry.memberNumber(msg.sender));
        if (ownerId == lesseeId) revert LeaseToSelf(offerId, lesseeId);
    }

    function _requireParty(uint32 leaseId) private view returns (uint32 party, uint32 other) {
        if (leaseId == 0 || leaseId > leaseCount) revert LeaseUnknown(leaseId);
        party = registry.memberNumber(msg.sender);
        (uint32 ownerId, uint32 lesseeId) = (_leases[leaseId].ownerId, _leases[leaseId].lesseeId);
        if (party != ownerId && party != lesseeId) revert LeaseNotParty(leaseId, msg.sender);
        other = party == ownerId ? lesseeId : ownerId;
    }

    function _requireOffer(uint32 offerId) private view returns (OfferRecord storage) {
        if (offerId == 0 || offerId > offerCount) revert OfferUnknown(offerId);
        return _offers[offerId];
    }

    function _requireOwner(uint32 stationId) private view returns (StationSpec memory spec) {
        address owner;
        (spec, owner) = registry.station(stationId);
        if (msg.sender != owner) revert LeaseNotOwner(stationId, owner, msg.sender);
    }

    function _requireAdmitted(address account) private view {
        if (registry.memberStatus(account) != MemberStatus.Admitted) revert LeaseNotAdmitted(account);
    }

    function _requireRunning() private view {
        uint48 until = registry.pausedUntil();
        if (block.timestamp < until) revert LeasesPaused(until);
    }
}
