"""Protocol 4.11: signed notes, checkpoints and cosignatures in the bytes that C2SP gives them."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.identity import Address, Digest
from oracle.hashing import sha256
from oracle.note import (
    Checkpoint,
    NoteAlgorithm,
    NoteForged,
    NoteMalformed,
    NoteSigner,
    NoteUnsigned,
    NoteVerifier,
    SignedNote,
    origin_of,
    parse_checkpoint,
    parse_note,
    proof_text,
    signed_checkpoint,
)

ORIGIN = origin_of(31337, Address(b"\x11" * 20))
HEAD = Checkpoint(origin=ORIGIN, size=42, root=Digest(b"\x07" * 32))
LOG = NoteSigner(ORIGIN, b"\x01" * 32)
WITNESS = NoteSigner("witness.example/w1", b"\x02" * 32, algorithm=NoteAlgorithm.COSIGNATURE_V1)
NOTE = signed_checkpoint(HEAD, LOG)


def test_checkpoint_is_three_lines_when_it_is_written() -> None:
    root = base64.b64encode(b"\x07" * 32).decode()
    assert HEAD.text == f"storage-alliance/31337/0x{'11' * 20}\n42\n{root}\n"
    assert parse_checkpoint(HEAD.text) == HEAD


def test_key_id_is_the_hash_of_name_and_key_when_a_verifier_key_is_written() -> None:
    name, key_id, encoded = str(LOG.verifier).split("+", 2)
    key = base64.b64decode(encoded)
    assert (name, key[0]) == (ORIGIN, 1)
    assert key_id == sha256(name.encode() + b"\n" + key)[:4].hex()
    assert NoteVerifier.parse(str(LOG.verifier)) == LOG.verifier


def test_note_verifies_when_log_and_witness_signed_it() -> None:
    note = parse_note(NOTE.with_signatures([WITNESS.cosign(NOTE.text, time_s=1_700_000_000)]).raw)
    assert LOG.verifier.verify(note) is None
    assert WITNESS.verifier.verify(note) == 1_700_000_000
    assert note.raw.decode().count("— ") == 2


def test_published_note_verifies_when_it_was_signed_by_another_program() -> None:
    """The example in the documentation of Go's golang.org/x/mod/sumdb/note."""
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    signed = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert NoteVerifier.parse(vkey).verify(parse_note(signed.encode())) is None


def test_note_is_refused_when_one_letter_of_its_text_differs() -> None:
    for at in range(len(HEAD.text) - 1):
        changed = NOTE.text[:at] + chr(ord(NOTE.text[at]) ^ 1) + NOTE.text[at + 1 :]
        with pytest.raises(NoteForged):
            LOG.verifier.verify(SignedNote(changed, NOTE.signatures))


def test_cosignature_is_refused_when_its_time_was_changed() -> None:
    line = WITNESS.cosign(NOTE.text, time_s=1_700_000_000)
    later = type(line)(line.name, line.key_id, (1_700_000_001).to_bytes(8, "big") + line.body[8:])
    with pytest.raises(NoteForged):
        WITNESS.verifier.verify(NOTE.with_signatures([later]))


def test_note_is_unsigned_when_only_others_signed_it() -> None:
    with pytest.raises(NoteUnsigned) as caught:
        WITNESS.verifier.verify(NOTE)
    assert caught.value.name == "witness.example/w1"


@pytest.mark.parametrize(
    "raw",
    [b"", b"\n\n", NOTE.raw[:-1], NOTE.text.encode(), NOTE.raw.replace("—".encode(), b"-"), NOTE.raw + b"\xff",
     NOTE.raw.replace(b"42", b"4\t2"), NOTE.raw.replace(b"\n\n", b"\n")],
)  # fmt: skip
def test_bytes_are_refused_when_they_are_no_signed_note(raw: bytes) -> None:
    with pytest.raises(NoteMalformed):
        parse_note(raw)


@pytest.mark.parametrize(
    "text", ["a\n1\n", "a\n01\nAA==\n", "a\n-1\n" + "A" * 43 + "=\n", "a\n1\nAAAA\n", "\n1\nAAAA\n"]
)
def test_text_is_refused_when_it_is_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteMalformed):
        parse_checkpoint(text)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_name(raw: bytes) -> None:
    try:
        parse_note(raw)
    except NoteMalformed:
        pass


def test_proof_is_the_published_form_when_it_is_written() -> None:
    lines = proof_text(index=7, path=[Digest(b"\x05" * 32)], note=NOTE).split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 7"]
    assert lines[3] == ""
    assert lines[4] == ORIGIN
