"""`CapacityLease` (protocol 7): call data for offers and leases, and what its views say.

Slots are absolute (15 minutes since 1970 UTC), prices cents per MWh, efficiencies parts per million.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alliance.identity import LeaseId, MemberId, StationId
from alliance.lease import Lease
from chain.abi import Function
from chain.contract import DeployedContract
from chain.rpc import BlockTag

_RIGHTS = "uint32,uint64,uint64,uint32,uint32,uint32,uint32,uint64"
OFFER_TERMS = f"({_RIGHTS},int64,uint64,int64,uint32,uint32,uint32,uint8,uint8,uint8,uint32,uint16)"
_PARTIES = "uint32,uint16,uint32,uint32,uint32"
LEASE = (
    f"({_PARTIES},uint64,uint64,uint32,uint32,uint64,uint32,uint32,int64,uint64,int64,uint32,uint32,uint8,uint8,uint8)"
)

_SET_OWN_NEED = Function("setOwnNeed", "(uint32,uint64,uint64)")
_OFFER = Function("offer", f"({OFFER_TERMS})")
_WITHDRAW_OFFER = Function("withdrawOffer", "(uint32)")
_ACCEPT = Function("accept", "(uint32,uint64,uint64,uint32,uint32)")
_END_EARLY = Function("endEarly", "(uint32,uint32)")
_END_ALONE = Function("endAlone", "(uint32,uint32)", "(uint64)")
_AMEND = Function("amend", "(uint32,uint64,uint64,uint32,uint32)", "(uint32)")
_LEASE = Function("lease", "(uint32)", f"({LEASE})")
_LEASE_END = Function("leaseEnd", "(uint32)", "(uint32)")
_END_OF = Function("endOf", "(uint32)", "((uint32,uint32,uint64))")
_RENT_UNTIL = Function("rentUntil", "(uint32,uint32)", "(uint64)")
_HOLDS_IN = Function("holdsIn", "(uint32,uint32)", "(bool)")
_LIVE_LEASE_OF = Function("liveLeaseOf", "(uint32)", "(uint32)")
_OFFER_TERMS = Function("offerTerms", "(uint32)", f"({OFFER_TERMS},bool)")
_LIVE_LEASES = Function("liveLeases", "(uint32)", "(uint32[])")
_LIVE_OFFERS = Function("liveOffers", "(uint32)", "(uint32[])")
_LEASED_AT = Function("leasedAt", "(uint32,uint32)", "(uint256,uint256)")
_OFFERED_AT = Function("offeredAt", "(uint32,uint32)", "(uint256,uint256)")
_LEASABLE = Function("leasable", "(uint32)", "(uint64,uint64)")
_OWN_NEED = Function("ownNeed", "(uint32)", "(uint64,uint64)")
_LEASE_COUNT = Function("leaseCount", "()", "(uint32)")
_OFFER_COUNT = Function("offerCount", "()", "(uint32)")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTerms:
    """What a station's owner offers; by default in every slot of every day of its term."""

    station: StationId
    power_w: int
    energy_wh: int
    first_slot: int
    term_slots: int
    eta_c_ppm: int
    eta_d_ppm: int
    rent_cents_per_kw_year: int
    """A year is 35,040 slots."""
    wear_price: int
    """What the lessee pays for each MWh that it discharges."""
    handover_wh: int
    handover_price: int
    sla_bp: int
    sla_factor_bp: int
    price_version: int
    weekday_mask: int = 0x7F
    """Bit 0 is Monday, local."""
    day_first_slot: int = 0
    day_slots: int = 96
    end_notice_slots: int = 0
    """A party alone may end a lease that many slots ahead; 0: only both together."""
    end_fee_bp: int = 0
    """And then pays the other this part of the rent left."""

    @property
    def words(self) -> tuple[int, ...]:
        """The fields in the order of the contract's struct."""
        return (
            self.station, self.power_w, self.energy_wh, self.first_slot, self.term_slots, self.eta_c_ppm,
            self.eta_d_ppm, self.rent_cents_per_kw_year, self.wear_price, self.handover_wh, self.handover_price,
            self.sla_bp, self.sla_factor_bp, self.price_version, self.weekday_mask, self.day_first_slot,
            self.day_slots, self.end_notice_slots, self.end_fee_bp,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEnd:
    """How a lease ended or will end: `end_slot` is the first slot in which it does not run."""

    end_slot: int
    by: MemberId | None
    """Who ended it alone and pays the other party; None: both together, the charter, or its term."""
    price_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityShare:
    """Power and energy together, as offers and leases count them."""

    power_w: int
    energy_wh: int


def offer_terms(words: Sequence[Any]) -> OfferTerms:
    """The contract's struct as a value."""
    (
        station, power, energy, first, term, eta_c, eta_d, rent, wear, handover, handover_price, sla, sla_factor,
        version, weekdays, day_first, day_slots, end_notice, end_fee,
    ) = words  # fmt: skip
    return OfferTerms(
        station=StationId(station), power_w=power, energy_wh=energy, first_slot=first, term_slots=term,
        eta_c_ppm=eta_c, eta_d_ppm=eta_d, rent_cents_per_kw_year=rent, wear_price=wear, handover_wh=handover,
        handover_price=handover_price, sla_bp=sla, sla_factor_bp=sla_factor, price_version=version,
        weekday_mask=weekdays, day_first_slot=day_first, day_slots=day_slots, end_notice_slots=end_notice,
        end_fee_bp=end_fee,
    )  # fmt: skip


def lease(number: LeaseId, words: Sequence[Any]) -> Lease:
    """The contract's struct as the rules' value, under its number; the offer's number is left out."""
    (
        _, version, owner, lessee, station, power, energy, eta_c, eta_d, rent, first, term, wear, handover,
        handover_price, sla, sla_factor, weekdays, day_first, day_slots,
    ) = words  # fmt: skip
    return Lease(
        number=number, version=version, owner=MemberId(owner), lessee=MemberId(lessee), station=StationId(station),
        power_w=power, energy_wh=energy, eta_c_ppm=eta_c, eta_d_ppm=eta_d, rent_cents=rent, first_slot=first,
        term_slots=term, wear_price=wear, handover_wh=handover, handover_price=handover_price, sla_bp=sla,
        sla_factor_bp=sla_factor, weekday_mask=weekdays, day_first_slot=day_first, day_slots=day_slots,
    )  # fmt: skip


def set_own_need(station: StationId, *, power_w: int, energy_wh: int) -> bytes:
    """Keep a part of one's station out of reach of later offers."""
    return _SET_OWN_NEED.encode(station, power_w, energy_wh)


def offer(terms: OfferTerms) -> bytes:
    """Offer a part of one's station."""
    return _OFFER.encode(terms.words)


def withdraw_offer(number: int) -> bytes:
    """Take no more leases on one's offer."""
    return _WITHDRAW_OFFER.encode(number)


def accept(number: int, *, power_w: int, energy_wh: int, first_slot: int, term_slots: int) -> bytes:
    """Lease a part of another member's offer."""
    return _ACCEPT.encode(number, power_w, energy_wh, first_slot, term_slots)


def end_early(number: LeaseId, *, end_slot: int) -> bytes:
    """Ask that a lease ends at a slot; it does once both parties asked for the same."""
    return _END_EARLY.encode(number, end_slot)


def end_alone(number: LeaseId, *, end_slot: int) -> bytes:
    """End a lease alone, with the notice and at the price that its offer named."""
    return _END_ALONE.encode(number, end_slot)


def amend(number: LeaseId, *, power_w: int, energy_wh: int, first_slot: int, term_slots: int) -> bytes:
    """Ask for other quantities or another term from a slot on; it is so once both parties asked for the same."""
    return _AMEND.encode(number, power_w, energy_wh, first_slot, term_slots)


class CapacityLease(DeployedContract):
    """The lease book's views, each at a block; they raise as `DeployedContract.ask`."""

    def lease(self, number: LeaseId, *, tag: BlockTag = "latest") -> Lease:
        """A lease as accepted. Raises Reverted (LeaseUnknown)."""
        return lease(number, self.ask(_LEASE, number, tag=tag)[0])

    def lease_end(self, number: LeaseId, *, tag: BlockTag = "latest") -> int:
        """First slot in which a lease does not run any more."""
        return int(self.ask(_LEASE_END, number, tag=tag)[0])

    def end_of(self, number: LeaseId, *, tag: BlockTag = "latest") -> LeaseEnd:
        """How a lease ended or will end. Raises Reverted (LeaseUnknown)."""
        end_slot, by, price = self.ask(_END_OF, number, tag=tag)[0]
        return LeaseEnd(end_slot=end_slot, by=MemberId(by) or None, price_cents=price)

    def rent_until_cents(self, number: LeaseId, slot: int, *, tag: BlockTag = "latest") -> int:
        """The rent of a lease's held slots before an absolute slot. Raises Reverted (LeaseUnknown)."""
        return int(self.ask(_RENT_UNTIL, number, slot, tag=tag)[0])

    def holds_in(self, number: LeaseId, slot: int, *, tag: BlockTag = "latest") -> bool:
        """Whether a lease holds in an absolute slot, an early end counted."""
        return bool(self.ask(_HOLDS_IN, number, slot, tag=tag)[0])

    def live_lease_of(self, member: MemberId, *, tag: BlockTag = "latest") -> LeaseId | None:
        """A lease that is not over in which a member is owner or lessee; None if there is none."""
        return LeaseId(self.ask(_LIVE_LEASE_OF, member, tag=tag)[0]) or None

    def offer(self, number: int, *, tag: BlockTag = "latest") -> tuple[OfferTerms, bool]:
        """An offer's terms and whether it was withdrawn. Raises Reverted (OfferUnknown)."""
        words, withdrawn = self.ask(_OFFER_TERMS, number, tag=tag)
        return offer_terms(words), bool(withdrawn)

    def live_leases(self, offer_number: int, *, tag: BlockTag = "latest") -> tuple[LeaseId, ...]:
        """An offer's leases that are not over, in order of acceptance."""
        return tuple(map(LeaseId, self.ask(_LIVE_LEASES, offer_number, tag=tag)[0]))

    def live_offers(self, station: StationId, *, tag: BlockTag = "latest") -> tuple[int, ...]:
        """A station's offers that still count against it."""
        return tuple(self.ask(_LIVE_OFFERS, station, tag=tag)[0])

    def leased_at(self, offer_number: int, slot: int, *, tag: BlockTag = "latest") -> CapacityShare:
        """What an offer's leases take in a slot."""
        return self._share(_LEASED_AT, offer_number, slot, tag=tag)

    def offered_at(self, station: StationId, slot: int, *, tag: BlockTag = "latest") -> CapacityShare:
        """What a station's live offers take in a slot."""
        return self._share(_OFFERED_AT, station, slot, tag=tag)

    def leasable(self, station: StationId, *, tag: BlockTag = "latest") -> CapacityShare:
        """What a station's offers may reach together."""
        return self._share(_LEASABLE, station, tag=tag)

    def own_need(self, station: StationId, *, tag: BlockTag = "latest") -> CapacityShare:
        """What a station's owner keeps."""
        return self._share(_OWN_NEED, station, tag=tag)

    def lease_count(self, *, tag: BlockTag = "latest") -> int:
        """How many leases were accepted."""
        return int(self.ask(_LEASE_COUNT, tag=tag)[0])

    def offer_count(self, *, tag: BlockTag = "latest") -> int:
        """How many offers were made."""
        return int(self.ask(_OFFER_COUNT, tag=tag)[0])

    def _share(self, function: Function, *values: int, tag: BlockTag) -> CapacityShare:
        power_w, energy_wh = self.ask(function, *values, tag=tag)
        return CapacityShare(power_w=power_w, energy_wh=energy_wh)
