"""Events of the grid by command, what the converter does of them, and meters whose registers are what flowed."""

from dataclasses import replace

import pytest

from simulation.battery import WMS_PER_WH
from simulation.devices.grid import GridEvent, disturbed
from simulation.devices.meter import MeterDevice
from simulation.devices.parts import StationParts
from simulation.devices.pcs import PcsDevice
from simulation.plant import Plant, Snapshot
from tests.simulation.test_plant import DAY, SITE, plant

SECOND_MS = 1_000
SUBSTEP_MS = 10_000


class Site:
    """Meter and converter of a plant, and what happens to their grid."""

    def __init__(self, p: Plant) -> None:
        self.meter, self.pcs = MeterDevice(), PcsDevice(p)
        self.grid: list[GridEvent] = []
        self.publish(p.snapshot())

    def publish(self, now: Snapshot) -> None:
        for device in (self.meter, self.pcs):
            device.publish(disturbed(now, self.grid))


def play(parts: Site, p: Plant, seconds: int, *, step_ms: int = SECOND_MS) -> None:
    for _ in range(seconds * 1_000 // step_ms):
        p.step(p.t_ms + step_ms)
        parts.publish(p.snapshot())


def test_event_rises_stands_and_ends_on_its_ramp() -> None:
    event = GridEvent(begins_ms=1_000, ends_ms=11_000, frequency_mhz=-600, ramp_ms=2_000)
    now = replace(plant().snapshot(), frequency_mhz=50_000)
    shown = {
        t_ms: disturbed(replace(now, t_ms=t_ms), [event]).frequency_mhz
        for t_ms in (999, 1_000, 2_000, 3_000, 9_000, 10_000, 11_000)
    }
    assert shown == {
        999: 50_000, 1_000: 50_000, 2_000: 49_700, 3_000: 49_400, 9_000: 49_400, 10_000: 49_700, 11_000: 50_000
    }  # fmt: skip


def test_events_add_up_and_the_voltage_is_never_below_zero() -> None:
    events = [
        GridEvent(begins_ms=0, ends_ms=1 << 60, frequency_mhz=100, voltage_ppm=-700_000),
        GridEvent(begins_ms=0, ends_ms=1 << 60, frequency_mhz=50, voltage_ppm=-700_000),
    ]
    now = replace(plant().snapshot(), frequency_mhz=50_000)
    assert (disturbed(now, events).frequency_mhz, disturbed(now, events).voltage_ppm) == (50_150, 0)


def test_meter_and_converter_show_the_disturbed_grid() -> None:
    p = plant()
    parts = Site(p)
    parts.grid.append(
        GridEvent(begins_ms=DAY.start_ms, ends_ms=DAY.end_ms, frequency_mhz=-500, voltage_ppm=-100_000)
    )  # fmt: skip
    play(parts, p, 5)
    undisturbed_mhz = p.snapshot().frequency_mhz
    assert parts.meter.registers.seen("frequency") == undisturbed_mhz - 500
    assert parts.pcs.registers.seen("pcs.frequency") == pytest.approx(undisturbed_mhz - 500, abs=5)
    assert parts.meter.registers.seen("meter.voltage.2") == 5_774_000 * 9 // 10
    assert parts.pcs.registers.seen("pcs.voltage.2") == 621_000


def test_whole_station_shows_the_disturbed_grid() -> None:
    p = plant()
    parts = StationParts(p, seed="grid")
    parts.grid.append(GridEvent(begins_ms=DAY.start_ms, ends_ms=DAY.end_ms, voltage_ppm=50_000))
    parts.publish(p.snapshot())
    assert parts.meter.registers.seen("meter.voltage.1") == 5_774_000 * 105 // 100


@pytest.mark.parametrize(
    ("event", "lasts_s", "bit"),
    [
        ({"voltage_ppm": -1_000_000}, 10, 1 << 5),
        ({"voltage_ppm": -300_000}, 10, 1 << 5),
        ({"voltage_ppm": -300_000}, 1, 0),
        ({"voltage_ppm": -100_000}, 10, 0),
        ({"voltage_ppm": 150_000}, 10, 1 << 4),
        ({"frequency_mhz": 1_800}, 10, 1 << 6),
        ({"frequency_mhz": -3_000}, 10, 1 << 6),
        ({"frequency_mhz": -1_000}, 10, 0),
    ],
)
def test_converter_trips_when_the_grid_is_out_of_bounds_for_longer_than_it_rides_through(
    event: dict[str, int], lasts_s: int, bit: int
) -> None:
    p = plant()
    p.command(-400_000, enabled=True)
    parts = Site(p)
    play(parts, p, 20)
    begins_ms = p.t_ms + SECOND_MS
    parts.grid.append(GridEvent(begins_ms=begins_ms, ends_ms=begins_ms + lasts_s * SECOND_MS, **event))
    play(parts, p, 20)
    alarms = parts.pcs.registers.seen("pcs.alarm_word")
    assert alarms == (bit | 1 if bit else 0)
    assert p.snapshot().battery_power_w == (0 if bit else -400_000)
    p.reset()
    play(parts, p, 20)
    assert (parts.pcs.registers.seen("pcs.alarm_word"), p.snapshot().battery_power_w) == (0, -400_000)


def test_meters_registers_are_the_integral_of_the_power_that_they_show() -> None:
    """Read off the devices, not the plant: what a driver would sum is what the registers counted."""
    p = plant(pv_w=300_000)
    p.command(-600_000, enabled=True)
    parts = Site(p)
    meter, pcs = parts.meter.registers, parts.pcs.registers
    first = (
        meter.seen("meter_export") - meter.seen("meter_import"),
        pcs.seen("battery_discharge") - pcs.seen("battery_charge"),
    )
    meter_wms = battery_wms = 0
    for step in range(360):
        if step == 180:
            p.command(900_000, enabled=True)
        play(parts, p, 10, step_ms=SUBSTEP_MS)
        meter_wms += meter.seen("meter_power") * SUBSTEP_MS
        battery_wms += pcs.seen("battery_power") * SUBSTEP_MS
    last = (
        meter.seen("meter_export") - meter.seen("meter_import"),
        pcs.seen("battery_discharge") - pcs.seen("battery_charge"),
    )
    assert last[0] - first[0] == pytest.approx(meter_wms / WMS_PER_WH, abs=10)  # the power is shown in 10 W
    assert last[1] - first[1] == pytest.approx(battery_wms / WMS_PER_WH, abs=200)  # registers in 100 Wh, power in 100 W


LAGGING = replace(SITE, lag_ms=3_000)


def test_converter_does_what_it_did_until_its_lag_is_over_and_then_ramps() -> None:
    p = plant(parameters=LAGGING)
    p.command(-400_000, enabled=True)
    p.step(p.t_ms + 3_000)
    assert (p.snapshot().battery_power_w, p.snapshot().set_power_w) == (0, -400_000)
    p.step(p.t_ms + 1_000)
    assert p.snapshot().battery_power_w == -50_000  # the mean of the ramp's first second
    p.step(p.t_ms + 60_000)
    assert p.snapshot().battery_power_w == -400_000


def test_orders_that_come_faster_than_the_lag_are_followed_all_the_same() -> None:
    p = plant(parameters=LAGGING)
    for second in range(30):
        p.command(-100_000 - 10_000 * second, enabled=True)
        p.step(p.t_ms + SECOND_MS)
    assert -400_000 <= p.snapshot().battery_power_w <= -300_000


def test_lag_holds_no_stop_off() -> None:
    p = plant(parameters=LAGGING)
    p.command(-400_000, enabled=True)
    p.step(p.t_ms + 60_000)
    p.command(300_000, enabled=True)
    p.trip()
    p.step(p.t_ms + 1_000)
    assert p.snapshot().battery_power_w == 0


def test_steps_of_another_size_give_the_same_state_with_a_lag() -> None:
    states = []
    for step_ms in (500, 2_500, 60_000):
        p = plant(parameters=replace(SITE, lag_ms=1_234))
        p.command(-400_000, enabled=True)
        while p.t_ms < DAY.start_ms + 120_000:
            p.step(min(p.t_ms + step_ms, DAY.start_ms + 120_000))
        states.append((p.save()["power_w"], p.snapshot().battery_power_w, p.snapshot().stored_wh))
    assert len(set(states)) == 1
