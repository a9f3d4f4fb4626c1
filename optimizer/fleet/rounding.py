"""From the solver's floats to a fleet's plan in whole Wh, inside every limit, so that the exact check passes (9.7).

Period by period all stations are rounded together: two envelopes, computed backwards, say from which content the rest
can still be kept; within them each flow goes to a neighbour of its target so that every region's total stays near the
solver's, and inside the exchange's limits. Content is carried in integers: whole Wh and parts of
1 / (10⁶ · eta_d_ppm), rounded down and up where self-discharge has finer parts.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alliance.errors import Refused
from alliance.fleetplan import MILLION, RISK_NEUTRAL, Direction, FleetPlan, Tie
from optimizer.fleet.arrays import FleetArrays, Ints, leased_of, leases_of, ties_of
from optimizer.fleet.scaled import Floats

NEAR_WH = 1e-4
"""So near a whole number, a float of the solver stands for it."""
NEAR_FLOW = 1e-7
"""So near a whole number, a flow computed here is tried as one; integers then decide."""
INWARD_WH = 1e-6
"""By so much an envelope keeps off a level that is not whole."""
SPARED_WH = (0, 1, 3, 9)
"""By so much reserves are less than planned, tried in order: where a station finds no flow, and at last everywhere."""
MOST_SPARINGS = 8
"""How often the places where no flow is found are told apart from the others."""
FAR_WH = 1 << 50
MOST_FLOW = 10**12
"""No flow is larger; integers of 64 bits hold what it adds to the content."""


@dataclass(kw_only=True, eq=False)
class RoundingFailed(Refused):
    """No whole watt-hours keep a station's or region's limits, although fractions would."""

    place: str
    period: int
    stuck: Ints = None
    """Where no flow is found (n × T, bool), if reserves may be in the way."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draft:
    """A plan in floats, Wh: what the rounding aims at."""

    battery: Floats
    """n × T, discharge positive."""
    reserve: Floats
    """Q × n × T."""
    curtailed: Floats
    """W × n × T."""
    tie: Floats
    """W × ties × T, from → to positive."""
    lease: Floats
    """Leases × T, discharge positive."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rounded:
    """A plan in whole Wh; as `Draft`."""

    battery: Ints
    reserve: Ints
    curtailed: Ints
    tie: Ints
    lease: Ints

    @property
    def plan(self) -> FleetPlan:
        """The plan as a value, for the exact check and the certificate."""
        return FleetPlan(
            battery_wh=_nested(self.battery),
            reserve_wh=_nested(self.reserve),
            curtailed_wh=_nested(self.curtailed),
            tie_wh=_nested(self.tie),
            lease_wh=_nested(self.lease),
        )


def rounded(arrays: FleetArrays, draft: Draft) -> Rounded:
    """Round a draft. Raises RoundingFailed.

    Where no whole Wh are left for flows: with a little less of the reserves, at first there alone, then with lessees
    who rest if they may.
    """
    for aim in (draft.lease, np.zeros_like(draft.lease))[: 2 if arrays.leases else 1]:
        spared = np.zeros(arrays.shape, dtype=np.int64)
        for attempt in range(MOST_SPARINGS + len(SPARED_WH) if arrays.reserves else 1):
            try:
                theirs = _rounded_leases(arrays, aim)
                return _rounded(arrays, draft, _rounded_reserves(arrays, draft.reserve, spared), theirs)
            except RoundingFailed as error:
                failed = error
            spared = _more_spared(spared, failed, attempt)
    raise failed


def _more_spared(spared: Ints, failed: RoundingFailed, attempt: int) -> Ints:
    """The next amount where no flow was found, just before and after; everywhere once that was tried often enough."""
    last = len(SPARED_WH) - 1
    if attempt >= MOST_SPARINGS or failed.stuck is None or (spared[failed.stuck] >= SPARED_WH[last]).any():
        return np.maximum(spared, SPARED_WH[min(last, max(1, attempt - MOST_SPARINGS + 1))])
    near = failed.stuck.copy()
    near[:, 1:] |= failed.stuck[:, :-1]
    near[:, :-1] |= failed.stuck[:, 1:]
    step = np.searchsorted(SPARED_WH, spared, side="right")
    return np.where(near, np.array(SPARED_WH)[np.minimum(step, last)], spared)


def _rounded(arrays: FleetArrays, draft: Draft, reserve: Ints, theirs: Ints) -> Rounded:
    _require_start(arrays, reserve)
    tie = np.trunc(draft.tie + np.copysign(NEAR_WH, draft.tie)).astype(np.int64)
    room = _Room(arrays, reserve, tie, theirs)
    content = _Content(arrays)
    battery = np.zeros(arrays.shape, dtype=np.int64)
    curtailed = np.zeros((len(arrays.case_ppm), *arrays.shape), dtype=np.int64)
    order = _Segments(arrays.region, arrays.regions)
    stuck = np.zeros(arrays.shape, dtype=bool)
    for t in range(arrays.periods):
        aim = order.rounded(draft.curtailed[:, :, t])
        low, high = room.flows(t, content)
        if arrays.reserves and (low > high).any():
            stuck[:, t] = low > high
            high = np.maximum(low, high)
        battery[:, t] = _flows(order, draft.battery[:, t], low, high, room.totals(t, aim), t)
        curtailed[:, :, t] = _curtailments(order, room, battery[:, t], aim, t)
        content.pass_period(battery[:, t], *room.called(t))
    if stuck.any():
        i, t = (int(k) for k in np.unravel_index(int(np.argmax(stuck)), stuck.shape))
        raise RoundingFailed(place=f"stations[{i}]", period=t, stuck=stuck)
    return Rounded(battery=battery, reserve=reserve, curtailed=curtailed, tie=tie, lease=theirs)


def _require_start(arrays: FleetArrays, reserve: Ints) -> None:
    """(S4) A call in the first period is borne by what is stored, and what has room, when the horizon begins."""
    start = arrays.start_wh - leased_of(arrays, "start_wh")
    spare = np.maximum(0, start - arrays.energy_min_wh)
    free = np.maximum(0, arrays.energy_max_wh - leased_of(arrays, "energy_wh") - start)
    stuck = np.zeros(arrays.shape, dtype=bool)
    for i, held in enumerate(reserve[:, :, 0].T.tolist() if len(reserve) else []):
        calls = [(q.direction, q.duration_s * wh) for q, wh in zip(arrays.reserves, held, strict=True)]
        up = sum(x for direction, x in calls if direction is Direction.UP) * MILLION
        down = sum(x for direction, x in calls if direction is Direction.DOWN) * int(arrays.eta_c_ppm[i])
        given = int(spare[i]) * arrays.period_s * int(arrays.eta_d_ppm[i])
        stuck[i, 0] = up > given or down > int(free[i]) * arrays.period_s * MILLION
    if stuck.any():
        raise RoundingFailed(place=f"stations[{int(np.argmax(stuck[:, 0]))}]", period=0, stuck=stuck)


class _Segments:
    """Sums and shares by region of figures by station."""

    def __init__(self, region: Ints, regions: int) -> None:
        self._region, self._regions = region, regions
        self._order = np.argsort(region, kind="stable")
        self._sorted = region[self._order]
        self._first = np.searchsorted(self._sorted, np.arange(regions))

    def sums(self, figures: Any) -> Any:
        """Of the last axis, by region."""
        flat = figures.reshape(math.prod(figures.shape[:-1]), figures.shape[-1])
        found = np.zeros((len(flat), self._regions), dtype=figures.dtype)
        for row, into in zip(flat, found, strict=True):
            np.add.at(into, self._region, row)
        return found.reshape(*figures.shape[:-1], self._regions)

    def rounded(self, figures: Floats) -> Ints:
        """Each to a whole neighbour, each region's running total to the nearest."""
        totals = np.floor(self._running(figures) + 0.5)
        return self._differences(totals).astype(np.int64)

    def shared(self, need: Ints, room: Ints) -> Ints:
        """Hand out each region's need among its stations, each up to its room, in their order."""
        wanted = need[self._sorted]
        return self._differences(np.minimum(self._running(room), wanted))

    def _running(self, figures: Any) -> Any:
        running = np.cumsum(figures[..., self._order], axis=-1)
        before = np.concatenate([np.zeros((*figures.shape[:-1], 1), dtype=running.dtype), running], axis=-1)
        return running - before[..., self._first[self._sorted]]

    def _differences(self, totals: Any) -> Any:
        steps = np.diff(totals, axis=-1, prepend=0)
        starts = np.diff(self._sorted, prepend=-1) != 0
        found = np.empty_like(totals)
        found[..., self._order] = np.where(starts, totals, steps)
        return found


def _flows(order: _Segments, target: Floats, low: Ints, high: Ints, totals: tuple[Ints, Ints], t: int) -> Ints:
    """Whole flows between low and high, each region's total as near to the target's as its limits leave.

    Stations in use make up for each other's rounding, 1 Wh each at most; only for a limit is any station moved further.
    """
    least, most = totals
    _require_order(low, high, "stations", t)
    _require_order(least, most, "regions", t)
    flow = np.clip(order.rounded(np.clip(target, low, high)), low, high)
    wanted = np.clip(np.rint(order.sums(target)).astype(np.int64), least, most)
    flow = _moved(order, flow, wanted - order.sums(flow), low, high, most=(np.abs(target) >= 1.0).astype(np.int64))
    total = order.sums(flow)
    flow = _moved(order, flow, np.clip(total, least, most) - total, low, high, most=np.full(len(flow), FAR_WH))
    return flow


def _moved(order: _Segments, flow: Ints, need: Ints, low: Ints, high: Ints, *, most: Ints) -> Ints:
    """Flows whose sums by region differ by `need`, or as much of it as bounds and `most` a station allow."""
    more = order.shared(np.maximum(need, 0), np.minimum(most, high - flow))
    less = order.shared(np.maximum(-need, 0), np.minimum(most, flow - low))
    return flow + more - less


def _require_order(low: Ints, high: Ints, what: str, t: int) -> None:
    wrong = low > high
    if wrong.any():
        raise RoundingFailed(place=f"{what}[{int(np.argmax(wrong))}]", period=t)


def _curtailments(order: _Segments, room: "_Room", flow: Ints, aim: Ints, t: int) -> Ints:
    """Whole curtailment in each case: inside the PCC's rights, and what the regions' exchange still lacks."""
    low, high = room.curtailments(t, flow)
    if (low > high).any():
        raise RoundingFailed(place=f"stations[{int(np.argmax((low > high).any(axis=0)))}]", period=t)
    curtailed = np.clip(aim, low, high)
    for w, chosen in enumerate(curtailed):
        lacking, spilling = room.excess(t, w, order.sums(chosen - flow))
        need = np.where(lacking > 0, -lacking, np.maximum(spilling, 0))
        curtailed[w] = _moved(order, chosen, need, low[w], high[w], most=np.full(len(flow), FAR_WH))
        lacking, spilling = room.excess(t, w, order.sums(curtailed[w] - flow))
        _require_order(np.maximum(lacking, spilling), np.zeros_like(lacking), "regions", t)
    return curtailed


class _Room:
    """What limits leave for the flows, once reserves and ties are whole."""

    def __init__(self, arrays: FleetArrays, reserve: Ints, tie: Ints, theirs: Ints) -> None:
        self._arrays, self._reserve = arrays, reserve
        self._leased = _leased(arrays, theirs)
        self._load = arrays.case_net_load_wh
        self._curtailable = np.broadcast_to(arrays.curtailable_wh, arrays.shape)
        self._up, self._down = (_together(arrays, reserve, direction) for direction in Direction)
        self._given_least, self._given_most = _given(arrays, tie)
        self._of_region = _Segments(arrays.region, arrays.regions)
        self._supply = arrays.most_taken_wh
        self._low, self._high = self._windows()
        self._flow_low, self._flow_high = self._power()
        self._floor, self._ceiling = self._envelopes()

    def flows(self, t: int, content: "_Content") -> tuple[Ints, Ints]:
        """Least and most flow from which the rest of the horizon can still be kept."""
        up, down = self.called(t)
        high = self._discharged(content.least(up, down), self._floor[:, t], content)
        low = self._discharged(content.most(up, down), self._ceiling[:, t], content, way=-1)
        high = high - (content.lower_after(high, up, down) < self._low[:, t])
        low = low + (content.upper_after(low, up, down) > self._high[:, t])
        return np.maximum(low, self._flow_low[:, t]), np.minimum(high, self._flow_high[:, t])

    def totals(self, t: int, aim: Ints) -> tuple[Ints, Ints]:
        """Least and most of each region's flows together that its exchange leaves in every case."""
        found = [self._net(t, w, self._of_region.sums(aim[w])) for w in range(len(aim))]
        least = np.max([least for least, _ in found], axis=0) - self._supply[:, t]
        most = np.min([most for _, most in found], axis=0) + self._arrays.export_limit_wh[:, t]
        bare = np.bincount(self._arrays.region, minlength=self._arrays.regions) == 0
        return np.where(bare, np.minimum(least, 0), least), np.where(bare, np.maximum(most, 0), most)

    def excess(self, t: int, w: int, taken: Ints) -> tuple[Ints, Ints]:
        """By how much each region passes its import limit with all it may cut, and its export limit."""
        least, most = self._net(t, w, taken)
        return least - self._supply[:, t], -most - self._arrays.export_limit_wh[:, t]

    def curtailments(self, t: int, flow: Ints) -> tuple[Ints, Ints]:
        """Least and most curtailment in each case, cases × n."""
        up, down = self.totals_called(t)
        sent = flow - self._load[:, :, t]
        low = np.maximum(0, sent - self._arrays.pcc_export_wh + up)
        return low, np.minimum(self._curtailable[:, t], self._arrays.pcc_import_wh - down + sent)

    def called(self, t: int) -> tuple[Ints, Ints]:
        """What is expected to be called of each station's reserves, up and down, in millionths of a Wh."""
        expected = [q.activation_ppm * held[:, t] for q, held in zip(self._arrays.reserves, self._reserve, strict=True)]
        both = []
        for direction in Direction:
            chosen = [e for q, e in zip(self._arrays.reserves, expected, strict=True) if q.direction is direction]
            both.append(np.sum(chosen, axis=0, dtype=np.int64) if chosen else np.zeros(len(self._up), dtype=np.int64))
        return both[0], both[1]

    def totals_called(self, t: int) -> tuple[Ints, Ints]:
        """Each station's reserves up and down together."""
        return self._up[:, t], self._down[:, t]

    def _net(self, t: int, w: int, taken: Ints) -> tuple[Ints, Ints]:
        """What each region lacks, rounded up and down, given what stations take beside their load."""
        net = self._arrays.base_load_wh[:, t] + self._of_region.sums(self._load[w, :, t]) + taken
        return net - self._given_least[w, :, t], net - self._given_most[w, :, t]

    def _windows(self) -> tuple[Ints, Ints]:
        """Content at each period's end, calls borne in the period before and after it."""
        give, take = (self._borne(direction) for direction in Direction)
        low, high = self._arrays.low_wh, self._arrays.high_wh.copy()
        low += self._leased.least
        high += self._leased.most - leased_of(self._arrays, "energy_wh")[:, None]
        for borne, window, sign in ((give, low, 1), (take, high, -1)):
            later = np.hstack([borne[:, 1:], np.zeros((len(borne), 1), dtype=np.int64)])
            window += sign * np.maximum(borne, later)
        return low, high

    def _borne(self, direction: Direction) -> Ints:
        """Content or room that calls of the reserves need, Wh, rounded up."""
        eta = self._arrays.eta_d_ppm if direction is Direction.UP else self._arrays.eta_c_ppm
        held = _together(self._arrays, self._reserve, direction, weigh=lambda q: q.duration_s / self._arrays.period_s)
        worth = held * (MILLION / eta if direction is Direction.UP else eta / MILLION)[:, None]
        return np.ceil(worth * (1 + 1e-12)).astype(np.int64)

    def _power(self) -> tuple[Ints, Ints]:
        """Least and most flow by battery and PCC, whatever the case."""
        arrays = self._arrays
        least, most = self._load.max(axis=0), (self._load + self._curtailable).min(axis=0)
        first = self._leased.flow - (arrays.charge_wh - leased_of(arrays, "charge_wh"))[:, None]
        last = self._leased.flow + (arrays.discharge_wh - leased_of(arrays, "discharge_wh"))[:, None]
        low = np.maximum(first, least - arrays.pcc_import_wh[:, None]) + self._down
        high = np.minimum(last, most + arrays.pcc_export_wh[:, None]) - self._up
        return low, high

    def _envelopes(self) -> tuple[Floats, Floats]:
        """Content at each period's end from which the later windows can still be kept."""
        floor, ceiling = self._low.astype(float), self._high.astype(float)
        eta_c, eta_d = self._arrays.eta_c_ppm / MILLION, self._arrays.eta_d_ppm / MILLION
        keep = np.maximum(self._arrays.keep_ppm / MILLION, 1e-300)
        for t in range(self._arrays.periods - 1, 0, -1):
            up, down = (called / MILLION for called in self.called(t))
            drift = down * eta_c - up / eta_d
            gain, loss = (_gained(flow[:, t], eta_c, eta_d) + drift for flow in (self._flow_low, self._flow_high))
            floor[:, t - 1] = np.maximum(floor[:, t - 1], _inward((floor[:, t] - gain) / keep, 1.0))
            ceiling[:, t - 1] = np.minimum(ceiling[:, t - 1], _inward((ceiling[:, t] - loss) / keep, -1.0))
        return floor, ceiling

    def _discharged(self, content: Floats, to: Floats, of: "_Content", *, way: int = 1) -> Ints:
        """The whole flow that brings content down to a level: the most that stays above (way 1) or least below (−1)."""
        left = content - to
        flow = np.where(left >= 0, left * of.eta_d, left / of.eta_c)
        near = NEAR_FLOW * (1 + np.abs(flow) * 1e-6)
        flow = np.floor(flow + near) if way > 0 else np.ceil(flow - near)
        return np.clip(flow, -FAR_WH, FAR_WH).astype(np.int64)


class _Content:
    """Content of all stations in whole Wh and parts of 1 / (10⁶ eta_d_ppm) Wh, a lower and an upper value."""

    def __init__(self, arrays: FleetArrays) -> None:
        self._arrays = arrays
        self._parts = MILLION * arrays.eta_d_ppm
        self.eta_c, self.eta_d = arrays.eta_c_ppm / MILLION, arrays.eta_d_ppm / MILLION
        zero = np.zeros(arrays.stations, dtype=np.int64)
        self._lower, self._upper = (arrays.start_wh.copy(), zero), (arrays.start_wh.copy(), zero)

    def least(self, up: Ints, down: Ints) -> Floats:
        """Lower value after a period without a flow."""
        return self._float(self._after(self._lower, np.zeros_like(up), up, down, ceil=0))

    def most(self, up: Ints, down: Ints) -> Floats:
        """Upper value after a period without a flow."""
        return self._float(self._after(self._upper, np.zeros_like(up), up, down, ceil=1))

    def lower_after(self, flow: Ints, up: Ints, down: Ints) -> Ints:
        """Whole Wh of the lower value after a flow, rounded down."""
        whole: Ints = self._after(self._lower, np.clip(flow, -MOST_FLOW, MOST_FLOW), up, down, ceil=0)[0]
        return whole

    def upper_after(self, flow: Ints, up: Ints, down: Ints) -> Ints:
        """Whole Wh of the upper value after a flow, rounded up."""
        whole, part = self._after(self._upper, np.clip(flow, -MOST_FLOW, MOST_FLOW), up, down, ceil=1)
        return whole + (part > 0)

    def pass_period(self, flow: Ints, up: Ints, down: Ints) -> None:
        """Let a period pass with a flow and the calls expected."""
        self._lower = self._after(self._lower, flow, up, down, ceil=0)
        self._upper = self._after(self._upper, flow, up, down, ceil=1)

    def _float(self, value: tuple[Ints, Ints]) -> Floats:
        return value[0] + value[1] / self._parts

    def _after(self, value: tuple[Ints, Ints], flow: Ints, up: Ints, down: Ints, *, ceil: int) -> tuple[Ints, Ints]:
        """(S1) in whole Wh and parts; what is finer than a part is rounded down, or up with `ceil`."""
        arrays, million = self._arrays, MILLION
        kept_whole, rest = np.divmod(value[0] * arrays.keep_ppm, million)
        part = rest * arrays.eta_d_ppm + (value[1] * arrays.keep_ppm + ceil * (million - 1)) // million
        charged, rest = np.divmod(np.maximum(-flow, 0) * arrays.eta_c_ppm, million)
        part += rest * arrays.eta_d_ppm
        given, rest = np.divmod(np.maximum(flow, 0) * million + up, arrays.eta_d_ppm)
        part -= rest * million
        called, rest = np.divmod(down, million)
        taken, fine = np.divmod(called * arrays.eta_c_ppm, million)
        part += fine * arrays.eta_d_ppm
        part += (rest * arrays.eta_c_ppm * arrays.eta_d_ppm + ceil * (million - 1)) // million
        carry, part = np.divmod(part, self._parts)
        return kept_whole + charged - given + taken + carry, part


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Leased:
    """What whole orders of lessees come to at each station, n × T."""

    flow: Ints
    least: Ints
    """All accounts together at a period's end, rounded up: so much more the battery holds at least."""
    most: Ints
    """Likewise, rounded down: the owner's own most content begins above it."""


def _leased(arrays: FleetArrays, theirs: Ints) -> _Leased:
    flow, least, most = (np.zeros(arrays.shape, dtype=np.int64) for _ in range(3))
    for i, numbers in enumerate(leases_of(arrays)) if arrays.leases else ():
        if not numbers:
            continue
        eta_c, eta_d = int(arrays.eta_c_ppm[i]), int(arrays.eta_d_ppm[i])
        unit = MILLION * eta_d
        content = unit * sum(arrays.leases[k].start_wh for k in numbers)
        for t in range(arrays.periods):
            orders = theirs[numbers, t].tolist()
            content += sum(-x * eta_c * eta_d if x < 0 else -x * MILLION**2 for x in orders)
            flow[i, t], least[i, t], most[i, t] = sum(orders), -(-content // unit), content // unit
    return _Leased(flow=flow, least=least, most=most)


def _rounded_leases(arrays: FleetArrays, draft: Floats) -> Ints:
    """Whole orders of each lessee: as nominated, or its account rounded as a battery of its own."""
    found = np.zeros((len(arrays.leases), arrays.periods), dtype=np.int64)
    pooled = [k for k, lease in enumerate(arrays.leases) if not lease.nomination_wh]
    for k, lease in enumerate(arrays.leases):
        if lease.nomination_wh:
            found[k] = lease.nomination_wh
    if pooled:
        alone = _accounts(arrays, pooled)
        nothing = np.zeros((0, len(pooled), arrays.periods))
        idle = np.zeros((1, len(pooled), arrays.periods))
        aim = Draft(
            battery=draft[pooled], reserve=nothing, curtailed=idle, tie=np.zeros((1, 0, arrays.periods)),
            lease=nothing[:, 0],
        )  # fmt: skip
        found[pooled] = rounded(alone, aim).battery
    return found


def _accounts(arrays: FleetArrays, numbers: list[int]) -> FleetArrays:
    """Lessees' accounts as stations in one region without limits."""
    leases = [arrays.leases[k] for k in numbers]
    at = np.array([lease.station for lease in leases])
    count, periods = len(leases), arrays.periods

    def of(name: str) -> Ints:
        return np.array([getattr(lease, name) for lease in leases], dtype=np.int64)

    zeros, series = np.zeros(count, dtype=np.int64), np.zeros((1, periods), dtype=np.int64)
    wide, none = np.full((1, periods), MOST_FLOW), np.zeros(0, dtype=np.int64)
    return replace(
        arrays, buy_price=series, sell_price=series, import_limit_wh=wide, export_limit_wh=wide, base_load_wh=series,
        cut_most_wh=series, cut_price=series, tie_from=none, tie_to=none, tie_limit_wh=none, tie_loss_ppm=none,
        tie_steps=np.zeros((0, 3), dtype=np.int64), region=zeros, charge_wh=of("charge_wh"),
        discharge_wh=of("discharge_wh"), eta_c_ppm=arrays.eta_c_ppm[at], eta_d_ppm=arrays.eta_d_ppm[at],
        keep_ppm=zeros + MILLION, energy_min_wh=zeros, energy_max_wh=of("energy_wh"), start_wh=of("start_wh"),
        end_min_wh=of("end_min_wh"), wear_price=zeros, pcc_import_wh=zeros + MOST_FLOW, pcc_export_wh=zeros + MOST_FLOW,
        net_load_wh=np.zeros((count, periods), dtype=np.int64), own_need_floor_wh=zeros[:, None],
        content_most_wh=of("energy_wh")[:, None], curtailable_wh=zeros[:, None], reserves=(), leases=(),
        holding=np.zeros((1, 0, 3), dtype=np.int64),
        scenario_ppm=none, scenario_net_load_wh=np.zeros((0, count, periods), dtype=np.int64), risk=RISK_NEUTRAL,
    )  # fmt: skip


def _gained(flow: Ints, eta_c: Floats, eta_d: Floats) -> Floats:
    """What a flow adds to the content."""
    return np.where(flow < 0, -flow * eta_c, -flow / eta_d)


def _inward(level: Floats, sign: float) -> Floats:
    """A level that floats may miss, moved to the safe side unless it is whole."""
    return np.where(level == np.rint(level), level, level + sign * (INWARD_WH + 1e-12 * np.abs(level)))


def _given(arrays: FleetArrays, tie: Ints) -> tuple[Ints, Ints]:
    """What ties give to each region, cases × R × T, what arrives rounded down and up."""
    shape = (tie.shape[0], arrays.regions, arrays.periods)
    least, most = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for k, of_tie in enumerate(ties_of(arrays)):
        a, z = of_tie.from_region, of_tie.to_region
        for sent, left, reached in ((np.maximum(tie[:, k], 0), a, z), (np.maximum(-tie[:, k], 0), z, a)):
            for given in (least, most):
                given[:, left] -= sent
            arrived = _arrived(of_tie, sent)
            least[:, reached] += arrived // MILLION
            most[:, reached] -= -arrived // MILLION
    return least, most


def _arrived(tie: Tie, sent: Ints) -> Ints:
    """What arrives of what is sent, in millionths of a Wh (`alliance.fleettie.arrived_microwh`)."""
    total, below, passed = np.zeros_like(sent), 0, MILLION - tie.loss_ppm
    for step in tie.steps:
        total += passed * np.maximum(np.minimum(sent, step.above_wh) - below, 0)
        below, passed = step.above_wh, MILLION - step.loss_ppm
    return total + passed * np.maximum(sent - below, 0)


def _together(arrays: FleetArrays, reserve: Any, direction: Direction, weigh: Any = None) -> Any:
    """Reserves of a direction together, n × T, each weighed."""
    found = np.zeros(arrays.shape, dtype=np.int64 if weigh is None else float)
    for product, held in zip(arrays.reserves, reserve, strict=True):
        if product.direction is direction:
            found += held if weigh is None else weigh(product) * held
    return found


def _rounded_reserves(arrays: FleetArrays, draft: Floats, spared: Ints) -> Ints:
    """Reserves in whole Wh: rounded down less what is spared (n × T), then up where what must be held calls for it.

    Of a requirement that may give way no more is called for than the draft holds, and not where some is spared; for
    one that may not, stations there are called upon last.
    """
    order = _Segments(arrays.region, arrays.regions)
    found = np.zeros(draft.shape, dtype=np.int64)
    for q, product in enumerate(arrays.reserves):
        wanted = np.array(product.requirement_wh, dtype=np.int64)
        for t in range(arrays.periods):
            aim = np.maximum(draft[q, :, t], 0.0)
            whole = np.floor(aim + NEAR_WH).astype(np.int64)
            above = whole + (aim > whole + NEAR_WH)
            free, held = spared[:, t] == 0, np.maximum(whole - spared[:, t], 0)
            least, rooms = wanted[:, t], [np.where(free, whole, held), np.where(free, above, held)]
            if product.short_price is None:
                rooms += [whole, above]
            else:
                least = np.minimum(least, np.floor(order.sums(aim) + NEAR_WH).astype(np.int64))
            for most in rooms:
                missing = np.maximum(least - order.sums(held), 0)
                held = held + order.shared(missing, np.maximum(most - held, 0))
            found[q, :, t] = held
    return found


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if values.ndim > 1 else tuple(values.tolist())
