// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162's recursive definitions, word for word: what the verifiers in `MerkleLog` must agree with
library Tree {
    function leaf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), entry));
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @dev MTH(D[from:to]) over leaf hashes.
    function root(bytes32[] memory leaves, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to == from) return sha256("");
        if (to - from == 1) return leaves[from];
        uint256 k = split(to - from);
        return node(root(leaves, from, from + k), root(leaves, from + k, to));
    }

    /// @dev PATH(m, D[from:to]).
    function path(bytes32[] memory leaves, uint256 m, uint256 from, uint256 to)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (to - from == 1) return new bytes32[](0);
        uint256 k = split(to - from);
        if (m < k) return append(path(leaves, m, from, from + k), root(leaves, from + k, to));
        return append(path(leaves, m - k, from + k, to), root(leaves, from, from + k));
    }

    /// @dev SUBPROOF(m, D[from:to], whole).
    function subproof(bytes32[] memory leaves, uint256 m, uint256 from, uint256 to, bool whole)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (m == to - from) {
            return whole ? new bytes32[](0) : append(new bytes32[](0), root(leaves, from, to));
        }
        uint256 k = split(to - from);
        if (m <= k) return append(subproof(leaves, m, from, from + k, whole), root(leaves, from + k, to));
        return append(subproof(leaves, m - k, from + k, to, false), root(leaves, from, from + k));
    }

    function consistency(bytes32[] memory leaves, uint256 oldSize, uint256 newSize)
        internal
        pure
        returns (bytes32[] memory)
    {
        return subproof(leaves, oldSize, 0, newSize, true);
    }

    /// @dev The largest power of two below n.
    function split(uint256 n) internal pure returns (uint256 k) {
        k = 1;
        while (2 * k < n) k *= 2;
    }

    function append(bytes32[] memory list, bytes32 item) internal pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) longer[i] = list[i];
        longer[list.length] = item;
    }
}
