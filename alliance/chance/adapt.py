"""The level at which margins are made where days drift: it follows how often margins were too narrow (protocol 9.19.6).

Adaptive conformal inference (Gibbs and Candès, 2021): each past day is judged by the box that the W days before it give
at the level α; then α + γ(ε − err) is the next day's. Whatever the days are, over T of them the share that leave their
box differs from ε by (max(ε, 1 − ε) + γ)/(γT) at most. Where a level asks for more than the largest score, the box of
the largest score is used and the day is counted as `clipped`: the level goes on as if an unlimited box had held it, so
that at most the clipped days come on top.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alliance.chance.scale import score_ppm
from alliance.fleetplan import MILLION

Worst = Sequence[Sequence[int]]
"""[day][limit]: the worst that each day does to each limit, Wh, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """What a replay of past days found."""

    level_ppm: int
    """For the day after the last, rounded down; below 1/(K + 1) the largest score is used."""
    replayed_days: int
    broken_days: int
    """Days that left the box that they would have been planned with."""
    clipped_days: int


def adapted(
    worst: Worst, shape_of: Callable[[Worst], Sequence[int]], *, epsilon_ppm: int, pace_ppm: int, window_days: int,
    shape_days: int,
) -> Adapted:  # fmt: skip
    """Replay the days after the first window, each planned with the window before it."""
    level, broken, clipped = epsilon_ppm * MILLION, 0, 0
    for n in range(window_days, len(worst)):
        window = worst[n - window_days : n]
        shape = shape_of(window[:shape_days])
        scores = sorted(score_ppm(row, shape) for row in window[shape_days:])
        rank = rank_at(level // MILLION, len(scores))
        left = score_ppm(worst[n], shape) > scores[min(max(rank, 1), len(scores)) - 1]
        broken, clipped = broken + left, clipped + (rank > len(scores))
        counted = 1 if rank < 1 else left and rank <= len(scores)
        level += pace_ppm * (epsilon_ppm - MILLION * counted)
    return Adapted(
        level_ppm=level // MILLION, replayed_days=len(worst) - window_days, broken_days=broken, clipped_days=clipped
    )  # fmt: skip


def rank_at(level_ppm: int, scores: int) -> int:
    """⌈(1 − α)(K + 1)⌉, which may lie outside 1 … K."""
    return -(-(MILLION - level_ppm) * (scores + 1) // MILLION)


def clipped_score(scores: Sequence[int], level_ppm: int) -> int:
    """The score of that rank, or the largest or smallest where the rank lies outside."""
    return sorted(scores)[min(max(rank_at(level_ppm, len(scores)), 1), len(scores)) - 1]
