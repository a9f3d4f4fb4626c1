"""A lease of shared capacity, as `CapacityLease` records it (protocol 7)."""

from dataclasses import dataclass

from alliance.calendar import Day
from alliance.identity import LeaseId, MemberId, StationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A part of a station that its owner lets another member use: power and energy, for whole slots.

    Prices are cents per MWh, efficiencies parts per million; `first_slot` counts 15-minute slots since 1970 UTC.
    """

    number: LeaseId
    version: int
    owner: MemberId
    lessee: MemberId
    station: StationId
    power_w: int
    energy_wh: int
    eta_c_ppm: int
    eta_d_ppm: int
    rent_cents: int
    """Rent of the whole term, paid slot by slot."""
    first_slot: int
    term_slots: int
    wear_price: int
    """What the lessee pays the owner for each MWh that it discharges."""
    handover_wh: int
    """Content of the lessee's energy account when the lease begins."""
    handover_price: int
    sla_bp: int
    sla_factor_bp: int

    def slots_passed(self, absolute_slot: int) -> int:
        """How many of the term's slots lie before an absolute slot: 0…term_slots."""
        return min(max(absolute_slot - self.first_slot, 0), self.term_slots)

    def active_in(self, day: Day, slot: int) -> bool:
        """Whether the lease runs in slot 0…95 of a day."""
        return 0 <= day.first_slot + slot - self.first_slot < self.term_slots
