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
from cli.benches.fleet_targets import Seed, over_seeds
from cli.benches.measure import Comparison, Figure, Figures, Finding, Measured

SIZES = (1000,)
GAP, GAP_LARGE = 1e-5, 1e-4
GAP_OF = {"reserve": 5e-4}
"""Of cases that are asked for another gap, at any size."""
MOST_STATIONS = {"site": 1, "cvar": 100}
"""Of cases that are not asked at every size: with scenarios every backend solves the whole matrix."""
OURS = {"site": "site", "cvar": "stamped-risk", "reserve": "planned-reserve"}
"""Our backend of a case; prices for every other."""
LARGE = 10_000
"""From so many stations on a gap of `GAP_LARGE` is asked for."""
TOLERANCE = 1e-6
VIOLATION_WH = 1e-2
MOST_DIRECT = 1000
"""Stations of the largest fleet whose whole matrix HiGHS is given; a region at a time it is given any."""
PEER_SECONDS = {"reserve": 300.0}
"""Of a backend that is compared with, where a case's limit is lower than `MOST_SECONDS`."""
MOST_SECONDS = 1800.0
"""Wall time after which a backend's process is ended and left out."""
_ROOT = Path(__file__).resolve().parents[2]
_PEERS = _ROOT / ".venv-peers" / "bin" / "python"
PEERS: dict[str, tuple[str, ...]] = {"site": ("flexmeasures",), "mpc": (), "cvar": (), "reserve": ()}
"""Which of others' planners are asked a case; every other case PyPSA is asked. A rolled plan begins with ours."""


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
    digest: str
    """SHA-256 of the fleet that it planned."""


@dataclass(kw_only=True, eq=False)
class BackendFailed(Refused):
    """A backend's process ended without an answer."""

    backend: str
    case: str
    stations: int
    said: str


@dataclass(kw_only=True, eq=False)
class BackendTooSlow(Refused):
    """A backend's process was ended, for it took too long."""

    backend: str
    case: str
    stations: int
    limit_s: float


@dataclass(kw_only=True, eq=False)
class FleetsDiffer(Refused):
    """Two backends did not plan the same fleet."""

    case: str
    stations: int
    seed: int
    backend: str


@dataclass(kw_only=True, eq=False)
class PeersMissing(Refused):
    """Others' planners are not installed."""

    place: str
    remedy: str = "make bench-peers installs them"


@dataclass(kw_only=True, eq=False)
class BoundWrong(Refused):
    """A backend claims more than is true."""

    case: str
    stations: int
    seed: int
    claim: str
    claimed: float
    true: float


def measure(
    *, cases: Sequence[str], sizes: Sequence[int], seeds: int, peers: bool = False, limit_s: float = MOST_SECONDS
) -> list[Finding]:
    """Each case at each size: every seed, then all of them together where there are several.

    With `peers` others' planners are asked too. Raises BackendFailed, BackendTooSlow (ours alone), BoundWrong,
    FleetsDiffer or PeersMissing.
    """
    if peers and not _PEERS.exists():
        raise PeersMissing(place=_PEERS.parent.parent.name)
    found: list[Finding] = []
    for case in cases:
        for size in sorted({min(size, MOST_STATIONS.get(case, size)) for size in sizes}):
            each = [run_seed(case, size, seed, peers=peers, limit_s=limit_s) for seed in range(seeds)]
            found += [finding for one in each for finding in _findings(case, size, one)]
            found += over_seeds(case, size, [_seed(one) for one in each])
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedRun:
    """What every backend said of one fleet."""

    seed: int
    ours: Run
    others: tuple[Run, ...]
    too_slow: tuple[BackendTooSlow, ...]


def run_seed(case: str, size: int, seed: int, *, peers: bool, limit_s: float) -> SeedRun:
    """One fleet by prices and by every backend that it is compared with."""
    gap = GAP_OF.get(case, GAP_LARGE if size >= LARGE else GAP)
    peer_s = min(limit_s, PEER_SECONDS.get(case, limit_s))
    ours = backend(OURS.get(case, "prices"), case, size, seed, gap, limit_s=limit_s)
    others: list[Run] = []
    slow: list[BackendTooSlow] = []
    for name in (*_others(case, size), *(PEERS.get(case, ("pypsa",)) if peers else ())):
        try:
            others.append(backend(name, case, size, seed, gap, limit_s=peer_s))
        except BackendTooSlow as error:
            slow.append(error)
    require_true(case, size, seed, ours, others)
    return SeedRun(seed=seed, ours=ours, others=tuple(others), too_slow=tuple(slow))


def _findings(case: str, size: int, one: SeedRun) -> list[Finding]:
    ours = one.ours
    name = f"{case}, {size:,} stations" + (f", seed {one.seed}" if one.seed else "")
    facts: dict[str, Figure] = {
        "objective_cents": round(ours.cost / 1e6),
        "proved_gap": f"{_gap(ours):.1e}",
        "violation_wh": f"{ours.violation_wh:.0e}",
        "peak_mb": ours.peak_mb,
        "notes": ours.notes,
    }
    facts |= {f"peak_mb {other.backend}": other.peak_mb for other in one.others}
    facts |= {f"notes {other.backend}": other.notes for other in one.others if other.notes}
    late = [
        Figures(name=name, facts={"left out": _AGAINST[error.backend], "because it took more than, s": error.limit_s})
        for error in one.too_slow
    ]
    return [
        Comparison(
            name=name,
            ours=Measured(wall_s=ours.wall_s, cpu_s=ours.cpu_s),
            against=_AGAINST[other.backend],
            theirs=Measured(wall_s=other.wall_s, cpu_s=other.cpu_s),
            facts=facts,
        )
        for other in one.others
    ] + late


def _seed(one: SeedRun) -> Seed:
    """What the summary wants to know of a seed."""
    return Seed(
        wall_s=one.ours.wall_s,
        cpu_s=one.ours.cpu_s,
        peak_mb=one.ours.peak_mb,
        gap=_gap(one.ours),
        highs_cpu_s=min((o.cpu_s for o in one.others if o.backend not in _ELSEWHERE), default=None),
    )


_ELSEWHERE = frozenset({"pypsa", "flexmeasures"})
_AGAINST = {
    "direct": "numpy → HiGHS, the whole matrix",
    "regions": "numpy → HiGHS, region by region",
    "direct-risk": "numpy → HiGHS, the whole matrix",
    "direct-reserve": "numpy → HiGHS' simplex, the whole matrix",
    "direct-reserve-ipm": "numpy → HiGHS' interior point, the whole matrix",
    "pypsa": "PyPSA, network built and solved by HiGHS",
    "flexmeasures": "FlexMeasures' device_scheduler, its frames made beforehand",
}


def _others(case: str, size: int) -> list[str]:
    if case == "cvar":
        return ["direct-risk"]
    if case == "reserve":
        return ["direct-reserve", "direct-reserve-ipm"]
    regions = 1 if case in ("one-region", "site") else max(1, size // STATIONS_A_REGION)
    whole = ["direct"] if size <= MOST_DIRECT or (case == "full" and regions > 1) or case == "one-region" else []
    return whole + (["regions"] if regions > 1 and case != "full" else []) or ["direct"]


def backend(name: str, case: str, size: int, seed: int, gap: float, *, limit_s: float = MOST_SECONDS) -> Run:
    """Run a backend in a process of its own. Raises BackendFailed or BackendTooSlow."""
    python = str(_PEERS) if name in _ELSEWHERE else sys.executable
    command = [python, "-m", "cli.benches.fleet_backend", name, case, str(size), str(seed), str(gap)]
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise BackendTooSlow(backend=name, case=case, stations=size, limit_s=limit_s) from None
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
        if one.digest != ours.digest:
            raise FleetsDiffer(case=case, stations=size, seed=seed, backend=one.backend)
        require(f"{one.backend}: limits kept, Wh", one.violation_wh, 0.0, within=VIOLATION_WH)
        require(f"{one.backend}: cost of the flows", abs(one.cost - one.recomputed), 0.0, within=TOLERANCE * scale)
        require(f"{one.backend}: cost within its gap", one.cost - best, _gap(one) * scale, within=TOLERANCE * scale)
        if one.bound is not None:
            require(f"{one.backend}: bound below every cost", one.bound, best, within=TOLERANCE * scale)


def _gap(one: Run) -> float:
    """The proved relative gap; 0 for a solver that says that it is at the optimum."""
    return 0.0 if one.bound is None else max(0.0, (one.cost - one.bound) / max(1e6, abs(one.cost)))
