"""Protocol 2 to 4: bytes round-trip, every altered byte is refused, and the tree agrees with RFC 9162's definition."""

from dataclasses import replace

import libipld
import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.errors import AllianceError
from alliance.identity import Address, Digest
from alliance.reading import Flag, Reading, RegisterWentBackwards, SequenceBroken
from alliance.segment import START, Head, StreamBroken, check_continues, conflict
from oracle import block, cbor, document, log, manifest, merkle, segment
from oracle import reading as reading_bytes
from oracle.eip712 import Domain
from oracle.hashing import keccak256, sha256
from oracle.plain import PlainMalformed
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner, SignatureMalformed, recover

DOMAIN = Domain(31337, Address(b"\x11" * 20))
KEY = SecpSigner(b"\x07" * 32)
SECRET = sha256(b"secret")


def readings(count: int, *, first_seq: int = 0, t_ms: int = 1_800_000_000_000) -> list[Reading]:
    return [
        segment.salted(
            Reading(channel=1, seq=first_seq + i, t_ms=t_ms + 60_000 * i, a=-5 * i, b=0, c=100 * i, d=7, salt=b""),
            SECRET,
        )
        for i in range(count)
    ]


def sealed(count: int = 15, *, head: Head = START, beacon: int = 9) -> SealedSegment:
    covered = readings(count, first_seq=head.next_seq)
    closed = segment.close(
        covered, device=KEY.address, channel=1, head=head, closed_at_ms=1_800_000_900_000, beacon_block=beacon
    )
    raw = b"".join(map(reading_bytes.encode, covered))
    secret = SECRET if count else Digest(bytes(32))
    return SealedSegment(signed=segment.sign(closed, domain=DOMAIN, signer=KEY), secret=secret, readings=raw)


def naive_root(leaves: list[Digest]) -> Digest:
    """RFC 9162 2.1.1, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else merkle.EMPTY_ROOT
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return merkle.node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


@given(
    st.builds(
        Reading,
        flags=st.integers(0, 7),
        channel=st.integers(0, 65535),
        seq=st.integers(0, 2**64 - 1),
        t_ms=st.integers(0, 2**64 - 1),
        a=st.integers(-(2**31), 2**31 - 1),
        b=st.integers(-(2**31), 2**31 - 1),
        c=st.integers(0, 2**64 - 1),
        d=st.integers(0, 2**64 - 1),
        salt=st.binary(min_size=16, max_size=16),
    )
)
def test_reading_comes_back_when_encoded(reading: Reading) -> None:
    raw = reading_bytes.encode(reading)
    assert len(raw) == 64
    assert reading_bytes.decode(raw) == reading


@pytest.mark.parametrize(("at", "value"), [(0, 0), (4, 2), (5, 8), (5, 128)])
def test_reading_is_refused_when_magic_version_or_flags_are_unknown(at: int, value: int) -> None:
    raw = bytearray(reading_bytes.encode(readings(1)[0]))
    raw[at] = value
    with pytest.raises(reading_bytes.ReadingMalformed):
        reading_bytes.decode(bytes(raw))


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_reading_is_refused_when_its_size_is_not_64(size: int) -> None:
    with pytest.raises(reading_bytes.ReadingMalformed):
        reading_bytes.decode(bytes(size))


def test_every_altered_byte_of_an_uploaded_segment_is_refused() -> None:
    good = sealed(3)
    segment.check_contents(good)
    for at in range(len(good.readings)):
        bent = bytearray(good.readings)
        bent[at] ^= 1
        with pytest.raises(AllianceError):
            segment.check_contents(replace(good, readings=bytes(bent)))
    with pytest.raises(segment.SaltWrong):
        segment.check_contents(replace(good, secret=sha256(b"other")))


def test_signature_names_another_key_when_any_field_is_altered() -> None:
    signed = sealed().signed
    for field, value in [
        ("channel", 2), ("first_seq", 1), ("count", 14), ("t_first_ms", 1), ("t_last_ms", 1), ("root", Digest(bytes(32))),
        ("prev", Digest(b"\1" * 32)), ("beacon_block", 8), ("beacon_hash", Digest(b"\1" * 32)), ("device", Address(bytes(20))),
    ]:  # fmt: skip
        altered = replace(signed.segment, **{field: value})
        again = segment.check_signature(altered, alg=1, signature_bytes=signed.signature, domain=DOMAIN)
        assert again.signer != KEY.address, field
    for elsewhere in (Domain(1, DOMAIN.registry), Domain(31337, Address(b"\x22" * 20))):
        again = segment.check_signature(signed.segment, alg=1, signature_bytes=signed.signature, domain=elsewhere)
        assert again.signer != KEY.address


def test_signature_is_refused_when_s_is_high() -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    named = sha256(b"x")
    good = KEY.sign(named)
    low = int.from_bytes(good[32:], "big") & ((1 << 255) - 1)
    high = order // 2 + 1
    for s in (high, (1 << 255) - 1, 0):
        with pytest.raises(SignatureMalformed):
            recover(named, alg=1, signature=good[:32] + s.to_bytes(32, "big"))
    mirrored = good[:32] + (order - low).to_bytes(32, "big")
    try:
        assert recover(named, alg=1, signature=mirrored) != KEY.address
    except SignatureMalformed:
        pass


def test_readings_are_refused_when_a_register_falls_without_the_reset_flag() -> None:
    first, second = readings(2)
    fallen = segment.salted(replace(second, d=6), SECRET)
    raw = reading_bytes.encode(first) + reading_bytes.encode(fallen)
    closed = segment.close([first, fallen], device=KEY.address, channel=1, head=START, closed_at_ms=0)
    whole = SealedSegment(signed=segment.sign(closed, domain=DOMAIN, signer=KEY), secret=SECRET, readings=raw)
    with pytest.raises(RegisterWentBackwards):
        segment.check_contents(whole)
    reset = replace(fallen, flags=int(Flag.REGISTER_RESET))
    closed = segment.close([first, reset], device=KEY.address, channel=1, head=START, closed_at_ms=0)
    raw = reading_bytes.encode(first) + reading_bytes.encode(reset)
    whole = SealedSegment(signed=segment.sign(closed, domain=DOMAIN, signer=KEY), secret=SECRET, readings=raw)
    assert len(segment.check_contents(whole)) == 2


def test_readings_are_refused_when_a_sequence_number_is_skipped() -> None:
    with pytest.raises(SequenceBroken):
        from alliance.reading import check_follows

        first, _, third = readings(3)
        check_follows(first, third)


def test_segment_is_refused_when_it_does_not_continue_its_stream() -> None:
    first = sealed().signed
    head = Head(next_seq=first.segment.next_seq, digest=first.digest)
    check_continues(head, sealed(head=head).signed.segment)
    with pytest.raises(StreamBroken):
        check_continues(head, sealed(head=replace(head, next_seq=16)).signed.segment)
    with pytest.raises(StreamBroken):
        check_continues(head, sealed(head=replace(head, digest=Digest(b"\1" * 32))).signed.segment)


def test_segments_conflict_only_when_they_claim_the_same_place() -> None:
    first = sealed(15).signed
    other = sealed(15, beacon=10).signed
    later = sealed(15, head=Head(next_seq=15, digest=first.digest)).signed
    overlapping = sealed(15, head=Head(next_seq=14, digest=other.digest)).signed
    empty = sealed(0, head=Head(next_seq=7, digest=other.digest)).signed
    assert conflict(first, other)
    assert conflict(first, overlapping)
    assert not conflict(first, first)
    assert not conflict(first, later)
    assert not conflict(first, empty)


def test_evidence_block_comes_back_and_is_refused_when_a_byte_is_altered() -> None:
    first = sealed(15)
    second = sealed(0, head=Head(next_seq=15, digest=first.signed.digest))
    raw = block.encode([first, second])
    assert block.decode(raw, DOMAIN) == (first, second)
    for at in range(0, len(raw), 7):
        bent = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        try:
            changed = block.decode(bent, DOMAIN)
        except AllianceError:
            continue
        for item in changed:
            if item.signed.signer != KEY.address:
                break
            try:
                segment.check_contents(item)
            except AllianceError:
                break
        else:
            pytest.fail(f"byte {at} altered and nobody noticed")


def test_document_is_refused_when_it_is_not_what_the_entry_committed_to() -> None:
    sealed_document = document.seal(log.EntryType.STATEMENT, {"cents": [1, -1]}, salt=b"\5" * 32)
    assert document.open_block(sealed_document.block, commitment=sealed_document.entry.commitment) == {"cents": [1, -1]}
    with pytest.raises(document.CommitmentWrong):
        document.open_block(sealed_document.block, commitment=sha256(b"else"))


def test_entries_come_back_in_order_and_disorder_is_refused() -> None:
    a, b = sealed(15), sealed(15, beacon=10)
    paper = document.seal(log.EntryType.RULE_PACK, 1, salt=bytes(32)).entry
    entries = log.arrange(7, [a.signed, b.signed], [paper])
    assert log.decode_entries(log.encode_entries(entries)) == entries
    log.check_order(7, entries, [a.signed, b.signed])
    with pytest.raises(log.EntriesDisordered):
        log.check_order(7, [*entries[1:], entries[0]], [a.signed, b.signed])
    with pytest.raises(log.EntriesDisordered):
        log.check_order(7, entries[:-1], [a.signed])
    with pytest.raises(log.EntryMalformed):
        log.parse(entries[0].raw + b"\0")


def test_manifest_comes_back_and_a_missing_or_doubled_row_is_refused() -> None:
    one = sealed()
    row = manifest.row_of(
        KEY.address, 1, segments=[one.signed], head=START.digest, evidence=sha256(b"e"), epoch_start_ms=0, frozen=False
    )
    quiet = manifest.row_of(
        KEY.address, 2, segments=[], head=START.digest, evidence=None, epoch_start_ms=0, frozen=False
    )
    made = manifest.Manifest(
        log=sha256(b"log"), epoch=5, prev=sha256(b"p"), size=2, root=sha256(b"r"), as_of_block=3, as_of_hash=sha256(b"b"),
        entries=sha256(b"x"), rows=(row, quiet),
    )  # fmt: skip
    assert manifest.decode(manifest.encode(made)) == made
    assert (row.status, quiet.status) == ("live", "silent")
    manifest.check_rows(made, [(KEY.address, 1), (KEY.address, 2)])
    with pytest.raises(manifest.RowMissing):
        manifest.check_rows(made, [(KEY.address, 3)])
    with pytest.raises(manifest.RowsDisordered):
        manifest.check_rows(replace(made, rows=(quiet, row)), [])


@given(st.integers(1, 130), st.data())
@settings(max_examples=60)
def test_tree_agrees_with_the_standard_for_every_size(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(size)]
    tree = merkle.HashTree(leaves)
    assert tree.root() == naive_root(leaves) == merkle.root_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    merkle.verify_inclusion(leaves[index], index=index, size=size, proof=tree.inclusion_proof(index), root=tree.root())
    old = data.draw(st.integers(0, size))
    proof = tree.consistency_proof(old)
    merkle.verify_consistency(old_size=old, new_size=size, proof=proof, old_root=tree.root(old), new_root=tree.root())
    if proof:
        with pytest.raises(AllianceError):
            merkle.verify_consistency(
                old_size=old, new_size=size, proof=proof[:-1], old_root=tree.root(old), new_root=tree.root()
            )
        with pytest.raises(AllianceError):
            merkle.verify_consistency(
                old_size=old, new_size=size, proof=proof, old_root=sha256(b"fork"), new_root=tree.root()
            )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 31, 64, 100])
def test_pymerkle_agrees_with_our_roots_and_proofs(size: int) -> None:
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    entries = [bytes([i, 1]) for i in range(size)]
    for entry in entries:
        theirs.append_entry(entry)
    ours = merkle.HashTree(map(merkle.leaf_hash, entries))
    assert theirs.get_root() == ours.root()
    for old in range(1, size + 1):
        pymerkle.verify_consistency(theirs.get_root(old), theirs.get_root(), theirs.prove_consistency(old, size))
        assert theirs.get_root(old) == ours.root(old)
    for index in range(size):
        proof = theirs.prove_inclusion(index + 1)
        serialized = proof.serialize()
        path = [bytes.fromhex(node) for node in serialized["path"]]
        assert path[1:] == ours.inclusion_proof(index)


def test_cbor_agrees_with_libipld_and_refuses_other_forms() -> None:
    value = {"a": [1, -5, 2**64 - 1, None, True, b"x" * 300, "联盟"], "bb": {"z": 0}}
    assert cbor.encode(value) == libipld.encode_dag_cbor(value)
    assert cbor.decode(cbor.encode(value)) == value
    for raw in [
        "1800",
        "a2616200616100",
        "a2616100616101",
        "fb3ff0000000000000",
        "5f40ff",
        "c101",
        "8200",
        "00ff",
        "617f80",
    ]:
        with pytest.raises(cbor.NotCanonical):
            cbor.decode(bytes.fromhex(raw))


def test_cbor_keeps_bytes_that_look_like_a_link() -> None:
    lookalike = cbor.Cid(sha256(b"x")).raw
    assert cbor.decode(cbor.encode(lookalike)) == lookalike
    assert libipld.encode_dag_cbor(lookalike) != cbor.encode(lookalike), "libipld no longer needs our own codec"


def test_cid_reads_back_and_agrees_with_libipld() -> None:
    cid = cbor.cid_of(cbor.encode({"x": 1}))
    assert cbor.parse_cid(str(cid)) == cid
    assert libipld.decode_cid(str(cid))["hash"]["digest"] == cid.digest
    with pytest.raises(cbor.BadCid):
        cbor.parse_cid(str(cid)[:-1] + "1")


def test_upload_is_refused_when_a_field_is_unknown_or_out_of_range() -> None:
    plain = segment.sealed_to_plain(sealed())
    assert segment.sealed_from_plain(plain, DOMAIN) == sealed()
    for change in ({"extra": 1}, {"channel": 65536}, {"root": b"short"}, {"count": True}):
        with pytest.raises(PlainMalformed):
            segment.sealed_from_plain({**plain, **change}, DOMAIN)


def test_keccak_is_the_ethereum_hash() -> None:
    assert keccak256(b"").hex().startswith("c5d24601")
