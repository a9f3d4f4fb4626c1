"""A member acts from the page, with its wallet, on a real chain (protocol 7): offers, leases, joining, votes.

One alliance of its own for all of these: founded, not played, its clock moved by the tests.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from chain import charter, registry
from chain.wallet import Wallet
from oracle import deployment as deployments
from simulation.founding import Keyring
from tests.demo_day import SEED, LiveDemo, _require_chain
from tests.page.conftest import Watched

DAY_MS = 86_400_000
OWNER, LESSEE = 6, 4
NAMES = {6: "连云独立储能公司", 4: "灌云食品厂", 3: "东海硅材料厂", 2: "赣榆光伏公司", 1: "连云港港口储能公司"}
APPLICANT = "0xa0ee7a142d267c1f36714e4a8f75612f20a79720"
"""The page's labelled demo applicant."""


@pytest.fixture(scope="module")
def alliance(demos: Path) -> Iterator[LiveDemo]:
    """Six members, six stations, two leases; the first tick is behind it."""
    _require_chain()
    live = LiveDemo(demos / "acts")
    try:
        live.begin()
        live.run(live.demo.tick())
        yield live
    finally:
        live.close()


class Member:
    """One person at the page, signed in with a labelled demo wallet."""

    def __init__(self, browser: Browser, live: LiveDemo, name: str, *, width: int = 1440) -> None:
        self.live, self.url, self.gone = live, live.demo.service_url, False
        context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", service_workers="block")
        context.set_default_timeout(20_000)
        self.watched = Watched(context.new_page())
        self.page: Page = self.watched.page
        self.open("/statement/leases")
        self.page.locator(".demo-wallets").get_by_role("button", name=name).click()
        expect(self.page.locator(".who")).to_be_visible()

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)
        expect(self.page.locator("h1")).to_be_visible()

    def settle(self, part: Locator, *, ticks: int = 2) -> None:
        """The transaction that a part of the page has sent is mined, and the service follows the chain."""
        expect(part.locator("[data-outcome=sent]")).to_be_visible()
        for _ in range(ticks):
            self.live.run(self.live.demo.tick())
        expect(part.locator("[data-outcome=done]")).to_be_visible()

    def close(self) -> None:
        """Leave; what the page complained of meanwhile, or how far it was too wide, is told."""
        if self.gone:
            return
        self.gone = True
        assert self.watched.complaints == []
        assert self.watched.overflow() <= 0
        self.page.context.close()


Enter = Callable[..., Member]


@pytest.fixture
def enter(browser: Browser, alliance: LiveDemo) -> Iterator[Enter]:
    """Lets members in, each with a browser profile of its own."""
    inside: list[Member] = []

    def one(name: str, *, width: int = 1440) -> Member:
        inside.append(Member(browser, alliance, name, width=width))
        return inside[-1]

    yield one
    for member in inside:
        member.close()


def _fill(form: Locator, **values: str) -> None:
    for label, value in values.items():
        form.get_by_label(label, exact=True).fill(value)


def test_lease_stands_when_one_member_offers_and_another_takes(enter: Enter) -> None:
    owner, lessee = enter(NAMES[OWNER]), enter(NAMES[LESSEE], width=390)
    page = owner.page
    page.get_by_role("button", name="报出容量").click()
    form = page.locator("form")
    expect(form).to_contain_text("本站最多可报出")
    _fill(form, 功率="300", 电量="600", 天数="20", 租金="180.50")
    owner.watched.picture("offer-form-1440")
    form.get_by_role("button", name="提交报价").click()
    owner.settle(page.locator("form"))
    expect(page.locator("[data-offer='3']")).to_contain_text("180.50 元/kW·年")

    lessee.open("/statement/leases")
    card = lessee.page.locator("[data-offer='3']")
    card.get_by_role("button", name="承租").click()
    _fill(card.locator("form"), 功率="100", 电量="200")
    rent = card.locator("form strong").inner_text()
    lessee.watched.picture("take-form-390")
    card.get_by_role("button", name="确认承租").click()
    lessee.settle(card)
    lease = lessee.page.locator("[data-lease='3']")
    expect(lease).to_contain_text("100 kW · 200 kWh")
    assert re.findall(r"[\d,.]+", rent)[0] in lease.inner_text()
    expect(card).to_contain_text("200 kW · 400 kWh")


def test_reason_stands_in_chinese_when_the_contract_refuses(enter: Enter) -> None:
    lessee = enter(NAMES[3])
    card = lessee.page.locator("[data-offer='3']")
    card.get_by_role("button", name="承租").click()
    _fill(card.locator("form"), 功率="250", 电量="300")
    card.get_by_role("button", name="确认承租").click()
    refusal = card.locator("[data-outcome=refused]")
    expect(refusal).to_contain_text("要租 250 kW，超出报价 3 的余量：时段 2026-07-1")
    expect(refusal).to_contain_text("报价共 300 kW，已租出 100 kW")
    lessee.watched.picture("refused-1440")


def test_lease_is_amended_and_ended_when_both_parties_ask_for_the_same(enter: Enter) -> None:
    owner, lessee = enter(NAMES[OWNER]), enter(NAMES[LESSEE])
    lease = lessee.page.locator("[data-lease='3']")
    lease.get_by_role("button", name="修改").click()
    _fill(lease.locator("form"), 功率="150", 电量="300", 天数="10")
    lease.get_by_role("button", name="提交修改").click()
    lessee.settle(lease)
    owner.open("/statement/leases")
    notice = owner.page.locator("[data-lease='3'] .notice")
    expect(notice).to_contain_text(f"{NAMES[LESSEE]} 请求自")
    expect(notice).to_contain_text("150 kW、300 kWh，10 天")
    owner.watched.picture("amendment-asked-1440")
    notice.get_by_role("button", name="同意").click()
    owner.settle(owner.page.locator("[data-lease='3']"))
    following = owner.page.locator("[data-lease='4']")
    expect(following).to_contain_text("150 kW · 300 kWh")
    following.get_by_role("button", name="提前终止").click()
    following.get_by_label("自哪天起终止").fill("2026-07-20")
    following.get_by_role("button", name="请对方一致终止").click()
    owner.settle(following)
    lessee.open("/statement/leases")
    asked = lessee.page.locator("[data-lease='4'] .notice")
    expect(asked).to_contain_text("请求自 2026-07-20 起终止")
    asked.get_by_role("button", name="同意").click()
    lessee.settle(lessee.page.locator("[data-lease='4']"))
    expect(lessee.page.locator("[data-lease='4']")).to_contain_text("至 2026-07-19")


def test_applicant_reads_why_when_it_is_refused_and_is_in_when_admitted(enter: Enter, alliance: LiveDemo) -> None:
    applicant = enter("演示申请人")
    page = applicant.page
    applicant.open("/charter/members")
    _apply(applicant, "91320700MA1XXXXX2Q")
    expect(page.locator(f"[data-application='{APPLICANT}']")).to_contain_text("待决")
    applicant.watched.picture("applied-1440")

    reason = "营业执照与申请的摘要不符，请补交后再申请。"
    _refuse(alliance, applicant, reason)
    applicant.open("/charter/members")
    expect(page.locator(f"[data-application='{APPLICANT}']")).to_contain_text("已拒绝")
    page.get_by_label("收到的理由原文").fill("别的理由")
    expect(page.get_by_text("与链上的哈希不符")).to_be_visible()
    page.get_by_label("收到的理由原文").fill(reason)
    expect(page.get_by_text("与链上的哈希一致")).to_be_visible()
    _apply(applicant, "91320700MA1XXXXX2Q")
    _by_admitter(alliance, registry.admit(bytes.fromhex(APPLICANT[2:])))
    applicant.open("/charter/members")
    expect(page.locator("table")).to_contain_text("7 · 成员 7 号")


def _apply(applicant: Member, code: str) -> None:
    form = applicant.page.locator("form")
    _fill(form, 统一社会信用代码=code)
    expect(form).to_contain_text("资料摘要")
    form.get_by_role("button", name="提交申请").click()
    card = applicant.page.locator(f"[data-application='{APPLICANT}']")
    expect(form.locator("[data-outcome=sent]")).to_be_visible()
    for _ in range(2):
        applicant.live.run(applicant.live.demo.tick())
    expect(card).to_contain_text("待决")


def _refuse(live: LiveDemo, applicant: Member, reason: str) -> None:
    """As the role does it outside the page: the hash goes on chain, the text to the applicant alone."""
    hashed = applicant.page.evaluate(
        "async (t) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(t)))]", reason
    )
    _by_admitter(live, registry.reject(bytes.fromhex(APPLICANT[2:]), bytes(hashed)))


def _by_admitter(live: LiveDemo, call: bytes) -> None:
    _send(live, "admitter", "AllianceRegistry", call)


def _send(live: LiveDemo, who: str, contract: str, call: bytes, *, ticks: int = 2) -> None:
    """What somebody does elsewhere than on the page; mined, and followed by the service, after two ticks."""
    to = deployments.load(live.state / "deployment.json")[contract].address
    rpc, signer = live.demo.anvil.rpc, Keyring(SEED.encode()).signer(who)
    Wallet(rpc, signer, chain_id=rpc.chain_id(), between_polls=lambda: None).broadcast(to, call)
    for _ in range(ticks):
        live.run(live.demo.tick())


def test_auditor_reads_what_is_given_and_no_more_when_it_is_taken_back(enter: Enter) -> None:
    owner = enter(NAMES[OWNER], width=390)
    page = owner.page
    owner.open("/statement/readers")
    expect(page.locator("article.card")).to_have_count(3)
    page.get_by_label("名称").fill("华东审计所")
    page.get_by_label("公钥（0x 开头，64 位十六进制）").fill("0x" + "09" + "00" * 31)
    page.get_by_role("button", name="登记", exact=True).click()
    card = page.locator("article.card", has_text="华东审计所")
    expect(card).to_contain_text("尚无授权")
    card.get_by_role("button", name="授权读 连云第三方储能").click()
    expect(card.locator(".chips")).to_contain_text("连云第三方储能")
    owner.watched.picture("readers-390")
    card.get_by_role("button", name="收回 连云第三方储能").click()
    expect(card).to_contain_text("尚无授权")
    expect(page.locator("table")).to_contain_text("收回授权")
    card.get_by_role("button", name="移除读者").click()
    expect(card).to_contain_text("对方已经复制的内容无法收回")
    card.get_by_role("button", name="确认移除").click()
    expect(card).to_have_count(0)


def test_erasure_waits_for_the_words_and_is_refused_while_evidence_is_needed(enter: Enter) -> None:
    owner = enter(NAMES[OWNER])
    owner.open("/statement/readers")
    card = owner.page.locator("section.card", has_text="不能撤销")
    card.get_by_role("button", name="删除我的证据").click()
    expect(card).to_contain_text("读者已经复制或解密的内容无法收回")
    submit = card.get_by_role("button", name="永久删除")
    expect(submit).to_be_disabled()
    card.get_by_label("为确认，请原样输入").fill("erase the evidence of station 6")
    expect(submit).to_be_enabled()
    owner.watched.picture("erase-1440")


def test_fee_is_the_members_when_they_vote_for_it_and_the_delay_is_over(enter: Enter, alliance: LiveDemo) -> None:
    proposer = enter(NAMES[1])
    page = proposer.page
    proposer.open("/charter")
    page.get_by_role("button", name="提出提案").click()
    form = page.locator("form")
    _fill(form, 新数值="3.5", 生效日="2026-08-01")
    form.get_by_label("理由（公开，请勿写个人信息）").fill("平台成本下降，费率应随之下调。")
    proposer.watched.picture("propose-1440")
    form.get_by_role("button", name="提交提案").click()
    proposer.settle(form)
    card = page.locator("[data-proposal='1']")
    expect(card).to_contain_text("自 2026-08-01 起，平台费率定为 3.50 %")
    expect(card).to_contain_text("平台成本下降，费率应随之下调。")
    _send(alliance, "member 3", "Charter", charter.vote(1, in_favour=True), ticks=0)
    _send(alliance, "member 4", "Charter", charter.vote(1, in_favour=True), ticks=0)
    second = enter(NAMES[2])
    _vote(second)
    second.close()
    _vote(proposer)
    expect(card).to_contain_text("已通过，等待期内")
    expect(card.get_by_role("button", name="执行")).to_have_count(0)
    proposer.close()  # a session lasts a day
    alliance.sleep_until(alliance.now_ms + 2 * DAY_MS + 3_600_000)
    for _ in range(2):
        alliance.run(alliance.demo.tick())
    anyone = enter(NAMES[2])
    anyone.open("/charter")
    card = anyone.page.locator("[data-proposal='1']")
    card.get_by_role("button", name="执行").click()
    anyone.settle(card)
    expect(card).to_contain_text("已执行")
    expect(anyone.page.locator("[data-rule=fee_bp]")).to_contain_text("自 2026-08-01 将变为 3.50 %")
    anyone.watched.picture("charter-decided-1440")


def _vote(member: Member) -> None:
    member.open("/charter")
    card = member.page.locator("[data-proposal='1']")
    card.get_by_role("button", name="赞成").click()
    member.settle(card)
    expect(card).to_contain_text("您已赞成")
