"""Fleets with reserves by an interior-point method that knows their structure (protocol 9.7).

The relaxation is min c·x + d·y with G x + s = h in each station and B x + D y = b for each region: its balances and
what it must hold. Newton's step for it (Mehrotra's predictor and corrector) needs no sparse factors: stations are
chains that are taken apart one by one (`newton`), and what is left is one dense matrix over the regions' prices. The
iterates' duals prove a bound at any time, whatever the residuals: reduced costs are absorbed by the boxes, exactly as a
certificate does it (`alliance.fleetproof`). It ends when that bound and the cost of the plan at hand are near enough.
"""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import cho_factor, cho_solve  # type: ignore[import-untyped]  # scipy has no stubs

from alliance.fleetplan import MILLION, Direction
from optimizer.fleet.arrays import FleetArrays, Ints, steps_of
from optimizer.fleet.bound import bound_cents, flow_worth
from optimizer.fleet.chains import LEAST_WIDTH, Exchange, chains_of
from optimizer.fleet.newton import Floats, answers, factorised, residuals, steps
from optimizer.fleet.prices import NOISE, subfleet
from optimizer.fleet.relaxed import row_kinds
from optimizer.fleet.scaled import scaled

MOST_PRICES = 4_000
"""Regions' prices of one part: their matrix is dense."""
CUBES_A_STATION_PERIOD = 200_000
"""A dense matrix costs its side cubed, HiGHS at least as much as so many for each station and period."""
MOST_STEPS = 80
MOST_STALLED = 6
"""Steps in a row that brought the two sides no nearer."""
CENTRED = 0.1
"""How far from its limit a row begins at least, in units of its station's power."""
FIRST_PRICE = 0.5
"""What each limit is worth at the beginning, in units of the mean price."""
SHORT_OF = 0.995
"""Of the way to the nearest limit that a step goes at least."""
UNKEPT = 1e-6
"""Of a station's power, and of a region's: by so much rows may be off in a plan, less than what rounding moves."""
MOST_UNHELD_WH = 1.0
"""Of a requirement that does not bend: whole reserves make up for it."""
NEAR = 5.0
"""A bound is computed once complementarity is within so many times the gap that is asked for."""
RAISED = 1e-13
"""Relative: the diagonal of the regions' matrix is raised by so much, that its factors exist in floats."""
IDLE = 1e-3
"""Of a station's power: so much charge and discharge at once is the method's, not the plan's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inside:
    """A part of a fleet planned by the interior-point method; names as in `Relaxed`, figures in Wh, cents per MWh."""

    cost_cents: float
    bound_cents: float
    met: bool
    """Whether the gap is as small as was asked; else the stamped programme should answer."""
    count: int
    """Steps."""
    charge: Floats
    discharge: Floats
    curtailed: Floats
    reserve: Floats
    """Q × stations × T."""
    forward: Floats
    backward: Floats
    balance: Floats
    """Regions × T."""
    held: Floats
    """Q × regions × T."""
    rows: dict[str, Floats]
    """Kind of a station's rows → stations × T."""


def can_enter(arrays: FleetArrays) -> bool:
    """Whether a part has what the method is for, nothing that it does not know, and a matrix that is worth it."""
    unknown = arrays.leases or len(arrays.scenario_ppm) or any(steps_of(arrays))
    known = bool(arrays.reserves) and arrays.stations > 0 and not unknown
    prices = arrays.regions * arrays.periods * (1 + len(arrays.reserves))
    return known and prices**3 <= CUBES_A_STATION_PERIOD * arrays.stations * arrays.periods and prices <= MOST_PRICES


def part_with_reserves(arrays: FleetArrays, numbers: tuple[Ints, Ints, Ints]) -> FleetArrays:
    """Some stations, regions and ties of a fleet (their numbers), with what these regions must hold, as its own."""
    stations, regions, ties = numbers
    held = tuple(replace(q, requirement_wh=tuple(q.requirement_wh[r] for r in regions)) for q in arrays.reserves)
    return replace(subfleet(arrays, stations=stations, regions=regions, ties=ties), reserves=held)


def from_inside(arrays: FleetArrays, *, gap: float, seconds: float = np.inf) -> Inside:
    """Plan a part in so many seconds of wall time at most."""
    return _Search(arrays).run(gap, time.monotonic() + seconds)


# The method


class _Search:
    """Iterates from the inside until the bound and the plan's cost meet."""

    def __init__(self, arrays: FleetArrays) -> None:
        self._arrays, self._data = arrays, scaled(arrays)
        self._own, self._exchange = chains_of(self._data, arrays.region), Exchange(arrays, self._data)
        self._links = 1 + len(arrays.reserves)
        self._begin()

    def run(self, gap: float, end: float) -> Inside:
        """The best plan, once its gap is small enough or nothing more is gained."""
        best: _Found | None = None
        stalled = 0
        for count in range(1, MOST_STEPS + 1):
            self._look()
            if self._centre * self._pairs <= NEAR * gap * abs(self._cost) or count == MOST_STEPS:
                found = self._found(gap, count)
                if best is None or found.width < best.width:
                    best, stalled = found, 0
                else:
                    stalled += 1
                if best.met or stalled > MOST_STALLED:
                    break
            if time.monotonic() > end or not self._step():
                break
        return self._inside(best or self._found(gap, count), gap)

    def _begin(self) -> None:
        """A point inside: little is done, all limits are worth the same."""
        own, data, exchange = self._own, self._data, self._exchange
        n, periods, kinds = own.limits.shape
        power = np.maximum(np.maximum(data.station["charge"], data.station["discharge"]), LEAST_WIDTH)
        self._power, self._region_power = power, np.bincount(own.region, weights=power, minlength=len(exchange.wanted))
        self._region_power = np.maximum(self._region_power, np.abs(exchange.wanted).max(axis=(1, 2)))
        low, high = data.station["low"].T, data.station["high"].T
        margin = np.minimum(0.2 * (high - low), power[:, None])
        self._e = np.clip(data.station["start"][:, None], low + margin, high - margin)
        self._w = np.zeros((n, periods, own.costs.shape[2]))
        self._w[:, :, 0] = 0.1 * data.station["discharge"][:, None]
        first = 1 + data.shape.curtails
        if data.shape.curtails:
            self._w[:, :, 1] = 0.1 * data.station["curtailable"].T
        self._w[:, :, first:] = 0.1 * power[:, None, None] / max(1, self._links - 1)
        price = max(float(np.abs(exchange.given["buy"]).mean()), 1e-3)
        slack = own.limits - own.applied(self._w, self._e)
        self._s = np.where(np.isfinite(own.limits), np.maximum(slack, CENTRED * power[:, None, None]), 1.0)
        self._z = np.where(np.isfinite(own.limits), FIRST_PRICE * price, 0.0)
        scale = np.maximum(np.abs(exchange.wanted).mean(axis=1), LEAST_WIDTH).T[exchange.link][:, :, None]
        self._y = np.broadcast_to(0.3 * scale, exchange.most.shape).copy()
        net = exchange.wanted[:, :, 0]
        self._y[0] += np.maximum(net, 0.0)
        self._y[1] += np.maximum(-net, 0.0)
        self._y = np.where(exchange.bounded, np.minimum(self._y, 0.5 * exchange.most), self._y)
        self._lower = np.where(exchange.there, FIRST_PRICE * price, 0.0)
        self._upper = np.where(exchange.bounded, FIRST_PRICE * price, 0.0)
        self._ties = np.broadcast_to(exchange.tie_most / 4, (2, len(exchange.tie_from), periods)).copy()
        self._step_y = self._step_lower = self._step_upper = np.zeros(self._y.shape)
        self._step_ties, self._step_tie_z = np.zeros(self._ties.shape), np.zeros((3, *self._ties.shape[1:]))
        self._tie_z = np.full((3, len(exchange.tie_from), periods), FIRST_PRICE * price)
        self._prices: Floats = np.zeros(exchange.wanted.shape)
        self._prices[:, :, 0] = (exchange.given["buy"] + exchange.given["sell"]) / 2
        self._prices[:, :, 1:] = FIRST_PRICE * price
        self._pairs = int(np.isfinite(own.limits).sum() + exchange.there.sum() + exchange.bounded.sum())
        self._pairs += 3 * self._ties[0].size
        self._allocate(n, periods, kinds)

    def _allocate(self, n: int, periods: int, kinds: int) -> None:
        m = self._own.costs.shape[2]
        self._primal, self._step_s, self._step_z, self._aim = (np.zeros((n, periods, kinds)) for _ in range(4))
        self._dual_w, self._step_w, self._dual_e, self._step_e = (
            np.zeros((n, periods, m)), np.zeros((n, periods, m)), np.zeros((n, periods)), np.zeros((n, periods)),
        )  # fmt: skip
        self._root, self._bond = np.zeros((n, periods, m, m)), np.zeros((n, periods, 2, m))
        self._pivot, self._off = np.zeros((n, periods)), np.zeros((n, periods))

    def _look(self) -> None:
        """What is still wrong at this point, and how far its limits are."""
        own, exchange = self._own, self._exchange
        given = np.zeros(exchange.wanted.shape)
        complementary, cost = residuals(
            own.rows, own.limits, own.coupling, own.costs, own.start, own.region, self._w, self._e, self._s, self._z,
            self._prices, self._primal, self._dual_w, self._dual_e, given,
        )  # fmt: skip
        self._lacking = given + exchange.sums(self._y, self._ties) - exchange.wanted
        self._dual_y = exchange.costs - exchange.worth(self._prices) - self._lower + self._upper
        self._room = np.where(exchange.bounded, exchange.most - self._y, 1.0)
        self._line = exchange.tie_most - self._ties.sum(axis=0)
        self._dual_ties = -exchange.tie_worth(self._prices) - self._tie_z[:2] + self._tie_z[2]
        complementary += float((self._y * self._lower).sum() + (self._room * self._upper).sum())
        complementary += float((self._tie_z[:2] * self._ties).sum() + (self._tie_z[2] * self._line).sum())
        self._cost = cost + float((exchange.costs * self._y)[np.broadcast_to(exchange.there, self._y.shape)].sum())
        self._centre = complementary / self._pairs

    def _step(self) -> bool:
        """Predict, correct, go; whether that was possible."""
        own, links = self._own, self._links
        regions, periods = self._prices.shape[:2]
        matrix = np.zeros((regions, periods * links, periods * links))
        factorised(
            own.rows, own.limits, own.coupling, own.region, self._s, self._z, self._root, self._bond, self._pivot,
            self._off, matrix,
        )  # fmt: skip
        solve = self._solver(matrix)
        if solve is None:
            return False
        shortened = self._toward(solve, 0.0, second=False)
        affine = self._complementary(*shortened) / self._pairs
        share = min(1.0, max(affine / self._centre, 0.0)) ** 3
        primal, dual = self._toward(solve, share * self._centre, second=True)
        short = max(SHORT_OF, 1.0 - self._centre)
        primal, dual = min(1.0, short * primal), min(1.0, short * dual)
        if not np.isfinite(primal + dual) or max(primal, dual) < 1e-6:
            return False
        self._go(primal, dual)
        return True

    def _solver(self, matrix: Floats) -> Any:
        """The factors of the regions' matrix, with what their columns and ties add; None where there are none."""
        exchange, links = self._exchange, self._links
        regions, size = matrix.shape[:2]
        theta = self._lower / self._y + self._upper / self._room
        self._weight = np.where(exchange.there, 1.0 / np.where(exchange.there, theta, 1.0), 0.0)
        whole = np.zeros((regions * size, regions * size))
        for r in range(regions):
            whole[r * size : (r + 1) * size, r * size : (r + 1) * size] = matrix[r]
        number = np.arange(regions * size).reshape(regions, -1, links)
        for c, j in enumerate(exchange.link):
            whole[number[:, :, j], number[:, :, j]] += self._weight[c]
        self._tie_block = self._ties_inverse()
        own, other, cross = self._tie_block
        here, there = number[exchange.tie_from, :, 0], number[exchange.tie_to, :, 0]
        passed = exchange.passed
        np.add.at(whole, (here, here), own - 2 * passed * cross + passed**2 * other)
        np.add.at(whole, (there, there), passed**2 * own - 2 * passed * cross + other)
        mixed = -passed * own + (1 + passed**2) * cross - passed * other
        np.add.at(whole, (np.minimum(here, there), np.maximum(here, there)), mixed)
        diagonal = np.arange(regions * size)
        whole[diagonal, diagonal] *= 1.0 + RAISED
        try:
            factors = cho_factor(whole, lower=False, overwrite_a=True, check_finite=False)
        except LinAlgError:
            return None
        return lambda right: cho_solve(factors, right.ravel(), check_finite=False).reshape(right.shape)

    def _ties_inverse(self) -> tuple[Floats, Floats, Floats]:
        """The inverse of each tie's 2 × 2 matrix: forward, backward, both."""
        both = self._tie_z[2] / self._line
        forward, backward = self._tie_z[0] / self._ties[0] + both, self._tie_z[1] / self._ties[1] + both
        size = forward * backward - both**2
        return backward / size, forward / size, -both / size

    def _toward(self, solve: Any, centre: float, *, second: bool) -> tuple[float, float]:
        """Newton's step towards a centre, what the first step left over corrected in the second; the longest steps."""
        own, exchange = self._own, self._exchange

        def aim(x: Floats, z: Floats, dx: Floats, dz: Floats) -> Floats:
            return centre - x * z - (dx * dz if second else 0.0)

        if second:
            aim_y = aim(self._y, self._lower, self._step_y, self._step_lower)
            aim_room = aim(self._room, self._upper, -self._step_y, self._step_upper)
            aim_ties = aim(self._ties, self._tie_z[:2], self._step_ties, self._step_tie_z[:2])
            aim_line = aim(self._line, self._tie_z[2], -self._step_ties.sum(axis=0), self._step_tie_z[2])
            np.multiply(self._step_s, self._step_z, out=self._aim)
            self._aim += self._s * self._z
            np.subtract(centre, self._aim, out=self._aim)
        else:
            aim_y, aim_room = -self._y * self._lower, -self._room * self._upper
            aim_ties, aim_line = -self._ties * self._tie_z[:2], -self._line * self._tie_z[2]
            np.multiply(self._s, -self._z, out=self._aim)
        given = np.zeros(exchange.wanted.shape)
        answers(
            own.rows, own.limits, own.coupling, own.region, self._s, self._z, self._primal, self._dual_w, self._dual_e,
            self._aim, self._root, self._bond, self._pivot, self._off, self._step_w, self._step_e, given,
        )  # fmt: skip
        push = aim_y / np.where(exchange.there, self._y, 1.0) - np.where(exchange.bounded, aim_room / self._room, 0.0)
        push_ties = aim_ties / self._ties - aim_line / self._line - self._dual_ties
        first = self._weight * (push - self._dual_y)
        given += exchange.sums(first, self._tied(push_ties)) + self._lacking
        change = solve(-given)
        self._change = change
        self._step_y = first + self._weight * exchange.worth(change)
        self._step_ties = self._tied(push_ties + exchange.tie_worth(change))
        self._step_lower = np.where(exchange.there, (aim_y - self._lower * self._step_y) / self._y, 0.0)
        self._step_upper = np.where(exchange.bounded, (aim_room + self._upper * self._step_y) / self._room, 0.0)
        line = -self._step_ties.sum(axis=0)
        self._step_tie_z = np.concatenate(
            [
                (aim_ties - self._tie_z[:2] * self._step_ties) / self._ties,
                ((aim_line - self._tie_z[2] * line) / self._line)[None],
            ]
        )
        primal, dual = steps(
            own.rows, own.limits, own.coupling, own.region, self._s, self._z, self._primal, self._aim, change,
            self._root, self._bond, self._pivot, self._off, self._step_w, self._step_e, self._step_s, self._step_z,
        )  # fmt: skip
        primal = min(primal, _longest(self._y, self._step_y), _longest(self._room, -self._step_y * exchange.bounded))
        primal = min(primal, _longest(self._ties, self._step_ties), _longest(self._line, line))
        dual = min(dual, _longest(self._lower, self._step_lower), _longest(self._upper, self._step_upper))
        return primal, min(dual, _longest(self._tie_z, self._step_tie_z))

    def _tied(self, push: Floats) -> Floats:
        own, other, cross = self._tie_block
        return np.stack([own * push[0] + cross * push[1], cross * push[0] + other * push[1]])

    def _complementary(self, primal: float, dual: float) -> float:
        """What x·z would be after a step."""
        primal, dual = min(1.0, primal), min(1.0, dual)

        def together(x: Floats, dx: Floats, z: Floats, dz: Floats) -> float:
            return float(
                np.vdot(x, z) + primal * np.vdot(dx, z) + dual * np.vdot(x, dz) + primal * dual * np.vdot(dx, dz)
            )

        line = -self._step_ties.sum(axis=0)
        total = together(self._s, self._step_s, self._z, self._step_z)
        total += together(self._y, self._step_y, self._lower, self._step_lower)
        total += together(self._room, -self._step_y, self._upper, self._step_upper)
        total += together(self._ties, self._step_ties, self._tie_z[:2], self._step_tie_z[:2])
        return total + together(self._line, line, self._tie_z[2], self._step_tie_z[2])

    def _go(self, primal: float, dual: float) -> None:
        for x, step in (
            (self._w, self._step_w), (self._e, self._step_e), (self._s, self._step_s), (self._y, self._step_y),
            (self._ties, self._step_ties),
        ):  # fmt: skip
            step *= primal
            x += step
        for z, step in (
            (self._z, self._step_z), (self._lower, self._step_lower), (self._upper, self._step_upper),
            (self._tie_z, self._step_tie_z), (self._prices, self._change),
        ):  # fmt: skip
            step *= dual
            z += step

    # What a point proves

    def _found(self, gap: float, count: int) -> "_Found":
        """The plan at this point with its cost, and the bound of its prices."""
        plan, cost, unheld = self._plan()
        balance, held, rows = self._duals()
        bound = bound_cents(self._arrays, balance, held, rows)
        off = float((np.abs(self._primal).max(axis=(1, 2)) / self._power).max())
        off = max(off, float((np.abs(self._lacking).max(axis=(1, 2)) / self._region_power).max()))
        near = cost - bound <= max(gap * abs(cost), NOISE * self._turnover)
        met = off <= UNKEPT and unheld <= MOST_UNHELD_WH and near
        return _Found(plan=plan, cost=cost, balance=balance, held=held, rows=rows, bound=bound, met=met, count=count)

    def _plan(self) -> tuple["_Plan", float, float]:
        """The plan here, inside its boxes; its cost in cents; what it lacks of requirements that do not bend."""
        arrays, data, first = self._arrays, self._data, 1 + self._data.shape.curtails
        curtailed = np.zeros(arrays.shape)
        if data.shape.curtails:
            curtailed = np.clip(self._w[:, :, 1] * data.unit_wh, 0.0, arrays.curtailable_wh)
        charge = self._own.charged(self._w, self._e) * data.unit_wh
        plan = _Plan(
            charge=np.clip(charge, 0.0, arrays.charge_wh[:, None]),
            discharge=np.clip(self._w[:, :, 0] * data.unit_wh, 0.0, arrays.discharge_wh[:, None]),
            curtailed=curtailed,
            reserve=np.maximum(np.moveaxis(self._w[:, :, first:], 2, 0), 0.0) * data.unit_wh,
            ties=np.minimum(self._ties * data.unit_wh, arrays.tie_limit_wh[:, None]),
        )
        return plan, *self._cost_of(plan)

    def _cost_of(self, plan: "_Plan") -> tuple[float, float]:
        arrays = self._arrays
        net = arrays.base_load_wh.astype(np.float64)
        np.add.at(net, arrays.region, arrays.net_load_wh + plan.charge - plan.discharge + plan.curtailed)
        net -= self._exchange.sums(np.zeros_like(self._y), plan.ties)[:, :, 0]
        trade = np.where(net > 0, arrays.buy_price, arrays.sell_price) * net
        self._turnover = float(np.abs(trade).sum()) / 1e6
        cost, unheld = float(trade.sum() + arrays.wear_price @ plan.discharge.sum(axis=1)), 0.0
        for product, reserve in zip(arrays.reserves, plan.reserve, strict=True):
            held = np.zeros(net.shape)
            np.add.at(held, arrays.region, reserve)
            short = np.maximum(np.array(product.requirement_wh) - held, 0.0)
            cost += (product.short_price or 0) * float(short.sum()) - float(reserve.sum(axis=0) @ product.price)
            unheld = max(unheld, float(short.max()) if product.short_price is None else 0.0)
        return cost / 1e6, unheld

    def _one_way(self, found: "_Found", gap: float) -> "_Plan":
        """The plan without both ways at once, where what reserves up lose by it costs no more than the gap.

        Taking min(c, d/η) out of both keeps the content and gives (1 − η) of it to the region, which reserves up must
        make room for. Where the price is so low that it would cost, and where reserves need it, binaries decide.
        """
        arrays, plan = self._arrays, found.plan
        eta = (arrays.eta_c_ppm * arrays.eta_d_ppm / 1e12)[:, None]
        price = found.balance[arrays.region]
        both = np.minimum(plan.charge, plan.discharge / eta)
        noise = both <= IDLE * (arrays.charge_wh + arrays.discharge_wh)[:, None]
        dearer = price * (1 - eta) + arrays.wear_price[:, None] * eta < 0
        other = self._without(plan, np.where(dearer & ~noise, 0.0, both), eta)
        cost, unheld = self._cost_of(other)
        if cost - found.cost <= gap * abs(found.cost) and unheld <= MOST_UNHELD_WH:
            return other
        both = np.where(noise, both, 0.0)
        return replace(plan, charge=plan.charge - both, discharge=plan.discharge - eta * both)

    def _without(self, plan: "_Plan", both: Floats, eta: Floats) -> "_Plan":
        """A plan with so much less charge and discharge, its reserves up within what power and PCC then leave."""
        arrays = self._arrays
        charge, discharge = plan.charge - both, plan.discharge - eta * both
        up = [q for q, product in enumerate(arrays.reserves) if product.direction is Direction.UP]
        together = plan.reserve[up].sum(axis=0)
        flow = discharge - charge
        most = np.minimum(
            arrays.discharge_wh[:, None] - flow,
            arrays.pcc_export_wh[:, None] + arrays.net_load_wh + plan.curtailed - flow,
        )
        reserve = plan.reserve.copy()
        reserve[up] *= np.clip(most / np.maximum(together, LEAST_WIDTH), 0.0, 1.0)
        return replace(plan, charge=charge, discharge=discharge, reserve=reserve)

    def _duals(self) -> tuple[Floats, Floats, dict[str, Floats]]:
        """Prices of balances, of what is held, and of stations' rows, cents per MWh, as a certificate has them."""
        arrays, data, price = self._arrays, self._data, self._data.unit_price
        z = {kind: self._z[:, :, k] for k, kind in enumerate(self._own.kinds)}
        rows = {kind: -z.get(kind, np.zeros(arrays.shape)) * price for kind in row_kinds(data.shape)[1:]}
        balance = self._prices[:, :, 0] * price
        held = np.maximum(np.moveaxis(self._prices[:, :, 1:], 2, 0), 0.0) * price
        for q, product in enumerate(arrays.reserves):
            if product.short_price is not None:
                held[q] = np.minimum(held[q], product.short_price)
        larger = np.maximum(data.station["charge"], data.station["discharge"]).clip(LEAST_WIDTH)[:, None]
        hull = z["hull"] * np.maximum(data.station["discharge"], LEAST_WIDTH)[:, None] / larger
        left = (z["charge_least"] - hull) * price - balance[arrays.region] - flow_worth(rows)
        return balance, held, {"store": left / (arrays.eta_c_ppm / MILLION)[:, None]} | rows

    def _inside(self, found: "_Found", gap: float) -> Inside:
        plan = self._one_way(found, gap)
        return Inside(
            cost_cents=found.cost,
            bound_cents=found.bound,
            met=found.met,
            count=found.count,
            charge=plan.charge,
            discharge=plan.discharge,
            curtailed=plan.curtailed,
            reserve=plan.reserve,
            forward=plan.ties[0],
            backward=plan.ties[1],
            balance=found.balance,
            held=found.held,
            rows=found.rows,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    """Flows in Wh."""

    charge: Floats
    discharge: Floats
    curtailed: Floats
    reserve: Floats
    ties: Floats
    """Forward and backward."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A point's plan and what its prices prove; cents."""

    plan: _Plan
    cost: float
    balance: Floats
    held: Floats
    rows: dict[str, Floats]
    bound: float
    met: bool
    count: int

    @property
    def width(self) -> float:
        """What is left between cost and bound."""
        return self.cost - self.bound


def _longest(x: Floats, step: Floats) -> float:
    """How far x may go and stay above 0."""
    down = step < 0
    return float((-x[down] / step[down]).min(initial=1e300))
