// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {SegmentData} from "../types/Segment.sol";
import {Domain} from "./Domain.sol";

/// @title Segments: their digest, their conflict, their log entry (protocol 3 and 4.2)
library Segments {
    bytes32 internal constant TYPE = keccak256(
        "Segment(address device,uint16 channel,uint64 firstSeq,uint32 count,uint64 tFirst,uint64 tLast,bytes32 root,bytes32 prev,uint64 beaconBlock,bytes32 beaconHash)"
    );
    bytes6 private constant ENTRY_HEAD = 0x534145310101; // "SAE1", type 1 segment, algorithm 1 secp256k1
    bytes7 private constant LEAF_HEAD = 0x00534145310101; // the same as a leaf of the log

    /// @notice EIP-712 digest of a segment.
    function digest(SegmentData calldata segment, bytes32 domainSeparator) internal pure returns (bytes32) {
        return Domain.digest(domainSeparator, keccak256(abi.encode(TYPE, segment)));
    }

    /// @notice Whether two different segments of one signer, device and channel exclude each other (protocol 3.5): equal
    /// predecessors, or readings in common. An empty range has nothing in common with anything.
    function exclude(SegmentData calldata x, SegmentData calldata y) internal pure returns (bool) {
        uint256 from = x.firstSeq > y.firstSeq ? x.firstSeq : y.firstSeq;
        uint256 endX = uint256(x.firstSeq) + x.count;
        uint256 endY = uint256(y.firstSeq) + y.count;
        return x.prev == y.prev || from < (endX < endY ? endX : endY);
    }

    /// @notice Hash of that entry as a leaf of the log (protocol 1.1), copied once.
    function leaf(bytes32 segmentDigest, bytes calldata signature) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(LEAF_HEAD, segmentDigest, signature));
    }

    /// @notice Bytes of a secp256k1-signed segment's entry in the log.
    function entry(bytes32 segmentDigest, bytes calldata signature) internal pure returns (bytes memory) {
        return abi.encodePacked(ENTRY_HEAD, segmentDigest, signature);
    }
}
