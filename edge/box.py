"""The box's round (protocol 10.2): read, record, guard, order, send, so that control never waits for a link."""

import asyncio
from dataclasses import dataclass

import structlog

from alliance.calendar import SLOT_MS, day_at
from alliance.errors import AllianceError, Malformed
from alliance.ports import Clock
from edge import control, live
from edge.alarms import Alarms, Log
from edge.clock import Synchronised
from edge.control import Schedules
from edge.devices.station import DeviceError, Quality, StationDevices, StationSample
from edge.guard import Before, Limits, Order, Reason, guard
from edge.recorder import Recorder, Recording
from edge.sampling import Moment, stamp_ms
from edge.service import Service, ServiceError, ServiceUnreachable
from edge.store import StorageFailed
from edge.stream import NO_BEACON, Beacon
from edge.uplink import AckForeign, Backoff, Uplink

_NOON_MS = 12 * 3_600_000
"""From then on the next day's schedule is asked for."""
_STOP_S = 2
"""How long stopping waits for the device to take 0 W."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often things are done; `talk_s` bounds what a round spends on the link."""

    tick_ms: int
    sample_ms: int
    live_ticks: int
    backoff_ticks: int
    device_s: float
    talk_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a station box is made of."""

    station: int
    devices: StationDevices
    limits: Limits
    recording: Recording
    recorder: Recorder
    schedules: Schedules
    service: Service
    uplink: Uplink
    alarms: Alarms
    clock: Clock
    synchronised: Synchronised


class StationBox:
    """One station's edge. `tick` does a whole round and raises nothing that a later round may mend."""

    def __init__(self, parts: Parts, rhythm: Rhythm) -> None:
        self._parts, self._rhythm = parts, rhythm
        self._log: Log = structlog.get_logger()
        self._beacon = NO_BEACON
        self._before: Before | None = None
        self._reasons: tuple[Reason, ...] = ()
        self._ordered_ms = 0
        self._sampled = -1
        self._rounds = 0
        self._link = Backoff(rhythm.backoff_ticks)
        self._asking = Backoff(rhythm.backoff_ticks)

    @property
    def beacon(self) -> Beacon:
        """The newest block that the platform has reported."""
        return self._beacon

    async def tick(self, t_ms: int) -> Order:
        """A round at an instant; returns the order that was written, or would have been."""
        sample = await self._read(t_ms)
        await self._record(t_ms, sample)
        order = await self._drive(t_ms, sample)
        await self._talk(t_ms, sample, order)
        self._rounds += 1
        return order

    async def stop(self) -> None:
        """Order 0 W as far as the device answers, and let everything go."""
        try:
            async with asyncio.timeout(_STOP_S):
                await self._parts.devices.write_power(0)
        except (DeviceError, OSError) as failure:  # TimeoutError is an OSError
            self._log.warning("box.stop_order_failed", reason=str(failure))
        await self._parts.devices.close()
        await self._parts.service.close()

    async def _read(self, t_ms: int) -> StationSample | None:
        alarms = self._parts.alarms
        try:
            async with asyncio.timeout(self._rhythm.device_s):
                sample = await self._parts.devices.read()
        except (DeviceError, OSError) as failure:  # TimeoutError is an OSError
            alarms.raised("device.unreadable", at_ms=t_ms, reason=str(failure) or type(failure).__name__)
            alarms.count("bad_reads")
            if isinstance(failure, Malformed):
                alarms.count("bad_frames")
            return None
        alarms.cleared("device.unreadable", at_ms=t_ms)
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

    async def _record(self, t_ms: int, sample: StationSample | None) -> None:
        """Record the first round of each sampling period; later rounds of it only control."""
        parts, period = self._parts, t_ms // self._rhythm.sample_ms
        if period == self._sampled:
            return
        now_ms = max(t_ms, parts.clock.now_ms())
        moment = Moment(t_ms=stamp_ms(t_ms, now_ms=now_ms), synchronised=parts.synchronised())
        if sample is None:
            parts.alarms.count("readings_missed")
        if self._sampled < 0:
            self._beacon = await self._first_beacon()
        self._sampled = period
        parts.recorder.record(sample, moment=moment, beacon=self._beacon)

    async def _first_beacon(self) -> Beacon:
        """What the stored open segment carries; or the platform's, if it answers at once; or none."""
        if not self._parts.recorder.between_segments:
            return self._parts.recorder.last_beacon
        try:
            async with asyncio.timeout(self._rhythm.talk_s):
                return await self._known_beacon()
        except (ServiceError, TimeoutError):
            return NO_BEACON

    async def _drive(self, t_ms: int, sample: StationSample | None) -> Order:
        parts = self._parts
        wanted_w = parts.schedules.wanted_w(t_ms)
        order = guard(
            wanted_w, limits=parts.limits, sample=sample, before=self._standing(t_ms, sample),
            hold_ms=self._rhythm.tick_ms,
        )  # fmt: skip
        if wanted_w is None:
            parts.alarms.raised("schedule.missing", at_ms=t_ms, day=str(day_at(t_ms)))
        else:
            parts.alarms.cleared("schedule.missing", at_ms=t_ms)
        if order.reasons != self._reasons:
            self._reasons = order.reasons
            self._log.info("guard.cut", t_ms=t_ms, wanted_w=wanted_w, power_w=order.power_w, reasons=order.reasons)
        await self._write(t_ms, order)
        return order

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

    def _standing(self, t_ms: int, sample: StationSample | None) -> Before:
        """The order in force: the last one that the device took, or at first what the battery does."""
        if self._before is None:
            return Before(power_w=sample.battery_power_w if sample else 0, elapsed_ms=self._rhythm.tick_ms)
        return Before(power_w=self._before.power_w, elapsed_ms=t_ms - self._ordered_ms)

    async def _talk(self, t_ms: int, sample: StationSample | None, order: Order) -> None:
        """Exchange with the platform what is due; a failing link is left alone for a number of rounds that doubles."""
        alarms = self._parts.alarms
        if not self._link.due():
            return
        try:
            async with asyncio.timeout(self._rhythm.talk_s):
                await self._parts.uplink.send()
                await self._ask(t_ms)
                await self._show(t_ms, sample, order)
        except (ServiceError, StorageFailed, AckForeign, OSError) as failure:  # TimeoutError is an OSError
            self._link.failed()
            alarms.raised("uplink.down", at_ms=t_ms, reason=str(failure) or type(failure).__name__)
            alarms.count("uplink_failures")
            return
        self._link.succeeded()
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
        every = self._rhythm.live_ticks
        recording = self._parts.recording
        if sample is None or recording.signer is None or not every or self._rounds % every:
            return
        shown = live.message(
            sample, station=self._parts.station, t_ms=t_ms, order=order, device=recording.device,
            signer=recording.signer, domain=recording.domain,
        )  # fmt: skip
        try:
            await self._parts.service.live(shown.body, alg=shown.alg, signature=shown.signature)
        except ServiceUnreachable:
            raise
        except ServiceError as refused:
            self._log.debug("live.refused", t_ms=t_ms, reason=str(refused))
            self._parts.alarms.count("live_refused")
