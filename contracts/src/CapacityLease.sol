// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {ICapacityLease} from "./interfaces/ICapacityLease.sol";
import {ICharter} from "./interfaces/ICharter.sol";
import {LeaseRules} from "./libraries/LeaseRules.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {LeaseTerms} from "./libraries/LeaseTerms.sol";
import {Peak} from "./libraries/Peak.sol";
import {Ratings} from "./libraries/Ratings.sol";
import {Windows} from "./libraries/Windows.sol";
import {CHARTER} from "./types/Contracts.sol";
import {Lease, LeaseEnd, OfferTerms} from "./types/Lease.sol";
import {ADMIN} from "./types/Roles.sol";
import {MemberStatus, StationSpec} from "./types/Station.sol";

/// @title Offers and leases of shared capacity (protocol 7)
contract CapacityLease is ICapacityLease {
    using LeaseTerms for Lease;
    using LeaseTerms for OfferTerms;
    using Windows for Windows.Window;

    uint256 public constant LIVE_LEASES_LIMIT = 64; // an offer
    uint256 public constant LIVE_OFFERS_LIMIT = 16; // a station
    uint256 public constant MEMBER_LEASES_LIMIT = 128; // live ones of a member, as owner or lessee
    uint256 private constant FULL_BP = 10_000;

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
    mapping(uint32 leaseId => LeaseEnd) private _ends; // of those ended early
    mapping(uint32 leaseId => mapping(uint32 memberId => bytes32)) private _asked; // hash of what a party asked for last
    mapping(uint32 memberId => uint32[]) private _liveOf;
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
    function offer(OfferTerms memory terms) external returns (uint32 offerId) {
        _requireRunning();
        _requireAdmitted(msg.sender);
        _requireNoSublet(terms.stationId);
        StationSpec memory spec = _requireOwner(terms.stationId);
        if (registry.safetyAgreement(terms.stationId) == 0) revert OfferWithoutSafety(terms.stationId);
        LeaseRules.requireOffer(terms, Calendar.slotAt(block.timestamp));
        uint256 offerableBp = ICharter(registry.newestContract(CHARTER)).requireOffer(spec.stationType, terms);
        _liveOffers[terms.stationId] = liveOffers(terms.stationId);
        _requireRoomInStation(terms, spec, offerableBp);
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
        OfferTerms memory terms = _termsOf(offerId);
        Lease memory made = terms.leaseOf(offerId, powerW, energyWh, firstSlot, termSlots);
        (made.ownerId, made.lesseeId) = _parties(offerId, terms.stationId);
        return _begin(made, terms);
    }

    /// @inheritdoc ICapacityLease
    function amend(uint32 leaseId, uint64 powerW, uint64 energyWh, uint32 firstSlot, uint32 termSlots)
        external
        returns (uint32 nextId)
    {
        _requireRunning();
        _requireEnd(leaseId, firstSlot);
        if (!_agreed(leaseId, keccak256(abi.encode(powerW, energyWh, firstSlot, termSlots)))) {
            emit AmendmentAsked(leaseId, registry.memberNumber(msg.sender), powerW, energyWh, firstSlot, termSlots);
            return 0;
        }
        Lease memory before = _leaseOf(leaseId);
        _requireAdmitted(registry.memberAddress(before.ownerId));
        _requireAdmitted(registry.memberAddress(before.lesseeId));
        OfferTerms memory terms = _termsOf(before.offerId);
        Lease memory made = terms.leaseOf(before.offerId, powerW, energyWh, firstSlot, termSlots);
        (made.ownerId, made.lesseeId, made.version) = (before.ownerId, before.lesseeId, before.version + 1);
        _end(leaseId, firstSlot, 0, 0);
        nextId = _begin(made, terms);
        emit LeaseAmended(leaseId, nextId);
    }

    /// @inheritdoc ICapacityLease
    function endEarly(uint32 leaseId, uint32 endSlot) external {
        _requireEnd(leaseId, endSlot);
        if (registry.hasRole(ADMIN, msg.sender) || _agreed(leaseId, bytes32(uint256(endSlot)))) {
            return _end(leaseId, endSlot, 0, 0);
        }
        emit LeaseEndAsked(leaseId, registry.memberNumber(msg.sender), endSlot);
    }

    /// @inheritdoc ICapacityLease
    function endAlone(uint32 leaseId, uint32 endSlot) external returns (uint64 priceCents) {
        _requireEnd(leaseId, endSlot);
        (uint32 party,) = _requireParty(leaseId);
        Lease memory made = _leaseOf(leaseId);
        OfferTerms memory terms = _termsOf(made.offerId);
        if (terms.endNoticeSlots == 0) revert LeaseNotEndable(leaseId);
        uint256 earliest = uint256(Calendar.slotAt(block.timestamp)) + terms.endNoticeSlots;
        if (endSlot < earliest) revert LeaseNoticeTooShort(leaseId, endSlot, earliest);
        priceCents = terms.endPriceCents(made, endSlot);
        _end(leaseId, endSlot, party, priceCents);
    }

    // ---- views ----

    /// @inheritdoc ICapacityLease
    function lease(uint32 leaseId) external view returns (Lease memory) {
        if (leaseId == 0 || leaseId > leaseCount) revert LeaseUnknown(leaseId);
        return _leaseOf(leaseId);
    }

    /// @inheritdoc ICapacityLease
    function rentUntil(uint32 leaseId, uint32 slot) external view returns (uint64) {
        Lease memory made = _leaseOf(leaseId);
        if (made.offerId == 0) revert LeaseUnknown(leaseId);
        return made.rentUntil(slot);
    }

    /// @inheritdoc ICapacityLease
    function holdsIn(uint32 leaseId, uint32 slot) external view returns (bool) {
        Lease memory made = _leaseOf(leaseId);
        return made.offerId != 0 && made.heldBy(_spans[leaseId].end).holds(slot);
    }

    /// @inheritdoc ICapacityLease
    function leaseEnd(uint32 leaseId) external view returns (uint32) {
        if (leaseId == 0 || leaseId > leaseCount) revert LeaseUnknown(leaseId);
        return _spans[leaseId].end;
    }

    /// @inheritdoc ICapacityLease
    function endOf(uint32 leaseId) external view returns (LeaseEnd memory end) {
        if (leaseId == 0 || leaseId > leaseCount) revert LeaseUnknown(leaseId);
        end = _ends[leaseId];
        end.endSlot = _spans[leaseId].end;
    }

    /// @inheritdoc ICapacityLease
    function liveLeaseOf(uint32 memberId) external view returns (uint32) {
        uint32[] memory ids = _running(_liveOf[memberId]);
        return ids.length == 0 ? 0 : ids[0];
    }

    /// @inheritdoc ICapacityLease
    function requireFits(uint32 stationId, StationSpec calldata spec) external view {
        Need memory need = _ownNeeds[stationId];
        uint64 powerW = Ratings.leasablePowerW(spec);
        if (need.powerW > powerW || need.energyWh > spec.capacityWh) {
            revert OwnNeedTooLarge(stationId, need.powerW, need.energyWh);
        }
        Peak.Part memory room;
        (room.powerW, room.energyWh) = (powerW - need.powerW, spec.capacityWh - need.energyWh);
        LeaseRules.requireFits(stationId, _offerParts(liveOffers(stationId), 0, type(uint64).max), room);
    }

    /// @inheritdoc ICapacityLease
    function offerTerms(uint32 offerId) external view returns (OfferTerms memory, bool) {
        OfferRecord storage record = _requireOffer(offerId);
        return (_termsOf(offerId), record.withdrawn);
    }

    /// @inheritdoc ICapacityLease
    function liveLeases(uint32 offerId) public view returns (uint32[] memory) {
        return _running(_offers[offerId].live);
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
        return Peak.taken(_leaseParts(_termsOf(offerId), record.live, slot, uint256(slot) + 1), slot);
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

    function _requireRoomInStation(OfferTerms memory terms, StationSpec memory spec, uint256 offerableBp) private view {
        uint32 stationId = terms.stationId;
        uint32[] memory live = _liveOffers[stationId];
        if (live.length == LIVE_OFFERS_LIMIT) revert StationOffersFull(stationId, LIVE_OFFERS_LIMIT);
        Peak.Part memory asked =
            Peak.Part({window: terms.windowOf(), powerW: terms.powerW, energyWh: terms.energyWh});
        Peak.Part memory room;
        (uint64 powerW, uint64 energyWh) = _leasable(stationId, spec);
        (room.powerW, room.energyWh) = (powerW * offerableBp / FULL_BP, energyWh * offerableBp / FULL_BP);
        LeaseRules.requireRoomInStation(
            stationId, asked, _offerParts(live, asked.window.first, asked.window.end), room
        );
    }

    function _requireRoomInOffer(Lease memory made, OfferTerms memory terms, uint32[] memory live) private view {
        Peak.Part memory asked;
        asked.window = terms.windowOver(made.firstSlot, uint256(made.firstSlot) + made.termSlots);
        (asked.powerW, asked.energyWh) = (made.powerW, made.energyWh);
        Peak.Part memory room;
        (room.powerW, room.energyWh) = (terms.powerW, terms.energyWh);
        LeaseRules.requireRoomInOffer(
            made.offerId, asked, _leaseParts(terms, live, asked.window.first, asked.window.end), room
        );
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
            OfferTerms memory terms = _termsOf(ids[i]);
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

    function _termsOf(uint32 offerId) private view returns (OfferTerms memory) {
        return _offers[offerId].terms;
    }

    function _leaseOf(uint32 leaseId) private view returns (Lease memory) {
        return _leases[leaseId];
    }

    function _leasable(uint32 stationId, StationSpec memory spec) private view returns (uint64, uint64) {
        Need memory need = _ownNeeds[stationId];
        return (Ratings.leasablePowerW(spec) - need.powerW, spec.capacityWh - need.energyWh);
    }

    /// @dev The leases that are not over.
    function _running(uint32[] memory ids) private view returns (uint32[] memory) {
        uint256 current = Calendar.slotAt(block.timestamp);
        bool[] memory keep = new bool[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) keep[i] = _spans[ids[i]].end > current;
        return _kept(ids, keep);
    }

    function _kept(uint32[] memory ids, bool[] memory keep) private pure returns (uint32[] memory kept) {
        uint256 count = 0;
        for (uint256 i = 0; i < ids.length; ++i) if (keep[i]) ++count;
        if (count == ids.length) return ids;
        kept = new uint32[](count);
        count = 0;
        for (uint256 i = 0; i < ids.length; ++i) if (keep[i]) kept[count++] = ids[i];
    }

    // ---- rules: beginning and end ----

    /// @dev Record a lease that fits its offer.
    function _begin(Lease memory made, OfferTerms memory terms) private returns (uint32 leaseId) {
        LeaseRules.requireTerm(made, terms, Calendar.slotAt(block.timestamp));
        _requireOnRoster(made.ownerId, made.firstSlot);
        _requireOnRoster(made.lesseeId, made.firstSlot);
        uint32[] storage live = _offers[made.offerId].live;
        _renew(live);
        if (live.length == LIVE_LEASES_LIMIT) revert OfferFull(made.offerId, LIVE_LEASES_LIMIT);
        _requireRoomInOffer(made, terms, live);
        leaseId = ++leaseCount;
        _leases[leaseId] = made;
        _spans[leaseId] = Span({
            first: made.firstSlot,
            end: made.firstSlot + made.termSlots,
            powerW: made.powerW,
            energyWh: made.energyWh
        });
        live.push(leaseId);
        _bind(made.ownerId, leaseId);
        _bind(made.lesseeId, leaseId);
        emit Leased(leaseId, made.offerId, made);
    }

    function _end(uint32 leaseId, uint32 endSlot, uint32 byMember, uint64 priceCents) private {
        _spans[leaseId].end = endSlot;
        _ends[leaseId] = LeaseEnd({endSlot: endSlot, byMember: byMember, priceCents: priceCents});
        emit LeaseEnded(leaseId, endSlot, byMember, priceCents);
    }

    /// @dev A member is bound by a lease until it is over.
    function _bind(uint32 memberId, uint32 leaseId) private {
        uint32[] storage live = _liveOf[memberId];
        _renew(live);
        if (live.length == MEMBER_LEASES_LIMIT) revert MemberLeasesFull(memberId, MEMBER_LEASES_LIMIT);
        live.push(leaseId);
    }

    /// @dev Take out of a list the leases that are over; the others keep their order.
    function _renew(uint32[] storage ids) private {
        uint256 current = Calendar.slotAt(block.timestamp);
        uint256 kept = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_spans[ids[i]].end <= current) continue;
            if (kept != i) ids[kept] = ids[i];
            ++kept;
        }
        while (ids.length > kept) ids.pop();
    }

    /// @dev Whether both parties now ask for the same; what the caller asks is kept until then.
    function _agreed(uint32 leaseId, bytes32 asked) private returns (bool) {
        (uint32 party, uint32 other) = _requireParty(leaseId);
        _asked[leaseId][party] = asked;
        return _asked[leaseId][other] == asked;
    }

    /// @dev A lease that is not over may end where it starts, or at the next slot, and before its term does.
    function _requireEnd(uint32 leaseId, uint32 endSlot) private view {
        if (leaseId == 0 || leaseId > leaseCount) revert LeaseUnknown(leaseId);
        Span memory span = _spans[leaseId];
        uint32 current = Calendar.slotAt(block.timestamp);
        if (span.end <= current) revert LeaseAlreadyEnded(leaseId, span.end);
        uint32 earliest = span.first > current ? span.first : current + 1;
        if (endSlot < earliest || endSlot >= span.end) revert LeaseEndOutside(leaseId, endSlot, earliest, span.end);
    }

    // ---- rules: who and when ----

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

    /// @dev A lessee that offers its lessor's station is told what it tries.
    function _requireNoSublet(uint32 stationId) private view {
        uint32 memberId = registry.memberNumber(msg.sender);
        uint32[] memory ids = _running(_liveOf[memberId]);
        for (uint256 i = 0; i < ids.length; ++i) {
            Lease storage made = _leases[ids[i]];
            if (made.stationId == stationId && made.lesseeId == memberId) revert LeaseSublet(ids[i], memberId);
        }
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

    /// @dev A day that a lease touches has both parties on its roster, or it could not be settled.
    function _requireOnRoster(uint32 memberId, uint32 firstSlot) private view {
        uint256 earliest = Calendar.firstSlotOf(registry.onRosterFrom(memberId));
        if (firstSlot < earliest) revert LeaseBeforeRoster(memberId, firstSlot, earliest);
    }

    function _requireRunning() private view {
        uint48 until = registry.pausedUntil();
        if (block.timestamp < until) revert LeasesPaused(until);
    }
}
