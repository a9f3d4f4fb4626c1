"""The event log (protocol 10.20): what was changed, deleted, inserted, moved or cut off is found and named."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge.evidence.store import Store, open_store
from edge.health import event_log, events
from edge.health.event_log import EventLog, kept_head, lines_of
from edge.health.events import HEAD, Break, Checked, Entry, SignedHead, check, read_line, sign_head
from oracle.signature import ED25519, P256, KeySigner, SecpSigner, signer_of
from tests.edge.peer import DOMAIN, STRANGER

BOX = SecpSigner(b"\x31" * 32)
T_MS = 1_789_000_000_000
Lines = list[bytes]


def store_at(folder: Path) -> Store:
    folder.mkdir(parents=True, exist_ok=True)
    return open_store(folder / "db", alliance=DOMAIN.alliance, quota_bytes=64 << 20, reserve_bytes=1 << 20)


def log_at(
    folder: Path, store: Store, *, signer: KeySigner = BOX, file_bytes: int = 1 << 20, kept: int = 8
) -> EventLog:
    return EventLog(
        folder / "events", store, device=BOX.address, domain=DOMAIN, signer=lambda: signer, file_bytes=file_bytes,
        kept_files=kept,
    )  # fmt: skip


def filled(log: EventLog, count: int, *, at: int = 0, at_once: int = 10) -> None:
    for number in range(at, at + count):
        log.note("alarm.raised", t_ms=T_MS + number, alarm=f"alarm.{number}", 值=number)
        if (number + 1) % at_once == 0:
            assert log.flush(t_ms=T_MS + number)
    assert log.flush(t_ms=T_MS + at + count)


def checked(
    lines: Lines, *heads: SignedHead, late: bool = False, keys: frozenset[bytes] = frozenset({BOX.address})
) -> Checked:
    return check(lines, device=BOX.address, domain=DOMAIN, keys=keys, heads=heads, may_begin_late=late)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lines, SignedHead]:
    tmp_path = tmp_path_factory.mktemp("events")
    store = store_at(tmp_path)
    filled(log_at(tmp_path, store), 150)
    head = kept_head(store)
    store.close()
    assert head is not None
    return list(lines_of(tmp_path / "events")), head


def test_log_is_whole_when_nobody_touched_it(written: tuple[Lines, SignedHead]) -> None:
    lines, head = written
    told = checked(lines, head)
    assert (told.broken, told.first, told.last, told.signed_to) == (None, 1, len(lines), len(lines))
    assert sum(read_line(line)[0].kind == HEAD for line in lines) >= 2


def _changed(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at].replace(b"alarm.raised", b"alarm.forged"), *lines[at + 1 :]]


def _rehashed(lines: Lines, at: int) -> Lines:
    """The entry is changed and its own hash made to fit; what follows stays."""
    entry, _ = read_line(lines[at])
    return [*lines[:at], replace(entry, t_ms=entry.t_ms + 1).line, *lines[at + 1 :]]


def _deleted(lines: Lines, at: int) -> Lines:
    return lines[:at] + lines[at + 1 :]


def _inserted(lines: Lines, at: int) -> Lines:
    before, _ = read_line(lines[at - 1])
    forged = Entry(number=before.number + 1, t_ms=T_MS, kind="alarm.cleared", prev=before.digest)
    return [*lines[:at], forged.line, *lines[at:]]


def _swapped(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


def _repeated(lines: Lines, at: int) -> Lines:
    return [*lines[: at + 1], lines[at], *lines[at + 1 :]]


def _garbled(lines: Lines, at: int) -> Lines:
    return [*lines[:at], lines[at][:70] + b"\xff\x00" + lines[at][72:], *lines[at + 1 :]]


@pytest.mark.parametrize(
    ("alter", "number", "how"),
    [
        (_changed, 0, Break.CHANGED),
        (_rehashed, 1, Break.FOLLOWS_ANOTHER),
        (_deleted, 0, Break.MISSING),
        (_inserted, 1, Break.REPEATED),
        (_swapped, 0, Break.MISSING),
        (_repeated, 1, Break.REPEATED),
        (_garbled, 0, Break.UNREADABLE),
    ],
)
@pytest.mark.parametrize("at", [1, 40, 147])
def test_first_broken_entry_is_named_when_the_log_was_altered(
    alter: Callable[[Lines, int], Lines], number: int, how: Break, at: int, written: tuple[Lines, SignedHead]
) -> None:
    lines, head = written
    broken = checked(alter(lines, at), head).broken
    assert broken is not None
    assert (broken.number, broken.how) == (at + 1 + number, how)


def test_every_single_byte_that_is_altered_is_found(written: tuple[Lines, SignedHead]) -> None:
    lines, at = written[0][:8], 5
    line = lines[at]
    for place in range(len(line) - 1):
        bent = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        broken = checked([*lines[:at], bent, *lines[at + 1 :]]).broken
        assert broken is not None
        assert broken.number == at + 1, place


def _rewritten(lines: Lines, at: int) -> Lines:
    """A forger without the key changes an entry and chains all that follows anew, heads' words included."""
    entries = [read_line(line)[0] for line in lines]
    entries[at] = replace(entries[at], kind="stopped")
    for number in range(at + 1, len(entries)):
        entries[number] = replace(entries[number], prev=entries[number - 1].digest)
        if entries[number].kind == HEAD:
            forged = sign_head(number, entries[number - 1].digest, device=BOX.address, domain=DOMAIN, signer=STRANGER)
            entries[number] = replace(entries[number], facts=forged.to_plain())
    return [entry.line for entry in entries]


def test_rewritten_chain_is_found_at_the_next_signed_head(written: tuple[Lines, SignedHead]) -> None:
    lines, head = written
    heads = [number for number, line in enumerate(lines, start=1) if read_line(line)[0].kind == HEAD]
    broken = checked(_rewritten(lines, 20), head).broken
    assert broken is not None
    assert (broken.number, broken.how) == (heads[0], Break.HEAD_FOREIGN)
    tail = checked(_rewritten(lines, len(lines) - 2), head).broken
    assert tail is not None
    assert (tail.number, tail.how) == (len(lines), Break.REWRITTEN)


def test_tail_that_was_cut_off_is_found_as_far_as_a_signed_head_reaches(written: tuple[Lines, SignedHead]) -> None:
    lines, head = written
    told = checked(lines[:-3], head)
    assert told.broken is not None
    assert (told.broken.number, told.broken.how) == (len(lines) - 2, Break.CUT_AT_END)
    unsigned = Entry(number=head.number + 1, t_ms=T_MS, kind="stopped", prev=head.entry).line
    beyond = checked([*lines, unsigned], head)
    assert (beyond.broken, beyond.last, beyond.signed_to) == (None, head.number + 1, head.number), "only chained"
    assert checked(lines, head).broken is None, "an entry after the newest head can be cut off unseen"


def test_head_of_a_foreign_key_or_device_counts_for_nothing(written: tuple[Lines, SignedHead]) -> None:
    lines, head = written
    foreign = sign_head(head.number, head.entry, device=BOX.address, domain=DOMAIN, signer=STRANGER)
    elsewhere = sign_head(head.number, head.entry, device=STRANGER.address, domain=DOMAIN, signer=BOX)
    for wrong in (foreign, elsewhere, replace(head, signature=bytes(64))):
        broken = checked(lines, wrong).broken
        assert broken is not None
        assert broken.how is Break.HEAD_FOREIGN


@pytest.mark.parametrize("alg", [P256, ED25519])
def test_heads_are_signed_by_keys_of_every_algorithm(alg: int, tmp_path: Path) -> None:
    signer, store = signer_of(alg, b"\x05" * 32), store_at(tmp_path)
    filled(log_at(tmp_path, store, signer=signer), 70)
    head = kept_head(store)
    store.close()
    assert head is not None
    lines = list(lines_of(tmp_path / "events"))
    assert checked(lines, head, keys=frozenset({signer.address})).broken is None
    broken = checked(lines, head).broken
    assert broken is not None
    assert broken.how is Break.HEAD_FOREIGN


def test_rotation_bounds_the_log_and_leaves_a_chain_that_can_be_checked(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    log = log_at(tmp_path, store, file_bytes=4_000, kept=3)
    filled(log, 200)
    files = event_log.files_of(tmp_path / "events")
    assert len(files) == 3
    assert sum(path.stat().st_size for path in files) < 3 * (4_000 + 2_000)
    lines, head = list(lines_of(tmp_path / "events")), kept_head(store)
    assert head is not None
    told = checked(lines, head, late=event_log.begins_late(tmp_path / "events", kept_files=3))
    assert (told.broken, told.last) == (None, log.number)
    assert told.first > 100
    files[0].unlink()
    late = event_log.begins_late(tmp_path / "events", kept_files=3)
    broken = checked(list(lines_of(tmp_path / "events")), head, late=late).broken
    assert broken is not None
    assert broken.how is Break.CUT_AT_BEGINNING, "rotation would have left three files"
    store.close()


def test_log_that_was_cut_while_the_box_was_down_says_so_and_keeps_its_gap(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    filled(log_at(tmp_path, store), 20)
    [path] = event_log.files_of(tmp_path / "events")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:15]))
    filled(log_at(tmp_path, store), 5, at=100)
    lines = list(lines_of(tmp_path / "events"))
    assert "log.broken" in {read_line(line)[0].kind for line in lines}
    broken = checked(lines).broken
    assert broken is not None
    assert (broken.number, broken.how) == (16, Break.MISSING)
    store.close()


def test_line_torn_by_a_power_cut_is_taken_back_and_told(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    filled(log_at(tmp_path, store), 10)
    [path] = event_log.files_of(tmp_path / "events")
    whole = path.read_bytes()
    for torn in (1, 30, 64, 65, 120):
        path.write_bytes(whole + b"f" * 64 + b" {" + b"x" * torn)
        log = log_at(tmp_path, store)
        log.note("started", t_ms=T_MS)
        assert log.flush(t_ms=T_MS)
        lines = list(lines_of(tmp_path / "events"))
        assert checked(lines).broken is None
        assert [read_line(line)[0].kind for line in lines][-2:] == ["log.torn", "started"]
        whole = path.read_bytes()
    store.close()


def test_events_wait_in_memory_while_the_disk_takes_none_and_what_is_lost_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_at(tmp_path)
    log = log_at(tmp_path, store)
    filled(log, 1)

    def full(handle: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edge.health.event_log.os.write", full)
        for number in range(event_log.MOST_PENDING + 7):
            log.note("alarm.raised", t_ms=T_MS + number)
        assert not log.flush(t_ms=T_MS)
    assert log.flush(t_ms=T_MS)
    lines = list(lines_of(tmp_path / "events"))
    assert checked(lines).broken is None
    last, _ = read_line(lines[-1])
    assert (last.kind, last.facts) == ("log.lost", {"events": 7})
    store.close()


def test_entry_is_one_form_of_bytes_and_no_other_is_read() -> None:
    entry = Entry(number=1, t_ms=T_MS, kind="started", facts={"b": 1, "a": "中"})
    raw = json.dumps(json.loads(entry.form), indent=1, ensure_ascii=False).replace("\n", " ").encode()
    assert read_line(entry.line) == (entry, entry.digest)
    with pytest.raises(events.EntryUnreadable):
        read_line(entry.digest.hex().encode() + b" " + raw)


def test_old_file_that_cannot_be_removed_lets_nothing_be_written_twice(tmp_path: Path) -> None:
    store = store_at(tmp_path)
    log = log_at(tmp_path, store, file_bytes=2_000, kept=2)
    filled(log, 3)
    (tmp_path / "events" / "events-000000000000.log" / "held").mkdir(parents=True)
    filled(log, 60, at=3)
    assert log.waiting == 0
    files = event_log.files_of(tmp_path / "events")
    lines = [line for path in files if path.is_file() for line in path.read_bytes().splitlines(keepends=True)]
    numbers = [read_line(line)[0].number for line in lines]
    assert numbers == sorted(set(numbers))
    store.close()
