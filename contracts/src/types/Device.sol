// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A device as enrolled (protocol 6).
struct Device {
    uint32 station; // 0: never enrolled
    uint64 enrolledAt; // unix seconds
    uint64 attestedAt; // unix seconds; 0: not yet
    address attestor;
}

/// A channel's binding to a station, from `fromTime` (inclusive) to `toTime` (exclusive; 0: open), unix seconds.
struct ChannelBinding {
    uint8 kind; // 1 meter, 2 battery; 0: never bound
    uint32 station;
    uint64 fromTime;
    uint64 toTime;
}

/// A key that may sign a device's segments.
struct SignerRecord {
    uint64 confirmedAt; // unix seconds; 0: never
    uint64 validTo; // unix seconds, exclusive
    uint48 compromisedSince; // epoch + 1 from which the key is disputed; 0: not
    uint8 alg; // 1 secp256k1, 2 P-256, 3 Ed25519; 0: never confirmed
}
