// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The tree of RFC 9162 over SHA-256 (protocol 1.1): leaf SHA-256(0x00‖bytes), node SHA-256(0x01‖left‖right)
/// @notice A proof is climbed level by level. While the path runs inside the tree each of its nodes has a sibling, left or right
/// by a bit of its index; once it has met the right edge it has one where it is itself a right child, and that is to its left.
library MerkleLog {
    error MerkleIndexOutside(uint256 index, uint256 size);
    error MerkleProofTooShort(uint256 length);
    error MerkleProofTooLong(uint256 length);

    function leaf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry));
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @notice Root to which an inclusion proof leads (RFC 9162, 2.1.3.2). Reverts when its length does not fit index and size.
    function inclusionRoot(bytes32 leafHash, uint256 index, uint256 size, bytes32[] calldata proof)
        internal
        view
        returns (bytes32)
    {
        if (index >= size) revert MerkleIndexOutside(index, size);
        unchecked {
            uint256 inner = _levelsInside(index, size - 1);
            _requireLength(proof.length, inner + _rightTurns(index >> inner));
            return _climb(leafHash, index | type(uint256).max << inner, proof);
        }
    }

    /// @notice Old and new root to which a consistency proof leads (RFC 9162, 2.1.4.2), for 0 < oldSize < newSize.
    /// Reverts when its length does not fit the sizes.
    function consistencyRoots(uint256 oldSize, uint256 newSize, bytes32 oldRoot, bytes32[] calldata proof)
        internal
        view
        returns (bytes32 first, bytes32 second)
    {
        unchecked {
            (uint256 index, uint256 last) = (oldSize - 1, newSize - 1);
            while (index & 1 == 1) (index, last) = (index >> 1, last >> 1);
            uint256 inner = _levelsInside(index, last);
            uint256 skipped = index == 0 ? 0 : 1; // a complete old tree is itself the first node
            _requireLength(proof.length, skipped + inner + _rightTurns(index >> inner));
            bytes32 seed = skipped == 0 ? oldRoot : proof[0];
            uint256 path = index | type(uint256).max << inner;
            first = _climbLeft(seed, path, proof[skipped:]);
            second = _climb(seed, path, proof[skipped:]);
        }
    }

    /// @dev The node to which siblings lead from below. A set bit of `path`: the sibling of that level is the left one.
    /// With the two functions below the one place where our contracts speak assembly (ADR 0010): most gas of an epoch and of a
    /// proof are these hashes, and `sha256(abi.encodePacked(…))` spends more on copying than on hashing. Memory is only
    /// borrowed, beyond the free pointer and in the scratch space; a hash that runs out of gas reverts.
    function _climb(bytes32 start, uint256 path, bytes32[] calldata siblings) private view returns (bytes32 hash) {
        hash = start;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, 0x01)
            let end := add(siblings.offset, shl(5, siblings.length))
            for { let next := siblings.offset } lt(next, end) { next := add(next, 0x20) } {
                let turn := shl(5, and(path, 1))
                mstore(add(add(data, 0x20), turn), hash)
                mstore(sub(add(data, 0x40), turn), calldataload(next))
                if iszero(staticcall(gas(), 0x02, add(data, 0x1f), 0x41, 0x00, 0x20)) { revert(0x00, 0x00) }
                hash := mload(0x00)
                path := shr(1, path)
            }
        }
    }

    /// @dev The same over the left siblings alone: an old tree did not have the right ones yet.
    function _climbLeft(bytes32 start, uint256 path, bytes32[] calldata siblings) private view returns (bytes32 hash) {
        hash = start;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, 0x01)
            let end := add(siblings.offset, shl(5, siblings.length))
            for { let next := siblings.offset } lt(next, end) { next := add(next, 0x20) } {
                if and(path, 1) {
                    mstore(add(data, 0x20), calldataload(next))
                    mstore(add(data, 0x40), hash)
                    if iszero(staticcall(gas(), 0x02, add(data, 0x1f), 0x41, 0x00, 0x20)) { revert(0x00, 0x00) }
                    hash := mload(0x00)
                }
                path := shr(1, path)
            }
        }
    }

    /// @notice Hash of a leaf of 64 bytes.
    function leaf64(bytes32 head, bytes32 tail) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, 0x00)
            mstore(add(data, 0x20), head)
            mstore(add(data, 0x40), tail)
            if iszero(staticcall(gas(), 0x02, add(data, 0x1f), 0x41, 0x00, 0x20)) { revert(0x00, 0x00) }
            hash := mload(0x00)
        }
    }

    /// @dev How many levels a path runs inside the tree before it meets the right edge.
    function _levelsInside(uint256 index, uint256 last) private pure returns (uint256) {
        return index == last ? 0 : Math.log2(index ^ last) + 1;
    }

    /// @dev How many nodes of a path up the right edge are right children.
    function _rightTurns(uint256 path) private pure returns (uint256 count) {
        unchecked {
            for (; path != 0; path &= path - 1) ++count;
        }
    }

    function _requireLength(uint256 length, uint256 want) private pure {
        if (length < want) revert MerkleProofTooShort(length);
        if (length > want) revert MerkleProofTooLong(length);
    }
}
