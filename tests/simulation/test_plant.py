"""A plant: its registers are the integral of its power, its limits hold, and it repeats itself bit for bit."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.calendar import SLOT_MS, Day, day_of
from simulation.battery import WMS_PER_WH, BatteryRating
from simulation.plant import (
    Alarm,
    Plant,
    PlantParameters,
    PlantStateUnreadable,
    State,
    TimeWentBackwards,
)
from simulation.profiles import DayProfile

DAY = day_of("2026-07-15")
SITE = PlantParameters(
    battery=BatteryRating(capacity_wh=2_000_000, charge_power_w=1_000_000, discharge_power_w=1_000_000),
    ramp_w_per_s=100_000,
    pcc_import_w=3_000_000,
    pcc_export_w=1_000_000,
    standby_w=5_000,
    reactive_ppm=300_000,
)
MINUTE_MS = 60_000


def profile(day: Day = DAY, *, load_w: int = 800_000, pv_w: int = 0) -> DayProfile:
    return DayProfile(day=day, load_w=(load_w,) * 96, pv_w=(pv_w,) * 96)


def plant(*, parameters: PlantParameters = SITE, seed: str = "seed", load_w: int = 800_000, pv_w: int = 0) -> Plant:
    days = {DAY: profile(load_w=load_w, pv_w=pv_w)}
    return Plant(parameters=parameters, days=days, seed=seed, start_ms=DAY.start_ms)


def test_registers_are_the_integral_of_power_when_sampled_at_every_sub_step() -> None:
    p = plant(pv_w=300_000)
    p.command(-600_000, enabled=True)
    first = p.snapshot()
    meter_wms = battery_wms = 0
    for step in range(1, 361):
        if step == 180:
            p.command(900_000, enabled=True)
        p.step(DAY.start_ms + step * 10_000)
        now = p.snapshot()
        meter_wms += now.meter_power_w * 10_000
        battery_wms += now.battery_power_w * 10_000
    last = p.snapshot()
    net_wh = (last.export_wh - first.export_wh) - (last.import_wh - first.import_wh)
    battery_wh = (last.discharge_wh - first.discharge_wh) - (last.charge_wh - first.charge_wh)
    assert abs(net_wh - meter_wms / WMS_PER_WH) < 3
    assert abs(battery_wh - battery_wms / WMS_PER_WH) < 3


def test_pcc_energy_is_battery_less_load_and_own_use_when_all_are_summed() -> None:
    p = plant(load_w=0)
    p.command(-1_000_000, enabled=True)
    before = p.snapshot()
    p.step(DAY.start_ms + 3_600_000)
    after = p.snapshot()
    charged_wh = after.charge_wh - before.charge_wh
    imported_wh = after.import_wh - before.import_wh
    assert 990_000 < charged_wh <= 1_000_000
    assert abs(imported_wh - (charged_wh * 1.004 + 5_000)) < 5


def test_stored_energy_is_what_went_in_times_efficiency_when_charging_steadily() -> None:
    p = plant(parameters=replace(SITE, battery=replace(SITE.battery, self_discharge_ppm_day=0), start_soc_bp=1_000))
    p.command(-500_000, enabled=True)
    p.step(DAY.start_ms + MINUTE_MS)
    start, begun = p.snapshot(), p.stored_wms
    p.step(DAY.start_ms + 61 * MINUTE_MS)
    charged_wh = p.snapshot().charge_wh - start.charge_wh
    assert charged_wh == pytest.approx(500_000, abs=2)
    assert (p.stored_wms - begun) / WMS_PER_WH == pytest.approx(charged_wh * 0.958, rel=1e-5)


def test_setpoint_is_reached_by_the_ramp_and_no_faster() -> None:
    p = plant(parameters=replace(SITE, ramp_w_per_s=10_000))
    p.command(500_000, enabled=True)
    p.step(DAY.start_ms + 10_000)
    assert p.snapshot().battery_power_w == 50_000  # the mean of 0 … 100 kW
    p.step(DAY.start_ms + 70_000)
    assert p.snapshot().battery_power_w == 500_000
    assert p.snapshot().state is State.DISCHARGING


def test_power_rests_at_zero_when_the_direction_changes() -> None:
    p = plant()
    p.command(500_000, enabled=True)
    p.step(DAY.start_ms + MINUTE_MS)
    p.command(-500_000, enabled=True)
    charge_before = p.snapshot().charge_wh
    p.step(DAY.start_ms + MINUTE_MS + 10_000)
    assert p.snapshot().charge_wh == charge_before
    p.step(DAY.start_ms + 2 * MINUTE_MS)
    assert p.snapshot().battery_power_w == -500_000


def test_import_stays_within_the_connection_when_more_is_ordered() -> None:
    p = plant(parameters=replace(SITE, pcc_import_w=1_200_000))
    p.command(-1_000_000, enabled=True)
    for minute in range(1, 31):
        p.step(DAY.start_ms + minute * MINUTE_MS)
        assert p.snapshot().meter_power_w >= -1_210_000
    assert Alarm.PCC_LIMITED in p.snapshot().alarms


def test_nothing_is_done_when_the_order_is_not_enabled() -> None:
    p = plant()
    p.command(500_000, enabled=False)
    p.step(DAY.start_ms + MINUTE_MS)
    assert p.snapshot().battery_power_w == 0
    assert p.snapshot().state is State.STANDBY


def test_power_falls_to_zero_when_the_order_expires_unrepeated() -> None:
    p = plant()
    p.command(500_000, enabled=True, revert_s=120)
    p.step(DAY.start_ms + MINUTE_MS)
    p.hear_heartbeat()
    p.step(DAY.start_ms + 3 * MINUTE_MS)
    assert p.snapshot().battery_power_w == 500_000
    p.step(DAY.start_ms + 4 * MINUTE_MS)
    assert p.snapshot().battery_power_w == 0
    assert Alarm.COMMAND_EXPIRED in p.snapshot().alarms


def test_power_and_limits_are_zero_when_tripped_until_reset() -> None:
    p = plant()
    p.command(500_000, enabled=True)
    p.step(DAY.start_ms + MINUTE_MS)
    p.trip()
    p.step(DAY.start_ms + 2 * MINUTE_MS)
    now = p.snapshot()
    assert (now.battery_power_w, now.discharge_limit_w, now.state) == (0, 0, State.FAULT)
    p.reset()
    p.step(DAY.start_ms + 3 * MINUTE_MS)
    assert p.snapshot().battery_power_w == 500_000


def test_nothing_flows_when_the_contactor_is_open() -> None:
    p = plant()
    p.command(500_000, enabled=True)
    p.set_contactor(closed=False)
    p.step(DAY.start_ms + MINUTE_MS)
    assert (p.snapshot().battery_power_w, p.snapshot().state) == (0, State.OFF)


def test_same_registers_when_seed_and_orders_are_the_same() -> None:
    a, b = plant(), plant()
    for minute in range(1, 121):
        for p in (a, b):
            p.command((minute % 7 - 3) * 200_000, enabled=True)
            p.step(DAY.start_ms + minute * MINUTE_MS)
        assert a.snapshot() == b.snapshot()
    assert a.save() == b.save()


def test_other_registers_when_the_seed_differs() -> None:
    a, b = plant(), plant(seed="another")
    for p in (a, b):
        p.step(DAY.start_ms + SLOT_MS)
    assert a.snapshot().import_wh != b.snapshot().import_wh


def test_steps_of_another_size_give_the_same_state() -> None:
    a, b = plant(), plant()
    a.step(DAY.start_ms + SLOT_MS)
    for second in range(10, 901, 10):
        b.step(DAY.start_ms + second * 1_000)
    assert a.save() == b.save()


def test_a_resumed_plant_goes_on_as_if_never_stopped() -> None:
    a, b = plant(), plant()
    for p in (a, b):
        p.command(-300_000, enabled=True, revert_s=3_600)
        p.step(DAY.start_ms + SLOT_MS)
    resumed = plant()
    resumed.restore(b.save())
    for p in (a, resumed):
        p.step(DAY.start_ms + 6 * SLOT_MS)
    assert a.snapshot() == resumed.snapshot()


def test_a_saved_state_is_refused_when_a_field_is_lacking_or_strange() -> None:
    p = plant()
    saved: dict[str, object] = dict(p.save())
    del saved["stored_wms"]
    with pytest.raises(PlantStateUnreadable):
        p.restore(saved)
    with pytest.raises(PlantStateUnreadable):
        p.restore({**p.save(), "stored_wms": 1.5})


def test_stepping_back_is_refused() -> None:
    p = plant()
    p.step(DAY.start_ms + MINUTE_MS)
    with pytest.raises(TimeWentBackwards):
        p.step(DAY.start_ms)


def test_a_slots_energy_is_near_its_profile() -> None:
    p = plant(load_w=1_000_000)
    before = p.snapshot().import_wh
    p.step(DAY.start_ms + 4 * SLOT_MS)
    assert p.snapshot().import_wh - before == pytest.approx(1_005_000, rel=0.02)


def test_the_day_goes_on_when_the_profile_has_ended() -> None:
    p = plant(load_w=100_000)
    p.step(DAY.end_ms + SLOT_MS)
    assert p.snapshot().load_w == pytest.approx(100_000, rel=0.1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-1_300_000, 1_300_000), min_size=1, max_size=40))
def test_state_of_charge_and_registers_keep_their_bounds_whatever_is_ordered(orders: list[int]) -> None:
    p = plant(pv_w=900_000)
    last = p.snapshot()
    for n, power_w in enumerate(orders, start=1):
        p.command(power_w, enabled=True)
        p.step(DAY.start_ms + n * 600_000)
        now = p.snapshot()
        assert 0 <= now.soc_bp <= 10_000
        assert abs(now.battery_power_w) <= 1_000_000
        for register in ("import_wh", "export_wh", "charge_wh", "discharge_wh"):
            assert getattr(now, register) >= getattr(last, register)
        last = now
