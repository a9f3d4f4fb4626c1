"""The splitter of large fleets gives the watts of the rule, in every direction, method and size."""

import hashlib
import random

import numpy as np
import pytest

from alliance.identity import Digest, StationId
from alliance.instruction import MOST_POWER_W, MOST_WEIGHT, InstructionWrong, Method, Offer
from alliance.instruction import split as split_by_rule
from cli.benches import splitting as bench
from cli.benches.measure import Comparison
from optimizer import splitting
from optimizer.splitting import FleetOffers, split, split_fleet

SEED = Digest(hashlib.sha256(b"seed").digest())
CASES = 1_500
"""Fleets; each is split by every method."""


def fleet(chance: random.Random) -> list[Offer]:
    """Few or many stations; caps from a watt to a terawatt; weights equal, few, many; prices with and without ties."""
    count = chance.choice([1, 2, 3, 5, 8, 20, 60, 250])
    cap_w = chance.choice([0, 3, 10, 1_000, 10**9, MOST_POWER_W])
    weight = chance.choice([1, 3, 1_000, MOST_WEIGHT])
    prices, turns, heavy = chance.choice([0, 3, 50]), chance.choice([0, 2, 50]), chance.random() < 0.2
    made = [
        Offer(
            station=StationId(at), cap_up_w=chance.randint(0, cap_w), cap_down_w=chance.choice([cap_w, 1 if cap_w else 0]),
            weight=weight if heavy and at > 1 else chance.randint(1, weight), price=chance.randint(-2, prices),
            last_turn=chance.randint(0, turns),
        )
        for at in range(1, count + 1)
    ]  # fmt: skip
    chance.shuffle(made)
    return made


def target(chance: random.Random, offers: list[Offer]) -> int:
    sign = chance.choice([1, -1])
    whole = sum(o.cap_w(sign) for o in offers)
    near = min(whole, 3 * len(offers))
    return sign * chance.choice(
        [0, 1, whole, whole + 5, max(0, whole - 1), chance.randint(0, whole), chance.randint(0, near)]
    )


def test_watts_and_turns_are_the_rules_when_fleets_are_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "FEW", 0)
    chance, cases = random.Random(11), 0
    for at in range(CASES):
        offers = fleet(chance)
        target_w, seed = target(chance, offers), Digest(hashlib.sha256(at.to_bytes(4, "big")).digest())
        for method in Method:
            want = split_by_rule(target_w, offers, method=method, seed=seed)
            assert split(target_w, offers, method=method, seed=seed) == want, (at, method)
            cases += 1
    print(f"{cases} splits equal to the watt")


@pytest.mark.parametrize("method", Method)
def test_limits_are_exact_when_every_figure_is_at_its_own(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products near 2^63, levels far above every cap, one watt more or less than all."""
    monkeypatch.setattr(splitting, "FEW", 0)
    offers = [
        Offer(station=StationId(at), cap_up_w=cap_w, cap_down_w=0, weight=weight, last_turn=2**40 - at)
        for at, (cap_w, weight) in enumerate(
            [(MOST_POWER_W, 1), (MOST_POWER_W, MOST_WEIGHT), (1, MOST_WEIGHT), (MOST_POWER_W - 1, 2), (0, 7)] * 3, start=1
        )
    ]  # fmt: skip
    whole = sum(o.cap_up_w for o in offers)
    for target_w in (1, 2, 5, whole // 7, whole // 2, whole - 2, whole - 1, whole, whole + 1):
        want = split_by_rule(target_w, offers, method=method, seed=SEED)
        assert split(target_w, offers, method=method, seed=SEED) == want


def test_caps_that_double_are_split_exactly_when_the_guess_takes_many_steps() -> None:
    cap_w = np.array([1 << (at % 39) for at in range(400)], dtype=np.int64)
    ones = np.ones_like(cap_w)
    offers = [Offer(station=StationId(at + 1), cap_up_w=int(c), cap_down_w=0) for at, c in enumerate(cap_w)]
    for target_w in (399, 10**6, 10**9, int(cap_w.sum()) - 1):
        done = split_fleet(
            target_w, FleetOffers(cap_w=cap_w, weight=ones, price=ones, last_turn=ones), method=Method.FAIR, seed=SEED
        )
        want = split_by_rule(target_w, offers, method=Method.FAIR, seed=SEED)
        assert tuple(done.given_w.tolist()) == want.given_w


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("cap_w", [-1, 5]), ("cap_w", [MOST_POWER_W + 1, 5]), ("weight", [0, 1]), ("price", [10**9 + 1, 0]),
        ("last_turn", [-1, 0]), ("cap_w", [1.5, 2.0]), ("cap_w", [float("nan"), 2.0]),
    ],
)  # fmt: skip
def test_arrays_are_refused_by_field_when_they_leave_their_limits(field: str, values: list[float]) -> None:
    good = {name: np.array([1, 2], dtype=np.int64) for name in ("cap_w", "weight", "price", "last_turn")}
    with pytest.raises(InstructionWrong) as caught:
        FleetOffers(**(good | {field: np.array(values)}))
    assert caught.value.field == field


def test_all_is_missing_when_the_fleet_is_empty() -> None:
    none = np.array([], dtype=np.int64)
    done = split_fleet(
        -7, FleetOffers(cap_w=none, weight=none, price=none, last_turn=none), method=Method.FAIR, seed=SEED
    )
    assert (done.given_w.tolist(), done.shortfall_w) == ([], -7)


def test_each_method_is_compared_with_a_plain_sort_when_splitting_is_measured() -> None:
    found = bench.run(None, stations=2_000)  # type: ignore[arg-type]  # this case stands on no ground
    assert [one.name for one in found] == [f"{bench.ROUNDS} instructions split, {method}" for method in Method]
    for one in found:
        assert isinstance(one, Comparison)
        assert one.facts["stations"] == 2_000
        assert one.ratio > 0
