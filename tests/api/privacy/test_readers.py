"""Protocol 4.8, C21, E2: the archive is ciphertext; members read theirs, auditors what they were given, regulators all."""

import csv
import io

import pytest

from alliance.calendar import Day
from alliance.day import Grouping, groups_document
from alliance.fleet import BillingGroup, StationType
from alliance.identity import GroupId, StationId
from alliance.reading import ChannelKind
from api.documents import queries as documents
from api.jobs.grant import GrantReaders
from api.live.board import LiveValues
from api.privacy import repository
from api.privacy.vault import MasterKeyWrong, Vault
from chain import devices, registry
from chain.registry import StationSpec
from oracle import document
from oracle.encryption import KeyMissing
from oracle.grant import FolderGrants, GatewayGrants, Opener
from oracle.hashing import sha256
from oracle.log import EntryType
from oracle.signature import SecpSigner

T0 = 1_767_204_000_000
E0 = T0 // 900_000


def end_s(epoch: int) -> int:
    return (epoch + 1) * 900 + 120


@pytest.fixture
def lived(service):
    """Two epochs of both stations, closed."""
    boxes = [service.box(1), service.box(2)]
    for epoch in (E0, E0 + 1):
        service.upload(*(box.seal(epoch * 900_000 + 60_000, 3) for box in boxes))
        service.run_until(end_s(epoch))
    assert service.errors() == {}
    service.boxes = boxes
    return service


def more(service, epoch: int) -> None:
    service.upload(*(box.seal(epoch * 900_000 + 60_000, 3) for box in service.boxes))
    service.run_until(end_s(epoch))
    assert service.errors() == {}


def test_archive_holds_nothing_readable_when_a_service_runs_with_its_defaults(lived, opens, key) -> None:
    archive = lived.platform.archive
    raw = [archive.get(digest) for digest in archive.digests()]
    assert lived.platform.settings.encrypt
    assert len(raw) >= 2 * 4
    assert not [one for one in raw if b"SAR1" in one]
    assert opens(key("nobody"), E0) == {(E0, 1): False, (E0, 2): False}


def test_member_reads_its_own_station_and_no_other_when_its_key_is_registered(lived, desk, opens, key) -> None:
    mine = key("member 1")
    assert desk.register(mine, "member", "1", member=1).status_code == 201
    lived.tick(lived.world.now_s + 60)
    assert opens(mine, E0, E0 + 1) == {(E0, 1): True, (E0, 2): False, (E0 + 1, 1): True, (E0 + 1, 2): False}
    more(lived, E0 + 2)
    assert opens(mine, E0 + 2) == {(E0 + 2, 1): True, (E0 + 2, 2): False}


def test_auditor_reads_what_owners_gave_and_no_address_changes_when_it_is_added(lived, desk, opens, key) -> None:
    auditor, archive = key("auditor"), lived.platform.archive
    before = list(archive.digests())
    assert desk.register(auditor, "auditor", "1").status_code == 201
    assert desk.give(auditor, 2, "2").status_code == 201
    GrantReaders(lived.platform).run(lived.clock.t_ms)
    assert opens(auditor, E0, E0 + 1) == {(E0, 1): False, (E0, 2): True, (E0 + 1, 1): False, (E0 + 1, 2): True}
    assert desk.give(auditor, 1, "1").json()["subjects"] == [1, 2]
    GrantReaders(lived.platform).run(lived.clock.t_ms)
    assert set(opens(auditor, E0, E0 + 1).values()) == {True}
    assert list(archive.digests()) == before


def test_grants_are_deleted_and_end_when_a_reader_is_removed(lived, desk, opens, key) -> None:
    auditor, grants = key("auditor"), lived.platform.grants
    desk.register(auditor, "auditor", "1")
    desk.give(auditor, 1, "1")
    lived.tick(lived.world.now_s + 60)
    assert grants.epochs(auditor.fingerprint) == [E0, E0 + 1]
    assert desk.remove(auditor, "2").status_code == 403
    assert desk.remove(auditor, "1").status_code == 204
    assert grants.epochs(auditor.fingerprint) == []
    more(lived, E0 + 2)
    assert grants.epochs(auditor.fingerprint) == []
    assert set(opens(auditor, E0, E0 + 1, E0 + 2).values()) == {False}
    assert desk.remove(auditor, "1").json()["code"] == "reader_unknown"
    assert desk.register(auditor, "auditor", "1").status_code == 201  # it may come again, and begins with nothing
    lived.tick(lived.world.now_s + 60)
    assert grants.epochs(auditor.fingerprint) == []


def test_old_grants_lose_a_subject_when_it_is_taken_back(lived, desk, opens, key) -> None:
    auditor = key("auditor")
    desk.register(auditor, "auditor", "operator")
    for station in (1, 2):
        desk.give(auditor, station, str(station))
    lived.tick(lived.world.now_s + 60)
    assert set(opens(auditor, E0, E0 + 1).values()) == {True}
    assert desk.take_back(auditor, 1, "1").status_code == 204
    assert set(opens(auditor, E0, E0 + 1).values()) == {False}  # deleted at once, the rest is granted anew
    lived.tick(lived.world.now_s + 60)
    assert opens(auditor, E0, E0 + 1) == {(E0, 1): False, (E0, 2): True, (E0 + 1, 1): False, (E0 + 1, 2): True}


def test_grants_are_as_they_should_be_when_the_service_died_before_deleting_them(
    lived, desk, opens, key, monkeypatch
) -> None:
    auditor, gone = key("auditor"), key("gone")
    for reader in (auditor, gone):
        desk.register(reader, "auditor", "1")
        desk.give(reader, 1, "1")
    lived.tick(lived.world.now_s + 60)
    monkeypatch.setattr(FolderGrants, "drop", lambda self, reader, epoch: None)
    desk.take_back(auditor, 1, "1")
    desk.remove(gone, "1")
    assert set(opens(auditor, E0).items()) == {((E0, 1), True), ((E0, 2), False)}
    monkeypatch.undo()
    lived.tick(lived.world.now_s + 60)
    assert set(opens(auditor, E0, E0 + 1).values()) | set(opens(gone, E0, E0 + 1).values()) == {False}


def test_regulator_reads_everything_and_changes_nothing_when_the_operator_registered_it(
    lived, desk, opens, key
) -> None:
    regulator, wallet = key("regulator"), SecpSigner(b"\x41" * 32)
    account = "0x" + wallet.address.hex()
    assert desk.register(regulator, "regulator", "1").json()["code"] == "not_operator"
    assert desk.register(regulator, "regulator", "operator", account=account).json()["everything"] is True
    lived.tick(lived.world.now_s + 60)
    assert set(opens(regulator, E0, E0 + 1).values()) == {True}
    headers = {"Authorization": f"Bearer {lived.sign_in(wallet)}"}
    get = lambda path: lived.client.get(path, headers=headers)  # noqa: E731
    assert get("/v1/session").json()["regulator"] is True
    for station in (1, 2):
        assert len(get(f"/v1/readings?station={station}").json()["items"]) == 6
    put = lived.client.put("/v1/members/1/profile", headers=headers, json={"nameZh": "甲", "nameEn": "A"})
    assert put.status_code == 403
    assert desk.remove(regulator, "operator").status_code == 204
    assert get("/v1/readings?station=1").status_code == 403


def test_alliance_documents_are_ciphertext_for_all_but_their_readers_when_they_are_queued(service, desk, key) -> None:
    platform, content = service.platform, {"kind": "statement", "cents": [1, -1]}
    group = BillingGroup(number=GroupId(1), stations=(StationId(1),))
    rules = groups_document(Grouping(from_day=Day(20_000), groups=(group,)))
    with platform.database.writing() as connection:
        row = documents.queue(platform, connection, kind=EntryType.STATEMENT, name="s/1", content=content)
        pack = documents.queue(platform, connection, kind=EntryType.RULE_PACK, name="r/1", content=rules)
        assert documents.queue(platform, connection, kind=EntryType.STATEMENT, name="s/1", content=content) == row
    assert documents.content_of(row) == content
    assert document.open_block(pack.document.block) == rules
    with pytest.raises(KeyMissing):
        document.open_block(row.document.block)
    member, auditor = key("member 3"), key("auditor")
    desk.register(member, "member", "3", member=3)
    desk.register(auditor, "auditor", "3")
    assert desk.give(auditor, 0, "3").json()["code"] == "not_operator"
    service.run_until(end_s(E0))
    folder, digest = platform.grants, row.document.digest
    assert Opener(auditor, folder).key_of(digest, row.epoch) is None
    assert desk.give(auditor, 0, "operator").status_code == 201
    service.tick(service.world.now_s + 60)
    for reader in (member, auditor):
        opened = document.open_block(
            platform.archive.get(digest), commitment=row.document.entry.commitment,
            content_key=Opener(reader, folder).key_of(digest, row.epoch),
        )  # fmt: skip
        assert opened == content


def test_grants_come_over_http_when_a_gateway_is_asked(lived, desk, opens, key) -> None:
    mine = key("member 1")
    desk.register(mine, "member", "1", member=1)
    lived.tick(lived.world.now_s + 60)
    source = GatewayGrants("http://testserver", client=lived.client)
    assert opens(mine, E0, source=source) == {(E0, 1): True, (E0, 2): False}
    reply = lived.client.get(f"/grants/{mine.fingerprint}/{E0}")
    assert (reply.headers["cache-control"], reply.headers["content-type"]) == (
        "no-store",
        "application/vnd.ipld.dag-cbor",
    )
    assert lived.client.get(f"/grants/{mine.fingerprint}/{E0 + 9}").json()["code"] == "grant_unknown"
    assert lived.client.get("/grants/../service.sqlite/1").status_code in (400, 404)
    assert lived.client.get(f"/grants/{'g' * 20}/1").status_code == 400


def test_stations_are_their_owners_to_give_when_others_try(service, desk, key) -> None:
    auditor, member = key("auditor"), key("member 1")
    desk.register(auditor, "auditor", "3")
    desk.register(member, "member", "1", member=1)
    for who, subject, code in (
        ("2", 1, "not_yours"), ("3", 1, "not_yours"), ("operator", 1, "not_yours"), ("1", 9, "station_unknown"),
        ("1", 0, "not_operator"),
    ):  # fmt: skip
        assert desk.give(auditor, subject, who).json()["code"] == code, (who, subject)
        assert desk.take_back(auditor, subject, who).json()["code"] == code
    assert desk.give(member, 1, "1").json()["code"] == "scope_fixed"
    assert desk.register(key("x"), "member", "2", member=1).json()["code"] == "not_yours"
    assert desk.register(key("x"), "member", "1").json()["code"] == "reader_not_given"
    assert desk.register(key("x"), "auditor", "1", member=1).json()["code"] == "reader_not_given"
    assert desk.register(key("x"), "auditor", "1", account="0x" + "11" * 20).json()["code"] == "reader_not_given"
    assert desk.register(auditor, "auditor", "1").json()["code"] == "reader_known"
    bad = {"publicKey": "0x" + "00" * 32, "kind": "auditor", "name": "x"}
    assert desk.ask("POST", "/v1/readers", "1", bad).json()["code"] == "reader_key_unusable"


def test_trail_tells_who_gave_what_when_and_shows_a_member_what_concerns_it(lived, desk, key) -> None:
    auditor, regulator, member = key("auditor"), key("regulator"), key("member 2")
    desk.register(auditor, "auditor", "1")
    desk.give(auditor, 1, "1")
    desk.take_back(auditor, 1, "1")
    desk.register(regulator, "regulator", "operator")
    desk.register(member, "member", "2", member=2)
    everything = desk.ask("GET", "/v1/readers/trail", "operator").json()["items"]
    owner = "0x" + lived.world.members[0].address.hex()
    assert [(a["what"], a["kind"], a["subject"]) for a in everything] == [
        ("reader_added", "auditor", None), ("given", "auditor", 1), ("taken_back", "auditor", 1),
        ("reader_added", "regulator", None), ("reader_added", "member", None),
    ]  # fmt: skip
    assert [a["by"] for a in everything[:3]] == [owner] * 3
    assert everything[3]["by"] == "operator"
    assert {a["at"] for a in everything} == {lived.clock.t_ms}
    others = desk.ask("GET", "/v1/readers/trail", "2").json()["items"]
    assert [a["kind"] for a in others] == ["regulator", "member"]  # nothing of station 1
    assert {r["kind"] for r in desk.ask("GET", "/v1/readers", "2").json()} == {"regulator", "member"}
    assert {r["kind"] for r in desk.ask("GET", "/v1/readers", "1").json()} == {"auditor", "regulator"}
    table = list(csv.reader(io.StringIO(desk.ask("GET", "/v1/readers/trail.csv", "operator").text)))
    assert [row[2] for row in table] == ["what", *(a["what"] for a in everything)]
    page = desk.ask("GET", "/v1/readers/trail?limit=2", "operator").json()
    rest = desk.ask("GET", f"/v1/readers/trail?cursor={page['next']}", "operator").json()
    assert page["items"] + rest["items"] == everything
    stranger = SecpSigner(b"\x42" * 32)
    headers = {"Authorization": f"Bearer {lived.sign_in(stranger)}"}
    assert lived.client.get("/v1/readers", headers=headers).json()["code"] == "not_yours"


def test_subject_keys_are_ciphertext_in_the_database_when_they_are_stored(lived) -> None:
    platform = lived.platform
    path = platform.settings.state / "keys" / "master"
    assert path.stat().st_mode & 0o777 == 0o600
    with platform.database.reading() as connection:
        stored = {subject: repository.live_key(connection, subject) for subject in (1, 2)}
    assert stored[1] is not None
    assert stored[1] != stored[2]
    generation, wrapped = stored[1]
    clear = platform.vault.unwrap(wrapped, subject=1, generation=generation)
    platform.database.scrub()
    raw = platform.settings.database_path.read_bytes()
    assert wrapped in raw
    assert clear not in raw
    assert platform.vault.master not in raw
    for wrong in ({"subject": 2}, {"generation": generation + 1}):
        with pytest.raises(MasterKeyWrong):
            platform.vault.unwrap(wrapped, **{"subject": 1, "generation": generation, **wrong})
    with pytest.raises(MasterKeyWrong):
        Vault(master=b"\x01" * 32).unwrap(wrapped, subject=1, generation=generation)


def test_evidence_is_its_stations_for_which_it_was_measured_when_a_channel_moves(
    fresh_chain, service, desk, opens, key, rows
) -> None:
    """An auditor of the station before reads what was measured for it, one of the next station nothing from before."""
    world, box = service.world, service.box(1)
    before, after = key("station 1"), key("station 3")
    service.upload(box.seal(T0 + 60_000, 3))
    spec = StationSpec(
        station_type=StationType.USER_SIDE, region=320722, charge_power_w=1, discharge_power_w=1, capacity_wh=1,
        pcc_import_w=1, pcc_export_w=1,
    )  # fmt: skip
    world.send(world.members[0], "AllianceRegistry", registry.register_station(spec))
    safe = registry.sign_safety_agreement(StationId(3), sha256(b"safety"))
    world.send(world.members[0], "AllianceRegistry", safe)
    moved = devices.bind_channel(
        box.device, 1, kind=ChannelKind.METER, station=StationId(3), from_s=(E0 + 1) * 900
    )  # fmt: skip
    world.send(world.attestor, "DeviceRegistry", moved)
    service.tick(world.now_s + 60)
    for reader, station in ((before, 1), (after, 3)):
        desk.register(reader, "auditor", "1")
        assert desk.give(reader, station, "1").status_code == 201
    service.run_until(end_s(E0))
    service.upload(box.seal((E0 + 1) * 900_000 + 60_000, 3))
    service.run_until(end_s(E0 + 1))
    assert service.errors() == {}
    assert opens(before, E0, E0 + 1) == {(E0, 1): True, (E0 + 1, 1): False}
    assert opens(after, E0, E0 + 1) == {(E0, 1): False, (E0 + 1, 1): True}


def test_archive_is_plain_when_a_developer_turns_encryption_off(service, key) -> None:
    platform = service.platform
    object.__setattr__(platform.vault, "encrypts", False)
    service.upload(service.box(1).seal(T0 + 60_000, 3))
    service.run_until(end_s(E0))
    assert any(b"SAR1" in platform.archive.get(digest) for digest in platform.archive.digests())


def test_what_is_measured_is_shown_to_its_owner_alone_when_it_is_asked_over_http(lived, desk) -> None:
    """P17: receipts, curves and live values, not only the archive."""
    box, alliance = lived.boxes[0], lived.world.deployment.domain.alliance
    receipt = f"/v1/readings/0x{alliance.hex()}:0x{box.device.hex()}:1:1/receipt"
    lived.run_until(end_s(E0 + 1) + 180)
    for path in (receipt, "/v1/stations/1/curve", "/v1/readings?station=1"):
        assert lived.client.get(path).status_code == 401, path
        assert {who: desk.ask("GET", path, who).status_code for who in ("1", "2", "3", "operator")} == {
            "1": 200, "2": 403, "3": 403, "operator": 200,
        }, path  # fmt: skip
    for station in (1, 2):
        lived.platform.live.put(live_values(station, lived))
    shown = {who: desk.ask("GET", "/v1/live", who).json()["stations"] for who in ("1", "2", "3", "operator")}
    assert {who: [s["station"] for s in found] for who, found in shown.items()} == {
        "1": [1], "2": [2], "3": [], "operator": [1, 2],
    }  # fmt: skip
    assert lived.client.get("/v1/live").json()["stations"] == []


def live_values(station: int, service) -> LiveValues:
    device = service.world.device_keys[station - 1].address
    return LiveValues(
        station=StationId(station), device=device, t_ms=service.clock.t_ms, power_w=1, battery_power_w=1, soc_bp=5000,
        set_power_w=0, status="run", alarms=(),
    )  # fmt: skip
