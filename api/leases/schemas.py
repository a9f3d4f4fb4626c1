"""Bodies about offers and leases; powers in W, energies in Wh, prices in cents per MWh, slots since 1970 UTC."""

from api.projection import ChainStatus
from api.wire import Cents, Wire


class AskAnswer(Wire):
    """What a party of a lease asked for last: its end at `from_slot`, or with quantities an amendment from there on."""

    member: int
    from_slot: int
    power_w: int | None
    energy_wh: int | None
    term_slots: int | None


class LeaseAnswer(Wire):
    """A lease of a part of a station; `end_slot` is the first slot in which it does not run any more."""

    lease: int
    offer: int
    version: int
    owner: int
    lessee: int
    station: int
    power_w: int
    energy_wh: int
    eta_c_ppm: int
    eta_d_ppm: int
    rent_cents: Cents
    first_slot: int
    term_slots: int
    end_slot: int
    ended_by: int | None
    """Who ended it alone and owes the other party `end_price_cents`; null: both together, or its term."""
    end_price_cents: Cents
    following: int | None
    """The lease that goes on where this one was amended."""
    weekday_mask: int
    day_first_slot: int
    day_slots: int
    wear_price: Cents
    handover_wh: int
    handover_price: Cents
    sla_bp: int
    sla_factor_bp: int
    asks: tuple[AskAnswer, ...]
    chain_status: ChainStatus


class OfferAnswer(Wire):
    """What a station's owner offers."""

    offer: int
    station: int
    power_w: int
    energy_wh: int
    first_slot: int
    term_slots: int
    eta_c_ppm: int
    eta_d_ppm: int
    rent_cents_per_kw_year: Cents
    wear_price: Cents
    handover_wh: int
    handover_price: Cents
    sla_bp: int
    sla_factor_bp: int
    price_version: int
    weekday_mask: int
    day_first_slot: int
    day_slots: int
    end_notice_slots: int
    end_fee_bp: int
    withdrawn: bool
    chain_status: ChainStatus
