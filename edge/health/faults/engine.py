"""The alarm engine (protocol 10.16.4): what was seen in a round and what stood before, to what stands now.

A level is raised once it has lasted its raise delay; it falls once what held it has been gone for the clear delay, and
what held it ends only past the hysteresis. A latched trip stays, its cause gone, until a person resets it. What a round
could not see changes nothing. Values in, values out; the caller brings the time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from alliance.errors import Missing, Refused
from edge.health.faults.kinds import Level, kinds
from edge.health.faults.places import Place
from edge.health.faults.thresholds import DEFAULT, Delays


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes two alarms the same: kind, part, and for what no kind fits (`vendor`) its name."""

    kind: str
    place: Place
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a round sees of a key: the level now, and the level that a standing one would keep."""

    level: int
    held: Callable[[int], int] | None = None
    """The level that a standing one falls to, by hysteresis; None: the level itself."""
    value: int | None = None
    limit: int | None = None
    """The threshold that was passed."""
    unit: str = ""
    delays: Delays = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that a round saw. A key that is not in `seen` is well, unless the round could not look at it."""

    seen: Mapping[Key, Seen]
    blind: Callable[[Key], bool] = lambda _: False
    """Whether the round could not see a key: its device was silent, its value doubtful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A key that stands, or is about to: `level` 0 until its delay has passed."""

    key: Key
    number: int = 0
    """Counts raised alarms from 1, for good; a person names an alarm by it."""
    level: int = 0
    raised_ms: int = 0
    over_ms: tuple[int | None, int | None, int | None] = (None, None, None)
    """Since when each level, or a worse one, has been seen without a break."""
    under_ms: int | None = None
    """Since when less than the standing level was seen."""
    gone_ms: int | None = None
    """Of a latched trip: since when its cause is gone."""
    clear_ms: int = 10_000
    value: int | None = None
    """When last raised or worsened."""
    limit: int | None = None
    unit: str = ""
    acked_ms: int | None = None
    acked_by: str = ""

    @property
    def latched(self) -> bool:
        """Whether only a reset ends it."""
        return self.level == Level.TRIP and kinds()[self.key.kind].latches


class Change(StrEnum):
    """What became of an alarm."""

    RAISED = "raised"
    WORSENED = "worsened"
    EASED = "eased"
    CAUSE_GONE = "cause_gone"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change at an instant."""

    change: Change
    alarm: Alarm
    t_ms: int


Alarms = Mapping[Key, Alarm]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that stands or is about to, and how many alarms were ever raised."""

    alarms: Alarms
    raised: int = 0

    @property
    def standing(self) -> tuple[Alarm, ...]:
        """The raised alarms by number."""
        return tuple(sorted((a for a in self.alarms.values() if a.level), key=lambda alarm: alarm.number))


NOTHING = State(alarms={})


@dataclass(kw_only=True, eq=False)
class AlarmAbsent(Missing):
    """No alarm of that number stands."""

    number: int


@dataclass(kw_only=True, eq=False)
class AlarmNotLatched(Refused):
    """Only a latched trip is reset; other alarms end by themselves."""

    number: int
    level: int


@dataclass(kw_only=True, eq=False)
class CauseStands(Refused):
    """A trip cannot be reset while what caused it is still there."""

    number: int
    kind: str


def step(state: State, look: Look, *, t_ms: int) -> tuple[State, tuple[Event, ...]]:
    """What stands after a round, and what changed."""
    alarms: dict[Key, Alarm] = {}
    events: list[Event] = []
    number = state.raised
    for key in [*state.alarms, *(key for key in look.seen if key not in state.alarms)]:
        before = state.alarms.get(key, Alarm(key=key))
        seen = look.seen.get(key)
        if seen is None and look.blind(key):
            alarms[key] = before
            continue
        after, change = _moved(before, seen or Seen(level=0), t_ms)
        if change is Change.RAISED:
            number += 1
            after = replace(after, number=number)
        if change is not None:
            events.append(Event(change=change, alarm=after, t_ms=t_ms))
        if after.level or any(since is not None for since in after.over_ms):
            alarms[key] = after
    return State(alarms=alarms, raised=number), tuple(events)


def acknowledged(state: State, number: int, *, by: str, t_ms: int) -> tuple[State, Event]:
    """A person has seen an alarm. Raises AlarmAbsent."""
    alarm = replace(_numbered(state, number), acked_ms=t_ms, acked_by=by)
    event = Event(change=Change.ACKNOWLEDGED, alarm=alarm, t_ms=t_ms)
    return replace(state, alarms={**state.alarms, alarm.key: alarm}), event


def reset(state: State, number: int, *, by: str, t_ms: int) -> tuple[State, Event]:
    """A person ends a latched trip whose cause is gone. Raises AlarmAbsent, AlarmNotLatched or CauseStands."""
    alarm = _numbered(state, number)
    if not alarm.latched:
        raise AlarmNotLatched(number=number, level=alarm.level)
    if alarm.gone_ms is None:
        raise CauseStands(number=number, kind=alarm.key.kind)
    rest = {key: held for key, held in state.alarms.items() if key != alarm.key}
    ended = replace(alarm, acked_ms=t_ms, acked_by=by)
    return replace(state, alarms=rest), Event(change=Change.RESET, alarm=ended, t_ms=t_ms)


def remembered(alarms: Iterable[Alarm], *, raised: int) -> State:
    """The state after a restart: what was raised stands; what was about to begins anew."""
    kept = {a.key: replace(a, over_ms=(None, None, None), under_ms=None) for a in alarms if a.level}
    return State(alarms=kept, raised=raised)


def _moved(before: Alarm, seen: Seen, t_ms: int) -> tuple[Alarm, Change | None]:
    over_ms = _since(before, seen.level, t_ms)
    raised = max(
        (level for level in Level if _lasted(over_ms[level - 1], t_ms) >= seen.delays.of(level)), default=0
    )  # fmt: skip
    if raised > before.level:
        change = Change.WORSENED if before.level else Change.RAISED
        worse = replace(
            before, level=raised, over_ms=over_ms, under_ms=None, gone_ms=None, clear_ms=seen.delays.clear_ms,
            value=seen.value, limit=seen.limit, unit=seen.unit, acked_ms=None, acked_by="",
            raised_ms=before.raised_ms if before.level else t_ms,
        )  # fmt: skip
        return worse, change
    if not before.level:
        return replace(before, over_ms=over_ms), None
    held = seen.held(before.level) if seen.held is not None else seen.level
    if held >= before.level:
        return replace(before, over_ms=over_ms, under_ms=None, gone_ms=None), None
    under_ms = t_ms if before.under_ms is None or t_ms < before.under_ms else before.under_ms
    waiting = replace(before, over_ms=over_ms, under_ms=under_ms)
    if t_ms - under_ms < before.clear_ms:
        return waiting, None
    return _eased(waiting, held, t_ms)


def _eased(alarm: Alarm, held: int, t_ms: int) -> tuple[Alarm, Change | None]:
    """What becomes of an alarm that has been better for its clear delay."""
    if alarm.latched:
        if alarm.gone_ms is not None:
            return alarm, None
        return replace(alarm, gone_ms=t_ms), Change.CAUSE_GONE
    change = Change.EASED if held else Change.CLEARED
    return replace(alarm, level=held, under_ms=None), change


def _since(before: Alarm, level: int, t_ms: int) -> tuple[int | None, int | None, int | None]:
    """Since when each level has been seen; a clock that was set back begins anew."""
    a, b, c = (
        None if level < at else t_ms if since is None or since > t_ms else since
        for at, since in zip(Level, before.over_ms, strict=True)
    )
    return a, b, c


def _lasted(since_ms: int | None, t_ms: int) -> int:
    return -1 if since_ms is None else t_ms - since_ms


def _numbered(state: State, number: int) -> Alarm:
    for alarm in state.standing:
        if alarm.number == number:
            return alarm
    raise AlarmAbsent(number=number)
