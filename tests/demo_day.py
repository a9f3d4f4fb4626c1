"""The demo in the hands of a test: real chain, service, boxes and stations, and a clock that a test moves.

`LiveDemo` runs a demo on an event loop of its own thread. `played_day` is one whole day, played once a session by the
code of `alliance demo --json`, its service, chain and stations kept up with the clock standing still.
"""

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from rich.console import Console

from alliance.calendar import Day, day_of
from cli import demo as command
from simulation import readers
from simulation.anvil import AnvilMissing, binary
from simulation.demo import TICK_MS, Demo, DemoOptions, Played
from simulation.supervisor import ParticipantGone

DAY = day_of("2026-07-15")
SEED = "lianyungang"
HOUR_MS = 3_600_000
_PATIENCE_S = 1_200

T = TypeVar("T")
Tell = Callable[[Mapping[str, object]], None]
"""The fixture `tell`."""


class LiveDemo:
    """A demo on an event loop of its own; every method returns when the work is done. Close it."""

    def __init__(
        self, state: Path, *, day: Day = DAY, seed: str = SEED, resume: bool = False, kind: type[Demo] = Demo
    ) -> None:  # fmt: skip
        binary()
        self.state, self.day, self.said = state, day, list[str]()
        options = DemoOptions(day=day, seed=seed, state=state, resume=resume)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="demo", daemon=True)
        self._thread.start()
        self.demo = self.run(_made(kind, options, self.said.append))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine on the demo's loop returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def begin(self) -> None:
        """Everything up to the first tick."""
        self.run(self.demo.begin())

    @property
    def now_ms(self) -> int:
        """The next tick, UTC milliseconds."""
        return self.demo._next_ms

    @property
    def played(self) -> Played:
        """Where the traces of the day are."""
        return Played(
            day=self.day, state=self.state, deployment=self.state / "deployment.json",
            archive=self.state / "service" / "archive", key=readers.key_file(self.state, readers.AUDITOR),
            rpc_url=self.demo.anvil.url,
            service_url=self.demo.service_url, wall_s=0.0,
        )  # fmt: skip

    def run_until(self, t_ms: int) -> None:
        """All ticks up to and including an instant."""
        self.run(self.demo.run_until(t_ms))

    def sleep_until(self, t_ms: int) -> None:
        """Let the clock leap: the whole alliance was off in between, and the next tick is at an instant."""
        assert t_ms > self.now_ms
        assert t_ms % TICK_MS == 0
        self.demo._next_ms = t_ms

    def tick_or_crash(self) -> str | None:
        """A tick; the name of the participant that died in it, None if nobody did. The clock goes on either way."""
        t_ms = self.now_ms
        try:
            self.run(self.demo.tick())
        except ParticipantGone as gone:
            self.demo._next_ms = t_ms + TICK_MS
            return gone.name
        return None

    def bring_back(self, name: str) -> None:
        """Start a killed child again; it joins before the next tick."""
        self.demo.supervisor.drop(name)
        with contextlib.suppress(KeyError):
            self.demo.processes.kill(name)
        self.run(self.demo.restart(name))

    def take_away(self, name: str) -> None:
        """Kill a child (-9) and go on without it."""
        self.demo.supervisor.drop(name)
        self.demo.processes.kill(name)

    def close(self) -> None:
        """End all children and the loop."""
        try:
            self.run(self.demo.stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


@dataclass(frozen=True, kw_only=True)
class PlayedDay:
    """A day that was played to its end and audited, still up: `result` is the last line of `alliance demo --json`."""

    live: LiveDemo
    exit_code: int
    printed: str
    result: dict[str, Any]

    @property
    def played(self) -> Played:
        """Addresses and folders."""
        return self.live.played

    @property
    def wallets(self) -> list[dict[str, Any]]:
        """The demo wallets of the six members."""
        found: list[dict[str, Any]] = json.loads((self.live.state / "service" / "wallets.json").read_text())
        return found


def play_day(state: Path, *, seed: str = SEED, resume: bool = False) -> PlayedDay:
    """Play a day with the command's own code and keep everything up. Close its `live`."""
    live = LiveDemo(state, seed=seed, resume=resume)
    try:
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            code = live.run(command._day(live.demo, Console(stderr=True), as_json=True))
        live.day = live.demo._day
        printed = told.getvalue()
        return PlayedDay(live=live, exit_code=code, printed=printed, result=json.loads(printed.splitlines()[-1]))
    except BaseException:
        live.close()
        raise


@pytest.fixture(scope="session")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all demos of a session: they share the profiles that stand beside their states."""
    return tmp_path_factory.mktemp("demos", numbered=False)


@pytest.fixture(scope="session")
def played_day(demos: Path) -> Iterator[PlayedDay]:
    """One whole day of the demo, the clock standing still after it."""
    _require_chain()
    played = play_day(demos / "day")
    yield played
    played.live.close()


@pytest.fixture
def live_demo(demos: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., LiveDemo]]:
    """Makes demos whose clock the test moves; all of them are ended with the test."""
    _require_chain()
    made: list[LiveDemo] = []

    def make(**options: Any) -> LiveDemo:
        made.append(LiveDemo(demos / f"{request.node.name[:40]}-{len(made)}", **options))
        return made[-1]

    yield make
    for live in made:
        live.close()


def _require_chain() -> None:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")


async def _made(kind: type[Demo], options: DemoOptions, say: Callable[[str], None]) -> Demo:
    return kind(options, say=say)
