"""P25: the same seed gives the same bytes — every block of the archive, every checkpoint, the plan and the statement.

Two demos live the same first minutes, the same end of the day and the same settlement; ports, paths, processes and the
order in which they are scheduled differ.
"""

from collections.abc import Callable
from dataclasses import replace

from tests.demo_day import DAY, LiveDemo, PlayedDay, Tell
from tests.journeys.sameness import Bytes, bytes_of, differences

MINUTE_MS = 60_000


def lived(live: LiveDemo) -> Bytes:
    """The bytes that a short day leaves: its first minutes and its end, settlement included."""
    live.begin()
    live.run_until(DAY.start_ms + 20 * MINUTE_MS)
    live.sleep_until(DAY.end_ms - 60 * MINUTE_MS)
    live.run_until(DAY.end_ms + 48 * MINUTE_MS)
    found = bytes_of(live.state, live.played.rpc_url)
    live.run(live.demo.stop())
    return found


def test_archive_roots_and_statement_are_the_same_bytes_when_the_seed_is_the_same(
    live_demo: Callable[..., LiveDemo], tell: Tell
) -> None:
    one, other = lived(live_demo()), lived(live_demo())
    told = one.counts() | {"differences": len(differences(one, other))}
    tell(told)
    assert min(one.counts().values()) > 0
    assert differences(one, other) == []
    assert differences(one, replace(other, blocks=other.blocks[1:])) == [f"block {one.blocks[0]}"]


def test_harness_sees_another_alliance_when_the_seed_is_another(
    live_demo: Callable[..., LiveDemo], played_day: PlayedDay
) -> None:
    """The known-bad control: another seed's first epoch has nothing in common with that of the played day."""
    live = live_demo(seed="ganyu")
    live.begin()
    live.run_until(DAY.start_ms - 28 * MINUTE_MS)
    other = bytes_of(live.state, live.played.rpc_url)
    day = bytes_of(played_day.live.state, played_day.played.rpc_url)
    first = replace(day, checkpoints=day.checkpoints[: len(other.checkpoints)], statements=[])
    assert len(differences(first, other)) == len(other.checkpoints) + len(day.blocks) + len(other.blocks)
