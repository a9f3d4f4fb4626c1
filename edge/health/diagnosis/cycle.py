"""The commanded test cycle (protocol 9.22.8): charge, rest, discharge, rest, back; and who may end it.

A test wants a power, like a schedule does; the guard cuts it as it cuts any wish. Where the guard lets nothing more
through because the battery is full, or empty, the stage is done; where it lets nothing through for any other reason,
the test ends by that reason's name. Whoever commands the station otherwise ends it at once: a hand, an instruction, an
envelope, the safe schedule, the month's demand, and a schedule unless the test was told to go before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from alliance.errors import Malformed, Refused
from edge.control.guard import Order, Reason
from edge.control.limits import Limits
from edge.control.wish import Base, Source
from edge.health.diagnosis.cell import CellData

LONGEST_MS = 24 * 3_600_000
GAP_MS = 900_000
"""A box that was away for longer has lost its test."""
_STARVED_MS = 600_000
_BLOCKED_MS = 60_000
_DONE_MS = 10_000
_PAUSES, _PAUSE_EVERY_MS, _PAUSE_MS = 3, 600_000, 30_000
_LEAST_SHARE = 20
"""A stage is done below this part of its power."""
_FULL = {Reason.SOC_HIGH, Reason.DEVICE_LIMIT, Reason.CELL_VOLTAGE, Reason.BMS_FORBIDS}
_EMPTY = {Reason.SOC_LOW, Reason.DEVICE_LIMIT, Reason.CELL_VOLTAGE, Reason.BMS_FORBIDS}


class Stage(StrEnum):
    """What a test does."""

    CHARGE = "charge"
    REST_FULL = "rest_full"
    DISCHARGE = "discharge"
    REST_EMPTY = "rest_empty"
    RETURN = "return"
    DONE = "done"
    ABORTED = "aborted"

    @property
    def over(self) -> bool:
        """Whether nothing more is wanted."""
        return self in (Stage.DONE, Stage.ABORTED)


_NEXT = {
    Stage.CHARGE: Stage.REST_FULL,
    Stage.REST_FULL: Stage.DISCHARGE,
    Stage.DISCHARGE: Stage.REST_EMPTY,
    Stage.REST_EMPTY: Stage.RETURN,
    Stage.RETURN: Stage.DONE,
}


class Ended(StrEnum):
    """Why a test ended early, beside the guard's own reasons."""

    ASKED = "asked"
    INSTRUCTION = "instruction"
    ENVELOPE = "envelope"
    SAFE_SCHEDULE = "safe_schedule"
    SCHEDULE = "schedule"
    DEMAND = "demand"
    INTERRUPTED = "interrupted"
    TOO_LONG = "too_long"


@dataclass(kw_only=True, eq=False)
class CycleTermsMalformed(Malformed):
    """Terms of a test that cannot be used."""

    field: str
    got: str
    want: str


@dataclass(kw_only=True, eq=False)
class CycleRunning(Refused):
    """There is a test already."""

    started_ms: int
    stage: str


@dataclass(kw_only=True, eq=False)
class CycleMissing(Refused):
    """There is no test that could be ended."""

    station: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was commanded."""

    power_w: int
    """Of charging and discharging, a magnitude."""
    rest_ms: int
    over_schedule: bool = False
    """Whether the test goes before the schedule; what deviates is then paid for as any deviation is."""

    def check(self, limits: Limits, *, cells: CellData | None) -> None:
        """Refuse terms outside what the station may do, or without cell data. Raises CycleTermsMalformed."""
        if cells is None:
            raise CycleTermsMalformed(field="cells", got="none", want="[cells] in the settings")
        most_w = min(limits.charge_power_w, limits.discharge_power_w)
        if not most_w // 20 <= self.power_w <= most_w or self.power_w <= 0:
            raise CycleTermsMalformed(field="power_w", got=str(self.power_w), want=f"{most_w // 20}…{most_w}")
        if not 60_000 <= self.rest_ms <= 4 * 3_600_000:
            raise CycleTermsMalformed(field="rest_ms", got=str(self.rest_ms), want="60000…14400000")

    def to_plain(self) -> dict[str, object]:
        """As JSON values."""
        return {"powerW": self.power_w, "restMs": self.rest_ms, "overSchedule": self.over_schedule}


def terms_of(value: Mapping[str, object]) -> Terms:
    """Read what `Terms.to_plain` wrote. Raises CycleTermsMalformed."""
    power_w, rest_ms, over = value.get("powerW"), value.get("restMs"), value.get("overSchedule")
    if type(power_w) is not int or type(rest_ms) is not int or not isinstance(over, bool):
        raise CycleTermsMalformed(field="terms", got=str(dict(value)), want="powerW, restMs, overSchedule")
    return Terms(power_w=power_w, rest_ms=rest_ms, over_schedule=over)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A test: where it stands. `reason` is empty unless it ended early."""

    terms: Terms
    started_ms: int
    start_soc_bp: int
    stage: Stage
    stage_ms: int
    """When the stage began."""
    seen_ms: int
    """The last round."""
    short_ms: int = 0
    """Since when the guard lets less through than a stage needs; 0: it does not."""
    ended_ms: int = 0
    reason: str = ""

    def wanted_w(self, t_ms: int) -> int | None:
        """What the test wants at an instant; None when it is over. In the discharge it pauses, for the resistance."""
        match self.stage:
            case Stage.CHARGE | Stage.RETURN:
                return -self.terms.power_w
            case Stage.DISCHARGE:
                return 0 if self._pauses(t_ms) else self.terms.power_w
            case Stage.REST_FULL | Stage.REST_EMPTY:
                return 0
            case Stage.DONE | Stage.ABORTED:
                return None

    def _pauses(self, t_ms: int) -> bool:
        number, into_ms = divmod(t_ms - self.stage_ms, _PAUSE_EVERY_MS)
        return 1 <= number <= _PAUSES and into_ms < _PAUSE_MS


def started(terms: Terms, *, t_ms: int, soc_bp: int) -> Job:
    """A test that begins."""
    return Job(
        terms=terms, started_ms=t_ms, start_soc_bp=soc_bp, stage=Stage.CHARGE, stage_ms=t_ms, seen_ms=t_ms
    )  # fmt: skip


def aborted(job: Job, reason: str, *, t_ms: int) -> Job:
    """A test ended early, by name."""
    return replace(job, stage=Stage.ABORTED, stage_ms=t_ms, ended_ms=t_ms, reason=reason, seen_ms=t_ms)


def yielded(job: Job, wanted: Base, *, t_ms: int, least_w: int | None) -> Job:
    """The test before a round: ended where somebody goes before it. `wanted` is what is wanted without the test."""
    wanted_w = job.wanted_w(t_ms)
    if wanted_w is None:
        return job
    first = next(
        (
            why
            for why, holds in (
                (Ended.INTERRUPTED, t_ms - job.seen_ms > GAP_MS),
                (Ended.INSTRUCTION, wanted.source is Source.INSTRUCTION),
                (Ended.ENVELOPE, wanted.envelope is not None),
                (Ended.SAFE_SCHEDULE, wanted.source is Source.SAFE),
                (Ended.SCHEDULE, bool(wanted.power_w) and not job.terms.over_schedule),
                (Ended.DEMAND, least_w is not None and least_w > max(0, wanted_w)),
                (Ended.TOO_LONG, t_ms - job.started_ms > LONGEST_MS),
            )
            if holds
        ),
        None,
    )
    return job if first is None else aborted(job, first, t_ms=t_ms)


def advanced(job: Job, order: Order, *, t_ms: int, soc_bp: int | None, resting: bool) -> Job:
    """The test after a round, by what the guard let through of its wish. `resting`: no power flows to speak of."""
    wanted_w = job.wanted_w(t_ms)
    if wanted_w is None:
        return job
    if order.silent:
        return aborted(job, order.reasons[0], t_ms=t_ms)
    if job.stage in (Stage.REST_FULL, Stage.REST_EMPTY):
        return _rested(job, t_ms, resting=resting)
    if job.stage is Stage.RETURN and soc_bp is not None and soc_bp >= job.start_soc_bp:
        return _on(job, t_ms)
    return _driven(job, order, abs(wanted_w), t_ms) if wanted_w else replace(job, seen_ms=t_ms, short_ms=0)


def _driven(job: Job, order: Order, wanted_w: int, t_ms: int) -> Job:
    done, share = _EMPTY if job.stage is Stage.DISCHARGE else _FULL, abs(order.power_w) * _LEAST_SHARE
    others = [reason for reason in order.reasons if reason not in done and reason is not Reason.RAMP]
    if 2 * abs(order.power_w) >= wanted_w or (share >= wanted_w and not others):
        return replace(job, short_ms=0, seen_ms=t_ms)
    since_ms = job.short_ms or t_ms
    short = replace(job, short_ms=since_ms, seen_ms=t_ms)
    if not others:
        finished = order.reasons and share < wanted_w and done & set(order.reasons)
        return _on(short, t_ms) if finished and t_ms - since_ms >= _DONE_MS else short
    if t_ms - since_ms >= (_BLOCKED_MS if order.power_w == 0 else _STARVED_MS):
        return aborted(job, others[0], t_ms=t_ms)
    return short


def _rested(job: Job, t_ms: int, *, resting: bool) -> Job:
    if not resting:
        return replace(job, stage_ms=t_ms, seen_ms=t_ms)  # the rest begins when the current has gone
    if t_ms - job.stage_ms >= job.terms.rest_ms:
        return _on(job, t_ms)
    return replace(job, seen_ms=t_ms, short_ms=0)


def _on(job: Job, t_ms: int) -> Job:
    after = _NEXT[job.stage]
    return replace(
        job, stage=after, stage_ms=t_ms, seen_ms=t_ms, short_ms=0, ended_ms=t_ms if after is Stage.DONE else 0
    )
