"""The audit page (protocol 4.7): a receipt is verified in the browser against the chain, and the service has no say in it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

STEPS = 12


@pytest.fixture
def fetched(watched: Any, demo_url: str, rpc_url: str) -> Page:
    """The audit page with a reading's receipt fetched and the chain's node named."""
    page: Page = watched.page
    page.goto(f"{demo_url}/audit")
    page.get_by_role("button", name="取回执").click()
    expect(page.get_by_label("回执 JSON")).not_to_have_value("")
    page.get_by_label("链节点地址").fill(rpc_url)
    return page


def _verify(page: Page) -> None:
    page.get_by_role("button", name="核验", exact=True).click()


def _alter(page: Page, change: Callable[[dict[str, Any]], None]) -> None:
    box = page.get_by_label("回执 JSON")
    receipt = json.loads(box.input_value())
    change(receipt)
    box.fill(json.dumps(receipt))


@pytest.mark.parametrize("context", [1440, 390], indirect=True, ids=["1440px", "390px"])
def test_receipt_passes_every_step_when_it_is_true(fetched: Page, watched: Any, context: Any) -> None:
    _verify(fetched)
    expect(fetched.locator("[data-verdict=passed]")).to_be_visible()
    expect(fetched.locator("[data-step][data-state=passed]")).to_have_count(STEPS)
    watched.picture(f"audit-passed-{fetched.viewport_size['width'] if fetched.viewport_size else 0}")
    assert watched.overflow() <= 0
    assert watched.complaints == []


def test_receipt_passes_when_the_service_is_gone(fetched: Page, demo_url: str) -> None:
    fetched.route(f"{demo_url}/v1/**", lambda route: route.abort())
    _verify(fetched)
    expect(fetched.locator("[data-verdict=passed]")).to_be_visible()


def test_receipt_is_refused_by_name_when_made_for_another_contract(fetched: Page) -> None:
    _alter(fetched, lambda receipt: receipt.update(anchorLog="0x" + "42" * 20))
    _verify(fetched)
    expect(fetched.locator("[data-step=place][data-state=failed]")).to_contain_text("回执属于另一个合约")
    expect(fetched.locator("[data-step=place]")).to_contain_text("0x" + "42" * 20)


def test_receipt_is_refused_at_the_segment_when_a_digit_of_the_reading_flips(fetched: Page) -> None:
    def flip(receipt: dict[str, Any]) -> None:
        text = receipt["reading"]
        receipt["reading"] = text[:100] + ("1" if text[100] == "0" else "0") + text[101:]

    _alter(fetched, flip)
    _verify(fetched)
    expect(fetched.locator("[data-step=segment][data-state=failed]")).to_contain_text("读数与签名的数据段根不符")
    expect(fetched.locator("[data-verdict=refused]")).to_be_visible()


def test_receipt_is_refused_at_the_chain_when_the_checkpoint_is_not_there(fetched: Page) -> None:
    _alter(fetched, lambda receipt: receipt["checkpoint"].update(logIndex=77))
    _verify(fetched)
    expect(fetched.locator("[data-step=checkpoint][data-state=failed]")).to_contain_text("没有检查点事件")


def test_reason_is_exact_when_the_node_cannot_be_reached(fetched: Page) -> None:
    fetched.get_by_label("链节点地址").fill("http://127.0.0.1:9")
    _verify(fetched)
    expect(fetched.locator("[data-step=chain][data-state=failed]")).to_contain_text("连不上链节点")


def test_receipt_is_refused_when_the_reader_pins_another_deployment(fetched: Page) -> None:
    fetched.get_by_text("部署 JSON · 替换").click()
    box = fetched.get_by_label("部署 JSON", exact=True)
    pinned = json.loads(box.input_value())
    pinned["contracts"]["AnchorLog"]["address"] = "0x" + "17" * 20
    box.fill(json.dumps(pinned))
    box.blur()
    expect(fetched.get_by_text("使用您自己的副本")).to_be_visible()
    _verify(fetched)
    expect(fetched.locator("[data-step=place][data-state=failed]")).to_contain_text("0x" + "17" * 20)
