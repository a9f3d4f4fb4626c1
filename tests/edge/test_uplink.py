"""The uplink: in order, again with the same bytes, and never dropped, whatever link and platform do."""

import asyncio
import itertools
import json
import ssl
from pathlib import Path

import pytest

from edge.health.alarms import counted
from edge.health.status import status
from edge.link import uplink
from edge.link.uplink import Backoff
from tests.edge.devices.broker import certificates
from tests.edge.peer import STRANGER, Peer
from tests.edge.rig import Rig, rig


def clean(peer: Peer, readings: int) -> None:
    """Everything arrived once, in order, unaltered."""
    assert [r.seq for r in peer.readings(1)] == list(range(readings))
    assert [r.seq for r in peer.readings(2)] == list(range(readings))
    assert (peer.conflicts, peer.altered) == ([], [])


async def drained(r: Rig) -> None:
    for _ in range(20):
        if not r.waiting():
            return
        await r.play(1)


def test_hour_offline_arrives_later_complete_and_in_order(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(20)
            peer.stop()
            await r.play(60)
            assert r.waiting() == 8
            assert "uplink.down" in r.alarms.names
            peer.start()
            await r.play(10)
            assert r.waiting() == 0
            assert "uplink.down" not in r.alarms.names
        clean(peer, 90)

    asyncio.run(work())


@pytest.mark.parametrize(("authority", "believed"), [("ca.pem", True), ("other.pem", False)])
def test_platform_is_believed_over_tls_only_with_a_certificate_of_the_authority_that_the_box_names(
    tmp_path: Path, authority: str, believed: bool
) -> None:
    certificates(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "broker.pem", tmp_path / "broker.key")
    peer = Peer().start(tls=tls)
    url = peer.url.replace("http:", "https:")

    async def work() -> None:
        async with rig(tmp_path / "box", peer, url=url, ca_file=tmp_path / authority) as r:
            await r.play(15)
            assert ("uplink.down" in r.alarms.names) is not believed
            assert r.waiting() == (0 if believed else 2)

    asyncio.run(work())
    peer.stop()
    clean(peer, 15 if believed else 0)


def test_failing_link_is_tried_ever_more_rarely_and_never_twice_a_tick(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(14)
            peer.faults.status = 503
            before = peer.requests["/v1/segments"]
            tries: list[int] = []
            for minute in range(64):
                await r.play(1)
                if peer.requests["/v1/segments"] != before:
                    tries.append(minute)
                    assert peer.requests["/v1/segments"] == before + 1
                before = peer.requests["/v1/segments"]
            assert tries[:5] == [0, 2, 5, 10, 19]
            assert max(b - a for a, b in itertools.pairwise(tries)) == 9

    asyncio.run(work())


def test_backoff_starts_afresh_after_a_success() -> None:
    backoff = Backoff(4)
    for _ in range(4):
        backoff.failed()
    assert [backoff.due() for _ in range(6)] == [False, False, False, False, True, True]
    backoff.failed()
    backoff.succeeded()
    assert backoff.due()


def test_same_bytes_are_sent_again_when_the_answer_was_lost(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.faults.swallow_answers = 3
        async with rig(tmp_path, peer) as r:
            await r.play(30)
            await drained(r)
            assert r.waiting() == 0
        assert peer.repeats >= 6
        clean(peer, 30)

    asyncio.run(work())


def test_refused_segment_stays_with_its_reason_and_passes_when_the_platform_changes_its_mind(
    tmp_path: Path, peer: Peer
) -> None:
    async def work() -> None:
        peer.faults.refuse = {1: "device_not_attested"}
        async with rig(tmp_path, peer) as r:
            await r.play(45)
            assert [w.channel for w in r.folder.outbox.waiting(channels=[1, 2], limit=9)] == [1, 1, 1]
            assert "segment.refused.1" in r.alarms.names
            assert counted(r.folder.store)["segments_refused"] >= 2
            told = status(tmp_path, station=4)
            assert isinstance(told["outbox"], dict)
            assert told["outbox"]["refused"][0]["code"] == "device_not_attested"
            assert "device_not_attested" in json.dumps(told["alarms"])
            peer.faults.refuse = {}
            await r.play(15)
            assert r.waiting() == 0
            assert "segment.refused.1" not in r.alarms.names
        clean(peer, 60)

    asyncio.run(work())


def test_one_refused_channel_does_not_hold_up_the_other(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.faults.refuse = {1: "no"}
        async with rig(tmp_path, peer) as r:
            await r.play(60)
        assert len(peer.readings(2)) == 60
        assert peer.readings(1) == []

    asyncio.run(work())


def test_acknowledgement_by_a_stranger_lets_nothing_leave(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.faults.acknowledge_with = STRANGER
        async with rig(tmp_path, peer) as r:
            await r.play(30)
            assert r.waiting() == 4
            assert r.folder.store.rows("SELECT * FROM ack") == []
            assert "uplink.down" in r.alarms.names

    asyncio.run(work())


def test_answers_that_are_no_answers_let_nothing_leave(tmp_path: Path, peer: Peer) -> None:
    answers = [
        b"", b"[]", b"{}", b"\xff\xfe", b'{"acks": [], "refused": []}', b'{"acks": {}, "refused": []}',
        b'{"acks": [{"segment": "0x00", "epoch": 1, "signature": "0x"}], "refused": []}',
        b'{"acks": [{"segment": "0x' + b"00" * 32 + b'", "epoch": 1, "signature": "zz"}], "refused": []}',
        b'{"acks": [{"segment": "0x' + b"00" * 32 + b'", "epoch": -1, "signature": "0x"}], "refused": []}',
    ]  # fmt: skip

    async def work(path: Path) -> None:
        async with rig(path, peer) as r:
            await r.play(15)
            assert r.waiting() == 2
            assert "uplink.down" in r.alarms.names

    for number, answer in enumerate(answers):
        peer.faults.answer_uploads_with = answer
        peer.heads.clear()
        asyncio.run(work(tmp_path / str(number)))


def test_long_backlog_is_sent_in_bounded_batches_over_several_ticks(
    tmp_path: Path, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink, "BATCH", 8)
    monkeypatch.setattr(uplink, "BATCHES_A_TICK", 2)

    async def work() -> None:
        peer.stop()
        async with rig(tmp_path, peer) as r:
            await r.play(6 * 60)
            assert r.waiting() == 48
            peer.start()
            while r.waiting() == 48:
                await r.play(1)
            lefts = [r.waiting()]
            for _ in range(2):
                await r.play(1)
                lefts.append(r.waiting())
            assert lefts == [32, 16, 0]
        assert (peer.conflicts, peer.altered, peer.repeats) == ([], [], 0)

    asyncio.run(work())
