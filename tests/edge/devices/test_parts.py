"""A station of several devices behind shipped tables, over TCP, serial server and serial line."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.commands.watching import watch
from edge.devices.link import ModbusLink, Transport
from edge.devices.open import DeviceKind, DeviceSettings, PartSettings, devices_of, open_devices
from edge.devices.station import (
    DeviceForeign,
    DeviceRefused,
    DeviceSilent,
    FrameDamaged,
    PcsState,
    Quality,
    StationDevices,
)
from edge.devices.tables import PointsIncomplete, PointTwice
from oracle.adapters import SystemClock
from simulation.devices.parts import StationParts
from simulation.devices.server import DeviceServer
from simulation.plant import Plant
from simulation.profiles import DayProfile
from tests.edge.devices.conftest import DAY, SITE, Benches, Leaping
from tests.edge.devices.serial_line import line

TABLES = ("meter", "pcs", "bms", "hvac", "fire")


def plant() -> Plant:
    days = {DAY: DayProfile(day=DAY, load_w=(800_000,) * 96, pv_w=(100_000,) * 96)}
    return Plant(parameters=SITE, days=days, seed="parts", start_ms=DAY.start_ms)


@dataclass
class Site:
    plant: Plant
    parts: StationParts
    driver: StationDevices
    servers: dict[str, DeviceServer]


@asynccontextmanager
async def site(*, over: Transport = Transport.TCP, swap: dict[str, str] | None = None) -> AsyncIterator[Site]:
    """Five servers on free ports, a driver over all of them; `swap` puts another device where a table's should be."""
    p = plant()
    parts = StationParts(p, seed="parts")
    servers, settings = {}, []
    for table in TABLES:
        stands = (swap or {}).get(table, table)
        server = parts.by_table[stands].registers.server(host="127.0.0.1", port=_free(), transport=over)
        await server.start()
        servers[table] = server
        unit = parts.by_table[stands].registers.unit_id
        settings.append(PartSettings(table=Path(table), port=server.port, transport=over, unit_id=unit))
    driver = open_devices(DeviceSettings(kind=DeviceKind.TABLE, parts=tuple(settings), timeout_ms=500), clock=Leaping())
    try:
        yield Site(p, parts, driver, servers)
    finally:
        await driver.close()
        for server in servers.values():
            await server.stop()


@pytest.mark.parametrize("over", [Transport.TCP, Transport.RTU_OVER_TCP])
def test_five_devices_make_one_station_that_is_read_and_follows(over: Transport) -> None:
    async def play() -> None:
        async with site(over=over) as s:
            await s.driver.write_power(-400_000)
            s.parts.live(5)
            seen, true = await s.driver.read(), s.plant.snapshot()
            assert true.battery_power_w == seen.battery_power_w == -400_000
            assert seen.meter_power_w == pytest.approx(true.meter_power_w, abs=10)
            assert (seen.import_wh, seen.export_wh) == (true.import_wh, true.export_wh)
            assert (seen.charge_wh, seen.discharge_wh) == pytest.approx((true.charge_wh, true.discharge_wh), abs=100)
            assert (seen.soc_bp, seen.soh_bp) == pytest.approx((true.soc_bp, true.soh_bp), abs=5)
            assert (seen.charge_limit_w, seen.discharge_limit_w) == (1_000_000, 1_000_000)
            assert (seen.pcs_state, seen.set_power_w) == (PcsState.CHARGING, -400_000)
            assert (seen.quality, seen.alarms, seen.doubtful) == (Quality(0), (), frozenset())
            assert seen.points["bms.current"] < 0  # ours: positive discharging; the table's: positive charging
            assert seen.points["cluster.2.pack.3.cell.7.voltage"] == pytest.approx(
                seen.points["cell_voltage_max"], abs=30
            )
            assert seen.points["hvac.power"] in (400, 5_400, 6_400)
            assert len(seen.points) > 250

    asyncio.run(play())


def test_a_faulty_cell_is_named_by_its_cluster_and_takes_the_permission_to_charge() -> None:
    async def play() -> None:
        async with site() as s:
            s.parts.bms.force("cluster.2.pack.3.cell.7.voltage", 3_700)
            s.parts.live(1)
            seen = await s.driver.read()
            assert "第2簇告警字：单体过压" in seen.alarms
            assert not any(alarm.startswith("第1簇") for alarm in seen.alarms)
            assert seen.quality == Quality.ALARM
            assert (seen.points["cell_voltage_max"], seen.points["bms.cell_voltage_max_at"]) == (3_700, 64 + 32 + 7)
            assert (seen.points["charge_permitted"], seen.points["discharge_permitted"]) == (0, 1)
            s.parts.bms.release()
            s.parts.live(1)
            assert (await s.driver.read()).alarms == ()

    asyncio.run(play())


def test_heartbeats_advance_in_both_directions_and_stop_when_the_battery_system_hangs() -> None:
    async def play() -> None:
        async with site() as s:
            first = (await s.driver.read()).points["bms.heartbeat"]
            s.parts.live(1)
            assert (await s.driver.read()).points["bms.heartbeat"] == first + 1
            s.parts.bms.beating = False
            s.parts.live(1)
            assert (await s.driver.read()).points["bms.heartbeat"] == first + 1
            await s.driver.write_power(0)
            await s.driver.write_power(0)
            assert s.parts.bms.registers.seen("bms_heartbeat") == s.parts.pcs.registers.seen("heartbeat") == 2

    asyncio.run(play())


def test_fire_in_one_zone_is_told_and_releases_the_agent_once_heat_and_smoke_meet() -> None:
    async def play() -> None:
        async with site() as s:
            s.parts.fire.zones[2].hydrogen_ppm = 400
            s.parts.live(1)
            seen = await s.driver.read()
            assert (seen.points["fire.state"], seen.points["fire.hydrogen.2"]) == (1, 400)
            assert seen.alarms == ("消防告警字：氢气超限",)
            s.parts.fire.zones[2].smoke, s.parts.fire.zones[2].heat_dc = True, 600
            s.parts.live(1)
            seen = await s.driver.read()
            assert (seen.points["fire.state"], seen.points["fire.agent_pressure"]) == (3, 0)

    asyncio.run(play())


def test_a_hot_container_is_cooled_and_a_broken_compressor_is_told() -> None:
    async def play() -> None:
        async with site() as s:
            link = ModbusLink(host="127.0.0.1", port=s.servers["hvac"].port, timeout_s=0.5)
            await link.write(unit_id=4, address=100, registers=[180])
            s.parts.live(3)
            cooled = (await s.driver.read()).points
            assert (cooled["hvac.mode"], cooled["hvac.compressor"], cooled["hvac.power"]) == (1, 1, 6_400)
            s.parts.hvac.faults = 4
            s.parts.live(30)
            broken = await s.driver.read()
            assert broken.points["hvac.return_temperature"] > cooled["hvac.return_temperature"] - 60
            assert "空调告警字：压缩机故障" in broken.alarms
            with pytest.raises(DeviceRefused) as refusal:  # beyond 35 °C
                await link.write(unit_id=4, address=100, registers=[900])
            assert refusal.value.exception == 3
            link.close()

    asyncio.run(play())


def test_another_device_at_the_place_is_named_before_anything_is_read_or_ordered() -> None:
    async def play() -> None:
        async with site(swap={"bms": "fire"}) as s:
            with pytest.raises(DeviceForeign) as refusal:
                await s.driver.read()
            assert (refusal.value.want, refusal.value.got) == (41_003, 41_005)

    asyncio.run(play())


def test_a_value_out_of_range_is_named_and_spoils_no_reading_unless_it_goes_into_one() -> None:
    async def play() -> None:
        async with site() as s:
            s.parts.bms.registers.spoil("cluster.1.pack.1.cell.1.voltage", [0xFFFF])
            seen = await s.driver.read()
            assert (seen.doubtful, seen.quality) == (frozenset({"cluster.1.pack.1.cell.1.voltage"}), Quality(0))
            s.parts.bms.registers.spoil("battery_soc", [1_001])
            assert (await s.driver.read()).quality == Quality.OUT_OF_RANGE

    asyncio.run(play())


def test_a_float_that_is_no_number_is_absent() -> None:
    async def play() -> None:
        async with site() as s:
            s.parts.hvac.registers.spoil("hvac.power", [0x7FC0, 0])
            seen = await s.driver.read()
            assert ("hvac.power" in seen.points, seen.quality) == (False, Quality(0))

    asyncio.run(play())


def test_two_devices_of_one_table_need_names_and_a_station_needs_its_points() -> None:
    meter, pcs, bms, fire = (PartSettings(table=Path(name)) for name in ("meter", "pcs", "bms", "fire"))
    with pytest.raises(PointTwice) as twice:
        devices_of(DeviceSettings(kind=DeviceKind.TABLE, parts=(meter, pcs, bms, fire, fire)))
    assert twice.value.key == "fire.state"
    named = tuple(PartSettings(table=Path("fire"), name=name) for name in ("east", "west"))
    devices = devices_of(DeviceSettings(kind=DeviceKind.TABLE, parts=(meter, pcs, bms, *named)))
    assert "west.fire.state" in devices[-1].points
    with pytest.raises(PointsIncomplete) as lacking:
        devices_of(DeviceSettings(kind=DeviceKind.TABLE, parts=(meter, pcs)))
    assert lacking.value.keys == ("battery_soc",)


def test_a_serial_line_carries_readings_orders_refusals_and_its_damage_is_named() -> None:
    """Real bytes over a pseudo-terminal pair; pymodbus's own RTU server answers at the far end."""

    async def play() -> None:
        p = plant()
        parts = StationParts(p, seed="parts")
        async with line() as (near, far, noise):
            server = parts.pcs.registers.server(host=far, port=0, transport=Transport.RTU)
            await server.start()
            link = ModbusLink(host=near, port=0, timeout_s=0.5, transport=Transport.RTU)
            assert await link.read(unit_id=2, function=4, address=0, count=2) == [41_002, 1]
            await link.write(unit_id=2, address=100, registers=[1_000, 0])
            await link.write(unit_id=2, address=104, registers=[1])
            parts.live(1)
            assert p.snapshot().battery_power_w == 100_000
            with pytest.raises(DeviceRefused):
                await link.write(unit_id=2, address=104, registers=[7])
            noise["on"] = True
            with pytest.raises(FrameDamaged) as damage:
                await link.read(unit_id=2, function=4, address=0, count=2)
            assert damage.value.heard_bytes > 0
            noise["on"] = False
            assert (await link.read(unit_id=2, function=4, address=0, count=1)) == [41_002]
            await server.stop()
            with pytest.raises(DeviceSilent):
                await link.read(unit_id=2, function=4, address=0, count=1)
            link.close()

    asyncio.run(play())


def test_five_devices_share_one_serial_line() -> None:
    async def play() -> None:
        p = plant()
        parts = StationParts(p, seed="parts")
        async with line() as (near, far, _):
            servers = [parts.by_table[t].registers.server(host=far, port=0, transport=Transport.RTU) for t in TABLES]
            servers[0].beside = servers[1:]
            await servers[0].start()
            on_line = tuple(PartSettings(table=Path(t), host=near, transport=Transport.RTU) for t in TABLES)
            driver = open_devices(DeviceSettings(kind=DeviceKind.TABLE, parts=on_line, timeout_ms=500))
            await driver.write_power(250_000)
            parts.live(2)
            seen = await driver.read()
            assert (seen.battery_power_w, seen.import_wh) == (250_000, p.snapshot().import_wh)
            assert seen.points["fire.agent_pressure"] == 4_200_000
            await driver.close()
            await servers[0].stop()

    asyncio.run(play())


def _free() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_watching_tells_each_point_once_and_then_what_moved_past_its_deadband(bench: Benches) -> None:
    async def play() -> None:
        async with bench("parts") as b:
            said: list[dict[str, object]] = []
            settings = DeviceSettings(kind=DeviceKind.TABLE, parts=b.device.settings, timeout_ms=500)
            task = asyncio.create_task(
                watch(
                    settings,
                    say=lambda line: said.append(json.loads(line)),
                    seconds=1,
                    every_ms=100,
                    period_ms=0,
                    clock=SystemClock(),
                )
            )
            await asyncio.sleep(0.5)
            first = len(said)
            b.plant.trip()
            b.live(1)
            await task
            assert first == len({line["key"] for line in said[:first]}) > 250
            moved = {line["key"]: line["value"] for line in said[first:] if line["cause"] == "change"}
            assert moved["pcs_state"] == 5
            assert {"meter_import", "bms.heartbeat", "charge_limit"} <= set(moved)
            assert "cluster.1.soc" not in moved

    asyncio.run(play())
