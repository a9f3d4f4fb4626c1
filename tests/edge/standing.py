"""A station before a box: a real plant behind real Modbus that lives by the machine's clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from alliance.calendar import day_at
from simulation.battery import BatteryRating
from simulation.devices.ems import EmsDevice
from simulation.plant import Plant, PlantParameters
from simulation.profiles import DayProfile
from tests.edge.peer import Peer

SITE = PlantParameters(
    battery=BatteryRating(capacity_wh=2_000_000, charge_power_w=1_000_000, discharge_power_w=1_000_000),
    ramp_w_per_s=100_000, pcc_import_w=3_000_000, pcc_export_w=1_000_000, standby_w=5_000,
)  # fmt: skip


@dataclass
class Standing:
    """The device; `stop` lets it fall silent, `start` answer again."""

    plant: Plant
    port: int
    device: EmsDevice | None = None

    async def start(self) -> None:
        self.device = EmsDevice(plant=self.plant, host="127.0.0.1", port=self.port)
        await self.device.server.start()

    async def stop(self) -> None:
        if self.device is not None:
            await asyncio.sleep(0.2)  # what clients closed meanwhile is let go before
            await self.device.server.stop()
            self.device = None

    async def live(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            self.plant.step(time.time_ns() // 1_000_000)
            if self.device is not None:
                self.device.publish(self.plant.snapshot())


@asynccontextmanager
async def standing(port: int) -> AsyncIterator[Standing]:
    now_ms = time.time_ns() // 1_000_000
    today = day_at(now_ms)
    days = {
        day: DayProfile(day=day, load_w=(300_000,) * 96, pv_w=(100_000,) * 96)
        for day in (today.plus(-1), today, today.plus(1))
    }
    made = Standing(Plant(parameters=SITE, days=days, seed="standing", start_ms=now_ms - 1_000), port)
    await made.start()
    living = asyncio.create_task(made.live())
    try:
        yield made
    finally:
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living
        await made.stop()


def scheduled_now(peer: Peer, *, battery_wh: int = 50_000) -> None:
    """Today and the days beside it have a schedule: so much in each slot, discharge positive."""
    today = day_at(time.time_ns() // 1_000_000)
    rows: list[dict[str, Any]] = [
        {"slot": s, "batteryWh": battery_wh, "plannedNetWh": 0, "netLoadWh": 0} for s in range(96)
    ]
    for day in (today.plus(-1), today, today.plus(1)):
        peer.schedules[str(day)] = {"schedule": "0x" + "05" * 32, "revision": 0, "rows": rows}
