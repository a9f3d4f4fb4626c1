"""Cell data (protocol 9.22.7, A15): a hundredth of the feed goes on, every anomaly with its surroundings at once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.evidence.recorder import Recording
from edge.health.alarms import counted, standing
from edge.health.diagnosis.cell_files import CellFiles
from edge.health.diagnosis.reduction import VOLTAGE, WINDOW, Anomaly, Record, Reducer
from tests.edge.health.bench import KEYS, NOTHING, Bench, Character, diagnosis_at
from tests.edge.health.feed import RULE_OF, Injected, injections, looks
from tests.edge.peer import DOMAIN
from tests.edge.rig import folder_at, seeded

CELLS, SECONDS, START_MS = 64, 4 * 3_600, 1_784_044_800_000


def reduced(
    injected: list[Injected], *, rules: frozenset[Anomaly] = frozenset(Anomaly), seconds: int = SECONDS
) -> list[Record]:
    reducer, records = Reducer(VOLTAGE, rules=rules), []
    for second, look in enumerate(looks(cells=CELLS, seconds=seconds, seed=3, injected=injected)):
        records += reducer.see(START_MS + 1_000 * second, look)
    return records


@pytest.fixture(scope="module")
def injected() -> list[Injected]:
    return injections(cells=CELLS, seconds=SECONDS, each=2, seed=4)


@pytest.fixture(scope="module")
def records(injected: list[Injected]) -> list[Record]:
    return reduced(injected)


def test_every_injected_anomaly_arrives_and_the_feed_is_a_hundredth(
    injected: list[Injected], records: list[Record]
) -> None:
    missed = [one for one in injected if not one.arrived(records, start_ms=START_MS)]
    assert missed == []
    told = sum(len(json.dumps(record, separators=(",", ":"))) for record in records)
    assert 2 * CELLS * SECONDS / told > 20, "with few cells and many anomalies; a real day's ratio is the campaign's"
    values = sum(len(record.get("values", ())) + len(record.get("before", ())) + 8 for record in records)  # type: ignore[arg-type]
    assert CELLS * SECONDS / values > 100


def test_nothing_is_told_of_a_sound_feed() -> None:
    assert {record["kind"] for record in reduced([], seconds=3_600)} == {"minute", "snapshot"}


@pytest.mark.parametrize("kind", ["spike", "drift", "missing"])
def test_an_anomaly_is_missed_when_its_rule_is_taken_away(kind: str) -> None:
    one = Injected(kind=kind, cell=5, from_s=400, to_s=1_800)
    assert one.arrived(reduced([one], seconds=2_000), start_ms=START_MS)
    without = reduced([one], rules=frozenset(Anomaly) - {RULE_OF[kind]}, seconds=2_000)
    assert not one.arrived(without, start_ms=START_MS)


@pytest.mark.parametrize("rules", [frozenset(Anomaly), frozenset(Anomaly) - {Anomaly.FROZEN}])
def test_a_frozen_cell_is_told_by_its_rule_alone_when_the_others_leave_it_slowly(rules: frozenset[Anomaly]) -> None:
    reducer, told = Reducer(VOLTAGE, rules=rules), []
    for second in range(1_200):
        told += reducer.see(START_MS + 1_000 * second, [3_300, *[3_300 + second // 60] * 9])
    assert [(r["cell"], r["why"]) for r in told if r["kind"] == "odd"] == [(1, "frozen")] * (Anomaly.FROZEN in rules)


def test_an_anomaly_comes_with_the_thirty_looks_before_and_after_it() -> None:
    one = Injected(kind="spike", cell=7, from_s=100, to_s=101)
    told = reduced([one], seconds=200)
    (odd,) = [record for record in told if record["kind"] == "odd"]
    (after,) = [record for record in told if record["kind"] == "after"]
    assert (odd["t"], odd["cell"], odd["why"]) == (START_MS + 100_000, 8, "jump")
    assert len(odd["before"]) == WINDOW == len(after["values"])  # type: ignore[arg-type]
    assert [record["kind"] for record in told if record["kind"] == "even"] == ["even"]


def test_a_value_beyond_its_bounds_is_told_though_every_other_cell_goes_with_it() -> None:
    reducer = Reducer(VOLTAGE)
    assert not [r for r in reducer.see(START_MS, [3_640] * 8) if r["kind"] == "odd"]
    told = [r for r in reducer.see(START_MS + 1_000, [3_655] * 8) if r["kind"] == "odd"]
    assert [r["why"] for r in told] == ["outside"] * 8
    without = Reducer(VOLTAGE, rules=frozenset(Anomaly) - {Anomaly.OUTSIDE})
    without.see(START_MS, [3_640] * 8)
    assert not [r for r in without.see(START_MS + 1_000, [3_655] * 8) if r["kind"] == "odd"]


def test_a_cell_that_the_device_no_longer_gives_is_told_by_its_key_and_stands_as_an_alarm(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    recording = Recording(domain=DOMAIN, device=folder.device, signer=None, epoch_seconds=900, chance=seeded)
    bench = Bench(Character(), diagnosis_at(folder.store, tmp_path, lambda: recording), visible=16)
    bench.round(NOTHING)
    bench.doctor = lambda sample: replace(sample, points={k: v for k, v in sample.points.items() if k != KEYS[4]})
    bench.round(NOTHING)
    (path,) = (tmp_path / "cells").iterdir()
    odd = [line for line in map(json.loads, path.read_text().splitlines()) if line["kind"] == "odd"]
    assert [(line["cell"], line["why"]) for line in odd] == [(5, "missing")]
    assert KEYS[4] in dict(standing(folder.store))["cells.anomalous.cellVoltageMv"]
    assert counted(folder.store)["cell_anomalies"] == 1
    folder.close()


def test_files_stay_within_their_bound_and_the_oldest_day_goes_first(tmp_path: Path) -> None:
    files, day_ms = CellFiles(tmp_path, most_bytes=3_000), 86_400_000
    for day in range(6):
        files.write("cellVoltageMv", [{"kind": "snapshot", "values": [3_300] * 200}], t_ms=START_MS + day * day_ms)
    kept = sorted(path.name for path in (tmp_path / "cells").iterdir())
    assert kept == ["2026-07-18.jsonl", "2026-07-19.jsonl", "2026-07-20.jsonl"][-len(kept) :]
    assert kept
    assert sum(path.stat().st_size for path in (tmp_path / "cells").iterdir()) <= 3_000
