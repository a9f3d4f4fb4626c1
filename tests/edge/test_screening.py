"""Which readings are believed: each doubt is told, counted and never settled; a clean day raises none."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.reading import Flag
from edge.evidence.screening import CONFIRM, Bounds, Doubt, Seen, Verdict, Watched, bounds_of, screened
from edge.health.alarms import counted
from simulation.cast import STATIONS, CastStation
from simulation.plant import Plant
from simulation.profiles import DayProfile
from tests.edge.peer import Peer
from tests.edge.rig import BOUNDS as RIG_BOUNDS
from tests.edge.rig import DAY, ScriptedStation, rig

MINUTE_MS = 60_000
BOUNDS = bounds_of(sample_ms=MINUTE_MS, rated_w=600_000, step_wh=10)


def at(minute: int, *, power_w: int = -300_000, in_wh: int | None = None, out_wh: int = 500) -> Seen:
    """A meter that imports 300 kW: 5 kWh a minute."""
    return Seen(
        t_ms=minute * MINUTE_MS,
        power_w=power_w,
        in_wh=1_000_000 + 5_000 * minute if in_wh is None else in_wh,
        out_wh=out_wh,
    )


def judged(*readings: Seen, bounds: Bounds = BOUNDS) -> list[Verdict]:
    watched: Watched | None = None
    verdicts = []
    for reading in readings:
        watched, verdict = screened(watched, reading, bounds=bounds)
        verdicts.append(verdict)
    return verdicts


def test_a_clean_day_is_believed_whole() -> None:
    assert set(judged(*(at(n) for n in range(1_440)))) == {Verdict()}


def test_a_single_wrong_register_is_not_recorded_and_the_next_right_one_is_believed() -> None:
    for wrong in (at(2, in_wh=0), at(2, in_wh=4_000_000_000), at(2, out_wh=1), at(2, out_wh=999_999_999)):
        first, second, third = judged(at(1), wrong, at(3))
        assert (first, second) == (Verdict(), Verdict(doubts=(Doubt.JUMP,), recorded=False))
        assert third == Verdict(doubts=(Doubt.GAP,), missing=1)


def test_a_new_meter_is_taken_as_a_reset_once_enough_readings_agree() -> None:
    new = [at(2 + n, in_wh=5_000 * n, out_wh=0) for n in range(CONFIRM + 1)]
    verdicts = judged(at(1), *new)
    assert [v.recorded for v in verdicts] == [True, *[False] * (CONFIRM - 1), True, True]
    assert [v.reset for v in verdicts] == [False] * CONFIRM + [True, False]
    assert verdicts[-1] == Verdict()


def test_readings_that_jump_to_and_fro_never_confirm_each_other() -> None:
    wild = [at(2 + n, in_wh=7_777_777 * (n % 2)) for n in range(20)]
    assert not any(v.recorded for v in judged(at(1), *wild)[1:])


def test_a_frozen_register_is_told_once_the_power_amounts_to_five_minutes_of_the_rated_one() -> None:
    """300 kW for 10 minutes are 50 kWh = 600 kW for 5 minutes."""
    verdicts = judged(*(at(n, in_wh=1_000_000) for n in range(15)))
    assert [v.substituted for v in verdicts] == [False] * 10 + [True] * 5
    assert verdicts[-1].doubts == (Doubt.FROZEN,)
    assert judged(*(at(n, in_wh=1_000_000, power_w=0) for n in range(1_440)))[-1] == Verdict()
    thawed = judged(*(at(n, in_wh=1_000_000) for n in range(15)), at(15, in_wh=1_005_000))
    assert thawed[-1] == Verdict()


def test_a_coarse_register_is_not_called_frozen_nor_its_step_a_jump() -> None:
    coarse = bounds_of(sample_ms=MINUTE_MS, rated_w=600_000, step_wh=100_000)
    readings = (at(n, in_wh=(1_000_000 + 5_000 * n) // 100_000 * 100_000) for n in range(1_440))
    assert set(judged(*readings, bounds=coarse)) == {Verdict()}
    assert any(v.doubts for v in judged(*(at(n, in_wh=5_000 * n // 100_000 * 100_000) for n in range(1_440))))


def test_a_power_spike_is_recorded_as_substituted() -> None:
    assert judged(at(1), at(2, power_w=1_800_001))[1] == Verdict(doubts=(Doubt.SPIKE,), substituted=True)
    assert judged(at(1), at(2, power_w=-1_800_000))[1] == Verdict()


def test_the_same_instant_twice_is_recorded_once() -> None:
    assert judged(at(1), at(1), at(2))[1:] == [Verdict(doubts=(Doubt.DUPLICATE,), recorded=False), Verdict()]


@pytest.mark.parametrize(("minute", "missing"), [(2, 0), (3, 1), (11, 9), (1_441, 1_439)])
def test_missing_readings_are_counted(minute: int, missing: int) -> None:
    verdict = judged(at(1), at(minute))[1]
    assert (verdict.missing, verdict.recorded) == (missing, True)
    assert verdict.doubts == ((Doubt.GAP,) if missing else ())


def test_a_clock_that_was_set_back_is_told_and_loses_no_reading() -> None:
    back = judged(at(100), replace(at(101), t_ms=40 * MINUTE_MS), replace(at(102), t_ms=41 * MINUTE_MS))
    assert [v.doubts for v in back] == [(), (Doubt.CLOCK_BACKWARDS,), ()]
    assert all(v.recorded for v in back)


@given(
    st.lists(st.tuples(st.integers(-5, 90), st.integers(-30_000, 60_000), st.integers(-(10**7), 10**7)), max_size=40)
)
def test_registers_that_are_recorded_without_a_reset_never_fall_nor_leap(moves: list[tuple[int, int, int]]) -> None:
    seen, watched, last = at(0), None, None
    for minutes, energy_wh, power_w in moves:
        seen = replace(
            seen, t_ms=seen.t_ms + minutes * MINUTE_MS, in_wh=max(0, seen.in_wh + energy_wh), power_w=power_w
        )  # fmt: skip
        watched, verdict = screened(watched, seen, bounds=BOUNDS)
        if verdict.recorded:
            if last is not None and not verdict.reset:
                assert 0 <= seen.in_wh - last.in_wh <= BOUNDS.most_wh(max(MINUTE_MS, seen.t_ms - last.t_ms))
            assert verdict.substituted or abs(power_w) <= BOUNDS.highest_w or verdict.reset
            last = seen


def test_what_is_doubted_is_flagged_counted_and_survives_a_restart(tmp_path: Path, peer: Peer) -> None:
    """A register that reads 0 once leaves a hole in the stream and no flag; after a restart it is known as before."""

    async def play() -> None:
        station = ScriptedStation()
        async with rig(tmp_path / "box", peer, station=station) as r:
            await r.play(3)
            true = station.sample
            station.sample = replace(true, import_wh=0, export_wh=0)
            await r.play(1)
            assert "reading.doubtful.1" in r.alarms.names
            assert r.alarms.names.isdisjoint({"reading.doubtful.2"})
            station.sample = true
            await r.play(1)
            assert "reading.doubtful.1" not in r.alarms.names
            assert counted(r.folder.store)["register_jumps"] == 1
            meter, battery = (s for s in r.folder.outbox.streams([1, 2]).values())
            assert (meter.next_seq, battery.next_seq) == (4, 5)
            t_ms, flags = r.clock.t_ms, meter.last.flags if meter.last else -1
            assert flags == 0
        station.sample = replace(true, import_wh=true.import_wh + 10**9)
        async with rig(tmp_path / "box", peer, station=station, t_ms=t_ms) as r:
            await r.play(1)
            assert r.folder.outbox.streams([1])[1].next_seq == 4
            await r.play(CONFIRM - 1)
            last = r.folder.outbox.streams([1])[1].last
            assert last is not None
            assert last.flags == Flag.REGISTER_RESET
            station.sample = replace(station.sample, meter_power_w=RIG_BOUNDS[1].highest_w + 1)
            await r.play(1)
            last = r.folder.outbox.streams([1])[1].last
            assert last is not None
            assert last.flags == Flag.SUBSTITUTED

    asyncio.run(play())


@pytest.mark.parametrize("station", STATIONS, ids=lambda station: station.key)
def test_a_clean_day_of_a_simulated_station_raises_no_doubt(station: CastStation) -> None:
    """Loads and sun up to the connection's limits, the battery at full power both ways, read once a minute."""
    site = station.plant
    load = tuple(site.pcc_import_w * share // 100 for share in (5, 40, 95, 60) for _ in range(24))
    sun = tuple(site.pcc_export_w * share // 100 for share in (0, 30, 90, 10) for _ in range(24))
    plant = Plant(
        parameters=site, days={DAY: DayProfile(day=DAY, load_w=load, pv_w=sun)}, seed="s", start_ms=DAY.start_ms
    )
    rated_w = max(site.battery.charge_power_w, site.pcc_import_w, site.pcc_export_w)
    bounds = bounds_of(sample_ms=MINUTE_MS, rated_w=rated_w, step_wh=10)
    watched: list[Watched | None] = [None, None]
    doubts: set[Doubt] = set()
    for minute in range(1, 721):
        if minute % 45 == 1:
            order_w = site.battery.charge_power_w * (-1 if minute // 45 % 2 else 1)
            plant.command(order_w, enabled=True)
        plant.step(DAY.start_ms + minute * MINUTE_MS)
        now = plant.snapshot()
        seen = (
            Seen(t_ms=now.t_ms, power_w=now.meter_power_w, in_wh=now.import_wh, out_wh=now.export_wh),
            Seen(t_ms=now.t_ms, power_w=now.battery_power_w, in_wh=now.charge_wh, out_wh=now.discharge_wh),
        )
        for n, one in enumerate(seen):
            watched[n], verdict = screened(watched[n], one, bounds=bounds)
            doubts |= set(verdict.doubts)
    assert doubts == set()
