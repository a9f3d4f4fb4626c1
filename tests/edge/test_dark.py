"""The dark drill in short (protocol 9.14 to 9.16): ten minutes alone, each order to the watt, then all is acknowledged."""

import asyncio
import random
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from alliance.droop import Droop
from oracle import directive as directives
from oracle.directive import Directive
from tests.edge.dark import BOUNDS, DROOP, ENVELOPE, SECOND_MS, DarkFast, DarkStation, Figures, Grid, disturbances
from tests.edge.peer import DISPATCHER, DOMAIN, Peer
from tests.edge.rig import MINUTE_MS, START_MS, rig
from tests.edge.test_directives import PLAN


async def alone(
    path: Path, peer: Peer, *, seed: int, dark_ms: int, envelope_ms: int, disturbed: int, soc_bp: int = 5_000,
    droop: Droop | None = None,
) -> tuple[Figures, dict[str, Any]]:  # fmt: skip
    """The figures of the dark, and what the platform has after it. `peer` runs; it dies after the first minute."""
    told = Directive(
        station=4, number=1, issued_ms=START_MS, from_ms=START_MS, until_ms=START_MS + MINUTE_MS + envelope_ms,
        plan=PLAN, body=directives.body_bytes(ENVELOPE),
    )  # fmt: skip
    peer.directives = {1: directives.signed(told, domain=DOMAIN, signer=DISPATCHER)}
    chance, end_ms = random.Random(seed), START_MS + MINUTE_MS + dark_ms
    grid = Grid(chance, disturbances(chance, from_ms=START_MS, to_ms=end_ms, count=disturbed))
    station = DarkStation(grid, soc_bp=soc_bp)
    fast = DarkFast(station, until_ms=told.until_ms, droop=droop)
    async with rig(
        path, peer, station=station, limits=BOUNDS, tick_ms=SECOND_MS, fast=fast, backoff_ticks=15  # type: ignore[arg-type]  # virtual time
    ) as r:  # fmt: skip
        await r.box.tick(START_MS)
        for r.clock.t_ms in range(START_MS + SECOND_MS, end_ms, SECOND_MS):
            if r.clock.t_ms == START_MS + MINUTE_MS:
                peer.stop()
                fast.figures = Figures()
            await r.box.tick(r.clock.t_ms)
        figures, stood, held = fast.figures, sorted(r.alarms.names), r.waiting()
        fast.figures = Figures()
        peer.start()
        r.clock.t_ms = -(-end_ms // MINUTE_MS) * MINUTE_MS
        while r.waiting() or "uplink.down" in r.alarms.names:
            await r.play(1)
        recorded = [stream.next_seq for stream in r.folder.outbox.streams([1, 2]).values()]
        signed = [stream.head.next_seq for stream in r.folder.outbox.streams([1, 2]).values()]
        counts: dict[str, Any] = {
            "minutes": (r.clock.t_ms - START_MS) // MINUTE_MS, "held": held, "recorded": recorded, "signed": signed, "waiting": r.waiting(),
            "conflicts": len(peer.conflicts), "altered": len(peer.altered), "alarms": stood,
        }  # fmt: skip
    for channel in (1, 2):
        seqs = [reading.seq for reading in peer.readings(channel)]
        counts["readings"] = counts.get("readings", 0) + len(seqs)
        counts["lost"] = counts.get("lost", 0) + len(set(range(counts["signed"][channel - 1])) - set(seqs))
        counts["doubled"] = counts.get("doubled", 0) + len(seqs) - len(set(seqs))
    return figures, counts


def test_every_order_is_what_f3_and_the_limits_give_and_no_reading_is_lost_when_all_else_is_dead(
    tmp_path: Path, peer: Peer
) -> None:
    figures, counts = asyncio.run(
        alone(tmp_path, peer, seed=3, dark_ms=10 * MINUTE_MS, envelope_ms=8 * MINUTE_MS, disturbed=6)
    )
    print({**asdict(figures), **counts})
    assert (figures.off, figures.outside, figures.wrong) == (0, 0, [])
    assert figures.orders == 10 * 600
    assert figures.answering > 500
    assert figures.after_end > 2 * 590
    none = ("waiting", "conflicts", "altered", "lost", "doubled")
    assert {name: counts[name] for name in none} == dict.fromkeys(none, 0)
    assert counts["recorded"] == [counts["minutes"], counts["minutes"]]
    assert counts["readings"] > 0
    assert {"uplink.down", "envelope.expired"} <= set(counts["alarms"])


def test_answer_of_another_droop_is_noticed(tmp_path: Path, peer: Peer) -> None:
    """The known-bad control: a droop of 2.01 %, or a dead band of 32 mHz, is not what the box gives."""
    for wrong in (replace(DROOP, droop_bp=201), replace(DROOP, deadband_mhz=32)):
        figures, _ = asyncio.run(
            alone(
                tmp_path / str(wrong.droop_bp), Peer().start(), seed=4, dark_ms=MINUTE_MS, envelope_ms=60 * MINUTE_MS,
                disturbed=2, droop=wrong,
            )
        )  # fmt: skip
        assert figures.off > 0
