"""Protocol 4 and 5: epochs close in order, are archived before they are sent, and stand on chain as the archive says."""

import pytest
from sqlalchemy import select, update

from alliance.calendar import Day
from alliance.day import Grouping, RuleDocumentUnknown, groups_document
from alliance.fleet import BillingGroup
from alliance.identity import ZERO_DIGEST, GroupId, StationId
from api.documents import queries as documents
from api.documents.queries import DocumentNameTaken
from api.epochs import queries as epochs
from api.epochs.repository import entries
from api.epochs.tree import LogCorrupt, LogTree
from chain import anchors
from chain.anchors import AnchorLog
from oracle import block, document, log, manifest, merkle, receipt, rows
from oracle.hashing import sha256
from oracle.log import EntryType
from oracle.manifest import Manifest, RowStatus
from oracle.receipt import verify

T0 = 1_767_204_000_000
E0 = T0 // 900_000
MINUTE = 60_000
OPERATOR = {"Authorization": "Bearer operator-token-of-the-tests"}


def epoch_end_s(epoch: int) -> int:
    return (epoch + 1) * 900


def checkpoint(service, epoch: int) -> epochs.CheckpointRow:
    with service.platform.database.reading() as connection:
        found = epochs.checkpoint_of(connection, epoch)
    assert found is not None
    return found


def manifest_of(service, epoch: int) -> Manifest:
    return manifest.decode(service.platform.archive.get(checkpoint(service, epoch).manifest))


def log_of(service, last: int) -> list[bytes]:
    """The log rebuilt from manifests alone."""
    raw: list[bytes] = []
    for epoch in range(E0, last + 1):
        found = log.decode_entries(service.platform.archive.get(manifest_of(service, epoch).entries))
        raw += [entry.raw for entry in found]
    return raw


def test_epoch_stands_on_chain_with_its_evidence_when_it_is_over(service) -> None:
    meter, battery, other = service.box(), service.box(channel=2), service.box(2)
    sent = [meter.seal(T0, 8), meter.seal(T0 + 8 * MINUTE, 7), battery.seal(T0, 0), other.seal(T0 - 5 * MINUTE, 9)]
    service.upload(*sent)
    service.run_until(epoch_end_s(E0) + 240)
    assert service.errors() == {}
    made = manifest_of(service, E0)
    rows = {(row.device, row.channel): row for row in made.rows}
    status = {(k, c): rows[(service.world.device_keys[k].address, c)].status for k in (0, 1) for c in (1, 2)}
    assert status == {
        (0, 1): RowStatus.LIVE, (0, 2): RowStatus.GAP, (1, 1): RowStatus.LATE, (1, 2): RowStatus.SILENT,
    }  # fmt: skip
    live = rows[(meter.device, 1)]
    assert (live.first_seq, live.last_seq, live.head) == (0, 14, meter.head.digest)
    manifest.check_rows(made, {(key.address, c) for key in service.world.device_keys[:2] for c in (1, 2)})
    assert live.evidence is not None
    domain = service.world.deployment.domain
    key = service.content_key(live.evidence)
    evidence = block.decode(service.platform.archive.get(live.evidence), domain, content_key=key)
    assert list(evidence) == sent[:2]
    found = log.decode_entries(service.platform.archive.get(made.entries))
    by_stream = sorted(sent, key=lambda s: (s.signed.segment.device, s.signed.segment.channel))
    assert found == log.arrange(E0, [s.signed for s in by_stream], [])
    assert made.root == merkle.root_of([merkle.leaf_hash(entry.raw) for entry in found])
    assert (made.prev, made.size, made.log) == (ZERO_DIGEST, 5, service.world.deployment.log)
    state = AnchorLog(service.world.rpc, service.world.deployment["AnchorLog"].address).state()
    assert (state.epoch, state.size, state.root) == (E0, made.size, made.root)


def test_as_of_is_the_last_block_before_the_epoch_when_blocks_are_followed(service) -> None:
    service.run_until(epoch_end_s(E0 + 1) + 240)
    made = manifest_of(service, E0 + 1)
    block_ = service.world.rpc.block(made.as_of_block)
    following = service.world.rpc.block(made.as_of_block + 1)
    assert block_ is not None
    assert following is not None
    assert block_.hash == made.as_of_hash
    assert block_.timestamp_s < (E0 + 1) * 900 <= following.timestamp_s


def test_missed_epochs_are_anchored_each_in_order_when_the_service_was_away(service) -> None:
    service.upload(service.box().seal(T0))
    world = service.world
    while world.now_s < epoch_end_s(E0 + 4) + 60:
        world.mine_at(world.now_s + 60)
    service.run_until(world.now_s + 12 * 60)
    assert service.errors() == {}
    made = [manifest_of(service, epoch) for epoch in range(E0, E0 + 5)]
    assert [m.epoch for m in made] == list(range(E0, E0 + 5))
    blocks = [checkpoint(service, m.epoch).block for m in made]
    assert blocks == sorted(set(blocks))
    assert [m.prev for m in made[1:]] == [checkpoint(service, m.epoch).manifest for m in made[:-1]]
    raw = log_of(service, E0 + 4)
    assert len(raw) == len(set(raw)) == made[-1].size
    assert merkle.root_of([merkle.leaf_hash(one) for one in raw]) == made[-1].root


def test_epochs_catch_up_in_order_when_the_chain_was_down_for_an_hour(service) -> None:
    world, box = service.world, service.box()
    service.run_until(epoch_end_s(E0) + 120)
    url, down = service.platform.rpc.url, "http://127.0.0.1:9"
    service.platform.rpc.url = down
    acknowledged = []
    for minute in range(60):
        t_s = world.now_s + 60 * (minute + 1)
        service.tick(t_s, mine=False)
        if minute % 15 == 14:
            acknowledged += service.upload(box.seal(t_s * 1000, 1))["acks"]
    assert set(service.errors()) == {"follow", "send", "close epochs"}
    assert len(acknowledged) == 4
    service.platform.rpc.url = url
    resumed_s = service.clock.t_ms // 1000
    for minute in range(1, 22):
        service.tick(resumed_s + 60 * minute)
    assert service.errors() == {}
    raw = log_of(service, E0 + 5)
    logged = [log.parse(one).segment_digest for one in raw if log.parse(one).type is EntryType.SEGMENT]
    assert ["0x" + one.hex() for one in logged] == [ack["segment"] for ack in acknowledged]
    for ack in acknowledged:
        row = manifest_of(service, int(ack["epoch"])).row(box.device, 1)
        assert row is not None
        assert row.status is RowStatus.LIVE


def test_document_is_logged_once_when_it_is_queued_again(service) -> None:
    platform = service.platform
    grouping = Grouping(from_day=Day(20_000), groups=(BillingGroup(number=GroupId(1), stations=(StationId(2),)),))
    content = groups_document(grouping)
    with platform.database.writing() as connection:
        first = documents.queue(platform, connection, kind=EntryType.RULE_PACK, name="tariff/1", content=content)
    with platform.database.writing() as connection:
        again = documents.queue(platform, connection, kind=EntryType.RULE_PACK, name="tariff/1", content=content)
        with pytest.raises(DocumentNameTaken):
            documents.queue(platform, connection, kind=EntryType.RULE_PACK, name="tariff/1", content={"kind": "x"})
    assert again == first
    service.run_until(epoch_end_s(E0) + 240)
    made = manifest_of(service, E0)
    found = [e for e in log.decode_entries(platform.archive.get(made.entries)) if e.type is EntryType.RULE_PACK]
    assert found == [first.document.entry]
    fixed = [e for e in log.decode_entries(platform.archive.get(made.entries)) if e.type is EntryType.ROWS]
    assert fixed == [rows.rows_entry(first.document.digest, rows.rows_root(rows.grouping_rows(grouping)))]
    opened = document.open_block(platform.archive.get(first.document.digest), commitment=found[0].commitment)
    assert opened == content


def test_document_is_refused_when_its_rows_cannot_be_read(service) -> None:
    platform = service.platform
    with platform.database.writing() as connection, pytest.raises(RuleDocumentUnknown):
        documents.queue(platform, connection, kind=EntryType.RULE_PACK, name="tariff/2", content={"kind": "tariff"})


def test_job_halts_when_another_writer_advanced_the_log(service) -> None:
    world = service.world
    world.mine_at(epoch_end_s(E0))
    rogue = anchors.Advance(
        epoch=E0, old_size=0, new_size=1, root=sha256(b"x"), proof=(), manifest=sha256(b"rogue manifest")
    )
    world.send(world.writer, "AnchorLog", anchors.advance(rogue))
    service.run_until(world.now_s + 300)
    assert "checkpoint_differs" in service.errors()["close epochs"]
    assert service.platform.health.of("close epochs").halted


def test_log_is_refused_when_a_stored_entry_was_altered(service) -> None:
    service.run_until(epoch_end_s(E0) + 120)
    with service.platform.database.writing() as connection:
        raw = connection.execute(select(entries.c.raw)).scalars().one()
        connection.execute(update(entries).values(raw=raw[:-1] + b"\x07"))
    with service.platform.database.reading() as connection, pytest.raises(LogCorrupt):
        LogTree().load(connection)


def name_of(service, box, seq: int) -> str:
    return f"0x{service.world.deployment.domain.alliance.hex()}:0x{box.device.hex()}:{box.channel}:{seq}"


def test_receipt_is_refused_with_its_reason_until_the_checkpoint_is_final(service) -> None:
    box = service.box()
    url = f"/v1/readings/{name_of(service, box, 3)}/receipt"
    assert service.client.get(url, headers=OPERATOR).json()["code"] == "reading_unknown"
    service.upload(box.seal(T0, 15))
    seen = []
    for t_s in range(T0 // 1000, epoch_end_s(E0) + 360, 60):
        service.tick(t_s)
        reply = service.client.get(url, headers=OPERATOR)
        seen.append(reply.json().get("code", "receipt"))
        assert reply.status_code == (200 if seen[-1] == "receipt" else 409)
    assert list(dict.fromkeys(seen)) == ["reading_not_anchored", "reading_not_final", "receipt"]


def test_receipt_proves_a_reading_against_the_chain_when_it_is_final(service) -> None:
    box = service.box()
    service.upload(box.seal(T0, 15), service.box(2).seal(T0, 15))
    service.run_until(epoch_end_s(E0) + 360)
    url = f"/v1/readings/{name_of(service, box, 3)}/receipt"
    given = receipt.from_plain(service.client.get(url, headers=OPERATOR).json())
    proven = verify(given, deployment=service.world.deployment)
    assert (proven.reading.seq, proven.reading.t_ms, proven.signed.signer) == (3, T0 + 3 * MINUTE, box.key.address)
    at = checkpoint(service, E0)
    assert (given.checkpoint.root, given.checkpoint.block_hash) == (at.root, at.block_hash)
    chain_block = service.world.rpc.block(at.block)
    assert chain_block is not None
    assert chain_block.hash == given.checkpoint.block_hash


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("nonsense", 400, "reading_name_malformed"),
        ("0x00:0x00:1:1", 400, "bad_hex"),
        ("0x" + "11" * 32 + ":0x" + "22" * 20 + ":1:1", 409, "reading_of_another_alliance"),
        ("0x" + "11" * 32 + ":0x" + "22" * 20 + ":1:-1", 400, "reading_name_malformed"),
    ],
)
def test_receipt_is_refused_when_the_name_is_wrong(service, name: str, status: int, code: str) -> None:
    reply = service.client.get(f"/v1/readings/{name}/receipt")
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_block_comes_from_the_gateway_when_its_cid_is_asked(service) -> None:
    service.run_until(epoch_end_s(E0) + 240)
    (newest,) = service.client.get("/v1/epochs?limit=1").json()["items"]
    reply = service.client.get(f"/ipfs/{newest['manifestCid']}?format=raw")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/vnd.ipld.raw"
    assert "0x" + sha256(reply.content).hex() == newest["manifest"]
    etag = reply.headers["etag"]
    assert (
        service.client.get(f"/ipfs/{newest['manifestCid']}?format=raw", headers={"If-None-Match": etag}).status_code
        == 304
    )
    assert service.client.head(f"/ipfs/{newest['manifestCid']}?format=raw").status_code == 200
    assert service.client.get(f"/ipfs/{newest['manifestCid']}").json()["code"] == "format_not_served"
    missing = service.client.get("/ipfs/bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy?format=raw")
    assert (missing.status_code, missing.json()["code"]) == (404, "block_unknown")
    assert service.client.get("/ipfs/nonsense?format=raw").json()["code"] == "bad_cid"


def test_corrupt_block_is_not_served_when_the_archive_was_altered(service) -> None:
    service.run_until(epoch_end_s(E0) + 240)
    archive, digest = service.platform.archive, checkpoint(service, E0).manifest
    path = archive.path(digest)
    raw = bytearray(path.read_bytes())
    raw[5] ^= 1
    path.write_bytes(bytes(raw))
    reply = service.client.get(f"/ipfs/{path.stem}?format=raw")
    assert (reply.status_code, reply.json()["code"]) == (500, "block_corrupt")
    assert str(path.parent) not in reply.text


def test_tables_stand_as_the_chain_does_when_a_checkpoint_was_reorganised_away(fresh_chain, service) -> None:
    service.run_until(epoch_end_s(E0) + 120)
    service.tick(service.world.now_s + 60, mine=False)
    assert checkpoint(service, E0)
    service.world.anvil.reorganise(2)
    service.tick(service.world.now_s + 60, mine=False)
    with service.platform.database.reading() as connection:
        assert epochs.checkpoint_of(connection, E0) is None
    service.run_until(service.world.now_s + 600)
    assert service.errors() == {}
    assert checkpoint(service, E0).size == 1


def test_following_halts_when_a_reorganisation_is_too_deep(fresh_chain, service) -> None:
    service.run_until(T0 // 1000 + 600)
    service.world.anvil.reorganise(6)
    service.tick(service.world.now_s + 60, mine=False)
    assert "follow" in service.errors()
    assert service.platform.health.of("follow").halted
    assert service.client.get("/readyz").status_code == 503
