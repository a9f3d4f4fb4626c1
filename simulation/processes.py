"""The demo's child processes: started with a log file each, watched, and ended cleanly with their parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alliance.errors import Missing


@dataclass(kw_only=True, eq=False)
class ProcessEnded(Missing):
    """A child process ended though it should run; the last line of its log says why."""

    name: str
    exit_code: int
    log: str
    last_line: str


@dataclass
class Processes:
    """Children by name; all of them die with `stop`."""

    logs: Path
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> int:
        """Start a child in its own session, its output appended to `<logs>/<name>.log`; return its pid."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as output:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._running[name] = child
        return child.pid

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self.logs / f"{name.replace(':', '-')}.log"

    def pid(self, name: str) -> int:
        """The process id of a running child."""
        return self._running[name].pid

    def check(self) -> None:
        """Raise ProcessEnded for the first child that ended by itself."""
        for name, child in self._running.items():
            code = child.poll()
            if code is not None:
                raise ProcessEnded(name=name, exit_code=code, log=str(self.log(name)), last_line=self._last_line(name))

    def kill(self, name: str) -> None:
        """End a child with SIGKILL, as a crash would, and forget it."""
        child = self._running.pop(name)
        child.kill()
        child.wait()

    def stop(self, name: str, *, patience_s: float = 10.0) -> None:
        """Ask a child to end, then insist."""
        child = self._running.pop(name)
        _end(child, patience_s)

    def stop_all(self, *, patience_s: float = 10.0) -> None:
        """End all children, the last started first."""
        children = list(self._running.values())[::-1]
        self._running.clear()
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in children:
            _end(child, patience_s)

    def _last_line(self, name: str) -> str:
        lines = [line for line in self.log(name).read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""


def program(script: str) -> str:
    """Path of a console script that is installed beside this Python."""
    return str(Path(sys.executable).with_name(script))


def _end(child: subprocess.Popen[bytes], patience_s: float) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
