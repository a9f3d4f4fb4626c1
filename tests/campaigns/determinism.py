"""P25: two whole days of one seed leave the same bytes: `python -m tests.campaigns.determinism [--seed S]`.

Two runs of the real demo, one after the other: every block of the archive, every checkpoint, the statement. The last
line is JSON: {"blocks", "checkpoints", "statements", "differences", …}; exit code 0 when there is no difference.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.demo_day import SEED, play_day
from tests.journeys.sameness import Bytes, bytes_of, differences


def day(state: Path, *, seed: str) -> tuple[Bytes, dict[str, object]]:
    """The bytes of a whole day, and its result without what the wall clock says."""
    played = play_day(state, seed=seed)
    try:
        found = bytes_of(state, played.played.rpc_url)
    finally:
        played.live.close()
    return found, {name: value for name, value in played.result.items() if name != "wall_s"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the day twice and compare; 0 when everything is the same."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.determinism", description="Play a day twice and compare.")
    parser.add_argument("--seed", default=SEED)
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        (one, result), (other, again) = (day(Path(folder) / name, seed=chosen.seed) for name in ("one", "other"))
    found = differences(one, other)
    for difference in found[:20]:
        print(difference)
    told = {
        **one.counts(), "differences": len(found), "results_same": result == again, "audit": result["audit"],
        "wall_s": round(time.monotonic() - begun, 1),
    }  # fmt: skip
    print(json.dumps(told))
    complete = min(one.counts().values()) > 0 and result["audit"] == "pass"
    return 0 if complete and not found and result == again else 1


if __name__ == "__main__":
    sys.exit(main())
