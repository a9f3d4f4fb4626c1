"""The least primary reserve that keeps the nadir after the largest loss above its limit (protocol 9.18.3)."""

from dataclasses import dataclass, replace

from alliance.errors import Refused
from alliance.frequency.swing import MOST_POWER_W, Held, Loss, Response, Swing, arrested, rocof_mhz_per_s, swing

GRAIN_W = 1_000
"""Reserves are found to the kW."""


@dataclass(kw_only=True, eq=False)
class RocofTooSteep(Refused):
    """The frequency falls faster at the start than is allowed; no reserve is there so soon."""

    period: int
    rocof_mhz_per_s: int
    limit_mhz_per_s: int


@dataclass(kw_only=True, eq=False)
class LossTooLarge(Refused):
    """A loss that no reserve of this response keeps above the limit, however much is held."""

    period: int
    loss_w: int
    nadir_mhz: int
    """With a reserve without bounds."""
    limit_mhz: int
    bearable_w: int
    """The largest loss, to the kW, whose first dip would stay above it."""


@dataclass(kw_only=True, eq=False)
class ResponseUnstable(Refused):
    """What arrests the first fall swings on, or back below the limit: too slow an answer for so steep a droop."""

    period: int
    held_w: int
    nadir_mhz: int
    first_mhz: int
    """From lowest to highest frequency in the first third of the swing, and in its last."""
    last_mhz: int


def least_w(loss: Loss, response: Response, *, limit_mhz: int, rocof_limit_mhz_per_s: int | None, period: int) -> int:
    """The least reserve, W, a whole number of `GRAIN_W`; `period` is for the errors alone.

    Raises RocofTooSteep, LossTooLarge or ResponseUnstable.
    """
    require_gentle(rocof_mhz_per_s(loss), rocof_limit_mhz_per_s, period=period)
    held = _bisected(loss, response, limit_mhz=limit_mhz)
    if held is None:
        raise _too_large(loss, response, limit_mhz=limit_mhz, period=period)
    require_damped(swing(loss, Held(response=response, power_w=held)), held, limit_mhz=limit_mhz, period=period)
    return held


def require_damped(found: Swing, held_w: int, *, limit_mhz: int, period: int) -> None:
    """Raises ResponseUnstable where a later swing is too deep, or the last third spans half of the first or more."""
    if found.nadir_mhz < limit_mhz or 2 * found.last_mhz > found.first_mhz:
        raise ResponseUnstable(
            period=period, held_w=held_w, nadir_mhz=found.nadir_mhz, first_mhz=found.first_mhz, last_mhz=found.last_mhz
        )


def require_gentle(rocof: int, limit_mhz_per_s: int | None, *, period: int) -> None:
    """Raises RocofTooSteep where the fall at the start, mHz/s, is steeper than the limit, if there is one."""
    if limit_mhz_per_s is not None and rocof > limit_mhz_per_s:
        raise RocofTooSteep(period=period, rocof_mhz_per_s=rocof, limit_mhz_per_s=limit_mhz_per_s)


def is_least(loss: Loss, response: Response, held_w: int, *, limit_mhz: int) -> bool:
    """Whether a reserve arrests the fall and one step less does not."""
    if held_w < 0 or held_w % GRAIN_W:
        return False
    enough = arrested(loss, Held(response=response, power_w=held_w), limit_mhz=limit_mhz)
    less = Held(response=response, power_w=held_w - GRAIN_W)
    return enough and (held_w == 0 or not arrested(loss, less, limit_mhz=limit_mhz))


def _bisected(loss: Loss, response: Response, *, limit_mhz: int) -> int | None:
    def enough(grains: int) -> bool:
        return arrested(loss, Held(response=response, power_w=grains * GRAIN_W), limit_mhz=limit_mhz)

    if enough(0):
        return 0
    low, high, most = 0, max(1, loss.loss_w // GRAIN_W), MOST_POWER_W // GRAIN_W
    while not enough(high):
        if high == most:
            return None
        low, high = high, min(most, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high * GRAIN_W


def _too_large(loss: Loss, response: Response, *, limit_mhz: int, period: int) -> LossTooLarge:
    most = Held(response=response, power_w=MOST_POWER_W)
    low, high = 0, loss.loss_w // GRAIN_W + 1
    while high - low > 1:
        middle = (low + high) // 2
        borne = arrested(replace(loss, loss_w=middle * GRAIN_W), most, limit_mhz=limit_mhz)
        low, high = (middle, high) if borne else (low, middle)
    found = swing(loss, most)
    return LossTooLarge(
        period=period, loss_w=loss.loss_w, nadir_mhz=found.nadir_mhz, limit_mhz=limit_mhz, bearable_w=low * GRAIN_W
    )
