"""Protocol 4.8.4: an erased station's evidence is unreadable for everyone and gone from disk, and all that it proved stands."""

import subprocess
import sys
from pathlib import Path

import pytest

from alliance.errors import AllianceError
from alliance.identity import Digest
from api.jobs.grant import GrantReaders
from api.privacy import erasure
from api.statements import queries as statements
from api.statements.queries import PostedRow
from oracle import block, cbor, log, manifest, merkle
from oracle.encryption import ContentKeyWrong
from oracle.grant import FolderGrants
from tests.api.test_epochs import checkpoint, manifest_of

T0 = 1_767_204_000_000
E0 = T0 // 900_000
WORDS = "erase the evidence of station 1"


def end_s(epoch: int) -> int:
    return (epoch + 1) * 900 + 120


def feed(service, epoch: int) -> list:
    sent = [box.seal(epoch * 900_000 + 60_000, 3) for box in service.boxes]
    service.upload(*sent)
    return sent


@pytest.fixture
def lived(service, desk, key):
    """Two epochs of both stations, closed, with a regulator and a member reading."""
    service.boxes = [service.box(1), service.box(2)]
    desk.register(key("regulator"), "regulator", "operator")
    desk.register(key("member 1"), "member", "1", member=1)
    desk.register(key("member 2"), "member", "2", member=2)
    for epoch in (E0, E0 + 1):
        feed(service, epoch)
        service.run_until(end_s(epoch))
    assert service.errors() == {}
    return service


def erase(desk, who: str = "operator", *, force: bool = True, confirm: str = WORDS):
    return desk.ask("POST", "/v1/stations/1/erasure", who, {"confirm": confirm, "force": force})


def on_disk(service) -> bytes:
    """Every byte of the database, its log included."""
    path = service.platform.settings.database_path
    return b"".join(found.read_bytes() for found in sorted(path.parent.glob(f"{path.name}*")))


def test_evidence_is_unreadable_and_gone_from_disk_when_it_was_erased(lived, desk, opens, key) -> None:
    regulator, member = key("regulator"), key("member 1")
    secrets = [lived.content_key(row_digest(lived, epoch, 1)) for epoch in (E0, E0 + 1)]
    assert None not in secrets
    with lived.platform.database.reading() as connection:
        stored = erasure.repository.live_key(connection, 1)
    device = lived.boxes[0].device
    mine = [s.readings for s in archived(lived, 1, secrets)]
    assert stored is not None
    assert all(one[:64] in on_disk(lived) for one in mine)
    assert erase(desk).status_code == 201
    left = on_disk(lived)
    assert not [one for one in mine if one[:64] in left or one[-64:] in left]
    assert stored[1] not in left
    assert lived.content_key(row_digest(lived, E0, 1)) is None
    GrantReaders(lived.platform).run(lived.clock.t_ms)
    assert opens(regulator, E0, E0 + 1) == {(E0, 1): False, (E0, 2): True, (E0 + 1, 1): False, (E0 + 1, 2): True}
    assert set(opens(member, E0, E0 + 1).values()) == {False}
    neighbour = opens(key("member 2"), E0, E0 + 1)
    assert neighbour == {(E0, 1): False, (E0, 2): True, (E0 + 1, 1): False, (E0 + 1, 2): True}
    name = f"0x{lived.world.deployment.domain.alliance.hex()}:0x{device.hex()}:1:1"
    reply = lived.client.get(f"/v1/readings/{name}/receipt", headers={"Authorization": f"Bearer {desk.token('1')}"})
    assert (reply.status_code, reply.json()["code"]) == (404, "reading_erased")
    shown = desk.ask("GET", "/v1/readings?station=1", "1")
    assert (shown.status_code, shown.json()["items"]) == (200, [])
    assert len(desk.ask("GET", "/v1/readings?station=2", "2").json()["items"]) == 6


def test_every_proof_still_verifies_when_evidence_was_erased(lived, desk) -> None:
    before = list(lived.platform.archive.digests())
    erase(desk)
    lived.tick(lived.world.now_s + 60)
    assert list(lived.platform.archive.digests()) == before
    raw: list[bytes] = []
    for epoch in (E0, E0 + 1):
        made = manifest_of(lived, epoch)
        entries = log.decode_entries(lived.platform.archive.get(made.entries))
        raw += [entry.raw for entry in entries]
        assert merkle.root_of([merkle.leaf_hash(one) for one in raw]) == made.root == checkpoint(lived, epoch).root
        logged = {entry.segment_digest for entry in entries if entry.type is log.EntryType.SEGMENT}
        rows = [row for row in made.rows if row.evidence]
        assert len(rows) == 2
        for row in rows:
            clear = block.read(lived.platform.archive.get(row.evidence), lived.world.deployment.domain)
            assert {one.digest for one in clear.signed} <= logged
            assert {one.signer for one in clear.signed} == {row.device}
            assert clear.signed[-1].digest == row.head
        manifest.check_rows(made, {(row.device, row.channel) for row in made.rows})


def test_new_evidence_has_a_new_key_when_the_station_goes_on(lived, desk, opens, key) -> None:
    feed(lived, E0 + 2)  # stands in the open epoch when the erasure is asked for
    answer = erase(desk).json()
    assert (answer["throughEpoch"], answer["doneAt"]) == (E0 + 2, None)
    lived.run_until(end_s(E0 + 2))
    feed(lived, E0 + 3)
    lived.run_until(end_s(E0 + 3))
    assert lived.errors() == {}
    want = {(epoch, 1): epoch > E0 + 2 for epoch in range(E0, E0 + 4)}
    assert opens(key("regulator"), *range(E0, E0 + 4)) == want | {(epoch, 2): True for epoch in range(E0, E0 + 4)}
    acts = [a["what"] for a in desk.ask("GET", "/v1/readers/trail", "1").json()["items"] if a["subject"] == 1]
    assert acts == ["erasure_asked", "erased"]
    retried = lived.upload(archived_box(lived))  # a box that missed the acknowledgement sends again
    assert len(retried["acks"]) == 1


def archived_box(service):
    box = service.box(1)
    return box.seal(E0 * 900_000 + 60_000, 3)


def test_keys_stay_destroyed_when_the_service_died_before_files_were_deleted(
    lived, desk, opens, key, monkeypatch
) -> None:
    monkeypatch.setattr(erasure, "finish_files", lambda platform, subjects: None)
    erase(desk)
    monkeypatch.undo()
    assert opens(key("regulator"), E0)[(E0, 1)]  # the old grant is a copy that still opens …
    lived.tick(lived.world.now_s + 60)
    assert not opens(key("regulator"), E0)[(E0, 1)]  # … until the next round replaces it
    lived.run_until(end_s(E0 + 2))
    assert opens(key("regulator"), E0) == {(E0, 1): False, (E0, 2): True}


def test_a_copied_grant_still_opens_a_copied_block_when_evidence_was_erased(lived, desk, key, tmp_path: Path) -> None:
    """The limit that the documents state: what a reader copied before cannot be recalled."""
    regulator, copy = key("regulator"), FolderGrants(tmp_path)
    place = copy.path(regulator.fingerprint, E0)
    place.parent.mkdir(parents=True)
    place.write_bytes(lived.platform.grants.get(regulator.fingerprint, E0))
    erase(desk)
    opener = erasure_opener(regulator, copy)
    digest = row_digest(lived, E0, 1)
    raw = lived.platform.archive.get(digest)
    assert block.decode(raw, lived.world.deployment.domain, content_key=opener.key_of(digest, E0))
    with pytest.raises(ContentKeyWrong):
        block.decode(raw, lived.world.deployment.domain, content_key=b"\x01" * 32)


def erasure_opener(reader, folder):
    from oracle.grant import Opener

    return Opener(reader, folder)


@pytest.mark.parametrize(
    ("who", "force", "confirm", "code"),
    [
        ("2", False, WORDS, "not_yours"),
        ("1", False, WORDS, "evidence_still_needed"),
        ("operator", False, WORDS, "evidence_still_needed"),
        ("1", True, WORDS, "not_yours"),
        ("operator", True, "yes", "erasure_not_confirmed"),
    ],
)
def test_erasure_is_refused_when_it_is_not_ones_own_not_confirmed_or_too_early(
    lived, desk, opens, key, who: str, force: bool, confirm: str, code: str
) -> None:
    assert erase(desk, who, force=force, confirm=confirm).json()["code"] == code
    assert opens(key("regulator"), E0)[(E0, 1)]


def test_owner_erases_when_every_day_of_the_station_is_final(lived, desk, opens, key, monkeypatch) -> None:
    window_ms = lived.platform.settings.correction_window_minutes * 60_000
    posted = [fake_posting(lived, lived.clock.t_ms - window_ms)]
    monkeypatch.setattr(statements, "posted", lambda connection, day: posted)
    assert erase(desk, "1", force=False).status_code == 201
    assert not opens(key("regulator"), E0).get((E0, 1))


def fake_posting(service, t_ms: int) -> PostedRow:
    day = erasure.day_at(t_ms)
    digest = Digest(bytes(32))
    return PostedRow(
        day=day, version=1, root=digest, leaf_count=0, statement=digest, members=(), balances_cents=(),
        time_s=t_ms // 1000, block=1,
    )  # fmt: skip


def test_day_is_not_corrected_from_what_is_left_when_its_readings_were_erased(lived, desk) -> None:
    day = erasure.day_at(T0)
    with lived.platform.database.reading() as connection:
        assert not erasure.touches(connection, day)
    erase(desk)
    with lived.platform.database.reading() as connection:
        assert erasure.touches(connection, day)
        assert not erasure.touches(connection, day.plus(1))


def test_proof_of_equivocation_keeps_what_was_signed_alone_when_evidence_was_erased(lived, desk) -> None:
    box = lived.boxes[0]
    honest, forked = box.seal(T0 + 40 * 60_000, 3, advance=False), box.seal(T0 + 41 * 60_000, 3, advance=False)
    lived.upload(honest)
    assert lived.upload(forked)["refused"][0]["code"] == "segment_conflicts"
    assert forked.readings in b"".join(raws(lived))
    erase(desk)
    assert forked.readings not in on_disk(lived)
    (conflict,) = lived.client.get("/v1/segments/conflicts").json()["items"]
    assert conflict["refused"]["digest"] == "0x" + forked.signed.digest.hex()
    plain = [cbor.decode(raw) for raw in raws(lived)]
    assert [(one["readings"], one["secret"]) for one in plain] == [(b"", bytes(32))]


def raws(service) -> list[bytes]:
    with service.platform.database.reading() as connection:
        return list(connection.execute(erasure.select(erasure.conflicts.c.raw)).scalars())


def test_command_erases_when_the_service_is_stopped(lived, opens, key, tmp_path: Path) -> None:
    settings = lived.platform.settings
    file = tmp_path / "service.toml"
    file.write_text(f'state = "{settings.state}"\nrpc_url = "{settings.rpc_url}"\n')
    command = [sys.executable, "-m", "api.main", "erase", "--station", "1", "--settings", str(file)]
    for more, code in (
        (["--confirm", "no", "--force"], "erasure_not_confirmed"), (["--confirm", WORDS], "evidence_still_needed"),
    ):  # fmt: skip
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        assert (done.returncode, code in done.stderr) == (1, True), done.stderr
    done = subprocess.run([*command, "--confirm", WORDS, "--force"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "station 1: erased" in done.stdout
    assert not opens(key("regulator"), E0).get((E0, 1))
    lived.tick(lived.world.now_s + 60)
    assert opens(key("regulator"), E0) == {(E0, 1): False, (E0, 2): True}


def row_digest(service, epoch: int, station: int) -> Digest:
    row = manifest_of(service, epoch).row(service.world.device_keys[station - 1].address, 1)
    assert row is not None
    assert row.evidence is not None
    return row.evidence


def archived(service, station: int, keys: list) -> list:
    found = []
    for epoch, key in zip((E0, E0 + 1), keys, strict=True):
        raw = service.platform.archive.get(row_digest(service, epoch, station))
        try:
            found += block.decode(raw, service.world.deployment.domain, content_key=key)
        except AllianceError as error:
            pytest.fail(str(error))
    return found
