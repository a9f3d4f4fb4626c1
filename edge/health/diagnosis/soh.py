"""State of health by capacity and by resistance (protocol 9.22.2, 9.22.3), each with its uncertainty, or why not.

Capacity  C = q / (s_a − s_b): charge q between two rests over the difference of their states of charge by resting
          voltage; of several pairs the mean weighted by 1/u². SOH_C = C / C_rated.
Resistance R = −Σ ΔI·ΔU / Σ ΔI² over current steps, each brought to 25 °C. SOH_R = (2·R0 − R) / R0. Steps near empty or
          full do not count: there the resting voltage itself moves within 10 s.
Life      RUL = (SOH − EOL) / (fade a cycle), the fade by least squares of SOH over cycles.

Uncertainties are standard ones, propagated to first order (GUM, JCGM 100:2008, 5.1.2); what is common to all
measurements (gain of the current, the curve) is not made smaller by repeating them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import hypot, sqrt

from edge.health.diagnosis.cell import FULL_BP, PPM, CellData

LEAST_DIFFERENCE_PPM = 300_000
"""Rests closer in SOC than this say nothing of the capacity."""
MOST_U_BP = 500
"""A state of health by capacity less sure than this is not told."""
MOST_U_RESISTANCE_BP = 1_000
FLAT_BP = (1_500, 9_000)
"""Between these states of charge steps tell the resistance."""
LEAST_STEPS = 3
_HOUR_S = 3_600
_HOUR_MS = 3_600_000


class Why(StrEnum):
    """Why a figure cannot be told yet."""

    NO_CELL_DATA = "no_cell_data"
    NO_CURRENT = "no_current"
    NO_CELLS = "no_cells"
    FEW_RESTS = "few_rests"
    FEW_STEPS = "few_steps"
    FEW_TESTS = "few_tests"
    TOO_UNCERTAIN = "too_uncertain"
    NO_FADE = "no_fade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A figure that cannot be told yet."""

    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure, its standard uncertainty in the same unit, and how many measurements made it."""

    value: int
    u: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A battery that rests, its voltage relaxed."""

    t_ms: int
    soc_ppm: int
    u_soc_ppm: int
    charge_mas: int
    """Counter of the charge that has flowed out, mA·s, from any zero."""
    doubt_mas: int = 0
    """Counter of how unsure that charge is where it was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of current and what the battery's voltage did within 10 s."""

    t_ms: int
    current_ma: int
    """Change; positive towards discharge."""
    voltage_mv: int
    """Change."""
    temperature_ddegc: int
    soc_bp: int


def capacity_mah(rests: Sequence[Rest], *, cells: CellData) -> Estimate | Unknown:
    """Capacity from rests in the order of time: each two that follow each other and lie far enough apart."""
    pairs = [pair for pair in pairwise(rests) if _difference(*pair) >= LEAST_DIFFERENCE_PPM]
    if not pairs:
        return Unknown(why=Why.FEW_RESTS)
    single = [_capacity_of(a, b, cells) for a, b in pairs]
    weights = [1 / u**2 for _, u in single]
    mean = sum(w * c for w, (c, _) in zip(weights, single, strict=True)) / sum(weights)
    own = sum(w * u for w, (_, u) in zip(weights, single, strict=True)) / sum(weights)
    spread = 0.0
    if len(single) > 1:
        scatter = sum(w * (c - mean) ** 2 for w, (c, _) in zip(weights, single, strict=True)) / sum(weights)
        spread = sqrt(scatter / (len(single) - 1))
    u = hypot(own, spread, mean * cells.u_gain_ppm / PPM)
    if u * FULL_BP > MOST_U_BP * cells.rated_mah or mean <= 0:
        return Unknown(why=Why.TOO_UNCERTAIN)
    return Estimate(value=round(mean), u=max(1, round(u)), n=len(single))


def resistance_uohm(steps: Sequence[Step], *, cells: CellData) -> Estimate | Unknown:
    """Resistance at 25 °C from current steps."""
    steps = [step for step in steps if FLAT_BP[0] <= step.soc_bp <= FLAT_BP[1]]
    if len(steps) < LEAST_STEPS:
        return Unknown(why=Why.FEW_STEPS)
    di = [step.current_ma for step in steps]
    du = [cells.at_reference(step.voltage_mv, step.temperature_ddegc) for step in steps]
    square = float(sum(i * i for i in di))
    r = -sum(i * u for i, u in zip(di, du, strict=True)) / square  # mV / mA = Ω
    residual = sum((u + r * i) ** 2 for i, u in zip(di, du, strict=True)) / (len(steps) - 1)
    scatter = sqrt(residual / square)
    reading = sqrt(2) * cells.u_voltage_mv / sqrt(square)
    kelvin = sum(step.temperature_ddegc for step in steps) / len(steps) / 10 + 273.15
    heat = abs(r) * cells.resistance_kelvin * cells.u_temperature_dc / 10 / kelvin**2
    u = hypot(scatter, reading, heat, r * cells.u_gain_ppm / PPM)
    if r <= 0 or u * PPM * FULL_BP > MOST_U_RESISTANCE_BP * cells.resistance_uohm:
        return Unknown(why=Why.TOO_UNCERTAIN)
    return Estimate(value=round(r * PPM), u=max(1, round(u * PPM)), n=len(steps))


def soh_by_capacity(capacity: Estimate | Unknown, *, cells: CellData) -> Estimate | Unknown:
    """SOH_C = C / C_rated, bp."""
    if isinstance(capacity, Unknown):
        return capacity
    scale = FULL_BP / cells.rated_mah
    return Estimate(value=round(capacity.value * scale), u=max(1, round(capacity.u * scale)), n=capacity.n)


def soh_by_resistance(resistance: Estimate | Unknown, *, cells: CellData) -> Estimate | Unknown:
    """SOH_R = (2·R0 − R) / R0, bp; above 10,000 where the resistance is below that of the data sheet."""
    if isinstance(resistance, Unknown):
        return resistance
    new = cells.resistance_uohm
    value = (2 * new - resistance.value) * FULL_BP / new
    return Estimate(value=round(value), u=max(1, round(resistance.u * FULL_BP / new)), n=resistance.n)


def remaining_cycles(tested: Sequence[tuple[int, int, int]], *, end_of_life_bp: int) -> Estimate | Unknown:
    """RUL, cycles, from (cycles, SOH bp, its standard uncertainty bp) of three tests or more.

    Not told while the fade cannot be told from none: it must exceed twice its own standard uncertainty.
    """
    if len(tested) < 3:
        return Unknown(why=Why.FEW_TESTS)
    n = len(tested)
    mean_x, mean_y = sum(x for x, _, _ in tested) / n, sum(y for _, y, _ in tested) / n
    square = sum((x - mean_x) ** 2 for x, _, _ in tested)
    if square == 0:
        return Unknown(why=Why.NO_FADE)
    slope = sum((x - mean_x) * (y - mean_y) for x, y, _ in tested) / square
    left_over = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y, _ in tested) / (n - 2)
    u_slope = sqrt(max(left_over, sum(u * u for _, _, u in tested) / n) / square)
    if -slope <= 2 * u_slope:
        return Unknown(why=Why.NO_FADE)
    x_now = max(x for x, _, _ in tested)
    soh = mean_y + slope * (x_now - mean_x)
    left = max(0.0, (soh - end_of_life_bp) / -slope)
    u_soh = sqrt(max(left_over, sum(u * u for _, _, u in tested) / n) / n)
    u = hypot(u_soh / -slope, left * u_slope / -slope)
    return Estimate(value=round(left), u=max(1, round(u)), n=n)


def _difference(a: Rest, b: Rest) -> int:
    return abs(a.soc_ppm - b.soc_ppm)


def _capacity_of(a: Rest, b: Rest, cells: CellData) -> tuple[float, float]:
    """Capacity by one pair, mAh, and its uncertainty without what is common to all."""
    share = (a.soc_ppm - b.soc_ppm) / PPM
    charge = (b.charge_mas - a.charge_mas) / _HOUR_S
    hours = abs(b.t_ms - a.t_ms) / _HOUR_MS
    capacity = charge / share
    u_charge = hypot(cells.u_offset_ppm / PPM * cells.rated_ma * hours, (b.doubt_mas - a.doubt_mas) / _HOUR_S)
    u_share = hypot(a.u_soc_ppm, b.u_soc_ppm) / PPM
    return capacity, max(1.0, hypot(u_charge, capacity * u_share) / abs(share))
