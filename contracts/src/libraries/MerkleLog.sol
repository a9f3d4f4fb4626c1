// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title The tree of RFC 9162 over SHA-256 (protocol 1.1): leaf SHA-256(0x00‖bytes), node SHA-256(0x01‖left‖right)
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
        pure
        returns (bytes32 hash)
    {
        if (index >= size) revert MerkleIndexOutside(index, size);
        uint256 last = size - 1;
        hash = leafHash;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (last == 0) revert MerkleProofTooLong(proof.length);
            bytes32 sibling = proof[i];
            if (index & 1 == 1 || index == last) {
                hash = node(sibling, hash);
                (index, last) = _skipped(index, last);
            } else {
                hash = node(hash, sibling);
            }
            index >>= 1;
            last >>= 1;
        }
        if (last != 0) revert MerkleProofTooShort(proof.length);
    }

    /// @notice Old and new root to which a consistency proof leads (RFC 9162, 2.1.4.2), for 0 < oldSize < newSize.
    /// Reverts when its length does not fit the sizes.
    function consistencyRoots(uint256 oldSize, uint256 newSize, bytes32 oldRoot, bytes32[] calldata proof)
        internal
        pure
        returns (bytes32 first, bytes32 second)
    {
        uint256 index = oldSize - 1;
        uint256 last = newSize - 1;
        while (index & 1 == 1) (index, last) = (index >> 1, last >> 1);
        bool complete = index == 0; // then the old tree is itself the first node
        if (!complete && proof.length == 0) revert MerkleProofTooShort(0);
        first = complete ? oldRoot : proof[0];
        second = first;
        for (uint256 i = complete ? 0 : 1; i < proof.length; ++i) {
            if (last == 0) revert MerkleProofTooLong(proof.length);
            bytes32 sibling = proof[i];
            if (index & 1 == 1 || index == last) {
                first = node(sibling, first);
                second = node(sibling, second);
                (index, last) = _skipped(index, last);
            } else {
                second = node(second, sibling);
            }
            index >>= 1;
            last >>= 1;
        }
        if (last != 0) revert MerkleProofTooShort(proof.length);
    }

    /// @dev The levels at which a right-edge node has no sibling.
    function _skipped(uint256 index, uint256 last) private pure returns (uint256, uint256) {
        while (index & 1 == 0 && index != 0) {
            index >>= 1;
            last >>= 1;
        }
        return (index, last);
    }
}
