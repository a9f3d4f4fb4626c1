// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Bench} from "./base/Bench.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {IMeterCourt} from "./interfaces/IMeterCourt.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {Domain} from "./libraries/Domain.sol";
import {Leaves} from "./libraries/Leaves.sol";
import {Money} from "./libraries/Money.sol";
import {Readings} from "./libraries/Readings.sol";
import {Segments} from "./libraries/Segments.sol";
import {Signature} from "./libraries/Signature.sol";
import {Standing} from "./libraries/Standing.sol";
import {ANCHOR_LOG, DEVICE_REGISTRY} from "./types/Contracts.sol";
import {SignerRecord} from "./types/Device.sol";
import {ESTIMATED, Leaf, METERED, QUANTITY, QuantityLeaf, SlotTotalLeaf} from "./types/Leaf.sol";
import {Reading, ReadingProof, SegmentData} from "./types/Segment.sol";

/// @title The court's bench for energies: quantities and slot totals (protocol 8.9.4)
contract MeterCourt is Bench, IMeterCourt {
    using Leaves for Leaf;
    using Segments for SegmentData;
    using Standing for Standing.Day;

    constructor(IAllianceRegistry registry_) Bench(registry_) {}

    /// @inheritdoc IMeterCourt
    function disputeQuantity(
        uint32 number,
        uint256 place,
        Leaf[] calldata leaves,
        ReadingProof calldata from,
        ReadingProof calldata to
    ) external returns (int256) {
        Standing.Day memory day = _open(number);
        Leaf calldata leaf = day.newest(place, leaves);
        int64 expected = _expectedWh(day, leaf.quantity(), from, to);
        int64 got = _netWh(day, place, leaf);
        if (got == expected) revert LeafIsRight(leaf.version, leaf.index, expected);
        _judge(day, place, leaf, [expected, got, 0, 0]);
        return expected;
    }

    /// @inheritdoc IMeterCourt
    function disputeSlotTotal(
        uint32 number,
        uint256 place,
        Leaf[] calldata leaves,
        Leaf[] calldata before,
        Leaf[] calldata quantity
    ) external returns (int256) {
        Standing.Day memory day = _open(number);
        Leaf calldata leaf = day.newest(place, leaves);
        int64[4] memory values;
        (values[1], values[3]) = _sums(day, place, leaf);
        (values[0], values[2]) = _expectedSums(day, leaf.slotTotal(), before, quantity);
        if (values[0] == values[1] && values[2] == values[3]) revert LeafIsRight(leaf.version, leaf.index, values[0]);
        _judge(day, place, leaf, values);
        return values[0];
    }

    /// @param values Expected and got; exports expected and got.
    function _judge(Standing.Day memory day, uint256 place, Leaf calldata leaf, int64[4] memory values) private {
        emit DisputeUpheld(
            day.number,
            leaf.version,
            leaf.index,
            leaf.kind,
            values[0],
            values[1],
            values[2],
            values[3],
            0,
            msg.sender
        );
        ledger.judge(day.number, place, leaf.version, values[0], values[2]);
    }

    /// @dev What the registers of the two named readings advanced, or the slot's equal part of it.
    function _expectedWh(
        Standing.Day memory day,
        QuantityLeaf memory x,
        ReadingProof calldata from,
        ReadingProof calldata to
    ) private view returns (int64) {
        uint256 slot = Calendar.firstSlotOf(day.number) + x.slot;
        bool judged = x.status == METERED || x.status == ESTIMATED;
        if (!judged || slot < x.boundaryFrom || slot >= x.boundaryTo) revert LeafNotJudged(QUANTITY, x.status);
        int256 gone = _register(day, x, x.seqTo, to) - _register(day, x, x.seqFrom, from);
        return Money.equalPart(gone, slot - x.boundaryFrom, x.boundaryTo - x.boundaryFrom);
    }

    function _expectedSums(
        Standing.Day memory day,
        SlotTotalLeaf memory x,
        Leaf[] calldata before,
        Leaf[] calldata quantity
    ) private view returns (int64 imports, int64 exports) {
        (imports, exports) = _totalBefore(day, x, before);
        int256 netWh = _quantityAt(day, x.slot, x.station, quantity);
        if (netWh < 0) imports = Money.toInt64(imports - netWh);
        else exports = Money.toInt64(exports + netWh);
    }

    function _totalBefore(Standing.Day memory day, SlotTotalLeaf memory x, Leaf[] calldata before)
        private
        view
        returns (int64, int64)
    {
        if (x.position == 0) return (0, 0);
        uint256 place = Leaves.slotTotalPlace(x.slot, x.group, x.position - 1);
        return _sums(day, place, day.newest(place, before));
    }

    /// @dev Export less import of the reading that a quantity names, proved from the device's signature to the log.
    function _register(
        Standing.Day memory day,
        QuantityLeaf memory x,
        uint64 seq,
        ReadingProof calldata proof
    ) private view returns (int256) {
        Reading memory reading = Readings.decode(proof.reading);
        SegmentData calldata segment = proof.signed.segment;
        if (segment.device != x.device || reading.channel != x.channel || reading.seq != seq) {
            revert ReadingOfAnotherEdge(segment.device, reading.channel, reading.seq);
        }
        Readings.requireIn(segment, reading, proof.reading, proof.readingProof);
        bytes32 digest = segment.digest(Domain.separator(address(registry)));
        _requireSigner(segment.device, Signature.recover(digest, proof.signed.signature), proof.entryIndex);
        bytes memory entry = Segments.entry(digest, proof.signed.signature);
        _requireEntry(_log(day), entry, proof.entryIndex, proof.entryProof);
        return int256(uint256(reading.d)) - int256(uint256(reading.c));
    }

    /// @dev The key was confirmed for the device, whether it has lapsed since or not; not one whose readings are disputed, nor one
    /// that had been frozen before.
    function _requireSigner(address device, address signer, uint48 entryIndex) private view {
        SignerRecord memory record = IDeviceRegistry(registry.newestContract(DEVICE_REGISTRY)).signer(device, signer);
        (uint64 frozenAt, uint48 frozenSize) = IAnchorLog(registry.newestContract(ANCHOR_LOG)).frozen(device, signer);
        bool frozen = frozenAt != 0 && entryIndex >= frozenSize;
        if (record.confirmedAt == 0 || record.compromisedSince != 0 || frozen) revert SignerNotOfDevice(device, signer);
    }
}
