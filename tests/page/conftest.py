"""The page in a real Chromium against the demo's service (protocol 10, 11), its day played.

`ALLIANCE_PAGE_URL` names a running service instead; `ALLIANCE_SCREENSHOTS` a folder for pictures.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.demo_day import PlayedDay

expect.set_options(timeout=20_000)
CHROMIUM = os.environ.get("ALLIANCE_CHROMIUM", "/usr/bin/chromium")
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_NOISE = ("Service Worker registration blocked by Playwright",)


class Watched:
    """A page and everything that its console complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_NOISE):
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page where one is wanted."""
        folder = os.environ.get("ALLIANCE_SCREENSHOTS")
        if not folder or self.page.viewport_size is None:
            return
        before = self.page.viewport_size
        height = int(self.page.evaluate("document.documentElement.scrollHeight"))
        self.page.set_viewport_size({"width": before["width"], "height": max(before["height"], height)})
        self.page.evaluate("scrollTo(0, 0)")
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=Path(folder) / f"{name}.png")
        self.page.set_viewport_size(before)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the demo: all that needs it goes there."""
    for item in items:
        if "demo_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("demo"))


@pytest.fixture(scope="session")
def demo_url(request: pytest.FixtureRequest) -> str:
    """Where a demo's service answers; its day has been played."""
    url = os.environ.get("ALLIANCE_PAGE_URL")
    if url:
        return url.rstrip("/")
    played: PlayedDay = request.getfixturevalue("played_day")
    return played.played.service_url


@pytest.fixture(scope="session")
def rpc_url(demo_url: str) -> str:
    """Where the demo's chain answers."""
    return str(httpx.get(f"{demo_url}/v1/deployment").json()["rpcUrl"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; it ends with its module, because its event loop would stop the worker's later tests."""
    if not Path(CHROMIUM).is_file():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh profile; `width` by indirect parameter, 1440 by default."""
    width = getattr(request, "param", 1440)
    made = browser.new_context(
        viewport={"width": width, "height": 844 if width < 600 else 900}, locale="zh-CN", service_workers="block"
    )
    made.set_default_timeout(20_000)
    yield made
    made.close()


@pytest.fixture
def watched(context: BrowserContext) -> Watched:
    """A page whose console is listened to."""
    return Watched(context.new_page())
