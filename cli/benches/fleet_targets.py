"""The bench of fleets over several seeds: least, median, most, and what was aimed at; a miss is said, never hidden."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from cli.benches.measure import Figure, Figures

NEVER_SLOWER = 1.0
RATIO = {("base", 1_000): 0.2, ("base", 5_000): 0.2}
"""Processor time as a share of the better of HiGHS whole and by region; `NEVER_SLOWER` where nothing else is said."""
WALL_S = {("mpc", 1_000): 3.0, ("base", 50_000): 15.0, ("site", 1): 25e-6, ("reserve", 1_000): 15.0}
MOST_PEAK_MB, PEAK_FROM = 250.0, 5_000
"""From so many stations on memory has a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """One seed's figures."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    gap: float
    highs_cpu_s: float | None
    """Of the better of HiGHS's ways in the same run; None if none ended in time."""


def over_seeds(case: str, size: int, seeds: Sequence[Seed]) -> list[Figures]:
    """Least, median and most of all seeds, and each aim with what was reached at worst."""
    facts: dict[str, Figure] = {"seeds": len(seeds)}
    facts |= {
        "wall_s": spread([one.wall_s for one in seeds]),
        "cpu_s": spread([one.cpu_s for one in seeds]),
        "peak_mb": spread([one.peak_mb for one in seeds]),
        "proved_gap": spread([one.gap for one in seeds]),
    }
    ratios = [one.cpu_s / one.highs_cpu_s for one in seeds if one.highs_cpu_s]
    if ratios:
        facts["cpu_to_highs"] = spread(ratios)
        facts["aim cpu_to_highs"] = aim(max(ratios), RATIO.get((case, size), NEVER_SLOWER))
    if (case, size) in WALL_S:
        facts["aim wall_s"] = aim(max(one.wall_s for one in seeds), WALL_S[case, size])
    if size >= PEAK_FROM:
        facts["aim peak_mb"] = aim(max(one.peak_mb for one in seeds), MOST_PEAK_MB)
    return [Figures(name=f"{case}, {size:,} stations, all seeds", facts=facts)]


def spread(values: Sequence[float]) -> str:
    """Least / median / most."""
    return " / ".join(f"{value:.3g}" for value in (min(values), median(values), max(values)))


def aim(reached: float, limit: float) -> str:
    """Whether the worst seed kept an aim, else by how much it was missed."""
    if reached <= limit:
        return f"at most {limit:g}: met with {reached:.3g}"
    return f"at most {limit:g}: missed by {reached - limit:.3g} ({reached / limit:.2f} times)"
