"""A regional instruction over 50,000 stations, each method, against a plain numpy sort of the same caps."""

import hashlib
from collections.abc import Callable
from functools import partial

import numpy as np

from alliance.identity import Digest, StationId
from alliance.instruction import Method, Offer
from alliance.instruction import split as split_purely
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Finding, best_of
from optimizer.splitting import FleetOffers, split_fleet

STATIONS = 50_000
TARGET_PERCENT = 60
"""Of what the fleet can give."""
ROUNDS = 20
"""Splits in one measured run: one alone is too short for the clock."""
_SEED = Digest(hashlib.sha256(b"bench split").digest())


def run(ground: Ground, *, stations: int | None = None) -> list[Finding]:
    """Every method once, checked against the rule in plain Python before it is timed."""
    del ground
    fleet = _fleet(stations or STATIONS)
    target_w = int(fleet.cap_w.sum()) * TARGET_PERCENT // 100
    theirs = best_of(_repeated(lambda: np.sort(fleet.cap_w)))
    found: list[Finding] = []
    for method in Method:
        _require_same(fleet, target_w, method)
        ours = best_of(_repeated(partial(split_fleet, target_w, fleet, method=method, seed=_SEED)))
        found.append(
            Comparison(
                name=f"{ROUNDS} instructions split, {method}",
                ours=ours,
                against=f"{ROUNDS} numpy sorts of the same caps",
                theirs=theirs,
                facts={
                    "stations": len(fleet.cap_w),
                    "target_w": target_w,
                    "ms_each": round(ours.wall_s / ROUNDS * 1000, 3),
                    "cpu_ms_each": round(ours.cpu_s / ROUNDS * 1000, 3),
                },
            )
        )
    return found


def _repeated(work: Callable[[], object]) -> Callable[[], None]:
    def all_rounds() -> None:
        for _ in range(ROUNDS):
            work()

    return all_rounds


def _fleet(stations: int) -> FleetOffers:
    """Stations of up to 5 MW with weights, prices and earlier turns, from a fixed seed."""
    chance = np.random.default_rng(4)
    return FleetOffers(
        cap_w=chance.integers(0, 5_000_000, stations),
        weight=chance.integers(1, 1_001, stations),
        price=chance.integers(10_000, 60_000, stations) // 1_000 * 1_000,
        last_turn=chance.integers(0, 50, stations),
    )


def _require_same(fleet: FleetOffers, target_w: int, method: Method) -> None:
    """A split that differs from the rule by a watt is not timed."""
    columns = zip(*(a.tolist() for a in (fleet.cap_w, fleet.weight, fleet.price, fleet.last_turn)), strict=True)
    offers = [
        Offer(station=StationId(at), cap_up_w=cap, cap_down_w=0, weight=weight, price=price, last_turn=turn)
        for at, (cap, weight, price, turn) in enumerate(columns, start=1)
    ]
    want = split_purely(target_w, offers, method=method, seed=_SEED)
    got = split_fleet(target_w, fleet, method=method, seed=_SEED)
    same = (tuple(got.given_w.tolist()), tuple(got.turn.tolist()), got.shortfall_w)
    assert same == (want.given_w, want.turn, want.shortfall_w), f"the split by {method} differs from the rule"
