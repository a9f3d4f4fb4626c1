"""P17: every endpoint by every role: stranger, member (owner of station 1), other member, operator, regulator.

An unlisted endpoint fails. Where a row says nothing of regulators, they read as the operator and write as any stranger to
the thing does.
"""

import json
from pathlib import Path

import pytest

from alliance.fleet import StationType
from alliance.identity import StationId
from alliance.reading import ChannelKind
from api.app import build_app
from chain import devices, registry
from chain.registry import StationSpec
from oracle.grant import ReaderKey
from oracle.hashing import sha256
from oracle.signature import SecpSigner

T0 = 1_767_204_000_000
ROLES = ("public", "owner", "other", "operator", "regulator")
LISTED = [
    row
    for path in sorted(Path(__file__).parent.rglob("access.json"))
    for row in json.loads(path.read_text(encoding="utf-8"))
]
NO_KEY = {
    ("POST", "/v1/segments"), ("POST", "/v1/live"), ("POST", "/v1/directives"), ("POST", "/v1/directives/answers"),
    ("POST", "/v1/configurations"), ("POST", "/v1/configurations/answers"),
}  # fmt: skip
"""POSTs that name themselves (by digest, live values by device and time) need no Idempotency-Key."""
PARAMETERS = {
    "station": "1", "proposal": "1", "member": "1", "cid": "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
    "schedule": "0x" + "11" * 32, "day": "2026-01-01", "version": "1", "index": "0",
    "path": "0/000", "fingerprint": "ab" * 10, "device": "0x" + "11" * 20,
    "epoch": "7", "subject": "1", "hashed": "0x" + "11" * 32, "instruction": "1", "plan": "1", "directive": "0x" + "11" * 32,
}  # fmt: skip


def operations() -> set[tuple[str, str]]:
    paths = build_app().openapi()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_every_endpoint_is_listed_when_it_exists() -> None:
    listed = [(row["method"], row["path"]) for row in LISTED]
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == operations()


def test_every_post_takes_an_idempotency_key_unless_it_names_itself() -> None:
    paths = build_app().openapi()["paths"]
    without = {
        ("POST", path)
        for path, methods in paths.items()
        if "post" in methods
        and not any(p["name"] == "Idempotency-Key" and p["required"] for p in methods["post"].get("parameters", []))
    }
    assert without == NO_KEY


@pytest.fixture
def tokens(service, admin_token: str) -> dict[str, str | None]:
    service.upload(service.box().seal(T0, 15))
    return {
        "public": None,
        "owner": service.sign_in(service.world.members[0]),
        "other": service.sign_in(service.world.members[1]),
        "operator": admin_token,
        "regulator": regulator_token(service, admin_token),
    }


def regulator_token(service, admin_token: str) -> str:
    """A wallet that the operator registered as a regulator's."""
    wallet = SecpSigner(b"\x33" * 32)
    body = {
        "publicKey": "0x" + ReaderKey(b"\x34" * 32).public.hex(), "kind": "regulator", "name": "能监",
        "account": "0x" + wallet.address.hex(),
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {admin_token}", "Idempotency-Key": "regulator"}
    assert service.client.post("/v1/readers", json=body, headers=headers).status_code == 201
    return service.sign_in(wallet)


def wanted(row: dict, role: str) -> int:
    if role == "regulator" and role not in row:
        return row["operator"] if row["method"] == "GET" else row["other"]
    return row[role]


def ask(service, row: dict, token: str | None, *, attempt: str):
    name = f"0x{service.world.deployment.domain.alliance.hex()}:0x{service.box().device.hex()}:1:3"
    path = row["path"].format(**PARAMETERS, name=name)
    headers = dict(row.get("headers", {}))
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if row.get("key"):
        headers["Idempotency-Key"] = attempt
    if row.get("dag_cbor"):
        headers["Content-Type"] = "application/vnd.ipld.dag-cbor"
        return service.client.request(row["method"], path, headers=headers, content=b"\xff")
    return service.client.request(row["method"], path, headers=headers, params=row.get("query"), json=row.get("body"))


def test_every_role_gets_what_is_listed_when_it_asks(service, tokens) -> None:
    wrong = []
    for row in sorted(LISTED, key=lambda row: (row["method"] == "DELETE", row["path"] == "/v1/session")):
        for role in ROLES:
            reply = ask(service, row, tokens[role], attempt=role)
            if reply.status_code != wanted(row, role):
                want = wanted(row, role)
                wrong.append((row["method"], row["path"], role, want, reply.status_code, reply.text[:200]))
    assert wrong == []


def test_forged_and_old_tokens_are_strangers_when_they_ask(service, tokens) -> None:
    guarded = [row for row in LISTED if row["public"] == 401]
    assert guarded
    for row in guarded:
        for token in ("x", tokens["owner"][:-1] + "x", tokens["operator"] + "x"):
            assert ask(service, row, token, attempt=token).status_code == 401, row["path"]


def test_readings_are_the_owners_alone_when_a_window_is_asked(service, tokens) -> None:
    box = service.box(2)
    service.upload(box.seal(T0, 5))
    mine = {"Authorization": f"Bearer {tokens['owner']}"}
    theirs = {"Authorization": f"Bearer {tokens['other']}"}
    shown = service.client.get("/v1/readings?station=1", headers=mine).json()["items"]
    assert len(shown) == 15
    assert {reading["device"] for reading in shown} == {"0x" + service.box().device.hex()}
    assert service.client.get("/v1/readings?station=2", headers=mine).json()["code"] == "not_yours"
    assert len(service.client.get("/v1/readings?station=2", headers=theirs).json()["items"]) == 5
    assert service.client.get("/v1/readings?station=9", headers=mine).json()["code"] == "station_unknown"


def test_readings_end_with_the_binding_when_the_channel_went_to_another_station(
    fresh_chain, service, admin_token
) -> None:
    """An owner keeps what was measured for his station and sees nothing that is measured for the next one."""
    world, box = service.world, service.box()
    service.upload(box.seal(T0, 15))
    second = StationSpec(
        station_type=StationType.USER_SIDE, region=320722, charge_power_w=1, discharge_power_w=1, capacity_wh=1,
        pcc_import_w=1, pcc_export_w=1,
    )  # fmt: skip
    world.send(world.members[0], "AllianceRegistry", registry.register_station(second))
    safe = registry.sign_safety_agreement(StationId(3), sha256(b"safety"))
    world.send(world.members[0], "AllianceRegistry", safe)
    moved = devices.bind_channel(
        box.device, 1, kind=ChannelKind.METER, station=StationId(3), from_s=T0 // 1000 + 300
    )  # fmt: skip
    world.send(world.attestor, "DeviceRegistry", moved)
    service.tick(world.now_s + 60)
    operator = {"Authorization": f"Bearer {admin_token}"}
    for station, want in ((1, list(range(5))), (3, list(range(5, 15)))):
        page = service.client.get(f"/v1/readings?station={station}", headers=operator).json()
        assert [reading["seq"] for reading in page["items"]] == want
