"""Protocol 4.11: the log's HTTP side says what the chain holds, and a real witness cosigns it."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.jobs.cosign import Cosign, Witness
from api.jobs.replicate import Replicate
from oracle.archive import FolderArchive
from oracle.merkle import verify_consistency, verify_inclusion
from oracle.note import NoteVerifier, parse_checkpoint, parse_note
from oracle.replica import MendingArchive
from oracle.tiles import Tile, parse_bundle, tree_of_entries, tree_of_tiles

T0 = 1_767_204_000_000


@pytest.fixture
def anchored(service):
    """A service with three epochs on chain."""
    box = service.box()
    for epoch in range(3):
        service.upload(box.seal(T0 + 900_000 * epoch, 5))
        service.run_until(T0 // 1000 + 900 * (epoch + 1) + 180)
    assert service.errors() == {}
    return service


def test_checkpoint_is_missing_by_name_when_nothing_is_anchored(service) -> None:
    reply = service.client.get("/log/checkpoint")
    assert (reply.status_code, reply.json()["code"]) == (404, "nothing_anchored")


def test_checkpoint_is_the_chains_when_epochs_are_anchored(anchored) -> None:
    verifier = NoteVerifier.parse(anchored.client.get("/log/vkey").text)
    note = parse_note(anchored.client.get("/log/checkpoint").content)
    verifier.verify(note)
    head = parse_checkpoint(note.text)
    last = anchored.client.get("/v1/epochs?limit=1").json()["items"][0]
    assert (head.size, "0x" + head.root.hex()) == (last["size"], last["root"])
    address = anchored.platform.deployment["AnchorLog"].address
    assert head.origin == verifier.name == f"storage-alliance/31337/0x{address.hex()}"


def test_tiles_lead_to_the_root_when_a_monitor_reads_them(anchored) -> None:
    head = parse_checkpoint(parse_note(anchored.client.get("/log/checkpoint").content).text)

    def fetch(tile: Tile) -> bytes:
        reply = anchored.client.get(f"/log/tile/{tile.path}")
        assert reply.status_code == 200, reply.text
        return bytes(reply.content)

    assert tree_of_tiles(fetch, head.size).root() == head.root
    assert tree_of_entries(fetch, head.size).root() == head.root
    first = parse_bundle(fetch(Tile(level=None, number=0, width=1)), Tile(level=None, number=0, width=1))
    assert first[0].raw[:5] == b"SAE1\0"


def test_tile_is_refused_by_name_when_the_log_does_not_fill_it(anchored) -> None:
    assert anchored.client.get("/log/tile/0/000").json()["code"] == "tile_missing"
    assert anchored.client.get("/log/tile/0/0").json()["code"] == "tile_path_malformed"
    assert anchored.client.get("/log/tile/7/000").status_code == 400


def test_proofs_verify_when_they_are_asked_for_anchored_sizes(anchored) -> None:
    sizes = sorted(epoch["size"] for epoch in anchored.client.get("/v1/epochs").json()["items"] if epoch["block"])
    grown = anchored.client.get(f"/v1/log/consistency?old={sizes[0]}").json()
    verify_consistency(
        old_size=grown["oldSize"], new_size=grown["newSize"], proof=[bytes.fromhex(p[2:]) for p in grown["proof"]],
        old_root=bytes.fromhex(grown["oldRoot"][2:]), new_root=bytes.fromhex(grown["newRoot"][2:]),
    )  # fmt: skip
    found = anchored.client.get(f"/v1/log/inclusion?index=1&size={sizes[1]}").json()
    verify_inclusion(
        bytes.fromhex(found["leaf"][2:]), index=1, size=found["size"], root=bytes.fromhex(found["root"][2:]),
        proof=[bytes.fromhex(p[2:]) for p in found["proof"]],
    )  # fmt: skip
    assert anchored.client.get("/log/proof/1").text.startswith("c2sp.org/tlog-proof@v1\nindex 1\n")
    between = next(size for size in range(1, sizes[-1]) if size not in sizes)
    assert anchored.client.get(f"/v1/log/consistency?old={between}").json()["code"] == "size_not_anchored"
    assert anchored.client.get(f"/v1/log/inclusion?index={sizes[-1]}").json()["code"] == "entry_beyond_log"
    assert anchored.client.get(f"/v1/log/consistency?old={sizes[-1]}&new={sizes[0]}").json()["code"] == "log_shrinks"


@pytest.fixture
def witness(service, tmp_path: Path) -> Iterator[str]:
    """A witness process that trusts the service's log: its setting."""
    from simulation.anvil import free_port

    port = free_port()
    command = [
        sys.executable, "-m", "witness.main", "run", "--name", "witness.example/w1", "--state", str(tmp_path / "witness"),
        "--log", str(service.platform.note.verifier), "--port", str(port),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    vkey, url = process.stdout.readline().strip(), f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            httpx.get(f"{url}/vkey", timeout=5)
            break
        except httpx.ConnectError:
            assert process.poll() is None
    yield f"{vkey} {url}"
    process.kill()
    process.communicate()


def test_checkpoint_carries_the_cosignature_when_a_witness_saw_it(anchored, witness: str) -> None:
    settings = anchored.platform.settings.model_copy(update={"witnesses": (witness,)})
    job = Cosign(replace(anchored.platform, settings=settings))
    verifier = Witness.parse(witness).verifier
    for epoch in (3, 4):
        job.run(anchored.clock.t_ms)
        job.run(anchored.clock.t_ms)
        note = parse_note(anchored.client.get("/log/checkpoint").content)
        assert verifier.verify(note) is not None
        assert len(note.signatures) == 2
        anchored.run_until(T0 // 1000 + 900 * (epoch + 1) + 180)


def test_nothing_stops_when_a_witness_is_away(anchored) -> None:
    gone = f"{anchored.platform.note.verifier} http://127.0.0.1:9"
    settings = anchored.platform.settings.model_copy(update={"witnesses": (gone,)})
    Cosign(replace(anchored.platform, settings=settings)).run(anchored.clock.t_ms)
    assert len(parse_note(anchored.client.get("/log/checkpoint").content).signatures) == 1


def test_copy_holds_every_block_and_heals_the_archive_when_one_is_lost(anchored, tmp_path: Path) -> None:
    copy, folder = FolderArchive(tmp_path / "copy"), anchored.platform.archive
    job = Replicate(anchored.platform, copy)
    job.run(anchored.clock.t_ms)
    assert list(copy.digests()) == list(folder.digests())
    victim, other = list(folder.digests())[:2]
    whole = folder.get(victim)
    folder.path(victim).unlink()
    folder.path(other).write_bytes(b"rotten")
    healing = MendingArchive(folder, copy)
    assert healing.get(victim) == whole
    assert healing.get(other) == copy.get(other)
    assert folder.get(victim) == whole
    anchored.run_until(T0 // 1000 + 900 * 4 + 180)
    Replicate(anchored.platform, copy).run(anchored.clock.t_ms)
    assert list(copy.digests()) == list(folder.digests())


def test_car_holds_the_whole_history_when_the_newest_manifest_is_asked_for(anchored, tmp_path: Path) -> None:
    import io

    from oracle import car

    manifest = anchored.client.get("/v1/epochs?limit=1").json()["items"][0]["manifestCid"]
    reply = anchored.client.get(f"/ipfs/{manifest}?format=car")
    assert reply.headers["content-type"].startswith("application/vnd.ipld.car; version=1")
    roots, blocks = car.read(io.BytesIO(reply.content))
    held = {digest for digest, _ in blocks}
    assert roots[0] in held
    assert held == set(anchored.platform.archive.digests())
    one = anchored.client.get(
        f"/ipfs/{manifest}", headers={"accept": "application/vnd.ipld.car"}, params={"dag-scope": "block"}
    )
    assert [digest for digest, _ in car.read(io.BytesIO(one.content))[1]] == [roots[0]]
    assert anchored.client.get(f"/ipfs/{manifest}?format=car&dag-scope=some").json()["code"] == "scope_not_served"
    assert anchored.client.get(f"/ipfs/{manifest}?format=tar").json()["code"] == "format_not_served"
