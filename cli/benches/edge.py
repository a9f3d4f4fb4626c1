"""Memory of the demo's six boxes, real `alliance-edge` processes at work, against their limit."""

import sys
from pathlib import Path

from cli.benches.ground import DAY, Ground
from cli.benches.measure import Figures, Finding
from simulation.cast import STATIONS
from simulation.demo import Demo

LIMIT_MB = 100
_HOURS = 2
_KB = 1_000


def run(ground: Ground) -> list[Finding]:
    """Two hours into the day: readings signed and sent, a schedule followed."""
    if not sys.platform.startswith("linux"):
        return [Figures(name="resident memory of alliance-edge", facts={"measured": "on Linux alone"})]
    demo = ground.demo(DAY.start_ms + _HOURS * 3_600_000)
    resident = {station.number: _resident_kb(demo, f"edge-{station.number}") for station in STATIONS}
    now, peak = (max(kb[name] for kb in resident.values()) for name in ("VmRSS", "VmHWM"))
    return [
        Figures(
            name=f"resident memory of the largest of {len(resident)} alliance-edge, MB",
            facts={
                "resident_mb": round(now * 1.024 / _KB, 1),
                "peak_mb": round(peak * 1.024 / _KB, 1),
                "limit_mb": LIMIT_MB,
                "ratio_to_limit": round(peak * 1.024 / _KB / LIMIT_MB, 3),
            },
        )
    ]


def _resident_kb(demo: Demo, name: str) -> dict[str, int]:
    """Resident memory now and at its peak, KiB, of a child."""
    lines = Path(f"/proc/{demo.processes.pid(name)}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {key: int(fields[key].split()[0]) for key in ("VmRSS", "VmHWM")}
