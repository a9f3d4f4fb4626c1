"""Real plants behind real Modbus TCP servers on free ports."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from alliance.calendar import day_of
from edge.devices.open import DeviceKind, DeviceSettings, open_devices
from edge.devices.station import StationDevices
from simulation.battery import BatteryRating
from simulation.devices.ems import EmsDevice
from simulation.devices.sunspec import SunSpecDevice
from simulation.plant import Plant, PlantParameters
from simulation.profiles import DayProfile

DAY = day_of("2026-07-15")
SITE = PlantParameters(
    battery=BatteryRating(capacity_wh=2_000_000, charge_power_w=1_000_000, discharge_power_w=1_000_000),
    ramp_w_per_s=100_000,
    pcc_import_w=3_000_000,
    pcc_export_w=1_000_000,
    standby_w=5_000,
    reactive_ppm=300_000,
)


@dataclass(slots=True)
class Bench:
    """A plant, its register map, and the driver that reads it."""

    plant: Plant
    device: SunSpecDevice | EmsDevice
    driver: StationDevices
    port: int

    def live(self, minutes: int) -> None:
        self.plant.step(self.plant.t_ms + minutes * 60_000)
        self.device.publish(self.plant.snapshot())


Benches = Callable[..., AbstractAsyncContextManager[Bench]]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def bench(free_port: int) -> Benches:
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
        port = free_port
        device: SunSpecDevice | EmsDevice
        if kind == "sunspec":
            device = SunSpecDevice(plant=plant, name="bench", serial="1", host="127.0.0.1", port=port)
        else:
            device = EmsDevice(plant=plant, host="127.0.0.1", port=port)
        await device.server.start()
        driver = open_devices(DeviceSettings(kind=DeviceKind(kind), port=port, timeout_ms=500, **settings))
        try:
            yield Bench(plant, device, driver, port)
        finally:
            await driver.close()
            await device.server.stop()

    return make
