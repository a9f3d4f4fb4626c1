"""One beginning for all stories of a run; each goes on from its branch."""

from collections.abc import Iterator

import pytest
import structlog

from simulation.anvil import AnvilMissing, binary
from tests.stories.tale import Tale


@pytest.fixture(scope="session")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tale]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    made = Tale(tmp_path_factory.mktemp("tale"))
    yield made
    made.stop()


@pytest.fixture
def tale(_told: Tale) -> Tale:
    """The alliance three hours before midnight."""
    return _told.begin()
