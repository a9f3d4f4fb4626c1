"""What several folders share: the demo's whole day, demos whose clock a test moves, and who runs them.

All tests that need a demo run in one worker, so that the day is played once a session. Their folders are named here,
because the groups of pytest-xdist 3.8 are lost with pytest 9.2, which derives a test's name anew.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling, Scheduling

from tests.demo_day import Tell, demos, live_demo, played_day

__all__ = ["demos", "live_demo", "played_day"]

# No test fails by the clock: machines are noisy.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=(HealthCheck.too_slow,))
settings.load_profile("repeatable")

OF_THE_DEMO = ("tests/journeys/", "tests/page/", "tests/cli/test_bench_day.py")
_FIXTURES = {"demos", "played_day", "live_demo"}


OF_ONE_RUN = ("tests/contracts/test_forge.py", "tests/contracts/test_artifacts.py")
"""Files whose tests read one long run of a fixture."""


class OneDemo(LoadScopeScheduling):
    """Hands tests out one by one, those of the demo to a single worker, in their order, and those of one run together."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(OF_THE_DEMO):
            return "demo"
        return next((file for file in OF_ONE_RUN if nodeid.startswith(file)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    """The scheduler of a run with several workers."""
    return OneDemo(config, log)  # type: ignore[arg-type]  # xdist's own log


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that needs a demo and stands where another worker would play the day again."""
    for item in items:
        if not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) and not item.nodeid.startswith(OF_THE_DEMO):
            raise pytest.UsageError(f"{item.nodeid} needs a demo: name its place in tests/conftest.py")


@pytest.fixture(autouse=True)
def _plain_recursion_limit() -> Iterator[None]:
    """Peers that tests import (eth-account) lift the limit; deep input would then crash the interpreter."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(min(limit, 1_000))
    yield
    sys.setrecursionlimit(limit)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Tells what a test counted: one line of JSON at the end of the run, whichever worker had the test."""

    def told(counts: Mapping[str, object]) -> None:
        record_property("counts", json.dumps(counts, ensure_ascii=False))

    return told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests counted."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    told = [
        f"{report.nodeid.partition('::')[2]}: {value}"
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, value in report.user_properties
        if name == "counts"
    ]
    if told:
        terminalreporter.section("counts")
        for line in told:
            terminalreporter.write_line(line)
