"""Invariant 8.10.11: paying planned flows at λ + ν leaves no coalition of up to 8 members better off alone (8.7.2).

The plan and every coalition's best cost come from a linear programme of their own, solved by HiGHS; what the members
pay comes from the lines of `settle`.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import highspy
import pytest

from alliance.fleet import BillingGroup
from alliance.identity import GroupId, MemberId, StationId
from alliance.schedule import PriceRow, ScheduleRow
from alliance.settlement import AnchoredSchedule, AnchoredTariff, SettlementInputs, settle
from alliance.statement import LineKind, Quantity, QuantityStatus
from alliance.tariff import Tariff, TariffSlot
from tests.settlement import worked_example as ex

SLOTS = 4
PLAN = {LineKind.ENERGY_PLAN, LineKind.NETWORK_PLAN}


@dataclass(frozen=True)
class Site:
    load_wh: tuple[int, ...]
    power_wh: int
    energy_wh: int
    eta: float
    wear: int


@dataclass(frozen=True)
class Solved:
    cost: float
    net_wh: tuple[tuple[int, ...], ...]
    pool_price: tuple[float, ...]
    adders: tuple[tuple[float, ...], ...]
    wear_cents: tuple[float, ...]


def solve(sites: Sequence[Site], prices: Sequence[TariffSlot]) -> Solved:
    """The least the sites can reach as one group, in cents, and the duals of balance and PCC rows."""
    h = highspy.Highs()
    h.setOptionValue("output_flag", False)
    flows, wear, pcc = [], [], []
    for site in sites:
        content = site.energy_wh / 2
        net, worn, rows = [], [], []
        for t in range(SLOTS):
            c, d = h.addVariable(0, site.power_wh), h.addVariable(0, site.power_wh, site.wear / 1e6)
            e = h.addVariable(site.energy_wh / 2 if t == SLOTS - 1 else 0, site.energy_wh)
            m, x = h.addVariable(0, 1e9, prices[t].network_price / 1e6), h.addVariable(0, 1e9)
            h.addConstr(e == content + site.eta * c - (1 / site.eta) * d)
            rows.append(h.addConstr(x - m - d + c == -site.load_wh[t]))
            content, _ = e, net.append((m, x))
            worn.append(d)
        flows.append(net)
        wear.append(worn)
        pcc.append(rows)
    balance = []
    for t, price in enumerate(prices):
        buy = h.addVariable(0, 1e9, (price.buy_price - price.network_price) / 1e6)
        sell = h.addVariable(0, 1e9, -price.sell_price / 1e6)
        balance.append(h.addConstr(sum(x[t][0] - x[t][1] for x in flows) - buy + sell == 0))
    h.minimize()
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal
    value, dual = h.getSolution().col_value, h.getSolution().row_dual
    pool = tuple(-1e6 * dual[row.index] for row in balance)
    return Solved(
        cost=h.getInfo().objective_function_value,
        net_wh=tuple(tuple(round(value[x.index] - value[m.index]) for m, x in net) for net in flows),
        pool_price=pool,
        adders=tuple(tuple(abs(1e6 * dual[row.index]) - p for row, p in zip(rows, pool, strict=True)) for rows in pcc),
        wear_cents=tuple(
            sum(value[d.index] for d in worn) * site.wear / 1e6 for worn, site in zip(wear, sites, strict=True)
        ),
    )


def random_sites(rng: random.Random, count: int) -> list[Site]:
    """Loads and PV of tens of kWh a slot, batteries of some; PV makes some net exporters."""
    return [
        Site(
            load_wh=tuple(rng.randrange(-200_000, 250_000) for _ in range(SLOTS)),
            power_wh=rng.choice((0, 60_000, 120_000)),
            energy_wh=240_000,
            eta=rng.choice((0.9, 0.95)),
            wear=rng.choice((2_000, 8_000)),
        )
        for _ in range(count)
    ]


def random_prices(rng: random.Random) -> list[TariffSlot]:
    return [
        TariffSlot(buy_price=b, sell_price=39_100, network_price=2_000 + b // 50)
        for b in (rng.choice((46_340, 73_900, 107_820)) for _ in range(SLOTS))
    ]


def settled_costs(sites: Sequence[Site], prices: Sequence[TariffSlot], plan: Solved, *, flat: bool) -> list[float]:
    """What each member pays for its plan, cents: its plan lines, and its own wear."""
    members = [MemberId(n) for n in range(1, len(sites) + 1)]
    inputs = _inputs(members, prices, plan)
    if flat:
        inputs = _at_flat_price(inputs)
    paid = dict.fromkeys(members, 0)
    for line in settle(inputs).lines:
        if line.kind in PLAN:
            paid[MemberId(line.account)] -= line.amount_cents
    return [paid[m] + worn for m, worn in zip(members, plan.wear_cents, strict=True)]


def _inputs(members: list[MemberId], prices: Sequence[TariffSlot], plan: Solved) -> SettlementInputs:
    stations = tuple(replace(ex._station(ex.A), number=StationId(m), owner=m) for m in members)
    group = BillingGroup(number=GroupId(1), stations=tuple(s.number for s in stations))
    rows = tuple(
        ScheduleRow(station=s.number, slot=t, planned_net_wh=net[t], battery_wh=0, net_load_wh=-net[t])
        for s, net in zip(stations, plan.net_wh, strict=True)
        for t in range(SLOTS)
    )
    price_rows = tuple(_price_row(group, t, prices[t], plan) for t in range(SLOTS))
    schedule = replace(ex.schedule(), rows=rows, prices=price_rows, gains=())
    anchored = AnchoredSchedule(digest=ex.SCHEDULE, schedule=schedule)
    planned = {(r.station, r.slot): r.planned_net_wh for r in rows}
    tariff = Tariff(pack="t", slots=tuple(prices) + (prices[-1],) * (96 - SLOTS))
    return replace(
        ex.inputs(complete=True),
        roster=tuple(members),
        stations=stations,
        groups=(group,),
        tariffs={group.number: AnchoredTariff(tariff=tariff, pack=ex.PACK)},
        leases=(),
        effective=dict.fromkeys(range(96), anchored),
        day_ahead=anchored,
        quantities=tuple(
            Quantity(station=s.number, slot=t, net_wh=planned.get((s.number, t), 0), status=QuantityStatus.METERED)
            for s in stations
            for t in range(96)
        ),
    )


def _price_row(group: BillingGroup, slot: int, tariff: TariffSlot, plan: Solved) -> PriceRow:
    """The duals rounded to integers inside their limits at the rounded flows (8.5.1)."""
    low, high = tariff.sell_price, tariff.buy_price - tariff.network_price
    pool = -sum(net[slot] for net in plan.net_wh)
    assert low - 1 <= plan.pool_price[slot] <= high + 1
    price = min(max(round(plan.pool_price[slot]), low), high) if abs(pool) <= 1_000 else high if pool > 0 else low
    adders = []
    for station, net, adder in zip(group.stations, plan.net_wh, plan.adders, strict=True):
        assert -1 <= adder[slot] <= tariff.network_price + 1
        between = min(max(round(adder[slot]), 0), tariff.network_price)
        adders.append((station, tariff.network_price if net[slot] < 0 else 0 if net[slot] else between))
    return PriceRow(group=group.number, slot=slot, pool_price=price, adders=tuple(adders))


def _at_flat_price(inputs: SettlementInputs) -> SettlementInputs:
    """Every slot at one average price: sums still fit, but no dual stands behind them."""
    schedule = inputs.effective[0].schedule
    mean = sum(p.pool_price for p in schedule.prices) // len(schedule.prices)
    flat = replace(schedule, prices=tuple(replace(p, pool_price=mean) for p in schedule.prices))
    anchored = AnchoredSchedule(digest=ex.SCHEDULE, schedule=flat)
    return replace(inputs, effective=dict.fromkeys(range(96), anchored))


def most_regret(seed: int, count: int, *, flat: bool = False) -> float:
    """By how many cents the most tempted coalition would be better off alone, beyond a cent a line."""
    rng = random.Random(seed)
    sites, prices = random_sites(rng, count), random_prices(rng)
    together = solve(sites, prices)
    costs = settled_costs(sites, prices, together, flat=flat)
    worst = float("-inf")
    for size in range(1, count + 1):
        for some in combinations(range(count), size):
            apart = together.cost if size == count else solve([sites[i] for i in some], prices).cost
            worst = max(worst, sum(costs[i] for i in some) - apart - 2 * SLOTS * size)
    return worst


@pytest.mark.parametrize("seed", range(12))
def test_no_coalition_gains_by_leaving_when_plans_are_paid_at_duals(seed: int) -> None:
    assert most_regret(seed, 4) <= 0


def test_no_coalition_of_eight_gains_by_leaving_when_plans_are_paid_at_duals() -> None:
    assert most_regret(99, 8) <= 0


def test_some_coalition_gains_by_leaving_when_prices_are_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alliance.settlement.check_price_row", lambda *_, **__: None)
    assert max(most_regret(seed, 4, flat=True) for seed in range(6)) > 100
