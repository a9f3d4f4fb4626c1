"""Measuring: the best of three runs by wall time, with the processor time of this process and its ended children."""

import gc
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

RUNS = 3

Figure = int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one piece of work took, seconds; the best run of several."""

    wall_s: float
    cpu_s: float
    """User and system time, ended child processes included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Our work against the least that it could cost, in one run."""

    name: str
    ours: Measured
    against: str
    theirs: Measured
    facts: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """How many times the least it took, wall time."""
        return self.ours.wall_s / self.theirs.wall_s

    @property
    def ratio_cpu(self) -> float:
        """The same in processor time, which a busy machine disturbs less."""
        return self.ours.cpu_s / max(self.theirs.cpu_s, 1e-6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures that are no times: gas, memory."""

    name: str
    facts: Mapping[str, Figure]


Finding = Comparison | Figures


def best_of(work: Callable[[], object], *, runs: int = RUNS, before: Callable[[], object] | None = None) -> Measured:
    """The best of some runs by wall time; `before` readies each run and is not measured."""
    found: list[Measured] = []
    for _ in range(runs):
        if before is not None:
            before()
        gc.collect()
        cpu_s, wall_s = _cpu_s(), time.perf_counter()
        kept = work()
        found.append(Measured(wall_s=time.perf_counter() - wall_s, cpu_s=_cpu_s() - cpu_s))
        del kept  # freeing a large result is no part of the next run either
    return min(found, key=lambda one: one.wall_s)


def own_peak_kb() -> int:
    """Most memory of this process, KiB: Linux tells it of this program alone, ru_maxrss begins with the parent's."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
