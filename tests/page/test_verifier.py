"""Protocol 11.10: the second verifier's one file, opened from disk in a real Chromium, says what the first verifier says."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from audit.auditor import audit_day
from audit.blocks import FolderSource
from audit.verdict import Verdict
from oracle import deployment as deployments
from oracle import receipt as receipts
from simulation.anvil import AnvilMissing, binary
from tests.audit.test_receipt import receipt_of
from tests.audit.world import BOXES, DAY, Lies, World
from tests.page.conftest import Watched

FILE = Path(__file__).resolve().parents[2] / "frontend" / "dist" / "verify.html"
WIDTHS = pytest.mark.parametrize("context", [1440, 390], indirect=True)
NOON = DAY.first_slot + 48


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if not FILE.is_file():
        pytest.skip("the page is not built: npm run build:verifier --workspace frontend")
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    made = World(tmp_path_factory.mktemp("alliance"))
    made.play(Lies())
    yield made
    made.stop()


def opened(watched: Watched, world: World) -> Page:
    """The file from disk, its place of trust filled in."""
    page = watched.page
    page.goto(FILE.as_uri())
    page.get_by_label("部署文件", exact=False).last.fill(json.dumps(deployments.to_plain(world.deployment)))
    page.get_by_placeholder("http://127.0.0.1:8545").fill(world.rpc.url)
    return page


def verdict_of_day(watched: Watched, world: World, folder: Path) -> tuple[str, Page]:
    page = opened(watched, world)
    page.get_by_placeholder("YYYY-MM-DD").fill(str(DAY))
    page.get_by_text("本机文件夹").click()
    page.locator("input[webkitdirectory]").set_input_files(folder)
    page.get_by_role("button", name="开始核验").click()
    result = page.get_by_test_id("result")
    result.wait_for(timeout=120_000)
    return str(result.get_attribute("data-verdict")), page


def first_verifier(world: World, folder: Path) -> Verdict:
    return audit_day(world.rpc, lambda: FolderSource(folder), world.deployment, DAY)


@WIDTHS
def test_day_passes_from_disk_when_everybody_kept_to_the_rules(watched: Watched, world: World) -> None:
    verdict, page = verdict_of_day(watched, world, world.archive.folder)
    watched.picture(f"verifier-pass-{page.viewport_size['width']}")
    assert verdict == "pass"
    assert first_verifier(world, world.archive.folder).outcome == "pass"
    assert watched.overflow() <= 0
    assert watched.complaints == []


@WIDTHS
def test_flipped_byte_is_named_at_the_same_place_as_by_the_first_verifier(
    watched: Watched, world: World, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(world.archive.folder, tmp_path / "archive"))
    sealed = next(s for e, s, _ in world.memory.logged if (e, s.signed.segment.device) == (NOON, BOXES[1].address))
    path = next(p for p in folder.glob("*/*.block") if sealed.readings in p.read_bytes())
    raw = bytearray(path.read_bytes())
    raw[raw.index(sealed.readings) + 40] ^= 1
    path.write_bytes(bytes(raw))
    verdict, page = verdict_of_day(watched, world, folder)
    watched.picture(f"verifier-fail-{page.viewport_size['width']}")
    found = first_verifier(world, folder).divergence
    assert verdict == "fail"
    assert page.get_by_test_id("rule").inner_text() == found.rule
    places = page.get_by_test_id("divergence").inner_text()
    for value in (found.where.station, found.where.seq, found.where.slot, found.where.epoch):
        assert str(value) in places
    with page.expect_download() as saved:
        page.get_by_test_id("export").click()
    report = json.loads(saved.value.path().read_text())
    assert report["divergence"]["rule"] == found.rule


@WIDTHS
def test_receipt_is_proved_from_disk_when_it_is_pasted(watched: Watched, world: World) -> None:
    page = opened(watched, world)
    page.get_by_text("一张读数凭证").click()
    page.locator("textarea").last.fill(json.dumps(receipts.to_plain(receipt_of(world))))
    page.get_by_role("button", name="开始核验").click()
    page.get_by_test_id("result").wait_for(timeout=60_000)
    watched.picture(f"verifier-receipt-{page.viewport_size['width']}")
    assert page.get_by_test_id("result").get_attribute("data-verdict") == "pass"
    assert "0x" + BOXES[1].address.hex() in page.get_by_test_id("reading").inner_text()
    assert watched.overflow() <= 0


def test_wrong_input_is_named_by_field_and_value(watched: Watched, world: World) -> None:
    page = opened(watched, world)
    page.get_by_placeholder("YYYY-MM-DD").fill("2026-02-30")
    page.get_by_role("button", name="开始核验").click()
    told = page.get_by_test_id("wrong").inner_text()
    assert "日期" in told
    assert "2026-02-30" in told
