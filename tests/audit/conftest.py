"""One world for all audits of a run; each test says what its operator does differently."""

from collections.abc import Callable, Iterator

import pytest

from alliance.calendar import Day
from audit.auditor import audit_day
from audit.blocks import FolderSource
from audit.verdict import Verdict
from simulation.anvil import AnvilMissing, binary
from tests.audit.world import DAY, EncryptedWorld, Lies, World

HONEST = Lies()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    made = World(tmp_path_factory.mktemp("alliance"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world whose evidence and documents are encrypted, with readers that were granted some of it."""
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    made = EncryptedWorld(tmp_path_factory.mktemp("sealed"))
    yield made
    made.stop()


@pytest.fixture
def honest(world: World) -> World:
    """The world as an honest operator leaves it."""
    world.play(HONEST)
    return world


@pytest.fixture
def audited(world: World) -> Callable[..., Verdict]:
    """Play what an operator does, then audit the day."""

    def run(lies: Lies = HONEST, *, day: Day = DAY) -> Verdict:
        world.play(lies)
        return audit_day(world.rpc, lambda: FolderSource(world.archive.folder), world.deployment, day)

    return run
