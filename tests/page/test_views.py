"""The views in a real Chromium: Chinese first, at 1440 and 390 px, without overflow, raw keys or console errors."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

VIEWS = {
    "today": "/", "station": "/stations/3", "statement": "/statement", "leases": "/statement/leases",
    "readers": "/statement/readers", "charter": "/charter", "members": "/charter/members", "audit": "/audit",
}  # fmt: skip
TITLES = {
    "today": "联盟今日", "statement": "租约与结算", "leases": "租约与报价", "readers": "谁能看我的数据", "charter": "加入与章程",
    "members": "加入与章程", "audit": "核验",
}  # fmt: skip
_RAW_KEY = re.compile(
    r"\b(?:today|station|statement|leases|readers|charter|dispute|act|audit|series|tariff|nav)\.[a-z]\w+|\bundefined\b|\bNaN\b|\[object "
)
_RAW_WORD = re.compile(
    r"\b(?:energy_plan|energy_deviation|network_plan|lease_rent|pool_share|platform_fee|user_side|grid_side|day_ahead"
    r"|reader_added|taken_back|fee_bp|ADMITTER|no_schedule|provisional|sell_price|wheeling_price|loss_ppm)\b"
)


@pytest.mark.parametrize("context", [1440, 390], indirect=True, ids=["1440px", "390px"])
@pytest.mark.parametrize("view", VIEWS)
def test_view_fits_and_speaks_chinese_when_opened(view: str, watched: Any, demo_url: str, context: Any) -> None:
    page = watched.page
    page.goto(demo_url + VIEWS[view])
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    page.wait_for_timeout(800)
    width = page.viewport_size["width"]
    watched.picture(f"{view}-{width}")
    text = page.locator("body").inner_text()
    if view in TITLES:
        expect(page.locator("h1")).to_have_text(TITLES[view])
    assert watched.overflow() <= 0
    assert not _RAW_KEY.findall(text)
    assert not _RAW_WORD.findall(text)
    assert watched.complaints == []


@pytest.mark.parametrize("context", [1440, 390], indirect=True, ids=["1440px", "390px"])
def test_map_and_curve_are_drawn_when_today_is_opened(watched: Any, demo_url: str, context: Any) -> None:
    page = watched.page
    page.goto(demo_url)
    expect(page.get_by_role("img", name="连云港六座储能站的示意图").locator("svg")).to_be_visible()
    expect(page.get_by_role("img", name="联盟当日计划功率与实际功率曲线").locator("svg")).to_be_visible()
    expect(page.locator(".station-row")).to_have_count(6)
    expect(page.get_by_text("示意图：", exact=False)).to_be_visible()


def test_page_speaks_english_when_switched_and_remembers(watched: Any, demo_url: str) -> None:
    page = watched.page
    page.goto(demo_url)
    page.get_by_role("button", name="切换到英文").click()
    expect(page.locator("h1")).to_have_text("The alliance today")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    labels = page.locator(".card h2, .tile .name, nav").all_inner_texts()
    assert not [label for label in labels if re.search(r"[一-鿿]", label)]


def test_views_are_reached_by_keyboard_alone(watched: Any, demo_url: str) -> None:
    page = watched.page
    page.goto(demo_url)
    expect(page.locator("h1")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    link = page.get_by_role("navigation").get_by_role("link", name="核验")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("核验")


def test_problem_text_is_shown_when_a_day_is_malformed(watched: Any, demo_url: str) -> None:
    page = watched.page
    page.goto(demo_url + "/?day=yesterday")
    expect(page.get_by_role("alert").first).to_be_visible()


def test_manifest_makes_the_page_installable(watched: Any, demo_url: str) -> None:
    page = watched.page
    manifest = page.request.get(f"{demo_url}/manifest.webmanifest").json()
    assert manifest["display"] == "standalone"
    assert manifest["lang"] == "zh-CN"
    for icon in manifest["icons"]:
        assert page.request.get(f"{demo_url}/{icon['src']}").ok
    assert page.request.get(f"{demo_url}/sw.js").ok
