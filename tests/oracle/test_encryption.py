"""Protocol 4.8 and 4.9: encrypted blocks are the same bytes each time, open with their key alone, and keys are granted."""

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from alliance.errors import AllianceError
from alliance.identity import Digest
from alliance.segment import START, Head
from oracle import block, cbor, document, encryption, grant
from oracle.adapters import SystemRandomness
from oracle.archive import FolderArchive
from oracle.encryption import ContentKeyWrong, KeyMissing
from oracle.grant import FolderGrants, GatewayGrants, GrantForeign, GrantsUnreachable, Opener, ReaderKey
from oracle.hashing import sha256
from oracle.keys import KeyFileExposed, KeyFileMalformed
from oracle.log import EntryType
from oracle.segment import check_contents
from tests.vectors import make_encryption
from tests.vectors.make_evidence import DOMAIN, sealed

SUBJECT = sha256(b"subject key")
CHANCE = SystemRandomness()
READER = ReaderKey(sha256(b"reader"))


@pytest.fixture
def segments():
    first = sealed(START, 15, channel=1)
    return [first, sealed(Head(next_seq=15, digest=first.signed.digest), 0, channel=1)]


def key_of(encrypted: block.Encrypted) -> bytes:
    return encryption.content_key(SUBJECT, encrypted.info)


def test_encryption_vectors_are_fresh() -> None:
    assert json.loads(make_encryption.FILE.read_text()) == make_encryption.vectors()


@pytest.mark.parametrize("info", [b"", b"storage-alliance/evidence/1" + bytes(62), b"x" * 300])
def test_key_derivation_is_rfc_5869_when_another_library_computes_it(info: bytes) -> None:
    want = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(SUBJECT)
    assert (
        encryption.hkdf(SUBJECT, info)
        == want
        == HKDF(algorithm=SHA256(), length=32, salt=b"", info=info).derive(SUBJECT)
    )


def test_block_has_the_same_bytes_when_the_same_segments_are_sealed_again(segments) -> None:
    once, again = (block.encode_encrypted(segments, subject_key=SUBJECT, epoch=7) for _ in range(2))
    assert once == again
    others = [
        block.encode_encrypted(segments, subject_key=SUBJECT, epoch=8),
        block.encode_encrypted(segments, subject_key=sha256(b"another"), epoch=7),
        block.encode_encrypted(segments[:1], subject_key=SUBJECT, epoch=7),
    ]
    assert len({one.block for one in [once, *others]}) == 4


def test_block_opens_with_its_key_and_shows_signatures_without(segments) -> None:
    made = block.encode_encrypted(segments, subject_key=SUBJECT, epoch=7)
    assert block.decode(made.block, DOMAIN, content_key=key_of(made)) == tuple(segments)
    clear = block.read(made.block, DOMAIN)
    assert (clear.alg, clear.signed) == (block.ENCRYPTED, tuple(s.signed for s in segments))
    with pytest.raises(KeyMissing):
        block.decode(made.block, DOMAIN)
    assert block.decode(block.encode(segments), DOMAIN) == tuple(segments)


def test_nothing_of_a_reading_or_secret_stands_in_an_encrypted_block(segments) -> None:
    made = block.encode_encrypted(segments, subject_key=SUBJECT, epoch=7).block
    assert b"SAR1" in block.encode(segments)
    assert b"SAR1" not in made
    assert segments[0].secret not in made
    assert len(made) < len(block.encode(segments)) + 64


@pytest.mark.parametrize("bend", ["key", "ciphertext", "tag", "swapped"])
def test_block_is_refused_by_name_when_key_or_ciphertext_is_wrong(segments, bend: str) -> None:
    made = block.encode_encrypted(segments, subject_key=SUBJECT, epoch=7)
    clear, key = block.read(made.block, DOMAIN), key_of(made)
    payload = bytearray(clear.payload)
    if bend == "key":
        key = sha256(key)
    elif bend == "swapped":
        payload = bytearray(
            block.read(block.encode_encrypted(segments, subject_key=SUBJECT, epoch=8).block, DOMAIN).payload
        )
    else:
        payload[-1 if bend == "tag" else 100] ^= 1
    with pytest.raises(ContentKeyWrong) as refused:
        block.unlock(replace(clear, payload=bytes(payload)), content_key=key)
    assert refused.value.code == "content_key_wrong"
    assert refused.value.facts["what"] == "evidence block"


def test_contents_are_refused_when_the_operator_seals_other_readings(segments) -> None:
    first = segments[0]
    bent = replace(first, readings=first.readings[:70] + bytes([first.readings[70] ^ 1]) + first.readings[71:])
    made = block.encode_encrypted([bent, segments[1]], subject_key=SUBJECT, epoch=7)
    opened = block.decode(made.block, DOMAIN, content_key=key_of(made))
    with pytest.raises(AllianceError, match="root"):
        check_contents(opened[0])


def test_every_altered_byte_of_an_encrypted_block_is_noticed_when_it_is_opened(segments) -> None:
    made = block.encode_encrypted(segments, subject_key=SUBJECT, epoch=7)
    for at in range(0, len(made.block), 7):
        bent = made.block[:at] + bytes([made.block[at] ^ 1]) + made.block[at + 1 :]
        try:
            changed = block.decode(bent, DOMAIN, content_key=key_of(made))
        except AllianceError:
            continue
        assert [s.signed.signer for s in changed] != [s.signed.signer for s in segments], at


def test_document_commits_to_the_same_when_it_is_encrypted() -> None:
    content = {"cents": [1, -1]}
    plain = document.seal(EntryType.STATEMENT, content, salt=b"\5" * 32)
    sealed_ = document.seal(EntryType.STATEMENT, content, salt=b"\5" * 32, subject_key=SUBJECT)
    assert plain.entry.commitment == sealed_.entry.commitment
    assert plain.digest != sealed_.digest
    key = encryption.content_key(SUBJECT, sealed_.info)
    assert document.open_block(sealed_.block, commitment=plain.entry.commitment, content_key=key) == content
    assert document.open_salted(sealed_.block, content_key=key).salt == b"\5" * 32
    with pytest.raises(KeyMissing):
        document.open_block(sealed_.block)
    with pytest.raises(ContentKeyWrong):
        document.open_block(sealed_.block, content_key=SUBJECT)
    with pytest.raises(document.CommitmentWrong):
        document.open_block(sealed_.block, commitment=sha256(b"else"), content_key=key)
    assert cbor.encode(content) not in sealed_.block


def granted(keys: dict[Digest, bytes], *, reader: ReaderKey = READER, epoch: int = 7) -> grant.Grant:
    return grant.make(keys, reader=reader.public, epoch=epoch, randomness=CHANCE)


KEYS = {sha256(bytes([n])): sha256(b"key", bytes([n])) for n in range(5)}


def test_grant_opens_for_its_reader_alone_when_it_is_read(tmp_path: Path) -> None:
    folder = FolderGrants(tmp_path)
    folder.put(granted(KEYS))
    opener = Opener(READER, folder)
    assert {block_: opener.key_of(block_, 7) for block_ in KEYS} == KEYS
    assert opener.key_of(sha256(b"other"), 7) is None
    assert opener.key_of(next(iter(KEYS)), 8) is None
    assert opener.key_in(next(iter(KEYS)), range(9, 5, -1)) == next(iter(KEYS.values()))
    raw = folder.path(READER.fingerprint, 7).read_bytes()
    assert not any(key in raw for key in KEYS.values())
    stranger = ReaderKey(sha256(b"stranger"))
    assert Opener(stranger, folder).key_of(next(iter(KEYS)), 7) is None
    with pytest.raises(ContentKeyWrong):
        stranger.unwrap(grant.decode(raw))


def test_grant_is_new_bytes_each_time_and_replaces_the_one_before(tmp_path: Path) -> None:
    folder = FolderGrants(tmp_path)
    folder.put(granted(dict(list(KEYS.items())[:1])))
    first = folder.get(READER.fingerprint, 7)
    folder.put(granted(KEYS))
    assert folder.get(READER.fingerprint, 7) != first
    assert len(grant.decode(folder.get(READER.fingerprint, 7)).wrapped) == len(KEYS)
    assert list(FolderArchive(tmp_path).digests()) == []
    assert (folder.epochs(READER.fingerprint), folder.readers()) == ([7], [READER.fingerprint])
    folder.drop(READER.fingerprint, 7)
    folder.drop(READER.fingerprint, 7)
    assert folder.get(READER.fingerprint, 7) is None


def test_grant_is_refused_by_name_when_any_byte_is_altered(tmp_path: Path) -> None:
    raw = grant.encode(granted(KEYS))
    seen = set()
    for at in range(len(raw)):
        bent = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        path = FolderGrants(tmp_path).path(READER.fingerprint, 7)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bent)
        try:
            got = {b: k for b in KEYS if (k := Opener(READER, FolderGrants(tmp_path)).key_of(b, 7)) is not None}
        except AllianceError as error:
            seen.add(error.code)
        else:
            pytest.fail(f"byte {at} altered and {len(got)} keys came out")
    assert {"content_key_wrong", "grant_foreign", "not_canonical", "plain_malformed", "grant_version_unknown"} <= seen


def test_grant_of_another_reader_or_epoch_is_refused_when_it_stands_in_ones_place(tmp_path: Path) -> None:
    folder, other = FolderGrants(tmp_path), ReaderKey(sha256(b"other"))
    for stray in (granted(KEYS, reader=other), granted(KEYS, epoch=8)):
        path = folder.path(READER.fingerprint, 7)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(grant.encode(stray))
        with pytest.raises(GrantForeign):
            Opener(READER, folder).key_of(next(iter(KEYS)), 7)


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_key_that_shares_no_secret_is_refused_when_it_is_a_point_of_small_order(point: bytes) -> None:
    with pytest.raises(grant.ReaderKeyUnusable):
        grant.check_public(point)
    with pytest.raises(grant.ReaderKeyUnusable):
        READER.unwrap(replace(granted(KEYS), ephemeral=point))


def test_gateway_tells_no_grant_from_no_answer() -> None:
    raw = grant.encode(granted(KEYS))

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case path if path == f"/grants/{READER.fingerprint}/7":
                return httpx.Response(200, content=raw)
            case path if path.endswith("/8"):
                return httpx.Response(503)
            case path if path.endswith("/9"):
                raise httpx.ConnectError("away", request=request)
        return httpx.Response(404)

    opener = Opener(
        READER, GatewayGrants("http://gateway/", client=httpx.Client(transport=httpx.MockTransport(answer)))
    )
    block_, key = next(iter(KEYS.items()))
    assert opener.key_of(block_, 7) == key
    assert opener.key_of(block_, 6) is None
    for epoch in (8, 9):
        with pytest.raises(GrantsUnreachable):
            opener.key_of(block_, epoch)


def test_reader_key_comes_from_a_file_that_its_owner_alone_reads(tmp_path: Path) -> None:
    path = tmp_path / "reader.key"
    path.write_text(sha256(b"reader").hex() + "\n")
    path.chmod(0o644)
    with pytest.raises(KeyFileExposed):
        grant.load_reader(path)
    path.chmod(0o600)
    assert grant.load_reader(path).public == READER.public
    assert len(READER.fingerprint) == 20
    path.write_text("nonsense")
    with pytest.raises(KeyFileMalformed):
        grant.load_reader(path)


def test_nonce_zero_is_never_used_twice_with_a_key_when_contents_differ(segments) -> None:
    """The control: sealing two plaintexts under one key would show their difference; the content's hash prevents it."""
    key = sha256(b"one key")
    a, b = AESGCM(key).encrypt(bytes(12), b"a" * 16, None), AESGCM(key).encrypt(bytes(12), b"b" * 16, None)
    leaked = bytes(x ^ y for x, y in zip(a[:16], b[:16], strict=True))
    assert leaked == bytes([ord("a") ^ ord("b")]) * 16
    one = block.encode_encrypted(segments[:1], subject_key=SUBJECT, epoch=7)
    other = block.encode_encrypted(segments, subject_key=SUBJECT, epoch=7)
    assert key_of(one) != key_of(other)
