"""An instruction: a regional target in watts, split over stations so that nothing is lost and no shortfall is hidden.

Protocol 9.8. Three methods: `fair` (lexicographic max–min by weight), `merit` (cheapest first), `proportional` (to what
each can give). Whole watts throughout; ties go to whoever won one longest ago. `alliance.instruction_check` recomputes
a record without this file.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from alliance.errors import Malformed
from alliance.identity import Digest, StationId, digest, to_hex

MOST_POWER_W = 10**12
"""Limit of a station's cap."""
MOST_TARGET_W = 10**15
MOST_WEIGHT = 10**6
MOST_PRICE = 10**9
"""Limit of a price's magnitude, cents per MWh."""
MOST_STATIONS = 10**6
MOST_CALLS = 2**40
MOST_DURATION_S = 86_400
MOST_MS = 2**53 - 1
MOST_ID = 80
"""Characters of an instruction's name."""


class Method(StrEnum):
    """How a target is split."""

    FAIR = "fair"
    """Lexicographic max–min of given/weight: nobody's level can rise without lowering one that is no higher."""
    MERIT = "merit"
    """By price, the cheapest first."""
    PROPORTIONAL = "proportional"
    """In proportion to what each can give, by largest remainder."""


class Bound(StrEnum):
    """Why a station gives no more: what its cap comes from, or that the target is met without more of it."""

    POWER = "power"
    SOC = "soc"
    PCC = "pcc"
    DECLARED = "declared"
    """The cap was stated, not derived."""
    STALE = "stale"
    """Excluded: its last measured state is too old."""
    UNAVAILABLE = "unavailable"
    """Excluded: it has no measured state, or its owner has not said how it may be used."""
    SHARE = "share"
    """The target is met; this is its share of it."""
    MERIT = "merit"
    """The target is met by stations that come before it."""


LIMITS = frozenset(Bound) - {Bound.SHARE, Bound.MERIT}
"""What a cap may come from."""
EXCLUDED = frozenset({Bound.STALE, Bound.UNAVAILABLE})


@dataclass(kw_only=True, eq=False)
class InstructionWrong(Malformed):
    """A field of an instruction lies outside its limit; `station` is 0 where the field is no station's."""

    station: int
    field: str
    got: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a station can give: more export (up) or less (down), magnitudes in watts, each with what it comes from."""

    station: StationId
    cap_up_w: int
    cap_up_by: Bound = Bound.DECLARED
    cap_down_w: int
    cap_down_by: Bound = Bound.DECLARED
    weight: int = 1
    """Its share under `fair` in relation to the others'."""
    price: int = 0
    """What each MWh of the instruction costs there, cents."""
    last_turn: int = 0
    """The call in which it last went before an equal one; 0: never."""

    def __post_init__(self) -> None:
        self._within("station", self.station, 1, 2**32 - 1)
        self._within("cap_up_w", self.cap_up_w, 0, MOST_POWER_W)
        self._within("cap_down_w", self.cap_down_w, 0, MOST_POWER_W)
        self._within("weight", self.weight, 1, MOST_WEIGHT)
        self._within("price", self.price, -MOST_PRICE, MOST_PRICE)
        self._within("last_turn", self.last_turn, 0, MOST_CALLS)
        for field, cap_w, by in (
            ("cap_up_by", self.cap_up_w, self.cap_up_by),
            ("cap_down_by", self.cap_down_w, self.cap_down_by),
        ):
            if by not in LIMITS:
                raise InstructionWrong(station=self.station, field=field, got=by, limit=", ".join(sorted(LIMITS)))
            if by in EXCLUDED and cap_w:
                raise InstructionWrong(station=self.station, field=field, got=by, limit=f"cap 0 W, not {cap_w}")

    def cap_w(self, target_w: int) -> int:
        """What it can give in a target's direction; 0 W asked counts as up."""
        return self.cap_up_w if target_w >= 0 else self.cap_down_w

    def cap_by(self, target_w: int) -> Bound:
        """What that cap comes from."""
        return self.cap_up_by if target_w >= 0 else self.cap_down_by

    def _within(self, field: str, value: int, low: int, high: int) -> None:
        _within(self.station, field, value, low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A target and all that its split is made from; `offers` ascend by station. Raises InstructionWrong."""

    id: str
    call: int
    """The public counter: this is the n-th instruction of its issuer, from 1 on."""
    issued_ms: int
    duration_s: int
    """How long the target must be held: what a state of charge is worth in watts hangs on it."""
    stale_after_ms: int
    """Measured states older than this are not used; 0 where caps are declared."""
    target_w: int
    """More export is positive."""
    method: Method
    parent: Digest | None
    """The plan's document or the instruction that this one carries out."""
    offers: tuple[Offer, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.id) <= MOST_ID:
            raise InstructionWrong(station=0, field="id", got=self.id[:MOST_ID], limit=f"1…{MOST_ID} characters")
        _within(0, "call", self.call, 1, MOST_CALLS)
        _within(0, "issued_ms", self.issued_ms, 0, MOST_MS)
        _within(0, "duration_s", self.duration_s, 1, MOST_DURATION_S)
        _within(0, "stale_after_ms", self.stale_after_ms, 0, MOST_MS)
        _check_split(self.target_w, self.offers)
        for before, after in zip(self.offers, self.offers[1:], strict=False):
            if before.station >= after.station:
                limit = f"above {before.station}"
                raise InstructionWrong(station=after.station, field="station", got=str(after.station), limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What each offer gives, W with the target's sign; which of them went before an equal one; what is missing."""

    given_w: tuple[int, ...]
    turn: tuple[bool, ...]
    shortfall_w: int
    """Target − Σ given, the target's sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionRecord:
    """An instruction with its split: `digest` is over all that the split is made from, `seed` rotates its ties."""

    instruction: Instruction
    digest: Digest
    seed: Digest
    split: Split

    @property
    def bound_by(self) -> tuple[Bound, ...]:
        """Why each station gives no more."""
        order = self.instruction
        return tuple(
            _bound_by(offer, given, order) for offer, given in zip(order.offers, self.split.given_w, strict=True)
        )


class Splitter(Protocol):
    """`split`, or whatever answers the same."""

    def __call__(self, target_w: int, offers: Sequence[Offer], *, method: Method, seed: Digest) -> Split:
        """Split a target over offers."""
        ...


def decompose(instruction: Instruction) -> InstructionRecord:
    """Split an instruction over its offers."""
    return decompose_by(instruction, split)


def decompose_by(instruction: Instruction, splitter: Splitter) -> InstructionRecord:
    """Split an instruction with another implementation of `split`: large fleets have a faster one."""
    named = input_digest(instruction)
    seed = seed_of(named, instruction.call)
    done = splitter(instruction.target_w, instruction.offers, method=instruction.method, seed=seed)
    return InstructionRecord(instruction=instruction, digest=named, seed=seed, split=done)


def split(target_w: int, offers: Sequence[Offer], *, method: Method, seed: Digest) -> Split:
    """Split a target over offers, whole watts; Σ given + shortfall = target. The offers' order does not matter.

    `seed` says with which station, counted in ascending order, rotation begins among those that never won a tie or
    won their last one in the same call. Raises InstructionWrong.
    """
    _check_split(target_w, offers)
    caps = [offer.cap_w(target_w) for offer in offers]
    left, sign = min(abs(target_w), sum(caps)), 1 if target_w >= 0 else -1
    ties = _ties(offers, seed)
    if left == sum(caps):
        given, turn = caps, [False] * len(caps)
    else:
        match method:
            case Method.FAIR:
                given, turn = _fair(caps, [offer.weight for offer in offers], ties, left)
            case Method.MERIT:
                given, turn = _by_merit(caps, [offer.price for offer in offers], ties, left)
            case Method.PROPORTIONAL:
                given, turn = _proportional(caps, ties, left)
    return Split(given_w=tuple(sign * w for w in given), turn=tuple(turn), shortfall_w=target_w - sign * sum(given))


def cost_cents_per_hour(offers: Sequence[Offer], given_w: Sequence[int]) -> int:
    """What an hour of a split costs at the offers' prices, cents, rounded half up."""
    micro = sum(abs(given) * offer.price for offer, given in zip(offers, given_w, strict=True))
    return (2 * micro + 10**6) // (2 * 10**6)


# ---- the record ----


def input_digest(instruction: Instruction) -> Digest:
    """SHA-256 of all that a split is made from, as JSON with sorted names, no spaces, ASCII alone."""
    return Digest(hashlib.sha256(canonical(_input_to_plain(instruction))).digest())


def seed_of(named: Digest, call: int) -> Digest:
    """What rotates an instruction's ties: SHA-256(digest ‖ call u64)."""
    return Digest(hashlib.sha256(named + call.to_bytes(8, "big")).digest())


def canonical(plain: object) -> bytes:
    """The one JSON form of a plain value."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def record_to_plain(record: InstructionRecord) -> dict[str, object]:
    """The record as plain JSON values."""
    done, plain = record.split, _input_to_plain(record.instruction)
    results = zip(done.given_w, record.bound_by, done.turn, strict=True)
    rows = [
        {**_offer_to_plain(offer), "givenW": given, "boundBy": str(bound), "turn": turn}
        for offer, (given, bound, turn) in zip(record.instruction.offers, results, strict=True)
    ]
    return plain | {
        "stations": rows,
        "shortfallW": done.shortfall_w,
        "digest": to_hex(record.digest),
        "seed": to_hex(record.seed),
    }


def instruction_from_plain(plain: Mapping[str, object]) -> Instruction:
    """The instruction of a record that `instruction_check.check` has passed: its results are left aside."""
    parent, rows = plain["parent"], plain["stations"]
    assert isinstance(rows, list)
    return Instruction(
        id=str(plain["id"]),
        call=_int(plain["call"]),
        issued_ms=_int(plain["issuedMs"]),
        duration_s=_int(plain["durationS"]),
        stale_after_ms=_int(plain["staleAfterMs"]),
        target_w=_int(plain["targetW"]),
        method=Method(str(plain["method"])),
        parent=None if parent is None else digest(str(parent), field="parent"),
        offers=tuple(map(_offer_from_plain, rows)),
    )


def _input_to_plain(instruction: Instruction) -> dict[str, object]:
    return {
        "v": 1,
        "id": instruction.id,
        "call": instruction.call,
        "issuedMs": instruction.issued_ms,
        "durationS": instruction.duration_s,
        "staleAfterMs": instruction.stale_after_ms,
        "targetW": instruction.target_w,
        "method": str(instruction.method),
        "parent": None if instruction.parent is None else to_hex(instruction.parent),
        "stations": list(map(_offer_to_plain, instruction.offers)),
    }


def _offer_to_plain(offer: Offer) -> dict[str, object]:
    return {
        "station": offer.station,
        "capUpW": offer.cap_up_w,
        "capUpBy": str(offer.cap_up_by),
        "capDownW": offer.cap_down_w,
        "capDownBy": str(offer.cap_down_by),
        "weight": offer.weight,
        "price": offer.price,
        "lastTurn": offer.last_turn,
    }


def _offer_from_plain(row: Mapping[str, object]) -> Offer:
    return Offer(
        station=StationId(_int(row["station"])),
        cap_up_w=_int(row["capUpW"]),
        cap_up_by=Bound(str(row["capUpBy"])),
        cap_down_w=_int(row["capDownW"]),
        cap_down_by=Bound(str(row["capDownBy"])),
        weight=_int(row["weight"]),
        price=_int(row["price"]),
        last_turn=_int(row["lastTurn"]),
    )


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bound_by(offer: Offer, given_w: int, order: Instruction) -> Bound:
    if abs(given_w) == offer.cap_w(order.target_w):
        return offer.cap_by(order.target_w)
    return Bound.MERIT if order.method is Method.MERIT else Bound.SHARE


# ---- the three methods; what is left to give is less than the caps together ----

_Result = tuple[list[int], list[bool]]
_Tie = tuple[int, int]


def _ties(offers: Sequence[Offer], seed: Digest) -> list[_Tie]:
    """The order among equals: whoever won a tie longest ago, then by number from where the seed says."""
    start = int.from_bytes(seed, "big") % max(1, len(offers))
    ties: list[_Tie] = [(0, 0)] * len(offers)
    for position, at in enumerate(sorted(range(len(offers)), key=lambda i: offers[i].station)):
        ties[at] = (offers[at].last_turn, (position - start) % len(offers))
    return ties


def _fair(caps: Sequence[int], weights: Sequence[int], ties: Sequence[_Tie], left: int) -> _Result:
    """Each next watt goes to the lowest level given/weight; of equal levels to the smaller weight, then by turn.

    Station i thus takes its watt number k + 1 at level k/w. All watts below a level m/2^bits are ⌈m·w/2^bits⌉, at most
    the cap; with 2^bits ≥ w there is one watt a station at most between that level and the next.
    """
    bits = (max(weights) - 1).bit_length()
    level = _level(caps, weights, left, bits)
    given = _below(caps, weights, level, bits)
    waiting = [
        i for i, (g, c, w) in enumerate(zip(given, caps, weights, strict=True)) if g < c and g << bits < (level + 1) * w
    ]
    # exact: two different fractions below 1 with denominators up to 2^bits differ by 2^(−2·bits) or more
    classes = {i: ((((given[i] << bits) - level * weights[i]) << 2 * bits) // weights[i], weights[i]) for i in waiting}
    turn = _next_watts(given, classes, ties, left - sum(given))
    return given, turn


def _level(caps: Sequence[int], weights: Sequence[int], left: int, bits: int) -> int:
    """The highest level, in 1/2^bits, below which the stations take no more than is left."""
    low, high = 0, max(caps) << bits
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sum(_below(caps, weights, middle, bits)) <= left else (low, middle)
    return low


def _below(caps: Sequence[int], weights: Sequence[int], level: int, bits: int) -> list[int]:
    return [min(cap, -(-level * weight >> bits)) for cap, weight in zip(caps, weights, strict=True)]


def _proportional(caps: Sequence[int], ties: Sequence[_Tie], left: int) -> _Result:
    whole = sum(caps)
    given = [left * cap // whole for cap in caps]
    classes = {i: (-(left * cap % whole),) for i, cap in enumerate(caps)}
    turn = _next_watts(given, classes, ties, left - sum(given))
    return given, turn


def _next_watts(
    given: list[int], classes: Mapping[int, tuple[int, ...]], ties: Sequence[_Tie], left: int
) -> list[bool]:
    """Give a watt each to the first of some stations, by class, then by turn; say who went before an equal one."""
    turn = [False] * len(given)
    order = sorted(classes, key=lambda i: (*classes[i], *ties[i]))
    for i in order[:left]:
        given[i] += 1
    if 0 < left < len(order) and classes[order[left - 1]] == classes[order[left]]:
        for i in order[:left]:
            turn[i] = classes[i] == classes[order[left]]
    return turn


def _by_merit(caps: Sequence[int], prices: Sequence[int], ties: Sequence[_Tie], left: int) -> _Result:
    given, turn = [0] * len(caps), [False] * len(caps)
    order = sorted((i for i, cap in enumerate(caps) if cap), key=lambda i: (prices[i], *ties[i]))
    for i in order:
        given[i] = min(caps[i], left)
        left -= given[i]
    marginal = next(prices[i] for i in order if given[i] < caps[i])
    *earlier, _ = (i for i in order if prices[i] == marginal)
    for i in earlier:
        turn[i] = given[i] > 0
    return given, turn


# ---- limits ----


def _check_split(target_w: int, offers: Sequence[Offer]) -> None:
    _within(0, "target_w", target_w, -MOST_TARGET_W, MOST_TARGET_W)
    _within(0, "stations", len(offers), 0, MOST_STATIONS)


def _within(station: int, field: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InstructionWrong(station=station, field=field, got=str(value)[:40], limit=f"{low}…{high}")
