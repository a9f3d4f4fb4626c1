"""P9, P10, P11: lies about a day found and named, harmless variations passed: `python -m tests.campaigns.evidence`.

Worlds are made on a real chain and recorded; each case tells one of them otherwise and is audited from its node and
archive alone. The last line is JSON: {"mutations", "detected", "misnamed", "harmless", "false_alarms", …}.
"""

import argparse
import gc
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.campaigns import (
    evidence_archive_lies,
    evidence_harmless,
    evidence_held_lies,
    evidence_log_lies,
    evidence_memory,
    evidence_money_lies,
    evidence_node_lies,
    evidence_verifiers,
    evidence_world,
)
from tests.campaigns.evidence_cases import Case, Kind, Verdict
from tests.campaigns.evidence_story import Story, Tale

LIES: tuple[Kind, ...] = (
    *evidence_log_lies.KINDS, *evidence_money_lies.KINDS, *evidence_archive_lies.KINDS, *evidence_node_lies.KINDS,
    *evidence_held_lies.KINDS,
)  # fmt: skip
HARMLESS: tuple[Kind, ...] = (*evidence_harmless.KINDS, *evidence_held_lies.HARMLESS)
CHUNK = 20
_ZONES = ("UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Chatham")
_LOCALES = ("C", "C.UTF-8", "tr_TR.UTF-8", "zh_CN.UTF-8")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one case."""

    id: str
    name: str
    consistent: bool
    detected: bool
    """Of a lie: some verdict that is no pass. Of a harmless case: a pass."""
    named: bool
    disagree: bool = False
    skipped: bool = False
    """No verifier could be asked."""
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Some cases of one class in one world."""

    harmless: bool
    kind: str
    world: int
    numbers: range


@dataclass
class Tally:
    """What the campaign counted."""

    count: Counter[str] = field(default_factory=Counter)
    consistent: int = 0
    skipped: int = 0
    detected: int = 0
    misnamed: int = 0
    disagreements: int = 0
    wrong: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one result."""
        if result.skipped:
            self.skipped += 1
            return
        self.count[result.name] += 1
        self.consistent += result.consistent
        self.detected += result.detected
        self.misnamed += result.detected and not result.named
        self.disagreements += result.disagree
        if not result.named or result.disagree:
            self.wrong.append(result)


def kinds(harmless: bool) -> Mapping[str, Kind]:
    """The classes of lies, or of harmless variations, by name."""
    return {kind.name: kind for kind in (HARMLESS if harmless else LIES)}


def case_of(story: Story, case_id: str) -> Case:
    """A case by its id: `honest`, `<class>/<world>/<n>` of a lie, `harmless:<class>/<world>/<n>`."""
    if case_id == "honest":
        return Case(id="honest", tale=Tale(view=story.view))
    name, world, number = case_id.removeprefix("harmless:").split("/")
    return kinds(case_id.startswith("harmless:"))[name].case(story, int(world), int(number))


def shares(total: int, listed: Sequence[Kind]) -> dict[str, int]:
    """How many cases of each class: by weight, at least one, `total` in all (more if there are more classes)."""
    weights = sum(kind.weight for kind in listed)
    found = {kind.name: max(1, total * kind.weight // weights) for kind in listed}
    for kind in sorted(listed, key=lambda k: -k.weight):
        found[kind.name] += 1 if sum(found.values()) < total else 0
    return found


def tasks(mutations: int, harmless: int, worlds: int, only: str) -> list[Task]:
    """Everything to do, in small parts, in an order that mixes classes."""
    found = []
    for benign, total in ((False, mutations), (True, harmless)):
        listed = [kind for name, kind in kinds(benign).items() if name.startswith(only)]
        counts = shares(total, listed) if total and listed else {}
        for name, count in counts.items():
            for at in range(0, count, CHUNK):
                numbers = range(at, min(at + CHUNK, count))
                found.append(
                    Task(harmless=benign, kind=name, world=(at // CHUNK + len(found)) % worlds, numbers=numbers)
                )
    Random(0).shuffle(found)
    return found


# ---- in a worker ----


class _Worker:
    """One process: the worlds that it has opened, and its verifiers."""

    def __init__(self, folder: str, verifiers: Sequence[str]) -> None:
        self.folder, self.names = Path(folder), verifiers
        self._remembering = evidence_memory.remembering()
        self._remembering.__enter__()
        self.stories: dict[int, Story] = {}
        self.verifiers: dict[int, list[evidence_verifiers.Verifier]] = {}

    def of(self, world: int) -> tuple[Story, list[evidence_verifiers.Verifier]]:
        """A world and the verifiers on it."""
        if world not in self.stories:
            self.stories[world] = Story(evidence_world.load(self.folder / str(world)))
            self.verifiers[world] = [evidence_verifiers.made(name, self.stories[world]) for name in self.names]
            gc.collect()
            gc.freeze()  # the worlds stay to the end: no collection need walk through them again
        return self.stories[world], self.verifiers[world]


_worker: _Worker | None = None


def _begin(folder: str, verifiers: Sequence[str]) -> None:
    global _worker
    _worker = _Worker(folder, verifiers)


def _run(task: Task) -> list[Result]:
    assert _worker is not None
    story, verifiers = _worker.of(task.world)
    kind = kinds(task.harmless)[task.kind]
    return [judged(kind.case(story, task.world, n), kind, verifiers, harmless=task.harmless) for n in task.numbers]


def judged(case: Case, kind: Kind, verifiers: Sequence[evidence_verifiers.Verifier], *, harmless: bool) -> Result:
    """What the verifiers say of a case, and whether it is right."""
    rng = Random(f"play/{case.id}")
    os.environ["TZ"] = rng.choice(_ZONES)
    os.environ["LC_ALL"] = os.environ["LANG"] = rng.choice(_LOCALES)
    time.tzset()
    asked = [verifier for verifier in verifiers if verifier.holds or not case.held]
    if not asked:
        return Result(id=case.id, name=kind.name, consistent=kind.consistent, detected=True, named=True, skipped=True)
    verdicts = [verifier.verdict(case, rng if harmless else None) for verifier in asked]
    passes = [verdict["verdict"] == "pass" for verdict in verdicts]
    right = [
        passed if harmless else any(name.fits(v) for name in case.right)
        for passed, v in zip(passes, verdicts, strict=True)
    ]
    disagree = len({evidence_verifiers.essence(verdict) for verdict in verdicts}) > 1
    told = "" if all(right) and not disagree else _told(case, verdicts)
    return Result(
        id=case.id, name=kind.name, consistent=kind.consistent, named=all(right), disagree=disagree, told=told,
        detected=all(passes) if harmless else not any(passes),
    )  # fmt: skip


def _told(case: Case, verdicts: Sequence[Verdict]) -> str:
    said = [json.dumps(v["divergence"] or v["unread"] or v["verdict"]) for v in verdicts]
    return f"{case.id}\n  want {[str(name) for name in case.right] or 'pass'}\n  got  " + "\n  got  ".join(said)


# ---- the campaign ----


def build(folder: Path, worlds: int, processes: int) -> None:
    """Make the worlds that are not there yet."""
    missing = [n for n in range(worlds) if not (folder / str(n) / "chain.json").exists()]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(evidence_world.build, [folder / str(n) for n in missing], missing))


def run(chosen: argparse.Namespace, folder: Path) -> Iterator[tuple[Task, Result]]:
    """All results, as they come."""
    listed = tasks(chosen.mutations, chosen.harmless, chosen.worlds, chosen.only)
    spawn = multiprocessing.get_context("spawn")
    arguments = (str(folder), chosen.verifiers.split(","))
    with ProcessPoolExecutor(chosen.processes, mp_context=spawn, initializer=_begin, initargs=arguments) as pool:
        for task, results in zip(listed, pool.map(_run, listed), strict=True):
            yield from ((task, result) for result in results)


def told(lies: Tally, harmless: Tally, chosen: argparse.Namespace, begun: float) -> dict[str, object]:
    """The last line."""
    mutations = sum(lies.count.values())
    return {
        "mutations": mutations, "detected": lies.detected, "misnamed": lies.misnamed,
        "harmless": sum(harmless.count.values()), "false_alarms": sum(harmless.count.values()) - harmless.detected,
        "consistent": lies.consistent, "classes": len(lies.count), "harmless_classes": len(harmless.count),
        "skipped": lies.skipped + harmless.skipped, "worlds": chosen.worlds, "verifiers": chosen.verifiers.split(","),
        "disagreements": lies.disagreements + harmless.disagreements, "wall_s": round(time.monotonic() - begun),
    }  # fmt: skip


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.evidence", description="Tell lies about a day of evidence.")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--harmless", type=int, default=10_000)
    parser.add_argument("--worlds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--verifiers", default="python", help="python, browser, or both with a comma")
    parser.add_argument("--only", default="", help="classes whose names begin so")
    parser.add_argument("--keep", type=Path, help="a folder for the worlds, kept and used again")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 0 when every lie is found and rightly named, and no variation is taken for one."""
    chosen, begun = parsed(arguments), time.monotonic()
    lies, harmless = Tally(), Tally()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        build(folder, chosen.worlds, chosen.processes)
        for done, (task, result) in enumerate(run(chosen, folder), start=1):
            tally = harmless if task.harmless else lies
            tally.add(result)
            if result.told:
                print(result.told, flush=True)
            if done % 1000 == 0:
                print(json.dumps({"done": done, "wall_s": round(time.monotonic() - begun)}), flush=True)
    for title, tally in (("lies", lies), ("harmless", harmless)):
        print(json.dumps({title: dict(sorted(tally.count.items()))}))
    total = told(lies, harmless, chosen, begun)
    print(json.dumps(total))
    return int(any(result for tally in (lies, harmless) for result in tally.wrong))


if __name__ == "__main__":
    sys.exit(main())
