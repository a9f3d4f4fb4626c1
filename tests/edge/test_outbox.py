"""The outbox and its folder: what survives, what leaves, and every way in which a head can be lost."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from alliance.identity import Address, Digest
from edge.evidence.outbox import Acknowledged, HeadLost, KeyForeign, Refusal
from edge.evidence.recorder import Recorder, Recording
from edge.evidence.sampling import Moment
from edge.evidence.store import (
    StorageFailed,
    StoreCorrupt,
    StoreMissing,
    StoreOfAnotherAlliance,
    StoreUnsafe,
    StoreVersionUnknown,
    _set,
    open_to_look,
)
from edge.evidence.stream import NO_BEACON
from edge.evidence.watermark import Mark, Watermark
from edge.folder import DATABASE, KEY, MARK, FolderInUse, KeyLost, StateFolder, open_folder
from edge.health.alarms import Alarms
from oracle.eip712 import Domain
from oracle.keys import KeyFileExposed
from tests.edge.peer import DOMAIN
from tests.edge.rig import BOUNDS, MINUTE_MS, PLAIN, SAMPLE, START_MS, folder_at, seeded


def record(folder: StateFolder, minutes: range) -> None:
    recording = Recording(domain=DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=900, chance=seeded)
    recorder = Recorder(
        recording=recording, store=folder.store, outbox=folder.outbox, alarms=Alarms(folder.store), bounds=BOUNDS
    )
    for minute in minutes:
        recorder.record(SAMPLE, moment=Moment(t_ms=START_MS + minute * MINUTE_MS), beacon=NO_BEACON)


def aged(path: Path, minutes: int) -> Path:
    folder = folder_at(path)
    record(folder, range(1, minutes + 1))
    folder.close()
    return path


def copied(path: Path, to: Path) -> Path:
    shutil.copytree(path, to)
    return to


def test_open_segment_and_head_are_there_after_reopening(tmp_path: Path) -> None:
    folder = folder_at(aged(tmp_path / "s", 20))
    stream = folder.outbox.streams([1])[1]
    assert (stream.next_seq, stream.head.next_seq, stream.signed) == (20, 15, 1)
    assert stream.opened is not None
    assert len(stream.opened.readings) == 5
    assert len(folder.outbox.waiting(channels=[1, 2], limit=10)) == 2
    folder.close()


def test_segment_leaves_on_settlement_and_its_acknowledgement_stays(tmp_path: Path) -> None:
    folder = folder_at(aged(tmp_path / "s", 30))
    first, second, *_ = folder.outbox.waiting(channels=[1], limit=10)
    ack = Acknowledged(segment=first.digest, epoch=9, signature=b"\x01" * 64)
    refusal = Refusal(segment=second.digest, code="not_attested", detail="")
    folder.outbox.settle([ack], [refusal], at_ms=1)
    [left] = folder.outbox.waiting(channels=[1], limit=10)
    assert (left.digest, left.refusals) == (second.digest, 1)
    assert folder.store.rows("SELECT digest, epoch, signature FROM ack") == [(first.digest, 9, b"\x01" * 64)]
    folder.outbox.settle([ack], [], at_ms=2)
    assert len(folder.store.rows("SELECT * FROM ack")) == 1
    folder.close()


def test_acknowledgement_of_an_unknown_segment_is_not_kept(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    folder.outbox.settle([Acknowledged(segment=Digest(b"\x01" * 32), epoch=1, signature=b"")], [], at_ms=1)
    assert folder.store.rows("SELECT * FROM ack") == []
    folder.close()


def test_key_does_not_sign_again_when_the_database_is_gone(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 20)
    for name in (DATABASE, DATABASE + "-wal", DATABASE + "-shm"):
        (path / name).unlink(missing_ok=True)
    for _ in range(2):
        with pytest.raises(HeadLost) as lost:
            folder_at(path)
        assert (lost.value.marked_segments, lost.value.found_segments) == (2, 0)
    assert not (path / DATABASE).exists()


def test_key_does_not_sign_again_when_the_database_is_an_older_copy(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 20)
    shutil.copy(path / DATABASE, tmp_path / "backup")
    aged(path, 0)
    folder = folder_at(path)
    record(folder, range(21, 40))
    folder.close()
    shutil.copy(tmp_path / "backup", path / DATABASE)
    with pytest.raises(HeadLost) as lost:
        folder_at(path)
    assert (lost.value.marked_segments, lost.value.found_segments) == (4, 2)


def test_key_does_not_sign_again_when_only_the_write_ahead_log_was_lost(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 20)
    folder = folder_at(path)
    record(folder, range(21, 40))
    cut = copied(path, tmp_path / "cut")
    folder.close()
    assert (cut / (DATABASE + "-wal")).stat().st_size > 0
    (cut / (DATABASE + "-wal")).unlink()
    (cut / (DATABASE + "-shm")).unlink()
    with pytest.raises(HeadLost):
        folder_at(cut)


def test_without_the_mark_the_older_copy_would_have_signed_twice(tmp_path: Path) -> None:
    """The control: the same copy passes where nothing remembers how much was signed."""
    path = aged(tmp_path / "s", 20)
    shutil.copy(path / DATABASE, tmp_path / "backup")
    folder = folder_at(path)
    record(folder, range(21, 40))
    folder.close()
    shutil.copy(tmp_path / "backup", path / DATABASE)
    (path / MARK).unlink()
    folder_at(path).close()


def test_missing_mark_is_written_anew_when_the_database_stands(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 20)
    (path / MARK).unlink()
    folder_at(path).close()
    assert Watermark(path / MARK).read() == Mark(folder_key(path), 2)


def folder_key(path: Path) -> Address:
    folder = folder_at(path)
    folder.close()
    return folder.signer.address


def test_torn_mark_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    mark = Watermark(path)
    for signed in (1, 2, 3):
        mark.write(Mark(Address(b"\x01" * 20), signed))
    raw = bytearray(path.read_bytes())
    assert Watermark(path).read() == Mark(Address(b"\x01" * 20), 3)
    for slot in (0, 512):
        torn = bytearray(raw)
        torn[slot + 10] ^= 1
        path.write_bytes(torn)
        left = Watermark(path).read()
        assert left is not None
        assert left.signed in (2, 3)


def test_birth_is_repeated_when_it_was_cut_before_the_key_was_made(tmp_path: Path) -> None:
    folder_at(tmp_path / "s").close()
    for name in (KEY, MARK):
        (tmp_path / "s" / name).unlink(missing_ok=True)
    db = sqlite3.connect(tmp_path / "s" / DATABASE)
    db.execute("DELETE FROM meta WHERE name = 'signer'")
    db.commit()
    db.close()
    folder_at(tmp_path / "s").close()


def test_lost_key_is_named_and_not_replaced(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 2)
    (path / KEY).unlink()
    with pytest.raises(KeyLost):
        folder_at(path)
    assert not (path / KEY).exists()


def test_exchanged_key_is_refused(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 2)
    (path / KEY).write_text("07" * 32)
    with pytest.raises(KeyForeign):
        folder_at(path)


def test_key_readable_by_others_is_refused(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 2)
    os.chmod(path / KEY, 0o644)
    with pytest.raises(KeyFileExposed):
        folder_at(path)


def test_second_process_is_refused(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    with pytest.raises(FolderInUse):
        folder_at(tmp_path)
    folder.close()
    folder_at(tmp_path).close()


def test_folder_of_another_alliance_is_refused(tmp_path: Path) -> None:
    aged(tmp_path / "s", 2)
    other = Domain(1, Address(b"\x11" * 20))
    with pytest.raises(StoreOfAnotherAlliance):
        open_folder(
            tmp_path / "s",
            domain=other,
            randomness=seeded("key"),
            key_lock=PLAIN,
            quota_bytes=1 << 20,
            reserve_bytes=1 << 16,
        )


def test_damaged_database_is_refused(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 45)
    raw = bytearray((path / DATABASE).read_bytes())
    raw[0:16] = bytes(16)
    (path / DATABASE).write_bytes(raw)
    with pytest.raises(StoreCorrupt):
        folder_at(path)


def test_database_of_another_version_is_refused(tmp_path: Path) -> None:
    path = aged(tmp_path / "s", 1)
    db = sqlite3.connect(path / DATABASE)
    db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(StoreVersionUnknown):
        folder_at(path)
    with pytest.raises(StoreVersionUnknown):
        open_to_look(path / DATABASE)


def test_database_without_a_write_ahead_log_is_refused() -> None:
    db = sqlite3.connect(":memory:")
    with pytest.raises(StoreUnsafe) as unsafe:
        _set(db, Path("x"), "journal_mode", "WAL", want="wal")
    assert unsafe.value.got == "memory"
    db.close()


def test_looking_at_a_folder_that_was_never_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        open_to_look(tmp_path / DATABASE)


def test_change_is_undone_whole_when_a_statement_fails(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    with pytest.raises(StorageFailed), folder.store.change() as db:
        db.execute("INSERT INTO counter VALUES ('a', 1)")
        db.execute("INSERT INTO counter VALUES ('a', 1)")
    assert folder.store.rows("SELECT * FROM counter") == []
    folder.close()
