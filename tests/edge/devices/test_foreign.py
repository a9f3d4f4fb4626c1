"""Our drivers against servers that are not ours: pymodbus's own, with registers spelt here by hand or by pysunspec2.

(Debian's mosquitto is the other side of `test_mqtt.py`, pysunspec2's client of `test_sunspec.py`.)
"""

import asyncio
import json
import struct
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from sunspec2.device import Model

from alliance.errors import Missing
from edge.devices.link import ModbusLink, Transport
from edge.devices.open import DeviceKind, DeviceSettings, PartSettings, device_of, open_devices, open_sources
from edge.devices.station import DeviceForeign, DeviceRefused, PcsState, Quality, StationDevices, StationSample
from oracle.adapters import SystemClock
from simulation.devices.ems import EmsDevice
from simulation.devices.parts import StationParts
from tests.edge.devices.conftest import free
from tests.edge.devices.serial_line import line
from tests.edge.devices.test_parts import plant


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
    + struct.pack(">IIHHHHhhHHIH", 5_000, 6_000, 3_427, 3_300, 128, 1, 312, -15, 4_800, 17, 1 << 8, 2_400),
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


# ---- every shipped table, one device at a time, over every transport ----

EMS_IN = {
    100: swapped(-12_345) + swapped(67) + swapped(1_000_005) + swapped(42) + struct.pack(">H", 50_021),
    200: swapped(-2_500)
    + struct.pack(">HH", 777, 990)
    + swapped(88)
    + swapped(99)
    + struct.pack(">HHHH", 5_000, 4_000, 3, 0b1001),
}
EMS_OUT = {1_000: swapped(-2_500) + struct.pack(">HHH", 1, 300, 9)}
HVAC_IN = {0: struct.pack(">HHHhhHf", 41_004, 0b011, 1, -15, 255, 612, 6.4) + struct.pack(">H", 1 << 5)}
HVAC_OUT = {100: struct.pack(">hH", 250, 1)}
FIRE_IN = {
    0: struct.pack(">HHHH", 41_005, 2, 0b01, 1 << 0 | 1 << 1),
    10: struct.pack(">HHHH", 0, 1, 0, 2),
    20: struct.pack(">hhhh", 250, 812, -31, 249),
    30: struct.pack(">HHHH", 0, 1_200, 0, 0),
    40: struct.pack(">HHHH", 1, 90, 2, 3),
    50: struct.pack(">H", 4_200),
}


@dataclass(frozen=True)
class Spelt:
    """A table's registers as their makers' documents would spell them, and what they mean in our units and signs."""

    unit: int
    holding: Mapping[int, bytes]
    inputs: Mapping[int, bytes]
    means: Mapping[str, int]
    alarms: tuple[str, ...]
    order: Mapping[str, int]
    written: Mapping[int, list[int]]
    identity: tuple[int, int] | None


SPELT = {
    "meter": Spelt(
        1, METER, {},
        {"meter_power": 1_234_560, "meter_reactive": -7_890, "frequency": 49_987, "meter_import": 12_345_678_901,
         "meter_export": 987, "meter.power_factor": -9_850, "meter.current.1": 12_340, "meter.voltage.3": 5_774_200,
         "meter.ratio": 20_000},
        ("电表状态字：失压", "电表状态字：开盖"), {}, {}, (3, 0),
    ),
    "pcs": Spelt(
        2, PCS_OUT, PCS_IN,
        {"battery_power": -400_100, "battery_charge": 100_000_100, "battery_discharge": 99_900, "pcs.remote": 1,
         "pcs.grid_present": 1, "pcs.emergency_stop": 0, "pcs.voltage.2": 690_100, "pcs.current.3": -33_000,
         "pcs.dc_current": -30_000, "pcs.igbt_temperature": 455, "set_power": -400_100},
        ("变流器告警字：功率模块过温", "变流器告警字：降额运行"),
        {"set_power": 765_400, "heartbeat": 8}, {100: [7_654, 0], 106: [8]}, (4, 0),
    ),
    "bms": Spelt(
        3, BMS_OUT, BMS_IN,
        {"battery_soc": 5_050, "charge_limit": 500_000, "bms.current": -30_500, "cell_temperature_min": -15,
         "cluster.2.pack.4.cell.16.voltage": 3_427, "cluster.1.pack.1.probe.1.temperature": -5},
        ("电池堆告警字：绝缘过低", "第2簇告警字：单体欠压"), {"bms_heartbeat": 77}, {501: [77]}, (4, 0),
    ),
    "hvac": Spelt(
        4, HVAC_OUT, HVAC_IN,
        {"hvac.running": 1, "hvac.compressor": 1, "hvac.heater": 0, "hvac.mode": 1, "hvac.supply_temperature": -15,
         "hvac.return_temperature": 255, "hvac.humidity": 6_120, "hvac.power": 6_400, "hvac.set_temperature": 250},
        ("空调告警字：漏水",), {"hvac.set_temperature": 180, "hvac.enable": 0}, {100: [180, 0]}, (4, 0),
    ),
    "fire": Spelt(
        5, {}, FIRE_IN,
        {"fire.state": 2, "fire.automatic": 1, "fire.smoke.2": 1, "fire.smoke.4": 2, "fire.temperature.2": 812,
         "fire.temperature.3": -31, "fire.hydrogen.2": 1_200, "fire.carbon_monoxide.2": 90,
         "fire.agent_pressure": 4_200_000},
        ("消防告警字：烟感报警", "消防告警字：温感报警"), {}, {}, (4, 0),
    ),
    "chinese_ems": Spelt(
        1, EMS_OUT, EMS_IN,
        {"meter_power": 123_450, "meter_reactive": -670, "meter_import": 10_000_050, "meter_export": 420,
         "frequency": 50_021, "battery_power": 25_000, "battery_soc": 7_770, "battery_soh": 9_900,
         "battery_charge": 880, "battery_discharge": 990, "charge_limit": 500_000, "pcs_state": 3,
         "set_power": 25_000},
        ("故障跳闸", "SOC低"), {"set_power": -123_450, "command_timeout": 60},
        {1_000: [12_345, 0], 1_003: [60]}, None,
    ),
}  # fmt: skip


@asynccontextmanager
async def foreign(over: Transport, devices: list[SimDevice]) -> AsyncIterator[tuple[PartSettings, Any]]:
    """pymodbus's own server over a transport, and how the box reaches it."""
    if over is not Transport.RTU:
        framer = FramerType.RTU if over is Transport.RTU_OVER_TCP else FramerType.SOCKET
        async with serving(devices, framer) as (port, server):
            yield PartSettings(table=Path(), port=port, transport=over), server
        return
    async with line() as (near, far, _):
        server = ModbusSerialServer(devices, port=far, baudrate=9_600)
        await server.serve_forever(background=True)
        try:
            yield PartSettings(table=Path(), host=near, transport=over), server
        finally:
            await server.shutdown()


@pytest.mark.parametrize("over", list(Transport))
@pytest.mark.parametrize("table", list(SPELT))
def test_each_shipped_table_is_read_and_ordered_behind_pymodbus_own_server_and_a_stranger_refused(
    table: str, over: Transport
) -> None:
    spelt = SPELT[table]

    async def play() -> None:
        async with foreign(over, [device(spelt.unit, spelt.holding, spelt.inputs)]) as (where, server):
            one = device_of(replace(where, table=Path(table)))
            (source,) = open_sources([one], timeout_s=0.5, clock=SystemClock(), revert_s=0)
            raw = await source.read()
            assert all(value is not None for value in raw.values())
            values = {key: source.points[key].value_of(value) for key, value in raw.items() if value is not None}
            assert {key: values[key] for key in spelt.means} == spelt.means
            told = [alarm for key, value in raw.items() for alarm in source.points[key].alarms_of(value or 0)]
            assert tuple(told) == spelt.alarms
            if spelt.order:
                await source.write(spelt.order)
            for address, words in spelt.written.items():
                assert await server.async_getValues(spelt.unit, 3, address, len(words)) == words
            await source.close()
            if spelt.identity:
                await server.async_setValues(spelt.unit, *_identity(spelt), [99])
                with pytest.raises(DeviceForeign) as stranger:
                    await source.read()
                assert stranger.value.got == 99
                await source.close()

    asyncio.run(play())


def _identity(spelt: Spelt) -> tuple[int, int]:
    """By which function the server's registers are set, and where: 16 holding, 4 input registers."""
    assert spelt.identity is not None
    function, address = spelt.identity
    return (16 if function == 3 else 4), address


@pytest.mark.parametrize("table", list(SPELT))
def test_each_shipped_tables_simulator_is_read_by_pymodbus_own_client(table: str, free_port: int) -> None:
    """Values that our simulator shows, as another client's own conversions read them."""

    async def play() -> None:
        p = plant()
        p.command(-400_000, enabled=True)
        p.step(p.t_ms + 300_000)
        if table == "chinese_ems":
            registers = EmsDevice(plant=p, host="127.0.0.1", port=0).registers
        else:
            registers = StationParts(p, seed="foreign").by_table[table].registers
        server = registers.server(host="127.0.0.1", port=free_port)
        await server.start()
        true = p.snapshot()
        client = AsyncModbusTcpClient("127.0.0.1", port=free_port, retries=0)
        await client.connect()

        async def number(function: int, address: int, kind: Any, order: Literal["big", "little"] = "big") -> Any:
            call = client.read_holding_registers if function == 3 else client.read_input_registers
            answer = await call(address, count=kind.value[1], device_id=registers.unit_id)
            return client.convert_from_registers(answer.registers, kind, word_order=order)

        of = client.DATATYPE
        match table:
            case "meter":
                assert await number(3, 0, of.UINT16) == 41_001
                assert await number(3, 32, of.INT32) == pytest.approx(-true.meter_power_w / 10, abs=1)
                assert await number(3, 48, of.UINT64) == true.import_wh
            case "pcs":
                assert await number(4, 1, of.UINT16) == 2
                assert await number(4, 16, of.INT32, "little") == -4_000
                assert await number(4, 40, of.UINT32, "little") == pytest.approx(true.charge_wh / 100, abs=0.5)
            case "bms":
                assert await number(4, 3, of.UINT16) == pytest.approx(true.soc_bp / 10, abs=0.5)
                assert await number(4, 6, of.INT32) > 0  # charge positive, as its maker counts
                assert 3_000 < await number(4, 1_000, of.UINT16) < 3_600
            case "hvac":
                assert await number(4, 0, of.UINT16) == 41_004
                assert await number(4, 6, of.FLOAT32) == pytest.approx(0.4)
            case "fire":
                assert [await number(4, a, of.UINT16) for a in (0, 1, 50)] == [41_005, 0, 4_200]
            case "chinese_ems":
                assert await number(4, 200, of.INT32, "little") == 40_000  # charge positive, 10 W
                assert await number(4, 104, of.UINT32, "little") == pytest.approx(true.import_wh / 10, abs=0.5)
        client.close()
        await server.stop()

    asyncio.run(play())


# ---- pymodbus's own simulator, the program ----


@asynccontextmanager
async def simulator_program(folder: Path, over: Transport) -> AsyncIterator[PartSettings]:
    """`pymodbus.simulator` in a process of its own, with the station's registers of `EMS_IN` and `EMS_OUT` and a coil."""
    words: dict[int, int] = {2_000: 0b0000_0101}
    for stretch in (EMS_IN, EMS_OUT):
        for address, spelled in stretch.items():
            words |= {address + n: word for n, (word,) in enumerate(struct.iter_unpack(">H", spelled))}
    async with AsyncExitStack() as stack:
        port, near = free(), ""
        serves: dict[str, object] = {"comm": "tcp", "host": "127.0.0.1", "port": port, "framer": "socket"}
        if over is Transport.RTU_OVER_TCP:
            serves["framer"] = "rtu"
        if over is Transport.RTU:
            near, far, _ = await stack.enter_async_context(line())
            serves = {"comm": "serial", "port": far, "baudrate": 9_600, "framer": "rtu"}
        size = {f"{kind} size": 3_000 for kind in ("co", "di", "hr", "ir")}
        empty = dict.fromkeys(("bits", "uint16", "uint32", "float32", "float64"), 0) | {"string": " "}
        device = {
            "setup": {**size, "shared blocks": True, "type exception": False,
                      "defaults": {"value": empty, "action": dict.fromkeys(empty)}},
            "invalid": [], "write": sorted(words), "bits": [], "uint32": [], "float32": [], "string": [], "repeat": [],
            "uint16": [{"addr": address, "value": value} for address, value in sorted(words.items())],
        }  # fmt: skip
        setup = folder / "simulator.json"
        setup.write_text(json.dumps({"server_list": {"s": serves}, "device_list": {"d": device}}))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pymodbus.server.simulator.main", "--modbus_server", "s", "--modbus_device", "d",
            "--http_host", "127.0.0.1", "--http_port", str(free()), "--json_file", str(setup),
            "--log_file", str(folder / "log"), "--log", "error",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield PartSettings(
                table=Path("chinese_ems"), host=near or "127.0.0.1", port=0 if near else port, transport=over
            )
        finally:
            process.terminate()
            await process.wait()


@pytest.mark.parametrize("over", list(Transport))
def test_a_station_behind_pymodbus_own_simulator_program_is_read_and_takes_orders(
    tmp_path: Path, over: Transport
) -> None:
    async def play() -> None:
        async with simulator_program(tmp_path, over) as where:
            driver = open_devices(DeviceSettings(kind=DeviceKind.TABLE, parts=(where,), timeout_ms=500))
            seen = await _once_it_answers(driver)
            assert (seen.meter_power_w, seen.battery_power_w, seen.soc_bp) == (123_450, 25_000, 7_770)
            assert (seen.import_wh, seen.pcs_state, seen.alarms) == (
                10_000_050,
                PcsState.DISCHARGING,
                ("故障跳闸", "SOC低"),
            )
            await driver.write_power(-321_000)
            assert (await driver.read()).set_power_w == -321_000
            await driver.close()
            link = ModbusLink(host=where.host, port=where.port, timeout_s=0.5, transport=over)
            assert await link.read(unit_id=1, function=1, address=16 * 2_000, count=3) == [1, 0, 1]
            await link.write_coil(unit_id=1, address=16 * 2_000 + 1, value=1)
            assert await link.read(unit_id=1, function=1, address=16 * 2_000, count=3) == [1, 1, 1]
            link.close()

    asyncio.run(play())


async def _once_it_answers(driver: StationDevices) -> StationSample:
    for _ in range(100):
        with suppress(Missing):
            return await driver.read()
        await asyncio.sleep(0.1)
    return await driver.read()
