"""Trying configurations (protocol 9.20): where they come from, what is seen of one on trial, and what becomes of it.

A configuration comes from the platform, or by hand as a file in the state folder; the same rules hold for both.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from alliance.errors import AllianceError
from edge import configurable
from edge.evidence.recorder import Recording
from edge.evidence.store import StorageFailed
from edge.health.alarms import Alarms
from edge.health.event_log import EventLog
from edge.health.round import Round
from edge.link import question
from edge.link.configurations import Answer, Configurations
from edge.link.service import Service, ServiceRefused
from edge.link.trial import Course, Verdict, judged
from edge.settings import Settings, check_fits
from oracle.configuration import Value
from oracle.deployment import Deployment

INBOX = "configuration.in"
"""A signed configuration that is brought to the box by hand stands in the state folder under this name."""
_ASK_MS = 60_000
"""The platform is asked for a configuration so often."""
_LONGEST_INBOX = 1 << 16


@dataclass(slots=True)
class _Trial:
    """What was seen of a configuration since it went on trial; seconds of the monotonic clock."""

    began_s: float
    platform_before: bool
    platform_since: bool = False
    rounds: int = 0
    round_s: float = field(init=False)
    answer_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.round_s = self.answer_s = self.began_s

    def see(self, now: Round, now_s: float) -> None:
        """A whole round."""
        self.rounds, self.round_s = self.rounds + 1, now_s
        self.platform_since |= now.reached
        if now.failure is None:
            self.answer_s = now_s

    def course(self, now_s: float) -> Course:
        return Course(
            elapsed_ms=_ms(now_s - self.began_s), rounds=self.rounds, round_age_ms=_ms(now_s - self.round_s),
            answer_age_ms=_ms(now_s - self.answer_s), platform_before=self.platform_before,
            platform_since=self.platform_since,
        )  # fmt: skip


class Configuring:
    """Decides on what comes, watches over what is on trial, and says what the box's settings are now."""

    def __init__(
        self, config: Path, configurations: Configurations, *, deployment: Deployment, recording: Recording,
        state: Path, station: int, events: EventLog, alarms: Alarms,
    ) -> None:  # fmt: skip
        self._config, self._configurations, self._deployment = config, configurations, deployment
        self._recording, self._inbox, self._station = recording, state / INBOX, station
        self._events, self._alarms = events, alarms
        self._asked_ms = -_ASK_MS
        self._trial: _Trial | None = None
        self._last: Round | None = None
        self.changed = asyncio.Event()
        """Set when the box that runs has not the settings that should rule."""

    @property
    def on_trial(self) -> bool:
        """Whether a configuration is on trial."""
        return self._configurations.on_trial is not None

    def settings(self, *, t_ms: int) -> Settings:
        """The settings with what is configured over them; a configuration that fits them no longer is dropped."""
        try:
            return self._fitting(self._configurations.values)
        except AllianceError as wrong:
            if not self._configurations.values:
                raise
            told = self._configurations
            answer = told.roll_back(t_ms=t_ms, reason=_short(wrong)) or told.drop(t_ms=t_ms, reason=_short(wrong))
            self._note("configuration.rolled_back", answer, t_ms)
            return self.settings(t_ms=t_ms)

    def begin(self) -> None:
        """A box begins with the settings that should rule."""
        self.changed.clear()
        reached = self._last is not None and self._last.reached
        self._trial = _Trial(time.monotonic(), platform_before=reached) if self.on_trial else None

    def see(self, now: Round) -> None:
        """A whole round: judge what is on trial, and look whether somebody brought a configuration."""
        self._last = now
        if self._trial is not None:
            self._trial.see(now, time.monotonic())
        self.judge(t_ms=now.t_ms)
        self._look(now.t_ms)

    def judge(self, *, t_ms: int) -> bool:
        """Confirm or roll back what is on trial, if it is time; whether it was rolled back now."""
        body, trial = self._configurations.on_trial, self._trial
        if body is None or trial is None:
            return False
        course = trial.course(time.monotonic())
        match verdict := judged(course, trial_ms=body.trial_s * 1_000, patience_ms=body.patience_s * 1_000):
            case Verdict.GOES_ON:
                return False
            case Verdict.STAYS:
                with suppress(StorageFailed):  # it stays on trial until the disk takes it
                    self._note("configuration.confirmed", self._configurations.confirm(t_ms=t_ms), t_ms)
                    self._trial = None
                return False
            case Verdict.ROUNDS_STOPPED | Verdict.DEVICE_SILENT | Verdict.PLATFORM_UNREACHED:
                self.roll_back(verdict.value, t_ms=t_ms)
                return True

    def roll_back(self, reason: str, *, t_ms: int) -> None:
        """Take back what is on trial, if anything is."""
        self._trial = None
        answer = self._configurations.roll_back(t_ms=t_ms, reason=reason[:200])
        if answer is not None:
            self._note("configuration.rolled_back", answer, t_ms)
            self.changed.set()

    async def exchange(self, service: Service, t_ms: int) -> None:
        """Tell the platform what became of the last ones, and ask it for one now and then.

        A platform that refuses it is reached nevertheless, and holds no evidence up. Raises ServiceUnreachable or
        AnswerMalformed.
        """
        try:
            await self._exchanged(service, t_ms)
        except ServiceRefused as refused:
            self._alarms.raised("configuration.exchange_refused", at_ms=t_ms, reason=str(refused))
        else:
            self._alarms.cleared("configuration.exchange_refused", at_ms=t_ms)

    async def _exchanged(self, service: Service, t_ms: int) -> None:
        answers, signer = self._configurations.unsent(), self._recording.signer
        if signer is None:
            return
        if answers:
            signed = [self._configurations.signed(answer, signer) for answer in answers]
            await service.configuration_answers(self._recording.device, signed)
            self._configurations.sent(answers)
        asked = self._last is None or t_ms - self._asked_ms < _ASK_MS  # before the first round nothing can be judged
        if not self._configurations.expected or asked:
            return
        self._asked_ms = t_ms
        device, domain = self._recording.device, self._recording.domain
        sign = partial(question.asked, device=device, t_ms=t_ms, signer=signer, domain=domain)
        raw = await service.configuration(self._station, after=self._configurations.highest, sign=sign)
        if raw is not None:
            self._take(raw, t_ms)

    def _take(self, raw: bytes, t_ms: int) -> None:
        """Decide on a configuration; the foreign is told and changes nothing."""
        told, highest = self._configurations, self._configurations.highest
        answering = self._last is not None and self._last.failure is None
        try:
            refused = told.take(raw, t_ms=t_ms, fits=self._fitting, answering=answering)
        except StorageFailed:
            raise
        except AllianceError as wrong:
            self._alarms.count("configurations_foreign")
            self._events.note("configuration.foreign", t_ms=t_ms, reason=_short(wrong))
            return
        if refused is not None:
            self._note("configuration.refused", refused, t_ms)
        elif told.highest > highest:
            self._events.note("configuration.applied", t_ms=t_ms, number=told.number, set=dict(told.values))
            self.changed.set()

    def _look(self, t_ms: int) -> None:
        if not self._inbox.exists():
            return
        with suppress(OSError, StorageFailed):
            with self._inbox.open("rb") as file:
                raw = file.read(_LONGEST_INBOX)
            self._take(raw, t_ms)
            self._inbox.unlink()

    def _fitting(self, values: Mapping[str, Value]) -> Settings:
        settings = configurable.configured(self._config, values)
        check_fits(settings, self._deployment)
        return settings

    def _note(self, kind: str, answer: Answer | None, t_ms: int) -> None:
        if answer is not None:
            self._events.note(kind, t_ms=t_ms, number=answer.number, reason=answer.reason)


def bring(state: Path, raw: bytes) -> None:
    """Put a configuration before a box, whole. Raises OSError."""
    aside = state / (INBOX + ".part")
    aside.write_bytes(raw)
    aside.replace(state / INBOX)


def _ms(seconds: float) -> int:
    return int(seconds * 1_000)


def _short(wrong: AllianceError) -> str:
    return str(wrong)[:200]
