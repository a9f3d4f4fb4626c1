// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// What a station's owner offers (protocol 7). Slots are 15 minutes since 1970 UTC; prices are cents per MWh and may be negative.
/// The offer holds in those slots of its term whose local weekday is in `weekdayMask` (bit 0 Monday … bit 6 Sunday) and whose
/// number in the local day lies in [dayFirstSlot, dayFirstSlot + daySlots); 0x7f, 0 and 96 mean always.
struct OfferTerms {
    uint32 stationId;
    uint64 powerW;
    uint64 energyWh;
    uint32 firstSlot;
    uint32 termSlots;
    uint32 etaCPpm; // charging efficiency, parts per million
    uint32 etaDPpm; // discharging efficiency, parts per million
    uint64 rentCentsPerKwYear; // a year is 35,040 slots
    int64 wearPrice; // the lessee pays it for each MWh discharged
    uint64 handoverWh; // content of the energy account when the whole offer is handed over
    int64 handoverPrice;
    uint32 slaBp; // availability owed, basis points
    uint32 slaFactorBp;
    uint32 priceVersion; // which price list the owner quoted
    uint8 weekdayMask;
    uint8 dayFirstSlot;
    uint8 daySlots;
    uint32 endNoticeSlots; // a party alone may end a lease that many slots ahead; 0: only both together
    uint16 endFeeBp; // and then pays the other this part of the rent left, basis points
}

/// How a lease ended before its term did.
struct LeaseEnd {
    uint32 endSlot; // first slot in which it does not run; the term's end if it was not ended early
    uint32 byMember; // who ended it alone and pays the other; 0: both together, or the charter
    uint64 priceCents; // what that costs
}

/// A lease of a part of an offer, as accepted; it never changes (an early end is recorded beside it, an amendment is the early
/// end of one lease and the start of the next, which has the same prices and the next version).
struct Lease {
    uint32 offerId;
    uint16 version;
    uint32 ownerId;
    uint32 lesseeId;
    uint32 stationId;
    uint64 powerW;
    uint64 energyWh;
    uint32 etaCPpm;
    uint32 etaDPpm;
    uint64 rentCents; // of all slots that it holds
    uint32 firstSlot;
    uint32 termSlots;
    int64 wearPrice;
    uint64 handoverWh;
    int64 handoverPrice;
    uint32 slaBp;
    uint32 slaFactorBp;
    uint8 weekdayMask; // the offer's window: it holds in those slots of its term alone
    uint8 dayFirstSlot;
    uint8 daySlots;
}
