"""Protocol 4.12: CAR files carry blocks whole or are refused at the place where they are not."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.errors import AllianceError
from oracle import car, cbor
from oracle.archive import BlockAltered, BlockMissing, FolderArchive
from oracle.car import CarArchive, CarMalformed
from oracle.cbor import Cid
from oracle.hashing import sha256
from oracle.log import EntryType, document_entry, encode_entries, epoch_entry
from oracle.replica import linked, named, repair

LEAF = cbor.encode({"x": 1})
BRANCH = cbor.encode([Cid(sha256(LEAF)), Cid(sha256(LEAF)), 7])
TREE = {sha256(block): block for block in (LEAF, BRANCH)}


def written() -> bytes:
    blocks = car.walk(sha256(BRANCH), TREE.__getitem__, into=linked)
    return car.header([sha256(BRANCH)]) + b"".join(map(car.section, blocks))


def test_blocks_come_back_once_and_depth_first_when_a_file_is_read() -> None:
    roots, blocks = car.read(io.BytesIO(written()))
    assert roots == (sha256(BRANCH),)
    assert [block for _, block in blocks] == [BRANCH, LEAF]


def test_header_is_the_published_one_when_a_file_begins() -> None:
    raw = car.header([sha256(BRANCH)])
    assert raw[0] == len(raw) - 1
    assert cbor.decode(raw[1:]) == {"roots": [Cid(sha256(BRANCH))], "version": 1}


def test_file_is_refused_when_any_byte_of_a_block_was_changed() -> None:
    raw = written()
    first = len(car.header([sha256(BRANCH)]))
    for at in range(first, len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises(AllianceError):
            list(car.read(io.BytesIO(bytes(changed)))[1])


def test_file_is_refused_when_it_is_cut_anywhere_but_between_blocks() -> None:
    raw, ends = written(), set()
    at = len(car.header([sha256(BRANCH)]))
    for block in (BRANCH, LEAF):
        ends.add(at)
        at += len(car.section(block))
    for end in range(len(raw)):
        if end in ends:
            continue
        with pytest.raises(AllianceError):
            list(car.read(io.BytesIO(raw[:end]))[1])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(raw: bytes) -> None:
    try:
        list(car.read(io.BytesIO(raw))[1])
    except AllianceError:
        pass


def test_archive_reads_blocks_by_their_address_when_it_is_a_file() -> None:
    archive = CarArchive(io.BytesIO(written()), name="day.car")
    assert archive.get(sha256(LEAF)) == LEAF
    assert sorted(archive.digests()) == sorted(TREE)
    with pytest.raises(BlockMissing) as missing:
        archive.get(sha256(b"another"))
    assert missing.value.where == "day.car"


def test_archive_names_the_block_when_its_bytes_in_the_file_were_changed() -> None:
    raw = bytearray(written())
    raw[-1] ^= 1
    archive = CarArchive(io.BytesIO(bytes(raw)), name="day.car")
    with pytest.raises(BlockAltered) as altered:
        archive.get(sha256(LEAF))
    assert altered.value.cid == Cid(sha256(LEAF))


def test_length_is_refused_when_it_is_not_in_its_shortest_form() -> None:
    with pytest.raises(CarMalformed):
        car.read(io.BytesIO(b"\x81\x00" + written()[1:]))


def test_entries_lead_to_their_documents_when_an_epoch_is_walked() -> None:
    entry = document_entry(EntryType.SCHEDULE, block=sha256(LEAF), commitment=sha256(b"c"))
    assert named(encode_entries([epoch_entry(1), entry])) == [sha256(LEAF)]
    assert (
        named(cbor.encode({"manifest": Cid(sha256(LEAF))}))
        == linked(cbor.encode([Cid(sha256(LEAF))]))
        == [sha256(LEAF)]
    )


def test_two_archives_are_whole_when_each_lacked_what_the_other_had(tmp_path: Path) -> None:
    ours, theirs = FolderArchive(tmp_path / "a"), FolderArchive(tmp_path / "b")
    only_ours, only_theirs, both = cbor.encode(1), cbor.encode(2), cbor.encode(3)
    for block in (only_ours, both, LEAF):
        ours.put(block)
    for block in (only_theirs, both, LEAF):
        theirs.put(block)
    ours.path(sha256(both)).write_bytes(b"changed")
    theirs.path(sha256(LEAF)).write_bytes(b"")
    done = repair(ours, theirs)
    assert (done.checked, done.mended, done.copied, done.lost) == (4, 2, 2, ())
    for archive in (ours, theirs):
        for block in (only_ours, only_theirs, both, LEAF):
            assert archive.get(sha256(block)) == block
    assert repair(ours, theirs).mended == 0


def test_block_is_named_lost_when_neither_archive_has_it_whole(tmp_path: Path) -> None:
    ours, theirs = FolderArchive(tmp_path / "a"), FolderArchive(tmp_path / "b")
    for archive in (ours, theirs):
        archive.put(LEAF)
        archive.path(sha256(LEAF)).write_bytes(b"changed")
    assert repair(ours, theirs).lost == (sha256(LEAF),)
