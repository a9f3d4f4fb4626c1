"""What arrives over a tie whose losses grow with its flow, and what the tie's limits are worth (protocol 9.7).

What is sent above a step loses that step's share; as losses only rise, what arrives is a concave function of what is
sent. The dual of a tie bounds what it could gain at any prices, its steps filled in whatever order gains most.
"""

from itertools import pairwise

from alliance.fleetplan import MILLION, Tie


def arrived_microwh(tie: Tie, sent_wh: int) -> int:
    """What arrives of so much sent (0 or more), millionths of a Wh, exactly."""
    total = below = 0
    loss = tie.loss_ppm
    for step in tie.steps:
        total += (MILLION - loss) * max(0, min(sent_wh, step.above_wh) - below)
        below, loss = step.above_wh, step.loss_ppm
    return total + (MILLION - loss) * max(0, sent_wh - below)


def tie_worths(tie: Tie, a: int, z: int) -> tuple[int, tuple[int, ...]]:
    """What a Wh more of the limit, and of where each step begins, gains at prices a and z of its ends; times 10⁶.

    None is above 0. Limit and steps times these are the least that the tie can cost: a part between two steps is worth
    min(0, r − y) a Wh, r what sending a Wh costs there, either way, y the limit's worth; the last is bounded by the
    limit alone.
    """
    passed = [MILLION - loss for loss in (tie.loss_ppm, *(step.loss_ppm for step in tie.steps))]
    ways = [[MILLION * x - p * y for p in passed] for x, y in ((a, z), (z, a))]
    if not tie.steps:
        return min(0, ways[0][0], ways[1][0]), ()
    begins = [0, *(step.above_wh for step in tie.steps)]
    sizes = [*(last - first for first, last in pairwise(begins)), tie.limit_wh]
    worth = _limit_worth(sorted(zip(ways[0] + ways[1], sizes * 2, strict=True)), tie.limit_wh)
    steps = tuple(
        sum(min(0, way[s - 1] - worth) - min(0, way[s] - worth) for way in ways) for s in range(1, len(begins))
    )
    return worth, steps


def tie_bound(tie: Tie, a: int, z: int) -> int:
    """The least that a tie can cost at prices a and z of its ends, times 10⁶."""
    worth, steps = tie_worths(tie, a, z)
    return worth * tie.limit_wh + sum(w * step.above_wh for w, step in zip(steps, tie.steps, strict=True))


def _limit_worth(parts: list[tuple[int, int]], limit_wh: int) -> int:
    """The cost of the part in which the limit is reached, parts taken by cost; 0 where none gains up to there."""
    left = limit_wh
    for cost, size in parts:
        if cost >= 0:
            return 0
        if left <= size:
            return cost
        left -= size
    return 0
