"""How wide a box of margins must be so that whole days stay inside it with probability 1 − ε (protocol 9.19.2, 9.19.3).

A day's score is its worst error in units of a shape that other days gave: S = max_j z_j / s_j. A box λ·s holds a day
if and only if S ≤ λ, so that one number decides over all stations, regions and periods together.

Split conformal (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei et al., Distribution-free
predictive inference for regression, 2018): with λ the ⌈(1 − ε)(K + 1)⌉-th smallest of K scores, P(S ≤ λ) ≥ 1 − ε for a
further day that is exchangeable with those K, over the draw of all K + 1; nothing else is assumed of its law.

Wasserstein ball (Chen, Kuhn and Wiesemann, Data-driven chance constrained programs over Wasserstein balls, 2024): every
law of S within distance θ (W1) of the K scores' empirical one gives P(S > λ) ≤ ε if and only if carrying the share ε of
their mass, the nearest first, beyond λ costs θ at least: Σ over the largest εK scores of max(0, λ − S) ≥ θ K.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import Refused
from alliance.fleetplan import MILLION


@dataclass(kw_only=True, eq=False)
class TooFewDays(Refused):
    """So few days can promise nothing at this ε, whatever the margins: at least (1 − ε)/ε are wanted."""

    days: int
    needed: int
    epsilon_ppm: int


def score_ppm(worst: Sequence[int], shape: Sequence[int]) -> int:
    """A day's score in millionths of the shape, rounded up."""
    return max((-(-wh * MILLION // unit) for wh, unit in zip(worst, shape, strict=True) if wh), default=0)


def conformal_ppm(scores: Sequence[int], *, epsilon_ppm: int) -> int:
    """The ⌈(1 − ε)(K + 1)⌉-th smallest score. Raises TooFewDays."""
    rank = -(-(MILLION - epsilon_ppm) * (len(scores) + 1) // MILLION)
    if rank > len(scores):
        raise TooFewDays(days=len(scores), needed=days_needed(epsilon_ppm), epsilon_ppm=epsilon_ppm)
    return sorted(scores)[rank - 1]


def days_needed(epsilon_ppm: int) -> int:
    """The fewest scores that have a quantile at ε."""
    return -(-(MILLION - epsilon_ppm) // epsilon_ppm)


def robust_ppm(scores: Sequence[int], *, epsilon_ppm: int, radius_ppm: int) -> int:
    """The least whole λ that no law within the radius leaves with more than ε; 0 for the radius 0."""
    low, high = -1, max(scores) + -(-radius_ppm * MILLION // epsilon_ppm)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _borne(scores, middle, epsilon_ppm, radius_ppm) else (middle, high)
    return high


def _borne(scores: Sequence[int], scale: int, epsilon_ppm: int, radius_ppm: int) -> bool:
    """Whether carrying εK days beyond the scale, the largest scores first, costs θK at least."""
    left, cost = epsilon_ppm * len(scores), 0
    for score in sorted(scores, reverse=True):
        mass = min(left, MILLION)
        cost, left = cost + mass * max(0, scale - score), left - mass
    return cost >= radius_ppm * len(scores) * MILLION
