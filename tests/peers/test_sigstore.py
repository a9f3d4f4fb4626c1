"""Protocol 1.1, 4.11: PyPI's sigstore reads our checkpoints and verifies our inclusion proofs, and refuses altered ones."""

from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sigstore._utils import KeyID
from sigstore.errors import VerificationError

from alliance.identity import Address
from oracle.log import Entry, EntryType
from oracle.merkle import HashTree, leaf_hash
from oracle.note import Checkpoint, NoteAlgorithm, NoteSigner, origin_of, signed_checkpoint

ENTRIES = [Entry(EntryType.EPOCH, number.to_bytes(8, "big")) for number in range(41)]
TREE = HashTree(leaf_hash(entry.raw) for entry in ENTRIES)
ORIGIN = origin_of(31337, Address(b"\x11" * 20))
LOG = NoteSigner(ORIGIN, b"\x01" * 32)
WITNESS = NoteSigner("witness.example/w1", b"\x02" * 32, algorithm=NoteAlgorithm.COSIGNATURE_V1)


class Keyring:
    """What sigstore asks of a log's keys."""

    def verify(self, *, key_id: KeyID, signature: bytes, data: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(LOG.verifier.public_key).verify(signature, data)
        except Exception as error:
            raise VerificationError("signature") from error


def proven(index: int, size: int, **changes: object) -> SimpleNamespace:
    proof = {
        "log_index": index, "tree_size": size, "hashes": TREE.inclusion_proof(index, size), "root_hash": TREE.root(size),
    } | changes  # fmt: skip
    inner = SimpleNamespace(inclusion_proof=SimpleNamespace(**proof), canonicalized_body=ENTRIES[index].raw)
    return SimpleNamespace(_inner=inner)


def test_sigstore_reads_our_checkpoint_when_the_log_and_a_witness_signed_it() -> None:
    note = signed_checkpoint(Checkpoint(origin=ORIGIN, size=41, root=TREE.root()), LOG)
    cosigned = note.with_signatures([WITNESS.cosign(note.text, time_s=1_700_000_000)])
    read = SignedCheckpoint.from_text(cosigned.raw.decode())
    assert (read.checkpoint.origin, read.checkpoint.log_size) == (ORIGIN, 41)
    assert read.checkpoint.log_hash == TREE.root().hex()
    read.signed_note.verify(Keyring(), KeyID(LOG.verifier.key_id))
    forged = SignedCheckpoint.from_text(cosigned.raw.decode().replace("\n41\n", "\n42\n"))
    with pytest.raises(VerificationError):
        forged.signed_note.verify(Keyring(), KeyID(LOG.verifier.key_id))


def test_sigstore_accepts_our_inclusion_proofs_when_the_entry_is_in_the_log() -> None:
    for size in (1, 2, 5, 16, 33, 41):
        for index in range(size):
            verify_merkle_inclusion(proven(index, size))


def test_sigstore_refuses_when_anything_of_a_proof_is_altered() -> None:
    altered = [
        proven(7, 41, root_hash=TREE.root(40)), proven(7, 41, log_index=6), proven(7, 41, hashes=TREE.inclusion_proof(6, 41)),
        proven(7, 41, hashes=TREE.inclusion_proof(7, 41)[:-1]),
    ]  # fmt: skip
    for entry in altered:
        with pytest.raises(VerificationError):
            verify_merkle_inclusion(entry)
