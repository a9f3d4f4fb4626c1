"""A fleet taken apart by prices (Dantzig–Wolfe): each station answers a price exactly, a small programme mixes answers.

For any prices λ of the regions' balances the stations' least costs (`kernel`), with what the exchange with the grid and
the ties could gain, are a proved lower bound (weak duality). A mixture of answers that keeps the balances is a plan of
the relaxation, because what a station may do is convex. The two meet: the best mixture's duals are the next prices to
ask, drawn towards the best so far (Wentges). Stations that act alike share a column; columns that have not been used
for some time are dropped, and flows are never stored but computed again from their prices.

What is not priced here (reserves, scenarios, binaries) and what does not meet in its time, the stamped programme
solves.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from alliance.fleetplan import CUT_LIMITS, MILLION
from optimizer.fleet.arrays import FleetArrays, Ints
from optimizer.fleet.kernel import Days, Floats, Stations, add_days, group_answers, held_costs, stations_of, worths

GROUPS, PERIODS_A_GROUP = 20, 9
"""Columns a region and price, at least, and one for so many periods: more need fewer prices and a larger master."""
DURATIONS = 8
"""Stations are sorted into groups by how long they can charge, in so many parts, then by what a cycle costs."""
SMOOTHING, GUESSED_SMOOTHING, MOST_SMOOTHING = 0.4, 0.9, 0.95
"""Share of the best prices so far in the next ones: to begin with, from prices that were guessed, and at most."""
SMOOTHED_MORE, SMOOTHED_LESS = 0.25, 0.1
"""Where prices prove no better bound, that much of the rest is added: then answers near the best are what is missing;
where they do, that much is taken off."""
IDLE_RUNS = 6
"""A column that was not used in so many runs may be dropped."""
MOST_SWEEPS = 400
MOST_STALLED = 3
"""Sweeps without any progress, the later ones at the master's own prices: then floats are at their end."""
SECONDS_A_STATION_PERIOD = 2e-5
"""Processor time after which the stamped programme is asked instead; about what HiGHS needs for it. As much again for
each holding step, which is two rows more a station and period."""
LEAST_SECONDS = 0.5
LEAST_KEPT = 1e-3
"""Of content over the whole horizon: where self-discharge leaves less, the kernel's scales drift apart."""
PENALTY = 20.0
"""Price of an unkept balance, in units of the dearest price."""
UNKEPT = 1e-7
"""Imbalance that the master's tolerance allows, in its unit; the exchange with the grid takes it up."""
NOISE = 1e-9
"""Of a fleet's turnover: floats prove no smaller gap."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Priced:
    """A part of a fleet planned by prices: a solution of its relaxation and the proof of how good it is."""

    stations: Ints
    """Their numbers in the fleet, as `regions` and `ties` below."""
    regions: Ints
    ties: Ints
    cost: float
    """Microcents, as `bound`."""
    bound: float
    met: bool
    """Whether the gap is as small as was asked; else the stamped programme should answer."""
    whole: bool
    """Whether the balances are kept, so that it is a plan of the relaxation at all."""
    sweeps: int
    """How many prices were asked."""
    prices: Floats
    """Regions × T."""
    charge: Floats
    """Stations × T, Wh, as the next two."""
    discharge: Floats
    curtailed: Floats
    forward: Floats
    """Ties × T."""
    backward: Floats
    skipped: Floats
    """Ties × T: what is sent above a step of a tie's losses though there is room below."""
    content: Floats
    """Stations × T: the worth of content."""
    right: Floats
    """Stations × T: what PCC rights add to the price."""


def can_price(arrays: FleetArrays) -> bool:
    """Whether the kernel knows all that a fleet has."""
    kept = (arrays.keep_ppm / MILLION) ** arrays.periods
    known = not arrays.reserves and not arrays.leases and not len(arrays.scenario_ppm)
    return known and bool((kept >= LEAST_KEPT).all())


def by_prices(
    arrays: FleetArrays,
    *,
    gap: float = 1e-5,
    guess: Floats | None = None,
    seconds: float | None = None,
    wall_s: float = np.inf,
) -> Iterator[Priced | None]:
    """Plan each part of a fleet whose regions are tied, one after the other; None where a station has no day at all.

    `guess` holds prices to begin with (regions × T), `seconds` the processor time a part may take, `wall_s` all parts'
    time together: a part that has none left is asked its first prices alone.
    """
    end = time.monotonic() + wall_s
    for regions, ties in tied_parts(arrays):
        part = _part(arrays, regions, ties)
        usual = SECONDS_A_STATION_PERIOD * part.size * (1 + arrays.holding.shape[1])
        limit = max(LEAST_SECONDS, usual) if seconds is None else seconds
        limit = min(limit, max(0.0, end - time.monotonic()))
        yield _Search(part, gap=gap, limit=limit).run(None if guess is None else guess[regions])


# Parts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Region:
    """A region's stations and its exchange with the grid."""

    chosen: Ints
    stations: Stations
    group: Ints
    groups: int
    buy: Floats
    sell: Floats
    most_import: Floats
    most_export: Floats
    load: Floats
    cut_price: Floats
    most_cut: Floats
    """Zeros where nothing may be cut."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """Regions that ties connect."""

    numbers: Ints
    regions: tuple[_Region, ...]
    ties: Ints
    tie_from: Ints
    """Position among the part's regions, as `tie_to`."""
    tie_to: Ints
    tie_limit: Floats
    lane_tie: Ints
    """Position among the part's ties: a lane a tie, then one a step, as all that begins a lane's."""
    lane_most: Floats
    lane_passed: Floats
    lane_before: Ints
    """Of each step's lane, the one below."""
    periods: int

    @property
    def lane_from(self) -> Ints:
        """The region that a lane leaves forwards."""
        return self.tie_from[self.lane_tie]

    @property
    def lane_to(self) -> Ints:
        """The region that it reaches."""
        return self.tie_to[self.lane_tie]

    @property
    def size(self) -> int:
        """Station-periods."""
        return self.periods * sum(len(r.chosen) for r in self.regions)


def tied_parts(arrays: FleetArrays) -> list[tuple[Ints, Ints]]:
    """Regions that ties connect, and those ties."""
    label = np.arange(arrays.regions)
    for a, z in zip(arrays.tie_from.tolist(), arrays.tie_to.tolist(), strict=True):
        label[label == label[z]] = label[a]
    tie_label = label[arrays.tie_from]
    return [(np.flatnonzero(label == k), np.flatnonzero(tie_label == k)) for k in np.unique(label)]


def _part(arrays: FleetArrays, regions: Ints, ties: Ints) -> _Part:
    place = {int(r): k for k, r in enumerate(regions)}
    return _Part(
        numbers=regions,
        regions=tuple(_region(arrays, int(r)) for r in regions),
        ties=ties,
        tie_from=np.array([place[int(r)] for r in arrays.tie_from[ties]], dtype=np.int64),
        tie_to=np.array([place[int(r)] for r in arrays.tie_to[ties]], dtype=np.int64),
        tie_limit=arrays.tie_limit_wh[ties].astype(np.float64),
        **_lanes(arrays, ties),
        periods=arrays.periods,
    )


def _lanes(arrays: FleetArrays, ties: Ints) -> dict[str, Any]:
    """Each tie as lanes of one loss: up to its first step, from step to step, and above the last up to the limit."""
    tie, above, loss = _steps(arrays, ties).T
    limit, first = arrays.tie_limit_wh[ties], len(ties) + np.arange(len(tie))
    begins = np.concatenate([np.zeros(len(ties), dtype=np.int64), above])
    most = np.concatenate([limit, limit[tie]]).astype(np.float64)
    before = np.where(np.diff(tie, prepend=-1) != 0, tie, first - 1)
    most[before] = above - begins[before]
    return {
        "lane_tie": np.concatenate([np.arange(len(ties)), tie]),
        "lane_most": most,
        "lane_passed": 1.0 - np.concatenate([arrays.tie_loss_ppm[ties], loss]) / MILLION,
        "lane_before": before,
    }


def _steps(arrays: FleetArrays, ties: Ints) -> Ints:
    """The steps of some ties, which are counted anew."""
    chosen = arrays.tie_steps[np.isin(arrays.tie_steps[:, 0], ties)]
    return np.column_stack([np.searchsorted(ties, chosen[:, 0]), chosen[:, 1:]])


def _region(arrays: FleetArrays, r: int) -> _Region:
    chosen = np.flatnonzero(arrays.region == r)
    groups = min(max(GROUPS, arrays.periods // PERIODS_A_GROUP), len(chosen))
    return _Region(
        chosen=chosen,
        stations=stations_of(arrays, chosen),
        group=_alike(arrays, chosen, float(np.abs(arrays.buy_price[r]).mean()), groups),
        groups=groups,
        buy=arrays.buy_price[r].astype(np.float64),
        sell=arrays.sell_price[r].astype(np.float64),
        most_import=arrays.import_limit_wh[r].astype(np.float64),
        most_export=arrays.export_limit_wh[r].astype(np.float64),
        load=arrays.base_load_wh[r].astype(np.float64),
        cut_price=_row(arrays.cut_price, r, arrays.periods),
        most_cut=_row(arrays.cut_most_wh, r, arrays.periods),
    )


def _row(values: Ints, r: int, periods: int) -> Floats:
    """A region's row of what may be one row for all."""
    return np.broadcast_to(values[r % len(values)], periods).astype(np.float64)


def _alike(arrays: FleetArrays, chosen: Ints, price: float, groups: int) -> Ints:
    """Groups of stations that act alike: by duration, then by what a MWh through the battery costs."""
    n = len(chosen)
    duration = arrays.energy_max_wh[chosen] / np.maximum(arrays.charge_wh[chosen], 1)
    eta = arrays.eta_c_ppm[chosen] / MILLION * (arrays.eta_d_ppm[chosen] / MILLION)
    cycle = price * (1.0 / eta - 1.0) + arrays.wear_price[chosen]
    part = np.empty(n, dtype=np.int64)
    part[np.argsort(duration, kind="stable")] = np.arange(n) * DURATIONS // max(n, 1)
    found = np.empty(n, dtype=np.int64)
    found[np.lexsort((cycle, part))] = np.arange(n) * groups // max(n, 1)
    return found


# The search


@dataclass(slots=True)
class _Best:
    """The best bound so far and the prices that prove it."""

    bound: float = -np.inf
    prices: Floats = None


class _Search:
    """Asks prices until the bound and the mixture's cost meet."""

    def __init__(self, part: _Part, *, gap: float, limit: float) -> None:
        self._part, self._gap, self._limit = part, gap, limit
        self._master = _Master(part)
        self._best = _Best()
        self._asked: list[Floats] = []

    def run(self, guess: Floats | None) -> Priced | None:
        """The plan; None if a station has no day."""
        buy, sell = (np.stack([getattr(r, side) for r in self._part.regions]) for side in ("buy", "sell"))
        first = [buy, sell, (buy + sell) / 2] if guess is None else [guess]
        share = SMOOTHING if guess is None else GUESSED_SMOOTHING
        for prices in first:
            if not self._ask(prices):
                return None
        mixture, stalled = self._master.run(), 0
        self._end = time.process_time() + self._limit  # a process's first answers load the kernel: not counted
        while not self._meets(mixture) and self._goes_on(stalled):
            smoothing = 0.0 if stalled else share
            before, bound = self._best.bound - mixture.cost, self._best.bound
            self._ask(smoothing * self._best.prices + (1 - smoothing) * mixture.prices)
            share = _smoothed(share, better=self._best.bound > bound)
            mixture = self._master.run()
            stalled = 0 if self._best.bound - mixture.cost > before else stalled + 1
        return self._priced(mixture, met=self._meets(mixture))

    def _goes_on(self, stalled: int) -> bool:
        """Whether there is time, and the last prices, smoothed and then bare, still taught something."""
        return stalled < MOST_STALLED and len(self._asked) < MOST_SWEEPS and time.process_time() < self._end

    def _ask(self, prices: Floats) -> bool:
        """Every station's answer to prices: a bound and a column for each group."""
        bound, columns = 0.0, []
        for region, price in zip(self._part.regions, prices, strict=True):
            cost, wear, taken = group_answers(region.stations, prices=price, group=region.group, groups=region.groups)
            bound += cost.sum() + region_bound(region, price)
            columns.append((wear, taken))
        if not np.isfinite(bound):
            return False
        bound += _ties_bound(self._part, prices)
        if bound > self._best.bound:
            self._best.bound, self._best.prices = bound, prices.copy()
        self._asked.append(prices.copy())
        self._master.add(columns, len(self._asked) - 1)
        return True

    def _meets(self, mixture: "_Mixture") -> bool:
        allowed = max(self._gap * abs(mixture.cost), NOISE * mixture.turnover)
        return mixture.unkept <= UNKEPT and mixture.cost - self._best.bound <= allowed

    def _priced(self, mixture: "_Mixture", *, met: bool) -> Priced:
        part, best = self._part, self._best.prices
        days = [_mixed(r, k, mixture, self._asked) for k, r in enumerate(part.regions)]
        proofs = [worths(r.stations, prices=price) for r, price in zip(part.regions, best, strict=True)]
        return Priced(
            stations=np.concatenate([r.chosen for r in part.regions]),
            regions=part.numbers,
            ties=part.ties,
            cost=_cost(part, days, mixture),
            bound=self._best.bound,
            met=met,
            whole=mixture.unkept <= UNKEPT,
            sweeps=len(self._asked),
            prices=best,
            charge=np.concatenate([d.charge for d in days]),
            discharge=np.concatenate([d.discharge for d in days]),
            curtailed=np.concatenate([d.curtailed for d in days]),
            forward=_by_tie(part, mixture.forward),
            backward=_by_tie(part, mixture.backward),
            skipped=np.maximum(_skipped(part, mixture.forward), _skipped(part, mixture.backward)),
            content=np.concatenate([p.content for p in proofs]),
            right=np.concatenate([p.right for p in proofs]),
        )


def _smoothed(share: float, *, better: bool) -> float:
    """The next share of the best prices."""
    if better:
        return max(SMOOTHING, share - SMOOTHED_LESS)
    return min(MOST_SMOOTHING, share + SMOOTHED_MORE * (1.0 - share))


def region_bound(region: _Region, price: Floats) -> float:
    """The load at its price, and what import, export and cut load could gain at most."""
    gained = np.minimum(0.0, region.buy - price) @ region.most_import
    gained += np.minimum(0.0, price - region.sell) @ region.most_export
    if region.most_cut.any():
        gained += np.minimum(0.0, region.cut_price - price) @ region.most_cut
    return float(price @ region.load + gained)


def _ties_bound(part: _Part, prices: Floats) -> float:
    """What each tie could gain at most, one way or the other."""
    passed, here, there = part.lane_passed[:, None], prices[part.lane_from], prices[part.lane_to]
    costs = np.minimum(0.0, [here - passed * there, there - passed * here])
    stepped = np.unique(part.lane_tie[len(part.ties) :])
    best = costs.min(axis=0)[: len(part.ties)]
    best[stepped] = 0.0
    return float((part.tie_limit[:, None] * best).sum()) + sum(_lanes_bound(part, int(k), costs) for k in stepped)


def _lanes_bound(part: _Part, k: int, costs: Floats) -> float:
    """Of a tie with steps: its lanes, both ways, by cost, up to its limit."""
    lanes = np.flatnonzero(part.lane_tie == k)
    each = costs[:, lanes].reshape(2 * len(lanes), -1)
    order = np.argsort(each, axis=0)
    most = np.tile(part.lane_most[lanes], 2)[order]
    sent = np.diff(np.minimum(np.cumsum(most, axis=0), part.tie_limit[k]), axis=0, prepend=0.0)
    return float((np.take_along_axis(each, order, axis=0) * sent).sum())


def _by_tie(part: _Part, flows: Floats) -> Floats:
    """All lanes of each tie together."""
    found = np.zeros((len(part.ties), part.periods))
    np.add.at(found, part.lane_tie, flows)
    return found


def _skipped(part: _Part, flows: Floats) -> Floats:
    """What each tie sends above a step though there is room below."""
    found, first = np.zeros((len(part.ties), part.periods)), len(part.ties)
    room = part.lane_most[part.lane_before, None] - flows[part.lane_before]
    np.maximum.at(found, part.lane_tie[first:], np.minimum(flows[first:], room))
    return found


def _mixed(region: _Region, number: int, mixture: "_Mixture", asked: Sequence[Floats]) -> Days:
    """The stations' flows: their answers computed again, weighted."""
    shape = region.stations.net_load.shape
    days = Days(cost=np.zeros(shape[0]), charge=np.zeros(shape), discharge=np.zeros(shape), curtailed=np.zeros(shape))
    for sweep, weights in mixture.weights[number].items():
        add_days(region.stations, prices=asked[sweep][number], weights=weights[region.group], days=days)
    return days


def _cost(part: _Part, days: Sequence[Days], mixture: "_Mixture") -> float:
    """What the flows cost, in themselves."""
    total = 0.0
    for k, (region, day) in enumerate(zip(part.regions, days, strict=True)):
        net = region.load + (region.stations.net_load + day.charge - day.discharge + day.curtailed).sum(axis=0)
        net = net + mixture.forward[part.lane_from == k].sum(axis=0) + mixture.backward[part.lane_to == k].sum(axis=0)
        for flow, ends in ((mixture.forward, part.lane_to), (mixture.backward, part.lane_from)):
            net = net - (part.lane_passed[:, None] * flow)[ends == k].sum(axis=0)
        total += _billed(region, net)
        total += float(region.stations.figures[:, 6] @ day.discharge.sum(axis=1))
        total += float(held_costs(region.stations, day).sum())
    return total


def _billed(region: _Region, net: Floats) -> float:
    """What a region's exchange and cut load cost, in the order of prices (`alliance.fleetexchange`)."""
    if not region.most_cut.any():
        return float(np.where(net > 0, region.buy, region.sell) @ net)
    first = np.where(region.cut_price >= region.sell, 0.0, -region.most_export)
    first = np.where(region.cut_price >= region.buy, region.most_import, first)
    cut = np.clip(net - first, 0.0, region.most_cut)
    rest = net - cut
    return float(region.cut_price @ cut + np.where(rest > 0, region.buy, region.sell) @ rest)


# The master programme


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mixture:
    """The cheapest mixture of the answers so far."""

    cost: float
    turnover: float
    """What all of the exchange is worth: a scale for the floats' noise."""
    unkept: float
    """The largest imbalance, in units of the master."""
    prices: Floats
    weights: tuple[dict[int, Floats], ...]
    """For each region: sweep → weight of each group's answer."""
    forward: Floats
    """Lanes × T."""
    backward: Floats


@dataclass(slots=True)
class _Columns:
    """The answers in the master, in its order."""

    sweep: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    row: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """The group, counted through all regions."""
    idle: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


class _Master:
    """min Σ wear·w + buy·i − sell·x + p·k; i − x + k + ties − Σ taken·w = load, Σ w = 1 a group. It keeps its basis."""

    def __init__(self, part: _Part) -> None:
        import highspy

        self._highspy, self._part = highspy, part
        self._balances, self._lines = len(part.regions) * part.periods, len(part.lane_tie) * part.periods
        self._firsts = np.cumsum([0, *(r.groups for r in part.regions)])
        self._cut_counts = [part.periods * bool(r.most_cut.any()) for r in part.regions]
        power = sum(float(r.stations.figures[:, 0:2].sum()) for r in part.regions)
        load = max(float(np.abs(r.load + r.stations.net_load.sum(axis=0)).mean()) for r in part.regions)
        self._unit = max(1.0, load, power / (2 * len(part.regions)))
        dearest = max(
            float(np.abs(np.stack([r.buy, r.sell, np.where(r.most_cut > 0, r.cut_price, 0)])).max())
            for r in part.regions
        )
        self._unit_price = max(1.0, float(np.mean([np.abs(r.buy).mean() for r in part.regions])))
        self._columns = _Columns()
        self._solver = self._begun(PENALTY * max(dearest, 1.0) / self._unit_price)

    def add(self, answers: Sequence[tuple[Floats, Floats]], sweep: int) -> None:
        """A column a group: wear and holding alone, and what it takes."""
        periods = self._part.periods
        for k, (wear, taken) in enumerate(answers):
            n = len(wear)
            if not n:
                continue
            rows = self._firsts[k] + np.arange(n)
            balances = np.broadcast_to(k * periods + np.arange(periods), (n, periods))
            index = np.hstack([balances, (self._balances + rows)[:, None]])
            values = np.hstack([-taken / self._unit, np.ones((n, 1))])
            self._solver.addCols(
                n, wear / (self._unit * self._unit_price), np.zeros(n), np.full(n, np.inf), index.size,
                (np.arange(n) * (periods + 1)).astype(np.int32), index.astype(np.int32).ravel(), values.ravel(),
            )  # fmt: skip
            columns = self._columns
            columns.sweep = np.append(columns.sweep, np.full(n, sweep))
            columns.row = np.append(columns.row, rows)
            columns.idle = np.append(columns.idle, np.zeros(n, dtype=np.int64))

    def run(self) -> _Mixture:
        """Solve from the last basis."""
        self._solver.run()
        solution = self._solver.getSolution()
        values = np.array(solution.col_value)
        prices = np.array(solution.row_dual)[: self._balances] * self._unit_price
        money = self._unit * self._unit_price
        used = values[self._first :]
        mixture = _Mixture(
            cost=self._solver.getInfo().objective_function_value * money,
            turnover=float(np.abs(values[: self._first] * self._exchange_costs).sum()) * money,
            unkept=float(values[2 * self._balances : 4 * self._balances].max(initial=0.0)),
            prices=prices.reshape(len(self._part.regions), -1),
            weights=tuple(self._weights(k, used) for k in range(len(self._part.regions))),
            forward=self._flows(values, 0),
            backward=self._flows(values, 1),
        )
        self._prune(used)
        return mixture

    def _begun(self, penalty: float) -> Any:
        """The master without answers: import, export, imbalance up and down, ties forwards and backwards, cut load."""
        part, b, lines = self._part, self._balances, self._lines
        buy, sell, load, most_import, most_export = (
            np.concatenate([getattr(r, name) for r in part.regions])
            for name in ("buy", "sell", "load", "most_import", "most_export")
        )
        unit_price = self._unit_price
        cut_price, most_cut = (
            np.concatenate([getattr(r, name)[:count] for r, count in zip(part.regions, self._cut_counts, strict=True)])
            for name in ("cut_price", "most_cut")
        )
        self._exchange_costs = np.concatenate(
            [buy / unit_price, -sell / unit_price, np.full(2 * b, penalty), np.zeros(2 * lines), cut_price / unit_price]
        )
        self._first = len(self._exchange_costs)
        limits, lanes = (np.repeat(x, part.periods) / self._unit for x in (part.tie_limit, part.lane_most))
        most = np.concatenate(
            [most_import / self._unit, most_export / self._unit, np.full(2 * b, np.inf), np.tile(lanes, 2),
             most_cut / self._unit]
        )  # fmt: skip
        start, index, values = self._entries()
        groups = int(self._firsts[-1])
        low = np.concatenate([load / self._unit, np.ones(groups), np.full(len(limits), -np.inf)])
        high = np.concatenate([load / self._unit, np.ones(groups), limits])
        solver = self._highspy.Highs()
        for option, value in (
            ("output_flag", False), ("threads", 1), ("random_seed", 0), ("presolve", "off"), ("simplex_strategy", 4),
        ):  # fmt: skip
            solver.setOptionValue(option, value)
        solver.passModel(
            self._first, len(low), len(values), 1, 1, 0.0, self._exchange_costs, np.zeros(self._first), most, low, high,
            start, index, values, np.zeros(self._first, dtype=np.int32),
        )  # fmt: skip
        return solver

    def _entries(self) -> tuple[Ints, Ints, Floats]:
        """Of those columns: exchange, imbalances and cut load one each, ties two balances and their limit."""
        part, b, periods = self._part, self._balances, self._part.periods
        single = np.tile(np.arange(b), 4)
        values = np.repeat([1.0, -1.0, 1.0, -1.0], b)
        t = np.arange(periods)
        here = (part.lane_from[:, None] * periods + t).ravel()
        there = (part.lane_to[:, None] * periods + t).ravel()
        limit = b + int(self._firsts[-1]) + (part.lane_tie[:, None] * periods + t).ravel()
        passed, ones = np.repeat(part.lane_passed, periods), np.ones(self._lines)
        forward = np.stack([here, there, limit], axis=1), np.stack([-ones, passed, ones], axis=1)
        backward = np.stack([here, there, limit], axis=1), np.stack([passed, -ones, ones], axis=1)
        cut = np.concatenate([k * periods + np.arange(n) for k, n in enumerate(self._cut_counts)])
        index = np.concatenate([single, forward[0].ravel(), backward[0].ravel(), cut])
        lengths = np.repeat([1, 3, 1], [4 * b, 2 * self._lines, len(cut)])
        start = np.concatenate([[0], np.cumsum(lengths)])
        values = np.concatenate([values, forward[1].ravel(), backward[1].ravel(), np.ones(len(cut))])
        return start.astype(np.int32), index.astype(np.int32), values

    def _weights(self, k: int, used: Floats) -> dict[int, Floats]:
        """The weights of a region's answers, exactly 1 together in each group."""
        first, last = self._firsts[k], self._firsts[k + 1]
        row, sweep = self._columns.row, self._columns.sweep
        inside = np.flatnonzero((used > NOISE) & (row >= first) & (row < last))
        together = np.bincount(row[inside] - first, weights=used[inside], minlength=last - first)
        found: dict[int, Floats] = {}
        for at in inside.tolist():
            weights = found.setdefault(int(sweep[at]), np.zeros(last - first))
            weights[row[at] - first] += used[at] / together[row[at] - first]
        return found

    def _flows(self, values: Floats, way: int) -> Floats:
        first = 4 * self._balances + way * self._lines
        return values[first : first + self._lines].reshape(-1, self._part.periods) * self._unit

    def _prune(self, used: Floats) -> None:
        """Drop columns that have long been idle, once they are a third of all."""
        columns = self._columns
        columns.idle = np.where(used > 0.0, 0, columns.idle + 1)
        idle = columns.idle >= IDLE_RUNS
        if 3 * idle.sum() <= len(idle):
            return
        basic, status = self._highspy.HighsBasisStatus.kBasic, self._solver.getBasis().col_status
        dropped = np.array(
            [k for k in np.flatnonzero(idle).tolist() if status[self._first + k] != basic], dtype=np.int64
        )
        if len(dropped):
            self._solver.deleteCols(len(dropped), (self._first + dropped).astype(np.int32))
            kept = np.setdiff1d(np.arange(len(idle)), dropped)
            columns.sweep, columns.row, columns.idle = columns.sweep[kept], columns.row[kept], columns.idle[kept]


def part_of(arrays: FleetArrays, priced: Priced) -> FleetArrays:
    """The part of a fleet that was priced, as a fleet of its own."""
    return subfleet(arrays, stations=priced.stations, regions=priced.regions, ties=priced.ties)


def subfleet(arrays: FleetArrays, *, stations: Ints, regions: Ints, ties: Ints) -> FleetArrays:
    """Some regions with their stations and the ties between them, as a fleet of its own."""
    chosen = stations
    place = np.zeros(arrays.regions, dtype=np.int64)
    place[regions] = np.arange(len(regions))
    of_regions = ("buy_price", "sell_price", "import_limit_wh", "export_limit_wh", "base_load_wh")
    figures = (
        "charge_wh", "discharge_wh", "eta_c_ppm", "eta_d_ppm", "keep_ppm", "energy_min_wh", "energy_max_wh", "start_wh",
        "end_min_wh", "wear_price", "pcc_import_wh", "pcc_export_wh", "net_load_wh",
    )  # fmt: skip
    shared = ("own_need_floor_wh", "content_most_wh", "curtailable_wh", "holding")
    rows = {name: getattr(arrays, name) for name in shared}
    cuts = {name: getattr(arrays, name) for name in CUT_LIMITS}
    return replace(
        arrays,
        region=place[arrays.region[chosen]],
        tie_from=place[arrays.tie_from[ties]],
        tie_to=place[arrays.tie_to[ties]],
        tie_limit_wh=arrays.tie_limit_wh[ties],
        tie_loss_ppm=arrays.tie_loss_ppm[ties],
        tie_steps=_steps(arrays, ties),
        **{name: getattr(arrays, name)[regions] for name in of_regions},
        **{name: values if len(values) == 1 else values[regions] for name, values in cuts.items()},
        **{name: getattr(arrays, name)[chosen] for name in figures},
        **{name: values if len(values) == 1 else values[chosen] for name, values in rows.items()},
        scenario_net_load_wh=np.zeros((0, len(chosen), arrays.periods), dtype=np.int64),
    )
