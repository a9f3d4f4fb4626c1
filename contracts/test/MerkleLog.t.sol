// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleLog} from "../src/libraries/MerkleLog.sol";
import {Tree} from "./Tree.sol";
import {Vm} from "./Vm.sol";

/// @title The verifiers against RFC 9162's recursive definitions, every pair of sizes
contract MerkleLogTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 private constant SIZES = 34;

    function inclusionRoot(bytes32 leafHash, uint256 index, uint256 size, bytes32[] calldata proof)
        external
        view
        returns (bytes32)
    {
        return MerkleLog.inclusionRoot(leafHash, index, size, proof);
    }

    function consistencyRoots(uint256 oldSize, uint256 newSize, bytes32 oldRoot, bytes32[] calldata proof)
        external
        view
        returns (bytes32, bytes32)
    {
        return MerkleLog.consistencyRoots(oldSize, newSize, oldRoot, proof);
    }

    function leaves(uint256 count) private pure returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) list[i] = MerkleLog.leaf(abi.encode(i));
    }

    function test_inclusionRootIsTheRoot_whenProofIsTheRfcsPath() external view {
        bytes32[] memory list = leaves(SIZES);
        for (uint256 size = 1; size <= SIZES; ++size) {
            bytes32 root = Tree.root(list, 0, size);
            for (uint256 index = 0; index < size; ++index) {
                bytes32 got = this.inclusionRoot(list[index], index, size, Tree.path(list, index, 0, size));
                vm.assertEq(got, root, "inclusion");
            }
        }
    }

    function test_consistencyRootsAreBothRoots_whenProofIsTheRfcsSubproof() external view {
        bytes32[] memory list = leaves(SIZES);
        for (uint256 oldSize = 1; oldSize < SIZES; ++oldSize) {
            bytes32 oldRoot = Tree.root(list, 0, oldSize);
            for (uint256 newSize = oldSize + 1; newSize <= SIZES; ++newSize) {
                bytes32[] memory proof = Tree.consistency(list, oldSize, newSize);
                (bytes32 first, bytes32 second) = this.consistencyRoots(oldSize, newSize, oldRoot, proof);
                vm.assertEq(first, oldRoot, "old root");
                vm.assertEq(second, Tree.root(list, 0, newSize), "new root");
            }
        }
    }

    function testFuzz_consistencyFails_whenOneNodeIsAltered(uint256 seed) external view {
        uint256 newSize = 2 + seed % (SIZES - 1);
        uint256 oldSize = 1 + (seed >> 16) % (newSize - 1);
        bytes32[] memory list = leaves(newSize);
        bytes32[] memory proof = Tree.consistency(list, oldSize, newSize);
        bytes32 oldRoot = Tree.root(list, 0, oldSize);
        proof[(seed >> 32) % proof.length] ^= bytes32(uint256(1) << ((seed >> 64) % 256));
        (bytes32 first, bytes32 second) = this.consistencyRoots(oldSize, newSize, oldRoot, proof);
        vm.assertFalse(first == oldRoot && second == Tree.root(list, 0, newSize), "altered proof accepted");
    }

    function testFuzz_proofsRevert_whenLongerOrShorter(uint256 seed) external {
        uint256 newSize = 3 + seed % (SIZES - 2);
        uint256 oldSize = 1 + (seed >> 16) % (newSize - 1);
        bytes32[] memory list = leaves(newSize);
        bytes32 oldRoot = Tree.root(list, 0, oldSize);
        bytes32[] memory proof = Tree.append(Tree.consistency(list, oldSize, newSize), bytes32(seed));
        vm.expectPartialRevert(MerkleLog.MerkleProofTooLong.selector);
        this.consistencyRoots(oldSize, newSize, oldRoot, proof);
        proof = Tree.append(Tree.path(list, oldSize, 0, newSize), bytes32(seed));
        vm.expectPartialRevert(MerkleLog.MerkleProofTooLong.selector);
        this.inclusionRoot(list[oldSize], oldSize, newSize, proof);
        vm.expectPartialRevert(MerkleLog.MerkleProofTooShort.selector);
        this.inclusionRoot(list[oldSize], oldSize, newSize, new bytes32[](0));
        vm.expectPartialRevert(MerkleLog.MerkleProofTooShort.selector);
        this.consistencyRoots(oldSize, newSize, oldRoot, new bytes32[](0));
    }

    function test_inclusionReverts_whenIndexIsOutside() external {
        vm.expectRevert(abi.encodeWithSelector(MerkleLog.MerkleIndexOutside.selector, 5, 5));
        this.inclusionRoot(bytes32(0), 5, 5, new bytes32[](0));
    }
}
