// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IAllianceRegistry} from "../interfaces/IAllianceRegistry.sol";
import {IAnchorLog} from "../interfaces/IAnchorLog.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {ISettlementLedger} from "../interfaces/ISettlementLedger.sol";
import {Leaves} from "../libraries/Leaves.sol";
import {MerkleLog} from "../libraries/MerkleLog.sol";
import {Rows} from "../libraries/Rows.sol";
import {Standing} from "../libraries/Standing.sol";
import {ANCHOR_LOG, SETTLEMENT_LEDGER} from "../types/Contracts.sol";
import {Leaf, RowProof, SlotTotalLeaf} from "../types/Leaf.sol";

/// @title What every bench of the court starts from: the open day, the leaves as they stand, the log (protocol 8.9.4)
/// @notice No bench keeps a state of its own about money: what was judged stands in the ledger.
abstract contract Bench is ICourt {
    using Leaves for Leaf;
    using Standing for Standing.Day;

    /// @dev The log as it is now, and how much of it the statement can have seen.
    struct Log {
        bytes32 root;
        uint48 size;
        uint48 limit;
    }

    IAllianceRegistry public immutable registry;
    ISettlementLedger public immutable ledger;

    constructor(IAllianceRegistry registry_) {
        registry = registry_;
        (address listed,) = registry_.contractAt(SETTLEMENT_LEDGER, 1);
        ledger = ISettlementLedger(listed);
    }

    function _open(uint32 number) internal view returns (Standing.Day memory day) {
        day.number = number;
        (day.first, day.last) = ledger.openDay(number);
        day.posted = new Standing.Posted[](uint256(day.last) - day.first + 1);
        for (uint256 i = 0; i < day.posted.length; ++i) {
            Standing.Posted memory posted = day.posted[i];
            (posted.root, posted.leafCount, posted.logSize) = ledger.leavesOf(number, uint16(day.first + i));
        }
    }

    /// @dev The energy of a proved quantity as it stands: judged, or as posted.
    function _netWh(Standing.Day memory day, uint256 place, Leaf calldata leaf) internal view returns (int64) {
        (uint16 version, int64 value,) = ledger.judgement(day.number, place);
        return version == leaf.version ? value : leaf.quantity().netWh;
    }

    function _sums(Standing.Day memory day, uint256 place, Leaf calldata leaf) internal view returns (int64, int64) {
        (uint16 version, int64 value, int64 exports) = ledger.judgement(day.number, place);
        if (version == leaf.version) return (value, exports);
        SlotTotalLeaf memory x = leaf.slotTotal();
        return (x.importsWh, x.exportsWh);
    }

    function _quantityAt(Standing.Day memory day, uint8 slot, uint32 station, Leaf[] calldata leaves)
        internal
        view
        returns (int64)
    {
        uint256 place = Leaves.quantityPlace(slot, station);
        return _netWh(day, place, day.newest(place, leaves));
    }

    function _log(Standing.Day memory day) internal view returns (Log memory log) {
        (log.root,, log.size,) = IAnchorLog(registry.newestContract(ANCHOR_LOG)).state();
        log.limit = day.posted[day.posted.length - 1].logSize;
    }

    /// @dev The row's document has these rows in the log: proved here, or (without a proof) kept since somebody proved it.
    function _requireLogged(Log memory log, RowProof calldata row) internal view {
        if (Rows.absent(row)) revert RowMissing(0);
        bytes32 root = Rows.root(row);
        if (row.entryProof.length > 0 || log.size == 1) {
            return _requireEntry(log, Rows.entry(row.document, root), row.entryIndex, row.entryProof);
        }
        (bool known, uint48 index) = ledger.rowsLogged(Rows.key(row.document, root));
        if (!known) revert InputNotLogged(log.root, root);
        if (index >= log.limit) revert InputTooLate(index, log.limit);
    }

    /// @dev The same, of a row whose document may be that of another row that is logged: then one entry proves both.
    function _requireLoggedWith(Log memory log, RowProof calldata row, RowProof calldata logged) internal view {
        if (row.document != logged.document || Rows.root(row) != Rows.root(logged)) return _requireLogged(log, row);
    }

    function _requireEntry(Log memory log, bytes memory entry, uint48 index, bytes32[] calldata proof) internal view {
        if (index >= log.limit) revert InputTooLate(index, log.limit);
        bytes32 root = MerkleLog.inclusionRoot(MerkleLog.leaf(entry), index, log.size, proof);
        if (root != log.root) revert InputNotLogged(log.root, root);
    }

}
