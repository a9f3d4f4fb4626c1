"""Which settings may be changed from afar, and how far (protocol 9.20.3): never keys, pins, devices' places or tables.

A safety limit may be made narrower than the box's own settings file says, never wider: the file is written by who
stands before the battery.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from alliance.errors import Refused
from edge.settings import Settings, SettingsMalformed, load
from oracle.configuration import Value


class Scope(StrEnum):
    """How far a setting may be changed."""

    FREE = "free"
    """To anything that the settings themselves take."""
    LOWER = "lower"
    """To the file's value or less."""
    HIGHER = "higher"
    """To the file's value or more."""


SCOPES: Mapping[str, Scope] = {
    "tick_s": Scope.FREE,
    "sample_s": Scope.LOWER,
    "live_ticks": Scope.FREE,
    "http_timeout_s": Scope.FREE,
    "backoff_ticks": Scope.FREE,
    "uplink_bytes_per_s": Scope.FREE,
    "log_level": Scope.FREE,
    "shave_demand": Scope.FREE,
    "device.timeout_ms": Scope.FREE,
    "limits.charge_power_w": Scope.LOWER,
    "limits.discharge_power_w": Scope.LOWER,
    "limits.pcc_import_w": Scope.LOWER,
    "limits.pcc_export_w": Scope.LOWER,
    "limits.ramp_w_per_s": Scope.LOWER,
    "limits.soc_min_bp": Scope.HIGHER,
    "limits.soc_max_bp": Scope.LOWER,
    "limits.demand_w": Scope.LOWER,
    "limits.silence_ms": Scope.LOWER,
    "limits.heartbeat_ms": Scope.LOWER,
}


@dataclass(kw_only=True, eq=False)
class KeyNotRemote(Refused):
    """A setting may be changed at the box alone."""

    key: str


@dataclass(kw_only=True, eq=False)
class LimitLoosened(Refused):
    """A limit would become wider than the box's own settings file says."""

    key: str
    file: int
    asked: int


@dataclass(kw_only=True, eq=False)
class ValueRefused(Refused):
    """The settings do not take a value, or the values do not go together."""

    problem: str


def configured(path: Path, values: Mapping[str, Value]) -> Settings:
    """The settings file with values over it. Raises KeyNotRemote, LimitLoosened, ValueRefused or what `load` raises."""
    own = load(path)
    for key, value in values.items():
        _check(own, key, value)
    if not values:
        return own
    try:
        return load(path, over=values)
    except SettingsMalformed as wrong:
        raise ValueRefused(problem=wrong.problem) from None


def value_of(settings: Settings, key: str) -> Any:
    """What the settings say under a dotted key."""
    found: Any = settings
    for name in key.split("."):
        found = getattr(found, name)
    return found


def _check(own: Settings, key: str, value: Value) -> None:
    scope = SCOPES.get(key)
    if scope is None:
        raise KeyNotRemote(key=key)
    if scope is Scope.FREE:
        return
    stands = value_of(own, key)
    if stands is None or isinstance(value, bool) or not isinstance(value, int):
        raise ValueRefused(problem=f"{key}: {value!r} in place of {stands!r}")
    if (value > stands) if scope is Scope.LOWER else (value < stands):
        raise LimitLoosened(key=key, file=stands, asked=value)
