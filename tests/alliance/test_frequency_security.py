"""The frequency after the largest loss, against closed forms and against the equation solved with finer steps (9.18)."""

import random
from dataclasses import replace

import pytest

from alliance.frequency.least import GRAIN_W, LossTooLarge, ResponseUnstable, RocofTooSteep, is_least, least_w
from alliance.frequency.swing import MOST_POWER_W, Held, Loss, Response, arrested, rocof_mhz_per_s, steady_nhz, swing

STORAGE = Response(deadband_mhz=33, droop_bp=90, lag_ms=300, rise_ms=1500)
GOVERNOR = Response(deadband_mhz=33, droop_bp=400, lag_ms=500, rise_ms=15_000)
AREA = Loss(
    nominal_mhz=50_000, base_w=10 * 10**9, inertia_ms=4_000, load_w=8 * 10**9, damping_ppm_per_hz=20_000,
    loss_w=800_000_000, others=(Held(response=GOVERNOR, power_w=2 * 10**9),),
)  # fmt: skip
LIMIT = 49_500


def least(loss: Loss, response: Response = STORAGE, *, rocof: int | None = None) -> int:
    return least_w(loss, response, limit_mhz=LIMIT, rocof_limit_mhz_per_s=rocof, period=0)


def fine_nadir_mhz(loss: Loss, responses: tuple[Held, ...], *, step_s: float = 0.0004) -> float:
    """First dip of the same equation in floats: midpoint rule, finer steps, responses taken where they are."""
    f0, energy = loss.nominal_mhz / 1000, loss.inertia_ms / 1000 * loss.base_w
    damping = loss.load_w * loss.damping_ppm_per_hz / 1e6
    kinds = [(h.power_w, h.response.deadband_mhz / 1000, f0 * h.response.droop_bp / 1e4,
              h.response.lag_ms / 1000 / step_s, step_s * 1000 / h.response.rise_ms) for h in responses]  # fmt: skip
    shares, path, y = [0.0] * len(kinds), [0.0], 0.0

    def rate(depth: float, at: list[float]) -> float:
        given = sum(kind[0] * share for kind, share in zip(kinds, at, strict=True))
        return f0 / (2 * energy) * (loss.loss_w - given - damping * depth)

    for step in range(int(30 / step_s)):
        if (start := rate(y, shares)) <= 0:
            break
        moved = []
        for (_, dead, span, lag, rise), share in zip(kinds, shares, strict=True):
            at = step + 1 - lag
            before = path[min(step, int(at))] if at >= 0 else 0.0
            asked = min(1.0, max(0.0, before - dead) / span)
            moved.append(share + min(rise, max(-rise, asked - share)))
        middle = [(a + b) / 2 for a, b in zip(shares, moved, strict=True)]
        y += step_s * rate(y + step_s / 2 * start, middle)
        shares = moved
        path.append(y)
    return loss.nominal_mhz - 1000 * max(path)


def drawn(seed: int) -> tuple[Loss, Held]:
    rng = random.Random(seed)
    base = rng.choice([2 * 10**6, 5 * 10**8, 10**10])
    loss = Loss(
        nominal_mhz=rng.choice([50_000, 60_000]), base_w=base, inertia_ms=rng.randint(1_500, 8_000),
        load_w=base * rng.randint(30, 90) // 100, damping_ppm_per_hz=rng.choice([0, rng.randint(0, 40_000)]),
        loss_w=base * rng.randint(2, 12) // 100,
        others=() if rng.random() < 0.4 else (Held(response=GOVERNOR, power_w=base * rng.randint(5, 30) // 100),),
    )  # fmt: skip
    response = Response(
        deadband_mhz=rng.randint(0, 60), droop_bp=rng.randint(40, 300), lag_ms=rng.randint(0, 800),
        rise_ms=rng.randint(200, 4_000),
    )  # fmt: skip
    return loss, Held(response=response, power_w=loss.loss_w * rng.randint(80, 250) // 100)


def test_rocof_uses_the_nominal_frequency_when_a_gigawatt_is_lost() -> None:
    """50 · 1 / (2 · 1.55 · 10) = 1.613 Hz/s; without f0 it would read 0.032."""
    loss = replace(AREA, inertia_ms=1_550, loss_w=10**9)
    assert rocof_mhz_per_s(loss) == 1_613


def test_least_reserve_is_that_of_the_closed_form_when_the_response_is_a_ramp() -> None:
    """Steep droop, no damping: after dead band and lag P = R t / rise, so depth = v0 (t_db + lag) + f0 L² rise / 4 H S R.

    Teng, Trovato and Strbac, Stochastic scheduling with inertia-dependent fast frequency response requirements (2016).
    """
    ramp = Response(deadband_mhz=20, droop_bp=1, lag_ms=200, rise_ms=2_000)
    loss = replace(AREA, others=(), damping_ppm_per_hz=0)
    v0 = 50 * 0.8 / (2 * 4 * 10)
    left = 0.5 - 0.020 - v0 * 0.2
    closed = 50 * 0.8**2 * 2 / (4 * 4 * 10 * left)
    found = least(loss, ramp) / 1e9
    assert closed <= found <= closed * 1.01
    print(f"least reserve {found:.6f} GW, closed form {closed:.6f} GW")


def test_nadir_is_never_above_that_of_finer_steps_and_close_to_it() -> None:
    worst, followed = 0.0, 0
    for seed in range(10):
        loss, own = drawn(seed)
        found = swing(loss, own)
        if found.nadir_ms > 8_000 or 2 * found.last_mhz > found.first_mhz:
            continue
        fine = fine_nadir_mhz(loss, (own, *loss.others))
        followed += 1
        worst = max(worst, fine - found.nadir_mhz)
        assert found.nadir_mhz <= fine, seed
        assert fine - found.nadir_mhz <= 1 + 0.004 * found.rocof_mhz_per_s, seed
    assert followed >= 5
    print(f"largest difference of {followed} areas {worst:.2f} mHz")


def test_frequency_rests_at_the_quasi_steady_value_when_the_swing_is_over() -> None:
    """All at rest after 30 s: what is given there is the loss, to the mHz."""
    calm = replace(AREA, damping_ppm_per_hz=40_000, others=())
    own = Held(response=replace(STORAGE, lag_ms=50, rise_ms=500, droop_bp=300), power_w=1_500_000_000)
    depth = steady_nhz(calm, own) / 1e9
    given = own.power_w * (depth - 0.033) / (50 * 0.03) + 8e9 * 0.04 * depth
    assert given == pytest.approx(calm.loss_w, abs=10)
    assert swing(calm, own).steady_mhz == 50_000 - int(depth * 1000) - 1


def test_collapse_is_said_when_nothing_carries_the_loss() -> None:
    found = swing(replace(AREA, damping_ppm_per_hz=0, others=()), Held(response=STORAGE, power_w=100_000_000))
    assert (found.nadir_mhz, found.steady_mhz) == (45_000, 45_000)


def test_one_kilowatt_less_breaks_the_limit_when_the_reserve_is_the_least() -> None:
    held = least(AREA)
    assert swing(AREA, Held(response=STORAGE, power_w=0)).nadir_mhz < LIMIT
    assert swing(AREA, Held(response=STORAGE, power_w=held)).nadir_mhz == LIMIT
    assert not arrested(AREA, Held(response=STORAGE, power_w=held - GRAIN_W), limit_mhz=LIMIT)
    assert is_least(AREA, STORAGE, held, limit_mhz=LIMIT)
    for wrong in (held - GRAIN_W, held + GRAIN_W, held + 1, -GRAIN_W):
        assert not is_least(AREA, STORAGE, wrong, limit_mhz=LIMIT)


def test_nothing_is_held_when_the_area_bears_its_loss_alone() -> None:
    assert least(replace(AREA, loss_w=100_000_000)) == 0


def test_more_reserve_never_deepens_the_first_dip() -> None:
    for seed in range(12):
        loss, own = drawn(seed)
        depths = [arrested(loss, replace(own, power_w=own.power_w * k // 4), limit_mhz=loss.nominal_mhz - 500)
                  for k in range(0, 12, 3)]  # fmt: skip
        assert depths == sorted(depths), seed


def test_less_inertia_needs_more_reserve() -> None:
    needed = [least(replace(AREA, inertia_ms=ms)) for ms in (5_000, 4_000, 3_500)]
    assert needed == sorted(needed)
    assert needed[0] < needed[-1]


def test_loss_is_refused_with_its_figures_when_no_reserve_bears_it() -> None:
    weak = replace(AREA, inertia_ms=500)
    with pytest.raises(LossTooLarge) as refused:
        least(weak)
    found = refused.value
    assert found.nadir_mhz < LIMIT
    without_bounds = Held(response=STORAGE, power_w=MOST_POWER_W)
    assert arrested(replace(weak, loss_w=found.bearable_w), without_bounds, limit_mhz=LIMIT)
    with pytest.raises(LossTooLarge):
        least(replace(weak, loss_w=found.bearable_w + 2 * GRAIN_W))


def test_loss_is_refused_when_the_frequency_falls_too_steeply_from_the_start() -> None:
    with pytest.raises(RocofTooSteep) as refused:
        least(AREA, rocof=499)
    assert (refused.value.rocof_mhz_per_s, refused.value.limit_mhz_per_s) == (500, 499)
    assert least(AREA, rocof=500) == least(AREA)


def test_response_is_refused_when_it_never_stops_swinging() -> None:
    with pytest.raises(ResponseUnstable) as refused:
        least(replace(AREA, inertia_ms=500, loss_w=318_000_000))
    assert 2 * refused.value.last_mhz > refused.value.first_mhz
    calm = swing(AREA, Held(response=STORAGE, power_w=least(AREA)))
    assert calm.last_mhz < 50 < calm.first_mhz
