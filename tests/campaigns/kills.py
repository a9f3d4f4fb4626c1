"""Processes of the real demo killed (-9) again and again: `python -m tests.campaigns.kills [--seeds N] [--one-in N]`.

Each seed is a short day with its settlement: the service dies at every step that can be seen from outside, and service
and boxes at random instants. The last line is JSON: {"killed", "acknowledged", "lost", "anchored_twice", …}.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.demo_day import LiveDemo
from tests.journeys.test_faults import NONE_WRONG, Reaper, live_through_kills, passes_audit
from tests.journeys.traces import traces


def short_day(state: Path, *, seed: int, one_in: int) -> tuple[Counter[str], Counter[str], list[str]]:
    """Kills, counts, and the steps at which nobody died."""
    live = LiveDemo(state)
    try:
        reaper: Reaper = live_through_kills(live, seed=seed, one_in=one_in)
        counts = Counter(traces(state, live.played.rpc_url).counts())
        passes_audit(live)
    finally:
        live.close()
    return reaper.struck, counts, [step for step in reaper.steps if not reaper.struck[step]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 when nothing was lost or doubled."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.kills", description="Kill processes of the demo.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--one-in", type=int, default=6, help="a random kill in one of so many ticks (default 6)")
    chosen = parser.parse_args(arguments)
    begun, killed, counts = time.monotonic(), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.seeds):
            struck, found, spared = short_day(Path(folder) / f"seed-{seed}", seed=seed, one_in=chosen.one_in)
            print(json.dumps({"seed": seed, "killed": sum(struck.values()), "spared": spared, **found}), flush=True)
            killed += struck
            counts.update(found)
    told = {"killed": sum(killed.values()), **counts, "steps": dict(killed), "wall_s": round(time.monotonic() - begun)}
    print(json.dumps(told))
    return int(any(counts[name] for name in NONE_WRONG) or not counts["acknowledged"])


if __name__ == "__main__":
    sys.exit(main())
