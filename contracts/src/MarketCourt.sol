// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LineBench} from "./base/LineBench.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IMarketCourt} from "./interfaces/IMarketCourt.sol";
import {Booking} from "./libraries/Booking.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {Leaves} from "./libraries/Leaves.sol";
import {LineRules} from "./libraries/LineRules.sol";
import {Money} from "./libraries/Money.sol";
import {Rows} from "./libraries/Rows.sol";
import {Standing} from "./libraries/Standing.sol";
import {
    DAY_SLOT,
    ENERGY_DEVIATION,
    GRID_ENERGY,
    GRID_NETWORK,
    Leaf,
    LINE,
    LineLeaf,
    Metered,
    NETWORK_DEVIATION,
    POOL_SHARE,
    PoolEdge,
    RowProof,
    SLOT_TOTAL,
    SlotTotalLeaf
} from "./types/Leaf.sol";
import {POOL_ACCOUNT} from "./types/Statement.sol";

/// @title The court's bench for what the meters made of the market: deviations, the grid, the pool (protocol 8.9.4)
contract MarketCourt is LineBench, IMarketCourt {
    using Leaves for Leaf;
    using Standing for Standing.Day;

    /// @dev A meter's and its group's slot, and the prices that they reveal.
    struct Market {
        int256 netWh;
        int256 poolNetWh;
        bool posted0; // whether the statement's own sums are balanced
        int256 price;
        int256 adder;
    }

    constructor(IAllianceRegistry registry_) LineBench(registry_) {}

    /// @inheritdoc IMarketCourt
    function disputeMetered(uint32 number, uint256 place, Leaf[] calldata leaves, Metered calldata inputs)
        external
        returns (int256)
    {
        Suit memory suit = _suit(number, place, leaves);
        uint8 kind = suit.line.kind;
        if (!_deviates(kind) && !_isPlan(kind)) revert LeafNotJudged(LINE, kind);
        return _decide(suit, _metered(suit, inputs));
    }

    /// @inheritdoc IMarketCourt
    function disputeGrid(
        uint32 number,
        uint256 place,
        Leaf[] calldata leaves,
        Leaf[] calldata total,
        RowProof calldata tariff
    ) external returns (int256) {
        Suit memory suit = _suit(number, place, leaves);
        LineLeaf memory x = suit.line;
        if (x.kind != GRID_ENERGY && x.kind != GRID_NETWORK) revert LeafNotJudged(LINE, x.kind);
        _requireNamed(
            suit,
            bytes.concat(LineRules.slotTotal(x.group, x.slot), LineRules.tariffRow(tariff.document, x.slot))
        );
        (SlotTotalLeaf memory sums,) = _lastTotal(suit, total);
        (int256 buy, int256 sell, int256 network) = _tariff(_log(suit.day), suit, tariff, sums.count);
        int256 imports = sums.importsWh;
        int256 exports = sums.exportsWh;
        if (x.kind == GRID_NETWORK) return _decide(suit, Money.energyCents(imports < exports ? imports : exports, network));
        return _decide(suit, Money.energyCents(imports - exports, imports > exports ? buy : sell));
    }

    /// @inheritdoc IMarketCourt
    function disputeShare(
        uint32 number,
        uint256 place,
        Leaf[] calldata leaves,
        Leaf[] calldata weights,
        PoolEdge[] calldata pool
    ) external returns (int256) {
        Suit memory suit = _suit(number, place, leaves);
        LineLeaf memory x = suit.line;
        if (x.kind != POOL_SHARE) revert LeafNotJudged(LINE, x.kind);
        Leaf calldata leaf = suit.day.newest(Leaves.weightsPlace(x.group), weights);
        (uint32[] memory members, uint64[] memory weightsWh) = leaf.weights();
        uint256 position = 0;
        while (position < members.length && members[position] != x.account) ++position;
        if (position == members.length) revert LeafStray(suit.version, suit.index);
        return _decide(suit, Money.share(_poolBefore(suit.day, x.group, pool), position, weightsWh));
    }

    /// @dev A flow at the price that the meters revealed: the deviation, or a plan that has no price of its own.
    function _metered(Suit memory suit, Metered calldata inputs) private view returns (int64) {
        uint8 kind = suit.line.kind;
        uint32 station = _stationOf(suit.line);
        Log memory log = _log(suit.day);
        Market memory market = _market(log, suit, inputs, station);
        _requireMeteredNamed(suit, inputs, station, market);
        int256 energyWh = _deviates(kind)
            ? market.netWh - _plannedNetWh(log, suit, inputs.row, station)
            : _plannedWh(log, suit, inputs.row, station);
        return Money.energyCents(energyWh, _isEnergy(kind) ? market.price : market.adder);
    }

    function _deviates(uint8 kind) private pure returns (bool) {
        return kind == ENERGY_DEVIATION || kind == NETWORK_DEVIATION;
    }

    function _market(Log memory log, Suit memory suit, Metered calldata inputs, uint32 station)
        private
        view
        returns (Market memory market)
    {
        market.netWh = _quantityAt(suit.day, suit.line.slot, station, inputs.quantity);
        SlotTotalLeaf memory sums;
        (sums, market.posted0) = _lastTotal(suit, inputs.total);
        market.poolNetWh = int256(sums.importsWh) - sums.exportsWh;
        (int256 buy, int256 sell, int256 network) = _tariff(log, suit, inputs.tariff, sums.count);
        market.adder = LineRules.actualAdder(market.netWh, network);
        if (market.poolNetWh != 0) {
            market.price = LineRules.actualPrice(market.poolNetWh, buy, sell, network);
        } else if (Rows.absent(inputs.price)) {
            market.price = LineRules.middlePrice(buy, sell, network);
        } else {
            _requireLogged(log, inputs.price);
            (market.price,) = Rows.price(inputs.price.row, suit.day.number, suit.line.slot, suit.line.group, 0);
        }
    }

    /// @dev The line names the inputs; the price row only where its own sums are balanced and one stands. Where the court's sums
    /// are balanced and the statement's are not, the price row must be that of the schedule that binds the station.
    function _requireMeteredNamed(
        Suit memory suit,
        Metered calldata inputs,
        uint32 station,
        Market memory market
    ) private pure {
        bool deviates = _deviates(suit.line.kind);
        uint8 slot = suit.line.slot;
        bytes memory row = LineRules.scheduleRow(inputs.row.document, station, slot);
        bytes memory quantity = LineRules.quantity(station, slot);
        bytes memory named = bytes.concat(
            deviates ? quantity : row,
            deviates ? row : quantity,
            LineRules.slotTotal(suit.line.group, slot),
            LineRules.tariffRow(inputs.tariff.document, slot)
        );
        bool priced = !Rows.absent(inputs.price);
        if (priced && market.posted0) {
            named = bytes.concat(named, LineRules.priceRow(inputs.price.document, suit.line.group, slot));
        } else if (market.poolNetWh == 0 && !market.posted0) {
            if (!priced || inputs.price.document != inputs.row.document) revert RowMissing(Rows.PRICE);
        }
        _requireNamed(suit, named);
    }

    function _plannedNetWh(Log memory log, Suit memory suit, RowProof calldata row, uint32 station)
        private
        view
        returns (int256 netWh)
    {
        if (Rows.absent(row)) return 0;
        _requireLogged(log, row);
        (netWh,) = Rows.plan(row.row, suit.day.number, suit.line.slot, station);
    }

    function _tariff(Log memory log, Suit memory suit, RowProof calldata tariff, uint32 stations)
        private
        view
        returns (int256 buy, int256 sell, int256 network)
    {
        _requireLogged(log, tariff);
        (buy, sell, network) = Rows.tariff(tariff.row, Calendar.monthOf(suit.day.number), suit.line.slot);
        if (stations == 1) network = 0; // nothing can pass inside a group of one
    }

    /// @dev The sums of a line's group and slot as they stand. @return posted0 Whether they are balanced as posted.
    function _lastTotal(Suit memory suit, Leaf[] calldata leaves)
        private
        view
        returns (SlotTotalLeaf memory sums, bool posted0)
    {
        Leaf calldata first = leaves.length > 0 ? leaves[0] : _noLeaf(suit);
        uint32 last = first.kind == SLOT_TOTAL ? first.slotTotal().count - 1 : 0;
        uint256 place = Leaves.slotTotalPlace(suit.line.slot, suit.line.group, last);
        Leaf calldata leaf = suit.day.newest(place, leaves);
        sums = leaf.slotTotal();
        if (sums.position + 1 != sums.count) revert LeafOfAnotherPlace(place, leaf.place());
        posted0 = sums.importsWh == sums.exportsWh;
        (sums.importsWh, sums.exportsWh) = _sums(suit.day, place, leaf);
    }

    function _noLeaf(Suit memory suit) private pure returns (Leaf calldata) {
        revert LeafMissing(suit.day.number, suit.place);
    }

    /// @dev What a pool held before its shares, over all standing versions and the court's own decisions.
    function _poolBefore(Standing.Day memory day, uint32 group, PoolEdge[] calldata edges)
        private
        view
        returns (int256 cents)
    {
        if (edges.length != day.posted.length) revert LeavesWrongCount(day.posted.length, edges.length);
        for (uint256 i = 0; i < edges.length; ++i) {
            cents += _poolAt(day, uint16(day.first + i), group, edges[i]);
        }
        cents += ledger.poolMoves(day.number, group);
    }

    /// @dev The last balance of a pool's book before the day's slot: the entry on the left of the edge books a line of a slot, the
    /// one on its right does not.
    function _poolAt(Standing.Day memory day, uint16 version, uint32 group, PoolEdge calldata edge)
        private
        pure
        returns (int256 cents)
    {
        uint32 leafCount = day.version(version).leafCount;
        if (edge.left.length == 0) revert LeavesWrongCount(1, 0);
        Leaf calldata left = edge.left[0];
        uint256 leftPlace = day.prove(left);
        if (left.version != version) revert VersionNotStanding(day.number, left.version);
        bool leftIn = Booking.inBook(left, POOL_ACCOUNT, group);
        if (leftIn) {
            if (_slotOf(day, left, edge.leftLine) == DAY_SLOT) revert LeafOfAnotherPlace(0, leftPlace);
            cents = left.entry().balanceCents;
        } else if (leftPlace > Leaves.entryPlace(POOL_ACCOUNT, group, 0)) {
            revert LeafOfAnotherPlace(0, leftPlace);
        }
        if (left.index + 1 == leafCount) return cents;
        if (edge.right.length == 0) revert LeavesWrongCount(2, 1);
        Leaf calldata right = edge.right[0];
        uint256 rightPlace = day.prove(right);
        _requireSame(version, right.version, left.index + 1, right.index);
        if (Booking.inBook(right, POOL_ACCOUNT, group)) {
            if (_slotOf(day, right, edge.rightLine) != DAY_SLOT) revert LeafOfAnotherPlace(0, rightPlace);
        } else if (rightPlace < Leaves.entryPlace(POOL_ACCOUNT, group, 0)) {
            revert LeafOfAnotherPlace(0, rightPlace);
        }
    }

    /// @dev The slot of the line that an entry books.
    function _slotOf(Standing.Day memory day, Leaf calldata entry, Leaf[] calldata line) private pure returns (uint8) {
        if (line.length == 0) revert LeavesWrongCount(1, 0);
        day.prove(line[0]);
        _requireSame(entry.version, line[0].version, entry.entry().lineLeaf, line[0].index);
        return line[0].line().slot;
    }

    function _requireSame(uint16 wantVersion, uint16 gotVersion, uint32 wantIndex, uint32 gotIndex) private pure {
        if (wantVersion != gotVersion || wantIndex != gotIndex) revert LeavesNotNeighbours(wantIndex, gotIndex);
    }
}
