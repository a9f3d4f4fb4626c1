"""Who signed, of many secp256k1 signatures at a time (protocol 3.6): assumed one by one, proved in batches.

The first signature of a device tells its key (EIP-2098). Each later one is assumed to be by the same key and kept; so
many together are proved by one equation: for signatures (r, s) over digests z with the points R that r and its parity
name, and weights a of 128 bits,

    Σ a·R  =  (Σ a·z/s) G + Σ_Q (Σ a·r/s) Q.

Each term holds by itself exactly when `oracle.signature.recover` finds Q, and a sum in which one does not holds with a
chance of 2⁻¹²⁸: the weights are drawn from a hash over the whole batch, so that who makes a signature cannot know them.
A batch that does not hold says nothing about which signature is wrong: whoever relied on it begins again without
assuming, and what the strict reader finds then is what counts.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT

from alliance.identity import Address, Digest
from oracle.hashing import keccak256
from oracle.signature import HALF_ORDER, ORDER, SECP256K1, recover

BATCH = 8_192
"""So many signatures are proved together; memory and the cost of a failed batch grow with it."""
SINGLY = 48
"""Fewer than so many are recovered one by one: a batch's fixed cost is that of about as many."""

_PARITY = 1 << 255
_WEIGHT_BYTES = 16
_BITS = 8
_CONTEXT = GLOBAL_CONTEXT.ctx


class Unproved(Exception):
    """A batch of assumed signers does not hold; not an `AllianceError`: nobody may take it for a finding."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A key as the library holds it, and its address."""

    point: Any
    address: Address


class Signers:
    """The signers of one audit's segments; `trusted` tells of a device that no other key can have signed for it.

    Not to be shared between threads.
    """

    def __init__(self, trusted: Callable[[Address], bool]) -> None:
        self._trusted = trusted
        self._keys: dict[Address, _Key] = {}
        self._pending: list[tuple[Digest, bytes, _Key]] = []
        self._points = ffi.new("secp256k1_pubkey[]", BATCH)
        self._places = [self._points + at for at in range(BATCH)]

    def of(self, device: Address, digest: Digest, signature: bytes) -> Address:
        """The signer, found or assumed. Raises SignatureMalformed, and Unproved when a full batch does not hold."""
        key = self._keys.get(device)
        if key is None or len(signature) != 64:
            return self._found(device, digest, signature)
        self._pending.append((digest, signature, key))
        if len(self._pending) == BATCH:
            self.prove()
        return key.address

    def prove(self) -> None:
        """Prove all that is assumed so far. Raises Unproved."""
        pending, self._pending = self._pending, []
        if len(pending) < SINGLY:
            holds = all(_is_by(digest, signature, key) for digest, signature, key in pending)
        else:
            holds = self._hold(pending)
        if not holds:
            raise Unproved(len(pending))

    def _found(self, device: Address, digest: Digest, signature: bytes) -> Address:
        """Recovered; what a device's first signature tells is assumed of its next ones."""
        address = recover(digest, alg=SECP256K1, signature=signature)
        if self._trusted(device):
            key = _recovered(digest, signature)
            if key is not None and key.address == address:
                self._keys[device] = key
        return address

    def _hold(self, pending: Sequence[tuple[Digest, bytes, _Key]]) -> bool:
        """Whether the equation holds for these signatures; False too for one that is malformed."""
        weights = _weights(pending)
        scalars = _scalars(pending, weights)
        if scalars is None or not self._lift(pending):
            return False
        left = _weighted_sum(self._places[: len(pending)], weights)
        right = _known_sum(*scalars)
        return left is not None and right is not None and not lib.secp256k1_ec_pubkey_cmp(_CONTEXT, left, right)

    def _lift(self, pending: Sequence[tuple[Digest, bytes, _Key]]) -> bool:
        """Put down the points R; False when an r names none."""
        parse = lib.secp256k1_ec_pubkey_parse
        return all(
            parse(_CONTEXT, place, (b"\x03" if signature[32] & 0x80 else b"\x02") + signature[:32], 33)
            for place, (_, signature, _) in zip(self._places, pending, strict=False)
        )


def _is_by(digest: Digest, signature: bytes, key: _Key) -> bool:
    found = _recovered(digest, signature)
    return found is not None and found.address == key.address


def _recovered(digest: Digest, signature: bytes) -> _Key | None:
    """The key of a signature as the library gives it; None for a signature that is malformed."""
    s = int.from_bytes(signature[32:], "big") & (_PARITY - 1)
    if not 0 < s <= HALF_ORDER:
        return None
    signed, point = ffi.new("secp256k1_ecdsa_recoverable_signature *"), ffi.new("secp256k1_pubkey *")
    compact, parity = signature[:32] + s.to_bytes(32, "big"), signature[32] >> 7
    if not lib.secp256k1_ecdsa_recoverable_signature_parse_compact(_CONTEXT, signed, compact, parity):
        return None
    if not lib.secp256k1_ecdsa_recover(_CONTEXT, point, signed, digest):
        return None
    raw, size = ffi.new("unsigned char[65]"), ffi.new("size_t *", 65)
    lib.secp256k1_ec_pubkey_serialize(_CONTEXT, raw, size, point, lib.SECP256K1_EC_UNCOMPRESSED)
    return _Key(point, Address(keccak256(bytes(ffi.buffer(raw))[1:])[12:]))


def _weights(pending: Sequence[tuple[Digest, bytes, _Key]]) -> bytes:
    """16 bytes for each signature, of a hash over all of them with their digests and keys; none is zero."""
    seed = hashlib.sha256()
    for digest, signature, key in pending:
        seed.update(digest + signature + key.address)
    raw = hashlib.shake_128(seed.digest()).digest(_WEIGHT_BYTES * len(pending))
    zero = bytes(_WEIGHT_BYTES)
    pieces = [raw[at : at + _WEIGHT_BYTES] for at in range(0, len(raw), _WEIGHT_BYTES)]
    return raw if zero not in pieces else b"".join(piece if piece != zero else b"\x01" + zero[1:] for piece in pieces)


def _scalars(
    pending: Sequence[tuple[Digest, bytes, _Key]], weights: bytes
) -> tuple[int, list[tuple[_Key, int]]] | None:
    """The factor of G and of each key; None for an r or s outside its range."""
    tails = [int.from_bytes(signature[32:], "big") & (_PARITY - 1) for _, signature, _ in pending]
    heads = [int.from_bytes(signature[:32], "big") for _, signature, _ in pending]
    if min(tails) <= 0 or max(tails) > HALF_ORDER or min(heads) <= 0 or max(heads) >= ORDER:
        return None
    of_base, of_keys = 0, dict[int, list[Any]]()
    for at, (digest, _, key), inverse, r in zip(range(len(pending)), pending, _inverses(tails), heads, strict=True):
        low = at * _WEIGHT_BYTES
        factor = int.from_bytes(weights[low : low + _WEIGHT_BYTES], "little") * inverse % ORDER
        of_base += factor * int.from_bytes(digest, "big")
        of_keys.setdefault(id(key), [key, 0])[1] += factor * r
    return of_base % ORDER, [(key, factor % ORDER) for key, factor in of_keys.values()]


def _inverses(values: Sequence[int]) -> list[int]:
    """The inverses modulo the order: one inversion for all, and three products each."""
    products, product = [], 1
    for value in values:
        products.append(product)
        product = product * value % ORDER
    inverse = pow(product, -1, ORDER)
    found = [0] * len(values)
    for at in range(len(values) - 1, -1, -1):
        found[at] = inverse * products[at] % ORDER
        inverse = inverse * values[at] % ORDER
    return found


def _weighted_sum(points: Sequence[Any], weights: bytes) -> Any | None:
    """Σ weight · point, by buckets of equal bytes, then by bits; None where the library meets the neutral element."""
    total: Any | None = None
    for byte in range(_WEIGHT_BYTES - 1, -1, -1):
        buckets: list[list[Any]] = [[] for _ in range(1 << _BITS)]
        for digit, point in zip(weights[byte::_WEIGHT_BYTES], points, strict=True):
            buckets[digit].append(point)
        sums = [(digit, _sum(bucket)) for digit, bucket in enumerate(buckets) if digit and bucket]
        if any(one is None for _, one in sums):
            return None
        for bit in range(_BITS - 1, -1, -1):
            parts = [one for digit, one in sums if digit >> bit & 1]
            if total is not None:
                parts += [total, total]
            if parts:
                total = _sum(parts)
                if total is None:
                    return None
    return total


def _known_sum(of_base: int, of_keys: Sequence[tuple[_Key, int]]) -> Any | None:
    """The right side of the equation; None where a factor is zero."""
    base = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ec_pubkey_create(_CONTEXT, base, of_base.to_bytes(32, "big")):
        return None
    parts = [base]
    for key, factor in of_keys:
        part = ffi.new("secp256k1_pubkey *", key.point[0])
        if not lib.secp256k1_ec_pubkey_tweak_mul(_CONTEXT, part, factor.to_bytes(32, "big")):
            return None
        parts.append(part)
    return _sum(parts)


def _sum(points: Sequence[Any]) -> Any | None:
    found = ffi.new("secp256k1_pubkey *")
    held = ffi.new("secp256k1_pubkey *[]", points)
    return found if lib.secp256k1_ec_pubkey_combine(_CONTEXT, found, held, len(points)) else None
