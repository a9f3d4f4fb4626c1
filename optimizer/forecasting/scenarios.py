"""Scenarios: the point forecast plus the errors of whole past days, so that errors keep their course (protocol 9.6).

Series forecast for the same periods with the same seed draw the same days, so that their errors also keep together.
"""

from dataclasses import dataclass

import numpy as np

from optimizer.forecasting.series import Floats

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One course of values and how likely it is; the parts of a forecast's scenarios sum to a million."""

    probability_ppm: int
    error_days_ago: int
    """The day whose errors it repeats."""
    values: Floats


def scenarios_of(point: Floats, errors: Floats, *, first_days_ago: int, count: int, seed: int) -> tuple[Scenario, ...]:
    """`count` scenarios from (days, K) errors, newest first; each day is drawn at most once a round of all days."""
    if count == 0:
        return ()
    chance = np.random.default_rng(seed)
    rounds = -(-count // len(errors))
    days = np.concatenate([chance.permutation(len(errors)) for _ in range(rounds)])[:count]
    least, over = divmod(_MILLION, count)
    return tuple(
        Scenario(
            probability_ppm=least + (i < over), error_days_ago=int(day) + first_days_ago, values=point + errors[day]
        )
        for i, day in enumerate(days)
    )
