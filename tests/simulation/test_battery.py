"""A battery: what goes in, times the efficiency, is what is stored; nothing comes from nowhere."""

from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.battery import WMS_PER_WH, Battery, BatteryRating

RATING = BatteryRating(capacity_wh=2_000_000, charge_power_w=1_000_000, discharge_power_w=1_000_000)


def battery(stored_wh: int) -> Battery:
    return Battery(rating=RATING, stored_wms=stored_wh * WMS_PER_WH)


def test_stored_energy_is_charge_times_efficiency_when_charging() -> None:
    b = battery(0)
    moved = b.exchange(-500_000 * WMS_PER_WH, power_w=-500_000)
    assert moved == -500_000 * WMS_PER_WH
    assert b.stored_wms == 500_000 * WMS_PER_WH * b.efficiency_ppm(-500_000) // 1_000_000
    assert b.charge_wms == 500_000 * WMS_PER_WH


def test_drawn_energy_is_discharge_over_efficiency_when_discharging() -> None:
    b = battery(1_000_000)
    b.exchange(500_000 * WMS_PER_WH, power_w=500_000)
    drawn = 1_000_000 * WMS_PER_WH - b.stored_wms
    assert drawn * b.efficiency_ppm(500_000) // 1_000_000 == 500_000 * WMS_PER_WH


def test_charging_stops_at_full_when_more_is_offered() -> None:
    b = battery(1_999_999)
    moved = b.exchange(-10_000 * WMS_PER_WH, power_w=-100_000)
    assert -2 * WMS_PER_WH < moved < 0
    assert b.capacity_wms - 2 <= b.stored_wms <= b.capacity_wms
    assert b.soc_bp <= 10_000


def test_discharging_stops_at_empty_when_more_is_asked() -> None:
    b = battery(1)
    moved = b.exchange(10_000 * WMS_PER_WH, power_w=100_000)
    assert 0 < moved < WMS_PER_WH
    assert 0 <= b.stored_wms <= 2


def test_limits_taper_when_nearly_full_or_empty() -> None:
    assert battery(1_000_000).charge_limit_w == 1_000_000
    assert battery(1_980_000).charge_limit_w == 1_000_000 * 100 // 300
    assert battery(2_000_000).charge_limit_w == 0
    assert battery(20_000).discharge_limit_w == 1_000_000 * 100 // 300
    assert battery(0).discharge_limit_w == 0


def test_efficiency_is_worst_at_little_power() -> None:
    b = battery(0)
    assert b.efficiency_ppm(1_000) < b.efficiency_ppm(100_000) < b.efficiency_ppm(500_000)
    assert b.efficiency_ppm(-1_000_000) < b.efficiency_ppm(-500_000)


def test_a_battery_loses_its_standing_loss_when_it_rests_a_day() -> None:
    b = battery(1_000_000)
    for _ in range(8_640):
        b.rest(10_000)
    assert 599 <= 1_000_000 - b.stored_wms // WMS_PER_WH <= 601


def test_health_falls_when_energy_is_cycled() -> None:
    b = battery(2_000_000)
    b.cycled_wms = 300 * b.capacity_wms
    assert b.soh_bp == 9_900 - 100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-1_000_000, 1_000_000), max_size=60), st.integers(0, 2_000_000))
def test_energy_is_never_created_whatever_is_ordered(orders: list[int], stored_wh: int) -> None:
    b = battery(stored_wh)
    before = b.stored_wms
    for power_w in orders:
        b.exchange(power_w * 600_000, power_w=power_w)
        assert 0 <= b.stored_wms <= b.capacity_wms
    assert b.stored_wms - before <= b.charge_wms - b.discharge_wms
