"""Margins keep limits with probability 1 − ε, jointly and whatever the law: against simulations and definitions (9.19)."""

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from alliance.chance.days import DayErrors, region_errors, worst_of
from alliance.chance.judge import interval_ppm, judged
from alliance.chance.record import (
    ChanceTerms,
    MarginLeavesNoRoom,
    ScenariosBesideMargins,
    check_chance,
    record_from_plain,
    record_to_plain,
    tightened,
)
from alliance.chance.scale import TooFewDays, conformal_ppm, days_needed, robust_ppm
from alliance.fleetplan import MILLION, RISK_NEUTRAL, FieldWrong, FleetProblem, FleetStation, Region, Scenario, Tie
from alliance.fleetproof import ClaimWrong
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetPath, FleetSettings, plan_fleet
from tests.optimizer.forecasting.measured import HOMES, column

PERIODS = 4
WIDE = 10**9


def fleet(*, periods: int = PERIODS, import_wh: int = WIDE, pcc_wh: int = WIDE, stations: int = 3) -> FleetProblem:
    """Two regions with a lossy tie; dear evenings, so that batteries charge as early as the limits let them."""
    price = tuple(30_000 if t < periods // 2 else 120_000 for t in range(periods))
    region = Region(
        buy_price=price, sell_price=tuple(p // 2 for p in price), import_limit_wh=(import_wh,) * periods,
        export_limit_wh=(WIDE,) * periods, base_load_wh=(200_000,) * periods,
    )  # fmt: skip
    station = FleetStation(
        region=0, charge_wh=100_000, discharge_wh=100_000, eta_c_ppm=950_000, eta_d_ppm=950_000, keep_ppm=MILLION,
        energy_min_wh=0, energy_max_wh=400_000, start_wh=0, end_min_wh=0, wear_price=1_000, pcc_import_wh=pcc_wh,
        pcc_export_wh=WIDE, net_load_wh=(50_000,) * periods, own_need_floor_wh=(0,) * periods, content_most_wh=(),
        curtailable_wh=(0,) * periods,
    )  # fmt: skip
    return FleetProblem(
        periods=periods, period_s=900, regions=(region, region),
        ties=(Tie(from_region=0, to_region=1, limit_wh=10_000, loss_ppm=20_000),),
        stations=tuple(replace(station, region=i % 2) for i in range(stations)),
        reserves=(), scenarios=(), risk=RISK_NEUTRAL,
    )  # fmt: skip


def fat(rng: random.Random) -> float:
    """Student's t with two degrees of freedom: no variance."""
    return rng.gauss(0, 1) / (rng.gammavariate(1, 1)) ** 0.5


def day(rng: random.Random, problem: FleetProblem, *, size_wh: int = 3_000) -> DayErrors:
    """One shock for all and one for each station, each fat-tailed, times a course that wanders."""
    common = fat(rng)
    rows = []
    for _ in problem.stations:
        own, course = fat(rng), 1.0
        row = []
        for _ in range(problem.periods):
            course += rng.gauss(0, 0.3)
            row.append(round(size_wh * (common + own) * course))
        rows.append(tuple(row))
    return DayErrors(net_load_wh=tuple(rows), base_load_wh=())


def days(rng: random.Random, problem: FleetProblem, count: int, **more: int) -> list[DayErrors]:
    return [day(rng, problem, **more) for _ in range(count)]


def terms(
    epsilon: float, *, shape_days: int = 20, radius: float = 0.0, window_days: int = 0, pace: float = 0.0
) -> ChanceTerms:
    return ChanceTerms(
        epsilon_ppm=round(epsilon * MILLION), radius_ppm=round(radius * MILLION), shape_days=shape_days,
        window_days=window_days, pace_ppm=round(pace * MILLION),
    )  # fmt: skip


def kept(margins: Sequence[int], errors: DayErrors, problem: FleetProblem) -> bool:
    return all(z <= m for z, m in zip(worst_of(errors, problem).flat(), margins, strict=True))


@pytest.mark.parametrize("epsilon", [0.1, 0.25])
def test_limits_are_broken_on_a_share_epsilon_of_days_at_most_when_errors_have_fat_tails(epsilon: float) -> None:
    """150 samples of 84 days, 20 further days each: the mean frequency is what a rank says, (K + 1 − k)/(K + 1)."""
    problem, rng, broken = fleet(), random.Random(1), 0
    for _ in range(150):
        _, record = tightened(problem, days(rng, problem, 84), terms(epsilon))
        margins = record.margins.flat()
        broken += sum(not kept(margins, further, problem) for further in days(rng, problem, 20))
    frequency = broken / 3_000
    rank = -(-(1 - epsilon) * 65 // 1)
    print(f"ε {epsilon}: mean violation frequency {frequency:.4f}, expected {1 - rank / 65:.4f}")
    assert frequency <= epsilon
    assert frequency == pytest.approx(1 - rank / 65, abs=0.02), "no wider than it need be"


def test_quantile_is_the_rank_of_the_theorem_and_one_day_fewer_is_refused() -> None:
    scores = list(range(100, 119))
    assert days_needed(50_000) == len(scores) == 19
    assert conformal_ppm(scores, epsilon_ppm=50_000) == 118
    assert conformal_ppm(list(range(39)), epsilon_ppm=50_000) == 37
    with pytest.raises(TooFewDays) as refused:
        conformal_ppm(scores[1:], epsilon_ppm=50_000)
    assert (refused.value.days, refused.value.needed) == (18, 19)


def worst_case(scores: Sequence[int], scale: int, radius_ppm: int) -> Fraction:
    """The most mass beyond the scale that a budget of transport buys: nearest days first, the last one in part."""
    budget, mass = Fraction(radius_ppm * len(scores)), Fraction(0)
    for score in sorted(scores, reverse=True):
        cost = max(0, scale - score)
        part = Fraction(1) if cost == 0 else min(Fraction(1), budget / cost)
        budget, mass = budget - part * cost, mass + part
    return mass / len(scores)


def test_no_law_within_the_radius_breaks_the_limits_more_often_than_epsilon() -> None:
    rng = random.Random(2)
    for _ in range(60):
        scores = [rng.randint(0, 3 * MILLION) for _ in range(rng.randint(5, 60))]
        epsilon, radius = rng.randint(20_000, 600_000), rng.randint(1, 400_000)
        scale = robust_ppm(scores, epsilon_ppm=epsilon, radius_ppm=radius)
        assert worst_case(scores, scale, radius) <= Fraction(epsilon, MILLION)
        assert worst_case(scores, scale - 1, radius) > Fraction(epsilon, MILLION)
        moved = sorted(scores, reverse=True)
        for k in range(len(moved)):
            moved[k] = max(moved[k], scale + 1)
            if sum(moved) - sum(scores) > radius * len(scores):
                break
            assert sum(s > scale for s in moved) * MILLION <= epsilon * len(scores)


def test_a_radius_widens_the_margins_and_none_leaves_them_as_they_are() -> None:
    problem, rng = fleet(), random.Random(3)
    sample = days(rng, problem, 100)
    _, plain = tightened(problem, sample, terms(0.1))
    scales = [tightened(problem, sample, terms(0.1, radius=r))[1] for r in (0.01, 0.1, 0.5)]
    assert plain.robust_ppm == 0
    assert [r.conformal_ppm for r in scales] == [plain.conformal_ppm] * 3
    assert sorted(r.robust_ppm for r in scales) == [r.robust_ppm for r in scales]
    assert scales[-1].robust_ppm > plain.conformal_ppm
    assert scales[-1].margins.station_import[0] > plain.margins.station_import[0]


def test_certified_plan_keeps_the_real_limits_when_it_was_planned_within_margins() -> None:
    """PCC and region bind: planned to the limit, nearly each day breaks one; within margins, ε at most."""
    real, rng = fleet(import_wh=420_000, pcc_wh=130_000), random.Random(4)
    sample, further = days(rng, real, 160, size_wh=800), days(rng, real, 300, size_wh=800)
    narrowed, record = tightened(real, sample, terms(0.1, shape_days=40))
    settings = FleetSettings(path=FleetPath.STAMPED)
    plans = [plan_fleet(arrays_of(p), settings=settings).certificate(p) for p in (real, narrowed)]
    bare, guarded = (judged(c, real, further) for c in plans)
    print(f"300 days: to the limit {bare.frequency_ppm} ppm; within margins {guarded.frequency_ppm} ppm, "
          f"interval {guarded.lowest_ppm} to {guarded.highest_ppm}")  # fmt: skip
    assert plans[1].problem_digest == record.problem_digest
    assert plans[1].objective_microcents > plans[0].lower_bound_microcents, "safety costs something"
    assert bare.lowest_ppm > 500_000
    assert guarded.lowest_ppm <= 100_000
    inside = [kept(record.margins.flat(), d, real) for d in further]
    assert {b.day for b in guarded.broken} <= {n for n, ok in enumerate(inside) if not ok}


def test_certified_plan_keeps_the_real_limits_when_load_is_cut_within_margins() -> None:
    """60 000 Wh through the limit, 250 000 and more needed: the rest is cut, and what the margin takes away as well."""
    wide, rng = fleet(import_wh=60_000), random.Random(7)
    cut = {"cut_most_wh": (300_000,) * PERIODS, "cut_price": (500_000,) * PERIODS}
    real = replace(wide, regions=tuple(replace(region, **cut) for region in wide.regions))
    sample, further = days(rng, real, 160, size_wh=800), days(rng, real, 200, size_wh=800)
    with pytest.raises(MarginLeavesNoRoom):
        tightened(wide, sample, terms(0.1, shape_days=40))
    narrowed, record = tightened(real, sample, terms(0.1, shape_days=40))
    settings = FleetSettings(path=FleetPath.STAMPED)
    bare, guarded = (
        judged(plan_fleet(arrays_of(p), settings=settings).certificate(p), real, further) for p in (real, narrowed)
    )
    assert bare.lowest_ppm > 500_000
    assert guarded.lowest_ppm <= 100_000
    inside = [kept(record.margins.flat(), d, real) for d in further]
    assert {b.day for b in guarded.broken} <= {n for n, ok in enumerate(inside) if not ok}


def test_errors_of_stations_and_base_load_meet_in_their_region() -> None:
    problem = fleet()
    errors = DayErrors(
        net_load_wh=((1, -2, 3, 0), (10, 0, 0, 0), (-5, 5, 0, 0)), base_load_wh=((100, 0, 0, -9), (0, 0, 0, 7))
    )
    assert region_errors(errors, problem) == ((96, 3, 3, -9), (10, 0, 0, 7))
    worst = worst_of(errors, problem)
    assert worst.station_import == (3, 10, 5)
    assert worst.station_export == (2, 0, 5)
    assert worst.region_export == ((0, 0, 0, 9), (0, 0, 0, 0))


def test_limit_is_left_alone_when_no_plan_comes_near_it_and_refused_when_one_must() -> None:
    sample = days(random.Random(5), fleet(), 100)
    consumer = replace(fleet().stations[0], net_load_wh=(WIDE // 100,) * PERIODS, pcc_export_wh=0)
    made, _ = tightened(replace(fleet(), stations=(consumer, *fleet().stations[1:])), sample, terms(0.1))
    assert made.stations[0].pcc_export_wh == 0
    near = replace(fleet(), stations=(replace(fleet().stations[0], pcc_export_wh=0), *fleet().stations[1:]))
    with pytest.raises(MarginLeavesNoRoom) as refused:
        tightened(near, sample, terms(0.1))
    assert (refused.value.limit, refused.value.place, refused.value.limit_wh) == ("PCC export", "stations[0]", 0)
    assert refused.value.margin_wh > 0
    with pytest.raises(MarginLeavesNoRoom, match="regions"):
        tightened(fleet(import_wh=60_000), sample, terms(0.1))


def test_scenarios_and_days_of_another_shape_are_refused() -> None:
    problem, rng = fleet(), random.Random(6)
    sample = days(rng, problem, 30)
    loads = tuple(s.net_load_wh for s in problem.stations)
    split = replace(problem, scenarios=(Scenario(probability_ppm=MILLION, net_load_wh=loads),))
    with pytest.raises(ScenariosBesideMargins):
        tightened(split, sample, terms(0.2))
    with pytest.raises(FieldWrong, match=r"days\[0\]"):
        tightened(problem, days(rng, fleet(stations=2), 30), terms(0.2))
    with pytest.raises(FieldWrong, match="shape_days"):
        tightened(problem, sample, terms(0.2, shape_days=30))
    with pytest.raises(TooFewDays):
        tightened(problem, sample, terms(0.05, shape_days=20))


def test_record_is_refused_when_a_figure_a_day_or_a_limit_is_altered() -> None:
    problem, rng = fleet(), random.Random(7)
    sample = days(rng, problem, 60)
    made, record = tightened(problem, sample, terms(0.1))
    assert record_from_plain(record_to_plain(record)) == record
    assert check_chance(record, problem, sample) == made
    margins = replace(
        record.margins, station_import=(record.margins.station_import[0] - 1, *record.margins.station_import[1:])
    )
    for wrong in (
        replace(record, margins=margins), replace(record, conformal_ppm=record.conformal_ppm - 1),
        replace(record, robust_ppm=1), replace(record, days_digest="0" * 64), replace(record, problem_digest="0" * 64),
        replace(record, terms=terms(0.3)),
    ):  # fmt: skip
        with pytest.raises(ClaimWrong):
            check_chance(wrong, problem, sample)
    with pytest.raises(ClaimWrong):
        check_chance(record, problem, [*sample[:-1], sample[0]])
    with pytest.raises(ClaimWrong):
        check_chance(record, fleet(import_wh=WIDE - 1), sample)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 20, 0.0, 0.168433), (5, 50, 0.033275, 0.218135), (20, 20, 0.831567, 1.0), (1, 1, 0.025, 1.0)],
)
def test_interval_is_that_of_clopper_and_pearson(hits: int, of: int, low: float, high: float) -> None:
    found = interval_ppm(hits, of)
    assert found[0] / MILLION == pytest.approx(low, abs=2e-6)
    assert found[1] / MILLION == pytest.approx(high, abs=2e-6)


def whole_days(net: np.ndarray) -> tuple[FleetProblem, list[DayErrors]]:
    """[station, day, hour] in Wh, forecast by the mean of the seven days before."""
    forecast = np.stack([np.round(net[:, n - 7 : n].mean(axis=1)) for n in range(7, net.shape[1])], axis=1)
    off = (net[:, 7:] - forecast).astype(int)
    errors = [
        DayErrors(net_load_wh=tuple(map(tuple, off[:, n].tolist())), base_load_wh=()) for n in range(off.shape[1])
    ]
    return replace(fleet(periods=24, stations=len(net)), period_s=3600), errors


def measured_homes() -> tuple[FleetProblem, list[DayErrors]]:
    """Six measured homes with PV for a year."""
    loads = [np.round(column(f"citylearn/building_{b}.csv", "non_shiftable_load") * 1000) for b in HOMES]
    pv = [column(f"citylearn/building_{b}.csv", "solar_generation") * 4 for b in HOMES]
    net = np.array([np.round(a - b) for a, b in zip(loads, pv, strict=True)])
    return whole_days(net.reshape(len(HOMES), -1, 24))


def measured_feeders() -> tuple[FleetProblem, list[DayErrors]]:
    """Three feeders of a measured transformer for two years, in thousandths of the file's unit; they drift."""
    feeders = np.array([np.round(column("etth/ETTh1.csv", name) * 1000) for name in ("HUFL", "MUFL", "LUFL")])
    return whole_days(feeders[:, : feeders.shape[1] // 24 * 24].reshape(3, -1, 24))


def broken_later(problem: FleetProblem, errors: list[DayErrors], later: int, asked: ChanceTerms) -> int:
    """Days among the last that leave the margins made of those before."""
    _, record = tightened(problem, errors[:-later], asked)
    broken = sum(not kept(record.margins.flat(), d, problem) for d in errors[-later:])
    low, high = interval_ppm(broken, later)
    print(f"ε {asked.epsilon_ppm / 1e4} %, θ {asked.radius_ppm / 1e4} %: {broken} of {later} later days, "
          f"95 % interval {low / 1e4:.1f} to {high / 1e4:.1f} %")  # fmt: skip
    return broken


def test_measured_homes_break_no_more_than_epsilon_on_the_days_after_those_that_gave_the_margins() -> None:
    problem, errors = measured_homes()
    for epsilon in (0.05, 0.1, 0.2):
        broken = broken_later(problem, errors, 100, terms(epsilon, shape_days=60))
        assert interval_ppm(broken, 100)[0] <= epsilon * MILLION, "not above ε by more than chance explains"


def test_measured_feeders_that_drift_are_no_exchangeable_days_and_a_radius_takes_up_some_of_it() -> None:
    problem, errors = measured_feeders()
    plain, ball = (broken_later(problem, errors, 200, terms(0.05, shape_days=60, radius=r)) for r in (0.0, 0.05))
    assert interval_ppm(plain, 200)[0] > 50_000, "the promise rests on exchangeable days, and these are none"
    assert ball < plain


def test_measured_feeders_are_kept_near_epsilon_when_the_level_follows_their_drift() -> None:
    """Each day planned with the 160 before it; with next to no pace nearly twice as many break."""
    problem, errors = measured_feeders()
    asked = terms(0.1, shape_days=40, window_days=160, pace=0.01)
    still, moving = (tightened(problem, errors, terms)[1].adapted for terms in (replace(asked, pace_ppm=1), asked))
    assert still is not None
    assert moving is not None
    shares = [a.broken_days / a.replayed_days for a in (still, moving)]
    print(f"feeders, ε 0.1: {shares[0]:.3f} of {moving.replayed_days} days without a pace, {shares[1]:.3f} with one, "
          f"{moving.clipped_days} clipped")  # fmt: skip
    assert shares[0] > 0.15
    assert shares[1] <= 0.12


def drifting(problem: FleetProblem, count: int) -> list[DayErrors]:
    """Errors that grow fourfold over the days."""
    rng = random.Random(8)
    return [day(rng, problem, size_wh=500 + 1_500 * n // count) for n in range(count)]


def test_level_is_the_recursion_of_its_source_when_it_is_worked_out_apart() -> None:
    """In floats, from the scores of boxes that `tightened` itself makes of each window."""
    problem = fleet()
    errors = drifting(problem, 130)
    asked = terms(0.2, shape_days=10, window_days=60, pace=0.05)
    found = tightened(problem, errors, asked)[1].adapted
    assert found is not None
    level, broken = 0.2, 0
    for n in range(60, 130):
        window = errors[n - 60 : n]
        at_level = tightened(problem, window, replace(asked, window_days=0, pace_ppm=0))[1]
        shape = [m / at_level.conformal_ppm for m in at_level.margins.flat()]
        scores = sorted(
            max(z / s for z, s in zip(worst_of(d, problem).flat(), shape, strict=True)) for d in window[10:]
        )
        rank = int(np.ceil((1 - level) * 51 - 1e-9))
        assert 1 <= rank <= 50
        left = max(z / s for z, s in zip(worst_of(errors[n], problem).flat(), shape, strict=True)) > scores[rank - 1]
        broken += left
        level += 0.05 * (0.2 - left)
    assert found.broken_days == broken
    assert found.level_ppm == pytest.approx(level * MILLION, abs=2)
    assert found.clipped_days == 0


def test_level_comes_back_and_clipped_days_are_counted_when_margins_were_too_narrow() -> None:
    problem = fleet()
    sample = drifting(problem, 200)
    made, record = tightened(problem, sample, terms(0.1, shape_days=10, window_days=60, pace=0.2))
    assert record.adapted is not None
    assert 0 < record.adapted.clipped_days < record.adapted.replayed_days == 140
    assert record_from_plain(record_to_plain(record)) == record
    assert check_chance(record, problem, sample) == made
    with pytest.raises(FieldWrong, match="window_days"):
        tightened(problem, sample, terms(0.1, pace=0.2))
