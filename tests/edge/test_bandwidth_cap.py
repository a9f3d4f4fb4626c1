"""The uplink's bandwidth cap (protocol 10.23): a token bucket by the round's time; no span carries more."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.link.cap import SAVED_S, Bucket, filled, fitting, spent
from tests.edge.peer import Peer
from tests.edge.rig import rig


def test_bucket_without_a_rate_lets_everything_through() -> None:
    bucket = spent(filled(Bucket(bytes_per_s=0), t_ms=1), sent_bytes=10**9)
    assert bucket.open
    assert bucket.room_bytes is None
    assert fitting([10**9] * 3, bucket=bucket) == 3


def test_bucket_saves_a_minute_and_no_more() -> None:
    bucket = filled(Bucket(bytes_per_s=100), t_ms=5)
    assert bucket.room_bytes == 100 * SAVED_S
    assert filled(bucket, t_ms=5 + 10**9).room_bytes == 100 * SAVED_S


def test_message_larger_than_the_rest_leaves_a_debt_that_is_paid_first() -> None:
    bucket = spent(filled(Bucket(bytes_per_s=100), t_ms=0), sent_bytes=100 * SAVED_S + 1_000)
    assert not filled(bucket, t_ms=10_000).open
    assert filled(bucket, t_ms=10_001).open


def test_clock_that_steps_back_fills_nothing() -> None:
    bucket = spent(filled(Bucket(bytes_per_s=100), t_ms=10_000), sent_bytes=6_000)
    assert filled(bucket, t_ms=0).room_bytes == 0


@pytest.mark.parametrize(("sizes", "count"), [([3_000, 2_000, 2_000], 2), ([9_000, 1], 1), ([], 0)])
def test_as_many_go_together_as_fit_and_one_at_least(sizes: list[int], count: int) -> None:
    assert fitting(sizes, bucket=filled(Bucket(bytes_per_s=100), t_ms=0)) == count


@given(
    rate=st.integers(1, 10_000),
    steps=st.lists(st.tuples(st.integers(0, 120_000), st.lists(st.integers(1, 300_000), max_size=6)), max_size=60),
)
def test_no_span_carries_more_than_rate_saving_and_one_message(rate: int, steps: list[tuple[int, list[int]]]) -> None:
    bucket, t_ms, sent = Bucket(bytes_per_s=rate), 0, list[tuple[int, int]]()
    for pause_ms, waiting in steps:
        t_ms += pause_ms
        bucket = filled(bucket, t_ms=t_ms)
        go = fitting(waiting, bucket=bucket)
        size = sum(waiting[:go])
        bucket = spent(bucket, sent_bytes=size)
        if size:
            sent.append((t_ms, size))
    largest = max((size for _, waiting in steps for size in waiting), default=0)
    for first, (from_ms, _) in enumerate(sent):
        carried = 0
        for to_ms, size in sent[first:]:
            carried += size
            assert carried * 1_000 <= rate * (to_ms - from_ms) + (rate * SAVED_S + largest) * 1_000


def test_capped_box_sends_no_faster_and_loses_nothing(tmp_path: Path, peer: Peer) -> None:
    """Two hours' backlog over a thin line: minutes pass, the cap holds, and in the end all has been acknowledged."""

    async def work() -> None:
        async with rig(tmp_path, peer, bytes_per_s=120) as r:
            peer.faults.status = 503
            await r.play(120)
            waiting = r.waiting()
            assert waiting >= 14
            service = r.box._parts.service
            peer.faults.status = 0
            began, before = r.clock.t_ms, service.sent_bytes
            most = max(len(one.payload) for one in r.folder.outbox.waiting(channels=[1, 2], limit=100)) + 2_000
            while r.waiting():
                await r.play(1)
                carried, span_s = service.sent_bytes - before, (r.clock.t_ms - began) / 1_000
                assert carried <= 120 * (span_s + SAVED_S) + most
                assert span_s < 3_600
            assert (r.clock.t_ms - began) > 4 * 60_000, "so much cannot go at once"
            assert len(peer.readings(1)) >= 120

    asyncio.run(work())
