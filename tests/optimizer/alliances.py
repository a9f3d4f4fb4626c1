"""Random alliances for coalition tests: five kinds of stations, leases pooled and firm, one or two billing groups."""

import random

from tests.optimizer.cases import problem, share, site

KINDS = ("grid", "pv", "wind", "user", "third")


def alliance(seed, *, members, slots=8, negative=False):
    """One station a member, kinds in turn; the last member of a large alliance may own nothing and lease."""
    chance = random.Random(f"{seed} {members} {slots} {negative}")
    stations = members - (members > 4 and chance.random() < 0.3)
    first = chance.randrange(len(KINDS))
    wears = [0, 500] if negative else [1_000, 4_000, 8_000]
    sites = [_site(chance, n, KINDS[(first + n) % len(KINDS)], slots, wears) for n in range(1, stations + 1)]
    numbers = [s.station.number for s in sites]
    cut = chance.randint(2, len(numbers)) if len(numbers) > 3 and chance.random() < 0.4 else len(numbers)
    groups = [tuple(numbers[:cut]), tuple(numbers[cut:])] if cut < len(numbers) else [tuple(numbers)]
    tariff = [_tariff(chance, k, slots, negative) for k in range(slots)]
    return problem(sites, tariff, shares=_leases(chance, sites, members, slots), groups=groups)


def _site(chance, number, kind, slots, wears):
    power = {"grid": 1_000_000, "pv": 200_000, "wind": 120_000, "user": 160_000, "third": 400_000}[kind]
    power = power * chance.randint(50, 150) // 100 // 4 * 4
    if kind == "user" and chance.random() < 0.3:
        power = 0
    made = {
        "grid": lambda k: chance.randint(200, 900),
        "pv": lambda k: -int(90_000 * max(0.0, 1 - ((2 * k - slots) / slots) ** 2)) + chance.randint(0, 9_000),
        "wind": lambda k: -chance.randint(0, 40_000),
        "user": lambda k: chance.randint(20_000, 90_000),
        "third": lambda k: 0,
    }[kind]
    load = [made(k) for k in range(slots)]
    able = kind in ("pv", "wind") and chance.random() < 0.5
    return site(
        number,
        load,
        power_w=power,
        discharge_w=power if chance.random() < 0.8 else power * 3 // 4,
        capacity_wh=power * chance.choice([1, 2]),
        window=(chance.choice([0, 100_000]), chance.choice([950_000, 1_000_000])),
        eta=(chance.randint(900_000, 985_000), chance.randint(900_000, 985_000)),
        wear=chance.choice(wears),
        curtailable=[max(0, -x) for x in load] if able else None,
    )


def _leases(chance, sites, members, slots):
    """Of every large battery, a quarter may be another member's, and sometimes its nomination is firm."""
    found = []
    for host in sites:
        power, capacity = host.station.discharge_power_w, host.station.capacity_wh
        if power < 300_000 or chance.random() < 0.3:
            continue
        lessee = chance.choice([m for m in range(1, members + 1) if m != host.station.owner])
        leased, energy = power // 4 // 4 * 4, capacity // 4
        firm = chance.random() < 0.25
        nomination = (-leased // 8, *(0,) * (slots - 2), leased // 10) if firm else None
        found.append(
            share(
                len(found) + 1, host.station.number, lessee, power_w=leased, energy_wh=energy,
                account_wh=chance.randint(0, energy // 2), nomination=nomination,
                eta=(host.eta_c_ppm, host.eta_d_ppm) if chance.random() < 0.5 else (950_000, 950_000),
            )
        )  # fmt: skip
    return found


def _tariff(chance, k, slots, negative):
    """Valley, flat and peak with some noise; with `negative`, energy of some slots is worth less than nothing."""
    network = chance.choice([0, 2_000, 4_000])
    sell, spread = chance.randint(25_000, 40_000), (6_000, 35_000, 70_000)[3 * k // slots]
    if negative and k < slots // 2:
        sell, spread = -chance.randint(40_000, 90_000), 5_000
    return sell + network + spread + chance.randint(0, 3_000), sell, network
