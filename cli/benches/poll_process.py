"""The processes of the cases `edge-poll` and `edge-frequency`: `python -m cli.benches.poll_process ROLE SETUP`.

SETUP is JSON. Each says `ready` or one JSON object on its last line; those that serve end with their input. Every role
imports what it needs itself, so that the memory of the polling one is its own.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

Setup = Mapping[str, Any]
BEAT_MS = 200
"""The simulators move their counters so often."""
SETTLE_S = 2
"""Connecting and the first looks are left out of the figures."""


async def serve(setup: Setup) -> None:
    """Real Modbus TCP servers, one a device, whose counters move; until the input ends."""
    from edge.devices.tables import read_points
    from simulation.devices.registers import Registers

    devices = [Registers(read_points(Path(one["table"])), obey=lambda *_: None) for one in setup["devices"]]
    servers = [
        registers.server(host="127.0.0.1", port=one["port"])
        for registers, one in zip(devices, setup["devices"], strict=True)
    ]
    for server in servers:
        await server.start()

    async def beat() -> None:
        for count in range(1, 1 << 40):
            for number, registers in enumerate(devices):
                registers.put({"rack.beat": count % 60_000, "rack.cell.1.voltage": 3_200 + (count + number) % 200})
            await asyncio.sleep(BEAT_MS / 1_000)

    await _until_input_ends(beat)
    for server in servers:
        await server.stop()


async def station(setup: Setup) -> None:
    """A whole station behind one register map, which lives in real time; until the input ends."""
    from alliance.calendar import day_of
    from simulation.battery import BatteryRating
    from simulation.devices.ems import EmsDevice
    from simulation.plant import Plant, PlantParameters
    from simulation.profiles import DayProfile

    day = day_of("2026-07-15")
    battery = BatteryRating(capacity_wh=2_000_000, charge_power_w=1_000_000, discharge_power_w=1_000_000)
    plant = Plant(
        parameters=PlantParameters(
            battery=battery, ramp_w_per_s=100_000, pcc_import_w=3_000_000, pcc_export_w=1_000_000, standby_w=5_000
        ),
        days={day: DayProfile(day=day, load_w=(800_000,) * 96, pv_w=(100_000,) * 96)}, seed="bench",
        start_ms=day.start_ms,
    )  # fmt: skip
    device = EmsDevice(plant=plant, host="127.0.0.1", port=setup["port"])
    await device.server.start()

    async def live() -> None:
        began_s = time.monotonic()
        while True:
            await asyncio.sleep(0.05)
            plant.step(day.start_ms + int((time.monotonic() - began_s) * 1_000))
            device.publish(plant.snapshot())

    await _until_input_ends(live)
    await device.server.stop()


async def poll(setup: Setup) -> None:
    """`alliance-edge watch`'s own loop over all devices: read each second, report on change and once a period."""
    from collections import Counter

    from edge.commands.watching import watch
    from edge.devices.open import DeviceKind, DeviceSettings, PartSettings
    from oracle.adapters import SystemClock

    reports: Counter[str] = Counter()
    failures: list[str] = []

    def say(line: str) -> None:
        told = json.loads(line)
        if "error" in told:
            failures.append(told["error"])
        else:
            reports[told["key"]] += 1

    parts = tuple(
        PartSettings(table=Path(one["table"]), port=one["port"], name=one["name"]) for one in setup["devices"]
    )
    work = watch(
        DeviceSettings(kind=DeviceKind.TABLE, parts=parts), say=say, seconds=0, every_ms=1_000, period_ms=60_000,
        clock=SystemClock(),
    )  # fmt: skip
    told = await _measured(work, setup["seconds"])
    beats = [reports[f"{one['name']}.rack.beat"] for one in setup["devices"]]
    _say({**told, "points": len(reports), "fewest_beats": min(beats), "failures": failures})


async def bare(setup: Setup) -> None:
    """pymodbus's client alone, asked for the same registers each second, and nothing done with the answers."""
    from pymodbus.client import AsyncModbusTcpClient

    clients = [AsyncModbusTcpClient("127.0.0.1", port=one["port"], retries=0) for one in setup["devices"]]
    for client in clients:
        await client.connect()
    answers = 0

    async def ask(client: Any, blocks: list[tuple[int, int, int, int]]) -> int:
        for unit, function, address, count in blocks:
            call = {
                1: client.read_coils, 2: client.read_discrete_inputs, 3: client.read_holding_registers,
                4: client.read_input_registers,
            }[function]  # fmt: skip
            assert not (await call(address, count=count, device_id=unit)).isError()
        return len(blocks)

    async def work() -> None:
        nonlocal answers
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        while True:
            pairs = zip(clients, setup["devices"], strict=True)
            answers += sum(await asyncio.gather(*(ask(client, one["blocks"]) for client, one in pairs)))
            next_s = max(next_s + 1, loop.time())
            await asyncio.sleep(next_s - loop.time())

    told = await _measured(work(), setup["seconds"])
    for client in clients:
        client.close()
    _say({**told, "answers": answers})


async def empty(setup: Setup) -> None:
    """The frequency's grid with nothing to do."""
    from edge.control.fast import on_grid
    from edge.control.jitter import Jitter

    jitter, ends_s = Jitter(setup["period_ms"]), time.monotonic() + setup["seconds"]

    async def nothing() -> None:
        return None

    await on_grid(nothing, period_ms=setup["period_ms"], jitter=jitter, ended=lambda: time.monotonic() >= ends_s)
    _say(dict(jitter.told()))


async def _measured(work: Awaitable[None], seconds: float) -> dict[str, float]:
    """Processor time and memory of this process while work goes on, once it has settled."""
    from cli.benches.measure import own_peak_kb

    task = asyncio.ensure_future(work)
    await asyncio.sleep(SETTLE_S)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    await asyncio.wait({task}, timeout=seconds)
    told = {
        "cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s, "peak_kb": own_peak_kb(),
        "resident_kb": _resident_kb(),
    }  # fmt: skip
    if task.done():
        task.result()
    task.cancel()
    await asyncio.wait({task})
    return told


def _resident_kb() -> int:
    """Resident memory of this process now, KiB; 0 where the system does not tell it so."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


async def _until_input_ends(work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())
    print("ready", flush=True)
    reading = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait({task, reading}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    task.cancel()
    await asyncio.wait({task})


def _say(told: Mapping[str, Any]) -> None:
    print(json.dumps(told), flush=True)


ROLES: Mapping[str, Callable[[Setup], Awaitable[None]]] = {
    "serve": serve, "station": station, "poll": poll, "bare": bare, "empty": empty,
}  # fmt: skip


if __name__ == "__main__":
    asyncio.run(ROLES[sys.argv[1]](json.loads(sys.argv[2])))  # type: ignore[arg-type]
