// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ICourt} from "../interfaces/ICourt.sol";
import {
    ENTRY,
    EntryLeaf,
    Leaf,
    LINE,
    LineLeaf,
    QUANTITY,
    QuantityLeaf,
    SLOT_TOTAL,
    SlotTotalLeaf,
    WEIGHTS
} from "../types/Leaf.sol";

/// @title A statement's leaves (protocol 8.9.1): their bytes, their hash, their place
library Leaves {
    uint256 private constant WORD = 32;

    /// @notice The leaf's hash: keccak256 twice over (kind, index, body).
    function hash(Leaf calldata leaf) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(leaf.kind, leaf.index, leaf.body))));
    }

    /// @notice Refuse a leaf that does not stand under a posted statement's root.
    function requireIn(Leaf calldata leaf, bytes32 root, uint32 leafCount) internal pure {
        if (leaf.index >= leafCount) revert ICourt.LeafIndexOutside(leaf.index, leafCount);
        bytes32 got = MerkleProof.processProofCalldata(leaf.proof, hash(leaf));
        if (got != root) revert ICourt.LeafNotInStatement(leaf.version, leaf.index, root, got);
    }

    /// @notice Where a leaf belongs: leaves ascend by this number, by kind and then by identity.
    function place(Leaf calldata leaf) internal pure returns (uint256) {
        bytes calldata body = leaf.body;
        if (leaf.kind == LINE) {
            _require(leaf, LINE, 11);
            return uint256(LINE) << 248 | _word(body, 1) << 104 | _word(body, 2) << 96 | _word(body, 3) << 64
                | _word(body, 4) << 32 | _word(body, 5);
        }
        if (leaf.kind == QUANTITY) {
            _require(leaf, QUANTITY, 12);
            return uint256(QUANTITY) << 248 | _word(body, 1) << 32 | _word(body, 0);
        }
        if (leaf.kind == SLOT_TOTAL) {
            _require(leaf, SLOT_TOTAL, 7);
            return uint256(SLOT_TOTAL) << 248 | _word(body, 1) << 64 | _word(body, 0) << 32 | _word(body, 2);
        }
        if (leaf.kind == ENTRY) {
            _require(leaf, ENTRY, 6);
            return uint256(ENTRY) << 248 | _word(body, 0) << 64 | _word(body, 1) << 32 | _word(body, 2);
        }
        if (leaf.kind == WEIGHTS) return uint256(WEIGHTS) << 248 | _word(body, 0);
        revert ICourt.LeafMalformed(leaf.kind, leaf.body.length);
    }

    function quantityPlace(uint8 slot, uint32 station) internal pure returns (uint256) {
        return uint256(QUANTITY) << 248 | uint256(slot) << 32 | station;
    }

    function slotTotalPlace(uint8 slot, uint32 group, uint32 position) internal pure returns (uint256) {
        return uint256(SLOT_TOTAL) << 248 | uint256(slot) << 64 | uint256(group) << 32 | position;
    }

    function entryPlace(uint32 account, uint32 group, uint32 index) internal pure returns (uint256) {
        return uint256(ENTRY) << 248 | uint256(account) << 64 | uint256(group) << 32 | index;
    }

    function weightsPlace(uint32 group) internal pure returns (uint256) {
        return uint256(WEIGHTS) << 248 | group;
    }

    function quantity(Leaf calldata leaf) internal pure returns (QuantityLeaf memory) {
        _require(leaf, QUANTITY, 12);
        return abi.decode(leaf.body, (QuantityLeaf));
    }

    function slotTotal(Leaf calldata leaf) internal pure returns (SlotTotalLeaf memory) {
        _require(leaf, SLOT_TOTAL, 7);
        return abi.decode(leaf.body, (SlotTotalLeaf));
    }

    function line(Leaf calldata leaf) internal pure returns (LineLeaf memory) {
        _require(leaf, LINE, 11);
        return abi.decode(leaf.body, (LineLeaf));
    }

    function entry(Leaf calldata leaf) internal pure returns (EntryLeaf memory) {
        _require(leaf, ENTRY, 6);
        return abi.decode(leaf.body, (EntryLeaf));
    }

    /// @notice Members and weights of a group's pool, in order of admission.
    function weights(Leaf calldata leaf) internal pure returns (uint32[] memory members, uint64[] memory weightsWh) {
        if (leaf.kind != WEIGHTS) revert ICourt.LeafMalformed(leaf.kind, leaf.body.length);
        (, members, weightsWh) = abi.decode(leaf.body, (uint32, uint32[], uint64[]));
        if (members.length != weightsWh.length) revert ICourt.LeafMalformed(leaf.kind, leaf.body.length);
    }

    function _require(Leaf calldata leaf, uint8 kind, uint256 words) private pure {
        if (leaf.kind != kind || leaf.body.length != words * WORD) {
            revert ICourt.LeafMalformed(leaf.kind, leaf.body.length);
        }
    }

    /// @dev A word of a body that is part of a place; none is wider than 32 bits.
    function _word(bytes calldata body, uint256 number) private pure returns (uint256) {
        uint256 word = uint256(bytes32(body[number * WORD:(number + 1) * WORD]));
        if (word > type(uint32).max) revert ICourt.LeafMalformed(0, body.length);
        return word;
    }
}
