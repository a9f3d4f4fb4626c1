"""A statement's window, versions, and how to dispute a line (protocol 8.9): the arguments filled in are that line's."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.demo_day import PlayedDay

MEMBER = "东海硅材料厂"


def _open_line(page: Page, url: str) -> str:
    """Sign in, open the first kind's first line; the command that the page gives for it."""
    page.goto(f"{url}/statement")
    page.locator(".demo-wallets").get_by_role("button", name=MEMBER).click()
    expect(page.locator(".kind").first).to_be_visible()
    page.locator(".ant-table-row-expand-icon").first.click()
    page.locator(".slots .ant-table-row-expand-icon").first.click()
    expect(page.locator(".line-detail")).to_be_visible()
    return page.locator(".line-detail .copyable code").first.inner_text()


@pytest.mark.parametrize("context", [1440, 390], indirect=True, ids=["1440px", "390px"])
def test_window_and_command_are_told_when_a_line_is_opened(watched: Any, demo_url: str, context: Any) -> None:
    page = watched.page
    command = _open_line(page, demo_url)
    assert re.match(
        r"alliance dispute 2026-\d\d-\d\d --leaf \d+ --rpc http://127\.0\.0\.1:\d+ --archive http://", command
    )
    expect(page.locator(".corrections")).to_contain_text("质疑期至")
    expect(page.locator(".corrections")).to_contain_text("第 1 版")
    watched.picture(f"dispute-{page.viewport_size['width']}")
    cut = "(table) => table.scrollWidth - table.clientWidth"
    assert page.locator(".slots .ant-table-content").first.evaluate(cut) <= 0
    beyond = """(slots) => Math.max(...[...slots.querySelectorAll("td")].map((cell) => cell.getBoundingClientRect().right))
        - slots.parentElement.closest(".ant-table-content").getBoundingClientRect().right"""
    assert page.locator(".slots").first.evaluate(beyond) <= 0.5, "an amount is cut"
    assert watched.overflow() <= 0
    assert watched.complaints == []


def test_court_finds_the_line_right_when_the_pages_command_is_run(
    watched: Any, played_day: PlayedDay, tmp_path: Path
) -> None:
    page = watched.page
    given = _open_line(page, played_day.played.service_url).split()
    shown = page.locator(".slots .ant-table-row").first.inner_text()
    state = played_day.live.state
    (tmp_path / "deployment.json").write_bytes((state / "deployment.json").read_bytes())
    (tmp_path / "my.key").touch(mode=0o600)
    (tmp_path / "my.key").write_bytes((state / "readers" / "member-3.key").read_bytes())
    program = str(Path(sys.executable).with_name("alliance"))
    done = subprocess.run([program, *given[1:], "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, answer["verdict"]) == (1, "right"), answer
    cents = abs(answer["posted"]["amountCents"])
    assert f"{cents / 100:,.2f}" in shown
