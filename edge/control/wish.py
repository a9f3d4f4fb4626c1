"""What a station shall do (protocol 9.16): one wish out of instruction, schedule, envelope, frequency and demand.

Instruction goes before schedule, schedule before the safe schedule. Once an envelope was taken, instructions and
schedules count only while an envelope does: after it the safe schedule rules, until a new one comes.
"""

from dataclasses import dataclass
from enum import StrEnum

from alliance.calendar import SLOT_MS, day_at
from alliance.droop import plausible
from edge.control.droop import borne_w, drift_w
from edge.control.guard import Situation, content_w_ms
from edge.control.limits import Limits
from oracle.directive import Envelope

SLOTS_AN_HOUR = 4


class Source(StrEnum):
    """Where a wish comes from; `TEST` is a commanded test of the battery (protocol 9.22.8)."""

    INSTRUCTION = "instruction"
    SCHEDULE = "schedule"
    SAFE = "safe"
    TEST = "test"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What is wanted apart from the frequency. `power_w` is None where nothing is wanted."""

    power_w: int | None
    source: Source
    envelope: Envelope | None = None
    """The one that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the guard is asked for; `answer_w` of it is for the frequency."""

    power_w: int | None
    source: Source
    answer_w: int = 0
    frequency_missing: bool = False
    """An answer was wanted and the frequency is not measured."""


def base(
    t_ms: int, *, instructed_w: int | None, scheduled_w: int | None, envelope: tuple[Envelope, bool] | None
) -> Base:
    """What is wanted at an instant. `envelope` is the newest one and whether it still counts."""
    newest, counts = envelope or (None, True)
    in_force = newest if counts else None
    if counts and instructed_w is not None:
        return Base(power_w=instructed_w, source=Source.INSTRUCTION, envelope=in_force)
    if counts and scheduled_w is not None:
        return Base(power_w=scheduled_w, source=Source.SCHEDULE, envelope=in_force)
    if newest is not None:
        return Base(power_w=_safe_w(newest, t_ms), source=Source.SAFE, envelope=in_force)
    return Base(power_w=None, source=Source.NOTHING)


def wish(wanted: Base, *, now: Situation | None, limits: Limits, least_w: int | None = None) -> Wish:
    """The whole wish. `least_w` is the discharge that the month's demand asks for at least."""
    if now is None:
        return Wish(power_w=wanted.power_w, source=wanted.source)
    envelope, power_w, answer, missing = wanted.envelope, wanted.power_w, 0, False
    if envelope is not None:
        power_w = beside_reserve_w(wanted.power_w or 0, envelope, now=now, limits=limits)
    if envelope is not None and envelope.droop is not None and power_w is not None:
        droop, frequency_mhz, soc_bp = envelope.droop, now.sample.frequency_mhz, now.sample.soc_bp
        missing = not plausible(frequency_mhz)
        if not missing:
            answer = borne_w(droop, frequency_mhz, limits=limits, soc_bp=soc_bp)
            answer += drift_w(droop, frequency_mhz, soc_bp=soc_bp)
        power_w += answer
    if least_w is not None:
        power_w = max(power_w or 0, least_w)
    return Wish(power_w=power_w, source=wanted.source, answer_w=answer, frequency_missing=missing)


def beside_reserve_w(power_w: int, envelope: Envelope, *, now: Situation, limits: Limits) -> int:
    """A power cut, towards 0, to what leaves the reserve free: its power at once, its energy for as long."""
    for_ms = envelope.reserve_ms
    charge_w_ms, discharge_w_ms = content_w_ms(limits, soc_bp=now.sample.soc_bp)
    most_up_w = min(
        limits.discharge_power_w - envelope.reserve_up_w,
        (discharge_w_ms - envelope.reserve_up_w * for_ms) // now.hold_ms,
    )  # fmt: skip
    most_down_w = min(
        limits.charge_power_w - envelope.reserve_down_w,
        (charge_w_ms - envelope.reserve_down_w * for_ms) // now.hold_ms,
    )  # fmt: skip
    return max(-max(0, most_down_w), min(max(0, most_up_w), power_w))


def _safe_w(envelope: Envelope, t_ms: int) -> int:
    if not envelope.safe_wh:
        return 0
    return envelope.safe_wh[(t_ms - day_at(t_ms).start_ms) // SLOT_MS] * SLOTS_AN_HOUR
