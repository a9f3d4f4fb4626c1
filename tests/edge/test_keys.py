"""Protocol 6.1, 6.3, 6.4 and 3.9 on the box: encrypted keys, rotation, a key that lapses, a head that was lost."""

import asyncio
import itertools
import json
from pathlib import Path

import pytest

from alliance.identity import ZERO_ADDRESS, address
from edge.evidence.outbox import HeadLost
from edge.folder import DATABASE, KEY, NEXT, SIGNING, next_key, open_folder
from edge.keys import reenrolment
from edge.keys.reenrolment import HeadKept
from edge.keys.signing import LAPSED
from oracle import eip712, signature
from oracle.keyfile import Lock
from oracle.signature import SecpSigner
from tests.edge.peer import DOMAIN, Peer
from tests.edge.program import edge, settings_at
from tests.edge.rig import PLAIN, START_MS, folder_at, rig, seeded

OWNER = "0x" + "22" * 20
EPOCH_MINUTES = 15
ROOM = {"quota_bytes": 64 << 20, "reserve_bytes": 1 << 20}


def waiting_key(path: Path, *, alg: int = 1) -> signature.KeySigner:
    return next_key(path, alg=alg, key_lock=PLAIN, randomness=seeded("the next key"))[1]


def test_box_holds_what_it_reads_and_says_so_when_its_key_has_lapsed(tmp_path: Path, peer: Peer) -> None:
    """The owner revoked the key: not one more signature by it; every reading is kept and sent under the next key."""

    async def story() -> None:
        async with rig(tmp_path, peer, backoff_ticks=1) as r:
            old = r.folder.signer.address
            await r.play(EPOCH_MINUTES + 1)
            before = len(peer.sealed)
            peer.lapsed.add(old)
            await r.play(2 * EPOCH_MINUTES)
            signed_when_told = r.folder.store.rows("SELECT count(*) FROM segment WHERE signer IS NOT NULL")[0][0]
            assert LAPSED in r.alarms.names
            await r.play(2 * EPOCH_MINUTES)
            held = r.folder.store.rows("SELECT count(*) FROM segment WHERE signer IS NULL")[0][0]
            assert int(str(held)) >= 4, "two epochs of two channels, closed and unsigned"
            assert (
                r.folder.store.rows("SELECT count(*) FROM segment WHERE signer IS NOT NULL")[0][0] == signed_when_told
            )
            assert len(peer.sealed) == before
            new = waiting_key(tmp_path)
            await r.play(EPOCH_MINUTES)
            for _ in range(4):
                await r.box.tick(r.clock.t_ms)
            assert LAPSED not in r.alarms.names
            assert r.waiting() == 0
            assert {one.signed.signer for one in peer.sealed} == {old, new.address}
            assert not peer.altered
        for channel in (1, 2):
            stream = [one.signed.segment for one in peer.sealed if one.signed.segment.channel == channel]
            assert all(a.next_seq == b.first_seq for a, b in itertools.pairwise(stream))
            assert sum(one.count for one in stream) >= 6 * EPOCH_MINUTES - 2

    asyncio.run(story())


@pytest.mark.parametrize("alg", [1, 2, 3])
def test_stream_goes_on_under_the_next_key_when_the_old_one_was_rotated_out(
    tmp_path: Path, peer: Peer, alg: int
) -> None:
    async def story() -> None:
        async with rig(tmp_path, peer, backoff_ticks=1) as r:
            old, new = r.folder.signer.address, waiting_key(tmp_path, alg=alg)
            await r.play(EPOCH_MINUTES + 1)
            assert {one.signed.signer for one in peer.sealed} == {old}, "until the old key lapses it signs"
            peer.lapsed.add(old)
            peer.keys[r.folder.device, new.alg] = [new.public_key]
            await r.play(3 * EPOCH_MINUTES)
            for _ in range(4):
                await r.box.tick(r.clock.t_ms)
            assert r.waiting() == 0
            assert LAPSED not in r.alarms.names
            assert {one.signed.segment.device for one in peer.sealed} == {r.folder.device}
            assert peer.sealed[-1].signed.signer == new.address
        again = folder_at(tmp_path)
        assert (again.device, again.signer.address) == (old, new.address), "after a restart too"
        again.close()

    asyncio.run(story())
    assert not (tmp_path / NEXT).exists()


def test_hand_over_is_finished_when_the_box_died_in_its_middle(tmp_path: Path) -> None:
    folder = folder_at(tmp_path)
    new = waiting_key(tmp_path)
    folder.outbox.hand_over(new)  # stored; the file is not moved yet, and the process dies
    folder.close()
    again = folder_at(tmp_path)
    assert again.signer.address == new.address
    assert (tmp_path / SIGNING).exists()
    assert not (tmp_path / NEXT).exists()
    again.close()


def test_key_of_another_curve_signs_from_birth_and_the_device_keeps_its_name(tmp_path: Path) -> None:
    folder = open_folder(tmp_path, domain=DOMAIN, randomness=seeded("key"), key_lock=PLAIN, alg=3, **ROOM)
    assert (folder.identity.alg, folder.signer.alg) == (1, 3)
    assert folder.device == folder.identity.address != folder.signer.address
    folder.close()


def test_lost_head_is_begun_again_with_a_new_key_where_the_log_ends(tmp_path: Path, peer: Peer) -> None:
    async def story() -> None:
        async with rig(tmp_path, peer, backoff_ticks=1) as r:
            await r.play(2 * EPOCH_MINUTES + 1)
            device = r.folder.device
        (tmp_path / DATABASE).unlink()
        with pytest.raises(HeadLost):
            folder_at(tmp_path)
        heads = {channel: head for (_, channel), head in peer.heads.items()}
        new = reenrolment.begin_again(
            tmp_path, device=device, heads=heads, domain=DOMAIN, alg=1, key_lock=PLAIN,
            randomness=seeded("begun again"), **ROOM,
        )  # fmt: skip
        assert new.address != device
        async with rig(tmp_path, peer, backoff_ticks=1, t_ms=START_MS + 30 * 60_000) as r:
            assert r.folder.device == device
            await r.play(2 * EPOCH_MINUTES)
            assert r.waiting() == 0
            assert peer.sealed[-1].signed.signer == new.address
        with pytest.raises(HeadKept):
            reenrolment.begin_again(
                tmp_path, device=device, heads=heads, domain=DOMAIN, alg=1, key_lock=PLAIN,
                randomness=seeded("and again"), **ROOM,
            )  # fmt: skip

    asyncio.run(story())


# ---- the program ----


def test_program_refuses_a_key_without_its_passphrase_in_one_line(tmp_path: Path) -> None:
    config = settings_at(tmp_path)
    enrol = ("enrol", "--config", str(config), "--owner", OWNER, "--deadline", "9")
    first = edge(*enrol)
    assert first.returncode == 0, first.stderr
    assert "sealed" in (tmp_path / "state" / KEY).read_text()
    (tmp_path / "passphrase").write_text("another\n")
    wrong = edge(*enrol)
    assert (wrong.returncode, "passphrase_wrong" in wrong.stderr, wrong.stderr.count("\n")) == (3, True, 1)
    (tmp_path / "passphrase").chmod(0o644)
    assert "key_file_exposed" in edge(*enrol).stderr
    none = edge("enrol", "--config", str(settings_at(tmp_path, passphrase_file=None)), *enrol[3:])
    assert (none.returncode, "passphrase_missing" in none.stderr) == (4, True)


def test_program_takes_a_plain_key_by_name_alone_and_encrypts_it_when_asked(tmp_path: Path) -> None:
    allowed = settings_at(tmp_path, passphrase_file=None, plain_key_allowed=True)
    enrol = ("enrol", "--config", str(allowed), "--owner", OWNER, "--deadline", "9")
    born = json.loads(edge(*enrol).stdout)["device"]
    config = settings_at(tmp_path)
    refused = edge(*enrol[:2], str(config), *enrol[3:])
    assert (refused.returncode, "key_file_plain" in refused.stderr) == (3, True)
    done = edge("encrypt-key", "--config", str(config))
    assert (done.returncode, born in done.stdout) == (0, True), done.stderr
    assert json.loads(edge(*enrol).stdout)["device"] == born


@pytest.mark.parametrize(("alg", "call"), [(1, "rotate"), (2, "rotateKey"), (3, "rotateKey")])
def test_rotation_is_the_outgoing_keys_word_for_the_incoming_one(tmp_path: Path, alg: int, call: str) -> None:
    enrol = ("enrol", "--config", str(settings_at(tmp_path)), "--owner", OWNER, "--deadline", "9")
    device = address(json.loads(edge(*enrol).stdout)["device"])
    config = settings_at(tmp_path, key_algorithm=alg)
    asked = [edge("rotate", "--config", str(config), "--nonce", "1", "--validity", "86400") for _ in range(2)]
    assert asked[0].returncode == 0, asked[0].stderr
    assert asked[0].stdout == asked[1].stdout, "the key in waiting stays the same"
    given = json.loads(asked[0].stdout)
    public = bytes.fromhex(given["publicKey"][2:])
    assert (given["call"], given["alg"], address(given["device"])) == (call, alg, device)
    assert address(given["newKey"]) == signature.address_of(alg, public) != ZERO_ADDRESS
    if alg == 1:
        named = eip712.rotate_digest(
            DOMAIN, device=device, new_key=address(given["newKey"]), validity_s=86_400, nonce=1
        )
    else:
        named = eip712.rotate_key_digest(DOMAIN, device=device, alg=alg, public_key=public, validity_s=86_400, nonce=1)
    assert signature.recover(named, alg=1, signature=bytes.fromhex(given["signature"][2:])) == device


def test_rotation_of_a_key_that_no_contract_can_check_asks_for_the_attestor(tmp_path: Path) -> None:
    config = settings_at(tmp_path, key_algorithm=3)
    enrolled = json.loads(edge("enrol", "--config", str(config), "--owner", OWNER, "--deadline", "9").stdout)
    assert enrolled["signingKey"]["alg"] == 3
    given = json.loads(edge("rotate", "--config", str(config), "--nonce", "1").stdout)
    assert (given["call"], given["signature"]) == ("confirmKey", None)
    assert given["outgoing"] == enrolled["signingKey"]["newKey"]


def test_passphrase_comes_from_systemds_credential_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edge.keys.passphrase import PassphraseEmpty, lock_of
    from edge.settings import load

    settings = load(settings_at(tmp_path, passphrase_file=None))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert lock_of(settings) == Lock()
    monkeypatch.setenv("ALLIANCE_EDGE_PASSPHRASE", "from the environment")
    assert lock_of(settings).passphrase == b"from the environment"
    (tmp_path / "alliance-edge-passphrase").write_text("from systemd\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert lock_of(settings).passphrase == b"from systemd"
    (tmp_path / "alliance-edge-passphrase").write_text("\n")
    with pytest.raises(PassphraseEmpty):
        lock_of(settings)


def test_box_of_the_first_release_is_taken_over_with_its_database(tmp_path: Path) -> None:
    """A state folder written before keys could change: same device, same signer, nothing held."""
    folder = folder_at(tmp_path)
    device = folder.device
    with folder.store.change() as db:
        db.execute("ALTER TABLE segment DROP COLUMN signer")
        db.execute("DELETE FROM meta WHERE name = 'device'")
        for table in ("directive", "answer"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
    folder.close()
    again = folder_at(tmp_path)
    assert (again.device, again.signer.address) == (device, device)
    assert isinstance(again.signer, SecpSigner)
    again.close()
