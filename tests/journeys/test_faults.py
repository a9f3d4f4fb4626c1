"""Faults of the real demo: the service and boxes killed (-9), the chain away, a link cut; nothing lost, nothing twice.

Each demo lives the first minutes of the day, sleeps through most of it, and wakes for its end and its settlement. The
epochs that it slept through are anchored one a block, so that the day can be settled some 95 minutes after `WAKE_MS`.
"""

import random
from collections import Counter
from collections.abc import Callable

from alliance.settlement import apply_correction
from alliance.statement import QuantityStatus
from edge.evidence.sampling import BATTERY_CHANNEL
from simulation.demo import GRACE_MINUTES, PLAN_LEAD_MINUTES, TICK_MS
from tests.demo_day import DAY, LiveDemo, Tell
from tests.journeys import faults
from tests.journeys.faults import Killer, Sight
from tests.journeys.traces import Traces, acknowledged, audit, device_of, statement_of, traces, waiting

MINUTE_MS = 60_000
EPOCH_MS = 15 * MINUTE_MS
NONE_WRONG = {
    "lost": 0, "logged_twice": 0, "readings_twice": 0, "readings_missing": 0, "anchored_twice": 0, "settled_twice": 0
}  # fmt: skip
WAKE_MS = DAY.end_ms - 60 * MINUTE_MS
SETTLED_MS = DAY.end_ms + 55 * MINUTE_MS
"""By then the day is settled, and the epoch that logs the statement is anchored."""


def check(found: Traces, told: dict[str, object], tell: Tell) -> None:
    counts = found.counts()
    tell({**told, **counts})
    assert {name: counts[name] for name in NONE_WRONG} == NONE_WRONG
    assert counts["acknowledged"] > 0
    epochs = [c.epoch for c in found.checkpoints]
    assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))


def passes_audit(live: LiveDemo) -> dict[str, int]:
    p = live.played
    code, verdict = audit(DAY, rpc=p.rpc_url, archive=p.archive, deployment=p.deployment, key=p.key)
    assert (code, verdict["verdict"]) == (0, "pass"), verdict
    counts: dict[str, int] = verdict["counts"]
    return counts


class Reaper:
    """Chooses, tick by tick, where the next victim is killed: at each step of the service once, else at random."""

    def __init__(self, live: LiveDemo, *, seed: int, one_in: int) -> None:
        self._live, self._chance, self._one_in = live, random.Random(seed), one_in
        self.struck: Counter[str] = Counter()
        service, log = live.state / "service", live.demo.processes.log("service")
        wal = "{}.sqlite-wal"
        self._collecting: dict[str, Callable[[], Sight]] = {
            "ingest": lambda: faults.touched(service / wal.format("service")),
        }
        self._closing: dict[str, Callable[[], Sight]] = {
            "archive, first block": lambda: faults.archived(service / "archive", 1),
            "archive, later block": lambda: faults.archived(service / "archive", 9),
            "fix": lambda: faults.said(log, "epochs.closed"),
            "advance": lambda: faults.touched(service / wal.format("writer")),
        }
        self._filing: dict[str, Callable[[], Sight]] = {"plan filed": lambda: faults.said(log, "plan.filed")}
        self._planning: dict[str, Callable[[], Sight]] = {"planning": lambda: faults.after(0.2)}
        self._settling: dict[str, Callable[[], Sight]] = {
            "statement filed": lambda: faults.said(log, "settlement.filed"),
            "statement posting": lambda: faults.said(log, "settlement.posting"),
            "statement sending": lambda: faults.touched(service / wal.format("settler")),
        }

    @property
    def steps(self) -> list[str]:
        """The steps at which the service must have died at least once."""
        return [*self._collecting, *self._closing, *self._filing, *self._planning, *self._settling]

    def run_until(self, end_ms: int) -> None:
        """Play on, striking; whoever died is started again before the next tick."""
        while self._live.now_ms <= end_ms:
            self._tick(self._live.now_ms)

    def _tick(self, t_ms: int) -> None:
        victim, step, sight = self._choose(t_ms)
        killer = Killer(self._live.demo.processes.pid(victim), sight()) if sight else None
        gone = self._live.tick_or_crash()
        if killer is None:
            assert gone is None
        elif killer.disarm():
            self.struck[step] += 1
            self._live.bring_back(victim)
        else:
            assert gone is None

    def _choose(self, t_ms: int) -> tuple[str, str, Callable[[], Sight] | None]:
        due = self._due(t_ms)
        fresh = [name for name in due if not self.struck[name]]
        if fresh:
            return "service", fresh[0], due[fresh[0]]
        if self._chance.randrange(self._one_in):
            return "", "", None
        delay_s = self._chance.uniform(0, 0.15)
        victim = self._chance.choice(["service", "service", f"edge-{self._chance.randint(1, 6)}"])
        return victim, f"{victim.split('-')[0]} at random", lambda: faults.after(delay_s)

    def _due(self, t_ms: int) -> dict[str, Callable[[], Sight]]:
        """The steps that a tick may show."""
        due: dict[str, Callable[[], Sight]] = {}
        if t_ms == DAY.start_ms - PLAN_LEAD_MINUTES * MINUTE_MS:
            due |= self._filing
        if t_ms == DAY.end_ms - PLAN_LEAD_MINUTES * MINUTE_MS:
            due |= self._planning
        if t_ms % EPOCH_MS == 0:
            due |= self._collecting
        if t_ms % EPOCH_MS in (MINUTE_MS, 2 * MINUTE_MS):
            due |= self._closing
        if DAY.end_ms + GRACE_MINUTES * MINUTE_MS <= t_ms:
            due |= self._settling
        return due


def live_through_kills(live: LiveDemo, *, seed: int, one_in: int) -> Reaper:
    """A short day with its settlement under kills; the last minutes are quiet, so that all that is due comes about."""
    live.begin()
    live.run_until(DAY.start_ms - (PLAN_LEAD_MINUTES + 1) * MINUTE_MS)
    reaper = Reaper(live, seed=seed, one_in=one_in)
    reaper.run_until(DAY.start_ms + 50 * MINUTE_MS)
    live.sleep_until(WAKE_MS)
    reaper.run_until(SETTLED_MS + 20 * MINUTE_MS)
    live.run_until(SETTLED_MS + 42 * MINUTE_MS)
    return reaper


def test_nothing_acknowledged_is_lost_and_nothing_doubled_when_processes_are_killed(
    live_demo: Callable[..., LiveDemo], tell: Tell
) -> None:
    live = live_demo()
    reaper = live_through_kills(live, seed=1, one_in=30)
    check(traces(live.state, live.played.rpc_url), {"killed": dict(reaper.struck)}, tell)
    assert [step for step in reaper.steps if not reaper.struck[step]] == []
    passes_audit(live)


def test_metering_and_dispatch_go_on_and_epochs_catch_up_when_the_chain_is_away_for_an_hour(
    live_demo: Callable[..., LiveDemo], tell: Tell
) -> None:
    live = live_demo()
    live.begin()
    away_ms, back_ms = DAY.start_ms + 20 * MINUTE_MS, DAY.start_ms + 80 * MINUTE_MS
    live.run_until(away_ms)
    anchored_before = traces(live.state, live.played.rpc_url).checkpoints[-1].epoch
    acks_before = acks(live)
    live.demo.stop_chain()
    live.run_until(back_ms)
    acks_after = acks(live)
    live.demo.start_chain_again()
    live.run_until(back_ms + 28 * MINUTE_MS)
    caught_up = traces(live.state, live.played.rpc_url)
    live.sleep_until(WAKE_MS)
    live.run_until(SETTLED_MS)
    found = traces(live.state, live.played.rpc_url)
    moved_wh = {n: throughput_wh(found, live, n, from_ms=away_ms, to_ms=back_ms) for n in range(1, 7)}
    told = {
        "minutes_away": 60, "anchored_before": anchored_before, "acknowledged_while_away": acks_after - acks_before,
        "caught_up_to": caught_up.checkpoints[-1].epoch, "battery_wh_while_away": moved_wh,
    }  # fmt: skip
    check(found, told, tell)
    assert acks_after - acks_before >= 6 * 2 * 4  # six boxes, two channels, four epochs
    assert caught_up.checkpoints[-1].epoch == (back_ms + 28 * MINUTE_MS) // EPOCH_MS - 1
    assert sum(moved_wh.values()) > 0
    passes_audit(live)


def test_readings_arrive_late_and_complete_and_correct_the_day_when_a_box_was_offline_over_its_end(
    live_demo: Callable[..., LiveDemo], tell: Tell
) -> None:
    live = live_demo()
    live.begin()
    live.run_until(DAY.start_ms + 20 * MINUTE_MS)
    live.sleep_until(WAKE_MS)
    cut_ms, mended_ms = DAY.end_ms - 15 * MINUTE_MS - TICK_MS, DAY.end_ms + 45 * MINUTE_MS - TICK_MS
    with faults.behind_link(live, 3) as link:
        live.run_until(cut_ms)
        live.run(link.cut())
        live.run_until(mended_ms)
        held = waiting(live.state / "edge-3")
        before = traces(live.state, live.played.rpc_url)
        passes_audit(live)
        live.run(link.mend())
        live.run_until(DAY.end_ms + 110 * MINUTE_MS)
    after = traces(live.state, live.played.rpc_url)
    device = device_of(live.state, 3)
    window = {"from_ms": cut_ms, "to_ms": mended_ms}
    minutes = set(range(cut_ms, mended_ms, TICK_MS))
    arrived = {channel: after.readings_at(device, channel, **window) for channel in (1, 2)}
    statuses = [provisional(live, version) for version in (1, 2)]
    told = {
        "minutes_offline": 60, "turned_away": link.turned_away, "segments_held": held,
        "readings_late": {channel: len(found) for channel, found in arrived.items()},
        "versions": [(s.version, len(slots)) for s, slots in zip(after.statements, statuses, strict=True)],
    }  # fmt: skip
    check(after, told, tell)
    assert held >= 4 * 2
    assert all(set(found) == minutes for found in arrived.values())
    assert min(min(found.values()) for found in arrived.values()) >= mended_ms // EPOCH_MS - 5
    assert [s.version for s in before.statements] == [1]
    assert [s.version for s in after.statements] == [1, 2]
    ends = {(3, slot) for slot in (94, 95)}
    assert ends <= statuses[0]
    assert not ends & statuses[1]
    assert passes_audit(live)["lines"] > 0


def acks(live: LiveDemo) -> int:
    """How many segments of all boxes are acknowledged."""
    return sum(len(acknowledged(live.state / f"edge-{number}")) for number in range(1, 7))


def throughput_wh(found: Traces, live: LiveDemo, station: int, *, from_ms: int, to_ms: int) -> int:
    """What a station's battery took and gave between two instants, by its own meter."""
    device = device_of(live.state, station)
    registers = [
        reading.import_wh + reading.export_wh
        for _, sealed in found.segments
        if (sealed.signed.segment.device, sealed.signed.segment.channel) == (device, BATTERY_CHANNEL)
        for reading in sealed.decoded()
        if from_ms <= reading.t_ms <= to_ms
    ]
    return registers[-1] - registers[0]


def provisional(live: LiveDemo, version: int) -> set[tuple[int, int]]:
    """(station, slot) that are not metered in the day as it stood with a version."""
    found = traces(live.state, live.played.rpc_url)
    whole = None
    for posted in found.statements[:version]:
        made = statement_of(live.state, posted)
        whole = made if whole is None else apply_correction(whole, made)
    assert whole is not None
    return {(q.station, q.slot) for q in whole.quantities if q.status is not QuantityStatus.METERED}
