"""Protocol 4.8, E2: what an audit says of encrypted evidence with every key, some, a wrong one or none."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alliance.identity import StationId
from audit.auditor import audit_day
from audit.blocks import FolderSource
from audit.verdict import Outcome, Verdict
from chain.events import Checkpoint, StatementPosted, decode
from oracle import cbor, encryption, grant, manifest, statement_document
from oracle.adapters import SystemRandomness
from oracle.archive import FolderArchive
from oracle.document import open_salted
from oracle.grant import FolderGrants, Opener
from tests.audit.world import BOXES, DAY, LAST_EPOCH, METER, Lies, Segments, World, key_of, reader

EPOCH = DAY.first_slot + 94
"""After the branch: what a test changes here is anchored."""


HONEST = Lies()


@pytest.fixture
def audited(sealed: World) -> Callable[..., Verdict]:
    """Audit the day as a reader."""

    def run(
        name: str | None = "regulator",
        *,
        lies: Lies = HONEST,
        archive: Path | None = None,
        opener: Opener | None = None,
    ) -> Verdict:
        sealed.play(lies)
        if opener is None and name is not None:
            opener = Opener(reader(name), FolderGrants(archive or sealed.archive.folder))
        folder = archive or sealed.archive.folder
        return audit_day(sealed.rpc, lambda: FolderSource(folder), sealed.deployment, DAY, opener=opener)

    return run


@pytest.fixture
def copied(sealed: World, tmp_path: Path) -> FolderArchive:
    """A copy of the archive and the grants, to be tampered with."""
    sealed.play(HONEST)
    shutil.copytree(sealed.archive.folder, tmp_path / "archive")
    return FolderArchive(tmp_path / "archive")


def checkpoints(world: World) -> dict[int, Checkpoint]:
    found = events(world)
    return {event.epoch: event for event in found if isinstance(event, Checkpoint)}


def events(world: World) -> list[object]:
    addresses = [contract.address for contract in world.deployment.contracts.values()]
    logs = world.rpc.logs(addresses, first=0, last=world.rpc.block_number())
    return [decode(log, timestamp_s=0) for log in logs]


def evidence_of(world: World, epoch: int, box: int = 0, channel: int = METER):
    made = manifest.decode(world.archive.get(checkpoints(world)[epoch].manifest))
    row = made.row(BOXES[box].address, channel)
    assert row is not None
    assert row.evidence is not None
    return row.evidence


def unread(verdict: Verdict) -> tuple[int, str]:
    """How many blocks, and the rest of the reason."""
    assert (verdict.outcome, verdict.divergence) == (Outcome.UNREAD, None), verdict.line
    assert verdict.unread is not None
    assert verdict.unread.what == "blocks"
    head, _, tail = verdict.unread.why.partition(" blocks unread")
    assert head.startswith("public part passes, ")
    return int(head.removeprefix("public part passes, ")), tail


def test_day_passes_with_a_view_key(audited) -> None:
    verdict = audited("regulator")
    assert verdict.outcome is Outcome.PASS, verdict.line
    assert verdict.counts.lines > 96 * 3 * 4
    assert verdict.counts.readings > 96 * 3 * 2 * 3


def test_public_part_passes_and_every_encrypted_block_is_counted_without_a_key(audited, sealed: World) -> None:
    verdict = audited(None)
    count, rest = unread(verdict)
    read = audited("regulator").counts
    assert rest == ""
    assert (verdict.counts.epochs, verdict.counts.segments) == (read.epochs, read.segments)
    assert verdict.counts.readings == 0
    assert count == read.segments + 2  # one segment a block here; the schedule and the statement
    assert verdict.outcome.exit_code == 2


@pytest.mark.parametrize("name", ["member 1", "evidence alone", "documents alone", "meterless"])
def test_what_is_granted_is_checked_and_the_rest_is_counted_when_a_key_opens_a_part(audited, name: str) -> None:
    count, rest = unread(audited(name))
    everything, _ = unread(audited(None))
    blocks = (everything - 2) // 3
    assert count == {
        "member 1": 2 * blocks, "evidence alone": 2, "documents alone": 3 * blocks, "meterless": blocks,
    }[name]  # fmt: skip
    assert f"no grant for reader {reader(name).fingerprint}" in rest


def test_reason_names_the_reader_when_the_key_is_a_strangers(audited) -> None:
    everything, _ = unread(audited(None))
    count, rest = unread(audited("stranger"))
    assert count == everything
    assert rest == f"; no grant for reader {reader('stranger').fingerprint}"


@pytest.mark.parametrize("bend", ["forged", "foreign", "garbage", "bad keys"])
def test_nobody_is_accused_when_a_grant_is_forged_foreign_or_garbage(
    audited, copied: FolderArchive, sealed: World, bend: str
) -> None:
    """A grant is signed by nobody: whatever is wrong with it leaves its blocks unread, by name."""
    grants, mine = FolderGrants(copied.folder), reader("regulator")
    path = grants.path(mine.fingerprint, EPOCH)
    raw = path.read_bytes()
    blocks = list(grant.decode(raw).wrapped)
    match bend:
        case "forged":
            path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
        case "foreign":
            path.write_bytes(FolderGrants(copied.folder).path(reader("member 1").fingerprint, EPOCH).read_bytes())
        case "garbage":
            path.write_bytes(b"\xff" + raw)
        case "bad keys":
            keys = dict.fromkeys(blocks, b"\x01" * 32)
            grants.put(grant.make(keys, reader=mine.public, epoch=EPOCH, randomness=SystemRandomness()))
    count, rest = unread(audited(archive=copied.folder))
    assert count == len(blocks)
    assert {
        "forged": "content_key_wrong: what=content key in a grant", "foreign": "grant_foreign",
        "garbage": "not_canonical", "bad keys": "content_key_wrong: what=evidence block",
    }[bend] in rest  # fmt: skip


def test_missing_grant_leaves_an_epoch_unread_when_the_rest_opens(audited, copied: FolderArchive) -> None:
    FolderGrants(copied.folder).drop(reader("regulator").fingerprint, EPOCH)
    assert unread(audited(archive=copied.folder))[0] == 6


@pytest.mark.parametrize("name", ["regulator", None])
def test_altered_block_is_a_divergence_with_and_without_a_key(
    audited, copied: FolderArchive, sealed: World, name: str | None
) -> None:
    digest = evidence_of(sealed, EPOCH)
    path = copied.path(digest)
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 1
    path.write_bytes(bytes(raw))
    verdict = audited(name, archive=copied.folder)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.rule.startswith("protocol 4.4")
    assert (verdict.divergence.where.station, verdict.divergence.where.epoch) == (StationId(1), EPOCH)


@pytest.mark.parametrize("name", ["regulator", None])
def test_withheld_block_is_a_divergence_with_and_without_a_key(
    audited, copied: FolderArchive, sealed: World, name: str | None
) -> None:
    copied.path(evidence_of(sealed, EPOCH, box=2)).unlink()
    verdict = audited(name, archive=copied.folder)
    assert verdict.outcome is Outcome.FAIL
    assert "withheld" in verdict.divergence.rule
    assert verdict.divergence.where.station == StationId(3)


def bent(station: int, epoch: int) -> Callable[[int, Segments], Segments]:
    """An operator that seals other readings than the box signed."""
    stream = (BOXES[station - 1].address, METER)

    def change(at: int, found: Segments) -> Segments:
        if at != epoch:
            return found
        one = found[stream][0]
        other = one.readings[:30] + bytes([one.readings[30] ^ 1]) + one.readings[31:]
        return {**found, stream: [replace(one, readings=other)]}

    return change


def test_readings_that_nobody_signed_are_found_by_those_who_may_read_them(audited) -> None:
    lies = Lies(evidence=bent(1, EPOCH))
    for name in ("regulator", "member 1", "evidence alone"):
        verdict = audited(name, lies=lies)
        assert verdict.outcome is Outcome.FAIL, name
        assert verdict.divergence.rule.startswith("protocol 3.2")
        assert (verdict.divergence.where.station, verdict.divergence.where.epoch) == (StationId(1), EPOCH)
    for name in (None, "documents alone"):
        unread(audited(name, lies=lies))


def test_missing_segment_is_found_without_a_key_when_the_log_has_it(audited) -> None:
    stream = (BOXES[1].address, METER)
    lies = Lies(evidence=lambda at, found: {**found, stream: []} if at == EPOCH else found)
    verdict = audited(None, lies=lies)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.where.epoch == EPOCH


def test_statement_that_breaks_its_own_sums_is_found_when_the_documents_alone_are_read(audited) -> None:
    def wrong(statement):
        line = statement.lines[7]
        lines = (*statement.lines[:7], replace(line, amount_cents=line.amount_cents + 1), *statement.lines[8:])
        return replace(statement, lines=lines)

    verdict = audited("documents alone", lies=Lies(archived=wrong))
    assert verdict.outcome is Outcome.FAIL
    unread(audited(None, lies=Lies(archived=wrong)))


def test_cent_is_named_when_an_archived_statement_was_altered_under_its_own_key(
    audited, copied: FolderArchive, sealed: World
) -> None:
    (posted,) = [event for event in events(sealed) if isinstance(event, StatementPosted)]
    key = FolderGrantsOf(copied).key_in(posted.statement, range(LAST_EPOCH + 2, LAST_EPOCH - 2, -1))
    assert key is not None
    opened = open_salted(copied.get(posted.statement), content_key=key)
    statement = statement_document.from_plain(opened.content)
    line = statement.lines[40]
    lines = (*statement.lines[:40], replace(line, amount_cents=line.amount_cents + 1), *statement.lines[41:])
    plain = statement_document.to_plain(replace(statement, lines=lines))
    hidden = encryption.seal(cbor.encode({"salt": opened.salt, "document": cbor.encode(plain)}), key)
    copied.path(posted.statement).write_bytes(cbor.encode({"v": 1, "alg": 1, "sealed": hidden}))
    verdict = audited(archive=copied.folder)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.got == f"amount_cents={line.amount_cents + 1}"


def FolderGrantsOf(archive: FolderArchive) -> Opener:  # noqa: N802  # reads as what it makes
    return Opener(reader("regulator"), FolderGrants(archive.folder))


def test_evidence_is_unread_and_the_public_part_passes_when_a_station_was_erased(
    audited, copied: FolderArchive, sealed: World
) -> None:
    """Erasing: the subject's key is destroyed and every grant is written without it (here: as the service leaves them)."""
    grants, mine = FolderGrants(copied.folder), reader("regulator")
    device = BOXES[1].address
    gone = set()
    for epoch, checkpoint in checkpoints(sealed).items():
        made = manifest.decode(copied.get(checkpoint.manifest))
        gone |= {row.evidence for row in made.rows if row.device == device and row.evidence}
        raw = grants.get(mine.fingerprint, epoch)
        if raw is not None:
            keys = {block: key for block, key in mine.unwrap(grant.decode(raw)).items() if block not in gone}
            grants.put(grant.make(keys, reader=mine.public, epoch=epoch, randomness=SystemRandomness()))
    count, rest = unread(audited(archive=copied.folder))
    everything, _ = unread(audited(None))
    assert count == (everything - 2) // 3
    assert "no grant for reader" in rest
    assert key_of(2, b"") not in copied.get(evidence_of(sealed, EPOCH, box=1))
