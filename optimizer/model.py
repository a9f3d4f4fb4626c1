"""The day-ahead model, readable: one function a constraint, its equation in the docstring (protocol 9.2).

Symbols, per holder h of a station and slot k, kWh: c charge, d discharge, e content at the slot's end, u curtailed PV;
per station m its PCC's import; per group i and x what it takes from and gives to the grid. Prices in cents per kWh:
buy p, sell s, network w, wear κ. A firm lessee's c and d are fixed by its nomination. Each limit belongs to one holder,
so that what holders gain together can be paid at the prices of the balance (Owen).
"""

from collections.abc import Iterable
from typing import Any

import pyomo.environ as pyo

from alliance.tariff import TariffSlot
from optimizer.problem import GroupTariff, Part, Problem, cents_per_kwh, charge_wh, discharge_wh, kwh


def build(problem: Problem, held: Iterable[Part], *, one_way: frozenset[tuple[int, int]] = frozenset()) -> pyo.Model:
    """The joint model of some holders' parts: all of them, or what one member holds alone.

    Holders (station, lease) in `one_way` get a binary in each slot that forbids charging while discharging.
    """
    m = _holders(problem, held)
    m.A = pyo.Set(initialize=[h for h in m.H if h in one_way], dimen=2, ordered=True)
    m.charging = pyo.Var(m.A, m.K, domain=pyo.Binary)
    m.charge_mode = pyo.Constraint(m.A, m.K, rule=charge_mode)
    m.discharge_mode = pyo.Constraint(m.A, m.K, rule=discharge_mode)
    _groups(m, problem)
    m.cost = pyo.Objective(rule=cost, sense=pyo.minimize)
    return m


def build_apart(problem: Problem, part: Part) -> pyo.Model:
    """One holder's own limits and no cost: where a conflict is looked for."""
    m = _holders(problem, [part])
    m.cost = pyo.Objective(expr=0.0 * m.charge[int(part.station), int(part.lease), 0], sense=pyo.minimize)
    return m


def store(m: pyo.Model, s: int, h: int, k: int) -> Any:
    """(S1) e_k = e_{k−1} + ηc c_k − d_k/ηd + transfer_k"""
    part: Part = m.part[s, h]
    before = m.content[s, h, k - 1] if k else kwh(part.start_wh)
    gained = part.eta_c_ppm / 1e6 * m.charge[s, h, k] - 1e6 / part.eta_d_ppm * m.discharge[s, h, k]
    return m.content[s, h, k] == before + gained + kwh(part.transfer_wh[k])


def hull(m: pyo.Model, s: int, h: int, k: int) -> Any:
    """(S2) c/Pc + d/Pd ≤ 1: the convex hull of "not both at once" """
    part: Part = m.part[s, h]
    if not (part.charge_wh[k] and part.discharge_wh[k]):
        return pyo.Constraint.Skip
    return m.charge[s, h, k] / kwh(part.charge_wh[k]) + m.discharge[s, h, k] / kwh(part.discharge_wh[k]) <= 1


def import_right(m: pyo.Model, s: int, h: int, k: int) -> Any:
    """(S5) load + u + c − d ≤ the owner's import right: its own need comes first"""
    part: Part = m.part[s, h]
    drawn = m.curtailed[s, h, k] + m.charge[s, h, k] - m.discharge[s, h, k]
    return drawn <= kwh(part.import_wh[k] - part.load_wh[k])


def export_right(m: pyo.Model, s: int, h: int, k: int) -> Any:
    """(S5) d − c − u − load ≤ the owner's export right"""
    part: Part = m.part[s, h]
    given = m.discharge[s, h, k] - m.charge[s, h, k] - m.curtailed[s, h, k]
    return given <= kwh(part.export_wh[k] + part.load_wh[k])


def charge_mode(m: pyo.Model, s: int, h: int, k: int) -> Any:
    """c ≤ Pc z"""
    return m.charge[s, h, k] <= kwh(m.part[s, h].charge_wh[k]) * m.charging[s, h, k]


def discharge_mode(m: pyo.Model, s: int, h: int, k: int) -> Any:
    """d ≤ Pd (1 − z)"""
    return m.discharge[s, h, k] <= kwh(m.part[s, h].discharge_wh[k]) * (1 - m.charging[s, h, k])


def split(m: pyo.Model, s: int, k: int) -> Any:
    """m ≥ load − Σ_h (d − c) + u: energy that passes a PCC inwards pays the network; the dual is ν"""
    return m.taken[s, k] + _sent(m, s, k) >= _load(m, s, k)


def balance(m: pyo.Model, g: int, k: int) -> Any:
    """i − x + Σ_h (d − c) − Σ u = Σ load over the group; the dual is λ"""
    stations = m.stations_of[g]
    sent = sum(_sent(m, s, k) for s in stations)
    return m.pool_import[g, k] - m.pool_export[g, k] + sent == sum(_load(m, s, k) for s in stations)


def cost(m: pyo.Model) -> Any:
    """(S6) Σ w m + (p − w) i − s x + κ d, in cents: grid, network and wear"""
    network = sum(cents_per_kwh(_tariff(m, m.group_of[s], k).network_price) * m.taken[s, k] for s in m.S for k in m.K)
    bought = sum(_bought_price(m, g, k) * m.pool_import[g, k] for g in m.G for k in m.K)
    sold = sum(cents_per_kwh(_tariff(m, g, k).sell_price) * m.pool_export[g, k] for g in m.G for k in m.K)
    wear = sum(cents_per_kwh(m.part[s, h].wear_price) * m.discharge[s, h, k] for s, h in m.H for k in m.K)
    return network + bought - sold + wear


def _holders(problem: Problem, held: Iterable[Part]) -> pyo.ConcreteModel:
    """Each holder's variables inside their boxes, and the constraints that are its own."""
    m = pyo.ConcreteModel()
    m.part = {(int(p.station), int(p.lease)): p for p in held}
    m.K = pyo.RangeSet(0, problem.slots - 1)
    m.H = pyo.Set(initialize=list(m.part), dimen=2, ordered=True)
    m.free = pyo.Set(initialize=[h for h, p in m.part.items() if p.nomination_wh is None], dimen=2, ordered=True)
    m.own = pyo.Set(initialize=[h for h, p in m.part.items() if p.owned], dimen=2, ordered=True)
    m.charge = pyo.Var(m.H, m.K, bounds=_charge_box)
    m.discharge = pyo.Var(m.H, m.K, bounds=_discharge_box)
    m.content = pyo.Var(m.free, m.K, bounds=_content_box)
    m.curtailed = pyo.Var(m.own, m.K, bounds=_curtailed_box)
    m.store = pyo.Constraint(m.free, m.K, rule=store)
    m.hull = pyo.Constraint(m.free, m.K, rule=hull)
    m.import_right = pyo.Constraint(m.own, m.K, rule=import_right)
    m.export_right = pyo.Constraint(m.own, m.K, rule=export_right)
    return m


def _groups(m: pyo.ConcreteModel, problem: Problem) -> None:
    """Flows at the PCCs, the pool of each group, and its balance."""
    present = {s for s, _ in m.part}
    m.held_at = {s: [p for (station, _), p in m.part.items() if station == s] for s in sorted(present)}
    found = {int(g.group.number): [int(s) for s in g.group.stations if s in present] for g in problem.groups}
    m.stations_of = {g: stations for g, stations in found.items() if stations}
    m.group_of = {s: g for g, stations in m.stations_of.items() for s in stations}
    m.group = {int(g.group.number): g for g in problem.groups}
    m.G = pyo.Set(initialize=list(m.stations_of), ordered=True)
    m.S = pyo.Set(initialize=sorted(m.group_of), ordered=True)
    m.taken = pyo.Var(m.S, m.K, bounds=lambda m, s, k: (0, _right(m, [s], k, "import_wh")))
    m.pool_import = pyo.Var(m.G, m.K, bounds=lambda m, g, k: (0, _right(m, m.stations_of[g], k, "import_wh")))
    m.pool_export = pyo.Var(m.G, m.K, bounds=lambda m, g, k: (0, _right(m, m.stations_of[g], k, "export_wh")))
    m.split = pyo.Constraint(m.S, m.K, rule=split)
    m.balance = pyo.Constraint(m.G, m.K, rule=balance)


def _charge_box(m: pyo.Model, s: int, h: int, k: int) -> tuple[float, float]:
    part: Part = m.part[s, h]
    if part.nomination_wh is not None:
        return (kwh(charge_wh(part.nomination_wh[k])),) * 2
    return 0.0, kwh(part.charge_wh[k])


def _discharge_box(m: pyo.Model, s: int, h: int, k: int) -> tuple[float, float]:
    part: Part = m.part[s, h]
    if part.nomination_wh is not None:
        return (kwh(discharge_wh(part.nomination_wh[k])),) * 2
    return 0.0, kwh(part.discharge_wh[k])


def _content_box(m: pyo.Model, s: int, h: int, k: int) -> tuple[float, float]:
    """(S4) window, own need and end rule"""
    return kwh(m.part[s, h].low_wh[k]), kwh(m.part[s, h].high_wh[k])


def _curtailed_box(m: pyo.Model, s: int, h: int, k: int) -> tuple[float, float]:
    return 0.0, kwh(m.part[s, h].curtailable_wh[k])


def _right(m: pyo.Model, stations: list[int], k: int, side: str) -> float:
    """The PCC rights of some stations and 1 Wh each: the rights shall bind, never a flow's box."""
    return kwh(sum(getattr(p, side)[k] for s in stations for p in m.held_at[s]) + len(stations))


def _sent(m: pyo.Model, s: int, k: int) -> Any:
    """Σ_h (d − c) − u of a station."""
    held = [int(p.lease) for p in m.held_at[s]]
    flow = sum(m.discharge[s, h, k] - m.charge[s, h, k] for h in held)
    return flow - sum(m.curtailed[s, h, k] for h in held if (s, h) in m.own)


def _load(m: pyo.Model, s: int, k: int) -> float:
    return kwh(sum(p.load_wh[k] for p in m.held_at[s]))


def _tariff(m: pyo.Model, g: int, k: int) -> TariffSlot:
    tariff: GroupTariff = m.group[g]
    return tariff.tariff.slots[k]


def _bought_price(m: pyo.Model, g: int, k: int) -> float:
    tariff = _tariff(m, g, k)
    return cents_per_kwh(tariff.buy_price - tariff.network_price)
