"""Which alarm is the cause of which (protocol 10.16.5): a person sees the cause, and what follows from it beneath.

Causes are asked in the order of `CAUSES`; an alarm belongs to the first that fits, and to that one's own cause in
turn. The same kind in a part of a part is the cause of it in the whole: the cell, not its cluster's alarm bit.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from edge.health.faults.engine import Alarm, Key
from edge.health.faults.places import Place

Near = Callable[[Place, Place], bool]
"""Whether a cause at one part can have its effect at another: (cause, effect)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Kinds that bring others about."""

    of: frozenset[str]
    follow: frozenset[str]
    near: Near
    tripped: bool = False
    """Whether only a trip brings them about."""


def _same_device(cause: Place, effect: Place) -> bool:
    return effect.device == cause.device and effect.within(Place(cause.device, cause.parts, cause.name))


def _inside(cause: Place, effect: Place) -> bool:
    return effect.within(cause)


def _around(cause: Place, effect: Place) -> bool:
    return cause.within(effect)


def _anywhere(cause: Place, effect: Place) -> bool:
    del cause, effect
    return True


_FIRE = frozenset({"smoke", "heat", "hydrogen", "carbon_monoxide", "agent_released", "emergency_stop", "water_leak"})
_BATTERY = frozenset(
    {
        "cell_overvoltage", "cell_undervoltage", "cell_temperature_high", "pack_overvoltage", "pack_undervoltage",
        "discharge_overcurrent", "charge_overcurrent", "insulation_low", "temperature_spread", "voltage_spread",
    }
)  # fmt: skip
_DATA = frozenset(
    {"bad_frames", "heartbeat_stopped", "order_failed", "register_frozen", "reading_gap", "value_out_of_range",
     "device_refuses"}
)  # fmt: skip
_OPENED = frozenset({"contactor_open", "pcs_dc_open", "pcs_tripped", "order_failed", "order_expired"})
_WHOLE_FIRST = frozenset({"contactor_open"})
"""Kinds whose whole is the cause of its parts: the main contactor of the clusters' ones."""
LOST = frozenset({"comms_lost", "device_foreign", "device_refuses"})

CAUSES: tuple[Cause, ...] = (
    Cause(of=LOST, follow=frozenset(), near=_same_device),
    Cause(of=LOST, follow=_DATA, near=_anywhere),
    Cause(of=frozenset({"bad_frames"}), follow=frozenset({"reading_gap", "order_failed"}), near=_anywhere),
    Cause(of=_FIRE, follow=_OPENED, near=_anywhere, tripped=True),
    Cause(
        of=frozenset({"smoke", "heat"}), follow=frozenset({"agent_released", "agent_low", "cell_temperature_high"}),
        near=_anywhere,
    ),
    Cause(of=frozenset({"agent_released"}), follow=frozenset({"agent_low"}), near=_same_device),
    Cause(of=frozenset({"pack_overvoltage"}), follow=frozenset({"cell_overvoltage"}), near=_inside),
    Cause(of=frozenset({"pack_undervoltage"}), follow=frozenset({"cell_undervoltage"}), near=_inside),
    Cause(
        of=frozenset({"cell_overvoltage", "cell_undervoltage", "pack_overvoltage", "pack_undervoltage"}),
        follow=frozenset({"voltage_spread"}), near=_around,
    ),
    Cause(
        of=frozenset({"cell_temperature_high", "cell_temperature_low"}), follow=frozenset({"temperature_spread"}),
        near=_around,
    ),
    Cause(of=_BATTERY, follow=_OPENED, near=_anywhere, tripped=True),
    Cause(
        of=frozenset({"grid_lost"}),
        follow=frozenset(
            {"grid_undervoltage", "grid_frequency", "islanding", "pcs_tripped", "meter_voltage_lost",
             "meter_phase_lost"}
        ),
        near=_anywhere,
    ),
    Cause(
        of=frozenset({"pcs_module_hot", "islanding"}), follow=frozenset({"pcs_tripped", "pcs_derated"}), near=_anywhere
    ),
    Cause(of=frozenset({"hvac_compressor", "hvac_fan"}), follow=frozenset({"hvac_hot"}), near=_same_device),
    Cause(of=frozenset({"contactor_fault"}), follow=frozenset({"contactor_open", "pcs_dc_open"}), near=_anywhere),
    Cause(of=frozenset({"contactor_open"}), follow=frozenset({"pcs_dc_open", "order_expired"}), near=_anywhere),
    Cause(of=_WHOLE_FIRST, follow=_WHOLE_FIRST, near=_inside),
    Cause(of=frozenset({"fire_mains", "fire_loop"}), follow=frozenset({"fire_panel"}), near=_same_device),
    Cause(of=frozenset({"power_spike", "register_jump"}), follow=frozenset({"value_out_of_range"}), near=_anywhere),
)  # fmt: skip
"""From the strongest cause on; `follow` empty: everything of the device."""


def roots(alarms: Iterable[Alarm]) -> Mapping[Key, Key]:
    """For each alarm that follows from another, the one at the beginning."""
    standing = list(alarms)
    above = {alarm.key: cause for alarm in standing if (cause := _cause(alarm, standing)) is not None}
    return {key: _top(key, above) for key in above}


def _top(key: Key, above: Mapping[Key, Key]) -> Key:
    passed = {key}
    while (up := above.get(key)) is not None and up not in passed:
        passed.add(up)
        key = up
    return key


def _cause(alarm: Alarm, standing: list[Alarm]) -> Key | None:
    for cause in CAUSES:
        for other in standing:
            if other.key != alarm.key and _brings(cause, other, alarm):
                return other.key
    if alarm.key.kind in _WHOLE_FIRST:
        return None
    exact = [o.key for o in standing if o.key.kind == alarm.key.kind and _more_exact(o.key.place, alarm.key.place)]
    return max(exact, key=lambda key: (len(key.place.parts), key), default=None)


def _brings(cause: Cause, other: Alarm, alarm: Alarm) -> bool:
    if other.key.kind not in cause.of or (cause.tripped and other.level < 3):
        return False
    if not cause.follow and alarm.key.kind in LOST:
        return False
    return (not cause.follow or alarm.key.kind in cause.follow) and cause.near(other.key.place, alarm.key.place)


def _more_exact(place: Place, whole: Place) -> bool:
    return place != whole and place.within(whole)
