"""A lease of shared capacity, as `CapacityLease` records it (protocol 7)."""

from dataclasses import dataclass

from alliance.calendar import SLOTS_A_DAY, Day
from alliance.identity import LeaseId, MemberId, StationId

_ZONE_SLOTS = 32
"""A local day begins so many slots before that of UTC (protocol 1.3)."""
_EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday; 0 is Monday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A part of a station that its owner lets another member use: power and energy, in recurring slots of a term.

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
    """Rent of all slots that it holds in, paid slot by slot."""
    first_slot: int
    term_slots: int
    wear_price: int
    """What the lessee pays the owner for each MWh that it discharges."""
    handover_wh: int
    """Content of the lessee's energy account when the lease begins."""
    handover_price: int
    sla_bp: int
    sla_factor_bp: int
    weekday_mask: int = 0x7F
    """Local weekdays on which it holds, bit 0 Monday; with the two that follow: in which slots of its term."""
    day_first_slot: int = 0
    day_slots: int = 96

    @property
    def held_slots(self) -> int:
        """How many slots of its term it holds in."""
        return self.slots_passed(self.first_slot + self.term_slots)

    def slots_passed(self, absolute_slot: int) -> int:
        """How many of the slots that it holds in lie before an absolute slot: 0…held_slots."""
        end = min(max(absolute_slot, self.first_slot), self.first_slot + self.term_slots)
        return self._held_before(end) - self._held_before(self.first_slot)

    def holds(self, absolute_slot: int) -> bool:
        """Whether it holds in an absolute slot: within its term, on its weekdays, in its hours; an early end apart."""
        return 0 <= absolute_slot - self.first_slot < self.term_slots and self._on_time(absolute_slot)

    def active_in(self, day: Day, slot: int) -> bool:
        """Whether the lease holds in slot 0…95 of a day, an early end apart."""
        return self.holds(day.first_slot + slot)

    def other_party(self, member: MemberId) -> MemberId:
        """The party that is not `member`."""
        return self.lessee if member == self.owner else self.owner

    def _held_before(self, absolute_slot: int) -> int:
        """How many slots since 1970 its weekdays and hours would hold before an absolute slot, its term left aside."""
        day, slot = divmod(absolute_slot + _ZONE_SLOTS, SLOTS_A_DAY)
        weeks, rest = divmod(day, 7)
        days = weeks * self.weekday_mask.bit_count() + sum(map(self._on_weekday, range(rest)))
        today = min(max(slot - self.day_first_slot, 0), self.day_slots) if self._on_weekday(day) else 0
        return days * self.day_slots + today

    def _on_time(self, absolute_slot: int) -> bool:
        day, slot = divmod(absolute_slot + _ZONE_SLOTS, SLOTS_A_DAY)
        return self._on_weekday(day) and 0 <= slot - self.day_first_slot < self.day_slots

    def _on_weekday(self, day: int) -> bool:
        return bool(self.weekday_mask >> (day + _EPOCH_WEEKDAY) % 7 & 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyEnd:
    """How a lease ended before its term did, as `CapacityLease` records it (protocol 7.2.2)."""

    end_slot: int
    """First absolute slot in which it does not run any more."""
    by: MemberId | None = None
    """Who ended it alone and pays the other party; None: both together, or the Charter."""
    price_cents: int = 0
