"""The benches of the station box do real work: every point is told, every reading kept, each loop keeps its grid."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.benches import frequency, outbox, polling
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Figures


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.chdir(tmp_path)
    with Ground(say=lambda _: None) as made:
        yield made


def test_every_point_is_told_and_every_counter_seen_to_move_when_polling_is_measured(ground: Ground) -> None:
    (found,) = polling.run(ground, devices=3, seconds=2)
    assert isinstance(found, Comparison)
    assert (found.facts["devices"], found.facts["points"]) == (3, 300)
    assert 0 < found.facts["cpu_percent"] < 100  # type: ignore[operator]
    assert 10 < found.facts["peak_mb"] < 100  # type: ignore[operator]


def test_a_run_that_missed_a_point_or_a_counter_is_no_figure() -> None:
    good = {"failures": [], "points": 300, "fewest_beats": 9}
    polling.check(good, points=300, seconds=10)
    for wrong in ({"points": 299}, {"fewest_beats": 1}, {"failures": ["device_silent"]}):
        with pytest.raises(AssertionError):
            polling.check({**good, **wrong}, points=300, seconds=10)


def test_both_loops_are_told_when_the_frequencys_cycle_is_measured(ground: Ground) -> None:
    (found,) = frequency.run(ground, devices=2, seconds=3)
    assert isinstance(found, Figures)
    assert found.facts["failed_reads_or_orders"] == 0
    for name in ("median", "p99", "max"):
        assert found.facts[f"{name}_us"] >= 0  # type: ignore[operator]
        assert found.facts[f"empty_{name}_us"] >= 0  # type: ignore[operator]


def test_every_reading_is_kept_when_the_outbox_is_measured(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "SAMPLES", 20)
    monkeypatch.setattr(outbox, "WIDE_CHANNELS", 40)
    monkeypatch.setattr(outbox, "WIDE_ROUNDS", 16)
    singly, wide = outbox.run(ground)
    assert isinstance(singly, Comparison)
    assert isinstance(wide, Comparison)
    assert (singly.facts["readings"], wide.facts["readings"]) == (40, 640)
    assert wide.ratio_cpu > 1, "more is done than bare rows"
