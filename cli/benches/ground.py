"""What cases stand on: a folder of their own, an alliance founded on a real chain, and a day of the real demo."""

import asyncio
import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from alliance.calendar import Day, day_of
from alliance.identity import StationId
from alliance.ports import Signer
from oracle.deployment import Deployment
from oracle.eip712 import enrol_digest
from oracle.hashing import sha256
from oracle.signature import SecpSigner
from simulation import readers
from simulation.anvil import Anvil
from simulation.cast import STATIONS, CastStation
from simulation.demo import AFTERMATH_MS, DEFAULT_DAY, Demo, DemoOptions
from simulation.founding import DeviceConsent, Founder, Keyring, first_tick_ms, funded, genesis_s

DAY: Day = day_of(DEFAULT_DAY)
SEED = "bench"
_STATE = Path(".alliance")
_NEVER_S = 86_400
"""A chain that is only read need not be written; anvil answers nobody meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """An alliance of the demo's six members on a chain of its own, its devices enrolled and attested."""

    anvil: Anvil
    keyring: Keyring
    deployment: Deployment
    boxes: tuple[SecpSigner, ...]
    """The devices' keys, in the stations' order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where a played day can be audited."""

    day: Day
    rpc_url: str
    deployment: Path
    archive: Path
    key: Path
    """The key of a reader who was granted all of it."""


class Ground:
    """Everything is built when a case first asks for it, and taken down at the end of the `with` block."""

    def __init__(self, *, say: Callable[[str], None], played: Path | None = None) -> None:
        """`played` is the folder of an earlier demo, audited in place of a new one if it holds a whole day."""
        self._say, self._earlier = say, played
        self._open = ExitStack()
        self._demo: _DemoDay | None = None
        self._founded: Founded | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def folder(self) -> Path:
        """An empty folder that is removed in the end."""
        _STATE.mkdir(exist_ok=True)
        return Path(self._open.enter_context(TemporaryDirectory(dir=_STATE, prefix="bench-")))

    @property
    def founded(self) -> Founded:
        """The alliance on its own chain."""
        if self._founded is None:
            self._say("founding an alliance on a chain of its own")
            self._founded = self._found()
        return self._founded

    def demo(self, until_ms: int) -> Demo:
        """The demo, begun and played at least up to an instant, its processes running."""
        if self._demo is None:
            self._demo = _DemoDay(self.folder() / "demo", say=self._say)
            self._open.callback(self._demo.stop)
            self._demo.begin()
        self._demo.play_to(until_ms)
        return self._demo.demo

    def evidence(self) -> Evidence:
        """A whole day of the demo, settled: the earlier one if it is there, else one that is played now."""
        if self._earlier is not None and (self._earlier / "demo.json").is_file():
            return self._again(self._earlier)
        demo = self.demo(DAY.end_ms + AFTERMATH_MS)
        return Evidence(
            day=DAY,
            rpc_url=demo.anvil.url,
            deployment=self.demo_state / "deployment.json",
            archive=self.demo_state / "service" / "archive",
            key=readers.key_file(self.demo_state, readers.AUDITOR),
        )

    @property
    def demo_state(self) -> Path:
        """The folder of the demo that `demo` began."""
        assert self._demo is not None
        return self._demo.state

    def _again(self, state: Path) -> Evidence:
        """An earlier demo's last day, its chain served from a copy: nothing of it is touched."""
        day = day_of(json.loads((state / "demo.json").read_text())["day"])
        self._say(f"auditing {day} of {state}")
        copied = self.folder() / "chain.json"
        shutil.copyfile(state / "chain.json", copied)
        anvil = self._open.enter_context(Anvil(genesis_s=genesis_s(day), state=copied, state_interval_s=_NEVER_S))
        return Evidence(
            day=day,
            rpc_url=anvil.url,
            deployment=state / "deployment.json",
            archive=state / "service" / "archive",
            key=readers.key_file(state, readers.AUDITOR),
        )

    def _found(self) -> Founded:
        keyring = Keyring(SEED.encode())
        anvil = self._open.enter_context(Anvil(genesis_s=genesis_s(DAY), funded=funded(keyring, STATIONS)))
        founder, first_ms = Founder(anvil, keyring), first_tick_ms(DAY)
        deployment = founder.deploy(first_day=DAY, first_tick_ms=first_ms, window_s=7 * 86_400)
        founder.admit(deployment, STATIONS)
        boxes = tuple(SecpSigner(sha256(b"bench box", bytes([s.number]))) for s in STATIONS)
        consents = {
            s.number: _consent(deployment, s, box, keyring, deadline_s=first_ms // 1000)
            for s, box in zip(STATIONS, boxes, strict=True)
        }
        founder.enrol(deployment, STATIONS, consents)
        return Founded(anvil=anvil, keyring=keyring, deployment=deployment, boxes=boxes)


class _DemoDay:
    """A demo on an event loop that runs only while it is played."""

    def __init__(self, state: Path, *, say: Callable[[str], None]) -> None:
        self.state, self._say = state, say
        self._runner = asyncio.Runner()
        self._played_ms = 0
        self.demo = self._runner.run(self._made())

    def begin(self) -> None:
        """Start all its processes and found its alliance."""
        self._runner.run(self.demo.begin())

    def play_to(self, until_ms: int) -> None:
        """Grant the ticks that are left up to an instant."""
        if until_ms > self._played_ms:
            self._runner.run(self.demo.run_until(until_ms))
            self._played_ms = until_ms

    def stop(self) -> None:
        """End all its processes."""
        self._runner.run(self.demo.stop())
        self._runner.close()

    async def _made(self) -> Demo:
        options = DemoOptions(day=DAY, seed=SEED, state=self.state.resolve())
        return Demo(options, say=lambda text: self._say(f"demo: {text}"))


def _consent(
    deployment: Deployment, station: CastStation, box: Signer, keyring: Keyring, *, deadline_s: int
) -> DeviceConsent:
    named = enrol_digest(
        deployment.domain, device=box.address, owner=keyring.member(station.owner).address,
        station=StationId(station.number), nonce=0, deadline_s=deadline_s,
    )  # fmt: skip
    return DeviceConsent(station=station.number, device=box.address, deadline_s=deadline_s, signature=box.sign(named))
