// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// A station as its owner registers it (protocol 7). All powers are magnitudes, watts.
struct StationSpec {
    uint8 stationType; // 1 grid side, 2 source side, 3 user side, 4 third party
    uint32 region; // GB/T 2260 code of the county or district
    uint64 chargePowerW;
    uint64 dischargePowerW;
    uint64 capacityWh; // usable energy; 0 for a site without storage
    uint64 pccImportW; // highest power into the site that its connection allows
    uint64 pccExportW; // highest power out of the site that its connection allows
}

/// Where a member stands (protocol 7).
enum MemberStatus {
    None,
    Applied,
    Admitted,
    Suspended,
    Left,
    Leaving, // off the roster; obligations of its days remain
    Moved // an account that its member left for another
}
