"""How punctual the frequency's cycle is while the box polls twenty devices, beside a loop that does nothing."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from cli.benches.ground import Ground
from cli.benches.measure import Figures, Finding
from cli.benches.polling import (
    DEVICES,
    POINTS,
    ProcessFailed,
    answer_of,
    check,
    devices_at,
    free_ports,
    served,
    started,
)
from edge.control.fast import Setup
from edge.control.frequency import Told
from edge.control.limits import Limits
from edge.control.wish import Source
from edge.devices.open import DeviceKind, DeviceSettings

PERIOD_MS = 100
SECONDS = 30
_FAIR_MISSES = 2
_LIMITS = Limits(
    charge_power_w=500_000, discharge_power_w=500_000, capacity_wh=1_000_000, soc_min_bp=1_000, soc_max_bp=9_000,
    pcc_import_w=3_000_000, pcc_export_w=200_000, ramp_w_per_s=100_000,
)  # fmt: skip


def run(ground: Ground, *, devices: int = DEVICES, seconds: int = SECONDS) -> list[Finding]:
    """Four processes at the same time: simulators, the poller, the frequency's own one, the loop that does nothing."""
    setup, (port,) = devices_at(ground.folder(), devices), free_ports(1)
    with served("serve", {"devices": setup}), served("station", {"port": port}):
        polling = started("poll", {"devices": setup, "seconds": seconds})
        empty = started("empty", {"period_ms": PERIOD_MS, "seconds": seconds})
        ours = _fast(port, seconds)
        theirs, polled = answer_of(empty, "empty"), answer_of(polling, "poll")
    check(polled, points=devices * POINTS, seconds=seconds)
    told = ours["jitter"]
    assert told["rounds"] + told["missed"] >= (seconds - _FAIR_MISSES) * 1_000 // PERIOD_MS, told
    assert ours["written"], "the frequency's process never reached the station"
    return [Figures(name=f"lateness of the frequency's cycle while {devices * POINTS:,} points are polled, µs",
                    facts=_facts(told, theirs, failures=ours["failures"], seconds=seconds))]  # fmt: skip


def _facts(
    ours: Mapping[str, int], theirs: Mapping[str, int], *, failures: int, seconds: int
) -> dict[str, int | float]:
    facts: dict[str, int | float] = {"period_ms": PERIOD_MS, "seconds": seconds, "rounds": ours["rounds"]}
    for name, key in (("median", "medianUs"), ("p99", "p99Us"), ("max", "maxUs")):
        facts |= {
            f"{name}_us": ours[key], f"empty_{name}_us": theirs[key],
            f"{name}_ratio": round(ours[key] / max(1, theirs[key]), 2),
        }  # fmt: skip
    return facts | {"missed": ours["missed"], "empty_missed": theirs["missed"], "failed_reads_or_orders": failures}


def _fast(port: int, seconds: int) -> dict[str, Any]:
    """The real process of the cycle, told each second what is wanted; its last report. Raises ProcessFailed."""
    setup = Setup(
        device=DeviceSettings(kind=DeviceKind.TABLE, port=port), limits=_LIMITS, period_ms=PERIOD_MS, month=0,
        reached_w=0,
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.control.fast"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(TypeAdapter(Setup).dump_python(setup, mode="json")) + "\n")
    last: dict[str, Any] = {}
    try:
        for second in range(seconds):
            process.stdin.write(json.dumps(_told(second).to_plain()) + "\n")
            process.stdin.flush()
            last = json.loads(process.stdout.readline())
    except (BrokenPipeError, ValueError) as failure:
        raise ProcessFailed(f"fast: {failure}") from None
    finally:
        process.communicate()
    return last


def _told(second: int) -> Told:
    """A wish that moves, so that each second has an order."""
    now_ms = time.time_ns() // 1_000_000
    return Told(
        t_ms=now_ms, base_w=100_000 + 1_000 * (second % 10), source=Source.SCHEDULE, envelope=None, until_ms=0,
        least_w=None,
    )  # fmt: skip
