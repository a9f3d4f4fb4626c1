"""Droop (一次调频, protocol 9.14): how much power a frequency asks for; integers, no step at the dead band's edge.

ΔP = −sign(Δf) · max(|Δf| − dead band, 0) / (f0 · R) · Pn, rounded once, at most the cap.
"""

from dataclasses import dataclass

from alliance.errors import Malformed
from alliance.money import mul_div

FULL_BP = 10_000
LOWEST_MHZ, HIGHEST_MHZ = 45_000, 55_000
"""A frequency outside is a measuring fault, not a grid's."""


@dataclass(kw_only=True, eq=False)
class DroopMalformed(Malformed):
    """A parameter of a droop lies outside what it can be."""

    field: str
    low: int
    high: int
    got: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Droop:
    """How a station answers the grid's frequency."""

    rated_w: int
    """Pn: the power that the droop refers to."""
    deadband_mhz: int
    droop_bp: int
    """R: the share of f0, in basis points, over which the whole Pn is given."""
    cap_w: int
    sustain_ms: int
    """For how long the content must bear an answer."""
    nominal_mhz: int = 50_000
    recover_w: int = 0
    """Inside the dead band: with how much the battery drifts back."""
    recover_below_bp: int = 0
    recover_above_bp: int = FULL_BP

    def __post_init__(self) -> None:
        """Refuse what is no droop. Raises DroopMalformed."""
        for field, low, high in (
            ("rated_w", 1, 10**12), ("deadband_mhz", 0, 5_000), ("droop_bp", 1, FULL_BP), ("cap_w", 0, 10**12),
            ("sustain_ms", 1, 86_400_000), ("nominal_mhz", LOWEST_MHZ, 65_000), ("recover_w", 0, 10**12),
            ("recover_below_bp", 0, FULL_BP), ("recover_above_bp", self.recover_below_bp, FULL_BP),
        ):  # fmt: skip
            got: int = getattr(self, field)
            if not low <= got <= high:
                raise DroopMalformed(field=field, low=low, high=high, got=got)


def plausible(frequency_mhz: int) -> bool:
    """Whether a frequency was measured (0: it was not) and can be a grid's."""
    return LOWEST_MHZ <= frequency_mhz <= HIGHEST_MHZ


def answer_w(droop: Droop, frequency_mhz: int) -> int:
    """ΔP by the formula and the cap alone; positive gives to the grid. W."""
    off_mhz = frequency_mhz - droop.nominal_mhz
    excess_mhz = max(abs(off_mhz) - droop.deadband_mhz, 0)
    size_w = mul_div(excess_mhz * FULL_BP, droop.rated_w, droop.nominal_mhz * droop.droop_bp)
    return min(size_w, droop.cap_w) * (-1 if off_mhz > 0 else 1)
