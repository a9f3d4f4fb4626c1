"""One process of the solver for all tests of the fleet planner."""

from collections.abc import Iterator

import pytest

from optimizer.solver import SolverProcess


@pytest.fixture(scope="session")
def process() -> Iterator[SolverProcess]:
    with SolverProcess() as running:
        yield running
