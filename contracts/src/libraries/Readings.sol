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
    function decode(bytes calldata raw) internal pure returns (Reading memory) {
        (bytes32 head, bytes32 tail) = _words(raw);
        return _decode(uint256(head), uint256(tail));
    }

    /// @notice Refuse a reading that does not stand in the segment at index seq − firstSeq.
    function requireIn(
        SegmentData calldata segment,
        Reading memory reading,
        bytes calldata raw,
        bytes32[] calldata proof
    ) internal view {
        (bytes32 head, bytes32 tail) = _words(raw);
        _requireIn(segment, reading, MerkleLog.leaf64(head, tail), proof);
    }

    /// @notice Both at once: the reading that the 64 bytes are, proved to stand in the segment.
    function provenIn(SegmentData calldata segment, bytes calldata raw, bytes32[] calldata proof)
        internal
        view
        returns (Reading memory reading)
    {
        (bytes32 head, bytes32 tail) = _words(raw);
        reading = _decode(uint256(head), uint256(tail));
        _requireIn(segment, reading, MerkleLog.leaf64(head, tail), proof);
    }

    function _words(bytes calldata raw) private pure returns (bytes32 head, bytes32 tail) {
        if (raw.length != LENGTH) revert IAnchorLog.ReadingMalformed(raw.length, 0, 0, 0);
        return (bytes32(raw[:32]), bytes32(raw[32:]));
    }

    function _decode(uint256 head, uint256 tail) private pure returns (Reading memory) {
        (bytes4 magic, uint8 version, uint8 flags) = (bytes4(bytes32(head)), uint8(head >> 216), uint8(head >> 208));
        if (magic != MAGIC || version != FORMAT || flags > KNOWN_FLAGS) {
            revert IAnchorLog.ReadingMalformed(LENGTH, magic, version, flags);
        }
        return Reading({
            flags: flags,
            channel: uint16(head >> 192),
            seq: uint64(head >> 128),
            tMs: uint64(head >> 64),
            a: int32(uint32(head >> 32)),
            b: int32(uint32(head)),
            c: uint64(tail >> 192),
            d: uint64(tail >> 128)
        });
    }

    function _requireIn(SegmentData calldata segment, Reading memory reading, bytes32 leaf, bytes32[] calldata proof)
        private
        view
    {
        (uint16 want, uint16 got) = (segment.channel, reading.channel);
        if (got != want) revert IAnchorLog.ReadingOfAnotherChannel(want, got);
        (uint64 seq, uint64 firstSeq, uint32 count) = (reading.seq, segment.firstSeq, segment.count);
        unchecked {
            if (seq < firstSeq || seq - firstSeq >= count) {
                revert IAnchorLog.ReadingOutsideSegment(firstSeq, count, seq);
            }
            bytes32 root = MerkleLog.inclusionRoot(leaf, seq - firstSeq, count, proof);
            if (root != segment.root) revert IAnchorLog.ReadingNotInSegment(segment.root, root);
        }
    }
}
