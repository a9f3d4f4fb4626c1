"""A day of station boxes on a hostile link (P1, P2, P20): `python -m tests.campaigns.edge [--seeds N] [--hours H]`.

Real boxes, service, chain and Modbus devices. Requests are lost, cut, stalled, doubled and reordered; links are gone for
hours; clocks step both ways; processes die (-9); disks are full. Then every reading that a box recorded stands once in the
archive, none was refused, and `alliance audit` passes. The last line is JSON; three known-bad programs must be caught.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edge.evidence.store import open_to_look
from edge.health.alarms import counted, standing
from simulation.demo import TICK_MS
from tests.campaigns.edge_link import CLEAR, CUTS, STORM
from tests.campaigns.edge_truth import Judgement, Ledger, judge, refusals
from tests.campaigns.edge_world import NUMBERS, HostileWorld, Plot, careless
from tests.demo_day import DAY
from tests.journeys.test_faults import MINUTE_MS, SETTLED_MS, WAKE_MS
from tests.journeys.traces import audit, traces, waiting

SMALL_BOX, SMALL = 5, {"quota_bytes": 1 << 20, "reserve_bytes": (1 << 20) - 125_000}
"""A box whose outbox holds some hours; its link is away for longer."""
STEPS_MS = (61_000, 37_000, 5 * MINUTE_MS, 44 * MINUTE_MS, 3 * 60 * MINUTE_MS)
CALM_MS = DAY.start_ms - 30 * MINUTE_MS
"""Until then everybody gets to know each other in good weather."""
CONTROLS = {
    "forgetful": ("edge-2", "lost"), "repeating": ("edge-3", "doubled"), "deaf": ("service", "wrongly_refused")
}  # fmt: skip


@dataclass
class Span:
    """Something that happens to one station from one instant to another."""

    kind: str
    station: int
    from_ms: int
    to_ms: int
    by_ms: int = 0
    """How far a clock is off."""

    def at(self, t_ms: int) -> bool:
        """Whether it happens now."""
        return self.from_ms <= t_ms < self.to_ms


def script(chance: random.Random, from_ms: int, to_ms: int) -> list[Span]:
    """What happens between two instants: links away, clocks off, disks full; all is over at the end."""
    spans, hours = [], (to_ms - from_ms) // (60 * MINUTE_MS)
    for station in NUMBERS:
        for _ in range(max(1, hours // 6)):
            spans.append(_drawn(chance, "cut", station, from_ms, to_ms, longest_min=180))
            off_ms = chance.choice(STEPS_MS) * chance.choice((1, -1))
            spans.append(_drawn(chance, "clock", station, from_ms, to_ms, longest_min=150, by_ms=off_ms))
            if station % 2 == 0:
                spans.append(_drawn(chance, "full", station, from_ms, to_ms, longest_min=40))
    if hours >= 6:
        spans.append(Span("cut", SMALL_BOX, from_ms + 60 * MINUTE_MS, from_ms + min(hours - 1, 12) * 60 * MINUTE_MS))
    return spans


def _drawn(
    chance: random.Random, kind: str, station: int, from_ms: int, to_ms: int, *, longest_min: int, by_ms: int = 0
) -> Span:  # fmt: skip
    minutes = (to_ms - from_ms) // MINUTE_MS
    first = chance.randrange(minutes * 3 // 4)
    last = min(first + chance.randint(5, longest_min), minutes - 1)
    return Span(kind, station, from_ms + first * MINUTE_MS, from_ms + last * MINUTE_MS, by_ms)


@dataclass
class Campaign:
    """A world, what happens to it, and what its boxes recorded."""

    world: HostileWorld
    chance: random.Random
    one_in: int
    ledger: Ledger = field(init=False)
    spans: list[Span] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)
    """Alarms of full disks that stood while a disk was full."""
    _periods: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.world.state, NUMBERS)

    def begin(self) -> None:
        """Found, and live calmly until the boxes are known."""
        self.world.begin()
        self._observed(self.world.now_ms - TICK_MS, {})
        self.calm_until(CALM_MS)

    def calm_until(self, end_ms: int) -> None:
        """Good weather, nobody dies."""
        self.world.storm(CLEAR)
        while self.world.now_ms <= end_ms:
            self._tick(strike=False)

    def storm_until(self, end_ms: int) -> None:
        """Everything at once."""
        self.spans = script(self.chance, self.world.now_ms, end_ms)
        self.world.storm(STORM)
        while self.world.now_ms <= end_ms:
            self._tick(strike=True)
        for link in self.world.hostile.links.values():
            self.world.run(link.mend())
            self.world.run(link.flush())

    def _tick(self, *, strike: bool) -> None:
        t_ms = self.world.now_ms
        why = self._before(t_ms)
        if strike and not self.chance.randrange(self.one_in):
            victim = self.chance.choice(["service", "service", *(f"edge-{n}" for n in NUMBERS)])
            died = self.world.struck_tick(victim, self.chance.uniform(0, 0.15))
            if died is not None and died != "service":
                why[int(died[5:])] = "killed"
        else:
            gone = self.world.tick_or_crash()
            assert gone is None, f"{gone} ended by itself at {t_ms}"
        self._observed(t_ms, why)

    def _observed(self, t_ms: int, why: dict[int, str]) -> None:
        for station in NUMBERS:
            full = alarmed_full(self.world.state / f"edge-{station}")
            self.said.update(full)
            if full or station in self.world.full:
                why.setdefault(station, "disk full")
        self.ledger.observe(t_ms, why)

    def _before(self, t_ms: int) -> dict[int, str]:
        """Begin and end what the script says, and tell who will record nothing because a minute of his repeats."""
        why: dict[int, str] = {}
        for station in NUMBERS:
            mine = [span for span in self.spans if span.station == station and span.at(t_ms)]
            self._cut(station, away=any(span.kind == "cut" for span in mine))
            self._fill(station, full=any(span.kind == "full" for span in mine))
            off_ms = sum(span.by_ms for span in mine if span.kind == "clock")
            clock = self.world.hostile.clocks[station]
            self.world.done["clock steps forward"] += off_ms > clock.off_ms
            self.world.done["clock steps back"] += off_ms < clock.off_ms
            clock.off_ms = off_ms
            period = (t_ms + off_ms) // TICK_MS
            if period == self._periods.get(station):
                why[station] = "its clock told the same minute again"
            self._periods[station] = period
        return why

    def _cut(self, station: int, *, away: bool) -> None:
        link = self.world.hostile.links[station]
        if link.up == away:
            self.world.done["links away"] += away
            self.world.run(link.cut() if away else link.mend())

    def _fill(self, station: int, *, full: bool) -> None:
        if (station in self.world.full) != full:
            self.world.disk_full(station, full=full)

    def judged(self) -> Judgement:
        """What became of the readings up to now."""
        found = traces(self.world.state, self.world.played.rpc_url)
        return judge(self.ledger, found, self.world.devices(), self.world.journal)

    def refused(self) -> list[tuple[int, str, str]]:
        """The boxes' segments that the platform did not take."""
        return refusals(self.world.state / "service", self.world.devices())


def alarmed_full(box: Path) -> list[str]:
    """The alarms of a full disk that stand at a box."""
    store = open_to_look(box / "state" / "outbox.sqlite")
    try:
        return [name for name, _ in standing(store) if name in ("outbox.full", "outbox.failed")]
    finally:
        store.close()


def counters(world: HostileWorld) -> Counter[str]:
    """What the boxes counted, all together."""
    found = Counter[str]()
    for station in NUMBERS:
        store = open_to_look(world.state / f"edge-{station}" / "state" / "outbox.sqlite")
        found.update(counted(store))
        store.close()
    return found


@contextmanager
def campaign(state: Path, *, seed: int, one_in: int, **plot: object) -> Iterator[Campaign]:
    """A campaign on a world of its own."""
    made = Plot(seed=seed, of_station={SMALL_BOX: SMALL}, **plot)  # type: ignore[arg-type]  # fields of Plot
    world = HostileWorld(state, made)
    try:
        yield Campaign(world, random.Random(seed), one_in)
    finally:
        world.close()


def day(state: Path, *, seed: int, hours: int, one_in: int) -> dict[str, object]:
    """A day under the storm for some hours, its settlement in good weather, its audit; what was found."""
    with campaign(state, seed=seed, one_in=one_in) as made:
        world, begun = made.world, time.monotonic()
        made.begin()
        made.storm_until(min(CALM_MS + hours * 60 * MINUTE_MS, DAY.end_ms + 10 * MINUTE_MS))
        if world.now_ms < WAKE_MS:
            world.sleep_until(WAKE_MS)
        made.calm_until(SETTLED_MS + 42 * MINUTE_MS)
        found, refused = made.judged(), made.refused()
        p = world.played
        code, verdict = audit(DAY, rpc=p.rpc_url, archive=p.archive, deployment=p.deployment, key=p.key)
        fates, done = world.fates(), world.done
        return {
            "seed": seed, "storm_hours": hours, **asdict(found), "wrongly_refused": len(refused),
            "refusals": dict(Counter(f"{station}: {code}" for station, code, _ in refused)),
            "waiting": sum(waiting(world.state / f"edge-{n}") for n in NUMBERS),
            "cuts": sum(fates[f] for f in CUTS) + done["links away"],
            "kills": sum(count for name, count in done.items() if name.startswith("kills")),
            "fates": dict(fates), "done": dict(done), "full_disk_said": dict(made.said),
            "minutes_without": made.ledger.reasons(), "unexplained": made.ledger.unexplained()[:20],
            "counted": dict(counters(world)), "audit": verdict["verdict"], "audit_code": code,
            "wall_s": round(time.monotonic() - begun),
        }  # fmt: skip


def control(state: Path, what: str, *, seed: int) -> dict[str, object]:
    """An hour and a quarter of a known-bad program in place of a good one; what the same counters found."""
    name, sought = CONTROLS[what]
    with campaign(state, seed=seed, one_in=20, instead={name: careless(what)}) as made:
        made.begin()
        made.storm_until(CALM_MS + 75 * MINUTE_MS)
        made.calm_until(CALM_MS + 97 * MINUTE_MS)
        found = asdict(made.judged()) | {"wrongly_refused": len(made.refused())}
    return {"control": what, "counter": sought, "found": found[sought], "readings": found["readings"]}


def is_clean(told: dict[str, object]) -> bool:
    """Whether a day has nothing wrong."""
    none = ("lost", "doubled", "altered", "invented", "misread", "wrongly_refused", "waiting", "audit_code")
    return not any(told[name] for name in none) and not told["unexplained"] and bool(told["readings"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 when nothing is wrong and every control was caught."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.edge", description="Station boxes on a hostile link.")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first seed (default 0)")
    parser.add_argument("--hours", type=int, default=24, help="simulated hours of storm (default 24)")
    parser.add_argument("--one-in", type=int, default=15, help="a kill in one of so many ticks (default 15)")
    parser.add_argument("--controls", choices=["all", "none", "only"], default="all")
    parser.add_argument("--keep", type=Path, help="folder in which the worlds stay")
    chosen = parser.parse_args(arguments)
    begun, days, controls = time.monotonic(), [], []
    with tempfile.TemporaryDirectory() as folder:
        place = chosen.keep or Path(folder)
        if chosen.controls != "only":
            for seed in range(chosen.first, chosen.first + chosen.seeds):
                state = place / f"day-{seed}"
                days.append(day(state, seed=seed, hours=chosen.hours, one_in=chosen.one_in))
                print(json.dumps(days[-1]), flush=True)
        if chosen.controls != "none":
            for what in CONTROLS:
                controls.append(control(place / what, what, seed=chosen.first))
                print(json.dumps(controls[-1]), flush=True)
    caught = sum(bool(one["found"]) for one in controls)
    told = {name: sum(int(str(one[name])) for one in days) for name in ("readings", "lost", "doubled", "wrongly_refused", "cuts", "kills")}  # fmt: skip
    told |= {
        "days": len(days), "unclean": sum(not is_clean(one) for one in days), "controls": len(controls),
        "controls_caught": caught, "wall_s": round(time.monotonic() - begun),
    }  # fmt: skip
    print(json.dumps(told))
    return int(bool(told["unclean"]) or caught < len(controls))


if __name__ == "__main__":
    sys.exit(main())
