"""Running a box for years (protocol 9.20, 10.20): its event log, its watchdog, its page, its changes of configuration.

One box runs at a time. When another configuration shall rule, the box ends after its round, as it does at its own end,
and another one takes its place in the same process.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from alliance.errors import AllianceError
from alliance.identity import to_hex
from alliance.obedience import Outcome
from alliance.ports import Clock, Pacer
from edge import configurable
from edge.box import StationBox
from edge.configuring import Configuring
from edge.evidence.recorder import Recording
from edge.evidence.store import Store
from edge.folder import StateFolder
from edge.health import page, sight, watchdog
from edge.health.alarms import Alarms
from edge.health.event_log import FOLDER, EventLog
from edge.health.round import Round, changes, mode_change, mode_of
from edge.health.sight import Sight
from edge.health.watchdog import Watchdog
from edge.link.configurations import Configurations
from edge.settings import Settings
from oracle.deployment import Deployment

_LOOK_S = 0.5
"""A trial is looked at so often, rounds or no rounds."""


class PacedClock(Clock, Pacer, Protocol):
    """The system's or the lock-step clock: it grants rounds and tells the time."""


Make = Callable[[Settings, "Attendance", PacedClock], StationBox]
Pace = Callable[[Settings], PacedClock]


class Attendance:
    """Runs boxes on one state folder until it is cancelled."""

    def __init__(
        self, config: Path, deployment: Deployment, folder: StateFolder, recording: Recording, *, make: Make, pace: Pace
    ) -> None:
        """Take up the folder's event log. Raises OSError, StorageFailed or what settings raise."""
        self.folder, self.recording, self._make, self._pace = folder, recording, make, pace
        self.events = EventLog(
            folder.path / FOLDER, folder.store, device=folder.device, domain=deployment.domain,
            signer=lambda: recording.signer or folder.signer,
        )  # fmt: skip
        self.alarms = Alarms(folder.store, heard=lambda kind, t_ms, facts: self.events.note(kind, t_ms=t_ms, **facts))
        own = configurable.configured(config, {})
        configurations = Configurations(
            folder.store, station=own.station, domain=deployment.domain, configurers=frozenset(own.configurers)
        )
        self.configuring = Configuring(
            config, configurations, deployment=deployment, recording=recording, state=folder.path,
            station=own.station, events=self.events, alarms=self.alarms,
        )  # fmt: skip
        self._own, self._configurations = own, configurations
        self._answered = _last_answer(folder.store)
        self._before: Round | None = None
        self._mode: str | None = None

    async def run(self) -> None:
        """Boxes one after another. Raises what a later round cannot mend."""
        clock = self._pace(self._own)
        self._started(clock.now_ms())
        settings = self.configuring.settings(t_ms=clock.now_ms())
        dog = watchdog.of_environment(tick_ms=settings.tick_s * 1_000, device_ms=2 * settings.device.timeout_ms)
        seen = Sight(self._own, store=self.folder.store, events=self.events)
        server = await self._shown(seen, clock.now_ms())
        try:
            while True:
                if settings.pacer == "system":
                    clock = self._pace(settings)
                await self._one(settings, clock, dog, seen)
                settings = self.configuring.settings(t_ms=clock.now_ms())
                dog.expect(tick_ms=settings.tick_s * 1_000, device_ms=2 * settings.device.timeout_ms)
        finally:
            dog.stopping()
            await page.close(server)
            self.events.note("stopped", t_ms=clock.now_ms())
            self.events.flush(t_ms=clock.now_ms())
            await clock.close()

    async def _shown(self, seen: Sight, t_ms: int) -> page.Server | None:
        """The page; a port that something else holds is an alarm, no reason not to run."""
        try:
            server = await page.serve(self._own.page_host, self._own.page_port, seen)
        except OSError as taken:
            self.alarms.raised("page.down", at_ms=t_ms, reason=str(taken))
            return None
        self.alarms.cleared("page.down", at_ms=t_ms)
        return server

    async def _one(self, settings: Settings, clock: PacedClock, dog: Watchdog, seen: Sight) -> None:
        """One box, until another configuration shall rule."""
        self.configuring.begin()
        on_trial = self.configuring.on_trial
        try:
            box = self._make(settings, self, clock)
        except AllianceError as wrong:
            if not on_trial:
                raise
            self.configuring.roll_back(str(wrong), t_ms=clock.now_ms())
            return
        seen.settings = settings
        rounds = asyncio.create_task(self._rounds(box, clock, dog, seen))
        looking = asyncio.create_task(self._look(rounds, clock)) if on_trial and settings.pacer == "system" else None
        try:
            await asyncio.wait({rounds})
            failed = None if rounds.cancelled() else rounds.exception()
            if failed is not None and not self.configuring.on_trial:
                raise failed
            if failed is not None:
                self.configuring.roll_back(f"box_failed: {failed}", t_ms=clock.now_ms())
        finally:
            for task in (looking, rounds):
                if task is not None:
                    task.cancel()
                    await asyncio.wait({task})
            await box.stop()

    async def _rounds(self, box: StationBox, clock: PacedClock, dog: Watchdog, seen: Sight) -> None:
        while not self.configuring.changed.is_set():
            t_ms = await clock.next_tick()
            await box.tick(t_ms)
            if box.last is not None:
                self._note(box.last)
                self.configuring.see(box.last)
                seen.see(box.last, box.cycles)
                dog.round_ended(sight.in_a_line(box.last))
            self._flush(t_ms)

    async def _look(self, rounds: "asyncio.Task[None]", clock: PacedClock) -> None:
        """Look at a trial apart from the rounds, which may hang; what fails ends them."""
        while self.configuring.on_trial:
            await asyncio.sleep(_LOOK_S)
            if self.configuring.judge(t_ms=clock.now_ms()):
                rounds.cancel()

    def _started(self, t_ms: int) -> None:
        """Say that the box began, and take back what its last run left on trial."""
        self.events.note(
            "started", t_ms=t_ms, version=sight.version(), clean=self.events.last_kind in ("", "stopped"),
            configuration=self._configurations.number, device=to_hex(self.folder.device),
            key=to_hex(self.folder.signer.address),
        )  # fmt: skip
        self.configuring.roll_back("restarted", t_ms=t_ms)
        if t_ms:  # the lock-step clock tells no time before its first round
            self._flush(t_ms)

    def _note(self, now: Round) -> None:
        """What a round changed."""
        for change in changes(self._before, now):
            self.events.note(change.kind, t_ms=now.t_ms, before=change.before, after=change.after)
        if (switched := mode_change(self._mode, now.sample)) is not None:
            self.events.note(switched.kind, t_ms=now.t_ms, before=switched.before, after=switched.after)
        self._mode, self._before = mode_of(now.sample) or self._mode, now
        rows = self.folder.store.rows(
            "SELECT a.row, d.number, a.outcome, a.t_ms, a.reason FROM answer a"
            " JOIN directive d ON d.digest = a.digest WHERE a.row > ? ORDER BY a.row", self._answered,
        )  # fmt: skip
        for row, number, outcome, t_ms, reason in rows:
            self._answered, named = int(str(row)), Outcome(int(str(outcome))).name.lower()
            self.events.note("directive.answered", t_ms=int(str(t_ms)), number=number, outcome=named, reason=reason)

    def _flush(self, t_ms: int) -> None:
        if self.events.flush(t_ms=t_ms):
            self.alarms.cleared("events.unwritable", at_ms=t_ms)
        else:
            self.alarms.raised("events.unwritable", at_ms=t_ms, waiting=self.events.waiting)


def _last_answer(store: Store) -> int:
    [(last,)] = store.rows("SELECT coalesce(max(row), 0) FROM answer")
    return int(str(last))
