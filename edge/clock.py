"""Whether the machine's clock is synchronised (protocol 2.2): the kernel knows it from its NTP daemon."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

_NANOSECONDS = 0x2000
"""Of `status`: the offset is in nanoseconds, else in microseconds."""
_TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""


class _Timex(ctypes.Structure):
    """The beginning of `struct timex`, and room for the rest; modes = 0 asks without setting anything."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_char * 512),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """What the kernel says of its clock."""

    synchronised: bool
    offset_us: int
    """Still to be slewed away: the last measured distance from the time servers, positive when the clock is behind."""
    most_us: int
    """The largest error that the NTP daemon believes possible."""


Synchronised = Callable[[], bool]
"""Tells whether the clock can be trusted now."""


def kernel_clock() -> ClockState | None:
    """What the kernel says of its clock; None where there is no way to ask."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    told = _Timex()
    state: int = adjtimex(ctypes.byref(told))
    if state < 0:
        return None
    offset_us = told.offset // 1_000 if told.status & _NANOSECONDS else told.offset
    return ClockState(synchronised=state < _TIME_ERROR, offset_us=offset_us, most_us=told.maxerror)


def kernel_synchronised() -> bool:
    """Whether the kernel holds its clock for synchronised; False where there is no way to ask."""
    told = kernel_clock()
    return told is not None and told.synchronised


def always_synchronised() -> bool:
    """The lock-step clock is one for all participants."""
    return True
