"""Our drivers against servers that are not ours: pymodbus's own, with registers spelt here by hand or by pysunspec2.

(Debian's mosquitto is the other side of `test_mqtt.py`, pysunspec2's client of `test_sunspec.py`.)
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from sunspec2.device import Model

from edge.devices.link import Transport
from edge.devices.open import DeviceKind, DeviceSettings, PartSettings, open_devices
from edge.devices.station import DeviceRefused, PcsState, Quality
from tests.edge.devices.conftest import free


def device(unit: int, holding: Mapping[int, bytes], inputs: Mapping[int, bytes]) -> SimDevice:
    """Registers by address, each stretch spelt as bytes; everything else reads as illegal."""

    def data(stretches: Mapping[int, bytes]) -> list[SimData]:
        return [
            SimData(address, values=list(struct.unpack(f">{len(spelt) // 2}H", spelt)), datatype=DataType.REGISTERS)
            for address, spelt in sorted(stretches.items())
        ] or [SimData(0xFFF0, values=[0], datatype=DataType.REGISTERS)]

    unused = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    return SimDevice(unit, (unused, list(unused), data(holding), data(inputs)))


@asynccontextmanager
async def serving(devices: list[SimDevice], framer: FramerType = FramerType.SOCKET) -> AsyncIterator[tuple[int, Any]]:
    port = free()
    server = ModbusTcpServer(devices, framer=framer, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield port, server
    finally:
        await server.shutdown()
        await asyncio.sleep(0)


METER = {
    0: struct.pack(">H", 41_001),
    16: struct.pack(">IIIiii", 57_740, 57_741, 57_742, -1_234, 0, 1_234),
    32: struct.pack(">iiHh", -123_456, 789, 49_987, -985),  # exports 1,234.56 kW, 49.987 Hz, power factor −0.985
    48: struct.pack(">QQ", 12_345_678_901, 987),
    64: struct.pack(">HH", 0b100001, 20_000),
}
"""Powers import-positive in 10 W; registers in Wh; bits 0 and 5: a voltage lost, the cover open."""


def swapped(number: int) -> bytes:
    """A 32-bit number with its words the other way round."""
    high, low = struct.unpack(">HH", struct.pack(">i", number))
    return struct.pack(">HH", low, high)


PCS_IN = {
    0: struct.pack(">HHHH", 41_002, 2, 0, 0b11),
    16: swapped(-4_001)
    + swapped(55)
    + struct.pack(">HHHhhhHHhhh", 6_900, 6_901, 6_899, -33, -33, -33, 5_001, 13_312, -30, 455, 312),
    40: swapped(1_000_001) + swapped(999),
    48: swapped(1 << 16 | 1 << 3),
}
PCS_OUT = {100: swapped(-4_001) + swapped(0) + struct.pack(">HHH", 1, 300, 7)}
CELLS = [3_300 + n for n in range(128)]
BMS_IN = {
    0: struct.pack(">HHHHHHi", 41_003, 0b101, 99, 505, 981, 13_000, 305)
    + struct.pack(">IIHHHHhhHHI", 5_000, 6_000, 3_427, 3_300, 128, 1, 312, -15, 4_800, 17, 1 << 8),
    100: struct.pack(">HHhhHHHHHHHH", 13_000, 13_001, 150, 155, 505, 504, 981, 980, 1, 0, 0, 2),
    1_000: struct.pack(">128H", *CELLS),
    2_000: struct.pack(">32h", *range(-5, 27)),
}
BMS_OUT = {500: struct.pack(">HH", 1, 0)}


@pytest.mark.parametrize("over", [Transport.TCP, Transport.RTU_OVER_TCP])
def test_three_devices_behind_pymodbus_own_server_are_read_as_their_registers_say_and_take_orders(
    over: Transport,
) -> None:
    async def play() -> None:
        devices = [device(1, METER, {}), device(2, PCS_OUT, PCS_IN), device(3, BMS_OUT, BMS_IN)]
        async with serving(devices, FramerType.RTU if over is Transport.RTU_OVER_TCP else FramerType.SOCKET) as (
            port,
            server,
        ):
            parts = tuple(PartSettings(table=Path(t), port=port, transport=over) for t in ("meter", "pcs", "bms"))
            driver = open_devices(DeviceSettings(kind=DeviceKind.TABLE, parts=parts, timeout_ms=500))
            seen = await driver.read()
            assert (seen.meter_power_w, seen.reactive_var, seen.frequency_mhz) == (1_234_560, -7_890, 49_987)
            assert (seen.import_wh, seen.export_wh) == (12_345_678_901, 987)
            assert (seen.battery_power_w, seen.charge_wh, seen.discharge_wh) == (-400_100, 100_000_100, 99_900)
            assert (seen.soc_bp, seen.soh_bp, seen.pcs_state) == (5_050, 9_810, PcsState.CHARGING)
            assert (seen.charge_limit_w, seen.discharge_limit_w, seen.set_power_w) == (500_000, 600_000, -400_100)
            assert seen.alarms == (
                "电表状态字：失压", "电表状态字：开盖", "变流器告警字：功率模块过温", "变流器告警字：降额运行", "电池堆告警字：绝缘过低",
                "第2簇告警字：单体欠压",
            )  # fmt: skip
            points = seen.points
            assert (points["meter.power_factor"], points["meter.current.1"]) == (-9_850, 12_340)
            assert (points["bms.current"], points["cell_temperature_min"]) == (-30_500, -15)
            assert (points["contactor_closed"], points["charge_permitted"], points["discharge_permitted"]) == (1, 0, 1)
            assert [points[f"cluster.2.pack.{p}.cell.{c}.voltage"] for p in (1, 4) for c in (1, 16)] == [
                3_364,
                3_379,
                3_412,
                3_427,
            ]
            assert points["cluster.1.pack.1.probe.1.temperature"] == -5
            assert (seen.quality, seen.doubtful) == (Quality.ALARM, frozenset())
            await driver.write_power(765_400)
            assert await server.async_getValues(2, 3, 100, 2) == [7_654, 0]
            assert await server.async_getValues(2, 3, 104, 3) == [1, 300, 1]
            assert await server.async_getValues(3, 3, 501, 1) == [1]
            await driver.close()

    asyncio.run(play())


def test_a_device_with_a_hole_where_the_table_has_a_point_is_refused_by_name() -> None:
    async def play() -> None:
        holes = {address: spelt for address, spelt in METER.items() if address != 48}
        async with serving([device(1, holes, {}), device(2, PCS_OUT, PCS_IN), device(3, BMS_OUT, BMS_IN)]) as (port, _):
            parts = tuple(PartSettings(table=Path(t), port=port) for t in ("meter", "pcs", "bms"))
            driver = open_devices(DeviceSettings(kind=DeviceKind.TABLE, parts=parts, timeout_ms=500))
            with pytest.raises(DeviceRefused) as refusal:
                await driver.read()
            assert (refusal.value.address, refusal.value.exception) == (48, 2)
            await driver.close()

    asyncio.run(play())


def chain(*models: tuple[int, Mapping[str, int | str]]) -> bytes:
    """A chain as pysunspec2 spells it."""
    spelt = b"SunS"
    for number, values in models:
        model = Model(number)
        for name, value in values.items():
            model.points[name].value = value
        spelt += bytes(model.get_mb())
    return spelt + b"\xff\xff\x00\x00"


COMMON = (1, {"Mn": "Foreign", "Md": "Box", "SN": "7"})
OLDER = chain(
    COMMON,
    (101, {"W": 1_500, "W_SF": 1, "St": 4, "Evt1": 1 << 7}),
    (120, {"MaxChaRte": 20, "MaxChaRte_SF": 3, "MaxDisChaRte": 25, "MaxDisChaRte_SF": 3}),
    (
        124,
        {
            "WChaMax": 20_000,
            "WChaMax_SF": 0,
            "ChaState": 333,
            "ChaState_SF": -1,
            "StorCtl_Mod": 3,
            "OutWRte": 60,
            "InOutWRte_SF": 0,
        },
    ),
    (
        201,
        {
            "W": -3_000,
            "W_SF": 0,
            "VAR": 10,
            "VAR_SF": 1,
            "Hz": 5_002,
            "Hz_SF": -2,
            "TotWhImp": 5,
            "TotWhExp": 70,
            "TotWh_SF": 2,
        },
    ),
    (201, {"TotWhImp": 11, "TotWhExp": 22, "TotWh_SF": 0}),
)
NEWER = chain(
    COMMON,
    (204, {"W": 40, "W_SF": 3, "TotWhImp": 1, "TotWhExp": 2, "TotWh_SF": 3}),
    (701, {"W": -12, "W_SF": 2, "InvSt": 3, "ConnSt": 1, "Alrm": 0, "TotWhInj": 9, "TotWhAbs": 8, "TotWh_SF": 1}),
    (702, {"WMaxRtg": 3, "WChaRteMax": 2, "WDisChaRteMax": 1, "W_SF": 3}),
    (704, {"WSetEna": 0, "WSet": 0, "WSet_SF": 1}),
    (802, {"SoC": 4_321, "SoC_SF": -2, "SoH": 99, "SoH_SF": 0, "CellVMax": 3_412, "CellVMin": 3_399, "CellV_SF": -3}),
)


def test_both_generations_of_sunspec_as_pysunspec2_spells_them_are_read_and_ordered() -> None:
    async def play() -> None:
        async with serving([device(1, {40_000: OLDER}, {})]) as (port, server):
            driver = open_devices(DeviceSettings(kind=DeviceKind.SUNSPEC, port=port, timeout_ms=500))
            seen = await driver.read()
            assert (seen.meter_power_w, seen.reactive_var, seen.frequency_mhz) == (3_000, -100, 50_020)
            assert (seen.import_wh, seen.export_wh, seen.charge_wh, seen.discharge_wh) == (500, 7_000, 11, 22)
            assert (seen.battery_power_w, seen.soc_bp, seen.set_power_w) == (15_000, 3_330, 15_000)
            assert (seen.charge_limit_w, seen.discharge_limit_w) == (20_000, 25_000)
            assert (seen.pcs_state, seen.alarms) == (PcsState.DISCHARGING, ("over_temp",))
            await driver.write_power(-10_000)
            found = await server.async_getValues(1, 3, 40_000, len(OLDER) // 2)
            at = found.index(124)
            assert found[at + 12 : at + 14] == [0x10000 - 40, 50]  # −40 % of 25 kW discharging, 50 % of 20 kW charging
            assert found[at + 5] == 3
            await driver.close()
        async with serving([device(1, {40_000: NEWER}, {})]) as (port, server):
            driver = open_devices(DeviceSettings(kind=DeviceKind.SUNSPEC, port=port, timeout_ms=500))
            seen = await driver.read()
            assert (seen.meter_power_w, seen.battery_power_w) == (-40_000, -1_200)
            assert (seen.import_wh, seen.export_wh, seen.charge_wh, seen.discharge_wh) == (1_000, 2_000, 80, 90)
            assert (seen.soc_bp, seen.soh_bp, seen.pcs_state) == (4_321, 9_900, PcsState.CHARGING)
            assert (seen.points["cell_voltage_max"], seen.points["cell_voltage_min"]) == (3_412, 3_399)
            await driver.write_power(-12_340)
            found = await server.async_getValues(1, 3, 40_000, len(NEWER) // 2)
            at = found.index(704)
            assert found[at + 22 : at + 26] == [1, 1, 0xFFFF, 0x10000 - 1_234]
            await driver.close()

    asyncio.run(play())
