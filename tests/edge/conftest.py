"""Fixtures of the box's tests."""

import logging
import socket
from collections.abc import Iterator

import pytest
import structlog

from tests.edge.peer import Peer


@pytest.fixture(autouse=True)
def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture
def peer() -> Iterator[Peer]:
    started = Peer().start()
    yield started
    started.stop()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
