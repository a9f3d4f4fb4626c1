"""Random days for the invariants of protocol 8.10: any members, stations, groups, leases and flows that the rules allow."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

from hypothesis import strategies as st

from alliance.calendar import SLOTS_A_DAY, Day, day_of
from alliance.errors import AllianceError
from alliance.fleet import BillingGroup, Station, StationType
from alliance.identity import Digest, GroupId, LeaseId, MemberId, StationId
from alliance.lease import Lease
from alliance.schedule import GainRow, LeaseRow, PriceRow, Schedule, ScheduleKind, ScheduleRow
from alliance.settlement import (
    AnchoredSchedule,
    AnchoredTariff,
    Availability,
    SettlementInputs,
    network_price,
)
from alliance.statement import Quantity, QuantityStatus
from alliance.tariff import Tariff, TariffSlot

DAY: Day = day_of("2026-03-31")
SCHEDULE, PACK, SLOTS_SHOWN = (Digest(bytes([n]) * 32) for n in (1, 2, 3))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a random day is made: small enough to print when a law fails on it."""

    seed: int
    members: int
    stations: int
    groups: int
    leases: int
    active: int
    priced: bool

    def day(self) -> SettlementInputs:
        """The day itself."""
        shape = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "seed"}
        return random_day(random.Random(self.seed), **shape)


def recipes(*, active: int | None = None, priced: bool = True) -> st.SearchStrategy[Recipe]:
    """Settleable days. `active` slots carry flows (a few by default); without `priced` some have no price row."""
    return st.builds(
        Recipe,
        seed=st.integers(0, 2**32),
        members=st.integers(1, 4),
        stations=st.integers(1, 5),
        groups=st.integers(1, 2),
        leases=st.integers(0, 2),
        active=st.just(active) if active else st.integers(1, 3),
        priced=st.just(priced),
    )


def sampled(count: int = 40, *, active: int = 4, seed: int = 7) -> Iterator[SettlementInputs]:
    """The same days every time: what a control is tried on."""
    for number in range(count):
        rng = random.Random(1000 * seed + number)
        yield random_day(rng, members=3, stations=4, groups=1 + number % 2, leases=2, active=active)


def breaks(law: Callable[[SettlementInputs], None], *, cases: Iterator[SettlementInputs] | None = None) -> bool:
    """Whether a law fails on any of the sampled days: what every control must show."""
    for inputs in cases or sampled():
        try:
            law(inputs)
        except (AssertionError, AllianceError):
            return True
    return False


def random_day(
    rng: random.Random,
    *,
    members: int,
    stations: int,
    groups: int,
    leases: int,
    active: int,
    priced: bool = True,
) -> SettlementInputs:
    """A day whose flows, prices and leases are drawn from `rng`, inside the rules."""
    roster = tuple(MemberId(n) for n in sorted(rng.sample(range(1, 9), members)))
    fleet = tuple(_station(StationId(n), rng.choice(roster)) for n in range(1, stations + 1))
    grouped = _groups(rng, fleet, groups)
    leased = tuple(_leases(rng, fleet, roster, leases))
    slots = sorted(rng.sample(range(SLOTS_A_DAY), active))
    tariffs = {g.number: AnchoredTariff(tariff=_tariff(rng), pack=PACK) for g in grouped}
    rows = tuple(_row(rng, s.number, slot, leased) for s in fleet for slot in slots)
    prices = tuple(
        _price_row(rng, g, slot, tariffs[g.number].tariff.slots[slot], rows)
        for g in grouped
        for slot in slots
        if priced or rng.random() < 0.7
    )
    anchored = AnchoredSchedule(digest=SCHEDULE, schedule=_schedule(grouped, rows, prices, _gains(rng, roster)))
    return SettlementInputs(
        alliance=bytes(32),
        day=DAY,
        roster=roster,
        stations=fleet,
        groups=grouped,
        tariffs=tariffs,
        leases=leased,
        effective=dict.fromkeys(range(SLOTS_A_DAY), anchored),
        quantities=tuple(_quantities(rng, fleet, rows)),
        day_ahead=anchored,
        fee_bp=rng.choice((0, 500, 10_000)),
        fee_pack=PACK,
        log_size=rng.randrange(10**6),
        logged=frozenset({SCHEDULE, PACK}),
        availability={x.number: Availability(available_bp=rng.randrange(10_001), slots=SLOTS_SHOWN) for x in leased},
        closing_account_wh={x.number: rng.randrange(x.energy_wh + 1) for x in leased},
    )


def shuffled(inputs: SettlementInputs, rng: random.Random) -> SettlementInputs:
    """The same facts, arrived in another order."""
    schedule = inputs.effective[0].schedule
    mixed = AnchoredSchedule(
        digest=SCHEDULE,
        schedule=replace(
            schedule,
            rows=_mixed(rng, schedule.rows),
            prices=_mixed(rng, schedule.prices),
            gains=_mixed(rng, schedule.gains),
        ),
    )
    groups = tuple(replace(g, stations=_mixed(rng, g.stations)) for g in inputs.groups)
    return replace(
        inputs,
        stations=_mixed(rng, inputs.stations),
        groups=_mixed(rng, groups),
        leases=_mixed(rng, inputs.leases),
        quantities=_mixed(rng, inputs.quantities),
        effective=dict.fromkeys(_mixed(rng, tuple(inputs.effective)), mixed),
        tariffs=dict(_mixed(rng, tuple(inputs.tariffs.items()))),
        day_ahead=mixed,
    )


def with_net(inputs: SettlementInputs, changed: dict[tuple[StationId, int], int]) -> SettlementInputs:
    """The same day with other energies at some meters, Wh."""
    return replace(
        inputs,
        quantities=tuple(replace(q, net_wh=changed.get((q.station, q.slot), q.net_wh)) for q in inputs.quantities),
    )


def _mixed(rng: random.Random, items: tuple) -> tuple:
    return tuple(rng.sample(items, len(items)))


def _station(number: StationId, owner: MemberId) -> Station:
    return Station(
        number=number,
        owner=owner,
        station_type=StationType.USER_SIDE,
        region=320703,
        charge_power_w=10**6,
        discharge_power_w=10**6,
        capacity_wh=2 * 10**6,
        pcc_import_w=10**7,
        pcc_export_w=10**7,
    )


def _groups(rng: random.Random, fleet: tuple[Station, ...], groups: int) -> tuple[BillingGroup, ...]:
    numbers = [s.number for s in fleet]
    cut = rng.randrange(1, len(numbers)) if groups == 2 and len(numbers) > 1 else len(numbers)
    halves = [half for half in (numbers[:cut], numbers[cut:]) if half]
    return tuple(BillingGroup(number=GroupId(n), stations=tuple(h)) for n, h in enumerate(halves, start=1))


def _leases(
    rng: random.Random, fleet: tuple[Station, ...], roster: tuple[MemberId, ...], leases: int
) -> Iterator[Lease]:
    for number in range(1, leases + 1):
        station = rng.choice(fleet)
        others = [m for m in roster if m != station.owner]
        if not others:
            return
        yield Lease(
            number=LeaseId(number),
            version=1,
            owner=station.owner,
            lessee=rng.choice(others),
            station=station.number,
            power_w=400_000,
            energy_wh=800_000,
            eta_c_ppm=rng.randrange(850_000, 1_000_001),
            eta_d_ppm=rng.randrange(850_000, 1_000_001),
            rent_cents=rng.randrange(10**7),
            first_slot=DAY.first_slot + rng.randrange(-200, 90),
            term_slots=rng.randrange(200, 3_000) if rng.random() < 0.7 else rng.randrange(1, 50),
            wear_price=rng.randrange(20_000),
            handover_wh=rng.randrange(800_001),
            handover_price=rng.randrange(60_000),
            sla_bp=9_800,
            sla_factor_bp=15_000,
        )


def _tariff(rng: random.Random) -> Tariff:
    slots = []
    for _ in range(SLOTS_A_DAY):
        sell, network = rng.randrange(-20_000, 60_000), rng.randrange(6_000)
        buy = sell + network + rng.choice((0, rng.randrange(80_000)))
        slots.append(TariffSlot(buy_price=buy, sell_price=sell, network_price=network))
    return Tariff(pack="random", slots=tuple(slots))


def _row(rng: random.Random, station: StationId, slot: int, leases: tuple[Lease, ...]) -> ScheduleRow:
    lessees = tuple(
        LeaseRow(lease=x.number, holder=x.lessee, planned_wh=rng.choice((0, rng.randrange(-100_000, 100_001))))
        for x in leases
        if x.station == station and x.active_in(DAY, slot)
    )
    planned = rng.choice((0, rng.randrange(-1_000, 1_001), rng.randrange(-300_000, 300_001)))
    return ScheduleRow(
        station=station,
        slot=slot,
        planned_net_wh=planned,
        battery_wh=planned,
        net_load_wh=0,
        lessees=lessees,
    )


def _price_row(
    rng: random.Random, group: BillingGroup, slot: int, tariff: TariffSlot, rows: tuple[ScheduleRow, ...]
) -> PriceRow:
    """A valid row: the dual of the group's balance and of each PCC at the planned flows."""
    planned = {r.station: r.planned_net_wh for r in rows if r.slot == slot}
    network = network_price(group, tariff)
    low, high = tariff.sell_price, tariff.buy_price - network
    pool = -sum(planned[s] for s in group.stations)
    price = rng.randint(low, high) if abs(pool) <= 1_000 else (high if pool > 0 else low)
    adders = tuple(
        (s, rng.randint(0, network) if abs(planned[s]) <= 1_000 else network if planned[s] < 0 else 0)
        for s in group.stations
    )
    return PriceRow(group=group.number, slot=slot, pool_price=price, adders=adders)


def _gains(rng: random.Random, roster: tuple[MemberId, ...]) -> tuple[GainRow, ...]:
    rows = []
    for member in roster:
        apart, planned = rng.randrange(-(10**6), 10**6), rng.randrange(-(10**6), 10**6)
        rows.append(
            GainRow(
                member=member,
                apart_cost_cents=apart,
                planned_cost_cents=planned,
                gain_cents=apart - planned,
                without_storage_cost_cents=apart,
            )
        )
    return tuple(rows)


def _schedule(
    groups: tuple[BillingGroup, ...],
    rows: tuple[ScheduleRow, ...],
    prices: tuple[PriceRow, ...],
    gains: tuple[GainRow, ...],
) -> Schedule:
    return Schedule(
        alliance=bytes(32),
        day=DAY,
        kind=ScheduleKind.DAY_AHEAD,
        revision=0,
        first_slot=0,
        groups=tuple((g.number, g.stations) for g in groups),
        rows=rows,
        prices=prices,
        gains=gains,
        certified_gap_ppm=0,
    )


def _quantities(rng: random.Random, fleet: tuple[Station, ...], rows: tuple[ScheduleRow, ...]) -> Iterator[Quantity]:
    planned = {(r.station, r.slot): r.planned_net_wh for r in rows}
    for station in fleet:
        for slot in range(SLOTS_A_DAY):
            plan = planned.get((station.number, slot))
            net = 0 if plan is None else plan + rng.choice((0, rng.randrange(-500_000, 500_001)))
            yield Quantity(station=station.number, slot=slot, net_wh=net, status=QuantityStatus.METERED)
