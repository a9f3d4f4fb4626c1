// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

// Leaves of a statement (protocol 8.9.1), in the order in which they stand.
uint8 constant QUANTITY = 1;
uint8 constant SLOT_TOTAL = 2;
uint8 constant LINE = 3;
uint8 constant ENTRY = 4;
uint8 constant WEIGHTS = 5;

// How a slot's energy is known (protocol 8.8).
uint8 constant METERED = 1;
uint8 constant ESTIMATED = 2;

// What a line pays for (protocol 8.6).
uint8 constant ENERGY_PLAN = 1;
uint8 constant ENERGY_DEVIATION = 2;
uint8 constant NETWORK_PLAN = 3;
uint8 constant NETWORK_DEVIATION = 4;
uint8 constant LEASE_ENERGY = 5;
uint8 constant LEASE_NETWORK = 6;
uint8 constant LEASE_RENT = 7;
uint8 constant LEASE_WEAR = 8;
uint8 constant GRID_ENERGY = 9;
uint8 constant GRID_NETWORK = 10;
uint8 constant POOL_SHARE = 11;
uint8 constant PLATFORM_FEE = 12;
uint8 constant LEASE_SLA = 13; // not judged
uint8 constant LEASE_HANDOVER = 14; // not judged
uint8 constant LEASE_END = 15;

// What a line was computed from (protocol 8.9.1).
uint8 constant INPUT_SCHEDULE_ROW = 1;
uint8 constant INPUT_PRICE_ROW = 2;
uint8 constant INPUT_GAIN = 3;
uint8 constant INPUT_TARIFF_ROW = 4;
uint8 constant INPUT_LEASE = 5;
uint8 constant INPUT_FEE = 6;
uint8 constant INPUT_QUANTITY = 7;
uint8 constant INPUT_SLOT_TOTAL = 8;

uint8 constant DAY_SLOT = 96;

/// A leaf of a day's statement and its siblings up to the root that was posted as `version`.
struct Leaf {
    uint16 version;
    uint8 kind;
    uint32 index;
    bytes body;
    bytes32[] proof;
}

/// A station's energy in a slot, Wh, export positive.
struct QuantityLeaf {
    uint32 station;
    uint8 slot;
    int64 netWh;
    uint8 status;
    bool disputed;
    address device;
    uint16 channel;
    uint64 seqFrom;
    uint64 seqTo;
    uint32 boundaryFrom; // absolute slots between which an estimate was split
    uint32 boundaryTo;
    bytes32 document;
}

/// A group's running sums in a slot after one more station, Wh.
struct SlotTotalLeaf {
    uint32 group;
    uint8 slot;
    uint32 position;
    uint32 count;
    uint32 station;
    int64 importsWh;
    int64 exportsWh;
}

/// One transfer: `account` receives `amountCents` from `counterparty`.
struct LineLeaf {
    uint32 day;
    uint8 slot;
    uint8 kind;
    uint32 account;
    uint32 counterparty;
    uint32 subject;
    uint32 group;
    int64 quantityWh;
    int64 priceCentsPerMwh;
    int64 amountCents;
    bytes32 evidence;
}

/// One side of a line in an account's book, with the balance after it.
struct EntryLeaf {
    uint32 account;
    uint32 group;
    uint32 index;
    uint32 lineLeaf;
    int64 amountCents;
    int64 balanceCents;
}

/// A row of a schedule or rule pack, its place among the document's rows, and its rows entry's place in the log
/// (protocol 4.2). `document` 0 and nothing else: there is no such row.
struct RowProof {
    bytes32 document;
    bytes row;
    uint32 index;
    uint32 size;
    bytes32[] rowProof;
    uint48 entryIndex;
    bytes32[] entryProof;
}

/// What a deviation, or a plan without a planned price, rests on.
struct Metered {
    Leaf[] quantity;
    Leaf[] total; // the last of its group's slot
    RowProof row;
    RowProof tariff;
    RowProof price;
}

/// The two neighbouring leaves between which a pool's book passes from the day's slots to its shares, and the lines that
/// they book. One side may be missing at an end of the statement, a line where its side is of another book.
struct PoolEdge {
    Leaf[] left;
    Leaf[] leftLine;
    Leaf[] right;
    Leaf[] rightLine;
}
