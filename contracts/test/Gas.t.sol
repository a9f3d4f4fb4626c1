// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {MerkleLog} from "../src/libraries/MerkleLog.sol";
import {Segments} from "../src/libraries/Segments.sol";
import {ReadingProof, SegmentData} from "../src/types/Segment.sol";
import {Alliance} from "./Alliance.sol";

/// @title What an epoch and a proof cost (protocol 5): whole transactions, cold storage, intrinsic gas and calldata included
/// @notice Proof nodes need no real tree: any nodes lead to some pair of roots, and the live root is set to the old one.
contract GasTest is Alliance {
    event log_named_uint(string name, uint256 value);

    uint256 private constant DEVICE_KEY = 0xD1D1;
    uint48 private constant EPOCH_ENTRIES = 14; // twelve streams, the epoch, a document

    function setUp() public {
        deploy();
        admitMembers(1);
        uint32 station = registerStation(member(1));
        address device = vm.addr(DEVICE_KEY);
        bytes32 typeHash =
            keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
        bytes32 consent =
            digestOf(keccak256(abi.encode(typeHash, device, member(1), station, uint256(0), uint64(START))));
        bytes memory signature = signed64(DEVICE_KEY, consent);
        vm.prank(member(1));
        devices.enrol(device, station, uint64(START), signature);
        vm.prank(attestor);
        devices.attest(device, 365 days);
    }

    function consistencyRoots(uint256 oldSize, uint256 newSize, bytes32[] calldata proof)
        external
        pure
        returns (bytes32, bytes32)
    {
        return MerkleLog.consistencyRoots(oldSize, newSize, keccak256("old"), proof);
    }

    function inclusionRoot(bytes32 leafHash, uint256 index, uint256 size, bytes32[] calldata proof)
        external
        pure
        returns (bytes32)
    {
        return MerkleLog.inclusionRoot(leafHash, index, size, proof);
    }

    function nodes(uint256 count) private pure returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) list[i] = keccak256(abi.encode(i));
    }

    /// @dev A consistency proof of the right length and the two roots to which it leads.
    function growth(uint256 oldSize, uint256 newSize) private view returns (bytes32[] memory, bytes32, bytes32) {
        for (uint256 count = 1; count < 96; ++count) {
            try this.consistencyRoots(oldSize, newSize, nodes(count)) returns (bytes32 first, bytes32 second) {
                return (nodes(count), first, second);
            } catch {}
        }
        revert("no such length");
    }

    function setLog(bytes32 root, uint48 size) private {
        vm.store(address(anchor), 0, root);
        uint256 packed = uint256(uint160(writer)) | uint256(size) << 160 | uint256(startEpoch) << 208;
        vm.store(address(anchor), bytes32(uint256(1)), bytes32(packed));
    }

    /// @dev Gas of a transaction with this data, as a chain of EVM version cancun charges it.
    function transaction(address from, bytes memory data) private returns (uint256 used) {
        used = 21_000;
        for (uint256 i = 0; i < data.length; ++i) used += data[i] == 0 ? 4 : 16;
        vm.cool(address(anchor));
        vm.cool(address(devices));
        vm.prank(from);
        uint256 before = gasleft();
        (bool done,) = address(anchor).call(data);
        used += before - gasleft() - 2600; // a transaction's target is warm
        require(done, "reverted");
    }

    function advanceGas(uint48 oldSize) private returns (uint256) {
        (bytes32[] memory proof, bytes32 first, bytes32 second) = growth(oldSize, oldSize + EPOCH_ENTRIES);
        setLog(first, oldSize);
        vm.warp((uint256(startEpoch) + 2) * EPOCH_SECONDS);
        return transaction(
            writer,
            abi.encodeCall(
                IAnchorLog.advance,
                (startEpoch + 1, oldSize, oldSize + EPOCH_ENTRIES, second, proof, keccak256("manifest"))
            )
        );
    }

    function proveGas(uint256 depth) private returns (uint256) {
        ReadingProof memory proof;
        proof.reading = abi.encodePacked(
            bytes4("SAR1"), uint8(1), uint8(0), uint16(1), uint64(7), uint64(1e12), int32(5), int32(0), uint64(1), uint64(2),
            bytes16(keccak256("salt"))
        );
        proof.readingProof = nodes(4); // of fifteen readings
        SegmentData memory made = proof.signed.segment;
        (made.device, made.channel, made.count) = (vm.addr(DEVICE_KEY), 1, 15);
        (made.tFirst, made.tLast, made.prev, made.beaconHash) = (1e12, 1e12 + 14, keccak256("p"), keccak256("b"));
        made.root = this.inclusionRoot(MerkleLog.leaf(proof.reading), 7, 15, proof.readingProof);
        bytes32 digest = digestOf(keccak256(abi.encode(Segments.TYPE, made)));
        proof.signed.signature = signed64(DEVICE_KEY, digest);
        bytes memory entry = abi.encodePacked(bytes6(0x534145310101), digest, proof.signed.signature);
        proof.entryIndex = uint48(1 << (depth - 1));
        proof.entryProof = nodes(depth);
        setLog(this.inclusionRoot(MerkleLog.leaf(entry), proof.entryIndex, 1 << depth, nodes(depth)), uint48(1 << depth));
        return transaction(member(1), abi.encodeCall(IAnchorLog.prove, (proof)));
    }

    function report(string memory name, uint256 used, uint256 limit) private {
        emit log_named_uint(name, used);
        vm.assertLe(used, limit, name);
    }

    /// @dev The proof's length depends on the size's bits: the mean over sizes is what an operator pays.
    function meanAdvanceGas(uint256 exponent) private returns (uint256 sum) {
        for (uint256 i = 0; i < 16; ++i) {
            uint256 noise = uint256(keccak256(abi.encode(exponent, i))) % (1 << (exponent - 1));
            sum += advanceGas(uint48((1 << exponent) - noise - EPOCH_ENTRIES)) / 16;
        }
    }

    function test_gasOfAdvance() external {
        report("advance up to 2^10, mean", meanAdvanceGas(10), 56_000);
        report("advance up to 2^16, mean", meanAdvanceGas(16), 62_000);
        report("advance up to 2^20, mean", meanAdvanceGas(20), 67_000);
        report("advance up to 2^27, mean", meanAdvanceGas(27), 76_000);
        report("advance at 2^20, best", advanceGas(1 << 20), 43_000);
        report("advance at 2^10, worst", advanceGas((1 << 10) - 15), 60_000);
        report("advance at 2^16, worst", advanceGas((1 << 16) - 15), 74_000);
        report("advance at 2^20, worst", advanceGas((1 << 20) - 15), 83_000);
        report("advance at 2^27, worst", advanceGas((1 << 27) - 15), 99_000);
    }

    function test_gasOfProve() external {
        report("prove at 2^10", proveGas(10), 78_000);
        report("prove at 2^16", proveGas(16), 84_000);
        report("prove at 2^20", proveGas(20), 88_000);
    }
}
