"""Fleets planned by prices against a direct numpy → HiGHS build, each in a process of its own, in one run.

A missed speed is reported; a wrong bound ends the bench. Wrong is a bound above another backend's cost, a claimed gap
smaller than the true error, costs that differ by more than the proved gap, or a plan that breaks a limit.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Refused
from cli.benches.fleet_cases import STATIONS_A_REGION
from cli.benches.measure import Comparison, Figure, Finding, Measured

SIZES = (1000,)
GAP, GAP_LARGE = 1e-5, 1e-4
LARGE = 10_000
"""From so many stations on a gap of `GAP_LARGE` is asked for, and HiGHS solves a few regions only."""
TOLERANCE = 1e-6
VIOLATION_WH = 1e-2
MOST_DIRECT = 1000
"""Stations of the largest fleet whose whole matrix HiGHS is given; a region at a time it is given any."""
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a backend's process said; money in microcents."""

    backend: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    cost: float
    bound: float | None
    recomputed: float
    violation_wh: float
    notes: str


@dataclass(kw_only=True, eq=False)
class BackendFailed(Refused):
    """A backend's process ended without an answer."""

    backend: str
    case: str
    stations: int
    said: str


@dataclass(kw_only=True, eq=False)
class BoundWrong(Refused):
    """A backend claims more than is true."""

    case: str
    stations: int
    seed: int
    claim: str
    claimed: float
    true: float


def measure(*, cases: Sequence[str], sizes: Sequence[int], seeds: int) -> list[Finding]:
    """Each case at each size. Raises BackendFailed or BoundWrong."""
    return [
        found
        for case in cases
        for size in (sizes if case != "site" else (1,))
        for seed in range(seeds)
        for found in compared(case, size, seed)
    ]


def compared(case: str, size: int, seed: int) -> list[Finding]:
    """One fleet by prices and by every backend that it is compared with."""
    gap = GAP_LARGE if size >= LARGE else GAP
    ours = backend("site" if case == "site" else "prices", case, size, seed, gap)
    others = [backend(name, case, size, seed, gap) for name in _others(case, size)]
    require_true(case, size, seed, ours, others)
    name = f"{case}, {size:,} stations" + (f", seed {seed}" if seed else "")
    facts: dict[str, Figure] = {
        "objective_cents": round(ours.cost / 1e6),
        "proved_gap": f"{_gap(ours):.1e}",
        "violation_wh": f"{ours.violation_wh:.0e}",
        "peak_mb": ours.peak_mb,
        "notes": ours.notes,
    }
    facts |= {f"peak_mb {other.backend}": other.peak_mb for other in others}
    return [
        Comparison(
            name=name,
            ours=Measured(wall_s=ours.wall_s, cpu_s=ours.cpu_s),
            against=_AGAINST[other.backend],
            theirs=Measured(wall_s=other.wall_s, cpu_s=other.cpu_s),
            facts=facts,
        )
        for other in others
    ]


_AGAINST = {"direct": "numpy → HiGHS, the whole matrix", "regions": "numpy → HiGHS, region by region"}


def _others(case: str, size: int) -> list[str]:
    regions = 1 if case in ("one-region", "site") else max(1, size // STATIONS_A_REGION)
    whole = ["direct"] if size <= MOST_DIRECT or (case == "full" and regions > 1) or case == "one-region" else []
    return whole + (["regions"] if regions > 1 and case != "full" else []) or ["direct"]


def backend(name: str, case: str, size: int, seed: int, gap: float) -> Run:
    """Run a backend in a process of its own. Raises BackendFailed."""
    command = [sys.executable, "-m", "cli.benches.fleet_backend", name, case, str(size), str(seed), str(gap)]
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path, **single}
    )
    if done.returncode:
        raise BackendFailed(backend=name, case=case, stations=size, said=done.stderr[-400:].strip())
    return Run(backend=name, **json.loads(done.stdout.splitlines()[-1]))


def require_true(case: str, size: int, seed: int, ours: Run, others: Sequence[Run]) -> None:
    """Raises BoundWrong where a claim of any backend is not borne out by another's."""
    every = [ours, *others]
    best = min(one.cost for one in every)
    scale = max(1e6, abs(best))

    def require(claim: str, claimed: float, true: float, *, within: float) -> None:
        if claimed - true > within:
            raise BoundWrong(case=case, stations=size, seed=seed, claim=claim, claimed=claimed, true=true)

    for one in every:
        require(f"{one.backend}: limits kept, Wh", one.violation_wh, 0.0, within=VIOLATION_WH)
        require(f"{one.backend}: cost of the flows", abs(one.cost - one.recomputed), 0.0, within=TOLERANCE * scale)
        require(f"{one.backend}: cost within its gap", one.cost - best, _gap(one) * scale, within=TOLERANCE * scale)
        if one.bound is not None:
            require(f"{one.backend}: bound below every cost", one.bound, best, within=TOLERANCE * scale)


def _gap(one: Run) -> float:
    """The proved relative gap; 0 for a solver that says that it is at the optimum."""
    return 0.0 if one.bound is None else max(0.0, (one.cost - one.bound) / max(1e6, abs(one.cost)))
