"""How cells differ (protocol 9.22.4): spread, z-score of each cell classical and robust, and what that tells of a cell.

Spread ΔV = highest − lowest. z = (v − mean) / s. Robust z = 0.6745·(v − median) / MAD (Iglewicz and Hoaglin, 1993),
which a few bad cells cannot hide behind; MAD counts as one unit of the measurement at least, because cells that read
alike to the millivolt have none. A cell is outstanding beyond 3.5 and `LEAST_APART` from the median.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import median

OUTSTANDING_MZ = 3_500
"""Robust z, thousandths."""
LEAST_APART_MV = 8
_MZ = 1_000


class Cause(StrEnum):
    """What the rests and the load together tell of a cell."""

    CAPACITY = "capacity"
    """Low when empty, not when full: it holds less than the others."""
    IMBALANCE = "imbalance"
    """Apart when full: balancing is due, or it discharges itself."""
    RESISTANCE = "resistance"
    """Apart under load alone: its resistance or a joint's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Cells at an instant; numbers of cells from 0; sigma and z in thousandths."""

    count: int
    mean_uv: int
    sigma_uv: int
    highest_mv: int
    highest_at: int
    lowest_mv: int
    lowest_at: int
    z_milli: tuple[int, ...]
    robust_z_milli: tuple[int, ...]
    outstanding: tuple[int, ...]

    @property
    def delta_mv(self) -> int:
        """Highest less lowest."""
        return self.highest_mv - self.lowest_mv


def spread_of(cells_mv: Sequence[int]) -> Spread:
    """The spread of at least one cell's voltages; sigma is that of these cells (division by n)."""
    n, total = len(cells_mv), sum(cells_mv)
    mean = total / n
    sigma = sqrt(sum((v - mean) ** 2 for v in cells_mv) / n)
    middle = median(cells_mv)
    mad = max(1.0, median(abs(v - middle) for v in cells_mv))
    robust = tuple(round(674.5 * (v - middle) / mad) for v in cells_mv)
    highest, lowest = max(cells_mv), min(cells_mv)
    return Spread(
        count=n, mean_uv=round(1_000 * mean), sigma_uv=round(1_000 * sigma), highest_mv=highest,
        highest_at=cells_mv.index(highest), lowest_mv=lowest, lowest_at=cells_mv.index(lowest),
        z_milli=tuple(round(_MZ * (v - mean) / sigma) if sigma else 0 for v in cells_mv), robust_z_milli=robust,
        outstanding=tuple(
            i for i, v in enumerate(cells_mv) if abs(robust[i]) > OUTSTANDING_MZ and abs(v - middle) >= LEAST_APART_MV
        ),
    )  # fmt: skip


def causes(full: Sequence[int], empty: Sequence[int], loaded: Sequence[int]) -> dict[int, Cause]:
    """Cells that stand out, with the cause, from their voltages at rest when full and empty, and under load."""
    at_full, at_empty, at_load = (set(spread_of(v).outstanding) if v else set() for v in (full, empty, loaded))
    told = dict.fromkeys(at_load - at_full - at_empty, Cause.RESISTANCE)
    told |= dict.fromkeys(at_empty - at_full, Cause.CAPACITY)
    return dict(sorted((told | dict.fromkeys(at_full, Cause.IMBALANCE)).items()))
