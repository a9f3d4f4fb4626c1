"""What a newcomer's mistakes bring: one clear line each; and Ctrl-C leaves nothing running."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.processes import program
from tests.journeys.faults import names_of_children

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240


def demo(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`alliance demo` to its end."""
    command = [program("alliance"), "demo", "--state", str(state), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What it said on standard error; nothing may be on standard output."""
    assert done.stdout == ""
    return done.stderr.splitlines()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_demo_says_one_line_and_keeps_the_earlier_day_when_its_port_is_taken(tmp_path: Path, taken_port: int) -> None:
    earlier = tmp_path / "demo" / "demo.json"
    earlier.parent.mkdir()
    earlier.write_text("{}")
    done = demo(earlier.parent, "--port", str(taken_port))
    assert done.returncode == 1
    assert lines(done) == [f"alliance demo: port_taken: port={taken_port}"]
    assert earlier.exists()
    assert names_of_children(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,load_kw\n2026-07-01T00:00,12\n2026-07-01T00:15,zwölf\n", ("line=3", "column=load_kw", "value=zwölf")),
        ("time,load_kw\n2026-07-01T00:00,12\n2026-07-01T00:07,12\n", ("line=3", "column=time", "quarter of an hour")),
        ("time,load\n2026-07-01T00:00,12\n", ("line=1", "column=load", "load_kw")),
        ("time,load_w,pv_w\n2026-07-01T00:00,12,-5\n", ("line=2", "column=pv_w", "value=-5")),
    ],
)
def test_demo_names_file_line_and_column_when_a_profile_has_a_wrong_row(
    tmp_path: Path, text: str, told: tuple[str, ...]
) -> None:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "station-2.csv").write_text(text)
    earlier = tmp_path / "demo" / "demo.json"
    earlier.parent.mkdir()
    earlier.write_text("{}")
    done = demo(earlier.parent, "--profiles", str(tmp_path / "profiles"))
    (line,) = lines(done)
    assert done.returncode == 1
    assert line.startswith("alliance demo: ")
    assert [fact for fact in ("file=station-2.csv", *told) if fact not in line] == []
    assert earlier.exists()
    assert names_of_children(tmp_path) == []


def test_demo_says_one_line_when_there_is_no_day_to_resume(tmp_path: Path) -> None:
    done = demo(tmp_path / "demo", "--resume")
    (line,) = lines(done)
    assert done.returncode == 1
    assert line.startswith("alliance demo: nothing_to_resume: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_child_is_left_when_the_demo_is_interrupted_while_it_plays(
    demos: Path, tmp_path: Path, number: signal.Signals
) -> None:
    state = demos / f"interrupted-{number.name}"
    with (tmp_path / "said").open("w") as output:
        child = subprocess.Popen(
            [program("alliance"), "demo", "--once", "--json", "--state", str(state)],
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        await_text(tmp_path / "said", "rule pack", child)
        running = names_of_children(state)
        os.killpg(child.pid, number)  # as a terminal does: to the whole group
        code = child.wait(PATIENCE_S)
    assert len(running) >= 1 + 1 + 1 + 1 + 6  # the command, the chain, the service, the stations, six boxes
    assert code == 130
    assert names_of_children(state) == []
    assert "Traceback" not in (tmp_path / "said").read_text()


def await_text(path: Path, text: str, child: subprocess.Popen[bytes]) -> None:
    due = time.monotonic() + PATIENCE_S
    while text not in path.read_text():
        assert child.poll() is None, path.read_text()
        assert time.monotonic() < due, path.read_text()
        time.sleep(0.1)


@pytest.fixture
def old_tools(tmp_path: Path) -> Path:
    """A folder of programs that are too old."""
    folder = tmp_path / "bin"
    folder.mkdir()
    node = 'case "$1" in --version) echo v18.19.0;; *) exit 1;; esac'
    python = 'case "$2" in *version_info*) exit 1;; *python_version*) echo 3.9.18;; esac'
    for name, body in (("node", node), ("old-python", python)):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


def check(path: str, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", ".ci/check", python], cwd=ROOT, env={"PATH": path}, capture_output=True, text=True, check=False
    )


def test_check_says_a_line_each_when_versions_are_too_old(old_tools: Path) -> None:
    done = check(f"{old_tools}:{os.environ['PATH']}", str(old_tools / "old-python"))
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"missing: Python 3.11 or newer; {old_tools / 'old-python'} is 3.9.18",
        "missing: Node 20.19 or newer; node is v18.19.0",
    ]


def test_check_says_a_line_each_when_python_node_and_npm_are_not_there(tmp_path: Path) -> None:
    done = check(str(tmp_path), "")
    assert done.returncode == 1
    assert [line.split(" (")[0] for line in done.stderr.splitlines()] == [
        "missing: Python 3.11 or newer", "missing: Node 20.19 or newer", "missing: npm"
    ]  # fmt: skip


def test_check_is_silent_when_everything_is_there() -> None:
    done = check(os.environ["PATH"], program("python"))
    assert (done.returncode, done.stderr) == (0, "")
