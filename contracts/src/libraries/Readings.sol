// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IAnchorLog} from "../interfaces/IAnchorLog.sol";
import {Reading, SegmentData} from "../types/Segment.sol";
import {MerkleLog} from "./MerkleLog.sol";

/// @title A reading's 64 bytes and its place in a segment (protocol 2 and 3)
library Readings {
    uint256 private constant LENGTH = 64;
    bytes4 private constant MAGIC = "SAR1";
    uint8 private constant FORMAT = 1;
    uint8 private constant KNOWN_FLAGS = 7;

    /// @notice Read the 64 bytes. Refuses unknown magic, versions, flags and lengths.
    function decode(bytes calldata raw) internal pure returns (Reading memory reading) {
        if (raw.length != LENGTH) revert IAnchorLog.ReadingMalformed(raw.length, 0, 0, 0);
        (bytes4 magic, uint8 version, uint8 flags) = (bytes4(raw[:4]), uint8(raw[4]), uint8(raw[5]));
        if (magic != MAGIC || version != FORMAT || flags > KNOWN_FLAGS) {
            revert IAnchorLog.ReadingMalformed(raw.length, magic, version, flags);
        }
        reading.flags = flags;
        reading.channel = uint16(bytes2(raw[6:8]));
        reading.seq = uint64(bytes8(raw[8:16]));
        reading.tMs = uint64(bytes8(raw[16:24]));
        reading.a = int32(uint32(bytes4(raw[24:28])));
        reading.b = int32(uint32(bytes4(raw[28:32])));
        reading.c = uint64(bytes8(raw[32:40]));
        reading.d = uint64(bytes8(raw[40:48]));
    }

    /// @notice Refuse a reading that does not stand in the segment at index seq − firstSeq.
    function requireIn(
        SegmentData calldata segment,
        Reading memory reading,
        bytes calldata raw,
        bytes32[] calldata proof
    ) internal pure {
        if (reading.channel != segment.channel) {
            revert IAnchorLog.ReadingOfAnotherChannel(segment.channel, reading.channel);
        }
        if (reading.seq < segment.firstSeq || reading.seq - segment.firstSeq >= segment.count) {
            revert IAnchorLog.ReadingOutsideSegment(segment.firstSeq, segment.count, reading.seq);
        }
        uint256 index = reading.seq - segment.firstSeq;
        bytes32 root = MerkleLog.inclusionRoot(MerkleLog.leaf(raw), index, segment.count, proof);
        if (root != segment.root) revert IAnchorLog.ReadingNotInSegment(segment.root, root);
    }
}
