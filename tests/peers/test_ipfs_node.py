"""Protocol 1.4, 4.12: a real IPFS node gives our blocks the same addresses, reads them, keeps them, and gives them back."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from alliance.identity import Digest
from oracle import car, cbor, log, manifest
from oracle.archive import BlockMissing, FolderArchive
from oracle.cbor import Cid
from oracle.hashing import sha256
from oracle.kubo import NodeArchive, NodeUnreachable
from oracle.manifest import Manifest
from oracle.replica import MendingArchive, epoch_blocks, linked, repair
from tests.peers.ipfs_node import IpfsNode
from tests.peers.node import ask

ENTRIES = log.encode_entries([log.epoch_entry(7)])
MANIFEST = manifest.encode(
    Manifest(
        log=Digest(b"\x01" * 32),
        epoch=7,
        prev=Digest(bytes(32)),
        size=1,
        root=Digest(b"\x02" * 32),
        as_of_block=3,
        as_of_hash=Digest(b"\x03" * 32),
        entries=sha256(ENTRIES),
        rows=(),
    )
)


@pytest.fixture
def copy(node: IpfsNode) -> Iterator[NodeArchive]:
    with httpx.Client(timeout=60) as client:
        yield NodeArchive(node.url, client=client, search_s=1)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IpfsNode]:
    made = IpfsNode(tmp_path_factory.mktemp("ipfs"))
    made.start()
    yield made
    made.stop()


def test_address_is_the_same_when_the_node_stores_a_block(copy: NodeArchive) -> None:
    for block in (ENTRIES, MANIFEST, cbor.encode({"x": b"\x00" * 70_000})):
        digest = copy.put(block)
        assert digest == sha256(block)
        assert copy.get(digest) == block
        assert digest in set(copy.digests())
        assert copy.has(digest)


def test_fields_and_links_are_the_same_when_the_node_reads_a_manifest(node: IpfsNode, copy: NodeArchive) -> None:
    copy.put(ENTRIES)
    copy.put(MANIFEST)
    root = str(Cid(sha256(MANIFEST)))
    for field, want in (("epoch", 7), ("size", 1), ("v", 1)):
        reply = httpx.post(f"{node.url}/api/v0/dag/get", params={"arg": f"{root}/{field}"}, timeout=60)
        assert reply.json() == want
    led = httpx.post(
        f"{node.url}/api/v0/dag/resolve", params={"arg": f"{root}/entries", "cid-base": "base32"}, timeout=60
    )
    assert str(Cid(sha256(ENTRIES))) in led.text


def test_block_is_missing_by_name_when_the_node_lacks_it(copy: NodeArchive) -> None:
    with pytest.raises(BlockMissing):
        copy.get(sha256(b"nobody stored this"))
    with httpx.Client() as client, pytest.raises(NodeUnreachable):
        NodeArchive("http://127.0.0.1:9", client=client).put(ENTRIES)


def test_epoch_is_whole_in_the_node_and_comes_back_when_the_folder_lost_it(copy: NodeArchive, tmp_path: Path) -> None:
    folder = FolderArchive(tmp_path / "archive")
    folder.put(ENTRIES)
    folder.put(MANIFEST)
    for block in epoch_blocks(folder, sha256(MANIFEST)):
        copy.put(block)
    folder.path(sha256(ENTRIES)).unlink()
    folder.path(sha256(MANIFEST)).write_bytes(b"rotten")
    assert MendingArchive(folder, copy).get(sha256(ENTRIES)) == ENTRIES
    done = repair(folder, copy)
    assert done.mended >= 1
    assert (done.copied, done.lost) == (0, ())
    assert folder.get(sha256(MANIFEST)) == MANIFEST


def test_car_is_read_block_by_block_when_another_program_opens_it() -> None:
    """npm's @ipld/car, and the car that it writes read by us."""
    held = {sha256(block): block for block in (ENTRIES, MANIFEST)}
    blocks = car.walk(sha256(MANIFEST), held.__getitem__, into=linked)
    ours = car.header([sha256(MANIFEST)]) + b"".join(map(car.section, blocks))
    theirs = ask("car.mjs", {"car": base64.b64encode(ours).decode()}, needs=("@ipld/car", "@ipld/dag-cbor"))
    assert theirs["roots"] == [str(Cid(sha256(MANIFEST)))]
    assert theirs["blocks"] == [str(Cid(sha256(MANIFEST))), str(Cid(sha256(ENTRIES)))]
    assert theirs["epoch"] == 7
    assert base64.b64decode(theirs["written"]) == ours
    roots, found = car.read(io.BytesIO(base64.b64decode(theirs["written"])))
    assert roots == (sha256(MANIFEST),)
    assert dict(found) == held
