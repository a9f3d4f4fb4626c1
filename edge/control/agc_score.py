"""How AGC set points were followed (protocol 9.15.9): K1 (speed), K2 (deviation), K3 (response time), in ppm.

After the North China rules (两个细则): K1 = max(0.1, 2 − v_std/v), K2 = max(0.1, 2 − Δp/Δp_std), K3 = max(0.1,
2 − t/t_std), Kp = K1·K2·K3. Of a change of the set point by D, from what was measured before it: v = 0.8·|D| over the
time from a tenth to nine tenths of it, t until the tenth, Δp the largest distance from the set point once settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from alliance.money import mul_div
from edge.control.response import PPM, Response, Trace, measured

_FLOOR = PPM // 10
_MINUTE_MS = 60_000
_BP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What is compared with: speed in bp of the rated power a minute, deviation in bp of it, response time."""

    speed_bp_per_min: int = 10_000
    deviation_bp: int = 100
    response_ms: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The four marks, ppm."""

    k1: int
    k2: int
    k3: int
    kp: int


Scored = tuple[int, int, Response, Score | None]
"""When a set point changed, to what (W), how it was followed, and its marks; none where it was never reached."""


def scored(trace: Trace, commands: Sequence[tuple[int, int]], *, rated_w: int, standard: Standard) -> list[Scored]:
    """Every change of the set point by more than 2 % of the rated power, each until the next change.

    Raises TraceUnusable where the trace does not reach around a change.
    """
    changes = [commands[0], *(after for before, after in pairwise(commands) if before[1] != after[1])]
    ends = [t for t, _ in changes[1:]] + [max(t for t, _ in trace) + 1]
    found: list[Scored] = []
    for (at_ms, asked_w), end_ms in zip(changes, ends, strict=True):
        part = [(t, power) for t, power in trace if t < end_ms]
        before = [power for t, power in part if at_ms - 3_000 <= t < at_ms]
        step_w = asked_w - (mul_div(sum(before), 1, len(before)) if before else 0)
        if before and 50 * abs(step_w) <= rated_w:  # within the dead zone nothing was asked for
            continue
        answer = measured(part, step_ms=at_ms, asked_w=step_w, band_w=mul_div(rated_w, standard.deviation_bp, _BP))
        found.append((at_ms, asked_w, answer, score(answer, step_w, rated_w=rated_w, standard=standard)))
    return found


def score(answer: Response, step_w: int, *, rated_w: int, standard: Standard) -> Score | None:
    """The marks of one change by `step_w`; None where a tenth or nine tenths of it were never reached."""
    if answer.lag_ms is None or answer.rise_ms is None:
        return None
    speed_w = mul_div(8 * abs(step_w), _MINUTE_MS, 10 * max(1, answer.rise_ms - answer.lag_ms))
    k1 = _mark(mul_div(rated_w, standard.speed_bp_per_min, _BP), speed_w)
    k2 = _mark(answer.deviation_w, mul_div(rated_w, standard.deviation_bp, _BP))
    k3 = _mark(answer.lag_ms, standard.response_ms)
    return Score(k1=k1, k2=k2, k3=k3, kp=mul_div(mul_div(k1, k2, PPM), k3, PPM))


def _mark(value: int, against: int) -> int:
    return max(_FLOOR, 2 * PPM - mul_div(value, PPM, max(1, against)))
