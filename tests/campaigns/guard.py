"""A million random states and commands through the guard: `python -m tests.campaigns.guard [--states N] [--seed S]`.

No order may leave past any limit, and with a limit taken away some order must: each limit in turn, the ramp, and the
lock of a device that others command. The last line is JSON; exit code 0 if nothing was wrong.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from unittest.mock import patch

from edge.control import guard as guards
from edge.control.guard import RULES
from edge.control.limits import Limits
from tests.edge.guarding import PROMISES, Case, Seeded, broken, case_of, without

STATES = 1_000_000
_CHUNK = 20_000
_CONTROL_STATES = 20_000
_SHOWN = 5


def judged(first: int, states: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How often each thing was seen in so many cases, and what broke."""
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    for case in _cases(first, states, seed):
        order = case.order()
        seen["states"] += 1
        seen["alive"] += order.power_w != 0
        seen.update(order.reasons)
        if breaks := broken(case, order):
            seen["outside"] += 1
            wrong.append(f"{', '.join(breaks)}: {order} in {case}")
    return seen, wrong[:_SHOWN]


def caught(seed: int) -> dict[str, int]:
    """After how many cases each limit's removal was noticed; 0 where it never was."""
    promises: dict[str, list[str]] = {}
    for name, (_, rule) in PROMISES.items():
        promises.setdefault(rule or "ramp", []).append(name)
    found = {}
    for rule, kept in promises.items():
        rules = without(rule)
        with patch.object(guards, "_ramped", _unramped if rule == "ramp" else guards._ramped):
            found[rule] = next(
                (n for n, case in enumerate(_cases(0, _CONTROL_STATES, seed), 1) if broken(case, case.order(rules), kept)), 0
            )  # fmt: skip
    with patch.object(guards, "_taken_over", lambda limits, now: None):
        found["taken_over"] = next(
            (n for n, case in enumerate(_cases(0, _CONTROL_STATES, seed), 1) if broken(case, case.order())), 0
        )
    return found


def run(*, states: int, processes: int, seed: int) -> dict[str, object]:
    """The whole campaign."""
    began = time.monotonic()
    chunks = [(first, min(_CHUNK, states - first), seed) for first in range(0, states, _CHUNK)]
    if processes == 1:
        results = [judged(*chunk) for chunk in chunks]
    else:
        with ProcessPoolExecutor(processes) as pool:
            results = list(pool.map(judged, *zip(*chunks, strict=True)))
    seen = sum((one for one, _ in results), Counter[str]())
    for _, wrong in results:
        for line in wrong:
            print(line, flush=True)
    controls = caught(seed)
    return {
        "states": seen["states"], "outside": seen["outside"], "alive": seen["alive"], "rules": len(RULES) + 2,
        "removed_caught": sum(1 for cases in controls.values() if cases), "controls": controls,
        "cuts": {reason: seen[reason] for reason in guards.Reason}, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def _cases(first: int, states: int, seed: int) -> Iterable[Case]:
    pick = Seeded(seed * 1_000_003 + first)
    return (case_of(pick) for _ in range(states))


def _unramped(wanted_w: int, before: guards.Before, limits: Limits) -> int:
    del before, limits
    return wanted_w


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=STATES)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    told = run(states=chosen.states, processes=chosen.processes, seed=chosen.seed)
    print(json.dumps(told))
    good = told["outside"] == 0 and told["removed_caught"] == told["rules"] and told["alive"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
