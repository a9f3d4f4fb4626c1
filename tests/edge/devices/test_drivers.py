"""The contract of every driver, against real servers: it tells the plant's state in our signs and units, and is obeyed.

`mqtt` is a device that publishes by itself, behind Debian's mosquitto with TLS and access lists.
`sunspec` and `detailed` are SunSpec of the newer generation without and with the battery's own models, `older` is the
generation before; `table` is one device behind one point table, `parts` five behind five: meter, converter, battery, air
conditioning, fire panel. `rtu_over_tcp` are these behind serial servers, `rtu` all of them on one serial line.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from alliance.errors import Missing
from edge.devices.link import ModbusLink
from edge.devices.mqtt import MessageAbsent, OrderRefused
from edge.devices.open import DeviceKind, DeviceSettings, open_devices
from edge.devices.station import (
    DeviceError,
    DeviceRefused,
    DeviceSilent,
    DeviceUnreachable,
    PcsState,
    Quality,
    SetPointOutOfRange,
)
from tests.edge.devices.broker import STALE_MS

Benches = Callable[..., Any]
"""See conftest: makes a plant, its server and its driver."""

MODBUS_TCP = ["sunspec", "detailed", "older", "table", "parts"]
KINDS = pytest.mark.parametrize("kind", [*MODBUS_TCP, "rtu_over_tcp", "rtu", "mqtt"])
MODBUS = pytest.mark.parametrize("kind", MODBUS_TCP)
SPEAKS = {
    kind: "table" if kind in ("table", "parts") else "sunspec"
    for kind in ("sunspec", "detailed", "older", "table", "parts")
}
READ_ONLY = {"table": (1, 990), "parts": (1, 32)}
"""Unit and address of a measured register; of SunSpec the same everywhere."""
PLAIN = {"older": Quality.NOT_IMPLEMENTED}
"""The quality of a good sample: models 103 and 124 know no state of health."""
COARSE = {
    "sunspec": {"meter_w": 500, "power_w": 50, "energy_wh": 0, "share_bp": 0},
    "detailed": {"meter_w": 500, "power_w": 50, "energy_wh": 0, "share_bp": 0},
    "older": {"meter_w": 500, "power_w": 60, "energy_wh": 0, "share_bp": 0},
    "table": {"meter_w": 5, "power_w": 5, "energy_wh": 5, "share_bp": 5},
    "parts": {"meter_w": 5, "power_w": 50, "energy_wh": 50, "share_bp": 5},
    "rtu_over_tcp": {"meter_w": 5, "power_w": 50, "energy_wh": 50, "share_bp": 5},
    "rtu": {"meter_w": 5, "power_w": 50, "energy_wh": 50, "share_bp": 5},
    "mqtt": {"meter_w": 0, "power_w": 0, "energy_wh": 0, "share_bp": 0},
}
"""What the register map's own resolution loses, at most."""


@KINDS
def test_sample_equals_the_plant_when_charging(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            await b.driver.write_power(-400_000)
            b.live(5)
            seen, true, coarse = await b.driver.read(), b.plant.snapshot(), COARSE[kind]
            assert seen.meter_power_w == pytest.approx(true.meter_power_w, abs=coarse["meter_w"])
            assert seen.meter_power_w < -1_000_000
            assert seen.battery_power_w == -400_000
            assert seen.reactive_var == pytest.approx(true.meter_reactive_var, abs=coarse["meter_w"])
            assert seen.reactive_var < 0
            for register in ("import_wh", "export_wh", "charge_wh", "discharge_wh"):
                assert getattr(seen, register) == pytest.approx(getattr(true, register), abs=coarse["energy_wh"])
            assert seen.charge_wh > b.plant.parameters.start_charge_wh
            assert seen.soc_bp == pytest.approx(true.soc_bp, abs=coarse["share_bp"])
            assert seen.soh_bp == (0 if kind == "older" else pytest.approx(true.soh_bp, abs=coarse["share_bp"]))
            assert seen.pcs_state is PcsState.CHARGING
            assert (seen.charge_limit_w, seen.discharge_limit_w) == (1_000_000, 1_000_000)
            assert seen.set_power_w == -400_000
            assert seen.frequency_mhz == pytest.approx(true.frequency_mhz, abs=10)
            assert (seen.alarms, seen.quality) == ((), PLAIN.get(kind, Quality(0)))

    asyncio.run(play())


@KINDS
def test_order_is_followed_in_both_directions(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            for power_w, state in (
                (700_000, PcsState.DISCHARGING),
                (-300_010, PcsState.CHARGING),
                (0, PcsState.STANDBY),
            ):
                await b.driver.write_power(power_w)
                b.live(2)
                seen = await b.driver.read()
                assert b.plant.snapshot().battery_power_w == pytest.approx(power_w, abs=COARSE[kind]["power_w"])
                assert seen.battery_power_w == pytest.approx(power_w, abs=COARSE[kind]["power_w"])
                assert seen.pcs_state is state
                assert seen.set_power_w == pytest.approx(power_w, abs=COARSE[kind]["power_w"])

    asyncio.run(play())


@KINDS
def test_power_falls_to_zero_when_the_driver_falls_silent(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind, revert_s=300) as b:
            await b.driver.write_power(500_000)
            b.live(4)
            await b.driver.write_power(500_000)
            b.live(4)
            assert (await b.driver.read()).battery_power_w == 500_000
            b.live(3)
            assert (await b.driver.read()).battery_power_w == 0

    asyncio.run(play())


@KINDS
def test_fault_is_seen_with_its_alarm_and_limits_of_zero(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            b.plant.trip()
            b.live(1)
            seen = await b.driver.read()
            assert seen.pcs_state is PcsState.FAULT
            assert len(seen.alarms) >= 1
            assert seen.quality == Quality.ALARM | PLAIN.get(kind, Quality(0))
            assert kind == "older" or (seen.charge_limit_w, seen.discharge_limit_w) == (0, 0)
            b.plant.reset()
            b.plant.set_contactor(closed=False)
            b.live(1)
            assert (await b.driver.read()).pcs_state is PcsState.OFF

    asyncio.run(play())


@KINDS
def test_order_beyond_the_rating_is_refused_by_the_device_and_changes_nothing(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            await b.driver.write_power(100_000)
            with pytest.raises(OrderRefused if kind == "mqtt" else DeviceRefused) as refusal:
                await b.driver.write_power(1_200_000)
            assert kind == "mqtt" or getattr(refusal.value, "exception", 0) == 3
            b.live(1)
            assert (await b.driver.read()).battery_power_w == 100_000

    asyncio.run(play())


@KINDS
def test_order_beyond_what_the_register_holds_is_refused_by_the_driver(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            with pytest.raises(SetPointOutOfRange):
                await b.driver.write_power(30_000_000_000)

    asyncio.run(play())


@MODBUS
def test_measured_registers_cannot_be_written(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            link = ModbusLink(host="127.0.0.1", port=b.port, timeout_s=0.5)
            unit, address = READ_ONLY.get(kind, (1, 40_100))
            with pytest.raises(DeviceRefused) as refusal:
                await link.write(unit_id=unit, address=address, registers=[1])
            link.close()
            assert refusal.value.exception == 2

    asyncio.run(play())


@KINDS
def test_driver_reconnects_when_the_device_comes_back(bench: Benches, kind: str) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            before = await b.driver.read()
            await b.device.server.stop()
            if kind == "mqtt":
                await asyncio.sleep(STALE_MS / 1_000)
            with pytest.raises(Missing):
                await b.driver.read()
            gone = {"mqtt": MessageAbsent, "rtu": DeviceSilent}.get(kind, DeviceUnreachable)
            with pytest.raises(gone):
                await b.driver.read()
            await b.device.server.start()
            assert (await b.driver.read()).import_wh == before.import_wh

    asyncio.run(play())


@MODBUS
def test_nobody_listening_is_named(kind: str, free_port: int) -> None:
    async def play() -> None:
        port = free_port
        driver = open_devices(DeviceSettings(kind=DeviceKind(SPEAKS[kind]), port=port, timeout_ms=200))
        with pytest.raises(DeviceUnreachable) as failure:
            await driver.read()
        assert failure.value.port == port
        await driver.close()

    asyncio.run(play())


@asynccontextmanager
async def impostor(answer: bytes) -> AsyncIterator[int]:
    """A TCP server that answers every request with the same bytes after the transaction number, or not at all."""
    done = []

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        finished = asyncio.Event()
        done.append(finished)
        while request := await reader.read(260):
            if answer:
                writer.write(request[:2] + answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        finished.set()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        for finished in done:
            await finished.wait()


@MODBUS
def test_a_device_that_never_answers_is_named(kind: str) -> None:
    async def play() -> None:
        async with impostor(b"") as port:
            driver = open_devices(DeviceSettings(kind=DeviceKind(SPEAKS[kind]), port=port, timeout_ms=100))
            with pytest.raises(DeviceSilent):
                await driver.read()
            await driver.close()

    asyncio.run(play())


@MODBUS
@pytest.mark.parametrize(
    "answer",
    [b"\x00\x00\x00\x05\x01\x03\x02\xff\xff", b"TP/1.1 400 Bad Request\r\n\r\n", bytes(600)],
    ids=["too short", "not modbus", "zeros"],
)
def test_a_device_that_answers_nonsense_raises_a_named_error(kind: str, answer: bytes) -> None:
    async def play() -> None:
        async with impostor(answer) as port:
            driver = open_devices(DeviceSettings(kind=DeviceKind(SPEAKS[kind]), port=port, timeout_ms=100))
            with pytest.raises(DeviceError):
                await driver.read()
            await driver.close()

    asyncio.run(play())
