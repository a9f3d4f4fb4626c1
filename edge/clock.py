"""Whether the machine's clock is synchronised (protocol 2.2): the kernel knows it from its NTP daemon."""

import ctypes
from collections.abc import Callable

_TIMEX_BYTES = 512
"""Room for `struct timex` of every platform; its first word, modes = 0, asks without setting anything."""
_TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""

Synchronised = Callable[[], bool]
"""Tells whether the clock can be trusted now."""


def kernel_synchronised() -> bool:
    """Whether the kernel holds its clock for synchronised; False where there is no way to ask."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return False
    state: int = adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return 0 <= state < _TIME_ERROR


def always_synchronised() -> bool:
    """The lock-step clock is one for all participants."""
    return True
