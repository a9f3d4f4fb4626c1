"""Protocol 9.8: a target is split to the watt, fairly, cheapest first or in proportion; what is missing is said; anybody can recompute it."""

import copy
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.available import StationState, offer_of
from alliance.fairness import Call, fairness
from alliance.identity import Digest, StationId
from alliance.instruction import (
    MOST_POWER_W,
    MOST_PRICE,
    MOST_WEIGHT,
    Bound,
    Instruction,
    InstructionRecord,
    InstructionWrong,
    Method,
    Offer,
    cost_cents_per_hour,
    decompose,
    instruction_from_plain,
    record_to_plain,
    split,
)
from alliance.instruction_check import RecordWrong, check, check_state

KW = 1000
SEED = Digest(hashlib.sha256(b"seed").digest())
Json = dict[str, Any]


def offer(station: int, cap_w: int, *, weight: int = 1, price: int = 0, last_turn: int = 0) -> Offer:
    """The same up and down."""
    return Offer(
        station=StationId(station), cap_up_w=cap_w, cap_down_w=cap_w, weight=weight, price=price, last_turn=last_turn
    )


def order(offers: Sequence[Offer], target_w: int, method: Method, *, call: int = 1, **more: Any) -> Instruction:
    fields = {
        "id": f"instruction/{call}", "issued_ms": 1_767_204_000_000, "duration_s": 900, "stale_after_ms": 300_000,
        "parent": None,
    }  # fmt: skip
    return Instruction(call=call, target_w=target_w, method=method, offers=tuple(offers), **(fields | more))


def fleets(*, most: int = 8, cap_w: int = 40, weight: int = 5) -> st.SearchStrategy[list[Offer]]:
    one = st.tuples(
        st.integers(0, cap_w), st.integers(0, cap_w), st.integers(1, weight), st.integers(-2, 3), st.integers(0, 3)
    )
    return st.lists(one, min_size=1, max_size=most).map(
        lambda rows: [
            Offer(
                station=StationId(at), cap_up_w=up, cap_down_w=down, weight=weight, price=price, last_turn=turn
            )
            for at, (up, down, weight, price, turn) in enumerate(rows, start=1)
        ]
    )  # fmt: skip


# ---- the worked examples ----

FOUR = [
    offer(1, 4000 * KW, price=10_000), offer(2, 2500 * KW, price=12_000), offer(3, 1500 * KW, price=30_000),
    offer(4, 3000 * KW, price=45_000),
]  # fmt: skip
"""Caps 4000, 2500, 1500, 3000 kW; the prices are one choice of several that cost 910 yuan an hour."""


def test_cheapest_are_full_and_the_next_gives_the_rest_when_by_merit() -> None:
    done = split(7200 * KW, FOUR, method=Method.MERIT, seed=SEED)
    assert [w // KW for w in done.given_w] == [4000, 2500, 700, 0]
    assert cost_cents_per_hour(FOUR, done.given_w) == 910_00
    assert done.shortfall_w == 0


def test_parts_are_as_caps_when_proportional() -> None:
    done = split(7200 * KW, FOUR, method=Method.PROPORTIONAL, seed=SEED)
    assert [round(w / KW) for w in done.given_w] == [2618, 1636, 982, 1964]
    assert sum(done.given_w) == 7200 * KW


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("sign", [1, -1])
def test_missing_power_is_said_when_all_caps_are_not_enough(method: Method, sign: int) -> None:
    record = decompose(order(FOUR, sign * 15_000 * KW, method))
    assert record.split.shortfall_w == sign * 4000 * KW
    assert [abs(w) for w in record.split.given_w] == [o.cap_up_w for o in FOUR]
    assert set(record.bound_by) == {Bound.DECLARED}
    assert check(record_to_plain(record)).shortfall_w == sign * 4000 * KW


# ---- what a station can give ----

D5 = StationState(
    station=StationId(1), charge_power_w=10_000 * KW, discharge_power_w=10_000 * KW, capacity_wh=20_000 * KW,
    soc_min_bp=1000, soc_max_bp=9000, eta_c_ppm=950_000, eta_d_ppm=950_000, pcc_import_w=20_000 * KW,
    pcc_export_w=20_000 * KW, t_ms=0, soc_bp=1800, battery_power_w=0, power_w=0,
)  # fmt: skip
"""10 MW and 20 MWh, never under 10 %, 95 % each way: the parameters under which 18 % is worth 6.08 MW for 15 minutes."""


def offered(state: StationState, *, issued_ms: int = 0, duration_s: int = 900) -> Offer:
    return offer_of(state, issued_ms=issued_ms, duration_s=duration_s, stale_after_ms=300_000)


def caps(o: Offer) -> tuple[int, str, int, str]:
    return o.cap_up_w, o.cap_up_by, o.cap_down_w, o.cap_down_by


def test_real_capacity_counts_when_a_battery_is_nearly_empty() -> None:
    assert caps(offered(D5)) == (6_080 * KW, "soc", 10_000 * KW, "power")


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"soc_bp": 1000}, (0, "soc", 10_000 * KW, "power")),
        ({"soc_bp": 500}, (0, "soc", 10_000 * KW, "power")),
        ({"soc_bp": 9000}, (10_000 * KW, "power", 0, "soc")),
        ({"soc_bp": 8900}, (10_000 * KW, "power", 842_105, "soc")),
        ({"soc_bp": 5000, "pcc_export_w": 3_000 * KW, "power_w": -500 * KW}, (3_500 * KW, "pcc", 10_000 * KW, "power")),
        ({"soc_bp": 5000, "battery_power_w": 4_000 * KW}, (6_000 * KW, "power", 14_000 * KW, "power")),
        ({"soc_bp": 5000, "battery_power_w": -4_000 * KW, "pcc_import_w": 4_500 * KW, "power_w": -4_000 * KW},
         (14_000 * KW, "power", 500 * KW, "pcc")),
        ({"battery_power_w": 7_000 * KW}, (0, "soc", 17_000 * KW, "power")),
        ({"soc_bp": 5000, "power_w": 21_000 * KW}, (0, "pcc", 10_000 * KW, "power")),
    ],
)  # fmt: skip
def test_tightest_limit_is_named_when_it_cuts(change: Json, want: tuple[int, str, int, str]) -> None:
    assert caps(offered(replace(D5, **change))) == want


def test_longer_hold_is_worth_less_power_when_content_is_short() -> None:
    assert offered(D5, duration_s=1800).cap_up_w == 3_040 * KW
    assert offered(D5, duration_s=60).cap_up_by == "power"


@pytest.mark.parametrize(
    ("issued_ms", "stale"), [(300_000, False), (300_001, True), (-300_000, False), (-300_001, True)]
)
def test_state_is_not_used_when_it_is_older_than_the_limit(issued_ms: int, stale: bool) -> None:
    found = caps(offered(D5, issued_ms=issued_ms))
    assert found == ((0, "stale", 0, "stale") if stale else (6_080 * KW, "soc", 10_000 * KW, "power"))


@given(
    st.integers(0, 10_000), st.integers(-10_000_000, 10_000_000), st.integers(-30_000_000, 30_000_000),
    st.integers(1, 86_400), st.integers(-400_000, 400_000),
)  # fmt: skip
def test_caps_follow_from_the_state_when_computed_by_the_checker(
    soc_bp: int, battery_w: int, power_w: int, duration_s: int, issued_ms: int
) -> None:
    state = replace(D5, soc_bp=soc_bp, battery_power_w=battery_w, power_w=power_w, t_ms=400_000)
    issued_ms += 400_000
    one = offered(state, issued_ms=issued_ms, duration_s=duration_s)
    record: Any = record_to_plain(decompose(order([one], 1, Method.FAIR, issued_ms=issued_ms, duration_s=duration_s)))
    plain = state_plain(state)
    check_state(record["stations"][0], plain, record=record)
    if one.cap_up_by is Bound.SOC and one.cap_up_w:
        with pytest.raises(RecordWrong):
            check_state(record["stations"][0] | {"capUpW": one.cap_up_w + 1}, plain, record=record)


def state_plain(state: StationState) -> Json:
    return {
        "station": state.station, "chargePowerW": state.charge_power_w, "dischargePowerW": state.discharge_power_w,
        "capacityWh": state.capacity_wh, "socMinBp": state.soc_min_bp, "socMaxBp": state.soc_max_bp,
        "etaCPpm": state.eta_c_ppm, "etaDPpm": state.eta_d_ppm, "pccImportW": state.pcc_import_w,
        "pccExportW": state.pcc_export_w, "tMs": state.t_ms, "socBp": state.soc_bp,
        "batteryPowerW": state.battery_power_w, "powerW": state.power_w,
    }  # fmt: skip


# ---- laws ----


@given(fleets(), st.integers(-400, 400), st.sampled_from(Method), st.integers(0, 99))
@settings(max_examples=600)
def test_no_watt_is_lost_and_no_cap_passed_when_split(
    offers: list[Offer], target_w: int, method: Method, salt: int
) -> None:
    seed = Digest(hashlib.sha256(bytes([salt])).digest())
    done = split(target_w, offers, method=method, seed=seed)
    assert sum(done.given_w) + done.shortfall_w == target_w
    for one, watts in zip(offers, done.given_w, strict=True):
        assert watts * target_w >= 0
        assert abs(watts) <= one.cap_w(target_w)
    if done.shortfall_w:
        assert [abs(w) for w in done.given_w] == [o.cap_w(target_w) for o in offers]
        assert done.shortfall_w * target_w > 0


@given(fleets(most=4, cap_w=5, weight=4), st.integers(0, 20))
@settings(max_examples=300)
def test_lowest_levels_are_the_highest_possible_when_fair(offers: list[Offer], target_w: int) -> None:
    """Against the definition: of all ways to give as much, the one whose sorted levels are lexicographically largest."""
    done = split(target_w, offers, method=Method.FAIR, seed=SEED)
    whole = sum(done.given_w)

    def levels(given_w: Sequence[int]) -> list[Fraction]:
        """Of those that could give something: a cap of 0 says nothing of fairness."""
        return sorted(Fraction(w, o.weight) for w, o in zip(given_w, offers, strict=True) if o.cap_up_w)

    ways = product(*(range(o.cap_up_w + 1) for o in offers))
    assert levels(done.given_w) == max(levels(way) for way in ways if sum(way) == whole)


def watt_by_watt(target_w: int, offers: Sequence[Offer], method: Method) -> list[int]:
    """The rule as a child would do it: each next watt to whoever comes first; equals by turn, then from the seed's start."""
    start = int.from_bytes(SEED, "big") % len(offers)
    given_w, cap_w = [0] * len(offers), [o.cap_w(target_w) for o in offers]
    for _ in range(min(abs(target_w), sum(cap_w))):
        free = [i for i in range(len(offers)) if given_w[i] < cap_w[i]]

        def place(i: int) -> tuple[Any, ...]:
            o = offers[i]
            first = (o.price,) if method is Method.MERIT else (Fraction(given_w[i], o.weight), o.weight)
            return (*first, o.last_turn, (i - start) % len(offers))

        given_w[min(free, key=place)] += 1
    return given_w


@given(fleets(most=7, cap_w=25, weight=6), st.integers(-150, 150), st.sampled_from([Method.FAIR, Method.MERIT]))
@settings(max_examples=400)
def test_watts_go_out_one_by_one_when_fair_or_by_merit(offers: list[Offer], target_w: int, method: Method) -> None:
    done = split(target_w, offers, method=method, seed=SEED)
    assert [abs(w) for w in done.given_w] == watt_by_watt(target_w, offers, method)


@given(fleets(), st.integers(1, 300))
def test_nobody_is_a_watt_from_its_exact_part_when_proportional(offers: list[Offer], target_w: int) -> None:
    done = split(target_w, offers, method=Method.PROPORTIONAL, seed=SEED)
    whole = sum(o.cap_up_w for o in offers)
    for one, watts in zip(offers, done.given_w, strict=True):
        assert watts == one.cap_up_w if target_w >= whole else abs(watts - Fraction(target_w * one.cap_up_w, whole)) < 1


@given(fleets(), st.integers(-300, 300), st.sampled_from(Method), st.randoms(use_true_random=False))
def test_every_station_gets_the_same_when_offers_come_in_another_order(
    offers: list[Offer], target_w: int, method: Method, chance: random.Random
) -> None:
    shuffled = offers[:]
    chance.shuffle(shuffled)
    results = [split(target_w, one, method=method, seed=SEED) for one in (offers, shuffled)]
    by_station = [
        {o.station: (w, t) for o, w, t in zip(listed, done.given_w, done.turn, strict=True)}
        for listed, done in zip((offers, shuffled), results, strict=True)
    ]
    assert by_station[0] == by_station[1]


@given(fleets(weight=1), st.integers(0, 200), st.integers(0, 99))
def test_only_equals_change_places_when_the_seed_is_another(offers: list[Offer], target_w: int, salt: int) -> None:
    """Rotation moves a watt among equals and changes nobody's level otherwise."""
    other = Digest(hashlib.sha256(bytes([salt])).digest())
    one, two = (split(target_w, offers, method=Method.FAIR, seed=seed) for seed in (SEED, other))
    assert sorted(one.given_w) == sorted(two.given_w)
    assert all(abs(a - b) <= 1 for a, b in zip(one.given_w, two.given_w, strict=True))


# ---- turns ----


def played(method: Method, target_w: int, offers: list[Offer], calls: int) -> list[InstructionRecord]:
    """Instructions one after another, each knowing who won a tie before."""
    records = []
    for call in range(1, calls + 1):
        record = decompose(order(offers, target_w, method, call=call))
        check(record_to_plain(record))
        offers = [replace(o, last_turn=call) if turn else o for o, turn in zip(offers, record.split.turn, strict=True)]
        records.append(record)
    return records


@pytest.mark.parametrize("method", Method)
def test_everybody_is_first_equally_often_when_equals_are_called_again_and_again(method: Method) -> None:
    equals = [offer(station, 1000, price=7) for station in range(1, 8)]
    target_w = 1000 if method is Method.MERIT else 7 * 100 + 1
    records = played(method, target_w, equals, calls=21)
    most = max(records[0].split.given_w)
    first = [record.split.given_w.index(most) for record in records]
    assert sorted(first) == sorted(list(range(7)) * 3)
    for start in range(0, 21, 7):
        assert sorted(first[start : start + 7]) == list(range(7))


def test_whoever_won_last_comes_later_when_equals_are_called_by_merit() -> None:
    offers = [offer(1, 100, price=5, last_turn=9), offer(2, 100, price=5, last_turn=3), offer(3, 100, price=6)]
    for salt in range(20):
        done = split(120, offers, method=Method.MERIT, seed=Digest(hashlib.sha256(bytes([salt])).digest()))
        assert done.given_w == (20, 100, 0)
        assert done.turn == (False, True, False)


def test_nobody_has_had_a_turn_when_all_equals_are_full() -> None:
    done = split(
        200, [offer(1, 100, price=5), offer(2, 100, price=5), offer(3, 9, price=6)], method=Method.MERIT, seed=SEED
    )
    assert done.given_w == (100, 100, 0)
    assert done.turn == (False, False, False)


def test_start_of_rotation_differs_from_call_to_call_when_nothing_else_does() -> None:
    offers = [offer(station, 1000, price=7) for station in range(1, 51)]
    first = {decompose(order(offers, 1000, Method.MERIT, call=call)).split.given_w.index(1000) for call in range(1, 60)}
    assert len(first) > 20


# ---- reasons, parents ----


def test_each_station_says_why_it_gives_no_more_when_stations_differ() -> None:
    offers = [
        Offer(station=StationId(1), cap_up_w=10, cap_up_by=Bound.SOC, cap_down_w=0, cap_down_by=Bound.PCC),
        Offer(station=StationId(2), cap_up_w=0, cap_up_by=Bound.STALE, cap_down_w=0, cap_down_by=Bound.STALE),
        Offer(station=StationId(3), cap_up_w=100, cap_up_by=Bound.POWER, cap_down_w=100, cap_down_by=Bound.POWER),
        Offer(station=StationId(4), cap_up_w=0, cap_up_by=Bound.UNAVAILABLE, cap_down_w=0,
              cap_down_by=Bound.UNAVAILABLE),
    ]  # fmt: skip
    up, down = (decompose(order(offers, w, Method.FAIR)) for w in (50, -500))
    assert (up.split.given_w, up.bound_by) == ((10, 0, 40, 0), ("soc", "stale", "share", "unavailable"))
    assert (down.split.given_w, down.bound_by) == ((0, 0, -100, 0), ("pcc", "stale", "power", "unavailable"))
    assert down.split.shortfall_w == -400
    assert check(record_to_plain(up)).excluded == 2


def test_children_add_up_and_name_their_parent_when_a_target_goes_down_two_steps() -> None:
    plan = Digest(b"\x07" * 32)
    region = decompose(order([offer(1, 500), offer(2, 900)], 1001, Method.FAIR, parent=plan))
    groups = {1: [offer(11, 300), offer(12, 200)], 2: [offer(21, 450), offer(22, 450)]}
    children = [
        decompose(order(groups[o.station], given_w, Method.FAIR, call=at, parent=region.digest))
        for at, (o, given_w) in enumerate(zip(region.instruction.offers, region.split.given_w, strict=True), start=2)
    ]
    assert sum(sum(child.split.given_w) for child in children) == 1001
    for child in children:
        assert record_to_plain(child)["parent"] == record_to_plain(region)["digest"]
        check(record_to_plain(child))
    assert record_to_plain(region)["parent"] == "0x" + plan.hex()


# ---- the record and its checker ----


def honest(chance: random.Random) -> InstructionRecord:
    count = chance.randint(1, 7)
    offers = [
        Offer(
            station=StationId(at * 3), cap_up_w=chance.randint(0, 50), cap_up_by=chance.choice([Bound.POWER, Bound.SOC]),
            cap_down_w=chance.randint(0, 50), weight=chance.randint(1, 4), price=chance.randint(-1, 2),
            last_turn=chance.randint(0, 2),
        )
        for at in range(1, count + 1)
    ]  # fmt: skip
    parent = chance.choice([None, Digest(chance.randbytes(32))])
    target_w = chance.randint(-200, 200)
    return decompose(order(offers, target_w, chance.choice(list(Method)), call=chance.randint(1, 99), parent=parent))


def resealed(plain: Json) -> Json:
    """A record whose digest and seed a liar has made anew over his inputs."""
    inputs = {name: value for name, value in plain.items() if name not in ("digest", "seed", "shortfallW")}
    results = ("givenW", "boundBy", "turn")
    inputs["stations"] = [{n: v for n, v in row.items() if n not in results} for row in plain["stations"]]
    raw = json.dumps(inputs, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(raw).digest()
    seed = hashlib.sha256(digest + plain["call"].to_bytes(8, "big")).digest()
    return plain | {"digest": "0x" + digest.hex(), "seed": "0x" + seed.hex()}


def _other(value: object, chance: random.Random) -> object:
    match value:
        case bool():
            return not value
        case int():
            return value + chance.choice([-1, 1, -1000, 1000])
        case None:
            return "0x" + "ab" * 32
        case str() if value.startswith("0x"):
            at = chance.randrange(2, 66)
            return value[:at] + ("0" if value[at] != "0" else "1") + value[at + 1 :]
        case str() if value in set(Bound) or value in set(Method):
            return chance.choice([one for one in (*Bound, *Method) if one != value]).value
        case _:
            return f"{value}x"


def mutated(plain: Json, chance: random.Random) -> Json:
    """One lie: a field changed, watts moved from one station to another, rows swapped, dropped, doubled, a name more."""
    lie = copy.deepcopy(plain)
    rows = lie["stations"]
    match chance.randrange(8):
        case 0 | 1:
            name = chance.choice([n for n in lie if n != "stations"])
            lie[name] = _other(lie[name], chance)
        case 2 | 3:
            row = chance.choice(rows)
            name = chance.choice(list(row))
            row[name] = _other(row[name], chance)
        case 4:
            one, two = chance.choice(rows), chance.choice(rows)
            moved = chance.randint(1, 9)
            one["givenW"] += moved
            two["givenW"] -= moved
        case 5:
            row, moved = chance.choice(rows), chance.choice([-5, -1, 1, 5])
            row["givenW"] += moved
            lie["shortfallW"] -= moved
        case 6:
            at = chance.randrange(len(rows))
            rows[at:at] = [copy.deepcopy(rows[at])]
        case _:
            target = chance.choice([lie, chance.choice(rows)])
            if chance.random() < 0.5:
                target["note"] = 1
            else:
                del target[chance.choice(list(target))]
    return lie


def test_lie_is_refused_when_a_record_is_doctored() -> None:
    """10,000 lies; half of them by somebody who makes digest and seed anew: what then stands is what is honest."""
    chance, refused, harmless = random.Random(9), 0, 0
    while refused < 10_000:
        plain: Json = record_to_plain(honest(chance))
        check(plain)
        for _ in range(20):
            lie = mutated(plain, chance)
            whole = set(lie) == set(plain) and all(set(r) == set(plain["stations"][0]) for r in lie["stations"])
            if whole and chance.random() < 0.5 and isinstance(lie["call"], int) and 0 <= lie["call"] < 2**64:
                lie = resealed(lie)
            if lie == plain:
                continue
            try:
                check(lie)
            except RecordWrong:
                refused += 1
                continue
            harmless += 1
            assert lie == record_to_plain(decompose(instruction_from_plain(lie)))
    print(f"{refused} lies refused; {harmless} resealed records were honest ones of other inputs")
    assert harmless < refused


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 2), ("v", True), ("targetW", 1.0), ("method", "luck"), ("stations", {}), ("digest", "0x12"),
        ("parent", 7), ("id", ""), ("id", "x" * 81), ("durationS", 0), ("call", 0), ("issuedMs", -1),
    ],
)  # fmt: skip
def test_record_is_refused_by_field_when_its_form_is_wrong(field: str, value: object) -> None:
    plain = record_to_plain(decompose(order(FOUR, 1, Method.FAIR))) | {field: value}
    with pytest.raises(RecordWrong) as caught:
        check(plain)
    assert caught.value.field == field


@pytest.mark.parametrize("value", [None, [], 7, "x", {}])
def test_record_is_refused_when_it_is_something_else(value: object) -> None:
    with pytest.raises(RecordWrong):
        check(value)


def test_overgiving_is_refused_when_the_shortfall_hides_it() -> None:
    """More than was asked for, balanced by a shortfall of the wrong sign."""
    plain: Json = record_to_plain(decompose(order([offer(1, 10)], 5, Method.FAIR)))
    plain["stations"][0] |= {"givenW": 10, "boundBy": "declared"}
    with pytest.raises(RecordWrong) as caught:
        check(plain | {"shortfallW": -5})
    assert caught.value.field == "shortfallW"


def test_nothing_is_given_and_all_is_missing_when_nobody_is_there() -> None:
    record = decompose(order([], 5000, Method.FAIR))
    assert record.split.shortfall_w == 5000
    assert check(record_to_plain(record)).stations == 0


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: offer(1, -1), "cap_up_w"), (lambda: offer(1, MOST_POWER_W + 1), "cap_up_w"),
        (lambda: offer(0, 1), "station"), (lambda: offer(1, 1, weight=0), "weight"),
        (lambda: offer(1, 1, weight=MOST_WEIGHT + 1), "weight"), (lambda: offer(1, 1, price=MOST_PRICE + 1), "price"),
        (lambda: offer(1, 1, last_turn=-1), "last_turn"),
        (lambda: Offer(station=StationId(1), cap_up_w=1, cap_up_by=Bound.STALE, cap_down_w=0), "cap_up_by"),
        (lambda: Offer(station=StationId(1), cap_up_w=1, cap_down_w=0, cap_down_by=Bound.SHARE), "cap_down_by"),
        (lambda: order(FOUR, 10**15 + 1, Method.FAIR), "target_w"), (lambda: order(FOUR, 1, Method.FAIR, id=""), "id"),
        (lambda: order([FOUR[1], FOUR[0]], 1, Method.FAIR), "station"),
        (lambda: order([FOUR[0], FOUR[0]], 1, Method.FAIR), "station"),
        (lambda: order(FOUR, 1, Method.FAIR, duration_s=0), "duration_s"),
        (lambda: replace(D5, soc_bp=10_001), "soc_bp"), (lambda: replace(D5, eta_c_ppm=0), "eta_c_ppm"),
    ],
)  # fmt: skip
def test_input_is_refused_by_field_when_it_leaves_its_limits(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InstructionWrong) as caught:
        make()
    assert caught.value.field == field


# ---- fairness ----


def call(station: int, available_w: int, given_w: int, *, turn: bool = False) -> Call:
    return Call(station=StationId(station), available_w=available_w, given_w=given_w, duration_s=3600, turn=turn)


def test_report_counts_calls_per_megawatt_when_stations_were_called() -> None:
    found = fairness(
        [call(2, 4_000_000, 1_000_000), call(1, 2_000_000, 0), call(1, 2_000_000, 500_000, turn=True), call(1, 0, 0)]
    )
    one, two = found.rows
    assert (one.station, one.asked, one.able, one.called, one.turns) == (1, 3, 2, 1, 1)
    assert (one.available_wh, one.given_wh, one.given_bp) == (4_000_000, 500_000, 1250)
    assert one.millicalls_per_mw == 500  # called once, with 2 MW on the mean
    assert (two.given_bp, two.millicalls_per_mw) == (2500, 250)
    assert found.spread_bp == 1250


def test_report_is_empty_when_nobody_was_called() -> None:
    assert fairness([]).rows == ()
    assert fairness([call(1, 0, 0)]).spread_bp == 0


def test_report_shows_nobody_preferred_when_a_record_of_calls_was_fair() -> None:
    records = played(Method.MERIT, 1000, [offer(station, 1000, price=7) for station in range(1, 8)], calls=70)
    calls = [
        Call(station=o.station, available_w=o.cap_up_w, given_w=w, duration_s=900, turn=turn)
        for record in records
        for o, w, turn in zip(record.instruction.offers, record.split.given_w, record.split.turn, strict=True)
    ]
    found = fairness(calls)
    assert {row.called for row in found.rows} == {10}
    assert found.spread_bp == 0
