"""The only place that calls a solver: HiGHS, or GLPK by setting, in a process of its own with a hard time limit.

`python -m optimizer.solver` answers requests: linear programmes as JSON, or a large one as numpy arrays for HiGHS. A
solver that hangs or crashes is a named error here and nothing more. One thread, fixed seed: the same input gives the
same answer.
"""

import contextlib
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Self

from optimizer.linear import (
    INFINITY,
    Answer,
    Engine,
    Job,
    Linear,
    Optimum,
    SolverFailed,
    SolverMissing,
    SolverTimedOut,
    Tie,
    Walk,
)


class Backend(StrEnum):
    """Which solver does the work."""

    HIGHS = "highs"
    GLPK = "glpk"


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverSettings:
    """How plans are solved."""

    backend: Backend = Backend.HIGHS
    time_limit_s: float = 60.0
    """Hard limit of one call of the solver's process, wall time."""
    most_gap_ppm: int = 10_000
    """A plan with a larger certified gap is not published."""


def solve(jobs: Sequence[Job], *, settings: SolverSettings) -> list[Answer]:
    """Solve programmes in one process of their own. Raises SolverMissing, SolverTimedOut or SolverFailed."""
    with SolverProcess() as process:
        return process.solve(jobs, settings=settings)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayProgramme:
    """min cost·x, row_low ≤ A x ≤ row_high, low ≤ x ≤ high in numpy arrays; A column by column."""

    costs: Any
    low: Any
    high: Any
    row_low: Any
    row_high: Any
    start: Any
    index: Any
    values: Any
    binaries: Any
    """Numbers of the columns that are 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrayOptimum:
    """What HiGHS found: optimal, or the best when its time was over (then arrays may be empty)."""

    columns: Any
    duals: Any
    cost: float
    optimal: bool


def solve_arrays(programme: ArrayProgramme, *, settings: SolverSettings) -> ArrayOptimum | None:
    """Solve one large programme with HiGHS in a process of its own; as `SolverProcess.solve_arrays`."""
    with SolverProcess() as process:
        return process.solve_arrays(programme, settings=settings)


class SolverProcess:
    """A solver's process that answers one request after the other, and is ended when one takes too long."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._told: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def solve(self, jobs: Sequence[Job], *, settings: SolverSettings) -> list[Answer]:
        """Solve programmes. Raises SolverMissing, SolverTimedOut or SolverFailed."""
        request = {"backend": settings.backend.value, "jobs": [asdict(job) for job in jobs]}
        answer = json.loads(self._asked(_JOBS, json.dumps(request).encode(), settings))
        if "missing" in answer:
            raise SolverMissing(backend=answer["missing"])
        if "failed" in answer:
            raise SolverFailed(backend=settings.backend, status=answer["failed"])
        return [_answer(a) for a in answer["answers"]]

    def solve_walk(self, walk: Walk, *, settings: SolverSettings) -> list[float | None]:
        """Costs of a programme for one group of players after the other, in cents; None if infeasible.

        Raises SolverMissing, SolverTimedOut or SolverFailed.
        """
        request = {"backend": settings.backend.value, "walk": asdict(walk)}
        answer = json.loads(self._asked(_WALK, json.dumps(request).encode(), settings))
        if "missing" in answer:
            raise SolverMissing(backend=answer["missing"])
        if "failed" in answer:
            raise SolverFailed(backend=settings.backend, status=answer["failed"])
        costs: list[float | None] = answer["costs"]
        return costs

    def solve_arrays(self, programme: ArrayProgramme, *, settings: SolverSettings) -> ArrayOptimum | None:
        """Solve one large programme with HiGHS; None if infeasible.

        HiGHS is asked to stop at nine tenths of the time limit with what it has; at the limit its process is ended.
        Raises SolverMissing, SolverTimedOut or SolverFailed.
        """
        import numpy as np

        named: dict[str, Any] = {name: getattr(programme, name) for name in ArrayProgramme.__dataclass_fields__}
        request = io.BytesIO()
        np.savez(request, time_limit_s=np.array(0.9 * settings.time_limit_s), **named)
        reply = np.load(io.BytesIO(self._asked(_ARRAYS, request.getbuffer(), settings)), allow_pickle=False)
        status = str(reply["status"])
        if status == "missing":
            raise SolverMissing(backend=Backend.HIGHS)
        if status == "infeasible":
            return None
        if status not in ("optimal", "stopped"):
            raise SolverFailed(backend=Backend.HIGHS, status=status)
        columns, duals = reply["columns"], reply["duals"]
        return ArrayOptimum(columns=columns, duals=duals, cost=float(reply["cost"]), optimal=status == "optimal")

    def by_prices(self, named: Mapping[str, Any], *, settings: SolverSettings) -> dict[str, Any]:
        """Plan a fleet by prices, arrays in and out (`optimizer.fleet.fast`). Raises SolverTimedOut or SolverFailed."""
        import numpy as np

        request = io.BytesIO()
        np.savez(request, **named)
        return dict(np.load(io.BytesIO(self._asked(_PRICES, request.getbuffer(), settings)), allow_pickle=False))

    def from_inside(self, named: Mapping[str, Any], *, settings: SolverSettings) -> dict[str, Any]:
        """Plan a part of a fleet with reserves (`optimizer.fleet.reserved`). Raises SolverTimedOut or SolverFailed."""
        import numpy as np

        request = io.BytesIO()
        np.savez(request, **named)
        return dict(np.load(io.BytesIO(self._asked(_INSIDE, request.getbuffer(), settings)), allow_pickle=False))

    def _asked(self, kind: bytes, request: bytes | memoryview, settings: SolverSettings) -> bytes:
        """One request, one answer, in time."""
        if self._child is None:
            self._start()
        assert self._child is not None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        late = threading.Timer(settings.time_limit_s, self._kill)
        late.start()
        try:
            _send(self._child.stdin, kind, request)
            answer = _received(self._child.stdout)
        except OSError:
            answer = None
        in_time = not late.finished.is_set()
        late.cancel()
        late.join()
        if answer is not None:
            return answer[1]
        status = self._end()
        if in_time:
            raise SolverFailed(backend=settings.backend, status=status)
        raise SolverTimedOut(backend=settings.backend, time_limit_s=settings.time_limit_s)

    def _start(self) -> None:
        root = str(Path(__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 — closed in `_end`
        self._child = subprocess.Popen(
            [sys.executable, "-m", "optimizer.solver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )

    def _kill(self) -> None:
        """End the process and what it started."""
        if self._child is not None and self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def _end(self) -> str:
        """Leave no process behind; what it last said of a failure."""
        if self._child is None:
            return ""
        self._kill()
        for pipe in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        self._child.wait()
        self._child = None
        assert self._told is not None
        with self._told as told:
            told.seek(0)
            return told.read().decode(errors="replace")[-400:].strip()


def main() -> None:
    """Answer requests on standard input, each on standard output, until there are no more."""
    while (request := _received(sys.stdin.buffer)) is not None:
        kind, body = request
        _send(sys.stdout.buffer, kind, _ANSWERS[kind](body))


_JOBS, _ARRAYS, _PRICES, _INSIDE, _WALK = b"jobs", b"arrays", b"prices", b"inside", b"walk"


def _send(pipe: IO[bytes], kind: bytes, body: bytes | memoryview) -> None:
    pipe.write(b"%s %d\n" % (kind, len(body)))
    pipe.write(body)
    pipe.flush()


def _received(pipe: IO[bytes]) -> tuple[bytes, bytes] | None:
    """The next message; None at the end, or if it breaks off."""
    head = pipe.readline().split()
    if len(head) != 2:
        return None
    body = pipe.read(int(head[1]))
    return (head[0], body) if len(body) == int(head[1]) else None


def _jobs_answered(body: bytes) -> bytes:
    request = json.loads(body)
    try:
        engine = _engine(Backend(request["backend"]))
        answers = [_work(engine, _job(job)) for job in request["jobs"]]
        reply: dict[str, object] = {"answers": [a and asdict(a) for a in answers]}
    except SolverMissing as error:
        reply = {"missing": error.backend}
    except SolverFailed as error:
        reply = {"failed": error.status}
    return json.dumps(reply).encode()


def _arrays_answered(body: bytes) -> memoryview:
    import numpy as np

    told: dict[str, Any] = {"columns": np.zeros(0), "duals": np.zeros(0), "cost": np.array(0.0)}
    try:
        import highspy
    except ModuleNotFoundError:
        told["status"] = "missing"
    else:
        told |= _highs_arrays(highspy, np.load(io.BytesIO(body), allow_pickle=False))
    reply = io.BytesIO()
    np.savez(reply, **told)
    return reply.getbuffer()


def _prices_answered(body: bytes) -> memoryview:
    import numpy as np

    from optimizer.fleet.fast import answered

    reply = io.BytesIO()
    np.savez(reply, **answered(np.load(io.BytesIO(body), allow_pickle=False)))
    return reply.getbuffer()


def _inside_answered(body: bytes) -> memoryview:
    import numpy as np

    from optimizer.fleet.reserved import answered

    reply = io.BytesIO()
    np.savez(reply, **answered(np.load(io.BytesIO(body), allow_pickle=False)))
    return reply.getbuffer()


def _walk_answered(body: bytes) -> bytes:
    from optimizer.walk import walked

    request = json.loads(body)
    plain = request["walk"]
    walk = Walk(
        linear=_linear(plain["linear"]),
        column_of=tuple(plain["column_of"]),
        row_of=tuple(plain["row_of"]),
        right=tuple(tuple(map(tuple, of_player)) for of_player in plain["right"]),
        groups=tuple(map(tuple, plain["groups"])),
    )
    try:
        reply: dict[str, object] = {"costs": walked(_engine(Backend(request["backend"])), walk)}
    except SolverMissing as error:
        reply = {"missing": error.backend}
    except SolverFailed as error:
        reply = {"failed": error.status}
    return json.dumps(reply).encode()


_ANSWERS: dict[bytes, Callable[[bytes], bytes | memoryview]] = {
    _JOBS: _jobs_answered,
    _ARRAYS: _arrays_answered,
    _PRICES: _prices_answered,
    _INSIDE: _inside_answered,
    _WALK: _walk_answered,
}


def _highs_arrays(highspy: Any, asked: Any) -> dict[str, Any]:
    """Solve one programme given in arrays."""
    import numpy as np

    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", 1e-6)):
        solver.setOptionValue(option, value)
    solver.setOptionValue("time_limit", float(asked["time_limit_s"]))
    n, m, binaries = len(asked["costs"]), len(asked["row_low"]), asked["binaries"]
    whole = np.zeros(n, dtype=np.int32)
    whole[binaries.astype(np.int64)] = 1
    solver.passModel(
        n, m, len(asked["values"]), 1, 1, 0.0, asked["costs"], asked["low"], asked["high"], asked["row_low"],
        asked["row_high"], asked["start"], asked["index"], asked["values"], whole,
    )  # fmt: skip
    solver.run()
    status, known = solver.getModelStatus(), highspy.HighsModelStatus
    if status in (known.kInfeasible, known.kUnboundedOrInfeasible):
        return {"status": "infeasible"}
    if status not in (known.kOptimal, known.kTimeLimit, known.kModelEmpty):
        return {"status": solver.modelStatusToString(status)}
    solution = solver.getSolution()
    return {
        "status": "stopped" if status == known.kTimeLimit else "optimal",
        "columns": np.array(solution.col_value),
        "duals": np.array(solution.row_dual),
        "cost": np.array(solver.getInfo().objective_function_value),
    }


def _work(engine: Engine, job: Job) -> Answer:
    engine.load(job.linear, gap=job.gap)
    found = engine.run()
    if found is None:
        return None
    if job.ties:
        from optimizer.ties import nearest_duals

        return replace(found, duals=nearest_duals(engine, job.linear, found, job.ties))
    return found


def _engine(backend: Backend) -> Engine:
    match backend:
        case Backend.HIGHS:
            return HighsEngine()
        case Backend.GLPK:
            return GlpkEngine()


def _job(plain: dict[str, Any]) -> Job:
    return Job(
        linear=_linear(plain["linear"]),
        ties=tuple(Tie(**t) for t in plain["ties"]),
        gap=plain["gap"],
    )


def _linear(plain: dict[str, Any]) -> Linear:
    linear: dict[str, Any] = {name: tuple(values) for name, values in plain.items()}
    named = {name: tuple(map(tuple, linear[name])) for name in ("columns", "rows")}
    return Linear(**(linear | named))


def _answer(plain: dict[str, Any] | None) -> Answer:
    if plain is None:
        return None
    return Optimum(columns=tuple(plain["columns"]), duals=tuple(plain["duals"]), cost=plain["cost"])


class HighsEngine:
    """HiGHS through highspy; keeps its basis between runs."""

    def __init__(self) -> None:
        try:
            import highspy
        except ModuleNotFoundError:
            raise SolverMissing(backend=Backend.HIGHS) from None
        self._highspy = highspy

    def load(self, linear: Linear, *, gap: float = 1e-6) -> None:
        """Take a programme; with binaries it is solved to a relative gap."""
        import numpy as np

        solver = self._highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", gap)):
            solver.setOptionValue(option, value)
        programme = self._highspy.HighsLp()
        programme.num_col_, programme.num_row_ = len(linear.columns), len(linear.rows)
        programme.col_cost_ = np.array(linear.costs)
        programme.col_lower_, programme.col_upper_ = np.array(linear.low), np.array(linear.high)
        programme.row_lower_, programme.row_upper_ = np.array(linear.row_low), np.array(linear.row_high)
        programme.a_matrix_.format_ = self._highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = np.array(linear.starts, dtype=np.int32)
        programme.a_matrix_.index_ = np.array(linear.index, dtype=np.int32)
        programme.a_matrix_.value_ = np.array(linear.values)
        if linear.binaries:
            kinds = [self._highspy.HighsVarType.kContinuous] * len(linear.columns)
            for j in linear.binaries:
                kinds[j] = self._highspy.HighsVarType.kInteger
            programme.integrality_ = kinds
        solver.passModel(programme)
        self._solver, self._sizes = solver, (len(linear.columns), len(linear.rows))

    def change(
        self,
        *,
        costs: Sequence[float] | None = None,
        boxes: tuple[Sequence[float], Sequence[float]] | None = None,
        sides: tuple[Sequence[float], Sequence[float]] | None = None,
    ) -> None:
        """Replace costs, column bounds or row bounds."""
        import numpy as np

        columns, rows = (np.arange(n, dtype=np.int32) for n in self._sizes)
        if costs is not None:
            self._solver.changeColsCost(len(columns), columns, np.array(costs, dtype=float))
        if boxes is not None:
            low, high = (np.array(b, dtype=float) for b in boxes)
            self._solver.changeColsBounds(len(columns), columns, low, high)
        if sides is not None:
            low, high = (np.array(s, dtype=float) for s in sides)
            self._solver.changeRowsBounds(len(rows), rows, low, high)

    def run(self) -> Optimum | None:
        """Solve; None if infeasible. Raises SolverFailed."""
        status_of = self._highspy.HighsModelStatus
        self._solver.run()
        status = self._solver.getModelStatus()
        if status == status_of.kInfeasible:
            return None
        if status != status_of.kOptimal:
            raise SolverFailed(backend=Backend.HIGHS, status=self._solver.modelStatusToString(status))
        solution = self._solver.getSolution()
        return Optimum(
            columns=tuple(solution.col_value),
            duals=tuple(solution.row_dual),
            cost=self._solver.getInfo().objective_function_value,
        )


class GlpkEngine:
    """GLPK through its command `glpsol`; each run starts from nothing."""

    def __init__(self) -> None:
        command = shutil.which("glpsol")
        if command is None:
            raise SolverMissing(backend=Backend.GLPK)
        self._command = command

    def load(self, linear: Linear, *, gap: float = 1e-6) -> None:
        """Take a programme; with binaries it is solved to a relative gap."""
        self._linear, self._gap = linear, gap

    def change(
        self,
        *,
        costs: Sequence[float] | None = None,
        boxes: tuple[Sequence[float], Sequence[float]] | None = None,
        sides: tuple[Sequence[float], Sequence[float]] | None = None,
    ) -> None:
        """Replace costs, column bounds or row bounds."""
        if costs is not None:
            self._linear = replace(self._linear, costs=tuple(costs))
        if boxes is not None:
            self._linear = replace(self._linear, low=tuple(boxes[0]), high=tuple(boxes[1]))
        if sides is not None:
            self._linear = replace(self._linear, row_low=tuple(sides[0]), row_high=tuple(sides[1]))

    def run(self) -> Optimum | None:
        """Solve; None if infeasible. Raises SolverFailed."""
        if any(low > high for low, high in zip(self._linear.low, self._linear.high, strict=True)):
            return None
        with tempfile.TemporaryDirectory() as folder:
            asked, told = Path(folder, "asked.mps"), Path(folder, "told.txt")
            asked.write_text("\n".join(_free_mps(self._linear)))
            options = ["--nopresol", "--seed", "1", *(["--mipgap", repr(self._gap)] if self._linear.binaries else [])]
            subprocess.run(
                [self._command, "--freemps", str(asked), "--write", str(told), *options],
                capture_output=True,
                check=False,
            )
            lines = told.read_text().splitlines() if told.exists() else []
        return _glpk_solution(self._linear, [line.split() for line in lines])


def _free_mps(linear: Linear) -> list[str]:
    """A programme in free MPS; free rows (no side at all) are left out."""
    kept = [i for i in range(len(linear.rows)) if linear.row_low[i] > -INFINITY or linear.row_high[i] < INFINITY]
    lines = ["NAME plan", "ROWS", " N cost"]
    right: list[str] = []
    entries: dict[int, list[str]] = {j: [f" c{j} cost {c!r}"] for j, c in enumerate(linear.costs)}
    for i in kept:
        low, high = linear.row_low[i], linear.row_high[i]
        lines.append(f" {'E' if low == high else 'L' if high < INFINITY else 'G'} r{i}")
        right.append(f" side r{i} {high if high < INFINITY else low!r}")
        for j, a in linear.row(i):
            entries[j].append(f" c{j} r{i} {a!r}")
    lines += ["COLUMNS", *(line for j in entries for line in entries[j]), "RHS", *right, "BOUNDS"]
    whole = set(linear.binaries)
    for j, (low, high) in enumerate(zip(linear.low, linear.high, strict=True)):
        lines += _mps_bounds(j, low, high, binary=j in whole)
    return [*lines, "ENDATA", ""]


def _mps_bounds(j: int, low: float, high: float, *, binary: bool) -> list[str]:
    if low == high:
        return [f" FX box c{j} {low!r}"]
    if binary:
        return [f" BV box c{j}"]
    lower = f" MI box c{j}" if low == -INFINITY else f" LO box c{j} {low!r}"
    upper = f" PL box c{j}" if high == INFINITY else f" UP box c{j} {high!r}"
    return [lower, upper]


def _glpk_solution(linear: Linear, lines: list[list[str]]) -> Optimum | None:
    """Read glpsol's `--write` file: a line `s` for the status, `i` a row, `j` a column."""
    head = next((line for line in lines if line[:1] == ["s"]), None)
    if head is None:
        raise SolverFailed(backend=Backend.GLPK, status="no answer")
    states = head[4:6] if head[1] == "bas" else head[4:5]
    if "n" in states or "i" in states[:1]:
        return None
    if any(state not in ("f", "o") for state in states):
        raise SolverFailed(backend=Backend.GLPK, status=" ".join(head))
    first = 3 if head[1] == "bas" else 2
    columns = [float(line[first]) for line in lines if line[:1] == ["j"]]
    duals = [0.0] * len(linear.rows)
    kept = [i for i in range(len(linear.rows)) if linear.row_low[i] > -INFINITY or linear.row_high[i] < INFINITY]
    if head[1] == "bas":
        named = {int(line[1]): float(line[4]) for line in lines if line[:1] == ["i"]}
        for at, i in enumerate(kept, start=1):
            duals[i] = named[at]
    cost = math.fsum(c * x for c, x in zip(linear.costs, columns, strict=True))
    return Optimum(columns=tuple(columns), duals=tuple(duals), cost=cost)


if __name__ == "__main__":
    main()
