"""Protocol 3.6: secp256k1, P-256 and Ed25519 sign the digest; what is malleable, foreign or SM2 is refused by name."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256

from alliance.identity import ZERO_ADDRESS, Digest
from oracle.hashing import keccak256, sha256
from oracle.signature import (
    _ED25519_SMALL,
    _P256_ORDER,
    AlgorithmUnknown,
    Ed25519Signer,
    P256Signer,
    PublicKeyMalformed,
    SecpSigner,
    SignatureMalformed,
    check_public_key,
    recover,
    signer_of,
)

SIGNED = sha256(b"a segment's digest")
SIGNERS = [SecpSigner(b"\x11" * 32), P256Signer(b"\x11" * 32), Ed25519Signer(b"\x11" * 32)]
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys.json").read_text())


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda s: f"alg {s.alg}")
def test_signer_is_found_when_its_key_is_among_the_devices_keys(signer) -> None:
    others = [P256Signer(b"\x22" * 32).public_key, Ed25519Signer(b"\x22" * 32).public_key]
    signature = signer.sign(SIGNED)
    assert len(signature) == 64
    assert signature == signer.sign(SIGNED), "signing twice gives the same bytes"
    assert (
        recover(SIGNED, alg=signer.alg, signature=signature, public_keys=[*others, signer.public_key]) == signer.address
    )
    assert signer.address == keccak256(signer.public_key)[12:]
    assert signer_of(signer.alg, b"\x11" * 32).address == signer.address


@pytest.mark.parametrize("signer", SIGNERS[1:], ids=lambda s: f"alg {s.alg}")
def test_nobody_signed_when_no_key_of_the_device_did(signer) -> None:
    signature = signer.sign(SIGNED)
    assert recover(SIGNED, alg=signer.alg, signature=signature) == ZERO_ADDRESS
    stranger = type(signer)(b"\x33" * 32).public_key
    assert recover(SIGNED, alg=signer.alg, signature=signature, public_keys=[stranger]) == ZERO_ADDRESS
    assert (
        recover(sha256(b"another"), alg=signer.alg, signature=signature, public_keys=[signer.public_key])
        == ZERO_ADDRESS
    )


@pytest.mark.parametrize("alg", [0, 4, 5, 255])
def test_algorithm_is_refused_by_name_when_it_is_sm2_or_unknown(alg: int) -> None:
    with pytest.raises(AlgorithmUnknown, match="SM2" if alg == 4 else "unknown"):
        recover(SIGNED, alg=alg, signature=bytes(64))


@pytest.mark.parametrize("alg", [1, 2, 3])
@pytest.mark.parametrize("length", [0, 63, 65])
def test_signature_is_refused_when_it_is_not_64_bytes(alg: int, length: int) -> None:
    with pytest.raises(SignatureMalformed, match="64"):
        recover(SIGNED, alg=alg, signature=bytes(length))


def test_p256_signature_is_refused_when_its_s_is_high_or_a_half_is_out_of_range() -> None:
    signer = SIGNERS[1]
    good = signer.sign(SIGNED)
    s = int.from_bytes(good[32:], "big")
    assert s <= _P256_ORDER // 2
    mirrored = good[:32] + (_P256_ORDER - s).to_bytes(32, "big")
    for bent in (mirrored, good[:32] + bytes(32), bytes(32) + good[32:], _P256_ORDER.to_bytes(32, "big") + good[32:]):
        with pytest.raises(SignatureMalformed):
            recover(SIGNED, alg=2, signature=bent, public_keys=[signer.public_key])


def test_p256_and_ed25519_signatures_are_those_of_the_standard_library_of_the_trade() -> None:
    p256, ed = SIGNERS[1], SIGNERS[2]
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + p256.public_key)
    raw = p256.sign(SIGNED)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, SIGNED, ec.ECDSA(utils.Prehashed(SHA256())))
    ed25519.Ed25519PublicKey.from_public_bytes(ed.public_key).verify(ed.sign(SIGNED), SIGNED)


def test_ed25519_key_of_small_order_signs_nothing() -> None:
    """For such a point anyone finds a signature: R = any multiple, S = 0."""
    for y in _ED25519_SMALL:
        for sign_bit in (0, 1 << 255):
            weak = (y | sign_bit).to_bytes(32, "little")
            for r in (weak, (1).to_bytes(32, "little")):
                assert recover(SIGNED, alg=3, signature=r + bytes(32), public_keys=[weak]) == ZERO_ADDRESS
            with pytest.raises(PublicKeyMalformed):
                check_public_key(3, weak)


def test_small_order_points_are_exactly_those_that_eight_times_vanish() -> None:
    """Derived, not remembered: multiply points by the group's order and walk what is left."""
    p, order = (1 << 255) - 19, (1 << 252) + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p

    def add(a, b):
        k = d * a[0] * b[0] * a[1] * b[1] % p
        x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, p) % p
        return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, p) % p

    def times(n, point):
        total = (0, 1)
        while n:
            total = add(total, point) if n & 1 else total
            point, n = add(point, point), n >> 1
        return total

    found, y = set(), 2
    while len(found) < 5:
        square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(square, (p + 3) // 8, p)
        x = x if (x * x - square) % p == 0 else x * pow(2, (p - 1) // 4, p) % p
        if (x * x - square) % p == 0:
            small, walked = times(order, (x, y)), (0, 1)
            for _ in range(8):
                walked = add(walked, small)
                found.add(walked[1])
        y += 1
    assert found == set(_ED25519_SMALL)


def test_public_key_is_refused_when_it_is_no_point_or_of_another_length() -> None:
    bent = bytearray(SIGNERS[1].public_key)
    bent[63] ^= 1
    for alg, key in ((2, bytes(bent)), (2, bytes(64)), (2, bytes(63)), (3, bytes(31)), (3, b"\xff" * 32)):
        with pytest.raises(PublicKeyMalformed):
            check_public_key(alg, key)
    for signer in SIGNERS:
        check_public_key(signer.alg, signer.public_key)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_shared_vector_is_judged_as_it_says(case: dict) -> None:
    arguments = {
        "alg": case["alg"], "signature": bytes.fromhex(case["signature"][2:]),
        "public_keys": [bytes.fromhex(key[2:]) for key in case["publicKeys"]],
    }  # fmt: skip
    named = Digest(bytes.fromhex(case["digest"][2:]))
    if "error" in case:
        with pytest.raises((SignatureMalformed, AlgorithmUnknown)) as caught:
            recover(named, **arguments)
        assert caught.value.code == case["error"]
    else:
        assert "0x" + recover(named, **arguments).hex() == case["signer"]
