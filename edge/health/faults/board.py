"""The box's board of alarms (protocol 10.16): looks, steps the engine, keeps what stands, says what it cuts."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from alliance.calendar import iso_utc
from alliance.errors import AllianceError, Refused
from edge.evidence.store import StorageFailed, Store
from edge.health.alarms import Alarms, Log
from edge.health.faults import engine
from edge.health.faults.asks import Ask, Verb, taken
from edge.health.faults.engine import Alarm, Change, Event, Key, State
from edge.health.faults.grouping import roots
from edge.health.faults.kinds import Level, Way, kinds
from edge.health.faults.looking import Memory, Ratings, Round, look
from edge.health.faults.places import place_of_plain
from edge.health.faults.plan import Plan
from edge.health.faults.thresholds import Threshold
from edge.health.faults.words import code_of, level_en, level_zh, shown, title_en, title_zh

META = "faults"
FULL_BP = 10_000
_HALF_BP = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What the standing alarms leave of the rated powers, basis points, and whether contactors must open."""

    charge_bp: int = FULL_BP
    discharge_bp: int = FULL_BP
    opens: bool = False
    opening: frozenset[int] = field(default=frozenset(), compare=False)
    """Numbers of the alarms that open them: each opens once."""


def cut_of(state: State) -> Cut:
    """A derate leaves half, a trip nothing, in the kind's directions; a trip that opens leaves nothing at all."""
    charge_bp = discharge_bp = FULL_BP
    opening: set[int] = set()
    for alarm in state.standing:
        kind = kinds()[alarm.key.kind]
        if alarm.level < Level.DERATE or not kind.cuts:
            continue
        trips = alarm.level == Level.TRIP
        left_bp, ways = (0 if trips else _HALF_BP), (Way.BOTH if trips and kind.opens else kind.cuts)
        charge_bp = min(charge_bp, left_bp) if ways & Way.CHARGE else charge_bp
        discharge_bp = min(discharge_bp, left_bp) if ways & Way.DISCHARGE else discharge_bp
        if trips and kind.opens:
            opening.add(alarm.number)
    return Cut(
        charge_bp=charge_bp, discharge_bp=discharge_bp, opens=bool(opening), opening=frozenset(opening)
    )  # fmt: skip


class Board:
    """What is wrong with the station, round by round."""

    def __init__(
        self, *, store: Store, alarms: Alarms, plan: Plan, thresholds: Mapping[str, Threshold], ratings: Ratings,
        state: Path | None = None, heartbeat_ms: int = 3_000,
    ) -> None:  # fmt: skip
        self._store, self._counts, self._plan = store, alarms, plan
        self._thresholds, self._ratings, self._folder = thresholds, ratings, state
        self._heartbeat_ms = heartbeat_ms
        self._memory, self._state = Memory(), kept(store)
        self._unkept = False
        self._log: Log = structlog.get_logger()

    @property
    def state(self) -> State:
        """What stands, and what is about to."""
        return self._state

    @property
    def cut(self) -> Cut:
        """What the alarms leave of the rated powers."""
        return cut_of(self._state)

    @property
    def worst(self) -> int:
        """The worst level that stands, 0…3; what cuts no power counts as a warning at most."""
        levels = (a.level if kinds()[a.key.kind].cuts else Level.WARN for a in self._state.standing)
        return max(levels, default=0)

    @property
    def told(self) -> tuple[str, ...]:
        """The causes that stand, as a person reads them, the worst first."""
        standing = self._state.standing
        follow = roots(standing)
        causes = sorted((a for a in standing if a.key not in follow), key=lambda a: (-a.level, a.number))
        return tuple(f"{title_zh(a.key)}（{level_zh(kinds()[a.key.kind], Level(a.level))}）" for a in causes)

    def round(self, now: Round, *, t_ms: int) -> tuple[Event, ...]:
        """Judge a round, and do what persons asked; what changed is logged, counted and kept."""
        now = replace(now, heartbeat_ms=self._heartbeat_ms)
        seen, self._memory = look(
            self._plan, now, self._memory, thresholds=self._thresholds, ratings=self._ratings
        )  # fmt: skip
        self._state, events = engine.step(self._state, seen, t_ms=t_ms)
        events = (*events, *self._asked(t_ms))
        for event in events:
            self._tell(event)
        self._unkept = self._unkept or bool(events)
        if self._unkept:  # again in each round until the disk has taken it: a restart must not forget a latched trip
            with suppress(StorageFailed):
                self._store.keep(META, json.dumps(plain(self._state), ensure_ascii=False).encode())
                self._unkept = False
        return events

    def _asked(self, t_ms: int) -> list[Event]:
        """Acknowledge and reset what persons asked for since the last round."""
        events: list[Event] = []
        for asked in () if self._folder is None else taken(self._folder):
            if asked is None:
                self._counts.count("alarm_asks_malformed")
                continue
            try:
                events += self._done(asked, t_ms)
            except AllianceError as refused:
                self._log.warning("fault.ask_refused", t_ms=t_ms, reason=str(refused))
                self._counts.count("alarm_asks_refused")
        return events

    def _done(self, asked: Ask, t_ms: int) -> list[Event]:
        """A cause is acknowledged or reset together with what follows from it, as far as that can be."""
        does = engine.acknowledged if asked.verb is Verb.ACK else engine.reset
        standing = self._state.standing
        follow, numbers = roots(standing), {alarm.number: alarm.key for alarm in standing}
        beneath = [alarm.number for alarm in standing if follow.get(alarm.key) == numbers.get(asked.number)]
        self._state, event = does(self._state, asked.number, by=asked.by, t_ms=t_ms)
        events = [event]
        for number in beneath:
            with suppress(Refused):
                self._state, event = does(self._state, number, by=asked.by, t_ms=t_ms)
                events.append(event)
        return events

    def _tell(self, event: Event) -> None:
        alarm = event.alarm
        if event.change in (Change.RAISED, Change.WORSENED):
            self._counts.count("faults_raised")
        self._log.warning(
            f"fault.{event.change}", t_ms=event.t_ms, number=alarm.number, kind=alarm.key.kind, level=alarm.level,
            part=alarm.key.place.en(), text=title_zh(alarm.key), value=shown(alarm.value, alarm.unit),
        )  # fmt: skip


def kept(store: Store) -> State:
    """What stood when it was last written down; nothing where nothing was.

    An alarm of a kind that the catalogue of this version has no more stands no more: nothing could clear it.
    """
    told = store.meta(META)
    if told is None:
        return engine.NOTHING
    value: dict[str, Any] = json.loads(told)
    known = (alarm for alarm in value["alarms"] if alarm["kind"] in kinds())
    return engine.remembered(map(_alarm, known), raised=value["raised"])


def plain(state: State) -> dict[str, object]:
    """What stands, as JSON values."""
    return {
        "raised": state.raised,
        "alarms": [
            {
                "kind": a.key.kind, "place": a.key.place.plain(), "detail": a.key.detail, "number": a.number,
                "level": a.level, "raised": a.raised_ms, "gone": a.gone_ms, "clear": a.clear_ms, "value": a.value,
                "limit": a.limit, "unit": a.unit, "acked": a.acked_ms, "by": a.acked_by,
            }
            for a in state.standing
        ],
    }  # fmt: skip


def rows(state: State) -> list[dict[str, object]]:
    """The standing alarms for persons and machines: texts, part, level, action; `cause` is another one's number."""
    standing = state.standing
    follow, numbers = roots(standing), {alarm.key: alarm.number for alarm in standing}
    return [_row(alarm, follow.get(alarm.key), numbers) for alarm in standing]


def _row(alarm: Alarm, cause: Key | None, numbers: Mapping[Key, int]) -> dict[str, object]:
    kind, level, place = kinds()[alarm.key.kind], Level(alarm.level), alarm.key.place
    return {
        "number": alarm.number, "code": code_of(alarm), "kind": kind.name, "level": int(level),
        "levelZh": level_zh(kind, level), "levelEn": level_en(kind, level), "zh": title_zh(alarm.key),
        "en": title_en(alarm.key), "device": place.device, "part": dict(place.parts),
        "value": shown(alarm.value, alarm.unit), "limit": shown(alarm.limit, alarm.unit),
        "raised": iso_utc(alarm.raised_ms), "latched": alarm.latched,
        "causeGone": None if alarm.gone_ms is None else iso_utc(alarm.gone_ms),
        "acknowledged": None if alarm.acked_ms is None else iso_utc(alarm.acked_ms), "by": alarm.acked_by,
        "doZh": kind.do_zh, "doEn": kind.do_en, "cause": None if cause is None else numbers[cause],
    }  # fmt: skip


def _alarm(value: Mapping[str, Any]) -> Alarm:
    return Alarm(
        key=Key(value["kind"], place_of_plain(value["place"]), value["detail"]), number=value["number"],
        level=value["level"], raised_ms=value["raised"], gone_ms=value["gone"], clear_ms=value["clear"],
        value=value["value"], limit=value["limit"], unit=value["unit"], acked_ms=value["acked"], acked_by=value["by"],
    )  # fmt: skip
