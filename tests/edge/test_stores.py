"""Protocol 9.14.5: a capacitor's and a battery's converter, two real Modbus servers, follow one set point between them."""

import asyncio
import json
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from edge.control.hybrid import START, Hybrid, Span, share_within
from edge.control.stores import HybridStation, battery_span, open_stores
from edge.devices.open import CapacitorSettings, CapacitorWrong, DeviceKind, DeviceSettings, PartSettings
from edge.devices.station import Contactors, PcsState, Quality
from edge.settings import SettingsMalformed, load
from simulation.anvil import free_port
from simulation.battery import BatteryRating
from simulation.devices.capacitor import CapacitorDevice
from simulation.devices.parts import StationParts
from simulation.plant import Plant
from simulation.profiles import DayProfile
from tests.edge.devices.conftest import DAY, SITE
from tests.edge.program import settings_at
from tests.edge.rig import SAMPLE, Tock

KW = 1_000
BANK = replace(
    SITE, battery=BatteryRating(capacity_wh=4_000, charge_power_w=400 * KW, discharge_power_w=400 * KW),
    ramp_w_per_s=40_000 * KW, standby_w=0, start_soc_bp=5_000,
)  # fmt: skip
LOW_MV, HIGH_MV = 500_000, 900_000


def settings(port: int = 502, **changes: object) -> CapacitorSettings:
    given = CapacitorSettings(
        converter=PartSettings(table=Path("pcs"), port=port), power_w=400 * KW, energy_wh=4_000, dc_min_mv=LOW_MV,
        dc_max_mv=HIGH_MV, battery_w=1_000 * KW,
    )  # fmt: skip
    return replace(given, **changes)  # type: ignore[arg-type]


def test_parts_sum_to_the_command_wherever_both_together_can_give_it() -> None:
    chance = random.Random(6)
    made, hybrid = START, Hybrid(tau_ms=10_000, capacitor_w=400 * KW)
    for _ in range(20_000):
        spans = [
            Span(charge_w=chance.choice((0, 50, 400)) * KW, discharge_w=chance.choice((0, 50, 400)) * KW) for _ in "ab"
        ]
        battery, capacitor = spans
        command = chance.randint(-900 * KW, 900 * KW)
        made = share_within(
            hybrid, made, command, dt_ms=chance.randint(1, 20_000), battery=battery, capacitor=capacitor
        )
        assert battery.within(made.battery_w) == made.battery_w
        assert capacitor.within(made.capacitor_w) == made.capacitor_w
        both = Span(
            charge_w=battery.charge_w + capacitor.charge_w, discharge_w=battery.discharge_w + capacitor.discharge_w
        )
        assert made.battery_w + made.capacitor_w == both.within(command)


@dataclass
class Pair:
    """Two plants behind converters, and the box's driver over both."""

    station: HybridStation
    clock: Tock
    battery: Plant
    capacitor: Plant
    parts: StationParts
    bank: CapacitorDevice

    async def step(self, command_w: int, ms: int = 1_000) -> tuple[int, int]:
        """Read, order, let time pass; what the two converters hold."""
        await self.station.read()
        await self.station.write_power(command_w)
        self.clock.t_ms += ms
        for plant in (self.battery, self.capacitor):
            plant.step(self.clock.t_ms)
        self.parts.publish(self.battery.snapshot())
        self.bank.publish(self.capacitor.snapshot())
        return self.battery.snapshot().set_power_w, self.capacitor.snapshot().set_power_w


def test_two_converters_follow_one_set_point_and_stand_in_for_each_other() -> None:
    async def work() -> None:
        days = {DAY: DayProfile(day=DAY, load_w=(0,) * 96, pv_w=(0,) * 96)}
        clock = Tock(DAY.start_ms)
        battery = Plant(parameters=SITE, days=days, seed="battery", start_ms=DAY.start_ms)
        capacitor = Plant(parameters=BANK, days=days, seed="capacitor", start_ms=DAY.start_ms)
        parts, bank = StationParts(battery, seed="s"), CapacitorDevice(capacitor, dc_min_mv=LOW_MV, dc_max_mv=HIGH_MV)
        bank.publish(capacitor.snapshot())
        servers = {
            name: parts.by_table[name].registers.server(host="127.0.0.1", port=free_port())
            for name in ("meter", "pcs", "bms")
        }
        servers["bank"] = bank.registers.server(host="127.0.0.1", port=free_port())
        for server in servers.values():
            await server.start()
        device = DeviceSettings(
            kind=DeviceKind.TABLE, timeout_ms=2_000, capacitor=settings(servers["bank"].port),
            parts=tuple(PartSettings(table=Path(name), port=servers[name].port) for name in ("meter", "pcs", "bms")),
        )  # fmt: skip
        station = open_stores(device, clock=clock)
        assert isinstance(station, HybridStation)
        pair = Pair(station, clock, battery, capacitor, parts, bank)
        try:
            await follows(pair)
        finally:
            await station.close()
            for server in servers.values():
                await server.stop()

    asyncio.run(work())


async def follows(pair: Pair) -> None:
    held = [await pair.step(command) for command in (300 * KW, 300 * KW, -200 * KW, -200 * KW, 0, 350 * KW)]
    assert [sum(one) for one in held] == [300 * KW, 300 * KW, -200 * KW, -200 * KW, 0, 350 * KW]
    assert abs(held[2][1]) > abs(held[2][0]), "the capacitor takes the fast part"
    seen = await pair.station.read()
    assert seen.battery_power_w == pytest.approx(
        pair.battery.snapshot().battery_power_w + pair.capacitor.snapshot().battery_power_w, abs=200
    )
    settled = [await pair.step(350 * KW, ms=5_000) for _ in range(12)][-1]
    assert (sum(settled), settled[1] < 10 * KW) == (350 * KW, True), "the battery has taken over"
    pair.capacitor.trip()
    await pair.step(350 * KW)
    assert await pair.step(-350 * KW) == (-350 * KW, 0), "a tripped capacitor is given nothing"
    pair.capacitor.reset()
    pair.battery.trip()
    await pair.step(100 * KW)
    battery_w, capacitor_w = await pair.step(100 * KW)
    assert (battery_w, capacitor_w) == (0, 100 * KW), "and a tripped battery's part is the capacitor's, while it lasts"
    for _ in range(30):
        given = await pair.step(100 * KW, ms=5_000)
    assert given[1] < 10 * KW, "an empty capacitor is not driven below its voltage"
    assert bank_mv(pair) >= LOW_MV
    pair.battery.reset()
    for _ in range(12):
        given = await pair.step(300 * KW, ms=5_000)
    assert given[0] > 290 * KW
    pair.station.bound(charge_w=0, discharge_w=0)
    assert await pair.step(0) == (0, 0), "a battery that may give nothing is not left to its filter"
    assert isinstance(pair.station, Contactors)
    assert await pair.station.open_contactors(), "a trip reaches the battery's contactors beside a capacitor, too"


def test_battery_that_states_limits_of_zero_is_given_nothing() -> None:
    stopped = replace(SAMPLE, charge_limit_w=0, discharge_limit_w=0, limits_stated=True)
    stopped = replace(stopped, quality=Quality.NOT_IMPLEMENTED, pcs_state=PcsState.STANDBY)
    assert battery_span(stopped, settings()) == Span(charge_w=0, discharge_w=0)


def bank_mv(pair: Pair) -> int:
    return int(pair.bank.registers.seen("pcs.dc_voltage"))


@pytest.mark.parametrize("wrong", [{"tau_ms": 0}, {"dc_max_mv": LOW_MV}, {"hold_ms": 0}])
def test_capacitor_that_makes_no_sense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(CapacitorWrong):
        settings(**wrong)


def test_capacitor_is_named_in_the_settings_strictly(tmp_path: Path) -> None:
    beside = {
        "converter": {"table": "pcs", "port": 5021}, "power_w": 1, "energy_wh": 1, "dc_min_mv": 1, "dc_max_mv": 2,
        "battery_w": 1,
    }  # fmt: skip
    config = settings_at(tmp_path, device={"kind": "table", "capacitor": beside})
    found = load(config).device.capacitor
    assert found is not None
    assert found.converter.port == 5021
    for wrong in ({**beside, "powr": 1}, {**beside, "converter": {"tabel": "pcs"}}, {**beside, "tau_ms": 0}):
        config.write_text(
            json.dumps({**json.loads(config.read_text()), "device": {"kind": "table", "capacitor": wrong}})
        )
        with pytest.raises(SettingsMalformed):
            load(config)
