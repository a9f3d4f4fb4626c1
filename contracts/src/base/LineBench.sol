// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IAllianceRegistry} from "../interfaces/IAllianceRegistry.sol";
import {ICapacityLease} from "../interfaces/ICapacityLease.sol";
import {Calendar} from "../libraries/Calendar.sol";
import {Leaves} from "../libraries/Leaves.sol";
import {Money} from "../libraries/Money.sol";
import {Rows} from "../libraries/Rows.sol";
import {Standing} from "../libraries/Standing.sol";
import {CAPACITY_LEASE} from "../types/Contracts.sol";
import {
    DAY_SLOT,
    ENERGY_DEVIATION,
    ENERGY_PLAN,
    GRID_ENERGY,
    GRID_NETWORK,
    Leaf,
    LEASE_END,
    LEASE_ENERGY,
    LEASE_NETWORK,
    LINE,
    LineLeaf,
    NETWORK_PLAN,
    PLATFORM_FEE,
    POOL_SHARE,
    RowProof
} from "../types/Leaf.sol";
import {Lease, LeaseEnd} from "../types/Lease.sol";
import {GRID_ACCOUNT, PLATFORM_ACCOUNT, POOL_ACCOUNT} from "../types/Statement.sol";
import {Bench} from "./Bench.sol";

/// @title What the benches for lines share: a line as it stands, who its parties must be, and the difference moved (protocol 8.9.4)
abstract contract LineBench is Bench {
    using Leaves for Leaf;
    using Standing for Standing.Day;

    /// @dev A line as it stands: its newest leaf, and what all versions and the court have given its account so far.
    struct Suit {
        Standing.Day day;
        uint256 place;
        uint16 version;
        uint32 index;
        LineLeaf line;
        int256 standing;
        bool stray; // judged to join nobody
    }

    uint16 internal constant STRAY = type(uint16).max; // the version of a judgement that a line joins nobody

    ICapacityLease public immutable leases;

    constructor(IAllianceRegistry registry_) Bench(registry_) {
        (address listed,) = registry_.contractAt(CAPACITY_LEASE, 1);
        leases = ICapacityLease(listed);
    }

    /// @dev A line that may be judged by its amount: not one that was found to join nobody.
    function _suit(uint32 number, uint256 place, Leaf[] calldata leaves) internal view returns (Suit memory suit) {
        suit = _read(number, place, leaves);
        if (suit.stray) revert LeafStray(suit.version, suit.index);
    }

    function _read(uint32 number, uint256 place, Leaf[] calldata leaves) internal view returns (Suit memory suit) {
        (suit.day, suit.place) = (_open(number), place);
        uint256[] memory hits = suit.day.find(place, leaves);
        for (uint256 i = 0; i < hits.length; ++i) {
            suit.line = leaves[hits[i]].line();
            suit.standing += suit.line.amountCents;
        }
        Leaf calldata newest = leaves[hits[hits.length - 1]];
        (suit.version, suit.index) = (newest.version, newest.index);
        (uint16 judged, int64 moved,) = ledger.judgement(number, place);
        suit.standing += moved;
        suit.stray = judged == STRAY;
    }

    function _decide(Suit memory suit, int256 expected) internal returns (int256) {
        return _decideAs(suit, expected, suit.version);
    }

    /// @param judged The version up to which it is judged, or STRAY for good.
    function _decideAs(Suit memory suit, int256 expected, uint16 judged) internal returns (int256) {
        if (expected == suit.standing) revert LeafIsRight(suit.version, suit.index, expected);
        int64 moved = Money.toInt64(expected - suit.standing);
        emit DisputeUpheld(
            suit.day.number,
            suit.version,
            suit.index,
            LINE,
            Money.toInt64(expected),
            Money.toInt64(suit.standing),
            0,
            0,
            moved,
            msg.sender
        );
        ledger.overturn(suit.day.number, suit.place, judged, _poolOf(suit.line), moved);
        return expected;
    }

    /// @dev The group whose pool a line of a slot moves, before the shares; 0 for none.
    function _poolOf(LineLeaf memory x) internal pure returns (uint32) {
        return x.counterparty == POOL_ACCOUNT && x.slot < DAY_SLOT ? x.group : 0;
    }

    /// @dev What the owner or a lessee was to do: its own part of the station's row.
    function _plannedWh(Log memory log, Suit memory suit, RowProof calldata row, uint32 station)
        internal
        view
        returns (int256 plannedWh)
    {
        if (Rows.absent(row)) return 0;
        _requireLogged(log, row);
        LineLeaf memory x = suit.line;
        (int64 netWh, bytes calldata list) = Rows.plan(row.row, suit.day.number, x.slot, station);
        uint32 mine = x.kind >= LEASE_ENERGY ? x.subject : 0;
        if (mine == 0) plannedWh = netWh;
        for (uint256 i = 0; i < Rows.lessees(list); ++i) {
            (uint32 lease, int64 partWh) = Rows.lessee(list, i);
            if (mine == lease) plannedWh += partWh;
            else if (mine == 0 && _runs(suit.day.number, x.slot, lease)) plannedWh -= partWh;
        }
    }

    function _requireNamed(Suit memory suit, bytes memory inputs) internal pure {
        bytes32 got = sha256(inputs);
        if (got != suit.line.evidence) revert EvidenceNotNamed(suit.line.evidence, got);
    }

    function _isPlan(uint8 kind) internal pure returns (bool) {
        return kind == ENERGY_PLAN || kind == NETWORK_PLAN || kind == LEASE_ENERGY || kind == LEASE_NETWORK;
    }

    function _isEnergy(uint8 kind) internal pure returns (bool) {
        return kind == ENERGY_PLAN || kind == ENERGY_DEVIATION || kind == LEASE_ENERGY;
    }

    function _stationOf(LineLeaf memory x) internal view returns (uint32) {
        return x.kind < LEASE_ENERGY ? x.subject : leases.lease(x.subject).stationId;
    }

    /// @dev Whether a line joins other accounts than its kind, station and lease do.
    function _isStray(uint32 number, LineLeaf memory x) internal view returns (bool) {
        bool ofDay = x.kind >= POOL_SHARE;
        if (x.kind == 0 || x.kind > LEASE_END || x.slot > DAY_SLOT || ofDay != (x.slot == DAY_SLOT)) return true;
        if (x.kind < LEASE_ENERGY) return x.counterparty != POOL_ACCOUNT || x.account != _owner(x.subject);
        if (x.kind == GRID_ENERGY || x.kind == GRID_NETWORK) {
            return x.account != GRID_ACCOUNT || x.counterparty != POOL_ACCOUNT;
        }
        if (x.kind == POOL_SHARE) return x.counterparty != POOL_ACCOUNT || x.account >= PLATFORM_ACCOUNT;
        if (x.kind == PLATFORM_FEE) return x.counterparty != PLATFORM_ACCOUNT || x.account >= PLATFORM_ACCOUNT;
        return _isStrayLease(number, x);
    }

    function _isStrayLease(uint32 number, LineLeaf memory x) internal view returns (bool) {
        if (x.subject == 0 || x.subject > leases.leaseCount()) return true;
        Lease memory lease = leases.lease(x.subject);
        if (x.kind == LEASE_END) return _isStrayEnd(number, x, lease);
        uint32 counterparty = x.kind <= LEASE_NETWORK ? POOL_ACCOUNT : lease.ownerId;
        if (x.account != lease.lesseeId || x.counterparty != counterparty) return true;
        return x.slot < DAY_SLOT && !_runs(number, x.slot, x.subject);
    }

    /// @dev Who ended a lease alone pays the other party, on the day of the slot at which it ends (protocol 8.7.7).
    function _isStrayEnd(uint32 number, LineLeaf memory x, Lease memory lease) private view returns (bool) {
        LeaseEnd memory end = leases.endOf(x.subject);
        uint32 other = end.byMember == lease.ownerId ? lease.lesseeId : lease.ownerId;
        if (end.byMember == 0 || x.account != end.byMember || x.counterparty != other) return true;
        return end.endSlot < Calendar.firstSlotOf(number) || end.endSlot >= Calendar.firstSlotOf(number + 1);
    }

    function _owner(uint32 stationId) internal view returns (uint32) {
        if (stationId == 0 || stationId > registry.stationCount()) return 0;
        (, address owner) = registry.station(stationId);
        return registry.memberNumber(owner);
    }

    /// @dev Whether a lease holds in a slot of a day.
    function _runs(uint32 number, uint8 slot, uint32 leaseId) internal view returns (bool) {
        return leases.holdsIn(leaseId, uint32(Calendar.firstSlotOf(number) + slot));
    }
}
