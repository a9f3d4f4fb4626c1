// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ICourt} from "../interfaces/ICourt.sol";
import {RowProof} from "../types/Leaf.sol";
import {MerkleLog} from "./MerkleLog.sol";

/// @title Rows of schedules and rule packs, and the log entry that fixes them (protocol 4.2)
library Rows {
    bytes5 private constant ENTRY_HEAD = 0x5341453107; // "SAE1", type 7 rows
    uint256 private constant SALT = 16;
    uint256 private constant LESSEE = 12;
    uint256 private constant PLAN_HEAD = 20;

    uint8 internal constant PLAN = 2;
    uint8 internal constant PRICE = 3;
    uint8 internal constant GAIN = 4;
    uint8 internal constant TARIFF = 6;
    uint8 internal constant FEE = 7;

    /// @notice Whether a proof says that there is no such row.
    function absent(RowProof calldata proof) internal pure returns (bool) {
        return proof.document == 0;
    }

    /// @notice Bytes of the entry under which a document has its rows in the log.
    function entry(bytes32 document, bytes32 rowsRoot) internal pure returns (bytes memory) {
        return abi.encodePacked(ENTRY_HEAD, document, rowsRoot);
    }

    /// @notice Under what a document's rows are kept once they were proved to stand in the log.
    function key(bytes32 document, bytes32 rowsRoot) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(document, rowsRoot));
    }

    /// @notice The root over its document's rows to which a row's proof leads.
    function root(RowProof calldata proof) internal view returns (bytes32) {
        return MerkleLog.inclusionRoot(MerkleLog.leaf(proof.row), proof.index, proof.size, proof.rowProof);
    }

    /// @notice What a station does in a slot. @param list The lessees' parts, read by `lessee`.
    function plan(bytes calldata row, uint32 day, uint8 slot, uint32 station)
        internal
        pure
        returns (int64 plannedNetWh, bytes calldata list)
    {
        _require(row, PLAN, PLAN_HEAD + SALT, false);
        if (_u32(row, 1) != day || uint8(row[5]) != slot || _u32(row, 6) != station) _elsewhere(row);
        uint256 count = uint16(bytes2(row[18:20]));
        if (row.length != PLAN_HEAD + count * LESSEE + SALT) revert ICourt.RowMalformed(PLAN, row.length);
        return (_i64(row, 10), row[PLAN_HEAD:PLAN_HEAD + count * LESSEE]);
    }

    /// @notice How many lessees' parts a plan has.
    function lessees(bytes calldata list) internal pure returns (uint256) {
        return list.length / LESSEE;
    }

    /// @notice The lease and energy of a plan's part.
    function lessee(bytes calldata list, uint256 offset) internal pure returns (uint32 lease, int64 plannedWh) {
        return (_u32(list, offset * LESSEE), _i64(list, offset * LESSEE + 4));
    }

    /// @notice The planned prices λ and ν of a PCC in a slot, cents per MWh. Any station of the group when `station` is 0.
    function price(bytes calldata row, uint32 day, uint8 slot, uint32 group, uint32 station)
        internal
        pure
        returns (int64 poolPrice, int64 adder)
    {
        _require(row, PRICE, 30 + SALT, true);
        if (_u32(row, 1) != day || uint8(row[5]) != slot || _u32(row, 6) != group) _elsewhere(row);
        if (station != 0 && _u32(row, 10) != station) _elsewhere(row);
        return (_i64(row, 14), _i64(row, 22));
    }

    /// @notice A member's certified gain of the day, cents.
    function gain(bytes calldata row, uint32 day, uint32 member) internal pure returns (int64) {
        _require(row, GAIN, 33 + SALT, true);
        if (_u32(row, 1) != day || _u32(row, 5) != member) _elsewhere(row);
        return _i64(row, 25);
    }

    /// @notice The grid's prices in a slot of a month's days, cents per MWh.
    function tariff(bytes calldata row, uint256 month, uint8 slot)
        internal
        pure
        returns (int64 buy, int64 sell, int64 network)
    {
        _require(row, TARIFF, 27, true);
        if (uint8(row[1]) != month || uint8(row[2]) != slot) _elsewhere(row);
        return (_i64(row, 3), _i64(row, 11), _i64(row, 19));
    }

    /// @notice The platform's part of a gain, basis points.
    function fee(bytes calldata row) internal pure returns (uint32) {
        _require(row, FEE, 5, true);
        return _u32(row, 1);
    }

    function _require(bytes calldata row, uint8 kind, uint256 length, bool exact) private pure {
        if (row.length < length || (exact && row.length != length) || uint8(row[0]) != kind) {
            revert ICourt.RowMalformed(kind, row.length);
        }
    }

    function _elsewhere(bytes calldata row) private pure {
        revert ICourt.RowOfAnotherPlace(uint8(row[0]), keccak256(row));
    }

    function _u32(bytes calldata row, uint256 offset) private pure returns (uint32) {
        return uint32(bytes4(row[offset:offset + 4]));
    }

    function _i64(bytes calldata row, uint256 offset) private pure returns (int64) {
        return int64(uint64(bytes8(row[offset:offset + 8])));
    }
}
