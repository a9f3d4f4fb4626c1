"""Believable energy (可信电量, protocol 9.22.6): what the battery can still give or take, with its 95 % interval.

From the runs that it made: y = x·(a ± b·p), y the energy at the AC side over the rated content, x the change of the
reported state of charge, p the mean power over the rated power; + charging, − discharging. a and b have a normal
prior, the scatter an inverse-gamma one, so that the forecast is a Student t with 4 + n degrees of freedom (O'Hagan and
Forster, Kendall's Advanced Theory of Statistics 2B, 9.35 ff.). A run's variance is s²·(`_ENDS`² + (`_SHARE`·x)²): the
states of charge at its ends are unsure, and so is the scale. Without runs the prior alone makes a wide interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from edge.health.diagnosis.cell import FULL_BP

LEAST_RUN_BP = 500
"""A run that moves the state of charge by less says nothing."""
KEPT_RUNS = 40
_ENDS, _SHARE = 0.0045, 0.010
_PRIOR_SD_A, _PRIOR_B, _PRIOR_SD_B = 0.10, 0.02, 0.03
_PRIOR_FREEDOM = 4.0
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch in one direction; magnitudes."""

    charging: bool
    moved_bp: int
    """Change of the reported state of charge."""
    energy_wh: int
    """At the AC side."""
    power_w: int
    """Mean."""
    t_ms: int
    """Its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believable:
    """Energy at the AC side, a magnitude: 95 times in 100 it lies within low…high."""

    energy_wh: int
    low_wh: int
    high_wh: int
    runs: int


def believable(
    runs: Sequence[Run], *, charging: bool, room_bp: int, power_w: int, capacity_wh: int, rated_w: int, eta_ppm: int,
    soh_bp: int,
) -> Believable:  # fmt: skip
    """What moves the state of charge by `room_bp` at a power.

    Before any run the scale is `soh_bp` of the capacity times (discharging) or over (charging) `eta_ppm`.
    """
    mine = [run for run in runs if run.charging is charging][-KEPT_RUNS:]
    sign = 1.0 if charging else -1.0
    eta, health = eta_ppm / 1_000_000, soh_bp / FULL_BP
    prior = (health / eta if charging else health * eta, _PRIOR_B)
    rows = [
        _Row(x=run.moved_bp / FULL_BP, p=sign * run.power_w / rated_w, y=run.energy_wh / capacity_wh) for run in mine
    ]
    fit = _fitted(rows, prior)
    x, p = max(0, room_bp) / FULL_BP, sign * power_w / rated_w
    mean = x * (fit.a + fit.b * p)
    u = sqrt(fit.scatter * ((_ENDS**2 + (_SHARE * x) ** 2) * (x > 0) + fit.variance(x, x * p)))
    half = _student(_PRIOR_FREEDOM + len(rows)) * u
    return Believable(
        energy_wh=max(0, round(mean * capacity_wh)), low_wh=max(0, round((mean - half) * capacity_wh)),
        high_wh=max(0, round((mean + half) * capacity_wh)), runs=len(rows),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    x: float
    p: float
    """Power share, signed as its loss acts."""
    y: float

    @property
    def weight(self) -> float:
        return 1 / (_ENDS**2 + (_SHARE * self.x) ** 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    a: float
    b: float
    scatter: float
    """Variance against the stated one."""
    aa: float
    ab: float
    bb: float
    """Covariance of a and b over `scatter`."""

    def variance(self, da: float, db: float) -> float:
        return self.aa * da * da + 2 * self.ab * da * db + self.bb * db * db


def _fitted(rows: Sequence[_Row], prior: tuple[float, float]) -> _Fit:
    """Posterior of the weighted normal linear model with its conjugate prior."""
    pa, pb = 1 / _PRIOR_SD_A**2, 1 / _PRIOR_SD_B**2
    saa = pa + sum(r.weight * r.x**2 for r in rows)
    sab = sum(r.weight * r.x**2 * r.p for r in rows)
    sbb = pb + sum(r.weight * (r.x * r.p) ** 2 for r in rows)
    ta = pa * prior[0] + sum(r.weight * r.x * r.y for r in rows)
    tb = pb * prior[1] + sum(r.weight * r.x * r.p * r.y for r in rows)
    det = saa * sbb - sab * sab
    a, b = (sbb * ta - sab * tb) / det, (saa * tb - sab * ta) / det
    misfit = sum(r.weight * (r.y - r.x * (a + b * r.p)) ** 2 for r in rows)
    misfit += pa * (a - prior[0]) ** 2 + pb * (b - prior[1]) ** 2
    scatter = (_PRIOR_FREEDOM + misfit) / (_PRIOR_FREEDOM + len(rows))
    return _Fit(a=a, b=b, scatter=scatter, aa=sbb / det, ab=-sab / det, bb=saa / det)


def _student(freedom: float) -> float:
    """The 97.5 % point of Student's t (Abramowitz and Stegun 26.7.5), right to 0.3 % from 4 degrees of freedom on."""
    z, v = _Z, freedom
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum(term / v ** (n + 1) for n, term in enumerate(terms))
