// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LineBench} from "./base/LineBench.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IPlanCourt} from "./interfaces/IPlanCourt.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {LineRules} from "./libraries/LineRules.sol";
import {Money} from "./libraries/Money.sol";
import {Rows} from "./libraries/Rows.sol";
import {Leaf, LEASE_END, LEASE_RENT, LEASE_WEAR, LINE, LineLeaf, PLATFORM_FEE, RowProof} from "./types/Leaf.sol";
import {Lease} from "./types/Lease.sol";

/// @title The court's bench for what was planned and leased, and for lines that join nobody (protocol 8.9.4)
contract PlanCourt is LineBench, IPlanCourt {
    constructor(IAllianceRegistry registry_) LineBench(registry_) {}

    /// @inheritdoc IPlanCourt
    function disputePlan(
        uint32 number,
        uint256 place,
        Leaf[] calldata leaves,
        RowProof calldata row,
        RowProof calldata price
    ) external returns (int256) {
        Suit memory suit = _suit(number, place, leaves);
        if (!_isPlan(suit.line.kind)) revert LeafNotJudged(LINE, suit.line.kind);
        return _decide(suit, _planned(suit, row, price));
    }

    /// @inheritdoc IPlanCourt
    function disputeRent(uint32 number, uint256 place, Leaf[] calldata leaves) external returns (int256) {
        Suit memory suit = _suit(number, place, leaves);
        if (suit.line.kind != LEASE_RENT) revert LeafNotJudged(LINE, suit.line.kind);
        uint32 slot = uint32(Calendar.firstSlotOf(number) + suit.line.slot);
        uint32 lease = suit.line.subject;
        uint256 rent = leases.rentUntil(lease, slot + 1) - leases.rentUntil(lease, slot);
        return _decide(suit, -int256(rent));
    }

    /// @inheritdoc IPlanCourt
    function disputeWear(uint32 number, uint256 place, Leaf[] calldata leaves, RowProof calldata row)
        external
        returns (int256)
    {
        Suit memory suit = _suit(number, place, leaves);
        LineLeaf memory x = suit.line;
        if (x.kind != LEASE_WEAR) revert LeafNotJudged(LINE, x.kind);
        Lease memory lease = leases.lease(x.subject);
        _requireNamed(
            suit,
            bytes.concat(
                LineRules.leaseRow(x.subject, lease.version),
                LineRules.scheduleRow(row.document, lease.stationId, x.slot)
            )
        );
        int256 plannedWh = _plannedWh(_log(suit.day), suit, row, lease.stationId);
        return _decide(suit, LineRules.wear(plannedWh, lease.wearPrice));
    }

    /// @inheritdoc IPlanCourt
    function disputeEnd(uint32 number, uint256 place, Leaf[] calldata leaves) external returns (int256) {
        Suit memory suit = _suit(number, place, leaves);
        if (suit.line.kind != LEASE_END) revert LeafNotJudged(LINE, suit.line.kind);
        if (_isStray(number, suit.line)) revert LeafStray(suit.version, suit.index);
        return _decide(suit, -int256(uint256(leases.endOf(suit.line.subject).priceCents)));
    }

    /// @inheritdoc IPlanCourt
    function disputeFee(
        uint32 number,
        uint256 place,
        Leaf[] calldata leaves,
        RowProof calldata gain,
        RowProof calldata fee
    ) external returns (int256) {
        Suit memory suit = _suit(number, place, leaves);
        LineLeaf memory x = suit.line;
        if (x.kind != PLATFORM_FEE) revert LeafNotJudged(LINE, x.kind);
        _requireNamed(
            suit, bytes.concat(LineRules.gainRow(gain.document, x.account), LineRules.feeRow(fee.document))
        );
        Log memory log = _log(suit.day);
        _requireLogged(log, fee);
        int64 gainCents = 0;
        if (!Rows.absent(gain)) {
            _requireLogged(log, gain);
            gainCents = Rows.gain(gain.row, number, x.account);
        }
        return _decide(suit, LineRules.fee(gainCents, Rows.fee(fee.row)));
    }

    /// @inheritdoc IPlanCourt
    function disputeStray(uint32 number, uint256 place, Leaf[] calldata leaves) external returns (int256) {
        Suit memory suit = _read(number, place, leaves);
        if (!_isStray(number, suit.line)) revert LeafIsRight(suit.version, suit.index, suit.standing);
        return _decideAs(suit, 0, STRAY);
    }

    /// @dev A planned part at its planned price: λ for energy, ν of its PCC for the network.
    function _planned(Suit memory suit, RowProof calldata row, RowProof calldata price) private view returns (int64) {
        LineLeaf memory x = suit.line;
        uint32 station = _stationOf(x);
        Log memory log = _log(suit.day);
        _requireNamed(
            suit,
            bytes.concat(
                LineRules.scheduleRow(row.document, station, x.slot),
                LineRules.priceRow(price.document, x.group, x.slot)
            )
        );
        int256 plannedWh = _plannedWh(log, suit, row, station);
        _requireLoggedWith(log, price, row);
        (int64 poolPrice, int64 adder) = Rows.price(price.row, suit.day.number, x.slot, x.group, station);
        return Money.energyCents(plannedWh, _isEnergy(x.kind) ? poolPrice : adder);
    }
}
