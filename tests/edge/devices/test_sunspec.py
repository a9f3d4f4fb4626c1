"""SunSpec: another client reads our server and agrees; scale factors, the model chain, and what is not implemented."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from edge.devices.open import DeviceKind, DeviceSettings, open_devices
from edge.devices.station import PcsState, PointAbsent, Quality, StationSample
from edge.devices.sunspec import ModelMissing
from edge.devices.sunspec import sample_of as sample_of_points
from edge.devices.sunspec_chain import ModelChainBroken, NotSunSpec
from edge.devices.sunspec_models import layout_of
from edge.devices.sunspec_profiles import Values
from simulation.devices.server import HOLDING, Bank, DeviceServer, RegisterReadOnly

Benches = Callable[..., Any]

GOOD: dict[str, dict[str, int | None]] = {
    "meter": {"W": 1_000, "VAR": -5, "Hz": 50_010, "TotWhExp": 7, "TotWhImp": 9},
    "inverter": {"W": -500, "InvSt": 3, "ConnSt": 1, "Alrm": 0, "TotWhInj": 3, "TotWhAbs": 4},
    "capacity": {"WMaxRtg": 10, "WChaRteMax": 8, "WDisChaRteMax": 9},
    "storage": {"SoC": 5_050, "SoH": 9_900},
    "order": {"WSetEna": 1, "WSet": -500},
}


def sample_of(values: Values, *, meter_sign: int) -> StationSample:
    return sample_of_points(values, meter_sign=meter_sign, alarm_names={}, points={})


def test_frequency_is_the_inverters_where_it_tells_it_finer_than_the_meter() -> None:
    finer = {**GOOD, "inverter": {**GOOD["inverter"], "Hz": 50_013}}
    silent = {**GOOD, "inverter": {**GOOD["inverter"], "Hz": None}}
    assert [sample_of(values, meter_sign=-1).frequency_mhz for values in (finer, silent, GOOD)] == [
        50_013,
        50_010,
        50_010,
    ]
    assert sample_of(silent, meter_sign=-1).quality == sample_of(GOOD, meter_sign=-1).quality


class Mute:
    """A device that takes no writes."""

    def written(self, address: int, words: Any, space: int = HOLDING) -> None:
        raise RegisterReadOnly(address=address)


def test_pysunspec2s_own_client_discovers_every_model_and_reads_the_plant(bench: Benches) -> None:
    async def play() -> None:
        async with bench("sunspec") as b:
            await b.driver.write_power(-400_000)
            b.live(3)
            true = b.plant.snapshot()
            models, values = await asyncio.to_thread(_read_by_pysunspec2, b.port)
            assert models == [1, 203, 701, 702, 704, 713, 715]
            assert values["errors"] == ""
            assert values["imported"] == true.import_wh
            assert values["exported"] == true.export_wh
            assert values["charged"] == true.charge_wh
            assert values["discharged"] == true.discharge_wh
            assert values["power"] == -400_000
            assert values["meter"] == pytest.approx(-true.meter_power_w, abs=500)  # counts import as positive
            assert values["soc"] == true.soc_bp / 100
            assert values["frequency"] == pytest.approx(true.frequency_mhz / 1_000)
            assert values["order"] == -400_000

    asyncio.run(play())


def test_pysunspec2s_own_client_can_order_a_power(bench: Benches) -> None:
    async def play() -> None:
        async with bench("sunspec") as b:
            await asyncio.to_thread(_order_by_pysunspec2, b.port, 250_000)
            b.live(2)
            assert b.plant.snapshot().battery_power_w == 250_000
            assert (await b.driver.read()).set_power_w == 250_000

    asyncio.run(play())


def test_pysunspec2s_own_client_reads_and_orders_the_older_generation(bench: Benches) -> None:
    async def play() -> None:
        async with bench("older") as b:
            await asyncio.to_thread(_order_older_by_pysunspec2, b.port, 25)
            b.live(3)
            true, seen = b.plant.snapshot(), await b.driver.read()
            assert (true.battery_power_w, seen.battery_power_w, seen.set_power_w) == (250_000, 250_000, 250_000)
            client = await asyncio.to_thread(_scanned, b.port)
            assert [model.model_id for model in client.model_list] == [1, 103, 120, 121, 122, 123, 124, 203, 203]
            meter, battery = client.models[203]
            assert (meter.TotWhImp.cvalue, battery.TotWhExp.cvalue) == (true.import_wh, true.discharge_wh)
            assert client.models[124][0].ChaState.cvalue == true.soc_bp / 100

    asyncio.run(play())


def test_strings_and_modules_of_a_battery_are_told_as_pysunspec2s_own_client_reads_them(bench: Benches) -> None:
    async def play() -> None:
        async with bench("detailed") as b:
            await b.driver.write_power(-400_000)
            b.live(3)
            points = (await b.driver.read()).points
            client = await asyncio.to_thread(_scanned, b.port)
            found = [model.model_id for model in client.model_list]
            assert found == [1, 203, 701, 702, 704, 713, 715, 703, 705, 707, 711, 714, 802, 803, 804, 804]
            bank, second = client.models[803][0], client.models[804][1]
            assert points["sunspec.803.string.2.StrCellVMax"] == round(bank.string[1].StrCellVMax.cvalue * 1_000)
            module = second.groups["lithium_ion_string_module"][2]
            last = points["sunspec.804.2.lithium_ion_string_module.3.ModCellVMax"]
            assert last == round(module.ModCellVMax.cvalue * 1_000)
            assert points["sunspec.804.2.A"] == round(second.A.cvalue * 1_000) < 0
            assert points["cell_voltage_max"] == points["sunspec.802.CellVMax"]
            assert points["cell_temperature_max"] == b.plant.snapshot().cell_temperature_dc
            assert "sunspec.802.NCyc" not in points  # not implemented here

    asyncio.run(play())


def test_powers_beyond_sixteen_bits_travel_by_scale_factor(bench: Benches) -> None:
    async def play() -> None:
        async with bench("sunspec", scale=500) as b:  # 500 MW, 1 GWh
            await b.driver.write_power(-456_000_000)
            b.live(5)
            seen, true = await b.driver.read(), b.plant.snapshot()
            assert seen.battery_power_w == pytest.approx(true.battery_power_w, abs=50_000)
            assert seen.meter_power_w == pytest.approx(true.meter_power_w, abs=50_000)
            assert true.battery_power_w == -456_000_000
            assert seen.charge_wh == true.charge_wh

    asyncio.run(play())


def test_meter_that_counts_export_as_positive_is_read_by_setting(bench: Benches) -> None:
    async def play() -> None:
        async with bench("sunspec", meter_sign=1) as b:
            b.live(1)
            assert (await b.driver.read()).meter_power_w > 0  # the bench's meter is the other kind

    asyncio.run(play())


def test_layout_is_that_of_the_published_models() -> None:
    assert (layout_of(701)["TotWhInj"].offset, layout_of(701)["TotWhInj"].registers) == (19, 4)
    assert (layout_of(203)["TotWhExp"].offset, layout_of(203)["TotWhImp"].offset) == (38, 46)
    assert (layout_of(704)["WSetEna"].offset, layout_of(704)["WSet"].offset) == (22, 24)


def test_an_accumulator_of_zero_is_zero_and_not_absent() -> None:
    assert layout_of(203)["TotWhExp"].raw_of([0] * 107) == 0
    assert layout_of(203)["W"].raw_of([0x8000] * 107) is None
    assert layout_of(701)["TotWhInj"].raw_of([0xFFFF] * 155) is None


@pytest.mark.parametrize(("role", "name"), [("meter", "TotWhImp"), ("inverter", "W"), ("storage", "SoC")])
def test_a_point_that_cannot_be_done_without_is_named_when_absent(role: str, name: str) -> None:
    values = {**GOOD, role: {**GOOD[role], name: None}}
    with pytest.raises(PointAbsent) as failure:
        sample_of(values, meter_sign=-1)
    assert failure.value.point == name


def test_quality_tells_what_is_absent_or_out_of_range() -> None:
    good = sample_of(GOOD, meter_sign=-1)
    assert (good.quality, good.meter_power_w, good.pcs_state) == (Quality(0), -1_000, PcsState.CHARGING)
    without = sample_of({**GOOD, "storage": {"SoC": 5_000, "SoH": None}}, meter_sign=-1)
    assert (without.soh_bp, without.quality) == (0, Quality.NOT_IMPLEMENTED)
    beyond = sample_of({**GOOD, "storage": {"SoC": 10_100, "SoH": 9_900}}, meter_sign=-1)
    assert (beyond.soc_bp, beyond.quality) == (10_000, Quality.OUT_OF_RANGE)
    ordered_off = sample_of({**GOOD, "order": {"WSetEna": 0, "WSet": -500}}, meter_sign=-1)
    assert ordered_off.set_power_w == 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ([1, 2, 3, 4], NotSunSpec),
        ([0x5375, 0x6E53, 1, 66, *[0] * 66, 0xFFFF, 0], ModelMissing),
        ([0x5375, 0x6E53, 1, 0, 0, 0], ModelChainBroken),
        ([0x5375, 0x6E53, 0, 66, 0, 0], ModelChainBroken),
        ([0x5375, 0x6E53, 701, 20, *[0] * 20, 0xFFFF, 0], ModelChainBroken),
        ([0x5375, 0x6E53, *[1, 1, 0] * 70], ModelChainBroken),
        ([0x5375, 0x6E53, 1, 60_000, *[0] * 20], ModelChainBroken),
    ],
    ids=["no mark", "too few models", "no length", "no model", "short model", "endless", "beyond the last register"],
)
def test_a_broken_model_chain_is_named(free_port: int, words: list[int], error: type[Exception]) -> None:
    async def play() -> None:
        bank = Bank(first=40_000, words=words)
        server = DeviceServer(host="127.0.0.1", port=free_port, unit_id=1, banks={HOLDING: bank}, writer=Mute())
        await server.start()
        driver = open_devices(DeviceSettings(kind=DeviceKind.SUNSPEC, port=free_port, timeout_ms=500))
        with pytest.raises(error):
            await driver.read()
        await driver.close()
        await server.stop()

    asyncio.run(play())


def test_same_orders_give_the_same_registers(bench: Benches) -> None:
    async def images() -> list[list[int]]:
        async with bench("sunspec") as b:
            seen = []
            for power_w in (300_000, -700_000, 0):
                await b.driver.write_power(power_w)
                b.live(7)
                seen.append(list(b.device._bank.words))
            return seen

    async def play() -> None:
        assert await images() == await images()

    asyncio.run(play())


def test_the_settings_default_to_a_safe_reversion() -> None:
    settings = DeviceSettings(kind=DeviceKind.SUNSPEC)
    assert settings.revert_s == 300
    assert replace(settings, revert_s=0).revert_s == 0


def _scanned(port: int) -> SunSpecModbusClientDeviceTCP:
    """A client that has discovered and read every model, and hung up."""
    client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=2)
    client.scan()
    return client


def _read_by_pysunspec2(port: int) -> tuple[list[int], dict[str, Any]]:
    client = _scanned(port)
    meter, inverter = client.models[203][0], client.models[701][0]
    return [model.model_id for model in client.model_list], {
        "errors": "".join(model.error_info for model in client.model_list),
        "imported": meter.TotWhImp.cvalue,
        "exported": meter.TotWhExp.cvalue,
        "meter": meter.W.cvalue,
        "charged": inverter.TotWhAbs.cvalue,
        "discharged": inverter.TotWhInj.cvalue,
        "power": inverter.W.cvalue,
        "frequency": inverter.Hz.cvalue,
        "soc": client.models[713][0].SoC.cvalue,
        "order": client.models[704][0].WSet.cvalue,
    }


def _order_older_by_pysunspec2(port: int, percent: int) -> None:
    client = _scanned(port)
    client.connect()
    try:
        control = client.models[124][0]
        control.OutWRte.cvalue, control.InWRte.cvalue = percent, -percent
        control.StorCtl_Mod.value = 3
        control.write()
    finally:
        client.disconnect()


def _order_by_pysunspec2(port: int, power_w: int) -> None:
    client = _scanned(port)
    client.connect()
    try:
        control = client.models[704][0]
        control.WSet.cvalue = power_w
        control.WSetEna.value = 1
        control.write()
    finally:
        client.disconnect()
