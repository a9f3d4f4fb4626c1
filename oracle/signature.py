"""Signatures over 32-byte digests (protocol 3.6): 1 secp256k1, 2 P-256, 3 Ed25519; 4 SM2 is refused by name.

1 is 64 bytes of EIP-2098 and tells who signed. 2 is r‖s with low s over the digest itself, 3 plain Ed25519 with the
digest as message: both are checked against the device's confirmed public keys, and a signer's address is the last 20
bytes of keccak256(public key): 64 bytes x‖y for 1 and 2, 32 bytes for 3.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import coincurve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from alliance.errors import Malformed, Refused
from alliance.identity import ZERO_ADDRESS, Address, Digest
from oracle.hashing import keccak256

SECP256K1 = 1
P256 = 2
ED25519 = 3
SM2 = 4
LOOKED_UP = (P256, ED25519)
"""Algorithms whose signatures do not tell who signed: the key is looked up among those confirmed for the device."""

PublicKeys = Callable[[Address, int], Sequence[bytes]]
"""The public keys that were ever confirmed for a device with an algorithm of `LOOKED_UP`."""

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 2 * HALF_ORDER + 1
_PARITY = 1 << 255
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256_ECDSA = ec.ECDSA(utils.Prehashed(SHA256()), deterministic_signing=True)
_ED25519_FIELD = (1 << 255) - 19
_ED25519_SMALL = (
    1,
    _ED25519_FIELD - 1,
    0,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
)
"""The y of the eight points whose order divides 8: anyone can sign for them."""
_NAMES = {SM2: "SM2"}


@dataclass(kw_only=True, eq=False)
class AlgorithmUnknown(Refused):
    """A signature algorithm that this version does not verify."""

    alg: int
    name: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or _NAMES.get(self.alg, "unknown")


@dataclass(kw_only=True, eq=False)
class SignatureMalformed(Malformed):
    """A signature has the wrong length, a high s, or values outside the curve's order."""

    why: str


@dataclass(kw_only=True, eq=False)
class PublicKeyMalformed(Malformed):
    """Bytes are no public key of their algorithm: wrong length, no point of the curve, or one of small order."""

    alg: int
    why: str


def no_keys(device: Address, alg: int) -> Sequence[bytes]:
    """No device has a confirmed key of an algorithm that is looked up."""
    del device, alg
    return ()


def recover(digest: Digest, *, alg: int, signature: bytes, public_keys: Iterable[bytes] = ()) -> Address:
    """The address of the key that signed; the zero address, which no key has, when none of `public_keys` did.

    Raises AlgorithmUnknown or SignatureMalformed.
    """
    match alg:
        case 1:
            return _recovered(digest, signature)
        case 2:
            check = _p256_check(digest, signature)
        case 3:
            check = _ed25519_check(digest, signature)
        case _:
            raise AlgorithmUnknown(alg=alg)
    return next((address_of(alg, key) for key in public_keys if check(key)), ZERO_ADDRESS)


def address_of(alg: int, public_key: bytes) -> Address:
    """The address by which a key is known. Raises AlgorithmUnknown or PublicKeyMalformed for the wrong length."""
    want = {SECP256K1: 64, P256: 64, ED25519: 32}.get(alg)
    if want is None:
        raise AlgorithmUnknown(alg=alg)
    if len(public_key) != want:
        raise PublicKeyMalformed(alg=alg, why=f"want {want} bytes, got {len(public_key)}")
    return Address(keccak256(public_key)[12:])


def check_public_key(alg: int, public_key: bytes) -> None:
    """Refuse a public key for which a signature would prove nothing. Raises AlgorithmUnknown or PublicKeyMalformed."""
    address_of(alg, public_key)
    if (alg == P256 and _p256_key(public_key) is None) or (alg == ED25519 and _ed25519_key(public_key) is None):
        raise PublicKeyMalformed(alg=alg, why="no point of the curve, or one of small order")


class SecpSigner:
    """A secp256k1 key in memory; signs deterministically (RFC 6979)."""

    alg = SECP256K1

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32 or not 0 < int.from_bytes(secret, "big") < ORDER:
            raise SignatureMalformed(why="secret key is not a scalar of the curve")
        self._key = coincurve.PrivateKey(secret)
        self._address = _address_of(self._key.public_key)

    @property
    def address(self) -> Address:
        """The Ethereum address of the key."""
        return self._address

    @property
    def public_key(self) -> bytes:
        """64 bytes: x, then y."""
        return bytes(self._key.public_key.format(compressed=False)[1:])

    def sign(self, digest: Digest) -> bytes:
        """64 bytes: r, then s with the parity of y in its top bit (EIP-2098)."""
        raw: bytes = self._key.sign_recoverable(digest, hasher=None)
        return raw[:32] + bytes([raw[32] | raw[64] << 7]) + raw[33:64]


class P256Signer:
    """A P-256 key in memory; signs deterministically (RFC 6979)."""

    alg = P256

    def __init__(self, secret: bytes) -> None:
        scalar = int.from_bytes(secret, "big")
        if len(secret) != 32 or not 0 < scalar < _P256_ORDER:
            raise SignatureMalformed(why="secret key is not a scalar of the curve")
        self._key = ec.derive_private_key(scalar, ec.SECP256R1())
        self.public_key = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
        self.address = address_of(P256, self.public_key)

    def sign(self, digest: Digest) -> bytes:
        """64 bytes: r, then the lower s."""
        r, s = utils.decode_dss_signature(self._key.sign(digest, _P256_ECDSA))
        return r.to_bytes(32, "big") + min(s, _P256_ORDER - s).to_bytes(32, "big")


class Ed25519Signer:
    """An Ed25519 key in memory."""

    alg = ED25519

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise SignatureMalformed(why="secret key does not have 32 bytes")
        self._key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.address = address_of(ED25519, self.public_key)

    def sign(self, digest: Digest) -> bytes:
        """64 bytes: R, then S (RFC 8032)."""
        return self._key.sign(digest)


KeySigner = SecpSigner | P256Signer | Ed25519Signer
"""A key in memory, of any algorithm that this version signs with."""


def signer_of(alg: int, secret: bytes) -> KeySigner:
    """The key of 32 secret bytes. Raises AlgorithmUnknown or SignatureMalformed for bytes that are no key."""
    match alg:
        case 1:
            return SecpSigner(secret)
        case 2:
            return P256Signer(secret)
        case 3:
            return Ed25519Signer(secret)
        case _:
            raise AlgorithmUnknown(alg=alg)


def expand(signature: bytes) -> bytes:
    """The 65-byte form r‖s‖v (v 27 or 28) that most Ethereum libraries want."""
    return signature[:32] + bytes([signature[32] & 0x7F]) + signature[33:64] + bytes([27 + (signature[32] >> 7)])


def _recovered(digest: Digest, signature: bytes) -> Address:
    _check_length(signature)
    tail = int.from_bytes(signature[32:], "big")
    s = tail & (_PARITY - 1)
    if not 0 < s <= HALF_ORDER:
        raise SignatureMalformed(why="s is zero or high")
    raw = signature[:32] + s.to_bytes(32, "big") + bytes([tail >> 255])
    try:
        key = coincurve.PublicKey.from_signature_and_message(raw, digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception for an impossible r
        raise SignatureMalformed(why="no such point") from error
    return _address_of(key)


def _p256_check(digest: Digest, signature: bytes) -> Callable[[bytes], bool]:
    _check_length(signature)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not 0 < s <= _P256_ORDER // 2:
        raise SignatureMalformed(why="s is zero or high")
    if not 0 < r < _P256_ORDER:
        raise SignatureMalformed(why="r is not below the curve's order")
    encoded = utils.encode_dss_signature(r, s)

    def check(public_key: bytes) -> bool:
        key = _p256_key(public_key)
        return key is not None and _verifies(lambda: key.verify(encoded, digest, _P256_ECDSA))

    return check


def _ed25519_check(digest: Digest, signature: bytes) -> Callable[[bytes], bool]:
    _check_length(signature)

    def check(public_key: bytes) -> bool:
        key = _ed25519_key(public_key)
        return key is not None and _verifies(lambda: key.verify(signature, digest))

    return check


def _verifies(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1024)
def _p256_key(public_key: bytes) -> ec.EllipticCurvePublicKey | None:
    """The key of 64 bytes x‖y; None when they are no point of the curve."""
    if len(public_key) != 64:
        return None
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + public_key)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _ed25519_key(public_key: bytes) -> ed25519.Ed25519PublicKey | None:
    """The key of 32 bytes; None when its y is not below the field's prime or belongs to a point of small order."""
    y = int.from_bytes(public_key, "little") & (_PARITY - 1)
    if len(public_key) != 32 or y >= _ED25519_FIELD or y in _ED25519_SMALL:
        return None
    return ed25519.Ed25519PublicKey.from_public_bytes(public_key)


def _check_length(signature: bytes) -> None:
    if len(signature) != 64:
        raise SignatureMalformed(why=f"want 64 bytes, got {len(signature)}")


def _address_of(key: coincurve.PublicKey) -> Address:
    return Address(keccak256(key.format(compressed=False)[1:])[12:])
