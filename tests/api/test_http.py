"""Protocol 10: pages, windows, problems in two languages, texts for large integers, limits, the page, the docs."""

import asyncio
import importlib
import json
import pkgutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

import api
from alliance import errors
from api import problems
from api.app import build_app, create_app
from api.paging import BadCursor, Paging, encode
from api.upload import DAG_CBOR
from oracle import deployment as deployments

T0 = 1_767_204_000_000
MINUTE = 60_000


@pytest.fixture
def mine(service) -> dict[str, str]:
    return {"Authorization": f"Bearer {service.sign_in(service.world.members[0])}"}


def test_all_readings_come_once_when_pages_are_walked(service, mine) -> None:
    box = service.box()
    for at in range(5):
        service.upload(box.seal(T0 + at * 15 * MINUTE, 15))
    seen, url = [], "/v1/readings?station=1&limit=7"
    cursor = ""
    while True:
        page = service.client.get(url + cursor, headers=mine).json()
        seen += [reading["seq"] for reading in page["items"]]
        if page["next"] is None:
            break
        assert len(page["items"]) == 7
        cursor = f"&cursor={page['next']}"
    assert seen == list(range(75))


def test_window_is_half_open_when_readings_are_asked(service, mine) -> None:
    service.upload(service.box().seal(T0, 15))
    url = f"/v1/readings?station=1&from={T0 + 3 * MINUTE}&to={T0 + 6 * MINUTE}"
    assert [r["seq"] for r in service.client.get(url, headers=mine).json()["items"]] == [3, 4, 5]
    empty = service.client.get(f"/v1/readings?station=1&from={T0}&to={T0}", headers=mine)
    assert (empty.status_code, empty.json()["code"]) == (400, "window_empty")


def test_reading_shows_units_and_texts_when_it_is_a_batterys(service, mine, battery_b) -> None:
    service.upload(service.box(channel=2).seal(T0, 1, b=battery_b))
    (reading,) = service.client.get("/v1/readings?station=1&channel=2", headers=mine).json()["items"]
    assert (reading["kind"], reading["powerW"], reading["socBp"], reading["sohBp"]) == ("battery", 600, 5000, 9800)
    assert (reading["exportWh"], reading["importWh"], reading["reactiveVar"]) == ("10", "0", None)
    assert reading["chainStatus"] == "pending"


@pytest.mark.parametrize("query", ["cursor=%21", "cursor=gA", "limit=0", "limit=501", "limit=x", "from=-1", "to=1e3"])
def test_query_is_refused_when_it_is_malformed(service, mine, query: str) -> None:
    reply = service.client.get(f"/v1/readings?station=1&{query}", headers=mine)
    assert reply.status_code == 400
    assert reply.json()["code"] in ("bad_cursor", "request_malformed")


@given(st.text(max_size=60))
def test_cursor_is_refused_by_name_when_it_is_any_text(text: str) -> None:
    try:
        Paging(limit=1, cursor=text).after(int)
    except BadCursor:
        return


@given(st.lists(st.one_of(st.integers(-(2**63), 2**63), st.binary(max_size=40), st.text(max_size=10)), max_size=3))
def test_cursor_comes_back_when_it_was_ours(key: list) -> None:
    assert Paging(limit=1, cursor=encode(tuple(key))).after(*map(type, key)) == tuple(key)


def test_members_stations_and_devices_stand_as_on_chain_when_asked(service) -> None:
    service.run_until(T0 // 1000 + 180)
    members = service.client.get("/v1/members").json()["items"]
    assert [(m["member"], m["status"], m["chainStatus"]) for m in members] == [
        (1, "admitted", "final"), (2, "admitted", "final"), (3, "admitted", "final"),
    ]  # fmt: skip
    stations = service.client.get("/v1/stations").json()["items"]
    assert [(s["station"], s["owner"], s["stationType"], s["capacityWh"]) for s in stations] == [
        (1, 1, "user_side", 1_000_000), (2, 2, "user_side", 1_000_000),
    ]  # fmt: skip
    (device,) = service.client.get("/v1/devices?limit=1").json()["items"]
    assert device["did"] == f"did:ethr:0x7a69:{device['device']}"
    assert device["attested"]
    assert [(c["channel"], c["kind"]) for c in device["channels"]] == [(1, "meter"), (2, "battery")]
    assert [key["key"] for key in device["keys"]] == [device["device"]]
    assert service.client.get("/v1/stations/3").status_code == 404


def test_deployment_is_the_pinned_file_when_asked(service) -> None:
    told = service.client.get("/v1/deployment").json()
    assert told.pop("rpcUrl") is None  # where this service lets the page ask the chain, if its settings say so
    assert deployments.from_plain(told) == service.world.deployment


def test_beacon_is_a_block_f_deep_when_asked(service) -> None:
    beacon = service.client.get("/v1/beacon").json()
    block = service.world.rpc.block(beacon["block"])
    assert beacon["block"] == service.world.rpc.block_number() - 2
    assert block is not None
    assert (beacon["hash"], beacon["timestamp"]) == ("0x" + block.hash.hex(), block.timestamp_s)


def test_nothing_has_failed_when_a_box_goes_away_in_the_middle_of_an_upload(service) -> None:
    comes = iter([{"type": "http.request", "body": b"\xa2", "more_body": True}, {"type": "http.disconnect"}])
    said: list[int] = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/v1/segments",
        "raw_path": b"/v1/segments", "query_string": b"", "scheme": "http", "root_path": "", "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "headers": [(b"host", b"testserver"), (b"content-type", DAG_CBOR.encode()), (b"content-length", b"900")],
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        return next(comes)

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            said.append(int(str(message["status"])))

    with capture_logs() as logs:
        asyncio.run(service.client.app(scope, receive, send))
    assert (said, [line["event"] for line in logs]) == ([400], [])


def test_readiness_names_the_job_that_fails_when_the_chain_is_away(service) -> None:
    service.tick(T0 // 1000)
    assert service.client.get("/readyz").status_code == 200
    service.platform.rpc.url = "http://127.0.0.1:9"
    service.tick(T0 // 1000 + 60, mine=False)
    reply = service.client.get("/readyz")
    assert reply.status_code == 503
    assert {job["name"]: job["error"] is None for job in reply.json()["jobs"]} == {
        "follow": False, "send": False, "close epochs": False, "grant": True,
    }  # fmt: skip
    assert service.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"), ("", "zh"), ("en", "en"), ("en-US,en;q=0.9", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr, en;q=0.2", "en"), ("fr", "zh"), ("*", "zh"), ("en;q=0", "zh"), ("zh;q=0.1, en;q=x", "zh"),
    ],
)  # fmt: skip
def test_language_follows_the_readers_wish_when_one_is_named(header: str | None, language: str) -> None:
    assert problems.language_of(header) == language


@pytest.mark.parametrize("station", ["-1", str(1 << 32), "9" * 30, "x"])
def test_station_is_refused_by_name_on_every_path_when_no_station_can_have_its_number(
    service, mine, station: str
) -> None:
    paths = [
        path
        for path, methods in service.client.app.openapi()["paths"].items()
        if "{station}" in path and "get" in methods
    ]
    assert len(paths) >= 6
    for path in [path.replace("{station}", station) for path in paths] + [f"/v1/readings?station={station}"]:
        reply = service.client.get(path, headers=mine)
        assert (reply.status_code, reply.json()["code"]) == (400, "request_malformed"), path
        assert "station" in json.dumps(reply.json())


def test_problem_is_in_both_languages_when_a_path_is_unknown(service) -> None:
    for language, word in (("zh", "不存在"), ("en", "nothing")):
        reply = service.client.get("/v1/nothing", headers={"Accept-Language": language})
        assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
        body = reply.json()
        assert (body["code"], body["status"], body["instance"]) == ("path_unknown", 404, "/v1/nothing")
        assert word in body["detail"]
    wrong = service.client.post("/v1/members")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


def test_both_catalogues_have_the_same_codes_and_facts() -> None:
    zh, en = problems.catalogue("zh"), problems.catalogue("en")
    assert set(zh) == set(en)
    for code in zh:
        assert set(zh[code]) == set(en[code]) == {"title", "detail"}


def raised_by_the_service() -> list[type[errors.AllianceError]]:
    for module in pkgutil.walk_packages(api.__path__, "api."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
    found, open_ = [], [errors.AllianceError]
    while open_:
        for kind in open_.pop().__subclasses__():
            open_.append(kind)
            if kind.__module__.startswith("api."):
                found.append(kind)
    return found


NOT_SHOWN = {
    "KeysNotSeparate", "DatabaseForeign", "DatabaseUnsafe", "LogCorrupt", "IntentKeyUnknown", "CheckpointDiffers",
    "FollowHalted", "StateUnknown",
}  # fmt: skip
"""Errors of start and jobs: lines for the operator's log, never an answer."""


def test_every_error_of_the_service_has_its_texts_and_names_only_its_facts() -> None:
    for kind in raised_by_the_service():
        if kind.__name__ in NOT_SHOWN:
            continue
        error = kind.__new__(kind)
        facts = dict.fromkeys(getattr(kind, "__dataclass_fields__", {}), 1)
        for language in ("zh", "en"):
            entry = problems.catalogue(language).get(error.code)
            assert entry is not None, (kind.__module__, error.code, language)
            entry["detail"].format_map(facts)


def test_host_is_refused_when_it_is_a_rebound_name(service) -> None:
    assert service.client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400


def test_evidence_is_read_from_any_origin_when_a_verifier_asks_and_nothing_else_is(service) -> None:
    for path in ("/ipfs/bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy?format=raw", "/grants/00/1"):
        refused = service.client.get(path, headers={"Origin": "null"})
        assert refused.status_code >= 400
        assert refused.headers["access-control-allow-origin"] == "*"
    for path in ("/v1/members", "/readyz", "/openapi.json"):
        assert "access-control-allow-origin" not in service.client.get(path, headers={"Origin": "null"}).headers


def test_docs_show_the_interface_when_the_network_is_away(service) -> None:
    page = service.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http://" not in page.text
    assert "https://" not in page.text
    api = service.client.get("/openapi.json").json()
    assert api["openapi"].startswith("3.1")
    assert json.dumps(api) == json.dumps(build_app().openapi())


def test_page_is_served_when_it_was_built(service, tmp_path: Path) -> None:
    from dataclasses import replace

    from starlette.testclient import TestClient

    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>联盟</title>")
    (folder / "assets" / "app-1.js").write_text("1")
    (tmp_path / "key.txt").write_text("hidden")
    settings = service.platform.settings.model_copy(update={"page": folder})
    with TestClient(create_app(replace(service.platform, settings=settings))) as client:
        for path in ("/", "/stations/1", "/index.html"):
            assert client.get(path).text == "<title>联盟</title>"
        assert "immutable" in client.get("/assets/app-1.js").headers["cache-control"]
        assert client.get("/v1/nothing").status_code == 404
        assert client.get("/assets/gone.js").status_code == 404
        assert "hidden" not in client.get("/..%2fkey.txt").text
        assert client.get("/v1/members").json()["items"]


def test_answers_forbid_framing_and_guessing_when_a_browser_asks(service) -> None:
    headers = service.client.get("/v1/members").headers
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
