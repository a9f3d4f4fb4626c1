// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// Names of the values that the charter's rulebook bounds (protocol 7.6).
bytes32 constant FEE_BP = keccak256("fee_bp"); // the platform's part of a member's certified gain, basis points
bytes32 constant LOSS_PPM = keccak256("loss_ppm"); // loss factor of energy that passes between two connections, parts per million

// Kinds of rule packs.
bytes32 constant TARIFF_PACK = keccak256("tariff");
bytes32 constant GROUPS_PACK = keccak256("groups");

/// What offers of one type of station must keep to (protocol 7.6): the sharing mechanism differs by type.
struct Mechanism {
    uint8 priority; // place among the types, 1 first, recorded (protocol 7.6.2); 0: this type has no mechanism yet
    uint8 metering; // what must measure the station: 1 the billing meter at the connection, 2 the battery's own meter
    uint8 priceRule; // 1 rent by power, 2 rent by power and wear by energy
    uint16 offerableBp; // highest part of what the station could lease that may be on offer, basis points
    uint64 maxRentCentsPerKwYear;
    uint32 minSlaBp; // availability that an offer owes at least, basis points
    uint32 maxTermSlots;
}
