"""Signatures over 32-byte digests (protocol 3.6): algorithm 1 is secp256k1, low s, 64 bytes of EIP-2098."""

from dataclasses import dataclass

import coincurve

from alliance.errors import Malformed, Refused
from alliance.identity import Address, Digest
from oracle.hashing import keccak256

SECP256K1 = 1
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_ORDER = 2 * _HALF_ORDER + 1
_PARITY = 1 << 255


@dataclass(kw_only=True, eq=False)
class AlgorithmUnknown(Refused):
    """A signature algorithm that this version does not verify."""

    alg: int


@dataclass(kw_only=True, eq=False)
class SignatureMalformed(Malformed):
    """A signature has the wrong length, a high s, or values outside the curve's order."""

    why: str


def recover(digest: Digest, *, alg: int, signature: bytes) -> Address:
    """The address of the key that signed. Raises AlgorithmUnknown or SignatureMalformed."""
    if alg != SECP256K1:
        raise AlgorithmUnknown(alg=alg)
    if len(signature) != 64:
        raise SignatureMalformed(why=f"want 64 bytes, got {len(signature)}")
    tail = int.from_bytes(signature[32:], "big")
    s = tail & (_PARITY - 1)
    if not 0 < s <= _HALF_ORDER:
        raise SignatureMalformed(why="s is zero or high")
    raw = signature[:32] + s.to_bytes(32, "big") + bytes([tail >> 255])
    try:
        key = coincurve.PublicKey.from_signature_and_message(raw, digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception for an impossible r
        raise SignatureMalformed(why="no such point") from error
    return _address_of(key)


class SecpSigner:
    """A secp256k1 key in memory; signs deterministically (RFC 6979)."""

    alg = SECP256K1

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32 or not 0 < int.from_bytes(secret, "big") < _ORDER:
            raise SignatureMalformed(why="secret key is not a scalar of the curve")
        self._key = coincurve.PrivateKey(secret)
        self._address = _address_of(self._key.public_key)

    @property
    def address(self) -> Address:
        """The Ethereum address of the key."""
        return self._address

    def sign(self, digest: Digest) -> bytes:
        """64 bytes: r, then s with the parity of y in its top bit (EIP-2098)."""
        raw: bytes = self._key.sign_recoverable(digest, hasher=None)
        return raw[:32] + bytes([raw[32] | raw[64] << 7]) + raw[33:64]


def expand(signature: bytes) -> bytes:
    """The 65-byte form r‖s‖v (v 27 or 28) that most Ethereum libraries want."""
    return signature[:32] + bytes([signature[32] & 0x7F]) + signature[33:64] + bytes([27 + (signature[32] >> 7)])


def _address_of(key: coincurve.PublicKey) -> Address:
    return Address(keccak256(key.format(compressed=False)[1:])[12:])
