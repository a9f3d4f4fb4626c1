"""Children of the demo end with it, and one that ended by itself is named with its last words."""

import os
import sys
import time
from pathlib import Path

import pytest

from simulation.processes import ProcessEnded, Processes


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_all_children_are_gone_when_stopped_even_the_stubborn(tmp_path: Path) -> None:
    children = Processes(tmp_path)
    meek = children.start("meek", [sys.executable, "-c", "import time; time.sleep(60)"])
    stubborn = children.start(
        "stubborn",
        [sys.executable, "-uc", "import signal,time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(60)"],
    )
    while "up" not in children.log("stubborn").read_text():
        time.sleep(0.02)
    children.check()
    children.stop_all(patience_s=0.3)
    assert _gone(meek)
    assert _gone(stubborn)


def test_a_child_that_ended_is_named_with_its_last_line(tmp_path: Path) -> None:
    children = Processes(tmp_path)
    children.start("short", [sys.executable, "-c", "print('port 1 taken'); raise SystemExit(3)"])
    deadline = time.monotonic() + 10
    with pytest.raises(ProcessEnded, match="port 1 taken") as caught:
        while time.monotonic() < deadline:
            children.check()
            time.sleep(0.02)
    assert caught.value.exit_code == 3
    children.stop_all()
