// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Domain} from "../src/libraries/Domain.sol";
import {MerkleLog} from "../src/libraries/MerkleLog.sol";
import {Readings} from "../src/libraries/Readings.sol";
import {Segments} from "../src/libraries/Segments.sol";
import {Signature} from "../src/libraries/Signature.sol";
import {Reading, SegmentData} from "../src/types/Segment.sol";
import {Vm} from "./Vm.sol";

/// @title The shared vectors: Solidity agrees with Python and TypeScript on the same bytes
contract VectorsTest {
    Vm private constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    string private constant FILE = "../tests/vectors/evidence.json";

    string private json;
    bytes32 private separator;

    function setUp() external {
        json = vm.readFile(FILE);
        separator = Domain.separatorOn(_uint(".domain.chainId"), vm.parseJsonAddress(json, ".domain.registry"));
    }

    // ---- what the libraries take as calldata ----

    function digest(SegmentData calldata segment) external view returns (bytes32) {
        return Segments.digest(segment, separator);
    }

    function recover(bytes32 signedDigest, bytes calldata signature) external pure returns (address) {
        return Signature.recover(signedDigest, signature);
    }

    function recoverAny(bytes32 signedDigest, bytes calldata signature) external pure returns (address) {
        return Signature.recoverAny(signedDigest, signature);
    }

    function entry(bytes32 segmentDigest, bytes calldata signature) external pure returns (bytes memory) {
        return Segments.entry(segmentDigest, signature);
    }

    function requireIn(SegmentData calldata segment, bytes calldata raw, bytes32[] calldata proof)
        external
        view
        returns (Reading memory reading)
    {
        reading = Readings.decode(raw);
        Readings.requireIn(segment, reading, raw, proof);
    }

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

    // ---- tests ----

    function test_domainAgrees() external view {
        vm.assertEq(separator, _bytes32(".domain.separator"), "separator");
        address registry = vm.parseJsonAddress(json, ".domain.registry");
        bytes32 allianceId = keccak256(abi.encode(_uint(".domain.chainId"), registry));
        vm.assertEq(allianceId, _bytes32(".domain.allianceId"), "alliance id");
    }

    function test_segmentsAgree() external view {
        for (uint256 i = 0; i < 3; ++i) {
            string memory at_ = _at(".segments", i);
            SegmentData memory segment = _segment(at_);
            bytes32 got = this.digest(segment);
            vm.assertEq(got, _bytes32(_join(at_, ".digest")), "digest");
            bytes memory signature = vm.parseJsonBytes(json, _join(at_, ".signature"));
            bytes memory wallet = vm.parseJsonBytes(json, _join(at_, ".signature65"));
            vm.assertEq(this.recover(got, signature), segment.device, "signer of 64 bytes");
            vm.assertEq(this.recoverAny(got, wallet), segment.device, "signer of 65 bytes");
            if (segment.count > 0) _requireLast(at_, segment);
        }
    }

    function test_entriesAndLogRootAgree() external view {
        bytes[] memory entries = vm.parseJsonBytesArray(json, ".entries");
        uint256 found = 0;
        for (uint256 i = 0; i < 3; ++i) {
            string memory at_ = _at(".segments", i);
            bytes memory made =
                this.entry(_bytes32(_join(at_, ".digest")), vm.parseJsonBytes(json, _join(at_, ".signature")));
            for (uint256 k = 0; k < entries.length; ++k) if (keccak256(made) == keccak256(entries[k])) ++found;
        }
        vm.assertEq(found, 3, "each segment's entry is in the log");
        vm.assertEq(entries.length, 4, "and the epoch's");
        bytes32 left = MerkleLog.node(MerkleLog.leaf(entries[0]), MerkleLog.leaf(entries[1]));
        bytes32 right = MerkleLog.node(MerkleLog.leaf(entries[2]), MerkleLog.leaf(entries[3]));
        vm.assertEq(MerkleLog.node(left, right), _bytes32(".logRoot"), "root");
    }

    function test_enrolmentAgrees() external view {
        bytes32 typeHash =
            keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
        address owner = address(bytes20(hex"2222222222222222222222222222222222222222"));
        address device = vm.parseJsonAddress(json, ".device");
        bytes32 structHash =
            keccak256(abi.encode(typeHash, device, owner, uint32(3), uint256(0), uint64(1_800_000_000)));
        vm.assertEq(Domain.digest(separator, structHash), _bytes32(".enrol"), "enrol");
    }

    function test_treesAgree() external view {
        uint256 compared = 0;
        for (uint256 i = 0; i < 11; ++i) {
            string memory at_ = _at(".trees", i);
            (uint256 size, uint256 index) = (_uint(_join(at_, ".size")), _uint(_join(at_, ".index")));
            bytes32 root = _bytes32(_join(at_, ".root"));
            bytes32 leaf = MerkleLog.leaf(abi.encodePacked(uint16(index)));
            bytes32[] memory proof = vm.parseJsonBytes32Array(json, _join(at_, ".inclusion"));
            vm.assertEq(this.inclusionRoot(leaf, index, size, proof), root, "inclusion");
            uint256 old = _uint(_join(at_, ".old"));
            if (old == size) continue;
            bytes32 oldRoot = _bytes32(_join(at_, ".oldRoot"));
            proof = vm.parseJsonBytes32Array(json, _join(at_, ".consistency"));
            (bytes32 first, bytes32 second) = this.consistencyRoots(old, size, oldRoot, proof);
            vm.assertEq(first, oldRoot, "old root");
            vm.assertEq(second, root, "new root");
            ++compared;
        }
        vm.assertGt(compared, 8, "compared");
    }

    // ---- helpers ----

    function _requireLast(string memory at_, SegmentData memory segment) private view {
        bytes[] memory readings = vm.parseJsonBytesArray(json, _join(at_, ".readings"));
        bytes32[] memory proof = vm.parseJsonBytes32Array(json, _join(at_, ".proofOfLast"));
        Reading memory reading = this.requireIn(segment, readings[readings.length - 1], proof);
        vm.assertEq(reading.seq, segment.firstSeq + segment.count - 1, "seq");
        vm.assertEq(reading.tMs, segment.tLast, "time");
    }

    function _segment(string memory at_) private view returns (SegmentData memory made) {
        made.device = vm.parseJsonAddress(json, _join(at_, ".device"));
        made.channel = uint16(_uint(_join(at_, ".channel")));
        made.firstSeq = uint64(_uint(_join(at_, ".firstSeq")));
        made.count = uint32(_uint(_join(at_, ".count")));
        made.tFirst = uint64(_uint(_join(at_, ".tFirst")));
        made.tLast = uint64(_uint(_join(at_, ".tLast")));
        made.root = _bytes32(_join(at_, ".root"));
        made.prev = _bytes32(_join(at_, ".prev"));
        made.beaconBlock = uint64(_uint(_join(at_, ".beaconBlock")));
        made.beaconHash = _bytes32(_join(at_, ".beaconHash"));
    }

    function _at(string memory list, uint256 i) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(i), "]");
    }

    function _join(string memory a, string memory b) private pure returns (string memory) {
        return string.concat(a, b);
    }

    function _uint(string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function _bytes32(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }
}
