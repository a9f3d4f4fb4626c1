"""The health page (protocol 10.21): loopback alone, reads only, tells what is; and it never holds up a round."""

import asyncio
import http.client
import json
import os
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright
from pydantic import ValidationError

from alliance.identity import to_hex
from edge.clock import ClockState, kernel_clock
from edge.control.guard import Order, Reason
from edge.control.limits import Need
from edge.control.wish import Source, Wish
from edge.devices.station import Quality
from edge.health import metrics, page, page_html
from edge.health.event_log import EventLog
from edge.health.page import CLIENT_S, MOST_CLIENTS, PageNotLoopback, answered
from edge.health.round import Failure, Round
from edge.health.sight import Document, Sight
from edge.settings import load
from tests.edge.peer import DISPATCHER, DOMAIN, Peer
from tests.edge.program import settings_at, started
from tests.edge.rig import SAMPLE, START_MS, Rig, rig
from tests.edge.standing import scheduled_now, standing

CHROMIUM = Path(os.environ.get("ALLIANCE_CHROMIUM", "/usr/bin/chromium"))
ROUND = Round(
    t_ms=START_MS, late_ms=3, sample=replace(SAMPLE, battery_power_w=-120_500, quality=Quality.ALARM, alarms=("过温",)),
    failure=None, order=Order(power_w=-100_000, reasons=(Reason.SOC_HIGH, Reason.RAMP), unasked=(Need.HEARTBEAT,)),
    wish=Wish(power_w=-200_000, source=Source.SCHEDULE), reached=True, key="0x01", envelope=False, instruction=None,
)  # fmt: skip


def sight_of(folder: Path, r: Rig, *, clock: ClockState | None = None) -> Sight:
    settings = load(settings_at(folder))
    events = EventLog(
        folder / "events", r.folder.store, device=r.folder.device, domain=DOMAIN, signer=lambda: r.folder.signer
    )
    return Sight(settings, store=r.folder.store, events=events, clock=lambda: clock)


def document_of(folder: Path, peer: Peer, *, now: Round | None, clock: ClockState | None = None) -> Document:
    async def work() -> Document:
        async with rig(folder / "box", peer) as r:
            await r.play(2)
            r.alarms.raised("uplink.down", at_ms=START_MS, reason='<script>"\\n')
            seen = sight_of(folder, r, clock=clock)
            if now is not None:
                seen.see(now, r.box.cycles)
            return seen.document()

    return asyncio.run(work())


def test_page_is_shown_on_loopback_alone(tmp_path: Path) -> None:
    with pytest.raises(PageNotLoopback):
        asyncio.run(page.serve("0.0.0.0", 1, None))  # type: ignore[arg-type]
    for host in ("0.0.0.0", "192.168.1.2", "::", "box.example"):
        path = settings_at(tmp_path, page_host=host)
        with pytest.raises(Exception, match="loopback alone") as refused:
            load(path)
        assert isinstance(refused.value.__cause__, ValidationError)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8090", 200), ("localhost", 200), ("localhost:9", 200), ("[::1]:8090", 200), ("127.0.0.2", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example:8090", 421), ("", 421),
        ("192.168.1.2:8090", 421), ("[::1", 421), ("a@127.0.0.1@evil.example", 421),
    ],
)  # fmt: skip
def test_request_under_another_name_is_refused(host: str, status: int, tmp_path: Path, peer: Peer) -> None:
    document = document_of(tmp_path, peer, now=None) if status == 200 else {}
    assert answered("GET /status.json HTTP/1.1", host, lambda: document).status == status


def test_page_only_reads() -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "get"):
        assert answered(f"{method} / HTTP/1.1", "localhost", dict).status == 405
    assert answered("GET /etc/passwd HTTP/1.1", "localhost", dict).status == 404
    assert answered("GET /../page.py HTTP/1.1", "localhost", dict).status == 404


def test_page_tells_what_is_in_both_languages_and_escapes_what_came_from_outside(tmp_path: Path, peer: Peer) -> None:
    clock = ClockState(synchronised=True, offset_us=-1_250, most_us=9)
    document = document_of(tmp_path, peer, now=ROUND, clock=clock)
    zh, en = page_html.page(document, language="zh"), page_html.page(document, language="en")
    for told in (
        "储能站 4", "−120.5 kW", "50.0 %", "−100.0 kW", "荷电过高", "爬坡中", "日前/日内计划", "心跳", "设备报警",
        "平台未应答", "-1.250 ms", "127.0.0.1:5020", "本次启动以来无", "待确认数据段",
    ):  # fmt: skip
        assert told in zh, told
    for told in ("Station 4", "state of charge high", "ramping", "platform does not answer", "Last acknowledged"):
        assert told in en, told
    for shown in (zh, en):
        assert "<script" not in shown
        assert "&lt;script&gt;" in shown
        assert not re.search(r'(?:src|href)="(?:https?:)?//', shown), "nothing from elsewhere"
    assert 'lang="zh-CN"' in zh


def test_page_shows_a_dash_for_what_is_not_known(tmp_path: Path, peer: Peer) -> None:
    failed = Failure(place="127.0.0.1:5020", reason="device_silent: function=4")
    before = page_html.page(document_of(tmp_path, peer, now=None), language="zh")
    assert "等待首个控制周期" in before
    dark = page_html.page(document_of(tmp_path, peer, now=replace(ROUND, sample=None, failure=failed)), language="zh")
    assert "设备无应答" in dark
    assert "device_silent: function=4" in dark
    assert "0.0 %" not in dark.replace("50.0 %", "")


LINE = re.compile(
    r"(?:# HELP (?P<helped>[a-zA-Z_:][\w:]*) .+)|(?:# TYPE (?P<typed>[a-zA-Z_:][\w:]*) (?P<kind>gauge|counter))|"
    r'(?:(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"'
    r'(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*)\})? (?P<value>-?\d+))'
)
"""The text format's lines, as its specification gives them, for integers without a timestamp."""


def test_metrics_are_prometheus_text(tmp_path: Path, peer: Peer) -> None:
    text = metrics.text(
        document_of(tmp_path, peer, now=ROUND, clock=ClockState(synchronised=True, offset_us=5, most_us=9))
    )
    families: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    values: dict[str, int] = {}
    for line in text.removesuffix("\n").split("\n"):
        read = LINE.fullmatch(line)
        assert read is not None, line
        if read["typed"]:
            assert read["typed"] not in families, "a family is told once"
            families[read["typed"]] = read["kind"]
        if read["name"]:
            assert list(families)[-1] == read["name"], "samples stand below their family"
            assert families[read["name"]] == ("counter" if read["name"].endswith("_total") else "gauge")
            assert (read["name"], read["labels"] or "") not in seen
            seen.add((read["name"], read["labels"] or ""))
            values[read["name"] + (read["labels"] or "")] = int(read["value"])
    assert values["alliance_edge_battery_power_watts"] == -120_500
    assert values["alliance_edge_order_power_watts"] == -100_000
    assert values['alliance_edge_order_cutreason="soc_high"'] == 1
    assert values['alliance_edge_alarmalarm="uplink.down"'] == 1
    assert values['alliance_edge_rounds_totalcycle="control"'] == 2
    assert values["alliance_edge_round_timestamp_ms"] == START_MS
    silent = metrics.text(document_of(tmp_path, peer, now=None))
    assert "soc_basis_points" not in silent, "what is not known is absent, not 0"


def test_kernel_tells_of_its_clock_or_there_is_no_way_to_ask() -> None:
    told = kernel_clock()
    assert told is None or told.most_us >= 0


@asynccontextmanager
async def served(folder: Path, peer: Peer, port: int) -> AsyncIterator[Rig]:
    async with rig(folder / "box", peer) as r:
        await r.play(1)
        seen = sight_of(folder, r)
        assert r.box.last is not None
        seen.see(r.box.last, r.box.cycles)
        server = await page.serve("127.0.0.1", port, seen)
        try:
            yield r
        finally:
            await page.close(server)


def got(port: int, path: str, *, host: str = "localhost", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": host})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


def test_answers_carry_a_strict_policy_and_whole_bodies(tmp_path: Path, peer: Peer, free_port: int) -> None:
    async def work() -> None:
        async with served(tmp_path, peer, free_port):
            for path, kind in (
                ("/", "text/html"), ("/page.css", "text/css"), ("/status.json", "application/json"),
                ("/metrics", "text/plain; version=0.0.4"), ("/?lang=en", "text/html"),
            ):  # fmt: skip
                status, headers, body = await asyncio.to_thread(got, free_port, path)
                assert (status, headers["content-type"].startswith(kind)) == (200, True)
                assert len(body) == int(headers["content-length"])
                policy = headers["content-security-policy"]
                assert policy.startswith("default-src 'none'; style-src 'self'")
                assert "unsafe" not in policy
                assert headers["cache-control"] == "no-store"
                empty = await asyncio.to_thread(got, free_port, path, method="HEAD")
                assert (empty[0], empty[2]) == (200, b"")
            assert (await asyncio.to_thread(got, free_port, "/", host="evil.example"))[0] == 421
            assert (await asyncio.to_thread(got, free_port, "/", method="POST"))[0] == 405
            assert (await asyncio.to_thread(got, free_port, "/" + "x" * 9_000))[0] == 431

    asyncio.run(work())


def test_slow_and_many_clients_hold_up_no_round_and_are_cut_off(tmp_path: Path, peer: Peer, free_port: int) -> None:
    async def work() -> None:
        async with served(tmp_path, peer, free_port) as r:
            idle = [socket.create_connection(("127.0.0.1", free_port), timeout=5) for _ in range(MOST_CLIENTS)]
            for number, client in enumerate(idle):
                client.sendall((b"GET / HTTP/1.1\r\nHost: lo", b"", b"\x16\x03\x01" * 20)[number % 3])
            await asyncio.sleep(0.2)
            status, _, _ = await asyncio.to_thread(got, free_port, "/")
            assert status == 503, "more are told to come again"
            began = time.monotonic()
            await r.play(5)
            took_s = time.monotonic() - began
            assert took_s < CLIENT_S, "rounds go on beside them"
            await asyncio.sleep(max(0, CLIENT_S + 1 - took_s))
            assert (await asyncio.to_thread(got, free_port, "/"))[0] == 200
            for client in idle:
                with pytest.raises((ConnectionError, AssertionError)):
                    assert client.recv(1) != b""
                client.close()

    asyncio.run(work())


def test_real_program_shows_its_station_on_both_widths(tmp_path: Path, peer: Peer, free_port: int) -> None:
    """Chinese at 1440 and 390 px in a real Chromium: no complaint, nothing wider than its window, no script needed."""

    async def shown() -> dict[str, Any]:
        scheduled_now(peer)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            page_port = int(probe.getsockname()[1])
        config = settings_at(
            tmp_path, service_url=peer.url, tick_s=1, log_level="error", page_port=page_port,
            dispatchers=[to_hex(DISPATCHER.address)], device={"kind": "table", "port": free_port, "timeout_ms": 500},
        )  # fmt: skip
        async with standing(free_port):
            process = started(config)
            try:
                told = await _until_ordered(page_port)
                if CHROMIUM.is_file():
                    await asyncio.to_thread(_looked_at, f"http://127.0.0.1:{page_port}/")
            finally:
                process.terminate()
                _, errors = process.communicate(timeout=30)
            assert (process.returncode, errors) == (0, "")
            return told

    told = asyncio.run(shown())
    assert told["round"]["source"] == "schedule"
    assert told["round"]["powerW"] == 200_000
    assert told["devices"][0]["lastError"] is None


async def _until_ordered(port: int) -> dict[str, Any]:
    for _ in range(600):
        try:
            _, _, body = await asyncio.to_thread(got, port, "/status.json")
        except OSError:
            body = b"{}"
        told: dict[str, Any] = json.loads(body)
        if told.get("round") and told["round"]["powerW"] == 200_000:
            return told
        await asyncio.sleep(0.1)
    raise AssertionError("no order within a minute")


def _looked_at(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        for width in (1440, 390):
            context = browser.new_context(
                viewport={"width": width, "height": 900}, locale="zh-CN", java_script_enabled=True
            )  # fmt: skip
            view, complaints, asked = context.new_page(), [], []
            view.on("console", lambda message, told=complaints: told.append(message.text))
            view.on("request", lambda request, told=asked: told.append(request.url))
            view.goto(url)
            assert view.locator("h1").inner_text().startswith("储能站 4")
            assert view.locator("main section").count() == 8
            assert view.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
            assert complaints == []
            assert all(one.startswith(url) for one in asked if not one.endswith("favicon.ico"))
            if folder := os.environ.get("ALLIANCE_SCREENSHOTS"):
                view.screenshot(path=Path(folder) / f"health-{width}.png", full_page=True)
            view.get_by_role("link", name="English").click()
            assert view.locator("h1").inner_text().startswith("Station 4")
            context.close()
        browser.close()
