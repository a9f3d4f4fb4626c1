"""Running planning jobs (protocol 10.14): one thread, one job at a time, each in a process of its own with hard limits.

Nothing that a solver does can hang or end the service: a job's process is ended at its limits, and the job fails with
that as its reason. Jobs that were queued or running when the service ended run again.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import structlog

from api.plans import queries, repository
from api.plans.queries import PlanState
from api.platform import Platform

_LOG = structlog.get_logger()
_LOOK_S = 5.0
_PATIENCE_S = 3.0
"""From asking a process to stop to ending it."""
_ROOT = Path(__file__).resolve().parents[2]


class PlanRunner:
    """Works the queue off while the service runs."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._bell = platform, platform.plan_bell
        self._stopping = False
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="plans", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier service left."""
        with self._platform.database.reading() as connection:
            left = repository.has_running(connection)
        if left:
            with self._platform.database.writing() as connection:
                repository.queue_again(connection)
        self._thread.start()

    def stop(self) -> None:
        """End the running job's process; the job itself runs again when the service is back."""
        self._stopping = True
        self._bell.set()
        with self._lock:
            if self._child is not None:
                self._child.terminate()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            try:
                plan = self._taken()
                if plan is None:
                    self._bell.wait(_LOOK_S)
                else:
                    self._work(plan)
            except Exception as error:  # one job's fault must not end the planner; it is shown and tried again
                _LOG.error("plans.failed", error=f"{type(error).__name__}: {error}")
                self._bell.wait(_LOOK_S)

    def _taken(self) -> int | None:
        """The next job, marked as running."""
        with self._platform.database.reading() as connection:
            if repository.next_queued(connection) is None:
                return None
        with self._platform.database.writing() as connection:
            plan = repository.next_queued(connection)
            if plan is not None:
                values = {"state": str(PlanState.RUNNING), "started_ms": self._platform.clock.now_ms()}
                repository.change(connection, plan, values)
        return plan

    def _work(self, plan: int) -> None:
        settings = self._platform.settings
        with self._platform.database.reading() as connection:
            request = queries.one(connection, plan).request
        limits = {"memoryMb": settings.plan_memory_mb, "processorS": settings.plan_hard_limit_s}
        answer = self._answer(plan, json.dumps({**request, **limits}).encode())
        if self._stopping and "result" not in answer:
            return
        values: dict[str, object] = {"stage": None, "done_ms": self._platform.clock.now_ms()}
        if "result" in answer:
            values |= {"state": str(PlanState.DONE), "result": json.dumps(answer["result"])}
        else:
            failed = answer["failed"]
            values |= {"state": str(PlanState.FAILED), "code": failed["code"], "text": failed["text"],
                       "facts": json.dumps(failed["facts"])}  # fmt: skip
        with self._platform.database.writing() as connection:
            repository.change(connection, plan, values)
        _LOG.info("plans.ended", plan=plan, state=values["state"], code=values.get("code"))

    def _answer(self, plan: int, request: bytes) -> dict[str, Any]:
        """What a process of its own says of a request, within the limits."""
        limit_s = self._platform.settings.plan_hard_limit_s
        with tempfile.TemporaryFile() as told:
            child = self._started(told)
            late = threading.Timer(limit_s, child.terminate)
            later = threading.Timer(limit_s + _PATIENCE_S, _end, [child])
            for timer in (late, later):
                timer.daemon = True
                timer.start()
            try:
                answer = self._heard(plan, child, request)
            finally:
                in_time = not late.finished.is_set()
                late.cancel()
                later.cancel()
                with self._lock:
                    self._child = None
                _close(child)
            if answer is not None:
                return answer
            if not in_time:
                return _failed("plan_timed_out", {"limit_s": limit_s}, f"stopped after {limit_s} s")
            told.seek(0)
            said = told.read().decode(errors="replace").strip()[-400:]
            facts = {"status": child.returncode, "memory_mb": self._platform.settings.plan_memory_mb}
            return _failed("plan_process_ended", facts, said or f"ended with {child.returncode}")

    def _started(self, told: IO[bytes]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
        with self._lock:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "optimizer.planjob"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=told,
                env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
            if self._stopping:
                self._child.terminate()
            return self._child

    def _heard(self, plan: int, child: subprocess.Popen[bytes], request: bytes) -> dict[str, Any] | None:
        """The last word of a process, its stages kept as they come; None if it ends without one."""
        assert child.stdin is not None
        assert child.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(b"%d\n%s" % (len(request), request))
            child.stdin.flush()
        for line in child.stdout:
            message: dict[str, Any] = json.loads(line)
            if "stage" not in message:
                return message
            with self._platform.database.writing() as connection:
                repository.change(connection, plan, {"stage": message["stage"]})
        return None


def _failed(code: str, facts: dict[str, object], text: str) -> dict[str, Any]:
    return {"failed": {"code": code, "facts": facts, "text": text}}


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a process and its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _close(child: subprocess.Popen[bytes]) -> None:
    """Leave no process and no pipe behind."""
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            assert pipe is not None
            pipe.close()
    try:
        child.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        _end(child)
        child.wait()
