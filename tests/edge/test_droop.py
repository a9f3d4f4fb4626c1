"""Droop, response and hybrid split: the domain's worked figures, a grid against exact fractions, and a recorded trace."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.droop import Droop, DroopMalformed, answer_w, plausible
from edge.control.droop import borne_w, drift_w
from edge.control.guard import sustained_w
from edge.control.hybrid import START, Hybrid, Share, share
from edge.control.limits import Limits
from edge.control.response import Response, TraceUnusable, measured

MW = 1_000_000
DROOP = Droop(rated_w=100 * MW, deadband_mhz=33, droop_bp=200, cap_w=100 * MW, sustain_ms=900_000)
LIMITS = Limits(
    charge_power_w=10 * MW, discharge_power_w=10 * MW, capacity_wh=20 * MW, soc_min_bp=1_000, soc_max_bp=9_000,
    pcc_import_w=10 * MW, pcc_export_w=10 * MW, ramp_w_per_s=10 * MW, eta_charge_ppm=950_000, eta_discharge_ppm=950_000,
)  # fmt: skip


@pytest.mark.parametrize(
    ("droop", "frequency_mhz", "want_w"),
    [
        (DROOP, 49_900, 6_700_000),  # A16
        (DROOP, 50_120, -8_700_000),  # A16
        (DROOP, 49_967, 0),
        (DROOP, 50_033, 0),
        (DROOP, 49_966, 100_000),  # no step at the dead band's edge
        (DROOP, 50_034, -100_000),
        (replace(DROOP, cap_w=20 * MW), 49_000, 20 * MW),
        (replace(DROOP, cap_w=20 * MW), 51_000, -20 * MW),
        (
            Droop(rated_w=10 * MW, deadband_mhz=0, droop_bp=40, cap_w=10 * MW, sustain_ms=900_000),
            49_930,
            3_500_000,
        ),  # FCR
    ],
)
def test_droop_gives_the_worked_figures(droop: Droop, frequency_mhz: int, want_w: int) -> None:
    assert answer_w(droop, frequency_mhz) == want_w


def test_droop_agrees_with_the_formula_on_a_grid() -> None:
    for rated_w in (1 * MW, 5 * MW + 3, 100 * MW):
        for deadband_mhz in (0, 20, 33, 50):
            for droop_bp in (40, 50, 137, 200, 300, 500):
                for cap_bp in (2_000, 10_000):
                    droop = Droop(
                        rated_w=rated_w, deadband_mhz=deadband_mhz, droop_bp=droop_bp, cap_w=rated_w * cap_bp // 10_000,
                        sustain_ms=1,
                    )  # fmt: skip
                    for frequency_mhz in range(49_000, 51_001, 7):
                        want = formula_w(droop, frequency_mhz)
                        assert abs(answer_w(droop, frequency_mhz) - want) <= Fraction(1, 2), (droop, frequency_mhz)


def formula_w(droop: Droop, frequency_mhz: int) -> Fraction:
    """F3, in fractions: −sign(Δf) · max(|Δf| − db, 0) / (f0 · R) · Pn, limited by the cap."""
    off = Fraction(frequency_mhz - droop.nominal_mhz, 1_000)
    size = max(abs(off) - Fraction(droop.deadband_mhz, 1_000), Fraction(0)) / (50 * Fraction(droop.droop_bp, 10_000))
    size_w = min(size * droop.rated_w, Fraction(droop.cap_w))
    return -size_w if off > 0 else size_w


def test_grid_notices_a_droop_that_leaves_out_f0() -> None:
    wrong = answer_w(replace(DROOP, droop_bp=1, nominal_mhz=50_000), 49_900)
    assert abs(wrong - formula_w(DROOP, 49_900)) > MW


def test_content_bears_the_answer_for_as_long_as_asked() -> None:
    """D5: at 18 % of 20 MWh, 6.08 MW up and 10 MW down for a quarter of an hour."""
    assert sustained_w(LIMITS, soc_bp=1_800, for_ms=900_000) == (10 * MW, 6_080_000)
    assert borne_w(DROOP, 49_800, limits=LIMITS, soc_bp=1_800) == 6_080_000
    assert borne_w(DROOP, 49_800, limits=LIMITS, soc_bp=1_000) == 0
    assert borne_w(DROOP, 50_200, limits=LIMITS, soc_bp=1_000) == -10 * MW
    assert borne_w(DROOP, 50_200, limits=LIMITS, soc_bp=9_000) == 0
    assert borne_w(DROOP, 49_900, limits=LIMITS, soc_bp=5_000) == 6_700_000


def test_battery_drifts_back_only_inside_the_dead_band() -> None:
    droop = replace(DROOP, recover_w=200_000, recover_below_bp=4_500, recover_above_bp=5_500)
    assert [drift_w(droop, f, soc_bp=4_000) for f in (49_967, 50_000, 50_033)] == [-200_000] * 3
    assert drift_w(droop, 50_000, soc_bp=6_000) == 200_000
    assert drift_w(droop, 50_000, soc_bp=5_000) == 0
    assert drift_w(droop, 49_966, soc_bp=4_000) == 0
    assert drift_w(droop, 50_034, soc_bp=6_000) == 0


@pytest.mark.parametrize("frequency_mhz", [0, 44_999, 55_001])
def test_frequency_that_no_grid_has_is_not_answered(frequency_mhz: int) -> None:
    assert not plausible(frequency_mhz)
    assert plausible(49_500)


@pytest.mark.parametrize("changes", [{"droop_bp": 0}, {"rated_w": 0}, {"cap_w": -1}, {"recover_below_bp": 6_000, "recover_above_bp": 5_000}])  # fmt: skip
def test_parameters_that_are_none_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(DroopMalformed):
        replace(DROOP, **changes)


def lagged(
    *, dead_ms: int, tau_ms: int, asked_w: int, step_ms: int = 10_000, end_ms: int = 70_000
) -> list[tuple[int, int]]:
    """A converter's answer: nothing for a while, then exponentially; exact in fractions, one sample each 100 ms."""
    trace, done = [], Fraction(0)
    for t in range(0, end_ms, 100):
        trace.append((t, 1_000 + round(done)))
        if t >= step_ms + dead_ms:
            done += (asked_w - done) * Fraction(100, tau_ms)
            done = Fraction(round(done * 1000), 1000)
    return trace


def test_times_of_a_recorded_answer_are_those_of_its_course() -> None:
    """After 300 ms dead time each 100 ms close a fifth of the gap: 10 % after one, 90 % after 11, 99 % after 21 steps."""
    told = measured(
        lagged(dead_ms=300, tau_ms=500, asked_w=1_000_000), step_ms=10_000, asked_w=1_000_000, band_w=10_000
    )
    assert (told.before_w, told.lag_ms, told.rise_ms, told.settle_ms) == (1_000, 400, 1_400, 2_400)
    assert told.deviation_w <= 10_000
    assert told.wrong_way_w == 0
    # what is missing is the dead time and τ, of 59.9 s asked for
    assert abs(told.contribution_ppm - (1_000_000 - (300 + 500) * 1_000_000 // 59_900)) < 200


def test_absorbing_answer_is_measured_alike() -> None:
    up = measured(lagged(dead_ms=300, tau_ms=500, asked_w=777_000), step_ms=10_000, asked_w=777_000, band_w=10_000)
    down = measured(lagged(dead_ms=300, tau_ms=500, asked_w=-777_000), step_ms=10_000, asked_w=-777_000, band_w=10_000)
    assert up == down


def test_answer_that_never_comes_or_goes_the_wrong_way_is_told() -> None:
    flat = [(t, 0) for t in range(0, 70_000, 100)]
    told = measured(flat, step_ms=10_000, asked_w=500_000, band_w=5_000)
    assert told == Response(
        before_w=0, lag_ms=None, rise_ms=None, settle_ms=None, deviation_w=500_000, wrong_way_w=0, contribution_ppm=0
    )
    back = [(t, 0 if t < 10_000 else -80_000) for t in range(0, 70_000, 100)]
    told = measured(back, step_ms=10_000, asked_w=500_000, band_w=5_000)
    assert (told.wrong_way_w, told.contribution_ppm, told.settle_ms) == (80_000, -160_000, None)


def test_of_two_samples_in_one_millisecond_the_later_one_settles() -> None:
    told = measured([(0, 0), (1_000, 0), (1_100, 60), (1_100, 100), (2_000, 100)], step_ms=1_000, asked_w=100, band_w=5)
    assert (told.settle_ms, told.deviation_w) == (100, 0)


def test_trace_without_a_before_or_an_after_is_refused() -> None:
    with pytest.raises(TraceUnusable):
        measured([(0, 0), (100, 0)], step_ms=0, asked_w=1, band_w=1)
    with pytest.raises(TraceUnusable):
        measured([(0, 0), (100, 0)], step_ms=50, asked_w=1, band_w=1)


@given(
    st.lists(st.tuples(st.integers(-10 * MW, 10 * MW), st.integers(1, 5_000)), min_size=1, max_size=30),
    st.integers(0, 60_000), st.integers(0, 10 * MW),
)  # fmt: skip
def test_capacitor_and_battery_sum_to_the_command_at_each_step(
    commands: list[tuple[int, int]], tau_ms: int, capacitor_w: int
) -> None:
    hybrid, made = Hybrid(tau_ms=tau_ms, capacitor_w=capacitor_w), START
    for command_w, dt_ms in commands:
        made = share(hybrid, made, command_w, dt_ms=dt_ms)
        assert made.battery_w + made.capacitor_w == command_w
        assert abs(made.capacitor_w) <= capacitor_w


def test_battery_follows_a_step_by_the_filter_and_the_capacitor_comes_back_to_nothing() -> None:
    hybrid, made, want = Hybrid(tau_ms=900, capacitor_w=10 * MW), START, Fraction(0)
    for _ in range(200):
        made = share(hybrid, made, 1_000_000, dt_ms=100)
        want += (1_000_000 - want) * Fraction(100, 1_000)
        want = Fraction(round(want * 10**9), 10**9)
        assert abs(made.battery_w - want) <= 1
    assert made.capacitor_w == 0


def test_small_capacitor_gives_what_it_can_and_the_battery_the_rest() -> None:
    made = share(Hybrid(tau_ms=9_900, capacitor_w=50_000), START, 1_000_000, dt_ms=100)
    assert (made.battery_w, made.capacitor_w) == (950_000, 50_000)
    assert made == Share(battery_w=950_000, capacitor_w=50_000, filtered_uw=950_000 * 10**6)
