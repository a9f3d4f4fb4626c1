"""The cases of `alliance bench` that stand on a played day of the demo, on the day that all such tests share."""

import pytest

from alliance.certificate import check
from cli.benches import auditing, edge
from cli.benches.ground import Evidence, Ground
from cli.benches.measure import Comparison
from cli.benches.planning import NoPlanArchived, problem_in
from optimizer.planning import plan_day
from tests.demo_day import PlayedDay

pytestmark = pytest.mark.xdist_group("demo")


class SharedDay(Ground):
    """The ground whose day was played already."""

    def __init__(self, day: PlayedDay) -> None:
        super().__init__(say=lambda _: None)
        self._day = day.played

    def evidence(self) -> Evidence:
        return Evidence(
            day=self._day.day,
            rpc_url=self._day.rpc_url,
            deployment=self._day.deployment,
            archive=self._day.archive,
            key=self._day.key,
        )


def test_audit_is_measured_when_it_passes(played_day: PlayedDay) -> None:
    with SharedDay(played_day) as ground:
        hashing, signatures = auditing.run(ground)
    assert isinstance(hashing, Comparison)
    assert isinstance(signatures, Comparison)
    assert hashing.facts["readings"] == played_day.result["readings"]
    assert hashing.ratio > signatures.ratio > 1


def test_plan_of_the_demo_is_found_in_its_archive_and_solved_again(played_day: PlayedDay) -> None:
    problem = problem_in(played_day.played.archive, played_day.played.key)
    assert (len(problem.sites), problem.slots, len(problem.shares)) == (6, 96, 2)
    planned = plan_day(problem)
    assert check(planned.certificate).gap_ppm / 1_000_000 == pytest.approx(played_day.result["certified_gap"])


def test_archive_without_a_plan_is_named_when_there_is_none(tmp_path) -> None:
    key = tmp_path / "reader.key"
    key.touch(mode=0o600)
    key.write_text("5a" * 32)
    with pytest.raises(NoPlanArchived):
        problem_in(tmp_path, key)


def test_box_stays_under_its_limit_when_it_has_worked_a_whole_day(played_day: PlayedDay) -> None:
    peaks = [edge._resident_kb(played_day.live.demo, f"edge-{n}")["VmHWM"] * 1.024 / 1_000 for n in range(1, 7)]
    print(f"peak resident memory of six boxes after a day, MB: {[round(mb, 1) for mb in peaks]}")
    assert max(peaks) < edge.LIMIT_MB
