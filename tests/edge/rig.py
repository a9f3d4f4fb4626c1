"""Station boxes for the tests: the real parts on a real folder, beside a scripted station and a real HTTP peer."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from alliance.calendar import day_of
from alliance.ports import Randomness
from edge.box import Parts, Rhythm, StationBox
from edge.clock import always_synchronised
from edge.control.directives import Directives
from edge.control.fast_link import FastLink
from edge.control.following import Schedules
from edge.control.limits import Limits
from edge.devices.station import DeviceUnreachable, PcsState, Quality, StationSample
from edge.evidence.recorder import Recorder, Recording
from edge.evidence.screening import bounds_of
from edge.folder import StateFolder, open_folder
from edge.health.alarms import Alarms
from edge.keys.signing import KeyKeeper
from edge.link.service import Service
from edge.link.uplink import Acknowledger, Uplink
from oracle.adapters import SeededRandomness
from oracle.keyfile import Lock
from tests.edge.peer import DISPATCHER, DOMAIN, WRITER, Peer

MINUTE_MS = 60_000
DAY = day_of("2026-07-15")
START_MS = DAY.start_ms
SAMPLE = StationSample(
    meter_power_w=-300_000, reactive_var=-20_000, import_wh=1_000_000, export_wh=2_000, battery_power_w=0,
    soc_bp=5_000, soh_bp=9_900, charge_wh=500_000, discharge_wh=450_000, pcs_state=PcsState.STANDBY,
    charge_limit_w=1_000_000, discharge_limit_w=1_000_000, set_power_w=0, frequency_mhz=50_000, alarms=(),
    quality=Quality(0),
)  # fmt: skip
LIMITS = Limits(
    charge_power_w=500_000, discharge_power_w=500_000, capacity_wh=1_000_000, soc_min_bp=1_000, soc_max_bp=9_000,
    pcc_import_w=1_000_000, pcc_export_w=200_000, ramp_w_per_s=100_000,
)  # fmt: skip

BOUNDS = dict.fromkeys((1, 2), bounds_of(sample_ms=MINUTE_MS, rated_w=1_000_000, step_wh=1))


def seeded(purpose: str) -> Randomness:
    return SeededRandomness(b"rig", purpose)


@dataclass
class ScriptedStation:
    """A station whose registers advance by its own rule; reads fail while `silent`."""

    sample: StationSample = SAMPLE
    silent: bool = False
    orders: list[int] = field(default_factory=list)
    reads: int = 0

    @property
    def troubles(self) -> dict[str, str]:
        return {"meter_power": "silent"} if self.silent else {}

    async def read(self) -> StationSample:
        if self.silent:
            raise DeviceUnreachable(host="test", port=1)
        self.reads += 1
        self.sample = replace(self.sample, import_wh=self.sample.import_wh + 5_000)
        return self.sample

    async def write_power(self, power_w: int) -> None:
        if self.silent:
            raise DeviceUnreachable(host="test", port=1)
        self.orders.append(power_w)

    async def close(self) -> None:
        """Nothing to let go."""


@dataclass
class Tock:
    """The clock of a rig."""

    t_ms: int = START_MS

    def now_ms(self) -> int:
        return self.t_ms


@dataclass
class Rig:
    """A box, its folder and its surroundings."""

    box: StationBox
    folder: StateFolder
    station: ScriptedStation
    clock: Tock
    alarms: Alarms
    schedules: Schedules

    async def play(self, minutes: int, *, between: Callable[[int], None] | None = None) -> None:
        """Let so many minutes pass, one round each."""
        for _ in range(minutes):
            self.clock.t_ms += MINUTE_MS
            if between:
                between(self.clock.t_ms)
            await self.box.tick(self.clock.t_ms)

    def waiting(self) -> int:
        return len(self.folder.outbox.waiting(channels=[1, 2], limit=1_000_000))


PLAIN = Lock(plain_allowed=True)
"""Most tests are not about key files: these stand plain, by name."""


def folder_at(path: Path, *, quota_bytes: int = 64 << 20, reserve_bytes: int = 1 << 20) -> StateFolder:
    return open_folder(
        path,
        domain=DOMAIN,
        randomness=seeded("key"),
        key_lock=PLAIN,
        quota_bytes=quota_bytes,
        reserve_bytes=reserve_bytes,
    )


@asynccontextmanager
async def rig(
    path: Path, peer: Peer, *, station: ScriptedStation | None = None, t_ms: int = START_MS, folder: StateFolder | None = None,
    live_ticks: int = 0, backoff_ticks: int = 8, limits: Limits = LIMITS, bytes_per_s: int = 0,
    live_deadband_w: int | None = None,
    tick_ms: int = MINUTE_MS, fast: FastLink | None = None, url: str | None = None, ca_file: Path | None = None,
) -> AsyncIterator[Rig]:  # fmt: skip
    folder = folder or folder_at(path)
    station, clock, alarms = station or ScriptedStation(), Tock(t_ms), Alarms(folder.store)
    recording = Recording(domain=DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=900, chance=seeded)
    service = Service(url or peer.url, timeout_s=2, ca_file=ca_file)
    schedules = Schedules(folder.store)
    uplink = Uplink(
        outbox=folder.outbox, service=service, alarms=alarms, clock=clock, backoff_ticks=backoff_ticks,
        acknowledger=Acknowledger(domain=DOMAIN, keys=frozenset({WRITER.address})),
        keeper=KeyKeeper(folder, recording, alarms), bytes_per_s=bytes_per_s,
    )  # fmt: skip
    parts = Parts(
        station=4, devices=station, limits=limits, recording=recording, schedules=schedules, service=service,
        directives=Directives(
            folder.store, station=4, domain=DOMAIN, limits=limits, dispatchers=frozenset({DISPATCHER.address})
        ),
        recorder=Recorder(recording=recording, store=folder.store, outbox=folder.outbox, alarms=alarms, bounds=BOUNDS),
        uplink=uplink, alarms=alarms, clock=clock, synchronised=always_synchronised, store=folder.store,
        fast=fast,
    )  # fmt: skip
    rhythm = Rhythm(
        tick_ms=tick_ms, sample_ms=MINUTE_MS, live_ticks=live_ticks, backoff_ticks=backoff_ticks, device_s=2, talk_s=10,
        first_s=10, live_deadband_w=live_deadband_w,
    )  # fmt: skip
    made = Rig(StationBox(parts, rhythm), folder, station, clock, alarms, schedules)
    try:
        yield made
    finally:
        await service.close()
        folder.close()
