"""The month's demand (需量): the quarter's count, what the month has reached, and a station that keeps it (A30)."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from alliance.calendar import SLOT_MS, day_of
from edge.control import demand
from edge.control.demand import first, shaving_w, standing
from edge.control.guard import Before, Demand, Order, Situation, guard
from edge.control.limits import Limits
from edge.control.watch import Watch
from edge.devices.station import StationSample
from edge.health.status import demand_reached
from tests.edge.peer import Peer
from tests.edge.rig import LIMITS, MINUTE_MS, SAMPLE, START_MS, ScriptedStation, rig

KW = 1_000
BILLED = replace(LIMITS, demand_w=900 * KW, pcc_import_w=5_000 * KW, charge_power_w=1_000 * KW, discharge_power_w=1_000 * KW,
                 ramp_w_per_s=10**7)  # fmt: skip

LATE_W = 1_500 * KW // 900
"""A load is known a second after it came: at most a second of the largest step, over 900."""


def sample(import_kw: int, *, import_wh: int = 0, battery_kw: int = 0) -> StationSample:
    return replace(SAMPLE, meter_power_w=-import_kw * KW, import_wh=import_wh, battery_power_w=battery_kw * KW)


def test_spent_is_power_held_from_sample_to_sample() -> None:
    quarter = first(sample(600), t_ms=START_MS, declared_w=900 * KW)
    quarter = demand.after(quarter, sample(1_200), t_ms=START_MS + 300_000)
    now = standing(quarter, t_ms=START_MS + 600_000)
    assert now == Demand(limit_w=900 * KW, spent_w_ms=(600 + 1_200) * KW * 300_000, left_ms=300_000)
    assert now.rest_w(1_000) == 900 * KW  # (3 · 900 − 600 − 1200) in the last third


def test_billing_register_counts_where_it_says_more_than_the_samples() -> None:
    quarter = first(sample(0, import_wh=5_000), t_ms=START_MS, declared_w=900 * KW)
    quarter = demand.after(quarter, sample(0, import_wh=105_000), t_ms=START_MS + 600_000)
    assert standing(quarter, t_ms=START_MS + 600_000).spent_w_ms == 100_000 * 3_600_000


def test_quarter_whose_beginning_was_not_seen_counts_as_run_at_the_limit() -> None:
    quarter = first(sample(0), t_ms=START_MS + 600_000, declared_w=900 * KW)
    assert standing(quarter, t_ms=START_MS + 600_000).rest_w(1_000) == 900 * KW
    quarter = demand.after(quarter, sample(5_000), t_ms=START_MS + SLOT_MS)
    assert quarter.reached_w == 0, "what was not seen raises no month's demand"


def test_month_keeps_its_highest_mean_and_the_next_month_forgets_it() -> None:
    end_ms = day_of("2026-08-01").start_ms
    quarter = first(sample(1_000), t_ms=end_ms - 2 * SLOT_MS, declared_w=900 * KW)
    quarter = demand.after(quarter, sample(200), t_ms=end_ms - SLOT_MS)
    assert quarter.reached_w == 1_000 * KW
    assert standing(quarter, t_ms=end_ms - 1).limit_w == 1_000 * KW
    assert standing(quarter, t_ms=end_ms).limit_w == 900 * KW
    assert demand.after(quarter, sample(200), t_ms=end_ms).reached_w == 0


def test_clock_that_steps_back_begins_the_count_again() -> None:
    quarter = first(sample(100), t_ms=START_MS + 600_000, declared_w=900 * KW)
    again = demand.after(quarter, sample(100), t_ms=START_MS + 60_000)
    assert standing(again, t_ms=START_MS + 60_000).spent_w_ms == 900 * KW * 60_000


@dataclass
class Site:
    """A load beside a battery that does as it is told; the meter's register is exact."""

    import_wh_ms: int = 0

    def run(self, load_kw: int, order: Order, *, ms: int) -> StationSample:
        import_w = max(0, load_kw * KW - order.power_w)
        self.import_wh_ms += import_w * ms
        at_meter_w = order.power_w - load_kw * KW
        return replace(
            SAMPLE, meter_power_w=at_meter_w, battery_power_w=order.power_w, import_wh=self.import_wh_ms // 3_600_000
        )  # fmt: skip


@pytest.mark.parametrize("loads_kw", [(1_300, 300, 1_200), (850, 1_400, 1_400), (0, 899, 1_500), (1_500, 1_500, 1_500)])
@pytest.mark.parametrize("wanted_w", [0, -400 * KW])
def test_station_discharges_to_keep_fifteen_minutes_at_900_kw(loads_kw: tuple[int, ...], wanted_w: int) -> None:
    """A30, second by second, with a plan that wants to charge, too; loads change every five minutes."""
    means = kept(loads_kw, wanted_w, limits=BILLED)
    assert all(mean_w <= 900 * KW + LATE_W for mean_w in means)
    assert max(means) > 700 * KW or max(loads_kw) < 900, "and no more of the plan is given up than it takes"


def test_control_a_station_that_does_not_keep_it_exceeds_it() -> None:
    assert max(kept((1_300, 300, 1_200), -400 * KW, limits=replace(BILLED, demand_w=None))) > 900 * KW + LATE_W


def kept(loads_kw: tuple[int, ...], wanted_w: int, *, limits: Limits) -> list[int]:
    site, watch, order, means = Site(), Watch(limits), Order(power_w=0), []
    seen = site.run(loads_kw[0], order, ms=0)
    for second in range(3 * 900):
        t_ms = START_MS + second * 1_000
        watch.see(seen, t_ms=t_ms)
        now = watch.situation(t_ms=t_ms, hold_ms=1_000)
        assert now is not None
        least_w = None if now.demand is None else shaving_w(now.demand, net_load_w=now.net_load_w, hold_ms=1_000)
        order = guard(
            wanted_w if least_w is None else max(wanted_w, least_w), limits=limits, now=now,
            before=Before(power_w=order.power_w, elapsed_ms=1_000),
        )  # fmt: skip
        before_wh = site.import_wh_ms
        seen = site.run(loads_kw[second // 300 % len(loads_kw)], order, ms=1_000)
        means.append((site.import_wh_ms - before_wh) // 1_000)
    return [sum(means[q * 900 : q * 900 + 900]) // 900 for q in range(3)]


def test_heartbeat_that_stands_still_is_counted_from_its_last_move() -> None:
    watch = Watch(LIMITS)
    for second, beat in enumerate((1, 2, 3, 3, 3)):
        watch.see(replace(SAMPLE, heartbeat=beat), t_ms=second * 1_000)
    now = watch.situation(t_ms=5_000, hold_ms=1_000)
    assert isinstance(now, Situation)
    assert (now.heartbeat_still_ms, now.age_ms) == (3_000, 1_000)


def test_reached_demand_outlives_a_restart(tmp_path: Path, peer: Peer) -> None:
    station = ScriptedStation(sample=sample(1_100))

    async def work() -> None:
        async with rig(tmp_path, peer, station=station, limits=BILLED) as r:
            await r.play(32)
            month, reached_w = demand_reached(r.folder.store)
            assert (month, reached_w) == (demand.month_of(START_MS), 1_100 * KW)
        async with rig(tmp_path, peer, station=station, limits=BILLED, t_ms=START_MS + 40 * MINUTE_MS) as r:
            await r.play(2)
            assert demand_reached(r.folder.store)[1] == 1_100 * KW

    asyncio.run(work())


def test_nobody_is_ordered_about_while_a_hand_has_the_device_and_the_box_says_so(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(2)
            r.station.sample = replace(r.station.sample, manual=True, battery_power_w=70_000)
            r.station.orders.clear()
            await r.play(3)
            assert r.station.orders == []
            assert "control.taken_over" in r.alarms.names
            r.station.sample = replace(r.station.sample, manual=False)
            await r.play(1)
            assert r.station.orders == [0]
            assert "control.taken_over" not in r.alarms.names

    asyncio.run(work())
