"""The box's round (protocol 10.2): read, record, guard, order, send, so that control never waits for a link."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog

from alliance.calendar import SLOT_MS, day_at
from alliance.errors import AllianceError, Malformed
from alliance.identity import to_hex
from alliance.ports import Clock
from edge.clock import Synchronised
from edge.control import demand, wish
from edge.control import following as control
from edge.control.directives import Directives
from edge.control.fast_link import FastLink, Report
from edge.control.following import Schedules
from edge.control.frequency import Told
from edge.control.guard import Before, Order, Situation, battery_bound_w, guard
from edge.control.jitter import Jitter
from edge.control.limits import Limits
from edge.control.watch import Watch
from edge.control.wish import Base, Source, Wish
from edge.devices.station import Contactors, DeviceError, Quality, StationDevices, StationSample, TwoStores
from edge.evidence.recorder import Recorder, Recording
from edge.evidence.sampling import Moment, stamp_ms
from edge.evidence.store import StorageFailed, Store
from edge.evidence.stream import NO_BEACON, Beacon
from edge.health import status
from edge.health.alarms import Alarms, Log
from edge.health.diagnosis.keeper import Diagnosis
from edge.health.faults import looking
from edge.health.faults.board import Board, Cut
from edge.health.round import Failure, Round
from edge.link import live, question
from edge.link.service import Service, ServiceError, ServiceRefused, ServiceUnreachable
from edge.link.uplink import AckForeign, Backoff, Uplink
from edge.reporting import Reported, due

_NOON_MS = 12 * 3_600_000
"""From then on the next day's schedule is asked for."""
_IDLE_SHARE = 100
"""Up to a hundredth of the rating, contactors open without an arc to speak of."""
_STOP_S = 2
"""How long stopping waits for the device to take 0 W."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often things are done; `talk_s` bounds one exchange with the platform."""

    tick_ms: int
    sample_ms: int
    live_ticks: int
    backoff_ticks: int
    device_s: float
    talk_s: float
    first_s: float
    """How long the very first round waits for the platform's beacon."""
    directive_ticks: int = 1
    """Every so many rounds the box asks for directives."""
    live_deadband_w: int | None = None
    """Live values are shown, too, when a power has moved by more than this since it was shown last."""
    apart: bool = False
    """Whether the exchange runs beside the rounds, so that a slow link holds none of them up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a station box is made of."""

    station: int
    devices: StationDevices
    limits: Limits
    recording: Recording
    recorder: Recorder
    schedules: Schedules
    directives: Directives
    service: Service
    uplink: Uplink
    alarms: Alarms
    clock: Clock
    synchronised: Synchronised
    store: Store
    shave_demand: bool = False
    """Whether the battery discharges, schedule or not, to keep the month's demand (protocol 9.13.4)."""
    fast: FastLink | None = None
    """The frequency's process (protocol 9.16.4)."""
    configure: Callable[[Service, int], Awaitable[None]] | None = None
    """Asks the platform at an instant for a configuration of the box (protocol 9.20)."""
    diagnosis: Diagnosis | None = None
    board: Board | None = None
    """The station's alarms (protocol 10.16)."""
    opens_contactors: bool = True
    """Whether a trip opens the battery's contactors, once its power is gone."""


class StationBox:
    """One station's edge. `tick` does a whole round and raises nothing that a later round may mend."""

    def __init__(self, parts: Parts, rhythm: Rhythm) -> None:
        self._parts, self._rhythm = parts, rhythm
        self._log: Log = structlog.get_logger()
        self._beacon = NO_BEACON
        self._before: Before | None = None
        self._order = Order(power_w=0)
        self._base = Base(power_w=None, source=Source.NOTHING)
        self._jitter = Jitter(rhythm.tick_ms)
        self._fast_jitter: Mapping[str, int] | None = None
        self._talking: asyncio.Task[None] | None = None
        self._made = Wish(power_w=None, source=Source.NOTHING)
        month, reached_w = status.demand_reached(parts.store)
        self._watch = Watch(parts.limits, month=month, reached_w=reached_w)
        self._ordered_ms = self._looked_ms = 0
        self._cut = Cut() if parts.board is None else parts.board.cut
        self._error: Exception | None = None
        self._news = False
        self._opened: frozenset[int] = frozenset()
        self._sampled = self._remembered = -1
        self._rounds = 0
        self._failure: Failure | None = None
        self._reached = False
        self.last: Round | None = None
        """The last whole round."""
        self._shown: Mapping[str, Reported] = {}
        self._link = Backoff(rhythm.backoff_ticks)
        self._asking = Backoff(rhythm.backoff_ticks)

    @property
    def beacon(self) -> Beacon:
        """The newest block that the platform has reported."""
        return self._beacon

    async def tick(self, t_ms: int) -> Order:
        """A round at an instant; returns the order that was written, or would have been."""
        late_ms = self._parts.clock.now_ms() - t_ms
        self._jitter.note(1_000 * late_ms)
        sample = await self._read(t_ms)
        self._looked_ms = t_ms
        recorded = await self._record(t_ms, sample)
        self._judge(t_ms, sample, recorded=recorded)
        order = await self._drive(t_ms)
        await self._open(t_ms, sample)
        if self._parts.diagnosis is not None:
            self._parts.diagnosis.ordered(order, t_ms=t_ms, seen=sample is not None)
        self._remember(t_ms)
        if not self._rhythm.apart:
            await self._talk(t_ms, sample, order)
        elif self._talking is None or self._talking.done():
            if self._talking is not None:
                self._talking.result()  # what a later round cannot mend ends the box here, too
            self._talking = asyncio.create_task(self._talk(t_ms, sample, order))
        self._rounds += 1
        self.last = self._seen(t_ms, late_ms, sample, order)
        return order

    async def stop(self) -> None:
        """Order 0 W as far as the device answers and nobody else commands it, and let everything go."""
        if self._talking is not None:
            self._talking.cancel()
        if self._parts.fast is not None:
            await self._parts.fast.close()
        try:
            async with asyncio.timeout(_STOP_S):
                if not self._order.silent:
                    _confine(self._parts.devices, 0, 0)
                    await self._parts.devices.write_power(0)
        except (DeviceError, OSError) as failure:  # TimeoutError is an OSError
            self._log.warning("box.stop_order_failed", reason=str(failure))
        await self._parts.devices.close()
        await self._parts.service.close()

    @property
    def cycles(self) -> dict[str, Mapping[str, int] | None]:
        """How punctual the cycles are."""
        return {"control": self._jitter.told(), "frequency": self._fast_jitter}

    def _seen(self, t_ms: int, late_ms: int, sample: StationSample | None, order: Order) -> Round:
        signer, instruction = self._parts.recording.signer, self._parts.directives.instruction(t_ms)
        return Round(
            t_ms=t_ms, late_ms=late_ms, sample=sample, failure=self._failure, order=order, wish=self._made,
            reached=self._reached, key=to_hex(signer.address) if signer else "",
            envelope=self._base.envelope is not None,
            instruction=None if instruction is None else instruction[0].directive.number,
        )  # fmt: skip

    async def _read(self, t_ms: int) -> StationSample | None:
        alarms = self._parts.alarms
        try:
            async with asyncio.timeout(self._rhythm.device_s):
                sample = await self._parts.devices.read()
        except (DeviceError, OSError) as failure:  # TimeoutError is an OSError
            reason, host = str(failure) or type(failure).__name__, getattr(failure, "host", "")
            self._failure = Failure(place=f"{host}:{getattr(failure, 'port', '')}" if host else "", reason=reason)
            alarms.raised("device.unreadable", at_ms=t_ms, reason=reason)
            alarms.count("bad_reads")
            self._error = failure
            if isinstance(failure, Malformed):
                alarms.count("bad_frames")
            return None
        self._failure = self._error = None
        alarms.cleared("device.unreadable", at_ms=t_ms)
        troubles = self._parts.devices.troubles
        self._say("device.part_silent", bool(sample.quality & Quality.PART_SILENT), t_ms, **_told(troubles))
        self._watch.see(sample, t_ms=t_ms)
        if self._parts.diagnosis is not None:
            self._parts.diagnosis.see(sample, t_ms=t_ms)
        if sample.quality & Quality.CLOCK_SKEWED:
            alarms.raised("device.clock_skewed", at_ms=t_ms)
            alarms.count("clock_skewed")
        else:
            alarms.cleared("device.clock_skewed", at_ms=t_ms)
        if sample.alarms:
            alarms.raised("device.alarm", at_ms=t_ms, named=", ".join(sample.alarms))
        else:
            alarms.cleared("device.alarm", at_ms=t_ms)
        return sample

    async def _record(self, t_ms: int, sample: StationSample | None) -> bool:
        """Record the first round of each sampling period; later rounds of it only control. Whether it was one."""
        parts, period = self._parts, t_ms // self._rhythm.sample_ms
        if period == self._sampled:
            return False
        now_ms = max(t_ms, parts.clock.now_ms())
        moment = Moment(t_ms=stamp_ms(t_ms, now_ms=now_ms), synchronised=parts.synchronised())
        if sample is None:
            parts.alarms.count("readings_missed")
        if self._sampled < 0:
            self._beacon = await self._first_beacon()
        self._sampled = period
        parts.recorder.record(sample, moment=moment, beacon=self._beacon)
        return sample is not None

    async def _first_beacon(self) -> Beacon:
        """What the stored open segment carries; or the platform's, if it answers at once; or none."""
        if not self._parts.recorder.between_segments:
            return self._parts.recorder.last_beacon
        try:
            async with asyncio.timeout(self._rhythm.first_s):
                return await self._known_beacon()
        except (ServiceError, TimeoutError):
            return NO_BEACON

    async def _drive(self, t_ms: int) -> Order:
        parts, now = self._parts, self._situation(t_ms)
        wanted_w = self._wish(t_ms, now)
        report = await self._fast(t_ms, now)
        if report is not None:
            order, self._made = report.order, replace(self._made, answer_w=report.answer_w)
        else:
            order = guard(wanted_w, limits=parts.limits, now=now, before=self._standing(t_ms, now))
        if (order.reasons, order.unasked) != (self._order.reasons, self._order.unasked):
            self._log.info(
                "guard.cut", t_ms=t_ms, wanted_w=wanted_w, power_w=order.power_w, reasons=order.reasons,
                unasked=order.unasked,
            )  # fmt: skip
        self._order = order
        if order.silent:
            parts.alarms.raised("control.taken_over", at_ms=t_ms, by=order.reasons[0])
            self._before = None
        else:
            parts.alarms.cleared("control.taken_over", at_ms=t_ms)
        if report is not None:
            self._before = None  # that process has the order that stands
        elif not order.silent:
            _confine(parts.devices, *battery_bound_w(parts.limits, now))
            await self._write(t_ms, order)
        return order

    async def _fast(self, t_ms: int, now: Situation | None) -> Report | None:
        """What the frequency's process does, if there is one and it drives the station."""
        parts = self._parts
        if parts.fast is None:
            return None
        told = Told(
            t_ms=parts.clock.now_ms(), base_w=self._base.power_w, source=self._base.source,
            envelope=self._base.envelope, until_ms=parts.directives.envelope_until_ms, least_w=self._least_w(now),
            charge_share_bp=self._cut.charge_bp, discharge_share_bp=self._cut.discharge_bp,
        )  # fmt: skip
        report = await parts.fast.exchange(told)
        self._say("frequency.process_down", report is None, t_ms)
        self._fast_jitter = None if report is None else report.jitter
        return report

    def _situation(self, t_ms: int) -> Situation | None:
        now, cut = self._watch.situation(t_ms=t_ms, hold_ms=self._rhythm.tick_ms), self._cut
        if now is None:
            return None
        return replace(now, charge_share_bp=cut.charge_bp, discharge_share_bp=cut.discharge_bp)

    def _judge(self, t_ms: int, sample: StationSample | None, *, recorded: bool) -> None:
        """What is wrong with the station's parts now, and what that leaves of its power (protocol 10.16)."""
        board, recorder = self._parts.board, self._parts.recorder
        if board is None:
            return
        events = board.round(
            looking.Round(
                sample=sample, failure=self._error, doubts=recorder.doubts if recorded else None,
                order_failed="device.order_failed" in self._parts.alarms.names, tick_ms=self._rhythm.tick_ms,
                troubles=self._parts.devices.troubles,
            ),
            t_ms=t_ms,
        )  # fmt: skip
        self._cut, self._news = board.cut, self._news or bool(events)

    async def _open(self, t_ms: int, sample: StationSample | None) -> None:
        """Open the contactors once for each trip that asks for it, when no power flows through them any more."""
        parts, opening = self._parts, self._cut.opening
        if opening <= self._opened or not parts.opens_contactors or sample is None:
            return
        idle_w = max(parts.limits.charge_power_w, parts.limits.discharge_power_w) // _IDLE_SHARE
        battery_w = sample.points.get("battery_power", sample.battery_power_w)  # beside a capacitor: its own
        if abs(battery_w) > idle_w or not isinstance(parts.devices, Contactors):
            return
        try:
            async with asyncio.timeout(self._rhythm.device_s):
                taken = await parts.devices.open_contactors()
        except (DeviceError, OSError) as failure:  # TimeoutError is an OSError
            self._log.warning("contactors.open_failed", t_ms=t_ms, reason=str(failure))
            parts.alarms.count("orders_failed")
        else:
            self._opened = opening
            self._log.warning("contactors.opened", t_ms=t_ms, taken=taken)

    def _wish(self, t_ms: int, now: Situation | None) -> int | None:
        """What instruction, schedule, envelope, frequency and demand want together; None where nothing is wanted."""
        parts, directives = self._parts, self._parts.directives
        with suppress(StorageFailed):
            directives.close(t_ms=t_ms)
        instructed, envelope = directives.instruction(t_ms), directives.envelope(t_ms)
        scheduled_w = parts.schedules.wanted_w(t_ms)
        wanted = wish.base(
            t_ms, instructed_w=None if instructed is None else instructed[1].power_w, scheduled_w=scheduled_w,
            envelope=envelope,
        )  # fmt: skip
        least_w = self._least_w(now)
        if parts.diagnosis is not None:
            wanted = parts.diagnosis.base(t_ms, wanted, least_w=least_w)
        self._base = wanted
        made = wish.wish(wanted, now=now, limits=parts.limits, least_w=least_w)
        self._say("schedule.missing", scheduled_w is None, t_ms, day=str(day_at(t_ms)))
        self._say("envelope.expired", envelope is not None and not envelope[1], t_ms)
        self._say("frequency.unmeasured", made.frequency_missing, t_ms)
        self._made = made
        return made.power_w

    def _least_w(self, now: Situation | None) -> int | None:
        if not self._parts.shave_demand or now is None or now.demand is None:
            return None
        return demand.shaving_w(now.demand, net_load_w=now.net_load_w, hold_ms=now.hold_ms)

    def _say(self, alarm: str, stands: bool, t_ms: int, **facts: object) -> None:
        if stands:
            self._parts.alarms.raised(alarm, at_ms=t_ms, **facts)
        else:
            self._parts.alarms.cleared(alarm, at_ms=t_ms)

    def _remember(self, t_ms: int) -> None:
        """Once in a sampling period, what the guard does and what the month's demand has reached, for good."""
        if t_ms // self._rhythm.sample_ms == self._remembered:
            return
        self._remembered = t_ms // self._rhythm.sample_ms
        with suppress(StorageFailed):
            status.keep_troubles(self._parts.store, self._parts.devices.troubles)
            status.keep_guard(
                self._parts.store, self._order, self._made, reached=self._watch.reached, at_ms=t_ms,
                cycles=self.cycles,
            )  # fmt: skip

    async def _write(self, t_ms: int, order: Order) -> None:
        alarms = self._parts.alarms
        try:
            async with asyncio.timeout(self._rhythm.device_s):
                await self._parts.devices.write_power(order.power_w)
        except (DeviceError, OSError) as failure:  # TimeoutError is an OSError
            alarms.raised("device.order_failed", at_ms=t_ms, reason=str(failure) or type(failure).__name__)
            alarms.count("orders_failed")
            return
        alarms.cleared("device.order_failed", at_ms=t_ms)
        self._before, self._ordered_ms = Before(power_w=order.power_w, elapsed_ms=0), t_ms

    def _standing(self, t_ms: int, now: Situation | None) -> Before:
        """The order in force: the last one that the device took from us, or else what the battery does."""
        if self._before is None:
            power_w = now.sample.battery_power_w if now else 0
            return Before(power_w=power_w, elapsed_ms=self._rhythm.tick_ms)
        return Before(power_w=self._before.power_w, elapsed_ms=t_ms - self._ordered_ms)

    async def _talk(self, t_ms: int, sample: StationSample | None, order: Order) -> None:
        """Exchange with the platform what is due; a failing link is left alone for a number of rounds that doubles."""
        alarms = self._parts.alarms
        if not self._link.due() or not self._parts.uplink.may_talk():
            return
        try:
            async with asyncio.timeout(self._rhythm.talk_s):
                await self._directed(t_ms)
                await self._parts.uplink.send()
                await self._ask(t_ms)
                if self._parts.configure is not None:
                    await self._parts.configure(self._parts.service, t_ms)
                await self._show(t_ms, sample, order)
        except (ServiceError, StorageFailed, AckForeign, OSError) as failure:  # TimeoutError is an OSError
            self._link.failed()
            self._reached = False
            alarms.raised("uplink.down", at_ms=t_ms, reason=str(failure) or type(failure).__name__)
            alarms.count("uplink_failures")
            return
        self._link.succeeded()
        self._reached = True
        alarms.cleared("uplink.down", at_ms=t_ms)

    async def _ask(self, t_ms: int) -> None:
        """Fetch the beacon before the next segment opens, and schedules before the slot that they are for."""
        parts, next_ms = self._parts, t_ms + self._rhythm.tick_ms
        if parts.recorder.between_segments:
            self._beacon = await self._known_beacon()
        ends_slot = next_ms // SLOT_MS != t_ms // SLOT_MS
        if ends_slot or (not parts.schedules.covers(next_ms) and self._asking.due()):
            await self._fetch(next_ms, t_ms)
        tomorrow = day_at(next_ms).plus(1)
        if ends_slot and next_ms - day_at(next_ms).start_ms >= _NOON_MS and not parts.schedules.has(tomorrow):
            await self._fetch(tomorrow.start_ms, t_ms)

    async def _directed(self, t_ms: int) -> None:
        """What a dispatcher says comes before any backlog; a platform that refuses it holds no evidence up."""
        try:
            await self._obey(t_ms)
        except ServiceRefused as refused:
            self._parts.alarms.raised("directive.exchange_refused", at_ms=t_ms, reason=str(refused))
        else:
            self._parts.alarms.cleared("directive.exchange_refused", at_ms=t_ms)

    async def _obey(self, t_ms: int) -> None:
        """Take what a dispatcher wants done, and send the answers that wait; the foreign is counted, not answered."""
        parts, directives = self._parts, self._parts.directives
        signer, device, domain = parts.recording.signer, parts.recording.device, parts.recording.domain
        if not directives.expected or signer is None or self._rounds % self._rhythm.directive_ticks:
            return
        sign = partial(question.asked, device=device, t_ms=t_ms, signer=signer, domain=domain)
        for raw in await parts.service.directives(parts.station, after=directives.highest, sign=sign):
            t_ms = self._looked_ms  # rounds go on while the platform is asked
            try:
                answer = directives.take(raw, t_ms=t_ms, now=self._situation(t_ms))
            except StorageFailed:
                raise
            except AllianceError as wrong:
                self._log.warning("directive.foreign", t_ms=t_ms, reason=str(wrong))
                parts.alarms.count("directives_foreign")
                continue
            if answer is not None:
                self._log.info(
                    "directive.decided", t_ms=t_ms, number=answer.number, outcome=answer.outcome.name.lower(),
                    reason=answer.reason,
                )  # fmt: skip
        answers = directives.unsent()
        if answers:
            await parts.service.answers(device, [directives.signed(one, signer) for one in answers])
            directives.sent(answers)

    def _tells_alarms(self) -> bool:
        """An alarm that came or went is shown in its round, where anything is shown at all (protocol 10.16)."""
        return self._news and bool(self._rhythm.live_ticks)

    def _is_due_to_show(self, t_ms: int, sample: StationSample | None, order: Order) -> bool:
        """Each period, and with a deadband also on change (A8)."""
        every, deadband_w = self._rhythm.live_ticks, self._rhythm.live_deadband_w
        if sample is None:
            return False
        if not every or deadband_w is None:
            return bool(every) and self._rounds % every == 0
        values = {"meter": sample.meter_power_w, "battery": sample.battery_power_w, "order": order.power_w}
        self._shown, reports = due(
            self._shown, values, t_ms=t_ms, period_ms=every * self._rhythm.tick_ms,
            deadbands=dict.fromkeys(values, deadband_w),
        )  # fmt: skip
        return bool(reports)

    async def _known_beacon(self) -> Beacon:
        try:
            return await self._parts.service.beacon()
        except ServiceUnreachable:
            raise
        except ServiceError as refused:
            self._log.warning("beacon.unknown", reason=str(refused))
            return self._beacon

    async def _fetch(self, for_ms: int, t_ms: int) -> None:
        parts, day = self._parts, day_at(for_ms)
        try:
            value = await parts.service.schedule(parts.station, day)
            if value is not None and parts.schedules.keep(control.parse(value, day=day), at_ms=t_ms):
                self._log.info("schedule.taken", t_ms=t_ms, day=str(day))
        except (ServiceUnreachable, StorageFailed):
            raise
        except AllianceError as refused:
            parts.alarms.raised("schedule.refused", at_ms=t_ms, day=str(day), reason=str(refused))
            self._asking.failed()
            return
        parts.alarms.cleared("schedule.refused", at_ms=t_ms)
        if value is None:
            self._asking.failed()
        else:
            self._asking.succeeded()

    async def _show(self, t_ms: int, sample: StationSample | None, order: Order) -> None:
        recording = self._parts.recording
        if recording.signer is None or not (self._is_due_to_show(t_ms, sample, order) or self._tells_alarms()):
            return
        board = self._parts.board
        shown = live.message(
            sample, station=self._parts.station, t_ms=t_ms, order=order, device=recording.device,
            signer=recording.signer, domain=recording.domain, alarms=None if board is None else board.told,
        )  # fmt: skip
        self._news = False
        try:
            await self._parts.service.live(shown.body, alg=shown.alg, signature=shown.signature)
        except ServiceUnreachable:
            raise
        except ServiceError as refused:
            self._log.debug("live.refused", t_ms=t_ms, reason=str(refused))
            self._parts.alarms.count("live_refused")


def _confine(devices: StationDevices, charge_w: int, discharge_w: int) -> None:
    """Of two stores behind one order, the battery's part keeps to the battery's own limits (protocol 9.14.5)."""
    if isinstance(devices, TwoStores):
        devices.bound(charge_w=charge_w, discharge_w=discharge_w)


def _told(troubles: Mapping[str, str]) -> Mapping[str, object]:
    """Of points that could not be had: how many, one of them, and its last error."""
    first = min(troubles, default="")
    return {"points": len(troubles), "point": first, "reason": troubles.get(first, "")}
