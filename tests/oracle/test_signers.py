"""Protocol 3.6: a batch of assumed signers is proved exactly when each signature is by the key that was assumed."""

from functools import cache
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alliance.errors import AllianceError
from alliance.identity import Address, Digest
from oracle import signers
from oracle.hashing import sha256
from oracle.signature import HALF_ORDER, ORDER, SECP256K1, SecpSigner, SignatureMalformed, recover
from oracle.signers import SINGLY, Signers, Unproved

Item = tuple[Address, Digest, bytes]

BOXES = [SecpSigner(sha256(b"signers", bytes([n]))) for n in range(3)]
FEW, MANY = SINGLY - 2, SINGLY + 30


@cache
def signed(count: int) -> tuple[Item, ...]:
    found = []
    for n in range(count):
        box, digest = BOXES[n % len(BOXES)], sha256(b"digest", n.to_bytes(4, "big"))
        found.append((box.address, digest, box.sign(digest)))
    return tuple(found)


def is_proved(items: list[Item], trusted=lambda device: True) -> bool:
    """Whether all are assumed to be their devices' own, and proved."""
    found = Signers(trusted)
    try:
        assert [found.of(*item) for item in items] == [device for device, _, _ in items]
        found.prove()
    except Unproved:
        return False
    return True


def is_strictly_by(device: Address, digest: Digest, signature: bytes) -> bool:
    try:
        return recover(digest, alg=SECP256K1, signature=signature) == device
    except AllianceError:
        return False


def with_parts(signature: bytes, *, r: int | None = None, s: int | None = None, parity: int = 0) -> bytes:
    tail = int.from_bytes(signature[32:], "big") ^ parity << 255
    tail = tail if s is None else tail >> 255 << 255 | s
    head = int.from_bytes(signature[:32], "big") if r is None else r
    return head.to_bytes(32, "big") + tail.to_bytes(32, "big")


@pytest.mark.parametrize("count", [0, 1, 5, FEW, MANY, 700])
def test_batch_is_proved_when_each_device_signed(count: int) -> None:
    assert is_proved(list(signed(count)))


def test_full_batches_are_proved_on_the_way_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signers, "BATCH", 64)
    assert is_proved(list(signed(700)))
    items = list(signed(700))
    device, digest, signature = items[300]
    items[300] = (device, digest, with_parts(signature, parity=1))
    found = Signers(lambda device: True)
    with pytest.raises(Unproved):
        for item in items[:500]:
            found.of(*item)


WRONG = {
    "the other point": lambda item, rng: with_parts(item[2], parity=1),
    "another s": lambda item, rng: with_parts(item[2], s=rng.randrange(1, HALF_ORDER)),
    "another r": lambda item, rng: with_parts(item[2], r=rng.randrange(1, ORDER)),
    "high s": lambda item, rng: with_parts(item[2], s=2**255 - 1),
    "s of zero": lambda item, rng: with_parts(item[2], s=0),
    "r of zero": lambda item, rng: with_parts(item[2], r=0),
    "r of the order": lambda item, rng: with_parts(item[2], r=ORDER),
    "r beyond the field": lambda item, rng: with_parts(item[2], r=2**256 - 1),
    "another device's": lambda item, rng: next(b for b in BOXES if b.address != item[0]).sign(item[1]),
    "another digest's": lambda item, rng: next(b for b in BOXES if b.address == item[0]).sign(sha256(item[1])),
    "nothing": lambda item, rng: bytes(64),
}


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("what", WRONG)
def test_batch_is_not_proved_when_one_signature_is_wrong(what: str, count: int) -> None:
    rng = Random(what)
    for _ in range(3):
        items = list(signed(count))
        at = rng.randrange(len(BOXES), count)
        items[at] = (*items[at][:2], WRONG[what](items[at], rng))
        assert not is_strictly_by(*items[at])
        assert not is_proved(items)


def test_batch_is_not_proved_when_two_wrongs_cancel_without_weights() -> None:
    """s moved up in one and down in the other, of the same device; and two signatures in each other's place."""
    items = list(signed(MANY))
    for at, step in ((3, 1), (6, -1)):
        device, digest, signature = items[at]
        s = (int.from_bytes(signature[32:], "big") & (1 << 255) - 1) + step
        items[at] = (device, digest, with_parts(signature, s=s))
    assert not is_proved(items)
    items = list(signed(MANY))
    items[3], items[6] = (*items[3][:2], items[6][2]), (*items[6][:2], items[3][2])
    assert not is_proved(items)


@given(st.integers(3, MANY - 1), st.integers(0, 511), st.sampled_from(["signature", "digest"]))
@example(5, 256, "signature")
@settings(max_examples=150, deadline=None)
def test_batch_is_proved_exactly_when_the_strict_reader_finds_every_device(at: int, bit: int, what: str) -> None:
    items = list(signed(MANY))
    device, digest, signature = items[at]
    if what == "signature":
        raw = bytearray(signature)
        raw[bit // 8] ^= 1 << bit % 8
        items[at] = (device, digest, bytes(raw))
    else:
        raw = bytearray(digest)
        raw[bit // 8 % 32] ^= 1 << bit % 8
        items[at] = (device, Digest(bytes(raw)), signature)
    assert is_proved(items) == all(is_strictly_by(*item) for item in items)


def test_signer_is_always_found_when_a_device_is_not_trusted_to_have_one_key() -> None:
    found = Signers(lambda device: False)
    device = BOXES[0].address
    for n, box in enumerate([*BOXES, *BOXES]):
        digest = sha256(b"any", bytes([n]))
        assert found.of(device, digest, box.sign(digest)) == box.address
    found.prove()


def test_first_signature_of_a_device_is_refused_by_name_when_it_is_malformed() -> None:
    device, digest, signature = signed(1)[0]
    for wrong in (with_parts(signature, s=0), with_parts(signature, r=ORDER), signature[:63]):
        with pytest.raises(SignatureMalformed):
            Signers(lambda device: True).of(device, digest, wrong)


def test_later_signature_is_refused_by_name_when_it_has_another_length() -> None:
    found = Signers(lambda device: True)
    device, digest, signature = signed(1)[0]
    found.of(device, digest, signature)
    with pytest.raises(SignatureMalformed):
        found.of(device, digest, signature + b"\0")


def test_digest_beyond_the_order_is_proved_when_it_was_signed() -> None:
    """A digest is taken modulo the order, as when it is signed."""
    items = list(signed(MANY))
    digest = Digest((ORDER + 5).to_bytes(32, "big"))
    items.append((BOXES[0].address, digest, BOXES[0].sign(digest)))
    assert is_proved(items)
