"""A station of five simulated devices behind real servers, and a whole station box in virtual time, for fault tests."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from edge.box import Parts, Rhythm, StationBox
from edge.clock import always_synchronised
from edge.control.directives import Directives
from edge.control.following import Schedules, StationSchedule
from edge.control.limits import Limits
from edge.devices.open import Device, DeviceKind, DeviceSettings, PartSettings, devices_of, open_devices
from edge.devices.station import StationDevices
from edge.evidence.recorder import Recorder, Recording
from edge.evidence.screening import bounds_of
from edge.folder import StateFolder
from edge.health.alarms import Alarms
from edge.health.faults.asks import Ask, Verb, ask
from edge.health.faults.board import Board
from edge.health.faults.engine import Alarm
from edge.health.faults.looking import ratings_of
from edge.health.faults.plan import plan_of
from edge.health.faults.thresholds import Threshold, thresholds
from edge.keys.signing import KeyKeeper
from edge.link.service import Service
from edge.link.uplink import Acknowledger, Uplink
from simulation.battery import BatteryRating
from simulation.devices.parts import StationParts
from simulation.devices.server import DeviceServer
from simulation.fault_list import FAULTS
from simulation.faults import FaultySite, Injected
from simulation.plant import Plant, PlantParameters
from simulation.profiles import DayProfile
from tests.edge.peer import DOMAIN, WRITER
from tests.edge.rig import DAY, Tock, folder_at, seeded

TABLES = ("meter", "pcs", "bms", "hvac", "fire")
CONTAINER = 5
TICK_MS = 1_000
SAMPLE_MS = 60_000
RATED_W = 1_000_000
SITE = PlantParameters(
    battery=BatteryRating(capacity_wh=2_000_000, charge_power_w=RATED_W, discharge_power_w=RATED_W),
    ramp_w_per_s=500_000, pcc_import_w=1_200_000, pcc_export_w=1_200_000, standby_w=5_000, reactive_ppm=300_000,
)  # fmt: skip
LIMITS = Limits(
    charge_power_w=RATED_W, discharge_power_w=RATED_W, capacity_wh=2_000_000, soc_min_bp=500, soc_max_bp=9_800,
    pcc_import_w=1_200_000, pcc_export_w=1_200_000, ramp_w_per_s=500_000, heartbeat_ms=30_000,
)  # fmt: skip
LOAD_W = 800_000
BOUNDS = bounds_of(sample_ms=SAMPLE_MS, rated_w=1_200_000, step_wh=100)


def plant_of(seed: str = "faults") -> Plant:
    days = {DAY: DayProfile(day=DAY, load_w=(LOAD_W,) * 96, pv_w=(0,) * 96)}
    return Plant(parameters=SITE, days=days, seed=seed, start_ms=DAY.start_ms)


def settings_of(ports: Mapping[str, int], *, container: int = CONTAINER) -> DeviceSettings:
    parts = tuple(
        PartSettings(table=Path(t), port=ports[t], name=f"container.{container}" if t == "bms" else "") for t in TABLES
    )
    return DeviceSettings(kind=DeviceKind.TABLE, parts=parts, timeout_ms=1_500)


@dataclass
class Stage:
    """All of it; `round` lets a second, or more, pass."""

    path: Path
    plant: Plant
    site: FaultySite
    devices: tuple[Device, ...]
    driver: StationDevices
    folder: StateFolder
    clock: Tock
    board: Board
    box: StationBox
    parts: Parts

    async def round(self, step_ms: int = TICK_MS) -> None:
        self.clock.t_ms += step_ms
        self.plant.step(max(self.clock.t_ms, self.plant.t_ms))
        self.site.publish(self.plant.snapshot())
        await self.box.tick(self.clock.t_ms)

    async def inject(self, spec: str) -> Injected:
        injected = self.site.parse(spec)
        await self.site.inject(injected)
        return injected

    def standing(self) -> tuple[Alarm, ...]:
        return self.board.state.standing

    async def calm(self) -> None:
        """Take every fault out, reset what latched, close the contactor, and wait until nothing stands."""
        await self.site.clear()
        for _ in range(100):
            if not self.standing():
                return
            self.site.put("bms", {"bms.contactor_order": 1})
            self.plant.set_contactor(closed=True)
            self.site.parts.fire._released = False
            for alarm in self.standing():
                if alarm.latched and alarm.gone_ms is not None:
                    ask(self.path, Ask(verb=Verb.RESET, number=alarm.number, by="campaign"))
            waits = all(alarm.under_ms is not None for alarm in self.standing())
            await self.round(11_000 if waits else 3_000)
        raise AssertionError([a.key for a in self.standing()])

    def again(self) -> None:
        """The box starts anew on its folder."""
        rhythm = self.box._rhythm
        self.board = _board(self.folder, self.parts.alarms, self.devices, thresholds(), self.path)
        self.parts = replace(self.parts, board=self.board, recorder=_recorder(self.parts, self.folder))
        self.box = StationBox(self.parts, rhythm)


def _recorder(parts: Parts, folder: StateFolder) -> Recorder:
    return Recorder(
        recording=parts.recording, store=folder.store, outbox=folder.outbox, alarms=parts.alarms,
        bounds=dict.fromkeys((1, 2), BOUNDS),
    )  # fmt: skip


def _board(
    folder: StateFolder, alarms: Alarms, devices: tuple[Device, ...], limits: Mapping[str, Threshold], path: Path
) -> Board:  # fmt: skip
    return Board(
        store=folder.store, alarms=alarms, plan=plan_of(devices), thresholds=limits, ratings=ratings_of(LIMITS),
        state=path,
    )  # fmt: skip


@asynccontextmanager
async def stage(
    path: Path, *, limits: Mapping[str, Threshold] | None = None, wish_w: int | None = None, opens: bool = True,
    service_url: str = "http://127.0.0.1:9", live_ticks: int = 0,
) -> AsyncIterator[Stage]:  # fmt: skip
    plant = plant_of()
    simulated = StationParts(plant, seed="faults")
    servers: dict[str, DeviceServer] = {}
    for table in TABLES:
        servers[table] = simulated.by_table[table].registers.server(host="127.0.0.1", port=_free())
        await servers[table].start()
    settings = settings_of({table: server.port for table, server in servers.items()})
    site = FaultySite(plant=plant, parts=simulated, servers=servers, faults=FAULTS, container=CONTAINER)
    folder, clock = folder_at(path), Tock(DAY.start_ms + 3_600_000)
    driver = open_devices(settings, clock=clock)
    plant.step(clock.t_ms)
    alarms, devices = Alarms(folder.store), devices_of(settings)
    board = _board(folder, alarms, devices, thresholds() if limits is None else limits, path)
    recording = Recording(domain=DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=900, chance=seeded)
    service, schedules = Service(service_url, timeout_s=1), Schedules(folder.store)
    if wish_w is not None:
        slots = dict.fromkeys(range(96), wish_w // 4)
        schedules.keep(StationSchedule(day=DAY, digest=bytes(32), revision=1, battery_wh=slots), at_ms=clock.t_ms)  # type: ignore[arg-type]
    uplink = Uplink(
        outbox=folder.outbox, service=service, alarms=alarms, clock=clock, backoff_ticks=100_000,
        acknowledger=Acknowledger(domain=DOMAIN, keys=frozenset({WRITER.address})),
        keeper=KeyKeeper(folder, recording, alarms),
    )  # fmt: skip
    parts = Parts(
        station=4, devices=driver, limits=LIMITS, recording=recording, schedules=schedules, service=service,
        directives=Directives(folder.store, station=4, domain=DOMAIN, limits=LIMITS, dispatchers=frozenset()),
        recorder=Recorder(
            recording=recording, store=folder.store, outbox=folder.outbox, alarms=alarms,
            bounds=dict.fromkeys((1, 2), BOUNDS),
        ),
        uplink=uplink, alarms=alarms, clock=clock, synchronised=always_synchronised, store=folder.store, board=board,
        opens_contactors=opens,
    )  # fmt: skip
    rhythm = Rhythm(
        tick_ms=TICK_MS, sample_ms=SAMPLE_MS, live_ticks=live_ticks, backoff_ticks=100_000 if not live_ticks else 1,
        device_s=10, talk_s=10, first_s=1,
    )  # fmt: skip
    box = StationBox(parts, rhythm)
    made = Stage(path, plant, site, devices, driver, folder, clock, board, box, parts)
    try:
        for _ in range(2):
            await made.round()
        yield made
    finally:
        await driver.close()
        await service.close()
        for server in servers.values():
            await server.stop()
        folder.close()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
