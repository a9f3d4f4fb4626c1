"""The fleet's model, readable: blocks for a station, a region, a tie and risk, a function a constraint (protocol 9.7).

Symbols, per period t, in the model's energy unit: c charge, d discharge, e content at the period's end, r_q reserve,
s_q what a region lacks; per case w: u curtailed PV, i and x a region's import and export, k what it cuts of its load, f
and b what a tie sends forwards and backwards; of a lease: lc and ld charge and discharge, a its account; of a holding
step at content D: l and h how far e lies below and above. A block's `data` holds numbers, or variables that stand for
them: then it is compiled once and stamped (`stamp`). What a block adds to rows that blocks share is in its expressions
`balance`, `held` and `tail`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from alliance.fleetplan import MILLION, Direction, Reserve

Block = Any
"""A Pyomo block or model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the blocks of one problem have in common."""

    periods: int
    period_s: int
    cases: int
    curtails: bool
    """Whether any station may curtail."""
    reserves: tuple[Reserve, ...]
    averse: bool
    """Whether the dearest scenarios count extra."""
    cuts: bool = False
    """Whether any region may cut load."""

    def of(self, direction: Direction) -> list[int]:
        """The reserves of a direction."""
        return [q for q, reserve in enumerate(self.reserves) if reserve.direction is direction]


# The station


def station_block(
    b: Block, data: Any, shape: Shape, *, leases: int = 0, steps: int = 0, one_way: bool = False
) -> None:  # fmt: skip
    """A station's variables and own constraints; with `one_way`, a binary a period forbids both directions at once."""
    _indexed(b, data, shape)
    b.L = pyo.RangeSet(0, leases - 1)
    b.charge, b.discharge, b.content = (pyo.Var(b.T, domain=pyo.NonNegativeReals) for _ in range(3))
    b.reserve = pyo.Var(b.Q, b.T, domain=pyo.NonNegativeReals)
    b.curtailed = pyo.Var(b.W if shape.curtails else [], b.T, domain=pyo.NonNegativeReals)
    for rule in (charge_most, discharge_most, content_least, content_most, store, hull):
        b.add_component(rule.__name__, pyo.Constraint(b.T, rule=rule))
    for cases_rule in (curtailed_most, import_right, export_right):
        b.add_component(cases_rule.__name__, pyo.Constraint(b.W, b.T, rule=cases_rule))
    _add_leases(b)
    _add_steps(b, steps)
    for rule in (reserve_up, reserve_down, bear_up, bear_up_before, bear_down, bear_down_before):
        b.add_component(rule.__name__, pyo.Constraint(b.T, rule=rule))
    if one_way:
        b.charging = pyo.Var(b.T, domain=pyo.Binary)
        b.charge_mode = pyo.Constraint(b.T, rule=charge_mode)
        b.discharge_mode = pyo.Constraint(b.T, rule=discharge_mode)
        b.lease_charging = pyo.Var(b.L, b.T, domain=pyo.Binary)
        b.lease_charge_mode = pyo.Constraint(b.L, b.T, rule=lease_charge_mode)
        b.lease_discharge_mode = pyo.Constraint(b.L, b.T, rule=lease_discharge_mode)
    b.balance = pyo.Expression(b.W, b.T, rule=lambda b, w, t: -taken(b, w, t))
    b.held = pyo.Expression(b.Q, b.T, rule=lambda b, q, t: b.reserve[q, t])
    b.cost = pyo.Expression(expr=station_cost(b))


def charge_most(b: Block, t: int) -> Any:
    """(S2) c ≤ Pc"""
    return b.charge[t] <= b.data.charge


def discharge_most(b: Block, t: int) -> Any:
    """(S2) d ≤ Pd"""
    return b.discharge[t] <= b.data.discharge


def content_least(b: Block, t: int) -> Any:
    """(S4, S5, S6) e ≥ the larger of window, own need and, at the end, the end rule"""
    return b.content[t] >= b.data.low[t]


def content_most(b: Block, t: int) -> Any:
    """(S4) e ≤ Emax"""
    return b.content[t] <= b.data.high[t]


def store(b: Block, t: int) -> Any:
    """(S1) e_t = keep e_{t−1} + ηc (c + Σ α r↓) − (d + Σ α r↑)/ηd"""
    taken_in = b.charge[t] + _called(b, Direction.DOWN, t)
    given = b.discharge[t] + _called(b, Direction.UP, t)
    return b.content[t] == b.data.keep * _before(b, t) + b.data.eta_c * taken_in - given / b.data.eta_d


def hull(b: Block, t: int) -> Any:
    """(S2) c/Pc + d/Pd ≤ 1 (the convex hull of "not both at once"), times the smaller of Pc and Pd"""
    return b.data.hull_charge * b.charge[t] + b.data.hull_discharge * b.discharge[t] <= b.data.hull_most


def curtailed_most(b: Block, w: int, t: int) -> Any:
    """u ≤ PV that may be curtailed"""
    return b.curtailed[w, t] <= b.data.curtailable[t] if len(b.curtailed) else pyo.Constraint.Skip


def import_right(b: Block, w: int, t: int) -> Any:
    """g + Σ r↓ ≤ PCC import: what may be called must pass as well; room = PCC import − net load"""
    return _drawn(b, w, t) + _sum(b, Direction.DOWN, t) <= b.data.import_room[w, t]


def export_right(b: Block, w: int, t: int) -> Any:
    """−g + Σ r↑ ≤ PCC export; room = PCC export + net load"""
    return _sum(b, Direction.UP, t) - _drawn(b, w, t) <= b.data.export_room[w, t]


# Holding: what content costs that is far from its steps


def _add_steps(b: Block, steps: int) -> None:
    b.K = pyo.RangeSet(0, steps - 1)
    b.below, b.above = (pyo.Var(b.K, b.T, domain=pyo.NonNegativeReals) for _ in range(2))
    for rule in (below_step, above_step):
        b.add_component(rule.__name__, pyo.Constraint(b.K, b.T, rule=rule))


def below_step(b: Block, k: int, t: int) -> Any:
    """(S6) −l − e ≤ −D: l is at least what e lacks"""
    return -b.below[k, t] - b.content[t] <= -b.data.step_content[k]


def above_step(b: Block, k: int, t: int) -> Any:
    """(S6) e − h ≤ D: h is at least what e has more"""
    return b.content[t] - b.above[k, t] <= b.data.step_content[k]


# Leases: virtual storages, of which the station executes the net; the owner has what they leave


def _add_leases(b: Block) -> None:
    b.lease_charge, b.lease_discharge, b.account = (pyo.Var(b.L, b.T, domain=pyo.NonNegativeReals) for _ in range(3))
    for rule in (lease_charge_least, lease_charge_most, lease_discharge_least, lease_discharge_most, account_least,
                 account_most, account_store, lease_hull):  # fmt: skip
        b.add_component(rule.__name__, pyo.Constraint(b.L, b.T, rule=rule))
    for own_rule in (own_discharge, own_charge, own_least, own_most):
        b.add_component(own_rule.__name__, pyo.Constraint(b.T if len(b.L) else [], rule=own_rule))


def lease_charge_least(b: Block, k: int, t: int) -> Any:
    """lc ≥ 0; of a firm lease ≥ what is nominated"""
    return b.lease_charge[k, t] >= b.data.lease_charge_low[k, t]


def lease_charge_most(b: Block, k: int, t: int) -> Any:
    """lc ≤ the share of Pc; of a firm lease ≤ what is nominated"""
    return b.lease_charge[k, t] <= b.data.lease_charge_high[k, t]


def lease_discharge_least(b: Block, k: int, t: int) -> Any:
    """ld ≥ 0; of a firm lease ≥ what is nominated"""
    return b.lease_discharge[k, t] >= b.data.lease_discharge_low[k, t]


def lease_discharge_most(b: Block, k: int, t: int) -> Any:
    """ld ≤ the share of Pd; of a firm lease ≤ what is nominated"""
    return b.lease_discharge[k, t] <= b.data.lease_discharge_high[k, t]


def account_least(b: Block, k: int, t: int) -> Any:
    """a ≥ 0; at the end ≥ the lease's end rule"""
    return b.account[k, t] >= b.data.account_low[k, t]


def account_most(b: Block, k: int, t: int) -> Any:
    """a ≤ the share of content"""
    return b.account[k, t] <= b.data.lease_energy[k]


def account_store(b: Block, k: int, t: int) -> Any:
    """(L1) a_t = a_{t−1} + ηc lc − ld/ηd"""
    before = b.account[k, t - 1] if t else b.data.lease_start[k]
    gained = b.data.eta_c * b.lease_charge[k, t] - b.lease_discharge[k, t] / b.data.eta_d
    return b.account[k, t] == before + gained


def lease_hull(b: Block, k: int, t: int) -> Any:
    """lc/Pc + ld/Pd ≤ 1 of the lease's shares, as `hull`"""
    there = b.data.lease_hull_charge[k] * b.lease_charge[k, t]
    return there + b.data.lease_hull_discharge[k] * b.lease_discharge[k, t] <= b.data.lease_hull_most[k]


def own_discharge(b: Block, t: int) -> Any:
    """(L2) d − c − Σ (ld − lc) ≤ Pd less the lessees' shares"""
    return _own_flow(b, t) <= b.data.own_discharge


def own_charge(b: Block, t: int) -> Any:
    """(L2) c − d + Σ (ld − lc) ≤ Pc less the lessees' shares"""
    return -_own_flow(b, t) <= b.data.own_charge


def own_least(b: Block, t: int) -> Any:
    """(L3) Σ a − e ≤ −low: the owner's content keeps window, own need and end rule"""
    return -_own_content(b, t) <= -b.data.low[t]


def own_most(b: Block, t: int) -> Any:
    """(L3) e − Σ a ≤ high less the lessees' shares of content"""
    return _own_content(b, t) <= b.data.own_high[t]


def lease_charge_mode(b: Block, k: int, t: int) -> Any:
    """lc ≤ Pc z"""
    return b.lease_charge[k, t] <= b.data.lease_charge_high[k, t] * b.lease_charging[k, t]


def lease_discharge_mode(b: Block, k: int, t: int) -> Any:
    """ld ≤ Pd (1 − z)"""
    return b.lease_discharge[k, t] <= b.data.lease_discharge_high[k, t] * (1 - b.lease_charging[k, t])


def _own_flow(b: Block, t: int) -> Any:
    theirs = sum(b.lease_discharge[k, t] - b.lease_charge[k, t] for k in b.L)
    return b.discharge[t] - b.charge[t] - theirs


def _own_content(b: Block, t: int) -> Any:
    return b.content[t] - sum(b.account[k, t] for k in b.L)


# Reserves, of what the owner has


def reserve_up(b: Block, t: int) -> Any:
    """(S3) d − c + Σ r↑ ≤ Pd, both the owner's"""
    if not b.shape.of(Direction.UP):
        return pyo.Constraint.Skip
    return _own_flow(b, t) + _sum(b, Direction.UP, t) <= b.data.own_discharge


def reserve_down(b: Block, t: int) -> Any:
    """(S3) c − d + Σ r↓ ≤ Pc, both the owner's"""
    if not b.shape.of(Direction.DOWN):
        return pyo.Constraint.Skip
    return _sum(b, Direction.DOWN, t) - _own_flow(b, t) <= b.data.own_charge


def bear_up(b: Block, t: int) -> Any:
    """(S4) Σ (τ/dt) r↑/ηd − e_t ≤ −low_t, e the owner's: the call can be borne at the period's end"""
    if not b.shape.of(Direction.UP):
        return pyo.Constraint.Skip
    return _borne(b, Direction.UP, t) / b.data.eta_d - _own_content(b, t) <= -b.data.low[t]


def bear_up_before(b: Block, t: int) -> Any:
    """(S4) Σ (τ/dt) r↑/ηd − e_{t−1} ≤ −low_{t−1}: … and at its beginning"""
    if not b.shape.of(Direction.UP):
        return pyo.Constraint.Skip
    borne = _borne(b, Direction.UP, t) / b.data.eta_d
    return borne - _own_content(b, t - 1) <= -b.data.low[t - 1] if t else borne <= b.data.start_spare


def bear_down(b: Block, t: int) -> Any:
    """(S4) e_t + Σ (τ/dt) ηc r↓ ≤ high_t"""
    if not b.shape.of(Direction.DOWN):
        return pyo.Constraint.Skip
    return _own_content(b, t) + b.data.eta_c * _borne(b, Direction.DOWN, t) <= b.data.own_high[t]


def bear_down_before(b: Block, t: int) -> Any:
    """(S4) e_{t−1} + Σ (τ/dt) ηc r↓ ≤ high_{t−1}"""
    if not b.shape.of(Direction.DOWN):
        return pyo.Constraint.Skip
    borne = b.data.eta_c * _borne(b, Direction.DOWN, t)
    return _own_content(b, t - 1) + borne <= b.data.own_high[t - 1] if t else borne <= b.data.start_room


def charge_mode(b: Block, t: int) -> Any:
    """c ≤ Pc z"""
    return b.charge[t] <= b.data.charge * b.charging[t]


def discharge_mode(b: Block, t: int) -> Any:
    """d ≤ Pd (1 − z)"""
    return b.discharge[t] <= b.data.discharge * (1 - b.charging[t])


def taken(b: Block, w: int, t: int) -> Any:
    """g = net load + u + c − d: what the station takes from its region"""
    return b.data.net_load[w, t] + _drawn(b, w, t)


def station_cost(b: Block) -> Any:
    """Σ wear d + Σ (below price l + above price h) − Σ price r"""
    paid = sum(b.data.reserve_price[q, t] * b.reserve[q, t] for q in b.Q for t in b.T)
    held = sum(b.data.below_price[k] * b.below[k, t] + b.data.above_price[k] * b.above[k, t] for k in b.K for t in b.T)
    return sum(b.data.wear * b.discharge[t] for t in b.T) + held - paid


# The region


def region_block(b: Block, data: Any, shape: Shape) -> None:
    """A region's exchange with the grid, and what it cuts."""
    _indexed(b, data, shape)
    b.imported, b.exported = (pyo.Var(b.W, b.T, domain=pyo.NonNegativeReals) for _ in range(2))
    b.cut = pyo.Var(b.W if shape.cuts else [], b.T, domain=pyo.NonNegativeReals)
    b.short = pyo.Var(b.Q, b.T, domain=pyo.NonNegativeReals)
    b.import_limit = pyo.Constraint(b.W, b.T, rule=import_limit)
    b.export_limit = pyo.Constraint(b.W, b.T, rule=export_limit)
    b.cut_most = pyo.Constraint(b.W, b.T, rule=cut_most)
    b.short_most = pyo.Constraint(b.Q, b.T, rule=short_most)
    b.balance = pyo.Expression(b.W, b.T, rule=supplied)
    b.held = pyo.Expression(b.Q, b.T, rule=lambda b, q, t: b.short[q, t])
    b.bill = pyo.Expression(b.W, rule=bill)
    b.tail = pyo.Expression(b.W, rule=lambda b, w: -b.bill[w])
    b.cost = pyo.Expression(expr=sum(data.weight[w] * b.bill[w] for w in b.W) + short_cost(b))


def import_limit(b: Block, w: int, t: int) -> Any:
    """i ≤ the region's import limit"""
    return b.imported[w, t] <= b.data.import_limit[t]


def export_limit(b: Block, w: int, t: int) -> Any:
    """x ≤ the region's export limit"""
    return b.exported[w, t] <= b.data.export_limit[t]


def cut_most(b: Block, w: int, t: int) -> Any:
    """k ≤ load that may be cut"""
    return b.cut[w, t] <= b.data.cut_most[t] if len(b.cut) else pyo.Constraint.Skip


def short_most(b: Block, q: int, t: int) -> Any:
    """s ≤ what must be held, where that may give way; else 0"""
    return b.short[q, t] <= b.data.short_most[q, t]


def short_cost(b: Block) -> Any:
    """Σ short price s"""
    return sum(b.data.short_price[q] * b.short[q, t] for q in b.Q for t in b.T)


def supplied(b: Block, w: int, t: int) -> Any:
    """i − x + k − base load"""
    exchanged = b.imported[w, t] - b.exported[w, t] - b.data.base_load[t]
    return exchanged + b.cut[w, t] if len(b.cut) else exchanged


def bill(b: Block, w: int) -> Any:
    """Σ buy i − sell x + cut price k"""
    exchanged = sum(b.data.buy[t] * b.imported[w, t] - b.data.sell[t] * b.exported[w, t] for t in b.T)
    return exchanged + sum(b.data.cut_price[t] * b.cut[w, t] for t in b.T) if len(b.cut) else exchanged


# The tie


def tie_block(b: Block, data: Any, shape: Shape, *, steps: int = 0, one_way: bool = False) -> None:
    """A tie between two regions, with so many steps of its losses: f and b below the first, f_k and b_k above them.

    With `one_way`, binaries forbid both ways at once, and what is above a step before all below it is sent.
    """
    _indexed(b, data, shape)
    b.K = pyo.RangeSet(0, steps - 1)
    b.forward, b.backward = (pyo.Var(b.W, b.T, domain=pyo.NonNegativeReals) for _ in range(2))
    b.forward_step, b.backward_step = (pyo.Var(b.K, b.W, b.T, domain=pyo.NonNegativeReals) for _ in range(2))
    b.tie_limit = pyo.Constraint(b.W, b.T, rule=tie_limit)
    b.forward_most = pyo.Constraint(b.K, b.W, b.T, rule=forward_most)
    b.backward_most = pyo.Constraint(b.K, b.W, b.T, rule=backward_most)
    if one_way:
        b.going = pyo.Var(b.W, b.T, domain=pyo.Binary)
        b.forward_mode = pyo.Constraint(b.W, b.T, rule=forward_mode)
        b.backward_mode = pyo.Constraint(b.W, b.T, rule=backward_mode)
        b.forward_full, b.backward_full = (pyo.Var(b.K, b.W, b.T, domain=pyo.Binary) for _ in range(2))
        for step_rule in (forward_below, forward_above, backward_below, backward_above):
            b.add_component(step_rule.__name__, pyo.Constraint(b.K, b.W, b.T, rule=step_rule))
    b.left = pyo.Expression(b.W, b.T, rule=left)
    b.reached = pyo.Expression(b.W, b.T, rule=reached)


def tie_limit(b: Block, w: int, t: int) -> Any:
    """Σ f + Σ b ≤ limit (without steps, the convex hull of "one way at a time")"""
    return _sent(b, "forward", w, t) + _sent(b, "backward", w, t) <= b.data.limit


def forward_most(b: Block, k: int, w: int, t: int) -> Any:
    """What is sent between the step before and this one ≤ their distance"""
    return _below(b, "forward", k, w, t) <= b.data.step_most[k]


def backward_most(b: Block, k: int, w: int, t: int) -> Any:
    """Likewise backwards"""
    return _below(b, "backward", k, w, t) <= b.data.step_most[k]


def forward_below(b: Block, k: int, w: int, t: int) -> Any:
    """f_{k−1} ≥ its most, times z_k"""
    return _below(b, "forward", k, w, t) >= b.data.step_most[k] * b.forward_full[k, w, t]


def forward_above(b: Block, k: int, w: int, t: int) -> Any:
    """f_k ≤ limit z_k"""
    return b.forward_step[k, w, t] <= b.data.limit * b.forward_full[k, w, t]


def backward_below(b: Block, k: int, w: int, t: int) -> Any:
    """b_{k−1} ≥ its most, times z_k"""
    return _below(b, "backward", k, w, t) >= b.data.step_most[k] * b.backward_full[k, w, t]


def backward_above(b: Block, k: int, w: int, t: int) -> Any:
    """b_k ≤ limit z_k"""
    return b.backward_step[k, w, t] <= b.data.limit * b.backward_full[k, w, t]


def _sent(b: Block, way: str, w: int, t: int) -> Any:
    """All that is sent one way."""
    first, above = b.component(way), b.component(f"{way}_step")
    return first[w, t] + sum(above[k, w, t] for k in b.K)


def _arrived(b: Block, way: str, w: int, t: int) -> Any:
    """What arrives of it."""
    first, above = b.component(way), b.component(f"{way}_step")
    return b.data.passed * first[w, t] + sum(b.data.step_passed[k] * above[k, w, t] for k in b.K)


def _below(b: Block, way: str, k: int, w: int, t: int) -> Any:
    """What is sent one way below a step and above the one before."""
    return b.component(f"{way}_step")[k - 1, w, t] if k else b.component(way)[w, t]


def forward_mode(b: Block, w: int, t: int) -> Any:
    """Σ f ≤ limit z"""
    return _sent(b, "forward", w, t) <= b.data.limit * b.going[w, t]


def backward_mode(b: Block, w: int, t: int) -> Any:
    """Σ b ≤ limit (1 − z)"""
    return _sent(b, "backward", w, t) <= b.data.limit * (1 - b.going[w, t])


def left(b: Block, w: int, t: int) -> Any:
    """Σ (1 − loss) b − Σ f: what the tie gives to the region that it leaves"""
    return _arrived(b, "backward", w, t) - _sent(b, "forward", w, t)


def reached(b: Block, w: int, t: int) -> Any:
    """Σ (1 − loss) f − Σ b: what it gives to the other"""
    return _arrived(b, "forward", w, t) - _sent(b, "backward", w, t)


# Risk


def risk_block(b: Block, data: Any, shape: Shape) -> None:
    """The mean of the dearest scenarios: κ (z + Σ π s / (1 − α)), s ≥ bill − z in `tail`."""
    _indexed(b, data, shape)
    b.threshold = pyo.Var()
    b.excess = pyo.Var(b.W, domain=pyo.NonNegativeReals)
    b.tail = pyo.Expression(b.W, rule=lambda b, w: b.threshold + b.excess[w])
    b.cost = pyo.Expression(expr=data.kappa * b.threshold + sum(data.tail_weight[w] * b.excess[w] for w in b.W))


# The whole, expanded


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWay:
    """Stations and ties that get a binary a period, which forbids both directions at once."""

    stations: tuple[int, ...] = ()
    ties: tuple[int, ...] = ()


RELAXED = OneWay()


def whole(
    stations: Iterable[tuple[int, Any]],
    regions: Iterable[Any],
    ties: Iterable[tuple[int, int, Any]],
    *,
    risk: Any,
    requirement: Any,
    shape: Shape,
    one_way: OneWay = RELAXED,
) -> pyo.ConcreteModel:
    """All blocks and the rows they share; stations as (region, data), ties as (from, to, data)."""
    m = pyo.ConcreteModel()
    _indexed(m, None, shape)
    m.region, m.station, m.tie, m.risk = (pyo.Block(pyo.NonNegativeIntegers) for _ in range(4))
    m.given = {}
    for r, data in enumerate(regions):
        region_block(m.region[r], data, shape)
        m.given[r] = [m.region[r].balance]
    m.members = {r: [m.region[r]] for r in m.given}
    for i, (r, data) in enumerate(stations):
        station_block(m.station[i], data, shape, leases=data.leases, steps=data.steps, one_way=i in one_way.stations)
        m.given[r].append(m.station[i].balance)
        m.members[r].append(m.station[i])
    for k, (a, z, data) in enumerate(ties):
        tie_block(m.tie[k], data, shape, steps=data.steps, one_way=k in one_way.ties)
        m.given[a].append(m.tie[k].left)
        m.given[z].append(m.tie[k].reached)
    m.requirement = requirement
    m.R = pyo.RangeSet(0, len(m.given) - 1)
    m.balance = pyo.Constraint(m.W, m.R, m.T, rule=balance)
    m.held = pyo.Constraint(m.Q, m.R, m.T, rule=held)
    costs = [b.cost for b in (*m.region.values(), *m.station.values())]
    if shape.averse:
        risk_block(m.risk[0], risk, shape)
        m.tail = pyo.Constraint(m.W, rule=tail)
        costs.append(m.risk[0].cost)
    m.total = pyo.Objective(expr=sum(costs), sense=pyo.minimize)
    return m


def balance(m: Block, w: int, r: int, t: int) -> Any:
    """i − x + k − base + Σ what ties give − Σ g = 0; the dual is λ"""
    return sum(given[w, t] for given in m.given[r]) == 0


def held(m: Block, q: int, r: int, t: int) -> Any:
    """Σ r_q over a region's stations + s ≥ what it must hold; the dual is ρ"""
    return sum(b.held[q, t] for b in m.members[r]) >= m.requirement[q, r, t]


def tail(m: Block, w: int) -> Any:
    """z + s_w ≥ bill of the case, all regions together"""
    return m.risk[0].tail[w] + sum(b.tail[w] for b in m.region.values()) >= 0


def _indexed(b: Block, data: Any, shape: Shape) -> None:
    b.data, b.shape = data, shape
    b.T = pyo.RangeSet(0, shape.periods - 1)
    b.W = pyo.RangeSet(0, shape.cases - 1)
    b.Q = pyo.RangeSet(0, len(shape.reserves) - 1)


def _drawn(b: Block, w: int, t: int) -> Any:
    drawn = b.charge[t] - b.discharge[t]
    return drawn + b.curtailed[w, t] if len(b.curtailed) else drawn


def _before(b: Block, t: int) -> Any:
    return b.content[t - 1] if t else b.data.start


def _sum(b: Block, direction: Direction, t: int) -> Any:
    return sum(b.reserve[q, t] for q in b.shape.of(direction))


def _called(b: Block, direction: Direction, t: int) -> Any:
    share = [(q, b.shape.reserves[q].activation_ppm / MILLION) for q in b.shape.of(direction)]
    return sum(a * b.reserve[q, t] for q, a in share)


def _borne(b: Block, direction: Direction, t: int) -> Any:
    times = [(q, b.shape.reserves[q].duration_s / b.shape.period_s) for q in b.shape.of(direction)]
    return sum(a * b.reserve[q, t] for q, a in times)
