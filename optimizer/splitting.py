"""Splitting an instruction over a large fleet with numpy: the watts of `alliance.instruction.split` (protocol 9.8).

Nothing is sorted: what goes out last is found by selection, in time proportional to the stations. Floats only guess
where to look; every watt is decided in 64-bit integers, which the limits of offers leave room for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alliance import instruction
from alliance.identity import Digest
from alliance.instruction import (
    MOST_POWER_W,
    MOST_PRICE,
    MOST_STATIONS,
    MOST_TARGET_W,
    MOST_WEIGHT,
    InstructionWrong,
    Method,
    Offer,
    Split,
)

FEW = 200
"""Fleets below this size are split as fast without numpy."""

Integers = Any
"""A numpy array of 64-bit integers, one entry a station."""

_SCRATCH_BYTES = 16 << 20


def _keep_freed_memory() -> None:
    """Let glibc keep what arrays free: handing back and refaulting each one costs more than the arithmetic on it.

    Its threshold for mapping a block alone rises to the largest such block freed so far; no page of it is touched.
    """
    np.empty(_SCRATCH_BYTES, dtype=np.uint8)


_keep_freed_memory()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOffers:
    """Offers in the target's direction, ascending by station; limits and units as in `Offer`."""

    cap_w: Integers
    weight: Integers
    price: Integers
    last_turn: Integers

    def __post_init__(self) -> None:
        for field, low, high in (
            ("cap_w", 0, MOST_POWER_W), ("weight", 1, MOST_WEIGHT), ("price", -MOST_PRICE, MOST_PRICE),
            ("last_turn", 0, instruction.MOST_CALLS),
        ):  # fmt: skip
            _check_within(field, getattr(self, field), low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSplit:
    """As `Split`, in arrays."""

    given_w: Integers
    turn: Any
    shortfall_w: int


def split(target_w: int, offers: Sequence[Offer], *, method: Method, seed: Digest) -> Split:
    """The same as `alliance.instruction.split`, sooner for large fleets."""
    if len(offers) < FEW:
        return instruction.split(target_w, offers, method=method, seed=seed)
    stations = np.array([offer.station for offer in offers])
    order = np.argsort(stations)
    listed = [offers[at] for at in order]
    fleet = FleetOffers(
        cap_w=np.array([offer.cap_w(target_w) for offer in listed], dtype=np.int64),
        weight=np.array([offer.weight for offer in listed], dtype=np.int64),
        price=np.array([offer.price for offer in listed], dtype=np.int64),
        last_turn=np.array([offer.last_turn for offer in listed], dtype=np.int64),
    )
    done = split_fleet(target_w, fleet, method=method, seed=seed)
    given, turn = np.empty_like(done.given_w), np.empty_like(done.turn)
    given[order], turn[order] = done.given_w, done.turn
    return Split(given_w=tuple(given.tolist()), turn=tuple(turn.tolist()), shortfall_w=done.shortfall_w)


def split_fleet(target_w: int, fleet: FleetOffers, *, method: Method, seed: Digest) -> FleetSplit:
    """Split a target over a fleet. Raises InstructionWrong."""
    count = len(fleet.cap_w)
    _check_within("stations", count, 0, MOST_STATIONS)
    _check_within("target_w", target_w, -MOST_TARGET_W, MOST_TARGET_W)
    whole, sign = int(fleet.cap_w.sum()), 1 if target_w >= 0 else -1
    left = min(abs(target_w), whole)
    if left == whole:
        given, turn = fleet.cap_w.copy(), np.zeros(count, dtype=bool)
    else:
        ties = _Ties(fleet.last_turn, start=int.from_bytes(seed, "big") % count)
        match method:
            case Method.FAIR:
                given, turn = _fair(fleet, ties, left)
            case Method.MERIT:
                given, turn = _by_merit(fleet, ties, left)
            case Method.PROPORTIONAL:
                given, turn = _proportional(fleet.cap_w, ties, left, whole)
    return FleetSplit(given_w=sign * given, turn=turn, shortfall_w=target_w - sign * int(given.sum()))


class _Ties:
    """The order among equals as one number a station, made for those alone who are equal."""

    def __init__(self, last_turn: Integers, *, start: int) -> None:
        self._last_turn, self._start = last_turn, start

    def keys(self, stations: Integers) -> Integers:
        """Keys of some stations by their positions: the last turn, then the place behind the start."""
        count = len(self._last_turn)
        return self._last_turn[stations] * count + (stations - self._start) % count


_Result = tuple[Integers, Any]


# ---- fair ----


def _fair(fleet: FleetOffers, ties: _Ties, left: int) -> _Result:
    """As `alliance.instruction._fair`; equal weights are 1 each, which leaves no fractions to compare."""
    cap, weight = fleet.cap_w, fleet.weight
    equal = int(weight.min()) == int(weight.max())
    if equal:
        weight = np.ones_like(weight)
    bits = (int(weight.max()) - 1).bit_length()
    level = _level(cap, weight, left, bits)
    given = _below(cap, weight, level, bits)
    left -= int(given.sum())
    free = np.flatnonzero(given < cap)
    if equal:
        return given, _First(free, left).finish(given, ties)
    theirs = weight.take(free)
    fraction = (given.take(free) << bits) - theirs * level
    near = np.flatnonzero(fraction < theirs)
    fraction, theirs = fraction.take(near), theirs.take(near)
    first = _First(free.take(near), left)
    first.narrow((fraction << 2 * bits) // theirs)
    first.narrow(weight.take(first.equal))
    return given, first.finish(given, ties)


def _level(cap: Integers, weight: Integers, left: int, bits: int) -> int:
    """The highest level, in 1/2^bits, below which no more than `left` is taken: bisected around a guess in floats."""
    guess, slack = _water_level(cap, weight, left)
    most = int(cap.max()) << bits
    high = min(most, int(guess * (1 << bits) * (1 + 1e-12)) + 1)
    low = max(0, high - int(slack * (1 << bits)) - 1)
    at_low, at_high = _below(cap, weight, low, bits), _below(cap, weight, high, bits)
    if int(at_low.sum()) > left or int(at_high.sum()) <= left:
        low, high = 0, most
        at_low, at_high = np.zeros_like(cap), cap
    while high - low > 1:
        moving = np.flatnonzero(at_low != at_high)
        left -= int(at_low.sum())
        cap, weight, at_low, at_high = (values.take(moving) for values in (cap, weight, at_low, at_high))
        left += int(at_low.sum())
        middle = (low + high) // 2
        taken = _below(cap, weight, middle, bits)
        if int(taken.sum()) <= left:
            low, at_low = middle, taken
        else:
            high, at_high = middle, taken
    return low


def _water_level(cap: Integers, weight: Integers, left: int) -> tuple[float, float]:
    """The level at which Σ min(cap, level·w) is about `left`, and how far whole watts can put the true one below it."""
    caps, weights, rest = cap.astype(float), weight.astype(float), float(left)
    level = slack = 0.0
    while len(caps):
        total = float(weights.sum())
        level, slack = rest / total, len(caps) / total
        free = np.flatnonzero(caps > weights * level)
        if len(free) == len(caps):
            break
        before = float(caps.sum())
        caps, weights = caps.take(free), weights.take(free)
        rest -= before - float(caps.sum())
    return max(0.0, level), slack


def _below(cap: Integers, weight: Integers, level: int, bits: int) -> Integers:
    """What stations take below a level: ⌈level·w/2^bits⌉, at most the cap, without a product that overflows."""
    if level * int(weight.max(initial=0)) >= 1 << 62:
        full = weight * (level / (1 << bits)) >= cap + 1.0
        weight, beyond = np.where(full, 0, weight), np.where(full, cap, 0)
    else:
        beyond = None
    taken = weight * level
    taken += (1 << bits) - 1
    taken >>= bits
    np.minimum(taken, cap, out=taken)
    return taken if beyond is None else np.maximum(taken, beyond, out=taken)


# ---- proportional ----


def _proportional(cap: Integers, ties: _Ties, left: int, whole: int) -> _Result:
    """Floors by a float guess that is off by one at most; its error, exact modulo 2^64, says by how much."""
    given = np.floor(cap * (left / whole)).astype(np.int64)
    rest = left * cap - whole * given
    off = np.floor_divide(rest, whole)
    given, rest = given + off, rest - off * whole
    first = _First(np.arange(len(cap)), left - int(given.sum()))
    first.narrow(-rest)
    return given, first.finish(given, ties)


# ---- merit ----


def _by_merit(fleet: FleetOffers, ties: _Ties, left: int) -> _Result:
    cap, price = fleet.cap_w, fleet.price
    marginal, left = _where_it_ends(price, cap, left)
    given = cap * (price < marginal)
    equal = np.flatnonzero((price == marginal) & (cap > 0))
    keys = ties.keys(equal)
    last, left = _where_it_ends(keys, cap[equal], left)
    given[equal] = np.where(keys < last, cap[equal], 0)
    given[equal[keys == last]] = left
    turn = np.zeros(len(cap), dtype=bool)
    turn[equal] = (given[equal] > 0) & (keys < keys.max())
    return given, turn


def _where_it_ends(keys: Integers, cap: Integers, left: int) -> tuple[int, int]:
    """The least key up to which the caps together pass `left`, and what is left for those of that key."""
    while True:
        pivot = int(np.partition(keys, len(keys) // 2)[len(keys) // 2])
        below = np.flatnonzero(keys < pivot)
        theirs = cap.take(below)
        before = int(theirs.sum())
        if before > left:
            keys, cap = keys.take(below), theirs
            continue
        left -= before
        here = int(cap.take(np.flatnonzero(keys == pivot)).sum())
        if here > left:
            return pivot, left
        left -= here
        above = np.flatnonzero(keys > pivot)
        keys, cap = keys.take(above), cap.take(above)


# ---- the first of some stations ----


class _First:
    """The stations that get the next watt: the first by one key, of the equal ones by the next, in the end by turn."""

    def __init__(self, stations: Integers, count: int) -> None:
        self.equal, self._count = stations, count
        """Stations that all keys so far leave equal at the edge, by position."""
        self._chosen: list[Integers] = []

    def narrow(self, keys: Integers) -> None:
        """Decide by a key of each station of `equal` what it decides."""
        if not self._count:
            self.equal = self.equal[:0]
            return
        edge = np.partition(keys, self._count - 1)[self._count - 1]
        sure = self.equal.take(np.flatnonzero(keys < edge))
        self._chosen.append(sure)
        self._count -= len(sure)
        self.equal = self.equal.take(np.flatnonzero(keys == edge))

    def finish(self, given: Integers, ties: _Ties) -> Any:
        """Give each of them its watt; say who went before an equal one."""
        turn = np.zeros(len(given), dtype=bool)
        winners = self.equal
        if 0 < self._count < len(winners):
            keys = ties.keys(winners)
            winners = winners.take(np.flatnonzero(keys <= np.partition(keys, self._count - 1)[self._count - 1]))
            turn[winners] = True
        elif not self._count:
            winners = winners[:0]
        for chosen in (*self._chosen, winners):
            given[chosen] += 1
        return turn


def _check_within(field: str, values: Any, low: int, high: int) -> None:
    """Refuse a number, or an array of them, that leaves its limits or is no integer."""
    found = np.asarray(values)
    if found.size and (found.dtype != np.int64 or int(found.min()) < low or int(found.max()) > high):
        wrong = [v for v in found.ravel().tolist() if not isinstance(v, int) or not low <= v <= high][:1]
        raise InstructionWrong(station=0, field=field, got=str((wrong or [found.dtype])[0]), limit=f"{low}…{high}")
