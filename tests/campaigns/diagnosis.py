"""The diagnosis on batteries drawn by chance: `python -m tests.campaigns.diagnosis [--batteries N] [--tests N] [--day-s S]`.

Asks hundreds of working batteries what they can still give and take and then lets them do it; plays whole test cycles
of aged batteries under the guard and holds the reports against the truth; feeds a day of 4,992 cells with anomalies put
in through the reduction, and again with each rule taken away. The last line is JSON; exit code 0 if the coverage lies
within 93…97.9 % (a 95 % interval of that many questions), every report holds, and no anomaly was missed.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from math import sqrt
from pathlib import Path

import structlog

from edge.evidence.recorder import Recording
from edge.health.diagnosis import keeper, report
from edge.health.diagnosis.cell_files import CellFiles
from edge.health.diagnosis.cycle import Terms
from edge.health.diagnosis.reduction import VOLTAGE, Anomaly, Record, Reducer
from tests.edge.health.bands import Asked, asked_of
from tests.edge.health.bench import CELLS, NOTHING, RATED_W, START_MS, Bench, character, diagnosis_at
from tests.edge.health.feed import RULE_OF, Injected, injections, looks
from tests.edge.peer import DOMAIN
from tests.edge.rig import folder_at, seeded

BATTERIES, TESTS, DAY_S, CELLS_OF_A_BLOCK, EACH = 400, 60, 86_400, 4_992, 40
_CONTROL_S, _CONTROL_CELLS = 14_400, 400
_CORES = os.cpu_count() or 1


def tested(seed: int) -> dict[str, object]:
    """One whole test cycle; errors of both figures in standard uncertainties and in basis points."""
    _quiet()
    who = character(seed)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as place:
        folder = folder_at(Path(place))
        recording = Recording(
            domain=DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=900, chance=seeded
        )  # fmt: skip
        bench = Bench(who, diagnosis_at(folder.store, folder.path, lambda: recording), visible=8)
        bench.round(NOTHING)
        keeper.ask(folder.path, {"terms": Terms(power_w=RATED_W // 2, rest_ms=1_800_000).to_plain()})
        bench.round(NOTHING)
        _play(bench, folder.path)
        found = report.check(keeper.reports(folder.path)[-1].read_bytes(), domain=DOMAIN).report
        folder.close()
    figures = found["figures"]
    true_r_bp = round((2 * CELLS.resistance_uohm - _true_uohm(who.resistance_ppm)) * 10_000 / CELLS.resistance_uohm)
    return {
        "seed": seed, "outcome": found["outcome"], "reason": found["reason"],
        "capacity": _error(figures["sohCapacityBp"], who.held_bp),
        "resistance": _error(figures["sohResistanceBp"], true_r_bp),
    }  # fmt: skip


def _true_uohm(resistance_ppm: int) -> int:
    """Of the simulated battery at 25 °C: 60 mV a cell at rated power when new, and a little more within 10 s."""
    return 34_600 * resistance_ppm // 1_000_000


def _play(bench: Bench, state: Path) -> None:
    before = moved_ms = 0
    while not keeper.reports(state) and bench.t_ms - START_MS < 30 * 3_600_000:
        power_w = bench.round(NOTHING, step_ms=1_000 if bench.t_ms - moved_ms < 20_000 else 10_000).power_w
        if abs(power_w - before) * 10 > RATED_W:
            moved_ms = bench.t_ms
        before = power_w


def _error(figure: dict[str, int], true_bp: int) -> tuple[int, int] | None:
    """(Error, standard uncertainty), bp; None where the figure was not told."""
    return (figure["value"] - true_bp, figure["u"]) if "value" in figure else None


def reduced(
    *, cells: int, seconds: int, each: int, seed: int, without: Anomaly | None = None
) -> dict[str, int]:  # fmt: skip
    """A feed through the reduction into files: what went in and out, and what was missed."""
    injected = injections(cells=cells, seconds=seconds, each=each, seed=seed)
    if without is not None:
        injected = [one for one in injected if RULE_OF[one.kind] is without]
    reducer = Reducer(VOLTAGE, rules=frozenset(Anomaly) - {without} if without else frozenset(Anomaly))
    kept: list[Record] = []
    written = 0
    with tempfile.TemporaryDirectory() as place:
        files = CellFiles(Path(place), most_bytes=1 << 30)
        for second, look in enumerate(looks(cells=cells, seconds=seconds, seed=seed, injected=injected)):
            records = reducer.see(START_MS + 1_000 * second, look)
            written += files.write(VOLTAGE.name, records, t_ms=START_MS + 1_000 * second)
            kept += [record for record in records if record["kind"] == "odd"]
    missed = [one for one in injected if not one.arrived(kept, start_ms=START_MS)]
    return {
        "rawBytes": 2 * cells * seconds, "keptBytes": written, "injected": len(injected), "missed": len(missed),
        "false": _false(kept, injected),
    }  # fmt: skip


def _false(odd: Sequence[Record], injected: Sequence[Injected]) -> int:
    hit = {one.cell + 1 for one in injected}
    return sum(1 for record in odd if record["cell"] not in hit)


def run(*, batteries: int, tests: int, day_s: int, seed: int, processes: int) -> dict[str, object]:
    """The whole campaign."""
    began = time.monotonic()
    with ProcessPoolExecutor(processes) as pool:
        asked = [one for two in pool.map(asked_of, range(seed, seed + batteries), chunksize=8) for one in two]
        _say("believable energy", began)
        told = list(pool.map(tested, range(seed, seed + tests)))
        _say("test cycles", began)
        day = pool.submit(reduced, cells=CELLS_OF_A_BLOCK, seconds=day_s, each=EACH, seed=seed)
        controls = {
            rule: pool.submit(
                reduced, cells=_CONTROL_CELLS, seconds=_CONTROL_S, each=8, seed=seed, without=rule
            )
            for rule in Anomaly
        }  # fmt: skip
        feed, missed_without = day.result(), {str(rule): one.result()["missed"] for rule, one in controls.items()}
    _say("cell data", began)
    return {
        "batteries": batteries, **_coverage(asked), "tests": tests,
        "testsDone": sum(one["outcome"] == "done" for one in told),
        **_errors("Capacity", [one["capacity"] for one in told]),  # type: ignore[misc]
        **_errors("Resistance", [one["resistance"] for one in told]),  # type: ignore[misc]
        "reductionRatio": feed["rawBytes"] // max(1, feed["keptBytes"]), "keptBytes": feed["keptBytes"],
        "anomalies": feed["injected"], "anomaliesMissed": feed["missed"], "anomaliesFalse": feed["false"],
        "missedWithoutRule": missed_without, "seed": seed, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def _coverage(asked: Sequence[Asked]) -> dict[str, object]:
    widths = sorted((one.said.high_wh - one.said.low_wh) / 2 / 2_000_000 for one in asked)

    def share(of: Sequence[Asked]) -> float:
        return round(sum(one.inside for one in of) / max(1, len(of)), 4)

    return {
        "questions": len(asked), "coverage": share(asked),
        "coverageGive": share([one for one in asked if not one.charging]),
        "coverageTake": share([one for one in asked if one.charging]),
        "coverageFewRuns": share([one for one in asked if one.runs < 4]),
        "coverageManyRuns": share([one for one in asked if one.runs >= 4]),
        "halfWidthMedianPpmOfCapacity": round(1_000_000 * widths[len(widths) // 2]),
    }  # fmt: skip


def _errors(name: str, found: Sequence[tuple[int, int] | None]) -> dict[str, object]:
    known = [one for one in found if one is not None]
    return {
        f"soh{name}Told": len(known),
        f"soh{name}ErrorRmsBp": round(sqrt(sum(e * e for e, _ in known) / max(1, len(known)))),
        f"soh{name}ErrorMaxBp": max((abs(e) for e, _ in known), default=0),
        f"soh{name}UMeanBp": round(sum(u for _, u in known) / max(1, len(known))),
        f"soh{name}Within2u": round(sum(abs(e) <= 2 * u for e, u in known) / max(1, len(known)), 3),
    }  # fmt: skip


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _say(what: str, began: float) -> None:
    print(f"{what}: after {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batteries", type=int, default=BATTERIES)
    parser.add_argument("--tests", type=int, default=TESTS)
    parser.add_argument("--day-s", type=int, default=DAY_S)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=_CORES)
    chosen = parser.parse_args()
    told = run(
        batteries=chosen.batteries, tests=chosen.tests, day_s=chosen.day_s, seed=chosen.seed, processes=chosen.processes
    )
    print(json.dumps(told))
    return 0 if _good(told) else 1


def _good(told: dict[str, object]) -> bool:
    coverage, questions, without = told["coverage"], told["questions"], told["missedWithoutRule"]
    assert isinstance(coverage, float)
    assert isinstance(questions, int)
    assert isinstance(without, dict)
    chance = 2 * sqrt(0.95 * 0.05 / max(1, questions))
    return bool(
        0.93 - chance <= coverage <= 0.97 + chance
        and told["testsDone"] == told["tests"] == told["sohCapacityTold"]
        and told["anomaliesMissed"] == 0
        and told["reductionRatio"] >= 100  # type: ignore[operator]
        and all(without[rule] for rule in (Anomaly.JUMP, Anomaly.APART, Anomaly.MISSING))
    )


if __name__ == "__main__":
    sys.exit(main())
