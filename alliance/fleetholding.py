"""What it costs to hold content, exactly: deep discharge and standing full priced by depth and time (protocol 9.7.3).

h(e) = Σ below·max(0, D − e) + above·max(0, e − D) over a station's steps, for each hour and the content e at a
period's end: convex and piecewise linear in e, so that a lower bound needs nothing but its kinks. Wh at cents per MWh
are microcents.
"""

from collections.abc import Iterable

from alliance.fleetplan import HoldingStep

HOUR_S = 3600
"""Prices are per hour, periods in seconds: a station's amounts with steps are over so many more."""

Steps = tuple[HoldingStep, ...]


def held_parts(steps: Steps, content: int, scale: int) -> int:
    """h of a content in parts of 1 / `scale` Wh, microcents an hour in the same parts."""
    total = 0
    for step in steps:
        above = content - step.content_wh * scale
        total += step.above_price * above if above > 0 else -step.below_price * above
    return total


def held_by_period(steps: Steps, contents: Iterable[tuple[int, int]], period_s: int) -> tuple[list[int], int]:
    """Microcents of each period, of contents as (parts, parts in a Wh); and what they are over, the same for all."""
    found = [(held_parts(steps, content, scale) * period_s, scale) for content, scale in contents]
    last = found[-1][1]
    return [parts * (last // scale) for parts, scale in found], last * HOUR_S


def held_microcents(steps: Steps, contents: Iterable[tuple[int, int]], period_s: int) -> int:
    """What a station's contents cost together: summed exactly, rounded up once."""
    parts, over = held_by_period(steps, contents, period_s)
    return -(-sum(parts) // over)


def slopes_at(steps: Steps, content_wh: int) -> tuple[int, int]:
    """Slopes of h left and right of a content, cents per MWh and hour."""
    left = sum(s.above_price if s.content_wh < content_wh else -s.below_price for s in steps)
    return left, sum(s.above_price if s.content_wh <= content_wh else -s.below_price for s in steps)


def best_held(steps: Steps, price: int, unit: int, low_wh: int, high_wh: int) -> tuple[int, int]:
    """(least of price·e + unit·h(e) for e from low to high, the lowest e where it is): at an end or at a kink."""
    inside = (step.content_wh for step in steps if low_wh < step.content_wh < high_wh)
    return min((price * e + unit * held_parts(steps, e, 1), e) for e in (low_wh, *inside, high_wh))
