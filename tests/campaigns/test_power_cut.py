"""Power cuts (P1, P4): what the service acknowledged or anchored is on its disk after a cut, whatever else survived.

A small run of `make campaign-power-cut`: the real service on a real chain, its database, archive and intents.
"""

import shutil
from collections.abc import Iterator

import pytest

from simulation.anvil import AnvilMissing, binary
from tests.campaigns.store_power import Ground, chain, founded, survey, traced
from tests.demo_day import Tell

CUTS = 120

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed (apt-get install strace)")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    with chain() as anvil:
        yield founded(anvil, tmp_path_factory.mktemp("power"), epochs=2)


def test_nothing_acknowledged_or_anchored_is_lost_when_the_power_is_cut(ground: Ground, tell: Tell) -> None:
    counts = survey(traced(ground, "sound", "sound"), ground, cuts=CUTS, seed=1)
    tell({"lost": 0, **counts})
    assert counts["cuts"] >= CUTS - 1
    assert min(counts["acknowledged"], counts["anchored"]) > 0
    assert counts["lost"] == 0


@pytest.mark.parametrize("mode", ["careless database", "careless archive"])
def test_harness_finds_losses_when_a_store_does_not_sync(ground: Ground, mode: str, tell: Tell) -> None:
    counts = survey(traced(ground, mode.replace(" ", "-"), mode), ground, cuts=CUTS // 2, seed=2)
    tell({"control": mode, **counts})
    assert counts["lost"] > 0
