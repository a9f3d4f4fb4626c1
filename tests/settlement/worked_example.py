"""The worked example of protocol 8.12 as a whole day: slots 0…3 are t1…t4, all others are empty.

The lease began two slots before the day (k = 2 in t1) and was ended early after t4, so that it has exactly four slots.
"""

from alliance.calendar import SLOTS_A_DAY, Day, day_of
from alliance.fleet import BillingGroup, Station, StationType
from alliance.identity import Address, Digest, GroupId, LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd, Lease
from alliance.quantity import Stream, TimedReading, station_quantities
from alliance.reading import Reading
from alliance.schedule import GainRow, LeaseRow, PriceRow, Schedule, ScheduleKind, ScheduleRow
from alliance.settlement import AnchoredSchedule, AnchoredTariff, Availability, EffectivePlan, SettlementInputs
from alliance.statement import Quantity
from alliance.tariff import Tariff, TariffSlot

DAY: Day = day_of("2026-07-01")
A, B, C = MemberId(1), MemberId(2), MemberId(3)
STATION = {A: StationId(1), B: StationId(2), C: StationId(3)}
GROUP = GroupId(1)
LEASE = LeaseId(1)
ALLIANCE = bytes.fromhex("a1" * 32)
SCHEDULE, PACK, AVAILABILITY = (Digest(bytes([n]) * 32) for n in (0x51, 0x52, 0x53))

BUY = (46340, 73900, 107820, 107820)
NETWORK = (2927, 3478, 4156, 4156)
SELL = 39100
POOL_PRICE = (39100, 70422, 89884, 89884)
ADDERS = {A: (2927, 3478, 0, 0), B: (2927, 3478, 4156, 4156), C: (0, 0, 0, 0)}
PLANNED = {
    A: (-125000, -79849, 65000, 119874),
    B: (-80000, -90000, -150000, -160000),
    C: (235000, 125000, 85000, 40124),
}
LEASED = (-50000, -50000, 45375, 44874)
ACCOUNT = (67500, 115000, 67236, 20000)
NET = {
    A: (-125100, -79900, 55000, 119700),
    B: (-81200, -88750, -162300, -155400),
    C: (170000, 106400, 102601, 41300),
}
"""With C's true register at the end of t2; without it t2 and t3 are 104,501 and 104,500."""

LEASE_TERMS = Lease(
    number=LEASE,
    version=1,
    owner=A,
    lessee=B,
    station=STATION[A],
    power_w=200_000,
    energy_wh=400_000,
    eta_c_ppm=950_000,
    eta_d_ppm=950_000,
    rent_cents=4_000_000,
    first_slot=DAY.first_slot - 2,
    term_slots=35_040,
    wear_price=8_000,
    handover_wh=20_000,
    handover_price=30_000,
    sla_bp=9_800,
    sla_factor_bp=15_000,
)

GAINS = {A: 2390, B: 3588, C: 9718}
WITHOUT_STORAGE = {A: 0, B: 42_000, C: -18_000}
PLANNED_COST = {A: -3_000, B: 36_000, C: -29_000}


def schedule() -> Schedule:
    """The day-ahead plan of the example's four slots."""
    return Schedule(
        alliance=ALLIANCE,
        day=DAY,
        kind=ScheduleKind.DAY_AHEAD,
        revision=0,
        first_slot=0,
        groups=((GROUP, tuple(STATION.values())),),
        rows=tuple(_row(member, slot) for member in STATION for slot in range(4)),
        prices=tuple(
            PriceRow(
                group=GROUP,
                slot=slot,
                pool_price=POOL_PRICE[slot],
                adders=tuple((STATION[m], ADDERS[m][slot]) for m in STATION),
            )
            for slot in range(4)
        ),
        gains=tuple(
            GainRow(
                member=m,
                apart_cost_cents=PLANNED_COST[m] + gain,
                planned_cost_cents=PLANNED_COST[m],
                gain_cents=gain,
                without_storage_cost_cents=WITHOUT_STORAGE[m],
            )
            for m, gain in GAINS.items()
        ),
        certified_gap_ppm=10,
    )


def _row(member: MemberId, slot: int) -> ScheduleRow:
    leased = (LeaseRow(lease=LEASE, holder=B, planned_wh=LEASED[slot]),) if member == A else ()
    return ScheduleRow(
        station=STATION[member],
        slot=slot,
        planned_net_wh=PLANNED[member][slot],
        battery_wh=PLANNED[member][slot],
        net_load_wh=0,
        lessees=leased,
    )


def streams(member: MemberId, *, without_boundary: int | None = None) -> tuple[Stream, ...]:
    """A meter's readings on each slot boundary of the day, one of which may have got lost."""
    imported = exported = 1_000_000 * member
    readings = []
    for boundary in range(SLOTS_A_DAY + 1):
        if boundary != without_boundary:
            reading = Reading(
                channel=1,
                seq=boundary,
                t_ms=DAY.slot_start_ms(boundary),
                a=0,
                b=0,
                c=imported,
                d=exported,
                salt=bytes(16),
            )
            readings.append(TimedReading(reading=reading, effective_ms=reading.t_ms))
        net = NET[member][boundary] if boundary < 4 else 0
        imported, exported = imported + max(0, -net), exported + max(0, net)
    return (Stream(device=Address(bytes([member]) * 20), channel=1, readings=tuple(readings)),)


def quantities(*, complete: bool) -> tuple[Quantity, ...]:
    """What the three meters give; C's register at the end of t2 is missing unless `complete`."""
    anchored = AnchoredSchedule(digest=SCHEDULE, schedule=schedule())
    plan = EffectivePlan(dict.fromkeys(range(SLOTS_A_DAY), anchored))
    return tuple(
        quantity
        for member, station in STATION.items()
        for quantity in station_quantities(
            station,
            day=DAY,
            streams=streams(member, without_boundary=None if complete or member != C else 2),
            planned_net_wh=plan.planned_net_wh(station),
        )
    )


def tariff() -> Tariff:
    """The example's four slots; the last one's prices for the rest of the day."""
    slots = tuple(TariffSlot(buy_price=b, sell_price=SELL, network_price=w) for b, w in zip(BUY, NETWORK, strict=True))
    return Tariff(pack="worked-example", slots=slots + slots[-1:] * (SLOTS_A_DAY - 4))


def inputs(*, complete: bool) -> SettlementInputs:
    """Everything that enters the example's statement."""
    anchored = AnchoredSchedule(digest=SCHEDULE, schedule=schedule())
    return SettlementInputs(
        alliance=ALLIANCE,
        day=DAY,
        roster=(A, B, C),
        stations=tuple(_station(m) for m in STATION),
        groups=(BillingGroup(number=GROUP, stations=tuple(STATION.values())),),
        tariffs={GROUP: AnchoredTariff(tariff=tariff(), pack=PACK)},
        leases=(LEASE_TERMS,),
        effective=dict.fromkeys(range(SLOTS_A_DAY), anchored),
        quantities=quantities(complete=complete),
        day_ahead=anchored,
        fee_bp=500,
        fee_pack=PACK,
        log_size=1000 if complete else 990,
        logged=frozenset({SCHEDULE, PACK}),
        early_ends={LEASE: EarlyEnd(end_slot=DAY.first_slot + 4)},
        availability={LEASE: Availability(available_bp=9_900, slots=AVAILABILITY)},
        closing_account_wh={LEASE: ACCOUNT[-1]},
    )


def _station(member: MemberId) -> Station:
    return Station(
        number=STATION[member],
        owner=member,
        station_type={A: StationType.THIRD_PARTY, B: StationType.USER_SIDE, C: StationType.SOURCE_SIDE}[member],
        region=320703,
        charge_power_w=1_000_000,
        discharge_power_w=1_000_000,
        capacity_wh=2_000_000,
        pcc_import_w=2_000_000,
        pcc_export_w=2_000_000,
    )
