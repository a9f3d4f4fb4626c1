"""Protocol 11.3: nothing in the archive can be altered or withheld unseen, and the audit names the place."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from alliance.identity import Digest
from audit.auditor import audit_evidence, read_chain
from audit.blocks import FolderSource, open_archive
from audit.facts import Facts
from audit.verdict import Outcome, Verdict
from chain.events import Checkpoint, StatementPosted
from oracle import log, manifest, statement_document
from oracle.cbor import Cid
from oracle.document import open_block, seal
from oracle.log import EntryType
from oracle.manifest import Manifest
from tests.audit.world import BATTERY, BOXES, DAY, FIRST_EPOCH, METER, World

NOON = DAY.first_slot + 48


@pytest.fixture
def facts(honest: World) -> Facts:
    return read_chain(honest.rpc, honest.deployment, DAY)


@pytest.fixture
def audit(honest: World, facts: Facts) -> Callable[[], Verdict]:
    return lambda: audit_evidence(facts, lambda: FolderSource(honest.archive.folder), DAY)


@contextmanager
def altered(path: Path, change: Callable[[bytes], bytes | None]) -> Iterator[None]:
    """A file with other bytes, or none, put back afterwards."""
    good = path.read_bytes()
    bad = change(good)
    try:
        path.unlink() if bad is None else path.write_bytes(bad)
        yield
    finally:
        path.write_bytes(good)


def flipped(at: int, bit: int = 0) -> Callable[[bytes], bytes]:
    return lambda raw: raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]


def manifest_of(facts: Facts, world: World, epoch: int) -> tuple[Digest, Manifest]:
    checkpoint = next(c for c in facts.of(Checkpoint) if c.epoch == epoch)
    return checkpoint.manifest, manifest.decode(world.archive.get(checkpoint.manifest))


def document_of(facts: Facts, world: World, kind: EntryType, epoch: int, nth: int = 0) -> Digest:
    _, made = manifest_of(facts, world, epoch)
    entries = log.decode_entries(world.archive.get(made.entries))
    return [entry.document for entry in entries if entry.type is kind][nth]


def test_altered_manifest_is_named_by_epoch_and_slot_when_any_byte_is_flipped(facts, audit, honest: World) -> None:
    named, _ = manifest_of(facts, honest, NOON)
    size = len(honest.archive.get(named))
    for at in (0, size // 2, size - 1):
        with altered(honest.archive.path(named), flipped(at)):
            verdict = audit()
        assert verdict.outcome is Outcome.FAIL
        assert (verdict.divergence.where.epoch, verdict.divergence.where.slot) == (NOON, 48)
        assert "4.3" in verdict.divergence.rule
        assert verdict.divergence.expected == str(Cid(named))


def test_altered_entries_are_named_by_epoch_when_any_byte_is_flipped(facts, audit, honest: World) -> None:
    _, made = manifest_of(facts, honest, FIRST_EPOCH)
    size = len(honest.archive.get(made.entries))
    for at in (3, size - 5):
        with altered(honest.archive.path(made.entries), flipped(at, bit=3)):
            verdict = audit()
        assert verdict.outcome is Outcome.FAIL
        assert verdict.divergence.where.epoch == FIRST_EPOCH
        assert "4.2" in verdict.divergence.rule


@pytest.mark.parametrize("part", ["readings", "signature", "secret", "head", "tail"])
def test_altered_evidence_is_named_by_station_and_segment_when_a_byte_is_flipped(
    facts, audit, honest: World, part: str
) -> None:
    _, made = manifest_of(facts, honest, NOON)
    row = made.row(BOXES[1].address, METER)
    raw = honest.archive.get(row.evidence)
    sealed = next(s for e, s, _ in honest.memory.logged if (e, s.signed.segment.device) == (NOON, BOXES[1].address))
    spots = {
        "readings": raw.index(sealed.readings) + 100, "signature": raw.index(sealed.signed.signature) + 7,
        "secret": raw.index(sealed.secret), "head": 1, "tail": len(raw) - 1,
    }  # fmt: skip
    with altered(honest.archive.path(row.evidence), flipped(spots[part])):
        verdict = audit()
    where = verdict.divergence.where
    assert verdict.outcome is Outcome.FAIL
    assert (where.station, where.device, where.channel, where.slot) == (2, BOXES[1].address, METER, 48)
    assert where.seq == row.first_seq


@pytest.mark.parametrize(
    ("kind", "epoch", "nth"),
    [
        (EntryType.RULE_PACK, FIRST_EPOCH, 0),
        (EntryType.RULE_PACK, FIRST_EPOCH, 1),
        (EntryType.SCHEDULE, FIRST_EPOCH + 1, 0),
    ],
)
def test_altered_document_is_named_by_kind_and_epoch_when_a_byte_is_flipped(
    facts, audit, honest: World, kind, epoch: int, nth: int
) -> None:
    named = document_of(facts, honest, kind, epoch, nth)
    size = len(honest.archive.get(named))
    for at in (size // 3, size - 1):
        with altered(honest.archive.path(named), flipped(at)):
            verdict = audit()
        assert verdict.outcome is Outcome.FAIL
        assert verdict.divergence.where.epoch == epoch
        assert kind.name.lower() in verdict.divergence.rule


def test_changed_cent_is_named_by_line_when_the_archived_statement_is_altered(facts, audit, honest: World) -> None:
    posted = facts.of(StatementPosted)[0]
    statement = statement_document.from_plain(open_block(honest.archive.get(posted.statement)))
    at = next(i for i, line in enumerate(statement.lines) if line.slot == 60 and line.kind.label == "energy_deviation")
    line = statement.lines[at]
    bent = replace(line, amount_cents=line.amount_cents + 1)
    lines = (*statement.lines[:at], bent, *statement.lines[at + 1 :])

    def one_cent_more(raw: bytes) -> bytes:
        return seal(
            EntryType.STATEMENT, statement_document.to_plain(replace(statement, lines=lines)), salt=bytes(32)
        ).block

    with altered(honest.archive.path(posted.statement), one_cent_more):
        verdict = audit()
    found = verdict.divergence
    assert verdict.outcome is Outcome.FAIL
    assert (found.where.station, found.where.slot) == (line.subject, 60)
    assert "energy_deviation" in found.rule
    assert found.expected == f"amount_cents={line.amount_cents}"
    assert found.got == f"amount_cents={line.amount_cents + 1}"


def test_altered_statement_is_a_divergence_when_any_byte_is_flipped(facts, audit, honest: World) -> None:
    posted = facts.of(StatementPosted)[0]
    size = len(honest.archive.get(posted.statement))
    for at in (0, 40, size // 5, size // 2, size - 2):
        with altered(honest.archive.path(posted.statement), flipped(at)):
            verdict = audit()
        assert verdict.outcome is Outcome.FAIL
        assert verdict.divergence.where.slot is not None


def test_withheld_segment_is_named_by_station_and_seq_when_its_block_is_removed(facts, audit, honest: World) -> None:
    _, made = manifest_of(facts, honest, NOON)
    row = made.row(BOXES[2].address, BATTERY)
    with altered(honest.archive.path(row.evidence), lambda raw: None):
        verdict = audit()
    found = verdict.divergence
    assert verdict.outcome is Outcome.FAIL
    assert (found.where.station, found.where.channel, found.where.seq, found.where.slot) == (
        3,
        BATTERY,
        row.first_seq,
        48,
    )
    assert "withheld" in found.rule
    assert found.got == "no such block"


@pytest.mark.parametrize("what", ["manifest", "entries", "schedule", "statement"])
def test_withheld_block_is_a_divergence_when_the_rest_can_be_read(facts, audit, honest: World, what: str) -> None:
    named, made = manifest_of(facts, honest, NOON)
    digest = {
        "manifest": named, "entries": made.entries,
        "schedule": document_of(facts, honest, EntryType.SCHEDULE, FIRST_EPOCH + 1),
        "statement": facts.of(StatementPosted)[0].statement,
    }[what]  # fmt: skip
    with altered(honest.archive.path(digest), lambda raw: None):
        verdict = audit()
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.expected == str(Cid(digest))


def test_audit_passes_when_the_archive_holds_more_than_is_named(facts, audit, honest: World) -> None:
    before = audit()
    stray = [honest.archive.path(honest.archive.put(b"another block")), honest.archive.folder / "aa"]
    stray[1].mkdir(exist_ok=True)
    part = stray[1] / "left-behind.part"
    part.write_bytes(b"half a block")
    try:
        assert audit().outcome is Outcome.PASS
        assert audit().to_plain() == before.to_plain()
    finally:
        stray[0].unlink()
        part.unlink()


def test_nothing_is_judged_when_the_archive_is_not_there_or_is_another_logs(
    facts, honest: World, tmp_path: Path
) -> None:
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.mkdir()
    (other / "ab").mkdir(parents=True)
    shutil.copy(next(honest.archive.folder.glob("*/*.block")), other / "ab" / "x.block")
    for place in (tmp_path / "nowhere", empty, other):
        verdict = audit_evidence(facts, lambda place=place: open_archive(str(place)), DAY)
        assert verdict.outcome is Outcome.UNREAD
        assert verdict.unread.what == "archive"
        assert not (tmp_path / "nowhere").exists(), "an auditor makes no folder"
