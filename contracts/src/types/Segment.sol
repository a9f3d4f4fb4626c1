// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// What a device signs: up to 60 contiguous readings of one channel under one Merkle root (protocol 3).
struct SegmentData {
    address device;
    uint16 channel;
    uint64 firstSeq;
    uint32 count;
    uint64 tFirst; // ms, of the first reading
    uint64 tLast; // ms, of the last reading
    bytes32 root; // RFC 9162 SHA-256 root of the readings
    bytes32 prev; // digest of the stream's previous segment, 0 for the first
    uint64 beaconBlock;
    bytes32 beaconHash;
}

/// A segment with its secp256k1 signature of 64 bytes (EIP-2098, low s).
struct SignedSegment {
    SegmentData segment;
    bytes signature;
}

/// A reading as its 64 bytes say (protocol 2), its salt left out.
struct Reading {
    uint8 flags; // 1 clock unsynchronised, 2 register reset, 4 value substituted
    uint16 channel;
    uint64 seq;
    uint64 tMs; // the device's clock, UTC milliseconds
    int32 a; // power_w, positive out of the station
    int32 b; // a meter's reactive_var, or a battery's soc_bp · 2^16 + soh_bp
    uint64 c; // import_wh or charge_wh, cumulative
    uint64 d; // export_wh or discharge_wh, cumulative
}

/// Everything that `AnchorLog.prove` needs of one reading.
struct ReadingProof {
    bytes reading; // the 64 bytes
    bytes32[] readingProof; // inclusion in the segment's root, leaf index = seq − firstSeq
    SignedSegment signed;
    uint48 entryIndex; // of the segment's entry in the log
    bytes32[] entryProof; // inclusion in the live root at the live size
}
