"""The demo with every box behind a hostile link and a clock of its own; faults come from outside, none from within."""

import json
import random
import resource
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulation.cast import STATIONS, CastStation
from simulation.demo import Demo, DemoOptions
from simulation.processes import program
from tests.campaigns.edge_link import CLEAR, Fate, HostileLink, Speaker, WrongClock
from tests.demo_day import DAY, LiveDemo
from tests.journeys import faults
from tests.journeys.faults import Killer
from tests.journeys.traces import device_of

JOURNAL = "instruments.jsonl"
NUMBERS = tuple(int(s.number) for s in STATIONS)


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What is other than in the demo."""

    seed: int = 0
    weather: dict[Fate, int] = field(default_factory=lambda: dict(CLEAR))
    box: dict[str, Any] = field(default_factory=dict)
    """Settings of every box."""
    of_station: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Settings of one box."""
    grid: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """Disturbances of the grid at one station."""
    instead: dict[str, Sequence[str]] = field(default_factory=dict)
    """Programs in place of a child's own, by its name: controls."""
    speaks: Speaker | None = None


class HostileDemo(Demo):
    """The demo, its boxes behind links and clocks that tests hold."""

    plot = Plot()

    def __init__(self, options: DemoOptions, **rest: Any) -> None:
        super().__init__(options, **rest)
        plot = self.plot
        self.links = {
            n: HostileLink(
                target=lambda: self._service_port, chance=random.Random(f"{plot.seed}/link/{n}"), weather=dict(CLEAR),
                speaks=plot.speaks,
            )
            for n in NUMBERS
        }  # fmt: skip
        self.clocks = {n: WrongClock(target=lambda: self._pacer_port) for n in NUMBERS}
        self._ports: dict[int, tuple[int, int]] = {}

    async def begin(self) -> None:
        """Links and clocks first, then the demo."""
        for n in NUMBERS:
            self._ports[n] = (await self.links[n].start(), await self.clocks[n].start())
        await super().begin()

    async def stop(self) -> None:
        """The demo, then links and clocks."""
        await super().stop()
        for n in NUMBERS:
            await self.links[n].stop()
            await self.clocks[n].stop()

    def _write_edge(self, station: CastStation) -> Path:
        path, number = super()._write_edge(station), int(station.number)
        link, clock = self._ports[number]
        settings = json.loads(path.read_text()) | {
            "service_url": f"http://127.0.0.1:{link}", "pacer_address": f"127.0.0.1:{clock}", "http_timeout_s": 1,
            **self.plot.box, **self.plot.of_station.get(number, {}),
        }  # fmt: skip
        path.write_text(json.dumps(settings, indent=1) + "\n")
        return path

    def _write_stations(self) -> Path:
        path = super()._write_stations()
        config = json.loads(path.read_text()) | {"journal": str(self._state / JOURNAL)}
        for station in config["stations"]:
            station["grid"] = self.plot.grid.get(station["number"], [])
        path.write_text(json.dumps(config))
        return path

    def _start_child(self, name: str) -> None:
        other = self.plot.instead.get(name)
        if other is None:
            super()._start_child(name)
            return
        settings = "service/service.toml" if name == "service" else f"{name}/edge.json"
        option = "--settings" if name == "service" else "--config"
        self._processes.start(name, [*other, "run", option, str(self._state / settings)])


class HostileWorld(LiveDemo):
    """A hostile demo in the hands of a campaign, and a count of what was done to it."""

    def __init__(self, state: Path, plot: Plot) -> None:
        kind: type[HostileDemo] = type("PlottedDemo", (HostileDemo,), {"plot": plot})
        super().__init__(state, day=DAY, kind=kind)
        self.plot, self.done = plot, Counter[str]()
        self.full: set[int] = set()
        """Boxes whose disk takes no more."""

    @property
    def hostile(self) -> HostileDemo:
        """The demo, as what it is."""
        assert isinstance(self.demo, HostileDemo)
        return self.demo

    @property
    def journal(self) -> Path:
        """What the instruments showed."""
        return self.state / JOURNAL

    def devices(self) -> dict[bytes, int]:
        """Station of each device."""
        return {bytes(device_of(self.state, n)): n for n in NUMBERS}

    def storm(self, weather: dict[Fate, int]) -> None:
        """Let all links be so from now on."""
        for link in self.hostile.links.values():
            link.weather = dict(weather)

    def fates(self) -> Counter[Fate]:
        """What became of requests, all links together."""
        return sum((link.fates for link in self.hostile.links.values()), Counter[Fate]())

    def struck_tick(self, victim: str, after_s: float) -> str | None:
        """A tick in which a process is killed (-9) after a while; who died, started again, or None if it was too late."""
        killer = Killer(self.demo.processes.pid(victim), faults.after(after_s))
        gone = self.tick_or_crash()
        if not killer.disarm():
            assert gone is None, gone
            return None
        self.done["kills of " + victim.partition("-")[0]] += 1
        self.bring_back(victim)
        self.fill_disk(victim)
        return victim

    def fill_disk(self, name: str) -> None:
        """Where a box's disk is full it stays so for its new process."""
        if name.startswith("edge-") and int(name[5:]) in self.full:
            self._limit(int(name[5:]), 1)

    def disk_full(self, station: int, *, full: bool) -> None:
        """No file of a box's process takes a byte more, or again all it wants."""
        (self.full.add if full else self.full.discard)(station)
        self._limit(station, 1 if full else resource.RLIM_INFINITY)
        self.done["disks full"] += full

    def _limit(self, station: int, size: int) -> None:
        pid = self.demo.processes.pid(f"edge-{station}")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def careless(what: str) -> list[str]:
    """The command of a known-bad program."""
    return [program("python"), "-m", "tests.campaigns.edge_careless", what]
