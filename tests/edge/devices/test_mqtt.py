"""MQTT devices behind Debian's mosquitto: who may speak for a device, what a message must be, how old it may be."""

import asyncio
import gc
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.devices.messages import LONGEST_BYTES, MessageMalformed, data_message, order, reply
from edge.devices.mqtt import BrokerRefused, MessageAbsent
from edge.devices.open import DeviceKind, DeviceSettings, DeviceUnnamed, PartSettings, open_devices
from edge.devices.station import DeviceUnreachable, Quality, StationDevices
from oracle.adapters import SystemClock
from tests.edge.devices.broker import Broker, running_broker

GOOD = {
    "P_GRID": 120.5, "Q_GRID": 0, "E_IMP": 1000.001, "E_EXP": 2, "FREQ": 50.01, "P_ESS": -40.25, "SOC": 55.2, "SOH": 99,
    "E_CHA": 3, "E_DIS": 4, "P_CHA_MAX": 500, "P_DIS_MAX": 500, "STATE": 3, "ALM": 0, "P_SET": -40.25, "REMOTE": 1,
    "T_OUT": 300, "HB": 9,
}  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


def driver_of(part: PartSettings) -> StationDevices:
    return open_devices(DeviceSettings(kind=DeviceKind.TABLE, parts=(part,), timeout_ms=1_000))


@asynccontextmanager
async def driven(broker: Broker, account: str = "ems-1") -> AsyncIterator[tuple[StationDevices, Callable[..., Any]]]:
    """The box's driver, connected, and a device that says what it is told to."""
    driver = driver_of(broker.part("ems-1"))
    async with broker.client(account) as device:

        async def say(payload: object, *, retain: bool = False, device_name: str = "ems-1") -> None:
            data = payload if isinstance(payload, bytes) else json.dumps(payload)
            await device.publish(f"ess/{device_name}/data", data, qos=1, retain=retain)
            await asyncio.sleep(0.05)

        with pytest.raises(MessageAbsent):
            await driver.read()
        try:
            yield driver, say
        finally:
            await driver.close()


def message(**changed: object) -> dict[str, object]:
    return {"sn": "EMS", "time": SystemClock().now_ms(), "data": {**GOOD, **changed}}


def test_a_message_becomes_a_sample_to_the_watt(broker: Broker) -> None:
    async def play() -> None:
        async with driven(broker) as (driver, say):
            await say(message())
            seen = await driver.read()
            assert (seen.meter_power_w, seen.battery_power_w, seen.import_wh) == (-120_500, 40_250, 1_000_001)
            assert (seen.soc_bp, seen.frequency_mhz, seen.quality) == (5_520, 50_010, Quality(0))

    asyncio.run(play())


def test_only_the_devices_own_account_speaks_for_it(broker: Broker) -> None:
    async def play() -> None:
        async with driven(broker, "ems-2") as (driver, say):
            await say(message())  # the broker drops it: ems-2 may not write ems-1's topics
            with pytest.raises(MessageAbsent):
                await driver.read()
        driver = driver_of(broker.part("ems-2"))  # the box's account may not hear ems-2
        async with broker.client("ems-2") as device:
            with pytest.raises(MessageAbsent):
                await driver.read()
            await device.publish("ess/ems-2/data", json.dumps(message()), qos=1)
            with pytest.raises(MessageAbsent):
                await driver.read()
        await driver.close()

    asyncio.run(play())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_wrong_password_and_a_wrong_authority_are_refused(broker: Broker) -> None:
    async def play() -> None:
        wrong = broker.part("ems-1")
        assert wrong.password_file is not None
        wrong.password_file.write_text("guess")
        driver = driver_of(wrong)
        with pytest.raises(BrokerRefused):
            await driver.read()
        await driver.close()
        driver = driver_of(broker.part("ems-1", ca="other.pem"))
        with pytest.raises(DeviceUnreachable):
            await driver.read()
        await driver.close()
        with pytest.raises((aiomqtt.MqttError, ssl.SSLError)):
            async with aiomqtt.Client("127.0.0.1", broker.port, timeout=2):
                pass

    asyncio.run(play())
    gc.collect()  # the library leaves a refused connection's socket to the collector, which says so


def test_old_and_retained_messages_are_no_readings_and_a_skewed_clock_is_told(broker: Broker) -> None:
    async def play() -> None:
        async with driven(broker) as (driver, say):
            await say({**message(), "time": SystemClock().now_ms() - 60_000})
            assert (await driver.read()).quality == Quality.CLOCK_SKEWED
            await asyncio.sleep(1.1)
            with pytest.raises(MessageAbsent) as absent:
                await driver.read()
            assert absent.value.waited_ms > 1_000
            await say(message(), retain=True)
        driver = driver_of(broker.part("ems-1"))
        with pytest.raises(MessageAbsent):
            await driver.read()
        await driver.close()
        async with broker.client("ems-1") as device:
            await device.publish("ess/ems-1/data", b"", qos=1, retain=True)

    asyncio.run(play())


def test_a_malformed_message_is_told_once_and_the_last_good_one_stands(broker: Broker) -> None:
    async def play() -> None:
        async with driven(broker) as (driver, say):
            await say(message())
            for bad in (
                b"\xff\x00",
                b"[]",
                {"sn": "EMS", "time": "now", "data": {}},
                message(SOC="full"),
                b"[" * 100_000,
            ):
                await say(bad)
                with pytest.raises(MessageMalformed):
                    await driver.read()
                assert (await driver.read()).soc_bp == 5_520
            await say(message(ALM=2.5))
            with pytest.raises(MessageMalformed):
                await driver.read()

    asyncio.run(play())


def test_a_device_without_a_name_is_refused() -> None:
    for name in ("", "a/b", "#"):
        with pytest.raises(DeviceUnnamed):
            driver_of(PartSettings(table=Path("mqtt_ems"), name=name))


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{}", b'{"time": 1, "data": {"a": NaN}}', b'{"time": 1, "data": {"a": 1e400}}', b'{"time": true, "data": {}}',
        b'{"time": 1, "data": {"a": [1]}}', b'{"time": 1, "data": {"a": 18446744073709551616}}', b'{"time": 1.5, "data": {}}',
        b'{"time": 1, "data": {"a": 1e-30}}', b'{"time": 99999999999999999999, "data": {}}', b" " * (LONGEST_BYTES + 1),
    ],
)  # fmt: skip
def test_messages_that_are_none_are_named(payload: bytes) -> None:
    with pytest.raises(MessageMalformed):
        data_message(payload, topic="t")


@given(st.one_of(st.binary(max_size=200), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["sn", "time", "data", "id", "code"]), inner, max_size=4),
    max_leaves=12,
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_no_message_raises_anything_but_a_named_error(payload: bytes) -> None:
    for read in (data_message, reply):
        with suppress(MessageMalformed):
            read(payload, topic="t")


def test_numbers_are_exact_and_null_is_absent() -> None:
    fields = data_message(b'{"time": 5, "data": {"a": 0.1, "b": null, "c": true, "d": -7}}', topic="t").fields
    assert fields == {"a": Fraction(1, 10), "b": None, "c": 1, "d": -7}
    sent = json.loads(order(id="x", t_ms=1, expires_ms=2, values={"P": Fraction(-81, 2), "R": 1}))
    assert sent == {"id": "x", "time": 1, "expires": 2, "data": {"P": -40.5, "R": 1}}
