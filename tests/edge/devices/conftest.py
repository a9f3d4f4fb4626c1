"""Real plants behind real Modbus TCP servers on free ports."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from alliance.calendar import day_of
from edge.devices.link import Transport
from edge.devices.open import DeviceKind, DeviceSettings, PartSettings, open_devices
from edge.devices.station import DeviceError, StationDevices, StationSample
from oracle.adapters import SystemClock
from simulation.battery import BatteryRating
from simulation.devices.ems import EmsDevice
from simulation.devices.mqtt import MqttDevice
from simulation.devices.parts import StationParts
from simulation.devices.sunspec import SunSpecDevice
from simulation.devices.sunspec_older import OlderSunSpecDevice
from simulation.plant import Plant, PlantParameters, Snapshot
from simulation.profiles import DayProfile
from tests.edge.devices.broker import Broker, running_broker
from tests.edge.devices.serial_line import line

DAY = day_of("2026-07-15")
SITE = PlantParameters(
    battery=BatteryRating(capacity_wh=2_000_000, charge_power_w=1_000_000, discharge_power_w=1_000_000),
    ramp_w_per_s=100_000,
    pcc_import_w=3_000_000,
    pcc_export_w=1_000_000,
    standby_w=5_000,
    reactive_ppm=300_000,
)


class Server(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Device(Protocol):
    @property
    def server(self) -> Server: ...

    def publish(self, now: Snapshot) -> None: ...


class Parts:
    """Five devices of one plant: at five ports, from one on, or all on one serial line."""

    def __init__(self, plant: Plant, ports: list[int], transport: Transport, ends: tuple[str, str] | None) -> None:
        self._parts = StationParts(plant, seed="bench")
        tables = self._parts.by_table
        near, far = ends or ("127.0.0.1", "127.0.0.1")
        self.servers = [
            part.registers.server(host=far, port=port, transport=transport)
            for part, port in zip(tables.values(), ports, strict=True)
        ]
        self.settings = tuple(
            PartSettings(table=Path(table), host=near, port=port, transport=transport)
            for table, port in zip(tables, ports, strict=True)
        )
        if ends:
            self.servers[0].beside = self.servers[1:]
            self.servers = self.servers[:1]

    @property
    def server(self) -> Server:
        return self

    async def start(self) -> None:
        for server in self.servers:
            await server.start()

    async def stop(self) -> None:
        for server in self.servers:
            await server.stop()

    def publish(self, now: Snapshot) -> None:
        self._parts.publish(now)


class MqttBench:
    """A plant that publishes to a broker as the device `ems-1`."""

    def __init__(self, plant: Plant, broker: Broker) -> None:
        self.mqtt = MqttDevice(
            plant=plant, device="ems-1", client=lambda: broker.client("ems-1"), now_ms=SystemClock().now_ms
        )

    @property
    def server(self) -> Server:
        return self.mqtt

    def publish(self, now: Snapshot) -> None:
        self.mqtt.publish(now)


class Patient:
    """Reads once what the device shows has reached the broker and come back."""

    def __init__(self, driver: StationDevices, device: MqttBench) -> None:
        self._driver, self._device = driver, device

    @property
    def troubles(self) -> Mapping[str, str]:
        return self._driver.troubles

    async def read(self) -> StationSample:
        if self._device.mqtt.connected:
            with suppress(DeviceError):
                await self._driver.read()  # connects, so that nothing is missed
            self._device.mqtt.again()
            await self._device.mqtt.ready.wait()
            await asyncio.sleep(0.05)
        return await self._driver.read()

    async def write_power(self, power_w: int) -> None:
        await self._driver.write_power(power_w)

    async def close(self) -> None:
        await self._driver.close()


@dataclass(slots=True)
class Bench:
    """A plant, its register map, and the driver that reads it."""

    plant: Plant
    device: Any
    driver: StationDevices
    port: int

    def live(self, minutes: int) -> None:
        self.plant.step(self.plant.t_ms + minutes * 60_000)
        self.device.publish(self.plant.snapshot())


class Leaping:
    """A clock that is a minute on at each look, so that every point is due at every read."""

    def __init__(self) -> None:
        self._now_ms = DAY.start_ms

    def now_ms(self) -> int:
        self._now_ms += 60_000
        return self._now_ms


Benches = Callable[..., AbstractAsyncContextManager[Bench]]


PARTS = {"parts": Transport.TCP, "rtu_over_tcp": Transport.RTU_OVER_TCP, "rtu": Transport.RTU}
"""Stations of five devices, and how their frames travel."""


async def line_ends(lines: AsyncExitStack) -> tuple[str, str]:
    """A serial line's two ends, the box's and the devices'."""
    near, far, _ = await lines.enter_async_context(line())
    return near, far


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def free_port() -> int:
    return free()


@pytest.fixture
def bench(free_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Benches]:
    stack = ExitStack()

    @asynccontextmanager
    async def make(kind: str, *, scale: int = 1, **settings: int) -> AsyncIterator[Bench]:
        days = {DAY: DayProfile(day=DAY, load_w=(800_000,) * 96, pv_w=(100_000,) * 96)}
        battery = replace(
            SITE.battery,
            capacity_wh=SITE.battery.capacity_wh * scale,
            charge_power_w=SITE.battery.charge_power_w * scale,
            discharge_power_w=SITE.battery.discharge_power_w * scale,
        )
        parameters = replace(
            SITE,
            battery=battery,
            ramp_w_per_s=SITE.ramp_w_per_s * scale,
            pcc_import_w=SITE.pcc_import_w * scale,
            pcc_export_w=SITE.pcc_export_w * scale,
        )
        plant = Plant(parameters=parameters, days=days, seed="bench", start_ms=DAY.start_ms)
        port, lines = free_port, AsyncExitStack()
        device: Device
        options: dict[str, Any] = dict(settings)
        if kind in PARTS:
            ends = (await line_ends(lines)) if kind == "rtu" else None
            ports = [port, *(free() for _ in range(4))]
            device = Parts(plant, ports, PARTS[kind], ends)
            options["parts"] = device.settings
        elif kind == "table":
            device = EmsDevice(plant=plant, host="127.0.0.1", port=port)
        elif kind == "older":
            device = OlderSunSpecDevice(plant=plant, name="bench", serial="1", host="127.0.0.1", port=port)
        elif kind == "mqtt":
            broker = stack.enter_context(running_broker(tmp_path_factory.mktemp("broker")))
            device = MqttBench(plant, broker)
            options["parts"] = (broker.part("ems-1"),)
        else:
            device = SunSpecDevice(
                plant=plant, name="bench", serial="1", host="127.0.0.1", port=port, detailed=kind == "detailed"
            )
        await device.server.start()
        speaks = DeviceKind.TABLE if kind in (*PARTS, "table", "mqtt") else DeviceKind.SUNSPEC
        clock = SystemClock() if kind == "mqtt" else Leaping()
        driver = open_devices(DeviceSettings(kind=speaks, port=port, timeout_ms=500, **options), clock=clock)
        try:
            yield Bench(plant, device, Patient(driver, device) if isinstance(device, MqttBench) else driver, port)
        finally:
            await driver.close()
            await device.server.stop()
            await lines.aclose()

    with stack:
        yield make
