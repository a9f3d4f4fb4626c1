"""Problems for the planner's tests: the worked example of the settlement rules, a demo-sized day, random small ones."""

import random

from alliance.calendar import Day
from alliance.fleet import BillingGroup, Station, StationType
from alliance.identity import GroupId, LeaseId, MemberId, StationId
from alliance.lease import Lease
from alliance.schedule import GroupTariff, Problem, ScheduleKind, Share, Site
from alliance.tariff import Tariff, TariffSlot

DAY = Day(20_600)


def site(
    number,
    load,
    *,
    power_w=0,
    capacity_wh=0,
    energy_wh=None,
    window=(0, 1_000_000),
    eta=(950_000, 950_000),
    wear=8_000,
    pcc_w=4_000_000,
    export_w=None,
    owner=None,
    end_wh=None,
    floor=None,
    curtailable=None,
    discharge_w=None,
):
    energy = capacity_wh // 2 if energy_wh is None else energy_wh
    slots = len(load)
    return Site(
        station=Station(
            number=StationId(number),
            owner=MemberId(number if owner is None else owner),
            station_type=StationType.USER_SIDE,
            region=320_706,
            charge_power_w=power_w,
            discharge_power_w=power_w if discharge_w is None else discharge_w,
            capacity_wh=capacity_wh,
            pcc_import_w=pcc_w,
            pcc_export_w=pcc_w if export_w is None else export_w,
        ),
        eta_c_ppm=eta[0],
        eta_d_ppm=eta[1],
        energy_min_wh=capacity_wh * window[0] // 1_000_000,
        energy_max_wh=capacity_wh * window[1] // 1_000_000,
        energy_wh=energy,
        end_min_wh=energy if end_wh is None else end_wh,
        wear_price=wear,
        net_load_wh=tuple(load),
        own_need_floor_wh=tuple(floor) if floor else (0,) * slots,
        curtailable_wh=tuple(curtailable) if curtailable else (0,) * slots,
    )


def share(
    number,
    station,
    lessee,
    *,
    power_w,
    energy_wh,
    account_wh=0,
    end_wh=None,
    owner=None,
    eta=(950_000, 950_000),
    wear=8_000,
    nomination=None,
    first=0,
    term=96,
):
    return Share(
        lease=Lease(
            number=LeaseId(number),
            version=1,
            owner=MemberId(station if owner is None else owner),
            lessee=MemberId(lessee),
            station=StationId(station),
            power_w=power_w,
            energy_wh=energy_wh,
            eta_c_ppm=eta[0],
            eta_d_ppm=eta[1],
            rent_cents=4_000_000,
            first_slot=DAY.first_slot + first,
            term_slots=term,
            wear_price=wear,
            handover_wh=account_wh,
            handover_price=50_000,
            sla_bp=9_800,
            sla_factor_bp=15_000,
        ),
        account_wh=account_wh,
        end_min_wh=account_wh if end_wh is None else end_wh,
        nomination_wh=nomination,
    )


def problem(sites, tariff, *, shares=(), groups=None, first_slot=0, kind=ScheduleKind.DAY_AHEAD):
    """`tariff`: (buy, sell, network) a slot, cents/MWh; one group of all stations unless given."""
    slots = tuple(TariffSlot(buy_price=b, sell_price=s, network_price=w) for b, s, w in tariff)
    grouped = groups or [tuple(s.station.number for s in sites)]
    return Problem(
        alliance=bytes(range(32)),
        day=DAY,
        kind=kind,
        revision=1,
        first_slot=first_slot,
        sites=tuple(sites),
        shares=tuple(shares),
        groups=tuple(
            GroupTariff(
                group=BillingGroup(number=GroupId(i), stations=tuple(map(StationId, stations))),
                tariff=Tariff(pack="test", slots=slots),
            )
            for i, stations in enumerate(grouped, start=1)
        ),
    )


WORKED_TARIFF = [(46_340, 39_100, 2_927), (73_900, 39_100, 3_478), (107_820, 39_100, 4_156), (107_820, 39_100, 4_156)]


def worked_example():
    """Settlement rules, clause 12: A a third-party battery, B a load that leases part of it, C PV with a battery.

    The text gives flows and prices; C's PV and battery follow from them: 0.9025 · 50 kWh discharged, 490 kWh of PV.
    """
    a = site(1, [0, 0, 0, 0], power_w=500_000, capacity_wh=1_000_000, energy_wh=220_000, pcc_w=500_000)
    b = site(2, [80_000, 90_000, 150_000, 160_000], pcc_w=1_000_000)
    pv = [-260_000, -150_000, -60_000, -20_000]
    c = site(3, pv, power_w=100_000, capacity_wh=200_000, energy_wh=20_000, pcc_w=1_200_000)
    lease = share(1, 1, 2, power_w=200_000, energy_wh=400_000, account_wh=20_000)
    return problem([a, b, c], WORKED_TARIFF, shares=[lease])


def jiangsu(k):
    """The two-part tariff of a summer day: buy, sell, network in slot k."""
    hour = k // 4
    valley, peak = hour < 6 or 11 <= hour < 13, 14 <= hour < 22
    buy = 46_340 if valley else 107_820 if peak else 73_900
    return buy, 39_100, 2_000 + buy * 2 // 100


def six_stations(slots=96, seed=1):
    """A day of six stations of four kinds and two leases."""
    chance = random.Random(seed)
    powers = [2_000_000, 1_000_000, 800_000, 500_000, 1_500_000, 2_000_000]
    sites = []
    for number, power in enumerate(powers, start=1):
        if number in (1, 6):
            load = [chance.randint(2_000, 6_000) for _ in range(slots)]
        elif number == 2:
            load = [
                int(5_000 - 220_000 * max(0.0, 1 - ((k - 50) / 20) ** 2)) + chance.randint(0, 9_000)
                for k in range(slots)
            ]
        else:
            load = [
                int((80_000 + 20_000 * number) * (1.2 - abs(k - 52) / 70)) + chance.randint(0, 9_000)
                for k in range(slots)
            ]
        sites.append(site(number, load, power_w=power, capacity_wh=2 * power, window=(100_000, 950_000)))
    leases = [
        share(2, 1, 2, power_w=500_000, energy_wh=700_000, account_wh=100_000),
        share(1, 6, 3, power_w=600_000, energy_wh=800_000, account_wh=200_000),
    ]
    return problem(sites, [jiangsu(k) for k in range(slots)], shares=leases)


def random_problem(seed, *, slots=None):
    """One to four stations, up to two leases, rugged tariffs, one or two groups."""
    chance = random.Random(seed)
    slots = slots or chance.randint(1, 6)
    sites = []
    for number in range(1, chance.randint(1, 4) + 1):
        power = chance.choice([0, 40_000, 123_456, 400_000])
        load = [chance.randint(-60_000, 90_000) for _ in range(slots)]
        sites.append(
            site(
                number,
                load,
                power_w=power,
                discharge_w=power if chance.random() < 0.7 else power * 2 // 3,
                capacity_wh=power * chance.choice([1, 2]),
                window=(chance.choice([0, 100_000]), chance.choice([1_000_000, 900_000])),
                eta=(chance.randint(850_000, 1_000_000), chance.randint(850_000, 1_000_000)),
                wear=chance.choice([0, 3_000, 12_000]),
                pcc_w=chance.choice([700_000, 1_000_000]),
                owner=chance.choice([number, 1]),
            )
        )
    shares = []
    for number, host in enumerate((s for s in sites if s.station.discharge_power_w >= 100_000), start=1):
        if number <= 2 and chance.random() < 0.7:
            energy = host.station.capacity_wh // 4
            shares.append(
                share(
                    number,
                    host.station.number,
                    chance.randint(2, 5),
                    owner=host.station.owner,
                    power_w=chance.choice([20_000, 33_334]),
                    energy_wh=energy,
                    account_wh=chance.randint(0, energy),
                    eta=(chance.randint(900_000, 990_000), chance.randint(900_000, 990_000)),
                )
            )
    tariff = []
    for _ in range(slots):
        network = chance.choice([0, 0, 2_000, 5_000])
        sell = chance.choice([-20_000, 0, 10_000, 39_100])
        tariff.append((sell + network + chance.choice([0, 5_000, 30_000, 60_000]), sell, network))
    numbers = [s.station.number for s in sites]
    cut = chance.randint(1, len(numbers))
    groups = [tuple(numbers[:cut]), tuple(numbers[cut:])] if cut < len(numbers) else [tuple(numbers)]
    return problem(sites, tariff, shares=shares, groups=groups)
