"""The box's round: boundaries of segments, gaps, the beacon, following and falling back, and the same bytes twice."""

import asyncio
from dataclasses import replace
from pathlib import Path

from alliance.segment import START
from edge.devices.station import Quality
from edge.health.alarms import counted
from edge.health.status import status
from oracle.segment import check_contents
from tests.edge.peer import Peer
from tests.edge.rig import DAY, MINUTE_MS, START_MS, Rig, ScriptedStation, rig


def schedule(battery_wh: dict[int, int], *, revision: int = 0, name: int = 1) -> dict[str, object]:
    rows = [{"slot": s, "batteryWh": wh, "plannedNetWh": wh, "netLoadWh": 0} for s, wh in battery_wh.items()]
    return {"schedule": "0x" + f"{name:02x}" * 32, "revision": revision, "rows": rows}


def test_segment_covers_its_epoch_with_the_reading_at_the_end_as_its_last(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(31)
            assert r.waiting() == 0
        meters = [s.signed.segment for s in peer.sealed if s.signed.segment.channel == 1]
        assert [s.count for s in meters] == [15, 15]
        assert [s.t_last_ms for s in meters] == [START_MS + 15 * MINUTE_MS, START_MS + 30 * MINUTE_MS]
        assert meters[0].prev == START.digest
        assert [r.seq for r in peer.readings(1)] == list(range(30))
        assert len(peer.sealed) == 4
        assert {s.signed.signer for s in peer.sealed} == {r.folder.signer.address}
        for sealed in peer.sealed:
            check_contents(sealed)

    asyncio.run(work())


def test_silent_device_makes_gaps_and_a_signed_gap_record_never_a_zero(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(17)
            r.station.silent = True
            await r.play(20)
            assert "device.unreadable" in r.alarms.names
            r.station.silent = False
            await r.play(8)
            assert "device.unreadable" not in r.alarms.names
            assert counted(r.folder.store)["readings_missed"] == 20
        meters = [s for s in peer.sealed if s.signed.segment.channel == 1]
        assert [s.signed.segment.count for s in meters] == [15, 2, 8]
        assert all(reading.import_wh > 1_000_000 for reading in peer.readings(1))

    asyncio.run(work())


def test_points_that_could_not_be_had_stand_in_the_status_until_they_can(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            r.station.silent = True
            await r.play(2)
            assert status(tmp_path, station=4)["points"] == {"meter_power": "silent"}
            r.station.silent = False
            await r.play(2)
            assert status(tmp_path, station=4)["points"] == {}
            r.station.sample = replace(r.station.sample, quality=Quality.PART_SILENT)
            await r.play(1)
            assert "device.part_silent" in r.alarms.names
            r.station.sample = replace(r.station.sample, quality=Quality(0))
            await r.play(1)
            assert "device.part_silent" not in r.alarms.names

    asyncio.run(work())


def test_epoch_without_any_reading_is_signed_as_a_gap_with_a_zero_secret(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer, station=ScriptedStation(silent=True)) as r:
            await r.play(30)
            r.station.silent = False
            await r.play(15)
        gaps = [s for s in peer.sealed if s.signed.segment.channel == 2][:2]
        assert [(g.signed.segment.count, g.secret, g.readings) for g in gaps] == [(0, bytes(32), b"")] * 2
        assert gaps[0].signed.segment.t_first_ms == START_MS + 15 * MINUTE_MS
        assert [reading.seq for reading in peer.readings(2)] == list(range(15))

    asyncio.run(work())


def test_register_that_fell_is_flagged_as_a_reset(tmp_path: Path, peer: Peer) -> None:
    from dataclasses import replace

    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(7)
            r.station.sample = replace(r.station.sample, import_wh=0)
            await r.play(8)
        flags = [reading.flags for reading in peer.readings(1)]
        assert flags == [0] * 7 + [2] + [0] * 5  # two readings wait until a new meter is believed
        assert all(reading.flags == 0 for reading in peer.readings(2))

    asyncio.run(work())


def test_segment_carries_the_beacon_known_when_it_was_opened(tmp_path: Path, peer: Peer) -> None:
    def advance(t_ms: int) -> None:
        peer.beacon = {"block": (t_ms - START_MS) // MINUTE_MS, "hash": "0x" + "cd" * 32, "timestamp": t_ms // 1000}

    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(45, between=advance)
        assert [s.signed.segment.beacon_block for s in peer.sealed if s.signed.segment.channel == 1] == [1, 15, 30]

    asyncio.run(work())


def test_last_known_beacon_stays_when_the_platform_is_gone(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(20)
            peer.stop()
            await r.play(25)
            opened = r.folder.outbox.streams([1])[1].opened
            assert opened is None
            await r.play(1)
            opened = r.folder.outbox.streams([1])[1].opened
            assert opened is not None
            assert opened.beacon.block == 7
            assert r.waiting() == 4

    asyncio.run(work())


def test_orders_follow_the_schedule_and_fall_back_to_zero_without_one(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.schedules[str(DAY)] = schedule({0: 25_000, 1: -50_000})
        async with rig(tmp_path, peer) as r:
            await r.play(3)
            assert r.station.orders[0] == 0, "before the first fetch there is no schedule"
            assert r.station.orders[1:] == [100_000, 100_000]
            await r.play(12)
            assert r.station.orders[-2:] == [100_000, -200_000], "the slot's set point begins with the slot"
            await r.play(15)
            assert r.station.orders[-1] == 0, "no row for slot 2"
            assert "schedule.missing" in r.alarms.names

    asyncio.run(work())


def test_cached_schedule_is_followed_with_the_platform_dead_and_after_a_restart(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 10_000))
        async with rig(tmp_path, peer) as r:
            await r.play(5)
        peer.stop()
        async with rig(tmp_path, peer, t_ms=START_MS + 5 * MINUTE_MS) as r:
            await r.play(10)
            assert r.station.orders == [40_000] * 10

    asyncio.run(work())


def test_yesterdays_schedule_is_not_followed_today(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 10_000))
        async with rig(tmp_path, peer, t_ms=DAY.end_ms - 3 * MINUTE_MS) as r:
            await r.play(4)
            assert r.station.orders == [0, 40_000, 0, 0], "the tick at 24:00 belongs to the next day"

    asyncio.run(work())


def test_next_days_schedule_is_fetched_before_midnight(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 10_000))
        peer.schedules[str(DAY.plus(1))] = schedule(dict.fromkeys(range(96), 20_000), name=2)
        async with rig(tmp_path, peer, t_ms=DAY.end_ms - 20 * MINUTE_MS) as r:
            await r.play(8)
            peer.stop()
            await r.play(14)
            assert r.station.orders[-3:] == [80_000] * 3

    asyncio.run(work())


def test_intraday_revision_replaces_the_schedule_and_an_older_one_does_nothing(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 10_000), revision=1)
        async with rig(tmp_path, peer) as r:
            await r.play(10)
            peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 20_000), revision=2, name=2)
            await r.play(5)
            assert r.station.orders[-2:] == [40_000, 80_000], "fetched in the round before the slot begins"
            peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 5_000), revision=1, name=3)
            await r.play(20)
            assert r.station.orders[-1] == 80_000
            assert "schedule.refused" in r.alarms.names

    asyncio.run(work())


def test_unreadable_device_is_ordered_to_zero(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 10_000))
        async with rig(tmp_path, peer) as r:
            await r.play(3)
            r.station.silent = True
            r.clock.t_ms += MINUTE_MS
            order = await r.box.tick(r.clock.t_ms)
            assert (order.power_w, order.reasons) == (0, ("no_measurement",))

    asyncio.run(work())


def test_stopping_orders_zero(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.schedules[str(DAY)] = schedule(dict.fromkeys(range(96), 10_000))
        async with rig(tmp_path, peer) as r:
            await r.play(2)
            await r.box.stop()
            assert r.station.orders == [0, 40_000, 0]

    asyncio.run(work())


def test_live_values_are_signed_and_their_refusal_disturbs_nothing(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer, live_ticks=5) as r:
            await r.play(10)
        assert [(v["t"] - START_MS) // MINUTE_MS for v in peer.live] == [1, 6]
        assert peer.live[0] == {
            "device": "0x" + r.folder.signer.address.hex(), "t": START_MS + MINUTE_MS, "stationId": 4, "powerW": -300_000,
            "socBp": 5_000, "batteryPowerW": 0, "setPowerW": 0, "status": "no_schedule", "alarms": [],
        }  # fmt: skip

    asyncio.run(work())


def test_live_values_are_shown_when_a_power_moves_past_the_deadband_and_once_a_period(
    tmp_path: Path, peer: Peer
) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer, live_ticks=10, live_deadband_w=5_000) as r:
            powers = [-300_000] * 3 + [-304_000, -306_000, -310_000, -311_001] + [-311_001] * 13

            def between(t_ms: int) -> None:
                at = (t_ms - START_MS) // MINUTE_MS - 1
                r.station.sample = replace(r.station.sample, meter_power_w=powers[at])

            await r.play(len(powers), between=between)
            shown = [((value["t"] - START_MS) // MINUTE_MS, value["powerW"]) for value in peer.live]
            assert shown == [(1, -300_000), (5, -306_000), (7, -311_001), (10, -311_001), (20, -311_001)]

    asyncio.run(work())


def test_same_seed_gives_the_same_bytes_whatever_the_link_did(tmp_path: Path) -> None:
    async def day(path: Path, *, restart_after: int, cut: bool) -> list[bytes]:
        platform = Peer().start()
        try:
            async with rig(path, platform) as r:
                await r.play(restart_after)
            async with rig(path, platform, station=r.station, t_ms=START_MS + restart_after * MINUTE_MS) as again:
                if cut:
                    platform.faults.swallow_answers = 2
                await again.play(60 - restart_after)
                await _drained(again)
        finally:
            platform.stop()
        assert not platform.conflicts
        assert not platform.altered
        order = sorted(platform.sealed, key=lambda s: (s.signed.segment.channel, s.signed.segment.first_seq))
        return [platform.raw[s.signed.digest] for s in order]

    one = asyncio.run(day(tmp_path / "one", restart_after=22, cut=False))
    other = asyncio.run(day(tmp_path / "other", restart_after=49, cut=True))
    assert len(one) == 8
    assert one == other


async def _drained(r: Rig) -> None:
    """Let rounds pass without moving into the next epoch's end."""
    for _ in range(8):
        if not r.waiting():
            return
        await r.play(1)
