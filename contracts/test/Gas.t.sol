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
        view
        returns (bytes32, bytes32)
    {
        return MerkleLog.consistencyRoots(oldSize, newSize, keccak256("old"), proof);
    }

    function inclusionRoot(bytes32 leafHash, uint256 index, uint256 size, bytes32[] calldata proof)
        external
        view
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

    /// @dev Gas of a transaction with this data, as a chain of EVM version cancun charges it: what the call costs beyond one to
    /// an account without code, all slots cold. `others` are further accounts that the call opens, cold in a transaction.
    function transaction(address from, bytes memory data, uint256 others) private returns (uint256 used) {
        used = 21_000 + others * 2500;
        for (uint256 i = 0; i < data.length; ++i) used += data[i] == 0 ? 4 : 16;
        address nobody = address(0xdead);
        vm.cool(address(anchor));
        vm.cool(address(devices));
        vm.assertEq(anchor.epochSeconds(), devices.epochSeconds(), "accounts are warm, whatever was called before");
        _call(from, nobody, data); // this contract's memory is as large as a call needs
        (bool done, uint256 nothing) = _call(from, nobody, data);
        (bool worked, uint256 all) = _call(from, address(anchor), data);
        require(done && worked, "reverted");
        used += all - nothing;
    }

    function _call(address from, address to, bytes memory data) private returns (bool done, uint256 used) {
        vm.prank(from);
        used = gasleft();
        (done,) = to.call(data);
        used -= gasleft();
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
            ),
            0
        );
    }

    function proveGas(uint256 depth) private returns (uint256) {
        ReadingProof memory proof;
        proof.reading = abi.encodePacked(
            bytes4("SAR1"), uint8(1), uint8(0), uint16(1), uint64(7), uint64(1e12), int32(5), int32(0), uint64(1), uint64(2),
            bytes16(keccak256("salt"))
        );
        proof.readingProof = nodes(6); // of sixty readings, the most that a segment has
        SegmentData memory made = proof.signed.segment;
        (made.device, made.channel, made.count) = (vm.addr(DEVICE_KEY), 1, 60);
        (made.tFirst, made.tLast, made.prev, made.beaconHash) = (1e12, 1e12 + 59, keccak256("p"), keccak256("b"));
        made.root = this.inclusionRoot(MerkleLog.leaf(proof.reading), 7, 60, proof.readingProof);
        bytes32 digest = digestOf(keccak256(abi.encode(Segments.TYPE, made)));
        proof.signed.signature = signed64(DEVICE_KEY, digest);
        bytes memory entry = abi.encodePacked(bytes6(0x534145310101), digest, proof.signed.signature);
        proof.entryIndex = uint48(1 << (depth - 1));
        proof.entryProof = nodes(depth);
        setLog(this.inclusionRoot(MerkleLog.leaf(entry), proof.entryIndex, 1 << depth, nodes(depth)), uint48(1 << depth));
        return transaction(member(1), abi.encodeCall(IAnchorLog.prove, (proof)), 1);
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
        report("advance up to 2^10, mean", meanAdvanceGas(10), 49_000);
        report("advance up to 2^16, mean", meanAdvanceGas(16), 53_000);
        report("advance up to 2^20, mean", meanAdvanceGas(20), 57_000);
        report("advance up to 2^27, mean", meanAdvanceGas(27), 61_500);
        report("advance at 2^20, best", advanceGas(1 << 20), 40_500);
        report("advance at 2^10, worst", advanceGas((1 << 10) - 15), 51_500);
        report("advance at 2^16, worst", advanceGas((1 << 16) - 15), 59_500);
        report("advance at 2^20, worst", advanceGas((1 << 20) - 15), 65_000);
        report("advance at 2^27, worst", advanceGas((1 << 27) - 15), 75_000);
    }

    function test_gasOfProve() external {
        report("prove at 2^10", proveGas(10), 66_500);
        report("prove at 2^16", proveGas(16), 72_000);
        report("prove at 2^20", proveGas(20), 75_000);
    }
}
