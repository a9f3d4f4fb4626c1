"""The only place that calls a solver: HiGHS, or GLPK by setting, in a process of its own with a hard time limit.

`solve` sends linear programmes as JSON to `python -m optimizer.solver` and reads the answers back; a solver that hangs
or crashes is a named error here and nothing more. One thread, fixed seed: the same input gives the same answer.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from optimizer.conflict import explained
from optimizer.linear import (
    INFINITY,
    Answer,
    Conflict,
    Engine,
    Job,
    Limit,
    Linear,
    Optimum,
    SolverFailed,
    SolverMissing,
    SolverTimedOut,
    Tie,
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
    request = {"backend": settings.backend.value, "jobs": [asdict(job) for job in jobs]}
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "optimizer.solver"],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=settings.time_limit_s,
            check=False,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        raise SolverTimedOut(backend=settings.backend, time_limit_s=settings.time_limit_s) from None
    if done.returncode:
        raise SolverFailed(backend=settings.backend, status=done.stderr.decode(errors="replace")[-400:].strip())
    answer = json.loads(done.stdout)
    if "missing" in answer:
        raise SolverMissing(backend=answer["missing"])
    if "failed" in answer:
        raise SolverFailed(backend=settings.backend, status=answer["failed"])
    return [_answer(a) for a in answer["answers"]]


def main() -> None:
    """Read one request on standard input, answer it on standard output."""
    request = json.load(sys.stdin)
    try:
        engine = _engine(Backend(request["backend"]))
        answers = [_work(engine, _job(job)) for job in request["jobs"]]
        reply: dict[str, object] = {"answers": [a and {type(a).__name__: asdict(a)} for a in answers]}
    except SolverMissing as error:
        reply = {"missing": error.backend}
    except SolverFailed as error:
        reply = {"failed": error.status}
    json.dump(reply, sys.stdout)


def _work(engine: Engine, job: Job) -> Answer:
    engine.load(job.linear)
    found = engine.run()
    if found is None:
        return explained(engine, job.linear, job.limits) if job.limits else None
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
    linear: dict[str, Any] = {name: tuple(values) for name, values in plain["linear"].items()}
    named = {name: tuple(map(tuple, linear[name])) for name in ("columns", "rows")}
    return Job(
        linear=Linear(**(linear | named)),
        ties=tuple(Tie(**t) for t in plain["ties"]),
        limits=tuple(Limit(**x) for x in plain["limits"]),
    )


def _answer(plain: dict[str, Any] | None) -> Answer:
    if plain is None:
        return None
    if "Optimum" in plain:
        found = plain["Optimum"]
        return Optimum(columns=tuple(found["columns"]), duals=tuple(found["duals"]), cost=found["cost"])
    found = plain["Conflict"]
    return Conflict(
        limits=tuple(Limit(**x) for x in found["limits"]),
        relaxed=tuple((Limit(**x), by) for x, by in found["relaxed"]),
    )


class HighsEngine:
    """HiGHS through highspy; keeps its basis between runs."""

    def __init__(self) -> None:
        try:
            import highspy
        except ModuleNotFoundError:
            raise SolverMissing(backend=Backend.HIGHS) from None
        self._highspy = highspy

    def load(self, linear: Linear) -> None:
        """Take a programme."""
        import numpy as np

        solver = self._highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", 1e-6)):
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

    def load(self, linear: Linear) -> None:
        """Take a programme."""
        self._linear = linear

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
            options = ["--nopresol", "--seed", "1", *(["--mipgap", "1e-6"] if self._linear.binaries else [])]
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
    if binary:
        return [f" BV box c{j}"]
    if low == high:
        return [f" FX box c{j} {low!r}"]
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
