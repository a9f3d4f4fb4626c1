"""Signing in (protocol 10.3): an injected EIP-6963 wallet, and the demo's labelled wallets; then a statement to the cent."""

import re
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from playwright.sync_api import Page, expect

_ANNOUNCE = """
(address) => {
  const provider = {
    request: async ({method, params}) => {
      if (method === "eth_requestAccounts" || method === "eth_accounts") return [address];
      if (method === "eth_chainId") return "0x7a69";
      if (method === "personal_sign") return window.testWalletSigns(params[0]);
      if (method.startsWith("wallet_")) throw Object.assign(new Error("unsupported"), {code: 4200});
      throw Object.assign(new Error("unsupported " + method), {code: 4200});
    },
    on: () => {}, removeListener: () => {},
  };
  const info = {uuid: "7c0b4a2e-0000-4000-8000-000000000001", name: "测试钱包", rdns: "test.wallet",
    icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>"};
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider",
    {detail: Object.freeze({info, provider})}));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
}
"""


@pytest.fixture(scope="session")
def wallets(demo_url: str) -> list[dict[str, Any]]:
    """The demo's wallets."""
    found: list[dict[str, Any]] = httpx.get(f"{demo_url}/v1/demo/wallets").json()["wallets"]
    return found


def _inject(page: Page, wallet: dict[str, Any], *, refuse: bool = False) -> None:
    account = Account.from_key(wallet["privateKey"])

    def sign(text_hex: str) -> str:
        if refuse:
            raise ValueError("User rejected the request.")
        signed = account.sign_message(encode_defunct(hexstr=text_hex))
        return "0x" + str(signed.signature.hex()).removeprefix("0x")

    page.expose_function("testWalletSigns", sign)
    page.add_init_script(f"({_ANNOUNCE})({account.address!r})")


def test_member_is_signed_in_when_an_injected_wallet_signs(
    watched: Any, demo_url: str, wallets: list[dict[str, Any]]
) -> None:
    page, wallet = watched.page, wallets[2]
    _inject(page, wallet)
    page.goto(f"{demo_url}/statement")
    page.get_by_role("button", name="测试钱包").click()
    expect(page.locator(".who strong")).to_have_text(wallet["nameZh"])
    expect(page.get_by_role("heading", name="我的租约")).to_be_visible()
    page.get_by_role("button", name="退出").click()
    expect(page.get_by_role("button", name="测试钱包")).to_be_visible()
    assert watched.complaints == []


def test_nobody_is_signed_in_when_the_wallet_refuses(
    watched: Any, demo_url: str, wallets: list[dict[str, Any]]
) -> None:
    page = watched.page
    _inject(page, wallets[0], refuse=True)
    page.goto(f"{demo_url}/statement")
    page.get_by_role("button", name="测试钱包").click()
    expect(page.get_by_role("alert")).to_contain_text("钱包没有签名")
    expect(page.locator(".who")).to_have_count(0)


@pytest.mark.parametrize("context", [1440, 390], indirect=True, ids=["1440px", "390px"])
def test_statement_adds_up_when_a_demo_wallet_signs(
    watched: Any, demo_url: str, wallets: list[dict[str, Any]], context: Any
) -> None:
    page, wallet = watched.page, wallets[2]
    page.goto(f"{demo_url}/statement")
    demo = page.locator(".demo-wallets")
    expect(demo).to_contain_text("演示钱包")
    demo.get_by_role("button", name=wallet["nameZh"]).click()
    expect(page.locator(".kind").first).to_be_visible()
    expect(page.get_by_text("估算").first).to_be_visible()
    expect(page.get_by_text("规则包未核实")).to_be_visible()
    net = page.locator(".standing .net").inner_text()
    total = page.locator(".ant-table-summary td").last.inner_text()
    assert _cents(net) == _cents(total)
    assert _cents(page.locator(".own-row .num").inner_text()) == _cents(net)
    page.locator(".ant-table-row-expand-icon").first.click()
    expect(page.locator(".slots .ant-table-row").first).to_be_visible()
    watched.picture(f"statement-signed-in-{page.viewport_size['width']}")
    assert watched.overflow() <= 0
    assert watched.complaints == []


def test_csv_carries_every_line_when_exported(watched: Any, demo_url: str, wallets: list[dict[str, Any]]) -> None:
    page = watched.page
    page.goto(f"{demo_url}/statement")
    page.locator(".demo-wallets").get_by_role("button", name=wallets[2]["nameZh"]).click()
    export = page.get_by_role("button", name="导出 CSV")
    expect(export).to_be_visible()
    with page.expect_download() as download:
        export.click()
    text = download.value.path().read_bytes().decode("utf-8-sig")
    rows = text.strip().split("\r\n")
    shown = re.search(r"(\d+) 行", page.locator(".card-head .note").last.inner_text() or "")
    assert "金额_分" in rows[0]
    assert shown is None or len(rows) - 1 == int(shown[1])


def _cents(text: str) -> int:
    digits = re.sub(r"[^0-9−]", "", text.split("\n")[0])
    return -int(digits[1:]) if digits.startswith("−") else int(digits)
