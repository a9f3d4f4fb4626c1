"""Disturbances of the grid by command: frequency or voltage leave their place, stay away, and come back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from simulation.plant import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEvent:
    """From `begins_ms` (inclusive) to `ends_ms` (exclusive), UTC; deviations of several events add up."""

    begins_ms: int
    ends_ms: int
    frequency_mhz: int = 0
    """Deviation of the frequency."""
    voltage_ppm: int = 0
    """Deviation of the voltage, in parts of the nominal one: −1,000,000 is a dead grid."""
    ramp_ms: int = 0
    """How long it takes to get there, and before the end to come back, in a straight line; 0: at once."""

    def share_ppm(self, t_ms: int) -> int:
        """How much of the deviation stands at an instant."""
        if not self.begins_ms <= t_ms < self.ends_ms:
            return 0
        nearest_ms = min(t_ms - self.begins_ms, self.ends_ms - t_ms)
        return 1_000_000 if nearest_ms >= self.ramp_ms else 1_000_000 * nearest_ms // self.ramp_ms


def disturbed(now: Snapshot, events: Iterable[GridEvent]) -> Snapshot:
    """What the instruments show of an instant with these events; the voltage is never below 0."""
    frequency_mhz, voltage_ppm = now.frequency_mhz, now.voltage_ppm
    for event in events:
        share_ppm = event.share_ppm(now.t_ms)
        frequency_mhz += event.frequency_mhz * share_ppm // 1_000_000
        voltage_ppm += event.voltage_ppm * share_ppm // 1_000_000
    return replace(now, frequency_mhz=frequency_mhz, voltage_ppm=max(0, voltage_ppm))
