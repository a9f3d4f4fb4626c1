"""Power cuts of every real store (P1, P4): `python -m tests.campaigns.power_cut [--cuts N] [--epochs N]`.

The box's outbox and the service's database, archive and intents, each with a known-bad control. The last line is JSON:
{"cuts", "acknowledged", "lost", "control_lost", …}; exit code 0 when nothing is lost and every control is caught.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.campaigns import store_power
from tests.edge import test_power_cut as box

CONTROLS = ("careless database", "careless archive")


def of_the_box(folder: Path, *, cuts: int) -> tuple[Counter[str], list[int]]:
    """The station box's outbox: what was found, and what the control lost."""
    found: list[Counter[str]] = []
    for mode in ("sound", "careless"):
        place = folder / f"box-{mode}"
        place.mkdir()
        found.append(box.survey(box.traced(place, mode), place, cuts=cuts, seed=len(found) + 1))
    refused = sum(count for name, count in found[0].items() if name.startswith("refused_"))
    found[0]["acknowledged"] = found[0]["told_acks"]
    found[0]["lost"] += refused
    return found[0], [found[1]["lost"]]


def of_the_service(folder: Path, *, cuts: int, epochs: int) -> tuple[Counter[str], list[int]]:
    """The service's stores: what was found, and what each control lost."""
    with store_power.chain() as anvil:
        ground = store_power.founded(anvil, folder, epochs=epochs)
        found = store_power.survey(store_power.traced(ground, "sound", "sound"), ground, cuts=cuts, seed=1)
        controls = [
            store_power.survey(store_power.traced(ground, mode.replace(" ", "-"), mode), ground, cuts=cuts, seed=2)
            for mode in CONTROLS
        ]  # fmt: skip
    return found, [control["lost"] for control in controls]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 when nothing was lost and the harness can find losses."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.power_cut", description="Cut the power of the real stores.")
    parser.add_argument("--cuts", type=int, default=2_000, help="cuts of each store (default 2000)")
    parser.add_argument("--epochs", type=int, default=4, help="epochs that the service lives (default 4)")
    chosen = parser.parse_args(arguments)
    if not shutil.which("strace"):
        parser.error("strace is not installed (apt-get install strace)")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        boxes, box_controls = of_the_box(Path(folder), cuts=chosen.cuts)
        print(json.dumps({"store": "box", **boxes, "control_lost": box_controls}), flush=True)
        service, service_controls = of_the_service(Path(folder), cuts=chosen.cuts, epochs=chosen.epochs)
        print(json.dumps({"store": "service", **service, "control_lost": service_controls}), flush=True)
    controls = box_controls + service_controls
    told = {
        "cuts": boxes["cuts"] + service["cuts"],
        "acknowledged": boxes["acknowledged"] + service["acknowledged"],
        "anchored": service["anchored"],
        "lost": boxes["lost"] + service["lost"],
        "control_lost": sum(controls),
        "wall_s": round(time.monotonic() - begun, 1),
    }
    print(json.dumps(told))
    return 0 if told["lost"] == 0 and min(controls) > 0 and told["acknowledged"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
