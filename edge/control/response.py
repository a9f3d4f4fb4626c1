"""How a station answered (A26, D8): lag, rise and settle time, deviation and contribution, from a recorded trace.

The power before is the mean of the 3 s before the step. Lag: until the power has moved a tenth of the answer asked for,
its way. Rise: until nine tenths. Settled: from then on within the band around the answer, to the end of the trace.
Contribution K = ∫(P − P0) / ∫ΔP over at most 60 s (F3). Each sample holds until the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from alliance.errors import Refused
from alliance.money import mul_div

BEFORE_MS = 3_000
WITHIN_MS = 60_000
PPM = 1_000_000

Trace = Sequence[tuple[int, int]]
"""(t_ms, power_w) in ascending time; power positive out of the station."""


@dataclass(kw_only=True, eq=False)
class TraceUnusable(Refused):
    """A trace does not reach far enough to both sides of the step, or nothing was asked for."""

    samples_before: int
    samples_after: int
    asked_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a trace shows; times from the step on, None where it never came to that."""

    before_w: int
    lag_ms: int | None
    rise_ms: int | None
    settle_ms: int | None
    deviation_w: int
    """Largest distance from the answer once settled; from the last sample where it never settled."""
    wrong_way_w: int
    """Farthest move against the answer, a magnitude; 0 if none."""
    contribution_ppm: int


def measured(trace: Trace, *, step_ms: int, asked_w: int, band_w: int) -> Response:
    """What a trace shows of an answer of `asked_w` from `step_ms` on; `band_w` is ± around it. Raises TraceUnusable."""
    before = [power for t, power in trace if step_ms - BEFORE_MS <= t < step_ms]
    after = [(t, power) for t, power in trace if t >= step_ms]
    if not before or len(after) < 2 or not asked_w:
        raise TraceUnusable(samples_before=len(before), samples_after=len(after), asked_w=asked_w)
    before_w = mul_div(sum(before), 1, len(before))
    moved = [(t - step_ms, power - before_w) for t, power in after]
    way = 1 if asked_w > 0 else -1
    settled = _settled(moved, asked_w, band_w)
    return Response(
        before_w=before_w,
        lag_ms=_reached(moved, asked_w, tenths=1),
        rise_ms=_reached(moved, asked_w, tenths=9),
        settle_ms=moved[settled][0] if settled < len(moved) else None,
        deviation_w=max(abs(w - asked_w) for _, w in moved[min(settled, len(moved) - 1) :]),
        wrong_way_w=max(0, max(-way * w for _, w in moved)),
        contribution_ppm=_contribution(moved, asked_w),
    )


def _reached(moved: Trace, asked_w: int, *, tenths: int) -> int | None:
    way = 1 if asked_w > 0 else -1
    return next((t for t, w in moved if 10 * way * w >= tenths * abs(asked_w)), None)


def _settled(moved: Trace, asked_w: int, band_w: int) -> int:
    """Number of the first sample from which on all lie within the band; how many there are where none is."""
    outside = [number for number, (_, w) in enumerate(moved) if abs(w - asked_w) > band_w]
    return outside[-1] + 1 if outside else 0


def _contribution(moved: Trace, asked_w: int) -> int:
    end = min(moved[-1][0], WITHIN_MS)
    given = asked = 0
    for (t, w), (following, _) in pairwise(moved):
        held = max(0, min(following, end) - t)
        given += w * held
        asked += asked_w * held
    return mul_div(given if asked > 0 else -given, PPM, abs(asked)) if asked else 0
