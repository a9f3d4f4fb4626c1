"""One station's cheapest day at given prices, exactly: a convex piecewise-linear dynamic programme over its content.

What a period costs is convex and piecewise linear in the change of content; so is, by induction, the least cost V_t(e)
of having content e. V_t is a list of segments sorted by slope: a period inserts its own few, the window cuts off both
ends. A segment remembers its period, so that what the left end gives up is that period's for good and what the right
end gives up is nobody's: the flows are known without going back. What holding content costs is added to V_t: its
segments are split at the kinks and grow steeper to the right, so that their order stays. Energy in Wh a period, prices
in cents per MWh, cost in microcents, all floats. Compiled by numba where it is installed; without it the same code
runs as plain Python.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from alliance.fleetholding import HOUR_S
from alliance.fleetplan import MILLION
from optimizer.fleet.arrays import FleetArrays, Ints

try:
    import numba
except ModuleNotFoundError:
    numba = None

COMPILED = numba is not None
"""Whether the kernel is fast here; plain Python is some hundred times slower."""

Floats = Any
"""A numpy array of float64."""
_Function = TypeVar("_Function", bound=Callable[..., Any])

TOLERANCE = 1e-10
"""Relative: lengths that are no longer, and contents that miss a window by no more, are the floats' noise."""
MOST_VERTICES = 18
"""Of a period's cost: two on each of nine lines through the triangle of charge and discharge."""

CHARGE, DISCHARGE, ETA_C, ETA_D, KEEP, START, WEAR, IMPORT, EXPORT, INVERSE_C, INVERSE_D, BURNT = range(12)
"""Columns of a station's figures; the last three follow from the others (`figures_of`)."""
STEP, BELOW, ABOVE = range(3)
"""Entries of a holding step: its content, and the prices below and above it for a whole period."""
CHANGE, SLOPE, CHARGED, DISCHARGED = range(4)
"""Entries of a vertex: change of content, slope of the cost to the next one, and the flows there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stations:
    """n stations of T periods as the kernel takes them."""

    figures: Floats
    """n × 12, columns `CHARGE`, … above."""
    low: Floats
    """n × T, as all below: least content at each period's end."""
    high: Floats
    net_load: Floats
    curtailable: Floats
    holding: Floats
    """n × steps × 3, columns `STEP`, … above, by content; no steps: holding costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Days:
    """The cheapest day of each station; cost infinite where no day keeps the station's limits."""

    cost: Floats
    charge: Floats
    discharge: Floats
    curtailed: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Worths:
    """Duals of each station's own rows at given prices, n × T, cents per MWh; they prove its least cost."""

    content: Floats
    """What a Wh more of content at a period's end would have cost."""
    right: Floats
    """What the PCC adds to the station's price: above 0 the import right binds, below 0 the export right."""


def stations_of(arrays: FleetArrays, chosen: Ints) -> Stations:
    """Some of a fleet's stations, on the forecast, without reserves."""
    share = np.float64(MILLION)
    figures = (
        arrays.charge_wh, arrays.discharge_wh, arrays.eta_c_ppm / share, arrays.eta_d_ppm / share,
        arrays.keep_ppm / share, arrays.start_wh, arrays.wear_price, arrays.pcc_import_wh, arrays.pcc_export_wh,
    )  # fmt: skip
    shape = (len(chosen), arrays.periods)
    floor = np.maximum(_rows(arrays.own_need_floor_wh, chosen), arrays.energy_min_wh[chosen, None])
    low = np.broadcast_to(floor, shape).astype(np.float64)
    low[:, -1] = np.maximum(low[:, -1], arrays.end_min_wh[chosen])
    high = np.minimum(_rows(arrays.content_most_wh, chosen), arrays.energy_max_wh[chosen, None])
    return Stations(
        figures=figures_of(np.stack([figure[chosen].astype(np.float64) for figure in figures], axis=1)),
        low=low,
        high=_floats(high, shape),
        net_load=_floats(arrays.net_load_wh[chosen], shape),
        curtailable=_floats(_rows(arrays.curtailable_wh, chosen), shape),
        holding=holding_of(arrays, chosen),
    )


def holding_of(arrays: FleetArrays, chosen: Ints) -> Floats:
    """The holding steps of some stations, at prices for a whole period."""
    steps = np.broadcast_to(_rows(arrays.holding, chosen), (len(chosen), *arrays.holding.shape[1:]))
    return steps * np.array([1.0, arrays.period_s / HOUR_S, arrays.period_s / HOUR_S])


def held_costs(stations: Stations, days: Days) -> Floats:
    """What the contents of such days cost to hold, microcents (n)."""
    content, total = stations.figures[:, START], np.zeros(len(stations.figures))
    if not stations.holding.shape[1]:
        return total
    eta_c, eta_d, keep = (stations.figures[:, k] for k in (ETA_C, ETA_D, KEEP))
    for charge, discharge in zip(days.charge.T, days.discharge.T, strict=True):
        content = keep * content + eta_c * charge - discharge / eta_d
        above = content[:, None] - stations.holding[:, :, STEP]
        prices = np.where(above > 0.0, stations.holding[:, :, ABOVE], -stations.holding[:, :, BELOW])
        total += (prices * above).sum(axis=1)
    return total


def figures_of(given: Floats) -> Floats:
    """A station's figures from the first nine: 1/ηc, 1/ηd, and the price under which both ways at once pay."""
    inverse_c, inverse_d = 1.0 / given[:, ETA_C], 1.0 / given[:, ETA_D]
    lost = np.maximum(inverse_c * inverse_d - 1.0, 1e-300)
    return np.column_stack([given, inverse_c, inverse_d, -given[:, WEAR] / lost])


def cheapest_days(stations: Stations, *, buy: Floats, sell: Floats) -> Days:
    """Each station's cheapest day where it imports at `buy` and exports at `sell`, both T."""
    shape = stations.net_load.shape
    days = Days(cost=np.zeros(shape[0]), charge=np.zeros(shape), discharge=np.zeros(shape), curtailed=np.zeros(shape))
    _days(
        stations.figures,
        *_given(stations),
        buy,
        sell,
        np.ones(shape[0]),
        days.cost,
        days.charge,
        days.discharge,
        days.curtailed,
    )
    return days


def add_days(stations: Stations, *, prices: Floats, weights: Floats, days: Days) -> None:
    """Add each station's cheapest day at a price in each period, weighted; a weight of 0 leaves a station out."""
    _days(
        stations.figures,
        *_given(stations),
        prices,
        prices,
        weights,
        days.cost,
        days.charge,
        days.discharge,
        days.curtailed,
    )


def group_answers(stations: Stations, *, prices: Floats, group: Ints, groups: int) -> tuple[Floats, Floats, Floats]:
    """(least cost, wear and holding alone, energy taken: groups × T) of the groups' cheapest days, summed."""
    cost, wear = np.zeros(groups), np.zeros(groups)
    taken = np.zeros((groups, stations.net_load.shape[1]))
    _answers(stations.figures, *_given(stations), prices, group, cost, wear, taken)
    return cost, wear, taken


def worths(stations: Stations, *, prices: Floats) -> Worths:
    """The duals of each station at prices."""
    shape = stations.net_load.shape
    found = Worths(content=np.zeros(shape), right=np.zeros(shape))
    _worths(stations.figures, *_given(stations), prices, found.content, found.right)
    return found


def _given(stations: Stations) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    return stations.low, stations.high, stations.net_load, stations.curtailable, stations.holding


def _rows(values: Ints, chosen: Ints) -> Ints:
    """The chosen rows of an array whose only row may stand for all."""
    return values if len(values) == 1 else values[chosen]


def _floats(values: Ints, shape: tuple[int, int]) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(values, shape), dtype=np.float64)


def _compiled(function: _Function) -> _Function:
    if numba is None:
        return function
    return cast(_Function, numba.njit(cache=True, error_model="numpy")(function))


# One period


@_compiled
def _curtailment(net: float, buy: float, sell: float, most: float, most_import: float, most_export: float) -> float:
    """The cheapest curtailment where the station would take `net` without."""
    least, most = max(0.0, -most_export - net), min(most, most_import - net)
    if buy < 0.0:
        return max(least, most)
    if sell >= 0.0:
        return least
    return max(least, min(-net, most))


@_compiled
def _trade(net: float, buy: float, sell: float, most: float, most_import: float, most_export: float) -> float:
    """What the exchange costs, curtailed as is cheapest."""
    taken = net + _curtailment(net, buy, sell, most, most_import, most_export)
    return buy * taken if taken > 0.0 else sell * taken


@_compiled
def _vertices(
    found: Floats, t: int, figures: Floats, net: float, curtailable: float, buy: float, sell: float
) -> tuple[int, float]:
    """Write a period's cost over the change of content: number of vertices (0: impossible) and cost at the first.

    Along charge or discharge alone the exchange's price changes at two flows at most, where curtailment or import
    begins or ends. That is the whole answer unless a price is so low that both at once would pay (`_hull`).
    """
    most_charge, most_discharge, eta_c, eta_d = figures[CHARGE], figures[DISCHARGE], figures[ETA_C], figures[ETA_D]
    wear, most_import, most_export = figures[WEAR], figures[IMPORT], figures[EXPORT]
    low, high = -most_export - curtailable - net, most_import - net
    if low > high or low > most_charge or high < -most_discharge:
        return 0, np.inf
    if buy < 0.0:
        first, second = -curtailable - net, most_import - curtailable - net
        prices = (sell, buy, 0.0)
    elif sell >= 0.0:
        first, second = -most_export - net, -net
        prices = (0.0, sell, buy)
    else:
        first, second = -curtailable - net, -net
        prices = (sell, 0.0, buy)
    flow, last = max(low, -most_discharge), min(high, most_charge)
    cost = _trade(net + flow, buy, sell, curtailable, most_import, most_export) + wear * max(-flow, 0.0)
    count, both = 0, most_charge > 0.0 and most_discharge > 0.0 and eta_c * eta_d < 1.0
    if low > -most_discharge and both:
        discharge = (most_charge - flow) * most_discharge / (most_charge + most_discharge)
        _write(found, t, 0, discharge + flow, discharge, eta_c, eta_d)
        found[t, 0, SLOPE] = -wear / (1.0 / eta_d - eta_c)
        cost += wear * (discharge - max(-flow, 0.0))
        count = 1
    while True:
        if flow < 0.0:
            found[t, count, CHANGE] = flow * figures[INVERSE_D]
            found[t, count, CHARGED] = 0.0
            found[t, count, DISCHARGED] = -flow
        else:
            found[t, count, CHANGE] = flow * eta_c
            found[t, count, CHARGED] = flow
            found[t, count, DISCHARGED] = 0.0
        if flow >= last:
            return count + 1, cost
        if flow < first:
            price, until = prices[0], min(first, last)
        elif flow < second:
            price, until = prices[1], min(second, last)
        else:
            price, until = prices[2], last
        if both and price < figures[BURNT]:
            return _hull(found, t, figures, net, curtailable, buy, sell)
        if flow < 0.0:
            until = min(until, 0.0)
            found[t, count, SLOPE] = (price - wear) * eta_d
        else:
            found[t, count, SLOPE] = price * figures[INVERSE_C]
        flow = until
        count += 1


@_compiled
def _write(found: Floats, t: int, k: int, charge: float, discharge: float, eta_c: float, eta_d: float) -> None:
    found[t, k, CHANGE] = charge * eta_c - discharge / eta_d
    found[t, k, CHARGED] = charge
    found[t, k, DISCHARGED] = discharge


@_compiled
def _hull(
    found: Floats, t: int, figures: Floats, net: float, curtailable: float, buy: float, sell: float
) -> tuple[int, float]:
    """The same in general: the lower hull of the cost at all points where its price changes in the triangle."""
    most_charge, most_discharge, most_import, most_export = (
        figures[CHARGE], figures[DISCHARGE], figures[IMPORT], figures[EXPORT],
    )  # fmt: skip
    low, high = -most_export - curtailable - net, most_import - net
    lines = (
        low, high, -most_export - net, most_import - curtailable - net, -net, -curtailable - net,
        0.0, most_charge, -most_discharge,
    )  # fmt: skip
    count = 0
    for line in lines:
        if line < low or line > high or line < -most_discharge or line > most_charge:
            continue
        charge, discharge = max(line, 0.0), max(-line, 0.0)
        count = _insert(found, t, count, figures, net, curtailable, buy, sell, charge, discharge)
        if most_charge > 0.0 and most_discharge > 0.0 and -most_discharge < line < most_charge:
            discharge = (most_charge - line) * most_discharge / (most_charge + most_discharge)
            count = _insert(found, t, count, figures, net, curtailable, buy, sell, discharge + line, discharge)
    return _lower_hull(found, t, count, figures)


@_compiled
def _insert(
    found: Floats, t: int, count: int, figures: Floats, net: float, curtailable: float, buy: float, sell: float,
    charge: float, discharge: float,
) -> int:  # fmt: skip
    """Insert a point by its change of content, then cost (kept in SLOPE's place for now)."""
    change = figures[ETA_C] * charge - discharge / figures[ETA_D]
    cost = _trade(net + charge - discharge, buy, sell, curtailable, figures[IMPORT], figures[EXPORT])
    cost += figures[WEAR] * discharge
    k = count
    while k > 0 and (
        found[t, k - 1, CHANGE] > change or (found[t, k - 1, CHANGE] == change and found[t, k - 1, SLOPE] > cost)
    ):
        for entry in range(4):
            found[t, k, entry] = found[t, k - 1, entry]
        k -= 1
    _write(found, t, k, charge, discharge, figures[ETA_C], figures[ETA_D])
    found[t, k, SLOPE] = cost
    return count + 1


@_compiled
def _lower_hull(found: Floats, t: int, count: int, figures: Floats) -> tuple[int, float]:
    near = TOLERANCE * (figures[CHARGE] * figures[ETA_C] + figures[DISCHARGE] / figures[ETA_D])
    kept = 1
    for k in range(1, count):
        change, cost = found[t, k, CHANGE], found[t, k, SLOPE]
        if change - found[t, kept - 1, CHANGE] <= near and cost >= found[t, kept - 1, SLOPE]:
            continue
        while kept > 0:
            width = change - found[t, kept - 1, CHANGE]
            rise = cost - found[t, kept - 1, SLOPE]
            if width > near:
                if kept == 1:
                    break
                before = found[t, kept - 1, CHANGE] - found[t, kept - 2, CHANGE]
                if rise * before > (found[t, kept - 1, SLOPE] - found[t, kept - 2, SLOPE]) * width:
                    break
            kept -= 1
        for entry in range(4):
            found[t, kept, entry] = found[t, k, entry]
        kept += 1
    first = found[t, 0, SLOPE]
    for k in range(kept - 1):
        rise = found[t, k + 1, SLOPE] - found[t, k, SLOPE]
        found[t, k, SLOPE] = rise / (found[t, k + 1, CHANGE] - found[t, k, CHANGE])
    return kept, first


# One station


@_compiled
def _least_cost(
    figures: Floats, low: Floats, high: Floats, net: Floats, curtailable: Floats, holding: Floats, buy: Floats,
    sell: Floats, vertices: Floats, counts: Ints, slopes: Floats, lengths: Floats, origins: Ints, kept: Floats,
    change: Floats,
) -> float:  # fmt: skip
    """The least cost (infinite if impossible); writes each period's change of content and its `vertices`.

    `slopes`, `lengths` and `origins` are the segments of V_t from `first` to `last`. Content counts in what it was
    before any self-discharge: `kept[t]` is the share that period t has of it.
    """
    periods, keep = len(net), figures[KEEP]
    first, last = 0, 0
    left, right, cost = figures[START], figures[START], 0.0
    share = 1.0
    for t in range(periods):
        share *= keep
        kept[t] = share
        worth = 1.0 / share if keep != 1.0 else 1.0
        count, start_cost = _vertices(vertices, t, figures, net[t], curtailable[t], buy[t], sell[t])
        counts[t] = count
        if count == 0:
            return np.inf
        change[t] = vertices[t, 0, CHANGE]
        left += vertices[t, 0, CHANGE] * worth
        right += vertices[t, count - 1, CHANGE] * worth
        cost += start_cost
        k, above = last + count - 2, last - 1
        for q in range(count - 2, -1, -1):
            slope = vertices[t, q, SLOPE] * share
            while above >= first and slopes[above] > slope:
                slopes[k], lengths[k], origins[k] = slopes[above], lengths[above], origins[above]
                above -= 1
                k -= 1
            slopes[k] = slope
            lengths[k] = (vertices[t, q + 1, CHANGE] - vertices[t, q, CHANGE]) * worth
            origins[k] = t
            k -= 1
        last += count - 1
        lowest, highest = low[t] * worth, high[t] * worth
        noise = TOLERANCE * (high[t] + figures[CHARGE] + figures[DISCHARGE]) * worth
        if right < lowest - noise or left > highest + noise:
            return np.inf
        while left < lowest and first < last:
            used = min(lengths[first], lowest - left)
            cost += slopes[first] * used
            change[origins[first]] += used * kept[origins[first]]
            lengths[first] -= used
            left += used
            if lengths[first] <= 0.0:
                first += 1
            else:
                left = lowest
        while right > highest and first < last:
            spare = right - highest
            if lengths[last - 1] <= spare:
                right -= lengths[last - 1]
                last -= 1
            else:
                lengths[last - 1] -= spare
                right = highest
        if first == last:
            right = left
        if len(holding):
            cost += _held(holding, left / worth)
            last = _hold(holding, left, worth, noise, slopes, lengths, origins, first, last)
    while first < last and slopes[first] < 0.0:
        cost += slopes[first] * lengths[first]
        change[origins[first]] += lengths[first] * kept[origins[first]]
        first += 1
    return cost


@_compiled
def _held(holding: Floats, content: float) -> float:
    """What holding a content for a period costs."""
    cost = 0.0
    for k in range(len(holding)):
        above = content - holding[k, STEP]
        cost += holding[k, ABOVE] * above if above > 0.0 else -holding[k, BELOW] * above
    return cost


@_compiled
def _held_slope(holding: Floats, crossed: int) -> float:
    """The slope of that cost where so many steps lie to the left."""
    slope = 0.0
    for k in range(len(holding)):
        slope += holding[k, ABOVE] if k < crossed else -holding[k, BELOW]
    return slope


@_compiled
def _hold(
    holding: Floats, left: float, worth: float, noise: float, slopes: Floats, lengths: Floats, origins: Ints,
    first: int, last: int,
) -> int:  # fmt: skip
    """Add the holding cost to the segments, split where it has kinks; how many there are then."""
    crossed, at, k = 0, left, first
    while crossed < len(holding) and holding[crossed, STEP] * worth <= at + noise:
        crossed += 1
    slope = _held_slope(holding, crossed) / worth
    while k < last:
        end = at + lengths[k]
        if crossed < len(holding) and holding[crossed, STEP] * worth < end - noise:
            kink = holding[crossed, STEP] * worth
            for j in range(last, k, -1):
                slopes[j], lengths[j], origins[j] = slopes[j - 1], lengths[j - 1], origins[j - 1]
            last += 1
            lengths[k], lengths[k + 1] = kink - at, end - kink
            end = kink
        slopes[k] += slope
        at = end
        k += 1
        if crossed < len(holding) and holding[crossed, STEP] * worth <= at + noise:
            while crossed < len(holding) and holding[crossed, STEP] * worth <= at + noise:
                crossed += 1
            slope = _held_slope(holding, crossed) / worth
    return last


@_compiled
def _flows(vertices: Floats, t: int, count: int, change: float) -> tuple[float, float]:
    """Charge and discharge at a change of content."""
    k = count - 1
    while k > 0 and vertices[t, k - 1, CHANGE] >= change:
        k -= 1
    charge, discharge = vertices[t, k, CHARGED], vertices[t, k, DISCHARGED]
    if k > 0 and change < vertices[t, k, CHANGE]:
        part = (vertices[t, k, CHANGE] - change) / (vertices[t, k, CHANGE] - vertices[t, k - 1, CHANGE])
        charge += part * (vertices[t, k - 1, CHARGED] - charge)
        discharge += part * (vertices[t, k - 1, DISCHARGED] - discharge)
    return charge, discharge


@_compiled
def _content_worth(
    figures: Floats, low: Floats, high: Floats, holding: Floats, vertices: Floats, counts: Ints, change: Floats,
    least: Floats, most: Floats, held_most: Floats, worth: Floats,
) -> None:  # fmt: skip
    """The price of content: a slope of each period's cost, the same from one period to the next inside the window.

    It rises from a period to the next by the slope of what holding the content between them costs, if that does.
    """
    periods, keep, content = len(low), figures[KEEP], figures[START]
    before_least, before_most = -np.inf, np.inf
    for t in range(periods):
        a, b = _slopes_at(vertices, t, counts[t], change[t], figures)
        a, b = max(a, min(b, before_least)), min(b, max(a, before_most))
        least[t], most[t] = a, b
        content = keep * content + change[t]
        noise = 10 * TOLERANCE * (high[t] + figures[CHARGE] + figures[DISCHARGE])
        held_least, held_most[t] = _held_slopes(holding, content, noise)
        before_least = -np.inf if content <= low[t] + noise else (a + held_least) / keep
        before_most = np.inf if content >= high[t] - noise else (b + held_most[t]) / keep
    price = 0.0
    for t in range(periods - 1, -1, -1):
        price = min(max(price - held_most[t], least[t]), most[t])
        worth[t] = price
        price *= keep


@_compiled
def _held_slopes(holding: Floats, content: float, noise: float) -> tuple[float, float]:
    """The slopes of the holding cost left and right of a content."""
    a, b = 0.0, 0.0
    for k in range(len(holding)):
        a += holding[k, ABOVE] if holding[k, STEP] < content - noise else -holding[k, BELOW]
        b += holding[k, ABOVE] if holding[k, STEP] <= content + noise else -holding[k, BELOW]
    return a, b


@_compiled
def _slopes_at(vertices: Floats, t: int, count: int, change: float, figures: Floats) -> tuple[float, float]:
    """The slopes left and right of a change of content."""
    near = TOLERANCE * (figures[CHARGE] + figures[DISCHARGE] / figures[ETA_D])
    a, b = -np.inf, np.inf
    for k in range(count - 1):
        if vertices[t, k, CHANGE] < change - near:
            a = vertices[t, k, SLOPE]
        if vertices[t, k + 1, CHANGE] > change + near:
            b = vertices[t, k, SLOPE]
            break
    return a, b


@_compiled
def _right_worth(figures: Floats, net: float, curtailable: float, price: float, worth: float) -> float:
    """What the PCC's rights add to the price: the best of the few points where the period's bound has a kink."""
    most_charge, most_discharge, eta_c, eta_d = figures[CHARGE], figures[DISCHARGE], figures[ETA_C], figures[ETA_D]
    if net - most_discharge >= -figures[EXPORT] and net + most_charge + curtailable <= figures[IMPORT]:
        return 0.0
    dear = figures[WEAR] + worth / eta_d
    points = [0.0, -price, worth * eta_c - price, dear - price]
    if most_charge + most_discharge > 0.0:
        both = (worth * eta_c * most_charge + dear * most_discharge) / (most_charge + most_discharge)
        points.append(both - price)
    found, best = 0.0, -np.inf
    for point in points:
        node = price + point
        battery = min(0.0, (node - worth * eta_c) * most_charge, (dear - node) * most_discharge)
        bound = node * net + min(0.0, node) * curtailable + battery
        bound -= max(point, 0.0) * figures[IMPORT] + max(-point, 0.0) * figures[EXPORT]
        if best == -np.inf or bound > best + TOLERANCE * abs(best):
            found, best = point, bound
    return found


# Many stations


@_compiled
def _scratch(periods: int, steps: int) -> tuple[Floats, Ints, Floats, Floats, Ints, Floats, Floats]:
    room = periods * (MOST_VERTICES - 1 + steps)
    return (
        np.empty((periods, MOST_VERTICES, 4)), np.empty(periods, np.int64), np.empty(room), np.empty(room),
        np.empty(room, np.int64), np.empty(periods), np.empty(periods),
    )  # fmt: skip


@_compiled
def _days(
    figures: Floats, low: Floats, high: Floats, net: Floats, curtailable: Floats, holding: Floats, buy: Floats,
    sell: Floats, weights: Floats, cost: Floats, charge: Floats, discharge: Floats, curtailed: Floats,
) -> None:  # fmt: skip
    n, periods = net.shape
    vertices, counts, slopes, lengths, origins, kept, change = _scratch(periods, holding.shape[1])
    for i in range(n):
        weight = weights[i]
        if weight == 0.0:
            continue
        cost[i] += weight * _least_cost(
            figures[i], low[i], high[i], net[i], curtailable[i], holding[i], buy, sell, vertices, counts, slopes,
            lengths, origins, kept, change,
        )  # fmt: skip
        if cost[i] == np.inf:
            continue
        for t in range(periods):
            c, d = _flows(vertices, t, counts[t], change[t])
            u = _curtailment(
                net[i, t] + c - d, buy[t], sell[t], curtailable[i, t], figures[i, IMPORT], figures[i, EXPORT]
            )
            charge[i, t] += weight * c
            discharge[i, t] += weight * d
            curtailed[i, t] += weight * u


@_compiled
def _answers(
    figures: Floats, low: Floats, high: Floats, net: Floats, curtailable: Floats, holding: Floats, prices: Floats,
    group: Ints, cost: Floats, wear: Floats, taken: Floats,
) -> None:  # fmt: skip
    n, periods = net.shape
    vertices, counts, slopes, lengths, origins, kept, change = _scratch(periods, holding.shape[1])
    for i in range(n):
        g = group[i]
        cost[g] += _least_cost(
            figures[i], low[i], high[i], net[i], curtailable[i], holding[i], prices, prices, vertices, counts, slopes,
            lengths, origins, kept, change,
        )  # fmt: skip
        if cost[g] == np.inf:
            continue
        discharged = 0.0
        for t in range(periods):
            c, d = _flows(vertices, t, counts[t], change[t])
            flow = net[i, t] + c - d
            if curtailable[i, t] > 0.0:
                flow += _curtailment(
                    flow, prices[t], prices[t], curtailable[i, t], figures[i, IMPORT], figures[i, EXPORT]
                )
            taken[g, t] += flow
            discharged += d
        wear[g] += figures[i, WEAR] * discharged
        if holding.shape[1]:
            content = figures[i, START]
            for t in range(periods):
                content = figures[i, KEEP] * content + change[t]
                wear[g] += _held(holding[i], content)


@_compiled
def _worths(
    figures: Floats, low: Floats, high: Floats, net: Floats, curtailable: Floats, holding: Floats, prices: Floats,
    content: Floats, right: Floats,
) -> None:  # fmt: skip
    n, periods = net.shape
    vertices, counts, slopes, lengths, origins, kept, change = _scratch(periods, holding.shape[1])
    least, most, held_most = np.empty(periods), np.empty(periods), np.empty(periods)
    for i in range(n):
        cost = _least_cost(
            figures[i], low[i], high[i], net[i], curtailable[i], holding[i], prices, prices, vertices, counts, slopes,
            lengths, origins, kept, change,
        )  # fmt: skip
        if cost == np.inf:
            continue
        _content_worth(
            figures[i], low[i], high[i], holding[i], vertices, counts, change, least, most, held_most, content[i],
        )  # fmt: skip
        for t in range(periods):
            right[i, t] = _right_worth(figures[i], net[i, t], curtailable[i, t], prices[t], content[i, t])
